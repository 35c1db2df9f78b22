"""The guard: what it grants, and what it learns."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from sidecar.core.events import (
    Cleared,
    Event,
    Forced,
    ForceEnded,
    ProbeSettled,
    ProbeStarted,
    Recovered,
    Scope,
    Tripped,
    WritesChanged,
)
from sidecar.core.guard import ANONYMOUS, MAX_CREDENTIALS, Grade, Guard, Ticket
from sidecar.core.machine import Policy, State, Trip
from sidecar.core.modes import Mode
from sidecar.core.outcomes import OK, Kind, Reason, Verdict, fail, neutral, of_status
from sidecar.core.routes import RouteClass

READ, WRITE, HYBRID = RouteClass.CONTEXT, RouteClass.WRITE, RouteClass.HYBRID
CONTROL, ERASE, UNKNOWN = RouteClass.CONTROL, RouteClass.ERASE, RouteClass.UNKNOWN
PASS, PROBE, DENY = Grade
FAIL = fail(Reason.HTTP_5XX)
REFUSED, FORBIDDEN = of_status(READ, 401), of_status(READ, 403)


class Subject:
    """A guard with a clock of its own, and the events of all its life."""

    def __init__(self, random: float = 0.0, **settings: object) -> None:
        self.guard = Guard(Policy(**settings), lambda: random)  # type: ignore[arg-type]
        self.now = 0.0
        self.log: list[Event] = []
        self.keys: Iterator[int] = count()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guard, name)

    def ask(self, cls: RouteClass = READ, credential: str = "c", **more: object) -> Ticket:
        """Admit a request now."""
        ticket: Ticket = self.admit(cls, credential, self.now, **more)
        self.log += ticket.events
        return ticket

    def end(self, ticket: Ticket, verdict: Verdict = OK, **more: float) -> None:
        """Settle it now."""
        self.log += self.settle(ticket, verdict, self.now, **more)

    def go(
        self, verdict: Verdict = OK, cls: RouteClass = READ, credential: str = "c", key: str = ""
    ) -> Grade:
        """Admit a request and settle it at once; tell what it was granted."""
        ticket = self.ask(cls, credential, key=key or f"key-{next(self.keys)}")
        self.end(ticket, verdict)
        return ticket.grade

    def trip(self) -> None:
        """Fail three times."""
        for _ in range(3):
            assert self.go(FAIL) is PASS
        assert self.host.state is State.OPEN

    def due(self) -> "Subject":
        """Trip, and wait for the end of the hold."""
        self.trip()
        self.now = self.host.until
        return self

    def of(self, *types: type) -> list[Event]:
        """Return the events of these types."""
        return [event for event in self.log if isinstance(event, types)]

    @property
    def streak(self) -> int:
        """Return the host's longest streak."""
        return int(self.host.streaks.longest)


# --- closed -----------------------------------------------------------------------------------


def test_case_01_three_failures_trip() -> None:
    """After the third, once, with the reason."""
    guard = Subject()
    guard.trip()
    assert guard.of(Tripped) == [
        Tripped("", Trip.CONSECUTIVE_FAILURES, Reason.HTTP_5XX, level=0, hold=300.0)
    ]
    assert guard.host_mode is Mode.WRITE_ONLY
    ticket = guard.ask()
    assert (ticket.grade, ticket.mode, ticket.scope) == (DENY, Mode.WRITE_ONLY, Scope.HOST)
    assert (ticket.reason, ticket.remaining) == (Trip.CONSECUTIVE_FAILURES, 300.0)


def test_many_failures_at_once_give_one_downgrade() -> None:
    """Those still in flight when the guard trips belong to an earlier epoch."""
    guard = Subject()
    tickets = [guard.ask() for _ in range(100)]
    for ticket in tickets:
        guard.end(ticket, FAIL)
    assert len(guard.of(Tripped)) == 1
    assert guard.streak == 0


