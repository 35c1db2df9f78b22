"""Numbers of people and money, addresses of machines, secrets."""

import pytest

from sidecar.redact.finder import Finder
from sidecar.redact.policy import Policy
from tests.redact.samples import ALL, DEFAULT, EVERYTHING, matches, redact


@pytest.mark.parametrize("value", matches("iban"))
def test_off_by_default(value: str) -> None:
    """An IBAN that nobody asked for stays whole: no part of it is a phone number."""
    assert DEFAULT.find(value) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password: hunter2!x then", "password: [SECRET] then"),
        ("Authorization: Bearer 90cef527860625", "Authorization: Bearer [SECRET]"),
        ("şifrem Kedi1234!", "şifrem [SECRET]"),
        ("reset my password please", "reset my password please"),
        ("the token expires at noon", "the token expires at noon"),
        ("API_KEY_NAME = value", "API_KEY_NAME = value"),
    ],
)
def test_named_secrets(text: str, expected: str) -> None:
    """The value after a word for a secret goes; the word and plain sentences stay."""
    assert redact(text, EVERYTHING, ALL) == expected


def test_check_digits() -> None:
    """Changing any one digit of a T.C. kimlik number breaks it."""
    good = "10000000146"
    finder = Finder(Policy(types=frozenset({"national_id"})))
    for index, digit in enumerate(good):
        wrong = good[:index] + str((int(digit) + 1) % 10) + good[index + 1 :]
        assert not any(wrong in wrong[s.start : s.end] for s in finder.find(wrong))
