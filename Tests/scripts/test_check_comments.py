"""Tests of scripts/check-comments on small sources."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List, Tuple

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check-comments"


def run(*arguments: str) -> Tuple[int, List[str], str]:
    """Exit status, lines of output and messages of the script."""
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


class CheckComments(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)

    def check(self, text: str) -> List[str]:
        """The complaints about one source, each without its file."""
        path = self.root / "Sources" / "Records" / "Run.swift"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        status, lines, errors = run("--root", str(self.root))
        self.assertEqual(errors, "")
        self.assertEqual(status, 1 if lines else 0)
        name = "Sources/Records/Run.swift:"
        self.assertTrue(all(line.startswith(name) for line in lines), lines)
        return [line[len(name):] for line in lines]

    def assert_complaint(self, text: str, line: int, about: str) -> None:
        """One complaint, of this line, that says this."""
        complaints = self.check(text)
        self.assertEqual(len(complaints), 1, complaints)
        self.assertTrue(complaints[0].startswith(f"{line}: "), complaints)
        self.assertIn(about, complaints[0])

    def test_good_comments(self) -> None:
        self.assertEqual(self.check("""\
/// Precision of the attention products.
///
/// Of several requests the first counts. The same holds for `x`: it is one.
/// - Parameter x: how many.
/// - Throws: 65 where there is none.
/// - Returns: the sum.
func sum(x: Int) throws -> Int { x }
// Of plain comments nothing is asked.
//// Of more than three slashes neither.
let text = "/// Of a string"
/// Often, officers.
var a = 0
/// The sameness of things.
var b = 0
"""), [])

    def test_a_parameter_may_have_any_name(self) -> None:
        self.assertEqual(self.check("""\
/// Runs.
///
/// - Parameters:
///   - tool: its name.
///   - parameters: settings.
///   - returns: how many.
func run(tool: Int, parameters: Int, returns: Int) {}
"""), [])

    def test_of(self) -> None:
        self.assert_complaint("struct A {\n  /// Of the attention.\n  var p = 0\n}\n", 2, '"Of"')

    def test_the_same(self) -> None:
        self.assert_complaint("/// The same as bytes.\nvar p = 0\n", 1, '"The same"')

    def test_every_comment_of_a_file(self) -> None:
        self.assertEqual(len(self.check("/// Of a.\nvar a = 0\n/// Of b.\nvar b = 0\n")), 2)

    def test_throws_as_a_paragraph(self) -> None:
        self.assert_complaint("/// Reads.\n///\n/// Throws: 65 where not.\nfunc f() {}\n", 3,
                              "- Throws:")

    def test_throws_directly_below_the_summary(self) -> None:
        self.assert_complaint("/// Reads.\n/// Throws: 65 where not.\nfunc f() {}\n", 2,
                              "- Throws:")

    def test_exit_as_a_paragraph(self) -> None:
        self.assert_complaint("/// Reads.\n///\n/// Exit 65 where not.\nfunc f() {}\n", 3,
                              "- Throws:")

    def test_exit_after_a_sentence(self) -> None:
        self.assert_complaint("/// Reads.\n///\n/// It reads all. Exit 65 where not.\n"
                              "func f() {}\n", 3, "- Throws:")

    def test_throws_in_lower_case(self) -> None:
        self.assert_complaint("/// Reads.\n/// - throws: 65.\nfunc f() throws {}\n", 2, "- Throws:")

    def test_exit_within_a_sentence(self) -> None:
        self.assertEqual(self.check("/// Reads a line, with status\n/// Exit 65 in mind.\n"
                                    "var a = 0\n"), [])

    def test_loose_parameters(self) -> None:
        self.assert_complaint("/// Adds.\n///\n/// `x`: how many.\nfunc f(x: Int) {}\n", 3,
                              "- Parameter x:")
        self.assert_complaint("/// Adds.\n///\n/// `x`, `y`: how many.\nfunc f(x: Int) {}\n", 3,
                              "- Parameter x:")

    def test_an_attribute_before_the_function(self) -> None:
        self.assert_complaint("/// Adds.\n///\n/// `x`: how many.\n@inline(__always)\n"
                              "package static func f(x: Int) {}\n", 3, "- Parameter x:")

    def test_a_field_of_a_format(self) -> None:
        self.assertEqual(self.check("/// `Strip`: removes spaces.\ncase strip\n"
                                    "/// `p`: the share.\nvar share = 0\n"), [])

    def test_code_in_a_comment(self) -> None:
        self.assertEqual(self.check("/// Adds.\n///\n/// ```\n/// Throws: this\n/// ```\n"
                                    "var a = 0\n"), [])

    def test_named_paths(self) -> None:
        other = self.root / "Other.swift"
        other.write_text("/// Of a.\nvar a = 0\n", "utf-8")
        self.check("/// Of b.\nvar b = 0\n")
        status, lines, _ = run("--root", str(self.root), str(other))
        self.assertEqual(status, 1)
        self.assertEqual([line.split(":")[0] for line in lines], ["Other.swift"])

    def test_a_path_that_does_not_exist(self) -> None:
        status, lines, errors = run("--root", str(self.root), str(self.root / "nothing"))
        self.assertEqual((status, lines), (66, []))
        self.assertIn("nothing", errors)


if __name__ == "__main__":
    unittest.main()
