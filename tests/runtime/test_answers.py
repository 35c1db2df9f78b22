"""What the worker gets where Zep does not answer, and what it gets of Zep's answers."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from sidecar.runtime import clock
from tests.conftest import Running, StartSidecar
from tests.runtime.support import (
    APPEND,
    CODED,
    CONTEXT,
    EMPTY,
    FAILED,
    GOOD,
    KNOWN,
    READING_APPEND,
    STRIPPED_APPEND,
    Clocks,
    Gate,
    admin,
    answer,
    is_held,
    read,
    told,
    trip,
    until,
    write,
)
from tests.test_zep_mode import zep_mode
from tests.wire import Message, Script, ScriptedUpstream, request, silent, then_close

SEARCH = "/api/v2/graph/search"
FORBIDDEN = ("retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "set-cookie", "x-of-zep")
NOISE = ("Retry-After: 30", "X-RateLimit-Reset: 9999999999", "Set-Cookie: a=b", "X-Of-Zep: 1")


def names(message: Message) -> list[str]:
    """Return the names of the header fields, sorted."""
    return sorted(name.decode().lower() for name, _ in message.headers)


OWN = sorted(
    "content-type content-length server date x-zep-sidecar-mode x-zep-sidecar-outcome "
    "x-zep-sidecar-reason".split()
)


# --- failures are answered softly -----------------------------------------------------------------


async def test_case_47_headers(running: Running, upstream: ScriptedUpstream) -> None:
    """An answer of our own has these fields and no others; none makes an SDK wait or retry."""
    upstream.script += [answer(503, b"{}", *NOISE)] * 3
    for n in range(4):
        got = await running.ask(read())
        assert (got.status, got.body) == (200, EMPTY)
        assert names(got) == OWN
        assert got.values("content-type") == ["application/json"]
        assert got.values("server") == ["zep-sidecar"]
        reason = "http_5xx" if n < 3 else "consecutive_failures"
        assert told(got)[3] == reason
        assert got.start == b"HTTP/1.1 200 OK"


async def test_case_48_one_attempt_and_no_delay(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """A 500 costs the worker no more time than Zep took for it, and nothing is repeated."""
    await running.ask(read())
    upstream.script.append(FAILED)
    since = clock.mono()
    got = await running.ask(read())
    assert clock.mono() - since < 0.5  # 0.05 on a machine with nothing else to do
    assert (told(got), got.body) == ((200, "2", "empty", "http_5xx"), EMPTY)
    assert len(upstream.received) == 2


@pytest.mark.parametrize(
    ("lines", "calm"),
    [
        (("Retry-After: 30",), 30),
        (("Retry-After: 9999",), 60),
        (("Retry-After: soon",), 1),
        ((), 1),
        (("X-RateLimit-Reset: {in_20}",), 20),
    ],
)
async def test_case_49_the_calm_after_a_429(
    clocks: Clocks,
    running: Running,
    upstream: ScriptedUpstream,
    lines: Sequence[str],
    calm: float,
) -> None:
    """Reads of that credential stay here for as long as Zep asks; the mode stays, and writes go."""
    in_20 = int(clock.wall().timestamp()) + 20
    asked = [line.format(in_20=in_20) for line in lines]
    upstream.script.append(answer(429, b"{}", *asked))
    for _ in range(6):
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "empty", "rate_limited"), EMPTY)
        assert names(got) == OWN
    assert len(upstream.received) == 1
    assert (running.status["gauge"], running.status["guard"]["streak"]) == (2, 0)
    upstream.always = GOOD
    assert told(await running.ask(read("two"))) == (200, "2", "live", "")
    assert told(await running.ask(write())) == (200, "2", "live", "")
    if calm > 1:
        clocks.after(calm - 2)
        assert told(await running.ask(read()))[3] == "rate_limited"
    clocks.after(2)
    assert told(await running.ask(read())) == (200, "2", "live", "")
    assert await running.metric("memory_mode_gauge") == 2


async def test_a_429_of_a_write_is_the_workers(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """With everything that Zep said; reads are not held back by it."""
    upstream.script += [answer(429, b"slow", "Retry-After: 30"), GOOD]
    got = await running.ask(write())
    assert (told(got), got.body) == ((429, "2", "live", ""), b"slow")
    assert got.values("retry-after") == ["30"]
    assert told(await running.ask(read())) == (200, "2", "live", "")


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_case_50_without_fail_soft(
    start: StartSidecar, upstream: ScriptedUpstream, status: int
) -> None:
    """`reads.fail_soft: false`: Zep's error as it is, which counts all the same."""
    running = await start(upstream.url, reads={"fail_soft": False})
    upstream.script.append(answer(status, b"sorry", *NOISE))
    got = await running.ask(read())
    assert (told(got), got.body) == ((status, "2", "live", ""), b"sorry")
    assert (got.values("retry-after"), got.values("x-of-zep")) == (["30"], ["1"])
    assert running.status["guard"]["streak"] == (0 if status == 429 else 1)


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        (silent(), 504, "timeout"),
        (then_close(b""), 502, "reset"),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), 502, "reset"),
        (b"HTTP/1.1 nonsense\r\n\r\n", 502, "bad_response"),
    ],
)
async def test_without_fail_soft_and_without_an_answer(
    start: StartSidecar, upstream: ScriptedUpstream, script: Script, status: int, reason: str
) -> None:
    """Then a gateway error of ours, with both SDK shapes."""
    running = await start(upstream.url, reads={"fail_soft": False}, timeouts={"read": 0.6})
    upstream.script.append(script)
    got = await running.ask(read())
    assert told(got) == (status, "2", "live", reason)
    error = json.loads(got.body)
    assert (error["error"]["code"], error["error"]["message"]) == (
        f"upstream_{reason}",
        error["message"],
    )
    assert got.values("retry-after") == []
    assert running.status["guard"]["streak"] == 1


