"""Watches the override file on its mounted volume and says what it amounts to for this pod.

The kubelet never changes a file of a ConfigMap volume in place: it writes a new directory and
renames a symlink, `..data`, over the old one (kubernetes pkg/volume/util/atomic_writer.go). A watch
on the file hears of the first change and of none after it, so the file is read every
`poll_interval` instead.
"""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sidecar.config import ConfigError, Problem
from sidecar.override import KEYS, MAX_BYTES, Override, parse
from sidecar.runtime.logs import Log
from sidecar.selection import OverrideState, Pod, State, parse_labels, standing

DEFAULT_LABELS_FILE = "/etc/podinfo/labels"
MAX_LABELS_BYTES = 262144
# Seconds after which a disk that does not answer counts as unreadable.
PATIENCE = 2.0
# Swaps of the volume during one look after which it is said to change all the time.
_MOST_SWAPS = 100
# Problems kept of one file: whoever has more than these will look again anyway.
_MOST_PROBLEMS = 10
# Longest sleep until an expiry; the wall clock may be set in between.
_LONGEST_SLEEP = 60.0


class NotMounted(Exception):
    """There is no directory where the file should be in."""


def read_mounted(path: Path, most: int, *, swapped: bool = False) -> bytes | None:
    """Return the first `most` bytes of a file on a volume, or None if the volume has no such file.

    `swapped` says that there has been a `..data`: without it now, the kubelet is still setting the
    volume up, and nobody knows which files it will have.

    Raises NotMounted, and OSError for whatever else is in the way.
    """
    link = path.parent / "..data"
    for _ in range(_MOST_SWAPS):
        try:
            target = link.readlink()
        except FileNotFoundError:
            break
        try:
            return _read(path.parent / target / path.name, most)
        except FileNotFoundError:
            # The kubelet removes a directory after `..data` leads elsewhere: then we were too late.
            if link.readlink() != target:
                continue
        if (path.parent / target).is_dir():
            return None
        break
    else:
        raise OSError("changes while it is being read")
    # No ConfigMap volume: a plain file, or a single one mounted by subPath.
    try:
        return _read(path, most)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise NotMounted(f"{path.parent} does not exist") from None
        if swapped or path.is_symlink():
            raise OSError("its volume is incomplete") from None
        return None


def _read(path: Path, most: int) -> bytes:
    # Without O_NONBLOCK the open of a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is not a regular file")
        data = b""
        while len(data) < most and (chunk := os.read(descriptor, most - len(data))):
            data += chunk
        return data
    finally:
        os.close(descriptor)


def mounted_by_itself(path: Path) -> bool:
    """Tell whether a file is a mount of its own, as with subPath, or with one file in Docker.

    The kernel keeps the very file that was there at the start: no edit that replaces it arrives.
    """
    try:
        table = Path("/proc/self/mountinfo").read_bytes()
    except OSError:  # not Linux
        return False
    name = os.fsencode(path.resolve())
    for character in (b"\\", b" ", b"\t", b"\n"):  # escaped in the table (proc_pid_mountinfo(5))
        name = name.replace(character, b"\\%03o" % character[0])
    return any(line.split(b" ")[4] == name for line in table.splitlines())


class _Content(NamedTuple):
    """A file that could be read: its bytes (None: no such file) and what they mean."""

    data: bytes | None = None
    override: Override | None = None
    problems: tuple[Problem, ...] = ()
    hash: str = "none"


class _Look(NamedTuple):
    """What one look at the disk has found: a content, or why there is none."""

    content: _Content | None
    failure: str = ""
    labels: Mapping[str, str] | None = None
    labels_failure: str = ""


class _Poller:
    """What runs in the thread; nothing of it is shared with the loop but the looks it returns."""

    def __init__(self, path: Path, labels_path: Path) -> None:
        self._path = path
        self._labels_path = labels_path
        self._last = self._good = _Content()
        self._mounted = self._swapped = False

    def look(self) -> _Look:
        """Read the file, and the labels where the override asks for some. Never raises."""
        failure, content = "", None
        try:
            content = self._content(read_mounted(self._path, MAX_BYTES + 1, swapped=self._swapped))
            self._mounted = True
            self._swapped = self._swapped or (self._path.parent / "..data").is_symlink()
        except NotMounted as error:
            # From the start: nobody has set up an override. Later: the volume has come off.
            if self._mounted:
                failure = str(error)
            else:
                content = _Content()
        except Exception as error:  # noqa: BLE001  the thread must live on
            failure = _why(error)
        if content:
            self._last = content
            if not content.problems:
                self._good = content
        override = self._good.override
        if override is None or not override.match:
            return _Look(content, failure)
        try:
            labels = parse_labels(read_mounted(self._labels_path, MAX_LABELS_BYTES) or b"")
            return _Look(content, failure, labels)
        except Exception as error:  # noqa: BLE001  as above
            why = str(error) if isinstance(error, NotMounted) else _why(error)
            return _Look(content, failure, None, why)

    def _content(self, data: bytes | None) -> _Content:
        if data == self._last.data:
            return self._last
        if data is None:
            return _Content()
        digest = sha256(data).hexdigest()[:12]
        try:
            return _Content(data, parse(data, self._path.name), hash=digest)
        except ConfigError as error:
            problems = error.problems[:_MOST_PROBLEMS]
            # A key that we do not know is the file's content, and may be anything.
            sound = (p if p.key in KEYS else p._replace(key="") for p in problems)
            return _Content(data, None, tuple(sound), digest)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return type(error).__name__


