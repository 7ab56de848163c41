#!/usr/bin/env python3
"""What published rerankers on decoders make of pairs by their own recipes, in folders that do not say them.

    make_recipes.py OUT

Writes OUT/transformers5/recipe_qwen3 and recipe_mxbai: tiny decoders with random weights as
`save_pretrained` writes them, pairs, and the differences of what the model gives for the two words. The
recipes are those of Qwen3-Reranker's model card and of mxbai_rerank 0.1.6 (`mxbai_rerank_v2.py`), whose
`prepare_inputs` is followed piece by piece. Needs torch, transformers 5.24 and tokenizers.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, List

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

LENGTH = 1024
WORDS = ("Judge whether the Document meets the requirements based on Query Instruct relevance expert who "
         "why do cats purr at night when rain falls on an old roof yes no 0 1 document query").split()
PAIRS = [["why do cats purr?", "cats purr at night"], ["", "old roof"], ["rain.", ""],
         ["why do cats purr", "the rain falls. " * 300], ["the old roof " * 400, "when rain falls " * 200]]
JUDGE = ("<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "
         "Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n"
         "<|im_start|>user\n")
WEB = "Given a web search query, retrieve relevant passages that answer the query"
QWEN = ("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n")
TASK = ("You are a search relevance expert who evaluates how well documents match search queries. For each "
        "query-document pair, carefully analyze the semantic relationship between them, then provide your "
        "binary relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:")


def qwen3(ids: Any, query: str, document: str) -> List[int]:
    front = ids(JUDGE)
    back = ids("<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    body = ids(f"<Instruct>: {WEB}\n<Query>: {query}\n<Document>: {document}")
    return front + body[:LENGTH - len(front) - len(back)] + back


def mxbai(ids: Any, query: str, document: str) -> List[int]:
    front, line, task = ids(QWEN), ids("\n"), ids(TASK)
    back = ids("<|im_end|>\n<|im_start|>assistant\n")
    fixed = len(front) + len(line) + len(task) + len(back)
    length = min(8192, LENGTH - fixed)
    first = ids(f"query: {query}")[:length * 3 // 4]
    second = ids(f"document: {document}")[:min(LENGTH - len(first) - fixed, length)]
    both = first + (line + second)[:max(0, length - len(first))]
    return front + both + line + task + back


def make(folder: Path, kind: str, recipe: Any, words: List[str], seed: int) -> None:
    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.train_from_iterator([" ".join(WORDS)] * 3 + WORDS, trainers.BpeTrainer(
        vocab_size=480, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<|endoftext|>", eos_token="<|im_end|>",
        model_max_length=LENGTH)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=4, max_position_embeddings=LENGTH,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, 0, 0.3)
            weight.copy_(weight.to(torch.bfloat16).float())
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder / "model")
    # Read again: half precision rounds the angles of positions, which no folder holds.
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32).eval()
    tokenizer.save_pretrained(folder / "model")
    (folder / "model" / "generation_config.json").unlink(missing_ok=True)

    def ids(text: str) -> List[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]
    yes, no = (tokenizer.convert_tokens_to_ids(word) for word in words)
    assert yes is not None and no is not None
    scores = []
    for query, document in PAIRS:
        with torch.no_grad():
            logits = model(torch.tensor([recipe(ids, query, document)])).logits[0, -1]
        scores.append(logits[yes] - logits[no])
    save_file({"scores": torch.stack(scores)}, folder / "expected.safetensors")
    (folder / "inputs.json").write_text(json.dumps({"lir_config": {}, "pairs": PAIRS}))


def main() -> None:
    out = Path(sys.argv[1]) / "transformers5"
    torch.set_num_threads(1)
    make(out / "recipe_qwen3", "qwen3", qwen3, ["yes", "no"], 5)
    make(out / "recipe_mxbai", "qwen2", mxbai, ["1", "0"], 6)


if __name__ == "__main__":
    main()
