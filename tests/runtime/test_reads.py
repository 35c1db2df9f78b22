"""The cache as workers, operators and a second sidecar see it, on real sockets."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from sidecar.runtime import clock
from tests.conftest import Running, StartSidecar
from tests.redis import RedisServer
from tests.runtime.support import (
    CONTEXT,
    EMPTY,
    FAILED,
    KNOWN,
    MESSAGES,
    READING_APPEND,
    Clocks,
    Gate,
    admin,
    answer,
    is_held,
    read,
    told,
    until,
    write,
)
from tests.test_zep_mode import zep_mode
from tests.wire import Message, Script, ScriptedUpstream, request, silent, then_close

JSON = "Content-Type: application/json"
OTHER = "/api/v2/threads/t2/context"
SEARCH = "/api/v2/graph/search"
LIVE, HIT = (200, "2", "live", ""), (200, "2", "hit", "")
FRESH_MISS, STORED = "zep-sidecar; fwd=miss", "zep-sidecar; fwd=miss; stored"


class Zep(ScriptedUpstream):
    """Where the script is at its end, each answer is another: the number of its request."""

    def __init__(self) -> None:
        super().__init__()
        self.always = self._number

    async def _number(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(numbered(len(self.received)))


def numbered(number: int) -> bytes:
    """Return the answer to the request of that number."""
    return answer(200, context(number), JSON)


def context(number: int) -> bytes:
    """Return its body."""
    return b'{"context":"%d"}' % number


@pytest.fixture
async def upstream() -> AsyncIterator[Zep]:
    """Zep."""
    zep = Zep()
    await zep.start()
    yield zep
    await zep.stop()


@pytest.fixture
async def running(clocks: Clocks, start: StartSidecar, upstream: Zep) -> Running:
    """A sidecar that caches, to which Zep is not slow because this machine is busy."""
    return await caching(start, upstream, reads={"stale_after": 1.5})


async def caching(start: StartSidecar, zep: ScriptedUpstream, **sections: object) -> Running:
    """Start a sidecar that caches."""
    return await start(zep.url, cache={"enabled": True}, **sections)


async def hold(running: Running, upstream: Zep) -> None:
    """Let three reads of other threads fail."""
    upstream.script += [FAILED] * 3
    for n in range(3):
        await running.ask(read("other", f"/api/v2/threads/x{n}/context"))
    assert is_held(running)


def entries(running: Running) -> int:
    """Return how many answers are kept."""
    return int(running.status["cache"]["entries"])


def cache_status(message: Message) -> str:
    """Return what the worker is told of the cache."""
    [value] = message.values("cache-status")
    return value


async def counted(running: Running) -> dict[str, float]:
    """Return what the reads came to, by result, where there were any."""
    name = "memory_zep_context_requests_total"
    results = ("hit", "miss", "collapsed", "stale", "bypass")
    found = {result: await running.metric(name, result=result) for result in results}
    hits = await running.metric("memory_zep_context_cache_hits_total")
    assert hits == found["hit"]
    return {result: count for result, count in found.items() if count}


def search(body: bytes, *lines: str, credential: str = "one") -> bytes:
    """Return a search."""
    return request("POST", SEARCH, body, f"Authorization: Api-Key {credential}", *lines)


# --- hits and misses ------------------------------------------------------------------------------


async def test_case_52_stale_after(clocks: Clocks, start: StartSidecar, upstream: Zep) -> None:
    """What is no longer fresh is served after `stale_after`; the slow answer is kept for later."""
    running = await caching(start, upstream)
    await running.ask(read())
    clocks.after(35)
    gate = Gate(numbered(2))
    upstream.script.append(gate)
    since = clock.mono()
    got = await running.ask(read())
    assert 0.2 < clock.mono() - since < 5
    assert (told(got), got.body) == ((200, "2", "stale", "slow"), context(1))
    assert 35 <= int(got.values("age")[0]) < 45
    assert cache_status(got).startswith("zep-sidecar; hit; ttl=-")
    gate.open()
    await until(lambda: running.status["cache"]["entries"] == 1 and gate.passed == 1)
    await asyncio.sleep(0.1)
    got = await running.ask(read())
    assert (told(got), got.body, len(upstream.received)) == (HIT, context(2), 2)
    assert await counted(running) == {"miss": 1, "stale": 1, "hit": 1}


async def test_refreshes_that_nobody_waits_for_are_bounded(
    clocks: Clocks, start: StartSidecar, upstream: Zep
) -> None:
    """While Zep is slow, stale answers begin no more reads than `limits.concurrency`."""
    running = await caching(start, upstream, limits={"concurrency": 2})
    reads = [read("one", f"/api/v2/threads/t{n}/context") for n in range(5)]
    for each in reads:
        await running.ask(each)
    clocks.after(35)
    upstream.always = Gate(numbered(0))
    for each in reads:
        assert told(await running.ask(each)) == (200, "2", "stale", "slow")
    assert len(upstream.received) == len(reads) + 2


async def test_stale_is_not_served_where_zep_is_quick(
    clocks: Clocks, running: Running, upstream: Zep
) -> None:
    """Past its time, an answer gives way to a new one that comes in time."""
    await running.ask(read())
    clocks.after(35)
    got = await running.ask(read())
    assert (told(got), got.body, cache_status(got)) == (LIVE, context(2), STORED)


async def test_after_a_write_a_slow_zep_is_waited_for(running: Running, upstream: Zep) -> None:
    """What a write has outdated is never served because Zep is slow."""
    await running.ask(read())
    await running.ask(write())
    gate = Gate(numbered(3))
    upstream.script.append(gate)
    asked = asyncio.create_task(running.ask(read()))
    await upstream.until(3)
    await asyncio.sleep(0.5)
    assert not asked.done()
    gate.open()
    assert (await asked).body == context(3)


async def test_case_53_hit(clocks: Clocks, running: Running, upstream: Zep) -> None:
    """The second of two equal reads within 30 seconds is not forwarded, and says how old it is."""
    got = await running.ask(read())
    assert (told(got), got.values("age"), cache_status(got)) == (LIVE, [], STORED)
    clocks.after(12)
    got = await running.ask(read())
    assert (told(got), got.body, len(upstream.received)) == (HIT, context(1), 1)
    assert got.values("age") == ["12"]
    assert cache_status(got) == "zep-sidecar; hit; ttl=17"
    assert got.values("content-type") == ["application/json"]
    clocks.after(18)
    assert (await running.ask(read())).body == context(2)
    assert await counted(running) == {"miss": 2, "hit": 1}


async def test_case_54_the_same_question_in_other_words(running: Running, upstream: Zep) -> None:
    """Order of names, blanks, Idempotency-Key and trace do not make another question."""
    await running.ask(search(b'{"query":"tea","user_id":"u1","limit":5}'))
    same = b'{ "limit": 5, "user_id": "u1", "query": "tea" }'
    for lines in ((), ("Idempotency-Key: k2",), ("Traceparent: 00-1", "User-Agent: x")):
        got = await running.ask(search(same, *lines))
        assert (told(got), got.body) == (HIT, context(1))
    assert len(upstream.received) == 1


async def test_case_55_other_questions(running: Running, upstream: Zep) -> None:
    """Another credential, query, Accept or body is another question."""
    asked = [
        read(),
        read("two"),
        read("one", f"{CONTEXT}?mode=basic"),
        read("one", CONTEXT, "Accept: text/plain"),
        read("one", OTHER),
        search(b'{"query":"tea","user_id":"u1"}'),
        search(b'{"query":"coffee","user_id":"u1"}'),
        search(b'{"query":"tea","user_id":"u2"}'),
    ]
    for n, data in enumerate(asked):
        got = await running.ask(data)
        assert (told(got), got.body) == (LIVE, context(n + 1))
    for n, data in enumerate(asked):
        got = await running.ask(data)
        assert (told(got), got.body) == (HIT, context(n + 1))
    assert len(upstream.received) == len(asked)


async def test_nothing_is_shared_between_credentials(running: Running, upstream: Zep) -> None:
    """Not a flight, and not a last-known answer either."""
    gates = [Gate(numbered(1)), Gate(numbered(2))]
    upstream.script += gates
    asked = [asyncio.create_task(running.ask(read(name))) for name in ("one", "two")]
    await upstream.until(2)
    for gate in gates:
        gate.open()
    assert sorted([(await each).body for each in asked]) == [context(1), context(2)]
    await hold(running, upstream)
    got = await running.ask(read("three"))
    assert (told(got)[2], got.body) == ("empty", EMPTY)


async def test_without_a_credential(running: Running, upstream: Zep) -> None:
    """Nobody's answers are not kept."""
    for n in range(2):
        got = await running.ask(read(""))
        assert (told(got), got.body) == (LIVE, context(n + 1))
        assert cache_status(got) == "zep-sidecar; fwd=bypass"
    assert entries(running) == 0
    assert await counted(running) == {"bypass": 2}


