"""Files of somebody's own collection in the forms that people have, as records that the tools read.

For scripts/fetch-dataset. Texts become lines of JSON, judgements and runs lines of TREC, training
tuples stay as they are; compressed inputs are read as what they hold. What is a form of the tools
already is passed through, byte for byte once its encoding is UTF-8.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import html
import io
import json
import lzma
import re
import sys
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterable, Iterator, List, Optional
from xml.etree import ElementTree

DATA, MISSING, IO, CONFIG = 65, 66, 74, 78

#: What a dataset may have, and the names that configurations use for it.
PARTS = {"docs": ("docs",), "queries": ("queries",), "qrels": ("qrels",),
         "run": ("run", "scoreddocs"), "tuples": ("tuples", "docpairs")}
#: Forms that the tools read as they are.
PLAIN = {"tsv", "jsonl", "trec", "topics", "run", "qrels", "tuples", "text"}
#: Runs of query, document and score, or rank (MS MARCO's), or neither: their order.
COLUMNS = {"scored", "msmarco"}
TEXT_FORMS = PLAIN | COLUMNS | {"csv", "dpr", "xml", "json", "parquet", "ranking"}
#: Columns of a run with texts and grades, by part.
RANKING = {"queries": ("query_id", "query"), "docs": ("doc_id", "text"), "qrels": ("query_id", "doc_id", "relevance")}
ID_FIELDS = ("_id", "id", "pid", "doc_id", "docid", "docno", "query_id", "qid", "number", "num")
#: Labels before the content of elements of TREC's topics, as Sources/Records has them for those in SGML.
TOPIC_LABELS = {"num": "number:", "title": "topic:", "desc": "description:", "narr": "narrative:"}
TITLES = ("title",)
BODIES = ("text", "contents", "body", "passage", "content", "segment", "abstract", "query", "question")
#: Columns of runs in parquet files; without scores, ranks tell the order.
RUN_COLUMNS = (("qid", "query_id"), ("docno", "docid", "doc_id"), ("score", "rank"))


class Failure(Exception):
    """An error to report, its exit status, and what the user can do."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status, self.hint = status, hint


