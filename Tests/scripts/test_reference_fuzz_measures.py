"""The measures against ir_measures and pytrec_eval on a few random runs, where those are installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "reference" / "fuzz_measures.py"
BIN = Path(os.environ.get("LIR_BIN", ROOT / ".build" / "release"))
PACKAGES = ("ir_measures", "pytrec_eval", "pyndeval", "cwl")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]


@unittest.skipIf(MISSING, f"not installed: {' '.join(MISSING)}")
@unittest.skipUnless((BIN / "lir-eval").exists(), f"no lir-eval in {BIN}")
class FuzzMeasuresTest(unittest.TestCase):
    def run_script(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, str(SCRIPT), *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

    def test_no_differences(self) -> None:
        done = self.run_script("--count", "25", "--seed", "7", "--bin", str(BIN))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"seed 7, 25 cases, [0-9]{4,} values, 0 differences")

    def test_finds_differences(self) -> None:
        # A tool that is wrong by a hundred thousandth.
        with tempfile.TemporaryDirectory() as folder:
            tool = Path(folder) / "lir-eval"
            tool.write_text(
                f"#!/bin/sh\n'{BIN.resolve()}/lir-eval' \"$@\" |"
                " awk -F '\\t' -v OFS='\\t' '{ $4 += 0.00001; print }'\n")
            tool.chmod(0o755)
            done = self.run_script("--count", "2", "--seed", "7", "--bin", folder)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"seed 7, 2 cases, [0-9]+ values, [1-9][0-9]* differences")


if __name__ == "__main__":
    unittest.main()
