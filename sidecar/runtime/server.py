"""HTTP/1.1 for the worker: a protocol of our own over aiohttp's parser; see docs/adr/0007.

A handler gets a request once its head is there. It returns the answer if it has it at once, or a
coroutine that will: only that becomes a task. Answers are bytes, head and body in one piece.
"""

import asyncio
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from sidecar.core.errors import BAD_REQUEST, INTERNAL, Refusal
from sidecar.core.headers import Headers, values
from sidecar.runtime import clock
from sidecar.runtime.account import Account
from sidecar.runtime.flow import Flow
from sidecar.runtime.parser import (
    EMPTY_PAYLOAD,
    HttpProcessingError,
    HttpRequestParser,
    HttpVersion,
    StreamReader,
)
from sidecar.values import Address

MAX_LINE = 65536
MAX_FIELDS = 1000
# Seconds without a request after which a connection is closed.
KEEP_ALIVE = 75.0
# Seconds for which what a worker still sends is read and dropped, so that it can read the answer.
LINGER = 5.0
# Seconds that requests under way have when every connection is ended.
GRACE = 0.05
# Bytes of a body that wait for their reader.
_BUFFER = 1 << 18
# Sets of header fields that are remembered, and the size up to which one is.
SEEN_MOST, SEEN_SIZE = 128, 2048
# Request lines that can be read in one way only; whatever else there is, the parser reads.
_PLAIN = re.compile(rb"(GET|HEAD) (/[\w.~%-][\w/.~%?=&:@,+-]*) HTTP/1\.1\r\n")
_HTTP_11 = HttpVersion(1, 1)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class BrokenBody(Exception):
    """What comes of a body is not framed as HTTP wants it."""


class Request:
    """A request of the worker; its body follows through `content`."""

    __slots__ = (
        "_connection",
        "account",
        "content",
        "keep_alive",
        "method",
        "raw_headers",
        "raw_path",
        "version",
    )

    def __init__(
        self,
        connection: "_Connection",
        method: str,
        path: str,
        version: HttpVersion,
        headers: Headers,
        content: StreamReader,
        *,
        keep_alive: bool,
    ) -> None:
        self.account: Account
        """What becomes of it; made by whoever serves it."""
        self.method, self.version, self.raw_headers = method, version, headers
        self.raw_path = path
        """Path and query as they stood on the wire."""
        self.content = content
        self._connection = connection
        self.keep_alive = keep_alive
        """Whether another request may follow, as far as this one is concerned."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection, until it is lost."""
        return self._connection.transport

    async def drain(self) -> None:
        """Wait until the worker has read enough; raises ConnectionError when it has gone."""
        await self._connection.drain()

    def write(self, data: bytes) -> None:
        """Send a part of the answer; raises ConnectionError when the worker has gone."""
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the worker has gone")
        transport.write(data)


class Reply(NamedTuple):
    """What is to be written of an answer, and whether the connection lives on after it."""

    data: bytes
    keep_alive: bool


Handler = Callable[[Request], Reply | Coroutine[Any, Any, Reply]]


def reply(
    request: Request,
    status: int,
    lines: bytes,
    body: bytes,
    *,
    close: bool = False,
) -> Reply:
    """Return an answer of our own; `close` ends the connection after it.

    `lines`: its header fields but for Content-Length, Date and Connection.
    """
    keep_alive = request.keep_alive and not close
    lines += b"Content-Length: %d\r\n%b" % (len(body), clock.date_line())
    data = head(request.version, status, _PHRASES[status], lines, keep_alive=keep_alive)
    return Reply(data if request.method == "HEAD" else data + body, keep_alive)


def refuse(request: Request, refusal: Refusal, *, close: bool = False) -> Reply:
    """Return the answer for a refusal; `close` ends the connection after it."""
    return reply(request, refusal.status, JSON, refusal.body(), close=close)


JSON = b"Content-Type: application/json\r\nServer: zep-sidecar\r\n"


