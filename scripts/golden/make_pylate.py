#!/usr/bin/env python3
"""Make a ColBERT folder as PyLate writes it, and what PyLate makes of some texts with it.

    make_pylate.py --model DIR --out DIR

--model is the folder of a tiny BERT without heads. DIR/model is the folder, DIR/expected.safetensors
the vectors that count: `query.N` and `doc.N` of text N of DIR/inputs.json. Needs
pylate==1.6.0 and sentence-transformers==5.1.1.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from pylate import models
from safetensors.torch import save_file

TEXTS = ["a b c", "what is it ?", "",
         "the cat , and the dog . or not ! a text of so many words that it is cut"]
#: What a model without heads consists of.
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
         "special_tokens_map.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            shutil.copyfile(arguments.model / name, Path(folder) / name)
        torch.manual_seed(4)
        model = models.ColBERT(model_name_or_path=folder, embedding_size=24, query_length=12,
                               document_length=20, device="cpu").eval()
    model.save_pretrained(str(arguments.out / "model"))
    (arguments.out / "model" / "README.md").unlink(missing_ok=True)
    expected = {}
    for role in ("query", "doc"):
        # One text at a time, so that nothing depends on the longest one.
        vectors = model.encode(TEXTS, is_query=role == "query", batch_size=1)
        for number, rows in enumerate(vectors):
            expected[f"{role}.{number}"] = torch.as_tensor(rows).float().contiguous()
    save_file(expected, arguments.out / "expected.safetensors")
    (arguments.out / "inputs.json").write_text(json.dumps({"texts": TEXTS}))


if __name__ == "__main__":
    main()
