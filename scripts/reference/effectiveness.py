#!/usr/bin/env python3
"""Train the same model with lir-train and with Lightning IR, and compare what both rank.

    effectiveness.py --collection DIR --model DIR --out DIR [--kind dpr|col|splade|mono]
                     [--first-model DIR] [--seed N] [--steps N] [--dropout]

The collection has docs.tsv, queries.tsv and qrels.txt to test with, queries.train.tsv and
qrels.train.txt (or qrels.train-evidence.txt) to train with. The model is a bare BERT-like encoder
such as MiniLM, for `splade` one with an MLM head. Lightning IR makes the first weights; the bare
encoder (`--first-model`, else the model itself), as a bi-encoder without training, is the first
stage that gives hard negatives. Both train on the same tuples: in the same order without dropout,
and then `train.py` compares the losses of all steps; with `--dropout` as users train, each with the
model's dropout and an order of its own. At the end both models rank the test queries by lir's tools
(`dpr` all documents, the others the top of the first stage again), and lir-eval tests whether
nDCG@10 is equivalent, within 0.02, and how it differs from the first stage's.
Needs Lightning IR, PyYAML and a build (`--bin`). What is in `--out` already is not made again.
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

IN_BATCH = ("{name: InBatchCrossEntropy, pos_sampling_technique: first, "
            "neg_sampling_technique: all_and_non_first}")
LOSSES = {
    "dpr": IN_BATCH,
    "col": IN_BATCH,
    "splade": IN_BATCH + ", {name: FLOPSRegularization, query_weight: 0.03, doc_weight: 0.01}",
    "mono": "{name: RankNet}",
}


def make_start(kind: str, model: Path, folder: Path, lengths: Dict[str, int], seed: int) -> None:
    """A model with Lightning IR's fresh head, as it saves it."""
    import torch
    from lightning_ir import BiEncoderModule, CrossEncoderModule
    from lightning_ir.models import ColConfig, DprConfig, MonoConfig, SpladeConfig
    torch.manual_seed(seed)
    Module: Any = BiEncoderModule
    if kind == "dpr":
        config: Any = DprConfig(pooling_strategy="mean", projection=None,
                                similarity_function="dot", **lengths)
    elif kind == "col":
        config = ColConfig(normalization_strategy="l2", projection="linear_no_bias",
                           embedding_dim=128, query_expansion=True,
                           doc_mask_scoring_tokens="punctuation", **lengths)
    elif kind == "splade":
        config = SpladeConfig(**lengths)
    else:
        Module, config = CrossEncoderModule, MonoConfig(pooling_strategy="first", **lengths)
    Module(str(model), config=config).save_pretrained(str(folder))


