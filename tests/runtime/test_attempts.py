"""Single attempts: what is asked, what is judged, and that each settles what allowed it."""

import asyncio
import json

import pytest

from sidecar.core.control import Force
from sidecar.runtime import clock
from tests.conftest import Running, StartSidecar
from tests.runtime.support import (
    FAILED,
    GOOD,
    KNOWN,
    READING_APPEND,
    Clocks,
    Gate,
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
from tests.wire import ScriptedUpstream, request, silent, then_close, then_reset

SEARCH = "/api/v2/graph/search"
LIST = "/api/v2/graph/edge/user/u1"
SUMMARY = "/api/v2/threads/a%2Fb/summary"


def streak(running: Running) -> int:
    """Return the number of failures in a row."""
    return int(running.status["guard"]["streak"])


# --- what is judged -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "body", "good"),
    [
        (SEARCH, b'{"edges":[]}', True),
        (SEARCH, b" \n{}\n", True),
        (SEARCH, b"{}{}", False),
        (SEARCH, b"[]", False),
        (SEARCH, b"null", False),
        (SEARCH, b'{"a":NaN}', False),
        (SEARCH, b"\xef\xbb\xbf{}", False),
        (SEARCH, b'{"a":"\\ud83d"}', True),
        (LIST, b"[]", True),
        (LIST, b"{}", False),
        (LIST, b'[{"fact":"x"}', False),
    ],
)
async def test_the_body_of_a_good_read(
    running: Running, upstream: ScriptedUpstream, target: str, body: bytes, good: bool
) -> None:
    """Is JSON of the type that the route gives; anything else would raise in the worker."""
    upstream.script.append(answer(200, body))
    got = await running.ask(request("POST", target, b"{}"))
    if good:
        assert (told(got), got.body) == ((200, "2", "live", ""), body)
    else:
        assert told(got) == (200, "2", "empty", "bad_body")
        assert isinstance(json.loads(got.body), list if target == LIST else dict)
    assert streak(running) == (not good)


async def test_an_empty_answer_names_what_was_asked_for(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Where the SDK's type wants the id, it is the worker's own."""
    upstream.script.append(FAILED)
    got = await running.ask(request("GET", SUMMARY))
    assert json.loads(got.body) == {"summary": "", "thread_id": "a/b"}


async def test_only_reads_are_judged_by_their_bodies(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A write and a look-up are told what Zep said, and cut where Zep cut it."""
    upstream.script += [FAILED, answer(200, b"<html>"), then_close(GOOD[:-4])]
    await running.ask(read())
    got = await running.ask(write())
    assert (told(got), got.body) == ((200, "2", "live", ""), b"<html>")
    got = await running.ask(request("GET", "/api/v2/users/u1"))
    assert (told(got), got.complete) == ((200, "2", "live", ""), False)
    assert streak(running) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (read(), 200),
        (request("POST", SEARCH, b"{}"), 200),
        (write("k"), 200),
        (write(), 502),
    ],
    ids=["get", "search", "write-with-key", "write"],
)
@pytest.mark.parametrize("end", [then_close, then_reset])
async def test_a_connection_that_zep_had_given_up(
    running: Running, upstream: ScriptedUpstream, data: bytes, status: int, end: object
) -> None:
    """What may be repeated is, once, and its second end counts; nothing counts of the first."""
    upstream.script += [GOOD, FAILED, end(b""), answer(200, KNOWN)]  # type: ignore[operator]
    await running.ask(read())
    await running.ask(read())
    got = await running.ask(data)
    assert got.status == status
    assert len(upstream.received) == (4 if status == 200 else 3)
    if status == 502:
        assert told(got)[3] == "reset"
    is_read = data.startswith(b"GET") or b"/search" in data
    assert streak(running) == (0 if status == 200 and is_read else 1)


