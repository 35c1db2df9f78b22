"""Load on a proxy: as fast as it goes (wrk), or at a fixed rate.

    python -m bench.proxy.load probe PORT WORK RATE SECONDS
    python -m bench.proxy.load post PORT SIZE

run one client in a process of its own, on the core that it was started on.
"""

import gc
import json
import random
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.proxy.processes import LOAD_CORE, OTHER_CORE, Process, complete, exchange, pinned
from bench.proxy.targets import ROOT, Running
from bench.proxy.traffic import WORKS, Work, messages

_LUA = """
local head, tail, n = [==[{head}]==], [==[{tail}]==], 0
tail = tail:gsub("\\n", "\\r\\n")
request = function()
  n = n + 1
  local rest = tail
  if {personal} then
    rest = rest:gsub("####", string.format("%04d", n % 10000))
    local phone = string.format("%02d %02d", math.floor(n / 100) % 100, n % 100)
    rest = rest:gsub("## ##", phone)
  end
  return head .. {number} .. rest
end
done = function(s, l)
  local e = s.errors
  io.write(string.format('\\n@@{{"n":%d,"us":%d,"errors":%d,"p50":%d,"p99":%d}}\\n', s.requests,
    s.duration, e.connect + e.read + e.write + e.status + e.timeout,
    l:percentile(50), l:percentile(99)))
end
"""
_CONNECTIONS = 8


class Slice(NamedTuple):
    """What a second of load came to; times in microseconds."""

    rps: float
    p50: float
    p99: float
    cpu: float
    """Processor time of the proxy for one request."""
    errors: int


class Latency(NamedTuple):
    """Latencies at a fixed rate, in microseconds from the instant each request was due."""

    p50: float
    p99: float
    errors: int


def flat_out(target: Running, work: Work, connections: int, seconds: int, home: Path) -> Slice:
    """Load a proxy with as many requests as it can take."""
    tag = "t" if work.threads else f"{random.randrange(1 << 40):x}-"
    raw = work._replace(body=b"").request(tag + "@").decode()
    if work.body:
        fields = f"Content-Type: application/json\r\nContent-Length: {len(work.body)}\r\n\r\n"
        raw = raw.removesuffix("\r\n") + fields + work.body.decode()
    head, _, tail = raw.replace("\r\n", "\n").partition("@")
    script = home / "load.lua"
    number = f"(n % {work.threads})" if work.threads else "n"
    personal = "true" if b"####" in work.body else "false"
    # A body that begins with a bracket would end the long string; none does.
    script.write_text(_LUA.format(head=head, tail=tail, number=number, personal=personal))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    before = target.process.cpu()
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, "-s", str(script), f"http://127.0.0.1:{target.port}/"]),
        capture_output=True,
        text=True,
        check=True,
    )
    spent = target.process.cpu() - before
    told = json.loads(done.stdout.rpartition("@@")[2])
    return Slice(
        rps=told["n"] / told["us"] * 1e6,
        p50=told["p50"],
        p99=told["p99"],
        cpu=spent / max(told["n"], 1) * 1e6,
        errors=told["errors"],
    )


def at_rate(target: Running, work: str, rate: int, seconds: float) -> Latency:
    """Send requests at a fixed rate, whatever the answers do."""
    command = [sys.executable, "-m", "bench.proxy.load", "probe", str(target.port), work]
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, str(rate), str(seconds)]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return Latency(*json.loads(done.stdout))


def posting(target: Running, size: int, home: Path) -> Process:
    """Return a client that posts bodies of a size back to back, until it is stopped."""
    command = [sys.executable, "-m", "bench.proxy.load", "post", str(target.port), str(size)]
    return Process(OTHER_CORE, command, home / "post.log", {"PYTHONPATH": str(ROOT)})


def fill(target: Running, threads: int) -> None:
    """Read that many contexts of 6.5 KB, one after the other."""
    work = WORKS["get"]
    for number in range(threads):
        exchange(target.port, work.request(f"big{number}"))


# --- in processes of their own ----------------------------------------------------------------


class Connection:
    """A connection that has at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._data = b""

    def answered(self) -> int:
        """Read; return the status once an answer is whole, and 0 until then."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("closed")
        self._data += part
        if complete(self._data) < 0:
            return 0
        status, self._data = int(self._data[9:12]), b""
        return status


def _probe(port: int, work: Work, rate: int, seconds: float) -> Iterator[tuple[float, int]]:
    """Yield latency and status of each request. Never waits for an answer to send the next."""
    idle = [Connection(port) for _ in range(_CONNECTIONS)]
    of = {connection.socket.fileno(): connection for connection in idle}
    poll = select.epoll()
    for descriptor in of:
        poll.register(descriptor, select.EPOLLIN)
    tag = f"{random.randrange(1 << 40):x}"
    total = int(rate * seconds)
    requests = [work.numbered(tag, number) for number in range(total)]
    gc.disable()
    clock, sent, pending = time.perf_counter, 0, 0
    start = clock() + 0.01
    while sent < total or pending:
        due = start + sent / rate if sent < total else float("inf")
        if clock() >= due and idle:
            connection = idle.pop()
            connection.due = due
            connection.socket.sendall(requests[sent])
            sent, pending = sent + 1, pending + 1
            continue
        if due - clock() > 0.0003:  # epoll counts in milliseconds only, select does not
            select.select([poll], [], [], min(max(due - clock() - 0.0002, 0), 0.05))
        for descriptor, _ in poll.poll(0):
            connection = of[descriptor]
            if status := connection.answered():
                pending -= 1
                idle.append(connection)
                yield clock() - connection.due, status


def _run_probe(port: int, work: Work, rate: int, seconds: float) -> None:
    seen = list(_probe(port, work, rate, seconds))
    seen = seen[min(16, len(seen) // 4) :]  # to warm up
    times = sorted(latency * 1e6 for latency, _ in seen)
    errors = sum(status != 200 for _, status in seen)
    print(json.dumps([times[len(times) // 2], times[int(len(times) * 0.99)], errors]))


def _run_posts(port: int, size: int) -> None:
    request = WORKS["post64k"]._replace(body=messages(size)).request("u-posted")
    connection = Connection(port)
    while True:
        connection.socket.sendall(request)
        while not connection.answered():
            pass


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["probe", port, work, rate, seconds]:
            _run_probe(int(port), WORKS[work], int(rate), float(seconds))
        case ["post", port, size]:
            _run_posts(int(port), int(size))
