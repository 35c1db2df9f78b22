"""What the worker is told of the cache: Age (RFC 9111 5.1) and Cache-Status (RFC 9211)."""

from sidecar.core.cache import Found
from sidecar.core.words import Word


class Result(Word):
    """How a context read fared with the cache. The values are metric label values."""

    HIT = "hit"
    MISS = "miss"
    COLLAPSED = "collapsed"  # it got the answer to another's read
    STALE = "stale"  # it got a last-known answer
    BYPASS = "bypass"  # its answer is not to be kept


def of_found(found: Found) -> dict[str, str]:
    """Return the header fields of an answer that comes from the cache."""
    ttl = int(found.ttl // 1)
    return {"Age": str(int(found.age)), "Cache-Status": f"zep-sidecar; hit; ttl={ttl}"}


def of_forwarded(result: Result, *, stored: bool) -> dict[str, str]:
    """Return the header field of an answer that Zep has just given."""
    if result is Result.BYPASS:
        return {"Cache-Status": "zep-sidecar; fwd=bypass"}
    end = "; collapsed" if result is Result.COLLAPSED else "; stored" if stored else ""
    return {"Cache-Status": f"zep-sidecar; fwd=miss{end}"}
