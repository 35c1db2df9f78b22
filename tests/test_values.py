"""Values from YAML nodes. Bad ones, with their messages, are in test_config.py."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sidecar import values
from sidecar.values import Address, Parser


def parse(parser: Parser, source: str) -> Any:
    """Parse YAML source."""
    node = yaml.compose(source, yaml.SafeLoader)
    assert node
    return parser(node)


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "ON"])
def test_true(word: str) -> None:
    """Whatever YAML makes of the word."""
    assert parse(values.boolean, word) is True
    assert parse(values.boolean, f"'{word}'") is True


@pytest.mark.parametrize("word", ["false", "FALSE", "0", "No", "off"])
def test_false(word: str) -> None:
    """Whatever YAML makes of the word."""
    assert parse(values.boolean, word) is False


@given(st.floats(0, 1e6).map(lambda x: f"{x:.6f}"))
def test_numbers(source: str) -> None:
    """Decimal, within bounds."""
    assert parse(values.number(0, 1e6), source) == float(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("localhost:0", Address("localhost", 0)),
        ("'[::]:65535'", Address("::", 65535)),
    ],
)
def test_addresses(source: str, expected: Address) -> None:
    """Written back the way they were read."""
    address = parse(values.address, source)
    assert address == expected
    assert str(address) == source.strip("'")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://api.getzep.com", "https://api.getzep.com"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://gw/zep//", "https://gw/zep"),
        ("'http://[::1]:80/p'", "http://[::1]:80/p"),
    ],
)
def test_urls(source: str, expected: str) -> None:
    """Without trailing slashes."""
    assert parse(values.url, source) == expected


def test_optional() -> None:
    """Null and nothing are None."""
    assert [parse(values.optional, s) for s in ("~", "''", "null", "x")] == [None, None, None, "x"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("''", None),
        ("redis://redis:6379/1", "redis://redis:6379/1"),
        ("rediss://user:secret@redis", "rediss://user:secret@redis"),
    ],
)
def test_redis_urls(source: str, expected: str | None) -> None:
    """As they are, or none."""
    assert parse(values.redis_url, source) == expected


@pytest.mark.parametrize("source", ["redis://", "http://:secret@x", "redis://:secret@x:99999", "x"])
def test_bad_redis_urls_are_not_repeated(source: str) -> None:
    """They may hold a password."""
    with pytest.raises(ValueError, match="must be redis://") as caught:
        parse(values.redis_url, source)
    assert "secret" not in str(caught.value)
