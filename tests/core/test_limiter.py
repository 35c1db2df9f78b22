"""How often something may be said."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.limiter import Limiter


def test_burst_then_pace() -> None:
    """What was held back is told by the next that is let through."""
    limiter = Limiter(burst=2, pause=10)
    assert [limiter.admit("a", 0) for _ in range(5)] == [0, 0, None, None, None]
    assert limiter.admit("a", 9.9) is None
    assert limiter.admit("a", 10) == 4
    assert limiter.admit("a", 10) is None
    assert limiter.admit("a", 1000) == 1
    assert limiter.admit("a", 1000) == 0  # the burst is back, and no more than that
    assert limiter.admit("a", 1000) is None


def test_keys_are_apart() -> None:
    """One that floods silences no other."""
    limiter = Limiter(burst=1, pause=10)
    assert [limiter.admit(key, 0) for key in "aabab"] == [0, None, 0, None, None]


def test_a_clock_that_stands() -> None:
    """Or even goes back lets nothing more through."""
    limiter = Limiter(burst=1, pause=1)
    assert [limiter.admit("a", now) for now in (5, 4, 3)] == [0, None, None]


@given(st.lists(st.floats(0, 5), max_size=200))
def test_nothing_is_lost_and_the_pace_is_kept(waits: list[float]) -> None:
    """Let through or counted; never more than the burst and one for each pause."""
    limiter, now, passed, told = Limiter(burst=3, pause=2), 0.0, 0, 0
    for wait in waits:
        now += wait
        held = limiter.admit("a", now)
        passed += held is not None
        told += held or 0
    last = limiter.admit("a", now + 100)
    assert last is not None
    assert passed + told + last == len(waits)
    assert passed <= 3 + now / 2 + 1e-6
