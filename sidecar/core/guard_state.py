"""The guard as plain data: for the operator's eyes, and for the file that survives a restart."""

import math
from typing import Any

from sidecar.core.control import check_mode, check_reason, check_ttl
from sidecar.core.events import Forced
from sidecar.core.guard import MAX_CREDENTIALS, Guard
from sidecar.core.machine import JITTER, Hold, Machine, State, Trip
from sidecar.core.modes import Mode, Source

VERSION = 1


def status(guard: Guard, now: float) -> dict[str, Any]:
    """Return `forced`, `guard` and `credentials` as the operator's command prints them."""
    host, forced = guard.host, guard.forced(now)
    left = None if forced is None or forced.until is None else forced.until - now
    return {
        "forced": forced
        and {"mode": forced.mode.label, "reason": forced.reason, "remaining": left},
        "guard": {
            "state": host.state.value,
            "reason": host.reason and host.reason.value,
            "remaining": host.remaining(now),
            "level": host.present_level(now),
            "streak": host.streaks.longest,
        },
        "credentials": [
            {
                "id": name[:12],
                "state": entry.machine.state.value,
                "remaining": entry.machine.remaining(now),
            }
            for name, entry in guard.credentials.items()
        ],
    }


def snapshot(guard: Guard, now: float, wall: float) -> dict[str, Any]:
    """Return what is to survive a restart, JSON-able; `wall`: seconds since 1970.

    Instants in it are on the wall clock: the monotonic clock may start anew.
    """
    forced, later = guard.forced(now), wall - now
    holds = {name: _row(entry.machine, later) for name, entry in guard.credentials.items()}
    return {
        "version": VERSION,
        "forced": forced
        and {
            "mode": forced.mode.label,
            "reason": forced.reason,
            "ttl": forced.ttl,
            "until": None if forced.until is None else forced.until + later,
            "allow_stale": forced.allow_stale,
        },
        "host": _row(guard.host, later),
        "credentials": {name: row for name, row in holds.items() if row},
    }


def _row(machine: Machine, later: float) -> dict[str, Any] | None:
    if machine.state is State.CLOSED or machine.reason is None:
        return None
    # That of a half-open machine has passed: its probe will be lost, and it will be due.
    until = machine.until + later
    return {"reason": machine.reason.value, "level": machine.level, "until": until}


def restore(guard: Guard, data: Any, now: float, wall: float) -> None:
    """Let a fresh guard take over a snapshot.

    Whatever the wall clock did meanwhile, nothing lasts longer than it could have at first.
    Raises ValueError, and changes nothing, for anything but a snapshot of this version.
    """
    longest = guard.policy.hold_max * (1 + JITTER)

    def instant(until: Any, most: float) -> float:
        remaining = float(until) - wall
        if math.isnan(remaining):
            raise ValueError
        return now + min(max(remaining, 0.0), most)

    def hold(row: Any) -> Hold:
        return Hold(Trip(row["reason"]), instant(row["until"], longest), max(int(row["level"]), 0))

    def force(row: Any) -> Forced:
        mode, reason = Mode[check_mode(row["mode"]).upper()], check_reason(row["reason"])
        if row["ttl"] is None:
            return Forced(mode, reason, allow_stale=bool(row["allow_stale"]))
        ttl = check_ttl(row["ttl"])
        return Forced(mode, reason, ttl, instant(row["until"], ttl), bool(row["allow_stale"]))

    try:
        if data["version"] != VERSION:
            raise ValueError
        forced = data["forced"] and force(data["forced"])
        host = data["host"] and hold(data["host"])
        rows = list(data["credentials"].items())[-MAX_CREDENTIALS:]
        credentials = {str(name): hold(row) for name, row in rows}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise ValueError("not the state of a guard of this version") from None
    guard.resume(forced or None, host or None, credentials, now)


def since(data: Any, wall: float) -> dict[Source, float]:
    """Return when each source of a snapshot began to limit the mode; none of them in the future.

    It is for people to read: what is missing or makes no sense is left out.
    """
    rows = data.get("since")
    known = rows if isinstance(rows, dict) else {}
    return {
        source: float(min(at, wall))
        for source in Source
        if isinstance(at := known.get(source.value), int | float) and at >= 0
    }
