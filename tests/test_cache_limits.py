"""The bounds of the cache: a real process filled through sockets, and the event loop of one."""

import asyncio
import itertools
import resource
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sidecar.core.cache import SWEEP, Value
from sidecar.core.cache_key import of_credential, tag
from sidecar.runtime import cache as runtime_cache
from sidecar.runtime import clock
from tests.conftest import Running, StartSidecar
from tests.process import Process
from tests.runtime.support import Clocks, admin, answer, read
from tests.wire import ScriptedUpstream, Worker

MIB = 1 << 20
THREADS = 20_000
BODY = b'{"context":"' + b"x" * 8178 + b'"}'  # 8 KB
STATM = Path("/proc/self/statm")


@pytest.fixture
async def process(tmp_path: Path, upstream: ScriptedUpstream) -> AsyncIterator[Process]:
    """A sidecar as it is deployed, with the default cache, in front of 8 KB contexts."""
    upstream.always = answer(200, BODY, "Content-Type: application/json")
    listen = {
        "proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": str(tmp_path / "admin.sock"),
    }  # fmt: skip
    guard = {"state_file": ""}
    process = await Process.start(tmp_path, upstream.url, listen=listen, guard=guard)
    yield process
    await process.stop()


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has in use."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def context(thread: int) -> bytes:
    """Return the read of a thread's context."""
    return read("one", f"/api/v2/threads/t{thread}/context")


async def outcome(worker: Worker, thread: int) -> str:
    """Read a thread's context and return what the sidecar says of it."""
    await worker.send(context(thread))
    message = await worker.answer()
    assert (message.status, message.body) == (200, BODY)
    return message.values("x-zep-sidecar-outcome")[0]


async def read_all(port: int, threads: Iterator[int]) -> None:
    """Read the contexts of all threads that are left, one after the other."""
    async with Worker(port) as worker:
        for thread in threads:
            assert await outcome(worker, thread) == "live"


@pytest.mark.skipif(not STATM.exists(), reason="needs /proc")
async def test_case_58_twenty_thousand_contexts(tmp_path: Path, process: Process) -> None:
    """Both bounds hold at every look, the process grows by less than 100 MB, the oldest is gone."""
    threads = iter(range(THREADS))
    await read_all(process.port, itertools.islice(threads, 200))  # what a running process needs
    before = resident(process.pid)
    work = asyncio.gather(*(read_all(process.port, threads) for _ in range(8)))
    most = entries = 0
    while not work.done():
        await asyncio.wait([work], timeout=0.25)
        status = await admin(str(tmp_path / "admin.sock"), "GET", "/status")
        cache = status["cache"]
        assert isinstance(cache, dict)
        entries = cache["entries"]
        assert entries <= 10_000
        assert cache["bytes"] <= 64 * MIB
        most = max(most, resident(process.pid))
    await work
    assert entries > 7_500
    assert most - before < 100_000_000
    async with Worker(process.port) as worker:
        assert await outcome(worker, THREADS - 1) == "hit"
        assert await outcome(worker, 0) == "live"


async def test_case_59_a_hundred_thousand_expired(
    monkeypatch: pytest.MonkeyPatch, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """While they are removed, and reads go on, no turn of the event loop computes for 20 ms.

    It is time of this thread's: what others do on the machine does not count.
    """
    monkeypatch.setattr(runtime_cache, "SWEEP_PAUSE", 0.01)
    clocks = Clocks(monkeypatch)
    upstream.always = answer(200, BODY, "Content-Type: application/json")
    limits = {"enabled": True, "max_entries": 100_000, "max_bytes": 1 << 30}
    running = await start(upstream.url, cache=limits)
    cache = running.sidecar._cache._cache
    credential, now = of_credential("c"), clock.mono()
    for number in range(100_000):
        tags = frozenset({tag("thread", str(number)), credential})
        value = Value(b"%1000d" % number, b"application/json")
        cache.store(number.to_bytes(32, "big"), tags, value, cache.snapshot(now), now)
    clocks.after(1000)
    assert len(cache) == 100_000
    reads = asyncio.create_task(read_for_ever(running))
    worst, turns = 0.0, 0
    last = time.thread_time()
    while len(cache) > SWEEP:
        await asyncio.sleep(0)
        at = time.thread_time()
        worst, last, turns = max(worst, at - last), at, turns + 1
    assert not reads.done()
    reads.cancel()
    assert turns > 100_000 / SWEEP
    assert worst < 0.020


async def read_for_ever(running: Running) -> None:
    """Read the contexts of a few threads: at first none is known, later each is a hit."""
    async with running.worker() as worker:
        for thread in itertools.count():
            await outcome(worker, thread % (SWEEP // 2))
