#!/usr/bin/env python3
"""Make indexes as fast-plaid writes them, for the tests of VectorInputs.

    make_fast_plaid.py --out DIR

DIR/joined: 2 bits, codes of three chunks in one file; DIR/chunks: 4 bits, codes by chunk, as versions
before 1.7 left them; both with ids of documents as Lightning IR writes them, and searched.json: queries,
and for each all documents with fast-plaid's scores where every centroid is probed and every document
scored. Needs numpy and fast-plaid 1.7.0.2110 (with torch). k-means differs in last bits between
processors; what is found fits what is in the files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

os.environ["FAST_PLAID_KEEP_SHARDS"] = "1"

import torch
from fast_plaid import search

WIDTH = 16
CASES = {"joined": 2, "chunks": 4}


def unit(rows: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, WIDTH), dim=1)


def make(folder: Path, bits: int) -> None:
    torch.manual_seed(bits)
    docs = [unit(1 + i * 7 % 9) for i in range(70)]
    queries = torch.stack([unit(4) for _ in range(5)])
    index = search.FastPlaid(index=str(folder), device="cpu")
    index.create(docs, nbits=bits, kmeans_niters=4, seed=42, batch_size=30,
                 start_from_scratch=0, n_samples_kmeans=70)
    found = index.search(queries, top_k=len(docs), n_ivf_probe=256, n_full_scores=10_000,
                         show_progress=False)
    searched = {"queries": queries.tolist(),
                "found": [[[int(d), float(s)] for d, s in row] for row in found]}
    (folder / "searched.json").write_text(json.dumps(searched))
    (folder / "doc_ids.txt").write_text("".join(f"doc{i}\n" for i in range(len(docs))))
    kept = [folder / f"{i}.{n}.npy" for i in range(3) for n in ("codes", "residuals")]
    joined = [folder / f"merged_{n}" for n in ("codes.npy", "codes.manifest.json",
                                               "residuals.npy", "residuals.manifest.json")]
    for path in kept if folder.name == "joined" else joined:
        path.unlink()
    unused = ["embeddings.npy", "plaid.lock", "ivf.npy", "ivf_lengths.npy", "plan.json",
              "cluster_threshold.npy", "avg_residual.npy", "bucket_cutoffs.npy"]
    for name in unused + [f"{i}.metadata.json" for i in range(3)]:
        (folder / name).unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for name, bits in CASES.items():
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
        make(out / name, bits)


if __name__ == "__main__":
    main()
