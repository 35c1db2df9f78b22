"""The guard as plain data."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.events import Forced
from sidecar.core.guard import MAX_CREDENTIALS, Grade, Guard
from sidecar.core.guard_state import restore, since, snapshot, status
from sidecar.core.machine import Policy, State, Trip
from sidecar.core.modes import Mode, Source
from sidecar.core.outcomes import OK, Reason, fail, of_status
from sidecar.core.routes import RouteClass

READ = RouteClass.CONTEXT
WALL = 1_800_000_000.0


def fresh() -> Guard:
    """Return a guard that knows nothing."""
    return Guard(Policy(), lambda: 0.0)


def used() -> Guard:
    """Return a guard that at 100 has tripped, with one credential refused and a force."""
    guard = fresh()
    guard.settle(guard.admit(READ, "refused", 100.0), of_status(READ, 401), 100.0)
    guard.settle(guard.admit(READ, "fine", 100.0), OK, 100.0)
    for _ in range(3):
        guard.settle(guard.admit(READ, "fine", 100.0), fail(Reason.TIMEOUT), 100.0)
    guard.force(Mode.OFF, "rollback", 100.0, ttl=50.0, allow_stale=True)
    return guard


def kept(guard: Guard, now: float, wall: float = WALL) -> Any:
    """Return what a file would give back."""
    return json.loads(json.dumps(snapshot(guard, now, wall)))


def test_status() -> None:
    """As the operator's command prints it."""
    assert status(fresh(), 0.0) == {
        "forced": None,
        "guard": {"state": "closed", "reason": None, "remaining": 0.0, "level": 0, "streak": 0},
        "credentials": [],
    }
    assert status(used(), 110.0) == {
        "forced": {"mode": "off", "reason": "rollback", "remaining": 40.0},
        "guard": {
            "state": "open",
            "reason": "consecutive_failures",
            "remaining": 290.0,
            "level": 0,
            "streak": 0,
        },
        "credentials": [
            {"id": "refused", "state": "open", "remaining": 290.0},
            {"id": "fine", "state": "closed", "remaining": 0.0},
        ],
    }


def test_status_shows_a_prefix_of_the_hash() -> None:
    """And a force without end has nothing left to show."""
    guard = fresh()
    guard.admit(READ, "0123456789abcdef", 0.0)
    guard.force(Mode.WRITE_ONLY, "x", 0.0)
    found = status(guard, 0.0)
    assert found["credentials"][0]["id"] == "0123456789ab"
    assert found["forced"] == {"mode": "write_only", "reason": "x", "remaining": None}


def test_a_snapshot_holds_wall_instants_only() -> None:
    """And nothing of what is closed."""
    assert kept(fresh(), 0.0) == {"version": 1, "forced": None, "host": None, "credentials": {}}
    hold = {"level": 0, "until": WALL + 290.0}
    assert kept(used(), 110.0) == {
        "version": 1,
        "forced": {
            "mode": "off",
            "reason": "rollback",
            "ttl": 50.0,
            "until": WALL + 40.0,
            "allow_stale": True,
        },
        "host": {"reason": "consecutive_failures", **hold},
        "credentials": {"refused": {"reason": "auth", **hold}},
    }


def test_a_restart_changes_nothing() -> None:
    """Ten seconds of wall time on, with a monotonic clock that starts anew."""
    guard = fresh()
    restore(guard, kept(used(), 110.0), 5.0, WALL + 10.0)
    assert guard.forced(5.0) == Forced(Mode.OFF, "rollback", 50.0, 35.0, allow_stale=True)
    assert (guard.host.state, guard.host.reason) == (State.OPEN, Trip.CONSECUTIVE_FAILURES)
    assert guard.host.until == 285.0
    assert guard.credentials["refused"].machine.until == 285.0
    assert guard.credentials_mode(5.0) is Mode.WRITE_ONLY
    assert guard.admit(READ, "fine", 284.9).grade is Grade.DENY
    assert guard.admit(READ, "fine", 285.0).grade is Grade.PROBE


@pytest.mark.parametrize(("jump", "remaining"), [(1e9, 0.0), (-1e9, 660.0), (-400.0, 660.0)])
def test_wall_clocks_that_jump(jump: float, remaining: float) -> None:
    """Nothing lasts longer than it could have at first."""
    guard = fresh()
    restore(guard, kept(used(), 110.0), 5.0, WALL + jump)
    assert guard.host.remaining(5.0) == pytest.approx(remaining)
    forced = guard.forced(5.0)
    assert (forced.until if forced else 5.0) == 5.0 + (50.0 if remaining else 0.0)


