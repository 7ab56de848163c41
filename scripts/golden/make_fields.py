#!/usr/bin/env python3
"""What transformers makes of every field of config.json that changes a model, or might.

    make_fields.py --fixtures .build/fixtures --out Tests/Fixtures/fields.json

For each family of backbones a tiny model of the fixtures is loaded with one field set to something
unusual, and run over a few token ids. "values" has what was tried, "base" of the states of two tokens
the first four numbers, and "changed" what gave others: "error" where transformers refuses or fails,
"missing" where it draws weights that the checkpoint lacks. "heads" has the same of language model heads
and of T5's decoder. "modern" is about the families of release 5, with "values" that are tried of them
besides. Needs torch and transformers; run with release 4 first, then with release 5, which adds its
entries to the file; `--modern` renews those about its own families alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM
from transformers import T5EncoderModel, T5ForConditionalGeneration

Config = Dict[str, Any]

IDS = [9, 27, 41, 33, 8, 27, 60, 55, 12, 77, 31, 10]
RELEASE = int(transformers.__version__.split(".")[0])

#: Case of the fixtures and name of the family in transformers.
SUBJECTS = {
    "bert": "native/dpr_bert_01", "distilbert": "native/dpr_distilbert_06",
    "electra": "native/mono_electra_05", "roberta": "backbones/classifier_roberta",
    "xlm-roberta": "backbones/classifier_roberta", "mpnet": "backbones/states_mpnet",
    "modernbert": "backbones/states_modernbert", "t5": "native/dpr_t5_encoder",
}

#: The same of families that release 5 knows.
MODERN = {
    "qwen2": "transformers5/states_qwen2", "qwen3": "transformers5/states_qwen3_window",
    "mistral": "transformers5/states_mistral", "ministral": "transformers5/states_ministral",
    "llama": "transformers5/states_llama", "gemma3_text": "transformers5/states_gemma3",
    "eurobert": "transformers5/states_eurobert", "ultrabert": "transformers5/states_ultrabert",
    "lfm2": "transformers5/states_lfm2", "nomic_bert": "transformers5/states_nomic_bert",
    "gte": "transformers5/states_gte", "jina_embeddings_v3": "transformers5/states_jina_3",
    "camembert": "transformers5/states_camembert", "deberta-v2": "transformers5/states_deberta_conv",
    "xlm-roberta-xl": "transformers5/states_xlm_roberta_xl",
    "embedding_gemma2_text": "transformers5/states_embedding_gemma2_layers",
}

ACTIVATIONS = ["relu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python", "tanh", "silu",
               "linear", "quick_gelu", "nothing"]

#: Values of fields that every family has, all else of the same name among them.
VALUES: Dict[str, List[Any]] = {
    # Sizes: another one than the weights have, and for some one that works as well.
    "vocab_size": [50], "hidden_size": [16], "dim": [16], "d_model": [16], "d_ff": [20],
    "d_kv": [4], "hidden_dim": [20], "intermediate_size": [20], "embedding_size": [8],
    "type_vocab_size": [1], "max_position_embeddings": [48], "num_hidden_layers": [1],
    "n_layers": [1], "num_layers": [1], "num_attention_heads": [2, 3], "n_heads": [2],
    "num_heads": [2], "head_dim": [4], "num_decoder_layers": [1],
    "relative_attention_num_buckets": [16], "relative_attention_max_distance": [20],
    # Functions.
    "hidden_act": ACTIVATIONS, "activation": ACTIVATIONS, "hidden_activation": ACTIVATIONS,
    "feed_forward_proj": ["gelu", "gated-gelu", "gated-silu", "gated-relu", "gelu_new"],
    "dense_act_fn": ["gelu_new", "silu"], "is_gated_act": [True, False],
    "layer_norm_eps": [0.1], "norm_eps": [0.1], "layer_norm_epsilon": [0.1],
    "position_embedding_type": ["relative_key", "relative_key_query"],
    "is_decoder": [True], "add_cross_attention": [True], "pad_token_id": [5],
    "local_attention": [4, 12], "global_attn_every_n_layers": [1, 3],
    "global_rope_theta": [100.0], "local_rope_theta": [100.0, None],
    "rope_scaling": [{"rope_type": "linear", "factor": 2.0}, {"rope_type": "default"}],
    "partial_rotary_factor": [0.5], "sliding_window": [2],
    "layer_types": [["full_attention"] * 3], "rope_parameters": [
        {"full_attention": {"rope_type": "default", "rope_theta": 100.0},
         "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}],
    "norm_bias": [False], "attention_bias": [False], "mlp_bias": [False],
    "pruned_heads": [{"0": [1]}], "quantization_config": [{"quant_method": "bitsandbytes",
                                                           "load_in_8bit": True}],
    "compression_config": [{"format": "dense"}],
    "per_layer_config": [
        {"0": {"head_dim": 6, "num_key_value_heads": 2}, "1": {"num_key_value_heads": 1},
         "2": {"num_key_value_heads": 1}}, {"0": {"intermediate_size": 20}}, {"7": {"head_dim": 6}}],
    # Rates, of which training takes notice.
    "hidden_dropout_prob": [0.5], "attention_probs_dropout_prob": [0.5], "dropout": [0.5],
    "attention_dropout": [0.5], "embedding_dropout": [0.5], "mlp_dropout": [0.5],
    "dropout_rate": [0.5], "classifier_dropout": [0.5], "qa_dropout": [0.5],
    "seq_classif_dropout": [0.5], "summary_last_dropout": [0.5],
    # Heads.
    "decoder_bias": [False], "classifier_bias": [False], "classifier_activation": ["relu"],
    "classifier_pooling": ["cls"], "decoder_start_token_id": [4], "tie_encoder_decoder": [True],
    "is_encoder_decoder": [False], "tie_word_embeddings": [False],
    "scale_decoder_outputs": [False],
    # What has no effect.
    "sinusoidal_pos_embds": [True], "summary_activation": ["tanh"], "summary_type": ["mean"],
    "summary_use_proj": [False], "deterministic_flash_attn": [True], "reference_compile": [False],
    "repad_logits_with_grad": [True], "sparse_pred_ignore_index": [-1],
    "sparse_prediction": [True], "n_positions": [16], "output_past": [True],
    "chunk_size_feed_forward": [4], "cross_attention_hidden_size": [16], "dtype": ["float16"],
    "torch_dtype": ["bfloat16"], "torchscript": [True], "use_bfloat16": [True],
    "use_cache": [False], "output_attentions": [True], "output_hidden_states": [True],
    "return_dict": [False], "problem_type": ["regression"], "initializer_range": [5.0],
    "initializer_factor": [5.0], "initializer_cutoff_factor": [3.0], "gradient_checkpointing": [True],
    "finetuning_task": ["mnli"], "prefix": ["x"], "tokenizer_class": ["BertTokenizer"],
    "task_specific_params": [{"a": {"b": 1}}], "attn_implementation": ["eager"],
    "_attn_implementation": ["eager"], "_attn_implementation_autoset": [True],
    "auto_map": [{"AutoModel": "other.Other"}], "label2id": [{"LABEL_0": 0}],
    "_commit_hash": ["0"], "directionality": ["uni"], "pooler_fc_size": [7],
    "activation_function": ["relu"], "pooler_type": ["other"], "tf_legacy_loss": [True],
    "bad_words_ids": [[[5]]], "suppress_tokens": [[5]], "begin_suppress_tokens": [[5]],
    "exponential_decay_length_penalty": [[5, 1.5]], "do_sample": [True],
    "early_stopping": [True], "output_scores": [True], "remove_invalid_values": [True],
    "return_dict_in_generate": [True],
}
for name in ["bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "max_length",
             "min_length", "num_beams", "num_beam_groups", "num_return_sequences", "top_k",
             "encoder_no_repeat_ngram_size", "no_repeat_ngram_size", "forced_bos_token_id",
             "forced_eos_token_id", "pooler_num_attention_heads", "pooler_num_fc_layers",
             "pooler_size_per_head"]:
    VALUES[name] = [7]
for name in ["diversity_penalty", "length_penalty", "repetition_penalty", "temperature", "top_p",
             "typical_p"]:
    VALUES[name] = [0.5]

#: Values of fields that only families of release 5 have.
MODERN_VALUES: Dict[str, List[Any]] = {
    "num_key_value_heads": [1, 3, None], "rms_norm_eps": [0.1], "rope_theta": [100.0],
    "rope_local_base_freq": [100.0], "use_sliding_window": [True, False], "max_window_layers": [0],
    "sliding_window": [3, None], "sliding_window_pattern": [2], "_sliding_window_pattern": [2],
    "is_causal": [False], "use_bidirectional_attention": [True], "query_pre_attn_scalar": [3],
    "attn_logit_softcapping": [2.0], "final_logit_softcapping": [2.0], "pretraining_tp": [2],
    "original_max_position_embeddings": [8], "attention_windows": [[2, 0, 2]],
    "prediction_head_size": [8], "mask_token_id": [7], "clf_pooling": ["mean"],
    "cache_implementation": ["hybrid"],
    # DeBERTa.
    "relative_attention": [False, True], "share_att_key": [True], "norm_rel_ebd": ["layer_norm"],
    "position_biased_input": [False], "pos_att_type": ["p2c", ["c2p", "p2c"], [], None],
    "position_buckets": [4, 12], "max_relative_positions": [6, -1], "conv_kernel_size": [0, 5],
    "conv_act": ["relu", "nothing"], "conv_groups": [2], "attention_head_size": [4],
    "pooler_dropout": [0.5], "pooler_hidden_act": ["relu"], "pooler_hidden_size": [7],
    "legacy": [False],
    # LFM2.
    "conv_bias": [True], "conv_L_cache": [2], "block_ff_dim": [20], "block_multiple_of": [256],
    "block_ffn_dim_multiplier": [0.5, None], "block_auto_adjust_ff_dim": [False],
    "full_attn_idxs": [[0]],
    "layer_types": [["full_attention"] * 2, ["sliding_attention", "full_attention"]],
    "rope_parameters": [{"rope_type": "default", "rope_theta": 100.0},
                        {"rope_type": "yarn", "factor": 2.0, "rope_theta": 100.0},
                        {"rope_type": "strange", "rope_theta": 100.0}, None],
    "rope_scaling": [{"type": "llama3", "factor": 2.0, "low_freq_factor": 1.0,
                      "high_freq_factor": 4.0, "original_max_position_embeddings": 8}],
}

for name in ["block_dim", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale",
             "block_use_swiglu", "block_use_xavier_init", "conv_dim", "conv_dim_out",
             "conv_use_xavier_init", "num_heads", "theta", "use_pos_enc"]:
    MODERN_VALUES[name] = [7]
MODERN_VALUES["tie_embedding"] = [True]

# Names that nomic_bert and gte have on the hub.
MODERN_VALUES.update({
    "n_embd": [16], "n_layer": [1], "n_head": [2], "n_inner": [20], "rotary_emb_base": [100.0],
    "resid_pdrop": [0.5], "attn_pdrop": [0.5], "scale_attn_weights": [False],
    "rotary_scaling_factor": [2.0], "rotary_emb_fraction": [0.5], "num_experts": [2],
    "moe_every_n_layers": [2], "moe_top_k": [2], "moe_resid_pdrop": [0.5], "num_shared_experts": [1],
    "moe_impl": ["contrastors"], "router_aux_loss_coef": [0.5], "layer_norm_type": ["rms_norm"],
    "lora_adaptations": [["text-matching"]], "lora_dropout_p": [0.5],
    "lora_main_params_trainable": [True], "load_trained_adapters": [True]})
for name in ["causal", "parallel_block", "prenorm", "use_rms_norm", "rotary_emb_interleaved",
             "scale_attn_by_inverse_layer_idx", "qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias",
             "dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln", "pad_vocab_size_multiple",
             "max_trained_positions", "reorder_and_upcast_attn", "use_flash_attn", "use_xentropy",
             "expert_choice_router", "moe_normalize_expert_weights", "norm_mlp", "add_pooling_layer",
             "parallel_block_tied_norm", "rotary_emb_scale_base", "embd_pdrop", "ffn_div",
             "summary_first_dropout", "summary_proj_to_labels", "logn_attention_scale",
             "logn_attention_clip1", "unpad_inputs", "use_memory_efficient_attention", "pack_qkv",
             "emb_pooler", "use_reg_tokens", "truncate_dim", "matryoshka_dimensions"]:
    MODERN_VALUES[name] = [True]

# EmbeddingGemma 2, whose sizes may be those of a tower in a larger configuration.
MODERN_VALUES.update({"hidden_size_per_layer_input": [8], "embedding_dim": [8], "global_head_dim": [12],
                      "num_global_key_value_heads": [2]})
for name in ["text_config", "vision_config", "audio_config", "boi_token_id", "eoi_token_id",
             "image_token_id", "video_token_id", "boa_token_id", "eoa_token_index", "audio_token_id"]:
    MODERN_VALUES[name] = [7]

#: Fields that only count together.
TOGETHER: Dict[str, List[Config]] = {
    "add_cross_attention": [{"add_cross_attention": True, "is_decoder": True}],
    "dense_act_fn": [{"feed_forward_proj": "relu", "dense_act_fn": "gelu_new",
                      "is_gated_act": False}],
}


def run(folder: Path, family: str) -> Config:
    """The outcome of loading and running a folder."""
    load = T5EncoderModel if family == "t5" else AutoModel
    options: Config = {"dtype": torch.float32} if family in MODERN else {}
    ids = [number % 40 for number in IDS] if family in MODERN else IDS
    try:
        model, info = load.from_pretrained(folder, output_loading_info=True, **options)
        missing = [key for key in info["missing_keys"] if "pooler" not in key]
        if missing:
            return {"outcome": "missing"}
        model.eval()
        with torch.no_grad():
            states = model(torch.tensor([ids]))[0][0]
    except Exception:  # pylint: disable=broad-except
        return {"outcome": "error"}
    numbers = [round(float(x), 7) for token in (2, -1) for x in states[token][:4]]
    return {"outcome": "states", "states": numbers}


def variants(tried: Dict[str, List[Any]]) -> List[Tuple[str, Config]]:
    """Every field with what is tried of it."""
    result: List[Tuple[str, Config]] = []
    for field, values in tried.items():
        result += [(field, {field: value}) for value in values]
        result += [(field, config) for config in TOGETHER.get(field, [])]
    return result


def edited(source: Path, target: Path, changes: Config) -> None:
    """A copy of a model folder with other fields."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    config.update(changes)
    (target / "config.json").write_text(json.dumps(config))


