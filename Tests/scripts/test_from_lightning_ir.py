"""Tests of scripts/from-lightning-ir on configurations such as Lightning IR's documentation has."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, Tuple

try:
    import yaml
except ImportError as error:
    raise unittest.SkipTest(f"{error.name} is not installed")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "from-lightning-ir"

DPR = """
trainer:
  max_steps: 100_000
model:
  class_path: lightning_ir.BiEncoderModule
  init_args:
    model_name_or_path: bert-base-uncased
    config:
      class_path: lightning_ir.models.DprConfig
    loss_functions:
    - lightning_ir.RankNet
data:
  class_path: lightning_ir.LightningIRDataModule
  init_args:
    train_dataset:
      class_path: lightning_ir.TupleDataset
      init_args:
        tuples_dataset: msmarco-passage/train/triples-small
    train_batch_size: 32
optimizer:
  class_path: torch.optim.AdamW
  init_args:
    lr: 0.001
"""

SPLADE = """
seed_everything: 7
trainer:
  accelerator: gpu
  precision: bf16-mixed
  max_steps: 50000
  accumulate_grad_batches: 4
  gradient_clip_val: 1
  val_check_interval: 4000
  callbacks:
  - class_path: lightning_ir.GenericConstantSchedulerWithQuadraticWarmup
    init_args:
      keys: [loss_functions.1.query_weight, loss_functions.1.doc_weight]
      num_warmup_steps: 20_000
      num_delay_steps: 50
  - class_path: LearningRateMonitor
model:
  class_path: BiEncoderModule
  init_args:
    model_name_or_path: models/splade
    config:
      class_path: SpladeConfig
      init_args: {query_length: 24}
    loss_functions:
    - - class_path: SupervisedMarginMSE
      - 0.05
    - class_path: FLOPSRegularization
      init_args: {query_weight: 0.08, doc_weight: 0.1}
    evaluation_metrics: [nDCG@10, RR@10]
data:
  class_path: LightningIRDataModule
  init_args:
    num_workers: 4
    train_batch_size: 16
    train_dataset:
      class_path: RunDataset
      init_args:
        run_path_or_id: __rank-distillm__msmarco-passage-train.run
        depth: 100
        sample_size: 8
        sampling_strategy: log_random
        targets: score
        normalize_targets: false
    inference_datasets:
    - class_path: RunDataset
      init_args: {run_path_or_id: bm25__dl19.run, depth: 100, sample_size: 100}
optimizer:
  class_path: torch.optim.AdamW
  init_args: {lr: 1e-5, betas: [0.9, 0.999], weight_decay: 0.01, fused: null}
lr_scheduler:
  class_path: lightning_ir.LinearLRSchedulerWithLinearWarmup
  init_args: {num_warmup_steps: 1000, num_training_steps: 40000}