def test_case_03_a_success_ends_the_streak() -> None:
    """Two, a good one, two: still closed."""
    guard = Subject()
    for verdict in (FAIL, FAIL, OK, FAIL, FAIL):
        guard.go(verdict)
    assert guard.host.state is State.CLOSED


@pytest.mark.parametrize(("counted", "mode"), [(True, Mode.WRITE_ONLY), (False, Mode.READ_WRITE)])
def test_case_25_failed_writes(counted: bool, mode: Mode) -> None:
    """They count if `write_failures_trip` says so."""
    guard = Subject(write_failures_trip=counted)
    for cls in (WRITE, HYBRID, WRITE):
        guard.go(FAIL, cls)
    assert guard.host_mode is mode
    assert guard.of(WritesChanged) == [WritesChanged(healthy=False)]
    assert not guard.writes.healthy


def test_case_26_failures_of_several_kinds_are_consecutive() -> None:
    """Read, write, read, and no success among them."""
    guard = Subject()
    for cls in (READ, WRITE, READ):
        guard.go(FAIL, cls)
    assert guard.host_mode is Mode.WRITE_ONLY


def test_good_writes_do_not_hide_a_dead_read_path() -> None:
    """Read, write, read, write, read, with every write good."""
    guard = Subject()
    for verdict, cls in ((FAIL, READ), (OK, WRITE)) * 3:
        guard.go(verdict, cls)
    assert guard.host_mode is Mode.WRITE_ONLY


def test_a_write_repeated_by_its_sdk_counts_once() -> None:
    """However many good reads end between its attempts."""
    guard = Subject()
    for _ in range(6):
        guard.go(FAIL, WRITE, key="same")
        guard.go(OK)
    assert (guard.host_mode, guard.streak, guard.writes.healthy) == (Mode.READ_WRITE, 1, True)


def test_case_27_an_old_streak_is_forgotten() -> None:
    """After `streak_ttl` without a failure."""
    guard = Subject()
    guard.go(FAIL)
    guard.now = 600.0
    guard.go(FAIL)
    assert guard.streak == 2
    guard.now = 1201.0
    guard.go(FAIL)
    assert (guard.host_mode, guard.streak) == (Mode.READ_WRITE, 1)


def test_case_28_what_does_not_count() -> None:
    """A 404 shows that Zep lives; a 429 and a 499 show nothing."""
    guard = Subject()
    guard.go(FAIL)
    guard.go(FAIL)
    guard.go(of_status(WRITE, 429), WRITE)
    guard.go(of_status(READ, 499))
    assert guard.streak == 2
    for status, times in ((404, 50), (429, 10), (499, 5)):
        for _ in range(times):
            guard.go(of_status(WRITE, status), WRITE)
            guard.go(of_status(READ, status), credential=str(status))
    assert (guard.host_mode, guard.streak) == (Mode.READ_WRITE, 0)


@pytest.mark.parametrize("cls", [CONTROL, ERASE, UNKNOWN])
def test_case_43_other_classes_do_not_count(cls: RouteClass) -> None:
    """Neither their failures nor their successes."""
    guard = Subject()
    for _ in range(10):
        guard.go(FAIL, cls)
    assert (guard.host_mode, guard.streak) == (Mode.READ_WRITE, 0)
    guard.go(FAIL)
    guard.go(OK, cls)
    assert guard.streak == 1
    assert guard.writes.healthy


def test_case_34_resets_of_one_pool_are_one_failure() -> None:
    """Ten in flight when the peer closes all."""
    guard = Subject()
    tickets = [guard.ask() for _ in range(10)]
    guard.now = 1.0
    for ticket in tickets:
        guard.end(ticket, fail(Reason.RESET, reset=True))
    assert (guard.host_mode, guard.streak) == (Mode.READ_WRITE, 1)
    ticket = guard.ask()
    guard.end(ticket, fail(Reason.BAD_BODY, reset=True), dispatched=0.5)
    assert guard.streak == 1
    guard.go(fail(Reason.RESET, reset=True))
    assert guard.streak == 2


