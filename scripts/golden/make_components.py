#!/usr/bin/env python3
"""Make what tokenizers with components in random combinations give, for
Tests/TokenizersTests/ComponentTests.swift.

    scripts/golden/make_components.py --seed 1 --out DIR    # needs transformers and tokenizers
    scripts/fixtures --pack components DIR

`cases.json` has tokenizers of every model that are drawn and trained as in
scripts/reference/fuzz_components.py, small, with texts, ids and decoded texts; `splits.json` what
patterns and pre-tokenizers make of texts.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))

import component_variants as variants  # noqa: E402
import fuzz_tokenizers as fuzz  # noqa: E402
import fuzz_unigram  # noqa: E402
from tokenizers import pre_tokenizers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

KINDS = ["byte-level", "bpe", "fallback", "wordlevel", "wordpiece"]
TEXTS = [
    "Don't stop: he'll pay $1,234.56 (or 20%) by 2024-11-25!", "  two  spaces\tand a tab \n\n new line  ",
    "na\u00efve caf\u00e9 \u00c5ngstr\u00f6m \u2014 \u00e6on \u00df \u017f's K\u212a", "\u4e2d\u6587\u5b57\u7b26 \u3068\u3072\u3089 \ud55c\uad6d\uc5b4 \u3000x",
    "e\u0301a\u0316\u0301 \u0e01\u0e33 \u0915\u094d\u0937 \u05e9\u05c1", "\U0001F468\u200d\U0001F469\u200d\U0001F467 \U0001F1E9\U0001F1EA ok\u200b\ufeff",
    "aaab abcaab aBCdE fooBar HTTPServer x\u00b2y\u00bd", "the \u0661\u0662\u0663 \u2167 \U0001D7D8 and", "\r\nA.b. c,d\n",
    "A", " ", "\u0301"]


def drawn(seed: int, work: Path) -> list:
    """Small tokenizers of every model, with texts of their own."""
    maps = [m for m in fuzz_unigram.real_charsmaps() if len(m) < 20_000]
    texts = sorted({t for path in sorted((fuzz.ROOT / ".build/fixtures/tokenizers").glob("*/inputs.json"))
                    for t in json.loads(path.read_text())["texts"] if t})
    cases = []
    for kind in KINDS:
        for index in range(12):
            number = seed * 1_000_003 + index
            settings = variants.tokenizer(work, kind, number, texts, maps, small=True)
            tokenizer = AutoTokenizer.from_pretrained(work)
            rng = random.Random(number)
            _, words, specials = fuzz.sources(tokenizer)
            own = TEXTS + [fuzz.text_of(rng, texts, words, specials)[:80] for _ in range(8)]
            try:
                records = fuzz.plain(tokenizer, own, True)
            except BaseException:  # noqa: BLE001 - Rust panics are no Exceptions.
                continue
            cases.append({
                "name": f"{kind} {index}", "tokenizer": json.loads((work / "tokenizer.json").read_text()),
                "config": settings["config"], "texts": own, "records": records})
    return cases


def splits() -> list:
    """Pre-tokenizers by themselves: the words they make."""
    cases = []

    def add(component: variants.Component, tokenizer: Any) -> None:
        words = [[piece for piece, _ in tokenizer.pre_tokenize_str(text)] for text in TEXTS]
        cases.append({"component": component, "words": words})

    for component in [{"type": "Punctuation", "behavior": b} for b in variants.BEHAVIORS] + [{"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"},
                      {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False},
                      {"type": "FixedLength", "length": 3}, {"type": "CharDelimiterSplit", "delimiter": "a"}]:
        add(component, load(component))
    for pattern in variants.PATTERNS:
        for behavior, invert in (("Isolated", False), ("MergedWithNext", False), ("Removed", True)):
            component = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}
            add(component, load(component))
    return cases


def load(component: variants.Component) -> Any:
    """The pre-tokenizer of a component, by way of a tokenizer; the crate cannot read its own delimiters."""
    from tokenizers import Tokenizer
    if component["type"] == "CharDelimiterSplit":
        return pre_tokenizers.CharDelimiterSplit(component["delimiter"])
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": component, "post_processor": None,
        "decoder": None, "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}})).pre_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    work = options.out / "work"
    for name, value in (("cases.json", drawn(options.seed, work)), ("splits.json", splits())):
        (options.out / name).write_text(json.dumps(value) + "\n", encoding="ascii")
    for file in work.iterdir():
        file.unlink()
    work.rmdir()


if __name__ == "__main__":
    main()
