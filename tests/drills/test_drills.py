"""The drills as operators run them: the real command, real processes, real sockets."""

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.standin import StandIn
from tests.process import Process, spawn

KEY = "planted-key-of-staging"
StartStaging = Callable[..., Awaitable["Staging"]]


class Staging:
    """A sidecar that runs already, in front of a Zep that no drill can break."""

    def __init__(self, process: Process, zep: StandIn, socket: str) -> None:
        self.process, self.zep, self.socket = process, zep, socket

    def drill(self, *arguments: str) -> list[str]:
        """Return the command for some drills."""
        proxy, ops = (f"http://127.0.0.1:{p}" for p in (self.process.port, self.process.ops_port))
        return ["drill", *arguments, "--proxy", proxy, "--ops", ops, "--socket", self.socket]

    async def status(self) -> dict[str, Any]:
        """Return what the operator's command says."""
        return dict(json.loads(await self.zep_mode("--status")))

    async def zep_mode(self, *arguments: str) -> str:
        """Run the operator's command."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sidecar.zep_mode", *arguments, "--json", "--socket", self.socket,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode()

    @property
    def named(self) -> set[str]:
        """Return the users and threads that requests have named, as (method, kind)."""
        named = set()
        for request in self.zep.received:
            kind = request.target.split("/")[3]
            ident = request.target.split("/")[4] if request.target.count("/") > 3 else ""
            named.add(f"{request.method} {kind} {ident[:17]}".strip())
        return named


@pytest.fixture
async def staging(tmp_path: Path) -> AsyncIterator[StartStaging]:
    """Give a function that starts one, with config sections as keyword arguments."""
    zep = StandIn()
    await zep.start()
    started: list[Process] = []

    async def start(**sections: Any) -> Staging:
        socket = str(tmp_path / "admin.sock")
        listen = {"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": socket}
        sections = {"listen": listen, "guard": {"state_file": ""}, **sections}
        started.append(await Process.start(tmp_path, zep.url, **sections))
        return Staging(started[0], zep, socket)

    yield start
    for process in started:
        await process.stop()
    await zep.stop()


async def run(*arguments: str, stdin: bytes = b"", **environ: str) -> tuple[int, str, str]:
    """Run a command to its end; return exit code, output and error output."""
    process = await spawn(*arguments, **environ)
    async with asyncio.timeout(110):
        out, error = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


def leftovers(directory: Path) -> list[str]:
    """Return what is left of a drill that had this TMPDIR: files, and processes."""
    found = [str(path) for path in directory.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={directory}\0".encode() in environ + b"\0":
            found.append(process.name)
    return found


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A TMPDIR; a socket in it must not have too long a name."""
    made = tmp_path / "t"
    made.mkdir()
    return made


@pytest.mark.timeout(120)
async def test_all_six(temporary: Path) -> None:
    """All pass, whatever configures a sidecar in the environment, and nothing is left."""
    code, out, error = await run(
        "drill", "--json",
        TMPDIR=str(temporary), FLAG_ZEP_WRITE="false", ZEP_SIDECAR_UPSTREAM__URL="http://x.invalid",
    )  # fmt: skip
    assert (code, error) == (0, "")
    report = json.loads(out)
    assert report["verdict"] == "passed"
    assert report["sidecar"]["embedded"]
    assert [(d["number"], d["verdict"]) for d in report["drills"]] == [
        (n, "passed") for n in range(1, 7)
    ]
    checks = [c for d in report["drills"] for s in d["steps"] for c in s["checks"]]
    assert len(checks) > 50
    assert {c["passed"] for c in checks} == {True}  # nothing is skipped either
    assert report["left_behind"] == []
    assert leftovers(temporary) == []


