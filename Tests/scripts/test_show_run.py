"""Tests of scripts/show-run: the texts that it finds for a run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "show-run"
RUN = "q Q0 d1 1 2.5 t\nq Q0 d2 2 1.5 t\n"


def shown(name: str, docs: bytes, run: bytes = RUN.encode()) -> str:
    """What it prints for a run with documents in a file of that name."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(docs)
        (Path(folder) / "one.run").write_bytes(run)
        return subprocess.run([sys.executable, str(SCRIPT), "--docs", name, "one.run"], cwd=folder,
                              check=True, capture_output=True, text=True).stdout


def names(constant: str) -> List[str]:
    """A list of names in the tools' sources."""
    text = (ROOT / "Sources" / "Records" / "FieldNames.swift").read_text()
    found = re.search(constant + r" = \[(.*?)\]", text, re.DOTALL)
    assert found, constant
    return re.findall(r'"(\w+)"', found.group(1))


class ShowRun(unittest.TestCase):
    WANTED = "  1. d1  (2.500)\n     one two\n  2. d2  (1.500)\n     three\n"

    def test_byte_order_marks_and_line_ends_of_other_systems(self) -> None:
        mark = b"\xef\xbb\xbf"
        docs = mark + b"d1\tone two\r\nd2\tthree\r\n"
        self.assertEqual(shown("docs.tsv", docs), self.WANTED)
        self.assertEqual(shown("docs.tsv", docs, mark + RUN.encode()), self.WANTED)
        lines = mark + b'{"id": "d1", "text": "one two"}\r\n{"id": "d2", "text": "three"}\r\n'
        self.assertEqual(shown("docs.jsonl", lines), self.WANTED)

    def test_every_key_that_the_tools_know(self) -> None:
        pairs = [(key, "text") for key in names("idKeys")] + [("id", key) for key in names("textKeys")]
        self.assertGreater(len(pairs), 20)
        for key, text in pairs:
            docs = [{key: "d1", "title": "one", text: "two"}, {key: "d2", "title": "", text: "three"}]
            lines = "".join(json.dumps(record) + "\n" for record in docs)
            self.assertEqual(shown("docs.jsonl", lines.encode()), self.WANTED, (key, text))


if __name__ == "__main__":
    unittest.main()
