#!/usr/bin/env python3
"""Compare the backbones of transformers 5 with it at the shapes of published models, on random weights.

    published_shapes.py OUT [--match TEXT]        # makes cases in OUT, and says how exact single precision is
    published_shapes.py OUT --run [--slopes]      # one case after the other through our tests, then removed

Sizes are those of the smallest model that is published of a family, with all of its layers; of models of 3 to 8
billion weights the width is real, with four layers. Vocabularies of the large ones are cut to 2,000 terms, and
windows shortened so that texts reach past them. Every case is a folder as
`scripts/golden/make_transformers5.py` writes it: hidden states of texts of 1, 12, 130 and 300 tokens, and with
`--slopes` their derivatives. `--run` needs the tests built for release, or `--tests` with their program, and
prints the largest difference, that of transformers in single precision from double precision (where the model
fits), and the largest state. Needs torch 2.13, transformers 5.24 and safetensors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "golden"))

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoConfig, AutoModel  # noqa: E402

import make_jina  # noqa: E402
import make_nomic  # noqa: E402
from make_transformers5 import padded, slopes  # noqa: E402

Fields = Dict[str, Any]
LENGTHS = [1, 12, 130, 300]
#: More weights than these are not computed in double precision.
EXACT = 320_000_000


def shape(width: int, inner: int, layers: int, heads: int, terms: int, **more: Any) -> Fields:
    return {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
            "num_attention_heads": heads, "vocab_size": terms, **more}


def rope(base: float, **more: Any) -> Fields:
    return {"rope_type": "default", "rope_theta": base, **more}


BASE = (768, 3072, 12, 12)
#: Name, the model whose shape it is, type in transformers, and fields.
CASES: Dict[str, Any] = {
    "qwen3": ("Qwen3-Embedding-0.6B", "qwen3", shape(
        1024, 3072, 28, 16, 151_669, num_key_value_heads=8, head_dim=128,
        max_position_embeddings=32_768, rope_parameters=rope(1e6))),
    "qwen2": ("mxbai-rerank-base-v2, 0.5B", "qwen2", shape(
        896, 4864, 24, 14, 151_936, num_key_value_heads=2, max_position_embeddings=32_768,
        rope_parameters=rope(1e6))),
    "mistral": ("e5-mistral-7b, 4 layers", "mistral", shape(
        4096, 14_336, 4, 32, 2000, num_key_value_heads=8, sliding_window=128,
        rope_parameters=rope(10_000.0))),
    "ministral": ("Ministral-8B, 4 layers", "ministral", shape(
        4096, 12_288, 4, 32, 2000, num_key_value_heads=8, head_dim=128, sliding_window=100,
        layer_types=["full_attention", "sliding_attention"] * 2, rope_parameters=rope(1e8))),
    "llama": ("Llama-3.2-1B", "llama", shape(
        2048, 8192, 16, 32, 2000, num_key_value_heads=8, head_dim=64, rope_parameters=rope(
            500_000.0, rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=8192))),
    "gemma3_both": ("embeddinggemma-300m", "gemma3_text", shape(
        768, 1152, 24, 3, 262_144, num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256,
        sliding_window=512, use_bidirectional_attention=True)),
    "gemma3": ("gemma-3-270m", "gemma3_text", shape(
        640, 2048, 18, 4, 262_144, num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256,
        sliding_window=100)),
    "embedding_gemma2": ("embeddinggemma-2's text tower", "embedding_gemma2_text", shape(
        512, 2048, 24, 4, 262_144)),
    "embedding_gemma2_window": ("the same, a window of 60", "embedding_gemma2_text", shape(
        512, 2048, 24, 4, 2000, sliding_window=60)),
    "lfm2": ("LFM2-350M", "lfm2", shape(
        1024, 6656, 16, 16, 65_536, num_key_value_heads=8, rope_parameters=rope(1e6),
        full_attn_idxs=[2, 5, 8, 10, 12, 14])),
    "eurobert": ("EuroBERT-210m", "eurobert", shape(
        *BASE, 128_256, num_key_value_heads=12, rope_parameters=rope(250_000.0))),
    "ultrabert": ("150M weights", "ultrabert", shape(*BASE, 50_000, num_key_value_heads=12)),
    "nomic_bert": ("nomic-embed-text-v1.5", "nomic_bert", shape(
        *BASE, 30_528, rope_parameters=rope(1000.0), max_position_embeddings=2048)),
    "gte": ("gte-multilingual-base", "gte", shape(
        *BASE, 250_048, rope_parameters=rope(20_000.0), max_position_embeddings=8192)),
    "jina_3": ("jina-embeddings-v3", "jina_embeddings_v3", shape(
        1024, 4096, 24, 16, 250_002, rope_parameters=rope(20_000.0), type_vocab_size=1)),
    "deberta": ("deberta-v3-xsmall", "deberta-v2", shape(
        384, 1536, 12, 6, 128_100, relative_attention=True, position_buckets=256,
        max_relative_positions=-1, pos_att_type=["p2c", "c2p"], share_att_key=True,
        norm_rel_ebd="layer_norm", position_biased_input=False, type_vocab_size=0)),
    "deberta_conv": ("deberta-v2-xlarge, 4 layers", "deberta-v2", shape(
        1536, 6144, 4, 24, 2000, relative_attention=True, position_buckets=256,
        max_relative_positions=-1, pos_att_type=["p2c", "c2p"], share_att_key=True,
        norm_rel_ebd="layer_norm", position_biased_input=False, type_vocab_size=0,
        conv_kernel_size=3, conv_act="gelu")),
    "camembert": ("camembert-base", "camembert", shape(
        *BASE, 32_005, max_position_embeddings=514, type_vocab_size=1)),
    "xlm_roberta_xl": ("xlm-roberta-xl, 4 layers", "xlm-roberta-xl", shape(
        2560, 10_240, 4, 32, 2000, max_position_embeddings=514, type_vocab_size=1)),
}

#: Readings of modelling files: a run, its shapes, and fields of the configuration.
READ: Dict[str, Any] = {
    "nomic_moe": ("nomic-embed-text-v2-moe", make_nomic.nomic, make_nomic.shapes, {
        **make_nomic.SECOND, "n_embd": 768, "n_inner": 3072, "n_layer": 12, "n_head": 12,
        "n_positions": 2048, "num_experts": 8, "vocab_size": 250_048}),
    "jina_2": ("jina-embeddings-v2-small-en", make_jina.jina_2, make_jina.names_2, {
        "backbone_model_type": "bert", "position_embedding_type": "alibi", "type_vocab_size": 2,
        "hidden_act": "gelu", "feed_forward_type": "geglu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
        **shape(512, 2048, 4, 8, 30_528, max_position_embeddings=8192)}),
}


def texts(terms: int) -> List[List[int]]:
    generator = torch.Generator().manual_seed(7)
    return [torch.randint(3, terms, (length,), generator=generator).tolist() for length in LENGTHS]


def drawn(name: str, weight: torch.Tensor, unscaled: bool = False) -> torch.Tensor:
    """Weights by which states stay far from zero: random projections, norms near what they are."""
    if weight.ndim < 2:
        value = weight + 0.05 * torch.randn_like(weight)
        if unscaled and ("q_norm" in name or "k_norm" in name):
            # Scores are not scaled: norms of queries and keys begin smaller, or one key takes all.
            value = value * weight.numel() ** -0.25
    elif "embed" in name:
        value = torch.randn_like(weight) * 0.05
    else:
        value = torch.randn_like(weight) * weight[0].numel() ** -0.5
    return value.to(torch.bfloat16).float()


def states(run: Any, rows: List[List[int]]) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([run(row) for row in rows])


def write(folder: Path, config: Fields, rows: List[List[int]], tensors: Dict[str, torch.Tensor]) -> None:
    (folder / "model" / "config.json").write_text(json.dumps({
        **config, "model_type": "lir-dpr", "projection": None, "pooling_strategy": "mean",
        "doc_length": None, "query_length": None}, indent=1, sort_keys=True))
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}}))
    tensors = {**{f"doc.{part}": value for part, value in padded(rows).items()}, **tensors}
    save_file({key: value.detach().float().contiguous() if value.is_floating_point() else value
               for key, value in tensors.items()}, folder / "expected.safetensors")


def make(folder: Path, name: str, with_slopes: bool) -> Fields:
    """Writes a case of transformers; how many weights, and how far single precision is from double."""
    _, kind, fields = CASES[name]
    torch.manual_seed(5)
    config = AutoConfig.for_model(kind, **fields)
    config._attn_implementation = "eager"  # pylint: disable=protected-access
    model = AutoModel.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            weight.copy_(drawn(key, weight, kind.startswith("embedding_gemma2")))
        for key, number in model.named_buffers():
            if "layer_scalar" in key:
                number.fill_(1.125)
    model.to(torch.bfloat16).save_pretrained(folder / "model")
    whole = json.loads((folder / "model" / "config.json").read_text())
    model = AutoModel.from_pretrained(
        folder / "model", dtype=torch.float32, attn_implementation="eager").eval()
    count = sum(weight.numel() for weight in model.parameters())
    rows = texts(fields["vocab_size"])
    found = states(lambda row: model(torch.tensor([row])).last_hidden_state[0], rows)
    more = slopes(model, rows, False) if with_slopes else {}
    error = None
    if count < EXACT:
        model = AutoModel.from_pretrained(
            folder / "model", dtype=torch.float64, attn_implementation="eager").eval()
        exact = states(lambda row: model(torch.tensor([row])).last_hidden_state[0], rows)
        error = float((found - exact).abs().max())
    write(folder, {**whole, "backbone_model_type": whole["model_type"]}, rows,
          {"doc.states": found, **more})
    return {"weights": count, "error": error, "largest": float(found.abs().max())}


def read(folder: Path, name: str) -> Fields:
    """Writes a case of what transformers lacks."""
    _, run, shapes, config = READ[name]
    terms = config["vocab_size"]
    for module in (make_jina, make_nomic):
        module.VOCABULARY = terms
    torch.manual_seed(5)
    weights = {}
    for key, size in shapes(config).items():
        one = "norm" in key.lower() or "_ln" in key
        start = torch.ones(size) if one and key.endswith("weight") else torch.zeros(size)
        weights[key] = drawn(key, start)
    rows = texts(terms)
    found = states(lambda row: run(weights, row, config), rows)
    exact = states(lambda row: run({k: w.double() for k, w in weights.items()}, row, config), rows) \
        if name == "jina_2" else None
    (folder / "model").mkdir(parents=True)
    save_file({key: value.to(torch.bfloat16) for key, value in weights.items()},
              folder / "model" / "model.safetensors")
    write(folder, config, rows, {"doc.states": found})
    error = None if exact is None else float((found - exact).abs().max())
    return {"weights": sum(w.numel() for w in weights.values()), "error": error,
            "largest": float(found.abs().max())}


def run_tests(out: Path, name: str, program: Optional[Path], with_slopes: bool) -> Dict[str, str]:
    """The largest differences that our tests find in a case."""
    wanted = "BackboneTests/(states|derivatives)" if with_slopes else "BackboneTests/states"
    command = [str(program), "--testing-library", "swift-testing", "--no-parallel"] if program else \
        ["swift", "test", "-c", "release", "--skip-build", "--disable-xctest", "--no-parallel"]
    done = subprocess.run(
        command + ["--filter", wanted], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "LIR_TEST_CASES": str(out), "LIR_TEST_SAY": "1"})
    found: Dict[str, float] = {}
    for what, number in re.findall(
            rf"^largest difference\ttransformers5/states_{name}@1(.*)\t(\S+)$", done.stdout, re.M):
        key = "states" if "hidden" in what else "slopes"
        found[key] = max(found.get(key, 0.0), float(number))
    if not found:
        return {"result": f"no case ran: {done.stdout[-300:]}{done.stderr[-300:]}"}
    return {**{key: f"{value:.1e}" for key, value in found.items()},
            "result": "passed" if done.returncode == 0 else "FAILED"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the cases")
    parser.add_argument("--match", default="", help="only names that contain the text")
    parser.add_argument("--slopes", action="store_true", help="derivatives, too")
    parser.add_argument("--run", action="store_true", help="run the tests over each case")
    parser.add_argument("--tests", type=Path, help="the tests' program")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity(100)
    transformers.utils.logging.disable_progress_bar()
    failed = False
    for name in [n for n in {**CASES, **READ} if options.match in n]:
        folder = options.out.resolve() / "transformers5" / f"states_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        said = make(folder, name, options.slopes) if name in CASES else read(folder, name)
        line = (f"{name}: {({**CASES, **READ})[name][0]}, {said['weights'] / 1e6:.0f} M weights, "
                f"largest state {said['largest']:.1f}, single from double precision "
                + (f"{said['error']:.1e}" if said["error"] is not None else "not computed"))
        if options.run:
            found = run_tests(options.out.resolve(), name, options.tests, options.slopes)
            failed = failed or found["result"] != "passed"
            line += ", ours " + ", ".join(f"{key} {value}" for key, value in found.items())
            shutil.rmtree(folder)
        print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
