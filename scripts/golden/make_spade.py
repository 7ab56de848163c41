#!/usr/bin/env python3
"""Make what a reading of SpaDE (arXiv:2209.05917) in torch gives: vectors, losses and derivatives of a batch.

    make_spade.py MODEL [--seed N --number N] > spade.json

MODEL is the folder of a tiny BERT (`.build/fixtures/adapter/model`), of which both encoders are made: the
second one's weights are changed, and what either has beside the backbone is a function of the name and the
place. Everything is computed in double precision. Of each derivative, by name, there are its norm and its
product with a wave. With --number that many settings are drawn. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
from transformers import AutoModelForMaskedLM

from twin_values import rounded, wave

CASES: Dict[str, Dict[str, Any]] = {
    "masked": {"config": {"num_expand": 3}, "loss": {}},
    "taught": {"config": {"alpha": 0.6, "num_expand": 2, "duplicate_term": "max"},
               "loss": {"lamb": 0.5, "teaching_ratio": 0.5}},
    "whole": {"config": {"alpha": 0.4, "expand_method": "tokenwise_max", "num_expand": 4},
              "loss": {"lamb": 2.0, "teaching_ratio": 0.8}},
    "saturated": {"config": {"num_expand": 5, "duplicate_term": "mean", "log_saturation": True},
                  "loss": {"teaching_ratio": 0.3}},
}
QUERIES = [[20, 31, 20], [40, 41, 42], [50, 21], [33]]
DOCS = [[[5, 50, 20, 61, 20, 63, 6], [5, 70, 6]], [[5, 41, 80, 6], [5, 90, 91, 92, 91, 94, 6]],
        [[5, 21, 21, 50, 6], [5, 40, 33, 40, 6]], [[5, 60, 61, 6], [5, 33, 34, 35, 33, 33, 6]]]
TARGETS = [[2.0, 0.5], [1.0, -1.5], [0.0, 1.0], [1.0, 1.0]]
SILENT = [0, 5, 6]


def of_name(name: str, value: torch.Tensor) -> torch.Tensor:
    return wave(value.numel(), sum(name.encode()) % 97 / 10, 0.37).reshape(value.shape)


class Encoders:
    def __init__(self, folder: Path, settings: Dict[str, Any]) -> None:
        self.settings = settings
        self.first = AutoModelForMaskedLM.from_pretrained(folder).double().eval()
        self.second = AutoModelForMaskedLM.from_pretrained(folder).double().eval()
        width = self.first.config.hidden_size
        self.layers = [torch.nn.Linear(width, width).double(), torch.nn.Linear(width, 1).double()]
        self.weights: Dict[str, torch.nn.Parameter] = {}
        for name, value in self.first.base_model.named_parameters():
            self.weights[name] = value
        for name, value in self.second.named_parameters():
            name = name.removeprefix("bert.")
            change = of_name("1_Expansion/" + name, value)
            if not name.startswith("cls."):
                value.data += 0.1 * change
            else:
                value.data = 0.3 * change + (1 if name.endswith("LayerNorm.weight") else 0)
            self.weights["1_Expansion/" + name] = value
        for i, layer in enumerate(self.layers):
            for part, value in layer.named_parameters():
                name = f"term_score_layer{i + 1}.{part}"
                value.data = 0.5 * of_name(name, value)
                self.weights[name] = value

    def saturated(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.log(scores + 1) if self.settings.get("log_saturation") else scores

    def __call__(self, ids: List[int]) -> Tuple[torch.Tensor, torch.Tensor]:
        tokens = torch.tensor([ids])
        states = self.first.base_model(tokens).last_hidden_state[0]
        each = torch.relu(self.layers[1](torch.relu(self.layers[0](states))))[:, 0]
        own = torch.zeros(self.first.config.vocab_size, dtype=torch.float64)
        for term in sorted(set(ids) - set(SILENT)):
            found = each[[i for i, token in enumerate(ids) if token == term]]
            kind = self.settings.get("duplicate_term", "first")
            value = found[0] if kind == "first" else found.max() if kind == "max" else found.mean()
            own = own + torch.nn.functional.one_hot(torch.tensor(term), len(own)) * value
        logits = self.second(tokens).logits[0]
        if self.settings.get("expand_method") == "tokenwise_max":
            return self.saturated(own), self.saturated(logits.max(0)[0])
        values, places = logits.topk(self.settings.get("num_expand", 2), dim=1)
        kept = torch.zeros_like(logits).scatter(1, places, torch.relu(values))
        return self.saturated(own), self.saturated(kept.max(0)[0])

    def mixed(self, ids: List[int]) -> torch.Tensor:
        own, added = self(ids)
        if self.settings.get("expand_method") == "tokenwise_max":
            added = torch.relu(added)
            other = added.clone()
            other[ids] = 0
            values, places = other.topk(self.settings.get("num_expand", 2))
            kept = torch.zeros_like(added).scatter(0, places, values)
            kept[ids] = added[ids]
            added = kept
        alpha = self.settings.get("alpha", 0.3)
        return (1 - alpha) * own + alpha * added


def losses(queries: torch.Tensor, parts: List[torch.Tensor], settings: Dict[str, Any]) -> torch.Tensor:
    """Ranking losses of both encoders and the second's reconstruction: parts are [B, N, V]."""
    count, documents = len(TARGETS), len(TARGETS[0])
    positive = [max(range(documents), key=lambda j, row=row: row[j]) for row in TARGETS]
    own = [torch.einsum("bv,bnv->bn", queries, part) for part in parts]
    total = torch.zeros((), dtype=torch.float64)
    for part in (0, 1):
        chosen = list(range(count))
        if "teaching_ratio" in settings:
            # What the other encoder is worst at.
            worst = torch.nn.functional.cross_entropy(
                own[1 - part].detach(), torch.tensor(positive), reduction="none")
            order = sorted(range(count), key=lambda query, worst=worst: (-float(worst[query]), query))
            chosen = sorted(order[:max(1, int(count * settings["teaching_ratio"]))])
        scores = torch.einsum("bv,cnv->bcn", queries[chosen], parts[part][chosen])
        labels = torch.tensor([i * documents + positive[q] for i, q in enumerate(chosen)])
        total = total + torch.nn.functional.cross_entropy(scores.reshape(len(chosen), -1), labels)
        if part == 1:
            shares = torch.stack([parts[1][q, positive[q]] for q in chosen]).softmax(-1)
            total = total - settings.get("lamb", 1.0) * (
                queries[chosen] * (shares + 1e-10).log()).sum(1).mean()
    return total


