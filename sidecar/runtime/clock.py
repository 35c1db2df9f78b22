"""The only reader of time. Everything else is handed a clock or an instant."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

mono = time.monotonic  # for every duration and deadline


def wall() -> datetime:
    """Return the present instant, for display and for what is kept on disk."""
    return datetime.now(UTC)


def date_line() -> bytes:
    """Return the header field Date for the present second (RFC 9110 5.6.7)."""
    return _date_line(int(time.time()))


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
