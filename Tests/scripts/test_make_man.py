"""Tests of scripts/make-man with a canned dump of an argument parser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import markdown_roff  # noqa: E402


def argument(kind: str, name: str, abstract: str = "", short: str = "", **more: Any) -> Dict[str, Any]:
    """One argument as swift-argument-parser's ToolInfoV0 has it."""
    entry: Dict[str, Any] = {
        "kind": kind, "shouldDisplay": True, "isOptional": True, "isRepeating": False,
        "parsingStrategy": "default", "valueName": name, **more}
    if kind != "positional":
        entry["names"] = [{"kind": "long", "name": name}]
        if short:
            entry["names"].append({"kind": "short", "name": short})
        entry["preferredName"] = entry["names"][0]
    if abstract:
        entry["abstract"] = abstract
    return entry


THREADS = argument("option", "threads", "CPUs to use.", valueName="n", defaultValue="0",
                   sectionTitle="Common options")
HELP = argument("flag", "help", "Show help information.", short="h")
HIDDEN = argument("flag", "experimental", "Not to be seen.", shouldDisplay=False)

ENCODE = {"serializationVersion": 0, "command": {
    "commandName": "lir-encode", "shouldDisplay": True,
    "abstract": "Turn texts into vectors.",
    "discussion": "A discussion that the prose replaces.",
    "defaultSubcommand": "run",
    "subcommands": [
        {"commandName": "run", "shouldDisplay": True, "superCommands": ["lir-encode"],
         "abstract": "Encode.",
         "arguments": [
             argument("option", "role", "Which side of the model.", isOptional=False,
                      allValues=["query", "doc"],
                      allValueDescriptions={"query": "what is asked", "doc": "what is found"}),
             argument("option", "dtype", "What is stored.", allValues=["f32", "f16"],
                      defaultValue="f32"),
             argument("positional", "input", "Files to read.", isRepeating=True),
             THREADS, HELP, HIDDEN]},
        {"commandName": "cat", "shouldDisplay": True, "superCommands": ["lir-encode"],
         "aliases": ["join"], "abstract": "Join streams.",
         "arguments": [argument("positional", "stream", isOptional=False, isRepeating=True),
                       THREADS, HELP]},
        {"commandName": "help", "shouldDisplay": True, "abstract": "Show help."},
        {"commandName": "secret", "shouldDisplay": False},
    ]}}

EVAL = {"serializationVersion": 0, "command": {
    "commandName": "lir-eval", "abstract": "Measure rankings.",
    "discussion": "Taken from the tool where there is no prose.",
    "arguments": [argument("option", "qrels", "The judgements.", isOptional=False),
                  argument("option", "measure", "It's `nDCG@10`, \\ and .more.", short="m",
                           isRepeating=True), HELP]}}

PROSE = """# DESCRIPTION

Reads `--role doc` texts; see lir-run(5).

# EXIT STATUS

0
: done
65
: damaged

# EXAMPLES

```sh
.hidden -k 'x\\n' ~/a^b
```
"""

RUN = """# NAME

lir-run - a ranking as text

# DESCRIPTION

| field | meaning |
|---|---|
| `score` | the shortest text that reads back to the same number, which can be rather long |
| rank | from 1 |

* one
* two
"""


