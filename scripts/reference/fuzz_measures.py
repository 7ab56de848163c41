#!/usr/bin/env python3
"""Compares lir-eval with ir_measures and pytrec_eval on random runs and judgements.

    fuzz_measures.py --count 1000 --seed 1 [--bin .build/release] [--keep DIR]

Every query's value of every measure must be the provider's to 1e-6 (gdeval prints five decimals:
half of the last one). Runs have ties, scores that only double precision tells apart, negative, huge
and tiny ones, any order of lines and any white space; judgements have negative and high grades,
subtopics, nothing relevant, and queries that the run lacks. Plain names are compared where ir_measures
picks pytrec_eval, or where no scores are equal in single precision; names with a provider always.

Prints the number of cases, values and differences; exit status 1 if there are any. Needs ir_measures
0.4.3, pytrec_eval-terrier, cwl-eval, pyndeval and perl.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

warnings.filterwarnings("ignore")

import ir_measures  # noqa: E402
import pytrec_eval  # noqa: E402

logging.getLogger("ir_measures").setLevel(logging.CRITICAL)
logging.getLogger("ir_measures.cwl_eval").setLevel(logging.CRITICAL)

TOLERANCE = 1e-6
#: Measures by the provider that ir_measures picks for them.
MEASURES: Dict[str, List[str]] = {
    "pytrec_eval": """
        nDCG nDCG@1 nDCG@5 nDCG@10 nDCG@1000 nDCG(judged_only=True)@10 nDCG(judged_only=True)
        nDCG(gains={0:0,1:1,2:5,3:20})@10 nDCG(gains={0:0,1:3,2:1})@5 RR RR(rel=2) RR(rel=3)
        RR(judged_only=True) AP AP@10 AP@100 AP(rel=2) AP(rel=2)@1000 AP(judged_only=True)
        AP(judged_only=True,rel=2)@10 P@1 P@5 P@10 P(rel=2)@10 P(judged_only=True)@10
        P(judged_only=True,rel=2)@5 R@5 R@10 R@100 R(rel=2)@10 R(judged_only=True)@10 Rprec Rprec(rel=2)
        Rprec(judged_only=True) Bpref Bpref(rel=2) infAP infAP(rel=2) SetP SetP(rel=2) SetRelP
        SetP(relative=True,rel=2) SetP(judged_only=True) SetR SetR(rel=2) SetF SetF(judged_only=True)
        SetAP SetAP(rel=2) SetAP(judged_only=True) Success@1 Success@5 Success(rel=2)@10
        Success(judged_only=True)@1 IPrec@0.0 IPrec@0.1 IPrec@0.5 IPrec@1.0
        IPrec(judged_only=True)@0.3 NumQ NumRel NumRet NumRelRet NumRet(rel=2)""".split(),
    "SetF": ["SetF(beta=0.5)", "SetF(beta=2.0,rel=2)"],
    "cwl_eval": """
        RBP(rel=1) RBP(rel=2,p=0.5) BPM(max_rel=3)@5 BPM(T=2.5,max_rel=4,min_rel=1)@20
        SDCG(max_rel=3)@5 SDCG(max_rel=4,min_rel=2)@20 NERR8(max_rel=3)@10 NERR9(max_rel=3)@10
        NERR10(max_rel=3) NERR10(max_rel=4,p=0.7) NERR11(max_rel=3) NERR11(T=2.0,max_rel=4)
        INST(max_rel=3) INST(T=3.0,max_rel=2) INSQ(max_rel=3) INSQ(T=0.5,max_rel=4)""".split(),
    "compat": ["Compat", "Compat(p=0.8)", "Compat(normalize=False,p=0.5)"],
    "judged": ["Judged", "Judged@1", "Judged@5", "Judged@20"],
    "msmarco": ["RR@1", "RR@5", "RR@10", "RR(rel=2)@10", "RR@1000"],
    "accuracy": ["Accuracy", "Accuracy@5", "Accuracy(rel=2)@10"],
    "gdeval": ["ERR@5", "ERR@20", "nDCG(dcg='exp-log2')@5", "nDCG(dcg='exp-log2')@20"],
    "pyndeval": """
        alpha_nDCG@1 alpha_nDCG@5 alpha_nDCG@20 alpha_nDCG(alpha=0.3)@10 alpha_nDCG(rel=2)@10
        alpha_nDCG(alpha=1.0)@10 alpha_nDCG(alpha=0.0)@10 alpha_DCG@1 alpha_DCG@5 alpha_DCG@20
        alpha_DCG(alpha=0.7,rel=2)@10 ERR_IA@1 ERR_IA@10 ERR_IA@20 ERR_IA(rel=2)@5 nERR_IA@1 nERR_IA@10
        nERR_IA@20 nERR_IA(rel=2)@5 NRBP NRBP(alpha=0.3,beta=0.8) nNRBP nNRBP(alpha=0.3,beta=0.8)
        AP_IA AP_IA(rel=2) P_IA@1 P_IA@10 P_IA@20 P_IA(rel=2)@5 StRecall@1 StRecall@5 StRecall@20
        StRecall(rel=2)@10""".split(),
}
#: What pytrec_eval has and ir_measures does not: its name, and ours.
TREC_ONLY = {
    "binG": "binG", "G": "G", "Rndcg": "Rndcg", "ndcg_rel": "ndcg_rel", "utility": "utility",
    "num_nonrel_judged_ret": "num_nonrel_judged_ret", "relative_P_5": "relative_P@5",
    "relative_P_100": "relative_P@100", "Rprec_mult_0.20": "Rprec_mult@0.2",
    "Rprec_mult_1.00": "Rprec_mult@1.0", "Rprec_mult_1.80": "Rprec_mult@1.8",
}
DOC_STYLES = ["%d", "%03d", "doc%d", "D%d", "d-%d_x", "\u6587\u66f8%d", "e\u0301%d", "\u00e9%d", "\U0001F600%d",
              "http://x.y/?q=%d&a=b", "#%d", "very-long-document-identifier-%012d/section"]


class Case(NamedTuple):
    """One random run with its judgements."""

    run: List[Tuple[str, str, float]]  # in the order of the file
    qrels: List[Tuple[str, str, str, int]]  # query, subtopic, document, grade
    run_text: str
    qrels_text: str
    has_ties: bool


def single(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def scores(rng: random.Random, count: int) -> List[str]:
    """Texts of scores of one kind."""
    kind = rng.randrange(9)
    if kind == 0:
        values = [rng.uniform(-30, 30) for _ in range(count)]
    elif kind == 1:
        return [str(rng.randint(0, 5)) for _ in range(count)]
    elif kind == 2:
        return ["1.5"] * count
    elif kind == 3:
        values = [-abs(rng.gauss(5, 2)) for _ in range(count)]
    elif kind == 4:
        values = [rng.choice([1e30, -1e30, 3e38, 1e-30, -1e-30]) * rng.random() for _ in range(count)]
    elif kind == 5:  # equal in single precision, or not at all
        base = rng.choice([1.0, 12.5, -3.0, 1e6])
        values = [base * (1 + rng.randint(0, 9) * 1e-9) for _ in range(count)]
    elif kind == 6:  # nothing is left of some in single precision
        values = [rng.choice([1e-50, -1e-50, 0.0, -0.0, 1e-42, 1e-38]) for _ in range(count)]
    elif kind == 7:
        return [rng.choice(["%.3e", "+%.2f", "%.0f.", "%.1E"]) % rng.uniform(0, 9)
                for _ in range(count)]
    else:
        values = [single(rng.random()) for _ in range(count)]
    return [repr(value) for value in values]


def make(rng: random.Random) -> Case:
    style = rng.choice(DOC_STYLES)
    mixed = rng.random() < 0.3
    diverse = rng.random() < 0.4
    grades = rng.choice([[0, 1], [0, 0, 0, 1, 2, 3], [-1, 0, 1, 2], [0, 1, 2, 3, 4], [-2, -1, 0, 1],
                         [0], [-1], [0, 1, 7, 10], [1], [3, 4]])
    queries = [str(rng.randint(1, 9999)) for _ in range(rng.randint(1, 6))]
    run: List[Tuple[str, str, str]] = []
    qrels: List[Tuple[str, str, str, int]] = []
    for query in dict.fromkeys(queries):
        docs = [(rng.choice(DOC_STYLES) if mixed else style) % n for n in range(rng.randint(1, 90))]
        docs = list(dict.fromkeys(docs))
        rng.shuffle(docs)
        shown = docs[:rng.randint(0, len(docs))] if rng.random() < 0.9 else []
        judged = rng.sample(docs, rng.randint(0, len(docs))) if rng.random() < 0.9 else []
        run += [(query, doc, text) for doc, text in zip(shown, scores(rng, len(shown)))]
        for doc in judged:
            topics = rng.sample("abcdef", rng.randint(1, 4)) if diverse else ["0"]
            qrels += [(query, topic, doc, rng.choice(grades)) for topic in topics]
        if judged and all(grade < 0 for q, *_, grade in qrels if q == query):
            # There pytrec_eval reads memory that it never wrote, and crashes or runs for ever.
            qrels[-1] = (*qrels[-1][:3], 0)
    if rng.random() < 0.5:
        rng.shuffle(run)
    if rng.random() < 0.5:
        rng.shuffle(qrels)
    spaces = rng.choice([" ", " ", "\t", "  ", " \t "])
    end = rng.choice(["\n", "\n", "\r\n"])
    run_text = "".join(
        spaces.join([query, "Q0", doc, str(rng.randint(0, 99)), text, "tag"]) + end
        for query, doc, text in run)
    qrels_text = "".join(
        spaces.join([query, topic, doc, str(grade)]) + end for query, topic, doc, grade in qrels)
    if rng.random() < 0.2:
        run_text, qrels_text = "# c" + end + run_text + end, qrels_text.rstrip("\r\n")
    numbers = [(query, doc, float(text)) for query, doc, text in run]
    keys = [(query, single(score)) for query, _, score in numbers]
    return Case(numbers, qrels, run_text, qrels_text, len(set(keys)) < len(keys))


Values = Dict[Tuple[str, str], float]


def ask(provider: Any, names: List[str], case: Case) -> Values:
    """What a provider of ir_measures says, by measure as it was written, then query."""
    found: Values = {}
    run = [ir_measures.ScoredDoc(*row) for row in sorted(case.run, key=lambda row: row[0])]
    qrels = [ir_measures.Qrel(q, d, g, t) for q, t, d, g in case.qrels]
    parsed = {ir_measures.parse_measure(name): name for name in names}
    for metric in provider.iter_calc(list(parsed), qrels, run):
        found[parsed[metric.measure], metric.query_id] = metric.value
    return found


def expected(case: Case) -> Dict[str, Values]:
    """The references' values, by the name that lir-eval has for each."""
    names: Dict[str, Values] = {}

    def keep(prefix: str, values: Values) -> None:
        for (name, query), value in values.items():
            if not math.isnan(value):
                names.setdefault(prefix + name, {})[name, query] = value

    diverse = len({t for _, t, _, _ in case.qrels}) > 1
    shown = {query for query, _, _ in case.run}
    if diverse:
        for name in MEASURES["pyndeval"]:  # one by one: a second measure may get an empty run
            keep("pyndeval:", ask(ir_measures.pyndeval, [name], case))
        return names
    keep("", ask(ir_measures.pytrec_eval, MEASURES["pytrec_eval"], case))
    keep("pytrec_eval:", ask(ir_measures.pytrec_eval, ["IPrec@0.125", "AP"], case))
    for name in MEASURES["SetF"]:
        keep("", ask(ir_measures.pytrec_eval, [name], case))
    for name in ("cwl_eval", "compat", "judged", "msmarco"):
        keep(name + ":", ask(ir_measures.providers.registry[name], MEASURES[name], case))
    for name in MEASURES["accuracy"]:
        try:
            keep("accuracy:", ask(ir_measures.accuracy, [name], case))
        except ZeroDivisionError:
            pass  # nothing but relevant documents
    if shutil.which("perl") and all(grade <= 4 for *_, grade in case.qrels):
        keep("gdeval:", ask(ir_measures.gdeval, MEASURES["gdeval"], case))
    judged: Dict[str, Dict[str, int]] = {}
    ranked: Dict[str, Dict[str, float]] = {}
    for query, _, doc, grade in case.qrels:
        judged.setdefault(query, {})[doc] = grade
    for query, doc, score in case.run:
        ranked.setdefault(query, {})[doc] = score
    evaluator = pytrec_eval.RelevanceEvaluator(judged, pytrec_eval.supported_measures)
    for query, values in evaluator.evaluate(ranked).items():
        keep("", {(TREC_ONLY[name], query): value for name, value in values.items()
                  if name in TREC_ONLY})
    if not case.has_ties:
        for name in [name for name in names if ":" in name and not name.startswith("pytrec_eval")]:
            keep("", names[name])
    # Of queries that the run lacks ir_measures counts nothing; trec_eval -c counts what is judged.
    for name in list(names):
        if name.startswith("Num"):
            names[name] = {key: value for key, value in names[name].items() if key[1] in shown}
    return names


