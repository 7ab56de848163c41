"""Makes cases of training: ten steps of Lightning IR's losses with AdamW."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import lightning_ir.loss as losses
import numpy as np
import torch
from lightning_ir import BiEncoderModule, CrossEncoderModule
from lightning_ir.data import TrainBatch
from lightning_ir.schedulers import LinearLRSchedulerWithLinearWarmup
from safetensors.torch import load_file

from golden.backbones import Wish, make_backbone, randomize
from golden.encodings import fix_saved
from golden.generation import Generation
from golden.texts import PASSAGES, QUERIES
from golden.writing import Tensors, write_json, write_tensors

#: A loss of Lightning IR with its settings and its weight.
Loss = Tuple[str, Dict[str, Any], float]
QUERY_COUNT, DOCUMENT_COUNT, STEPS = 2, 3, 10
RATE, WARMUP = 1e-3, 2


@dataclass(frozen=True)
class TrainingCase:
    """A case of training."""

    name: str
    kind: str
    place: int
    config: Any
    losses: Sequence[Loss]
    #: `graded`, `rank`, `float` or `first`.
    targets: str = "graded"
    head: Optional[str] = None
    is_cross_encoder: bool = False
    note: Optional[str] = None

    @property
    def path(self) -> str:
        """The case's folder."""
        return f"training/{self.name}"


@dataclass
class Trained:
    """What came of a training."""

    module: Any
    log: List[Dict[str, Any]]
    weights: Tensors
    without_gradient: List[str]


def draw_targets(random: np.random.Generator, kind: str) -> np.ndarray:
    """Targets of a batch; all kinds draw as often."""
    shape = (QUERY_COUNT, DOCUMENT_COUNT)
    order = random.permutation(QUERY_COUNT * DOCUMENT_COUNT).reshape(shape)
    if kind == "rank":
        return np.argsort(np.argsort(-random.normal(size=shape), axis=1), axis=1)
    if kind == "float":
        return random.normal(0, 3, shape)
    if kind == "first":
        return (np.arange(DOCUMENT_COUNT)[None] == 0).repeat(QUERY_COUNT, 0)
    return order % 4


def draw_batches(run: Generation, wanted: TrainingCase) -> List[Dict[str, Any]]:
    """Five batches of texts and targets."""
    random = run.random("train", wanted.path)
    sentences = run.texts.sentences
    asked = QUERIES if run.is_committed else sentences[600:660]
    pool = PASSAGES + sentences[:500]
    batches = []
    for _ in range(5):
        queries = [asked[int(k)][:70] for k in random.choice(30, QUERY_COUNT, replace=False)]
        documents = [
            [pool[int(k)][:110] for k in random.choice(len(pool), DOCUMENT_COUNT, replace=False)]
            for _ in range(QUERY_COUNT)
        ]
        targets = np.asarray(draw_targets(random, wanted.targets), np.float32)
        batches.append(dict(queries=queries, docs=documents, targets=targets))
    return batches


class Trainer:
    """Trains a saved model, in single or double precision."""

    def __init__(
        self,
        run: Generation,
        wanted: TrainingCase,
        module: Any,
        folder: Path,
        batches: List[Dict[str, Any]],
    ) -> None:
        self.run = run
        self.wanted = wanted
        self.module = module
        self.folder = folder
        self.batches = batches

    def train(self, is_double: bool) -> Trained:
        """Train the model from its first weights."""
        torch.set_default_dtype(torch.float64 if is_double else torch.float32)
        try:
            module = self._fresh(is_double)
            optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=0.01)
            schedule = LinearLRSchedulerWithLinearWarmup(
                optimizer, num_warmup_steps=WARMUP, num_training_steps=STEPS
            )
            log = []
            for step in range(STEPS):
                log.append(self._step(module, optimizer, step, is_double))
                schedule.step()
            unused = [
                name for name, weight in module.model.named_parameters() if weight.grad is None
            ]
            weights = {key: value.clone() for key, value in module.model.state_dict().items()}
            return Trained(module, log, weights, unused)
        finally:
            torch.set_default_dtype(torch.float32)

    def _fresh(self, is_double: bool) -> Any:
        functions = [
            (getattr(losses, name)(**settings), weight)
            for name, settings, weight in self.wanted.losses
        ]
        module = type(self.module)(str(self.folder), loss_functions=functions)
        weights = self.module.model.state_dict()
        module.model.load_state_dict({key: value.clone() for key, value in weights.items()})
        if is_double:
            module.model.double()
        module.model.train()
        module.train()
        return module

    def _step(self, module: Any, optimizer: Any, step: int, is_double: bool) -> Dict[str, Any]:
        place = step % 5
        batch = self.batches[place]
        torch.manual_seed(self.run.number("step", self.wanted.path, step))
        targets = torch.from_numpy(batch["targets"]).to(
            torch.float64 if is_double else torch.float32
        )
        query_ids = [f"q{k}" for k in range(QUERY_COUNT)]
        document_ids = [[f"d{k}{j}" for j in range(DOCUMENT_COUNT)] for k in range(QUERY_COUNT)]
        inputs = TrainBatch(
            batch["queries"], batch["docs"], query_ids, document_ids, targets=targets
        )
        output = module.forward(inputs)
        scores = output.scores.detach().reshape(-1).clone()
        values = module._compute_losses(inputs, output)
        total = torch.tensor(0)
        for (_, weight), value in zip(module.loss_functions, values):
            total = total + value * weight
        optimizer.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        return dict(
            step=step,
            batch=place,
            lr=rate,
            total_loss=float(total),
            losses=[float(value) for value in values],
            grad_norm=float(norm),
            scores=scores.tolist(),
        )


