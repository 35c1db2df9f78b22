"""Groups of digits that are no phone number, whatever the digits: counted, drawn, listed."""

import re
from itertools import pairwise
from typing import Final

from sidecar.redact.phone_chain import glued_right
from sidecar.redact.phone_region import Number
from sidecar.redact.rule import Range

# Counted digits; and the largest numbers of a machine.
COUNTING: Final = "01234567890123456789 9876543210 2147483647 2147483648 4294967295 4294967296"
_SAME_DIGITS: Final = re.compile(r"([0-9])\1{4}")
_OCTET: Final = rb"(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])"
# Of an IP address either all numbers have zeros before them or none.
_DOTTED_QUAD: Final = re.compile(
    rb"(?!0[0-9.]*\.[0-9]{1,2}(?:\.|$))(?:%b\.){3}%b$" % (_OCTET, _OCTET)
)
_DECIMAL: Final = re.compile(
    rb"(?:0|[1-9][0-9]*)\.[0-9]{5,}(?![0-9.-])|[0-9]{1,3}\.[0-9]{3,} [0-9]{1,3}\.[0-9]{3,}$"
)
AMOUNT: Final = re.compile(rb"(?<![0-9(+.])[1-9][0-9]{0,2}(?:[ .][0-9]{3})+$")
# When a shop opens, and when it closes.
_HOURS: Final = re.compile(
    rb"(?:[01]?[0-9]|2[0-4])\.[0-5][0-9] ?- ?(?:[01]?[0-9]|2[0-4])\.[0-5][0-9]$"
)
# Subscriber numbers without an area code; only beside a phone word.
_LOCAL_SHAPES: Final = {(3, 4), (3, 2, 2), (3, 3)}

_ZERO: Final = 0x30
_GERMAN_MOBILE: Final = ("015", "016", "017")  # six pairs


def is_made_up(number: Number) -> bool:
    """Tell digits that no one was given: `5555555555`, `12345678`, `6000000012`."""
    digits = number.digits
    if len(number.shape) > 1:
        return len(set(digits)) < 3 and number.shape != (3, 1, 3)
    bare = digits[0] != "0" and _SAME_DIGITS.search(digits) is not None
    return bare or len(set(digits)) < 3 or digits in COUNTING


def _is_pairs(number: Number) -> bool:
    """Tell pairs of digits that are no five behind a zero: `44 12 23 31 38 42`."""
    size, digits = len(number.shape), number.digits
    if size < 4 or set(number.shape) != {2} or digits[:3] in _GERMAN_MOBILE:
        return False
    return size != 5 or digits[0] != "0"


def is_draw(data: bytes, groups: list[Range]) -> bool:
    """Tell the numbers of a draw, which rise, and not far: `05 12 23 31 38`."""
    if not 5 <= len(groups) <= 8 or any(b - a != 2 for a, b in groups):
        return False
    values = [data[a:b] for a, b in groups]
    if data.find(b".", groups[0][0], groups[-1][1]) >= 0:
        return False
    return values[-1] <= b"60" and all(a < b for a, b in pairwise(values))


def is_in_equal_parts(groups: list[Range]) -> bool:
    """Tell one long number in parts: `7330 0418 2267 31`."""
    sizes = [b - a for a, b in groups]
    return len(sizes) > 2 and sizes[0] > 3 and len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]


def is_list(data: bytes, groups: list[Range]) -> bool:
    """Tell numbers that are counted: `1 2 3 4 5 6 7 8 9 10`, `2 4 6 8 10`."""
    values = [int(data[a:b]) for a, b in groups]
    return len(values) > 2 and len({b - a for a, b in pairwise(values)}) == 1


def are_odd(groups: list[Range]) -> bool:
    """Tell whether a chain may be one number in odd groups."""
    sizes = [b - a for a, b in groups]
    return 1 in sizes[1:] or sizes in ([2, 2, 2, 3], [1, 2, 2, 2, 2])


def is_book(groups: list[Range]) -> bool:
    """Tell an ISBN in its parts: `978 0 306 40615 7`."""
    sizes = [b - a for a, b in groups]
    return len(sizes) == 5 and sizes[0] == 3 and sizes[-1] == 1 and sum(sizes) == 13


def is_amid(data: bytes, groups: list[Range], first: int) -> bool:
    """Tell a pair of digits that goes on a list of them: `38 18 09 15 26 58`."""
    (a, b), (c, d) = groups[first - 1], groups[first]
    return b - a == d - c == 2 and data[b:c] == b" "


def goes_on(data: bytes, groups: list[Range], last: int) -> bool:
    """Tell digits that other digits follow as they follow each other: `800 486 640 800`.

    What follows may also be its own thing: `09 72 44 13 60 24h/24`.
    """
    if last < 3 or last >= len(groups) or glued_right(data, groups[last][1]):
        return False
    marks = {data[groups[i - 1][1] : groups[i][0]] for i in range(last - 2, last)}
    mark = data[groups[last - 1][1] : groups[last][0]]
    return mark in marks and data[groups[last][0]] != _ZERO


def is_other(number: Number) -> bool:
    """Tell what is no number even where a word calls it one: an IP address, opening hours."""
    if 1 in number.shape[1:] and number.shape != (3, 1, 3):
        return True
    if len(number.digits) > (14 if number.digits[:4] == "0800" else 13):
        return True
    return len(number.shape) == 4 and (
        _DOTTED_QUAD.match(number.text) is not None or _HOURS.match(number.text) is not None
    )


def is_odd(number: Number) -> bool:
    """Tell what is a number only where a word calls it one."""
    short = len(number.shape) == 1 and len(number.digits) < 9 and number.digits[0] == "0"
    return (
        short or is_made_up(number) or _is_pairs(number) or _DECIMAL.match(number.text) is not None
    )


def is_local(number: Number) -> bool:
    """Tell what may be a number of anywhere, if a word calls it one."""
    if len(set(number.digits)) < 3:
        return False
    if number.shape == (7,):
        return number.digits[-3:] != "000" and not is_made_up(number)
    if b"." in number.text and AMOUNT.match(number.text):
        return False
    return number.shape in _LOCAL_SHAPES or 8 <= len(number.digits) <= 13


def is_abroad(number: Number, *, near: bool) -> bool:
    """Tell a number of anywhere: an area code in brackets or behind a zero, and groups.

    With a word for phone `near` the groups are enough.
    """
    size, groups = len(number.digits), len(number.shape)
    if number.text[:1] == b"(" and groups > 1 and size > 7:
        return True
    grouped = groups > 2 or (groups > 1 and number.shape[0] > 2)
    if number.digits[0] == "0":
        return grouped and (9 <= size <= 11 or number.shape == (5, 3, 4))
    return near and 10 <= size <= 11 and 2 <= groups <= 3


def is_bracketed(number: Number) -> bool:
    """Tell an area code in brackets, which no order number has: `(504) 555-0131`."""
    if number.text[:1] != b"(" or len(number.shape) < 2 or not 9 <= len(number.digits) <= 11:
        return False
    return number.digits[0] == "0" or number.shape == (3, 3, 4)
