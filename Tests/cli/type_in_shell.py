#!/usr/bin/env python3
"""Type command lines, with tabs, into a real shell and print what it makes of them.

    type_in_shell.py SHELL SCRIPT LINE...

SHELL is bash or zsh, interactive on a terminal of its own; SCRIPT is a file of completions that it
reads first. Each LINE is typed as it is, but for `<TAB>`, which is a tab. Then the words of the line
are printed, joined by `|`: a tab that completes nothing adds nothing. Exit status: 0, or 1 where the
shell does not answer.
"""

from __future__ import annotations

import os
import pty
import re
import select
import sys
from typing import List

#: Seconds that a shell may take to answer before the test gives up.
PATIENCE = 60
#: What the shells are told before anything is typed: a function that prints its words, no colours, no
#: bell, and a prompt that is easy to find.
BEFORE = {
    "bash": "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; "
            "words() { local IFS='|'; echo \"[[$*]]\"; }; source '%s'; PS1='RE''ADY> '\r",
    "zsh": "unsetopt zle_bracketed_paste prompt_sp auto_remove_slash; bindkey -e; "
           "autoload -Uz compinit; compinit -D -u; "
           # Keys that come while it completes make zsh stop: it says when it has done so.
           "tell() { zle expand-or-complete; print -n '<<t''ab>>' >/dev/tty }; "
           "zle -N tell; bindkey '^I' tell; "
           "words() { local IFS='|'; echo \"[[$*]]\"; }; source '%s'; PS1='RE''ADY> '\r",
}
COMMANDS = {"bash": ["bash", "--noprofile", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}


class Shell:
    """A shell on a terminal."""

    def __init__(self, name: str) -> None:
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", COLUMNS="500", HISTFILE="/dev/null")
            os.execvp(COMMANDS[name][0], COMMANDS[name])
        self.heard = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait(self, pattern: str) -> str:
        """Reads until a pattern comes; its first group, or all of it."""
        while True:
            found = re.search(pattern, self.heard)
            if found:
                self.heard = self.heard[found.end():]
                return found.group(found.re.groups)
            if not select.select([self.terminal], [], [], PATIENCE)[0]:
                sys.exit(f"no answer, but: {self.heard!r}")
            try:
                self.heard += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                sys.exit(f"the shell is gone: {self.heard!r}")


def main(arguments: List[str]) -> None:
    name, script, *lines = arguments
    shell = Shell(name)
    shell.type(BEFORE[name] % script)
    shell.wait("READY> ")
    for line in lines:
        first, *rest = line.split("<TAB>")
        shell.type(first)
        for part in rest:
            shell.type("\t")
            if name == "zsh":
                shell.wait("<<tab>>")
            shell.type(part)
        # To the start of the line, and `words` in front of it.
        shell.type("\x01words \r")
        print(shell.wait(r"\r?\n\[\[([^\r\n]*)\]\]"))
        shell.wait("READY> ")


if __name__ == "__main__":
    main(sys.argv[1:])
