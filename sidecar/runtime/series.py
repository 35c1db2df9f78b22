"""Counters and histograms of the request path: plain numbers, made into samples when scraped.

Those of prometheus_client take a lock and check their arguments at every step. Only the event loop
touches these, so they need neither: a fifth of the time, of which each request spends several.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from sidecar.runtime import clock

Labels = dict[str, str]


class Counter:
    """One series that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self) -> None:
        """Count one."""
        self.value += 1


class Histogram:
    """One distribution."""

    __slots__ = ("_bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: list[Exemplar | None] = [None] * len(self.counts)

    def observe(self, value: float, trace: str = "") -> None:
        """Take one value; the id of a trace, if given, stands for its bucket."""
        at = bisect_left(self._bounds, value)
        self.counts[at] += 1
        self.sum += value
        if trace:
            now = clock.wall().timestamp()
            self.exemplars[at] = Exemplar({"trace_id": trace}, value, round(now, 3))


class Counters(Collector):
    """A metric of counters, one for each set of labels; every one exists from the start."""

    def __init__(
        self, name: str, doc: str, labels: Iterable[Labels], registry: CollectorRegistry
    ) -> None:
        self._name, self._doc = name, doc
        self._children = [(found, Counter()) for found in labels]
        registry.register(self)

    @property
    def children(self) -> Iterator[Counter]:
        """Return the series, in the order of their labels."""
        return (child for _, child in self._children)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric with its samples, as the registry wants it."""
        metric = Metric(self._name, self._doc, "counter")
        for labels, child in self._children:
            metric.add_sample(f"{self._name}_total", labels, child.value)
        yield metric


class Histograms(Collector):
    """A metric of histograms, one for each set of labels; every one exists from the start."""

    def __init__(
        self,
        name: str,
        doc: str,
        labels: Iterable[Labels],
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._doc = name, doc
        self._children = [(found, Histogram(bounds)) for found in labels]
        self._edges = [floatToGoString(bound) for bound in (*bounds, float("inf"))]  # type: ignore[no-untyped-call]
        registry.register(self)

    @property
    def children(self) -> Iterator[Histogram]:
        """Return the distributions, in the order of their labels."""
        return (child for _, child in self._children)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric with its samples, as the registry wants it."""
        metric = Metric(self._name, self._doc, "histogram")
        bucket = f"{self._name}_bucket"
        for labels, child in self._children:
            sums = accumulate(child.counts)
            for edge, count, exemplar in zip(self._edges, sums, child.exemplars, strict=True):
                sample = Sample(bucket, {**labels, "le": edge}, float(count), None, exemplar)
                metric.samples.append(sample)
            metric.add_sample(f"{self._name}_count", labels, float(sum(child.counts)))
            metric.add_sample(f"{self._name}_sum", labels, child.sum)
        yield metric