"""


class FromLightningIR(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def turn(self, *texts: str, options: Tuple[str, ...] = ()) -> Tuple[int, str, str]:
        names = []
        for i, text in enumerate(texts):
            names.append(f"{i}.yml")
            (self.folder / names[-1]).write_text(text, "utf-8")
        done = subprocess.run([sys.executable, str(SCRIPT), *names, *options], capture_output=True,
                              text=True, check=False, cwd=self.folder)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout, done.stderr

    def turned(self, *texts: str) -> Dict[str, Any]:
        status, out, err = self.turn(*texts)
        self.assertEqual(status, 0, err)
        return dict(yaml.safe_load(out))

    def test_the_example_of_the_documentation(self) -> None:
        result = self.turned(DPR)
        self.assertEqual(result["model"], "bert-base-uncased")
        self.assertEqual(result["model_config"], {"model_type": "lir-dpr"})
        self.assertEqual(result["losses"], [{"name": "RankNet"}])
        self.assertEqual(result["optimizer"], {"name": "AdamW", "lr": 0.001})
        self.assertEqual((result["batch_size"], result["max_steps"]), (32, 100000))
        data = result["data"]
        self.assertEqual(data["format"], "id_triples")
        # Lightning IR reads tuples in the order in which they are.
        self.assertIs(data["shuffle"], False)
        # How to get each file that it names is said in front.
        _, out, _ = self.turn(DPR)
        for key in ("tuples", "queries", "docs"):
            self.assertEqual(data[key], f"datasets/msmarco-passage/train/triples-small/{key}.zst")
            self.assertIn(f"fetch-dataset --part {key} msmarco-passage/train/triples-small datasets\n", out)

    def test_everything_else(self) -> None:
        result = self.turned(SPLADE)
        self.assertEqual(result["model_config"], {"model_type": "splade", "query_length": 24})
        self.assertEqual(result["losses"], [
            {"name": "SupervisedMarginMSE", "weight": 0.05},
            {"name": "FLOPSRegularization", "query_weight": 0.08, "doc_weight": 0.1}])
        self.assertEqual(result["value_schedules"], [
            {"key": ["losses.1.query_weight", "losses.1.doc_weight"], "name": "quadratic",
             "warmup": 20000, "delay": 50}])
        self.assertEqual(result["schedule"], {"name": "linear", "warmup": 1000})
        self.assertEqual(result["optimizer"],
                         {"name": "AdamW", "betas": [0.9, 0.999], "lr": 1e-5, "weight_decay": 0.01})
        data = result["data"]
        self.assertEqual((data["depth"], data["sample_size"], data["sampling"], data["targets"]),
                         (100, 8, "log_random", "score"))
        self.assertEqual((result["accumulate"], result["clip"], result["seed"]), (4, 1, 7))
        (validation,) = result["validate"]
        self.assertEqual(validation["every"], 4000)
        self.assertEqual(validation["run"], "bm25__dl19.run")
        self.assertEqual(validation["qrels"], "datasets/dl19/qrels.zst")
        # What is done otherwise is said.
        _, out, _ = self.turn(SPLADE)
        self.assertIn("40000", out)
        self.assertEqual(result["precision"], "bf16")
        _, out, _ = self.turn(SPLADE.replace("bf16-mixed", "16-mixed"))
        self.assertIn("would compute in 16-mixed", out)
        self.assertNotIn("precision:", out)

    def test_adapters(self) -> None:
        adapter = """
model: {init_args: {config: {init_args: {
  use_adapter: true, embedding_dim: 16, adapter_config: {class_path: peft.LoraConfig,
    init_args: {r: 4, lora_alpha: 8, target_modules: [query, value], lora_dropout: %s}}}}}}
