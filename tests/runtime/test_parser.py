"""The parser alone, and all of aiohttp for whoever wants it."""

import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.runtime.parser import modules_only
from tests.process import Process
from tests.runtime.support import read
from tests.wire import ScriptedUpstream, Worker

# What a sidecar with its default settings must not load before it has served: memory, and time.
UNUSED = {
    *("aiohttp", "aiohttp.client", "aiohttp.connector", "aiohttp.web", "aiocache", "redis"),
    *("http.server", "importlib.resources", "opentelemetry", "prometheus_client"),
    *("sidecar.demo", "sidecar.drills", "sidecar.fleet", "sidecar.standin"),
}


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


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A library of two modules, with an `__init__` that needs one of them."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text("from .one import ONE\nMORE = [ONE]\n")
    (tmp_path / "heavy" / "one.py").write_text("ONE = object()\n")
    (tmp_path / "heavy" / "two.py").write_text("from .one import ONE\nfrom . import three\n")
    (tmp_path / "heavy" / "three.py").write_text("from . import one\nfrom . import MORE\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("heavy", "heavy.one", "heavy.two", "heavy.three"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return "heavy"


def test_init_runs_when_it_is_wanted(library: str) -> None:
    """Once, with what has been imported before in place; what does not exist is not there."""
    with modules_only(library):
        from heavy.one import ONE  # type: ignore[import-not-found]
    import heavy  # type: ignore[import-not-found]

    assert "MORE" not in vars(heavy)
    more = heavy.MORE
    assert more == [ONE]
    assert not hasattr(heavy, "nothing")
    from heavy.three import MORE  # type: ignore[import-not-found]

    assert MORE is more


def test_module_that_needs_init(library: str) -> None:
    """It fails at once, and leaves the library as if nobody had asked."""
    with pytest.raises(ImportError, match="MORE"), modules_only(library):
        import heavy.two  # type: ignore[import-not-found]
    import heavy

    assert "MORE" in vars(heavy)


def test_library_that_is_loaded_already(library: str) -> None:
    """It stays what it is."""
    import heavy

    with modules_only(library):
        from heavy.two import ONE
    assert heavy.MORE == [ONE]
    assert sys.modules[library] is heavy
