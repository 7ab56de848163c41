"""One run of the generator: options, random numbers, texts, and what came of each case."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Tuple, Type, TypeVar

import numpy as np
import torch

from golden.texts import Texts

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Options:
    """The command line."""

    seed: int
    out: Path
    #: Only cases whose path contains this.
    match: str = ""
    #: Models of half the width.
    small: bool = False
    #: Whether to show where a case failed.
    traceback: bool = False
    #: A checkout of Lightning IR.
    lir: str = "lightning-ir"
    #: Folder of all-MiniLM-L6-v2.
    minilm: Path = Path("models/minilm")
    #: Folder of the tiny SPLADE.
    splade: str = "models/splade"


@dataclass
class Generation:
    """A run of the generator, which every family gets."""

    options: Options
    temporary: Path = field(init=False)
    texts: Texts = field(init=False)
    #: Cases that failed, with the error.
    failed: List[Tuple[str, str]] = field(default_factory=list)
    #: Cases that were written, with their sizes.
    written: List[Tuple[str, int]] = field(default_factory=list)
    #: Folders of small tokenizers, by kind and variant.
    tokenizers: Dict[Tuple[str, int], Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="golden_"))
        self.texts = Texts(self.random("corpus"))

    @property
    def out(self) -> Path:
        """The folder that is written."""
        return self.options.out

    @property
    def is_committed(self) -> bool:
        """Whether this makes the set that the tests use.

        Other seeds have other texts, and other choices of what is secondary.
        """
        return self.options.seed == 1

    @property
    def rotation(self) -> int:
        """How far secondary choices are rotated."""
        return 1 if self.is_committed else self.options.seed + 1

    def number(self, *names: object) -> int:
        """The seed of what is called so, the same in every run with the options' seed."""
        text = "/".join(map(str, (self.options.seed, *names)))
        return zlib.crc32(text.encode()) & 0x7FFFFFFF

    def random(self, *names: object) -> np.random.Generator:
        """NumPy's random numbers of what is called so."""
        return np.random.default_rng(self.number(*names))

    def torch_random(self, *names: object) -> torch.Generator:
        """PyTorch's random numbers of what is called so."""
        return torch.Generator().manual_seed(self.number(*names))

    def pick(self, place: int, *choices: Choice) -> Choice:
        """A secondary choice."""
        return choices[(place + self.rotation) % len(choices)]

    def part_for_training(self) -> List[str]:
        """Texts that tokenizers are trained on: all of them, or two thirds for other seeds."""
        texts = self.texts.training
        if self.is_committed:
            return texts
        return [text for i, text in enumerate(texts) if i % 3 != self.options.seed % 3]

    def wants(self, path: str) -> bool:
        """Whether the case at this path is to be made."""
        return self.options.match in path

    def scrub(self, text: str) -> str:
        """A text without the folders of this machine."""
        return text.replace(str(self.temporary), "<tmp>").replace(str(self.out), "<out>")

    def case(self, path: str, note: Optional[str] = None) -> Case:
        """A folder for a case, as a context."""
        return Case(self, path, note)

    def close(self) -> None:
        """Remove what is temporary."""
        shutil.rmtree(self.temporary, ignore_errors=True)


class Case:
    """A case that is being made.

    An error within the context is written to FAILED/, since the reference could not do it, and the
    run goes on.
    """

    def __init__(self, run: Generation, path: str, note: Optional[str]) -> None:
        self.run = run
        self.path = path
        self.folder = run.out / path
        self.notes = [note] if note else []
        self.began = 0.0

    def note(self, text: str) -> None:
        """Add a line to NOTE."""
        self.notes.append(text)

    def __enter__(self) -> Case:
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.began = time.time()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> bool:
        if kind is None:
            self._succeed()
            return False
        if issubclass(kind, KeyboardInterrupt):
            return False
        self._fail(f"{kind.__name__}: {error}")
        if self.run.options.traceback:
            traceback.print_exception(kind, error, trace)
        return True

    @property
    def _report(self) -> Path:
        return self.run.out / "FAILED" / (self.path.replace("/", "__") + ".txt")

    def _fail(self, message: str) -> None:
        self.run.failed.append((self.path, message[:400]))
        print("FAIL", self.path, message[:300], flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._report.parent.mkdir(exist_ok=True, parents=True)
        lines = ["The reference could not run this case.", *self.notes, self.run.scrub(message)]
        if not self.notes:
            lines.insert(1, "")
        self._report.write_text("\n".join(lines) + "\n")

    def _succeed(self) -> None:
        if self.notes:
            (self.folder / "NOTE").write_text("\n".join(self.notes) + "\n")
        self._report.unlink(missing_ok=True)
        size = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        self.run.written.append((self.path, size))
        seconds = time.time() - self.began
        print(f"ok {self.path} {size / 1024:.0f}KB {seconds:.1f}s", flush=True)
