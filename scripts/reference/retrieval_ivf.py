#!/usr/bin/env python3
"""The ivf section of scripts/bench-retrieval: recall against speed of inverted lists, and faiss's.

Ours: vectors themselves, codes with a proof (int8), and estimates (b1, pq4) of which the best are
compared; --nprobe is swept, and of estimates --oversample, too. The judgement is the run of --nprobe all
--exact, which must be that of a flat index, byte for byte. Peers: faiss's IVF of vectors, of bytes, and of
its fast-scan product codes with refinement by the vectors, swept in the same way. All have the same number
of lists, four times the root of the number of documents, and one thread; queries come as one batch.

    retrieval_ivf.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import retrieval_flat as flat

PACKAGES = ["numpy", "xxhash", "faiss-cpu==1.15.1"]
OURS: Dict[str, List[str]] = {
    "vectors": [], "int8": ["--codes", "int8"], "b1": ["--codes", "b1"], "pq4": ["--codes", "pq4"]}
ESTIMATES = ("b1", "pq4")
PEERS = ("faiss-flat", "faiss-sq8", "faiss-pqfs")
PROBES = (1, 2, 4, 8, 16, 32, 64)
OVERSAMPLE = (3, 10, 30)

sets = flat.sets


def settings(name: str) -> List[Tuple[int, int]]:
    """Lists that are looked at, and documents that are compared for each that is asked for (0: none)."""
    factors = OVERSAMPLE if name in ESTIMATES or name == "faiss-pqfs" else (0,)
    return [(probes, factor) for factor in factors for probes in PROBES]


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of one set of vectors, and whether all lists found what a flat index finds."""
    from __main__ import note, size_of  # type: ignore[attr-defined]

    folder = bench.out / f"ivf-{what}"
    folder.mkdir(exist_ok=True)
    made = bench.peer("flat", {
        "engine": "make", "folder": str(folder), "what": what, "limit": bench.options.limit,
        "docs": str(bench.options.docs), "queries": str(bench.options.queries)})
    lists = round(4 * made["documents"] ** 0.5)
    bench.ours("lir-index", "build", folder / "docs.lirt", "-o", folder / "flat.index")
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
        found = bench.turns(runs)
        for key, result in found.items():
            _, name, probes, factor = key.split()
            run = (folder / f"{name}-{k}-{probes}-{factor}.run").read_bytes()
            rows.append({"engine": f"lir {name}", "k": k, "lists": lists, "nprobe": int(probes),
                         "oversample": int(factor) or None,
                         "recall": flat.recall(exact or b"", run), **result, **built[name]})
        for peer in PEERS if bench.options.peers != "none" else ():
            note(peer)
            done = bench.peer("ivf", {
                "engine": peer, "folder": str(folder), "k": k, "lists": lists,
                "rounds": bench.options.rounds})
            rows += [{"engine": peer, "k": k, "lists": lists, **row} for row in done["rows"]]
    return rows, agree


def exact_run(bench: Any, folder: Path, k: int) -> Any:
    """The run of a flat index; None where all lists of another give another one."""
    common = ["-k", k, "--tag", "bench", folder / "queries.lirt"]
    wanted = folder / f"flat-{k}.run"
    bench.ours("lir-search", "--index", folder / "flat.index", *common, "-o", wanted)
    for name in OURS:
        run = folder / f"all-{k}.run"
        bench.ours("lir-search", "--index", folder / f"{name}.index", "--nprobe", "all", "--exact",
                   *common, "-o", run)
        if run.read_bytes() != wanted.read_bytes():
            return None
    return wanted.read_bytes()


def ours(bench: Any, folder: Path, name: str, k: int, probes: int, factor: int) -> Dict[str, Any]:
    """One turn of ours: the batch less what one query takes."""
    common = ["--index", folder / f"{name}.index", "-k", k, "--tag", "bench", "--nprobe", probes]
    if factor:
        common += ["--oversample", factor]
    batch = bench.ours("lir-search", *common, folder / "queries.lirt", "-o",
                       folder / f"{name}-{k}-{probes}-{factor}.run")
    one = bench.ours("lir-search", *common, "--limit", 1, folder / "queries.lirt", "-o",
                     folder / "scratch.run")
    return {"q/s": (flat.BATCH - 1) / max(batch.cpu - one.cpu, 1e-9), "MB": batch.megabytes}


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(1)
    folder, engine, k = Path(job["folder"]), job["engine"], job["k"]
    docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
    dim = docs.shape[1]
    code = {"faiss-flat": "Flat", "faiss-sq8": "SQ8", "faiss-pqfs": f"PQ{dim // 4}x4fs,RFlat"}
    index = faiss.index_factory(dim, f"IVF{job['lists']},{code[engine]}",
                                faiss.METRIC_INNER_PRODUCT)
    started = time.process_time()
    index.train(docs)
    index.add(docs)
    built = time.process_time() - started
    exact = np.concatenate([flat.exact_top(docs, queries[first:first + 100], k)
                            for first in range(0, len(queries), 100)])
    rows = []
    for probes, factor in settings(engine):
        parameters = f"nprobe={probes}" + (f",k_factor_rf={factor}" if factor else "")
        faiss.ParameterSpace().set_index_parameters(index, parameters)
        times = []
        for _ in range(job["rounds"]):
            started = time.process_time()
            found = index.search(queries, k)[1]
            times.append(time.process_time() - started)
        recall = np.mean([len(set(a) & set(b)) / k for a, b in zip(found.tolist(), exact.tolist())])
        rows.append({"nprobe": probes, "oversample": factor or None, "recall": float(recall),
                     "q/s": len(queries) / sorted(times)[len(times) // 2], "build s": built})
    return {"rows": rows, "version": faiss.__version__}


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    print(json.dumps(race_peer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
