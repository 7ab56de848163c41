#!/usr/bin/env python3
"""Compares Unigram tokenizers and normalizers with Hugging Face's: any difference fails.

Needs what fuzz_tokenizers.py needs.

  fuzz_unigram.py --tokenizers N --texts M --seed S   N tokenizers drawn at random, M texts each
  fuzz_unigram.py --normalizers                       every Unicode scalar in contexts
"""
import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import fuzz_tokenizers as fuzz
import tokenizer_variants as variants
from tokenizers import Tokenizer
from transformers import AutoTokenizer


def real_charsmaps():
    """The charsmaps of the fixtures."""
    found = set()
    for path in sorted((fuzz.ROOT / ".build/fixtures/tokenizers").glob("*/model/tokenizer.json")):
        section = json.loads(path.read_text())["normalizer"] or {}
        for part in [section] + section.get("normalizers", []):
            if part.get("precompiled_charsmap"):
                found.add(part["precompiled_charsmap"])
    if not found:
        sys.exit("fuzz_unigram: no fixtures with charsmaps: run scripts/fixtures first")
    return sorted(found)


def expected(tokenizer, texts):
    """Expected records, one by one where the reference fails on some text."""
    try:
        return fuzz.plain(tokenizer, texts, True)
    except BaseException:  # Rust panics are no Exceptions.
        records = []
        for text in texts:
            try:
                records += fuzz.plain(tokenizer, [text], True)
            except BaseException:
                records.append(None)
        return records


def fuzz_models(options, work):
    maps = real_charsmaps()
    texts = []
    for path in sorted((fuzz.ROOT / ".build/fixtures/tokenizers").glob("*/inputs.json")):
        texts += [t for t in json.loads(path.read_text())["texts"] if t]
    done = failed = 0
    for index in range(options.tokenizers):
        seed = options.seed * 1_000_003 + index
        folder = work / "unigram"
        shutil.rmtree(folder, ignore_errors=True)
        settings = variants.unigram(folder, seed, texts, maps)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        rng = random.Random(seed)
        _, words, specials = fuzz.sources(tokenizer)
        drawn = [fuzz.text_of(rng, texts, words, specials) for _ in range(options.texts)]
        drawn += [rng.choice("a\u0301\u4e2de ") * rng.randint(1, 300) for _ in range(20)]
        outputs = expected(tokenizer, drawn)
        kept = [(t, o) for t, o in zip(drawn, outputs) if o is not None]
        failed += len(drawn) - len(kept)
        if not fuzz.run(folder, [{"text": t} for t, _ in kept], [o for _, o in kept], work):
            shutil.copytree(folder, "/tmp/unigram", dirs_exist_ok=True)
            sys.exit(f"differences: tokenizer {index} of seed {options.seed}, kept in /tmp/unigram: {settings}")
        done += len(kept)
    print(f"{done} texts, {options.tokenizers} tokenizers, no difference (seed {options.seed}); "
          f"{failed} texts on which the reference failed")


def scalar_checkpoint(folder, normalizer, pre_tokenizer):
    """A checkpoint that has each scalar as a token, so that ids show normalized texts exactly."""
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    folder.mkdir(exist_ok=True)
    vocabulary = [["<unk>", 0.0]] + [[c, -1.0] for c in every]
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": vocabulary}}))
    return every


def compare_normalizers(work):
    kinds = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents")]
    kinds += [{"type": "Precompiled", "precompiled_charsmap": m} for m in real_charsmaps()]
    kinds.append({"type": "Precompiled", "precompiled_charsmap": variants.charsmap(dict(variants.RULES))})
    contexts = ["{}", "a{}b", "x{}\u0316\u0301y", "\u0301{}\u0323", "{}\u0301", "{}\u200d", "\u1100{}", "{}\u1161",
                "\ufb01{}", "\U0001F1E9{}", "\u0915\u094d{}", "\u00bd{}", "\U0001F468\u200d{}"]
    done = 0
    for normalizer in kinds:
        folder = work / "scalars"
        every = scalar_checkpoint(folder, normalizer, None)
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
        texts = []
        for form in contexts:
            for start in range(0, len(every), 48):
                texts.append(" ".join(form.format(c) for c in every[start:start + 48]))
            done += len(every)
        for start in range(0, len(texts), 100_000):
            part = texts[start:start + 100_000]
            outputs = [{"ids": e.ids} for e in backend.encode_batch_fast(part)]
            if not fuzz.run(folder, [{"text": t} for t in part], outputs, work):
                sys.exit(f"differences: {str(normalizer)[:80]}")
        print(f"scalars: {str(normalizer)[:60]} agrees", flush=True)
    print(f"{done} scalars in contexts, no difference")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizers", type=int, default=0)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--normalizers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.normalizers:
            compare_normalizers(Path(name))
        if options.tokenizers:
            fuzz_models(options, Path(name))


if __name__ == "__main__":
    main()
