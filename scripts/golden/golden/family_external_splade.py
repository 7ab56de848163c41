"""Family `external`, SPLADE: checkpoints of masked language models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning_ir.models import SpladeConfig
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer

from golden.backbones import vocabulary_size
from golden.generation import Generation
from golden.lightning_ir_cases import ForeignCase, Pairing, make_foreign
from golden.sentence_transformers_cases import static_weights
from golden.writing import Tensors

#: Where sentence-transformers keeps the weights of query tokens.
STATIC = Path("query_0_SparseStaticEmbedding") / "model.safetensors"


def splade_vectors(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The greatest log(1 + relu(logit)) of each token of the vocabulary over attended tokens."""
    return (torch.log1p(torch.relu(logits)) * mask.unsqueeze(-1)).amax(1)


def reference(pairing: Pairing) -> Tensors:
    """The vectors of documents by transformers' model."""
    model = AutoModelForMaskedLM.from_pretrained(pairing.folder).eval()
    columns = ("input_ids", "attention_mask", "token_type_ids")
    inputs = {
        key: pairing.found[f"doc.{key}"].long() for key in columns if f"doc.{key}" in pairing.found
    }
    vectors = splade_vectors(model(**inputs).logits, inputs["attention_mask"])
    return {"doc_vectors_hf_mlm": vectors}


def load_static(model: Any) -> Any:
    """Load the weights of query tokens, as Lightning IR does for the published models."""
    weights = load_file(str(Path(model.config.name_or_path) / STATIC))
    weights["weight"] = weights.pop("weight").unsqueeze(-1)
    model.query_weights.load_state_dict(weights)
    return model


def make_opensearch(run: Generation, **lengths: int) -> None:
    """OpenSearch's models, which encode documents only."""

    def prepare(folder: Path, path: str) -> None:
        weights = static_weights(run, path, vocabulary_size(folder))
        (folder / STATIC).parent.mkdir()
        save_file({"weight": weights}, str(folder / STATIC), metadata={"format": "pt"})
        config = (folder / STATIC).parent / "config.json"
        config.write_text(json.dumps({"frozen": False}, indent=4))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        by_token = {
            tokenizer.convert_ids_to_tokens(i): float(weight) for i, weight in enumerate(weights)
        }
        (folder / "idf.json").write_text(json.dumps(by_token))

    variants = (
        ("splade_opensearch_doc_v2", "relu_log", 0),
        ("splade_opensearch_doc_v3", "relu_2xlog", 1),
    )
    for name, sparsification, place in variants:
        config = SpladeConfig(
            query_expansion=False,
            query_weighting="static",
            sparsification_strategy=sparsification,
            **lengths,
        )
        make_foreign(
            run,
            ForeignCase(
                name,
                "distilbert",
                place,
                config,
                "opensearch doc-only: static query weights in"
                " query_0_SparseStaticEmbedding/model.safetensors (also idf.json); Lightning IR's"
                " own mapping logic, local path instead of hub download",
                "mlm",
                prepare=prepare,
                post=load_static,
            ),
        )


def make(run: Generation) -> None:
    """Make the cases of SPLADE."""
    lengths = dict(query_length=16, doc_length=run.pick(0, 32, 40))
    usual = SpladeConfig(**lengths)
    for wanted in (
        ForeignCase(
            "splade_naver_bert",
            "bert",
            0,
            usual,
            "naver/splade-style: BertForMaskedLM checkpoint. ref.doc_vectors_hf_mlm = max over"
            " attended tokens of log(1+relu(logits)) with the HF model.",
            "mlm",
            reference=reference,
        ),
        ForeignCase(
            "splade_naver_distilbert",
            "distilbert",
            1,
            usual,
            "naver/splade-v3-distilbert style: DistilBertForMaskedLM checkpoint",
            "mlm",
            reference=reference,
        ),
        ForeignCase(
            "splade_roberta",
            "roberta",
            0,
            usual,
            "RobertaForMaskedLM checkpoint. Lightning IR's LM head uses LayerNorm eps=1e-12 for"
            " every backbone, HF uses config.layer_norm_eps (1e-5): tiny differences to ref.*",
            "mlm",
            reference=reference,
        ),
        ForeignCase(
            "splade_modernbert",
            "modernbert",
            0,
            usual,
            "ModernBertForMaskedLM checkpoint (head.dense/head.norm/decoder). Lightning IR's LM"
            " head uses LayerNorm eps=1e-12, HF norm_eps=1e-5.",
            "mlm",
            reference=reference,
        ),
        ForeignCase(
            "splade_v3_doc",
            "bert",
            1,
            SpladeConfig(query_expansion=False, query_weighting=None, **lengths),
            "naver/splade-v3-doc: query is a binary bag of words without special tokens",
            "mlm",
        ),
        ForeignCase(
            "splade_v3_lexical",
            "bert",
            2,
            SpladeConfig(query_expansion=False, **lengths),
            "naver/splade-v3-lexical: query_expansion=False, contextualized weights masked to the"
            " query's own tokens (incl. [CLS]/[SEP])",
            "mlm",
        ),
    ):
        make_foreign(run, wanted)
    make_opensearch(run, **lengths)
