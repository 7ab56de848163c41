"""Scripts that a signal ends, without what they made for the time they ran."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any, List

#: Seconds in which tools reach a checkpoint.
PATIENCE = 10.0


def unwinds() -> None:
    """SIGTERM and SIGHUP end this script as an exception does, which leaves no folder behind."""
    def end(number: int, _: Any) -> None:
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # once is enough
        sys.exit(128 + number)
    for each in (signal.SIGTERM, signal.SIGHUP):
        # What nohup ignores stays ignored.
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, end)


def run(command: List[str], **options: Any) -> int:
    """Run a command and all that it starts; its status. Where this is ended before it, nothing of it goes on."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        return process.wait()
    except BaseException:
        end_session(process)
        raise


def end_session(process: "subprocess.Popen[Any]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + PATIENCE
        try:
            os.killpg(process.pid, number)
            while time.monotonic() < until:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(0.02)
        except ProcessLookupError:
            return
