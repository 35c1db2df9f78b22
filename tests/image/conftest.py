"""The image, built once for all tests, and containers of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

from tests.image.engine import CannotRun, Container, Engine

StartContainer = Callable[..., Awaitable[Container]]
# Ports of their own, because the containers of most tests share the network of this machine.
FREE_PORTS = {
    "ZEP_SIDECAR_LISTEN__PROXY": "127.0.0.1:0",
    "ZEP_SIDECAR_LISTEN__OPS": "127.0.0.1:0",
}
MOUNTS = {
    "run": "/run/zep-sidecar",
    "state": "/var/lib/zep-sidecar",
    "override": "/etc/zep-sidecar/override",
}
_NUMBERS = count(1)


_MEASURED: list[str] = []


@pytest.fixture
def measured() -> list[str]:
    """Lines that are printed at the end of the run."""
    return _MEASURED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    for line in _MEASURED:
        terminalreporter.write_line(f"measured: {line}")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A container engine with the base image and the image."""
    try:
        made = Engine()
    except CannotRun as error:
        _cannot(str(error))
    try:
        try:
            made.make_base()
        except CannotRun as error:
            _cannot(str(error))
        made.build_twice(made.make_context())
        yield made
    finally:
        made.close()


def _cannot(why: str) -> NoReturn:
    if os.environ.get("IMAGE_TESTS") == "required":
        pytest.fail(f"IMAGE_TESTS=required, but {why}")
    pytest.skip(why)


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, Path]:
    """Directories that any user may write, as emptyDir volumes are; `override` belongs to root."""
    for name in MOUNTS:
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755 if name == "override" else 0o777)
    return {name: tmp_path / name for name in MOUNTS}


@pytest.fixture
async def start_container(engine: Engine, mounts: dict[str, Path]) -> AsyncIterator[StartContainer]:
    """Give a function that starts containers, with everything mounted unless told otherwise."""
    names = []

    async def start(
        url: str = "http://127.0.0.1:9",
        *options: str,
        mounted: dict[str, Path] = mounts,
        network: str = "host",
        **environ: str,
    ) -> Container:
        name = f"sidecar{next(_NUMBERS)}"
        names.append(name)
        volumes = [f"--volume={path}:{MOUNTS[key]}" for key, path in mounted.items()]
        settings = {"ZEP_SIDECAR_UPSTREAM__URL": url, **environ}
        if network == "host":
            settings = {**FREE_PORTS, **settings}
        return await asyncio.to_thread(
            Container.start, engine, name, [f"--network={network}", *volumes, *options], settings
        )

    yield start
    for name in names:
        await engine.podman_meanwhile("rm", "--force", "--time", "0", name)
