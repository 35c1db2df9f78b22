"""One end of a connection: who of the two may go on, and who has to wait for the other."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

# A transport that is about to close takes neither.
_DEAF = (AttributeError, NotImplementedError, RuntimeError)


class Flow:
    """A protocol of asyncio (by its methods), with the flow control that aiohttp's bodies ask for.

    A body that nobody reads, as it grows, calls `pause_reading`, and `resume_reading` each time
    that some of it has been read. What has a reason of its own to wait holds the transport.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.Transport | None = None
        """The connection, until it is lost."""
        self.parser: Any = None
        """A parser of `aiohttp.http`."""
        self.loop = loop
        self.held = False
        """Whether there is a reason of our own not to read."""
        self.paused = False
        """Whether the peer does not read what it was sent."""
        self._full = False  # a body waits to be read
        self._drained: asyncio.Future[None] | None = None

    @property
    def connected(self) -> bool:
        """Tell whether the connection stands."""
        return self.transport is not None

    # --- what asyncio tells -------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Take the connection."""
        self.transport = transport
        connected: Any = transport.get_extra_info("socket")  # not quite a socket.socket
        if connected is not None and connected.family != socket.AF_UNIX:
            self._tune(connected)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake up whoever waits for the peer."""
        self.transport = None
        self._wake(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        """Take what has come; nothing, where the parser may go on with what it has."""
        raise NotImplementedError

    def eof_received(self) -> bool:
        """Tell whether the connection stays open although the peer sends no more."""
        return False

    def pause_writing(self) -> None:
        """The peer does not read."""
        self.paused = True

    def resume_writing(self) -> None:
        """The peer has read."""
        self.paused = False
        self._wake(None)

    # --- flow control -------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Stop the parser and the transport: a body waits to be read."""
        self._full = True
        self.parser.pause_reading()
        self._pause()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on where a body had stopped it; the parser may have kept something."""
        if not self._full:
            return  # each read of a body asks for it
        self._full = False
        if resume_parser:
            self.data_received(b"")  # which may have filled the body again
        self._resume()

    def hold(self) -> None:
        """Stop the transport."""
        self.held = True
        self._pause()

    def release(self) -> None:
        """Undo `hold`."""
        self.held = False
        self._resume()

    def read_on(self) -> None:
        """Read, whatever was in the way of it."""
        self._full = self.held = False
        self._resume()

    async def drain(self) -> None:
        """Wait until the peer has read enough; raises ConnectionError when it has gone."""
        if self.transport is None:
            raise ConnectionResetError
        if self.paused:
            if self._drained is None:
                self._drained = self.loop.create_future()
            await self._drained

    # --- parts of the above -------------------------------------------------------------------

    def _tune(self, connected: Any) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _pause(self) -> None:
        if self.transport is not None:
            with suppress(*_DEAF):
                self.transport.pause_reading()

    def _resume(self) -> None:
        if self.transport is not None and not self._full and not self.held:
            with suppress(*_DEAF):
                self.transport.resume_reading()

    def _wake(self, error: Exception | None) -> None:
        waiter, self._drained = self._drained, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
