"""Word lists: the sections of `data/*.txt`, words without accents in lower case."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from string import ascii_lowercase

DATA = Path(__file__).parent / "data"


@cache
def sections_of(file: str) -> dict[str, frozenset[str]]:
    """Return the words of a file by section."""
    text = (DATA / file).read_text("ascii")
    sections: dict[str, set[str]] = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), set())
        elif line:
            section.update(map(str.strip, line.split(",")))
    return {name: frozenset(filter(None, entries)) for name, entries in sections.items()}


def words(section: str, file: str = "words.txt") -> frozenset[str]:
    """Return the words of a section."""
    return sections_of(file)[section]


def alternatives(*sections: str) -> str:
    """Return a pattern for the words of the sections, longest first, in any case.

    The view keeps the German sharp s, which the lists spell `ss`. Words share their beginnings:
    `re` tries one alternative after the other, and every letter takes memory in the gate. An
    alternative begins with both cases, because `re` passes over one that begins with a set at once.
    """
    return any_of(frozenset[str]().union(*(words(section) for section in sections)))


def any_of(entries: Iterable[str]) -> str:
    """Return such a pattern for words."""
    return _any_of(frozenset(entries))


@cache
def _any_of(entries: frozenset[str]) -> str:
    tree = _tree({_SHARP_S.sub("\xdf", entry) for entry in entries})
    return f"(?:{_RUN.sub(_ignoring_case, tree)})"


def forget() -> None:
    """Drop what is needed only while the rules are made."""
    sections_of.cache_clear()
    _any_of.cache_clear()


# Letters behind the first of an alternative: as literals they take a third of the memory.
_RUN = re.compile(r"(?<=\])(?:\[[A-Z][a-z]\]){2,}(?![?*+{])")


def _ignoring_case(sets: re.Match[str]) -> str:
    return f"(?i:{sets.group()[2::4]})"


_SHARP_S = re.compile("(?<=[a-z])ss")
_CASES = str.maketrans({letter: letter.upper() + letter for letter in ascii_lowercase})
_WRITTEN = str.maketrans(
    {letter: f"[{letter.upper()}{letter}]" for letter in ascii_lowercase}
    | {"\xdf": "(?:[Ss][Ss]|\xdf)", ".": r"\."}
)


def _tree(entries: set[str]) -> str:
    """Return a pattern for words; letters with equal continuations share a class."""
    if len(entries) == 1:
        return entries.pop().translate(_WRITTEN)
    tails: dict[str, set[str]] = {}
    for entry in entries:
        if entry:
            tails.setdefault(entry[0], set()).add(entry[1:])
    firsts: dict[str, str] = {}
    for first in sorted(tails, key=lambda first: (first != "\xdf", first)):  # `ss` before `s`
        tail = _tree(tails[first])
        firsts[tail] = firsts.get(tail, "") + first
    options = list[str]()
    for tail, letters in firsts.items():
        single = letters.lstrip("\xdf")
        if len(single) > 1:
            options.append(f"[{single.translate(_CASES)}]{tail}")
            letters = letters[: -len(single)]
        options += [letter.translate(_WRITTEN) + tail for letter in letters]
    pattern = "|".join(options)
    if "" not in entries:
        return pattern if len(options) == 1 else f"(?:{pattern})"
    return f"(?:{pattern})?"
