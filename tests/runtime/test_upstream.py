"""The way to Zep: what is repeated and what is not, failures, TLS, path prefix, egress proxy."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from sidecar.runtime.upstream import EgressProxy
from tests.conftest import Running, StartSidecar
from tests.wire import OK, ScriptedUpstream, read_head, request, silent, then_close, then_reset

MESSAGES = "/api/v2/threads/t1/messages"
BODY = b'{"messages":[]}'
KEY = "Idempotency-Key: 0b7c"

# method, target, further lines, and whether it may be sent a second time
REPEATABLE = [
    ("GET", "/api/v2/threads/t1/context", (), True),
    ("GET", "/api/v2/something/new", (), True),
    ("POST", "/api/v2/graph/search", (), True),
    ("POST", "/api/v4/users/list", (), True),
    ("POST", MESSAGES, (KEY,), True),
    ("DELETE", "/api/v2/users/1", (KEY,), True),
    ("POST", MESSAGES, (), False),
    ("PUT", "/api/v2/entity-types", (), False),
    ("PATCH", "/api/v2/users/1", (), False),
    ("DELETE", "/api/v2/users/1", (), False),
    ("POST", "/api/v2/sessions/1/classify", (), False),
    ("POST", "/api/v2/something/new", (), False),
]


@pytest.mark.parametrize("end", [then_close, then_reset])
@pytest.mark.parametrize(("method", "target", "lines", "repeated"), REPEATABLE)
async def test_reused_connection_that_dies_before_its_first_byte(
    running: Running,
    upstream: ScriptedUpstream,
    method: str,
    target: str,
    lines: tuple[str, ...],
    repeated: bool,
    end: object,
) -> None:
    """Safe reads and writes with a key are sent once more; nothing else ever is."""
    upstream.script += [OK, end(b"")]  # type: ignore[operator]
    await running.ask(request())
    body = None if method == "GET" else BODY
    answer = await running.ask(request(method, target, body, *lines))
    assert answer.status == (200 if repeated else 502)
    assert len(upstream.received) == (3 if repeated else 2)
    assert upstream.received[-1].body == (body or b"")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-"])
async def test_fresh_connection_that_dies_is_final(
    running: Running, upstream: ScriptedUpstream, first: bytes
) -> None:
    """A fresh connection that dies is a fact about Zep, so even a read is not repeated."""
    upstream.script.append(then_close(first))
    answer = await running.ask(request())
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_reset"
    assert len(upstream.received) == 1


async def test_nothing_is_repeated_after_the_first_byte(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Zep has begun to answer, so it has processed the request."""
    upstream.script += [OK, then_close(b"HTTP/1.1 200 OK\r\nX")]
    await running.ask(request())
    assert (await running.ask(request())).status == 502
    assert len(upstream.received) == 2


async def test_connection_that_zep_closes_is_not_reused(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """`Connection: close`, a close while idle and unasked bytes all end a connection's use."""
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    unasked = OK + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    upstream.script += [closing, then_close(OK), unasked]
    for _ in range(4):
        answer = await running.ask(request("POST", MESSAGES, BODY))
        assert answer.status == 200
        assert answer.values("connection") == []
        await asyncio.sleep(0.05)
    assert upstream.connections == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"SMTP 220\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: a\r\n Bad\x00\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_answer_that_is_not_http(
    running: Running, upstream: ScriptedUpstream, answer: bytes
) -> None:
    """Garbage is a 502, and the next request is served."""
    upstream.script.append(then_close(answer))
    refusal = await running.ask(request())
    assert refusal.status == 502
    assert json.loads(refusal.body)["error"]["code"] in ("upstream_bad_response", "upstream_reset")
    assert (await running.ask(request())).status == 200


async def test_large_answer_headers_pass(running: Running, upstream: ScriptedUpstream) -> None:
    """A header line of 40 KB in either direction is no problem."""
    value = "x" * 40_000
    head = f"HTTP/1.1 200 OK\r\nX-Long: {value}\r\nContent-Length: 0\r\n\r\n"
    upstream.script.append(head.encode())
    answer = await running.ask(request("GET", "/api/v2/users/u1", None, f"X-Token: {value}"))
    assert answer.values("x-long") == [value]
    assert upstream.received[0].values("x-token") == [value]


@pytest.mark.parametrize(
    ("target", "section"),
    [
        ("/api/v2/threads/t1/context", "read"),
        (MESSAGES, "write"),
        ("/api/v2/tasks/1", "control"),
    ],
)
async def test_timeouts_by_class(
    start: StartSidecar, upstream: ScriptedUpstream, target: str, section: str
) -> None:
    """Each class has its own patience; running out of it is a 504 in both SDK shapes."""
    timeouts = {"read": 9, "write": 9, "control": 9, section: 0.1}
    running = await start(upstream.url, timeouts=timeouts, reads={"fail_soft": False})
    upstream.script.append(silent())
    method = "POST" if section == "write" else "GET"
    async with asyncio.timeout(5):
        answer = await running.ask(request(method, target, BODY if method == "POST" else None))
    assert answer.status == 504
    error = json.loads(answer.body)
    assert error["error"]["code"] == "upstream_timeout"
    assert answer.values("retry-after") == []


