"""Compare what lir-encode makes of a case of Tests/Fixtures/models with the reference's values.

    python3 compare_embeddings.py CASE

The tolerance is that of Tests/Fixtures/models/README.md. Exit status: 0 or 1.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

import numpy as np

sys.path.insert(0, str(Path(os.environ["ROOT"]) / "scripts"))
import lirt  # noqa: E402

TYPES = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "U8": "u1", "I16": "<i2"}


def tensors(path: Path) -> Dict[str, np.ndarray]:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    found = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            raw = data[8 + length + start:8 + length + end]
            found[name] = np.frombuffer(raw, TYPES[entry["dtype"]]).reshape(entry["shape"])
    return found


def encode(model: Path, role: str, texts: List[str], *options: str) -> np.ndarray:
    """Dense vectors [texts, dim], of sparse models too."""
    lines = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
    with tempfile.NamedTemporaryFile(suffix=".lirt") as file:
        command = ["lir-encode", "--model", str(model), "--role", role, "--record-format", "jsonl",
                   *options]
        done = subprocess.run(command, input=lines.encode(), stdout=file, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode:
            sys.exit(done.stderr.decode())
        stream = lirt.read(file.name)
    return stream.vectors if stream.kind == "dense" else stream.dense()


def main(case: Path) -> int:
    inputs = json.loads((case / "inputs.json").read_text("utf-8"))
    expected = tensors(case / "expected.safetensors")
    options: List[str] = []
    if "queries" in inputs:
        docs = [d for group in inputs["docs"] for d in group]
        wanted = {"query": (inputs["queries"], expected["query.embeddings"]),
                  "doc": (docs, expected["doc.embeddings"])}
    else:
        wanted = {"doc": (inputs["texts"], expected["embeddings"])}
        options = ["--prompt", ""]
    status = 0
    for role, (texts, reference) in wanted.items():
        found = encode(case / "model", role, texts, *options)
        reference = reference.reshape(found.shape)
        worst = np.max(np.abs(found - reference) - 1e-5 * np.abs(reference))
        print(f"{case.name} {role}: worst {worst:.2e}")
        status |= int(not worst <= 1e-4)
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
