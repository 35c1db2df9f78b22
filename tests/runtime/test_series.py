"""Counters and histograms of the request path, as they are scraped."""

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from sidecar.runtime.series import Counters, Histograms

BOUNDS = (0.1, 1, 10)


def test_the_same_text_as_the_client_library() -> None:
    """Edges belong to the bucket below them; buckets add up."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    labels = [{"kind": "a"}, {"kind": "b"}]
    children = list(Histograms("h", "Doc", labels, BOUNDS, ours).children)
    other = Histogram("h", "Doc", ["kind"], buckets=BOUNDS, registry=theirs)
    for kind, child in zip("ab", children, strict=True):
        child_of_other = other.labels(kind)
        for value in (0.0, 0.1, 0.5, 1, 10, 11) if kind == "a" else ():
            child.observe(value)
            child_of_other.observe(value)
    mine = generate_latest(ours).decode()
    assert sorted(mine.splitlines()) == sorted(
        line for line in generate_latest(theirs).decode().splitlines() if "_created" not in line
    )
    assert 'h_bucket{kind="a",le="1.0"} 4.0' in mine


def test_counters() -> None:
    """Every series is there from the start."""
    registry = CollectorRegistry()
    first, _ = Counters("c", "Doc", [{"a": "x"}, {"a": "y"}], registry).children
    first.inc()
    first.inc()
    text = generate_latest(registry).decode()
    assert 'c_total{a="x"} 2.0\nc_total{a="y"} 0.0\n' in text


def test_exemplars_are_of_their_bucket() -> None:
    """The last trace of each bucket, in OpenMetrics only; none without a trace."""
    registry = CollectorRegistry()
    [child] = Histograms("h", "Doc", [{}], BOUNDS, registry).children
    child.observe(0.5, "aa")
    child.observe(0.6, "bb")
    child.observe(5)
    lines = [line for line in openmetrics(registry).decode().splitlines() if "bucket" in line]  # type: ignore[no-untyped-call]
    assert [line.partition(" # ")[2].rpartition(" ")[0] for line in lines] == [
        "",
        '{trace_id="bb"} 0.6',
        "",
        "",
    ]
    assert "bb" not in generate_latest(registry).decode()
