"""The proxy path, byte by byte, with raw sockets on both sides."""

import asyncio
import gzip
import json
import zlib

import pytest

from tests.conftest import Running, StartSidecar
from tests.wire import OK, ScriptedUpstream, request, silent, then_close, then_reset

MESSAGES = "/api/v2/threads/t1/messages"
CLEAN = b'{"messages":[{"role":"user","content":"merhaba"}], "n": 1e2}'
DIRTY = b'{"messages":[{"role":"user","content":"ayse@example.com"}]}'
REDACTED = b'{"messages":[{"role":"user","content":"[EMAIL]"}]}'


# --- what reaches Zep -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/api/v2/threads/a%2Fb/context",
        "/api/v2/threads/a%2fb/%7Ecafe/context",
        "/api/v2/users/ayse@example.com",
        "/api/v2/users/a%20b;c=d,e'(!)*:",
        "/api/v2/threads/a/%2e%2e/context",
        "/api/v2/threads/a/../b/./context",
        "/api/v2//threads//",
        "/api/v2/threads/t/context?",
        "/api/v2/threads/t/messages?minRating=&lastn=&a=1&a=2&b&&=x",
        "/api/v2/threads/t/messages?z=%C3%A7%2B+%zz&a=b=c?d/e",
        "/api/v2/threads/" + "x" * 20000,
        "/api/v4/graphs/{x}|y/[z]",
        "/api/v1/sessions/%F0%9F%99%82/memory",
        "/healthz",
    ],
)
async def test_raw_target_is_kept(
    running: Running, upstream: ScriptedUpstream, target: str
) -> None:
    """No decoding, encoding, sorting or collapsing of the request target."""
    answer = await running.ask(request("GET", target))
    assert answer.status == 200
    assert upstream.received[0].start == f"GET {target} HTTP/1.1".encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_method_is_kept(running: Running, upstream: ScriptedUpstream, method: str) -> None:
    """Every method passes."""
    upstream.script.append(b"HTTP/1.1 204 No Content\r\n\r\n")
    answer = await running.ask(request(method), head_only=True)
    assert answer.status == 204
    assert upstream.received[0].start.startswith(method.encode() + b" ")


