"""Tests of scripts/dataset_texts.py: the text of records, by the fields of their classes."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import List, NamedTuple, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from dataset_texts import text_reader  # noqa: E402


class Own(NamedTuple):
    query_id: str
    text: str
    title: str

    def default_text(self) -> str:
        return f"{self.title}: {self.text}"


class Reasoned(NamedTuple):
    query_id: str
    text: str
    reasoning: str
    gpt4_reason: str


class Titled(NamedTuple):
    doc_id: str
    text: str
    title: str
    url: str


class Trial(NamedTuple):
    doc_id: str
    title: str
    condition: str
    summary: Optional[str]
    site_url: str
    phases: int


class Code(NamedTuple):
    doc_id: str
    repo: str
    path: str
    func_name: str
    code: str
    language: str


class Argument(NamedTuple):
    doc_id: str
    conclusion: str
    premises: str
    topic: str
    source_id: str
    stance: str

    def default_text(self) -> str:
        return f"{self.premises} {self.conclusion}"


class Sentences(NamedTuple):
    doc_id: str
    conclusion: str
    premises: str
    topic: str
    source_id: str
    stance: str
    sentences: str


class Page(NamedTuple):
    url: str
    text: str


class Image(NamedTuple):
    doc_id: str
    png: bytes
    url: str
    pages: List[Page]


class Linked(NamedTuple):
    query_id: str
    doc_id: str
    url: str


class Bare(NamedTuple):
    doc_id: str
    png: bytes
    url: str


class TextReaderTests(unittest.TestCase):
    def text(self, part: str, record: object, *siblings: type) -> str:
        reader = text_reader(part, type(record), siblings, lambda name: f"text of {name}")
        assert reader is not None
        return reader(record)

    def test_what_a_class_says(self) -> None:
        self.assertEqual(self.text("queries", Own("1", "a", "b")), "b: a")

    def test_query(self) -> None:
        self.assertEqual(self.text("queries", Reasoned("1", "a", "b", "c")), "a")

    def test_title_and_body(self) -> None:
        self.assertEqual(self.text("docs", Titled("1", "a", "b", "c")), "b a")

    def test_all_texts(self) -> None:
        self.assertEqual(self.text("docs", Trial("1", "a", "b", None, "c", 4)), "a b")
        self.assertEqual(self.text("docs", Code("1", "a/b", "c", "d", "e", "go")), "e")

    def test_records_with_more_fields(self) -> None:
        record = Sentences("1", "so", "as", "t", "s", "p", "as so")
        self.assertEqual(self.text("docs", record, Argument, Titled), "as so")

    def test_lists(self) -> None:
        self.assertEqual(self.text("docs", Image("1", b"", "u", [Page("u", "a"), Page("v", "b")])), "a b")

    def test_queries_that_are_documents(self) -> None:
        self.assertEqual(self.text("queries", Linked("1", "d7", "u")), "text of d7")

    def test_none(self) -> None:
        self.assertIsNone(text_reader("docs", Bare))
        self.assertIsNone(text_reader("queries", Linked))


if __name__ == "__main__":
    unittest.main()
