#!/usr/bin/env python3
"""The reference's side of the end-to-end comparison: what the tools' output is measured against.

    pipeline.py --data DATA --minilm DIR --splade DIR --out DIR

* MiniLM (sentence-transformers), exact search on vaswani and cranfield;
* a tiny SPLADE (transformers), re-ranking BM25's first 100 on msmarco-dl19.

Embeddings are written as `NAME.npy` (sparse ones as `NAME.offsets.npy`, `NAME.indices.npy`,
`NAME.values.npy`) with the ids beside them in `NAME.ids`, rankings as TREC runs, measures as
`measures.json`. `compare.py` sets our output against them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import ir_measures
import numpy as np
import torch
from ir_measures import RR, nDCG

Texts = Dict[str, str]
Run = Dict[str, List[Tuple[str, np.float32]]]


def read_texts(path: Path) -> Texts:
    """A TSV: the id, then the text's fields, which are joined by a space."""
    texts = {}
    for line in path.read_text("utf-8").split("\n"):
        if line:
            name, *fields = line.rstrip("\r").split("\t")
            texts[name] = " ".join(fields)
    return texts


def order(scores: np.ndarray, ids: Sequence[str], depth: int) -> List[Tuple[str, np.float32]]:
    """The best, by score and then by id, both descending: trec_eval's order."""
    keep = min(depth, len(ids))
    threshold = np.partition(scores, -keep)[-keep]
    candidates = [(scores[i], ids[i].encode(), ids[i]) for i in np.flatnonzero(scores >= threshold)]
    candidates.sort(reverse=True)
    return [(name, score) for score, _, name in candidates[:keep]]


def write_run(path: Path, run: Run, tag: str) -> None:
    with open(path, "w", encoding="utf-8") as out:
        for query, ranking in run.items():
            for rank, (doc, score) in enumerate(ranking, 1):
                out.write(f"{query} Q0 {doc} {rank} {score!s} {tag}\n")


def read_run(path: Path, depth: int) -> Run:
    """A TREC run, cut at a depth, in the order of its scores."""
    run: Run = {}
    for line in path.read_text("utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        run.setdefault(query, []).append((doc, np.float32(score)))
    for ranking in run.values():
        ranking.sort(key=lambda r: (r[1], r[0].encode()), reverse=True)
        del ranking[depth:]
    return run


def measure(qrels: Path, run: Run) -> Dict[str, float]:
    """trec_eval's measures, averaged over the queries that are in both."""
    judged = [q for q in ir_measures.read_trec_qrels(str(qrels)) if q.query_id in run]
    scored = [ir_measures.ScoredDoc(q, d, float(s)) for q, r in run.items() for d, s in r]
    measures = [nDCG @ 10, nDCG @ 100, RR]
    found = ir_measures.pytrec_eval.calc_aggregate(measures, judged, scored)
    return {str(m): round(float(v), 6) for m, v in found.items()}


def write_ids(path: Path, ids: Sequence[str]) -> None:
    path.write_text("".join(f"{i}\n" for i in ids), "utf-8")


def dense_search(model: Any, data: Path, out: Path, name: str, batch: int) -> Dict[str, Any]:
    """Encode a collection and its queries, and rank all documents for every query."""
    vectors: Dict[str, np.ndarray] = {}
    ids: Dict[str, List[str]] = {}
    seconds = 0.0
    for what in ("queries", "docs"):
        texts = read_texts(data / f"{what}.tsv")
        start = time.monotonic()
        ids[what] = list(texts)
        vectors[what] = model.encode(list(texts.values()), batch_size=batch,
                                     normalize_embeddings=True, convert_to_numpy=True)
        seconds += time.monotonic() - start
        np.save(out / f"{name}.{what}.npy", vectors[what])
        write_ids(out / f"{name}.{what}.ids", ids[what])
    scores = vectors["queries"] @ vectors["docs"].T
    run = {q: order(s, ids["docs"], 1000) for q, s in zip(ids["queries"], scores)}
    write_run(out / f"{name}.run", run, "sentence-transformers")
    return {**measure(data / "qrels.txt", run), "docs": len(ids["docs"]),
            "encode_seconds": round(seconds, 1)}


class Splade:
    """max over attended tokens of log(1 + relu(logits)), [CLS] and [SEP] included."""

    def __init__(self, folder: Path, max_length: int) -> None:
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.max_length = max_length or self.tokenizer.model_max_length
        self.model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], batch: int) -> List[Tuple[np.ndarray, np.ndarray]]:
        """Indices and values of each text's vector, in the texts' order."""
        found: List[Any] = [None] * len(texts)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for at in range(0, len(texts), batch):
            chosen = by_length[at : at + batch]
            tokens = self.tokenizer([texts[i] for i in chosen], padding=True, truncation=True,
                                    max_length=self.max_length, return_tensors="pt")
            logits = self.model(**tokens).logits
            logits = logits.masked_fill(tokens["attention_mask"][..., None] == 0, -torch.inf)
            rows = torch.log1p(torch.relu(logits.amax(1))).numpy()
            for i, row in zip(chosen, rows):
                indices = np.flatnonzero(row).astype(np.int32)
                found[i] = (indices, row[indices])
        return found


