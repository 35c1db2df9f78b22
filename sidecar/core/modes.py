"""The mode: how much of Zep is in use, and who limits it.

requested = off             if FLAG_ZEP_WRITE is false          (final: nothing raises it)
          = override.mode   if an override is active for this pod (may raise or lower)
          = base            otherwise
effective = min(requested, forced, guard, auth)                 (these only lower)
"""

from enum import Enum, IntEnum
from functools import lru_cache
from typing import NamedTuple


class Mode(IntEnum):
    """How much of Zep is in use; the numbers are those of `memory_mode_gauge`."""

    OFF = 0
    WRITE_ONLY = 1
    READ_WRITE = 2

    @property
    def label(self) -> str:
        """Return the name that configuration, commands and status use."""
        return self.name.lower()


class Source(Enum):
    """What can limit the mode. The values are metric label values."""

    BASE = "base"
    OVERRIDE = "override"
    FORCED = "forced"
    GUARD = "guard"  # the host machine
    AUTH = "auth"  # the credential machines
    INVALID_OVERRIDE = "invalid_override"


class Resolution(NamedTuple):
    """The mode in effect, and every source that alone would keep it that low."""

    effective: Mode
    limited_by: tuple[Source, ...]


def base_mode(*, write: bool, read: bool) -> Mode:
    """Return the base mode of the two flags; without writing there is nothing to read."""
    if not write:
        return Mode.OFF
    return Mode.READ_WRITE if read else Mode.WRITE_ONLY


def resolve(
    base: Mode,
    override: Mode | None = None,
    *,
    override_invalid: bool = False,
    forced: Mode | None = None,
    guard: Mode = Mode.READ_WRITE,
    auth: Mode = Mode.READ_WRITE,
) -> Resolution:
    """Return the effective mode.

    `override` is that of an active override, or None. `override_invalid`: the file was invalid at
    start and there is no last good one, so nobody knows what the operator wants: no reads.
    Only the one of base and override that counts can be named as limiting.
    """
    return _resolved(base, override, override_invalid, forced, guard, auth)


@lru_cache(maxsize=256)  # each request asks; the answer changes when an operator or the guard acts
def _resolved(
    base: Mode,
    override: Mode | None,
    override_invalid: bool,
    forced: Mode | None,
    guard: Mode,
    auth: Mode,
) -> Resolution:
    # Base is off exactly where FLAG_ZEP_WRITE is false.
    overridden = override is not None and base is not Mode.OFF
    limits = {
        Source.BASE: Mode.READ_WRITE if overridden else base,
        Source.OVERRIDE: override if override is not None and overridden else Mode.READ_WRITE,
        Source.FORCED: Mode.READ_WRITE if forced is None else forced,
        Source.GUARD: guard,
        Source.AUTH: auth,
        Source.INVALID_OVERRIDE: Mode.WRITE_ONLY if override_invalid else Mode.READ_WRITE,
    }
    effective = min(limits.values())
    if effective is Mode.READ_WRITE:
        return Resolution(effective, ())
    return Resolution(effective, tuple(s for s, limit in limits.items() if limit is effective))
