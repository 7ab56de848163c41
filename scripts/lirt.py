#!/usr/bin/env python3
"""Read and write lir's tensor streams (`.lirt`; read also `.lirt.zst`, `.lirt.lz4`) with NumPy.

This one file needs nothing but NumPy, so it can be copied next to a notebook:

    import lirt
    docs = lirt.read("docs.lirt.zst")
    docs.ids, docs.vectors            # a list of str, a float32 array [records, dim]
    for segment in lirt.segments("big.lirt"):
        ...                           # at most 1024 records at a time
    lirt.write("mine.lirt", ids, vectors, role="doc", model="e5-base", similarity="cosine")
    with lirt.Writer("big.lirt", role="doc", model="e5-base") as writer:
        writer.append(ids, vectors)   # as often as you like

What is written has the name of your model where lir's own streams have the digest of a model's files:
documents and queries must have the same. Vectors are float32 or float16 arrays [records, dim]; float64
is rounded to float32. A list of arrays [vectors, dim] is a stream of several vectors a record, and a
scipy.sparse matrix in CSR form one of sparse vectors.

Checksums are verified if the `xxhash` package can be imported (`Stream.verified` says so), and
compressed streams need `zstandard` or `lz4`. From the shell:

    python3 lirt.py FILE...           # what is in it; exit status 65 if it is damaged

The format is described in lir-stream(5).
"""

from __future__ import annotations

import json
import re
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np

try:
    import xxhash
except ImportError:
    xxhash = None

MAX_HEADER = 16 << 20  # bytes of JSON in one segment
MAX_DATA = 1 << 30  # bytes of tensors in one segment
MAX_RECORDS = 1024  # records in one segment
ALIGNMENT = 64
CHUNK = 1 << 20
SEGMENT = 4 << 20  # a writer ends a segment with the record that brings its data so far

#: safetensors' element types: size in bytes and how NumPy reads them (BF16 is widened afterwards).
ELEMENTS: Dict[str, Tuple[int, str]] = {
    "U8": (1, "<u1"),
    "I8": (1, "<i1"),
    "F16": (2, "<f2"),
    "BF16": (2, "<u2"),
    "I32": (4, "<i4"),
    "F32": (4, "<f4"),
    "I64": (8, "<i8"),
}

_VECTORS = ("F32", "F16", "BF16", "I8")

#: The tensors of each kind: element types, and the shape in n (records) and names for the rest.
LAYOUT: Dict[str, Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]]] = {
    "tokens": {
        "offsets": (("I64",), ("n+1",)),
        "input_ids": (("I32",), ("t",)),
        "attended": (("U8",), ("t",)),
        "type_ids": (("U8",), ("t",)),
    },
    "dense": {"embeddings": (_VECTORS, ("n", "d")), "scales": (("F32",), ("n",))},
    "multivector": {
        "offsets": (("I64",), ("n+1",)),
        "embeddings": (_VECTORS, ("t", "d")),
        "scales": (("F32",), ("t",)),
        "input_ids": (("I32",), ("t",)),
    },
    "sparse": {
        "offsets": (("I64",), ("n+1",)),
        "indices": (("I32",), ("t",)),
        "values": (("F32",), ("t",)),
    },
    "coil": {
        "offsets": (("I64",), ("n+1",)),
        "cls": (("F32",), ("n", "c")),
        "embeddings": (("F32",), ("t", "d")),
        "input_ids": (("I32",), ("t",)),
    },
}
_OPTIONAL = {("multivector", "input_ids")}  # and scales, which I8 embeddings must have

_CHECKSUM = re.compile(rb'"lir\.xxh3":"([0-9a-f]{16})"')

Source = Union[str, Path, BinaryIO]


class LirtError(ValueError):
    """A stream that is damaged, cut, or not a tensor stream."""


class MissingPackage(ImportError):
    """A stream is compressed by something that an optional package reads."""


@dataclass
class Segment:
    """Up to 1024 records. Tensors are as stored; `vectors` are float32 whatever was stored."""

    kind: str
    role: Optional[str]
    member: int  # 0 for the first of the files that were concatenated, and so on
    first: int  # ordinal of the first record since the start of the whole stream
    ids: List[str]
    tensors: Dict[str, np.ndarray]
    elements: Dict[str, str]  # element type of each tensor
    metadata: Dict[str, str]  # of the first segment of the member, and this one's on top

    @property
    def vectors(self) -> Optional[np.ndarray]:
        """The embeddings as float32, or None for tokens and sparse vectors."""
        return _widen(self.tensors, self.elements)