def splade_rerank(model: Splade, data: Path, out: Path, batch: int) -> Dict[str, Any]:
    """Re-rank BM25's first 100 by the dot product of sparse vectors."""
    first = read_run(data / "runs" / "bm25.run", 100)
    queries = {q: t for q, t in read_texts(data / "queries.tsv").items() if q in first}
    wanted = {doc for ranking in first.values() for doc, _ in ranking}
    docs = {d: t for d, t in read_texts(data / "docs.tsv").items() if d in wanted}
    vectors: Dict[str, Dict[str, Tuple[np.ndarray, np.ndarray]]] = {}
    start = time.monotonic()
    for what, texts in (("queries", queries), ("docs", docs)):
        rows = model.encode(list(texts.values()), batch)
        vectors[what] = dict(zip(texts, rows))
        name = f"msmarco-dl19.{what}"
        np.save(out / f"{name}.offsets.npy", np.cumsum([0] + [len(i) for i, _ in rows]))
        np.save(out / f"{name}.indices.npy", np.concatenate([i for i, _ in rows]))
        np.save(out / f"{name}.values.npy", np.concatenate([v for _, v in rows]))
        write_ids(out / f"{name}.ids", list(texts))
    seconds = time.monotonic() - start
    run: Run = {}
    dense = np.zeros(model.model.config.vocab_size, np.float32)
    for query, ranking in first.items():
        indices, values = vectors["queries"][query]
        dense[:] = 0
        dense[indices] = values
        ids = [doc for doc, _ in ranking]
        scores = np.array([dense[vectors["docs"][d][0]] @ vectors["docs"][d][1] for d in ids],
                          np.float32)
        run[query] = order(scores, ids, len(ids))
    write_run(out / "msmarco-dl19.run", run, "transformers")
    qrels = data / "qrels.txt"
    return {**measure(qrels, run), "bm25": measure(qrels, first), "docs": len(docs),
            "encode_seconds": round(seconds, 1), "max_length": model.max_length}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of collections")
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--splade", type=Path, help="folder of the SPLADE model")
    parser.add_argument("--splade-length", type=int, default=0, metavar="N",
                        help="cut texts at N tokens (default: as the tokenizer's folder says)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "measures.json"
    report: Dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if options.splade:
        name = "msmarco-dl19"
        report[name] = splade_rerank(Splade(options.splade, options.splade_length),
                                     options.data / name, options.out, options.batch)
        print(name, json.dumps(report[name]), flush=True)
    if options.minilm:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(options.minilm), device="cpu")
        for name in ("cranfield", "vaswani"):
            report[name] = dense_search(model, options.data / name, options.out, name,
                                        options.batch)
            report[name]["max_seq_length"] = model.max_seq_length
            print(name, json.dumps(report[name]), flush=True)
    path.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
