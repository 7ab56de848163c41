#!/usr/bin/env python3
"""Make cases of short texts: expansion tokens that are hidden or not, and padding that is pooled.

    make_short.py --cases DIR --out DIR

DIR/native/NAME of make_golden.py gives the models. Every text goes through Lightning IR by itself,
so that nothing depends on the longest one of a batch. Needs Lightning IR and safetensors.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any, Dict, List

import torch
from lightning_ir import BiEncoderModule
from safetensors.torch import save_file

QUERIES = ["a", "what is it ?", "", "the [PAD] cat of [MASK] the dog"]
DOCS = [["a b", "cat , dog ."], ["it is", "", "what the of"], ["a"], ["[PAD] .", "dog"]]

#: Cases and the models that they take.
MODELS = {
    "col_short_hidden": "col_bert_00", "col_short_attended": "col_bert_01",
    "col_short_documents": "col_bert_04", "mvr_short": "mvr_bert_0", "coil_short": "coil_bert_0",
}
FIELDS = ("input_ids", "attention_mask", "token_type_ids")


def padded(rows: List[torch.Tensor]) -> torch.Tensor:
    """Rows below each other, filled up with zeros."""
    width = max(row.shape[0] for row in rows)
    out = torch.zeros((len(rows), width, *rows[0].shape[1:]), dtype=rows[0].dtype)
    for i, row in enumerate(rows):
        out[i, : row.shape[0]] = row
    return out.contiguous()


def encode(module: Any, text: str, role: str) -> Any:
    encoding = module.tokenizer.tokenize(
        **{"queries" if role == "query" else "docs": [text]}, return_tensors="pt",
        padding=True, truncation=True)[f"{role}_encoding"]
    with torch.no_grad():
        return getattr(module.model, f"encode_{role}")(encoding)


def collect(embeddings: List[Any], role: str) -> Dict[str, torch.Tensor]:
    tensors: Dict[str, torch.Tensor] = {}
    for field in FIELDS:
        tensors[f"{role}.{field}"] = padded(
            [e.encoding[field][0].to(torch.int32 if field == "input_ids" else torch.uint8)
             for e in embeddings])
    for field in ("embeddings", "cls_embeddings", "token_embeddings"):
        if getattr(embeddings[0], field, None) is not None:
            tensors[f"{role}.{field}"] = padded([getattr(e, field)[0] for e in embeddings])
    if embeddings[0].scoring_mask is not None:
        tensors[f"{role}.scoring_mask"] = padded(
            [e.scoring_mask[0].to(torch.uint8) for e in embeddings])
    return tensors


def make(name: str, source: Path, out: Path) -> None:
    module = BiEncoderModule(model_name_or_path=str(source / "model")).eval()
    queries = [encode(module, text, "query") for text in QUERIES]
    docs = [[encode(module, text, "doc") for text in texts] for texts in DOCS]
    scores: List[float] = []
    for query, documents in zip(queries, docs):
        for document in documents:
            output = module.model.score(output_of(module, query, document), [1])
            scores.append(float(output.scores.view(-1)[0]))
    out.mkdir(parents=True)
    shutil.copytree(source / "model", out / "model")
    tensors = {**collect(queries, "query"),
               **collect([d for documents in docs for d in documents], "doc"),
               "scores": torch.tensor(scores)}
    save_file(tensors, out / "expected.safetensors")
    (out / "inputs.json").write_text(json.dumps({"queries": QUERIES, "docs": DOCS}))


def output_of(module: Any, query: Any, document: Any) -> Any:
    from lightning_ir.bi_encoder import BiEncoderOutput
    from lightning_ir.models.bi_encoders.coil import CoilModel, CoilOutput

    kind = CoilOutput if isinstance(module.model, CoilModel) else BiEncoderOutput
    return kind(query_embeddings=query, doc_embeddings=document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for name, source in MODELS.items():
        make(name, arguments.cases / "native" / source, arguments.out / "native" / name)


if __name__ == "__main__":
    main()
