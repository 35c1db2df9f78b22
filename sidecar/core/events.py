"""Facts about the guard, for metrics and logs: frozen, and complete in themselves.

`credential` is the short hash that the guard was given, or empty where the host is meant.
"""

from enum import Enum
from typing import NamedTuple

from sidecar.core.machine import Trip
from sidecar.core.modes import Mode
from sidecar.core.outcomes import Kind, Reason

EXPIRED = "expired"
PROBE_RESULTS = (*(kind.value for kind in Kind), EXPIRED)
"""Metric label values: how a probe ended, or that it never did."""


class Scope(Enum):
    """What stands in the way of reads."""

    HOST = "host"
    CREDENTIAL = "credential"
    RATE = "rate"  # the calm after a 429; it changes no mode


class Tripped(NamedTuple):
    """A machine went from closed to open: a downgrade."""

    credential: str
    reason: Trip
    cause: Reason | None
    level: int
    hold: float


class Recovered(NamedTuple):
    """A machine closed because a probe succeeded."""

    credential: str


class ProbeStarted(NamedTuple):
    """A probe was admitted."""

    scope: Scope


class ProbeSettled(NamedTuple):
    """A probe is over; `result` is one of PROBE_RESULTS."""

    scope: Scope
    result: str
    cause: Reason | None


class Forced(NamedTuple):
    """The operator limits the mode: a downgrade. `until`: monotonic; None: until cleared."""

    mode: Mode
    reason: str
    ttl: float | None = None
    until: float | None = None
    allow_stale: bool = False


class ForceEnded(NamedTuple):
    """A force with a time to live has run out."""

    reason: str


class Cleared(NamedTuple):
    """The operator closed every machine and lifted the force, if there was one."""


class WritesChanged(NamedTuple):
    """Write health changed."""

    healthy: bool


Event = (
    Tripped
    | Recovered
    | ProbeStarted
    | ProbeSettled
    | Forced
    | ForceEnded
    | Cleared
    | WritesChanged
)
