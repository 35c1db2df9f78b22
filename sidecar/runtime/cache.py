"""The context cache as requests see it: memory, then the shared tier, then one read for all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from sidecar.config import Config
from sidecar.core import cache_key
from sidecar.core.cache import Cache, Found, Limits, OnWrite, Snapshot, State, Value
from sidecar.core.cache_key import EVERYTHING, Change, Question
from sidecar.core.cache_status import Result
from sidecar.core.headers import AnyHeaders
from sidecar.core.hit_ratio import HitRatio
from sidecar.core.routes import Route
from sidecar.runtime.flights import Crowded, Flight, Flights
from sidecar.runtime.metrics import Metrics, Watched
from sidecar.runtime.shared_tier import Look, SharedTier

# Seconds between sweeps.
SWEEP_PAUSE = 1.0

R = TypeVar("R")


class Served(NamedTuple, Generic[R]):
    """What a read came to: an answer from the cache, or else how the read of Zep ended."""

    result: Result
    found: Found | None = None
    read: R | None = None
    stored: bool = False
    asked: bool = True
    """Whether this very request has asked Zep, or is about to."""


class _Landed(NamedTuple, Generic[R]):
    found: Found | None = None
    read: R | None = None
    stored: bool = False


class ContextCache:
    """Keeps answers to context reads. Where it is not enabled, every read is a bypass."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        *,
        mono: Callable[[], float],
        shared: SharedTier | None = None,
    ) -> None:
        """Keep nothing yet."""
        section = config.cache
        self._limits = Limits(
            section.ttl,
            section.max_stale,
            section.max_entries,
            section.max_bytes,
            OnWrite(section.invalidate_on_write),
        )
        self._enabled = section.enabled
        self._upstream, self._policy = config.upstream.url, config.redaction.policy().fingerprint
        self._stale_after = config.reads.stale_after
        self._metrics, self._mono, self._shared = metrics, mono, shared
        self._cache = Cache(self._limits)
        self._flights: Flights[Any] = Flights(config.limits.concurrency)
        self._ratio = HitRatio()
        self._sweeper: asyncio.Task[None] | None = None
        metrics.watch(Watched.CACHE_ENTRIES, lambda: len(self._cache))
        metrics.watch(Watched.CACHE_BYTES, lambda: self._cache.bytes)
        metrics.watch(
            Watched.SHARED_TIER_SKIPPED, lambda: shared is not None and shared.state != "ok"
        )

    def start(self) -> None:
        """Begin to sweep."""
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End what is under way."""
        if self._sweeper:
            self._sweeper.cancel()
        self._flights.close()
        if self._shared:
            await self._shared.close()

    # --- reads --------------------------------------------------------------------------------

    def question(
        self,
        route: Route,
        method: str,
        target: bytes,
        headers: AnyHeaders,
        body: bytes | None,
        credential: str,
    ) -> Question | None:
        """Return what a request asks; see `cache_key.question`."""
        if not self._enabled:
            return None
        return cache_key.question(
            route,
            method,
            target,
            headers,
            body,
            credential=credential,
            upstream=self._upstream,
            policy=self._policy,
        )

    def last_known(self, question: Question | None) -> Found | None:
        """Return whatever there is, for when Zep is not to be had."""
        return self._cache.lookup(question.key, self._mono()) if question else None

    async def serve(
        self,
        question: Question | None,
        ask: Callable[[], Awaitable[R]],
        kept: Callable[[R], Value | None],
    ) -> Served[R]:
        """Answer from the cache, or ask Zep, once for all who ask the same.

        `ask` makes the attempt; `kept` says what of its result is to be kept. Raises Crowded.
        """
        if question is None:
            return Served(Result.BYPASS, read=await ask())
        found = self._cache.lookup(question.key, self._mono())
        if found and found.state is State.FRESH:
            return Served(Result.HIT, found, asked=False)
        try:
            flight: Flight[_Landed[R]] | None = self._flights.join(question.key, self._holds)
        except Crowded:
            if found and found.state is not State.OUTDATED:
                return Served(Result.STALE, found, asked=False)
            raise
        usable = found and found.state in (State.GRACE, State.STALE)
        leads = flight is None
        if flight is None:
            snapshot = self._cache.snapshot(self._mono())
            work = self._fetch(question, snapshot, ask, kept)
            if not usable:
                landed = await self._flights.lead(question.key, question.tags, snapshot, work)
                return _served(landed, Result.MISS)
            flight = self._flights.begin(question.key, question.tags, snapshot, work)
        if found and found.state is State.GRACE:
            return Served(Result.HIT, found, asked=leads)
        in_time = await flight.landed(self._stale_after if usable else None)
        if in_time is None:
            # A write, an erasure or a refusal may have come in between.
            found = self._cache.lookup(question.key, self._mono())
            if found and found.state in (State.STALE, State.FRESH):
                return Served(Result.STALE, found, asked=leads)
            in_time = await flight.landed()
            assert in_time
        return _served(in_time, Result.MISS if leads else Result.COLLAPSED)

    async def probe(
        self,
        question: Question | None,
        ask: Callable[[], Awaitable[R]],
        kept: Callable[[R], Value | None],
    ) -> tuple[R, bool]:
        """Ask Zep in any case; return what came of it, and whether the answer is kept."""
        snapshot = self._cache.snapshot(self._mono())
        read = await ask()
        return read, bool(question and self._keep(question, kept(read), snapshot, None))

    def count(self, result: Result) -> None:
        """Count a read that was made while reads are allowed, once its result is final."""
        if self._enabled:
            self._metrics.context_request(result)
            self._ratio.count(result is Result.HIT, self._mono())

    # --- writes -------------------------------------------------------------------------------

    def change(
        self, route: Route, target: bytes, body: bytes | None, credential: str
    ) -> Change | None:
        """Return what a request may change; see `cache_key.change`."""
        return (
            cache_key.change(route, target, body, credential=credential) if self._enabled else None
        )

    async def note(self, change: Change | None) -> None:
        """Note a write or an erasure: before it is forwarded, and before its answer is passed on.

        Also where no answer came: it may have had its effect.
        """
        if change is None:
            return
        if EVERYTHING in change.tags:
            self._cache.clear()
        elif change.erases:
            self._cache.purge(change.tags)
        else:
            self._cache.bump(change.tags, self._mono())
        if self._shared and (change.erases or self._limits.on_write is not OnWrite.OFF):
            await self._shared.bump(self._cache.with_owners(change.tags))

    def learn(self, route: Route, target: bytes, request: bytes, answer: bytes) -> None:
        """Take from a successful exchange whom something belongs to; see `cache_key.teaches`."""
        for lesson in cache_key.lessons(route, target, request, answer):
            self._cache.learn(lesson)

    # --- operators, and the guard -------------------------------------------------------------

    def refused(self, credential: str) -> None:
        """Drop what was read with a credential that Zep refuses."""
        tags = frozenset({cache_key.of_credential(credential)})
        self._cache.purge(tags)
        if self._shared:
            self._shared.bump_soon(tags)

    def invalidate(self, ident: str) -> int | None:
        """Drop what depends on a thread, a user or a graph; return how many answers that were."""
        if not self._enabled:
            return None
        tags = cache_key.of_id(ident)
        if self._shared:
            self._shared.bump_soon(tags)
        return self._cache.invalidate(tags)

    def clear(self) -> None:
        """Drop everything: the mode is off."""
        self._cache.clear()
        if self._shared:
            self._shared.forget()

    def status(self) -> dict[str, Any]:
        """Return the `cache` of the status."""
        ratio = self._ratio.ratio(self._mono())
        return {
            "enabled": self._enabled,
            "entries": len(self._cache),
            "bytes": self._cache.bytes,
            "max_entries": self._limits.max_entries,
            "max_bytes": self._limits.max_bytes,
            "hit_ratio": None if ratio is None else round(ratio, 3),
            "shared": self._shared and self._shared.state,
        }

    # --- parts of the above -------------------------------------------------------------------

    def _holds(self, flight: Flight[Any]) -> bool:
        return self._cache.current(flight.tags, flight.since)

    async def _fetch(
        self,
        question: Question,
        snapshot: Snapshot,
        ask: Callable[[], Awaitable[R]],
        kept: Callable[[R], Value | None],
    ) -> _Landed[R]:
        look = Look()
        if self._shared:
            tags = self._cache.with_owners(question.tags) | {EVERYTHING}
            look = await self._shared.look(question.key, tags)
        if look.found:
            value, age = look.found
            now = self._mono()
            if self._cache.store(
                question.key, question.tags, value, snapshot._replace(at=now - age), now
            ):
                return _Landed(Found(value, State.FRESH, age, self._limits.ttl - age))
        read = await ask()
        return _Landed(None, read, self._keep(question, kept(read), snapshot, look))

    def _keep(
        self, question: Question, value: Value | None, snapshot: Snapshot, look: Look | None
    ) -> bool:
        now = self._mono()
        if value is None or not self._cache.store(*question, value, snapshot, now):
            return False
        if self._shared and look and look.epochs:
            self._shared.keep(question.key, value, now - snapshot.at, look.epochs)
        return True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_PAUSE)
            self._cache.sweep(self._mono())


def _served(landed: _Landed[R], result: Result) -> Served[R]:
    """Return what a read came to that has waited for an attempt."""
    if landed.found:
        return Served(Result.HIT, landed.found, asked=False)
    return Served(result, None, landed.read, landed.stored, asked=result is Result.MISS)
