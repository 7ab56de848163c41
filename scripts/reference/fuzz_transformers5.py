#!/usr/bin/env python3
"""Ids of folders that transformers 5 saved, beside those of transformers 5 itself.

    scripts/reference/fuzz_transformers5.py --bin .build/release --seed 1 [--rounds 3] [--texts 400] [FAMILY...]
    scripts/reference/fuzz_transformers5.py --bin .build/release --list

Release 5 builds the tokenizers of its classes anew: a folder's tokenizer.json then has normalizers and
pre-tokenizers that release 4 did not write, and loading it builds some parts once more. A family's class
gets a vocabulary that is drawn from texts by the seed, options of its own that are drawn, and added tokens of
every flag; it is saved, loaded by AutoTokenizer, and given texts with accents, ideographs, emoji, control
characters, white space of all sorts, special and added tokens. lir-tokenize gets the folder and the
texts. The first difference of each folder is printed, and the folder kept (--keep).

Needs transformers 5.24. Exit status: 0 all ids are the same; 1 some are not; 64 usage.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

os.environ["TOKENIZERS_PARALLELISM"] = "false"

WORDS = ("the quick brown fox jumps over lazy dog réparer une crevaison naïve Ärger Straße İstanbul "
         "ﬁne Ǆ ½ ② ｆｕｌｌ 東京 都 大阪 한국어 हिन्दी ไทย العربية עברית Ελλάδα Москва don't it's "
         "U.S.A. 3.14 1,000 e-mail x² foo_bar C++ #hash @you http://a.b/c?d=e").split()
ODD = ["\u0301", "e\u0301", "ＡＢ", "👩‍👩‍👧", "🇩🇪", "😀", "\u200b", "\u200d", "\ufeff", "\u00ad", "\x01", "\x7f",
       "\x85", "\u2028", "\u3000", "\u00a0", "\t", "\n", "\r\n", "  ", "   ", "\u2581", "▁▁", "\ufffd", "\U0001f9d1\U0001f3fd", "㎏",
       "Ⅷ", "ﷺ", "\u1e9e", "ß", "ς", "Σ", "ǰ", "가", "\u1100\u1161", "龍", "\U00020000", "़", "क़", "''", "``", "...", "—"]
ADDED = ["<new>", "[NEW]", "über", "fox", "<|im_start|>", "  x", "東"]


def texts_of(rng: random.Random, count: int, special: List[str]) -> List[str]:
    """Texts of words, odd characters and tokens that have names, with and without space between."""
    texts = ["", " ", "  ", "\n", "a", " a", "a ", *special, " ".join(special), "".join(special)]
    while len(texts) < count:
        parts = []
        for _ in range(rng.randint(1, 12)):
            draw = rng.random()
            pool = WORDS if draw < 0.55 else ODD if draw < 0.8 else special + ADDED
            part = rng.choice(pool)
            if rng.random() < 0.1:
                part = part.upper()
            if rng.random() < 0.05:
                part = chr(rng.choice([rng.randrange(0x20, 0x250), rng.randrange(0x2000, 0x2100), rng.randrange(0x1F300, 0x1F700),
                                       rng.randrange(0x4E00, 0x4F00), rng.randrange(0x0900, 0x0980)]))
            parts.append(part + rng.choice(["", " ", " ", " ", "  ", "\n"]))
        texts.append("".join(parts))
    return texts[:count]


def corpus(rng: random.Random) -> List[str]:
    return [" ".join(rng.choices(WORDS, k=8)) for _ in range(300)] + ODD


def trained_bpe(rng: random.Random, by_bytes: bool, special: List[str]) -> Tuple[Dict[str, int], List[Tuple[str, str]]]:
    """A vocabulary and merges of BPE, of bytes or of characters with bytes to fall back on."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    if by_bytes:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        first = pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        first, special = [], special + [f"<0x{b:02X}>" for b in range(256)]
    tokenizer.train_from_iterator(corpus(rng), trainers.BpeTrainer(
        vocab_size=len(special) + 256 + rng.randint(100, 500), special_tokens=special, initial_alphabet=first,
        show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]


def trained_pieces(rng: random.Random, special: List[str]) -> List[Tuple[str, float]]:
    """Pieces and scores of Unigram."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(corpus(rng), trainers.UnigramTrainer(
        vocab_size=rng.randint(250, 500), special_tokens=special, unk_token="<unk>" if "<unk>" in special else "[UNK]",
        show_progress=False))
    return [(p, s) for p, s in json.loads(tokenizer.to_str())["model"]["vocab"]]


def trained_words(rng: random.Random) -> Dict[str, int]:
    """A vocabulary of WordPiece."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    lines = corpus(rng)
    tokenizer.train_from_iterator(lines + [x.lower() for x in lines], trainers.WordPieceTrainer(
        vocab_size=rng.randint(300, 700), special_tokens=special, show_progress=False))
    return tokenizer.get_vocab()


def maybe(rng: random.Random, **choices: List[Any]) -> Dict[str, Any]:
    """Options of a class: some of these, with one of their values."""
    return {k: rng.choice(v) for k, v in choices.items() if rng.random() < 0.6}


def wordpiece(name: str) -> Callable[[random.Random], Any]:
    def make(rng: random.Random) -> Any:
        import transformers
        return getattr(transformers, name)(vocab=trained_words(rng), **maybe(
            rng, do_lower_case=[True, False], strip_accents=[True, False, None],
            tokenize_chinese_chars=[True, False]))
    return make


def byte_bpe(name: str, special: List[str], **options: List[Any]) -> Callable[[random.Random], Any]:
    def make(rng: random.Random) -> Any:
        import transformers
        vocab, merges = trained_bpe(rng, True, special)
        return getattr(transformers, name)(vocab=vocab, merges=merges, **maybe(rng, **options))
    return make


def char_bpe(name: str, special: List[str], **options: List[Any]) -> Callable[[random.Random], Any]:
    def make(rng: random.Random) -> Any:
        import transformers
        vocab, merges = trained_bpe(rng, False, special)
        return getattr(transformers, name)(vocab=vocab, merges=merges, **maybe(rng, **options))
    return make


def unigram(name: str, special: List[str], **options: List[Any]) -> Callable[[random.Random], Any]:
    def make(rng: random.Random) -> Any:
        import transformers
        return getattr(transformers, name)(vocab=trained_pieces(rng, special), **maybe(rng, **options))
    return make


ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SPACE = {"add_prefix_space": [True, False]}
FAMILIES: Dict[str, Callable[[random.Random], Any]] = {
    "bert": wordpiece("BertTokenizer"), "electra": wordpiece("ElectraTokenizer"),
    "distilbert": wordpiece("DistilBertTokenizer"), "mpnet": wordpiece("MPNetTokenizer"),
    "roberta": byte_bpe("RobertaTokenizer", ROBERTA, trim_offsets=[True, False], **SPACE),
    "bart": byte_bpe("BartTokenizer", ROBERTA, **SPACE),
    "gpt2": byte_bpe("GPT2Tokenizer", ["<|endoftext|>"], add_bos_token=[True, False], **SPACE),
    "gpt_neox": byte_bpe("GPTNeoXTokenizer", ["<|endoftext|>", "<|padding|>"], add_bos_token=[True, False],
                         add_eos_token=[True, False], **SPACE),
    "qwen2": byte_bpe("Qwen2Tokenizer", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], **SPACE),
    "deberta": byte_bpe("DebertaTokenizer", BERT, **SPACE),
    "deberta_v2": unigram("DebertaV2Tokenizer", BERT, do_lower_case=[True, False], split_by_punct=[True, False], **SPACE),
    "llama": char_bpe("LlamaTokenizer", ["<unk>", "<s>", "</s>"], legacy=[True, False], add_bos_token=[True, False],
                      add_eos_token=[True, False], **SPACE),
    "gemma": char_bpe("GemmaTokenizer", ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"], add_bos_token=[True, False],
                      add_eos_token=[True, False]),
    "t5": unigram("T5Tokenizer", ["<pad>", "</s>", "<unk>"], extra_ids=[0, 3, 100]),
    "xlm_roberta": unigram("XLMRobertaTokenizer", ["<s>", "<pad>", "</s>", "<unk>"], **SPACE),
    "albert": unigram("AlbertTokenizer", ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], do_lower_case=[True, False],
                      keep_accents=[True, False], **SPACE),
    "xlnet": unigram("XLNetTokenizer", ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"],
                     do_lower_case=[True, False], keep_accents=[True, False]),
}


