"""What the generators of twins in torch share: weights by place, and numbers as they are written."""

from __future__ import annotations

from typing import Any

import torch


def wave(count: int, start: float, step: float) -> torch.Tensor:
    """Numbers that are a function of the place."""
    return torch.sin(start + step * torch.arange(count, dtype=torch.float64))


def rounded(value: Any, digits: int = 7) -> Any:
    """The same with numbers of so many digits."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    return [rounded(item, digits) for item in value] if isinstance(value, list) else value
