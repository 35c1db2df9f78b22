"""What comes from the worker: read whole, inspected, and ready to leave."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from aiohttp.web import RequestPayloadError

from sidecar.config import Config
from sidecar.core import errors
from sidecar.core.answers import class_of
from sidecar.core.encoding import decode
from sidecar.core.errors import Refusal
from sidecar.core.headers import RawHeaders, for_upstream, tokens, values
from sidecar.core.return_context import strip_return_context
from sidecar.core.routes import Route, RouteClass
from sidecar.redact import Laborious, Redacted, Redactor
from sidecar.redact.inspect import inspect
from sidecar.runtime import clock
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.server import Request

# What takes longer than a fraction of a millisecond is inspected in a thread: large bodies, and
# strings of this size together in which something is suspected. RE2 and zlib release the
# interpreter lock; what they find is worked on in turns with the event loop.
OFFLOAD_BYTES = 65536
SUSPECT_BYTES = 4096
# Silence, in seconds, after which a worker that is expected to send is given up.
BODY_SILENCE = 10.0

T = TypeVar("T")


class Outgoing(NamedTuple):
    """A request that has passed inspection."""

    target: bytes
    headers: RawHeaders
    body: bytes | None
    found: tuple[tuple[str, Redacted], ...] = ()
    """What inspection found, by the part of the request."""


class Refused(Exception):
    """The request is answered here, and not forwarded."""

    def __init__(self, refusal: Refusal, *, close: bool = False) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.close = close


class Inbound:
    """Reads and inspects requests."""

    def __init__(self, config: Config, redactor: Redactor, metrics: Metrics) -> None:
        self._body_bytes = config.limits.body_bytes
        self._allow_binary = config.redaction.allow_binary
        self._redactor = redactor
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="redact")

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def inspect(self, request: Request, route: Route, received: bytes | None) -> Outgoing:
        """Return what of a request may leave; raises Refused."""
        headers, body = request.raw_headers, received
        path, mark, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
        found = [("path", Redacted(path, {}, self._redactor.path_identifiers(path)))]
        if body:
            found.append(("body", await self._redact(body, headers, route)))
            body = found[-1][1].body
        if query:
            found.append(("query", self._redactor.query(query)))
            query = found[-1][1].body
        kept = for_upstream(headers, changed=body is not received)
        return Outgoing(path + mark + query, kept, body, tuple(found))

    def count(self, outgoing: Outgoing) -> None:
        """Count what inspection found in a request that leaves."""
        for place, redacted in outgoing.found:
            self._metrics.redacted(redacted.counts)
            self._metrics.identifiers(place, redacted.identifiers)

    async def classify(self, route: Route, outgoing: Outgoing) -> RouteClass:
        """Return the class of a request, which may depend on its body."""
        if route.cls is not RouteClass.HYBRID or not outgoing.body:
            return class_of(route, outgoing.body)
        return await self.do(outgoing, lambda plain: class_of(route, plain))

    async def without_read(self, outgoing: Outgoing) -> Outgoing:
        """Return a write that does not ask for context."""
        stripped = await self.do(outgoing, strip_return_context)
        headers = for_upstream(outgoing.headers, changed=True)
        return outgoing._replace(body=stripped, headers=headers)

    async def do(self, outgoing: Outgoing, job: Callable[[bytes], T]) -> T:
        """Do something with a body without its content coding; in a thread if it may take long."""
        body, headers = outgoing.body or b"", outgoing.headers

        def work() -> T:
            plain = decode(body, headers, self._body_bytes)
            return job(plain if isinstance(plain, bytes) else b"")

        if len(body) <= OFFLOAD_BYTES and not values(headers, b"content-encoding"):
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def read(self, request: Request) -> bytes | None:
        """Return the body as it was sent, or None where the request has none; raises Refused."""
        if not self._announces_body(request):
            return b"" if values(request.raw_headers, b"content-length") else None
        expected = tokens(request.raw_headers, b"expect")
        if expected and request.version >= (1, 1):  # RFC 9110 10.1.1
            request.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        since = clock.mono()
        try:
            if request.content.is_eof():  # all of it is there
                body += request.content.read_nowait()
            while not request.content.at_eof() and len(body) <= self._body_bytes:
                body += await _within(BODY_SILENCE, request.content.readany())
        except TimeoutError:
            raise Refused(errors.BODY_TIMEOUT, close=True) from None
        except RequestPayloadError:
            raise Refused(errors.BAD_REQUEST, close=True) from None
        finally:
            request.account.waited += clock.mono() - since
        if len(body) > self._body_bytes:
            raise Refused(errors.TOO_LARGE, close=True)
        return bytes(body)

    def _announces_body(self, request: Request) -> bool:
        """Tell whether a body will come; raises Refused for one that cannot be served."""
        codings = tokens(request.raw_headers, b"transfer-encoding")
        if codings not in ([], [b"chunked"]):
            raise Refused(errors.BAD_REQUEST, close=True)
        length = int(b"".join(values(request.raw_headers, b"content-length")) or 0)
        if length > self._body_bytes:
            raise Refused(errors.TOO_LARGE, close=True)
        expected = tokens(request.raw_headers, b"expect")
        if expected not in ([], [b"100-continue"]):
            raise Refused(errors.EXPECTATION, close=True)
        return bool(length) or bool(codings)

    async def _redact(self, body: bytes, headers: RawHeaders, route: Route) -> Redacted:
        job = partial(
            inspect,
            body,
            headers,
            route,
            self._redactor,
            limit=self._body_bytes,
            allow_binary=self._allow_binary,
        )
        outcome = None
        if len(body) <= OFFLOAD_BYTES and not values(headers, b"content-encoding"):
            with suppress(Laborious):
                outcome = job(at_most=SUSPECT_BYTES)
        if outcome is None:
            outcome = await asyncio.get_running_loop().run_in_executor(self._threads, job)
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
        return outcome


async def _within(seconds: float, awaited: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await awaited
