"""Vocabularies and SentencePiece models that are trained for the cases."""

from __future__ import annotations

import json
import re
import string
import zlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Counter as Counts, Dict, List, Mapping, Sequence, Tuple

import sentencepiece
from transformers.convert_slow_tokenizer import import_protobuf

from golden.generation import Generation

BERT_SPECIALS = (
    "[PAD]",
    "[unused0]",
    "[unused1]",
    "[unused2]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
)
#: Characters beyond ASCII that a vocabulary may have.
EXTRA = (
    "\u00e9\u00e8\u00fc\u00f6\u00e4\u00f1\u00e7\u00df\u4e2d\u56fd\u5317\u4eac\u6771\u3042\u3044"
    "\u30a2\u30a4\u0430\u0431\u0432\u0435\u043e\u03b1\u03b2\u03b3\u20ac\u00a3\u00b0\u2014\u2013"
    "\u201c\u201d\u2026\U0001f600\u0939\u0928\uac00"
)
#: Pieces that prompts of monoT5 need.
T5_PIECES = [
    "\u2581",
    "Query",
    ":",
    "\u2581Document",
    "\u2581Relevan",
    "t",
    "true",
    "false",
    "\u2581true",
    "\u2581false",
    "\u2581Query",
] + list(string.punctuation)


def word_counts(run: Generation, lower: bool) -> Counts[str]:
    """How often each run of letters or digits occurs in the texts for training."""
    counts: Counts[str] = Counter()
    for text in run.texts.training:
        for word in re.findall(r"[A-Za-z]+|[0-9]+", text.lower() if lower else text):
            counts[word] += 1
    return counts


def word_parts(words: Counts[str]) -> Tuple[Dict[str, float], Counts[str]]:
    """Counts of parts inside or at the end of words, with ##, and of their beginnings."""
    inner: Dict[str, float] = defaultdict(float)
    beginnings: Counts[str] = Counter()
    for word, count in words.items():
        for length in range(2, 6):
            if len(word) > length + 1:
                inner["##" + word[-length:]] += count
                beginnings[word[:length]] += count
            for i in range(1, len(word) - 1):
                if length <= 3:
                    inner["##" + word[i : i + length]] += count / 4
    return inner, beginnings


def most_frequent(run: Generation, counts: Mapping[str, float], number: int) -> List[str]:
    """The most frequent strings; for other seeds than the committed one by jittered counts."""

    def weight(text: str) -> float:
        if run.is_committed:
            return 1
        draw = zlib.crc32((text + str(run.options.seed)).encode()) % 1000
        return 0.7 + 0.6 * (draw / 1000)

    items = sorted(counts.items(), key=lambda item: (-item[1] * weight(item[0]), item[0]))
    return [text for text, _ in items[:number]]


def wordpiece_vocabulary(
    run: Generation,
    size: int,
    lower: bool,
    specials: Sequence[str] = BERT_SPECIALS,
    extra: str = "",
) -> List[str]:
    """A WordPiece vocabulary: special tokens, characters, words, endings and beginnings."""
    letters = string.ascii_lowercase if lower else string.ascii_letters
    tokens = list(specials) + list(string.punctuation)
    tokens += list(string.digits) + list(letters) + ["##" + x for x in string.digits + letters]
    tokens += list(extra) + ["##" + x for x in extra]
    words = word_counts(run, lower)
    inner, beginnings = word_parts(words)
    rest = size - len(dict.fromkeys(tokens))
    tokens += most_frequent(run, words, max(0, int(rest * 0.5)))
    tokens += most_frequent(run, inner, max(0, int(rest * 0.35)))
    tokens += most_frequent(run, beginnings, rest)
    return list(dict.fromkeys(tokens))[:size]


def small_character_map() -> Dict[str, str]:
    """A few rules of normalization, so that tokenizer.json stays small in cases with a model."""
    rules = {
        "\u00a0": " ",
        "\t": " ",
        "\n": " ",
        "\r": " ",
        "\u3000": " ",
        "\u2009": " ",
        "\u200b": " ",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\u00bd": "1\u20442",
        "\u2026": "...",
        "\uff01": "!",
        "\uff1f": "?",
        "\u2122": "TM",
        "\u00b2": "2",
        "e\u0301": "\u00e9",
        "a\u0308": "\u00e4",
    }
    rules.update({chr(0xFF21 + i): chr(65 + i) for i in range(26)})
    rules.update({chr(0xFF10 + i): chr(48 + i) for i in range(10)})
    rules.update({chr(i): "" for i in (1, 2, 8, 0x7F, 0xFEFF)})
    return rules


def code_points(text: str) -> str:
    """The scalars of a text as SentencePiece's rules have them."""
    return " ".join(f"{ord(character):X}" for character in text)


def train_sentencepiece(
    run: Generation, size: int, name: str, has_full_map: bool = True, **ids: Any
) -> Path:
    """Train a Unigram model; `ids` are those of the special pieces."""
    texts = run.temporary / f"spm_{name}.txt"
    texts.write_text("\n".join(re.sub(r"\s+", " ", text) for text in run.part_for_training()))
    rules: Dict[str, Any] = {"normalization_rule_name": "nmt_nfkc"}
    if not has_full_map:
        path = run.temporary / f"rules_{name}.tsv"
        path.write_text(
            "".join(
                f"{code_points(a)}\t{code_points(b)}\n"
                for a, b in sorted(small_character_map().items())
            )
        )
        rules = {"normalization_rule_tsv": str(path)}
    prefix = run.temporary / f"spm_{name}"
    sentencepiece.SentencePieceTrainer.train(
        input=str(texts),
        model_prefix=str(prefix),
        vocab_size=size,
        model_type="unigram",
        character_coverage=0.9995,
        num_threads=1,
        input_sentence_size=0,
        shuffle_input_sentence=False,
        minloglevel=2,
        **ids,
        **rules,
    )
    return Path(f"{prefix}.model")


def add_pieces(model: Path, pieces: Sequence[str], out: Path) -> Path:
    """Append the pieces that a trained model lacks."""
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(model.read_bytes())
    known = {piece.piece for piece in proto.pieces}
    for i, text in enumerate(pieces):
        if text not in known:
            piece = proto.pieces.add()
            piece.piece = text
            piece.score = -6.0 - 0.125 * i
            piece.type = 1
    out.write_bytes(proto.SerializeToString())
    return out


def lay_out(folder: Path, layout: str) -> None:
    """Give the tokenizer.json of a Unigram tokenizer one of its layouts.

    `published` is the one that files of T5 and XLM-R have on the hub; other names are those of the
    `prepend_scheme` in the layout that transformers' converter writes.
    """
    path = folder / "tokenizer.json"
    fields = json.loads(path.read_text())
    if layout == "published":
        fields["normalizer"] = fields["normalizer"]["normalizers"][0]
        metaspace = {
            "type": "Metaspace",
            "replacement": "\u2581",
            "prepend_scheme": "always",
            "split": True,
        }
        fields["pre_tokenizer"] = {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace],
        }
        fields["decoder"] = dict(metaspace)
    else:
        fields["pre_tokenizer"]["prepend_scheme"] = layout
        fields["decoder"]["prepend_scheme"] = layout
    path.write_text(json.dumps(fields, ensure_ascii=False, indent=2))
