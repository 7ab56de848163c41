"""Changes of bytes, of lines and of JSON, chosen by a random generator alone.

Each function takes a generator and what it changes, and returns what it made of it. What they make
is small: a change that repeats something stops at LARGEST bytes.
"""

from __future__ import annotations

import json
import random
from typing import Any, Callable, List, Optional, Sequence, Tuple

#: No mutated file is larger.
LARGEST = 900_000

NUMBERS = (0, -1, 1, 2, 3, 7, 127, 128, 255, 256, 4096, 65535, 65536, 10**6, 2**24 + 1, 2**31 - 1,
           2**31, -(2**31), 2**32, 2**32 + 1, 2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64,
           10**30, 0.5, -0.5, 1e-5, 1e-45, 1e-320, 3.5e38, 1e308, -1e308)
#: What a value of JSON becomes, as JSON spells it: Python's own writer has some of them only.
TOKENS = ("NaN", "Infinity", "-Infinity", "1e999", "-0", "-0.0", "01", "1.", "0x10", "true", "null",
          '"\\ud800"', '"\\u0000"', '""', "[]", "{}", "[[]]", '{"":null}', "1" * 400)
STRINGS = ("", " ", "\0", "\t", "\n", "a" * 5000, "../../x", "/etc/passwd", "nowhere", "é", "e\u0301",
           "\u202e", "\ufeff", "\U0010ffff", "北京", "NaN", "nan", "inf", "-1", "1e400", "null", "none",
           "%s%n", "*", "{}", "[", "(", "(?=", "(a*)*b", "\\", "[^\\p{L}]+", "(?<=a+)b",
           "a{1000000}",
           "(a|a?)+$", "((((a*)*)*)*)*b", "[[:alpha:]]+", "(?<n>a)\\k<n>", "\\G", "(?i)x++",
           "(?<=a{1,3})b",
           "\\p{IsNothing}", "(" * 3000, "[a-\\d]", "a{2}{3000}", "\\x{110000}",
           "(?:" * 500 + ")" * 500)
#: What stands in text files that the tools read.
WORDS = (b"", b"\0", b"\t", b"\t\t", b"\n", b"\r\n", b"\r", b" ", b"\xef\xbb\xbf", b"\xff\xfe",
         b"\xff",
         b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"nan", b"NaN", b"inf",
         b"-inf", b"1e400", b"-1", b"0", b"1", b"4294967296", b"9223372036854775808", b"1" * 400,
         b"0.1", b"1e-45", b"Q0", b"<DOC>", b"</DOC>", b"<DOCNO>", b"<TEXT>", b"<top>", b"<title>",
         b"{", b"}", b"[", b"]", b'"', b"'", b":", b": ", b"- ", b"#", b"&a ", b"*a", b"|\n",
         b">\n", b"---",
         b"!!int ", b"? ", b"%YAML 1.1", b"<<: ", b"\\u0000", b"\\ud800", b"query_id", b"doc_id",
         b"x" * 3000)
MAGICS = (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"\x04\x22\x4d\x18", b"\x1f\x8b\x08", b"BZh9",
          b"\xfd7zXZ\0", b"PK\x03\x04", b"\x93NUMPY", b"\x80\x02}q\x00.", b"LIRE")


def pick(rng: random.Random, items: Sequence[Any]) -> Any:
    return items[rng.randrange(len(items))]


def span(rng: random.Random, size: int) -> Tuple[int, int]:
    """A part of something of this size, more often a short one."""
    start = rng.randrange(size + 1)
    length = min(size - start, 1 << rng.randrange(1, 14))
    return start, start + rng.randrange(length + 1)


# --- bytes


def flip_bit(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\0"
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]


def change_byte(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\xff"
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]


def cut(rng: random.Random, data: bytes) -> bytes:
    """A file that ends too early; now and then one that holds nothing."""
    return data[:rng.randrange(len(data))] if data else data