class Source:
    """A file of a local dataset, and how it is to be read."""

    KEYS = {"path", "format", "encoding", "fields", "id_field"}

    def __init__(self, part: str, value: Any, folder: Path, encoding: str) -> None:
        given = {"path": value} if isinstance(value, str) else value
        if not isinstance(given, dict) or not isinstance(given.get("path"), str):
            raise Failure(CONFIG, f"{part}: expected a path, or a mapping with one, found {value!r}")
        unknown = sorted(set(given) - self.KEYS)
        if unknown:
            raise Failure(CONFIG, f"{part}: unknown keys {', '.join(unknown)}",
                          f"there are {', '.join(sorted(self.KEYS))}")
        self.part, self.name = part, given["path"]
        self.path = folder / Path(self.name).expanduser()
        self.given_encoding = given.get("encoding") or (encoding if encoding != "utf-8" else None)
        self.encoding = str(given.get("encoding") or encoding)
        self.fields = listed(given.get("fields"))
        self.id_field = given.get("id_field")
        self.format = given.get("format") or self.guess()
        if self.format not in TEXT_FORMS:
            raise Failure(CONFIG, f"{part}: unknown format {self.format!r}",
                          f"there are {', '.join(sorted(TEXT_FORMS))}")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise Failure(CONFIG, f"{part}: unknown encoding {self.encoding!r}") from None

    def guess(self) -> str:
        """The form by the suffix, without that of a compression."""
        name = re.sub(r"\.(zst|gz|bz2|xz|lz4)$", "", self.path.name)
        suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
        known = {"csv": "csv", "xml": "xml", "json": "json", "parquet": "parquet", "jsonl": "jsonl"}
        return known.get(suffix, "text")

    def lines(self) -> Iterator[bytes]:
        """The records of this file, each a line in UTF-8."""
        if self.format == "ranking":
            yield from ranking_lines(self.part, self.path, self.encoding)
            return
        if self.format == "parquet":
            yield from self.of_rows(parquet_rows(self.path))
            return
        with opened(self.path) as stream:
            if self.format == "xml":
                yield from self.of_rows(topics_of_xml(stream, self.path, self.given_encoding))
                return
            # A mark at the head is none of the text; a lone carriage return ends no line.
            encoding = re.sub("^utf-?8$", "utf-8-sig", self.encoding.lower())
            try:
                yield from self.of_text(io.TextIOWrapper(stream, encoding, newline="\n"))
            except UnicodeDecodeError as error:
                raise Failure(DATA, f"{self.path}:{self.bad_line()}: not {self.encoding}: {error.reason}",
                              "encoding: latin-1 in the dataset's file, or --encoding, says so") from None

    def bad_line(self) -> int:
        """The first line that the encoding does not have."""
        number = 0
        with opened(self.path) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode(self.encoding)
                except UnicodeDecodeError:
                    break
        return number

    def of_text(self, text: io.TextIOWrapper) -> Iterator[bytes]:
        if self.format == "csv" and self.part in ("docs", "queries"):
            yield from self.of_rows(table_rows(text, self.path, ","))
        elif self.format == "csv":
            yield from (("\t".join(row) + "\n").encode() for row in csv.reader(text))
        elif self.format == "dpr":
            yield from self.of_rows(dpr_rows(text, self.path, self.part))
        elif self.format == "json":
            yield from self.of_json(text)
        elif self.part == "run":
            yield from columns_run(text, self.path, self.format)
        elif self.format in COLUMNS:
            raise Failure(CONFIG, f"{self.path}: {self.format} is a form of runs, not of {self.part}")
        elif self.fields or self.id_field:
            head = next((line for line in text if line.strip()), "")
            lines = chain([head], text)
            yield from self.of_rows(sgml_rows(lines, self.path) if head.lstrip().startswith("<")
                                    else named_rows(lines, self.path))
        else:
            for line in text:
                yield line.rstrip("\r\n").encode() + b"\n"

    def of_json(self, text: io.TextIOWrapper) -> Iterator[bytes]:
        """A list of objects, or what has lines of them under that name."""
        head = text.read(1)
        while head and head.isspace():
            head = text.read(1)
        if self.part not in ("docs", "queries") or head == "{":
            first = head + text.readline()
            yield first.rstrip("\r\n").encode() + b"\n"
            yield from (line.rstrip("\r\n").encode() + b"\n" for line in text)
            return
        try:
            rows = json.loads(head + text.read())
        except ValueError as error:
            raise Failure(DATA, f"{self.path}: {error}") from None
        yield from self.of_rows(rows)

    def of_rows(self, rows: Iterable[Dict[str, Any]]) -> Iterator[bytes]:
        if self.part in ("docs", "queries"):
            for number, row in enumerate(rows, 1):
                yield self.record(row, number)
        elif self.part == "run":
            yield from run_lines(triple(row, self.path) for row in rows)
        else:
            raise Failure(CONFIG, f"{self.path}: {self.part} in the form {self.format}: not read",
                          "lines of TREC or TSV are")

    def record(self, row: Dict[str, Any], number: int) -> bytes:
        """One text record with an id and a text."""
        place = f"{self.path}: record {number}"
        given = str(self.id_field or "")
        names = [given if given in row else given.lower()] if given else [n for n in ID_FIELDS if n in row]
        if not names or row.get(names[0]) in (None, ""):
            raise Failure(DATA, f"{place}: no id among {', '.join(map(str, row))}",
                          "id_field: NAME says which one it is")
        fields = [f if f in row else f.lower() for f in self.fields]
        if not fields:
            bodies = [n for n in BODIES if row.get(n) not in (None, "")]
            titles = [n for n in TITLES if row.get(n) not in (None, "")]
            # The title of a topic is its text; what is behind it says more of the same need.
            fields = titles if self.format == "xml" and titles else titles + bodies[:1]
        lacking = [f for f in fields if f not in row]
        if lacking or not fields:
            what = f"no field {', '.join(lacking)}" if lacking else "no text"
            raise Failure(DATA, f"{place}: {what} among {', '.join(map(str, row))}",
                          "fields: [NAME, ...] says which ones make the text")
        text = " ".join(str(row[f]) for f in fields if row[f] not in (None, ""))
        return json_line(str(row[names[0]]).strip(), text)


