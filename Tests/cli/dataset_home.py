#!/usr/bin/env python3
"""Datasets in the layouts in which their owners publish them, with the texts of a small collection.

    dataset_home.py home EXAMPLE FOLDER    # what ir_datasets would have downloaded, five datasets
    dataset_home.py files EXAMPLE FOLDER   # training data as hubs serve it, and a table of them
    dataset_home.py serve FOLDER           # serves a folder on 127.0.0.1; prints the address
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Tuple

Texts = List[Tuple[str, str]]


def rows(path: Path, separator: str = "\t") -> List[List[str]]:
    return [line.rstrip("\n").split(separator) for line in open(path, encoding="utf-8")]


def put(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def tar(files: Dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def parquet(path: Path, table: Dict[str, List[Any]]) -> None:
    import pyarrow
    import pyarrow.parquet
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(table), path)


class Example:
    """Texts and judgements; numbers stand for ids where a collection has numbers."""

    def __init__(self, folder: Path) -> None:
        self.docs = [(r[0], r[1]) for r in rows(folder / "docs.tsv")]
        self.queries = [(r[0], r[1]) for r in rows(folder / "queries.tsv")]
        self.qrels = [line.split() for line in open(folder / "qrels.txt", encoding="utf-8")]
        self.numbers = {d: str(i) for i, (d, _) in enumerate(self.docs, 1)}
        self.query_numbers = {q: str(i) for i, (q, _) in enumerate(self.queries, 1)}

    def home(self, home: Path) -> None:
        self.vaswani(home / "vaswani")
        self.cranfield(home / "cranfield")
        self.beir(home / "beir/scifact")
        self.msmarco(home / "msmarco-passage")
        self.clinical_trials(home / "clinicaltrials")
        self.wapo(home / "wapo")
        try:
            self.nano_beir(home / "nano-beir/nfcorpus")
            self.bright(home / "bright")
        except ImportError:
            print("no pyarrow", file=sys.stderr)

    def vaswani(self, folder: Path) -> None:
        """NPL: numbered texts in capitals; judgements are lists of numbers below a query's."""
        docs = "".join(f"{self.numbers[d]}\n{t.upper()}\n   /\n" for d, t in self.docs)
        queries = "".join(f"{self.query_numbers[q]}\n{t.upper()}\n/\n" for q, t in self.queries)
        judged = "".join(f"{self.query_numbers[q]}\n" + "".join(
            f"  {self.numbers[r[2]]}\n" for r in self.qrels if r[0] == q and r[3] != "0") + "   /\n"
            for q, _ in self.queries)
        put(folder / "npl.tar.gz", tar({"doc-text": docs, "query-text": queries, "rlv-ass": judged}))

    def cranfield(self, folder: Path) -> None:
        """Fields behind .I, .T, .A, .B and .W; query numbers that the judgements do not use."""
        docs = "".join(f".I {self.numbers[d]}\n.T\nabout {d}\n.A\nnobody\n.B\nnowhere\n.W\n{t}\n"
                       for d, t in self.docs)
        queries = "".join(f".I {int(self.query_numbers[q]) * 3:03}\n.W\n{t}\n" for q, t in self.queries)
        judged = "".join(f"{self.query_numbers[r[0]]} {self.numbers[r[2]]} {r[3]}\n" for r in self.qrels)
        put(folder / "cran.tar.gz", tar({"cran.all.1400": docs, "cran.qry": queries, "cranqrel": judged}))

    def beir(self, folder: Path) -> None:
        """A zip of JSON lines; titles apart; queries of all parts in one file."""
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / "source.zip", "w") as archive:
            archive.writestr("scifact/corpus.jsonl", "".join(json.dumps(
                {"_id": d, "title": f"On {d}", "text": t, "metadata": {}}) + "\n" for d, t in self.docs))
            archive.writestr("scifact/queries.jsonl", "".join(json.dumps(
                {"_id": q, "text": t, "metadata": {}}) + "\n" for q, t in self.queries + [("train", "none")]))
            for part, lines in (("test", self.qrels), ("train", [["train", "0", self.docs[0][0], "1"]])):
                archive.writestr(f"scifact/qrels/{part}.tsv", "query-id\tcorpus-id\tscore\n" + "".join(
                    f"{r[0]}\t{r[2]}\t{r[3]}\n" for r in lines))

    def nano_beir(self, folder: Path) -> None:
        parquet(folder / "corpus.parquet", {"_id": [d for d, _ in self.docs], "text": [t for _, t in self.docs]})
        parquet(folder / "queries.parquet",
                {"_id": [q for q, _ in self.queries], "text": [t for _, t in self.queries]})
        relevant = [r for r in self.qrels if r[3] != "0"]
        parquet(folder / "qrels.parquet",
                {"query-id": [r[0] for r in relevant], "corpus-id": [r[2] for r in relevant]})

    def bright(self, folder: Path) -> None:
        """Queries with reasonings of models beside their texts."""
        parquet(folder / "biology.docs.parquet", {"id": [d for d, _ in self.docs],
                                                  "content": [t for _, t in self.docs]})
        ids = [self.query_numbers[q] for q, _ in self.queries]
        relevant = [[r[2] for r in self.qrels if r[0] == q and r[3] != "0"] for q, _ in self.queries]
        parquet(folder / "biology.queries.parquet", {
            "id": ids, "query": [t for _, t in self.queries], "reasoning": ["why"] * len(ids),
            "gold_answer": ["so"] * len(ids), "gold_ids": relevant, "excluded_ids": [["N/A"] for _ in ids]})
        for model in ("Gemini-1.0", "claude-3-opus", "gpt4", "grit", "llama3-70b"):
            parquet(folder / f"biology.{model}_reason.queries.parquet", {"id": ids, "reasoning": ["r"] * len(ids)})

    def clinical_trials(self, folder: Path) -> None:
        """A tar of XML files, with no field of the usual names but the title."""
        files = {f"{d}.xml": f"<s><id_info><nct_id>{d}</nct_id></id_info><brief_title>trial {d}</brief_title>"
                 f"<brief_summary><textblock>{t.replace('&', '&amp;').replace('<', '&lt;')}</textblock>"
                 "</brief_summary></s>" for d, t in self.docs}
        put(folder / "docs_2017.tar.gz", tar(files))

    def wapo(self, folder: Path) -> None:
        """News, and topics that are documents."""
        lines = "".join(json.dumps({
            "id": d, "article_url": "x", "title": f"News {d}", "author": "", "published_date": 1,
            "contents": [{"type": "sanitized_html", "mime": "text/plain", "content": t}]}) + "\n"
            for d, t in self.docs)
        put(folder / "WashingtonPost.v2.tar.gz",
            tar({"WashingtonPost.v2/data/TREC_Washington_Post_collection.v2.jl": lines}))
        put(folder / "trec-news-2018/queries.txt", "".join(
            f"<top>\n<num> Number: {self.query_numbers[q]} </num>\n<docid>{self.docs[i][0]}</docid>\n"
            "<url>http://x</url>\n</top>\n\n" for i, (q, _) in enumerate(self.queries)))

    def msmarco(self, folder: Path) -> None:
        """Documents that all subsets share, scored documents without scores, ids of training triples."""
        put(folder / "irds_version.txt", "v2")
        put(folder / "collection.tsv", "".join(f"{self.numbers[d]}\t{t}\n" for d, t in self.docs))
        queries = [(self.query_numbers[q], t) for q, t in self.queries]
        put(folder / "trec-dl-2019/queries.tsv",
            "".join(f"{q}\t{t}\n" for q, t in queries + [("999", "nobody has judged this")]))
        put(folder / "train/queries.tsv", "".join(f"{q}\t{t}\n" for q, t in queries))
        judged = [(self.query_numbers[r[0]], self.numbers[r[2]], r[3]) for r in self.qrels]
        put(folder / "trec-dl-2019/qrels", "".join(f"{q} Q0 {d} {g}\n" for q, d, g in judged))
        put(folder / "train/qrels", "".join(f"{q}\t0\t{d}\t1\n" for q, d, g in judged if g != "0"))
        # Neither in the order of ids nor query by query.
        put(folder / "trec-dl-2019/ms.run", "".join(
            f"{q}\t{d}\n" for d in ["5", "3", "8", "1", "9", "2", "7", "4", "6"] for q, _ in queries + [("999", "")]))
        put(folder / "train/docpairs.tsv.gz", gzip.compress("".join(
            f"{q}\t{d}\t{int(d) % len(self.docs) + 1}\n" for q, d, g in judged if g != "0").encode()))

    def files(self, folder: Path) -> None:
        """What is served: 64-way tuples, hard negatives and a run in a parquet file."""
        q, pos, neg = self.query_numbers[self.queries[0][0]], "1", "2"
        put(folder / "examples.json", "".join(
            json.dumps([int(n), [1, 9.5], [2, 3.25]]) + "\n" for n in self.query_numbers.values()))
        put(folder / "negatives.jsonl.gz", gzip.compress((json.dumps(
            {"qid": q, "pos": [{"pid": pos, "ce-score": 9}],
             "neg": {"bm25": [{"pid": neg, "ce-score": 1}]}}) + "\n" + json.dumps(
            {"qid": "2", "pos": [{"pid": "3", "ce-score": 9}],
             "neg": {"bm25": [{"pid": "4", "ce-score": 1}], "minilm": [{"pid": "5", "ce-score": 2}]}}) +
            "\n").encode()))
        made = {"sixtyfour": ("tuples", "colbert", "examples.json"),
                "negatives": ("tuples", "sbert", "negatives.jsonl.gz")}
        try:
            parquet(folder / "scored.parquet", {
                "qid": [int(q), int(q), int(q)], "docno": ["3", "1", "1"], "rank": [1, 2, 3],
                "score": [2.5, 1.25, 1.0], "__index_level_0__": [0, 1, 2]})
            made["scored"] = ("run", "parquet", "scored.parquet")
        except ImportError:
            print("no pyarrow", file=sys.stderr)
        base = "msmarco-passage\tmsmarco-passage/train\tmsmarco-passage/train"
        part_of = f"msmarco-passage/train/minilm\ttuples\tsbert:minilm\t\tBASE\tmsmarco-passage/train/negatives"
        lines = ["name\tpart\tformat\tmd5\tdocs\tqueries\tqrels\turl"]
        for name, (part, form, file) in made.items():
            digest = hashlib.md5((folder / file).read_bytes()).hexdigest()
            lines.append(f"msmarco-passage/train/{name}\t{part}\t{form}\t{digest}\t{base}\tADDRESS/{file}")
        lines.append(part_of.replace("BASE", base))
        put(folder / "table.tsv", "\n".join(lines) + "\n")


class Ranges(SimpleHTTPRequestHandler):
    """A file server that knows ranges, and says on its standard error what was asked for."""

    def do_GET(self) -> None:
        path = self.translate_path(self.path)
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or not os.path.isfile(path):
            super().do_GET()
            return
        with open(path, "rb") as file:
            data = file.read()
        start = int(wanted[len("bytes="):].rstrip("-"))
        self.log_message("range from %d", start)
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:])


def main(arguments: List[str]) -> None:
    if arguments[0] == "serve":
        os.chdir(arguments[1])
        server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
    example = Example(Path(arguments[1]))
    getattr(example, arguments[0])(Path(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
