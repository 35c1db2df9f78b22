"""Log lines from an allow-list."""

import io
import json
from datetime import UTC, datetime

import pytest

from sidecar.runtime.logs import Log

NOON = datetime(2026, 11, 22, 12, 0, 0, 5000, tzinfo=UTC)


def log(level: str = "info", style: str = "json") -> tuple[Log, io.StringIO]:
    """Return a log and what it writes to."""
    stream = io.StringIO()
    return Log(lambda: NOON, level, style, stream), stream


def test_json() -> None:
    """One object a line."""
    write, stream = log()
    write("ready", proxy="127.0.0.1:1", key="k")
    assert json.loads(stream.getvalue()) == {
        "ts": "2026-11-22T12:00:00.005Z",
        "level": "info",
        "event": "ready",
        "proxy": "127.0.0.1:1",
        "key": "k",
    }


def test_text() -> None:
    """The same, for a terminal."""
    write, stream = log(style="text")
    write("stopped", "warning", reason="x")
    assert stream.getvalue() == "2026-11-22T12:00:00.005Z warning stopped reason=x\n"


def test_level() -> None:
    """Below the configured level nothing is written."""
    write, stream = log("warning")
    write("ready")
    assert stream.getvalue() == ""


def test_always() -> None:
    """What others wait for is written at any level."""
    write, stream = log("error")
    write.always("ready", proxy="x")
    assert json.loads(stream.getvalue())["event"] == "ready"


def test_unknown_fields_are_refused() -> None:
    """Nothing can be logged that is not on the list."""
    write, _ = log()
    with pytest.raises(ValueError, match="body"):
        write("ready", body="x")


def test_a_closed_stream_does_no_harm() -> None:
    """Whoever reads the log may go; the sidecar stays."""
    write, stream = log()
    stream.close()
    write("ready")
