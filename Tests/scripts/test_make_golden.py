"""Tests of scripts/golden: that its modules are typed and do nothing when they are imported.

What it makes is compared with the reference by the tests of the tools; it needs libraries that are
not here.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import sys
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, Iterator, List

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "golden"
SCRIPT = FOLDER / "make_golden.py"


def modules() -> List[Path]:
    """The generator's files."""
    return [SCRIPT, *sorted((FOLDER / "golden").glob("*.py"))]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """All functions of a file, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def is_declaration(node: ast.stmt) -> bool:
    """Whether a statement only declares something: it parses, opens, starts and changes nothing."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign,
                         ast.AnnAssign)):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING")
    return False


class MakeGolden(unittest.TestCase):
    def load(self) -> Any:
        """The entry point as a module."""
        spec = importlib.util.spec_from_file_location("make_golden", SCRIPT)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_modules_only_declare(self) -> None:
        for path in modules():
            for node in ast.parse(path.read_text("utf-8")).body:
                with self.subTest(f"{path.name}:{node.lineno}"):
                    self.assertTrue(is_declaration(node))

    def test_functions_are_typed(self) -> None:
        for path in modules():
            for function in functions(ast.parse(path.read_text("utf-8"))):
                arguments = function.args.args + function.args.kwonlyargs
                untyped = [a.arg for a in arguments
                           if a.annotation is None and a.arg not in ("self", "cls")]
                with self.subTest(f"{path.name}: {function.name}"):
                    self.assertEqual(untyped, [])
                    self.assertIsNotNone(function.returns)

    def test_one_statement_a_line(self) -> None:
        for path in modules():
            lines = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8")))
                     if isinstance(node, ast.stmt)]
            self.assertEqual(len(lines), len(set(lines)), path.name)

    def test_importing_the_entry_loads_nothing(self) -> None:
        before = set(sys.modules)
        self.load()
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        self.assertFalse(new & {"torch", "numpy", "transformers", "golden"})

    def test_every_family_has_its_module(self) -> None:
        for module in self.load().FAMILIES.values():
            self.assertTrue((FOLDER / "golden" / f"{module}.py").is_file(), module)

    def test_an_unknown_family_is_refused(self) -> None:
        with redirect_stderr(io.StringIO()) as errors, self.assertRaises(SystemExit) as status:
            self.load().parse(["--seed", "1", "--out", "x", "--only", "eval,serach"])
        self.assertEqual(status.exception.code, 2)
        self.assertIn("serach", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
