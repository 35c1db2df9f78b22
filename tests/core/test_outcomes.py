"""Verdicts."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import Failure
from sidecar.core.outcomes import (
    OK,
    Kind,
    Reason,
    Verdict,
    fail,
    neutral,
    of_body,
    of_failure,
    of_status,
    rate_reset,
    retry_after,
    stalled,
)
from sidecar.core.routes import RouteClass
from sidecar.redact import is_json

NOW = 1_800_000_000.0
MEMORY = {RouteClass.CONTEXT, RouteClass.WRITE, RouteClass.HYBRID}


@pytest.mark.parametrize("cls", RouteClass)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, OK),
        (204, OK),
        (304, OK),
        (400, OK),
        (404, OK),
        (409, OK),
        (422, OK),
        (600, OK),
        (408, fail(Reason.TIMEOUT)),
        (429, Verdict(Kind.RATE, Reason.RATE_LIMITED, retry_after=9.0)),
        (499, neutral(Reason.CLIENT_CLOSED)),
        (500, fail(Reason.HTTP_5XX)),
        (503, fail(Reason.HTTP_5XX, 9.0)),
        (599, fail(Reason.HTTP_5XX)),
    ],
)
def test_of_status(cls: RouteClass, status: int, verdict: Verdict) -> None:
    """Whatever the class: the host answered, failed, or asked for patience."""
    assert of_status(cls, status, 9.0) == verdict


@pytest.mark.parametrize("cls", RouteClass)
def test_case_37_a_refusal_is_about_the_credential_where_it_can_be(cls: RouteClass) -> None:
    """A 401 on every known route; a 403 only where memory is read or written."""
    known = cls is not RouteClass.UNKNOWN
    assert of_status(cls, 401) == (Verdict(Kind.AUTH, Reason.AUTH, 401) if known else OK)
    assert of_status(cls, 403) == (Verdict(Kind.AUTH, Reason.AUTH, 403) if cls in MEMORY else OK)


@pytest.mark.parametrize("failure", Failure)
def test_of_failure(failure: Failure) -> None:
    """Each way not to answer is a failure under the same name."""
    assert of_failure(failure) == fail(Reason(failure.value))


def test_an_answer_that_is_cut_has_a_bad_body() -> None:
    """A timeout stays a timeout."""
    assert of_failure(Failure.RESET, headed=True) == fail(Reason.BAD_BODY)
    assert of_failure(Failure.BAD_RESPONSE, headed=True) == fail(Reason.BAD_BODY)
    assert of_failure(Failure.TIMEOUT, headed=True) == fail(Reason.TIMEOUT)


def test_what_is_our_own_doing_is_neutral() -> None:
    """A pooled connection that died of age; a loop that was late by half of the wait or more."""
    assert of_failure(Failure.RESET, stale=True) == neutral(Reason.STALE_CONN)
    assert of_failure(Failure.CONNECT, stale=True) == fail(Reason.CONNECT)
    assert of_failure(Failure.TIMEOUT, stalled=stalled(1.0, 2.0)) == neutral(Reason.LOCAL_STALL)
    assert of_failure(Failure.TIMEOUT, stalled=stalled(0.99, 2.0)) == fail(Reason.TIMEOUT)
    assert of_failure(Failure.DNS, stalled=True) == fail(Reason.DNS)
    assert neutral() == Verdict(Kind.NEUTRAL, Reason.LOCAL)


@pytest.mark.parametrize(
    ("body", "empty", "good"),
    [
        (b'{"context": ""}', {"context": ""}, True),
        (b" {} ", {"context": ""}, True),
        (b"[]", [], True),
        (b"[1]", {}, False),
        (b"{}", [], False),
        (b"null", {}, False),
        (b'"x"', {}, False),
        (b"", {}, False),
        (b"<html>", {}, False),
        (b'{"a": 1', {}, False),
        (b'{"a": "\xff"}', {}, False),
        (b"[" * 100_000, [], False),
    ],
)
def test_of_body(body: bytes, empty: object, good: bool) -> None:
    """JSON of the type that the SDKs expect."""
    assert of_body(body, empty, is_json) == (OK if good else fail(Reason.BAD_BODY))


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        ([b"30"], 30.0),
        ([b" 0 "], 0.0),
        ([b"x", b"7"], 7.0),
        ([formatdate(NOW + 90, usegmt=True).encode()], 90.0),
        ([formatdate(NOW - 90, usegmt=True).encode()], 0.0),
        ([b"Sunday, 06-Nov-94 08:49:37 GMT"], 0.0),
        ([b"Sun, 06 Nov 1994 08:49:37"], None),
        ([b"Sun, 99 Foo 1994 08:49:37 GMT"], None),
        ([b"-5"], None),
        ([b"1.5"], None),
        (["٣".encode()], None),
        ([b"9" * 40], None),
        ([b"inf"], None),
        ([b""], None),
    ],
)
def test_retry_after(values: list[bytes], seconds: float | None) -> None:
    """Seconds or a date; anything else says nothing."""
    assert retry_after(values, NOW) == seconds


@given(st.binary(max_size=40).map(lambda junk: junk + b" GMT") | st.binary(max_size=40))
def test_retry_after_never_raises(junk: bytes) -> None:
    """Whatever the peer sends."""
    assert (retry_after([junk], NOW) or 0.0) >= 0.0
    assert (rate_reset([junk], NOW) or 0.0) >= 0.0


@pytest.mark.parametrize(
    ("values", "seconds"),
    [([b"1800000045"], 45.0), ([b"17"], 0.0), ([b"soon"], None), ([], None)],
)
def test_rate_reset(values: list[bytes], seconds: float | None) -> None:
    """An instant."""
    assert rate_reset(values, NOW) == seconds
