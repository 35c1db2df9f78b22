"""The modes, with raw sockets on both sides: what limits them, and what each lets through."""

import asyncio
import json
import statistics
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from sidecar.runtime import clock
from tests.atomic_writer import AtomicWriter
from tests.conftest import Running, StartSidecar
from tests.process import Process
from tests.runtime.support import (
    APPEND,
    CONTEXT,
    EMPTY,
    FAILED,
    GOOD,
    KNOWN,
    READING_APPEND,
    STRIPPED_APPEND,
    Clocks,
    Gate,
    admin,
    answer,
    is_due,
    is_held,
    read,
    told,
    trip,
    until,
    write,
)
from tests.test_zep_mode import zep_mode
from tests.wire import ScriptedUpstream, request


@pytest.fixture
async def operable(start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path) -> Running:
    """A sidecar with an admin socket, `admin.sock` in the test's directory."""
    return await start(upstream.url, listen={"admin": str(tmp_path / "admin.sock")})


# --- what the guard does to the mode --------------------------------------------------------------


async def test_case_01_three_failures(running: Running, upstream: ScriptedUpstream) -> None:
    """Each failed read is answered softly; the third downgrades, and later ones stay here."""
    upstream.script += [FAILED] * 3
    for _ in range(3):
        assert await running.metric("memory_mode_gauge") == 2
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "empty", "http_5xx"), EMPTY)
    assert await running.metric("memory_mode_gauge") == 1
    downgrades = "memory_zep_downgrades_total"
    assert await running.metric(downgrades, reason="consecutive_failures") == 1
    assert await running.metric("zep_sidecar_mode_limited_by", source="guard") == 1
    assert await running.metric("memory_zep_context_failures_total", reason="http_5xx") == 3
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)
    short = "zep_sidecar_short_circuits_total"
    assert await running.metric(short, reason="consecutive_failures") == 1
    assert len(upstream.received) == 3


async def test_case_02_one_401(running: Running, upstream: ScriptedUpstream) -> None:
    """The developer sees Zep's own 401 once; it downgrades at once."""
    upstream.script.append(answer(401, b'{"message":"bad key"}', "WWW-Authenticate: Api-Key"))
    got = await running.ask(read())
    assert (told(got), got.body) == ((401, "2", "live", ""), b'{"message":"bad key"}')
    assert got.values("www-authenticate") == ["Api-Key"]
    assert await running.metric("memory_mode_gauge") == 1
    assert await running.metric("zep_sidecar_mode_limited_by", source="auth") == 1
    assert await running.metric("zep_sidecar_mode_limited_by", source="guard") == 0
    assert await running.metric("memory_zep_downgrades_total", reason="auth") == 1
    assert running.status["limited_by"] == ["auth"]
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "auth"), EMPTY)
    assert len(upstream.received) == 1


