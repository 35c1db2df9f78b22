"""What the kubelet does to a ConfigMap or downward-API volume on disk, step by step.

After kubernetes pkg/volume/util/atomic_writer.go: a payload is written to a new directory, the
symlink `..data` is swapped by a rename, and the visible names are links through `..data`.
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

    def write(self, payload: Mapping[str, bytes], *, crash_after: str = "") -> None:
        """Write a payload; `crash_after` is one of directory, symlink, rename.

        Equal bytes change nothing. After a crash between symlink and rename the leftover makes
        every later write fail with FileExistsError, as it does in a cluster.
        """
        old = self._data.readlink().name if self._data.is_symlink() else None
        if old and self._payload(old) == payload:
            return
        new = f"..2026_11_22_12_00_00.{next(_NUMBERS):09}"
        directory = self.volume / new
        directory.mkdir(mode=0o755)
        for name, data in payload.items():
            (directory / name).write_bytes(data)
        self._maybe_crash(crash_after == "directory")
        temporary = self.volume / "..data_tmp"
        temporary.symlink_to(new)
        self._maybe_crash(crash_after == "symlink")
        temporary.rename(self._data)
        self._maybe_crash(crash_after == "rename")
        for name in payload:
            if not os.path.lexists(self.volume / name):
                (self.volume / name).symlink_to(f"..data/{name}")
        for link in self.volume.iterdir():
            if not link.name.startswith("..") and link.name not in payload:
                link.unlink()
        if old:
            shutil.rmtree(self.volume / old)

    def recover(self) -> None:
        """Remove what a crash has left, as whoever mends the node does."""
        (self.volume / "..data_tmp").unlink(missing_ok=True)

    def _payload(self, directory: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.volume / directory).iterdir()}

    @staticmethod
    def _maybe_crash(crash: bool) -> None:
        if crash:
            raise Crash
