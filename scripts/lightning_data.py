"""The files that a training by Lightning IR reads, and what a run in a file has, by its name and its head.

For scripts/from-lightning-ir.
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any, Dict, List

from dataset_forms import names_a_file
from lightning_names import Mapping, Refusal, nothing_left, of_class


def is_file(value: Any) -> bool:
    """Whether a part of a local dataset is a file, rather than the id of a dataset that has it."""
    return Path(str(value)).is_file() or names_a_file(str(value))


class RunFile:
    """A run in a file, whose name says which collection it is of: SYSTEM__DATASET.run."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stem = path.rsplit("/", 1)[-1].split(".")[0]
        self.dataset = self.stem.split("__")[-1]
        #: Whether it is one of records with names, which fetch-dataset turns into lines of TREC.
        self.has_records = re.search(r"\.(jsonl?|parquet)\b", path) is not None
        columns = self.columns() if self.has_records else set()
        #: What it has of a dataset: Lightning IR takes the texts of such a run before those of another.
        self.parts = ["run"]
        if {"query", "text"} <= columns:
            self.parts += ["queries", "docs"]
            #: Whether its grades are beside the ranks; else those of its dataset are taken, where its name says one.
            self.has_grades = "relevance" in columns
            self.parts += ["qrels"] if self.has_grades or "__" in self.stem else []

    @staticmethod
    def is_one(name: str) -> bool:
        return Path(name).is_file() or re.search(r"\.(run|tsv|csv|jsonl?|parquet)(\.\w+)?$", name) is not None

    @property
    def is_judged(self) -> bool:
        """Whether there are judgements, of its own or of the dataset that has its texts."""
        return "qrels" in self.parts or self.parts == ["run"]

    def columns(self) -> "set[str]":
        """The names in its first record. An unseen file of JSON is taken for one with texts, as
        Lightning IR's guide shows them, and a parquet file for one without."""
        try:
            if ".parquet" in self.path:
                import pyarrow.parquet
                return set(pyarrow.parquet.read_schema(self.path).names)
            opener = gzip.open if self.path.endswith(".gz") else open
            with opener(self.path, "rt", encoding="utf-8") as file:
                first = json.loads(file.readline() if ".jsonl" in self.path else file.read())
            return set(first[0] if isinstance(first, list) else first)
        except (ImportError, OSError, ValueError, TypeError, IndexError):
            return set() if ".parquet" in self.path else {"query", "text", "relevance"}

    def configuration(self) -> List[str]:
        """The lines of a YAML file of what it has, for fetch-dataset."""
        own = {"path": self.path, "format": "ranking"}
        return [f"{part}: {json.dumps(own if part != 'qrels' or self.has_grades else self.dataset)}"
                for part in self.parts]

    @property
    def configured(self) -> str:
        """The name of that file."""
        return f"{self.stem}.ranking.yml"


class Files:
    """What the datasets of a training are, in the terms of lir-train."""

    def __init__(self, notes: List[str]) -> None:
        self.notes = notes
        #: Local datasets by their ids.
        self.local: Dict[str, Mapping] = {}

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def dataset(self, value: Any, what: str) -> Mapping:
        kind, args = of_class(value, what)
        if kind == "TupleDataset":
            if not isinstance(args.get("tuples_dataset"), str):
                raise Refusal(f"{what}: no tuples_dataset")
            result = self.tuples(args.pop("tuples_dataset"))
            for key in ("targets", "num_docs"):
                if args.get(key) is not None:
                    result[key] = args.pop(key)
        elif kind == "RunDataset":
            if args.get("run_path_or_id") is None:
                raise Refusal(f"{what}: no run_path_or_id")
            result = self.ranking(args.pop("run_path_or_id"))
            for ours, theirs in (
                ("depth", "depth"), ("sample_size", "sample_size"), ("sampling", "sampling_strategy"),
                ("targets", "targets"), ("normalize_targets", "normalize_targets"),
                ("add_docs_not_in_ranking", "add_docs_not_in_ranking"),
            ):
                if args.get(theirs) is not None:
                    result[ours] = args.pop(theirs)
        else:
            raise Refusal(f"{what}: {kind}")
        nothing_left(what, {k: v for k, v in args.items() if v is not None})
        return result

    def register(self, args: Mapping) -> None:
        """A local dataset: its files are what the configuration names."""
        name = args.pop("dataset_id", None)
        if not isinstance(name, str):
            raise Refusal("RegisterLocalDatasetCallback without dataset_id")
        names = {"docs": "docs", "queries": "queries", "qrels": "qrels", "docpairs": "tuples", "scoreddocs": "run"}
        args.pop("qrels_defs", None)
        self.local[name] = {names[key]: args.pop(key) for key in names if args.get(key) is not None}
        nothing_left("RegisterLocalDatasetCallback", args)

    def part(self, dataset: str, part: str) -> str:
        """A file that is there, or that scripts/fetch-dataset makes."""
        if dataset in self.local:
            value = self.local[dataset].get(part)
            if value is None:
                raise Refusal(f"{part} of {dataset}: RegisterLocalDatasetCallback has none")
            if is_file(value):
                return str(value)
            dataset = str(value)
        self.note(f"scripts/fetch-dataset --part {part} {dataset} datasets")
        return f"datasets/{dataset}/{part}.zst"

    def texts(self, dataset: str) -> Mapping:
        return {"queries": self.part(dataset, "queries"), "docs": self.part(dataset, "docs")}

    def tuples(self, name: str) -> Mapping:
        if Path(name).is_file():
            return {"tuples": name}
        result = {"tuples": self.part(name, "tuples"), **self.texts(name)}
        if not name.endswith("-docpairs"):
            result["format"] = "id_triples"
        return result

    def ranking(self, name: str) -> Mapping:
        if name in self.local:
            return {"run": self.part(name, "run"), **self.texts(name), "qrels": self.part(name, "qrels")}
        if RunFile.is_one(name):
            return self.of_file(RunFile(name))
        if "/rank-distillm/" in name:
            self.notes.append(f"{name} is an old name")
            name = name.replace("/rank-distillm/", "/rank-distillm-")
        return {"run": self.part(name, "run"), **self.texts(name), "qrels": self.part(name, "qrels")}

    def of_file(self, run: RunFile) -> Mapping:
        """A run in a file, with its own texts or those of its dataset."""
        result: Mapping = {"run": run.path}
        if run.has_records:
            lines = " ".join(shlex.quote(line) for line in run.configuration())
            self.note(f"printf '%s\\n' {lines} >{shlex.quote(run.configured)}")
            self.note(f"scripts/fetch-dataset {shlex.quote(run.configured)} datasets")
            for part in run.parts:
                result[part] = f"datasets/local/{run.stem}.ranking/{part}.zst"
        dataset = {key.replace("/", "-"): key for key in self.local}.get(run.dataset, run.dataset)
        if "docs" not in result:
            result.update(self.texts(dataset))
        if run.parts == ["run"] and "qrels" in self.local.get(dataset, {"qrels": ""}):
            result["qrels"] = self.part(dataset, "qrels")
        return result
