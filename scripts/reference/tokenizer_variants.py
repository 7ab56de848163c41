"""Unigram tokenizers for fuzzing: vocabularies and components drawn at random, from a seed.

The scores have ties and more digits than a double holds; the pieces overlap, some have no single
characters to fall back on, some are listed twice.
"""

from __future__ import annotations

import base64
import json
import random
import struct
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

#: A component of tokenizer.json.
Component = Dict[str, Any]
METASPACE = "\u2581"
RULES = [
    ("\ufb01", "fi"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "), ("\u0001", ""), ("\u200b", ""),
    ("e\u0301", "\u00e9"), ("\u00bd", "1/2"), ("A", "a"), ("\u212b", "\u00c5"), ("\r\n", " "), ("\uff21", "A"),
    ("\u1100\u1161", "\uac00"), ("\U0001F1E9", "D"), ("\u0915\u094d", "k"), ("\u4e2d", "\u4e2d\u4e2d"),
    ("\u0301", ""), ("\u007f", "")]


def charsmap(rules: Dict[str, str]) -> str:
    """A precompiled charsmap of rules, laid out by a simple double-array builder."""
    replacements = b""
    values: Dict[bytes, int] = {}
    for key, value in sorted(rules.items()):
        values[key.encode()] = len(replacements)
        replacements += value.encode() + b"\0"
    units = {0: 0}
    used = {0}

    def place(node: int, keys: List[bytes], depth: int) -> None:
        """`keys` share their first `depth` bytes and lead to `node`."""
        ends = [k for k in keys if len(k) == depth]
        labels = sorted({k[depth] for k in keys if len(k) > depth})
        offset = next(o for o in range(1, 1 << 20)
                      if not any(node ^ o ^ b in used for b in ([0] if ends else []) + labels))
        units[node] |= offset << 10 | (1 << 8 if ends else 0)
        slots = [node ^ offset ^ b for b in labels]
        used.update(slots)
        if ends:
            used.add(node ^ offset)
            units[node ^ offset] = 1 << 31 | values[ends[0]]
        for slot, label in zip(slots, labels):
            units[slot] = label
        for slot, label in zip(slots, labels):
            place(slot, [k for k in keys if len(k) > depth and k[depth] == label], depth + 1)

    place(0, list(values), 0)
    size = (max(used) | 0xFF) + 257
    blob = struct.pack("<I", 4 * size) + b"".join(
        struct.pack("<I", units.get(i, 0)) for i in range(size))
    return base64.b64encode(blob + replacements).decode()


def normalizer(rng: random.Random, real_charsmaps: List[str]) -> Optional[Component]:
    """A random normalizer of tokenizer.json; None for none."""

    def one() -> Component:
        kind = rng.choice(["NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "Strip", "Prepend",
                           "Replace", "Spaces", "Precompiled", "Precompiled", "Precompiled", "BertNormalizer"])
        if kind == "Strip":
            return {"type": kind, "strip_left": rng.random() < 0.5, "strip_right": rng.random() < 0.5}
        if kind == "Prepend":
            return {"type": kind, "prepend": rng.choice([METASPACE, "x", " "])}
        if kind == "Replace":
            return {"type": kind, "pattern": {"String": rng.choice([" ", "``", "''", "e", "\u0301", "aa"])},
                    "content": rng.choice([METASPACE, "\"", "", "ee"])}
        if kind == "Spaces":
            return {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": rng.choice([METASPACE, " "])}
        if kind == "BertNormalizer":
            return {"type": kind, "clean_text": True, "handle_chinese_chars": rng.random() < 0.5,
                    "strip_accents": rng.choice([None, True, False]), "lowercase": rng.random() < 0.5}
        if kind == "Precompiled":
            drawn = charsmap(dict(rng.sample(RULES, rng.randint(1, len(RULES)))))
            return {"type": kind, "precompiled_charsmap": rng.choice(real_charsmaps + [drawn])}
        return {"type": kind}

    pick = rng.random()
    if pick < 0.15:
        return None
    if pick < 0.4:
        return one()
    return {"type": "Sequence", "normalizers": [one() for _ in range(rng.randint(1, 4))]}


def metaspace(rng: random.Random, replacement: str) -> Component:
    """A random Metaspace, in the form of old files now and then."""
    component: Component = {"type": "Metaspace", "replacement": replacement,
                 "prepend_scheme": rng.choice(["always", "first", "never"]), "split": rng.random() < 0.8}
    if rng.random() < 0.2:
        component["add_prefix_space"] = component["prepend_scheme"] != "never"
        component["str_rep"] = replacement
        if rng.random() < 0.5 and component["add_prefix_space"]:
            del component["prepend_scheme"]
    return component


def pre_tokenizer(rng: random.Random, replacement: str) -> Optional[Component]:
    """A random pre-tokenizer of tokenizer.json; None for none."""
    pick = rng.random()
    if pick < 0.5:
        return metaspace(rng, replacement)
    if pick < 0.8:
        return {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(rng, replacement)]}
    return rng.choice([None, {"type": "WhitespaceSplit"}])


def score(rng: random.Random) -> str:
    """A random score of a piece, as text."""
    pick = rng.random()
    if pick < 0.3:
        return rng.choice(["-1", "-2.5", "-3.0", "-10", "0", "-1.5e0"])
    if pick < 0.6:
        return repr(struct.unpack("<f", struct.pack("<f", -rng.random() * 15))[0])
    return "%.*f" % (rng.randint(1, 22), -rng.random() * 15)


def vocabulary(rng: random.Random, texts: Sequence[str], replacement: str, specials: List[str],
               byte_fallback: int) -> List[Tuple[str, str]]:
    """Pieces of random texts with their scores as text."""
    pieces: Dict[str, str] = {}
    for token in specials:
        pieces[token] = "0.0"
    if byte_fallback:
        for byte in range(256):
            if byte_fallback > 1 or byte % 7:
                pieces["<0x%02X>" % byte] = "0.0"
    wanted = rng.choice([60, 300, 1500])
    while len(pieces) < wanted:
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        piece = text[start:start + rng.choice([1, 1, 2, 2, 3, 4, 6, 9, 14])]
        piece = piece.replace(" ", replacement) if rng.random() < 0.9 else piece
        if rng.random() < 0.3:
            piece = replacement + piece
        pieces.setdefault(piece, score(rng))
    entries = list(pieces.items())
    if rng.random() < 0.1:
        entries.append((rng.choice(entries[len(specials):])[0], score(rng)))
    return entries


def unigram(folder: Path, seed: int, texts: Sequence[str],
            real_charsmaps: List[str]) -> Dict[str, Any]:
    """Writes the checkpoint of a seed, and says what it is."""
    rng = random.Random(seed)
    replacement = METASPACE if rng.random() < 0.9 else "_"
    like_t5 = rng.random() < 0.5
    specials = ["<pad>", "</s>", "<unk>"] if like_t5 else ["<s>", "<pad>", "</s>", "<unk>"]
    fallback = rng.choice([0, 0, 1, 2])
    entries = vocabulary(rng, texts, replacement, specials, fallback)
    if not like_t5:
        entries.append(("<mask>", "0.0"))
    unknown = specials.index("<unk>")
    ids = {piece: i for i, (piece, _) in enumerate(entries)}

    def added(content: str, **flags: bool) -> Component:
        return dict(dict(id=ids[content], content=content, single_word=False, lstrip=False, rstrip=False,
                         normalized=False, special=True), **flags)

    tokens = [added(token) for token in specials]
    if not like_t5:
        tokens.append(added("<mask>", lstrip=True, normalized=rng.random() < 0.5))
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    start = [] if like_t5 else [{"SpecialToken": {"id": "<s>", "type_id": 0}}]
    first, second = ({"Sequence": {"id": i, "type_id": 0}} for i in "AB")
    template = {
        "type": "TemplateProcessing", "single": start + [first, end],
        "pair": start + [first, end] + ([] if like_t5 else [end]) + [second, end],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("</s>", "<s>") if t in ids}}
    decoder = metaspace(rng, replacement) if rng.random() < 0.8 else None
    if fallback and rng.random() < 0.7:
        decoder = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}] + (
            [decoder] if decoder and rng.random() < 0.5 else [])}
    settings = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
        "normalizer": normalizer(rng, real_charsmaps), "pre_tokenizer": pre_tokenizer(rng, replacement),
        "post_processor": template, "decoder": decoder}
    text = json.dumps(settings)[:-1] + ', "model": {"type": "Unigram", "unk_id": %d, "byte_fallback": %s, "vocab": [' % (
        unknown, "true" if fallback else "false")
    text += ", ".join("[%s, %s]" % (json.dumps(piece), number) for piece, number in entries) + "]}}"
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(text)
    config: Dict[str, Any] = {"clean_up_tokenization_spaces": rng.random() < 0.2}
    config["tokenizer_class"] = rng.choice(
        ["PreTrainedTokenizerFast", "T5Tokenizer" if like_t5 else "XLMRobertaTokenizer"])
    if config["tokenizer_class"] == "T5Tokenizer":
        config["extra_ids"] = 0
    else:
        config.update(unk_token="<unk>", pad_token="<pad>", eos_token="</s>")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return {k: v for k, v in settings.items() if k not in ("added_tokens", "post_processor")}