async def test_single_drills_for_people() -> None:
    """Only those named, in plain text where there is no terminal; what is done is told."""
    code, out, error = await run("drill", "1", "3")
    assert (code, error) == (0, "")
    assert "\x1b" not in out
    assert "Drill 1. " in out
    assert "Drill 2. " not in out
    assert "note in Zep: Merhaba, e-postam [EMAIL], telefonum [PHONE]. Sipariş no 4821" in out
    assert "missing of 21 metrics: none" in out
    assert "PASSED" in out
    assert "2 of 2 drills passed." in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("7",),
        ("one",),
        ("--interactive",),  # standard input is no terminal here
        ("--interactive", "--json"),
        ("--ops", "http://127.0.0.1:9464"),
        ("--socket", "/run/zep-sidecar/admin.sock"),
        ("--proxy", "http://127.0.0.1:8790"),  # and no key
    ],
)
async def test_usage(arguments: tuple[str, ...]) -> None:
    """What cannot be meant is exit code 2, before anything is started."""
    code, out, error = await run("drill", *arguments, ZEP_API_KEY="")
    assert (code, out) == (2, "")
    assert "zep-sidecar drill: error: " in error


async def test_staging(staging: StartStaging) -> None:
    """In front of a real Zep: what cannot be injected is said, what is made is deleted."""
    there = await staging()
    code, out, error = await run(*there.drill("--json"), ZEP_API_KEY=KEY)
    report = json.loads(out)
    # This Zep takes any key: of a wrong one, the drill says what it saw.
    assert [d["verdict"] for d in report["drills"]] == ["passed"] * 4 + ["failed", "passed"]
    [check] = [c for s in report["drills"][4]["steps"] for c in s["checks"] if not c["passed"]]
    assert (check["expected"], check["seen"]) == ("401 or 403, live", "200 live")
    skipped = [
        c["what"]
        for d in report["drills"]
        for s in d["steps"]
        for c in s["checks"]
        if c["passed"] is None
    ]
    assert skipped == [
        "bytes at Zep", "FLAG_ZEP_WRITE, FLAG_ZEP_READ", "everything at 0", "three timeouts",
    ]  # fmt: skip
    assert (code, error) == (1, "")
    assert KEY not in out
    assert there.named == {
        "POST users", "PATCH users zep-sidecar-drill", "GET users zep-sidecar-drill",
        "DELETE users zep-sidecar-drill", "POST threads", "POST threads zep-sidecar-drill",
        "GET threads zep-sidecar-drill", "DELETE threads zep-sidecar-drill",
    }  # fmt: skip
    assert (await there.status())["limited_by"] == []


async def test_staging_that_refuses_a_wrong_key(staging: StartStaging) -> None:
    """Drill 5 with a wrong key: that key is held, the good one reads on."""
    there = await staging()
    refusing = asyncio.create_task(_refuse_wrong_keys(there.zep))
    code, out, error = await run(*there.drill("5"), stdin=f"{KEY}\n".encode(), ZEP_API_KEY="")
    refusing.cancel()
    assert (code, error) == (0, "reading the Zep API key from standard input\n")
    assert "first read: the worker is told once: 401 live" in out
    assert "the good key still reads: 200 live" in out
    assert KEY not in out
    assert (await there.status())["limited_by"] == []


async def _refuse_wrong_keys(zep: StandIn) -> None:
    """Make the stand-in look at keys."""
    serve = zep._fault
    from sidecar.drills.lab import WRONG_KEY
    from sidecar.standin import Fault

    def look(target: str, served: int) -> Fault | None:
        headers = dict(zep.received[-1].headers)
        wrong = WRONG_KEY.encode() in headers.get(b"Authorization", b"")
        return Fault("status", status=401) if wrong else serve(target, served)

    zep._fault = look  # type: ignore[method-assign]


async def test_dark_launch(staging: StartStaging) -> None:
    """Where reads are off, redaction is still proven, and the rest says why it is skipped."""
    there = await staging(flags={"read": False})
    code, out, _ = await run(*there.drill("1", "4"), ZEP_API_KEY=KEY)
    assert code == 0
    assert "note in Zep: Merhaba, e-postam [EMAIL]" in out
    assert "skip   message in Zep: reads are off: the mode is write_only" in out
    assert "SKIPPED: reads are off: the mode is write_only" in out
    assert "1 of 2 drills passed." in out
    code, out, _ = await run(*there.drill("4"), ZEP_API_KEY=KEY)
    assert code == 1  # nothing was proven


