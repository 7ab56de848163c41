"""Family `tokenizers`: ids, tokens and texts of tokenizers of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from transformers import (
    AutoTokenizer,
    BertTokenizerFast,
    DistilBertTokenizerFast,
    ElectraTokenizerFast,
    MPNetTokenizerFast,
)

from golden.generation import Generation
from golden.texts import texts_to_tokenize
from golden.tokenizer_builders import (
    bert_tokenizer,
    modernbert_tokenizer,
    roberta_tokenizer,
    t5_tokenizer,
    xlmr_tokenizer,
)
from golden.vocabularies import EXTRA, wordpiece_vocabulary
from golden.writing import ragged, write_json, write_tensors

Pair = Tuple[int, int]
#: What is asked of every call, even where the tokenizer would not say it by itself.
ASKED = dict(return_token_type_ids=True, return_special_tokens_mask=True)
COLUMNS = ("input_ids", "attention_mask", "token_type_ids", "special_tokens_mask")
#: Batches: the range of texts, and how they are padded.
BATCHES: Sequence[Tuple[Tuple[int, int], Dict[str, Any]]] = (
    ((0, 8), dict(padding=True)),
    ((30, 38), dict(padding=True, pad_to_multiple_of=8)),
    ((60, 66), dict(padding="max_length", max_length=24, truncation=True)),
    ((100, 108), dict(padding=True, truncation=True, max_length=24, pad_to_multiple_of=8)),
    ((150, 154), dict(padding="longest", truncation=True, max_length=16)),
)
PAIR_BATCH = dict(padding=True, truncation=True, max_length=40, pad_to_multiple_of=8)


class Encodings:
    """What a tokenizer makes of texts and pairs, as arrays of a case."""

    def __init__(self, tokenizer: Any, texts: List[str], pairs: List[Pair]) -> None:
        self.tokenizer = tokenizer
        self.texts = texts
        self.pairs = pairs
        self.arrays: Dict[str, np.ndarray] = {}

    def put(self, key: str, encodings: Sequence[Any], has_types: bool = True) -> None:
        """Keep encodings: ids and offsets, token types, the mask of special tokens."""
        self.arrays[key + ".ids"], self.arrays[key + ".offsets"] = ragged(
            [e["input_ids"] for e in encodings]
        )
        if has_types:
            types = ragged([e["token_type_ids"] for e in encodings], np.uint8)[0]
            self.arrays[key + ".type_ids"] = types
        mask = ragged([e["special_tokens_mask"] for e in encodings], np.uint8)[0]
        self.arrays[key + ".special_tokens_mask"] = mask

    def pair(self, pair: Pair, **settings: Any) -> Any:
        """A pair of texts."""
        return self.tokenizer(self.texts[pair[0]], self.texts[pair[1]], **ASKED, **settings)

    def put_single(self, chosen: List[int], lengths: List[int]) -> List[Any]:
        """Keep every text, whole, without special tokens and cut; the whole ones."""
        whole = [self.tokenizer(text, **ASKED) for text in self.texts]
        self.put("single.full", whole)
        plain = [
            self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in self.texts[:100]
        ]
        self.arrays["single.no_special.ids"], self.arrays["single.no_special.offsets"] = ragged(
            plain
        )
        for length in lengths:
            cut = [
                self.tokenizer(self.texts[i], truncation=True, max_length=length, **ASKED)
                for i in chosen
            ]
            self.put(f"single.trunc{length}", cut, has_types=False)
        return whole

    def put_pairs(self, longest_first: List[int], only_second: int) -> List[int]:
        """Keep pairs, whole and cut; the places of those whose second text can be cut alone."""
        self.put("pair.full", [self.pair(pair) for pair in self.pairs])
        for length in longest_first:
            cut = [
                self.pair(pair, truncation="longest_first", max_length=length)
                for pair in self.pairs[:70]
            ]
            self.put(f"pair.longest_first{length}", cut)
        encodings, places = [], []
        for i, pair in enumerate(self.pairs):
            first = self.tokenizer(self.texts[pair[0]], add_special_tokens=False)["input_ids"]
            if len(first) + self.tokenizer.num_special_tokens_to_add(True) >= only_second:
                continue
            encodings.append(self.pair(pair, truncation="only_second", max_length=only_second))
            places.append(i)
        self.put(f"pair.only_second{only_second}", encodings)
        return places

    def put_batches(self) -> List[Dict[str, Any]]:
        """Keep padded batches; how each was made."""
        described = []
        for i, ((first, end), padding) in enumerate(BATCHES):
            batch = self.tokenizer(self.texts[first:end], return_tensors="np", **ASKED, **padding)
            self._put_padded(f"batch{i}", batch)
            described.append(dict(text_range=[first, end], **padding))
        pairs = self.pairs[120:128]
        self._put_padded(
            "pairbatch",
            self.tokenizer(
                [self.texts[a] for a, _ in pairs],
                [self.texts[b] for _, b in pairs],
                return_tensors="np",
                **ASKED,
                **PAIR_BATCH,
            ),
        )
        return described

    def _put_padded(self, key: str, batch: Any) -> None:
        for column in COLUMNS:
            kind = np.int16 if column == "input_ids" else np.uint8
            self.arrays[f"{key}.{column}"] = batch[column].astype(kind)


def unless_equal(texts: Sequence[str], others: Sequence[str]) -> List[Optional[str]]:
    """The others, with None for those that are as the texts."""
    return [None if a == b else b for a, b in zip(texts, others)]


def described(tokenizer: Any) -> Dict[str, Any]:
    """Sizes and flags of a tokenizer."""
    longest = tokenizer.model_max_length
    return dict(
        vocab_size=tokenizer.vocab_size,
        len=len(tokenizer),
        cls=type(tokenizer).__name__,
        pad_token_id=tokenizer.pad_token_id,
        mask_token_id=tokenizer.mask_token_id,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        model_max_length=longest if longest < 1e9 else None,
        clean_up_tokenization_spaces=tokenizer.clean_up_tokenization_spaces,
        num_special_single=tokenizer.num_special_tokens_to_add(False),
        num_special_pair=tokenizer.num_special_tokens_to_add(True),
    )


def draw_pairs(run: Generation, name: str) -> Tuple[List[Pair], List[int]]:
    """Pairs of texts, and the texts that are cut."""
    random = run.random("tokpairs", name)
    pairs = [(int(random.integers(300)), int(random.integers(300))) for _ in range(120)]
    pairs += [(0, int(random.integers(300))), (int(random.integers(300)), 0)]
    pairs += [(int(random.integers(60)), 60 + int(random.integers(200))) for _ in range(30)]
    return pairs, sorted(set(int(i) for i in random.choice(300, 60, replace=False)))


def tokenizer_case(run: Generation, name: str, tokenizer: Any, folder: Path, note: str) -> None:
    """What a tokenizer does with 300 texts and 152 pairs."""
    path = f"tokenizers/{name}"
    if not run.wants(path):
        return
    with run.case(path, note) as case:
        shutil.copytree(folder, case.folder / "model")
        texts = texts_to_tokenize(run.random("texts", name), run.texts.sentences, run.is_committed)
        pairs, chosen = draw_pairs(run, name)
        lengths = [3, 8, 17, 48] if run.is_committed else [4, 9, 16, 40]
        made = Encodings(tokenizer, texts, pairs)
        whole = made.put_single(chosen, lengths)
        places = made.put_pairs(
            [6, 16, 40] if run.is_committed else [7, 15, 41], 40 if run.is_committed else 44
        )
        batches = made.put_batches()
        write_tensors(made.arrays, case.folder / "expected.safetensors")
        write_json(
            dict(
                texts=texts,
                pairs=pairs,
                trunc_text_indices=chosen,
                trunc_lengths=lengths,
                batches=batches,
                pairbatch=dict(pair_range=[120, 128], **PAIR_BATCH),
                pair_longest_first_range=[0, 70],
                only_second_pair_indices=places,
            ),
            case.folder / "inputs.json",
        )
        ids = [encoding["input_ids"] for encoding in whole]
        decoded = [tokenizer.decode(i, skip_special_tokens=False) for i in ids]
        skipped = [tokenizer.decode(i, skip_special_tokens=True) for i in ids]
        plain = [
            tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"])
            for text in texts[:200]
        ]
        write_json(
            dict(
                tokens=[tokenizer.convert_ids_to_tokens(i) for i in ids[:40]],
                decode=decoded,
                decode_skip_special=unless_equal(decoded, skipped),
                decode_no_special=unless_equal(decoded[:200], plain),
                **described(tokenizer),
            ),
            case.folder / "expected.json",
        )


def make_real(run: Generation) -> None:
    """The tokenizer of a published model."""
    folder = run.temporary / "tk_real"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(run.options.minilm / name, folder / name)
    tokenizer_case(
        run,
        "bert_uncased_real",
        AutoTokenizer.from_pretrained(folder),
        folder,
        "Real BERT uncased tokenizer (all-MiniLM-L6-v2). Its tokenizer.json has truncation/padding"
        " sections baked in (max_length 128, padding Fixed 128): transformers overrides them on"
        " every call (no truncation / no padding unless asked). Case folder is > 600 KB because of"
        " the 466 KB tokenizer.json.",
    )


def make_wordpiece(run: Generation) -> None:
    """Tokenizers of BERT's kind with other flags and classes."""
    variants: Sequence[Tuple[str, Dict[str, Any], str]] = (
        (
            "bert_cased",
            dict(lower=False),
            "do_lower_case=false, strip_accents=null -> accents kept",
        ),
        (
            "bert_cased_strip_accents",
            dict(lower=False, strip_accents=True),
            "do_lower_case=false, strip_accents=true",
        ),
        (
            "bert_uncased_keep_accents",
            dict(strip_accents=False),
            "do_lower_case=true, strip_accents=false (accents kept although lower-casing)",
        ),
        ("bert_uncased_no_cjk", dict(tokenize_chinese_chars=False), "tokenize_chinese_chars=false"),
        ("bert_uncased_tiny", {}, "do_lower_case=true, strip_accents=null -> accents stripped"),
        (
            "electra",
            dict(kind=ElectraTokenizerFast),
            "ELECTRA tokenizer class (same algorithm as BERT)",
        ),
        (
            "distilbert",
            dict(kind=DistilBertTokenizerFast),
            "DistilBERT: model_input_names has no token_type_ids",
        ),
    )
    for name, settings, note in variants:
        folder = run.temporary / f"tk_{name}"
        tokenizer = bert_tokenizer(run, folder, 900, longest=512, extra=EXTRA, **settings)
        (folder / "vocab.txt").unlink()
        tokenizer_case(run, name, tokenizer, folder, note)
    folder = run.temporary / "tk_vocab_only"
    bert_tokenizer(run, folder, 900, longest=512, extra=EXTRA)
    (folder / "tokenizer.json").unlink()
    tokenizer_case(
        run,
        "bert_vocab_txt_only",
        BertTokenizerFast.from_pretrained(folder),
        folder,
        "Only vocab.txt + tokenizer_config.json on disk (no tokenizer.json), as in many old"
        " checkpoints.",
    )
    # MPNet, as all-mpnet-base-v2 has it.
    folder = run.temporary / "tk_mpnet"
    folder.mkdir()
    specials = ("<s>", "<pad>", "</s>", "<unk>", "[UNK]")
    vocabulary = wordpiece_vocabulary(run, 900, True, specials, EXTRA) + ["<mask>"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    MPNetTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=512).save_pretrained(
        folder
    )
    (folder / "vocab.txt").unlink()
    tokenizer_case(
        run,
        "mpnet_wordpiece",
        MPNetTokenizerFast.from_pretrained(folder),
        folder,
        "MPNet: BERT WordPiece with RoBERTa-style specials (<s> A </s></s> B </s>), unk token"
        " [UNK]",
    )