@pytest.mark.parametrize(
    "bad",
    [
        answer(404, b'{"message":"not found"}', JSON),
        FAILED,
        answer(200, b"", JSON),
        answer(200, b'{"context":', JSON),
        answer(200, KNOWN, JSON, "Set-Cookie: a=b"),
        answer(200, KNOWN, JSON, "Vary: *"),
        answer(204, b""),
        then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"),
    ],
)
async def test_case_60_not_kept(running: Running, upstream: Zep, bad: Script) -> None:
    """Failures, and what is one caller's, are never served again."""
    upstream.script.append(bad)
    await running.ask(read())
    assert entries(running) == 0
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(2))


async def test_case_60_an_empty_context_is_kept(running: Running, upstream: Zep) -> None:
    """Nothing found is an answer like any other."""
    upstream.script.append(answer(200, EMPTY, JSON))
    await running.ask(read())
    got = await running.ask(read())
    assert (told(got), got.body) == (HIT, EMPTY)


async def test_case_55_personal_requests(running: Running, upstream: Zep) -> None:
    """What may have an answer of its own is neither kept nor answered from what is."""
    await running.ask(read())
    lines = ("Cookie: a=b", "If-None-Match: x", "Range: bytes=0-1", "Authorization: Api-Key two")
    for n, line in enumerate(lines):
        got = await running.ask(read("one", CONTEXT, line))
        assert (got.body, cache_status(got)) == (context(n + 2), "zep-sidecar; fwd=bypass")
    assert entries(running) == 1


