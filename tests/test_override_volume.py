"""The whole process on ConfigMap volumes: each thing that the kubelet does to one, and what shows.

tests/runtime/test_watcher.py has the finer cases. What is asked here of every state is what an
operator sees: the mode, the status, the metrics and the log line.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.atomic_writer import ConfigMapVolume, Crash
from tests.process import Process
from tests.test_app import ops
from tests.wire import ScriptedUpstream

GAUGE = {"off": 0, "write_only": 1, "read_write": 2}
KEY = "override.yaml"
NOBODY = 65532
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def override(mode: str) -> dict[str, str]:
    """Return the data of a ConfigMap."""
    return {KEY: f"mode: {mode}\n"}


@dataclass
class Pod:
    """A sidecar process with the volume of its override."""

    process: Process
    socket: Path
    volume: ConfigMapVolume

    async def shows(self, state: str, mode: str | None, effective: str) -> dict[str, Any]:
        """Wait for the next word of the override, and compare all that operators see with it."""
        line = await self.process.event("override")
        assert (line["state"], line.get("mode")) == (state, mode)
        failed = state in ("invalid", "unreadable")
        assert line["level"] == ("warning" if failed else "info")
        assert failed == ("reason" in line)
        await self.stands(state, mode, effective, line["hash"])
        return line

    async def stands(self, state: str, mode: str | None, effective: str, digest: str) -> None:
        """Compare the status and the metrics with what they should be."""
        status = await self.status()
        seen = status["override"] and (status["override"]["state"], status["override"]["mode"])
        assert seen == (None if state == "none" else (state, mode))
        assert (status["effective"], status["gauge"]) == (effective, GAUGE[effective])
        metrics = await self.metrics()
        assert metrics["memory_mode_gauge"] == GAUGE[effective]
        good = state not in ("invalid", "unreadable")
        assert metrics["zep_sidecar_override_last_reload_successful"] == good
        info = {"hash": digest, "mode": mode or "inherit", "state": state}
        assert metrics["zep_sidecar_override_info", *sorted(info.items())] == 1

    async def status(self) -> dict[str, Any]:
        """Ask the admin socket."""
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        writer.write(b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        status: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return status

    async def metrics(self) -> dict[object, float]:
        """Scrape; a sample without labels is under its name, others under name and labels."""
        text = (await ops(self.process.ops_port, "/metrics")).body.decode()
        return {
            (sample.name, *sorted(sample.labels.items())) if sample.labels else sample.name: (
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def last_success(self) -> float:
        """Return when the last good file was taken over."""
        name = "zep_sidecar_override_last_reload_success_timestamp_seconds"
        return (await self.metrics())[name]


StartPod = Callable[..., Awaitable[Pod]]


@asynccontextmanager
async def pods(directory: Path, upstream: ScriptedUpstream) -> AsyncIterator[StartPod]:
    """Give a function that starts a sidecar on a volume, or on a given override path."""
    started: list[Process] = []

    async def start(
        volume: ConfigMapVolume, path: Path | None = None, wrapper: tuple[str, ...] = ()
    ) -> Pod:
        socket = directory / "admin.sock"
        listen = {"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0", "admin": str(socket)}
        process = await Process.start(
            directory,
            upstream.url,
            wrapper=wrapper,
            listen=listen,
            guard={"state_file": ""},
            override={"path": str(path or volume.path / KEY), "poll_interval": 0.02},
        )
        started.append(process)
        return Pod(process, socket, volume)

    yield start
    for process in started:
        await process.stop()


@pytest.fixture
async def start_pod(tmp_path: Path, upstream: ScriptedUpstream) -> AsyncIterator[StartPod]:
    """Start sidecars of one's own user."""
    async with pods(tmp_path, upstream) as start:
        yield start


@pytest.fixture
def volume(tmp_path: Path) -> ConfigMapVolume:
    """The volume of an optional ConfigMap."""
    return ConfigMapVolume(tmp_path / "override")


