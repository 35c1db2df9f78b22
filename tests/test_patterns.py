"""Compiled patterns, kept from one start to the next."""

import marshal
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar import patterns


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the file is written, by this process."""
    monkeypatch.setattr(patterns, "_FILE", tmp_path / "new" / "patterns.re")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "new" / "patterns.re"


SOME: list[tuple[Any, int]] = [
    (r"(?P<street>[a-z]+) (?:nr|no)?(\d+)", 0),
    (rb"(?i:stra(?:ss|\xdf)e)\b.{2,5}+", re.DOTALL),
    (r"(?i:çay|ß)(?<!x)$", re.MULTILINE),
]
TEXTS = ["am nr12 weg 7", "Strasse abcdef", "STRA\xdfE 1234", "x ÇAY\nSS", ""]


def compiled() -> list[re.Pattern[Any]]:
    """Compile without the cache that `re` has in memory."""
    re.purge()
    return [re.compile(pattern, flags) for pattern, flags in SOME]


def seen(pattern: re.Pattern[Any]) -> object:
    """Return all that a pattern tells about itself and about some texts."""
    texts = (
        TEXTS
        if isinstance(pattern.pattern, str)
        else [t.encode("latin-1", "replace") for t in TEXTS]
    )
    found = [[m.regs for m in pattern.finditer(text)] for text in texts]
    return pattern.pattern, pattern.flags, pattern.groups, dict(pattern.groupindex), found


def test_kept_patterns_are_the_same(kept: Path) -> None:
    """They match alike and look alike; the second time nothing is compiled."""
    plain = [seen(pattern) for pattern in compiled()]
    for missing in (len(SOME), 0):
        patterns.reuse()
        assert [seen(pattern) for pattern in compiled()] == plain
        assert patterns.keep() == missing
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert [seen(pattern) for pattern in compiled()] == plain


def test_flags_are_kept_as_numbers(kept: Path) -> None:
    """Python's own modules pass an enumeration, which no file holds; and patterns once compiled."""
    patterns.reuse()
    compiler: Any = re._compiler  # type: ignore[attr-defined]
    assert compiler.compile("x", re.IGNORECASE).match("X")
    assert compiler.compile(re._parser.parse("y"), 0).match("y")  # type: ignore[attr-defined]
    assert patterns.keep() == 1
    assert kept.exists()


@pytest.mark.parametrize("content", [b"", b"\x00", b"what", b"(\x02\x00\x00\x00", b"N"])
def test_what_is_no_such_file_is_written_anew(kept: Path, content: bytes) -> None:
    """Torn or of another interpreter: it is as if there was none."""
    kept.parent.mkdir()
    kept.write_bytes(content)
    patterns.reuse()
    assert len(compiled()) == len(SOME)
    assert patterns.keep() == len(SOME)
    assert kept.read_bytes() != content


def test_damaged_code_is_not_used(kept: Path) -> None:
    """The interpreter looks at it first; whatever is wrong, the pattern is compiled."""
    kept.parent.mkdir()
    first, second, third = (pattern for pattern, _ in SOME)
    damaged = {
        (first, 0): (32, b"\xff" * 36, 2, {"street": 1}, (None, "street", None)),
        (second, int(re.DOTALL)): (16, b"\1", 0, {}, (None,)),
        (third, int(re.MULTILINE)): (),
    }
    kept.write_bytes(marshal.dumps((patterns._MADE_BY, damaged)))
    plain = [seen(pattern) for pattern in compiled()]
    patterns.reuse()
    assert [seen(pattern) for pattern in compiled()] == plain
    assert patterns.keep() == len(SOME)


def test_another_interpreter_has_another_file(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code is taken from the very same interpreter only, whatever the file is called."""
    patterns.reuse()
    compiled()
    patterns.keep()
    monkeypatch.setattr(patterns, "_MADE_BY", ("another", "little"))
    patterns.reuse()
    compiled()
    assert patterns.keep() == len(SOME)


def test_nothing_is_written_where_python_writes_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with byte code; and a place that cannot be written is no error."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    patterns.reuse()
    compiled()
    assert patterns.keep() == len(SOME)
    assert not kept.exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept.parent.write_text("no directory")
    patterns.reuse()
    compiled()
    assert patterns.keep() == len(SOME)


def test_a_start_finds_what_the_start_before_compiled(tmp_path: Path) -> None:
    """All but a few of Python's own; and the file of equal starts is equal, for equal images."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    files: list[Path] = []
    for prefix in ("a", "b"):
        environ |= {"PYTHONPYCACHEPREFIX": str(tmp_path / prefix), "PYTHONHASHSEED": "0"}
        assert run(environ) > 400
        files += (tmp_path / prefix).rglob("patterns.*.re")
    first, second = files
    assert first.read_bytes() == second.read_bytes()
    assert run(environ | {"PYTHONHASHSEED": "1"}) < 10


START = """
from sidecar import patterns
patterns.reuse()
import sidecar.cli
from sidecar.redact import Policy, Redactor
Redactor(Policy()).warm_up()
print(patterns.keep())
"""


def run(environ: dict[str, str]) -> int:
    """Compile what a start compiles; return how many patterns were missing."""
    out = subprocess.run(
        [sys.executable, "-c", START],
        env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(out.stdout)
