"""One breaker, row by row of its table."""

from itertools import count

import pytest

from sidecar.core.machine import (
    MAX_LEVEL,
    Admission,
    Change,
    Machine,
    Policy,
    Report,
    Signal,
    State,
    Streaks,
    Trip,
    WriteHealth,
)

GOOD, BAD, RATE, NEUTRAL = Signal


def machine(random: float = 0.0, **settings: float) -> Machine:
    """Return a closed machine that trips at the third failure unless a report says otherwise."""
    policy = Policy(**settings)  # type: ignore[arg-type]
    return Machine(policy, count(), lambda: random, "", Trip.CONSECUTIVE_FAILURES)


def report(signal: Signal, now: float = 0.0, **rest: object) -> Report:
    """Return a report of a read that was sent when it ended."""
    values = {"dispatched": now, "kind": "reads", "threshold": 3, **rest}
    return Report(signal, now, **values)  # type: ignore[arg-type]


def opened(random: float = 0.0, **settings: float) -> Machine:
    """Return a machine that has tripped at 0."""
    subject = machine(random, **settings)
    assert (
        subject.report(Admission(subject.admission.epoch), report(BAD, threshold=1))
        is Change.TRIPPED
    )
    return subject


def probing(random: float = 0.0, **settings: float) -> tuple[Machine, Admission]:
    """Return a half-open machine and its probe."""
    subject = opened(random, **settings)
    return subject, subject.probe()


@pytest.mark.parametrize(
    ("signal", "change", "state", "remaining", "level"),
    [
        (GOOD, Change.RECOVERED, State.CLOSED, 0.0, 0),
        (BAD, Change.HELD, State.OPEN, 450.0, 1),
        (RATE, Change.HELD, State.OPEN, 300.0, 0),
        (NEUTRAL, Change.HELD, State.OPEN, 1.0, 0),
    ],
)
def test_how_a_probe_ends(
    signal: Signal, change: Change, state: State, remaining: float, level: int
) -> None:
    """Each row of the half-open state."""
    subject, probe = probing()
    assert subject.report(probe, report(signal, 400.0)) is change
    assert (subject.state, subject.level) == (state, level)
    assert subject.remaining(400.0) == remaining
    assert (subject.reason is None) is (state is State.CLOSED)


@pytest.mark.parametrize("signal", Signal)
def test_only_the_probe_counts_while_not_closed(signal: Signal) -> None:
    """Writes go on, and their reports change nothing."""
    subject = opened()
    assert subject.report(Admission(subject.admission.epoch), report(signal, threshold=1)) is None
    assert subject.state is State.OPEN
    subject, _ = probing()
    assert subject.report(Admission(subject.admission.epoch), report(signal, threshold=1)) is None
    assert subject.state is State.HALF_OPEN


@pytest.mark.parametrize("signal", Signal)
def test_a_report_from_another_epoch_has_no_effect(signal: Signal) -> None:
    """Neither the late probe nor a request of an earlier closed time."""
    subject = machine()
    early = Admission(subject.admission.epoch)
    subject.report(early, report(BAD, threshold=1))
    late = subject.probe()
    subject.report(late, report(GOOD))
    before = subject.admission.epoch
    for admission in (early, late, late._replace(probe=False)):
        assert subject.report(admission, report(signal, threshold=1)) is None
    assert (subject.state, subject.admission.epoch, subject.streaks.longest) == (
        State.CLOSED,
        before,
        0,
    )


def test_a_machine_is_due_when_its_hold_is_over() -> None:
    """At that very instant, without a timer; a half-open one admits nobody else."""
    subject = opened()
    assert not subject.admits_read(299.9)
    assert not subject.due(299.9)
    assert subject.due(300.0)
    assert subject.admits_read(300.0)
    subject.probe()
    assert not subject.due(300.0)
    assert not subject.admits_read(300.0)
    assert subject.remaining(0.0) == 0.0


@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
def test_the_hold_is_never_shorter_than_promised(random: float) -> None:
    """Jitter only adds, at most a tenth."""
    assert opened(random).remaining(0.0) == pytest.approx(300.0 * (1 + random / 10))


@pytest.mark.parametrize(("asked", "hold"), [(0.0, 300.0), (450.0, 450.0), (86400.0, 600.0)])
def test_case_31_the_host_may_ask_for_a_longer_hold(asked: float, hold: float) -> None:
    """Up to the longest one."""
    subject = machine()
    subject.report(Admission(subject.admission.epoch), report(BAD, threshold=1, floor=asked))
    assert subject.remaining(0.0) == hold


def test_levels_do_not_overflow() -> None:
    """However long the outage."""
    subject, probe = probing(hold_factor=10.0)
    for _ in range(400):
        subject.report(probe, report(BAD))
        probe = subject.probe()
    assert subject.level == MAX_LEVEL


