#!/usr/bin/env python3
"""Compares Unigram tokenizers and normalizers with Hugging Face's: any difference fails.

Needs what fuzz_tokenizers.py needs.

  fuzz_unigram.py --tokenizers N --texts M --seed S   N tokenizers drawn at random, M texts each
  fuzz_unigram.py --sentencepiece --texts M           folders with a SentencePiece file alone
  fuzz_unigram.py --normalizers                       every Unicode scalar in contexts
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import fuzz_tokenizers as fuzz
import tokenizer_variants as variants
from tokenizers import Tokenizer
from transformers import AutoTokenizer


def real_charsmaps() -> List[str]:
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


def expected(tokenizer: Any, texts: List[str]) -> List[Optional[fuzz.Record]]:
    """Expected records, one by one where the reference fails on some text."""
    try:
        return list(fuzz.plain(tokenizer, texts, True))
    except BaseException:  # Rust panics are no Exceptions.
        records: List[Optional[fuzz.Record]] = []
        for text in texts:
            try:
                records += fuzz.plain(tokenizer, [text], True)
            except BaseException:
                records.append(None)
        return records


def fuzz_models(options: argparse.Namespace, work: Path) -> None:
    """Compare tokenizers that are drawn at random."""
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


#: Folders with a SentencePiece file: how it is trained, its name, and the configuration files.
T5_IDS = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
SENTENCEPIECE: List[Tuple[Dict[str, Any], str, Dict[str, Any]]] = [
    (dict(model_type="unigram", **T5_IDS), "spiece.model", {"config.json": {"model_type": "t5"}}),
    (dict(model_type="unigram", **T5_IDS), "spiece.model",
     {"tokenizer_config.json": {"tokenizer_class": "T5Tokenizer", "extra_ids": 10, "legacy": False}}),
    (dict(model_type="unigram", **T5_IDS), "spiece.model",
     {"tokenizer_config.json": {"tokenizer_class": "T5TokenizerFast", "extra_ids": 2, "add_prefix_space": False,
                                "additional_special_tokens": ["<a>"]}}),
    (dict(model_type="unigram", byte_fallback=True, user_defined_symbols=["foo", "the flow"],
          control_symbols=["<ctl>"], normalization_rule_name="nmt_nfkc_cf"), "spiece.model",
     {"tokenizer_config.json": {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}}),
    (dict(model_type="bpe", **T5_IDS), "spiece.model",
     {"tokenizer_config.json": {"tokenizer_class": "T5Tokenizer", "extra_ids": 3}}),
    (dict(model_type="unigram", normalization_rule_name="identity", remove_extra_whitespaces=False), "spiece.model",
     {"tokenizer_config.json": {"tokenizer_class": "T5Tokenizer", "extra_ids": 3, "add_prefix_space": None}}),
    (dict(model_type="unigram"), "sentencepiece.bpe.model", {"config.json": {"model_type": "xlm-roberta"}}),
    (dict(model_type="unigram", user_defined_symbols=["foo", "<mask>"]), "sentencepiece.bpe.model",
     {"tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizer", "legacy": False}}),
    (dict(model_type="bpe"), "sentencepiece.bpe.model",
     {"tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizerFast"}}),
]


def fuzz_sentencepiece(options: argparse.Namespace, work: Path) -> None:
    """Compare folders that have a SentencePiece file alone."""
    import sentencepiece
    _, texts = real_charsmaps(), []
    for path in sorted((fuzz.ROOT / ".build/fixtures/tokenizers").glob("*/inputs.json")):
        texts += [t for t in json.loads(path.read_text())["texts"] if t]
    done = 0
    for index, (training, name, files) in enumerate(SENTENCEPIECE):
        folder = work / "sentencepiece"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with open(folder / name, "wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts), model_writer=file, vocab_size=4500, character_coverage=0.98, hard_vocab_limit=False,
                minloglevel=2, **training)
        for other, value in files.items():
            (folder / other).write_text(json.dumps(value))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        rng = random.Random(options.seed * 1_000_003 + index)
        _, words, specials = fuzz.sources(tokenizer)
        drawn = [fuzz.text_of(rng, texts, words, specials) for _ in range(options.texts)]
        if not fuzz.run(folder, [{"text": t} for t in drawn], fuzz.plain(tokenizer, drawn, True), work):
            shutil.copytree(folder, "/tmp/sentencepiece", dirs_exist_ok=True)
            sys.exit(f"differences: {training} {files}, kept in /tmp/sentencepiece")
        done += len(drawn)
        lines = [fuzz.with_options(tokenizer, rng, fuzz.text_of(rng, texts, words, specials),
                                   fuzz.text_of(rng, texts, words, specials)) for _ in range(300)]
        if not fuzz.run(folder, [a for a, _ in lines], [b for _, b in lines], work):
            sys.exit(f"differences with options: {training} {files}")
        done += len(lines)
    print(f"{done} texts, {len(SENTENCEPIECE)} folders, no difference (seed {options.seed})")


def scalar_checkpoint(folder: Path, normalizer: variants.Component,
                      pre_tokenizer: Optional[variants.Component]) -> List[str]:
    """A checkpoint that has each scalar as a token, so that ids show normalized texts exactly."""
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    folder.mkdir(exist_ok=True)
    vocabulary: List[List[Any]] = [["<unk>", 0.0]] + [[c, -1.0] for c in every]
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": vocabulary}}))
    return every


def compare_normalizers(work: Path) -> None:
    """Compare every scalar in contexts, with normalizers by themselves."""
    kinds: List[variants.Component] = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents")]
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
            # Beyond these planes nothing is assigned: alone will do.
            wanted = every if form == "{}" else [c for c in every if c < "\U00033480" or "\U000E0000" <= c < "\U000E0200"]
            for start in range(0, len(wanted), 48):
                texts.append(" ".join(form.format(c) for c in wanted[start:start + 48]))
            done += len(wanted)
        for start in range(0, len(texts), 100_000):
            part = texts[start:start + 100_000]
            outputs = [{"ids": e.ids} for e in backend.encode_batch_fast(part)]
            if not fuzz.run(folder, [{"text": t} for t in part], outputs, work):
                sys.exit(f"differences: {str(normalizer)[:80]}")
        print(f"scalars: {str(normalizer)[:60]} agrees", flush=True)
    print(f"{done} scalars in contexts, no difference")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizers", type=int, default=0)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sentencepiece", action="store_true")
    parser.add_argument("--normalizers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.normalizers:
            compare_normalizers(Path(name))
        if options.sentencepiece:
            fuzz_sentencepiece(options, Path(name))
        if options.tokenizers:
            fuzz_models(options, Path(name))


if __name__ == "__main__":
    main()
