#!/usr/bin/env python3
"""The plaid section of scripts/bench-retrieval: candidates by centroids, scores by codes.

Ours: 2 and 4 bits a number at several settings, and WARP's scoring. Peers, each at several settings:
fast-plaid, xtr-warp-rs and tachiom; NumPy's exact MaxSim tells what should be found. --docs and
--queries are streams of a ColBERT model. PyPI's xtr-warp-rs needs a torch with CUDA's libraries, and
tachiom's wheel is tagged for a newer glibc than it needs: --python names an environment that has them.
--qrels is not asked for: quality is the share of the exact run's documents that are found.

    retrieval_plaid.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["numpy", "xxhash", "fast-plaid==1.7.0.2110"]
#: Parameters of building, and settings of searching by name.
BUILDS: Dict[str, List[str]] = {"2": ["--n-bits", "2"], "4": ["--n-bits", "4"]}
SETTINGS: Dict[str, List[str]] = {
    "1/128": ["--n-cells", "1", "--candidate-k", "128"],
    "1/256": ["--n-cells", "1", "--candidate-k", "256"],
    "2/512": ["--n-cells", "2", "--candidate-k", "512"],
    "4/1024": ["--n-cells", "4", "--candidate-k", "1024"],
    "4/4096": ["--n-cells", "4", "--candidate-k", "4096"],
    "16/16384": ["--n-cells", "16", "--candidate-k", "16384"],
    "warp 8": ["--scoring", "warp", "--n-cells", "8"],
    "warp 32": ["--scoring", "warp", "--n-cells", "32"],
}
PEERS: Dict[str, List[Tuple[int, ...]]] = {
    "fast-plaid": [(1, 64), (2, 256), (4, 1024), (8, 4096)],
    "xtr-warp": [(4,), (16,), (32,), (64,)],
    "tachiom": [(5, 50), (10, 100), (20, 250), (40, 500), (80, 1000)],
}


def sets(options: Any) -> List[str]:
    """What is raced on: the given streams."""
    return ["given"]


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of the streams; whether --exact gives the run of a multi-vector index."""
    from __main__ import note, size_of  # type: ignore[attr-defined]
    from retrieval_multivector import best, overlap

    folder = bench.out / f"plaid-{what}"
    folder.mkdir(exist_ok=True)
    limit = ["--limit", bench.options.limit] if bench.options.limit else []
    built: Dict[str, Dict[str, Any]] = {}
    exact_index = folder / "exact.index"
    bench.ours("lir-index", "build", "--codes", "int8", *limit, bench.options.docs, "-o",
               exact_index)
    for bits, parameters in BUILDS.items():
        index = folder / f"{bits}.index"
        done = bench.ours("lir-index", "build", "--type", "plaid", *parameters, *limit,
                          bench.options.docs, "-o", index)
        codes = size_of(index) - sum(p.stat().st_size for p in index.glob("vectors.*")
                                     if not p.name.startswith("vectors.offsets"))
        built[bits] = {"build s": done.cpu, "build MB": done.megabytes, "bytes of codes": codes}
        note(f"{bits} bits are built in {done.cpu:.1f} s")
    asked = bench.options.peers
    peers = [n for n in (PEERS if asked is None else asked.split(",")) if n in PEERS]
    rows: List[Dict[str, Any]] = []
    agree = True
    for k in bench.options.k:
        run = folder / f"exact-{k}.run"
        bench.ours("lir-search", "--index", exact_index, "-k", k, "--tag", "bench",
                   bench.options.queries, "-o", run)
        exact = best(run.read_text())
        same = folder / f"same-{k}.run"
        bench.ours("lir-search", "--index", folder / "2.index", "--exact", "-k", k, "--tag",
                   "bench", bench.options.queries, "-o", same)
        agree = agree and same.read_text() == run.read_text()
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {}
        for bits in BUILDS:
            for name in SETTINGS:
                runs[f"{bits} bits, {name}"] = (
                    lambda bits=bits, name=name: ours(bench, folder, bits, name, k))
        for name, result in bench.turns(runs).items():
            bits, setting = name.split(" bits, ")
            found = best((folder / f"{bits}-{setting.replace('/', '-')}-{k}.run").read_text())
            rows.append({"engine": f"lir {name}", "k": k, "overlap": overlap(exact, found),
                         **result, **built[bits]})
        for peer in peers:
            job = {"engine": peer, "k": k, "limit": bench.options.limit,
                   "folder": str(folder / f"{peer}.peer"), "docs": str(bench.options.docs),
                   "queries": str(bench.options.queries), "rounds": bench.options.rounds}
            for row in bench.peer("plaid", job)["rows"]:
                rows.append({**row, "k": k, "overlap": overlap(exact, row.pop("found"))})
    return rows, agree


