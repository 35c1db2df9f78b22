r"""The view of a text that the rules match on.

A view is a run of Latin-1 bytes, one per visible character, in which look-alikes are equal:
digits of every script are ASCII, letters have lost their accents (so every Turkish i is `i` or
`I`), exotic spaces and dashes are ` ` and `-`, invisible characters are gone, and an escape
(`&#64;`, `%40`, `\u0040`, `\n` written out) is the one character it stands for. A placeholder,
or a value already found, is the byte `BARRIER`, which no rule matches. Each byte knows where its
character starts in the text, so a span can neither start nor end inside an escape.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Final, overload

from sidecar.modules import put_off
from sidecar.redact.turns import OFTEN, give_way, in_turns

with put_off("html", "unescape"):  # a table of 2000 names
    from html import unescape

BARRIER = 0

# Stand-ins for characters without an ASCII equivalent; the rules' letter class is \xc0-\xff.
_UPPER, _LOWER, _SYMBOL, _CURRENCY = 0xC0, 0xE0, 0xA4, 0xA2

# Zero-width, soft hyphen, bidi controls, variation selectors, combining marks.
_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u0300-\u036f\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U000e0000-\U000e01ef"
)
_PLACEHOLDER: Final = r"\[(?:EMAIL|PHONE|ADDRESS|NATIONAL_ID|IBAN|CARD|IP|SSN|SECRET)\]"
_SPECIAL: Final = (
    rf"(?P<drop>[{_INVISIBLE}]+)"
    r"|(?P<hex>\\+u[0-9a-fA-F]{4})"
    r'|(?P<control>\\+[nrtbf"/])'
    r"|(?P<entity>&(?:#0{0,4}[0-9]{2,5}|#[xX]0{0,4}[0-9a-fA-F]{2,4}"
    r"|commat|nbsp|period|plus|hyphen|lowbar|num|amp);)"
    r"|(?P<percent>%(?:40|2[0BDEbde]|5[Ff]))"
)
_CONTROLS: Final = {"n": "\n", "r": "\n", "t": "\t", "b": "\t", "f": "\t", '"': '"', "/": "/"}
_BY_CODEPOINT: Final = {
    **{ord(c): ord("'") for c in "‘’‚‛ʼʹ′´`"},
    **{ord(c): ord("-") for c in "‐‑‒–—―−⁃﹣－"},
    **{ord(c): ord(".") for c in "。｡․"},
    **{ord(c): ord("\n") for c in "\x85\u2028\u2029"},
    **dict.fromkeys(range(128)),
    0x131: ord("i"),
    0xDF: 0xDF,
    0xF8: ord("o"),
    0xD8: ord("O"),
    0x142: ord("l"),
    0x141: ord("L"),
    0xBA: ord("o"),
    0xAA: ord("a"),
    0xB0: ord("o"),
    0xE6: _LOWER,
}


class _Table(dict[int, int]):
    """A translation table that works out each character once."""

    def __missing__(self, codepoint: int) -> int:
        self[codepoint] = value = _equivalent(chr(codepoint))
        return value


def _equivalent(char: str) -> int:
    """Return the byte that stands for a character without an entry in the table."""
    category = unicodedata.category(char)
    if category == "Nd":
        return ord("0") + unicodedata.digit(char)
    if category == "Zs":
        return ord(" ")
    # Superscripts stay symbols: `m²` is not the digit 2.
    if category[0] in "LSP" and "<super>" not in unicodedata.decomposition(char):
        base = unicodedata.normalize("NFKD", char)[:1]
        if base.isascii() and base.isprintable():
            return ord(base)
    if category == "Sc":
        return _CURRENCY
    if category[0] == "L":
        return _UPPER if category in ("Lu", "Lt") else _LOWER
    return _SYMBOL


_TABLE: Final = _Table({c: c if v is None else v for c, v in _BY_CODEPOINT.items()})


class Starts(Sequence[int]):
    """Where the character of each byte of a view starts; the last one is where the text ends.

    Nearly always a byte's character stands right behind the one before it, so only the indexes at
    which that is not so are kept, each with its start.
    """

    def __init__(
        self, size: int, breaks: Sequence[int] = (0,), starts: Sequence[int] = (0,)
    ) -> None:
        self._size, self._breaks, self._starts = size, breaks, starts

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...

    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._size))]
        if not 0 <= index < self._size:
            raise IndexError(index)
        return self.at(index)

    def at(self, index: int) -> int:
        """Return one start; `index` is one of the view, or its end."""
        run = bisect_right(self._breaks, index) - 1 if len(self._breaks) > 1 else 0
        return self._starts[run] + index - self._breaks[run]

    def collapse(self, spans: Sequence[tuple[int, int]]) -> "Starts":
        """Return what is left when each of the sorted spans is one byte."""
        breaks: list[int] = []
        starts: list[int] = []
        done = size = last = 0
        for start, end in in_turns([*spans, (self._size - 1, self._size)]):
            first = bisect_right(self._breaks, done, last)
            last = bisect_right(self._breaks, start, first)
            breaks.append(size)
            starts.append(self._starts[first - 1] + done - self._breaks[first - 1])
            if first < last:
                breaks += [index - done + size for index in self._breaks[first:last]]
                starts += self._starts[first:last]
            size += start - done + 1
            done = end
        return Starts(size, breaks, starts)


class View:
    """The bytes to match on, and where each one's character starts in the text."""

    def __init__(self, data: bytes, starts: Callable[[], Starts]) -> None:
        self.data = data
        self._starts = starts

    @cached_property
    def starts(self) -> Starts:
        """Return the starts: hardly ever asked for where values were found before."""
        return self._starts()

    def collapse(self, spans: Sequence[tuple[int, int]]) -> "View":
        """Return the view in which each of the sorted spans is one barrier."""
        kept: list[bytes] = []
        done = 0
        for start, end in in_turns(spans):
            kept.append(self.data[done:start])
            done = end
        kept.append(self.data[done:])
        return View(b"\0".join(kept), lambda: self.starts.collapse(spans))


