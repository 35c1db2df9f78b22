"""The cache under any order of reads, writes, erasures, lessons and time, beside a slow model."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from sidecar.core.cache import GRACE, OVERHEAD, Cache, Limits, OnWrite, Snapshot, State, Value
from sidecar.core.cache_key import TAG_SIZE, Lesson

THREADS = [b"thread".ljust(TAG_SIZE, b"%d" % n) for n in range(3)]
USERS = [b"user".ljust(TAG_SIZE, b"%d" % n) for n in range(2)]
KEYS = [b"k1", b"k2", b"k3", b"k4", b"k5"]
TAGS = st.frozensets(st.sampled_from([*THREADS, *USERS]), min_size=1, max_size=2)


@dataclass
class Read:
    """A read in flight or kept: the body stands for the instant of its dispatch."""

    key: bytes
    tags: frozenset[bytes]
    snapshot: Snapshot
    at: float
    order: int
    writes: list[float] = field(default_factory=list)
    erased: bool = False


class CacheModel(RuleBasedStateMachine):
    """Any use of a cache."""

    flights: Bundle[Read] = Bundle("flights")

    @initialize(on_write=st.sampled_from(OnWrite), max_stale=st.sampled_from([0.0, 20.0, 90.0]))
    def begin(self, on_write: OnWrite, max_stale: float) -> None:
        """Choose the limits."""
        self.limits = Limits(30.0, max_stale, 3, 3 * OVERHEAD, on_write)
        self.cache = Cache(self.limits)
        self.now = 0.0
        self.reads: list[Read] = []
        self.owner: dict[bytes, frozenset[bytes]] = {}

    def concerned(self, tags: frozenset[bytes]) -> list[Read]:
        """Return the reads, whenever they were made, that depend on a tag."""
        wide = self.wide(tags)
        return [read for read in self.reads if self.wide(read.tags) & wide]

    def wide(self, tags: frozenset[bytes]) -> frozenset[bytes]:
        """Return tags with owners."""
        return tags.union(*(self.owner.get(each, frozenset()) for each in tags))

    @rule(target=flights, key=st.sampled_from(KEYS), thread=st.sampled_from([*THREADS, *USERS]))
    def dispatch(self, key: bytes, thread: bytes) -> Read:
        """Send a read. A key is always about the same thing."""
        tags = frozenset({(THREADS + USERS)[KEYS.index(key)]})
        read = Read(key, tags, self.cache.snapshot(self.now), self.now, len(self.reads))
        self.reads.append(read)
        return read

    @rule(read=flights, size=st.integers(0, 3 * OVERHEAD))
    def land(self, read: Read, size: int) -> None:
        """Store what a read has brought, maybe once more; refused only for a reason."""
        body = b"%d " % read.order + b"x" * size
        small = len(body) + 2 + OVERHEAD <= self.limits.max_bytes
        stored = self.cache.store(read.key, read.tags, Value(body, b""), read.snapshot, self.now)
        if stored:
            assert small
            assert not read.writes
            assert not read.erased

    @rule(tags=TAGS)
    def write(self, tags: frozenset[bytes]) -> None:
        """Note a write."""
        self.cache.bump(tags, self.now)
        if self.limits.on_write is not OnWrite.OFF:
            for read in self.concerned(tags):
                read.writes.append(self.now)

    @rule(tags=TAGS)
    def erase(self, tags: frozenset[bytes]) -> None:
        """Erase, and look that nothing is left."""
        self.cache.purge(tags)
        for read in self.concerned(tags):
            read.erased = True

    @rule()
    def clear(self) -> None:
        """Empty it."""
        self.cache.clear()
        assert len(self.cache) == 0
        for read in self.reads:
            read.erased = True

    @rule(thread=st.sampled_from(THREADS), user=st.sampled_from(USERS))
    def learn(self, thread: bytes, user: bytes) -> None:
        """Learn an owner; what an earlier write to that owner concerns is not known any more."""
        self.cache.learn(Lesson(thread, frozenset({user})))
        self.owner[thread] = self.owner.get(thread, frozenset()) | {user}

    @rule(seconds=st.sampled_from([0.0, 1.0, GRACE, 29.0, 30.0, 60.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        """Remove what is too old, here all of it."""
        self.cache.sweep(self.now)

    @rule(key=st.sampled_from(KEYS))
    def look(self, key: bytes) -> None:
        """Nothing from before a write is fresh, nothing from before an erasure is there at all."""
        found = self.cache.lookup(key, self.now)
        if found is None:
            return
        read = self.reads[int(found.value.body.split()[0])]
        assert read.key == key
        assert not read.erased
        assert found.age == self.now - read.at
        limits = self.limits
        if found.state is State.FRESH:
            assert not read.writes
            assert found.age < limits.ttl
        elif found.state is State.GRACE:
            assert limits.on_write is OnWrite.SOFT
            assert self.now - read.writes[0] < GRACE
            assert found.age < limits.ttl
        else:
            assert found.age < limits.max_stale
            assert bool(read.writes) is (found.state is State.OUTDATED)
        assert (found.ttl > 0) is (found.state is State.FRESH)

    @invariant()
    def bounds(self) -> None:
        """Both bounds hold, and the books are right."""
        if not hasattr(self, "cache"):
            return
        cache: Any = self.cache
        assert len(cache) <= self.limits.max_entries
        assert cache.bytes <= self.limits.max_bytes
        charges = [e.value.size + len(k) + OVERHEAD for k, e in cache._entries.items()]
        assert cache.bytes == sum(charges)
        carried = {tag for entry in cache._entries.values() for tag in entry.tags}
        assert len(cache._tagged) == len(carried)
        for tag in carried:
            keys = {key for key, entry in cache._entries.items() if tag in entry.tags}
            assert cache._tagged.keys([tag]) == keys


TestCacheModel = CacheModel.TestCase