@dataclass
class Stream:
    """All records of a stream, in memory."""

    kind: str
    role: Optional[str]
    ids: List[str]
    tensors: Dict[str, np.ndarray]
    elements: Dict[str, str]
    metadata: Dict[str, str]
    members: int
    verified: bool  # whether checksums were compared

    @property
    def vectors(self) -> Optional[np.ndarray]:
        """The embeddings as float32, or None for tokens and sparse vectors."""
        return _widen(self.tensors, self.elements)

    @property
    def dim(self) -> Optional[int]:
        """Length of a vector: the embeddings' width, or what `lir.dim` says."""
        return _dim(self.tensors, self.metadata)

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, i: int) -> Dict[str, np.ndarray]:
        """The tensors of one record; those with offsets are cut accordingly."""
        rows = {k: v for k, v in self.tensors.items() if k != "offsets"}
        if "offsets" not in self.tensors:
            return {k: v[i] for k, v in rows.items()}
        a, b = (int(x) for x in self.tensors["offsets"][i : i + 2])
        per_record = {k for k, (_, shape) in LAYOUT[self.kind].items() if shape[0] == "n"}
        return {k: v[i] if k in per_record else v[a:b] for k, v in rows.items()}

    def dense(self, dim: Optional[int] = None) -> np.ndarray:
        """Sparse vectors as one dense float32 array [records, dim]: for small streams."""
        if self.kind != "sparse":
            raise ValueError(f"kind is {self.kind}, not sparse")
        indices, offsets = self.tensors["indices"], self.tensors["offsets"]
        width = dim or self.dim or (int(indices.max()) + 1 if len(indices) else 0)
        out = np.zeros((len(self), width), np.float32)
        rows = np.repeat(np.arange(len(self)), np.diff(offsets))
        out[rows, indices] = self.tensors["values"]
        return out


def read(source: Source) -> Stream:
    """Read a whole stream: one file, or several that were concatenated."""
    parts = list(segments(source))
    first = parts[0]
    tensors = {}
    for name in first.tensors:
        pieces = [p.tensors[name] for p in parts]
        if name == "offsets":
            ends = np.cumsum([0] + [int(p[-1]) for p in pieces])
            pieces = [pieces[0][:1]] + [p[1:] + e for p, e in zip(pieces, ends)]
        tensors[name] = np.concatenate(pieces)
    ids = [i for p in parts for i in p.ids]
    return Stream(first.kind, first.role, ids, tensors, first.elements, first.metadata,
                  parts[-1].member + 1, xxhash is not None)


def segments(source: Source) -> Iterator[Segment]:
    """Yield the data segments of a stream; raise LirtError at the first thing that is wrong.

    What was yielded before an error is intact, but the stream is complete only if the loop ends.
    """
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            yield from _segments(_decompressed(file))
    else:
        yield from _segments(_decompressed(source))


class _Member:
    """What has been read of the member under way."""

    def __init__(self) -> None:
        self.metadata: Dict[str, str] = {}
        self.signature: Tuple[Any, ...] = ()
        self.records = 0
        self.segments = 0
        self.chain = b""