async def test_head(running: Running, upstream: Zep) -> None:
    """A HEAD is forwarded."""
    await running.ask(read())
    upstream.script.append(b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n")
    head = request("HEAD", CONTEXT, None, "Authorization: Api-Key one")
    got = await running.ask(head, head_only=True)
    assert (told(got)[2], cache_status(got)) == ("live", "zep-sidecar; fwd=bypass")
    assert len(upstream.received) == 2


async def test_content_codings(running: Running, upstream: Zep) -> None:
    """An answer is kept as it came, for those that accept it so."""
    coded = gzip.compress(KNOWN)
    upstream.script.append(answer(200, coded, JSON, "Content-Encoding: gzip"))
    asked = read("one", CONTEXT, "Accept-Encoding: gzip, br")
    for outcome in ("live", "hit"):
        got = await running.ask(asked)
        assert (told(got)[2], got.body) == (outcome, coded)
        assert got.values("content-encoding") == ["gzip"]
    got = await running.ask(read())
    assert (told(got), got.body, got.values("content-encoding")) == (LIVE, context(2), [])


async def test_a_coded_question(running: Running, upstream: Zep) -> None:
    """A question is the same in every coding; what cannot be read is no question at all."""
    tea, coffee = b'{"query":"tea","user_id":"u1"}', b'{"query":"coffee","user_id":"u1"}'
    await running.ask(search(tea))
    coded = "Content-Encoding: gzip"
    assert told(await running.ask(search(gzip.compress(tea), coded))) == HIT
    assert told(await running.ask(search(gzip.compress(coffee), coded))) == LIVE
    for body in (tea, coffee):
        got = await running.ask(search(body, "Content-Encoding: br"))
        assert (told(got)[2], len(upstream.received)) == ("blocked", 2)


async def test_one_connection(running: Running, upstream: Zep) -> None:
    """Answers of every origin follow each other on one connection."""
    async with running.worker() as worker:
        for n in range(9):
            await worker.send(read("one", OTHER) if n % 3 else read(""))
            got = await worker.answer()
            assert told(got)[2] == ("hit" if n % 3 and n > 1 else "live")
        await worker.send(read("one", OTHER) * 5)
        assert [(await worker.answer()).body for _ in range(5)] == [context(2)] * 5


async def test_fail_soft_off(clocks: Clocks, start: StartSidecar, upstream: Zep) -> None:
    """The developer who wants failures gets them, whatever is known."""
    running = await caching(start, upstream, reads={"fail_soft": False})
    await running.ask(read())
    clocks.after(35)
    upstream.script.append(FAILED)
    got = await running.ask(read())
    assert (got.status, told(got)[2]) == (500, "live")
    assert cache_status(got) == FRESH_MISS
    assert await counted(running) == {"miss": 2}


async def test_max_stale_0(clocks: Clocks, start: StartSidecar, upstream: Zep) -> None:
    """Nothing is served as last known."""
    running = await start(upstream.url, cache={"enabled": True, "max_stale": 0})
    await running.ask(read())
    assert told(await running.ask(read())) == HIT
    await running.ask(write())
    await hold(running, upstream)
    assert told(await running.ask(read()))[2] == "empty"


async def test_a_crowd(running: Running, upstream: Zep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many that wait for one answer are told that there is nothing."""
    monkeypatch.setattr("sidecar.runtime.flights.FOLLOWERS_MOST", 2)
    gate = Gate(numbered(1))
    upstream.script.append(gate)
    asked = [asyncio.create_task(running.ask(read())) for _ in range(3)]
    await upstream.until(1)
    await asyncio.sleep(0.2)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "2", "empty", "overloaded"), EMPTY)
    gate.open()
    assert {each.body for each in await asyncio.gather(*asked)} == {context(1)}
    assert running.status["guard"]["streak"] == 0


# --- writes ---------------------------------------------------------------------------------------


async def test_a_write_that_names_nothing(running: Running, upstream: Zep) -> None:
    """It may concern all that its credential has read, and nothing of another's."""
    for data in (read(), read("one", OTHER), read("two")):
        await running.ask(data)
    await running.ask(write("", method="PATCH", target="/api/v2/messages/m1", body=b"{}"))
    assert told(await running.ask(read())) == LIVE
    assert told(await running.ask(read("one", OTHER))) == LIVE
    assert told(await running.ask(read("two"))) == HIT


async def test_writes_of_another_credential(running: Running, upstream: Zep) -> None:
    """Two keys may belong to one project: a thread is the same thread for both."""
    await running.ask(read())
    await running.ask(write(credential="two"))
    assert told(await running.ask(read())) == LIVE


async def test_a_reading_append(running: Running, upstream: Zep) -> None:
    """An append that asks for context is a write; its answer is not kept."""
    await running.ask(read())
    for _ in range(2):
        assert told(await running.ask(write("", READING_APPEND))) == LIVE
    assert told(await running.ask(read())) == LIVE


async def test_reads_that_are_no_context(running: Running, upstream: Zep) -> None:
    """Look-ups are always forwarded, and change nothing."""
    await running.ask(read())
    shown = request("GET", "/api/v2/users/u1", None, "Authorization: Api-Key one")
    for _ in range(2):
        got = await running.ask(shown)
        assert (told(got), got.values("cache-status")) == (LIVE, [])
    assert told(await running.ask(read())) == HIT


async def test_invalidation_of_a_user(start: StartSidecar, upstream: Zep, tmp_path: Path) -> None:
    """It reaches the user's threads, as far as they are known."""
    path = str(tmp_path / "admin.sock")
    running = await caching(start, upstream, listen={"admin": path})
    made = b'{"thread_id":"t1","user_id":"u1"}'
    upstream.script.append(answer(201, made, JSON, "Content-Encoding: identity"))
    await running.ask(write("", made, target="/api/v2/threads"))
    for data in (read(), read("one", OTHER), search(b'{"query":"x","user_id":"u1"}')):
        await running.ask(data)
    assert await admin(path, "POST", "/invalidate", {"id": "u1"}) == {"invalidated": 2}
    assert told(await running.ask(read("one", OTHER))) == HIT


async def test_invalidate_on_write_off(start: StartSidecar, upstream: Zep) -> None:
    """Writes change nothing; erasures do."""
    running = await start(upstream.url, cache={"enabled": True, "invalidate_on_write": "off"})
    await running.ask(read())
    await running.ask(write())
    assert told(await running.ask(read())) == HIT
    await erase(running, "/api/v2/threads/t1")
    assert told(await running.ask(read())) == LIVE


async def test_stopping_with_reads_under_way(start: StartSidecar, upstream: Zep) -> None:
    """Nobody who waits, and no flight that nobody waits for, keeps it from ending."""
    running = await caching(start, upstream, timeouts={"drain": 0.1})
    upstream.always = silent()
    asked = [asyncio.create_task(running.ask(read())) for _ in range(3)]
    await upstream.until(1)
    since = clock.mono()
    await running.sidecar.stop()
    assert clock.mono() - since < 5
    await asyncio.gather(*asked, return_exceptions=True)


async def test_case_56_a_write_to_a_thread(running: Running, upstream: Zep) -> None:
    """A read of the thread goes to Zep from the dispatch of the write on, and again after it."""
    await running.ask(read())
    await running.ask(read("one", OTHER))
    gate = Gate(numbered(3))
    upstream.script.append(gate)
    written = asyncio.create_task(running.ask(write()))
    await upstream.until(3)
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(4))
    gate.open()
    assert told(await written) == LIVE
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(5))
    assert told(await running.ask(read())) == HIT
    got = await running.ask(read("one", OTHER))
    assert (told(got), got.body) == (HIT, context(2))


