"""What survives a restart, what operators see, and faults beside the requests."""

import asyncio
import gc
import json
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sidecar import __version__
from sidecar.runtime import governor
from tests.atomic_writer import AtomicWriter
from tests.conftest import Running, StartSidecar
from tests.runtime.support import (
    CODED,
    FAILED,
    GOOD,
    Clocks,
    Gate,
    admin,
    answer,
    is_closed,
    is_due,
    is_held,
    read,
    told,
    trip,
    until,
    write,
)
from tests.test_zep_mode import zep_mode
from tests.wire import ScriptedUpstream


class Pod:
    """A place in which sidecars follow one another, with one state file."""

    def __init__(self, start: StartSidecar, url: str, directory: Path) -> None:
        self._start = start
        self._url = url
        self.file = directory / "state.json"
        self.socket = str(directory / "admin.sock")
        self.running: Running | None = None

    async def restart(self, **sections: object) -> Running:
        """End the present sidecar, if there is one, and start the next."""
        if self.running:
            await self.running.sidecar.stop()
        self.running = await self._start(
            self._url,
            guard={"state_file": str(self.file)},
            listen={"admin": self.socket},
            **sections,
        )
        return self.running

    def saved(self) -> Any:
        """Return what the state file holds."""
        return json.loads(self.file.read_bytes())

    def has(self, condition: Callable[[Any], object]) -> Callable[[], bool]:
        """Return a check of the state file, for `until`."""

        def check() -> bool:
            try:
                return bool(condition(self.saved()))
            except (OSError, ValueError, TypeError, KeyError):
                return False

        return check


@pytest.fixture
def pod(start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path) -> Pod:
    """A pod in which nothing runs yet."""
    return Pod(start, upstream.url, tmp_path)


