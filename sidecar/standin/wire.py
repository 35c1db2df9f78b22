"""Answers as bytes: exactly the headers given, whole, cut short or not at all."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from sidecar.runtime.server import reset

STREAM_PAUSE = 0.01
"""Seconds between two chunks of a stream, so that a reader sees more than one."""
BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: the status, the headers as given, the body in one piece or as a stream."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | tuple[bytes, ...]


class Wire(web.StreamResponse):
    """An answer written byte for byte, so that no header appears that nobody asked for.

    No answer writes nothing; `after` cuts the body; `end` says what becomes of the connection;
    `pause` is the time between two pieces of a stream.
    """

    def __init__(
        self,
        answer: Answer | None,
        end: Literal["keep", "close", "reset"] = "keep",
        after: int | None = None,
        pause: float = STREAM_PAUSE,
    ) -> None:
        super().__init__()
        self._answer, self._end, self._after, self._pause = answer, end, after, pause

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write what is to be written, then end the connection if that is the plan."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        if self._answer is not None:
            await self._write(request, self._answer, transport)
        if self._end != "keep":
            hang_up(transport, rst=self._end == "reset")

    async def write_eof(self, data: bytes = b"") -> None:
        """Add nothing: prepare() has written it all."""

    async def _write(
        self, request: web.BaseRequest, answer: Answer, transport: asyncio.WriteTransport
    ) -> None:
        parts = [answer.body] if isinstance(answer.body, bytes) else framed(answer.body)
        headers = {name.lower(): value.lower() for name, value in answer.headers}
        closing = headers.get("connection") == "close"
        extra = ""
        # An answer that says it closes and gives no length ends where the connection ends.
        if not (closing or headers.keys() & {"content-length", "transfer-encoding"}):
            extra = framing(answer, len(parts[0]))
        if not request.keep_alive and not closing:
            extra += "Connection: close\r\n"
        if closing or not request.keep_alive:
            self.force_close()
        else:
            self._keep_alive = True
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        head = f"HTTP/1.1 {answer.status} {reason(answer.status)}\r\n{lines}{extra}\r\n"
        if request.method == "HEAD" or answer.status in BODILESS:
            parts = [b""]
        if self._after is not None:
            parts = [b"".join(parts)[: self._after]]
        transport.write(head.encode("latin-1") + parts[0])
        for part in parts[1:]:
            await asyncio.sleep(self._pause)
            transport.write(part)


def framing(answer: Answer, size: int) -> str:
    """Return the header that says where the body ends, if the status allows a body."""
    if answer.status in BODILESS:
        return ""
    one = isinstance(answer.body, bytes)
    return f"Content-Length: {size}\r\n" if one else "Transfer-Encoding: chunked\r\n"


def framed(pieces: tuple[bytes, ...]) -> list[bytes]:
    """Return pieces as chunks of a chunked body, the end included."""
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b"")]


def reason(status: int) -> str:
    """Return the phrase that goes with a status."""
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return "Unknown"


def hang_up(transport: asyncio.WriteTransport, *, rst: bool) -> None:
    """End a connection: with FIN after what was written, or at once with RST."""
    if rst:
        reset(transport)
    else:
        transport.close()