def head(
    version: tuple[int, int], status: int, reason: str, lines: bytes, *, keep_alive: bool
) -> bytes:
    """Return the head of an answer to a request of this version."""
    if not keep_alive:
        lines += b"Connection: close\r\n"
    elif version < (1, 1):
        lines += b"Connection: keep-alive\r\n"
    phrase = reason.encode("utf-8", "surrogateescape")
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, phrase, lines)


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection at once with RST."""
    linger = struct.pack("ii", 1, 0)  # on, for no time
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


class _Connection(Flow):
    """One connection from the worker: its requests are served one after the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: "Listener") -> None:
        super().__init__(loop)
        protocol: Any = self
        self.parser = HttpRequestParser(
            protocol,
            loop,
            _BUFFER,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_FIELDS,
            payload_exception=BrokenBody,
            auto_decompress=False,
        )
        self._listener = listener
        self._waiting: deque[Request] = deque()
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._malformed = False  # what came last was no HTTP
        self._ending = False  # once what has been read is answered
        self._over = False  # nothing is read any more
        # Bytes to come of the last message: 0 between two of them; None where nobody knows.
        self._missing: int | None = 0
        self._last: Request | None = None
        self._idle_since = loop.time()
        self._timer = loop.call_later(KEEP_ALIVE, self._look_idle)

    def connection_made(self, transport: Any) -> None:
        """Take the connection."""
        super().connection_made(transport)
        self._listener.connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Serve whoever is being served to the end, and nobody else."""
        self._over = True
        self._timer.cancel()
        self._waiting.clear()
        self._listener.connections.discard(self)
        if self._current and not self._current.content.is_eof():
            self._current.content.set_exception(ConnectionResetError("the worker has gone"))
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take requests, and serve the first."""
        if self._over:
            return
        if not self._recognize(data):
            self._parse(data)
        if self._current is None:
            self._go_on()
        if len(self._waiting) > 1 and not self.held:
            self.hold()

    @property
    def _between(self) -> bool:
        """Tell whether the parser waits for a new message, and has nothing left to read."""
        return self._missing == 0 and (self._last is None or self._last.content.is_eof())

    def _recognize(self, data: bytes) -> bool:
        """Take a request without a body whose header fields have been read before."""
        line = _PLAIN.match(data) if self._between else None
        seen = self._listener.seen.get(data[line.end() :]) if line else None
        if line is None or seen is None:
            return False
        method, path = str(line[1], "ascii"), str(line[2], "ascii")
        headers, keep_alive = seen
        self._waiting.append(
            Request(self, method, path, _HTTP_11, headers, EMPTY_PAYLOAD, keep_alive=keep_alive)
        )
        return True

    def _parse(self, data: bytes) -> None:
        between = self._between
        try:
            messages, upgraded, _ = self.parser.feed_data(data)
        except HttpProcessingError:
            self._over = self._malformed = True
            if self._current and not self._current.content.is_eof():
                self._current.content.set_exception(BrokenBody())
            messages, upgraded = [], False
        if upgraded:
            self._over = True
        for message, content in messages:
            headers = Headers(message.raw_headers)
            # The parser may lose what is pipelined behind an upgrade that we decline.
            keep_alive = not message.should_close and not values(headers, b"upgrade")
            self._waiting.append(
                Request(
                    self,
                    message.method,
                    message.path,
                    message.version,
                    headers,
                    content,
                    keep_alive=keep_alive,
                )
            )
        if between and len(messages) == 1 and not self._over:
            self._last = self._waiting[-1]
            self._missing = _missing(data, self._last)
            if self._missing == 0 and self._last.content is EMPTY_PAYLOAD:
                self._listener.remember(data, self._last)
        elif self._missing and not messages and len(data) <= self._missing:
            self._missing -= len(data)
        elif data or messages:
            self._missing = None

    def eof_received(self) -> bool:
        """Let a worker that has closed its sending side still read the answer (RFC 9112 9.6)."""
        requests = [self._current, *self._waiting] if self._current else [*self._waiting]
        if not requests or not all(request.content.is_eof() for request in requests):
            return False
        self._ending = True
        return True  # asyncio: it stays open

    def resume_writing(self) -> None:
        """Go on with what waits."""
        super().resume_writing()
        if self._current is None:
            self._go_on()

    def end(self) -> None:
        """End the connection, whatever is under way."""
        if self._task:
            self._task.cancel()
        if self.transport:
            self.transport.close()

    @property
    def busy(self) -> bool:
        """Tell whether a request is being served."""
        return self._task is not None

    # --- parts of the above -------------------------------------------------------------------

    def _tune(self, connected: Any) -> None:
        super()._tune(connected)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _go_on(self) -> None:
        """Serve what waits, as long as the worker reads its answers."""
        while self._waiting and self._current is None and not self.paused:
            request = self._current = self._waiting.popleft()
            if self.held and not self._waiting:
                self.release()
            try:
                answer = self._listener.handler(request)
            except Exception:  # noqa: BLE001  whatever it is, the worker gets an answer
                answer = self._failed(request)
            if not isinstance(answer, Reply):
                self._task = self.loop.create_task(self._serve(request, answer))
            else:
                self._finish(request, answer)
        if self._malformed and not self._waiting and self._current is None:
            self._listener.refused(BAD_REQUEST.code)
            self._malformed, body = False, BAD_REQUEST.body()
            lines = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            self._close(head((1, 1), 400, _PHRASES[400], lines, keep_alive=False) + body)

    async def _serve(self, request: Request, coming: Coroutine[Any, Any, Reply]) -> None:
        try:
            answer = await coming
        except ConnectionError:  # the worker has gone
            answer = Reply(b"", keep_alive=False)
        except Exception:  # noqa: BLE001  whatever it is, the worker gets an answer
            answer = self._failed(request)
        self._task = None
        self._finish(request, answer)
        self._go_on()

    def _failed(self, request: Request) -> Reply:
        self._listener.refused(INTERNAL.code)
        return refuse(request, INTERNAL, close=True)

    def _finish(self, request: Request, answer: Reply) -> None:
        """Write an answer, and make ready for what follows the request."""
        self._current = None
        self._idle_since = self.loop.time()
        unread = not request.content.is_eof()
        if not answer.keep_alive or (self._ending and not self._waiting):
            self._waiting.clear()
            self._malformed = False
            self._close(answer.data, lingers=unread)
        elif self.transport:
            self.transport.write(answer.data)
            if unread:
                self._current = request
                self._task = self.loop.create_task(self._skip(request))

    async def _skip(self, request: Request) -> None:
        """Read what is left of a body that nobody wanted, for a while."""
        try:
            async with asyncio.timeout(LINGER):
                while not request.content.at_eof():
                    await request.content.readany()
        except (TimeoutError, ConnectionError, BrokenBody):
            self._task = None
            self.end()
        self._task = self._current = None
        self._go_on()

    def _close(self, data: bytes, *, lingers: bool = True) -> None:
        """Write the last answer; where the worker may still be sending, let it read it first."""
        self._over = True
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(data)
        if lingers:
            self.read_on()
            self.transport.write_eof()
            self._timer.cancel()
            self._timer = self.loop.call_later(LINGER, self.end)
        else:
            self.transport.close()

    def _look_idle(self) -> None:
        """Close the connection if nothing came for too long; look again later if it did."""
        ends = self._idle_since + KEEP_ALIVE
        if self._current is None and self.loop.time() >= ends:
            self.end()
        else:
            ends = max(ends, self.loop.time() + 1.0)
            self._timer = self.loop.call_at(ends, self._look_idle)