def states(models: Path, families: Dict[str, str], tried: List[Tuple[str, Config]]) -> Config:
    """Of each family the states, and what other fields made of them where that is another thing."""
    result: Config = {}
    for family, subject in families.items():
        source = models / subject / "model"
        changed = []
        base: Config = {}
        for field, changes in [("", {})] + tried:
            with tempfile.TemporaryDirectory() as name:
                edited(source, Path(name), {**changes, "model_type": family})
                found = run(Path(name), family)
            if not field:
                base = found
            elif "states" not in found or max(
                    abs(a - b) for a, b in zip(found["states"], base["states"])) > 1e-5:
                changed.append({"field": field, "config": changes, **found})
        result[family] = {"base": base["states"], "changed": changed}
    return result


# Heads.


def masked(folder: Path) -> List[float]:
    """Sums over the vocabulary of log(1 + relu) at two tokens: they tell any change."""
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0]
    weights = torch.log1p(torch.relu(logits)).amax(0)
    return [round(float(x), 6) for x in weights[:24]]


def answers(folder: Path) -> List[float]:
    """Log-share of the second of two words as the first of an answer."""
    model = T5ForConditionalGeneration.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(torch.tensor([IDS]), decoder_input_ids=torch.tensor([[0]])).logits[0, 0]
    return [round(float(torch.log_softmax(logits[[6, 9]], 0)[1]), 6)]


