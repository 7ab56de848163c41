"""Tests of scripts/check-layers on small trees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check-layers"


def target(name: str, *targets: str, products: List[str] = [], kind: str = "regular",
           **more: Any) -> Dict[str, Any]:
    dependencies: List[Dict[str, Any]] = [{"byName": [t, None]} for t in targets]
    dependencies += [{"product": [p, p.lower(), None, None]} for p in products]
    return {"name": name, "type": kind, "dependencies": dependencies, **more}


def without_levels(complaint: str) -> str:
    """A complaint in which layers that may move have no number."""
    return re.sub(r"(layers?) \d+", r"\1 N", complaint)


class CheckLayers(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)

    def check(self, targets: List[Dict[str, Any]], sources: Dict[str, str] = {},
              *options: str) -> List[str]:
        """The complaints about a tree; the exit status must go with them."""
        for name, text in sources.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        manifest = "".join(f'.target(name: "{t["name"]}"),\n' for t in targets)
        (self.root / "Package.swift").write_text(manifest, "utf-8")
        package = self.root / "package.json"
        package.write_text(json.dumps({"name": "lir", "targets": targets}), "utf-8")
        command = [sys.executable, str(SCRIPT), "--root", str(self.root), "--package-json",
                   str(package), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1 if done.stdout else 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def test_a_good_tree(self) -> None:
        targets = [
            target("Failures"), target("CZstd", kind="system"), target("JSON"),
            target("Streams", "Failures", "CZstd"),
            target("Records", "Streams", "JSON"),
            target("ToolSupport", "Records", products=["ArgumentParser", "Yams"]),
            target("lir-eval", "ToolSupport", products=["ArgumentParser"], kind="executable"),
            target("TestSupport", "JSON", path="Tests/TestSupport"),
            target("JSONTests", "JSON", "TestSupport", kind="test"),
        ]
        sources = {
            "Sources/Streams/File.swift":
                "internal import CZstd\nimport Glibc\n#if os(Linux)\n  import Dispatch\n#endif\n",
            "Sources/Records/Run.swift":
                "package import Streams\n@preconcurrency import JSON\nimport Synchronization\n",
            "Sources/lir-eval/Main.swift": "import ArgumentParser\nimport struct ToolSupport.Exit\n",
            "Tests/JSONTests/A.swift": "import Foundation\n",
        }
        self.assertEqual(self.check(targets, sources), [])

    def test_unknown_target(self) -> None:
        found = self.check([target("JSON"), target("Stuff")])
        self.assertEqual(
            found, ["Package.swift:2: target Stuff is in no layer: add it to the table in check-layers"])

    def test_declared_upward_and_sideways(self) -> None:
        found = self.check([target("Failures", "JSON"), target("JSON", "Workers"), target("Workers")])
        self.assertEqual(found, [
            "Package.swift:1: Failures (layer 0) depends on JSON (layer 1): a higher layer",
            "Package.swift:2: JSON (layer 1) depends on Workers (layer 1): the same layer"])

    def test_special_rules(self) -> None:
        found = self.check([
            target("CZstd", kind="system"), target("CKernels"), target("Tensors"), target("Models"),
            target("Evaluation", "Tensors"), target("Retrieval", "Models", "CKernels"),
            target("Records", "CZstd", products=["Yams"]), target("lir-eval", products=["NIO"])])
        self.assertEqual([without_levels(f.split(": ", 1)[1]) for f in found], [
            "Evaluation must not depend on Tensors: evaluation is about runs and judgements",
            "Retrieval must not depend on Models: searching must not need a model",
            "Retrieval depends on CKernels, which only Kernels may use",
            "Records depends on CZstd, which only Streams may use",
            "Records (layer N) depends on Yams, which is for layers N and up",
            "lir-eval depends on NIO, a product that check-layers does not know"])

    def test_test_support_stays_in_tests(self) -> None:
        found = self.check([target("JSON", "TestSupport"),
                            target("TestSupport", path="Tests/TestSupport")])
        self.assertEqual(found, ["Package.swift:1: JSON depends on TestSupport, which is for tests"])

    def test_imports(self) -> None:
        targets = [target("Failures"), target("JSON"), target("Workers"), target("Models"),
                   target("Records", "JSON")]
        source = (
            "// import Models\n"
            "/* import Models /* nested */\nimport Models */\n"
            'let text = """\n  import Models\n  """\n'
            'let raw = #"\\"#; import JSON\n'
            "internal import Workers\n"
            "@preconcurrency import Models\n"
            "import class Foundation.FileManager\n"
            "import FoundationEssentials\n"
            "import JSON; import Failures\n"
            "func important() { }\n"
        )
        found = self.check(targets, {"Sources/Records/deep/A.swift": source})
        prefix = "Sources/Records/deep/A.swift:"
        self.assertEqual([without_levels(f.removeprefix(prefix)) for f in found], [
            "8: Records imports Workers, which it does not declare",
            "9: Records (layer N) imports Models (layer N): a higher layer",
            "10: Foundation is not used: it costs more at start-up than the rest",
            "11: FoundationEssentials is not used: it costs more at start-up than the rest",
            "12: Records imports Failures, which it does not declare"])

    def test_same_layer_import(self) -> None:
        found = self.check([target("JSON"), target("Workers")],
                           {"Sources/JSON/A.swift": "import Workers\n"})
        self.assertEqual(
            found, ["Sources/JSON/A.swift:1: JSON (layer 1) imports Workers (layer 1): the same layer"])

    def test_forgotten_folder(self) -> None:
        found = self.check([target("JSON")], {"Sources/Old/A.swift": ""})
        self.assertEqual(found, ["Sources/Old:1: belongs to no target"])

    def test_untested_targets(self) -> None:
        targets = [target("JSON"), target("Streams"), target("CZstd", kind="system"),
                   target("CKernels"), target("Failures"), target("lir-eval", kind="executable"),
                   target("JSONTests", "JSON", kind="test")]
        self.assertEqual(self.check(targets), [])
        found = self.check(targets, {}, "--tests")
        self.assertEqual([f.split(": ", 1)[1].split(",")[0] for f in found],
                         ["Streams has no target StreamsTests"])

    def test_the_table(self) -> None:
        done = subprocess.run([sys.executable, str(SCRIPT), "--table"], capture_output=True,
                              text=True, check=True)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:2], ["| layer | targets |", "|---|---|"])
        self.assertRegex(lines[2], r"^\| 0 \| `Failures` .*`CKernels` \|$")
        self.assertTrue(lines[-1].endswith("`lir-eval` |"))

    def test_no_package(self) -> None:
        command = [sys.executable, str(SCRIPT), "--root", str(self.root), "--package-json"]
        for text, status in ((None, 66), ("{", 65), ("{}", 65)):
            path = self.root / "package.json"
            if text is not None:
                path.write_text(text)
            done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, status, done.stderr)


if __name__ == "__main__":
    unittest.main()
