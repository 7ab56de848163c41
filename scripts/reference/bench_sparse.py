#!/usr/bin/env python3
"""Race lir's sparse index against SINDI, PISA, BMP, Seismic and SciPy, one thread each.

    bench_sparse.py make docs.lirt 1000000 -o made.lirt
    bench_sparse.py race docs.lirt queries.lirt --bin DIR --limit 20000 --peers sindi,pisa,bmp

Queries per second are of process CPU time, the median of three passes, k = 10. lir-search is timed as
a process on ten copies of the queries, less what it takes for the first ten of them. `make` writes
documents that each take their terms from two given ones, by a coin for every term: so document
frequencies, lengths and weights are those of the given collection, and neighbourhoods are not.

Needs numpy, scipy and xxhash, and of the peers those that are raced: pyvsag, pyterrier-pisa, bmp,
pyseismic-lsr. PISA and BMP get weights rounded to 8 bits, and their recall is against sums of those.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import xxhash

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import lirt  # noqa: E402


class Vectors(NamedTuple):
    """Sparse vectors as CSR."""

    offsets: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    ids: List[str]
    dim: int


def read(path: str, limit: Optional[int] = None) -> Vectors:
    """The first `limit` vectors of a stream, as CSR."""
    offsets, indices, values, ids, dim = [0], [], [], [], 0
    for segment in lirt.segments(path):
        tensors = segment.tensors
        if "offsets" not in tensors:
            continue
        dim = int(segment.metadata.get("lir.dim", dim))
        indices.append(tensors["indices"])
        values.append(tensors["values"])
        offsets += (tensors["offsets"][1:] + offsets[-1]).tolist()
        ids += segment.ids
        if limit and len(ids) >= limit:
            break
    count = min(limit or len(ids), len(ids))
    end = offsets[count]
    return Vectors(np.array(offsets[:count + 1]), np.concatenate(indices)[:end].astype(np.int32),
                   np.concatenate(values)[:end].astype(np.float32), ids[:count], dim)


class Writer:
    """Writes a sparse stream; the metadata of the first segment is that of another stream."""

    def __init__(self, path: str, metadata: Dict[str, str]) -> None:
        self.file, self.metadata = open(path, "wb"), metadata
        self.chain, self.records, self.segments = b"", 0, 0

    def _segment(self, metadata: Any, tensors: Any) -> bytes:
        header, data, at = {}, b"", 0
        order = sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
        names = {"int64": "I64", "int32": "I32", "float32": "F32", "uint8": "U8"}
        for name, array in order:
            raw = array.tobytes()
            header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape),
                            "data_offsets": [at, at + len(raw)]}
            data, at = data + raw, at + len(raw)
        header["__metadata__"] = dict(metadata, **{"lir.format": "1", "lir.xxh3": "0" * 16})
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % 64)
        digest = xxhash.xxh3_64(text + data).hexdigest().encode()
        text = text.replace(b'"lir.xxh3":"' + b"0" * 16, b'"lir.xxh3":"' + digest)
        self.file.write(struct.pack("<Q", len(text)) + text + data)
        return digest

    def write(self, vectors: Any) -> None:
        """Writes 1024 records or fewer as a segment, however large."""
        ids = [i.encode() for i in vectors.ids]
        metadata = {"lir.kind": "sparse", "lir.role": self.metadata["lir.role"],
                    "lir.first": str(self.records), "lir.records": str(len(ids))}
        if self.segments == 0:
            metadata = dict(self.metadata, **metadata)
        self.chain += self._segment(metadata, {
            "offsets": vectors.offsets.astype(np.int64), "indices": vectors.indices,
            "values": vectors.values, "ids": np.frombuffer(b"".join(ids), np.uint8),
            "id_offsets": np.cumsum([0] + [len(i) for i in ids], dtype=np.int64)})
        self.records, self.segments = self.records + len(ids), self.segments + 1

    def close(self) -> None:
        self._segment({"lir.kind": "end", "lir.records": str(self.records),
                       "lir.segments": str(self.segments),
                       "lir.chain": xxhash.xxh3_64(self.chain).hexdigest()}, {})
        self.file.close()


def metadata(path: str) -> Dict[str, str]:
    kept = ("lir.role", "lir.model", "lir.dim", "lir.similarity")
    first = next(iter(lirt.segments(path))).metadata
    return {key: first[key] for key in kept if key in first}


def make(arguments: argparse.Namespace) -> None:
    source, random = read(arguments.docs), np.random.default_rng(arguments.seed)
    writer, count = Writer(arguments.output, metadata(arguments.docs)), len(source.ids)

    def row(document: int) -> Tuple[Any, Any]:
        place = slice(source.offsets[document], source.offsets[document + 1])
        return source.indices[place], source.values[place]

    for first in range(0, arguments.count, 1024):
        rows = []
        for _ in range(first, min(first + 1024, arguments.count)):
            parts = []
            for document, side in zip(random.integers(0, count, 2), (0, 1)):
                indices, values = row(document)
                # One coin a term, for both documents.
                parts.append((indices, values, side))
            coins = random.integers(0, 2, source.dim, dtype=np.int8)
            kept = [(i[coins[i] == s], v[coins[i] == s]) for i, v, s in parts]
            indices = np.concatenate([i for i, _ in kept])
            order = np.argsort(indices, kind="stable")
            rows.append((indices[order], np.concatenate([v for _, v in kept])[order]))
        writer.write(Vectors(
            np.cumsum([0] + [len(i) for i, _ in rows]), np.concatenate([i for i, _ in rows]),
            np.concatenate([v for _, v in rows]), [f"m{first + n}" for n in range(len(rows))],
            source.dim))
    writer.close()


def matrix(vectors: Vectors, values: Optional[np.ndarray] = None) -> Any:
    from scipy.sparse import csr_matrix
    data = vectors.values if values is None else values
    return csr_matrix((data, vectors.indices, vectors.offsets), (len(vectors.ids), vectors.dim))


def passes(count: int, body: Callable[[], Any]) -> Tuple[float, Any]:
    """Queries per second, the median of three passes, and what the last one found."""
    rates = []
    for _ in range(3):
        start = time.process_time()
        found = body()
        rates.append(count / (time.process_time() - start))
    return sorted(rates)[1], found


def reached(found: List[List[int]], scores: Any, k: int = 10) -> float:
    """The part of found documents whose score is not below the k-th best: ties are as good."""
    hits = 0
    for row, documents in enumerate(found):
        place = slice(scores.indptr[row], scores.indptr[row + 1])
        own = dict(zip(scores.indices[place].tolist(), scores.data[place].tolist()))
        best = sorted(own.values(), reverse=True)[:k]
        limit = best[-1] * (1 - 1e-6) if best else 0
        hits += sum(own.get(d, -1) >= limit for d in documents[:k]) / max(1, len(best))
    return hits / len(found)


def report(name: str, rate: float, build: float, size: int, recall: float,
           memory: Optional[int] = None) -> None:
    peak = "" if memory is None else f"{memory / 1e6:.0f}"
    print(f"{name}\t{rate:.0f}\t{build:.1f}\t{size / 1e6:.1f}\t{peak}\t{recall:.4f}", flush=True)


# A process inherits the peak memory of the one that forks it: a small one has to.
RUN = """import os, sys
child = os.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(1 if status else 0)
"""


def cpu(command: List[str]) -> Tuple[float, int, str]:
    """CPU seconds and peak memory of a command, and its standard error."""
    done = subprocess.run([sys.executable, "-c", RUN, *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: failed\n{done.stderr}")
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), int(memory) * 1024, done.stderr


def race_lir(arguments: argparse.Namespace, docs: Vectors, queries: Vectors, scores: Any,
             folder: str) -> None:
    stream, index = f"{folder}/docs.lirt", f"{folder}/index"
    writer = Writer(stream, metadata(arguments.docs))
    for first in range(0, len(docs.ids), 1024):
        some = docs.offsets[first:first + 1025]
        place = slice(some[0], some[-1])
        writer.write(Vectors(some - some[0], docs.indices[place], docs.values[place],
                             docs.ids[first:first + 1024], docs.dim))
    writer.close()
    for name, copies in (("few", 0), ("many", 10)):
        writer = Writer(f"{folder}/{name}.lirt", metadata(arguments.queries))
        for copy in range(max(copies, 1)):
            count = len(queries.ids) if copies else 10
            for first in range(0, count, 1024):
                some = queries.offsets[first:min(first + 1024, count) + 1]
                place = slice(some[0], some[-1])
                writer.write(Vectors(
                    some - some[0], queries.indices[place], queries.values[place],
                    [f"{copy}:{i}" for i in queries.ids[first:first + len(some) - 1]], queries.dim))
        writer.close()
    places = {identifier: place for place, identifier in enumerate(docs.ids)}
    variants = [("lir", [], []), ("lir --approximate", [], ["--approximate"])]
    if arguments.reorder:
        variants += [("lir --reorder bp", ["--reorder", "bp"], []),
                     ("lir --reorder bp --engine scatter", ["--reorder", "bp"], ["--engine", "scatter"])]
    variants += [(f"lir --isa {isa}", [], ["--isa", isa]) for isa in arguments.isa]
    built, times = None, {}
    for name, build, search in variants:
        if build != built:
            shutil.rmtree(index, ignore_errors=True)
            times[str(build)] = cpu([f"{arguments.bin}/lir-index", "build", "--threads", "1", *build,
                                     stream, "-o", index])[0]
            built = build
        size = sum(os.path.getsize(f"{index}/{file}") for file in os.listdir(index))
        rates, memory, text = [], 0, ""
        for _ in range(3):
            used = []
            for part in ("few", "many"):
                seconds, memory, text = cpu([
                    f"{arguments.bin}/lir-search", "--index", index, "--threads", "1", "-k", "10",
                    *search, f"{folder}/{part}.lirt", "-o", f"{folder}/{part}.run"])
                used.append(seconds)
            rates.append((10 * len(queries.ids) - 10) / (used[1] - used[0]))
        found = [[] for _ in queries.ids]
        number = {identifier: row for row, identifier in enumerate(queries.ids)}
        for line in open(f"{folder}/many.run"):
            query, _, document = line.split(" ")[:3]
            if query.startswith("0:"):
                found[number[query[2:]]].append(places[document])
        report(name, sorted(rates)[1], times[str(build)], size, reached(found, scores), memory)
        print("  " + " ".join(w for w in text.split() if w.startswith("survivors")), flush=True)


def race_sindi(docs: Vectors, queries: Vectors, scores: Any, folder: str) -> None:
    import pyvsag
    pyvsag.set_logger_off()
    rows = [(np.array([0, b - a], np.uint32), queries.indices[a:b].astype(np.uint32),
             queries.values[a:b]) for a, b in zip(queries.offsets, queries.offsets[1:])]
    for name, quantised in (("SINDI fp32", False), ("SINDI SQ8 + rerank", True)):
        index = pyvsag.Index("sindi", json.dumps({
            "dtype": "sparse", "dim": docs.dim, "metric_type": "ip", "index_param": {
                "use_reorder": quantised, "use_quantization": quantised,
                "term_id_limit": docs.dim, "doc_prune_ratio": 0.0, "window_size": 60000}}))
        start = time.process_time()
        index.build(index_pointers=docs.offsets.astype(np.uint32),
                    indices=docs.indices.astype(np.uint32), values=docs.values,
                    ids=np.arange(len(docs.ids), dtype=np.int64))
        build = time.process_time() - start
        options = json.dumps({"sindi": {"query_prune_ratio": 0.0, "term_prune_ratio": 0.0,
                                        "n_candidate": 100 if quantised else 0}})
        rate, found = passes(
            len(rows), lambda: [index.knn_search(*row, 10, options) for row in rows])
        ids = [[int(x) for x in next(a for a in map(np.ravel, f) if a.dtype.kind in "iu")]
               for f in found]
        index.save(f"{folder}/sindi")
        report(name, rate, build, os.path.getsize(f"{folder}/sindi"), reached(ids, scores))


def rounded(vectors: Vectors) -> np.ndarray:
    """Weights as integers up to 255."""
    return np.maximum(0, np.rint(vectors.values * (255 / float(vectors.values.max())))).astype(int)


def rounded_queries(queries: Vectors) -> List[Dict[str, int]]:
    weights = rounded(queries)
    return [{str(t): int(w) for t, w in zip(queries.indices[a:b], weights[a:b]) if w}
            for a, b in zip(queries.offsets, queries.offsets[1:])]


def race_pisa(docs: Vectors, queries: Vectors, folder: str) -> None:
    import pandas
    import pyterrier_pisa
    weights = rounded(docs)
    scores = (matrix(queries, rounded(queries).astype(float))
              @ matrix(docs, weights.astype(float)).T.tocsr()).tocsr()
    start = time.process_time()
    index = pyterrier_pisa.PisaIndex(f"{folder}/pisa", stemmer="none")
    index.toks_indexer(text_field="toks", scale=1.0).index(
        {"docno": f"d{n}", "toks": {str(t): int(w) for t, w in zip(
            docs.indices[a:b], weights[a:b]) if w}}
        for n, (a, b) in enumerate(zip(docs.offsets, docs.offsets[1:])))
    build = time.process_time() - start
    size = sum(os.path.getsize(os.path.join(place, file))
               for place, _, files in os.walk(f"{folder}/pisa") for file in files)
    frame = pandas.DataFrame([
        {"qid": str(n), "query": "", "query_toks": {t: float(w) for t, w in row.items()}}
        for n, row in enumerate(rounded_queries(queries))])
    for algorithm in ("maxscore", "block_max_maxscore", "block_max_wand", "wand"):
        search = index.quantized(num_results=10, query_algorithm=algorithm, threads=1)
        rate, result = passes(len(frame), lambda: search(frame))
        found = [[] for _ in queries.ids]
        for query, document in zip(result.qid, result.docno):
            found[int(query)].append(int(document[1:]))
        report(f"PISA {algorithm}", rate, build, size, reached(found, scores))


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def message(*fields: Tuple[int, Any]) -> bytes:
    """A protobuf message of (number, value): integers, text, bytes of messages, doubles."""
    out = b""
    for number, value in fields:
        if isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, (str, bytes)):
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(int(value))
    return out


def write_ciff(docs: Vectors, path: str) -> None:
    """The Common Index File Format: https://github.com/osirrc/ciff."""
    weights = rounded(docs)
    rows = np.repeat(np.arange(len(docs.ids)), np.diff(docs.offsets))
    kept = weights > 0
    terms, rows, weights = docs.indices[kept], rows[kept], weights[kept]
    order = np.argsort(terms, kind="stable")
    terms, rows, weights = terms[order], rows[order], weights[order]
    names, starts = np.unique(terms, return_index=True)
    ends = np.append(starts[1:], len(terms))
    lengths = np.bincount(rows, weights=weights, minlength=len(docs.ids)).astype(int)
    with open(path, "wb") as file:
        def put(part: bytes) -> None:
            file.write(varint(len(part)) + part)
        put(message((1, 1), (2, len(names)), (3, len(docs.ids)), (4, len(names)), (5, len(docs.ids)),
                    (6, int(weights.sum())), (7, float(lengths.mean())), (8, "")))
        for name, start, end in sorted(zip(map(str, names), starts, ends)):
            gaps = np.diff(rows[start:end], prepend=0)
            put(message((1, name), (2, end - start), (3, int(weights[start:end].sum())),
                        *((4, message((1, g), (2, w))) for g, w in zip(gaps, weights[start:end]))))
        for n, length in enumerate(lengths):
            put(message((1, n), (2, f"d{n}"), (3, int(length))))


