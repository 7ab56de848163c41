"""Tests of which weights scripts/fetch-model takes, in the layouts that repositories have."""

from __future__ import annotations

import json
import sys
import unittest
from collections import Counter
from pathlib import Path
from typing import Dict, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import test_fetch_model  # noqa: E402
from test_fetch_model import MODEL, WANTED  # noqa: E402


class Torch(test_fetch_model.FetchModelCase):
    """Weights as torch saves them, in the layouts that repositories have."""

    def fetches(self, files: Dict[str, bytes], but: Tuple[str, ...] = ()) -> None:
        self.hub.files = files
        self.assert_status(self.fetch(), 0)
        self.assertEqual(self.found(), sorted(set(files) - set(but)))
        for name in self.found():
            self.assertEqual((self.folder / name).read_bytes(), files[name])

    def test_as_castorini_monobert_large(self) -> None:
        self.fetches({"config.json": b"{}", "vocab.txt": b"[PAD]", "pytorch_model.bin": b"weights",
                      "flax_model.msgpack": b"flax", "tf_model.h5": b"tf"},
                     ("flax_model.msgpack", "tf_model.h5"))

    def test_as_xtr(self) -> None:
        self.fetches({"config.json": b"{}", "modules.json": b"[]", "spiece.model": b"spm",
                      "tokenizer.json": b"{}", "pytorch_model.bin": b"t5",
                      "1_Pooling/config.json": b"{}", "2_Dense/config.json": b"{}",
                      "2_Dense/pytorch_model.bin": b"dense", "training_args.bin": b"args",
                      "optimizer.pt": b"state", "checkpoint-500/pytorch_model.bin": b"old",
                      "checkpoint-500/config.json": b"{}"},
                     ("training_args.bin", "optimizer.pt", "checkpoint-500/pytorch_model.bin",
                      "checkpoint-500/config.json"))

    def test_dense_beside_safetensors(self) -> None:
        self.fetches({"config.json": b"{}", "model.safetensors": b"bert",
                      "pytorch_model.bin": b"the same", "2_Dense/config.json": b"{}",
                      "2_Dense/pytorch_model.bin": b"dense"}, ("pytorch_model.bin",))

    def test_as_coil(self) -> None:
        files = {"config.json": b"{}", "model.safetensors": b"bert", "model.pt": b"head",
                 "training_args.bin": b"args"}
        self.fetches(files, ("training_args.bin",))
        (self.folder / "model.safetensors").unlink()
        del files["model.safetensors"]
        self.fetches({**files, "pytorch_model.bin": b"bert"}, ("training_args.bin",))

    def test_a_large_model_pt_is_the_same_again(self) -> None:
        self.hub.listed = [*self.hub.listing(), {"rfilename": "model.pt", "size": 1 << 30}]
        self.assert_status(self.fetch(), 0)
        self.assert_complete()

    def test_model_pt_alone(self) -> None:
        self.fetches({"config.json": b"{}", "model.pt": b"weights", "rng_state_0.pth": b"state"},
                     ("rng_state_0.pth",))

    def test_adapter(self) -> None:
        self.fetches({"config.json": b"{}", "adapter_config.json": b"{}",
                      "adapter_model.bin": b"lora"})

    def test_shards(self) -> None:
        shards = {f"pytorch_model-0000{i}-of-00002.bin": b"s%d" % i for i in (1, 2)}
        index = {"pytorch_model.bin.index.json": json.dumps(
            {"weight_map": dict(zip("ab", shards))}).encode()}
        self.fetches({"config.json": b"{}", **shards, **index, "pytorch_model.bin": b"whole"},
                     ("pytorch_model.bin",))
        del self.hub.files["pytorch_model-00002-of-00002.bin"]
        (self.folder / "pytorch_model.bin.index.json").unlink()
        self.assert_status(self.fetch(), 65, "pytorch_model-00002-of-00002")

    def test_an_index_of_what_is_not_fetched(self) -> None:
        self.fetches({**{n: MODEL[n] for n in WANTED}, "pytorch_model.bin.index.json": b"{}",
                      "pytorch_model-00001-of-00001.bin": b"old"},
                     ("pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"))

    def test_a_changed_byte(self) -> None:
        self.hub.files = {"config.json": b"{}", "pytorch_model.bin": b"weights"}
        self.hub.corrupt = Counter({"pytorch_model.bin": 10**6})
        self.assert_status(self.fetch(), 65, "checksum")
        self.assertEqual(self.found(), [])


if __name__ == "__main__":
    unittest.main()
