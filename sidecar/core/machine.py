"""One circuit breaker: closed, open, half-open. All of its transitions are in this file.

Theory. Requests are admitted and later report a signal, in any order and with any delay. What a
request reports is about the time at which it was admitted; so each admission carries the epoch of
the machine, each transition begins a new epoch, and a report from another epoch has no effect of
any kind. Half-open allows exactly one request, the probe, and its report alone decides. There is
no timer: an open machine is due as soon as its hold is over, and someone asks.

    state      signal of           does
    closed     any     GOOD        end the streak of its kind
    closed     any     BAD         count; at the threshold: trip, that is -> open
    open       none                once due, the next admission is the probe -> half-open
    half-open  probe   GOOD        enough of them: -> closed; else -> open, due at once
    half-open  probe   BAD         -> open, for a longer hold
    half-open  probe   RATE        -> open, for as long as before or as it asks for
    half-open  probe   NEUTRAL     -> open, due in a second

Epochs come from one counter for all machines, so that none is ever used twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import NamedTuple

from sidecar.core.words import Word


class State(Enum):
    """The three states of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Signal(Word):
    """What a verdict means to one machine."""

    GOOD = "good"
    BAD = "bad"
    RATE = "rate"
    NEUTRAL = "neutral"


class Trip(Enum):
    """Why a machine is open. The values are metric label values."""

    AUTH = "auth"
    CONSECUTIVE_FAILURES = "consecutive_failures"
    FORCED = "forced"  # the operator's force has run out, and nothing has been observed since


class Change(Enum):
    """What a report did, where it did more than count."""

    TRIPPED = "tripped"
    RECOVERED = "recovered"
    HELD = "held"  # a probe did not succeed, or not often enough yet


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the guard, under the names of the configuration; times in seconds."""

    failure_threshold: int = 3
    streak_ttl: float = 600.0
    hold: float = 300.0
    hold_factor: float = 1.5
    hold_max: float = 600.0
    stable_after: float = 600.0
    success_threshold: int = 1
    forbidden: str = "immediate"
    write_failures_trip: bool = True
    lease: float = 3.0
    """How long a probe may take before it counts as failed."""
    idle_after: float = 30.0


class Admission(NamedTuple):
    """A machine's part of a ticket."""

    epoch: int
    probe: bool = False


class Report(NamedTuple):
    """What a machine needs to know of an attempt that is over."""

    signal: Signal
    now: float
    dispatched: float
    kind: str = "any"
    """Failures of one kind are a streak of their own."""
    key: str = ""
    """The identity of a logical request: its repetitions count once."""
    threshold: int = 1
    reset: bool = False
    floor: float = 0.0
    """Seconds that the host asks to be left alone."""


class Hold(NamedTuple):
    """An open machine, in short."""

    reason: Trip
    until: float
    level: int


class Streaks:
    """Consecutive failures of each kind, and of any.

    A success of one kind must not hide that another is dead; failures that alternate between
    kinds, with no success among them, are consecutive, too.
    """

    def __init__(self) -> None:
        self._of_kind: dict[str, int] = {}
        self._keys: dict[str, set[str]] = {}
        self._any = 0

    @property
    def longest(self) -> int:
        """Return the length of the longest streak."""
        return max(self._any, *self._of_kind.values(), 0)

    @property
    def none(self) -> bool:
        """Tell whether nothing has failed."""
        return not (self._any or self._of_kind or self._keys)

    def add(self, kind: str, key: str) -> bool:
        """Count a failure, unless it repeats one of this streak."""
        keys = self._keys.setdefault(kind, set())
        if key in keys:
            return False
        if key:
            keys.add(key)
        self._of_kind[kind] = self._of_kind.get(kind, 0) + 1
        self._any += 1
        return True

    def end(self, kind: str) -> None:
        """End the streak of this kind, and that of any."""
        self._of_kind.pop(kind, None)
        self._keys.pop(kind, None)
        self._any = 0

    def clear(self) -> None:
        """End every streak."""
        self._of_kind.clear()
        self._keys.clear()
        self._any = 0


# Growth beyond this changes nothing that hold_max allows, but could overflow.
MAX_LEVEL = 64
JITTER = 0.1
NEUTRAL_WAIT = 1.0
WRITE_FAILURES = 3


