"""Family `native`, cross-encoders: what Lightning IR's own models say of pairs of texts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from lightning_ir.models import MonoConfig, SetEncoderConfig

from golden.generation import Generation
from golden.native_cases import CrossEncoder, make_cross_encoder

MONO: Sequence[Tuple[str, Dict[str, Any]]] = (
    ("bert", dict(pooling_strategy="first")),
    ("bert", dict(pooling_strategy="mean", linear_bias=True)),
    ("bert", dict(pooling_strategy="bert_pool", linear_bias=True, scoring_strategy="mono")),
    ("bert", dict(pooling_strategy="max", scoring_strategy="mono")),
    ("bert", dict(pooling_strategy="sum", linear_bias=True)),
    ("electra", dict(pooling_strategy="first")),
    ("electra", dict(pooling_strategy="mean", linear_bias=True, scoring_strategy="mono")),
    ("roberta", dict(pooling_strategy="first", linear_bias=True)),
    ("roberta", dict(pooling_strategy="mean")),
    ("modernbert", dict(pooling_strategy="first")),
    ("modernbert", dict(pooling_strategy="mean", linear_bias=True)),
    ("distilbert", dict(pooling_strategy="first")),
)
#: Places of the cases of MONO that keep hidden states.
WITH_HIDDEN = (0, 5, 7, 9)
#: Backbone, settings, and how many documents each query has.
SET_ENCODERS: Sequence[Tuple[str, Dict[str, Any], Optional[List[int]]]] = (
    ("bert", dict(sample_missing_docs=False, depth=10), None),
    ("electra", dict(sample_missing_docs=False, depth=10), None),
    ("bert", dict(sample_missing_docs=False, add_extra_token=True, depth=10), None),
    (
        "electra",
        dict(sample_missing_docs=False, add_extra_token=True, depth=10, linear_bias=True),
        None,
    ),
    ("bert", dict(sample_missing_docs=True, depth=4), None),
    ("bert", dict(sample_missing_docs=False, depth=10), [4, 2, 3]),
    ("bert", dict(sample_missing_docs=True, depth=4, add_extra_token=True), None),
    ("electra", dict(sample_missing_docs=False, depth=100), [1, 1, 1]),
)


def make_mono(run: Generation, lengths: Dict[str, int]) -> None:
    """Encoders that see one pair."""
    for i, (kind, settings) in enumerate(MONO):
        if not run.is_committed:
            settings = dict(settings, linear_bias=not settings.get("linear_bias", False))
        note = None
        if settings["pooling_strategy"] == "bert_pool":
            note = (
                "pooling_strategy=bert_pool is saved as pooling_strategy=first plus _bert_pool=true"
                " in config.json"
            )
        make_cross_encoder(
            run,
            CrossEncoder(
                f"mono_{kind}_{i:02d}",
                kind,
                MonoConfig(**settings, **lengths),
                i,
                note,
                keeps_hidden=i in WITH_HIDDEN,
            ),
        )
    unlimited: Dict[str, Any] = dict(query_length=None, doc_length=None)
    variants: List[Dict[str, Any]] = [
        dict(scoring_strategy="mono", **unlimited),
        dict(scoring_strategy="rank", **unlimited),
        dict(scoring_strategy="mono", **lengths),
        dict(scoring_strategy="rank", pooling_strategy="mean", linear_bias=True, **lengths),
    ]
    for i, settings in enumerate(variants):
        make_cross_encoder(
            run,
            CrossEncoder(
                f"mono_t5_{i}",
                "t5",
                MonoConfig(**settings),
                i,
                "T5Model backbone (encoder-decoder), decoder input is one 0 token; ScaleLinear"
                " multiplies by d_model**-0.5.",
                keeps_hidden=i == 0,
            ),
        )
    make_cross_encoder(
        run,
        CrossEncoder(
            "mono_bert_maxlen",
            "bert",
            MonoConfig(query_length=16, doc_length=512),
            1,
            "doc_length (512) > model_max_length (64): pair encoding is truncated longest_first to"
            " model_max_length.",
        ),
    )
    make_cross_encoder(
        run,
        CrossEncoder(
            "mono_bert_tokpattern",
            "bert",
            MonoConfig(tokenizer_pattern="[CLS] Query: $A [SEP] Document: $B:1 [SEP]:1", **lengths),
            2,
            "tokenizer_pattern is stored in config.json but has NO effect in this version (only T5"
            " scoring_strategy templates change the post-processor).",
        ),
    )
    make_cross_encoder(
        run,
        CrossEncoder(
            "mono_bert_unequal",
            "bert",
            MonoConfig(**lengths),
            0,
            "unequal number of docs per query",
            counts=[4, 1, 2],
        ),
    )


def make_sets(run: Generation, lengths: Dict[str, int]) -> None:
    """Set-Encoders, which see all documents of a query."""
    for i, (kind, settings, counts) in enumerate(SET_ENCODERS):
        note = None
        if settings["sample_missing_docs"]:
            note = "sample_missing_docs=True with depth == number of docs (deterministic)"
        elif counts == [4, 2, 3]:
            note = "unequal num_docs with sample_missing_docs=False"
        make_cross_encoder(
            run,
            CrossEncoder(
                f"set_{kind}_{i}", kind, SetEncoderConfig(**settings, **lengths), i, note, counts
            ),
        )


def make(run: Generation) -> None:
    """Make the cross-encoders of the family."""
    lengths = dict(query_length=run.pick(0, 10, 12), doc_length=run.pick(0, 30, 26))
    make_mono(run, lengths)
    make_sets(run, lengths)
