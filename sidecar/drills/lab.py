"""What the drills act on: a running sidecar as its worker, its operator and its scraper see it."""

import asyncio
import json
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sidecar.rehearsal import Answer, Worker, settings
from sidecar.runtime import clock
from sidecar.standin import StandIn

HOLD, READ_TIMEOUT = 3.0, 0.5  # seconds, of the embedded sidecar: else 300 and 2
WRONG_KEY = "zep-sidecar-drill-wrong-key"
_START, _STOP = 30.0, 10.0  # seconds that the embedded sidecar may take
_ANSWER = aiohttp.ClientTimeout(total=30)


class LabError(Exception):
    """Something could not be done; the message says what, and what was seen instead."""


class Check(NamedTuple):
    """One thing that was looked at; `passed` is None where it could not be."""

    what: str
    expected: str
    seen: str
    passed: bool | None


def equal(what: str, expected: object, seen: object) -> Check:
    """Return a check that two values are the same."""
    return Check(what, shown(expected), shown(seen), expected == seen)


def shown(value: object) -> str:
    """Return a value as people read it."""
    if isinstance(value, list | set):
        return ", ".join(sorted(map(str, value))) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def skipped(what: str, why: str) -> Check:
    """Return a check that cannot be made here."""
    return Check(what, "", why, None)


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return one sample, or None where there is none."""
        return self._values.get((name, frozenset(labels.items())))

    def of(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return the samples of that name by their labels."""
        return {labels: value for (n, labels), value in self._values.items() if n == name}


class Lab:
    """A sidecar under drill, with a user and a thread of the drill's own behind it."""

    def __init__(
        self, session: aiohttp.ClientSession, proxy: str, ops: str, socket: str, key: str
    ) -> None:
        self.worker = Worker(session, proxy, key)
        self.zep: StandIn | None = None
        """The embedded Zep; None in front of a real one, where others may work, too."""
        self.tell: Callable[[str], None] = lambda _: None
        """Is told of everything that is done."""
        self.name = f"zep-sidecar-drill-{clock.wall():%Y%m%dt%H%M%S}-{secrets.token_hex(2)}"
        self.made: list[str] = []
        """What is to be deleted in the end, the latest last."""
        self._session, self._metrics, self._socket = session, f"{ops}/metrics", socket
        self._marked = Scrape("")

    # --- the worker ---------------------------------------------------------------------------

    async def ask(
        self, method: str, target: str, body: object = None, key: str | None = None
    ) -> Answer:
        """Send a request as an SDK would, and tell of it."""
        answer = await self._ask(method, target, body, key)
        self.tell(f"{method} {target}: {answer}, {1000 * answer.seconds:.0f} ms")
        return answer

    async def _ask(
        self, method: str, target: str, body: object = None, key: str | None = None
    ) -> Answer:
        try:
            return await self.worker.ask(method, target, body, key)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LabError(
                f"{method} at {self.worker.origin}: {type(error).__name__}, no answer"
            ) from None

    async def read(self, key: str | None = None) -> Answer:
        """Read the context of the drill's thread."""
        return await self.ask("GET", f"/api/v2/threads/{self.name}/context", key=key)

    async def reads(self, count: int) -> list[Answer]:
        """Read it as many workers at once would."""
        target = f"/api/v2/threads/{self.name}/context"
        answers = await asyncio.gather(*(self._ask("GET", target) for _ in range(count)))
        slowest = max(answer.seconds for answer in answers)
        self.tell(f"{count} times at once GET {target}: the slowest took {1000 * slowest:.0f} ms")
        return answers

    async def write(self, content: str) -> Answer:
        """Append a message to the drill's thread."""
        message = {"role": "user", "content": content, "created_at": "2026-01-01T10:00:00Z"}
        body = {"messages": [message]}
        return await self.ask("POST", f"/api/v2/threads/{self.name}/messages", body)

    async def own(self) -> None:
        """Make a user and a thread that belong to nobody, once."""
        if self.made:
            return
        user, thread = f"/api/v2/users/{self.name}", f"/api/v2/threads/{self.name}"
        for collection, body, made in (
            ("/api/v2/users", {"user_id": self.name}, user),
            ("/api/v2/threads", {"thread_id": self.name, "user_id": self.name}, thread),
        ):
            self.made.append(made)  # also where no answer comes, it may exist
            answer = await self.ask("POST", collection, body)
            if answer.status not in (200, 201):
                self.made.remove(made)
                raise LabError(f"POST {collection} must make {self.name}: {answer}")

    async def clean(self) -> list[str]:
        """Delete what was made; return what could not be."""
        left = []
        for target in reversed(self.made):
            try:
                done = (await self.ask("DELETE", target)).status in (200, 202, 204, 404)
            except LabError:
                done = False
            left += [] if done else [target]
        self.made = []
        return left

    # --- the operator -------------------------------------------------------------------------

    async def zep_mode(self, *arguments: str) -> dict[str, Any]:
        """Run the operator's command and return what it prints."""
        self.tell("zep_mode " + " ".join(arguments))
        command = (*arguments, "--json", "--socket", self._socket)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sidecar.zep_mode", *command, stdout=PIPE, stderr=PIPE
        )
        out, error = await process.communicate()
        if process.returncode != 0:
            raise LabError(error.decode(errors="replace").strip())
        return dict(json.loads(out))

    async def status(self) -> dict[str, Any]:
        """Return `zep_mode --status`."""
        return await self.zep_mode("--status")

    async def restore(self) -> None:
        """End what a drill has brought about."""
        if self.zep:
            self.zep.heal()
        status = await self.status()
        if troubled(status):
            await self.zep_mode("--clear")

    # --- the scraper --------------------------------------------------------------------------

    async def scrape(self) -> Scrape:
        """Return the metrics as they are now."""
        try:
            async with self._session.get(self._metrics) as response:
                return Scrape(await response.text())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LabError(f"no metrics at {self._metrics}: {type(error).__name__}") from None

    async def mark(self) -> None:
        """Remember where the metrics stand."""
        self._marked = await self.scrape()

    async def moved(self, count: int, name: str, **labels: str) -> Check:
        """Check by how much a counter has moved since the mark; more only where others work too."""
        now = (await self.scrape()).value(name, **labels)
        seen = (now or 0) - (self._marked.value(name, **labels) or 0)
        inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
        series = f"{name}{{{inside}}}" if labels else name
        if self.zep:
            return Check(series, f"+{count}", f"+{seen:g}", seen == count)
        return Check(series, f"+{count} or more", f"+{seen:g}", seen >= count)

    def since(self, name: str, now: Scrape, **labels: str) -> float:
        """Return by how much a sample has grown between the mark and a later scrape."""
        return (now.value(name, **labels) or 0) - (self._marked.value(name, **labels) or 0)


