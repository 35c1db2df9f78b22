"""The override file on real volumes, changed in every way in which the kubelet changes them."""

import asyncio
import io
import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest

from sidecar.override import Override
from sidecar.runtime import clock, watcher
from sidecar.runtime.logs import Log
from sidecar.runtime.watcher import NotMounted, Watcher, mounted_by_itself, read_mounted
from sidecar.selection import OverrideState, State
from tests.atomic_writer import AtomicWriter, Crash
from tests.runtime.support import no_permission

OFF = {"override.yaml": b"mode: off\n"}
WRITE_ONLY = {"override.yaml": b"mode: write_only\n"}
INVALID = {"override.yaml": b"mode: bananas\n"}
EXPIRING = {"override.yaml": b"mode: off\nexpires_at: 2026-11-22T13:00:00Z\n"}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLL = 0.02


class Watch:
    """A watcher over a volume, every state that it told of, and its log."""

    def __init__(self, tmp_path: Path) -> None:
        self.volume = tmp_path / "override"
        self.file = self.volume / "override.yaml"
        self.labels = tmp_path / "podinfo"
        self.now: Callable[[], datetime] = clock.wall
        self.states: list[OverrideState] = []
        self.stream = io.StringIO()
        self.environ = {"POD_NAME": "worker-0", "POD_LABELS_FILE": str(self.labels / "labels")}
        self._changed = asyncio.Event()
        self._watcher: Watcher | None = None

    async def start(self, poll_interval: float = POLL) -> "Watch":
        """Start it; the first look has been taken when this returns."""
        self._watcher = Watcher(
            str(self.file),
            poll_interval,
            environ=self.environ,
            wall=lambda: self.now(),
            log=Log(clock.wall, stream=self.stream),
            changed=self._note,
        )
        await self._watcher.start()
        return self

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self._watcher:
            self._watcher.stop()

    @property
    def state(self) -> OverrideState:
        """The present state."""
        assert self._watcher
        return self._watcher.state

    def _note(self, state: OverrideState) -> None:
        self.states.append(state)
        self._changed.set()

    async def until(self, state: State, mode: str | None = None, within: float = 10) -> None:
        """Wait until the state is this one and this pod is asked for this mode."""
        async with asyncio.timeout(within):
            while (self.state.state, self.state.mode) != (state, mode):
                self._changed.clear()
                await self._changed.wait()

    async def looks(self, count: int = 3) -> None:
        """Give it time for some more looks."""
        await asyncio.sleep(POLL * count * 2)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A watcher that is yet to be started."""
    made = Watch(tmp_path)
    yield made
    made.stop()


async def test_every_update_of_a_volume(watch: Watch) -> None:
    """Not only the first, after which a watch on the file would be deaf."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    assert watch.state.mode == "off"
    for payload, mode in ((WRITE_ONLY, "write_only"), (OFF, "off"), (WRITE_ONLY, "write_only")):
        writer.write(payload)
        await watch.until(State.ACTIVE, mode)


async def test_in_time(watch: Watch) -> None:
    """Within poll_interval and half a second of the change on disk.

    The best of three, because this machine may be busy.
    """
    writer = AtomicWriter(watch.volume)
    writer.write({})
    await watch.start(0.3)
    seconds = []
    for payload, mode in ((OFF, "off"), (WRITE_ONLY, "write_only"), (OFF, "off")):
        since = clock.mono()
        writer.write(payload)
        await watch.until(State.ACTIVE, mode)
        seconds.append(clock.mono() - since)
    assert min(seconds) < 0.3 + 0.5


