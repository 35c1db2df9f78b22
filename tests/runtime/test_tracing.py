"""Spans, as a collector receives them from a real process."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.collector import Collector, attributes
from tests.conftest import StartSidecar
from tests.process import Process
from tests.runtime.support import CONTEXT, FAILED, GOOD, MESSAGES, answer, read
from tests.test_app import ask, ops
from tests.wire import Message, ScriptedUpstream, request, then_close

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FIELDS = (f"traceparent: 00-{TRACE}-{PARENT}-01", "tracestate: vendor=kept,other=too")
BODY = b'{"messages":[{"role":"user","content":"ayse@example.com, can@example.com"}]}'
SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT

Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def process(tmp_path: Path, upstream: ScriptedUpstream) -> AsyncIterator[Start]:
    """Give a function that starts the sidecar with an environment."""
    started: list[Process] = []

    async def start(environ: dict[str, str], **sections: Any) -> Process:
        started.append(await Process.start(tmp_path, upstream.url, environ=environ, **sections))
        return started[-1]

    yield start
    for one in started:
        await one.stop()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """A collector that takes everything."""
    async with Collector() as running:
        yield running


def one(spans: list[Span], kind: int) -> Span:
    """Return the only span of a kind."""
    [found] = [span for span in spans if span.kind == kind]
    return found


def sent_trace(message: Message) -> tuple[str, str, str]:
    """Return trace, span and flags of what reached Zep."""
    [value] = message.values("traceparent")
    version, trace, span, flags = value.split("-")
    assert version == "00"
    return trace, span, flags


async def test_a_write(process: Start, upstream: ScriptedUpstream, collector: Collector) -> None:
    """The worker's trace goes on: request, attempt, Zep; decisions are attributes, ids are not."""
    upstream.always = GOOD
    running = await process(collector.environ)
    await ask(running.port, request("POST", MESSAGES + "?planted=1", BODY, *FIELDS))
    spans = await collector.until(lambda spans: len(spans) == 2)
    server, client = one(spans, SERVER), one(spans, CLIENT)
    route = "/api/v2/threads/{thread_id}/messages"
    assert server.name == client.name == f"POST {route}"
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert (server.parent_span_id.hex(), client.parent_span_id) == (PARENT, server.span_id)
    assert sent_trace(upstream.received[0]) == (TRACE, client.span_id.hex(), "01")
    assert upstream.received[0].values("tracestate") == ["vendor=kept,other=too"]
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": route,
        "http.response.status_code": 200,
        "url.scheme": "http",
        "zep_sidecar.class": "WRITE",
        "zep_sidecar.mode": "read_write",
        "zep_sidecar.outcome": "live",
        "zep_sidecar.redactions.email": 2,
    }
    assert attributes(client) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": upstream.port,
        "url.scheme": "http",
        "url.template": route,
        "zep_sidecar.probe": False,
    }
    assert client.start_time_unix_nano >= server.start_time_unix_nano
    assert client.end_time_unix_nano <= server.end_time_unix_nano
    assert collector.service == "zep-sidecar"
    accept = "application/openmetrics-text"
    metrics = (await ops(running.ops_port, "/metrics", accept=accept)).body.decode()
    assert f'{{trace_id="{TRACE}"}}' in metrics


async def test_reads(process: Start, upstream: ScriptedUpstream, collector: Collector) -> None:
    """A miss has an attempt, a hit has none; a failure is softened, and its attempt shows it."""
    upstream.script += [GOOD, FAILED, then_close(b""), then_close(b"")]
    running = await process(collector.environ)
    for target in (CONTEXT, CONTEXT, *(f"/api/v2/threads/{n}/context" for n in "ab")):
        await ask(running.port, read("one", target))
    spans = await collector.until(lambda spans: len(spans) == 7)
    requests = sorted((s for s in spans if s.kind == SERVER), key=lambda s: s.start_time_unix_nano)
    seen = [
        (
            attributes(span)["zep_sidecar.outcome"],
            attributes(span).get("zep_sidecar.cache"),
            attributes(span).get("zep_sidecar.reason"),
            attributes(span)["http.response.status_code"],
        )
        for span in requests
    ]
    assert seen == [
        ("live", "miss", None, 200),
        ("hit", "hit", None, 200),
        ("empty", "miss", "http_5xx", 200),
        ("empty", "miss", "reset", 200),
    ]
    attempts = {span.parent_span_id: span for span in spans if span.kind == CLIENT}
    assert [span.span_id in attempts for span in requests] == [True, False, True, True]
    for span, why in zip(requests[2:], ("500", "reset"), strict=True):
        attempt = attempts[span.span_id]
        assert attributes(attempt)["error.type"] == why
        assert attempt.status.code == Status.STATUS_CODE_ERROR
        assert span.status.code == Status.STATUS_CODE_UNSET  # the worker has got a 200
    assert len({span.trace_id for span in requests}) == 4


