"""Family `losses`: values and derivatives of Lightning IR's losses."""

from __future__ import annotations

import types
from typing import Any, Dict, List, Sequence, Tuple

import lightning_ir.loss as losses
import numpy as np
import torch
from lightning_ir.base import LightningIROutput
from lightning_ir.bi_encoder import BiEncoderEmbedding, BiEncoderOutput
from lightning_ir.data import TrainBatch

from golden import family_losses_in_batch
from golden.generation import Generation
from golden.writing import Tensors, write_json, write_tensors

Settings = Dict[str, Any]
SCORING: Sequence[Tuple[str, Settings]] = (
    ("RankNet", {}),
    ("RankNet", dict(temperature=0.5)),
    ("RankNet", dict(temperature=3.0)),
    ("ConstantMarginMSE", {}),
    ("ConstantMarginMSE", dict(margin=2.5)),
    ("SupervisedMarginMSE", {}),
    ("KLDivergence", {}),
    ("InfoNCE", {}),
    ("PearsonCorrelation", {}),
    ("ApproxNDCG", {}),
    ("ApproxNDCG", dict(temperature=0.1)),
    ("ApproxNDCG", dict(scale_gains=False)),
    ("ApproxMRR", {}),
    ("ApproxMRR", dict(temperature=0.2)),
    ("ApproxRankMSE", {}),
    ("ApproxRankMSE", dict(discount="log2")),
    ("ApproxRankMSE", dict(discount="reciprocal", temperature=0.5)),
)
REGULARIZATIONS = [
    (name, settings)
    for name in ("FLOPSRegularization", "L1Regularization", "L2Regularization")
    for settings in ({}, dict(query_weight=0.3, doc_weight=0.07))
]


def tensor(values: np.ndarray) -> torch.Tensor:
    """An array in single precision."""
    return torch.from_numpy(values.astype(np.float32))


def targets_of(run: Generation, queries: int, documents: int) -> Dict[str, torch.Tensor]:
    """Targets of many kinds, by their name."""
    random = run.random("losstargets", queries, documents)
    shape = (queries, documents)
    order = np.stack([random.permutation(documents) for _ in range(queries)])
    places = np.arange(documents)[None]
    found = {
        "graded": random.integers(0, 4, shape),
        "binary": places == random.integers(0, documents, (queries, 1)),
        "float": random.normal(0, 3, shape),
        "rankdesc": documents - order,
        "ties_all": np.ones(shape),
        "first": places.repeat(queries, 0) == 0,
        "negative": random.integers(-2, 3, shape),
    }
    return {name: tensor(values) for name, values in found.items()}


class Scoring:
    """Losses of scores and targets, as tensors and descriptions of a case."""

    def __init__(self) -> None:
        self.found: Tensors = {}
        self.described: List[Dict[str, Any]] = []

    def put(self, key: str, loss: str, settings: Settings, scores: str, targets: str) -> None:
        """Keep a loss and its derivatives with respect to the scores, or the reference's error."""
        about: Dict[str, Any] = dict(loss=loss, params=settings, scores=scores, targets=targets)
        inputs = self.found[scores].clone().requires_grad_(True)
        try:
            batch = TrainBatch(None, None, targets=self.found[targets].clone())
            value = getattr(losses, loss)(**settings).compute_loss(
                LightningIROutput(scores=inputs), batch
            )
            slope = None
            if value.requires_grad:
                slope = torch.autograd.grad(value, inputs, allow_unused=True)[0]
            self.found[f"loss.{key}"] = value.detach().reshape(1).float()
            self.found[f"grad.{key}"] = torch.zeros_like(inputs) if slope is None else slope
            self.described.append(dict(key=key, **about))
        except Exception as error:
            message = f"{type(error).__name__}: {error}"[:200]
            self.described.append(dict(key=None, **about, error=message))


