"""Makes cases of evaluation, by pytrec_eval, ir_measures and Lightning IR."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import ir_measures
import pandas
import pytrec_eval
from lightning_ir.base.validation_utils import evaluate_run

from golden.generation import Generation
from golden.writing import write_json

Values = Dict[str, Dict[str, float]]
#: Measures as ir_measures writes them.
MEASURES = """
    nDCG nDCG@1 nDCG@5 nDCG@10 nDCG@20 nDCG@100 nDCG(dcg='exp-log2')@10 nDCG(dcg='exp-log2')
    nDCG(gains={0:0,1:1,2:5,3:20})@10 nDCG(judged_only=True)@10 RR RR@1 RR@5 RR@10 RR@100
    RR(rel=2) RR(rel=2)@10 RR(judged_only=True) AP AP@10 AP@100 AP(rel=2) AP(rel=2)@1000 P@1 P@5
    P@10 P(rel=2)@10 P(judged_only=True)@10 R@5 R@10 R@100 R@1000 R(rel=2)@10 Rprec Rprec(rel=2)
    Bpref Bpref(rel=2) infAP ERR@5 ERR@10 ERR@20 RBP RBP(p=0.5) RBP(p=0.8) RBP(rel=1)
    RBP(p=0.5,rel=1) RBP(p=0.5,rel=2) RBP(p=0.9,rel=1)@10 Judged@5 Judged@10 Judged@100 SetP
    SetP(rel=2) SetP(relative=True) SetR SetF SetF(beta=2.0) SetF(beta=0.5) SetAP Success@1
    Success@5 Success@10 Success(rel=2)@10 NumRet NumRet(rel=1) NumRet(rel=2) NumRel NumQ
    IPrec@0.0 IPrec@0.1 IPrec@0.5 IPrec@1.0 Accuracy Accuracy@10 Compat(p=0.95) Compat(p=0.8)
    NERR8(max_rel=3,min_rel=0)@10 NERR9(max_rel=3,min_rel=0)@10 NERR10(max_rel=3,min_rel=0)
    NERR11(max_rel=3,min_rel=0) INST(max_rel=3,min_rel=0) INSQ(max_rel=3,min_rel=0)
    BPM(max_rel=3,min_rel=0)@10 SDCG(max_rel=3,min_rel=0)@10""".split()


def by_trec_eval(
    run: Dict[str, Dict[str, float]], qrels: Dict[str, Dict[str, int]]
) -> Dict[str, Any]:
    """All measures of trec_eval, with grades from 1 and from 2 on as relevant."""
    found: Dict[str, Any] = {}
    for level in (1, 2):
        evaluator = pytrec_eval.RelevanceEvaluator(
            qrels, pytrec_eval.supported_measures, relevance_level=level
        )
        values = evaluator.evaluate(run)
        found[f"pytrec_eval_rel{level}"] = values
        if values:
            names = sorted(next(iter(values.values())))
            found[f"pytrec_eval_rel{level}_mean"] = {
                name: pytrec_eval.compute_aggregated_measure(
                    name, [query[name] for query in values.values()]
                )
                for name in names
            }
    return found


def by_ir_measures(folder: Path) -> Dict[str, Any]:
    """All measures of ir_measures: a query, and their means; who computed them; errors."""
    values: Values = {}
    means: Dict[str, float] = {}
    providers: Dict[str, Optional[str]] = {}
    errors: Dict[str, str] = {}
    run = list(ir_measures.read_trec_run(str(folder / "run.txt")))
    qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels.txt")))
    for name in MEASURES:
        try:
            measure = ir_measures.parse_measure(name)
            provider = next(
                (
                    provider.NAME
                    for provider in ir_measures.DefaultPipeline.providers
                    if provider.is_available() and provider.supports(measure)
                ),
                None,
            )
            silence = io.StringIO()
            with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
                values[name] = {
                    value.query_id: value.value
                    for value in ir_measures.iter_calc([measure], qrels, run)
                }
                means[name] = ir_measures.calc_aggregate([measure], qrels, run)[measure]
            providers[name] = provider
        except Exception as error:
            errors[name] = without_addresses(f"{type(error).__name__}: {error}")[:150]
    return dict(
        ir_measures_per_query=values,
        ir_measures_mean=means,
        ir_measures_provider=providers,
        ir_measures_errors=errors,
    )


def without_addresses(message: str) -> str:
    """A message without addresses in memory and names of temporary files."""
    message = re.sub(r"0x[0-9a-f]+", "0x", message)
    return re.sub(tempfile.gettempdir() + r"/\w+", "X", message)


def by_lightning_ir(run: List[List[str]], qrels: List[List[str]]) -> Dict[str, Any]:
    """Some measures by Lightning IR's own route, from data frames."""
    try:
        run_frame = pandas.DataFrame(
            [(line[0], line[2], float(line[4])) for line in run],
            columns=["query_id", "doc_id", "score"],
        )
        qrels_frame = pandas.DataFrame(
            [(line[0], line[2], int(line[3])) for line in qrels],
            columns=["query_id", "doc_id", "relevance"],
        )
        names = ["nDCG@10", "RR@10", "AP", "P@5", "R@100"]
        return dict(lightning_ir_evaluate_run=evaluate_run(run_frame, qrels_frame, names))
    except Exception as error:
        return dict(lightning_ir_evaluate_run_error=f"{type(error).__name__}: {error}"[:200])


def make_evaluation(
    run: Generation,
    name: str,
    run_lines: List[str],
    qrels_lines: List[str],
    note: Optional[str] = None,
) -> None:
    """Make a case of evaluation."""
    path = f"eval/{name}"
    if not run.wants(path):
        return
    with run.case(path, note) as case:
        (case.folder / "run.txt").write_text("\n".join(run_lines) + "\n", encoding="utf-8")
        (case.folder / "qrels.txt").write_text("\n".join(qrels_lines) + "\n", encoding="utf-8")
        run_fields = [line.split() for line in run_lines]
        qrels_fields = [line.split() for line in qrels_lines]
        scores: Dict[str, Dict[str, float]] = {}
        for query, _, document, _, score, _ in run_fields:
            scores.setdefault(query, {})[document] = float(score)
        grades: Dict[str, Dict[str, int]] = {}
        for query, _, document, grade in qrels_fields:
            grades.setdefault(query, {})[document] = int(grade)
        found = by_trec_eval(scores, grades)
        found.update(by_ir_measures(case.folder))
        found.update(by_lightning_ir(run_fields, qrels_fields))
        write_json(found, case.folder / "expected.json")
        write_json(
            dict(kind="eval", run="run.txt", qrels="qrels.txt", measures=MEASURES),
            case.folder / "inputs.json",
        )
        if found["ir_measures_errors"]:
            case.note(
                "measures not computable here: " + json.dumps(found["ir_measures_errors"])[:900]
            )
