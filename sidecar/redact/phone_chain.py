"""Chains of digits, in which numbers are found, and what they are glued to.

Every digit of a text is looked at here, so bytes are compared as numbers: compiled, that costs a
hundredth of a match of a pattern.
"""

import re
from collections.abc import Iterator
from typing import Final

from sidecar.redact.rule import Range
from sidecar.redact.turns import OFTEN, give_way

# A chain has at least six digits, and at most so many separators between two of them.
_LEAST: Final = 6
_MOST: Final = 40
_GAP: Final = 3
_DIGIT: Final = 1
_SEPARATOR: Final = 2
_KINDS: Final = bytes(
    _DIGIT if c in b"0123456789" else _SEPARATOR if c in b" ./()-" else 0 for c in range(256)
)
_BLANK: Final = 0x20
_BRACKET: Final = 0x28
_PLUS: Final = 0x2B
_HYPHEN: Final = 0x2D
_ZERO: Final = 0x30
_NINE: Final = 0x39
# What a chain may begin with, but for its first digit.
_BEGINS: Final = re.compile(rb"(?:\[\+[0-9]{1,3}\] ?\(?|\(?\+ ?\(?|\()$")
_WORD: Final = re.sub(rb"[^0-9A-Za-z_]", b"", bytes(range(256)))
_LETTER_O: Final = b"oO"


def chains(data: bytes) -> Iterator[Range]:
    """Yield digit groups with few separators between them, with a plus or a bracket before them.

    The first zero may be the letter.
    """
    kinds = data.translate(_KINDS)
    size, end, turn = len(kinds), 0, OFTEN
    at = kinds.find(_DIGIT)
    while at >= 0:
        digits, stop, here = 1, at + 1, at + 1
        while here < size and digits < _MOST:
            kind = kinds[here]
            here += 1
            if kind == _DIGIT:
                digits += 1
                stop = here
            elif kind != _SEPARATOR or here - stop > _GAP:
                break
        if digits >= _LEAST:
            start = _begin(data, at, end)
            end = stop
            if end > turn:
                give_way()
                turn = end + OFTEN
            yield start, end
        at = kinds.find(_DIGIT, stop)


def _begin(data: bytes, at: int, left: int) -> int:
    """Return where the chain starts whose first digit is at `at`, at the leftmost at `left`."""
    if at == left:
        return at
    last = data[at - 1]
    if last in _LETTER_O:
        return at if at > 1 and data[at - 2] in _WORD else at - 1
    if last == _PLUS:
        return at - 2 if at - 2 >= left and data[at - 2] == _BRACKET else at - 1
    if last in b"(]" or (last == _BLANK and at > 1 and data[at - 2] in b"+]"):
        begin = _BEGINS.search(data, max(left, at - 8), at)
        return begin.start() if begin else at
    return at


def digit_groups(data: bytes, start: int, end: int) -> list[Range]:
    """Return where the runs of digits stand in `[start, end)`."""
    found = list[Range]()
    first = -1
    for at in range(start, end):
        if _ZERO <= data[at] <= _NINE:
            first = at if first < 0 else first
        elif first >= 0:
            found.append((first, at))
            first = -1
    if first >= 0:
        found.append((first, end))
    return found


_LETTERS: Final = bytes(c for c in _WORD if bytes([c]).isalpha())
_DIGITS: Final = b"0123456789"
_ABOVE: Final = bytes(range(0xC0, 0x100))
_GLUE_BEFORE: Final = _LETTERS + _DIGITS + b"_#@$%&*^~\xa2" + _ABOVE
_GLUE_BEHIND: Final = _LETTERS + _DIGITS + b"_@%" + _ABOVE
_REMARK: Final = re.compile(rb"-(?:Office|Home|Mobile|Cell|Work|Fax|Phone|Tel|Cep|Ev|Is)\b")
_IN_CODE: Final = re.compile(rb"-[0-9]{1,12}[A-Za-z]")


def glued_left(data: bytes, start: int) -> bool:
    """Tell whether the characters before make the digits part of a longer token."""
    if not start:
        return False
    last = data[start - 1]
    if last in b" \n":
        return False
    if last in _GLUE_BEFORE:
        return True
    if last >= 0xA0:  # an emoji, or a sign of mathematics
        return data[start] not in b"0+("
    return last in b"-/.,:=" and start > 1 and data[start - 2] in _DIGITS


def glued_right(data: bytes, end: int) -> bool:
    """Tell whether the characters behind make the digits part of a longer token."""
    if end == len(data):
        return False
    first = data[end]
    if first in b" \n":
        return False
    second = data[end + 1] if end + 1 < len(data) else 0
    if first in b"xX" and second in _DIGITS:
        return False
    if first == _HYPHEN and _REMARK.match(data, end):
        return False
    if first in _GLUE_BEHIND or (first == _HYPHEN and _IN_CODE.match(data, end)):
        return True
    return first in b"-:,./" and (second in _LETTERS or (second in _DIGITS and first in b":,"))
