"""The operator's command as a process, against a real admin socket."""

import asyncio
import json
import os
import re
import socket
import sys
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.control import DEFAULT_SOCKET, Force
from sidecar.runtime import clock
from sidecar.runtime.admin import Admin
from sidecar.runtime.logs import Log
from sidecar.zep_mode import report

NOW = datetime(2026, 11, 22, 14, 1, 21, tzinfo=UTC)
SINCE = "2026-11-22T13:58:02Z"
ROOT = Path(__file__).parent.parent


def status(**changes: Any) -> dict[str, Any]:
    """Return the status of a sidecar that nothing limits, but for some changes."""
    return {
        "base": "read_write",
        "override": None,
        "forced": None,
        "guard": {
            "state": "closed",
            "reason": None,
            "remaining": None,
            "level": 0,
            "streak": 0,
        },
        "credentials": [{"id": "3f2a9c", "state": "closed", "remaining": None}],
        "effective": "read_write",
        "gauge": 2,
        "limited_by": [],
        "since": dict.fromkeys(changes.get("limited_by", ()), SINCE),
        "cache": {"entries": 120, "bytes": 348160},
        "spool": None,
        "upstream": "https://api.getzep.com",
        "version": "0.1.0",
        **changes,
    }


HELD = {
    "state": "open",
    "reason": "consecutive_failures",
    "remaining": 252.3,
    "level": 1,
    "streak": 3,
}
OVERRIDE = {
    "state": "active",
    "mode": "write_only",
    "reason": "INC-4821 p95",
    "expires_at": "2026-11-22T18:00:00Z",
    "selected": True,
}