def make_scoring(run: Generation, random: np.random.Generator) -> None:
    """Losses of each query's own documents."""
    with run.case(
        "losses/scoring",
        "scores [B,N] + targets [B,N] -> loss and d loss/d scores. Losses whose value is NaN (e.g."
        " pairwise losses without any pair) are stored as NaN.",
    ) as case:
        made = Scoring()
        for i, (queries, documents) in enumerate([(3, 5), (2, 8), (4, 2), (1, 6)]):
            made.found[f"scores{i}"] = tensor(random.normal(0, 2, (queries, documents)))
            for name, targets in targets_of(run, queries, documents).items():
                made.found[f"targets{i}.{name}"] = targets
                for k, (loss, settings) in enumerate(SCORING):
                    made.put(f"{i}.{name}.{k}", loss, settings, f"scores{i}", f"targets{i}.{name}")
        # Several labels a document: the greatest counts.
        made.found["targets3d"] = tensor(random.integers(0, 3, (3, 5, 4)))
        for k, (loss, settings) in enumerate(SCORING[:9]):
            made.put(f"3d.{k}", loss, settings, "scores0", "targets3d")
        write_tensors(made.found, case.folder / "expected.safetensors")
        write_json(dict(cases=made.described), case.folder / "inputs.json")
        errors = {
            (about["loss"], about["targets"].split(".")[-1], about["error"])
            for about in made.described
            if about.get("error")
        }
        for error in sorted(errors):
            case.note("reference raises: " + str(error))


class Embedding:
    """Losses of embeddings, as tensors and descriptions of a case."""

    def __init__(self) -> None:
        self.found: Tensors = {}
        self.described: List[Dict[str, Any]] = []

    def put_regularizations(self, name: str) -> None:
        """Keep every regularization of the embeddings of this name."""
        for k, (loss, settings) in enumerate(REGULARIZATIONS):
            queries = self.found[f"q{name}"].clone().requires_grad_(True)
            documents = self.found[f"d{name}"].clone().requires_grad_(True)
            output = BiEncoderOutput(
                query_embeddings=BiEncoderEmbedding(queries),
                doc_embeddings=BiEncoderEmbedding(documents),
            )
            value = getattr(losses, loss)(**settings).compute_loss(output)
            slopes = torch.autograd.grad(value, (queries, documents))
            key = f"{name}.{k}"
            self.found[f"loss.{key}"] = value.detach().reshape(1)
            self.found[f"grad_q.{key}"], self.found[f"grad_d.{key}"] = slopes
            self.described.append(
                dict(key=key, loss=loss, params=settings, query=f"q{name}", doc=f"d{name}")
            )

    def put_contrastive(self, i: int, k: int, temperature: float) -> None:
        """Keep the contrastive loss of similarities."""
        similarity = self.found[f"similarity{i}"].clone().requires_grad_(True)
        loss = losses.ContrastiveLocalLoss(temperature=temperature)
        value = loss.compute_loss(types.SimpleNamespace(similarity=similarity))
        key = f"cl{i}.{k}"
        self.found[f"loss.{key}"] = value.detach().reshape(1)
        self.found[f"grad.{key}"] = torch.autograd.grad(value, similarity)[0]
        self.described.append(
            dict(
                key=key,
                loss="ContrastiveLocalLoss",
                params=dict(temperature=temperature),
                similarity=f"similarity{i}",
            )
        )


def make_embedding(run: Generation, random: np.random.Generator) -> None:
    """Losses of embeddings."""
    with run.case(
        "losses/embedding",
        "FLOPS / L1 / L2 regularisation on query and doc embeddings [n, vectors, dim];"
        " ContrastiveLocalLoss on similarity [n, 1, V] and [n, V].",
    ) as case:
        made = Embedding()
        for i, shapes in enumerate([((3, 1, 30), (6, 1, 30)), ((2, 4, 8), (4, 6, 8))]):
            for is_sparse in (False, True):
                queries = tensor(random.normal(0, 1, shapes[0]))
                documents = tensor(random.normal(0, 1, shapes[1]))
                if is_sparse:
                    queries, documents = torch.relu(queries), torch.relu(documents - 0.5)
                    documents[0] = 0  # a vector of zeros
                name = f"{i}.{int(is_sparse)}"
                made.found[f"q{name}"], made.found[f"d{name}"] = queries, documents
                made.put_regularizations(name)
        for i, shape in enumerate([(4, 1, 5), (6, 8)]):
            made.found[f"similarity{i}"] = tensor(random.normal(0, 2, shape))
            for k, temperature in enumerate((1.0, 0.1)):
                made.put_contrastive(i, k, temperature)
        case.note(
            "ContrastiveLocalLoss ignores its temperature parameter (stored, never used). In the"
            " PyPI wheel it does not squeeze dim 1: similarity [n,1,V] then gives argmax over V but"
            " cross_entropy over the singleton class axis."
        )
        write_tensors(made.found, case.folder / "expected.safetensors")
        write_json(dict(cases=made.described), case.folder / "inputs.json")


def make(run: Generation) -> None:
    """Make the family."""
    random = run.random("losses")
    make_scoring(run, random)
    family_losses_in_batch.make(run, random)
    make_embedding(run, random)
