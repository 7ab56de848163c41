#!/usr/bin/env python3
"""Train the same model with lir-train and with Lightning IR, and compare what both rank.

    effectiveness.py --collection DIR --model DIR --out DIR [--kind dpr|mono] [--seed N] [--steps N]

The collection has docs.tsv, queries.tsv and qrels.txt to test with, queries.train.tsv and
qrels.train.txt (or qrels.train-evidence.txt) to train with; the model is a bare BERT-like encoder such
as MiniLM. Lightning IR makes the first weights; the untrained bi-encoder gives hard negatives. Both then train on the same tuples in the same order without dropout: `train.py` compares the
losses of all steps. At the end both models rank the test queries by lir's tools (`dpr` everything,
`mono` the first stage's top 50 again), and lir-eval tests whether nDCG@10 is equivalent, within
0.02.
Needs Lightning IR, PyYAML and a build (`--bin`).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

HERE = Path(__file__).resolve().parent


def make_start(kind: str, model: Path, folder: Path, lengths: Dict[str, int], seed: int) -> None:
    """A model with Lightning IR's fresh head, as it saves it."""
    import torch
    from lightning_ir import BiEncoderModule, CrossEncoderModule
    from lightning_ir.models import DprConfig, MonoConfig
    torch.manual_seed(seed)
    if kind == "dpr":
        config: Any = DprConfig(pooling_strategy="mean", projection=None,
                                similarity_function="dot", **lengths)
        BiEncoderModule(str(model), config=config).save_pretrained(str(folder))
    else:
        config = MonoConfig(pooling_strategy="first", **lengths)
        CrossEncoderModule(str(model), config=config).save_pretrained(str(folder))


class Tools:
    """The tools of a build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, *arguments: Any) -> str:
        return subprocess.run([str(self.folder / name), *map(str, arguments)], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def retrieve(self, model: Path, docs: Path, queries: Path, index: Path, run: Path) -> Path:
        """Ranks all documents; what is there already is not made again."""
        if not index.exists():
            stream = index.with_suffix(".lirt")
            self("lir-encode", "--model", model, "--role", "doc", docs, "-o", stream)
            self("lir-index", "build", stream, "-o", index)
        if not run.exists():
            self("lir-search", "--index", index, "--model", model, "-k", 50, queries, "-o", run)
        return run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=["dpr", "mono"], default="dpr")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--doc-length", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    options = parser.parse_args()
    tools, data, out = Tools(options.bin), options.collection, options.out
    out.mkdir(parents=True, exist_ok=True)
    docs = data / "docs.tsv"
    judged = next(path for path in (data / "qrels.train.txt", data / "qrels.train-evidence.txt")
                  if path.exists())
    work = out / f"{options.kind}-{options.seed}"
    work.mkdir(exist_ok=True)
    start, untrained = work / "start", out / "untrained"
    for kind, folder in (("dpr", untrained), (options.kind, start)):
        if not folder.exists():
            make_start(kind, options.model, folder,
                       dict(query_length=48, doc_length=options.doc_length), options.seed)
    first = {name: tools.retrieve(untrained, docs, data / queries, out / "first.index",
                                  out / f"{name}.run")
             for name, queries in (("first-train", "queries.train.tsv"),
                                   ("first-test", "queries.tsv"))}
    tuples = work / "tuples.jsonl"
    tools("lir-train", "sample", "--qrels", judged, "--queries", data / "queries.train.tsv",
          "--docs", docs, "--sample-size", 2, "--add-docs-not-in-ranking", "--skip-unanswered",
          "--repeat", 8, "--seed", options.seed, "--no-provenance", first["first-train"], "-o",
          work / "sorted.jsonl")
    # In an order of their own, which both keep.
    lines = (work / "sorted.jsonl").read_text("utf-8").splitlines(keepends=True)
    random.Random(options.seed).shuffle(lines)
    tuples.write_text("".join(lines), "utf-8")
    loss = ("{name: InBatchCrossEntropy, pos_sampling_technique: first, "
            "neg_sampling_technique: all_and_non_first}" if options.kind == "dpr"
            else "{name: RankNet}")
    (work / "train.yml").write_text(
        f"model: {start}\ndata: {{tuples: {tuples}, shuffle: false}}\n"
        f"batch_size: {options.batch_size}\nmax_steps: {options.steps}\nlosses: [{loss}]\n"
        f"optimizer: {{name: AdamW, lr: {options.lr:.10f}}}\n"
        f"schedule: {{name: linear, warmup: {options.steps // 10}}}\nclip: 1.0\ndropout: 0\n"
        f"seed: {options.seed}\n", "utf-8")
    ours, theirs = work / "lir", work / "lightning-ir"
    tools("lir-train", "--config", work / "train.yml", "-o", ours, "--resume", "--threads",
          options.threads)
    status = subprocess.run([sys.executable, str(HERE / "train.py"), str(ours), "--threads",
                             str(options.threads), "--bin", str(options.bin), "--save",
                             str(theirs)]).returncode
    runs: List[Path] = []
    for model in (ours, theirs):
        run = model.with_suffix(".run")
        if options.kind == "dpr":
            tools.retrieve(model, docs, data / "queries.tsv", model.with_suffix(".index"), run)
        else:
            tools("lir-rerank", "--model", model, "--queries", data / "queries.tsv", "--docs", docs,
                  first["first-test"], "-o", run)
        runs.append(run)
    measured = {name: float(tools("lir-eval", "--qrels", data / "qrels.txt", "-m", "nDCG@10", "-q",
                                  run).split()[-1])
                for name, run in zip(("first_stage", "lir", "lightning_ir"),
                                     [first["first-test"], *runs])}
    print(json.dumps(dict(kind=options.kind, seed=options.seed, steps=options.steps, **measured)))
    print(tools("lir-eval", "--qrels", data / "qrels.txt", "-m", "nDCG@10", "--compare", "--margin",
                0.02, "-q", *runs))
    return status


if __name__ == "__main__":
    sys.exit(main())
