#!/usr/bin/env python3
"""The peers' side of scripts/bench: one network in one runtime, told what to do line by line.

    bench_peers.py make NAME TOKENIZER DIR        # a model with random weights, at BERT-base's size
    bench_peers.py serve SETTINGS                 # JSON; see `Settings`

A served peer reads commands as JSON lines and answers each with one: {"batch": 32, "part": true}
computes the texts (or a fixed part of them, for choosing the batch size) and answers with seconds;
{"save": FILE} keeps what was computed last; {"compare": FILE, "with": FILE} sets a result of ours
or a saved one against a saved one. A peer that cannot run says {"skipped": REASON} and ends.

Every runtime gets the whole job as one network, pooling included, tokens of similar length side by
side, and padding no longer than the longest text of a batch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lirt  # noqa: E402

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
#: Rows of a batch in the order of INPUTS, to one row of results a text.
Run = Callable[[List[np.ndarray]], np.ndarray]


class Skipped(Exception):
    """This runtime cannot do this, and why."""


@dataclass
class Settings:
    """What is computed, and how: the keys of the JSON object."""

    model: str
    kind: str  # dense, splade or cross
    texts: List[List[str]]  # one text, or a query and a document
    ids: List[str]
    max_length: int
    runtime: str
    precision: str
    threads: int
    cpu_time: bool
    part: int  # texts of a part


# --- models


def make_model(name: str, tokenizer: Path, folder: Path) -> None:
    """BERT-base or Qwen3-0.6B with random weights, in the layout that its kind has on the hub."""
    import torch
    from transformers import (AutoTokenizer, BertConfig, BertForMaskedLM,
                              BertForSequenceClassification, BertModel, Qwen3Config, Qwen3Model)

    torch.manual_seed(1)
    words = AutoTokenizer.from_pretrained(tokenizer)
    config: Any = BertConfig(vocab_size=len(words), num_labels=1)
    if name == "decoder":
        config = Qwen3Config(
            vocab_size=151_669, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
            num_attention_heads=16, num_key_value_heads=8, head_dim=128, pad_token_id=0,
            bos_token_id=None, eos_token_id=None, dtype="bfloat16")
    make = {"dense": BertModel, "splade": BertForMaskedLM, "cross": BertForSequenceClassification,
            "decoder": Qwen3Model}
    folder.mkdir(parents=True, exist_ok=True)
    words.save_pretrained(folder)
    if name == "decoder":
        enlarge(folder / "tokenizer.json", config.vocab_size)
    if name in ("dense", "decoder"):
        pooled = "mean_tokens" if name == "dense" else "lasttoken"
        kinds = ["Transformer", "Pooling", "Normalize"]
        paths = ["", "1_Pooling", "2_Normalize"]
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(
            {"word_embedding_dimension": config.hidden_size, "pooling_mode_mean_tokens": False,
             f"pooling_mode_{pooled}": True}))
        (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 512}')
        (folder / "modules.json").write_text(json.dumps([
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (kind, path) in enumerate(zip(kinds, paths))]))
    model = make[name](config)
    if name == "decoder":
        model = model.to(torch.bfloat16)
    model.save_pretrained(folder)  # config.json last: a folder with one is complete


def enlarge(path: Path, count: int) -> None:
    """Words that no text has, so that a tokenizer fits an embedding table."""
    tokenizer = json.loads(path.read_text("utf-8"))
    words = tokenizer["model"]["vocab"]
    words.update({f"[more {i}]": i for i in range(len(words), count)})
    path.write_text(json.dumps(tokenizer), "utf-8")


def is_decoder(settings: Settings) -> bool:
    """Whether the network takes no types of tokens, and looks back alone."""
    config = json.loads(Path(settings.model, "config.json").read_text())
    return "num_key_value_heads" in config


def network(settings: Settings) -> Any:
    """The whole job as a torch module: token ids in, embeddings, term weights or scores out."""
    import torch
    from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

    load = {"dense": AutoModel, "splade": AutoModelForMaskedLM,
            "cross": AutoModelForSequenceClassification}[settings.kind]
    # SDPA is torch's fastest attention; onnxruntime's optimizer knows the written-out one.
    backbone = load.from_pretrained(
        settings.model, dtype=torch.float32,
        attn_implementation="eager" if settings.runtime == "onnxruntime" else "sdpa")
    path = Path(settings.model, "1_Pooling", "config.json")
    pooling = json.loads(path.read_text()) if path.exists() else {}
    first, last = (pooling.get(f"pooling_mode_{t}") for t in ("cls_token", "lasttoken"))
    kind = settings.kind
    decodes = is_decoder(settings)

    class Job(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone

        def forward(self, ids: Any, mask: Any, types: Any = None) -> Any:
            if decodes:
                seen = mask
                if settings.runtime == "openvino":  # What makes this mask otherwise cannot be traced.
                    places = torch.arange(ids.shape[1])
                    seen = (places[None] <= places[:, None]) & mask[:, None, None, :].bool()
                found = self.backbone(input_ids=ids, attention_mask=seen, use_cache=False,
                                      return_dict=False)[0]
            else:
                found = self.backbone(input_ids=ids, attention_mask=mask, token_type_ids=types,
                                      return_dict=False)[0]
            if kind == "cross":
                return found[:, :1]
            if kind == "splade":
                # The logarithm of the largest is the largest logarithm, and cheaper.
                found = (found + (mask[..., None].to(found.dtype) - 1) * 1e4).amax(1)
                return torch.log1p(torch.relu(found))
            if first:
                found = found[:, 0]
            elif last:
                found = found[torch.arange(found.shape[0]), mask.sum(1) - 1]
            else:
                weights = mask[..., None].to(found.dtype)
                found = (found * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(found, dim=-1)

    return Job().eval()


# --- runtimes


def run_torch(settings: Settings, _: Path) -> Run:
    import torch

    job = network(settings)
    if settings.precision == "bf16":
        job = job.to(torch.bfloat16)
    if settings.precision == "int8":
        job = torch.ao.quantization.quantize_dynamic(
            job, {torch.nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig})

    def run(rows: List[np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            return job(*(torch.from_numpy(r) for r in rows)).float().numpy()

    return run


def export(settings: Settings, folder: Path) -> Path:
    """The job as ONNX."""
    import torch

    path = folder / "model.onnx"
    rows = (torch.ones(2, 8, dtype=torch.int64),) * 3
    with torch.inference_mode():
        torch.onnx.export(
            network(settings), rows, str(path), input_names=list(INPUTS), output_names=["found"],
            opset_version=17, dynamo=False,
            dynamic_axes={**{n: {0: "batch", 1: "length"} for n in INPUTS}, "found": {0: "batch"}})
    return path


def run_onnxruntime(settings: Settings, folder: Path) -> Run:
    import onnxruntime

    if settings.precision == "bf16":
        raise Skipped("no bf16 on x86-64 CPUs")
    if is_decoder(settings):
        raise Skipped("its optimizer knows no decoders without a head")
    path = fused(settings, export(settings, folder), folder)
    if settings.precision == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        narrow = folder / "int8.onnx"
        quantize_dynamic(str(path), str(narrow), per_channel=True, weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": 1})  # FLOAT; fusing lost the types
        path = narrow
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = settings.threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}
    kinds = {i.name: np.int32 if "int32" in i.type else np.int64 for i in session.get_inputs()}

    def run(rows: List[np.ndarray]) -> np.ndarray:
        return session.run(None, {n: r.astype(kinds[n], copy=False)
                                  for n, r in zip(INPUTS, rows) if n in names})[0]

    return run


def fused(settings: Settings, path: Path, folder: Path) -> Path:
    """The network with attention, GELU and norms fused by onnxruntime's transformers optimizer."""
    from onnxruntime.transformers import optimizer

    config = json.loads(Path(settings.model, "config.json").read_text())
    better = optimizer.optimize_model(
        str(path), model_type="bert", num_heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"], opt_level=0, use_gpu=False)
    found = folder / "fused.onnx"
    better.save_model_to_file(str(found))
    print("fused:", better.get_fused_operator_statistics(), file=sys.stderr)
    return found


def run_openvino(settings: Settings, folder: Path) -> Run:
    import openvino

    if is_decoder(settings):  # ONNX files end at 2 GB.
        import torch

        example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in INPUTS[:2])
        model = openvino.convert_model(network(settings), example_input=example)
    else:
        model = openvino.convert_model(str(export(settings, folder)))
    count = len(model.inputs)
    hint = "bf16" if settings.precision == "bf16" else "f32"
    if settings.precision == "int8":
        model = calibrated(settings, model)
    compiled = openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": settings.threads, "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": hint})
    if hint == "bf16" and compiled.get_property("INFERENCE_PRECISION_HINT") != openvino.Type.bf16:
        raise Skipped("no bf16 on this CPU")
    request = compiled.create_infer_request()

    def run(rows: List[np.ndarray]) -> np.ndarray:
        request.infer(rows[:count])
        return request.get_output_tensor(0).data.copy()

    return run


