#!/usr/bin/env python3
"""Compares the tokenizers with Hugging Face's on random texts: any difference fails.

Needs transformers 4.57 and tokenizers 0.22, and tests that are built
(swift build -c release --build-tests).

  fuzz_tokenizers.py --tokenizer FOLDER --count N --seed S    random and mutated texts
  fuzz_tokenizers.py --scalars                                every Unicode scalar in contexts
  fuzz_tokenizers.py --tokenizer FOLDER --tsv FILE...         the texts of TSV files
  fuzz_tokenizers.py --tokenizer FOLDER --variants N --seed S configurations made from FOLDER's
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from tokenizers import AddedToken, Tokenizer
from transformers import AutoTokenizer
from transformers.utils import logging

#: A line of what the test reads or expects.
Record = Dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent.parent
logging.set_verbosity_error()
# A test bundle to run instead of the one that `swift test` finds, so that building can go on.
BUNDLE = os.environ.get("LIR_TEST_BUNDLE")

RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x00, 0x1F), (0x7F, 0xFF), (0xC0, 0x24F),
    (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF),
    (0x900, 0x97F), (0xE00, 0xE7F), (0xF00, 0xFFF), (0x1100, 0x11FF), (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x2BFF),
    (0x3000, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF),
    (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFE2F), (0xFF00, 0xFFFF), (0x10000, 0x10FFF),
    (0x11000, 0x11FFF), (0x1D100, 0x1D7FF), (0x1F000, 0x1FAFF), (0x20000, 0x2CEAF),
    (0x2F800, 0x2FA1F), (0xE0000, 0xE01EF), (0, 0x10FFFF),
]
FAMILY = "\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466"
PIECES = [
    " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff", "\ufffd",
    "\u00ad", "'s", "don't", "n't", "...", "\u0130", "\u01c5", "\ufb01", "\u1e9b\u0323", "\u212b", FAMILY,
    "\U0001F1E9\U0001F1EA", "e\u0301", "a\u0316\u0301", "a\u0301\u0316", "\u0f71\u0f72\u0f80",
    "\u3099", "\u302e", "\u302f\u0301", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\u4e2d\u6587",
    "\u30ab\u30bf\u30ab\u30ca", "\u0e01\u0e33", "\u05e9\u05c1\u05b8", "\x00", "\x1f", "\x7f",
]


def scalar(rng: random.Random) -> str:
    """A random scalar of one of the ranges."""
    while True:
        value = rng.randint(*rng.choice(RANGES))
        if not 0xD800 <= value < 0xE000:
            return chr(value)


def text_of(rng: random.Random, texts: Sequence[str], words: Sequence[str],
            specials: Sequence[str]) -> str:
    """One random text: a mutated one, or pieces put together."""
    kind = rng.random()
    if kind < 0.35:
        chars = list(rng.choice(texts))
        for _ in range(rng.randint(1, 6)):
            place = rng.randint(0, len(chars))
            action = rng.random()
            if action < 0.45:
                chars[place:place] = [scalar(rng)]
            elif action < 0.6:
                chars[place:place] = list(rng.choice(PIECES))
            elif action < 0.7:
                chars[place:place] = list(rng.choice(specials))
            elif action < 0.85:
                del chars[place:place + rng.randint(1, 8)]
            elif chars:
                i, j = rng.randrange(len(chars)), rng.randrange(len(chars))
                chars[i], chars[j] = chars[j], chars[i]
        text = "".join(chars)
        start = rng.randint(0, max(0, len(text) - 80)) if rng.random() < 0.7 else 0
        text = text[start:start + rng.randint(1, 160)]
        return text.upper() if rng.random() < 0.05 else text
    parts = []
    low, high = RANGES[rng.randrange(len(RANGES))]
    for _ in range(rng.randint(0, 14)):
        pick = rng.random()
        if pick < 0.3:
            word = rng.choice(words)
            parts.append(word[2:] if word.startswith("##") and rng.random() < 0.8 else word)
        elif pick < 0.5:
            parts.append(" ")
        elif pick < 0.6:
            parts.append(rng.choice(PIECES))
        elif pick < 0.7:
            parts.append(rng.choice(specials))
        elif pick < 0.8:
            run = [rng.randint(low, high) for _ in range(rng.randint(1, 6))]
            parts.append("".join(chr(c) for c in run if not 0xD800 <= c < 0xE000))
        elif pick < 0.82:
            parts.append(rng.choice("aé中\u0301") * rng.randint(95, 105))
        else:
            parts.append(scalar(rng))
    return "".join(parts)


def run(folder: Path, inputs: List[Record], outputs: List[Record], work: Path) -> bool:
    """Writes both files, runs the test, and returns whether it passed."""
    strings, expected = work / "strings.jsonl", work / "expected.jsonl"
    with open(strings, "w", encoding="ascii") as file:
        file.writelines(json.dumps(line) + "\n" for line in inputs)
    with open(expected, "w", encoding="ascii") as file:
        file.writelines(json.dumps(line) + "\n" for line in outputs)
    environment = dict(
        os.environ, LIR_FUZZ_TOKENIZER=str(folder), LIR_FUZZ_STRINGS=str(strings),
        LIR_FUZZ_EXPECTED=str(expected))
    command = ["swift", "test", "-c", "release", "--skip-build"]
    if BUNDLE:
        command = [BUNDLE, "--testing-library", "swift-testing"]
    done = subprocess.run(
        command + ["--filter", "TokenizersTests.FuzzTests"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or f"fuzz: {len(inputs)} strings, 0 differences" not in done.stdout:
        print(done.stdout[-6000:])
        return False
    return True


def plain(tokenizer: Any, texts: List[str], decode: bool) -> List[Record]:
    """Expected records of texts encoded one by one without options."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    records = []
    for encoding in backend.encode_batch(texts):
        record = {"ids": encoding.ids}
        if decode:
            record["decode"] = tokenizer.decode(encoding.ids)
            record["skip"] = tokenizer.decode(encoding.ids, skip_special_tokens=True)
        records.append(record)
    return records


