"""What is mutated: every kind of input of the command line, and the commands that read it.

A situation names files of the base, which `make_base` makes with the tools themselves: those to
mutate, those that the commands need as they are, and the command lines, one of which is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

SPLADE = """--model-config '{"model_type":"splade"}'"""
MONO = """--model-config '{"model_type":"mono","scoring_strategy":"mono"}'"""
#: What folders of the fixtures do not say themselves.
HINTS: Dict[str, str] = {
    "dpr_pytorch_bin": """--model-config '{"model_type":"lir-dpr","pooling_strategy":"mean",'"""
                       """'"projection":null}'""",
    "monobert": MONO, "rankt5_untied": MONO.replace('"scoring_strategy":"mono"',
                                                    '"scoring_strategy":"rank"'),
    "splade_naver_bert": SPLADE, "splade_naver_distilbert": SPLADE,
    "splade_opensearch_doc_v3": SPLADE,
}
CROSS = ("mono", "set_", "st_ce", "rankt5")


class Situation(NamedTuple):
    """One kind of input, and what reads it."""

    kind: str
    name: str
    targets: Tuple[str, ...]
    uses: Tuple[str, ...]
    commands: Tuple[str, ...]
    #: "same": status 0 means what the whole input gives; "refuse": no changed byte is accepted;
    #: "numbers": nothing that is no number is printed; "": only what holds for all of them.
    rule: str = ""
    #: Files that may be left where a tool refuses: what a killed run left, and is continued.
    keeps: Tuple[str, ...] = ()
    #: Files that "same" does not compare.
    ignores: Tuple[str, ...] = ()


def model_situations(base: Path) -> Iterator[Situation]:
    for folder in sorted((base / "models").iterdir()):
        name, at = folder.name, f"models/{folder.name}"
        hint = HINTS.get(name, "")
        if name.startswith(CROSS):
            commands: Tuple[str, ...] = (
                f"lir-rerank --model {at} {hint} --text 'how do I fix a tyre' 'a patch' 'the bread'",
                f"lir-rerank --model {at} {hint} --queries few-queries.tsv --docs few.tsv few.run",
                f"lir-encode --model {at} {hint} --inspect")
        else:
            commands = (f"lir-encode --model {at} {hint} --role doc --format jsonl few.tsv",
                        f"lir-encode --model {at} {hint} --role query --format jsonl few.tsv",
                        f"lir-encode --model {at} {hint} --inspect")
        uses = ("few.tsv", "few-queries.tsv", "few.run", f"{at}/**/*")
        texts = [p.relative_to(base).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()
                 and p.suffix in (".json", ".metadata") and p.name != "tokenizer.json"]
        yield Situation("model-json", name, tuple(texts), uses, commands, "numbers")
        weights = [p.relative_to(base).as_posix() for p in sorted(folder.rglob("*"))
                   if p.suffix in (".safetensors", ".bin", ".pt")]
        yield Situation("weights", name, tuple(weights), uses, commands, "numbers")
        yield Situation(
            "tokenizer", name, (f"{at}/**/tokenizer.json", f"{at}/**/vocab.txt"), uses,
            (f"lir-tokenize --model {at} {hint} --role doc --format tokens few.tsv",
             f"lir-tokenize --model {at} {hint} --role doc --stats few.tsv"))
    for folder in sorted((base / "tokenizers").iterdir()):
        at = f"tokenizers/{folder.name}"
        files = [p.relative_to(base).as_posix() for p in sorted(folder.iterdir()) if p.is_file()]
        yield Situation("tokenizer", folder.name, tuple(files), ("texts.tsv", f"{at}/**/*"),
                        (f"lir-tokenize --model {at} --format tokens texts.tsv",
                         f"lir-tokenize --model {at} --format jsonl --window 8:4 texts.tsv"))
    yield Situation("adapter", "saved", ("adapter/*",), ("few.tsv", "models/st_bert_mean/**/*"), (
        "lir-encode --model models/st_bert_mean --adapter adapter --role doc few.tsv --format jsonl",),
        "numbers")
    yield Situation("model-config", "file", ("model-config.json",),
                    ("few.tsv", "models/splade_naver_bert/**/*"),
                    ("lir-encode --model models/splade_naver_bert --model-config model-config.json "
                     "--role doc few.tsv --format jsonl",), "numbers")


DENSE = "--model models/st_bert_mean"
MODEL = ("models/st_bert_mean/**/*",)


def record_situations() -> Iterator[Situation]:
    readers = (f"lir-tokenize {DENSE} --role doc {{}}", f"lir-tokenize {DENSE} --role doc --stats {{}}",
               f"lir-tokenize {DENSE} --role doc --shard 2/3 --format jsonl {{}}",
               f"lir-tokenize {DENSE} --role doc --on-error skip --format jsonl {{}}",
               f"lir-encode {DENSE} --role doc --shard 1/3 -o out.lirt {{}}",
               "lir-eval --qrels qrels.txt --report out.html --docs {} first.run",
               f"lir-rerank {DENSE} --queries queries.tsv --docs {{}} --depth 2 first.run -o out.run")
    for name in ("docs.tsv", "docs.jsonl", "docs.trec", "beir.tsv", "queries.trec"):
        more = () if name.endswith("trec") else (
            f"lir-tokenize {DENSE} --role doc --fields text,title --format jsonl {name}",
            f"lir-search --index flat {DENSE} -k 3 {name}")
        yield Situation("records", name, (name,), ("queries.tsv", "qrels.txt", "first.run", "flat/*",
                                                   *MODEL),
                        tuple(command.format(name) for command in readers) + more)
    for name in ("pairs.tsv", "pairs.jsonl"):
        yield Situation("records", name, (name,), ("models/mono_bert_00/**/*",), (
            f"lir-tokenize --model models/mono_bert_00 --pairs {name} -o out.lirt",
            f"lir-tokenize --model models/mono_bert_00 --pairs {name} --format jsonl"))
    packed = tuple(f"docs.tsv.{suffix}" for suffix in ("gz", "zst", "lz4", "bz2", "xz"))
    for name in packed:
        yield Situation("compressed-content", name, (name,), MODEL, (
            f"lir-tokenize {DENSE} --role doc --format jsonl {name}",))
    for name in packed[:3]:
        yield Situation("compressed", name, (name,), MODEL, (
            f"lir-tokenize {DENSE} --role doc --format jsonl {name}",), "same")
    yield Situation("compressed", "run", ("written.run.zst", "written.run.lz4"), ("qrels.txt",),
                    ("lir-eval --qrels qrels.txt -m nDCG@10 --per-query {target}",), "same")


def run_situations() -> Iterator[Situation]:
    evaluate = ("lir-eval --qrels {0} -m nDCG@10 -m RR -m AP -m R@5 --per-query {1}",
                "lir-eval --qrels {0} --compare --resamples 50 {1} other.run",
                "lir-eval --qrels {0} --ties bounds -m P@5 {1}",
                "lir-eval trec_eval -m all_trec {0} {1}",
                "lir-eval --qrels {0} -m 'alpha_nDCG@5' -m ERR-IA@5 {1}",
                "lir-eval --qrels {0} -m ERR@5 -m 'RBP(rel=1)' --report out.html --plot out.svg {1}",
                "lir-train sample --qrels {0} --queries queries.tsv --docs docs.tsv --sample-size 3 "
                "--add-docs-not-in-ranking --skip-unanswered {1} -o out.jsonl")
    texts = ("queries.tsv", "docs.tsv", "other.run")
    for name in ("qrels.txt", "qrels.tsv"):
        yield Situation("qrels", name, (name,), (*texts, "first.run"),
                        tuple(c.format(name, "first.run") for c in evaluate), "numbers")
    for name in ("first.run", "first.jsonl", "first.msmarco"):
        extra = " --run-format msmarco" if name.endswith("msmarco") else ""
        yield Situation(
            "runs", name, (name,), (*texts, "qrels.txt", *MODEL),
            tuple(c.format("qrels.txt", name) + ("" if "train" in c or "trec_eval" in c else extra)
                  for c in evaluate) + (
                f"lir-rerank fuse {name} other.run{extra}",
                f"lir-rerank fuse --method minmax {name} other.run{extra}",
                f"lir-rerank {DENSE} --queries queries.tsv --docs docs.tsv --depth 2 {name}{extra}"),
            "numbers")
    search = "lir-search --index flat -k 3 --filter {target} queries.lirt"
    yield Situation("filters", "lists", ("allowed.txt", "allowed.tsv"), ("flat/*", "queries.lirt"),
                    (search,), "numbers")


TRAIN = "lir-train --config {} -o out --set max_steps=2"


def training_situations() -> Iterator[Situation]:
    made = ("^out($|/)",)
    data = ("queries.tsv", "docs.tsv", "qrels.txt", "first.run", "tuples.jsonl", "triples.tsv",
            "models/dpr_bert_00/**/*", "train-*.yml")
    for name in ("train-tuples.yml", "train-triples.yml", "train-run.yml"):
        yield Situation("training-config", name, (name,), data,
                        (f"lir-train --config {name} -o out", TRAIN.format(name),
                         f"lir-train --config {name} -o out --print-config"), "", made)
    for name, config in (("tuples.jsonl", "tuples"), ("triples.tsv", "triples"),
                         ("first.run", "run"), ("qrels.txt", "run"), ("queries.tsv", "run")):
        yield Situation("training-data", name, (name,), data,
                        (TRAIN.format(f"train-{config}.yml"),), "", made)
    resume = "lir-train --config train-tuples.yml -o trained --resume"
    yield Situation("checkpoints", "files", ("trained/checkpoints/**/*", "trained/*.json*",
                                             "trained/train.yml", "trained/.*"),
                    (*data, "trained/**/*", "trained/.*"), (resume,), "same", ("^trained/",),
                    (r"metrics\.jsonl", r"train\.yml", r"/\."))
    yield Situation("checkpoints", "plot", ("trained/metrics.jsonl",), ("trained/*",),
                    ("lir-train plot trained -o out.svg", "lir-train plot trained"), "numbers")
    options = (f"lir-encode {DENSE} --config options.yml --role doc few.tsv --format jsonl",
               f"lir-encode {DENSE} --config options.yml --role doc few.tsv --print-config",
               f"lir-tokenize {DENSE} --config options.yml few.tsv --format jsonl")
    yield Situation("options-config", "yaml", ("options.yml",), ("few.tsv", *MODEL), options)


KINDS = ("dense", "sparse", "multivector", "coil", "tokens")


def stream_situations() -> Iterator[Situation]:
    for kind in KINDS:
        for suffix in ("lirt", "lirt.zst", "lirt.lz4"):
            name = f"{kind}.{suffix}"
            yield Situation("streams", name, (name,), (), (
                f"lir-encode view {name}", f"lir-encode cat {name} -o out.lirt",
                f"lir-encode verify {name}",
                *([] if kind in ("multivector", "coil", "tokens") else
                  [f"lir-index build {name} -o out"])), "same")
        # Behind a right checksum: what is said may be false, and is no longer the same.
        yield Situation("streams-sealed", kind, (f"{kind}.lirt",), MODEL, (
            f"lir-encode view {kind}.lirt", f"lir-encode cat {kind}.lirt -o out.lirt",
            f"lir-index build {kind}.lirt -o out", f"lir-encode {DENSE} --role doc {kind}.lirt",
            f"lir-tokenize {DENSE} --decode {kind}.lirt"))
    yield Situation("streams-sealed", "pairs", ("pairs.lirt",), ("models/mono_bert_00/**/*",), (
        "lir-rerank --model models/mono_bert_00 pairs.lirt",), "numbers")
    yield Situation("streams-sealed", "queries", ("queries.lirt",), ("flat/*",), (
        "lir-search --index flat -k 3 queries.lirt",), "numbers")
    yield Situation("caches", "dense", ("cache/*",), ("few.tsv", "cache/*", *MODEL), (
        f"lir-encode {DENSE} --role doc --cache cache few.tsv -o out.lirt",), "same", (), ("^cache/",))
    keeps = (r"\.partial",)
    for name, command in RESUMED.items():
        yield Situation("partials", name, (f".{name}.partial*",),
                        (f".{name}.partial*", "queries.tsv", "docs.tsv", "docs-many.tsv", "first.run",
                         "flat/*", *MODEL), (command,), "same", keeps)


RESUMED = {
    "resumed.lirt": f"lir-encode {DENSE} --role doc --resume docs-many.tsv -o resumed.lirt",
    "resumed.lirt.zst": f"lir-encode {DENSE} --role doc --resume docs-many.tsv -o resumed.lirt.zst",
    "searched.run": f"lir-search --index flat {DENSE} -k 5 --resume queries.tsv -o searched.run",
    "searched.run.zst": f"lir-search --index flat {DENSE} -k 5 --resume queries.tsv "
                        "-o searched.run.zst",
    "ranked.run": f"lir-rerank {DENSE} --queries queries.tsv --docs docs.tsv --resume first.run "
                  "-o ranked.run",
}


def all_situations(base: Path) -> List[Situation]:
    return [*record_situations(), *run_situations(), *model_situations(base),
            *training_situations(), *stream_situations()]
