#!/usr/bin/env python3
"""Print what scipy says of fixed differences, for Tests/EvaluationTests/ComparisonTests.swift.

    scripts/golden/make_comparison.py >Tests/Fixtures/eval/comparison.json    # needs scipy
"""

from __future__ import annotations

import json

import numpy as np
from scipy import stats

#: Differences with zeros and ties, and at the sizes where scipy changes to the normal distribution.
CASES = {
    "seven": [0.11, -0.02, 0.31, 0.07, 0.25, -0.13, 0.42],
    "ties": [0.1, 0.0, -0.1, 0.2, 0.2, 0.0, 0.3, -0.1, 0.1, 0.4, 0.1, 0.0],
    "twenty": [((i * 37) % 41 - 14) / 50 + i / 1000 for i in range(20)],
    "sixty": [((i * 29) % 61 - 25) / 60 for i in range(60)],
    "sixteen_ties": [((i * 5) % 7 - 2) / 10 for i in range(16)],
    "two": [0.25, -0.125],
    "thirteen_zeros": [((i * 5) % 7 - 3) / 16 for i in range(13)],
    "fourteen_zeros": [((i * 5) % 7 - 3) / 16 for i in range(14)],
    "fifty": [((i * 37) % 101 - 40) / 128 for i in range(50)],
    "fifty_one": [((i * 37) % 101 - 40) / 128 for i in range(51)],
}
GROUPS = [[0.3, 0.5, 0.1, 0.9, 0.4], [0.6, 0.7, 0.4, 0.8, 0.9], [0.2, 0.1, 0.3, 0.6, 0.2]]


def case(values: list[float]) -> dict[str, object]:
    """What scipy makes of paired differences."""
    d = np.array(values)
    student, wilcoxon = stats.ttest_1samp(d, 0), stats.wilcoxon(d)
    result: dict[str, object] = {
        "differences": values, "t": student.statistic, "t_p": student.pvalue,
        "wilcoxon": wilcoxon.statistic, "wilcoxon_p": wilcoxon.pvalue,
        "tost_p": max(stats.ttest_1samp(d, -0.05, alternative="greater").pvalue,
                      stats.ttest_1samp(d, 0.05, alternative="less").pvalue),
    }
    if len(values) <= 12:
        test = stats.permutation_test((d,), np.mean, permutation_type="samples")
        result["randomisation_p"] = test.pvalue
    return result


def main() -> None:
    """Print all cases as JSON."""
    quantiles = [(1.0, 2, 5.0), (3.5, 3, 12.0), (2.2, 5, 100.0), (4.9, 10, 400.0), (6.0, 4, 9.0)]
    print(json.dumps({
        "cases": {name: case(values) for name, values in CASES.items()},
        "groups": GROUPS, "tukey": stats.tukey_hsd(*GROUPS).pvalue.tolist(),
        "ranges": [[q, k, v, float(stats.studentized_range.sf(q, k, v))] for q, k, v in quantiles],
    }, indent=1))


if __name__ == "__main__":
    main()
