"""`return_context`, in requests and in answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.return_context import (
    StripMemory,
    asks_for_context,
    strip_return_context,
    with_context,
)


@pytest.mark.parametrize(
    ("body", "asks", "stripped"),
    [
        (b'{"return_context":true}', True, b'{"return_context":false}'),
        (b' {"a": 1 , "return_context" :\ttrue , "b":[]}', True,
         b' {"a": 1 , "return_context" :\tfalse , "b":[]}'),
        (b'{"return_context": true\n}', True, b'{"return_context": false\n}'),
        (b'{"return_context":false}', False, None),
        (b'{"return_context":null}', False, b'{"return_context":false}'),
        (b'{"return_context":"true"}', False, b'{"return_context":false}'),
        (b'{"return_context":{"a":[true,{"b":"}"}]},"z":1}', False,
         b'{"return_context":false,"z":1}'),
        (b'{"return_context":true,"return_context":false}', True,
         b'{"return_context":false,"return_context":false}'),
        (b'{"return_context":false,"return_context":true}', True,
         b'{"return_context":false,"return_context":false}'),
        (rb'{"return\u005fcontext":true}', True, rb'{"return\u005fcontext":false}'),
        (rb'{"\u0072eturn_context":true}', True, rb'{"\u0072eturn_context":false}'),
        (b'{"Return_Context":true}', True, b'{"Return_Context":false}'),
        (rb'{"\u0052eturn_context":true}', True, rb'{"\u0052eturn_context":false}'),
        (b'{"messages":[{"return_context":true}],"m":{"return_context":true}}', False, None),
        (b'{"x":"return_context","y":true}', False, None),
        (rb'{"x":"\"return_context\":true,","y\\":"return_context"}', False, None),
        (b'{"x":"{","return_context":true,"y":"}"}', True,
         b'{"x":"{","return_context":false,"y":"}"}'),
        (b'[{"return_context":true}]', False, None),
        (b'"return_context"', False, None),
        (b'plain {"return_context":true}', False, None),
        (b'{"return_context":true', False, None),
        (b'{"\xff":1,"return_context":true}', True, b'{"\xff":1,"return_context":false}'),
        (b"{}", False, None),
        (b"", False, None),
    ],
)  # fmt: skip
def test_requests(body: bytes, asks: bool, stripped: bytes | None) -> None:
    """Only members of the outermost object count, each of them, however they are written."""
    assert asks_for_context(body) is asks
    result = strip_return_context(body)
    if stripped is None:
        assert result is body
    else:
        assert result == stripped
    assert not asks_for_context(result)


@pytest.mark.parametrize(
    ("answer", "completed"),
    [
        (b"{}", b'{"context":""}'),
        (b" { } ", b' {"context":"" } '),
        (b'{"message_uuids": ["a"]}', b'{"context":"","message_uuids": ["a"]}'),
        (b'{"a":1,"context": null }', b'{"a":1,"context": "" }'),
        (rb'{"conte\u0078t":null}', rb'{"conte\u0078t":""}'),
        (b'{"context":"","a":1}', None),
        (b'{"context":"x"}', None),
        (b'{"context":null,"context":"x"}', None),
        (b'{"context":"x","context":null}', b'{"context":"x","context":""}'),
        (b'{"a":{"context":"x"}}', b'{"context":"","a":{"context":"x"}}'),
        (b"[]", None),
        (b'[{"a":1}]', None),
        (b"OK", None),
        (b"", None),
    ],
)
def test_answers(answer: bytes, completed: bytes | None) -> None:
    """The context is there, and a string."""
    result = with_context(answer)
    assert result == (answer if completed is None else completed)


TEXT = st.text(max_size=6) | st.sampled_from(["return_context", "context"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=4)


@given(OBJECTS, st.booleans(), st.sampled_from([None, 1]))
def test_any_object(value: dict[str, object], ascii_only: bool, indent: int | None) -> None:
    """Nothing but the one member changes, however the rest is written."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(errors="replace")
    read = json.loads(body)
    names = [name for name in read if name.lower() == "return_context"]
    assert asks_for_context(body) is any(read[name] is True for name in names)
    assert json.loads(strip_return_context(body)) == read | dict.fromkeys(names, False)
    context = {} if read.get("context") is not None else {"context": ""}
    assert json.loads(with_context(body)) == read | context


@given(st.binary() | st.text('{}[]",:\\truefalsn_cxo ').map(str.encode))
def test_any_bytes(body: bytes) -> None:
    """Nothing raises."""
    asks_for_context(body)
    strip_return_context(body)
    with_context(body)


def test_a_key_keeps_its_first_decision() -> None:
    """For ten minutes from the first request, whatever the mode is by then."""
    memory = StripMemory()
    assert memory.settle("a", True, 0.0) is True
    assert memory.settle("b", False, 300.0) is False
    assert memory.settle("a", False, 600.0) is True
    assert memory.settle("b", True, 600.0) is False
    assert memory.settle("a", False, 600.1) is False


def test_a_bounded_number_of_keys() -> None:
    """The oldest go first; one that is known makes none go."""
    memory = StripMemory()
    for n in range(memory.MOST):
        memory.settle(str(n), True, 0.0)
    assert memory.settle("0", False, 0.0) is True
    memory.settle("new", True, 0.0)
    assert memory.settle("1", False, 0.0) is True
    assert memory.settle("0", False, 0.0) is False
