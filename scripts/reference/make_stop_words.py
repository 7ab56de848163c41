#!/usr/bin/env python3
"""Write Sources/Analysis/SnowballStopWords.swift from the lists of Snowball's website.

    scripts/reference/make_stop_words.py FOLDER

FOLDER is a clone of https://github.com/snowballstem/snowball-website (BSD licence), whose lists are
algorithms/LANGUAGE/stop.txt: words, and comments behind a vertical bar.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

LANGUAGES = """danish dutch english finnish french german hungarian indonesian irish italian norwegian
portuguese russian spanish swedish""".split()
LICENCE = """\
Copyright (c) 2001, Dr Martin Porter, and (c) 2002, Richard Boulton. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted
provided that the following conditions are met: 1. Redistributions of source code must retain the
above copyright notice, this list of conditions and the following disclaimer. 2. Redistributions in
binary form must reproduce the above copyright notice, this list of conditions and the following
disclaimer in the documentation and/or other materials provided with the distribution. 3. Neither
the name of the copyright holder nor the names of its contributors may be used to endorse or promote
products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS \"AS IS\" AND ANY EXPRESS OR
IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR
CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER
IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF
THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""
ROOT = Path(__file__).resolve().parents[2]


def licence() -> list[str]:
    lines: list[str] = []
    for paragraph in LICENCE.strip().split("\n\n"):
        lines += ["", *textwrap.wrap(" ".join(paragraph.split()), 94)]
    return lines[1:]


def words(path: Path) -> list[str]:
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        found.update(line.split("|")[0].split())
    return sorted(found)


def main() -> None:
    folder = Path(sys.argv[1])
    out = [
        "/// Stop words of languages, a space between two.",
        "///",
        "/// Source: algorithms/LANGUAGE/stop.txt of https://github.com/snowballstem/snowball-website, as",
        "/// scripts/reference/make_stop_words.py writes them. The lists are under this licence:",
        "///",
        *(f"/// {line}".rstrip() for line in licence()),
        "enum SnowballStopWords {",
        "  /// The list of a language by its English name; nil where Snowball has none.",
        "  static func list(_ language: String) -> String? {",
        "    switch language {",
    ]
    out += [f'    case "{name}": {name}' for name in LANGUAGES]
    out += ["    default: nil", "    }", "  }"]
    for name in LANGUAGES:
        text = " ".join(words(folder / "algorithms" / name / "stop.txt"))
        lines = textwrap.wrap(text, 92, break_on_hyphens=False, break_long_words=False)
        out += ["", f'  private static let {name} = """', "    " + " \\\n    ".join(lines), '    """']
    out.append("}")
    target = ROOT / "Sources" / "Analysis" / "SnowballStopWords.swift"
    target.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
