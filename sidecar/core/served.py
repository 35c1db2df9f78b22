"""What became of one request of the worker: a fact for metrics, log lines and traces."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from sidecar.core.answers import Outcome
from sidecar.core.cache_status import Result
from sidecar.core.modes import Mode
from sidecar.core.routes import Route, RouteClass

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


def known_method(method: str) -> str:
    """Return a method that HTTP knows, or `_OTHER`: a worker could write anything."""
    return method if method in _METHODS else "_OTHER"


class Served(NamedTuple):
    """One request that is over, whether or not the worker was still there for its answer."""

    method: str
    """A method that HTTP knows, or `_OTHER`."""
    route: Route | None
    cls: RouteClass
    status: int
    mode: Mode
    outcome: Outcome
    reason: str
    """A word of our own: of ShortCircuit, Reason or Failure, or the code of a refusal."""
    seconds: float
    """From its head to the end of its answer."""
    waited: float
    """How much of that was spent waiting for Zep, or for the worker."""
    cache: Result | None = None
    """How a context read fared with the cache, where reads are allowed."""
    redactions: Mapping[str, int] = MappingProxyType({})
    """How much was replaced, by type."""
    trace: str = ""
    """The id of a trace that is being recorded, or nothing."""
