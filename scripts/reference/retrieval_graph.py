#!/usr/bin/env python3
"""The graph section of scripts/bench-retrieval: approximate search by graphs, and its peers.

Ours: the types graph and hnsw (16 and 32 neighbours, 200 candidates when building), over a sweep of
--ef-search. Peers: SymphonyQG (rabitqlib, 32 neighbours, 200 candidates), faiss's HNSW (as ours) and
glass (32 neighbours, 200 candidates, walked by codes of eight bits) and hnswlib (16), over sweeps of
theirs. A peer builds its index in its first turn, and reads it in later ones.
Recall is the share of the exact run's documents; documents of the given streams are compared by dot
products. Each row is a point of a curve: one thread, queries for a second of processor time. Ours are
asked all queries eleven times over, less all queries once: a peer has its index in memory before its
time begins, and ours maps its files, whose bytes are read and checked where a search first comes to them.
What the first queries take with that is another column.

    retrieval_graph.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["numpy", "xxhash", "faiss-cpu==1.15.1", "rabitqlib==0.7.1",
            "pyglass-portable==2.1.0", "hnswlib==0.8.0"]
WIDTHS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
PEERS = {"symphonyqg": ("symphonyqg",), "faiss": ("faiss-hnsw16", "faiss-hnsw32"),
         "glass": ("glass",), "hnswlib": ("hnswlib",)}
BUILDING = 200
#: Ours, and what they are built with.
OURS: Dict[str, List[Any]] = {
    "graph": ["--type", "graph"],
    "hnsw16": ["--type", "hnsw", "--num-neighbors", 16, "--ef-construction", BUILDING],
    "hnsw32": ["--type", "hnsw", "--num-neighbors", 32, "--ef-construction", BUILDING],
}


def sets(options: Any) -> List[str]:
    """What is raced on: the given streams, then made vectors."""
    return (["given"] if options.docs else []) + (options.made or [])


# --- our side, without NumPy


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of one set of vectors, and whether the widest search equals the exact one."""
    from __main__ import note, size_of  # type: ignore[attr-defined]
    from retrieval_flat import REPEATS, recall

    folder = bench.out / f"graph-{what}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.peer*"):
        old.unlink()
    made = bench.peer("flat", {
        "engine": "make", "folder": str(folder), "what": what, "limit": bench.options.limit,
        "repeats": REPEATS,
        "docs": str(bench.options.docs), "queries": str(bench.options.queries)})
    raw = 4 * made["documents"] * made["dim"]
    built: Dict[str, Dict[str, Any]] = {}
    for name, flags in OURS.items():
        index = folder / f"{name}.index"
        done = bench.ours("lir-index", "build", *flags, folder / "docs.lirt", "-o", index)
        graph = sum(p.stat().st_size for p in index.iterdir()
                    if p.name.startswith(("graph", "links", "layers", "upper")))
        built[name] = {"build s": done.cpu, "build MB": done.megabytes, "bytes": size_of(index),
                       "graph / raw": graph / raw}
        note(f"{name} is built in {done.cpu:.1f} s")
    agree = True
    runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
    sweeps = {k: [width for width in WIDTHS if width >= k] for k in bench.options.k}
    for k, widths in sweeps.items():
        for engine in OURS:
            common = ["--index", folder / f"{engine}.index", "-k", k, "--tag", "bench",
                      folder / "queries.lirt", "-o"]
            exact, widest = folder / f"exact-{k}.run", folder / f"all-{k}.run"
            bench.ours("lir-search", "--exact", *common, exact)
            bench.ours("lir-search", "--ef-search", "all", *common, widest)
            agree = agree and exact.read_bytes() == widest.read_bytes()
            for width in widths:
                runs[f"lir {engine} {k} {width}"] = (
                    lambda engine=engine, width=width, k=k: ours(bench, folder, engine, k, width))
    asked = bench.options.peers
    for name in PEERS if asked is None else [n for n in asked.split(",") if n in PEERS]:
        for engine in PEERS[name]:
            runs[engine] = (lambda engine=engine: flat(bench.peer("graph", {
                "engine": engine, "folder": str(folder), "sweeps": sweeps})))
    rows: List[Dict[str, Any]] = []
    for name, result in bench.turns(runs).items():
        common_columns = {"documents": made["documents"], "dim": made["dim"]}
        if name.startswith("lir"):
            _, engine, k, width = name.split()
            run = (folder / f"{engine}-{k}-{width}.run").read_bytes()
            whole = (folder / f"exact-{k}.run").read_bytes()
            rows.append({"engine": f"lir {engine}", "k": int(k), **common_columns, "ef": int(width),
                         "recall": recall(whole, run), **result, **built[engine]})
            continue
        shared = {key: value for key, value in result.items() if " at " not in key}
        for k, widths in sweeps.items():
            for width in widths:
                rows.append({"engine": name, "k": k, **common_columns, "ef": width,
                             "recall": result[f"recall at {k}, {width}"],
                             "q/s": result[f"q/s at {k}, {width}"], **shared})
    return rows, agree


def flat(found: Dict[str, Any]) -> Dict[str, Any]:
    """A peer's points as single numbers, of which the frame takes medians."""
    points = found.pop("points")
    for k, width, share, speed in points:
        found[f"recall at {k}, {width}"], found[f"q/s at {k}, {width}"] = share, speed
    return found


