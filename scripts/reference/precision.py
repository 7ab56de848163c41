#!/usr/bin/env python3
"""What bf16 and int8 cost: how near the vectors are to f32's, and what it does to nDCG@10.

    precision.py --model models/minilm --data "$LIR_TEST_DATA" vaswani cranfield scifact
    precision.py --model models/splade --data "$LIR_TEST_DATA" --rerank bm25.100.run msmarco-dl19

Documents and queries of each collection are encoded in every precision, at the command's defaults,
and searched; with --rerank the collection's run of that name is re-ranked instead. Prints, for each
collection and precision, the 1st, 50th and 99th percentile of the documents' cosines to f32, and for
each precision over the pooled queries the mean difference of nDCG@10 from f32 with its 90 %
interval: the two one-sided tests find the two equivalent at the 5 % level where the interval lies
within the margin (bf16 0.002, int8 0.005). Needs NumPy and SciPy, and the tools on the PATH.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

import numpy as np
from scipy import stats

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lirt  # noqa: E402

MARGINS = {"bf16": 0.002, "int8": 0.005}
MEASURE = "nDCG@10"


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Collection:
    """One collection in every precision; files go to `out`."""

    def __init__(self, folder: Path, out: Path, model: str, options: List[str]) -> None:
        self.folder, self.out = folder, out
        self.model = ["--model", model, *options]
        out.mkdir(parents=True, exist_ok=True)

    def encode(self, role: str, precision: str) -> str:
        name = "docs" if role == "doc" else "queries"
        stream = str(self.out / f"{name}.{precision}.lirt")
        run("lir-encode", "-q", *self.model, "--role", role, "--precision", precision,
            str(self.folder / f"{name}.tsv"), "-o", stream)
        return stream

    def search(self, precision: str) -> str:
        index, found = str(self.out / f"{precision}.index"), str(self.out / f"{precision}.run")
        run("lir-index", "build", "-q", "-o", index, self.encode("doc", precision))
        run("lir-search", "-q", "--index", index, "-k", "100", "-o", found,
            self.encode("query", precision))
        return found

    def rerank(self, precision: str, first: str) -> str:
        found = str(self.out / f"{precision}.run")
        run("lir-rerank", "-q", *self.model, "--precision", precision,
            "--queries", str(self.folder / "queries.tsv"), "--docs", str(self.folder / "docs.tsv"),
            str(self.folder / "runs" / first), "-o", found)
        return found

    def values(self, found: str) -> Dict[str, float]:
        """The measure of every query that has one."""
        lines = run("lir-eval", "--qrels", str(self.folder / "qrels.txt"), "-m", MEASURE,
                    "--per-query", "--format", "tsv", found).splitlines()
        rows = [line.split("\t") for line in lines]
        return {row[2]: float(row[3]) for row in rows if row[1] == MEASURE and row[2] != "all"}

    def cosines(self, precision: str) -> np.ndarray:
        """Of every document to itself in f32."""
        exact, other = (rows(lirt.read(self.out / f"docs.{p}.lirt")) for p in ("f32", precision))
        return np.array([cosine(x, y) for x, y in zip(exact, other)])


def rows(stream: lirt.Stream) -> List[Dict[int, float]]:
    """Every vector as its elements that are not zero."""
    if stream.kind == "dense":
        return [dict(enumerate(row)) for row in stream.vectors.astype(np.float64)]
    o = stream.offsets
    return [dict(zip(stream.indices[a:b].tolist(), stream.values[a:b].astype(np.float64)))
            for a, b in zip(o[:-1], o[1:])]


def cosine(x: Dict[int, float], y: Dict[int, float]) -> float:
    dot = sum(value * y.get(at, 0.0) for at, value in x.items())
    norm = (sum(v * v for v in x.values()) * sum(v * v for v in y.values())) ** 0.5
    return dot / norm if norm else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--model-config", help="as the tools take it")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rerank", metavar="RUN", help="re-rank this run instead of searching")
    parser.add_argument("--out", type=Path, help="keep the files here")
    parser.add_argument("collections", nargs="+")
    arguments = parser.parse_args()
    options = ["--model-config", arguments.model_config] if arguments.model_config else []
    differences: Dict[str, List[float]] = {p: [] for p in MARGINS}
    with tempfile.TemporaryDirectory() as temporary:
        out = arguments.out or Path(temporary)
        for name in arguments.collections:
            collection = Collection(arguments.data / name, out / name, arguments.model, options)
            found: Dict[str, Dict[str, float]] = {}
            for precision in ["f32", *MARGINS]:
                path = (collection.rerank(precision, arguments.rerank) if arguments.rerank
                        else collection.search(precision))
                found[precision] = collection.values(path)
                mean = np.mean(list(found[precision].values()))
                print(f"{name}\t{precision}\t{MEASURE}\t{mean:.4f}\t{len(found[precision])} queries")
                if precision == "f32":
                    continue
                differences[precision] += [
                    value - found["f32"][query] for query, value in found[precision].items()]
                if not arguments.rerank:
                    low, middle, high = np.percentile(collection.cosines(precision), [1, 50, 99])
                    print(f"{name}\t{precision}\tcosine\t{low:.6f}\t{middle:.6f}\t{high:.6f}")
                sys.stdout.flush()
    for precision, margin in MARGINS.items():
        d = np.array(differences[precision])
        half = stats.t.ppf(0.95, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
        low, high = d.mean() - half, d.mean() + half
        verdict = "equivalent" if -margin < low and high < margin else "not shown to be equivalent"
        print(f"all\t{precision}\t{MEASURE} - f32\t{d.mean():+.5f}\t[{low:+.5f}, {high:+.5f}]\t"
              f"{len(d)} queries, within {margin}: {verdict}")


if __name__ == "__main__":
    main()
