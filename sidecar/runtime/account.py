"""What is known of one request while it is served, beside the request itself."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from sidecar.core.answers import Outcome
from sidecar.core.cache_status import Result
from sidecar.core.modes import Mode
from sidecar.core.routes import Route, RouteClass
from sidecar.core.served import Served, known_method

_NONE: Mapping[str, int] = MappingProxyType({})


class Mark(NamedTuple):
    """What the worker is told beside the answer."""

    mode: Mode
    outcome: Outcome
    reason: str = ""
    beside: Mapping[str, str] = MappingProxyType({})
    """More header fields: those of the cache."""

    def fields(self) -> dict[str, str]:
        """Return header fields; their values are words of our own."""
        fields = {
            "X-Zep-Sidecar-Mode": str(int(self.mode)),
            "X-Zep-Sidecar-Outcome": self.outcome.value,
        }
        if self.reason:
            fields["X-Zep-Sidecar-Reason"] = self.reason
        return {**fields, **self.beside}

    @property
    def lines(self) -> bytes:
        """The header fields as they are written."""
        lines = _lines(self.mode, self.outcome, self.reason)
        for name, value in self.beside.items():
            lines += f"{name}: {value}\r\n".encode()
        return lines


@lru_cache(maxsize=256)
def _lines(mode: Mode, outcome: Outcome, reason: str) -> bytes:
    fields = Mark(mode, outcome, reason).fields()
    return "".join([f"{name}: {value}\r\n" for name, value in fields.items()]).encode()


class Account:
    """Whoever waits for others adds to `waited`; whoever answers leaves its mark."""

    __slots__ = (
        "began", "cache", "cls", "mark", "redactions", "route", "status", "trace", "waited",
    )  # fmt: skip

    def __init__(self, began: float, trace: str) -> None:
        self.began = began
        self.trace = trace
        self.route: Route | None = None
        self.cls = RouteClass.UNKNOWN
        self.waited = 0.0
        self.mark: Mark | None = None
        self.status = 0
        self.cache: Result | None = None
        self.redactions: Mapping[str, int] = _NONE

    def redacted(self, counts: Mapping[str, int]) -> None:
        """Add to what was replaced."""
        if counts:
            self.redactions = Counter(self.redactions) + Counter(counts)

    def answered(self, status: int, mark: Mark) -> None:
        """Note what the worker gets; the last answer counts."""
        self.status, self.mark = status, mark

    def served(self, method: str, now: float) -> Served | None:
        """Return what became of the request, or None where nobody has answered it."""
        if self.mark is None:
            return None
        mode, outcome, reason, _ = self.mark
        seconds = now - self.began
        return Served(
            known_method(method), self.route, self.cls, self.status, mode, outcome, reason, seconds,
            min(self.waited, seconds), self.cache, self.redactions, self.trace,
        )  # fmt: skip