def race_bmp(docs: Vectors, queries: Vectors, folder: str) -> None:
    import bmp
    scores = (matrix(queries, rounded(queries).astype(float))
              @ matrix(docs, rounded(docs).astype(float)).T.tocsr()).tocsr()
    write_ciff(docs, f"{folder}/ciff")
    rows = [{t: float(w) for t, w in row.items()} for row in rounded_queries(queries)]
    for size in (8, 32):
        start, target = time.process_time(), f"{folder}/bmp{size}"
        bmp.ciff2bmp(ciff_file=f"{folder}/ciff", output=target, bsize=size, compress_range=False)
        build, searcher = time.process_time() - start, bmp.Searcher(target)
        rate, found = passes(
            len(rows), lambda: [searcher.search(row, k=10, alpha=1.0, beta=1.0) for row in rows])
        ids = [[int(str(i)[1:]) for i in f[0]] for f in found]
        report(f"BMP block {size}", rate, build, os.path.getsize(target), reached(ids, scores))


def race_seismic(docs: Vectors, queries: Vectors, scores: Any) -> None:
    from seismic import SeismicDataset, SeismicIndex, get_seismic_string
    kind, data = get_seismic_string(), SeismicDataset()
    for n, (a, b) in enumerate(zip(docs.offsets, docs.offsets[1:])):
        data.add_document(f"d{n}", np.array([str(t) for t in docs.indices[a:b]], dtype=kind),
                          docs.values[a:b])
    start = time.process_time()
    index = SeismicIndex.build_from_dataset(data)
    build = time.process_time() - start
    rows = [(np.array([str(t) for t in queries.indices[a:b]], dtype=kind), queries.values[a:b])
            for a, b in zip(queries.offsets, queries.offsets[1:])]
    for cut, factor in ((5, 0.9), (10, 0.8), (20, 0.6)):
        rate, found = passes(len(rows), lambda: [
            index.search(query_id="0", query_components=c, query_values=v, k=10, query_cut=cut,
                         heap_factor=factor) for c, v in rows])
        ids = [[int(entry[2][1:]) for entry in f] for f in found]
        report(f"Seismic cut {cut} factor {factor}", rate, build, 0, reached(ids, scores))


