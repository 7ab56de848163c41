#!/usr/bin/env python3
"""Time and memory of lir-eval beside trec_eval and ir_measures, on a run of Q queries x D documents.

    bench_eval.py --trec-eval ../trec_eval/trec_eval [--queries 1000] [--depth 1000] [--rounds 5]

trec_eval should be built with -O2 (`make CFLAGS='-O2 -I. -DVERSIONID=\\"10\\"'`). The commands take turns,
and each ratio is of neighbours; medians are reported:

  all_trec  `trec_eval -m all_trec` and `lir-eval trec_eval -m all_trec`, with one thread and with two
  thirty    30 measures: `lir-eval` with one thread and with two, and `python -m ir_measures`

Wall time, processor time (user and system) and peak memory are those of the whole process, as the
kernel counts them. Prints JSON lines. Without ir_measures, or trec_eval, that part is left out, and
says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

THIRTY = """nDCG nDCG@5 nDCG@10 nDCG@20 nDCG@100 AP AP@10 AP@100 AP(rel=2) RR RR(rel=2) P@5 P@10 P@20
    P@100 P(rel=2)@10 R@10 R@100 R@1000 R(rel=2)@100 Rprec Bpref infAP SetP SetR SetF Success@1
    Success@10 IPrec@0.1 NumRelRet""".split()


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def make(folder: Path, queries: int, depth: int, seed: int) -> None:
    """A run with scores of six decimals, and about 100 judgements a query, half of them retrieved."""
    rng = random.Random(seed)
    with open(folder / "run", "w") as run, open(folder / "qrels", "w") as qrels:
        for query in range(queries):
            name = str(100000 + query * 7)
            docs = rng.sample(range(8841823), depth)
            score = 30.0
            for rank, doc in enumerate(docs):
                score -= rng.random() * 0.03
                run.write(f"{name} Q0 {doc} {rank + 1} {score:.6f} bench\n")
            judged = rng.sample(docs, min(50, depth)) + rng.sample(range(8841823), 50)
            for doc in dict.fromkeys(judged):
                qrels.write(f"{name} 0 {doc} {rng.choice([0, 0, 1, 1, 2, 3])}\n")


def measure(command: List[str], threads: int, output: Path) -> Dict[str, float]:
    """Wall and processor seconds, and peak memory in MB, of one call."""
    environment = dict(os.environ, LIR_THREADS=str(threads))
    with open(output, "wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"exit {process.returncode}: {' '.join(command)}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss_mb": usage.ru_maxrss / 1024}


def race(name: str, commands: Dict[str, List[str]], rounds: int, folder: Path) -> None:
    """Runs the commands in turns; the first is the peer that the others are compared with."""
    peer = next(iter(commands))
    found: Dict[str, List[Dict[str, float]]] = {key: [] for key in commands}
    for turn in range(rounds + 1):
        for key, command in commands.items():
            threads = int(key[-1]) if key[-1].isdigit() else 1
            values = measure(command, threads, folder / f"{key}.out")
            if turn > 0:  # the first warms the caches up
                found[key].append(values)
    for key, values in found.items():
        line: Dict[str, Any] = {"race": name, "what": key}
        for field in ("wall", "cpu", "rss_mb"):
            line[field] = round(statistics.median(value[field] for value in values), 4)
        if key != peer:
            for field in ("wall", "cpu", "rss_mb"):
                ratios = [a[field] / b[field] for a, b in zip(found[peer], values)]
                line[f"{field}_ratio"] = round(statistics.median(ratios), 2)
        say(**line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trec-eval", help="the program, built with -O2")
    parser.add_argument("--bin", type=Path, default=Path(".build/release"), help="where lir-eval is")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--depth", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    ours = str(options.bin / "lir-eval")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.queries, options.depth, options.seed)
        run, qrels = str(folder / "run"), str(folder / "qrels")
        if options.trec_eval:
            trec = ["-m", "all_trec", qrels, run]
            race("all_trec", {
                "trec_eval": [options.trec_eval] + trec,
                "lir-eval-1": [ours, "trec_eval"] + trec, "lir-eval-2": [ours, "trec_eval"] + trec,
            }, options.rounds, folder)
        else:
            say(skipped="trec_eval", reason="--trec-eval is missing")
        asked = [part for name in THIRTY for part in ("-m", name)]
        native = [ours, "-q", "--qrels", qrels, *asked, run]
        peers = {"lir-eval-1": native, "lir-eval-2": native}
        if importlib.util.find_spec("ir_measures"):
            peer = [sys.executable, "-m", "ir_measures", qrels, run] + THIRTY
            # One round of ir_measures takes as long as many of the others.
            race("thirty", {"ir_measures": peer, **peers}, max(1, options.rounds // 2), folder)
        else:
            say(skipped="ir_measures", reason="not installed")
            race("thirty", peers, options.rounds, folder)


if __name__ == "__main__":
    main()