def ours(bench: Any, folder: Path, bits: str, name: str, k: int) -> Dict[str, Any]:
    """One turn of ours: all queries, less what one takes."""
    common = ["--index", folder / f"{bits}.index", "-k", k, "--tag", "bench", *SETTINGS[name],
              bench.options.queries]
    run = folder / f"{bits}-{name.replace('/', '-')}-{k}.run"
    one = bench.ours("lir-search", *common, "--limit", 1, "-o", folder / "one.run")
    all_ = bench.ours("lir-search", *common, "--latency", "-o", run)
    count = int(all_.summary["records"]) - 1
    result: Dict[str, Any] = {"q/s": count / max(all_.cpu - one.cpu, 1e-9), "MB": all_.megabytes}
    for figure in ("p50_ms", "p95_ms", "p99_ms", "survivors_p50"):
        if figure in all_.summary:
            result[figure.replace("_", " ")] = float(all_.summary[figure])
    return result


# --- the peers' side


def engine(job: Dict[str, Any], docs: Any, ids: Any, starts: Any, lengths: Any
           ) -> Callable[[Any, Tuple[int, ...]], List[List[Tuple[int, float]]]]:
    """Build a peer's index; what searches it for all queries at a setting."""
    import numpy as np

    k = job["k"]
    if job["engine"] == "tachiom":
        import tachiom

        index = tachiom.Tachiom.build_from_arrays(
            docs, ids.astype(np.uint32), lengths.astype(np.uint32))

        def search(queries: Any, setting: Tuple[int, ...]) -> List[List[Tuple[int, float]]]:
            results = []
            for query in queries:
                first, second = index.search(
                    query, k=k, k_centroids=setting[0], k_docs_to_score=setting[1])
                scores, found = (first, second) if np.asarray(second).dtype.kind in "iu" else (
                    second, first)
                results.append([(int(d), float(s)) for d, s in zip(found, scores)])
            return results

        return search
    import torch

    torch.set_num_threads(1)
    texts = [torch.from_numpy(docs[a:b]) for a, b in zip(starts[:-1], starts[1:])]
    if job["engine"] == "fast-plaid":
        from fast_plaid import search as plaid

        fast = plaid.FastPlaid(index=job["folder"], device="cpu")
        fast.create(texts, nbits=4, kmeans_niters=4, seed=42)
        return lambda queries, setting: fast.search(
            torch.stack([torch.from_numpy(q) for q in queries]), top_k=k, n_ivf_probe=setting[0],
            n_full_scores=setting[1], show_progress=False, n_processes=1)
    from xtr_warp import XTRWarp

    warp = XTRWarp(index=job["folder"], device="cpu")
    warp.create(texts, device="cpu", nbits=4, show_progress=False)
    warp.load(device="cpu")
    return lambda queries, setting: warp.search(
        torch.stack([torch.from_numpy(q) for q in queries]), top_k=k, num_threads=1,
        nprobe=setting[0], show_progress=False)


def run_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import lirt
    import numpy as np

    stream, asked = lirt.read(job["docs"]), lirt.read(job["queries"])
    starts = np.asarray(stream.tensors["offsets"])[:(job["limit"] or len(stream)) + 1]
    docs = np.ascontiguousarray(stream.vectors[:starts[-1]], np.float32)
    ends = asked.tensors["offsets"]
    queries = [np.ascontiguousarray(asked.vectors[a:b], np.float32)
               for a, b in zip(ends[:-1], ends[1:])]
    shutil.rmtree(job["folder"], ignore_errors=True)
    begin = time.process_time()
    search = engine(job, docs, np.asarray(stream.tensors["input_ids"])[:starts[-1]], starts,
                    np.diff(starts))
    built = time.process_time() - begin
    rows = []
    for setting in PEERS[job["engine"]]:
        times = []
        for _ in range(job["rounds"]):
            begin = time.process_time()
            results = search(queries, setting)
            times.append(time.process_time() - begin)
        name = "/".join(map(str, setting))
        rows.append({
            "engine": f"{job['engine']} {name}", "q/s": len(queries) / sorted(times)[len(times) // 2],
            "build s": built, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "found": {asked.ids[i]: [stream.ids[d] for d, _ in hits[:job["k"]]]
                      for i, hits in enumerate(results)}})
    return {"rows": rows}


if __name__ == "__main__":
    print(json.dumps(run_peer(json.loads(sys.argv[1]))))