def make_bpe(run: Generation) -> None:
    """Byte-level BPE tokenizers."""
    folder = run.temporary / "tk_rob"
    tokenizer = roberta_tokenizer(run, folder, 1200, 512)
    tokenizer_case(
        run,
        "roberta_bpe",
        tokenizer,
        folder,
        "Byte-level BPE, add_prefix_space=false, RobertaProcessing; pair is <s> A </s></s> B </s>;"
        " type ids all 0; <mask> has lstrip=true.",
    )
    folder = run.temporary / "tk_robp"
    tokenizer = roberta_tokenizer(run, folder, 1000, 512, add_prefix_space=True)
    for name in ("merges.txt", "vocab.json"):
        (folder / name).unlink()
    tokenizer_case(
        run,
        "roberta_bpe_prefix_space",
        tokenizer,
        folder,
        "Byte-level BPE with add_prefix_space=true (e.g. some XLM/longformer style checkpoints)",
    )
    folder = run.temporary / "tk_mb"
    tokenizer = modernbert_tokenizer(run, folder, 1200, 512)
    tokenizer_case(
        run,
        "modernbert_bpe",
        tokenizer,
        folder,
        "GPT-NeoX/ModernBERT style: NFC normalizer, ByteLevel BPE, white-space-run added tokens"
        " (non special), [MASK] lstrip, TemplateProcessing; model_input_names without"
        " token_type_ids.",
    )


