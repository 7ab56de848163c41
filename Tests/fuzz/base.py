"""Makes what is mutated: a folder of small inputs of every kind, by the tools and the fixtures."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import shlex
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Tuple

from containers import join_tensors, split_tensors
from indexes import CHANGED, FIRST, FOREIGN, Form, all_forms
from situations import DENSE, RESUMED

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """model: models/dpr_bert_00
data: {%s}
batch_size: 4
max_steps: 6
losses: [{name: RankNet, weight: 1.0}, {name: InBatchCrossEntropy, weight: 0.5}]
optimizer: {name: AdamW, lr: 1.0e-3, betas: [0.9, 0.999], no_decay: [bias]}
schedule: {name: cosine, warmup: 1, final: 0.1}
value_schedules: [{key: losses.1.weight, name: constant, warmup: 2, delay: 1}]
clip: 1.0
dropout: 0.1
lora: %s
checkpoint: {every: 2, keep: 2}
validate: [{run: first.run, queries: queries.tsv, docs: docs.tsv, qrels: qrels.txt, every: 3,
            measures: [RR], patience: 5}]
"""
RUN_DATA = ("run: first.run, qrels: qrels.txt, queries: queries.tsv, docs: docs.tsv, "
            "targets: relevance")
TEXTS = ("Hello World! naïve café 北京 Ünïcödé 123.45 don't", "", "key value object",
         "a b  c\u00a0d\u3000e ẞ ﬁ ½ \U0001f600", "a" * 3000 + "b", "x" * 70 + " " * 70,
         "state-of-the-art (test) [MASK] <s> ##ing <unk> €5,000.00 e\u0301\u200d")


class Base:
    """The folder, and how commands are run in it."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self.environment: Dict[str, str] = {
            "PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C", "LIR_THREADS": "2",
            "HOME": str(folder), "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
        fixtures = subprocess.run([str(ROOT / "scripts" / "fixtures")], check=True,
                                  capture_output=True, text=True).stdout.strip()
        self.fixtures = Path(fixtures)
        self.forms: List[Form] = []

    def run(self, command: str, **extra: str) -> int:
        done = subprocess.run(shlex.split(command), cwd=self.folder, capture_output=True,
                              env={**self.environment, **extra}, check=False)
        if done.returncode not in (0, -9):
            message = done.stderr.decode("utf-8", "replace")
            raise SystemExit(f"fuzz: error: {command}: status {done.returncode}\n{message}")
        return done.returncode

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def killed(self, command: str, share: float) -> None:
        """What a command leaves that is killed after this share of its calls that change files."""
        library = self.folder / "faults.so"
        if not library.exists():
            source = str(ROOT / "Tests" / "cli" / "faults.c")
            compiler = shutil.which("cc") or shutil.which("clang") or "cc"
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), source, "-ldl"],
                           check=True)
        points = self.folder / "points.log"
        before = {p.name for p in self.folder.iterdir()}
        faults = {"LD_PRELOAD": str(library), "LIR_THREADS": "1"}
        self.run(command, LIR_TEST_POINTS=str(points), **faults)
        count = len(points.read_text().splitlines())
        points.unlink()
        for path in self.folder.iterdir():
            if path.name not in before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.run(command, LIR_TEST_STOP=str(int(count * share)), **faults) == 0:
            raise SystemExit(f"fuzz: error: {command}: was not killed")

    def make(self) -> None:
        """Everything; it takes seconds."""
        self.copy_fixtures()
        self.make_records()
        self.make_vectors()
        self.make_indexes()
        self.make_other_vectors()
        self.make_runs()
        self.make_training()
        for name, command in RESUMED.items():
            self.killed(command, 0.7)
        (self.folder / "faults.so").unlink()

    def copy_fixtures(self) -> None:
        for name in ("docs.tsv", "queries.tsv", "qrels.txt"):
            shutil.copy(ROOT / "pipelines" / "example" / name, self.folder / name)
        for group in ("external", "native"):
            for folder in sorted((self.fixtures / "models" / group).glob("*/model")):
                if folder.parent.name != "st_ce_bert_3labels":
                    shutil.copytree(folder, self.folder / "models" / folder.parent.name)
        for folder in sorted((self.fixtures / "tokenizers").glob("*/model")):
            shutil.copytree(folder, self.folder / "tokenizers" / folder.parent.name)
        for name in ("bpe", "unigram"):
            folder = self.folder / "tokenizers" / f"spm_{name}"
            folder.mkdir()
            shutil.copy(self.fixtures / "sentencepiece" / f"{name}.model", folder / "spiece.model")
            (folder / "tokenizer_config.json").write_text('{"tokenizer_class":"T5Tokenizer"}')
        shutil.copytree(self.fixtures / "adapter" / "saved", self.folder / "adapter")
        shutil.copytree(self.fixtures / "pylate" / "model", self.folder / "models" / "pylate")
        self.make_shards("st_bert_mean")
        shutil.copytree(self.fixtures / "indexes" / "format-1" / "flat.index",
                        self.folder / "format-1")

    def make_shards(self, name: str) -> None:
        """A model whose weights are in two files, and an index of them."""
        folder = self.folder / "models" / "sharded"
        shutil.copytree(self.folder / "models" / name, folder)
        parts = split_tensors((folder / "model.safetensors").read_bytes())
        assert parts is not None
        (folder / "model.safetensors").unlink()
        header: Dict[str, Any] = {k: v for k, v in json.loads(parts[0]).items() if k[0] != "_"}
        names, places = sorted(header), {}
        for number in (1, 2):
            shard, entries, body = f"model-0000{number}-of-00002.safetensors", {}, b""
            for tensor in names[number - 1::2]:
                start, end = header[tensor]["data_offsets"]
                at = len(body)
                body += parts[1][start:end]
                entries[tensor] = {**header[tensor], "data_offsets": [at, len(body)]}
                places[tensor] = shard
            (folder / shard).write_bytes(join_tensors(json.dumps(entries).encode(), body))
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))

    def rows(self, name: str) -> List[List[str]]:
        return [line.split("\t") for line in self.read(name).splitlines()]

    def make_records(self) -> None:
        docs, queries = self.rows("docs.tsv"), self.rows("queries.tsv")
        some = docs[:8]
        self.write("few.tsv", "".join(f"{i}\t{t}\n" for i, t in docs[:3]))
        self.write("few-queries.tsv", "".join(f"{i}\t{t}\n" for i, t in queries[:2]))
        self.write("few.run", "".join(f"{q} Q0 {d} {r} {9 - r} t\n" for q, _ in queries[:2]
                                      for r, (d, _) in enumerate(docs[:2], 1)))
        self.write("texts.tsv", "".join(f"t{i}\t{t}\n" for i, t in enumerate(TEXTS)))
        self.write("docs-many.tsv", "".join(
            f"m{i}\t{docs[i % 30][1][:i % 40]}\n" for i in range(2600)))
        self.write("docs.jsonl", "".join(
            json.dumps({"_id": i, "title": "On it", "text": t, "metadata": {"n": 1}}) + "\n"
            for i, t in some))
        self.write("beir.tsv", "query-id\tcorpus-id\tscore\n" + "".join(
            f"{i}\t{t}\t1\n" for i, t in some))
        self.write("docs.trec", "".join(
            f"<DOC>\n<DOCNO> {i} </DOCNO>\n<TEXT>\n{t}\n</TEXT>\n</DOC>\n" for i, t in some))
        self.write("queries.trec", "".join(
            f"<top>\n<num> Number: {n}\n<title> {t}\n<desc> Description:\nwhat\n</top>\n"
            for n, (_, t) in enumerate(queries[:5], 301)))
        self.write("pairs.tsv", "".join(
            f"{q}\t{d}\t{a}\t{b}\n" for (q, a), (d, b) in zip(queries, docs)))
        self.write("pairs.jsonl", "".join(
            json.dumps({"query_id": q, "doc_id": d, "query": a, "doc": b}) + "\n"
            for (q, a), (d, b) in zip(queries, docs)))
        text = self.read("docs.tsv").encode()
        (self.folder / "docs.tsv.gz").write_bytes(gzip.compress(text, mtime=0))
        (self.folder / "docs.tsv.bz2").write_bytes(bz2.compress(text))
        (self.folder / "docs.tsv.xz").write_bytes(lzma.compress(text))
        self.run("zstd -q --check docs.tsv -o docs.tsv.zst")
        self.run("lz4 -q --content-size docs.tsv docs.tsv.lz4")
        self.write("model-config.json", '{"model_type":"splade","query_length":32,"doc_length":64,'
                   '"query_pooling_strategy":"max","doc_expansion":true}')
        self.write("options.yml", "max_length: 32\nquiet: false\nthreads: 2\nprompt: 'a: '\nseed: 7\n"
                   "on_error: fail\nprogress: never\n")

    def make_vectors(self) -> None:
        models = {"dense": "st_bert_mean", "sparse": "splade_bert_00", "multivector": "col_short_attended",
                  "coil": "coil_bert_1"}
        for kind, model in models.items():
            for suffix in ("", ".zst", ".lz4"):
                self.run(f"lir-encode --model models/{model} --role doc docs.tsv "
                         f"-o {kind}.lirt{suffix}")
        for suffix in ("", ".zst", ".lz4"):
            self.run(f"lir-tokenize {DENSE} --role doc docs.tsv -o tokens.lirt{suffix}")
        self.run("lir-tokenize --model models/mono_bert_00 --pairs pairs.tsv -o pairs.lirt")
        self.run(f"lir-encode {DENSE} --role query queries.tsv -o queries.lirt")
        self.run("lir-encode --model models/splade_bert_00 --role query queries.tsv "
                 "-o sparse-queries.lirt")
        self.run(f"lir-encode {DENSE} --role doc --dtype int8 docs.tsv -o int8.lirt")
        for kind in ("multivector", "coil"):
            self.run(f"lir-encode --model models/{models[kind]} --role query queries.tsv "
                     f"-o {kind}-queries.lirt")
        self.run(f"lir-encode {DENSE} --role doc --limit 9 docs-many.tsv -o more.lirt")
        self.run(f"lir-encode {DENSE} --role doc --cache cache few.tsv -o cached.lirt")

    def printed(self, command: str) -> str:
        """What a tool prints."""
        done = subprocess.run(shlex.split(command), cwd=self.folder, capture_output=True, text=True,
                              env=self.environment, check=True)
        return done.stdout

    def make_indexes(self) -> None:
        docs = [i for i, _ in self.rows("docs.tsv")]
        self.write("allowed.txt", "".join(f"{i}\n" for i in docs[:9]))
        self.write("deleted.txt", f"{docs[3]}\n{docs[20]}\nm4\n")
        self.forms = all_forms(self.printed("lir-index types"))
        for form in self.forms:
            if form is not FIRST:
                self.run(form.build(form.name))
        self.run(f"lir-index append {CHANGED.name} more.lirt")
        self.run(f"lir-index delete {CHANGED.name} --ids deleted.txt")

    def make_other_vectors(self) -> None:
        """One small matrix as other programs write it."""
        rows = [[((7 * i + 3 * j) % 11 - 5) / 4 for j in range(6)] for i in range(12)]
        ids = [f"v{i}" for i in range(len(rows))]
        body = struct.pack("<72f", *(value for row in rows for value in row))
        about = b"{'descr': '<f4', 'fortran_order': False, 'shape': (12, 6), }"
        about = about.ljust(117) + b"\n"
        (self.folder / "vectors.npy").write_bytes(
            b"\x93NUMPY\x01\0" + struct.pack("<H", len(about)) + about + body)
        self.write("vectors.npy.ids", "".join(f"{i}\n" for i in ids))
        header = {"vectors": {"dtype": "F32", "shape": [12, 6], "data_offsets": [0, len(body)]}}
        (self.folder / "vectors.safetensors").write_bytes(join_tensors(json.dumps(header).encode(), body))
        self.write("vectors.jsonl", "".join(json.dumps({"id": i, "vector": row}) + "\n"
                                            for i, row in zip(ids, rows)))
        if numpy is not None:
            (self.folder / "vectors.pkl").write_bytes(
                pickle.dumps((numpy.asarray(rows, numpy.float32), ids)))
        self.run("lir-index build --model-label m vectors.npy -o of-vectors")
        for name, (source, count) in FOREIGN.items():
            shutil.copy(self.fixtures / "faiss" / source, self.folder / name)
            self.write(f"{name}.ids", "".join(f"f{i}\n" for i in range(count)))

    def make_runs(self) -> None:
        self.run("lir-search --index flat -k 6 --tag t queries.lirt -o first.run")
        self.run("lir-search --index sparse -k 6 --tag t sparse-queries.lirt -o other.run")
        for suffix in ("zst", "lz4"):
            self.run(f"lir-search --index flat -k 6 --tag t queries.lirt -o written.run.{suffix}")
        lines = [line.split() for line in self.read("first.run").splitlines()]
        self.write("first.msmarco", "".join(f"{q}\t{d}\t{r}\n" for q, _, d, r, *_ in lines))
        docs = dict(map(tuple, self.rows("docs.tsv")))
        queries = dict(map(tuple, self.rows("queries.tsv")))
        self.write("first.jsonl", "".join(
            json.dumps({"query_id": q, "doc_id": d, "rank": int(r), "score": float(s),
                        "query": queries[q], "text": docs[d], "relevance": 1}) + "\n"
            for q, _, d, r, s, _ in lines[:24]))
        judged = [line.split() for line in self.read("qrels.txt").splitlines()]
        self.write("qrels.tsv", "query-id\tcorpus-id\tscore\n"
                   + "".join(f"{q}\t{d}\t{g}\n" for q, _, d, g in judged))
        self.write("allowed.tsv", "".join(f"{q}\t{d}\n" for q in queries for d in list(docs)[:4]))

    def make_training(self) -> None:
        self.run("lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv "
                 "--sample-size 3 --add-docs-not-in-ranking --skip-unanswered first.run "
                 "-o tuples.jsonl")
        docs = self.rows("docs.tsv")
        self.write("triples.tsv", "".join(f"{a}\t{b}\t{c}\n" for (_, a), (_, b), (_, c) in
                                          zip(docs, docs[1:], docs[2:])))
        sources: Tuple[Tuple[str, str, str], ...] = (
            ("tuples", "tuples: tuples.jsonl", "null"), ("triples", "tuples: triples.tsv",
                                                         "{r: 2, alpha: 4, targets: [query]}"),
            ("run", RUN_DATA + ", sampling: top, sample_size: 2, depth: 3", "null"))
        for name, data, lora in sources:
            self.write(f"train-{name}.yml", TRAINING % (data, lora))
        self.killed("lir-train --config train-tuples.yml -o trained --resume", 0.8)
