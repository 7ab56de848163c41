#!/usr/bin/env python3
"""The sparse section of scripts/bench-retrieval: learned sparse vectors, exact and approximate.

Ours: sparse (both engines; by --cut with --oversample) and seismic (--cut with --heap-factor), with the
defaults of both. Peers: SINDI (pyvsag), all terms of a query or a part of them, and Seismic
(pyseismic-lsr) with its defaults, which are the same. The judgement is the exact run. --docs is a stream
that --limit cuts; --made does nothing here (bench_sparse.py makes streams). Each row is a point of a
curve: one thread, queries for a second of processor time. A peer builds its index in its first turn, and
reads it in later ones.

    retrieval_sparse.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["numpy", "scipy", "xxhash", "pyvsag==0.18.5", "pyseismic-lsr==0.5.4"]
PEERS = {"sindi": ("sindi-fp32", "sindi-sq8"), "seismic": ("seismic",)}
#: Ours, and what they are built with.
OURS: Dict[str, List[str]] = {"sparse": [], "sparse-bp": ["--reorder", "bp"],
                              "seismic": ["--type", "seismic"]}
CUTS = [(4, 4), (6, 4), (8, 4), (12, 4), (16, 10), (24, 10)]
LISTS = [(3, 1.0), (5, 1.0), (5, 0.9), (8, 0.9), (10, 0.8), (15, 0.7), (20, 0.6), (30, 0.5)]
#: Parts of a query's terms that SINDI passes over, and candidates it scores again.
PRUNED = [(0.0, 20), (0.2, 20), (0.4, 20), (0.6, 20), (0.7, 30), (0.8, 50), (0.85, 100)]


def sets(options: Any) -> List[str]:
    return ["given"] if options.docs else []


def settings(engine: str) -> List[Tuple[str, List[Any]]]:
    """The points of an engine's curve: how they are called, and the flags or values of each."""
    if engine == "seismic":
        return [(f"cut {c} factor {f}", ["--cut", c, "--heap-factor", f]) for c, f in LISTS]
    if engine.startswith("sindi"):
        return [(f"pruned {p}", [p, n]) for p, n in PRUNED]
    exact = [(f"exact {name}", ["--engine", name])
             for name in ("scatter", "blocks")[:1 if engine == "sparse" else 2]]
    return exact + [(f"cut {c} oversample {n}", ["--cut", c, "--oversample", n]) for c, n in CUTS]


# --- our side, without NumPy


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of the given stream, and whether the exact runs are those of all vectors."""
    from __main__ import note, size_of  # type: ignore[attr-defined]
    from retrieval_flat import recall

    folder = bench.out / f"sparse-{what}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.peer*"):
        old.unlink()
    limit = ["--limit", bench.options.limit] if bench.options.limit else []
    built: Dict[str, Dict[str, Any]] = {}
    for name, flags in OURS.items():
        index = folder / f"{name}.index"
        done = bench.ours("lir-index", "build", *flags, *limit, bench.options.docs, "-o", index)
        built[name] = {"build s": done.cpu, "build MB": done.megabytes, "bytes": size_of(index)}
        note(f"{name} is built in {done.cpu:.1f} s")
    rows: List[Dict[str, Any]] = []
    agree = True
    for k in bench.options.k:
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
        for engine in OURS:
            for place, (_, flags) in enumerate(settings(engine)):
                runs[f"lir {engine} {place}"] = (
                    lambda engine=engine, flags=flags, place=place:
                    ours(bench, folder, engine, k, flags, f"{engine}-{k}-{place}.run"))
        for peer in peers(bench):
            runs[peer] = (lambda peer=peer: flattened(bench.peer("sparse", {
                "engine": peer, "folder": str(folder), "k": k, "limit": bench.options.limit,
                "docs": str(bench.options.docs), "queries": str(bench.options.queries),
                "exact": str(folder / f"sparse-{k}-0.run")})))
        found = bench.turns(runs)
        exact = (folder / f"sparse-{k}-0.run").read_bytes()
        for name, result in found.items():
            if not name.startswith("lir"):
                shared = {key: value for key, value in result.items() if " at " not in key}
                rows += [{"engine": name, "k": k, "setting": point,
                          "recall": result[f"recall at {point}"],
                          "q/s": result[f"q/s at {point}"], **shared}
                         for point, _ in settings(name)]
                continue
            _, engine, place = name.split()
            point = settings(engine)[int(place)][0]
            run = (folder / f"{engine}-{k}-{place}.run").read_bytes()
            agree = agree and (not point.startswith("exact") or run == exact)
            rows.append({"engine": f"lir {engine}", "k": k, "setting": point,
                         "recall": recall(exact, run), **result, **built[engine]})
        agree = agree and all(whole(bench, folder, engine, k) == exact for engine in OURS)
    return rows, agree


def whole(bench: Any, folder: Path, engine: str, k: int) -> bytes:
    """The run of all vectors themselves."""
    run = folder / f"all-{k}.run"
    bench.ours("lir-search", "--index", folder / f"{engine}.index", "-k", k, "--tag", "bench",
               "--exact", bench.options.queries, "-o", run)
    return run.read_bytes()


def peers(bench: Any) -> List[str]:
    asked = bench.options.peers
    names = PEERS if asked is None else [name for name in asked.split(",") if name in PEERS]
    return [engine for name in names for engine in PEERS[name]]


def flattened(found: Dict[str, Any]) -> Dict[str, Any]:
    """A peer's points as single numbers, of which the frame takes medians."""
    for point, share, speed in found.pop("points"):
        found[f"recall at {point}"], found[f"q/s at {point}"] = share, speed
    return found


