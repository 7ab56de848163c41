#!/usr/bin/env python3
"""Set `lir-rerank fuse` against ranx on random runs.

    check_fusion.py [--bin DIR] [-n ROUNDS] [--seed N]

Prints one JSON object: rounds, scores that were compared, and the largest relative difference.
Exit status: 0 within the tolerance, 1 not. Needs ranx.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "golden"))

from make_fusion import METHODS, WEIGHTED, Scores, fuse, random_run  # noqa: E402

#: A fused score is written in single precision (2^-24), after sums whose terms may cancel.
TOLERANCE = 2e-7


def write(run: Scores, path: Path, rng: random.Random) -> None:
    """A run with its lines in any order."""
    lines = [f"{query} Q0 {doc} 1 {score!r} t\n"
             for query, docs in run.items() for doc, score in docs.items()]
    rng.shuffle(lines)
    path.write_text("".join(lines))


def read(text: str) -> Scores:
    """A run of ours; ranks, order of scores and of ties are as they must be."""
    run: Scores = {}
    last = ("", 0.0, b"")
    for line in text.splitlines():
        query, _, doc, rank, score, _ = line.split()
        docs = run.setdefault(query, {})
        docs[doc] = float(score)
        assert int(rank) == len(docs), line
        if query == last[0]:
            assert (last[1], last[2]) > (float(score), doc.encode()), line
        last = (query, float(score), doc.encode())
    return run


def largest(ours: Scores, theirs: Scores, size: float) -> float:
    """The largest difference, relative to the scores that went in."""
    assert {q: set(d) for q, d in ours.items()} == {q: set(d) for q, d in theirs.items()}
    return max(abs(score - theirs[query][doc]) / max(size, 1)
               for query, docs in ours.items() for doc, score in docs.items())


def main() -> int:
    parser = argparse.ArgumentParser(description="Set lir-rerank fuse against ranx.")
    parser.add_argument("--bin", type=Path, default=ROOT / ".build" / "release")
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    worst, scores = 0.0, 0
    for _ in range(arguments.n):
        runs = [random_run(rng, rng.randint(1, 6), 60, 40) for _ in range(rng.randint(2, 5))]
        common = set.intersection(*(set(r) for r in runs))  # ranx wants the same queries
        runs = [{q: d for q, d in run.items() if q in common} for run in runs]
        weights: List[float] = [round(rng.uniform(0.1, 3), 2) for _ in runs]
        k = rng.randint(1, 100)
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{i}.run" for i in range(len(runs))]
            for run, file in zip(runs, files):
                write(run, file, rng)
            for method in METHODS:
                trials = [([], {"k": k}, ["--rrf-k", str(k)])] if method == "rrf" else [([], {}, [])]
                if method in WEIGHTED:
                    trials.append((weights, {}, ["--weights", ",".join(map(str, weights))]))
                for given, parameters, options in trials:
                    ours = read(subprocess.run(
                        [arguments.bin / "lir-rerank", "fuse", "-q", "--method", method, *options,
                         *files], check=True, capture_output=True, text=True).stdout)
                    theirs = fuse(runs, method, given or None, **parameters)
                    size = max(abs(s) for q in theirs.values() for s in q.values())
                    worst = max(worst, largest(ours, theirs, size))
                    scores += sum(map(len, ours.values()))
    print(json.dumps({"rounds": arguments.n, "scores": scores, "largest": worst}))
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