def _segments(source: "_Reader") -> Iterator[Segment]:
    total = members = 0
    agreed: Optional[Tuple[Any, ...]] = None
    member: Optional[_Member] = None
    while True:
        where = f"after record {total}"
        prefix = source.read(8)
        if not prefix:
            if member is not None:
                raise LirtError(f"cut {where}: the end segment is missing")
            if agreed is None:
                raise LirtError("empty: not a tensor stream")
            return
        metadata, header, data, digest = _segment(source, prefix, where)
        kind = metadata["lir.kind"]
        if kind == "end":
            if member is None:
                raise LirtError(f"{where}: an end segment without a segment before it")
            _check_end(member, metadata, header, where)
            member, members = None, members + 1
            continue
        if kind not in LAYOUT:
            raise LirtError(f"{where}: unknown kind {kind!r}")
        first, records = _number(metadata, "lir.first"), _number(metadata, "lir.records")
        if records > MAX_RECORDS:
            raise LirtError(f"{where}: {records} records in a segment, at most {MAX_RECORDS} may be")
        tensors, elements = _tensors(header, data, where)
        ids = _check_tensors(kind, records, tensors, elements, where)
        if member is None:
            member = _Member()
            member.metadata = metadata
        if first != member.records:
            raise LirtError(f"{where}: lir.first is {first}, expected {member.records}")
        signature = _signature(member.metadata, metadata, tensors, elements)
        if agreed is not None and signature != agreed:
            names = ("kind", "role", "model", "tokenizer", "dim", "element types")
            differ = [f"{n} {a} and {b}" for n, a, b in zip(names, agreed, signature) if a != b]
            raise LirtError(f"{where}: segments that do not belong together: {', '.join(differ)}")
        agreed = signature
        member.records += records
        member.segments += 1
        member.chain += digest
        yield Segment(kind, metadata.get("lir.role"), members, total, ids, tensors, elements,
                      {**member.metadata, **metadata})
        total += records


def _segment(source: "_Reader", prefix: bytes, where: str
             ) -> Tuple[Dict[str, str], Dict[str, Any], bytes, bytes]:
    """One segment: metadata, the tensors' entries, the data, and its checksum as ASCII."""
    if len(prefix) < 8:
        raise LirtError(f"cut {where}")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER:
        raise LirtError(f"{where}: a header of {length} bytes: damaged, or not a tensor stream")
    if length == 0 or (8 + length) % ALIGNMENT:
        raise LirtError(f"{where}: the header does not end at a multiple of {ALIGNMENT}")
    raw = source.read(length)
    if len(raw) < length:
        raise LirtError(f"cut {where}, within a header")
    try:
        header = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise LirtError(f"{where}: the header is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__"), dict):
        raise LirtError(f"{where}: no __metadata__: not a tensor stream")
    metadata = header.pop("__metadata__")
    if not all(isinstance(v, str) for v in metadata.values()):
        raise LirtError(f"{where}: metadata that is not text")
    if metadata.get("lir.format") != "1":
        raise LirtError(f"{where}: lir.format is {metadata.get('lir.format')!r}, expected '1'")
    if "lir.kind" not in metadata:
        raise LirtError(f"{where}: lir.kind is missing")
    size = _check_layout(header, where)
    data = source.read(size)
    if len(data) < size:
        raise LirtError(f"cut {where}, within the data")
    stored = _CHECKSUM.findall(raw)
    if len(stored) != 1:
        raise LirtError(f"{where}: lir.xxh3 is missing or malformed")
    if xxhash is not None:
        state = xxhash.xxh3_64(_CHECKSUM.sub(b'"lir.xxh3":"0000000000000000"', raw))
        state.update(data)
        if state.hexdigest().encode() != stored[0]:
            raise LirtError(f"{where}: the checksum is wrong: the segment is damaged")
    return metadata, header, data, stored[0]


def _check_layout(header: Dict[str, Any], where: str) -> int:
    """Check the entries (decreasing element size, then name; no gaps); return the data's length."""
    def key(item: Tuple[str, Any]) -> Tuple[int, bytes]:
        name, entry = item
        if not isinstance(entry, dict) or entry.get("dtype") not in ELEMENTS:
            raise LirtError(f"{where}: tensor {name!r} has an unknown element type")
        return -ELEMENTS[entry["dtype"]][0], name.encode()

    at = 0
    for name, entry in sorted(header.items(), key=key):
        shape, span = entry.get("shape"), entry.get("data_offsets")
        for numbers in (shape, span):
            if not isinstance(numbers, list) or not all(
                type(x) is int and 0 <= x <= MAX_DATA for x in numbers
            ):
                raise LirtError(f"{where}: tensor {name!r} has a malformed entry")
        size = ELEMENTS[entry["dtype"]][0]
        for extent in shape:
            size *= extent
        if size > MAX_DATA or span != [at, at + size]:
            raise LirtError(f"{where}: tensor {name!r} lies at {span}, expected {[at, at + size]}")
        at += size
        if at > MAX_DATA:
            raise LirtError(f"{where}: more than {MAX_DATA} bytes in a segment")
    return at


