#!/usr/bin/env python3
"""Make folders as sentence-transformers 6 saves them, and what it makes of some texts with them.

    make_encoders.py --out DIR

DIR/NAME/model is a folder of every kind of encoder with settings that are seldom met, and
DIR/NAME/expected.safetensors what counts: `query.N` and `doc.N` of text N of DIR/inputs.json, or
`scores` of its pairs. DIR/fields.json lists the fields that the files of each class can have, as the
library itself says. Every text goes through the library by itself, so that nothing depends on the
longest one of a batch. Needs torch==2.13.0, sentence-transformers==6.2.0 and transformers==5.24.0.
"""

from __future__ import annotations

import argparse
import inspect
import json
import shutil
import string
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List

import torch
from safetensors.torch import save_file
from sentence_transformers import (
    CrossEncoder,
    MultiVectorEncoder,
    SentenceTransformer,
    SparseEncoder,
)
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.multi_vector_encoder.modules import (
    HierarchicalTokenPooling,
    MultiVectorMask,
)
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
)

TEXTS = [
    "a b c", "what is it ?", "", "The CAT, and the dog. Or not!",
    "the cat , and the dog . or not ! a text of so many words that it is cut somewhere",
    "DOG", "the mouse (and the cat) of a house ; the cat and the mouse",
]
PAIRS = [["why cat", "the cat and the dog"], ["What is it?", ""], ["a", "Or not! the house of mice"]]
WORDS = ("a b c what is it the cat and dog or not text of so many words that cut somewhere mouse "
         "house why mice query document search web").split()
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[Q]", "[D]"]
WIDTH = 16


def word_tokenizer() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer of some words, letters and punctuation, in lower case."""
    letters = [letter for letter in string.ascii_lowercase if letter not in WORDS]
    vocabulary = SPECIALS + list(string.punctuation[:20]) + WORDS + letters
    vocabulary += ["##" + letter for letter in string.ascii_lowercase]
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return fast(tokenizer, additional_special_tokens=["[Q]", "[D]"])


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer that keeps case."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TEXTS + [" ".join(WORDS), " ".join(WORDS).upper()],
        trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIALS,
                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return fast(tokenizer)


def fast(tokenizer: Tokenizer, **more: Any) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]", model_max_length=40, **more)


def bert(vocabulary: int, **more: Any) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=48, **more)


def randomize(model: torch.nn.Module) -> torch.nn.Module:
    """Give every weight a value at which nothing is lost in rounding."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.1 if "norm" in name.lower() else 0.4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1)
    return model


def save_backbones(folder: Path) -> None:
    """The models of transformers that the encoders are made of."""
    tokenizer = word_tokenizer()
    size = len(tokenizer)
    for name, model in [
        ("bert", BertModel(bert(size), add_pooling_layer=False)),
        ("words", BertForMaskedLM(bert(size))),
        ("classes", BertForSequenceClassification(bert(size, num_labels=1))),
    ]:
        randomize(model).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    keeping = byte_tokenizer()
    modern = ModernBertModel(ModernBertConfig(
        vocab_size=len(keeping), hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=48, pad_token_id=0, cls_token_id=2,
        sep_token_id=3, bos_token_id=2, eos_token_id=3))
    randomize(modern).save_pretrained(folder / "modern")
    keeping.save_pretrained(folder / "modern")


def tokens(inputs: int, outputs: int, **more: Any) -> Dense:
    return Dense(inputs, outputs, activation_function=torch.nn.Identity(),
                 module_input_name="token_embeddings", **more)


def normalized() -> Normalize:
    return Normalize(module_input_name="token_embeddings")


def sentence(base: Path) -> SentenceTransformer:
    """Every module of a SentenceTransformer that is supported, in odd places."""
    modules = [
        Transformer(str(base / "bert"), query_length=7, document_length=13),
        tokens(WIDTH, 12, use_residual=True), normalized(), Pooling(12, ("mean", "max")),
        LayerNorm(24), Dropout(0.4), Dense(24, 24, use_residual=True), Normalize(),
        Dense(24, 10, bias=False, activation_function=torch.nn.GELU(), use_residual=True),
    ]
    return SentenceTransformer(
        modules=modules, truncate_dim=8, similarity_fn_name="dot",
        prompts={"query": "query: ", "document": "document: "})


