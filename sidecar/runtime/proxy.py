"""The one request handler: read, decide, inspect, forward, relay."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from hashlib import sha256
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeVar

from sidecar.config import Config
from sidecar.core import errors, outcomes
from sidecar.core.answers import (
    Answer,
    Forward,
    Outcome,
    ShortCircuit,
    decide,
)
from sidecar.core.cache_key import TAUGHT_MOST, Change, teaches
from sidecar.core.encoding import decode
from sidecar.core.errors import Failure
from sidecar.core.guard import ANONYMOUS
from sidecar.core.headers import Headers, leads_away, once, values, with_readable_codings
from sidecar.core.modes import Mode
from sidecar.core.return_context import StripMemory, with_context
from sidecar.core.routes import Route, RouteClass, base_urls, match
from sidecar.core.served import Served
from sidecar.core.trace import sampled_trace
from sidecar.redact import Redactor
from sidecar.runtime import clock
from sidecar.runtime.account import Account, Mark
from sidecar.runtime.attempts import MOST_WHOLE, Attempts, failure_of, to_the_end
from sidecar.runtime.cache import ContextCache
from sidecar.runtime.case import Case
from sidecar.runtime.governor import Governor
from sidecar.runtime.inbound import Inbound, Outgoing, Refused
from sidecar.runtime.logs import Log
from sidecar.runtime.metrics import Metrics, Watched
from sidecar.runtime.reads import Reads
from sidecar.runtime.relay import Relay, origin, own, refused
from sidecar.runtime.server import Reply, Request
from sidecar.runtime.upstream import Answer as ZepAnswer
from sidecar.runtime.upstream import Upstream, UpstreamError

if TYPE_CHECKING:
    from sidecar.runtime.tracing import Tracing

STREAM_SILENCE = 60.0  # seconds: what the SDKs themselves wait for the next event
_VERSIONS = ((1, 0), (1, 1))
_RETRIED = frozenset({408, 409, 429, *range(500, 600)})  # by one SDK or another

T = TypeVar("T")


class Proxy:
    """Forwards the worker's requests to Zep, redacted, and Zep's answers back."""

    def __init__(
        self,
        config: Config,
        redactor: Redactor,
        upstream: Upstream,
        governor: Governor,
        cache: ContextCache,
        metrics: Metrics,
        log: Log,
        tracing: "Tracing | None",
    ) -> None:
        self._log, self._tracing = log, tracing
        self._concurrency = config.limits.concurrency
        self._fail_soft = config.reads.fail_soft
        self._probe = config.probe
        self._governor = governor
        self._metrics = metrics
        self._upstream = upstream.url
        self._inbound = Inbound(config, redactor, metrics)
        self._attempts = Attempts(
            config, upstream, governor, metrics, tracing, mono=clock.mono, wall=clock.wall
        )
        self._relay = Relay(upstream.url)
        self._cache = cache
        self._reads = Reads(
            config,
            self._inbound,
            self._attempts,
            governor,
            cache,
            metrics,
            spawn=self._spawn,
            draining=lambda: self._draining,
        )
        self._stripped = StripMemory()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._in_flight = 0
        self._draining = False
        self._drained = asyncio.Event()
        metrics.watch(Watched.IN_FLIGHT, lambda: self._in_flight)

    def start(self) -> None:
        """Begin what goes on beside requests."""
        if self._probe.active:
            self._spawn(self._keep_probing())

    async def _keep_probing(self) -> None:
        while True:
            with suppress(Exception):  # it has been logged
                await self._spawn(self._attempts.probe_when_idle())

    async def drain(self, patience: float) -> int:
        """Wait for the requests in flight, for at most `patience` seconds; return how many are."""
        self._draining = True
        self._log("draining", in_flight=self._in_flight)
        if self._in_flight:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._drained.wait()
        return self._in_flight

    def close(self) -> None:
        """Stop the inspection threads, and what goes on beside requests."""
        self._inbound.close()
        self._attempts.close()
        for task in self._tasks:
            task.cancel()

    def handle(self, request: Request) -> Reply | Coroutine[Any, Any, Reply]:
        """Serve one request of the worker: at once, where there is nothing to wait for."""
        self._in_flight += 1
        if self._tracing:
            return self._traced(request, self._tracing)
        return self._handle(request, sampled_trace(request.raw_headers))

    async def _traced(self, request: Request, tracing: "Tracing") -> Reply:
        """Serve a request in a task in any case: a span belongs to one."""
        span = tracing.request(request.method, request.raw_headers)
        try:
            answer = self._handle(request, span.trace)
            return answer if isinstance(answer, Reply) else await answer
        finally:
            span.end(request.account.served(request.method, clock.mono()))

    def _handle(self, request: Request, trace: str) -> Reply | Coroutine[Any, Any, Reply]:
        request.account = Account(clock.mono(), trace)
        try:
            answer = self._serve(request)
        except Exception as error:  # noqa: BLE001  whatever it is, the worker gets an answer
            answer = self._fault(request, error)
        if isinstance(answer, Reply):
            self._over(request)
            return answer
        return self._wait(request, answer)

    async def _wait(self, request: Request, answer: Coroutine[Any, Any, Reply]) -> Reply:
        try:
            return await answer
        except ConnectionError:  # the worker has gone
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the worker gets an answer
            return self._fault(request, error)
        finally:
            self._over(request)

    def _fault(self, request: Request, error: Exception) -> Reply:
        """Answer a request that an error has ended: a refusal, or a fault of our own."""
        if not isinstance(error, Refused):
            self._log_fault(error)
            error = Refused(errors.INTERNAL, close=True)
        return self._refuse(request, request.account.route, error)

    def _over(self, request: Request) -> None:
        """Tell of a request that is over."""
        self._in_flight -= 1
        if self._draining and not self._in_flight:
            self._drained.set()
        served = request.account.served(request.method, clock.mono())
        if served is None:
            return
        self._metrics.served(served)
        if served.outcome is Outcome.BLOCKED and served.reason != ShortCircuit.OFF.value:
            self._say("refused", "warning", served)
        if self._log.verbose:
            self._say("request", "debug", served)

    def _say(self, event: str, level: str, served: Served) -> None:
        route = served.route.template if served.route else ""
        more = {"trace_id": served.trace} if served.trace else {}
        if served.cache:
            more["cache"] = served.cache.value
        self._log(
            event, level, method=served.method, route=route, status=served.status,
            outcome=served.outcome.value, reason=served.reason, mode=served.mode.label,
            ms=round(served.seconds * 1000, 3), **{"class": served.cls.value, **more},
        )  # fmt: skip

    def _refuse(self, request: Request, route: Route | None, error: Refused) -> Reply:
        """Answer what is not forwarded; a context read never with what an SDK would retry."""
        # A body that was announced and not asked for may come or not: no way to go on.
        close = error.close or self._draining or bool(values(request.raw_headers, b"expect"))
        refusal, mode = error.refusal, self._governor.mode
        reads = route is not None and route.cls is RouteClass.CONTEXT
        if route and reads and self._fail_soft and refusal.status in _RETRIED:
            return self._reads.nothing(request, route, ShortCircuit(refusal.code), close=close)
        self._metrics.refused(refusal.code)
        mark = Mark(mode, Outcome.BLOCKED, refusal.code)
        return refused(request, refusal, mark, close=close)

    def _serve(self, request: Request) -> Reply | Coroutine[Any, Any, Reply]:
        route = request.account.route = _route(request)
        request.account.cls = route.cls
        if self._in_flight > self._concurrency:
            raise Refused(errors.OVERLOADED)
        credential, key = _credential(request.raw_headers), _key(request.raw_headers)
        if route.cls is RouteClass.CONTEXT and self._inbound.is_bare(request):
            return self._reads.serve(request, route, credential, key)
        return self._serve_with_body(request, route, credential, key)

    async def _serve_with_body(
        self, request: Request, route: Route, credential: str, key: str
    ) -> Reply:
        received = await self._inbound.read(request)
        if route.cls is RouteClass.CONTEXT:
            return await self._reads.serve_with_body(request, route, received, credential, key)
        outgoing = await self._inbound.inspect(request, route, received)
        cls = request.account.cls = await self._inbound.classify(route, outgoing)
        asked = self._governor.asked()
        reads = asked.effective is Mode.READ_WRITE
        ticket = self._governor.admit(cls, credential, key=key, reads=reads)
        case = Case(request, route, cls, asked, ticket, credential, allow_stale=False)
        try:
            what = decide(route, request.raw_path, cls, asked, ticket)
            if isinstance(what, Answer):
                self._governor.settle(ticket, outcomes.neutral())
                return self._own(case, what)
            self._inbound.count(request, outgoing)
            repeated = key and cls is RouteClass.HYBRID
            stripped = self._strips(what, credential + key if repeated else "")
            if stripped:
                outgoing = outgoing._replace(headers=with_readable_codings(outgoing.headers))
                outgoing = await self._inbound.without_read(outgoing)
            change = await self._change(case, outgoing)
        except BaseException:
            self._governor.settle(ticket, outcomes.neutral())
            raise
        return await self._forward(case, outgoing, change, stripped=stripped)

    async def _change(self, case: Case, outgoing: Outgoing) -> Change | None:
        """Note what a request may change, before it is forwarded."""
        target, credential = outgoing.target, case.credential
        change = await self._inbound.do(
            outgoing, lambda plain: self._cache.change(case.route, target, plain, credential)
        )
        await self._cache.note(change)
        return change

    def _strips(self, what: Forward, key: str) -> bool:
        if not key:
            return what.strip_return_context
        return self._stripped.settle(key, what.strip_return_context, clock.mono())

    async def _forward(
        self, case: Case, outgoing: Outgoing, change: Change | None, *, stripped: bool
    ) -> Reply:
        """Send anything but a context read, and stream the answer back."""
        deadline = self._attempts.deadline(case.cls)
        answer = await self._open(case, outgoing, deadline)
        await self._cache.note(change)  # also where no answer came: it may have had its effect
        if isinstance(answer, Failure):
            return self._failed(case, answer)
        try:
            if outgoing.body and leads_away(answer.headers, answer.status, self._upstream):
                raise Refused(errors.REDIRECT_AWAY)
            if stripped and 200 <= answer.status < 300:
                return await self._with_context(case, answer, deadline)
            each = case.route.stream or case.cls is RouteClass.UNKNOWN or _is_event_stream(answer)
            patience = STREAM_SILENCE if each else deadline - clock.mono()
            seen = bytearray() if teaches(case.route) and answer.status // 100 == 2 else None
            written = await self._relay.stream(
                case.request, answer, case.mark(), patience,
                each=each, close=self._draining, seen=seen,
            )  # fmt: skip
            if seen and answer.complete:
                self._learn(case, outgoing, answer, bytes(seen))
            return written
        finally:
            answer.close()

    async def _open(self, case: Case, outgoing: Outgoing, deadline: float) -> ZepAnswer | Failure:
        since = clock.mono()
        try:
            return await self._attempts.open(case.attempt(outgoing), deadline)
        except UpstreamError as error:
            return error.failure
        finally:
            case.request.account.waited += clock.mono() - since

    async def _with_context(self, case: Case, answer: ZepAnswer, deadline: float) -> Reply:
        """Relay the answer to a write whose read was left out, with the context it asked for."""
        since = clock.mono()
        try:
            async with asyncio.timeout(deadline - since):
                whole = await to_the_end(answer)
        except (TimeoutError, UpstreamError) as error:
            return self._failed(case, failure_of(error))
        finally:
            case.request.account.waited += clock.mono() - since
        plain = decode(whole.body, whole.headers, MOST_WHOLE)
        if isinstance(plain, bytes):
            kept = tuple(p for p in whole.headers if p[0].lower() != b"content-encoding")
            whole = whole._replace(body=with_context(plain), headers=kept)
        return self._relay.whole(case.request, whole, case.mark(), close=self._draining)

    def _learn(self, case: Case, outgoing: Outgoing, answer: ZepAnswer, body: bytes) -> None:
        """Take from an answer to whom a thread belongs."""
        plain = decode(body, answer.headers, TAUGHT_MOST)
        if isinstance(plain, bytes):
            self._cache.learn(case.route, outgoing.target, outgoing.body or b"", plain)

    def _own(self, case: Case, answer: Answer) -> Reply:
        """Answer in Zep's place."""
        if isinstance(answer.reason, ShortCircuit):
            self._metrics.short_circuit(answer.reason)
        mark = case.mark(answer.outcome, answer.reason.value if answer.reason else "")
        return own(case.request, answer, mark, close=self._draining)

    def _failed(self, case: Case, failure: Failure) -> Reply:
        mark = case.mark(Outcome.LIVE, failure.value)
        return refused(case.request, failure.refusal(), mark, close=self._draining)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run something to its end, whoever waits for it; a fault of ours in it is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._log_fault(error)

    def _log_fault(self, error: Exception) -> None:
        """Log a fault of our own without its message, which could quote data."""
        self._log("internal_error", "error", reason=type(error).__name__, where=_where(error))


def _route(request: Request) -> Route:
    target = request.raw_path
    if not target.startswith("/") or request.method == "CONNECT":
        raise Refused(errors.BAD_TARGET, close=True)
    if request.version not in _VERSIONS:
        raise Refused(errors.BAD_VERSION, close=True)
    route = match(request.method, target)
    if route is None:
        raise Refused(errors.no_prefix(base_urls(origin(request))))
    return route


@once
def _credential(headers: Headers) -> str:
    """Return a short hash that stands for the Authorization field."""
    field = values(headers, b"authorization")
    return sha256(field[0]).hexdigest()[:32] if field else ANONYMOUS


@once
def _key(headers: Headers) -> str:
    field = values(headers, b"idempotency-key")
    return field[0].decode("latin-1") if field else ""


def _where(error: Exception) -> str:
    """Return the module and line in which an exception was raised."""
    frames = [(f.f_globals["__name__"], line) for f, line in walk_tb(error.__traceback__)]
    return "{}:{}".format(*frames[-1])


def _is_event_stream(answer: ZepAnswer) -> bool:
    types = values(answer.headers, b"content-type")
    return bool(types) and types[0].lower().startswith(b"text/event-stream")
