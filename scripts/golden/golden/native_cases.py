"""Makes cases of models that Lightning IR makes, saves and loads again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from lightning_ir import BiEncoderModule, CrossEncoderModule

from golden.backbones import Wish, make_backbone, randomize
from golden.encodings import (
    copied,
    double_differences,
    embedding_tensors,
    encoding_tensors,
    fix_saved,
    flat,
    lightning_ir_fields,
    note_infinities,
    queries_and_documents,
)
from golden.generation import Case, Generation
from golden.writing import Tensors, edit_json, write_json, write_tensors


@dataclass(frozen=True)
class BiEncoder:
    """A case with a bi-encoder."""

    name: str
    kind: str
    config: Any
    place: int = 0
    note: Optional[str] = None
    head: Optional[str] = None
    #: The class of the backbone, where Lightning IR would take another.
    backbone_class: Any = None
    #: Whether hidden states of queries are kept.
    keeps_hidden: bool = False
    keeps_similarity: bool = False
    #: Fields that are added to config.json by hand.
    added: Dict[str, Any] = field(default_factory=dict)
    family: str = "native"

    @property
    def path(self) -> str:
        """The case's folder."""
        return f"{self.family}/{self.name}"


@dataclass(frozen=True)
class CrossEncoder:
    """A case with a cross-encoder."""

    name: str
    kind: str
    config: Any
    place: int = 0
    note: Optional[str] = None
    #: How many documents each query has; nil for four.
    counts: Optional[List[int]] = None
    #: Whether hidden states of pairs are kept.
    keeps_hidden: bool = False
    family: str = "native"

    @property
    def path(self) -> str:
        """The case's folder."""
        return f"{self.family}/{self.name}"


def reloaded(
    run: Generation, case: Case, module: Any, folder: Path, checks_new: bool, **arguments: Any
) -> Any:
    """The saved module, loaded again; or the one in memory where the reference loses weights.

    `checks_new` is whether weights that were not saved count as lost.
    """
    module_type = type(module)
    try:
        loaded = module_type(str(folder), **arguments).eval()
    except Exception as error:
        case.note(
            f"RELOAD of the saved folder FAILED in the reference ({type(error).__name__}:"
            f" {run.scrub(str(error))[:300]}); expectations come from the in-memory module."
        )
        loaded = module.eval()
    saved, again = module.model.state_dict(), loaded.model.state_dict()
    lost = [key for key in saved if key not in again or not torch.equal(saved[key], again[key])]
    if checks_new:
        lost += [key for key in again if key not in saved]
    if lost:
        case.note(
            "REFERENCE BUG: when this saved folder is reloaded by the reference, weights are"
            f" lost/re-initialised ({len(lost)} tensors, e.g. {lost[:4]}). The checkpoint on disk"
            " is complete; expectations come from the IN-MEMORY model with exactly the saved"
            " weights."
        )
        return module.eval()
    return loaded


def bi_encoder_outputs(
    wanted: BiEncoder, module: Any, queries: List[str], documents: List[List[str]]
) -> Tensors:
    """Vectors and scores of a bi-encoder."""
    with torch.no_grad():
        output = module.score(queries, documents)
        found = embedding_tensors("query", output.query_embeddings)
        found.update(embedding_tensors("doc", output.doc_embeddings))
        found["scores"] = output.scores
        if wanted.keeps_similarity and output.similarity is not None:
            found["similarity"] = output.similarity
        if wanted.keeps_hidden:
            hidden = module.model._backbone_forward(**output.query_embeddings.encoding)
            found["query.last_hidden_state"] = hidden.last_hidden_state
    return copied(found)


def saved_bi_encoder(run: Generation, case: Case, wanted: BiEncoder) -> Any:
    """Make a bi-encoder, save it in the case's folder, and load it again."""
    backbone = make_backbone(run, wanted.kind, wanted.path, Wish(wanted.place, wanted.head))
    if wanted.added:
        edit_json(backbone / "config.json", wanted.added)
    arguments = dict(BackboneModel=wanted.backbone_class) if wanted.backbone_class else {}
    torch.manual_seed(run.number("module", wanted.path))
    module = BiEncoderModule(str(backbone), config=wanted.config, **arguments)
    bias = (module.config.vocab_size, -5.0) if wanted.head == "mlm" else None
    randomize(run, module.model, wanted.path + "/final", mlm_bias=bias)
    folder = case.folder / "model"
    module.save_pretrained(folder)
    if wanted.added:
        path = folder / "config.json"
        edit_json(path, wanted.added, sort_keys=True)
        path.write_text(path.read_text() + "\n")
    fix_saved(run, folder)
    return reloaded(run, case, module, folder, checks_new=False, **arguments)


