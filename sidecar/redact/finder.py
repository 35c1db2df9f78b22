"""Finds the values of a policy's types in one text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from sidecar.redact import address, email, ids, phone
from sidecar.redact.engine import Scanner, custom_scanner, digit_count
from sidecar.redact.fold import Fold, View
from sidecar.redact.policy import CustomRule, Policy, Span

Range = tuple[int, int]
Rule = Callable[[bytes], Iterable[Range]]

# The types and the fewest digits a value has. The order matters: a card number is not a phone, and
# a house number with a postcode is not one either.
_FEWEST_DIGITS = {
    "secret": 0, "email": 0, "iban": 8, "card": 12, "national_id": 7, "ssn": 9, "ip": 1,
    "address": 1, "phone": 6,
}  # fmt: skip

# Texts are fragments of JSON: a placeholder must not swallow its structure or a line break.
_PIECE = re.compile(rb'[^"{}\x00-\x1f\x7f]+')
_VISIBLE = re.compile(rb"[^ ,;](?:.*[^ ,;])?")
_ALNUM = re.compile(rb"[A-Za-z0-9\xc0-\xff]")
_CANDIDATE = re.compile(rb"[0-9@]|(?i:[ (\[{<](?:at|arroba|arobase|et)[ )\]}>])")

# Redacting changes the words beside other values, so a text is searched again until nothing is
# found. Real texts need two rounds; a text that needs more than this is hostile.
_ROUNDS = 6


class Finder:
    """Finds spans; built once per policy, safe to share between threads."""

    def __init__(self, policy: Policy) -> None:
        names = [*policy.types, *(rule.name for rule in policy.custom)]
        placeholders = {policy.placeholder(name) for name in names}
        self._fold = Fold([*placeholders, *(rule.placeholder for rule in policy.custom)])
        self._custom = [(rule.name, _compile(rule)) for rule in policy.custom]
        self._rules = [
            (name, _rule(name, policy), fewest)
            for name, fewest in _FEWEST_DIGITS.items()
            if name in policy.types
        ]
        self._always = "secret" in policy.types

    def find(self, text: str) -> list[Span]:
        """Return the sorted, disjoint spans of `text`."""
        view = self._fold(text)
        spans: list[Span] = []
        for round_ in range(_ROUNDS + 1):
            found = self._scan(text, view) if round_ < _ROUNDS else list(_rest(view.data, spans))
            if not found:
                break
            spans += [Span(view.starts[a], view.starts[b], type_) for a, b, type_ in found]
            view = view.collapse([(a, b) for a, b, _ in found])
        return sorted(spans)

    def _scan(self, text: str, view: View) -> list[tuple[int, int, str]]:
        """Return the values of a view; a value found hides its characters from later rules."""
        found: list[tuple[int, int, str]] = []
        data = view.data
        for name, pattern in self._custom:
            hits = list(_custom_hits(pattern, text, View(data, view.starts)))
            data = _hide(data, found, hits, name)
        if not (self._always or _CANDIDATE.search(data)):
            return found
        digits = digit_count(data)
        for name, rule, fewest in self._rules:
            if digits >= fewest and (hits := list(rule(data))):
                data = _hide(data, found, hits, name)
        return sorted(found)


def _rule(name: str, policy: Policy) -> Rule:
    if name == "email":
        return email.find
    if name == "address":
        return address.find
    if name == "phone":
        return phone.Finder(policy.regions).find
    return partial(ids.find, name)


def _compile(rule: CustomRule) -> Scanner:
    try:
        pattern = custom_scanner(rule.pattern)
    except ValueError as error:
        raise ValueError(f"custom rule {rule.name!r}: {error}") from error
    if pattern.fullmatch(""):
        raise ValueError(f"custom rule {rule.name!r}: the pattern matches the empty string")
    return pattern


def _custom_hits(pattern: Scanner, text: str, view: View) -> Iterator[Range]:
    """Yield the hits of an operator's pattern, which reads the text itself between barriers."""
    start = 0
    for part in view.data.split(b"\0"):
        end = start + len(part)
        origin = view.starts[start]
        for match in pattern.finditer(text[origin : view.starts[end]]):
            a, b = match.span()
            if a < b:
                yield (
                    bisect_right(view.starts, origin + a) - 1,
                    bisect_left(view.starts, origin + b),
                )
        start = end + 1


def _pieces(data: bytes, ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the parts of the ranges, joined where they overlap, that may be replaced."""
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    for start, end in joined:
        for piece in _PIECE.finditer(data, start, end):
            visible = _VISIBLE.search(data, *piece.span())
            if visible and _ALNUM.search(data, *visible.span()):
                yield visible.span()


def _hide(data: bytes, found: list[tuple[int, int, str]], hits: list[Range], type_: str) -> bytes:
    """Add what may be replaced of the hits to `found`, and blank it out."""
    blank = bytearray(data)
    for start, end in _pieces(data, hits):
        blank[start:end] = bytes(end - start)
        found.append((start, end, type_))
    return bytes(blank)


def _rest(data: bytes, spans: list[Span]) -> Iterator[tuple[int, int, str]]:
    """Yield all that is left of a hostile text, so that nothing can be found in the result."""
    for start, end in _pieces(data, [(0, len(data))]):
        yield start, end, spans[-1].type
