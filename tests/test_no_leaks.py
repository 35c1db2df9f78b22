"""What is planted anywhere in a request turns up nowhere but at Zep.

A real process, logging at debug and sending spans, gets requests with something planted in each
part, while Zep behaves in several ways; so do the override file and the admin socket. Then every
log line, metric, exemplar, span, status, error and file that came of it is searched.
"""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.atomic_writer import AtomicWriter
from tests.collector import Collector
from tests.process import Process
from tests.runtime.support import answer
from tests.test_app import ask, ops
from tests.test_zep_mode import zep_mode
from tests.wire import Message, Script, ScriptedUpstream, request, then_close

MARK = b"planted"
MAIL = "planted.ayse@example.com"
CONTEXT = "/api/v2/threads/t1/context"
MESSAGES = "/api/v2/threads/t1/messages"
SEARCH = "/api/v2/graph/search"
KEY = "Authorization: Api-Key planted-key"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"


def append(content: str = MAIL) -> bytes:
    """Return the body of an append."""
    return json.dumps({"messages": [{"role": "user", "content": content}]}).encode()


# Everything has a credential but where another field is looked at.
PLACES: dict[str, bytes] = {
    "path": request("GET", f"/api/v2/threads/{MAIL}/context", None, KEY),
    "path, encoded": request("GET", "/api/v2/threads/%70lanted/context", None, KEY),
    "path of a write": request("POST", f"/api/v2/threads/{MAIL}/messages", append(), KEY),
    "path of an erasure": request("DELETE", f"/api/v2/users/{MAIL}", None, KEY),
    "path that is unknown": request("GET", "/api/v4/planted/planted", None, KEY),
    "path without a prefix": request("GET", "/planted", None, KEY),
    "target of another host": request("GET", "http://planted/api/v2/users/planted", None, KEY),
    "query": request("GET", f"{CONTEXT}?planted={MAIL}&mode=planted", None, KEY),
    "query of a search": request("GET", f"/api/v2/users/x?search={MAIL}", None, KEY),
    "method": b"PLANTED /api/v2/users/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "method that exists": request("PURGE", "/api/v2/users/planted", None, KEY),
    "version": b"GET /api/v2/users/x PLANTED/1.1\r\nHost: x\r\n\r\n",
    "no HTTP": b"planted\r\n\r\n",
    "header name": request("GET", CONTEXT, None, KEY, "X-Planted-Name: 1"),
    "header without a name": request("GET", CONTEXT, None, KEY, "Planted header"),
    "credential": request("GET", CONTEXT, None, "Authorization: Bearer planted.jwt"),
    "cookie": request("GET", CONTEXT, None, KEY, "Cookie: a=planted", "User-Agent: planted"),
    "host": b"GET /api/v2/users/x HTTP/1.1\r\nHost: planted.example.com\r\n\r\n",
    "idempotency key": request("POST", MESSAGES, append(), KEY, "Idempotency-Key: planted"),
    "connection": request("GET", CONTEXT, None, KEY, "Connection: planted", "Upgrade: planted"),
    "expectation": request("GET", CONTEXT, None, KEY, "Expect: planted"),
    "transfer coding": request("POST", MESSAGES, None, KEY, "Transfer-Encoding: planted"),
    "length": request("POST", MESSAGES, None, KEY, "Content-Length: planted"),
    "accepted coding": request("GET", CONTEXT, None, KEY, "Accept-Encoding: planted"),
    "content coding": request("POST", MESSAGES, append(), KEY, "Content-Encoding: planted"),
    "content type": request("POST", MESSAGES, b"planted", KEY, content_type="image/planted"),
    "charset": request("POST", MESSAGES, append(), KEY, content_type="text/a; charset=planted"),
    "traceparent": request("GET", CONTEXT, None, KEY, "traceparent: 00-planted-planted-01"),
    "traceparent, nearly": request("GET", CONTEXT, None, KEY, SAMPLED + "-planted"),
    "tracestate": request("GET", CONTEXT, None, KEY, SAMPLED, "tracestate: planted=planted"),
    "baggage": request("POST", MESSAGES, append(), KEY, SAMPLED, "baggage: user=planted"),
    "body": request("POST", MESSAGES, append(), KEY),
    "body key": request("POST", MESSAGES, json.dumps({MAIL: {"planted": 1}}).encode(), KEY),
    "body of a read": request("POST", SEARCH, json.dumps({"query": MAIL}).encode(), KEY),
    "body, broken": request("POST", MESSAGES, b'{"planted": planted', KEY),
    "body of a read, broken": request("POST", SEARCH, b'{"query": "planted', KEY),
    "body, not UTF-8": request("POST", MESSAGES, b'{"planted": "\xff"}', KEY),
    "body, too deep": request("POST", MESSAGES, b'{"planted":' * 5000, KEY),
    "body, zipped": request(
        "POST", MESSAGES, gzip.compress(append()), KEY, "Content-Encoding: gzip"
    ),
    "body, badly zipped": request("POST", MESSAGES, append(), KEY, "Content-Encoding: gzip"),
    "body, too large": request("POST", MESSAGES, b'"' + b"planted" * 1000 + b'"', KEY),
    "body of a thread's length": request("POST", MESSAGES, append("planted " * 700), KEY),
}
HEAD = ("X-Planted: planted", "Set-Cookie: planted=planted", "Content-Type: application/json")
# How Zep behaves meanwhile.
ZEP: dict[str, Script] = {
    "answers": answer(200, b'{"context":"planted"}', *HEAD),
    "knows nothing": answer(404, b'{"message":"planted"}', *HEAD),
    "fails": answer(500, b"planted", *HEAD),
    "breaks off": then_close(b"HTTP/1.1 200 planted\r\nContent-Length: 99\r\n\r\nplanted"),
    "talks nonsense": then_close(b"HTTP/1.1 planted\r\n\r\n"),
    "leads away": answer(307, b"", "Location: http://planted.example.com/planted"),
    "asks for patience": answer(429, b"planted", "Retry-After: planted"),
    "refuses the key": answer(401, b'{"message":"planted"}', *HEAD),
}
ADMIN = [
    ("POST", "/force", b'{"reason": "Planted Ayse"}'),
    ("POST", "/force", b'{"planted": "planted"}'),
    ("POST", "/force", b'{"reason": "ok", "mode": "planted"}'),
    ("POST", "/force", b'{"reason": "ok", "ttl": "planted"}'),
    ("POST", "/force", b"planted"),
    ("POST", "/invalidate", b'{"id": "planted"}'),
    ("POST", "/invalidate", b'{"id": "planted", "id": "planted"}'),
    ("POST", "/clear", b'{"planted": 1}'),
    ("POST", "/planted", b""),
    ("GET", "/status?planted", b""),
]
OVERRIDES = [
    b"planted: planted\n",
    b"mode: planted\n",
    b"mode: off\nmatch: planted\n",
    b"mode: [planted\n",
    b"mode: off\nexpires_at: planted\n",
    b"\xffplanted",
    b"mode: write_only\npercent: 0\nsalt: planted\nreason: planted\n",
]


