#!/usr/bin/env python3
"""Compare a file of `lir-index export --format ciff` with what protocol buffers read in it.

    pip install protobuf bmp        # bmp for --sparse alone
    scripts/reference/check_ciff.py [--bin DIR] DOCS.tsv
    scripts/reference/check_ciff.py [--bin DIR] --sparse DOCS.lirt QUERIES.lirt

Of texts an index of words without stemming is exported and read by Google's protobuf with the messages of
osirrc/ciff; Python counts the words itself. Of sparse vectors the impacts of the export, and the ten best
documents that BMP (arXiv:2405.01117) finds in it, are compared with those of lir-search on the import.
Exit status: 0 where all agree, 1 where something differs.
"""

from __future__ import annotations

import argparse
import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto
MESSAGES = {
    "Header": [
        ("version", Field.TYPE_INT32),
        ("num_postings_lists", Field.TYPE_INT32),
        ("num_docs", Field.TYPE_INT32),
        ("total_postings_lists", Field.TYPE_INT32),
        ("total_docs", Field.TYPE_INT32),
        ("total_terms_in_collection", Field.TYPE_INT64),
        ("average_doclength", Field.TYPE_DOUBLE),
        ("description", Field.TYPE_STRING),
    ],
    "Posting": [("docid", Field.TYPE_INT32), ("tf", Field.TYPE_INT32)],
    "PostingsList": [
        ("term", Field.TYPE_STRING),
        ("df", Field.TYPE_INT64),
        ("cf", Field.TYPE_INT64),
        ("postings", Field.TYPE_MESSAGE),
    ],
    "DocRecord": [
        ("docid", Field.TYPE_INT32),
        ("collection_docid", Field.TYPE_STRING),
        ("doclength", Field.TYPE_INT32),
    ],
}


def classes() -> Dict[str, Any]:
    """The messages of CommonIndexFileFormat.proto, made without its compiler."""
    file = descriptor_pb2.FileDescriptorProto(name="ciff.proto", package="c", syntax="proto3")
    for name, members in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (member, kind) in enumerate(members, 1):
            field = message.field.add(name=member, number=number, type=kind)
            field.label = Field.LABEL_OPTIONAL
            if kind == Field.TYPE_MESSAGE:
                field.label = Field.LABEL_REPEATED
                field.type_name = ".c.Posting"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"c.{name}")) for name in MESSAGES}


def read(path: Path) -> Tuple[Any, List[Any], List[Any]]:
    data = path.read_bytes()
    place = 0

    def message(kind: Any) -> Any:
        nonlocal place
        size = shift = 0
        while True:
            byte = data[place]
            place += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        place += size
        return kind.FromString(data[place - size : place])

    kinds = classes()
    header = message(kinds["Header"])
    lists = [message(kinds["PostingsList"]) for _ in range(header.num_postings_lists)]
    records = [message(kinds["DocRecord"]) for _ in range(header.num_docs)]
    assert place == len(data), "more follows"
    return header, lists, records


def check_words(tools: Path, docs: Path, scratch: Path) -> bool:
    texts = [line.split("\t", 1) for line in docs.read_text().splitlines()]
    # Words that every analysis finds: lower case, letters alone.
    plain = scratch / "plain.tsv"
    words = [(i, re.findall("[a-z]+", t.lower())) for i, t in texts]
    plain.write_text("".join(f"{i}\t{' '.join(w)}\n" for i, w in words))
    subprocess.run(
        [tools / "lir-index", "build", "--language", "none", "-o", scratch / "i", plain], check=True
    )
    subprocess.run(
        [tools / "lir-index", "export", "--format", "ciff", "-o", scratch / "c", scratch / "i"],
        check=True,
    )
    header, lists, records = read(scratch / "c")
    wanted: Dict[str, List[Tuple[int, int]]] = collections.defaultdict(list)
    for number, (_, found) in enumerate(words):
        for word, count in collections.Counter(found).items():
            wanted[word].append((number, count))
    found_lists = {}
    for item in lists:
        document, postings = 0, []
        for posting in item.postings:
            document += posting.docid
            postings.append((document, posting.tf))
        assert item.df == len(postings) and item.cf == sum(tf for _, tf in postings)
        found_lists[item.term] = postings
    lengths = [(n, i, len(w)) for n, (i, w) in enumerate(words)]
    total = sum(len(w) for _, w in words)
    return (
        [item.term for item in lists] == sorted(wanted)
        and found_lists == wanted
        and [(r.docid, r.collection_docid, r.doclength) for r in records] == lengths
        and header.total_terms_in_collection == total
        and header.average_doclength == total / len(words)
    )


def check_sparse(tools: Path, docs: Path, queries: Path, scratch: Path) -> bool:
    import json

    import bmp

    def run(*arguments: Any) -> None:
        subprocess.run([str(a) for a in arguments], check=True)

    index, file, again = scratch / "i", scratch / "c.ciff", scratch / "again"
    run(tools / "lir-index", "build", "-o", index, docs)
    run(tools / "lir-index", "export", "--format", "ciff", "-o", file, index)
    bmp.ciff2bmp(ciff_file=str(file), output=str(scratch / "b"), bsize=32, compress_range=False)
    dim = json.loads((index / "manifest.json").read_text())["dim"]
    (scratch / "v").write_text("".join(f"{i}\n" for i in range(dim)))
    run(tools / "lir-index", "import", "--vocabulary", scratch / "v", "-o", again, file)
    shown = subprocess.run(
        [tools / "lir-encode", "view", queries], check=True, capture_output=True, text=True
    ).stdout
    searcher = bmp.Searcher(str(scratch / "b"))
    lines, theirs = [], {}
    for line in shown.splitlines()[:100]:
        record = json.loads(line)
        # BMP's weights of queries are whole numbers.
        terms = {str(t): max(1, round(w * 10)) for t, w in zip(record["indices"], record["values"])}
        lines.append(json.dumps({"id": record["id"], "vector": terms}))
        ids, scores = searcher.search(terms, k=10, alpha=1.0, beta=1.0)
        theirs[record["id"]] = sorted(zip((-s for s in scores), ids))
    (scratch / "q.jsonl").write_text("\n".join(lines) + "\n")
    run(
        tools / "lir-search", "--index", again, "--vocabulary", scratch / "v", "-k", 10,
        scratch / "q.jsonl", "-o", scratch / "run",
    )  # fmt: skip
    ours: Dict[str, List[Tuple[float, str]]] = collections.defaultdict(list)
    for line in (scratch / "run").read_text().splitlines():
        query, _, document, _, score, _ = line.split()
        ours[query].append((-float(score), document))
    # Of equal scores at the end either may be there.
    return all(
        [s for s, _ in sorted(ours[q])] == [s for s, _ in theirs[q]]
        and {d for s, d in ours[q] if s < ours[q][-1][0]}
        == {d for s, d in theirs[q] if s < theirs[q][-1][0]}
        for q in theirs
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bin", type=Path, default=Path(".build/release"))
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.sparse:
            agrees = check_sparse(options.bin, *options.files, Path(scratch))
        else:
            agrees = check_words(options.bin, *options.files, Path(scratch))
    print("agrees" if agrees else "differs")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
