"""What is told from the surroundings of an offset agrees with a walk over the document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.routes import Fields
from sidecar.redact.body import Redactor
from sidecar.redact.locate import locate
from sidecar.redact.policy import Policy

REDACTOR = Redactor(Policy())
NAMES = ["content", "user_id", "metadata", "search_filters", "role", "phone", "a\\b", 'q"', "ş"]
# Texts that look like the punctuation of JSON around them.
TEXTS = st.lists(
    st.sampled_from(
        ["a@b.co", *"\"\\,:{}[] x\nş", "05321234567", "true"]
    ),
    max_size=8,
).map("".join)  # fmt: skip
VALUES = st.recursive(
    TEXTS | st.sampled_from([905321234567, 1, None, True, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_agrees_with_a_walk(value: Any, ascii_only: bool, indent: int | None) -> None:
    """Whatever the document: the same edits with and without the short cut."""
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    offsets = REDACTOR._gate.suspicions(body)
    walked = sorted(REDACTOR._walk(body, Fields.SCHEMA, {}, offsets))
    assert REDACTOR._edits_in_json(body, Fields.SCHEMA, {}, offsets) == walked


@given(VALUES, st.integers(0, 200))
def test_is_right_or_silent(value: Any, offset: int) -> None:
    """At any offset of a document: the very value that is there with its key, or no answer."""
    body = json.dumps(value).encode()
    for start, end, key, fields in locate(body, [offset], Fields.SCHEMA, {}) or []:
        assert offset <= end
        members: list[tuple[str, Any]] = []
        json.loads(body, object_pairs_hook=members.extend)
        assert (key, json.loads(body[start:end].join([b'"', b'"']))) in [
            (k, v if isinstance(v, str) else json.dumps(v)) for k, v in members
        ]
        assert fields is Fields.SCHEMA.child(key)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"content": "at a@b.co"}', ("at a@b.co", "content", Fields.SCHEMA)),
        (b'{"n":1,"phone":905321234567}', ("905321234567", "phone", Fields.SCHEMA)),
        (b'{"user_id":"a@b.co"}', ("a@b.co", "user_id", Fields.IDENTIFIER)),
        (b'{"user_id":"a@b.co","metadata":{}}', None),
        (b'{"content":"a@b.co","search_filters":{}}', None),
        (b'["a@b.co"]', None),
        (b'{"a@b.co":1}', None),
        (b'{"x":", a@b.co 0532 ,"}', (", a@b.co 0532 ,", "x", Fields.SCHEMA)),
        (b'{"x":"y","z":", 905321234567 ,"}', None),
    ],
)
def test_examples(body: bytes, found: tuple[str, str, Fields] | None) -> None:
    """Members are found; arrays, keys, and what other members decide about take a walk."""
    offset = max(body.find(b"@"), body.find(b"90532"))
    values = locate(body, [offset], Fields.SCHEMA, {})
    if found is None:
        assert values is None
    else:
        assert values is not None
        ((start, end, key, fields),) = values
        assert (body[start:end].decode(), key, fields) == found
