"""Single flight: requests that ask the same question at the same time share one attempt.

Whoever waits for it may give up or be cancelled without harm to the others; so may the one that
has begun it, unless it leads it itself. Nothing is remembered of how it ended.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

from sidecar.core.cache import Snapshot

T = TypeVar("T")

FOLLOWERS_MOST = 1000


class Flight(Generic[T]):
    """One attempt under way."""

    def __init__(self, tags: frozenset[bytes], since: Snapshot) -> None:
        self.tags, self.since = tags, since
        self.waiting = 0
        self.over = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._waiters: list[asyncio.Future[None]] = []

    async def landed(self, patience: float | None = None) -> T | None:
        """Wait for the end, for at most so many seconds; None where it took longer.

        Raises what the attempt has raised.
        """
        self.waiting += 1
        try:
            if not self.over:
                # Of its own: others wait on.
                ended = asyncio.get_running_loop().create_future()
                self._waiters.append(ended)
                if patience is None:
                    await ended
                else:
                    await asyncio.wait({ended}, timeout=patience)
        finally:
            self.waiting -= 1
        if self._error is not None:
            raise self._error
        return self._result

    def ended(self, result: T | None, error: BaseException | None = None) -> None:
        """Note how it has ended, and wake up whoever waits for that."""
        self.over, self._result, self._error = True, result, error
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class Flights(Generic[T]):
    """The attempts under way, by question; never more than `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flights: dict[bytes, Flight[T]] = {}
        self._under_way = 0
        self._tasks: set[asyncio.Task[T]] = set()

    def __len__(self) -> int:
        return self._under_way

    def join(self, key: bytes, current: Callable[[Flight[T]], bool]) -> Flight[T] | None:
        """Return the flight to wait for, or None where one has to be begun.

        `current` tells whether a flight was dispatched after every write that concerns it. Raises
        Crowded where too many wait already, or too many are under way: those that nobody waits
        for any more count, too.
        """
        flight = self._flights.get(key)
        if flight is None or not current(flight):
            if self._under_way >= self._most:
                raise Crowded
            return None
        if flight.waiting >= FOLLOWERS_MOST:
            raise Crowded
        return flight

    async def lead(
        self, key: bytes, tags: frozenset[bytes], since: Snapshot, work: Coroutine[Any, Any, T]
    ) -> T:
        """Make an attempt; `tags` and `since` are for `current`. It takes the place of another.

        To be cancelled ends it for all.
        """
        return await self._fly(key, self._depart(key, tags, since), work)

    def begin(
        self, key: bytes, tags: frozenset[bytes], since: Snapshot, work: Coroutine[Any, Any, T]
    ) -> Flight[T]:
        """Begin an attempt that goes on by itself; otherwise as `lead`."""
        flight = self._depart(key, tags, since)
        task = asyncio.create_task(self._fly(key, flight, work))
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, key, flight, work))
        return flight

    def _done(
        self, key: bytes, flight: Flight[T], work: Coroutine[Any, Any, T], task: "asyncio.Task[T]"
    ) -> None:
        self._tasks.discard(task)
        if not flight.over:  # cancelled before it began
            work.close()
            self._land(key, flight)
            flight.ended(None, asyncio.CancelledError())
        if not task.cancelled():
            task.exception()  # whoever waits gets it; if nobody does, it is nobody's loss

    def _depart(self, key: bytes, tags: frozenset[bytes], since: Snapshot) -> Flight[T]:
        self._under_way += 1
        flight = self._flights[key] = Flight[T](tags, since)
        return flight

    async def _fly(self, key: bytes, flight: Flight[T], work: Coroutine[Any, Any, T]) -> T:
        try:
            result = await work
        except BaseException as error:
            self._land(key, flight)
            flight.ended(None, error)
            raise
        self._land(key, flight)
        flight.ended(result)
        return result

    def _land(self, key: bytes, flight: Flight[T]) -> None:
        self._under_way -= 1
        if self._flights.get(key) is flight:
            del self._flights[key]

    def close(self) -> None:
        """Cancel what goes on by itself."""
        for task in self._tasks:
            task.cancel()


class Crowded(Exception):
    """Too many wait for one answer, or there are too many attempts."""
