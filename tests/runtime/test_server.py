"""The listener's own protocol: framing, what it remembers, and connections that end."""

import asyncio
import json

import pytest
from aiohttp.http import HttpRequestParser, HttpResponseParser

from sidecar.runtime import server
from tests.conftest import Running, StartSidecar
from tests.runtime.support import GOOD, KNOWN, MESSAGES, read, told
from tests.wire import ScriptedUpstream, request

READ = read()


def test_the_parsers_are_the_compiled_ones() -> None:
    """Ours is a protocol over llhttp; aiohttp's parser in Python is another, and slow."""
    for parser in (HttpRequestParser, HttpResponseParser):
        assert parser.__module__ == "aiohttp._http_parser"


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_requests_in_pieces(running: Running, upstream: ScriptedUpstream, size: int) -> None:
    """However the bytes come, also those of a request that has been seen, the answers are these."""
    upstream.always = GOOD
    data = READ + request("POST", MESSAGES, b'{"messages":[]}') + READ + READ
    await running.ask(READ)
    async with running.worker() as worker:
        for at in range(0, len(data), size):
            await worker.send(data[at : at + size])
            await asyncio.sleep(0)
        answers = [await worker.answer() for _ in range(4)]
    assert [answer.body for answer in answers] == [KNOWN] * 4
    methods = [message.start.split()[0] for message in upstream.received[1:]]
    assert methods == [b"GET", b"POST", b"GET", b"GET"]


async def test_a_seen_request_within_a_body_is_a_body(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Bytes that were a request once are none where a body is expected, or the rest of a head."""
    upstream.always = GOOD
    for _ in range(2):
        assert (await running.ask(READ)).status == 200
    head = f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(READ)}\r\n\r\n".encode()
    async with running.worker() as worker:
        await worker.send(head)
        await asyncio.sleep(0.05)
        await worker.send(READ)
        assert (await worker.answer()).status == 400  # it is no JSON
        await worker.send(READ)
        assert told(await worker.answer())[2] == "live"
    async with running.worker() as worker:
        await worker.send(head.partition(b"\r\n")[0] + b"\r\nHost: x\r\nX-Rest: ")
        await asyncio.sleep(0.05)
        await worker.send(READ)
        answer = await worker.answer()
        assert answer.status == 400  # a field without a colon, or a POST: no read in any case
    assert len(upstream.received) == 3


@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_seen_requests_are_known_behind_a_body_in_pieces(
    running: Running, upstream: ScriptedUpstream, pieces: int
) -> None:
    """HTTP clients send head and body apart; behind that, the parser stands between messages."""
    data = request("POST", MESSAGES, b'{"messages":[' + b" " * 100 + b"]}")
    cut = data.index(b"{")
    parts = {1: [data], 2: [data[:cut], data[cut:]], 3: [data[:cut], data[cut:-1], data[-1:]]}
    async with running.worker() as worker:
        for part in parts[pieces]:
            await worker.send(part)
            await asyncio.sleep(0.05)
        assert (await worker.answer()).status == 200
        [connection] = running.sidecar._proxy_listener.connections
        assert connection._between
        await worker.send(READ[:40])
        await asyncio.sleep(0.05)
        assert not connection._between
        await worker.send(READ[40:])
        assert (await worker.answer()).status == 200


async def test_what_was_seen_is_decided_anew(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Only the parsing is remembered: another method, field or credential is another request."""
    upstream.always = GOOD
    running = await start(upstream.url)
    for data in (READ, READ, read("two"), READ.replace(b"GET", b"HEAD", 1)):
        async with running.worker() as worker:
            await worker.send(data)
            assert (await worker.answer(head_only=data.startswith(b"HEAD"))).status == 200
    methods = [message.start.split()[0] for message in upstream.received]
    assert methods == [b"GET", b"GET", b"GET", b"HEAD"]
    assert upstream.received[2].values("authorization") == ["Api-Key two"]


async def test_memory_of_requests_is_bounded(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither many requests nor large ones pile up."""
    monkeypatch.setattr(server, "SEEN_MOST", 3)
    upstream.always = GOOD
    seen = running.sidecar._proxy_listener.seen
    for number in range(10):
        await running.ask(read("one", f"/api/v2/threads/t{number}/context"))
        assert len(seen) <= 3
    await running.ask(read("one", "/api/v2/threads/big/context", "X-Big: " + "x" * 4000))
    assert all(len(data) <= server.SEEN_SIZE for data in seen)


async def test_a_connection_without_requests_is_closed(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both one that has never sent any, and one that has been answered."""
    monkeypatch.setattr(server, "KEEP_ALIVE", 0.2)
    running = await start(upstream.url)
    async with running.worker() as silent, running.worker() as worker:
        await worker.send(READ)
        await worker.answer()
        async with asyncio.timeout(5):
            assert await silent.closed()
            assert await worker.closed()


async def test_a_worker_that_does_not_read_is_not_served_on(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """What it has pipelined waits in the kernel, and not as answers in our memory."""
    large = json.dumps({"context": "x" * 1_000_000}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(large)}\r\n"
    upstream.always = head.encode() + b"\r\n" + large
    await running.ask(READ)
    async with running.worker() as worker:
        for _ in range(30):
            await worker.send(READ)
        await asyncio.sleep(0.2)
        [connection] = running.sidecar._proxy_listener.connections
        assert connection.transport
        assert connection.transport.get_write_buffer_size() < 3 * len(large)
        for _ in range(30):
            assert len((await worker.answer()).body) == len(large)