def test_a_ticket_settles_once() -> None:
    """What comes after has no effect; nor has settling what was denied."""
    guard = Subject()
    ticket = guard.ask()
    for _ in range(5):
        guard.end(ticket, FAIL)
    assert guard.streak == 1
    guard.go(FAIL)
    guard.go(FAIL)
    guard.end(guard.ask(), OK)
    assert guard.host_mode is Mode.WRITE_ONLY


# --- open and half-open -----------------------------------------------------------------------


@pytest.mark.parametrize(("random", "denied", "probe"), [(1.0, 329.9, 330.1), (0.0, 299.9, 300.0)])
def test_case_19_the_hold(random: float, denied: float, probe: float) -> None:
    """Denied until its end, then a probe."""
    guard = Subject(random)
    guard.trip()
    guard.now = denied
    assert guard.ask().grade is DENY
    guard.now = probe
    ticket = guard.ask()
    assert (ticket.grade, ticket.mode, ticket.scope) == (PROBE, Mode.WRITE_ONLY, Scope.HOST)
    assert guard.of(ProbeStarted) == [ProbeStarted(Scope.HOST)]


def test_case_20_one_probe_for_a_hundred_reads() -> None:
    """By whatever credential they come."""
    guard = Subject().due()
    grades = [guard.ask(credential=str(n % 7)).grade for n in range(100)]
    assert grades == [PROBE] + [DENY] * 99


def test_case_21_the_hold_grows() -> None:
    """300, 450, 600, 600."""
    guard = Subject().due()
    holds = [guard.now]
    for _ in range(4):
        assert guard.go(FAIL) is PROBE
        holds.append(guard.host.remaining(guard.now))
        guard.now = guard.host.until
    assert holds == [300.0, 450.0, 600.0, 600.0, 600.0]


def test_case_22_flapping() -> None:
    """A trip soon after recovery holds for longer; one after long quiet as at first."""
    guard = Subject().due()
    guard.go(OK)
    guard.now += 10.0
    guard.trip()
    assert (guard.host.level, guard.host.remaining(guard.now)) == (1, 450.0)
    guard.now = guard.host.until
    guard.go(OK)
    guard.now += 601.0
    guard.trip()
    assert guard.host.remaining(guard.now) == 300.0


def test_case_23_an_old_success_does_not_decide() -> None:
    """Nor does an old failure, nor a write's."""
    guard = Subject()
    old = [guard.ask(), guard.ask()]
    guard.due()
    write = guard.ask(WRITE)
    assert guard.ask().grade is PROBE
    for ticket, verdict in ((old[0], OK), (old[1], FAIL), (write, OK), (guard.ask(WRITE), OK)):
        guard.end(ticket, verdict)
        assert guard.host.state is State.HALF_OPEN
    assert guard.ask().grade is DENY


def test_case_24_a_probe_that_never_ends() -> None:
    """Its lease passes; the late answer has no effect."""
    guard = Subject().due()
    probe = guard.ask()
    guard.now += 2.9
    assert guard.ask().grade is DENY
    guard.now += 0.2
    assert guard.ask().grade is DENY
    assert (guard.host.state, guard.host.level) == (State.OPEN, 1)
    assert guard.host.until == pytest.approx(300.0 + 3.0 + 450.0)
    assert guard.of(ProbeSettled) == [ProbeSettled(Scope.HOST, "expired", None)]
    guard.end(probe, OK)
    assert guard.host.state is State.OPEN
    assert len(guard.of(ProbeSettled)) == 1


def test_time_alone_ends_a_lease() -> None:
    """Without any request; and exactly at its end, even if the probe reports then."""
    guard = Subject().due()
    probe = guard.ask()
    guard.now += 3.0
    guard.end(probe, OK)
    assert (guard.host.state, guard.host.level) == (State.OPEN, 1)
    assert guard.tick(guard.now) == ()


