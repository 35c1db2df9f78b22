"""Counts and their exposition, and what real traffic makes of them."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sidecar.override import Override
from sidecar.redact import Policy
from sidecar.runtime.metrics import Metrics
from sidecar.selection import OverrideState, State
from tests.conftest import Running, StartSidecar
from tests.runtime.support import (
    CONTEXT,
    FAILED,
    GOOD,
    READING_APPEND,
    Clocks,
    Gate,
    answer,
    read,
    told,
    until,
    write,
)
from tests.test_app import ops
from tests.wire import ScriptedUpstream, request, silent, then_close

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_every_child_exists_at_zero() -> None:
    """Also for custom types."""
    _, body = Metrics(["email", "ticket"]).render("")
    text = body.decode()
    assert 'memory_zep_redactions_total{field_type="email"} 0.0' in text
    assert 'memory_zep_redactions_total{field_type="ticket"} 0.0' in text
    assert "_created" not in text


def test_counting() -> None:
    """By type and place; two sidecars in one process do not share counts."""
    one, other = Metrics(["email"]), Metrics(["email"])
    one.redacted({"email": 2})
    one.identifiers("path", 3)
    one.identifiers("body", 0)
    text = one.render("application/openmetrics-text; version=1.0.0")[1].decode()
    assert 'memory_zep_redactions_total{field_type="email"} 2.0' in text
    assert 'zep_sidecar_identifier_emails_total{place="path"} 3.0' in text
    assert 'memory_zep_redactions_total{field_type="email"} 0.0' in other.render("")[1].decode()


def test_content_types() -> None:
    """Those of the client library."""
    assert Metrics([]).render("text/html")[0] == exposition.CONTENT_TYPE_LATEST
    of_openmetrics, body = Metrics([]).render("application/openmetrics-text; version=1.0.0")
    assert of_openmetrics == openmetrics.CONTENT_TYPE_LATEST
    assert body.endswith(b"\n# EOF\n")


def override_lines(metrics: Metrics) -> dict[str, str]:
    """Return the samples about the override, without their common prefix."""
    lines = metrics.render("")[1].decode().splitlines()
    prefix = "zep_sidecar_override_"
    found = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    return dict(line.rsplit(" ", 1) for line in found)


def test_override_from_the_start() -> None:
    """Every series is there before the file has been read, which has not succeeded yet."""
    assert override_lines(Metrics([])) == {
        "last_reload_successful": "0.0",
        "last_reload_success_timestamp_seconds": "0.0",
        "expires_timestamp_seconds": "0.0",
        'info{hash="none",mode="inherit",state="none"}': "1.0",
        'reloads_total{result="success"}': "0.0",
        'reloads_total{result="failure"}': "0.0",
    }


def test_override_states() -> None:
    """One info series at a time; an invalid file leaves the time of the last good one."""
    metrics = Metrics([])
    good = Override("write_only", expires_at=NOON)
    metrics.override(OverrideState(State.ACTIVE, good, State.ACTIVE, hash="aa", last_success=NOON))
    lines = override_lines(metrics)
    assert lines["last_reload_successful"] == "1.0"
    assert float(lines["expires_timestamp_seconds"]) == NOON.timestamp()
    assert 'info{hash="aa",mode="write_only",state="active"}' in lines
    metrics.override(OverrideState(State.INVALID, good, State.ACTIVE, hash="bb", last_success=NOON))
    lines = override_lines(metrics)
    assert lines["last_reload_successful"] == "0.0"
    assert float(lines["last_reload_success_timestamp_seconds"]) == NOON.timestamp()
    assert [line for line in lines if line.startswith("info")] == [
        'info{hash="bb",mode="write_only",state="invalid"}'
    ]


def test_override_reloads() -> None:
    """Each change is counted once, by whether it could be taken over; the first look is none."""
    metrics = Metrics([])
    first = OverrideState(last_success=NOON)
    bad = OverrideState(State.INVALID, hash="bb", last_success=NOON)
    worse = OverrideState(State.INVALID, hash="cc", last_success=NOON)
    gone = OverrideState(State.UNREADABLE, hash="cc", last_success=NOON)
    good = OverrideState(last_success=NOON + timedelta(seconds=1))
    for state in (first, bad, bad, worse, gone, good, good):
        metrics.override(state)
    lines = override_lines(metrics)
    assert lines['reloads_total{result="failure"}'] == "3.0"
    assert lines['reloads_total{result="success"}'] == "1.0"


def test_the_contract() -> None:
    """Every metric that dashboards ask for, with its label values, before anything has happened."""
    text = Metrics(sorted(Policy().types)).render("")[1].decode()
    outcomes = "live hit collapsed stale empty blocked spooled dropped"
    classes = "CTX WRITE HYBRID ERASE CTRL UNKNOWN"
    for name, label, values in (
        ("memory_zep_downgrades_total", "reason", "auth consecutive_failures forced"),
        ("memory_zep_redactions_total", "field_type", "email phone address"),
        ("zep_read_latency_seconds_count", "outcome", outcomes),
        ("memory_zep_read_requests_total", "outcome", outcomes),
        ("memory_zep_write_requests_total", "outcome", outcomes),
        ("memory_zep_write_failures_total", "reason", "timeout http_5xx http_4xx auth connect"),
        ("memory_zep_context_requests_total", "result", "hit miss collapsed stale bypass"),
        ("zep_sidecar_upstream_latency_seconds_count", "class", classes),
        ("zep_sidecar_overhead_seconds_count", "class", classes),
        ("zep_sidecar_refused_total", "reason", "body content_type overloaded body_too_large"),
    ):
        for value in values.split():
            assert f'{name}{{{label}="{value}"}} 0.0' in text
    for name in ("memory_mode_gauge", "memory_zep_write_latency_seconds_count"):
        assert f"\n{name} 0.0" in text
    assert "process_resident_memory_bytes" in text


# --- real traffic ---------------------------------------------------------------------------------

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"
CACHE = {"enabled": True}


class Scrape:
    """Every sample that has changed since another scrape."""

    def __init__(self, text: str) -> None:
        self._samples = {
            sample.name + _shown(sample.labels): sample.value
            for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
            for sample in family.samples
        }

    def since(self, old: "Scrape") -> dict[str, float]:
        """Return by how much each has grown; times, buckets and the process apart."""
        return {
            name: value - old._samples[name]
            for name, value in self._samples.items()
            if value != old._samples[name]
            and not re.match(r"process_|.*_(bucket|sum)\b|.*loop_lag|zep_sidecar_cache_", name)
        }


def _shown(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(labels.values()) + "}" if labels else ""


async def scrape(running: Running) -> Scrape:
    """Return what Prometheus sees."""
    accept = "application/openmetrics-text"
    port = running.sidecar.ops_address.port
    return Scrape((await ops(port, "/metrics", accept=accept)).body.decode())


def of_read(outcome: str, code: str = "2xx") -> dict[str, float]:
    """Return what every context read counts."""
    return {
        f"memory_zep_read_requests_total{{{outcome}}}": 1,
        f"zep_read_latency_seconds_count{{{outcome}}}": 1,
        f"zep_sidecar_requests_total{{CTX,{code}}}": 1,
        "zep_sidecar_overhead_seconds_count{CTX}": 1,
    }


ASKED = {"zep_sidecar_upstream_latency_seconds_count{CTX}": 1}


async def test_reads_and_the_cache(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A miss, a hit, one that waits for another's answer, and one that gets an old one."""
    clocks = Clocks(monkeypatch)
    running = await start(upstream.url, cache=CACHE)
    first = await scrape(running)
    upstream.always = GOOD
    assert told(await running.ask(read()))[2] == "live"
    miss = await scrape(running)
    assert miss.since(first) == {
        **of_read("live"), **ASKED, "memory_zep_context_requests_total{miss}": 1,
    }  # fmt: skip
    assert told(await running.ask(read()))[2] == "hit"
    hit = await scrape(running)
    assert hit.since(miss) == {
        **of_read("hit"),
        "memory_zep_context_requests_total{hit}": 1,
        "memory_zep_context_cache_hits_total": 1,
    }
    gate = Gate()
    upstream.script.append(gate)
    other = read(target="/api/v2/threads/t2/context")
    both = [asyncio.create_task(running.ask(other)) for _ in range(2)]
    await until(lambda: gate.waiting == 1)
    assert await running.metric("zep_sidecar_requests_in_flight") >= 1
    await asyncio.sleep(0.1)
    gate.open()
    assert sorted([told(await task)[2] for task in both]) == ["collapsed", "live"]
    collapsed = (await scrape(running)).since(hit)
    assert collapsed == {
        **of_read("live"), **of_read("collapsed"), **ASKED,
        "zep_sidecar_requests_total{CTX,2xx}": 2,
        "zep_sidecar_overhead_seconds_count{CTX}": 2,
        "memory_zep_context_requests_total{miss}": 1,
        "memory_zep_context_requests_total{collapsed}": 1,
    }  # fmt: skip
    clocks.after(60)
    upstream.script.append(FAILED)
    before = await scrape(running)
    assert told(await running.ask(read()))[2:] == ("stale", "http_5xx")
    assert (await scrape(running)).since(before) == {
        **of_read("stale"), **ASKED,
        "memory_zep_context_requests_total{stale}": 1,
        "memory_zep_context_failures_total{http_5xx}": 1,
    }  # fmt: skip


