"""Numbers in words."""

import pytest

from sidecar.redact import spelled
from tests.redact.samples import redact


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("four oh four, double five, twenty-one", "4 0 4 55 21"),
        ("eight hundred five forty two", "800 5 42"),
        ("triple nine zero", "999 0"),
        ("bes yuz otuz iki yuz on bir kirk bes uc yuz yedi", "530 211 45 307"),
        ("elli bes yuz", "50 500"),
        ("null eins zwo funfzig funf", "0 1 2 50 5"),
        ("zero six quatre-vingt-dix-sept soixante et onze vingt et un", "0 6 97 71 21"),
        ("dix-huit quatre vingt", "18 80"),
        ("treinta y cuatro seis", "34 6"),
        ("forty, two", "40 2"),
        ("twenty double", "20"),
    ],
)
def test_parts(text: str, digits: str) -> None:
    """Words that belong together are one number; a mark between them ends it."""
    assert [part.digits for part in spelled.parts(text)] == digits.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call me on two one two five five five oh one four three.", "call me on [PHONE]."),
        (
            "sıfır beş yüz diye başlar: sıfır beş yüz otuz iki yüz yirmi üç kırk beş altmış yedi",
            "sıfır beş yüz diye başlar: [PHONE]",
        ),
        ("zwei drei null eins sieben sechs fünf fünf null eins zwei drei", "zwei drei [PHONE]"),
        ("ticket two one two five five five oh one four three",) * 2,
    ],
)
def test_in_a_text(text: str, expected: str) -> None:
    """A number starts with its first word, or with its zero, and no word vetoes it."""
    assert redact(text) == expected
