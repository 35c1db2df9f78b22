"""The shared tier: fresh answers in Redis, through aiocache, for the sidecars of a fleet.

It can only help. Whatever goes wrong with it is a miss, after a few hundredths of a second at
most; then it is left alone until it answers again. Redis holds, under a common prefix,

    c:<key>   an answer (core/envelope.py), for as long as it is fresh
    t:<tag>   the tag's epoch, a number; a write adds a random one to it

An answer holds if each of its tags still has the epoch that it had when the read was dispatched.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from sidecar.core.cache import Value
from sidecar.core.cache_key import Key, Tag, tag
from sidecar.core.envelope import Envelope, pack, unpack
from sidecar.runtime.logs import Log

# Seconds. Nobody waits longer than this for a look or for a write's two notes together.
OPERATION = 0.03
CONNECT, SOCKET, POOL = 0.05, 0.05, 0.02
CONNECTIONS = 8
# Operations at a time; what comes on top is a miss at once.
TALKING_MOST = 64
# Consecutive errors after which it is left alone; seconds between trials then.
ERRORS_MOST = 3
PAUSE = 5.0
# Seconds between attempts to deliver invalidations that have failed.
RETRY = 1.0
# Tags with an undelivered invalidation; with more, everything is taken for invalid for a while.
TOMBSTONES_MOST = 10_000
# Answers on their way to Redis; more are not stored.
STORING_MOST = 64
# By how much the clock of another pod may be ahead, in seconds.
CLOCKS_APART = 1.0
# Epochs live longer than any answer that has them: an answer whose epoch is gone is not used.
EPOCHS_LIVE = 10

_TRIAL = tag("trial", "")

_ADD = """
for i, key in ipairs(KEYS) do
  local sum = redis.pcall('incrby', key, ARGV[1])
  if type(sum) == 'table' then redis.call('set', key, ARGV[1]) end
  redis.call('pexpire', key, ARGV[2])
end
return redis.call('mget', unpack(KEYS))
"""


_NUMBER = re.compile(rb"-?[0-9]{1,18}")


class Shared(NamedTuple):
    """An answer that another read, perhaps another sidecar's, has brought."""

    value: Value
    age: float
    """Seconds since that read was dispatched."""


class Look(NamedTuple):
    """What the tier knows of a question; `epochs` are for `keep`, if Zep has to be asked."""

    found: Shared | None = None
    epochs: dict[Tag, int] | None = None


