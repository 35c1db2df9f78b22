"""The memory tier of the context cache: fresh answers, and the last known ones, within bounds.

An entry is fresh for `ttl` seconds from the dispatch of the read that brought it, and kept as last
known for `max_stale`. A write ends its freshness; an erasure ends it altogether.

Every `now` is a monotonic instant, in seconds.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import NamedTuple

from sidecar.core.cache_key import Key, Lesson, Tag
from sidecar.core.headers import AnyHeaders, tokens, values
from sidecar.core.tag_index import Generations, Owners, TagIndex

# Bytes that an entry is charged beside its key and its value.
OVERHEAD = 200
ENTRY_MOST = 1 << 20
# Seconds for which `soft` serves an entry after the first write that concerns it.
GRACE = 5.0
# Entries that one sweep looks at.
SWEEP = 500
# Tags whose last write is remembered.
EPOCHS_MOST = 16_384
# Request fields that an answer may vary by (RFC 9110 12.5.5): what differs in them is another key,
# and no SDK sends an Origin.
_IN_THE_KEY = {b"accept", b"accept-encoding", b"authorization", b"origin"}
_READABLE = (b"gzip", b"deflate", b"identity")


class OnWrite(Enum):
    """What a write does to the answers that it concerns."""

    HARD = "hard"  # they are fresh no longer
    SOFT = "soft"  # they are served for GRACE seconds more while one read brings a new one
    OFF = "off"


class Value(NamedTuple):
    """An answer of Zep, status 200, as it came."""

    body: bytes
    content_type: bytes
    content_encoding: bytes = b""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body) + len(self.content_type) + len(self.content_encoding)


def storable(status: int, headers: AnyHeaders, body: bytes) -> Value | None:
    """Return the part of an answer that is kept, or None where none may be.

    The caller has judged the body: complete, and JSON of the right type. An answer in a coding
    that nobody asked for has not been judged by anyone. One that comes out of another cache
    (RFC 9111 5.1) is from before writes that are known here.
    """
    types, codings = values(headers, b"content-type"), tokens(headers, b"content-encoding")
    personal = values(headers, b"set-cookie") or set(tokens(headers, b"vary")) - _IN_THE_KEY
    readable = not codings or (len(codings) == 1 and codings[0] in _READABLE)
    aged = set(values(headers, b"age")) - {b"0"}
    if status != 200 or personal or aged or not readable or len(types) > 1:
        return None
    return Value(body, b"".join(types), b"".join(codings))


class Snapshot(NamedTuple):
    """The instant at which a read was dispatched, in seconds and in writes."""

    epoch: int
    at: float


class State(Enum):
    """What a cached answer is good for."""

    FRESH = "fresh"
    GRACE = "grace"  # to be served, and to be read anew
    STALE = "stale"  # last known; no write has concerned it
    OUTDATED = "outdated"  # last known; from before a write


class Found(NamedTuple):
    """A cached answer."""

    value: Value
    state: State
    age: float
    """Seconds since the read that brought it was dispatched."""
    ttl: float
    """Seconds that it is still fresh; less than 0 since it is not."""


class Limits(NamedTuple):
    """The `cache` section of the configuration, as the memory tier needs it."""

    ttl: float = 30.0
    max_stale: float = 900.0
    max_entries: int = 10_000
    max_bytes: int = 64 << 20
    on_write: OnWrite = OnWrite.HARD


class _Entry:
    __slots__ = ("at", "charge", "tags", "value", "written")

    def __init__(self, value: Value, tags: tuple[Tag, ...], at: float, charge: int) -> None:
        self.value, self.tags, self.at, self.charge = value, tags, at, charge
        self.written = math.inf
        """When the first write that concerns it was seen."""


class Cache:
    """Answers by key, in memory. Both bounds hold after every call, and during it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._keep = max(limits.ttl, limits.max_stale)
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()  # the least recently used first
        self._tagged = TagIndex()
        self._bytes = 0
        # Writes are counted; each tag has the number of its last one. A tag that is not there had
        # its last one, if any, at `_forgotten` or before. All that goes next is from `_elder` or
        # before.
        self._epoch = 0
        self._epochs: Generations[int] = Generations(EPOCHS_MOST)
        self._forgotten = self._elder = 0
        self._owners = Owners()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What the entries are charged: keys, values, and OVERHEAD for each."""
        return self._bytes

    # --- reads --------------------------------------------------------------------------------

    def lookup(self, key: Key, now: float) -> Found | None:
        """Return the answer that is kept under a key, and what it is good for."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = max(now - entry.at, 0.0)
        state = self._state(entry, age, now)
        if state is None:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        ends = min(self._limits.ttl, entry.written - entry.at)
        return Found(entry.value, state, age, ends - age)

    def snapshot(self, now: float) -> Snapshot:
        """Return what has to be handed to `store` later; to be called before the read is sent."""
        return Snapshot(self._epoch, now)

    def current(self, tags: frozenset[Tag], snapshot: Snapshot) -> bool:
        """Tell whether no write has concerned the tags since."""
        return self._unwritten(self.with_owners(tags), snapshot)

    def store(
        self, key: Key, tags: frozenset[Tag], value: Value, snapshot: Snapshot, now: float
    ) -> bool:
        """Keep an answer; refused, it returns False, where it may be older than a write."""
        tags = self.with_owners(tags)
        charge = value.size + len(key) + OVERHEAD
        limits, known = self._limits, self._entries.get(key)
        if value.size > ENTRY_MOST or charge > limits.max_bytes or now - snapshot.at >= self._keep:
            return False
        if not self._unwritten(tags, snapshot) or (known and known.at > snapshot.at):
            return False
        if known:
            self._drop(key)
        while self._entries and (
            len(self._entries) >= limits.max_entries or self._bytes + charge > limits.max_bytes
        ):
            self._drop(next(iter(self._entries)))
        self._entries[key] = _Entry(value, tuple(tags), snapshot.at, charge)
        self._bytes += charge
        self._tagged.add(key, tags)
        return True

    # --- writes, erasures, and what operators do ----------------------------------------------

    def bump(self, tags: frozenset[Tag], now: float) -> None:
        """Note a write: at its dispatch, and at its end, whatever that is."""
        if self._limits.on_write is OnWrite.OFF:
            return
        tags = self.with_owners(tags)
        self._count(tags)
        for key in self._tagged.keys(tags):
            entry = self._entries[key]
            entry.written = min(entry.written, now)

    def purge(self, tags: frozenset[Tag]) -> int:
        """Remove, and refuse from reads in flight, what depends on any of the tags.

        For erasures, before and after; for a credential that is refused; for operators. Returns
        the number of entries removed.
        """
        return self.invalidate(self.with_owners(tags))

    def invalidate(self, tags: frozenset[Tag]) -> int:
        """Remove what carries one of these very tags; otherwise as `purge`."""
        self._count(tags)
        keys = self._tagged.keys(tags)
        if len(keys) == len(self._entries):
            self._empty()
        else:
            for key in keys:
                self._drop(key)
        return len(keys)

    def clear(self) -> None:
        """Remove everything, and refuse it from reads in flight."""
        self._epoch += 1
        self._forgotten = self._elder = self._epoch
        self._epochs.clear()
        self._empty()

    def learn(self, lesson: Lesson) -> None:
        """Remember to whom something belongs."""
        if self._owners.learn(lesson):
            # Whether a write has concerned an owner since they were read is not known.
            for key in self._tagged.keys((lesson.owned,)):
                self._drop(key)

    def sweep(self, now: float) -> int:
        """Remove what is too old among the SWEEP least recently used; return how many were.

        Entries that are in use are looked at when they are used. One that has been and is no
        longer comes into reach before it is twice as old as it may be.
        """
        some = list(islice(self._entries.items(), SWEEP))
        old = [key for key, entry in some if self._state(entry, now - entry.at, now) is None]
        for key in old:
            self._drop(key)
        return len(old)

    def with_owners(self, tags: frozenset[Tag]) -> frozenset[Tag]:
        """Return the tags, and those of their owners as far as they are known."""
        return self._owners.widen(tags)

    # --- parts of the above -------------------------------------------------------------------

    def _unwritten(self, tags: frozenset[Tag], snapshot: Snapshot) -> bool:
        """Tell whether no write has named one of these very tags since."""
        last, forgotten = self._epochs.get, self._forgotten
        return all((last(tag) or forgotten) <= snapshot.epoch for tag in tags)

    def _state(self, entry: _Entry, age: float, now: float) -> State | None:
        limits, written = self._limits, entry.written < math.inf
        if age < limits.ttl and not written:
            return State.FRESH
        graced = limits.on_write is OnWrite.SOFT and now - entry.written < GRACE
        if age < limits.ttl and graced:
            return State.GRACE
        if age >= limits.max_stale:
            return None
        return State.OUTDATED if written else State.STALE

    def _count(self, tags: Iterable[Tag]) -> None:
        self._epoch += 1
        for each in tags:
            if self._epochs.put(each, self._epoch):
                self._forgotten, self._elder = self._elder, self._epoch

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key)
        self._bytes -= entry.charge
        self._tagged.remove(key, entry.tags)

    def _empty(self) -> None:
        self._entries.clear()
        self._tagged.clear()
        self._bytes = 0
