"""What each mode does to each class, and what the worker gets."""

import json
import re
from itertools import product

import pytest

from sidecar.core.answers import (
    Answer,
    Forward,
    Outcome,
    ShortCircuit,
    class_of,
    decide,
    instead,
    mode_of,
    short_circuit,
)
from sidecar.core.events import Scope
from sidecar.core.guard import Grade, Guard, Ticket
from sidecar.core.machine import Policy, Trip
from sidecar.core.modes import Mode, Resolution, Source, resolve
from sidecar.core.outcomes import OK, Kind, Reason, Verdict, fail, neutral, of_status
from sidecar.core.routes import Route, RouteClass, match
from tests.core.test_routes import ROWS

OFF, WRITE_ONLY, READ_WRITE = Mode
READ = RouteClass.CONTEXT
THREAD = "/api/v2/threads/t%201/"
REQUESTS = {
    RouteClass.CONTEXT: ("GET", THREAD + "context?x={y}"),
    RouteClass.WRITE: ("POST", THREAD + "messages"),
    RouteClass.HYBRID: ("POST", THREAD + "messages"),
    RouteClass.ERASE: ("DELETE", "/api/v2/users/u"),
    RouteClass.CONTROL: ("GET", "/api/v2/users/u"),
    RouteClass.UNKNOWN: ("POST", "/api/v4/new"),
}
MODES = {mode: resolve(mode) for mode in Mode}
EMPTY = b'{"context":""}'


def route_of(method: str, target: str) -> Route:
    """Return the route of a request that the table knows."""
    route = match(method, target)
    assert route
    return route


def ticket(
    grade: Grade = Grade.PASS, scope: Scope | None = None, reason: Trip | None = None
) -> Ticket:
    """Return a ticket as the guard would make it."""
    fresh = Guard(Policy(), lambda: 0.0).admit(RouteClass.UNKNOWN, "c", 0.0)
    fresh.grade, fresh.scope, fresh.reason = grade, scope, reason
    fresh.mode = WRITE_ONLY if reason else READ_WRITE
    return fresh


HOST = ticket(Grade.DENY, Scope.HOST, Trip.CONSECUTIVE_FAILURES)
CREDENTIAL = ticket(Grade.DENY, Scope.CREDENTIAL, Trip.AUTH)
RATE = ticket(Grade.DENY, Scope.RATE)
PROBE = ticket(Grade.PROBE, Scope.HOST, Trip.CONSECUTIVE_FAILURES)


def decided(
    cls: RouteClass, asked: Resolution, granted: Ticket, *, allow_stale: bool = False
) -> Forward | Answer:
    """Decide on this class's example."""
    method, target = REQUESTS[cls]
    return decide(route_of(method, target), target, cls, asked, granted, allow_stale=allow_stale)


# --- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", RouteClass)
def test_read_write(cls: RouteClass) -> None:
    """Everything goes, as it is."""
    assert decided(cls, MODES[READ_WRITE], ticket()) == Forward()


@pytest.mark.parametrize("cls", RouteClass)
@pytest.mark.parametrize(
    ("asked", "granted"),
    [(MODES[WRITE_ONLY], ticket()), (MODES[WRITE_ONLY], HOST), (MODES[READ_WRITE], HOST)],
)
def test_write_only(cls: RouteClass, asked: Resolution, granted: Ticket) -> None:
    """Reads are answered empty, writes go without their read, all else goes."""
    decision = decided(cls, asked, granted)
    if cls is READ:
        assert isinstance(decision, Answer)
        assert (decision.status, decision.body) == (200, EMPTY)
        assert decision.outcome is Outcome.EMPTY
    else:
        assert decision == Forward(strip_return_context=cls is RouteClass.HYBRID)


@pytest.mark.parametrize("cls", RouteClass)
@pytest.mark.parametrize("granted", [ticket(), HOST, CREDENTIAL])
def test_case_09_off(cls: RouteClass, granted: Ticket) -> None:
    """Appends are dropped, erasures go, reads are empty, all else is refused once and for all."""
    decision = decided(cls, MODES[OFF], granted)
    if cls is RouteClass.ERASE:
        assert decision == Forward()
        return
    assert isinstance(decision, Answer)
    assert decision.reason is ShortCircuit.OFF
    expected = {
        RouteClass.CONTEXT: (200, Outcome.EMPTY),
        RouteClass.WRITE: (200, Outcome.DROPPED),
        RouteClass.HYBRID: (200, Outcome.DROPPED),
    }.get(cls, (424, Outcome.BLOCKED))
    assert (decision.status, decision.outcome) == expected
    if decision.status == 424:
        assert json.loads(decision.body)["error"]["code"] == "off"


@pytest.mark.parametrize("cls", [RouteClass.CONTEXT, RouteClass.HYBRID])
def test_a_probe_goes_as_it_is(cls: RouteClass) -> None:
    """It must read, or it would prove nothing."""
    assert decided(cls, MODES[READ_WRITE], PROBE) == Forward()
    assert mode_of(MODES[READ_WRITE], PROBE) is WRITE_ONLY


