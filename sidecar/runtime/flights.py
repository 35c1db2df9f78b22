"""Single flight: requests that ask the same question at the same time share one attempt.

The attempt is a task of its own. Whoever waits for it, the one that has begun it included, may
give up or be cancelled without harm to the others. Nothing is remembered of how it ended.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from sidecar.core.cache import Snapshot

T = TypeVar("T")

FOLLOWERS_MOST = 1000


class Flight(Generic[T]):
    """One attempt under way."""

    def __init__(self, tags: frozenset[bytes], since: Snapshot, task: "asyncio.Task[T]") -> None:
        self.tags, self.since = tags, since
        self.waiting = 0
        self._task = task
        self._waiters: list[asyncio.Future[None]] = []

    async def landed(self, patience: float | None = None) -> T | None:
        """Wait for the end, for at most so many seconds; None where it took longer.

        Raises what the attempt has raised.
        """
        self.waiting += 1
        try:
            if patience is not None:
                await asyncio.wait({self._task}, timeout=patience)
            elif not self._task.done():
                # Of its own: to be cancelled while waiting for the task would cancel the task.
                ended = asyncio.get_running_loop().create_future()
                self._waiters.append(ended)
                await ended
        finally:
            self.waiting -= 1
        return self._task.result() if self._task.done() else None

    def ended(self) -> None:
        """Wake up whoever waits for the end."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class Flights(Generic[T]):
    """The attempts under way, by question; never more than `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flights: dict[bytes, Flight[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def join(self, key: bytes, current: Callable[[Flight[T]], bool]) -> Flight[T] | None:
        """Return the flight to wait for, or None where one has to be begun.

        `current` tells whether a flight was dispatched after every write that concerns it. Raises
        Crowded where too many wait already, or too many are under way: those that nobody waits
        for any more count, too.
        """
        flight = self._flights.get(key)
        if flight is None or not current(flight):
            if len(self._tasks) >= self._most:
                raise Crowded
            return None
        if flight.waiting > FOLLOWERS_MOST:  # and the one that has begun it
            raise Crowded
        return flight

    def begin(
        self, key: bytes, tags: frozenset[bytes], since: Snapshot, work: Coroutine[Any, Any, T]
    ) -> Flight[T]:
        """Begin an attempt; `tags` and `since` are for `current`. It takes the place of another."""
        task = asyncio.create_task(work)
        flight = Flight(tags, since, task)
        self._flights[key] = flight
        self._tasks.add(task)

        def ended(task: "asyncio.Task[T]") -> None:
            self._tasks.discard(task)
            flight.ended()
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not task.cancelled():
                task.exception()  # whoever waits gets it; if nobody does, it is nobody's loss

        task.add_done_callback(ended)
        return flight

    def close(self) -> None:
        """Cancel what is under way."""
        for task in self._tasks:
            task.cancel()


class Crowded(Exception):
    """Too many wait for one answer, or there are too many attempts."""