def test_case_29_a_probe_answered_404_recovers() -> None:
    """Zep lives."""
    guard = Subject().due()
    guard.go(of_status(READ, 404))
    assert guard.host_mode is Mode.READ_WRITE
    assert guard.of(Recovered) == [Recovered("")]
    assert guard.of(ProbeSettled) == [ProbeSettled(Scope.HOST, "ok", None)]
    assert guard.ask().grade is PASS


def test_case_30_a_probe_answered_429() -> None:
    """Held for as long as asked, level unchanged."""
    guard = Subject().due()
    guard.go(of_status(READ, 429, 400.0))
    assert guard.host.remaining(guard.now) == 400.0
    assert guard.host.level == 0


def test_case_31_a_trip_by_503_with_retry_after() -> None:
    """The hold is as long as asked, up to the longest."""
    for asked, hold in ((450.0, 450.0), (86400.0, 600.0), (1.0, 300.0)):
        guard = Subject()
        for _ in range(3):
            guard.go(of_status(READ, 503, asked))
        assert guard.host.remaining(0.0) == hold


def test_a_probe_that_says_nothing_is_tried_again_soon() -> None:
    """Not before a second has passed."""
    guard = Subject().due()
    guard.go(neutral())
    assert guard.ask().grade is DENY
    guard.now += 1.0
    assert guard.go(OK) is PROBE
    assert guard.host.level == 0


def test_case_44_a_failed_probe_is_no_downgrade() -> None:
    """It counts as a probe."""
    guard = Subject().due()
    guard.go(FAIL)
    assert len(guard.of(Tripped)) == 1
    assert guard.of(ProbeSettled) == [ProbeSettled(Scope.HOST, "fail", Reason.HTTP_5XX)]


@pytest.mark.parametrize(("second", "mode"), [(OK, Mode.READ_WRITE), (FAIL, Mode.WRITE_ONLY)])
def test_case_45_two_good_probes(second: Verdict, mode: Mode) -> None:
    """The second decides."""
    guard = Subject(success_threshold=2).due()
    assert guard.go(OK) is PROBE
    assert guard.host_mode is Mode.WRITE_ONLY
    assert guard.go(second) is PROBE
    assert guard.host_mode is mode


@pytest.mark.parametrize("cls", [WRITE, HYBRID, CONTROL, ERASE, UNKNOWN])
def test_everything_but_reads_goes_on(cls: RouteClass) -> None:
    """Open, due with reads about, or half-open."""
    guard = Subject()
    guard.trip()
    assert guard.go(FAIL, cls) is PASS
    guard.now = guard.host.until - 1.0
    guard.ask()
    guard.now += 1.0
    assert guard.go(OK, cls) is PASS
    assert guard.ask().grade is PROBE
    assert guard.go(OK, cls) is PASS
    assert guard.host.state is State.HALF_OPEN


def test_a_write_that_reads_probes_where_nobody_reads() -> None:
    """After `idle_after` without a read; a plain write never does."""
    guard = Subject().due()
    assert guard.go(OK, WRITE) is PASS
    guard.now = 329.0
    guard.log.clear()
    assert guard.ask(HYBRID, reads=False).grade is PASS
    assert guard.go(FAIL, HYBRID) is PROBE
    assert guard.host.level == 1
    guard.now = guard.host.until
    assert guard.go(OK, HYBRID) is PROBE
    assert guard.host_mode is Mode.READ_WRITE


def test_a_failed_probe_holds_even_where_writes_do_not_count() -> None:
    """It has read, too."""
    guard = Subject(write_failures_trip=False).due()
    guard.now += 30.0
    assert guard.go(FAIL, HYBRID) is PROBE
    assert (guard.host.state, guard.host.level) == (State.OPEN, 1)


