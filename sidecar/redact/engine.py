"""The one place that chooses the regular-expression engine for whole-text scans."""

import re
from collections.abc import Iterator
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

    def search(self, text: Any, /) -> Hit | None:
        """Return the first match."""

    def finditer(self, text: Any, /) -> Iterator[Hit]:
        """Yield the matches from left to right."""

    def fullmatch(self, text: Any, /) -> Hit | None:
        """Match the whole text."""


def scanner(pattern: str) -> Scanner:
    """Compile one of our own patterns: it reads a view, one Latin-1 byte per character."""
    if re2 is None:
        return re.compile(pattern.encode("latin-1"))
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MAX_MEM
    options.never_capture = True
    compiled: Scanner = re2.compile(pattern.encode("latin-1"), options)
    return compiled


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


def digit_count(data: bytes) -> int:
    """Return how many digits a view has: a cheap reason not to scan it."""
    return len(data) - len(data.translate(None, b"0123456789"))
