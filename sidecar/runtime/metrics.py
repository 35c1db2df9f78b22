"""Events to Prometheus. Every label value exists at 0 from the start."""

import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sidecar import __version__
from sidecar.core.answers import Outcome, ShortCircuit
from sidecar.core.cache_status import Result
from sidecar.core.errors import REFUSALS
from sidecar.core.events import PROBE_RESULTS, Event, Forced, ProbeSettled, Tripped
from sidecar.core.machine import Trip
from sidecar.core.modes import Resolution, Source
from sidecar.core.outcomes import Reason
from sidecar.core.routes import WRITES, RouteClass
from sidecar.core.served import Served
from sidecar.runtime.process import process
from sidecar.runtime.series import Book, Counter, Histogram, Looked, Samples, by
from sidecar.selection import OverrideState, State

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PLAIN = "text/plain; version=1.0.0; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# The edges of the buckets are the lines that operators draw: a hit under 10 ms, p95 under 250 ms,
# an alert at 500 ms, `timeouts.read` at 2 s, `timeouts.write` at 10 s.
_READ = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.35, 0.5, 0.75, 1, 2, 5)
_WRITE = (0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.5, 1, 2.5, 5, 10)
_UPSTREAM = (0.005, 0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.35, 0.5, 0.75, 1, 2, 5, 10)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class Watched(Enum):
    """What is not counted but looked at when somebody asks: type, name, meaning."""

    IN_FLIGHT = "gauge", "zep_sidecar_requests_in_flight", "Requests that are being served"
    HOLD = (
        "gauge",
        "zep_sidecar_hold_remaining_seconds",
        "Seconds until the guard allows the next probe of Zep; 0 where it is closed, or due",
    )
    CREDENTIALS_HELD = (
        "gauge",
        "zep_sidecar_credentials_held",
        "Credentials that Zep has refused, so that their reads are answered here",
    )
    WRITES_HEALTHY = (
        "gauge",
        "zep_sidecar_writes_healthy",
        "0 while one write after the other fails; they get less time then",
    )
    LOOP_LAG = (
        "counter",
        "zep_sidecar_loop_lag_seconds",
        "By how much the event loop was late: a throttled container, or a fault of ours",
    )
    CACHE_ENTRIES = "gauge", "zep_sidecar_cache_entries", "Answers in the memory of the cache"
    CACHE_BYTES = "gauge", "zep_sidecar_cache_bytes", "Their size"
    SHARED_TIER_SKIPPED = (
        "gauge",
        "zep_sidecar_shared_tier_skipped",
        "1 while the shared tier of the cache, if there is one, is left alone after errors",
    )


