#!/usr/bin/env python3
"""Print what ranx makes of small runs, for Tests/RetrievalTests/RunFusionTests.swift.

    scripts/golden/make_fusion.py >Tests/Fixtures/eval/fusion.json    # needs ranx
"""

from __future__ import annotations

import json
import random
from typing import Dict, List, Optional

import numpy as np
import ranx

#: By query: scores by document.
Scores = Dict[str, Dict[str, float]]

#: Ours to ranx's: normalisation and method.
METHODS: Dict[str, tuple[Optional[str], str]] = {
    "rrf": (None, "rrf"), "sum": (None, "sum"), "minmax": ("min-max", "sum"),
    "zscore": ("zmuv", "sum"), "borda": (None, "bordafuse"), "mnz": ("min-max", "mnz"),
}
#: Where ranx takes weights.
WEIGHTED = {"sum": "wsum", "minmax": "wsum", "zscore": "wsum", "borda": "w_bordafuse"}


def ordered(run: Scores) -> Scores:
    """trec_eval's order: by score, descending, then by document, descending."""
    return {query: dict(sorted(docs.items(), key=lambda d: (d[1], d[0].encode()), reverse=True))
            for query, docs in run.items()}


def by_rank(run: Scores) -> Scores:
    """Scores without ties in the same order: ranx leaves the order of ties open."""
    return {query: {doc: float(len(docs) - i) for i, doc in enumerate(docs)}
            for query, docs in ordered(run).items()}


def fuse(runs: List[Scores], method: str, weights: Optional[List[float]] = None,
         **parameters: float) -> Scores:
    """What ranx makes of runs that have the same queries."""
    norm, name = METHODS[method]
    inputs = [by_rank(r) if method in ("rrf", "borda") else ordered(r) for r in runs]
    if weights is not None:
        name, parameters = WEIGHTED[method], {"weights": tuple(weights)}
    fused = ranx.fuse([ranx.Run(r) for r in inputs], norm=norm, method=name, params=parameters)
    return {q: dict(d) for q, d in fused.to_dict().items()}


def random_run(rng: random.Random, queries: int, docs: int, depth: int) -> Scores:
    """Scores in single precision, some of them equal, some below 0."""
    run: Scores = {}
    scale = rng.choice([0.01, 1.0, 50.0])
    for query in range(queries):
        chosen = rng.sample(range(docs), rng.randint(1, depth))
        run[f"q{query}"] = {
            f"d{doc}": float(np.float32(rng.choice([rng.gauss(0, scale), rng.randint(0, 3)])))
            for doc in chosen}
    return run


def main() -> None:
    """Print runs and fusions as JSON."""
    rng = random.Random(17)
    runs = [random_run(rng, 3, 12, 8) for _ in range(3)]
    runs[0]["q0"] = {"d1": 2.0, "d3": 2.0, "d2": 2.0}
    weights = [0.5, 2.0, 1.25]
    cases = [{"method": m, "fused": fuse(runs, m)} for m in METHODS]
    cases += [{"method": m, "weights": weights, "fused": fuse(runs, m, weights)}
              for m in WEIGHTED]
    cases.append({"method": "rrf", "k": 10.0, "fused": fuse(runs, "rrf", k=10)})
    print(json.dumps({"runs": runs, "cases": cases}, indent=0))


if __name__ == "__main__":
    main()
