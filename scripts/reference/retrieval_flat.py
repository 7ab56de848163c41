#!/usr/bin/env python3
"""The flat section of scripts/bench-retrieval: exact search of dense vectors, and its peers.

Ours: f32, codes with a proof (int8, f16, bf16) and bits with 100 rescored for each ten; a batch of 1000
queries, and 100 queries one by one. Peers: faiss's IndexFlatIP (its batch through BLAS whatever its
size), its scalar quantiser of bytes, its Panorama behind a PCA for single queries, and usearch's exact
search of f32 and bytes.

    retrieval_flat.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

PACKAGES = ["numpy", "xxhash", "faiss-cpu==1.15.1", "usearch==2.26.6"]
OURS = {"f32": [], "int8": ["--codes", "int8"], "f16": ["--codes", "f16"],
        "bf16": ["--codes", "bf16"], "b1": ["--codes", "b1"]}
PEERS = {"faiss": ("faiss-f32", "faiss-sq8", "faiss-panorama"),
         "usearch": ("usearch-f32", "usearch-i8")}
SINGLE = 100
BATCH = 1000
#: How often all queries are asked of an index that is to be in memory first.
REPEATS = 11


def sets(options: Any) -> List[str]:
    """What is raced on: the given streams, then made vectors."""
    return (["given"] if options.docs else []) + (options.made or [])


# --- our side, without NumPy


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows of one set of vectors, and whether certified runs equal the run in f32."""
    from __main__ import note, size_of  # type: ignore[attr-defined]

    folder = bench.out / f"flat-{what}"
    folder.mkdir(exist_ok=True)
    job = {"engine": "make", "folder": str(folder), "what": what, "limit": bench.options.limit,
           "docs": str(bench.options.docs), "queries": str(bench.options.queries)}
    made = bench.peer("flat", job)
    rows: List[Dict[str, Any]] = []
    built: Dict[str, Dict[str, Any]] = {}
    for name, codes in OURS.items():
        index = folder / f"{name}.index"
        done = bench.ours("lir-index", "build", *codes, folder / "docs.lirt", "-o", index)
        built[name] = {"build s": done.cpu, "build MB": done.megabytes, "bytes": size_of(index)}
        note(f"{name} is built in {done.cpu:.1f} s")
    agree = True
    isas = [None] + ([bench.options.isa] if bench.options.isa else [])
    for k in bench.options.k:
        runs = {}
        for isa in isas:
            for name in OURS:
                runs[f"{name} {isa or ''}".strip()] = (
                    lambda name=name, isa=isa: ours(bench, folder, name, k, isa))
        for peer in bench_peers(bench):
            runs[peer] = (lambda peer=peer: bench.peer(
                "flat", {"engine": peer, "folder": str(folder), "k": k}))
        found = bench.turns(runs)
        exact = (folder / f"f32-{k}.run").read_bytes()
        for name, result in found.items():
            form = name.split()[0]
            row = {"engine": f"lir {name}" if form in OURS else name, "k": k,
                   "documents": made["documents"], "dim": made["dim"],
                   "instructions": result.pop("isa", None), "version": result.pop("version", None)}
            if form in OURS:
                run = (folder / f"{form}-{k}.run").read_bytes()
                row["recall"] = recall(exact, run)
                row["equal"] = "yes" if run == exact else "no"
                agree = agree and (form == "b1" or run == exact)
            rows.append({**row, **result, **built.get(form, {})})
    return rows, agree


def bench_peers(bench: Any) -> List[str]:
    asked = bench.options.peers
    names = PEERS if asked is None else [n for n in asked.split(",") if n in PEERS]
    return [engine for name in names for engine in PEERS[name]]


def ours(bench: Any, folder: Path, name: str, k: int, isa: Any) -> Dict[str, Any]:
    """One turn of ours: the batch, and single queries, each less what one query takes."""
    common = ["--index", folder / f"{name}.index", "-k", k, "--tag", "bench"]
    run = folder / f"{name}-{k}.run"
    batch = bench.ours("lir-search", *common, folder / "queries.lirt", "-o", run, isa=isa)
    scratch = folder / "scratch.run"
    one = bench.ours("lir-search", *common, "--limit", 1, folder / "queries.lirt", "-o", scratch,
                     isa=isa)
    single = bench.ours("lir-search", *common, folder / "single.lirt", "-o", scratch, isa=isa)
    result: Dict[str, Any] = {
        "batch q/s": (BATCH - 1) / max(batch.cpu - one.cpu, 1e-9),
        "single q/s": (SINGLE - 1) / max(single.cpu - one.cpu, 1e-9), "MB": batch.megabytes,
        "isa": isa or "best"}
    for figure in ("survivors_p50", "survivors_max"):
        if figure in batch.summary:
            result[figure.replace("_", " ")] = int(batch.summary[figure])
    return result


