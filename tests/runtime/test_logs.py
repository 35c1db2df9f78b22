"""Log lines from an allow-list, and what a running sidecar says."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sidecar.runtime import clock
from sidecar.runtime.logs import BURST, Log
from tests.atomic_writer import AtomicWriter
from tests.conftest import StartSidecar
from tests.runtime.support import FAILED, GOOD, Clocks, admin, answer, read, trip
from tests.wire import ScriptedUpstream, request, silent

NOON = datetime(2026, 11, 22, 12, 0, 0, 5000, tzinfo=UTC)


def log(level: str = "info", style: str = "json") -> tuple[Log, io.StringIO]:
    """Return a log and what it writes to."""
    stream = io.StringIO()
    return Log(lambda: NOON, level, style, stream), stream


def test_json() -> None:
    """One object a line."""
    write, stream = log()
    write("ready", proxy="127.0.0.1:1", key="k")
    assert json.loads(stream.getvalue()) == {
        "ts": "2026-11-22T12:00:00.005Z",
        "level": "info",
        "event": "ready",
        "proxy": "127.0.0.1:1",
        "key": "k",
    }


def test_text() -> None:
    """The same, for a terminal."""
    write, stream = log(style="text")
    write("stopped", "warning", reason="x")
    assert stream.getvalue() == "2026-11-22T12:00:00.005Z warning stopped reason=x\n"


def test_level() -> None:
    """Below the configured level nothing is written."""
    write, stream = log("warning")
    write("ready")
    assert stream.getvalue() == ""


def test_always() -> None:
    """What others wait for is written at any level."""
    write, stream = log("error")
    write.always("ready", proxy="x")
    assert json.loads(stream.getvalue())["event"] == "ready"


def test_unknown_fields_are_refused() -> None:
    """Nothing can be logged that is not on the list."""
    write, _ = log()
    with pytest.raises(ValueError, match="body"):
        write("ready", body="x")


def test_a_closed_stream_does_no_harm() -> None:
    """Whoever reads the log may go; the sidecar stays."""
    write, stream = log()
    stream.close()
    write("ready")


# --- a running sidecar ----------------------------------------------------------------------------


class Lines:
    """The log lines of a sidecar in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._seen: list[dict[str, Any]] = []

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of an event, without time and name."""
        self._seen += [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return [
            {key: value for key, value in line.items() if key not in ("ts", "event")}
            for line in self._seen
            if line["event"] == event
        ]

    async def until(self, event: str, count: int) -> list[dict[str, Any]]:
        """Wait for so many lines of an event, and return them."""
        async with asyncio.timeout(15):
            while len(found := self.of(event)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What is logged from now on."""
    return Lines(capsys)


INFO = {"level": "info"}


