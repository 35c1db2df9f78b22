"""Finds the values of a policy's types in one text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sidecar.redact.engine import PatternSet, Scanner, custom_scanner
from sidecar.redact.fold import Fold, View
from sidecar.redact.policy import CustomRule, Policy, Span
from sidecar.redact.rule import Range
from sidecar.redact.rules import rules
from sidecar.redact.turns import in_order, in_turns

# Texts are fragments of JSON: a placeholder must not swallow its structure or a line break.
_IS_BREAK: Final = bytes(c < 0x20 or c in b'"{}\x7f' for c in range(256))
_PIECE: Final = re.compile(rb'[^"{}\x00-\x1f\x7f]+')
_VISIBLE: Final = re.compile(rb"[^ ,;](?:.*[^ ,;])?")
_ALNUM: Final = re.compile(rb"[A-Za-z0-9\xc0-\xff]")
_IN_VALUE: Final = re.sub(rb"[^A-Za-z0-9\xc0-\xff]", b"", bytes(range(256)))
_OPENS_VALUE: Final = _IN_VALUE + b"+("

Found = tuple[int, int, str]  # as in Span

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
        self._rules = rules(policy)
        owners: dict[str, list[int]] = {}
        for i, rule in enumerate(self._rules):
            for gate in rule.gates:
                owners.setdefault(gate, []).append(i)
        self._gates = PatternSet(list(owners))
        self._owners = list(owners.values())

    def find(self, text: str) -> list[Span]:
        """Return the sorted, disjoint spans of `text`."""
        return [Span(*found) for found in self.ranges(text)]

    def ranges(self, text: str) -> list[Found]:
        """Return the spans of `text` as plain tuples."""
        view = self._fold(text)
        ranges: list[Found] = []
        for round_ in range(_ROUNDS + 1):
            found = self._scan(text, view) if round_ < _ROUNDS else _rest(view.data, ranges)
            if not found:
                break
            starts = view.starts
            for start, end, type_ in in_turns(found):
                ranges.append((starts.at(start), starts.at(end), type_))
            view = view.collapse([(start, end) for start, end, _ in in_turns(found)])
        return in_order(ranges)

    def _scan(self, text: str, view: View) -> list[Found]:
        """Return the values of a view; a value found hides its characters from later rules."""
        found: list[Found] = []
        data = view.data
        for name, pattern in self._custom:
            hits = _pieces(data, _custom_hits(pattern, text, data, view.starts))
            found += [(start, end, name) for start, end in hits]
            data = _hidden(data, hits)
        owners = {owner for gate in self._gates.matches(data) for owner in self._owners[gate]}
        due = [self._rules[i] for i in sorted(owners)]
        hits = list[Range]()
        for i, rule in enumerate(due):
            hits += rule.find(data)
            last = i + 1 == len(due)
            if hits and (last or due[i + 1].type != rule.type):
                hits = _pieces(data, hits)
                for start, end in in_turns(hits):
                    found.append((start, end, rule.type))
                data = data if last else _hidden(data, hits)
                hits = []
        return in_order(found)


def _compile(rule: CustomRule) -> Scanner:
    try:
        pattern = custom_scanner(rule.pattern)
    except ValueError as error:
        raise ValueError(f"custom rule {rule.name!r}: {error}") from error
    if pattern.search(""):
        raise ValueError(f"custom rule {rule.name!r}: the pattern matches the empty string")
    return pattern


def _custom_hits(
    pattern: Scanner, text: str, data: bytes, starts: Sequence[int]
) -> Iterator[Range]:
    """Yield the hits of an operator's pattern, which reads the text itself between barriers."""
    start = 0
    for part in data.split(b"\0"):
        end = start + len(part)
        origin = starts[start]
        for match in pattern.finditer(text[origin : starts[end]]):
            a, b = match.span()
            if a < b:
                yield bisect_right(starts, origin + a) - 1, bisect_left(starts, origin + b)
        start = end + 1


def _pieces(data: bytes, ranges: Iterable[Range]) -> list[Range]:
    """Return the parts of the ranges, joined where they overlap, that may be replaced."""
    joined: list[Range] = []
    for start, end in in_turns(in_order(ranges)):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    pieces: list[Range] = []
    for start, end in in_turns(joined):
        if _is_whole(data, start, end):
            pieces.append((start, end))
            continue
        for piece in _PIECE.finditer(data, start, end):
            visible = _VISIBLE.search(data, *piece.span())
            if visible and _ALNUM.search(data, *visible.span()):
                pieces.append(visible.span())
    return pieces


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Tell whether a value is as most are: nothing to cut off, nothing to leave out."""
    if data[start] not in _OPENS_VALUE or data[end - 1] not in _IN_VALUE:
        return False
    return not any(_IS_BREAK[data[at]] for at in range(start, end))


def _hidden(data: bytes, spans: list[Range]) -> bytes:
    """Return the view with the spans blanked out."""
    parts: list[bytes] = []
    done = 0
    for start, end in in_turns(spans):
        parts.append(data[done:start])
        parts.append(bytes(end - start))
        done = end
    parts.append(data[done:])
    return b"".join(parts)


def _rest(data: bytes, ranges: list[Found]) -> list[Found]:
    """Return all that is left of a hostile text, so that nothing can be found in the result."""
    type_ = ranges[-1][2]
    return [(start, end, type_) for start, end in _pieces(data, [(0, len(data))])]
