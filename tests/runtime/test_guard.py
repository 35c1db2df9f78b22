"""The guard, with raw sockets on both sides: when it trips, and how it finds its way back."""

import asyncio
import ssl
import time
from contextlib import AsyncExitStack

import pytest
import trustme

from sidecar.runtime import attempts, clock
from tests.conftest import Running, StartSidecar
from tests.runtime.support import (
    EMPTY,
    FAILED,
    GOOD,
    KNOWN,
    READING_APPEND,
    STRIPPED_APPEND,
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
from tests.wire import (
    Message,
    Script,
    ScriptedUpstream,
    Worker,
    request,
    silent,
    then_close,
    then_reset,
)

PROBES = "zep_sidecar_probes_total"
FAILURES = "memory_zep_context_failures_total"
DOWNGRADES = "memory_zep_downgrades_total"


def is_probing(running: Running) -> bool:
    """Tell whether a probe is out."""
    return bool(running.status["guard"]["state"] == "half-open")


def level(running: Running) -> int:
    """Return how often in a row it was held."""
    return int(running.status["guard"]["level"])


def left(running: Running) -> float:
    """Return the seconds until the host is due."""
    return float(running.status["guard"]["remaining"])


# --- tripping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trips", [True, False])
async def test_case_25_failed_writes(
    start: StartSidecar, upstream: ScriptedUpstream, trips: bool
) -> None:
    """Three of them, told truthfully, trip it; unless they are not to count."""
    running = await start(upstream.url, guard={"write_failures_trip": trips})
    upstream.script += [answer(500, b"sorry", "Retry-After: 9")] * 3
    for key in ("a", "b", "c"):
        got = await running.ask(write(key))
        assert (told(got), got.body) == ((500, "2", "live", ""), b"sorry")
        assert got.values("retry-after") == ["9"]
    assert running.status["gauge"] == (1 if trips else 2)
    assert await running.metric(DOWNGRADES, reason="consecutive_failures") == trips


async def test_a_write_that_an_sdk_repeats_counts_once(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Six attempts of one call have one Idempotency-Key."""
    upstream.script += [FAILED] * 6
    for _ in range(6):
        await running.ask(write("same"))
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 1)


async def test_case_26_reads_and_writes_in_turns(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """R 500, W 500, R 500 are three in a row."""
    upstream.script += [FAILED] * 3
    for data in (read(), write("a"), read()):
        await running.ask(data)
    assert (running.status["gauge"], running.status["limited_by"]) == (1, ["guard"])


async def test_writes_do_not_hide_that_reads_are_dead(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """R 500, W 200, R 500, W 200, R 500."""
    upstream.script += [FAILED, GOOD, FAILED, GOOD, FAILED]
    for data in (read(), write("a"), read(), write("b"), read()):
        await running.ask(data)
    assert is_held(running)


async def test_case_27_an_old_streak(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """Two failures, 601 seconds, one failure: a streak of one."""
    upstream.script += [FAILED] * 3
    await running.ask(read())
    await running.ask(read())
    clocks.after(601)
    await running.ask(read())
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 1)


async def test_case_28_what_does_not_count(running: Running, upstream: ScriptedUpstream) -> None:
    """50 x 404, 10 x 429, 5 x 499; a 404 ends a streak, 429 and 499 do not."""
    upstream.script += [FAILED] * 2 + [answer(404)]
    got = [await running.ask(read()) for _ in range(3)]
    assert (told(got[2]), got[2].body) == ((404, "2", "live", ""), b'{"message":"no"}')
    assert running.status["guard"]["streak"] == 0
    upstream.script += [answer(404)] * 50 + [answer(499)] * 5
    for _ in range(55):
        await running.ask(read())
    upstream.script += [FAILED] * 2 + [answer(499)] + [answer(429)] * 10
    for _ in range(3):
        await running.ask(read())
    for n in range(10):  # each of another credential, because of the calm after one
        got_429 = await running.ask(read(f"credential {n}"))
        assert told(got_429) == (200, "2", "empty", "rate_limited")
    assert upstream.script == []
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 2)
    assert await running.metric(FAILURES, reason="rate_limited") == 10
    assert await running.metric(FAILURES, reason="http_5xx") == 4


@pytest.mark.parametrize(("asked", "least", "most"), [("450", 449, 496), ("86400", 599, 661)])
async def test_case_31_zep_says_for_how_long(
    running: Running, upstream: ScriptedUpstream, asked: str, least: float, most: float
) -> None:
    """503 with Retry-After holds for at least that, but for no more than the longest hold."""
    await trip(running, upstream, answer(503, b"{}", f"Retry-After: {asked}"))
    assert least < left(running) < most


async def test_case_32_nobody_listens(start: StartSidecar) -> None:
    """A refused connection."""
    gone = ScriptedUpstream()
    await gone.start()
    await gone.stop()
    running = await start(gone.url)
    await fails(running, "connect")


async def test_case_32_no_such_host(start: StartSidecar) -> None:
    """A name that cannot be resolved."""
    running = await start("http://zep.invalid", timeouts={"connect": 10, "read": 10})
    await fails(running, "dns")


async def test_case_32_self_signed(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """A certificate that nobody vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    secret = ScriptedUpstream()
    await secret.start(context)
    running = await start(secret.url, timeouts={"connect": 10, "read": 10})
    await fails(running, "tls")
    assert secret.received == []
    await secret.stop()


async def fails(running: Running, reason: str) -> None:
    """Read three times; it must fail softly, for this reason, and trip."""
    for _ in range(3):
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "empty", reason), EMPTY)
    assert await running.metric(FAILURES, reason=reason) == 3
    assert (running.status["gauge"], running.status["limited_by"]) == (1, ["guard"])