class Watcher:
    """Keeps `state`, and tells `changed` of every change, on the event loop that started it.

    A thread of its own reads the disk: one that hangs holds neither the loop nor a second thread.
    """

    def __init__(
        self,
        path: str,
        poll_interval: float,
        *,
        environ: Mapping[str, str],
        wall: Callable[[], datetime],
        log: Log,
        changed: Callable[[OverrideState], None],
    ) -> None:
        """`environ` has POD_NAME (else the host's name counts) and POD_LABELS_FILE."""
        self.state = OverrideState()
        self._path = Path(path)
        self._labels_path = Path(environ.get("POD_LABELS_FILE") or DEFAULT_LABELS_FILE)
        self._pod = Pod(environ.get("POD_NAME") or socket.gethostname(), {})
        self._poll_interval = poll_interval
        self._wall = wall
        self._log = log
        self._changed = changed
        self._poller = _Poller(self._path, self._labels_path)
        self._ending = threading.Event()
        self._looked = asyncio.Event()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def start(self) -> None:
        """Take the first look, waiting for it for at most PATIENCE, and go on looking."""
        loop = asyncio.get_running_loop()
        self._wake("silent", PATIENCE, self._silent)
        threading.Thread(target=self._poll, args=(loop,), name="override", daemon=True).start()
        await self._looked.wait()

    def stop(self) -> None:
        """End it. A thread that hangs in a read ends when the read does."""
        self._ending.set()
        for timer in self._timers.values():
            timer.cancel()

    def _poll(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look and wait in turns, in the thread."""
        if mounted_by_itself(self._path):
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._warn_of_mount)
        while not self._ending.is_set():
            look = self._poller.look()
            with suppress(RuntimeError):  # the loop has ended before us
                loop.call_soon_threadsafe(self._take, look)
            self._ending.wait(self._poll_interval)

    def _warn_of_mount(self) -> None:
        self._log(
            "override_never_updates",
            "warning",
            where=str(self._path),
            reason="it is mounted as a single file (subPath); mount its directory",
        )

    def _wake(self, name: str, delay: float, action: Callable[[], None]) -> None:
        if timer := self._timers.get(name):
            timer.cancel()
        # Never less than a millisecond: a timer's clock is not the wall clock.
        self._timers[name] = asyncio.get_running_loop().call_later(max(delay, 0.001), action)

    def _take(self, look: _Look) -> None:
        """Take over what the thread has found."""
        if self._ending.is_set():
            return
        self._looked.set()
        self._wake("silent", self._poll_interval + PATIENCE, self._silent)
        if look.labels is not None:
            self._pod = self._pod._replace(labels=look.labels)
        content, state = look.content, self.state
        if content is None:
            self._set(self._unreadable(look.failure))
        elif content.problems:
            problems = content.problems
            self._set(replace(state, state=State.INVALID, problems=problems, hash=content.hash))
        else:
            failed = state.state in (State.INVALID, State.UNREADABLE)
            new = failed or state.last_success is None or state.hash != content.hash
            problem = Problem(str(self._labels_path), "match", look.labels_failure)
            self._set(
                OverrideState(
                    override=content.override,
                    problems=(problem,) if look.labels_failure else (),
                    hash=content.hash,
                    last_success=self._wall() if new else state.last_success,
                )
            )

    def _unreadable(self, why: str) -> OverrideState:
        problem = Problem(str(self._path), "", why)
        return replace(self.state, state=State.UNREADABLE, problems=(problem,))

    def _silent(self) -> None:
        """Say that the disk does not answer; the thread goes on waiting for it."""
        self._set(self._unreadable("the disk does not answer"))
        self._looked.set()

    def _expire(self) -> None:
        self._set(self.state)

    def _set(self, state: OverrideState) -> None:
        """Take over a state with its standing at this moment; speak of it if it is a new one."""
        now = self._wall()
        stands = standing(state.override, self._pod, now)
        failed = state.state in (State.INVALID, State.UNREADABLE)
        state = replace(state, standing=stands, state=state.state if failed else stands)
        if stands is State.ACTIVE and state.override and state.override.expires_at:
            left = (state.override.expires_at - now).total_seconds()
            self._wake("expiry", min(left, _LONGEST_SLEEP), self._expire)
        old, self.state = self.state, state
        if state == old:
            return
        if replace(state, last_success=None) != replace(old, last_success=None):
            self._say(state)
        self._changed(state)

    def _say(self, state: OverrideState) -> None:
        """Log a state in our own words: of the file's only a mode and an instant."""
        fields: dict[str, str] = {"state": state.state.value, "hash": state.hash}
        if state.mode:
            fields["mode"] = state.mode
        if state.override and state.override.expires_at:
            fields["expires_at"] = state.override.expires_at.isoformat()
        if state.problems:
            where, key, reason = state.problems[0]
            fields |= {"where": where, "key": key, "reason": reason}
        self._log("override", "warning" if state.problems else "info", **fields)
