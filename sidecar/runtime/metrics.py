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

    def families(self) -> Iterable[Metric]:
        """Return every metric with its samples, for the documentation."""
        return self._registry.collect()

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and exposition in the format that `accept` asks for."""
        if "application/openmetrics-text" in accept:
            return OPENMETRICS, openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return PLAIN, plain(self._registry)
