"""Events to Prometheus, in a registry of our own. Every label value exists at 0 from the start."""

import platform
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST as PLAIN
from prometheus_client.exposition import generate_latest as plain
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from sidecar import __version__
from sidecar.selection import OverrideState, State

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series per child that nobody reads


class Metrics:
    """The metrics of one sidecar."""

    def __init__(self, types: Iterable[str]) -> None:
        """Create every child; `types` are the types that the redaction policy can find."""
        self._registry = CollectorRegistry()
        redactions = Counter(
            "memory_zep_redactions",
            "Values replaced before Zep saw them",
            ["field_type"],
            registry=self._registry,
        )
        self._redactions = {t: redactions.labels(t) for t in types}
        identifiers = Counter(
            "zep_sidecar_identifier_emails",
            "E-mail addresses that the worker uses as identifiers and that therefore reach Zep",
            ["place"],
            registry=self._registry,
        )
        self._identifiers = {p: identifiers.labels(p) for p in ("path", "query", "body")}
        self._override = _OverrideMetrics(self._registry)
        Gauge(
            "zep_sidecar_build_info", "Always 1", ["version", "python"], registry=self._registry
        ).labels(__version__, platform.python_version()).set(1)

    def redacted(self, counts: Mapping[str, int]) -> None:
        """Count replacements by type."""
        for type_, count in counts.items():
            self._redactions[type_].inc(count)

    def identifiers(self, place: str, count: int) -> None:
        """Count identifiers that are e-mail addresses, in the path, the query or the body."""
        if count:
            self._identifiers[place].inc(count)

    def override(self, state: OverrideState) -> None:
        """Show the state of the override file."""
        self._override.show(state)

    def families(self) -> Iterable[Metric]:
        """Return every metric with its samples, for the documentation."""
        return self._registry.collect()

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and exposition in the format that `accept` asks for."""
        if "application/openmetrics-text" in accept:
            return OPENMETRICS, openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return PLAIN, plain(self._registry)


class _OverrideMetrics:
    """The override file as this pod sees it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name = "zep_sidecar_override"
        self._successful = Gauge(
            f"{name}_last_reload_successful",
            "1 when the override file, or that there is none, was read well the last time",
            registry=registry,
        )
        self._success_time = Gauge(
            f"{name}_last_reload_success_timestamp_seconds",
            "When the last good override file was taken over",
            registry=registry,
        )
        self._expires = Gauge(
            f"{name}_expires_timestamp_seconds",
            "When the last good override expires or has expired; 0 without an expiry",
            registry=registry,
        )
        self._info = Gauge(
            f"{name}_info",
            "Always 1; hash of the bytes last read, mode of the last good override",
            ["hash", "mode", "state"],
            registry=registry,
        )
        self.show(OverrideState())
        self._successful.set(0)  # nothing has been read yet

    def show(self, state: OverrideState) -> None:
        good, expires = state.override, state.override and state.override.expires_at
        failed = state.state in (State.INVALID, State.UNREADABLE)
        self._successful.set(not failed)
        self._success_time.set(state.last_success.timestamp() if state.last_success else 0)
        self._expires.set(expires.timestamp() if expires else 0)
        self._info.clear()  # one child at a time: the hashes of a year would pile up
        self._info.labels(state.hash, good.mode if good else "inherit", state.state.value).set(1)