class SharedTier:
    """Answers in Redis at `url`; `ttl` in seconds."""

    def __init__(
        self,
        url: str,
        namespace: str,
        ttl: float,
        *,
        mono: Callable[[], float],
        wall: Callable[[], datetime],
        log: Log,
    ) -> None:
        """Raise ValueError for a URL that is none; connect to nothing yet."""
        self._ttl, self._mono, self._wall, self._log = ttl, mono, wall, log
        self._cache = _redis(url, namespace)
        self._errors = 0
        self._skips = False
        self._tombstones: dict[Tag, float] = {}
        self._blind_until = float("-inf")
        self._storing = self._talking = 0
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivers = False

    @property
    def state(self) -> str:
        """Return `ok`, or `skipped` while it is left alone."""
        return "skipped" if self._skips else "ok"

    async def look(self, key: Key, tags: frozenset[Tag]) -> Look:
        """Ask for an answer; to be called before the read is sent."""
        if self._skips or self._hidden(tags):
            return Look()
        looked = await self._guarded(self._look(key, sorted(tags)))
        # A write may have failed to say so while we waited.
        return Look() if looked is None or self._hidden(tags) else looked

    def keep(self, key: Key, value: Value, age: float, epochs: dict[Tag, int]) -> None:
        """Store an answer whose read was dispatched `age` seconds ago; nobody waits for it."""
        if not self._skips and self._storing < STORING_MOST and age < self._ttl:
            stored_at = self._wall().timestamp() - age
            packed = pack(key, Envelope(value, stored_at, epochs))
            self._storing += 1
            self._spawn(self._keep(key, packed, self._ttl - age))

    async def bump(self, tags: frozenset[Tag]) -> None:
        """Say that what depends on the tags holds no longer; to be awaited at both ends of a write.

        If that fails, this sidecar takes nothing from here that depends on them, and goes on
        trying.
        """
        if self._skips or await self._guarded(self._add(sorted(tags))) is None:
            self._bury(tags)

    def bump_soon(self, tags: frozenset[Tag]) -> None:
        """Say so without waiting: from now on this sidecar takes nothing that depends on them."""
        self._bury(tags)

    def forget(self) -> None:
        """Take nothing that is there now: the mode was off."""
        self._blind_until = self._mono() + self._ttl + CLOCKS_APART

    async def close(self) -> None:
        """End what is under way, and the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(Exception):
            async with asyncio.timeout(OPERATION):
                await self._cache.client.aclose()

    # --- conversations with Redis: these may raise anything ------------------------------------

    async def _look(self, key: Key, tags: list[Tag]) -> Look:
        data, *numbers = await self._cache.multi_get([_answer(key), *map(_epoch, tags)])
        epochs = _epochs(tags, numbers)
        if missing := [each for each in tags if each not in epochs]:
            epochs |= await self._add(missing)
            return Look(None, epochs if len(epochs) == len(tags) else None)
        envelope = unpack(key, data) if data else None
        if envelope is None:
            return Look(None, epochs)
        # Who stored it may have known of an owner that we do not know.
        if unknown := [each for each in envelope.epochs if each not in epochs]:
            epochs |= _epochs(unknown, await self._cache.multi_get([*map(_epoch, unknown)]))
        age = self._wall().timestamp() - envelope.stored_at
        # Nor is one good that was stored without an owner that we do know.
        holds = envelope.epochs == epochs and -CLOCKS_APART <= age < self._ttl
        ours = {each: epochs[each] for each in tags}
        return Look(Shared(envelope.value, max(age, 0.0)) if holds else None, ours)

    async def _add(self, tags: list[Tag]) -> dict[Tag, int]:
        names = [self._cache.build_key(_epoch(each), self._cache.namespace) for each in tags]
        number = secrets.randbelow(2**32) + 1
        lives = int(1000 * EPOCHS_LIVE * max(self._ttl, 1.0))
        return _epochs(tags, await self._cache.raw("eval", _ADD, len(names), *names, number, lives))

    async def _keep(self, key: Key, packed: bytes, ttl: float) -> None:
        try:
            await self._guarded(self._cache.set(_answer(key), packed, ttl=max(ttl, 0.001)))
        finally:
            self._storing -= 1

    # --- what happens when it fails ------------------------------------------------------------

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what came of it, or None if nothing did in time.

        A crowd of our own in front of the connections is no error of Redis.
        """
        began = False
        try:
            if self._talking >= TALKING_MOST:
                return None
            self._talking += 1
            try:
                async with asyncio.timeout(OPERATION), self._connections:
                    began = True
                    result = await work
            finally:
                self._talking -= 1
        except Exception as error:  # noqa: BLE001  whatever it is, there is Zep to ask
            if began:
                self._failed(error)
            return None
        finally:
            work.close()
        self._errors = 0
        return result

    def _failed(self, error: Exception) -> None:
        self._errors += 1
        if self._errors >= ERRORS_MOST and not self._skips:
            self._skips = True
            self._log("shared_tier", "warning", state="skipped", reason=type(error).__name__)
            self._spawn(self._until_it_answers())

    async def _until_it_answers(self) -> None:
        """Try it from time to time, at nobody's cost."""
        while self._skips:
            await asyncio.sleep(PAUSE)
            if await self._guarded(self._add([_TRIAL])) is not None:
                self._skips = False
                self._log("shared_tier", state="ok")

    def _bury(self, tags: Iterable[Tag]) -> None:
        until = self._mono() + self._ttl + CLOCKS_APART
        self._tombstones.update(dict.fromkeys(tags, until))
        if len(self._tombstones) > TOMBSTONES_MOST:
            self._tombstones.clear()
            self._blind_until = until
        if not self._delivers:
            self._delivers = True
            self._spawn(self._deliver())

    def _hidden(self, tags: frozenset[Tag]) -> bool:
        return self._mono() < self._blind_until or not self._tombstones.keys().isdisjoint(tags)

    async def _deliver(self) -> None:
        """Go on with invalidations until they are there, or until what they concern has expired."""
        while self._tombstones:
            now = self._mono()
            for each in [each for each, until in self._tombstones.items() if until <= now]:
                del self._tombstones[each]
            some = list(self._tombstones.items())[:500]
            if some and not self._skips and await self._guarded(self._add([t for t, _ in some])):
                for each, until in some:
                    if self._tombstones.get(each) == until:  # no other write has failed meanwhile
                        del self._tombstones[each]
            else:
                await asyncio.sleep(RETRY)
        self._delivers = False

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Bytes:
    """The serializer: what goes in comes out."""

    encoding = None

    def dumps(self, value: Any) -> Any:
        return value

    def loads(self, value: Any) -> Any:
        return value


def _redis(url: str, namespace: str) -> Any:
    # Imported here, because it takes a tenth of a second and most sidecars do without it.
    from aiocache import RedisCache
    from redis.asyncio.connection import BlockingConnectionPool, parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    given = dict(parse_url(url))
    return RedisCache(
        serializer=_Bytes(),
        namespace=namespace,
        timeout=None,  # `_guarded` has one for a whole conversation
        create_connection_timeout=CONNECT,
        endpoint=given.pop("host", "127.0.0.1"),
        port=given.pop("port", 6379),
        db=given.pop("db", 0),
        password=given.pop("password", None),
        pool_max_size=CONNECTIONS,
        connection_pool_class=BlockingConnectionPool,
        connection_pool_kwargs={
            **given,
            "timeout": POOL,
            "socket_timeout": SOCKET,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,  # a round trip less than the third
        },
    )


def _answer(key: Key) -> str:
    return f"c:{key.hex()}"


def _epoch(each: Tag) -> str:
    return f"t:{each.hex()}"


def _epochs(tags: Iterable[Tag], numbers: Iterable[bytes | None]) -> dict[Tag, int]:
    """Return those that are numbers, of 64 bits."""
    found = {}
    for each, number in zip(tags, numbers, strict=True):
        if number is not None and _NUMBER.fullmatch(number):
            found[each] = int(number)
    return found
