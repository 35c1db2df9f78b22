"""Processes pinned to cores, and what they use: processor time, memory, time to start."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

STUB_CORE, TARGET_CORE, LOAD_CORE, OTHER_CORE = 0, 1, 2, 3


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return a command that runs on one core and, where allowed, before ordinary processes."""
    core %= os.cpu_count() or 1
    urgent = ["chrt", "-r", "5"] if os.geteuid() == 0 and shutil.which("chrt") else []
    return [*urgent, "taskset", "-c", str(core), *command]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


# As installed programs run: what Python keeps from one start to the next, it keeps.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


class Process:
    """A process with its descendants; to be stopped."""

    def __init__(
        self, core: int, command: Sequence[str], log: Path, env: dict[str, str] | None = None
    ) -> None:
        self.began = time.perf_counter()
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                pinned(core, command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_ENVIRONMENT, **(env or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def wait_for(self, port: int, request: bytes, patience: float = 60.0) -> float:
        """Wait until a request is answered with 200; return the seconds since the start."""
        while True:
            now = time.perf_counter() - self.began
            if self._process.poll() is not None or now > patience:
                raise RuntimeError(
                    f"did not start: {self._log.read_text(errors='replace')[-2000:]}"
                )
            try:
                if exchange(port, request)[0] == 200:
                    return time.perf_counter() - self.began
            except OSError:
                time.sleep(0.002)

    def _all(self) -> list[int]:
        found, ahead = [], [self.pid]
        while ahead:
            pid = ahead.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                ahead += [int(child) for child in children.read_text().split()]
        return found

    def cpu(self) -> float:
        """Return the seconds of processor time used so far."""
        spent = 0
        for pid in self._all():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                spent += int(stat.read_text().split()[0])
        return spent / 1e9

    def rss(self) -> float:
        """Return the resident memory in MB."""
        kilobytes = 0
        for pid in self._all():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    kilobytes += int(line.split()[1])
        return kilobytes / 1000 * 1.024


class Awake:
    """Keeps the cores from sleeping, at the lowest priority there is.

    A halted core of a virtual machine wakes up 0.1 to 10 ms late: more than any proxy adds.
    """

    def __enter__(self) -> None:
        """Begin."""
        spin = (
            "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile 1: pass"
        )
        self._spinning = [
            subprocess.Popen(["taskset", "-c", str(core), "python3", "-c", spin])
            for core in range(min(3, os.cpu_count() or 1))
        ]
        time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        for process in self._spinning:
            process.kill()
            process.wait()


def exchange(port: int, request: bytes, patience: float = 5.0) -> tuple[int, bytes]:
    """Make one request on a connection of its own; return status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall(request)
        data = b""
        while (end := complete(data)) < 0:
            part = connection.recv(1 << 18)
            if not part:
                raise ConnectionError("closed")
            data += part
    return int(data[9:12]), data[end:]


def complete(data: bytes) -> int:
    """Return where the body of a whole answer begins, or -1 while more of it has to come."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return -1
    head = data[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 : head.index(b"\r", at)])
        return end if len(data) >= end + length else -1
    return end if data.endswith(b"0\r\n\r\n") else -1
