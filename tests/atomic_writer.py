"""What the kubelet does to a ConfigMap or downward-API volume on disk, step by step.

After kubernetes pkg/volume/util/atomic_writer.go and pkg/volume/configmap: a payload is written to
a new directory, the symlink `..data` is swapped by a rename, and the visible names are links
through `..data`.
"""

import os
import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path

_NUMBERS = count(1)


class Crash(Exception):
    """The kubelet died at this step."""


class AtomicWriter:
    """Writes payloads to one volume directory."""

    def __init__(self, volume: Path) -> None:
        self.volume = volume
        volume.mkdir(parents=True, exist_ok=True)
        self._data = volume / "..data"

    def write(
        self, payload: Mapping[str, bytes], *, mode: int = 0o644, crash_after: str = ""
    ) -> None:
        """Write a payload of files with a mode.

        `crash_after` is one of the steps: directory, symlink, rename, visible, stale, removed.

        Equal bytes change nothing, not even the mode. After a crash between symlink and rename the
        leftover makes every later write fail with FileExistsError, as it does in a cluster.
        """

        def step(name: str) -> None:
            if crash_after == name:
                raise Crash(name)

        old = self._data.readlink().name if self._data.is_symlink() else None
        if old and self._payload(old) == payload:
            return
        new = f"..2026_11_22_12_00_00.{next(_NUMBERS):09}"
        directory = self.volume / new
        directory.mkdir()
        directory.chmod(0o755)  # whatever the umask
        for name, data in payload.items():
            (directory / name).write_bytes(data)
            (directory / name).chmod(mode)
        step("directory")
        temporary = self.volume / "..data_tmp"
        temporary.symlink_to(new)
        step("symlink")
        temporary.rename(self._data)
        step("rename")
        for name in payload:
            if not os.path.lexists(self.volume / name):
                (self.volume / name).symlink_to(f"..data/{name}")
        step("visible")
        for link in self.volume.iterdir():
            if not link.name.startswith("..") and link.name not in payload:
                link.unlink()
        step("stale")
        if old:
            shutil.rmtree(self.volume / old)
        step("removed")

    def recover(self) -> None:
        """Remove what a crash has left, as whoever mends the node does."""
        (self.volume / "..data_tmp").unlink(missing_ok=True)

    def _payload(self, directory: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.volume / directory).iterdir()}


class ConfigMapVolume:
    """A directory on which a pod mounts a ConfigMap."""

    def __init__(self, path: Path, *, optional: bool = True, default_mode: int = 0o644) -> None:
        self.path = path
        self.writer = AtomicWriter(path)
        self._optional = optional
        self._mode = default_mode

    def sync(self, data: Mapping[str, str] | None) -> None:
        """Bring an edit here; None stands for a ConfigMap that does not exist.

        An optional one is empty then. One that is not leaves the volume as it is, and fails.
        """
        if data is None and not self._optional:
            raise FileNotFoundError("configmap not found")
        payload = {key: value.encode() for key, value in (data or {}).items()}
        self.writer.write(payload, mode=self._mode)

    def sub_path(self, key: str) -> Path:
        """Return the file that the kubelet bind-mounts for a subPath: this one, for ever."""
        return (self.path / key).resolve(strict=True)
