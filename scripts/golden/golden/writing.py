"""Writes JSON and safetensors files in the one form that all cases have."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Tuple, Union

import numpy as np
import torch
from safetensors.torch import save_file

Tensors = Dict[str, torch.Tensor]
#: Tensors to be written; None is left out.
Writable = Mapping[str, Union[torch.Tensor, np.ndarray, None]]


def plain(value: Any) -> Any:
    """A value as JSON has it: lists for tensors, and strings for NaN and infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        if value != value:
            return "nan"
        return "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Path):
        return str(value)
    return value


def write_json(value: Any, path: Path) -> None:
    """Write a value as one line of ASCII."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain(value), ensure_ascii=True, separators=(",", ":")) + "\n")


def write_tensors(tensors: Writable, path: Path) -> None:
    """Write tensors: integers of 64 bits as ones of 32, booleans as bytes."""
    written: Tensors = {}
    for name, value in tensors.items():
        if value is None:
            continue
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value))
        value = value.detach().clone().contiguous()
        if value.dtype == torch.int64:
            value = value.to(torch.int32)
        if value.dtype == torch.bool:
            value = value.to(torch.uint8)
        written[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(written, str(path))


def ragged(rows: Sequence[Sequence[int]], dtype: Any = np.int16) -> Tuple[np.ndarray, np.ndarray]:
    """Rows of different lengths end to end, and where each begins, with the end of the last."""
    offsets: np.ndarray = np.zeros(len(rows) + 1, np.int32)
    offsets[1:] = np.cumsum([len(row) for row in rows])
    if not offsets[-1]:
        return np.zeros(0, dtype), offsets
    return np.concatenate([np.asarray(row, dtype) for row in rows]), offsets


def edit_json(path: Path, changes: Mapping[str, Any], **options: Any) -> None:
    """Set fields of a JSON file; `options` are those of `json.dumps`."""
    fields = json.loads(path.read_text())
    fields.update(changes)
    path.write_text(json.dumps(fields, **{"indent": 2, **options}))
