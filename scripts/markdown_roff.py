"""Markdown to roff with man(7) macros: as much of both as manual pages need.

Blocks: `#` headings (sections) and `##` (subsections; `###` and deeper become bold paragraphs),
paragraphs, fenced and indented code, bullet and numbered lists, definition lists (a term's line,
then lines that begin with `: `), and tables with a header. Items may hold further blocks, indented.
Inline: `code`, **bold**, *italic*, [links](url), and references such as lir-run(5).
"""

from __future__ import annotations

import re
import textwrap
from typing import List, Tuple

WIDTH = 90

_SPECIAL = {"\\": r"\e", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga"}
_ITEM = re.compile(r"(?P<indent> {0,3})(?P<mark>[*+-]|\d+[.)]) +(?=\S)")
_DEFINITION = re.compile(r":( +|$)")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r"(#{1,6}) +(.*?)(?: +#+)?$")
_TABLE_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$")
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)(?!`)"
    r"|\*\*(?P<bold>\S(?:.*?\S)?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|\[(?P<label>[^\]]+)\]\((?P<url>[^)\s]+)\)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<page>\b[a-z][\w.-]*)\((?P<section>[1-8])\)",
    re.DOTALL)


def escape(text: str, literal: bool = False) -> str:
    """Text as roff input. In literal text (code, options) hyphens are the ASCII character."""
    out = []
    for i, char in enumerate(text):
        if char in _SPECIAL:
            out.append(_SPECIAL[char])
        elif char == "'" and literal:
            out.append(r"\(aq")
        elif char == "-" and (literal or text[i : i + 2] == "--" or text[i - 1 : i] in ("", "-", " ")):
            out.append(r"\-")
        elif ord(char) > 126:
            out.append(f"\\[u{ord(char):04X}]")
        else:
            out.append(char)
    return "".join(out)


def protect(line: str) -> str:
    """Keep a line of text from being read as a request."""
    return r"\&" + line if line.startswith((".", "'")) else line


def argument(text: str) -> str:
    """A macro's argument, quoted where it must be."""
    if text and not re.search(r'[\s"]', text):
        return text
    return '"' + text.replace('"', r"\(dq") + '"'


def code(text: str) -> str:
    """Literal text in bold; what stands for something (`-k N`) in italics, after an option."""
    text = " ".join(text.split())
    if not text.startswith("-"):
        return rf"\fB{escape(text, True)}\fR"
    parts = re.split(r"(\b[A-Z][A-Z_]*\b)", text)
    fonts = [rf"\fI{escape(p, True)}" if i % 2 else rf"\fB{escape(p, True)}"
             for i, p in enumerate(parts) if p]
    return "".join(fonts) + r"\fR"


def inline(text: str) -> str:
    """A paragraph's text with its emphasis."""
    out: List[str] = []
    at = 0
    for found in _INLINE.finditer(text):
        out.append(escape(text[at : found.start()]))
        at = found.end()
        if found["code"] is not None:
            out.append(code(found["code"]))
        elif found["bold"] is not None:
            out.append(rf"\fB{escape(found['bold'])}\fR")
        elif found["italic"] is not None:
            out.append(rf"\fI{escape(found['italic'])}\fR")
        elif found["label"] is not None:
            label, url = escape(found["label"]), escape(found["url"], True)
            out.append(url if label == url else f"{label} ({url})")
        elif found["page"] is not None:
            out.append(rf"\fB{escape(found['page'], True)}\fR({found['section']})")
        else:
            out.append(escape(found["escaped"]))
    return "".join(out) + escape(text[at:])


def fill(text: str) -> List[str]:
    """Input lines for running text: a new one for each sentence, and where it gets long."""
    lines: List[str] = []
    for sentence in re.split(r"(?<=[a-z0-9)R][.!?]) +(?=[A-Z\\`*\[])", " ".join(text.split())):
        lines += textwrap.wrap(inline(sentence), WIDTH, break_long_words=False,
                               break_on_hyphens=False)
    return [protect(line) for line in lines]


def convert(markdown: str) -> List[str]:
    """A text's blocks as roff lines; sections begin with .SH."""
    return tidy(_blocks(markdown.replace("\r\n", "\n").expandtabs(4).split("\n"), top=True))