def test_case_38_a_background_probe() -> None:
    """Wanted once due and idle; it is no sign of life of the worker."""
    guard = Subject()
    assert not guard.wants_probe("c", 1e6)
    guard.due()
    assert guard.wants_probe("c", guard.now)
    guard.ask(WRITE)
    ticket = guard.ask(background=True)
    assert ticket.grade is PROBE
    assert not guard.wants_probe("c", guard.now)
    guard.end(ticket, neutral())
    guard.now += 1.0
    assert guard.wants_probe("c", guard.now)
    guard.ask(reads=False)
    assert not guard.wants_probe("c", guard.now + 29.9)
    assert guard.wants_probe("c", guard.now + 30.0)
    guard.now += 30.0
    assert guard.wants_probe("never seen", guard.now)
    guard.end(guard.ask(background=True), OK)
    assert guard.host_mode is Mode.READ_WRITE


def test_without_leave_to_read_there_is_no_probe() -> None:
    """The mode forbids reads for another reason: due stays due."""
    guard = Subject().due()
    ticket = guard.ask(reads=False)
    assert (ticket.grade, ticket.events) == (DENY, ())
    assert guard.ask().grade is PROBE


# --- credentials ------------------------------------------------------------------------------


def test_case_02_one_refusal_trips_the_credential() -> None:
    """At once, and only that one; with a single credential the gauge follows."""
    guard = Subject()
    guard.go(OK)
    guard.go(REFUSED)
    assert guard.of(Tripped) == [Tripped("c", Trip.AUTH, Reason.AUTH, level=0, hold=300.0)]
    assert (guard.credentials_mode(0.0), guard.host_mode) == (Mode.WRITE_ONLY, Mode.READ_WRITE)
    ticket = guard.ask()
    assert (ticket.grade, ticket.scope, ticket.reason) == (DENY, Scope.CREDENTIAL, Trip.AUTH)
    assert guard.go(OK, credential="other") is PASS
    assert guard.credentials_mode(0.0) is Mode.READ_WRITE


@pytest.mark.parametrize("cls", [READ, WRITE, HYBRID, CONTROL, ERASE])
def test_a_refusal_counts_on_any_known_route(cls: RouteClass) -> None:
    """The key is the same everywhere."""
    guard = Subject()
    guard.go(of_status(cls, 401), cls)
    assert guard.credentials["c"].machine.state is State.OPEN


def test_case_35_a_probe_answered_401() -> None:
    """The host answers, so it recovers; the credential trips."""
    guard = Subject().due()
    assert guard.go(REFUSED) is PROBE
    assert guard.host_mode is Mode.READ_WRITE
    assert guard.credentials["c"].machine.reason is Trip.AUTH
    assert guard.ask().grade is DENY
    assert guard.go(OK, credential="other") is PASS


def test_case_36_nobody_does_not_move_the_gauge() -> None:
    """Requests without a credential that are refused."""
    guard = Subject()
    guard.go(REFUSED, credential=ANONYMOUS)
    assert guard.credentials_mode(0.0) is Mode.READ_WRITE
    assert guard.ask(credential=ANONYMOUS).grade is DENY
    assert guard.ask().grade is PASS


def test_case_37_a_403_of_administration() -> None:
    """It says nothing about the credential."""
    guard = Subject()
    guard.go(of_status(CONTROL, 403), CONTROL)
    assert guard.credentials_mode(0.0) is Mode.READ_WRITE


@pytest.mark.parametrize(("forbidden", "times"), [("immediate", 1), ("count", 3), ("ignore", None)])
def test_forbidden(forbidden: str, times: int | None) -> None:
    """A 403 trips at once, like a failure, or never; a 401 at once in any case."""
    guard = Subject(forbidden=forbidden)
    for n in range(1, 10):
        guard.go(FORBIDDEN)
        held = guard.credentials["c"].machine.state is State.OPEN
        assert held is (times is not None and n >= times)
    guard = Subject(forbidden=forbidden)
    guard.go(REFUSED)
    assert guard.credentials["c"].machine.state is State.OPEN


