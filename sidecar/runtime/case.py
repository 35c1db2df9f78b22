"""One request that has been admitted, and what is known of it."""

from typing import NamedTuple

from sidecar.core.answers import Outcome, mode_of
from sidecar.core.guard import Ticket
from sidecar.core.modes import Mode, Resolution
from sidecar.core.routes import Route, RouteClass
from sidecar.runtime.account import Mark
from sidecar.runtime.attempts import Attempt
from sidecar.runtime.inbound import Outgoing
from sidecar.runtime.server import Request


class Case(NamedTuple):
    """A request, what operators ask for, and the ticket that the guard has given it."""

    request: Request
    route: Route
    cls: RouteClass
    asked: Resolution
    ticket: Ticket
    credential: str
    allow_stale: bool

    @property
    def mode(self) -> Mode:
        """The mode in effect for it."""
        return mode_of(self.asked, self.ticket)

    def mark(self, outcome: Outcome = Outcome.LIVE, reason: str = "") -> Mark:
        """Return what the worker is told."""
        return Mark(self.mode, outcome, reason)

    def attempt(self, outgoing: Outgoing) -> Attempt:
        """Return the attempt to be made for it."""
        method, trace = self.request.method, self.request.account.trace
        return Attempt(method, self.route, self.cls, outgoing, self.ticket, self.credential, trace)
