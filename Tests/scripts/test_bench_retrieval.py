"""Tests of scripts/bench-retrieval: its tables, its sections, and the flat section's streams."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS / "reference")]
sys.dont_write_bytecode = True

import retrieval_flat as flat  # noqa: E402

try:
    import numpy as np
    import xxhash  # noqa: F401
except ImportError:
    np = None  # type: ignore[assignment]

loader = SourceFileLoader("bench_retrieval", str(SCRIPTS / "bench-retrieval"))
spec = spec_from_loader("bench_retrieval", loader)
assert spec is not None
bench = module_from_spec(spec)
sys.modules["bench_retrieval"] = bench
loader.exec_module(bench)


class Tables(unittest.TestCase):
    def test_columns_come_in_the_order_in_which_they_appear(self) -> None:
        rows = [{"engine": "a", "q/s": 1234.5}, {"engine": "b", "bytes": 2048, "q/s": 0.5}]
        self.assertEqual(bench.table(rows).splitlines(),
                         ["| engine | q/s | bytes |", "|---|---|---|",
                          "| a | 1,234 |  |", "| b | 0.5 | 2,048 |"])

    def test_every_section_says_what_it_needs(self) -> None:
        self.assertIn("flat", bench.sections())
        for name in bench.sections():
            module = __import__(f"retrieval_{name}")
            for part in ("PACKAGES", "sets", "race"):
                self.assertTrue(hasattr(module, part), f"{name}: {part}")

    def test_unknown_sections_are_refused(self) -> None:
        done = subprocess.run([str(SCRIPTS / "bench-retrieval"), "nothing"], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("sections are", done.stderr)

    def test_medians_are_taken_of_numbers(self) -> None:
        options = type("Options", (), {"rounds": 3})
        values = iter([3.0, 1.0, 2.0])
        found = bench.Bench(options, Path(), Path(), []).turns(
            {"a": lambda: {"q/s": next(values), "version": "1"}})
        self.assertEqual(found, {"a": {"q/s": 2.0, "version": "1"}})


class Flat(unittest.TestCase):
    def test_recall_counts_documents_of_each_query(self) -> None:
        exact = b"q1 Q0 d1 1 2.0 t\nq1 Q0 d2 2 1.0 t\nq2 Q0 d1 1 2.0 t\nq2 Q0 d3 2 1.0 t\n"
        other = b"q1 Q0 d2 1 2.0 t\nq1 Q0 d3 2 1.0 t\nq2 Q0 d1 1 2.0 t\nq2 Q0 d3 2 1.0 t\n"
        self.assertEqual(flat.recall(exact, other), 0.75)
        self.assertEqual(flat.recall(exact, exact), 1.0)

    @unittest.skipIf(np is None, "NumPy and xxhash")
    def test_streams_are_read_as_they_were_written(self) -> None:
        import lirt

        with tempfile.TemporaryDirectory() as folder:
            vectors = np.random.default_rng(1).standard_normal((2100, 3)).astype(np.float32)
            for per_member, members in ((0, 1), (1050, 2)):
                path = Path(folder) / "s.lirt"
                flat.write(path, vectors, "doc", per_member)
                stream = lirt.read(path)
                self.assertTrue(stream.verified)
                self.assertTrue((stream.vectors == vectors).all())
                self.assertEqual(stream.ids[2099], "d2099")
                self.assertEqual({s.member for s in lirt.segments(path)}, set(range(members)))


if __name__ == "__main__":
    unittest.main()
