"""One connection to Zep: requests go out on it, answers come back, one after the other."""

import asyncio
from typing import Any

from sidecar.runtime.flow import Flow
from sidecar.runtime.parser import (
    EMPTY_PAYLOAD,
    ClientPayloadError,
    HttpProcessingError,
    HttpResponseParser,
    RawResponseMessage,
    StreamReader,
)

MAX_LINE = 65536
MAX_FIELDS = 1000
MAX_INTERIM = 20
_CHUNK = 65536

Head = tuple[RawResponseMessage, StreamReader]
"""The head of an answer, and its body."""
_WITHOUT_BODY = (204, 304)


class Connection(Flow):
    """One connection, for one exchange at a time; `begin` and `finish` enclose each."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.received = False  # anything of the present answer
        self.idle_since = 0.0
        self._awaited: asyncio.Future[Head] | None = None  # the head of the present answer
        self._payload: StreamReader = EMPTY_PAYLOAD  # and its body
        self._headed = False
        self._interim = 0  # heads of interim answers
        self._before = b""  # the last bytes of what came of a head, or of chunks
        self._chunked = False
        self._left: int | None = None  # bytes still to come; 0 at the very end, None: not known
        self._spent = False  # there must be no other exchange
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, request: bytes, method: str, deadline: float | None) -> asyncio.Future[Head]:
        """Send a request; return the future of the head of its answer."""
        assert self.transport
        bodiless = method in ("HEAD", "CONNECT")
        if self.parser is None or bodiless:
            self.parser = self._new_parser(with_body=not bodiless)
        self._spent = bodiless  # such a parser takes no body of another answer
        self.received = self._headed = self._chunked = False
        self._interim, self._before, self._left, self._payload = 0, b"", None, EMPTY_PAYLOAD
        self._awaited = self.loop.create_future()
        self._deadline = deadline
        if deadline is not None and (self._timer is None or self._timer.when() > deadline):
            self._arm(deadline)
        self.transport.write(request)
        return self._awaited

    def unhurried(self) -> None:
        """Let the rest of the answer take what time it takes."""
        self._deadline = None

    def finish(self, *, whole: bool) -> bool:
        """End the exchange; return whether the connection is good for another one.

        It is where the answer was read to its end, and nothing has come behind it.
        """
        self._awaited = self._deadline = None
        sound = whole and self._left == 0 and self._payload.is_eof() and self.usable
        return sound and not (self.transport and self.transport.get_write_buffer_size())

    @property
    def usable(self) -> bool:
        """Tell whether the connection stands, and nothing has come that was not asked for."""
        return not self._spent and self.transport is not None and not self.transport.is_closing()

    def abort(self) -> None:
        """End the connection at once."""
        self._spent, self._deadline = True, None
        if self._timer:
            self._timer.cancel()
        if self.transport:
            self.transport.abort()

    # --- what asyncio, and aiohttp's parser, tell ---------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what has come of an answer."""
        if self._awaited is None:
            self.abort()  # nothing was asked for
            return
        self.received = True
        # Heads are fed by themselves: the parser forgets a head when what follows it is bad.
        while data and not self._headed and self._deliverable:
            known = self._before + data
            end = known.find(b"\r\n\r\n") + 4
            size = len(data) if end < 4 else end - len(self._before)
            self._before = known[-3:] if end < 4 else b""
            head, data = data[:size], data[size:]
            self._feed(head)
            if self._headed and end < 4:
                self._spent = True  # there may have been more than a head in it
        if self._headed and self._deliverable:
            if self._left is not None and not self._chunked:
                self._left -= len(data)
            elif self._chunked:
                # Whatever may stand behind the end of the chunks and look like it is no harm.
                self._before = (self._before + data)[-4:]
                self._left = 0 if self._before == b"\r\n\r\n" else None
            self._feed(data)  # also where there is none: aiohttp resumes its parser so

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever waits for the answer, unless this is its regular end."""
        self._spent = True
        if self._awaited and not self._awaited.done():
            self._awaited.set_exception(ConnectionResetError())
        elif exc is None and self.parser and not self._payload.is_eof():
            try:
                self.parser.feed_eof()  # which may be the regular end of a body without length
            except HttpProcessingError:
                self._payload.set_exception(ClientPayloadError())
        if not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(ClientPayloadError())
        super().connection_lost(exc)

    # --- parts of the above -------------------------------------------------------------------

    def _new_parser(self, *, with_body: bool) -> HttpResponseParser:
        protocol: Any = self
        return HttpResponseParser(
            protocol,
            self.loop,
            _CHUNK,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_FIELDS,
            payload_exception=ClientPayloadError,
            response_with_body=with_body,
            read_until_eof=True,
            auto_decompress=False,
        )

    @property
    def _deliverable(self) -> bool:
        """Tell whether the exchange goes on: nothing was wrong so far."""
        return self.transport is not None and not self.transport.is_closing()

    def _feed(self, data: bytes) -> None:
        assert self.parser
        try:
            messages, _, _ = self.parser.feed_data(data)
        except HttpProcessingError as error:
            self._fail(error)
            return
        for message, payload in messages:
            self._take(message, payload)

    def _take(self, message: RawResponseMessage, payload: StreamReader) -> None:
        assert self._awaited
        if self._headed:
            self._spent = True  # an answer that nobody has asked for
        elif message.code >= 200 or message.code == 101:
            self._headed = True
            self._spent = self._spent or message.should_close
            self._chunked, self._payload = message.chunked, payload
            length = message.headers.get("Content-Length")
            if payload is EMPTY_PAYLOAD or message.code in _WITHOUT_BODY:
                self._left = 0
            elif length is not None and not message.chunked:
                self._left = int(length)
            body = EMPTY_PAYLOAD if message.code in _WITHOUT_BODY else payload
            if not self._awaited.done():
                self._awaited.set_result((message, body))
        else:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._fail(HttpProcessingError())

    def _fail(self, error: Exception) -> None:
        """End the exchange, and the connection with it."""
        if self._awaited and not self._awaited.done():
            self._awaited.set_exception(error)
        elif not self._payload.is_eof():
            timeout = isinstance(error, TimeoutError)
            self._payload.set_exception(error if timeout else ClientPayloadError())
        self.abort()

    def _arm(self, deadline: float) -> None:
        # One timer serves many exchanges: most are over, and their deadlines moved, when it fires.
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self.loop.time() >= self._deadline:
            self._fail(TimeoutError())
        else:
            self._arm(self._deadline)
