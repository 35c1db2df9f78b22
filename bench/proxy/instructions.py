"""Instructions per request, counted by valgrind: the same to a percent on the noisiest machine.

    python -m bench.proxy.instructions [--require] [WORK ...]

They are those of the proxy's own process, in user mode. `--require` fails where a count is over
its limit.
"""

import argparse
import json
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.proxy.load import Connection
from bench.proxy.processes import Process, free_port
from bench.proxy.stub import Stub
from bench.proxy.targets import (
    NAIVE,
    NO_CACHE,
    NO_REDACTION,
    ROOT,
    SIDECAR,
    WRITE_ONLY,
    Target,
)
from bench.proxy.traffic import WORKS, Work

COUNTED = ("get", "hit", "post400", "post4k", "post4k-pii", "post64k")
# Of the naive proxy's: what `--require` allows, a little over what it was last.
LIMITS = {
    "get": 0.40,
    "get, cache off": 0.32,
    "hit": 0.12,
    "short-circuited": 0.15,
    "post400": 0.36,
    "post4k": 0.15,
    "post4k-pii": 0.47,
    "post64k": 0.06,
}
_CONNECTIONS = 8
_PATIENCE = 120.0


def counts(target: Target, stub: Stub, works: Iterable[Work], home: Path) -> Iterator[int]:
    """Yield the instructions per request of each kind of work."""
    home.mkdir()
    port = free_port()
    command, env = target.command(home, port, stub.port)
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
    valgrind += [f"--callgrind-out-file={home}/counted.%p", f"--log-file={home}/valgrind"]
    process = Process(3, [*valgrind, *command], home / "log", env)
    try:
        process.wait_for(port, WORKS["get"].request("first"), _PATIENCE)
        for work in works:
            requests = 40 if len(work.body) > 16384 else 300
            requests = max(requests, 3 * work.credentials, 3 * len(work.paths))
            _drive(port, work, requests)
            _control(process, "-z")
            _control(process, "-i", "on")
            _drive(port, work, requests)
            _control(process, "-d")
            _control(process, "-i", "off")
            yield _counted(home) // requests
    finally:
        process.stop()


def _control(process: Process, *what: str) -> None:
    subprocess.run(
        ["callgrind_control", *what, str(process.pid)], capture_output=True, check=True, timeout=60
    )


def _counted(home: Path) -> int:
    """Return what the newest dump says, and remove it."""
    most = 0
    for _ in range(50):
        for dump in home.glob("counted.*"):
            found = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(), re.MULTILINE)
            most = max(most, int(found.group(1)) if found else 0)
            dump.unlink()
        if most:
            return most
        time.sleep(0.1)
    raise RuntimeError("valgrind has written no counts")


def _drive(port: int, work: Work, requests: int) -> None:
    """Send requests on a few connections, each as soon as the one before it is answered."""
    tag = f"{time.perf_counter_ns():x}"
    ahead = (work.numbered(tag, number) for number in range(requests))
    poll, of = select.epoll(), {}
    for _ in range(_CONNECTIONS):
        connection = Connection(port)
        of[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
        connection.socket.sendall(next(ahead))
    pending = _CONNECTIONS
    while pending:
        events = poll.poll(_PATIENCE)
        if not events:
            raise RuntimeError("no answer under valgrind")
        for descriptor, _ in events:
            if status := of[descriptor].answered():
                assert status == 200, status
                request = next(ahead, None)
                if request is None:
                    pending -= 1
                else:
                    of[descriptor].socket.sendall(request)
    for connection in of.values():
        connection.socket.close()
    poll.close()


def table(home: Path, works: Iterable[str] = COUNTED) -> dict[str, dict[str, int]]:
    """Return the counts by work and target."""
    stub = Stub(home)
    try:
        return _table(stub, list(works), home)
    finally:
        stub.process.stop()


def _table(stub: Stub, works: list[str], home: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {name: {} for name in works}
    for target in (NAIVE, SIDECAR, NO_REDACTION):
        counted = counts(target, stub, [WORKS[name] for name in works], home / target.name)
        for name, count in zip(works, counted, strict=True):
            found[name][target.name] = count
    if "get" in found:
        passed_on = found["get"][NAIVE.name]
        others = (("get, cache off", NO_CACHE, "get"), ("short-circuited", WRITE_ONLY, "hit"))
        for name, other, work in others:
            (count,) = counts(other, stub, [WORKS[work]], home / other.name)
            found[name] = {NAIVE.name: passed_on, SIDECAR.name: count}
        if "hit" in found:
            found["hit"][NAIVE.name] = passed_on
    return found


def scaling(home: Path) -> dict[tuple[str, int], int]:
    """Return the sidecar's counts by what grows and how much there is of it."""
    rows = json.loads((ROOT / "sidecar" / "core" / "routes.json").read_bytes())
    routes = tuple(
        f"/api/{row['api']}{row['path']}"
        for row in rows
        if row["method"] == "GET" and row["class"] == "CTRL"
    )
    works: dict[tuple[str, int], Work] = {}
    for many in (1, 16, 64, 256, 1024):
        works["credentials, cached read", many] = WORKS["hit"]._replace(credentials=many)
        works["credentials, read passed on", many] = WORKS["get"]._replace(credentials=many)
    for many in (1, 10, len(routes)):
        works["routes, look-up passed on", many] = Work("GET", paths=routes[:many])
    stub = Stub(home)
    try:
        counted = counts(SIDECAR, stub, works.values(), home / "scaling")
        return dict(zip(works, counted, strict=True))
    finally:
        stub.process.stop()


def lines(found: dict[str, dict[str, int]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield "| work | naive | sidecar | x naive | without redaction |"
    yield "|---|---|---|---|---|"
    for work, by in found.items():
        ratio = by[SIDECAR.name] / by[NAIVE.name]
        plain = f"{by[NO_REDACTION.name]:,}" if NO_REDACTION.name in by else ""
        yield f"| {work} | {by[NAIVE.name]:,} | {by[SIDECAR.name]:,} | {ratio:.3f} | {plain} |"


def main() -> int:
    """Count, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--require", action="store_true", help="fail where a limit is passed")
    parser.add_argument("works", nargs="*", default=COUNTED, metavar="WORK")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = table(Path(home), arguments.works)
    print("\n".join(lines(found)))
    over = [
        f"{work}: {by[SIDECAR.name] / by[NAIVE.name]:.3f} of naive's, over {LIMITS[work]}"
        for work, by in found.items()
        if work in LIMITS and by[SIDECAR.name] > LIMITS[work] * by[NAIVE.name]
    ]
    print("\n".join(over))
    return 1 if over and arguments.require else 0


if __name__ == "__main__":
    sys.exit(main())
