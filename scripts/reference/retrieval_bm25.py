#!/usr/bin/env python3
"""The bm25 section of scripts/bench-retrieval: texts by their words, and its peers.

    scripts/bench-retrieval bm25 --docs docs.tsv --queries queries.tsv --limit 100000 --k 10,1000

Ours: the index as it is built, searched with bounds and, to see that the run is the same, without.
Peers: bm25s with its numba scorer, activated and warmed; PISA through pyterrier-pisa, by three
algorithms; tantivy. Each has k1 0.9 and b 0.4 where it can be told so (tantivy has 1.2 and 0.75), its own
words and stems, and one thread; tantivy keeps frequencies and positions, without which it parses no
query, and counts no hits.

    retrieval_bm25.py JOB    # JSON: what the frame asks of a peer's Python; prints JSON
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

PACKAGES = ["bm25s==0.3.16", "numba", "PyStemmer", "pyterrier-pisa==0.4.9", "tantivy==0.27.0"]
PEERS = {"bm25s": ["bm25s"], "tantivy": ["tantivy"],
         "pisa": ["pisa-block_max_maxscore", "pisa-maxscore", "pisa-block_max_wand"]}


def sets(options: Any) -> List[str]:
    """What is raced on."""
    return ["given"] if options.docs else []


# --- our side


def race(bench: Any, what: str) -> Tuple[List[Dict[str, Any]], bool]:
    """The rows, and whether runs with bounds are those without."""
    from __main__ import note, size_of  # type: ignore[attr-defined]

    folder = bench.out / f"bm25-{what}"
    folder.mkdir(exist_ok=True)
    cut(bench.options.docs, folder / "docs.tsv", bench.options.limit)
    shutil.copy(bench.options.queries, folder / "queries.tsv")
    bare = bench.ours("lir-index", "build", "--type", "bm25", "--store-vectors", "no",
                      folder / "docs.tsv", "-o", folder / "bare.index")
    done = bench.ours("lir-index", "build", "--type", "bm25", folder / "docs.tsv", "-o",
                      folder / "words.index")
    documents = int(done.summary["documents"])
    built: Dict[str, Dict[str, Any]] = {"lir": {
        "build docs/s": documents / done.cpu, "build MB": done.megabytes,
        "bytes": size_of(folder / "bare.index"), "bytes with vectors": size_of(folder / "words.index")}}
    note(f"bm25 is built in {done.cpu:.1f} s, without vectors in {bare.cpu:.1f} s")
    names = PEERS if bench.options.peers is None else bench.options.peers.split(",")
    rows: List[Dict[str, Any]] = []
    agree = True
    for k in bench.options.k:
        runs: Dict[str, Callable[[], Dict[str, Any]]] = {"lir": lambda: ours(bench, folder, k, [])}
        runs["lir --exact"] = lambda: ours(bench, folder, k, ["--exact"])
        for name in (n for n in names if n in PEERS):
            job = {"engine": name, "folder": str(folder), "k": k, "algorithms": PEERS[name]}
            runs[name] = lambda job=job: bench.peer("bm25", job)
        found = bench.turns(runs)
        same = (folder / f"lir-{k}.run").read_bytes() == (folder / f"exact-{k}.run").read_bytes()
        agree = agree and same
        for name, result in found.items():
            if "build docs/s" in result:
                built[name] = {key: result.pop(key) for key in
                               ("build docs/s", "build MB", "bytes") if key in result}
            speeds = {key[5:]: result.pop(key) for key in list(result) if key.startswith("q/s: ")}
            for engine, speed in (speeds or {name: result.pop("q/s", None)}).items():
                rows.append({"engine": engine, "k": k, "documents": documents, "q/s": speed,
                             "equal": ("yes" if same else "no") if name == "lir" else None,
                             **result, **built.get(name, {})})
    return rows, agree


def cut(source: Path, target: Path, limit: Any) -> None:
    """The first lines of a file of texts."""
    with open(source, "rb") as lines, open(target, "wb") as file:
        for place, line in enumerate(lines):
            if limit is not None and place >= limit:
                break
            file.write(line)


def ours(bench: Any, folder: Path, k: int, options: List[str]) -> Dict[str, Any]:
    """One turn: all queries, less what one query takes."""
    common = ["--index", folder / "words.index", "-k", k, "--tag", "bench", *options]
    run = folder / f"{'exact' if options else 'lir'}-{k}.run"
    batch = bench.ours("lir-search", *common, folder / "queries.tsv", "-o", run)
    one = bench.ours("lir-search", *common, "--limit", 1, folder / "queries.tsv", "-o",
                     folder / "scratch.run")
    queries = int(batch.summary["records"])
    return {"q/s": (queries - 1) / max(batch.cpu - one.cpu, 1e-9), "MB": batch.megabytes}


# --- the peers' side


def timed(queries: int, search: Callable[[], Any]) -> float:
    """Queries a second of processor time, the best of three passes behind a first one."""
    search()
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        search()
        best = min(best, time.process_time() - started)
    return queries / best


def bm25s(docs: List[str], queries: List[str], job: Dict[str, Any]) -> Dict[str, Any]:
    import bm25s as engine
    import Stemmer

    stemmer = Stemmer.Stemmer("porter")
    started = time.process_time()
    words = engine.tokenize(docs, stopwords="en", stemmer=stemmer, show_progress=False)
    index = engine.BM25(method="lucene", k1=0.9, b=0.4, backend="numba")
    index.index(words, show_progress=False)
    built = time.process_time() - started
    asked = engine.tokenize(queries, stopwords="en", stemmer=stemmer, show_progress=False,
                            return_ids=False)
    index.activate_numba_scorer()
    return {"q/s": timed(len(queries), lambda: index.retrieve(
        asked, k=job["k"], n_threads=1, show_progress=False)), "build docs/s": len(docs) / built}


def tantivy(docs: List[str], queries: List[str], job: Dict[str, Any]) -> Dict[str, Any]:
    import tantivy as engine

    folder = Path(job["folder"]) / "tantivy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    builder = engine.SchemaBuilder()
    builder.add_text_field("body", stored=False, tokenizer_name="en_stem")
    started = time.process_time()
    index = engine.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=500_000_000, num_threads=1)
    for doc in docs:
        writer.add_document(engine.Document(body=doc))
    writer.commit()
    writer.wait_merging_threads()
    built = time.process_time() - started
    index.reload()
    searcher = index.searcher()
    asked = [index.parse_query(" ".join(re.findall(r"\w+", query)).lower() or "none", ["body"])
             for query in queries]
    speed = timed(len(queries), lambda: [searcher.search(query, job["k"], count=False)
                                         for query in asked])
    return {"q/s": speed, "build docs/s": len(docs) / built,
            "bytes": sum(path.stat().st_size for path in folder.iterdir())}


def pisa(docs: List[str], queries: List[str], job: Dict[str, Any]) -> Dict[str, Any]:
    import pandas
    from pyterrier_pisa import PisaIndex

    folder = Path(job["folder"]) / "pisa"
    shutil.rmtree(folder, ignore_errors=True)
    started = time.process_time()
    index = PisaIndex(str(folder), stemmer="porter2", threads=1)
    index.index([{"docno": str(place), "text": doc} for place, doc in enumerate(docs)])
    built = time.process_time() - started
    frame = pandas.DataFrame({"qid": [str(place) for place in range(len(queries))],
                              "query": queries})
    result: Dict[str, Any] = {"build docs/s": len(docs) / built}
    for name in job["algorithms"]:
        engine = index.bm25(k1=0.9, b=0.4, num_results=job["k"], threads=1,
                            query_algorithm=name.split("-", 1)[1])
        result[f"q/s: {name}"] = timed(len(queries), lambda: engine.transform(frame))
    # What a search reads: compressed postings, bounds, terms and ids.
    result["bytes"] = sum(path.stat().st_size for path in folder.iterdir()
                          if not path.name.startswith("inv.") and path.name != "fwd")
    return result


def main() -> None:
    job = json.loads(sys.argv[1])
    folder = Path(job["folder"])
    docs, queries = ([line.rstrip("\n").split("\t", 1)[1] for line in
                      open(folder / name, encoding="utf-8")] for name in ("docs.tsv", "queries.tsv"))
    result = {"bm25s": bm25s, "tantivy": tantivy, "pisa": pisa}[job["engine"]](docs, queries, job)
    result["MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
