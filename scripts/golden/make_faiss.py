#!/usr/bin/env python3
"""Make indexes as faiss and Lightning IR write them, for the tests of VectorInputs.

    make_faiss.py --out DIR

DIR/good/NAME.faiss: 40 vectors of 8 numbers in an index of each kind that is read, and NAME.npy with the
vectors that faiss takes out of it again; DIR/bad/: kinds that must be refused. DIR/lightning: a folder
as Lightning IR's exact dense index is, with the vectors of documents that have several; DIR/index-NAME:
as its faiss indexes are. Needs numpy, faiss-cpu 1.15.1 and torch. Deterministic on one machine: what
faiss trains differs in last bits between processors, what it takes out fits what is in the file.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import faiss
import numpy as np
import torch

ROWS = np.random.default_rng(1).standard_normal((40, 8), dtype=np.float32) + np.float32(0.25)
METRICS = {"ip": faiss.METRIC_INNER_PRODUCT, "l2": faiss.METRIC_L2}
#: Factories that are read; with `+`, those whose vectors have numbers of their own.
GOOD = ("Flat", "L2norm,Flat", "+IDMap,Flat", "+IDMap2,Flat", "SQfp16", "SQbf16", "SQ8", "SQ4",
        "SQ8_direct", "HNSW8", "HNSW8,SQ8", "IVF4,Flat", "IVF4,SQfp16", "IVF4,SQ8", "IVF900,Flat",
        "PQ4x4", "PQ4x6", "OPQ4,PQ4x4", "OPQ4,IVF4,PQ4x4", "OPQ4,IVF4_HNSW8,PQ4x4", "RR8,Flat",
        "Flat,RFlat", "L2norm,RR8,Flat")
#: With distances alone: an offset does not change them.
DISTANCES = ("PCA8,Flat", "PCAR8,Flat")
BAD = ("PCA4,Flat", "PCAW8,Flat", "PQ4x4fs", "IVF4,PQ4x4fs", "LSH", "SQ6")


def make(factory: str, metric: int) -> faiss.Index:
    index = faiss.index_factory(8, factory.lstrip("+"), metric)
    noise = np.random.default_rng(2).standard_normal((1200, 8), dtype=np.float32)
    index.train(np.repeat(ROWS, 30, 0) + noise / 10)
    rows = np.round(np.clip(ROWS * 50 + 100, 0, 255)) if factory == "SQ8_direct" else ROWS
    if factory.startswith("+"):
        index.add_with_ids(rows, np.arange(40, dtype=np.int64)[::-1] * 3 - 5)
    else:
        index.add(rows)
    return index


def vectors(index: faiss.Index) -> np.ndarray:
    """The vectors as they are in an index; those that were normalized stay so."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        rows = vectors(index.index)
        for place in reversed(range(index.chain.size())):
            transform = faiss.downcast_VectorTransform(index.chain.at(place))
            if not isinstance(transform, faiss.NormalizationTransform):
                rows = transform.reverse_transform(rows)
        return rows
    if isinstance(index, faiss.IndexRefine):
        return vectors(index.refine_index)
    if isinstance(index, (faiss.IndexIDMap, faiss.IndexIDMap2)):
        return vectors(index.index)
    if isinstance(index, faiss.IndexIVF):
        index.make_direct_map()
    return index.reconstruct_n(0, index.ntotal)


def lightning(out: Path) -> None:
    """What Lightning IR's Indexer.save and its types write."""
    lengths = [1, 3, 2, 1, 5, 1, 2]
    folder = out / "lightning"
    folder.mkdir()
    (folder / "config.json").write_text('{"index_dir": "x", "index_type": "TorchDenseIndexConfig"}')
    (folder / "doc_ids.txt").write_text("\n".join(f"doc{i}" for i in range(len(lengths))))
    torch.save(torch.tensor(lengths, dtype=torch.int32), folder / "doc_lengths.pt")
    torch.save(torch.tensor(ROWS[: sum(lengths)]), folder / "index.pt")
    for name in ("Flat.ip", "IVF4_Flat.ip"):
        folder = out / f"index-{name}"
        folder.mkdir()
        shutil.copy(out / "good" / f"{name}.faiss", folder / "index.faiss")
        (folder / "doc_ids.txt").write_text("\n".join(f"doc{i}" for i in range(40)))
        torch.save(torch.ones(40, dtype=torch.int32), folder / "doc_lengths.pt")
        (folder / "config.json").write_text('{"index_type": "FaissFlatIndexConfig"}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    out = parser.parse_args().out
    for name in ("good", "bad"):
        (out / name).mkdir(parents=True)
    for factories, folder in ((GOOD, "good"), (DISTANCES, "good"), (BAD, "bad")):
        for factory in factories:
            for metric in ("ip", "l2") if factories is GOOD else ("l2",):
                index = make(factory, METRICS[metric])
                name = f"{factory.lstrip('+').replace(',', '_')}.{metric}"
                faiss.write_index(index, str(out / folder / f"{name}.faiss"))
                if folder == "good":
                    np.save(out / folder / f"{name}.npy", vectors(index).astype(np.float32))
    numbered = faiss.index_factory(8, "IVF4,Flat")
    numbered.train(ROWS)
    numbered.add_with_ids(ROWS, np.arange(40) + 7)
    faiss.write_index(numbered, str(out / "bad" / "numbered.faiss"))
    faiss.write_index(faiss.index_factory(8, "IVF4,Flat"), str(out / "bad" / "untrained.faiss"))
    lightning(out)


if __name__ == "__main__":
    main()
