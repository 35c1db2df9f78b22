"""The stand-in records what arrives and misbehaves as told, on real sockets."""

import asyncio
import ssl
import time
from io import BytesIO
from typing import Any

import pytest
import trustme
from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)

from sidecar.standin import Fault, StandIn
from tests.runtime.support import until

from .conftest import Client

USERS = "/api/v2/users-ordered"
BODY_OF_USERS = b'{"users":[],"row_count":0,"response_count":0,"total_count":0}'


async def test_requests_are_recorded_as_they_arrive(zep: StandIn, call: Client) -> None:
    """The target, the headers and the body are the bytes of the wire; chunk framing is gone."""

    async def pieces() -> Any:
        for piece in (b"\x1f\x8b", b"not gzip"):
            yield piece

    headers = {"x-MiXed": "1", "Content-Encoding": "gzip"}
    async with call.session.post("/api/v2/graph?a=b%20c&d", data=pieces(), headers=headers):
        pass
    request = zep.received[0]
    assert (request.method, request.target) == ("POST", "/api/v2/graph?a=b%20c&d")
    assert (b"x-MiXed", b"1") in request.headers
    assert request.body == b"\x1f\x8bnot gzip"


async def test_large_bodies_and_headers_are_accepted(zep: StandIn, call: Client) -> None:
    """Ten MiB of body and 64 KiB of header are no problem."""
    headers = {"X-Large": "x" * 65_536}
    body = b"x" * 10 * 1024 * 1024
    async with call.session.post("/api/v2/graph", data=BytesIO(body), headers=headers) as response:
        assert response.status == 202
    assert len(zep.received[0].body) == len(body)


