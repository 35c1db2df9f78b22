"""Answers go out byte for byte."""

import asyncio

import pytest

from sidecar.standin import StandIn


async def exchange(zep: StandIn, request: bytes) -> bytes:
    """Send raw bytes and return everything until the connection ends."""
    host, port = zep.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("status", "headers", "method", "expected"),
    [
        (200, (), "GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"),
        (
            200,
            (("X-A", "1"), ("x-a", "2"), ("Content-Length", "2")),
            "GET",
            b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n"
            b"Connection: close\r\n\r\nhi",
        ),
        (204, (), "GET", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        (200, (), "HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"),
        (
            299,
            (("Connection", "close"),),
            "GET",
            b"HTTP/1.1 299 Unknown\r\nConnection: close\r\n\r\nhi",
        ),
    ],
)
async def test_exact_answers(
    zep: StandIn, status: int, headers: tuple[tuple[str, str], ...], method: str, expected: bytes
) -> None:
    """Only the framing is added, and only when the given headers leave it open."""
    zep.answer(method, "/x", status, headers, b"hi")
    request = f"{method} /x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert await exchange(zep, request.encode()) == expected


async def test_a_connection_serves_several_requests(zep: StandIn) -> None:
    """Without a wish to close, the connection stays for the next request."""
    zep.answer("GET", "/x", 200, (), b"hi")
    one = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert (await exchange(zep, one + last)).count(b"hi") == 2


async def test_expect_is_answered_before_the_body(zep: StandIn) -> None:
    """A client that waits for 100 Continue gets it."""
    zep.answer("POST", "/x", 200, (), b"hi")
    head = b"POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\n"
    answer = await exchange(zep, head + b"Content-Length: 1\r\n\r\nb")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