def warm(bench: Any, folder: Path, run: Path, *common: Any) -> Dict[str, Any]:
    """One turn of ours, of which `run` is kept: all queries many times over, less all once; and the first
    ones, less what one query takes."""
    scratch = ["-o", folder / "scratch.run"]
    batch = bench.ours("lir-search", *common, folder / "queries.lirt", "-o", run)
    one = bench.ours("lir-search", *common, "--limit", 1, folder / "queries.lirt", *scratch)
    many = bench.ours("lir-search", *common, folder / "repeated.lirt", *scratch)
    return {"q/s": (REPEATS - 1) * BATCH / max(many.cpu - batch.cpu, 1e-9),
            "first q/s": (BATCH - 1) / max(batch.cpu - one.cpu, 1e-9), "MB": batch.megabytes}


def recall(exact: bytes, run: bytes) -> float:
    """Share of the exact run's documents that another has."""
    def pairs(text: bytes) -> set:
        return {tuple(line.split()[::2][:2]) for line in text.splitlines()}

    wanted = pairs(exact)
    return len(wanted & pairs(run)) / max(len(wanted), 1)


# --- the peers' side


def blob(metadata: Dict[str, str], tensors: Dict[str, Any]) -> Tuple[bytes, str]:
    """One segment of a tensor stream, and its checksum."""
    import xxhash

    names = {"float32": "F32", "int64": "I64", "uint8": "U8"}
    header: Dict[str, Any] = {"__metadata__": {**metadata, "lir.xxh3": "0" * 16}}
    data = b""
    for name, tensor in sorted(tensors.items(), key=lambda t: (-t[1].dtype.itemsize, t[0])):
        raw = tensor.tobytes()
        header[name] = {"dtype": names[str(tensor.dtype)], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw

    def encoded() -> bytes:
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % 64)
        return struct.pack("<Q", len(text)) + text

    digest = xxhash.xxh3_64_hexdigest(encoded()[8:] + data)
    header["__metadata__"]["lir.xxh3"] = digest
    return encoded() + data, digest