class Fold:
    """Makes views; knows the placeholders of a policy."""

    def __init__(self, placeholders: Sequence[str] = ()) -> None:
        unusual = [p for p in placeholders if not re.fullmatch(_PLACEHOLDER, p)]
        barrier = "|".join([_PLACEHOLDER, *map(re.escape, sorted(unusual, key=len, reverse=True))])
        self._special = re.compile(rf"(?P<barrier>{barrier})|{_SPECIAL}")
        self._firsts = {*"[\\&%", *(p[0] for p in unusual if p)}
        firsts = "".join(map(re.escape, sorted(self._firsts)))
        self._gate = re.compile(rf"[{firsts}{_INVISIBLE}]")

    def __call__(self, text: str) -> View:
        """Return the view of `text`; where nothing stands for something else, in three copies."""
        data = _in_latin_1(text)
        if data is not None and not any(first in text for first in self._firsts):
            return View(data, lambda: Starts(len(data) + 1))
        pieces: list[str] = []
        breaks, starts = [0], [0]
        done, size, turn = 0, 0, OFTEN
        for match in self._specials(text):
            start, end = match.span()
            if end > turn:
                give_way()
                turn = end + OFTEN
            pieces.append(text[done:start])
            size += start - done
            char = _unescape(match.lastgroup, match.group())
            pieces.append(char)
            size += len(char)
            breaks.append(size)
            starts.append(end)
            done = end
        pieces.append(text[done:])
        size += len(text) - done
        return View(_bytes("".join(pieces)), lambda: Starts(size + 1, breaks, starts))

    def _specials(self, text: str) -> Iterator[re.Match[str]]:
        """Yield what is not one visible character; the gate finds its first characters fast."""
        end = 0
        for slice_ in range(0, len(text), _SLICE):
            give_way()
            for first in self._gate.finditer(text, slice_, slice_ + _SLICE):
                match = self._special.match(text, first.start()) if first.start() >= end else None
                if match:
                    end = match.end()
                    yield match


# One call into C keeps every other thread from running, the one of the event loop too.
_SLICE = 1 << 16


# Most texts are Latin-1 but for a few characters, each of which has the view of one that is. To
# replace them, most of which are not there, takes a fifth of the time of a table of them all.
_VIEW: Final = bytes(map(_TABLE.__getitem__, range(256)))
_STAND_INS: Final = [(c, chr(_VIEW.index(_TABLE[ord(c)]))) for c in "ıİşŞğĞ’‘“”„–—…•€™œŒ"]


def _in_latin_1(text: str) -> bytes | None:
    """Return the view of a text that is visible, and Latin-1 but for those, or None."""
    if text.isascii():
        return text.encode()
    slices: list[bytes] = []
    for start in range(0, len(text), _SLICE):
        give_way()
        part = text[start : start + _SLICE]
        for char, stand_in in _STAND_INS:
            part = part.replace(char, stand_in)
        try:
            data = part.encode("latin-1")
        except UnicodeEncodeError:
            return None
        if 0xAD in data:  # the invisible one
            return None
        slices.append(data.translate(_VIEW))
    return b"".join(slices)


def _bytes(text: str) -> bytes:
    data = _in_latin_1(text)
    if data is not None:
        return data
    slices: list[bytes] = []
    for start in range(0, len(text), _SLICE):
        give_way()
        part = text[start : start + _SLICE]
        slices.append(part.translate(_TABLE).encode("latin-1"))
    return b"".join(slices)


def _unescape(kind: str | None, escape: str) -> str:
    """Return the character an escape stands for, or nothing for an invisible one."""
    if kind == "barrier":
        return "\0"
    if kind == "drop":
        return ""
    if kind == "control":
        return _CONTROLS[escape[-1]]
    if kind == "hex":
        char = chr(int(escape[-4:], 16))
    elif kind == "percent":
        char = chr(int(escape[1:], 16))
    else:
        char = unescape(escape)
    if re.fullmatch(rf"[{_INVISIBLE}]", char):
        return ""
    return char if len(char) == 1 and char != "\0" else " "
