"""Compiled patterns of `re`, kept beside the byte code, which is all that Python keeps itself.

Compiling five hundred of them takes a quarter of a start; see docs/adr/0010.
"""

import marshal
import os
import re
import sys
from array import array
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

_FILE = Path(cache_from_source(__file__)).with_suffix(".re")
_CODE = "I"  # units of 32 bits, as in the C source
# What the code depends on: the interpreter, to the letter, and the order of bytes.
_MADE_BY = (sys.version, sys.byteorder)

_compiler: Any = getattr(re, "_compiler", None)
_sre: Any = getattr(_compiler, "_sre", None)
_compile: Any = getattr(_compiler, "compile", None)
# By pattern and flags: flags, code, groups, their indexes by name, their names by index.
_Table = dict[tuple[str | bytes, int], tuple[int, bytes, int, dict[str, int], tuple[Any, ...]]]
_known: _Table = {}  # from the file
_met: _Table = {}  # since `reuse`
# A few patterns of Python's own libraries are put together from sets, in another order every time.
_FEW = 0.1


class _Recording:
    """Stands in for the C module in the compiler of `re`, and keeps what that is given."""

    parts: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(_sre, name)

    def compile(self, pattern: Any, *parts: Any) -> Any:
        """Compile as the C module does."""
        self.parts = parts
        return _sre.compile(pattern, *parts)


def reuse() -> None:
    """Take compiled patterns from the file from now on, until `keep`."""
    if _sre is None or _compile is None:  # not as in CPython 3.11 to 3.14
        return
    with suppress(OSError, EOFError, ValueError, TypeError):
        # As trusted as the byte code beside it.
        made_by, known = marshal.loads(_FILE.read_bytes())  # noqa: S302
        if made_by == _MADE_BY:
            _known.update(known)
    _compiler.compile = _from_file


def keep() -> int:
    """Let `re` compile again; write the file if it lacked more than a few; return how many."""
    if _sre is None or _compile is None:
        return 0
    _compiler.compile = _compile
    missing = len(_met.keys() - _known.keys())
    if missing > _FEW * len(_met) and not sys.dont_write_bytecode:
        with suppress(OSError, ValueError):  # a root that is read-only, what marshal does not take
            _FILE.parent.mkdir(parents=True, exist_ok=True)
            written = _FILE.with_suffix(f".re.{os.getpid()}")
            written.write_bytes(marshal.dumps((_MADE_BY, _met), 2))  # 2: no order of references
            written.replace(_FILE)
    _known.clear()
    _met.clear()
    return missing


def _from_file(pattern: Any, flags: int = 0) -> Any:
    if type(pattern) not in (str, bytes):
        return _compile(pattern, flags)
    flags = int(flags)
    if (known := _known.get((pattern, flags))) is not None:
        with suppress(RuntimeError, ValueError, TypeError):  # code is checked
            all_flags, code, *groups = known
            compiled = _sre.compile(pattern, all_flags, array(_CODE, code).tolist(), *groups)
            _met[pattern, flags] = known
            return compiled
        del _known[pattern, flags]
    recording = _compiler._sre = _Recording()  # noqa: SLF001
    try:
        compiled = _compile(pattern, flags)
    finally:
        _compiler._sre = _sre  # noqa: SLF001
    all_flags, code, groups, by_name, names = recording.parts
    _met[pattern, flags] = (
        int(all_flags),
        array(_CODE, code).tobytes(),
        groups,
        dict(by_name),
        names,
    )
    return compiled
