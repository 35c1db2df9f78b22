"""The real SDKs get the same from Zep through the sidecar, and Zep gets the same without the PII.

Each SDK runs its script twice: against a stand-in directly, and against another stand-in through
a running sidecar. Ids and the clock of the stand-ins repeat, so both runs compare exactly.
"""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from sidecar.standin import Received, StandIn

from .environments import clean, interpreter

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
DRIVERS = Path(__file__).parent / "drivers"
PLANTED = {
    "ayse.yilmaz@example.com": "[EMAIL]",
    "+90 532 123 45 67": "[PHONE]",
    "+44 20 7946 0958": "[PHONE]",
    "Atatürk Caddesi No: 12 Daire 3": "[ADDRESS]",
    "221B Baker Street": "[ADDRESS]",
}
CONFIG = """
upstream: {{url: "{upstream}"}}
listen: {{proxy: "127.0.0.1:0", ops: "127.0.0.1:0", admin: "{here}/admin.sock"}}
override: {{path: "{here}/override.yaml"}}
guard: {{state_file: ""}}
cache: {{enabled: false}}
"""
NOT_COMPARED = {b"host", b"connection", b"content-length", b"transfer-encoding", b"keep-alive"}
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK: its environment, its driver, and what its sweep is known to do."""

    name: str
    driver: str
    methods: int
    """How many methods the sweep calls at least."""
    unparsed: frozenset[str] = frozenset()
    """Methods that expect other answers than Zep gives."""
    refused: str = ""
    """A part of the path that the sidecar refuses to forward, because it cannot look inside."""


SDKS = [
    Sdk("zep-cloud-4.0.1", "cloud4", 194, refused="/skills/import"),
    Sdk("zep-cloud-3.30.0", "cloud3", 99),
    Sdk("zep-cloud-2.22.1", "cloud2", 70),
    Sdk("zep-python-2.0.2", "python2", 19, frozenset({"user.get_sessions", "memory.delete_fact"})),
    Sdk("zep-python-1.5.0", "python1", 35),
]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a driver: what the application saw and what Zep received."""

    steps: list[dict[str, Any]]
    received: list[Received]


@pytest.mark.sdk
@pytest.mark.timeout(600)  # The first run builds the environment.
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
async def test_an_sdk_sees_no_difference(sdk: Sdk, mode: str, tmp_path: Path) -> None:
    """Results agree but for the redaction; requests arrive unchanged but for the redaction."""
    python = await asyncio.to_thread(interpreter, sdk.name)
    async with standin() as zep:
        direct = Run(await drive(python, sdk, zep.url, mode), list(zep.received))
    async with standin() as zep, sidecar(zep.url, tmp_path) as origin:
        proxied = Run(await drive(python, sdk, origin, mode), list(zep.received))
    covered(sdk, direct)
    same_results(sdk, direct, proxied)
    same_requests(sdk, direct, proxied)
    nothing_leaked(proxied)


def covered(sdk: Sdk, run: Run) -> None:
    """Every method was called, and those that fail are known to."""
    sweep = [step for step in run.steps if step["step"].startswith("sweep")]
    assert len({method(step) for step in sweep}) >= sdk.methods
    # What the sweep cannot fill, the driver calls by hand.
    by_hand = {step["step"] for step in run.steps if "parsed" in step}
    unfilled = {method(step) for step in sweep if "unfilled" in step}
    assert unfilled <= by_hand
    failed = {method(step): step["error"] for step in sweep if not served(step)}
    assert failed.keys() == sdk.unparsed, failed


def method(step: dict[str, Any]) -> str:
    """Return the dotted name of the method that a step of the sweep called."""
    return str(step["step"].split()[2])


def served(step: dict[str, Any]) -> bool:
    """Say whether Zep answered: with a result, or that something is gone or already there."""
    if "error" not in step:
        return True
    error = step["error"]
    status = error["status"] or (error["body"] or {}).get("status_code")
    # zep-python 1.x keeps no status, and refuses some arguments itself.
    return status in {400, 404, 409} or error["type"] in {"NotFoundError", "ValueError"}


def same_results(sdk: Sdk, direct: Run, proxied: Run) -> None:
    """Each step parsed the same, or failed the same, once what is planted is hidden."""
    assert [step["step"] for step in proxied.steps] == [step["step"] for step in direct.steps]
    for want, got in zip(direct.steps, proxied.steps, strict=True):
        if sdk.refused and "import_package" in want["step"]:
            assert 400 <= got["error"]["status"] < 500, got
            continue
        outcomes = [{key: step.get(key) for key in ("parsed", "error")} for step in (want, got)]
        assert outcomes[1] == json.loads(hidden(json.dumps(outcomes[0]))), want["step"]


