#!/usr/bin/env python3
"""Make what PEFT gives for low-rank updates: losses, scores and derivatives of one batch.

    make_lora.py TRAINING > lora.json

TRAINING is the folder of the training cases (`.build/fixtures/training`). Each update has matrices that
are functions of the place, and no dropout; of each derivative, in the order of their names, there are its
norm and its product with a wave. Needs torch, peft 0.21 and Lightning IR.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict

import lightning_ir.loss
import torch
from lightning_ir import BiEncoderModule, CrossEncoderModule
from lightning_ir.data import TrainBatch
from peft import LoraConfig, inject_adapter_in_model

#: Layers of every kind: one and several matrices side by side, one query a sequence, heads.
CASES: Dict[str, Dict[str, Any]] = {
    "unicoil_bert": {"r": 4, "alpha": 8, "targets": ["query", "value", "dense", "token_projection"]},
    "mono_t5": {"r": 3, "alpha": 6, "use_rslora": True, "targets": ["q", "k", "v", "wo"]},
    "dpr_modernbert": {"r": 2, "alpha": 3, "targets": ["Wqkv", "Wi", "Wo"]},
    "set_electra": {"r": 2, "alpha": 2, "targets": ["key", "value"], "modules_to_save": ["linear"]},
}


def wave(count: int, start: float, step: float) -> torch.Tensor:
    return torch.sin(start + step * torch.arange(count, dtype=torch.float64))


def run(folder: Path, settings: Dict[str, Any]) -> Dict[str, Any]:
    inputs = json.loads((folder / "inputs.json").read_text("utf-8"))
    losses = [(getattr(lightning_ir.loss, loss["loss"])(**loss["params"]), loss["weight"])
              for loss in inputs["losses"]]
    Module = BiEncoderModule if inputs["kind"] == "bi" else CrossEncoderModule
    module = Module(str(folder / "model"), loss_functions=losses).eval()
    saved = settings.get("modules_to_save", [])
    config = LoraConfig(r=settings["r"], lora_alpha=settings["alpha"], target_modules=settings["targets"],
                        use_rslora=settings.get("use_rslora", False))
    inject_adapter_in_model(config, module.model)
    for name, parameter in module.model.named_parameters():
        if ".lora_" in name:
            start, step = (1.0, 0.37) if ".lora_A." in name else (0.5, 0.53)
            values = 0.2 * wave(parameter.numel(), start, step)
            parameter.data = values.float().reshape(parameter.shape)
        parameter.requires_grad = ".lora_" in name or name.split(".")[-2] in saved
    # Set-encoders draw states for missing documents in training; everything else is the same.
    module.model.train()
    batch = inputs["batches"][0]
    count, docs = len(batch["queries"]), len(batch["docs"][0])
    batch = TrainBatch(
        batch["queries"], batch["docs"], [f"q{i}" for i in range(count)],
        [[f"d{i}{j}" for j in range(docs)] for i in range(count)],
        targets=torch.tensor(batch["targets"]))
    output = module.forward(batch)
    total = sum(loss * weight for (_, weight), loss
                in zip(module.loss_functions, module._compute_losses(batch, output)))
    total.backward()
    derivatives = {}
    for name, parameter in module.model.named_parameters():
        # One token asks nothing of itself: queries and keys of T5's decoder have no derivative.
        if parameter.grad is not None and parameter.grad.any():
            values = parameter.grad.double().reshape(-1)
            product = values @ wave(len(values), 0.1, 0.71)
            derivatives[name.replace(".default.", ".").replace(".base_layer.", ".")] = [
                float(values.norm()), float(product)]
    return {**settings, "loss": total.item(), "scores": output.scores.reshape(-1).tolist(),
            "derivatives": [derivatives[name] for name in sorted(derivatives)]}


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path)
    arguments = parser.parse_args()
    result = {name: run(arguments.training / name, settings) for name, settings in CASES.items()}
    json.dump(rounded(result), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
