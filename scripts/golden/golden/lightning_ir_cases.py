"""Makes cases of checkpoints in foreign formats that Lightning IR loads by its own mappings."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from lightning_ir import BiEncoderModule, CrossEncoderModule
from lightning_ir.base.external_model_hub import (
    BACKBONE_MAPPING,
    CHECKPOINT_MAPPING,
    POST_LOAD_CALLBACKS,
    STATE_DICT_KEY_MAPPING,
)
from safetensors.torch import load_file, save_file

from golden.backbones import Wish, make_backbone
from golden.encodings import (
    copied,
    embedding_tensors,
    encoding_tensors,
    fix_saved,
    flat,
    lightning_ir_fields,
    note_infinities,
    queries_and_documents,
)
from golden.generation import Case, Generation
from golden.writing import Tensors, write_json, write_tensors


@dataclass(frozen=True)
class Pairing:
    """Texts of a case and what Lightning IR made of them, for a reference that looks at them."""

    folder: Path
    case: Case
    found: Tensors


@dataclass(frozen=True)
class ForeignCase:
    """A case with a checkpoint in a foreign format."""

    name: str
    kind: str
    place: int
    config: Any
    note: str
    head: Optional[str] = None
    is_cross_encoder: bool = False
    is_tied: bool = True
    labels: Optional[int] = None
    #: Renames the weights of the checkpoint.
    key_mapping: Optional[Sequence[Tuple[str, str]]] = None
    #: Changes the model once it is loaded.
    post: Optional[Callable[[Any], Any]] = None
    backbone_class: Any = None
    #: Makes the foreign format of what transformers saved, for the case's path.
    prepare: Optional[Callable[[Path, str], None]] = None
    #: Further fields of inputs.json.
    extra: Optional[Callable[[Path], Dict[str, Any]]] = None
    #: What transformers alone says of the inputs.
    reference: Optional[Callable[[Pairing], Tensors]] = None

    @property
    def path(self) -> str:
        """The case's folder."""
        return f"external/{self.name}"


@contextlib.contextmanager
def registered(
    path: str, config: Any, key_mapping: Any = None, post: Any = None, backbone: Any = None
) -> Iterator[None]:
    """Lightning IR's mappings with an entry for a local folder."""
    entries = [
        (CHECKPOINT_MAPPING, config),
        (STATE_DICT_KEY_MAPPING, key_mapping),
        (POST_LOAD_CALLBACKS, post),
        (BACKBONE_MAPPING, backbone),
    ]
    for mapping, value in entries:
        if value is not None:
            mapping[path] = value
    try:
        yield
    finally:
        for mapping, _ in entries:
            mapping.pop(path, None)


def foreign_outputs(
    wanted: ForeignCase, module: Any, queries: List[str], documents: List[List[str]]
) -> Tensors:
    """What Lightning IR makes of the texts."""
    output = module.score(queries, documents)
    if not wanted.is_cross_encoder:
        found = embedding_tensors("query", output.query_embeddings)
        found.update(embedding_tensors("doc", output.doc_embeddings))
        found["scores"] = output.scores
        return copied(found)
    counts = [len(texts) for texts in documents]
    encoding = module.prepare_input(queries, flat(documents), counts)["encoding"]
    found = encoding_tensors("pair", encoding)
    found["scores"] = output.scores
    found["pooled"] = output.embeddings
    return copied(found)


def make_foreign(run: Generation, wanted: ForeignCase) -> None:
    """Make a case with a checkpoint in a foreign format."""
    if not run.wants(wanted.path):
        return
    with run.case(wanted.path, wanted.note) as case:
        wish = Wish(wanted.place, wanted.head, is_tied=wanted.is_tied, labels=wanted.labels)
        folder = case.folder / "model"
        shutil.copytree(make_backbone(run, wanted.kind, wanted.path, wish), folder)
        if wanted.prepare:
            wanted.prepare(folder, wanted.path)
        fix_saved(run, folder)
        queries, documents = queries_and_documents(run, wanted.path)
        with registered(
            str(folder), wanted.config, wanted.key_mapping, wanted.post, wanted.backbone_class
        ):
            torch.manual_seed(run.number("extload", wanted.path))
            module_type = CrossEncoderModule if wanted.is_cross_encoder else BiEncoderModule
            module = module_type(str(folder)).eval()
            with torch.no_grad():
                found = foreign_outputs(wanted, module, queries, documents)
                if wanted.reference:
                    reference = wanted.reference(Pairing(folder, case, found))
                    found.update({"ref." + key: v.clone() for key, v in reference.items()})
        described: Dict[str, Any] = dict(
            kind="cross-encoder" if wanted.is_cross_encoder else "bi-encoder",
            queries=queries,
            docs=documents,
            num_docs=[len(texts) for texts in documents],
            loaded_as=type(module.model).__name__,
            lir_config=lightning_ir_fields(wanted.config),
        )
        if wanted.extra:
            described.update(wanted.extra(folder))
        if hasattr(module.config, "_bert_pool"):
            described["lir_config"]["_bert_pool"] = module.config._bert_pool
        note_infinities(case, found)
        write_tensors(found, case.folder / "expected.safetensors")
        write_json(described, case.folder / "inputs.json")


def rewrite_weights(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Change the names or values of a saved model's weights."""
    path = str(folder / "model.safetensors")
    changed = change(load_file(path))
    save_file(
        {key: value.contiguous().clone() for key, value in changed.items()},
        path,
        metadata={"format": "pt"},
    )