async def test_case_57_a_write_to_the_threads_user(running: Running, upstream: Zep) -> None:
    """To whom a thread belongs is learned from what makes it, and from what shows it."""
    made = b'{"thread_id":"t1","user_id":"u1"}'
    upstream.script += [
        answer(201, made, JSON),
        answer(200, b'{"thread_id":"t2","user_id":"u1"}', JSON),
    ]
    await running.ask(write("", made, target="/api/v2/threads"))
    shown = request("GET", "/api/v2/threads/t2/messages", None, "Authorization: Api-Key one")
    await running.ask(shown)
    third = "/api/v2/threads/t3/context"
    for target in (CONTEXT, third):
        await running.ask(read("one", target))
    data = b'{"user_id":"u1","type":"text","data":"tea"}'
    await running.ask(write("", data, target="/api/v2/graph"))
    assert told(await running.ask(read())) == LIVE
    assert told(await running.ask(read("one", third))) == HIT


@pytest.mark.parametrize(
    "failing",
    [FAILED, answer(429), answer(422), then_close(b""), silent(5)],
    ids=["500", "429", "422", "closed", "timeout"],
)
async def test_failed_writes_invalidate_too(
    start: StartSidecar, upstream: Zep, failing: Script
) -> None:
    """A write may have had its effect, whatever came of it."""
    running = await caching(start, upstream, timeouts={"write": 0.3})
    await running.ask(read())
    upstream.script.append(failing)
    await running.ask(write())
    count = len(upstream.received)
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(count + 1))


async def test_a_write_whose_worker_leaves(running: Running, upstream: Zep) -> None:
    """It invalidates at its end all the same."""
    gate = Gate()
    upstream.script.append(gate)
    async with running.worker() as worker:
        await worker.send(write())
        await upstream.until(1)
    await running.ask(read())
    assert told(await running.ask(read())) == HIT
    gate.open()
    await until(lambda: gate.passed == 1)
    await asyncio.sleep(0.1)
    assert told(await running.ask(read())) == LIVE


