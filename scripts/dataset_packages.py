"""The Python packages that fetch-dataset needs: those of python3, or of a venv that is made.

For scripts/fetch-dataset, which is run again by the venv's Python.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NoReturn

from dataset_forms import IO, Failure

PACKAGES = ["ir_datasets>=0.6.3,<0.7", "zstandard", "pyyaml"]
BASE = {"ir_datasets": PACKAGES[0], "zstandard": PACKAGES[1], "yaml": PACKAGES[2]}


def say(message: str) -> None:
    print(f"fetch-dataset: {message}", file=sys.stderr)


@contextlib.contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock that no other process has, also on other machines: pipelines/holding does it."""
    here = Path(__file__).resolve().parent
    script = next(p for p in (here.parent / "pipelines" / "holding", here / "pipelines" / "holding") if p.exists())
    with subprocess.Popen([str(script), str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        if not process.stdout.readline():
            raise Failure(IO, f"{lock}: cannot be held")
        try:
            yield
        finally:
            process.stdin.close()


def missing(modules: List[str]) -> List[str]:
    return [m for m in modules if importlib.util.find_spec(m) is None]


def with_packages(folder: Path, packages: List[str]) -> NoReturn:
    """Run this script again by a venv that has these packages; make the venv first."""
    venv = folder / ".venv"
    python = venv / "bin" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder / ".venv.held"):
        say(f"installing {' '.join(packages)} into {venv}")
        commands = [[str(python), "-m", "pip", "install", "--quiet",
                     "--disable-pip-version-check", *packages]]
        if not (venv / "bin" / "pip").exists():
            commands.insert(0, [sys.executable, "-m", "venv", str(venv)])
        for command in commands:
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
                raise Failure(IO, f"{' '.join(command)} failed",
                              f"install {' '.join(packages)} for python3, and nothing is installed here")
    environment = dict(os.environ, LIR_DATASET_PACKAGES=" ".join(
        os.environ.get("LIR_DATASET_PACKAGES", "").split() + packages))
    os.execve(python, [str(python), str(Path(sys.argv[0]).resolve()), *sys.argv[1:]], environment)


def require(folder: Path, modules: Dict[str, str]) -> None:
    """See that modules can be imported; `modules` has their packages."""
    lacking = [modules[m] for m in missing(list(modules))]
    if not lacking:
        return
    tried = os.environ.get("LIR_DATASET_PACKAGES", "").split()
    if all(p in tried for p in lacking):
        raise Failure(IO, f"{' '.join(lacking)}: installed, and not found")
    venv = folder / ".venv" / "bin" / "python3"
    if venv.exists() and Path(sys.executable) != venv.absolute() and not tried:
        os.execve(venv, [str(venv), str(Path(sys.argv[0]).resolve()), *sys.argv[1:]],
                  dict(os.environ, LIR_DATASET_PACKAGES="-"))
    with_packages(folder, sorted(set(lacking)))
