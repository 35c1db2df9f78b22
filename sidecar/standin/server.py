"""The stand-in's front door: records what arrives, misbehaves on demand, answers like Zep."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from http import HTTPStatus
from ssl import SSLContext
from types import ModuleType
from typing import Any, Literal, get_args
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from aiohttp import web

from sidecar.runtime import clock
from sidecar.standin import v1, v2, v4
from sidecar.standin.route import Call, MissingError, Reply
from sidecar.standin.store import Store
from sidecar.standin.wire import Answer, Wire

VERSIONS: dict[str, ModuleType] = {"/api/v1/": v1, "/api/v2/": v2, "/api/v4/": v4}
CONTROL = "/_standin/"
KEPT = 10_000
"""How many received requests are remembered; older ones go first."""
HEADER_LINE = 65_536 + 1_024
LIMITS = (
    ("X-RateLimit-Limit", "1000"),
    ("X-RateLimit-Remaining", "999"),
    ("X-RateLimit-Reset", "1735689600"),
)
"""Zep sends its rate limits with every answer."""

Headers = Iterable[tuple[str, str]]
Kind = Literal["status", "delay", "hang", "reset", "truncate", "close", "drip"]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: raw target and headers, the body without its chunk framing."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    `status` answers it; `delay` waits `seconds`, then serves; `hang` never answers; `reset` sends
    RST before an answer, or after `after` bytes of its body; `truncate` announces the whole body
    and closes after `after` bytes; `close` hangs up unannounced after an answer, when the
    connection has had `after` requests; `drip` sends the body byte by byte, `seconds` apart.
    """

    kind: Kind
    status: int = 503
    seconds: float = 0.0
    after: int = 0
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Rule:
    """A fault with the requests that it is for."""

    fault: Fault
    path: str
    times: int | None


