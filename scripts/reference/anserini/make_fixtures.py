#!/usr/bin/env python3
"""Write Tests/Fixtures/bm25: terms, stems and runs of the real Anserini.

    python3 scripts/reference/anserini/make_fixtures.py JAR VOCABULARIES

JAR is anserini-0.22.1-fatjar.jar, which PyPI's pyserini 0.22.1 carries; a JDK 17 is needed. Texts are
drawn by a fixed seed. VOCABULARIES is a clone of https://github.com/snowballstem/snowball-data, whose words
are drawn for languages other than English; its stems are taken where PyPI's snowballstemmer 2.2.0, which is
of libstemmer's age, has the same ones. With --fuzz N TOOL, N other texts go through the jar and through TOOL, which
reads and writes as Terms.java does, and what differs is shown.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, List
from unicodedata import category

import snowballstemmer

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[2] / "Tests" / "Fixtures" / "bm25"

#: What words are made of, by weight.
POOL: List[List[str]] = (
    [list("abcXYZ")] * 6 + [list("0123456789")] * 4 + [[" "]] * 3 + [list("'.,:;_-\"·’")] * 4
    + [list("אבגד")] * 2 + [list("アイウ")] * 2 + [list("漢字々"), list("かな"), list("กขคะาำ์"), list("한글")]
    + [["\u0301", "\u00ad", "\u200d", "\ufe0f", "\ufe0e", "\u20e3", "\u3099"]] * 2
    + [list("☺👦👩💻❤©®™〰ℹⓂ") + ["\U0001F3FB"], ["\U0001F1E6", "\U0001F1FA"], ["#", "*"]]
    + [["\U000E0067", "\U000E007F"], ["\u203f", "\uff3f", "\u2024", "\ufe52", "\uff10", "\u0660"]])

SUFFIXES = """ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism
iveness fulness ousness aliti iviti biliti logi icate ative alize iciti ical ful ness al ance ence er
ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize ed ing eed s es ies sses y e
l ll at bl iz""".split()

WORDS = """river bank mountain snow climb running ran runner engine engines national nationally
probable probability cat cats dog's dogs the of and in to be as for water waters flooding flood floods
3.14 1,000 x-ray data-driven U.S. café naïve Straße 漢字 カタカナ generalization generalizations
oscillators hopeful hopefulness goodness electric electricity formalize conformably rational
sensitivity activate predication operator feudalism decisiveness callousness""".split()


def texts(source: random.Random, count: int) -> List[str]:
    """Texts that are hard to take apart."""
    drawn = ["".join(source.choice(source.choice(POOL)) for _ in range(source.randint(1, 24)))
             for _ in range(count)]
    for length in (254, 255, 256, 300, 511):
        drawn += ["a" * length + " x", "a" * (length - 1) + "'s tail", "1," * length,
                  "é" * length + " ok", "𝒜" * length, ("ab." * 300)[:length] + " z"]
    return drawn + [" ".join(source.choice(WORDS) for _ in range(12)) for _ in range(100)]


def stems(source: random.Random, count: int) -> List[str]:
    """Words with suffixes."""
    return ["".join(source.choice("aeiouybcdlmnrstwxzé") for _ in range(source.randint(1, 5)))
            + "".join(source.choice(SUFFIXES) for _ in range(source.randint(0, 3)))
            for _ in range(count)]


#: Languages that Lucene's analysers are compared in, and what else their texts have.
LUCENE = {"danish": "og Kløft", "dutch": "Fiets bromfiets ei kind de", "finnish": "joten ja", "french":
          "l'avion L’École jusqu'ici aujourd'hui qu'il des", "german":
          "Häuser Straße laufen aequivalent Quelle der blaue", "hungarian": "és", "italian":
          "dell'acqua L'Amico c’è un'altra il", "norwegian": "og", "portuguese": "não às", "russian": "и",
          "spanish": "el niño luces", "swedish": "sitt sitta och"}

#: Languages of Snowball.
SNOWBALL = """arabic armenian basque catalan danish dutch english finnish french german greek hindi
hungarian indonesian irish italian lithuanian nepali norwegian portuguese romanian russian serbian
spanish swedish tamil turkish yiddish""".split()


def languages(source: random.Random, jar: Path, folder: Path, data: Path) -> List[Dict[str, Any]]:
    """Texts with Lucene's terms, and words with Snowball's stems."""
    found: List[Dict[str, Any]] = []
    lists = HERE.parents[2] / "Sources" / "Analysis" / "SnowballStopWords.swift"
    stop_words = f" {' '.join(lists.read_text(encoding='utf-8').split())} "
    for language, text in LUCENE.items():
        vocabulary = (data / language / "voc.txt").read_text(encoding="utf-8").split("\n")[:-1]
        lines = [text] + [" ".join(word.capitalize() if source.random() < 0.1 else word
                                   for word in source.sample(vocabulary, 60)) for _ in range(5)]
        for line, made in zip(lines, terms(jar, language, lines, folder)):
            found.append({"language": language, "stemmer": "lucene", "text": line,
                          "terms": made.split("\t") if made else []})
    for language in SNOWBALL:
        if not (data / language / "voc.txt").exists():
            continue
        pairs = zip(*((data / language / name).read_text(encoding="utf-8").split("\n")
                      for name in ("voc.txt", "output.txt")))
        stem = snowballstemmer.stemmer(language).stemWord
        # Words that are cut nowhere, and no stop words.
        good = [(w, s) for w, s in pairs
                if len(w) > 3 and all(category(c)[0] in "LM" for c in w) and stem(w) == s
                and f" {w} " not in stop_words]
        chosen = source.sample(good, 25)
        found.append({"language": language, "stemmer": "snowball",
                      "text": " ".join(w for w, _ in chosen), "terms": [s for _, s in chosen]})
    return found


def terms(jar: Path, mode: str, lines: List[str], folder: Path) -> List[str]:
    """What the jar makes of lines."""
    subprocess.run(["javac", "-cp", str(jar), "-d", str(folder), str(HERE / "Terms.java")], check=True)
    done = subprocess.run(["java", "-cp", f"{jar}:{folder}", "Terms", mode], check=True,
                          input="\n".join(lines) + "\n", capture_output=True, encoding="utf-8")
    return done.stdout.split("\n")[:-1]


def collection(source: random.Random) -> List[str]:
    """Documents of all lengths, empty ones and such of stop words among them."""
    weights = [1 / (place + 1) for place in range(len(WORDS))]
    source.shuffle(weights)
    lines = []
    for number in range(600):
        words = source.choice([0, 1, 3, 8, 20, 39, 40, 41, 60, 120, 300]) if number % 3 == 0 \
            else source.randint(5, 60)
        text = " ".join(source.choices(WORDS, weights, k=words))
        lines.append(f"d{number:03}\t{text or ('the of and' if number % 2 else '...')}")
    return lines


#: Anserini's options by the name of the run.
RUNS: Dict[str, List[str]] = {
    "anserini": [],
    "rm3": ["-rm3"],
    "rm3-other": ["-rm3", "-rm3.fbDocs", "4", "-rm3.fbTerms", "6", "-rm3.originalQueryWeight", "0.3",
                  "-rm3.noTermFilter"],
    "rocchio": ["-rocchio"],
    "rocchio-negative": ["-rocchio", "-rocchio.useNegative", "-rocchio.gamma", "0.4",
                         "-rocchio.topFbDocs", "3", "-rocchio.bottomFbTerms", "5"],
}


def search(jar: Path, folder: Path, documents: List[str], queries: List[str]) -> Dict[str, str]:
    """Anserini's runs."""
    (folder / "docs").mkdir()
    with (folder / "docs" / "docs.jsonl").open("w") as file:
        for line in documents:
            name, _, text = line.partition("\t")
            file.write(json.dumps({"id": name, "contents": text}) + "\n")
    (folder / "queries.tsv").write_text("\n".join(queries) + "\n", encoding="utf-8")
    java = ["java", "-cp", str(jar)]
    subprocess.run([*java, "io.anserini.index.IndexCollection", "-collection", "JsonCollection",
                    "-input", "docs", "-index", "index", "-threads", "1",
                    "-generator", "DefaultLuceneDocumentGenerator", "-storeDocvectors"],
                   check=True, cwd=folder, capture_output=True)
    for name, options in RUNS.items():
        subprocess.run([*java, "io.anserini.search.SearchCollection", "-index", "index",
                        "-topics", "queries.tsv", "-topicreader", "TsvString", "-bm25", "-bm25.k1",
                        "0.9", "-bm25.b", "0.4", "-hits", "30", *options, "-output", name],
                       check=True, cwd=folder, capture_output=True)
    return {name: (folder / name).read_text(encoding="utf-8") for name in RUNS}


