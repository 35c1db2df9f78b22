"""Counts and their exposition."""

from sidecar.runtime.metrics import Metrics


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
