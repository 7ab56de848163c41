"""Predict a whole study: what `plan --study` does.

The study itself runs on three samples of each collection, by pipelines/study.mk with the same options, in a folder that
is removed: each of its jobs then has three measurements, by what its tools said at their ends and by the files that it left.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from operator import attrgetter
from pathlib import Path
from typing import Any, Callable, Dict, IO, List, NamedTuple, Optional, Tuple

import stopping

HERE = Path(__file__).resolve().parent
MARGIN = 1.5
#: Options of study.mk that are the planner's.
OWN = re.compile(r"(OUT|DATASETS|BIN|RUN|WAIT|SAME_DOCS|SHARDS(_.*)?|JOBS?_.*)=")


class Failure(Exception):
    """What cannot be done, and the exit status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Collection(NamedTuple):
    """A collection, as study.mk describes it: its name, its folder, the one whose documents it has, its files."""

    name: str
    plain: str
    home: str
    docs: Path
    queries: Path
    qrels: Path
    run: Path


class Texts(NamedTuple):
    """Samples are taken of these files, which stand for so many documents and queries."""

    docs: Path
    queries: Path
    sample: int
    documents: int
    asked: int


class Size(NamedTuple):
    """How much there is: documents, queries, lines of a run, pairs that are ranked again."""

    docs: int
    queries: int
    hits: int
    pairs: int


class Cost(NamedTuple):
    """Seconds, megabytes of memory, bytes on disk."""

    seconds: float
    memory: float
    disk: float


Growth = Callable[[Size], float]


class Part(NamedTuple):
    """A part of a job: its logs and files, with what its time and memory grow, and its disk."""

    logs: str
    files: List[str]
    grows: Growth
    keeps: Growth
    leaves: Growth


of_docs, of_queries, of_hits, of_pairs = map(attrgetter, ("docs", "queries", "hits", "pairs"))


def of_block(size: Size) -> float:
    """Records that tools take at a time: their memory is full then."""
    return min(size.docs, 1024)


def of_both(size: Size) -> float:
    return size.docs * size.queries


class Job(NamedTuple):
    """A job of the study, as its goal `jobs` lists it: stage, collection, model, kind; number of shards."""

    name: str
    stage: str
    collection: str
    model: str
    kind: str
    is_array: bool

    def parts(self) -> List[Part]:
        """What it does; nothing for what is not measured (fetching, the table)."""
        def docs(log: str, *files: str) -> Part:
            return Part(log, list(files), of_docs, of_docs, of_docs)

        def blocks(log: str, *files: str) -> Part:
            return Part(log, list(files), of_docs, of_block, of_docs)

        def asked(log: str, *files: str) -> Part:
            return Part(log, list(files), of_both, of_docs, of_hits)
        kind = self.kind
        return {
            "bm25": [docs("bm25.index", "bm25"), asked("bm25.search", "bm25.run")],
            "tokens": [blocks("encode.tokens", "docs.tokens.zst"),
                       Part("encode.queries", ["queries.lirt"], of_queries, of_queries, of_queries)],
            "docs": [blocks("encode.docs-*", "docs")], "join": [blocks("encode.join", "docs.lirt.zst")],
            "codebook": [docs(f"{kind}.codebook", f"{kind}.codebook")],
            "parts": [docs(f"{kind}.part-*", f"{kind}.parts")], "index": [docs(f"{kind}.index", kind)],
            "search": [asked(f"{kind}.search", f"{kind}.run")],
            "second": [Part("rerank.second-*", ["rerank/second"], of_pairs, of_docs, of_pairs)],
            "rerank": [Part("", ["rerank.run"], of_pairs, of_queries, of_pairs)],
        }.get(self.stage, [])


# --- what there is


