"""Tests of scripts/from-lightning-ir: older names, registered models, local datasets, and odd values."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

# First: it skips both where there is no yaml.
from test_from_lightning_ir import DPR, SCRIPT  # noqa: E402

import yaml  # noqa: E402

SEARCH = """
trainer: {callbacks: [{class_path: RankCallback}]}
model:
  class_path: BiEncoderModule
  init_args:
    model_name_or_path: models/bi-encoder
    index_dir: models/bi-encoder/indexes/msmarco-passage
    search_config: {class_path: FaissFlatSearchConfig, init_args: {k: 100}}
data:
  class_path: LightningIRDataModule
  init_args:
    inference_datasets:
    - {class_path: QueryDataset, init_args: {query_dataset: msmarco-passage/trec-dl-2019/judged, num_queries: 7}}
"""

INDEX = """
trainer: {callbacks: [{class_path: IndexCallback, init_args: {index_config: {class_path: FaissFlatIndexConfig}}}]}
model: {class_path: BiEncoderModule, init_args: {model_name_or_path: models/bi-encoder}}
data: {class_path: LightningIRDataModule, init_args: {inference_datasets: [
  {class_path: DocDataset, init_args: {doc_dataset: beir/scifact, num_docs: 50, text_fields: [title, text]}}]}}
"""

RERANK = """
model: {class_path: CrossEncoderModule, init_args: {model_name_or_path: castorini/monot5-base-msmarco}}
data: {class_path: LightningIRDataModule, init_args: {inference_datasets: [
  {class_path: RunDataset, init_args: {run_path_or_id: ./RUN, depth: 100}}]}}
"""

LOCAL = """
trainer:
  callbacks:
  - class_path: lightning_ir.RegisterLocalDatasetCallback
    init_args: {dataset_id: mine/own, docs: msmarco-passage, queries: q.tsv, docpairs: triples.tsv, qrels_defs: {1: yes}}
