"""Tests of scripts/study-table: marks, means, published values, the front of Pareto."""

from __future__ import annotations

import argparse
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "study-table"


def load() -> Any:
    loader = SourceFileLoader("study_table", str(SCRIPT))
    spec = spec_from_loader("study_table", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["study_table"] = module
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


TABLE = load()


class StudyTableTest(unittest.TestCase):

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.out = Path(temporary.name)

    def write(self, name: str, *rows: str) -> None:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(row.replace(" ", "\t") + "\n" for row in rows), "utf-8")

    def study(self, first: str = "dataset", depth: str = "1000", lists: str = "") -> Any:
        return TABLE.Study(argparse.Namespace(
            out=self.out, names="one=a two/b=two-b", models="m=owner/model", scores=self.out / "models-scores.tsv",
            measures="nDCG@10", first=first, depth=depth, lists=lists, exact="exact flat"))

    def test_tables(self) -> None:
        self.write("a/measures.tsv", "bm25 nDCG@10 all 0.25", "m:rerank nDCG@10 all 0.5")
        self.write("a/tests.tsv", "nDCG@10 bm25 m:rerank randomisation_p_holm 0.04")
        self.write("two-b/measures.tsv", "bm25 nDCG@10 all 0.75", "m:rerank nDCG@10 all 0.7")
        self.write("two-b/tests.tsv", "nDCG@10 bm25 m:rerank randomisation_p_holm 0.06")
        self.write("models-scores.tsv", "model task dataset measure value depth first source",
                   "short rerank one nDCG@10 0.51 1000 official x", "short retrieve two/b nDCG@10 0.9 100 - x")
        self.write("models.tsv", "name hub kind settings query_prompt doc_prompt", "short owner/model mono - - -")
        head, rows = self.study().table("nDCG@10")
        self.assertEqual(head, ["model", "index", "one", "two/b", "mean"])
        self.assertEqual(rows, [["bm25", "", "0.2500", "0.7500", "0.5000"],
                                ["m", "rerank", "0.5000* [0.51]", "0.7000", "0.6000"]])
        # Other candidates, or another depth, than those of the published value.
        self.assertIn("[~0.51]", self.study("bm25").table("nDCG@10")[1][1][2])
        self.assertIn("[~0.51]", self.study(depth="100").table("nDCG@10")[1][1][2])
        # Of several values the one of the same candidates.
        with open(self.out / "models-scores.tsv", "a", encoding="utf-8") as file:
            for first, value in (("other", "0.49"), ("bm25", "0.48")):
                file.write("\t".join(["short", "rerank", "one", "nDCG@10", value, "1000", first, "x"]) + "\n")
        self.assertIn("[0.48]", self.study("bm25").table("nDCG@10")[1][1][2])
        self.assertIn("[0.51]", self.study().table("nDCG@10")[1][1][2])
        self.assertIn(r"0.5000$^{*}$ [0.51]", TABLE.FORMATS["tex"](self.study()))
        self.assertIn("| m | rerank | 0.5000\\* [0.51] |", TABLE.FORMATS["md"](self.study()))

    def test_published_means_and_protocols(self) -> None:
        for folder in ("a", "two-b"):
            self.write(f"{folder}/measures.tsv", *(f"m:{kind} nDCG@10 all 0.5" for kind in ("exact", "ivf", "flat")))
        self.write("models-scores.tsv", "model task dataset measure value depth first source",
                   "short retrieve two/b nDCG@10 0.9 100 - x", "short retrieve both nDCG@10 0.7 100 - x",
                   "short rerank both nDCG@10 0.8 100 - x", "short retrieve half nDCG@10 0.4 100 - x")
        self.write("models.tsv", "name hub kind settings query_prompt doc_prompt", "short owner/model dense - - -")
        head, rows = self.study(lists="both=one,two/b").table("nDCG@10")
        self.assertEqual(head, ["model", "index", "one", "two/b", "mean"])
        self.assertEqual([row[1:] for row in rows], [
            [kind, "0.5000", f"0.5000 [{mark}0.9]", f"0.5000 [{mark}0.7]"]
            for kind, mark in (("exact", ""), ("ivf", "~"), ("flat", ""))])
        # A list that is a part has a mean of its own, and nothing is published of all.
        head, rows = self.study(lists="half=one").table("nDCG@10")
        self.assertEqual(head, ["model", "index", "one", "two/b", "half", "mean"])
        self.assertEqual(rows[0][2:], ["0.5000", "0.5000 [0.9]", "0.5000 [0.4]", "0.5000"])

    def test_measures_that_grades_cannot_be_measured_by(self) -> None:
        self.write("a/measures.tsv", "bm25 nDCG@10 all 0.25")
        self.write("two-b/measures.tsv")
        self.write("models-scores.tsv", "model task dataset measure value depth first source")
        (self.out / "two-b" / "usable-measures.txt").write_text("# nDCG@10\tqrels:7: 0.5 <odd>\n", "utf-8")
        form = {name: TABLE.FORMATS[name](self.study()) for name in ("txt", "md", "tex", "html")}
        self.assertRegex(form["txt"], r"bm25 +0\.2500  -      -\n\(two/b: qrels:7: 0\.5 <odd>\)\n")
        self.assertIn("| - |\n\n- two/b: qrels:7: 0.5 <odd>\n", form["md"])
        self.assertIn("\n% two/b: qrels:7: 0.5 <odd>\n", form["tex"])
        self.assertIn("<p>two/b: qrels:7: 0.5 &lt;odd&gt;</p>", form["html"])

    def test_measures_of_one_collection(self) -> None:
        self.write("a/measures.tsv", "bm25 nDCG@10 all 0.25")
        self.write("two-b/measures.tsv", "bm25 AP(rel=2) all 0.5", "bm25 nDCG(dcg='exp-log2')@10 all 0.75")
        self.write("models-scores.tsv", "model task dataset measure value depth first source")
        tables = self.study().tables()
        self.assertEqual([(t.name, t.rows[0][2:], t.notes) for t in tables], [
            ("nDCG@10", ["0.2500", "0.7500", "0.5000"], ["two/b: nDCG(dcg='exp-log2')@10"]),
            ("AP(rel=2)", ["-", "0.5000", "-"], [])])

    def test_the_front(self) -> None:
        found = [("slow", 9.0, 0.9), ("fast", 1.0, 0.5), ("worse", 2.0, 0.4), ("same", 9.5, 0.9), ("mid", 3.0, 0.6)]
        self.assertEqual([p[0] for p in TABLE.front(found)], ["fast", "mid", "slow"])

    def test_costs(self) -> None:
        self.write("a/measures.tsv", "bm25 nDCG@10 all 0.25", "m:exact nDCG@10 all 0.5")
        self.write("two-b/measures.tsv", "bm25 nDCG@10 all 0.75", "m:exact nDCG@10 all 0.7")
        self.write("models-scores.tsv", "model task dataset measure value depth first source")
        for folder in ("a", "two-b"):
            for name, seconds in (("logs/bm25.search.log", 1.5), ("m/logs/encode.docs-1.log", 5.0),
                                  ("m/logs/encode.join.log", 3.0), ("m/logs/exact.search.log", 0.5)):
                path = self.out / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"x\nlir-encode: done records=3 seconds={seconds} peak_rss_mb=20\n", "utf-8")
        self.assertEqual(TABLE.points(self.study()), [("bm25", 3.0, 0.5), ("m:exact", 17.0, 0.6)])
        self.assertIn("one\tm\tencode\t8.000\t20\t\n", TABLE.costs(self.study()))
        # The index counts where it is: in the folder of one of two collections that share it.
        (self.out / "a/m/exact").mkdir()
        (self.out / "a/m/exact/manifest.json").write_text("x" * 7)
        (self.out / "a/m/logs/exact.index.log").write_text("lir-index: done seconds=1.5 peak_rss_mb=31\n", "utf-8")
        form = {name: TABLE.FORMATS[f"costs-{name}"](self.study()) for name in ("txt", "md", "tex", "html")}
        self.assertIn("m      exact  18.5     31           7\n", form["txt"])
        self.assertIn("| bm25 |  | 3.0 | 20 | - |", form["md"])
        self.assertIn(r"m & exact & 18.5 & 31 & 7 \\", form["tex"])
        self.assertIn("<td>m</td><td>exact</td><td>18.5</td><td>31</td><td>7</td>", form["html"])
        self.assertIn('href="costs.html"', TABLE.FORMATS["html"](self.study()))


if __name__ == "__main__":
    unittest.main()