def _tensors(header: Dict[str, Any], data: bytes, where: str
             ) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    arrays, elements = {}, {}
    for name, entry in header.items():
        a, b = entry["data_offsets"]
        code = ELEMENTS[entry["dtype"]][1]
        arrays[name] = np.frombuffer(data[a:b], code).reshape(entry["shape"])
        elements[name] = entry["dtype"]
    return arrays, elements


def _check_tensors(kind: str, records: int, tensors: Dict[str, np.ndarray],
                   elements: Dict[str, str], where: str) -> List[str]:
    """Check names, element types and shapes against LAYOUT; take the ids out and return them."""
    layout = {"id_offsets": (("I64",), ("n+1",)), "ids": (("U8",), ("b",)), **LAYOUT[kind]}
    for name in tensors:
        if name not in layout:
            raise LirtError(f"{where}: a tensor {name!r}, which kind {kind} does not have")
    extents = {"n": records, "n+1": records + 1}
    for name, (types, shape) in layout.items():
        if name not in tensors:
            scales = name == "scales" and elements.get("embeddings") != "I8"
            if scales or (kind, name) in _OPTIONAL:
                continue
            raise LirtError(f"{where}: tensor {name!r} is missing")
        if name == "scales" and elements.get("embeddings") != "I8":
            raise LirtError(f"{where}: scales belong to I8 embeddings only")
        array = tensors[name]
        expected = [extents.setdefault(s, e) for s, e in zip(shape, array.shape)]
        if elements[name] not in types or list(array.shape) != expected or len(shape) != array.ndim:
            raise LirtError(f"{where}: tensor {name!r} is {elements[name]}{list(array.shape)}")
    for name, end in (("id_offsets", len(tensors["ids"])), ("offsets", extents.get("t", 0))):
        if name in tensors:
            offsets = tensors[name]
            if offsets[0] != 0 or offsets[-1] != end or (np.diff(offsets) < 0).any():
                raise LirtError(f"{where}: {name} do not ascend from 0 to {end}")
    if kind == "sparse" and len(tensors["indices"]):
        indices, offsets = tensors["indices"], tensors["offsets"]
        steps = np.diff(indices.astype(np.int64)) <= 0
        starts = offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(indices))]
        steps[starts - 1] = False
        if steps.any() or (indices < 0).any():
            raise LirtError(f"{where}: indices do not ascend within a row")
    raw, at = tensors.pop("ids").tobytes(), tensors.pop("id_offsets")
    elements.pop("ids"), elements.pop("id_offsets")
    ids = [raw[a:b].decode("utf-8", "surrogateescape") for a, b in zip(at[:-1], at[1:])]
    if not all(ids):
        raise LirtError(f"{where}: an empty id")
    return ids


def _check_end(member: _Member, metadata: Dict[str, str], header: Dict[str, Any],
               where: str) -> None:
    if header:
        raise LirtError(f"{where}: an end segment with tensors")
    found = (_number(metadata, "lir.records"), _number(metadata, "lir.segments"))
    expected = (member.records, member.segments)
    if found != expected:
        raise LirtError(f"{where}: the end segment tells of {found[0]} records in {found[1]} "
                        f"segments, read were {expected[0]} in {expected[1]}")
    chain = metadata.get("lir.chain", "")
    if not re.fullmatch("[0-9a-f]{16}", chain):
        raise LirtError(f"{where}: lir.chain is missing or malformed")
    if xxhash is not None and xxhash.xxh3_64(member.chain).hexdigest() != chain:
        raise LirtError(f"{where}: lir.chain does not match the segments")


def _signature(first: Dict[str, str], metadata: Dict[str, str], tensors: Dict[str, np.ndarray],
               elements: Dict[str, str]) -> Tuple[Any, ...]:
    """What segments and members of one stream must have in common."""
    kind = metadata["lir.kind"]
    tokenizer = first.get("lir.tokenizer") if kind == "tokens" else None
    return (kind, metadata.get("lir.role"), first.get("lir.model"), tokenizer,
            _dim(tensors, first), tuple(sorted(elements.items())))


def _dim(tensors: Dict[str, np.ndarray], metadata: Dict[str, str]) -> Optional[int]:
    if "embeddings" in tensors:
        return int(tensors["embeddings"].shape[1])
    return _number(metadata, "lir.dim") if "lir.dim" in metadata else None


