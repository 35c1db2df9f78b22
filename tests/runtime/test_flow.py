"""Flow control of one connection, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidecar.runtime.flow import Flow
from tests.runtime.support import until


class Parser:
    """Counts how often it is stopped."""

    def __init__(self) -> None:
        self.stops = 0

    def pause_reading(self) -> None:
        """Stop."""
        self.stops += 1


class Reader(asyncio.Protocol):
    """Hands what it is told on to a flow: a compiled class has no heirs in tests."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.got = flow, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect."""
        self.flow.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Disconnect."""
        self.flow.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.got += data

    def pause_writing(self) -> None:
        """Wait for the peer."""
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        """Go on."""
        self.flow.resume_writing()


class Ends:
    """A flow, what it has got, and the other end of its connection."""

    def __init__(self, flow: Flow, reader: Reader, peer: socket.socket) -> None:
        self.flow, self.reader, self.peer = flow, reader, peer

    async def until(self, size: int) -> None:
        """Wait for so many bytes."""
        await until(lambda: len(self.reader.got) >= size)


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """A connection."""
    loop = asyncio.get_running_loop()
    flow = Flow(loop)
    flow.parser = Parser()
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    transport, reader = await loop.create_connection(lambda: Reader(flow), sock=ours)
    yield Ends(flow, reader, peer)
    transport.abort()
    peer.close()


async def test_nothing_is_read_until_nobody_waits(ends: Ends) -> None:
    """Neither while a body is full, nor while something else has a reason of its own."""
    ends.flow.pause_reading()
    ends.flow.hold()
    ends.peer.sendall(b"x")
    await asyncio.sleep(0.05)
    ends.flow.resume_reading(resume_parser=False)
    await asyncio.sleep(0.05)
    assert (bytes(ends.reader.got), ends.flow.parser.stops) == (b"", 1)
    ends.flow.release()
    await ends.until(1)


async def test_read_on_undoes_both(ends: Ends) -> None:
    """A connection that ends drops what still comes."""
    ends.flow.pause_reading()
    ends.flow.hold()
    ends.flow.read_on()
    ends.peer.sendall(b"x")
    await ends.until(1)


async def test_drain_waits_for_the_peer(ends: Ends) -> None:
    """And for as long as it reads nothing."""
    assert ends.flow.transport
    ends.flow.transport.write(bytes(8 << 20))
    waiting = asyncio.create_task(ends.flow.drain())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    ends.peer.setblocking(False)
    loop, left = asyncio.get_running_loop(), 8 << 20
    async with asyncio.timeout(20):
        while left:
            left -= len(await loop.sock_recv(ends.peer, 1 << 20))
        await waiting


@pytest.mark.parametrize("before", [True, False])
async def test_drain_says_that_the_peer_has_gone(ends: Ends, before: bool) -> None:
    """Whether it goes before or while somebody waits."""
    transport: Any = ends.flow.transport
    transport.write(bytes(8 << 20))
    waiting = None if before else asyncio.create_task(ends.flow.drain())
    await asyncio.sleep(0.02)
    transport.abort()
    await asyncio.sleep(0.02)
    assert not ends.flow.connected
    with pytest.raises(ConnectionError):
        await (waiting or ends.flow.drain())
