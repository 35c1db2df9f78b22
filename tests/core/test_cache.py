"""The memory tier: what is served, what is refused, and that both bounds hold."""

import pytest

from sidecar.core.cache import (
    ENTRY_MOST,
    EPOCHS_MOST,
    GRACE,
    OVERHEAD,
    SWEEP,
    Cache,
    Limits,
    OnWrite,
    State,
    Value,
    storable,
)
from sidecar.core.cache_key import Lesson, of_credential, of_id, tag
from sidecar.core.headers import RawHeaders

T, U, G = tag("thread", "t"), tag("user", "u"), tag("graph", "g")
OTHER, ALL = tag("thread", "other"), of_credential("c")
KEY, KEY2 = b"k" * 32, b"l" * 32
ANSWER = Value(b'{"context":"x"}', b"application/json")


def kept(cache: Cache, key: bytes = KEY, *tags: bytes, at: float = 0.0) -> bool:
    """Store an answer that came at once."""
    return cache.store(key, frozenset(tags or (T, ALL)), ANSWER, cache.snapshot(at), at)


def state(cache: Cache, now: float, key: bytes = KEY) -> State | None:
    """Return what the entry is good for."""
    found = cache.lookup(key, now)
    return found and found.state


def test_an_answer_is_fresh_for_its_time_and_last_known_after_it() -> None:
    """Counted from the dispatch of the read: what Zep said may be as old as that."""
    cache = Cache(Limits(ttl=30, max_stale=900))
    assert cache.store(KEY, frozenset({T}), ANSWER, cache.snapshot(100.0), 102.0)
    found = cache.lookup(KEY, 110.0)
    assert found
    assert (found.value, found.state, found.age, found.ttl) == (ANSWER, State.FRESH, 10.0, 20.0)
    assert state(cache, 129.9) is State.FRESH
    assert state(cache, 130.0) is State.STALE
    assert state(cache, 999.9) is State.STALE
    assert state(cache, 1000.0) is None
    assert (len(cache), cache.bytes) == (0, 0)


@pytest.mark.parametrize(("age", "expected"), [(100.0, State.STALE), (901.0, None)])
def test_last_known_by_age(age: float, expected: State | None) -> None:
    """Case 62: 100 s old is last known, 901 s old is nothing."""
    cache = Cache(Limits())
    kept(cache)
    assert state(cache, age) is expected


def test_without_max_stale_nothing_is_last_known() -> None:
    """Neither after its time nor after a write."""
    cache = Cache(Limits(ttl=30, max_stale=0))
    kept(cache)
    assert state(cache, 29.0) is State.FRESH
    cache.bump(frozenset({T}), 29.0)
    assert state(cache, 29.0) is None
    assert len(cache) == 0


def test_a_write_ends_freshness_of_what_it_concerns() -> None:
    """Case 56: of the thread written to, not of another; it stays last known (case 62)."""
    cache = Cache(Limits())
    kept(cache)
    kept(cache, KEY2, OTHER, ALL)
    cache.bump(frozenset({T}), 1.0)
    assert state(cache, 2.0) is State.OUTDATED
    assert state(cache, 2.0, KEY2) is State.FRESH
    found = cache.lookup(KEY, 2.0)
    assert found
    assert found.ttl == -1.0


def test_a_write_that_names_nothing_concerns_its_credential() -> None:
    """All of it, and nobody else's."""
    cache = Cache(Limits())
    kept(cache)
    kept(cache, KEY2, T, of_credential("d"))
    cache.bump(frozenset({ALL}), 1.0)
    assert state(cache, 1.0) is State.OUTDATED
    assert state(cache, 1.0, KEY2) is State.FRESH


def test_a_read_from_before_a_write_is_not_stored() -> None:
    """Be it dispatched before the write began, or before it ended."""
    cache = Cache(Limits())
    before = cache.snapshot(0.0)
    cache.bump(frozenset({T}), 0.1)
    during = cache.snapshot(0.2)
    assert not cache.store(KEY, frozenset({T}), ANSWER, before, 0.3)
    cache.bump(frozenset({T}), 0.4)
    assert not cache.store(KEY, frozenset({T}), ANSWER, during, 0.5)
    assert cache.store(KEY, frozenset({OTHER}), ANSWER, during, 0.5)
    assert cache.store(KEY2, frozenset({T}), ANSWER, cache.snapshot(0.6), 0.7)


