"""Word lists: `data/words.txt`, sections of words without accents, in lower case."""

from functools import cache
from importlib.resources import files


@cache
def _sections() -> dict[str, frozenset[str]]:
    text = (files("sidecar.redact") / "data" / "words.txt").read_text("ascii")
    sections: dict[str, frozenset[str]] = {}
    for block in text.split("\n[")[1:]:
        name, _, body = block.partition("]\n")
        lines = [line.partition("#")[0] for line in body.splitlines()]
        entries = [entry.strip() for line in lines for entry in line.split(",")]
        sections[name] = frozenset(entry for entry in entries if entry)
    return sections


def words(section: str) -> frozenset[str]:
    """Return the words of a section."""
    return _sections()[section]


def alternatives(*sections: str) -> str:
    """Return a pattern for the words of the sections, longest first."""
    entries = set().union(*(words(section) for section in sections))
    escaped = (entry.replace(".", r"\.") for entry in entries)
    return "|".join(sorted(escaped, key=lambda entry: (-len(entry), entry)))
