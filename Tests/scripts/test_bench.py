"""Tests of scripts/bench: operations, ratios, tables, chart, models, and the peers' loop."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Dict, List

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS / "reference")]
sys.dont_write_bytecode = True

import bench_report as report  # noqa: E402

try:
    import numpy as np
    import bench_peers as peers
except ImportError:
    np = None

loader = SourceFileLoader("bench", str(SCRIPTS / "bench"))
spec = spec_from_loader("bench", loader)
assert spec is not None
bench = module_from_spec(spec)
sys.modules["bench"] = bench  # dataclasses look their module up
loader.exec_module(bench)

CONFIG = {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 2, "vocab_size": 10}


def case(**changes: Any) -> report.Case:
    fast = report.Raced("fast|er", "1", 8, [3.0, 2.0, 8.0], 0.9, False)
    slow = report.Raced("slow", "2", 4, [4.0, 6.0, 10.0], 0.99999, True)
    found = report.Case("tiny", "f32", 1, 12, 120, seconds=[2.0, 2.0, 4.0], loading=[0.5],
                        cosine=1.0, enough=0.9999, linear=6e9, attention=1e9, peak=[4e9],
                        peak_f32=[4e9], tokenizing=0.2, peers=[slow, fast])
    for key, value in changes.items():
        setattr(found, key, value)
    return found


def matrices(layer: List[List[int]], rows: List[int]) -> int:
    """Two operations for every weight and row."""
    return sum(2 * n * k * r for (n, k), r in zip(layer, rows))


class OperationsTests(unittest.TestCase):
    LAYER = [[4, 4]] * 4 + [[6, 4], [4, 6]]  # queries, keys, values, output; in and out

    def test_every_token_goes_through_every_matrix(self) -> None:
        expected = 2 * matrices(self.LAYER, [5] * 6)
        self.assertEqual(report.linear_operations(CONFIG, "dense", [2, 3]), expected)

    def test_splade_projects_every_token_to_the_vocabulary(self) -> None:
        expected = 2 * matrices(self.LAYER, [5] * 6) + matrices([[4, 4], [10, 4]], [5, 5])
        self.assertEqual(report.linear_operations(CONFIG, "splade", [2, 3]), expected)

    def test_a_pooled_row_needs_the_last_layer_alone(self) -> None:
        # Keys and values of all five tokens; the rest for one row of each of the two texts.
        expected = matrices(self.LAYER, [5] * 6) + matrices(self.LAYER, [2, 5, 5, 2, 2, 2])
        self.assertEqual(report.linear_operations(CONFIG, "one", [2, 3]), expected)
        self.assertEqual(report.linear_operations(CONFIG, "cross", [2, 3]),
                         expected + matrices([[4, 4]], [2]))

    def test_attention_is_square_in_the_length(self) -> None:
        # Scores and weighted sums: two products of n by n by 4.
        self.assertEqual(report.attention_operations(CONFIG, "dense", [3]), 2 * 2 * (2 * 9 * 4))
        self.assertEqual(report.attention_operations(CONFIG, "cross", [3]),
                         2 * (2 * 9 * 4) + 2 * (2 * 3 * 4))

    def test_a_decoder_has_gates_and_shared_keys(self) -> None:
        config = {**CONFIG, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 2}
        # Queries, keys, values, output; gate, up, down.
        layer = [[6, 4], [2, 4], [2, 4], [4, 6], [6, 4], [6, 4], [4, 6]]
        self.assertEqual(report.linear_operations(config, "one", [2, 3]),
                         matrices(layer, [5] * 7) + matrices(layer, [2, 5, 5, 2, 2, 2, 2]))
        # Of three tokens one sees one, one two and one three: six products of a width of 6.
        self.assertEqual(report.attention_operations(config, "dense", [3]), 2 * 2 * (2 * 6 * 6))
        del config["head_dim"]
        config["num_attention_heads"] = 2
        self.assertEqual(report.head_widths(config), (4, 2))

    def test_other_networks_have_no_count(self) -> None:
        self.assertIsNone(report.linear_operations({"d_model": 4}, "dense", [3]))


class ReportTests(unittest.TestCase):
    def test_ratios_are_those_of_neighbours(self) -> None:
        found = case()
        self.assertEqual(found.ratios(found.peers[0]), [2.0, 3.0, 2.5])

    def test_who_is_too_far_off_is_not_the_best(self) -> None:
        found = case()
        assert found.best is not None
        self.assertEqual(found.best.name, "slow")
        found.peers[1].counts = True
        self.assertEqual(found.best.name, "fast|er")
        found.peers = []
        self.assertIsNone(found.best)

    def test_race_table(self) -> None:
        lines = report.race_table([case()]).splitlines()
        self.assertEqual(lines[1].count("---:"), 9)  # all but model, precision, peer
        self.assertIn("| fast\\|er | 8 | 6.0 | 4.0 | 1.50 | 1.00 | 2.00 | 1.00000 | 0.90000 † |",
                      lines[2])
        self.assertIn("| **slow** | 4 | 6.0 | 2.0 | **2.50** | 2.00 | 3.00 |", lines[3])

    def test_roofline_table(self) -> None:
        # 6e9 at 4e9 a second is 1.5 s of 2 s; attention 0.25 s; tokenizing 0.2 s; 0.05 s are left.
        line = report.roofline_table([case()]).splitlines()[2]
        self.assertEqual(line, "| tiny | f32 | 1 | 4 | 3.0 | 75 % | 12 % | 10 % | 2 % | 10 | 0.50 |")
        line = report.roofline_table([case(peak=[])]).splitlines()[2]
        self.assertEqual(line.count("–"), 7)

    def test_the_mark_is_explained_where_it_is_used(self) -> None:
        self.assertIn("† The results", report.report([case()], ["a CPU"]))
        self.assertNotIn("†", report.report([case(peers=case().peers[:1])], ["a CPU"]))

    def test_chart(self) -> None:
        svg = xml.fromstring(report.chart([case(model="a<b")]))
        name = "{http://www.w3.org/2000/svg}"
        widths = [float(r.get("width", "")) for r in svg.findall(f"{name}rect")[1:]]
        self.assertAlmostEqual(widths[0] / widths[1], 2.5 / 1.5, delta=0.01)
        left = float(svg.findall(f"{name}rect")[1].get("x", ""))
        line = svg.findall(f"{name}path")[-1].get("d", "")
        self.assertAlmostEqual(float(line[1:].split()[0]) - left, widths[0] / 2.5, delta=0.1)
        self.assertIn("a<b, f32, 1 thread", [t.text for t in svg.findall(f"{name}text")])
        xml.fromstring(report.chart([]))


class ModelTests(unittest.TestCase):
    def read(self, files: Dict[str, Dict[str, Any]]) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text(json.dumps(content))
            return bench.Model.read("some", Path(folder))

    def test_kinds(self) -> None:
        for architecture, kind in [("BertModel", "dense"), ("BertForMaskedLM", "splade"),
                                   ("BertForSequenceClassification", "cross")]:
            found = self.read({"config.json": {"architectures": [architecture]}})
            self.assertEqual(found.kind, kind)
        found = self.read({"config.json": {},
                           "1_Pooling/config.json": {"pooling_mode_cls_token": True}})
        self.assertEqual(found.kind, "one")
        found = self.read({"config.json": {},
                           "1_Pooling/config.json": {"pooling_mode_lasttoken": True}})
        self.assertEqual(found.kind, "one")

    def test_the_shortest_limit_counts(self) -> None:
        files: Dict[str, Dict[str, Any]] = {"config.json": {"max_position_embeddings": 514}}
        self.assertEqual(self.read(files).max_length, 514)
        files["tokenizer_config.json"] = {"model_max_length": 512}
        self.assertEqual(self.read(files).max_length, 512)
        files["sentence_bert_config.json"] = {"max_seq_length": 256}
        self.assertEqual(self.read(files).max_length, 256)

    def test_loading_is_timed_on_nothing(self) -> None:
        """Without texts the tools work as long as --allow-empty is said; they refuse nothing at all."""
        tool = '#!/bin/sh\ncase " $* " in *" --allow-empty "*) exit 0;; esac\n' \
            'for last; do :; done\n[ -s "$last" ] || { echo "found not one byte" >&2; exit 65; }\n'
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for program in ("lir-encode", "lir-tokenize"):
                (folder / program).write_text(tool)
                (folder / program).chmod(0o755)
            model = bench.Model("some", folder, {}, "dense", 8)
            ours = bench.Ours(model, folder, "f32", 1, [["a text"]], folder, bench.Clock(False))
            seconds, loading = ours.seconds()
            self.assertGreater(seconds, 0)
            self.assertGreater(loading, 0)
            self.assertGreaterEqual(ours.tokenizing(), 0)

    def test_usage(self) -> None:
        for arguments in (["--rounds", "0"], ["--threads", "100000"], ["--peers", "nobody"]):
            done = subprocess.run([sys.executable, str(SCRIPTS / "bench"), *arguments],
                                  stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 64, done.stderr)


@unittest.skipIf(np is None, "NumPy is not installed")
class PeerTests(unittest.TestCase):
    def test_batches(self) -> None:
        texts = [([1, 2], [0, 0]), ([3, 4, 5, 6], [0, 0, 1, 1]), ([7], [0])]
        found = peers.Peer.batches(texts, 2)
        self.assertEqual([chosen for chosen, _ in found], [[1, 0], [2]])
        ids, mask, types = found[0][1]
        self.assertEqual(ids.tolist(), [[3, 4, 5, 6], [1, 2, 0, 0]])
        self.assertEqual(mask.tolist(), [[1, 1, 1, 1], [1, 1, 0, 0]])
        self.assertEqual(types.tolist(), [[0, 0, 1, 1], [0, 0, 0, 0]])
        self.assertEqual(found[1][1][0].shape, (1, 1))  # as long as its own longest

    def test_agreement_is_the_least_cosine(self) -> None:
        expected = np.array([[1.0, 0.0], [0.0, 2.0]])
        found = np.array([[5.0, 0.0], [3.0, 4.0]])
        self.assertAlmostEqual(peers.agreement(found, expected, "dense")["cosine"], 0.8)

    def test_a_missing_text_agrees_with_nothing(self) -> None:
        found = np.array([[1.0, 0.0], [np.nan, np.nan]])
        self.assertEqual(peers.agreement(found, np.ones((2, 2)), "dense")["cosine"], -1)

    def test_scores_are_correlated(self) -> None:
        scores = np.array([[1.0], [2.0], [4.0]])
        self.assertAlmostEqual(peers.agreement(scores + 7, scores, "cross")["cosine"], 1)
        # Pearson's r of (1, 2, 4) and (4, 2, 1): -13 / 14
        self.assertAlmostEqual(peers.agreement(scores[::-1], scores, "cross")["cosine"], -13 / 14)

    def test_scores_of_a_run_find_their_texts(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "ours.run")
            path.write_text("q1 Q0 d1 1 0.5 t\nq0 Q0 d0 1 -2 t\n")
            found = peers.result(path, ["d0", "d1", "d2"], (3, 1))
        self.assertEqual(found[:2, 0].tolist(), [-2.0, 0.5])
        self.assertTrue(np.isnan(found[2, 0]))


if __name__ == "__main__":
    unittest.main()
