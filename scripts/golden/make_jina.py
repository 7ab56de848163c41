#!/usr/bin/env python3
"""Cases of backbones that transformers 5.24 lacks, by readings of the published modelling files.

    make_jina.py OUT [--seed N]

Writes folders OUT/transformers5/states_NAME as make_transformers5.py does, with the states of tiny random
models and their derivatives by every weight: jina-bert v2 (jina-embeddings-v2, jina-reranker-v1) with both
of its gates, and jina-embeddings-v3 with the updates of a task. What is computed follows jina's
`modeling_bert.py` of jina-bert-implementation, `modeling_lora.py` and `modeling_xlm_roberta.py` of
xlm-roberta-flash-implementation (d3188e6 of a public copy), and `jina.rs` and `alibi.rs` of
text-embeddings-inference at 0d124dc. Needs torch and safetensors.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch
from safetensors.torch import save_file
from torch.nn.functional import gelu, layer_norm, linear, relu

Weights = Dict[str, torch.Tensor]
Run = Callable[[Weights, List[int], Dict[str, Any]], torch.Tensor]
VOCABULARY, LENGTHS = 40, [1, 5, 24]


def slopes(heads: int) -> List[float]:
    """Geometric rows of slopes (Press et al., arXiv:2108.12409)."""
    power = 2 ** int(math.log2(heads))

    def row(count: int) -> List[float]:
        return [2 ** (-8 * (i + 1) / count) for i in range(count)]
    return row(power) + row(2 * power)[0::2][:heads - power]


def attend(qkv: torch.Tensor, heads: int, bias: torch.Tensor) -> torch.Tensor:
    """Attention of one text: [T,3D] to [T,D]."""
    tokens, width = qkv.shape[0], qkv.shape[1] // 3
    query, key, value = (part.view(tokens, heads, -1).transpose(0, 1)
                         for part in qkv.split(width, dim=1))
    scores = query @ key.transpose(1, 2) / math.sqrt(width // heads) + bias
    return (scores.softmax(-1) @ value).transpose(0, 1).reshape(tokens, width)


def frequencies(base: float, half: int) -> torch.Tensor:
    return base ** (-torch.arange(half).float() / half)


def turned(x: torch.Tensor, heads: int, inverse: torch.Tensor) -> torch.Tensor:
    """Rotary positions of queries or keys, halves of heads beside each other: [T,D] to the same."""
    tokens, width = x.shape
    half = width // heads // 2
    angles = torch.outer(torch.arange(tokens).float(), inverse)
    cos, sin = (part.repeat(1, 2)[:, None] for part in (angles.cos(), angles.sin()))
    x = x.view(tokens, heads, 2 * half)
    other = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return (x * cos + other * sin).reshape(tokens, width)


def norm(x: torch.Tensor, weights: Weights, name: str, epsilon: float) -> torch.Tensor:
    return layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], epsilon)


def dense(x: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    return linear(x, weights[name + ".weight"], weights.get(name + ".bias"))


def jina_2(weights: Weights, row: List[int], config: Dict[str, Any]) -> torch.Tensor:
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    distance = (torch.arange(len(row))[:, None] - torch.arange(len(row))[None]).abs().float()
    bias = -torch.tensor(slopes(heads))[:, None, None] * distance
    x = weights["embeddings.word_embeddings.weight"][torch.tensor(row)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights,
             "embeddings.LayerNorm", epsilon)
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layer.{i}."
        qkv = torch.cat([dense(x, weights, f"{own}attention.self.{part}")
                         for part in ["query", "key", "value"]], dim=1)
        y = dense(attend(qkv, heads, bias), weights, own + "attention.output.dense")
        x = norm(x + y, weights, own + "attention.output.LayerNorm", epsilon)
        gates, gated = dense(x, weights, own + "mlp.gated_layers").chunk(2, dim=1)
        gates = gelu(gates) if config["feed_forward_type"] == "geglu" else relu(gates)
        x = norm(x + dense(gates * gated, weights, own + "mlp.wo"), weights,
                 own + "mlp.layernorm", epsilon)
    return x


def jina_3(weights: Weights, row: List[int], config: Dict[str, Any]) -> torch.Tensor:
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    inverse = frequencies(config["rotary_emb_base"], config["hidden_size"] // heads // 2)
    x = weights["embeddings.word_embeddings.weight"][torch.tensor(row)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "emb_ln", epsilon)
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layers.{i}."
        query, key, value = dense(x, weights, own + "mixer.Wqkv").chunk(3, dim=1)
        qkv = torch.cat([turned(query, heads, inverse), turned(key, heads, inverse), value], dim=1)
        y = dense(attend(qkv, heads, torch.zeros(1)), weights, own + "mixer.out_proj")
        x = norm(x + y, weights, own + "norm1", epsilon)
        y = dense(gelu(dense(x, weights, own + "mlp.fc1")), weights, own + "mlp.fc2")
        x = norm(x + y, weights, own + "norm2", epsilon)
    return x


def drawn(shapes: Dict[str, List[int]]) -> Weights:
    """Random weights that bfloat16 holds exactly."""
    weights = {}
    for name, shape in shapes.items():
        value = torch.randn(shape) * (0.3 if len(shape) > 1 else 0.1)
        if "norm" in name.lower() or "_ln" in name:
            value = value + (1 if name.endswith("weight") else 0)
        weights[name] = value.to(torch.bfloat16).float().requires_grad_()
    return weights


def names_2(config: Dict[str, Any]) -> Dict[str, List[int]]:
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": [VOCABULARY, width],
              "embeddings.token_type_embeddings.weight": [2, width]}
    norms, layers = ["embeddings.LayerNorm"], {}
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layer.{i}."
        layers |= {own + "attention.self." + part: [width, width]
                   for part in ["query", "key", "value"]}
        layers |= {own + "attention.output.dense": [width, width], own + "mlp.wo": [width, inner]}
        shapes[own + "mlp.gated_layers.weight"] = [2 * inner, width]
        norms += [own + "attention.output.LayerNorm", own + "mlp.layernorm"]
    return completed(shapes, layers, norms, width)


def names_3(config: Dict[str, Any]) -> Dict[str, List[int]]:
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": [VOCABULARY, width],
              "embeddings.token_type_embeddings.weight": [1, width]}
    norms, layers = ["emb_ln"], {}
    for i in range(config["num_hidden_layers"]):
        own = f"encoder.layers.{i}."
        layers |= {own + "mixer.Wqkv": [3 * width, width], own + "mixer.out_proj": [width, width],
                   own + "mlp.fc1": [inner, width], own + "mlp.fc2": [width, inner]}
        norms += [own + "norm1", own + "norm2"]
    return completed(shapes, layers, norms, width)


def completed(shapes: Dict[str, List[int]], layers: Dict[str, List[int]], norms: List[str],
              width: int) -> Dict[str, List[int]]:
    for name, shape in layers.items():
        shapes |= {name + ".weight": shape, name + ".bias": [shape[0]]}
    for name in norms:
        shapes |= {name + ".weight": [width], name + ".bias": [width]}
    return shapes


def with_tasks(weights: Weights, config: Dict[str, Any]) -> Weights:
    """The file's tensors of a model with updates by task; `weights` become those of the task."""
    count, rank = len(config["lora_adaptations"]), config["lora_rank"]
    task, stored = config["lora_adaptations"].index(config["task"]), {}
    for name, weight in list(weights.items()):
        if weight.dim() < 2:
            stored["roberta." + name] = weight.detach()
            continue
        rows, columns = weight.shape
        is_table = "_embeddings" in name
        first = torch.randn([count, rows, rank] if is_table else [count, rank, columns]) * 0.3
        second = torch.randn([count, rank, columns] if is_table else [count, rows, rank]) * 0.3
        place = "roberta." + name.removesuffix(".weight") + ".parametrizations.weight."
        stored |= {place + "original": weight.detach(), place + "0.lora_A": first,
                   place + "0.lora_B": second}
        update = first[task] @ second[task] if is_table else second[task] @ first[task]
        scale = config["lora_alpha"] / rank
        weights[name] = (weight.detach() + scale * update).requires_grad_()
    return stored