async def test_tls_works(zep: StandIn) -> None:
    """With a context for TLS the origin is https."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    secure = StandIn()
    await secure.start(ssl_context=context)
    connector = TCPConnector(ssl=trusting)
    async with ClientSession(secure.url, connector=connector) as session:
        secure.fail(Fault("reset"), times=1)
        with pytest.raises(ClientConnectionError):
            await session.post("/healthz")
        async with session.get("/healthz") as response:
            assert await response.text() == "."
    assert secure.url.startswith("https://127.0.0.1:")
    await secure.stop()


async def test_status_faults_are_counted_and_healed(zep: StandIn, call: Client) -> None:
    """A counted fault ends by itself, a standing one with heal(); other paths are served."""
    zep.fail(Fault("status", status=500), times=2, path="users")
    zep.fail(Fault("status", status=429, headers=(("Retry-After", "1"),)), path="users")
    assert [(await call("GET", USERS))[0] for _ in range(4)] == [500, 500, 429, 429]
    assert (await call("GET", "/api/v2/threads"))[0] == 200
    zep.heal()
    assert (await call("GET", USERS))[0] == 200
    assert len(zep.received) == 6


async def test_the_newest_standing_fault_wins(zep: StandIn, call: Client) -> None:
    """A later standing fault covers an earlier one."""
    zep.fail(Fault("status", status=500))
    zep.fail(Fault("status", status=401, body=b'"unauthorized"'))
    assert await call("GET", USERS) == (401, "unauthorized")


async def test_delay_serves_later(zep: StandIn, call: Client) -> None:
    """The answer is the normal one, after the delay."""
    zep.fail(Fault("delay", seconds=0.1), times=1)
    start = time.perf_counter()
    assert (await call("GET", USERS))[0] == 200
    assert time.perf_counter() - start >= 0.1


async def test_hang_ends_with_the_client(zep: StandIn, call: Client) -> None:
    """No answer comes; the next request is served."""
    zep.fail(Fault("hang"), times=1)
    with pytest.raises(TimeoutError):
        await call.session.get(USERS, timeout=ClientTimeout(total=0.1))
    assert (await call("GET", USERS))[0] == 200


async def test_stop_is_quick_while_requests_hang(zep: StandIn) -> None:
    """Hanging and delayed requests end when the stand-in stops."""
    zep.fail(Fault("hang"), path="a")
    zep.fail(Fault("delay", seconds=60), path="b")
    async with ClientSession(zep.url) as session:
        waiting = [asyncio.create_task(session.get(path)) for path in ("/a", "/b")]
        await until(lambda: len(zep.received) == 2)
        start = time.perf_counter()
        await zep.stop()
        assert time.perf_counter() - start < 10
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, ClientError)


@pytest.mark.parametrize(
    ("fault", "error", "reset"),
    [
        (Fault("reset"), ClientConnectionError, True),
        (Fault("reset", after=5), ClientPayloadError, True),
        (Fault("truncate"), ClientPayloadError, False),
        (Fault("truncate", after=5), ClientPayloadError, False),
    ],
)
async def test_broken_answers(
    zep: StandIn, call: Client, fault: Fault, error: type[Exception], *, reset: bool
) -> None:
    """A reset breaks the connection, a truncated body ends before its announced length."""
    zep.fail(fault, times=1)
    with pytest.raises(error):
        await call("POST", USERS)  # The client would repeat a GET.
    zep.fail(fault, times=1)
    host, port = zep.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {USERS} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    data = b""
    broken = False
    try:
        while piece := await reader.read(1):
            data += piece
    except ConnectionResetError:
        broken = True
    assert broken is reset
    if fault.kind == "truncate":
        assert b"Content-Length: %d\r\n" % len(BODY_OF_USERS) in data
    assert data.partition(b"\r\n\r\n")[2] == (BODY_OF_USERS[: fault.after] if data else b"")
    writer.close()


async def test_close_hangs_up_after_some_requests(zep: StandIn, call: Client) -> None:
    """The connection ends unannounced after its second answer; a new one is served."""
    zep.fail(Fault("close", after=2))
    statuses = []
    for _ in range(4):
        async with call.session.get(USERS) as response:
            statuses.append(response.status)
            assert "Connection" not in response.headers
            await response.read()
        await asyncio.sleep(0.01)
    assert statuses == [200] * 4


async def test_a_fault_may_bring_its_own_body(zep: StandIn, call: Client) -> None:
    """The body of a truncated answer can be given."""
    zep.fail(Fault("truncate", after=3, body=b"abcdef"), times=1)
    async with call.session.get(USERS) as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
        assert response.headers["Content-Length"] == "6"


async def test_scripted_answers_go_before_the_api(zep: StandIn, call: Client) -> None:
    """A scripted path answers the given bytes until reset()."""
    zep.answer("GET", USERS, 203, [("Content-Type", "text/plain")], b"scripted")
    async with call.session.get(f"{USERS}?pageNumber=1") as response:
        assert (response.status, await response.text()) == (203, "scripted")
    zep.reset()
    assert not zep.received
    assert (await call("GET", USERS))[0] == 200


async def test_reset_forgets_data_and_faults(zep: StandIn, call: Client) -> None:
    """After reset() the stand-in is as new."""
    await call("POST", "/api/v2/users", {"user_id": "u"})
    zep.fail(Fault("status"))
    zep.reset()
    assert (await call("GET", "/api/v2/users/u"))[0] == 404


async def test_control_by_http_is_not_recorded(zep: StandIn, call: Client) -> None:
    """Faults, healing, forgetting and the record can be used by hand."""
    fault = {"kind": "status", "status": 500, "body": "[]", "headers": {"A": "b"}, "path": "users"}
    assert (await call("POST", "/_standin/fault", fault))[0] == 200
    assert await call("GET", USERS) == (500, [])
    _, requests = await call("GET", "/_standin/requests")
    assert [(request["method"], request["target"]) for request in requests] == [("GET", USERS)]
    assert (await call("POST", "/_standin/heal"))[0] == 200
    assert (await call("GET", USERS))[0] == 200
    assert (await call("POST", "/_standin/reset"))[0] == 200
    assert await call("GET", "/_standin/requests") == (200, [])
    assert (await call("GET", "/_standin/nothing"))[0] == 404
    assert (await call("POST", "/_standin/fault", {"kind": "quake"}))[0] == 400
    assert not zep.received


async def test_unknown_paths_are_not_found(call: Client) -> None:
    """A path of no API version answers 404; a prefix before the version is accepted."""
    assert (await call("GET", "/users"))[0] == 404
    assert (await call("GET", f"/prefix{USERS}"))[0] == 200


async def test_head_answers_like_get_without_a_body(call: Client) -> None:
    """HEAD has the length of the answer to GET."""
    async with call.session.head(USERS) as response:
        assert response.headers["Content-Length"] == str(len(BODY_OF_USERS))
        assert await response.read() == b""


async def test_stop_without_start_is_harmless() -> None:
    """Stopping what never ran does nothing."""
    await StandIn().stop()
