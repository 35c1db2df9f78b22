"""The sidecar's own answers."""

import json

import pytest

from sidecar.core import errors
from sidecar.core.errors import Failure, Refusal, no_prefix

CONSTANTS = [value for value in vars(errors).values() if isinstance(value, Refusal)]


@pytest.mark.parametrize("refusal", [*CONSTANTS, no_prefix({"sdk": "url"})], ids=lambda r: r.code)
def test_both_sdk_shapes(refusal: Refusal) -> None:
    """`message` for 1.x to 3.x, `error.code` and `error.message` for 4.x."""
    body = json.loads(refusal.body())
    assert body == {
        "message": refusal.message,
        "error": {"code": refusal.code, "message": refusal.message},
    }


@pytest.mark.parametrize("failure", Failure)
def test_failures(failure: Failure) -> None:
    """A timeout is a 504, every other failure a 502."""
    refusal = failure.refusal()
    assert refusal.status == (504 if failure is Failure.TIMEOUT else 502)
    assert refusal.code == f"upstream_{failure.value}"
    assert refusal.message