"""
        result = self.turned(DPR, adapter % "0.0")
        self.assertEqual(result["lora"], {"r": 4, "alpha": 8, "targets": ["query", "value"]})
        self.assertEqual(result["model_config"], {"model_type": "lir-dpr", "embedding_dim": 16})
        self.assertEqual(self.turned(DPR, adapter % "0.1")["lora"]["dropout"], 0.1)
        status, _, err = self.turn(DPR, adapter % "0.1, use_dora: true")
        self.assertEqual(status, 78)
        self.assertIn("use_dora", err)

    def adapted(self, fields: str, *more: str) -> Tuple[int, str, str]:
        config = "model: {init_args: {config: {init_args: {use_adapter: true, %s}}}}"
        return self.turn(DPR, config % fields, *more)

    def test_adapters_that_are_trained_further(self) -> None:
        own = "adapter_config: {r: 4, lora_alpha: 8, target_modules: [query], init_lora_weights: true}"
        status, out, err = self.adapted(f"pretrained_adapter_name_or_path: some/where, {own}")
        self.assertEqual(status, 0, err)
        expected = {"adapter": "some/where", "r": 4, "alpha": 8, "targets": ["query"]}
        self.assertEqual(yaml.safe_load(out)["lora"], expected)
        self.assertNotIn("adapter", yaml.safe_load(out)["model_config"])
        self.assertIn("# Lightning IR fails with both", out)
        self.assertIn("# lora.adapter is a folder: scripts/fetch-model some/where some/where", out)
        # Without a configuration the folder says what it is of.
        (self.folder / "low").mkdir()
        text = '{"peft_type": "LORA", "r": 2, "lora_alpha": 6, "target_modules": ["key"], %s}'
        more = '"bias": "none", "inference_mode": true, "rank_pattern": {}, "use_dora": false'
        (self.folder / "low" / "adapter_config.json").write_text(text % more, "utf-8")
        status, out, err = self.adapted("pretrained_adapter_name_or_path: low")
        self.assertEqual(status, 0, err)
        self.assertEqual(yaml.safe_load(out)["lora"], {
            "adapter": "low", "r": 2, "alpha": 6, "targets": ["key"]})
        self.assertIn("# Lightning IR would train nothing of", out)
        # None of it where no adapter is used.
        off = self.turned(DPR, "model: {init_args: {config: {init_args: {use_adapter: false, "
                          f"pretrained_adapter_name_or_path: low, {own}}}}}}}}}")
        self.assertNotIn("lora", off)
        self.assertEqual(off["model_config"], {"model_type": "lir-dpr"})

    def test_adapters_without_a_counterpart(self) -> None:
        (self.folder / "ia3").mkdir()
        (self.folder / "ia3" / "adapter_config.json").write_text('{"peft_type": "IA3"}', "utf-8")
        targets = "target_modules: [query]"
        for fields, named in [
            ("pretrained_adapter_name_or_path: no/where", "pretrained_adapter_name_or_path"),
            ("pretrained_adapter_name_or_path: ia3", "no LoRA adapter"),
            ("adapter_config: {r: 4}", "target_modules"),
            ("adapter_config: {target_modules: all-linear}", "target_modules"),
            (f"adapter_config: {{{targets}, init_lora_weights: gaussian}}", "init_lora_weights"),
            (f"adapter_config: {{{targets}, bias: all}}", "adapter_config.bias"),
            (f"adapter_config: {{{targets}, rank_pattern: {{query: 2}}}}", "rank_pattern"),
            (f"adapter_config: {{class_path: peft.IA3Config, init_args: {{{targets}}}}}", "IA3Config"),
        ]:
            status, out, err = self.adapted(fields)
            self.assertEqual((status, out), (78, ""), fields)
            self.assertIn(named, err)

    def test_what_lightning_has_written(self) -> None:
        """All arguments with their defaults, as `--print_config` and the saved config.yaml have it."""
        written = """
seed_everything: true
trainer:
  callbacks:
  - class_path: lightning.pytorch.callbacks.ModelCheckpoint
    init_args: {dirpath: null, monitor: nDCG@10, save_top_k: 1, mode: max, every_n_epochs: 1,
      every_n_train_steps: null, auto_insert_metric_name: true, enable_version_counter: true}
  - class_path: lightning.pytorch.callbacks.LearningRateMonitor
    init_args: {logging_interval: null, log_momentum: false}
  max_epochs: null
  overfit_batches: 0.0
  check_val_every_n_epoch: 1
  inference_mode: true
  use_distributed_sampler: true
  reload_dataloaders_every_n_epochs: 0
  enable_autolog_hparams: true
model:
  init_args:
    config:
      init_args: {query_length: 32, use_adapter: false, adapter_config: null,
        pretrained_adapter_name_or_path: null, output_hidden_states: false, return_dict: true,
        dtype: null, tie_word_embeddings: true, chunk_size_feed_forward: 0, id2label: null}
    model: null
    index_dir: null
    search_config: null
    model_kwargs: null
ckpt_path: null
weights_only: null
"""
        result = self.turned(DPR, written)
        self.assertEqual(result["model_config"], {"model_type": "lir-dpr", "query_length": 32})
        self.assertEqual((result["seed"], result["max_steps"]), (42, 100000))

    def test_another_class_drops_what_it_does_not_have(self) -> None:
        run = """
data: {init_args: {train_dataset: {class_path: lightning_ir.RunDataset, init_args: {
  run_path_or_id: a__b.run, targets: score}}}}
