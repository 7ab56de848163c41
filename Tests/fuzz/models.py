#!/usr/bin/env python3
"""Change model folders by seed, and see that no tool dies of it.

    models.py [--bin DIR] [--fixtures DIR] [--seed N] [--seconds S | --runs N]
              [--kind json|weights|both] [--match TEXT] [--found FILE]
    models.py --replay FILE [--bin DIR] [--fixtures DIR]
    models.py --every [--match TEXT] ...         every value at every place of config.json

Takes the model folders of the fixtures. Of a JSON file one number, string, list, object or truth is
set to a hostile value, left out, or a known field is added; of a file of weights bytes are flipped,
the end is cut off, or a pickle is changed and packed again with the right checksum. Then the folder
is used: texts are encoded, or pairs scored.

A change passes where the tool ends by itself within 20 seconds of processor time with a status of its own (0, or 64 to
78 but 70, which is a bug), a message where it fails, at most 1 GB of memory, and no NaN in what it
prints. What does not pass is printed and appended to --found (default: found.jsonl) as a line that
--replay takes. The status is 1 if there was any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[2]
#: Of the processor, as a machine may do other work, too; how long one may take that waits instead.
MOST_SECONDS = 20
MOST_WAITING = 300
MOST_MEMORY = 1 << 30
STATUSES = {0, 64, 65, 66, 73, 74, 75, 78}

#: A value as it stands in the file: some are no JSON that Python would write.
HOSTILE = [
    "-1", "0", "1", "2", "3", "7", "64", "255", "256", "65536", "1000000", "100000000",
    "2147483647", "2147483648", "4294967296", "9007199254740993", "4611686018427387904",
    "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e30", "-1e30", "1e308",
    "1e-12", "1e-300", "0.5", "-0.5", "1.0", "3.7", "null", "true", "false", '""', '"x"', '"-1"',
    '"gelu"', '"\\u0000"', '"../.."', "[]", "[0]", "[null]", "{}", '{"a":1}', '["a","a"]',
    "[" * 100 + "]" * 100, '"' + "x" * 70000 + '"', "[" + "0," * 50000 + "0]",
]

#: Fields that a folder need not have, and that are read where it has them.
FIELDS = [
    "depth", "query_length", "doc_length", "embedding_dim", "num_viewer_tokens", "k_train",
    "cls_embedding_dim", "token_embedding_dim", "num_labels", "id2label", "layer_types",
    "rope_parameters", "rope_scaling", "is_decoder", "pad_token_id", "true_token_id",
    "false_token_id", "rank_token_id", "tie_word_embeddings", "dense_act_fn", "is_gated_act",
    "decoder_start_token_id", "num_decoder_layers", "hidden_size", "num_hidden_layers",
    "num_attention_heads", "head_dim", "max_position_embeddings", "type_vocab_size",
    "model_max_length", "max_seq_length", "pruned_heads", "normalize", "pooling_strategy",
    "projection", "query_expansion", "doc_expansion", "add_marker_tokens", "use_adapter",
    "doc_mask_scoring_tokens", "similarity_function", "sparsification_strategy", "truncate_dim",
    "query_weighting", "doc_weighting", "scoring_strategy", "prompts", "default_prompt_name",
]

TEXTS = b"d1\twhat is this ?\nd2\ta b c the cat and the dog .\nd3\t\n"

Change = Dict[str, Any]


# Places in JSON texts. A parser of our own keeps the rest of a file as it is.

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[-+0-9.eE]+|true|false|null|[\[\]{},:])', re.S)


def places(text: str) -> List[Tuple[int, int]]:
    """Where values stand in a JSON text, containers among them."""
    found: List[Tuple[int, int]] = []
    stack: List[int] = []
    position, is_key = 0, False
    kinds: List[str] = []
    while match := TOKEN.match(text, position):
        token, start, position = match[1], match.start(1), match.end(1)
        if token in "[{":
            stack.append(start)
            kinds.append(token)
            is_key = token == "{"
        elif token in "]}":
            if not stack:
                break
            found.append((stack.pop(), position))
            kinds.pop()
        elif token == ",":
            is_key = bool(kinds) and kinds[-1] == "{"
        elif token == ":":
            is_key = False
        elif not is_key:
            found.append((start, position))
    return found


def changed_json(text: str, change: Change) -> str:
    """A text with a member added, or with another value at a place or for a key."""
    if "field" in change:
        end = text.rstrip().rindex("}")
        return f'{text[:end]}, "{change["field"]}": {change["value"]}' + text[end:]
    if "set" in change:
        key = text.index(f'"{change["set"]}"')
        start, end = min(p for p in places(text) if p[0] > key)
    else:
        start, end = change["range"]
    return text[:start] + change["value"] + text[end:]


def drawn_json(rng: random.Random, text: str) -> Optional[Change]:
    spots = places(text)
    if text.lstrip().startswith("{") and rng.random() < 0.25:
        field = rng.choice(FIELDS)
        if f'"{field}"' not in text:
            return {"field": field, "value": rng.choice(HOSTILE)}
    if not spots:
        return None
    return {"range": list(rng.choice(spots)), "value": rng.choice(HOSTILE)}


# Weights.


def changed_bytes(data: bytes, change: Change) -> bytes:
    result = bytearray(data[:change.get("cut", len(data))])
    for place, value in change.get("bytes", []):
        if place < len(result):
            result[place] = value
    return bytes(result)


def changed_weights(path: Path, change: Change) -> None:
    if "member" not in change:
        path.write_bytes(changed_bytes(path.read_bytes(), change))
        return
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            archive.writestr(name, changed_bytes(data, change) if name == change["member"] else data)


def drawn_bytes(rng: random.Random, data: bytes) -> Change:
    change: Change = {}
    # Headers and directories, where numbers stand that others are read by, more often than the rest.
    spots = [range(min(len(data), 4096)), range(len(data)),
             range(max(0, len(data) - 4096), len(data))]
    if rng.random() < 0.1:
        change["cut"] = rng.choice(rng.choice(spots))
    digits = [i for i in range(min(len(data), 4096)) if data[i:i + 1].isdigit()]
    change["bytes"] = []
    for _ in range(rng.randint(1, 4)):
        if digits and rng.random() < 0.5:
            change["bytes"].append([rng.choice(digits), rng.choice(b"0123456789-e")])
        else:
            place = rng.choice(rng.choice(spots))
            change["bytes"].append([place, rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])])
    return change


def drawn_weights(rng: random.Random, path: Path) -> Change:
    if zipfile.is_zipfile(path) and rng.random() < 0.7:
        with zipfile.ZipFile(path) as archive:
            name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
            return {"member": name, **drawn_bytes(rng, archive.read(name))}
    return drawn_bytes(rng, path.read_bytes())


# Folders and what is done with them.


class Subject:
    """A model folder and the command that uses it."""

    def __init__(self, name: str, folder: Path, command: List[str]) -> None:
        self.name, self.folder, self.command = name, folder, command
        files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        self.json = [f for f in files if f.endswith((".json", ".metadata"))]
        self.weights = [f for f in files if f.endswith((".safetensors", ".bin", ".pt"))]


def commands(tools: Path, model: str) -> Iterator[List[str]]:
    for config in ["", '{"model_type":"splade"}', '{"model_type":"mono","scoring_strategy":"mono"}']:
        extra = ["--model-config", config] if config else []
        yield [f"{tools}/lir-encode", "--model", model, "--role", "doc", "--format", "jsonl", "-q",
               *extra, "texts.tsv"]
        yield [f"{tools}/lir-rerank", "--model", model, *extra, "--text", "why is", "the cat", "a b c"]


class Fuzzer:
    """Runs changed folders, and says what happened."""

    def __init__(self, tools: Path, fixtures: Path, work: Path) -> None:
        self.tools, self.fixtures, self.work = tools, fixtures, work
        (work / "texts.tsv").write_bytes(TEXTS)

    def subjects(self, match: str) -> List[Subject]:
        found = []
        folders = [p.parent for p in self.fixtures.glob("models/*/*/model")]
        names = [f"{p.relative_to(self.fixtures).as_posix()}/model" for p in folders]
        names += [p.relative_to(self.fixtures).as_posix() for p in self.fixtures.glob("pylate/*")
                  if p.is_dir()]
        for name in sorted(names):
            if match in name:
                for command in commands(self.tools, str(self.fixtures / name)):
                    if self.run(command)[0] == 0:
                        template = ["MODEL" if part == str(self.fixtures / name) else part
                                    for part in command]
                        found.append(Subject(name, self.fixtures / name, template))
                        break
        return found

    def run(self, command: List[str]) -> Tuple[int, bytes, bytes, float, int]:
        """Status, output, messages, seconds of the processor and bytes of memory of a command."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=self.work,
                env={**os.environ, "SWIFT_BACKTRACE": "enable=no"},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            status, usage = self.wait(process)
            out.seek(0)
            err.seek(0)
            return (status, out.read(), err.read(), usage.ru_utime + usage.ru_stime,
                    usage.ru_maxrss * 1024)

    @staticmethod
    def wait(process: "subprocess.Popen[bytes]") -> Tuple[int, resource.struct_rusage]:
        """What became of a process, which is killed where it goes on for far too long."""
        start = looked = time.monotonic()
        tick = os.sysconf("SC_CLK_TCK")
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                used = (int(fields[11]) + int(fields[12])) / tick
                if used > 2 * MOST_SECONDS or looked - start > MOST_WAITING:
                    process.kill()
            time.sleep(0.002)

    def apply(self, folder: Path, change: Change) -> None:
        """Makes a folder with the change."""
        target = self.work / "model"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        path = target / change["file"]
        if "value" in change:
            path.write_text(changed_json(path.read_text(encoding="utf-8"), change),
                            encoding="utf-8")
        else:
            changed_weights(path, change)

    def complaint(self, command: List[str]) -> Optional[str]:
        """What is wrong with how the tool ended; None where nothing is."""
        whole = [str(self.work / "model") if part == "MODEL" else part for part in command]
        status, out, err, seconds, memory = self.run(whole)
        if status not in STATUSES:
            return f"status {status}: {err[-300:].decode(errors='replace')}"
        if seconds > MOST_SECONDS:
            return f"{seconds:.0f} seconds"
        if memory > MOST_MEMORY:
            return f"{memory >> 20} MB"
        if status != 0 and b"error: " not in err:
            return f"status {status} without a message"
        if status == 0 and re.search(rb"\b(nan|inf)\b", out.lower()):
            return "a number that is none"
        return None

    def replay(self, lines: List[str]) -> int:
        failed = 0
        for line in lines:
            entry = json.loads(line)
            command = [str(self.tools / part) if i == 0 else part
                       for i, part in enumerate(entry["command"])]
            self.apply(self.fixtures / entry["folder"], entry["change"])
            if said := self.complaint(command):
                failed += 1
                print(f"models: {said}\n  {line}", flush=True)
        print(f"models: {len(lines)} replayed, {failed} failed")
        return failed


