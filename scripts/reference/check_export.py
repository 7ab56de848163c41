#!/usr/bin/env python3
"""Open what lir-train exports in the library that it is for, and compare vectors and scores.

    check_export.py --fixtures .build/fixtures [--bin DIR] [--pylate PYTHON] [--train] [CASE...]

Every folder of a model below --fixtures is exported in every form. A form is refused in words, or its
library opens the folder and gives what lir-encode and lir-rerank give with the original. --train
trains every folder for two steps first, and checks what lir-train has written in the same way.
Needs sentence-transformers==6.2.0; --pylate is an interpreter that has pylate==1.6.0.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

TEXTS = ["a b c", "what is it ?", "the cat , and the dog . or not", "of", "the house of the mouse"]
PAIRS = [["what is it", "the cat and the dog"], ["a", "the house"], ["the cat", "a b c ."]]
FORMS = ["transformers", "sentence-transformers", "pylate"]
#: What plain checkpoints are, which do not say it.
CONFIGS: Dict[str, List[Optional[Dict[str, Any]]]] = {
    "splade_naver_bert": [{"model_type": "splade"}, {"model_type": "splade", "query_expansion": False}],
    "splade_naver_distilbert": [{"model_type": "splade"}],
    "monobert": [{"model_type": "mono", "scoring_strategy": "mono"}],
    "rankt5_untied": [{"model_type": "mono", "scoring_strategy": "rank"}],
    "dpr_pytorch_bin": [{"model_type": "lir-dpr", "projection": None, "pooling_strategy": "mean"}],
}
TOLERANCE = 2e-4

PYLATE = """
import json, sys
from pylate import models
model = models.ColBERT(sys.argv[1], device="cpu")
out = {}
for role in ("query", "doc"):
    rows = [model.encode([text], is_query=role == "query", batch_size=1)[0].tolist()
            for text in json.loads(sys.argv[2])]
    out[role] = rows
