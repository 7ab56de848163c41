#!/usr/bin/env python3
"""Make files of vectors as other programs write them, for the tests of VectorInputs.

    make_vectors.py --out DIR

DIR/good/: the same five vectors of three numbers each with ids d0 to d4, as NumPy, safetensors, Tevatron,
Pyserini and lir-encode write them; DIR/bad/: files that must be refused. Needs numpy and safetensors.
Deterministic: the same versions, the same bytes. NumPy 1's pickles differ in the names of modules.
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
from safetensors.numpy import save_file

IDS = [f"d{i}" for i in range(5)]
# Eighths are exact in every type.
ROWS = (np.arange(15, dtype=np.float32).reshape(5, 3) - 7) / 8


def arrays(good: Path, bad: Path) -> None:
    """NumPy's own format."""
    for name in ("f2", "f4", "f8"):
        np.save(good / f"{name}.npy", ROWS.astype(f"<{name}"))
    with open(good / "version2.npy", "wb") as file:
        np.lib.format.write_array(file, ROWS, version=(2, 0))
    for path in good.glob("*.npy"):
        Path(f"{path}.ids").write_text("".join(f"{i}\n" for i in IDS))
    infinite = ROWS.copy()
    infinite[3, 1] = np.inf
    large = ROWS.astype(np.float64)
    large[2, 2] = 1e39
    cases: Dict[str, Any] = {
        "fortran": np.asfortranarray(ROWS), "big-endian": ROWS.astype(">f4"),
        "integers": ROWS.astype(np.int64), "one-dimension": ROWS[0], "three": ROWS[None],
        "infinite": infinite, "half-infinite": infinite.astype(np.float16), "large": large,
        "complex": ROWS.astype(np.complex64), "objects": np.array([["a", None]], object),
        "named": np.array([(1.0, 2.0)], [("a", "<f4"), ("b", "<f4")]), "no-columns": ROWS[:, :0],
    }
    for name, array in cases.items():
        np.save(bad / f"{name}.npy", array, allow_pickle=True)
        Path(f"{bad / name}.npy.ids").write_text("".join(f"{i}\n" for i in IDS[: len(array)]))


def tensors(good: Path, bad: Path) -> None:
    """safetensors: ids beside, as numbers, as bytes, in the metadata; several vectors a record."""
    raw = "".join(IDS).encode()
    ends = np.array([2 * i for i in range(6)], np.int64)
    save_file({"embeddings": ROWS}, good / "beside.safetensors")
    (good / "beside.safetensors.ids").write_text("".join(f"{i}\n" for i in IDS))
    listed = {"ids": json.dumps(IDS), "format": "np"}
    save_file({"vectors": ROWS.astype(np.float16)}, good / "metadata.safetensors", listed)
    save_file({"x": ROWS.astype(np.float64), "ids": np.frombuffer(raw, np.uint8),
               "id_offsets": ends}, good / "bytes.safetensors")
    save_file({"x": ROWS, "ids": np.arange(5, dtype=np.int64)}, good / "numbers.safetensors")
    save_file({"x": ROWS, "offsets": np.array([0, 2, 2, 5], np.int64),
               "ids": np.arange(3, dtype=np.int32)}, good / "several.safetensors")
    save_file({"a": ROWS, "b": ROWS}, bad / "two.safetensors", listed)
    save_file({"a": ROWS.astype(np.int32)}, bad / "integers.safetensors", listed)
    save_file({"a": ROWS}, bad / "no-ids.safetensors")
    save_file({"a": ROWS}, bad / "few-ids.safetensors", {"ids": json.dumps(IDS[:4])})
    save_file({"a": ROWS, "offsets": np.array([0, 3, 2, 5], np.int64),
               "ids": np.arange(3, dtype=np.int32)}, bad / "offsets.safetensors")


class _Call:
    """A function that the pickle would have called."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def pickles(good: Path, bad: Path) -> None:
    """Tevatron's pairs of an array and a list of ids."""
    for protocol in (3, 4, 5):
        data = pickle.dumps((ROWS, IDS), protocol)
        (good / f"protocol{protocol}.pkl").write_bytes(data)
    # The names of NumPy 1: two bytes shorter each, and a frame says its length.
    data = pickle.dumps((ROWS, IDS), 3).replace(b"cnumpy._core.", b"cnumpy.core.")
    (good / "numpy1.pkl").write_bytes(data)
    (good / "half.pkl").write_bytes(pickle.dumps((ROWS.astype(np.float16), list(range(5))), 4))
    cases: Dict[str, Any] = {
        "call": (_Call(print, "called"), IDS), "array-alone": ROWS, "few-ids": (ROWS, IDS[:4]),
        "fortran": (np.asfortranarray(ROWS), IDS), "big-endian": (ROWS.astype(">f4"), IDS),
        "integers": (ROWS.astype(np.int32), IDS), "one-dimension": (ROWS[0], IDS),
        "objects": (np.array([["a", None]], object), ["d0"]), "ids-of-floats": (ROWS, [0.5] * 5),
    }
    for name, value in cases.items():
        (bad / f"{name}.pkl").write_bytes(pickle.dumps(value, 4))


def lines(good: Path, bad: Path) -> None:
    """JSON lines: of lir-encode, of Pyserini, of several vectors a text."""
    def write(path: Path, rows: List[Any]) -> None:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    rows = [row.tolist() for row in ROWS]
    write(good / "own.jsonl", [{"id": i, "vector": v} for i, v in zip(IDS, rows)])
    write(good / "pyserini.jsonl", [{"docid": i, "contents": "\"vector\": [", "vector": v}
                                    for i, v in zip(IDS, rows)])
    write(good / "several.jsonl", [{"id": 0, "vectors": rows[:2]}, {"id": 1, "vectors": []},
                                   {"id": 2, "vectors": rows[2:]}])
    first = {"id": "d0", "vector": rows[0]}
    write(bad / "width.jsonl", [first, {"id": "d1", "vector": rows[1][:2]}])
    write(bad / "nan.jsonl", [first, {"id": "d1", "vector": [0, float("nan"), 1]}])
    write(bad / "infinite.jsonl", [first, {"id": "d1", "vector": [0, float("-inf"), 1]}])
    write(bad / "large.jsonl", [first, {"id": "d1", "vector": [0, 1e39, 1]}])
    write(bad / "text.jsonl", [first, {"id": "d1", "vector": "0 1 2"}])
    write(bad / "no-id.jsonl", [first, {"vector": rows[1]}])
    write(bad / "space.jsonl", [first, {"id": "d 1", "vector": rows[1]}])
    write(bad / "mixed.jsonl", [first, {"id": "d1", "vectors": [rows[1]]}])
    write(bad / "ragged.jsonl", [{"id": "d0", "vectors": [rows[0], rows[1][:2]]}])
    write(bad / "no-vector.jsonl", [first, {"id": "d1", "contents": "none"}])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    for name in ("good", "bad"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for make in (arrays, tensors, pickles, lines):
        make(out / "good", out / "bad")


if __name__ == "__main__":
    main()
