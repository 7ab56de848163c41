"""The page for users of Lightning IR names all that its configurations can name."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import lightning_names as names  # noqa: E402
import lightning_script as script  # noqa: E402

PROSE = ROOT / "man" / "prose"
#: All public classes of Lightning IR at commit 98cb3fd (lightning_ir/**/*.py).
CLASSES = """ApproxLossFunction ApproxMRR ApproxNDCG ApproxRankMSE ApproximateSearchConfig ApproximateSearcher
BatchEncodingWrapper BiEncoderConfig BiEncoderEmbedding BiEncoderModel BiEncoderModule BiEncoderOutput
BiEncoderTokenizer CoilConfig CoilEmbedding CoilModel CoilOutput ColConfig ColModel ColTokenizer
ConstantLRSchedulerWithLinearWarmup ConstantMarginMSE ConstantSchedulerWithLinearWarmup
ConstantSchedulerWithQuadraticWarmup ContrastiveLocalLoss CrossEncoderConfig CrossEncoderModel
CrossEncoderModule CrossEncoderOutput CrossEncoderTokenizer DocDataset DocSample DprConfig DprModel
EmbeddingLossFunction ExactSearchConfig ExactSearcher FLOPSRegularization FaissFlatIndexConfig
FaissFlatIndexer FaissIVFIndexConfig FaissIVFIndexer FaissIVFPQIndexConfig FaissIVFPQIndexer FaissIndexConfig
FaissIndexer FaissPQIndexConfig FaissPQIndexer FaissSearchConfig FaissSearcher
GenericConstantSchedulerWithLinearWarmup GenericConstantSchedulerWithQuadraticWarmup
GenericLinearSchedulerWithLinearWarmup GenericScheduler IRDataset InBatchCrossEntropy InBatchLossFunction
IndexBatch IndexCallback IndexConfig Indexer InfoNCE KLDivergence L1Regularization L2Regularization LMHead
LambdaWarmupScheduler LightningIRAdapterMixin LightningIRCLI LightningIRClassFactory LightningIRConfig
LightningIRConfigClassFactory LightningIRDataModule LightningIRModel LightningIRModelClassFactory
LightningIRModule LightningIROutput LightningIRSaveConfigCallback LightningIRTokenizer
LightningIRTokenizerClassFactory LightningIRTrainer LightningIRWandbLogger LinearLRSchedulerWithLinearWarmup
LinearSchedulerWithLinearWarmup ListwiseLossFunction LossFunction MarginMSE MonoConfig MonoModel
MultiVectorBiEncoderConfig MultiVectorBiEncoderModel MvrConfig MvrModel MvrTokenizer NeuralLossFunction
PackedTensor PairwiseLossFunction ParquetScoredDocs PearsonCorrelation PlaidIndexConfig PlaidIndexer
PlaidSearchConfig PlaidSearcher Pooler QueryDataset QuerySample RankBatch RankCallback RankNet RankSample
ReRankCallback RegisterLocalDatasetCallback RegularizationLossFunction RunDataset SBERTScoredDocTuples Sampler
ScaleLinear ScoreBasedInBatchCrossEntropy ScoreBasedInBatchLossFunction ScoredDocTuple ScoredDocTuples
ScoringLossFunction SearchBatch SearchCallback SearchConfig Searcher SeismicFormatConverter SeismicIndexConfig
SeismicIndexer SeismicSearchConfig SeismicSearcher SetEncoderConfig SetEncoderModel SetEncoderTokenizer
SingleVectorBiEncoderConfig SingleVectorBiEncoderModel Sparsifier SpladeConfig SpladeModel SpladeTokenizer
SupervisedMarginMSE TorchDenseIndex TorchDenseIndexConfig TorchDenseIndexer TorchDenseSearchConfig
TorchDenseSearcher TorchSparseIndex TorchSparseIndexConfig TorchSparseIndexer TorchSparseSearchConfig
TorchSparseSearcher TrainBatch TupleDataset UniCoilConfig UniCoilModel WarmupLRScheduler""".split()
#: What configurations say of data and training.
OPTIONS = """dataset_id docpairs doc_dataset docs index_config inference_datasets loss_functions num_training_steps qrels
queries query_dataset run_path_or_id scoreddocs search_config train_dataset tuples_dataset""".split()


class MigrationTest(unittest.TestCase):

    def test_the_page_names_every_class_and_option(self) -> None:
        page = (PROSE / "lir-lightning-ir.7.md").read_text("utf-8")
        old = {"ConstantSchedulerWithWarmup"}  # of Lightning IR's own files; no release has it
        wanted = {*names.MODEL_TYPES, *names.SCHEDULES, *names.OPTIMIZERS, *names.INDEX_TYPES,
                  *names.SEARCH_TYPES, *script.CALLBACKS, *CLASSES, *OPTIONS} - old
        self.assertEqual([n for n in sorted(wanted) if not re.search(rf"\b{n}\b", page)], [])

    def test_the_guide_names_every_type_of_index(self) -> None:
        page = (PROSE / "lir-guide.7.md").read_text("utf-8")
        tables = {name: page.split(f"# {name}\n")[1].split("\n# ")[0]
                  for name in ("WHICH INDEX", "WHAT GOES TOGETHER")}
        types = [found[1] for path in (ROOT / "Sources/Indexes").glob("*/*.swift")
                 for found in [re.search(r"package static let name = \"(\w+)\"", path.read_text("utf-8"))] if found]
        self.assertGreater(len(types), 11)
        for name, table in tables.items():
            cells = set(re.findall(r"[\w-]+", " ".join(
                row for row in table.splitlines() if row.startswith("| "))))
            self.assertEqual([t for t in sorted(types) if t not in cells], [], name)
        kinds = set(names.MODEL_TYPES.values())
        self.assertEqual([k for k in sorted(kinds) if f"`{k}`" not in tables["WHAT GOES TOGETHER"]], [])

    def test_the_pages_name_what_is_there(self) -> None:
        for path in PROSE.glob("*.7.md"):
            text = path.read_text("utf-8")
            for folder, name in re.findall(r"\b(scripts|pipelines)/([\w.-]+\w)", text):
                self.assertTrue((ROOT / folder / name).exists(), f"{path.name}: {folder}/{name}")
            for name in re.findall(r"`([\w-]+\.mk)`", text):
                self.assertTrue((ROOT / "pipelines" / name).exists(), f"{path.name}: {name}")
            for page, section in re.findall(r"\b(lir-[\w-]+)\(([157])\)", text):
                stem = page if section == "1" else f"{page}.{section}"
                self.assertTrue((PROSE / f"{stem}.md").exists(), f"{path.name}: {page}({section})")


if __name__ == "__main__":
    unittest.main()
