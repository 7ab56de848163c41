#!/usr/bin/env python3
"""Cases of nomic_bert with experts, which transformers 5.24 lacks, by a reading of the modelling files.

    make_nomic.py OUT [--seed N]

Writes folders OUT/transformers5/states_NAME as make_jina.py does. What is computed follows
`layers/block.py` and `models/huggingface/modeling_hf_nomic_bert.py` of contrastors at 613ddfd, which has
experts by megablocks, and `nomic.rs` of text-embeddings-inference, which reads nomic-embed-text-v2-moe.
Needs torch and safetensors.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, List

import torch
from torch.nn.functional import gelu, silu

from make_jina import VOCABULARY, Weights, attend, dense, drawn, frequencies, norm, turned, write


def gated(config: Dict[str, Any]) -> bool:
    return config["activation_function"] in ["swiglu", "geglu"]


def has_experts(config: Dict[str, Any], layer: int) -> bool:
    every = config.get("moe_every_n_layers", 0)
    return config.get("num_experts", 0) > 0 and every > 0 and layer % every == 1


def experts(x: torch.Tensor, weights: Weights, name: str, config: Dict[str, Any]) -> torch.Tensor:
    """Every expert on every token; what a token did not choose is left out of the sum."""
    count = config["num_experts"]
    activate = silu if config["activation_function"] == "swiglu" else gelu
    shares = dense(x, weights, name + "router.layer").softmax(-1)
    kept = torch.zeros_like(shares).scatter(1, shares.topk(config["moe_top_k"], dim=1).indices, 1.0)
    first, second = (weights[f"{name}experts.mlp.{part}"].chunk(count) for part in ["w1", "w2"])
    gates = weights.get(name + "experts.mlp.v1")
    total = weights[name + "experts.bias"].expand_as(x)
    for i in range(count):
        inner = activate(x @ first[i].T)
        if gates is not None:
            inner = inner * (x @ gates.chunk(count)[i].T)
        total = total + (shares * kept)[:, i:i + 1] * (inner @ second[i])
    return total


def nomic(weights: Weights, row: List[int], config: Dict[str, Any]) -> torch.Tensor:
    heads, epsilon = config["n_head"], config["layer_norm_epsilon"]
    inverse = frequencies(config["rotary_emb_base"], config["n_embd"] // heads // 2)
    x = weights["embeddings.word_embeddings.weight"][torch.tensor(row)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "emb_ln", epsilon)
    for i in range(config["n_layer"]):
        own = f"encoder.layers.{i}."
        query, key, value = dense(x, weights, own + "attn.Wqkv").chunk(3, dim=1)
        qkv = torch.cat([turned(query, heads, inverse), turned(key, heads, inverse), value], dim=1)
        y = dense(attend(qkv, heads, torch.zeros(1)), weights, own + "attn.out_proj")
        x = norm(x + y, weights, own + "norm1", epsilon)
        if has_experts(config, i):
            y = experts(x, weights, own + "mlp.", config)
        elif gated(config):
            activate = silu if config["activation_function"] == "swiglu" else gelu
            y = dense(dense(x, weights, own + "mlp.fc11")
                      * activate(dense(x, weights, own + "mlp.fc12")), weights, own + "mlp.fc2")
        else:
            y = dense(gelu(dense(x, weights, own + "mlp.fc1")), weights, own + "mlp.fc2")
        x = norm(x + y, weights, own + "norm2", epsilon)
    return x


def shapes(config: Dict[str, Any]) -> Dict[str, List[int]]:
    width, inner = config["n_embd"], config["n_inner"]
    found = {"embeddings.word_embeddings.weight": [VOCABULARY, width],
             "embeddings.token_type_embeddings.weight": [config["type_vocab_size"], width]}

    def layer(name: str, rows: int, columns: int, bias: bool) -> None:
        found[name + ".weight"] = [rows, columns]
        if bias:
            found[name + ".bias"] = [rows]
    norms = ["emb_ln"]
    for i in range(config["n_layer"]):
        own = f"encoder.layers.{i}."
        layer(own + "attn.Wqkv", 3 * width, width, config["qkv_proj_bias"])
        layer(own + "attn.out_proj", width, width, config["qkv_proj_bias"])
        norms += [own + "norm1", own + "norm2"]
        if has_experts(config, i):
            part = config["num_experts"] * (inner // config["ffn_div"])
            layer(own + "mlp.router.layer", config["num_experts"], width, False)
            for name in ["w1", "w2"] + ["v1"] * (config["activation_function"] == "swiglu"):
                found[f"{own}mlp.experts.mlp.{name}"] = [part, width]
            found[own + "mlp.experts.bias"] = [width]
            continue
        for name in ["fc11", "fc12"] if gated(config) else ["fc1"]:
            layer(own + "mlp." + name, inner, width, config["mlp_fc1_bias"])
        layer(own + "mlp.fc2", width, inner, config["mlp_fc2_bias"])
    for name in norms:
        found |= {name + ".weight": [width], name + ".bias": [width]}
    return found


def make(out: Path, name: str, config: Dict[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    write(out, name, config, nomic, drawn(shapes(config)))


#: The fields of nomic-embed-text-v2-moe, at a small size.
SECOND: Dict[str, Any] = {
    "backbone_model_type": "nomic_bert", "activation_function": "gelu", "add_pooling_layer": False,
    "attn_pdrop": 0.0, "causal": False, "dense_seq_output": True, "embd_pdrop": 0.1,
    "expert_choice_router": False, "ffn_div": 1, "fused_bias_fc": True,
    "fused_dropout_add_ln": True, "layer_norm_epsilon": 1e-5, "max_trained_positions": 2048,
    "mlp_fc1_bias": True, "mlp_fc2_bias": True, "moe_every_n_layers": 2, "moe_impl": "megablocks",
    "moe_normalize_expert_weights": False, "moe_resid_pdrop": 0.0, "moe_top_k": 2, "n_embd": 16,
    "n_head": 2, "n_inner": 24, "n_layer": 4, "n_positions": 64, "num_experts": 4,
    "num_shared_experts": 0, "pad_token_id": 1, "pad_vocab_size_multiple": 8,
    "parallel_block": False, "parallel_block_tied_norm": False, "prenorm": False,
    "qkv_proj_bias": True, "reorder_and_upcast_attn": False, "resid_pdrop": 0.0,
    "rotary_emb_base": 10000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
    "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "router_aux_loss_coef": 0.1,
    "scale_attn_by_inverse_layer_idx": False, "scale_attn_weights": True, "type_vocab_size": 1,
    "use_cache": True, "use_flash_attn": True, "use_rms_norm": None, "use_xentropy": True,
    "vocab_size": VOCABULARY,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seed = 100 * arguments.seed + 50
    make(arguments.out, "nomic_moe", SECOND, seed)
    make(arguments.out, "nomic_moe_gates", {
        **SECOND, "activation_function": "swiglu", "n_layer": 3, "moe_every_n_layers": 3,
        "moe_top_k": 1, "num_experts": 3, "ffn_div": 2, "mlp_fc1_bias": False,
        "mlp_fc2_bias": False, "qkv_proj_bias": False}, seed + 1)
    make(arguments.out, "nomic_gates_biases", {
        **SECOND, "activation_function": "geglu", "n_layer": 1, "num_experts": 0}, seed + 2)


if __name__ == "__main__":
    main()
