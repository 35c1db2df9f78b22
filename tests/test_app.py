"""Start, health, drain and stop of the whole process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import StartSidecar
from tests.process import Process, spawn
from tests.wire import OK, Message, ScriptedUpstream, Worker, request

MESSAGES = "/api/v2/threads/t1/messages"


@pytest.fixture
async def process(tmp_path: Path, upstream: ScriptedUpstream) -> AsyncIterator[Process]:
    """A sidecar process in front of the scripted upstream."""
    started = await Process.start(tmp_path, upstream.url, timeouts={"drain": 5})
    yield started
    await started.stop()


async def ask(port: int, data: bytes) -> Message:
    """Send one request and return the answer."""
    async with Worker(port) as worker:
        await worker.send(data)
        return await worker.answer()


async def ops(port: int, path: str, method: str = "GET", accept: str = "*/*") -> Message:
    """Ask the ops listener."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    return await ask(port, head.encode())


async def refused(port: int) -> None:
    """Wait until no new connection is accepted."""
    async with asyncio.timeout(10):
        while True:
            try:
                await ask(port, request())
            except ConnectionRefusedError:
                return
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # it was in the queue of the socket that has just been closed
            await asyncio.sleep(0.01)


async def test_ready_line_and_clean_exit(process: Process) -> None:
    """The first line names the bound addresses; SIGTERM with nothing in flight exits 0."""
    ready = process.lines[0]
    assert (ready["event"], ready["level"], ready["redactor"]) == ("ready", "info", "re2")
    assert isinstance(ready["native"], bool)
    assert ready["proxy"] == f"127.0.0.1:{process.port}"
    process.terminate()
    code, rest = await process.end()
    assert code == 0
    assert '"event": "stopped"' in rest


async def test_requests_in_flight_are_drained(process: Process, upstream: ScriptedUpstream) -> None:
    """A request that Zep is still working on is answered; new connections are not accepted."""
    release = asyncio.Event()

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(OK)

    upstream.script.append(slowly)
    slow = asyncio.create_task(ask(process.port, request("POST", MESSAGES, b"{}")))
    await upstream.until(1)
    async with Worker(process.port) as idle:
        process.terminate()
        await refused(process.port)
        assert (await ops(process.ops_port, "/readyz")).status == 503
        assert (await ops(process.ops_port, "/livez")).status == 200
        await idle.send(request())
        late = await idle.answer()
        assert (late.status, late.values("connection")) == (200, ["close"])
    release.set()
    answer = await slow
    assert (answer.status, answer.values("connection")) == (200, ["close"])
    assert (await process.end())[0] == 0


async def test_body_in_flight_is_drained(process: Process, upstream: ScriptedUpstream) -> None:
    """A request whose body is still coming in when SIGTERM arrives is served."""
    data = request("POST", MESSAGES, b'{"content":"ayse@example.com"}')
    async with Worker(process.port) as worker:
        await worker.send(data[:-10])
        while b"in_flight 1.0\n" not in (await ops(process.ops_port, "/metrics")).body:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        process.terminate()
        await refused(process.port)
        await worker.send(data[-10:])
        assert (await worker.answer()).status == 200
    assert upstream.received[-1].body == b'{"content":"[EMAIL]"}'
    assert (await process.end())[0] == 0


async def test_drain_is_bounded(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """What takes longer than timeouts.drain is cut off; stopping twice does no harm."""
    running = await start(upstream.url, timeouts={"drain": 0.2, "write": 60})
    forever = asyncio.Event()

    async def never(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await forever.wait()

    upstream.script.append(never)
    async with running.worker() as worker:
        await worker.send(request("POST", MESSAGES, b"{}"))
        await upstream.until(1)
        async with asyncio.timeout(5):
            await running.sidecar.stop()
        assert await worker.closed()


async def test_health_and_metrics(process: Process) -> None:
    """One word each; metrics in both formats, complete from the start."""
    for path, word in (("/livez", b"live\n"), ("/readyz", b"ready\n"), ("/startupz", b"ready\n")):
        answer = await ops(process.ops_port, path)
        assert (answer.status, answer.body) == (200, word)
    plain = await ops(process.ops_port, "/metrics")
    assert plain.values("content-type")[0].startswith("text/plain")
    for type_ in ("email", "phone", "address"):
        line = f'memory_zep_redactions_total{{field_type="{type_}"}} 0.0'
        assert line in plain.body.decode()
    openmetrics = await ops(process.ops_port, "/metrics", accept="application/openmetrics-text")
    assert openmetrics.values("content-type")[0].startswith("application/openmetrics-text")
    assert openmetrics.body.endswith(b"# EOF\n")
    assert (await ops(process.ops_port, "/nope")).status == 404
    assert (await ops(process.ops_port, "/livez", "POST")).status == 404


async def test_counts(process: Process) -> None:
    """Redactions by type, and e-mails used as identifiers by place."""
    body = b'{"user_id":"a@b.com","email":"a@b.com","first_name":"+90 532 123 45 67"}'
    await ask(process.port, request("PATCH", "/api/v2/users/a@b.com?user_id=a@b.com", body))
    metrics = (await ops(process.ops_port, "/metrics")).body.decode()
    for line in (
        'memory_zep_redactions_total{field_type="email"} 1.0',
        'memory_zep_redactions_total{field_type="phone"} 1.0',
        'memory_zep_redactions_total{field_type="address"} 0.0',
        'zep_sidecar_identifier_emails_total{place="path"} 1.0',
        'zep_sidecar_identifier_emails_total{place="query"} 1.0',
        'zep_sidecar_identifier_emails_total{place="body"} 1.0',
    ):
        assert line in metrics


@pytest.mark.parametrize("taken", ["proxy", "ops"])
async def test_address_that_is_taken(process: Process, tmp_path: Path, taken: str) -> None:
    """Exit 1 and a sentence, not a traceback."""
    free = {"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0"}
    config = str({"listen": {**free, taken: f"127.0.0.1:{process.port}"}})
    path = tmp_path / "taken.yaml"
    path.write_text(config)
    other = await spawn("run", "--config", str(path))
    _, error = await other.communicate()
    assert other.returncode == 1
    assert error.startswith(b"cannot listen: ")
    assert b"Traceback" not in error


async def test_a_long_inspection_does_not_outlast_the_drain(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    """A body that takes seconds to inspect is given up with everything else."""
    process = await Process.start(tmp_path, upstream.url, timeouts={"drain": 0.2})
    body = b'{"a":"' + b"x@y.com 0532 123 45 67 12 Main Street " * 250_000 + b'"}'
    async with Worker(process.port) as worker:
        await worker.send(request("POST", MESSAGES, body))
        await asyncio.sleep(0.5)
        process.terminate()
        async with asyncio.timeout(5):
            assert (await process.end())[0] == 0
    assert upstream.received == []
