"""A real Prometheus looks at a real sidecar through an outage, and a real Alertmanager pages."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar.runtime import clock
from sidecar.standin import Fault, StandIn
from tests.monitoring.servers import Alertmanager, Prometheus
from tests.monitoring.tools import ALERTS, EXAMPLE, PANELS, queries, rule_file
from tests.process import Process
from tests.runtime.support import admin
from tests.test_app import ask
from tests.wire import Message, ScriptedUpstream, request

TRACE = "0af7651916cd43dd8448eb211c80319c"
LINES = ("Authorization: Api-Key k", f"traceparent: 00-{TRACE}-b7ad6b7169203331-01")
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Length: 20\r\n\r\n{"status":"success"}'
HOLD = 1.0


class Stage:
    """A sidecar in front of the stand-in, and who looks at it."""

    def __init__(self, directory: Path) -> None:
        self.zep = StandIn()
        self.pager = ScriptedUpstream()
        self.pager.always = ACCEPTED
        self.prometheus = Prometheus(directory / "prometheus")
        self.alertmanager = Alertmanager(directory / "alertmanager")
        self.socket = str(directory / "admin.sock")
        self.override = directory / "override.yaml"
        self._directory = directory
        self._sidecar: Process | None = None

    async def start(self) -> None:
        """Start everything, and wait for the first scrape: a counter must be seen at 0."""
        await asyncio.gather(self.zep.start(), self.pager.start())
        await self.alertmanager.start(self._paging())
        self._sidecar = await Process.start(
            self._directory,
            self.zep.url,
            listen={"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": self.socket},
            guard={"hold": HOLD, "hold_max": HOLD, "state_file": ""},
            override={"path": str(self.override), "poll_interval": 0.2},
        )
        rules = rule_file(self._directory)
        await self.prometheus.start(self._sidecar.ops_port, rules, self.alertmanager.address)
        assert await self.prometheus.until(["memory_mode_gauge == 2"]) == []

    async def stop(self) -> None:
        """Stop everything."""
        if self._sidecar:
            await self._sidecar.stop()
        await asyncio.gather(self.prometheus.stop(), self.alertmanager.stop())
        await asyncio.gather(self.zep.stop(), self.pager.stop())

    async def send(self, method: str, below: str, text: str = "", **other: Any) -> Message:
        """Send a request of a worker; `text` is what a user says."""
        assert self._sidecar
        body = None
        if text:
            body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
        return await ask(
            self._sidecar.port, request(method, f"/api/v2/{below}", body, *LINES, **other)
        )

    async def read(self, thread: str) -> str:
        """Read context; return how that ended."""
        answer = await self.send("GET", f"threads/{thread}/context")
        assert answer.status == 200
        return answer.values("x-zep-sidecar-outcome")[0]

    def _paging(self) -> Any:
        """Return the example's configuration, with a pager of ours and without its patience."""
        config = yaml.safe_load(EXAMPLE.read_bytes())
        key = self._directory / "routing-key"
        key.write_text("key-of-the-service")
        [pager] = config["receivers"][1]["pagerduty_configs"]
        pager["routing_key_file"] = str(key)
        config["global"]["pagerduty_url"] = self.pager_url
        for route in (config["route"]["routes"][0], *config["route"]["routes"][0]["routes"]):
            route["group_wait"] = "0s"
        return config

    @property
    def pager_url(self) -> str:
        """Where events for the pager go."""
        return f"{self.pager.url}/v2/enqueue"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Everything, running."""
    made = Stage(tmp_path)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def play(stage: Stage) -> None:
    """Let everything happen that on-call could see."""
    for thread in ("t1", "t2", "t3", "t4", "t5"):
        await stage.send("POST", f"threads/{thread}/messages", "ayse@example.com, 0532 123 45 67")
    assert await stage.read("t1") == "live"
    assert await stage.read("t1") == "hit"
    await stage.send("GET", "users/ayse@example.com")  # an e-mail address as an identifier
    unreadable = "application/json; charset=utf-16"
    refused = await stage.send("POST", "threads/t1/messages", "x", content_type=unreadable)
    assert refused.status == 415
    stage.zep.fail(Fault("status", 500), times=1, path="messages")
    assert (await stage.send("POST", "threads/t1/messages", "x")).status == 500

    await admin(stage.socket, "POST", "/force", {"reason": "manual"})
    assert await stage.read("t2") == "empty"
    await admin(stage.socket, "POST", "/clear")

    stage.zep.fail(Fault("status", 503), path="context")
    for thread in ("t2", "t3", "t4"):
        assert await stage.read(thread) == "empty"
    assert await stage.read("t5") == "empty"
    assert await stage.prometheus.until(["memory_mode_gauge == 1"]) == []
    stage.zep.heal()
    async with asyncio.timeout(20):
        while await stage.read("t5") != "live":  # noqa: ASYNC110  the probe
            await asyncio.sleep(0.2)

    ends = (clock.wall() + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.override.write_text(f'mode: read_write\nreason: "canary"\nexpires_at: {ends}\n')
    ends_soon = "zep_sidecar_override_expires_timestamp_seconds > 0"
    assert await stage.prometheus.until([ends_soon]) == []
    stage.override.write_text("mode: read_wrote\n")


def columns(panel: dict[str, Any]) -> set[str]:
    """Return the labels that a table shows."""
    shown = {name for step in panel["transformations"] for name in step["options"]["renameByName"]}
    return shown - {"Value"}


async def paged(stage: Stage) -> list[dict[str, Any]]:
    """Return what the pager was sent."""
    await stage.pager.until(1)
    return [json.loads(message.body) for message in stage.pager.received]


@pytest.mark.timeout(150)
async def test_an_outage_as_on_call_sees_it(stage: Stage) -> None:
    """Every query of the dashboard has data, every rule evaluates, and the downgrade pages."""
    await play(stage)

    [target] = await stage.prometheus.ask("up")
    names = {"job": "zep-sidecar", "namespace": "assistants", "pod": "worker-0"}
    assert names.items() <= target["metric"].items()

    seen = ("ZepDowngraded", "ZepModeRestored", "ZepRedactionRefused")
    firing = [f'ALERTS{{alertname="{name}",alertstate="firing"}}' for name in seen]
    pending = ['ALERTS{alertname="ZepOverrideInvalid"}']
    assert await stage.prometheus.until(firing + pending) == []

    asked = queries()
    assert await stage.prometheus.until(asked.values()) == []
    now = clock.wall().timestamp()
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            query = asked[f"{panel['title']} {target['refId']}"]
            found = await stage.prometheus.ask(query)
            assert all(named <= set(series["metric"]) for series in found), panel["title"]
            assert columns(panel) <= {label for series in found for label in series["metric"]}
            if target["exemplar"]:
                span = {"start": str(now - 300), "end": str(now + 300)}
                marks = await stage.prometheus.get("query_exemplars", query=query, **span)
                traces = {one["labels"]["trace_id"] for mark in marks for one in mark["exemplars"]}
                assert traces == {TRACE}, panel["title"]

    groups = (await stage.prometheus.get("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule["health"] for rule in rules] == ["ok"] * len(ALERTS)
    for alert in (await stage.prometheus.get("alerts"))["alerts"]:
        assert "error" not in " ".join(alert["annotations"].values())

    [event, *_] = await paged(stage)
    assert event["routing_key"] == "key-of-the-service"
    assert event["event_action"] == "trigger"
    assert event["payload"]["severity"] == "critical"
    assert "Zep reads are off on worker-0: consecutive_failures" in event["payload"]["summary"]
    assert event["links"][0]["href"].endswith("/docs/runbook.md#zepdowngraded")
