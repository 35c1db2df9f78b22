"""A sidecar and an upstream on real loopback sockets."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
import yaml
from hypothesis import settings

from sidecar.app import Sidecar
from sidecar.config import load
from sidecar.runtime import clock
from sidecar.runtime.logs import Log
from tests.wire import Message, ScriptedUpstream, Worker

# No deadlines: how long an example takes says more about the machine than about the code.
settings.register_profile("default", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_sessionstart() -> None:
    """Refuse to test code that is older than what it was compiled from."""
    for compiled in (Path(__file__).parents[1] / "sidecar").rglob("*.so"):
        source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
        if source.stat().st_mtime > compiled.stat().st_mtime:
            pytest.exit(f"{source}: changed since it was compiled: make native", returncode=2)


StartSidecar = Callable[..., Awaitable["Running"]]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run everything in tests/runtime, the code that touches sockets, on both event loops."""
    if "runtime" in item.path.parts:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class Running:
    """A sidecar that serves, and what can be asked of it."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self.port = sidecar.proxy_address.port
        self.origin = f"http://127.0.0.1:{self.port}"

    def worker(self) -> Worker:
        """Return a connection to the sidecar, to be entered."""
        return Worker(self.port)

    async def ask(self, data: bytes, *, head_only: bool = False) -> Message:
        """Send one request on a connection of its own and return the answer."""
        async with self.worker() as worker:
            await worker.send(data)
            return await worker.answer(head_only=head_only)

    async def ops(self, path: str) -> Message:
        """Ask the ops listener."""
        async with Worker(self.sidecar.ops_address.port) as worker:
            await worker.send(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            )
            return await worker.answer()

    async def metric(self, name: str, **labels: str) -> float:
        """Return the value of one sample, as it is scraped."""
        inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
        sample = f"{name}{{{inside}}} " if inside else f"{name} "
        lines = (await self.ops("/metrics")).body.decode().splitlines()
        [value] = [line.removeprefix(sample) for line in lines if line.startswith(sample)]
        return float(value)

    @property
    def status(self) -> dict[str, Any]:
        """What `zep_mode --status --json` shows."""
        return self.sidecar.status()


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """A scripted upstream."""
    scripted = ScriptedUpstream()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartSidecar]:
    """Give a function that starts sidecars, with config sections as keyword arguments."""
    started: list[Sidecar] = []

    async def start_one(
        url: str, environ: dict[str, str] | None = None, **sections: object
    ) -> Running:
        document: dict[str, object] = {
            "upstream": {"url": url},
            "listen": {"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": ""},
            "guard": {"state_file": ""},
            "cache": {"enabled": False},  # most tests are about what reaches Zep
            "override": {"path": str(tmp_path / "override" / "override.yaml")},
            "log": {"level": "error"},
        }
        for name, keys in sections.items():
            assert isinstance(keys, dict)
            section = document.setdefault(name, {})
            assert isinstance(section, dict)
            section.update(keys)
        config = load(yaml.safe_dump(document).encode(), {})
        sidecar = Sidecar(config, Log(clock.wall, config.log.level), environ or {})
        await sidecar.start()
        started.append(sidecar)
        return Running(sidecar)

    yield start_one
    for sidecar in started:
        await sidecar.stop()


@pytest.fixture
async def running(start: StartSidecar, upstream: ScriptedUpstream) -> Running:
    """A sidecar in front of the scripted upstream."""
    return await start(upstream.url)
