"""A stand-in on a free loopback port, and a client that speaks JSON to it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from sidecar.standin import StandIn
from sidecar.standin.store import Store

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Client:
    """Sends JSON to the stand-in and returns the status with the parsed answer."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Make one request; an answer without a body is None."""
        async with self.session.request(method, path, json=body) as response:
            raw = await response.read()
            return response.status, await response.json() if raw else None


@pytest.fixture
def store() -> Store:
    """Return an empty store whose clock stands at noon."""
    return Store(lambda: NOON)


@pytest.fixture
async def zep() -> AsyncIterator[StandIn]:
    """Return a running stand-in whose clock stands at noon."""
    standin = StandIn(now=lambda: NOON)
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
async def call(zep: StandIn) -> AsyncIterator[Client]:
    """Return a client of the running stand-in."""
    async with ClientSession(zep.url) as session:
        yield Client(session)