def ours(bench: Any, folder: Path, engine: str, k: int, width: int) -> Dict[str, Any]:
    from retrieval_flat import warm

    return warm(bench, folder, folder / f"{engine}-{k}-{width}.run", "--index",
                folder / f"{engine}.index", "-k", k, "--ef-search", width, "--tag", "bench")


# --- the peers' side

# Each is given the vectors and a path, builds its index and keeps it there, or reads what is there.


def symphonyqg(docs: Any, path: Path) -> Tuple[Callable[[Any, int, int], Any], str]:
    """Its walk by products finds little where vectors have a large mean: so by distances, to which one
    more number makes products of vectors of different lengths."""
    import numpy as np
    import rabitqlib

    squares = np.einsum("ij,ij->i", docs, docs, dtype=np.float64)
    missing = np.sqrt(squares.max() - squares).astype(np.float32)[:, None]
    longer = bool(missing.max() > 0.01 * squares.max() ** 0.5)
    if path.exists():
        index = rabitqlib.SymqgIndex.load(str(path))
    else:
        vectors = np.hstack([docs, missing]) if longer else docs
        index = rabitqlib.SymqgIndex(vectors.shape[1], 32, "l2")
        index.build(vectors, BUILDING, 1)
        index.save(str(path))

    def search(queries: Any, k: int, width: int) -> Any:
        if longer:
            queries = np.hstack([queries, np.zeros((len(queries), 1), np.float32)])
        for part in index.search(queries, k, width, 1)[:2]:
            if np.asarray(part).dtype.kind in "iu":
                return np.asarray(part)
        raise SystemExit("rabitqlib gives no ids")

    return search, "0.7.1"


def faiss_hnsw(docs: Any, path: Path, neighbours: int) -> Tuple[Callable[[Any, int, int], Any], str]:
    import faiss

    faiss.omp_set_num_threads(1)
    if path.exists():
        index = faiss.read_index(str(path))
    else:
        index = faiss.IndexHNSWFlat(docs.shape[1], neighbours, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILDING
        index.add(docs)
        faiss.write_index(index, str(path))

    def search(queries: Any, k: int, width: int) -> Any:
        index.hnsw.efSearch = width
        return index.search(queries, k)[1]

    return search, f"{faiss.__version__} {faiss.get_compile_options().strip()}"


def glass(docs: Any, path: Path) -> Tuple[Callable[[Any, int, int], Any], str]:
    from importlib.metadata import version

    import glass as library

    library.set_num_threads(1)
    graph = library.Graph()
    if path.exists():
        graph.load(str(path))
    else:
        graph = library.Index("HNSW", "IP", "SQ8U", 32, BUILDING).build(docs)
        graph.save(str(path))
    searcher = library.Searcher(graph, docs, "IP", "SQ8U", "FP16")
    searcher.optimize(1)

    def search(queries: Any, k: int, width: int) -> Any:
        import numpy as np

        searcher.set_ef(width)
        found = searcher.batch_search(queries, k, 1)
        return np.asarray(found[0] if isinstance(found, tuple) else found).reshape(-1, k)

    return search, version("pyglass-portable")


def hnswlib(docs: Any, path: Path) -> Tuple[Callable[[Any, int, int], Any], str]:
    from importlib.metadata import version

    import hnswlib as library

    index = library.Index("ip", docs.shape[1])
    if path.exists():
        index.load_index(str(path))
    else:
        index.init_index(len(docs), M=16, ef_construction=BUILDING)
        index.set_num_threads(1)
        index.add_items(docs)
        index.save_index(str(path))

    def search(queries: Any, k: int, width: int) -> Any:
        index.set_ef(width)
        return index.knn_query(queries, k, num_threads=1)[0]

    return search, version("hnswlib")


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import resource

    import numpy as np
    from retrieval_flat import exact_top

    folder, engine = Path(job["folder"]), job["engine"]
    sweeps = {int(k): widths for k, widths in job["sweeps"].items()}
    docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
    wanted = np.concatenate([exact_top(docs, queries[first:first + 100], max(sweeps))
                             for first in range(0, len(queries), 100)])
    engines = {"symphonyqg": symphonyqg, "glass": glass, "hnswlib": hnswlib}
    path, figures = folder / f"{engine}.peer", folder / f"{engine}.peer.json"
    started = time.process_time()
    search, version = (engines[engine](docs, path) if engine in engines
                       else faiss_hnsw(docs, path, int(engine[len("faiss-hnsw"):])))
    if not figures.exists():
        figures.write_text(json.dumps({"build s": time.process_time() - started}))
    result: Dict[str, Any] = {**json.loads(figures.read_text()), "bytes": path.stat().st_size}
    points = []
    for k, widths in sweeps.items():
        best = [set(row) for row in wanted[:, :k].tolist()]
        for width in widths:
            started = time.process_time()
            found = search(queries, k, width)
            taken = time.process_time() - started
            share = np.mean([len(set(a) & b) / k for a, b in zip(found.tolist(), best)])
            points.append((k, width, float(share), len(queries) / taken))
    return {**result, "points": points, "version": version,
            "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    print(json.dumps(race_peer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