async def test_a_read_that_a_write_overtakes(running: Running, upstream: Zep) -> None:
    """Its answer reaches its worker, is not kept, and is shared with nobody who came later."""
    gate = Gate(numbered(1))
    upstream.script.append(gate)
    early = asyncio.create_task(running.ask(read()))
    await upstream.until(1)
    await running.ask(write())
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(3))
    gate.open()
    got = await early
    assert (told(got), got.body, cache_status(got)) == (LIVE, context(1), FRESH_MISS)
    got = await running.ask(read())
    assert (told(got), got.body) == (HIT, context(3))


async def test_soft(start: StartSidecar, upstream: Zep) -> None:
    """The worker does not wait for what replaces an outdated answer."""
    running = await start(upstream.url, cache={"enabled": True, "invalidate_on_write": "soft"})
    await running.ask(read())
    await running.ask(write())
    gate = Gate(numbered(3))
    upstream.script.append(gate)
    for _ in range(3):
        got = await running.ask(read())
        assert (told(got), got.body) == (HIT, context(1))
    assert len(upstream.received) == 3
    gate.open()
    await until(lambda: gate.passed == 1)
    await asyncio.sleep(0.1)
    got = await running.ask(read())
    assert (told(got), got.body, len(upstream.received)) == (HIT, context(3), 3)


# --- single flight --------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
async def test_case_61_one_flight(running: Running, upstream: Zep, *, fails: bool) -> None:
    """Of 50 reads at once one is forwarded; each gets an answer, and one failure counts once."""
    gate = Gate(FAILED if fails else numbered(1))
    upstream.script.append(gate)
    asked = [asyncio.create_task(running.ask(read())) for _ in range(50)]
    await upstream.until(1)
    await asyncio.sleep(0.3)
    gate.open()
    got = await asyncio.gather(*asked)
    assert len(upstream.received) == 1
    if fails:
        softened = {(told(each), each.body) for each in got}
        assert softened == {((200, "2", "empty", "http_5xx"), EMPTY)}
        assert running.status["guard"]["streak"] == 1
        assert (entries(running), running.status["gauge"]) == (0, 2)
    else:
        assert {each.body for each in got} == {context(1)}
        outcomes = [told(each)[2] for each in got]
        assert (outcomes.count("live"), outcomes.count("collapsed")) == (1, 49)
        ends = {cache_status(each) for each in got}
        assert ends == {STORED, "zep-sidecar; fwd=miss; collapsed"}
    assert await counted(running) == {"miss": 1, "collapsed": 49}


@pytest.mark.parametrize("fails", [False, True])
async def test_the_leader_leaves(running: Running, upstream: Zep, *, fails: bool) -> None:
    """The others get the answer it has asked for; its verdict counts, and it is kept."""
    gate = Gate(FAILED if fails else numbered(1))
    upstream.script.append(gate)
    async with running.worker() as leader:
        await leader.send(read())
        await upstream.until(1)
        asked = [asyncio.create_task(running.ask(read())) for _ in range(3)]
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    gate.open()
    got = await asyncio.gather(*asked)
    assert len(upstream.received) == 1
    if fails:
        assert {told(each)[2] for each in got} == {"empty"}
        assert running.status["guard"]["streak"] == 1
    else:
        assert {(told(each)[2], each.body) for each in got} == {("collapsed", context(1))}
        assert told(await running.ask(read())) == HIT


async def test_a_lonely_leader_leaves(running: Running, upstream: Zep) -> None:
    """What nobody waits for any more is kept for the next one."""
    gate = Gate(numbered(1))
    upstream.script.append(gate)
    async with running.worker() as leader:
        await leader.send(read())
        await upstream.until(1)
    gate.open()
    await until(lambda: entries(running) == 1)
    got = await running.ask(read())
    assert (told(got), got.body) == (HIT, context(1))


# --- held, forced, off ----------------------------------------------------------------------------


async def test_case_62_last_known_by_age(clocks: Clocks, running: Running, upstream: Zep) -> None:
    """While Zep is held, an answer is good for fifteen minutes."""
    await running.ask(read())
    clocks.after(100)
    await hold(running, upstream)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "stale", "consecutive_failures"), context(1))
    assert got.values("age") == ["100"]
    assert cache_status(got).startswith("zep-sidecar; hit; ttl=-7")
    assert len(upstream.received) == 4


async def test_case_62_too_old(clocks: Clocks, running: Running, upstream: Zep) -> None:
    """An answer of more than fifteen minutes ago is none."""
    await running.ask(read())
    clocks.after(890)
    await hold(running, upstream)
    assert told(await running.ask(read()))[2] == "stale"
    clocks.after(11)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)
    assert got.values("age") == got.values("cache-status") == []


async def test_case_62_outdated_by_a_write(running: Running, upstream: Zep) -> None:
    """Better what was known before the write than nothing."""
    await running.ask(read())
    await running.ask(write())
    await hold(running, upstream)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "stale", "consecutive_failures"), context(1))


async def test_last_known_where_zep_fails(clocks: Clocks, running: Running, upstream: Zep) -> None:
    """A failure, and a limit of Zep's, are answered with what was known last."""
    await running.ask(read())
    clocks.after(35)
    for bad, reason in ((FAILED, "http_5xx"), (answer(429), "rate_limited")):
        upstream.script.append(bad)
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "stale", reason), context(1))
    got = await running.ask(read())  # within the shield
    assert (told(got), got.body) == ((200, "2", "stale", "rate_limited"), context(1))
    assert await counted(running) == {"miss": 1, "stale": 2}