async def test_without_fail_soft_holds_are_still_soft(
    start: StartSidecar, upstream: ScriptedUpstream
) -> None:
    """In write_only no read raises, whatever `fail_soft` says."""
    running = await start(upstream.url, reads={"fail_soft": False})
    upstream.script += [FAILED] * 3
    assert [(await running.ask(read())).status for _ in range(3)] == [500] * 3
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "consecutive_failures"), EMPTY)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 307])
async def test_other_answers_to_a_read_are_passed_on(
    running: Running, upstream: ScriptedUpstream, status: int
) -> None:
    """The developer must see them; only what an SDK would retry is not shown."""
    upstream.script.append(answer(status, b'{"message":"x"}', "X-Of-Zep: 1"))
    got = await running.ask(read())
    assert (told(got), got.body) == ((status, "2", "live", ""), b'{"message":"x"}')
    assert got.values("x-of-zep") == ["1"]


async def test_204_to_a_read(running: Running, upstream: ScriptedUpstream) -> None:
    """Zep has nothing, in a form that no SDK takes: the worker gets it in one that all take."""
    upstream.script += [FAILED, b"HTTP/1.1 204 No Content\r\n\r\n"]
    await running.ask(read())
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "2", "live", ""), EMPTY)
    assert running.status["guard"]["streak"] == 0


# --- faults of our own, and of the worker ---------------------------------------------------------


