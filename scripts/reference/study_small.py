#!/usr/bin/env python3
"""Run the cells of `make study-small` in Lightning IR, and set ours beside them.

    study_small.py --collection DIR [--minilm DIR] [--splade DIR] [--mpnet DIR] --study DIR --name NAME --out DIR

--collection holds docs.tsv, queries.tsv and qrels.txt; --study is what study.mk wrote, and --name the
collection's folder in it. Lightning IR indexes and searches through its trainer with its exact indexes
(TorchDense, TorchSparse), and re-ranks the first 100 of the study's BM25 run, as it has no BM25. Its runs are judged by
ir_measures over the queries that have judgements. Prints a line a cell: ours, the reference's, the difference;
status 1 if one is above --tolerance. Models without a folder are left out; --cells exact does without re-ranking,
which takes most of the time: it encodes documents anew for each query.

Texts with double spaces or none are as they are; lengths are those of the models' folders (MiniLM 256
tokens, MPNet 384) or, where a folder has none (SPLADE), Lightning IR's own: 32 for queries, 512 for documents.
Needs Lightning IR, its main branch or release 0.0.6, and ir_measures.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any, Dict

import ir_measures
from lightning_ir import (BiEncoderModule, DocDataset, IndexCallback, LightningIRDataModule,
                          LightningIRTrainer, QueryDataset, RegisterLocalDatasetCallback, ReRankCallback,
                          RunDataset, SearchCallback, TorchDenseIndexConfig, TorchDenseSearchConfig,
                          TorchSparseIndexConfig, TorchSparseSearchConfig)
from lightning_ir.models import DprConfig, SpladeConfig

DATASET = "study"


def measured(qrels: Path, run: Path, names: str) -> Dict[str, float]:
    """Measures over all judged queries: those that a run lacks count 0."""
    measures = [ir_measures.parse_measure(name) for name in names.split()]
    judged = list(ir_measures.read_trec_qrels(str(qrels)))
    queries = {row.query_id for row in judged}
    found: Dict[str, Dict[str, float]] = {name: {} for name in names.split()}
    for metric in ir_measures.iter_calc(measures, judged, ir_measures.read_trec_run(str(run))):
        found[str(metric.measure)][metric.query_id] = metric.value
    return {name: sum(values.values()) / len(queries) for name, values in found.items()}


def sentence_model(length: int) -> DprConfig:
    """The mean of the tokens, as the folders of sentence-transformers say. Release 0.0.6 has a name for each side where
    the main branch has one; the name that one does not know is passed over there, so that both are said."""
    return DprConfig(query_length=length, doc_length=length, similarity_function="cosine", projection=None,
                     pooling_strategy="mean", query_pooling_strategy="mean", doc_pooling_strategy="mean")


def trainer(*callbacks: Any) -> LightningIRTrainer:
    return LightningIRTrainer(logger=False, enable_checkpointing=False, accelerator="cpu",
                              enable_progress_bar=False, callbacks=list(callbacks))


def one_run(folder: Path) -> Path:
    runs = [path for path in folder.rglob("*") if path.is_file()]
    if len(runs) != 1:
        raise SystemExit(f"{folder}: expected a run, found {len(runs)} files")
    return runs[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("collection", "study", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("minilm", "splade", "mpnet"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--cells", nargs="+", choices=("exact", "rerank"), default=["exact", "rerank"])
    parser.add_argument("--measures", default="nDCG@10 RR@10 R@100")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    # Copies, as it writes beside the texts; it knows formats by their endings.
    for name in ("docs.tsv", "queries.tsv"):
        shutil.copy(options.collection / name, options.out / name)
    qrels = options.out / "judged.qrels"
    shutil.copy(options.collection / "qrels.txt", qrels)
    local = RegisterLocalDatasetCallback(
        DATASET, docs=str(options.out / "docs.tsv"), queries=str(options.out / "queries.tsv"), qrels=str(qrels))
    first = options.out / f"bm25__{DATASET}.run"
    shutil.copy(options.study / options.name / "bm25.run", first)

    models = {
        "minilm": (options.minilm, sentence_model(256), TorchDenseIndexConfig, TorchDenseSearchConfig),
        "splade": (options.splade, SpladeConfig(query_length=32, doc_length=512), TorchSparseIndexConfig,
                   TorchSparseSearchConfig),
        "mpnet": (options.mpnet, sentence_model(384), TorchDenseIndexConfig, TorchDenseSearchConfig),
    }
    # It saves an index or a run only if it knows how many texts there are.
    count, asked = (len((options.collection / name).read_text("utf-8").splitlines())
                    for name in ("docs.tsv", "queries.tsv"))
    runs = {"bm25": first}
    for name, (folder, config, index, search) in models.items():
        if not folder:
            continue
        module = BiEncoderModule(model_name_or_path=str(folder), config=config)
        top = options.out / name
        if "exact" in options.cells:
            trainer(local, IndexCallback(index(), top / "index", "index", overwrite=True)).index(
                module, LightningIRDataModule(inference_datasets=[DocDataset(DATASET, num_docs=count)],
                                              inference_batch_size=8, num_workers=0))
            trainer(local, SearchCallback(search(k=min(1000, count)), top / "index", "index", top / "found",
                                          use_gpu=False)).search(
                module, LightningIRDataModule(inference_datasets=[QueryDataset(DATASET, num_queries=asked)],
                                              inference_batch_size=4, num_workers=0))
            runs[f"{name}:exact"] = one_run(top / "found")
        if "rerank" in options.cells:
            trainer(local, ReRankCallback(save_dir=top / "reranked")).re_rank(
                module, LightningIRDataModule(inference_datasets=[RunDataset(first, depth=100)],
                                              inference_batch_size=1, num_workers=0))
            runs[f"{name}:rerank"] = one_run(top / "reranked")

    ours: Dict[str, Dict[str, float]] = {}
    for line in (options.study / options.name / "measures.tsv").read_text("utf-8").splitlines():
        label, measure, _, value = line.split("\t")
        ours.setdefault(label, {})[measure] = float(value)
    status = 0
    print("cell\tmeasure\tours\treference\tdifference")
    for label, run in runs.items():
        for measure, value in measured(qrels, run, options.measures).items():
            difference = ours[label][measure] - value
            print(f"{label}\t{measure}\t{ours[label][measure]:.4f}\t{value:.4f}\t{difference:+.4f}")
            status |= abs(difference) > options.tolerance
    return status


if __name__ == "__main__":
    sys.exit(main())
