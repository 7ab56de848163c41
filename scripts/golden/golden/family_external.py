"""Family `external`: models in formats of sentence-transformers and published checkpoints."""

from __future__ import annotations

import torch
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling

from golden import family_external_multi, family_external_pairs, family_external_splade
from golden.generation import Generation
from golden.sentence_transformers_cases import (
    SentenceCase,
    make_cross_case,
    make_sentence_case,
    make_sparse_router,
    make_sparse_splade,
)

SENTENCES = (
    SentenceCase(
        "st_bert_mean", "bert", 0, lambda d: [Pooling(d, "mean")], "Transformer + mean pooling"
    ),
    SentenceCase(
        "st_bert_mean_norm_legacy",
        "bert",
        1,
        lambda d: [Pooling(d, "mean"), Normalize()],
        "all-MiniLM-style folder in the LEGACY on-disk format (sentence_bert_config.json with"
        " max_seq_length/do_lower_case, Pooling config with pooling_mode_* flags, module types"
        " sentence_transformers.models.*)",
        is_legacy=True,
        similarity="cosine",
    ),
    SentenceCase(
        "st_bert_cls_norm",
        "bert",
        2,
        lambda d: [Pooling(d, "cls"), Normalize()],
        "CLS + Normalize (bge style), prompts query/document",
        {"query": "query: ", "document": "passage: "},
        similarity="dot",
    ),
    SentenceCase(
        "st_distilbert_max_dense",
        "distilbert",
        1,
        lambda d: [Pooling(d, "max"), Dense(d, 20, bias=True, activation_function=torch.nn.Tanh())],
        "max pooling + Dense(tanh)",
    ),
    SentenceCase(
        "st_roberta_sqrtlen",
        "roberta",
        0,
        lambda d: [Pooling(d, "mean_sqrt_len_tokens"), Normalize()],
        "mean_sqrt_len_tokens pooling",
    ),
    SentenceCase(
        "st_bert_weightedmean",
        "bert",
        3,
        lambda d: [Pooling(d, "weightedmean")],
        "weightedmean pooling (position weights 1..n)",
    ),
    SentenceCase(
        "st_bert_lasttoken",
        "bert",
        0,
        lambda d: [Pooling(d, "lasttoken")],
        "lasttoken pooling (last attended token)",
    ),
    SentenceCase(
        "st_modernbert_mean_prompts",
        "modernbert",
        0,
        lambda d: [Pooling(d, "mean", include_prompt=False)],
        "default_prompt_name=query, include_prompt=False: prompt tokens are excluded from pooling",
        {"query": "search_query: ", "document": "search_document: "},
        "query",
    ),
    SentenceCase(
        "st_bert_concat_dense2",
        "bert",
        1,
        lambda d: [
            Pooling(d, ("cls", "mean")),
            Dense(2 * d, 24, bias=False, activation_function=torch.nn.Identity()),
            LayerNorm(24),
        ],
        "concatenated cls+mean pooling, Dense without bias + identity, LayerNorm",
    ),
)
#: Name, activation, number of labels, note.
CROSS_ENCODERS = (
    (
        "st_ce_bert_identity",
        "legacy",
        1,
        (
            "ms-marco style: BertForSequenceClassification, 1 label, config.json has"
            " sbert_ce_default_activation_function=torch.nn.modules.linear.Identity"
        ),
    ),
    (
        "st_ce_bert_identity_v5",
        "identity",
        1,
        "saved by sentence-transformers 5.x with activation_fn Identity",
    ),
    ("st_ce_bert_sigmoid", None, 1, "no activation in config: default for num_labels=1 is Sigmoid"),
    ("st_ce_bert_3labels", None, 3, "3 labels: predict() returns raw logits (activation Identity)"),
)


def make(run: Generation) -> None:
    """Make the family."""
    for wanted in SENTENCES:
        make_sentence_case(run, wanted)
    for name, activation, labels, note in CROSS_ENCODERS:
        make_cross_case(run, name, activation, labels, note)
    family_external_splade.make(run)
    make_sparse_router(run)
    make_sparse_splade(run)
    family_external_multi.make(run)
    family_external_pairs.make(run)
