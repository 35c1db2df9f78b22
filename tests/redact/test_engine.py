"""The choice of the regular-expression engine."""

import pytest

from sidecar.redact.engine import ENGINE, custom_scanner, digit_count, scanner


def test_scanner_reads_one_byte_per_character() -> None:
    """Offsets are offsets of the view."""
    assert ENGINE == "re2"
    assert [match.span() for match in scanner(r"\xe0+").finditer(b"a\xe0\xe0b")] == [(1, 3)]


def test_custom_scanner() -> None:
    """A custom pattern reads text; one that is not valid is refused with the reason."""
    assert [match.span() for match in custom_scanner("ş+").finditer("aşş")] == [(1, 3)]
    with pytest.raises(ValueError, match="not a valid pattern"):
        custom_scanner("(")


def test_digit_count() -> None:
    """Digits are counted."""
    assert digit_count(b"a1 22") == 3
