#!/usr/bin/env python3
"""Documents per second of a MiniLM-like encoder: the peers at their best, and ours beside them.

    bench_encode.py --model DIR --docs docs.tsv -n 500
    bench_encode.py --model DIR --docs docs.tsv -n 500 --rounds 5 \\
        --ours 'lir-encode --model DIR --role doc --threads 1 {docs} -o {out}'

One thread on one CPU, fp32, tokenisation included, models loaded before the clock starts. Each
peer (sentence-transformers on torch, onnxruntime, OpenVINO) sweeps the batch sizes and is taken at
its best; texts are sorted by length for it, so that it pads little. With --ours, our command and
the best setting of every peer take turns (A B C A B C ...), and the ratios of neighbours are
reported with median, minimum and maximum. `{docs}` in the command stands for a TSV of the same
texts, `{out}` for where the tensor stream goes. Our time is that of the whole process less that of
the same command on an empty input (start-up and loading, measured in the same round), since the
peers' models are loaded, too; the time with loading is reported beside it.

Prints JSON lines. Needs sentence-transformers, onnx, onnxruntime and openvino; what is missing is
left out, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np  # noqa: E402

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lirt  # noqa: E402

BATCHES = (8, 16, 32, 64)
Encode = Callable[[Sequence[str], int], np.ndarray]


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def read_docs(path: Path, count: int) -> Dict[str, str]:
    """The first documents of a TSV."""
    docs: Dict[str, str] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if len(docs) == count:
                break
            name, *fields = line.rstrip("\r\n").split("\t")
            docs[name] = " ".join(fields)
    return docs


class Peers:
    """The same network in each runtime; `max_length` as the model's folder says."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(1)
        torch.set_num_interop_threads(1)
        self.model = SentenceTransformer(str(folder), device="cpu")
        self.model.eval()
        self.tokenizer = self.model.tokenizer
        self.max_length = self.model.max_seq_length
        self.onnx = temporary / "model.onnx"

    def torch(self) -> Encode:
        def encode(texts: Sequence[str], batch: int) -> np.ndarray:
            return self.model.encode(list(texts), batch_size=batch, normalize_embeddings=True,
                                     convert_to_numpy=True, show_progress_bar=False)

        return encode

    def export(self) -> Path:
        """The transformer as ONNX: ids and mask in, last hidden states out."""
        if not self.onnx.exists():
            import torch

            network = self.model[0].auto_model
            network.config.return_dict = False
            sample = self.tokenizer(["a sample", "of two texts"], padding=True, return_tensors="pt")
            arguments = tuple(sample[k] for k in ("input_ids", "attention_mask", "token_type_ids"))
            axes = {0: "batch", 1: "length"}
            names = ["input_ids", "attention_mask", "token_type_ids"]
            with torch.inference_mode():
                torch.onnx.export(
                    network, arguments, str(self.onnx), input_names=names,
                    output_names=["hidden", "pooled"], opset_version=17, dynamo=False,
                    dynamic_axes={**{n: axes for n in names}, "hidden": axes})
            network.config.return_dict = True
        return self.onnx

    def batched(self, run: Callable[[Dict[str, np.ndarray]], np.ndarray]) -> Encode:
        """Tokenise, run, mean-pool and normalise, by length as sentence-transformers does it."""
        def encode(texts: Sequence[str], batch: int) -> np.ndarray:
            order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
            found: Optional[np.ndarray] = None
            for at in range(0, len(order), batch):
                chosen = order[at : at + batch]
                tokens = self.tokenizer([texts[i] for i in chosen], padding=True, truncation=True,
                                        max_length=self.max_length, return_tensors="np")
                feed = {k: tokens[k].astype(np.int64)
                        for k in ("input_ids", "attention_mask", "token_type_ids")}
                hidden = run(feed)
                mask = feed["attention_mask"][..., None].astype(np.float32)
                pooled = (hidden * mask).sum(1) / mask.sum(1)
                pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
                if found is None:
                    found = np.zeros((len(texts), pooled.shape[1]), np.float32)
                found[chosen] = pooled
            assert found is not None
            return found

        return encode

    def onnxruntime(self) -> Encode:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(self.export()), options,
                                               providers=["CPUExecutionProvider"])
        return self.batched(lambda feed: session.run(["hidden"], feed)[0])

    def openvino(self) -> Encode:
        import openvino

        core = openvino.Core()
        model = openvino.convert_model(str(self.export()))
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"})
        request = compiled.create_infer_request()

        def run(feed: Dict[str, np.ndarray]) -> np.ndarray:
            request.infer(feed)
            return request.get_output_tensor(0).data

        return self.batched(run)


