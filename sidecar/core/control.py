"""What an operator may ask of a running sidecar: the bodies of the admin socket, parsed."""

import json
import re
from typing import Any, NamedTuple

DEFAULT_SOCKET = "/run/zep-sidecar/admin.sock"
FORCED_MODES = ("write_only", "off")
MAX_TTL = 31_536_000  # seconds, a year: longer is a configuration, not an emergency
MAX_ID = 512  # characters
# A reason becomes a response header and a log field, so it has no character that could end either.
_REASON = re.compile(r"[a-z0-9_-]{1,32}")


class Force(NamedTuple):
    """An emergency limit on the mode; `ttl` in seconds, None until it is cleared."""

    reason: str
    mode: str = FORCED_MODES[0]
    ttl: float | None = None
    allow_stale: bool = False


def check_reason(value: object) -> str:
    """Return a reason, or raise ValueError with what is expected."""
    if not isinstance(value, str) or not _REASON.fullmatch(value):
        raise ValueError("must be 1 to 32 of a-z, 0-9, _ and -")
    return value


def check_ttl(value: object) -> float:
    """Return a time to live in seconds, or raise ValueError with what is expected."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not 0 < value <= MAX_TTL:  # type: ignore[operator]  # NaN is not, either
        raise ValueError(f"must be seconds, more than 0 and at most {MAX_TTL}")
    return float(value)  # type: ignore[arg-type]


def check_mode(value: object) -> str:
    """Return a mode that can be forced, or raise ValueError with what is expected."""
    if value not in FORCED_MODES:
        raise ValueError(f"must be {' or '.join(FORCED_MODES)}")
    return str(value)


def check_id(value: object) -> str:
    """Return the id of a thread or a user, or raise ValueError with what is expected."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID:
        raise ValueError(f"must be text of 1 to {MAX_ID} characters")
    return value


def parse_force(body: bytes) -> Force:
    """Parse the body of a force: `reason`, and `mode`, `ttl` and `allow_stale` if need be.

    Raises ValueError that names the key, never the value.
    """
    found = _members(
        body,
        {"reason": check_reason, "mode": check_mode, "ttl": _maybe_ttl, "allow_stale": _check_bool},
    )
    if "reason" not in found:
        raise ValueError("reason: is missing")
    return Force(**found)


def parse_invalidate(body: bytes) -> str:
    """Parse the body of an invalidation and return its `id`. Raises ValueError as above."""
    found = _members(body, {"id": check_id})
    if "id" not in found:
        raise ValueError("id: is missing")
    return str(found["id"])


def parse_nothing(body: bytes) -> None:
    """Check the body of what takes no arguments: empty or `{}`. Raises ValueError as above."""
    _members(body, {})


def _maybe_ttl(value: object) -> float | None:
    return None if value is None else check_ttl(value)


def _check_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _members(body: bytes, checks: dict[str, Any]) -> dict[str, Any]:
    """Return the checked members of a JSON object; nothing at all is an empty one."""
    if not body:
        return {}
    try:
        pairs = json.loads(body.decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON in UTF-8") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError("the body is not a JSON object")
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key not in checks:
            known = f"known are {', '.join(checks)}" if checks else "none is expected"
            raise ValueError(f"unknown key; {known}")
        if key in found:
            raise ValueError(f"{key}: stands here a second time")
        try:
            found[key] = checks[key](value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    return found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its duplicates; a list of JSON is a plain list."""
