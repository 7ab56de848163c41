#!/usr/bin/env python3
"""Hand adapters to and fro between lir-train and PEFT, and compare scores.

    check_lora.py --model DIR --tuples FILE --out DIR [--bin DIR] [--steps N] [--tolerance X]

DIR is a bare BERT-like encoder such as MiniLM, FILE has lines of query, relevant and other document.
For a bi-encoder (mean pooling) and a cross-encoder (transformers' sequence classification):
lir-train trains an adapter, which PEFT reads, beside the start and merged; PEFT trains one, which
lir-rerank reads and lir-train goes on from. Scores must agree within the tolerance, those of the
adapted model must not be those of the start, and PEFT must find every tensor it looks for. What is
in `--out` is made anew. Exit status: 0 or 1. Needs torch, transformers and peft.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, List, Optional, Tuple

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

Tuple_ = Tuple[str, List[str]]
#: What becomes of a bare encoder as a bi-encoder, and how long its texts may be.
BI = {"model_type": "lir-dpr", "pooling_strategy": "mean", "projection": None,
      "query_length": 64, "doc_length": 64, "similarity_function": "dot"}
TARGETS = ["query", "value", "dense"]


class Kind:
    """A sort of model: its start, and how PEFT's side of it scores."""

    def __init__(self, name: str, start: Path) -> None:
        self.name = name
        self.start = start
        self.tokenizer = AutoTokenizer.from_pretrained(start)
        self.saved = ["classifier"] if name == "cross" else []

    def base(self) -> Any:
        if self.name == "cross":
            return AutoModelForSequenceClassification.from_pretrained(self.start)
        return AutoModel.from_pretrained(self.start, add_pooling_layer=False)

    def scores(self, model: Any, tuples: List[Tuple_]) -> torch.Tensor:
        rows = []
        for query, docs in tuples:
            if self.name == "cross":
                encoding = self.tokenizer([query] * len(docs), docs, padding=True, return_tensors="pt")
                rows.append(model(**encoding).logits[:, 0])
                continue
            vectors = []
            for text in [query, *docs]:
                encoding = self.tokenizer(text, return_tensors="pt")
                vectors.append(model(**encoding).last_hidden_state.mean(1)[0])
            rows.append(torch.stack(vectors[1:]) @ vectors[0])
        return torch.stack(rows)


def rerank(binary: Path, kind: Kind, tuples: List[Tuple_], model: Path, adapter: Optional[Path] = None,
           config: Optional[Any] = None) -> torch.Tensor:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queries, docs, run = [], [], []
        for i, (query, texts) in enumerate(tuples):
            queries.append(f"q{i}\t{query}\n")
            for j, text in enumerate(texts):
                docs.append(f"d{i}-{j}\t{text}\n")
                run.append(f"q{i} Q0 d{i}-{j} {j + 1} {-j} t\n")
        for file, lines in (("q.tsv", queries), ("d.tsv", docs), ("first.run", run)):
            (folder / file).write_text("".join(lines), "utf-8")
        command = [binary / "lir-rerank", "--model", model, "--queries", folder / "q.tsv", "--docs",
                   folder / "d.tsv", "-q", folder / "first.run"]
        command += ["--adapter", adapter] if adapter else []
        command += ["--model-config", json.dumps(config)] if config else []
        # A cross-encoder's score would be a sigmoid.
        command += ["--score", "logit"] if kind.name == "cross" else []
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {line.split()[2]: float(line.split()[4]) for line in out.splitlines()}
    return torch.tensor([[found[f"d{i}-{j}"] for j in range(len(texts))]
                         for i, (_, texts) in enumerate(tuples)])


class Check:
    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.is_well = True

    def near(self, what: str, found: torch.Tensor, expected: torch.Tensor) -> None:
        apart = float((found - expected).abs().max())
        self.is_well &= apart <= self.tolerance
        print(f"{what}: largest difference of {found.numel()} scores {apart:.2e}", flush=True)

    def differ(self, what: str, found: torch.Tensor, other: torch.Tensor) -> None:
        apart = float((found - other).abs().max())
        self.is_well &= apart > 100 * self.tolerance
        print(f"{what}: scores moved by up to {apart:.2e}", flush=True)


