"""Family `native`, bi-encoders: what Lightning IR's own models say of texts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from lightning_ir.models import (
    CoilConfig,
    ColConfig,
    DprConfig,
    MvrConfig,
    SpladeConfig,
    UniCoilConfig,
)
from transformers import T5EncoderModel

from golden import family_native_cross
from golden.generation import Generation
from golden.native_cases import BiEncoder, make_bi_encoder

#: Backbone, pooling, projection, similarity, normalization, sparsification, marker tokens.
DPR: Sequence[Tuple[str, str, Optional[str], str, Optional[str], Optional[str], bool]] = (
    ("bert", "first", "linear", "dot", None, None, False),
    ("bert", "mean", None, "cosine", None, None, False),
    ("bert", "max", "linear_no_bias", "dot", "l2", None, False),
    ("bert", "sum", None, "dot", None, "relu", True),
    ("bert", "mean", "linear", "cosine", "l2", "relu_log", True),
    ("bert", "first", "linear_no_bias", "dot", None, "relu_2xlog", False),
    ("distilbert", "mean", "linear", "dot", "l2", None, False),
    ("distilbert", "max", None, "cosine", None, "relu_log", False),
    ("roberta", "first", "linear", "dot", None, None, False),
    ("roberta", "mean", None, "cosine", "l2", None, False),
    ("electra", "mean", "linear_no_bias", "dot", None, None, False),
    ("electra", "first", None, "dot", "l2", None, False),
    ("modernbert", "mean", "linear", "dot", None, None, True),
    ("modernbert", "first", None, "cosine", "l2", None, False),
    ("modernbert", "max", "linear_no_bias", "dot", None, "relu", False),
)
POOLINGS = ["first", "mean", "max", "sum"]
PROJECTIONS = ["linear", "linear_no_bias", None]
SIMILARITIES = ["dot", "cosine"]
#: The aggregation that other seeds have instead.
NEXT_AGGREGATION = {"sum": "mean", "mean": "max", "max": "sum"}
#: Places of ColBERT's cases whose vectors have the usual 128 numbers.
USUAL_DIMENSION = (0, 3, 7, 10)

#: A backbone and the settings of its head.
Variant = Tuple[str, Dict[str, Any]]
SPLADE: Sequence[Variant] = (
    ("bert", {}),
    ("bert", dict(query_expansion=False, query_weighting="static")),
    ("bert", dict(query_expansion=False, query_weighting=None)),
    ("bert", dict(query_expansion=False)),
    ("bert", dict(sparsification_strategy="relu_2xlog")),
    ("bert", dict(sparsification_strategy="relu", pooling_strategy="sum", doc_expansion=False)),
    ("distilbert", {}),
    (
        "distilbert",
        dict(query_expansion=False, query_weighting="static", sparsification_strategy="relu_2xlog"),
    ),
    ("roberta", {}),
    ("roberta", dict(query_expansion=False, query_weighting="static")),
    ("modernbert", {}),
    ("modernbert", dict(query_expansion=False, query_weighting="static", pooling_strategy="max")),
    (
        "bert",
        dict(sparsification_strategy=None, pooling_strategy="mean", similarity_function="cosine"),
    ),
)
COIL: Sequence[Variant] = (
    ("bert", {}),
    ("bert", dict(projection="linear_no_bias", similarity_function="cosine")),
    ("distilbert", {}),
    ("electra", dict(add_marker_tokens=False, projection="linear_no_bias")),
)


def rotated(choices: List[Any], chosen: Any, by: int) -> Any:
    """Another one of some choices."""
    return choices[(choices.index(chosen) + by) % len(choices)]


def make_dpr(run: Generation, lengths: Dict[str, int]) -> None:
    """One vector a text."""
    seed = run.options.seed
    for i, (kind, pooling, projection, similarity, norm, sparsification, marks) in enumerate(DPR):
        if not run.is_committed:
            pooling = rotated(POOLINGS, pooling, seed)
            projection = rotated(PROJECTIONS, projection, seed)
            similarity = rotated(SIMILARITIES, similarity, seed)
        config = DprConfig(
            pooling_strategy=pooling,
            projection=projection,
            similarity_function=similarity,
            normalization_strategy=norm,
            sparsification_strategy=sparsification,
            add_marker_tokens=marks,
            **lengths,
        )
        make_bi_encoder(
            run, BiEncoder(f"dpr_{kind}_{i:02d}", kind, config, i, keeps_hidden=i % 3 == 0)
        )
    make_bi_encoder(
        run,
        BiEncoder(
            "dpr_bert_embdim_dropped",
            "bert",
            DprConfig(embedding_dim=20, projection="linear", **lengths),
            3,
            "Config asked for embedding_dim=20; the reference DROPS embedding_dim"
            " (BiEncoderConfig.to_diff_dict pops it): the projection is hidden x hidden and"
            " config.json has no embedding_dim.",
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "dpr_bert_embdim_in_config",
            "bert",
            DprConfig(projection="linear", **lengths),
            4,
            "embedding_dim=20 is honoured when it is present in the config.json that is loaded"
            " (hand-edited here; the reference never writes it).",
            added=dict(embedding_dim=20),
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "dpr_bert_nolength",
            "bert",
            DprConfig(query_length=None, doc_length=None, pooling_strategy="mean"),
            5,
            "query_length/doc_length null: max_length=None -> truncation at"
            " tokenizer.model_max_length (64).",
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "dpr_bert_len_not_multiple_of_8",
            "bert",
            DprConfig(query_length=12, doc_length=20),
            0,
            "query_length/doc_length not multiples of 8 (bi-encoders always pad to multiples of 8)",
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "dpr_t5_encoder",
            "t5",
            DprConfig(pooling_strategy="mean", projection=run.pick(0, None, "linear"), **lengths),
            1,
            "T5EncoderModel backbone passed explicitly; without it Lightning IR picks T5Model,"
            " whose forward fails for bi-encoders (needs decoder inputs).",
            "enc",
            T5EncoderModel,
        ),
    )


def col_variants(run: Generation) -> List[Variant]:
    """Backbones and settings of ColBERT's cases."""
    marked = dict(
        add_marker_tokens=True,
        query_expansion=True,
        attend_to_query_expanded_tokens=False,
        doc_mask_scoring_tokens="punctuation",
        normalization_strategy="l2",
    )
    return [
        ("bert", marked),
        (
            "bert",
            dict(
                add_marker_tokens=True,
                query_expansion=True,
                attend_to_query_expanded_tokens=True,
                doc_mask_scoring_tokens="punctuation",
                projection="linear_no_bias",
            ),
        ),
        (
            "bert",
            dict(
                similarity_function="cosine",
                query_aggregation_function="mean",
                doc_aggregation_function="max",
            ),
        ),
        (
            "bert",
            dict(
                query_aggregation_function="max",
                doc_aggregation_function="mean",
                query_mask_scoring_tokens=["the", "of", "?"],
                doc_mask_scoring_tokens=[",", "."],
            ),
        ),
        (
            "bert",
            dict(
                query_aggregation_function="sum",
                doc_aggregation_function="sum",
                doc_expansion=True,
                attend_to_doc_expanded_tokens=True,
            ),
        ),
        (
            "bert",
            dict(
                doc_expansion=True,
                query_expansion=True,
                normalization_strategy="l2",
                doc_mask_scoring_tokens="punctuation",
                query_mask_scoring_tokens="punctuation",
            ),
        ),
        ("distilbert", dict(query_expansion=True, normalization_strategy="l2")),
        ("roberta", dict(normalization_strategy="l2", doc_mask_scoring_tokens=[",", "."])),
        ("roberta", dict(query_expansion=True, attend_to_query_expanded_tokens=True)),
        ("electra", dict(query_expansion=True, doc_mask_scoring_tokens="punctuation")),
        (
            "modernbert",
            dict(
                add_marker_tokens=True,
                normalization_strategy="l2",
                projection="linear_no_bias",
                doc_mask_scoring_tokens="punctuation",
            ),
        ),
        (
            "modernbert",
            dict(
                add_marker_tokens=True,
                query_expansion=True,
                attend_to_query_expanded_tokens=run.pick(0, True, False),
            ),
        ),
    ]


