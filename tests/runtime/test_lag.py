"""The event loop's own delays, on an event loop that is really blocked."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from sidecar.runtime import clock
from sidecar.runtime.lag import PERIOD, Lag


@pytest.fixture
async def lag() -> AsyncIterator[Lag]:
    """A lag that is being watched."""
    made = Lag()
    made.start()
    yield made
    made.stop()


def block(seconds: float) -> None:
    """Hold the thread, and the event loop with it."""
    time.sleep(seconds)


async def test_a_loop_that_runs(lag: Lag) -> None:
    """Waiting for something is no delay; what is left is the machine's own."""
    waits, late = 20, 0.0
    for _ in range(waits):
        since = clock.mono()
        await asyncio.sleep(PERIOD)
        late += clock.mono() - since - PERIOD
    assert lag.total < PERIOD * waits / 2 + 2 * late


async def test_a_loop_that_is_blocked(lag: Lag) -> None:
    """One long stall, and several short ones, count with nearly all of their length."""
    await asyncio.sleep(0)
    block(0.3)
    await asyncio.sleep(PERIOD)
    assert 0.3 - 2 * PERIOD <= lag.total < 2
    before = lag.total
    for _ in range(3):
        block(0.15)
        await asyncio.sleep(PERIOD)
    assert 3 * (0.15 - 2 * PERIOD) <= lag.total - before < 3


async def test_a_stall_is_known_before_the_timeouts_that_it_causes(lag: Lag) -> None:
    """Whoever runs into one can ask at once."""

    async def stalls() -> None:
        async with asyncio.timeout(0.3):
            await asyncio.sleep(0)
            block(0.4)
            await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        await stalls()
    assert lag.total >= 0.4 - 2 * PERIOD


async def test_after_the_end() -> None:
    """Nothing is counted, and it may end twice, or before its start."""
    lag = Lag()
    lag.stop()
    lag.start()
    lag.stop()
    lag.stop()
    block(0.15)
    await asyncio.sleep(PERIOD * 2)
    assert lag.total == 0