def truncated(base: Path) -> SentenceTransformer:
    return SentenceTransformer(
        modules=[Transformer(str(base / "bert")), Pooling(WIDTH), Normalize()], truncate_dim=5)


def lower(base: Path) -> SentenceTransformer:
    modules = [Transformer(str(base / "modern"), do_lower_case=True), Pooling(WIDTH, "cls")]
    return SentenceTransformer(modules=modules)


def words(base: Path) -> SparseEncoder:
    modules = [Transformer(str(base / "words"), transformer_task="fill-mask"), SpladePooling("max")]
    return SparseEncoder(modules=modules, max_active_dims=7, prompts={"query": "search "})


def summed(base: Path) -> SparseEncoder:
    return SparseEncoder(modules=[
        Transformer(str(base / "words"), transformer_task="fill-mask", document_length=9),
        SpladePooling("sum", activation_function="log1p_relu")])


def routed(base: Path) -> SparseEncoder:
    weight = torch.rand(len(word_tokenizer()), generator=torch.Generator().manual_seed(3))
    router = Router(
        {"table": [SparseStaticEmbedding(word_tokenizer(), weight)],
         "model": [Transformer(str(base / "words"), transformer_task="fill-mask"),
                   SpladePooling("max")]},
        default_route="model",
        route_mappings={("query", None): "table", ("document", "text"): "model"})
    return SparseEncoder(modules=[router])


def vectors(base: Path) -> MultiVectorEncoder:
    modules = [
        Transformer(str(base / "bert"), document_length=12,
                    query_expansion={"strategy": "fixed", "attend": False, "length": 10}),
        tokens(WIDTH, 12, bias=False),
        MultiVectorMask(skiplist_words=list(string.punctuation)), normalized()]
    return MultiVectorEncoder(modules=modules, prompts={"query": "[Q] ", "document": "[D] "})


def many(base: Path) -> MultiVectorEncoder:
    kept = word_tokenizer().convert_tokens_to_ids(["the", "cat", "and", "dog", "[CLS]", ",", "a"])
    modules = [
        Transformer(str(base / "bert"), query_length=14, document_length=20, query_expansion={
            "strategy": "min", "attend": True, "length": 8, "token": "[UNK]"}),
        tokens(WIDTH, WIDTH, use_residual=True), tokens(WIDTH, 12, use_residual=True),
        MultiVectorMask(skiplist_words=[",", ".", "unheard"], skiplist_tasks=["query", "document"],
                        keep_only_token_ids=kept)]
    return MultiVectorEncoder(modules=modules, similarity_fn_name="meanmaxsim")


def clustered(base: Path) -> MultiVectorEncoder:
    modules = [
        Transformer(str(base / "bert"), query_length=20), tokens(WIDTH, 12, bias=False),
        MultiVectorMask(skiplist_words=[","]), normalized(), HierarchicalTokenPooling(2.0)]
    return MultiVectorEncoder(modules=modules)


def clustered_queries(base: Path) -> MultiVectorEncoder:
    modules = [
        Transformer(str(base / "bert")), tokens(WIDTH, 12, bias=False), normalized(),
        MultiVectorMask(),
        HierarchicalTokenPooling(1.5, num_protected_tokens=0, normalize_embeddings=False,
                                 tasks=["query", "document"])]
    return MultiVectorEncoder(modules=modules)


def cross(base: Path) -> CrossEncoder:
    transformer = Transformer(str(base / "classes"), transformer_task="sequence-classification")
    return CrossEncoder(modules=[transformer], prompts={"web": "search: ", "other": "why "},
                        default_prompt_name="web")


def cross_modules(base: Path) -> CrossEncoder:
    modules = [
        Transformer(str(base / "bert")), Pooling(WIDTH, "cls"), Dense(WIDTH, 8),
        Dense(8, 1, activation_function=torch.nn.Identity(), module_output_name="scores")]
    return CrossEncoder(modules=modules, activation_fn=torch.nn.Identity())


CASES: Dict[str, Callable[[Path], Any]] = {
    "sentence": sentence, "truncated": truncated, "lower": lower, "words": words, "summed": summed,
    "routed": routed, "vectors": vectors, "many": many, "clustered": clustered,
    "clustered_queries": clustered_queries, "cross": cross, "cross_modules": cross_modules,
}


