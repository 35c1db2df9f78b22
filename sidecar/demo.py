"""`zep-sidecar demo`: real traffic through a real sidecar, in front of the embedded stand-in."""

import asyncio
import io
import signal
import sys
from collections.abc import Awaitable, Callable
from textwrap import shorten

import aiohttp

from sidecar.app import Sidecar
from sidecar.config import load
from sidecar.core.routes import base_urls
from sidecar.rehearsal import Worker, as_json, settings
from sidecar.runtime import clock
from sidecar.runtime.logs import Log
from sidecar.standin import Fault, StandIn

_WIDTH = 240
_HOLD = 1.0  # seconds


class _Stage:
    """A worker, a sidecar and a Zep, and what is said about them."""

    def __init__(self, session: aiohttp.ClientSession, sidecar: Sidecar, zep: StandIn) -> None:
        self._sidecar, self._zep = sidecar, zep
        self.origin = f"http://{sidecar.proxy_address}"
        self._worker = Worker(session, self.origin, "demo")
        self.metrics = f"http://{sidecar.ops_address}/metrics"
        self._step = 0

    def say(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        print(f"\n{self._step}. {title}")

    def show(self, who: str, what: str) -> None:
        """Print one line of dialogue."""
        print(f"   {who:<14} {what}")

    async def ask(self, method: str, target: str, body: object = None) -> None:
        """Send a request as an SDK would; show it, what Zep received, and the answer."""
        self.show("worker sent", f"{method} {target}")
        if body is not None:
            self.show("", as_json(body))
        before = len(self._zep.received)
        answer = await self._worker.ask(method, target, body)
        for received in list(self._zep.received)[before:]:
            self.show("Zep received", f"{received.method} {received.target}")
            if received.body:
                self.show("", received.body.decode())
        if len(self._zep.received) == before:
            self.show("Zep received", "nothing")
        text = shorten(answer.body, _WIDTH, placeholder=" …")
        self.show("worker got", f"{answer.status} {text}")
        reason = answer.reason and f"({answer.reason})"
        self.show("", " ".join(filter(None, ["outcome", answer.outcome, reason])))

    def mode(self) -> None:
        """Show the mode, and who limits it."""
        status = self._sidecar.status()
        by = ", ".join(status["limited_by"])
        self.show(
            "sidecar",
            f"effective mode is now {status['effective']}" + (f", limited by {by}" if by else ""),
        )

    async def hold(self) -> None:
        """Wait until the guard lets a probe pass: on a busy machine it adds what was lost."""
        while self._sidecar.status()["guard"]["remaining"]:  # noqa: ASYNC110  it does not tell
            await asyncio.sleep(0.05)


async def _write_path(stage: _Stage) -> None:
    stage.say("A user and a thread. The id is an identifier: it passes, and is counted.")
    user = {"user_id": "ayse@example.com", "email": "ayse@example.com", "first_name": "Ayşe"}
    await stage.ask("POST", "/api/v2/users", user)
    await stage.ask("POST", "/api/v2/threads", {"thread_id": "t1", "user_id": "ayse@example.com"})

    stage.say("A message with e-mail, phone and address. Everything else keeps its bytes.")
    content = (
        "Merhaba, ben Ayşe: ayse.yilmaz@example.com, 0532 123 45 67. "
        "Adresim Papatya Sokağı No: 7 Kadıköy/İstanbul. Sipariş no 4821, tutar 1.250,00 TL"
    )
    message = {"role": "user", "content": content, "created_at": "2026-11-22T10:00:00Z"}
    await stage.ask("POST", "/api/v2/threads/t1/messages", {"messages": [message]})

    stage.say("JSON inside a string stays valid JSON; its numbers stay numbers.")
    data = as_json({"crm": {"mail": "kemal@example.org", "score": 0.10}})
    graph = {"user_id": "ayse@example.com", "type": "json", "data": data}
    await stage.ask("POST", "/api/v2/graph", graph)


async def _read_path(stage: _Stage) -> None:
    stage.say("Context comes back unchanged. Asked again, it comes from the cache.")
    await stage.ask("GET", "/api/v2/threads/t1/context")
    await stage.ask("GET", "/api/v2/threads/t1/context")

    stage.say("Free text in a query is redacted, too.")
    await stage.ask("GET", "/api/v2/users-ordered?search=ayse%40example.com&pageSize=10")


async def _refusals(stage: _Stage) -> None:
    stage.say("What cannot be inspected, or is not meant for Zep, is not forwarded.")
    await stage.ask("POST", "/api/v4/agents/a1/skills/import", {"zip": "in truth an archive"})
    await stage.ask("GET", "/threads/t1/context")


async def _outage(stage: _Stage, zep: StandIn) -> None:
    stage.say("A write ends what is cached. Then Zep's reads break: no SDK sees an error.")
    message = {"role": "user", "content": "Are you there?", "created_at": "2026-11-22T10:05:00Z"}
    await stage.ask("POST", "/api/v2/threads/t1/messages", {"messages": [message]})
    zep.fail(Fault("status", status=503), path="/context")
    for _ in range(2):
        await stage.ask("GET", "/api/v2/threads/t1/context")
    stage.say("A third failure in a row downgrades. What nobody has read before is empty.")
    await stage.ask("GET", "/api/v2/threads/t2/context")
    stage.mode()

    stage.say("Downgraded: reads are answered at once and Zep is left alone. Writes go on.")
    await stage.ask("GET", "/api/v2/threads/t1/context")
    await stage.ask("POST", "/api/v2/threads/t1/messages", {"messages": [message]})

    stage.say(f"Zep is well. After the hold ({_HOLD:g} s here, else 5 minutes) one probe recovers.")
    zep.heal()
    await stage.hold()
    await stage.ask("GET", "/api/v2/threads/t1/context")
    stage.mode()


async def _audit(stage: _Stage) -> None:
    stage.say("Every redaction is counted.")
    async with aiohttp.ClientSession() as scraper, scraper.get(stage.metrics) as response:
        for line in (await response.text()).splitlines():
            if line.startswith(("memory_zep_redactions_total", "zep_sidecar_identifier")):
                stage.show("", line)


async def demo(*, serve: bool) -> int:
    """Run the demo; with `serve`, keep stand-in and sidecar running afterwards."""
    zep = StandIn()
    await zep.start()
    config = load(b"", settings(zep.url, _HOLD))
    sidecar = Sidecar(config, Log(clock.wall, stream=io.StringIO()))  # the demo speaks for itself
    await sidecar.start()
    try:
        async with aiohttp.ClientSession() as session:
            stage = _Stage(session, sidecar, zep)
            print(f"worker  ->  sidecar {stage.origin}  ->  Zep stand-in {zep.url}")
            steps: list[Callable[[], Awaitable[None]]] = [
                lambda: _write_path(stage),
                lambda: _read_path(stage),
                lambda: _refusals(stage),
                lambda: _outage(stage, zep),
                lambda: _audit(stage),
            ]
            for step in steps:
                await step()
        if serve:
            await _serve(stage, zep)
    finally:
        await sidecar.stop()
        await zep.stop()
    return 0


async def _serve(stage: _Stage, zep: StandIn) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    print("\nBoth keep running until Ctrl-C. Point an SDK at the sidecar:")
    for sdk, setting in base_urls(stage.origin).items():
        print(f"   {sdk:<27} {setting}")
    print(f"   metrics                     {stage.metrics}")
    print(f"   what Zep received           curl {zep.url}/_standin/requests")
    fault = """'{"kind": "status", "status": 503}'"""
    print(f"   break Zep                   curl {zep.url}/_standin/fault -d {fault}")
    print(f"   mend Zep                    curl -X POST {zep.url}/_standin/heal")
    sys.stdout.flush()
    await stop.wait()
