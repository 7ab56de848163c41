"""What the text of a document or query is, by the fields that a class of ir_datasets has.

For scripts/fetch-dataset. Most classes say it themselves (`default_text`); these are the rules for
those that do not.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, List, Optional, get_args, get_type_hints

#: What is said of a text, and is none of it.
METADATA = re.compile(r"(^|_)(id|ids|url|path|repo|names?|lang|language|date|time|timestamp|author|hash|phash|type|"
                      r"domain|mode|category|source|headers|markup|namespace|topic_number|explanation|"
                      r"reason|reasoning|answers?|narrative|guidelines)$")
#: The text of a query where one of these is there, the first of them.
NEEDS = ("text", "query", "title", "question", "utterance", "description")
TITLES = ("title", "headline", "page_title", "document_title")
BODIES = ("text", "body", "contents", "content", "passage", "abstract", "segment")
#: A class with so many fields that another one has, too, is of the same records.
MANY = 6

Reader = Callable[[Any], str]


def joined(texts: Iterable[Any]) -> str:
    return " ".join(str(t) for t in texts if t not in (None, ""))


def text_reader(part: str, kind: Any, siblings: Iterable[Any] = (),
                document: Optional[Callable[[str], str]] = None) -> Optional[Reader]:
    """How a record's text is read.

    A class of records that are other ones with more fields has their text; else title and body of a
    document, or the first of the fields that say what is asked for; else all texts that are no
    metadata. A query that is a document has that one's text, which `document` gives. None for records
    without a text."""
    if hasattr(kind, "default_text"):
        return lambda record: str(record.default_text())
    fields: List[str] = list(kind._fields)
    like = [s for s in siblings if hasattr(s, "default_text") and len(s._fields) >= MANY
            and set(s._fields) <= set(fields)]
    if like:
        most = max(like, key=lambda s: len(s._fields))
        return lambda record: str(most.default_text(record))
    chosen = of_names(part, fields)
    if not chosen:
        chosen = [f for f in texts_among(kind) if not METADATA.search(f)]
    if chosen:
        return lambda record: joined(getattr(record, f) for f in chosen)
    nested = nested_texts(kind)
    if nested:
        return lambda record: joined(item.text for f in nested for item in getattr(record, f) or ())
    if part == "queries" and "doc_id" in fields and document is not None:
        return lambda record: document(record.doc_id)
    return None


def of_names(part: str, fields: List[str]) -> List[str]:
    if part == "queries":
        return [n for n in NEEDS if n in fields][:1]
    body = [n for n in BODIES if n in fields][:1]
    return [n for n in TITLES if n in fields][:1] + body if body else []


def hints_of(kind: Any) -> Any:
    try:
        return get_type_hints(kind)
    except (NameError, TypeError):
        return {}


def texts_among(kind: Any) -> List[str]:
    """The fields behind the id that hold a text."""
    hints = hints_of(kind)
    return [f for f in kind._fields[1:] if hints.get(f) in (str, Optional[str])]


def nested_texts(kind: Any) -> List[str]:
    """The fields that are lists of records with a text."""
    hints = hints_of(kind)
    return [f for f in kind._fields[1:]
            if any("text" in getattr(item, "_fields", ()) for item in get_args(hints.get(f)))]
