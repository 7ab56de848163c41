"""Family `training`: ten steps with every kind of head and loss."""

from __future__ import annotations

from typing import Any, List

from lightning_ir.models import (
    CoilConfig,
    ColConfig,
    DprConfig,
    MonoConfig,
    MvrConfig,
    SetEncoderConfig,
    SpladeConfig,
    UniCoilConfig,
)

from golden.generation import Generation
from golden.training_cases import Loss, TrainingCase, make_training

IN_BATCH: Loss = ("InBatchCrossEntropy", {}, 1.0)
FIRST_BY_FIRST: Loss = (
    "InBatchCrossEntropy",
    dict(pos_sampling_technique="first", neg_sampling_technique="first"),
    1.0,
)
FIRST_OF_OTHERS: Loss = (
    "InBatchCrossEntropy",
    dict(pos_sampling_technique="first", neg_sampling_technique="all_and_non_first"),
    1.0,
)


def single_vectors(run: Generation, **lengths: Any) -> List[TrainingCase]:
    """Cases of one vector a text, dense or of the vocabulary."""
    return [
        TrainingCase(
            "dpr_bert",
            "bert",
            0,
            DprConfig(pooling_strategy=run.pick(0, "mean", "first"), **lengths),
            [FIRST_OF_OTHERS],
            "first",
        ),
        TrainingCase(
            "splade_bert",
            "bert",
            1,
            SpladeConfig(**lengths),
            [
                ("RankNet", {}, 1.0),
                ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0),
            ],
            head="mlm",
        ),
        TrainingCase(
            "dpr_modernbert",
            "modernbert",
            0,
            DprConfig(pooling_strategy="mean", normalization_strategy="l2", **lengths),
            [("KLDivergence", {}, 1.0), IN_BATCH],
            "float",
        ),
        TrainingCase(
            "dpr_roberta",
            "roberta",
            0,
            DprConfig(pooling_strategy="first", **lengths),
            [("PearsonCorrelation", {}, 1.0), ("ApproxRankMSE", dict(discount="log2"), 0.2)],
            "float",
        ),
        TrainingCase(
            "splade_static",
            "bert",
            1,
            SpladeConfig(query_weighting="static", query_expansion=False, **lengths),
            [
                ("InfoNCE", {}, 1.0),
                ("L1Regularization", dict(query_weight=0.01, doc_weight=0.02), 1.0),
            ],
            "first",
            head="mlm",
        ),
        TrainingCase(
            "splade_doc",
            "distilbert",
            1,
            SpladeConfig(
                query_weighting=None,
                query_expansion=False,
                sparsification_strategy="relu_2xlog",
                **lengths,
            ),
            [("RankNet", {}, 1.0), IN_BATCH],
            "rank",
            head="mlm",
        ),
        TrainingCase(
            "splade_own_terms",
            "roberta",
            0,
            SpladeConfig(doc_expansion=False, pooling_strategy="sum", **lengths),
            [("KLDivergence", {}, 1.0)],
            "float",
            head="mlm",
        ),
        TrainingCase(
            "dpr_l2",
            "bert",
            0,
            DprConfig(similarity_function="l2", pooling_strategy="max", **lengths),
            [
                ("InfoNCE", {}, 1.0),
                ("L2Regularization", dict(query_weight=0.1, doc_weight=0.2), 1.0),
            ],
            "first",
        ),
        TrainingCase(
            "dpr_cosine_sparse",
            "distilbert",
            0,
            DprConfig(
                similarity_function="cosine",
                sparsification_strategy="relu_log",
                pooling_strategy="sum",
                projection=None,
                **lengths,
            ),
            [("InfoNCE", {}, 1.0)],
            "first",
        ),
    ]


