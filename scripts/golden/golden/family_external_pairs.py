"""Family `external`, monoT5, RankT5 and monoBERT: published layouts of cross-encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

import torch
from lightning_ir.models import MonoConfig
from transformers import AutoTokenizer, BertForSequenceClassification, T5ForConditionalGeneration

from golden.generation import Generation
from golden.lightning_ir_cases import ForeignCase, Pairing, make_foreign
from golden.writing import Tensors

#: The names that monoBERT's weights have in Lightning IR.
MONOBERT = [
    ("classifier.weight", "bert.linear.weight"),
    ("classifier.bias", "bert.linear.bias"),
    ("bert.pooler.dense.weight", "bert.bert_pool.0.weight"),
    ("bert.pooler.dense.bias", "bert.bert_pool.0.bias"),
]


def label_ids(folder: Path) -> Dict[str, int]:
    """Ids of the tokens that scores are read from."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return dict(
        true_token_id=tokenizer.convert_tokens_to_ids("\u2581true"),
        false_token_id=tokenizer.convert_tokens_to_ids("\u2581false"),
        extra_id_10=tokenizer.convert_tokens_to_ids("<extra_id_10>"),
    )


def take_rows(*names: str) -> Callable[[Any], Any]:
    """Fills Lightning IR's linear layer with the embeddings of tokens."""

    def post(model: Any) -> Any:
        ids = label_ids(model.config.name_or_path)
        rows: List[int] = [ids[name] for name in names]
        model.linear.weight.data = model.shared.weight.data[rows]
        return model

    return post


def t5_reference(is_mono: bool) -> Callable[[Pairing], Tensors]:
    """Scores by transformers' T5."""

    def reference(pairing: Pairing) -> Tensors:
        ids = label_ids(pairing.folder)
        model = T5ForConditionalGeneration.from_pretrained(pairing.folder).eval()
        tokens = pairing.found["pair.input_ids"].long()
        logits = model(
            input_ids=tokens,
            attention_mask=pairing.found["pair.attention_mask"].long(),
            decoder_input_ids=torch.zeros(tokens.shape[0], 1, dtype=torch.long),
        ).logits[:, 0]
        if is_mono:
            both = logits[:, [ids["false_token_id"], ids["true_token_id"]]]
            scores = torch.log_softmax(both, -1)[:, 1]
        else:
            scores = logits[:, ids["extra_id_10"]]
        if not torch.allclose(scores, pairing.found["scores"], atol=1e-3):
            difference = float((scores - pairing.found["scores"]).abs().max())
            pairing.case.note(
                f"Lightning IR score differs from the HF logits (max {difference:.3g}): it always"
                " uses tied shared embeddings scaled by d_model**-0.5"
            )
        return {"hf_scores": scores}

    return reference


def bert_reference(pairing: Pairing) -> Tensors:
    """Scores by transformers' BERT with two labels."""
    model = BertForSequenceClassification.from_pretrained(pairing.folder).eval()
    columns = ("input_ids", "attention_mask", "token_type_ids")
    logits = model(**{key: pairing.found[f"pair.{key}"].long() for key in columns}).logits
    return {"hf_scores": torch.log_softmax(logits, -1)[:, 1]}


def make_t5(run: Generation) -> None:
    """monoT5 and RankT5."""
    mono = take_rows("false_token_id", "true_token_id")
    rank = take_rows("extra_id_10")
    unlimited = dict(query_length=None, doc_length=None)
    for wanted in (
        ForeignCase(
            "monot5",
            "t5",
            0,
            MonoConfig(scoring_strategy="mono", **unlimited),
            "monoT5: T5ForConditionalGeneration; scores = log_softmax([false,true])[true]; real ids"
            " are false=6136,true=1176; here see inputs.json. Prompt tokens come from fixed pieces:"
            " see pair.input_ids.",
            "t5lm",
            True,
            post=mono,
            reference=t5_reference(True),
            extra=label_ids,
        ),
        ForeignCase(
            "monot5_lengths",
            "t5",
            1,
            MonoConfig(scoring_strategy="mono", query_length=8, doc_length=16),
            "monoT5 with query_length/doc_length truncation (tokenise-truncate-decode-retokenise)",
            "t5lm",
            True,
            post=mono,
            reference=t5_reference(True),
            extra=label_ids,
        ),
        ForeignCase(
            "rankt5",
            "t5",
            1,
            MonoConfig(scoring_strategy="rank", **unlimited),
            "RankT5: score = logit of <extra_id_10>",
            "t5lm",
            True,
            post=rank,
            reference=t5_reference(False),
            extra=label_ids,
        ),
        ForeignCase(
            "rankt5_untied",
            "t5",
            0,
            MonoConfig(scoring_strategy="rank", **unlimited),
            "tie_word_embeddings=false checkpoint (T5 v1.1 style, separate lm_head): Lightning IR"
            " ignores lm_head and uses shared embeddings with scaling; ref.hf_scores is the true HF"
            " logit.",
            "t5lm",
            True,
            is_tied=False,
            post=rank,
            reference=t5_reference(False),
            extra=label_ids,
        ),
    ):
        make_foreign(run, wanted)


def make(run: Generation) -> None:
    """Make the cases of cross-encoders."""
    make_t5(run)
    config = MonoConfig(
        scoring_strategy="mono",
        linear_bias=True,
        pooling_strategy="bert_pool",
        query_length=run.pick(0, 12, 10),
        doc_length=32,
    )
    make_foreign(
        run,
        ForeignCase(
            "monobert",
            "bert",
            0,
            config,
            "monoBERT: BertForSequenceClassification, 2 labels, pooler",
            "seqcls",
            True,
            labels=2,
            key_mapping=MONOBERT,
            reference=bert_reference,
        ),
    )
