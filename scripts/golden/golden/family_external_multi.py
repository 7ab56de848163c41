"""Family `external`, ColBERT, XTR, COIL, uniCOIL and DPR: published layouts of bi-encoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning_ir.models import CoilConfig, ColConfig, DprConfig, UniCoilConfig
from lightning_ir.models import register_external_models
from safetensors.torch import load_file
from transformers import T5EncoderModel

from golden.generation import Generation
from golden.lightning_ir_cases import ForeignCase, make_foreign, rewrite_weights
from golden.writing import edit_json


def field_of(folder: Path, name: str) -> int:
    """A number in config.json."""
    return int(json.loads((folder / "config.json").read_text())[name])


def make_colbert(run: Generation) -> None:
    """ColBERTv2's layout."""
    width = run.pick(0, 16, 24)

    def prepare(folder: Path, path: str) -> None:
        hidden = field_of(folder, "hidden_size")
        linear = 0.3 * torch.randn(width, hidden, generator=run.torch_random(path, "lin"))
        rewrite_weights(
            folder,
            lambda weights: {
                **{f"bert.{key}": value for key, value in weights.items()},
                "linear.weight": linear,
            },
        )
        edit_json(folder / "config.json", dict(architectures=["HF_ColBERT"], embedding_dim=width))
        (folder / "artifact.metadata").write_text(
            json.dumps(
                dict(
                    query_token_id="[unused0]",
                    doc_token_id="[unused1]",
                    query_token="[Q]",
                    doc_token="[D]",
                    attend_to_mask_tokens=False,
                    interaction="colbert",
                    dim=width,
                    doc_maxlen=40,
                    mask_punctuation=True,
                    checkpoint="x",
                    query_maxlen=16,
                    similarity="cosine",
                )
            )
        )

    config = ColConfig(
        query_length=16,
        doc_length=40,
        add_marker_tokens=True,
        normalization_strategy="l2",
        query_expansion=True,
        doc_mask_scoring_tokens="punctuation",
    )
    make_foreign(
        run,
        ForeignCase(
            "colbertv2",
            "bert",
            1,
            config,
            "HF_ColBERT layout (bert.* + linear.weight). embedding_dim was added to config.json by"
            " the generator (real one is 128 = default). Lightning IR: projection has a bias"
            " (absent in the checkpoint, initialised to 0); marker ids are NEW ids [QUE]=len(tok),"
            " [DOC]=len(tok)+1 whose embedding rows are copies of rows 1 and 2 ([unused0],"
            " [unused1]); query expansion: pads -> [MASK], attention_mask 0 on expanded tokens, all"
            " 16 query vectors scored.",
            key_mapping=[("linear.weight", "bert.projection.weight")],
            post=register_external_models._map_colbert_marker_tokens,
            prepare=prepare,
        ),
    )


def make_xtr(run: Generation) -> None:
    """XTR's layout."""
    name = Path("2_Dense") / "pytorch_model.bin"

    def prepare(folder: Path, path: str) -> None:
        hidden = field_of(folder, "d_model")
        weight = 0.3 * torch.randn(128, hidden, generator=run.torch_random(path, "dense"))
        (folder / name).parent.mkdir()
        torch.save({"linear.weight": weight}, folder / name)
        (folder / name).with_name("config.json").write_text(
            json.dumps(
                {
                    "in_features": hidden,
                    "out_features": 128,
                    "bias": False,
                    "activation_function": "torch.nn.modules.linear.Identity",
                }
            )
        )

    def post(model: Any) -> Any:
        weights = torch.load(Path(model.config.name_or_path) / name, weights_only=True)
        weights["projection.weight"] = weights.pop("linear.weight")
        model.load_state_dict(weights, strict=False)
        return model

    config = ColConfig(
        projection="linear_no_bias", normalization_strategy="l2", query_length=16, doc_length=32
    )
    make_foreign(
        run,
        ForeignCase(
            "xtr_t5",
            "t5",
            0,
            config,
            "google/xtr-base-en layout: T5 encoder + 2_Dense/pytorch_model.bin (torch zip pickle!)"
            " key linear.weight",
            "enc",
            backbone_class=T5EncoderModel,
            prepare=prepare,
            post=post,
        ),
    )


def make_unicoil(run: Generation, **lengths: int) -> None:
    """uniCOIL's layout."""

    def prepare(folder: Path, path: str) -> None:
        hidden = field_of(folder, "hidden_size")
        projection = {
            "coil_encoder.tok_proj.weight": (
                0.3 * torch.randn(1, hidden, generator=run.torch_random(path, "w"))
            ),
            "coil_encoder.tok_proj.bias": torch.tensor([0.7]),
        }
        rewrite_weights(
            folder,
            lambda weights: {
                **{f"coil_encoder.bert.{key}": value for key, value in weights.items()},
                **projection,
            },
        )

    mapping = [("coil_encoder.bert.", ""), ("coil_encoder.tok_proj", "token_projection")]
    make_foreign(
        run,
        ForeignCase(
            "unicoil",
            "bert",
            2,
            UniCoilConfig(projection="linear", **lengths),
            "castorini/unicoil style keys coil_encoder.bert.* / coil_encoder.tok_proj.*",
            key_mapping=mapping,
            prepare=prepare,
        ),
    )


def make_coil(run: Generation, **lengths: int) -> None:
    """COIL's layout."""

    def prepare(folder: Path, path: str) -> None:
        hidden = field_of(folder, "hidden_size")
        random = run.torch_random(path, "w")
        weights = {}
        for name, width in (("tok_proj", 8), ("cls_proj", 16)):
            weights[f"{name}.weight"] = 0.3 * torch.randn(width, hidden, generator=random)
            weights[f"{name}.bias"] = 0.2 * torch.randn(width, generator=random)
        torch.save(weights, folder / "model.pt")

    def post(model: Any) -> Any:
        weights = torch.load(Path(model.config.name_or_path) / "model.pt", map_location="cpu")
        model.load_state_dict(
            {
                f"{new}_projection.{part}": weights[f"{old}_proj.{part}"]
                for new, old in (("token", "tok"), ("cls", "cls"))
                for part in ("weight", "bias")
            },
            strict=False,
        )
        return model

    config = CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **lengths)
    make_foreign(
        run,
        ForeignCase(
            "coil",
            "bert",
            3,
            config,
            "fschlatt/coil-with-hn layout: BertModel + model.pt (torch zip pickle) with"
            " tok_proj/cls_proj",
            prepare=prepare,
            post=post,
        ),
    )


def save_as_pickle(folder: Path, path: str) -> None:
    """Save the weights as PyTorch does."""
    weights = load_file(str(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")


def make(run: Generation) -> None:
    """Make the cases of bi-encoders with dense vectors."""
    lengths = dict(query_length=16, doc_length=run.pick(0, 32, 40))
    make_colbert(run)
    make_xtr(run)
    make_unicoil(run, **lengths)
    make_coil(run, **lengths)
    make_foreign(
        run,
        ForeignCase(
            "dpr_pytorch_bin",
            "bert",
            0,
            DprConfig(projection=None, pooling_strategy="mean", **lengths),
            "sentence-transformers/msmarco-* loaded as DPR (projection=None, mean); weights only in"
            " pytorch_model.bin (torch zip pickle)",
            prepare=save_as_pickle,
        ),
    )
    make_foreign(
        run,
        ForeignCase(
            "dpr_from_mlm",
            "bert",
            1,
            DprConfig(projection=None, pooling_strategy="first", **lengths),
            "BertForMaskedLM checkpoint used as DPR backbone: bert. prefix stripped, cls.* ignored",
            "mlm",
        ),
    )