async def test_updates_faster_than_looks(watch: Watch) -> None:
    """The last one counts, and a directory that goes while it is read is no failure."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start(0.001)

    def rewrite() -> None:
        for n in range(300):
            writer.write({"override.yaml": f"mode: off\n# {n}\n".encode()})
        writer.write(WRITE_ONLY)

    await asyncio.to_thread(rewrite)
    await watch.until(State.ACTIVE, "write_only")
    assert {state.state for state in watch.states} == {State.ACTIVE}


async def test_config_map_that_comes_and_goes(watch: Watch) -> None:
    """The volume of an optional ConfigMap is empty at first, and again after its deletion."""
    writer = AtomicWriter(watch.volume)
    writer.write({})
    await watch.start()
    assert watch.state == OverrideState(last_success=watch.state.last_success)
    writer.write(OFF)
    await watch.until(State.ACTIVE, "off")
    writer.write({})
    await watch.until(State.NONE)
    writer.write(OFF)
    await watch.until(State.ACTIVE, "off")


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"mode: inherit\n"])
async def test_override_that_is_emptied(watch: Watch, data: bytes) -> None:
    """All the ways of saying none."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    writer.write({"override.yaml": data})
    await watch.until(State.NONE)
    assert watch.state.hash != "none"


async def test_key_is_removed(watch: Watch) -> None:
    """Other keys of the ConfigMap may stay."""
    writer = AtomicWriter(watch.volume)
    writer.write({**OFF, "notes": b"x"})
    await watch.start()
    writer.write({"notes": b"x"})
    await watch.until(State.NONE)


async def test_nothing_is_mounted(watch: Watch) -> None:
    """There is no override, and no failure; the volume may still come."""
    await watch.start()
    await watch.looks()
    assert watch.state.state is State.NONE
    AtomicWriter(watch.volume).write(OFF)
    await watch.until(State.ACTIVE, "off")


async def test_directory_is_deleted_and_comes_back(watch: Watch) -> None:
    """In between the last good override counts: nobody has taken it back."""
    AtomicWriter(watch.volume).write(OFF)
    await watch.start()
    shutil.rmtree(watch.volume)
    await watch.until(State.UNREADABLE, "off")
    AtomicWriter(watch.volume).write(WRITE_ONLY)
    await watch.until(State.ACTIVE, "write_only")


async def test_volume_without_data(watch: Watch) -> None:
    """Visible names that lead nowhere are no answer to what operators want."""
    AtomicWriter(watch.volume).write(OFF)
    await watch.start()
    (watch.volume / "..data").unlink()
    await watch.until(State.UNREADABLE, "off")


@pytest.mark.parametrize("step", ["directory", "symlink", "rename", "visible", "stale", "removed"])
async def test_kubelet_crashes(watch: Watch, step: str) -> None:
    """The old file counts until the rename, the new one from then on, and every later one."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    with pytest.raises(Crash):
        writer.write(WRITE_ONLY, crash_after=step)
    if step in ("directory", "symlink"):
        await watch.looks()
        assert watch.state.mode == "off"
    else:
        await watch.until(State.ACTIVE, "write_only")
    if step == "symlink":
        with pytest.raises(FileExistsError):
            writer.write(WRITE_ONLY)
        writer.recover()
    writer.write({"override.yaml": b"mode: read_write\n"})
    await watch.until(State.ACTIVE, "read_write")
    assert State.UNREADABLE not in {state.state for state in watch.states}


async def test_first_write_crashes_before_the_visible_name(watch: Watch) -> None:
    """The file is there through `..data`, so it counts."""
    with pytest.raises(Crash):
        AtomicWriter(watch.volume).write(OFF, crash_after="rename")
    assert not watch.file.exists()
    await watch.start()
    assert watch.state.mode == "off"


async def test_plain_file(watch: Watch) -> None:
    """As with subPath or docker-compose: created, rewritten in place, replaced, removed."""
    watch.volume.mkdir()
    await watch.start()
    watch.file.write_bytes(OFF["override.yaml"])
    await watch.until(State.ACTIVE, "off")
    watch.file.write_bytes(WRITE_ONLY["override.yaml"])
    await watch.until(State.ACTIVE, "write_only")
    new = watch.volume / "new"
    new.write_bytes(OFF["override.yaml"])
    new.rename(watch.file)
    await watch.until(State.ACTIVE, "off")
    watch.file.unlink()
    await watch.until(State.NONE)


JUNK = [b"mode: bananas", b"\xff\xfe", b"[" * 16000, b"x" * 2**20, b"# " + b"x" * 2**20, b"\0"]


@pytest.mark.parametrize("data", JUNK, ids=lambda data: f"{data[:6]!r}-{len(data)}")
async def test_invalid_after_a_good_one(watch: Watch, data: bytes) -> None:
    """The last good override stays; the next good file is taken."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    before = watch.state
    writer.write({"override.yaml": data})
    await watch.until(State.INVALID, "off")
    assert watch.state.override == Override("off")
    assert watch.state.last_success == before.last_success
    assert watch.state.hash != before.hash
    assert not watch.state.unknown
    assert watch.state.problems
    writer.write(WRITE_ONLY)
    await watch.until(State.ACTIVE, "write_only")
    assert watch.state.problems == ()