@dataclass(slots=True, eq=False)
class Machine:
    """A breaker. `random` returns numbers from 0 up to 1; every `now` is a monotonic instant."""

    policy: Policy
    epochs: Iterator[int]
    random: Callable[[], float]
    name: str
    trip_reason: Trip
    state: State = State.CLOSED
    reason: Trip | None = None
    level: int = 0
    until: float = -inf
    """The instant at which an open machine is due."""
    streaks: Streaks = field(default_factory=Streaks)
    admission: Admission = field(init=False)
    """That of whatever is admitted now."""
    _successes: int = 0
    _closed_at: float = -inf
    _last_failure: float = -inf
    _last_reset: float = -inf

    def __post_init__(self) -> None:
        self.admission = Admission(next(self.epochs))

    # --- asking -------------------------------------------------------------------------------

    def due(self, now: float) -> bool:
        """Tell whether the next read is the probe."""
        return self.state is State.OPEN and now >= self.until

    def admits_read(self, now: float) -> bool:
        """Tell whether a read may go, be it as the probe."""
        return self.state is State.CLOSED or self.due(now)

    @property
    def calm(self) -> bool:
        """Tell whether the machine is closed and nothing has failed lately."""
        return self.state is State.CLOSED and self.streaks.none

    def remaining(self, now: float) -> float:
        """Return the seconds until an open machine is due."""
        return max(self.until - now, 0.0) if self.state is State.OPEN else 0.0

    def present_level(self, now: float) -> int:
        """Return the level, which a machine that has been closed for long has lost."""
        stable = now - self._closed_at >= self.policy.stable_after
        return 0 if self.state is State.CLOSED and stable else self.level

    # --- transitions --------------------------------------------------------------------------

    def probe(self) -> Admission:
        """Admit the probe; the machine must be due."""
        self._move(State.HALF_OPEN)
        return self.admission._replace(probe=True)

    def report(self, admission: Admission, report: Report) -> Change | None:
        """Take the signal of an attempt that this machine has admitted."""
        if admission.epoch != self.admission.epoch:
            return None
        match self.state, admission.probe, report.signal:
            case State.CLOSED, False, Signal.GOOD:
                return self._end_streak(report)
            case State.CLOSED, False, Signal.BAD:
                return self._count(report)
            case State.HALF_OPEN, True, Signal.GOOD:
                return self._succeed(report)
            case State.HALF_OPEN, True, Signal.BAD:
                return self._reopen(report)
            case State.HALF_OPEN, True, Signal.RATE:
                return self._open(report)
            case State.HALF_OPEN, True, Signal.NEUTRAL:
                return self._retry_soon(report)
        return None  # nothing else changes anything

    def hold(self, reason: Trip, until: float, level: int) -> None:
        """Open without a failure: what was known before a restart, or a force that has ended."""
        self.reason, self.until, self.level = reason, until, min(level, MAX_LEVEL)
        self._move(State.OPEN)

    def clear(self) -> None:
        """Close as if nothing had ever happened."""
        self.level, self._closed_at = 0, -inf
        self._close()

    def forget(self) -> None:
        """End the streaks; failures in flight will not count."""
        self.streaks.clear()
        if self.state is State.CLOSED:
            self._move(State.CLOSED)

    def _end_streak(self, report: Report) -> Change | None:
        self.streaks.end(report.kind)
        return None

    def _count(self, report: Report) -> Change | None:
        if report.now - self._last_failure > self.policy.streak_ttl:
            self.streaks.clear()
        # When a pool of connections breaks, every request on it fails: that is one fact.
        if report.reset and report.dispatched < self._last_reset:
            return None
        if not self.streaks.add(report.kind, report.key):
            return None
        self._last_failure = report.now
        if report.reset:
            self._last_reset = report.now
        if self.streaks.longest < report.threshold:
            return None
        flapping = report.now - self._closed_at < self.policy.stable_after
        self.level = self.level + 1 if flapping else 0
        self.reason = self.trip_reason
        self._open(report)
        return Change.TRIPPED

    def _succeed(self, report: Report) -> Change:
        self._successes += 1
        if self._successes < self.policy.success_threshold:
            self.until = report.now
            self._move(State.OPEN)
            return Change.HELD
        self._closed_at = report.now
        self._close()
        return Change.RECOVERED

    def _reopen(self, report: Report) -> Change:
        self.level += 1
        self.reason = self.trip_reason  # also where only a force had opened it
        return self._open(report)

    def _open(self, report: Report) -> Change:
        policy = self.policy
        self.level = min(self.level, MAX_LEVEL)
        hold = min(policy.hold * policy.hold_factor**self.level, policy.hold_max)
        hold = max(hold, min(report.floor, policy.hold_max))
        # Never shorter than promised; spread, so that a fleet does not probe in one instant.
        self.until = report.now + hold * (1 + JITTER * self.random())
        self._successes = 0
        self.streaks.clear()
        self._move(State.OPEN)
        return Change.HELD

    def _retry_soon(self, report: Report) -> Change:
        self.until = report.now + NEUTRAL_WAIT
        self._move(State.OPEN)
        return Change.HELD

    def _close(self) -> None:
        self.reason, self.until = None, -inf
        self.streaks.clear()
        self._move(State.CLOSED)

    def _move(self, state: State) -> None:
        self.state, self.admission = state, Admission(next(self.epochs))


class WriteHealth:
    """Whether writes get through, as far as is known. It changes no mode."""

    def __init__(self, epochs: Iterator[int]) -> None:
        self._epochs = epochs
        self._streaks = Streaks()
        self.epoch = next(epochs)

    @property
    def healthy(self) -> bool:
        """Tell whether fewer than three writes in a row have failed."""
        return self._streaks.longest < WRITE_FAILURES

    @property
    def calm(self) -> bool:
        """Tell whether no write has failed lately."""
        return self._streaks.none

    def report(self, epoch: int, signal: Signal, key: str) -> bool:
        """Take the signal of a write admitted in `epoch`; tell whether health changed."""
        before = self.healthy
        if epoch == self.epoch and signal is Signal.BAD:
            self._streaks.add("writes", key)
        elif epoch == self.epoch and signal is Signal.GOOD:
            self._streaks.clear()
        return self.healthy is not before

    def forget(self) -> bool:
        """Forget everything, also what is in flight; tell whether health changed."""
        before = self.healthy
        self._streaks.clear()
        self.epoch = next(self._epochs)
        return self.healthy is not before
