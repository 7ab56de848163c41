"""Makes cases of models in the formats of sentence-transformers, which saves and runs them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import sentence_transformers.sentence_transformer.modules as modules
import sentence_transformers.sparse_encoder.modules as sparse_modules
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder

from golden.backbones import Wish, make_backbone, randomize, vocabulary_size
from golden.encodings import (
    encoding_tensors,
    hide_temporary_everywhere,
    note_infinities,
    queries_and_documents,
)
from golden.generation import Case, Generation
from golden.texts import PASSAGES, QUERIES
from golden.writing import Tensors, edit_json, write_json, write_tensors

#: The flags of a pooling module before release 5, and the names that they have since.
LEGACY_POOLING = (
    ("cls_token", "cls"),
    ("mean_tokens", "mean"),
    ("max_tokens", "max"),
    ("mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
)


@dataclass(frozen=True)
class SentenceCase:
    """A case with a SentenceTransformer."""

    name: str
    kind: str
    place: int
    #: The modules behind the transformer, for its width.
    build: Callable[[int], List[torch.nn.Module]]
    note: str
    prompts: Dict[str, str] = field(default_factory=dict)
    default_prompt: Optional[str] = None
    #: Whether the folder is written as releases before 5 did.
    is_legacy: bool = False
    similarity: Optional[str] = None

    @property
    def path(self) -> str:
        """The case's folder."""
        return f"external/{self.name}"


LONGEST = 24


def external_texts(run: Generation, name: str) -> List[str]:
    """14 texts, five of them odd."""
    random = run.random("ext", name)
    pool = QUERIES + PASSAGES + run.texts.sentences[:300]
    texts = [pool[int(k)] for k in random.choice(len(pool), 9, replace=False)]
    odd = [
        "",
        "a",
        "caf\u00e9 \u5317\u4eac \U0001f600 !!",
        " ".join(run.texts.sentences[:4]),
        "Tabs\tand\nnewlines  spaces",
    ]
    return texts + odd


def make_legacy(folder: Path, width: int) -> None:
    """Rewrite a saved folder as releases before 5 wrote it."""
    for path in folder.glob("*Pooling/config.json"):
        mode = json.loads(path.read_text()).get("pooling_mode", "mean")
        chosen = [mode] if isinstance(mode, str) else mode
        flags = {f"pooling_mode_{old}": new in chosen for old, new in LEGACY_POOLING}
        path.write_text(json.dumps({"word_embedding_dimension": width, **flags}, indent=2))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": LONGEST, "do_lower_case": False}, indent=4)
    )
    path = folder / "modules.json"
    entries = json.loads(path.read_text())
    for entry in entries:
        entry["type"] = "sentence_transformers.models." + entry["type"].split(".")[-1]
    path.write_text(json.dumps(entries, indent=2))
    versions = {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"__version__": versions}, indent=2)
    )


def saved_sentence_model(run: Generation, wanted: SentenceCase, folder: Path) -> Any:
    """Make a model and save it; the model in memory."""
    backbone = make_backbone(run, wanted.kind, wanted.path, Wish(wanted.place))
    transformer = modules.Transformer(str(backbone), max_seq_length=LONGEST)
    width = transformer.get_embedding_dimension()
    torch.manual_seed(run.number(wanted.path))
    behind = wanted.build(width)
    for k, module in enumerate(behind):
        randomize(run, module, f"{wanted.path}/mod{k}")
    model = SentenceTransformer(
        modules=[transformer, *behind],
        prompts=wanted.prompts or None,
        default_prompt_name=wanted.default_prompt,
        similarity_fn_name=wanted.similarity,
        device="cpu",
    )
    model.save(str(folder), create_model_card=False)
    hide_temporary_everywhere(run, folder)
    if wanted.is_legacy:
        make_legacy(folder, width)
    return model


def encoded(model: Any, texts: List[str], **settings: Any) -> torch.Tensor:
    """Vectors of texts."""
    return torch.from_numpy(model.encode(texts, **settings).copy())


def make_sentence_case(run: Generation, wanted: SentenceCase) -> None:
    """Make a case with a SentenceTransformer."""
    if not run.wants(wanted.path):
        return
    with run.case(wanted.path, wanted.note) as case:
        folder = case.folder / "model"
        model = saved_sentence_model(run, wanted, folder)
        loaded = SentenceTransformer(str(folder), device="cpu").eval()
        texts = external_texts(run, wanted.path)
        found: Tensors = {"embeddings": encoded(loaded, texts, batch_size=4, convert_to_numpy=True)}
        for name in wanted.prompts:
            found[f"embeddings.prompt.{name}"] = encoded(loaded, texts, prompt_name=name)
        found["embeddings.normalize_embeddings"] = encoded(loaded, texts, normalize_embeddings=True)
        found["similarity"] = loaded.similarity(found["embeddings"][:5], found["embeddings"])
        if not wanted.is_legacy:
            in_memory = encoded(model.eval(), texts, batch_size=4)
            if not torch.equal(found["embeddings"], in_memory):
                case.note("reloaded folder gives different embeddings than the in-memory model")
        encoding = loaded.tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=loaded.max_seq_length,
            return_tensors="pt",
        )
        found.update(encoding_tensors("tok", encoding))
        note_infinities(case, found)
        write_tensors(found, case.folder / "expected.safetensors")
        write_json(
            dict(
                kind="sentence-transformers",
                texts=texts,
                prompts=wanted.prompts or None,
                default_prompt_name=wanted.default_prompt,
                similarity_fn=loaded.similarity_fn_name,
                max_seq_length=loaded.max_seq_length,
                modules=[type(module).__name__ for module in loaded],
            ),
            case.folder / "inputs.json",
        )


