"""Family `native_wheel`: what the older release on PyPI makes otherwise than git main."""

from __future__ import annotations

from typing import Any, Sequence

import lightning_ir
from lightning_ir.models import ColConfig, DprConfig, MonoConfig, MvrConfig, SpladeConfig

from golden.generation import Generation
from golden.native_cases import BiEncoder, CrossEncoder, make_bi_encoder, make_cross_encoder

FAMILY = "native_wheel"
WRITTEN = "Written and evaluated with the PyPI wheel lightning-ir 0.0.6 (older than git main). "


def bi_encoders(lengths: Any) -> Sequence[BiEncoder]:
    """The cases with bi-encoders."""
    return (
        BiEncoder(
            "dpr_default",
            "bert",
            DprConfig(**lengths),
            0,
            WRITTEN
            + "DprConfig() without pooling arguments: effective pooling_strategy is 'mean' here"
            " (git main: 'first'); the config keys query_pooling_strategy/doc_pooling_strategy"
            " are stored but unused.",
            family=FAMILY,
        ),
        BiEncoder(
            "dpr_normalize_true",
            "bert",
            DprConfig(normalize=True, projection=None, **lengths),
            1,
            WRITTEN
            + "config key normalize=true (git main: normalization_strategy='l2') -> L2 normalised",
            family=FAMILY,
        ),
        BiEncoder(
            "dpr_normalization_strategy_ignored",
            "bert",
            DprConfig(normalization_strategy="l2", pooling_strategy="first", **lengths),
            2,
            WRITTEN
            + "normalization_strategy='l2' is stored in config.json but IGNORED by DprModel of the"
            " wheel (git main applies it): same config.json, different embeddings",
            family=FAMILY,
        ),
        BiEncoder(
            "dpr_sparsification",
            "distilbert",
            DprConfig(sparsification_strategy="relu_log", pooling_strategy="max", **lengths),
            1,
            WRITTEN,
            family=FAMILY,
        ),
        BiEncoder(
            "splade_bert",
            "bert",
            SpladeConfig(**lengths),
            0,
            WRITTEN
            + "on-disk keys of the MLM head: projection.predictions.transform.dense/LayerNorm,"
            " projection.predictions.decoder.*, projection.predictions.bias (git main:"
            " projection.dense/norm/decoder)",
            "mlm",
            family=FAMILY,
        ),
        BiEncoder(
            "splade_distilbert_static",
            "distilbert",
            SpladeConfig(query_weighting="static", query_expansion=False, **lengths),
            1,
            WRITTEN + "on-disk keys projection.vocab_transform/vocab_layer_norm/vocab_projector",
            "mlm",
            family=FAMILY,
        ),
        BiEncoder(
            "mvr_bert",
            "bert",
            MvrConfig(num_viewer_tokens=3, **lengths),
            2,
            WRITTEN + "query pooling is always 'first'",
            family=FAMILY,
        ),
        BiEncoder(
            "col_bert",
            "bert",
            ColConfig(
                add_marker_tokens=True,
                query_expansion=True,
                normalization_strategy="l2",
                doc_mask_scoring_tokens="punctuation",
                **lengths,
            ),
            3,
            WRITTEN,
            family=FAMILY,
        ),
    )


def make(run: Generation) -> None:
    """Make the family."""
    if "site-packages" not in str(lightning_ir.__file__):
        raise ValueError(f"{lightning_ir.__file__} is not the wheel")
    for wanted in bi_encoders(dict(query_length=16, doc_length=32)):
        make_bi_encoder(run, wanted)
    make_cross_encoder(
        run,
        CrossEncoder(
            "mono_bert",
            "bert",
            MonoConfig(query_length=10, doc_length=30, linear_bias=True),
            0,
            WRITTEN,
            family=FAMILY,
        ),
    )
