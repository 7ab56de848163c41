#!/usr/bin/env python3
"""Make the golden values: models, inputs, and what the reference implementations say of them.

    make_golden.py --seed N --out DIR [OPTION...]

README.md says what is needed and what is written. Two runs with the same seed, the same versions
and the same processor give the same bytes.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import logging
import os
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List

if TYPE_CHECKING:
    from golden.generation import Generation

#: What libraries read when they are loaded, so that every run does the same.
ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TRANSFORMERS_VERBOSITY": "error",
}
#: The modules of the families, in the order of their making.
FAMILIES = {
    "tokenizers": "family_tokenizers",
    "native": "family_native",
    "external": "family_external",
    "real": "family_real",
    "losses": "family_losses",
    "training": "family_training",
    "eval": "family_eval",
    "schedulers": "family_schedulers",
    "search": "family_search",
}
#: The family that needs the wheel of Lightning IR, and so a process of its own.
WHEEL = "native_wheel"
PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "sentence-transformers",
    "sentencepiece",
    "lightning-ir",
    "lightning",
    "ir-measures",
    "pytrec-eval-terrier",
    "numpy",
    "pandas",
)


def parse(arguments: List[str]) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(
        prog="make_golden.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=int, required=True)
    add("--out", type=Path, required=True, metavar="DIR")
    add("--only", default="", metavar="FAMILY,...", help=f"of {' '.join([*FAMILIES, WHEEL])}")
    add("--match", default="", metavar="TEXT", help="only cases whose path contains this")
    add(
        "--small",
        action="store_true",
        help="models of half the width, as the training cases in the repository",
    )
    add(
        "--wheel",
        action="store_true",
        help=f"family {WHEEL} alone, with the installed wheel of Lightning IR",
    )
    add("--traceback", action="store_true", help="show where a case failed")
    add("--lir", default="lightning-ir", metavar="DIR", help="a checkout of Lightning IR")
    add(
        "--minilm",
        type=Path,
        default=Path("models/minilm"),
        metavar="DIR",
        help="folder of all-MiniLM-L6-v2 (tokenizers, real)",
    )
    add("--splade", default="models/splade", metavar="DIR", help="folder of the tiny SPLADE (real)")
    options = parser.parse_args(arguments)
    unknown = set(filter(None, options.only.split(","))) - {*FAMILIES, WHEEL}
    if unknown:
        parser.error(f"there is no family {', '.join(sorted(unknown))}")
    return options


def prepare(options: argparse.Namespace) -> None:
    """Set the process up; the environment has to be right before."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    if not options.wheel:
        sys.path.insert(0, options.lir)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import torch
    import transformers

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    transformers.logging.set_verbosity_error()


def make(run: Generation, wanted: Dict[str, str]) -> None:
    """Make families, each as far as it goes."""
    for name, module in wanted.items():
        try:
            importlib.import_module(f"golden.{module}").make(run)
        except Exception as error:
            traceback.print_exc()
            run.failed.append((name, f"family aborted: {error}"))


def make_wheel(arguments: List[str]) -> None:
    """Make the family of the wheel in another process, which cannot see the checkout.

    Its models always have the usual width: `--small` is for cases that the repository holds.
    """
    handed_on = [argument for argument in arguments if argument != "--small"]
    subprocess.run([sys.executable, __file__, *handed_on, "--wheel"], check=False)


def versions(options: argparse.Namespace) -> Dict[str, str]:
    """The versions of what the values come from."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    try:
        command = ["git", "-C", options.lir, "rev-parse", "HEAD"]
        head = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        found["lightning-ir-git"] = f"{head} (tree in ./lightning-ir)"
    except OSError:
        pass
    found["python"] = sys.version.split()[0]
    return found


def index(out: Path) -> List[Dict[str, object]]:
    """The cases in a folder, with their sizes."""
    folders = [path.parent for path in sorted(out.rglob("inputs.json"))]
    return [
        {
            "case": str(folder.relative_to(out)),
            "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        }
        for folder in folders
    ]


def main(arguments: List[str]) -> int:
    """Make what the options ask for; the exit status."""
    options = parse(arguments)
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        # Python reads its seed of hashes, and libraries their threads, when a process begins.
        command = [sys.executable, __file__, *arguments]
        os.execve(sys.executable, command, {**os.environ, **ENVIRONMENT})
    prepare(options)
    from golden.generation import Generation, Options
    from golden.writing import write_json

    began = time.time()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    run = Generation(
        Options(
            options.seed,
            out,
            options.match,
            options.small,
            options.traceback,
            options.lir,
            options.minilm,
            options.splade,
        )
    )
    only = [name for name in options.only.split(",") if name]
    if options.wheel:
        make(run, {WHEEL: "family_wheel"})
    else:
        make(run, {n: module for n, module in FAMILIES.items() if not only or n in only})
        write_json({"seed": options.seed, "versions": versions(options)}, out / "VERSIONS.json")
        if not only or WHEEL in only:
            make_wheel(arguments)
    cases = index(out)
    write_json(cases, out / "INDEX.json")
    run.close()
    for name, message in run.failed:
        print("FAILED", name, message)
    size = sum(int(str(case["bytes"])) for case in cases) / 1e6
    print(
        f"{len(run.written)} cases now; {len(cases)} in index; {size} MB; "
        f"{time.time() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