#: Case, decoder, outcome, and the changes to try; each with and without a decoder of its own.
HEADS = [
    ("backbones/mlm_modernbert", "decoder.weight", masked,
     [{}, {"tie_word_embeddings": False}, {"tie_word_embeddings": True}, {"decoder_bias": False},
      {"classifier_activation": "relu"}]),
    ("backbones/mlm_electra", "generator_lm_head.weight", masked,
     [{}, {"tie_word_embeddings": False}, {"tie_word_embeddings": True}]),
    ("backbones/answers_t5", "lm_head.weight", answers,
     [{}, {"tie_word_embeddings": False}, {"tie_word_embeddings": True},
      {"tie_word_embeddings": True, "scale_decoder_outputs": False},
      {"tie_word_embeddings": True, "scale_decoder_outputs": True}]),
]


def heads(models: Path) -> List[Config]:
    result = []
    for case, tensor, outcome, changes in HEADS:
        source = models / case / "model"
        base = json.loads((source / "config.json").read_text())
        for change in changes:
            if RELEASE < 5 and "scale_decoder_outputs" in change:
                continue
            change = {**change, "transformers_version": transformers.__version__}
            for stored in (False, True):
                if not stored and {**base, **change}.get("tie_word_embeddings") is False:
                    continue  # Its outputs would be drawn.
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    edited(source, folder, change)
                    weights = load_file(folder / "model.safetensors")
                    weights.pop(tensor, None)
                    if stored:
                        words = next(v for k, v in sorted(weights.items())
                                     if k.endswith(("word_embeddings.weight", "shared.weight",
                                                    "tok_embeddings.weight")))
                        weights[tensor] = (words * 0.5).flip(0).contiguous()
                    save_file(weights, folder / "model.safetensors", {"format": "pt"})
                    result.append({"case": case, "config": change, "tensor": tensor,
                                   "stored": stored, "values": outcome(folder)})
    return result


