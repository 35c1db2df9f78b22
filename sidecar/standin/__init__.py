"""An embedded Zep: in memory, for the demo, the drills and the tests. Never for real data."""

from sidecar.standin.server import Fault, Received, StandIn

__all__ = ["Fault", "Received", "StandIn"]