def read_here(kind: Kind, folder: Path) -> Any:
    """The start with an adapter, of which PEFT must have found every tensor."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*missing adapter keys.*")
        model = PeftModel.from_pretrained(kind.base(), str(folder)).eval()
    known = {name.replace(".default", "").replace(".modules_to_save", ""): parameter
             for name, parameter in model.named_parameters()}
    for name, values in load_file(folder / "adapter_model.safetensors").items():
        if not torch.equal(known[name].detach(), values):
            raise SystemExit(f"check_lora.py: PEFT did not take {name}")
    return model


def train_there(kind: Kind, tuples: List[Tuple_], steps: int, folder: Path) -> Any:
    torch.manual_seed(1)
    model = get_peft_model(kind.base(), LoraConfig(
        r=4, lora_alpha=16, lora_dropout=0.1, use_rslora=True, target_modules=TARGETS,
        modules_to_save=kind.saved or None)).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for step in range(steps):
        scores = kind.scores(model, tuples[4 * step:4 * step + 4])
        loss = torch.nn.functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(str(folder))
    return model.eval()


def train_here(binary: Path, kind: Kind, tuples: Path, steps: int, folder: Path, rate: float,
               **lora: Any) -> None:
    config = {"model": str(kind.start), "data": {"tuples": str(tuples)}, "batch_size": 4,
              "max_steps": steps, "losses": [{"name": "RankNet"}], "optimizer": {"lr": rate},
              "lora": lora}
    if kind.name == "bi":
        config["model_config"] = BI
    file = folder.with_suffix(".yml")
    file.write_text(json.dumps(config), "utf-8")
    subprocess.run([binary / "lir-train", "--config", file, "-o", folder, "-q"], check=True)


def check(kind: Kind, tuples: List[Tuple_], options: Any, out: Path, checks: Check) -> None:
    config = BI if kind.name == "bi" else None
    sample = tuples[-8:]
    ours = out / f"{kind.name}-here"
    saved = {"modules_to_save": kind.saved} if kind.saved else {}
    train_here(options.bin, kind, options.tuples, options.steps, ours, 1e-3, r=8, alpha=16, dropout=0.1,
               targets=TARGETS, **saved)
    with torch.no_grad():
        model = read_here(kind, ours / "adapter")
        there = kind.scores(model, sample)
        checks.differ(f"{kind.name}, trained here", there, kind.scores(kind.base().eval(), sample))
        checks.near("  merged here, adapted there", rerank(options.bin, kind, sample, ours), there)
        beside = rerank(options.bin, kind, sample, kind.start, ours / "adapter", config)
        checks.near("  adapted here and there", beside, there)
    theirs = out / f"{kind.name}-there"
    model = train_there(kind, tuples, options.steps, theirs)
    with torch.no_grad():
        there = kind.scores(model, sample)
        checks.differ(f"{kind.name}, trained there", there, kind.scores(kind.base().eval(), sample))
        checks.near("  adapted here and there",
                    rerank(options.bin, kind, sample, kind.start, theirs, config), there)
        # A step that moves nothing.
        further = out / f"{kind.name}-further"
        train_here(options.bin, kind, options.tuples, 1, further, 1e-12, adapter=str(theirs), r=4,
                   alpha=16, use_rslora=True, targets=TARGETS, **saved)
        checks.near("  goes on here, adapted there", rerank(options.bin, kind, sample, further), there)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tuples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    # Texts of a few words, which nobody cuts.
    tuples = []
    for line in options.tuples.read_text("utf-8").splitlines():
        query, *docs = (" ".join(text.split()[:24]) for text in line.split("\t"))
        tuples.append((query, docs))
    options.tuples = options.out / "tuples.tsv"
    options.tuples.write_text("".join("\t".join([q, *d]) + "\n" for q, d in tuples), "utf-8")
    checks = Check(options.tolerance)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    for name in ("bi", "cross"):
        start = options.out / f"{name}-start"
        AutoTokenizer.from_pretrained(options.model).save_pretrained(start)
        model = (AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=1)
                 if name == "cross"
                 else AutoModel.from_pretrained(options.model, add_pooling_layer=False))
        model.save_pretrained(start)
        check(Kind(name, start), tuples, options, options.out, checks)
    return 0 if checks.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
