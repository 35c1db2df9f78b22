"""Compares what a redactor found with what people marked.

A letter or digit counts as redacted wherever a found range covers it, whatever type it was found
as: what matters is what leaves. Names and the like are neutral: redacting them is neither right
nor wrong.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

SCORED = ("EMAIL", "PHONE", "ADDRESS", "ID", "IBAN", "CARD", "IP", "SSN", "SECRET")
DEFAULT = ("EMAIL", "PHONE", "ADDRESS")

Found = Sequence[tuple[int, int, str]]
"""Ranges `[start, end)` with their types, as a redactor reports them; they may overlap."""


class Mark(NamedTuple):
    """What people marked: `[start, end)` holds a `type`, written as `format`, plain or hard."""

    start: int
    end: int
    type: str
    format: str
    tier: str


class Message(NamedTuple):
    """A text with its marks; `source` says where a public address comes from."""

    id: str
    lang: str
    text: str
    marks: tuple[Mark, ...]
    source: str


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        """Return it in percent, or a dash where there was nothing to count."""
        return f"{100 * self.part / self.whole:.1f}" if self.whole else "–"


class Result(NamedTuple):
    """A message, and what one redactor found in it."""

    message: Message
    found: Found


def load(path: Path, prefix: str = "") -> list[Message]:
    """Read a file of messages, one JSON object per line; `prefix` makes ids of files distinct."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Message(
            prefix + row["id"],
            row["lang"],
            row["text"],
            tuple(
                Mark(s["start"], s["end"], s["type"], s.get("fmt", ""), s.get("tier", ""))
                for s in row["spans"]
            ),
            row.get("src", ""),
        )
        for row in rows
    ]


def redacted(result: Result) -> set[int]:
    """Return the indexes of the letters and digits that a found range covers."""
    text = result.message.text
    return {i for start, end, _ in result.found for i in range(start, end) if text[i].isalnum()}


def leaks(result: Result) -> list[Mark]:
    """Return the marks of scored types of which any letter or digit is left."""
    text, gone = result.message.text, redacted(result)
    return [
        mark
        for mark in result.message.marks
        if mark.type in SCORED
        and any(text[i].isalnum() and i not in gone for i in range(mark.start, mark.end))
    ]


def leak(results: Iterable[Result], counts: Callable[[Message, Mark], bool]) -> Share:
    """Return the share of marks that leak, among those of scored types that `counts` accepts."""
    leaked = total = 0
    for result in results:
        of = [m for m in result.message.marks if m.type in SCORED and counts(result.message, m)]
        total += len(of)
        leaked += len(set(of).intersection(leaks(result))) if of else 0
    return Share(leaked, total)


def is_damaged(result: Result) -> bool:
    """Tell whether a letter or digit outside every mark is redacted."""
    marked = {i for mark in result.message.marks for i in range(mark.start, mark.end)}
    return not redacted(result) <= marked


def collateral(results: Iterable[Result]) -> Share:
    """Return the share of messages with marks in which something else is redacted too."""
    damaged = [is_damaged(result) for result in results if result.message.marks]
    return Share(sum(damaged), len(damaged))


def false_positives(results: Iterable[Result], types: Sequence[str] | None = None) -> Share:
    """Return the share of messages without marks that are altered, by one of `types` or by any."""
    altered = [
        bool(redacted(Result(message, [f for f in found if types is None or f[2] in types])))
        for message, found in results
        if not message.marks
    ]
    return Share(sum(altered), len(altered))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which `percent` of the values lie."""
    return sorted(values)[int(len(values) * percent / 100)]
