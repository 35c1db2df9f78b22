"""Verdicts: what one attempt to reach Zep says about Zep, about the credential, or about neither.

A verdict is made before anything is counted; the guard, the answer to the worker and the metrics
all start from the same one.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import Enum
from typing import Any

from sidecar.core.errors import Failure
from sidecar.core.routes import RouteClass
from sidecar.core.words import Word


class Kind(Word):
    """The sorts of verdict. The values are metric label values."""

    OK = "ok"  # the host answered, whatever it said
    FAIL = "fail"  # the host did not answer, or not as it should
    AUTH = "auth"  # it refused the credential
    RATE = "rate"  # it asked for patience
    NEUTRAL = "neutral"  # it says nothing about the host


class Reason(Enum):
    """Why an attempt was not OK. The values are metric label values."""

    # of FAIL
    TIMEOUT = "timeout"
    HTTP_5XX = "http_5xx"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    RESET = "reset"
    BAD_BODY = "bad_body"
    BAD_RESPONSE = "bad_response"
    EGRESS_PROXY = "egress_proxy"
    # of AUTH and RATE
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    # of a write, to which Zep said no: OK as a verdict, but not for whoever counts writes
    HTTP_4XX = "http_4xx"
    # of NEUTRAL
    CLIENT_CLOSED = "client_closed"  # 499
    STALE_CONN = "stale_conn"  # a pooled connection that the peer had given up
    LOCAL_POOL = "local_pool"  # it waited here for a connection
    LOCAL_STALL = "local_stall"  # this process got no time to look at the answer
    LOCAL = "local"  # anything else of our own, or of the worker


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one attempt says."""

    kind: Kind
    reason: Reason | None = None
    status: int = 0
    """The refusing status, 401 or 403; only of AUTH."""
    retry_after: float | None = None
    """Seconds that the host asks to be left alone, unbounded; only of RATE and of a 503."""
    reset: bool = False
    """The connection broke: all that was under way on it fails, and that is one fact."""


OK = Verdict(Kind.OK)
"""The only one of its kind."""


def fail(reason: Reason, retry_after: float | None = None, *, reset: bool = False) -> Verdict:
    """Return the verdict that the host failed."""
    return Verdict(Kind.FAIL, reason, retry_after=retry_after, reset=reset)


def neutral(reason: Reason = Reason.LOCAL) -> Verdict:
    """Return the verdict that says nothing."""
    return _NEUTRAL[reason]


_NEUTRAL = {reason: Verdict(Kind.NEUTRAL, reason) for reason in Reason}


# Elsewhere a 403 is about the thing asked for, not about the key: it may be an administrative
# call that this key was never meant to make.
_MEMORY = frozenset({RouteClass.CONTEXT, RouteClass.WRITE, RouteClass.HYBRID})


def of_status(cls: RouteClass, status: int, retry_after: float | None = None) -> Verdict:
    """Judge an answer by its status. A 2xx to a context read is OK only if its body is, too."""
    if status == 408:
        return fail(Reason.TIMEOUT)
    if 500 <= status <= 599:
        return fail(Reason.HTTP_5XX, retry_after if status == 503 else None)
    if status == 429:
        return Verdict(Kind.RATE, Reason.RATE_LIMITED, retry_after=retry_after)
    if status == 499:
        return neutral(Reason.CLIENT_CLOSED)
    if (status == 401 and cls is not RouteClass.UNKNOWN) or (status == 403 and cls in _MEMORY):
        return Verdict(Kind.AUTH, Reason.AUTH, status)
    return OK


def of_failure(
    failure: Failure, *, headed: bool = False, stale: bool = False, stalled: bool = False
) -> Verdict:
    """Judge an attempt that brought no answer, or (`headed`) a head and not all of the body.

    `stale`: a reused connection ended before the first byte of an answer, and the request was not
    sent again. `stalled`: see `stalled()`.
    """
    if failure is Failure.LOCAL:
        return neutral(Reason.LOCAL_POOL)
    if failure is Failure.RESET and stale:
        return neutral(Reason.STALE_CONN)
    if failure is Failure.TIMEOUT and stalled:
        return neutral(Reason.LOCAL_STALL)
    reset = failure is Failure.RESET
    if headed and (reset or failure is Failure.BAD_RESPONSE):
        return fail(Reason.BAD_BODY, reset=reset)
    return fail(Reason(failure.value), reset=reset)


def write_failure(verdict: Verdict, status: int | None) -> Reason | None:
    """Return why a write was not taken, or None; `status` is None where no answer came."""
    if verdict.reason is None and status is not None and 400 <= status <= 499:
        return Reason.HTTP_4XX
    return verdict.reason


def stalled(lag: float, waited: float) -> bool:
    """Tell whether a timeout is our own doing.

    `lag`: seconds by which the event loop was late while `waited` seconds passed. A throttled
    container must not look like an outage.
    """
    return lag >= waited / 2


def of_body(body: bytes, empty: Any, is_json: Callable[[bytes], bool]) -> Verdict:
    """Judge the complete, decoded body of a 2xx to a context read.

    `empty`: the route's own empty answer; the body must be JSON of the same type. `is_json` is
    asked only for what looks like it.
    """
    opening = _OPENING[type(empty)]
    begins = body[:1] == opening or body.lstrip()[:1] == opening
    return OK if begins and is_json(body) else fail(Reason.BAD_BODY)


_OPENING: dict[type[Any], bytes] = {dict: b"{", list: b"[", str: b'"'}


def retry_after(values: Iterable[bytes], wall: float) -> float | None:
    """Return the seconds that a Retry-After field asks for, or None where it says nothing.

    Both forms of RFC 9110 10.2.3 are read; `wall` is the present instant, in seconds since 1970.
    The result is not bounded above.
    """
    for value in values:
        text = value.decode("latin-1").strip()
        if re.fullmatch(r"\d{1,18}", text, re.ASCII):
            return float(text)
        # A date without a zone would be read as local time; GMT is the only one allowed.
        if text.endswith("GMT") and (instant := parsedate_tz(text)):
            try:
                return max(mktime_tz(instant) - wall, 0.0)
            except (ValueError, OverflowError):
                continue
    return None


def rate_reset(values: Iterable[bytes], wall: float) -> float | None:
    """Return the seconds until the instant, in seconds since 1970, of an X-RateLimit-Reset field.

    None where it holds none. The SDKs read it so, too.
    """
    for value in values:
        text = value.decode("latin-1").strip()
        if re.fullmatch(r"\d{1,18}", text, re.ASCII):
            return max(float(text) - wall, 0.0)
    return None
