#!/usr/bin/env python3
"""Writes Tests/Fixtures/eval/diversity: what pyndeval says of measures of diversity.

    make_diversity.py [--out Tests/Fixtures/eval/diversity] [--seed 1]

Runs and judgements are made up; the values are ir_measures' (provider pyndeval), a measure at a
time, because a second one may get an empty run. Needs ir_measures 0.4.3 and pyndeval 0.0.8.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))

import fuzz_measures  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=root / "Tests/Fixtures/eval/diversity")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    run, qrels = [], []
    for query in ("wt-1", "wt-2", "wt-3", "none", "unranked"):
        docs = [f"clueweb-{n:03d}" for n in range(40)]
        rng.shuffle(docs)
        for place, doc in enumerate(docs[:30]):
            if query != "unranked":
                # Two of three scores are shared.
                run.append((query, doc, float(30 - place // 3 if rng.random() < 0.7 else place)))
        for doc in rng.sample(docs, 25):
            for topic in rng.sample(["1", "2", "3", "4", "5"], rng.randint(1, 4)):
                grade = 0 if query == "none" else rng.choice([-2, 0, 0, 1, 2])
                qrels.append((query, topic, doc, grade))
    case = fuzz_measures.Case(run, qrels, "", "", True)
    values = {}
    for name, found in fuzz_measures.expected(case).items():
        for (_, query), value in found.items():
            if not math.isnan(value):
                values.setdefault(name, {})[query] = value
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "run.txt").write_text(
        "".join(f"{q} Q0 {d} 1 {s} t\n" for q, d, s in run))
    (options.out / "qrels.txt").write_text("".join(f"{q} {t} {d} {g}\n" for q, t, d, g in qrels))
    (options.out / "expected.json").write_text(json.dumps(values, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
