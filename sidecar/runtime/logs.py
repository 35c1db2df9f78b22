"""One line per event, built from an allow-list of fields: never a body, a header or a path."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
# Everything that may ever stand in a log line. Nothing of it comes from a request or an answer.
FIELDS = frozenset(
    {"version", "proxy", "ops", "upstream", "redactor", "key", "reason", "where"}
    | {"state", "mode", "hash", "expires_at"}
    | {"scope", "cause", "level_of_hold", "hold", "result", "ttl", "healthy"}
    | {"old", "new", "source", "until"}
)


class Log:
    """Writes events as JSON lines (or as text for a terminal) to a stream."""

    def __init__(
        self,
        now: Callable[[], datetime],
        level: str = "info",
        style: str = "json",
        stream: TextIO | None = None,
    ) -> None:
        self._now = now
        self._floor = LEVELS.index(level)
        self._style = style
        self._stream = stream

    def __call__(self, event: str, level: str = "info", **fields: str | float) -> None:
        """Write one event, unless it is below the level."""
        if LEVELS.index(level) >= self._floor:
            self._write(event, level, fields)

    def always(self, event: str, **fields: str | float) -> None:
        """Write an event that others wait for, whatever the level."""
        self._write(event, "info", fields)

    def _write(self, event: str, level: str, fields: Mapping[str, str | float]) -> None:
        """Write one event; an unknown field is a programming error, so that none can leak."""
        if unknown := fields.keys() - FIELDS:
            raise ValueError(f"log fields not on the allow-list: {sorted(unknown)}")
        ts = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._style == "json":
            line = json.dumps({"ts": ts, "level": level, "event": event, **fields})
        else:
            line = " ".join([ts, level, event, *(f"{k}={v}" for k, v in fields.items())])
        with suppress(OSError, ValueError):  # the reader has gone: no reason to go too
            print(line, file=self._stream or sys.stdout, flush=True)
