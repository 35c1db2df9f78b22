"""Keys by tag, and owners."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.cache_key import Lesson, tag
from sidecar.core.tag_index import OWNED_MOST, OWNERS_MOST, Generations, Owners, TagIndex

T, U, G = tag("thread", "t"), tag("user", "u"), tag("graph", "g")


@given(st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 3))), max_size=30))
def test_an_index_is_a_mapping_to_sets(steps: list[tuple[int, set[int]]]) -> None:
    """Each step adds a key with its tags or, if it is there, removes it."""
    index, there = TagIndex(), dict[bytes, list[bytes]]()
    for number, tags in steps:
        key = b"%d" % number
        if key in there:
            index.remove(key, there.pop(key))
        else:
            there[key] = [b"t%d" % each for each in tags]
            index.add(key, there[key])
        for each in range(4):
            name = b"t%d" % each
            assert index.keys([name]) == {key for key, tags in there.items() if name in tags}
        assert len(index) == len({each for tags in there.values() for each in tags})
    assert index.keys([b"t0", b"t1", b"no"]) == index.keys([b"t0"]) | index.keys([b"t1"])
    index.clear()
    assert len(index) == 0


def test_owners_add_up() -> None:
    """What is said twice is not new; tags without owners stay as they are."""
    owners = Owners()
    assert owners.widen(frozenset({T})) == {T}
    assert owners.learn(Lesson(T, frozenset({U})))
    assert owners.learn(Lesson(T, frozenset({G})))
    assert not owners.learn(Lesson(T, frozenset({U, G})))
    assert owners.widen(frozenset({T})) == {T, U, G}
    assert owners.widen(frozenset({U})) == {U}


def test_owners_are_bounded() -> None:
    """In number, and for each; what is of use stays."""
    owners = Owners()
    owners.learn(Lesson(T, frozenset({U})))
    for number in range(OWNED_MOST * 2):
        owners.learn(Lesson(tag("thread", str(number)), frozenset({U})))
        assert len(owners) <= OWNED_MOST
        if number % 1000 == 0:
            assert owners.widen(frozenset({T})) == {T, U}
    assert owners.widen(frozenset({tag("thread", "0")})) == {tag("thread", "0")}
    for number in range(OWNERS_MOST + 1):
        owners.learn(Lesson(T, frozenset({tag("user", str(number))})))
    assert owners.widen(frozenset({T})) == {
        T,
        tag("user", str(OWNERS_MOST - 1)),
        tag("user", str(OWNERS_MOST)),
    }


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans())))
def test_generations_keep_the_latest(steps: list[tuple[int, bool]]) -> None:
    """At least half as many as may be kept, never more; what is kept is what was put."""
    kept, latest = Generations[int](8), dict[int, int]()
    for at, (number, puts) in enumerate(steps):
        name = b"%d" % number
        if puts:
            kept.put(name, at)
            latest.pop(number, None)
            latest[number] = at
        else:
            assert kept.get(name) in (None, latest.get(number))
        assert len(kept) <= 8
        for recent in list(latest)[-4:]:
            assert kept.get(b"%d" % recent) == latest[recent]
    kept.clear()
    assert len(kept) == 0