def test_counted_403s_must_be_consecutive() -> None:
    """Among what tells of memory."""
    guard = Subject(forbidden="count")
    for verdict, cls in ((FORBIDDEN, READ), (FORBIDDEN, WRITE), (OK, CONTROL), (FAIL, READ)):
        guard.go(verdict, cls)
    assert guard.credentials["c"].machine.streaks.longest == 2
    guard.go(OK)
    assert guard.credentials["c"].machine.streaks.longest == 1


def test_a_failing_host_says_nothing_of_the_credential() -> None:
    """Its probe is tried again soon, and the failure counts for the host."""
    guard = Subject()
    guard.go(REFUSED)
    guard.now = 300.0
    for expected in (1, 2, 0):
        assert guard.go(FAIL) is PROBE
        assert guard.streak == expected
        assert guard.credentials["c"].machine.level == 0
        guard.now += 1.0
    assert guard.host.state is State.OPEN


def test_one_probe_serves_both_machines() -> None:
    """And is one probe in the count."""
    guard = Subject()
    guard.go(REFUSED)
    for _ in range(3):
        guard.go(FAIL, WRITE)
    guard.now = 300.0
    ticket = guard.ask()
    assert (ticket.grade, ticket.scope, ticket.reason) == (PROBE, Scope.CREDENTIAL, Trip.AUTH)
    assert ticket.host.probe
    assert ticket.auth.probe
    guard.log.clear()
    guard.end(ticket, OK)
    assert guard.log == [
        ProbeSettled(Scope.CREDENTIAL, "ok", None),
        Recovered(""),
        Recovered("c"),
    ]


def test_a_probe_of_both_that_never_ends() -> None:
    """Each holds again, and it is one probe in the count."""
    guard = Subject()
    guard.go(REFUSED)
    for _ in range(3):
        guard.go(FAIL, WRITE)
    guard.now = 300.0
    guard.ask()
    guard.log += guard.tick(310.0)
    assert len(guard.of(ProbeSettled)) == 1
    assert guard.host.level == guard.credentials["c"].machine.level == 1


def test_a_probe_for_the_credential_that_never_ends() -> None:
    """Nothing is said about the host."""
    guard = Subject()
    guard.go(REFUSED)
    guard.now = 300.0
    assert guard.ask().grade is PROBE
    guard.log += guard.tick(310.0)
    assert guard.credentials["c"].machine.level == 1
    assert (guard.host_mode, guard.streak) == (Mode.READ_WRITE, 0)


def test_a_read_needs_both_machines() -> None:
    """While the credential is held, the host's probe waits for another one."""
    guard = Subject().due()
    guard.go(REFUSED, WRITE)
    assert guard.ask().grade is DENY
    assert not guard.wants_probe("c", 599.0)
    assert guard.wants_probe("c", 600.0)
    assert guard.ask(credential="other").grade is PROBE


def test_credentials_not_seen_lately_do_not_count_for_the_gauge() -> None:
    """Nor is a refused one held against the others for ever."""
    guard = Subject()
    guard.go(OK, credential="old")
    guard.now = 10.0
    guard.go(OK, credential="old")
    guard.now = 900.0
    guard.go(REFUSED)
    assert guard.credentials_mode(910.0) is Mode.READ_WRITE
    assert guard.credentials_mode(910.1) is Mode.WRITE_ONLY
    assert guard.credentials_mode(1800.1) is Mode.READ_WRITE


def test_a_bounded_number_of_credentials() -> None:
    """The one used least recently goes; what it still has in flight does no harm."""
    guard = Subject()
    early = guard.ask(credential="0")
    guard.go(REFUSED, credential="used")
    for n in range(1, MAX_CREDENTIALS + 1):
        guard.go(OK, credential=str(n))
        assert guard.ask(credential="used").grade is DENY
    assert len(guard.credentials) == MAX_CREDENTIALS
    assert "0" not in guard.credentials
    guard.ask(credential="0")
    guard.end(early, REFUSED)
    assert guard.credentials["0"].machine.state is State.CLOSED