def write(path: Path, vectors: Any, role: str, per_member: int = 0) -> None:
    """A dense stream of vectors whose ids are d0, d1… or q0, q1…"""
    import numpy as np
    import xxhash

    count, dim = vectors.shape
    with open(path, "wb") as file:
        for begin in range(0, count, per_member or count):
            member = vectors[begin:begin + (per_member or count)]
            step = min(1024, -(-(4 << 20) // (4 * dim)))
            sums = []
            for first in range(0, len(member), step):
                part = member[first:first + step]
                ids = [f"{role[0]}{begin + first + i}".encode() for i in range(len(part))]
                metadata = {"lir.format": "1", "lir.kind": "dense", "lir.role": role,
                            "lir.first": str(first), "lir.records": str(len(part))}
                if first == 0:
                    metadata.update({"lir.model": "0" * 32, "lir.dim": str(dim),
                                     "lir.similarity": "dot"})
                raw, digest = blob(metadata, {
                    "id_offsets": np.cumsum([0] + [len(i) for i in ids]).astype(np.int64),
                    "ids": np.frombuffer(b"".join(ids), np.uint8),
                    "embeddings": np.ascontiguousarray(part, np.float32)})
                sums.append(digest)
                file.write(raw)
            chain = xxhash.xxh3_64_hexdigest("".join(sums).encode())
            file.write(blob({"lir.format": "1", "lir.kind": "end", "lir.role": role,
                             "lir.first": str(len(member)), "lir.records": str(len(member)),
                             "lir.segments": str(len(sums)), "lir.chain": chain}, {})[0])


def make(job: Dict[str, Any]) -> Dict[str, Any]:
    """Writes the vectors as arrays and streams: those of given streams, or made ones.

    Made ones are of unit length about a thousand centres, whose spread falls off over the dimensions as
    that of embeddings does.
    """
    import numpy as np

    folder = Path(job["folder"])
    if job["what"] == "given":
        import lirt

        docs = lirt.read(job["docs"]).vectors[:job["limit"]]
        queries = lirt.read(job["queries"]).vectors[:BATCH]
    else:
        count, dim = (int(n) for n in job["what"].split("x"))
        rng = np.random.default_rng(1)
        spread = (np.arange(dim) + 8.0) ** -0.5
        centres = rng.standard_normal((1000, dim)) * spread
        made = centres[rng.integers(0, 1000, count + BATCH)].astype(np.float32)
        for first in range(0, len(made), 10000):
            part = made[first:first + 10000]
            part += rng.standard_normal(part.shape) * spread
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        docs, queries = made[:count], made[count:]
    np.save(folder / "docs.npy", docs)
    np.save(folder / "queries.npy", queries)
    write(folder / "docs.lirt", docs, "doc")
    write(folder / "queries.lirt", queries, "query")
    write(folder / "single.lirt", queries[:SINGLE], "query", per_member=1)
    if job.get("repeats"):
        write(folder / "repeated.lirt", np.concatenate([queries] * job["repeats"]), "query")
    return {"documents": len(docs), "dim": int(docs.shape[1])}


def faiss_index(engine: str, docs: Any) -> Tuple[Any, Any, str]:
    import faiss

    dim = docs.shape[1]
    faiss.omp_set_num_threads(1)
    faiss.cvar.distance_compute_blas_threshold = 1
    if engine == "faiss-f32":
        index = faiss.IndexFlatIP(dim)
    elif engine == "faiss-sq8":
        index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit,
                                           faiss.METRIC_INNER_PRODUCT)
        index.train(docs[:50000])
    else:
        levels = faiss.IndexFlatIPPanorama(dim, 16)
        pca = faiss.PCAMatrix(dim, dim)
        pca.train(docs[:50000])
        index = faiss.IndexPreTransform(pca, levels)
    index.add(docs)

    def search(queries: Any, k: int) -> Any:
        if len(queries) == 1:  # one query is read along, not multiplied
            faiss.cvar.distance_compute_blas_threshold = 20
        return index.search(queries, k)[1]

    return search, index, f"{faiss.__version__} {faiss.get_compile_options().strip()}"


def usearch_index(engine: str, docs: Any) -> Tuple[Any, Any, str]:
    import numpy as np
    import usearch
    from usearch.index import MetricKind, search as find

    scale = 127 / float(np.abs(docs).max())

    def form(vectors: Any) -> Any:
        if engine.endswith("f32"):
            return vectors
        return np.clip(np.rint(vectors * scale), -127, 127).astype(np.int8)

    stored = form(docs)

    def search(queries: Any, k: int) -> Any:
        found = find(stored, form(queries), k, MetricKind.IP, exact=True, threads=1)
        return found.keys.reshape(len(queries), -1)

    return search, stored, usearch.__version__


def race_peer(job: Dict[str, Any]) -> Dict[str, Any]:
    import resource

    import numpy as np

    folder, engine, k = Path(job["folder"]), job["engine"], job["k"]
    docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
    started = time.process_time()
    make_index = faiss_index if engine.startswith("faiss") else usearch_index
    search, _, version = make_index(engine, docs)
    result: Dict[str, Any] = {"build s": time.process_time() - started}
    if engine != "faiss-panorama":
        count = len(queries) if engine == "faiss-f32" else min(len(queries), 200)
        started = time.process_time()
        found = search(queries[:count], k)
        result["batch q/s"] = count / (time.process_time() - started)
        exact = exact_top(docs, queries[:50], k)
        result["recall"] = float(np.mean([len(set(a) & set(b)) / len(b)
                                          for a, b in zip(found[:50].tolist(), exact.tolist())]))
    count = 20 if engine.startswith("usearch") else SINGLE
    started = time.process_time()
    for i in range(count):
        search(queries[i:i + 1], k)
    result["single q/s"] = count / (time.process_time() - started)
    result["MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**result, "version": version, "isa": instructions(engine)}


def exact_top(docs: Any, queries: Any, k: int) -> Any:
    import numpy as np

    return np.argsort(-(queries @ docs.T), axis=1)[:, :k]


def instructions(engine: str) -> str:
    """What a peer says that it runs on."""
    if engine.startswith("faiss"):
        import faiss

        return faiss.get_compile_options().split()[-1]
    from usearch.index import Index

    return str(Index(ndim=64, dtype="f32").hardware_acceleration)


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] == ["--help"] else 64)
    job = json.loads(sys.argv[1])
    print(json.dumps(make(job) if job["engine"] == "make" else race_peer(job)))


if __name__ == "__main__":
    main()