def listed(value: Any) -> List[str]:
    if value is None:
        return []
    return value.split(",") if isinstance(value, str) else [str(v) for v in value]


def json_line(id_: str, text: str) -> bytes:
    line = json.dumps({"id": id_, "text": text}, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "surrogatepass")


def run_lines(scored: Iterable[Any], tag: str = "dataset") -> Iterator[bytes]:
    """Lines of a run in the order given; a document that a query has already is passed over."""
    query, seen, passed = None, set(), 0
    # Not every file keeps the lines of a query together.
    ranks: Dict[str, int] = {}
    for query_id, doc_id, score in scored:
        if query_id != query:
            query, seen = query_id, set()
        if doc_id in seen:
            passed += 1
            continue
        seen.add(doc_id)
        ranks[query_id] = ranks.get(query_id, 0) + 1
        yield f"{query_id} Q0 {doc_id} {ranks[query_id]} {float(score)!r} {tag}\n".encode()
    if passed:
        print(f"fetch-dataset: {passed} lines whose document the query has already are left out",
              file=sys.stderr)


def with_scores(scored: Iterable[Any], place: str) -> Iterator[Any]:
    """Where documents have no scores, which ir_datasets gives as zeros (of MS MARCO's candidates), those of their order:
    the first of a query has -1. Else a part of them would be the first by their ids, where Lightning IR takes the first of
    the file."""
    rows = iter(scored)
    head = list(islice(rows, 10_000))
    if len(head) < 2 or any(score for _, _, score in head):
        yield from head
        yield from rows
        return
    ranks: Dict[str, int] = {}
    for number, (query_id, doc_id, score) in enumerate(chain(head, rows), 1):
        if score:
            raise Failure(DATA, f"{place}: record {number}: expected a score of 0 as before, found {score}")
        ranks[query_id] = ranks.get(query_id, 0) + 1
        yield query_id, doc_id, -ranks[query_id]


def columns_run(text: Iterable[str], path: Path, form: str) -> Iterator[bytes]:
    """Lines of TREC as they are; those of two or three columns, as ir_datasets reads them: query and document in their
    order, or with scores. Where three may be MS MARCO's, with ranks, the form has to be said."""
    lines = (line.rstrip("\r\n") for line in text)
    head = list(islice(lines, 1000))
    width = len(head[0].split()) if head else 0
    if width not in (2, 3):
        if form in COLUMNS:
            raise Failure(DATA, f"{path}:1: expected 3 columns, or 2, found {width}")
        yield from (line.encode() + b"\n" for line in chain(head, lines))
        return
    count: Dict[str, int] = {}
    for query, *rest in (line.split() for line in head if line.strip()):
        count[query] = count.get(query, 0) + 1
        if rest[1:] != [str(count[query])]:
            break
    else:
        if width == 3 and form not in COLUMNS:
            raise Failure(CONFIG, f"{path}: the third column may be ranks or scores",
                          "format: msmarco says that it is ranks, format: scored that it is scores")
    yield from run_lines(columns(chain(head, lines), path, width, form == "msmarco"))


def columns(lines: Iterable[str], path: Path, width: int, ranks: bool) -> Iterator[Any]:
    """Query, document and score of each line."""
    order: Dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if len(fields) != width:
            raise Failure(DATA, f"{path}:{number}: expected {width} columns as before, found {len(fields)}")
        order[fields[0]] = order.get(fields[0], 0) + 1
        try:
            score = float(fields[2]) if width == 3 else -order[fields[0]]
        except ValueError:
            raise Failure(DATA, f"{path}:{number}: expected a number, found {fields[2]!r}") from None
        yield fields[0], fields[1], -score if ranks and width == 3 else score


def of_system(lines: Iterable[bytes], system: str) -> Iterator[bytes]:
    """The tuples of sentence-transformers' file that have hard negatives of a system, and those alone."""
    passed = 0
    for line in lines:
        record = json.loads(line)
        if not record["neg"].get(system):
            passed += 1
            continue
        record["neg"] = {system: record["neg"][system]}
        yield json.dumps(record, separators=(",", ":")).encode() + b"\n"
    if passed:
        print(f"fetch-dataset: {passed} queries without negatives of {system} are left out", file=sys.stderr)


