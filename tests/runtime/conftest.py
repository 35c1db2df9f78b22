"""A Redis, time for it on a busy machine, and clocks that tests move."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.runtime import shared_tier
from tests.redis import RedisServer
from tests.runtime.support import Clocks


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A server that runs."""
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared tier that has time: it would otherwise do without what takes 30 ms."""
    for limit in ("OPERATION", "CONNECT", "POOL", "SOCKET"):
        monkeypatch.setattr(shared_tier, limit, 10.0)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Clocks for sidecars that are started later."""
    return Clocks(monkeypatch)
