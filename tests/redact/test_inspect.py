"""From a body as it came to the body that may leave."""

import gzip

import pytest

from sidecar.core.errors import Refusal
from sidecar.core.headers import RawHeaders
from sidecar.core.routes import Route, RouteClass
from sidecar.redact import Policy, Redacted, Redactor
from sidecar.redact.inspect import inspect

REDACTOR = Redactor(Policy())
ROUTE = Route("v2", "POST", "/graph", RouteClass.WRITE)
DIRTY, CLEAN = b'{"a":"x@y.com"}', b'{"a":"b"}'


def run(body: bytes, *headers: tuple[bytes, bytes], limit: int = 1000) -> Redacted | Refusal:
    """Inspect with the usual arguments."""
    fields: RawHeaders = headers
    return inspect(body, fields, ROUTE, REDACTOR, limit=limit, allow_binary=False)


def test_clean_and_dirty() -> None:
    """The same object, or the redacted bytes with their counts."""
    clean, dirty = run(CLEAN), run(DIRTY)
    assert isinstance(clean, Redacted)
    assert clean.body is CLEAN
    assert dirty == Redacted(b'{"a":"[EMAIL]"}', {"email": 1})


def test_encoded() -> None:
    """A clean encoded body comes back encoded, a changed one decoded."""
    coded = (b"Content-Encoding", b"gzip")
    packed = gzip.compress(CLEAN)
    clean = run(packed, coded)
    assert isinstance(clean, Redacted)
    assert clean.body is packed
    assert run(gzip.compress(DIRTY), coded) == run(DIRTY)


def test_the_limit_holds_for_the_decoded_body() -> None:
    """A small body can be a large one."""
    outcome = run(gzip.compress(b" " * 2000), (b"Content-Encoding", b"gzip"))
    assert isinstance(outcome, Refusal)
    assert outcome.status == 413


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a":"x\\u0040y.com"}', b"text/plain", b'{"a":"[EMAIL]"}'),
        (b"{x@y.com", b"text/plain", b"{[EMAIL]"),
        (b"x@y.com", b"text/plain", b"[EMAIL]"),
        (b"905321234567", b"text/plain", b"[PHONE]"),
        (b'{"a":"x@y.com"}', b"application/octet-stream", b'{"a":"[EMAIL]"}'),
    ],
)
def test_by_type(body: bytes, content_type: bytes, expected: bytes) -> None:
    """Text is text unless it is a JSON document; any other type must be JSON."""
    outcome = run(body, (b"Content-Type", content_type))
    assert isinstance(outcome, Redacted)
    assert outcome.body == expected


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", b"application/json", 400),
        (b"{", b"application/zip", 415),
        (b"\xff", b"text/plain", 400),
        (b"{}", b"application/json; charset=latin-1", 415),
    ],
)
def test_refusals(body: bytes, content_type: bytes, status: int) -> None:
    """Each says what to fix by its status."""
    outcome = run(body, (b"Content-Type", content_type))
    assert isinstance(outcome, Refusal)
    assert outcome.status == status
