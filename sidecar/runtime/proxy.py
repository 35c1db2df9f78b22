"""The one request handler: read, inspect, forward, relay."""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from traceback import walk_tb
from typing import NamedTuple, TypeVar

from aiohttp import web

from sidecar.config import Config
from sidecar.core import errors
from sidecar.core.errors import Failure, Refusal
from sidecar.core.headers import (
    RawHeaders,
    for_downstream,
    for_upstream,
    leads_away,
    tokens,
    values,
)
from sidecar.core.routes import Route, RouteClass, base_urls, match
from sidecar.redact import Laborious, Redacted, Redactor
from sidecar.redact.inspect import inspect
from sidecar.runtime.logs import Log
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.server import refuse, reset
from sidecar.runtime.upstream import Answer, Upstream, UpstreamError
from sidecar.values import Address

# What takes longer than a fraction of a millisecond is inspected in a thread: large bodies, and
# strings of this size together in which something is suspected. RE2 and zlib release the
# interpreter lock; what they find is worked on in turns with the event loop.
OFFLOAD_BYTES = 65536
SUSPECT_BYTES = 4096
# Silence, in seconds, after which a peer that is expected to send or to read is given up.
BODY_SILENCE = 10.0
READER_SILENCE = 60.0
STREAM_SILENCE = 60.0  # what the SDKs themselves wait for the next event


T = TypeVar("T")
_VERSIONS = ((1, 0), (1, 1))


class _Outgoing(NamedTuple):
    """A request that has passed inspection."""

    target: bytes
    headers: RawHeaders
    body: bytes | None


class _Refused(Exception):
    """The request is answered here, and not forwarded."""

    def __init__(self, refusal: Refusal, *, close: bool = False) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.close = close


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


