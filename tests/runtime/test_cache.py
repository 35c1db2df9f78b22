"""The cache as requests see it: who is served what, and how often Zep is asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
import yaml

from sidecar.config import load
from sidecar.core.cache import GRACE, State, Value
from sidecar.core.cache_key import Question
from sidecar.core.cache_status import Result
from sidecar.core.routes import match
from sidecar.runtime import clock
from sidecar.runtime.cache import ContextCache, Served
from sidecar.runtime.flights import FOLLOWERS_MOST, Crowded
from sidecar.runtime.logs import Log
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.shared_tier import SharedTier
from tests.redis import RedisServer

HEADERS = ((b"Authorization", b"Api-Key z"),)
JSON = b"application/json"


class Bench:
    """A cache in front of a Zep that one can slow down, fail and count."""

    def __init__(self, shared: SharedTier | None = None, **sections: object) -> None:
        config = load(yaml.safe_dump(sections).encode(), {})
        self.now = 1000.0
        self.metrics = Metrics([])
        self.cache = ContextCache(config, self.metrics, mono=lambda: self.now, shared=shared)
        self.asked = 0
        self.delay, self.fails = 0.0, False
        self.version = 0

    def question(self, thread: str = "t", credential: str = "c") -> Question | None:
        """Return the question for a thread's context."""
        target = f"/api/v2/threads/{thread}/context"
        route = match("GET", target)
        assert route
        return self.cache.question(route, "GET", target.encode(), HEADERS, None, credential)

    async def ask(self) -> bytes | None:
        """Ask Zep; None is a failure."""
        self.asked += 1
        seen = self.version
        if self.delay:
            await asyncio.sleep(self.delay)
        return None if self.fails else b"%d" % seen

    async def get(self, thread: str = "t", credential: str = "c") -> Served[bytes | None]:
        """Read a thread's context."""
        served = await self.cache.serve(
            self.question(thread, credential),
            self.ask,
            lambda read: None if read is None else Value(read, JSON),
        )
        self.cache.count(served.result)
        return served

    async def write(self, method: str, target: str, body: bytes = b"{}") -> None:
        """Write, or erase, as the proxy does it."""
        route = match(method, target)
        assert route
        change = self.cache.change(route, target.encode(), body, "c")
        await self.cache.note(change)
        self.version += 1
        await self.cache.note(change)

    def state(self) -> State | None:
        """Return what is known of the thread without asking Zep."""
        found = self.cache.last_known(self.question())
        return found and found.state

    def counted(self, result: str) -> float:
        """Return how many reads had a result."""
        line = f'memory_zep_context_requests_total{{result="{result}"}} '
        text = self.metrics.render("")[1].decode()
        return float(text.partition(line)[2].partition("\n")[0])


def body(served: Served[bytes | None]) -> bytes | None:
    """Return what the worker gets, if it is an answer."""
    return served.found.value.body if served.found else served.read


async def test_two_equal_reads() -> None:
    """Case 53: one read of Zep; the second is a hit with an age."""
    bench = Bench()
    first = await bench.get()
    bench.now += 12.0
    second = await bench.get()
    assert (first.result, first.stored, first.asked) == (Result.MISS, True, True)
    assert (second.result, second.asked) == (Result.HIT, False)
    assert second.found
    assert (second.found.age, second.found.ttl) == (12.0, 18.0)
    assert (body(first), body(second), bench.asked) == (b"0", b"0", 1)
    bench.now += 18.0
    assert (await bench.get()).result is Result.MISS


async def test_a_write_is_seen_by_the_next_read() -> None:
    """Case 56: of the thread that was written to; another is still a hit."""
    bench = Bench()
    for thread in ("t", "u"):
        await bench.get(thread)
    await bench.write("POST", "/api/v2/threads/t/messages")
    assert [body(await bench.get(thread)) for thread in ("t", "u")] == [b"1", b"0"]
    assert (await bench.get("u")).result is Result.HIT


async def test_a_write_to_a_user_is_seen_by_their_threads() -> None:
    """Case 57: once it is known whose thread it is."""
    bench = Bench()
    route = match("POST", "/api/v2/threads")
    assert route
    made = b'{"thread_id":"t","user_id":"U"}'
    bench.cache.learn(route, b"/api/v2/threads", made, b"{}")
    await bench.get()
    await bench.write("POST", "/api/v2/graph", b'{"user_id":"U","data":"x"}')
    assert (await bench.get()).result is Result.MISS


async def test_a_read_that_a_write_overtakes_is_not_kept() -> None:
    """It was dispatched before; its worker gets its answer, the next read asks again."""
    bench = Bench()
    bench.delay = 0.05
    early = asyncio.create_task(bench.get())
    await asyncio.sleep(0.01)
    await bench.write("POST", "/api/v2/threads/t/messages")
    late = await bench.get()
    assert (body(await early), (await early).stored) == (b"0", False)
    assert (body(late), late.result, late.stored) == (b"1", Result.MISS, True)
    assert body(await bench.get()) == b"1"