def same_requests(sdk: Sdk, direct: Run, proxied: Run) -> None:
    """Each request arrived with the same method, target, headers and body but for the PII."""
    wanted = [r for r in direct.received if not sdk.refused or sdk.refused not in r.target]
    for want, got in zip(wanted, proxied.received, strict=False):
        assert (got.method, got.target) == (want.method, hidden_in_query(want.target))
        assert got.body.decode() == hidden(want.body.decode()), want.target
        assert compared(got) == compared(want), want.target
        length = dict(want.headers).get(b"Content-Length")
        if length is not None:
            assert dict(got.headers)[b"Content-Length"] == b"%d" % len(got.body), want.target
    assert len(proxied.received) == len(wanted)


def nothing_leaked(run: Run) -> None:
    """No spelling of anything planted is in a body, a target or a header."""
    for request in run.received:
        whole = b"\n".join((request.target.encode(), *map(b": ".join, request.headers)))
        text = whole.decode("latin-1") + request.body.decode()
        for value in PLANTED:
            for spelling in (*spellings(value), quote(value), quote_plus(value)):
                assert spelling not in text, request.target


def compared(request: Received) -> list[tuple[bytes, bytes]]:
    """Return the headers that must pass, in order; keys that the SDK makes up are masked."""
    return [
        (name, UUID.sub(b"*", value) if name.lower() == b"idempotency-key" else value)
        for name, value in request.headers
        if name.lower() not in NOT_COMPARED
    ]


def spellings(value: str) -> list[str]:
    """Return a value as it stands in text, in JSON with escapes, and in JSON inside JSON."""
    once = json.dumps(value)[1:-1]
    twice = json.dumps(once)[1:-1]
    return [value, once, twice, json.dumps(twice)[1:-1]]


def hidden(text: str) -> str:
    """Return text with everything planted replaced as the sidecar should."""
    for value, placeholder in PLANTED.items():
        for spelling in reversed(spellings(value)):
            text = text.replace(spelling, placeholder)
    return text


def hidden_in_query(target: str) -> str:
    """Return a target with everything planted in its query replaced as the sidecar should."""
    for value, placeholder in PLANTED.items():
        for spelling in (quote(value, safe=""), quote_plus(value), quote(value, safe="@:")):
            target = target.replace(spelling, quote(placeholder, safe=""))
    return target


@asynccontextmanager
async def standin() -> AsyncIterator[StandIn]:
    """Run a stand-in whose ids and clock repeat."""
    zep = StandIn(now=lambda: NOON)
    await zep.start()
    try:
        yield zep
    finally:
        await zep.stop()


@asynccontextmanager
async def sidecar(upstream: str, here: Path) -> AsyncIterator[str]:
    """Run a sidecar and give the origin that it listens on; it must stop cleanly."""
    config = here / "config.yaml"
    config.write_text(CONFIG.format(upstream=upstream, here=here))
    command = (sys.executable, "-m", "sidecar", "run", "--config", str(config))
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=root, env=clean(), stdout=asyncio.subprocess.PIPE
    )
    log: list[str] = []
    try:
        async with asyncio.timeout(30):
            ready = await until_ready(process, log)
        async with asyncio.TaskGroup() as group:
            group.create_task(until_ready(process, log))  # A full pipe would stop the sidecar.
            yield f"http://{ready['proxy']}"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not [value for value in PLANTED if value in "".join(log)], "the log shows PII"


async def until_ready(process: asyncio.subprocess.Process, log: list[str]) -> dict[str, Any]:
    """Read the sidecar's log until the line that says ready, or to its end."""
    assert process.stdout is not None
    async for raw in process.stdout:
        log.append(raw.decode())
        fields: dict[str, Any] = json.loads(raw)
        if fields.get("event") == "ready":
            return fields
    return {}


async def drive(python: Path, sdk: Sdk, origin: str, mode: str) -> list[dict[str, Any]]:
    """Run a driver against an origin and return its steps."""
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(DRIVERS / f"{sdk.driver}.py"),
        origin,
        mode,
        env=clean(),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, "the driver failed"
    return [json.loads(line) for line in out.decode().strip().split("\n")]
