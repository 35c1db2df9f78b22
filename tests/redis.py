"""A real Redis, or Valkey, on a port and in a directory of its own."""

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

BINARY = shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """One server process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers; on the same port each time."""
        if BINARY is None:
            pytest.skip("neither redis-server nor valkey-server is installed")
        self._process = await asyncio.create_subprocess_exec(
            BINARY,
            *("--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            *("--appendonly", "no", "--dir", str(self._directory)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while await self.ask("PING") != b"+PONG\r\n":  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def ask(self, *words: str | bytes) -> bytes:
        """Send one command on a connection of its own; return what comes first of the answer."""
        coded = [word.encode() if isinstance(word, str) else word for word in words]
        sent = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in coded)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return b""
        writer.write(b"*%d\r\n" % len(coded) + sent)
        answer = await reader.read(1 << 20)
        writer.close()
        await writer.wait_closed()
        return answer

    def freeze(self) -> None:
        """Let it accept connections and answer nothing: SIGSTOP."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """End it at once, whatever state it is in."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