async def test_a_drill_that_fails(staging: StartStaging) -> None:
    """Exit code 1, what was expected and what was seen; cleaned up all the same."""
    there = await staging(redaction={"email": False})
    code, out, _ = await run(*there.drill("1", "2"), ZEP_API_KEY=KEY)
    assert code == 1
    assert "FAIL   note in Zep: Merhaba, e-postam ayse.yilmaz@example.com, telefonum [PHONE]" in out
    assert "expected  Merhaba, e-postam [EMAIL], telefonum [PHONE]" in out
    assert "1 of 2 drills passed." in out
    assert {"DELETE users zep-sidecar-drill", "DELETE threads zep-sidecar-drill"} <= there.named


async def test_a_sidecar_in_trouble_is_left_alone(staging: StartStaging) -> None:
    """An operator's force is not a drill's to clear."""
    there = await staging()
    await there.zep_mode("--force", "rollback")
    code, out, error = await run(*there.drill(), ZEP_API_KEY=KEY)
    assert code == 1
    assert "Drill 1" not in out
    assert "limited by forced" in error
    assert (await there.status())["forced"]["reason"] == "rollback"
    assert not there.zep.received


async def test_no_sidecar_there(tmp_path: Path) -> None:
    """Say so, in a line."""
    missing = str(tmp_path / "admin.sock")
    code, _, error = await run(
        "drill", "--proxy", "http://127.0.0.1:1", "--socket", missing, ZEP_API_KEY=KEY
    )
    assert code == 1
    assert "there is no such socket" in error
    assert "Traceback" not in error


async def test_what_cannot_be_deleted_is_named(staging: StartStaging) -> None:
    """A drill that leaves something behind has not passed."""
    there = await staging()
    there.zep.answer("POST", "/api/v2/threads", 403, (), b"{}")
    code, out, _ = await run(*there.drill("1"), ZEP_API_KEY=KEY)
    assert code == 1
    assert "must make zep-sidecar-drill-" in out
    assert "DELETE users zep-sidecar-drill" in there.named
    assert "LEFT BEHIND" not in out


async def until(stream: asyncio.StreamReader, text: bytes) -> None:
    """Read lines until one that holds a text."""
    async with asyncio.timeout(40):
        while text not in (line := await stream.readline()):
            assert line


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_interrupted(temporary: Path, signum: signal.Signals) -> None:
    """Ctrl-C in the midst of an outage: processes and files go, the exit code is 1."""
    process = await spawn("drill", "6", TMPDIR=str(temporary))
    assert process.stdout
    await until(process.stdout, b"Zep no longer answers")
    assert leftovers(temporary)
    process.send_signal(signum)
    async with asyncio.timeout(30):
        _, error = await process.communicate()
    assert process.returncode == 1
    assert error == b"zep-sidecar drill: interrupted\n"
    assert leftovers(temporary) == []


async def test_interrupted_at_staging(staging: StartStaging) -> None:
    """The force that stands for the outage is cleared, and what was made is deleted."""
    there = await staging()
    process = await spawn(*there.drill("6"), ZEP_API_KEY=KEY)
    assert process.stdout
    await until(process.stdout, b"three timeouts")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        await process.communicate()
    assert process.returncode == 1
    assert (await there.status())["limited_by"] == []
    assert {"DELETE users zep-sidecar-drill", "DELETE threads zep-sidecar-drill"} <= there.named


async def test_interactive() -> None:
    """Before each step it waits: Enter goes on, s skips, q ends it, and all is cleaned up."""
    main, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sidecar", "drill", "2", "3", "--interactive",
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    seen = ""
    for typed in ("\n", "s\n", "s\n", "\n", "q\n"):
        async with asyncio.timeout(30):
            while not seen.endswith("quit: "):
                seen += (await asyncio.to_thread(os.read, main, 4096)).decode()
        seen += f"<{typed.strip()}>"
        os.write(main, typed.encode())
    async with asyncio.timeout(30):
        while "drills passed" not in seen:
            seen += (await asyncio.to_thread(os.read, main, 4096)).decode()
        assert await process.wait() == 0
    os.close(main)
    assert seen.count("next: ") == 5
    assert "memory_mode_gauge" in seen  # the first step of drill 2 was done
    assert "FLAG_ZEP_READ=" not in seen  # its second was not
    assert "missing of 21 metrics" in seen
    assert "another sidecar" not in seen
    assert "\x1b[32mPASSED" in seen
