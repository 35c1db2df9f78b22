"""E-mail addresses, plain and disguised."""

import pytest

from tests.redact.samples import DEFAULT, EMAILS, NOT_EMAILS, left_over, redact


@pytest.mark.parametrize("value", EMAILS)
def test_finds_the_whole_address(value: str) -> None:
    """Every example is found whole, alone and inside a sentence, as an e-mail address."""
    assert left_over(value) == ""
    assert left_over(f"({value}), 5 x") == "5x"
    assert {span.type for span in DEFAULT.find(value)} == {"email"}


@pytest.mark.parametrize("value", NOT_EMAILS)
def test_leaves_alone(value: str) -> None:
    """What only looks like an address stays."""
    assert DEFAULT.find(value) == []


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
