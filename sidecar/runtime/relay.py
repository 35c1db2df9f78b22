"""How an answer reaches the worker: whole or streamed, marked with what the sidecar did."""

import asyncio
from collections.abc import Awaitable
from typing import NamedTuple, TypeVar

from aiohttp import web

from sidecar.core.answers import Answer as OwnAnswer
from sidecar.core.cache import Value
from sidecar.core.cache_key import TAUGHT_MOST
from sidecar.core.errors import Refusal
from sidecar.core.headers import RawHeaders, for_downstream, values
from sidecar.runtime.account import ACCOUNT, Mark
from sidecar.runtime.server import refuse, reset
from sidecar.runtime.upstream import Answer, UpstreamError
from sidecar.values import Address

# Silence, in seconds, after which a worker that is expected to read is given up.
READER_SILENCE = 60.0

T = TypeVar("T")


class Whole(NamedTuple):
    """An answer of Zep that has been read to its end."""

    status: int
    reason: str
    headers: RawHeaders
    body: bytes


class _Written(web.StreamResponse):
    """Stands for an answer that is already on the wire."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._keeps = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._keeps

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: head and body have been written."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body has been written."""


def refused(request: web.BaseRequest, refusal: Refusal, mark: Mark, *, close: bool) -> web.Response:
    """Return the answer for a refusal."""
    request[ACCOUNT].answered(refusal.status, mark)
    response = refuse(refusal, close=close)
    response.headers.update(mark.fields())
    return response


def own(request: web.BaseRequest, answer: OwnAnswer, mark: Mark, *, close: bool) -> web.Response:
    """Return an answer of the sidecar in Zep's place."""
    request[ACCOUNT].answered(answer.status, mark)
    headers = {"Content-Type": answer.content_type, "Server": "zep-sidecar", **mark.fields()}
    response = web.Response(status=answer.status, body=answer.body, headers=headers)
    if close or _upgrades(request):
        response.force_close()
    return response


def kept(request: web.BaseRequest, value: Value, mark: Mark, *, close: bool) -> web.Response:
    """Return an answer that Zep gave earlier."""
    request[ACCOUNT].answered(200, mark)
    content_type = value.content_type.decode("latin-1") or "application/json"
    headers = {"Server": "zep-sidecar", "Content-Type": content_type, **mark.fields()}
    if value.content_encoding:
        headers["Content-Encoding"] = value.content_encoding.decode("latin-1")
    response = web.Response(body=value.body, headers=headers)
    if close or _upgrades(request):
        response.force_close()
    return response


def _upgrades(request: web.BaseRequest) -> bool:
    """Tell whether the parser may have lost what was pipelined, behind an upgrade we declined."""
    return bool(values(request.raw_headers, b"upgrade"))


class Relay:
    """Writes Zep's answers; `upstream` is Zep's base URL."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    def whole(
        self, request: web.BaseRequest, answer: Whole, mark: Mark, *, close: bool
    ) -> web.StreamResponse:
        """Write an answer that is there."""
        request[ACCOUNT].answered(answer.status, mark)
        keep_alive = request.keep_alive and not close and not _upgrades(request)
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        headers = tuple(p for p in answer.headers if bodiless or p[0].lower() != b"content-length")
        lines = self._lines(request, answer.status, headers, mark, chunked=False)
        if not bodiless:
            lines.append(b"Content-Length: %d\r\n" % len(answer.body))
        head = _head(request, answer.status, answer.reason, lines, keep_alive=keep_alive)
        _write(request, head + answer.body)
        return _Written(keep_alive=keep_alive)

    async def stream(
        self,
        request: web.BaseRequest,
        answer: Answer,
        mark: Mark,
        patience: float,
        *,
        each: bool,
        close: bool,
        seen: bytearray | None = None,
    ) -> web.StreamResponse:
        """Stream an answer to the worker; one that is cut off stays visibly cut off.

        `patience` is for all waits for Zep together, or for each of them. How long the worker
        takes to read does not count. What passes is appended to `seen`, if it is not too much.
        """
        account = request[ACCOUNT]
        account.answered(answer.status, mark)
        empty = request.method == "HEAD" or answer.status in (204, 304)
        sized = not answer.chunked and bool(values(answer.headers, b"content-length"))
        chunked = not empty and not sized and request.version >= (1, 1)
        keep_alive = request.keep_alive and not close and (empty or sized or chunked)
        keep_alive = keep_alive and not _upgrades(request)
        loop = asyncio.get_running_loop()
        lines = self._lines(request, answer.status, answer.headers, mark, chunked=answer.chunked)
        if chunked:
            lines.append(b"Transfer-Encoding: chunked\r\n")
        pending = _head(request, answer.status, answer.reason, lines, keep_alive=keep_alive)
        before = loop.time()
        try:
            data = answer.ready()
            _see(seen, data)
            while not answer.complete:
                _write(request, pending + _framed(data, chunked))
                pending = b""
                before = loop.time()
                await _within(READER_SILENCE, request.writer.drain())
                since = loop.time()
                data = await _within(patience, answer.chunk())
                patience -= 0 if each else loop.time() - since
                account.waited += loop.time() - before
                _see(seen, data)
            _write(request, pending + _framed(data, chunked) + (b"0\r\n\r\n" if chunked else b""))
        except (UpstreamError, TimeoutError):
            account.waited += loop.time() - before
            _write(request, pending)
            if request.transport and not sized and not chunked:
                reset(request.transport)  # nothing else tells this cut from a regular end
            return _Written(keep_alive=False)
        return _Written(keep_alive=keep_alive)

    def _lines(
        self,
        request: web.BaseRequest,
        status: int,
        headers: RawHeaders,
        mark: Mark,
        *,
        chunked: bool,
    ) -> list[bytes]:
        kept = for_downstream(
            headers,
            status=status,
            chunked=chunked,
            upstream=self._upstream,
            sidecar=origin(request),
        )
        lines = [b"%b: %b\r\n" % pair for pair in kept]
        return lines + [f"{name}: {value}\r\n".encode() for name, value in mark.fields().items()]


def _head(
    request: web.BaseRequest, status: int, reason: str, lines: list[bytes], *, keep_alive: bool
) -> bytes:
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    elif request.version < (1, 1):
        lines.append(b"Connection: keep-alive\r\n")
    phrase = reason.encode("utf-8", "surrogateescape")
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, phrase, b"".join(lines))


async def _within(seconds: float, awaited: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaited


def _see(seen: bytearray | None, data: bytes) -> None:
    if seen is not None and len(seen) <= TAUGHT_MOST:
        seen += data


def _framed(data: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if chunked and data else data


def _write(request: web.BaseRequest, data: bytes) -> None:
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the worker has gone")
    request.transport.write(data)


def origin(request: web.BaseRequest) -> str:
    """Return the sidecar's own base URL, from the socket: a Host field could say anything."""
    host, port = request.transport.get_extra_info("sockname")[:2] if request.transport else ("", 0)
    return f"http://{Address(host, port)}"