async def test_request_headers_pass_in_order_and_nothing_is_added(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Order, case and repetitions stay; only Host is replaced."""
    sent = [
        "aUtHoRiZation: Api-Key z_1",
        "X-A: 1",
        "x-b:  2 ",
        "X-A: 3",
        "X-Empty:",
        "Cookie: a=b; c",
    ]
    await running.ask(request("GET", MESSAGES, None, *sent))
    assert upstream.received[0].headers == [
        (b"Host", f"127.0.0.1:{upstream.port}".encode()),
        (b"aUtHoRiZation", b"Api-Key z_1"),
        (b"X-A", b"1"),
        (b"x-b", b"2"),
        (b"X-A", b"3"),
        (b"X-Empty", b""),
        (b"Cookie", b"a=b; c"),
    ]


async def test_hop_by_hop_request_headers_stay_behind(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """RFC 9110 7.6.1, with the fields that Connection names."""
    lines = [
        "Connection: keep-alive, X-Private",
        "Connection: x-other",
        "X-Private: 1",
        "X-OTHER: 2",
        "Keep-Alive: 5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Trailer: X",
        "Upgrade: h2c",
        "X-Stays: 1",
    ]
    await running.ask(request("GET", MESSAGES, None, *lines))
    assert [name for name, _ in upstream.received[0].headers] == [b"Host", b"X-Stays"]


async def test_clean_body_is_forwarded_byte_for_byte(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A body without personal data is not re-serialised."""
    body = b' {"b":1e2, "a":0.1000,"a":123456789012345678901234567890,"s":"\\u0041\\/\xc5\x9f"}\n'
    await running.ask(request("POST", MESSAGES, body))
    assert upstream.received[0].body == body


async def test_dirty_body_is_redacted_and_its_length_is_right(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Only the match changes, and Content-Length with it."""
    answer = await running.ask(request("POST", MESSAGES, DIRTY, "X-A: 1"))
    assert answer.status == 200
    received = upstream.received[0]
    assert received.body == REDACTED
    assert received.values("content-length") == [str(len(REDACTED))]


async def test_bodies_and_their_absence(running: Running, upstream: ScriptedUpstream) -> None:
    """A GET with a body (SDK 2.x) keeps it, an empty POST keeps its zero, no body stays none."""
    await running.ask(request("GET", MESSAGES, b"{}"))
    await running.ask(request("POST", MESSAGES, b""))
    await running.ask(request("POST", MESSAGES))
    assert [r.body for r in upstream.received] == [b"{}", b"", b""]
    assert [r.values("content-length") for r in upstream.received] == [["2"], ["0"], []]


async def test_chunked_request(running: Running, upstream: ScriptedUpstream) -> None:
    """A chunked body is inspected whole and leaves with a length."""
    head = request("POST", MESSAGES, None, "Transfer-Encoding: chunked", "Trailer: X-T")
    async with running.worker() as worker:
        await worker.send(head)
        for i in range(0, len(DIRTY), 7):
            piece = DIRTY[i : i + 7]
            await worker.send(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece))
        await worker.send(b"0\r\nX-T: 1\r\n\r\n")
        assert (await worker.answer()).status == 200
    assert upstream.received[0].body == REDACTED
    assert upstream.received[0].values("transfer-encoding") == []


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw-deflate", "GZIP", "identity"])
async def test_encoded_body_is_inspected(
    running: Running, upstream: ScriptedUpstream, coding: str
) -> None:
    """A clean encoded body leaves as it came; a changed one leaves without its coding."""

    def encode(body: bytes) -> bytes:
        if coding.lower() == "gzip":
            return gzip.compress(body, mtime=0)
        if coding == "identity":
            return body
        compressed = zlib.compress(body)
        return compressed[2:-4] if coding == "raw-deflate" else compressed

    name = coding.removeprefix("raw-")
    await running.ask(request("POST", MESSAGES, encode(CLEAN), f"Content-Encoding: {name}"))
    await running.ask(request("POST", MESSAGES, encode(DIRTY), f"Content-Encoding: {name}"))
    clean, dirty = upstream.received
    assert clean.body == encode(CLEAN)
    assert clean.values("content-encoding") == [name]
    assert dirty.body == REDACTED
    assert dirty.values("content-encoding") == []


# --- what does not reach Zep ----------------------------------------------------------------------

NOT_INSPECTABLE = [
    (400, b'{"a":', "application/json", ()),
    (400, b"nope", "application/json", ()),
    (400, b"nope", None, ()),
    (400, b'{"a":NaN}', "application/json", ()),
    (400, b"[" * 100000, "application/json", ()),
    (400, b"\xef\xbb\xbf{}", "application/json", ()),
    (400, b'{"a":"\xff"}', "application/json", ()),
    (400, '{"a":1}'.encode("utf-16"), "application/json", ()),
    (400, b'{"a":1}{"b":2}', "application/json", ()),
    (400, b'{"a":"b\x00c"}', "application/json", ()),
    (400, b"a\x00b", "text/plain", ()),
    (400, b"\xff\xfe", "text/plain", ()),
    (415, b"PK\x03\x04", "application/zip", ()),
    (415, b"a=b", "application/x-www-form-urlencoded", ()),
    (415, b"--x\r\n", "multipart/form-data; boundary=x", ()),
    (415, b'{"a":1}', "application/json; charset=utf-16", ()),
    (415, b"{}", "application/json", ("Content-Encoding: br",)),
    (415, b"{}", "application/json", ("Content-Encoding: x-gzip",)),
    (415, b"{}", "application/json", ("Content-Encoding: gzip, gzip",)),
    (415, b"{}", "application/json", ("Content-Encoding: gzip", "Content-Encoding: gzip")),
    (400, b"{}", "application/json", ("Content-Encoding: gzip",)),
    (400, gzip.compress(b"{}", mtime=0) + b"x", "application/json", ("Content-Encoding: gzip",)),
    (400, gzip.compress(b"{}", mtime=0)[:-3], "application/json", ("Content-Encoding: gzip",)),
    (413, gzip.compress(b" " * 11_000_000), "application/json", ("Content-Encoding: gzip",)),
]


@pytest.mark.parametrize(("status", "body", "content_type", "lines"), NOT_INSPECTABLE)
async def test_what_cannot_be_inspected_is_not_forwarded(
    running: Running,
    upstream: ScriptedUpstream,
    status: int,
    body: bytes,
    content_type: str | None,
    lines: tuple[str, ...],
) -> None:
    """The refusal has both SDK error shapes, and Zep sees nothing."""
    answer = await running.ask(request("POST", MESSAGES, body, *lines, content_type=content_type))
    assert answer.status == status
    error = json.loads(answer.body)
    assert error["message"] == error["error"]["message"]
    assert error["error"]["code"]
    assert upstream.received == []


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (DIRTY, None, REDACTED),
        (DIRTY, "application/octet-stream", REDACTED),
        (DIRTY, "application/vnd.zep+json; charset=UTF-8", REDACTED),
        (DIRTY.replace(b"@", b"\\u0040"), "text/plain", REDACTED),
        (b"ara: ayse@example.com\n{", "text/plain", b"ara: [EMAIL]\n{"),
        (b"{ayse@example.com", "text/plain; charset=utf-8", b"{[EMAIL]"),
        (b'"ayse@example.com"', "application/json", b'"[EMAIL]"'),
        (b'{"a":"\\ud83d x@example.com"}', "application/json", b'{"a":"\\ud83d [EMAIL]"}'),
    ],
)
async def test_the_label_does_not_switch_redaction_off(
    running: Running,
    upstream: ScriptedUpstream,
    body: bytes,
    content_type: str | None,
    expected: bytes,
) -> None:
    """JSON is redacted as JSON whatever its Content-Type says; text is redacted as text."""
    answer = await running.ask(request("POST", MESSAGES, body, content_type=content_type))
    assert answer.status == 200
    assert upstream.received[0].body == expected


async def test_archives_pass_only_when_allowed(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """skills/import is refused unless redaction.allow_binary says otherwise, and only it."""
    zipped = b"PK\x03\x04ayse@example.com\x00\xff"
    target = "/api/v4/agents/a1/skills/import"
    post = request("POST", target, zipped, content_type="application/zip")
    refused = await (await start(upstream.url)).ask(post)
    allowing = await start(upstream.url, redaction={"allow_binary": True})
    passed = await allowing.ask(post)
    other = await allowing.ask(request("POST", MESSAGES, zipped, content_type="application/zip"))
    assert (refused.status, passed.status, other.status) == (415, 200, 415)
    assert b"redaction.allow_binary" in refused.body
    assert [r.body for r in upstream.received] == [zipped]


async def test_body_limit(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Exactly the limit passes; one byte more is a 413, announced, chunked or expected."""
    running = await start(upstream.url, limits={"body_bytes": 100_000})
    full = b'"' + b"x" * 99_998 + b'"'
    assert (await running.ask(request("POST", MESSAGES, full))).status == 200
    over = await running.ask(request("POST", MESSAGES, full + b" "))
    assert over.status == 413
    assert json.loads(over.body)["error"]["code"] == "body_too_large"
    chunked = request("POST", MESSAGES, None, "Transfer-Encoding: chunked")
    frame = b"%x\r\n%b\r\n" % (len(full) + 1, full + b" ")
    assert (await running.ask(chunked + frame + b"0\r\n\r\n")).status == 413
    expecting = request("POST", MESSAGES, full + b" ", "Expect: 100-continue")
    async with running.worker() as worker:
        await worker.send(expecting[: -len(full) - 1])
        assert (await worker.answer()).status == 413
    assert len(upstream.received) == 1


async def test_ten_mebibytes_by_default(running: Running, upstream: ScriptedUpstream) -> None:
    """The default limit is 10 MiB, and such a body is redacted."""
    filler = b"x " * (5 * 2**20 - 40)
    body = b'{"content":"' + filler + b'ayse@example.com"}'
    assert (await running.ask(request("POST", MESSAGES, body))).status == 200
    assert upstream.received[0].body == body.replace(b"ayse@example.com", b"[EMAIL]")
    too_much = b'"' + b"x" * 10 * 2**20 + b'"'
    assert (await running.ask(request("POST", MESSAGES, too_much))).status == 413


async def test_expect_100_continue(running: Running, upstream: ScriptedUpstream) -> None:
    """The sidecar itself asks for the body, once, and does not pass the expectation on."""
    data = request("POST", MESSAGES, DIRTY, "Expect: 100-continue")
    async with running.worker() as worker:
        await worker.send(data[: -len(DIRTY)])
        assert (await worker.answer()).status == 100
        assert upstream.received == []
        await worker.send(DIRTY)
        assert (await worker.answer()).status == 200
    assert upstream.received[0].values("expect") == []
    assert (await running.ask(request("GET", MESSAGES, None, "Expect: 200-ok"))).status == 417


@pytest.mark.parametrize(
    "start_line",
    [
        b"GET http://169.254.169.254/latest HTTP/1.1",
        b"GET http://127.0.0.1:1/api/v2/users HTTP/1.1",
        b"GET https://api.getzep.com/api/v2/users HTTP/1.1",
        b"CONNECT 127.0.0.1:22 HTTP/1.1",
        b"CONNECT /api/v2/users HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET api/v2/users HTTP/1.1",
    ],
)
async def test_this_is_not_an_open_proxy(
    running: Running, upstream: ScriptedUpstream, start_line: bytes
) -> None:
    """Absolute-form, authority-form and asterisk-form targets are refused."""
    answer = await running.ask(start_line + b"\r\nHost: evil.example\r\n\r\n")
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["code"] in ("bad_target", "bad_request")
    assert upstream.received == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: evil.example:1"],
        ["Host: evil.example", "X-Forwarded-Host: evil.example"],
    ],
)
async def test_host_decides_nothing(
    running: Running, upstream: ScriptedUpstream, lines: list[str]
) -> None:
    """Only the configured upstream is contacted, under its own name."""
    head = "GET /api/v2/users HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"
    assert (await running.ask(head.encode())).status == 200
    assert upstream.received[0].values("host") == [f"127.0.0.1:{upstream.port}"]


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/threads/t1/context",
        "/api/v2",
        "/api/v3/threads",
        "/api/v2/api/v2/threads",
        "/api/v4/api/v2/threads",
        "//evil.example/api/v2/x",
        "/%61pi/v2/threads",
        "/healthz/x",
        "/metrics",
        "/livez",
    ],
)
async def test_unknown_prefix(running: Running, upstream: ScriptedUpstream, target: str) -> None:
    """A clear 404 names the base URL for each SDK generation."""
    answer = await running.ask(request("GET", target))
    assert answer.status == 404
    message = json.loads(answer.body)["message"]
    for expected in (f"{running.origin}/api/v4", f"{running.origin}/api/v2", "ZEP_API_URL"):
        assert expected in message
    assert upstream.received == []