"""
        self.assertNotIn("tuples", self.turned(DPR, run)["data"])
        cross = "model: {class_path: CrossEncoderModule, init_args: {model_name_or_path: a/b}}"
        result = self.turned(DPR, cross)
        self.assertNotIn("model_config", result)
        self.assertEqual((result["model"], result["losses"]), ("a/b", [{"name": "RankNet"}]))
        sgd = "optimizer: {class_path: torch.optim.SGD, init_args: {momentum: 0.5}}"
        betas = "optimizer: {init_args: {betas: [0.8, 0.9]}}"
        self.assertEqual(self.turned(DPR, betas, sgd)["optimizer"],
                         {"name": "SGD", "lr": 0.001, "momentum": 0.5})

    def test_several_files_lie_on_each_other(self) -> None:
        result = self.turned(DPR, "trainer: {max_steps: 5}\noptimizer: {init_args: {lr: 0.5}}\n")
        self.assertEqual((result["max_steps"], result["optimizer"]["lr"]), (5, 0.5))

    def test_what_has_no_counterpart_is_named(self) -> None:
        for change, named in [
            ("trainer: {callbacks: [{class_path: StochasticWeightAveraging}]}",
             "StochasticWeightAveraging"),
            ("optimizer: {class_path: torch.optim.LBFGS}", "LBFGS"),
            ("trainer: {gradient_clip_algorithm: value}", "gradient_clip_algorithm"),
            ("data: {init_args: {train_dataset: {class_path: DocDataset}}}", "DocDataset"),
            ("nonsense: 1", "nonsense"),
            ("ckpt_path: last.ckpt", "ckpt_path"),
            ("model: {init_args: {model_kwargs: {a: 1}}}", "model.model_kwargs"),
            ("model: {init_args: {config: {init_args: {dtype: float16}}}}", "model.config.dtype"),
            ("trainer: {limit_train_batches: 0.5}", "trainer.limit_train_batches"),
            ("trainer: {fast_dev_run: true}", "trainer.fast_dev_run"),
            ("trainer: {max_time: 00:12:00:00}", "trainer.max_time"),
            ("trainer: {callbacks: [{class_path: EarlyStopping, init_args: {min_delta: 0.1}}]}",
             "EarlyStopping.min_delta"),
            ("trainer: {callbacks: [{class_path: ModelCheckpoint, init_args: {every_n_steps: 1}}]}",
             "ModelCheckpoint.every_n_steps"),
        ]:
            status, out, err = self.turn(DPR, change)
            self.assertEqual((status, out), (78, ""), change)
            self.assertIn(named, err)

    def test_paths_of_models_stay_what_they_are(self) -> None:
        change = "model: {init_args: {model_name_or_path: %s}}"
        for name in ("/no/such", "./no/such", "../no/such", "webis/no-such"):
            self.assertEqual(self.turned(DPR, change % name)["model"], name)
        self.assertEqual(self.turn(DPR, change % "null", options=("--model", "a/b"))[0], 0)
        status, _, err = self.turn(DPR.replace("bert-base-uncased", "null"))
        self.assertEqual(status, 78)
        self.assertIn("--model", err)

    def test_a_clip_of_zero_is_none(self) -> None:
        self.assertNotIn("clip", self.turned(DPR, "trainer: {gradient_clip_val: 0}"))
        self.assertEqual(self.turned(DPR, "trainer: {gradient_clip_val: 0.5}")["clip"], 0.5)

    def test_one_callback_is_a_list_of_one(self) -> None:
        callback = "{class_path: ModelCheckpoint, init_args: {every_n_train_steps: 30}}"
        for text in ("callbacks: %s", "callbacks+: %s", "callbacks: [%s]"):
            result = self.turned(DPR, "trainer: {%s}" % (text % callback))
            self.assertEqual(result["checkpoint"], {"every": 30}, text)

    def test_stopping_early_without_validation_is_named(self) -> None:
        status, out, _ = self.turn(DPR, "trainer: {callbacks: [{class_path: EarlyStopping}]}")
        self.assertEqual(status, 0)
        self.assertIn("# EarlyStopping is left out", out)

    def test_what_cannot_be_written(self) -> None:
        self.assertEqual(self.turn(DPR, options=("-o", "nowhere/x.yml"))[0], 73)

    def test_what_cannot_be_read(self) -> None:
        self.assertEqual(self.turn("a: [")[0], 65)
        self.assertEqual(self.turn("- a\n- b\n")[0], 65)
        self.assertEqual(self.turn(DPR, "trainer: [1]")[0], 78)
        done = subprocess.run([sys.executable, str(SCRIPT), "missing.yml"], capture_output=True,
                              cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 66)


if __name__ == "__main__":
    unittest.main()