async def test_fresh_while_held(running: Running, upstream: Zep) -> None:
    """What is fresh needs no Zep: it is a hit, in the mode in effect."""
    await running.ask(read())
    await hold(running, upstream)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "hit", ""), context(1))
    assert len(upstream.received) == 4
    assert await counted(running) == {"miss": 4}


async def test_the_probe_fills_the_cache(clocks: Clocks, running: Running, upstream: Zep) -> None:
    """Even where something fresh is not to be had, its answer is kept for the others."""
    await hold(running, upstream)
    clocks.after(400)
    got = await running.ask(read())
    assert (told(got)[2], got.body, cache_status(got)) == ("live", context(4), STORED)
    got = await running.ask(read())
    assert (told(got), got.body) == (HIT, context(4))
    assert len(upstream.received) == 4


async def test_a_late_probe_fills_the_cache(
    clocks: Clocks, start: StartSidecar, upstream: Zep
) -> None:
    """Its worker is not kept waiting, and gets what was known last."""
    running = await caching(start, upstream, probe={"client_wait": 0.1})
    await running.ask(read())
    await hold(running, upstream)
    clocks.after(400)
    gate = Gate(numbered(5))
    upstream.script.append(gate)
    got = await running.ask(read())
    assert (told(got)[2:], got.body) == (("stale", "consecutive_failures"), context(1))
    gate.open()
    await until(lambda: not is_held(running))
    await asyncio.sleep(0.05)
    got = await running.ask(read())
    assert (told(got), got.body) == (HIT, context(5))


async def test_a_probe_without_a_credential_is_not_kept(
    clocks: Clocks, running: Running, upstream: Zep
) -> None:
    """And does not claim to be."""
    await hold(running, upstream)
    clocks.after(400)
    got = await running.ask(read(""))
    assert (told(got)[2], entries(running)) == ("live", 0)
    assert cache_status(got) == "zep-sidecar; fwd=bypass"
    assert await counted(running) == {"miss": 3}  # reads were not allowed when it was made


async def test_a_probe_that_a_write_overtakes_is_not_kept(
    clocks: Clocks, running: Running, upstream: Zep
) -> None:
    """And does not claim to be."""
    await hold(running, upstream)
    clocks.after(400)
    gate = Gate(numbered(4))
    upstream.script.append(gate)
    probing = asyncio.create_task(running.ask(read()))
    await upstream.until(4)
    await running.ask(write())
    gate.open()
    got = await probing
    assert (told(got)[2], entries(running)) == ("live", 0)
    assert cache_status(got) == FRESH_MISS


async def test_case_63_forced(start: StartSidecar, upstream: Zep, tmp_path: Path) -> None:
    """A force hides what is known, unless it says otherwise; a cleared one gives it back."""
    path = str(tmp_path / "admin.sock")
    running = await caching(start, upstream, listen={"admin": path})
    await running.ask(read())
    await admin(path, "POST", "/force", {"reason": "drill"})
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "forced"), EMPTY)
    await admin(path, "POST", "/force", {"reason": "drill", "allow_stale": True})
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "stale", "forced"), context(1))
    await admin(path, "POST", "/clear")
    assert told(await running.ask(read())) == HIT
    assert len(upstream.received) == 1


async def test_case_63_off(start: StartSidecar, upstream: Zep, tmp_path: Path) -> None:
    """Mode off forgets everything, and what is on its way is not kept."""
    path = str(tmp_path / "admin.sock")
    running = await caching(start, upstream, listen={"admin": path})
    await running.ask(read())
    gate = Gate(numbered(2))
    upstream.script.append(gate)
    under_way = asyncio.create_task(running.ask(read("one", OTHER)))
    await upstream.until(2)
    off = {"reason": "drill", "mode": "off", "allow_stale": True}
    await admin(path, "POST", "/force", off)
    assert entries(running) == 0
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "0", "empty", "off"), EMPTY)
    gate.open()
    assert (await under_way).body == context(2)
    assert entries(running) == 0
    await admin(path, "POST", "/clear")
    got = await running.ask(read())
    assert (told(got), got.body) == (LIVE, context(3))


async def test_case_63_invalidated(start: StartSidecar, upstream: Zep, tmp_path: Path) -> None:
    """What an operator has dropped is not even last known; the rest stays."""
    path = str(tmp_path / "admin.sock")
    running = await caching(start, upstream, listen={"admin": path})
    await running.ask(read())
    await running.ask(read("two"))
    await running.ask(read("one", OTHER))
    code, out, _ = await zep_mode("--invalidate", "t1", "--socket", path)
    assert (code, "2" in out) == (0, True)
    code, out, _ = await zep_mode("--invalidate", "nobody", "--socket", path)
    assert (code, "0" in out) == (0, True)
    await hold(running, upstream)
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)
    assert told(await running.ask(read("one", OTHER)))[2] == "hit"


