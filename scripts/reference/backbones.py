#!/usr/bin/env python3
"""Compare the backbones with transformers on fresh random weights.

    backbones.py OUT                      # makes small cases in OUT
    backbones.py OUT --real --run         # real sizes, and a table of the largest differences

Every case is a folder that the tests of models take through LIR_TEST_CASES: a model as transformers
writes it, token ids, and what transformers makes of them. `--run` runs those tests, which must be
built for release, and prints what they say. Needs torch, transformers, tokenizers and safetensors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import torch
import transformers as tf
from safetensors.torch import save_file

VOCABULARY = {False: 120, True: 30000}
T5_VOCABULARY = {False: 120, True: 32128}
ANSWERS = {"▁false": 6136, "▁true": 1176, "<extra_id_10>": 32089}


@dataclass
class Family:
    """A backbone: its classes in transformers and its configurations."""

    config: type
    prefix: str
    small: dict[str, Any]
    real: dict[str, Any]
    heads: list[str] = field(default_factory=lambda: ["SequenceClassification", "MaskedLM"])
    # Lengths of the sequences, small and real.
    lengths: tuple[list[int], list[int]] = ([1, 5, 21, 40], [1, 12, 130, 300])
    first: int = 5


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 40, "max_position_embeddings": 64}
REAL = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "intermediate_size": 3072, "max_position_embeddings": 514}
MODERN = {"pad_token_id": 0, "bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2,
          "sep_token_id": 2}

FAMILIES: dict[str, Family] = {
    "bert": Family(tf.BertConfig, "Bert", SMALL, REAL),
    "distilbert": Family(
        tf.DistilBertConfig, "DistilBert",
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 40, "max_position_embeddings": 64},
        {"max_position_embeddings": 514}),
    "electra": Family(
        tf.ElectraConfig, "Electra", SMALL | {"embedding_size": 16},
        REAL | {"embedding_size": 128}),
    "roberta": Family(tf.RobertaConfig, "Roberta", SMALL | {"type_vocab_size": 1},
                      REAL | {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "xlm-roberta": Family(tf.XLMRobertaConfig, "XLMRoberta", SMALL | {"type_vocab_size": 1},
                          REAL | {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "mpnet": Family(tf.MPNetConfig, "MPNet", SMALL, REAL | {"layer_norm_eps": 1e-5}),
    "modernbert": Family(
        tf.ModernBertConfig, "ModernBert",
        SMALL | MODERN | {"num_hidden_layers": 3, "local_attention": 8, "norm_bias": True,
                          "attention_bias": True, "mlp_bias": True, "classifier_bias": True,
                          "classifier_pooling": "mean", "global_attn_every_n_layers": 2},
        MODERN, lengths=([1, 5, 21, 60], [1, 300, 8000])),
    "t5": Family(
        tf.T5Config, "T5",
        {"d_model": 32, "d_kv": 12, "num_heads": 4, "d_ff": 40, "num_layers": 2,
         "relative_attention_num_buckets": 16, "relative_attention_max_distance": 30,
         "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
        {"d_model": 768, "num_heads": 12, "d_ff": 3072, "num_layers": 12}, heads=[]),
}


def texts(family: Family, real: bool, vocabulary: int, seed: int) -> list[list[int]]:
    """Random token ids; none of the special ones."""
    torch.manual_seed(seed)
    return [torch.randint(family.first, vocabulary, (length,)).tolist()
            for length in family.lengths[real]]


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Weights whose results are far from zero, norms and biases included."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                weight.add_(torch.randn_like(weight) * 0.05)
            elif "embed" not in name and "shared" not in name:
                weight.copy_(torch.randn_like(weight) * weight.shape[-1] ** -0.5)
            if name.endswith("Attention.q.weight"):
                # T5 does not scale scores: its queries begin smaller, or one key takes all.
                weight.mul_(model.config.d_kv ** -0.5)
    return model.float().eval()


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int32)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows],
                        dtype=torch.uint8)
    return ids, mask


def write(folder: Path, model: Any, rows: list[list[int]], key: str,
          expected: dict[str, torch.Tensor], changes: dict[str, Any] | None = None) -> None:
    """A case: model, ids and what is expected."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    model.save_pretrained(folder / "model")
    path = folder / "model" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | (changes or {}), indent=1, sort_keys=True))
    ids, mask = padded(rows)
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}}))
    save_file({f"{key}.input_ids": ids, f"{key}.attention_mask": mask}
              | {name: value.float().contiguous() for name, value in expected.items()},
              folder / "expected.safetensors")


