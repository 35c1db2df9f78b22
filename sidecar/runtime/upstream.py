"""The way to Zep: pooled HTTP/1.1 connections to one origin, whatever a request says.

aiohttp's client session would requote targets, add header fields and repeat PUT and DELETE by
itself, so this is a protocol of our own over aiohttp's parser; see docs/adr/0002. One
table maps what can go wrong to a Failure.
"""

import asyncio
import base64
import errno
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from aiohttp import ClientError, ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpResponseParser, RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from sidecar.core.errors import Failure
from sidecar.core.headers import Headers, tokens

# A peer may close an idle connection while a request is on its way. Connections idle for longer
# are not used again; a request that cannot be repeated uses only ones that were busy just now.
IDLE_MAX = 10.0
IDLE_MAX_UNREPEATABLE = 2.0
MAX_LINE = 65536
MAX_FIELDS = 1000
MAX_INTERIM = 20
_CHUNK = 65536
_ERRORS = (
    ClientError,
    HttpProcessingError,
    OSError,
)  # OSError includes TimeoutError and ssl.SSLError


# What this host, and not Zep, has run out of.
_LOCAL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class UpstreamError(Exception):
    """No answer, or no complete answer, came from Zep."""

    def __init__(self, failure: Failure, *, stale: bool = False) -> None:
        """`stale`: a reused connection had died, and the request could not be sent again."""
        super().__init__(failure.value)
        self.failure = failure
        self.stale = stale


class EgressProxy(NamedTuple):
    """A plain-HTTP proxy on the way out."""

    host: str
    port: int
    authorization: bytes  # a whole header line, or nothing

    @classmethod
    def from_environ(cls, upstream: str, environ: Mapping[str, str]) -> Self | None:
        """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for `upstream`.

        Raises ValueError for a proxy that is not plain HTTP.
        """
        parts = urlsplit(upstream)
        # Sorted, so that the lower-case name wins, as it does in curl.
        names = [name for name in sorted(environ) if name.lower().endswith("_proxy")]
        proxies = {name.lower().removesuffix("_proxy"): environ[name] for name in names}
        if not (url := proxies.get(parts.scheme)):
            return None
        if proxy_bypass_environment(parts.netloc, {"no": proxies.get("no", "")}):
            return None
        try:
            proxy = urlsplit(url if "//" in url else f"http://{url}")
            sound = proxy.scheme == "http" and proxy.port != 0
        except ValueError:
            sound = False
        if not sound or not proxy.hostname:
            raise ValueError(f"{parts.scheme.upper()}_PROXY: must be an http:// URL")
        authorization = b""
        if proxy.username is not None:
            pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
            authorization = b"Proxy-Authorization: Basic %b\r\n" % base64.b64encode(pair)
        return cls(proxy.hostname, proxy.port or 80, authorization)


