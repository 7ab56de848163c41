#!/usr/bin/env python3
"""What transformers 5 makes of backbones that release 4 lacks, or knows by other names.

    make_transformers5.py OUT [--seed N] [--match TEXT]

Tiny models with random weights, one configuration each: folders OUT/transformers5/KIND_NAME that the
tests of models take, KIND being `states`, `classifier` or `causal`. `expected.safetensors` has the token
ids and what the model makes of each text alone: hidden states, logits of a classifier with one label,
or of the language model the maximum of log(1 + relu) over the text; and for hidden states, `slope` and
`slopes.NAME`: the derivatives by every weight of the sum of states times `direction`, of which the first
eight and the length are kept. Needs torch and transformers 5.24; `scripts/fixtures --pack
models/transformers5 OUT/transformers5` packs them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

Fields = Dict[str, Any]

VOCABULARY = 40
LENGTHS = [1, 5, 24]

DECODER: Fields = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}
ENCODER: Fields = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 64, "pad_token_id": 1,
}
ROPE: Fields = {"rope_type": "default", "rope_theta": 10000.0}
KINDS = ["sliding_attention", "full_attention", "sliding_attention"]
BOTH = {"sliding_attention": dict(ROPE, rope_theta=500.0), "full_attention": ROPE}


def rope(**fields: Any) -> Fields:
    return {"rope_parameters": {**ROPE, **fields}}


def long_factors(count: int) -> Fields:
    return {"short_factor": [1.0 + 0.1 * i for i in range(count)],
            "long_factor": [2.0 + 0.5 * i for i in range(count)]}


GEMMA2: Fields = {
    "num_hidden_layers": 3, "head_dim": 8, "global_head_dim": 12, "num_global_key_value_heads": 1,
    "sliding_window": 3, "hidden_size_per_layer_input": 6, "embedding_dim": 20,
}


#: Type of the model, fields of its configuration, and changes to the file that is written.
CASES: Dict[str, Any] = {
    "qwen3": ("qwen3", {"head_dim": 10, **rope(rope_theta=1e6)}, {}),
    "qwen3_window": ("qwen3", {"head_dim": 8, "use_sliding_window": True, "sliding_window": 5,
                               "max_window_layers": 1, "attention_bias": True, **rope()}, {}),
    "qwen3_old": ("qwen3", {"head_dim": 16}, {
        "rope_parameters": None, "rope_theta": 5000.0, "layer_types": None,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}}),
    "qwen2": ("qwen2", {"num_key_value_heads": 1, **rope()}, {}),
    "qwen2_yarn": ("qwen2", {"head_dim": 16, **rope(
        rope_type="yarn", factor=3.0, original_max_position_embeddings=20, beta_fast=16.0,
        beta_slow=2.0, attention_factor=1.3, truncate=False)}, {}),
    "qwen2_both": ("qwen2", {"is_causal": False, "use_sliding_window": True, "sliding_window": 4,
                             "layer_types": KINDS[:2], **rope()}, {}),
    "mistral": ("mistral", {"sliding_window": 6, "num_key_value_heads": 4, **rope()}, {}),
    "mistral_whole": ("mistral", {"sliding_window": None, "head_dim": 4, **rope()}, {}),
    "mistral_kinds": ("ministral", {"sliding_window": 3, "num_hidden_layers": 3, "head_dim": 6,
                                    "layer_types": KINDS, **rope()}, {"model_type": "mistral"}),
    "ministral": ("ministral", {"sliding_window": 7, "head_dim": 8, "hidden_act": "gelu", **rope()}, {}),
    "llama": ("llama", {"attention_bias": True, "mlp_bias": True, **rope()}, {}),
    "llama_3": ("llama", {"head_dim": 16, **rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)}, {}),
    "llama_linear": ("llama", {"num_key_value_heads": None, **rope(
        rope_type="linear", factor=2.5)}, {}),
    "llama_dynamic": ("llama", rope(rope_type="dynamic", factor=2.0), {}),
    "llama_long": ("llama", {"head_dim": 8, **rope(
        rope_type="longrope", factor=4.0, original_max_position_embeddings=16,
        **long_factors(4))}, {}),
    "llama_long_old": ("llama", {"head_dim": 8}, {
        "rope_parameters": None, "rope_theta": 300.0, "original_max_position_embeddings": 20,
        "rope_scaling": {"type": "longrope", **long_factors(4)}}),
    "llama_scales": ("llama", {"head_dim": 12, **rope(
        rope_type="yarn", factor=None, original_max_position_embeddings=16, mscale=0.7,
        mscale_all_dim=1.2)}, {}),
    "llama_part": ("llama", {"head_dim": 12, **rope(
        rope_type="proportional", partial_rotary_factor=0.5, factor=2.0)}, {}),
    "gemma3": ("gemma3_text", {"head_dim": 10, "sliding_window": 6, "query_pre_attn_scalar": 24,
                               "num_hidden_layers": 3, "layer_types": KINDS}, {}),
    "gemma3_both": ("gemma3_text", {"head_dim": 8, "sliding_window": 9, "num_hidden_layers": 3,
                                    "use_bidirectional_attention": True, "layer_types": KINDS}, {}),
    "gemma3_old": ("gemma3_text", {"head_dim": 8, "sliding_window": 4, "num_hidden_layers": 3}, {
        "rope_parameters": None, "rope_theta": 2000.0, "rope_local_base_freq": 100.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "layer_types": None,
        "sliding_window_pattern": 2}),
    "eurobert": ("eurobert", {"num_key_value_heads": 4, **rope(rope_theta=250000.0)}, {}),
    "eurobert_biases": ("eurobert", {"attention_bias": True, "mlp_bias": True, **rope()}, {}),
    "ultrabert": ("ultrabert", {"sliding_window": 4, "num_hidden_layers": 3, "layer_types": KINDS,
                                "rope_parameters": BOTH}, {}),
    "ultrabert_old": ("ultrabert", {"num_hidden_layers": 3}, {
        "rope_parameters": None, "layer_types": None, "attention_windows": [3, 0, 3],
        "rope_theta": [200.0, 90000.0, 300.0]}),
    "lfm2": ("lfm2", {"layer_types": ["conv", "full_attention", "conv"], "num_hidden_layers": 3,
                      "block_multiple_of": 8, **rope(rope_theta=1e6)}, {}),
    "lfm2_old": ("lfm2", {"num_hidden_layers": 3, "block_auto_adjust_ff_dim": False,
                          "conv_bias": True, "conv_L_cache": 4, "full_attn_idxs": [1]}, {
        "layer_types": None, "rope_parameters": None, "rope_theta": 500.0}),
    "nomic_bert": ("nomic_bert", {**ENCODER, "head_dim": 8, **rope(rope_theta=1000.0)}, {}),
    "gte": ("gte", {**ENCODER, **rope(rope_type="linear", factor=2.0)}, {}),
    "gte_types": ("gte", {**ENCODER, "type_vocab_size": 0, "hidden_act": "relu", **rope()}, {}),
    "jina_3": ("jina_embeddings_v3", {**ENCODER, **rope(rope_theta=20000.0)}, {}),
    "deberta": ("deberta-v2", {**ENCODER, "relative_attention": True, "position_buckets": 8,
                               "pos_att_type": ["p2c", "c2p"], "share_att_key": True,
                               "norm_rel_ebd": "layer_norm", "position_biased_input": False,
                               "type_vocab_size": 0, "pad_token_id": 0}, {}),
    "deberta_conv": ("deberta-v2", {**ENCODER, "relative_attention": True, "type_vocab_size": 2,
                                    "max_relative_positions": 12, "pos_att_type": ["c2p"],
                                    "conv_kernel_size": 3, "conv_act": "gelu"},
                     {"pos_att_type": "c2p"}),
    "deberta_queries": ("deberta-v2", {**ENCODER, "relative_attention": True,
                                       "position_buckets": 4, "max_relative_positions": 20,
                                       "pos_att_type": ["p2c"], "embedding_size": 12}, {}),
    "deberta_plain": ("deberta-v2", {**ENCODER}, {}),
    "camembert": ("camembert", {**ENCODER, "type_vocab_size": 1}, {}),
    "xlm_roberta_xl": ("xlm-roberta-xl", {**ENCODER, "type_vocab_size": 2}, {}),
    "nomic_bert_5": ("nomic_bert", {**ENCODER, **rope()}, {}),
    "jina_3_5": ("jina_embeddings_v3", {**ENCODER, **rope()}, {}),
    "eurobert_bos": ("eurobert", {"num_hidden_layers": 1, "classifier_pooling": "bos", **rope()}, {}),
    "eurobert_mean": ("eurobert", {"num_hidden_layers": 1, "classifier_pooling": "mean", **rope()}, {}),
    "ultrabert_head": ("ultrabert", {"num_hidden_layers": 1, "prediction_head_size": 12,
                                     "rope_parameters": BOTH}, {}),
    "embedding_gemma2": ("embedding_gemma2_text", {**GEMMA2, "sliding_window_pattern": 2}, {}),
    "embedding_gemma2_layers": ("embedding_gemma2_text", {
        **GEMMA2, "layer_types": list(KINDS), "attention_bias": True, "sliding_window": 1,
        "hidden_activation": "silu", "embedding_dim": 16, "rms_norm_eps": 1e-3,
        "per_layer_config": {0: {"head_dim": 6, "num_key_value_heads": 4},
                             1: {"num_key_value_heads": 1}, 2: {"num_key_value_heads": 1}},
        "rope_parameters": {
            "sliding_attention": dict(ROPE, rope_theta=300.0),
            "full_attention": dict(ROPE, rope_type="linear", factor=2.5)}}, {}),
    "embedding_gemma2_yarn": ("embedding_gemma2_text", {
        **GEMMA2, "num_hidden_layers": 4, "sliding_window_pattern": 3, "global_head_dim": 8,
        "num_global_key_value_heads": 2, "rope_parameters": {
            "sliding_attention": dict(ROPE, rope_type="proportional", partial_rotary_factor=0.5),
            "full_attention": dict(ROPE, rope_type="yarn", factor=3.0, beta_fast=16.0,
                                   original_max_position_embeddings=20)}}, {}),
    "embedding_gemma2_whole": ("embedding_gemma2", {
        "hidden_size": 0, "text_config": {**DECODER, **GEMMA2}, "vision_config": None,
        "audio_config": None}, {}),
}


#: Cases whose tensors have the names of transformers 5, not those that it writes.
RAW = ["gte_types", "nomic_bert_5", "jina_3_5", "ultrabert_head"]

#: What else is made of a case.
HEADS: Dict[str, List[str]] = {
    "qwen3": ["causal", "classifier"], "qwen2": ["classifier"], "llama": ["causal"],
    "mistral": ["classifier"], "gemma3": ["causal"], "eurobert_biases": ["masked", "classifier"],
    "eurobert_bos": ["classifier"], "eurobert_mean": ["classifier"], "ultrabert_head": ["masked"],
    "ultrabert": ["classifier"], "gte": ["masked", "classifier"], "jina_3": ["classifier"],
    "deberta": ["classifier"],
}


def rounded(model: torch.nn.Module) -> None:
    """Weights that are far from zero, in few bits, so that a case packs well."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn_like(weight)
            if weight.ndim < 2:
                value = weight + 0.2 * noise
            elif "embed" in name:
                value = noise
            else:
                value = noise * weight.shape[-1] ** -0.5
            weight.copy_((value.clamp(-1.9, 1.9) * 8).round() / 8)
        for name, number in model.named_buffers():
            if "layer_scalar" in name:
                number.copy_(1 + torch.rand(1).mul(8).round() / 8)