def ours(bench: Any, folder: Path, engine: str, k: int, flags: List[Any], run: str) -> Dict[str, Any]:
    """One turn of ours: all queries, less what one takes."""
    common = ["--index", folder / f"{engine}.index", "-k", k, *flags, "--tag", "bench"]
    batch = bench.ours("lir-search", *common, bench.options.queries, "-o", folder / run)
    one = bench.ours("lir-search", *common, "--limit", 1, bench.options.queries, "-o",
                     folder / "scratch.run")
    queries = int(batch.summary.get("queries", batch.summary.get("records", 0)))
    return {"q/s": (queries - 1) / max(batch.cpu - one.cpu, 1e-9), "MB": batch.megabytes}


# --- the peers' side


def sindi(docs: Any, path: Path, engine: str) -> Callable[[Any, int, List[Any]], List[int]]:
    """An index that is built and kept at a path, or read where it is there; how it is searched."""
    import numpy as np
    import pyvsag

    pyvsag.set_logger_off()
    quantised = engine.endswith("sq8")
    index = pyvsag.Index("sindi", json.dumps({
        "dtype": "sparse", "dim": docs.dim, "metric_type": "ip", "index_param": {
            "use_reorder": True, "use_quantization": quantised, "term_id_limit": docs.dim,
            "doc_prune_ratio": 0.0, "window_size": 60000}}))
    if path.exists():
        index.load(str(path))
    else:
        index.build(index_pointers=docs.offsets.astype(np.uint32),
                    indices=docs.indices.astype(np.uint32), values=docs.values,
                    ids=np.arange(len(docs.ids), dtype=np.int64))
        index.save(str(path))

    def search(row: Any, k: int, point: List[Any]) -> List[int]:
        terms, values = row
        options = {"query_prune_ratio": point[0], "term_prune_ratio": 0.0,
                   "n_candidate": point[1] if quantised or point[0] else 0}
        found = index.knn_search(np.array([0, len(terms)], np.uint32), terms.astype(np.uint32),
                                 values, k, json.dumps({"sindi": options}))
        return [int(x) for x in next(a for a in map(np.ravel, found) if a.dtype.kind in "iu")]

    return search


def seismic(docs: Any, path: Path) -> Callable[[Any, int, List[Any]], List[int]]:
    import numpy as np
    from seismic import SeismicDataset, SeismicIndex, get_seismic_string

    kind = get_seismic_string()
    saved = Path(str(path) + ".index.seismic")
    if saved.exists():
        index = SeismicIndex.load(str(saved))
    else:
        data = SeismicDataset()
        for n, (a, b) in enumerate(zip(docs.offsets, docs.offsets[1:])):
            data.add_document(f"d{n}", np.array([str(t) for t in docs.indices[a:b]], dtype=kind),
                              docs.values[a:b])
        index = SeismicIndex.build_from_dataset(data, num_threads=1)
        index.save(str(path))
        path.touch()

    def search(row: Any, k: int, point: List[Any]) -> List[int]:
        found = index.search(query_id="0", query_components=row[0], query_values=row[1], k=k,
                             query_cut=point[1], heap_factor=point[3])
        return [int(entry[2][1:]) for entry in found]

    return search


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import resource
    from importlib.metadata import version

    import bench_sparse
    import numpy as np

    folder, engine, k = Path(job["folder"]), job["engine"], job["k"]
    docs = bench_sparse.read(job["docs"], job["limit"])
    queries = bench_sparse.read(job["queries"])
    path, figures = folder / f"{engine}.peer", folder / f"{engine}.peer.json"
    started = time.process_time()
    search = seismic(docs, path) if engine == "seismic" else sindi(docs, path, engine)
    if not figures.exists():
        figures.write_text(json.dumps({
            "build s": time.process_time() - started,
            "bytes": max(p.stat().st_size for p in folder.glob(f"{engine}.peer*"))}))
    terms: List[Any] = [queries.indices[a:b] for a, b in zip(queries.offsets, queries.offsets[1:])]
    if engine == "seismic":
        from seismic import get_seismic_string
        terms = [np.array([str(t) for t in row], dtype=get_seismic_string()) for row in terms]
    rows = list(zip(terms, [queries.values[a:b] for a, b in
                            zip(queries.offsets, queries.offsets[1:])]))
    wanted: Dict[str, set] = {}
    for line in open(job["exact"], encoding="utf-8"):
        query, _, document = line.split(" ")[:3]
        wanted.setdefault(query, set()).add(document)
    points = []
    for name, values in settings(engine):
        started = time.process_time()
        found = [search(row, k, values) for row in rows]
        taken = time.process_time() - started
        hits = sum(len({docs.ids[n] for n in row} & wanted.get(identifier, set()))
                   for identifier, row in zip(queries.ids, found))
        points.append((name, hits / sum(map(len, wanted.values())), len(rows) / taken))
    package = "pyseismic-lsr" if engine == "seismic" else "pyvsag"
    return {**json.loads(figures.read_text()), "points": points, "version": version(package),
            "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    print("\n" + json.dumps(race_peer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