class SmallControl:
    """A sidecar with a force, and an override that limits it when asked to."""

    def __init__(self) -> None:
        self.forced: Force | None = None
        self.override: dict[str, Any] | None = None
        self.streak = 2

    def status(self) -> dict[str, Any]:
        """Return the status."""
        changes: dict[str, Any] = {"override": self.override, "limited_by": self.limits()}
        if self.forced:
            force = self.forced
            changes["forced"] = {
                "mode": force.mode,
                "reason": force.reason,
                "remaining": force.ttl,
            }
        if self.limits():
            changes |= {"effective": "write_only", "gauge": 1}
        changes["guard"] = {**status()["guard"], "streak": self.streak}
        return status(**changes)

    def limits(self) -> list[str]:
        """Return the sources that limit the mode."""
        return ["override"] * bool(self.override) + ["forced"] * bool(self.forced)

    def force(self, force: Force) -> None:
        """Keep it."""
        self.forced = force

    def clear(self) -> list[str]:
        """Forget it."""
        self.forced = None
        return self.limits()

    def invalidate(self, id: str) -> int | None:  # noqa: A002
        """Pretend."""
        return {"t1": 1, "ayşe@example.com": 3, "none": None}.get(id, 0)

    def reset_failures(self) -> None:
        """Count anew."""
        self.streak = 0

    async def saved(self) -> None:
        """Keep nothing."""


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[SmallControl]:
    """A control behind the socket `admin.sock` in the test's directory."""
    made = SmallControl()
    admin = Admin(made, Log(clock.wall))
    await admin.start(str(tmp_path / "admin.sock"))
    yield made
    await admin.stop()


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The path of that socket."""
    return str(tmp_path / "admin.sock")


async def zep_mode(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Run the command; return exit code, output and error output."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sidecar.zep_mode",
        *arguments,
        stdout=pipe,
        stderr=pipe,
        env={**os.environ, "PYTHONUTF8": "1", **environ},
    )
    async with asyncio.timeout(30):
        out, error = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in error
    return process.returncode, out.decode(), error.decode()


async def test_status(control: SmallControl, path: str) -> None:
    """The mode first; as JSON exactly what the sidecar says. The path comes from either place."""
    code, out, error = await zep_mode("--status", "--socket", path)
    assert (code, error) == (0, "")
    assert out.startswith("==> READ_WRITE (2)  writes go to Zep, context is read from Zep\n\n")
    assert f"zep_mode --socket {path} --force REASON" in out
    code, out, _ = await zep_mode("--status", "--json", ZEP_SIDECAR_LISTEN__ADMIN=path)
    assert (code, json.loads(out)) == (0, control.status())


async def test_the_commands_that_it_names(control: SmallControl, path: str) -> None:
    """Are those that work where it was called: without a socket that is the default there."""
    _, out, _ = await zep_mode("--status", ZEP_SIDECAR_LISTEN__ADMIN=path)
    assert "  zep_mode --force REASON\n" in out


async def test_force(control: SmallControl, path: str) -> None:
    """With defaults and with everything; shows what has become of the mode."""
    code, out, _ = await zep_mode("--force", "rollback", "--socket", path)
    assert code == 0
    assert control.forced == Force("rollback", "write_only", None, False)
    assert out.startswith("done: forced\n\n==> WRITE_ONLY (1) ")
    assert re.search(
        r'limited by    forced since .+ UTC: write_only "rollback", until --clear\n', out
    )
    everything = ("--force", "x", "--mode", "off", "--ttl", "90.5", "--allow-stale", "--json")
    code, out, _ = await zep_mode(*everything, "--socket", path)
    assert control.forced == Force("x", "off", 90.5, True)
    assert json.loads(out)["status"]["forced"]["remaining"] == 90.5


async def test_clear(control: SmallControl, path: str) -> None:
    """What still limits the mode is named, and is no failure."""
    control.force(Force("x"))
    code, out, _ = await zep_mode("--clear", "--socket", path)
    assert code == 0
    assert out.startswith("done: cleared\n\n==> READ_WRITE")
    control.override = OVERRIDE
    code, out, _ = await zep_mode("--clear", "--socket", path)
    assert code == 0
    assert out.startswith("done: cleared; still limited by override\n\n==> WRITE_ONLY")
    assert "kubectl edit configmap zep-sidecar-override" in out
    code, out, _ = await zep_mode("--clear", "--json", "--socket", path)
    assert json.loads(out)["limited_by"] == ["override"]


async def test_invalidate(control: SmallControl, path: str) -> None:
    """Says how much was dropped, for any id."""
    for id_, said in (
        ("t1", "1 cached answer dropped"),
        ("ayşe@example.com", "3 cached answers dropped"),
        ("t2", "0 cached answers dropped"),
        ("none", "there is no cache"),
    ):
        answer = await zep_mode("--invalidate", id_, "--socket", path)
        assert answer == (0, f"done: {said}\n", "")


async def test_reset_failures(control: SmallControl, path: str) -> None:
    """Shows the streak that is no more."""
    code, out, _ = await zep_mode("--reset-failures", "--socket", path)
    assert code == 0
    assert out.startswith("done: failures forgotten\n\n")
    assert "closed, level 0, streak 0" in out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--status", "--clear"),
        ("--force", "a", "--invalidate", "t1"),
        ("--stat",),
        ("--force",),
        ("--force", ""),
        ("--force", "INC 4821"),
        ("--force", 'a"\r\nX-Injected: 1'),
        ("--force", "a", "--mode", "read_write"),
        ("--force", "a", "--ttl", "0"),
        ("--force", "a", "--ttl", "-5"),
        ("--force", "a", "--ttl", "nan"),
        ("--force", "a", "--ttl", "30m"),
        ("--invalidate", ""),
        ("--status", "--ttl", "5"),
        ("--clear", "--mode", "off"),
        ("--status", "--allow-stale"),
        ("--status", "more"),
    ],
)
async def test_usage(control: SmallControl, path: str, arguments: tuple[str, ...]) -> None:
    """Exit 2, without a word to the sidecar, and without a line break that is not ours."""
    code, out, error = await zep_mode(*arguments, "--socket", path)
    assert (code, out) == (2, "")
    assert "zep_mode: error: " in error
    assert "\r" not in error
    assert control.forced is None


async def test_no_sidecar(tmp_path: Path) -> None:
    """Exit 1, and a sentence about what to look at; as JSON too."""
    missing = str(tmp_path / "missing.sock")
    code, out, error = await zep_mode("--status", "--socket", missing)
    assert (code, out) == (1, "")
    assert f"cannot reach the sidecar at {missing}: there is no such socket" in error
    assert "kubectl exec POD -c zep-sidecar -- zep_mode --status" in error
    dead = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(dead)
    code, out, error = await zep_mode("--status", "--json", "--socket", dead)
    assert code == 1
    assert "nobody listens on it: the sidecar is not running" in json.loads(out)["error"]
    code, _, error = await zep_mode("--status", "--socket", "x" * 200)
    assert code == 1
    assert "too long" in error


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_something_else_answers(tmp_path: Path, answer: bytes) -> None:
    """Exit 1, whatever it says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    path = str(tmp_path / "other.sock")
    server = await asyncio.start_unix_server(serve, path)
    code, out, error = await zep_mode("--status", "--socket", path)
    assert (code, out) == (1, "")
    assert path in error
    server.close()


async def test_refusal_of_the_sidecar(tmp_path: Path) -> None:
    """Exit 1 and the sidecar's own words."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"message": "not now"}'
        writer.write(b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    path = str(tmp_path / "other.sock")
    server = await asyncio.start_unix_server(serve, path)
    assert await zep_mode("--clear", "--socket", path) == (1, "", "zep_mode: refused: not now\n")
    server.close()


async def test_it_is_in_a_hurry() -> None:
    """Nothing that takes long to import is imported."""
    heavy = "{'aiohttp', 'yaml', 're2', 'phonenumbers', 'msgspec', 'asyncio', 'sidecar.redact'}"
    program = f"import sys, sidecar.zep_mode; print({heavy} & sys.modules.keys())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"set()\n"


def test_names() -> None:
    """The command is installed, and its default is the sidecar's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["zep_mode"] == "sidecar.zep_mode:main"
    assert DEFAULT_SOCKET == "/run/zep-sidecar/admin.sock"


