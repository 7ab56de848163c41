#!/usr/bin/env python3
"""Time a training step of ours beside one of Lightning IR on torch, and compare memory.

    scripts/reference/bench_training.py --lir DIR [--shape minilm|base]... [--threads N]... [--cpu]
                                         [--precision bf16]

Bi-encoders with random weights, in-batch cross entropy, AdamW, clipping, no dropout; 32 queries with
two passages each, whose lengths are drawn from those of web passages. Both run the same lengths in
turn, as often as --rounds says; the best step of each counts. On a busy machine --cpu counts the time of
the processors: for one thread, as torch's others spin while they wait. bf16 is Lightning's bf16-mixed there.
Needs torch, transformers and a checkout of Lightning IR, and a build with `swift build -c release`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parents[2]
SHAPES: Dict[str, Dict[str, int]] = {
    "minilm": dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
                   intermediate_size=1536),
    "base": dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                 intermediate_size=3072),
}
DOCUMENTS = 2


def lengths(queries: int) -> List[int]:
    """Tokens of queries, then of passages: about 9 and 80, as in MS MARCO."""
    draw = random.Random(3)
    return ([max(5, round(draw.gauss(9, 2.5))) for _ in range(queries)]
            + [min(192, max(24, round(draw.lognormvariate(4.3, 0.35))))
               for _ in range(DOCUMENTS * queries)])


def make_model(shape: str, folder: str) -> None:
    """A DPR model with random weights, as Lightning IR saves it."""
    import torch
    from lightning_ir import BiEncoderModule
    from lightning_ir.models import DprConfig
    from transformers import BertConfig, BertModel, BertTokenizerFast
    torch.manual_seed(1)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"w{i}" for i in range(30517)]
    plain = Path(folder) / "plain"
    plain.mkdir()
    (plain / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(plain / "vocab.txt")).save_pretrained(plain)
    BertModel(BertConfig(vocab_size=30522, hidden_dropout_prob=0.0,
                         attention_probs_dropout_prob=0.0, **SHAPES[shape])).save_pretrained(plain)
    module = BiEncoderModule(str(plain), config=DprConfig(pooling_strategy="mean"))
    module.save_pretrained(Path(folder) / "model")


def peer(folder: str, steps: int, threads: int, counts: List[int], cpu: bool, bf16: bool) -> None:
    """Print seconds of each step, then the peak of resident memory in bytes."""
    import resource
    import time
    import torch
    now = time.process_time if cpu else time.perf_counter
    from lightning_ir import BiEncoderModule
    from lightning_ir.data import TrainBatch
    from lightning_ir.loss import InBatchCrossEntropy
    from transformers import BatchEncoding
    torch.set_num_threads(threads)
    loss = InBatchCrossEntropy("first", "all_and_non_first")
    module = BiEncoderModule(folder, loss_functions=[loss])
    module.train()
    queries = len(counts) // (DOCUMENTS + 1)

    def encoding(sizes: List[int]) -> BatchEncoding:
        width = -(-max(sizes) // 8) * 8
        mask = torch.tensor([[1] * n + [0] * (width - n) for n in sizes])
        ids = torch.randint(5, 30522, mask.shape) * mask
        return BatchEncoding(dict(input_ids=ids, attention_mask=mask,
                                  token_type_ids=torch.zeros_like(ids)))

    texts = encoding(counts[:queries]), encoding(counts[queries:])
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-5)
    for _ in range(steps):
        start = now()
        batch = TrainBatch(queries=[""] * queries, docs=[[""] * DOCUMENTS] * queries,
                           targets=torch.tensor([[1.0] + [0.0] * (DOCUMENTS - 1)] * queries))
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            output = module.model.forward(*texts, [DOCUMENTS] * queries)
            total = sum(module._compute_losses(batch, output))
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        print(now() - start, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def run(command: List[str], text: str, environment: Dict[str, str]) -> List[float]:
    done = subprocess.run(command, input=text, env=environment, check=True, text=True,
                          stdout=subprocess.PIPE)
    return [float(line) for line in done.stdout.split()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lir", default="lightning-ir", help="a checkout of Lightning IR")
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--threads", action="append", type=int)
    parser.add_argument("--queries", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--peer", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.lir)
    counts = lengths(arguments.queries)
    bf16 = arguments.precision == "bf16"
    if arguments.peer:
        folder, steps, threads = arguments.peer
        peer(folder, int(steps), int(threads), counts, arguments.cpu, bf16)
        return 0
    ours = str(ROOT / ".build" / "release" / "bench-training")
    for shape in arguments.shape or list(SHAPES):
        with tempfile.TemporaryDirectory() as folder:
            make_model(shape, folder)
            model = f"{folder}/model"
            for threads in arguments.threads or [1, 2]:
                best = {"ours": [float("inf")] * 2, "peer": [float("inf")] * 2}
                for _ in range(arguments.rounds):
                    for name, command in {
                        "ours": [ours, model, str(arguments.steps), str(threads), str(DOCUMENTS)]
                        + ["--bf16"] * bf16,
                        "peer": [sys.executable, __file__, "--lir", arguments.lir, "--queries",
                                 str(arguments.queries), "--precision", arguments.precision, "--peer", model, str(arguments.steps),
                                 str(threads)],
                    }.items():
                        if arguments.cpu:
                            command.append("--cpu")
                        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
                        *times, memory = run(command, " ".join(map(str, counts)), environment)
                        best[name] = [min(best[name][0], *times), min(best[name][1], memory)]
                tokens = sum(counts)
                print(json.dumps({
                    "shape": shape, "precision": arguments.precision, "threads": threads,
                    "tokens": tokens,
                    "tokens_per_second": round(tokens / best["ours"][0]),
                    "peer_tokens_per_second": round(tokens / best["peer"][0]),
                    "speed_ratio": round(best["peer"][0] / best["ours"][0], 2),
                    "memory_mb": round(best["ours"][1] / 1e6),
                    "peer_memory_mb": round(best["peer"][1] / 1e6),
                }), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