def saved_module(run: Generation, wanted: TrainingCase, folder: Path) -> Any:
    """Make a model and save it; the one in memory."""
    wish = Wish(wanted.place, wanted.head, -2.0, dropout=0.0, deviation=0.2)
    backbone = make_backbone(run, wanted.kind, wanted.path, wish)
    module_type = CrossEncoderModule if wanted.is_cross_encoder else BiEncoderModule
    torch.manual_seed(run.number("module", wanted.path))
    module = module_type(str(backbone), config=wanted.config)
    bias = (module.config.vocab_size, -2.0) if wanted.head == "mlm" else None
    randomize(run, module.model, wanted.path + "/final", 0.2, bias)
    if run.options.small:  # half of the bytes are zeros, which compress
        for weight in module.model.parameters():
            weight.data = weight.data.bfloat16().float()
    module.save_pretrained(folder)
    fix_saved(run, folder)
    return module


def put_token_ids(module: Any, batches: List[Dict[str, Any]]) -> None:
    """Add to batches what the tokenizer makes of them."""
    with torch.no_grad():
        for batch in batches:
            texts = [text for documents in batch["docs"] for text in documents]
            encodings = module.prepare_input(
                batch["queries"], texts, [DOCUMENT_COUNT] * QUERY_COUNT
            )
            batch["token_ids"] = {
                key: {
                    name: value.tolist()
                    for name, value in encoding.items()
                    if isinstance(value, torch.Tensor)
                }
                for key, encoding in encodings.items()
            }


def make_training(run: Generation, wanted: TrainingCase) -> None:
    """Make a case of training."""
    if not run.wants(wanted.path):
        return
    with run.case(wanted.path, wanted.note) as case:
        folder = case.folder / "model"
        module = saved_module(run, wanted, folder)
        batches = draw_batches(run, wanted)
        trainer = Trainer(run, wanted, module, folder, batches)
        single = trainer.train(is_double=False)
        double: Optional[Trained] = None
        try:
            double = trainer.train(is_double=True)
        except Exception as error:
            case.note(f"fp64 replay not possible: {type(error).__name__}: {error}"[:200])
        saved = set(load_file(str(folder / "model.safetensors")))
        final = {
            key: value
            for key, value in single.weights.items()
            if key in saved and value.is_floating_point()
        }
        differences = steps = None
        if double is not None:
            others = double.weights
            differences = {
                key: float((value.double() - others[key].double()).abs().max())
                for key, value in final.items()
            }
            steps = [
                dict(total_loss=step["total_loss"], grad_norm=step["grad_norm"])
                for step in double.log
            ]
        write_tensors(final, case.folder / "expected.safetensors")
        put_token_ids(single.module, batches)
        write_json(described(wanted, batches), case.folder / "inputs.json")
        write_json(
            dict(
                steps=single.log,
                params_without_grad=single.without_gradient,
                fp64_steps=steps,
                final_weight_fp64_max_abs_diff=differences,
            ),
            case.folder / "expected.json",
        )


def described(wanted: TrainingCase, batches: List[Dict[str, Any]]) -> Dict[str, Any]:
    """What a training is done with."""
    return dict(
        kind="cross" if wanted.is_cross_encoder else "bi",
        batches=batches,
        batch_order=[step % 5 for step in range(STEPS)],
        losses=[
            dict(loss=name, params=settings, weight=weight)
            for name, settings, weight in wanted.losses
        ],
        optimizer=dict(
            name="AdamW",
            lr=RATE,
            betas=[0.9, 0.999],
            eps=1e-8,
            weight_decay=0.01,
            all_parameters_decayed=True,
        ),
        scheduler=dict(
            name="LinearLRSchedulerWithLinearWarmup",
            num_warmup_steps=WARMUP,
            num_training_steps=STEPS,
        ),
        clip_grad_norm=1.0,
    )
