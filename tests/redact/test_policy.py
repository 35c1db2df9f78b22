"""Policies that redact alike."""

import pytest

from sidecar.redact.policy import CustomRule, Policy


def test_a_fingerprint_does_not_depend_on_order_or_process() -> None:
    """It is part of keys that sidecars share."""
    one = Policy(frozenset({"email", "phone"}), placeholders={"email": "a", "phone": "b"})
    other = Policy(frozenset({"phone", "email"}), placeholders={"phone": "b", "email": "a"})
    assert one.fingerprint == other.fingerprint
    assert Policy().fingerprint == "02b60a8983b8040f"


@pytest.mark.parametrize(
    "other",
    [
        Policy(frozenset({"email"})),
        Policy(regions=("TR",)),
        Policy(custom=(CustomRule("a", "b", "c"),)),
        Policy(placeholders={"email": "x"}),
    ],
)
def test_whatever_is_redacted_otherwise_shows(other: Policy) -> None:
    """Types, regions, own rules, placeholders."""
    assert other.fingerprint != Policy().fingerprint
