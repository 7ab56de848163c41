#!/usr/bin/env python3
"""Whether what a tool put in its place outlives a loss of power, by a trace that faults.c wrote.

    check_synced.py TRACE

A machine that loses power keeps of a file what was synced, and of a folder the names that it had when it was
synced. So a file, or a folder with all that is in it, has to be synced before the rename that gives it its
place, and the folder of its place after that. Names that begin with a dot, or lie below such a name, are
scratch as long as they are called so. Each line that is printed is something that could be lost; the status
is 1 then.
"""

from __future__ import annotations

import os
import sys
from typing import Dict, Set


def inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def is_scratch(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


class Disk:
    """What would be lost now: contents of files, and names in folders."""

    def __init__(self) -> None:
        self.contents: Set[str] = set()
        #: Folders with the names that were given in them since they were synced.
        self.names: Dict[str, Set[str]] = {}
        self.lost: Set[str] = set()

    def give(self, path: str) -> None:
        self.names.setdefault(os.path.dirname(path), set()).add(path)

    def forget(self, path: str) -> None:
        self.contents = {p for p in self.contents if not inside(p, path)}
        self.names = {f: {n for n in names if not inside(n, path)}
                      for f, names in self.names.items() if not inside(f, path)}

    def rename(self, old: str, new: str) -> None:
        for path in self.contents:
            if inside(path, old) and not is_scratch(new):
                self.lost.add(f"{new}: {path} was not synced before it was renamed")
        for folder, names in self.names.items():
            if inside(folder, old) and names and not is_scratch(new):
                self.lost.add(f"{new}: names in {folder} were not synced before it was renamed: {min(names)}")
        def move(path: str) -> str:
            return new + path[len(old):] if inside(path, old) else path

        self.contents = {move(p) for p in self.contents}
        moved: Dict[str, Set[str]] = {}
        for folder, names in self.names.items():
            moved.setdefault(move(folder), set()).update(move(n) for n in names if n != old)
        self.names = moved
        self.give(new)

    def end(self) -> None:
        """The tool has said that it is done."""
        for path in self.contents:
            if not is_scratch(path):
                self.lost.add(f"{path}: its content is not synced")
        for names in self.names.values():
            for path in names:
                if not is_scratch(path) and os.path.lexists(path):
                    self.lost.add(f"{path}: its name is not synced")


def main(trace: str) -> int:
    disk = Disk()
    renames = 0
    with open(trace, encoding="utf-8") as lines:
        for line in lines:
            call, path, new = line.rstrip("\n").split("\t")
            # A file without a name goes with the process.
            if path.endswith(" (deleted)"):
                continue
            path, new = os.path.normpath(path), os.path.normpath(new) if new else ""
            if call in ("open", "creat", "mkdir", "mkdirat", "symlink", "symlinkat", "link", "linkat"):
                disk.give(path)
            elif call in ("fsync", "fdatasync"):
                disk.contents.discard(path)
                disk.names.pop(path, None)
            elif call.startswith("rename"):
                renames += 1
                disk.rename(path, new)
            elif call in ("unlink", "unlinkat", "remove", "rmdir"):
                disk.forget(path)
            else:
                disk.contents.add(path)
    disk.end()
    if not renames:
        disk.lost.add("nothing was renamed")
    print("".join(f"{line}\n" for line in sorted(disk.lost)), end="")
    return 1 if disk.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
