"""Runs a tool under limits, and says what it must not have done."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

#: Processor time of one run, in seconds.
SECONDS = 20
#: Time of one that waits instead, on a machine that does other work, too.
MOST_WAITING = 300
#: Memory that one run may touch, and the address space it may have.
MOST_RESIDENT = 1 << 30
MOST_MAPPED = 6 << 30
MOST_WRITTEN = 1 << 30
STATUSES = {0, 1, 64, 65, 66, 73, 74, 75, 78}
NAN = re.compile(rb"nan|inf", re.IGNORECASE)
NO_NUMBER = re.compile(rb"(?<![\w.\"'<-])-?(?:nan|inf(?:inity)?)(?![\w.\"'>-])", re.IGNORECASE)


class Outcome(NamedTuple):
    """How one run ended."""

    status: int  # negative: the signal
    resident: int
    late: bool
    stdout: bytes
    stderr: str
    files: Dict[str, bytes]  # what it made or changed


def listing(folder: Path) -> Dict[str, bytes]:
    """The files of a folder and their contents; folders and links, too."""
    found: Dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = b"link " + os.fsencode(os.readlink(path))
        elif path.is_dir():
            found[name + "/"] = b""
        else:
            with open(path, "rb") as file:
                found[name] = file.read(64 << 20)
    return found


def run(command: List[str], folder: Path, scratch: Path, environment: Dict[str, str]) -> Outcome:
    """Run a command in a folder. What it prints goes to files in `scratch`."""
    limits = ["prlimit", f"--cpu={SECONDS}:{SECONDS + 5}", f"--as={MOST_MAPPED}", "--core=0",
              f"--fsize={MOST_WRITTEN}", "--"]
    before = listing(folder)
    late = False
    with open(scratch / "stdout", "wb+") as out, open(scratch / "stderr", "wb+") as err:
        process = subprocess.Popen(limits + command, cwd=folder, env=environment, stdout=out,
                                   stderr=err, stdin=subprocess.DEVNULL)

        def stop() -> None:
            nonlocal late
            late = True
            os.kill(process.pid, signal.SIGKILL)

        timer = threading.Timer(MOST_WAITING, stop)
        timer.start()
        _, code, usage = os.wait4(process.pid, 0)
        timer.cancel()
        status = os.waitstatus_to_exitcode(code)
        process.returncode = status
        out.seek(0), err.seek(0)
        stdout, stderr = out.read(64 << 20), err.read(1 << 20).decode("utf-8", "replace")
    after = listing(folder)
    files = {name: content for name, content in after.items() if before.get(name) != content}
    return Outcome(status, usage.ru_maxrss * 1024, late, stdout, stderr, files)


def matches(name: str, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, name) for pattern in patterns)


def offence(done: Outcome, rule: str, expected: Optional[Outcome], keeps: Sequence[str],
            ignores: Sequence[str], changed: Sequence[bytes]) -> Optional[str]:
    """What a run did that no run may do; None if it behaved."""
    if done.late:
        return "hangs: it waits"
    if done.status == -signal.SIGXCPU:
        return f"hangs: {SECONDS} s of processor time"
    if done.status < 0:
        return f"dies of {signal.Signals(-done.status).name}"
    if done.status not in STATUSES:
        return f"exit status {done.status}"
    if "Fatal error" in done.stderr:
        return "traps"
    if done.resident > MOST_RESIDENT:
        return f"takes {done.resident >> 20} MB"
    if done.status != 0:
        if ": error: " not in done.stderr:
            return f"says nothing with status {done.status}"
        left = sorted(name for name in done.files if not matches(name, keeps))
        return f"leaves {', '.join(left[:3])} with status {done.status}" if left else None
    if rule == "refuse" and changed:
        return "accepts what is damaged"
    if rule == "same" and expected is not None:
        if done.stdout != expected.stdout:
            return "prints something else of damaged data"
        different = sorted(n for n in {*done.files, *expected.files} if not matches(n, ignores)
                           and done.files.get(n) != expected.files.get(n))
        if different:
            return f"writes something else of damaged data: {', '.join(different[:3])}"
    # An id may be called nan, in quotes or without.
    if rule == "numbers" and NO_NUMBER.search(done.stdout) and not any(map(NAN.search, changed)):
        return "prints what is no number"
    return None
