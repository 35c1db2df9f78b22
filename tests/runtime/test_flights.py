"""Single flight: one attempt for all who ask at once, and nobody harmed by who gives up."""

import asyncio

import pytest

from sidecar.core.cache import Cache, Limits, Snapshot
from sidecar.core.cache_key import tag
from sidecar.runtime.flights import FOLLOWERS_MOST, Crowded, Flight, Flights

KEY = b"k"
TAGS = frozenset({tag("thread", "t")})
MOST = 1024


class Origin:
    """Answers after a while, and counts."""

    def __init__(self, delay: float = 0.05, error: Exception | None = None) -> None:
        self.delay, self.error, self.asked = delay, error, 0

    async def ask(self) -> int:
        """Return which answer this is."""
        self.asked += 1
        asked = self.asked
        await asyncio.sleep(self.delay)
        if self.error:
            raise self.error
        return asked


def take(flights: Flights[int], origin: Origin, cache: Cache) -> Flight[int]:
    """Join a flight, or begin one."""

    def current(flight: Flight[int]) -> bool:
        return cache.current(flight.tags, flight.since)

    found = flights.join(KEY, current)
    return found or flights.begin(KEY, TAGS, cache.snapshot(0.0), origin.ask())


async def test_one_attempt_whoever_gives_up() -> None:
    """200 ask; the first and 149 others are cancelled: 1 attempt, 50 answers."""
    flights, origin, cache = Flights[int](MOST), Origin(), Cache(Limits())

    async def ask() -> int | None:
        return await take(flights, origin, cache).landed()

    askers = [asyncio.create_task(ask()) for _ in range(200)]
    await asyncio.sleep(0.01)
    for asker in askers[:150]:
        asker.cancel()
    answers = await asyncio.gather(*askers, return_exceptions=True)
    assert origin.asked == 1
    assert answers[150:] == [1] * 50
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[:150])
    assert len(flights) == 0


async def test_an_attempt_ends_although_nobody_waits() -> None:
    """The worker has gone; what it asked for is there for the next one."""
    flights, origin, cache = Flights[int](MOST), Origin(), Cache(Limits())
    asker = asyncio.create_task(take(flights, origin, cache).landed())
    await asyncio.sleep(0)
    asker.cancel()
    assert await take(flights, origin, cache).landed() == 1


async def test_everybody_waits_as_long_as_they_like() -> None:
    """Who gives up gets None; the attempt goes on."""
    flights, origin, cache = Flights[int](MOST), Origin(0.5), Cache(Limits())
    flight = take(flights, origin, cache)
    assert await take(flights, origin, cache).landed(0.01) is None
    assert await flight.landed(30) == 1


async def test_a_failure_is_everybodys_and_nobodys_later() -> None:
    """Case 61: one attempt, and the next question begins another."""
    flights, origin, cache = Flights[int](MOST), Origin(error=RuntimeError("once")), Cache(Limits())
    waits = [take(flights, origin, cache).landed() for _ in range(50)]
    answers = await asyncio.gather(*waits, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["once"] * 50
    assert origin.asked == 1
    origin.error = None
    assert await take(flights, origin, cache).landed() == 2


async def test_a_write_makes_a_flight_nobody_joins() -> None:
    """Who asks after the write gets an answer from after it; the other flight lands by itself."""
    flights, origin, cache = Flights[int](MOST), Origin(), Cache(Limits())
    before = take(flights, origin, cache)
    cache.bump(TAGS, 0.0)
    after = take(flights, origin, cache)
    third = take(flights, origin, cache)
    assert third is after
    assert [await flight.landed() for flight in (before, after, third)] == [1, 2, 2]
    assert flights.join(KEY, lambda _: True) is None


async def test_the_first_to_end_does_not_hide_the_one_that_took_its_place() -> None:
    """The later flight can still be joined."""
    flights, cache, quick, slow = Flights[int](MOST), Cache(Limits()), Origin(0.01), Origin(10)
    first = take(flights, quick, cache)
    cache.bump(TAGS, 0.0)
    second = take(flights, slow, cache)
    await first.landed()
    await asyncio.sleep(0)
    assert take(flights, slow, cache) is second
    flights.close()


async def test_too_many_wait() -> None:
    """The one too many is told so at once."""
    flights, origin, cache = Flights[int](MOST), Origin(), Cache(Limits())
    flight = take(flights, origin, cache)
    crowd = [asyncio.create_task(flight.landed()) for _ in range(FOLLOWERS_MOST)]
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        take(flights, origin, cache)
    for waiting in crowd:
        waiting.cancel()
    await asyncio.sleep(0)
    assert flight.waiting == 0
    assert take(flights, origin, cache) is flight  # whoever has gone makes room
    assert await flights.begin(b"other", TAGS, Snapshot(0, 0.0), origin.ask()).landed() == 2


async def test_too_many_are_under_way() -> None:
    """Also where nobody waits for them; the end of one makes room."""
    flights, origin, cache = Flights[int](1), Origin(), Cache(Limits())
    flight = take(flights, origin, cache)
    cache.bump(TAGS, 0.0)
    with pytest.raises(Crowded):
        take(flights, origin, cache)
    await flight.landed()
    await asyncio.sleep(0)
    assert await take(flights, origin, cache).landed() == 2


async def test_close_ends_what_is_under_way() -> None:
    """And whoever still waits."""
    flights, origin, cache = Flights[int](MOST), Origin(10), Cache(Limits())
    flight = take(flights, origin, cache)
    flights.close()
    with pytest.raises(asyncio.CancelledError):
        await flight.landed()
    assert len(flights) == 0


async def test_whoever_leads_shares_what_it_got() -> None:
    """Without a task of its own, be it an answer or an error."""
    for origin in (Origin(), Origin(error=RuntimeError("once"))):
        flights = Flights[int](MOST)
        work = flights.lead(KEY, TAGS, Snapshot(0, 0.0), origin.ask())
        leading = asyncio.create_task(work)
        await asyncio.sleep(0.01)
        flight = flights.join(KEY, lambda _: True)
        assert flight is not None
        answers = await asyncio.gather(leading, flight.landed(), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["once" if origin.error else "1"] * 2
        assert (origin.asked, len(flights)) == (1, 0)


async def test_whoever_leads_ends_it_for_all() -> None:
    """To be cancelled, which happens only when the process ends."""
    flights, origin = Flights[int](MOST), Origin(10)
    leading = asyncio.create_task(flights.lead(KEY, TAGS, Snapshot(0, 0.0), origin.ask()))
    await asyncio.sleep(0.01)
    flight = flights.join(KEY, lambda _: True)
    assert flight is not None
    leading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flight.landed()
    assert len(flights) == 0
