"""Attempts to reach Zep: each is judged, and settles the ticket that allowed it."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sidecar.config import Config
from sidecar.core import outcomes
from sidecar.core.encoding import BROKEN_CODING, decode
from sidecar.core.errors import Failure
from sidecar.core.guard import Grade, Ticket
from sidecar.core.headers import AnyHeaders, Headers, values
from sidecar.core.outcomes import Kind, Reason, Verdict
from sidecar.core.routes import WRITES, Route, RouteClass
from sidecar.core.trace import without_trace
from sidecar.redact import is_json
from sidecar.runtime.governor import Governor
from sidecar.runtime.inbound import Outgoing
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.relay import Whole
from sidecar.runtime.upstream import Answer, Upstream, UpstreamError

if TYPE_CHECKING:
    from sidecar.runtime.tracing import AttemptSpan, Tracing

# Seconds that a write may take while writes have been failing.
WRITE_TIMEOUT_UNHEALTHY = 3.0
# Bytes of an answer that is read whole.
MOST_WHOLE = 10 << 20
# Bytes, and any coded answer, that are judged in a thread.
_LARGE = 1 << 18
# Seconds for which a good read can still serve as a probe of our own.
LAST_GOOD_MAX = 86400.0


class Attempt(NamedTuple):
    """One request to Zep, with leave to make it."""

    method: str
    route: Route
    cls: RouteClass
    outgoing: Outgoing
    ticket: Ticket
    credential: str
    trace: str = ""
    """The id of the trace that is being recorded, or nothing."""


class Read(NamedTuple):
    """How an attempt to read context ended: with an answer, or with a failure."""

    verdict: Verdict
    answer: Whole | None = None
    failure: Failure | None = None
    took: float = 0.0
    """Seconds from the request to the end of the answer, or to the failure."""


class _LastGood(NamedTuple):
    """A read that brought context: the probe of times without traffic."""

    attempt: Attempt
    at: float


class Attempts:
    """Makes attempts, and remembers one that was good."""

    def __init__(
        self,
        config: Config,
        upstream: Upstream,
        governor: Governor,
        metrics: Metrics,
        tracing: "Tracing | None",
        *,
        mono: Callable[[], float],
        wall: Callable[[], datetime],
    ) -> None:
        timeouts = config.timeouts
        self._timeouts = {
            RouteClass.CONTEXT: timeouts.read,
            RouteClass.WRITE: timeouts.write,
            RouteClass.HYBRID: timeouts.write,
            RouteClass.ERASE: timeouts.write,
            RouteClass.CONTROL: timeouts.control,
            RouteClass.UNKNOWN: timeouts.control,
        }
        self._idle_after = config.probe.idle_after
        self._upstream, self._governor, self._metrics = upstream, governor, metrics
        self._tracing, self._mono, self._wall = tracing, mono, wall
        self._last_good: _LastGood | None = None
        # Threads of its own: those that all share may be waiting for a dead resolver.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="judge")

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def deadline(self, cls: RouteClass) -> float:
        """Return the instant by which an attempt that begins now must be over."""
        wait = self._timeouts[cls]
        if cls in (RouteClass.WRITE, RouteClass.HYBRID) and not self._governor.writes_healthy:
            wait = min(wait, WRITE_TIMEOUT_UNHEALTHY)
        return self._mono() + wait

    async def read(self, attempt: Attempt) -> Read:
        """Read context, to the end of the answer. Never raises for what Zep does."""
        since = self._governor.now(), self._mono(), self._governor.lag
        read, headed, span = Read(outcomes.neutral()), False, self._span(attempt)
        try:
            answer = await self._send(attempt, span, self._timeouts[RouteClass.CONTEXT])
            headed = True
            whole = await to_the_end(answer)
            took = self._mono() - since[1]
            read = Read(await self._verdict(attempt, whole), whole, took=took)
        except UpstreamError as error:
            verdict = self._of_error(error, *since[1:], headed=headed)
            read = Read(verdict, None, error.failure, self._mono() - since[1])
        finally:
            self._governor.settle(attempt.ticket, read.verdict, since[0])
            if span:
                span.end(read.answer.status if read.answer else None, read.verdict.reason)
        self._note(attempt, read)
        return read

    async def open(self, attempt: Attempt, deadline: float) -> Answer:
        """Send anything but a context read; return the answer once its head is there.

        Raises UpstreamError, also for a timeout.
        """
        since = self._governor.now(), self._mono(), self._governor.lag
        verdict, status, span = outcomes.neutral(), None, self._span(attempt)
        try:
            answer = await self._send(attempt, span, deadline - self._mono())
            answer.unhurried()
            status = answer.status
            verdict = self._of_status(attempt.cls, status, answer.headers)
            return answer
        except UpstreamError as error:
            verdict = self._of_error(error, *since[1:], headed=False)
            raise
        finally:
            self._governor.settle(attempt.ticket, verdict, since[0])
            self._metrics.upstream(attempt.cls, self._mono() - since[1], attempt.trace)
            if span:
                span.end(status, verdict.reason)
            failed = outcomes.write_failure(verdict, status)
            if failed and attempt.cls in WRITES:
                self._metrics.write_failed(failed, attempt.trace)

    async def probe_when_idle(self) -> None:
        """Probe where no worker reads: with the last read that was good. Never returns."""
        while True:
            await asyncio.sleep(min(max(self._idle_after / 4, 0.01), 1.0))
            last = self._last_good
            if last is None or self._mono() - last.at > LAST_GOOD_MAX:
                continue
            if self._governor.wants_probe(last.attempt.credential):
                ticket = self._governor.admit(
                    RouteClass.CONTEXT,
                    last.attempt.credential,
                    key="",
                    reads=True,
                    background=True,
                )
                if ticket.grade is not Grade.DENY:
                    # The trace of the worker's own read is over.
                    headers = without_trace(last.attempt.outgoing.headers)
                    outgoing = last.attempt.outgoing._replace(headers=headers)
                    await self.read(
                        last.attempt._replace(ticket=ticket, outgoing=outgoing, trace="")
                    )

    # --- parts of the above -------------------------------------------------------------------

    def _span(self, attempt: Attempt) -> "AttemptSpan | None":
        if self._tracing is None:
            return None
        probe = attempt.ticket.grade is Grade.PROBE
        return self._tracing.attempt(attempt.method, attempt.route, probe=probe)

    def _send(
        self, attempt: Attempt, span: "AttemptSpan | None", patience: float
    ) -> Awaitable[Answer]:
        outgoing = attempt.outgoing
        return self._upstream.send(
            attempt.method,
            outgoing.target,
            Headers(span.onto(outgoing.headers)) if span else outgoing.headers,
            outgoing.body,
            repeatable=attempt.route.safe or any(values(outgoing.headers, b"idempotency-key")),
            patience=patience,
        )

    async def _verdict(self, attempt: Attempt, answer: Whole) -> Verdict:
        verdict = self._of_status(attempt.cls, answer.status, answer.headers)
        judged = 200 <= answer.status < 300 and answer.status != 204 and attempt.method != "HEAD"
        if not judged:
            return verdict
        if len(answer.body) <= _LARGE and not values(answer.headers, b"content-encoding"):
            return _of_body(answer, attempt.route)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _of_body, answer, attempt.route)

    def _of_status(self, cls: RouteClass, status: int, headers: AnyHeaders) -> Verdict:
        if status not in (429, 503):
            return outcomes.of_status(cls, status)
        wall = self._wall().timestamp()
        wait = outcomes.retry_after(values(headers, b"retry-after"), wall)
        if wait is None and status == 429:
            wait = outcomes.rate_reset(values(headers, b"x-ratelimit-reset"), wall)
        return outcomes.of_status(cls, status, wait)

    def _of_error(self, error: UpstreamError, began: float, lag: float, *, headed: bool) -> Verdict:
        return outcomes.of_failure(
            error.failure,
            headed=headed,
            stale=error.stale,
            stalled=outcomes.stalled(self._governor.lag - lag, self._mono() - began),
        )

    def _note(self, attempt: Attempt, read: Read) -> None:
        self._metrics.upstream(attempt.cls, read.took, attempt.trace)
        if read.verdict.reason and read.verdict.kind is not Kind.NEUTRAL:
            self._metrics.context_failed(read.verdict.reason, attempt.trace)
        good = read.verdict is outcomes.OK and read.answer and read.answer.status == 200
        if good and attempt.method == "GET":
            self._last_good = _LastGood(attempt, self._mono())


def _of_body(answer: Whole, route: Route) -> Verdict:
    body = decode(answer.body, answer.headers, MOST_WHOLE)
    if isinstance(body, bytes):
        return outcomes.of_body(body, route.empty, is_json)
    # A coding that was not asked for cannot be judged.
    return outcomes.fail(Reason.BAD_BODY) if body is BROKEN_CODING else outcomes.OK


def failure_of(error: TimeoutError | UpstreamError) -> Failure:
    """Return why an attempt brought no answer."""
    return error.failure if isinstance(error, UpstreamError) else Failure.TIMEOUT


async def to_the_end(answer: Answer) -> Whole:
    """Read an answer to its end and close it; raises UpstreamError for one that is cut off."""
    try:
        parts = [answer.ready()]
        size = len(parts[0])
        while not answer.complete:
            parts.append(await answer.chunk())
            size += len(parts[-1])
            if size > MOST_WHOLE:
                raise UpstreamError(Failure.BAD_RESPONSE)
        return Whole(answer.status, answer.reason, answer.headers, b"".join(parts))
    finally:
        answer.close()