def ranking_lines(part: str, path: Path, encoding: str) -> Iterator[bytes]:
    """A part of a run whose records have texts and grades beside the scores, each of them once."""
    rows = parquet_rows(path) if ".parquet" in path.suffixes else json_rows(path, encoding)
    if part == "run":
        yield from run_lines(triple(row, path) for row in rows)
        return
    if part not in RANKING:
        raise Failure(CONFIG, f"{path}: a ranking has no {part}", f"it has run, {', '.join(RANKING)}")
    seen: Dict[Any, str] = {}
    for number, row in enumerate(rows, 1):
        values = [row.get(column) for column in RANKING[part]]
        if part == "qrels" and values[-1] is None:
            continue
        if None in values:
            raise Failure(DATA, f"{path}: record {number}: expected {', '.join(RANKING[part])}, found "
                          f"{', '.join(map(str, row))}")
        key, value = tuple(map(str, values[:-1])), str(values[-1])
        if seen.setdefault(key, value) != value:
            raise Failure(DATA, f"{path}: record {number}: {RANKING[part][-1]} of {' '.join(key)} is another one "
                          "than before")
    for key, value in seen.items():
        yield f"{key[0]} 0 {key[1]} {value}\n".encode() if part == "qrels" else json_line(key[0], value)


def json_rows(path: Path, encoding: str) -> Iterator[Dict[str, Any]]:
    """Lines of JSON, or one list of records."""
    with opened(path) as stream:
        if ".jsonl" not in path.suffixes and ".json" in path.suffixes:
            try:
                rows = json.load(io.TextIOWrapper(stream, encoding))
                lines: Iterable[str] = [json.dumps(row) for row in rows] if isinstance(rows, list) else [json.dumps(rows)]
            except ValueError as error:
                raise Failure(DATA, f"{path}: {error}") from None
        else:
            lines = io.TextIOWrapper(stream, encoding)
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("not an object")
            except ValueError as error:
                raise Failure(DATA, f"{path}:{number}: {error}") from None
            yield row


def triple(row: Dict[str, Any], path: Path) -> Any:
    names = [next((n for n in names if n in row), None) for names in RUN_COLUMNS]
    if None in names:
        raise Failure(DATA, f"{path}: expected columns of query, document and score or rank, found "
                      f"{', '.join(map(str, row))}")
    query, document, value = (row[str(n)] for n in names)
    try:
        return query, document, -float(value) if names[-1] == "rank" else float(value)
    except (TypeError, ValueError):
        raise Failure(DATA, f"{path}: expected a number as {names[-1]}, found {value!r}") from None


# --- files


def opened(path: Path) -> BinaryIO:
    """The content of a file, decompressed by what it begins with."""
    try:
        file = open(path, "rb")
    except OSError as error:
        raise Failure(MISSING, f"{path}: {error.strerror}") from None
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(file)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        return bz2.open(file)  # type: ignore[return-value]
    if head.startswith(b"\xfd7zXZ"):
        return lzma.open(file)  # type: ignore[return-value]
    if head.startswith(b"\x04\x22\x4d\x18"):
        import lz4.frame
        return lz4.frame.open(file)
    return file


def parquet_rows(path: Path) -> Iterator[Dict[str, Any]]:
    import pyarrow.parquet
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        status = MISSING if isinstance(error, FileNotFoundError) else DATA
        raise Failure(status, f"{path}: {error}") from None


def table_rows(text: Iterable[str], path: Path, delimiter: str) -> Iterator[Dict[str, Any]]:
    """Rows under a header line, with quoting."""
    csv.field_size_limit(1 << 24)
    rows = csv.reader(text, delimiter=delimiter)
    try:
        header = next(rows, None)
        for row in rows:
            if header is None or len(row) != len(header):
                raise Failure(DATA, f"{path}:{rows.line_num}: expected {len(header or [])} columns, "
                              f"found {len(row)}")
            yield dict(zip(header, row))
    except csv.Error as error:
        raise Failure(DATA, f"{path}:{rows.line_num}: {error}") from None