def drawn(rng: random.Random, subject: Subject, kind: str) -> Optional[Change]:
    if kind == "weights" or kind == "both" and rng.random() < 0.4:
        file = rng.choice(subject.weights)
        return {"file": file, **drawn_weights(rng, subject.folder / file)}
    # Most of what models are made of stands in the first; tokenizers are the largest.
    names = [f for f in subject.json if "tokenizer" not in f] * 5 + subject.json
    file = rng.choice(names)
    change = drawn_json(rng, (subject.folder / file).read_text(encoding="utf-8"))
    return {"file": file, **change} if change else None


def every(subject: Subject) -> Iterator[Change]:
    for file in subject.json:
        if "tokenizer" in file or "index" in file:
            continue
        text = (subject.folder / file).read_text(encoding="utf-8")
        for place in places(text):
            for value in HOSTILE:
                yield {"file": file, "range": list(place), "value": value}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--fixtures", type=Path, default=ROOT / ".build/fixtures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--kind", choices=["json", "weights", "both"], default="both")
    parser.add_argument("--match", default="")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--found", type=Path, default=Path("found.jsonl"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fuzzer = Fuzzer(options.bin.resolve(), options.fixtures.resolve(), Path(name))
        if options.replay:
            sys.exit(1 if fuzzer.replay(options.replay.read_text().splitlines()) else 0)
        rng = random.Random(options.seed)
        subjects = fuzzer.subjects(options.match)
        if not subjects:
            sys.exit("models: error: no model folder works unchanged")
        if options.every:
            todo: Iterator[Tuple[Subject, Optional[Change]]] = (
                (subject, change) for subject in subjects for change in every(subject))
        else:
            todo = ((s, drawn(rng, s, options.kind)) for s in iter(lambda: rng.choice(subjects), None))
        count = failed = 0
        end = time.monotonic() + options.seconds
        for subject, change in todo:
            if time.monotonic() > end or count == options.runs:
                break
            if change is None:
                continue
            count += 1
            fuzzer.apply(subject.folder, change)
            if said := fuzzer.complaint(subject.command):
                failed += 1
                command = [Path(subject.command[0]).name, *subject.command[1:]]
                line = json.dumps({"folder": subject.name, "change": change, "command": command})
                with options.found.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                print(f"models: {said}\n  {line[:400]}", flush=True)
        print(f"models: {count} changes of {len(subjects)} folders with seed {options.seed}, "
              f"{failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