def make(out: Path, name: str, config: Dict[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    run, names = (jina_3, names_3) if "lora_rank" in config else (jina_2, names_2)
    weights = drawn(names(config))
    if "lora_rank" in config:
        stored = with_tasks(weights, config)
        write(out, name, config, run, weights, stored, "roberta.")
    else:
        write(out, name, config, run, weights)


def write(out: Path, name: str, config: Dict[str, Any], run: Run, weights: Weights,
          stored: Optional[Weights] = None, prefix: str = "", padding: int = 1) -> None:
    """Writes a case: the model, its states of random texts, and their derivatives by the weights.

    `stored` is what the model's file has instead of the weights, and `prefix` stands there before their names."""
    rows = [torch.randint(3, VOCABULARY, [length]).tolist() for length in LENGTHS]
    states = torch.cat([run(weights, row, config) for row in rows])
    (states * torch.cos(torch.arange(states.numel()).float()).view_as(states)).sum().backward()
    tensors = {"doc.states": states.detach()}
    for key, weight in weights.items():
        assert weight.grad is not None, key
        flat = weight.grad.flatten()
        tensors[f"slopes.{prefix}{key}"] = torch.cat([flat[:8], flat.norm().view(1)])
    if stored is None:
        stored = {key: value.detach().to(torch.bfloat16) for key, value in weights.items()}
    longest = max(LENGTHS)
    tensors["doc.input_ids"] = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
    tensors["doc.attention_mask"] = torch.tensor(
        [[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    folder = out / "transformers5" / f"states_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    save_file({key: value.contiguous() for key, value in stored.items()},
              folder / "model" / "model.safetensors")
    save_file({key: value.contiguous() for key, value in tensors.items()},
              folder / "expected.safetensors")
    (folder / "model" / "config.json").write_text(json.dumps({
        **config, "model_type": "lir-dpr", "projection": None, "pooling_strategy": "mean",
        "doc_length": None, "query_length": None}, indent=1, sort_keys=True))
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}}))
    print(folder.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    base = {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "max_position_embeddings": 64,
            "layer_norm_eps": 1e-5, "pad_token_id": 1}
    bert = {**base, "backbone_model_type": "bert", "position_embedding_type": "alibi",
            "type_vocab_size": 2, "intermediate_size": 24, "hidden_act": "gelu"}
    make(arguments.out, "jina_2", {**bert, "feed_forward_type": "geglu", "hidden_size": 16,
                                   "num_attention_heads": 4}, 100 * arguments.seed)
    make(arguments.out, "jina_2_reglu", {**bert, "feed_forward_type": "reglu", "hidden_size": 18,
                                         "num_attention_heads": 6}, 100 * arguments.seed + 1)
    make(arguments.out, "jina_3_task", {
        **base, "backbone_model_type": "xlm-roberta", "position_embedding_type": "rotary",
        "type_vocab_size": 1, "intermediate_size": 24, "hidden_act": "gelu", "hidden_size": 16,
        "num_attention_heads": 2, "rotary_emb_base": 500.0, "lora_rank": 3, "lora_alpha": 2,
        "lora_adaptations": ["query", "passage", "other"], "task": "passage",
        "task_instructions": {"query": "q: ", "passage": "", "other": ""}},
         100 * arguments.seed + 2)


if __name__ == "__main__":
    main()
