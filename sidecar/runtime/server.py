"""HTTP/1.1 for the worker: aiohttp's server, with answers of the sidecar as JSON throughout."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sidecar.core.errors import BAD_REQUEST, INTERNAL, Refusal
from sidecar.values import Address

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

MAX_LINE = 65536
MAX_FIELDS = 1000
# aiohttp's messages can quote what was on the wire, so they go nowhere.
_silent = logging.getLogger("zep-sidecar.silent")
_silent.disabled = True


def refuse(refusal: Refusal, *, close: bool = False) -> web.Response:
    """Return the answer for a refusal; `close` ends the connection after it."""
    headers = {"Content-Type": "application/json", "Server": "zep-sidecar"}
    response = web.Response(status=refusal.status, body=refusal.body(), headers=headers)
    if close:
        response.force_close()
    return response


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection at once with RST."""
    linger = struct.pack("ii", 1, 0)  # on, for no time
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


class _Protocol(web.RequestHandler):
    """One connection from the worker; `refused` is told of what never became a request."""

    def __init__(self, *arguments: Any, refused: Callable[[str], None], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._refused = refused

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio: true keeps it open
        """Let a worker that has closed its sending side still read the answer (RFC 9112 9.6)."""
        bodies = [payload for _, payload in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        busy = self._waiter is None or bool(self._messages)
        if not busy or not all(body.is_eof() for body in bodies):
            return False
        self.close()  # once the answer has been written
        return True

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP, and our own faults, without quoting any of it."""
        refusal = BAD_REQUEST if status == 400 else INTERNAL
        self._refused(refusal.code)
        return refuse(refusal, close=True)


class _Server(web.Server):
    def __init__(self, handler: Handler, refused: Callable[[str], None]) -> None:
        super().__init__(handler)
        self._handler = handler
        self._refused = refused

    def __call__(self) -> web.RequestHandler:
        return _Protocol(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=75.0,
            access_log=_silent,
            logger=_silent,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_FIELDS,
            lingering_time=5.0,
            auto_decompress=False,
            refused=self._refused,
        )


class Listener:
    """A listener that serves one handler."""

    def __init__(self, handler: Handler, refused: Callable[[str], None] = lambda _: None) -> None:
        """`refused` is told the code of each answer to what never became a request."""
        self._handler = handler
        self._refused = refused
        self._runner: web.ServerRunner | None = None
        self._unix: asyncio.Server | None = None

    async def start(self, address: Address) -> Address:
        """Listen on TCP; return the bound address. Raises OSError when it cannot be had."""
        runner = await self._setup()
        await web.TCPSite(runner, address.host, address.port, backlog=1024).start()
        host, port = runner.addresses[0][:2]
        return Address(host, port)

    async def start_unix(self, listening: socket.socket) -> None:
        """Serve on a unix socket that listens already."""
        runner = await self._setup()
        loop = asyncio.get_running_loop()
        # Not by a SockSite: uvloop would take the socket for TCP.
        self._unix = await loop.create_unix_server(runner.server, sock=listening)  # type: ignore[arg-type]

    async def _setup(self) -> web.ServerRunner:
        self._runner = web.ServerRunner(
            _Server(self._handler, self._refused), shutdown_timeout=0.05
        )
        await self._runner.setup()
        return self._runner

    async def stop_accepting(self) -> None:
        """Close the listening socket; connections live on."""
        for site in list(self._runner.sites) if self._runner else ():
            await site.stop()
        if self._unix:
            self._unix.close()

    async def close(self) -> None:
        """End every connection."""
        if self._runner:
            await self._runner.cleanup()
