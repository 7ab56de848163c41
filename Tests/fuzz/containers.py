"""Changes inside files that hold others: what is compressed, zipped, or under a checksum.

A changed byte of such a file is found by its checksum; what a reader does with a false value behind
a right checksum is seen only where the checksum is made anew.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import re
import struct
import subprocess
import zipfile
from typing import Any, Callable, Dict, List, Optional, Tuple

from mutations import (LARGEST, change_bytes, change_json, change_json_value, change_text, dump,
                       pick)

try:
    import xxhash
except ImportError:
    xxhash = None

Change = Callable[[random.Random, bytes], bytes]
#: As much as a bomb may hold; it is smaller than LARGEST in its file.
BOMB = 400 << 20


def run(command: List[str], data: bytes) -> Optional[bytes]:
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def unpack(name: str, data: bytes) -> Optional[bytes]:
    """What a compressed file holds, by its suffix; None where it is none."""
    try:
        if name.endswith(".gz"):
            return gzip.decompress(data)
        if name.endswith(".bz2"):
            return bz2.decompress(data)
        if name.endswith(".xz"):
            return lzma.decompress(data)
    except (OSError, EOFError, lzma.LZMAError):
        return None
    for suffix, tool in ((".zst", "zstd"), (".lz4", "lz4")):
        if name.endswith(suffix):
            return run([tool, "-q", "-d", "-c"], data)
    return None


def pack(name: str, data: bytes) -> Optional[bytes]:
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    if name.endswith(".bz2"):
        return bz2.compress(data)
    if name.endswith(".xz"):
        return lzma.compress(data)
    for suffix, tool in ((".zst", "zstd"), (".lz4", "lz4")):
        if name.endswith(suffix):
            return run([tool, "-q", "-c"], data)
    return None


def bomb(rng: random.Random, name: str, content: bytes) -> Optional[bytes]:
    """A small file that unpacks to a large one: one long line, or many short ones."""
    unit = pick(rng, (b"a", b"a b ", b"[", b"\n", b"\0", b"id\ttext\n", content[:64] or b"x"))
    # Many records take their time, which is no fault.
    size = pick(rng, (1 << 20, 8 << 20, BOMB >> 4 if b"\n" in unit else BOMB))
    size = size if name.endswith((".gz", ".zst")) else 1 << 20
    return pack(name, content + unit * (size // len(unit)))


def change_packed(rng: random.Random, name: str, data: bytes) -> bytes:
    """Other content, compressed as it was."""
    content = unpack(name, data)
    if content is None:
        return change_bytes(rng, data)
    stem = name.rsplit(".", 1)[0]
    if rng.random() < 0.03:
        made = bomb(rng, name, content)
    else:
        made = pack(name, change(rng, stem, content))
    return data if made is None or len(made) > LARGEST else made


# --- safetensors, and the segments of tensor streams

CHECKSUM = re.compile(rb'"lir\.xxh3":"([0-9a-f]{16})"')


def split_tensors(data: bytes) -> Optional[Tuple[bytes, bytes]]:
    """Header and data of a safetensors file."""
    if len(data) < 8:
        return None
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8 or not data[8:9] == b"{":
        return None
    return data[8:8 + length], data[8 + length:]


def join_tensors(header: bytes, body: bytes) -> bytes:
    header += b" " * (-(len(header) + 8) % 64)
    return struct.pack("<Q", len(header)) + header + body


def change_tensors(rng: random.Random, data: bytes) -> bytes:
    """A header with other values, or values of tensors that are no numbers."""
    parts = split_tensors(data)
    if parts is None:
        return change_bytes(rng, data)
    header, body = parts
    how = rng.randrange(4)
    if how == 0:
        return change_bytes(rng, data)
    if how == 1 and len(body) >= 4:
        number = struct.pack("<f", pick(rng, (float("nan"), float("inf"), 3e38, -3e38, 1e-45)))
        for _ in range(pick(rng, (1, 10, 1000))):
            at = rng.randrange(len(body) // 4) * 4
            body = body[:at] + number + body[at + 4:]
        return struct.pack("<Q", len(header)) + header + body
    return join_tensors(change_json(rng, header.rstrip()), body)


def segments(data: bytes) -> List[Tuple[Dict[str, Any], bytes]]:
    """Headers and data of the segments of an uncompressed stream."""
    found = []
    while data:
        parts = split_tensors(data)
        if parts is None:
            return []
        header, rest = parts
        try:
            value = json.loads(header)
            ends = [entry["data_offsets"][1] for key, entry in value.items()
                    if key != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError):
            return []
        size = max(ends, default=0)
        if size > len(rest):
            return []
        found.append((value, rest[:size]))
        data = rest[size:]
    return found


def seal(parts: List[Tuple[Any, bytes]]) -> bytes:
    """A stream of these segments, whose checksums are right."""
    made, chain = b"", b""
    for value, body in parts:
        metadata = value.get("__metadata__") if isinstance(value, dict) else None
        if isinstance(metadata, dict):
            metadata["lir.xxh3"] = "0" * 16
            if "lir.chain" in metadata and xxhash is not None:
                metadata["lir.chain"] = xxhash.xxh3_64(chain).hexdigest()
        segment = join_tensors(dump(value).encode("utf-8", "surrogatepass"), body)
        if xxhash is not None:
            digest = xxhash.xxh3_64(segment[8:])
            chain += digest.hexdigest().encode()
            segment = segment.replace(b'"lir.xxh3":"' + b"0" * 16, b'"lir.xxh3":"'
                                      + digest.hexdigest().encode(), 1)
        made += segment
    return made


def change_stream(rng: random.Random, data: bytes) -> bytes:
    """A tensor stream with one segment changed, in its header or data, under right checksums."""
    parts: List[Tuple[Any, bytes]] = list(segments(data))
    if not parts or xxhash is None:
        return change_bytes(rng, data)
    at = rng.randrange(len(parts))
    value, body = parts[at]
    how = rng.randrange(5)
    if how == 0 and body:
        body = change_bytes(rng, body)[:len(body)].ljust(len(body), b"\0")
    elif how == 1:
        parts.insert(at, parts[rng.randrange(len(parts))])
    else:
        value = change_json_value(rng, value)
    parts[at] = value, body
    return seal(parts)[:LARGEST]


# --- what torch saves


def change_zip(rng: random.Random, data: bytes) -> bytes:
    """An archive with one member changed, under a right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
        return change_bytes(rng, data)
    pickles = [i for i, (info, _) in enumerate(members) if info.filename.endswith(".pkl")]
    chosen = pick(rng, pickles) if pickles and rng.random() < 0.8 else rng.randrange(len(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, (info, content) in enumerate(members):
            archive.writestr(info, change_bytes(rng, content) if number == chosen else content)
    return out.getvalue()[:LARGEST]


# --- by the name of a file


def change(rng: random.Random, name: str, data: bytes) -> bytes:
    """A changed file, in a way that suits its name."""
    if name.endswith((".gz", ".bz2", ".xz", ".zst", ".lz4")):
        return change_bytes(rng, data) if rng.random() < 0.5 else change_packed(rng, name, data)
    if name.endswith((".json", ".jsonl", ".metadata", ".digest")):
        return (change_json if rng.random() < 0.8 else change_text)(rng, data)
    if name.endswith(".safetensors"):
        return change_tensors(rng, data)
    if name.endswith(".lirt"):
        return (change_stream if rng.random() < 0.5 else change_bytes)(rng, data)
    if name.endswith((".bin", ".pt")):
        return (change_zip if rng.random() < 0.7 else change_bytes)(rng, data)
    if name.endswith((".model", ".partial", ".gguf", ".npy")):
        return change_bytes(rng, data)
    return change_text(rng, data)
