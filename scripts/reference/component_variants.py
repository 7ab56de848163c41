"""Tokenizers of the BPE, WordLevel and WordPiece models for fuzzing: components drawn at random, from
a seed, and vocabularies trained on texts.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import tokenizer_variants as variants
from tokenizer_variants import Component
from tokenizers import Tokenizer, models, trainers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
PATTERNS = [
    GPT2, CL100K, CL100K.replace("{1,3}", ""), O200K,
    r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}", r"\p{N}{1,3}", r"\d+", r"\w+|[^\w\s]+", " ", r"\s+$",
    r"(?<=[a-z])(?=[A-Z])", r"(?<!\S)\d", r"(?i)the|and", r"(?>a+)b|c", r"[a-c]*+d", r"(?:ab|a)(?:c|bcd)?", r"x*", r"\b",
    r"(a|ab)*?c", r"(?:e.)+?", r"[^\S\n]+", r"[\w&&[^a-e]]+", r"\p{^L}+", r"\P{Lu}", r"[[a-f][x-z]]{2,3}", r"^.", r".$", r"\A.|.\z",
    r"(?m:a.b)", r"\h+", r"\R", r"[\p{Lu}\p{M}]+", r"(?:\p{L}\p{M}*){2}", r"e{0,2}?n", r"[]a]", "é|\\x{e8}|\\u0301", r"(?=\p{Lu})",
    r"(?:(?:a|b)*c)*d?", r"\d{1,3}(?=(?:\d{3})*\b)", r" {2,}", r"(?i:[a-fk-s]+)", r"(?<=,|\. )\w"]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def pattern(rng: random.Random) -> Component:
    """A random string or regular expression."""
    if rng.random() < 0.15:
        return {"String": rng.choice([" ", "e", "th", ". ", "$", "\u0301", "a.b", "中"])}
    return {"Regex": rng.choice(PATTERNS)}


def normalizer(rng: random.Random, charsmaps: List[str]) -> Optional[Component]:
    """A random normalizer; None for none."""
    drawn = variants.normalizer(rng, charsmaps)
    if rng.random() < 0.3:
        extra: Component = rng.choice([{"type": "ByteLevel"}, {
            "type": "Replace", "pattern": pattern(rng), "content": rng.choice(["", " ", "_", "ab"])}])
        return extra if drawn is None else {"type": "Sequence", "normalizers": rng.sample([drawn, extra], 2)}
    return drawn if rng.random() < 0.7 else None


def byte_level(rng: random.Random) -> Component:
    """A random ByteLevel."""
    return {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": rng.random() < 0.5,
            "use_regex": rng.random() < 0.6}


def pre_tokenizer(rng: random.Random, kind: str) -> Optional[Component]:
    """A random pre-tokenizer for a kind of model; None for none."""

    def one() -> Component:
        kind = rng.choice(["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Digits", "Punctuation", "Delimiter",
                           "Split", "Split", "Split", "Split", "Metaspace", "FixedLength"])
        if kind == "Digits":
            return {"type": kind, "individual_digits": rng.random() < 0.5}
        if kind == "Punctuation":
            return {"type": kind, "behavior": rng.choice(BEHAVIORS)}
        if kind == "Delimiter":
            return {"type": "CharDelimiterSplit", "delimiter": rng.choice([" ", "e", "中"])}
        if kind == "Split":
            return {"type": kind, "pattern": pattern(rng), "behavior": rng.choice(BEHAVIORS),
                    "invert": rng.random() < 0.3}
        if kind == "Metaspace":
            return variants.metaspace(rng, variants.METASPACE)
        if kind == "FixedLength":
            return {"type": kind, "length": rng.randint(1, 9)}
        return {"type": kind}

    if kind == "byte-level":
        pick = rng.random()
        if pick < 0.4:
            return byte_level(rng)
        steps = [one() for _ in range(rng.randint(1, 3))] + [byte_level(rng)]
        if pick > 0.9:
            rng.shuffle(steps)
        return {"type": "Sequence", "pretokenizers": steps}
    pick = rng.random()
    if pick < 0.1:
        return None
    if pick < 0.5:
        return one()
    return {"type": "Sequence", "pretokenizers": [one() for _ in range(rng.randint(1, 4))]}


def decoder(rng: random.Random) -> Optional[Component]:
    """A random decoder; None for none."""

    def one() -> Component:
        kind = rng.choice(["ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "ByteFallback", "Fuse", "Replace", "Strip"])
        if kind == "ByteLevel":
            return byte_level(rng)
        if kind == "WordPiece":
            return {"type": kind, "prefix": "##", "cleanup": rng.random() < 0.5}
        if kind == "Metaspace":
            return variants.metaspace(rng, variants.METASPACE)
        if kind == "BPEDecoder":
            return {"type": kind, "suffix": rng.choice(["</w>", "e"])}
        if kind == "Replace":
            return {"type": kind, "pattern": pattern(rng), "content": rng.choice(["", " ", "xy"])}
        if kind == "Strip":
            return {"type": kind, "content": rng.choice([" ", "e", variants.METASPACE]), "start": rng.randint(0, 2), "stop": 0}
        return {"type": kind}

    pick = rng.random()
    if pick < 0.1:
        return None
    return one() if pick < 0.6 else {"type": "Sequence", "decoders": [one() for _ in range(rng.randint(1, 4))]}


def post_processor(rng: random.Random, ids: Dict[str, int]) -> Optional[Component]:
    """A random post-processor; None for none."""
    cls, sep = ["<s>", ids["<s>"]], ["</s>", ids["</s>"]]
    template: Component = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 1}},
                 {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("</s>", "<s>")}}
    one = rng.choice([
        template, {"type": "BertProcessing", "cls": cls, "sep": sep},
        {"type": "RobertaProcessing", "cls": cls, "sep": sep, "trim_offsets": rng.random() < 0.5,
         "add_prefix_space": rng.random() < 0.5}])
    pick = rng.random()
    if pick < 0.15:
        return None
    if pick < 0.3:
        return byte_level(rng)
    return one if pick < 0.8 else {"type": "Sequence", "processors": [byte_level(rng), one]}


def train(rng: random.Random, kind: str, settings: Dict[str, Any], texts: Sequence[str],
          small: bool) -> Dict[str, Any]:
    """The section `model`, trained with the tokenizer's own normalizer and pre-tokenizer."""
    specials = ["<pad>", "<s>", "</s>", "<unk>"]
    sample = rng.sample(texts, min(len(texts), rng.choice([40, 200, 600])))
    size = rng.choice([120, 400, 1500, 4000])
    if small:
        size = 150
    if kind == "wordlevel":
        model = models.WordLevel(unk_token="<unk>")
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=specials, show_progress=False)
    elif kind == "wordpiece":
        model = models.WordPiece(unk_token="<unk>")
        trainer = trainers.WordPieceTrainer(
            vocab_size=size, special_tokens=specials, show_progress=False, limit_alphabet=rng.choice([40, 200, 1000]))
    else:
        model = models.BPE(unk_token="<unk>")
        flags: Dict[str, str] = {}
        if rng.random() < 0.25:
            flags["end_of_word_suffix"] = "</w>"
        if rng.random() < 0.25:
            flags["continuing_subword_prefix"] = rng.choice(["##", "@"])
        if kind == "fallback":
            specials = specials + ["<0x%02X>" % b for b in range(256) if rng.random() < 0.995]
        trainer = trainers.BpeTrainer(
            vocab_size=size + len(specials), special_tokens=specials, show_progress=False,
            limit_alphabet=rng.choice([30, 100, 1000]), **flags)
    base = dict(settings, model={"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"},
                post_processor=None, added_tokens=[], decoder=None)
    trained = Tokenizer.from_str(json.dumps(base))
    trained.model = model
    trained.train_from_iterator(sample, trainer)
    result = json.loads(trained.to_str())["model"]
    if kind not in ("wordlevel", "wordpiece"):
        result["unk_token"] = rng.choice(["<unk>", "<unk>", None])
        result["fuse_unk"] = rng.random() < 0.5
        result["ignore_merges"] = rng.random() < 0.3
        result["byte_fallback"] = kind == "fallback"
        if rng.random() < 0.5 and not any(" " in part for merge in result["merges"] for part in merge):
            result["merges"] = [" ".join(merge) for merge in result["merges"]]
    if kind == "wordpiece":
        result["max_input_chars_per_word"] = rng.choice([5, 100])
    return result


