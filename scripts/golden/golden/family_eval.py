"""Family `eval`: runs and judgements with what is odd about real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from golden.evaluation_cases import make_evaluation
from golden.generation import Generation

#: Lines of a run and of judgements.
Lines = Tuple[List[str], List[str]]
#: Ways of writing a number.
FORMATS = ["{:.3e}", "{:+.4f}", "{:.0f}", "{:.10f}", "{:g}", "{:E}"]
#: Scores that single precision cannot tell apart, and others at its limits.
PRECISE = [
    "0.123456789012",
    "0.123456789011",
    "0.123456789013",
    "0.1234567",
    "0.12345678",
    "16777216",
    "16777217",
    "16777218",
    "1e-40",
    "0",
    "-0.0",
    "1e38",
    "3.0000001",
    "3.0000002",
    "3",
]
PRECISE_GRADES = [1, 0, 2, 0, 1, 0, 1, 2, 0, 1, 0, 0, 2, 1, 0]


def number_of_query(k: int) -> str:
    """The usual id of a query."""
    return str(100 + k)


def number_of_document(k: int) -> str:
    """The usual id of a document."""
    return f"D{k}"


@dataclass(frozen=True)
class Collection:
    """A drawn run with judgements."""

    queries: int
    #: How many documents each query has, and of how many they are drawn.
    documents: int
    pool: int
    grades: Sequence[int]
    #: How many documents are judged for each query.
    judged: int
    score_format: str = "{:.6f}"
    query_id: Callable[[int], str] = number_of_query
    document_id: Callable[[int], str] = number_of_document
    #: Draws scores; nil for normal ones.
    scores: Optional[Callable[[int], np.ndarray]] = None
    has_random_ranks: bool = False

    def draw(self, random: np.random.Generator) -> Lines:
        """Lines of the run and of the judgements."""
        run: List[str] = []
        qrels: List[str] = []
        for k in range(self.queries):
            query, count = self.query_id(k), self.documents
            documents = random.permutation(self.pool)[:count]
            scores = self.scores(count) if self.scores else random.normal(10, 3, count)
            ranks = random.permutation(count) + 1 if self.has_random_ranks else np.arange(count) + 1
            for document, score, rank in zip(documents, np.sort(scores)[::-1], ranks):
                run.append(
                    f"{query} Q0 {self.document_id(document)} {rank}"
                    f" {self.score_format.format(score)} sys"
                )
            judged = random.permutation(self.pool)[: self.judged]
            for document, grade in zip(judged, random.choice(self.grades, self.judged)):
                qrels.append(f"{query} 0 {self.document_id(document)} {int(grade)}")
        return run, qrels


def query_of(line: str) -> str:
    """The query of a line."""
    return line.split()[0]


def with_grade(line: str, grade: int) -> str:
    """A line of judgements with another grade."""
    return " ".join(line.split()[:3]) + f" {grade}"


def missing_queries(random: np.random.Generator) -> Lines:
    """Queries that only the run or only the judgements have."""
    run, qrels = Collection(8, 20, 50, [0, 1, 2], 25).draw(random)
    run = [line for line in run if query_of(line) not in ("101", "104")]
    run += [f"900 Q0 D{k} {k + 1} {9 - k * 0.5} sys" for k in range(10)]
    qrels = [line for line in qrels if query_of(line) != "103"]
    return run, [with_grade(line, 0) if query_of(line) == "105" else line for line in qrels]


def duplicates(random: np.random.Generator) -> Lines:
    """Documents that a run or the judgements name twice."""
    run, qrels = Collection(5, 20, 50, [0, 1, 2], 25).draw(random)
    again = [(*line.split()[0:3:2], random.normal(10, 3)) for line in run[::4]]
    run += [
        f"{query} Q0 {document} {k} {score:.4f} sys"
        for k, (query, document, score) in enumerate(again)
    ]
    qrels += [with_grade(line, int(random.integers(0, 3))) for line in qrels[::5]]
    return run, qrels


def float_formats(random: np.random.Generator) -> Lines:
    """Scores written in many ways."""
    run, qrels = Collection(6, 25, 50, [0, 1, 2], 30).draw(random)
    written = []
    for i, line in enumerate(run):
        fields = line.split()
        score = float(fields[4]) * (-1 if i % 7 == 0 else 1) * 10.0 ** (i % 5 - 2)
        fields[4] = FORMATS[i % 6].format(score)
        written.append(" ".join(fields))
    return written, qrels


def tied(random: np.random.Generator) -> Collection:
    """Many documents with equal scores."""
    return Collection(
        10,
        40,
        80,
        [0, 0, 1, 2],
        50,
        "{:.0f}",
        document_id=lambda k: ["doc%d", "Doc%d", "%d", "d0%d"][k % 4] % k,
        scores=lambda n: random.integers(0, 6, n).astype(float),
    )


def odd_ids() -> Collection:
    """Ids that are no plain numbers."""
    return Collection(
        6,
        20,
        40,
        [0, 1, 2],
        25,
        query_id=lambda k: ["q-1", "Q_2.a", "003", "3", "\u00e4\u00f6", "topic/7"][k],
        document_id=lambda k: [
            "doc#%d",
            "\u6587\u66f8%d",
            "http://x.y/%d",
            "%03d",
            "msmarco_passage_00_%d",
        ][k % 5]
        % k,
    )


def make(run: Generation) -> None:
    """Make the family."""
    random = run.random("eval")

    def put(name: str, lines: Lines, note: Optional[str] = None) -> None:
        make_evaluation(run, name, *lines, note)

    put("basic", Collection(12, 50, 120, [0, 0, 0, 1, 2, 3], 60).draw(random))
    put(
        "ties",
        tied(random).draw(random),
        "many tied scores: trec_eval/pytrec_eval break ties by doc id DESCENDING (byte-wise string"
        " comparison); the rank column and file order are ignored",
    )
    put(
        "rank_column_ignored",
        Collection(5, 30, 60, [0, 1, 2], 40, has_random_ranks=True).draw(random),
        "rank column is random; only scores count",
    )
    put(
        "negative_grades",
        Collection(8, 30, 60, [-2, -1, 0, 1, 2], 45).draw(random),
        "negative grades",
    )
    put(
        "missing_queries",
        missing_queries(random),
        "qrels queries 101,104 not in run; run queries 103,900 not in qrels; query 105 has no"
        " relevant document",
    )
    put(
        "duplicates",
        duplicates(random),
        "duplicate doc ids in run (different scores) and duplicate qrels lines: dict semantics,"
        " LAST line wins (pytrec_eval.parse_run itself raises on duplicates)",
    )
    put(
        "odd_ids",
        odd_ids().draw(random),
        "non-integer / unicode ids, leading zeros ('003' and '3' are different)",
    )
    put("float_formats", float_formats(random), "exponents, plus signs, negative scores, integers")
    precise = [f"1 Q0 D{k} {k} {score} s" for k, score in enumerate(PRECISE)]
    put(
        "float_precision",
        (precise, [f"1 0 D{k} {grade}" for k, grade in enumerate(PRECISE_GRADES)]),
        "scores differing beyond single precision: shows whether comparison happens in float or"
        " double",
    )
    put("deep1000", Collection(4, 1000, 2500, [0, 0, 0, 0, 1, 1, 2, 3], 400).draw(random))
    put(
        "tiny",
        (
            ["1 Q0 a 1 1.0 s", "2 Q0 a 1 1.0 s", "2 Q0 b 2 0.5 s", "3 Q0 zz 1 2 s"],
            ["1 0 a 1", "2 0 b 3", "3 0 a 1", "3 0 b 2"],
        ),
        "very small runs",
    )
    put(
        "high_grades",
        Collection(4, 20, 40, [0, 1, 2, 3, 4, 7, 10], 30).draw(random),
        "grades above 4",
    )
