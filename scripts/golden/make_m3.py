#!/usr/bin/env python3
"""What the two heads beside a BGE-M3's dense one make of some texts.

    make_m3.py MODEL OUT

MODEL is a folder of a small encoder with a Pooling of first tokens, such as
Tests/Fixtures/models/external/st_bert_cls_norm/model. OUT gets `sparse_linear.pt` and
`colbert_linear.pt` with random weights, which a copy of MODEL needs beside its own, and
`expected.json`: texts, and for each the weights by token id (the largest of relu(w·h + b), special
tokens left out) and the vectors of all tokens but the first, with length 1. As FlagEmbedding 1.4.2
has it (`finetune/embedder/encoder_only/m3/modeling.py`); its own functions gave the same numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List

import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = ["why do cats purr", "cats purr, cats: 42!", "tin",
         "rain on an old tin roof", "zzqx why zzqx", ""]


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    model = AutoModel.from_pretrained(source).eval()
    tokenizer = AutoTokenizer.from_pretrained(source)
    width = model.config.hidden_size
    weight, vectors = torch.nn.Linear(width, 1), torch.nn.Linear(width, width - 4)
    torch.nn.init.normal_(weight.weight, 0, 0.4)
    torch.nn.init.constant_(weight.bias, 0.1)
    torch.save(weight.state_dict(), out / "sparse_linear.pt")
    torch.save(vectors.state_dict(), out / "colbert_linear.pt")
    special = {tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id,
               tokenizer.unk_token_id}
    records: List[Dict[str, Any]] = []
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states = model(**tokens).last_hidden_state[0]
            scores = torch.relu(weight(states)).squeeze(-1).tolist()
            rows = torch.nn.functional.normalize(vectors(states[1:]), dim=-1)
        terms: Dict[str, float] = {}
        for token, score in zip(tokens["input_ids"][0].tolist(), scores):
            name = tokenizer.convert_ids_to_tokens(token)
            if token not in special and score > terms.get(name, 0):
                terms[name] = score
        records.append({"text": text, "terms": terms,
                        "vectors": [[round(x, 8) for x in row] for row in rows.tolist()]})
    (out / "expected.json").write_text(json.dumps(records) + "\n")


if __name__ == "__main__":
    main()
