#!/usr/bin/env python3
"""Train with Lightning IR what lir-train has trained, and compare.

    train.py RUN [--steps N] [--threads N] [--bin DIR] [--tolerance X] [--save DIR]

RUN is a folder of lir-train that has come to its end. Its train.yml says what to do; it trains on
tuples (`data: {tuples: FILE}`) without accumulation. With `shuffle: false` and `dropout: 0` the
losses of every step in metrics.jsonl are compared with those of Lightning IR for the same batches.
With `shuffle: true` and the model's own dropout (`dropout: null`) each has random numbers of its
own: losses are shown, not compared. Then RUN's model is opened in Lightning IR, and its scores of
the last batch are compared with those of lir-rerank; --save keeps the one that Lightning IR has
trained. Prints the differences and the seconds of a step there; exit status: 0 all within the
tolerance, 1 not.
Needs Lightning IR and PyYAML.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Optional, Tuple

import lightning_ir
import torch
import yaml
from lightning_ir import BiEncoderModule, CrossEncoderModule, TrainBatch, schedulers
from lightning_ir.models import ColConfig, DprConfig, MonoConfig, SpladeConfig
from lightning_ir.schedulers import lr_schedulers

CONFIGS = {"lir-dpr": DprConfig, "col": ColConfig, "mono": MonoConfig, "splade": SpladeConfig}

Tuple_ = Tuple[str, List[str], List[float]]


def read_tuples(path: Path, targets: str) -> List[Tuple_]:
    tuples: List[Tuple_] = []
    for line in path.read_text("utf-8").split("\n")[:-1]:
        if line.startswith("{"):
            record = json.loads(line)
            docs = [doc["text"] for doc in record["docs"]]
            scores = [doc.get("score", 0.0) for doc in record["docs"]]
            tuples.append((record["query"], docs, scores))
        else:
            query, *docs = line.split("\t")
            tuples.append((query, docs, [0.0] * len(docs)))
    if targets == "order":
        tuples = [(q, d, [1.0] + [0.0] * (len(d) - 1)) for q, d, _ in tuples]
    return tuples


def losses_of(config: Dict[str, Any]) -> List[Tuple[Any, float]]:
    losses = []
    for loss in config["losses"]:
        loss = dict(loss)
        name, weight = loss.pop("name"), loss.pop("weight", 1.0)
        losses.append((getattr(lightning_ir, name)(**loss), weight))
    return losses


def module_of(model: str, config: Dict[str, Any]) -> Any:
    settings = dict(config["model_config"] or {})
    kind = settings.pop("model_type", None)
    own = json.loads((Path(model) / "config.json").read_text("utf-8"))
    is_cross = (kind or own["model_type"]) in ("mono", "set-encoder")
    kwargs: Dict[str, Any] = {"config": CONFIGS[kind](**settings)} if kind else {}
    Module = CrossEncoderModule if is_cross else BiEncoderModule
    module = Module(model_name_or_path=model, loss_functions=losses_of(config), **kwargs)
    return module.train() if config["dropout"] is None else module.eval()


def optimizer_of(config: Dict[str, Any], module: torch.nn.Module) -> torch.optim.Optimizer:
    options = dict(config["optimizer"])
    name, parts = options.pop("name"), options.pop("no_decay", [])
    groups: List[Dict[str, Any]] = [{"params": []}, {"params": [], "weight_decay": 0.0}]
    for parameter_name, parameter in module.named_parameters():
        groups[any(part in parameter_name for part in parts)]["params"].append(parameter)
    return getattr(torch.optim, name)([group for group in groups if group["params"]], **options)


def scheduler_of(config: Dict[str, Any], optimizer: torch.optim.Optimizer, steps: int) -> Any:
    schedule = config["schedule"]
    kwargs = {"num_warmup_steps": schedule["warmup"], "num_delay_steps": schedule["delay"]}
    if schedule["name"] == "linear":
        return lr_schedulers.LinearLRSchedulerWithLinearWarmup(
            optimizer, num_training_steps=steps, **kwargs)
    if schedule["name"] == "constant":
        return lr_schedulers.ConstantLRSchedulerWithLinearWarmup(optimizer, **kwargs)
    raise SystemExit(f"train.py: no schedule {schedule['name']} here")


def value_schedulers_of(config: Dict[str, Any], steps: int) -> List[Any]:
    """What changes values of losses from step to step: callbacks of a trainer."""
    names = {"constant": "GenericConstantSchedulerWithLinearWarmup",
             "quadratic": "GenericConstantSchedulerWithQuadraticWarmup",
             "linear": "GenericLinearSchedulerWithLinearWarmup"}
    found = []
    for schedule in config["value_schedules"]:
        keys = [schedule["key"]] if isinstance(schedule["key"], str) else schedule["key"]
        # losses.1.doc_weight: a loss here, a pair of loss and weight there.
        parts = [key.split(".") for key in keys]
        kwargs: Dict[str, Any] = {
            "keys": [f"loss_functions.{loss}.0.{value}" for _, loss, value in parts],
            "num_warmup_steps": schedule.get("warmup", 0),
            "num_delay_steps": schedule.get("delay", 0)}
        if schedule["name"] == "linear":
            kwargs.update(num_training_steps=steps, final_value=schedule.get("final", 0.0))
        found.append(getattr(schedulers, names[schedule["name"]])(**kwargs))
    return found


def batches_of(tuples: List[Tuple_], size: int, shuffle: bool) -> Iterator[List[Tuple_]]:
    """Batches of one epoch behind the other, each in an order of its own if wanted."""
    while True:
        order = random.sample(tuples, len(tuples)) if shuffle else tuples
        yield from (order[i:i + size] for i in range(0, len(order), size))


def train(config: Dict[str, Any], tuples: List[Tuple_], steps: int, limit: int,
          save: Optional[Path] = None) -> Iterator[Tuple[float, float]]:
    """The loss of every step, and its seconds."""
    random.seed(config["seed"])
    torch.manual_seed(config["seed"])
    module = module_of(config["model"], config)
    optimizer = optimizer_of(config, module)
    scheduler = scheduler_of(config, optimizer, steps)
    values = value_schedulers_of(config, steps)
    for value in values:
        value.on_train_start(None, module)
    batches = batches_of(tuples, config["batch_size"], config["data"].get("shuffle", True))
    for step, batch_tuples in zip(range(limit), batches):
        began = time.perf_counter()
        for value in values:
            value.on_train_batch_start(SimpleNamespace(global_step=step), module, None, step)
        batch = TrainBatch(
            queries=[q for q, _, _ in batch_tuples], docs=[d for _, d, _ in batch_tuples],
            query_ids=[str(i) for i in range(len(batch_tuples))],
            doc_ids=[[str(j) for j in range(len(d))] for _, d, _ in batch_tuples],
            targets=torch.tensor([t for _, _, t in batch_tuples]))
        # As Lightning's precision bf16-mixed.
        with torch.autocast("cpu", torch.bfloat16, enabled=config.get("precision") == "bf16"):
            output = module.forward(batch)
            losses = module._compute_losses(batch, output)
        total = sum(loss * weight for (_, weight), loss in zip(module.loss_functions, losses))
        optimizer.zero_grad()
        total.backward()
        if config["clip"] is not None:
            torch.nn.utils.clip_grad_norm_(module.parameters(), config["clip"])
        optimizer.step()
        scheduler.step()
        yield float(total.detach()), time.perf_counter() - began
    if save is not None:
        module.save_pretrained(str(save))


def scores_here(binary: Path, model: Path, batch: List[Tuple_]) -> List[float]:
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in ("queries.tsv", "docs.tsv", "first.run")}
        queries, docs, run = [], [], []
        for i, (query, texts, _) in enumerate(batch):
            queries.append(f"q{i}\t{query}\n")
            for j, text in enumerate(texts):
                docs.append(f"d{i}-{j}\t{text}\n")
                run.append(f"q{i} Q0 d{i}-{j} {j + 1} {-j} t\n")
        for name, lines in zip(files, (queries, docs, run)):
            files[name].write_text("".join(lines), "utf-8")
        out = subprocess.run(
            [binary / "lir-rerank", "--model", model, "--queries", files["queries.tsv"], "--docs",
             files["docs.tsv"], "-q", files["first.run"]],
            check=True, capture_output=True, text=True).stdout
    found = {line.split()[2]: float(line.split()[4]) for line in out.splitlines()}
    return [found[f"d{i}-{j}"] for i, (_, texts, _) in enumerate(batch) for j in range(len(texts))]


def scores_there(model: Path, batch: List[Tuple_]) -> List[float]:
    kind = json.loads((model / "config.json").read_text("utf-8"))["model_type"]
    Module = CrossEncoderModule if kind in ("mono", "set-encoder") else BiEncoderModule
    module = Module(model_name_or_path=str(model)).eval()
    scores = module.score([q for q, _, _ in batch], [d for _, d, _ in batch]).scores
    return [float(score) for score in scores.reshape(-1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = yaml.safe_load((options.run / "train.yml").read_text("utf-8"))
    data = config["data"]
    same = not data.get("shuffle", True)
    if config["dropout"] != (0 if same else None) or config["accumulate"] != 1:
        raise SystemExit("train.py: needs shuffle: false and dropout: 0, or neither, and accumulate: 1")
    tuples = read_tuples(Path(data["tuples"]), data.get("targets", "order"))
    lines = [json.loads(line) for line in (options.run / "metrics.jsonl").open("r")]
    ours = [line["loss"] for line in lines if "loss" in line and "validation" not in line]
    limit = min(options.steps or len(ours), len(ours))
    worst, seconds = 0.0, []
    for step, (loss, took) in enumerate(train(config, tuples, config["max_steps"], limit,
                                             options.save)):
        seconds.append(took)
        worst = max(worst, abs(loss - ours[step])) if same else 0.0
        if (step + 1) % 25 == 0 or step + 1 == limit:
            print(f"step {step + 1}: loss {ours[step]:.6f} here, {loss:.6f} there"
                  + (f"; largest difference so far {worst:.2e}" if same else ""), flush=True)
    batch = tuples[-config["batch_size"]:]
    pairs = list(zip(scores_here(options.bin, options.run, batch), scores_there(options.run, batch)))
    apart = max(abs(a - b) for a, b in pairs)
    seconds.sort()
    losses = f"largest difference of a loss {worst:.2e}" if same else "losses not compared"
    print(f"{limit} steps, {losses}; {len(pairs)} scores of the trained model, largest difference "
          f"{apart:.2e}; median step there {seconds[len(seconds) // 2]:.3f} s")
    return 0 if worst <= options.tolerance and apart <= options.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