def sections(markdown: str) -> List[Tuple[str, str]]:
    """Cut at the top-level headings: (title, text); what comes before has an empty title."""
    found: List[Tuple[str, List[str]]] = [("", [])]
    fence = ""
    for line in markdown.replace("\r\n", "\n").split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading and len(heading[1]) == 1:
            found.append((heading[2], []))
        else:
            found[-1][1].append(line)
    return [(title, "\n".join(lines)) for title, lines in found if title or any(lines)]


def _blocks(lines: List[str], top: bool = False, first: bool = False) -> List[str]:
    """`first`: directly after an item's mark, where a paragraph needs no .PP."""
    out: List[str] = []
    at = 0

    def paragraph_break() -> None:
        if not first and out and not out[-1].startswith((".SH", ".SS")):
            out.append(".PP" if top else ".IP")

    while at < len(lines):
        line = lines[at]
        fence, heading = _FENCE.match(line), _HEADING.match(line)
        if not line.strip():
            at += 1
            continue
        if fence:
            end = at + 1
            while end < len(lines) and not lines[end].strip().startswith(fence[1]):
                end += 1
            out += _code(lines[at + 1 : end], top)
            at = end + 1
        elif line.startswith("    "):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            out += _code(lines[at:end], top)
            at = end
        elif heading:
            level, title = len(heading[1]), heading[2]
            if level <= 2:
                out.append((".SH " if level == 1 else ".SS ")
                           + argument(escape(title.upper() if level == 1 else title)))
            else:
                paragraph_break()
                out.append(rf"\fB{escape(title)}\fR")
            at += 1
        elif _ITEM.match(line):
            at = _list(lines, at, out)
            if top and at < len(lines):
                out.append(".PP")
                first = True
                continue
        elif line.lstrip().startswith("|") and at + 1 < len(lines) and _TABLE_RULE.match(
                lines[at + 1].strip()):
            end = at + 2
            while end < len(lines) and lines[end].lstrip().startswith("|"):
                end += 1
            out += _table([lines[at], *lines[at + 2 : end]])
            at = end
        else:
            end = at + 1
            while end < len(lines) and lines[end].strip() and not _starts_block(lines[end]):
                end += 1
            if end < len(lines) and _DEFINITION.match(lines[end]):
                at = _definition(lines, at, end, out)
                if top and at < len(lines) and not _is_term(lines, at):
                    out.append(".PP")
                    first = True
                    continue
            else:
                paragraph_break()
                out += fill(" ".join(lines[at:end]))
                at = end
        first = False
    while out and out[-1] in (".PP", ".IP"):
        out.pop()
    return out


def _starts_block(line: str) -> bool:
    return bool(_FENCE.match(line) or _HEADING.match(line) or _ITEM.match(line)
                or _DEFINITION.match(line))


def _is_term(lines: List[str], at: int) -> bool:
    """Whether a paragraph is the term of a definition."""
    end = at
    while end < len(lines) and lines[end].strip() and not _starts_block(lines[end]):
        end += 1
    return at < end < len(lines) and bool(_DEFINITION.match(lines[end]))


def tidy(lines: List[str]) -> List[str]:
    """Leave out paragraph macros that something else makes empty."""
    out: List[str] = []
    for line in lines:
        if line.startswith((".SH", ".SS", ".PP", ".IP", ".TP")):
            while out and out[-1] in (".PP", ".IP"):
                out.pop()
        if line in (".PP", ".IP") and out and out[-1].startswith((".SH", ".SS")):
            continue
        out.append(line)
    return out


def _indented(lines: List[str], at: int, width: int) -> Tuple[List[str], int]:
    """The lines that belong to an item (indented, or its lazy continuation), and the next's number."""
    body = [lines[at][width:]]
    at += 1
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            ahead = at
            while ahead < len(lines) and not lines[ahead].strip():
                ahead += 1
            if ahead == len(lines) or not lines[ahead].startswith(" " * min(width, 2)):
                return body, ahead
            body.append("")
        elif line.startswith(" " * min(width, 2)):
            body.append(line[min(width, len(line) - len(line.lstrip())):])
        elif _starts_block(line) or _is_term(lines, at):
            return body, at
        else:
            body.append(line)
        at += 1
    return body, at


