"""What CONTRIBUTING says of files is so."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Names that stand for any.
PLACEHOLDER = re.compile(r"\bNAME\b")


class Contributing(unittest.TestCase):
    def test_files_of_the_walk(self) -> None:
        """Every file and folder of a target that is named is there."""
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        named = re.findall(r"`([A-Za-z-]+/[\w+/.-]*)`", text)
        targets = {p.name for p in (ROOT / "Sources").iterdir()}
        paths = [n for n in named if n.split("/")[0] in targets and not PLACEHOLDER.search(n)]
        self.assertGreater(len(paths), 30)
        missing = [n for n in paths if not (ROOT / "Sources" / n).exists()]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