async def test_an_outage_and_its_end(
    start: StartSidecar, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty answers with their reason, one downgrade, the hold, and the probe."""
    clocks = Clocks(monkeypatch)
    running = await start(upstream.url, probe={"active": False})
    first = await scrape(running)
    upstream.script += [then_close(b"")] * 3
    for _ in range(3):
        await running.ask(read())
    down = await scrape(running)
    three = dict.fromkeys({**of_read("empty"), **ASKED}, 3.0)
    changes = down.since(first)
    assert 300 <= changes.pop("zep_sidecar_hold_remaining_seconds") <= 330
    assert changes == {
        **three,
        "memory_zep_context_failures_total{reset}": 3,
        "memory_zep_downgrades_total{consecutive_failures}": 1,
        "memory_mode_gauge": -1,
        "zep_sidecar_mode_limited_by{guard}": 1,
    }
    assert told(await running.ask(read()))[2:] == ("empty", "consecutive_failures")
    changes = (await scrape(running)).since(down)
    changes.pop("zep_sidecar_hold_remaining_seconds")
    assert changes == {
        **of_read("empty"), "zep_sidecar_short_circuits_total{consecutive_failures}": 1,
    }  # fmt: skip
    clocks.after(400)
    due = await scrape(running)
    upstream.script.append(GOOD)
    assert told(await running.ask(read()))[2] == "live"
    assert (await scrape(running)).since(due) == {
        **of_read("live"), **ASKED,
        "zep_sidecar_probes_total{ok}": 1,
        "memory_mode_gauge": 1,
        "zep_sidecar_mode_limited_by{guard}": -1,
    }  # fmt: skip


def of_write(cls: str, outcome: str, code: str, *, sent: bool = True) -> dict[str, float]:
    """Return what every write counts, and every one that Zep has seen."""
    found = {
        f"memory_zep_write_requests_total{{{outcome}}}": 1.0,
        f"zep_sidecar_requests_total{{{cls},{code}}}": 1.0,
        f"zep_sidecar_overhead_seconds_count{{{cls}}}": 1.0,
    }
    of_sent = {
        "memory_zep_write_latency_seconds_count": 1.0,
        f"zep_sidecar_upstream_latency_seconds_count{{{cls}}}": 1.0,
    }
    return {**found, **of_sent} if sent else found


async def test_writes(start: StartSidecar, upstream: ScriptedUpstream) -> None:
    """Taken, failed in each of several ways, refused here, and dropped."""
    running = await start(
        upstream.url, timeouts={"write": 0.3}, guard={"write_failures_trip": False}
    )
    failures = "memory_zep_write_failures_total"
    steps = [
        (GOOD, write(), of_write("WRITE", "live", "2xx")),
        (GOOD, write(body=READING_APPEND), of_write("HYBRID", "live", "2xx")),
        (GOOD, request("DELETE", "/api/v2/users/u1"), of_write("ERASE", "live", "2xx")),
        (FAILED, write(), {**of_write("WRITE", "live", "5xx"), failures + "{http_5xx}": 1}),
        (answer(404), write(), {**of_write("WRITE", "live", "4xx"), failures + "{http_4xx}": 1}),
        (silent(), write(), {**of_write("WRITE", "live", "5xx"), failures + "{timeout}": 1}),
        (
            None,
            write(body=b"{"),
            {
                **of_write("HYBRID", "blocked", "4xx", sent=False),
                "zep_sidecar_refused_total{body}": 1,
            },
        ),
    ]  # fmt: skip
    for script, data, expected in steps:
        before = await scrape(running)
        if script:
            upstream.script.append(script)
        await running.ask(data)
        assert (await scrape(running)).since(before) == expected
    for _ in range(2):
        upstream.script.append(FAILED)
        await running.ask(write())
    assert await running.metric("zep_sidecar_writes_healthy") == 0
    off = await start(upstream.url, flags={"write": False})
    before = await scrape(off)
    assert told(await off.ask(write()))[2] == "dropped"
    assert (await scrape(off)).since(before) == {
        **of_write("WRITE", "dropped", "2xx", sent=False),
        "zep_sidecar_short_circuits_total{off}": 1,
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (write(body=b"\xff"), "body"),
        (request("POST", "/api/v2/users", b"x" * 3000), "body_too_large"),
        (request("GET", "/threads/t1"), "no_api_prefix"),
        (request("GET", "http://elsewhere/"), "bad_target"),
        (request("GET", CONTEXT, None, "Expect: a-miracle"), "expectation_failed"),
        (request("POST", "/api/v2/users", b"{}", "Content-Encoding: br"), "content_encoding"),
        (request("POST", "/api/v2/users", b"a=1", content_type="image/png"), "content_type"),
        (b"nonsense\r\n\r\n", "bad_request"),
    ],
)
async def test_refusals(
    start: StartSidecar, upstream: ScriptedUpstream, data: bytes, reason: str
) -> None:
    """Each is counted by its code, also what is no request at all."""
    running = await start(upstream.url, limits={"body_bytes": 2000})
    assert json.loads((await running.ask(data)).body)["error"]["code"] == reason
    assert await running.metric("zep_sidecar_refused_total", reason=reason) == 1
    assert upstream.received == []


async def test_a_refused_credential(running: Running, upstream: ScriptedUpstream) -> None:
    """It shows although the mode stays, because another one works."""
    upstream.always = GOOD
    await running.ask(read("two"))
    upstream.script.append(answer(401))
    await running.ask(read())
    assert await running.metric("zep_sidecar_credentials_held") == 1
    assert await running.metric("memory_zep_context_failures_total", reason="auth") == 1
    assert await running.metric("memory_mode_gauge") == 2


async def test_overhead_is_without_waiting(running: Running, upstream: ScriptedUpstream) -> None:
    """Neither a slow Zep, nor a slow body, nor a slow stream counts as the sidecar's own time."""

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        await asyncio.sleep(0.5)
        writer.write(b"}")

    upstream.always = slowly
    await running.ask(read())
    data = write()
    async with running.worker() as worker:
        await worker.send(data[:-3])
        await asyncio.sleep(0.5)
        await worker.send(data[-3:])
        await worker.answer()
    stalled = running.sidecar._governor.lag  # what others do on the machine does not count
    for cls, upstreams in (("CTX", 0.99), ("WRITE", 0.49)):
        own = await running.metric("zep_sidecar_overhead_seconds_sum", **{"class": cls})
        assert 0 < own < 0.4 + stalled
        name = "zep_sidecar_upstream_latency_seconds_sum"
        assert await running.metric(name, **{"class": cls}) >= upstreams
    assert await running.metric("zep_read_latency_seconds_sum", outcome="live") >= 0.99
    assert await running.metric("memory_zep_write_latency_seconds_sum") >= 1.49


# --- exemplars ------------------------------------------------------------------------------------


async def exemplars(running: Running) -> dict[str, dict[str, str]]:
    """Return the labels of every exemplar, by the sample it belongs to; parsed as OpenMetrics."""
    accept = "application/openmetrics-text; version=1.0.0"
    port = running.sidecar.ops_address.port
    text = (await ops(port, "/metrics", accept=accept)).body.decode()
    return {
        sample.name: sample.exemplar.labels
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar
    }


async def test_exemplars(running: Running, upstream: ScriptedUpstream) -> None:
    """What a recorded trace is about can be found from where it was counted."""
    upstream.script += [GOOD, FAILED, GOOD, FAILED]
    await running.ask(read("one", CONTEXT, TRACEPARENT))
    await running.ask(read("one", CONTEXT, TRACEPARENT))
    for _ in range(2):
        await running.ask(request("POST", "/api/v2/threads/t1/messages", b"{}", TRACEPARENT))
    found = await exemplars(running)
    assert set(found) == {
        "zep_read_latency_seconds_bucket",
        "zep_sidecar_overhead_seconds_bucket",
        "zep_sidecar_upstream_latency_seconds_bucket",
        "memory_zep_context_failures_total",
        "memory_zep_write_failures_total",
        "memory_zep_write_latency_seconds_bucket",
    }
    assert all(labels == {"trace_id": TRACE} for labels in found.values())
    assert TRACE not in (await running.ops("/metrics")).body.decode()
    assert all(message.values("traceparent") for message in upstream.received)


@pytest.mark.parametrize(
    "line", [TRACEPARENT[:-1] + "0", TRACEPARENT.upper().replace("TRACEPARENT", "traceparent"),
             "traceparent: 00-ayse@example.com-b7ad6b7169203331-01", "tracestate: a=" + TRACE],
)  # fmt: skip
async def test_no_exemplars(running: Running, upstream: ScriptedUpstream, line: str) -> None:
    """Of a trace that nobody records, or of what is none; it goes to Zep as it came."""
    await running.ask(read("one", CONTEXT, line))
    assert await exemplars(running) == {}
    name, _, value = line.partition(": ")
    assert upstream.received[0].values(name) == [value]
