#!/usr/bin/env python3
"""Make a model, PEFT adapters for it, and what transformers and PEFT give with them.

    make_adapter.py --model DIR --out DIR

DIR/model is a tiny BERT with mean pooling, DIR/NAME an adapter folder, DIR/expected.safetensors the
embeddings `NAME` of the texts in DIR/inputs.json. Needs torch, transformers and peft 0.21.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Dict

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

TEXTS = ["a b c", "what is this ?", "", "the cat and the dog ."]

#: Every way of scaling, of choosing layers, and modules that are saved whole.
CONFIGS: Dict[str, LoraConfig] = {
    "plain": LoraConfig(r=4, lora_alpha=8, target_modules=["query", "value"]),
    "rslora": LoraConfig(r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear"),
    "patterns": LoraConfig(
        r=2, lora_alpha=3, target_modules=["query", "key", "dense"],
        rank_pattern={"layer.1.attention.self.query": 5}, alpha_pattern={"key": 7}),
    "saved": LoraConfig(r=3, lora_alpha=6, target_modules=["query"],
                        modules_to_save=["word_embeddings"]),
    "dora": LoraConfig(r=3, lora_alpha=5, use_dora=True, target_modules=["query", "dense"]),
    "biases": LoraConfig(r=2, lora_alpha=3, bias="all", lora_bias=True, target_modules=["value"]),
    "own_biases": LoraConfig(r=2, lora_alpha=3, bias="lora_only", target_modules=["key", "dense"]),
    "table": LoraConfig(r=2, lora_alpha=3, target_modules=["word_embeddings", "key"]),
}


def embed(model: torch.nn.Module, tokenizer: object) -> torch.Tensor:
    rows = []
    for text in TEXTS:
        encoding = tokenizer(text, return_tensors="pt")  # type: ignore[operator]
        with torch.no_grad():
            rows.append(model(**encoding).last_hidden_state.mean(1))
    return torch.cat(rows).contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a tiny BERT")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    out: Path = arguments.out
    shutil.copytree(arguments.model, out / "model")
    tokenizer = AutoTokenizer.from_pretrained(out / "model")
    expected = {"none": embed(AutoModel.from_pretrained(out / "model").eval(), tokenizer)}
    for name, config in CONFIGS.items():
        torch.manual_seed(7)
        model = get_peft_model(AutoModel.from_pretrained(out / "model"), config).eval()
        for key, value in model.named_parameters():
            if name == "dora" and "magnitude" in key:
                value.data *= 1 + 0.3 * torch.rand_like(value)
            elif "lora_" in key or "modules_to_save" in key or (
                    "bias" in name and "bias" in key and value.requires_grad):
                torch.nn.init.normal_(value, std=0.2)
        model.save_pretrained(out / name)
        base = AutoModel.from_pretrained(out / "model")
        expected[name] = embed(PeftModel.from_pretrained(base, out / name).eval(), tokenizer)
        (out / name / "README.md").unlink(missing_ok=True)
        settings = json.loads((out / name / "adapter_config.json").read_text())
        settings["base_model_name_or_path"] = "model"
        (out / name / "adapter_config.json").write_text(json.dumps(settings, indent=2))
    save_file(expected, out / "expected.safetensors")
    (out / "inputs.json").write_text(json.dumps({"texts": TEXTS}))


if __name__ == "__main__":
    main()