# --- the calm after a 429 ---------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "calm"), [(30.0, 30.0), (None, 1.0), (0.0, 1.0), (9999.0, 60.0)])
def test_case_49_the_rate_shield(asked: float | None, calm: float) -> None:
    """Reads of that credential wait; nothing else does, and the mode is as it was."""
    guard = Subject()
    guard.go(of_status(READ, 429, asked))
    ticket = guard.ask()
    assert (ticket.grade, ticket.scope, ticket.reason) == (DENY, Scope.RATE, None)
    assert (ticket.mode, ticket.remaining) == (Mode.READ_WRITE, calm)
    assert guard.ask(WRITE).grade is guard.ask(credential="other").grade is PASS
    assert guard.host_mode is guard.credentials_mode(0.0) is Mode.READ_WRITE
    guard.now = calm
    assert guard.ask().grade is PASS


def test_a_write_answered_429_shields_no_reads() -> None:
    """It is told to the worker, untouched."""
    guard = Subject()
    guard.go(of_status(WRITE, 429, 30.0), WRITE)
    assert guard.ask().grade is PASS


def test_no_probe_in_the_calm() -> None:
    """Zep has asked for it."""
    guard = Subject(hold=1.0, hold_max=1.0).due()
    guard.go(of_status(READ, 429, 30.0))
    guard.now += 20.0
    assert guard.host.due(guard.now)
    late = guard.ask(background=True)
    assert late.grade is DENY
    guard.go(of_status(READ, 429, 60.0), credential="d")
    guard.now += 11.0
    assert guard.host.due(guard.now)
    assert not guard.wants_probe("d", guard.now + 30.0)
    assert guard.wants_probe("c", guard.now + 30.0)
    assert guard.ask().grade is PROBE


def test_a_shorter_calm_does_not_end_a_longer_one() -> None:
    """Reads in flight may be answered 429 in any order."""
    guard = Subject()
    first, second = guard.ask(), guard.ask()
    guard.end(first, of_status(READ, 429, 30.0))
    guard.end(second, of_status(READ, 429, 2.0))
    assert guard.ask().remaining == 30.0


# --- the operator -----------------------------------------------------------------------------


def test_case_11_a_force_without_end() -> None:
    """An emergency rollback must not end silently."""
    guard = Subject()
    guard.log += guard.force(Mode.WRITE_ONLY, "rollback", 0.0)
    assert guard.log == [Forced(Mode.WRITE_ONLY, "rollback")]
    guard.now = 10_000.0
    assert guard.tick(guard.now) == ()
    assert guard.forced(guard.now) == Forced(Mode.WRITE_ONLY, "rollback")


def test_case_12_a_force_that_ends_leaves_the_first_read_a_probe() -> None:
    """Nothing was observed meanwhile."""
    guard = Subject()
    guard.force(Mode.OFF, "x", 0.0, ttl=2.0)
    assert guard.forced(1.9)
    assert guard.forced(2.0) is None
    guard.now = 2.0
    tickets = [guard.ask() for _ in range(20)]
    assert [t.grade for t in tickets] == [PROBE] + [DENY] * 19
    assert tickets[1].reason is Trip.FORCED
    guard.end(tickets[0], OK)
    assert guard.host_mode is Mode.READ_WRITE
    assert guard.of(ForceEnded, Tripped) == [ForceEnded("x")]


def test_a_force_that_ends_on_an_open_guard_changes_no_hold() -> None:
    """It goes on as it would have."""
    guard = Subject()
    guard.force(Mode.WRITE_ONLY, "x", 0.0, ttl=2.0)
    for _ in range(3):
        guard.go(FAIL, WRITE)
    guard.now = 2.0
    assert guard.tick(2.0) == (ForceEnded("x"),)
    assert guard.host.reason is Trip.CONSECUTIVE_FAILURES
    assert guard.host.until == 300.0


