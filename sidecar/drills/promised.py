"""The metrics that dashboards and alerts rely on, and what a scrape lacks of them."""

from sidecar.drills.lab import Scrape

# Every name of the interface, with the label values that it promises; where it promises only the
# label, there must be a value.
PROMISED: dict[str, tuple[str, str] | None] = {
    "memory_mode_gauge": None,
    "memory_zep_downgrades_total": ("reason", "auth consecutive_failures forced"),
    "memory_zep_context_failures_total": ("reason", "timeout http_5xx connect auth"),
    "memory_zep_redactions_total": ("field_type", "email phone address"),
    "zep_read_latency_seconds_count": ("outcome", "live hit collapsed stale empty"),
    "memory_zep_read_requests_total": ("outcome", "live hit collapsed stale empty"),
    "memory_zep_write_requests_total": ("outcome", "live blocked dropped"),
    "memory_zep_write_failures_total": ("reason", "timeout http_5xx connect auth"),
    "memory_zep_write_latency_seconds_count": None,
    "memory_zep_context_requests_total": ("result", "hit miss collapsed stale bypass"),
    "memory_zep_context_cache_hits_total": None,
    "zep_sidecar_short_circuits_total": ("reason", "off forced auth consecutive_failures"),
    "zep_sidecar_probes_total": ("result", "ok fail"),
    "zep_sidecar_mode_limited_by": ("source", "base override forced guard auth invalid_override"),
    "zep_sidecar_override_last_reload_successful": None,
    "zep_sidecar_override_last_reload_success_timestamp_seconds": None,
    "zep_sidecar_override_expires_timestamp_seconds": None,
    "zep_sidecar_override_info": ("state", ""),
    "zep_sidecar_upstream_latency_seconds_count": ("class", "CTX WRITE CTRL"),
    "zep_sidecar_overhead_seconds_count": ("class", "CTX WRITE CTRL"),
    "zep_sidecar_build_info": ("version", ""),
}


def missing(scrape: Scrape) -> list[str]:
    """Return what of the promised metrics and label values is not there."""
    lacking = []
    for name, promise in PROMISED.items():
        label, values = promise or ("", "")
        seen = {dict(labels).get(label, "") for labels in scrape.of(name)}
        lacking += [f"{name}{{{label}={v}}}" for v in values.split() if v not in seen]
        lacking += [] if seen else [name]
    return lacking


def not_zero(scrape: Scrape) -> list[str]:
    """Return the promised counters that have counted something."""
    counters = [name for name in PROMISED if name.endswith(("_total", "_count"))]
    return [name for name in counters if any(scrape.of(name).values())]
