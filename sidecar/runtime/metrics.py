"""Events to Prometheus, in a registry of our own. Every label value exists at 0 from the start."""

import platform
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST as PLAIN
from prometheus_client.exposition import generate_latest as plain
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from sidecar import __version__
from sidecar.core.answers import ShortCircuit
from sidecar.core.cache_status import Result
from sidecar.core.events import PROBE_RESULTS, Event, Forced, ProbeSettled, Tripped
from sidecar.core.machine import Trip
from sidecar.core.modes import Resolution, Source
from sidecar.core.outcomes import Reason
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
        self._guard = _GuardMetrics(self._registry)
        self._cache = _CacheMetrics(self._registry)
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

    def mode(self, resolution: Resolution) -> None:
        """Show the mode and who limits it."""
        self._guard.show(resolution)

    def event(self, event: Event) -> None:
        """Count what the guard did."""
        self._guard.count(event)

    def context_failed(self, reason: Reason) -> None:
        """Count an attempt to read context that brought none."""
        self._guard.failures[reason].inc()

    def short_circuit(self, reason: ShortCircuit) -> None:
        """Count a request that was answered without asking Zep."""
        self._guard.short_circuits[reason].inc()

    def context_request(self, result: Result) -> None:
        """Count a context read, made while reads are allowed, by how it fared with the cache."""
        self._cache.requests[result].inc()
        if result is Result.HIT:
            self._cache.hits.inc()

    def families(self) -> Iterable[Metric]:
        """Return every metric with its samples, for the documentation."""
        return self._registry.collect()

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and exposition in the format that `accept` asks for."""
        if "application/openmetrics-text" in accept:
            return OPENMETRICS, openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return PLAIN, plain(self._registry)


class _GuardMetrics:
    """The mode, and what the guard does about it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._mode = Gauge(
            "memory_mode_gauge", "0 off, 1 write_only, 2 read_write", registry=registry
        )
        self._limited_by = _children(
            Gauge(
                "zep_sidecar_mode_limited_by",
                "1 for each source that alone would keep the mode as low as it is",
                ["source"],
                registry=registry,
            ),
            Source,
        )
        self._downgrades = _children(
            Counter(
                "memory_zep_downgrades",
                "Downgrades: closed to open, or forced",
                ["reason"],
                registry=registry,
            ),
            Trip,
        )
        probes = Counter(
            "zep_sidecar_probes", "Probes by how they ended", ["result"], registry=registry
        )
        self._probes = {result: probes.labels(result) for result in PROBE_RESULTS}
        self.failures = _children(
            Counter(
                "memory_zep_context_failures",
                "Attempts to read context that brought none",
                ["reason"],
                registry=registry,
            ),
            Reason,
        )
        self.short_circuits = _children(
            Counter(
                "zep_sidecar_short_circuits",
                "Requests answered without asking Zep",
                ["reason"],
                registry=registry,
            ),
            ShortCircuit,
        )

    def show(self, resolution: Resolution) -> None:
        self._mode.set(resolution.effective)
        for source, child in self._limited_by.items():
            child.set(source in resolution.limited_by)

    def count(self, event: Event) -> None:
        match event:
            case Tripped(_, reason):
                self._downgrades[reason].inc()
            case Forced():
                self._downgrades[Trip.FORCED].inc()
            case ProbeSettled(_, result):
                self._probes[result].inc()


class _CacheMetrics:
    """How context reads fared with the cache."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = _children(
            Counter(
                "memory_zep_context_requests",
                "Context reads while reads are allowed, by how they fared with the cache",
                ["result"],
                registry=registry,
            ),
            Result,
        )
        self.hits = Counter(
            "memory_zep_context_cache_hits",
            "Context reads that got a fresh answer from the cache",
            registry=registry,
        )


M = TypeVar("M", Counter, Gauge)
E = TypeVar("E", bound=Enum)


def _children(metric: M, values: type[E]) -> dict[E, M]:
    """Return a child, at 0, for each value of the metric's one label."""
    return {value: metric.labels(value.value) for value in values}


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
