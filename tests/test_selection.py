"""Which pods, and until when."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.override import Override, parse
from sidecar.selection import (
    OverrideState,
    Pod,
    State,
    parse_labels,
    selected,
    share,
    standing,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POD = Pod("worker-0", {"track": "canary", "tier": ""})
PODS = [Pod(f"worker-{n}", {}) for n in range(2000)]


def test_no_override() -> None:
    """Nothing is asked for."""
    assert standing(None, POD, NOON) is State.NONE
    assert OverrideState().mode is None


def test_share_does_not_change() -> None:
    """From release to release, or a rollout of the sidecar would draw other pods."""
    assert share("", "worker-0") == pytest.approx(36.5007, abs=1e-4)
    assert share("canary-1", "worker-0") == pytest.approx(42.2692, abs=1e-4)
    assert 0 <= share("", "\udcff") < 100  # a variable that is not UTF-8


@given(st.text(), st.text(), st.floats(0, 100), st.floats(0, 100))
def test_raising_percent_only_adds(salt: str, name: str, one: float, other: float) -> None:
    """Whoever is in at the lower share is in at the higher."""
    low, high = sorted((one, other))
    pod = Pod(name.encode("utf-8", "replace").decode(), {})
    salt = salt.encode("utf-8", "replace").decode()
    if selected(Override("off", percent=low, salt=salt), pod):
        assert selected(Override("off", percent=high, salt=salt), pod)


def test_percent() -> None:
    """None at 0, all at 100, about the share between; another salt draws others."""

    def drawn(percent: float, salt: str = "") -> set[str]:
        override = Override("off", percent=percent, salt=salt)
        return {pod.name for pod in PODS if selected(override, pod)}

    assert drawn(0) == set()
    assert len(drawn(100)) == len(PODS)
    assert 150 < len(drawn(10)) < 250
    assert drawn(0.1) < drawn(1) < drawn(10)
    assert drawn(10) != drawn(10, "again")


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        ("track=canary", True),
        ("track=canary,tier=", True),
        ("track=stable", False),
        ("track=canary,zone=a", False),
        ("zone=", False),
    ],
)
def test_match(match: str, meant: bool) -> None:
    """All labels must be there; an empty value is a value."""
    override = parse(f"mode: off\nmatch: {match}".encode())
    assert override
    assert selected(override, POD) is meant


def test_match_and_percent() -> None:
    """Both must hold."""
    assert not selected(Override("off", percent=0, match=("track=canary",)), POD)


def test_expiry() -> None:
    """Over at that very instant, whatever the zone it is written in."""
    override = Override("off", expires_at=NOON.astimezone(timezone(timedelta(hours=3))))
    assert standing(override, POD, NOON - timedelta(microseconds=1)) is State.ACTIVE
    assert standing(override, POD, NOON) is State.EXPIRED


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_expiry_at_the_ends_of_time(text: str) -> None:
    """Instants that no clock shows can be compared all the same."""
    override = parse(f"mode: off\nexpires_at: {text}".encode())
    assert standing(override, POD, NOON) in (State.ACTIVE, State.EXPIRED)


def test_not_selected_goes_before_expired() -> None:
    """An override for others never was this pod's."""
    override = Override("off", percent=0, expires_at=NOON)
    assert standing(override, POD, NOON) is State.NOT_SELECTED


@pytest.mark.parametrize("state", [State.ACTIVE, State.INVALID, State.UNREADABLE])
def test_mode_follows_the_last_good(state: State) -> None:
    """Whatever is on disk by now."""
    good = Override("off")
    assert OverrideState(state, good, State.ACTIVE, last_success=NOON).mode == "off"
    assert OverrideState(state, good, State.EXPIRED, last_success=NOON).mode is None


def test_unknown() -> None:
    """Only while nothing was ever read: that there is no override is a good answer too."""
    assert OverrideState(State.INVALID).unknown
    assert OverrideState(State.UNREADABLE).unknown
    assert not OverrideState(State.INVALID, last_success=NOON).unknown
    assert not OverrideState().unknown


def test_labels() -> None:
    """As the kubelet writes them: sorted, quoted, no newline at the end."""
    data = b'app.kubernetes.io/name="worker"\nempty=""\ntrack="canary"'
    assert parse_labels(data) == {
        "app.kubernetes.io/name": "worker",
        "empty": "",
        "track": "canary",
    }


@pytest.mark.parametrize(
    "line", [b"", b"a", b"a=b", b'a="b', b'a="b" c', b'a="\\x"', b'="b"', b'a="b\\"', b"\xff"]
)
def test_odd_lines_are_passed_over(line: bytes) -> None:
    """The labels beside them count."""
    assert parse_labels(line + b'\ntrack="canary"\n') == {"track": "canary"}


@given(st.binary(max_size=100))
def test_any_bytes_are_labels_or_none(data: bytes) -> None:
    """Nothing is raised."""
    parse_labels(data + b'"\na="' + data + b'"')
