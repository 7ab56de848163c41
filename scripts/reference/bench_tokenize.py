#!/usr/bin/env python3
"""Megabytes a second of tokenizers: Hugging Face's `tokenizers` at its best, and lir-tokenize beside it.

    bench_tokenize.py --model DIR [--model DIR…] --texts docs.tsv [--texts mixed.tsv] [--rounds 5]
    bench_tokenize.py --mixed mixed.tsv

With --mixed it only makes a text of which about 30 % of the bytes are not ASCII: Debian's
translations of package descriptions (ru, uk, ja, zh_CN, ko, de, fr, cs, pl, from
deb.debian.org) mixed with the English ones.

Per model and text: ids are compared; then, with one thread and with two, both take turns. The peer
encodes texts that are in memory, without offsets (`encode_batch_fast`), in the batch size that suits
it best. Our time is that of the whole process, which reads the TSV and writes ids, less that of the
same command on an empty input. The ratio is of the medians.
"""

from __future__ import annotations

import argparse
import bz2
import hashlib
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Set

LANGUAGES = ["ru", "uk", "ja", "zh_CN", "ko", "de", "fr", "cs", "pl"]
SHARE = 0.30
BATCHES = (64, 1000, 10 ** 9)


def peer(options: argparse.Namespace) -> None:
    """The peer's process: prints seconds, and writes a digest of all ids."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{options.model[0]}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with open(options.texts[0], encoding="utf-8", newline="\n") as file:
        texts = [line.rstrip("\n").split("\t", 1)[1] for line in file]
    best = None
    for size in BATCHES:
        start = time.perf_counter()
        ids = []
        for first in range(0, len(texts), size):
            ids += [e.ids for e in tokenizer.encode_batch_fast(texts[first:first + size])]
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    print(json.dumps({"seconds": best, "digest": digest(ids), "tokens": sum(map(len, ids))}))


def digest(rows: Iterable[List[int]]) -> str:
    """A digest of ids."""
    hashed = hashlib.sha256()
    for row in rows:
        hashed.update((" ".join(map(str, row)) + "\n").encode())
    return hashed.hexdigest()


def run_peer(model: str, texts: str, threads: int) -> Dict[str, Any]:
    """What the peer's process prints."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1",
                       TOKENIZERS_PARALLELISM="false" if threads == 1 else "true")
    done = subprocess.run(
        [sys.executable, __file__, "--peer", "--model", model, "--texts", texts],
        env=environment, check=True, capture_output=True, text=True)
    answer: Dict[str, Any] = json.loads(done.stdout)
    return answer


def run_ours(options: argparse.Namespace, model: str, texts: str, threads: int, out: str) -> float:
    """Seconds that lir-tokenize takes."""
    start = time.perf_counter()
    subprocess.run([options.command, "-q", "--allow-empty", "--model", model, "--threads", str(threads),
                    texts, "-o", out], check=True)
    return time.perf_counter() - start


def our_digest(options: argparse.Namespace, model: str, texts: str) -> str:
    """The digest of lir-tokenize's ids."""
    command = [options.command, "-q", "--model", model, "--format", "jsonl", texts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        return digest(json.loads(line)["input_ids"] for line in process.stdout or ())


def compare(options: argparse.Namespace, model: str, texts: str, work: str) -> None:
    """Print what both reach on some texts, with one thread and with two."""
    size = sum(len(line.split(b"\t", 1)[1]) - 1 for line in open(texts, "rb"))
    wide = sum(sum(byte >= 0x80 for byte in line) for line in open(texts, "rb")) / os.path.getsize(texts)
    empty, out = f"{work}/empty.tsv", f"{work}/out.lirt"
    open(empty, "w").close()
    for threads in (1, 2):
        theirs, ours, starts = [], [], []
        for _ in range(options.rounds):
            answer = run_peer(model, texts, threads)
            theirs.append(answer["seconds"])
            starts.append(run_ours(options, model, empty, threads, out))
            ours.append(run_ours(options, model, texts, threads, out))
        same = answer["digest"] == our_digest(options, model, texts)
        start = statistics.median(starts)
        their, our = statistics.median(theirs), statistics.median(ours) - start
        print(json.dumps({
            "model": Path(model).name, "texts": Path(texts).name, "megabytes": round(size / 1e6, 2),
            "not_ascii": round(wide, 3), "tokens": answer["tokens"], "same_ids": same, "threads": threads,
            "peer_mb_s": round(size / their / 1e6, 2), "lir_mb_s": round(size / our / 1e6, 1),
            "lir_start_s": round(start, 3), "ratio": round(their / our, 1),
            "ratio_with_start": round(their / (our + start), 1)}), flush=True)
        if not same:
            sys.exit("the ids differ")


def make_mixed(path: Path, megabytes: int) -> None:
    """Lines of Debian's translations, English ones between them until the share is right."""
    address = "http://deb.debian.org/debian/dists/bookworm/main/i18n/Translation-"

    def paragraphs(language: str) -> Iterator[str]:
        is_english = language == "en"
        suffix = "xz" if is_english else "bz2"
        decompress = lzma.decompress if is_english else bz2.decompress
        with urllib.request.urlopen(f"{address}{language}.{suffix}") as answer:
            text = decompress(answer.read()).decode()
        for block in text.split("\n\n"):
            lines = block.split("\n")
            start = next((i for i, line in enumerate(lines) if line.startswith("Description-")
                          and not line.startswith("Description-md5")), None)
            if start is not None:
                yield " ".join(line.split(": ", 1)[-1].strip(" .") for line in lines[start:])

    seen: Set[str] = set()
    english = paragraphs("en")
    sources = {language: paragraphs(language) for language in LANGUAGES}
    size = wide = number = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        while size < megabytes * 10 ** 6 and sources:
            language = LANGUAGES[number % len(LANGUAGES)]
            number += 1
            source = english if size and wide / size > SHARE else sources.get(language)
            if source is None:
                continue
            text = next(source, None)
            if text is None:
                sources.pop(language, None)
                continue
            text = text.replace("\t", " ")
            if text in seen:
                continue
            seen.add(text)
            data = text.encode()
            size += len(data)
            wide += sum(byte >= 0x80 for byte in data)
            file.write(f"{number}\t{text}\n")
    print(f"{size} bytes, {wide / size:.3f} of them not ASCII")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--texts", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--command", default="lir-tokenize")
    parser.add_argument("--mixed", type=Path)
    parser.add_argument("--megabytes", type=int, default=6)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer(options)
        return
    if options.mixed:
        make_mixed(options.mixed, options.megabytes)
        return
    with tempfile.TemporaryDirectory() as work:
        for model in options.model:
            for texts in options.texts:
                compare(options, model, texts, work)


if __name__ == "__main__":
    main()
