"""Raw HTTP on both sides of a sidecar: a scripted upstream, and a worker that writes bytes."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Script = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Message:
    """One HTTP message as it stood on the wire."""

    start: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    complete: bool = True
    chunks: list[bytes] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return the values of a header field."""
        return [v.decode() for k, v in self.headers if k.decode().lower() == name.lower()]

    @property
    def status(self) -> int:
        """Return the status of an answer."""
        return int(self.start.split()[1])


async def read_head(reader: asyncio.StreamReader) -> Message:
    """Read a start line and header fields."""
    block = await reader.readuntil(b"\r\n\r\n")
    start, *lines = block[:-4].split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines]
    return Message(start, [(pair[0], pair[1] if len(pair) > 1 else b"") for pair in pairs])


async def read_body(reader: asyncio.StreamReader, message: Message, *, until_eof: bool) -> None:
    """Read a body by its framing; `complete` tells whether all of it came."""
    try:
        if message.values("transfer-encoding"):
            while size := int(await reader.readuntil(b"\r\n"), 16):
                message.chunks.append((await reader.readexactly(size + 2))[:-2])
            await reader.readexactly(2)
            message.body = b"".join(message.chunks)
        elif length := message.values("content-length"):
            message.body = await reader.readexactly(int(length[0]))
        elif until_eof:
            message.body = await reader.read()
    except asyncio.IncompleteReadError as error:
        message.body = b"".join(message.chunks) + error.partial
        message.complete = False
    except ConnectionResetError:
        message.complete = False


class ScriptedUpstream:
    """Answers each request with the next piece of a script, and keeps what it received."""

    def __init__(self) -> None:
        self.script: list[Script] = []
        self.always: Script = OK
        """What answers where the script is at its end."""
        self.received: list[Message] = []
        self.connections = 0
        self._arrived = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls, limit=2**26)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """End every connection."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def until(self, count: int) -> None:
        """Wait until `count` requests have arrived."""
        async with asyncio.timeout(10):
            while len(self.received) < count:
                self._arrived.clear()
                await self._arrived.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                message = await read_head(reader)
                await read_body(reader, message, until_eof=False)
                self.received.append(message)
                self._arrived.set()
                step = self.script.pop(0) if self.script else self.always
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await step(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def then_close(data: bytes) -> Script:
    """Write bytes, then close the connection."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return step


def then_reset(data: bytes) -> Script:
    """Write bytes, give them time to arrive, then reset the connection."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.05)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return step


def silent(seconds: float = 30) -> Script:
    """Say nothing for a while."""

    async def step(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)

    return step


class Worker:
    """One connection of a worker to the sidecar."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Worker":
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=2**26
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head_only: bool = False) -> Message:
        """Read one answer; a HEAD, 204 or 304 has no body."""
        async with asyncio.timeout(20):
            message = await read_head(self.reader)
            if not head_only and message.status not in (100, 204, 304):
                await read_body(self.reader, message, until_eof=True)
            return message

    async def closed(self) -> bool:
        """Tell whether the sidecar has closed the connection."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


def request(
    method: str = "GET",
    target: str | bytes = "/api/v2/users/u1",
    body: bytes | None = None,
    *lines: str,
    content_type: str | None = "application/json",
) -> bytes:
    """Return the bytes of a request as a worker would send it."""
    target = target.encode() if isinstance(target, str) else target
    head = b"%b %b HTTP/1.1\r\nHost: 127.0.0.1:8790\r\n" % (method.encode(), target)
    head += "".join(f"{line}\r\n" for line in lines).encode("latin-1")
    if body is not None:
        if content_type:
            head += f"Content-Type: {content_type}\r\n".encode()
        head += b"Content-Length: %d\r\n" % len(body)
    return head + b"\r\n" + (body or b"")
