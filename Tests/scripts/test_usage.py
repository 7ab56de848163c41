"""Tests of scripts/usage, and of the help of the scripts that print theirs by it."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("scripts/dist", "scripts/fixtures", "scripts/install", "scripts/instructions",
           "scripts/packages", "scripts/quickstart", "scripts/test", "Tests/cli/run")


def output(*command: str) -> str:
    """What a command prints, from another folder."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True,
                              text=True).stdout


class Usage(unittest.TestCase):
    def test_the_first_comment_is_printed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "some"
            script.write_text("#!/bin/sh\n# Does it.\n#\n#   some [--all]   # all\n"
                              "set -e\n# More.\n")
            self.assertEqual(output(str(ROOT / "scripts" / "usage"), str(script)),
                             "Does it.\n\n  some [--all]   # all\n")

    def test_scripts_print_their_help(self) -> None:
        for name in SCRIPTS:
            with self.subTest(name):
                text = output(str(ROOT / name), "--help")
                self.assertIn(f"\n  {name}", text)
                self.assertNotIn("\nset ", text)


if __name__ == "__main__":
    unittest.main()
