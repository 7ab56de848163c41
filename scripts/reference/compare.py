#!/usr/bin/env python3
"""Set our output against the reference's.

    compare.py vectors OURS.lirt REFERENCE      # REFERENCE.npy and REFERENCE.ids, or
                                                # REFERENCE.{offsets,indices,values}.npy
    compare.py runs OURS.run REFERENCE.run [--qrels FILE]

Prints one JSON object. Exit status: 0 within the tolerances, 1 not, 65 if records are missing.
Needs NumPy; --qrels needs ir-measures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lirt  # noqa: E402


def align(ours: List[str], reference: List[str]) -> np.ndarray:
    """For each of our records, its place in the reference."""
    places = {name: i for i, name in enumerate(reference)}
    lacking = [name for name in ours if name not in places]
    if lacking or len(set(ours)) != len(reference):
        print(f"compare: the records differ: {len(ours)} and {len(reference)}, "
              f"{len(lacking)} of ours unknown, such as {lacking[:1]}", file=sys.stderr)
        sys.exit(65)
    return np.array([places[name] for name in ours])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.where(norms > 0, np.einsum("ij,ij->i", a, b) / np.maximum(norms, 1e-30), 1.0)


def summary(worst: np.ndarray, cosine: np.ndarray, ids: List[str]) -> Dict[str, Any]:
    if not len(ids):
        return {"records": 0, "max_abs_diff": 0.0, "min_cosine": 1.0}
    return {"records": len(ids), "max_abs_diff": float(worst.max()),
            "max_abs_diff_at": ids[int(worst.argmax())], "mean_max_abs_diff": float(worst.mean()),
            "min_cosine": float(cosine.min())}


def compare_dense(stream: lirt.Stream, reference: str) -> Dict[str, Any]:
    """Largest difference of any element, smallest cosine of any pair."""
    names = Path(f"{reference}.ids").read_text("utf-8").splitlines()
    expected = np.load(f"{reference}.npy")[align(stream.ids, names)]
    ours = stream.vectors
    if ours is None or ours.shape != expected.shape:
        print(f"compare: shapes differ: {None if ours is None else ours.shape} and "
              f"{expected.shape}", file=sys.stderr)
        sys.exit(65)
    worst = np.abs(ours - expected).max(1, initial=0)
    return summary(worst, cosines(ours.astype(np.float64), expected.astype(np.float64)), stream.ids)


def compare_sparse(stream: lirt.Stream, reference: str) -> Dict[str, Any]:
    """The same for rows of indices and values; an index that one side lacks counts as zero."""
    names = Path(f"{reference}.ids").read_text("utf-8").splitlines()
    places = align(stream.ids, names)
    offsets, indices, values = (np.load(f"{reference}.{part}.npy")
                                for part in ("offsets", "indices", "values"))
    worst, cosine = np.zeros(len(stream)), np.ones(len(stream))
    for i, place in enumerate(places):
        span = slice(int(offsets[place]), int(offsets[place + 1]))
        row = stream.row(i)
        every = np.union1d(row["indices"], indices[span])
        a, b = np.zeros(len(every)), np.zeros(len(every))
        a[np.searchsorted(every, row["indices"])] = row["values"]
        b[np.searchsorted(every, indices[span])] = values[span]
        worst[i] = np.abs(a - b).max(initial=0)
        cosine[i] = cosines(a[None], b[None])[0] if len(every) else 1.0
    return summary(worst, cosine, stream.ids)


def read_run(path: Path) -> Dict[str, List[Tuple[str, float]]]:
    """A run in trec_eval's order."""
    run: Dict[str, List[Tuple[str, float]]] = {}
    for line in path.read_text("utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        run.setdefault(query, []).append((doc, float(np.float32(score))))
    for ranking in run.values():
        ranking.sort(key=lambda r: (r[1], r[0].encode()), reverse=True)
    return run


def compare_runs(ours: Path, reference: Path, qrels: Path | None) -> Dict[str, Any]:
    """Differences of scores, agreement of the first ten, and of the measures."""
    a, b = read_run(ours), read_run(reference)
    overlap, equal, worst, shared = [], 0, 0.0, 0
    for query, expected in b.items():
        found = a.get(query, [])
        first, other = [d for d, _ in found[:10]], [d for d, _ in expected[:10]]
        overlap.append(len(set(first) & set(other)) / max(len(other), 1))
        equal += first == other
        scores = dict(expected)
        for doc, score in found:
            if doc in scores:
                shared += 1
                worst = max(worst, abs(score - scores[doc]))
    report: Dict[str, Any] = {
        "queries": [len(a), len(b)], "hits_in_both": shared, "max_abs_diff": worst,
        "same_first_10": equal, "mean_overlap_at_10": float(np.mean(overlap)) if overlap else 1.0}
    if qrels is not None:
        import ir_measures
        from ir_measures import nDCG

        judged = list(ir_measures.read_trec_qrels(str(qrels)))
        for name, run in (("ours", a), ("reference", b)):
            scored = [ir_measures.ScoredDoc(q, d, s) for q, r in run.items() for d, s in r]
            kept = [q for q in judged if q.query_id in run]
            value = ir_measures.pytrec_eval.calc_aggregate([nDCG @ 10], kept, scored)[nDCG @ 10]
            report[f"{name}_nDCG@10"] = round(float(value), 6)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    vectors = kinds.add_parser("vectors")
    vectors.add_argument("ours", type=Path)
    vectors.add_argument("reference", help="path without .npy")
    vectors.add_argument("--tolerance", type=float, default=1e-4)
    runs = kinds.add_parser("runs")
    runs.add_argument("ours", type=Path)
    runs.add_argument("reference", type=Path)
    runs.add_argument("--qrels", type=Path)
    runs.add_argument("--tolerance", type=float, default=1e-3, help="of nDCG@10 (0.001)")
    options = parser.parse_args()
    if options.kind == "vectors":
        try:
            stream = lirt.read(options.ours)
        except lirt.LirtError as error:
            print(f"compare: {options.ours}: {error}", file=sys.stderr)
            return 65
        compare = compare_sparse if stream.kind == "sparse" else compare_dense
        report = compare(stream, options.reference)
        good = report["max_abs_diff"] <= options.tolerance
    else:
        report = compare_runs(options.ours, options.reference, options.qrels)
        a, b = report.get("ours_nDCG@10"), report.get("reference_nDCG@10")
        good = report["queries"][0] == report["queries"][1]
        if a is not None:
            good = good and abs(a - b) <= options.tolerance
    report["within_tolerance"] = bool(good)
    print(json.dumps(report))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