def changes(found: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return old, new, source and reason of each change of the mode."""
    return [(line["old"], line["new"], line["source"], line["reason"]) for line in found]


async def test_mode_changes_by_operators(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path, lines: Lines
) -> None:
    """Who, why, and until when: a force, its end, an edit of the override file, its expiry."""
    socket = str(tmp_path / "admin.sock")
    volume = AtomicWriter(tmp_path / "override")
    await start(
        upstream.url,
        log=INFO,
        listen={"admin": socket},
        override={"poll_interval": 0.1},
        probe={"active": False},
    )
    [ready] = lines.of("ready")
    assert ready["mode"] == "read_write"
    await admin(socket, "POST", "/force", {"reason": "manual", "ttl": 600})
    await admin(socket, "POST", "/clear")
    found = lines.of("mode_changed")
    assert changes(found) == [
        ("read_write", "write_only", "forced", "manual"),
        ("write_only", "read_write", "forced", "cleared"),
    ]
    assert 595 < (datetime.fromisoformat(found[0]["until"]) - clock.wall()).total_seconds() <= 600
    assert found[1]["until"] == ""
    expires = clock.wall() + timedelta(seconds=1.5)
    text = f"mode: off\nreason: Ayse Yilmaz called\nexpires_at: {expires.isoformat()}\n"
    volume.write({"override.yaml": text.encode()})
    found = await lines.until("mode_changed", 4)
    assert changes(found)[2:] == [
        ("read_write", "off", "override", "override"),
        ("off", "read_write", "override", "expired"),
    ]
    assert abs(datetime.fromisoformat(found[2]["until"]) - expires) < timedelta(seconds=1.1)
    volume.write({"override.yaml": b"mode: write_only\n"})
    await lines.until("mode_changed", 5)
    volume.write({"override.yaml": b"mode: bananas\n"})
    assert (await lines.until("override", 4))[-1]["state"] == "invalid"
    volume.write({})
    assert changes(await lines.until("mode_changed", 6))[4:] == [
        ("read_write", "write_only", "override", "override"),
        ("write_only", "read_write", "override", "override"),
    ]
    assert "Ayse" not in repr(lines.of("override")) + repr(lines.of("mode_changed"))


async def test_mode_changes_by_the_guard(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trip, a probe that fails, one that succeeds, recovery; and the same for a refused key."""
    clocks = Clocks(monkeypatch)
    running = await start(upstream.url, log=INFO, probe={"active": False})
    await trip(running, upstream)
    clocks.after(340)
    upstream.script += [FAILED, GOOD]
    await running.ask(read())
    clocks.after(600)
    await running.ask(read())
    [tripped] = lines.of("tripped")
    assert (tripped["reason"], tripped["cause"]) == ("consecutive_failures", "http_5xx")
    assert [(p["result"], p["cause"]) for p in lines.of("probe")] == [
        ("fail", "http_5xx"),
        ("ok", ""),
    ]
    assert [line["scope"] for line in lines.of("recovered")] == ["host"]
    found = lines.of("mode_changed")
    assert changes(found) == [
        ("read_write", "write_only", "guard", "consecutive_failures"),
        ("write_only", "read_write", "guard", "recovered"),
    ]
    assert found[0]["until"].endswith("Z")
    upstream.script.append(answer(401))
    await running.ask(read())
    assert changes(lines.of("mode_changed"))[2:] == [("read_write", "write_only", "auth", "auth")]


async def test_other_actions_of_operators(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path, lines: Lines
) -> None:
    """An invalidation is logged without whose it was."""
    socket = str(tmp_path / "admin.sock")
    await start(upstream.url, log=INFO, listen={"admin": socket}, cache={"enabled": True})
    await admin(socket, "POST", "/invalidate", {"id": "ayse@example.com"})
    await admin(socket, "POST", "/reset-failures")
    assert lines.of("invalidated") == [{"level": "info", "dropped": 0}]
    assert lines.of("failures_reset") == [{"level": "info"}]


async def test_a_line_for_each_request_at_debug(
    start: StartSidecar, upstream: ScriptedUpstream, lines: Lines
) -> None:
    """Template, class, outcome, time: nothing of the request itself; none of it at info."""
    upstream.always = GOOD
    quiet = await start(upstream.url, log=INFO)
    await quiet.ask(read())
    assert lines.of("request") == []
    running = await start(upstream.url, log={"level": "debug"})
    await running.ask(read(target="/api/v2/threads/planted/context?mode=planted"))
    await running.ask(request("PURGE", "/api/v4/planted"))
    await running.ask(request("GET", "/planted"))
    known, unknown, stray = lines.of("request")
    assert 0 < known.pop("ms") < 5000
    assert known == {
        "level": "debug", "method": "GET", "route": "/api/v2/threads/{thread_id}/context",
        "class": "CTX", "status": 200, "outcome": "live", "reason": "", "cache": "bypass",
        "mode": "read_write",
    }  # fmt: skip
    assert (unknown["method"], unknown["route"]) == ("_OTHER", "")
    assert (stray["route"], stray["outcome"], stray["reason"]) == ("", "blocked", "no_api_prefix")
    assert "planted" not in repr(lines.of("request"))


async def test_a_flood_of_refusals(
    start: StartSidecar, upstream: ScriptedUpstream, lines: Lines
) -> None:
    """Each kind of line has its pace; a change of the mode is always said."""
    running = await start(upstream.url, log=INFO)
    async with running.worker() as worker:
        for _ in range(200):
            await worker.send(request("POST", "/api/v2/users", b"{"))
            assert (await worker.answer()).status == 400
    found = lines.of("refused")
    assert BURST <= len(found) < 100
    assert found[0]["reason"] == "body"
    assert await running.metric("zep_sidecar_refused_total", reason="body") == 200


async def test_stop(start: StartSidecar, upstream: ScriptedUpstream, lines: Lines) -> None:
    """How many are waited for, and how many are cut off."""
    running = await start(upstream.url, log=INFO, timeouts={"drain": 0.1})
    upstream.always = silent()
    async with running.worker() as worker:
        await worker.send(read())
        await upstream.until(1)
        await running.sidecar.stop()
    assert lines.of("draining") == [{"level": "info", "in_flight": 1}]
    assert lines.of("stopped") == [{"level": "warning", "in_flight": 1}]


def test_the_pace() -> None:
    """What was held back is told; another kind, and what must be said, is not held back."""
    write, stream = log()
    for _ in range(BURST + 7):
        write("refused")
    write("internal_error")
    for _ in range(2 * BURST):
        write("mode_changed")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert [events.count(e) for e in ("refused", "internal_error", "mode_changed")] == [
        BURST, 1, 2 * BURST,
    ]  # fmt: skip
