"""The finder: order, structure, idempotence, custom rules, hostile input."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.redact.finder import Finder
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, CustomRule, Policy
from sidecar.redact.words import sections_of
from tests.redact.samples import ALL, DEFAULT, EVERYTHING, left_over, matches, redact

CUSTOM = Policy(
    types=EVERYTHING.types,
    custom=(CustomRule("member", r"üye-[0-9]+", "<member>"), CustomRule("any", r"\bx+\b", "[X]")),
    placeholders={"email": "***"},
)
CUSTOM_FINDER = Finder(CUSTOM)
VALUES = matches(*DEFAULT_TYPES, *EXTRA_TYPES)

noise = st.text(st.sampled_from('ab 015,.:;-/()+@#\\nu"{}[]%&ŞıI\u200b\n\t'), max_size=20)
messages = st.lists(noise | st.sampled_from([*VALUES, "üye-12", "[EMAIL]", "***"])).map("".join)


@given(messages)
@settings(max_examples=300)
def test_spans_are_sorted_disjoint_and_safe(text: str) -> None:
    """Spans are in range, in order, and hold no quote, brace or line break."""
    for finder in (DEFAULT, ALL, CUSTOM_FINDER):
        end = 0
        for span in finder.find(text):
            assert end <= span.start < span.end <= len(text)
            assert not set(text[span.start : span.end]) & set('"{}\n\r\t')
            end = span.end


@given(messages)
@settings(max_examples=300)
def test_idempotent(text: str) -> None:
    """Nothing is found in a redacted text."""
    for policy, finder in ((Policy(), DEFAULT), (EVERYTHING, ALL), (CUSTOM, CUSTOM_FINDER)):
        assert finder.find(redact(text, policy, finder)) == []


@pytest.mark.parametrize("text", VALUES)
def test_no_value_survives_beside_another(text: str) -> None:
    """A value is found whole with any other around it."""
    for other in ("ali@example.com", "12 Baker Street, London NW1 6XE", "+90 532 123 45 67"):
        if not left_over(text, ALL):
            assert left_over(f"{text} | {other}", ALL) == ""


@pytest.mark.parametrize(
    "text",
    [
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "2024-11-05T10:30:00.123Z to 2024-11-06",
        "%{user_summary} and {{name}} in SCREAMING_SNAKE_NAME",
        "https://example.com/orders/1234567890?page=12",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        '{"id": 1234567890, "ts": 1699999999, "v": [0.12345678, -1.5e-7]}',
        "v2.19.5, build 19H2, RTX 4090, 1,234,567.89 USD, 10.000.000 TL",
        "see [EMAIL], [PHONE] and [ADDRESS]",
        "",
    ],
)
def test_never_damages(text: str) -> None:
    """Identifiers, times, versions, prices, templates and placeholders stay."""
    assert DEFAULT.find(text) == []


def test_types_are_the_policy() -> None:
    """Only the policy's types are found."""
    text = "ali@example.com +90 532 123 45 67 12 Baker Street"
    for type_ in ("email", "phone", "address"):
        found = Finder(Policy(types=frozenset({type_}))).find(text)
        assert {span.type for span in found} == {type_}
    assert Finder(Policy(types=frozenset())).find(text) == []


def test_custom_rules() -> None:
    """A custom rule reads the text itself, accents and all, and comes first."""
    assert redact("üye-12: ali@example.com", CUSTOM, CUSTOM_FINDER).endswith(": ***")
    assert [span.type for span in CUSTOM_FINDER.find("no üye-12 xxx")] == ["member", "any"]


@pytest.mark.parametrize("pattern", ["(", "[0-9]*", "a|"])
def test_bad_custom_rule(pattern: str) -> None:
    """A pattern that is not valid, or matches nothing at all, is refused by name."""
    with pytest.raises(ValueError, match="badge"):
        Finder(Policy(custom=(CustomRule("badge", pattern, "[BADGE]"),)))


def test_a_text_that_never_settles_is_redacted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the rounds are used up, all that is left goes: nothing can be found in the result."""
    monkeypatch.setattr("sidecar.redact.finder._ROUNDS", 1)
    text = 'say "ali@example.com" {and} more'
    redacted = redact(text)
    assert redacted == '[EMAIL] "[EMAIL]" {[EMAIL]} [EMAIL]'
    assert DEFAULT.find(redacted) == []


def test_any_words_of_the_rules_in_any_order() -> None:
    """No rule fails on words of the lists that no address has in this order."""
    draw = random.Random(11)
    lists = [
        sorted(section)
        for file in ("words.txt", "towns.txt", "tr_places.txt")
        for section in sections_of(file).values()
    ]
    others = [
        "1",
        "4b",
        "#45",
        "10117",
        "LS6 2ST",
        "IL 60604",
        "s/n",
        "a",
        "m",
        "of",
        "-",
        ",",
        "\n",
    ]
    for _ in range(2_000):
        words = [
            draw.choice(draw.choice(lists)) if draw.random() < 0.6 else draw.choice(others)
            for _ in range(draw.randrange(1, 16))
        ]
        words = [word if draw.random() < 0.5 else word.title() for word in words]
        ALL.find("".join(word + draw.choice([" ", " ", "", ", ", ": "]) for word in words))


HOSTILE = [
    "a", "1", "a@", "a.", "1-", "(1) ", " ", "No:1 ", "Aa ", "+90 ", "1 rue ", "12 Main ", "x@x.",
    "mah cad ", "deadbeef01", "\n", "a [at] ", "\\u0031", "&#64;", "\u200b", "12 Main St ", ", NY ",
    "0532 123 45 67 ", "SW1A 1AA ", "rue de la ", "calle a 5 ", "Am Berg 3 ", '"', "::", "eyJ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_input_is_linear(piece: str) -> None:
    """40 kB of anything takes well under a second; quadratic work would take minutes."""
    text = (piece * 40_000)[:40_000]
    start = time.thread_time()
    ALL.find(text)
    assert time.thread_time() - start < 2


def test_hostile_mixture_ends() -> None:
    """Random mixtures of hostile pieces are bounded too, and stay idempotent."""
    choice = random.Random(7)
    text = "".join(choice.choice(HOSTILE) for _ in range(5_000))
    start = time.thread_time()
    redacted = redact(text, EVERYTHING, ALL)
    assert ALL.find(redacted) == []
    assert time.thread_time() - start < 4