async def test_overload(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Over limits.concurrency a read finds nothing; with a body, on a connection that lives on."""
    running = await start(upstream.url, limits={"concurrency": 1})
    gate = Gate()
    upstream.script.append(gate)
    first = asyncio.create_task(running.ask(read()))
    await upstream.until(1)
    async with running.worker() as worker:
        for _ in range(2):
            await worker.send(request("POST", SEARCH, b'{"query":"' + b"x" * 100_000 + b'"}'))
            got = await worker.answer()
            assert told(got) == (200, "2", "empty", "overloaded")
            assert json.loads(got.body)["context"] == ""
        await worker.send(write())
        refused = await worker.answer()
        assert told(refused) == (503, "2", "blocked", "overloaded")
        assert refused.values("retry-after") == []
    gate.open()
    assert told(await first) == (200, "2", "live", "")
    assert await running.metric("zep_sidecar_short_circuits_total", reason="overloaded") == 2
    assert running.status["guard"]["streak"] == 0


async def test_a_fault_of_our_own(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read finds nothing, a write is told; nothing of it counts against Zep."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ayse@example.com")

    monkeypatch.setattr("sidecar.runtime.inbound.inspect", broken)
    got = await running.ask(request("POST", SEARCH, b'{"query":"x"}'))
    assert told(got) == (200, "2", "empty", "internal")
    assert got.values("connection") == ["close"]
    assert told(await running.ask(write())) == (500, "2", "blocked", "internal")
    assert upstream.received == []
    assert running.status["guard"]["streak"] == 0


async def test_a_fault_of_our_own_in_a_probe(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing about Zep: the next read may try, a second later."""
    await trip(running, upstream)
    clocks.after(331)

    def broken(*_: object) -> None:
        raise RuntimeError("ayse@example.com")

    upstream.always = CODED
    with monkeypatch.context() as patch:
        patch.setattr("zlib.decompressobj", broken)
        got = await running.ask(read())
    assert (told(got), got.body) == ((200, "1", "empty", "internal"), EMPTY)
    assert (is_held(running), running.status["guard"]["level"]) == (True, 0)
    assert running.status["guard"]["remaining"] <= 1
    assert await running.metric("zep_sidecar_probes_total", result="neutral") == 1
    clocks.after(1.5)
    assert told(await running.ask(read())) == (200, "1", "live", "")


async def test_a_body_that_does_not_end(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No SDK may repeat such a search at once: it finds nothing, and the connection ends."""
    monkeypatch.setattr("sidecar.runtime.inbound.BODY_SILENCE", 0.1)
    async with running.worker() as worker:
        await worker.send(request("POST", SEARCH, b'{"query":"x"}')[:-3])
        got = await worker.answer()
        assert told(got) == (200, "2", "empty", "body_timeout")
        assert got.values("connection") == ["close"]
    async with running.worker() as worker:
        await worker.send(write()[:-3])
        assert told(await worker.answer()) == (408, "2", "blocked", "body_timeout")
    assert upstream.received == []


async def test_a_search_that_cannot_be_inspected(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """Is the worker's mistake, which it must see; Zep is not asked, nothing counts."""
    got = await running.ask(request("POST", SEARCH, b"not json", "Authorization: k"))
    assert told(got)[:3] == (400, "2", "blocked")
    assert (upstream.received, running.status["guard"]["streak"]) == ([], 0)


async def test_such_a_search_as_the_probe(
    clocks: Clocks, running: Running, upstream: ScriptedUpstream
) -> None:
    """Uses up no probe: the next read is one, a second later."""
    await trip(running, upstream)
    clocks.after(331)
    got = await running.ask(request("POST", SEARCH, b"not json", "Authorization: Api-Key one"))
    assert told(got)[0] == 400
    assert (is_held(running), running.status["guard"]["level"]) == (True, 0)
    clocks.after(1.5)
    upstream.always = GOOD
    assert told(await running.ask(read())) == (200, "1", "live", "")


# --- Zep's own answers to reads -------------------------------------------------------------------


async def test_a_live_answer(running: Running, upstream: ScriptedUpstream) -> None:
    """Its fields and its bytes are Zep's; the framing, and what was done, are ours."""
    body = b' {"context" : "x", "facts":[1e2] }\n'
    chunked = b"5\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\nX-T: 1\r\n\r\n" % (
        body[:5],
        len(body) - 5,
        body[5:],
    )
    upstream.script.append(
        b"HTTP/1.1 203 Fine\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\nX-B: 1\r\nx-b: 2\r\n"
        b"Connection: X-Private\r\nX-Private: 1\r\nDate: then\r\n\r\n" + chunked
    )
    got = await running.ask(read())
    assert (got.start, got.body) == (b"HTTP/1.1 203 Fine", body)
    assert got.headers == [
        (b"X-B", b"1"),
        (b"x-b", b"2"),
        (b"Date", b"then"),
        (b"X-Zep-Sidecar-Mode", b"2"),
        (b"X-Zep-Sidecar-Outcome", b"live"),
        (b"Cache-Status", b"zep-sidecar; fwd=bypass"),
        (b"Content-Length", b"%d" % len(body)),
    ]


async def test_answers_in_gzip(running: Running, upstream: ScriptedUpstream) -> None:
    """Are judged by what is in them, and passed on as they are."""
    packed, bad = gzip.compress(KNOWN), gzip.compress(b"<html>")
    line = "Content-Encoding: gzip"
    upstream.script += [answer(200, packed, line), answer(200, bad, line), answer(200, KNOWN, line)]
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "2", "live", ""), packed)
    assert got.values("content-encoding") == ["gzip"]
    for _ in range(2):
        got = await running.ask(read())
        assert (told(got), got.body) == ((200, "2", "empty", "bad_body"), EMPTY)
        assert got.values("content-encoding") == []
    assert running.status["guard"]["streak"] == 2


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip, deflate, br, zstd", "gzip, deflate"),
        ("br;q=1.0, gzip;q=0.5, *;q=0", "gzip;q=0.5"),
        ("br", "identity"),
        ("*", "identity"),
        ("", "identity"),
    ],
)
async def test_only_codings_that_can_be_undone_are_asked_for(
    running: Running, upstream: ScriptedUpstream, accepted: str, sent: str
) -> None:
    """Where the answer is to be read, that is; other requests keep what they accept."""
    line = f"Accept-Encoding: {accepted}"
    await running.ask(read("one", CONTEXT, line))
    await running.ask(request("GET", "/api/v2/users/u1", None, line))
    assert upstream.received[0].values("accept-encoding") == [sent]
    assert upstream.received[1].values("accept-encoding") == [accepted]


