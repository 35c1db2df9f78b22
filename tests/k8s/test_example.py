"""The example worker, on its real SDK, through a sidecar as the manifests configure it."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import yaml

from sidecar.standin import Fault, StandIn
from tests.conftest import StartSidecar
from tests.sdk.environments import REQUIREMENTS, clean, interpreter

from .tools import K8S

SDK = "zep-cloud-4.0.1"


@pytest.fixture
async def zep() -> AsyncIterator[StandIn]:
    """A stand-in."""
    standin = StandIn()
    await standin.start()
    yield standin
    await standin.stop()


async def work(origin: str) -> tuple[int, list[dict[str, object]]]:
    """Run the worker for two turns; return its exit code and its lines."""
    python = await asyncio.to_thread(interpreter, SDK)
    environ = {**clean(), "ZEP_API_URL": origin, "TURNS": "2", "PAUSE": "0"}
    process = await asyncio.create_subprocess_exec(
        python, K8S / "example/worker.py", env=environ, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in out.splitlines()]


@pytest.mark.sdk
@pytest.mark.timeout(600)  # The first run builds the environment.
async def test_the_example_works_through_the_sidecar(start: StartSidecar, zep: StandIn) -> None:
    """It raises nothing, and what reaches Zep is redacted."""
    config = yaml.safe_load((K8S / "base/config.yaml").read_text())
    config.pop("upstream")
    sidecar = await start(zep.url, flags={"write": True, "read": True}, **config)
    code, turns = await work(sidecar.origin)
    assert code == 0, turns
    assert [(turn["turn"], turn["ok"]) for turn in turns] == [(1, True), (2, True)]
    bodies = b"".join(request.body for request in zep.received)
    assert b"ayse.yilmaz@example.com" not in bodies
    assert b"[EMAIL], [PHONE]" in bodies


@pytest.mark.sdk
@pytest.mark.timeout(600)
async def test_the_example_says_what_fails(start: StartSidecar, zep: StandIn) -> None:
    """Exit 1 and the status, but nothing that was sent."""
    zep.fail(Fault("status", status=400))
    sidecar = await start(zep.url)
    code, turns = await work(sidecar.origin)
    assert code == 1
    assert {turn["status"] for turn in turns} == {400}
    assert "ayse" not in json.dumps(turns)


def test_its_image_has_the_sdk_that_is_tested() -> None:
    """The same pins as in the tests of the SDKs."""
    pins = (K8S / "example/requirements.txt").read_text()
    assert pins == (REQUIREMENTS / f"{SDK}.txt").read_text()