def run(folder: Path, case: Dict[str, Any]) -> Dict[str, Any]:
    encoders = Encoders(folder, case["config"])
    size = encoders.first.config.vocab_size
    queries = torch.zeros(len(QUERIES), size, dtype=torch.float64)
    for i, ids in enumerate(QUERIES):
        queries[i, ids] = 1
    both = [[encoders(ids) for ids in docs] for docs in DOCS]
    parts = [torch.stack([torch.stack([doc[part] for doc in docs]) for docs in both]) for part in (0, 1)]
    loss = losses(queries, parts, case["loss"])
    loss.backward()
    alpha = case["config"].get("alpha", 0.3)
    scores = torch.einsum("bv,bnv->bn", queries, (1 - alpha) * parts[0] + alpha * parts[1])
    derivatives = {}
    for name, value in encoders.weights.items():
        if value.grad is not None and value.grad.abs().max() > 0:
            slopes = value.grad.reshape(-1)
            derivatives[name] = [float(slopes.norm()), float(slopes @ wave(len(slopes), 0.1, 0.71))]
    vectors = []
    with torch.no_grad():
        for docs in DOCS:
            for ids in docs:
                vector = encoders.mixed(ids)
                places = vector.nonzero()[:, 0].tolist()
                vectors.append([places, vector[places].tolist()])
    return {"config": {"model_type": "spade", **case["config"]}, "settings": case["loss"],
            "loss": float(loss), "scores": scores.reshape(-1).tolist(), "vectors": vectors,
            "derivatives": derivatives}


def drawn(number: int, seed: int) -> Dict[str, Dict[str, Any]]:
    cases = {}
    for index in range(number):
        rng = random.Random(1000 * seed + index)
        config: Dict[str, Any] = {
            "alpha": rng.choice([0.0, 0.3, 0.5, 1.0]), "num_expand": rng.randint(1, 12),
            "duplicate_term": rng.choice(["first", "max", "mean"]),
            "expand_method": rng.choice(["topk", "topk", "tokenwise_max"])}
        if config["expand_method"] == "topk":
            config["log_saturation"] = rng.random() < 0.5
        loss: Dict[str, Any] = {"lamb": rng.choice([0.0, 0.5, 1.0, 3.0])}
        if rng.random() < 0.7:
            loss["teaching_ratio"] = rng.choice([0.1, 0.3, 0.5, 0.75])
        cases[f"drawn_{seed}_{index}"] = {"config": config, "loss": loss}
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=0)
    arguments = parser.parse_args()
    cases = drawn(arguments.number, arguments.seed) if arguments.number else CASES
    result = {"queries": QUERIES, "docs": DOCS, "targets": TARGETS,
              "cases": {name: run(arguments.model, case) for name, case in cases.items()}}
    json.dump(rounded(result), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