def _widen(tensors: Dict[str, np.ndarray], elements: Dict[str, str]) -> Optional[np.ndarray]:
    if "embeddings" not in tensors:
        return None
    stored = tensors["embeddings"]
    if elements["embeddings"] == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    widened = stored.astype(np.float32)
    if elements["embeddings"] == "I8":
        widened *= tensors["scales"][:, None]
    return widened


def _number(metadata: Dict[str, str], key: str) -> int:
    value = metadata.get(key, "")
    if not re.fullmatch("0|[1-9][0-9]{0,17}", value):
        raise LirtError(f"{key} is {value!r}, expected a number")
    return int(value)


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


class Writer:
    """One member of a stream; `close`, or the end of a `with` block, makes it whole."""

    def __init__(self, target: Union[str, Path, BinaryIO], role: str = "doc",
                 model: Optional[str] = None, similarity: str = "dot") -> None:
        if role not in ("query", "doc"):
            raise ValueError(f"role is {role!r}, expected 'query' or 'doc'")
        if similarity not in ("dot", "cosine", "l2"):
            raise ValueError(f"similarity is {similarity!r}, expected 'dot', 'cosine' or 'l2'")
        self._owned = isinstance(target, (str, Path))
        self._file: Any = open(target, "wb") if isinstance(target, (str, Path)) else target
        self._said = {"lir.role": role, "lir.similarity": similarity}
        if model is not None:
            self._said["lir.model"] = model
        self._kind = ""
        self._element = np.dtype(np.float32)
        self._dim = 0
        self._records: List[Tuple[bytes, Dict[str, np.ndarray]]] = []
        self._size = self._first = self._segments = 0
        self._chain = b""

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        elif self._owned:  # without its end segment every reader refuses the file
            self._file.close()

    def append(self, ids: List[str], vectors: Any) -> None:
        """Append records: their ids, and a vector, a list of vectors or a sparse row for each."""
        kind, dim, rows = _rows(vectors)
        if len(ids) != len(rows):
            raise ValueError(f"{len(ids)} ids of {len(rows)} records")
        element = rows[0]["values" if kind == "sparse" else "embeddings"].dtype if rows else None
        if not self._kind:
            self._kind, self._dim, self._element = kind, dim, element or self._element
        elif rows and (kind, dim, element) != (self._kind, self._dim, self._element):
            raise ValueError(f"{kind} of dimension {dim} and {element} behind {self._kind} of "
                             f"dimension {self._dim} and {self._element}")
        for name, row in zip(ids, rows):
            raw = str(name).encode("utf-8", "surrogateescape")
            if not raw or re.search(rb"[\0\t\n\x0b\x0c\r ]", raw):
                raise ValueError(f"an id without white space and NUL is expected, found {name!r}")
            floats = row["values" if kind == "sparse" else "embeddings"]
            if not np.isfinite(floats).all():
                raise ValueError(f"the vector of {name!r} is not finite")
            ragged = kind != "dense"
            if not self._records:
                self._size = 16 if ragged else 8
            self._records.append((raw, row))
            self._size += sum(a.nbytes for a in row.values()) + len(raw) + (16 if ragged else 8)
            if len(self._records) == MAX_RECORDS or self._size >= SEGMENT:
                self._end_segment()

    def close(self) -> None:
        """Write what is left, and the end."""
        if self._records or not self._segments:
            if not self._kind:
                raise ValueError("a stream without a vector says nothing of its dimension")
            self._end_segment()
        self._write({"lir.kind": "end", "lir.records": str(self._first),
                     "lir.segments": str(self._segments),
                     "lir.chain": xxh3(self._chain)}, {})
        if self._owned:
            self._file.close()

    def _end_segment(self) -> None:
        names = [raw for raw, _ in self._records]
        rows = [row for _, row in self._records]
        tensors = {"ids": np.frombuffer(b"".join(names), np.uint8), "id_offsets": _ends(names)}
        if self._kind == "dense":
            tensors["embeddings"] = (np.stack([r["embeddings"] for r in rows]) if rows
                                     else np.zeros((0, self._dim), self._element))
        else:
            column = "indices" if self._kind == "sparse" else "embeddings"
            tensors["offsets"] = _ends([r[column] for r in rows])
            empty = {"indices": np.zeros(0, np.int32), "values": np.zeros(0, np.float32),
                     "embeddings": np.zeros((0, self._dim), self._element)}
            for key in ("indices", "values") if self._kind == "sparse" else ("embeddings",):
                tensors[key] = np.concatenate([empty[key]] + [r[key] for r in rows])
        said = {"lir.role": self._said["lir.role"]}
        if not self._segments:
            said = {**self._said, "lir.dim": str(self._dim)}
        digest = self._write({**said, "lir.kind": self._kind, "lir.first": str(self._first),
                              "lir.records": str(len(rows))}, tensors)
        self._chain += digest.encode()
        self._first, self._segments = self._first + len(rows), self._segments + 1
        self._records = []

    def _write(self, metadata: Dict[str, str], tensors: Dict[str, np.ndarray]) -> str:
        header: Dict[str, Any] = {"__metadata__": {**metadata, "lir.format": "1",
                                                   "lir.xxh3": "0" * 16}}
        order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
        at = 0
        for name in order:
            array = tensors[name]
            code = next(k for k, (_, c) in ELEMENTS.items() if np.dtype(c) == array.dtype)
            header[name] = {"dtype": code, "shape": list(array.shape),
                            "data_offsets": [at, at + array.nbytes]}
            at += array.nbytes
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-(8 + len(text)) % ALIGNMENT)
        data = b"".join(np.ascontiguousarray(tensors[name]).tobytes() for name in order)
        digest = xxh3(text + data)
        zeros = b'"lir.xxh3":"' + b"0" * 16
        self._file.write(struct.pack("<Q", len(text)))
        # The key sorts last in __metadata__, which sorts first.
        self._file.write(text.replace(zeros, b'"lir.xxh3":"' + digest.encode(), 1) + data)
        return digest