async def test_invalid_at_the_start(watch: Watch) -> None:
    """Operators have asked for something that nobody knows."""
    AtomicWriter(watch.volume).write(INVALID)
    await watch.start()
    assert watch.state.state is State.INVALID
    assert watch.state.unknown
    assert watch.state.mode is None
    AtomicWriter(watch.volume).write({})
    await watch.until(State.NONE)
    assert not watch.state.unknown


async def test_invalid_and_back_to_the_same(watch: Watch) -> None:
    """A good file read again is a success of its own."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    first = watch.state.last_success
    writer.write(INVALID)
    await watch.until(State.INVALID, "off")
    writer.write(OFF)
    await watch.until(State.ACTIVE, "off")
    assert first
    assert watch.state.last_success
    assert watch.state.last_success > first


async def test_permission_is_lost(watch: Watch) -> None:
    """The last good override stays until the file can be read again."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    with no_permission(watch.volume):
        await watch.until(State.UNREADABLE, "off")
        assert watch.state.problems[0].message == "Permission denied"
    await watch.until(State.ACTIVE, "off")


async def test_unreadable_at_the_start(watch: Watch) -> None:
    """As unknown as an invalid file."""
    AtomicWriter(watch.volume).write(OFF)
    with no_permission(watch.volume):
        await watch.start()
        assert watch.state.state is State.UNREADABLE
        assert watch.state.unknown
    await watch.until(State.ACTIVE, "off")


async def test_no_file_at_all(watch: Watch, tmp_path: Path) -> None:
    """A directory, a pipe or a ring of links in its place is not read, and holds nobody up."""
    watch.volume.mkdir()
    watch.file.mkdir()
    await watch.start()
    assert watch.state.state is State.UNREADABLE
    watch.file.rmdir()
    os.mkfifo(watch.file)
    await watch.looks()
    assert watch.state.problems[0].message == "is not a regular file"
    watch.file.unlink()
    watch.file.symlink_to(watch.file)
    await watch.looks()
    assert watch.state.problems[0].message == "Too many levels of symbolic links"
    watch.file.unlink()
    await watch.until(State.NONE)