def test_a_force_that_ended_while_nobody_ran() -> None:
    """The first read is a probe."""
    guard, before = fresh(), fresh()
    before.force(Mode.OFF, "x", 0.0, ttl=2.0)
    restore(guard, kept(before, 0.0), 5.0, WALL + 60.0)
    assert guard.forced(5.0) is None
    assert guard.admit(READ, "c", 5.0).grade is Grade.PROBE


def test_a_force_without_end_survives() -> None:
    """Without end."""
    guard, before = fresh(), fresh()
    before.force(Mode.OFF, "x", 0.0)
    restore(guard, kept(before, 0.0), 5.0, WALL - 60.0)
    assert guard.forced(1e12) == Forced(Mode.OFF, "x")


def test_a_probe_under_way_is_lost() -> None:
    """After the restart the machine is due."""
    before, guard = used(), fresh()
    before.clear()
    for _ in range(3):
        before.settle(before.admit(READ, "c", 0.0), fail(Reason.TIMEOUT), 0.0)
    assert before.admit(READ, "c", 300.0).grade is Grade.PROBE
    restore(guard, kept(before, 301.0), 5.0, WALL)
    assert guard.admit(READ, "c", 5.0).grade is Grade.PROBE


GOOD = {"reason": "auth", "level": 0, "until": WALL}
FORCE = {"mode": "off", "reason": "x", "ttl": None, "until": None, "allow_stale": False}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"host": {**GOOD, "reason": "bored"}},
        {"host": {**GOOD, "until": "soon"}},
        {"host": {**GOOD, "until": float("nan")}},
        {"host": {**GOOD, "level": None}},
        {"host": {**GOOD, "level": float("inf")}},
        {"host": {"level": 0}},
        {"host": [1]},
        {"credentials": []},
        {"credentials": {"x": None}},
        {"forced": {**FORCE, "mode": "read_write"}},
        {"forced": {**FORCE, "mode": "on"}},
        {"forced": {**FORCE, "reason": "\r\n"}},
        {"forced": {**FORCE, "reason": 5}},
        {"forced": {**FORCE, "ttl": "x"}},
        {"forced": {**FORCE, "ttl": 5.0, "until": None}},
        {"forced": {"mode": "off"}},
    ],
)
def test_what_is_damaged_changes_nothing(change: dict[str, object]) -> None:
    """It raises, and the guard is as fresh as before."""
    guard, good = fresh(), {"version": 1, "forced": FORCE, "host": GOOD, "credentials": {}}
    with pytest.raises(ValueError, match="not the state"):
        restore(guard, good | change, 0.0, WALL)
    assert kept(guard, 0.0) == kept(fresh(), 0.0)


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("version forced host credentials reason until level ttl mode".split()),
            inner,
        )
    ),
)


@given(JUNK)
def test_any_junk_is_taken_or_refused(junk: object) -> None:
    """Nothing but ValueError, and whatever is taken is within bounds."""
    guard = fresh()
    try:
        restore(guard, junk, 0.0, WALL)
    except ValueError:
        return
    assert guard.host.remaining(0.0) <= 660.0


def test_no_more_credentials_than_a_guard_keeps() -> None:
    """Of a file with more, the last ones."""
    guard, rows = fresh(), {str(n): GOOD for n in range(MAX_CREDENTIALS + 9)}
    restore(guard, {"version": 1, "forced": None, "host": None, "credentials": rows}, 0.0, WALL)
    assert len(guard.credentials) == MAX_CREDENTIALS
    assert "8" not in guard.credentials


def test_levels_out_of_bounds() -> None:
    """Are brought within."""
    for level, expected in ((-3, 0), (10**6, 64)):
        guard, row = fresh(), {**GOOD, "level": level}
        restore(guard, {"version": 1, "forced": None, "host": row, "credentials": {}}, 0.0, WALL)
        assert guard.host.level == expected


@pytest.mark.parametrize(
    ("rows", "known"),
    [
        ({"guard": WALL - 9, "forced": WALL + 9}, {Source.GUARD: WALL - 9, Source.FORCED: WALL}),
        ({"guard": 10**400, "auth": math.nan, "base": "x", "other": 1}, {Source.GUARD: WALL}),
        ([], {}),
        (None, {}),
    ],
)
def test_since(rows: object, known: dict[Source, float]) -> None:
    """Never in the future, and nothing that makes no sense."""
    assert since({"since": rows}, WALL) == known
