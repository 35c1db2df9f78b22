"""Counts and their exposition."""

from datetime import UTC, datetime

from sidecar.override import Override
from sidecar.runtime.metrics import Metrics
from sidecar.selection import OverrideState, State

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_every_child_exists_at_zero() -> None:
    """Also for custom types."""
    _, body = Metrics(["email", "ticket"]).render("")
    text = body.decode()
    assert 'memory_zep_redactions_total{field_type="email"} 0.0' in text
    assert 'memory_zep_redactions_total{field_type="ticket"} 0.0' in text
    assert "_created" not in text


def test_counting() -> None:
    """By type and place; two sidecars in one process do not share counts."""
    one, other = Metrics(["email"]), Metrics(["email"])
    one.redacted({"email": 2})
    one.identifiers("path", 3)
    one.identifiers("body", 0)
    text = one.render("application/openmetrics-text; version=1.0.0")[1].decode()
    assert 'memory_zep_redactions_total{field_type="email"} 2.0' in text
    assert 'zep_sidecar_identifier_emails_total{place="path"} 3.0' in text
    assert 'memory_zep_redactions_total{field_type="email"} 0.0' in other.render("")[1].decode()


def override_lines(metrics: Metrics) -> dict[str, str]:
    """Return the samples about the override, without their common prefix."""
    lines = metrics.render("")[1].decode().splitlines()
    prefix = "zep_sidecar_override_"
    found = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    return dict(line.rsplit(" ", 1) for line in found)


def test_override_from_the_start() -> None:
    """Every series is there before the file has been read, which has not succeeded yet."""
    assert override_lines(Metrics([])) == {
        "last_reload_successful": "0.0",
        "last_reload_success_timestamp_seconds": "0.0",
        "expires_timestamp_seconds": "0.0",
        'info{hash="none",mode="inherit",state="none"}': "1.0",
    }


def test_override_states() -> None:
    """One info series at a time; an invalid file leaves the time of the last good one."""
    metrics = Metrics([])
    good = Override("write_only", expires_at=NOON)
    metrics.override(OverrideState(State.ACTIVE, good, State.ACTIVE, hash="aa", last_success=NOON))
    lines = override_lines(metrics)
    assert lines["last_reload_successful"] == "1.0"
    assert float(lines["expires_timestamp_seconds"]) == NOON.timestamp()
    assert 'info{hash="aa",mode="write_only",state="active"}' in lines
    metrics.override(OverrideState(State.INVALID, good, State.ACTIVE, hash="bb", last_success=NOON))
    lines = override_lines(metrics)
    assert lines["last_reload_successful"] == "0.0"
    assert float(lines["last_reload_success_timestamp_seconds"]) == NOON.timestamp()
    assert [line for line in lines if line.startswith("info")] == [
        'info{hash="bb",mode="write_only",state="invalid"}'
    ]
