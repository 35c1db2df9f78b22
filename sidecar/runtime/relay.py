"""How an answer reaches the worker: whole or streamed, marked with what the sidecar did."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import NamedTuple, TypeVar

from sidecar.core.answers import Answer as OwnAnswer
from sidecar.core.cache import Value
from sidecar.core.cache_key import TAUGHT_MOST
from sidecar.core.errors import Refusal
from sidecar.core.headers import AnyHeaders, for_downstream, lines, values
from sidecar.runtime import clock
from sidecar.runtime.account import Mark
from sidecar.runtime.server import JSON, Reply, Request, head, reply, reset
from sidecar.runtime.upstream import Answer, UpstreamError
from sidecar.values import Address

# Silence, in seconds, after which a worker that is expected to read is given up.
READER_SILENCE = 60.0

T = TypeVar("T")


_SERVER = b"Server: zep-sidecar\r\n"


class Whole(NamedTuple):
    """An answer of Zep that has been read to its end."""

    status: int
    reason: str
    headers: AnyHeaders
    body: bytes


def refused(request: Request, refusal: Refusal, mark: Mark, *, close: bool) -> Reply:
    """Return the answer for a refusal."""
    request.account.answered(refusal.status, mark)
    return reply(request, refusal.status, JSON + mark.lines, refusal.body(), close=close)


def own(request: Request, answer: OwnAnswer, mark: Mark, *, close: bool) -> Reply:
    """Return an answer of the sidecar in Zep's place."""
    request.account.answered(answer.status, mark)
    kind = f"Content-Type: {answer.content_type}\r\n".encode()
    return reply(request, answer.status, _SERVER + kind + mark.lines, answer.body, close=close)


def kept(request: Request, value: Value, mark: Mark, *, close: bool) -> Reply:
    """Return an answer that Zep gave earlier."""
    request.account.answered(200, mark)
    kind = b"Content-Type: %b\r\n" % (value.content_type or b"application/json")
    if value.content_encoding:
        kind += b"Content-Encoding: %b\r\n" % value.content_encoding
    return reply(request, 200, _SERVER + kind + mark.lines, value.body, close=close)


class Relay:
    """Writes Zep's answers; `upstream` is Zep's base URL."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    def whole(self, request: Request, answer: Whole, mark: Mark, *, close: bool) -> Reply:
        """Write an answer that is there."""
        request.account.answered(answer.status, mark)
        keep_alive = request.keep_alive and not close
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        # Our own length is true of every body that is there.
        fields = self._lines(request, answer.status, answer.headers, mark, sized=bodiless)
        if not bodiless:
            fields += b"Content-Length: %d\r\n" % len(answer.body)
        start = head(request.version, answer.status, answer.reason, fields, keep_alive=keep_alive)
        return Reply(start + answer.body, keep_alive)

    async def stream(
        self,
        request: Request,
        answer: Answer,
        mark: Mark,
        patience: float,
        *,
        each: bool,
        close: bool,
        seen: bytearray | None = None,
    ) -> Reply:
        """Stream an answer to the worker; one that is cut off stays visibly cut off.

        `patience` is for all waits for Zep together, or for each of them. How long the worker
        takes to read does not count. What passes is appended to `seen`, if it is not too much.
        """
        account = request.account
        account.answered(answer.status, mark)
        empty = request.method == "HEAD" or answer.status in (204, 304)
        sized = not answer.chunked and bool(values(answer.headers, b"content-length"))
        chunked = not empty and not sized and request.version >= (1, 1)
        keep_alive = request.keep_alive and not close and (empty or sized or chunked)
        fields = self._lines(request, answer.status, answer.headers, mark, sized=not answer.chunked)
        if chunked:
            fields += b"Transfer-Encoding: chunked\r\n"
        pending = head(request.version, answer.status, answer.reason, fields, keep_alive=keep_alive)
        before = clock.mono()
        try:
            data = answer.ready()
            _see(seen, data)
            while not answer.complete:
                request.write(pending + _framed(data, chunked))
                pending = b""
                before = clock.mono()
                await _within(READER_SILENCE, request.drain())
                since = clock.mono()
                data = await _within(patience, answer.chunk())
                patience -= 0 if each else clock.mono() - since
                account.waited += clock.mono() - before
                _see(seen, data)
        except (UpstreamError, TimeoutError):
            account.waited += clock.mono() - before
            request.write(pending)
            if request.transport and not sized and not chunked:
                reset(request.transport)  # nothing else tells this cut from a regular end
            return Reply(b"", keep_alive=False)
        last = b"0\r\n\r\n" if chunked else b""
        return Reply(pending + _framed(data, chunked) + last, keep_alive)

    def _lines(
        self, request: Request, status: int, headers: AnyHeaders, mark: Mark, *, sized: bool
    ) -> bytes:
        kept = for_downstream(
            headers,
            status=status,
            chunked=not sized,
            upstream=self._upstream,
            sidecar=partial(origin, request),
        )
        return lines(kept) + mark.lines


async def _within(seconds: float, awaited: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaited


def _see(seen: bytearray | None, data: bytes) -> None:
    if seen is not None and len(seen) <= TAUGHT_MOST:
        seen += data


def _framed(data: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if chunked and data else data


def origin(request: Request) -> str:
    """Return the sidecar's own base URL, from the socket: a Host field could say anything."""
    host, port = request.transport.get_extra_info("sockname")[:2] if request.transport else ("", 0)
    return f"http://{Address(host, port)}"