def make_col(run: Generation, lengths: Dict[str, int]) -> None:
    """A vector a token."""
    for i, (kind, settings) in enumerate(col_variants(run)):
        if not run.is_committed:
            if "query_aggregation_function" in settings:
                settings["query_aggregation_function"] = NEXT_AGGREGATION[
                    settings["query_aggregation_function"]
                ]
            if "attend_to_query_expanded_tokens" in settings:
                settings["attend_to_query_expanded_tokens"] ^= True
            if "projection" not in settings and i % 2:
                settings["projection"] = "linear_no_bias"
        added: Dict[str, Any] = {}
        note = None
        if i not in USUAL_DIMENSION:
            added = dict(embedding_dim=run.pick(i, 24, 20))
            note = (
                "embedding_dim hand-added to config.json to keep the case small (the reference"
                " never writes it; absent = 128)"
            )
        make_bi_encoder(
            run,
            BiEncoder(
                f"col_{kind}_{i:02d}",
                kind,
                ColConfig(**settings, **lengths),
                i,
                note,
                keeps_similarity=i == 2,
                added=added,
            ),
        )
    make_bi_encoder(
        run,
        BiEncoder(
            "col_bert_embdim16",
            "bert",
            ColConfig(normalization_strategy="l2", query_expansion=True, **lengths),
            1,
            "embedding_dim=16 hand-added to config.json (the reference never writes embedding_dim;"
            " without it 128 is assumed). Lower-dimensional Col checkpoints need this key.",
            added=dict(embedding_dim=16),
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "col_t5_xtr",
            "t5",
            ColConfig(projection="linear_no_bias", normalization_strategy="l2", **lengths),
            0,
            "XTR style: T5EncoderModel backbone passed explicitly (BackboneModel=T5EncoderModel)"
            " for building AND reloading.",
            "enc",
            T5EncoderModel,
        ),
    )