class Ours:
    """Our command, and what it wrote last."""

    def __init__(self, command: str, docs: Dict[str, str], temporary: Path) -> None:
        self.command = command
        self.out = temporary / "ours.lirt"
        self.docs, self.empty = temporary / "docs.tsv", temporary / "empty.tsv"
        self.docs.write_text("".join(f"{k}\t{v}\n" for k, v in docs.items()), "utf-8")
        self.empty.write_text("")

    def run(self, docs: Path) -> float:
        parts = [p.replace("{docs}", str(docs)).replace("{out}", str(self.out))
                 for p in shlex.split(self.command)]
        start = time.perf_counter()
        with open(os.devnull, "w") as null:
            done = subprocess.run(parts, check=False, stderr=subprocess.PIPE, stdout=null, text=True)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            sys.exit(f"bench_encode: our command failed ({done.returncode}): {done.stderr}")
        return seconds


def agreement(found: np.ndarray, expected: np.ndarray) -> Dict[str, float]:
    return {"max_abs_diff": float(np.abs(found - expected).max()),
            "min_cosine": float(np.einsum("ij,ij->i", found, expected).min())}


def spread(values: List[float]) -> Dict[str, float]:
    return {"median": round(statistics.median(values), 3), "min": round(min(values), 3),
            "max": round(max(values), 3)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("-n", type=int, default=500, help="documents (default: 500)")
    parser.add_argument("--cpu", type=int, default=0, help="the CPU to stay on (default: 0)")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--repeats", type=int, default=2,
                        help="times each batch size is tried; the best counts (default: 2)")
    parser.add_argument("--peers", nargs="+", default=["torch", "onnxruntime", "openvino"])
    parser.add_argument("--ours", metavar="COMMAND", default="")
    parser.add_argument("--rounds", type=int, default=5, help="turns with --ours (default: 5)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.cpu})  # what taskset does; children inherit it
    docs = read_docs(options.docs, options.n)
    texts = list(docs.values())
    with tempfile.TemporaryDirectory(prefix="bench_encode.") as folder:
        temporary = Path(folder)
        peers = Peers(options.model, temporary)
        tokens = sum(len(i) for i in peers.tokenizer(
            texts, truncation=True, max_length=peers.max_length)["input_ids"])
        say(docs=len(texts), tokens_per_doc=round(tokens / len(texts), 1), cpu=options.cpu)
        best: Dict[str, int] = {}
        encoders: Dict[str, Encode] = {}
        reference: Optional[np.ndarray] = None
        for name in options.peers:
            try:
                encode = getattr(peers, name)()
            except ImportError as error:
                say(peer=name, skipped=f"{error.name} is not installed")
                continue
            encode(texts[: options.batches[0]], options.batches[0])  # warm up
            rates = {}
            for batch in list(options.batches) * options.repeats:
                start = time.perf_counter()
                found = encode(texts, batch)
                rate = round(len(texts) / (time.perf_counter() - start), 2)
                rates[batch] = max(rates.get(batch, 0), rate)
            reference = found if reference is None else reference
            best[name], encoders[name] = max(rates, key=lambda b: rates[b]), encode
            say(peer=name, docs_per_second=rates, best_batch=best[name],
                best=rates[best[name]], agreement=agreement(found, reference))
        if options.ours:
            return race(options, docs, temporary, encoders, best, reference)
    return 0


def race(options: argparse.Namespace, docs: Dict[str, str], temporary: Path,
         encoders: Dict[str, Encode], best: Dict[str, int],
         reference: Optional[np.ndarray]) -> int:
    """Take turns; report ratios of neighbours and whether the numbers agree."""
    ours = Ours(options.ours, docs, temporary)
    texts = list(docs.values())
    ratios: Dict[str, List[float]] = {name: [] for name in encoders}
    whole: Dict[str, List[float]] = {name: [] for name in encoders}
    rates, rates_whole = [], []
    for _ in range(options.rounds):
        loading = ours.run(ours.empty)
        seconds = ours.run(ours.docs)
        rates.append(len(texts) / max(seconds - loading, 1e-9))
        rates_whole.append(len(texts) / seconds)
        for name, encode in encoders.items():
            start = time.perf_counter()
            encode(texts, best[name])
            peer = time.perf_counter() - start
            ratios[name].append(peer / max(seconds - loading, 1e-9))
            whole[name].append(peer / seconds)
    say(ours=spread(rates), ours_with_loading=spread(rates_whole))
    for name in encoders:
        say(ratio_to=name, batch=best[name], ratio=spread(ratios[name]),
            ratio_with_loading=spread(whole[name]))
    stream = lirt.read(ours.out)
    if reference is None or stream.vectors is None:
        return 0
    places = {name: i for i, name in enumerate(docs)}
    found = agreement(stream.vectors, reference[[places[i] for i in stream.ids]])
    found_all = len(stream.ids) == len(docs)
    say(ours_agreement=found, all_documents=found_all)
    return 0 if found_all and found["max_abs_diff"] <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