def tokenizer(folder: Path, kind: str, seed: int, texts: Sequence[str], charsmaps: List[str],
              small: bool = False) -> Dict[str, Any]:
    """Writes the checkpoint of a seed, and says what it is."""
    rng = random.Random(seed)
    settings: Dict[str, Any] = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
                "normalizer": normalizer(rng, charsmaps), "pre_tokenizer": pre_tokenizer(rng, kind)}
    model = train(rng, kind, settings, texts, small)
    ids = model["vocab"]
    settings["added_tokens"] = [
        dict(id=ids[t], content=t, single_word=False, lstrip=False, rstrip=False,
             normalized=rng.random() < 0.2, special=True) for t in ("<pad>", "<s>", "</s>", "<unk>")]
    for content in rng.sample(["  ", "<mask>", "New", "é", "the", "\n\n", "[X]"], rng.randint(0, 4)):
        settings["added_tokens"].append(dict(
            id=ids.get(content, max(ids.values()) + len(settings["added_tokens"])), content=content,
            single_word=rng.random() < 0.3, lstrip=rng.random() < 0.3, rstrip=rng.random() < 0.3,
            normalized=rng.random() < 0.5, special=rng.random() < 0.3))
    # What normalizes to nothing is refused: the reference would find it everywhere.
    probe = Tokenizer.from_str(json.dumps(dict(settings, model=model, added_tokens=[]))).normalizer
    settings["added_tokens"] = [t for t in settings["added_tokens"] if not (
        probe and t["normalized"] and probe.normalize_str(t["content"]) == "")]
    settings.update(decoder=decoder(rng), post_processor=post_processor(rng, ids), model=model)
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    config: Dict[str, Any] = {"tokenizer_class": rng.choice(
        ["PreTrainedTokenizerFast", "PreTrainedTokenizerFast", "RobertaTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer"]),
        "unk_token": "<unk>", "pad_token": "<pad>"}
    if rng.random() < 0.6:
        config["add_prefix_space"] = rng.random() < 0.5
    if config["tokenizer_class"] == "GPTNeoXTokenizer":
        config.update(bos_token="<s>", eos_token="</s>", add_bos_token=rng.random() < 0.5, add_eos_token=rng.random() < 0.5)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return {k: v for k, v in settings.items() if k != "model"} | {"config": config} | {
        "model": {k: v for k, v in model.items() if k not in ("vocab", "merges")}}