def listed(tried: List[Tuple[str, Config]]) -> List[Config]:
    return [{"field": field, "config": config} for field, config in tried]


def modern(models: Path) -> Config:
    """What there is about the families of release 5."""
    others = variants(MODERN_VALUES)
    return {"subjects": MODERN, "values": listed(others),
            "states": states(models, MODERN, variants(VALUES) + others)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modern", action="store_true")
    parser.add_argument("--fixtures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    transformers.utils.logging.set_verbosity(100)
    models = arguments.fixtures / "models"
    if arguments.modern:
        write({**json.loads(arguments.out.read_text()), "modern": modern(models)}, arguments.out)
        return
    if RELEASE >= 5:
        whole = json.loads(arguments.out.read_text())
        whole["heads"] = [entry for entry in whole["heads"]
                          if not entry["config"]["transformers_version"].startswith("5")]
        whole["release5"] = states(
            models, {"modernbert": SUBJECTS["modernbert"]}, variants(VALUES))
        whole["modern"] = modern(models)
    else:
        tried = variants(VALUES)
        whole = {"ids": IDS, "subjects": SUBJECTS, "values": listed(tried),
                 "states": states(models, SUBJECTS, tried), "heads": []}
    whole["heads"] += heads(models)
    write(whole, arguments.out)


def write(whole: Config, path: Path) -> None:
    lines = json.dumps(whole, separators=(",", ":")).replace('{"field"', '\n{"field"')
    path.write_text(lines.replace('{"case"', '\n{"case"') + "\n")


if __name__ == "__main__":
    main()
