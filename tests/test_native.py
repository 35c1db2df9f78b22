"""What mypyc compiles must not contain what it compiles wrongly (2.4)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def constant(name: str) -> ast.expr:
    """Return what setup.py, which cannot be imported without setuptools, assigns to a name."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node.value
    raise LookupError(name)


def compiled() -> Iterator[Path]:
    """Yield the modules that are compiled."""
    pure = ast.literal_eval(constant("PURE"))
    for package, names in ast.literal_eval(constant("NATIVE")).items():
        for name in names.split():
            found = sorted((ROOT / "sidecar" / package).glob(f"{name}.py"))
            assert found, f"setup.py names {package}/{name}"
            yield from (path for path in found if path.stem not in pure)


COMPILED = list(compiled())


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_nobody_waits_in_finally(path: Path) -> None:
    """A coroutine that is suspended there never ends."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Try):
            last = ast.Module(node.finalbody, [])
            waits = [n for n in ast.walk(last) if isinstance(n, ast.Await | ast.AsyncWith)]
            assert not waits, f"line {waits[0].lineno}"


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_slices_do_not_begin_before_the_beginning(path: Path) -> None:
    """`data[at - 1 : at]` of bytes, where `at` is 0, is a SystemError and not nothing."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Slice) and isinstance(node.lower, ast.BinOp) and node.upper:
            bound = ast.unparse(node.lower)
            assert not re.search(r" - ", bound) or bound.startswith("max("), f"line {node.lineno}"
