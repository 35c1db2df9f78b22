"""E-mail addresses, plain and disguised."""

import pytest

from tests.redact.samples import left_over, matches, redact


@pytest.mark.parametrize("value", matches("email"))
def test_finds_the_whole_address(value: str) -> None:
    """Every example is found whole, alone and inside a sentence."""
    assert left_over(value) == ""
    assert left_over(f"({value}), 5 x") == "5x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to ali@example.com.", "write to [EMAIL]."),
        ("mail ali@example.com.Please hurry", "mail [EMAIL].Please hurry"),
        ("<ali@example.com>; 'bo@ex.co'", "<[EMAIL]>; '[EMAIL]'"),
        ("mailto:ali@example.com?subject=x", "mailto:[EMAIL]?subject=x"),
        ("ali@example.com'a yazın", "[EMAIL]'a yazın"),
        ('"jane doe"@example.org', '"[EMAIL]"[EMAIL]'),
        ("hi\\nali@example.com", "hi\\n[EMAIL]"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_takes_no_more_than_the_address(text: str, expected: str) -> None:
    """Punctuation, URLs, quotes and escapes around an address stay."""
    assert redact(text) == expected
