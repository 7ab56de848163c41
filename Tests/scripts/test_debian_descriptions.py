"""Tests of scripts/debian-descriptions with canned lists of apt's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Dict, Tuple

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "debian-descriptions"

PACKAGES = """\
Package: tree
Version: 2.1
Description: displays an indented directory tree, in color
Description-md5: aaaa
Tag: admin::TODO,
 role::program

Package: jq
Description: lightweight and flexible command-line JSON processor
Description-md5: bbbb

Package: undescribed
Description: has no translation
Description-md5: cccc

Package: tree
Version: 1.0
Description-md5: dddd
"""

TRANSLATION = """\
Package: tree
Description-md5: aaaa
Description-en: displays an indented directory tree, in color
 Tree is a recursive\tdirectory listing command
 that produces a depth indented listing.
 .
 Colour is supported.

Package: jq
Description-md5: bbbb
Description-en: lightweight and flexible command-line JSON processor
 jq is like sed for JSON data – you can use it to slice and filter.

Package: elsewhere
Description-md5: eeee
Description-en: nobody's description
 Of no package in the lists.

Package: synopsis-only
Description-md5: dddd
Description-en: nothing but a synopsis
"""


def many(count: int) -> Tuple[str, str]:
    """Lists of packages p0, p1…, of which p0 and p1 share their long description."""
    packages = translation = ""
    for i in range(count):
        checksum = hashlib.md5(str(i).encode()).hexdigest()
        packages += f"Package: p{i}\nDescription-md5: {checksum}\n\n"
        translation += (f"Package: p{i}\nDescription-md5: {checksum}\nDescription-en: number {i}\n"
                        f" This is text {max(i, 1)}.\n\n")
    return packages, translation


class DebianDescriptions(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.top = Path(self.folder.name)

    def lists(self, packages: str, translation: str, name: str = "lists") -> Path:
        lists = self.top / name
        lists.mkdir(exist_ok=True)
        prefix = "deb.debian.org_debian_dists_bookworm_main_"
        (lists / f"{prefix}binary-amd64_Packages").write_text(packages, encoding="utf-8")
        (lists / f"{prefix}i18n_Translation-en").write_text(translation, encoding="utf-8")
        return lists

    def run_script(self, *arguments: object, status: int = 0, **more: str) -> str:
        done = subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], text=True,
                              stderr=subprocess.PIPE, check=False, env={**os.environ, **more})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def made(self, *arguments: object, out: str = "out") -> Dict[str, str]:
        self.run_script(*arguments, self.top / out)
        return {p.name: p.read_text(encoding="utf-8") for p in (self.top / out).iterdir()
                if p.is_file()}

    def test_joins_by_checksum(self) -> None:
        files = self.made("--lists", self.lists(PACKAGES, TRANSLATION))
        self.assertEqual(files["docs.tsv"], (
            "jq\tjq is like sed for JSON data – you can use it to slice and filter.\n"
            "tree\tTree is a recursive directory listing command that produces a depth indented "
            "listing. Colour is supported.\n"))
        self.assertEqual(files["queries.tsv"], (
            "jq\tlightweight and flexible command-line JSON processor\n"
            "tree\tdisplays an indented directory tree, in color\n"))
        self.assertEqual(files["qrels.txt"], "jq 0 jq 1\ntree 0 tree 1\n")

    def test_samples(self) -> None:
        lists = self.lists(*many(200))
        first = self.made("--lists", lists, "--documents", 50, "--queries", 7)
        self.assertEqual(first, self.made("--lists", lists, "--documents", 50, "--queries", 7,
                                          out="again"))
        other = self.made("--lists", lists, "--documents", 50, "--queries", 7, "--seed", 1,
                          out="other")
        self.assertNotEqual(first["docs.tsv"], other["docs.tsv"])
        ids = [line.split("\t")[0] for line in first["docs.tsv"].splitlines()]
        asked = [line.split("\t")[0] for line in first["queries.tsv"].splitlines()]
        self.assertEqual((len(ids), len(asked)), (50, 7))
        self.assertEqual(ids, sorted(ids))
        self.assertLessEqual(set(asked), set(ids))
        # A package more changes one document at most.
        more = self.made("--lists", self.lists(*many(201), "more"), "--documents", 50,
                         "--queries", 7, out="more-out")
        changed = set(first["docs.tsv"].splitlines()) ^ set(more["docs.tsv"].splitlines())
        self.assertLessEqual(len(changed), 2)

    def test_every_package_but_duplicates(self) -> None:
        files = self.made("--lists", self.lists(*many(20)), "--all")
        self.assertEqual(len(files["docs.tsv"].splitlines()), 19)
        self.assertEqual(len(files["queries.tsv"].splitlines()), 19)

    def test_leaves_what_is_there(self) -> None:
        lists = self.lists(PACKAGES, TRANSLATION)
        self.made("--lists", lists)
        docs = self.top / "out" / "docs.tsv"
        os.utime(docs, (1, 1))
        self.made("--lists", lists)
        self.assertEqual(docs.stat().st_mtime, 1)
        self.made("--lists", lists, "--documents", 1)
        self.assertNotEqual(docs.stat().st_mtime, 1)

    def test_no_mirror(self) -> None:
        tools = self.top / "tools"
        tools.mkdir()
        said = self.run_script(self.top / "out", status=74, PATH=str(tools))
        self.assertIn("apt-get is not installed", said)
        apt = tools / "apt-get"
        apt.write_text("#!/bin/sh\nexit 100\n")
        apt.chmod(0o755)
        said = self.run_script(self.top / "out", status=74, PATH=str(tools))
        self.assertIn("no Debian mirror could be reached", said)
        self.assertIn("status 100", said)

    def test_refusals(self) -> None:
        self.run_script(status=64)
        self.run_script("--documents", 0, self.top, status=64)
        lists = self.lists("Package: a\n", "Package: a\n")
        self.assertIn("no descriptions", self.run_script("--lists", lists, self.top, status=66))


if __name__ == "__main__":
    unittest.main()
