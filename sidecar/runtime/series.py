"""Counters, histograms and gauges: plain numbers, made into text when scraped.

Those of prometheus_client take a lock and check their arguments at every step, and build an object
for every line of a scrape. Only the event loop touches these, so they need none of that: a fifth
of the time for each request, and for each scrape less than a tenth, in which no request is served.
Nor need that library be loaded, and an HTTP server with it.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import accumulate, chain
from typing import NamedTuple, Protocol, TypeVar

from sidecar.runtime import clock

Labels = dict[str, str]
K = TypeVar("K", bound=Hashable)


class _Exemplar(NamedTuple):
    trace: str
    value: float
    at: float

    def __str__(self) -> str:
        return f' # {{trace_id="{self.trace}"}} {self.value} {self.at:.3f}'


class Counter:
    """One series that only grows."""

    __slots__ = ("exemplar", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.exemplar: _Exemplar | None = None

    def inc(self, by: float = 1.0, trace: str = "") -> None:
        """Count; the id of a trace, if given, is the last one that did."""
        self.value += by
        if trace:
            self.exemplar = _Exemplar(trace, by, clock.wall().timestamp())


class Histogram:
    """One distribution."""

    __slots__ = ("_bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: list[_Exemplar | None] = [None] * len(self.counts)

    def observe(self, value: float, trace: str = "") -> None:
        """Take one value; the id of a trace, if given, stands for its bucket."""
        at = bisect_left(self._bounds, value)
        self.counts[at] += 1
        self.sum += value
        if trace:
            self.exemplars[at] = _Exemplar(trace, value, clock.wall().timestamp())


class Counters:
    """A metric of counters, one for each set of labels, each of which exists from the start."""

    def __init__(self, name: str, doc: str, labels: Iterable[Labels]) -> None:
        self._name, self._doc = name, doc
        self._children = [(f"{name}_total{_shown(found)} ", Counter()) for found in labels]

    @property
    def children(self) -> Iterator[Counter]:
        """Return the series, in the order of their labels."""
        return (child for _, child in self._children)

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        """Yield the metric in one of the two formats; exemplars exist in OpenMetrics only."""
        yield _head(self._name if openmetrics else f"{self._name}_total", self._doc, "counter")
        for start, child in self._children:
            exemplar = child.exemplar if child.exemplar and openmetrics else ""
            yield f"{start}{child.value}{exemplar}\n"


class Histograms:
    """A metric of histograms, one for each set of labels; every one exists from the start."""

    def __init__(
        self, name: str, doc: str, labels: Iterable[Labels], bounds: Sequence[float]
    ) -> None:
        self._name, self._doc = name, doc
        edges = [*(str(float(bound)) for bound in bounds), "+Inf"]
        self._children = [
            (
                [f"{name}_bucket{_shown({**found, 'le': edge})} " for edge in edges],
                f"{name}_count{_shown(found)} ",
                f"{name}_sum{_shown(found)} ",
                Histogram(bounds),
            )
            for found in labels
        ]

    @property
    def children(self) -> Iterator[Histogram]:
        """Return the distributions, in the order of their labels."""
        return (child for *_, child in self._children)

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        """Yield the metric in one of the two formats; exemplars exist in OpenMetrics only."""
        yield _head(self._name, self._doc, "histogram")
        for buckets, count, total, child in self._children:
            sums = accumulate(child.counts)
            for start, so_far, seen in zip(buckets, sums, child.exemplars, strict=True):
                exemplar = seen if seen and openmetrics else ""
                yield f"{start}{so_far}.0{exemplar}\n"
            yield f"{count}{sum(child.counts)}.0\n{total}{child.sum}\n"


class Gauge:
    """One series with the present value of something, or with labels that say what is."""

    __slots__ = ("labels", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.labels: Labels = {}


Samples = Iterable[tuple[Labels, float]]


class Looked:
    """A metric whose series are looked at when somebody asks."""

    def __init__(self, name: str, doc: str, kind: str, look: Callable[[], Samples]) -> None:
        """`kind` is "counter" or "gauge"."""
        self._name, self._doc, self._kind, self._look = name, doc, kind, look

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        """Yield the metric in one of the two formats."""
        name = f"{self._name}_total" if self._kind == "counter" else self._name
        yield _head(self._name if openmetrics else name, self._doc, self._kind)
        for labels, value in self._look():
            yield f"{name}{_shown(labels)} {float(value)}\n"


class Metric(Protocol):
    """What can be scraped."""

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        """Yield it in one of the two formats."""


class Book:
    """All metrics, in the order in which they are shown."""

    def __init__(self) -> None:
        self._metrics: list[Metric] = []

    def add(self, metric: Metric) -> None:
        """Show a metric too."""
        self._metrics.append(metric)

    def gauge(self, name: str, doc: str) -> Gauge:
        """Return a gauge."""
        gauge = Gauge()
        self.add(Looked(name, doc, "gauge", lambda: [(gauge.labels, gauge.value)]))
        return gauge

    def counters(self, name: str, doc: str, labels: Mapping[K, Labels]) -> dict[K, Counter]:
        """Return a counter for each set of labels."""
        metric = Counters(name, doc, labels.values())
        self.add(metric)
        return dict(zip(labels, metric.children, strict=True))

    def histograms(
        self, name: str, doc: str, labels: Mapping[K, Labels], bounds: Sequence[float]
    ) -> dict[K, Histogram]:
        """Return a histogram for each set of labels."""
        metric = Histograms(name, doc, labels.values(), bounds)
        self.add(metric)
        return dict(zip(labels, metric.children, strict=True))

    def text(self, *, openmetrics: bool) -> str:
        """Return all of it in one of the two formats."""
        return "".join(chain.from_iterable(m.lines(openmetrics=openmetrics) for m in self._metrics))


def by(label: str, values: Iterable[K]) -> dict[K, Labels]:
    """Return the labels of a metric that has one, for each of its values."""
    return {v: {label: str(v.value if isinstance(v, Enum) else v)} for v in values}


def _head(name: str, doc: str, kind: str) -> str:
    return f"# HELP {name} {doc}\n# TYPE {name} {kind}\n"


def _shown(labels: Labels) -> str:
    """Return labels as they are written; their values are words of our own, or of the operator."""
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