@pytest.mark.parametrize(
    "data",
    [
        b"GET /api/v2/users HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"GET /api/v2/users HTTP/1.1\r\nHost: a\r\nX: ayse@example.com\x00\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /api/v2/users/ay\xc5\x9fe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
        b"Content-Length: 3\r\n\r\n{}",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n{}",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"POST /api/v2/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n",
    ],
)
async def test_malformed_requests(
    running: Running, upstream: ScriptedUpstream, data: bytes
) -> None:
    """What is not HTTP, or could be read in two ways, is a 400 that quotes nothing."""
    async with running.worker() as worker:
        await worker.send(data)
        answer = await worker.answer()
        assert answer.status == 400
        assert json.loads(answer.body)["error"]["code"] == "bad_request"
        assert b"ayse" not in answer.body
        assert await worker.closed()
    assert upstream.received == []


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
async def test_an_upgrade_is_ignored(
    running: Running, upstream: ScriptedUpstream, upgrade: str
) -> None:
    """A server may ignore it (RFC 9110 7.8); the request, also one with a body, is served."""
    lines = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AA")
    for data in (request("GET", MESSAGES, None, *lines), request("POST", MESSAGES, DIRTY, *lines)):
        answer = await running.ask(data)
        assert (answer.status, answer.values("connection")) == (200, ["close"])
    assert [r.body for r in upstream.received] == [b"", REDACTED]
    assert upstream.received[0].values("upgrade") == []


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/2.0"])
async def test_other_versions_are_refused(
    running: Running, upstream: ScriptedUpstream, version: str
) -> None:
    """They are framed in other ways."""
    answer = await running.ask(request().replace(b"HTTP/1.1", version.encode()))
    assert answer.status in (400, 505)
    assert upstream.received == []


