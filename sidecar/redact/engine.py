"""The one place that chooses the regular-expression engine for whole-text scans."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

try:
    import re2

    ENGINE = "re2"
except ImportError:  # no wheel for this platform: same rules, but linear time is not promised
    re2 = None
    ENGINE = "re"

# RE2 silently falls back to a 200 times slower matcher when its cache of states is too small.
MAX_MEM = 64 << 20


class Hit(Protocol):
    """What the rules use of a match."""

    def span(self) -> tuple[int, int]:
        """Return start and end."""


class Scanner(Protocol):
    """A compiled pattern that walks over a text; bytes for our rules, str for custom ones."""

    def search(self, text: Any, start: int = 0, /) -> Hit | None:
        """Return the first match that begins at `start` or behind it."""

    def finditer(self, text: Any, start: int = 0, /) -> Iterator[Hit]:
        """Yield the matches that begin at `start` or behind it, from left to right."""

    def fullmatch(self, text: Any, /) -> Hit | None:
        """Match the whole text."""


def scanner(pattern: str) -> Scanner:
    """Compile one of our own patterns: it reads a view, one Latin-1 byte per character."""
    if re2 is None:
        return re.compile(pattern.encode("latin-1"))
    compiled: Scanner = re2.compile(pattern.encode("latin-1"), _options())
    return compiled


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MAX_MEM
    options.never_capture = True
    return options


def custom_scanner(pattern: str) -> Scanner:
    """Compile an operator's pattern; raise ValueError when it is not valid."""
    try:
        if re2 is None:
            return re.compile(pattern)
        options = re2.Options()
        options.max_mem = MAX_MEM
        options.log_errors = False
        compiled: Scanner = re2.compile(pattern, options)
    except Exception as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, bytes):
            reason = reason.decode(errors="replace")
        raise ValueError(f"not a valid pattern: {reason}") from error
    return compiled


class PatternSet:
    """Tells in one pass which of many patterns match somewhere in a view."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._scanners: list[Scanner] = []
        self._set: Any = None
        if re2 is None:
            self._scanners = [scanner(pattern) for pattern in patterns]
        elif patterns:
            self._set = re2.Set.SearchSet(_options())
            for pattern in patterns:
                self._set.Add(pattern.encode("latin-1"))
            self._set.Compile()

    def matches(self, data: bytes) -> Sequence[int]:
        """Return the indexes of the patterns that match, in no order."""
        if self._set is not None:
            return self._set.Match(data) or ()
        return [i for i, scan in enumerate(self._scanners) if scan.search(data)]
