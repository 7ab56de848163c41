#!/usr/bin/env python3
"""The ivf section of scripts/bench-retrieval: recall against speed of inverted lists, and faiss's.

Ours: vectors themselves, codes with a proof (int8), and estimates (b1, pq4) of which the best are
compared, pq4 also beside vectors of two bytes a number; --nprobe is swept, and of estimates --oversample,
too. The judgement is the run of a flat index, of which that of --nprobe all --exact must be equal byte for
byte (f16: that of a flat index of the same vectors). Peers: faiss's IVF of vectors, of bytes, and of its
fast-scan product codes with refinement by the vectors, also of two bytes a number, and rabitqlib's IVF, of
its codes of 4 bits and of bits with the vectors, swept in the same way. All have the same number of lists,
four times the root of the number of documents, and one thread; queries come as one batch. A peer builds
its index in its first turn, and reads it in later ones. Ours are asked all queries eleven times over, less
all queries once, as a peer has its index in memory before its time begins; what the first ones take is
another column.

    retrieval_ivf.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import retrieval_flat as flat

PACKAGES = ["numpy", "xxhash", "faiss-cpu==1.15.1", "rabitqlib==0.7.1"]
OURS: Dict[str, List[str]] = {
    "vectors": [], "int8": ["--codes", "int8"], "b1": ["--codes", "b1"], "pq4": ["--codes", "pq4"],
    "pq4-f16": ["--codes", "pq4", "--originals", "f16"]}
ESTIMATES = ("b1", "pq4", "pq4-f16")
PEERS = {"faiss": ("faiss-flat", "faiss-sq8", "faiss-pqfs", "faiss-pqfs-f16", "faiss-pqfs-residual",
                   "faiss-pqfs-half"),
         "rabitqlib": ("rabitqlib-4bit", "rabitqlib-raw")}
PROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
OVERSAMPLE = (3, 10, 30)

sets = flat.sets


def settings(name: str) -> List[Tuple[int, int]]:
    """Lists that are looked at, and documents that are compared for each that is asked for (0: none)."""
    factors = OVERSAMPLE if name in ESTIMATES or "pqfs" in name else (0,)
    return [(probes, factor) for factor in factors for probes in PROBES]


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of one set of vectors, and whether all lists found what a flat index finds."""
    from __main__ import note, size_of  # type: ignore[attr-defined]

    folder = bench.out / f"ivf-{what}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.peer*"):
        old.unlink()
    made = bench.peer("flat", {
        "engine": "make", "folder": str(folder), "what": what, "limit": bench.options.limit,
        "repeats": flat.REPEATS,
        "docs": str(bench.options.docs), "queries": str(bench.options.queries)})
    lists = round(4 * made["documents"] ** 0.5)
    bench.ours("lir-index", "build", folder / "docs.lirt", "-o", folder / "flat.index")
    bench.ours("lir-index", "build", "--originals", "f16", folder / "docs.lirt", "-o",
               folder / "flat-f16.index")
    built: Dict[str, Dict[str, Any]] = {}
    for name, codes in OURS.items():
        index = folder / f"{name}.index"
        done = bench.ours("lir-index", "build", "--type", "ivf", "--num-centroids", lists, *codes,
                          folder / "docs.lirt", "-o", index)
        size = size_of(index)
        kept = sum(path.stat().st_size for path in index.glob("vectors*"))
        built[name] = {"build s": done.cpu, "build MB": done.megabytes,
                       "scanned bytes": size if name == "vectors" else size - kept,
                       "originals": 0 if name == "vectors" else kept}
        note(f"{name} is built in {done.cpu:.1f} s")
    rows: List[Dict[str, Any]] = []
    agree = True
    for k in bench.options.k:
        exact = exact_run(bench, folder, k)
        agree = agree and exact is not None
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
        for name in OURS:
            for probes, factor in settings(name):
                runs[f"lir {name} {probes} {factor}"] = (
                    lambda name=name, probes=probes, factor=factor:
                    ours(bench, folder, name, k, probes, factor))
        for peer in peers(bench):
            runs[peer] = (lambda peer=peer: flattened(bench.peer("ivf", {
                "engine": peer, "folder": str(folder), "k": k, "lists": lists})))
        for key, result in bench.turns(runs).items():
            if key in peers(bench):
                shared = {name: value for name, value in result.items() if " at " not in name}
                rows += [{"engine": key, "k": k, "lists": lists, "nprobe": probes,
                          "oversample": factor or None,
                          "recall": result[f"recall at {probes} {factor}"],
                          "q/s": result[f"q/s at {probes} {factor}"], **shared}
                         for probes, factor in settings(key)]
                continue
            _, name, probes, factor = key.split()
            run = (folder / f"{name}-{k}-{probes}-{factor}.run").read_bytes()
            rows.append({"engine": f"lir {name}", "k": k, "lists": lists, "nprobe": int(probes),
                         "oversample": int(factor) or None,
                         "recall": flat.recall(exact or b"", run), **result, **built[name]})
    return rows, agree


def peers(bench: Any) -> List[str]:
    asked = bench.options.peers
    names = PEERS if asked is None else [name for name in asked.split(",") if name in PEERS]
    return [engine for name in names for engine in PEERS[name]]


