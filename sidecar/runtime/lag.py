"""How late the event loop is: what a throttled container must not blame Zep for."""

import asyncio

PERIOD = 0.05


class Lag:
    """Adds up by how much a regular timer comes too late."""

    def __init__(self) -> None:
        self.total = 0.0
        """Seconds, since the start."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        loop = asyncio.get_running_loop()
        self._arm(loop, loop.time() + PERIOD)

    def stop(self) -> None:
        """End it."""
        if self._timer:
            self._timer.cancel()

    def _arm(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        # A timer and no task: it is run before those that fall due later in the same stall.
        self._timer = loop.call_at(due, self._beat, loop, due)

    def _beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self.total += max(now - due - PERIOD / 10, 0.0)
        self._arm(loop, now + PERIOD)