async def test_case_64_what_counts(
    clocks: Clocks, start: StartSidecar, upstream: Zep, tmp_path: Path
) -> None:
    """Reads that were answered without asking Zep or the cache change nothing of the ratio."""
    path = str(tmp_path / "admin.sock")
    running = await caching(start, upstream, listen={"admin": path})
    assert running.status["cache"]["hit_ratio"] is None
    await running.ask(read())
    for _ in range(99):
        await running.ask(read())
    before = await counted(running)
    assert before == {"miss": 1, "hit": 99}
    assert running.status["cache"]["hit_ratio"] == 0.99
    await admin(path, "POST", "/force", {"reason": "drill"})
    for _ in range(100):
        await running.ask(read())
    assert await counted(running) == before
    assert running.status["cache"]["hit_ratio"] == 0.99
    assert await running.metric("zep_sidecar_short_circuits_total", reason="forced") == 100


# --- erasure --------------------------------------------------------------------------------------


async def erase(running: Running, target: str) -> Message:
    """Delete something."""
    return await running.ask(request("DELETE", target, None, "Authorization: Api-Key one"))


@pytest.mark.parametrize(
    ("target", "left"), [("/api/v2/threads/t1", 2), ("/api/v2/users/u1", 0)], ids=["thread", "user"]
)
async def test_erasure(running: Running, upstream: Zep, target: str, left: int) -> None:
    """Nothing of it is left before it is forwarded, nor after it: not even as last known."""
    others = [read("one", OTHER), read("two", OTHER)]
    for data in (read(), *others):
        await running.ask(data)
    early, erasing = Gate(numbered(4)), Gate(answer(200, b"{}", JSON))
    late = Gate(numbered(6))
    upstream.script += [early, erasing, late]
    template = f"{CONTEXT}?template_id=x"
    before = asyncio.create_task(running.ask(read("one", template)))
    await upstream.until(4)
    erased = asyncio.create_task(erase(running, target))
    await upstream.until(5)
    assert entries(running) == left
    early.open()
    got = await before
    assert (got.body, cache_status(got), entries(running)) == (context(4), FRESH_MISS, left)
    during = asyncio.create_task(running.ask(read("one", template)))
    await upstream.until(6)
    erasing.open()
    assert (await erased).status == 200
    late.open()
    got = await during
    assert (got.body, cache_status(got), entries(running)) == (context(6), FRESH_MISS, left)
    await hold(running, upstream)
    for data in (read(), read("one", template)):
        assert told(await running.ask(data))[2] == "empty"
    assert told(await running.ask(others[1]))[2] == ("hit" if left else "empty")


async def test_what_was_read_during_an_erasure_goes(running: Running, upstream: Zep) -> None:
    """What was read and kept between the two ends of an erasure is dropped at its end."""
    erasing = Gate(answer(500))
    upstream.script.append(erasing)
    erased = asyncio.create_task(erase(running, "/api/v2/threads/t1"))
    await upstream.until(1)
    await running.ask(read())
    assert entries(running) == 1
    erasing.open()
    assert (await erased).status == 500
    assert entries(running) == 0


# --- refused credentials --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("by_write", [False, True])
async def test_a_refused_credential(
    running: Running, upstream: Zep, status: int, *, by_write: bool
) -> None:
    """Nothing that was read with it is served, fresh or not, and nothing on its way is kept."""
    for data in (read(), read("one", OTHER), read("two")):
        await running.ask(data)
    gate = Gate(numbered(4))
    refusal = answer(status, b'{"message":"no"}', JSON)
    upstream.script += [gate, refusal]
    under_way = asyncio.create_task(running.ask(read("one", "/api/v2/threads/t4/context")))
    await upstream.until(4)
    third = "/api/v2/threads/t3/"
    refused = write("", target=f"{third}messages") if by_write else read("one", f"{third}context")
    assert (await running.ask(refused)).status == status
    assert entries(running) == 1
    gate.open()
    got = await under_way
    assert (got.body, cache_status(got), entries(running)) == (context(4), FRESH_MISS, 1)
    for data in (read(), read("one", OTHER), read("one", "/api/v2/threads/t4/context")):
        got = await running.ask(data)
        assert (told(got), got.body) == ((200, "1", "empty", "auth"), EMPTY)
    got = await running.ask(read("two"))
    assert (told(got), got.body) == (HIT, context(3))


# --- without a cache, and the status --------------------------------------------------------------


async def test_not_enabled(start: StartSidecar, upstream: Zep, tmp_path: Path) -> None:
    """Each read is forwarded, and says so."""
    path = str(tmp_path / "admin.sock")
    running = await start(upstream.url, listen={"admin": path})
    for n in range(2):
        got = await running.ask(read())
        assert (told(got), got.body) == (LIVE, context(n + 1))
        assert cache_status(got) == "zep-sidecar; fwd=bypass"
    await running.ask(write())
    await hold(running, upstream)
    got = await running.ask(read())
    assert (told(got)[2], got.body) == ("empty", EMPTY)
    assert await counted(running) == {}
    assert await admin(path, "POST", "/invalidate", {"id": "t1"}) == {"invalidated": None}
    found = running.status["cache"]
    assert (found["enabled"], found["entries"], found["hit_ratio"]) == (False, 0, None)


