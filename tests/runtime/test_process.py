"""What is told of this process, beside what the client library tells of it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sidecar.runtime import process
from sidecar.runtime.series import Book


def scraped(*, asked: bool = False) -> str:
    """Return all of it as text."""
    book = Book()
    for metric in process.process():
        book.add(metric)
    return book.text(openmetrics=asked)


@pytest.mark.parametrize("asked", [True, False])
def test_the_same_metrics_as_the_client_library(asked: bool) -> None:
    """Names, types and words; the values are those of this process at nearly the same time."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    theirs = (openmetrics(registry) if asked else generate_latest(registry)).decode()  # type: ignore[no-untyped-call]
    mine = scraped(asked=asked)
    heads = [
        sorted(line for line in text.splitlines() if line[0] == "#") for text in (mine, theirs)
    ]
    assert heads[0] == [line for line in heads[1] if line != "# EOF"]
    if asked:
        return
    ours, others = (
        {s.name: s.value for f in text_string_to_metric_families(text) for s in f.samples}
        for text in (mine, theirs)
    )
    assert ours.keys() == others.keys()
    for name, value in others.items():
        assert ours[name] == pytest.approx(value, rel=0.1, abs=1)
    assert ours["process_resident_memory_bytes"] > 10_000_000


def test_host_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel does not tell there has no series, and costs nothing else."""
    monkeypatch.setattr(process, "_PROC", tmp_path)
    names = {line.split()[0] for line in scraped().splitlines() if line[0] != "#"}
    assert names == {"process_cpu_seconds_total", "process_max_fds"}
