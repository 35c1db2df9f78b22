"""The image as it is built and as it runs: hardened as in a pod, with 128 MiB.

Containers share this machine's network, so that they are asked over loopback, except where a pod's
own is the subject.
"""

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from signal import SIGTERM

import pytest
from packaging.requirements import Requirement

import sidecar
from sidecar.standin import StandIn
from tests.atomic_writer import ConfigMapVolume
from tests.image.conftest import StartContainer
from tests.image.engine import BASE, HARDENED, IMAGE, ROOT, Engine, proc_status
from tests.runtime.support import read
from tests.test_app import ask, ops
from tests.wire import OK, ScriptedUpstream, Worker, request

# Of the first test, the time includes that of two builds, and of making what they build on.
pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

MESSAGES = "/api/v2/threads/t1/messages"
BODY = b'{"messages":[{"role":"user","content":"write to ayse@example.com, 0532 123 45 67"}]}'
REDACTED = b'{"messages":[{"role":"user","content":"write to [EMAIL], [PHONE]"}]}'
MEGABYTE = 1_000_000


# --- what is in it --------------------------------------------------------------------------------


def test_two_builds_give_one_image(engine: Engine) -> None:
    """The same sources and the same base give the same id, whoever builds."""
    first, second = engine.ids
    assert first == second


def test_size(engine: Engine, measured: list[str]) -> None:
    """Under 90 MB above its base."""
    above = engine.image(IMAGE)["Size"] - engine.image(BASE)["Size"]
    measured.append(f"{above / MEGABYTE:.1f} MB above the base")
    assert above < 90 * MEGABYTE


def test_settings(engine: Engine) -> None:
    """Who it runs as, what it runs, and what it is."""
    config = engine.image(IMAGE)["Config"]
    assert config["User"] == "65532:65532"
    assert (config["Entrypoint"], config["Cmd"]) == (["zep-sidecar"], ["run"])
    assert list(config["ExposedPorts"]) == ["9464/tcp"]
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert labels["title"] == "zep-sidecar"
    assert (labels["version"], labels["revision"]) == ("1.2.3", "abc")
    assert "created" not in labels
    assert not [line for line in config["Env"] if line.startswith("PIP_")]


LIST = """
import importlib.metadata, json, os, platform
here = {d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
files = [os.path.join(d, f) for d, _, fs in os.walk("/opt") for f in fs]
print(json.dumps({"packages": here, "files": files, "python": platform.python_version()}))
"""


def test_packages(engine: Engine) -> None:
    """Those of the lock file and the sidecar, and nothing else; no pip, no secret of a checkout."""
    found = json.loads(engine.python(LIST))
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    locked = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalpha()]
    python = found["python"]
    there = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    expected = {
        wanted.name.lower(): str(wanted.specifier).removeprefix("==")
        for wanted in locked
        if wanted.marker is None or wanted.marker.evaluate(there)
    }
    assert found["packages"] == {**expected, "zep-sidecar": sidecar.__version__}
    names = [name for name in found["files"] if "planted" in name or Path(name).name == ".env"]
    assert not names
    assert not [name for name in found["files"] if name.endswith(".whl")]
    assert [name for name in found["files"] if name.endswith("licenses/LICENSE")]


COMPILED = """
import json, os, shutil, sidecar.runtime.proxy
files = [os.path.join(d, f) for d, _, fs in os.walk("/opt") for f in fs]
print(json.dumps({
    "proxy": sidecar.runtime.proxy.__file__,
    "sources": [name for name in files if name.endswith((".c", ".o"))],
    "build": [name for name in files if "/build/" in name],
    "compilers": [name for name in ("cc", "gcc", "ld", "mypyc") if shutil.which(name)],
}))
"""


def test_compiled(engine: Engine) -> None:
    """The request path is; neither what it was compiled from nor with is there."""
    found = json.loads(engine.python(COMPILED))
    assert found.pop("proxy").endswith(".so")
    assert not any(found.values()), found


