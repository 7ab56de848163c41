"""What is kept of a model's inputs and outputs, and the texts that it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

import torch

from golden.generation import Case, Generation
from golden.texts import PASSAGES, QUERIES
from golden.writing import Tensors

#: Fields of a configuration that are Lightning IR's own.
LIGHTNING_IR_FIELDS = set("""
    query_length doc_length similarity_function normalization_strategy sparsification_strategy
    add_marker_tokens pooling_strategy embedding_dim projection query_expansion
    attend_to_query_expanded_tokens doc_expansion attend_to_doc_expanded_tokens
    query_mask_scoring_tokens doc_mask_scoring_tokens query_aggregation_function
    doc_aggregation_function k_train query_weighting doc_weighting num_viewer_tokens
    token_embedding_dim cls_embedding_dim linear_bias scoring_strategy tokenizer_pattern depth
    add_extra_token sample_missing_docs normalize sparsification query_pooling_strategy
    doc_pooling_strategy _bert_pool""".split())


def lightning_ir_fields(config: Any) -> Dict[str, Any]:
    """A configuration as it was asked for; what the model's config.json says rules."""
    return {key: value for key, value in config.to_dict().items() if key in LIGHTNING_IR_FIELDS}


def queries_and_documents(
    run: Generation, name: str, queries: int = 3, documents: int = 4
) -> Tuple[List[str], List[List[str]]]:
    """Queries and the documents of each, an empty and a long one among them."""
    random = run.random("qd", name)
    sentences = run.texts.sentences
    if run.is_committed:
        asked = [QUERIES[int(k)] for k in random.choice(len(QUERIES), queries, replace=False)]
    else:
        asked = [sentences[int(k)][:60] for k in random.choice(400, queries, replace=False)]
    pool = PASSAGES + sentences[400:900]
    found = [
        [pool[int(k)] for k in random.choice(len(pool), documents, replace=False)]
        for _ in range(queries)
    ]
    if documents >= 3 and queries >= 2:
        found[0][1] = "caf\u00e9 na\u00efve, (test) -- \u5317\u4eac \U0001f600! Don't stop."
        found[1][2] = ""
        found[1][0] = asked[1] + " " + found[1][0]
        found[-1][-1] = " ".join(pool[int(k)] for k in random.choice(len(pool), 4, replace=False))
        asked[-1] = asked[-1] + "?"
    return asked, found


def flat(documents: List[List[str]]) -> List[str]:
    """The documents of all queries, one after the other."""
    return [text for texts in documents for text in texts]


def copied(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Copies of tensors, which later runs do not change."""
    return {key: value.clone() for key, value in tensors.items()}


def encoding_tensors(prefix: str, encoding: Mapping[str, Any]) -> Tensors:
    """Ids and masks of an encoding."""
    found: Tensors = {}
    for key, value in encoding.items():
        if isinstance(value, torch.Tensor):
            is_mask = key in ("attention_mask", "token_type_ids")
            found[f"{prefix}.{key}"] = value.to(torch.uint8) if is_mask else value
    return found


def embedding_tensors(prefix: str, embeddings: Any) -> Tensors:
    """The vectors of texts, what of them counts, and the encoding that they come from."""
    found: Tensors = {f"{prefix}.embeddings": embeddings.embeddings}
    if embeddings.scoring_mask is not None:
        found[f"{prefix}.scoring_mask"] = embeddings.scoring_mask
    for key in ("cls_embeddings", "token_embeddings"):
        if getattr(embeddings, key, None) is not None:
            found[f"{prefix}.{key}"] = getattr(embeddings, key)
    found.update(encoding_tensors(prefix, embeddings.encoding))
    return copied(found)


def note_infinities(case: Case, tensors: Mapping[str, torch.Tensor]) -> None:
    """Say which tensors hold values that are not finite."""
    bad = [
        key
        for key, value in tensors.items()
        if value.is_floating_point() and not torch.isfinite(value).all()
    ]
    if bad:
        case.note("Non-finite values occur (reference behaviour, keep): " + ", ".join(bad))


def double_differences(compute: Callable[[], Tensors], single: Tensors) -> Dict[str, Any]:
    """How far each tensor is from what `compute` gives in double precision.

    That is where tolerances come from.
    """
    try:
        double = compute()
        found: Dict[str, Any] = {}
        for key, value in single.items():
            if value.is_floating_point() and key in double:
                difference = (value.double() - double[key].double()).abs()
                difference = difference[torch.isfinite(difference)]
                found[key] = float(difference.max()) if difference.numel() else 0.0
        return found
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:160]}


def fix_saved(run: Generation, folder: Path) -> None:
    """Take out of a saved model what is not the same in every run, and what is large."""
    for name in ("config.json", "tokenizer_config.json"):
        hide_temporary(run, folder / name)
    (folder / "spiece.model").unlink(missing_ok=True)


def hide_temporary(run: Generation, path: Path) -> None:
    """Replace the temporary folder in a file, which need not exist."""
    if path.exists():
        path.write_text(path.read_text().replace(str(run.temporary), "/golden_tmp"))


def hide_temporary_everywhere(run: Generation, folder: Path) -> None:
    """Replace the temporary folder in all JSON files of a folder."""
    for path in folder.rglob("*.json"):
        hide_temporary(run, path)