def shown(**changes: Any) -> str:
    """Return the report of a status."""
    return "\n".join(report(status(**changes), NOW))


def test_guard() -> None:
    """Why, until when, and what to do."""
    text = shown(guard=HELD, effective="write_only", gauge=1, limited_by=["guard"])
    assert text.startswith(
        "==> WRITE_ONLY (1)  writes go to Zep, context is NOT read from Zep\n"
        "limited by    guard since 13:58:02 UTC: open (consecutive_failures), "
        "next probe 14:05:33 UTC (in 4 min 13 s)\n\n"
    )
    assert "(in 4 min 13 s), level 1, streak 3\n" in text
    assert "what to do    zep_mode --clear\n" in text
    due = {**HELD, "remaining": 0, "streak": {"context": 3, "write": 0}}
    text = shown(guard=due, effective="write_only", gauge=1, limited_by=["guard"])
    assert "open (consecutive_failures), the next read is the probe, level 1" in text
    assert "streak context 3, write 0" in text
    probing = {**HELD, "state": "half-open", "remaining": 0}
    text = shown(guard=probing, effective="write_only", gauge=1, limited_by=["guard"])
    assert " UTC: half-open (consecutive_failures), a probe is under way\n" in text


def test_every_limit_is_explained_once() -> None:
    """Also when there are several, with one command each."""
    text = shown(
        base="write_only",
        effective="off",
        gauge=0,
        guard=HELD,
        forced={"mode": "off", "reason": "rollback", "remaining": 590},
        override=OVERRIDE,
        credentials=[
            {"id": "3f2a9c", "state": "open", "remaining": 100},
            {"id": "b1", "state": "closed", "remaining": None},
        ],
        limited_by=["base", "override", "forced", "guard", "auth"],
    )
    assert "==> OFF (0)  NOTHING goes to Zep but erasures\n" in text
    for line in (
        "limited by    base SINCE: FLAG_ZEP_READ is false\n",
        '              override SINCE: write_only "INC-4821 p95", until 18:00:00 UTC\n',
        '              forced SINCE: off "rollback", until 14:11:11 UTC (in 9 min 50 s)\n',
        "              auth SINCE: Zep refuses the API key: 1 of 2 refused: 3f2a9c open, next ",
    ):
        assert line.replace("SINCE", "since 13:58:02 UTC") in text
    steps = text.partition("what to do")[2]
    assert steps.count("zep_mode --clear\n") == 1
    assert steps.count("kubectl edit configmap") == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"state": "expired", "expires_at": "2026-11-21T18:00:00+00:00"},
            'write_only "INC-4821 p95", expired 2026-11-21 18:00 UTC',
        ),
        ({"state": "not_selected", "selected": False}, "for other pods: write_only "),
        ({"state": "invalid"}, "INVALID file; last good one: write_only "),
        ({"state": "unreadable"}, "UNREADABLE file; last good one: write_only "),
        ({"state": "invalid", "mode": None}, "INVALID file; last good one: none"),
        ({"reason": None, "expires_at": None}, "write_only, until it is edited"),
    ],
)
def test_override(changes: dict[str, Any], line: str) -> None:
    """In each of its states."""
    text = shown(override={**OVERRIDE, **changes})
    assert f"\noverride      {line}" in text
    broken = changes.get("state") in ("invalid", "unreadable")
    assert ("zep-sidecar check --override" in text) is broken


def test_invalid_override_limits() -> None:
    """The file is to be looked at, whatever came before it."""
    override = {**dict.fromkeys(OVERRIDE), "state": "invalid"}
    text = shown(
        override=override, effective="write_only", gauge=1, limited_by=["invalid_override"]
    )
    assert (
        "limited by    invalid_override since 13:58:02 UTC: the override file cannot be used"
        in text
    )
    assert "zep-sidecar check --override /etc/zep-sidecar/override/override.yaml\n" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "14:01:21 UTC (in 1 s)"),
        (60, "14:02:21 UTC (in 1 min)"),
        (3599.5, "15:01:20 UTC (in 1 h)"),
        (3700, "15:03:01 UTC (in 1 h 1 min)"),
        (200_000, "2026-11-24 21:34 UTC (in 2 d 7 h)"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    """As a person reads them."""
    forced = {"mode": "write_only", "reason": "x", "remaining": seconds}
    assert f'\nforced        write_only "x", until {text}\n' in shown(forced=forced)


def test_colour() -> None:
    """Only of the mode, and only on request."""
    assert "\x1b" not in shown()
    first, *rest = report(status(), NOW, colour=True)
    assert first == (
        "==> \x1b[1;42;30m READ_WRITE (2) \x1b[0m  writes go to Zep, context is read from Zep"
    )
    assert "\x1b" not in "".join(rest)
