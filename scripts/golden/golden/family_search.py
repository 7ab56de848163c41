"""Family `search`: the best documents of exact searches, ties included."""

from __future__ import annotations

import json
import types
from typing import Any, Dict, Tuple

import numpy as np
import torch
from lightning_ir.bi_encoder import BiEncoderEmbedding, BiEncoderOutput
from lightning_ir.models import ColConfig
from lightning_ir.retrieve.pytorch.dense_searcher import TorchDenseSearchConfig, TorchDenseSearcher

from golden.generation import Case, Generation
from golden.writing import write_json, write_tensors

#: How many documents a query finds.
K = 100
#: Terms of the sparse vectors.
TERMS = 600
#: Row offsets, terms and weights.
SparseRows = Tuple[np.ndarray, np.ndarray, np.ndarray]
Arrays = Dict[str, np.ndarray]


def best(scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The best scores of each row and their places: of equal ones the first."""
    rows, columns = scores.shape
    places = np.arange(columns)[None].repeat(rows, 0)
    indices = np.lexsort((places, -scores), axis=1)[:, :K]
    return np.take_along_axis(scores, indices, 1), indices.astype(np.int32)


def smallest_gap(values: np.ndarray) -> float:
    """The smallest difference of neighbours."""
    return float(np.min(np.abs(np.diff(values, axis=1)))) if values.shape[1] > 1 else 0.0


def grid(random: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Vectors of multiples of 1/8, whose dot products are exact in single precision."""
    return (random.integers(-4, 5, (count, width)) / 8).astype(np.float32)


def put(case: Case, inputs: Arrays, expected: Arrays, kind: str, **described: Any) -> None:
    """Write a case."""
    write_tensors(inputs, case.folder / "inputs.safetensors")
    write_tensors(expected, case.folder / "expected.safetensors")
    write_json(dict(kind=kind, k=K, **described), case.folder / "inputs.json")


def make_dense_gauss(run: Generation, random: np.random.Generator) -> None:
    """Normal vectors, by dot product and cosine."""
    with run.case(
        "search/dense_gauss",
        "gaussian docs (1200 public / 2000 held-out) x 64, 20 queries; scores computed in float64"
        " then rounded to float32; min_gap in expected.json shows how close neighbours are (allow"
        " swaps of neighbours closer than 1e-4)",
    ) as case:
        count = 1200 if run.is_committed else 2000
        documents = random.normal(size=(count, 64)).astype(np.float32)
        queries = random.normal(size=(20, 64)).astype(np.float32)
        documents *= (0.5 + random.random((count, 1))).astype(np.float32)
        left, right = queries.astype(np.float64), documents.astype(np.float64)
        dot = left @ right.T
        cosine = dot / np.linalg.norm(left, axis=1)[:, None] / np.linalg.norm(right, axis=1)[None]
        expected: Arrays = {}
        gaps = {}
        for name, scores in (("dot", dot), ("cosine", cosine)):
            values, indices = best(scores)
            expected[f"{name}.scores"], expected[f"{name}.indices"] = (
                values.astype(np.float32),
                indices,
            )
            gaps[name] = smallest_gap(values)
        put(case, dict(docs=documents, queries=queries), expected, kind="dense")
        write_json(dict(min_gap=gaps), case.folder / "expected.json")


def make_dense_ties(run: Generation, random: np.random.Generator) -> None:
    """Vectors with many equal scores."""
    with run.case(
        "search/dense_grid_ties",
        "Vectors on a 1/8 grid: every dot product is exactly representable in float32, so many"
        " EXACT ties; order = score desc, doc index asc. Includes duplicate and zero docs.",
    ) as case:
        documents = grid(random, 1200, 32)
        documents[100:110] = documents[100]
        documents[500] = 0
        queries = grid(random, 20, 32)
        queries[3] = 0
        values, indices = best(queries @ documents.T)
        put(
            case,
            dict(docs=documents, queries=queries),
            {"dot.scores": values, "dot.indices": indices},
            kind="dense",
        )


def starts(lengths: np.ndarray) -> np.ndarray:
    """Where each row of ragged rows begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths)])


def maximum_similarities(
    similarities: np.ndarray, query_lengths: np.ndarray, document_lengths: np.ndarray
) -> np.ndarray:
    """MaxSim of queries and documents, from the similarities of their vectors."""
    first = starts(document_lengths)
    greatest = np.stack(
        [similarities[:, first[j] : first[j + 1]].max(1) for j in range(len(document_lengths))], 1
    )
    first = starts(query_lengths)
    return np.stack([greatest[first[k] : first[k + 1]].sum(0) for k in range(len(query_lengths))])


def padded(vectors: np.ndarray, lengths: np.ndarray) -> Tuple[torch.Tensor, torch.Tensor]:
    """Ragged vectors padded with zeros, and which of them there are."""
    rows = np.zeros((len(lengths), lengths.max(), vectors.shape[1]), np.float32)
    mask = np.zeros((len(lengths), lengths.max()), bool)
    first = starts(lengths)
    for k, length in enumerate(lengths):
        rows[k, :length] = vectors[first[k] : first[k + 1]]
        mask[k, :length] = True
    return torch.from_numpy(rows), torch.from_numpy(mask)


def lightning_ir_scores(run: Generation, arrays: Arrays, aggregation: str) -> np.ndarray:
    """What Lightning IR's searcher says of all queries and documents."""
    lengths = arrays["doc_lengths"]
    folder = run.temporary / f"ix_{aggregation}"
    folder.mkdir(exist_ok=True)
    torch.save(torch.from_numpy(arrays["doc_vectors"]), folder / "index.pt")
    torch.save(torch.from_numpy(lengths), folder / "doc_lengths.pt")
    (folder / "doc_ids.txt").write_text("\n".join(str(i) for i in range(len(lengths))))
    (folder / "config.json").write_text(json.dumps({"index_type": "TorchDenseIndexConfig"}))
    module = types.SimpleNamespace(config=ColConfig(query_aggregation_function=aggregation))
    searcher = TorchDenseSearcher(
        folder, TorchDenseSearchConfig(k=len(lengths)), module, use_gpu=False
    )
    embeddings = BiEncoderEmbedding(*padded(arrays["query_vectors"], arrays["query_lengths"]))
    found, ids = searcher.search(BiEncoderOutput(query_embeddings=embeddings))
    queries = len(arrays["query_lengths"])
    values = torch.Tensor(found).view(queries, -1).numpy()
    scores: np.ndarray = np.zeros((queries, len(lengths)), np.float32)
    for k in range(queries):
        scores[k, [int(i) for i in ids[k]]] = values[k]
    return scores


def make_maxsim(run: Generation, random: np.random.Generator) -> None:
    """Several vectors a text, with exact arithmetic, so that ties are ties."""
    with run.case(
        "search/maxsim",
        "multi-vector docs, flat vectors + doc_lengths / query_lengths. maxsim.* = sum over query"
        " vectors of max over doc vectors (true MaxSim). lir.{sum,mean,max}.* = scores of the"
        " reference's TorchDenseSearcher (all docs, then top-k by this generator): it starts"
        " scatter_reduce from ZEROS with include_self, so per (query vector, doc) the max is"
        " floored at 0; 'mean' divides by (#query vectors + 1); 'max' is also floored at 0.",
    ) as case:
        document_lengths = random.integers(1, 12, 350).astype(np.int32)
        query_lengths = random.integers(1, 9, 15).astype(np.int32)
        query_lengths[0] = 8
        arrays: Arrays = dict(
            doc_vectors=grid(random, int(document_lengths.sum()), 24), doc_lengths=document_lengths
        )
        arrays.update(
            query_vectors=grid(random, int(query_lengths.sum()), 24), query_lengths=query_lengths
        )
        scores = maximum_similarities(
            arrays["query_vectors"] @ arrays["doc_vectors"].T, query_lengths, document_lengths
        )
        expected: Arrays = {}
        expected["maxsim.scores"], expected["maxsim.indices"] = best(scores)
        for name in ("sum", "mean", "max"):
            values, indices = best(lightning_ir_scores(run, arrays, name))
            expected[f"lir.{name}.scores"], expected[f"lir.{name}.indices"] = values, indices
        put(case, arrays, expected, kind="multi-vector")


def unit_vectors(random: np.random.Generator, lengths: np.ndarray) -> np.ndarray:
    """Normal vectors of length 1 for ragged rows."""
    vectors = random.normal(size=(int(lengths.sum()), 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def make_maxsim_gauss(run: Generation, random: np.random.Generator) -> None:
    """Several vectors a text, as ColBERT has them."""
    with run.case(
        "search/maxsim_gauss",
        "as maxsim but gaussian unit vectors (ColBERT-like); float64 reference",
    ) as case:
        document_lengths = random.integers(1, 14, 250).astype(np.int32)
        query_lengths = random.integers(3, 9, 10).astype(np.int32)
        documents = unit_vectors(random, document_lengths)
        queries = unit_vectors(random, query_lengths)
        similarities = queries.astype(np.float64) @ documents.astype(np.float64).T
        values, indices = best(maximum_similarities(similarities, query_lengths, document_lengths))
        put(
            case,
            dict(
                doc_vectors=documents,
                doc_lengths=document_lengths,
                query_vectors=queries,
                query_lengths=query_lengths,
            ),
            {"maxsim.scores": values.astype(np.float32), "maxsim.indices": indices},
            kind="multi-vector",
        )
        write_json(dict(min_gap=smallest_gap(values)), case.folder / "expected.json")


def draw_sparse(random: np.random.Generator, count: int, least: int, most: int) -> SparseRows:
    """Sparse vectors whose weights are multiples of 1/16; frequent terms have small numbers."""
    chances = 1 / np.arange(1, TERMS + 1) ** 0.7
    chances /= chances.sum()
    offsets, terms, weights = [0], [], []
    for _ in range(count):
        size = int(random.integers(least, most))
        terms += np.sort(random.choice(TERMS, size, replace=False, p=chances)).tolist()
        weights += (random.integers(1, 48, size) / 16).tolist()
        offsets.append(len(terms))
    return np.array(offsets, np.int32), np.array(terms, np.int32), np.array(weights, np.float32)


def as_dense(rows: SparseRows) -> np.ndarray:
    """Sparse vectors with their zeros."""
    offsets, terms, weights = rows
    found: np.ndarray = np.zeros((len(offsets) - 1, TERMS), np.float32)
    for k in range(len(offsets) - 1):
        part = slice(offsets[k], offsets[k + 1])
        found[k, terms[part]] = weights[part]
    return found


def make_sparse(run: Generation, random: np.random.Generator) -> None:
    """Sparse vectors."""
    with run.case(
        "search/sparse",
        "CSR docs (doc_indptr, doc_indices, doc_values) and queries over 600 terms; values are"
        " multiples of 1/16 (exact ties). all.* ranks every doc (zero scores included, index asc)"
        " as the reference's TorchSparseSearcher does; n_positive = number of docs with score > 0"
        " per query (an inverted index returns only those).",
    ) as case:
        documents = draw_sparse(random, 1300, 0, 45)
        queries = draw_sparse(random, 20, 0, 9)
        scores = as_dense(queries) @ as_dense(documents).T
        values, indices = best(scores)
        arrays: Arrays = {}
        for name, rows in (("doc", documents), ("query", queries)):
            arrays[f"{name}_indptr"], arrays[f"{name}_indices"], arrays[f"{name}_values"] = rows
        positive = (scores > 0).sum(1).astype(np.int32)
        put(
            case,
            arrays,
            {"all.scores": values, "all.indices": indices, "n_positive": positive},
            kind="sparse",
            vocab=TERMS,
        )


def make(run: Generation) -> None:
    """Make the family."""
    random = run.random("search")
    make_dense_gauss(run, random)
    make_dense_ties(run, random)
    make_maxsim(run, random)
    make_maxsim_gauss(run, random)
    make_sparse(run, random)