class Metrics:
    """The metrics of one sidecar."""

    def __init__(self, types: Iterable[str]) -> None:
        """Create every child; `types` are the types that the redaction policy can find."""
        self._book = book = Book()
        self._redactions = book.counters(
            "memory_zep_redactions", "Values replaced before Zep saw them", by("field_type", types)
        )
        self._identifiers = book.counters(
            "zep_sidecar_identifier_emails",
            "E-mail addresses that the worker uses as identifiers and that therefore reach Zep",
            by("place", ("path", "query", "body")),
        )
        self._guard = _GuardMetrics(book)
        self._cache = _CacheMetrics(book)
        self._traffic = _Traffic(book)
        self._override = _OverrideMetrics(book)
        self._state_file_errors = book.counters(
            "zep_sidecar_state_file_errors",
            "Times that guard.state_file could not be written or was not sound",
            {"": {}},
        )[""]
        self._looks: dict[Watched, Callable[[], float]] = dict.fromkeys(Watched, float)
        for what in Watched:
            kind, name, doc = what.value
            book.add(Looked(name, doc, kind, partial(self._look, what)))
        build = book.gauge("zep_sidecar_build_info", "Always 1")
        build.value, build.labels = 1.0, {"version": __version__, "python": sys.version.split()[0]}
        for metric in process():
            book.add(metric)

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

    def context_failed(self, reason: Reason, trace: str = "") -> None:
        """Count an attempt to read context that brought none."""
        self._guard.failures[reason].inc(1, trace)

    def write_failed(self, reason: Reason, trace: str = "") -> None:
        """Count a write that Zep was sent and did not take."""
        self._traffic.write_failures[reason].inc(1, trace)

    def upstream(self, cls: RouteClass, seconds: float, trace: str = "") -> None:
        """Count an attempt to reach Zep."""
        self._traffic.upstream[cls].observe(seconds, trace)

    def served(self, served: Served) -> None:
        """Count a request that is over."""
        self._traffic.count(served)

    def refused(self, code: str) -> None:
        """Count a request that was answered with an error of our own, and not forwarded."""
        self._traffic.refusals[code].inc()

    def watch(self, what: Watched, look: Callable[[], float]) -> None:
        """Show what `look` returns whenever somebody asks."""
        self._looks[what] = look

    def _look(self, what: Watched) -> Samples:
        return [({}, self._looks[what]())]

    def state_file_failed(self) -> None:
        """Count an error of the state file."""
        self._state_file_errors.inc()

    def short_circuit(self, reason: ShortCircuit) -> None:
        """Count a request that was answered without asking Zep."""
        self._guard.short_circuits[reason].inc()

    def context_request(self, result: Result) -> None:
        """Count a context read, made while reads are allowed, by how it fared with the cache."""
        self._cache.requests[result].inc()
        if result is Result.HIT:
            self._cache.hits.inc()

    def families(self) -> "Iterable[Metric]":
        """Return every metric with its samples, for the documentation."""
        from prometheus_client.openmetrics.parser import text_string_to_metric_families

        text = self.render(OPENMETRICS)[1].decode()
        return text_string_to_metric_families(text)  # type: ignore[no-untyped-call,no-any-return]

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and exposition in the format that `accept` asks for."""
        if "application/openmetrics-text" in accept:
            return OPENMETRICS, self._book.text(openmetrics=True).encode() + b"# EOF\n"
        return PLAIN, self._book.text(openmetrics=False).encode()


_OF_READS: list[Reason] = [reason for reason in Reason if reason is not Reason.HTTP_4XX]


class _GuardMetrics:
    """The mode, and what the guard does about it."""

    def __init__(self, book: Book) -> None:
        self._mode = book.gauge("memory_mode_gauge", "0 off, 1 write_only, 2 read_write")
        self._limited_by: frozenset[Source] = frozenset()
        book.add(
            Looked(
                "zep_sidecar_mode_limited_by",
                "1 for each source that alone would keep the mode as low as it is",
                "gauge",
                lambda: (({"source": s.value}, s in self._limited_by) for s in Source),
            )
        )
        self._downgrades = book.counters(
            "memory_zep_downgrades", "Downgrades: closed to open, or forced", by("reason", Trip)
        )
        self._probes = book.counters(
            "zep_sidecar_probes", "Probes by how they ended", by("result", PROBE_RESULTS)
        )
        self.failures = book.counters(
            "memory_zep_context_failures",
            "Attempts to read context that brought none",
            by("reason", _OF_READS),
        )
        self.short_circuits = book.counters(
            "zep_sidecar_short_circuits",
            "Requests answered without asking Zep",
            by("reason", ShortCircuit),
        )

    def show(self, resolution: Resolution) -> None:
        self._mode.value = resolution.effective
        self._limited_by = frozenset(resolution.limited_by)

    def count(self, event: Event) -> None:
        match event:
            case Tripped(_, reason):
                self._downgrades[reason].inc()
            case Forced():
                self._downgrades[Trip.FORCED].inc()
            case ProbeSettled(_, result):
                self._probes[result].inc()


class _OfClass(NamedTuple):
    """What a request of one class moves."""

    answers: list[Counter]
    """By the first digit of the status; what is odd counts as its neighbour."""
    overhead: Histogram
    outcomes: Mapping[Outcome, tuple[Counter, Histogram | None]]


class _Traffic:
    """Requests of the worker, and attempts to reach Zep."""

    def __init__(self, book: Book) -> None:
        answers = book.counters(
            "zep_sidecar_requests",
            "Requests of the worker by what they are for and by the status of their answer",
            {
                (cls, hundred): {"class": cls.value, "code": f"{hundred}xx"}
                for cls in RouteClass
                for hundred in _HUNDREDS
            },
        )
        reads = book.counters(
            "memory_zep_read_requests",
            "Context reads by what the worker got",
            by("outcome", Outcome),
        )
        read_latency = book.histograms(
            "zep_read_latency_seconds",
            "Context reads as the worker sees them, hits and empty answers included",
            by("outcome", Outcome),
            _READ,
        )
        writes = book.counters(
            "memory_zep_write_requests",
            "Requests that change memory (WRITE, HYBRID, ERASE) by what the worker got",
            by("outcome", Outcome),
        )
        self.write_failures = book.counters(
            "memory_zep_write_failures",
            "Writes that were sent to Zep and that Zep did not take, or not in time",
            by("reason", Reason),
        )
        write_latency = book.histograms(
            "memory_zep_write_latency_seconds",
            "Writes that were sent to Zep, as the worker sees them",
            {"": {}},
            _WRITE,
        )[""]
        self.upstream = book.histograms(
            "zep_sidecar_upstream_latency_seconds",
            "Attempts to reach Zep: a context read to the end of its answer, others to its head",
            by("class", RouteClass),
            _UPSTREAM,
        )
        overhead = book.histograms(
            "zep_sidecar_overhead_seconds",
            "What the sidecar adds to a request: all but waiting for Zep, or for the worker",
            by("class", RouteClass),
            _OVERHEAD,
        )
        self.refusals = book.counters(
            "zep_sidecar_refused",
            "Requests that were not forwarded but got an error of the sidecar's own",
            by("reason", REFUSALS),
        )

        # One look-up for the class and one for the outcome: each request does this.
        of_reads = {o: (reads[o], read_latency[o]) for o in Outcome}
        of_writes = {o: (writes[o], write_latency if o is Outcome.LIVE else None) for o in Outcome}
        self._classes = {
            cls: _OfClass(
                [answers[cls, min(max(n, _HUNDREDS[0]), _HUNDREDS[-1])] for n in range(10)],
                overhead[cls],
                of_reads if cls is RouteClass.CONTEXT else of_writes if cls in WRITES else {},
            )
            for cls in RouteClass
        }

    def count(self, served: Served) -> None:
        of_class = self._classes[served.cls]
        of_class.answers[served.status // 100].inc()
        of_class.overhead.observe(served.seconds - served.waited, served.trace)
        if found := of_class.outcomes.get(served.outcome):
            requests, latency = found
            requests.inc()
            if latency:
                latency.observe(served.seconds, served.trace)


_HUNDREDS = (2, 3, 4, 5)


class _CacheMetrics:
    """How context reads fared with the cache."""

    def __init__(self, book: Book) -> None:
        self.requests = book.counters(
            "memory_zep_context_requests",
            "Context reads while reads are allowed, by how they fared with the cache",
            by("result", Result),
        )
        self.hits = book.counters(
            "memory_zep_context_cache_hits",
            "Context reads that got a fresh answer from the cache",
            {"": {}},
        )[""]


class _OverrideMetrics:
    """The override file as this pod sees it."""

    def __init__(self, book: Book) -> None:
        name = "zep_sidecar_override"
        self._successful = book.gauge(
            f"{name}_last_reload_successful",
            "1 when the override file, or that there is none, was read well the last time",
        )
        self._success_time = book.gauge(
            f"{name}_last_reload_success_timestamp_seconds",
            "When the last good override file was taken over",
        )
        self._expires = book.gauge(
            f"{name}_expires_timestamp_seconds",
            "When the last good override expires or has expired; 0 without an expiry",
        )
        self._info = book.gauge(
            f"{name}_info",
            "Always 1; hash of the bytes last read, mode of the last good override",
        )
        self._reloads = book.counters(
            f"{name}_reloads",
            "Changes of the override file that were taken over, or that could not be",
            by("result", ("success", "failure")),
        )
        self._last = OverrideState()
        self.show(self._last)
        self._successful.value = 0.0  # nothing has been read yet

    def show(self, state: OverrideState) -> None:
        good, expires = state.override, state.override and state.override.expires_at
        failed = state.state in (State.INVALID, State.UNREADABLE)
        last, self._last = self._last, state
        if failed and (state.state, state.hash) != (last.state, last.hash):
            self._reloads["failure"].inc()
        if last.last_success and state.last_success != last.last_success:
            self._reloads["success"].inc()
        self._successful.value = float(not failed)
        self._success_time.value = state.last_success.timestamp() if state.last_success else 0.0
        self._expires.value = expires.timestamp() if expires else 0.0
        mode = good.mode if good else "inherit"
        # One series at a time: the hashes of a year would pile up.
        self._info.labels = {"hash": state.hash, "mode": mode, "state": state.state.value}
        self._info.value = 1.0
