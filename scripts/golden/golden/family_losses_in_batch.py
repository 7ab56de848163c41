"""Family `losses`, in-batch losses: which documents of a batch they draw, and what they are."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import lightning_ir.loss as losses
import numpy as np
import torch
from lightning_ir.base import LightningIROutput
from lightning_ir.data import TrainBatch

from golden.generation import Case, Generation
from golden.writing import Tensors, write_json, write_tensors

Settings = Dict[str, Any]
#: How positive and negative documents are chosen.
TECHNIQUES = (
    ("all", "all"),
    ("all", "first"),
    ("first", "all"),
    ("first", "first"),
    ("first", "all_and_non_first"),
)


def variants() -> List[Tuple[str, Settings]]:
    """The losses and their settings."""
    found: List[Tuple[str, Settings]] = []
    for positive, negative in TECHNIQUES:
        for most in (None, 2):
            found.append(
                (
                    "InBatchCrossEntropy",
                    dict(
                        pos_sampling_technique=positive,
                        neg_sampling_technique=negative,
                        max_num_neg_samples=most,
                    ),
                )
            )
    for difference in (0.5, 1.0, 2.0):
        for most in (None, 3):
            found.append(
                (
                    "ScoreBasedInBatchCrossEntropy",
                    dict(min_target_diff=difference, max_num_neg_samples=most),
                )
            )
    return found


class Batch:
    """A batch of queries with their own documents, and the scores of all with all."""

    def __init__(self, random: np.random.Generator, queries: int, documents: int) -> None:
        self.queries = queries
        self.documents = documents
        scores = random.normal(0, 2, (queries, queries * documents)).astype(np.float32)
        self.scores = torch.from_numpy(scores)
        order = np.stack([random.permutation(documents) for _ in range(queries)])
        self.targets = torch.from_numpy(order.astype(np.float32))

    def own(self, scores: torch.Tensor) -> LightningIROutput:
        """The scores of each query's own documents."""
        n = self.documents
        return LightningIROutput(
            scores=torch.stack([scores[q, q * n : (q + 1) * n] for q in range(self.queries)])
        )


def put(
    run: Generation, found: Tensors, batch: Batch, i: int, k: int, loss: str, settings: Settings
) -> Dict[str, Any]:
    """Keep a loss of a batch: the documents drawn, value and derivatives; what describes it."""
    key = f"{i}.{k}"
    torch.manual_seed(run.number("ib", i, k))
    function = getattr(losses, loss)(**settings)
    scores = batch.scores.clone().requires_grad_(True)
    own = batch.own(scores)
    targets = TrainBatch(None, None, targets=batch.targets.clone())
    positive, negative = function.get_ib_idcs(own, targets)
    columns = torch.cat([positive.view(batch.queries, -1), negative.view(batch.queries, -1)], 1)
    drawn = torch.gather(scores, 1, columns)
    value = function.compute_loss(LightningIROutput(scores=drawn))
    (slope,) = torch.autograd.grad(value, scores)
    torch.manual_seed(run.number("ib2", i, k))
    again = function.get_ib_idcs(own, targets)
    is_same = torch.equal(positive, again[0]) and torch.equal(negative, again[1])
    found[f"pos_idcs.{key}"], found[f"neg_idcs.{key}"] = positive, negative
    found[f"loss.{key}"], found[f"grad.{key}"] = value.detach().reshape(1), slope
    return dict(
        key=key,
        loss=loss,
        params=settings,
        full_scores=f"full_scores{i}",
        targets=f"targets{i}",
        num_queries=batch.queries,
        num_docs=batch.documents,
        random=settings["max_num_neg_samples"] is not None or not is_same,
    )


def failed(
    case: Case, batch: Batch, i: int, loss: str, settings: Settings, error: Exception
) -> Dict[str, Any]:
    """What describes a loss that the reference cannot compute."""
    message = f"{type(error).__name__}: {error}"
    case.note(
        f"reference raises for {loss} {settings} ({batch.queries}x{batch.documents}): {message}"[
            :250
        ]
    )
    return dict(
        key=None,
        loss=loss,
        params=settings,
        full_scores=f"full_scores{i}",
        targets=f"targets{i}",
        error=message[:200],
    )


def make(run: Generation, random: np.random.Generator) -> None:
    """Make the case of in-batch losses."""
    with run.case(
        "losses/in_batch",
        "get_ib_idcs() gives flat doc indices (row-major query x doc) of positives and negatives,"
        " grouped per query; in-batch scores are [pos..., neg...] per query and the loss is cross"
        " entropy with class 0. full_scores = every query against every doc; grad is wrt"
        " full_scores. For pos_sampling 'all' every positive block doc is a column, only column 0"
        " is the target. Where the reference samples with torch.randperm the drawn indices are"
        " recorded (random=true): feed them.",
    ) as case:
        found: Tensors = {}
        described: List[Dict[str, Any]] = []
        for i, (queries, documents) in enumerate([(3, 4), (2, 5), (4, 2)]):
            batch = Batch(random, queries, documents)
            found[f"full_scores{i}"], found[f"targets{i}"] = batch.scores, batch.targets
            for k, (loss, settings) in enumerate(variants()):
                try:
                    described.append(put(run, found, batch, i, k, loss, settings))
                except Exception as error:
                    described.append(failed(case, batch, i, loss, settings, error))
        write_tensors(found, case.folder / "expected.safetensors")
        write_json(dict(cases=described), case.folder / "inputs.json")