def several_vectors(run: Generation, **lengths: Any) -> List[TrainingCase]:
    """Cases of several vectors a text."""
    return [
        TrainingCase(
            "col_bert",
            "bert",
            2,
            ColConfig(
                add_marker_tokens=True,
                query_expansion=True,
                normalization_strategy="l2",
                doc_mask_scoring_tokens="punctuation",
                **lengths,
            ),
            [("SupervisedMarginMSE", {}, 0.1), ("KLDivergence", {}, 1.0)],
            "float",
        ),
        TrainingCase(
            "col_bert_xtr",
            "bert",
            3,
            ColConfig(k_train=20, normalization_strategy="l2", **lengths),
            [("InfoNCE", {}, 1.0)],
            "first",
            note=(
                "k_train=20: XTR in-batch scoring (training mode only): keeps the top-k token"
                " similarities over all docs of the SAME query (not the whole batch), others set"
                " to 0."
            ),
        ),
        TrainingCase(
            "mvr_bert",
            "bert",
            2,
            MvrConfig(num_viewer_tokens=4, **lengths),
            [("InfoNCE", {}, 1.0), ("ContrastiveLocalLoss", {}, 0.1)],
            "first",
        ),
        TrainingCase(
            "coil_bert",
            "bert",
            2,
            CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **lengths),
            [("InfoNCE", {}, 1.0)],
            "first",
        ),
        TrainingCase(
            "coil_bert_inbatch",
            "bert",
            3,
            CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **lengths),
            [IN_BATCH],
            "first",
            note=(
                "COIL with in-batch negatives: the reference builds plain BiEncoderEmbedding for"
                " in-batch docs, without cls/token embeddings"
            ),
        ),
        TrainingCase(
            "col_distilbert_inbatch",
            "distilbert",
            1,
            ColConfig(normalization_strategy="l2", **lengths),
            [FIRST_BY_FIRST],
            "first",
        ),
        TrainingCase(
            "unicoil_bert",
            "bert",
            1,
            UniCoilConfig(**lengths),
            [
                ("InfoNCE", {}, 1.0),
                ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0),
            ],
            "first",
        ),
        TrainingCase(
            "col_mean",
            "bert",
            2,
            ColConfig(doc_aggregation_function="mean", query_aggregation_function="max", **lengths),
            [("InfoNCE", {}, 1.0)],
            "first",
        ),
        TrainingCase(
            "col_cosine_sum",
            "electra",
            0,
            ColConfig(
                similarity_function="cosine",
                query_aggregation_function="mean",
                doc_expansion=True,
                attend_to_doc_expanded_tokens=True,
                **lengths,
            ),
            [("KLDivergence", {}, 1.0), IN_BATCH],
            "float",
        ),
        TrainingCase(
            "col_l2",
            "bert",
            2,
            ColConfig(similarity_function="l2", **lengths),
            [("SupervisedMarginMSE", {}, 1.0)],
            "float",
        ),
        TrainingCase(
            "col_xtr_inbatch",
            "bert",
            3,
            ColConfig(k_train=30, normalization_strategy="l2", **lengths),
            [("InfoNCE", {}, 1.0), FIRST_BY_FIRST],
            "first",
        ),
        TrainingCase(
            "mvr_cosine",
            "bert",
            2,
            MvrConfig(
                num_viewer_tokens=3, similarity_function="cosine", add_marker_tokens=True, **lengths
            ),
            [
                FIRST_OF_OTHERS,
                ("ContrastiveLocalLoss", {}, 0.3),
                ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0),
            ],
            "first",
        ),
        TrainingCase(
            "coil_cosine",
            "distilbert",
            2,
            CoilConfig(
                token_embedding_dim=8, cls_embedding_dim=16, similarity_function="cosine", **lengths
            ),
            [("KLDivergence", {}, 1.0)],
            "float",
        ),
    ]


def cross_encoders(run: Generation, **lengths: Any) -> List[TrainingCase]:
    """Cases of cross-encoders."""
    return [
        TrainingCase(
            "mono_bert",
            "bert",
            0,
            MonoConfig(**lengths),
            [("RankNet", {}, 1.0)],
            "rank",
            is_cross_encoder=True,
        ),
        TrainingCase(
            "mono_electra",
            "electra",
            0,
            MonoConfig(scoring_strategy=run.pick(0, "rank", "mono"), linear_bias=True, **lengths),
            [("ApproxNDCG", {}, 1.0), ("ConstantMarginMSE", {}, 0.5)],
            is_cross_encoder=True,
        ),
        TrainingCase(
            "mono_t5",
            "t5",
            0,
            MonoConfig(scoring_strategy="mono", **lengths),
            [("RankNet", dict(temperature=2.0), 1.0)],
            "rank",
            is_cross_encoder=True,
        ),
        TrainingCase(
            "set_bert",
            "bert",
            3,
            SetEncoderConfig(depth=5, sample_missing_docs=False, **lengths),
            [("ApproxMRR", {}, 1.0), ("RankNet", {}, 0.5)],
            is_cross_encoder=True,
        ),
        TrainingCase(
            "mono_roberta_mean",
            "roberta",
            0,
            MonoConfig(pooling_strategy="mean", scoring_strategy="mono", **lengths),
            [("SupervisedMarginMSE", {}, 1.0)],
            "float",
            is_cross_encoder=True,
        ),
        TrainingCase(
            "mono_t5_rank",
            "t5",
            1,
            MonoConfig(scoring_strategy="rank", **lengths),
            [("InfoNCE", {}, 1.0)],
            "first",
            is_cross_encoder=True,
        ),
        TrainingCase(
            "set_electra",
            "electra",
            1,
            SetEncoderConfig(depth=3, scoring_strategy="mono", linear_bias=True, **lengths),
            [("KLDivergence", {}, 1.0)],
            "float",
            is_cross_encoder=True,
        ),
    ]


def make(run: Generation) -> None:
    """Make the family."""
    lengths = dict(query_length=16, doc_length=24)
    for cases in (single_vectors, several_vectors, cross_encoders):
        for wanted in cases(run, **lengths):
            make_training(run, wanted)
