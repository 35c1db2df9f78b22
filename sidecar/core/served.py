"""What became of one request of the worker: a fact for metrics, log lines and traces."""

from typing import NamedTuple

from sidecar.core.answers import Outcome
from sidecar.core.modes import Mode
from sidecar.core.routes import Route, RouteClass


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
    trace: str = ""
    """The id of a trace that is being recorded, or nothing."""