async def test_disk_that_hangs(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs neither the loop nor another thread, and the last good override still expires."""
    writer = AtomicWriter(watch.volume)
    writer.write(EXPIRING)
    watch.now = lambda: NOON
    monkeypatch.setattr(watcher, "PATIENCE", 0.05)
    monkeypatch.setattr(watcher, "_LONGEST_SLEEP", 0.05)
    threads = threading.active_count()
    await watch.start()
    release, read = threading.Event(), watcher._read

    def hang(path: Path, most: int) -> bytes:
        assert release.wait(20)
        return read(path, most)

    monkeypatch.setattr(watcher, "_read", hang)
    await watch.until(State.UNREADABLE, "off")
    watch.now = lambda: NOON + HOUR
    await watch.until(State.UNREADABLE, None)
    assert watch.state.standing is State.EXPIRED
    assert watch.state.problems[0].message == "the disk does not answer"
    assert threading.active_count() <= threads + 1
    writer.write(WRITE_ONLY)
    release.set()
    await watch.until(State.ACTIVE, "write_only")


async def test_disk_that_hangs_at_the_start(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidecar serves all the same, and knows that it does not know."""
    release = threading.Event()
    monkeypatch.setattr(watcher, "PATIENCE", 0.05)
    monkeypatch.setattr(watcher, "_read", lambda *_: release.wait(20) and b"mode: off")
    await watch.start()
    assert watch.state.unknown
    release.set()
    await watch.until(State.ACTIVE, "off")


async def test_expiry_without_a_change_on_disk(watch: Watch) -> None:
    """At the very instant, between two looks that are an hour apart."""
    instant = clock.wall() + timedelta(seconds=1)
    AtomicWriter(watch.volume).write(
        {"override.yaml": f"mode: off\nexpires_at: {instant.isoformat()}\n".encode()}
    )
    await watch.start(3600)
    assert watch.state.mode == "off"
    await watch.until(State.EXPIRED)
    assert instant <= clock.wall() < instant + timedelta(seconds=0.5)


async def test_last_good_expires_under_an_invalid_file(watch: Watch) -> None:
    """What nobody can read does not keep an old override alive."""
    writer = AtomicWriter(watch.volume)
    writer.write(EXPIRING)
    watch.now = lambda: NOON
    await watch.start()
    writer.write(INVALID)
    await watch.until(State.INVALID, "off")
    watch.now = lambda: NOON + HOUR
    await watch.until(State.INVALID, None)
    assert watch.state.standing is State.EXPIRED


async def test_wall_clock_that_is_set(watch: Watch) -> None:
    """Forward or back: the next look sees it."""
    watch.now = lambda: NOON
    AtomicWriter(watch.volume).write(EXPIRING)
    await watch.start()
    assert watch.state.mode == "off"
    watch.now = lambda: NOON + HOUR
    await watch.until(State.EXPIRED)
    watch.now = lambda: NOON
    await watch.until(State.ACTIVE, "off")


async def test_percent(watch: Watch) -> None:
    """worker-0 is at 36.5."""
    writer = AtomicWriter(watch.volume)
    writer.write({"override.yaml": b"mode: off\npercent: 36\n"})
    await watch.start()
    assert watch.state.state is State.NOT_SELECTED
    writer.write({"override.yaml": b"mode: off\npercent: 37\n"})
    await watch.until(State.ACTIVE, "off")


async def test_match(watch: Watch) -> None:
    """By the labels of the downward API, which may change under a running pod."""
    labels = AtomicWriter(watch.labels)
    labels.write({"labels": b'track="stable"'})
    AtomicWriter(watch.volume).write({"override.yaml": b"mode: off\nmatch: track=canary\n"})
    await watch.start()
    assert watch.state.state is State.NOT_SELECTED
    assert watch.state.problems == ()
    labels.write({"labels": b'track="canary"'})
    await watch.until(State.ACTIVE, "off")


async def test_match_without_labels(watch: Watch) -> None:
    """Nobody can tell whether this pod is meant: it is not, and the log says why."""
    AtomicWriter(watch.volume).write({"override.yaml": b"mode: off\nmatch: track=canary\n"})
    await watch.start()
    assert watch.state.state is State.NOT_SELECTED
    assert watch.state.problems[0].key == "match"
    (line,) = watch.lines()
    assert (line["level"], line["state"]) == ("warning", "not_selected")
    assert line["where"] == str(watch.labels / "labels")


async def test_labels_that_can_no_longer_be_read(watch: Watch) -> None:
    """The last ones stay."""
    labels = AtomicWriter(watch.labels)
    labels.write({"labels": b'track="canary"'})
    AtomicWriter(watch.volume).write({"override.yaml": b"mode: off\nmatch: track=canary\n"})
    await watch.start()
    shutil.rmtree(watch.labels)
    await watch.looks()
    assert watch.state.mode == "off"
    assert watch.state.problems[0].key == "match"


async def test_log(watch: Watch) -> None:
    """One line for each change, and none of the file's own words in it."""
    writer = AtomicWriter(watch.volume)
    writer.write(OFF)
    await watch.start()
    writer.write({"override.yaml": b"mode: write_only\nreason: planted\nsalt: planted\n"})
    await watch.until(State.ACTIVE, "write_only")
    writer.write({"override.yaml": b"# planted\nplanted: planted\nmode: planted\n"})
    await watch.until(State.INVALID, "write_only")
    await watch.looks()
    first, second, third = watch.lines()
    assert (first["event"], first["level"], first["mode"]) == ("override", "info", "off")
    assert second["mode"] == "write_only"
    assert (third["level"], third["state"], third["mode"]) == ("warning", "invalid", "write_only")
    assert third["where"] == "override.yaml:2"
    assert "unknown key" in third["reason"]
    assert "planted" not in watch.stream.getvalue()


async def test_nothing_is_said_without_a_change(watch: Watch) -> None:
    """Neither to the log nor to the callback; none at all is not worth a line."""
    AtomicWriter(watch.volume).write({})
    await watch.start()
    await watch.looks()
    assert len(watch.states) == 1
    assert watch.lines() == []


async def test_host_name_without_pod_name(watch: Watch) -> None:
    """Outside Kubernetes; the share is the host's then."""
    del watch.environ["POD_NAME"]
    AtomicWriter(watch.volume).write(OFF)
    await watch.start()
    assert watch.state.mode == "off"


async def test_stopped(watch: Watch) -> None:
    """Nothing is told any more."""
    writer = AtomicWriter(watch.volume)
    writer.write({})
    await watch.start()
    watch.stop()
    writer.write(OFF)
    await watch.looks()
    assert len(watch.states) == 1


def test_reading_is_bounded(tmp_path: Path) -> None:
    """However large the file is."""
    (tmp_path / "f").write_bytes(b"x" * 2**20)
    assert read_mounted(tmp_path / "f", 100) == b"x" * 100


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    """No file in a directory is an answer; no directory is none."""
    assert read_mounted(tmp_path / "f", 100) is None
    with pytest.raises(NotMounted):
        read_mounted(tmp_path / "d" / "f", 100)


@pytest.mark.parametrize("swaps", [1, 3])
def test_volume_that_changes_during_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: int
) -> None:
    """However often its directory goes while it is opened, the file is not missing."""
    writer, read, left = AtomicWriter(tmp_path), watcher._read, [*range(swaps)]
    writer.write(OFF)

    def swap(path: Path, most: int) -> bytes:
        if left:
            writer.write({"override.yaml": f"mode: write_only\n# {left.pop()}\n".encode()})
        return read(path, most)

    monkeypatch.setattr(watcher, "_read", swap)
    assert read_mounted(tmp_path / "override.yaml", 100) == b"mode: write_only\n# 0\n"


