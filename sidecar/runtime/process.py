"""What the kernel tells of this process, under the names that every Prometheus client uses."""

import os
import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sidecar.runtime.series import Looked, Samples

_PROC = Path("/proc")


def process() -> Iterator[Looked]:
    """Yield the metrics; they have no series where there is no /proc."""
    yield Looked(
        "process_virtual_memory_bytes",
        "Virtual memory size in bytes.",
        "gauge",
        partial(_told, lambda: _pages(0)),
    )
    yield Looked(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        "gauge",
        partial(_told, lambda: _pages(1)),
    )
    yield Looked(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        "gauge",
        partial(_told, _start),
    )
    yield Looked(
        "process_cpu_seconds",
        "Total user and system CPU time spent in seconds.",
        "counter",
        partial(_told, lambda: sum(os.times()[:2])),
    )
    yield Looked(
        "process_open_fds",
        "Number of open file descriptors.",
        "gauge",
        partial(_told, lambda: sum(1 for _ in (_PROC / "self/fd").iterdir())),
    )
    yield Looked(
        "process_max_fds",
        "Maximum number of open file descriptors.",
        "gauge",
        partial(_told, lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    )


def _told(look: Callable[[], float]) -> Samples:
    try:
        return [({}, look())]
    except OSError:
        return []


def _pages(which: int) -> int:
    """Return bytes of address space, or of them those that are resident."""
    return int((_PROC / "self/statm").read_bytes().split()[which]) * resource.getpagesize()


def _start() -> float:
    """Return when the process was started: the kernel counts in ticks since the boot."""
    lines = (_PROC / "stat").read_bytes().splitlines()
    [boot] = [int(line.split()[1]) for line in lines if line.startswith(b"btime ")]
    fields = (_PROC / "self/stat").read_bytes().rpartition(b")")[2].split()
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
