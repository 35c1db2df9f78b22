"""Counters, histograms and gauges, as they are scraped."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from sidecar.runtime.series import Book, Counters, Histograms, Looked

BOUNDS = (0.1, 1, 10)


@pytest.mark.parametrize("asked", [True, False])
def test_the_same_text_as_the_client_library(asked: bool) -> None:
    """Edges belong to the bucket below them; buckets add up; every series is there at once."""
    theirs = CollectorRegistry()
    labels = [{"kind": "a"}, {"kind": "b"}]
    ours = Histograms("h", "Doc", labels, BOUNDS)
    other = Histogram("h", "Doc", ["kind"], buckets=BOUNDS, registry=theirs)
    for kind, child in zip("ab", ours.children, strict=True):
        child_of_other = other.labels(kind)
        for value in (0.0, 0.1, 0.5, 1, 10, 11) if kind == "a" else ():
            child.observe(value)
            child_of_other.observe(value)
    counters = Counters("c", "Doc", labels)
    other_counter = Counter("c", "Doc", ["kind"], registry=theirs)
    for kind, counter in zip("ab", counters.children, strict=True):
        child_of_counter = other_counter.labels(kind)
        for _ in range(3 if kind == "a" else 0):
            counter.inc()
            child_of_counter.inc()
    mine = "".join([*ours.lines(openmetrics=asked), *counters.lines(openmetrics=asked)])
    text = openmetrics(theirs) if asked else generate_latest(theirs)  # type: ignore[no-untyped-call]
    lines = [line for line in text.decode().splitlines() if "_created" not in line]
    assert mine.splitlines() == [line for line in lines if line != "# EOF"]
    assert 'h_bucket{kind="a",le="1.0"} 4.0' in mine


@pytest.mark.parametrize("asked", [True, False])
def test_gauges_as_the_client_library_writes_them(asked: bool) -> None:
    """With their labels of the moment; a counter that is kept elsewhere is one here too."""
    theirs, book = CollectorRegistry(), Book()
    gauge, other = book.gauge("g", "Doc"), Gauge("g", "Doc", ["b", "a"], registry=theirs)
    gauge.value, gauge.labels = True, {"b": 'say "x"', "a": "back\\slash"}
    other.labels('say "x"', "back\\slash").set(1)
    book.add(Looked("c", "Doc", "counter", lambda: [({}, 2.5)]))
    Counter("c", "Doc", registry=theirs).inc(2.5)
    text = openmetrics(theirs) if asked else generate_latest(theirs)  # type: ignore[no-untyped-call]
    lines = [line for line in text.decode().splitlines() if "_created" not in line]
    assert book.text(openmetrics=asked).splitlines() == [line for line in lines if line != "# EOF"]


def test_exemplars_are_of_their_bucket() -> None:
    """The last trace of each bucket, in OpenMetrics only; none without a trace."""
    metric = Histograms("h", "Doc", [{}], BOUNDS)
    [child] = metric.children
    child.observe(0.5, "aa")
    child.observe(0.6, "bb")
    child.observe(5)
    lines = [line for line in "".join(metric.lines(openmetrics=True)).splitlines() if "_b" in line]
    assert [line.partition(" # ")[2].rpartition(" ")[0] for line in lines] == [
        "",
        '{trace_id="bb"} 0.6',
        "",
        "",
    ]
    assert "bb" not in "".join(metric.lines(openmetrics=False))