def _list(lines: List[str], at: int, out: List[str]) -> int:
    while at < len(lines):
        mark = _ITEM.match(lines[at])
        if mark is None:
            break
        numbered = mark["mark"][0].isdigit()
        label = escape(mark["mark"]) if numbered else r"\(bu"
        body, at = _indented(lines, at, mark.end())
        out.append(f".IP {argument(label) if numbered else label} {4 if numbered else 2}")
        out += _nested(body)
    return at


def _definition(lines: List[str], at: int, end: int, out: List[str]) -> int:
    for number, term in enumerate(lines[at:end]):
        out += [".TP" if number == 0 else ".TQ", *fill(term)]
    at, again = end, False
    while at < len(lines):
        mark = _DEFINITION.match(lines[at])
        if mark is None:
            break
        body, at = _indented(lines, at, max(mark.end(), 2))
        out += ([".IP"] if again else []) + _nested(body)
        again = True
    return at


def _nested(body: List[str]) -> List[str]:
    """An item's blocks: those after the first paragraph are set in from it."""
    text = next((i for i, line in enumerate(body) if not line.strip() or (i and _starts_block(line))),
                len(body))
    head, rest = body[:text], body[text:]
    if head and _starts_block(head[0]) or _is_term(body, 0):
        head, rest = [], body
    out = fill(" ".join(head)) if head else []
    inner = _blocks(rest, first=not out)
    if inner and inner[0].startswith((".IP ", ".TP", ".PP")):
        return out + [".RS", *inner, ".RE"]
    return out + ([".IP"] if out and inner and inner[0] != ".IP" else []) + inner


def _code(lines: List[str], top: bool) -> List[str]:
    text = textwrap.dedent("\n".join(lines)).strip("\n").split("\n")
    shown = [protect(escape(line, True)) for line in text]
    return [".PP" if top else ".IP", ".in +4n", ".EX", *shown, ".EE", ".in"]


#: Columns of text on a terminal of 80, between the indentation of a section and the right margin.
TABLE_WIDTH = 70


def _table(rows: List[str]) -> List[str]:
    """A table for tbl; columns that do not fit beside each other are filled."""
    cells = [[inline(c.strip().replace(r"\|", "|"))
              for c in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows]
    columns = max(len(row) for row in cells)
    for row in cells:
        row += [""] * (columns - len(row))
    shown = [[re.sub(r"\\f.|\\(?=-)", "", c) for c in row] for row in cells]
    natural = [max(len(row[i]) for row in shown) for i in range(columns)]
    words = [max((len(w) for row in shown for w in row[i].split()), default=1)
             for i in range(columns)]
    widths = _column_widths(natural, words, TABLE_WIDTH - 3 * (columns - 1))
    out = [".PP", ".TS", " ".join(["lB"] * columns)]
    out.append(" ".join("l" if w == n else f"lw({w}n)" for w, n in zip(widths, natural)) + ".")
    for number, row in enumerate(cells):
        plain = [protect(c) for c in row]
        for i in range(columns):
            if number and len(shown[number][i]) > widths[i]:
                lines = textwrap.wrap(row[i], WIDTH, break_long_words=False, break_on_hyphens=False)
                # Lines of a narrow column are not spread to its width.
                plain[i] = "T{\n.ad l\n.nh\n" + "\n".join(protect(x) for x in lines) + "\nT}"
        out += "\t".join(plain).split("\n")
    return out + [".TE"]


def _column_widths(natural: List[int], words: List[int], room: int) -> List[int]:
    """A width for each column: its own, or for the widest ones what is left, shared evenly, but
    never less than their longest word.

    ValueError where that is no room: troff would warn, and the reader's terminal break the lines."""
    widths = list(natural)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda i: widths[i] - words[i])
        if widths[widest] <= words[widest]:
            raise ValueError(f"a table of columns {widths} wide does not fit in {room}: shorten its longest words")
        widths[widest] -= 1
    return widths