def encode(model: Any, text: str, role: str) -> torch.Tensor:
    method = model.encode_query if role == "query" else model.encode_document
    options = {} if isinstance(model, MultiVectorEncoder) else {"convert_to_tensor": True}
    if isinstance(model, SparseEncoder):
        options["convert_to_sparse_tensor"] = False
    return torch.as_tensor(method([text], batch_size=1, **options)[0]).float().cpu().contiguous()


def expected(model: Any) -> Dict[str, torch.Tensor]:
    if isinstance(model, CrossEncoder):
        scores = [float(model.predict([pair], batch_size=1)[0]) for pair in PAIRS]
        return {"scores": torch.tensor(scores)}
    return {f"{role}.{number}": encode(model, text, role)
            for role in ("query", "doc") for number, text in enumerate(TEXTS)}


#: Fields of `config_sentence_transformers.json` in a folder of PyLate 1.6.0, beside the library's.
PYLATE = ["query_prefix", "document_prefix", "query_length", "document_length",
          "attend_to_expansion_tokens", "skiplist_words", "do_query_expansion"]
#: Fields of ColBERT's configuration (release 0.2.22, `colbert/infra/config/settings.py`).
COLBERT = """query_token_id doc_token_id query_token doc_token checkpoint triples collection queries
index_name dim doc_maxlen mask_punctuation query_maxlen attend_to_mask_tokens interaction similarity
bsize accumsteps lr maxsteps save_every resume warmup warmup_bert relu nway use_ib_negatives reranker
distillation_alpha ignore_scores model_name index_path index_bsize nbits kmeans_niters pool_factor
clustering_mode protected_tokens ncells centroid_score_threshold ndocs load_index_with_mmap overwrite
root experiment index_root name rank nranks amp gpus avoid_fork_if_possible meta""".split()


def fields(models: Dict[str, Any]) -> Dict[str, List[str]]:
    """The fields that the files of each class can have."""
    found: Dict[str, List[str]] = {}
    for cls in (Dense, Normalize, LayerNorm, Dropout, Pooling, SpladePooling, MultiVectorMask,
                HierarchicalTokenPooling, Transformer):
        keys = set(cls.config_keys) | set(cls.config_key_renames)
        parameters = inspect.signature(cls.__init__).parameters
        keys |= set(parameters) & set(
            "chunk_size max_seq_length do_lower_case tokenizer_name_or_path model_kwargs "
            "processor_kwargs config_kwargs".split())
        found[cls.__name__] = sorted(keys)
    found["Pooling"].append("pooling_mode_cls_token")
    found["Transformer"] += ["model_args", "tokenizer_args", "config_args"]
    found["Router"] = ["types", "structure", "parameters"]
    found["SparseStaticEmbedding"] = [*SparseStaticEmbedding.config_keys, "path"]
    for name in ("sentence", "words", "cross", "vectors"):
        model = models[name]
        found[type(model).__name__] = sorted({*model._get_model_config(), "requirements"})
    found["CrossEncoder"].append("keep_in_fp32_modules")
    library = {"model_type", "prompts", "default_prompt_name", "similarity_fn_name", "__version__"}
    found["ColBERT"] = sorted(library | set(PYLATE))
    found["artifact"] = COLBERT
    return found


def make(name: str, base: Path, out: Path) -> Any:
    torch.manual_seed(5)
    model = CASES[name](base).eval()
    for number, module in enumerate(model):
        if number > 0:
            randomize(module)
    folder = out / name / "model"
    model.save_pretrained(str(folder), create_model_card=False)
    if name == "lower":
        # The library writes the normalizer that it has added, and not what it was told.
        shutil.copyfile(base / "modern/tokenizer.json", folder / "tokenizer.json")
        file = folder / "sentence_bert_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "do_lower_case": True}))
    if name == "truncated":
        # As a release before 2 called the file of another backbone.
        (folder / "sentence_bert_config.json").unlink()
        (folder / "sentence_xlm-roberta_config.json").write_text(json.dumps({"max_seq_length": 9}))
    again = type(model)(str(folder), device="cpu")
    save_file(expected(again.eval()), out / name / "expected.safetensors")
    return again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backbones", type=Path, help="where the backbones go, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = arguments.backbones or Path(folder)
        save_backbones(base)
        models = {name: make(name, base, arguments.out) for name in CASES}
    (arguments.out / "fields.json").write_text(json.dumps(fields(models), indent=1))
    (arguments.out / "inputs.json").write_text(json.dumps({"texts": TEXTS, "pairs": PAIRS}))


if __name__ == "__main__":
    main()