def dpr_rows(text: Iterable[str], path: Path, part: str) -> Iterator[Dict[str, Any]]:
    """The passages of DPR (id, text, title), or its questions (question, answers), by tabs and with
    quotes. Questions have no ids: their numbers from 0 stand for them, as in other toolkits."""
    if part == "docs":
        yield from table_rows(text, path, "\t")
        return
    for number, row in enumerate(csv.reader(text, delimiter="\t")):
        if not row:
            raise Failure(DATA, f"{path}:{number + 1}: an empty line among questions")
        yield {"id": str(number), "text": row[0]}


def named_rows(text: Iterable[str], path: Path) -> Iterator[Dict[str, Any]]:
    """Lines of JSON, or of TSV under a header, whose fields somebody names."""
    header: Optional[List[str]] = None
    for number, line in enumerate(text, 1):
        line = line.rstrip("\r\n")
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Failure(DATA, f"{path}:{number}: {error}") from None
        elif header is None:
            header = line.split("\t")
        else:
            columns = line.split("\t")
            if len(columns) != len(header):
                raise Failure(DATA, f"{path}:{number}: expected {len(header)} columns, found {len(columns)}")
            yield dict(zip(header, columns))


def sgml_rows(text: Iterable[str], path: Path) -> Iterator[Dict[str, Any]]:
    """TREC's topics and documents: elements as fields, with end tags or up to the next line that begins with one."""
    record: List[str] = []
    begin = 0
    for number, line in enumerate(text, 1):
        begin = begin if record else number
        record.append(line)
        end = re.search(r"</(top|doc)\s*>\s*$", line, re.I)
        if not end:
            continue
        body = re.sub(rf"^.*?<{end[1]}\b[^>]*>|</{end[1]}\s*>\s*$", "", "".join(record), count=2, flags=re.I | re.S)
        row: Dict[str, Any] = {}
        while found := re.search(r"<(\w+)[^>]*>", body):
            tag, rest = found[1].lower(), body[found.end():]
            close = re.search(rf"</{found[1]}\s*>", rest, re.I) or re.search(r"^\s*(?=<\w)|\Z", rest, re.M)
            assert close is not None
            content = " ".join(re.sub(r"</?\w[^>]*>", " ", rest[:close.start()]).split())
            content = re.sub(r"&(amp|lt|gt|quot|apos);", lambda entity: html.unescape(entity[0]), content)
            row[tag] = f"{row.get(tag, '')} {without_label(end[1], tag, content)}".strip()
            body = rest[close.end():]
        yield row
        record = []
    if "".join(record).strip():
        raise Failure(DATA, f"{path}:{begin}: expected an end of the record, </top> or </DOC>, found none")


def without_label(record: str, tag: str, text: str) -> str:
    """The content of an element of a topic, without the label before it that TREC's have."""
    label = TOPIC_LABELS.get(tag.lower()) if record.lower() in ("top", "topic") else None
    return text[len(label):].strip() if label and text.lower().startswith(label) else text


def names_a_file(name: str) -> bool:
    """Whether a name of what is not there is one of a file, rather than the id of a dataset."""
    try:
        import ir_datasets
        if name in ir_datasets.registry._registered:
            return False
    except ImportError:
        pass
    return re.search(r"\.[a-z0-9]+$|^[./~]", name) is not None


def topics_of_xml(stream: BinaryIO, path: Path, encoding: Optional[str]) -> Iterator[Dict[str, Any]]:
    """Topics or documents: the children of the root, with attributes and elements as fields. The
    file says its encoding, unless one is given."""
    try:
        root = ElementTree.parse(stream, ElementTree.XMLParser(encoding=encoding)).getroot()
    except (ElementTree.ParseError, ValueError) as error:
        raise Failure(DATA, f"{path}: {error}", "TREC's topics without end tags are format: trec") from None
    while len(root) == 1 and len(root[0]) and not any(n in root[0].attrib or root[0].find(n) is not None
                                                      for n in ID_FIELDS):
        root = root[0]
    for child in root:
        row: Dict[str, Any] = dict(child.attrib)
        for element in child:
            row[element.tag] = without_label(child.tag, element.tag, " ".join("".join(element.itertext()).split()))
        if not len(child):
            row["text"] = " ".join((child.text or "").split())
        yield row