def write(target: Union[str, Path, BinaryIO], ids: List[str], vectors: Any, role: str = "doc",
          model: Optional[str] = None, similarity: str = "dot") -> None:
    """Write a whole stream; see `Writer`."""
    with Writer(target, role, model, similarity) as writer:
        writer.append(ids, vectors)


def _rows(vectors: Any) -> Tuple[str, int, List[Dict[str, np.ndarray]]]:
    """Kind, dimension and the columns of each record."""
    if hasattr(vectors, "indptr"):
        matrix = vectors.tocsr().copy()
        matrix.sum_duplicates()
        matrix.sort_indices()
        spans = zip(matrix.indptr[:-1], matrix.indptr[1:])
        return "sparse", matrix.shape[1], [
            {"indices": matrix.indices[a:b].astype(np.int32),
             "values": matrix.data[a:b].astype(np.float32)} for a, b in spans]
    ragged = isinstance(vectors, (list, tuple)) and len(vectors) and np.ndim(vectors[0]) == 2
    if ragged:
        parts = [_floats(v) for v in vectors]
        if len({p.shape[1:] for p in parts}) != 1 or parts[0].ndim != 2:
            raise ValueError("arrays [vectors, dim] of one dim are expected")
        return "multivector", parts[0].shape[1], [{"embeddings": p} for p in parts]
    array = _floats(vectors)
    if array.ndim != 2 or not array.shape[1]:
        raise ValueError(f"an array [records, dim] is expected, found shape {array.shape}")
    return "dense", array.shape[1], [{"embeddings": row} for row in array]


def _floats(array: Any) -> np.ndarray:
    array = np.asarray(array)
    kind = array.dtype.newbyteorder("=")
    if kind not in (np.float16, np.float32, np.float64):
        raise ValueError(f"float16, float32 or float64 is expected, found {array.dtype}")
    return np.ascontiguousarray(array, "<f2" if kind == np.float16 else "<f4")


def _ends(parts: List[Any]) -> np.ndarray:
    return np.cumsum([0] + [len(p) for p in parts]).astype("<i8")


class _Reader:
    """Exact reads from a file, so that a cap is checked before memory is taken."""

    def __init__(self, file: BinaryIO, ahead: bytes) -> None:
        self.file = file
        self.ahead = bytearray(ahead)

    def more(self) -> bytes:
        return self.file.read(CHUNK)

    def read(self, count: int) -> bytes:
        """`count` bytes, or fewer at the end."""
        while len(self.ahead) < count:
            chunk = self.more()
            if not chunk:
                break
            self.ahead += chunk
        taken = bytes(self.ahead[:count])
        del self.ahead[:count]
        return taken