def calibrated(settings: Settings, model: Any) -> Any:
    """Weights and activations as int8, their ranges from the texts themselves (NNCF)."""
    import nncf

    batches = Peer.batches(tokens(settings)[:128], 4)
    return nncf.quantize(
        model, nncf.Dataset([dict(zip(INPUTS, rows)) for _, rows in batches], lambda x: x),
        model_type=nncf.ModelType.TRANSFORMER, subset_size=32)


RUNTIMES = {"torch": run_torch, "onnxruntime": run_onnxruntime, "openvino": run_openvino}


# --- texts


def tokens(settings: Settings) -> List[Tuple[List[int], List[int]]]:
    """Ids and types of each text."""
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(settings.model)(
        *map(list, zip(*settings.texts)), truncation=True, max_length=settings.max_length,
        return_token_type_ids=True)
    return list(zip(found["input_ids"], found["token_type_ids"]))


class Peer:
    """A runtime with its network loaded."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.now = time.process_time if settings.cpu_time else time.perf_counter
        step = max(1, len(settings.texts) // settings.part)
        self.part = list(range(0, len(settings.texts), step))[: settings.part]
        self.found = np.zeros((0, 0), np.float32)
        self.run: Run
        self.sentences: Any = None
        if settings.runtime in RUNTIMES:
            self.run = RUNTIMES[settings.runtime](settings, folder)
        else:
            self.sentences = self.load_sentences()  # it has a loop of its own

    def load_sentences(self) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer

        if self.settings.kind != "dense" or self.settings.precision == "int8":
            raise Skipped("only for dense models in f32 and bf16")
        model = SentenceTransformer(self.settings.model, device="cpu")
        model.max_seq_length = self.settings.max_length
        return model.to(torch.bfloat16) if self.settings.precision == "bf16" else model

    def describe(self) -> Dict[str, Any]:
        sizes = [len(ids) for ids, _ in tokens(self.settings)]
        name = self.settings.runtime
        return {"ready": name, "version": version(name), "lengths": sizes, "part": len(self.part)}

    @staticmethod
    def batches(texts: List[Tuple[List[int], List[int]]], size: int
                ) -> List[Tuple[List[int], List[np.ndarray]]]:
        """Texts in order of length, and each batch's rows."""
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i][0]))
        found = []
        for at in range(0, len(order), size):
            chosen = order[at : at + size]
            rows = [np.zeros((len(chosen), len(texts[chosen[0]][0])), np.int64) for _ in INPUTS]
            for row, text in enumerate(chosen):
                ids, types = texts[text]
                rows[0][row, : len(ids)], rows[2][row, : len(ids)] = ids, types
                rows[1][row, : len(ids)] = 1
            found.append((chosen, rows))
        return found

    def compute(self, batch: int, part: bool) -> float:
        chosen = self.part if part else range(len(self.settings.texts))
        some = Settings(**{**vars(self.settings),
                           "texts": [self.settings.texts[i] for i in chosen]})
        start = self.now()
        if self.sentences is not None:
            self.found = self.sentences.encode(
                [t[0] for t in some.texts], batch_size=batch, normalize_embeddings=True,
                convert_to_numpy=False, convert_to_tensor=True, show_progress_bar=False
            ).float().numpy()
            return self.now() - start
        found: Any = None
        for rows_of, rows in self.batches(tokens(some), batch):
            result = self.run(rows)
            assert result.shape[0] == len(rows_of) and result.ndim == 2, result.shape
            if found is None:
                found = np.zeros((len(some.texts), result.shape[-1]), np.float32)
            found[rows_of] = result
        self.found = found
        return self.now() - start

    def answer(self, command: Dict[str, Any]) -> Dict[str, Any]:
        if "batch" in command:
            return {"seconds": self.compute(command["batch"], command.get("part", False))}
        if "save" in command:
            np.save(command["save"], self.found)
            return {"saved": list(self.found.shape)}
        expected = np.load(command["with"])
        found = result(Path(command["compare"]), self.settings.ids, expected.shape)
        return agreement(found, expected, self.settings.kind)