class MakeMan(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        for name, text in {
            "scripts/release.env": "VERSION=1.2.3\nRELEASE_DATE=2001-02-03\n",
            "bin/lir-encode.json": json.dumps(ENCODE), "bin/lir-eval.json": json.dumps(EVAL),
            "man/prose/lir-encode.md": PROSE, "man/prose/lir-eval.md": "# SEE ALSO\n\nlir-run(5)\n",
            "man/prose/lir-run.5.md": RUN,
        }.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def make(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(SCRIPTS / "make-man"), "--root", str(self.root), "--bin",
                   str(self.root / "bin"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def page(self, name: str) -> str:
        done = self.make()
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.root / "man" / name).read_text("utf-8")

    def assert_lines(self, page: str, *lines: str) -> None:
        self.assertIn("\n".join(("", *lines, "")), page)

    def test_header_has_the_release_and_no_clock(self) -> None:
        self.assertIn('\n.TH LIR\\-ENCODE 1 2001-02-03 "lir 1.2.3" "lir manual"\n',
                      self.page("lir-encode.1"))

    def test_sections_in_order(self) -> None:
        page = self.page("lir-encode.1")
        found = [line[4:].strip('"') for line in page.splitlines() if line.startswith(".SH")]
        self.assertEqual(found, ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS",
                                 "EXIT STATUS", "EXAMPLES"])
        self.assertNotIn("that the prose replaces", page)
        self.assertIn("Taken from the tool", self.page("lir-eval.1"))

    def test_name_and_synopsis(self) -> None:
        self.assert_lines(
            self.page("lir-encode.1"),
            ".SH NAME", r"lir\-encode \- turn texts into vectors", ".SH SYNOPSIS",
            r"\fBlir\-encode run\fR [\fIoption\fR]... \fB\-\-role\fR \fIrole\fR [\fIinput\fR]...",
            ".br", r"\fBlir\-encode cat\fR [\fIoption\fR]... \fIstream\fR...", ".SH DESCRIPTION")

    def test_common_options_once(self) -> None:
        page = self.page("lir-encode.1")
        self.assertEqual(page.count("CPUs to use"), 1)
        self.assert_lines(page, '.SS "Common options"', ".TP", r"\fB\-\-threads\fR \fIn\fR",
                          r"CPUs to use (default: \fB0\fR).")
        self.assertLess(page.index("CPUs to use"), page.index(".SH COMMANDS"))

    def test_commands(self) -> None:
        page = self.page("lir-encode.1")
        self.assert_lines(page, '.SS "cat, join"',
                          r"\fBlir\-encode cat\fR [\fIoption\fR]... \fIstream\fR...", ".PP",
                          "Join streams.")
        self.assertIn("Encode. This is the command where none is named.", page.replace("\n", " "))
        self.assert_lines(page, ".TP", r"\fB\-\-role\fR \fIrole\fR", "Which side of the model.",
                          ".RS", ".TP", r"\fBquery\fR", "what is asked")
        self.assertIn(r"(one of \fBf32\fR, \fBf16\fR; default: \fBf32\fR).", page)
        for hidden in ("experimental", "Not to be seen", "secret", "Show help."):
            self.assertNotIn(hidden, page)

    def test_a_tool_without_commands(self) -> None:
        page = self.page("lir-eval.1")
        self.assertNotIn(".SH COMMANDS", page)
        self.assert_lines(page, ".TP", r"\fB\-m\fR, \fB\-\-measure\fR \fImeasure\fR",
                          r"It's \fBnDCG@10\fR, \e and .more.")

    def test_prose(self) -> None:
        page = self.page("lir-encode.1")
        self.assert_lines(page, r"Reads \fB\-\-role doc\fR texts; see \fBlir\-run\fR(5).")
        self.assert_lines(page, ".TP", "0", "done", ".TP", "65", "damaged")
        self.assert_lines(page, ".EX", r"\&.hidden \-k \(aqx\en\(aq \(ti/a\(hab", ".EE")

    def test_section_five(self) -> None:
        page = self.page("lir-run.5")
        self.assertTrue(page.startswith("'\\\" t\n"))
        self.assert_lines(page, ".SH NAME", r"lir-run \- a ranking as text")
        self.assert_lines(page, ".TS", "lB lB", "l lw(62n).", "field\tmeaning", "\\fBscore\\fR\tT{",
                          ".ad l", ".nh",
                          "the shortest text that reads back to the same number, which can be "
                          "rather long", "T}")
        (self.root / "man/prose/lir-run.5.md").write_text("# DESCRIPTION\n")
        self.assertEqual(self.make().returncode, 65)

    def test_deterministic_and_checked(self) -> None:
        self.assertEqual(self.make().returncode, 0)
        before = {p.name: p.read_bytes() for p in (self.root / "man").glob("*.[15]")}
        self.assertEqual(sorted(before), ["lir-encode.1", "lir-eval.1", "lir-run.5"])
        self.assertEqual(self.make("--check").returncode, 0)
        (self.root / "man/lir-run.5").write_text("old\n")
        (self.root / "man/lir-gone.1").write_text("")
        done = self.make("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("-old\n", done.stdout)
        self.assertIn("man/lir-gone.1: there is no prose", done.stdout)
        self.assertEqual((self.root / "man/lir-run.5").read_text(), "old\n")
        self.assertEqual(self.make("--check", "lir-eval").returncode, 0)
        (self.root / "man/lir-gone.1").unlink()
        self.make()
        after = {p.name: p.read_bytes() for p in (self.root / "man").glob("*.[15]")}
        self.assertEqual(after, before)

    def test_runs_the_tool(self) -> None:
        path = self.root / "bin" / "lir-eval"
        dump = (self.root / "bin" / "lir-eval.json")
        path.write_text(f"#!/bin/sh\n[ \"$*\" = --experimental-dump-help ] && cat '{dump}.x'\n")
        path.chmod(0o755)
        dump.rename(f"{dump}.x")
        self.assertIn("The judgements.", self.page("lir-eval.1"))
        path.unlink()
        self.assertEqual(self.make().returncode, 66)

    def test_mandoc_has_nothing_to_say(self) -> None:
        mandoc = shutil.which("mandoc")
        if mandoc is None:
            self.skipTest("mandoc is not installed")
        self.make()
        pages = [str(p) for p in sorted((self.root / "man").glob("*.[15]"))]
        done = subprocess.run([mandoc, "-T", "lint", "-W", "warning", *pages],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Markdown(unittest.TestCase):
    def check(self, markdown: str, *lines: str) -> None:
        self.assertEqual(markdown_roff.convert(markdown), list(lines))

    def test_inline(self) -> None:
        for markdown, expected in {
            "a *b* and **c d** `e`": r"a \fIb\fR and \fBc d\fR \fBe\fR",
            "2 * 3 * 4, snake_case_name": "2 * 3 * 4, snake_case_name",
            "`-k N`, `--model-dir DIR`": r"\fB\-k \fIN\fR, \fB\-\-model\-dir \fIDIR\fR",
            "well-known --flag -x": r"well-known \-\-flag \-x",
            "[here](http://a.b/c-d)": r"here (http://a.b/c\-d)",
            r"\*no\* a\b": r"*no* a\eb",
            "x ≤ y": r"x \[u2264] y",
            "``a`b``": r"\fBa\(gab\fR",
        }.items():
            self.assertEqual(markdown_roff.inline(markdown), expected)

    def test_paragraphs_and_requests(self) -> None:
        self.check("one\ntwo. Three.\n\n.four\n\n'five", "one two.", "Three.", ".PP", r"\&.four",
                   ".PP", r"\&'five")

    def test_lists(self) -> None:
        self.check("* a\n  b\n* c\n  * d\n\n1. e\n\nf", r".IP \(bu 2", "a b", r".IP \(bu 2", "c",
                   ".RS", r".IP \(bu 2", "d", ".RE", ".IP 1. 4", "e", ".PP", "f")

    def test_definitions(self) -> None:
        self.check("`-a`\n`-b`\n: one\n\n  more\n\nc\n: two\n: three\n\nend", ".TP", r"\fB\-a\fR",
                   ".TQ", r"\fB\-b\fR", "one", ".IP", "more", ".TP", "c", "two", ".IP", "three",
                   ".PP", "end")

    def test_code_in_an_item(self) -> None:
        self.check("* a\n\n  ```\n  # b\n  ```", r".IP \(bu 2", "a", ".IP", ".in +4n", ".EX",
                   "# b", ".EE", ".in")

    def test_a_table_that_no_terminal_of_80_has_room_for(self) -> None:
        word = "x" * 34
        markdown_roff.convert(f"| a | b |\n|---|---|\n| {word} | {word[1:]} |")
        with self.assertRaisesRegex(ValueError, "does not fit in 67"):
            markdown_roff.convert(f"| a | b |\n|---|---|\n| {word} | {word} |")

    def test_headings(self) -> None:
        self.check("# see also\n\na\n\n## B c\n\nd", '.SH "SEE ALSO"', "a", '.SS "B c"', "d")
        found = markdown_roff.sections("x\n# A\n```\n# not\n```\n# B\ny")
        self.assertEqual(found, [("", "x"), ("A", "```\n# not\n```"), ("B", "y")])


if __name__ == "__main__":
    unittest.main()
