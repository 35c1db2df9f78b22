"""Planted secrets turn up in no log, metric, error or refusal of a real process."""

from pathlib import Path

from tests.process import Process
from tests.test_app import ask, ops
from tests.wire import ScriptedUpstream, request, silent, then_close

SECRETS = (b"planted-body", b"planted-key", b"planted-path", b"planted-query", b"planted-answer")
BODY = b'{"content":"planted-body x@y.com"}'
LINES = ("Authorization: Api-Key planted-key", "Cookie: planted-key")
TARGET = "/api/v2/threads/planted-path/messages?search=planted-query"


async def test_nothing_planted_leaks(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Under every kind of success, refusal and failure."""
    patience = {"write": 1.0}  # the one that waits for silence in vain is a write
    process = await Process.start(tmp_path, upstream.url, timeouts=patience, log={"level": "debug"})
    upstream.script += [
        then_close(b""),
        then_close(b"HTTP/1.1 planted-answer\r\n\r\n"),
        then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nplanted"),
        silent(),
    ]
    requests = [
        request("POST", TARGET, BODY, *LINES),
        request("POST", TARGET, BODY, *LINES),
        request("GET", TARGET, None, *LINES),
        request("POST", TARGET, BODY, *LINES),
        request("POST", TARGET, BODY, *LINES),
        request("POST", TARGET, BODY + b"planted-body", *LINES),
        request("POST", TARGET, BODY, "Content-Encoding: planted-key", *LINES),
        request("POST", TARGET, BODY, *LINES, content_type="application/planted-key"),
        request("POST", TARGET, b"planted-body\xff", *LINES, content_type="text/plain"),
        request("POST", "/planted-path", BODY, *LINES),
        request("GET", TARGET, None, "Bad planted-key: x"),
        request("GET", "http://planted-path/", None, *LINES),
        request("GET", TARGET, None, "Expect: planted-key"),
        b"planted-body\r\n\r\n",
    ]
    seen = [(await ask(process.port, data)) for data in requests]
    refusals = [answer.body for answer in seen if answer.status >= 400]
    assert len(refusals) == 11
    metrics = (await ops(process.ops_port, "/metrics")).body
    process.terminate()
    code, rest = await process.end()
    assert code == 0
    for place in (*refusals, metrics, rest.encode(), repr(process.lines).encode()):
        assert not [secret for secret in SECRETS if secret in place]
        assert b"Traceback" not in place