def texts(seed: int) -> List[List[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, VOCABULARY, (length,), generator=generator).tolist()
            for length in LENGTHS]


def padded(rows: List[List[int]]) -> Dict[str, torch.Tensor]:
    width = max(map(len, rows))
    ids = [row + [0] * (width - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
    return {"input_ids": torch.tensor(ids, dtype=torch.int32),
            "attention_mask": torch.tensor(mask, dtype=torch.uint8)}


def slopes(
        model: torch.nn.Module, rows: List[List[int]], raw: bool) -> Dict[str, torch.Tensor]:
    """Derivatives of the sum of all states times fixed numbers."""
    model.zero_grad()
    states = torch.cat([model(torch.tensor([row])).last_hidden_state[0] for row in rows])
    direction = torch.cos(torch.arange(states.numel()).float()).view_as(states)
    (states * direction).sum().backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.zeros_like(weight) if weight.grad is None else weight.grad)
        for name, number in model.named_buffers():
            if "layer_scalar" in name:
                number.zero_()  # It is not trained.
    # Written as weights, so that they have the names of those.
    with tempfile.TemporaryDirectory() as name:
        save(model, Path(name), raw)
        tensors = load_file(Path(name) / "model.safetensors")
    return {f"slopes.{name}": torch.cat([value.flatten()[:8], value.norm().view(1)])
            for name, value in tensors.items() if "pooler" not in name}


def save(model: torch.nn.Module, folder: Path, raw: bool) -> None:
    """Writes a model, under the names of the hub unless its own are wanted."""
    model.save_pretrained(folder)
    if raw:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()},
                  folder / "model.safetensors", {"format": "pt"})


