"""What the tests of modes and guard share: requests, answers, and clocks that can be set."""

import asyncio
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sidecar.runtime import clock
from tests.conftest import Running
from tests.wire import Message, ScriptedUpstream, request

CONTEXT = "/api/v2/threads/t1/context"
MESSAGES = "/api/v2/threads/t1/messages"
EMPTY = b'{"context":""}'
KNOWN = b'{"context":"likes tea"}'
APPEND = b'{"messages":[{"role":"user","content":"merhaba"}]}'
READING_APPEND = b'{"messages":[], "return_context": true ,"n":1e2}'
STRIPPED_APPEND = b'{"messages":[], "return_context": false ,"n":1e2}'


def answer(status: int, body: bytes = b'{"message":"no"}', *lines: str) -> bytes:
    """Return an answer of Zep."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", *lines))
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


GOOD = answer(200, KNOWN, "Content-Type: application/json")
CODED = answer(
    200, gzip.compress(KNOWN), "Content-Type: application/json", "Content-Encoding: gzip"
)
FAILED = answer(500)


def read(credential: str = "one", target: str = CONTEXT, *lines: str) -> bytes:
    """Return a context read; the empty credential stands for none."""
    return request("GET", target, None, *_authorization(credential), *lines)


def write(key: str = "", body: bytes = APPEND, credential: str = "one", **other: str) -> bytes:
    """Return an append, or what `method` and `target` say."""
    lines = [*_authorization(credential), *([f"Idempotency-Key: {key}"] if key else [])]
    return request(other.get("method", "POST"), other.get("target", MESSAGES), body, *lines)


def _authorization(credential: str) -> list[str]:
    return [f"Authorization: Api-Key {credential}"] if credential else []


def told(message: Message) -> tuple[int, str, str, str]:
    """Return the status, and what the sidecar says of mode, outcome and reason."""
    fields = ("x-zep-sidecar-mode", "x-zep-sidecar-outcome", "x-zep-sidecar-reason")
    return (message.status, *("".join(message.values(name)) for name in fields))  # type: ignore[return-value]


class Gate:
    """A step of a script that answers once it is opened."""

    def __init__(self, data: bytes = GOOD) -> None:
        self._data = data
        self._open = asyncio.Event()
        self.waiting = 0
        self.passed = 0

    def open(self) -> None:
        """Let it answer."""
        self._open.set()

    async def __call__(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wait, and answer."""
        self.waiting += 1
        await self._open.wait()
        writer.write(self._data)
        await writer.drain()
        self.passed += 1


class Clocks:
    """The sidecar's clocks, which can be set forward, and the wall clock also back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mono, wall = clock.mono, clock.wall
        self._passed = self._jumped = 0.0
        monkeypatch.setattr(clock, "mono", lambda: mono() + self._passed)

        def later() -> datetime:
            return wall() + timedelta(seconds=self._passed + self._jumped)

        monkeypatch.setattr(clock, "wall", later)

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock by so much, as an administrator does."""
        self._jumped += seconds


async def until(condition: Callable[[], bool], within: float = 15) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  it is somebody else's state
            await asyncio.sleep(0.005)


def is_held(running: Running) -> bool:
    """Tell whether the host is held."""
    return bool(running.status["guard"]["state"] == "open")


def is_closed(running: Running) -> bool:
    """Tell whether the host is not held."""
    return bool(running.status["guard"]["state"] == "closed")


def is_due(running: Running) -> bool:
    """Tell whether the next read is the probe."""
    return is_held(running) and running.status["guard"]["remaining"] == 0


async def trip(running: Running, upstream: ScriptedUpstream, data: bytes = FAILED) -> None:
    """Let three reads fail."""
    upstream.script += [data] * 3
    for _ in range(3):
        await running.ask(read())
    assert is_held(running)
    assert upstream.script == []


async def admin(path: str, method: str, target: str, body: object = None) -> dict[str, object]:
    """Ask the admin socket; the answer must be a success."""
    reader, writer = await asyncio.open_unix_connection(path)
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    async with asyncio.timeout(10):
        start = await reader.readuntil(b"\r\n\r\n")
        length = int(start.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        found = await reader.readexactly(length)
    writer.close()
    assert start.startswith(b"HTTP/1.1 200 "), found
    parsed = json.loads(found)
    assert isinstance(parsed, dict)
    return parsed


@contextmanager
def no_permission(path: Path) -> Iterator[None]:
    """Take away the right to read a directory, also from root."""
    mode = path.stat().st_mode
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        path.chmod(mode)