async def test_a_drip_does_not_outlast_the_timeout(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """The timeout bounds a whole context read, not the gap between two bytes of it."""
    running = await start(upstream.url, timeouts={"read": 0.3}, reads={"fail_soft": False})

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _n in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    upstream.script.append(drip)
    async with asyncio.timeout(5):
        answer = await running.ask(request("GET", "/api/v2/threads/t1/context"))
    assert answer.status == 504


async def test_a_stream_may_outlast_the_timeout(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events may go on for ever, as long as each comes in time."""
    monkeypatch.setattr("sidecar.runtime.proxy.STREAM_SILENCE", 0.4)
    running = await start(upstream.url, timeouts={"control": 0.3})

    async def stream(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Content-Length: 6\r\n\r\n")
        for _n in range(6):
            writer.write(b"x")
            await asyncio.sleep(0.15)

    upstream.script.append(stream)
    answer = await running.ask(request("POST", "/api/v4/graphs/query", b"{}"))
    assert (answer.body, answer.complete) == (b"xxxxxx", True)


async def test_a_slow_reader_is_not_zeps_fault(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """How long the worker takes to read does not count against the timeout."""
    running = await start(upstream.url, timeouts={"control": 0.3})
    blob = b"x" * 20_000_000
    upstream.script.append(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(blob), blob))
    async with running.worker() as worker:
        await worker.send(request("GET", "/api/v2/tasks/1"))
        await asyncio.sleep(0.8)
        answer = await worker.answer()
    assert (len(answer.body), answer.complete) == (len(blob), True)


@pytest.mark.parametrize("lines", [("Idempotency-Key:",), ("Idempotency-Key: ",)])
async def test_an_empty_key_is_no_key(
    running: Running, upstream: ScriptedUpstream, lines: tuple[str, ...]
) -> None:
    """It identifies nothing."""
    upstream.script += [OK, then_close(b"")]
    await running.ask(request())
    assert (await running.ask(request("POST", MESSAGES, BODY, *lines))).status == 502
    assert len(upstream.received) == 2


async def test_refused_connection(start: StartSidecar) -> None:
    """Nobody listens: 502."""
    answer = await (await start("http://127.0.0.1:1")).ask(request())
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_connect"


async def test_unknown_host(start: StartSidecar) -> None:
    """The name does not resolve: 502."""
    running = await start("http://zep.invalid", timeouts={"connect": 10, "read": 10})
    answer = await running.ask(request())
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_dns"


async def test_path_prefix(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """The upstream's own path stands before the worker's, and is taken off redirects."""
    running = await start(upstream.url + "/gateway/zep/")
    location = f"{upstream.url}/gateway/zep/api/v4/y?z"
    upstream.script.append(
        f"HTTP/1.1 301 R\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    answer = await running.ask(request("GET", "/api/v4/x?a=%2F"))
    assert upstream.received[0].start == b"GET /gateway/zep/api/v4/x?a=%2F HTTP/1.1"
    assert answer.values("location") == [f"{running.origin}/api/v4/y?z"]


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
async def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
async def tls_upstream(authority: trustme.CA) -> AsyncIterator[ScriptedUpstream]:
    """A scripted upstream for https://127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    scripted = ScriptedUpstream()
    await scripted.start(context)
    yield scripted
    await scripted.stop()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """A PEM file with our authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


async def test_tls(start: StartSidecar, tls_upstream: ScriptedUpstream, ca_file: str) -> None:
    """A trusted certificate is accepted, and the connection is reused."""
    running = await start(tls_upstream.url, upstream={"ca_file": ca_file})
    big = b'{"content":"' + b"x" * 300_000 + b'"}'
    for _ in range(2):
        assert (await running.ask(request("POST", MESSAGES, big))).status == 200
    assert tls_upstream.received[1].body == big
    assert tls_upstream.connections == 1


async def test_untrusted_certificate(start: StartSidecar, tls_upstream: ScriptedUpstream) -> None:
    """A certificate of an unknown authority is refused; nothing was sent."""
    answer = await (await start(tls_upstream.url)).ask(request("POST", MESSAGES, BODY))
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_tls"
    assert tls_upstream.received == []


async def test_certificate_for_another_name(
    start: StartSidecar, tls_upstream: ScriptedUpstream, ca_file: str
) -> None:
    """The host name is checked."""
    url = f"https://localhost:{tls_upstream.port}"
    answer = await (await start(url, upstream={"ca_file": ca_file})).ask(request())
    assert json.loads(answer.body)["error"]["code"] == "upstream_tls"


# --- egress proxy ---------------------------------------------------------------------------------


class Egress:
    """A forward proxy that opens tunnels, or answers plain requests itself."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.heads: list[bytes] = []

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve_one(reader, writer)
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        self.heads.append(b"\r\n".join([head.start, *(b": ".join(pair) for pair in head.headers)]))
        if not head.start.startswith(b"CONNECT "):
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 %d Whatever\r\n\r\n" % self.status)
        if self.status != 200:
            return
        host, port = head.start.split()[1].decode().rsplit(":", 1)
        back_reader, back_writer = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back_writer))
                group.create_task(_pump(back_reader, writer))
        except* ConnectionError:
            pass


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """A forward proxy."""
    proxy = Egress()
    await proxy.start()
    yield proxy
    proxy.stop()


