#!/usr/bin/env python3
"""Compares BPE, WordLevel and WordPiece tokenizers with Hugging Face's: any difference fails.

Needs what fuzz_tokenizers.py needs. Each tokenizer is drawn at random and trained on the texts of the
fixtures; its components come in combinations that no checkpoint has.

  fuzz_components.py --kind KIND --tokenizers N --texts M --seed S
  fuzz_components.py --scalars                  every Unicode scalar, in pre-tokenizers and patterns

KIND is one of byte-level, bpe, fallback, wordlevel, wordpiece.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import component_variants as variants
import fuzz_tokenizers as fuzz
import fuzz_unigram
from tokenizers import Tokenizer
from transformers import AutoTokenizer

KINDS = ["byte-level", "bpe", "fallback", "wordlevel", "wordpiece"]


def fuzz_models(options: argparse.Namespace, work: Path) -> None:
    """Compare tokenizers that are drawn at random and trained."""
    maps = fuzz_unigram.real_charsmaps()
    texts: List[str] = []
    for path in sorted((fuzz.ROOT / ".build/fixtures/tokenizers").glob("*/inputs.json")):
        texts += [t for t in json.loads(path.read_text())["texts"] if t]
    texts = sorted(set(texts))
    done = failed = broken = 0
    for index in range(options.first, options.tokenizers):
        seed = options.seed * 1_000_003 + index
        folder = work / "variant"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            settings = variants.tokenizer(folder, options.kind, seed, texts, maps)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except KeyboardInterrupt:
            raise
        except BaseException:  # Rust panics are no Exceptions: the reference cannot be trained so.
            broken += 1
            continue
        rng = random.Random(seed)
        _, words, specials = fuzz.sources(tokenizer)
        drawn = [fuzz.text_of(rng, texts, words, specials) for _ in range(options.texts)]
        drawn += [rng.choice("a\u0301\u4e2de1 ") * rng.randint(1, 3000) for _ in range(20)]
        outputs = fuzz_unigram.expected(tokenizer, drawn)
        kept = [(t, o) for t, o in zip(drawn, outputs) if o is not None]
        failed += len(drawn) - len(kept)
        if not fuzz.run(folder, [{"text": t} for t, _ in kept], [o for _, o in kept], work):
            kept_folder = f"/tmp/variant-{options.kind}-{options.seed}-{index}"
            shutil.copytree(folder, kept_folder, dirs_exist_ok=True)
            print(f"differences: {options.kind} {index} of seed {options.seed}, kept in {kept_folder}: "
                  f"{json.dumps(settings, ensure_ascii=False)}", flush=True)
            if not options.keep_going:
                sys.exit(1)
        done += len(kept)
        if index % 10 == 9:
            print(f"{options.kind}: {index + 1} tokenizers, {done} texts", flush=True)
    print(f"{options.kind}: {done} texts, {options.tokenizers - options.first - broken} tokenizers, end "
          f"(seed {options.seed}); the reference failed on {failed} texts and {broken} tokenizers", flush=True)


def compare_scalars(work: Path) -> None:
    """Compares every scalar in contexts, with pre-tokenizers and patterns by themselves."""
    kinds: List[Dict[str, Any]] = [{"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"},
             {"type": "Digits", "individual_digits": False}, {"type": "Digits", "individual_digits": True},
             {"type": "Punctuation", "behavior": "Isolated"},
             {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]
    names = "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cn".split()
    kinds += [{"type": "Split", "pattern": {"Regex": p}, "behavior": "Contiguous", "invert": False} for p in
              [r"\p{%s}" % n for n in names] + [r"\w", r"\s", r"\d", r"\h", r"(?i:[a-z])", r"\b"]]
    kinds += [{"type": "Split", "pattern": {"Regex": p}, "behavior": "Isolated", "invert": False} for p in (
        variants.GPT2, variants.CL100K, variants.O200K)]
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    folder = work / "scalars"
    folder.mkdir()
    done = 0
    for kind in kinds:
        # Each scalar is a token, but what comes first in a word is another one: ids show the words.
        (folder / "tokenizer.json").write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": kind, "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": "?", "continuing_subword_prefix": "##",
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "merges": [],
                      "vocab": {"?": 0, "##a": 1, "##1": 2, "##.": 3, "## ": 4, "a": 5, "1": 6, ".": 7, " ": 8,
                                "##\u0120": 9, "\u0120": 10}}}))
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
        texts = ["".join(form.format(c) for c in every[start:start + 48])
                 for form in ("{}", "a{}", "1{}", ".{} ") for start in range(0, len(every), 48)]
        done += 4 * len(every)
        outputs = [{"ids": e.ids} for e in backend.encode_batch_fast(texts)]
        if not fuzz.run(folder, [{"text": t} for t in texts], outputs, work):
            sys.exit(f"differences: {kind}")
        print(f"scalars: {kind} agrees", flush=True)
    print(f"{done} scalars in contexts, no difference")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="byte-level")
    parser.add_argument("--tokenizers", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--scalars", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.scalars:
            compare_scalars(Path(name))
        if options.tokenizers:
            fuzz_models(options, Path(name))


if __name__ == "__main__":
    main()
