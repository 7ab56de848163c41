"""Numbers and words of the command line, in the place of {number} and {word} of these commands."""

from __future__ import annotations

import random
import re
import shlex
from typing import Iterator, List

from mutations import NUMBERS, STRINGS, pick
from situations import DENSE, MODEL, Situation

MEASURES = ("nDCG@{number}", "P@{number}", "AP(rel={number})", "RBP(p={number})", "ERR(max_rel={number})",
            "Rprec_mult@{number}", "IPrec@{number}", "SDCG(max_rel={number})@3", "INST(T={number})",
            "INSQ(T={number})", "BPM(T={number},max_rel={number})", "SetF(beta={number})",
            "nDCG(gains={{1:{number}}})", "nDCG(dcg='exp-log2')@{number}", "Compat(p={number})",
            "alpha_nDCG(alpha={number})@{number}", "NRBP(alpha={number},beta={number})", "{word}",
            "{word}@{number}", "utility(a={number},docs={number})")
TREC = ("P.{number}", "ndcg_cut.{number},{number}", "Rprec_mult.{number}", "11pt_avg.{number}",
        "utility.{number},{number},1,1", "ndcg.1={number}", "rbp.p={number}", "set_F.{number}",
        "relstring.{number}", "iprec_at_recall.{number}", "success.{number}", "{word}.{number}")
COMMON = ("--threads {number}", "--seed {number}", "--shard {number}/{number}", "--shard {word}",
          "--compress zstd:{number}", "--compress {word}", "--fields {word}", "--limit {number}",
          "--progress {word}", "--log-format {word}", "--{word} {number}", "--set {word}={number}",
          "--config {word}", "--print-config --seed {number}", "--id-field {word}")
TOOLS = (
    (f"lir-encode {DENSE} --role doc few.tsv --format jsonl", (
        "--max-length {number}", "--batch-tokens {number}", "--dims {number}", "--top-terms {number}",
        "--prompt {word}", "--precision {word}", "--dtype {word}", "--model-config {word}",
        """--model-config '{{"hidden_size":{number}}}'""", "--isa {word}", "--format {word}")),
    (f"lir-tokenize {DENSE} --role doc few.tsv --format tokens", (
        "--max-length {number}", "--window {number}:{number}", "--window {word}", "--format {word}")),
    ("lir-index build dense.lirt -o out", ("--max-memory {word}G", "--type {word}",
                                           "--max-memory {number}T")),
    ("lir-search --index flat queries.lirt", ("--tag {word}", "--filter {word}")),
    (f"lir-rerank {DENSE} --queries queries.tsv --docs docs.tsv first.run", (
        "--depth {number}", "--interpolate {number}", "--score {word}", "--run-format {word}")),
    (f"lir-rerank {DENSE} --text", ("{word} {word}",)),
    ("lir-rerank fuse first.run other.run", ("--method {word}", "--weights {number},{number}",
                                             "--weights {word}", "-k {number}", "--rank {number}",
                                             "--tune-weights qrels.txt --folds {number}",
                                             "--tune-weights qrels.txt --measure {word}")),
    ("lir-eval --qrels qrels.txt first.run other.run", (
        "--compare --resamples {number}", "--compare --confidence {number}", "--compare --margin {number}",
        "--report out.html --report-docs {number}", "--digits {number}", "--average-over {word}",
        "--report out.html --report-characters {number}", "--baseline {word}", "--ties {word}",
        "--report out.html --report-queries {number}", *(f"-m {shlex.quote(m)}" for m in MEASURES))),
    ("lir-eval trec_eval", tuple(f"{option} qrels.txt first.run" for option in (
        "-l {number}", "-M {number}", "-N {number}", "-Z {word}", "-J -m all_trec", "-R {word}",
        *(f"-m {m}" for m in TREC)))),
    ("lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv first.run", (
        "--sample-size {number}", "--repeat {number}", "--depth {number}", "--sampling {word}")),
    ("lir-train --config train-tuples.yml -o out --set max_steps=2", tuple(
        f"--set {key}={{number}}" for key in (
            "batch_size", "max_steps", "epochs", "accumulate", "clip", "dropout", "seed",
            "optimizer.lr", "optimizer.eps", "optimizer.weight_decay", "schedule.warmup",
            "schedule.final", "losses.0.weight", "losses.0.temperature", "checkpoint.every",
            "checkpoint.keep", "data.depth", "data.sample_size", "lora.r", "lora.alpha",
            "model_config.embedding_dim", "model_config.query_length", "{word}"))),
)


def argument_situations() -> Iterator[Situation]:
    uses = ("few.tsv", "*.lirt", "queries.tsv", "docs.tsv", "qrels.txt", "*.run", "flat/*",
            "tuples.jsonl", "train-*.yml", "models/dpr_bert_00/**/*", *MODEL)
    for command, options in TOOLS:
        name = "-".join(command.split()[:2]).replace("---model", "").replace("---qrels", "")
        commands = [f"{command} {option}" for option in options]
        if "trec_eval" not in command and "--text" not in command:
            commands += [f"{command} {option}" for option in COMMON]
        yield Situation("arguments", name, (), uses, tuple(commands), "", ("^out($|/)",)
                        if "lir-train --config" in command else ())


def filled(rng: random.Random, command: str) -> str:
    """A command with numbers and words in their places."""
    words: List[str] = [w for w in STRINGS if "\0" not in w and "\ud800" not in w]

    def value(found: "re.Match[str]") -> str:
        chosen = pick(rng, NUMBERS if found[0] == "{number}" else words)
        return str(chosen) if found[0] == "{number}" else shlex.quote(chosen)

    text = re.sub(r"\{number\}|\{word\}", value, command.replace("{{", "\1").replace("}}", "\2"))
    return text.replace("\1", "{").replace("\2", "}")
