#!/usr/bin/env python3
"""Writes the vectors of token pooling as PyLate pools them: Tests/Fixtures/search/pooling.safetensors.

    pip install pylate==1.6.0
    make_pooling.py Tests/Fixtures/search/pooling.safetensors
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from pylate.models import ColBERT
from safetensors.numpy import save_file

WIDTH = 12
LENGTHS = [1, 2, 4, 5, 6, 7, 9, 17, 33, 64, 90]
FACTORS = [2, 3, 5]


def vectors(random: np.random.Generator, count: int) -> np.ndarray:
    """Vectors of unit length around some centres, as the tokens of a text have them."""
    centres = random.normal(size=(max(count // 4, 1), WIDTH))
    rows = centres[random.integers(len(centres), size=count)]
    rows = rows + 0.4 * random.normal(size=(count, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    options = parser.parse_args()
    random = np.random.default_rng(17)
    documents = [vectors(random, length) for length in LENGTHS]
    tensors = {
        "values": np.concatenate(documents),
        "lengths": np.array(LENGTHS, dtype=np.int32),
    }
    for factor in FACTORS:
        pooled = ColBERT.pool_embeddings_hierarchical(
            None, [torch.from_numpy(rows) for rows in documents], factor, 1)
        tensors[f"pooled{factor}.values"] = np.concatenate([rows.numpy() for rows in pooled])
        tensors[f"pooled{factor}.lengths"] = np.array(
            [len(rows) for rows in pooled], dtype=np.int32)
    save_file(tensors, options.output)


if __name__ == "__main__":
    main()