async def test_from_nothing_to_nothing(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Absent, created, edited, edited to the same, deleted, created again."""
    volume.sync(None)
    pod = await start_pod(volume)
    await pod.stands("none", None, "read_write", "none")
    volume.sync(override("off"))
    line = await pod.shows("active", "off", "off")
    assert line["hash"] == sha256(b"mode: off\n").hexdigest()[:12]
    volume.sync(override("write_only"))
    await pod.shows("active", "write_only", "write_only")
    volume.sync(override("write_only"))
    volume.sync(None)
    await pod.shows("none", None, "read_write")
    volume.sync(override("off"))
    await pod.shows("active", "off", "off")


async def test_keys_come_and_go(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Of several keys only ours counts, and a change of the others is none."""
    volume.sync({"notes": "x"})
    pod = await start_pod(volume)
    await pod.stands("none", None, "read_write", "none")
    volume.sync({"notes": "x", **override("write_only")})
    await pod.shows("active", "write_only", "write_only")
    before = await pod.last_success()
    volume.sync({"notes": "y", **override("write_only")})
    await asyncio.sleep(0.2)
    assert await pod.last_success() == before
    volume.sync({"notes": "y"})
    await pod.shows("none", None, "read_write")
    assert await pod.last_success() > before


async def test_mistake_and_its_correction(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """The last good one stays meanwhile."""
    volume.sync(override("write_only"))
    pod = await start_pod(volume)
    before = await pod.last_success()
    volume.sync(override("writeonly"))
    line = await pod.shows("invalid", "write_only", "write_only")
    assert (line["where"], line["key"]) == (f"{KEY}:1", "mode")
    assert "writeonly" not in json.dumps(line)
    assert await pod.last_success() == before
    volume.sync(override("off"))
    await pod.shows("active", "off", "off")


async def test_mistake_at_the_start(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Operators want something, and nobody knows what: no reads."""
    volume.sync(override("writeonly"))
    pod = await start_pod(volume)
    assert (await pod.status())["limited_by"] == ["invalid_override"]
    digest = sha256(b"mode: writeonly\n").hexdigest()[:12]
    await pod.stands("invalid", None, "write_only", digest)
    volume.sync(None)
    await pod.shows("none", None, "read_write")


@pytest.mark.parametrize("step", ["directory", "symlink", "rename", "visible", "stale", "removed"])
async def test_crash_of_the_kubelet(
    start_pod: StartPod, volume: ConfigMapVolume, step: str
) -> None:
    """An edit counts from the rename on; nothing that is left behind is taken for a failure."""
    volume.sync(override("off"))
    pod = await start_pod(volume)
    with pytest.raises(Crash):
        volume.writer.write({KEY: b"mode: write_only\n"}, crash_after=step)
    if step in ("directory", "symlink"):
        await asyncio.sleep(0.2)
        digest = sha256(b"mode: off\n").hexdigest()[:12]
        await pod.stands("active", "off", "off", digest)
    else:
        await pod.shows("active", "write_only", "write_only")
    if step == "symlink":
        with pytest.raises(FileExistsError):
            volume.sync(override("write_only"))
        volume.writer.recover()
    volume.sync(override("read_write"))
    await pod.shows("active", "read_write", "read_write")
    volume.sync(None)
    await pod.shows("none", None, "read_write")


async def test_volume_comes_off(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Nobody has taken the override back; nor while it is being put on again."""
    volume.sync(override("off"))
    pod = await start_pod(volume)
    shutil.rmtree(volume.path)
    line = await pod.shows("unreadable", "off", "off")
    assert line["reason"] == f"{volume.path} does not exist"
    again = ConfigMapVolume(volume.path)
    line = await pod.shows("unreadable", "off", "off")
    assert line["reason"] == "its volume is incomplete"
    again.sync(override("write_only"))
    await pod.shows("active", "write_only", "write_only")


async def test_constant_rewriting(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Of thousands of edits every one that is seen is seen whole."""
    texts = [
        f"mode: {mode}\n" + f"# {number:05}\n" * 1500
        for number in range(20)
        for mode in ("off", "write_only")
    ]
    modes = {sha256(text.encode()).hexdigest()[:12]: text.split()[1] for text in texts}
    volume.sync({KEY: texts[0]})
    pod = await start_pod(volume)
    ending = threading.Event()

    def rewrite() -> int:
        edits = 0
        while not ending.is_set():
            edits += 1
            others = {"notes": str(edits)} if edits % 3 else {}
            volume.sync({KEY: texts[edits % len(texts)], **others})
        volume.sync(override("read_write"))
        return edits

    async def seen() -> dict[str, str]:
        [info] = [name for name in await pod.metrics() if "zep_sidecar_override_info" in str(name)]
        assert isinstance(info, tuple)
        return dict(info[1:])

    writing = asyncio.create_task(asyncio.to_thread(rewrite))
    infos: list[dict[str, str]] = []
    try:
        async with asyncio.timeout(30):
            while len({info["hash"] for info in infos}) < 30:
                infos.append(await seen())
    finally:
        ending.set()
        edits = await writing
    assert edits > 200
    assert {info["state"] for info in infos} == {"active"}
    assert all(modes[info["hash"]] == info["mode"] for info in infos)
    async with asyncio.timeout(10):
        while (await seen())["mode"] != "read_write":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    digest = sha256(b"mode: read_write\n").hexdigest()[:12]
    await pod.stands("active", "read_write", "read_write", digest)


def works(*command: str) -> bool:
    """Tell whether a command can be run here, and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except FileNotFoundError:
        return False


async def test_sub_path(start_pod: StartPod, volume: ConfigMapVolume, tmp_path: Path) -> None:
    """A file that is mounted by itself counts, but no edit of it arrives: a warning says so."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "-r"]
    if not works(*unshare, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)):
        pytest.skip("nothing can be mounted here")
    volume.sync(override("off"))
    file = tmp_path / "etc" / KEY
    file.parent.mkdir()
    file.touch()
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    mount = ("sh", "-c", script, "sh", str(volume.sub_path(KEY)), str(file))
    pod = await start_pod(volume, file, wrapper=(*unshare, *mount))
    lines = {line["event"]: line for line in pod.process.lines}
    warning = lines["override_never_updates"]
    assert (warning["level"], warning["where"]) == ("warning", str(file))
    assert "subPath" in warning["reason"]
    digest = sha256(b"mode: off\n").hexdigest()[:12]
    await pod.stands("active", "off", "off", digest)
    volume.sync(override("write_only"))
    await asyncio.sleep(0.3)
    await pod.stands("active", "off", "off", digest)


async def test_no_warning_for_a_directory(start_pod: StartPod, volume: ConfigMapVolume) -> None:
    """Neither with a ConfigMap in it nor without."""
    volume.sync(override("off"))
    pod = await start_pod(volume)
    assert "override_never_updates" not in {line["event"] for line in pod.process.lines}


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that any user may use, which tmp_path is not."""
    if os.geteuid() != 0 or not works(*AS_NOBODY, sys.executable, "-c", "import sidecar.cli"):
        pytest.skip("cannot run the sidecar as another user here")
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


async def test_mode_that_forbids_reading(upstream: ScriptedUpstream, open_directory: Path) -> None:
    """As with a defaultMode of 0400 and no fsGroup: the file is another user's."""
    secret = ConfigMapVolume(open_directory / "override", default_mode=0o400)
    secret.sync(override("off"))
    async with pods(open_directory, upstream) as start:
        pod = await start(secret, wrapper=AS_NOBODY)
        assert (await pod.status())["limited_by"] == ["invalid_override"]
        await pod.stands("unreadable", None, "write_only", "none")
        readable = ConfigMapVolume(secret.path)
        readable.sync(override("write_only"))
        await pod.shows("active", "write_only", "write_only")
        secret.sync(override("off"))
        line = await pod.shows("unreadable", "write_only", "write_only")
        assert line["reason"] == "Permission denied"
        readable.sync(None)
        await pod.shows("none", None, "read_write")
