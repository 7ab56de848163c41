#!/usr/bin/env python3
"""Make files of PyTorch with what they should be read as, for the tests of TorchFile.

    make_torch.py --out DIR

DIR/good/NAME.pt beside DIR/good/NAME.safetensors with the same tensors; DIR/bad/NAME.pt, each of
which must be refused. Needs torch and safetensors. Deterministic: the same versions, the same bytes.
"""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any, Dict

import torch
from safetensors.torch import save_file

Tensors = Dict[str, torch.Tensor]


def types() -> Tensors:
    """Every element type that a storage may have."""
    torch.manual_seed(1)
    floats = torch.randn(3, 4)
    return {
        "f64": floats.double(), "f32": floats, "f16": floats.half(), "bf16": floats.bfloat16(),
        "i64": torch.arange(5), "i32": torch.arange(5, dtype=torch.int32),
        "i16": torch.arange(5, dtype=torch.int16), "i8": torch.arange(-2, 3, dtype=torch.int8),
        "u8": torch.arange(5, dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "one": torch.zeros(1, 1),
    }


def views() -> Tensors:
    """Tensors that share storages, start inside of them, or have strides of their own."""
    torch.manual_seed(2)
    base = torch.randn(6, 8)
    return {
        "base": base, "same": base, "row": base[2], "rows": base[1:3], "column": base[:, 3],
        "transposed": base.t(), "steps": base[::2, ::3], "cube": base.view(2, 3, 8).permute(2, 0, 1),
        "single": base[:1, 4:5],
    }


def module_state() -> "collections.OrderedDict[str, Any]":
    """A state dictionary with the attribute that a module's has."""
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)).state_dict()


def save_good(out: Path) -> None:
    cases: Dict[str, Any] = {"types": types(), "views": views(), "module": module_state()}
    cases["parameters"] = {
        name: torch.nn.Parameter(value) for name, value in module_state().items()}
    cases["wrapped"] = {"state_dict": module_state()}
    for name, value in cases.items():
        torch.save(value, out / f"{name}.pt")
        tensors = value.get("state_dict", value)
        save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()},
                  out / f"{name}.safetensors")
    for protocol in (3, 4, 5):
        torch.save(module_state(), out / f"protocol{protocol}.pt", pickle_protocol=protocol)
        save_file(dict(module_state()), out / f"protocol{protocol}.safetensors")
    # The same members with the numbers of large files.
    zipfile.ZIP64_LIMIT = 16
    with zipfile.ZipFile(out / "types.pt") as source, \
            zipfile.ZipFile(out / "zip64.pt", "w", zipfile.ZIP_STORED) as target:
        for info in source.infolist():
            target.writestr(zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0)),
                            source.read(info))
    save_file(types(), out / "zip64.safetensors")
    zipfile.ZIP64_LIMIT = (1 << 31) - 1


class Call:
    """Pickles to a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def archive(path: Path, data: bytes, members: Dict[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as target:
        for name, content in {"a/data.pkl": data, "a/version": b"3\n", **members}.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            target.writestr(info, content)


def tensor_pickle(elements: int, offset: int, shape: Any, strides: Any) -> bytes:
    """The pickle of {'t': tensor} with numbers of one's own choice."""
    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            if isinstance(value, str) and value == "STORAGE":
                return ("storage", torch.FloatStorage, "0", "cpu", elements)
            return None
    buffer = io.BytesIO()
    call = Call(torch._utils._rebuild_tensor_v2, "STORAGE", offset, shape, strides, False,
                collections.OrderedDict())
    Pickler(buffer, 2).dump({"t": call})
    return buffer.getvalue()


def save_bad(out: Path) -> None:
    for name, value in {
        "system": {"t": Call(os.system, "echo harm")}, "eval": Call(eval, "1"),
        "module": torch.nn.Linear(2, 2).__class__, "getattr": Call(getattr, "a", "b"),
        "text": "no dictionary", "list": [1, 2], "value": {"t": 1}, "key": {1: "a"},
    }.items():
        archive(out / f"{name}.pt", pickle.dumps(value, 2), {})
    storage = {"a/data/0": bytes(4 * 8)}
    for name, numbers in {
        "offset": (8, 9, (1,), (1,)), "negative": (8, -1, (1,), (1,)),
        "size": (8, 0, (9,), (1,)), "stride": (8, 0, (2, 2), (7, 1)),
        "stride_negative": (8, 4, (2,), (-1,)), "repeated": (8, 0, (1 << 40,), (0,)),
        "overflow": (8, 0, (1 << 40, 1 << 40), (1, 1)), "size_negative": (8, 0, (-1,), (1,)),
        "elements": (9, 0, (8,), (1,)), "ranks": (8, 0, (8,), (8, 1)),
        "elements_huge": (1 << 62, 0, (8,), (1,)),
    }.items():
        archive(out / f"{name}.pt", tensor_pickle(*numbers), storage)
    archive(out / "no_storage.pt", tensor_pickle(8, 0, (8,), (1,)), {})
    archive(out / "compressed.pt", tensor_pickle(8, 0, (8,), (1,)), storage,
            zipfile.ZIP_DEFLATED)
    archive(out / "big_endian.pt", tensor_pickle(8, 0, (8,), (1,)),
            {**storage, "a/byteorder": b"big"})
    # Nested a hundred thousand deep, and a pickle that refers to itself.
    archive(out / "deep.pt", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", {})
    archive(out / "itself.pt", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", {})
    with zipfile.ZipFile(out / "no_pickle.pt", "w") as target:
        target.writestr(zipfile.ZipInfo("a/other", (1980, 1, 1, 0, 0, 0)), b"1")
    (out / "text_file.pt").write_bytes(b"this is no zip file at all")
    torch.save({"t": torch.zeros(2)}, out / "legacy.pt", _use_new_zipfile_serialization=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    for folder in ("good", "bad"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    save_good(out / "good")
    save_bad(out / "bad")


if __name__ == "__main__":
    main()