def sources(tokenizer: Any) -> Tuple[List[str], List[str], List[str]]:
    """The fixtures' texts, the vocabulary, and added tokens in forms of their own."""
    texts: List[str] = []
    for path in sorted((ROOT / ".build/fixtures/tokenizers").glob("*/inputs.json")):
        texts += [t for t in json.loads(path.read_text())["texts"] if t]
    added = [t.content for t in tokenizer.added_tokens_decoder.values()]
    return texts, sorted(tokenizer.get_vocab()), added + [" " + t + " " for t in added] + [
        t.lower() for t in added] + [t + "x" for t in added]


def with_options(tokenizer: Any, rng: random.Random, first: str,
                 second: str) -> Tuple[Record, Record]:
    """A text or pair with random options, and what transformers makes of it."""
    line: Record = {"text": first}
    options: Dict[str, Any] = {}
    if rng.random() < 0.6 and second:
        line["pair"] = second
    if rng.random() < 0.2:
        line["special"] = options["add_special_tokens"] = False
    truncation = rng.choice(["longest_first", "only_first", "only_second"])
    if rng.random() < 0.7:
        line["max"] = options["max_length"] = rng.randint(4, 40)
        if "pair" not in line:
            truncation = "longest_first"
        line["truncation"] = options["truncation"] = truncation
    try:
        e = tokenizer(line["text"], line.get("pair"), return_token_type_ids=True,
                      return_special_tokens_mask=True, **options)
    except Exception:  # The library raises a plain Exception.
        return line, {"error": True}
    total = 10 ** 9 if "max" not in line else line["max"]
    if len(e["input_ids"]) > total:
        # transformers logs an error and does not cut where a strategy cannot make room.
        return line, {"error": True}
    return line, {
        "ids": e["input_ids"], "types": e["token_type_ids"], "mask": e["special_tokens_mask"],
        "decode": tokenizer.decode(e["input_ids"]),
        "skip": tokenizer.decode(e["input_ids"], skip_special_tokens=True)}


