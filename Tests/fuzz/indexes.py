"""Indexes of every type and form, vectors of other programs, and the options that read them.

A type that `lir-index types` lists has a form of its own here without a row; FORMS adds what its
options make of it.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from containers import change_tensors, xxhash
from mutations import change_bytes, pick
from situations import DENSE, MODEL, Situation

#: Streams that the base makes: of documents, and of the queries that search an index of them.
STREAMS: Dict[str, Tuple[str, str]] = {
    "dense": ("dense.lirt", "queries.lirt"), "int8": ("int8.lirt", "queries.lirt"), "sparse": ("sparse.lirt", "sparse-queries.lirt"),
    "multivector": ("multivector.lirt", "multivector-queries.lirt"),
    "coil": ("coil.lirt", "coil-queries.lirt"), "texts": ("docs.tsv", "queries.tsv"),
}


class Form(NamedTuple):
    """An index of the base."""

    name: str
    type: str
    takes: str
    options: str = ""

    def build(self, output: str) -> str:
        return f"lir-index build --type {self.type} {self.options} {self.documents} -o {output}"

    @property
    def documents(self) -> str:
        return STREAMS[self.takes][0]

    @property
    def queries(self) -> str:
        return STREAMS[self.takes][1]


FORMS = (
    Form("int8", "flat", "int8"),
    Form("flat-f16", "flat", "dense", "--codes f16"), Form("flat-int8", "flat", "dense", "--codes int8"),
    Form("flat-codes", "flat", "dense", "--codes int8 --originals none"),
    Form("flat-b1", "flat", "dense", "--codes b1"), Form("flat-dims", "flat", "dense", "--dims 5"),
    Form("sparse-bp", "sparse", "sparse", "--reorder bp --window 64"),
    Form("bm25-plain", "bm25", "texts", "--language none --store-vectors no"),
    Form("multivector-int8", "multivector", "multivector", "--codes int8"),
    Form("multivector-pooled", "multivector", "multivector", "--pool-factor 2"),
)
#: One that documents were added to and deleted from, and one of the first format of indexes.
CHANGED = Form("changed", "flat", "dense")
FIRST = Form("format-1", "flat", "dense")


def all_forms(types: str) -> List[Form]:
    """The forms of every type of a list as `lir-index types` prints it."""
    plain = []
    for line in types.splitlines():
        name, takes, *_ = line.split("\t")
        first = takes.split(",")[0].split()[0]
        if first not in STREAMS:
            raise SystemExit(f"fuzz: error: no stream for {name}, which takes {takes}")
        plain.append(Form(name, name, first))
    return [*plain, *FORMS, CHANGED, FIRST]


def index_situations(forms: List[Form]) -> Iterator[Situation]:
    for form in forms:
        name = form.name
        files, tensors = (f"{name}/**/*", f"{name}/*"), (f"{name}/**/*.safetensors",)
        read = [f"lir-search --index {name} -k 3 {form.queries}", f"lir-index info {name}",
                f"lir-search --index {name} -k 3 --exact --explain {form.queries}",
                f"lir-index merge {name} -o out", f"lir-index compact {name}",
                f"lir-index append {name} {form.documents}", f"lir-index replace {name} {form.documents}",
                f"lir-index delete {name} --ids allowed.txt"]
        if form.takes == "dense":
            read.append(f"lir-rerank {DENSE} --queries queries.tsv --index {name} first.run")
        uses = (*files, *MODEL, form.queries, form.documents, "queries.tsv", "allowed.txt", "first.run")
        changes = (f"^{name}/",)
        yield Situation("indexes", name, tensors, files, (f"lir-index verify {name}",), "refuse")
        yield Situation("indexes", name + "-read", files, uses, tuple(read), "", changes)
        if form is not FIRST:
            # What a tool believes of a file whose checksum is right.
            yield Situation("indexes-sealed", name, tensors, uses, (*read, f"lir-index verify {name}"),
                            "", changes)


def checksum(manifest: Dict[str, Any]) -> str:
    """What a manifest of these members says of itself."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(xxhash.xxh3_64(text.encode()).hexdigest())


def blocks(data: bytes) -> str:
    """What a manifest says of the blocks of a file."""
    size = 1 << 16
    while len(data) > 4096 * size:
        size *= 2
    return "".join(xxhash.xxh3_64(data[at:at + size]).hexdigest()[8:] for at in range(0, len(data), size))


