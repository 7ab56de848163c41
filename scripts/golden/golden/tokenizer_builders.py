"""Trains tokenizers of each kind and saves them as transformers does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Type

from tokenizers import (
    AddedToken,
    ByteLevelBPETokenizer,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoTokenizer,
    BertTokenizerFast,
    DistilBertTokenizerFast,
    ElectraTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaTokenizerFast,
    T5TokenizerFast,
    XLMRobertaTokenizerFast,
)

from golden.generation import Generation
from golden.vocabularies import (
    T5_PIECES,
    add_pieces,
    lay_out,
    train_sentencepiece,
    wordpiece_vocabulary,
)

#: The tokenizers with a WordPiece vocabulary, by the kind of backbone.
WORDPIECE_CLASSES = {
    "bert": BertTokenizerFast,
    "electra": ElectraTokenizerFast,
    "distilbert": DistilBertTokenizerFast,
}


def bert_tokenizer(
    run: Generation,
    folder: Path,
    size: int = 320,
    lower: bool = True,
    kind: Type[Any] = BertTokenizerFast,
    longest: int = 64,
    extra: str = "",
    **settings: Any,
) -> Any:
    """A WordPiece tokenizer of BERT's kind."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = wordpiece_vocabulary(run, size, lower, extra=extra)
    path = folder / "vocab.txt"
    path.write_text("\n".join(vocabulary) + "\n")
    kind(
        vocab_file=str(path), do_lower_case=lower, model_max_length=longest, **settings
    ).save_pretrained(folder)
    return kind.from_pretrained(folder)


def roberta_tokenizer(
    run: Generation,
    folder: Path,
    size: int = 400,
    longest: int = 64,
    add_prefix_space: bool = False,
) -> Any:
    """A byte-level BPE tokenizer of RoBERTa's kind."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = ByteLevelBPETokenizer(add_prefix_space=add_prefix_space)
    trained.train_from_iterator(
        run.part_for_training(),
        vocab_size=size,
        min_frequency=2,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    trained.save_model(str(folder))
    RobertaTokenizerFast(
        vocab_file=str(folder / "vocab.json"),
        merges_file=str(folder / "merges.txt"),
        model_max_length=longest,
        add_prefix_space=add_prefix_space,
    ).save_pretrained(folder)
    return RobertaTokenizerFast.from_pretrained(folder)


def modernbert_tokens(run: Generation, size: int) -> Tokenizer:
    """Byte-level BPE as GPT-NeoX, OLMo and ModernBERT have it, with their added tokens."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.NFC()
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, trim_offsets=True, use_regex=True
    )
    trained.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    trained.train_from_iterator(
        run.part_for_training(),
        trainer=trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=2,
            special_tokens=["|||IP_ADDRESS|||", "<|padding|>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    # Runs of white space are added tokens that are not special.
    trained.add_tokens(
        [AddedToken(" " * k, normalized=True, special=False) for k in range(8, 1, -1)]
    )
    trained.add_tokens([AddedToken("|||EMAIL_ADDRESS|||", normalized=True, special=False)])
    specials = [AddedToken("<|endoftext|>", special=True, normalized=False)]
    specials += [
        AddedToken(text, special=True, normalized=False, lstrip=text == "[MASK]")
        for text in ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    ]
    specials += [AddedToken(f"[unused{i}]", special=False, normalized=True) for i in range(3)]
    trained.add_special_tokens(specials)
    ids = [(text, trained.token_to_id(text)) for text in ("[CLS]", "[SEP]")]
    trained.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
    )
    return trained


def modernbert_tokenizer(run: Generation, folder: Path, size: int = 420, longest: int = 64) -> Any:
    """A tokenizer of ModernBERT's kind."""
    folder.mkdir(parents=True, exist_ok=True)
    PreTrainedTokenizerFast(
        tokenizer_object=modernbert_tokens(run, size),
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_max_length=longest,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=True,
    ).save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def t5_tokenizer(
    run: Generation,
    folder: Path,
    size: int = 400,
    longest: int = 64,
    extra_ids: int = 12,
    has_full_map: bool = False,
    name: str = "t5",
    layout: str = "published",
) -> Any:
    """A Unigram tokenizer of T5's kind, with the pieces of monoT5's prompt."""
    folder.mkdir(parents=True, exist_ok=True)
    model = train_sentencepiece(
        run, size, name, has_full_map, pad_id=0, eos_id=1, unk_id=2, bos_id=-1
    )
    model = add_pieces(model, T5_PIECES, run.temporary / f"spm_{name}_p.model")
    T5TokenizerFast(
        vocab_file=str(model), extra_ids=extra_ids, model_max_length=longest
    ).save_pretrained(folder)
    (folder / "spiece.model").unlink(missing_ok=True)
    lay_out(folder, layout)
    return T5TokenizerFast.from_pretrained(folder)


def xlmr_tokenizer(
    run: Generation,
    folder: Path,
    size: int = 500,
    longest: int = 64,
    name: str = "xlmr",
    layout: str = "published",
) -> Any:
    """A Unigram tokenizer of XLM-RoBERTa's kind."""
    folder.mkdir(parents=True, exist_ok=True)
    model = train_sentencepiece(run, size, name, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    XLMRobertaTokenizerFast(vocab_file=str(model), model_max_length=longest).save_pretrained(folder)
    (folder / "sentencepiece.bpe.model").unlink(missing_ok=True)
    lay_out(folder, layout)
    return XLMRobertaTokenizerFast.from_pretrained(folder)


def small_tokenizer(run: Generation, kind: str, variant: int = 0) -> Path:
    """Folder of a small tokenizer for cases with a model; made once."""
    key = (kind, variant)
    if key not in run.tokenizers:
        folder = run.temporary / f"mt_{kind}_{variant}"
        size = [165, 180, 155][(variant + run.rotation) % 3]
        if kind in WORDPIECE_CLASSES:
            bert_tokenizer(run, folder, size, kind=WORDPIECE_CLASSES[kind])
        elif kind == "roberta":
            roberta_tokenizer(run, folder, size + 115)
        elif kind == "modernbert":
            modernbert_tokenizer(run, folder, size + 110)
        elif kind == "t5":
            t5_tokenizer(run, folder, size - 40, name=f"t5m{variant}")
        run.tokenizers[key] = folder
    return run.tokenizers[key]


def token_count(folder: Path) -> int:
    """How many tokens the tokenizer of a folder has."""
    return len(AutoTokenizer.from_pretrained(folder))
