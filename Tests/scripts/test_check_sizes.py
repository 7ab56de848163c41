"""Tests of scripts/check-sizes on small trees."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check-sizes"


class CheckSizes(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)

    def run_script(self, *arguments: str) -> List[str]:
        """What the script prints; its status must go with it."""
        command = [sys.executable, str(SCRIPT), "--root", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 1 if done.stdout and not arguments else 0)
        return done.stdout.splitlines()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def check(self, name: str, text: str) -> List[str]:
        """The complaints about a tree of one file."""
        self.write(name, text)
        return self.run_script()

    def test_files(self) -> None:
        self.assertEqual(self.check("Sources/Records/A.swift", "\n" * 500), [])
        self.assertEqual(self.check("Sources/Records/A.swift", "\n" * 501),
                         ["Sources/Records/A.swift:1: the file has 501 lines, at most 500 may be"])

    def test_tools_are_shorter(self) -> None:
        self.assertEqual(self.check("Sources/lir-eval/A.swift", "\n" * 250), [])
        self.assertEqual(len(self.check("Sources/lir-eval/A.swift", "\n" * 251)), 1)

    def test_scripts_without_suffix(self) -> None:
        self.assertEqual(len(self.check("scripts/some", "#!/bin/sh\n" + "\n" * 500)), 1)
        self.assertEqual(self.check("scripts/some", "\n" * 600), [])

    def test_what_is_no_source(self) -> None:
        self.write("Tests/Fixtures/a.py", "\n" * 600)
        self.write("scripts/table.tsv", "\n" * 600)
        self.assertEqual(self.check("Sources/Records/.cache/a.swift", "\n" * 600), [])

    def test_fixtures(self) -> None:
        self.assertEqual(self.check("Tests/Fixtures/a/b.bin", "x" * 20_000_000), [])
        self.write("Tests/Fixtures/c.bin", "x" * 100_000)
        self.assertEqual(self.run_script(),
                         ["Tests/Fixtures:1: the files have 20.1 MB, at most 20 may be"])

    def test_functions(self) -> None:
        def function(head: str, lines: int) -> str:
            return f"struct A {{\n  {head} {{\n" + "    // }\n" * (lines - 2) + "  }\n}\n"

        name = "Sources/Records/A.swift"
        for head in ("func a()", "package static func a<T>(_ x: [Int]) throws(Failure) -> T",
                     "init?(a: Int)", "@inlinable func a(\n    b: () -> Int = { 1 })"):
            extra = head.count("\n")
            with self.subTest(head):
                self.assertEqual(self.check(name, function(head, 60 - extra)), [])
                found = self.check(name, function(head, 61 - extra))
                self.assertEqual(len(found), 1, found)
                self.assertIn(":2: ", found[0])
                self.assertIn("has 61 lines, at most 60", found[0])

    def test_declarations_without_a_body(self) -> None:
        text = "protocol P {\n  func a()\n  init(b: Int)\n}\nstruct S {\n" + "// x\n" * 70 + "}\n"
        self.assertEqual(self.check("Sources/Records/A.swift", text), [])

    def test_braces_in_strings(self) -> None:
        text = 'func a() {\n  let b = "}"\n' + "  // x\n" * 60 + "}\n"
        self.assertIn("a has 63 lines", self.check("Sources/Records/A.swift", text)[0])

    def test_a_raw_quotation_mark_ends(self) -> None:
        text = 'let a = #"""#\nfunc b() { }\n' + 'let c = "\\\\"\n' * 60
        self.assertEqual(self.check("Sources/Records/A.swift", text), [])

    def test_a_row_that_is_not_needed(self) -> None:
        found = self.check("scripts/lirt.py", "\n" * 10)
        self.assertEqual(len(found), 1)
        self.assertIn("strike it", found[0])

    def test_the_longest(self) -> None:
        self.write("Sources/Records/A.swift", "func a() {\n}\n")
        self.write("Sources/Records/B.swift", "func b() {\n\n}\n")
        self.assertEqual(self.run_script("--longest", "1"), [
            "     3 Sources/Records/B.swift:1", "     3 Sources/Records/B.swift:1 b"])


if __name__ == "__main__":
    unittest.main()
