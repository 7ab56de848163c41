"""Tests of scripts/reference/compare.py on streams that test_lirt's writer makes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

try:
    import numpy as np

    import test_lirt as writer
except ImportError as error:
    raise unittest.SkipTest(f"{error.name} is not installed")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "reference" / "compare.py"


class Compare(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def compare(self, *arguments: str) -> Tuple[int, Dict[str, Any]]:
        command = [sys.executable, str(SCRIPT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              cwd=self.folder)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}

    def save(self, rows: Any, names: List[str]) -> None:
        np.save(self.folder / "ref.npy", rows)
        (self.folder / "ref.ids").write_text("".join(f"{n}\n" for n in names))

    def test_dense_in_any_order(self) -> None:
        rows = writer.ROWS + 1
        (self.folder / "ours.lirt").write_bytes(b"".join(writer.dense(rows)))
        names = [f"d{i}" for i in range(5)]
        self.save(rows[::-1], names[::-1])
        status, report = self.compare("vectors", "ours.lirt", "ref")
        self.assertEqual((status, report["records"], report["max_abs_diff"]), (0, 5, 0))
        changed = rows.copy()
        changed[3, 1] += 0.01
        self.save(changed, names)
        status, report = self.compare("vectors", "ours.lirt", "ref")
        self.assertEqual((status, report["max_abs_diff_at"]), (1, "d3"))
        self.assertAlmostEqual(report["max_abs_diff"], 0.01, places=5)
        self.assertEqual(self.compare("vectors", "ours.lirt", "ref", "--tolerance", "0.1")[0], 0)
        self.save(rows[:4], names[:4])
        self.assertEqual(self.compare("vectors", "ours.lirt", "ref")[0], 65)

    def test_sparse(self) -> None:
        part = writer.segment("sparse", 0, ["a", "b"], {
            "offsets": np.array([0, 2, 2]), "indices": np.array([1, 4], np.int32),
            "values": np.array([0.5, 2], np.float32)})
        (self.folder / "ours.lirt").write_bytes(part + writer.end([part], 2))
        (self.folder / "ref.ids").write_text("b\na\n")
        np.save(self.folder / "ref.offsets.npy", np.array([0, 0, 3]))
        np.save(self.folder / "ref.indices.npy", np.array([1, 2, 4]))
        np.save(self.folder / "ref.values.npy", np.array([0.5, 0.25, 2], np.float32))
        status, report = self.compare("vectors", "ours.lirt", "ref")
        self.assertEqual((status, report["max_abs_diff"]), (1, 0.25))

    def test_runs(self) -> None:
        (self.folder / "a.run").write_text("q Q0 d1 1 2.5 x\nq Q0 d2 2 1.5 x\n")
        (self.folder / "b.run").write_text("q Q0 d2 9 1 y\nq Q0 d1 9 2 y\n")
        status, report = self.compare("runs", "a.run", "b.run")
        self.assertEqual((status, report["same_first_10"], report["max_abs_diff"]), (0, 1, 0.5))
        self.assertEqual(report["mean_overlap_at_10"], 1)


if __name__ == "__main__":
    unittest.main()
