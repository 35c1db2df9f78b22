"""The way to Zep: pooled HTTP/1.1 connections to one origin, whatever a request says.

aiohttp's client session would requote targets, add header fields and repeat PUT and DELETE by
itself, so these are connections of our own over aiohttp's parser; see docs/adr/0002. One
table maps what can go wrong to a Failure.
"""

import asyncio
import base64
import errno
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from sidecar.core.errors import Failure
from sidecar.core.headers import Headers, lines_of, tokens
from sidecar.runtime.connection import Connection
from sidecar.runtime.parser import (
    ClientError,
    HttpProcessingError,
    RawResponseMessage,
    StreamReader,
)

# A peer may close an idle connection while a request is on its way. Connections idle for longer
# are not used again; a request that cannot be repeated uses only ones that were busy just now.
IDLE_MAX = 10.0
IDLE_MAX_UNREPEATABLE = 2.0
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
        # A megabyte that is of no use without a proxy.
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

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


class Answer:
    """An answer whose head has arrived; the body follows through `chunk`."""

    def __init__(
        self,
        message: RawResponseMessage,
        payload: StreamReader,
        connection: Connection,
        end: Callable[[Connection, bool], None],
    ) -> None:
        self.status: int = message.code
        self.reason: str = message.reason
        self.headers = Headers(message.raw_headers)
        self.chunked: bool = message.chunked
        self._payload = payload
        self._connection = connection
        self._end: Callable[[Connection, bool], None] | None = end

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
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
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
        fields = lines_of(headers)
        if body is not None:
            fields += b"Content-Length: %d\r\n" % len(body)
        line = b"%b %b%b HTTP/1.1\r\n" % (method.encode(), self._target, target)
        request = b"%b%b%b\r\n%b" % (line, self._host_line, fields, body or b"")
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
        self, connection: Connection, request: bytes, method: str, deadline: float
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

    def _end(self, connection: Connection, whole: bool) -> None:
        """Keep a connection whose exchange is over on both sides; drop any other."""
        self._busy.discard(connection)
        if connection.finish(whole=whole):
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.abort()

    def _take(self, idle_max: float) -> Connection | None:
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

    async def _connect(self, deadline: float) -> Connection:
        patience = min(self._connect_timeout, deadline - self._loop.time())
        try:
            async with asyncio.timeout(patience):
                return await (self._tunnel() if self._proxy and self._tls else self._dial())
        except (UpstreamError, *_ERRORS) as error:
            raise UpstreamError(_connect_failure(error)) from None

    async def _dial(self) -> Connection:
        loop = self._loop
        host, port = self._proxy[:2] if self._proxy else (self._host, self._port)
        made: Any = partial(Connection, loop)
        _, connection = await loop.create_connection(
            made,
            host,
            port,
            ssl=None if self._proxy else self._tls,
            server_hostname=self._host if self._tls and not self._proxy else None,
        )
        assert isinstance(connection, Connection)
        return connection

    async def _tunnel(self) -> Connection:
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
            connection = Connection(loop)
            protocol: Any = connection
            assert outer.transport
            transport = await loop.start_tls(
                outer.transport, protocol, self._tls, server_hostname=self._host
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