def make_cross_case(
    run: Generation, name: str, activation: Optional[str], labels: int, note: str
) -> None:
    """Make a case with a CrossEncoder.

    `activation` is `legacy` for an identity in config.json's old field, `identity`, or nil for the
    default.
    """
    path = f"external/{name}"
    if not run.wants(path):
        return
    with run.case(path, note) as case:
        wish = Wish(0 if labels == 1 else 2, "seqcls", labels=labels)
        backbone = make_backbone(run, "bert", path, wish)
        folder = case.folder / "model"
        if activation == "legacy":
            shutil.copytree(backbone, folder)
            edit_json(
                folder / "config.json",
                {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
            )
        else:
            function = torch.nn.Identity() if activation == "identity" else None
            CrossEncoder(
                str(backbone), device="cpu", max_length=48, activation_fn=function
            ).save_pretrained(str(folder))
            (folder / "README.md").unlink(missing_ok=True)
        hide_temporary_everywhere(run, folder)
        put_cross_outputs(run, case, path, folder)


def put_cross_outputs(run: Generation, case: Case, path: str, folder: Path) -> None:
    """Write what a CrossEncoder says of pairs."""
    model = CrossEncoder(str(folder), device="cpu")
    model.model.eval()
    queries, documents = queries_and_documents(run, path)
    pairs = [[query, text] for query, texts in zip(queries, documents) for text in texts]
    scores = torch.from_numpy(np.array(model.predict(pairs, batch_size=4)))
    encoding = model.tokenizer(
        [a for a, _ in pairs],
        [b for _, b in pairs],
        padding=True,
        truncation="longest_first",
        max_length=model.max_length,
        return_tensors="pt",
    )
    with torch.no_grad():
        logits = model.model(**encoding).logits
    found = dict(scores=scores, logits=logits, sigmoid=torch.sigmoid(logits))
    found.update(encoding_tensors("pair", encoding))
    write_tensors(found, case.folder / "expected.safetensors")
    write_json(
        dict(
            kind="st-cross-encoder",
            pairs=pairs,
            activation=type(model.activation_fn).__name__,
            max_length=model.max_length,
        ),
        case.folder / "inputs.json",
    )


def static_weights(run: Generation, path: str, vocabulary: int) -> torch.Tensor:
    """A weight a token that is not negative, as inverse document frequencies are."""
    noise = torch.randn(vocabulary, generator=run.torch_random(path, "idf"))
    return (noise * 1.5 + 2).clamp(min=0)


def make_sparse_router(run: Generation) -> None:
    """A SparseEncoder that weights queries by a table and documents by a model."""
    path = "external/st_sparse_router"
    if not run.wants(path):
        return
    with run.case(
        path,
        "SparseEncoder folder with Router (query: SparseStaticEmbedding, document: MLMTransformer +"
        " SpladePooling), saved by sentence-transformers 5.x",
    ) as case:
        backbone = make_backbone(run, "distilbert", path, Wish(0, "mlm"))
        weights = static_weights(run, path, vocabulary_size(backbone))
        transformer = sparse_modules.MLMTransformer(str(backbone), max_seq_length=32)
        pooling = sparse_modules.SpladePooling(
            pooling_strategy="max", activation_function=run.pick(0, "log1p_relu", "relu")
        )
        router = sparse_modules.Router.for_query_document(
            query_modules=[
                sparse_modules.SparseStaticEmbedding(
                    tokenizer=transformer.tokenizer, weight=weights
                )
            ],
            document_modules=[transformer, pooling],
        )
        model = SparseEncoder(modules=[router], device="cpu", similarity_fn_name="dot")
        folder = case.folder / "model"
        model.save_pretrained(str(folder), create_model_card=False)
        hide_temporary_everywhere(run, folder)
        (folder / "README.md").unlink(missing_ok=True)
        model = SparseEncoder(str(folder), device="cpu")
        texts = external_texts(run, path)
        queries = model.encode_query(texts, convert_to_tensor=True).to_dense()
        documents = model.encode_document(texts, convert_to_tensor=True).to_dense()
        write_tensors(
            dict(query_vectors=queries, doc_vectors=documents, scores=queries @ documents.T),
            case.folder / "expected.safetensors",
        )
        write_json(dict(kind="st-sparse-router", texts=texts), case.folder / "inputs.json")


def make_sparse_splade(run: Generation) -> None:
    """A SparseEncoder of one model."""
    path = "external/st_sparse_splade"
    if not run.wants(path):
        return
    with run.case(
        path,
        "SparseEncoder folder MLMTransformer + SpladePooling saved by sentence-transformers 5.x",
    ) as case:
        backbone = make_backbone(run, "bert", path, Wish(1, "mlm"))
        transformer = sparse_modules.MLMTransformer(str(backbone), max_seq_length=LONGEST)
        pooling = sparse_modules.SpladePooling(pooling_strategy=run.pick(0, "max", "sum"))
        folder = case.folder / "model"
        SparseEncoder(modules=[transformer, pooling], device="cpu").save_pretrained(
            str(folder), create_model_card=False
        )
        hide_temporary_everywhere(run, folder)
        texts = external_texts(run, path)
        model = SparseEncoder(str(folder), device="cpu")
        vectors = model.encode(texts, convert_to_tensor=True).to_dense()
        write_tensors(dict(vectors=vectors), case.folder / "expected.safetensors")
        write_json(
            dict(kind="st-sparse", texts=texts, max_seq_length=LONGEST), case.folder / "inputs.json"
        )