def race(arguments: argparse.Namespace) -> None:
    docs, queries = read(arguments.docs, arguments.limit), read(arguments.queries)
    frequencies = np.bincount(docs.indices, minlength=docs.dim) / len(docs.ids)
    print(f"# {len(docs.ids)} documents, {len(docs.values) / len(docs.ids):.1f} terms each, "
          f"{len(queries.values) / len(queries.ids):.1f} a query, which touch "
          f"{frequencies[queries.indices].sum() / len(queries.ids):.2f} postings a document; "
          f"the most frequent is in {frequencies.max():.0%}")
    print("# engine\tqueries/s\tbuild s\tMB\tpeak MB\trecall@10", flush=True)
    turned = matrix(docs).T.tocsr()
    peers = arguments.peers.split(",")
    start = time.process_time()
    scores = (matrix(queries) @ turned).tocsr()
    seconds = time.process_time() - start
    if "scipy" in peers:
        report("SciPy product", len(queries.ids) / seconds, 0, 8 * len(docs.values), 1)
    with tempfile.TemporaryDirectory(dir=arguments.tmp_dir) as folder:
        if arguments.bin:
            race_lir(arguments, docs, queries, scores, folder)
        if "sindi" in peers:
            race_sindi(docs, queries, scores, folder)
        if "pisa" in peers:
            race_pisa(docs, queries, folder)
        if "bmp" in peers:
            race_bmp(docs, queries, folder)
        if "seismic" in peers:
            race_seismic(docs, queries, scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("make")
    command.add_argument("docs")
    command.add_argument("count", type=int)
    command.add_argument("-o", "--output", required=True)
    command.add_argument("--seed", type=int, default=42)
    command.set_defaults(run=make)
    command = commands.add_parser("race")
    command.add_argument("docs")
    command.add_argument("queries")
    command.add_argument("--bin", help="folder of lir-index and lir-search")
    command.add_argument("--limit", type=int)
    command.add_argument("--peers", default="scipy")
    command.add_argument("--isa", action="append", default=[])
    command.add_argument("--reorder", action="store_true")
    command.add_argument("--tmp-dir")
    command.set_defaults(run=race)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