class Study:
    """The study that is planned."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.arguments = [a for a in options.assignments if not OWN.match(a)]
        given = dict(a.split("=", 1) for a in options.assignments)
        self.datasets = given.get("DATASETS", "datasets")
        installed = HERE.parent / "share" / "lir" / "pipelines"
        pipelines = next(p for p in (HERE.parent / "pipelines", HERE / "pipelines", installed) if p.exists() or p == installed)
        self.make = ["make", "--no-print-directory", "-f", str(pipelines / "study.mk"),
                     *([f"BIN={options.bin or given['BIN']}"] if options.bin or "BIN" in given else []), *self.arguments]
        asked = [f"DATASETS={self.datasets}", *([f"SAME_DOCS={given['SAME_DOCS']}"] if "SAME_DOCS" in given else [])]
        self.collections: List[Collection] = []
        self.depth, self.rerank_depth, self.is_official = 1000, 100, False
        for line in self.said(*asked, "described"):
            kind, *rest = line.split("\t")
            if kind == "ranked":
                self.depth, self.rerank_depth, self.is_official = int(rest[0]), int(rest[1]), rest[2] == "dataset"
            elif kind == "collection":
                name, plain, home, docs, queries, qrels, run = rest
                self.collections.append(Collection(name, plain, home, *map(Path, (docs, queries, qrels, run))))
        self.same = " ".join(f"{c.name}={c.home}" for c in self.collections if c.home != c.name) or "none"
        names = sorted((c.plain for c in self.collections), key=len, reverse=True)
        self.jobs = []
        for line in self.said(*asked, "jobs"):
            name, _, _, made = line.split("\t")
            stage, _, rest = name.partition(".")
            plain = next((n for n in names if rest == n or rest.startswith(n + ".")), "")
            # A model's name may have dots; what a job makes tells it apart from the kind of index.
            folder = made.split()[0].split(f"/{plain}/", 1)[-1].split("/") if plain else []
            model = folder[0] if len(folder) > 1 and stage != "bm25" else ""
            kind = rest[len(plain) + len(model) + 2:] if model else ""
            self.jobs.append(Job(name, stage, plain, model, kind, "%" in made))

    def said(self, *arguments: str) -> List[str]:
        """What make prints."""
        done = subprocess.run([*self.make, "-s", "OUT=planned", *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Failure(64, "study.mk does not take these options: see above")
        return done.stdout.splitlines()

    def texts(self) -> Dict[str, Texts]:
        """Where texts come from, by the names of collections."""
        found: Dict[str, Texts] = {}
        given = dict(text.split("=", 1) for text in self.options.texts)
        for c in self.collections:
            if c.name in given:
                docs, queries, *counts = given.pop(c.name).split(",")
                paths, numbers = (Path(docs), Path(queries)), [int(n) for n in counts]
            else:
                home = next(h for h in self.collections if h.name == c.home)
                paths = (found[home.name].docs if home.name in found else c.docs, c.queries)
                numbers = [found[home.name].documents] if home.name in found else []
            for path in paths:
                if not path.exists():
                    raise Failure(66, f"{c.name}: {path}: no such file; `make -f study.mk ... prepare` fetches it, or "
                                      f"--texts {c.name}=DOCS,QUERIES,DOCUMENTS,QUERIES says what stands for it")
            sample, asked = count_lines(paths[0]), count_lines(paths[1])
            found[c.name] = Texts(*paths, sample, *(numbers + [sample, asked][len(numbers):])[:2])
        if given:
            raise Failure(64, f"--texts: {', '.join(given)}: no collection of the study")
        return found


def opened(path: Path) -> IO[bytes]:
    """A file of lines, decompressed where its name says that it is not plain."""
    programs = {".zst": "zstd", ".gz": "gzip", ".lz4": "lz4"}
    if path.suffix not in programs:
        return open(path, "rb")
    process = subprocess.Popen([programs[path.suffix], "-qdc", str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process.stdout


def count_lines(path: Path) -> int:
    with opened(path) as lines:
        return sum(1 for _ in lines)


def taken(path: Path, total: int, wanted: int) -> List[bytes]:
    """So many of the lines of a file, evenly over all."""
    found: List[bytes] = []
    with opened(path) as lines:
        for number, line in enumerate(lines):
            if (number + 1) * wanted // total > len(found):
                found.append(line)
    return found


def id_of(line: bytes) -> str:
    """The id of a record, in JSON or columns."""
    text = line.decode("utf-8")
    if not text.startswith("{"):
        return text.split("\t", 1)[0]
    record = json.loads(text)
    return str(next(record[key] for key in ("_id", "id", "docid", "docno", "doc_id", "pid", "qid", "query_id") if key in record))


# --- measurement


class Sample:
    """The study on a part of its texts, in a folder."""

    def __init__(self, study: Study, texts: Dict[str, Texts], folder: Path, docs: int, queries: int) -> None:
        self.study, self.out = study, folder / "out"
        self.sizes: Dict[str, Size] = {}
        datasets = folder / "datasets"
        ids: Dict[str, List[str]] = {}
        for c in sorted(study.collections, key=lambda c: c.home != c.name):
            source = texts[c.name]
            if c.home == c.name:
                lines = taken(source.docs, source.sample, min(docs, source.sample))
                ids[c.name] = [id_of(line) for line in lines[:max(study.rerank_depth, 2)]]
                self.write(datasets, c.docs, lines)
                self.sizes[c.name] = Size(len(lines), 0, 0, 0)
            asked = taken(source.queries, max(source.asked, 1), min(queries, source.asked))
            self.write(datasets, c.queries, asked)
            names, candidates = [id_of(line) for line in asked], ids[c.home]
            self.write(datasets, c.qrels, [f"{q} 0 {candidates[0]} 1\n".encode() for q in names])
            depth = min(study.rerank_depth, study.depth, len(candidates))
            self.write(datasets, c.run, [f"{q} Q0 {d} {n + 1} {-n} plan\n".encode()
                                         for q in names for n, d in enumerate(candidates[:depth])])
            found = self.sizes[c.home].docs
            self.sizes[c.name] = Size(found, len(asked), min(found, study.depth) * len(asked), depth * len(asked))
        with tempfile.TemporaryFile() as log:
            # As many candidates as are ranked again, which no first run may find in so few documents.
            more = ["FIRST=dataset", *(["BM25=yes"] if any(job.stage == "bm25" for job in study.jobs) else [])]
            if stopping.run([*study.make, *more, f"OUT={self.out}", f"DATASETS={datasets}", f"SAME_DOCS={study.same}",
                             "runs"], stdout=log, stderr=log, env=dict(os.environ, LIR_THREADS=str(study.options.cpus))):
                log.seek(0)
                tail = b"\n".join(log.read().splitlines()[-8:]).decode("utf-8", "replace")
                raise Failure(70, f"the study on {docs} documents failed:\n{tail}")

    def write(self, datasets: Path, path: Path, lines: List[bytes]) -> None:
        target = datasets / path.relative_to(self.study.datasets)
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["zstd", "-q", "-f", "-o", str(target)], input=b"".join(lines), check=True)

    def cost(self, job: Job, part: Part) -> Cost:
        """What the part of a job took."""
        top = self.out / job.collection / job.model
        seconds, memory = [0.0], [0.0]
        for log in sorted((top / "logs").glob(part.logs + ".log")) if part.logs else []:
            for match in DONE.finditer(log.read_text("utf-8", "replace")):
                seconds.append(float(match[1]))
                memory.append(float(match[2]))
        # Two tools in a pipe run at once.
        piped = part.logs == "encode.queries"
        disk = sum(p.stat().st_size for f in part.files for p in [top / f, *(top / f).rglob("*")] if p.is_file())
        return Cost(max(seconds) if piped else sum(seconds), sum(memory) if piped else max(memory), disk)


DONE = re.compile(r"lir-[a-z]+: done .*?\bseconds=([\d.]+).*?\bpeak_rss_mb=([\d.]+)")


def line(small: float, large: float, at_small: float, at_large: float, at: float) -> float:
    """A straight line through two measurements, which does not fall."""
    slope = max(0.0, (at_large - at_small) / (large - small)) if large > small else 0.0
    return max(0.0, at_small - slope * small) + slope * at


def memory_at(half: float, whole: float, sizes: List[float], at: float) -> float:
    """Memory at another size, by that of half a sample and of all of it. Tools say whole megabytes: two are no growth."""
    return line(sizes[1], sizes[2], half, whole, at) if whole - half > 2 else max(half, whole)


def predicted(study: Study, samples: List[Sample], targets: Dict[str, Size]) -> Dict[str, Cost]:
    """The cost of each job, by those of the samples: hardly anything, half, all. Memory grows as from the half to all, but
    by no more than all that there is of the model on disk, which is what can be mapped."""
    found: Dict[str, Cost] = {}
    by_plain = {c.plain: c for c in study.collections}
    mapped: Dict[Tuple[str, str], float] = {}
    for job in study.jobs:
        name = by_plain[job.collection].name if job.collection else ""
        parts = []
        for part in job.parts():
            costs, target = [s.cost(job, part) for s in samples], targets[name]
            sizes = [s.sizes[name] for s in samples]

            def at(growth: Growth, field: str) -> float:
                return line(growth(sizes[0]), growth(sizes[2]), getattr(costs[0], field), getattr(costs[2], field), growth(target))
            memory = memory_at(costs[1].memory, costs[2].memory, [part.keeps(size) for size in sizes], part.keeps(target))
            if part.keeps is of_block:
                # Hashes of ids, of at most 2^23 records.
                memory += 16 * (min(target.docs, 1 << 23) - sizes[2].docs) / (1 << 20)
            parts.append(Cost(at(part.grows, "seconds"), memory, at(part.leaves, "disk")))
        if parts:
            found[job.name] = total(parts)
            cell = (by_plain[job.collection].home, job.model)
            mapped[cell] = mapped.get(cell, 0) + found[job.name].disk
    for job in study.jobs:
        if job.name in found:
            seen = max(samples[2].cost(job, part).memory for part in job.parts())
            most = seen + mapped[by_plain[job.collection].home, job.model] / 1e6
            found[job.name] = found[job.name]._replace(memory=min(found[job.name].memory, most))
    return found


def measured(study: Study, sample: Sample) -> Dict[str, Cost]:
    return {job.name: total([sample.cost(job, part) for part in job.parts()]) for job in study.jobs if job.parts()}


def total(costs: List[Cost]) -> Cost:
    return Cost(sum(c.seconds for c in costs), max((c.memory for c in costs), default=0.0), sum(c.disk for c in costs))


# --- what is said


def span(seconds: float) -> str:
    """Time as sbatch takes it: hours, minutes, seconds."""
    whole = max(60, math.ceil(seconds))
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def shards_of(study: Study, costs: Dict[str, Cost], hours: float) -> Dict[str, int]:
    """The least number of tasks for each collection of which none takes longer."""
    found = {c.plain: 1 for c in study.collections}
    for job in study.jobs:
        if job.is_array:
            found[job.collection] = max(found[job.collection], math.ceil(costs[job.name].seconds / (hours * 3600)))
    return found


def table(head: List[str], rows: List[List[str]], texts: int) -> List[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join(cell.ljust(w) if i < texts else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
            for row in [head, *rows]]


def numbers(cost: Cost, longest: float, cpus: int) -> List[str]:
    return [f"{cost.seconds * cpus / 3600:.3f}", f"{longest / 3600:.3f}", f"{cost.memory:.0f}", f"{cost.disk / 1e9:.3f}"]


HEAD = ["cpu hours", "longest task", "memory MB", "disk GB"]


def report(study: Study, costs: Dict[str, Cost], shards: Dict[str, int]) -> List[str]:
    """A table of cells, one of stages, and what to tell make."""
    cpus = study.options.cpus
    jobs = [job for job in study.jobs if job.name in costs]

    def tasks(job: Job) -> int:
        return shards[job.collection] if job.is_array else 1

    def row(some: List[Job]) -> List[str]:
        return numbers(total([costs[j.name] for j in some]), max(costs[j.name].seconds / tasks(j) for j in some), cpus)
    cells: Dict[Tuple[str, str, str], List[Job]] = {}
    stages: Dict[str, List[Job]] = {}
    for job in jobs:
        what = "bm25" if job.stage == "bm25" else "rerank" if job.stage in ("second", "rerank") else job.kind or "encode"
        cells.setdefault((job.collection, job.model, what), []).append(job)
        stages.setdefault(job.stage, []).append(job)
    out = table(["collection", "model", "index", *HEAD], [[*key, *row(some)] for key, some in sorted(cells.items())]
                + [["all", "", "", *row(jobs)]], 3)
    out += ["", *table(["stage", "jobs", "tasks", *HEAD], [
        [stage, str(len(some)), str(sum(map(tasks, some))), *row(some)] for stage, some in stages.items()], 1), ""]
    names = {c.plain: c.name for c in study.collections}
    words = [f"SHARDS_{names[c]}={n}" for c, n in shards.items() if n > 1] + [f"JOB_CPUS={cpus}"]
    for stage, some in stages.items():
        words.append(f"JOB_TIME_{stage}={span(MARGIN * max(costs[j.name].seconds / tasks(j) for j in some))}")
        words.append(f"JOB_MEMORY_{stage}={max(100, math.ceil(MARGIN * max(costs[j.name].memory for j in some)))}M")
    return [*out, "make RUN=slurm " + " ".join(words)]


def checked(study: Study, truth: Dict[str, Cost], guess: Dict[str, Cost]) -> List[str]:
    """How far predictions were from a run, a line a stage."""
    def off(found: float, real: float) -> str:
        return f"{100 * (found / real - 1):+.0f}%" if real else "-"
    rows = []
    for stage in [*dict.fromkeys(job.stage for job in study.jobs if job.name in truth), "all"]:
        names = [job.name for job in study.jobs if job.name in truth and stage in ("all", job.stage)]
        real, found = total([truth[n] for n in names]), total([guess[n] for n in names])
        rows.append([stage, f"{real.seconds:.2f}", off(found.seconds, real.seconds), f"{real.memory:.0f}",
                     off(found.memory, real.memory), f"{real.disk / 1e6:.2f}", off(found.disk, real.disk)])
    return table(["stage", "seconds", "off", "memory MB", "off", "disk MB", "off"], rows, 1)


def parse(arguments: List[str], description: Optional[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="plan --study", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="*", metavar="OPTION=VALUE", help="what study.mk is told")
    parser.add_argument("--sample-size", type=int, default=1000, help="documents of each collection in the sample (1000)")
    parser.add_argument("--sample-queries", type=int, default=30, help="queries of each in the sample (30)")
    parser.add_argument("--texts", action="append", default=[], metavar="COLLECTION=DOCS,QUERIES[,DOCUMENTS[,QUERIES]]",
                        help="files that stand for texts which are not fetched, and how many those are in all")
    parser.add_argument("--cpus", type=int, default=4, help="processors of a task (4)")
    parser.add_argument("--task-hours", type=float, default=4, help="longest a task of an array may take (4)")
    parser.add_argument("--check", type=int, metavar="K", help="run K times the sample, too, and compare")
    parser.add_argument("--json", action="store_true", help="print the prediction as JSON")
    parser.add_argument("--bin", type=Path, help="folder of the tools (PATH)")
    parser.add_argument("--tmp-dir", type=Path, help="folder of scratch files ($TMPDIR)")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:
        raise SystemExit(64 if end.code else 0) from None
    for text in options.assignments:
        if not re.match(r"[^=\s]+=", text):
            raise Failure(64, f"{text}: expected OPTION=VALUE, as make takes it")
    for text in options.texts:
        if not re.fullmatch(r"[^=]+=[^,]+,[^,]+(,[1-9]\d*){0,2}", text):
            raise Failure(64, f"--texts: {text}: expected COLLECTION=DOCS,QUERIES[,DOCUMENTS[,QUERIES]]")
    if options.sample_size < 4:
        raise Failure(64, f"a sample of {options.sample_size} documents tells nothing")
    return options


def main(arguments: List[str], description: Optional[str] = None) -> int:
    options = parse(arguments, description)
    study = Study(options)
    texts = study.texts()
    n, asked = options.sample_size, options.sample_queries
    with tempfile.TemporaryDirectory(prefix="lir-plan.", dir=options.tmp_dir) as top:
        def sample(name: str, docs: int, queries: int) -> Sample:
            return Sample(study, texts, Path(top) / name, docs, queries)
        samples = [sample("least", max(2, n // 100), 1), sample("half", n // 2, max(1, asked // 2)), sample("all", n, asked)]
        targets = {}
        for c in study.collections:
            size = texts[c.name]
            depth = min(study.rerank_depth, study.depth, size.documents)
            pairs = count_pairs(c.run, depth) if study.is_official and c.run.exists() else depth * size.asked
            targets[c.name] = Size(size.documents, size.asked, min(size.documents, study.depth) * size.asked, pairs)
        costs = predicted(study, samples, targets)
        comparison: List[str] = []
        if options.check:
            larger = sample("check", n * options.check, asked * options.check)
            size = max(larger.sizes.values())
            comparison = [f"{size.docs} documents, measured, and how far the prediction is:",
                          *checked(study, measured(study, larger), predicted(study, samples, larger.sizes))]
    shards = shards_of(study, costs, options.task_hours)
    if options.json:
        value: Dict[str, Any] = {"collections": {c.name: targets[c.name]._asdict() for c in study.collections},
                                 "shards": {c.name: shards[c.plain] for c in study.collections},
                                 "jobs": {name: cost._asdict() for name, cost in costs.items()}}
        print(json.dumps(value))
    else:
        for c in study.collections:
            size = targets[c.name]
            print(f"{c.name}: {size.docs} documents, {size.queries} queries, {size.pairs} pairs a re-ranker"
                  + (f"; the documents of {c.home}" if c.home != c.name else ""))
        print("\n".join(["", *report(study, costs, shards), *comparison]))
    return 0


def count_pairs(run: Path, depth: int) -> int:
    """How many pairs of a run are ranked again."""
    counts: Dict[bytes, int] = {}
    with opened(run) as lines:
        for text in lines:
            query = text.split(None, 1)[0]
            counts[query] = counts.get(query, 0) + 1
    return sum(min(depth, n) for n in counts.values())


if __name__ == "__main__":
    sys.exit("plan --study is the command")
