"""The real command in a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml


class Process:
    """A running `python -m sidecar run`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []

    @classmethod
    async def start(
        cls,
        tmp_path: Path,
        url: str,
        *,
        wrapper: Sequence[str] = (),
        environ: Mapping[str, Any] = MappingProxyType({}),
        **sections: object,
    ) -> "Process":
        """Start it on free ports in front of `url` and wait until it is ready.

        `wrapper` is a command that runs it, such as setpriv with its options.
        """
        document = {
            "upstream": {"url": url},
            "listen": {"proxy": "127.0.0.1:0", "ops": "127.0.0.1:0"},
            **sections,
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(document))
        started = cls(await spawn("run", "--config", str(path), wrapper=wrapper, **environ))
        ready = await started.event("ready")
        started.port = int(ready["proxy"].rpartition(":")[2])
        started.ops_port = int(ready["ops"].rpartition(":")[2])
        return started

    port: int
    ops_port: int

    async def event(self, name: str) -> dict[str, Any]:
        """Read log lines until an event."""
        assert self._process.stdout
        async with asyncio.timeout(20):
            while line := await self._process.stdout.readline():
                self.lines.append(json.loads(line))
                if self.lines[-1]["event"] == name:
                    return self.lines[-1]
        raise AssertionError(f"no event {name}: {await self.rest()}")

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    async def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and everything else that was written."""
        async with asyncio.timeout(20):
            rest = await self.rest()
            return await self._process.wait(), rest

    async def stop(self) -> None:
        """Kill it if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def rest(self) -> str:
        """Return everything else that is written, up to the end."""
        out, error = await self._process.communicate()
        return (out + error).decode()


async def spawn(
    *arguments: str, wrapper: Sequence[str] = (), **environ: str
) -> asyncio.subprocess.Process:
    """Start `python -m sidecar` with pipes."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *wrapper,
        sys.executable,
        "-m",
        "sidecar",
        *arguments,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env={**os.environ, **environ},
    )
