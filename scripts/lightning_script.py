"""What Lightning IR's `index`, `search` and `re_rank` do, as a shell script of the tools.

For scripts/from-lightning-ir. Names of indexes and runs are Lightning IR's: INDEX_DIR/DATASET, of the
dataset that has the documents, and SAVE_DIR/DATASET.run, with dashes for slashes.
"""

from __future__ import annotations

import json
import shlex
from typing import Any, List, Optional, Tuple

from lightning_data import RunFile
from lightning_names import (
    INDEX_FLAGS, INDEX_TYPES, INDEX_WITHOUT_EFFECT, LIST_FLAGS, Mapping, PRETRAINED, PRETRAINED_FIELDS,
    QUIET_CALLBACKS, READ_TWICE, Refusal, SEARCH_FLAGS, SEARCH_TYPES, STALE_FIELDS, model_name, model_type, nothing_left,
    of_class, old_name, settings_of, several, within)

COMMANDS = ["fit", "index", "search", "re_rank"]
#: Callbacks that say which command a configuration is of.
CALLBACKS = {"IndexCallback": "index", "SearchCallback": "search", "ReRankCallback": "re_rank"}
#: What older releases had for both of the latter.
EITHER = "RankCallback"
#: Arguments of callbacks that say what is made; `overwrite`, `use_gpu` and `verbose` are taken before.
ARGUMENTS = {"index": {"index_dir", "index_name", "index_config"}, "re_rank": {"save_dir", "run_name"},
             "search": {"index_dir", "index_name", "search_config", "save_dir", "run_name"}}
DATASETS = {"DocDataset": "index", "QueryDataset": "search", "RunDataset": "re_rank"}
#: Keys of a training that the other commands do not look at.
OF_TRAINING = {"max_steps", "max_epochs", "min_steps", "min_epochs", "max_time", "val_check_interval",
               "accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm"}

HEAD = """\
set -euo pipefail

datasets=${DATASETS:-datasets}
# tool NAME: what is installed, or the script of a checkout.
tool() { command -v "lir-$1" || echo "${LIR_SCRIPTS:-scripts}/$1"; }
fetch() { "$(tool fetch-dataset)" "$@" "$datasets"; }
# dashed NAME: the dataset that has the documents of this one, with dashes.
dashed() { "$(tool fetch-dataset)" --owner docs "$1" "$datasets" | tr / -; }
"""
#: What takes the queries of a run that have documents enough, up to a rank.
ENOUGH = """
# enough SIZE DEPTH: the lines of a run to this depth (-1: all) of queries that have so many documents.
enough() {
  awk -v size="$1" -v depth="$2" '
    (depth < 0 || $4 <= depth) && !(($1, $3) in seen) { seen[$1, $3]; count[$1]++; query[NR] = $1; line[NR] = $0 }
    END { for (i = 1; i <= NR; i++) if (i in line && count[query[i]] >= size) print line[i] }'
}""".splitlines()
#: What takes the queries of a run that have judgements.
WITH_JUDGEMENTS = """
# with_judgements NAME FOLDER: the lines of a run of queries that the dataset has judgements of; all where it has none.
with_judgements() {
  if fetch --list "$1" | grep -x qrels >/dev/null; then
    fetch --part qrels "$1" >&2
    awk 'FILENAME != "-" { judged[$1]; next } $1 in judged' <(zstd -dcfq -- "$2/qrels.zst") -
  else
    cat
  fi
}""".splitlines()


def callbacks_of(source: Mapping) -> List[Tuple[str, Mapping]]:
    trainer = source.get("trainer") or {}
    given = trainer.get("callbacks") if isinstance(trainer, dict) else None
    return [of_class(c, "trainer.callbacks") for c in several(given)]


def datasets_of(source: Mapping) -> List[Any]:
    data = source.get("data") or {}
    args = data.get("init_args", data) if isinstance(data, dict) else {}
    return list((args or {}).get("inference_datasets") or [])


