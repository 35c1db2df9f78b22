"""Workers on real SDKs: processes that do what a test tells them, kept for the tests to come."""

import asyncio
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environments import REQUIREMENTS, clean, interpreter

NAMES = sorted((file.stem for file in REQUIREMENTS.glob("*.txt")), reverse=True)
CLOUD = [name for name in NAMES if name.startswith("zep-cloud")]
MODES = ["sync", "async"]
DRIVER = Path(__file__).parent / "drivers" / "worker.py"
PATIENCE = 60.0
"""Seconds for an order. A pager that does not end would otherwise never answer."""

Lines = list[dict[str, Any]]


class Worker:
    """One process with one SDK. It obeys one order at a time."""

    def __init__(self, sdk: str) -> None:
        self.sdk = sdk
        command = [str(interpreter(sdk)), str(DRIVER), sdk]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=clean(), stdin=pipe, stdout=pipe, text=True)

    async def obey(self, **order: object) -> Lines:
        """Carry out an order: a line for each call."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        try:
            async with asyncio.timeout(PATIENCE):
                done = await asyncio.to_thread(self._process.stdout.readline)
        except TimeoutError:
            self._process.kill()  # The thread that reads would wait for ever.
            raise
        assert done, "the worker has ended"
        lines: Lines = json.loads(done)
        return lines

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Let it go home."""
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()


@dataclass(frozen=True, slots=True)
class Speaker:
    """A worker that talks to one origin, with a blocking or an asynchronous client."""

    worker: Worker
    mode: str
    origin: str

    async def __call__(self, do: str, **more: object) -> Lines:
        """Carry out an order."""
        return await self.worker.obey(do=do, mode=self.mode, origin=self.origin, **more)

    async def once(self, do: str) -> dict[str, Any]:
        """Make one call and return its line."""
        (line,) = await self(do)
        return line
