#!/usr/bin/env python3
"""Set `lir-eval --compare` against scipy on random runs.

    check_comparison.py [--bin DIR] [-n ROUNDS] [--seed N]

Every round makes 2 to 5 runs of 2 to 120 queries, some of them equal, and takes measures whose
values are often tied (RR, P@5, Success@1) or never (nDCG). scipy gets the values that --per-query
prints. Prints one JSON object: rounds, comparisons, the largest difference of each statistic, and how
many standard errors apart the two are in what they draw at random.
Exit status: 0 within the tolerances, 1 not. Needs scipy.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
MEASURES = ["nDCG", "RR", "P@5", "Success@1", "NumRet"]
MARGIN, RESAMPLES = 0.05, 5000

#: Both sum in doubles, in another order; t and the like are relative, p absolute.
TOLERANCE = {"tukey_p": 1e-7, "default": 1e-9}  # scipy integrates Tukey's range to about 1e-8
#: Of what is drawn at random, in standard errors: one in thirty million is further off by chance.
DEVIATION = 5.5


def make(folder: Path, rng: random.Random) -> List[Path]:
    """Judgements and runs; from an easy case to none in common."""
    queries = rng.choice([2, 3, 5, 8, 12, 13, 14, 20, 49, 50, 51, 52, 120])
    docs, depth = 30, rng.choice([1, 3, 10, 20])
    qrels = [f"q{q} 0 d{d} {rng.choice([0, 0, 1, 2])}\n"
             for q in range(queries) for d in rng.sample(range(docs), 15)]
    (folder / "qrels").write_text("".join(qrels))
    files, lines = [], [""]
    for number in range(rng.randint(2, 5)):
        kind = rng.random()
        if number == 0 or kind > 0.15:  # else the run before, again
            lines = [f"q{q} Q0 d{d} 1 {rng.random():.4f} t\n" for q in range(queries)
                     if number == 0 or kind > 0.3 or q % 3 or q < 2 for d in rng.sample(range(docs), depth)]
        files.append(folder / f"run{number}")
        files[-1].write_text("".join(lines))
    return files


def evaluate(binary: Path, folder: Path, files: List[Path], *options: str) -> List[Dict[str, Any]]:
    """What lir-eval prints as JSON."""
    command = [str(binary / "lir-eval"), "-q", "--qrels", str(folder / "qrels"), "--format", "json"]
    for measure in MEASURES:
        command += ["-m", measure]
    done = subprocess.run(command + list(options) + list(map(str, files)), check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def expected(x: np.ndarray, y: np.ndarray) -> Dict[str, float]:
    """What scipy says of two runs' values: of y less x."""
    d, n = y - x, len(x)
    student, wilcoxon = stats.ttest_rel(y, x), stats.wilcoxon(d)
    effect = d.mean() / d.std(ddof=1)
    found = {
        "queries": n, "baseline_mean": x.mean(), "mean": y.mean(), "difference": d.mean(),
        "wins": (d > 0).sum(), "ties": (d == 0).sum(), "losses": (d < 0).sum(),
        "t": student.statistic, "t_p": student.pvalue, "wilcoxon": wilcoxon.statistic,
        "wilcoxon_p": wilcoxon.pvalue, "cohen_d": effect,
        "hedges_g": effect * (1 - 3 / (4 * (n - 1) - 1)),
        "tost_p": max(stats.ttest_1samp(d, -MARGIN, alternative="greater").pvalue,
                      stats.ttest_1samp(d, MARGIN, alternative="less").pvalue),
    }
    if 2 ** n <= RESAMPLES:
        # In whole numbers, whose sums are exact: scipy's slack parts ties where the sum is near 0.
        found["randomisation_p"] = stats.permutation_test(
            (np.round(d * math.lcm(*range(1, 21))),), np.mean, permutation_type="samples", n_resamples=RESAMPLES).pvalue
    return found


def deviations(row: Dict[str, Any], d: np.ndarray, source: np.random.Generator) -> Dict[str, float]:
    """How far what ours and scipy draw at random are apart, in standard errors of their difference."""
    found, slack = {}, 1e-12  # sums in another order
    drawn = stats.bootstrap((d,), np.mean, n_resamples=RESAMPLES, method="percentile",
                            random_state=source).bootstrap_distribution
    for name, share in (("ci_low", 0.025), ("ci_high", 0.975)):
        # Few queries have few different means: the share asked for lies between these two.
        below, upto = (drawn < row[name] - slack).mean(), (drawn <= row[name] + slack).mean()
        error = math.sqrt(2 * share * (1 - share) / RESAMPLES)
        found[name] = max(0.0, below - share, share - upto) / error
    if 2 ** len(d) > RESAMPLES:
        theirs = stats.permutation_test(
            (np.round(d * math.lcm(*range(1, 21))),), np.mean, permutation_type="samples",
            n_resamples=RESAMPLES, random_state=source).pvalue
        tail = max(theirs, row["randomisation_p"]) / 2
        error = 2 * math.sqrt(2 * (tail * (1 - tail) + 1 / RESAMPLES) / RESAMPLES)
        found["randomisation_p (drawn)"] = abs(theirs - row["randomisation_p"]) / error
    return found