class Tools:
    """The tools of a build."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.threads = threads

    def __call__(self, name: str, *arguments: Any) -> str:
        return subprocess.run(
            [str(self.folder / name), *map(str, arguments), "--threads", str(self.threads)],
            check=True, stdout=subprocess.PIPE, text=True).stdout

    def retrieve(self, model: Path, docs: Path, queries: Path, index: Path, run: Path) -> Path:
        """Ranks all documents."""
        if not index.exists():
            stream = index.with_suffix(".lirt")
            self("lir-encode", "--model", model, "--role", "doc", docs, "-o", stream)
            self("lir-index", "build", stream, "-o", index)
        if not run.exists():
            self("lir-search", "--index", index, "--model", model, "-k", 50, queries, "-o", run)
        return run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=sorted(LOSSES), default="dpr")
    parser.add_argument("--first-model", type=Path)
    parser.add_argument("--dropout", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--query-length", type=int, default=48)
    parser.add_argument("--doc-length", type=int, default=128)
    parser.add_argument("--depth", type=int, default=50, help="ranks of the first stage, at most 50")
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    return parser.parse_args()


def first_stage(options: argparse.Namespace, tools: Tools, model: Path) -> Dict[str, Path]:
    """Runs of the training and the test queries."""
    data, out = options.collection, options.out
    return {name: tools.retrieve(model, data / "docs.tsv", data / queries, out / "first.index",
                                 out / f"{name}.run")
            for name, queries in (("first-train", "queries.train.tsv"),
                                  ("first-test", "queries.tsv"))}


def make_tuples(options: argparse.Namespace, tools: Tools, run: Path, work: Path) -> Path:
    """Training tuples with a hard negative each, in an order of their own."""
    data, tuples = options.collection, work / "tuples.jsonl"
    if tuples.exists():
        return tuples
    judged = next(path for path in (data / "qrels.train.txt", data / "qrels.train-evidence.txt")
                  if path.exists())
    tools("lir-train", "sample", "--qrels", judged, "--queries", data / "queries.train.tsv",
          "--docs", data / "docs.tsv", "--sample-size", 2, "--add-docs-not-in-ranking",
          "--repeat", 8, "--seed", options.seed, "--no-provenance", run, "-o",
          work / "sorted.jsonl")
    lines = (work / "sorted.jsonl").read_text("utf-8").splitlines(keepends=True)
    random.Random(options.seed).shuffle(lines)
    tuples.write_text("".join(lines), "utf-8")
    return tuples


def write_configuration(options: argparse.Namespace, start: Path, tuples: Path, file: Path) -> None:
    shuffle, dropout = ("true", "null") if options.dropout else ("false", "0")
    lines = [f"model: {start}", f"data: {{tuples: {tuples}, shuffle: {shuffle}}}",
             f"batch_size: {options.batch_size}", f"max_steps: {options.steps}",
             f"losses: [{LOSSES[options.kind]}]",
             f"optimizer: {{name: AdamW, lr: {options.lr:.10f}}}",
             f"schedule: {{name: linear, warmup: {options.steps // 10}}}", "clip: 1.0",
             f"dropout: {dropout}", f"seed: {options.seed}"]
    if options.kind == "splade":
        # As SPLADE's authors do: the regularization grows with the square of the step.
        lines.append("value_schedules: [{key: [losses.1.query_weight, losses.1.doc_weight], "
                     f"name: quadratic, warmup: {options.steps // 2}}}]")
    file.write_text("\n".join(lines) + "\n", "utf-8")


def rank(options: argparse.Namespace, tools: Tools, model: Path, first: Path) -> Path:
    data, run = options.collection, model.with_suffix(".run")
    if options.kind == "dpr":
        return tools.retrieve(model, data / "docs.tsv", data / "queries.tsv",
                              model.with_suffix(".index"), run)
    if not run.exists():
        tools("lir-rerank", "--model", model, "--queries", data / "queries.tsv", "--docs",
              data / "docs.tsv", "--depth", options.depth, first, "-o", run)
    return run


def report(options: argparse.Namespace, tools: Tools, runs: List[Path]) -> None:
    """Prints the measures of first stage, lir and Lightning IR, and how they compare."""
    judged = ["--qrels", options.collection / "qrels.txt", "-m", "nDCG@10", "-q"]
    measured = {name: float(tools("lir-eval", *judged, run).split()[-1])
                for name, run in zip(("first_stage", "lir", "lightning_ir"), runs)}
    print(json.dumps(dict(kind=options.kind, seed=options.seed, steps=options.steps, lr=options.lr,
                          dropout=options.dropout, **measured)))
    print(tools("lir-eval", *judged, "--compare", "--margin", 0.02, *runs), flush=True)


def main() -> int:
    options = arguments()
    tools, out = Tools(options.bin, options.threads), options.out
    work = out / f"{options.kind}-{options.seed}{'-dropout' if options.dropout else ''}"
    work.mkdir(parents=True, exist_ok=True)
    start, untrained = work / "start", out / "untrained"
    lengths = dict(query_length=options.query_length, doc_length=options.doc_length)
    for kind, model, folder in (("dpr", options.first_model or options.model, untrained),
                                (options.kind, options.model, start)):
        if not folder.exists():
            make_start(kind, model, folder, lengths, options.seed)
    first = first_stage(options, tools, untrained)
    tuples = make_tuples(options, tools, first["first-train"], work)
    write_configuration(options, start, tuples, work / "train.yml")
    ours, theirs = work / "lir", work / "lightning-ir"
    tools("lir-train", "--config", work / "train.yml", "-o", ours, "--resume")
    status = 0
    if not theirs.exists():
        status = subprocess.run([sys.executable, str(HERE / "train.py"), str(ours), "--threads",
                                 str(options.threads), "--bin", str(options.bin), "--save",
                                 str(theirs)]).returncode
    report(options, tools, [first["first-test"], *(rank(options, tools, model, first["first-test"])
                                                   for model in (ours, theirs))])
    return status


if __name__ == "__main__":
    sys.exit(main())
