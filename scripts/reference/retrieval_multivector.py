#!/usr/bin/env python3
"""The multivector section of scripts/bench-retrieval: exact MaxSim of several vectors a text.

Ours: f32, and int8 codes with a proof, without one, and pooled by two. Peers: NumPy (products of blocks
that stay in the cache, then maxima and their sum), and maxsim-cpu. --docs and --queries are streams of a
ColBERT model; the first twenty queries are asked, one after the other.

    retrieval_multivector.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["numpy", "xxhash", "maxsim-cpu==0.1.0"]
OURS: Dict[str, Tuple[List[str], List[str]]] = {
    "f32": ([], []),
    "int8": (["--codes", "int8"], []),
    "int8-approximate": (["--codes", "int8"], ["--approximate"]),
    "int8-pooled": (["--codes", "int8", "--pool-factor", "2"], []),
}
PEERS = {"numpy": "numpy-f32", "maxsim": "maxsim-cpu"}
QUERIES = 20
BLOCK = 64


def sets(options: Any) -> List[str]:
    """What is raced on: the given streams."""
    return ["given"]


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of the streams, and whether the certified run equals the run in f32."""
    from __main__ import note, size_of  # type: ignore[attr-defined]

    folder = bench.out / f"multivector-{what}"
    folder.mkdir(exist_ok=True)
    limit = ["--limit", bench.options.limit] if bench.options.limit else []
    built: Dict[str, Dict[str, Any]] = {}
    for name, (codes, _) in OURS.items():
        index = folder / f"{name}.index"
        done = bench.ours("lir-index", "build", *codes, *limit, bench.options.docs, "-o", index)
        built[name] = {"build s": done.cpu, "build MB": done.megabytes, "bytes": size_of(index)}
        note(f"{name} is built in {done.cpu:.1f} s")
    asked = bench.options.peers
    peers = [PEERS[n] for n in (PEERS if asked is None else asked.split(",")) if n in PEERS]
    rows: List[Dict[str, Any]] = []
    agree = True
    isas = [None] + ([bench.options.isa] if bench.options.isa else [])
    for k in bench.options.k:
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
        for isa in isas:
            for name in OURS:
                runs[f"{name} {isa or ''}".strip()] = (
                    lambda name=name, isa=isa: ours(bench, folder, name, k, isa))
        for peer in peers:
            runs[peer] = (lambda peer=peer: bench.peer("multivector", {
                "engine": peer, "k": k, "limit": bench.options.limit,
                "docs": str(bench.options.docs), "queries": str(bench.options.queries)}))
        found = bench.turns(runs)
        exact = best((folder / f"f32-{k}.run").read_text())
        for name, result in found.items():
            form = name.split()[0]
            row: Dict[str, Any] = {"engine": f"lir {name}" if form in OURS else name, "k": k}
            if form in OURS:
                run = (folder / f"{form}-{k}.run").read_text()
                row["overlap"] = overlap(exact, best(run))
                row["equal"] = "yes" if run == (folder / f"f32-{k}.run").read_text() else "no"
                agree = agree and (form != "int8" or row["equal"] == "yes")
            else:
                row["overlap"] = overlap(exact, result.pop("found"))
            rows.append({**row, **result, **built.get(form, {})})
    return rows, agree


def best(run: str) -> Dict[str, List[str]]:
    """The documents of each query of a run."""
    found: Dict[str, List[str]] = {}
    for line in run.splitlines():
        query, _, document = line.split()[:3]
        found.setdefault(query, []).append(document)
    return found


def overlap(exact: Dict[str, List[str]], other: Dict[str, List[str]]) -> float:
    """Share of the exact run's documents that another has."""
    shared = sum(len(set(exact[q]) & set(other.get(q, []))) for q in exact)
    return shared / max(sum(map(len, exact.values())), 1)


def ours(bench: Any, folder: Path, name: str, k: int, isa: Any) -> Dict[str, Any]:
    """One turn of ours: some queries, less what one takes."""
    common = ["--index", folder / f"{name}.index", "-k", k, "--tag", "bench", *OURS[name][1],
              bench.options.queries]
    run = folder / f"{name}-{k}.run"
    one = bench.ours("lir-search", *common, "--limit", 1, "-o", folder / "one.run", isa=isa)
    all_ = bench.ours("lir-search", *common, "--limit", QUERIES + 1, "-o", run, isa=isa)
    result: Dict[str, Any] = {
        "q/s": QUERIES / max(all_.cpu - one.cpu, 1e-9), "MB": all_.megabytes, "isa": isa or "best"}
    for figure in ("survivors_p50", "survivors_max"):
        if figure in all_.summary:
            result[figure.replace("_", " ")] = int(all_.summary[figure])
    return result


# --- the peers' side


def scores_of_numpy(query: Any, docs: Any, starts: Any) -> Any:
    """MaxSim of one query with all documents."""
    import numpy as np

    scores = np.empty(len(starts) - 1, np.float32)
    for first in range(0, len(starts) - 1, BLOCK):
        last = min(first + BLOCK, len(starts) - 1)
        products = docs[starts[first]:starts[last]] @ query.T
        maxima = np.maximum.reduceat(products, starts[first:last] - starts[first], axis=0)
        scores[first:last] = maxima.sum(axis=1)
    return scores


def run_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import lirt
    import numpy as np

    stream = lirt.read(job["docs"])
    starts = stream.tensors["offsets"][:(job["limit"] or len(stream)) + 1]
    docs = np.ascontiguousarray(stream.vectors[:starts[-1]], np.float32)
    asked = lirt.read(job["queries"])
    vectors, ends = np.asarray(asked.vectors, np.float32), asked.tensors["offsets"]
    version = np.__version__
    if job["engine"] == "maxsim-cpu":
        import maxsim_cpu

        version = "0.1.0"
        texts = [docs[a:b] for a, b in zip(starts[:-1], starts[1:])]

        def score(query: Any) -> Any:
            return np.asarray(maxsim_cpu.maxsim_scores_variable(query, texts))
    else:
        def score(query: Any) -> Any:
            return scores_of_numpy(query, docs, starts)

    found, cpu = {}, 0.0
    for i in range(QUERIES + 1):
        query = np.ascontiguousarray(vectors[ends[i]:ends[i + 1]])
        begin = time.process_time()
        scores = score(query)
        order = np.argpartition(-scores, job["k"])[:job["k"]]
        if i > 0:
            cpu += time.process_time() - begin
        found[asked.ids[i]] = [stream.ids[d] for d in order]
    return {"q/s": QUERIES / cpu, "found": found, "version": version,
            "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(run_peer(json.loads(sys.argv[1]))))
