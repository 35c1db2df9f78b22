"""What is compiled: without what mypyc compiles wrongly (2.4), and all of it or nothing."""

import ast
import os
import re
import shutil
import subprocess
import sys
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

# Everything but the last extension module is linked.
LINKER = """#!/bin/sh
case "$*" in *words.*.so*) exit 1;; esac
exec cc -shared "$@"
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_all_or_nothing(tmp_path: Path) -> None:
    """What a build has made before it fails, or an earlier one, is not installed."""
    source = (ROOT / "setup.py").read_text()
    native = ast.get_source_segment(source, constant("NATIVE"))
    assert native
    (tmp_path / "setup.py").write_text(source.replace(native, '{"core": "media words"}'))
    for name in ("__init__", "core/__init__", "core/media", "core/words"):
        (tmp_path / "sidecar" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "sidecar" / f"{name}.py", tmp_path / "sidecar" / f"{name}.py")
    linker = tmp_path / "linker"
    linker.write_text(LINKER)
    linker.chmod(0o755)

    def build(**environ: str) -> str:
        command = [sys.executable, "setup.py", "build_ext", "--inplace"]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **environ}, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "not compiled" not in build()
    assert len(list(tmp_path.rglob("*.so"))) == 2 * 3
    assert "not compiled, it will be slower: " in build(LDSHARED=str(linker))
    assert list(tmp_path.rglob("*.so")) == []


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
