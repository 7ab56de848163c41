#!/usr/bin/env python3
"""A case of gte's encoders whose angles are scaled by `ntk`, which transformers 5.24 does not know.

    make_gte.py OUT [--seed N]

Writes OUT/transformers5/states_gte_ntk as make_jina.py does. What is computed, and the names of the
weights, follow a public copy of `modeling.py` of Alibaba-NLP/new-impl, of which no commit is known. Needs
torch and safetensors.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, List

import torch
from torch.nn.functional import gelu

from make_jina import VOCABULARY, Weights, attend, completed, dense, drawn, norm, turned, write


def frequencies(config: Dict[str, Any]) -> torch.Tensor:
    """A base that is larger by the factor, and all frequencies smaller by its power of 2 over the width."""
    width = config["hidden_size"] // config["num_attention_heads"]
    factor = config["rope_scaling"]["factor"]
    powers = torch.arange(0, width, 2).float() / width
    return 1.0 / (config["rope_theta"] * factor) ** powers / factor ** (2 / width)


def gte(weights: Weights, row: List[int], config: Dict[str, Any]) -> torch.Tensor:
    heads, epsilon, inverse = (
        config["num_attention_heads"], config["layer_norm_eps"], frequencies(config))
    x = weights["embeddings.word_embeddings.weight"][torch.tensor(row)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights,
             "embeddings.LayerNorm", epsilon)
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layer.{i}."
        query, key, value = dense(x, weights, own + "attention.qkv_proj").chunk(3, dim=1)
        qkv = torch.cat([turned(query, heads, inverse), turned(key, heads, inverse), value], dim=1)
        y = dense(attend(qkv, heads, torch.zeros(1)), weights, own + "attention.o_proj")
        x = norm(x + y, weights, own + "attn_ln", epsilon)
        gated, gates = dense(x, weights, own + "mlp.up_gate_proj").chunk(2, dim=1)
        y = dense(gelu(gates) * gated, weights, own + "mlp.down_proj")
        x = norm(x + y, weights, own + "mlp_ln", epsilon)
    return x


def shapes(config: Dict[str, Any]) -> Dict[str, List[int]]:
    width, inner = config["hidden_size"], config["intermediate_size"]
    found = {"embeddings.word_embeddings.weight": [VOCABULARY, width],
             "embeddings.token_type_embeddings.weight": [1, width]}
    norms, layers = ["embeddings.LayerNorm"], {}
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layer.{i}."
        layers |= {own + "attention.qkv_proj": [3 * width, width],
                   own + "attention.o_proj": [width, width], own + "mlp.down_proj": [width, inner]}
        found[own + "mlp.up_gate_proj.weight"] = [2 * inner, width]
        norms += [own + "attn_ln", own + "mlp_ln"]
    return completed(found, layers, norms, width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(100 * arguments.seed + 60)
    config: Dict[str, Any] = {
        "backbone_model_type": "new", "vocab_size": VOCABULARY, "num_hidden_layers": 2,
        "max_position_embeddings": 64, "layer_norm_eps": 1e-12, "pad_token_id": 0,
        "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "type_vocab_size": 1,
        "hidden_act": "gelu", "layer_norm_type": "layer_norm", "position_embedding_type": "rope",
        "rope_theta": 300.0, "rope_scaling": {"type": "ntk", "factor": 3.0}, "pack_qkv": True,
        "logn_attention_scale": False, "unpad_inputs": False, "use_memory_efficient_attention": False}
    write(arguments.out, "gte_ntk", config, gte, drawn(shapes(config)), padding=0)


if __name__ == "__main__":
    main()