def ours(tool: str, names: List[str], run: Path, qrels: Path) -> Dict[Tuple[str, str], float]:
    command = [tool, "-q", "--per-query", "--average-over", "qrels", "--format", "tsv", "--qrels",
               str(qrels)]
    for name in names:
        command += ["-m", name]
    done = subprocess.run(command + [str(run)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr}")
    found = {}
    for line in done.stdout.splitlines():
        _, measure, query, value = line.split("\t")
        found[measure, query] = float(value)
    return found


def normal(tool_names: Dict[str, str], name: str) -> str:
    """A measure's name as lir-eval writes it: parameters by key, known names written out."""
    if name in tool_names:
        return tool_names[name]
    prefix, _, rest = name.rpartition(":") if name.split("(")[0].count(":") else ("", "", name)
    rest = {"SetRelP": "SetP(relative=True)", "NumRelRet": "NumRet(rel=1)"}.get(rest, rest)
    head, _, tail = rest.partition("(")
    if tail and "{" not in tail:
        inside, _, cut = tail.partition(")")
        rest = head + "(" + ",".join(sorted(inside.split(","))) + ")" + cut
    tool_names[name] = (prefix + ":" if prefix else "") + rest
    return tool_names[name]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bin", default=".build/release", help="where lir-eval is")
    parser.add_argument("--keep", help="where cases with differences go")
    options = parser.parse_args()
    tool = str(Path(options.bin) / "lir-eval")
    rng = random.Random(options.seed)
    cases = values = differences = 0
    tool_names: Dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        run, qrels = Path(folder) / "run", Path(folder) / "qrels"
        while cases < options.count:
            case = make(rng)
            if not {q for q, _, _ in case.run} & {q for q, *_ in case.qrels}:
                continue  # nothing to evaluate
            cases += 1
            run.write_bytes(case.run_text.encode())
            qrels.write_bytes(case.qrels_text.encode())
            names = expected(case)
            try:
                found = ours(tool, list(names), run, qrels)
            except RuntimeError as error:
                found = {}
                print(f"case {cases}: {error}")
            wrong = 0
            for name, wanted in names.items():
                tolerance = 6e-6 if "ERR@" in name or "exp-log2" in name else TOLERANCE
                for (_, query), value in wanted.items():
                    values += 1
                    got = found.get((normal(tool_names, name), query), math.nan)
                    if not abs(got - value) <= tolerance:
                        wrong += 1
                        if differences + wrong <= 20:
                            print(f"case {cases}, {name}, query {query}: {got}, expected {value}")
            if wrong and options.keep:
                Path(options.keep).mkdir(parents=True, exist_ok=True)
                shutil.copy(run, Path(options.keep) / f"{cases}.run")
                shutil.copy(qrels, Path(options.keep) / f"{cases}.qrels")
            differences += wrong
    print(f"fuzz: seed {options.seed}, {cases} cases, {values} values, {differences} differences")
    return 1 if differences or values == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
