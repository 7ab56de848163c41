#!/usr/bin/env python3
"""Make what sentence-transformers gives for contrastive training, and how it makes batches of it.

    scripts/golden/make_contrastive.py >Tests/Fixtures/contrastive.json  # needs sentence-transformers

A loss is MultipleNegativesRankingLoss of scores that are given: queries by documents, the first
document of a query positive, its others hard negatives. Documents are numbered query by query. Batches
are those of NoDuplicatesBatchSampler, for tuples in the order that it drew.
"""
from __future__ import annotations

import json
import random
import warnings
from typing import Any, Dict, List

import torch

warnings.simplefilter("ignore")

# pylint: disable=wrong-import-position
from datasets import Dataset  # noqa: E402
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler  # noqa: E402
from sentence_transformers.sentence_transformer.losses import (  # noqa: E402
    MultipleNegativesRankingLoss)

LOSSES = [(3, 1, 1.0), (3, 1, 20.0), (4, 2, 20.0), (4, 3, 1.0), (5, 3, 0.5), (2, 4, 100.0)]
# Tuples, different texts in all, documents of a tuple, batch size.
BATCHES = [(20, 400, 2, 4), (24, 12, 1, 4), (30, 20, 2, 8), (40, 15, 3, 5), (16, 2, 1, 4),
           (9, 30, 1, 16)]


def loss(queries: int, documents: int, scale: float) -> Dict[str, Any]:
    """The loss of random scores, and its derivative by them."""
    scores = torch.randn(queries, queries * documents, dtype=torch.float64).float().double()
    scores.requires_grad_(True)
    # The reference joins all first documents, then all second ones.
    columns = torch.tensor([[q * documents + d for q in range(queries)] for d in range(documents)])
    function = MultipleNegativesRankingLoss(
        None, scale=scale, similarity_fct=lambda a, b: scores[:, columns.flatten()])
    vectors = [torch.zeros(queries, 1) for _ in range(documents + 1)]
    value = function.compute_loss_from_embeddings(vectors, None)
    value.backward()
    return {"queries": queries, "documents": documents, "scale": scale,
            "scores": scores.detach().flatten().tolist(), "loss": value.item(),
            "gradient": scores.grad.flatten().tolist()}


def batches(tuples: int, texts: int, documents: int, size: int) -> Dict[str, Any]:
    """The batches of random tuples, numbered in the order in which the sampler looks at them."""
    draw = random.Random(tuples * size)
    rows = [[f"text {draw.randrange(texts)}" for _ in range(documents)] for _ in range(tuples)]
    queries = [f"query {draw.randrange(tuples * 2)}" for _ in range(tuples)]
    columns = {"query": queries}
    for i in range(documents):
        columns[f"document {i}"] = [row[i] for row in rows]
    generator = torch.Generator()
    sampler = NoDuplicatesBatchSampler(
        Dataset.from_dict(columns), size, drop_last=False, generator=generator, seed=7)
    found = list(sampler)
    generator.manual_seed(7)
    order = torch.randperm(tuples, generator=generator, dtype=torch.int32).tolist()
    place = {index: i for i, index in enumerate(order)}
    return {"size": size, "tuples": [[queries[i]] + rows[i] for i in order],
            "batches": [[place[index] for index in batch] for batch in found]}


def main() -> None:
    """Write all cases."""
    torch.manual_seed(3)
    lists: Dict[str, List[Any]] = {
        "losses": [loss(*case) for case in LOSSES], "batches": [batches(*case) for case in BATCHES]}
    print("{" + ",\n".join(
        f'"{name}":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        + "\n]" for name, cases in lists.items()) + "}")


if __name__ == "__main__":
    main()
