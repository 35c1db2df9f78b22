"""Context reads: from the cache, from Zep, or "nothing found"; never what an SDK would retry."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

from sidecar.config import Config
from sidecar.core import cache_status, errors, outcomes
from sidecar.core.answers import (
    Answer,
    Outcome,
    ShortCircuit,
    decide,
    empty_answer,
    instead,
    short_circuit,
)
from sidecar.core.cache import Found, State, Value, storable
from sidecar.core.cache_key import Question
from sidecar.core.cache_status import Result
from sidecar.core.errors import Failure
from sidecar.core.guard import Grade
from sidecar.core.headers import Headers, leads_away, with_readable_codings
from sidecar.core.modes import Mode
from sidecar.core.routes import Route, RouteClass
from sidecar.runtime import clock
from sidecar.runtime.account import Mark
from sidecar.runtime.attempts import Attempts, Read
from sidecar.runtime.cache import ContextCache, Served
from sidecar.runtime.case import Case
from sidecar.runtime.flights import Crowded
from sidecar.runtime.governor import Governor
from sidecar.runtime.inbound import Inbound, Outgoing, Refused
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.relay import Relay, kept, own, refused
from sidecar.runtime.server import Reply, Request

# Reads that are remembered with what they ask, and the length up to which a path is.
_PREPARED_MOST, _PATH_MOST = 1024, 512

T = TypeVar("T")


class Spawn(Protocol):
    """Runs something to its end, whoever waits for it."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> "asyncio.Task[T]":
        """Return its task."""