async def test_a_failure_is_one_attempt_and_nobody_remembers_it() -> None:
    """Cases 60 and 61: 50 ask, Zep is asked once and fails, each is told so."""
    bench = Bench()
    bench.delay, bench.fails = 0.02, True
    answers = await asyncio.gather(*(bench.get() for _ in range(50)))
    assert [body(answer) for answer in answers] == [None] * 50
    assert sorted(answer.result.value for answer in answers) == ["collapsed"] * 49 + ["miss"]
    assert [answer.asked for answer in answers].count(True) == 1
    assert bench.asked == 1
    bench.fails = False
    assert body(await bench.get()) == b"0"
    assert bench.asked == 2


async def test_followers_get_the_answer() -> None:
    """They are no hits."""
    bench = Bench()
    bench.delay = 0.02
    answers = await asyncio.gather(*(bench.get() for _ in range(10)))
    assert [body(answer) for answer in answers] == [b"0"] * 10
    assert bench.counted("collapsed") == 9
    assert bench.cache.status()["hit_ratio"] == 0.0


async def test_too_many_followers() -> None:
    """Whoever is one too many is told at once."""
    bench = Bench()
    bench.delay = 1.0
    others = [asyncio.create_task(bench.get()) for _ in range(FOLLOWERS_MOST + 1)]
    await asyncio.sleep(0.1)
    with pytest.raises(Crowded):
        await bench.get()
    await asyncio.gather(*others)


@pytest.mark.parametrize("event", ["write", "erase", "refuse", "invalidate", "off"])
async def test_nothing_is_last_known_that_ended_meanwhile(event: str) -> None:
    """While a read waits for a slow Zep, a write, an erasure or an operator may come in between."""
    bench = Bench(reads={"stale_after": 0.05}, cache={"ttl": 4})
    await bench.get()
    bench.now += 5.0
    bench.delay, bench.version = 0.2, 1
    waiting = asyncio.create_task(bench.get())
    await asyncio.sleep(0.01)
    if event == "write":
        await bench.write("POST", "/api/v2/threads/t/messages")
    elif event == "erase":
        await bench.write("DELETE", "/api/v2/threads/t")
    elif event == "refuse":
        bench.cache.refused("c")
    elif event == "invalidate":
        bench.cache.invalidate("t")
    else:
        bench.cache.clear()
    assert body(await waiting) == b"1"


async def test_last_known_while_zep_is_slow() -> None:
    """Case 52: after `stale_after`; the read goes on, and what it brings is fresh."""
    bench = Bench(reads={"stale_after": 0.02}, cache={"ttl": 4})
    await bench.get()
    bench.now += 5.0
    bench.delay, bench.version = 0.1, 1
    stale = await bench.get()
    assert (body(stale), stale.result, stale.asked) == (b"0", Result.STALE, True)
    await asyncio.sleep(0.15)
    assert body(await bench.get()) == b"1"
    await bench.write("POST", "/api/v2/threads/t/messages")
    assert body(await bench.get()) == b"2"  # what a write has made old is waited for


async def test_soft_serves_while_one_read_brings_a_new_answer() -> None:
    """Ten ask after a write: ten hits, one read; then the new answer."""
    bench = Bench(cache={"invalidate_on_write": "soft"})
    await bench.get()
    await bench.write("POST", "/api/v2/threads/t/messages")
    bench.delay = 0.01
    served = [await bench.get() for _ in range(10)]
    assert {(body(s), s.result) for s in served} == {(b"0", Result.HIT)}
    assert [s.asked for s in served].count(True) == 1
    await asyncio.sleep(0.03)
    assert (body(await bench.get()), bench.asked) == (b"1", 2)
    await bench.write("POST", "/api/v2/threads/t/messages")
    bench.now += GRACE
    assert body(await bench.get()) == b"2"


async def test_what_is_left_for_an_outage() -> None:
    """Case 62: 100 s old is last known, also after a write; 901 s old is nothing."""
    bench = Bench()
    await bench.get()
    bench.now += 10.0
    await bench.write("POST", "/api/v2/threads/t/messages")
    assert bench.state() is State.OUTDATED
    bench.now += 90.0
    assert bench.state() is State.OUTDATED
    bench.now += 801.0
    assert bench.state() is None


@pytest.mark.parametrize("how", ["clear", "invalidate", "refused", "thread", "user", "unknown"])
async def test_what_is_not_left(how: str) -> None:
    """Case 63: nothing after mode off, an invalidation, a refused credential, an erasure."""
    bench = Bench()
    await bench.get()
    if how == "clear":
        bench.cache.clear()
    elif how == "invalidate":
        assert bench.cache.invalidate("x") == 0
        assert bench.cache.invalidate("t") == 1
    elif how == "refused":
        bench.cache.refused("d")
        assert bench.state() is State.FRESH
        bench.cache.refused("c")
    else:
        erased = {"thread": "threads/t", "user": "users/u", "unknown": "graph/edge/e"}[how]
        await bench.write("DELETE", f"/api/v2/{erased}")
    assert bench.state() is None


