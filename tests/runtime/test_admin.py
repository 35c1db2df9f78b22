"""The admin socket: a real unix socket with a small but real control behind it."""

import asyncio
import io
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.control import Force
from sidecar.runtime import admin, clock
from sidecar.runtime.admin import Admin, NoDirectory, bind
from sidecar.runtime.logs import Log
from tests.runtime.support import no_permission


class SmallControl:
    """Keeps what it is told; an override limits the mode whatever happens."""

    def __init__(self) -> None:
        self.forced: Force | None = None
        self.streak = 2
        self.cached = {"t1": 3}

    def status(self) -> dict[str, Any]:
        """Return part of a status."""
        return {"forced": self.forced and self.forced.mode, "streak": self.streak}

    def force(self, force: Force) -> None:
        """Keep it."""
        self.forced = force

    def clear(self) -> list[str]:
        """Forget it."""
        self.forced = None
        return ["override"]

    def invalidate(self, id: str) -> int | None:  # noqa: A002
        """Drop it."""
        return None if id == "no-cache" else self.cached.pop(id, 0)

    def reset_failures(self) -> None:
        """Count anew."""
        self.streak = 0

    async def saved(self) -> None:
        """Keep nothing."""


class Served:
    """An admin socket that serves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.control = SmallControl()
        self.stream = io.StringIO()
        self.admin = Admin(self.control, Log(clock.wall, stream=self.stream))

    async def raw(self, data: bytes) -> bytes:
        """Send bytes and return one answer."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(data)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, rest = head.partition(b"\r\nContent-Length: ")
            body = await reader.readexactly(int(rest.partition(b"\r\n")[0]))
        writer.close()
        return head + body

    async def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, Any]:
        """Ask once; return status and JSON."""
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        answer = await self.raw(head.encode() + body)
        start, _, rest = answer.partition(b"\r\n\r\n")
        assert b"\r\nContent-Type: application/json\r\n" in start + b"\r\n"
        return int(start.split()[1]), json.loads(rest)

    async def refused(self, target: str, body: bytes) -> str:
        """Post what must be refused; return why."""
        status, answer = await self.ask("POST", target, body)
        assert (status, answer["error"]["code"]) == (400, "admin_request")
        assert self.control.forced is None
        return str(answer["message"])


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A served admin socket."""
    made = Served(tmp_path / "admin.sock")
    await made.admin.start(str(made.path))
    yield made
    await made.admin.stop()


async def test_status(served: Served) -> None:
    """What the control says."""
    assert await served.ask("GET", "/status") == (200, {"forced": None, "streak": 2})


async def test_force(served: Served) -> None:
    """Defaults, and every key; the last one wins."""
    status, answer = await served.ask("POST", "/force", b'{"reason":"rollback"}')
    assert (status, answer["status"]["forced"]) == (200, "write_only")
    assert served.control.forced == Force("rollback", "write_only", None, False)
    body = b'{"reason":"inc_4-8","mode":"off","ttl":1.5,"allow_stale":true}'
    assert (await served.ask("POST", "/force", body))[0] == 200
    assert served.control.forced == Force("inc_4-8", "off", 1.5, True)


async def test_clear(served: Served) -> None:
    """Says what still limits the mode."""
    for body in (b"", b"{}"):
        status, answer = await served.ask("POST", "/clear", body)
        assert (status, answer["limited_by"]) == (200, ["override"])


async def test_invalidate(served: Served) -> None:
    """Says how much was dropped."""
    assert await served.ask("POST", "/invalidate", b'{"id":"t1"}') == (200, {"invalidated": 3})
    assert await served.ask("POST", "/invalidate", b'{"id":"t1"}') == (200, {"invalidated": 0})
    body = b'{"id":"no-cache"}'
    assert await served.ask("POST", "/invalidate", body) == (200, {"invalidated": None})


async def test_reset_failures(served: Served) -> None:
    """Says what is now."""
    status, answer = await served.ask("POST", "/reset-failures")
    assert (status, answer["status"]["streak"]) == (200, 0)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/force"),
        ("GET", "/clear"),
        ("POST", "/status"),
        ("DELETE", "/status"),
        ("GET", "/"),
        ("GET", "/status?x"),
        ("GET", "/status/"),
    ],
)
async def test_unknown(served: Served, method: str, target: str) -> None:
    """Nothing is done by a GET but reading."""
    status, answer = await served.ask(method, target)
    assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_refusals_name_the_key(served: Served) -> None:
    """And not the value."""
    why = await served.refused("/force", b'{"reason":"planted\\r\\nX: y"}')
    assert why == "reason: must be 1 to 32 of a-z, 0-9, _ and -"
    assert await served.refused("/invalidate", b"{}") == "id: is missing"
    assert await served.refused("/clear", b'{"a":1}') == "unknown key; none is expected"


async def test_bodies_are_bounded(served: Served) -> None:
    """With a length and without."""
    assert "is over 4096 bytes" in await served.refused("/force", b" " * 4097)
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    head = b"POST /force HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await served.raw(head + chunk + chunk)
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_body_that_does_not_come(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not waited for."""
    monkeypatch.setattr(admin, "BODY_SILENCE", 0.05)
    answer = await served.raw(b"POST /force HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_what_is_not_http(served: Served) -> None:
    """A refusal, and the next caller is served."""
    assert (await served.raw(b"planted\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (await served.ask("GET", "/status"))[0] == 200


async def test_fault_of_the_control(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 500 and a line in the log, neither with the fault's own words."""

    def fail() -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(served.control, "reset_failures", fail)
    status, answer = await served.ask("POST", "/reset-failures")
    assert (status, answer["error"]["code"]) == (500, "internal")
    assert json.loads(served.stream.getvalue())["reason"] == "RuntimeError"
    assert "planted" not in served.stream.getvalue()


async def test_mode_and_end(served: Served) -> None:
    """Only the sidecar's own user may open it; it goes with the sidecar, and nothing else does."""
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    assert [path.name for path in served.path.parent.iterdir()] == ["admin.sock"]
    await served.admin.stop()
    assert not served.path.exists()


async def test_umask_is_left_as_it_was(served: Served) -> None:
    """Files made later are not all private."""
    before = os.umask(0)
    os.umask(before)
    bind(str(served.path.with_name("b"))).close()
    after = os.umask(before)
    assert after == before


async def test_socket_of_a_dead_process(served: Served, tmp_path: Path) -> None:
    """Is replaced, and so is what a start that was cut short has left."""
    path = tmp_path / "dead.sock"
    for name in (path, f"{path}.new"):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(name))
    other = Admin(served.control, Log(clock.wall))
    await other.start(str(path))
    served.path = path
    assert (await served.ask("GET", "/status"))[0] == 200
    await other.stop()
    assert not path.exists()


async def test_live_socket(served: Served) -> None:
    """Belongs to whoever listens on it, also when that one is too busy to answer."""
    other = Admin(served.control, Log(clock.wall))
    with pytest.raises(OSError, match=r"another sidecar listens on listen\.admin: .*admin\.sock"):
        await other.start(str(served.path))
    await other.stop()
    assert (await served.ask("GET", "/status"))[0] == 200


def test_busy_socket(tmp_path: Path) -> None:
    """A queue that is full is a sign of life."""
    path = str(tmp_path / "busy.sock")
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(path)
        busy.listen(0)
        waiting.connect(path)
        with pytest.raises(OSError, match="another sidecar listens"):
            bind(path)


async def test_socket_that_became_another_s(served: Served) -> None:
    """Is not removed."""
    served.path.unlink()
    with bind(str(served.path)):
        await served.admin.stop()
        assert served.path.exists()


def test_file_in_the_way(tmp_path: Path) -> None:
    """Is not replaced: a wrong path must not cost somebody's data."""
    (tmp_path / "f").write_text("x")
    with pytest.raises(FileExistsError, match="taken by a file"):
        bind(str(tmp_path / "f"))
    assert (tmp_path / "f").read_text() == "x"


def test_directory_that_is_not_there(tmp_path: Path) -> None:
    """An error of its own, because a sidecar outside a pod may do without."""
    with pytest.raises(NoDirectory, match=r"the directory of listen\.admin"):
        bind(str(tmp_path / "d" / "admin.sock"))


def test_directory_that_may_not_be_written(tmp_path: Path) -> None:
    """As good as none."""
    directory = tmp_path / "d"
    directory.mkdir()
    with no_permission(directory), pytest.raises(NoDirectory):
        bind(str(directory / "admin.sock"))


def test_path_that_is_too_long(tmp_path: Path) -> None:
    """A sentence, and no leftover."""
    with pytest.raises(OSError, match="too long"):
        bind(str(tmp_path / ("x" * 120)))
    assert list(tmp_path.iterdir()) == []
