#!/usr/bin/env python3
"""Make what a reading of LITE (arXiv:2406.17968) in torch gives: scores, losses and derivatives of a batch.

    make_lite.py MODEL > lite.json

MODEL is the folder of a tiny BERT (`.build/fixtures/adapter/model`), which gets a projection and a scorer
with weights that are functions of the place. Everything is computed in double precision. Of each
derivative, by name, there are its norm and its product with a wave. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List

import torch
from transformers import AutoModel

from twin_values import rounded, wave

#: Tokens of a query and of a document, inner widths, and the width of a vector.
CASES: Dict[str, Dict[str, Any]] = {
    "small": {"query_length": 6, "doc_length": 9, "lite_query_hidden": 10, "lite_doc_hidden": 14,
              "embedding_dim": 8, "normalization_strategy": "l2", "projection": "linear"},
    "plain": {"query_length": 5, "doc_length": 7, "embedding_dim": 12, "projection": "linear_no_bias"},
}
QUERIES = [[2, 20, 31, 3], [2, 40, 41, 42, 3]]
DOCS = [[[2, 50, 20, 61, 62, 63, 3], [2, 70, 3]], [[2, 41, 80, 3], [2, 90, 91, 92, 93, 94, 3]]]
TARGETS = [[2.0, 0.5], [1.0, -1.5]]


class Axis(torch.nn.Module):
    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(outer, inner), torch.nn.Linear(inner, outer)])
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(inner), torch.nn.LayerNorm(outer)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, norm in zip(self.layers, self.norms):
            x = norm(torch.relu(layer(x)))
        return x


def run(folder: Path, settings: Dict[str, Any]) -> Dict[str, Any]:
    backbone = AutoModel.from_pretrained(folder, add_pooling_layer=False).double().eval()
    rows, columns = settings["query_length"], settings["doc_length"]
    projection = torch.nn.Linear(backbone.config.hidden_size, settings["embedding_dim"],
                                 bias=settings["projection"] == "linear").double()
    by_row = Axis(columns, settings.get("lite_doc_hidden", 12 * columns)).double()
    by_column = Axis(rows, settings.get("lite_query_hidden", 12 * rows)).double()
    output = torch.nn.Linear(rows * columns, 1).double()
    own = {f"projection.{name}": value for name, value in projection.named_parameters()}
    for prefix, axis in (("row", by_row), ("column", by_column)):
        own.update({f"scorer.{prefix}_{name}": value for name, value in axis.named_parameters()})
    own.update({f"scorer.output.{name}": value for name, value in output.named_parameters()})
    for i, name in enumerate(sorted(own)):
        values = 0.3 * wave(own[name].numel(), 0.2 + i, 0.37)
        if "_norms." in name and name.endswith(".weight"):
            values = values + 1
        own[name].data = values.reshape(own[name].shape)

    def vectors(ids: List[int], length: int) -> torch.Tensor:
        states = projection(backbone(torch.tensor([ids])).last_hidden_state[0])
        if settings.get("normalization_strategy") == "l2":
            states = torch.nn.functional.normalize(states, dim=-1)
        return torch.nn.functional.pad(states, (0, 0, 0, length - len(ids)))

    scores = []
    for query, docs in zip(QUERIES, DOCS):
        q = vectors(query, rows)
        for doc in docs:
            similarities = q @ vectors(doc, columns).T
            scores.append(output(by_column(by_row(similarities).T).T.reshape(-1))[0])
    table = torch.stack(scores).reshape(len(QUERIES), -1)
    targets = torch.tensor(TARGETS, dtype=torch.float64)
    margins = ((table[:, 0] - table[:, 1]) - (targets[:, 0] - targets[:, 1])).pow(2).mean()
    divergence = torch.nn.functional.kl_div(table.log_softmax(-1), targets.log_softmax(-1),
                                            reduction="batchmean", log_target=True)
    (margins + 0.5 * divergence).backward()
    derivatives = {}
    for name, value in list(own.items()) + list(backbone.named_parameters()):
        if value.grad is not None and value.grad.abs().max() > 0:
            slopes = value.grad.reshape(-1)
            derivatives[name] = [float(slopes.norm()), float(slopes @ wave(len(slopes), 0.1, 0.71))]
    return {"config": {"model_type": "lite", **settings}, "loss": [float(margins), float(divergence)],
            "scores": table.reshape(-1).tolist(), "derivatives": derivatives}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    cases = {name: run(arguments.model, settings) for name, settings in CASES.items()}
    result = {"queries": QUERIES, "docs": DOCS, "targets": TARGETS, "cases": cases}
    json.dump(rounded(result), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
