#!/usr/bin/env python3
"""Does the time of lir-encode grow with the number of tokens, and its memory not?

    scaling.py --model DIR --docs TSV [--model-config JSON] [--tokens 1e3 1e4 ...] [--precision P]
    scaling.py --model DIR --docs TSV --two-threads [--rounds N]

The texts of the TSV go into the standard input over and over until there are enough tokens. A line
for each size: seconds of the processors with one thread, less those of the same command on
nothing; how far that is from the line through the origin and the largest size; the peak of the
resident memory. At the end the slope of log time over log tokens (1 is linear).

--two-threads takes turns between one thread and two on the same texts, and beside each turn runs
bench-peak with one and two, which shows how much of a second CPU there was: the efficiency is the
gain of two threads divided by that of the probe.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, List, NamedTuple

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lirt  # noqa: E402


class Usage(NamedTuple):
    """What a process used: seconds of the processors and of the clock, bytes of memory."""

    cpu: float
    wall: float
    peak: int


class Job:
    """lir-encode with a model, and the texts it is fed with."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.bin: Path = options.bin
        self.model: List[str] = ["--model", str(options.model), "--role", "doc"]
        if options.model_config:
            self.model += ["--model-config", options.model_config]
        self.encode = ["--precision", options.precision, "-q", "-o", os.devnull]
        self.texts = [line.split(b"\t", 1)[1]
                      for line in Path(options.docs).read_bytes().splitlines(keepends=True)]
        self.lengths = self.count_tokens(options.docs)

    def count_tokens(self, docs: Path) -> List[int]:
        """Tokens of each text, as the model gets them."""
        with tempfile.TemporaryDirectory() as folder:
            stream = Path(folder) / "tokens.lirt"
            subprocess.run([str(self.bin / "lir-tokenize"), *self.model, "-q", str(docs), "-o",
                            str(stream)], check=True)
            return [int(n) for segment in lirt.segments(str(stream))
                    for n in segment.tensors["offsets"][1:] - segment.tensors["offsets"][:-1]]

    def feed(self, pipe: IO[bytes], tokens: int) -> None:
        number = 0
        with pipe:
            while tokens > 0:
                at = number % len(self.texts)
                pipe.write(b"%d\t%s" % (number, self.texts[at]))
                tokens -= self.lengths[at]
                number += 1

    def run(self, tokens: int, threads: int) -> Usage:
        command: List[str] = [str(self.bin / "lir-encode"), *self.model, *self.encode, "--threads",
                              str(threads), "-"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert process.stdin is not None
        feeder = threading.Thread(target=self.feed, args=(process.stdin, tokens))
        feeder.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        feeder.join()
        if process.returncode != 0:
            sys.exit(f"scaling: {' '.join(command)}: exit status {process.returncode}")
        return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024)


def show_scaling(job: Job, sizes: List[int]) -> None:
    nothing = job.run(0, 1)
    rows = [(size, job.run(size, 1)) for size in sizes]
    seconds = [max(usage.cpu - nothing.cpu, 1e-9) for _, usage in rows]
    rate = seconds[-1] / rows[-1][0]
    print("| tokens | seconds | tokens/s | of the line | peak, MB |\n|---:|---:|---:|---:|---:|")
    for (size, usage), took in zip(rows, seconds):
        print(f"| {size:,} | {took:.3f} | {size / took:,.0f} | {took / (rate * size):.3f} "
              f"| {usage.peak / 1e6:.1f} |")
    print(f"\nslope of log seconds over log tokens: "
          f"{slope([math.log(s) for s in sizes], [math.log(s) for s in seconds]):.4f}; "
          f"starting and loading: {nothing.cpu:.3f} s, {nothing.peak / 1e6:.1f} MB")


def slope(x: List[float], y: List[float]) -> float:
    """Of the least squares line."""
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    return (sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
            / sum((a - mean_x) ** 2 for a in x))


def show_two_threads(job: Job, tokens: int, rounds: int, precision: str) -> None:
    def peak(threads: int) -> float:
        return float(subprocess.run([str(job.bin / "bench-peak"), precision, str(threads)],
                                    check=True, stdout=subprocess.PIPE, text=True).stdout)

    print("| gain of two threads | of the probe | efficiency |\n|---:|---:|---:|")
    efficiencies = []
    for _ in range(rounds):
        nothing = [job.run(0, threads).wall for threads in (1, 2)]
        before = peak(2) / peak(1)
        one, two = (job.run(tokens, threads).wall - idle
                    for threads, idle in zip((1, 2), nothing))
        probe = (before + peak(2) / peak(1)) / 2
        efficiencies.append(one / two / probe)
        print(f"| {one / two:.2f} | {probe:.2f} | {efficiencies[-1]:.2f} |", flush=True)
    print(f"\nmedian efficiency: {statistics.median(efficiencies):.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add: Any = parser.add_argument
    add("--model", type=Path, required=True)
    add("--model-config", metavar="JSON")
    add("--docs", type=Path, required=True)
    add("--tokens", type=float, nargs="+", default=[1e3, 1e4, 1e5, 1e6, 1e7])
    add("--precision", choices=["f32", "bf16", "int8"], default="f32")
    add("--two-threads", action="store_true", help="with the first of --tokens")
    add("--rounds", type=int, default=5)
    add("--bin", type=Path, default=Path(".build/release"))
    return parser.parse_args()


def main() -> None:
    options = arguments()
    job = Job(options)
    sizes = [int(size) for size in options.tokens]
    if options.two_threads:
        show_two_threads(job, sizes[0], options.rounds, options.precision)
    else:
        show_scaling(job, sizes)


if __name__ == "__main__":
    main()
