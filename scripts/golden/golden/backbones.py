"""Tiny backbones of every architecture, with random weights that make differences visible."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertModel,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaModel,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
    T5Model,
)

from golden.generation import Generation
from golden.tokenizer_builders import small_tokenizer, token_count


@dataclass(frozen=True)
class Wish:
    """What a case asks of its backbone beside the architecture."""

    #: Chooses among sizes and activations.
    place: int = 0
    #: None, `mlm`, `seqcls`, `enc` or `t5lm`.
    head: Optional[str] = None
    #: Mean of the bias over the vocabulary, which decides how sparse SPLADE's vectors are.
    mlm_bias: float = -5.0
    #: Whether T5's output embeddings are its input embeddings.
    is_tied: bool = True
    dropout: Optional[float] = None
    #: Standard deviation of matrices.
    deviation: float = 0.3
    labels: Optional[int] = None
    #: Further fields of config.json.
    fields: Dict[str, Any] = field(default_factory=dict)


def randomize(
    run: Generation,
    model: torch.nn.Module,
    name: str,
    deviation: float = 0.3,
    mlm_bias: Optional[Tuple[int, float]] = None,
) -> None:
    """Draw every weight, in the order of their names.

    `mlm_bias` is the size of the vocabulary and the mean of the bias over it.
    """
    random = run.torch_random("weights", name)
    with torch.no_grad():
        for key, weight in sorted(model.named_parameters(), key=lambda item: item[0]):
            noise = torch.randn(weight.shape, generator=random, dtype=torch.float32)
            weight.copy_(scaled(noise, key, deviation, mlm_bias))


def scaled(
    noise: torch.Tensor, key: str, deviation: float, mlm_bias: Optional[Tuple[int, float]]
) -> torch.Tensor:
    """Normal noise as the values of the weight of this name."""
    lower = key.lower()
    if noise.ndim == 1 and key.endswith("weight"):
        return 1 + 0.2 * noise
    if noise.ndim == 1 and key.endswith("bias"):
        if noise.shape[0] == 1 and "token_projection" in key:
            return 1.0 + 0.2 * noise
        if mlm_bias is not None and noise.shape[0] == mlm_bias[0]:
            return mlm_bias[1] + 1.0 * noise
        return 0.2 * noise
    if "relative_attention_bias" in lower:
        return 0.7 * noise
    if "query_weights" in lower or "doc_weights" in lower:
        return (0.7 * noise).abs()
    if "embed" in lower or "shared" in lower:
        return 0.6 * noise
    if ".q.weight" in lower:
        return 0.5 * deviation * noise
    return deviation * noise


def width(run: Generation, place: int) -> int:
    """Width of hidden states."""
    if run.options.small:
        return 16
    return 32 if run.is_committed else run.pick(place, 32, 48, 40, 32)


def bert_fields(run: Generation, place: int, vocabulary: int) -> Dict[str, Any]:
    """Fields of a tiny BERT."""
    return dict(
        vocab_size=vocabulary,
        hidden_size=width(run, place),
        num_hidden_layers=2,
        num_attention_heads=run.pick(place, 2, 4, 4),
        intermediate_size=run.pick(place, 48, 36, 40),
        max_position_embeddings=64,
        hidden_act=run.pick(place, "gelu", "gelu", "gelu_new"),
    )


def set_dropout(config: Any, names: Tuple[str, ...], dropout: Optional[float]) -> None:
    """Set the rates of dropout that a configuration has, where a wish says one."""
    if dropout is not None:
        for name in names:
            setattr(config, name, dropout)


BERT_RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def bert(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """A BERT, alone or with a head."""
    fields = {**bert_fields(run, wish.place, vocabulary), **wish.fields}
    config = BertConfig(**fields, pad_token_id=tokenizer.pad_token_id)
    set_dropout(config, BERT_RATES, wish.dropout)
    if wish.labels:
        config.num_labels = wish.labels
    classes = {None: BertModel, "mlm": BertForMaskedLM, "seqcls": BertForSequenceClassification}
    return classes[wish.head](config)


def electra(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """An ELECTRA, whose embeddings may be narrower."""
    fields = bert_fields(run, wish.place, vocabulary)
    narrow = run.pick(wish.place, 24, fields["hidden_size"])
    config = ElectraConfig(
        **{**fields, "embedding_size": narrow, **wish.fields}, pad_token_id=tokenizer.pad_token_id
    )
    set_dropout(config, BERT_RATES, wish.dropout)
    return ElectraModel(config)


def distilbert(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """A DistilBERT, alone or with its masked language model."""
    sizes = bert_fields(run, wish.place, vocabulary)
    fields = dict(
        vocab_size=vocabulary,
        dim=sizes["hidden_size"],
        n_layers=2,
        n_heads=sizes["num_attention_heads"],
        hidden_dim=sizes["intermediate_size"],
        max_position_embeddings=64,
        activation="gelu",
    )
    config = DistilBertConfig(**{**fields, **wish.fields}, pad_token_id=tokenizer.pad_token_id)
    set_dropout(config, ("dropout", "attention_dropout"), wish.dropout)
    return DistilBertForMaskedLM(config) if wish.head == "mlm" else DistilBertModel(config)


def roberta(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """A RoBERTa, alone or with its masked language model."""
    fields = {
        **bert_fields(run, wish.place, vocabulary),
        "max_position_embeddings": 66,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        **wish.fields,
    }
    config = RobertaConfig(
        **fields,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    set_dropout(config, BERT_RATES, wish.dropout)
    return RobertaForMaskedLM(config) if wish.head == "mlm" else RobertaModel(config)


def modernbert(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """A ModernBERT, alone or with its masked language model."""
    sizes = bert_fields(run, wish.place, vocabulary)
    fields = dict(
        vocab_size=vocabulary,
        hidden_size=sizes["hidden_size"],
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=sizes["num_attention_heads"],
        max_position_embeddings=64,
        global_attn_every_n_layers=2,
        local_attention=8,
        reference_compile=False,
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation="sdpa",
    )
    config = ModernBertConfig(**{**fields, **wish.fields})
    return ModernBertForMaskedLM(config) if wish.head == "mlm" else ModernBertModel(config)


def t5(run: Generation, wish: Wish, vocabulary: int, tokenizer: Any) -> Any:
    """A T5: both halves, the encoder alone, or with its language model."""
    sizes = bert_fields(run, wish.place, vocabulary)
    is_small = run.options.small
    fields = dict(
        vocab_size=vocabulary,
        d_model=sizes["hidden_size"],
        d_kv=4 if is_small else 8,
        d_ff=16 if is_small else 32,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=sizes["num_attention_heads"],
        relative_attention_num_buckets=16,
        relative_attention_max_distance=32,
        feed_forward_proj=run.pick(wish.place, "relu", "gated-gelu"),
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        tie_word_embeddings=wish.is_tied,
    )
    config = T5Config(**{**fields, **wish.fields})
    set_dropout(config, ("dropout_rate",), wish.dropout)
    classes = {None: T5Model, "enc": T5EncoderModel, "t5lm": T5ForConditionalGeneration}
    return classes[wish.head](config)


ARCHITECTURES: Dict[str, Callable[[Generation, Wish, int, Any], Any]] = {
    "bert": bert,
    "electra": electra,
    "distilbert": distilbert,
    "roberta": roberta,
    "modernbert": modernbert,
    "t5": t5,
}


def make_backbone(run: Generation, kind: str, name: str, wish: Wish = Wish()) -> Path:
    """Save a checkpoint as transformers does, with its tokenizer; the folder."""
    tokenizer_folder = small_tokenizer(run, kind, wish.place % 2)
    folder = run.temporary / "bb" / name.replace("/", "_")
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(tokenizer_folder, folder)
    vocabulary = token_count(tokenizer_folder)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    torch.manual_seed(run.number("init", name))
    model = ARCHITECTURES[kind](run, wish, vocabulary, tokenizer)
    bias = (vocabulary, wish.mlm_bias) if wish.head == "mlm" else None
    randomize(run, model, name, wish.deviation, bias)
    model.save_pretrained(folder)
    return folder


def vocabulary_size(folder: Path) -> int:
    """Size of the vocabulary of a saved model."""
    return int(json.loads((folder / "config.json").read_text())["vocab_size"])
