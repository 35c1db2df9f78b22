"""The figures of the PII report mean what the report says, on cases counted by hand."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.pii import run
from bench.pii.peers import PEERS, in_original
from bench.pii.report import misses, rendered
from bench.pii.score import (
    Mark,
    Message,
    Result,
    Share,
    collateral,
    false_positives,
    leak,
    leaks,
    percentile,
)

CALL = "call +1 (615) 676-7536, Ann"
NUMBER = "+1 (615) 676-7536"


def result(text: str, marked: dict[str, str], found: dict[str, str]) -> Result:
    """Return a result from the pieces of the text that are marked and found, with their types."""
    marks = (Mark(text.index(v), text.index(v) + len(v), t, "", "") for v, t in marked.items())
    spans = [(text.index(v), text.index(v) + len(v), t) for v, t in found.items()]
    return Result(Message("x-1", "en", text, tuple(marks), ""), spans)


def is_phone(_: Message, mark: Mark) -> bool:
    """Count phones only."""
    return mark.type == "PHONE"


@pytest.mark.parametrize(
    ("found", "leaked"),
    [
        ([], True),
        ([NUMBER], False),
        ([CALL], False),
        (["1 (615) 676-7536"], False),
        (["+1 (615) 676-753"], True),
        (["+1 (615", "676-7536"], False),
        (["+1 (615", "76-7536"], True),
        (["+1 (615) 6", "15) 676-7536"], False),
    ],
)
def test_a_value_leaks_if_a_letter_or_digit_is_left(found: list[str], leaked: bool) -> None:
    """Signs do not count, and neither does the type as which a value was found."""
    for type_ in ("PHONE", "CARD", "OTHER"):
        case = result(CALL, {NUMBER: "PHONE"}, dict.fromkeys(found, type_))
        assert [mark.type for mark in leaks(case)] == ["PHONE"] * leaked
        assert leak([case], is_phone) == Share(int(leaked), 1)


def test_a_leak_is_a_share_of_the_values_asked_for() -> None:
    """Two of three phones leak here; the e-mail address that leaks too is not a phone."""
    cases = [
        result("a@b.io or 555-8084", {"a@b.io": "EMAIL", "555-8084": "PHONE"}, {}),
        result("1234567 or 7654321", {"1234567": "PHONE", "7654321": "PHONE"}, {"7654321": "ID"}),
    ]
    assert leak(cases, is_phone) == Share(2, 3)
    assert leak(cases, lambda _, mark: mark.type == "NAME") == Share(0, 0)


def test_names_are_neutral() -> None:
    """A name that is left is no leak, one that is redacted no damage, and no false positive."""
    left = result(CALL, {NUMBER: "PHONE", "Ann": "NAME"}, {NUMBER: "PHONE"})
    taken = result(CALL, {NUMBER: "PHONE", "Ann": "NAME"}, {NUMBER: "PHONE", "Ann": "NAME"})
    assert leaks(left) == []
    assert collateral([left, taken]) == Share(0, 2)
    assert false_positives([left, taken]) == Share(0, 0)


def test_collateral_is_a_letter_or_digit_too_much() -> None:
    """A blank or a comma too much is none; messages without marks are not counted."""
    harmless = result(CALL, {NUMBER: "PHONE"}, {f" {NUMBER}, ": "PHONE"})
    harmful = result(CALL, {NUMBER: "PHONE"}, {f"l {NUMBER}": "PHONE"})
    unmarked = result(CALL, {}, {"call": "ADDRESS"})
    assert collateral([harmless]) == Share(0, 1)
    assert collateral([harmless, harmful, unmarked]) == Share(1, 2)


def test_false_positives_are_messages_that_hold_nothing() -> None:
    """Each counts once, by any type or by the types asked for; punctuation is not altered text."""
    cases = [
        result("order 5551234 of 12", {}, {"5551234": "PHONE", "12": "ADDRESS"}),
        result("order 5551234 of 12", {}, {"5551234": "ID"}),
        result("well ... yes", {}, {"...": "PHONE"}),
        result("nothing", {}, {}),
        result(CALL, {NUMBER: "PHONE"}, {"call": "PHONE"}),
    ]
    assert false_positives(cases) == Share(2, 4)
    assert false_positives(cases, ["PHONE", "ADDRESS"]) == Share(1, 4)


def test_shares_and_percentiles() -> None:
    """A share of nothing is not zero."""
    assert str(Share(1, 8)) == "12.5"
    assert str(Share(0, 8)) == "0.0"
    assert str(Share(0, 0)) == "–"
    assert percentile([3, 1, 2, 4], 50) == 3
    assert percentile(range(200), 99) == 198


def test_misses_show_what_is_left_and_what_is_damaged() -> None:
    """With the place in the data, so that one can look it up; only of types that are looked for."""
    case = result(CALL, {"(615) 676-7536": "PHONE", "Ann": "SSN"}, {"call +1 (615)": "PHONE"})
    assert list(misses(run.Run(PEERS["phonenumbers"], results={"chat": [case]}))) == [
        "chat x-1 leak PHONE : '(___) 676-7536'",
        "chat x-1 damage PHONE: 'call +1 (615)' in 'call +1 (615) 676-7536, Ann'",
    ]


def test_a_failed_peer_keeps_its_row() -> None:
    """It says why; a peer that is made for nothing in the table has none."""
    runs = [
        run.Run(PEERS["pyap"], failure="cannot be installed here"),
        run.Run(PEERS["phonenumbers"]),
        run.Run(PEERS["scrubadub"]),
    ]
    dashes = {"phonenumbers": "–", "scrubadub": "1.0"}
    columns = [("one", lambda each: dashes[each.peer.title]), ("two", lambda each: "–")]
    assert rendered(columns, runs).splitlines() == [
        "|           |                      one | two |",
        "| --------- | -----------------------: | --: |",
        "| pyap      | cannot be installed here |     |",
        "| scrubadub |                      1.0 |   – |",
    ]


def test_what_cannot_be_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name in the report; the reason, which may name hosts and paths, goes to standard error."""

    def fail(package: str) -> None:
        raise RuntimeError("no such host")

    monkeypatch.setattr(run, "interpreter", fail)
    assert run.run("pyap", {}).failure == "cannot be installed here"


def test_matches_of_pyap_are_mapped_to_the_original() -> None:
    """It looks at a text with blanks and commas tidied up, and says where in that."""
    text, cleaned = "at  12 Oak   St\n\nBoston ,MA", "at 12 Oak St, Boston, MA"
    match = SimpleNamespace(match_start=cleaned.index("12"), match_end=cleaned.index(", MA"))
    start, end = in_original(text, cleaned, match)
    assert text[start:end] == "12 Oak   St\n\nBoston"


@pytest.mark.parametrize("file", sorted(run.REQUIREMENTS.glob("*.txt")), ids=lambda f: f.stem)
def test_peers_are_pinned_by_hash(file: Path) -> None:
    """And from any index; every file has a peer."""
    text = file.read_text()
    assert file.stem in {peer.package for peer in PEERS.values()}
    assert f"{file.stem}==" in text
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index-url" not in text