def test_the_level_is_lost_once_closed_for_long() -> None:
    """A trip before that holds for longer, one after it as at first."""
    for quiet, level in ((599.0, 3), (600.0, 0)):
        subject = machine()
        subject.hold(Trip.CONSECUTIVE_FAILURES, 0.0, 2)
        subject.report(subject.probe(), report(GOOD, 10.0))
        assert subject.present_level(10.0 + quiet) == (2 if level else 0)
        subject.report(Admission(subject.admission.epoch), report(BAD, 10.0 + quiet, threshold=1))
        assert subject.level == subject.present_level(1e9) == level


def test_clear_forgets_everything() -> None:
    """Also the level, at once."""
    subject, probe = probing(success_threshold=2)
    subject.report(probe, report(BAD, 300.0))
    subject.report(subject.probe(), report(GOOD, 900.0))
    subject.report(subject.probe(), report(GOOD, 900.0))
    subject.report(Admission(subject.admission.epoch), report(BAD, 901.0, threshold=1))
    assert subject.level == 2
    subject.report(subject.probe(), report(GOOD, 901.0))
    subject.clear()
    assert (subject.state, subject.level, subject.reason) == (State.CLOSED, 0, None)
    subject.report(Admission(subject.admission.epoch), report(BAD, 902.0, threshold=1))
    assert subject.remaining(902.0) == 300.0
    assert subject.report(subject.probe(), report(GOOD, 1300.0)) is Change.HELD


def test_forget_ends_streaks_only() -> None:
    """What is in flight will not count; an open machine stays as it is."""
    subject = machine()
    flying = Admission(subject.admission.epoch)
    subject.report(flying, report(BAD))
    subject.forget()
    assert subject.report(flying, report(BAD, threshold=1)) is None
    assert subject.streaks.longest == 0
    subject, probe = probing()
    subject.forget()
    assert subject.report(probe, report(GOOD)) is Change.RECOVERED


def test_successes_must_be_consecutive() -> None:
    """A failed probe starts the count anew; an undecided one does not."""
    subject, probe = probing(success_threshold=2)
    subject.report(probe, report(GOOD, 300.0))
    assert subject.due(300.0)
    subject.report(subject.probe(), report(NEUTRAL, 300.0))
    subject.report(subject.probe(), report(BAD, 301.0))
    subject.report(subject.probe(), report(GOOD, 900.0))
    assert subject.state is State.OPEN
    assert subject.report(subject.probe(), report(GOOD, 901.0)) is Change.RECOVERED


def test_streaks() -> None:
    """One for each kind and one for any; a key counts once while its streak lasts."""
    streaks = Streaks()
    assert streaks.longest == 0
    assert streaks.add("reads", "k")
    assert not streaks.add("reads", "k")
    assert streaks.add("writes", "k")
    assert streaks.longest == 2
    streaks.end("reads")
    assert streaks.longest == 1
    assert not streaks.add("writes", "k")
    assert streaks.add("reads", "k")
    assert streaks.add("reads", "")
    assert streaks.add("reads", "")
    assert streaks.longest == 3
    streaks.clear()
    assert streaks.longest == 0
    assert streaks.add("writes", "k")


@pytest.mark.parametrize(
    ("sent", "counted"), [((0.0, 0.0, 0.0), 1), ((0.0, 5.0, 5.0), 2), ((0.0, 5.0, 6.5), 3)]
)
def test_case_34_a_broken_pool_is_one_fact(sent: tuple[float, ...], counted: int) -> None:
    """Resets of requests that were sent before the last counted reset do not count."""
    subject = machine()
    for at, dispatched in zip((5.0, 6.0, 7.0), sent, strict=True):
        subject.report(
            Admission(subject.admission.epoch),
            report(BAD, at, dispatched=dispatched, reset=True, threshold=9),
        )
    assert subject.streaks.longest == counted


def test_a_reset_after_another_failure_counts() -> None:
    """It is another fact than a 500 before it."""
    subject = machine()
    now = Admission(subject.admission.epoch)
    subject.report(now, report(BAD, 5.0))
    subject.report(now, report(BAD, 6.0, dispatched=1.0, reset=True))
    assert subject.streaks.longest == 2


def test_write_health() -> None:
    """Three in a row, of different writes; one that gets through mends it."""
    health = WriteHealth(count())
    for key in ("a", "b", "b"):
        assert not health.report(health.epoch, BAD, key)
    assert health.healthy
    assert health.report(health.epoch, BAD, "c")
    assert not health.healthy
    assert not health.report(health.epoch, NEUTRAL, "")
    assert health.report(health.epoch, GOOD, "")
    assert health.healthy
    flying = health.epoch
    assert not health.forget()
    for _ in range(3):
        assert not health.report(flying, BAD, "")
    for _ in range(3):
        health.report(health.epoch, BAD, "")
    assert not health.report(flying, GOOD, "")
    assert health.forget()
    assert health.healthy
