"""Word lists: the sections of `data/*.txt`, words without accents in lower case."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@cache
def sections_of(file: str) -> dict[str, frozenset[str]]:
    """Return the words of a file by section; to be forgotten once the rules have theirs."""
    text = (DATA / file).read_text("ascii")
    sections: dict[str, set[str]] = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), set())
        elif line:
            section.update(entry.strip() for entry in line.split(",") if entry.strip())
    return {name: frozenset(entries) for name, entries in sections.items()}


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
    tree = _tree({tuple(_LETTER.findall(entry)) for entry in entries})
    return f"(?:{_RUN.sub(_ignoring_case, tree)})"


# Letters behind the first of an alternative: as literals they take a third of the memory.
_RUN = re.compile(r"(?<=\])(?:\[[A-Z][a-z]\]){2,}(?![?*+{])")


def _ignoring_case(sets: re.Match[str]) -> str:
    return f"(?i:{sets.group()[2::4]})"


_LETTER = re.compile("(?<=[a-z])ss|.")
_WRITTEN = {"ss": "(?:[Ss][Ss]|\xdf)", ".": r"\."}


def _cases(letter: str) -> str:
    return letter.upper() + letter.lower() if letter.isalpha() else letter


def _either_case(letter: str) -> str:
    return f"[{_cases(letter)}]" if letter.isalpha() else letter


def _tree(entries: set[tuple[str, ...]]) -> str:
    """Return a pattern for words; letters with equal continuations share a class."""
    tails: dict[str, set[tuple[str, ...]]] = {}
    for entry in entries:
        if entry:
            tails.setdefault(entry[0], set()).add(entry[1:])
    firsts: dict[str, list[str]] = {}
    for first in sorted(tails, key=lambda first: (-len(first), first)):  # `ss` before `s`
        firsts.setdefault(_tree(tails[first]), []).append(first)
    options = list[str]()
    for tail, letters in firsts.items():
        single = [letter for letter in letters if len(letter) == 1]
        if len(single) > 1:
            options.append(f"[{''.join(map(_cases, single))}]{tail}")
            letters = [letter for letter in letters if len(letter) > 1]
        options += [(_WRITTEN.get(letter) or _either_case(letter)) + tail for letter in letters]
    pattern = "|".join(options)
    if () not in entries:
        return pattern if len(options) == 1 else f"(?:{pattern})"
    return f"(?:{pattern})?" if pattern else ""
