"""How Lightning IR's configurations name things, and how several of them become one.

For scripts/from-lightning-ir.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

Mapping = Dict[str, Any]

MODEL_TYPES = {
    "DprConfig": "lir-dpr", "SpladeConfig": "splade", "ColConfig": "col", "CoilConfig": "coil",
    "UniCoilConfig": "unicoil", "MvrConfig": "mvr", "MonoConfig": "mono",
    "SetEncoderConfig": "set-encoder", "XTRConfig": "col",
}
#: Classes that others derive from, which old files name, and what is meant by them.
BASE_TYPES = {
    "BiEncoderConfig": "DprConfig", "SingleVectorBiEncoderConfig": "DprConfig",
    "MultiVectorBiEncoderConfig": "ColConfig", "CrossEncoderConfig": "MonoConfig",
}
#: Configurations of the two modules where none is named.
DEFAULT_TYPES = {"CrossEncoderModule": "mono"}
SCHEDULES = {
    "LinearLRSchedulerWithLinearWarmup": "linear", "ConstantLRSchedulerWithLinearWarmup": "constant",
    "GenericLinearSchedulerWithLinearWarmup": "linear",
    "GenericConstantSchedulerWithLinearWarmup": "constant",
    "GenericConstantSchedulerWithQuadraticWarmup": "quadratic",
    "ConstantSchedulerWithWarmup": "constant",
}
OPTIMIZERS = {
    "AdamW": {"lr", "betas", "eps", "weight_decay"}, "Adam": {"lr", "betas", "eps", "weight_decay"},
    "SGD": {"lr", "momentum", "nesterov", "weight_decay"},
}
#: Keys that change nothing of what is learnt.
WITHOUT_EFFECT = {
    "trainer": {
        "accelerator", "strategy", "devices", "num_nodes", "logger", "enable_checkpointing",
        "enable_progress_bar", "enable_model_summary", "log_every_n_steps", "default_root_dir",
        "num_sanity_val_steps", "check_val_every_n_epoch", "profiler", "benchmark",
        "deterministic", "plugins", "inference_mode", "use_distributed_sampler",
        "enable_autolog_hparams",
    },
    "data": {"num_workers", "inference_batch_size"},
    "optimizer": {"foreach", "fused", "capturable", "differentiable"},
    "model": {"index_dir", "search_config"},
    # lir-train's own checkpoints are by steps, and the best one by the first measure.
    "trainer.callbacks.ModelCheckpoint": {
        "dirpath", "filename", "monitor", "verbose", "save_last", "save_top_k", "save_on_exception",
        "save_weights_only", "mode", "auto_insert_metric_name", "train_time_interval",
        "every_n_epochs", "save_on_train_epoch_end", "enable_version_counter",
    },
    "trainer.callbacks.EarlyStopping": {
        "monitor", "verbose", "mode", "strict", "check_finite", "check_on_train_epoch_end",
        "log_rank_zero_only",
    },
    "model.config.adapter_config": {
        "task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path",
        "revision", "inference_mode", "megatron_core", "qalora_group_size", "loftq_config",
        "runtime_config",
    },
}
#: What a configuration that Lightning wrote has of transformers' PretrainedConfig, where it says
#: anything but null or false.
PRETRAINED = {"return_dict": True, "tie_word_embeddings": True, "chunk_size_feed_forward": 0}
PRETRAINED_FIELDS = {
    "output_hidden_states", "output_attentions", "return_dict", "torchscript", "dtype", "torch_dtype",
    "pruned_heads", "tie_word_embeddings", "chunk_size_feed_forward", "is_encoder_decoder", "is_decoder",
    "cross_attention_hidden_size", "add_cross_attention", "tie_encoder_decoder", "architectures",
    "finetuning_task", "id2label", "label2id", "num_labels", "task_specific_params", "problem_type",
    "tokenizer_class", "prefix", "bos_token_id", "pad_token_id", "eos_token_id", "sep_token_id",
    "decoder_start_token_id",
}
#: Arguments of classes that can take the place of each other: a file that names another class keeps
#: of the one below those that the new one has, as jsonargparse does.
ARGUMENTS = {
    "BiEncoderModule": {
        "model_name_or_path", "config", "model", "BackboneModel", "loss_functions",
        "evaluation_metrics", "index_dir", "search_config", "model_kwargs",
    },
    "CrossEncoderModule": {
        "model_name_or_path", "config", "model", "BackboneModel", "loss_functions",
        "evaluation_metrics", "model_kwargs",
    },
    "TupleDataset": {"tuples_dataset", "targets", "num_docs"},
    "RunDataset": {
        "run_path_or_id", "depth", "sample_size", "sampling_strategy", "targets",
        "normalize_targets", "add_docs_not_in_ranking",
    },
    **OPTIMIZERS,
}
#: Configurations of cross-encoders; all others are bi-encoders'.
CROSS_ENCODERS = {"MonoConfig", "SetEncoderConfig"}
#: Callbacks that only look on.
QUIET_CALLBACKS = {"LearningRateMonitor", "TQDMProgressBar", "RichProgressBar", "DeviceStatsMonitor"}
#: Fields of configurations that Lightning IR's own files have, and its classes do not.
STALE_FIELDS = {"normalization"}
#: Types of indexes: ours, and what is to be said about it.
INDEX_TYPES = {
    "TorchDenseIndexConfig": ("", ""),
    "FaissFlatIndexConfig": ("", ""),
    "TorchSparseIndexConfig": ("sparse", ""),
    "SeismicIndexConfig": ("seismic", ""),
    "FaissIVFIndexConfig": ("ivf", ""),
    "FaissPQIndexConfig": ("pq", ""),
    "FaissIVFPQIndexConfig": ("ivfpq", ""),
    "PlaidIndexConfig": ("plaid", ""),
}
#: Fields of configurations of indexes that are flags of a type of ours, by the type.
INDEX_FLAGS = {
    "ivf": ("num_train_embeddings", "num_centroids"),
    "pq": ("num_train_embeddings", "num_subquantizers", "n_bits"),
    "ivfpq": ("num_train_embeddings", "num_centroids", "num_subquantizers", "n_bits"),
    "seismic": ("num_postings", "centroid_fraction", "min_cluster_size", "summary_energy",
                "num_k_nearest_neighbors"),
    "plaid": ("num_centroids", "k_means_iters", "n_bits", "seed"),
}
#: Types that read documents twice, to learn from them first.
READ_TWICE = {"ivf", "pq", "ivfpq", "plaid"}
#: Fields that say how the work is done, or of a part that ours does not have.
INDEX_WITHOUT_EFFECT = {"ef_construction", "batch_size", "num_threads"}
SEARCH_TYPES = {"TorchDenseSearchConfig", "FaissSearchConfig", "TorchSparseSearchConfig",
                "SeismicSearchConfig", "PlaidSearchConfig"}
#: Fields of configurations of searches that are flags of lir-search, by configuration.
SEARCH_FLAGS = {
    "SeismicSearchConfig": {"query_cut": "cut", "heap_factor": "heap-factor"},
    "PlaidSearchConfig": {"candidate_k": "candidate-k", "n_cells": "n-cells",
                          "centroid_score_threshold": "centroid-score-threshold"},
}
#: Those of searches in lists, by what tells in a shell that an index has them.
MANIFEST = '"$index/manifest.json"'
LIST_FLAGS = {
    f"grep -Eq '\"type\": *\"ivf(pq)?\"' {MANIFEST}": {"n_probe": "nprobe"},
    f"grep -Eq '\"type\": *\"(ivf|pq|ivfpq)\"' {MANIFEST} && grep -q '\"kind\": *\"multivector\"' {MANIFEST}": {
        "candidate_k": "candidates", "imputation_strategy": "imputation"},
}


def old_name(kind: str) -> str:
    """The class that took the place of one that older releases of Lightning IR had."""
    return "FaissSearchConfig" if re.fullmatch(r"Faiss\w+SearchConfig", kind) else kind


def settings_of(name: str) -> Mapping:
    """What a model that Lightning IR has registered is, by the table of models; else nothing."""
    here = Path(__file__).resolve().parent
    tables = (here.parent / "pipelines" / "models.tsv", here.parent.parent / "share/lir/pipelines/models.tsv")
    table = next((p for p in tables if p.exists()), None)
    if table is None:
        return {}
    rows = [line.split("\t") for line in table.read_text("utf-8").splitlines() if line[:1] != "#"]
    for row in rows[1:]:
        found = dict(zip(rows[0], row))
        if found["hub"] == name and found["settings"]:
            return dict(json.loads(found["settings"]))
    return {}


def model_type(kind: str, what: str) -> Tuple[str, str]:
    """Our name of a configuration of models, and what is to be said about it."""
    meant = BASE_TYPES.get(kind, kind)
    if meant not in MODEL_TYPES:
        raise Refusal(f"{what}: {kind}")
    note = f"{kind} makes no model: taken for {meant}" if meant != kind else ""
    return MODEL_TYPES[meant], note


def model_name(given: Any, said: Any) -> str:
    """The name of a model: what the user said goes before what a file has."""
    name = said if said is not None else given
    if name is None:
        raise Refusal("model: no model_name_or_path; --model says one")
    if isinstance(name, dict) or re.search(r"^\s*[{<].*[}>]\s*$", str(name)):
        raise Refusal(f"model_name_or_path: {json.dumps(name)} stands for a name; --model says one")
    if not isinstance(name, str) or not name:
        raise Refusal(f"model_name_or_path: expected a name, found {json.dumps(name)}")
    return name


class Refusal(Exception):
    """Something without a counterpart."""


@contextlib.contextmanager
def within(section: str) -> Iterator[None]:
    """Values of other types than a section has are its errors: nothing here looks at each of them beforehand."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Refusal(f"{section}: a value of another type than Lightning IR takes there: {error}") from None