def main() -> None:
    """Write the fixtures, or compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("jar", type=Path)
    parser.add_argument("vocabularies", type=Path, nargs="?")
    parser.add_argument("--fuzz", nargs=2, metavar=("N", "TOOL"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.fuzz:
            lines = texts(source, int(options.fuzz[0]))
            mine = subprocess.run([options.fuzz[1], "english"], input="\n".join(lines) + "\n",
                                  check=True, capture_output=True, encoding="utf-8").stdout
            theirs = terms(options.jar, "english", lines, folder)
            differing = [line for line in zip(lines, theirs, mine.split("\n")) if line[1] != line[2]]
            print(f"{len(differing)} of {len(lines)} differ")
            for line in differing[:10]:
                print(*(ascii(part) for part in line), sep="\n  ")
            return
        FIXTURES.mkdir(exist_ok=True)
        for kind, lines in (("words", texts(source, 400)), ("english", texts(source, 100)),
                            ("stem", stems(source, 1500))):
            with (FIXTURES / f"{kind}.jsonl").open("w", encoding="utf-8") as file:
                for line, found in zip(lines, terms(options.jar, kind, lines, folder)):
                    file.write(json.dumps({"text": line, "terms": found.split("\t") if found else []},
                                          ensure_ascii=False) + "\n")
        documents = collection(source)
        queries = [f"{number}\t" + " ".join(source.choices(WORDS, k=source.choice([1, 2, 3, 5, 9]))
                                            + (["engine"] * 2 if number % 7 == 0 else []))
                   for number in range(1, 61)]
        (FIXTURES / "docs.tsv").write_text("\n".join(documents) + "\n", encoding="utf-8")
        (FIXTURES / "queries.tsv").write_text("\n".join(queries) + "\n", encoding="utf-8")
        for run, text in search(options.jar, folder, documents, queries).items():
            (FIXTURES / f"{run}.run").write_text(text, encoding="utf-8")
        with (FIXTURES / "languages.jsonl").open("w", encoding="utf-8") as file:
            own = random.Random(options.seed)
            for case in languages(own, options.jar, folder, options.vocabularies):
                file.write(json.dumps(case, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
