"""Header fields, redirects."""

import pytest

from sidecar.core.headers import (
    HOP_BY_HOP,
    RawHeaders,
    for_downstream,
    for_upstream,
    leads_away,
    tokens,
)

ZEP = "https://api.getzep.com"
SIDECAR = "http://127.0.0.1:8790"


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_hop_by_hop_fields_go_in_both_directions(name: bytes) -> None:
    """Whatever their case."""
    headers: RawHeaders = ((name.title(), b"x"), (b"X-A", b"1"))
    assert for_upstream(headers, changed=False).fields == ((b"X-A", b"1"),)
    down = for_downstream(headers, status=200, chunked=False, upstream=ZEP, sidecar=lambda: SIDECAR)
    assert down == [(b"X-A", b"1")]


def test_fields_that_connection_names_go() -> None:
    """Over several Connection fields, with blanks and empty members."""
    headers: RawHeaders = (
        (b"Connection", b" close ,, X-One"),
        (b"connection", b"x-TWO"),
        (b"x-one", b"1"),
        (b"X-Two", b"2"),
        (b"X-Three", b"3"),
    )
    assert for_upstream(headers, changed=False).fields == ((b"X-Three", b"3"),)


def test_content_encoding_goes_only_with_the_coding() -> None:
    """A body that leaves decoded must not say that it is encoded."""
    headers: RawHeaders = ((b"Content-Encoding", b"gzip"), (b"Content-Length", b"9"))
    assert for_upstream(((b"Content-MD5", b"x"), (b"Digest", b"y")), changed=True).fields == ()
    assert for_upstream(headers, changed=False).fields == ((b"Content-Encoding", b"gzip"),)
    assert for_upstream(headers, changed=True).fields == ()


@pytest.mark.parametrize(
    ("status", "chunked", "kept"), [(200, False, True), (200, True, False), (204, False, False)]
)
def test_content_length_stays_where_it_is_true(status: int, chunked: bool, kept: bool) -> None:
    """Not beside chunks, not without content."""
    down = for_downstream(
        ((b"Content-Length", b"3"),),
        status=status,
        chunked=chunked,
        upstream=ZEP,
        sidecar=lambda: SIDECAR,
    )
    assert bool(down) is kept


@pytest.mark.parametrize(
    ("upstream", "location", "expected"),
    [
        (ZEP, "https://api.getzep.com/api/v4/x?y=1#z", f"{SIDECAR}/api/v4/x?y=1#z"),
        (ZEP, "http://API.getzep.com:80/a", f"{SIDECAR}/a"),
        (ZEP, "//api.getzep.com/a", f"{SIDECAR}/a"),
        (ZEP, "https://api.getzep.com", f"{SIDECAR}/"),
        (ZEP, "https://api.getzep.com?x=1", f"{SIDECAR}/?x=1"),
        (ZEP, "https://user@api.getzep.com/a", f"{SIDECAR}/a"),
        (ZEP, "/a/b", "/a/b"),
        (ZEP, "b", "b"),
        (ZEP, "https://evil.example/x", "https://evil.example/x"),
        (ZEP, "https://api.getzep.com.evil.example/", "https://api.getzep.com.evil.example/"),
        (ZEP, "https://[broken/", "https://[broken/"),
        (ZEP, "https://api.getzep.com:8443/x", "https://api.getzep.com:8443/x"),
        ("http://127.0.0.1:81", "http://127.0.0.1:82/x", "http://127.0.0.1:82/x"),
        ("http://127.0.0.1:81", "https://127.0.0.1:81/x", f"{SIDECAR}/x"),
        ("https://gw.x/zep", "https://gw.x/zep/api?x", f"{SIDECAR}/api?x"),
        ("https://gw.x/zep", "/zep/api", "/api"),
        ("https://gw.x/zep", "/zep?x", "/?x"),
        ("https://gw.x/zep", "/zepp/x", "/zepp/x"),
        ("https://gw.x/zep", "//gw.x/zep", f"{SIDECAR}/"),
    ],
)
def test_location(upstream: str, location: str, expected: str) -> None:
    """A redirect at the upstream's host comes back to the sidecar; any other stays."""
    down = for_downstream(
        ((b"Location", location.encode()),),
        status=301,
        chunked=False,
        upstream=upstream,
        sidecar=lambda: SIDECAR,
    )
    assert down == [(b"Location", expected.encode())]


@pytest.mark.parametrize("status", [200, 201, 202, 300, 308])
def test_location_at_any_status(status: int) -> None:
    """Whoever follows it must come back to the sidecar."""
    headers: RawHeaders = ((b"Location", b"https://api.getzep.com/x"),)
    down = for_downstream(
        headers, status=status, chunked=False, upstream=ZEP, sidecar=lambda: SIDECAR
    )
    assert down == [(b"Location", f"{SIDECAR}/x".encode())]


@pytest.mark.parametrize(
    ("status", "location", "away"),
    [
        (307, b"https://evil.example/x", True),
        (308, b"https://[broken/", True),
        (308, b"https://api.getzep.com/x", False),
        (307, b"/x", False),
        (302, b"https://evil.example/x", False),
    ],
)
def test_leads_away(status: int, location: bytes, away: bool) -> None:
    """Only 307 and 308 repeat the body."""
    assert leads_away(((b"Location", location),), status, ZEP) is away


def test_tokens() -> None:
    """Members of a list field, lowered, over repetitions."""
    headers: RawHeaders = ((b"A", b"X, y ,"), (b"a", b"Z"), (b"b", b"n"))
    assert tokens(headers, b"a") == [b"x", b"y", b"z"]
