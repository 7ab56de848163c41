#!/usr/bin/env python3
"""The graph section of scripts/bench-retrieval: approximate search by graphs, and its peers.

Ours: the type graph, over a sweep of --ef-search. Peers: SymphonyQG (rabitqlib, 32 neighbours, 200
candidates when building) and faiss's HNSW (16 and 32 neighbours, 200 candidates), over sweeps of theirs.
Recall is the share of the exact run's documents; documents of the given streams are compared by dot
products. Each row is a point of a curve: one thread, queries for a second of processor time.

    retrieval_graph.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["numpy", "xxhash", "faiss-cpu==1.15.1", "rabitqlib==0.7.1"]
WIDTHS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
PEERS = {"symphonyqg": ("symphonyqg",), "faiss": ("faiss-hnsw16", "faiss-hnsw32")}
BUILDING = 200
#: Queries of a set, as retrieval_flat has them.
BATCH = 1000


def sets(options: Any) -> List[str]:
    """What is raced on: the given streams, then made vectors."""
    return (["given"] if options.docs else []) + (options.made or [])


# --- our side, without NumPy


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of one set of vectors, and whether the widest search equals the exact one."""
    from __main__ import note, size_of  # type: ignore[attr-defined]
    from retrieval_flat import recall

    folder = bench.out / f"graph-{what}"
    folder.mkdir(exist_ok=True)
    made = bench.peer("flat", {
        "engine": "make", "folder": str(folder), "what": what, "limit": bench.options.limit,
        "docs": str(bench.options.docs), "queries": str(bench.options.queries)})
    index = folder / "graph.index"
    done = bench.ours("lir-index", "build", "--type", "graph", folder / "docs.lirt", "-o", index)
    raw = 4 * made["documents"] * made["dim"]
    built = {"build s": done.cpu, "build MB": done.megabytes, "bytes": size_of(index),
             "scanned / raw": sum(p.stat().st_size for p in index.glob("graph*")) / raw}
    note(f"the graph is built in {done.cpu:.1f} s")
    rows: List[Dict[str, Any]] = []
    agree = True
    for k in bench.options.k:
        common = ["--index", index, "-k", k, "--tag", "bench", folder / "queries.lirt", "-o"]
        exact, widest = folder / f"exact-{k}.run", folder / f"all-{k}.run"
        bench.ours("lir-search", "--exact", *common, exact)
        bench.ours("lir-search", "--ef-search", "all", *common, widest)
        agree = agree and exact.read_bytes() == widest.read_bytes()
        widths = [width for width in WIDTHS if width >= k]
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
        for width in widths:
            runs[f"lir graph {width}"] = (lambda width=width, k=k: ours(bench, folder, k, width))
        asked = bench.options.peers
        for name in PEERS if asked is None else [n for n in asked.split(",") if n in PEERS]:
            for engine in PEERS[name]:
                runs[engine] = (lambda engine=engine, k=k: flat(bench.peer("graph", {
                    "engine": engine, "folder": str(folder), "k": k, "widths": widths})))
        for name, result in bench.turns(runs).items():
            common_columns = {"k": k, "documents": made["documents"], "dim": made["dim"]}
            if name.startswith("lir"):
                width = int(name.split()[-1])
                run = (folder / f"{k}-{width}.run").read_bytes()
                rows.append({"engine": "lir graph", **common_columns, "ef": width,
                             "recall": recall(exact.read_bytes(), run), **result, **built})
                continue
            shared = {key: value for key, value in result.items() if " at " not in key}
            for width in widths:
                rows.append({"engine": name, **common_columns, "ef": width,
                             "recall": result[f"recall at {width}"],
                             "q/s": result[f"q/s at {width}"], **shared})
    return rows, agree


def flat(found: Dict[str, Any]) -> Dict[str, Any]:
    """A peer's points as single numbers, of which the frame takes medians."""
    points = found.pop("points")
    for width, share, speed in points:
        found[f"recall at {width}"], found[f"q/s at {width}"] = share, speed
    return found


def ours(bench: Any, folder: Path, k: int, width: int) -> Dict[str, Any]:
    """One turn of ours: all queries, less what one takes."""
    common = ["--index", folder / "graph.index", "-k", k, "--ef-search", width, "--tag", "bench"]
    batch = bench.ours("lir-search", *common, folder / "queries.lirt", "-o",
                       folder / f"{k}-{width}.run")
    one = bench.ours("lir-search", *common, "--limit", 1, folder / "queries.lirt", "-o",
                     folder / "scratch.run")
    return {"q/s": (BATCH - 1) / max(batch.cpu - one.cpu, 1e-9), "MB": batch.megabytes}


# --- the peers' side


def symphonyqg(docs: Any) -> Tuple[Callable[[Any, int, int], Any], str]:
    import numpy as np
    import rabitqlib

    index = rabitqlib.SymqgIndex(docs.shape[1], 32, "ip")
    index.build(docs, BUILDING, 1)

    def search(queries: Any, k: int, width: int) -> Any:
        for part in index.search(queries, k, width, 1)[:2]:
            if np.asarray(part).dtype.kind in "iu":
                return np.asarray(part)
        raise SystemExit("rabitqlib gives no ids")

    return search, "0.7.1"


def faiss_hnsw(docs: Any, neighbours: int) -> Tuple[Callable[[Any, int, int], Any], str]:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(docs.shape[1], neighbours, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILDING
    index.add(docs)

    def search(queries: Any, k: int, width: int) -> Any:
        index.hnsw.efSearch = width
        return index.search(queries, k)[1]

    return search, f"{faiss.__version__} {faiss.get_compile_options().strip()}"


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import resource

    import numpy as np
    from retrieval_flat import exact_top

    folder, engine, k = Path(job["folder"]), job["engine"], job["k"]
    docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
    wanted = np.concatenate([exact_top(docs, queries[first:first + 100], k)
                             for first in range(0, len(queries), 100)])
    started = time.process_time()
    search, version = (symphonyqg(docs) if engine == "symphonyqg"
                       else faiss_hnsw(docs, int(engine[len("faiss-hnsw"):])))
    result: Dict[str, Any] = {"build s": time.process_time() - started}
    points = []
    for width in job["widths"]:
        started = time.process_time()
        found = search(queries, k, width)
        taken = time.process_time() - started
        share = np.mean([len(set(a) & set(b)) / k for a, b in zip(found.tolist(), wanted.tolist())])
        points.append((width, float(share), len(queries) / taken))
    return {**result, "points": points, "version": version,
            "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    print(json.dumps(race_peer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