def make_unigram(run: Generation) -> None:
    """Unigram tokenizers, in each layout."""
    folder = run.temporary / "tk_t5"
    tokenizer = t5_tokenizer(run, folder, 1000, 512, 100, True, "t5tok")
    tokenizer_case(
        run,
        "t5_unigram",
        tokenizer,
        folder,
        "SentencePiece Unigram with the full nmt_nfkc Precompiled charsmap; tokenizer.json layout"
        " as published on the hub (normalizer Precompiled only; pre_tokenizer"
        " Sequence[WhitespaceSplit, Metaspace always]); extra_ids=100; only </s> appended.",
    )
    for layout in ("always", "first", "never"):
        if run.is_committed and layout == "never":
            continue
        folder = run.temporary / f"tk_t5_{layout}"
        tokenizer = t5_tokenizer(run, folder, 700, 512, 10, name=f"t5{layout}", layout=layout)
        tokenizer_case(
            run,
            f"t5_unigram_{layout}",
            tokenizer,
            folder,
            "converter layout of transformers 4.57: normalizer Sequence[Precompiled (small custom"
            " charsmap), Strip(right), Replace( {2,} -> U+2581)], Metaspace"
            f" prepend_scheme={layout}",
        )
    folder = run.temporary / "tk_xlmr"
    tokenizer = xlmr_tokenizer(run, folder, 1000, 512, "xlmrtok")
    tokenizer_case(
        run,
        "xlmr_unigram",
        tokenizer,
        folder,
        "XLM-R style Unigram, full nmt_nfkc charsmap, hub layout (WhitespaceSplit + Metaspace"
        " always); fairseq id offsets; <mask> lstrip; pair <s> A </s></s> B </s>",
    )


def make(run: Generation) -> None:
    """Make the family."""
    make_real(run)
    make_wordpiece(run)
    make_bpe(run)
    make_unigram(run)