UNCOMPILED = """
import os, sys
sys.argv = ["zep-sidecar"]
import sidecar.cli, sidecar.runtime.shared_tier, redis.asyncio, aiocache, uvloop, encodings.idna
cached = [getattr(m, "__cached__", None) for m in list(sys.modules.values())]
assert sum(map(bool, cached)) > 300, len(cached)
print([c for c in cached if c and not os.path.exists(c)])
"""


def test_byte_code(engine: Engine) -> None:
    """Nothing that is imported must be compiled first, the standard library included."""
    assert engine.python(UNCOMPILED) == "[]"


PATTERNS = """
from sidecar import patterns
patterns.reuse()
import sidecar.cli
from sidecar.redact import Policy, Redactor
Redactor(Policy()).warm_up()
print(patterns.keep())
"""


def test_patterns(engine: Engine) -> None:
    """Nor must the patterns, but for a few of Python's own."""
    assert int(engine.python(PATTERNS)) < 10


# --- how it runs ----------------------------------------------------------------------------------


async def test_hardened(start_container: StartContainer) -> None:
    """Nobody's user, no capability, nothing to gain."""
    container = await start_container()
    await container.ready()
    status = await container.process()
    assert status["Uid"] == status["Gid"] == ["65532"] * 4
    assert all(int(status[key][0], 16) == 0 for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert status["NoNewPrivs"] == ["1"]


def test_nothing_can_be_written(engine: Engine) -> None:
    """Without mounts there is no place at all."""
    code = "import tempfile\ntry: print(tempfile.gettempdir())\nexcept OSError as e: print(e)"
    assert "No usable temporary directory" in engine.python(code)


async def test_start(start_container: StartContainer, measured: list[str]) -> None:
    """It serves within a second; of its own, because this machine may be busy."""
    seconds, own = [], []
    for _ in range(3):
        container = await start_container()
        ready = await container.ready()
        own.append(await container.computed())
        assert ready["native"] is True
        begun = datetime.fromisoformat((await container.state())["StartedAt"])
        seconds.append((datetime.fromisoformat(ready["ts"]) - begun).total_seconds())
        assert (await ops(container.ops_port, "/readyz")).status == 200
        await container.signal("TERM")
        await container.end()
    measured.append("seconds from start to serving: " + ", ".join(f"{s:.2f}" for s in seconds))
    measured.append("of these, computing: " + ", ".join(f"{s:.2f}" for s in own))
    assert min(own) < 1


async def test_no_shell_is_needed(start_container: StartContainer) -> None:
    """With the shells out of the way, all of it works."""
    hidden = [f"--volume=/dev/null:/usr/bin/{shell}:ro" for shell in ("dash", "bash")]
    container = await start_container("http://127.0.0.1:9", *hidden)
    await container.ready()
    assert (await container.zep_mode())["effective"] == "read_write"
    await container.signal("TERM")
    assert (await container.end())[0] == 0


async def test_traffic(start_container: StartContainer) -> None:
    """What the worker sends is redacted; health, metrics and the operator's command work."""
    zep = StandIn()
    await zep.start()
    container = await start_container(zep.url)
    await container.ready()
    answer = await ask(container.port, request("POST", MESSAGES, BODY))
    assert answer.values("x-zep-sidecar-outcome") == ["live"]
    assert [received.body for received in zep.received] == [REDACTED]
    for path in ("/livez", "/readyz", "/startupz"):
        assert (await ops(container.ops_port, path)).status == 200
    metrics = (await ops(container.ops_port, "/metrics")).body.decode()
    assert 'memory_zep_redactions_total{field_type="email"} 1.0' in metrics
    assert f'version="{sidecar.__version__}"' in metrics
    status = await container.zep_mode("--force", "drill")
    assert (status["effective"], status["forced"]["reason"]) == ("write_only", "drill")
    await zep.stop()


POD = """
import asyncio, json, sys
from sidecar.standin import StandIn

async def ask(port, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data.replace(b"HTTP/1.1\\r\\n", b"HTTP/1.1\\r\\nConnection: close\\r\\n", 1))
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])

async def main():
    zep = StandIn()
    await zep.start(port=18080)
    print(json.dumps({
        "proxy": await ask(8790, sys.argv[1].encode()),
        "ready": await ask(9464, b"GET /readyz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"),
        "received": [received.body.decode() for received in zep.received],
    }))
    await zep.stop()

asyncio.run(main())
"""


async def test_as_in_a_pod(engine: Engine, start_container: StartContainer) -> None:
    """Two containers on one loopback, with the default ports, and nothing else to reach."""
    container = await start_container("http://127.0.0.1:18080", network="none")
    await container.ready()
    output = await engine.podman_meanwhile(
        *("run", "--rm", *HARDENED, "--network", f"container:{container.name}"),
        *("--entrypoint", "python3", IMAGE, "-c", POD, request("POST", MESSAGES, BODY).decode()),
    )
    seen = json.loads(output)
    assert seen["received"] == [REDACTED.decode()]
    assert seen["proxy"] // 100 == 2
    assert seen["ready"] == 200


# --- what is mounted, and what is not -------------------------------------------------------------


@pytest.mark.parametrize("read_only", [True, False])
async def test_nothing_is_mounted(start_container: StartContainer, read_only: bool) -> None:
    """It serves; with a read-only root it says what is missing."""
    container = await start_container(
        "http://127.0.0.1:9", f"--read-only={str(read_only).lower()}", mounted={}
    )
    await container.ready()
    await asyncio.sleep(0.5)
    missing = {line["event"] for line in await container.lines() if line["level"] == "warning"}
    assert missing == ({"no_admin_socket"} if read_only else set())
    assert (await ops(container.ops_port, "/readyz")).status == 200


async def test_mounts_that_may_not_be_written(
    start_container: StartContainer, mounts: dict[str, Path]
) -> None:
    """It serves and says so: the state of the guard is lost with the container."""
    mounts["state"].chmod(0o755)
    container = await start_container()
    await container.ready()
    await container.zep_mode("--force", "drill")
    line = await container.line("state_not_saved")
    assert line["reason"] == "Permission denied"
    await container.signal("TERM")
    assert (await container.end())[0] == 0


async def test_config_map_volume(start_container: StartContainer, mounts: dict[str, Path]) -> None:
    """An edit changes the mode, in a container as on this machine."""
    volume = ConfigMapVolume(mounts["override"])
    volume.sync(None)
    container = await start_container()
    await container.ready()
    volume.sync({"override.yaml": "mode: write_only\n"})
    assert (await container.line("override"))["mode"] == "write_only"
    status = await container.zep_mode()
    assert (status["effective"], status["override"]["state"]) == ("write_only", "active")


async def test_config_map_by_sub_path(
    start_container: StartContainer, mounts: dict[str, Path], tmp_path: Path
) -> None:
    """Is warned about: no edit will arrive."""
    volume = ConfigMapVolume(tmp_path / "config-map")
    volume.sync({"override.yaml": "mode: write_only\n"})
    file = volume.sub_path("override.yaml")
    del mounts["override"]
    target = "/etc/zep-sidecar/override/override.yaml"
    container = await start_container("http://127.0.0.1:9", f"--volume={file}:{target}:ro")
    await container.ready()
    assert (await container.line("override_never_updates"))["where"] == target
    volume.sync({"override.yaml": "mode: off\n"})
    await asyncio.sleep(1.5)
    assert (await container.zep_mode())["effective"] == "write_only"


async def test_config_map_that_may_not_be_read(
    start_container: StartContainer, mounts: dict[str, Path]
) -> None:
    """As with a defaultMode of 0400: nobody knows what operators want, so no reads."""
    ConfigMapVolume(mounts["override"], default_mode=0o400).sync({"override.yaml": "mode: off\n"})
    container = await start_container()
    await container.ready()
    assert (await container.line("override"))["reason"] == "Permission denied"
    status = await container.zep_mode()
    assert (status["effective"], status["override"]["state"]) == ("write_only", "unreadable")


# --- how it ends ----------------------------------------------------------------------------------


async def test_drain(start_container: StartContainer, upstream: ScriptedUpstream) -> None:
    """SIGTERM to the first process: what is in flight gets its answer, then exit code 0."""
    answered = asyncio.Event()

    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        writer.write(OK)

    upstream.always = slow
    container = await start_container(upstream.url)
    await container.ready()
    async with Worker(container.port) as worker:
        await worker.send(request("POST", MESSAGES, BODY))
        await upstream.until(1)
        await container.signal("TERM")
        while (await ops(container.ops_port, "/readyz")).status != 503:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        answered.set()
        assert (await worker.answer()).status == 200
    code, seconds = await container.end()
    assert code == 0
    assert seconds < 5


async def test_end_while_it_loads(start_container: StartContainer) -> None:
    """A pod that is deleted at once does not wait for SIGKILL: the first process handles it."""
    container = await start_container()
    pid = (await container.state())["Pid"]
    while not int(proc_status(pid)["SigCgt"][0], 16) & 1 << SIGTERM - 1:
        pass
    os.kill(pid, SIGTERM)  # at once: by way of podman it may have loaded meanwhile
    code, seconds = await container.end()
    assert (code, await container.lines()) == (0, [])
    assert seconds < 5


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
async def test_restart(engine: Engine, start_container: StartContainer, signal: str) -> None:
    """A container that comes back still knows what the operator has forced, and has its socket."""
    container = await start_container()
    await container.ready()
    assert (await container.zep_mode("--force", "drill"))["effective"] == "write_only"
    await container.signal(signal)
    assert (await container.end())[0] == (0 if signal == "TERM" else 137)
    await engine.podman_meanwhile("start", container.name)
    await container.line("ready", 2)
    status = await container.zep_mode()
    assert (status["effective"], status["forced"]["reason"]) == ("write_only", "drill")


# --- within 128 MiB -------------------------------------------------------------------------------


async def test_burst(
    start_container: StartContainer,
    upstream: ScriptedUpstream,
    measured: list[str],
) -> None:
    """A crowd of large writes beside a full cache of 32 MiB does not cost it its life.

    With the default of 64 MiB it would: that is for a container with more memory.
    """
    limit, count = 2**25, 1800
    context = json.dumps({"context": "x" * 20_000}).encode()
    upstream.always = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + (
        b"Content-Length: %d\r\n\r\n%b" % (len(context), context)
    )
    container = await start_container(upstream.url, ZEP_SIDECAR_CACHE__MAX_BYTES=str(limit))
    await container.ready()

    async def measure(name: str) -> None:
        memory = await container.memory()
        of = ", ".join(f"{key} {memory[key]:.1f} MB" for key in ("VmRSS", "RssAnon", "VmHWM"))
        measured.append(f"{name}: {of}")

    async def read_some(first: int) -> None:
        async with Worker(container.port) as worker:
            for number in range(first, first + count // 10):
                await worker.send(read("one", f"/api/v2/threads/t{number}/context"))
                assert (await worker.answer()).status == 200

    await measure("idle")
    await asyncio.gather(*(read_some(first) for first in range(0, count, count // 10)))
    cache = (await container.zep_mode())["cache"]
    await measure(f"{cache['entries']} contexts, {cache['bytes']} bytes")
    body = json.dumps({"messages": [{"role": "user", "content": "ayse@example.com " * 4000}]})

    async def write_some() -> None:
        async with Worker(container.port) as worker:
            for _ in range(3):
                await worker.send(request("POST", MESSAGES, body.encode()))
                assert (await worker.answer()).status == 200

    await asyncio.gather(*(write_some() for _ in range(100)))
    await measure("300 writes of 68 kB by 100 workers at once")
    state = await container.state()
    assert (state["Running"], state["OOMKilled"]) == (True, False)
    assert 0.95 * limit < cache["bytes"] <= limit
    assert all(b"ayse" not in message.body for message in upstream.received)
