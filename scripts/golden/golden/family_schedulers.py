"""Family `schedulers`: Lightning IR's schedules of learning rates and of other values."""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from lightning_ir.schedulers import (
    ConstantLRSchedulerWithLinearWarmup,
    GenericConstantSchedulerWithLinearWarmup,
    GenericConstantSchedulerWithQuadraticWarmup,
    GenericLinearSchedulerWithLinearWarmup,
    LinearLRSchedulerWithLinearWarmup,
)

from golden.generation import Case, Generation
from golden.writing import write_json

Settings = Dict[str, Any]
STEPS = 40
GENERIC: Sequence[Tuple[Any, Sequence[Settings]]] = (
    (
        GenericLinearSchedulerWithLinearWarmup,
        (
            dict(num_warmup_steps=3, num_training_steps=20),
            dict(num_warmup_steps=5, num_training_steps=25, num_delay_steps=4, final_value=0.1),
        ),
    ),
    (
        GenericConstantSchedulerWithLinearWarmup,
        (dict(num_warmup_steps=4), dict(num_warmup_steps=3, num_delay_steps=5)),
    ),
    (
        GenericConstantSchedulerWithQuadraticWarmup,
        (
            dict(num_warmup_steps=6),
            dict(num_warmup_steps=5, num_delay_steps=3),
            dict(num_warmup_steps=0),
        ),
    ),
)


def rate_schedulers(random: np.random.Generator) -> List[Tuple[Any, List[Settings]]]:
    """Schedulers of learning rates with their settings, the last of each drawn."""
    linear: List[Tuple[int, int, int, float]] = [
        (3, 20, 0, 0.0),
        (5, 15, 4, 0.1),
        (0, 10, 0, 0.0),
        (0, 10, 2, 0.02),
        (10, 10, 0, 0.0),
        (4, 30, 30, 0.0),
    ]
    warmup, steps, delay = (int(random.integers(*limits)) for limits in ((2, 9), (20, 30), (0, 5)))
    linear.append((warmup, steps, delay, 0.25))
    constant = [(4, 0), (0, 0), (3, 5), (int(random.integers(2, 9)), 2)]
    return [
        (
            LinearLRSchedulerWithLinearWarmup,
            [
                dict(num_warmup_steps=w, num_training_steps=n, num_delay_steps=d, final_value=f)
                for w, n, d, f in linear
            ],
        ),
        (
            ConstantLRSchedulerWithLinearWarmup,
            [dict(num_warmup_steps=w, num_delay_steps=d) for w, d in constant],
        ),
    ]


def rates(kind: Any, settings: Settings, base: float) -> List[float]:
    """The learning rate of each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = kind(optimizer, **settings)
    values = []
    for _ in range(STEPS):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


def generic_values(kind: Any, settings: Settings, base: float) -> List[float]:
    """A scheduled value at each batch."""
    holder = types.SimpleNamespace(w=base)
    scheduler = kind(keys=["w"], **settings)
    scheduler.on_train_start(None, holder)
    values = []
    for k in range(STEPS):
        scheduler.on_train_batch_start(types.SimpleNamespace(global_step=k), holder, None, k)
        values.append(holder.w)
    return values


def described(
    case: Case,
    compute: Callable[[Any, Settings, float], List[float]],
    kind: Any,
    settings: Settings,
    base: float,
) -> Dict[str, Any]:
    """A schedule with its values, or with the reference's error."""
    about: Dict[str, Any] = dict(scheduler=kind.__name__, params=settings, base=base)
    try:
        about["values"] = compute(kind, settings, base)
    except Exception as error:
        about["error"] = f"{type(error).__name__}: {error}"
        case.note(f"{kind.__name__} {settings}: reference raises {about['error']}")
    return about


def make(run: Generation) -> None:
    """Make the family."""
    with run.case(
        "schedulers/all",
        "lr schedulers: lr used at optimisation step s (0-based, value_lambda(s)*base). Generic"
        " schedulers: on_train_batch_start uses step = global_step + 1, i.e. at the s-th batch"
        " (0-based) the value is base*value_lambda(s+1).",
    ) as case:
        found = [
            described(case, rates, kind, settings, 0.5)
            for kind, variants in rate_schedulers(run.random("sched"))
            for settings in variants
        ]
        found += [
            described(case, generic_values, kind, settings, 2.0)
            for kind, variants in GENERIC
            for settings in variants
        ]
        inputs = [
            {key: value for key, value in about.items() if key != "values"} for about in found
        ]
        write_json(dict(cases=inputs), case.folder / "inputs.json")
        write_json(dict(cases=found), case.folder / "expected.json")