def make_bi_encoder(run: Generation, wanted: BiEncoder) -> None:
    """Make a case with a bi-encoder."""
    if not run.wants(wanted.path):
        return
    with run.case(wanted.path, wanted.note) as case:
        module = saved_bi_encoder(run, case, wanted)
        queries, documents = queries_and_documents(run, wanted.path)
        found = bi_encoder_outputs(wanted, module, queries, documents)
        note_infinities(case, found)
        write_tensors(found, case.folder / "expected.safetensors")
        described = dict(
            kind="bi-encoder",
            model_class=type(module.model).__name__,
            tokenizer_class=type(module.tokenizer).__name__,
            queries=queries,
            docs=documents,
            num_docs=[len(texts) for texts in documents],
            lir_config=lightning_ir_fields(wanted.config),
            effective_embedding_dim=module.config.embedding_dim,
        )
        module.model.double()
        torch.set_default_dtype(torch.float64)
        try:
            differences = double_differences(
                lambda: bi_encoder_outputs(wanted, module, queries, documents), found
            )
        finally:
            torch.set_default_dtype(torch.float32)
        write_json(described, case.folder / "inputs.json")
        write_json(dict(fp64_max_abs_diff=differences), case.folder / "expected.json")


def cross_encoder_outputs(
    wanted: CrossEncoder, module: Any, queries: List[str], documents: List[List[str]]
) -> Tensors:
    """Scores of a cross-encoder, and what its head takes."""
    counts = [len(texts) for texts in documents]
    with torch.no_grad():
        encoding = module.prepare_input(queries, flat(documents), counts)["encoding"]
        found = encoding_tensors("pair", encoding)
        output = module.score(queries, documents)
        found["scores"] = output.scores
        found["pooled"] = output.embeddings
        if wanted.keeps_hidden and "num_docs" not in encoding:
            inputs = dict(encoding)
            if module.config.is_encoder_decoder:
                pairs = encoding["input_ids"].shape[0]
                inputs["decoder_input_ids"] = torch.zeros((pairs, 1), dtype=torch.long)
            hidden = module.model._backbone_forward(**inputs)
            found["last_hidden_state"] = hidden.last_hidden_state
            if getattr(hidden, "encoder_last_hidden_state", None) is not None:
                found["encoder_last_hidden_state"] = hidden.encoder_last_hidden_state
    return copied(found)


def saved_cross_encoder(run: Generation, case: Case, wanted: CrossEncoder) -> Any:
    """Make a cross-encoder, save it in the case's folder, and load it again."""
    backbone = make_backbone(run, wanted.kind, wanted.path, Wish(wanted.place))
    torch.manual_seed(run.number("module", wanted.path))
    module = CrossEncoderModule(str(backbone), config=wanted.config)
    tokens, vocabulary = len(module.tokenizer), module.config.vocab_size
    if tokens > vocabulary:
        case.note(
            f"CrossEncoderModule does not resize embeddings although the tokenizer ({tokens}) is"
            f" larger than vocab_size ({vocabulary}); resized here by the generator with"
            " resize_token_embeddings(len, 8) (otherwise: index error)."
        )
        module.model.resize_token_embeddings(tokens, 8)
    randomize(run, module.model, wanted.path + "/final")
    folder = case.folder / "model"
    module.save_pretrained(folder)
    fix_saved(run, folder)
    return reloaded(run, case, module, folder, checks_new=True)


def make_cross_encoder(run: Generation, wanted: CrossEncoder) -> None:
    """Make a case with a cross-encoder."""
    if not run.wants(wanted.path):
        return
    with run.case(wanted.path, wanted.note) as case:
        module = saved_cross_encoder(run, case, wanted)
        queries, documents = queries_and_documents(run, wanted.path)
        if wanted.counts:
            documents = [texts[:count] for texts, count in zip(documents, wanted.counts)]
        found = cross_encoder_outputs(wanted, module, queries, documents)
        note_infinities(case, found)
        write_tensors(found, case.folder / "expected.safetensors")
        tokenizer = module.tokenizer
        described = dict(
            kind="cross-encoder",
            model_class=type(module.model).__name__,
            tokenizer_class=type(tokenizer).__name__,
            queries=queries,
            docs=documents,
            num_docs=[len(texts) for texts in documents],
            lir_config=lightning_ir_fields(wanted.config),
            truncated_queries=tokenizer._truncate(queries, tokenizer.query_length),
            truncated_docs=tokenizer._truncate(flat(documents), tokenizer.doc_length),
        )
        if isinstance(wanted.config.to_dict().get("sample_missing_docs"), bool):
            again = cross_encoder_outputs(wanted, module, queries, documents)
            if not torch.equal(again["scores"], found["scores"]):
                case.note(
                    "Scores are NOT deterministic across two runs in eval mode (sampled missing"
                    " docs)."
                )
                described["nondeterministic"] = True
        module.model.double()
        differences = double_differences(
            lambda: cross_encoder_outputs(wanted, module, queries, documents), found
        )
        write_json(described, case.folder / "inputs.json")
        write_json(dict(fp64_max_abs_diff=differences), case.folder / "expected.json")