def test_an_older_read_does_not_replace_a_newer_one() -> None:
    """Answers overtake each other."""
    cache = Cache(Limits())
    old, new = cache.snapshot(0.0), cache.snapshot(1.0)
    assert cache.store(KEY, frozenset({T}), ANSWER, new, 1.1)
    assert not cache.store(KEY, frozenset({T}), ANSWER._replace(body=b"{}"), old, 1.2)
    found = cache.lookup(KEY, 1.2)
    assert found
    assert found.value == ANSWER


def test_soft_serves_for_a_while_after_the_first_write() -> None:
    """More writes do not make it longer, and it never goes beyond the time to live."""
    cache = Cache(Limits(ttl=30, on_write=OnWrite.SOFT))
    kept(cache)
    for now in (10.0, 12.0, 14.0):
        cache.bump(frozenset({T}), now)
    assert state(cache, 10.0 + GRACE - 0.1) is State.GRACE
    assert state(cache, 10.0 + GRACE) is State.OUTDATED
    kept(cache, at=20.0)
    cache.bump(frozenset({T}), 49.0)
    assert state(cache, 49.9) is State.GRACE
    assert state(cache, 50.0) is State.OUTDATED


def test_off_ignores_writes_but_not_erasures() -> None:
    """Reads in flight during a write are stored, too."""
    cache = Cache(Limits(on_write=OnWrite.OFF))
    begun = cache.snapshot(0.0)
    cache.bump(frozenset({T}), 0.0)
    assert cache.store(KEY, frozenset({T}), ANSWER, begun, 1.0)
    cache.bump(frozenset({T}), 1.0)
    assert state(cache, 1.0) is State.FRESH
    assert cache.purge(frozenset({T})) == 1
    assert not cache.store(KEY, frozenset({T}), ANSWER, begun, 1.0)


def test_an_erasure_removes_and_refuses_what_is_in_flight() -> None:
    """Before it is forwarded, and after it was answered."""
    cache = Cache(Limits())
    kept(cache)
    early = cache.snapshot(0.0)
    assert cache.purge(frozenset({T})) == 1
    late = cache.snapshot(1.0)
    assert cache.purge(frozenset({T})) == 0
    for read in (early, late):
        assert not cache.store(KEY, frozenset({T}), ANSWER, read, 2.0)
    assert state(cache, 2.0) is None


def test_a_refused_credential_loses_what_it_read() -> None:
    """And nobody else does."""
    cache = Cache(Limits())
    kept(cache)
    kept(cache, KEY2, T, of_credential("d"))
    assert cache.purge(frozenset({ALL})) == 1
    assert state(cache, 0.0, KEY2) is State.FRESH


def test_invalidation_by_id_is_exact_and_counts() -> None:
    """A thread, a user or a graph, by its whole id; an unknown one is 0."""
    cache = Cache(Limits())
    for number in (1, 10):
        for i, kind in enumerate(("thread", "user", "graph")):
            kept(cache, bytes([number, i]) * 16, tag(kind, f"x-{number}"))
    assert cache.invalidate(of_id("x-1")) == 3
    assert len(cache) == 3
    assert cache.invalidate(of_id("x")) == 0
    assert state(cache, 0.0, bytes([1, 0]) * 16) is None  # not even last known


def test_mode_off_empties_it_and_refuses_what_is_in_flight() -> None:
    """Reads dispatched after it are stored again."""
    cache = Cache(Limits())
    kept(cache)
    begun = cache.snapshot(0.0)
    cache.clear()
    assert (len(cache), cache.bytes, state(cache, 0.0)) == (0, 0, None)
    assert not cache.store(KEY, frozenset({T}), ANSWER, begun, 0.1)
    assert kept(cache, at=1.0)


def test_a_write_to_a_user_concerns_the_threads_known_to_be_theirs() -> None:
    """Case 57, and the other way round: a write to a thread concerns the user's other threads."""
    cache = Cache(Limits())
    for thread in (T, OTHER):
        cache.learn(Lesson(thread, frozenset({U, G})))
    kept(cache)
    cache.bump(frozenset({U}), 1.0)
    assert state(cache, 1.0) is State.OUTDATED
    kept(cache, at=2.0)
    cache.bump(frozenset({OTHER}), 3.0)
    assert state(cache, 3.0) is State.OUTDATED
    kept(cache, KEY2, G, at=4.0)
    cache.bump(frozenset({T}), 5.0)
    assert state(cache, 5.0, KEY2) is State.OUTDATED