async def sent(port: int, data: bytes) -> Message | None:
    """Return the answer to one request, or None where the connection just ends."""
    try:
        return await ask(port, data)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def asked(path: Path, method: str, target: str, body: bytes) -> bytes:
    """Return all that the admin socket says."""
    reader, writer = await asyncio.open_unix_connection(path)
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(10):
        found = await reader.read()
    writer.close()
    return found


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what the sidecar has written: everything but what it was given."""
    for path in folder.rglob("*"):
        if path.is_file() and "override" not in path.parts and path.name != "config.yaml":
            yield f"file {path.name}", path.read_bytes()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("traced", [True, False], ids=["traced", "untraced"])
async def test_nothing_leaks(tmp_path: Path, upstream: ScriptedUpstream, traced: bool) -> None:
    """Under every kind of success, refusal and failure, for every part of a request."""
    volume, socket = AtomicWriter(tmp_path / "override"), tmp_path / "admin.sock"
    seen: list[tuple[str, bytes]] = []
    async with Collector() as collector:
        process = await Process.start(
            tmp_path,
            upstream.url,
            environ=collector.environ if traced else {},
            listen={"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": str(socket)},
            override={"path": str(tmp_path / "override/override.yaml"), "poll_interval": 0.1},
            guard={"state_file": str(tmp_path / "state.json")},
            limits={"body_bytes": 6000},
            log={"level": "debug"},
        )
        reading = asyncio.create_task(process.rest())
        for behaviour, script in ZEP.items():
            upstream.always = script
            for place, data in PLACES.items():
                got = await sent(process.port, data)
                # What is not Zep's own answer is ours.
                if got and got.status >= 400 and got.values("server") == ["zep-sidecar"]:
                    seen.append((f"error, {place}, Zep {behaviour}", got.start + got.body))
            assert (await zep_mode("--clear", "--socket", str(socket)))[0] == 0
        assert len(seen) > 100
        await sent(process.port, PLACES["path"])  # its key is refused: the state file says so
        for override in OVERRIDES:
            volume.write({"override.yaml": override})
            await asyncio.sleep(0.25)
            if b"reason" not in override:  # the operator's own words, for the operator's eyes
                seen.append(("status", (await asked(socket, "GET", "/status", b""))))
        volume.write({})
        await asyncio.sleep(0.25)
        for method, target, body in ADMIN:
            seen.append((f"admin {target}", await asked(socket, method, target, body)))
        _, out, error = await zep_mode("--status", "--socket", str(socket))
        seen.append(("zep_mode", (out + error).encode()))
        _, out, error = await zep_mode("--status", "--json", "--socket", str(socket))
        seen.append(("zep_mode --json", (out + error).encode()))
        await sent(process.port, PLACES["tracestate"])  # the last one is what exemplars are of
        for accept in ("text/plain", "application/openmetrics-text"):
            metrics = (await ops(process.ops_port, "/metrics", accept=accept)).body
            seen.append((f"metrics as {accept}", metrics))
        for path in ("/planted", "/metrics?planted", "/readyz?planted"):
            told = (await ops(process.ops_port, path)).body
            seen.append((f"ops {path}", told))
        process.terminate()
        log = await reading
    seen += [("log line", line.encode()) for line in log.splitlines()]
    seen += [("spans", body) for body in collector.bodies]
    seen += files(tmp_path)

    # There was something to find it in.
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events.count("request") > 250
    assert {"refused", "tripped", "override", "invalidated", "cleared", "stopped"} <= set(events)
    assert len(collector.spans) > 300 or not traced
    assert f'trace_id="{TRACE}"'.encode() in dict(seen)["metrics as application/openmetrics-text"]
    assert b'"credentials": {"' in dict(seen)["file state.json"]
    assert any(MARK in message.start for message in upstream.received)

    leaks = [(where, text) for where, text in seen if MARK in text.lower() or b"%70" in text]
    assert leaks == []
    assert [where for where, text in seen if b"Traceback" in text] == []
