#!/usr/bin/env python3
"""Compares regular expressions with those of Hugging Face `tokenizers`: any difference fails.

Patterns are drawn from the whole syntax of Oniguruma (and some are none), texts from letters of many
scripts; what is compared is how `Split` cuts a text. Needs the package `tokenizers` 0.22.

  fuzz_regexes.py --patterns N --texts M --seed S     compare
  fuzz_regexes.py --patterns N --texts M --seed S --save FILE
                                                      write a line a pattern, to be replayed by tests

A line is {"pattern": …, "texts": [[text, [word, …]], …]}; `null` for words stands for a search that the
reference gives up, and `null` for texts for a pattern that it refuses.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

from tokenizers import Regex, pre_tokenizers

ROOT = Path(__file__).resolve().parents[2]
LITERALS = [*"aabbcdefs'_- 0123.,\n\t!xkASB", "é", "ß", "ſ", "\u212a", "中", "ا", "²", "٣", "\u0301", "ǅ", "Σ", "ς", "İ",
            "\r", "\u2028", "\u00a0", "ﬁ", "ﬅ", "ΐ", "\U00010d50", "\U00010d70", "\ua7cb", "ɤ", "\u1c89", "あ", "😀"]
CLASSES = [rf"\{c}" for c in "sSdDwWhH"] + [rf"\p{{{name}}}" for name in (
    "L N ^N Lu Ll P M Han Alpha Space Latin Upper S Zs Punct Word Greek Lower Alnum Cntrl Graph Print XDigit Blank "
    "ASCII Any Hiragana Cyrillic Emoji White_Space ID_Start In_Basic_Latin Letter Nd Cn Lt Sc So Arabic").split()] + [
    r"\P{L}", r"\P{Lu}", r"\P{^Han}"]
BRACKETS = "alpha digit alnum upper lower punct space word xdigit cntrl blank graph print ascii".split()
BRACKET = rf"\[:\^?({'|'.join(BRACKETS)}):\]"
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{0,99}", "{2,}", "{0}", "{1}", "{0,1}", "{3}"]
#: What tokenizers really have: changed at random, they are patterns too.
REAL = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+",
    r"\w+|[^\w\s]+", r"\d{1,3}(?=(?:\d{3})*\b)", r"[一-龥぀-ゟ゠-ヿ]+", r"(\p{L})\1+", r"[[:punct:]]|[[:space:]]+",
    r" ?(\p{Han}|\p{Hiragana})", r"(?<=\d)(?=\p{L})|(?<=\p{L})(?=\d)",
]


class Patterns:
    """Draws one pattern."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.groups = 0
        self.names: List[str] = []

    def literal(self) -> str:
        char = self.rng.choice(LITERALS)
        if self.rng.random() < 0.05:
            return f"\\x{{{ord(char):X}}}"
        return "\\" + char if char in "\\^$.|?*+()[]{}" else char

    def char_class(self, depth: int = 0) -> str:
        rng = self.rng
        text = "[^" if rng.random() < 0.25 else "["
        for _ in range(rng.randint(1, 4)):
            kind = rng.random()
            if kind < 0.4:
                char = rng.choice(LITERALS)
                text += "\\" + char if char in "\\^[]-&" else char
            elif kind < 0.55:
                text += "-".join(sorted(rng.sample("abcdefgh0123456789ABCXYZ", 2)))
            elif kind < 0.75:
                text += rng.choice(CLASSES)
            elif kind < 0.9:
                text += f"[:{'^' if rng.random() < 0.2 else ''}{rng.choice(BRACKETS)}:]"
            elif depth < 2:
                text += ("&&" if kind > 0.95 else "") + self.char_class(depth + 1)
        return text + ("a]" if text in ("[", "[^") else "]")

    def group(self, depth: int) -> str:
        rng = self.rng
        kind = rng.choice(["?:"] * 6 + [""] * 5 + ["?>", "?=", "?=", "?!", "?!", "?<=", "?<=", "?<!", "?i:", "?i:", "?m:",
                                                    "?x:", "?-i:", "?i-m:", "?~", "?(", "?<"])
        if kind == "?(":
            if not self.groups:
                return self.literal()
            return f"(?({rng.randint(1, self.groups)}){self.alternatives(depth)})"
        if kind == "":
            self.groups += 1
        if kind == "?<":
            name = f"n{len(self.names)}"
            self.names.append(name)
            return f"(?<{name}>{self.alternatives(depth)})"
        return f"({kind}{self.alternatives(depth)})"

    def atom(self, depth: int) -> str:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.42:
            return self.literal()
        if kind < 0.52:
            return rng.choice(CLASSES)
        if kind < 0.62:
            return self.char_class()
        if kind < 0.66:
            return "."
        if kind < 0.70:
            return rng.choice(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z"])
        if kind < 0.715:
            return rng.choice([r"\R", r"\N", r"\O", r"\G", r"\K", "(?i)"])
        if kind < 0.75 and self.groups and not self.names:
            return f"\\{rng.randint(1, self.groups)}"
        if kind < 0.77 and self.names:
            return rng.choice([r"\k<{}>", r"\k<{}>", r"\g<{}>"]).format(rng.choice(self.names))
        return self.literal() if depth > 3 else self.group(depth + 1)

    def quantifier(self) -> str:
        if self.rng.random() < 0.65:
            return ""
        return self.rng.choice(QUANTIFIERS) + self.rng.choice(["", "", "", "?", "+"])

    def sequence(self, depth: int) -> str:
        count = self.rng.choice([1, 1, 2, 2, 3] if depth else [1, 2, 3, 4, 5])
        return "".join(self.atom(depth) + self.quantifier() for _ in range(count))

    def alternatives(self, depth: int = 0) -> str:
        count = self.rng.choice([1, 1, 1, 2, 2, 3])
        return "|".join("" if self.rng.random() < 0.03 else self.sequence(depth) for _ in range(count))


def pattern(rng: random.Random) -> str:
    """A pattern of the grammar, or a real one that is changed a little."""
    if rng.random() < 0.75:
        return Patterns(rng).alternatives()
    text = rng.choice(REAL)
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        kind = rng.random()
        if kind < 0.35:
            text = text[:at] + text[at + rng.randint(1, 3):]
        elif kind < 0.7:
            text = text[:at] + rng.choice([*"?*+|()[]{}^$\\-&", "{1,2}", "(?i)", "(?:", *CLASSES]) + text[at:]
        else:
            end = rng.randrange(at, min(len(text), at + 12) + 1)
            text = text[:at] + text[at:end] * 2 + text[end:]
    return text


def text_of(rng: random.Random) -> str:
    """A text."""
    kind = rng.random()
    if kind < 0.2:
        return "".join(rng.choice("ab") for _ in range(rng.randint(1, 12)))
    if kind < 0.3:
        return "".join(rng.choice(["don't", " I'LL", " a1", "12345", "\n\n", "  ", "ΣΊΣΥΦΟΣ", "straße", "!!", "中文あ"])
                       for _ in range(rng.randint(1, 6)))
    return "".join(rng.choice(LITERALS) for _ in range(rng.randint(1, 14)))


def words(split: Any, text: str) -> Optional[List[str]]:
    """What the reference cuts a text into; None where it gives up."""
    try:
        return [word for word, _ in split.pre_tokenize_str(text)]
    except BaseException as error:  # Rust panics are no Exceptions.
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def case(rng: random.Random, texts: int) -> Dict[str, Any]:
    """A pattern and what the reference does with it."""
    source = pattern(rng)
    drawn = [text_of(rng) for _ in range(texts)]
    try:
        split = pre_tokenizers.Split(Regex(source), "isolated")
    except Exception:  # pylint: disable=broad-except  # tokenizers has no other
        return {"pattern": source, "texts": None}
    return {"pattern": source, "texts": [[text, words(split, text)] for text in drawn]}


def cases(options: argparse.Namespace) -> List[str]:
    """Lines of cases, those of refused patterns being one in ten at most."""
    rng = random.Random(options.seed)
    lines: List[str] = []
    refused = 0
    while len(lines) < options.patterns:
        made = case(rng, options.texts)
        # What lir-model(5) says is refused: segments, and what is no POSIX bracket.
        if re.search(r"\\[XyY]|\(\?y|\(\*|\(\?\{", made["pattern"]) or "[:" in re.sub(BRACKET, "", made["pattern"]):
            continue
        if made["texts"] is None:
            if 10 * refused > len(lines):
                continue
            refused += 1
        lines.append(json.dumps(made, ensure_ascii=False))
    return lines


def main() -> None:
    """Draws and compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--texts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    # The reference reports each panic.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    lines = "".join(line + "\n" for line in cases(options))
    if options.save:
        options.save.write_text(lines, encoding="utf-8")
        return
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        done = subprocess.run(
            ["swift", "test", "--filter", "RegexTests/drawn"], cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE,
            env={**os.environ, "LIR_FUZZ_REGEXES": file.name})
    print("\n".join(line for line in done.stdout.split("\n") if "pattern" in line or "error" in line))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