def test_a_force_that_ends_on_a_quiet_guard_keeps_no_old_level() -> None:
    """Only one that has tripped lately holds for longer."""
    for quiet, level in ((10.0, 1), (700.0, 0)):
        guard = Subject().due()
        guard.go(FAIL)
        guard.now = guard.host.until
        guard.go(OK)
        guard.now += quiet
        guard.force(Mode.OFF, "x", guard.now - 2.0, ttl=2.0)
        guard.tick(guard.now)
        assert guard.host.level == level


def test_the_last_force_wins() -> None:
    """Its mode, its end."""
    guard = Subject()
    guard.force(Mode.OFF, "a", 0.0, ttl=2.0)
    guard.force(Mode.WRITE_ONLY, "b", 1.0, ttl=9.0, allow_stale=True)
    assert guard.forced(5.0) == Forced(Mode.WRITE_ONLY, "b", 9.0, 10.0, allow_stale=True)


def test_case_13_and_14_clear() -> None:
    """Every machine closes in that very instant, whatever its level; the force is gone."""
    guard = Subject().due()
    guard.go(FAIL)
    guard.now = guard.host.until
    guard.go(FAIL)
    guard.go(REFUSED, WRITE, credential="d")
    guard.now = guard.host.until
    probe = guard.ask()
    guard.force(Mode.OFF, "x", guard.now)
    assert guard.clear() == (Cleared(),)
    assert guard.forced(guard.now) is None
    assert guard.host_mode is guard.credentials_mode(guard.now) is Mode.READ_WRITE
    assert guard.host.level == 0
    assert guard.ask(credential="d").grade is PASS
    guard.log.clear()
    guard.end(probe, FAIL)
    assert guard.log == []
    guard.trip()
    assert guard.host.remaining(guard.now) == 300.0


def test_clear_mends_write_health() -> None:
    """And says so."""
    guard = Subject()
    for _ in range(3):
        guard.go(FAIL, WRITE)
    assert guard.clear() == (Cleared(), WritesChanged(healthy=True))


def test_case_15_reset_failures() -> None:
    """Two, reset, two: still closed; what is in flight does not count."""
    guard = Subject()
    guard.go(FAIL)
    guard.go(FAIL)
    flying = guard.ask()
    assert guard.reset_failures() == ()
    assert guard.streak == 0
    guard.end(flying, FAIL)
    assert guard.streak == 0
    guard.go(FAIL)
    guard.go(FAIL)
    assert guard.host_mode is Mode.READ_WRITE
    guard.go(FAIL)
    before = (guard.host.state, guard.host.until, guard.host.level)
    guard.reset_failures()
    assert (guard.host.state, guard.host.until, guard.host.level) == before


def test_writes_under_a_force_still_count() -> None:
    """So the guard may be open when the force ends."""
    guard = Subject()
    guard.force(Mode.WRITE_ONLY, "x", 0.0)
    for _ in range(3):
        assert guard.ask(WRITE, reads=False).grade is PASS
        guard.go(FAIL, WRITE)
    assert guard.host_mode is Mode.WRITE_ONLY


def test_writes_in_flight_at_a_reset_do_not_count() -> None:
    """Not even while the guard is open, when their machine has seen no transition."""
    guard = Subject().due()
    flying = [guard.ask(WRITE) for _ in range(3)]
    guard.reset_failures()
    for ticket in flying:
        guard.end(ticket, FAIL)
    assert guard.writes.healthy


@pytest.mark.parametrize("kind", Kind)
def test_every_verdict_on_every_machine(kind: Kind) -> None:
    """No kind of verdict is unknown to either, in any state."""
    for guard in (Subject(), Subject().due()):
        guard.go(Verdict(kind, None, status=401))
