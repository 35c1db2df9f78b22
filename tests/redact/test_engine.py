"""The choice of the regular-expression engine."""

import pytest

from sidecar.redact.engine import ENGINE, PatternSet, custom_scanner, scanner


def test_scanner_reads_one_byte_per_character() -> None:
    """Offsets are offsets of the view."""
    assert ENGINE == "re2"
    assert [match.span() for match in scanner(r"\xe0+").finditer(b"a\xe0\xe0b")] == [(1, 3)]


def test_custom_scanner() -> None:
    """A custom pattern reads text; one that is not valid is refused with the reason."""
    assert [match.span() for match in custom_scanner("ş+").finditer("aşş")] == [(1, 3)]
    with pytest.raises(ValueError, match="not a valid pattern"):
        custom_scanner("(")


def test_pattern_set() -> None:
    """A set tells which of its patterns match, also when it is empty."""
    patterns = PatternSet(["a+\xe0", "[0-9]{3}", "x"])
    assert sorted(patterns.matches(b"aa\xe0 123")) == [0, 1]
    assert list(patterns.matches(b"none")) == []
    assert list(PatternSet([]).matches(b"none")) == []