def make_splade(run: Generation, lengths: Dict[str, int]) -> None:
    """A weight a token of the vocabulary."""
    for i, (kind, settings) in enumerate(SPLADE):
        note = " ".join(f"{key}={value}" for key, value in settings.items()) or "defaults"
        make_bi_encoder(
            run,
            BiEncoder(
                f"splade_{kind}_{i:02d}",
                kind,
                SpladeConfig(**settings, **lengths),
                i,
                note,
                "mlm",
                keeps_hidden=i == 0,
            ),
        )


def make_others(run: Generation, lengths: Dict[str, int]) -> None:
    """Multi-view vectors, COIL and uniCOIL."""
    make_bi_encoder(
        run,
        BiEncoder(
            "mvr_bert_0",
            "bert",
            MvrConfig(
                num_viewer_tokens=run.pick(0, 4, 3),
                pooling_strategy=run.pick(0, "first", "mean"),
                **lengths,
            ),
            0,
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "mvr_bert_1",
            "bert",
            MvrConfig(
                num_viewer_tokens=8,
                add_marker_tokens=True,
                similarity_function="cosine",
                normalization_strategy="l2",
                projection="linear_no_bias",
                pooling_strategy="mean",
                **lengths,
            ),
            1,
            "query mean pooling is called with attention_mask=None: padding positions are averaged"
            " in and the divisor is missing (see README): mean == sum.",
        ),
    )
    make_bi_encoder(
        run,
        BiEncoder(
            "mvr_electra", "electra", MvrConfig(num_viewer_tokens=2, projection=None, **lengths), 2
        ),
    )
    for i, (kind, settings) in enumerate(COIL):
        config = CoilConfig(
            token_embedding_dim=run.pick(i, 8, 12),
            cls_embedding_dim=run.pick(i, 16, 24),
            **settings,
            **lengths,
        )
        make_bi_encoder(run, BiEncoder(f"coil_{kind}_{i}", kind, config, i))
        projection = settings.get("projection", "linear")
        make_bi_encoder(
            run,
            BiEncoder(
                f"unicoil_{kind}_{i}", kind, UniCoilConfig(projection=projection, **lengths), i
            ),
        )
    make_bi_encoder(run, BiEncoder("unicoil_roberta", "roberta", UniCoilConfig(**lengths), 1))


def make(run: Generation) -> None:
    """Make the family."""
    # Lengths of bi-encoders must be multiples of 8.
    lengths = dict(query_length=run.pick(0, 24, 16), doc_length=run.pick(0, 40, 32))
    make_dpr(run, lengths)
    make_col(run, dict(query_length=run.pick(0, 8, 16, 24), doc_length=run.pick(0, 32, 24, 32)))
    make_splade(run, lengths)
    make_others(run, lengths)
    family_native_cross.make(run)
