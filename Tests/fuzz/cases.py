"""Cases of the corpus: how a trial is kept, read again, and made smaller.

A case is a folder: case.json names the situation and the command, and files/ holds what stands in
the place of the base's files. A large file that differs in few bytes is kept as what differs; by
hand, what differs may also be some bytes so many `times`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from situations import Situation

Files = Dict[str, bytes]
#: A patch is taken where the file is larger than this, and the patch is a tenth of it.
SMALL = 4000


class Trial(NamedTuple):
    """One run: what stands in the place of files, and the command."""

    situation: Situation
    seed: str
    command: str
    changed: Files


def difference(old: bytes, new: bytes) -> List[Dict[str, Any]]:
    """The parts of a file that are others: one, or several where the length is the same."""
    if len(old) != len(new):
        start = 0
        while start < min(len(old), len(new)) and old[start] == new[start]:
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
            end += 1
        spans = [(start, len(old) - end, len(new) - end)]
    else:
        spans = []
        at = 0
        while at < len(old):
            start = at
            while at < len(old) and old[at] != new[at]:
                at += 1
            if at > start:
                spans.append((start, at, at))
            at += 1
    return [{"at": start, "instead_of": old_end - start,
             "bytes": base64.b64encode(new[start:new_end]).decode()}
            for start, old_end, new_end in spans]


def patched(old: bytes, parts: List[Dict[str, Any]]) -> bytes:
    for part in reversed(parts):
        end = part["at"] + part["instead_of"]
        new = base64.b64decode(part["bytes"]) * part.get("times", 1)
        old = old[:part["at"]] + new + old[end:]
    return old


def store(folder: Path, base: Path, trial: Trial, found: str) -> None:
    """Keep a trial as a folder of the corpus."""
    patches: Dict[str, Any] = {}
    for name, data in trial.changed.items():
        original = (base / name).read_bytes() if (base / name).is_file() else b""
        parts = difference(original, data) if len(data) > SMALL else []
        if parts and len(json.dumps(parts)) < len(data) // 10:
            patches[name] = parts
            continue
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    case = {"kind": trial.situation.kind, "name": trial.situation.name, "command": trial.command,
            "found": found, "seed": trial.seed, **({"patches": patches} if patches else {})}
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, base: Path, situations: List[Situation]) -> Trial:
    """A trial that was kept."""
    case = json.loads((folder / "case.json").read_text("utf-8"))
    wanted = (case["kind"], case["name"])
    situation = next((s for s in situations if (s.kind, s.name) == wanted), None)
    if situation is None:
        raise SystemExit(f"fuzz: error: {folder}: no situation {'/'.join(wanted)}")
    files = {p.relative_to(folder / "files").as_posix(): p.read_bytes()
             for p in sorted((folder / "files").rglob("*")) if p.is_file()}
    for name, parts in case.get("patches", {}).items():
        files[name] = patched((base / name).read_bytes(), parts)
    return Trial(situation, folder.name, case["command"], files)


#: Runs that making a case smaller may take.
MOST_RUNS = 200


def smaller(trial: Trial, found: str, problem: Callable[[Trial], Optional[str]]) -> Trial:
    """A trial with less in its files that still does what was found."""
    runs = 0
    for name in list(trial.changed):
        without = trial._replace(changed={k: v for k, v in trial.changed.items() if k != name})
        if len(trial.changed) > 1 and problem(without) == found:
            trial = without
            continue
        data = trial.changed[name]
        size = len(data) // 2
        while size >= max(1, len(data) // 4096) and runs < MOST_RUNS:
            at = 0
            while at < len(data) and runs < MOST_RUNS:
                runs += 1
                less = data[:at] + data[at + size:]
                if problem(trial._replace(changed={**trial.changed, name: less})) == found:
                    data = less
                    trial = trial._replace(changed={**trial.changed, name: data})
                else:
                    at += size
            size //= 2
    return trial
