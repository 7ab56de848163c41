#!/usr/bin/env python3
"""Re-rank a run of a collection with models of every family, here and in Lightning IR.

    rerank.py --data DIR --cases DIR [--bin DIR] [--queries N] [--depth N] [CASE...]

--data holds docs.tsv and queries.tsv; --cases is a folder of make_golden.py, whose native models are
taken. The run names documents that are drawn from the seed. Prints a line a model: the largest
difference of a score, the queries whose order differs, and whether all is well: scores within
1e-4 + 2e-5·|score| and twice the reference's own rounding, order equal but for pairs closer than twice
that. Exit status: 0 all well, 1 not.
Needs Lightning IR.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
from lightning_ir import BiEncoderModule, CrossEncoderModule
from transformers import T5EncoderModel

#: Folders that the reference draws weights for when it loads them, and why.
RELOADED_WRONGLY = {
    "mono_bert_02": "bert_pool", "splade_modernbert": "projection.decoder.bias",
}

Run = Dict[str, List[Tuple[str, float]]]


def read_tsv(path: Path) -> Dict[str, str]:
    lines = path.read_text("utf-8").splitlines()
    return {name: text for name, _, text in (line.partition("\t") for line in lines)}


def tolerance(score: float, noise: float) -> float:
    return 1e-4 + 2e-5 * abs(score) + 2 * noise


def reference(model: Path, queries: Dict[str, str], docs: Dict[str, str],
              candidates: Dict[str, List[str]]) -> Tuple[Run, float]:
    """Its scores, and how far they are from those in double precision."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    is_cross = config["model_type"] in ("mono", "set-encoder")
    kwargs: Dict[str, Any] = {}
    if config["backbone_model_type"] == "t5" and not is_cross:
        kwargs["BackboneModel"] = T5EncoderModel
    module = (CrossEncoderModule if is_cross else BiEncoderModule)(
        model_name_or_path=str(model), **kwargs).eval()
    run: Run = {}
    noise = 0.0
    for query, names in candidates.items():
        texts = [[docs[name] for name in names]]
        scores = module.score([queries[query]], texts).scores.view(-1).tolist()
        run[query] = list(zip(names, scores))
    if config["model_type"] in ("splade", "unicoil"):
        return run, noise  # its scatter runs in single precision only
    module = module.double()
    for query, pairs in run.items():
        exact = module.score([queries[query]], [[docs[name] for name, _ in pairs]]).scores.view(-1)
        noise = max([noise] + [abs(score - float(other))
                               for (_, score), other in zip(pairs, exact)])
    return run, noise


def ours(binary: Path, model: Path, data: Path, first: Path, out: Path) -> Run:
    subprocess.run(
        [str(binary / "lir-rerank"), "--model", str(model), "--queries", str(data / "queries.tsv"),
         "--docs", str(data / "docs.tsv"), "--quiet", str(first), "-o", str(out)], check=True)
    run: Run = {}
    for line in out.read_text("utf-8").splitlines():
        query, _, doc, _, score, _ = line.split()
        run.setdefault(query, []).append((doc, float(score)))
    return run


def compare(expected: Run, found: Run, noise: float) -> Tuple[float, int, bool]:
    largest, reordered, is_well = 0.0, 0, True
    for query, pairs in expected.items():
        scores = dict(pairs)
        for doc, score in found[query]:
            difference = abs(score - scores[doc])
            largest = max(largest, difference)
            is_well &= difference <= tolerance(scores[doc], noise)
        order = [doc for doc, _ in sorted(pairs, key=lambda pair: (pair[1], pair[0]), reverse=True)]
        rank = [doc for doc, _ in found[query]]
        reordered += rank != order
        for above, below in zip(rank, rank[1:]):
            is_well &= scores[above] >= scores[below] - 2 * tolerance(scores[below], noise)
    return largest, reordered, is_well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("case", nargs="*")
    arguments = parser.parse_args()
    queries = read_tsv(arguments.data / "queries.tsv")
    docs = read_tsv(arguments.data / "docs.tsv")
    generator = random.Random(arguments.seed)
    names = sorted(docs)
    candidates = {query: generator.sample(names, arguments.depth)
                  for query in list(queries)[:arguments.queries]}
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.run"
        first.write_text("".join(
            f"{query} Q0 {doc} {rank} {-rank} first\n"
            for query, list_ in candidates.items() for rank, doc in enumerate(list_, 1)), "utf-8")
        cases = arguments.case or sorted(p.name for p in (arguments.cases / "native").iterdir())
        print("model\tmax_abs_diff\treordered_queries\twell")
        for case in cases:
            model = arguments.cases / "native" / case / "model"
            if not model.is_dir():
                continue
            try:
                expected, noise = reference(model, queries, docs, candidates)
            except Exception as error:  # what the reference itself cannot run
                print(f"{case}\tthe reference: {type(error).__name__}: {str(error)[:80]!r}")
                continue
            found = ours(arguments.bin, model, arguments.data, first, Path(folder) / "our.run")
            largest, reordered, is_well = compare(expected, found, noise)
            well = "yes" if is_well else "NO"
            lost = [what for name, what in RELOADED_WRONGLY.items() if case.startswith(name)]
            if lost:
                well = f"the reference loses {lost[0]}"
            else:
                status |= not is_well
            print(f"{case}\t{largest:.2e}\t{reordered}\t{well}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