def test_an_owner_that_is_learned_late() -> None:
    """What was kept without knowing it goes; what is in flight is judged with it."""
    cache = Cache(Limits())
    kept(cache)
    begun = cache.snapshot(1.0)
    cache.bump(frozenset({U}), 1.5)
    cache.learn(Lesson(T, frozenset({U})))
    assert state(cache, 2.0) is None
    assert not cache.store(KEY, frozenset({T}), ANSWER, begun, 2.0)
    kept(cache, at=2.0)
    cache.learn(Lesson(T, frozenset({U})))  # nothing new
    assert state(cache, 2.0) is State.FRESH


def test_what_is_too_large_is_not_kept() -> None:
    """Neither a large answer, nor one that alone is more than the bound."""
    cache = Cache(Limits())
    for size, expected in ((ENTRY_MOST + 1, False), (ENTRY_MOST, True)):
        value = Value(b"x" * size, b"")
        assert cache.store(KEY, frozenset({T}), value, cache.snapshot(0.0), 0.0) is expected
    assert not kept(Cache(Limits(max_bytes=OVERHEAD)))


def test_both_bounds_hold_and_the_oldest_goes() -> None:
    """Case 58: 20,000 answers of 8 KB; the least recently used goes first."""
    cache = Cache(Limits(max_entries=5_000, max_bytes=32 << 20))
    value = Value(b"x" * 8192, b"application/json")
    charge = value.size + 32 + OVERHEAD
    for number in range(20_000):
        cache.store(b"%032d" % number, frozenset({T, ALL}), value, cache.snapshot(0.0), 0.0)
        cache.lookup(b"%032d" % 0, 0.0)
        assert cache.bytes == len(cache) * charge
        assert cache.bytes <= 32 << 20
        assert len(cache) <= 5_000
    assert state(cache, 0.0, b"%032d" % 0) is State.FRESH
    assert state(cache, 0.0, b"%032d" % 1) is None
    assert len(cache) == (32 << 20) // charge
    few = Cache(Limits(max_entries=3))
    for number in range(10):
        kept(few, b"%032d" % number)
    assert len(few) == 3


def test_sweeps_are_short_and_get_through() -> None:
    """Case 59: what is too old goes in steps; what was in use a while ago, a while later."""
    cache = Cache(Limits(ttl=30, max_stale=100, max_entries=10_000))
    for number in range(2_000):
        kept(cache, b"%032d" % number, at=0.0)
    for number in range(2_000, 2_000 + SWEEP):
        kept(cache, b"%032d" % number, at=50.0)
    cache.lookup(b"%032d" % 0, 99.0)
    removed = [cache.sweep(101.0) for _ in range(6)]
    assert removed == [SWEEP, SWEEP, SWEEP, 499, 0, 0]
    assert len(cache) == SWEEP + 1
    assert [cache.sweep(151.0) for _ in range(2)] == [SWEEP, 1]


def test_what_is_remembered_beside_entries_is_bounded() -> None:
    """Last writes; what is forgotten of them errs on the safe side."""
    cache = Cache(Limits())
    begun = cache.snapshot(0.0)
    cache.bump(frozenset({T}), 0.0)
    for number in range(EPOCHS_MOST * 2):
        cache.bump(frozenset({tag("thread", str(number))}), 0.0)
        assert len(cache._epochs) <= EPOCHS_MOST
    assert cache._epochs.get(T) is None
    assert not cache.current(frozenset({T}), begun)
    assert cache.current(frozenset({T}), cache.snapshot(0.0))
    assert not cache.store(KEY, frozenset({T}), ANSWER, begun, 0.0)
    assert kept(cache, KEY, tag("thread", "never written"))


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, ((b"Content-Type", b"application/json"),), Value(b"{}", b"application/json")),
        (200, ((b"content-encoding", b"GZIP"), (b"Vary", b"Accept")), Value(b"{}", b"", b"gzip")),
        (200, (), Value(b"{}", b"")),
        (206, (), None),
        (404, (), None),
        (200, ((b"Set-Cookie", b"a=b"),), None),
        (200, ((b"vary", b"Origin, *"),), None),
        (200, ((b"vary", b"Origin"), (b"Vary", b"Accept-Encoding")), Value(b"{}", b"")),
        (200, ((b"vary", b"Accept, X-Language"),), None),
        (200, ((b"Content-Encoding", b"br"),), None),
        (200, ((b"Content-Encoding", b"gzip, gzip"),), None),
        (200, ((b"Age", b"3"),), None),
        (200, ((b"age", b"0"),), Value(b"{}", b"")),
    ],
)
def test_what_is_kept_of_an_answer(
    status: int, headers: RawHeaders, expected: Value | None
) -> None:
    """Body, type and coding of a 200; nothing that is only for one, or that nobody could read."""
    assert storable(status, headers, b"{}") == expected