class _Connection(BaseProtocol):
    """One connection, for one exchange at a time; `begin` and `finish` enclose each."""

    transport: asyncio.Transport | None
    _parser: HttpResponseParser | None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.received = False  # anything of the present answer
        self.idle_since = 0.0
        self._awaited: asyncio.Future[_Head] | None = None  # the head of the present answer
        self._payload: StreamReader = EMPTY_PAYLOAD  # and its body
        self._headed = False
        self._interim = 0  # heads of interim answers
        self._before = b""  # the last bytes of what came of a head, or of chunks
        self._chunked = False
        self._left: int | None = None  # bytes still to come; 0 at the very end, None: not known
        self._spent = False  # there must be no other exchange
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, request: bytes, method: str, deadline: float | None) -> "asyncio.Future[_Head]":
        """Send a request; return the future of the head of its answer."""
        assert self.transport
        bodiless = method in ("HEAD", "CONNECT")
        if self._parser is None or bodiless:
            self._parser = self._new_parser(with_body=not bodiless)
        self._spent = bodiless  # such a parser takes no body of another answer
        self.received = self._headed = self._chunked = False
        self._interim, self._before, self._left, self._payload = 0, b"", None, EMPTY_PAYLOAD
        self._awaited = self._loop.create_future()
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

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:  # aiohttp's readers ask for it each time
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
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
        self._spent = True
        if self._awaited and not self._awaited.done():
            self._awaited.set_exception(ConnectionResetError())
        elif exc is None and self._parser and not self._payload.is_eof():
            try:
                self._parser.feed_eof()  # which may be the regular end of a body without length
            except HttpProcessingError:
                self._payload.set_exception(ClientPayloadError())
        if not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(ClientPayloadError())
        super().connection_lost(exc)

    # --- parts of the above -------------------------------------------------------------------

    def _new_parser(self, *, with_body: bool) -> HttpResponseParser:
        return HttpResponseParser(
            self,
            self._loop,
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
        assert self._parser
        try:
            messages, _, _ = self._parser.feed_data(data)
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
        self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        else:
            self._arm(self._deadline)


_Head = tuple[RawResponseMessage, StreamReader]
_WITHOUT_BODY = (204, 304)


class Answer:
    """An answer whose head has arrived; the body follows through `chunk`."""

    def __init__(
        self,
        message: RawResponseMessage,
        payload: StreamReader,
        connection: _Connection,
        end: Callable[[_Connection, bool], None],
    ) -> None:
        self.status: int = message.code
        self.reason: str = message.reason
        self.headers = Headers(message.raw_headers)
        self.chunked: bool = message.chunked
        self._payload = payload
        self._connection = connection
        self._end: Callable[[_Connection, bool], None] | None = end

    def unhurried(self) -> None:
        """Lift the time limit: from here on the caller sets it."""
        self._connection.unhurried()

    def ready(self) -> bytes:
        """Return what of the body has arrived, without waiting."""
        try:
            return self._payload.read_nowait(-1) if not self._payload.at_eof() else b""
        except _ERRORS as error:
            raise UpstreamError(_failure(error)) from None

    @property
    def complete(self) -> bool:
        """Tell whether the whole body has been handed out."""
        return self._payload.at_eof()

    async def chunk(self) -> bytes:
        """Wait for more of the body; raises UpstreamError when it was cut off."""
        try:
            return await self._payload.readany()
        except _ERRORS as error:
            raise UpstreamError(_failure(error)) from None

    def close(self) -> None:
        """End the exchange: the connection is kept when the answer was read to its end."""
        end, self._end = self._end, None
        if end:
            end(self._connection, self.complete)


class Upstream:
    """Sends requests to one base URL."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        connect_timeout: float,
        ca_file: str | None = None,
        proxy: EgressProxy | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self.url = url
        self._host, self._tls = parts.hostname, None
        if parts.scheme == "https":
            # With a file, only the authorities in it are trusted.
            try:
                self._tls = ssl.create_default_context(cafile=ca_file)
            except OSError as error:  # SSLError is one
                raise ValueError(f"upstream.ca_file: {ca_file}: {error.args[-1]}") from None
            self._tls.set_alpn_protocols(["http/1.1"])
        self._port = parts.port or (443 if self._tls else 80)
        self._proxy = proxy
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._idle: deque[_Connection] = deque()
        self._busy: set[_Connection] = set()
        # Through a proxy a plain request names its origin; everything else is origin-form.
        absolute = f"http://{parts.netloc}" if proxy and not self._tls else ""
        self._target = (absolute + parts.path).encode()
        self._host_line = b"Host: %b\r\n" % parts.netloc.encode()
        if absolute and proxy:
            self._host_line += proxy.authorization

    async def send(
        self,
        method: str,
        target: bytes,
        headers: Headers,
        body: bytes | None,
        *,
        repeatable: bool,
        patience: float,
    ) -> Answer:
        """Send one request and return its answer once the head is there.

        The request is sent a second time only if it is `repeatable` and went out on a reused
        connection that died before the first byte of an answer. All must be over in `patience`
        seconds, the body included, unless `Answer.unhurried` is called. Raises UpstreamError.
        """
        deadline = self._loop.time() + patience
        lines = headers.lines
        if body is not None:
            lines += b"Content-Length: %d\r\n" % len(body)
        line = b"%b %b%b HTTP/1.1\r\n" % (method.encode(), self._target, target)
        request = b"%b%b%b\r\n%b" % (line, self._host_line, lines, body or b"")
        reused = self._take(IDLE_MAX if repeatable else IDLE_MAX_UNREPEATABLE)
        if reused is not None:
            try:
                return await self._exchange(reused, request, method, deadline)
            except UpstreamError as error:
                if error.failure is not Failure.RESET or reused.received:
                    raise
                if not repeatable:
                    raise UpstreamError(Failure.RESET, stale=True) from None
        connection = await self._connect(deadline)
        return await self._exchange(connection, request, method, deadline)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def close(self) -> None:
        """Drop every connection."""
        while self._idle:
            self._idle.pop().abort()
        for connection in list(self._busy):
            connection.abort()

    async def _exchange(
        self, connection: _Connection, request: bytes, method: str, deadline: float
    ) -> Answer:
        self._busy.add(connection)
        try:
            message, payload = await connection.begin(request, method, deadline)
            answer = Answer(message, payload, connection, self._end)
            codings = tokens(answer.headers, b"transfer-encoding")
            # An upgrade was never asked for, and a coding below the chunks cannot be passed on.
            if message.code < 200 or codings not in ([], [b"chunked"]):
                raise HttpProcessingError
        except _ERRORS as error:
            self._end(connection, whole=False)
            raise UpstreamError(_failure(error)) from None
        except BaseException:
            self._end(connection, whole=False)
            raise
        return answer

    def _end(self, connection: _Connection, whole: bool) -> None:
        """Keep a connection whose exchange is over on both sides; drop any other."""
        self._busy.discard(connection)
        if connection.finish(whole=whole):
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.abort()

    def _take(self, idle_max: float) -> _Connection | None:
        """Return the connection used last, if it is good and was used not too long ago."""
        now = self._clock()
        while self._idle and now - self._idle[0].idle_since > IDLE_MAX:
            self._idle.popleft().abort()
        while self._idle and now - self._idle[-1].idle_since <= idle_max:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def _connect(self, deadline: float) -> _Connection:
        patience = min(self._connect_timeout, deadline - self._loop.time())
        try:
            async with asyncio.timeout(patience):
                return await (self._tunnel() if self._proxy and self._tls else self._dial())
        except (UpstreamError, *_ERRORS) as error:
            raise UpstreamError(_connect_failure(error)) from None

    async def _dial(self) -> _Connection:
        loop = self._loop
        host, port = self._proxy[:2] if self._proxy else (self._host, self._port)
        _, connection = await loop.create_connection(
            lambda: _Connection(loop),
            host,
            port,
            ssl=None if self._proxy else self._tls,
            server_hostname=self._host if self._tls and not self._proxy else None,
        )
        return connection

    async def _tunnel(self) -> _Connection:
        """Connect through the egress proxy (RFC 9110 9.3.6)."""
        assert self._proxy
        assert self._tls
        loop = self._loop
        outer = await self._dial()
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            authority = b"%b:%d" % (host.encode(), self._port)
            message, _ = await outer.begin(
                b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n"
                % (authority, authority, self._proxy.authorization),
                "CONNECT",
                None,
            )
            if message.code // 100 != 2:
                raise UpstreamError(Failure.EGRESS_PROXY)
            connection = _Connection(loop)
            assert outer.transport
            transport = await loop.start_tls(
                outer.transport, connection, self._tls, server_hostname=self._host
            )
            assert transport
            connection.connection_made(transport)
        except BaseException:
            outer.abort()
            raise
        return connection


def _failure(error: Exception) -> Failure:
    if isinstance(error, UpstreamError):
        return error.failure
    if isinstance(error, TimeoutError):
        return Failure.TIMEOUT
    return Failure.BAD_RESPONSE if isinstance(error, HttpProcessingError) else Failure.RESET


def _connect_failure(error: Exception) -> Failure:
    if isinstance(error, socket.gaierror):
        return Failure.DNS
    if isinstance(error, ssl.SSLError):
        return Failure.TLS
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return Failure.LOCAL if error.errno in _LOCAL else Failure.CONNECT
    return _failure(error)