async def test_head(running: Running, upstream: ScriptedUpstream) -> None:
    """HEAD of a read, and a 304: no body to judge, and no false length; failures are soft."""
    upstream.script += [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ]
    async with running.worker() as worker:
        for outcome, reason in (("live", ""), ("empty", "http_5xx"), ("live", "")):
            await worker.send(request("HEAD", CONTEXT))
            got = await worker.answer(head_only=True)
            assert told(got) == (200, "2", outcome, reason)
            assert got.values("content-length") != ["0"]
        upstream.script += [b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", GOOD]
        await worker.send(read("one", CONTEXT, "If-None-Match: x"))
        got = await worker.answer()
        assert (told(got), got.values("content-length")) == ((304, "2", "live", ""), [])
        await worker.send(read())
        assert (await worker.answer()).body == KNOWN


async def test_pipelined_reads(running: Running, upstream: ScriptedUpstream) -> None:
    """Each gets its own answer, in order."""
    bodies = [b'{"context":"%d"}' % n for n in range(5)]
    upstream.script += [answer(200, body) for body in bodies[:3]]
    upstream.script += [FAILED, answer(200, bodies[4])]
    async with running.worker() as worker:
        await worker.send(read() * 5)
        got = [await worker.answer() for _ in range(5)]
    assert [message.body for message in got] == [*bodies[:3], EMPTY, bodies[4]]


async def test_an_answer_without_end(
    running: Running, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than can be kept in memory is a failure, not an exhausted pod."""
    monkeypatch.setattr("sidecar.runtime.attempts.MOST_WHOLE", 1_000_000)
    body = b'{"context":"' + b"x" * 1_000_000 + b'"}'
    upstream.script += [answer(200, body), answer(200, body[:900_000] + b'"}')]
    got = await running.ask(read())
    assert (told(got), got.body) == ((200, "2", "empty", "bad_body"), EMPTY)
    got = await running.ask(read())
    assert (told(got)[2], len(got.body)) == ("live", 900_002)


async def test_a_redirect_does_not_lead_a_search_away(
    running: Running, upstream: ScriptedUpstream
) -> None:
    """The SDK would repeat it there unredacted; a read without a body may be led anywhere."""
    away = answer(307, b"", "Location: https://elsewhere.example/x")
    upstream.script += [away, away]
    got = await running.ask(request("POST", SEARCH, b'{"query":"x"}'))
    assert told(got) == (421, "2", "blocked", "redirect_refused")
    got = await running.ask(read())
    assert (got.status, got.values("location")) == (307, ["https://elsewhere.example/x"])


# --- writes that also read ------------------------------------------------------------------------


@pytest.fixture
async def forced(start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path) -> Running:
    """A sidecar that has been forced to write_only, with the admin socket `admin.sock`."""
    path = str(tmp_path / "admin.sock")
    running = await start(upstream.url, listen={"admin": path})
    await admin(path, "POST", "/force", {"reason": "drill"})
    return running


async def test_stripped_in_gzip(forced: Running, upstream: ScriptedUpstream) -> None:
    """Body and answer are worked on beneath their codings, and leave without."""
    coded = "Content-Encoding: gzip"
    upstream.script.append(answer(200, gzip.compress(b'{"context": null}'), coded, "ETag: x"))
    data = request(
        "POST",
        "/api/v2/threads/t1/messages",
        gzip.compress(READING_APPEND),
        coded,
        "Accept-Encoding: br, gzip",
    )
    got = await forced.ask(data)
    assert (told(got), got.body) == ((200, "1", "live", ""), b'{"context": ""}')
    assert (got.values("content-encoding"), got.values("etag")) == ([], ["x"])
    [received] = upstream.received
    assert (received.body, received.values("content-encoding")) == (STRIPPED_APPEND, [])
    assert received.values("accept-encoding") == ["gzip"]


async def test_stripped_and_redacted(forced: Running, upstream: ScriptedUpstream) -> None:
    """Both happen to one body, however the member is written."""
    body = b'{"Return\\u005fContext":true,"messages":[{"role":"user","content":"a@example.com"}]}'
    await forced.ask(write(body=body))
    assert upstream.received[0].body == (
        b'{"Return\\u005fContext":false,"messages":[{"role":"user","content":"[EMAIL]"}]}'
    )


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        (answer(400, b'{"message":"x"}'), 400, b'{"message":"x"}'),
        (answer(500, b'{"context":null}'), 500, b'{"context":null}'),
        (answer(200, b"[]"), 200, b"[]"),
        (answer(200, b"nonsense"), 200, b"nonsense"),
        (answer(200, b"{ }"), 200, b'{"context":"" }'),
        (answer(200, b'{"context":"given"}'), 200, b'{"context":"given"}'),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    ],
)
async def test_answers_to_what_was_stripped(
    forced: Running, upstream: ScriptedUpstream, script: bytes, status: int, body: bytes
) -> None:
    """Only a good one gets a context; the rest is Zep's word."""
    upstream.script.append(script)
    got = await forced.ask(write(body=READING_APPEND))
    assert (told(got), got.body) == ((status, "1", "live", ""), body)


async def test_cut_off_answers_to_what_was_stripped(
    forced: Running, upstream: ScriptedUpstream
) -> None:
    """Zep has the write, but nobody knows what it said."""
    upstream.script.append(then_close(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"context'))
    got = await forced.ask(write("k", READING_APPEND))
    assert told(got) == (502, "1", "live", "reset")
    assert len(upstream.received) == 1


async def test_a_key_never_comes_with_two_bodies(
    forced: Running, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """What an SDK repeats is stripped, or not, as it was the first time."""
    path = str(tmp_path / "admin.sock")
    upstream.script.append(FAILED)
    await forced.ask(write("early", READING_APPEND))
    await admin(path, "POST", "/clear")
    upstream.script += [answer(200, b"{}"), FAILED]
    got = await forced.ask(write("early", READING_APPEND))
    assert (told(got), got.body) == ((200, "2", "live", ""), EMPTY)
    await forced.ask(write("late", READING_APPEND))
    await admin(path, "POST", "/force", {"reason": "drill"})
    upstream.script += [GOOD, GOOD, answer(200, b"{}")]
    got = await forced.ask(write("late", READING_APPEND))
    assert (told(got), got.body) == ((200, "1", "live", ""), KNOWN)
    await forced.ask(write("late", READING_APPEND, credential="two"))
    await forced.ask(write("", READING_APPEND))
    assert [message.body for message in upstream.received] == [
        STRIPPED_APPEND,
        STRIPPED_APPEND,
        READING_APPEND,
        READING_APPEND,
        STRIPPED_APPEND,
        STRIPPED_APPEND,
    ]


async def test_reads_do_not_crowd_out_the_keys_of_writes(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """zep-cloud 4.x sends an Idempotency-Key with searches and with plain appends, too."""
    monkeypatch.setattr("sidecar.core.return_context.StripMemory.MOST", 4)
    path = str(tmp_path / "admin.sock")
    running = await start(upstream.url, listen={"admin": path})
    await admin(path, "POST", "/force", {"reason": "drill"})
    await running.ask(write("early", READING_APPEND))
    await admin(path, "POST", "/clear")
    for n in range(6):
        await running.ask(request("POST", SEARCH, b"{}", f"Idempotency-Key: search-{n}"))
        await running.ask(write(f"plain-{n}", APPEND))
    await running.ask(write("early", READING_APPEND))
    assert upstream.received[-1].body == STRIPPED_APPEND


# --- case 51: what an operator says ---------------------------------------------------------------


@pytest.mark.parametrize(
    "reason",
    ["x\r\nX-Evil: 1", 'a"b', "a'b", "Upper", "", "x" * 33, "a b", "ünlü", "x\n", "\x00x"],
)
async def test_case_51_reasons_cannot_inject(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path, reason: str
) -> None:
    """What could end a header field or a log line is refused, by whichever way it comes."""
    path = str(tmp_path / "admin.sock")
    running = await start(upstream.url, listen={"admin": path})
    reader, writer = await asyncio.open_unix_connection(path)
    body = json.dumps({"reason": reason}).encode()
    writer.write(b"POST /force HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    writer.write(body)
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()
    assert (running.status["forced"], running.status["gauge"]) == (None, 2)


async def test_case_51_by_the_command(
    start: StartSidecar, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """It exits with 2, and a good reason never appears in an answer as more than `forced`."""
    path = str(tmp_path / "admin.sock")
    running = await start(upstream.url, listen={"admin": path})
    code, _, error = await zep_mode("--force", 'x\r\nX-Evil: "1"', "--socket", path)
    assert (code, "1 to 32" in error) == (2, True)
    assert running.status["forced"] is None
    code, out, _ = await zep_mode("--force", "inc-4_2", "--ttl", "60", "--socket", path)
    assert (code, out.startswith("done: forced\n")) == (0, True)
    await until(lambda: running.status["gauge"] == 1)
    got = await running.ask(read())
    assert (told(got), names(got)) == ((200, "1", "empty", "forced"), OWN)
