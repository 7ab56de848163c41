#!/usr/bin/env python3
"""Make what PEFT gives for low-rank updates: losses, scores and derivatives of one batch.

    make_lora.py TRAINING > lora.json

TRAINING is the folder of the training cases (`.build/fixtures/training`). Each update has matrices that
are functions of the place, and no dropout, but for those that begin with parts of the weights; of each
derivative, in the order of their names, there are its norm and its product with a wave (of singular
vectors, whose signs are not given, the norm alone). Needs torch, peft 0.21 and Lightning IR.
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

from twin_values import rounded, wave

#: Names of fields that are not those of `LoraConfig`.
NAMES = {"alpha": "lora_alpha", "targets": "target_modules"}
#: What is not a field of `LoraConfig`, or is done here.
OTHER = ["modules_to_save"]
#: Layers of every kind: one and several matrices side by side, one query a sequence, heads. Behind a
#: slash stands what a training case is used for again.
CASES: Dict[str, Dict[str, Any]] = {
    "unicoil_bert": {"r": 4, "alpha": 8, "targets": ["query", "value", "dense", "token_projection"]},
    "mono_t5": {"r": 3, "alpha": 6, "use_rslora": True, "targets": ["q", "k", "v", "wo"]},
    "dpr_modernbert": {"r": 2, "alpha": 3, "targets": ["Wqkv", "Wi", "Wo"]},
    "set_electra": {"r": 2, "alpha": 2, "targets": ["key", "value"], "modules_to_save": ["linear"]},
    "unicoil_bert/dora": {"r": 3, "alpha": 5, "use_dora": True, "targets": "all-linear", "bias": "lora_only"},
    "mono_t5/dora": {"r": 2, "alpha": 4, "use_rslora": True, "use_dora": True,
                     "targets": r".*coder\.block\.\d+\.layer\..*\.(q|wo|v)"},
    "dpr_modernbert/dora": {"r": 2, "alpha": 3, "use_dora": True, "targets": "all-linear",
                            "exclude_modules": ["Wi"]},
    "dpr_modernbert/patterns": {
        "r": 2, "alpha": 3, "targets": ["Wqkv", "Wi", "Wo"], "exclude_modules": r".*\.attn\.Wo",
        "rank_pattern": {r"layers\.0\.mlp\.W[io]": 3, "Wqkv": 4}, "alpha_pattern": {r"layers.1\..*": 7}},
    "set_electra/biases": {"r": 2, "alpha": 3, "targets": ["query", "dense"], "bias": "all",
                           "lora_bias": True, "exclude_modules": ["output.dense"]},
    "unicoil_bert/layers": {"r": 2, "alpha": 3, "targets": ["query", "dense"], "layers_to_transform": [1],
                            "layers_pattern": "layer", "bias": "lora_only"},
    "splade_static/dora": {"r": 2, "alpha": 3, "use_dora": True, "targets": "all-linear"},
    "set_electra/task": {"r": 2, "alpha": 3, "targets": r"(?P<all>.*)\.(key|value)",
                         "modules_to_save": ["linear"], "bias": "lora_only"},
    "unicoil_bert/pissa": {"r": 3, "alpha": 5, "targets": ["query", "dense"], "init_lora_weights": "pissa"},
    "dpr_modernbert/olora": {"r": 3, "alpha": 5, "use_rslora": True, "targets": "all-linear",
                             "init_lora_weights": "olora"},
}


def run(folder: Path, settings: Dict[str, Any]) -> Dict[str, Any]:
    inputs = json.loads((folder / "inputs.json").read_text("utf-8"))
    losses = [(getattr(lightning_ir.loss, loss["loss"])(**loss["params"]), loss["weight"])
              for loss in inputs["losses"]]
    Module = BiEncoderModule if inputs["kind"] == "bi" else CrossEncoderModule
    module = Module(str(folder / "model"), loss_functions=losses).eval()
    saved = settings.get("modules_to_save", [])
    config = LoraConfig(**{NAMES.get(key, key): value for key, value in settings.items() if key not in OTHER})
    inject_adapter_in_model(config, module.model)
    begins = "init_lora_weights" not in settings
    for name, parameter in module.model.named_parameters():
        if "lora_magnitude" in name:
            values = 1 + 0.2 * wave(parameter.numel(), 0.3, 0.61)
            parameter.data *= values.float().reshape(parameter.shape)
        elif ".lora_" in name and begins:
            start, step = (1.0, 0.37) if ".lora_A." in name else (0.5, 0.53)
            values = 0.2 * wave(parameter.numel(), start, step)
            parameter.data = values.float().reshape(parameter.shape)
        if name.split(".")[-2] in saved:
            parameter.requires_grad = True
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
            if settings.get("init_lora_weights") == "pissa":
                product = torch.zeros(())
            derivatives[name.replace(".default.", ".").replace(".base_layer.", ".")] = [
                float(values.norm()), float(product)]
    return {**settings, "loss": total.item(), "scores": output.scores.reshape(-1).tolist(),
            "derivatives": [derivatives[name] for name in sorted(derivatives)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path)
    arguments = parser.parse_args()
    result = {name: run(arguments.training / name.split("/")[0], settings) for name, settings in CASES.items()}
    json.dump(rounded(result, 6), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