def add_tokens(rng: random.Random, tokenizer: Any) -> None:
    """Added tokens of every flag."""
    from tokenizers import AddedToken
    for text in rng.sample(ADDED, rng.randint(0, 4)):
        token = AddedToken(text, **{flag: rng.random() < 0.4 for flag in
                                    ("lstrip", "rstrip", "single_word", "normalized")})
        tokenizer.add_tokens([token], special_tokens=rng.random() < 0.4)


def ours(bin_: Path, folder: Path, texts: List[str]) -> List[List[int]]:
    lines = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
    done = subprocess.run([bin_ / "lir-tokenize", "--model", folder, "--format", "jsonl", "--quiet", "-"], input=lines,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return [json.loads(line)["input_ids"] for line in done.stdout.splitlines()]


def compare(family: str, seed: int, options: argparse.Namespace, folder: Path) -> int:
    """How many texts differ; -1 where a folder is refused."""
    import transformers
    rng = random.Random(f"{family} {seed}")
    tokenizer = FAMILIES[family](rng)
    add_tokens(rng, tokenizer)
    tokenizer.save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    special = sorted({str(t) for t in tokenizer.all_special_tokens})
    texts = texts_of(rng, options.texts, special)
    theirs = [tokenizer(t)["input_ids"] for t in texts]
    try:
        found = ours(options.bin, folder, texts)
    except RuntimeError as error:
        print(f"{family} {seed}: refused: {error}")
        return -1
    bad = [i for i in range(len(texts)) if found[i] != theirs[i]]
    if bad:
        i = min(bad, key=lambda i: len(texts[i]))
        print(f"{family} {seed}: {len(bad)} of {len(texts)} texts differ, such as {texts[i]!r}\n"
              f"  transformers {tokenizer.convert_ids_to_tokens(theirs[i])}\n"
              f"  lir          {tokenizer.convert_ids_to_tokens([min(t, len(tokenizer) - 1) for t in found[i]])}")
    return len(bad)


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="folders of a family")
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="where folders stay")
    parser.add_argument("--list", action="store_true", help="names of the families")
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(FAMILIES))
        return 0
    unknown = [f for f in options.families if f not in FAMILIES]
    if unknown:
        parser.error(f"no family {unknown[0]}: --list names them")
    differing = total = refused = 0
    with tempfile.TemporaryDirectory() as temporary:
        for family in options.families or FAMILIES:
            for number in range(options.rounds):
                seed = options.seed + number
                folder = (options.keep or Path(temporary)) / f"{family}-{seed}"
                bad = compare(family, seed, options, folder)
                refused += bad < 0
                differing += max(bad, 0)
                total += options.texts if bad >= 0 else 0
    print(f"{total} texts, {differing} differ; {refused} folders refused")
    return 1 if differing or refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