class _FrameReader(_Reader):
    """The same, looking through compressed frames, each of which must be whole."""

    def __init__(self, file: BinaryIO, ahead: bytes, codec: str) -> None:
        super().__init__(file, b"")
        self.codec = codec
        self.compressed = ahead
        self.frame: Any = None
        self.fed = False

    def more(self) -> bytes:
        while True:
            if not self.compressed:
                self.compressed = self.file.read(1 << 16)
                if not self.compressed:
                    if self.frame is not None and self.fed:
                        raise LirtError(f"cut within a {self.codec} frame")
                    return b""
            if self.frame is None:
                self.frame, self.fed = _frame(self.codec), False
            data, self.compressed, self.fed = self.compressed, b"", True
            try:
                out = self.frame.decompress(data)
            except Exception as error:  # each package has an exception class of its own
                raise LirtError(f"damaged {self.codec} frame: {error}") from None
            if self.frame.eof:
                self.compressed, self.frame = self.frame.unused_data or b"", None
            if out:
                return out


def _frame(codec: str) -> Any:
    if codec == "gzip":
        return zlib.decompressobj(31)
    try:
        if codec == "zstd":
            import zstandard

            return zstandard.ZstdDecompressor().decompressobj()
        import lz4.frame

        return lz4.frame.LZ4FrameDecompressor()
    except ImportError:
        package = {"zstd": "zstandard", "lz4": "lz4"}[codec]
        raise MissingPackage(
            f"the stream is compressed by {codec}: pip install {package}, or "
            f"decompress it first ({codec} -d)"
        ) from None


def _decompressed(file: BinaryIO) -> _Reader:
    """Tell by the first bytes, whatever the name."""
    magic = b""
    while len(magic) < 4:
        chunk = file.read(4 - len(magic))
        if not chunk:
            break
        magic += chunk
    if magic == b"\x28\xb5\x2f\xfd" or (magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5):
        return _FrameReader(file, magic, "zstd")
    if magic == b"\x04\x22\x4d\x18":
        return _FrameReader(file, magic, "lz4")
    if magic[:2] == b"\x1f\x8b":
        return _FrameReader(file, magic, "gzip")
    return _Reader(file, magic)


# XXH3 of 64 bits, as https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md describes it,
# for those who cannot install the package.
_MASK = (1 << 64) - 1
_P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
_P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5)
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def xxh3(data: bytes) -> str:
    """The checksum of some bytes, as segments have it."""
    if xxhash is not None:
        return str(xxhash.xxh3_64(data).hexdigest())
    size = len(data)
    value = (_short(data) if size <= 16 else _middle(data) if size <= 240 else _long(data))
    return f"{value:016x}"


def _word(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product & _MASK) ^ (product >> 64)


def _avalanche(value: int) -> int:
    value &= _MASK
    value = (value ^ value >> 37) * 0x165667919E3779F9 & _MASK
    return value ^ value >> 32


def _old_avalanche(value: int) -> int:
    value = (value ^ value >> 33) * _P64[1] & _MASK
    value = (value ^ value >> 29) * _P64[2] & _MASK
    return value ^ value >> 32


