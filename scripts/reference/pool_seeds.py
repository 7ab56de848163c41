#!/usr/bin/env python3
"""Compare two systems over several trainings: are their values equivalent?

    pool_seeds.py --qrels FILE [-m MEASURE] [--margin X] [--bin DIR] FOLDER...

Each FOLDER is one of effectiveness.py's, a seed, with lir.run and lightning-ir.run. A query's
difference is the mean over the seeds, so that queries, which are drawn, stay the units of the tests,
and trainings, whose order and masks differ, average out. Prints both means, the difference with its
95 % interval, and the p-values of two one-sided t-tests against the margin and of the t-test.
Needs scipy and a build.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from pathlib import Path
from typing import Dict, List

from scipy.stats import t as student


def values(binary: Path, qrels: Path, measure: str, run: Path) -> Dict[str, float]:
    """The measure of each query."""
    lines = subprocess.run(
        [binary / "lir-eval", "--qrels", qrels, "-m", measure, "--per-query", "-q", run],
        check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    return {query: float(value) for _, _, query, value in rows if query != "all"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--qrels", type=Path, required=True)
    parser.add_argument("-m", "--measure", default="nDCG@10")
    parser.add_argument("--margin", type=float, default=0.02)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    systems: List[Dict[str, float]] = []
    for name in ("lir.run", "lightning-ir.run"):
        seeds = [values(options.bin, options.qrels, options.measure, folder / name)
                 for folder in options.folders]
        assert all(seed.keys() == seeds[0].keys() for seed in seeds), "other queries"
        systems.append({query: statistics.fmean(seed[query] for seed in seeds)
                        for query in seeds[0]})
    differences = [theirs - systems[0][query] for query, theirs in systems[1].items()]
    mean, freedom = statistics.fmean(differences), len(differences) - 1
    error = statistics.stdev(differences) / len(differences) ** 0.5
    half = student.ppf(0.975, freedom) * error
    print(json.dumps({
        "seeds": len(options.folders), "queries": len(differences),
        "lir": round(statistics.fmean(systems[0].values()), 4),
        "lightning_ir": round(statistics.fmean(systems[1].values()), 4),
        "difference": round(mean, 5), "interval": [round(mean - half, 5), round(mean + half, 5)],
        "tost_p": max(student.sf((mean + options.margin) / error, freedom),
                      student.cdf((mean - options.margin) / error, freedom)),
        "t_p": 2 * student.sf(abs(mean) / error, freedom)}))


if __name__ == "__main__":
    main()