async def test_an_erasure_refuses_what_is_in_flight() -> None:
    """Reads that were dispatched before its end."""
    bench = Bench()
    bench.delay = 0.03
    reads = [asyncio.create_task(bench.get())]
    await asyncio.sleep(0.01)
    await bench.write("DELETE", "/api/v2/threads/t")
    await asyncio.gather(*reads)
    assert bench.state() is None


async def test_a_probe_asks_in_any_case_and_is_kept() -> None:
    """Its answer is as good as any."""
    bench = Bench()
    await bench.get()
    bench.version = 1
    probed = await bench.cache.probe(bench.question(), bench.ask, lambda r: Value(r or b"", JSON))
    assert probed == (b"1", True)
    assert body(await bench.get()) == b"1"


async def test_switched_off() -> None:
    """Every read goes to Zep, and nothing is counted."""
    bench = Bench(cache={"enabled": False})
    served = [await bench.get() for _ in range(3)]
    assert [s.result for s in served] == [Result.BYPASS] * 3
    assert bench.asked == 3
    await bench.write("POST", "/api/v2/threads/t/messages")
    assert bench.cache.invalidate("t") is None
    assert bench.counted("bypass") == 0
    assert bench.cache.status()["enabled"] is False


async def test_status_and_metrics() -> None:
    """Case 64: hits of all that was counted; every label value is there from the start."""
    bench = Bench()
    for result in Result:
        assert bench.counted(result.value) == 0
    assert bench.cache.status() == {
        "enabled": True,
        "entries": 0,
        "bytes": 0,
        "max_entries": 10_000,
        "max_bytes": 64 << 20,
        "hit_ratio": None,
        "shared": None,
    }
    for _ in range(3):
        await bench.get()
    await bench.get(credential="anon")
    status = bench.cache.status()
    assert (status["entries"], status["hit_ratio"]) == (1, 0.5)
    assert status["bytes"] == 32 + 1 + len(JSON) + 200
    assert (bench.counted("hit"), bench.counted("miss"), bench.counted("bypass")) == (2, 1, 1)
    assert "memory_zep_context_cache_hits_total 2.0" in bench.metrics.render("")[1].decode()


async def test_sweeping_goes_on_by_itself() -> None:
    """What is too old goes although nobody asks for it."""
    bench = Bench()
    await bench.get()
    bench.cache.start()
    bench.now += 1000.0
    async with asyncio.timeout(10):
        while bench.cache.status()["entries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await bench.cache.stop()


# --- with the shared tier ---------------------------------------------------------------------


@pytest.fixture
async def pair(redis: RedisServer, patient: None) -> AsyncIterator[Callable[[], Bench]]:
    """Give a function that returns the cache of one more sidecar on the same Redis."""
    benches: list[Bench] = []

    def one_more() -> Bench:
        def wall() -> datetime:
            return datetime.fromtimestamp(1_700_000_000 + bench.now, UTC)

        shared = SharedTier(
            redis.url, "zs", 30.0, mono=clock.mono, wall=wall, log=Log(clock.wall, "error")
        )
        bench = Bench(shared)
        benches.append(bench)
        return bench

    yield one_more
    for bench in benches:
        await bench.cache.stop()


async def settled(bench: Bench) -> None:
    """Wait until the shared tier has all that is on its way."""
    shared = bench.cache._shared
    assert shared
    async with asyncio.timeout(5):
        while shared._storing or shared._tombstones:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_two_sidecars_share_answers_and_their_age(pair: Callable[[], Bench]) -> None:
    """The second asks nobody; what it takes over is not fresh for any longer."""
    a, b = pair(), pair()
    await a.get()
    await settled(a)
    a.now = b.now = a.now + 20.0
    served = await b.get()
    assert (served.result, served.asked, b.asked) == (Result.HIT, False, 0)
    assert served.found
    assert served.found.age == pytest.approx(20.0, abs=0.01)
    b.now += 9.0
    assert (await b.get()).result is Result.HIT
    b.now += 2.0
    assert (await b.get()).result is Result.MISS


@pytest.mark.parametrize("how", ["write", "erase", "invalidate", "refused"])
async def test_two_sidecars_and_a_write_through_one(pair: Callable[[], Bench], how: str) -> None:
    """Case 66: the other, which has not read it before, does not get the old answer."""
    a, b = pair(), pair()
    await a.get()
    await settled(a)
    if how == "write":
        await a.write("POST", "/api/v2/threads/t/messages")
    elif how == "erase":
        await a.write("DELETE", "/api/v2/threads/t")
    elif how == "invalidate":
        a.cache.invalidate("t")
    else:
        a.cache.refused("c")
    await settled(a)
    b.version = 1
    assert body(await b.get()) == b"1"
    assert b.asked == 1


async def test_after_mode_off_the_shared_tier_has_nothing_either(
    pair: Callable[[], Bench],
) -> None:
    """For this sidecar, for as long as what is there could be fresh."""
    a = pair()
    await a.get()
    await settled(a)
    a.cache.clear()
    assert (await a.get()).result is Result.MISS
    assert a.asked == 2
    assert a.cache.status()["shared"] == "ok"
