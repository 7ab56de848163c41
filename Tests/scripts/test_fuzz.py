"""Tests of the fuzzer's own parts: changes by seed, containers, cases of the corpus, verdicts."""

from __future__ import annotations

import gzip
import json
import random
import sys
import tempfile
import unittest
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))

from cases import Trial, difference, load, patched, smaller, store  # noqa: E402
from containers import change, join_tensors, seal, segments  # noqa: E402
from mutations import LARGEST, change_bytes, change_json, change_text  # noqa: E402
from situations import Situation  # noqa: E402
from watch import Outcome, offence  # noqa: E402

DOCUMENT = json.dumps({"a": [1, 2.5, "x"], "b": {"c": True, "d": None}}).encode()
TEXT = b"q1\t0\td1\t1\nq1\t0\td2\t0\n" * 9


class Mutations(unittest.TestCase):
    def test_a_seed_decides(self) -> None:
        for name, data in (("x.json", DOCUMENT), ("x.tsv", TEXT), ("x.gz", gzip.compress(TEXT)),
                           ("x.model", bytes(range(256)))):
            made = [change(random.Random(f"{name}{seed}"), name, data) for seed in range(60)]
            again = [change(random.Random(f"{name}{seed}"), name, data) for seed in range(60)]
            self.assertEqual(made, again)
            self.assertGreater(len(set(made)), 30)

    def test_what_is_made_is_small(self) -> None:
        for how in (change_bytes, change_text, change_json):
            for seed in range(300):
                self.assertLessEqual(len(how(random.Random(seed), DOCUMENT * 3)), LARGEST)

    def test_json_stays_json_often(self) -> None:
        def parses(data: bytes) -> bool:
            try:
                json.loads(data)
                return True
            except (ValueError, RecursionError):
                return False

        made = [change_json(random.Random(seed), DOCUMENT) for seed in range(200)]
        self.assertGreater(sum(map(parses, made)), 100)
        self.assertLess(sum(map(parses, made)), 200)

    def test_segments(self) -> None:
        header = {"__metadata__": {"lir.xxh3": "0" * 16},
                  "a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}
        stream = join_tensors(json.dumps(header).encode(), b"abc")
        self.assertEqual(segments(stream * 2), [(header, b"abc")] * 2)
        self.assertEqual(segments(stream[:-1]), [])
        self.assertEqual([body for _, body in segments(seal(segments(stream)))], [b"abc"])


class Cases(unittest.TestCase):
    def test_difference(self) -> None:
        rng = random.Random(1)
        for _ in range(200):
            old = bytes(rng.randrange(3) for _ in range(rng.randrange(40)))
            new = change_bytes(rng, old)[:60]
            self.assertEqual(patched(old, difference(old, new)), new)

    def test_kept_and_read(self) -> None:
        situation = Situation("kind", "name", ("x",), (), ("tool x",))
        with tempfile.TemporaryDirectory() as top:
            base, folder = Path(top, "base"), Path(top, "case")
            base.mkdir()
            (base / "large").write_bytes(bytes(9000))
            large = bytes(100) + b"!" + bytes(8899)
            trial = Trial(situation, "seed", "tool x", {"x": b"new", "large": large})
            store(folder, base, trial, "dies")
            self.assertFalse((folder / "files" / "large").exists())
            again = load(folder, base, [situation])
            self.assertEqual((again.changed, again.command), (trial.changed, trial.command))

    def test_smaller(self) -> None:
        situation = Situation("kind", "name", ("x",), (), ("tool x",))
        trial = Trial(situation, "seed", "tool x", {"x": TEXT + b"bad" + TEXT, "y": TEXT})

        def problem(tried: Trial) -> "str | None":
            return "bad" if b"bad" in tried.changed.get("x", b"") else None

        self.assertEqual(smaller(trial, "bad", problem).changed, {"x": b"bad"})


class Verdicts(unittest.TestCase):
    def verdict(self, rule: str = "", **how: object) -> "str | None":
        done = Outcome(0, 1000, False, b"1.5\n", "tool: done\n", {})._replace(**how)
        expected = Outcome(0, 1000, False, b"1.5\n", "", {"out": b"1"})
        return offence(done, rule, expected, (r"\.partial",), (), [b"changed"])

    def test_offences(self) -> None:
        error = "tool: error: no\n"
        for word, rule, how in (
            ("SIGSEGV", "", {"status": -11}), ("hangs", "", {"late": True}),
            ("hangs", "", {"status": -24}), ("status 70", "", {"status": 70, "stderr": error}),
            ("traps", "", {"stderr": "Fatal error: x"}), ("MB", "", {"resident": 2 << 30}),
            ("says nothing", "", {"status": 65}), ("accepts", "refuse", {}),
            ("leaves out", "", {"status": 65, "stderr": error, "files": {"out": b""}}),
            ("prints something else", "same", {"stdout": b"2"}),
            ("writes something else", "same", {"files": {"out": b"2"}}),
            ("no number", "numbers", {"stdout": b"d1 -nan\n"}),
        ):
            self.assertIn(word, self.verdict(rule, **how) or "nothing")

    def test_innocence(self) -> None:
        error = "tool: error: no\n"
        self.assertIsNone(self.verdict())
        self.assertIsNone(self.verdict("same", files={"out": b"1"}))
        self.assertIsNone(self.verdict("numbers", stdout=b"d1 <nan> banana 1.5\n"))
        self.assertIsNone(self.verdict(status=65, stderr=error, files={".x.partial": b""}))


if __name__ == "__main__":
    unittest.main()
