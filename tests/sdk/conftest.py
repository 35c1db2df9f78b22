"""Workers that outlive a test, and a Zep for each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from sidecar.standin import StandIn

from .workers import Worker

Hire = Callable[[str], Awaitable[Worker]]


@pytest.fixture(scope="session")
def staff() -> Iterator[dict[str, Worker]]:
    """The workers hired so far."""
    hired: dict[str, Worker] = {}
    yield hired
    for worker in hired.values():
        worker.close()


@pytest.fixture
def hire(staff: dict[str, Worker]) -> Hire:
    """Give a function that returns the worker on an SDK."""

    async def one(sdk: str) -> Worker:
        if sdk in staff and staff[sdk].gone:
            staff.pop(sdk).close()
        if sdk not in staff:
            staff[sdk] = await asyncio.to_thread(Worker, sdk)
        return staff[sdk]

    return one


@pytest.fixture
async def zep() -> AsyncIterator[StandIn]:
    """A stand-in."""
    standin = StandIn()
    await standin.start()
    yield standin
    await standin.stop()