def flattened(found: Dict[str, Any]) -> Dict[str, Any]:
    """A peer's points as single numbers, of which the frame takes medians."""
    for probes, factor, share, speed in found.pop("points"):
        found[f"recall at {probes} {factor}"] = share
        found[f"q/s at {probes} {factor}"] = speed
    return found


def exact_run(bench: Any, folder: Path, k: int) -> Any:
    """The run of a flat index; None where all lists of another give another one."""
    common = ["-k", k, "--tag", "bench", folder / "queries.lirt"]
    wanted = {name: folder / f"{name}-{k}.run" for name in ("flat", "flat-f16")}
    for name, path in wanted.items():
        bench.ours("lir-search", "--index", folder / f"{name}.index", *common, "-o", path)
    for name in OURS:
        run = folder / f"all-{k}.run"
        bench.ours("lir-search", "--index", folder / f"{name}.index", "--nprobe", "all", "--exact",
                   *common, "-o", run)
        same = wanted["flat-f16" if name.endswith("f16") else "flat"]
        if run.read_bytes() != same.read_bytes():
            return None
    return wanted["flat"].read_bytes()


def ours(bench: Any, folder: Path, name: str, k: int, probes: int, factor: int) -> Dict[str, Any]:
    common = ["--index", folder / f"{name}.index", "-k", k, "--tag", "bench", "--nprobe", probes]
    if factor:
        common += ["--oversample", factor]
    return flat.warm(bench, folder, folder / f"{name}-{k}-{probes}-{factor}.run", *common)


Search = Callable[[Any, int, int, int], Any]


def faiss_ivf(docs: Any, path: Path, engine: str, lists: int) -> Tuple[Search, str]:
    """An index that is built and kept at a path, or read where it is there; how it is searched."""
    import faiss

    faiss.omp_set_num_threads(1)
    dim = docs.shape[1]
    code = {"faiss-flat": "Flat", "faiss-sq8": "SQ8", "faiss-pqfs": f"PQ{dim // 4}x4fs,RFlat",
            "faiss-pqfs-residual": f"PQ{dim // 4}x4fsr,RFlat",
            "faiss-pqfs-half": f"PQ{dim // 2}x4fs,RFlat",
            "faiss-pqfs-f16": f"PQ{dim // 4}x4fs,Refine(SQfp16)"}[engine]
    if path.exists():
        index = faiss.read_index(str(path))
    else:
        index = faiss.index_factory(dim, f"IVF{lists},{code}", faiss.METRIC_INNER_PRODUCT)
        index.train(docs)
        index.add(docs)
        faiss.write_index(index, str(path))

    def search(queries: Any, k: int, probes: int, factor: int) -> Any:
        parameters = f"nprobe={probes}" + (f",k_factor_rf={factor}" if factor else "")
        faiss.ParameterSpace().set_index_parameters(index, parameters)
        return index.search(queries, k)[1]

    return search, f"{faiss.__version__} {faiss.get_compile_options().strip()}"


def rabitqlib_ivf(docs: Any, path: Path, engine: str, lists: int) -> Tuple[Search, str]:
    """As above; the centroids are faiss's."""
    import faiss
    import numpy as np
    import rabitqlib

    faiss.omp_set_num_threads(1)
    if path.exists():
        index = rabitqlib.IvfIndex.load(str(path))
    else:
        means = faiss.Kmeans(docs.shape[1], lists, niter=10, spherical=False)
        means.train(docs)
        nearest = means.index.search(docs, 1)[1][:, 0].astype(np.uint32)
        index = rabitqlib.IvfIndex(docs.shape[1], len(docs), lists,
                                   32 if engine.endswith("raw") else 4, "ip")
        index.build(docs, means.centroids, nearest, 1)
        index.save(str(path))

    def search(queries: Any, k: int, probes: int, _: int) -> Any:
        return np.asarray(index.search(queries, k, probes)[0]).astype(np.int64)

    return search, "0.7.1"


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import resource

    import numpy as np

    folder, engine, k = Path(job["folder"]), job["engine"], job["k"]
    docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
    exact = np.concatenate([flat.exact_top(docs, queries[first:first + 100], k)
                            for first in range(0, len(queries), 100)])
    path, figures = folder / f"{engine}.peer", folder / f"{engine}.peer.json"
    started = time.process_time()
    opened = faiss_ivf if engine.startswith("faiss") else rabitqlib_ivf
    search, version = opened(docs, path, engine, job["lists"])
    if not figures.exists():
        figures.write_text(json.dumps({"build s": time.process_time() - started}))
    points = []
    for probes, factor in settings(engine):
        started = time.process_time()
        found = search(queries, k, probes, factor)
        taken = time.process_time() - started
        share = np.mean([len(set(a) & set(b)) / k for a, b in zip(found.tolist(), exact.tolist())])
        points.append((probes, factor, float(share), len(queries) / taken))
    return {**json.loads(figures.read_text()), "bytes": path.stat().st_size, "points": points,
            "version": version, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    print(json.dumps(race_peer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