"""


def loaded_main() -> Any:
    sys.dont_write_bytecode = True
    loader = SourceFileLoader("from_lightning_ir", str(SCRIPT))
    spec = spec_from_loader("from_lightning_ir", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module.main


MAIN = loaded_main()


def convert(text: str, *options: str) -> Tuple[int, str, str]:
    """The exit status, the output and the messages for a configuration."""
    out, errors = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.yaml"
        file.write_text(text, "utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = MAIN([str(file), *options])
    return status, out.getvalue(), errors.getvalue()


class OfOldAndRegistered(unittest.TestCase):
    """What older files name, and what Lightning IR knows of names."""

    def read(self, text: str, *options: str) -> str:
        status, out, errors = convert(text, *options)
        self.assertEqual((status, errors), (0, ""))
        return out

    def test_registered_models_have_their_settings(self) -> None:
        out = self.read(RERANK.replace("RUN", "a.run"))
        self.assertIn("""--model-config '{"checkpoint": "castorini/monot5-base-msmarco"}'""", out)
        out = self.read(INDEX, "--model", "naver/splade-v3")
        self.assertIn("""--model-config '{"checkpoint": "naver/splade-v3"}'""", out)
        self.assertNotIn("model-config", self.read(INDEX))
        fit = self.read(DPR.replace("bert-base-uncased", "Soyoung97/RankT5-base")
                        .replace("    config:\n      class_path: lightning_ir.models.DprConfig\n", ""))
        self.assertEqual(yaml.safe_load(fit)["model_config"], {"checkpoint": "Soyoung97/RankT5-base"})

    def test_rank_callback_and_old_names(self) -> None:
        out = self.read(SEARCH)
        self.assertIn("index=models/bi-encoder/indexes/msmarco-passage\n", out)
        self.assertIn("-k 100 --limit 7 ", out)
        status, _, errors = convert("trainer: {callbacks: [{class_path: RankCallback}]}")
        self.assertEqual(status, 78)
        self.assertIn("--command", errors)

    def test_names_of_datasets(self) -> None:
        # The search.yaml beside webis/colbert and other models calls the queries' dataset doc_dataset.
        beside = SEARCH.replace("query_dataset", "doc_dataset")
        self.assertNotEqual(beside, SEARCH)
        out = self.read(beside)
        self.assertIn("# data.inference_datasets.0: doc_dataset of queries is taken as query_dataset\n", out)
        head = re.compile(r"(?m)^# (What|data).*\n")
        self.assertEqual(head.sub("", out), head.sub("", self.read(SEARCH)))
        for text, key in ((SEARCH, "query_dataset"), (INDEX, "doc_dataset")):
            status, _, errors = convert(text.replace(key, "num_docs" if key == "doc_dataset" else "num_queries", 1))
            self.assertEqual((status, f"data.inference_datasets.0: no {key}" in errors), (78, True), errors)

    def test_keys_that_are_written_of_every_command(self) -> None:
        written = "\nckpt_path: null\nverbose: true\nlr_scheduler: null\n"
        for text in (SEARCH, INDEX, RERANK.replace("RUN", "a.run"), DPR):
            found, expected = (re.sub(r"(?m)^# What .*\n", "", self.read(t)) for t in (text + written, text))
            self.assertEqual(found, expected)

    def test_one_callback_of_a_command(self) -> None:
        alone = INDEX.replace("callbacks: [", "callbacks: ").replace("}}]}", "}}}", 1)
        self.assertEqual(*(re.sub(r"(?m)^# What .*\n", "", self.read(text)) for text in (alone, INDEX)))
        status, _, errors = convert(INDEX.replace("callbacks: [", "fast_dev_run: 3, callbacks: ["))
        self.assertEqual((status, "fast_dev_run" in errors), (78, True))

    def test_base_classes(self) -> None:
        for name, ours in (("BiEncoderConfig", "lir-dpr"), ("MultiVectorBiEncoderConfig", "col")):
            out = self.read(DPR.replace("lightning_ir.models.DprConfig", name))
            self.assertEqual(yaml.safe_load(out)["model_config"]["model_type"], ours)
            self.assertIn(f"# {name} makes no model", out)

    def test_fields_of_documents(self) -> None:
        out = self.read(INDEX)
        self.assertIn("--role doc --limit 50 ", out)
        self.assertIn("# text_fields: title, text", out)
        local = INDEX.replace("callbacks: [", "callbacks: [{class_path: RegisterLocalDatasetCallback, "
                              "init_args: {queries: q.tsv, docs: d.jsonl, dataset_id: beir/scifact}}, ")
        out = self.read(local)
        self.assertIn('docs: {"path": "d.jsonl", "fields": ["title", "text"]}', out)
        # The columns of TSV have no names: ir_datasets.formats.TsvDocs has doc_id and text.
        tsv = local.replace("d.jsonl", "d.tsv")
        self.assertIn('docs: "d.tsv"\n', self.read(tsv.replace("[title, text]", "[text]")))
        status, _, errors = convert(tsv)
        self.assertEqual((status, "text_fields title, text of d.tsv" in errors), (78, True))

    def test_arguments_of_callbacks(self) -> None:
        status, _, errors = convert(INDEX.replace("index_config:", "index_nam: other, index_config:"))
        self.assertEqual((status, "trainer.callbacks.index_nam" in errors), (78, True))
        status, _, errors = convert(SEARCH.replace("RankCallback", "RankCallback, init_args: {save_dirs: runs}"))
        self.assertEqual((status, "trainer.callbacks.save_dirs" in errors), (78, True))
        again = "{class_path: IndexCallback, init_args: {index_config: {class_path: TorchDenseIndexConfig}}}"
        status, _, errors = convert(INDEX.replace("callbacks: [", f"callbacks: [{again}, "))
        self.assertEqual((status, "IndexCallback twice" in errors), (78, True))

    def test_local_datasets_of_a_training(self) -> None:
        text = DPR.replace("msmarco-passage/train/triples-small", "mine/own")
        out = self.read(text.replace("trainer:\n", LOCAL.lstrip()))
        found = yaml.safe_load(out)["data"]
        self.assertEqual((found["tuples"], found["queries"], found["docs"], found["format"]),
                         ("triples.tsv", "q.tsv", "datasets/msmarco-passage/docs.zst", "id_triples"))
        lacking = text.replace("trainer:\n", LOCAL.lstrip().replace("queries: q.tsv, ", ""))
        status, _, errors = convert(lacking)
        self.assertEqual(status, 78)
        self.assertIn("queries of mine/own", errors)

    def test_runs_in_other_forms(self) -> None:
        out = self.read(RERANK.replace("RUN", "mine.jsonl"))
        self.assertIn('docs: {"path": "./mine.jsonl", "format": "ranking"}', out)
        self.assertIn('"$datasets"/local/mine.ranking/run.zst', out)
        out = self.read(RERANK.replace("RUN", "__a__beir-scifact.parquet"))
        self.assertNotIn("docs: {", out)
        self.assertIn("--owner id beir-scifact", out)

    def trained(self, *validated: str) -> Tuple[str, Any]:
        """A training with data of these RunDatasets to validate with, as text and as what it says."""
        runs = ", ".join(f"{{class_path: RunDataset, init_args: {{run_path_or_id: {run}}}}}" for run in validated)
        out = self.read(DPR.replace("    train_batch_size", f"    inference_datasets: [{runs}]\n    train_batch_size")
                        .replace("    loss_functions", f"    evaluation_metrics: [nDCG@10, loss]\n    loss_functions"))
        return out, yaml.safe_load(out)

    def test_runs_of_a_training_have_texts_that_can_be_fetched(self) -> None:
        out, result = self.trained("a__vaswani.run", "b__msmarco-passage-dev.parquet")
        for entry, dataset in zip(result["validate"], ("vaswani", "msmarco-passage-dev")):
            for part in ("queries", "docs", "qrels"):
                self.assertEqual(entry[part], f"datasets/{dataset}/{part}.zst")
                self.assertIn(f"# scripts/fetch-dataset --part {part} {dataset} datasets\n", out)
        self.assertEqual([entry["run"] for entry in result["validate"]],
                         ["a__vaswani.run", "datasets/local/b__msmarco-passage-dev.ranking/run.zst"])

    def test_runs_of_a_training_with_texts(self) -> None:
        names = {"query_id": 1, "doc_id": 2, "rank": 1, "query": "q", "text": "t"}
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("graded.jsonl", json.dumps({**names, "relevance": 1})),
                                  ("bare.json", json.dumps([names])), ("s__vaswani.jsonl", json.dumps(names))):
                (Path(folder) / name).write_text(content, "utf-8")
            out, result = self.trained(*(f"{folder}/{name}" for name in ("graded.jsonl", "bare.json", "s__vaswani.jsonl")))
        # Nothing can be measured of the second one, which has neither targets nor judgements.
        self.assertEqual([(sorted(entry), entry["measures"]) for entry in result["validate"]],
                         [(["docs", "measures", "qrels", "queries", "run"], ["nDCG@10"])] * 2)
        self.assertIn("# nDCG@10, loss of datasets/local/bare.ranking/run.zst is left out", out)
        self.assertIn("""'qrels: "vaswani"' >s__vaswani.ranking.yml""", out)
        self.assertIn("# scripts/fetch-dataset graded.ranking.yml datasets\n", out)

    def test_losses_are_measured_with_targets_alone(self) -> None:
        text = self.trained("a__vaswani.run")[0]
        self.assertIn("# loss of a__vaswani.run is left out", text)
        result = self.trained("a__vaswani.run, targets: relevance")[1]
        self.assertEqual(result["validate"][0]["measures"], ["nDCG@10", "loss"])

    def test_placeholders(self) -> None:
        text = INDEX.replace("models/bi-encoder", "{MODEL_NAME}")
        status, _, errors = convert(text)
        self.assertEqual(status, 78)
        self.assertIn("--model says one", errors)
        self.assertIn("model=a/b", self.read(text, "--model", "a/b"))

    def test_no_value_ends_in_a_traceback(self) -> None:
        def places(value: Any, path: Tuple[Any, ...] = ()) -> Any:
            yield path
            items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for key, inner in items:
                yield from places(inner, (*path, key))

        local = LOCAL + DPR.split("max_steps: 100_000")[1]
        for text in (DPR, SEARCH, INDEX, RERANK.replace("RUN", "a.jsonl"), local):
            for path in places(yaml.safe_load(text)):
                for value in (None, 7, "x", [3], {"y": None}):
                    changed: Any = {"top": yaml.safe_load(text)}
                    inner = changed
                    for key in ("top", *path)[:-1]:
                        inner = inner[key]
                    inner[("top", *path)[-1]] = value
                    status, _, errors = convert(yaml.safe_dump(changed["top"]))
                    self.assertIn(status, (0, 65, 78))
                    # What is wrong is named by where it stands.
                    self.assertNotRegex(errors, r"not a configuration of Lightning IR: \w+Error", f"{path} {value}")


if __name__ == "__main__":
    unittest.main()
