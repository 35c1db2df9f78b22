"""What the real SDKs make of each mode: reads find nothing and raise nothing, writes are writes."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sidecar import zep_mode
from sidecar.core.routes import Route, RouteClass, match
from sidecar.standin import Fault, Received, StandIn
from tests.conftest import Running, StartSidecar

from .conftest import Hire
from .workers import CLOUD, MODES, NAMES, Lines, Speaker

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]  # The first run builds an environment.

NOTHING = "Context: "
"""The prompt that a worker makes of nothing."""
READS = {
    "zep-cloud-4.0.1": 21,
    "zep-cloud-3.30.0": 25,
    "zep-cloud-2.22.1": 19,
    "zep-python-2.0.2": 3,
    "zep-python-1.5.0": 7,
}
"""How many methods of an SDK read context."""
HOLD = {"hold": 600.0}
UNCACHED = {"enabled": False}
ROUTES = Path(__file__).parents[2] / "sidecar" / "core" / "routes.json"


async def in_front_of(zep: StandIn, start: StartSidecar, tmp_path: Path, limit: str) -> Running:
    """Start a sidecar whose mode the flags limit, or that can be forced; Zep begins anew."""
    zep.reset()
    flags = {"base": {"read": False}, "off": {"write": False}}.get(limit, {})
    operable = limit in {"forced", "live"}
    admin = {"admin": str(tmp_path / f"{limit}.sock") if operable else ""}
    return await start(zep.url, flags=flags, listen=admin, guard=HOLD, cache=UNCACHED)


async def force(tmp_path: Path, limit: str, *more: str) -> None:
    """Do as the operator does."""
    command = ["--socket", str(tmp_path / f"{limit}.sock"), "--force", "drill", *more]
    assert await asyncio.to_thread(zep_mode.main, command) == 0


async def trip(zep: StandIn, speaker: Speaker) -> None:
    """Let three reads fail."""
    zep.fail(Fault("status", status=500), times=3)
    assert [line["prompt"] for line in await speaker("read", times=3)] == [NOTHING] * 3


async def limited(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str, mode: str, limit: str
) -> tuple[Speaker, Running]:
    """Return a worker with a user and a thread, where something keeps it from reading."""
    running = await in_front_of(zep, start, tmp_path, limit)
    speaker = Speaker(await hire(sdk), mode, running.origin)
    if limit != "off":
        await speaker("prepare")
    if limit == "guard":
        await trip(zep, speaker)
    if limit == "forced":
        await force(tmp_path, limit)
    status = running.sidecar.status()
    assert status["effective"] == ("off" if limit == "off" else "write_only")
    assert status["limited_by"] == ["base" if limit == "off" else limit]
    zep.received.clear()
    return speaker, running


def reading(lines: Lines) -> Lines:
    """Return the calls that asked for context."""
    return [line for line in lines if RouteClass.CONTEXT in classes(line)]


def classes(line: dict[str, Any]) -> set[RouteClass]:
    """Return what the requests of one call were for."""
    return {route.cls for route in routes(line)}


def routes(line: dict[str, Any]) -> list[Route]:
    """Return the operations that one call asked for."""
    found = [match(method, urlsplit(url).path) for method, url, _ in line.get("answers", [])]
    return [route for route in found if route]


def reads_at(zep: StandIn) -> list[Received]:
    """Return the reads of context that reached Zep."""
    return [request for request in zep.received if is_read(request)]


def is_read(request: Received) -> bool:
    """Say whether a request asks for context."""
    route = match(request.method, request.target)
    return route is not None and route.cls is RouteClass.CONTEXT


def may_be_none(field: str) -> bool:
    """Say whether a field may be None: nothing has no name and no date, and no limit cut it."""
    name = field.rpartition(".")[2].rstrip("_")
    return name.endswith(("uuid", "_id", "_at")) or name == "truncation_reason"


def harmless(line: dict[str, Any]) -> None:
    """A read brought a result, in one answer, with text where text is declared."""
    assert "error" not in line, line
    assert [status for _, _, status in line["answers"]] == [200], line
    assert [field for field in line["none"] if not may_be_none(field)] == [], line


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sdk", NAMES)
async def test_case_46_every_read_of_every_sdk_is_harmless(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str, mode: str
) -> None:
    """None raises, text is text and pagers end: held, dark, forced and off; Zep hears of none."""
    speaker, _ = await limited(zep, start, tmp_path, hire, sdk, mode, "guard")
    held = reading(await speaker("sweep"))
    names = sorted({line["step"].split()[2] for line in held})
    assert len(names) == READS[sdk], names
    results = {line["step"]: line["parsed"] for line in held}
    for line in held:
        harmless(line)
    for limit in ("base", "forced", "off"):
        elsewhere, _ = await limited(zep, start, tmp_path, hire, sdk, mode, limit)
        lines = reading(await elsewhere("sweep", only=names))
        for line in lines:
            harmless(line)
        found = {line["step"]: line["parsed"] for line in lines}
        assert found == results
        assert reads_at(zep) == []


async def test_the_sdks_know_every_read(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire
) -> None:
    """Together their methods ask every route that answers with context."""
    asked = set()
    for sdk in NAMES:
        speaker, _ = await limited(zep, start, tmp_path, hire, sdk, "sync", "base")
        for line in reading(await speaker("sweep")):
            asked |= {(route.api, route.method, route.path) for route in routes(line)}
    rows = json.loads(ROUTES.read_bytes())
    known = {(r["api"], r["method"], r["path"]) for r in rows if r["class"] == "CTX"}
    assert known - asked == set()


@pytest.mark.parametrize("sdk", CLOUD)
async def test_an_answer_without_text_would_be_seen(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str
) -> None:
    """The check above is not blind: a `{}` from Zep leaves the context None."""
    running = await in_front_of(zep, start, tmp_path, "live")
    speaker = Speaker(await hire(sdk), "sync", running.origin)
    await speaker("prepare")
    zep.fail(Fault("status", status=200, body=b"{}"), times=1)
    lines = await speaker(
        "sweep", only=["thread.get_context", "thread.get_user_context", "memory.get"]
    )
    assert any(field.endswith(".context") for field in lines[0]["none"]), lines[0]


@pytest.fixture(params=["guard", "base", "forced"])
def reduced(request: pytest.FixtureRequest) -> str:
    """What keeps the sidecar from reading, and lets it write."""
    return str(request.param)


@pytest.mark.parametrize("sdk", NAMES)
async def test_case_04_a_dark_launch_reads_nothing(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str
) -> None:
    """Writes arrive; the prompt is the one of nothing; Zep is not asked."""
    speaker, _ = await limited(zep, start, tmp_path, hire, sdk, "sync", "base")
    assert "error" not in await speaker.once("write")
    assert len(zep.received) == 1
    assert (await speaker.once("read"))["prompt"] == NOTHING
    assert len(zep.received) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sdk", NAMES)
async def test_case_05_a_look_up_belongs_to_the_write_path(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str, mode: str
) -> None:
    """In write_only an absent user is Zep's own NotFound, and is then added."""
    running = await in_front_of(zep, start, tmp_path, "base")
    speaker = Speaker(await hire(sdk), mode, running.origin)
    error = (await speaker.once("get_user"))["error"]
    assert error["type"] == "NotFoundError"
    added = await speaker.once("add_user")
    assert "error" not in added, added
    assert [request.method for request in zep.received if "healthz" not in request.target] == [
        "GET",
        "POST",
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sdk", CLOUD)
async def test_case_06_a_write_that_reads_only_writes(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str, mode: str, reduced: str
) -> None:
    """Zep gets the message with return_context false; the SDK's object has an empty context."""
    speaker, _ = await limited(zep, start, tmp_path, hire, sdk, mode, reduced)
    line = await speaker.once("hybrid")
    assert line.get("prompt") == NOTHING, line
    assert line["parsed"]["context"] == ""
    (request,) = zep.received
    body = json.loads(request.body)
    assert body["return_context"] is False
    assert [message["content"] for message in body["messages"]] == ["The parcel is late."]


@pytest.mark.parametrize("sdk", CLOUD)
async def test_a_write_that_reads_does_so_in_read_write(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str
) -> None:
    """Without a limit the same call brings context, and nothing of it was changed."""
    running = await in_front_of(zep, start, tmp_path, "live")
    speaker = Speaker(await hire(sdk), "sync", running.origin)
    await speaker("prepare")
    assert "The parcel is late." in (await speaker.once("hybrid"))["prompt"]
    assert json.loads(zep.received[-1].body)["return_context"] is True


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sdk", NAMES)
async def test_case_09_off_takes_appends_refuses_the_rest_and_forgets(
    zep: StandIn, start: StartSidecar, tmp_path: Path, hire: Hire, sdk: str, mode: str
) -> None:
    """An append counts as taken, a new user is refused at once, a deletion goes to Zep."""
    running = await in_front_of(zep, start, tmp_path, "live")
    speaker = Speaker(await hire(sdk), mode, running.origin)
    await speaker("prepare")
    await force(tmp_path, "live", "--mode", "off")
    zep.received.clear()

    taken = await speaker.once("write")
    assert "error" not in taken, taken
    refused = await speaker.once("add_user")
    assert refused["error"]["status"] == 424
    assert len(refused["answers"]) == 1
    assert "off" in json.dumps(refused["error"]["body"])
    assert list(zep.received) == []

    forgotten = await speaker.once("delete_user")
    assert "error" not in forgotten, forgotten
    assert [request.method for request in zep.received] == ["DELETE"]
