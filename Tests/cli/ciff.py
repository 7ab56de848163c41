"""Reads and writes the Common Index File Format, for the case of it: protocol buffers by hand.

    ciff.py dump FILE               # JSON lines: the header, then each list, then each document
    ciff.py make FILE <JSON lines   # the file that these lines describe
"""

import json
import struct
import sys
from typing import Any, Dict, Iterator, List, Tuple

HEADER = [
    "version",
    "lists",
    "documents",
    "total_lists",
    "total_documents",
    "total_terms",
    "average",
    "description",
]


def varint(data: bytes, place: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def fields(data: bytes) -> Iterator[Tuple[int, Any]]:
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        if key & 7 == 0:
            value: Any
            value, place = varint(data, place)
        elif key & 7 == 1:
            value, place = struct.unpack("<d", data[place : place + 8])[0], place + 8
        else:
            assert key & 7 == 2
            size, place = varint(data, place)
            value, place = data[place : place + size], place + size
        yield key >> 3, value


def messages(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        size, place = varint(data, place)
        yield data[place : place + size]
        place += size


def dump(path: str) -> None:
    with open(path, "rb") as file:
        all_messages = messages(file.read())
    header = {HEADER[field - 1]: value for field, value in fields(next(all_messages))}
    header["description"] = header["description"].decode()
    print(json.dumps(header))
    for number, message in enumerate(all_messages):
        found: Dict[str, Any] = {}
        if number < header.get("lists", 0):
            postings: List[List[int]] = []
            document = 0
            for field, value in fields(message):
                if field == 4:
                    posting = dict(fields(value))
                    document += posting.get(1, 0)
                    postings.append([document, posting.get(2, 0)])
                else:
                    found[["term", "df", "cf"][field - 1]] = value
            found["term"] = found["term"].decode()
            found["postings"] = postings
        else:
            found = {"number": 0, "id": b"", "length": 0}
            found.update({["number", "id", "length"][field - 1]: v for field, v in fields(message)})
            found["id"] = found["id"].decode()
        print(json.dumps(found, ensure_ascii=False))


def encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(*values: Tuple[int, Any]) -> bytes:
    out = b""
    for field, value in values:
        if isinstance(value, float):
            out += encoded(field << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += encoded(field << 3) + encoded(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += encoded(field << 3 | 2) + encoded(len(data)) + data
    return out


def make(path: str) -> None:
    lines = [json.loads(line) for line in sys.stdin]
    out = [message(*((HEADER.index(k) + 1, v) for k, v in lines[0].items()))]
    for line in lines[1:]:
        if "term" in line:
            values: List[Tuple[int, Any]] = [(1, line["term"]), (2, line["df"]), (3, line["cf"])]
            last = 0
            for document, frequency in line["postings"]:
                values.append((4, message((1, document - last), (2, frequency))))
                last = document
            out.append(message(*values))
        else:
            out.append(message((1, line["number"]), (2, line["id"]), (3, line["length"])))
    with open(path, "wb") as file:
        for part in out:
            file.write(encoded(len(part)) + part)


if __name__ == "__main__":
    {"dump": dump, "make": make}[sys.argv[1]](sys.argv[2])
