#!/usr/bin/env python3
"""Changes the files of tokenizers at random and has lir-tokenize read them: no signal, no hang.

Each folder given is taken as it is, and one of its files changed by a few bytes, lines, or values of its
JSON (numbers out of all ranges, other types, parts of itself). What ends by a signal, takes more than
20 seconds or more than 1 GB, or says 70, fails, and is kept.

  fuzz_tokenizer_files.py --seed S --count N [--bin DIR] FOLDER...
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Tuple

NUMBERS = [0, 1, -1, 2, 255, 256, 65536, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -2**63, 1e300, -1e300,
           1e-320, 0.5, 16_777_216, 1_000_000]
VALUES: List[Any] = [None, True, False, "", "a", "\u0000", "##", "[UNK]", "<0x41>", "\U0010ffff", "a" * 5000, [], {}, [[]],
                     ["a", 1], {"type": "Sequence"}, {"Regex": "(a|aa)+$"}, {"Regex": "(?<=a|bc)(\\w)\\1"}, {"String": ""},
                     {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}, {"type": "Fuse"},
                     {"type": "Replace", "pattern": {"Regex": "x*"}, "content": "xy" * 50}, {"type": "NFKD"},
                     {"type": "Prepend", "prepend": "\u2581" * 300}, {"type": "FixedLength", "length": 1}]
PIECES = [b"\x00", b"\xff", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80" * 12, b"\n", b"\r", b"\xed\xa0\x80", b'"', b"[" * 300]
TEXTS = "a\tHello the cafe\u0301 don't 123\nb\t\nc\t" + "ab " * 2000 + "\nd\t\u4e2d\u6587 \U0001f600 <mask> [MASK] \ufdfa\u1e9e\u0130\n"


def nodes(value: Any, path: Tuple[Any, ...] = ()) -> List[Tuple[Any, ...]]:
    """The paths of all values, of which a long list or object has some only."""
    found = [path]
    if isinstance(value, dict):
        for key in list(value)[:40]:
            found += nodes(value[key], path + (key,))
    elif isinstance(value, list):
        for index in range(min(len(value), 12)):
            found += nodes(value[index], path + (index,))
    return found


def at(value: Any, path: Tuple[Any, ...]) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Changes values."""
    value = json.loads(data)
    for _ in range(rng.choice([1, 1, 2, 3])):
        paths = [p for p in nodes(value) if p]
        if not paths:
            break
        # By the depth first, so that vocabularies do not take all.
        depth = rng.choice(sorted({len(p) for p in paths}))
        path = rng.choice([p for p in paths if len(p) == depth])
        parent, key = at(value, path[:-1]), path[-1]
        kind = rng.random()
        if kind < 0.35:
            parent[key] = rng.choice(NUMBERS)
        elif kind < 0.65:
            parent[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind < 0.75:
            del parent[key]
        elif kind < 0.85:
            parent[key] = copy.deepcopy(at(value, rng.choice(paths)))
        elif kind < 0.92 and isinstance(parent, list):
            parent[key:key] = [copy.deepcopy(parent[key])] * rng.choice([1, 2, 150])
        elif isinstance(parent[key], str):
            text = parent[key]
            place = rng.randrange(len(text) + 1)
            parent[key] = text[:place] + rng.choice(["*", "(", "[", "{9}", "+", "\\", "\u0301", "\u0000", "|"]) + text[place:]
        else:
            parent[key] = {"type": "Sequence", "normalizers": [parent[key]], "pretokenizers": [parent[key]],
                           "decoders": [parent[key]], "processors": [parent[key]]}
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace")


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    """Changes bytes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        place = rng.randrange(len(data) + 1) if rng.random() < 0.6 else rng.randrange(min(len(data), 200) + 1)
        kind = rng.random()
        if kind < 0.4 and place < len(data):
            data[place] = rng.randrange(256)
        elif kind < 0.6:
            data[place:place] = rng.choice(PIECES)
        elif kind < 0.8:
            del data[place:place + rng.choice([1, 2, 9, 1000])]
        elif kind < 0.9:
            other = rng.randrange(len(data) + 1)
            data[place:place] = data[other:other + rng.choice([1, 8, 200])]
        else:
            del data[place:]
    return bytes(data)


def change(folder: Path, rng: random.Random) -> None:
    """Changes one file of a folder."""
    names = [p for p in sorted(folder.iterdir()) if p.suffix in (".json", ".txt", ".model")]
    # The tokenizer itself as often as all others.
    main = [p for p in names if p.name in ("tokenizer.json", "vocab.txt") or p.suffix == ".model"]
    path = rng.choice(rng.choice([names, main or names]))
    data = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.8:
        path.write_bytes(change_json(data, rng))
    else:
        path.write_bytes(change_bytes(data, rng))


def limit() -> None:
    """At most 4 GB of addresses, of which not all are memory."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def main() -> None:
    """Draws, changes and reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--bin", type=Path, default=Path(__file__).resolve().parents[2] / ".build/release")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp())
    (work / "texts.tsv").write_text(TEXTS, encoding="utf-8")
    counts: dict[int, int] = {}
    bad = 0
    for index in range(options.count):
        rng = random.Random(options.seed * 1_000_003 + index)
        folder = work / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(rng.choice(options.folders), folder, copy_function=shutil.copyfile)
        change(folder, rng)
        try:
            status = subprocess.run(
                [options.bin / "lir-tokenize", "--model", folder, "--on-error", "skip", "-q", work / "texts.tsv", "-o",
                 work / "out.lirt"], check=False, timeout=20, stderr=subprocess.DEVNULL, preexec_fn=limit).returncode
        except subprocess.TimeoutExpired:
            status = -999
        counts[status] = counts.get(status, 0) + 1
        if status < 0 or status == 70:
            bad += 1
            kept = f"/tmp/tokenizer-{options.seed}-{index}"
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            print(f"{kept}: status {status}", flush=True)
    shutil.rmtree(work)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"seed {options.seed}: {options.count} folders, statuses {dict(sorted(counts.items()))}, {bad} failed, "
          f"at most {largest // 1024} MB", flush=True)
    os._exit(1 if bad or largest > 1 << 20 else 0)


if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("Python 3.9 or later")
    main()
