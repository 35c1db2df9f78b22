"""How often the cache had the answer, lately: a ratio over a lifetime says nothing of today."""

from collections import deque

SLOT = 60.0
SLOTS = 10


class HitRatio:
    """Counts over the last SLOTS * SLOT seconds, to within one slot."""

    def __init__(self) -> None:
        self._slots: deque[list[float]] = deque(maxlen=SLOTS)  # begin, hits, all

    def count(self, hit: bool, now: float) -> None:
        """Count one read."""
        if not self._slots or now - self._slots[-1][0] >= SLOT:
            self._slots.append([now, 0, 0])
        self._slots[-1][1] += hit
        self._slots[-1][2] += 1

    def ratio(self, now: float) -> float | None:
        """Return hits of all, or None where there was no read."""
        recent = [slot for slot in self._slots if now - slot[0] < SLOT * SLOTS]
        total = sum(slot[2] for slot in recent)
        return sum(slot[1] for slot in recent) / total if total else None