def events(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    """Return the log lines of one event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == event]


# --- the state file -------------------------------------------------------------------------------


async def test_a_hold_survives_a_restart(pod: Pod, upstream: ScriptedUpstream) -> None:
    """With its reason, its level and its end; and so does that of a credential."""
    first = await pod.restart()
    upstream.script.append(answer(401))
    await first.ask(read("two"))
    await trip(first, upstream)
    before = first.status
    second = await pod.restart()
    status = second.status
    assert (status["gauge"], status["limited_by"]) == (1, ["guard", "auth"])
    assert status["guard"]["reason"] == "consecutive_failures"
    assert status["since"]["guard"] == before["since"]["guard"]
    assert 0 <= before["guard"]["remaining"] - status["guard"]["remaining"] < 30
    assert [c["state"] for c in status["credentials"]] == ["open"]
    assert await second.metric("memory_mode_gauge") == 1
    assert told(await second.ask(read()))[1:] == ("1", "empty", "consecutive_failures")
    assert told(await second.ask(read("two")))[1:] == ("1", "empty", "auth")
    assert len(upstream.received) == 4
    downgrades = "memory_zep_downgrades_total"  # nothing new has happened
    assert await second.metric(downgrades, reason="consecutive_failures") == 0


async def test_a_kill_loses_nothing_that_is_a_second_old(
    pod: Pod, upstream: ScriptedUpstream
) -> None:
    """Every transition is written when it happens, not at the end; afterwards nothing is left."""
    first = await pod.restart()
    await trip(first, upstream)
    await until(pod.has(lambda saved: saved["host"]))
    assert stat.S_IMODE(pod.file.stat().st_mode) == 0o600
    assert [path.name for path in pod.file.parent.glob("state*")] == ["state.json"]
    content = pod.file.read_bytes()
    pod.running = None  # it is not stopped
    pod.socket = ""
    second = await pod.restart()
    assert is_held(second)
    assert b"Api-Key" not in content
    upstream.script.append(answer(401))
    await second.ask(write())
    await until(pod.has(lambda saved: saved["credentials"]))


async def test_the_level_survives(clocks: Clocks, pod: Pod, upstream: ScriptedUpstream) -> None:
    """The next hold goes on growing from there."""
    first = await pod.restart()
    await trip(first, upstream)
    clocks.after(331)
    upstream.script.append(FAILED)
    await first.ask(read())
    second = await pod.restart()
    assert second.status["guard"]["level"] == 1
    clocks.after(500)
    upstream.script.append(FAILED)
    await second.ask(read())
    assert (second.status["guard"]["level"], second.status["guard"]["remaining"] > 590) == (2, True)


@pytest.mark.parametrize(
    ("body", "remaining"),
    [
        ({"reason": "rollback"}, None),
        ({"reason": "x", "ttl": 600, "mode": "off", "allow_stale": True}, 600),
    ],
)
async def test_a_force_survives_a_restart(
    pod: Pod, upstream: ScriptedUpstream, body: dict[str, object], remaining: float | None
) -> None:
    """With its end, if it has one."""
    await pod.restart()
    await admin(pod.socket, "POST", "/force", body)
    second = await pod.restart()
    forced = second.status["forced"]
    assert (forced["mode"], forced["reason"]) == (body.get("mode", "write_only"), body["reason"])
    if remaining is None:
        assert forced["remaining"] is None
    else:
        assert remaining - 30 < forced["remaining"] < remaining
    assert second.status["limited_by"] == ["forced"]
    assert told(await second.ask(read()))[2] == "empty"
    assert upstream.received == []


async def test_what_is_cleared_stays_cleared(pod: Pod, upstream: ScriptedUpstream) -> None:
    """Also when the process ends right after it, within the pause between two writes."""
    first = await pod.restart()
    await trip(first, upstream)
    await admin(pod.socket, "POST", "/force", {"reason": "x"})
    await until(pod.has(lambda saved: saved["host"]))
    await admin(pod.socket, "POST", "/clear")
    second = await pod.restart()
    assert (second.status["gauge"], second.status["forced"]) == (2, None)


@pytest.mark.parametrize(
    ("jump", "least", "most"), [(-86400, 0, 661), (86400, 0, 0), (-100, 398, 441), (100, 198, 231)]
)
async def test_the_wall_clock_jumps_between_two_runs(
    clocks: Clocks, pod: Pod, upstream: ScriptedUpstream, jump: float, least: float, most: float
) -> None:
    """Whatever it says: no hold is longer than the longest; one that is over is due."""
    await trip(await pod.restart(), upstream)
    assert pod.running
    await pod.running.sidecar.stop()
    clocks.set_wall(jump)
    pod.running = None
    second = await pod.restart()
    assert is_held(second)
    assert least <= second.status["guard"]["remaining"] <= most
    if most == 0:
        upstream.script.append(GOOD)
        assert told(await second.ask(read())) == (200, "1", "live", "")
        assert is_closed(second)


async def test_the_wall_clock_jumps_during_a_run(
    clocks: Clocks, pod: Pod, upstream: ScriptedUpstream
) -> None:
    """Nothing that lasts is measured by it."""
    running = await pod.restart()
    await admin(pod.socket, "POST", "/force", {"reason": "x", "ttl": 600})
    upstream.script += [FAILED] * 3
    for key in ("a", "b", "c"):
        await running.ask(write(key))
    for jump in (-86400, 2 * 86400):
        clocks.set_wall(jump)
        await asyncio.sleep(0.3)  # one look at the clock
        assert 290 < running.status["guard"]["remaining"] <= 330
        assert 590 < running.status["forced"]["remaining"] <= 600
    assert told(await running.ask(read()))[3] == "forced"


async def test_its_clock_never_goes_back(running: Running) -> None:
    """Nor does it run on, when it is found that this process had no time."""
    governor = running.sidecar._governor
    first = governor.now()
    governor._lag.total += 100.0
    second, third = governor.now(), governor.now()
    assert first < second < third < first + 50


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"version":2}', b'{"version":1,"forced":{"mode":"x"}}', None],
)
async def test_a_state_file_that_makes_no_sense(
    pod: Pod,
    upstream: ScriptedUpstream,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
) -> None:
    """It starts closed, says so once, and replaces the file at the next transition."""
    if content is None:
        pod.file.mkdir()
    else:
        pod.file.write_bytes(content)
    running = await pod.restart(log={"level": "warning"})
    [line] = events(capsys, "state_not_restored")
    assert line["level"] == "warning"
    assert (running.status["gauge"], running.status["forced"]) == (2, None)
    await trip(running, upstream)
    if content is not None:
        await until(pod.has(lambda saved: saved["host"]))
        second = await pod.restart()
        assert is_held(second)


async def test_a_missing_state_file_is_no_fault(
    pod: Pod, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is none when a pod is new."""
    await pod.restart(log={"level": "warning"})
    assert events(capsys, "state_not_restored") == []


async def test_a_state_file_that_cannot_be_written(
    pod: Pod,
    upstream: ScriptedUpstream,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Said once; everything else goes on; and once it can, it is written."""
    monkeypatch.setattr(governor, "SAVE_PAUSE", 0.05)
    pod.file = pod.file.parent / "later" / "state.json"
    running = await pod.restart(log={"level": "warning"})
    await trip(running, upstream)
    for _ in range(3):
        await admin(pod.socket, "POST", "/clear")
        await trip(running, upstream)
        await asyncio.sleep(0.1)
    assert len(events(capsys, "state_not_saved")) == 1
    assert told(await running.ask(read()))[1:] == ("1", "empty", "consecutive_failures")
    pod.file.parent.mkdir()
    await admin(pod.socket, "POST", "/clear")
    await until(pod.has(lambda saved: saved["host"] is None))


async def test_the_end_waits_for_a_save_that_has_not_begun(
    pod: Pod, upstream: ScriptedUpstream
) -> None:
    """Threads that wait for a dead resolver must not cost the hold."""
    release = threading.Event()
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(executor)
    running = await pod.restart()
    hung = loop.run_in_executor(None, release.wait)
    await trip(running, upstream)
    await asyncio.sleep(0.05)  # the save waits for a thread
    await running.sidecar.stop()
    release.set()
    await hung
    assert pod.saved()["host"]["reason"] == "consecutive_failures"


async def test_the_end_while_a_save_is_slow(
    pod: Pod, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written last is what happened last."""
    release, began = threading.Event(), threading.Event()
    fdopen = os.fdopen

    def slow_fdopen(*arguments: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            began.set()
            release.wait(5)
        return fdopen(*arguments)

    monkeypatch.setattr("sidecar.runtime.governor.os.fdopen", slow_fdopen)
    running = await pod.restart()
    await trip(running, upstream)
    await until(began.is_set)
    running.sidecar._governor.clear()
    asyncio.get_running_loop().call_later(0.2, release.set)
    await running.sidecar.stop()
    assert pod.saved()["host"] is None


async def test_what_was_acknowledged_is_saved(
    pod: Pod, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the save of something before it was under way: a kill loses nothing."""
    monkeypatch.setattr(governor, "SAVE_PAUSE", 10.0)
    turns, began = threading.Semaphore(0), threading.Event()
    fdopen = os.fdopen

    def slow_fdopen(*arguments: Any) -> Any:
        began.set()
        turns.acquire(timeout=5)
        return fdopen(*arguments)

    running = await pod.restart()
    with monkeypatch.context() as patch:
        patch.setattr("sidecar.runtime.governor.os.fdopen", slow_fdopen)
        await trip(running, upstream)
        await until(began.is_set)
        forcing = asyncio.create_task(admin(pod.socket, "POST", "/force", {"reason": "x"}))
        await until(lambda: running.status["forced"] is not None)
        turns.release()
        await until(pod.has(lambda saved: saved["host"]))
        await asyncio.sleep(0.1)
        assert not forcing.done()
        turns.release()
        await forcing
    assert pod.saved()["forced"]["reason"] == "x"


# --- what operators see ---------------------------------------------------------------------------

STATUS = {
    "base": str,
    "override": dict,
    "forced": dict,
    "guard": dict,
    "credentials": list,
    "effective": str,
    "gauge": int,
    "limited_by": list,
    "since": dict,
    "cache": dict,
    "spool": None,
    "upstream": str,
    "version": str,
}


async def test_status_by_the_command(
    clocks: Clocks, pod: Pod, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """`zep_mode --status --json` has exactly the shape of the contract, idle and in trouble."""
    running = await pod.restart()
    code, out, error = await zep_mode("--status", "--json", "--socket", pod.socket)
    idle = json.loads(out)
    assert (code, error, list(idle)) == (0, "", list(STATUS))
    assert idle == {
        "base": "read_write",
        "override": None,
        "forced": None,
        "guard": {"state": "closed", "reason": None, "remaining": 0, "level": 0, "streak": 0},
        "credentials": [],
        "effective": "read_write",
        "gauge": 2,
        "limited_by": [],
        "since": {},
        "cache": {
            "enabled": False,
            "entries": 0,
            "bytes": 0,
            "max_entries": 10000,
            "max_bytes": 67108864,
            "hit_ratio": None,
            "shared": None,
        },
        "spool": None,
        "upstream": upstream.url,
        "version": __version__,
    }
    AtomicWriter(tmp_path / "override").write(
        {"override.yaml": b"mode: write_only\nreason: INC-1\nexpires_at: 2099-11-22T18:00:00Z\n"}
    )
    running = await pod.restart()
    upstream.script += [GOOD, answer(401), FAILED, FAILED]
    await running.ask(write("a", credential=""))
    for key in ("b", "c", "d"):
        await running.ask(write(key))
    await admin(pod.socket, "POST", "/force", {"reason": "rollback", "ttl": 60})
    _, out, _ = await zep_mode("--status", "--json", "--socket", pod.socket)
    status = json.loads(out)
    assert list(status) == list(STATUS)
    assert (
        status["override"]
        == {
            "state": "active",
            "mode": "write_only",
            "reason": "INC-1",
            "expires_at": "2099-11-22T18:00:00Z",
            "selected": True,
        }
        or status["override"]["expires_at"] == "2099-11-22T19:00:00+01:00"
    )
    assert list(status["forced"]) == ["mode", "reason", "remaining"]
    assert list(status["guard"]) == ["state", "reason", "remaining", "level", "streak"]
    assert [list(c) for c in status["credentials"]] == [["id", "state", "remaining"]] * 2
    assert [c["state"] for c in status["credentials"]] == ["closed", "open"]
    assert status["guard"]["streak"] == 2
    assert (status["effective"], status["gauge"]) == ("write_only", 1)
    assert status["limited_by"] == ["override", "forced", "auth"]
    _, out, _ = await zep_mode("--status", "--socket", pod.socket)
    assert out.startswith("==> WRITE_ONLY (1)")


async def test_since_when(clocks: Clocks, pod: Pod, upstream: ScriptedUpstream) -> None:
    """Each source that limits the mode says since when, for as long as it does."""
    running = await pod.restart()
    await trip(running, upstream)
    since = running.status["since"]
    assert list(since) == ["guard"]
    clocks.after(100)
    await admin(pod.socket, "POST", "/force", {"reason": "x"})
    both = running.status["since"]
    assert both["guard"] == since["guard"]
    forced, held = (datetime.fromisoformat(both[source]) for source in ("forced", "guard"))
    assert 99 <= (forced - held).total_seconds() < 160
    await admin(pod.socket, "POST", "/clear")
    assert running.status["since"] == {}


async def test_status_never_shows_a_key(pod: Pod, upstream: ScriptedUpstream) -> None:
    """Only the beginning of its hash; neither does the log, nor the metrics."""
    running = await pod.restart()
    upstream.script.append(answer(401))
    await running.ask(read("z_secret"))
    shown = json.dumps(running.status) + (await running.ops("/metrics")).body.decode()
    [credential] = running.status["credentials"]
    assert len(credential["id"]) == 12
    assert "z_secret" not in shown
    assert credential["id"] not in (await running.ops("/metrics")).body.decode()


async def test_the_log_of_an_outage(
    clocks: Clocks, pod: Pod, upstream: ScriptedUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each thing that happened, with why and until when."""
    running = await pod.restart(log={"level": "info"})
    await trip(running, upstream)
    clocks.after(331)
    upstream.script += [FAILED, GOOD]
    await running.ask(read())
    clocks.after(500)
    await running.ask(read())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [(line["event"], line.get("new") or line.get("result") or "") for line in lines[1:]]
    assert found == [
        ("tripped", ""),
        ("mode_changed", "write_only"),
        ("probe", "fail"),
        ("probe", "ok"),
        ("recovered", ""),
        ("mode_changed", "read_write"),
    ]
    tripped = lines[1]
    assert (tripped["scope"], tripped["reason"], tripped["cause"]) == (
        "host",
        "consecutive_failures",
        "http_5xx",
    )
    assert lines[2]["until"]


async def test_the_gauge_does_not_wait_for_a_request(
    clocks: Clocks, pod: Pod, upstream: ScriptedUpstream
) -> None:
    """A force that ends, and a credential that has not been seen for long, show by themselves."""
    running = await pod.restart()
    upstream.script.append(answer(401))
    await running.ask(read())
    assert await running.metric("memory_mode_gauge") == 1
    clocks.after(901)
    await wait_for_gauge(running, 2)
    await admin(pod.socket, "POST", "/force", {"reason": "x", "ttl": 100, "mode": "off"})
    assert await running.metric("memory_mode_gauge") == 0
    clocks.after(101)
    await wait_for_gauge(running, 1)  # until a read has found out
    assert running.status["limited_by"] == ["guard"]
    assert is_due(running)


async def wait_for_gauge(running: Running, value: float) -> None:
    """Scrape until the gauge has a value."""
    async with asyncio.timeout(10):
        while await running.metric("memory_mode_gauge") != value:  # noqa: ASYNC110  a scrape
            await asyncio.sleep(0.02)


# --- faults beside the requests -------------------------------------------------------------------


async def test_a_fault_in_a_background_probe(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is said without data, and does not end the probing."""
    running = await start(
        upstream.url, guard={"hold": 0.1, "hold_max": 1}, probe={"idle_after": 0.1}
    )
    upstream.script.append(GOOD)
    await running.ask(read())
    await trip(running, upstream)
    faults: list[int] = []

    def broken(*_: object) -> None:
        faults.append(1)
        raise RuntimeError("ayse@example.com")

    upstream.always = CODED
    with monkeypatch.context() as patch:
        patch.setattr("zlib.decompressobj", broken)
        await until(lambda: bool(faults))
        await asyncio.sleep(0.05)
    await until(lambda: is_closed(running))
    out, error = capfd.readouterr()
    assert "ayse" not in out + error
    line, *_ = [json.loads(text) for text in out.splitlines() if "internal_error" in text]
    # Compiled code shows where it was waiting.
    assert line["reason"] == "RuntimeError"
    assert line["where"].split(":")[0] in (__name__, "sidecar.runtime.attempts")


async def test_a_fault_in_a_probe_that_nobody_waits_for(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is said without data as well."""
    running = await start(
        upstream.url, guard={"hold": 0.1, "hold_max": 1}, probe={"client_wait": 0.05}
    )
    await trip(running, upstream)
    await until(lambda: is_due(running))

    def broken(*_: object) -> None:
        raise RuntimeError("ayse@example.com")

    monkeypatch.setattr("zlib.decompressobj", broken)
    gate = Gate(CODED)
    upstream.script.append(gate)
    assert told(await running.ask(read()))[2] == "empty"
    gate.open()
    await until(lambda: is_held(running))
    await asyncio.sleep(0.05)
    gc.collect()
    out, error = capfd.readouterr()
    assert "ayse" not in out + error
    assert "internal_error" in out
