"""The word lists."""

import re

from sidecar.redact.words import alternatives, words


def test_sections() -> None:
    """A section is a set of folded words; comments are not words."""
    assert {"street", "avenue"} <= words("en.street")
    assert "kadikoy" in words("district", "tr_places.txt")
    assert all(word == word.lower() and "#" not in word for word in words("phone.veto"))


def test_alternatives() -> None:
    """The longest word wins, in any case, and the German sharp s is its double s."""
    pattern = re.compile(alternatives("de.street"))
    assert pattern.fullmatch("STRASSE")
    assert pattern.fullmatch("stra\xdfe")
    match = pattern.match("str. 5")
    assert match is not None
    assert match.group() == "str."
