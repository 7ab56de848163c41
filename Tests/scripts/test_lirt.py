"""Tests of scripts/lirt.py: what it reads is made by the smallest writer that can, not by its own."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from typing import Any, Dict, List, Optional

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

try:
    import numpy as np

    import lirt
except ImportError as error:  # NumPy is all that the reader needs
    raise unittest.SkipTest(f"{error.name} is not installed")

try:
    import safetensors.numpy as safetensors_numpy
except ImportError:
    safetensors_numpy = None
try:
    import zstandard
except ImportError:
    zstandard = None
try:
    import lz4.frame as lz4_frame
except ImportError:
    lz4_frame = None

NAMES = {"uint8": "U8", "int8": "I8", "float16": "F16", "uint16": "BF16", "int32": "I32",
         "float32": "F32", "int64": "I64"}


def checksum(data: bytes) -> str:
    """XXH3-64 in hexadecimal; any other 16 digits where no reader could verify them."""
    if lirt.xxhash is not None:
        return lirt.xxhash.xxh3_64(data).hexdigest()
    return hashlib.sha256(data).hexdigest()[:16]


def blob(metadata: Dict[str, str], tensors: Dict[str, Any]) -> bytes:
    """One segment: tensors by decreasing element size, then name; its checksum filled in."""
    header: Dict[str, Any] = {"__metadata__": {**metadata, "lir.xxh3": "0" * 16}}
    data = b""
    for name, array in sorted(tensors.items(), key=lambda t: (-t[1].itemsize, t[0])):
        span = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": NAMES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": span}
        data += array.tobytes()
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    digest = checksum(text + data).encode()
    text = text.replace(b'"lir.xxh3":"' + b"0" * 16, b'"lir.xxh3":"' + digest)
    return len(text).to_bytes(8, "little") + text + data


def digest_of(segment: bytes) -> bytes:
    at = segment.index(b'"lir.xxh3":"') + 12
    return segment[at : at + 16]


def end(segments: List[bytes], records: int, **changes: str) -> bytes:
    chain = checksum(b"".join(digest_of(s) for s in segments))
    return blob({"lir.format": "1", "lir.kind": "end", "lir.records": str(records),
                 "lir.segments": str(len(segments)), "lir.chain": chain, **changes}, {})


def ids(names: List[str]) -> Dict[str, Any]:
    raw = [n.encode() for n in names]
    offsets = np.cumsum([0] + [len(r) for r in raw]).astype(np.int64)
    return {"id_offsets": offsets, "ids": np.frombuffer(b"".join(raw), np.uint8)}


def segment(kind: str, first: int, names: List[str], tensors: Dict[str, Any],
            model: Optional[str] = "m1", **changes: str) -> bytes:
    metadata = {"lir.format": "1", "lir.kind": kind, "lir.role": "doc", "lir.first": str(first),
                "lir.records": str(len(names)), **changes}
    if first == 0 and model is not None:
        metadata["lir.model"] = model
    return blob(metadata, {**ids(names), **tensors})


def dense(rows: Any, step: int = 2, prefix: str = "d", **changes: Any) -> List[bytes]:
    """The segments of a dense member, `step` records each, and its end segment."""
    parts = []
    for at in range(0, max(len(rows), 1), step):
        block = rows[at : at + step]
        names = [f"{prefix}{at + i}" for i in range(len(block))]
        parts.append(segment("dense", at, names, {"embeddings": block}, **changes))
    return parts + [end(parts, len(rows))]


def load(data: bytes) -> "lirt.Stream":
    return lirt.read(io.BytesIO(data))


ROWS = np.arange(15, dtype=np.float32).reshape(5, 3) / 8


CHECKSUMS = {
    0: "2d06800538d394c2", 1: "c44bdff4074eecdb", 3: "5f4299fc161c9cbb", 4: "60dab036a58211f2",
    8: "3a1c2d7c85af88f8", 9: "e9612598145bb9dc", 16: "8355e3a6f61770db", 17: "9ef341a99de37328",
    32: "3523581fe96e4c05", 64: "6187eb9089b0ed55", 100: "004e4f921a64bd1c",
    128: "85c6174c7ff4c46b", 129: "ec7642b431ba3e5a", 200: "f42a8864feaf0703",
    240: "375a384d957fe865", 241: "02e8cd95421c6d02", 1024: "e5d78bafa45b2aa5",
    1025: "e95c42288f28186e", 5000: "b418500fc42320ee",
}


class Written(unittest.TestCase):
    """What the writer makes is what the reader, which knows nothing of it, finds."""

    def test_dense(self) -> None:
        rows = np.arange(2500 * 3, dtype=np.float32).reshape(2500, 3)
        for given in (rows, rows.astype(np.float64), (rows % 256).astype(np.float16)):
            target = io.BytesIO()
            with lirt.Writer(target, "query", "m", "cosine") as writer:
                for at in range(0, 2500, 999):
                    block = given[at : at + 999]
                    writer.append([f"q{at + i}" for i in range(len(block))], block)
            data = target.getvalue()
            stream = load(data)
            self.assertEqual((stream.kind, stream.role, stream.dim), ("dense", "query", 3))
            self.assertEqual(stream.metadata["lir.model"], "m")
            self.assertEqual(stream.metadata["lir.similarity"], "cosine")
            self.assertEqual(stream.ids, [f"q{i}" for i in range(2500)])
            np.testing.assert_array_equal(stream.vectors, given.astype(np.float32))
            self.assertEqual(len(list(lirt.segments(io.BytesIO(data)))), 3)

    def test_several_vectors_and_sparse_ones(self) -> None:
        target = io.BytesIO()
        lirt.write(target, ["a", "b", "c"], [ROWS[:2], ROWS[:0], ROWS[2:]])
        stream = load(target.getvalue())
        self.assertEqual((stream.kind, stream.dim), ("multivector", 3))
        self.assertEqual(stream.tensors["offsets"].tolist(), [0, 2, 2, 5])
        np.testing.assert_array_equal(stream.vectors, ROWS)

        class Rows:  # as scipy.sparse has them
            indptr, shape = np.array([0, 2, 2, 3]), (3, 9)
            indices, data = np.array([1, 4, 8]), np.array([0.5, 2, 1])

            def tocsr(self) -> "Rows":
                return self

            def copy(self) -> "Rows":
                return self

            def sum_duplicates(self) -> None:
                pass

            def sort_indices(self) -> None:
                pass

        target = io.BytesIO()
        lirt.write(target, ["a", "b", "c"], Rows())
        stream = load(target.getvalue())
        self.assertEqual((stream.kind, stream.dim), ("sparse", 9))
        np.testing.assert_array_equal(stream.dense()[0], [0, 0.5, 0, 0, 2, 0, 0, 0, 0])

    def test_what_is_refused(self) -> None:
        for names, rows, message in (
            (["a"], ROWS, "1 ids of 5 records"),
            (["a b"], ROWS[:1], "without white space"),
            (["a"], ROWS[:1] / np.float32(0) * 0, "is not finite"),
            (["a"], ROWS[:1].astype(np.int32), "float16, float32 or float64"),
            (["a"], ROWS[0], "an array .records, dim."),
        ):
            with np.errstate(all="ignore"), self.assertRaisesRegex(ValueError, message):
                lirt.write(io.BytesIO(), names, rows)
        with self.assertRaisesRegex(ValueError, "role"):
            lirt.Writer(io.BytesIO(), "pair")

    def test_checksums_are_those_of_the_library(self) -> None:
        # Of xxhsum -H3 0.8.1, for the bytes 0, 1, 2 and so on.
        for size, expected in CHECKSUMS.items():
            data = bytes(i % 251 for i in range(size))
            xxhash, lirt.xxhash = lirt.xxhash, None
            try:
                self.assertEqual(lirt.xxh3(data), expected, size)
            finally:
                lirt.xxhash = xxhash


class RoundTrip(unittest.TestCase):
    def test_dense(self) -> None:
        stream = load(b"".join(dense(ROWS)))
        self.assertEqual((stream.kind, stream.role, stream.dim), ("dense", "doc", 3))
        self.assertEqual(stream.ids, ["d0", "d1", "d2", "d3", "d4"])
        np.testing.assert_array_equal(stream.vectors, ROWS)
        np.testing.assert_array_equal(stream.row(3)["embeddings"], ROWS[3])

    def test_narrow_elements_become_float32(self) -> None:
        as_bf16 = (ROWS.view(np.uint32) >> 16).astype(np.uint16)
        for stored in (ROWS.astype(np.float16), as_bf16):
            vectors = load(b"".join(dense(stored))).vectors
            self.assertEqual(vectors.dtype, np.float32)
            np.testing.assert_array_equal(vectors, ROWS)  # eighths below 2 are exact in both

    def test_int8_is_scaled(self) -> None:
        stored = np.array([[127, -64], [1, 0]], np.int8)
        scales = np.array([0.5, 2], np.float32)
        part = segment("dense", 0, ["a", "b"], {"embeddings": stored, "scales": scales})
        vectors = load(part + end([part], 2)).vectors
        np.testing.assert_array_equal(vectors, [[63.5, -32], [2, 0]])
        bare = segment("dense", 0, ["a", "b"], {"embeddings": stored})
        with self.assertRaisesRegex(lirt.LirtError, "'scales' is missing"):
            load(bare + end([bare], 2))

    def test_sparse(self) -> None:
        parts = [
            segment("sparse", 0, ["a", "b"], {
                "offsets": np.array([0, 2, 2]), "indices": np.array([1, 4], np.int32),
                "values": np.array([0.5, 2], np.float32)}, **{"lir.dim": "6"}),
            segment("sparse", 2, ["c"], {
                "offsets": np.array([0, 1]), "indices": np.array([0], np.int32),
                "values": np.array([7], np.float32)}),
        ]
        stream = load(b"".join(parts) + end(parts, 3))
        np.testing.assert_array_equal(stream.tensors["offsets"], [0, 2, 2, 3])
        self.assertEqual(stream.dim, 6)
        np.testing.assert_array_equal(
            stream.dense(), [[0, 0.5, 0, 0, 2, 0], [0] * 6, [7, 0, 0, 0, 0, 0]])
        np.testing.assert_array_equal(stream.row(2)["values"], [7])

    def test_sparse_rows_must_ascend(self) -> None:
        part = segment("sparse", 0, ["a", "b", "c"], {
            "offsets": np.array([0, 0, 2, 2]), "indices": np.array([4, 4], np.int32),
            "values": np.ones(2, np.float32)})
        with self.assertRaisesRegex(lirt.LirtError, "ascend within a row"):
            load(part + end([part], 3))

    def test_multivector(self) -> None:
        tokens = {"offsets": np.array([0, 1, 3]), "embeddings": ROWS[:3],
                  "input_ids": np.array([5, 6, 7], np.int32)}
        part = segment("multivector", 0, ["a", "b"], tokens)
        stream = load(part + end([part], 2))
        np.testing.assert_array_equal(stream.row(1)["embeddings"], ROWS[1:3])
        np.testing.assert_array_equal(stream.row(1)["input_ids"], [6, 7])
        del tokens["input_ids"]
        part = segment("multivector", 0, ["a", "b"], tokens)
        self.assertEqual(len(load(part + end([part], 2))), 2)

    def test_tokens(self) -> None:
        part = segment("tokens", 0, ["q\tdé"], {
            "offsets": np.array([0, 2]), "input_ids": np.array([101, 102], np.int32),
            "attended": np.ones(2, np.uint8), "type_ids": np.zeros(2, np.uint8)})
        stream = load(part + end([part], 1))
        self.assertEqual(stream.ids, ["q\tdé"])
        self.assertIsNone(stream.vectors)
        np.testing.assert_array_equal(stream.row(0)["input_ids"], [101, 102])

    def test_coil(self) -> None:
        part = segment("coil", 0, ["a", "b"], {
            "offsets": np.array([0, 1, 3]), "cls": ROWS[:2, :2].copy(), "embeddings": ROWS[:3],
            "input_ids": np.array([5, 6, 7], np.int32)})
        row = load(part + end([part], 2)).row(1)
        np.testing.assert_array_equal(row["cls"], ROWS[1, :2])
        np.testing.assert_array_equal(row["embeddings"], ROWS[1:3])

    def test_no_records(self) -> None:
        stream = load(b"".join(dense(ROWS[:0])))
        self.assertEqual((len(stream), stream.vectors.shape), (0, (0, 3)))

    def test_header_ends_at_64(self) -> None:
        for part in dense(ROWS):
            self.assertEqual((8 + int.from_bytes(part[:8], "little")) % 64, 0)
            self.assertTrue(part[8:].startswith(b'{"__metadata__":{"lir.'))

    def test_a_segment_is_a_safetensors_file(self) -> None:
        if safetensors_numpy is None:
            self.skipTest("safetensors is not installed")
        first, *_, last = dense(ROWS)
        tensors = safetensors_numpy.load(first)
        np.testing.assert_array_equal(tensors["embeddings"], ROWS[:2])
        self.assertEqual(bytes(tensors["ids"]), b"d0d1")
        self.assertEqual(safetensors_numpy.load(last), {})


class Damage(unittest.TestCase):
    def assert_fails(self, data: bytes, message: str = "") -> None:
        with self.assertRaisesRegex(lirt.LirtError, message):
            load(data)

    def test_every_proper_prefix_fails(self) -> None:
        whole = b"".join(dense(ROWS))
        for length in range(len(whole)):
            self.assert_fails(whole[:length])
        load(whole)

    def test_a_cut_says_after_which_record(self) -> None:
        parts = dense(ROWS)
        self.assert_fails(b"".join(parts[:-1]), "after record 5: the end segment is missing")
        self.assert_fails(b"".join(parts[:2])[:-1], "cut after record 2, within the data")

    def test_every_changed_byte_fails(self) -> None:
        if lirt.xxhash is None:
            self.skipTest("xxhash is not installed: checksums cannot be verified")
        whole = b"".join(dense(ROWS))
        for at in range(len(whole)):
            self.assert_fails(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

    def test_wrong_chain(self) -> None:
        if lirt.xxhash is None:
            self.skipTest("xxhash is not installed: checksums cannot be verified")
        parts = dense(ROWS)[:-1]
        self.assert_fails(b"".join(parts) + end(parts, 5, **{"lir.chain": "0" * 16}), "lir.chain")

    def test_wrong_totals(self) -> None:
        parts = dense(ROWS)[:-1]
        self.assert_fails(b"".join(parts) + end(parts, 4), "4 records in 3 segments")
        self.assert_fails(parts[0] + end(parts, 2), "2 records in 3 segments")

    def test_missing_segment(self) -> None:
        parts = dense(ROWS)
        self.assert_fails(parts[0] + parts[2] + parts[3], "lir.first is 4, expected 2")

    def test_not_a_stream(self) -> None:
        self.assert_fails(b"", "empty")
        self.assert_fails(b"once upon a time, there was", "a header of [0-9]+ bytes")
        self.assert_fails(b"\x28\xb5\x2f", "cut")
        self.assert_fails((56).to_bytes(8, "little") + b"[" * 56, "not JSON")
        self.assert_fails(end([], 0), "end segment without")

    def test_caps_come_before_memory(self) -> None:
        self.assert_fails((1 << 62).to_bytes(8, "little"), "a header of")
        text = json.dumps({
            "__metadata__": {"lir.format": "1", "lir.kind": "dense"},
            "x": {"dtype": "F32", "shape": [1 << 29, 8], "data_offsets": [0, 1 << 34]},
        }).encode()
        text += b" " * (-(8 + len(text)) % 64)
        self.assert_fails(len(text).to_bytes(8, "little") + text, "malformed|lies at")

    def test_wrong_tensors(self) -> None:
        for tensors, message in (
            ({"embeddings": ROWS[:1]}, "'embeddings' is"),
            ({"embeddings": ROWS[:2].astype(np.int64)}, "'embeddings' is"),
            ({"embeddings": ROWS[:2], "more": ROWS}, "a tensor 'more'"),
            ({}, "'embeddings' is missing"),
        ):
            part = segment("dense", 0, ["a", "b"], tensors)
            self.assert_fails(part + end([part], 2), message)
        part = segment("dense", 0, ["a", ""], {"embeddings": ROWS[:2]})
        self.assert_fails(part + end([part], 2), "empty id")


class Concatenation(unittest.TestCase):
    def test_agreeing_members(self) -> None:
        data = b"".join(dense(ROWS) + dense(ROWS[:0], prefix="e") + dense(ROWS[:3], prefix="f"))
        stream = load(data)
        self.assertEqual((len(stream), stream.members), (8, 3))
        np.testing.assert_array_equal(stream.vectors, np.concatenate([ROWS, ROWS[:3]]))
        firsts = [s.first for s in lirt.segments(io.BytesIO(data))]
        self.assertEqual(firsts, [0, 2, 4, 5, 5, 7])

    def test_offsets_are_joined(self) -> None:
        def member(name: str) -> bytes:
            part = segment("sparse", 0, [name], {
                "offsets": np.array([0, 2]), "indices": np.array([3, 9], np.int32),
                "values": np.ones(2, np.float32)})
            return part + end([part], 1)

        stream = load(member("a") + member("b"))
        np.testing.assert_array_equal(stream.tensors["offsets"], [0, 2, 4])

    def test_members_that_do_not_agree(self) -> None:
        one = b"".join(dense(ROWS))
        others = {
            "model": dense(ROWS, model="m2"),
            "role": dense(ROWS, **{"lir.role": "query"}),
            "dim": dense(ROWS[:, :2].copy()),
            "element types": dense(ROWS.astype(np.float16)),
        }
        for what, other in others.items():
            with self.assertRaisesRegex(lirt.LirtError, f"do not belong together: .*{what}"):
                load(one + b"".join(other))


class Compression(unittest.TestCase):
    """Every segment is a frame; a cut anywhere, in a frame's checksum too, is found."""

    def check(self, compress: Any) -> None:
        frames = [compress(part) for part in dense(ROWS)]
        whole = b"".join(frames)
        np.testing.assert_array_equal(load(whole + whole).vectors, np.concatenate([ROWS, ROWS]))
        for length in range(len(whole)):
            with self.assertRaises(lirt.LirtError):
                load(whole[:length])

    def test_gzip(self) -> None:
        def compress(data: bytes) -> bytes:
            packer = zlib.compressobj(wbits=31)
            return packer.compress(data) + packer.flush()

        self.check(compress)

    def test_zstd(self) -> None:
        if zstandard is None:
            self.skipTest("zstandard is not installed")
        compressor = zstandard.ZstdCompressor(write_checksum=True)
        self.check(compressor.compress)
        skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
        whole = b"".join(compressor.compress(part) for part in dense(ROWS))
        self.assertEqual(len(load(skippable + whole + skippable)), 5)
        with self.assertRaises(lirt.LirtError):
            load(whole + skippable[:-1])

    def test_lz4(self) -> None:
        if lz4_frame is None:
            self.skipTest("lz4 is not installed")
        self.check(lambda data: lz4_frame.compress(data, content_checksum=True))

    def test_absent_package(self) -> None:
        magics = {"zstandard": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}
        hidden = {name: sys.modules.get(name) for name in ("zstandard", "lz4", "lz4.frame")}
        try:
            for name in hidden:
                sys.modules[name] = None  # type: ignore[assignment]
            for package, magic in magics.items():
                with self.assertRaisesRegex(lirt.MissingPackage, f"pip install {package}"):
                    load(magic + bytes(20))
        finally:
            for name, module in hidden.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module


class CommandLine(unittest.TestCase):
    def run_on(self, *names: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(SCRIPTS / "lirt.py"), *names]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_describes_and_fails(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            good, bad = Path(folder, "good.lirt"), Path(folder, "bad.lirt")
            data = b"".join(dense(ROWS))
            good.write_bytes(data)
            bad.write_bytes(data[:-1])
            done = self.run_on(str(good))
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in ("kind      dense", "dim       3", "records   5", "first ids d0 d1 d2"):
                self.assertIn(line, done.stdout)
            done = self.run_on(str(bad))
            self.assertEqual(done.returncode, 65)
            self.assertIn("bad.lirt: cut after record 5", done.stderr)
            self.assertEqual(self.run_on(str(Path(folder, "none"))).returncode, 66)
            self.assertEqual(self.run_on().returncode, 64)


if __name__ == "__main__":
    unittest.main()