def delete(rng: random.Random, data: bytes) -> bytes:
    start, end = span(rng, len(data))
    return data[:start] + data[end:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    start, end = span(rng, len(data))
    times = pick(rng, (1, 1, 2, 10, 1000, 100_000))
    room = max(LARGEST - len(data), 0)
    part = data[start:end]
    times = min(times, room // max(len(part), 1))
    return data[:end] + part * times + data[end:]


def move(rng: random.Random, data: bytes) -> bytes:
    start, end = span(rng, len(data))
    rest = data[:start] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def fill(rng: random.Random, data: bytes) -> bytes:
    start, end = span(rng, len(data))
    return data[:start] + bytes([pick(rng, (0, 255, 32, 10, 65))]) * (end - start) + data[end:]


def write_number(rng: random.Random, data: bytes) -> bytes:
    """A number of the machine in the place of what stands there."""
    value = int(pick(rng, [n for n in NUMBERS if isinstance(n, int)]))
    width = pick(rng, (2, 4, 8))
    order = pick(rng, ("little", "little", "big"))
    number = (value % (1 << (8 * width))).to_bytes(width, order)
    at = rng.randrange(max(len(data) - width, 0) + 1)
    # Formats align their numbers, mostly.
    at -= at % pick(rng, (1, width))
    return data[:at] + number + data[at + width:]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    new = pick(rng, (*MAGICS, bytes(rng.randrange(256) for _ in range(pick(rng, (1, 4, 64))))))
    return data[:at] + new + data[at:]


def head(rng: random.Random, data: bytes) -> bytes:
    """Another beginning: what tells formats apart stands there."""
    return pick(rng, MAGICS) + data[pick(rng, (0, 4)):]


BYTES: Tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flip_bit, flip_bit, flip_bit, change_byte, cut, delete, repeat, move, fill, write_number, insert,
    head)


def change_bytes(rng: random.Random, data: bytes) -> bytes:
    for _ in range(pick(rng, (1, 1, 1, 2, 4))):
        data = pick(rng, BYTES)(rng, data)
    return data[:LARGEST]


# --- lines


def put_word(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + pick(rng, WORDS) + data[at:]


#: What stands around words.
MARKS = b" \t\n:,\"<>{}[]="


def change_word(rng: random.Random, data: bytes) -> bytes:
    """A word, number or mark in the place of another."""
    starts = [i for i in range(1, len(data)) if data[i - 1] in MARKS and data[i] not in b" \t\n"]
    if not starts:
        return put_word(rng, data)
    start = pick(rng, starts)
    end = start + 1
    while end < len(data) and data[end] not in MARKS:
        end += 1
    return data[:start] + pick(rng, WORDS) + data[end:]


def change_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(6)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(other, lines[at])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines[at] += lines[other]
    elif how == 4:
        words = lines[at].split(pick(rng, (b"\t", b" ", b",")))
        rng.shuffle(words)
        lines[at] = pick(rng, (b"\t", b" ", b",", b"")).join(words)
    else:
        times = min(pick(rng, (10, 1000, 50_000)), LARGEST // (len(lines[at]) + 1))
        lines[at:at] = [lines[at]] * times
    return b"\n".join(lines)


def nest(rng: random.Random, data: bytes) -> bytes:
    """Brackets, indents or aliases, far deeper than anybody writes them."""
    depth = pick(rng, (100, 10_000, 200_000))
    at = rng.randrange(len(data) + 1)
    opening = pick(rng, (b"[", b"{\"a\":", b"(", b"- ", b"<DOC>", b"a: {"))
    return (data[:at] + opening * min(depth, LARGEST // 2 // len(opening)) + data[at:])[:LARGEST]


LINES: Tuple[Callable[[random.Random, bytes], bytes], ...] = (
    put_word, change_word, change_word, change_word, change_lines, change_lines, nest)


def change_text(rng: random.Random, data: bytes) -> bytes:
    for _ in range(pick(rng, (1, 1, 1, 2, 4))):
        data = pick(rng, LINES if rng.random() < 0.75 else BYTES)(rng, data)
    return data[:LARGEST]


# --- JSON


class Raw:
    """A value as it is spelt, whether or not it is JSON."""

    def __init__(self, text: str) -> None:
        self.text = text


def dump(value: Any) -> str:
    """JSON of what may hold values of `Raw`, and pairs of keys in place of a dictionary."""
    marks: List[str] = []

    def plain(item: Any) -> Any:
        if isinstance(item, Raw):
            marks.append(item.text)
            return f"@raw{len(marks) - 1}@"
        if isinstance(item, dict):
            return {key: plain(entry) for key, entry in item.items()}
        return [plain(entry) for entry in item] if isinstance(item, list) else item

    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    for number, mark in enumerate(marks):
        text = text.replace(f'"@raw{number}@"', mark)
    return text


def places(value: Any) -> List[Tuple[Any, Any]]:
    """Every container with every key in it."""
    found: List[Tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        keys: Any = list(item) if isinstance(item, dict) else ()
        keys = range(len(item)) if isinstance(item, list) else keys
        for key in keys:
            found.append((item, key))
            waiting.append(item[key])
    return found


def unusual(rng: random.Random, value: Any) -> Any:
    """Another value, of the same type more often than not."""
    how = rng.randrange(10)
    if how < 6 and isinstance(value, bool):
        return not value
    if how < 6 and isinstance(value, (int, float)):
        return pick(rng, (*NUMBERS, value + 1, value - 1, value * 1000, -value))
    if how < 6 and isinstance(value, str):
        return pick(rng, (*STRINGS, value * 2, value[:-1], value.upper(), value + "\0"))
    if how < 6 and isinstance(value, list) and value:
        part = value[rng.randrange(len(value))]
        times = pick(rng, (1, 100, 20_000))
        return pick(rng, (value[:-1], value + value, value[::-1], [part] * times))
    if how < 8:
        return Raw(pick(rng, TOKENS))
    if how < 9:
        return pick(rng, NUMBERS)
    depth = pick(rng, (3, 500, 100_000))
    return Raw("[" * depth + "]" * depth)


def copied(place: Tuple[Any, Any]) -> Any:
    """A copy of what stands at a place: a value that held itself would have no end."""
    container, key = place
    return json.loads(json.dumps(container[key], default=lambda raw: 0))


def change_json_value(rng: random.Random, value: Any) -> Any:
    """A document with one place changed."""
    found = places(value)
    if not found:
        return unusual(rng, value)
    container, key = pick(rng, found)
    how = rng.randrange(8)
    if how == 0:
        del container[key]
    elif how == 1:
        container[key] = copied(pick(rng, places(value)))
    elif how == 2 and isinstance(container, dict):
        container[pick(rng, STRINGS)] = container.pop(key)
    elif how == 3 and isinstance(container, list):
        container.insert(key, unusual(rng, container[key]))
    else:
        container[key] = unusual(rng, container[key])
    return value


def parsed(data: bytes) -> Optional[Any]:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def change_json(rng: random.Random, data: bytes) -> bytes:
    """A document of JSON, or a line of several, with some values changed."""
    value = parsed(data)
    if value is not None:
        for _ in range(pick(rng, (1, 1, 1, 2, 5))):
            value = change_json_value(rng, value)
        return dump(value).encode("utf-8", "surrogatepass")[:LARGEST]
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    value = parsed(lines[at])
    if value is None:
        return change_text(rng, data)
    lines[at] = dump(change_json_value(rng, value)).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)[:LARGEST]