async def test_a_write_on_such_a_connection_says_nothing(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """However often it happens."""
    for _ in range(4):
        upstream.script += [answer(200, b"{}"), then_close(b"")]
        await running.ask(request("GET", "/api/v2/users/u1"))
        assert (await running.ask(write())).status == 502
    assert (running.status["gauge"], streak(running)) == (2, 0)


# --- time limits ----------------------------------------------------------------------------------


async def test_each_class_has_its_own_time_limit(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """And only that of reads and writes counts against Zep."""
    # Long enough for a busy machine: what is stalled for half of it is excused.
    running = await start(upstream.url, timeouts={"read": 0.4, "write": 0.5, "control": 0.6})
    upstream.always = silent()
    for data, limit, status in (
        (read(), 0.4, 200),
        (write(), 0.5, 504),
        (request("DELETE", "/api/v2/users/u1"), 0.5, 504),
        (request("GET", "/api/v2/users/u1"), 0.6, 504),
        (request("GET", "/api/v2/something/new"), 0.6, 504),
    ):
        since = clock.mono()
        got = await running.ask(data)
        assert limit - 0.01 < clock.mono() - since < limit + 5
        assert (got.status, told(got)[3]) == (status, "timeout")
        assert got.values("retry-after") == []
    assert streak(running) == 2


async def test_a_worker_that_sends_slowly_uses_up_none_of_it(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """The time limit begins when Zep is asked."""
    running = await start(upstream.url, timeouts={"read": 0.3})
    data = request("POST", SEARCH, b'{"query":"x"}')
    async with running.worker() as worker:
        await worker.send(data[:-4])
        await asyncio.sleep(0.5)
        await worker.send(data[-4:])
        assert told(await worker.answer())[1:] == ("2", "live", "")


async def test_a_worker_that_sends_slowly_holds_no_probe(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """It is admitted when its body is there; until then others may probe."""
    await trip(running, upstream)
    clocks.after(331)
    data = request("POST", SEARCH, b'{"query":"x"}', "Authorization: Api-Key one")
    async with running.worker() as worker:
        await worker.send(data[:-4])
        await asyncio.sleep(0.05)
        assert is_due(running)
        upstream.script.append(GOOD)
        assert told(await running.ask(read())) == (200, "1", "live", "")
        upstream.script.append(answer(200, b"{}"))
        await worker.send(data[-4:])
        assert told(await worker.answer()) == (200, "2", "live", "")


# --- every ticket is settled ----------------------------------------------------------------------


async def test_a_worker_that_leaves_its_read(running: Running, upstream: ScriptedUpstream) -> None:
    """The read goes on to its end, ends a streak, and its connection serves the next one."""
    gate = Gate()
    upstream.script += [FAILED, gate]
    await running.ask(read())
    async with running.worker() as worker:
        await worker.send(read())
        await upstream.until(2)
    assert streak(running) == 1
    gate.open()
    await until(lambda: streak(running) == 0)
    upstream.script.append(GOOD)
    assert told(await running.ask(read())) == (200, "2", "live", "")
    assert upstream.connections == 1


async def test_a_probe_whose_worker_leaves_and_that_fails(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """It is held again, for longer."""
    await trip(running, upstream)
    clocks.after(331)
    gate = Gate(FAILED)
    upstream.script.append(gate)
    async with running.worker() as worker:
        await worker.send(read())
        await upstream.until(4)
    gate.open()
    await until(lambda: is_held(running))
    assert running.status["guard"]["level"] == 1
    assert await running.metric("zep_sidecar_probes_total", result="fail") == 1


async def test_a_write_that_probes_and_whose_worker_leaves(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Is a probe all the same."""
    running = await start(upstream.url, probe={"idle_after": 60, "active": False})
    await trip(running, upstream)
    clocks.after(331)
    gate = Gate()
    upstream.script.append(gate)
    async with running.worker() as worker:
        await worker.send(write("k", READING_APPEND))
        await upstream.until(4)
    gate.open()
    await until(lambda: is_closed(running))
    assert len(upstream.received) == 4


async def test_a_storm_of_reads_leaves_nothing_behind(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """However a thousand of them end: no task, no probe, no connection that is busy."""
    running = await start(
        upstream.url,
        guard={"hold": 0.02, "hold_max": 0.05},
        timeouts={"read": 0.2},
        probe={"client_wait": 0.02, "idle_after": 0.05},
    )
    steps = [GOOD, FAILED, then_close(b""), answer(404), answer(200, b"<html>"), answer(499)]

    async def worker(n: int) -> None:
        for k in range(50):
            upstream.script.append(steps[(n + k) % len(steps)])
            async with running.worker() as connection:
                await connection.send(read(f"credential {n}"))
                if (n + k) % 5:
                    assert (await connection.answer()).status in (200, 404, 499)

    await asyncio.gather(*(worker(n) for n in range(20)))
    upstream.script.clear()
    upstream.always = GOOD
    proxy = running.sidecar._proxy
    await until(lambda: proxy._in_flight == 0 and len(proxy._tasks) <= 2)
    await until(lambda: not running.sidecar._upstream._busy)
    async with asyncio.timeout(15):
        while told(await running.ask(read("credential 1")))[2] != "live":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert running.status["gauge"] == 2


# --- the probe of idle times ----------------------------------------------------------------------


async def test_the_background_probe_fails_and_tries_again(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """At the end of each hold, once."""
    running = await start(
        upstream.url,
        guard={"hold": 0.1, "hold_max": 0.2},
        probe={"idle_after": 0.1},
    )
    upstream.script.append(GOOD)
    await running.ask(read())
    await trip(running, upstream)
    upstream.script += [FAILED] * 3
    upstream.always = GOOD
    await until(lambda: is_closed(running))
    assert len(upstream.received) == 4 + 4
    probes = "zep_sidecar_probes_total"
    assert await running.metric(probes, result="fail") == 3
    assert await running.metric(probes, result="ok") == 1


async def test_no_background_probe_while_reads_are_not_wanted(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """A force says no reads; that is so for ours, too."""
    running = await start(
        upstream.url, guard={"hold": 0.1, "hold_max": 1}, probe={"idle_after": 0.1}
    )
    upstream.script.append(GOOD)
    await running.ask(read())
    await trip(running, upstream)
    running.sidecar._governor.force(Force("drill"))
    upstream.always = GOOD
    await asyncio.sleep(0.4)
    assert (len(upstream.received), is_due(running)) == (4, True)
    running.sidecar._governor.clear()
    assert told(await running.ask(read())) == (200, "2", "live", "")


async def test_a_last_good_read_is_too_old_after_a_day(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Its thread may be long gone."""
    running = await start(upstream.url, probe={"idle_after": 0.1})
    upstream.script.append(GOOD)
    await running.ask(read())
    clocks.after(86300)
    await trip(running, upstream)
    clocks.after(700)
    await asyncio.sleep(0.3)
    assert (len(upstream.received), is_due(running)) == (4, True)