@pytest.mark.parametrize(
    "bad",
    [
        then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b" " * 50),
        then_reset(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b" " * 50),
        then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n" + KNOWN),
        then_close(b"HTTP/1.1 200 OK\r\n\r\n" + KNOWN[:-1]),
        answer(200, b"<html>maintenance</html>"),
        answer(200, b'[{"context":"x"}]'),
        answer(200, b""),
    ],
    ids=["closed", "reset", "chunked", "close-delimited", "html", "type", "nothing"],
)
async def test_case_33_bad_bodies(
    running: Running, upstream: ScriptedUpstream, bad: Script
) -> None:
    """A 200 whose body is cut off or is not what was asked for is a failure."""
    upstream.script += [bad] * 3
    await fails(running, "bad_body")
    assert len(upstream.received) == 3


async def test_timeouts(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Silence, a body that does not end and one that drips all run into the one time limit."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _n in range(1000):
            writer.write(b" ")
            await asyncio.sleep(0.02)

    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        await asyncio.sleep(30)

    running = await start(upstream.url, timeouts={"read": 0.6})  # a stall of half of it is excused
    upstream.script += [silent(), half, drip]
    since = clock.mono()
    await fails(running, "timeout")
    assert 1.75 < clock.mono() - since < 15


@pytest.mark.parametrize("pooled", [True, False])
async def test_case_34_a_pool_that_breaks(
    running: Running, upstream: ScriptedUpstream, pooled: bool
) -> None:
    """Ten requests that are cut off in one moment are one fact; then all is well."""
    upstream.always = GOOD
    if pooled:
        gates = [Gate() for _ in range(10)]
        upstream.script += gates
        first = [asyncio.create_task(running.ask(read())) for _ in gates]
        await upstream.until(10)
        for gate in gates:
            gate.open()
        await asyncio.gather(*first)
        assert upstream.connections == 10
    before = len(upstream.received)
    end = asyncio.Event()

    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.wait()
        writer.transport.abort()

    upstream.script += [cut] * 10
    reads = [asyncio.create_task(running.ask(read())) for _ in range(10)]
    await upstream.until(before + 10)
    end.set()
    answers = await asyncio.gather(*reads)
    assert all(got.status == 200 for got in answers)
    live = sum(told(got)[2] == "live" for got in answers)
    assert live == (10 if pooled else 0)  # on a reused connection, each read is sent again
    assert running.status["gauge"] == 2
    assert told(await running.ask(read())) == (200, "2", "live", "")
    assert running.status["guard"]["streak"] == 0


@pytest.mark.parametrize(
    ("status", "data", "setting", "gauge"),
    [
        (403, request("PATCH", "/api/v2/project", b"{}", "Authorization: k"), "immediate", 2),
        (403, request("GET", "/api/v2/users/u1", None, "Authorization: k"), "immediate", 2),
        (403, request("DELETE", "/api/v2/users/u1", None, "Authorization: k"), "immediate", 2),
        (401, request("GET", "/api/v2/users/u1", None, "Authorization: k"), "immediate", 1),
        (401, request("GET", "/api/v2/something/new", None, "Authorization: k"), "immediate", 2),
        (403, read(), "immediate", 1),
        (403, write(), "immediate", 1),
        (403, read(), "count", 2),
        (403, read(), "ignore", 2),
        (401, read(), "ignore", 1),
    ],
)
async def test_case_37_which_refusals_are_about_the_key(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    status: int,
    data: bytes,
    setting: str,
    gauge: int,
) -> None:
    """A 403 of administration is not; elsewhere `guard.forbidden` says what it is."""
    running = await start(upstream.url, guard={"forbidden": setting})
    upstream.script.append(answer(status))
    assert (await running.ask(data)).status == status
    assert running.status["gauge"] == gauge


async def test_forbidden_count(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """With `count` it takes as many 403 in a row as it takes failures, each shown as it is."""
    running = await start(upstream.url, guard={"forbidden": "count"})
    upstream.script += [answer(403)] * 3
    for gauge in (2, 2, 1):
        assert (await running.ask(read())).status == 403
        assert running.status["gauge"] == gauge
    assert running.status["limited_by"] == ["auth"]


async def test_case_43_the_unknown_says_nothing(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Ten failures of a path that the table does not know, of look-ups and of erasures."""
    upstream.always = FAILED
    for data in (
        request("GET", "/api/v2/something/new"),
        request("GET", "/api/v2/users/u1"),
        request("DELETE", "/api/v2/users/u1"),
    ):
        for _ in range(10):
            assert (await running.ask(data)).status == 500
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 0)


def block(seconds: float) -> None:
    """Hold the whole thread, and the event loop with it."""
    time.sleep(seconds)


async def test_case_42_a_stalled_event_loop(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """A container without CPU time must not blame Zep: neither streak nor downgrade."""

    async def blocked(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        block(0.8)
        await asyncio.sleep(0)  # what has fallen due goes first, as it does in a throttled pod
        await asyncio.sleep(0)
        writer.write(GOOD)

    running = await start(upstream.url, timeouts={"read": 0.5})
    upstream.script += [blocked] * 3
    for _ in range(3):
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "empty", "local_stall"), EMPTY)
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 0)
    for reason in ("timeout", "local_stall"):
        assert await running.metric(FAILURES, reason=reason) == 0
    upstream.script += [silent()] * 3  # while this is Zep's own doing
    for _ in range(3):
        assert told(await running.ask(read()))[3] == "timeout"
    assert is_held(running)


# --- credentials ----------------------------------------------------------------------------------


async def test_case_36_nobodys_401(running: Running, upstream: ScriptedUpstream) -> None:
    """A request without Authorization is refused: others read on, and the gauge stays."""
    upstream.script += [GOOD, answer(401)]
    await running.ask(read("one"))
    assert (await running.ask(read(""))).status == 401
    assert running.status["gauge"] == 2
    assert told(await running.ask(read("")))[1:] == ("1", "empty", "auth")
    upstream.script.append(GOOD)
    assert told(await running.ask(read("one"))) == (200, "2", "live", "")
    assert await running.metric("memory_mode_gauge") == 2


async def test_one_credential_of_two(running: Running, upstream: ScriptedUpstream) -> None:
    """Each is held by itself; the gauge falls when all of them are, and a write tells as well."""
    upstream.script += [GOOD, answer(401)]
    await running.ask(read("one"))
    await running.ask(read("two"))
    assert running.status["gauge"] == 2
    assert told(await running.ask(read("two")))[1:] == ("1", "empty", "auth")
    assert [c["state"] for c in running.status["credentials"]] == ["closed", "open"]
    upstream.script.append(answer(401))
    assert (await running.ask(write("k", credential="one"))).status == 401
    assert (running.status["gauge"], running.status["limited_by"]) == (1, ["auth"])


async def test_a_credential_recovers_by_its_own_probe(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """Once Zep takes the key again."""
    upstream.script.append(answer(401))
    await running.ask(read())
    clocks.after(331)
    upstream.script.append(answer(401, b"still"))
    got = await running.ask(read())
    assert (told(got), got.body) == ((401, "1", "live", ""), b"still")
    assert told(await running.ask(read()))[2:] == ("empty", "auth")
    clocks.after(331)
    assert told(await running.ask(read()))[2:] == ("empty", "auth")
    clocks.after(331)
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "1", "live", "")
    assert told(await running.ask(read())) == (200, "2", "live", "")
    assert await running.metric(DOWNGRADES, reason="auth") == 1


async def test_case_35_a_probe_answered_401(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """The host is there; only that credential is held."""
    await trip(running, upstream)
    clocks.after(331)
    upstream.script.append(answer(401))
    got = await running.ask(read("two"))
    assert told(got) == (401, "1", "live", "")
    assert is_closed(running)
    assert await running.metric(PROBES, result="auth") == 1
    assert await running.metric(DOWNGRADES, reason="auth") == 1
    assert told(await running.ask(read("two")))[1:] == ("1", "empty", "auth")
    upstream.script.append(GOOD)
    assert told(await running.ask(read("one"))) == (200, "2", "live", "")
    assert running.status["gauge"] == 2


# --- the hold, and the probe ----------------------------------------------------------------------


@pytest.mark.parametrize("count", [20, 100])
async def test_case_20_one_probe(
    start: StartSidecar, upstream: ScriptedUpstream, count: int
) -> None:
    """Of many reads at the end of the hold one reaches Zep; the others do not wait for it."""
    running = await start(
        upstream.url,
        guard={"hold": 0.3, "hold_max": 1},
        timeouts={"read": 30},
        probe={"client_wait": 30},
    )
    await trip(running, upstream)
    gate = Gate()
    upstream.script.append(gate)
    took: list[float] = []

    async def ask(worker: Worker) -> Message:
        since = clock.mono()
        await worker.send(read())
        got = await worker.answer()
        took.append(clock.mono() - since)
        return got

    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(running.worker()) for _ in range(count)]
        await until(lambda: is_due(running))
        reads = [asyncio.create_task(ask(worker)) for worker in workers]
        await upstream.until(4)
        await until(lambda: len(took) == count - 1)
        assert (len(upstream.received), is_probing(running)) == (4, True)
        assert sorted(took)[len(took) // 2] < 0.5  # 0.05 on a machine with nothing else to do
        gate.open()
        answers = await asyncio.gather(*reads)
    outcomes = sorted(told(got)[2:] for got in answers)
    assert outcomes == [("empty", "consecutive_failures")] * (count - 1) + [("live", "")]
    assert (running.status["gauge"], len(upstream.received)) == (2, 4)


async def test_the_hold_and_how_it_grows(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """No read before its end; 300, 450, 600, 600 seconds, and up to a tenth more (case 21)."""
    await trip(running, upstream)
    for n, hold in enumerate((300, 450, 600, 600)):
        assert hold - 1 < left(running) <= hold * 1.1
        clocks.after(hold - 2)
        assert told(await running.ask(read()))[2] == "empty"
        clocks.after(2 + hold / 10)
        assert is_due(running)
        upstream.script.append(FAILED)
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "1", "empty", "http_5xx"), EMPTY)
        assert level(running) == n + 1
    assert len(upstream.received) == 3 + 4


async def test_case_22_flapping(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """Down again ten seconds after a recovery: the hold has grown; after 601 quiet ones not."""
    await trip(running, upstream)
    for quiet, hold in ((10, 450), (601, 300)):
        clocks.after(700)
        upstream.script.append(GOOD)
        assert told(await running.ask(read()))[2] == "live"
        clocks.after(quiet)
        await trip(running, upstream)
        assert hold - 1 < left(running) <= hold * 1.1


async def test_case_23_an_old_success(
    start: StartSidecar, upstream: ScriptedUpstream, clocks: Clocks
) -> None:
    """A slow answer from before the outage reaches its worker and decides nothing."""
    running = await start(upstream.url, timeouts={"read": 30}, probe={"client_wait": 30})
    old, probe = Gate(), Gate()
    upstream.script.append(old)
    slow = asyncio.create_task(running.ask(read()))
    await upstream.until(1)
    upstream.script += [FAILED] * 3 + [probe]
    for _ in range(3):
        await running.ask(read())
    clocks.after(331)
    probing = asyncio.create_task(running.ask(read()))
    await upstream.until(5)
    old.open()
    got = await slow
    assert (told(got), got.body) == ((200, "2", "live", ""), KNOWN)
    assert is_probing(running)
    assert told(await running.ask(read()))[2] == "empty"
    probe.open()
    assert told(await probing) == (200, "1", "live", "")
    assert is_closed(running)


async def test_an_old_failure(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Failures of requests that began before the outage do not reopen what has recovered."""
    running = await start(upstream.url, timeouts={"read": 30})
    gates = [Gate(FAILED) for _ in range(3)]
    upstream.script += gates
    slow = [asyncio.create_task(running.ask(read())) for _ in gates]
    await upstream.until(3)
    await trip(running, upstream)
    clocks.after(331)
    upstream.script.append(GOOD)
    assert told(await running.ask(read()))[2] == "live"
    for gate in gates:
        gate.open()
    for got in await asyncio.gather(*slow):
        assert told(got) == (200, "2", "empty", "http_5xx")
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 0)


async def test_case_24_a_probe_that_never_ends(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """It is given up at the time limit of a read; what comes of it later has no effect."""
    running = await start(
        upstream.url,
        guard={"hold": 0.2, "hold_factor": 10, "hold_max": 600},
        timeouts={"read": 0.4},
        probe={"client_wait": 0.1},
    )
    await trip(running, upstream)
    await until(lambda: is_due(running))
    gate = Gate()
    upstream.script.append(gate)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)
    assert is_probing(running)
    await until(lambda: is_held(running))
    assert (level(running), await running.metric(PROBES, result="fail")) == (1, 1)
    gate.open()
    await until(lambda: gate.passed == 1)
    await asyncio.sleep(0.05)
    assert (is_held(running), level(running)) == (True, 1)


async def test_case_24_a_write_that_probes_and_never_ends(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write may take longer than a read; its lease as a probe may not."""
    monkeypatch.setattr("sidecar.runtime.governor.LEASE_MARGIN", 0.2)
    running = await start(
        upstream.url,
        guard={"hold": 0.2, "hold_factor": 10, "hold_max": 600},
        timeouts={"read": 0.2},
        probe={"idle_after": 0.05, "active": False},
    )
    await trip(running, upstream)
    await until(lambda: is_due(running))
    gate = Gate(answer(200, b'{"context":"x"}'))
    upstream.script.append(gate)
    late = asyncio.create_task(running.ask(write(body=READING_APPEND)))
    await upstream.until(4)
    assert is_probing(running)
    assert upstream.received[3].body == READING_APPEND  # a probe is not stripped
    await until(lambda: is_held(running))
    assert (level(running), await running.metric(PROBES, result="expired")) == (1, 1)
    gate.open()
    got = await late
    assert (got.status, got.body) == (200, b'{"context":"x"}')
    assert (is_held(running), level(running)) == (True, 1)
    assert await running.metric(PROBES, result="ok") == 0


async def test_a_write_that_reads_probes_where_no_read_would(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Only after some time without reads, only once due, and only if it asks for context."""
    running = await start(upstream.url, probe={"idle_after": 60, "active": False})
    await trip(running, upstream)
    clocks.after(331)
    await running.ask(write())
    assert is_due(running)
    upstream.script.append(GOOD)
    got = await running.ask(write(body=READING_APPEND))
    assert (told(got), got.body) == ((200, "1", "live", ""), KNOWN)
    assert is_closed(running)
    assert [message.body for message in upstream.received[4:]] == [READING_APPEND]
    await trip(running, upstream)  # reads have been seen just now
    clocks.after(500)
    await until(lambda: is_due(running))
    upstream.script.append(FAILED)
    await running.ask(read())
    await running.ask(write("k", READING_APPEND))
    assert upstream.received[-1].body == STRIPPED_APPEND
    assert is_held(running)


async def test_case_29_a_probe_answered_404(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """Whoever says so is there."""
    await trip(running, upstream)
    clocks.after(331)
    upstream.script.append(answer(404))
    assert told(await running.ask(read())) == (404, "1", "live", "")
    assert (running.status["gauge"], await running.metric(PROBES, result="ok")) == (2, 1)


async def test_case_30_a_probe_answered_429(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """The hold is as long as Zep asks for, and its level stays."""
    await trip(running, upstream)
    clocks.after(331)
    upstream.script.append(answer(429, b"{}", "Retry-After: 400"))
    got = await running.ask(read())
    assert (told(got), got.values("retry-after")) == ((200, "1", "empty", "rate_limited"), [])
    assert 399 < left(running) <= 440
    assert (level(running), running.status["gauge"]) == (0, 1)
    assert await running.metric(PROBES, result="rate") == 1


async def test_case_38_a_background_probe(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Without any traffic one probe, the last good GET, brings the reads back."""
    running = await start(
        upstream.url, guard={"hold": 0.2, "hold_max": 1}, probe={"idle_after": 0.3}
    )
    upstream.script += [answer(200, b"[]"), GOOD, answer(200, b"[]")]
    search = request("POST", "/api/v2/graph/edge/user/u", b"{}", "Authorization: Api-Key one")
    for data in (search, read("one", "/api/v2/threads/t9/context?min=ayse@example.com"), search):
        assert told(await running.ask(data))[2] == "live"
    await trip(running, upstream)
    upstream.always = GOOD
    before = len(upstream.received)
    await until(lambda: is_closed(running))
    assert running.status["gauge"] == 2
    await asyncio.sleep(0.2)  # nothing more of the kind
    assert len(upstream.received) == before + 1
    probe = upstream.received[-1]
    assert probe.start == upstream.received[1].start
    assert b"ayse" not in probe.start
    assert probe.headers == upstream.received[1].headers
    assert await running.metric(PROBES, result="ok") == 1
    assert await running.metric("memory_mode_gauge") == 2


async def test_case_39_no_probe_is_invented(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Where nothing good was ever read, the next worker's read is the probe."""
    running = await start(
        upstream.url, guard={"hold": 0.1, "hold_max": 1}, probe={"idle_after": 0.1}
    )
    upstream.script += [answer(404), answer(200, b"[]")]
    await running.ask(read())  # neither of these is a GET with context
    await running.ask(request("POST", "/api/v2/graph/edge/user/u", b"{}"))
    await trip(running, upstream)
    await until(lambda: is_due(running))
    await asyncio.sleep(0.5)
    assert (len(upstream.received), running.status["gauge"]) == (5, 1)
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "1", "live", "")
    assert running.status["gauge"] == 2


async def test_no_background_probe_that_is_not_wanted(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """With `probe.active` false, none."""
    running = await start(
        upstream.url,
        guard={"hold": 0.1, "hold_max": 1},
        probe={"idle_after": 0.1, "active": False},
    )
    upstream.script.append(GOOD)
    await running.ask(read())
    await trip(running, upstream)
    await until(lambda: is_due(running))
    await asyncio.sleep(0.4)
    assert len(upstream.received) == 4


async def test_case_40_a_slow_probe(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Its worker gets nothing after `client_wait`; the guard closes when the probe succeeds."""
    running = await start(
        upstream.url,
        guard={"hold": 0.1, "hold_max": 1},
        timeouts={"read": 20},
        probe={"client_wait": 0.2},
    )
    await trip(running, upstream)
    await until(lambda: is_due(running))
    gate = Gate()
    upstream.script.append(gate)
    since = clock.mono()
    got = await running.ask(read())
    assert 0.19 < clock.mono() - since < 2
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)
    assert is_probing(running)
    gate.open()
    await until(lambda: is_closed(running))
    assert await running.metric(PROBES, result="ok") == 1
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "2", "live", "")


async def test_case_44_a_failed_probe_is_no_downgrade(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """It is counted by itself."""
    await trip(running, upstream)
    for n in (1, 2):
        clocks.after(700)
        upstream.script.append(FAILED)
        await running.ask(read())
        assert await running.metric(PROBES, result="fail") == n
        assert await running.metric(DOWNGRADES, reason="consecutive_failures") == 1
        assert await running.metric("memory_mode_gauge") == 1


@pytest.mark.parametrize(("second", "gauge"), [(GOOD, 2), (FAILED, 1)])
async def test_case_45_two_good_probes(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream, second: bytes, gauge: int
) -> None:
    """The first one closes nothing; the second decides."""
    running = await start(upstream.url, guard={"success_threshold": 2})
    await trip(running, upstream)
    clocks.after(331)
    upstream.script += [GOOD, second]
    assert told(await running.ask(read())) == (200, "1", "live", "")
    assert is_due(running)
    await running.ask(read())
    assert running.status["gauge"] == gauge
    if gauge == 1:
        assert (level(running), left(running) > 440) == (1, True)


# --- workers that leave, and the end --------------------------------------------------------------


async def test_a_worker_that_leaves_does_not_undo_the_probe(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """The probe goes on, and decides for all others."""
    await trip(running, upstream)
    clocks.after(331)
    gate = Gate()
    upstream.script.append(gate)
    async with running.worker() as worker:
        await worker.send(read())
        await upstream.until(4)
    assert is_probing(running)
    gate.open()
    await until(lambda: is_closed(running))
    assert await running.metric(PROBES, result="ok") == 1


async def test_workers_that_leave_do_not_hide_failures(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A worker whose patience is shorter than ours gives up; its read still says how Zep is."""
    gate = Gate(FAILED)
    upstream.script += [gate] * 3
    for n in range(3):
        async with running.worker() as worker:
            await worker.send(read())
            await upstream.until(n + 1)
    gate.open()
    await until(lambda: is_held(running))
    assert await running.metric(FAILURES, reason="http_5xx") == 3


async def test_case_68_a_worker_that_leaves_after_its_write(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Zep got it once; how that ended counts, too."""
    gate = Gate(FAILED)
    upstream.script.append(gate)
    async with running.worker() as worker:
        await worker.send(write("k"))
        await upstream.until(1)
    gate.open()
    await until(lambda: running.status["guard"]["streak"] == 1)
    assert len(upstream.received) == 1


async def test_the_end_while_a_probe_is_out(
    clocks: Clocks, start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """It does not hold up the drain beyond its worker's wait, and is no failure."""
    sections = {"timeouts": {"read": 60, "drain": 20}, "probe": {"client_wait": 0.3}}
    running = await start(upstream.url, **sections)
    await trip(running, upstream)
    clocks.after(331)
    upstream.script.append(silent())
    worker = asyncio.create_task(running.ask(read()))
    await upstream.until(4)
    since = clock.mono()
    await running.sidecar.stop()
    assert clock.mono() - since < 10
    got = await worker
    assert (told(got), got.values("connection")) == (
        (200, "1", "empty", "consecutive_failures"),
        ["close"],
    )
    assert (is_due(running) or left(running) <= 1, level(running)) == (True, 0)


# --- write health ---------------------------------------------------------------------------------


async def test_writes_that_fail_are_waited_for_less(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three of them the time limit is short, until one gets through."""
    monkeypatch.setattr(attempts, "WRITE_TIMEOUT_UNHEALTHY", 0.2)
    running = await start(upstream.url, guard={"write_failures_trip": False})
    upstream.script += [FAILED] * 3
    for key in ("a", "b", "c"):
        await running.ask(write(key))
    upstream.script.append(silent())
    async with asyncio.timeout(5):
        got = await running.ask(write("d"))
    assert told(got) == (504, "2", "live", "timeout")
    assert got.values("retry-after") == []
    await running.ask(write("e"))
    gate = Gate(answer(200, b"{}"))
    upstream.script.append(gate)
    patient = asyncio.create_task(running.ask(write("f")))
    await asyncio.sleep(0.5)
    assert not patient.done()
    gate.open()
    assert (await patient).status == 200