async def test_a_probe_where_it_is_not_enabled(
    clocks: Clocks, start: StartSidecar, upstream: Zep
) -> None:
    """It is a bypass like every read."""
    running = await start(upstream.url)
    await hold(running, upstream)
    clocks.after(400)
    got = await running.ask(read())
    assert (told(got)[2], cache_status(got)) == ("live", "zep-sidecar; fwd=bypass")


async def test_status(running: Running, upstream: Zep) -> None:
    """The status says how much is kept, and what for."""
    await running.ask(read())
    await running.ask(read())
    found = running.status["cache"]
    assert 0 < found.pop("bytes") < 1000
    assert found == {
        "enabled": True,
        "entries": 1,
        "max_entries": 10_000,
        "max_bytes": 64 << 20,
        "hit_ratio": 0.5,
        "shared": None,
    }
    json.dumps(found)


# --- two sidecars ---------------------------------------------------------------------------------


@pytest.fixture
async def two(
    start: StartSidecar, upstream: Zep, redis: RedisServer, patient: None
) -> Sequence[Running]:
    """Two sidecars that share a tier."""
    cache = {"enabled": True, "redis_url": redis.url}
    return [await start(upstream.url, cache=cache) for _ in range(2)]


async def kept(redis: RedisServer, count: int) -> None:
    """Wait until the shared tier has so many answers."""
    async with asyncio.timeout(10):
        while not (await redis.ask("KEYS", "zs*c:*")).startswith(b"*%d\r\n" % count):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_case_66_shared(two: Sequence[Running], upstream: Zep, redis: RedisServer) -> None:
    """What one has read the other serves; and not once it has been written to through either."""
    a, b = two
    await a.ask(read())
    await a.ask(read("one", OTHER))
    await kept(redis, 2)
    got = await b.ask(read("one", OTHER))
    assert (told(got), got.body) == (HIT, context(2))
    assert cache_status(got).startswith("zep-sidecar; hit; ttl=")
    await a.ask(write())
    got = await b.ask(read())
    assert (told(got), got.body) == (LIVE, context(4))
    assert told(await b.ask(read())) == HIT
    assert [each.status["cache"]["shared"] for each in two] == ["ok", "ok"]
    assert (await b.ask(read("two"))).body == context(5)


async def test_shared_erasure(two: Sequence[Running], upstream: Zep, redis: RedisServer) -> None:
    """What was erased through one the other does not find in the shared tier."""
    a, b = two
    await a.ask(read())
    await kept(redis, 1)
    assert (await erase(a, "/api/v2/users/u1")).status == 200
    assert told(await b.ask(read())) == LIVE


async def test_shared_between_reads_in_flight(
    two: Sequence[Running], upstream: Zep, redis: RedisServer
) -> None:
    """What one reads while the other writes is not shared; what it reads later is."""
    a, b = two
    gate = Gate(numbered(1))
    upstream.script.append(gate)
    early = asyncio.create_task(a.ask(read()))
    await upstream.until(1)
    await b.ask(write())
    gate.open()
    assert (await early).body == context(1)
    await asyncio.sleep(0.1)
    got = await b.ask(read())
    assert (told(got), got.body) == (LIVE, context(3))


async def test_a_refused_credential_in_the_shared_tier(
    two: Sequence[Running], upstream: Zep, redis: RedisServer
) -> None:
    """Once one has been refused, nothing that the other has stored with it is found."""
    a, b = two
    await a.ask(read())
    await kept(redis, 1)
    upstream.script.append(answer(401))
    assert (await b.ask(read("one", OTHER))).status == 401
    got = await b.ask(read())
    assert (told(got)[2:], got.body) == (("empty", "auth"), EMPTY)
    assert told(await a.ask(read())) == HIT  # it finds out when this is no longer fresh


async def test_case_65_garbage(two: Sequence[Running], upstream: Zep, redis: RedisServer) -> None:
    """What cannot be read in the shared tier is not there."""
    a, b = two
    await a.ask(read())
    await kept(redis, 1)
    name = (await redis.ask("KEYS", "zs*c:*")).split(b"\r\n")[2]
    await redis.ask("SET", name, b"\x80garbage")
    got = await b.ask(read())
    assert (told(got), got.body) == (LIVE, context(2))


async def test_shared_tier_gone(start: StartSidecar, upstream: Zep, redis: RedisServer) -> None:
    """A shared tier that dies, or hangs, costs no read and no write its answer."""
    a = await start(upstream.url, cache={"enabled": True, "redis_url": redis.url})
    redis.freeze()
    assert told(await a.ask(read())) == LIVE
    assert told(await a.ask(write())) == LIVE
    await redis.kill()
    for n in range(5):
        assert told(await a.ask(read("one", f"/api/v2/threads/g{n}/context"))) == LIVE
    assert told(await a.ask(write("", target=MESSAGES))) == LIVE
    assert told(await a.ask(read())) == LIVE
    assert told(await a.ask(read())) == HIT