def sealed(rng: random.Random, folder: Path, target: str) -> Dict[str, bytes]:
    """A file of an index with other values, and the manifest that calls them right.

    The changed file stands under the name that its new checksum gives it.
    """
    name = Path(target).name
    manifest = (folder / target).parent / "manifest.json"
    data = (folder / target).read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    if rng.random() < 0.7 and len(data) > header:
        body = change_bytes(rng, data[header:])[:len(data) - header]
        data = data[:header] + body.ljust(len(data) - header, b"\0")
    else:
        data = change_tensors(rng, data)
    if xxhash is None:
        return {target: data}
    digest = xxhash.xxh3_64(data).hexdigest()
    part = name.split(".")[:-2]
    renamed = ".".join([*part, digest, "safetensors"])
    value = json.loads(manifest.read_text("utf-8").replace(name, renamed))
    for entry in value["files"]:
        if entry["name"] == renamed:
            entry["size"], entry["xxh3"] = len(data), digest
            entry.pop("blocks", None)
            if len(data) > 1 << 16:
                entry["blocks"] = blocks(data)
    value["xxh3"] = checksum({key: value[key] for key in value if key != "xxh3"})
    at = Path(target).parent
    return {(at / renamed).as_posix(): data, (at / "manifest.json").as_posix(): json.dumps(value).encode()}


#: Vectors as other programs write them; the pickle where Python has NumPy.
VECTORS = ("vectors.npy", "vectors.npy.ids", "vectors.safetensors", "vectors.jsonl", "vectors.pkl",
           "flat.faiss", "ivf.faiss", "opq.faiss", "matrix.pt")
#: Of these, what faiss and Lightning IR wrote, of other vectors; and of how many.
FOREIGN = {"flat.faiss": ("good/Flat.ip.faiss", 40), "ivf.faiss": ("good/IVF4_SQ8.l2.faiss", 40),
           "opq.faiss": ("good/OPQ4_IVF4_HNSW8_PQ4x4.ip.faiss", 40), "matrix.pt": ("lightning/index.pt", 15)}


def vector_situations(base: Path) -> Iterator[Situation]:
    label = "--model-label m"
    for name in (name for name in VECTORS if (base / name).exists()):
        source = name[:-len(".ids")] if name.endswith(".ids") else name
        given = f"{source} --ids vectors.npy.ids" if source.endswith(".safetensors") else source
        if name in FOREIGN:
            yield Situation("vectors", name, (name,), (f"{name}.ids",),
                            (f"lir-index build {label} {name} -o out",))
            continue
        yield Situation("vectors", name, (name,), (*VECTORS, "of-vectors/*"), (
            f"lir-index build {label} {given} -o out",
            f"lir-search --index of-vectors {label} -k 3 {given}",
            f"lir-search --index of-vectors {label} -k 3 --format jsonl {given}"), "numbers")


SEARCH = ("-k {number}", "--min-score {number}", "--prf {number}:{number}:{number}", "--prf {word}",
          "--aggregate {word}", "--pairs {word}", "--filter-out {word}", "--explain -k {number}",
          "--exact -k {number}", "--approximate -k {number}", "--index {word}", "--ties {word}",
          "--fuse {word}", "--fuse rrf --rrf-k {number}", "--fuse sum --weights {number}",
          "--latency -k {number}", "--limit {number}", "--model-label {word}", "--similarity {word}")


def index_arguments(forms: List[Form], parameters: str) -> Iterator[Situation]:
    """Odd values of every option of a type, as `lir-index types --parameters` lists them."""
    options: Dict[Tuple[str, str], List[str]] = {}
    for line in parameters.splitlines():
        type_name, stage, option, _, takes, *_ = line.split("\t")
        values = [""] if takes == "true or false" else [" {number}", " {word}"]
        if " or " in takes:
            values += [f" {value}" for value in takes.split(" or ")]
        options.setdefault((type_name, stage), []).extend(f"--{option}{value}" for value in values)
    for form in forms:
        if form.options or form.name != form.type:
            continue
        build = [f"{form.build('out')} {option}"
                 for option in (*options.get((form.type, "build"), []), "--shard {number}/{number}",
                                "--max-memory {number}", "--max-memory {word}", "--limit {number}")]
        search = [f"lir-search --index {form.name} {option} {form.queries}"
                  for option in (*options.get((form.type, "search"), []), *SEARCH)]
        change = [f"lir-index merge {form.name} -o out --without {{word}}",
                  f"lir-index append {form.name} {form.documents} --limit {{number}}",
                  f"lir-index delete {form.name} --ids {{word}}"]
        uses = (f"{form.name}/*", form.queries, form.documents, *MODEL)
        yield Situation("arguments", f"index-{form.name}", (), uses, (*build, *search, *change), "",
                        (f"^{form.name}/",))