def test_case_05_look_ups_belong_to_writes() -> None:
    """`user.get` and `user.add` reach Zep in write_only."""
    for method, target in (("GET", "/api/v2/users/u"), ("POST", "/api/v2/users")):
        route = route_of(method, target)
        assert decide(route, target, route.cls, MODES[WRITE_ONLY], ticket()) == Forward()


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/v2/users/u/warm", b'{"message":""}'),
        ("GET", "/api/v2/graph/g/warm", b'{"message":""}'),
        ("POST", "/api/v4/graphs/g/warm", b"{}"),
    ],
)
def test_warming_up(method: str, target: str, body: bytes) -> None:
    """A hint that reads will follow is pointless while they do not."""
    route = route_of(method, target)
    assert decide(route, target, route.cls, MODES[READ_WRITE], ticket()) == Forward()
    for asked, granted, reason in (
        (MODES[OFF], ticket(), ShortCircuit.OFF),
        (MODES[WRITE_ONLY], ticket(), ShortCircuit.BASE),
        (MODES[READ_WRITE], PROBE, ShortCircuit.CONSECUTIVE_FAILURES),
    ):
        decision = decide(route, target, route.cls, asked, granted)
        assert isinstance(decision, Answer)
        assert (decision.status, decision.body) == (200, body)
        assert (decision.outcome, decision.reason) == (Outcome.EMPTY, reason)


@pytest.mark.parametrize(
    ("asked", "granted", "allow_stale", "reason", "last_known"),
    [
        (MODES[READ_WRITE], HOST, False, ShortCircuit.CONSECUTIVE_FAILURES, True),
        (MODES[READ_WRITE], CREDENTIAL, True, ShortCircuit.AUTH, False),
        (MODES[READ_WRITE], RATE, False, ShortCircuit.RATE_LIMITED, True),
        (
            MODES[READ_WRITE],
            ticket(Grade.DENY, Scope.HOST, Trip.FORCED),
            False,
            ShortCircuit.FORCED,
            True,
        ),
        (MODES[WRITE_ONLY], HOST, True, ShortCircuit.BASE, False),
        (resolve(READ_WRITE, WRITE_ONLY), HOST, False, ShortCircuit.OVERRIDE, False),
        (resolve(READ_WRITE, OFF), HOST, False, ShortCircuit.OFF, False),
        (
            resolve(READ_WRITE, override_invalid=True),
            HOST,
            False,
            ShortCircuit.INVALID_OVERRIDE,
            False,
        ),
        (resolve(READ_WRITE, forced=WRITE_ONLY), HOST, False, ShortCircuit.FORCED, False),
        (resolve(READ_WRITE, forced=WRITE_ONLY), HOST, True, ShortCircuit.FORCED, True),
        (resolve(READ_WRITE, forced=WRITE_ONLY), CREDENTIAL, True, ShortCircuit.FORCED, False),
        (resolve(WRITE_ONLY, forced=WRITE_ONLY), HOST, True, ShortCircuit.FORCED, False),
        (resolve(READ_WRITE, forced=OFF), HOST, True, ShortCircuit.OFF, False),
    ],
)
def test_why_a_read_is_empty(
    asked: Resolution,
    granted: Ticket,
    allow_stale: bool,
    reason: ShortCircuit,
    last_known: bool,
) -> None:
    """An older answer may stand in where neither the operator nor the credential forbids it."""
    method, target = REQUESTS[READ]
    route = route_of(method, target)
    found = short_circuit(route, target, asked, granted, allow_stale=allow_stale)
    assert (found.reason, found.last_known) == (reason, last_known)
    assert decided(READ, asked, granted, allow_stale=allow_stale) == found


def test_every_cause_has_a_reason() -> None:
    """Whatever limits the mode of a read, the header can say it."""
    sources = (Source.BASE, Source.OVERRIDE, Source.FORCED, Source.INVALID_OVERRIDE)
    limits = [Resolution(mode, (s,)) for mode in (OFF, WRITE_ONLY) for s in sources]
    for asked, granted in product(limits, [HOST, CREDENTIAL, RATE]):
        assert isinstance(decided(READ, asked, granted), Answer)
    for trip in Trip:
        assert isinstance(
            decided(READ, MODES[READ_WRITE], ticket(Grade.DENY, Scope.HOST, trip)), Answer
        )