async def test_what_is_refused(
    process: Start, upstream: ScriptedUpstream, collector: Collector
) -> None:
    """No attempt; the reason; neither path nor method where they are not ours."""
    running = await process(collector.environ)
    await ask(running.port, request("PURGE", "/planted/path?planted=1"))
    await ask(running.port, request("POST", MESSAGES, b"{planted"))
    await collector.until(lambda spans: len(spans) == 2)
    first, second = collector.spans
    assert first.name == "HTTP"
    assert attributes(first)["http.request.method"] == "_OTHER"
    assert attributes(first)["zep_sidecar.reason"] == "no_api_prefix"
    assert attributes(second)["zep_sidecar.reason"] == "body"
    assert b"planted" not in b"".join(collector.bodies)
    assert upstream.received == []


@pytest.mark.parametrize(
    ("line", "sampled"),
    [(f"traceparent: 00-{TRACE}-{PARENT}-00", False), ("traceparent: 00-planted-01", True)],
)
async def test_a_trace_that_is_not_recorded(
    process: Start, upstream: ScriptedUpstream, collector: Collector, line: str, sampled: bool
) -> None:
    """The worker decides for its own traces; what is none makes a new one."""
    running = await process(collector.environ)
    await ask(running.port, request("GET", "/api/v2/users/u1", None, line, "tracestate: a=b"))
    await ask(running.port, request("GET", "/api/v2/users/u1"))
    trace, _, flags = sent_trace(upstream.received[0])
    assert int(flags, 16) & 1 == sampled
    assert (trace == TRACE) != sampled
    assert bool(upstream.received[0].values("tracestate")) != sampled
    spans = await collector.until(lambda spans: len(spans) >= (4 if sampled else 2))
    assert TRACE not in {span.trace_id.hex() for span in spans}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "True"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        },
    ],
)
async def test_off(process: Start, upstream: ScriptedUpstream, environ: dict[str, str]) -> None:
    """What the worker sends goes on untouched, garbage too."""
    running = await process(environ)
    garbage = ("Traceparent: what ever", "traceparent: twice", "TraceState: ,,=")
    await ask(running.port, request("GET", "/api/v2/users/u1", None, *garbage))
    found = [pair for pair in upstream.received[0].headers if pair[0].lower()[:5] == b"trace"]
    assert [b": ".join(pair).decode() for pair in found] == list(garbage)
    warned = [line["event"] for line in running.lines if line["event"] == "no_spans"]
    assert bool(warned) == ("OTEL_EXPORTER_OTLP_PROTOCOL" in environ)


async def test_off_costs_nothing() -> None:
    """Nothing of OpenTelemetry is imported."""
    code = "import sys, sidecar.cli; print(any('opentelemetry' in name for name in sys.modules))"
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert (await done.communicate())[0] == b"False\n"


async def test_the_last_spans_are_sent_at_the_end(
    process: Start, upstream: ScriptedUpstream, collector: Collector
) -> None:
    """SIGTERM does not lose them."""
    running = await process({**collector.environ, "OTEL_BSP_SCHEDULE_DELAY": "60000"})
    await ask(running.port, request())
    running.terminate()
    assert (await running.end())[0] == 0
    assert len(collector.spans) == 2


@pytest.mark.parametrize(("status", "delay"), [(503, 0), (400, 0), (200, 60)])
async def test_a_collector_that_fails(
    process: Start, upstream: ScriptedUpstream, status: int, delay: float
) -> None:
    """Requests do not notice, its words are not logged, and the end is not held up."""
    upstream.always = answer(200, b"{}")
    async with Collector(status, delay) as broken:
        running = await process(broken.environ)
        for _ in range(5):
            assert (await ask(running.port, request("POST", MESSAGES, BODY))).status == 200
        async with asyncio.timeout(15):
            while not broken.bodies:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        running.terminate()
        code, rest = await running.end()
    assert code == 0
    assert "planted" not in rest
    assert "Traceback" not in rest
    assert "@example.com" not in rest
    if delay == 0:
        assert '"spans_not_sent"' in rest


async def test_no_collector(process: Start, upstream: ScriptedUpstream) -> None:
    """Nor is there anything to notice where nobody listens."""
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    running = await process(nobody)
    assert (await ask(running.port, request())).status == 200
    await asyncio.sleep(0.3)
    running.terminate()
    code, rest = await running.end()
    assert code == 0
    assert "Traceback" not in rest
    assert "stopped" in rest


async def test_without_the_extra(
    start: StartSidecar,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An environment that asks for spans of all containers does not keep this one from serving."""
    monkeypatch.setitem(sys.modules, "sidecar.runtime.tracing", None)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    running = await start(upstream.url, environ, log={"level": "warning"})
    assert (await running.ask(request())).status == 200
    assert "the extra `otel` is not installed" in capsys.readouterr().out
