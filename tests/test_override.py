"""The override file: strict, and every problem at once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config import ConfigError
from sidecar.override import MODES, Override, parse


@pytest.mark.parametrize(
    "document", ["", "# nothing\n", "---\n", "~", "mode: inherit", "mode: 'inherit'\n"]
)
def test_no_override(document: str) -> None:
    """Absent in all its forms."""
    assert parse(document.encode()) is None


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: str) -> None:
    """Bare or in quotes."""
    assert parse(f"mode: {mode}".encode()) == Override(mode)
    assert parse(f'mode: "{mode}"'.encode()) == Override(mode)


@pytest.mark.parametrize("word", ["off", "Off", "OFF", "no", "No"])
def test_bare_words_for_off(word: str) -> None:
    """Whatever YAML takes them for."""
    assert parse(f"mode: {word}".encode()) == Override("off")


def test_everything() -> None:
    """Each key of the contract."""
    document = """\
mode: write_only
reason: "INC-4821 p95 over 500 ms"
expires_at: 2026-11-22T18:00:00Z
percent: 10
salt: canary-1
match: track=canary, app.kubernetes.io/name=worker
"""
    assert parse(document.encode()) == Override(
        "write_only",
        "INC-4821 p95 over 500 ms",
        datetime(2026, 11, 22, 18, tzinfo=UTC),
        10.0,
        "canary-1",
        ("track=canary", "app.kubernetes.io/name=worker"),
    )


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ("mode: on", "mode"),
        ("mode: yes", "mode"),
        ("mode: true", "mode"),
        ("mode: writeonly", "mode"),
        ("mode:", "mode"),
        ("mode: [off]", "mode"),
        ("mode: {off: 1}", "mode"),
        ("reason: x", "mode"),
        ("mode: off\nreason: #4821", "reason"),
        ("mode: off\nreason: ''", "reason"),
        ('mode: off\nreason: "a\\nb"', "reason"),
        ("mode: off\nreason: " + "x" * 201, "reason"),
        ("mode: off\nexpires_at: 2026-11-22T18:00:00", "expires_at"),
        ("mode: off\nexpires_at: 2026-13-22T18:00:00Z", "expires_at"),
        ("mode: off\nexpires_at: 2026-11-22T24:30:00Z", "expires_at"),
        ("mode: off\nexpires_at: 30m", "expires_at"),
        ("mode: off\npercent: 10%", "percent"),
        ("mode: off\npercent: 101", "percent"),
        ("mode: off\npercent: -1", "percent"),
        ("mode: off\nmatch: canary", "match"),
        ("mode: off\nmatch: [a=b]", "match"),
        ("mode: off\nmode: off", "mode"),
        ("mode: off\nttl: 5", "ttl"),
        ("mode: &a off\nreason: *a", ""),
        ("- mode", ""),
        ("mode: off\n---\nmode: off", ""),
        ("mode: INC-1: slow", ""),
        ("reason: @alice\nmode: off", ""),
        ("[" * 16000, ""),
        ("mode: off\nreason: " + "[a," * 5000, ""),
        ("? " * 8000, ""),
        ("# " + "x" * 17000, ""),
        ("!!timestamp x", ""),
    ],
)
def test_invalid(document: str, key: str) -> None:
    """Refused, by its key."""
    with pytest.raises(ConfigError) as caught:
        parse(document.encode(), "o.yaml")
    problem = caught.value.problems[0]
    assert problem.key == key
    assert problem.where.startswith("o.yaml")
    assert problem.message


def test_every_problem_at_once() -> None:
    """With its line."""
    with pytest.raises(ConfigError) as caught:
        parse(b"mode: on\npercent: 10%\nttl: 5\n", "o.yaml")
    assert [p.where for p in caught.value.problems] == ["o.yaml:1", "o.yaml:2", "o.yaml:3"]


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda t: ("mode: " + t).encode("utf-8", "replace"))
)
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    """Nothing but ConfigError escapes."""
    try:
        override = parse(data)
    except ConfigError:
        return
    assert override is None or override.mode in MODES