def command_of(source: Mapping) -> str:
    """The command that a configuration is for."""
    for name, _ in callbacks_of(source):
        if name in CALLBACKS:
            return CALLBACKS[name]
    old = any(name == EITHER for name, _ in callbacks_of(source))
    if source.get("optimizer") is None:
        for dataset in datasets_of(source):
            name = of_class(loosened(dataset), "data.inference_datasets")[0]
            if name in DATASETS:
                return DATASETS[name]
    if old:
        raise Refusal(f"{EITHER} without datasets; --command says what it is for")
    return "fit"


def loosened(value: Any) -> Any:
    """A class whose arguments stand beside an empty `init_args`, as in a page of the documentation."""
    if isinstance(value, dict) and not value.get("init_args"):
        extra = {k: v for k, v in value.items() if k not in ("class_path", "init_args")}
        if extra:
            return {"class_path": value.get("class_path"), "init_args": extra}
    return value


class Script:
    """One configuration on its way."""

    def __init__(self, command: str, source: Mapping, name: Optional[str], place: str) -> None:
        self.command, self.source, self.name, self.place = command, dict(source), name, place
        self.notes: List[str] = []
        self.lines: List[str] = []
        self.local: Mapping = {}
        self.settings: Mapping = {}
        self.flags = ""
        self.metrics: List[str] = []

    def text(self) -> str:
        self.source.pop("seed_everything", None)
        with within("trainer"):
            trainer = dict(self.source.pop("trainer", None) or {})
            callbacks = callbacks_of({"trainer": trainer})
        trainer.pop("callbacks", None)
        model, data = self.source.pop("model", None), self.source.pop("data", None)
        if self.source.get("ckpt_path") is not None:
            raise Refusal("ckpt_path: the tools take weights from folders of models; --model names one")
        for key in ("optimizer", "lr_scheduler", "weights_only"):
            if self.source.pop(key, None) is not None:
                self.notes.append(f"{key} is for training alone")
        self.source.pop("verbose", None)  # whether measures are printed, which lir-eval does
        left = sorted(key for key, value in self.source.items() if value is not None)
        if left:
            raise Refusal(", ".join(left))
        if model is None or data is None:
            raise Refusal(f"{self.command} without model or data")
        with within("trainer"):
            self.trainer(trainer)
        with within("model"):
            self.model(model)
        with within("trainer.callbacks"):
            self.callbacks(callbacks)
        with within("data"):
            self.data(data)
        return self.written()

    def written(self) -> str:
        head = ["#!/usr/bin/env bash", f"# What Lightning IR's {self.command} does by {self.place}."]
        head += [f"# {note}" for note in dict.fromkeys(self.notes)]
        return "\n".join(head) + "\n" + HEAD + "\n".join(self.lines) + "\n"

    # MARK: sections

    def trainer(self, args: Mapping) -> None:
        precision = str(args.pop("precision", None) or "32")
        if precision in ("bf16-mixed", "bf16-true", "bf16"):
            self.flags = " --precision bf16"
        elif precision not in ("32", "32-true"):
            self.notes.append(f"Lightning IR would compute in {precision}; the tools do in f32")
        nothing_left("trainer", {k: v for k, v in args.items() if k not in OF_TRAINING})

    def model(self, value: Any) -> None:
        module, args = of_class(value, "model")
        if module not in ("BiEncoderModule", "CrossEncoderModule"):
            raise Refusal(f"model: {module}")
        if module == "CrossEncoderModule" and self.command != "re_rank":
            raise Refusal(f"{self.command} with a CrossEncoderModule")
        given = args.pop("model_name_or_path", None)
        name = model_name(given, self.name)
        self.settings = settings_of(name)
        # Of a search by RankCallback, the module says where.
        self.index_path, self.search_config = args.pop("index_dir", None), args.pop("search_config", None)
        config = args.pop("config", None)
        if config is not None:
            kind, fields = of_class(config, "model.config")
            ours, note = model_type(kind, "model.config")
            self.notes += [note] if note else []
            for key in sorted(fields):
                if key in STALE_FIELDS:
                    self.notes.append(f"model.config.{key} is passed over: no release knows it")
                elif key in PRETRAINED_FIELDS:
                    if fields[key] not in (None, False) and fields[key] != PRETRAINED.get(key):
                        raise Refusal(f"model.config.{key}")
                elif "adapter" in key:
                    if fields[key]:
                        raise Refusal(f"model.config.{key}: --adapter of the tools names a folder")
                else:
                    self.settings[key] = fields[key]
            self.settings = {"model_type": ours, **self.settings}
        self.metrics = [m for m in args.pop("evaluation_metrics", None) or [] if m != "loss"]
        if args.pop("loss_functions", None):
            self.notes.append("loss_functions are for training alone")
        nothing_left("model", args)
        self.lines += ["", f"model={shlex.quote(name)}"]
        if not name.startswith(("/", ".", "~")):
            self.lines += ['[ -e "$model/config.json" ] || [ -e "$model/modules.json" ] ||',
                           f'  "$(tool fetch-model)" {shlex.quote(name)} "$model"']
        self.opened = '--model "$model"'
        if self.settings:
            self.opened += f" --model-config {shlex.quote(json.dumps(self.settings))}"

    def callbacks(self, callbacks: List[Tuple[str, Mapping]]) -> None:
        self.arguments: Mapping = {}
        found: List[str] = []
        for name, args in callbacks:
            if name in found:
                raise Refusal(f"trainer.callbacks: {name} twice: a configuration for each")
            if name == "RegisterLocalDatasetCallback":
                self.register(args)
            elif name == EITHER and self.command in ("search", "re_rank"):
                self.arguments, found = {**args, **self.arguments}, [*found, name]
            elif CALLBACKS.get(name) == self.command:
                self.arguments, found = {**self.arguments, **args}, [*found, name]
            elif name in CALLBACKS:
                raise Refusal(f"trainer.callbacks: {name} beside {self.command}")
            elif name not in QUIET_CALLBACKS and name != "ModelCheckpoint":
                raise Refusal(f"trainer.callbacks: {name}")
        if not found and self.command != "re_rank":
            raise Refusal(f"{self.command} without its callback")
        self.guarded = not self.arguments.pop("overwrite", False)
        if self.arguments.pop("use_gpu", None):
            self.notes.append("use_gpu: the tools search on CPUs")
        self.arguments.pop("verbose", None)
        nothing_left("trainer.callbacks", {k: v for k, v in self.arguments.items() if k not in ARGUMENTS[self.command]})

    def register(self, args: Mapping) -> None:
        """A local dataset, whose YAML file the script writes."""
        name = args.get("dataset_id")
        if not name:
            raise Refusal("RegisterLocalDatasetCallback without dataset_id")
        file = f"{name.replace('/', '-')}.yml"
        self.local[name] = file
        order = sorted(args, key=lambda key: ("dataset_id docs".split() + [key]).index(key))
        parts = [f"{key}: {json.dumps(args[key])}" for key in order if args[key] is not None]
        self.lines += ["", f"cat >{shlex.quote(file)} <<'END'", *parts, "END"]

    def data(self, value: Any) -> None:
        if isinstance(value, dict) and "class_path" not in value:
            value = {"class_path": "LightningIRDataModule", "init_args": value}
        name, args = of_class(value, "data")
        if name != "LightningIRDataModule":
            raise Refusal(f"data: {name}")
        datasets = args.pop("inference_datasets", None) or []
        for key in ("train_dataset", "train_batch_size", "shuffle_train"):
            if args.pop(key, None) is not None:
                self.notes.append(f"data.{key} is for training alone")
        nothing_left("data", args)
        if not datasets:
            raise Refusal(f"{self.command} without inference_datasets")
        for i, dataset in enumerate(datasets):
            if loosened(dataset) is not dataset:
                self.notes.append(f"data.inference_datasets.{i}: arguments beside init_args are taken as in it")
            kind, fields = of_class(loosened(dataset), f"data.inference_datasets.{i}")
            if DATASETS.get(kind) != self.command:
                raise Refusal(f"data.inference_datasets.{i}: {kind} with {self.command}")
            with within(f"data.inference_datasets.{i}"):
                getattr(self, self.command)(fields, f"data.inference_datasets.{i}")

    # MARK: commands

    def folder(self, dataset: str) -> Tuple[str, str]:
        """How fetch-dataset is told of a dataset, and the folder that it makes, for the shell."""
        file = self.local.get(dataset)
        if file is None:
            return shlex.quote(dataset), f'"$datasets"/{shlex.quote(dataset)}'
        return shlex.quote(file), f'"$datasets"/local/{shlex.quote(file[:-len(".yml")])}'

    def guard(self, output: str) -> str:
        return f"[ -e {output} ] || " if self.guarded else ""

    def index_of(self, dataset: str) -> str:
        """The line that says where an index is."""
        if self.index_path is not None and "index_dir" not in self.arguments and self.command == "search":
            return f"index={shlex.quote(str(self.index_path).rstrip('/'))}"
        top = self.arguments.get("index_dir")
        top = '"$model"/indexes' if top is None else shlex.quote(str(top).rstrip("/"))
        name = self.arguments.get("index_name")
        if name is not None:
            return f"index={top}/{shlex.quote(name)}"
        if dataset in self.local:
            return f"index={top}/{shlex.quote(dataset.replace('/', '-'))}"
        return f'index={top}/"$(dashed {shlex.quote(dataset)})"'

    def index(self, args: Mapping, what: str) -> None:
        dataset = self.dataset_of(args, "doc_dataset", what)
        kind, fields = of_class(self.arguments.get("index_config"), "index_config")
        if kind not in INDEX_TYPES:
            raise Refusal(f"index_config: {kind}")
        ours, note = INDEX_TYPES[kind]
        flags = self.index_flags(ours, fields) if ours in INDEX_FLAGS else ""
        if note:
            self.notes.append(f"{note}: {', '.join(f'{k} {v}' for k, v in fields.items()) or 'its parameters'} "
                              "mean nothing here")
        elif fields:
            raise Refusal(f"index_config.{sorted(fields)[0]}")
        limit = self.limit(args, "num_docs")
        self.text_fields(dataset, args)
        nothing_left(what, args)
        name, folder = self.folder(dataset)
        build = f"lir-index build{f' --type {ours}' if ours else ''}{flags} -o \"$index\""
        encode = f"lir-encode {self.opened} --role doc{self.flags}{limit} {folder}/docs.zst"
        # What is learned from documents needs a file of them, which is read twice.
        steps = ([f'  {encode} -o "$index.lirt"', f'  {build} "$index.lirt"', '  rm "$index.lirt"']
                 if ours in READ_TWICE else [f"  {encode} |", f"    {build}"])
        self.lines += ["", self.index_of(dataset), f"fetch --part docs {name}",
                       f'{self.guard(chr(34) + "$index/manifest.json" + chr(34))}{{',
                       '  mkdir -p "$(dirname "$index")"', *steps, "}"]

    def dataset_of(self, args: Mapping, key: str, what: str) -> str:
        """The id of a dataset. In the search.yaml beside models of Lightning IR (webis/colbert) that of queries is called as
        that of documents, which none of its releases takes."""
        value = args.pop(key, None)
        if value is None and key == "query_dataset" and args.get("doc_dataset") is not None:
            value = args.pop("doc_dataset")
            self.notes.append(f"{what}: doc_dataset of queries is taken as query_dataset")
        if value is None:
            raise Refusal(f"{what}: no {key}")
        return str(value)

    def limit(self, args: Mapping, key: str) -> str:
        """The flag that has only the first records read."""
        value = args.pop(key, None)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Refusal(f"{key}: {json.dumps(value)}")
        return f" --limit {value}"

    def text_fields(self, dataset: str, args: Mapping) -> None:
        """The fields of a local dataset's documents are in its YAML file; others have their usual text."""
        fields = args.pop("text_fields", None)
        if not fields:
            return
        if dataset in self.local:
            # What was written of it names a path; the line is the one that `register` made.
            for i, line in enumerate(self.lines):
                if line.startswith("docs: ") and self.lines[i - 1] == f"dataset_id: {json.dumps(dataset)}":
                    path = json.loads(line[len("docs: "):])
                    if path.endswith(".tsv"):
                        # No header names its columns, which are an id and a text.
                        if list(fields) != ["text"]:
                            raise Refusal(f"text_fields {', '.join(map(str, fields))} of {path}, which has a text alone")
                        return
                    docs = {"path": path, "fields": list(fields)}
                    self.lines[i] = f"docs: {json.dumps(docs)}"
            return
        self.notes.append(f"text_fields: {', '.join(map(str, fields))}: fetch-dataset takes what ir_datasets has for "
                          "the text; others want the records and lir-encode --fields")

    def index_flags(self, ours: str, fields: Mapping) -> str:
        """The flags that a type's parameters are, which are taken out of the fields."""
        flags = ""
        for key in INDEX_FLAGS[ours]:
            value = fields.pop(key, None)
            if value is not None:
                flags += f" --{key.replace('_', '-')} {value}"
            elif key == "num_centroids":
                self.notes.append("index_config: as many centroids as the vectors ask for, where none are said")
        without = sorted(key for key in INDEX_WITHOUT_EFFECT if fields.pop(key, None) is not None)
        if without:
            self.notes.append(f"index_config: {', '.join(without)} mean nothing here")
        return flags

    def search(self, args: Mapping, what: str) -> None:
        dataset = self.dataset_of(args, "query_dataset", what)
        given_config = self.arguments.get("search_config")
        kind, fields = of_class(self.search_config if given_config is None else given_config, "search_config")
        kind = old_name(kind)
        if kind not in SEARCH_TYPES:
            raise Refusal(f"search_config: {kind}")
        depth = fields.pop("k", None) or 10
        flags = "".join(f" --{flag} {fields.pop(key)}" for key, flag in SEARCH_FLAGS.get(kind, {}).items()
                        if fields.get(key) is not None)
        own = {what: {flag: fields.pop(key) for key, flag in keys.items() if fields.get(key) is not None}
               for what, keys in LIST_FLAGS.items()} if kind == "FaissSearchConfig" else {}
        if fields:
            self.notes.append(f"search_config: {', '.join(sorted(fields))} mean nothing here")
        flags += self.limit(args, "num_queries")
        nothing_left(what, args)
        name, folder = self.folder(dataset)
        self.run_of(dataset.replace("/", "-"))
        self.lines += [self.index_of(dataset), f"fetch --part queries {name}"]
        # The configuration does not name the type of the index, and others have no such flags.
        given = {test: words for test, words in own.items() if words}
        if given:
            self.lines.append("lists=()")
            flags += ' "${lists[@]}"'
        for test, words in given.items():
            said = " ".join(f"--{flag} {shlex.quote(str(value))}" for flag, value in words.items())
            self.lines.append(f"if {test}; then lists+=({said}); fi")
        self.lines += [f'{self.guard(chr(34) + "$run" + chr(34))}lir-search --index "$index" {self.opened} '
                       f'-k {depth}{flags}{self.flags} -o "$run" {folder}/queries.zst']
        self.judged(name, folder)

    def re_rank(self, args: Mapping, what: str) -> None:
        given = args.pop("run_path_or_id", None)
        if given is None:
            raise Refusal(f"{what}: no run_path_or_id")
        depth, size = args.pop("depth", -1), args.pop("sample_size", -1)
        if args.pop("sampling_strategy", "top") != "top":
            raise Refusal(f"{what}.sampling_strategy: re-ranking takes the top of a run")
        for key in ("targets", "normalize_targets"):
            args.pop(key, None)
        if args.pop("add_docs_not_in_ranking", False):
            raise Refusal(f"{what}.add_docs_not_in_ranking")
        nothing_left(what, args)
        for key, number in (("depth", depth), ("sample_size", size)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1 and number != -1:
                raise Refusal(f"{what}.{key}: {json.dumps(number)}")
        if 0 < depth < size:
            raise Refusal(f"{what}.sample_size: no query has {size} documents to depth {depth}, and Lightning IR "
                          "leaves out those that have fewer")
        limit = f" --depth {size if size > 0 else depth}" if max(depth, size) > 0 else ""
        if RunFile.is_one(given) and given not in self.local:
            run = RunFile(given)
            name, folder, candidates = self.run_file(run)
            is_judged = run.is_judged
        else:
            is_judged = True
            self.run_of(given.replace("/", "-"))
            name, folder = self.folder(given)
            self.lines += [f"fetch --part run {name}"]
            candidates = f"{folder}/run.zst"
        enough = ""
        if is_judged:
            self.notes.append("queries without judgements are left out, as Lightning IR leaves them out")
            self.lines += WITH_JUDGEMENTS if WITH_JUDGEMENTS[1] not in self.lines else []
            enough += f" |\n  with_judgements {name} {folder}"
        if size > 0:
            self.notes.append(f"queries with fewer than {size} documents are left out, as Lightning IR leaves them out")
            self.lines += ENOUGH if ENOUGH[1] not in self.lines else []
            enough += f" |\n  enough {size} {depth}"
        if enough:
            enough, candidates = f"zstd -dcfq -- {candidates}{enough} |\n  ", "-"
        self.lines += [f"fetch --part queries --part docs {name}",
                       f'{self.guard(chr(34) + "$run" + chr(34))}{enough}lir-rerank {self.opened} --queries '
                       f'{folder}/queries.zst --docs {folder}/docs.zst{limit}{self.flags} -o "$run" {candidates}']
        if is_judged:
            self.judged(name, folder)
        elif self.metrics:
            self.notes.append(f"{given} has no judgements: nothing is measured")

    def run_file(self, run: RunFile) -> Tuple[str, str, str]:
        """What a run in a file is of: how fetch-dataset is told, its folder, and the run."""
        self.run_of(run.stem)
        candidates = shlex.quote(run.path)
        if run.has_records:
            self.lines += ["", f"cat >{shlex.quote(run.configured)} <<'END'", *run.configuration(), "END"]
            own, made = shlex.quote(run.configured), f'"$datasets"/local/{shlex.quote(run.stem + ".ranking")}'
            self.lines += [f"fetch --part run {own}"]
            candidates = f"{made}/run.zst"
        if "docs" in run.parts:
            self.notes.append(f"{', '.join(run.parts[1:])} of {run.path} are those that it has beside the ranks")
            return own, made, candidates
        by_dash = {key.replace("/", "-"): key for key in self.local}
        if run.dataset in by_dash:
            return (*self.folder(by_dash[run.dataset]), candidates)
        self.lines += [f'dataset=$("$(tool fetch-dataset)" --owner id {shlex.quote(run.dataset)} "$datasets")']
        return '"$dataset"', '"$datasets/$dataset"', candidates

    def run_of(self, stem: str) -> None:
        """The line that says where a run goes."""
        top = self.arguments.get("save_dir")
        if top is None:
            self.notes.append("runs without save_dir go where Lightning IR puts them for a local model")
            top = '"$model"/runs'
        else:
            top = shlex.quote(str(top).rstrip("/"))
        name = self.arguments.get("run_name") or f"{stem}.run"
        self.lines += ["", f"mkdir -p {top}", f"run={top}/{shlex.quote(name)}"]

    def judged(self, name: str, folder: str) -> None:
        if self.metrics:
            measures = " ".join(f"-m {shlex.quote(m)}" for m in self.metrics)
            self.lines += [f"fetch --part qrels {name}",
                           f'lir-eval --qrels {folder}/qrels.zst {measures} "$run"']
