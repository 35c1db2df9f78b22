"""What an operator may ask for: parsed, or refused by its key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.control import (
    MAX_TTL,
    Force,
    check_id,
    check_mode,
    check_reason,
    check_ttl,
    parse_force,
    parse_invalidate,
    parse_nothing,
)


@pytest.mark.parametrize("reason", ["a", "inc-4821", "p95_over_500", "x" * 32])
def test_reason(reason: str) -> None:
    """What can stand in a header and in a log line as it is."""
    assert check_reason(reason) == reason


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "x" * 33,
        "INC",
        "a b",
        'a"b',
        "a\nb",
        "a\n",
        "a\r\nX-Y: z",
        "ş",
        "a;b",
        "\0",
        None,
        1,
        [],
    ],
)
def test_bad_reason(reason: object) -> None:
    """Also with only a newline at its end."""
    with pytest.raises(ValueError, match="1 to 32"):
        check_reason(reason)


@pytest.mark.parametrize("ttl", [1, 0.5, 600, MAX_TTL])
def test_ttl(ttl: float) -> None:
    """Seconds."""
    assert check_ttl(ttl) == ttl


@pytest.mark.parametrize(
    "ttl", [0, -1, True, "60", None, float("nan"), float("inf"), 10**400, MAX_TTL + 1]
)
def test_bad_ttl(ttl: object) -> None:
    """Nothing that a deadline cannot be made of."""
    with pytest.raises(ValueError, match="seconds"):
        check_ttl(ttl)


def test_mode_only_lowers() -> None:
    """To force is to limit."""
    assert [check_mode(mode) for mode in ("write_only", "off")] == ["write_only", "off"]
    for mode in ("read_write", "", None, ["off"]):
        with pytest.raises(ValueError, match="write_only or off"):
            check_mode(mode)


def test_id() -> None:
    """Zep's ids are any text, of a size that is still an id."""
    assert check_id("ayşe@example.com") == "ayşe@example.com"
    for id_ in ("", "x" * 513, 5, None):
        with pytest.raises(ValueError, match="1 to 512"):
            check_id(id_)


def test_force() -> None:
    """Only the reason is needed; a ttl of null is none."""
    assert parse_force(b'{"reason":"a"}') == Force("a", "write_only", None, False)
    assert parse_force(b'{"reason":"a","ttl":null}') == Force("a")
    body = b'{"reason":"a","mode":"off","ttl":5,"allow_stale":true}'
    assert parse_force(body) == Force("a", "off", 5.0, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "reason: is missing"),
        (b'{"mode":"off"}', "reason: is missing"),
        (b'{"reason":"a","reason":"b"}', "reason: stands here a second time"),
        (b'{"reason":"a","planted":1}', "unknown key; known are reason, mode, ttl, allow_stale"),
        (b'{"reason":"a","allow_stale":1}', "allow_stale: must be true or false"),
        (b'{"reason":"a","ttl":"5"}', "ttl: must be seconds"),
        (b'{"reason":"a","ttl":NaN}', "ttl: must be seconds"),
        (b'{"reason":"a","mode":"read_write"}', "mode: must be write_only or off"),
        (b'{"reason":"a"', "the body is not JSON"),
        (b'{"reason":"\xff"}', "the body is not JSON"),
        (b"[" * 4096, "the body is not JSON"),
        (b'{"ttl":' + b"9" * 4090, "the body is not JSON"),
        (b'[["reason","a"]]', "the body is not a JSON object"),
        (b'"reason"', "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
    ],
)
def test_bad_force(body: bytes, message: str) -> None:
    """Refused with what and where, never with the value."""
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        parse_force(body)
    assert "planted" not in str(caught.value)


def test_invalidate() -> None:
    """Exactly one id."""
    assert parse_invalidate(b'{"id":"t1"}') == "t1"
    for body in (b"", b"{}", b'{"id":""}', b'{"id":{}}', b'{"id":"a","x":1}'):
        with pytest.raises(ValueError, match="id"):
            parse_invalidate(body)


def test_nothing() -> None:
    """An empty body or an empty object."""
    parse_nothing(b"")
    parse_nothing(b"{}")
    with pytest.raises(ValueError, match="none is expected"):
        parse_nothing(b'{"a":1}')


@given(
    st.binary()
    | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    """Nothing but ValueError escapes."""
    for parse in (parse_force, parse_invalidate, parse_nothing):
        try:
            parse(body)
        except ValueError:
            continue