async def test_tunnel_through_the_egress_proxy(
    start: StartSidecar, tls_upstream: ScriptedUpstream, ca_file: str, egress: Egress
) -> None:
    """TLS to Zep goes through a tunnel; the proxy sees its credentials and nothing else."""
    environ = {"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{egress.port}"}
    settings = {"ca_file": ca_file, "proxy_from_env": True}
    running = await start(tls_upstream.url, environ=environ, upstream=settings)
    for _ in range(2):
        assert (await running.ask(request("POST", MESSAGES, BODY))).status == 200
    assert [r.body for r in tls_upstream.received] == [BODY, BODY]
    assert tls_upstream.received[0].values("proxy-authorization") == []
    credentials = base64.b64encode(b"me:p@ss").decode()
    authority = f"127.0.0.1:{tls_upstream.port}"
    assert egress.heads == [
        f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
        f"Proxy-Authorization: Basic {credentials}".encode()
    ]


async def test_egress_proxy_that_refuses(
    start: StartSidecar, tls_upstream: ScriptedUpstream, egress: Egress
) -> None:
    """A proxy that says no is a 502 that says so."""
    egress.status = 403
    environ = {"https_proxy": f"127.0.0.1:{egress.port}"}
    running = await start(tls_upstream.url, environ=environ, upstream={"proxy_from_env": True})
    answer = await running.ask(request())
    assert json.loads(answer.body)["error"]["code"] == "upstream_egress_proxy"


async def test_plain_http_through_the_egress_proxy(start: StartSidecar, egress: Egress) -> None:
    """A plain upstream is named in an absolute-form target."""
    environ = {"http_proxy": f"http://127.0.0.1:{egress.port}"}
    running = await start("http://zep.test/p", environ=environ, upstream={"proxy_from_env": True})
    assert (await running.ask(request("GET", "/api/v2/users/1"))).status == 200
    assert egress.heads == [b"GET http://zep.test/p/api/v2/users/1 HTTP/1.1\r\nHost: zep.test"]


async def test_environment_is_not_read_unless_asked(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """Without upstream.proxy_from_env the variables mean nothing."""
    running = await start(upstream.url, environ={"http_proxy": "http://127.0.0.1:1"})
    assert (await running.ask(request())).status == 200


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, ("p", 3128)),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2"}, ("lower", 2)),
        ({"HTTPS_PROXY": "p"}, ("p", 80)),
        ({"HTTP_PROXY": "http://p:3128"}, None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "getzep.com"}, None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "example.com,127.0.0.1"}, ("p", 3128)),
        ({"HTTPS_PROXY": "http://p:3128", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": ""}, None),
    ],
)
def test_which_egress_proxy(environ: dict[str, str], expected: tuple[str, int] | None) -> None:
    """The usual variables are read the usual way."""
    proxy = EgressProxy.from_environ("https://api.getzep.com", environ)
    assert (proxy and proxy[:2]) == expected


def test_egress_proxy_over_tls_is_refused() -> None:
    """A proxy that is itself reached over TLS is not supported, and said so."""
    with pytest.raises(ValueError, match="http://"):
        EgressProxy.from_environ("https://api.getzep.com", {"https_proxy": "https://p"})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("cut", range(len(CHUNKED) - 8, len(CHUNKED)))
async def test_the_end_of_chunks_is_found_in_pieces(
    running: Running, upstream: ScriptedUpstream, cut: int
) -> None:
    """Wherever the last bytes are cut, the connection is used again."""

    async def in_two(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED[:cut])
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(CHUNKED[cut:])

    upstream.script += [in_two, OK]
    for _ in range(2):
        assert (await running.ask(request())).body == b"{}"
    assert upstream.connections == 1


@pytest.mark.parametrize("answer", [OK, CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n"])
@pytest.mark.parametrize("surplus", [b"H", b"HTTP/1.1 200 OK\r\n", b"\r\nHTTP/1.1 200 OK\r\nA"])
async def test_what_may_begin_an_answer_spoils_the_connection(
    running: Running, upstream: ScriptedUpstream, answer: bytes, surplus: bytes
) -> None:
    """It would be the beginning of the next worker's answer."""
    upstream.script += [answer + surplus, OK]
    assert (await running.ask(request())).status in (200, 204)
    assert (await running.ask(request())).body == b"{}"
    assert upstream.connections == 2


async def test_each_exchange_has_its_own_time(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """On one connection, what is left of the time of an earlier exchange ends no later one."""
    running = await start(upstream.url, timeouts={"control": 0.6})

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        writer.write(OK)

    upstream.script += [OK, slowly, slowly, silent()]
    for expected in (200, 200, 200, 504):
        await asyncio.sleep(0.1)
        assert (await running.ask(request())).status == expected
    assert upstream.connections == 1