def expected(
        kind: str, folder: Path, rows: List[List[int]], raw: bool) -> Dict[str, torch.Tensor]:
    loader = {"states": AutoModel, "classifier": AutoModelForSequenceClassification,
              "causal": AutoModelForCausalLM, "masked": AutoModelForMaskedLM}[kind]
    options: Fields = {}
    model, info = loader.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager", **options)
    missing = [key for key in info["missing_keys"] if "pooler" not in key]
    assert not missing and not info["unexpected_keys"], (missing, info["unexpected_keys"])
    model.eval()
    if kind == "states":
        with torch.no_grad():
            found = [model(torch.tensor([row])).last_hidden_state[0] for row in rows]
        return {"doc.states": torch.cat(found), **slopes(model, rows, raw)}
    with torch.no_grad():
        if kind == "classifier":
            found = [model(torch.tensor([row])).logits[0, 0] for row in rows]
            return {"scores": torch.stack(found)}
        logits = [model(torch.tensor([row])).logits[0] for row in rows]
    return {"doc.embeddings": torch.stack([torch.log1p(torch.relu(x)).amax(0) for x in logits])}


def make(out: Path, kind: str, name: str, seed: int) -> None:
    model_type, fields, changes = CASES[name]
    base = {} if "hidden_size" in fields else DECODER
    torch.manual_seed(seed)
    if not fields.get("hidden_size", True):
        fields = {key: value for key, value in fields.items() if key != "hidden_size"}
    config = AutoConfig.for_model(model_type, **{**base, **fields}, num_labels=1)
    config._attn_implementation = "eager"  # pylint: disable=protected-access
    loader = {"states": AutoModel, "classifier": AutoModelForSequenceClassification,
              "causal": AutoModelForCausalLM, "masked": AutoModelForMaskedLM}[kind]
    model = loader.from_config(config)
    rounded(model)
    folder = out / "transformers5" / f"{kind}_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    raw = name in RAW
    save(model.to(torch.bfloat16), folder / "model", raw)
    path = folder / "model" / "config.json"
    whole = {**json.loads(path.read_text()), **changes}
    whole = {key: value for key, value in whole.items() if key not in changes or value is not None}
    path.write_text(json.dumps(whole, indent=1, sort_keys=True))
    rows = texts(seed)
    if kind == "classifier":
        rows.append([5, 7, 0, 0])  # Padding, behind which a decoder looks for no last token.
    key = "pair" if kind == "classifier" else "doc"
    tensors = {f"{key}.{part}": value for part, value in padded(rows).items()}
    tensors |= expected(kind, folder / "model", rows, raw)
    if kind == "states":
        # As Lightning IR writes it: release 4 of transformers, which it needs, knows few of these.
        whole |= {"backbone_model_type": whole["model_type"], "model_type": "lir-dpr",
                  "projection": None, "pooling_strategy": "mean", "doc_length": None,
                  "query_length": None}
        path.write_text(json.dumps(whole, indent=1, sort_keys=True))
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}}))
    save_file({name: value.detach().contiguous() for name, value in tensors.items()},
              folder / "expected.safetensors")
    print(folder.name)