def _short(data: bytes) -> int:
    size = len(data)
    if size > 8:
        low = _word(data, 0) ^ _word(_SECRET, 24) ^ _word(_SECRET, 32)
        high = _word(data, size - 8) ^ _word(_SECRET, 40) ^ _word(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche(size + swapped + high + _fold(low, high))
    if size >= 4:
        value = _word(data, size - 4, 4) + (_word(data, 0, 4) << 32)
        value ^= _word(_SECRET, 8) ^ _word(_SECRET, 16)
        value ^= (value << 49 | value >> 15) & _MASK ^ (value << 24 | value >> 40) & _MASK
        value = value * 0x9FB21C651E98DF25 & _MASK
        value = (value ^ (value >> 35) + size) * 0x9FB21C651E98DF25 & _MASK
        return value ^ value >> 28
    if size:
        value = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return _old_avalanche(value ^ _word(_SECRET, 0, 4) ^ _word(_SECRET, 4, 4))
    return _old_avalanche(_word(_SECRET, 56) ^ _word(_SECRET, 64))


def _middle(data: bytes) -> int:
    size = len(data)

    def mix(at: int, secret: int) -> int:
        return _fold(_word(data, at) ^ _word(_SECRET, secret),
                     _word(data, at + 8) ^ _word(_SECRET, secret + 8))

    value = size * _P64[0]
    if size <= 128:
        for i in range((size - 1) // 32 + 1):
            value += mix(16 * i, 32 * i) + mix(size - 16 * (i + 1), 32 * i + 16)
        return _avalanche(value)
    value = _avalanche(value + sum(mix(16 * i, 16 * i) for i in range(8)))
    value += sum(mix(16 * i, 16 * (i - 8) + 3) for i in range(8, size // 16))
    return _avalanche(value + mix(size - 16, 136 - 17))


def _long(data: bytes) -> int:
    size = len(data)
    lanes = [1, 0, 3, 2, 5, 4, 7, 6]

    def secret(*starts: int) -> np.ndarray:
        return np.array([[_word(_SECRET, s + 8 * i) for i in range(8)] for s in starts], np.uint64)

    def sums(words: np.ndarray, keys: np.ndarray) -> np.ndarray:
        mixed = words ^ keys
        products = (mixed & np.uint64(0xFFFFFFFF)) * (mixed >> np.uint64(32))
        return np.add.reduce(words[..., lanes] + products, axis=-2, dtype=np.uint64)

    blocks = (size - 1) // 1024
    state = np.array([_P32[2], *_P64[:4], _P32[1], _P64[4], _P32[0]], np.uint64)
    whole = np.frombuffer(data, "<u8", blocks * 128).reshape(blocks, 16, 8)
    stripe, scramble = secret(*range(0, 128, 8)), secret(128)[0]
    for added in sums(whole, stripe):
        state = state + added
        state = (state ^ state >> np.uint64(47) ^ scramble) * np.uint64(_P32[0])
    left = (size - 1 - 1024 * blocks) // 64
    rest = np.frombuffer(data, "<u8", left * 8, 1024 * blocks).reshape(left, 8)
    state = state + sums(rest, stripe[:left])
    state = state + sums(np.frombuffer(data[-64:], "<u8").reshape(1, 8), secret(121))
    words = [int(x) for x in state]
    value = size * _P64[0]
    for i in range(4):
        value += _fold(words[2 * i] ^ _word(_SECRET, 11 + 16 * i),
                       words[2 * i + 1] ^ _word(_SECRET, 19 + 16 * i))
    return _avalanche(value)


def _describe(path: str) -> None:
    file = sys.stdin.buffer if path == "-" else open(path, "rb")
    with file:
        first: Optional[Segment] = None
        records = count = members = 0
        ids: List[str] = []
        for segment in segments(file):
            first, members = first or segment, segment.member + 1
            records, count = records + len(segment.ids), count + 1
            ids += segment.ids[: 3 - len(ids)]
    assert first is not None
    dim = _dim(first.tensors, first.metadata)
    checksums = "verified" if xxhash is not None else "not verified (pip install xxhash)"
    for key, value in (
        ("file", path), ("kind", first.kind), ("role", first.role or "-"),
        ("dim", "-" if dim is None else str(dim)),
        ("element", first.elements.get("embeddings", "-")), ("records", str(records)),
        ("segments", str(count)), ("members", str(members)), ("checksums", checksums), ("first ids", " ".join(ids)),
    ):
        print(f"{key:10}{value}")


def main(arguments: List[str]) -> int:
    """Describe each file; the exit status is that of the lir tools."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: lirt.py FILE...", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 64
    status = 0
    for path in arguments:
        try:
            _describe(path)
        except LirtError as error:
            print(f"lirt.py: error: {path}: {error}", file=sys.stderr)
            status = 65
        except MissingPackage as error:
            print(f"lirt.py: error: {path}: {error}", file=sys.stderr)
            status = status or 1
        except OSError as error:
            print(f"lirt.py: error: {path}: {error.strerror}", file=sys.stderr)
            status = status or (66 if isinstance(error, FileNotFoundError) else 74)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
