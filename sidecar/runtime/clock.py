"""The only reader of time. Everything else is handed a clock or an instant."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

mono = time.monotonic  # for every duration and deadline


def wall() -> datetime:
    """Return the present instant, for display and for what is kept on disk."""
    return datetime.now(UTC)


def http_date() -> str:
    """Return the present second as the field Date has it (RFC 9110 5.6.7)."""
    return _http_date(int(time.time()))


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)
