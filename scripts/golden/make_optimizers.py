#!/usr/bin/env python3
"""Make the values that OptimizerTests expect: steps of torch's optimisers on a few numbers.

    scripts/golden/make_optimizers.py >Tests/Fixtures/optimizers.json    # needs torch
"""
from __future__ import annotations

import json
from typing import Any, Dict, List

import torch

CASES: List[Dict[str, Any]] = [
    {"name": "AdamW", "lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
    {"name": "AdamW", "lr": 3e-3, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.0},
    {"name": "Adam", "lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0},
    {"name": "Adam", "lr": 5e-3, "betas": [0.9, 0.99], "eps": 1e-8, "weight_decay": 0.1},
    {"name": "SGD", "lr": 1e-1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    {"name": "SGD", "lr": 1e-1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.05},
    {"name": "SGD", "lr": 1e-1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0},
]
STEPS = 6


def main() -> None:
    torch.manual_seed(1)
    start = torch.randn(9)
    gradients = [torch.randn(9) * 10 ** torch.randint(-3, 2, (9,)) for _ in range(STEPS)]
    cases = []
    for case in CASES:
        options = {key: value for key, value in case.items() if key != "name"}
        weights = torch.nn.Parameter(start.clone())
        optimizer = getattr(torch.optim, case["name"])([weights], **options)
        values = []
        for gradient in gradients:
            weights.grad = gradient.clone()
            optimizer.step()
            values.append(weights.detach().tolist())
        cases.append({**case, "values": values})
    print(json.dumps({"start": start.tolist(), "gradients": [g.tolist() for g in gradients],
                      "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
