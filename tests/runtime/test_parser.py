"""The parser alone, and all of aiohttp for whoever wants it."""

import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.app import NATIVE
from tests.process import Process
from tests.runtime.support import read
from tests.wire import ScriptedUpstream, Worker

# What a sidecar with its default settings must not load before it has served: memory, and time.
UNUSED = {
    *("aiohttp", "aiohttp.client", "aiohttp.connector", "aiohttp.web", "aiocache", "redis"),
    *("http.client", "http.server", "phonenumbers.phonenumberutil", "tempfile", "urllib.request"),
    *("importlib.resources", "opentelemetry", "prometheus_client"),
    *("sidecar.demo", "sidecar.drills", "sidecar.fleet", "sidecar.standin"),
}

PROC = Path("/proc/self/smaps_rollup")


async def test_what_a_sidecar_loads(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """The parser in C, without the rest of aiohttp; nothing that only other commands need."""
    listed = tmp_path / "imports"
    wrapper = ["sh", "-c", f'exec "$@" 2>"{listed}"', "sh"]
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    process = await Process.start(tmp_path, upstream.url, wrapper=wrapper, environ=environ)
    try:
        async with Worker(process.port) as worker:
            await worker.send(read())
            assert (await worker.answer()).status == 200
    finally:
        await process.stop()
    loaded = {line.rpartition("|")[2].strip() for line in listed.read_text().splitlines()}
    assert {"aiohttp._http_parser", "aiohttp.streams"} <= loaded
    assert sorted(UNUSED & loaded) == []


@pytest.mark.skipif(not NATIVE or not PROC.exists(), reason="what is compiled, under Linux")
async def test_how_much_memory_it_takes(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """It stands beside every worker: idle, it takes no more than 61 MB."""
    process = await Process.start(tmp_path, upstream.url)
    try:
        async with Worker(process.port) as worker:
            await worker.send(read())
            assert (await worker.answer()).status == 200
        assert resident(process.pid) < 61_000_000
    finally:
        await process.stop()


def resident(pid: int) -> int:
    """Return how many bytes of a process are in memory."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(rollup[rollup.index("Rss:") + 1]) * 1024


def test_all_of_aiohttp_afterwards() -> None:
    """Whoever asks aiohttp for more gets it, with the very classes that are in use already."""
    program = """
import sys
from sidecar.runtime.parser import StreamReader, HttpRequestParser
assert "aiohttp.client" not in sys.modules
import aiohttp
assert HttpRequestParser.__module__ == "aiohttp._http_parser"
assert aiohttp.StreamReader is StreamReader
assert aiohttp.http_parser.HttpRequestParser is HttpRequestParser
from aiohttp import ClientSession, web
assert aiohttp.ClientSession is ClientSession and aiohttp.web is web and aiohttp.__version__
"""
    subprocess.run([sys.executable, "-c", program], check=True)
