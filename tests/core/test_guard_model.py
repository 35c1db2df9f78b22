"""Case 41: the guard under any order of admissions, reports, commands and time."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from sidecar.core.events import Event, ProbeSettled, ProbeStarted, Tripped
from sidecar.core.guard import Grade, Guard, Ticket
from sidecar.core.guard_state import restore, snapshot
from sidecar.core.machine import Machine, Policy, State
from sidecar.core.modes import Mode
from sidecar.core.outcomes import OK, Reason, Verdict, fail, neutral, of_status
from sidecar.core.routes import RouteClass

CREDENTIALS = st.sampled_from(["a", "b", "anon"])
VERDICTS = st.sampled_from(
    [
        OK,
        fail(Reason.TIMEOUT),
        fail(Reason.RESET),
        fail(Reason.HTTP_5XX, 450.0),
        fail(Reason.HTTP_5XX, 86_400.0),
        of_status(RouteClass.CONTEXT, 401),
        of_status(RouteClass.CONTEXT, 403),
        of_status(RouteClass.CONTEXT, 429, 400.0),
        neutral(),
    ]
)
LONGEST = 600.0 * 1.1


def facts(machine: Machine) -> tuple[Any, ...]:
    """Return everything of a machine that a report could change."""
    return (
        machine.state,
        machine.admission.epoch,
        machine.until,
        machine.level,
        machine.streaks.longest,
    )


class GuardModel(RuleBasedStateMachine):
    """Any use of a guard."""

    tickets: Bundle[Ticket] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.random = 0.0
        self.new_guard()

    def new_guard(self) -> None:
        """Start with nothing known and nothing in flight."""
        self.guard = Guard(Policy(forbidden="count", success_threshold=2), lambda: self.random)
        self.granted: list[Ticket] = []
        self.closed_before = True

    def machines(self, ticket: Ticket) -> list[Any]:
        """Return each machine that a ticket concerns, with its part."""
        return [(self.guard.host, ticket.host), (ticket.credential.machine, ticket.auth)]

    def check(self, events: tuple[Event, ...]) -> None:
        """Check what events say by themselves."""
        for event in events:
            assert not isinstance(event, Tripped) or event.hold <= LONGEST

    @rule(
        target=tickets,
        cls=st.sampled_from(RouteClass),
        credential=CREDENTIALS,
        key=st.sampled_from(["", "k"]),
        reads=st.booleans() | st.just(True),
        background=st.booleans(),
    )
    def admit(self, cls: RouteClass, credential: str, **more: Any) -> Any:
        """A read goes only where both machines are closed, or as the one probe of those due."""
        self.check(self.guard.tick(self.now))
        entry = self.guard.credentials.get(credential)
        parts = [self.guard.host, *([entry.machine] if entry else [])]
        closed = all(machine.state is State.CLOSED for machine in parts)
        early = any(m.state is State.OPEN and self.now < m.until for m in parts)
        probed = any(m.state is State.HALF_OPEN for m in parts)
        ticket = self.guard.admit(cls, credential, self.now, **more)
        started = [event for event in ticket.events if isinstance(event, ProbeStarted)]
        assert bool(started) is (ticket.grade is Grade.PROBE)
        if early or probed or not more["reads"]:
            assert ticket.grade is not Grade.PROBE
        if cls is RouteClass.CONTEXT:
            if early or probed or not more["reads"]:
                assert ticket.grade is Grade.DENY
            assert closed or ticket.grade is not Grade.PASS
        else:
            assert ticket.grade is not Grade.DENY
        if ticket.grade is Grade.DENY:
            return multiple()
        self.granted.append(ticket)
        return ticket

    @rule(ticket=tickets, verdict=VERDICTS)
    def settle(self, ticket: Ticket, verdict: Verdict) -> None:
        """What is from an earlier epoch, or already settled, has no effect of any kind."""
        self.check(self.guard.tick(self.now))
        settled = ticket.settled
        before = [(machine, part, facts(machine)) for machine, part in self.machines(ticket)]
        events = self.guard.settle(ticket, verdict, self.now)
        self.check(events)
        assert ticket.settled
        ends = [event for event in events if isinstance(event, ProbeSettled)]
        assert len(ends) == (ticket.grade is Grade.PROBE and not settled)
        for machine, part, known in before:
            if settled or part.epoch != known[1]:
                assert facts(machine) == known
            if facts(machine)[1] != known[1]:
                assert machine.admission.epoch > known[1]

    @rule(seconds=st.sampled_from([0.001, 0.5, 1.0, 3.0, 31.0, 150.0, 300.0, 601.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, looked at or not."""
        self.now += seconds

    @rule(random=st.floats(0, 1, exclude_max=True))
    def throw(self, random: float) -> None:
        """Another number for the next hold."""
        self.random = random

    @rule(ttl=st.none() | st.sampled_from([1.0, 400.0]), mode=st.sampled_from(list(Mode)[:2]))
    def force(self, ttl: float | None, mode: Mode) -> None:
        """The operator limits the mode."""
        self.guard.force(mode, "x", self.now, ttl=ttl)

    @rule()
    def clear(self) -> None:
        """The operator closes everything."""
        self.guard.clear()
        assert self.guard.host_mode is Mode.READ_WRITE
        assert self.guard.forced(self.now) is None
        assert not any(t.grade is Grade.PROBE and not t.settled for t in self.granted)

    @rule()
    def reset_failures(self) -> None:
        """The operator ends the streaks."""
        self.guard.reset_failures()
        assert self.guard.host.streaks.longest == 0

    @rule(jump=st.sampled_from([-1e9, -10.0, 0.0, 10.0, 1e9]))
    def restart(self, jump: float) -> None:
        """A new process takes over, its monotonic clock anew and the wall clock wrong."""
        data = json.loads(json.dumps(snapshot(self.guard, self.now, 2e9)))
        self.new_guard()
        self.now = 7.0
        restore(self.guard, data, self.now, 2e9 + jump)

    @invariant()
    def holds(self) -> None:
        """At most one live probe for each machine; no hold beyond the longest; no full streak."""
        for machine in [self.guard.host, *(c.machine for c in self.guard.credentials.values())]:
            live = [
                ticket
                for ticket in self.granted
                for subject, part in self.machines(ticket)
                if subject is machine and part.probe and not ticket.settled
            ]
            assert len(live) <= 1
            assert (machine.state is State.HALF_OPEN) == bool(live)
            assert machine.remaining(self.now) <= LONGEST
            assert machine.streaks.longest < 3
            assert (machine.reason is None) is (machine.state is State.CLOSED)


TestGuardModel = GuardModel.TestCase
TestGuardModel.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