def make_table(out: Path, seed: int) -> None:
    """A table of vectors, as the states of a backbone."""
    torch.manual_seed(seed)
    table = torch.nn.Embedding(VOCABULARY, 16)
    rounded(torch.nn.ModuleDict({"embedding": table}))
    folder = out / "transformers5" / "states_table"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    save_file({"embedding.weight": table.weight.detach()}, folder / "model" / "model.safetensors")
    (folder / "model" / "config.json").write_text(json.dumps({
        "model_type": "lir-dpr", "backbone_model_type": "static-embedding", "hidden_size": 16,
        "vocab_size": VOCABULARY, "projection": None, "pooling_strategy": "mean",
        "doc_length": None, "query_length": None}))
    rows = texts(seed)
    states = table(torch.tensor(sum(rows, [])))
    direction = torch.cos(torch.arange(states.numel()).float()).view_as(states)
    (states * direction).sum().backward()
    flat = table.weight.grad.flatten()
    save_file({**{f"doc.{part}": value for part, value in padded(rows).items()},
               "doc.states": states.detach(),
               "slopes.embedding.weight": torch.cat([flat[:8], flat.norm().view(1)])},
              folder / "expected.safetensors")
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}}))


def make_static(out: Path, name: str, seed: int) -> None:
    """Folders of sentence-transformers whose first module is a table."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[UNK]"] + "why do cats purr at night when the rain falls on an old roof".split()
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(seed)
    table = (torch.randn(len(words), 8) * 8).round() / 8
    modules: List[Any] = [StaticEmbedding(tokenizer, embedding_weights=table)]
    if name == "table":
        modules += [Dense(8, 6, activation_function=torch.nn.SiLU())]
    model = SentenceTransformer(modules=modules + [Normalize()], device="cpu")
    folder = out / "transformers5" / f"sentence_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    model.save(str(folder / "model"))
    (folder / "model" / "README.md").unlink(missing_ok=True)
    if name == "potion":
        # As model2vec writes it: another name, a weight a token, and a configuration.
        save_file({"embeddings": table, "weights": torch.arange(len(words)).float() / 4},
                  folder / "model" / "model.safetensors")
        (folder / "model" / "config.json").write_text(json.dumps({
            "model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True,
            "hidden_dim": 8}))
        model = SentenceTransformer(str(folder / "model"), device="cpu")
    lines = ["why do cats purr at night", "rain rain dogs", "roof", "the old roof falls on cats"]
    save_file({"embeddings": torch.tensor(model.encode(lines))}, folder / "expected.safetensors")
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}, "texts": lines}))


#: As rerankers on decoders have it.
CHAT = """<|im_start|>system
Judge whether it fits.<|im_end|>
{%- for message in messages %}
{%- if message.role == "system" %}
<Instruct>: {{ message.content }}
{%- endif %}
{%- endfor %}
<|im_start|>user
<Query>: {{ messages | selectattr("role", "eq", "query") | map(attribute="content") | first }}
{# What is read. #}
<Document>: {{ (messages | selectattr("role", "eq", "document") | first).content }}<|im_end|>
<|im_start|>assistant
<think>

</think>

"""


def make_cross(out: Path, seed: int, single: bool) -> None:
    """A cross-encoder that compares what a language model gives for two words, or for one."""
    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.cross_encoder.modules import LogitScore
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = "why do cats purr at night when the rain falls on an old roof yes no".split()
    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.train_from_iterator([" ".join(words)] * 3 + words, trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<|endoftext|>", eos_token="<|im_end|>",
        model_max_length=120)
    tokenizer.chat_template = CHAT
    torch.manual_seed(seed)
    config = AutoConfig.for_model("qwen3", **{
        **DECODER, "vocab_size": len(tokenizer), "head_dim": 4, "max_position_embeddings": 256,
        "tie_word_embeddings": not single})
    language = AutoModelForCausalLM.from_config(config)
    rounded(language)
    folder = out / "transformers5" / ("cross_one" if single else "cross_two")
    shutil.rmtree(folder, ignore_errors=True)
    base = folder / "base"
    language.to(torch.bfloat16).save_pretrained(base)
    tokenizer.save_pretrained(base)
    transformer = Transformer(str(base), transformer_task="text-generation",
                              model_kwargs={"dtype": torch.float32})
    yes, no = (tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no"))
    model = CrossEncoder(modules=[transformer, LogitScore(yes, None if single else no)],
                         device="cpu")
    if not single:
        model.prompts, model.default_prompt_name = {"web": "Find pages"}, "web"
    model.save(str(folder / "model"))
    for name in ("README.md", "generation_config.json"):
        (folder / "model" / name).unlink(missing_ok=True)
    shutil.copy(base / "model.safetensors", folder / "model" / "model.safetensors")
    shutil.rmtree(base)
    pairs = [["why do cats purr", "cats purr at night"], ["", "old roof"], ["rain", "the rain " * 60]]
    scores = [float(model.predict([pair], activation_fn=torch.nn.Identity())[0]) for pair in pairs]
    save_file({"scores": torch.tensor(scores)}, folder / "expected.safetensors")
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}, "pairs": pairs}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--match", default="")
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    make_table(arguments.out, arguments.seed)
    for single in [False, True]:
        make_cross(arguments.out, arguments.seed, single)
    for name in ["table", "potion"]:
        make_static(arguments.out, name, arguments.seed)
    for number, name in enumerate(CASES):
        for kind in ["states"] + HEADS.get(name, []):
            if arguments.match in name:
                make(arguments.out, kind, name, 100 * arguments.seed + number)


if __name__ == "__main__":
    main()
