"""Tests of scripts/check-commits on small repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List, Tuple

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check-commits"
BODY = "Motivation: it was\nwrong.\n\nModifications: mended.\n\nResult: it is right.\n"


@unittest.skipIf(shutil.which("git") is None, "git is not installed")
class CheckCommits(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.git("init", "--quiet")
        self.since = self.commit("wip: made before there were rules")

    def git(self, *arguments: str, text: str = "") -> str:
        """What a git command prints, whatever the user's configuration."""
        environment = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
        command = ["git", "-C", str(self.root), "-c", "user.name=A", "-c", "user.email=a@b.c",
                   *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=text,
                              env=environment).stdout.strip()

    def commit(self, message: str) -> str:
        """Make a commit; its name."""
        self.git("commit", "--quiet", "--allow-empty", "--file=-", text=message)
        return self.git("rev-parse", "HEAD")

    def run_script(self, *arguments: str) -> Tuple[int, List[str]]:
        command = [sys.executable, str(SCRIPT), "--root", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()

    def check(self, *messages: str) -> List[str]:
        """The complaints about commits with these messages, without the commits' names."""
        for message in messages:
            self.commit(message)
        status, lines = self.run_script("--since", self.since)
        self.assertEqual(status, 1 if lines else 0)
        return [line.partition(": ")[2] for line in lines]

    def test_good_messages(self) -> None:
        self.assertEqual(self.check(f"{'a' * 72}\n\n{BODY}", f"Wipe the tables\n\n{BODY}"), [])

    def test_no_commit_since(self) -> None:
        self.assertEqual(self.check(), [])

    def test_a_long_subject(self) -> None:
        complaints = self.check(f"{'ä' * 73}\n\n{BODY}")
        self.assertEqual(len(complaints), 1)
        self.assertIn("73 characters", complaints[0])

    def test_unfinished_subjects(self) -> None:
        for subject in ("wip", "WIP: mend", "fixup! Mend", "squash! Mend", "amend! Mend"):
            with self.subTest(subject):
                complaints = self.check(f"{subject}\n\n{BODY}")
                self.assertIn("unfinished", complaints[-1])

    def test_no_body(self) -> None:
        self.assertEqual(self.check("Mend the tables"), ["there is no body"])

    def test_a_body_of_another_form(self) -> None:
        self.assertIn("Modifications:", self.check("Mend\n\nIt was wrong.\n")[0])
        swapped = "Mend\n\nModifications: a.\n\nMotivation: b.\n\nResult: c.\n"
        self.assertEqual(len(self.check(swapped)), 2)

    def test_merges_are_not_looked_at(self) -> None:
        self.git("checkout", "--quiet", "-b", "side")
        self.commit(f"Mend\n\n{BODY}")
        self.git("checkout", "--quiet", "-")
        self.git("merge", "--quiet", "--no-ff", "--message=Merge", "side")
        self.assertEqual(self.check(), [])

    def test_a_range(self) -> None:
        self.check("Mend the tables")
        self.assertEqual(self.run_script("HEAD~1..HEAD")[0], 1)
        self.assertEqual(self.run_script("HEAD..HEAD")[0], 0)
        self.assertEqual(self.run_script("nothing..HEAD")[0], 66)

    def test_a_clone_without_the_history(self) -> None:
        self.assertEqual(self.run_script("--since", "0" * 40), (69, []))


if __name__ == "__main__":
    unittest.main()