def _missing(data: bytes, request: Request) -> int | None:
    """Return how many bytes of a request are to come behind its first packet, if that is sure."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4 or values(request.raw_headers, b"transfer-encoding"):
        return None
    length = values(request.raw_headers, b"content-length")
    missing = end + int(length[0] if length else 0) - len(data)
    return missing if missing >= 0 else None


class Listener:
    """A listener that serves one handler."""

    def __init__(self, handler: Handler, refused: Callable[[str], None] = lambda _: None) -> None:
        """`refused` is told the code of each answer to what never became a request."""
        self.handler, self.refused = handler, refused
        self.seen: dict[bytes, tuple[Headers, bool]] = {}
        """Header fields of requests without a body, and whether the connection goes on, by their
        bytes: a worker repeats itself, and parsing costs."""
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    def remember(self, data: bytes, request: Request) -> None:
        """Note what the parser has made of a packet that was one request without a body."""
        line = _PLAIN.match(data)
        if line and len(data) - line.end() <= SEEN_SIZE:
            if len(self.seen) >= SEEN_MOST:
                self.seen.clear()
            self.seen[data[line.end() :]] = request.raw_headers, request.keep_alive

    async def start(self, address: Address) -> Address:
        """Listen on TCP; return the bound address. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        serve: Any = partial(_Connection, loop, self)
        server: Any = await loop.create_server(serve, address.host, address.port, backlog=1024)
        self._server = server
        host, port = server.sockets[0].getsockname()[:2]
        return Address(host, port)

    async def start_unix(self, listening: socket.socket) -> None:
        """Serve on a unix socket that listens already."""
        loop = asyncio.get_running_loop()
        serve: Any = partial(_Connection, loop, self)
        self._server = await loop.create_unix_server(serve, sock=listening)

    async def stop_accepting(self) -> None:
        """Close the listening socket; connections live on."""
        if self._server:
            self._server.close()

    async def close(self) -> None:
        """Close the listening socket, and end every connection."""
        await self.stop_accepting()
        if any(connection.busy for connection in self.connections):
            await asyncio.sleep(GRACE)
        for connection in list(self.connections):
            connection.end()
        await asyncio.sleep(0)  # for the event loop to close them