def each(rows: list[list[int]], run: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
    """One sequence at a time, so that padding plays no part."""
    with torch.no_grad():
        return [run(torch.tensor([row])) for row in rows]


def backbone(out: Path, name: str, family: Family, config: Any, rows: list[list[int]],
             seed: int) -> None:
    kind = "T5EncoderModel" if name == "t5" else family.prefix + "Model"
    options = {"add_pooling_layer": False} if name in ("bert", "roberta", "xlm-roberta", "mpnet") \
        else {}
    model = randomize(getattr(tf, kind)(config, **options), seed)
    states = each(rows, lambda ids: model(input_ids=ids).last_hidden_state[0])
    write(out / "backbones" / f"states_{name}", model, rows, "doc",
          {"doc.states": torch.cat(states),
           "doc.embeddings": torch.stack([x.mean(0) for x in states])},
          {"model_type": "lir-dpr", "backbone_model_type": name, "projection": None,
           "pooling_strategy": "mean", "doc_length": None, "query_length": None,
           "tie_word_embeddings": True})


def heads(out: Path, name: str, family: Family, config: Callable[[], Any],
          rows: list[list[int]], seed: int) -> None:
    for head in family.heads:
        settings = config()
        settings.num_labels = 1
        model = randomize(getattr(tf, f"{family.prefix}For{head}")(settings), seed)
        if head == "MaskedLM":
            model.tie_weights()
            logits = each(rows, lambda ids: model(input_ids=ids).logits[0])
            write(out / "backbones" / f"mlm_{name}", model, rows, "doc",
                  {"doc.embeddings": torch.stack([x.relu().log1p().amax(0) for x in logits])})
        else:
            logits = each(rows, lambda ids: model(input_ids=ids).logits[0])
            write(out / "backbones" / f"classifier_{name}", model, rows, "pair",
                  {"scores": torch.cat(logits)})


def t5_scores(out: Path, config: Any, rows: list[list[int]], seed: int) -> None:
    """monoT5: the share of `true` of `true` and `false`."""
    from tokenizers import Tokenizer, models

    answers = {token: number if number < config.vocab_size else 10 + i
               for i, (token, number) in enumerate(ANSWERS.items())}
    model = randomize(tf.T5ForConditionalGeneration(config), seed)
    model.tie_weights()
    start = torch.tensor([[0]])
    logits = torch.cat(each(
        rows, lambda ids: model(input_ids=ids, decoder_input_ids=start).logits[0, :1]))
    pair = logits[:, [answers["▁false"], answers["▁true"]]].log_softmax(-1)[:, 1]
    folder = out / "backbones" / "answers_t5"
    write(folder, model, rows, "pair", {"scores": pair})
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {
        "scoring_strategy": "mono", "query_length": None, "doc_length": None}}))
    pieces = [(f"piece{i}", -1.0) for i in range(config.vocab_size)]
    pieces[0], pieces[2] = ("<pad>", 0.0), ("<unk>", 0.0)
    for token, number in answers.items():
        pieces[number] = (token, -1.0)
    Tokenizer(models.Unigram(pieces, 2)).save(str(folder / "model" / "tokenizer.json"))


def make(out: Path, name: str, real: bool, seed: int) -> None:
    family = FAMILIES[name]
    vocabulary = (T5_VOCABULARY if name == "t5" else VOCABULARY)[real]
    fields = family.real if real else family.small

    def config() -> Any:
        # A new one for each model, which may change it.
        return family.config(vocab_size=vocabulary, **fields)

    rows = texts(family, real, vocabulary, seed)
    backbone(out, name, family, config(), rows, seed)
    if name == "t5":
        t5_scores(out, config(), rows, seed)
    else:
        heads(out, name, family, config, rows, seed)


def run(out: Path, root: Path) -> int:
    """Runs the tests over the cases; prints one line a case."""
    command = ["swift", "test", "-c", "release", "--skip-build", "--disable-xctest", "--filter",
               "BackboneTests"]
    environment = os.environ | {"LIR_TEST_CASES": str(out), "LIR_TEST_SAY": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    found = re.findall(r"^largest difference\t(\S+)@1(.*)\t(\S+)$", done.stdout, re.M)
    for case, what, difference in sorted(set(found)):
        print(f"{case:36}{what.strip() or 'scores':16}{float(difference):.2e}")
    if not found:
        print("no case ran", file=sys.stderr)
    return done.returncode if found else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the cases")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="default: all")
    parser.add_argument("--real", action="store_true", help="real sizes instead of small ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", action="store_true", help="run the tests over the cases")
    options = parser.parse_args()
    for name in options.family or FAMILIES:
        make(options.out, name, options.real, options.seed)
    if not options.run:
        return 0
    return run(options.out.resolve(), Path(__file__).resolve().parents[2])


if __name__ == "__main__":
    sys.exit(main())
