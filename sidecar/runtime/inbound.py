"""What comes from the worker: read whole, inspected, and ready to leave."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from sidecar.config import Config
from sidecar.core import errors
from sidecar.core.answers import class_of
from sidecar.core.encoding import decode
from sidecar.core.errors import Refusal
from sidecar.core.headers import AnyHeaders, Headers, for_upstream, once, tokens, values
from sidecar.core.return_context import strip_return_context
from sidecar.core.routes import Route, RouteClass
from sidecar.redact import Laborious, Redacted, Redactor
from sidecar.redact.inspect import inspect
from sidecar.runtime import clock
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.server import BrokenBody, Request

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
    headers: Headers
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
        outgoing = self.inspect_head(request.raw_path, request.raw_headers)
        if not received:
            return outgoing._replace(body=received)
        redacted = await self._redact(received, request.raw_headers, route)
        changed = redacted.body is not received
        return outgoing._replace(
            headers=for_upstream(request.raw_headers, changed=changed),
            body=redacted.body,
            found=(*outgoing.found, ("body", redacted)),
        )

    def inspect_head(self, raw_path: str, raw_headers: Headers) -> Outgoing:
        """Return what of a request without a body may leave."""
        target = raw_path.encode("utf-8", "surrogateescape")
        path, _, query = target.partition(b"?")
        found: list[tuple[str, Redacted]] = []
        if identifiers := self._redactor.path_identifiers(path):
            found.append(("path", Redacted(path, {}, identifiers)))
        if query:
            redacted = self._redactor.query(query)
            found.append(("query", redacted))
            target = path + b"?" + redacted.body
        headers = for_upstream(raw_headers, changed=False)
        return Outgoing(target, headers, None, tuple(found))

    def count(self, request: Request, outgoing: Outgoing) -> None:
        """Count what inspection found in a request that leaves."""
        for place, redacted in outgoing.found:
            request.account.redacted(redacted.counts)
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

    def is_bare(self, request: Request) -> bool:
        """Tell whether a request says nothing of a body."""
        return _framing(request.raw_headers) == _NO_BODY

    def _announces_body(self, request: Request) -> bool:
        """Tell whether a body will come; raises Refused for one that cannot be served."""
        framing = _framing(request.raw_headers)
        if framing.refusal:
            raise Refused(framing.refusal, close=True)
        if framing.length is not None and framing.length > self._body_bytes:
            raise Refused(errors.TOO_LARGE, close=True)
        return framing.chunked or bool(framing.length)

    async def read(self, request: Request) -> bytes | None:
        """Return the body as it was sent, or None where the request has none; raises Refused."""
        framing = _framing(request.raw_headers)
        if not self._announces_body(request):
            return None if framing.length is None else b""
        if framing.expects and request.version >= (1, 1):  # RFC 9110 10.1.1
            request.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            if request.content.is_eof():  # all of it is there
                body = request.content.read_nowait()
            else:
                body = await self._rest(request)
        except TimeoutError:
            raise Refused(errors.BODY_TIMEOUT, close=True) from None
        except BrokenBody:
            raise Refused(errors.BAD_REQUEST, close=True) from None
        if len(body) > self._body_bytes:
            raise Refused(errors.TOO_LARGE, close=True)
        return body

    async def _rest(self, request: Request) -> bytes:
        """Wait for a body to its end, or until it is too large."""
        parts, size, since = list[bytes](), 0, clock.mono()
        try:
            while not request.content.at_eof() and size <= self._body_bytes:
                async with asyncio.timeout(BODY_SILENCE):
                    parts.append(await request.content.readany())
                size += len(parts[-1])
        finally:
            request.account.waited += clock.mono() - since
        return b"".join(parts)

    async def _redact(self, body: bytes, headers: AnyHeaders, route: Route) -> Redacted:
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


class _Framing(NamedTuple):
    """What a request says of its body."""

    refusal: Refusal | None
    length: int | None
    chunked: bool
    expects: bool


_NO_BODY = _Framing(None, None, chunked=False, expects=False)


@once
def _framing(headers: Headers) -> _Framing:
    codings, expected = tokens(headers, b"transfer-encoding"), tokens(headers, b"expect")
    length = values(headers, b"content-length")
    refusal = None
    if codings not in ([], [b"chunked"]):
        refusal = errors.BAD_REQUEST
    elif expected not in ([], [b"100-continue"]):
        refusal = errors.EXPECTATION
    return _Framing(refusal, int(length[0]) if length else None, bool(codings), bool(expected))
