"""The only reader of time. Everything else is handed a clock or an instant."""

import time
from datetime import UTC, datetime

mono = time.monotonic  # for every duration and deadline


def wall() -> datetime:
    """Return the present instant, for display and for what is kept on disk."""
    return datetime.now(UTC)
