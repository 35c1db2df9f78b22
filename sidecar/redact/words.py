"""Word lists: the sections of `data/*.txt`, words without accents in lower case."""

import re
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@cache
def _sections(file: str) -> dict[str, frozenset[str]]:
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
    return _sections(file)[section]


def alternatives(*sections: str) -> str:
    """Return a pattern for the words of the sections, longest first, in any case.

    The view keeps the German sharp s, which the lists spell `ss`. Words are grouped by their first
    letter, since `re` tries one alternative after the other.
    """
    entries: set[str] = set().union(*(words(section) for section in sections))
    groups: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: (-len(entry), entry)):
        pattern = re.sub(r"(?<=[a-z])ss", "(?:ss|\xdf)", entry.replace(".", r"\."))
        groups.setdefault(pattern[0], []).append(pattern[1:])
    options = (f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items())
    return f"(?i:{'|'.join(options)})"