async def test_case_03_a_success_between_failures(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Two failures, a success, two failures: no downgrade."""
    upstream.script += [FAILED, FAILED, GOOD, FAILED, FAILED, GOOD]
    bodies = [(await running.ask(read())).body for _ in range(6)]
    assert bodies == [EMPTY, EMPTY, KNOWN, EMPTY, EMPTY, KNOWN]
    assert running.status["gauge"] == 2


async def test_case_15_reset_failures(
    operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """Two failures are forgotten, also one that is in flight; what is held stays held."""
    path = str(tmp_path / "admin.sock")
    gate = Gate(FAILED)
    upstream.script += [FAILED, FAILED, gate]
    await operable.ask(read())
    await operable.ask(read())
    assert operable.status["guard"]["streak"] == 2
    late = asyncio.create_task(operable.ask(read()))
    await upstream.until(3)
    await admin(path, "POST", "/reset-failures")
    assert operable.status["guard"]["streak"] == 0
    gate.open()
    assert (await late).body == EMPTY
    upstream.script += [FAILED, FAILED]
    await operable.ask(read())
    await operable.ask(read())
    assert (operable.status["gauge"], operable.status["guard"]["streak"]) == (2, 2)
    upstream.script.append(FAILED)
    await operable.ask(read())
    assert is_held(operable)
    code, out, _ = await zep_mode("--reset-failures", "--socket", path)
    assert (code, out.startswith("done: failures forgotten")) == (0, True)
    assert is_held(operable)
    assert told(await operable.ask(read()))[1:] == ("1", "empty", "consecutive_failures")


async def test_case_17_readiness_is_not_the_mode(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A held guard and a refused credential leave every health endpoint at 200."""
    await trip(running, upstream)
    upstream.script.append(answer(401))
    assert (await running.ask(write())).status == 401
    for path in ("/readyz", "/livez", "/startupz"):
        assert (await running.ops(path)).status == 200


async def test_case_18_every_label_value_exists_at_0(running: Running) -> None:
    """From the start, or the first increase of each would be missed."""
    expected = {
        "memory_zep_downgrades_total": ("reason", "auth consecutive_failures forced"),
        "memory_zep_context_failures_total": (
            "reason",
            "timeout http_5xx dns connect tls reset bad_body auth rate_limited",
        ),
        "zep_sidecar_short_circuits_total": (
            "reason",
            "off forced override base auth consecutive_failures rate_limited overloaded",
        ),
        "zep_sidecar_probes_total": ("result", "ok fail auth rate neutral expired"),
        "zep_sidecar_mode_limited_by": (
            "source",
            "base override forced guard auth invalid_override",
        ),
    }
    for name, (label, values) in expected.items():
        for value in values.split():
            assert await running.metric(name, **{label: value}) == 0
    assert await running.metric("memory_mode_gauge") == 2


# --- base: the two flags --------------------------------------------------------------------------

READS = [
    ("GET", "/api/v1/sessions/s/memory"),
    ("GET", "/api/v2/sessions/s/memory"),
    ("GET", "/api/v2/threads/t/context"),
    ("GET", "/api/v4/threads/t/context"),
    ("POST", "/api/v2/graph/search"),
    ("POST", "/api/v4/graphs/g/context"),
    ("POST", "/api/v4/graphs/g/search/edges"),
    ("POST", "/api/v2/graph/edge/user/u"),
]


async def test_case_04_dark_launch(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """With FLAG_ZEP_READ=false every read finds nothing, and Zep is not asked."""
    running = await start(upstream.url, flags={"read": False})
    for method, target in READS:
        got = await running.ask(request(method, target, b"{}" if method == "POST" else None))
        assert told(got) == (200, "1", "empty", "base")
        assert got.values("content-type") == ["application/json"]
        found = json.loads(got.body)
        assert found == [] or found.get("context", "") == ""
    assert upstream.received == []
    status = running.status
    assert (status["base"], status["effective"], status["limited_by"]) == (
        "write_only",
        "write_only",
        ["base"],
    )


async def test_case_05_look_ups_pass(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """`user.get` on an absent user, then `user.add`: both reach Zep, and the 404 the worker."""
    running = await start(upstream.url, flags={"read": False})
    upstream.script += [answer(404, b'{"message":"not found"}'), answer(201, b'{"user_id":"u1"}')]
    absent = await running.ask(request("GET", "/api/v2/users/u1"))
    assert (told(absent), absent.body) == ((404, "1", "live", ""), b'{"message":"not found"}')
    added = await running.ask(request("POST", "/api/v2/users", b'{"user_id":"u1"}'))
    assert (told(added), added.body) == ((201, "1", "live", ""), b'{"user_id":"u1"}')
    assert len(upstream.received) == 2


@pytest.mark.parametrize(
    "target",
    [
        "/api/v2/sessions/s/memory",
        "/api/v2/threads/t/messages",
        "/api/v2/threads/t/messages-batch",
        "/api/v4/threads/t/messages",
    ],
)
async def test_case_06_return_context(
    start: StartSidecar, upstream: ScriptedUpstream, target: str
) -> None:
    """A write that also reads goes without its read, else byte by byte; the context is empty."""
    running = await start(upstream.url, flags={"read": False})
    upstream.script.append(answer(200, b'{"task_id": "x","context":null}', "ETag: a"))
    upstream.script.append(answer(200, b'{"task_id":"x"}'))
    got = await running.ask(write(body=READING_APPEND, target=target))
    assert (told(got), got.body) == ((200, "1", "live", ""), b'{"task_id": "x","context":""}')
    assert got.values("etag") == ["a"]
    got = await running.ask(write(body=READING_APPEND, target=target))
    assert json.loads(got.body) == {"task_id": "x", "context": ""}
    for message in upstream.received:
        assert message.body == STRIPPED_APPEND
        assert message.values("content-length") == [str(len(STRIPPED_APPEND))]


async def test_case_08_writing_off_and_reading_on(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    """FLAG_ZEP_WRITE=false with FLAG_ZEP_READ=true is off, and the log warns."""
    flags = {"write": False, "read": True}
    process = await Process.start(tmp_path, upstream.url, flags=flags)
    try:
        [warning] = [line for line in process.lines if line["event"] == "config_warning"]
        assert (warning["level"], warning["key"]) == ("warning", "flags.write")
    finally:
        await process.stop()


async def test_case_08_the_mode(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """That mode is off."""
    running = await start(upstream.url, flags={"write": False, "read": True})
    assert await running.metric("memory_mode_gauge") == 0
    assert (running.status["effective"], running.status["limited_by"]) == ("off", ["base"])


@pytest.mark.parametrize("by", ["flag", "override", "force"])
async def test_case_09_off(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path, by: str
) -> None:
    """Appends are dropped, reads find nothing, the rest is a 424; erasures go on."""
    path = str(tmp_path / "admin.sock")
    if by == "override":
        AtomicWriter(tmp_path / "override").write({"override.yaml": b"mode: off\n"})
    sections = {"flags": {"write": by != "flag"}, "listen": {"admin": path}}
    running = await start(upstream.url, **sections)
    if by == "force":
        await admin(path, "POST", "/force", {"reason": "incident", "mode": "off"})
    assert await running.metric("memory_mode_gauge") == 0
    dropped = await running.ask(write())
    assert told(dropped) == (200, "0", "dropped", "off")
    assert json.loads(dropped.body) == {"context": "", "message_uuids": [], "task_id": None}
    with_read = await running.ask(write(body=READING_APPEND))
    assert (told(with_read), with_read.body) == (told(dropped), dropped.body)
    graph = await running.ask(write(target="/api/v2/graph", body=b'{"data":"x","type":"text"}'))
    assert told(graph) == (200, "0", "dropped", "off")
    blocked = [
        request("POST", "/api/v2/users", b"{}"),
        request("GET", "/api/v2/users/u1"),
        request("GET", "/api/v2/something/new"),
    ]
    for data in blocked:
        got = await running.ask(data)
        assert told(got) == (424, "0", "blocked", "off")
        error = json.loads(got.body)
        assert (error["error"]["code"], error["error"]["message"]) == ("off", error["message"])
        assert got.values("retry-after") == []
    found = await running.ask(read())
    assert (told(found), found.body) == ((200, "0", "empty", "off"), EMPTY)
    warm = await running.ask(request("GET", "/api/v2/users/u1/warm"))
    assert (told(warm)[0], warm.body) == (200, b'{"message":""}')
    assert upstream.received == []
    upstream.script.append(answer(500, b"sorry"))
    erased = await running.ask(request("DELETE", "/api/v2/users/u1"))
    assert (told(erased), erased.body) == ((500, "0", "live", ""), b"sorry")
    assert upstream.received[0].start == b"DELETE /api/v2/users/u1 HTTP/1.1"


# --- the operator ---------------------------------------------------------------------------------


async def test_case_10_an_override_does_not_raise_what_is_held(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """`mode: read_write` while the guard is held: still held."""
    writer = AtomicWriter(tmp_path / "override")
    writer.write({})
    running = await start(upstream.url, override={"poll_interval": 0.02})
    await trip(running, upstream)
    writer.write({"override.yaml": b"mode: read_write\n"})
    await until(lambda: running.status["override"] is not None)
    assert running.status["override"]["state"] == "active"
    assert (running.status["gauge"], running.status["limited_by"]) == (1, ["guard"])
    assert told(await running.ask(read()))[1:] == ("1", "empty", "consecutive_failures")
    assert await running.metric("memory_mode_gauge") == 1


async def test_case_11_a_force_without_end(
    clocks: Clocks, operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """10,000 s later it is still in force, whatever Zep says meanwhile."""
    await admin(str(tmp_path / "admin.sock"), "POST", "/force", {"reason": "rollback"})
    clocks.after(10_000)
    await operable.ask(write())
    await asyncio.sleep(0.3)  # one look at the clock
    assert told(await operable.ask(read())) == (200, "1", "empty", "forced")
    assert operable.status["forced"] == {
        "mode": "write_only",
        "reason": "rollback",
        "remaining": None,
    }
    assert await operable.metric("memory_mode_gauge") == 1
    assert await operable.metric("memory_zep_downgrades_total", reason="forced") == 1
    assert [message.start.split()[0] for message in upstream.received] == [b"POST"]


async def test_case_12_a_force_that_ends(
    operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """Of 20 reads at its end one goes to Zep, and only when that is answered all others may."""
    await admin(str(tmp_path / "admin.sock"), "POST", "/force", {"reason": "x", "ttl": 0.3})
    assert told(await operable.ask(read()))[3] == "forced"
    await until(lambda: operable.status["forced"] is None)
    gate = Gate()
    upstream.script.append(gate)
    reads = [asyncio.create_task(operable.ask(read())) for _ in range(20)]
    await upstream.until(1)
    await until(lambda: sum(task.done() for task in reads) == 19)
    assert len(upstream.received) == 1
    gate.open()
    answers = await asyncio.gather(*reads)
    assert sorted(told(got)[1:] for got in answers) == (
        [("1", "empty", "forced")] * 19 + [("1", "live", "")]
    )
    assert operable.status["gauge"] == 2
    upstream.always = GOOD
    assert told(await operable.ask(read())) == (200, "2", "live", "")


async def test_case_13_clear_while_an_override_limits(
    clocks: Clocks,
    start: StartSidecar,
    upstream: ScriptedUpstream,
    tmp_path: Path,
) -> None:
    """The guard, held at level 2, is closed; the command names the override, which stays."""
    path = str(tmp_path / "admin.sock")
    writer = AtomicWriter(tmp_path / "override")
    writer.write({})
    running = await start(upstream.url, listen={"admin": path}, override={"poll_interval": 0.02})
    await trip(running, upstream)
    for level in (1, 2):
        clocks.after(700)
        upstream.script.append(FAILED)
        await running.ask(read())
        assert running.status["guard"]["level"] == level
    writer.write({"override.yaml": b"mode: write_only\nreason: INC-1\n"})
    await until(lambda: "override" in running.status["limited_by"])
    assert running.status["limited_by"] == ["override", "guard"]
    code, out, error = await zep_mode("--clear", "--socket", path)
    assert (code, error) == (0, "")
    assert out.startswith("done: cleared; still limited by override\n")
    status = running.status
    assert (status["guard"]["state"], status["guard"]["level"]) == ("closed", 0)
    assert (status["gauge"], status["limited_by"]) == (1, ["override"])
    assert await running.metric("memory_mode_gauge") == 1
    assert told(await running.ask(read())) == (200, "1", "empty", "override")


async def test_case_14_clear_is_immediate(
    operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """After --clear the very next status says read_write, and the very next read is live."""
    path = str(tmp_path / "admin.sock")
    await trip(operable, upstream)
    upstream.script.append(answer(401))
    await operable.ask(write())
    assert operable.status["limited_by"] == ["guard", "auth"]
    cleared = await admin(path, "POST", "/clear")
    assert cleared["limited_by"] == []
    status = await admin(path, "GET", "/status")
    assert (status["effective"], status["gauge"]) == (status["base"], 2)
    assert await operable.metric("memory_mode_gauge") == 2
    upstream.always = GOOD
    assert told(await operable.ask(read())) == (200, "2", "live", "")


async def test_clear_while_a_probe_is_out(
    clocks: Clocks, operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """Its late failure counts for nothing."""
    await trip(operable, upstream)
    clocks.after(700)
    gate = Gate(FAILED)
    upstream.script.append(gate)
    late = asyncio.create_task(operable.ask(read()))
    await upstream.until(4)
    await admin(str(tmp_path / "admin.sock"), "POST", "/clear")
    gate.open()
    await late
    assert (operable.status["gauge"], operable.status["guard"]["streak"]) == (2, 0)
    assert await operable.metric("zep_sidecar_probes_total", result="fail") == 0


async def test_the_last_force_wins(
    operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """And off is more than write_only; clear ends it without a probe."""
    path = str(tmp_path / "admin.sock")
    for body, gauge in (
        ({"reason": "first", "mode": "off"}, 0),
        ({"reason": "second", "ttl": 60}, 1),
    ):
        await admin(path, "POST", "/force", body)
        assert await operable.metric("memory_mode_gauge") == gauge
        assert operable.status["forced"]["reason"] == body["reason"]
    assert 50 < operable.status["forced"]["remaining"] <= 60
    await admin(path, "POST", "/clear")
    upstream.always = GOOD
    assert told(await operable.ask(read())) == (200, "2", "live", "")


async def test_requests_finish_under_the_mode_they_were_admitted_with(
    operable: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """A force does not take away the answer that is under way."""
    gate = Gate()
    upstream.script.append(gate)
    before = asyncio.create_task(operable.ask(read()))
    await upstream.until(1)
    await admin(str(tmp_path / "admin.sock"), "POST", "/force", {"reason": "x", "mode": "off"})
    gate.open()
    got = await before
    assert (told(got), got.body) == ((200, "2", "live", ""), KNOWN)
    assert told(await operable.ask(read())) == (200, "0", "empty", "off")


# --- the override file, live ----------------------------------------------------------------------

POLL = 0.1


def has_gauge(running: Running, gauge: int) -> bool:
    """Tell whether the mode is this one."""
    return bool(running.status["gauge"] == gauge)


async def test_case_16_a_file_that_makes_no_sense(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """The last good override stays, with its reason in every answer; the metrics tell."""
    writer = AtomicWriter(tmp_path / "override")
    writer.write({"override.yaml": b"mode: write_only\n"})
    running = await start(upstream.url, override={"poll_interval": 0.02})
    good = "zep_sidecar_override_last_reload_successful"
    assert await running.metric(good) == 1
    writer.write({"override.yaml": b"mode: bananas\n"})
    await until(lambda: running.status["override"]["state"] == "invalid")
    assert await running.metric(good) == 0
    assert await running.metric("memory_mode_gauge") == 1
    assert running.status["override"]["mode"] == "write_only"
    assert told(await running.ask(read())) == (200, "1", "empty", "override")
    writer.write({"override.yaml": b"mode: inherit\n"})
    await until(lambda: running.status["override"] is None)
    assert await running.metric(good) == 1
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "2", "live", "")


async def test_case_16_from_the_start(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """With nothing good before, nobody knows what is wanted: no reads, until it is mended."""
    writer = AtomicWriter(tmp_path / "override")
    writer.write({"override.yaml": b"mode: bananas\n"})
    running = await start(upstream.url, override={"poll_interval": 0.02})
    assert running.status["limited_by"] == ["invalid_override"]
    assert await running.metric("zep_sidecar_mode_limited_by", source="invalid_override") == 1
    assert told(await running.ask(read())) == (200, "1", "empty", "invalid_override")
    assert (await running.ask(write())).status == 200
    assert [message.body for message in upstream.received] == [APPEND]
    writer.write({"override.yaml": b"mode: read_write\n"})
    await until(lambda: running.status["gauge"] == 2)
    assert running.status["limited_by"] == []


async def test_the_override_counts_in_time(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """Gauge and answers follow each swap of `..data` within poll_interval and half a second.

    Where one takes longer, this machine may have been busy; where most do, it was the sidecar.
    """
    writer = AtomicWriter(tmp_path / "override")
    writer.write({})
    running = await start(upstream.url, override={"poll_interval": POLL})
    upstream.always = GOOD
    seconds = []
    for mode, gauge, outcome in (
        ("write_only", 1, "empty"),
        ("off", 0, "empty"),
        ("read_write", 2, "live"),
        ("off", 0, "empty"),
        ("inherit", 2, "live"),
    ):
        since = clock.mono()
        writer.write({"override.yaml": f"mode: {mode}\n".encode()})
        await until(partial(has_gauge, running, gauge))
        seconds.append(clock.mono() - since)
        assert await running.metric("memory_mode_gauge") == gauge
        assert told(await running.ask(read()))[1:3] == (str(gauge), outcome)
    assert statistics.median(seconds) < POLL + 0.5


async def test_the_override_raises_the_base_but_not_a_false_write_flag(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """`read_write` beats FLAG_ZEP_READ=false; nothing beats FLAG_ZEP_WRITE=false."""
    AtomicWriter(tmp_path / "override").write({"override.yaml": b"mode: read_write\n"})
    upstream.always = GOOD
    raised = await start(upstream.url, flags={"read": False})
    assert told(await raised.ask(read())) == (200, "2", "live", "")
    final = await start(upstream.url, flags={"write": False})
    assert told(await final.ask(read())) == (200, "0", "empty", "off")
    assert final.status["limited_by"] == ["base"]


async def test_an_override_ends_at_that_second(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """Without a look at the file: reads go to Zep again once the instant has come."""
    end = clock.wall().timestamp() + 4.0  # to start takes a while on a busy machine
    instant = datetime.fromtimestamp(end, UTC).isoformat()
    content = f"mode: off\nexpires_at: {instant}\n".encode()
    AtomicWriter(tmp_path / "override").write({"override.yaml": content})
    running = await start(upstream.url, override={"poll_interval": 30})
    assert told(await running.ask(read()))[1:] == ("0", "empty", "off")
    assert running.status["override"]["expires_at"]
    await until(lambda: running.status["gauge"] == 2)
    assert 0 <= clock.wall().timestamp() - end < 0.5
    assert running.status["override"]["state"] == "expired"
    assert await running.metric("memory_mode_gauge") == 2
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "2", "live", "")


@pytest.mark.parametrize(
    ("content", "selected"),
    [
        (b"percent: 0", False),
        (b"percent: 100", True),
        (b"match: track=canary", True),
        (b"match: track=stable", False),
        (b"match: 'track=canary,app=worker'\npercent: 100", True),
        (b"match: 'track=canary,app=other'", False),
        (b"match: track=canary\npercent: 0", False),
    ],
)
async def test_an_override_for_some_pods(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path, content: bytes, selected: bool
) -> None:
    """A share of the pods, or those with labels; the others keep their mode and say so."""
    labels = AtomicWriter(tmp_path / "podinfo")
    labels.write({"labels": b'track="canary"\napp="worker"\n'})
    writer = AtomicWriter(tmp_path / "override")
    writer.write({"override.yaml": b"mode: write_only\n" + content})
    environ = {"POD_NAME": "worker-0", "POD_LABELS_FILE": str(tmp_path / "podinfo" / "labels")}
    running = await start(upstream.url, environ)
    assert running.status["gauge"] == (1 if selected else 2)
    assert running.status["override"]["selected"] is selected
    assert told(await running.ask(read()))[1] == ("1" if selected else "2")


# --- what a hold lets through ---------------------------------------------------------------------


async def test_what_a_hold_lets_through(running: Running, upstream: ScriptedUpstream) -> None:
    """Writes, look-ups, erasures and the unknown go; every read stays, whatever its shape."""
    await trip(running, upstream)
    passed = [
        write(),
        request("GET", "/api/v2/users/u1"),
        request("DELETE", "/api/v2/users/u1"),
        request("GET", "/api/v2/something/new"),
        request("POST", "/api/v2/users", b"{}"),
    ]
    for data in passed:
        assert told(await running.ask(data)) == (200, "1", "live", "")
    assert len(upstream.received) == 3 + len(passed)
    for method, target in READS:
        got = await running.ask(request(method, target, b"{}" if method == "POST" else None))
        assert told(got) == (200, "1", "empty", "consecutive_failures")
    assert len(upstream.received) == 3 + len(passed)


async def test_searches_while_held(running: Running, upstream: ScriptedUpstream) -> None:
    """Their bodies are read and dropped, so that the connection serves the next request."""
    await trip(running, upstream)
    body = b'{"query":"' + b"x" * 200_000 + b'"}'
    chunked = request("POST", "/api/v2/graph/search", None, "Transfer-Encoding: chunked")
    async with running.worker() as worker:
        for data in (
            request("POST", "/api/v2/graph/search", body),
            chunked + b"2\r\n{}\r\n0\r\n\r\n",
            request("POST", "/api/v2/graph/search"),
        ):
            await worker.send(data)
            got = await worker.answer()
            assert told(got) == (200, "1", "empty", "consecutive_failures")
            assert json.loads(got.body)["edges"] == []
        await worker.send(write())
        assert (await worker.answer()).status == 200
    assert len(upstream.received) == 4


async def test_pipelined_requests_while_held(running: Running, upstream: ScriptedUpstream) -> None:
    """Answers of our own and of Zep come in the order of the requests."""
    await trip(running, upstream)
    async with running.worker() as worker:
        await worker.send(read() + write() + read() + request("GET", "/nope") + read())
        answers = [await worker.answer() for _ in range(5)]
    assert [got.status for got in answers] == [200, 200, 200, 404, 200]
    assert [told(got)[2] for got in answers] == ["empty", "live", "empty", "blocked", "empty"]


async def test_head_while_held(running: Running, upstream: ScriptedUpstream) -> None:
    """The same head as for a GET, and no body."""
    await trip(running, upstream)
    async with running.worker() as worker:
        await worker.send(request("HEAD", CONTEXT))
        got = await worker.answer(head_only=True)
        assert told(got) == (200, "1", "empty", "consecutive_failures")
        await worker.send(request("GET", CONTEXT))
        assert (await worker.answer()).body == EMPTY
    assert len(upstream.received) == 3


async def test_a_write_that_reads_while_held(running: Running, upstream: ScriptedUpstream) -> None:
    """It goes stripped; and a write that does not ask for context keeps its answer."""
    await trip(running, upstream)
    upstream.script += [answer(200, b"{}"), answer(200, b"{}")]
    got = await running.ask(write(body=READING_APPEND))
    assert (told(got), got.body) == ((200, "1", "live", ""), EMPTY)
    got = await running.ask(write(body=APPEND))
    assert got.body == b"{}"
    assert [message.body for message in upstream.received[3:]] == [STRIPPED_APPEND, APPEND]


async def test_warming_up_while_held(running: Running, upstream: ScriptedUpstream) -> None:
    """A hint that reads will follow is answered here; it is no probe when the hold is over."""
    await trip(running, upstream)
    for target in ("/api/v2/users/u1/warm", "/api/v2/graph/g1/warm"):
        got = await running.ask(request("GET", target))
        assert (got.status, got.body) == (200, b'{"message":""}')
        assert told(got)[1:3] == ("1", "empty")
    assert not is_due(running)
    assert len(upstream.received) == 3