class Proxy:
    """Forwards the worker's requests to Zep, redacted, and Zep's answers back."""

    def __init__(
        self,
        config: Config,
        redactor: Redactor,
        upstream: Upstream,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._log = log
        self._limits = config.limits
        self._off = not config.flags.write
        self._allow_binary = config.redaction.allow_binary
        timeouts = config.timeouts
        self._timeouts = {
            RouteClass.CONTEXT: timeouts.read,
            RouteClass.WRITE: timeouts.write,
            RouteClass.HYBRID: timeouts.write,
            RouteClass.ERASE: timeouts.write,
            RouteClass.CONTROL: timeouts.control,
            RouteClass.UNKNOWN: timeouts.control,
        }
        self._redactor = redactor
        self._upstream = upstream
        self._metrics = metrics
        self._worker = ThreadPoolExecutor(max_workers=4, thread_name_prefix="redact")
        self._in_flight = 0
        self._draining = False
        self._drained = asyncio.Event()

    async def drain(self, patience: float) -> None:
        """Wait for the requests in flight, for at most `patience` seconds."""
        self._draining = True
        if self._in_flight:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._drained.wait()

    def close(self) -> None:
        """Stop the inspection thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request of the worker."""
        self._in_flight += 1
        try:
            return await self._serve(request)
        except _Refused as refused:
            # A body that was announced and not asked for may come or not: no way to go on.
            close = refused.close or self._draining or bool(values(request.raw_headers, b"expect"))
            return refuse(refused.refusal, close=close)
        except UpstreamError as error:
            return refuse(error.failure.refusal(), close=self._draining)
        except ConnectionError:  # the worker has gone
            raise
        except Exception as error:  # noqa: BLE001  said without the message, which could quote data
            self._log("internal_error", "error", reason=type(error).__name__, where=_where(error))
            return refuse(errors.INTERNAL, close=True)
        finally:
            self._in_flight -= 1
            if self._draining and not self._in_flight:
                self._drained.set()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        if not target.startswith("/") or request.method == "CONNECT":
            raise _Refused(errors.BAD_TARGET, close=True)
        if request.version not in _VERSIONS:
            raise _Refused(errors.BAD_VERSION, close=True)
        route = match(request.method, target)
        if route is None:
            raise _Refused(errors.no_prefix(base_urls(_origin(request))))
        if self._off and route.cls is not RouteClass.ERASE:
            raise _Refused(errors.OFF)
        if self._in_flight > self._limits.concurrency:
            raise _Refused(errors.OVERLOADED)
        outgoing = await self._inspect(request, route, target)
        wait = self._timeouts[route.cls]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._upstream.send(
                    request.method,
                    *outgoing,
                    repeatable=route.safe or any(values(request.raw_headers, b"idempotency-key")),
                )
        except TimeoutError:
            raise UpstreamError(Failure.TIMEOUT) from None
        try:
            if outgoing.body and leads_away(answer.headers, answer.status, self._upstream.url):
                raise _Refused(errors.REDIRECT_AWAY)
            if route.stream or route.cls is RouteClass.UNKNOWN or _is_event_stream(answer):
                return await self._relay(request, answer, STREAM_SILENCE, each=True)
            return await self._relay(request, answer, deadline - loop.time(), each=False)
        finally:
            answer.close()

    # --- inbound --------------------------------------------------------------------------------

    async def _inspect(self, request: web.BaseRequest, route: Route, target: str) -> _Outgoing:
        """Read the request whole and return what may leave; raises _Refused."""
        headers = request.raw_headers
        received = body = await self._read(request)
        if body:  # first, because nothing counts of what is refused
            body = self._counted(await self._redact(body, headers, route), "body")
        path, mark, query = target.encode("utf-8", "surrogateescape").partition(b"?")
        self._metrics.identifiers("path", self._redactor.path_identifiers(path))
        if query:
            query = self._counted(self._redactor.query(query), "query")
        return _Outgoing(
            path + mark + query, for_upstream(headers, changed=body is not received), body
        )

    def _counted(self, redacted: Redacted, place: str) -> bytes:
        self._metrics.redacted(redacted.counts)
        self._metrics.identifiers(place, redacted.identifiers)
        return redacted.body

    async def _read(self, request: web.BaseRequest) -> bytes | None:
        """Return the body as it was sent, or None where the request has none; raises _Refused."""
        if not self._announces_body(request):
            return None if request.content_length is None else b""
        expected = tokens(request.raw_headers, b"expect")
        if expected and request.transport and request.version >= (1, 1):  # RFC 9110 10.1.1
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        try:
            while part := await _within(BODY_SILENCE, request.content.readany()):
                body += part
                if len(body) > self._limits.body_bytes:
                    raise _Refused(errors.TOO_LARGE, close=True)
        except TimeoutError:
            raise _Refused(errors.BODY_TIMEOUT, close=True) from None
        except web.RequestPayloadError:
            raise _Refused(errors.BAD_REQUEST, close=True) from None
        return bytes(body)

    def _announces_body(self, request: web.BaseRequest) -> bool:
        """Tell whether a body will come; raises _Refused for one that cannot be served."""
        codings = tokens(request.raw_headers, b"transfer-encoding")
        if codings not in ([], [b"chunked"]):
            raise _Refused(errors.BAD_REQUEST, close=True)
        length = request.content_length
        if length and length > self._limits.body_bytes:
            raise _Refused(errors.TOO_LARGE, close=True)
        expected = tokens(request.raw_headers, b"expect")
        if expected not in ([], [b"100-continue"]):
            raise _Refused(errors.EXPECTATION, close=True)
        return bool(length) or bool(codings)

    async def _redact(self, body: bytes, headers: RawHeaders, route: Route) -> Redacted:
        job = partial(
            inspect,
            body,
            headers,
            route,
            self._redactor,
            limit=self._limits.body_bytes,
            allow_binary=self._allow_binary,
        )
        outcome = None
        if len(body) <= OFFLOAD_BYTES and not values(headers, b"content-encoding"):
            with suppress(Laborious):
                outcome = job(at_most=SUSPECT_BYTES)
        if outcome is None:
            outcome = await asyncio.get_running_loop().run_in_executor(self._worker, job)
        if isinstance(outcome, Refusal):
            raise _Refused(outcome)
        return outcome

    # --- outbound -------------------------------------------------------------------------------

    async def _relay(
        self, request: web.BaseRequest, answer: Answer, patience: float, *, each: bool
    ) -> web.StreamResponse:
        """Stream an answer to the worker; one that is cut off stays visibly cut off.

        `patience` is for all waits for Zep together, or for each of them. How long the worker
        takes to read does not count.
        """
        empty = request.method == "HEAD" or answer.status in (204, 304)
        sized = not answer.chunked and bool(values(answer.headers, b"content-length"))
        chunked = not empty and not sized and request.version >= (1, 1)
        keep_alive = request.keep_alive and not self._draining and (empty or sized or chunked)
        # Behind a declined upgrade the parser may have lost what was pipelined.
        keep_alive = keep_alive and not values(request.raw_headers, b"upgrade")
        loop = asyncio.get_running_loop()
        pending = self._head(request, answer, chunked=chunked, keep_alive=keep_alive)
        try:
            data = answer.ready()
            while not answer.complete:
                _write(request, pending + _framed(data, chunked))
                pending = b""
                await _within(READER_SILENCE, request.writer.drain())
                since = loop.time()
                data = await _within(patience, answer.chunk())
                patience -= 0 if each else loop.time() - since
            _write(request, pending + _framed(data, chunked) + (b"0\r\n\r\n" if chunked else b""))
        except (UpstreamError, TimeoutError):
            _write(request, pending)
            if request.transport and not sized and not chunked:
                reset(request.transport)  # nothing else tells this cut from a regular end
            return _Written(keep_alive=False)
        return _Written(keep_alive=keep_alive)

    def _head(
        self, request: web.BaseRequest, answer: Answer, *, chunked: bool, keep_alive: bool
    ) -> bytes:
        headers = for_downstream(
            answer.headers,
            status=answer.status,
            chunked=answer.chunked,
            upstream=self._upstream.url,
            sidecar=_origin(request),
        )
        lines = [b"%b: %b\r\n" % pair for pair in headers]
        if chunked:
            lines.append(b"Transfer-Encoding: chunked\r\n")
        if not keep_alive:
            lines.append(b"Connection: close\r\n")
        elif request.version < (1, 1):
            lines.append(b"Connection: keep-alive\r\n")
        reason = answer.reason.encode("utf-8", "surrogateescape")
        return b"HTTP/1.1 %d %b\r\n%b\r\n" % (answer.status, reason, b"".join(lines))


async def _within(seconds: float, awaited: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaited


def _framed(data: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if chunked and data else data


def _write(request: web.BaseRequest, data: bytes) -> None:
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the worker has gone")
    request.transport.write(data)


def _where(error: Exception) -> str:
    """Return the module and line in which an exception was raised."""
    frames = [(f.f_globals["__name__"], line) for f, line in walk_tb(error.__traceback__)]
    return "{}:{}".format(*frames[-1])


def _is_event_stream(answer: Answer) -> bool:
    types = values(answer.headers, b"content-type")
    return bool(types) and types[0].lower().startswith(b"text/event-stream")


def _origin(request: web.BaseRequest) -> str:
    """Return the sidecar's own base URL, from the socket: a Host field could say anything."""
    host, port = request.transport.get_extra_info("sockname")[:2] if request.transport else ("", 0)
    return f"http://{Address(host, port)}"
