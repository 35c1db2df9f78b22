"""The guard: which requests may go to Zep, judged by how the ones before them ended.

It joins two kinds of machine (see `machine.py`): one for the host, which trips on failures, and
one per credential, which trips when that credential is refused. A read needs both, and one probe
may serve both. Writes always go; they count for the host, and for write health.

Every `now` is a monotonic instant, in seconds. What can change something returns events.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import count

from sidecar.core.events import (
    EXPIRED,
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
from sidecar.core.machine import (
    Admission,
    Change,
    Hold,
    Machine,
    Policy,
    Report,
    Signal,
    State,
    Trip,
    WriteHealth,
)
from sidecar.core.modes import Mode
from sidecar.core.outcomes import OK, Kind, Reason, Verdict
from sidecar.core.routes import RouteClass

ANONYMOUS = "anon"
"""The credential of requests without an Authorization field; it never moves the gauge."""
MAX_CREDENTIALS = 256
RECENT = 900.0  # seconds for which a credential counts for the gauge
SHIELD_LEAST, SHIELD_MOST = 1.0, 60.0  # seconds of calm after a 429


class Grade(Enum):
    """What the guard grants a request."""

    PASS = "pass"  # noqa: S105  no password
    PROBE = "probe"  # it goes, and it decides
    DENY = "deny"  # it is answered without Zep


@dataclass(slots=True, eq=False)
class Credential:
    """What is known of one credential."""

    machine: Machine
    seen: float
    shield_until: float = -math.inf


class Ticket:
    """Leave to go, or not. It is to be settled once; more often has no effect."""

    def __init__(
        self, cls: RouteClass, key: str, credential: Credential, at: float, lease: float
    ) -> None:
        self.cls, self.key, self.credential, self.at, self.lease = cls, key, credential, at, lease
        self.grade = Grade.PASS
        self.mode = Mode.READ_WRITE
        """The mode that the guard allows this request."""
        self.scope: Scope | None = None
        """What stands in the way of reads, also where this one may try as the probe."""
        self.reason: Trip | None = None
        """Why that is so; None where the scope is the rate."""
        self.remaining = 0.0
        """Seconds until the next read may try."""
        self.events: tuple[Event, ...] = ()
        """What happened at admission."""
        self.host: Admission
        self.auth = credential.machine.admission
        self.writes = 0
        self.settled = False


# What says how the host is; each kind is a streak of its own.
_STREAK = {RouteClass.CONTEXT: "reads", RouteClass.WRITE: "writes", RouteClass.HYBRID: "writes"}
_TO_HOST = {
    Kind.OK: Signal.GOOD,
    Kind.FAIL: Signal.BAD,
    Kind.AUTH: Signal.GOOD,  # it answered
    Kind.RATE: Signal.RATE,
    Kind.NEUTRAL: Signal.NEUTRAL,
}
_TO_CREDENTIAL = _TO_HOST | {Kind.FAIL: Signal.NEUTRAL, Kind.AUTH: Signal.BAD}


class Guard:
    """Every machine, the operator's force, the calm after a 429, and write health."""

    def __init__(self, policy: Policy, random: Callable[[], float]) -> None:
        """`random` returns numbers from 0 up to 1."""
        self.policy = policy
        self._random = random
        self._epochs: Iterator[int] = count()
        self.host = self._machine("", Trip.CONSECUTIVE_FAILURES)
        self.credentials: OrderedDict[str, Credential] = OrderedDict()
        self._probes: list[Ticket] = []
        self._last_read = -math.inf
        self._force: Forced | None = None
        self.writes = WriteHealth(self._epochs)

    # --- requests -----------------------------------------------------------------------------

    def admit(
        self,
        cls: RouteClass,
        credential: str,
        now: float,
        *,
        key: str = "",
        reads: bool = True,
        background: bool = False,
    ) -> Ticket:
        """Decide on a request.

        `cls` is HYBRID only for a write that really reads. `key`: its Idempotency-Key. `reads`:
        whether the mode, the guard apart, allows reads; without, a context read is denied and
        nothing is a probe. `background`: a read that no worker has asked for.
        """
        events = self.tick(now)
        entry = self._credential(credential, now)
        host, auth = self.host, entry.machine
        # The credential first: what it may not read it must not get from elsewhere either.
        held: Machine | None = None
        if auth.state is not State.CLOSED:
            held = auth
        elif host.state is not State.CLOSED:
            held = host
        calm = now < entry.shield_until
        free = reads and not calm and host.admits_read(now) and auth.admits_read(now)
        ticket = Ticket(cls, key, entry, now, now + self.policy.lease)
        ticket.host, ticket.writes, ticket.events = host.admission, self.writes.epoch, events
        if held:
            ticket.mode, ticket.scope, ticket.reason = Mode.WRITE_ONLY, _scope(held), held.reason
        elif calm:
            ticket.scope = Scope.RATE
        if held or calm:
            waits = host.remaining(now), auth.remaining(now), entry.shield_until - now
            ticket.remaining = max(waits)
        reading = cls is RouteClass.CONTEXT
        if reading and not free:
            ticket.grade, ticket.settled = Grade.DENY, True
        # A write that reads may try it where no read would: it waits for Zep in any case.
        elif held and free and (reading or (cls is RouteClass.HYBRID and self._idle(now))):
            self._start_probe(ticket, now)
        if reading and not background:
            self._last_read = now
        return ticket

    def mode(self, credential: str) -> Mode:
        """Return the mode that this credential is allowed now."""
        entry = self.credentials.get(credential)
        return min(self.host_mode, _allowed(entry.machine) if entry else Mode.READ_WRITE)

    def may_serve_fresh(self, credential: str, now: float) -> bool:
        """Tell whether a cached answer may do: not to a refused credential, nor for a probe."""
        entry = self.credentials.get(credential)
        accepted = entry is None or entry.machine.state is State.CLOSED
        return accepted and not self.host.due(now)

    def may_read(self, credential: str, now: float) -> bool:
        """Tell whether a context read by this credential would be admitted now."""
        entry = self.credentials.get(credential)
        known = entry is None or (entry.machine.admits_read(now) and now >= entry.shield_until)
        return known and self.host.admits_read(now)

    def settle(
        self, ticket: Ticket, verdict: Verdict, now: float, dispatched: float | None = None
    ) -> tuple[Event, ...]:
        """Report how a request ended; `dispatched`: when it was sent, if not at admission."""
        events = self.tick(now)
        if ticket.settled:
            return events
        self._retire(ticket)
        if ticket.grade is Grade.PROBE:
            events += (_probe_settled(ticket, verdict.kind.value, verdict.reason),)
        entry = ticket.credential
        if verdict is OK and self.host.calm and entry.machine.calm and self.writes.calm:
            return events  # a success where nothing has failed changes nothing
        sent = ticket.at if dispatched is None else dispatched
        reset, floor = verdict.reset, verdict.retry_after or 0.0
        kind = _STREAK.get(ticket.cls, "other")
        for machine, admission in ((self.host, ticket.host), (entry.machine, ticket.auth)):
            signal, threshold = self._meaning(machine, admission, kind, verdict)
            report = Report(signal, now, sent, kind, ticket.key, threshold, reset, floor)
            change = machine.report(admission, report)
            if change is Change.TRIPPED and machine.reason:
                hold = machine.remaining(now)
                events += (
                    Tripped(machine.name, machine.reason, verdict.reason, machine.level, hold),
                )
            elif change is Change.RECOVERED:
                events += (Recovered(machine.name),)
        if verdict.kind is Kind.RATE and ticket.cls is RouteClass.CONTEXT:
            calm = min(max(verdict.retry_after or 0.0, SHIELD_LEAST), SHIELD_MOST)
            entry.shield_until = max(entry.shield_until, now + calm)
        if kind == "writes":
            events += self._writes_event(
                self.writes.report(ticket.writes, _TO_HOST[verdict.kind], ticket.key)
            )
        return events

    def tick(self, now: float) -> tuple[Event, ...]:
        """Let happen what time alone decides: leases of probes run out, and so does the force."""
        events: tuple[Event, ...] = ()
        if not self._probes and not self._force:
            return events
        for ticket in [t for t in self._probes if now >= t.lease]:
            self._retire(ticket)
            events += (_probe_settled(ticket, EXPIRED, None),)
            bad = Report(Signal.BAD, ticket.lease, ticket.at)
            for machine, part in (
                (self.host, ticket.host),
                (ticket.credential.machine, ticket.auth),
            ):
                if part.probe:
                    machine.report(part, bad)
        if self._force and not self.forced(now):
            events += (ForceEnded(self._force.reason),)
            self._force = None
            if self.host.state is State.CLOSED:
                # Nothing has been observed meanwhile: the first read finds out.
                self.host.hold(Trip.FORCED, now, self.host.present_level(now))
        return events

    def wants_probe(self, credential: str, now: float) -> bool:
        """Tell whether a background read by this credential would serve as the probe."""
        entry = self.credentials.get(credential)
        machines = (self.host, entry.machine) if entry else (self.host,)
        return (
            self._idle(now)
            and any(machine.due(now) for machine in machines)
            and all(machine.admits_read(now) for machine in machines)
            and not (entry and now < entry.shield_until)
        )

    # --- the operator -------------------------------------------------------------------------

    def force(
        self,
        mode: Mode,
        reason: str,
        now: float,
        *,
        ttl: float | None = None,
        allow_stale: bool = False,
    ) -> tuple[Event, ...]:
        """Limit the mode, for `ttl` seconds or until cleared; the last force wins."""
        until = None if ttl is None else now + ttl
        self._force = Forced(mode, reason, ttl, until, allow_stale)
        return (self._force,)

    def clear(self) -> tuple[Event, ...]:
        """Lift the force and close every machine, at once and without a probe."""
        self._force = None
        for ticket in list(self._probes):
            self._retire(ticket)
        for machine in self._machines():
            machine.clear()
        for entry in self.credentials.values():
            entry.shield_until = -math.inf
        return (Cleared(), *self._writes_event(self.writes.forget()))

    def reset_failures(self) -> tuple[Event, ...]:
        """End every streak; failures in flight will not count. Holds and force stay."""
        for machine in self._machines():
            machine.forget()
        return self._writes_event(self.writes.forget())

    def resume(
        self, forced: Forced | None, host: Hold | None, credentials: Mapping[str, Hold], now: float
    ) -> None:
        """Go on where a process before this one stopped; before the first request."""
        self._force = forced
        if host:
            self.host.hold(*host)
        for name, hold in credentials.items():
            self._credential(name, now).machine.hold(*hold)

    # --- what is known ------------------------------------------------------------------------

    def forced(self, now: float) -> Forced | None:
        """Return the operator's force while it lasts."""
        forced = self._force
        return None if forced and forced.until is not None and now >= forced.until else forced

    @property
    def host_mode(self) -> Mode:
        """Return the mode that the host machine allows."""
        return _allowed(self.host)

    def credentials_mode(self, now: float) -> Mode:
        """Return write_only if every credential seen lately is refused: for the gauge."""
        seen = [
            _allowed(entry.machine)
            for name, entry in self.credentials.items()
            if name != ANONYMOUS and now - entry.seen <= RECENT
        ]
        return max(seen, default=Mode.READ_WRITE)

    @property
    def credentials_held(self) -> int:
        """Return how many credentials are refused."""
        return sum(e.machine.state is not State.CLOSED for e in self.credentials.values())

    # --- parts of the above -------------------------------------------------------------------

    def _machine(self, name: str, reason: Trip) -> Machine:
        return Machine(self.policy, self._epochs, self._random, name, reason)

    def _machines(self) -> list[Machine]:
        return [self.host, *(entry.machine for entry in self.credentials.values())]

    def _credential(self, name: str, now: float) -> Credential:
        if name not in self.credentials:
            self.credentials[name] = Credential(self._machine(name, Trip.AUTH), now)
            if len(self.credentials) > MAX_CREDENTIALS:
                self.credentials.popitem(last=False)
        self.credentials.move_to_end(name)
        entry = self.credentials[name]
        entry.seen = now
        return entry

    def _idle(self, now: float) -> bool:
        return now - self._last_read >= self.policy.idle_after

    def _start_probe(self, ticket: Ticket, now: float) -> None:
        ticket.grade = Grade.PROBE
        if self.host.due(now):
            ticket.host = self.host.probe()
        if ticket.credential.machine.due(now):
            ticket.auth = ticket.credential.machine.probe()
        self._probes.append(ticket)
        ticket.events += (ProbeStarted(ticket.scope or Scope.HOST),)

    def _retire(self, ticket: Ticket) -> None:
        ticket.settled = True
        if ticket in self._probes:
            self._probes.remove(ticket)

    def _writes_event(self, changed: bool) -> tuple[Event, ...]:
        return (WritesChanged(self.writes.healthy),) if changed else ()

    def _meaning(
        self, machine: Machine, admission: Admission, kind: str, verdict: Verdict
    ) -> tuple[Signal, int]:
        """Return what a verdict means to one machine, and how many of its kind trip that."""
        policy, feeds = self.policy, kind != "other"
        if machine is self.host:
            spared = kind == "writes" and not policy.write_failures_trip
            if not admission.probe and (not feeds or spared):
                return Signal.NEUTRAL, 0
            return _TO_HOST[verdict.kind], policy.failure_threshold
        if verdict.status == 403 and policy.forbidden == "ignore":
            return Signal.GOOD, 0
        if verdict.kind is not Kind.AUTH and not feeds:
            return Signal.NEUTRAL, 0
        counted = verdict.status == 403 and policy.forbidden == "count"
        return _TO_CREDENTIAL[verdict.kind], policy.failure_threshold if counted else 1


def _allowed(machine: Machine) -> Mode:
    return Mode.READ_WRITE if machine.state is State.CLOSED else Mode.WRITE_ONLY


def _scope(machine: Machine) -> Scope:
    return Scope.CREDENTIAL if machine.name else Scope.HOST


def _probe_settled(ticket: Ticket, result: str, cause: Reason | None) -> ProbeSettled:
    return ProbeSettled(ticket.scope or Scope.HOST, result, cause)