print("RESULT " + json.dumps(out))
"""


class Tools:
    """The tools of lir."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([f"{self.folder}/{tool}", *arguments], capture_output=True, text=True)

    def options(self, model: Path, config: Optional[Dict[str, Any]]) -> List[str]:
        more = [] if config is None else ["--model-config", json.dumps(config)]
        return ["--model", str(model), *more]

    def inspect(self, model: Path, config: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
        done = self.run("lir-encode", *self.options(model, config), "--inspect")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def vectors(self, model: Path, config: Optional[Dict[str, Any]], size: int) -> Dict[str, Any]:
        out: Dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as folder:
            texts = Path(folder) / "texts.tsv"
            texts.write_text("".join(f"{i}\t{text}\n" for i, text in enumerate(TEXTS)))
            for role in ("query", "doc"):
                done = self.run("lir-encode", *self.options(model, config), "--role", role,
                                "--format", "jsonl", "-q", str(texts))
                if done.returncode != 0:
                    raise RuntimeError(done.stderr)
                ids = vocabulary(model)
                out[role] = [spread(json.loads(line), size, ids) for line in done.stdout.splitlines()]
        return out

    def scores(self, model: Path, config: Optional[Dict[str, Any]], form: str) -> List[float]:
        out = []
        for query, doc in PAIRS:
            done = self.run("lir-rerank", *self.options(model, config), "--score", form, "--text",
                            query, doc)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
            out.append(float(done.stdout))
        return out


def vocabulary(model: Path) -> Dict[str, int]:
    """The ids of a model's tokens."""
    from tokenizers import Tokenizer
    files = sorted(model.glob("**/tokenizer.json"))
    if files:
        return Tokenizer.from_file(str(files[0])).get_vocab()
    words = sorted(model.glob("**/vocab.txt"))
    return {word: i for i, word in enumerate(words[0].read_text().splitlines())} if words else {}


def spread(record: Dict[str, Any], size: int, ids: Dict[str, int]) -> List[Any]:
    """A record's vector, or its vectors."""
    if "vectors" in record:
        return record["vectors"]
    vector = record["vector"]
    if isinstance(vector, dict):
        row = [0.0] * size
        for token, value in vector.items():
            row[ids[token]] = value
        return row
    return vector


def distance(a: Any, b: Any) -> float:
    if isinstance(a, list) != isinstance(b, list) or (isinstance(a, list) and len(a) != len(b)):
        return float("inf")
    if isinstance(a, list):
        return max((distance(x, y) for x, y in zip(a, b)), default=0.0)
    return abs(a - b)


def opened(kind: str, form: str, folder: Path, pylate: Optional[str]) -> Any:
    """What a library makes of the texts or pairs with an exported folder."""
    if form == "pylate":
        done = subprocess.run([pylate or sys.executable, "-c", PYLATE, str(folder), json.dumps(TEXTS)],
                              capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not lines:
            raise RuntimeError(done.stderr[-800:])
        return json.loads(lines[0][7:])
    import torch
    from sentence_transformers import (
        CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder)
    if kind == "cross-encoder":
        model = CrossEncoder(str(folder), device="cpu")
        return [float(model.predict([pair], batch_size=1)[0]) for pair in PAIRS]
    if form == "transformers":
        from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer
        cls = AutoModelForMaskedLM if kind == "sparse" else AutoModel
        model, info = cls.from_pretrained(str(folder), output_loading_info=True)
        missing = [key for key in info["missing_keys"] if "pooler" not in key]
        if missing:
            raise RuntimeError(f"missing: {missing}")
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
        if kind != "sparse":
            return None
        rows = []
        for text in TEXTS:
            with torch.no_grad():
                logits = model.eval()(**tokenizer(text, return_tensors="pt")).logits
            rows.append(torch.log1p(torch.relu(logits)).max(dim=1).values[0].tolist())
        return {"doc": rows}
    cls = {"dense": SentenceTransformer, "sparse": SparseEncoder,
           "multivector": MultiVectorEncoder}[kind]
    model = cls(str(folder), device="cpu")
    options = {} if kind == "multivector" else {"convert_to_tensor": True}
    if kind == "sparse":
        options["convert_to_sparse_tensor"] = False
    methods = {"query": model.encode_query, "doc": model.encode_document}
    return {role: [method([text], batch_size=1, **options)[0].tolist() for text in TEXTS]
            for role, method in methods.items()}


def train(tools: Tools, model: Path, config: Optional[Dict[str, Any]], out: Path) -> Optional[str]:
    """Train two steps; the message of a refusal."""
    tuples = out.parent / "tuples.tsv"
    tuples.write_text("what is it\tthe cat and the dog\tthe house\na b c\tthe mouse\tof a text\n")
    settings = {"model": str(model), "data": {"tuples": str(tuples)},
                "max_steps": 2, "batch_size": 1, "losses": [{"name": "RankNet"}]}
    if config is not None:
        settings["model_config"] = config
    file = out.parent / "train.json"
    file.write_text(json.dumps(settings))
    done = tools.run("lir-train", "--config", str(file), "-q", "-o", str(out))
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[0]


class Check:
    """One run: counts and failures."""

    def __init__(self, tools: Tools, pylate: Optional[str]) -> None:
        self.tools, self.pylate = tools, pylate
        self.opened = self.refused = 0
        self.worst = 0.0
        self.failures: List[str] = []

    def compare(self, name: str, model: Path, config: Optional[Dict[str, Any]], scratch: Path) -> None:
        found = self.tools.inspect(model, config)
        if found is None:
            return
        for form in FORMS:
            target = scratch / f"{name.replace('/', '_')}.{form}"
            options = self.tools.options(model, config)
            done = self.tools.run("lir-train", "export", *options, "--format", form, "-o", str(target))
            if done.returncode == 78:
                self.refused += 1
                print(f"{name} {form}: {done.stderr.strip().splitlines()[0][:150]}")
                continue
            if done.returncode != 0:
                self.failures.append(f"{name} {form}: {done.stderr}")
                continue
            try:
                gap = self.gap(found, model, config, form, target)
            except Exception as problem:  # Whatever a library says of the folder.
                self.failures.append(f"{name} {form}: {type(problem).__name__} {problem}"[:600])
                continue
            self.opened += 1
            self.worst = max(self.worst, gap)
            print(f"{name} {form}: {found['kind']}, {gap:.1e}")
            if not gap <= TOLERANCE:
                self.failures.append(f"{name} {form}: differs by {gap}")

    def gap(self, found: Dict[str, Any], model: Path, config: Optional[Dict[str, Any]], form: str,
            target: Path) -> float:
        kind = found["kind"]
        theirs = opened(kind, form, target, self.pylate)
        again = self.tools.inspect(target, {"model_type": "splade"}
                                   if kind == "sparse" and form == "transformers" else None)
        if kind == "cross-encoder":
            if again is None:
                raise RuntimeError("lir-encode does not open it")
            score = "logit" if again["score"] == "logit" else "sigmoid"
            return max(distance(self.tools.scores(model, config, score), theirs),
                       distance(self.tools.scores(target, None, "model"), theirs))
        if theirs is None:
            return 0.0
        ours = self.tools.vectors(model, config, found["vocab_size"])
        gap = max(distance(ours[role], theirs[role]) for role in theirs)
        if form != "transformers":
            own = self.tools.vectors(target, None, found["vocab_size"])
            gap = max(gap, *(distance(own[role], theirs[role]) for role in theirs))
        return gap


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path, required=True)
    parser.add_argument("--bin", default=".build/release")
    parser.add_argument("--pylate")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    check = Check(Tools(arguments.bin), arguments.pylate)
    models = sorted({path.parent for path in arguments.fixtures.glob("**/model")})
    for case in models:
        name = str(case.relative_to(arguments.fixtures))
        if arguments.cases and not any(wanted in name for wanted in arguments.cases):
            continue
        for config in CONFIGS.get(case.name, [None]):
            with tempfile.TemporaryDirectory() as folder:
                scratch, model, own = Path(folder), case / "model", config
                if arguments.train:
                    refusal = train(check.tools, model, config, scratch / "trained")
                    if refusal is not None:
                        print(f"{name}: not trained: {refusal[:150]}")
                        continue
                    model, own = scratch / "trained", None
                    if check.tools.inspect(model, None) is None:
                        said = check.tools.run("lir-encode", "--model", str(model), "--inspect")
                        check.failures.append(f"{name}: not read again: {said.stderr.strip()}")
                        continue
                check.compare(name, model, own, scratch)
    print(f"{check.opened} opened, {check.refused} refused, {len(check.failures)} failed; "
          f"largest difference {check.worst:.1e}")
    for failure in check.failures:
        print(f"FAILED {failure}")
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