def test_constant_rewriting(tmp_path: Path) -> None:
    """No read of ten thousand finds the file torn, or gone."""
    writer, ending = AtomicWriter(tmp_path), threading.Event()
    contents = [b"%d" % number * 16_000 for number in range(10)]
    writer.write({"override.yaml": contents[0]})

    def rewrite() -> None:
        for content in cycle(contents):
            if ending.is_set():
                return
            writer.write({"override.yaml": content})

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        read = Counter(read_mounted(tmp_path / "override.yaml", 20_000) for _ in range(10_000))
    finally:
        ending.set()
        thread.join()
    assert set(read) == set(contents)


def test_volume_that_never_stops_changing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is unreadable for now; the look comes to an end."""
    writer, read, numbers = AtomicWriter(tmp_path), watcher._read, count()
    writer.write(OFF)

    def swap(path: Path, most: int) -> bytes:
        writer.write({"override.yaml": b"# %d\n" % next(numbers)})
        return read(path, most)

    monkeypatch.setattr(watcher, "_read", swap)
    with pytest.raises(OSError, match="changes while it is being read"):
        read_mounted(tmp_path / "override.yaml", 100)


def test_mounted_by_itself(tmp_path: Path) -> None:
    """Of what is mounted on this machine, and of a file that is not."""
    assert mounted_by_itself(Path("/proc"))
    assert not mounted_by_itself(tmp_path / "override.yaml")