def variant(source: Path, folder: Path, rng: random.Random) -> Path:
    """A checkpoint made from `source` with other settings."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(source)
    if rng.random() < 0.6:
        tokens = []
        for i in range(rng.randint(1, 4)):
            content = rng.choice(["[NEW", "<x", "Word", "ab", "É", "new york", "[MASK", "##ing"]) + rng.choice(
                ["]", ">", "", "1", " "])
            tokens.append(AddedToken(
                content, single_word=rng.random() < 0.4, lstrip=rng.random() < 0.4,
                rstrip=rng.random() < 0.4, normalized=rng.random() < 0.5, special=rng.random() < 0.5))
        tokenizer.add_tokens(tokens)
    if rng.random() < 0.3:
        tokenizer.add_special_tokens({"additional_special_tokens": ["[Q]", "[D]"]})
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    settings: List[Tuple[str, List[Any]]] = [
        ("do_lower_case", [True, False, None]), ("strip_accents", [True, False, None]),
        ("tokenize_chinese_chars", [True, False]), ("truncation_side", ["left", "right"]),
        ("clean_up_tokenization_spaces", [True, False]), ("split_special_tokens", [True, False])]
    for key, values in settings:
        choice = rng.random()
        if choice < 0.3:
            config[key] = rng.choice([v for v in values if v is not None or key == "strip_accents"])
        elif choice < 0.4:
            config.pop(key, None)
    if rng.random() < 0.3:
        config.pop("added_tokens_decoder", None)
    elif rng.random() < 0.4:
        for token in config["added_tokens_decoder"].values():
            if rng.random() < 0.3:
                key = rng.choice(["lstrip", "rstrip", "single_word", "normalized"])
                token[key] = not token[key]
    if rng.random() < 0.15:
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    elif rng.random() < 0.2:
        config["tokenizer_class"] = rng.choice(["DistilBertTokenizer", "ElectraTokenizerFast"])
    path.write_text(json.dumps(config))
    if rng.random() < 0.2 and (folder / "vocab.txt").exists() \
            and config["tokenizer_class"] != "PreTrainedTokenizerFast":
        (folder / "tokenizer.json").unlink()
    elif rng.random() < 0.2:
        (folder / "special_tokens_map.json").unlink(missing_ok=True)
    return folder


def scalar_checkpoint(folder: Path, clean: bool, chinese: bool, strip: Optional[bool],
                      lowercase: bool) -> List[str]:
    """A checkpoint that has each scalar as a token, so that ids show normalized texts exactly."""
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    vocabulary = {"[UNK]": 0}
    for prefix in ("", "##"):
        vocabulary.update({prefix + c: len(vocabulary) + i for i, c in enumerate(every)})
    plain = dict(rstrip=False, normalized=False, special=False)
    added = [dict(id=vocabulary["Q"], content="Q", single_word=True, lstrip=False, **plain),
             dict(id=vocabulary["W"], content="W", single_word=False, lstrip=True, **plain)]
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
                       "strip_accents": strip, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 10 ** 6, "vocab": vocabulary}}))
    return every


def compare_scalars(work: Path) -> int:
    """Compares every scalar in contexts under different settings; returns how many."""
    done = 0
    for settings in [(True, True, None, True), (True, True, False, True), (True, True, True, False),
                     (True, False, False, False), (False, True, None, True),
                     (False, False, True, False)]:
        folder = work / "scalars"
        every = scalar_checkpoint(folder, *settings)
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
        texts = []
        for form in ("{}", "a{}b", "x{}\u0316\u0301y", "\u0301{}\u0323", "Q{}", "{}Q", "{}W"):
            for start in range(0, len(every), 48):
                texts.append(" ".join(form.format(c) for c in every[start:start + 48]))
            done += len(every)
        for start in range(0, len(texts), 20_000):
            part = texts[start:start + 20_000]
            outputs = [{"ids": e.ids} for e in backend.encode_batch_fast(part)]
            if not run(folder, [{"text": t} for t in part], outputs, work):
                sys.exit(f"differences: scalars with settings {settings}")
        print(f"scalars: settings {settings} agree", flush=True)
    return done


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scalars", action="store_true")
    parser.add_argument("--tsv", nargs="*", default=[])
    parser.add_argument("--variants", type=int, default=0)
    parser.add_argument("--batch", type=int, default=100_000)
    options = parser.parse_args()
    if options.scalars:
        with tempfile.TemporaryDirectory() as name:
            print(f"{compare_scalars(Path(name))} scalars in contexts, no difference")
        return
    if not options.tokenizer:
        parser.error("--tokenizer is needed")
    source = options.tokenizer.resolve()
    tokenizer = AutoTokenizer.from_pretrained(source)
    rng = random.Random(options.seed)
    done = 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)

        def compare(texts: List[str], decode: bool = False) -> None:
            nonlocal done
            for start in range(0, len(texts), options.batch):
                part = texts[start:start + options.batch]
                if not run(source, [{"text": t} for t in part], plain(tokenizer, part, decode), work):
                    sys.exit(f"differences: seed {options.seed}, after {done} texts")
                done += len(part)

        for path in options.tsv:
            with open(path, encoding="utf-8", newline="\n") as file:
                compare([line.rstrip("\n").split("\t", 1)[-1] for line in file])
        texts, words, specials = sources(tokenizer)
        left = options.count
        while left > 0:
            size = min(left, options.batch)
            compare([text_of(rng, texts, words, specials) for _ in range(size)], decode=left == size)
            left -= size
        for index in range(options.variants):
            folder = variant(source, work / "variant", rng)
            changed = AutoTokenizer.from_pretrained(folder)
            texts, words, specials = sources(changed)
            lines = [with_options(changed, rng, text_of(rng, texts, words, specials),
                                  text_of(rng, texts, words, specials)) for _ in range(600)]
            if not run(folder, [a for a, _ in lines], [b for _, b in lines], work):
                shutil.copytree(folder, "/tmp/variant", dirs_exist_ok=True)
                sys.exit(f"differences: variant {index} of seed {options.seed}, kept in /tmp/variant")
            done += len(lines)
    print(f"{done} texts, no difference (seed {options.seed}, {source.name})")


if __name__ == "__main__":
    main()