def nothing_left(section: str, mapping: Mapping) -> None:
    """Refuses what is left of a section, but for what has no effect and what is not set."""
    for key in sorted(mapping):
        if key not in WITHOUT_EFFECT.get(section, set()) and mapping[key] not in (None, False, [], {}):
            raise Refusal(f"{section}.{key}")


def short(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def of_class(value: Any, what: str) -> Tuple[str, Mapping]:
    """The class and the arguments of `Name` or `{class_path, init_args}`."""
    if isinstance(value, str):
        return short(value), {}
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        extra = set(value) - {"class_path", "init_args"}
        if extra:
            raise Refusal(f"{what}: {', '.join(sorted(extra))}")
        args = value.get("init_args") or {}
        if not isinstance(args, dict):
            raise Refusal(f"{what}.init_args: expected a mapping, found {json.dumps(args)}")
        return short(value["class_path"]), dict(args)
    raise Refusal(f"{what}: expected a class, found {json.dumps(value)}")


def several(value: Any) -> List[Any]:
    """A list, or what stands alone for a list of one, as callbacks may."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def kept(under: Mapping, over: Mapping) -> Mapping:
    """What stays of a class and its arguments below another one."""
    old, new = under.get("class_path"), over.get("class_path")
    if not isinstance(old, str) or not isinstance(new, str) or short(old) == short(new):
        return under
    known = ARGUMENTS.get(short(new))
    args = {key: value for key, value in (under.get("init_args") or {}).items()
            if known is None or key in known}
    # Of both datasets, but "order" is of tuples alone.
    if short(new) == "RunDataset" and args.get("targets") == "order":
        del args["targets"]
    config = args.get("config")
    if isinstance(config, dict) and short(new) in ("BiEncoderModule", "CrossEncoderModule"):
        is_cross = short(str(config.get("class_path"))) in CROSS_ENCODERS
        if is_cross != (short(new) == "CrossEncoderModule"):
            del args["config"]
    return {**under, "init_args": args}


def merge(under: Any, over: Any) -> Any:
    """`over` laid on `under`, mapping by mapping; `callbacks+` appends."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    merged = dict(kept(under, over))
    for key, value in over.items():
        if key.endswith("+"):
            merged[key[:-1]] = several(merged.get(key[:-1])) + several(value)
        else:
            merged[key] = merge(merged[key], value) if key in merged else value
    return merged
