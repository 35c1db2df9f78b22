"""The one place that chooses the regular-expression engine for whole-text scans."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol

from sidecar.redact.turns import give_way

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


def scanner(pattern: str) -> Scanner:
    """Compile one of our own patterns: it reads a view, one Latin-1 byte per character.

    None of them matches the empty string.
    """
    encoded = pattern.encode("latin-1")
    return re.compile(encoded) if re2 is None else _Direct(encoded)


class _Direct:
    """A pattern of RE2 without the layers of Python that re2 puts between it and a match.

    They cost as much as scanning 200 bytes. What they call is not public.

    It is compiled when it is first asked for, in about a millisecond: most sidecars meet few of the
    six languages, and all patterns together take two megabytes.
    """

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._match: Any = None

    def search(self, text: bytes, start: int = 0, /) -> Hit | None:
        if self._match is None:
            unanchored = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001
            self._match = partial(_compiled(self._pattern).Match, unanchored)
        span = self._match(text, start, len(text))[0]
        return _Span(span) if span != _NOWHERE else None

    def finditer(self, text: bytes, start: int = 0, /) -> Iterator[Hit]:
        while hit := self.search(text, start):
            give_way()
            yield hit
            start = hit.span()[1]


class _Span:
    __slots__ = ("_span",)

    def __init__(self, span: tuple[int, int]) -> None:
        self._span = span

    def span(self) -> tuple[int, int]:
        return self._span


_NOWHERE: Final = (-1, -1)


_BEHIND: Final = re.compile(r"\(\?<[=!](?:[^\\()\[\]]|\\.|\[(?:\\.|[^\]])+\])*\)|\\b")


def maybe(*patterns: re.Pattern[str]) -> Scanner:
    """Compile what matches wherever a pattern of `re` for the end of a text does.

    That one tries every alternative at every character, and RE2 all of them at once: it tells in a
    twentieth of the time that nothing matches. Left out is what it does not have.
    """
    plain = "|".join(_BEHIND.sub("", pattern.pattern) for pattern in patterns)
    return scanner(plain.replace("$", r"\n?$").replace(r"\Z", "$"))


class EndScanner:
    """A compiled pattern that tells only where its first match ends.

    For the start RE2 would run the pattern backward, by a second program as large as the first.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern: Any = None
        self._match: Any = None
        if re2 is None:
            self._pattern = re.compile(pattern.encode("latin-1"))
        else:  # of an anchored match RE2 knows the start
            anchored = _compiled(f"(?s:.*?)(?:{pattern})".encode("latin-1"))
            self._match = partial(anchored.Match, re2._re2.RE2.Anchor.ANCHOR_START)  # noqa: SLF001

    def search(self, text: bytes, start: int = 0) -> int:
        """Return where the first match ends that begins at `start` or behind it, or -1."""
        if self._match is not None:
            end: int = self._match(text, start, len(text))[0][1]
            return end
        hit = self._pattern.search(text, start)
        return hit.end() if hit else -1


def _compiled(pattern: bytes) -> Any:
    compiled = re2._re2.RE2(pattern, _options())  # noqa: SLF001
    if not compiled.ok():
        raise ValueError(compiled.error())
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
