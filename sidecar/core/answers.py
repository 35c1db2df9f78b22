"""What each mode does to each class of request, and what the worker gets where Zep does not answer.

An answer of the sidecar to a read is a success that says "nothing there": no SDK retries it, and
every SDK parses it.
"""

import json
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from sidecar.core.errors import OFF
from sidecar.core.events import Scope
from sidecar.core.guard import Grade, Ticket
from sidecar.core.modes import Mode, Resolution, Source
from sidecar.core.outcomes import Kind, Reason, Verdict
from sidecar.core.return_context import asks_for_context
from sidecar.core.routes import Route, RouteClass
from sidecar.core.words import Word


class Outcome(Word):
    """How a request ended for the worker: the values of `X-Zep-Sidecar-Outcome`."""

    LIVE = "live"  # Zep's own answer
    HIT = "hit"
    COLLAPSED = "collapsed"
    STALE = "stale"
    EMPTY = "empty"  # "nothing there", of the sidecar
    BLOCKED = "blocked"  # refused, nothing was forwarded
    SPOOLED = "spooled"
    DROPPED = "dropped"  # acknowledged, nothing was forwarded


class ShortCircuit(Enum):
    """Why Zep was not asked. With those of `Reason`, the values of `X-Zep-Sidecar-Reason`."""

    OFF = "off"
    FORCED = "forced"
    OVERRIDE = "override"
    INVALID_OVERRIDE = "invalid_override"
    BASE = "base"
    AUTH = "auth"
    CONSECUTIVE_FAILURES = "consecutive_failures"
    RATE_LIMITED = "rate_limited"
    # of our own making; the same as the codes of the refusals that a write gets
    OVERLOADED = "overloaded"
    INTERNAL = "internal"
    BODY_TIMEOUT = "body_timeout"


class Forward(NamedTuple):
    """The request goes to Zep."""

    strip_return_context: bool = False


class Answer(NamedTuple):
    """The sidecar answers. With `last_known`, an older answer of Zep may stand in for this one."""

    status: int
    body: bytes
    content_type: str
    outcome: Outcome
    reason: ShortCircuit | Reason | None
    last_known: bool = False


def class_of(route: Route, body: bytes | None) -> RouteClass:
    """Return the class of a request: a route that may also read does so only if asked to."""
    if route.cls is not RouteClass.HYBRID:
        return route.cls
    return RouteClass.HYBRID if asks_for_context(body or b"") else RouteClass.WRITE


def mode_of(asked: Resolution, ticket: Ticket) -> Mode:
    """Return the mode in effect for one request."""
    return min(asked.effective, ticket.mode)


def decide(
    route: Route,
    target: str,
    cls: RouteClass,
    asked: Resolution,
    ticket: Ticket,
    *,
    allow_stale: bool = False,
) -> Forward | Answer:
    """Decide what becomes of a request.

    `target`: its path and query. `cls`: see class_of. `asked`: the mode, the guard apart.
    `allow_stale`: a force in effect lets last-known answers be given.
    """
    mode = mode_of(asked, ticket)
    if cls is RouteClass.ERASE:  # whoever asks to be forgotten must not be told a lie
        return Forward()
    reads = cls is RouteClass.CONTEXT
    if reads and (ticket.grade is Grade.DENY or asked.effective is not Mode.READ_WRITE):
        return short_circuit(route, target, asked, ticket, allow_stale=allow_stale)
    if reads:
        return Forward()
    if mode is not Mode.READ_WRITE and _is_hint(route):
        return short_circuit(route, target, asked, ticket)
    if mode is not Mode.OFF:
        stripped = mode is Mode.WRITE_ONLY and ticket.grade is not Grade.PROBE
        return Forward(strip_return_context=cls is RouteClass.HYBRID and stripped)
    if route.empty is None:
        return Answer(OFF.status, OFF.body(), _JSON, Outcome.BLOCKED, ShortCircuit.OFF)
    return Answer(200, *_rendered(route, target), Outcome.DROPPED, ShortCircuit.OFF)


def short_circuit(
    route: Route,
    target: str,
    asked: Resolution,
    ticket: Ticket,
    *,
    allow_stale: bool = False,
) -> Answer:
    """Return the answer to a read that Zep is not asked, or whose probe takes too long."""
    if asked.effective is Mode.READ_WRITE:
        reason = ShortCircuit(ticket.reason.value) if ticket.reason else ShortCircuit.RATE_LIMITED
        last_known = True
    else:
        reason = next(reason for reason in ShortCircuit if _names(reason, asked))
        forced_only = asked == Resolution(Mode.WRITE_ONLY, (Source.FORCED,))
        last_known = allow_stale and forced_only
    # What a credential may not read it must not get from elsewhere either.
    last_known = last_known and ticket.scope is not Scope.CREDENTIAL
    return Answer(200, *_rendered(route, target), Outcome.EMPTY, reason, last_known)


def instead(
    route: Route, target: str, status: int | None, verdict: Verdict, *, fail_soft: bool
) -> Answer | None:
    """Return what the worker gets in place of Zep's answer to a context read, or None for that.

    `status` is None where no answer came. A refused credential, and every other 4xx, is passed
    on: the developer must see it once.
    """
    if status == 204:
        # No SDK accepts it for "nothing there".
        return Answer(200, *_rendered(route, target), Outcome.LIVE, None)
    if fail_soft and (status is None or verdict.kind in (Kind.FAIL, Kind.RATE)):
        body = _rendered(route, target)
        return Answer(200, *body, Outcome.EMPTY, verdict.reason, last_known=True)
    return None


def empty_answer(route: Route, target: str, reason: ShortCircuit) -> Answer:
    """Return the answer to a context read that something of our own stands in the way of."""
    return Answer(200, *_rendered(route, target), Outcome.EMPTY, reason)


_JSON = "application/json"


def _is_hint(route: Route) -> bool:
    """Tell whether a request asks Zep to get ready for reads: pointless where there are none."""
    return route.cls is RouteClass.CONTROL and route.path.endswith("/warm")


def _names(reason: ShortCircuit, asked: Resolution) -> bool:
    if reason is ShortCircuit.OFF:
        return asked.effective is Mode.OFF
    return reason.value in [source.value for source in asked.limited_by]


@lru_cache(maxsize=512)
def _rendered(route: Route, target: str) -> tuple[bytes, str]:
    """Return the body and the content type of the route's own empty answer."""
    if isinstance(route.empty, str):
        return route.empty.encode(), "text/plain"
    given = target.partition("?")[0].split("/")[3:]  # behind /api/vN
    parameters = dict(zip(route.path.split("/")[1:], given, strict=False))

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(inner) for name, inner in value.items()}
        if isinstance(value, str) and value.startswith("{"):
            return unquote(parameters.get(value, ""))
        return value

    return json.dumps(fill(route.empty), separators=(",", ":")).encode(), _JSON
