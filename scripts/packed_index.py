"""What packs of indexes are like; for scripts/pack-index and scripts/fetch-index.

A pack is NAME.tar.zst and NAME.tar.zst.json beside it: size and SHA-256 of the archive and of every
file in it, what the index is, and what made it. The archive holds regular files alone, in the order
of their names, without times and owners.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Tuple, Type

FORMAT = "lir-packed-index/1"
USAGE, DATA, MISSING, CANNOT_CREATE, IO, CONFIG = 64, 65, 66, 73, 74, 78
CHUNK = 1 << 20
#: What the description of a pack has of the index's manifest.
FIELDS = ("format", "type", "documents", "dim", "element", "similarity", "model", "tokenizer", "precision",
          "max_length", "prompt", "parameters")


class Failure(Exception):
    """An error to report, its exit status, and what the user can do."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status, self.hint = status, hint


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_name(name: Any) -> str:
    """A relative path that stays in its folder."""
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(p in ("", ".", "..") or p.startswith(".") for p in parts) or "\\" in name \
            or not name.isprintable():
        raise Failure(DATA, f"the pack names a file outside its folder, or a hidden one: {name!r}")
    return str(name)


def check_manifest(folder: Path, status: int, hint: str = "") -> Dict[str, Any]:
    """The manifest of an index; one with files elsewhere is refused, with this status."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        elsewhere = [file["elsewhere"] for file in manifest["files"] if file.get("elsewhere") is not None]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Failure(DATA, f"{path}: damaged: {error}") from None
    if elsewhere:
        place = elsewhere[0].get("path") if isinstance(elsewhere[0], dict) else elsewhere[0]
        raise Failure(status, f"{folder}: its vectors lie in a file elsewhere: {place}", hint)
    return dict(manifest)


def verify(folder: Path) -> None:
    """Have lir-index look at every file of an index."""
    try:
        done = subprocess.run(["lir-index", "verify", "-q", str(folder)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise Failure(MISSING, f"lir-index: {error.strerror}",
                      "it verifies the index: put the folder of the tools on PATH") from None
    if done.returncode != 0:
        raise Failure(DATA, f"{folder}: lir-index verify: {done.stderr.strip()}")


@contextmanager
def compressor(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes go to a file, compressed by zstd."""
    with open(path, "wb") as file:
        try:
            import zstandard
        except ImportError:
            with process(["zstd", "-q", "-10", "-T0"], IO, stdin=subprocess.PIPE, stdout=file) as child:
                yield child.stdin
            return
        context = zstandard.ZstdCompressor(level=10, threads=-1, write_checksum=True)
        with context.stream_writer(file, closefd=False) as out:
            yield out


@contextmanager
def decompressor(path: Path) -> Iterator[BinaryIO]:
    with open(path, "rb") as file:
        try:
            import zstandard
        except ImportError:
            with process(["zstd", "-q", "-d", "-c"], DATA, stdin=file, stdout=subprocess.PIPE) as child:
                yield child.stdout
            return
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
            yield stream


def damages() -> Tuple[Type[BaseException], ...]:
    """What reading a damaged archive may raise."""
    try:
        import zstandard
        of_zstd: Tuple[Type[BaseException], ...] = (zstandard.ZstdError,)
    except ImportError:
        of_zstd = ()
    # Numbers and names of headers are taken apart by Python, whose errors these are.
    return (tarfile.TarError, EOFError, ValueError, OverflowError, MemoryError, *of_zstd)


@contextmanager
def process(command: Any, status: int, **streams: Any) -> Iterator[Any]:
    try:
        child = subprocess.Popen(command, **streams)
    except OSError:
        raise Failure(MISSING, "neither Python's zstandard nor the command zstd is here",
                      "Debian: apt-get install zstd") from None
    try:
        yield child
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()
        if child.wait() != 0:
            raise Failure(status, f"{command[0]} ended with {child.returncode}")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def description(index: Dict[str, Any], note: str) -> Dict[str, Any]:
    """What is said of an index in front of its files."""
    return {"format": FORMAT, "note": note, "index": {k: index[k] for k in FIELDS if k in index},
            "provenance": index.get("by", [])}
