"""One line per event, built from an allow-list of fields: never a body, a header or a path."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TextIO

from sidecar.core.limiter import Limiter
from sidecar.runtime import clock

LEVELS = ("debug", "info", "warning", "error")
# Everything that may ever stand in a log line. Nothing of it comes from a request or an answer.
FIELDS = frozenset(
    {"version", "proxy", "ops", "upstream", "redactor", "native", "key", "reason", "where"}
    | {"state", "mode", "hash", "expires_at"}
    | {"scope", "cause", "level_of_hold", "hold", "result", "ttl", "healthy"}
    | {"old", "new", "source", "until", "suppressed", "dropped", "in_flight"}
    | {"method", "route", "class", "status", "outcome", "cache", "ms", "trace_id"}
)
# What is said whenever it happens: the life of the process, and who changed the mode.
UNLIMITED = frozenset({"ready", "draining", "stopped", "mode_changed", "forced", "cleared"})
# Of everything else, each kind: so many lines at once, and one more every so many seconds.
BURST, PAUSE = 20, 3.0


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
        self._limiter = Limiter(BURST, PAUSE)

    @property
    def verbose(self) -> bool:
        """Tell whether there is a line for each request."""
        return self._floor == 0

    def __call__(self, event: str, level: str = "info", **fields: str | float) -> None:
        """Write one event, unless it is below the level, or one of too many of its kind."""
        if LEVELS.index(level) < self._floor:
            return
        if level != "debug" and event not in UNLIMITED:
            suppressed = self._limiter.admit(event, clock.mono())
            if suppressed is None:
                return
            if suppressed:
                fields["suppressed"] = suppressed
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