class Reads:
    """Serves context reads."""

    def __init__(
        self,
        config: Config,
        inbound: Inbound,
        attempts: Attempts,
        governor: Governor,
        cache: ContextCache,
        metrics: Metrics,
        *,
        spawn: Spawn,
        draining: Callable[[], bool],
    ) -> None:
        self._inbound, self._attempts, self._governor = inbound, attempts, governor
        self._cache, self._metrics, self._relay = cache, metrics, Relay(config.upstream.url)
        self._fail_soft = config.reads.fail_soft
        self._client_wait = config.probe.client_wait
        self._upstream = config.upstream.url
        self._spawn, self._draining = spawn, draining
        # A chat reads the context of its thread again and again.
        self._prepared = lru_cache(maxsize=_PREPARED_MOST)(self._prepare)

    def serve(
        self, request: Request, route: Route, credential: str, key: str
    ) -> Reply | Coroutine[Any, Any, Reply]:
        """Serve a read without a body: at once, unless Zep has to be asked."""
        prepare = self._prepared if len(request.raw_path) <= _PATH_MOST else self._prepare
        outgoing, question = prepare(
            request.method, request.raw_path, request.raw_headers, route, credential
        )
        return self._answered(request, route, outgoing, question, credential, key)

    def _prepare(
        self, method: str, target: str, headers: Headers, route: Route, credential: str
    ) -> tuple[Outgoing, Question | None]:
        """Return what leaves of a read without a body, and what it asks."""
        outgoing = self._inbound.inspect_head(target, headers)
        outgoing = outgoing._replace(headers=with_readable_codings(outgoing.headers))
        ask = self._cache.question
        return outgoing, ask(route, method, outgoing.target, outgoing.headers, None, credential)

    async def serve_with_body(
        self, request: Request, route: Route, received: bytes | None, credential: str, key: str
    ) -> Reply:
        """Serve a read; raises Refused for what cannot be inspected and would be forwarded."""
        outgoing = await self._inspected(request, route, received, credential)
        question = await self._question(request, route, outgoing, credential)
        answer = self._answered(request, route, outgoing, question, credential, key)
        return answer if isinstance(answer, Reply) else await answer

    def _answered(
        self,
        request: Request,
        route: Route,
        outgoing: Outgoing | None,
        question: Question | None,
        credential: str,
        key: str,
    ) -> Reply | Coroutine[Any, Any, Reply]:
        """Answer a read that has been inspected; `outgoing` is None where it was refused."""
        asked = self._governor.asked()
        reads = asked.effective is Mode.READ_WRITE
        found = self._cache.last_known(question) if reads else None
        fresh = found is not None and found.state is State.FRESH
        if found and fresh and self._governor.may_serve_fresh(credential):
            mode = min(asked.effective, self._governor.guard_mode(credential))
            self._count(request, Result.HIT, mode)
            return self._kept(request, found, Mark(mode, Outcome.HIT))
        ticket = self._governor.admit(RouteClass.CONTEXT, credential, key=key, reads=reads)
        stale = self._governor.allow_stale
        case = Case(request, route, RouteClass.CONTEXT, asked, ticket, credential, stale)
        try:
            target = request.raw_path
            what = decide(route, target, case.cls, asked, ticket, allow_stale=stale)
            if isinstance(what, Answer) or outgoing is None:
                assert isinstance(what, Answer)
                self._governor.settle(ticket, outcomes.neutral())
                return self._soft(case, what, question)
            self._inbound.count(request, outgoing)
            return self._forwarded(case, outgoing, question)
        except BaseException:
            self._governor.settle(ticket, outcomes.neutral())
            raise

    async def _forwarded(self, case: Case, outgoing: Outgoing, question: Question | None) -> Reply:
        try:
            if case.ticket.grade is Grade.PROBE:
                return await self._probe(case, outgoing, question)
            return await self._ask(case, outgoing, question)
        except BaseException:
            self._governor.settle(case.ticket, outcomes.neutral())
            raise

    def nothing(
        self, request: Request, route: Route, reason: ShortCircuit, *, close: bool
    ) -> Reply:
        """Answer a read that a fault of our own stands in the way of."""
        self._metrics.short_circuit(reason)
        answer = empty_answer(route, request.raw_path, reason)
        mark = Mark(self._governor.mode, answer.outcome, reason.value)
        return own(request, answer, mark, close=close)

    async def _inspected(
        self, request: Request, route: Route, received: bytes | None, credential: str
    ) -> Outgoing | None:
        """Return what may leave, before anything is admitted: a refusal must not be the probe."""
        try:
            outgoing = await self._inbound.inspect(request, route, received)
        except Refused:
            if self._governor.may_read(credential):
                raise
            return None  # it would not have left
        return outgoing._replace(headers=with_readable_codings(outgoing.headers))

    async def _question(
        self, request: Request, route: Route, outgoing: Outgoing | None, credential: str
    ) -> Question | None:
        if outgoing is None:
            return None
        ask = partial(
            self._cache.question, route, request.method, outgoing.target, outgoing.headers
        )
        return await self._inbound.do(outgoing, lambda plain: ask(plain or None, credential))

    async def _probe(self, case: Case, outgoing: Outgoing, question: Question | None) -> Reply:
        """Ask Zep for all; the probe outlives the worker that has brought it."""
        ask = partial(self._attempts.read, case.attempt(outgoing))
        task = self._spawn(self._cache.probe(question, ask, _kept))
        since = clock.mono()
        done, _ = await asyncio.wait({task}, timeout=self._client_wait)
        if not done:
            case.request.account.waited += clock.mono() - since
            target, stale = case.request.raw_path, case.allow_stale
            late = short_circuit(case.route, target, case.asked, case.ticket, allow_stale=stale)
            return self._soft(case, late, question)
        if task.exception():  # it has been logged
            raise Refused(errors.INTERNAL, close=True)
        read, stored = task.result()
        case.request.account.waited += read.took
        result = Result.MISS if question else Result.BYPASS
        return self._answer(case, outgoing, question, read, result, stored=stored)

    async def _ask(self, case: Case, outgoing: Outgoing, question: Question | None) -> Reply:
        ask = partial(self._attempts.read, case.attempt(outgoing))
        since = clock.mono()
        try:
            served = await self._cache.serve(question, ask, _kept)
        except Crowded:
            raise Refused(errors.OVERLOADED) from None
        case.request.account.waited += _waited(served, clock.mono() - since)
        if not served.asked:  # another's attempt, or none, has answered
            self._governor.settle(case.ticket, outcomes.neutral())
        if served.found:
            self._count(case.request, served.result, case.mode)
            hit = served.result is Result.HIT
            mark = case.mark(Outcome.HIT) if hit else case.mark(Outcome.STALE, "slow")
            return self._kept(case.request, served.found, mark)
        assert served.read
        return self._answer(
            case, outgoing, question, served.read, served.result, stored=served.stored
        )

    def _answer(
        self,
        case: Case,
        outgoing: Outgoing,
        question: Question | None,
        read: Read,
        result: Result,
        *,
        stored: bool,
    ) -> Reply:
        """Pass on how a read of Zep has ended, or what softens it."""
        status = read.answer.status if read.answer else None
        target = case.request.raw_path
        soft = instead(case.route, target, status, read.verdict, fail_soft=self._fail_soft)
        if soft:
            return self._soft(case, soft, question, result)
        self._count(case.request, result, case.mode)
        close = self._draining()
        if read.answer is None:
            failure = read.failure or Failure.RESET
            mark = case.mark(Outcome.LIVE, failure.value)
            return refused(case.request, failure.refusal(), mark, close=close)
        if outgoing.body and leads_away(read.answer.headers, read.answer.status, self._upstream):
            raise Refused(errors.REDIRECT_AWAY)
        outcome = Outcome.COLLAPSED if result is Result.COLLAPSED else Outcome.LIVE
        told = cache_status.of_forwarded(result, stored=stored)
        mark = Mark(case.mode, outcome, "", told)
        return self._relay.whole(case.request, read.answer, mark, close=close)

    def _soft(
        self, case: Case, answer: Answer, question: Question | None, result: Result | None = None
    ) -> Reply:
        """Answer in Zep's place: with what was known last, if that is allowed and there is any."""
        reason = answer.reason.value if answer.reason else ""
        found = self._cache.last_known(question) if answer.last_known else None
        if isinstance(answer.reason, ShortCircuit):
            self._metrics.short_circuit(answer.reason)
        if result:
            self._count(case.request, Result.STALE if found else result, case.mode)
        if found:
            return self._kept(case.request, found, case.mark(Outcome.STALE, reason))
        return own(case.request, answer, case.mark(answer.outcome, reason), close=self._draining())

    def _count(self, request: Request, result: Result, mode: Mode) -> None:
        """Count how a read fared with the cache, if reads were allowed."""
        if mode is Mode.READ_WRITE:
            request.account.cache = result
            self._cache.count(result)

    def _kept(self, request: Request, found: Found, mark: Mark) -> Reply:
        told = mark._replace(beside=cache_status.of_found(found))
        return kept(request, found.value, told, close=self._draining())


def _waited(served: Served[Read], passed: float) -> float:
    """Return how much of the time that passed was spent waiting for Zep."""
    if served.read:
        return served.read.took if served.asked else passed
    # An answer of the shared tier, which is our own, or of ours, after waiting in vain.
    return passed if served.result is Result.STALE else 0.0


def _kept(read: Read) -> Value | None:
    """Return what of a read is to be kept."""
    if read.answer is None or read.verdict is not outcomes.OK:
        return None
    return storable(read.answer.status, read.answer.headers, read.answer.body)