# --- bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["class"] == "CTX"],
    ids=lambda r: f"{r['api']} {r['method']} {r['path']}",
)
def test_every_read_has_an_empty_answer(row: dict[str, str]) -> None:
    """JSON, with nothing left to fill in."""
    path = "/".join("x%2F%C3%BC" if s[:1] == "{" else s for s in row["path"].split("/"))
    target = f"/api/{row['api']}{path}?q=/a"
    route = route_of(row["method"], target)
    found = decide(route, target, READ, MODES[WRITE_ONLY], ticket())
    assert isinstance(found, Answer)
    assert found.content_type == "application/json"
    assert isinstance(json.loads(found.body), list | dict)
    assert not re.search(rb"\{\w+\}", found.body)
    if row["path"].endswith("}/context"):
        assert json.loads(found.body)["context"] == ""


def test_path_parameters_are_given_back() -> None:
    """Decoded, as the SDK has them."""
    target = "/api/v2/threads/t%201%2F%C3%BC/summary?x=1"
    route = route_of("GET", target)
    found = short_circuit(route, target, MODES[WRITE_ONLY], ticket())
    assert json.loads(found.body) == {"summary": "", "thread_id": "t 1/ü"}


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/api/v1/sessions/s/memory", b"OK"),
        ("/api/v2/sessions/s/memory", b'{"context":""}'),
        (
            "/api/v2/graph",
            b'{"content":"","created_at":"1970-01-01T00:00:00Z",'
            b'"uuid":"00000000-0000-0000-0000-000000000000","processed":false}',
        ),
        (
            "/api/v2/threads/t/messages-batch",
            b'{"context":"","message_uuids":[],"task_id":null}',
        ),
        ("/api/v4/threads/t/messages", b'{"context":"","messages":[],"task":null}'),
        ("/api/v4/graphs/g/episodes", b"{}"),
        ("/api/v2/users", None),
        ("/api/v2/threads", None),
        ("/api/v4/graphs", None),
    ],
)
def test_what_an_append_is_told_while_off(target: str, body: bytes | None) -> None:
    """It is dropped; what needs an id made by Zep is refused."""
    route = route_of("POST", target)
    found = decide(route, target, RouteClass.WRITE, MODES[OFF], ticket())
    assert isinstance(found, Answer)
    assert found.status == (424 if body is None else 200)
    if body is not None:
        assert found.body == body
        assert found.content_type == ("text/plain" if body == b"OK" else "application/json")


@pytest.mark.parametrize(
    ("target", "body", "cls"),
    [
        (THREAD + "messages", b'{"return_context":true}', RouteClass.HYBRID),
        (THREAD + "messages", b'{"return_context":false}', RouteClass.WRITE),
        (THREAD + "messages", None, RouteClass.WRITE),
        (THREAD + "messages-batch", b'{"return_context":true}', RouteClass.HYBRID),
        ("/api/v2/users", b'{"return_context":true}', RouteClass.WRITE),
    ],
)
def test_class_of(target: str, body: bytes | None, cls: RouteClass) -> None:
    """By the body, where the route can read."""
    assert class_of(route_of("POST", target), body) is cls


# --- after Zep --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict", "outcome", "reason"),
    [
        (200, OK, None, None),
        (404, OK, None, None),
        (302, OK, None, None),
        (401, of_status(READ, 401), None, None),
        (403, of_status(READ, 403), None, None),
        (499, of_status(READ, 499), None, None),
        (204, OK, Outcome.LIVE, None),
        (500, fail(Reason.HTTP_5XX), Outcome.EMPTY, Reason.HTTP_5XX),
        (408, of_status(READ, 408), Outcome.EMPTY, Reason.TIMEOUT),
        (200, fail(Reason.BAD_BODY), Outcome.EMPTY, Reason.BAD_BODY),
        (429, of_status(READ, 429), Outcome.EMPTY, Reason.RATE_LIMITED),
        (None, fail(Reason.CONNECT), Outcome.EMPTY, Reason.CONNECT),
        (None, neutral(Reason.LOCAL_STALL), Outcome.EMPTY, Reason.LOCAL_STALL),
    ],
)
def test_case_48_and_50_reads_fail_softly(
    status: int | None, verdict: Verdict, outcome: Outcome | None, reason: Reason | None
) -> None:
    """Only Zep's own word, a 4xx among it, reaches the worker; without fail_soft everything."""
    method, target = REQUESTS[READ]
    route = route_of(method, target)
    found = instead(route, target, status, verdict, fail_soft=True)
    assert (found and found.outcome) == outcome
    if found:
        assert (found.status, found.body, found.reason) == (200, EMPTY, reason)
        assert found.last_known is (outcome is Outcome.EMPTY)
    strict = instead(route, target, status, verdict, fail_soft=False)
    assert strict == (found if status == 204 else None)


def test_header_values() -> None:
    """As they are documented."""
    assert {o.value for o in Outcome} == {
        "live", "hit", "collapsed", "stale", "empty", "blocked", "spooled", "dropped"
    }  # fmt: skip
    assert {s.value for s in Source} - {"guard"} <= {s.value for s in ShortCircuit}
    assert {t.value for t in Trip} <= {s.value for s in ShortCircuit}
    assert Kind.RATE.value not in {s.value for s in ShortCircuit}