def corrected(p: List[float], method: str) -> List[float]:
    """Holm's or Bonferroni's correction, NaN left out."""
    result, valid = list(p), [i for i, value in enumerate(p) if not math.isnan(value)]
    highest = 0.0
    for rank, i in enumerate(sorted(valid, key=lambda i: p[i])):
        factor = len(valid) - rank if method == "holm" else len(valid)
        value = min(1.0, p[i] * factor)
        highest = max(highest, value) if method == "holm" else value
        result[i] = highest
    return result


class Worst:
    """The largest difference of each statistic."""

    def __init__(self) -> None:
        self.found: Dict[str, float] = {}
        self.drawn: Dict[str, float] = {}
        self.comparisons = 0

    def compare(self, name: str, ours: Any, theirs: float, where: str) -> None:
        ours = math.nan if ours is None else float(ours)
        theirs = float(theirs)
        if not math.isfinite(theirs):  # JSON has neither NaN nor infinity
            theirs = math.nan
        if math.isnan(ours) or math.isnan(theirs):
            difference = 0.0 if math.isnan(ours) == math.isnan(theirs) else math.inf
        else:
            difference = abs(ours - theirs) / max(1, abs(theirs))
        if difference > TOLERANCE.get(name, TOLERANCE["default"]):
            print(f"check_comparison: {where}: {name}: ours {ours}, scipy's {theirs}",
                  file=sys.stderr)
        self.found[name] = max(self.found.get(name, 0.0), difference)

    def deviate(self, name: str, errors: float, where: str) -> None:
        if errors > DEVIATION:
            print(f"check_comparison: {where}: {name}: {errors} standard errors", file=sys.stderr)
        self.drawn[name] = max(self.drawn.get(name, 0.0), errors)

    @property
    def is_fine(self) -> bool:
        return (all(v <= TOLERANCE.get(n, TOLERANCE["default"]) for n, v in self.found.items())
                and all(v <= DEVIATION for v in self.drawn.values()))


def check(rows: List[Dict[str, Any]], values: Dict[Any, Dict[str, float]], worst: Worst,
          source: np.random.Generator, where: str) -> None:
    """The comparisons of one call."""
    for measure in MEASURES:
        mine = [row for row in rows if row["measure"] == measure]
        runs = sorted({name for row in mine for name in (row["baseline"], row["run"])})
        common = sorted(set.intersection(*(set(values[run, measure]) for run in runs)))
        table = {r: np.array([values[r, measure][q] for q in common]) for r in runs}
        tukey = stats.tukey_hsd(*table.values()).pvalue
        for row in mine:
            x, y = table[row["baseline"]], table[row["run"]]
            place = f"{where} {measure} {row['baseline'][-4:]} {row['run'][-4:]}"
            for name, value in expected(x, y).items():
                worst.compare(name, row[name], value, place)
            for name, errors in deviations(row, y - x, source).items():
                worst.deviate(name, errors, place)
            i, j = runs.index(row["baseline"]), runs.index(row["run"])
            worst.compare("tukey_p", row["tukey_p"], tukey[i, j], place)
            for item in row["differences"]:
                k = common.index(item["query"])
                worst.compare("differences", item["value"], y[k] - x[k], place)
            worst.comparisons += 1
        for name in ("t_p", "wilcoxon_p", "randomisation_p"):
            p = [math.nan if row[name] is None else row[name] for row in mine]
            for method in ("holm", "bonferroni"):
                for row, value in zip(mine, corrected(p, method)):
                    worst.compare(f"{name}_{method}", row[f"{name}_{method}"], value, where)


def main() -> int:
    parser = argparse.ArgumentParser(description="Set lir-eval --compare against scipy.")
    parser.add_argument("--bin", type=Path, default=ROOT / ".build" / "release")
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    worst, rng = Worst(), random.Random(arguments.seed)
    source = np.random.default_rng(arguments.seed)
    for number in range(arguments.n):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = make(folder, rng)
            values: Dict[Any, Dict[str, float]] = {}
            for row in evaluate(arguments.bin, folder, files, "--per-query"):
                if row["query"] != "all":
                    values.setdefault((row["run"], row["measure"]), {})[row["query"]] = row["value"]
            rows = evaluate(arguments.bin, folder, files, "--compare", "--per-query", "--margin",
                            str(MARGIN), "--resamples", str(RESAMPLES))
            check(rows, values, worst, source, f"round {number}")
    print(json.dumps({"rounds": arguments.n, "comparisons": worst.comparisons,
                      "largest": dict(sorted(worst.found.items())),
                      "standard_errors": dict(sorted(worst.drawn.items()))}))
    return 0 if worst.is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
