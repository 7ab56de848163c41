#!/usr/bin/env python3
"""Folders with a SentencePiece file, or vocab.json and merges.txt, as transformers converts them.

    make_pieces.py OUT [--seed N]

Trains tiny models and writes OUT/*.model and OUT/more.json in the form of expected.json beside them:
CamemBERT, MBart, ALBERT, DeBERTa and RoBERTa, each with the configurations that change its tokens, and
what `AutoTokenizer` makes of the texts. Needs transformers 4.57, tokenizers and sentencepiece.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import sentencepiece
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer

WORDS = """the of and a to in is you that it he was for on are as with his they at be this have from or one
had by word but not what all were we when your can said there use an each which she do how their if will up
other about out many then them these so some her would make like him into time has look two more write go see
number no way could people my than first water been call who oil its now find long down day did get come made
may part Paris l'eau Zürich naïve coöperate 1,000 2,5 3,14 10,000 7, 42, 2024""".split()


def texts(seed: int) -> List[str]:
    chosen = random.Random(seed)
    rows = [" ".join(chosen.choice(WORDS) for _ in range(chosen.randint(1, 12))) for _ in range(20)]
    return rows + [
        "", " ", "  two  spaces  ", "Hello, World! It's 1,000 miles; isn't it?", "``quoted'' text",
        "Été à la plage, ÇA VA?", "[CLS] the [MASK] of <mask> and </s>", "tabs\tand\nlines", "ﬁne ½ ①²,",
        "漢字 と かな", "<unk> [UNK] <pad> [PAD]", "en_XX de_DE", "the <mask>of", "a.b,c;d!e", "x²,y3,"]


def train(path: Path, seed: int, **options: Any) -> bytes:
    lines = path.parent / "lines.txt"
    chosen = random.Random(seed)
    lines.write_text("\n".join(
        " ".join(chosen.choice(WORDS) for _ in range(8)) for _ in range(400)), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(path.with_suffix("")), minloglevel=2, num_threads=1,
        hard_vocab_limit=False, **options)
    return path.read_bytes()


def case(folder: Path, name: str, rows: List[str], model: str, file: str,
         files: Dict[str, Any]) -> Dict[str, Any]:
    for key, value in files.items():
        (folder / key).write_text(
            value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast, name
    ids = [tokenizer(row)["input_ids"] for row in rows]
    return {"name": name, "model": model, "file": file, "files": files, "count": len(tokenizer),
            "ids": ids, "decode": [tokenizer.decode(row) for row in ids],
            "pair": tokenizer(rows[0], rows[1])["input_ids"],
            "types": tokenizer(rows[0], rows[1]).get("token_type_ids")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = texts(arguments.seed)
    scratch = Path(tempfile.mkdtemp())
    # A few rules in the place of Unicode's, which would be most of the file.
    rules = scratch / "rules.tsv"
    rules.write_text("FB01\t66 69\nBD\t31 2F 32\n2460\t31\n9\t20\nA\t20\nC9\t45\n")
    kinds = {
        "deberta": dict(vocab_size=160, normalization_rule_tsv=str(rules), pad_id=0, bos_id=1,
                        eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                        eos_piece="[SEP]", unk_piece="[UNK]", byte_fallback=False),
        "albert": dict(vocab_size=170, normalization_rule_name="identity", pad_id=0, unk_id=1,
                       bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]"],
                       user_defined_symbols=["[MASK]"]),
        "fairseq2": dict(vocab_size=150, normalization_rule_name="identity", unk_id=0, bos_id=1,
                         eos_id=2),
        "pairs": dict(vocab_size=140, model_type="bpe", normalization_rule_name="identity",
                      unk_id=0, bos_id=1, eos_id=2)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, options in kinds.items():
        model = train(scratch / f"{name}.model", arguments.seed, **options)
        (arguments.out / f"{name}.model").write_bytes(model)
    deberta, albert = {"model_type": "deberta-v2"}, {"model_type": "albert"}
    camembert, mbart = {"model_type": "camembert"}, {"model_type": "mbart"}
    plans = [
        ("deberta", "deberta", "spm.model", {"config.json": deberta}),
        ("deberta_split", "deberta", "spm.model", {
            "config.json": deberta, "tokenizer_config.json": {
                "do_lower_case": True, "split_by_punct": True, "vocab_type": "spm"}}),
        ("albert", "albert", "spiece.model", {"config.json": albert}),
        ("albert_accents", "albert", "spiece.model", {"tokenizer_config.json": {
            "tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}}),
        ("camembert", "fairseq2", "sentencepiece.bpe.model", {"config.json": camembert}),
        ("camembert_tokens", "fairseq2", "sentencepiece.bpe.model", {"tokenizer_config.json": {
            "tokenizer_class": "CamembertTokenizer", "mask_token": "<mask>",
            "additional_special_tokens": ["<s>NOTUSED", "</s>NOTUSED"]}}),
        ("camembert_bpe", "pairs", "sentencepiece.bpe.model", {"config.json": camembert}),
        ("mbart", "fairseq2", "sentencepiece.bpe.model", {"config.json": mbart}),
        ("mbart_german", "fairseq2", "sentencepiece.bpe.model", {"tokenizer_config.json": {
            "tokenizer_class": "MBartTokenizer", "src_lang": "de_DE",
            "additional_special_tokens": ["en_XX", "<more>"]}}),
    ]
    cases = []
    for name, model, file, files in plans:
        folder = scratch / f"case_{name}"
        folder.mkdir()
        (folder / file).write_bytes((arguments.out / f"{model}.model").read_bytes())
        cases.append(case(folder, name, rows, f"{model}.model", file, files))
    lines = scratch / "lines.txt"
    bytes_ = ByteLevelBPETokenizer()
    bytes_.train([str(lines)], vocab_size=330, min_frequency=2,
                 special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    bytes_.save_model(str(scratch))
    words = (scratch / "vocab.json").read_text(encoding="utf-8")
    merges = (scratch / "merges.txt").read_text(encoding="utf-8")
    lines_ = merges.split("\n")
    for name, config, text in [
            ("roberta", {"config.json": {"model_type": "roberta"}}, merges),
            ("roberta_space", {"tokenizer_config.json": {
                "tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}},
             # One merge twice, and no end of the last line, which then is lost.
             "\n".join(lines_[:4] + lines_[2:3] + lines_[4:-1])),
            ("bart", {"config.json": {"model_type": "bart"}}, merges.replace("\n", "\r\n"))]:
        folder = scratch / f"case_{name}"
        folder.mkdir()
        files = {"vocab.json": words, "merges.txt": text, **config}
        cases.append(case(folder, name, rows, "", "", files))
    (arguments.out / "more.json").write_text(
        json.dumps({"texts": rows, "cases": cases}, ensure_ascii=False, separators=(",", ":"))
        + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