async def test_expectation_of_http_10_is_ignored(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """RFC 9110 10.1.1: such a worker would take the interim answer for the answer."""
    data = request("POST", MESSAGES, CLEAN, "Expect: 100-continue")
    answer = await running.ask(data.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert answer.status == 200
    assert upstream.received[0].body == CLEAN


async def test_refusal_of_an_expected_body_ends_the_connection(running: Running) -> None:
    """Otherwise the next request would be read as that body."""
    data = request("POST", "/nope", CLEAN, "Expect: 100-continue")
    async with running.worker() as worker:
        await worker.send(data[: -len(CLEAN)])
        answer = await worker.answer()
        assert (answer.status, answer.values("connection")) == (404, ["close"])


async def test_many_header_fields(running: Running, upstream: ScriptedUpstream) -> None:
    """Hundreds in either direction pass."""
    lines = [f"X-{i}: {i}" for i in range(300)]
    cookies = "".join(f"Set-Cookie: c{i}=1\r\n" for i in range(300))
    upstream.script.append(f"HTTP/1.1 204 No Content\r\n{cookies}\r\n".encode())
    answer = await running.ask(request("POST", MESSAGES, b"{}", *lines))
    assert len(answer.values("set-cookie")) == 300
    assert len(upstream.received[0].headers) == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_half_closed_worker(
    running: Running, upstream: ScriptedUpstream, method: str
) -> None:
    """A worker that has said all it has to say still gets its answer (RFC 9112 9.6)."""

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    upstream.script += [slowly, OK]
    for _n in range(2):
        async with running.worker() as worker:
            await worker.send(request(method, MESSAGES, CLEAN if method == "POST" else None))
            worker.writer.write_eof()
            assert (await worker.answer()).body == b"{}"
            assert await worker.closed()


async def test_body_that_stops_coming(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds its place for a while, then gets a 408; nothing was forwarded."""
    monkeypatch.setattr("sidecar.runtime.inbound.BODY_SILENCE", 0.1)
    async with running.worker() as worker:
        await worker.send(request("POST", MESSAGES, CLEAN)[:-1])
        assert (await worker.answer()).status == 408
    assert upstream.received == []


async def test_worker_that_stops_reading(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection to Zep is given up after a while, and not kept for ever."""
    monkeypatch.setattr("sidecar.runtime.relay.READER_SILENCE", 0.2)
    gone = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            gone.set()

    upstream.script.append(flood)
    async with running.worker() as worker:
        await worker.send(request())
        async with asyncio.timeout(10):
            await gone.wait()


# --- what reaches the worker ----------------------------------------------------------------------


async def test_answer_headers_pass_unchanged(running: Running, upstream: ScriptedUpstream) -> None:
    """Status, reason, order, case and repetitions stay; only our own mark is added."""
    upstream.script.append(
        b"HTTP/1.1 418 I'm \xc3\xa7ay\r\nset-cookie: a=1\r\nX-RateLimit-Reset: 5\r\n"
        b"Set-Cookie: b=2\r\n"
        b"Content-Length: 3\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 9\r\n"
        b"Retry-After: 7\r\n\r\nabc"
    )
    answer = await running.ask(request())
    assert answer.start == b"HTTP/1.1 418 I'm \xc3\xa7ay"
    assert answer.headers == [
        (b"set-cookie", b"a=1"),
        (b"X-RateLimit-Reset", b"5"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"3"),
        (b"Retry-After", b"7"),
        (b"X-Zep-Sidecar-Mode", b"2"),
        (b"X-Zep-Sidecar-Outcome", b"live"),
    ]
    assert answer.body == b"abc"


async def test_encoded_answer_stays_encoded(running: Running, upstream: ScriptedUpstream) -> None:
    """The bytes and their Content-Encoding stay together."""
    packed = gzip.compress(b'{"context":"x"}')
    upstream.script.append(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(packed), packed)
    )
    answer = await running.ask(request())
    assert answer.values("content-encoding") == ["gzip"]
    assert answer.body == packed


async def test_chunked_answer_loses_only_a_false_length(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Chunked stays chunked."""
    upstream.script.append(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
    )
    answer = await running.ask(request())
    assert answer.values("transfer-encoding") == ["chunked"]
    assert answer.values("content-length") == []
    assert (answer.body, answer.complete) == (b"abcde", True)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 99\r\n\r\n", 304),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
    ],
)
async def test_answers_without_content(
    running: Running, upstream: ScriptedUpstream, head: bytes, status: int
) -> None:
    """204 and 304 carry no length and no body, interim answers are skipped, the link lives on."""
    upstream.script.append(head)
    async with running.worker() as worker:
        await worker.send(request())
        answer = await worker.answer()
        assert answer.status == status
        assert answer.values("content-length") == []
        assert answer.values("transfer-encoding") == []
        await worker.send(request())
        assert (await worker.answer()).status == 200
    assert upstream.connections == 1


@pytest.mark.parametrize(
    ("method", "answer", "status", "body"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, b""),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304, b""),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}EXTRA", 200, b"{}"),
        (
            "GET",
            b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}X",
            200,
            b"{}",
        ),
    ],
)
async def test_surplus_behind_an_answer(
    running: Running,
    upstream: ScriptedUpstream,
    method: str,
    answer: bytes,
    status: int,
    body: bytes,
) -> None:
    """What comes behind an answer in the same packet costs the connection, not the answer."""
    upstream.script.append(answer)
    got = await running.ask(request(method), head_only=method == "HEAD")
    assert (got.status, got.body) == (status, body)
    assert (await running.ask(request())).status == 200
    assert upstream.connections == 2


@pytest.mark.parametrize("pause", [0, 0.1])
async def test_answer_that_turns_bad(
    running: Running, upstream: ScriptedUpstream, pause: float
) -> None:
    """A bad chunk behind a good one cuts the answer at once, not at the timeout."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(pause)
        writer.write(b"zz\r\nabc\r\n")
        await asyncio.sleep(30)

    upstream.script.append(step)
    async with asyncio.timeout(8):  # the timeout of this route is 10
        answer = await running.ask(request("GET", "/api/v2/tasks/1"))
    assert answer.status == 200
    assert not answer.complete


async def test_head(running: Running, upstream: ScriptedUpstream) -> None:
    """A HEAD keeps the length of what a GET would have got, and has no body."""
    upstream.script.append(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    upstream.script.append(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    async with running.worker() as worker:
        await worker.send(request("HEAD"))
        answer = await worker.answer(head_only=True)
        assert answer.values("content-length") == ["1234"]
        await worker.send(request("HEAD"))
        assert (await worker.answer(head_only=True)).status == 200
        await worker.send(request())
        assert (await worker.answer()).body == b"{}"


@pytest.mark.parametrize(
    ("step", "body"),
    [
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), b"abc"),
        (then_reset(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), b"abc"),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), b""),
        (then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), b"abc"),
        (then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"), b"abc"),
        (then_reset(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), b"abc"),
        (then_reset(b"HTTP/1.1 200 OK\r\n\r\nabc"), b"abc"),
    ],
)
async def test_a_truncated_answer_stays_truncated(
    running: Running, upstream: ScriptedUpstream, step: object, body: bytes
) -> None:
    """The worker sees the status, what came of the body, and that the rest is missing."""
    upstream.script.append(step)  # type: ignore[arg-type]
    async with running.worker() as worker:
        await worker.send(request())
        answer = await worker.answer()
        assert answer.status == 200
        assert not answer.complete
        assert answer.body == body
        assert await worker.closed()


async def test_answer_that_ends_with_the_connection(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """An answer without length gets chunked framing, or its own end with an HTTP/1.0 worker."""
    upstream.script += [
        then_close(b"HTTP/1.1 200 OK\r\n\r\nabc"),
        then_reset(b"HTTP/1.1 200 OK\r\n\r\nabc"),
    ]
    answer = await running.ask(request())
    assert (answer.body, answer.complete) == (b"abc", True)
    cut = await running.ask(request())
    assert not cut.complete


@pytest.mark.parametrize("framing", ["Content-Length: %d", "Transfer-Encoding: chunked"])
async def test_a_reader_slower_than_zep_gets_all_of_it(
    running: Running, upstream: ScriptedUpstream, framing: str
) -> None:
    """When the pause that its slowness causes ends, so does the answer, at once."""
    blob = b"x" * 3_000_000
    body = blob if "%" in framing else b"%x\r\n%b\r\n0\r\n\r\n" % (len(blob), blob)
    line = framing % len(blob) if "%" in framing else framing
    for _n in range(3):
        upstream.script.append(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode() + body)
        async with running.worker() as worker:
            await worker.send(request("GET", "/api/v2/tasks/1") + request())
            await asyncio.sleep(0.3)
            async with asyncio.timeout(5):
                answer = await worker.answer()
                assert (len(answer.body), answer.complete) == (len(blob), True)
                assert (await worker.answer()).body == b"{}"


async def test_switched_off(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """FLAG_ZEP_WRITE=false: nothing but erasures leaves."""
    running = await start(upstream.url, flags={"write": False})
    for data in (request(), request("POST", "/api/v2/users", CLEAN)):
        answer = await running.ask(data)
        assert answer.status == 424
        assert json.loads(answer.body)["error"]["code"] == "off"
    assert (await running.ask(request("DELETE", "/api/v2/users/1"))).status == 200
    assert len(upstream.received) == 1


async def test_a_fault_of_our_own_is_said_without_data(
    running: Running,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A 500, and a log line that names the exception and the place, but not its message."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ayse@example.com")

    monkeypatch.setattr("sidecar.runtime.inbound.inspect", broken)
    answer = await running.ask(request("POST", MESSAGES, DIRTY))
    assert (answer.status, upstream.received) == (500, [])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["reason"]) == ("internal_error", "RuntimeError")
    assert line["where"].startswith("tests.runtime.test_proxy:")
    assert b"ayse" not in answer.body + str(line).encode()


async def test_http_10_worker_sees_a_cut_too(running: Running, upstream: ScriptedUpstream) -> None:
    """Where only the end of the connection ends a body, a cut answer ends in a reset."""
    cut = then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    upstream.script.append(cut)
    answer = await running.ask(request().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert not answer.complete


async def test_http_10_worker(running: Running, upstream: ScriptedUpstream) -> None:
    """An HTTP/1.0 worker never gets chunks; its connection is kept only on request."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    upstream.script += [chunked, OK]
    old = request().replace(b"HTTP/1.1", b"HTTP/1.0")
    async with running.worker() as worker:
        await worker.send(old)
        answer = await worker.answer()
        assert (answer.body, answer.values("transfer-encoding")) == (b"abc", [])
        assert await worker.closed()
    kept = old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    async with running.worker() as worker:
        await worker.send(kept)
        assert (await worker.answer()).values("connection") == ["keep-alive"]
        await worker.send(kept)
        assert (await worker.answer()).body == b"{}"


async def test_events_arrive_one_by_one(running: Running, upstream: ScriptedUpstream) -> None:
    """The first event of a stream is delivered before the last one is sent."""
    first_seen = asyncio.Event()

    async def stream(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
            b'f\r\ndata: {"n": 1}\n\r\n'
        )
        await first_seen.wait()
        writer.write(b'f\r\ndata: {"n": 2}\n\r\n0\r\n\r\n')

    upstream.script.append(stream)
    body = b'{"query":"x","stream":true}'
    async with running.worker() as worker:
        await worker.send(request("POST", "/api/v4/graphs/query", body))
        head = await worker.answer(head_only=True)
        assert head.values("content-type") == ["text/event-stream"]
        assert await worker.reader.readexactly(20) == b'f\r\ndata: {"n": 1}\n\r\n'
        first_seen.set()
        rest = await worker.reader.readuntil(b"0\r\n\r\n")
        assert b'"n": 2' in rest


async def test_large_binary_export(running: Running, upstream: ScriptedUpstream) -> None:
    """Megabytes of bytes come through as they are."""
    blob = bytes(range(256)) * 40_000
    upstream.script.append(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(blob), blob))
    answer = await running.ask(request("GET", "/api/v4/agents/a/skills/s/versions/1/export/t"))
    assert answer.body == blob


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("{upstream}/api/v4/x?y=1", "{sidecar}/api/v4/x?y=1"),
        ("http://127.0.0.1:1/api/v4/x", "http://127.0.0.1:1/api/v4/x"),
        ("/api/v4/x", "/api/v4/x"),
        ("https://elsewhere.example/x", "https://elsewhere.example/x"),
    ],
)
async def test_redirects_come_back_to_the_sidecar(
    running: Running, upstream: ScriptedUpstream, location: str, expected: str
) -> None:
    """A Location at the upstream becomes one at the sidecar; others pass."""
    places = {"upstream": upstream.url, "sidecar": running.origin}
    line = f"HTTP/1.1 307 R\r\nLocation: {location.format(**places)}\r\nContent-Length: 0\r\n\r\n"
    upstream.script.append(line.encode())
    answer = await running.ask(request("GET", "/api/v4/x"))
    assert answer.status == 307
    assert answer.values("location") == [expected.format(**places)]


async def test_a_body_is_not_redirected_away(running: Running, upstream: ScriptedUpstream) -> None:
    """A 307 to another host would make the SDK send the body there unredacted: refused."""
    upstream.script.append(
        b"HTTP/1.1 307 R\r\nLocation: https://elsewhere.example/x\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await running.ask(request("POST", MESSAGES, DIRTY))
    assert answer.status == 421
    assert answer.values("location") == []


# --- the connections ------------------------------------------------------------------------------


async def test_keep_alive_on_both_sides(running: Running, upstream: ScriptedUpstream) -> None:
    """One connection to Zep serves many requests; pipelined ones are answered in order."""
    async with running.worker() as worker:
        for _ in range(5):
            await worker.send(request())
            assert (await worker.answer()).status == 200
        await worker.send(request("GET", "/api/v2/users/1") + request("GET", "/nope"))
        assert [(await worker.answer()).status for _ in range(2)] == [200, 404]
        await worker.send(request("GET", MESSAGES, None, "Connection: close"))
        assert (await worker.answer()).values("connection") == ["close"]
        assert await worker.closed()
    assert upstream.connections == 1


async def test_worker_that_leaves_does_not_undo_its_write(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A write whose body has arrived is delivered once, whether the worker waits or not."""
    async with running.worker() as worker:
        await worker.send(request("POST", MESSAGES, CLEAN))
    await upstream.until(1)
    assert [r.body for r in upstream.received] == [CLEAN]


async def test_half_a_body_is_not_forwarded(running: Running, upstream: ScriptedUpstream) -> None:
    """A worker that dies in the middle of its body causes no request."""
    async with running.worker() as worker:
        await worker.send(request("POST", MESSAGES, CLEAN)[:-5])
    await asyncio.sleep(0.1)
    assert upstream.received == []
    assert (await running.ask(request())).status == 200


async def test_concurrency_limit(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Over limits.concurrency a request is refused at once, and the next one is served again."""
    running = await start(upstream.url, limits={"concurrency": 1}, timeouts={"control": 0.5})
    upstream.script.append(silent())
    first = asyncio.create_task(running.ask(request()))
    await upstream.until(1)
    assert (await running.ask(request())).status == 503
    assert (await first).status == 504
    assert (await running.ask(request())).status == 200