def result(path: Path, ids: List[str], shape: Tuple[int, ...]) -> np.ndarray:
    """What was computed, in the order of the texts: a saved array, a tensor stream or a run."""
    if path.suffix == ".npy":
        return np.load(path)
    found = np.full(shape, np.nan, np.float32)
    places = {name: i for i, name in enumerate(ids)}
    if path.suffix == ".run":
        for line in path.read_text("utf-8").splitlines():
            _, _, document, _, score, _ = line.split()
            found[places[document]] = float(score)
        return found
    stream = lirt.read(path)
    rows = stream.dense(shape[1]) if stream.kind == "sparse" else stream.vectors
    found[[places[name] for name in stream.ids]] = rows
    return found


def agreement(found: np.ndarray, expected: np.ndarray, kind: str) -> Dict[str, float]:
    """The least cosine of any text; of scores, which are one number a text, their correlation."""
    if kind == "cross":
        found, expected = ((a.T - a.mean()) for a in (found.astype(float), expected.astype(float)))
    both = np.einsum("ij,ij->i", found, expected)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    least = float((both / np.maximum(lengths, 1e-30)).min())
    return {"cosine": -1.0 if np.isnan(least) else least}


def serve(settings: Settings) -> int:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # runtimes print what they like
    with tempfile.TemporaryDirectory(prefix="bench_peers.") as folder:
        try:
            import torch
            torch.set_num_threads(settings.threads)
            peer = Peer(settings, Path(folder))
            described = peer.describe()
        except (Skipped, ImportError) as error:
            print(json.dumps({"skipped": str(error)}), file=answers)
            return 0
        print(json.dumps(described), file=answers)
        for line in sys.stdin:
            print(json.dumps(peer.answer(json.loads(line))), file=answers)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("name", choices=["dense", "splade", "cross", "decoder"])
    make.add_argument("tokenizer", type=Path)
    make.add_argument("folder", type=Path)
    commands.add_parser("serve").add_argument("settings", type=Path)
    options = parser.parse_args()
    if options.command == "make":
        make_model(options.name, options.tokenizer, options.folder)
        return 0
    return serve(Settings(**json.loads(options.settings.read_text("utf-8"))))


if __name__ == "__main__":
    sys.exit(main())