def troubled(status: dict[str, Any]) -> list[str]:
    """Return what of the guard or the operator's force stands in the way of reads."""
    held = [c for c in status["credentials"] if c["state"] != "closed"]
    found = {"forced": status["forced"], "guard": status["guard"]["state"] != "closed"}
    return [name for name, is_so in {**found, "auth": held}.items() if is_so]


@asynccontextmanager
async def external(proxy: str, ops: str, socket: str, key: str) -> AsyncIterator[Lab]:
    """Give a lab around a sidecar that runs already."""
    async with aiohttp.ClientSession(timeout=_ANSWER) as session:
        yield Lab(session, proxy.rstrip("/"), ops.rstrip("/"), socket, key)


@asynccontextmanager
async def embedded() -> AsyncIterator[Lab]:
    """Give a lab around a sidecar of our own, in front of the embedded Zep."""
    zep = StandIn()
    await zep.start()
    try:
        async with started(zep) as lab:
            yield lab
    finally:
        await zep.stop()


@asynccontextmanager
async def started(zep: StandIn, **flags: str) -> AsyncIterator[Lab]:
    """Start a sidecar, a process as in a pod, in front of the embedded Zep; stop it in the end."""
    with TemporaryDirectory(prefix="zep-sidecar-drill-") as directory:
        socket = str(Path(directory) / "admin.sock")
        more = {"LISTEN__ADMIN": socket, "TIMEOUTS__READ": str(READ_TIMEOUT), "LOG__LEVEL": "error"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sidecar", "run",
            env={**settings(zep.url, HOLD, **more), **flags},
            stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
            start_new_session=True,  # Ctrl-C is for the drill, which has to clean up
        )  # fmt: skip
        try:
            ready = await _ready(process)
            async with external(
                f"http://{ready['proxy']}", f"http://{ready['ops']}", socket, "drill"
            ) as lab:
                lab.zep = zep
                yield lab
        finally:
            await _end(process)


async def _ready(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(_START):
            line = await process.stdout.readline()
            if not line:
                said = (await process.stderr.read()).decode(errors="replace")
                raise LabError(f"the embedded sidecar does not start: {said.strip()}")
    except TimeoutError:
        raise LabError(f"the embedded sidecar is not ready in {_START:g} s") from None
    return dict(json.loads(line))


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(_STOP):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