class StandIn:
    """A Zep that keeps everything it receives and breaks when told to."""

    def __init__(self, now: Callable[[], datetime] = clock.wall) -> None:
        self.received: deque[Received] = deque(maxlen=KEPT)
        self.url = ""
        self._store = Store(now)
        self._scripted: dict[tuple[str, str], Answer] = {}
        self._counted: list[Rule] = []
        self._standing: list[Rule] = []
        self._served: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()
        self._runner: web.ServerRunner | None = None

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, ssl_context: SSLContext | None = None
    ) -> None:
        """Listen; port 0 takes a free one. `url` names the origin from here on."""
        self._stopping = asyncio.Event()
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            max_line_size=HEADER_LINE,
            max_field_size=HEADER_LINE,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=ssl_context)
        await site.start()
        scheme = "https" if ssl_context else "http"
        self.url = f"{scheme}://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and end every connection, also the hanging ones."""
        if self._runner is not None:
            self._stopping.set()
            await self._runner.cleanup()
            self._runner = None

    def fail(self, fault: Fault, times: int | None = None, path: str = "") -> None:
        """Apply a fault to requests whose target contains `path`, `times` of them or until heal().

        Counted faults go first, in the order given; then the newest standing one that fits.
        """
        rule = Rule(fault, path, times)
        if times is None:
            self._standing.insert(0, rule)
        else:
            self._counted.append(rule)

    def heal(self) -> None:
        """Drop every fault; requests that hang keep hanging."""
        self._counted.clear()
        self._standing.clear()

    def reset(self) -> None:
        """Forget data, record, scripted answers and faults."""
        self.heal()
        self._store.clear()
        self._scripted.clear()
        self.received.clear()

    def answer(self, method: str, path: str, status: int, headers: Headers, body: bytes) -> None:
        """Answer a path (without its query) with exactly these headers and bytes.

        Content-Length is added unless the headers hold a length, an encoding or Connection: close.
        """
        self._scripted[method, path] = Answer(status, tuple(headers), body)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await request.content.read()
        target = request.raw_path
        if target.startswith(CONTROL):
            return Wire(self._control(request.method, target, body))
        self.received.append(Received(request.method, target, request.raw_headers, body))
        served = 0
        if request.transport is not None:
            served = self._served[request.transport] = self._served.get(request.transport, 0) + 1
        fault = self._fault(target, served)
        if fault is None:
            return Wire(self._serve(request.method, target, body))
        return await self._misbehave(fault, request, body)

    def _fault(self, target: str, served: int) -> Fault | None:
        """Return the fault for this request and count it down."""
        for rule in (*self._counted, *self._standing):
            if rule.path not in target or (
                rule.fault.kind == "close" and served < rule.fault.after
            ):
                continue
            if rule.times is not None:
                rule.times -= 1
                self._counted = [left for left in self._counted if left.times]
            return rule.fault
        return None

    async def _misbehave(
        self, fault: Fault, request: web.BaseRequest, body: bytes
    ) -> web.StreamResponse:
        """Answer a request the wrong way."""
        if fault.kind == "status":
            return Wire(refusal(fault))
        if fault.kind in {"delay", "hang"}:
            limit = fault.seconds if fault.kind == "delay" else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), limit)
                return Wire(None, "close")
        if fault.kind == "reset" and fault.after == 0:
            return Wire(None, "reset")
        answer = self._serve(request.method, request.raw_path, body)
        if fault.body is not None:
            answer = replace(answer, body=fault.body)
        if fault.kind == "delay":
            return Wire(answer)
        if fault.kind == "close":
            return Wire(answer, "close")
        if fault.kind == "drip":
            whole = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
            bytewise = tuple(whole[at : at + 1] for at in range(len(whole)))
            return Wire(replace(answer, body=bytewise), pause=fault.seconds)
        return Wire(answer, "reset" if fault.kind == "reset" else "close", fault.after)

    def _serve(self, method: str, target: str, body: bytes) -> Answer:
        """Return the normal answer of the API that the path names."""
        path = urlsplit(target).path
        if (method, path) in self._scripted:
            return self._scripted[method, path]
        if path.endswith("/healthz"):
            return wired(v1.HEALTHY)
        for prefix, api in VERSIONS.items():
            if prefix in path:
                return wired(self._ask(api, method, target.split(prefix, 1)[1], body))
        return wired(Reply({"message": f"no such path: {path}"}, 404))

    def _ask(self, api: ModuleType, method: str, below: str, body: bytes) -> Reply:
        """Return what one API version answers, errors in its own shape."""
        try:
            parsed = json.loads(body) if body else {}
        except ValueError:
            parsed = {}
        call = Call.parse("GET" if method == "HEAD" else method, below, parsed)
        found = api.routes.find(call)
        handler, idents = found or (api.fallback, ())
        try:
            made = handler(self._store, call, *idents)
        except MissingError as missing:
            made = api.error(404, str(missing))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            made = api.error(400, f"bad request: {wrong!r}")
        return made if isinstance(made, Reply) else Reply(made)

    def _control(self, method: str, target: str, body: bytes) -> Answer:
        """Serve the paths for use by hand; they are never recorded."""
        command = (method, target.removeprefix(CONTROL))
        try:
            if command == ("POST", "fault"):
                self._fail_by_hand(json.loads(body))
            elif command == ("POST", "heal"):
                self.heal()
            elif command == ("POST", "reset"):
                self.reset()
            elif command != ("GET", "requests"):
                return wired(Reply({"message": f"no such control path: {target}"}, 404))
        except (KeyError, TypeError, ValueError) as wrong:
            return wired(Reply({"message": f"not a fault: {wrong}"}, 400))
        if method == "GET":
            return wired(Reply([readable(request) for request in self.received]))
        return wired(Reply({"message": "OK"}))

    def _fail_by_hand(self, fields: dict[str, Any]) -> None:
        """Build a fault from JSON: the body as text, the headers as an object."""
        times, path = fields.pop("times", None), fields.pop("path", "")
        if isinstance(text := fields.get("body"), str):
            fields["body"] = text.encode()
        headers = tuple(dict(fields.pop("headers", {})).items())
        if fields["kind"] not in get_args(Kind):
            raise ValueError(fields["kind"])
        self.fail(Fault(**fields, headers=headers), times, path)


def refusal(fault: Fault) -> Answer:
    """Return a status with a body that every SDK can read, unless the fault brings its own."""
    message = f"{fault.status} from the stand-in"
    shape = {"message": message, "error": {"code": "fault", "message": message}}
    answer = wired(Reply(shape if fault.body is None else fault.body, fault.status))
    return replace(answer, headers=(*answer.headers, *fault.headers))


def wired(reply: Reply) -> Answer:
    """Return a reply with the headers that Zep would send."""
    body = reply.body
    if not isinstance(body, bytes | tuple):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    kind = () if reply.status == HTTPStatus.NO_CONTENT else (("Content-Type", reply.content_type),)
    return Answer(reply.status, (*kind, *LIMITS), body)


def readable(request: Received) -> dict[str, Any]:
    """Return a received request as JSON for the eye; bytes that are no text are replaced."""
    text = {"body": request.body.decode(errors="replace")}
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers]
    return {**asdict(request), **text, "headers": headers}
