#!/usr/bin/env python3
"""What sentence-transformers' WeightedLayerPooling makes of the states of all layers.

    make_layers.py OUT [--seed N] [--number N]

OUT/NAME/model is a folder of sentence-transformers whose Transformer gives the states of all layers
(`output_hidden_states`), with WeightedLayerPooling, Pooling and perhaps other modules behind it, on a tiny
backbone with random weights; OUT/NAME/expected.safetensors has `doc.N`, the vector of text N of
OUT/inputs.json, and `slope`, the derivatives by `layer_weights` of the sum of all vectors times cos(0), cos(1)….
With --number that many configurations are drawn. `scripts/fixtures --pack layers OUT` packs them. Needs
torch 2.13, sentence-transformers 6.2 and transformers 5.24.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict

import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, WeightedLayerPooling
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + (
    "why do cats purr at night when the rain falls on an old roof").split()
TEXTS = ["why do cats purr at night", "rain", "the old roof falls on cats when rain falls at night", ""]
WIDTH = 16

#: Type of the backbone and fields of its configuration.
BACKBONES: Dict[str, Any] = {
    "bert": ("bert", {}),
    "distilbert": ("distilbert", {"dim": WIDTH, "hidden_dim": 24, "n_heads": 4}),
    "mpnet": ("mpnet", {}),
    "electra": ("electra", {"embedding_size": 12}),
    "roberta_xl": ("xlm-roberta-xl", {"type_vocab_size": 2, "max_position_embeddings": 64}),
    "modernbert": ("modernbert", {"local_attention": 8, "global_attn_every_n_layers": 2}),
    "deberta": ("deberta-v2", {"relative_attention": True, "pos_att_type": ["c2p", "p2c"],
                               "position_buckets": 8, "conv_kernel_size": 3, "conv_act": "gelu"}),
    "gte": ("gte", {}),
    "nomic": ("nomic_bert", {}),
    "t5": ("t5", {"d_model": WIDTH, "d_ff": 24, "d_kv": 4, "num_heads": 4}),
    "llama": ("llama", {"num_key_value_heads": 2}),
    "gemma": ("gemma3_text", {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4}),
    "lfm2": ("lfm2", {"num_key_value_heads": 2, "full_attn_idxs": [1]}),
}

#: Backbone, layers, layer_start, pooling and what stands behind it.
CASES: Dict[str, Any] = {
    "bert": ("bert", 4, 2, "mean", ""),
    "all": ("mpnet", 3, 0, "cls", "normalize"),
    "last": ("distilbert", 3, 3, "max", ""),
    "modernbert": ("modernbert", 3, 1, "mean", "dense"),
    "deberta": ("deberta", 3, 0, "mean", ""),
    "xl": ("roberta_xl", 2, 1, "weightedmean", ""),
    "t5": ("t5", 2, 0, "mean", ""),
    "gemma": ("gemma", 3, 1, "lasttoken", "normalize"),
    "arguments": ("bert", 2, 1, "mean", "tokens"),
    "nothing": ("bert", 2, 0, "mean", ""),
}


def tokenizer() -> PreTrainedTokenizerFast:
    tokens = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=40)


def rounded(model: torch.nn.Module) -> None:
    """Weights that are far from zero, in few bits, so that a case packs well."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn_like(weight)
            value = weight + 0.2 * noise if weight.ndim < 2 else noise * (
                1 if "embed" in name or "shared" in name else weight.shape[-1] ** -0.5)
            weight.copy_((value.clamp(-1.9, 1.9) * 8).round() / 8)


def make(out: Path, name: str, case: Any, seed: int) -> None:
    backbone, layers, start, pooling, behind = case
    kind, fields = BACKBONES[backbone]
    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, **{
        "vocab_size": len(WORDS), "hidden_size": WIDTH, "intermediate_size": 24,
        "num_hidden_layers": layers, "num_layers": layers, "num_attention_heads": 4,
        "max_position_embeddings": 48, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, **fields})
    base = AutoModel.from_config(config)
    rounded(base)
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        base.to(torch.bfloat16).save_pretrained(work)
        tokenizer().save_pretrained(work)
        path = Path(work) / "config.json"
        saved = json.loads(path.read_text())
        given = name != "nothing"
        if given and name != "arguments":
            saved["output_hidden_states"] = True
        path.write_text(json.dumps(saved))
        first = Transformer(work, model_kwargs={"dtype": torch.float32, "attn_implementation": "eager"},
                            config_kwargs={"output_hidden_states": True} if name == "arguments" else {})
    weights = (torch.rand(layers + 1 - start) * 16).round() / 8 + 0.125
    if len(weights) > 2:
        weights[0] *= -0.25
    modules = [first, WeightedLayerPooling(
        WIDTH, num_hidden_layers=layers, layer_start=start, layer_weights=torch.nn.Parameter(weights))]
    if behind == "tokens":
        modules.append(Dense(WIDTH, WIDTH, activation_function=torch.nn.Tanh(),
                             module_input_name="token_embeddings"))
    modules.append(Pooling(WIDTH, pooling))
    modules += {"normalize": [Normalize()], "dense": [Dense(WIDTH, 6)]}.get(behind, [])
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(folder / "model"))
    for path in (folder / "model" / "README.md", folder / "model" / "generation_config.json"):
        path.unlink(missing_ok=True)
    if name == "arguments":
        path = folder / "model" / "config.json"
        saved = json.loads(path.read_text())
        saved.pop("output_hidden_states", None)
        path.write_text(json.dumps(saved))
        path = folder / "model" / "sentence_bert_config.json"
        saved = json.loads(path.read_text())
        saved["config_args"] = {"output_hidden_states": True}
        path.write_text(json.dumps(saved))
    model = SentenceTransformer(str(folder / "model"), device="cpu")
    model.eval()
    rows = []
    for text in TEXTS:
        features = model.tokenize([text])
        rows.append(model(features)["sentence_embedding"][0])
    total = torch.cat(rows)
    (total * torch.cos(torch.arange(total.numel()).float())).sum().backward()
    tensors = {f"doc.{i}": row.detach().clone() for i, row in enumerate(rows)}
    slope = model[1].layer_weights.grad
    tensors["slope"] = torch.zeros(1) if slope is None else slope.clone()
    save_file(tensors, folder / "expected.safetensors")
    print(name, case)


def drawn(number: int, seed: int) -> Dict[str, Any]:
    """Configurations by chance."""
    cases: Dict[str, Any] = {}
    for index in range(number):
        rng = random.Random(1000 * seed + index)
        layers = rng.randint(2, 5)
        cases[f"drawn_{seed}_{index}"] = (
            rng.choice(list(BACKBONES)), layers, rng.randint(0, layers),
            rng.choice(["mean", "cls", "max", "weightedmean", "lasttoken", "mean_sqrt_len_tokens"]),
            rng.choice(["", "normalize", "dense", "tokens"]))
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=0)
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    cases = drawn(arguments.number, arguments.seed) if arguments.number else CASES
    for index, (name, case) in enumerate(cases.items()):
        make(arguments.out, name, case, 100 * arguments.seed + index)
    (arguments.out / "inputs.json").write_text(json.dumps({"texts": TEXTS}))


if __name__ == "__main__":
    main()
