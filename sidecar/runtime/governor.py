"""Owns the guard, the override and their clocks: asks the core, and says what came of it.

Requests get their tickets here, operators their actions, metrics and log every event. Nothing in
it waits; what has to (the state file) happens in a thread.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from math import inf, nextafter
from pathlib import Path
from typing import Any

from sidecar import __version__
from sidecar.config import Config
from sidecar.core import guard_state
from sidecar.core.control import Force
from sidecar.core.events import (
    Cleared,
    Event,
    Forced,
    ForceEnded,
    ProbeSettled,
    Recovered,
    Scope,
    Tripped,
    WritesChanged,
)
from sidecar.core.guard import Guard, Ticket
from sidecar.core.machine import Policy, Trip
from sidecar.core.modes import Mode, Resolution, Source, base_mode, resolve
from sidecar.core.outcomes import Kind, Verdict
from sidecar.core.routes import RouteClass
from sidecar.runtime.cache import ContextCache
from sidecar.runtime.lag import Lag
from sidecar.runtime.logs import Log
from sidecar.runtime.metrics import Metrics, Watched
from sidecar.selection import OverrideState, State

# Seconds between looks at what changes by itself: a force or a lease that ends, the gauge.
TICK = 0.25
# Seconds between two writes of the state file.
SAVE_PAUSE = 1.0
# What a probe may take beyond the time limit of a read before it counts as lost.
LEASE_MARGIN = 1.0

# Why a mode may rise, in a word.
_CAUSES = {Cleared: "cleared", ForceEnded: "expired", Recovered: "recovered", Forced: "forced"}


class Governor:
    """Decides who may go, for one process."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        log: Log,
        cache: ContextCache,
        *,
        mono: Callable[[], float],
        wall: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        """Take over the state file, if there is one."""
        guard = config.guard
        self._lag = Lag()
        self._now = -inf
        self._guard = Guard(
            Policy(
                guard.failure_threshold,
                guard.streak_ttl,
                guard.hold,
                guard.hold_factor,
                guard.hold_max,
                guard.stable_after,
                guard.success_threshold,
                guard.forbidden,
                guard.write_failures_trip,
                config.timeouts.read + LEASE_MARGIN,
                config.probe.idle_after,
            ),
            random,
        )
        self._base = base_mode(write=config.flags.write, read=config.flags.read)
        self._override = OverrideState()
        self._upstream = config.upstream.url
        self._metrics, self._log, self._mono, self._wall = metrics, log, mono, wall
        self._cache = cache
        self._state_file = Path(guard.state_file) if guard.state_file else None
        self._unsaved = asyncio.Event()
        # A thread of its own: those that all share may be waiting for a dead resolver.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._tasks: list[asyncio.Task[None]] = []
        self._save_failed = False
        self._since: dict[Source, float] = {}  # when each that limits the mode began to; wall time
        self._load()
        self._shown: Resolution | None = None
        self._show()
        breakers, watch = self._guard, metrics.watch
        watch(Watched.HOLD, lambda: breakers.host.remaining(self.now()))
        watch(Watched.CREDENTIALS_HELD, lambda: breakers.credentials_held)
        watch(Watched.WRITES_HEALTHY, lambda: breakers.writes.healthy)
        watch(Watched.LOOP_LAG, lambda: self._lag.total)

    def start(self) -> None:
        """Begin to look at the clock, and to keep the state file."""
        self._lag.start()
        self._tasks = [asyncio.create_task(self._watch_the_clock())]
        if self._state_file:
            self._tasks.append(asyncio.create_task(self._keep_saved()))

    async def stop(self) -> None:
        """End it; the state file has the last word."""
        self._lag.stop()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._tasks and self._state_file and self._unsaved.is_set():
            await self._save_now(self._state_file)
        self._disk.shutdown(wait=False)
        self._tasks = []

    def now(self) -> float:
        """Return the guard's instant: its clock stands still while this process gets no time.

        It never goes back: a stall is known only once it is over, and whoever has asked before has
        an instant from within it. What comes later is later.
        """
        now = self._mono() - self._lag.total
        self._now = now if now > self._now else nextafter(self._now, inf)
        return self._now

    @property
    def lag(self) -> float:
        """Return by how many seconds the event loop has been late, in all."""
        return self._lag.total

    # --- requests -----------------------------------------------------------------------------

    def asked(self) -> Resolution:
        """Return the mode that operators want, the guard apart."""
        return self._resolve(guard=False)

    @property
    def mode(self) -> Mode:
        """Return the mode in effect for the process."""
        return self._resolve().effective

    @property
    def allow_stale(self) -> bool:
        """Tell whether a force in effect lets last-known answers be given."""
        forced = self._guard.forced(self.now())
        return forced is not None and forced.allow_stale

    def admit(
        self, cls: RouteClass, credential: str, *, key: str, reads: bool, background: bool = False
    ) -> Ticket:
        """Decide on a request; see Guard.admit."""
        ticket = self._guard.admit(
            cls, credential, self.now(), key=key, reads=reads, background=background
        )
        self._tell(ticket.events)
        return ticket

    def may_read(self, credential: str) -> bool:
        """Tell whether a context read by this credential would be admitted now."""
        reads = self.asked().effective is Mode.READ_WRITE
        return reads and self._guard.may_read(credential, self.now())

    def may_serve_fresh(self, credential: str) -> bool:
        """Tell whether a fresh answer from the cache may do."""
        return self._guard.may_serve_fresh(credential, self.now())

    def guard_mode(self, credential: str) -> Mode:
        """Return the mode that the guard allows this credential."""
        return self._guard.mode(credential)

    def settle(self, ticket: Ticket, verdict: Verdict, dispatched: float | None = None) -> None:
        """Report how a request ended; more than once has no effect."""
        self._tell(self._guard.settle(ticket, verdict, self.now(), dispatched))
        ignored = verdict.status == 403 and self._guard.policy.forbidden == "ignore"
        if verdict.kind is Kind.AUTH and not ignored:
            # What it may not read it must not get from elsewhere either.
            self._cache.refused(ticket.credential.machine.name)

    def wants_probe(self, credential: str) -> bool:
        """Tell whether a background read by this credential would serve as the probe."""
        reads = self.asked().effective is Mode.READ_WRITE
        return reads and self._guard.wants_probe(credential, self.now())

    @property
    def writes_healthy(self) -> bool:
        """Tell whether writes get through, as far as is known."""
        return self._guard.writes.healthy

    # --- operators ----------------------------------------------------------------------------

    def override(self, state: OverrideState) -> None:
        """Take over what the override file says now."""
        self._override = state
        self._metrics.override(state)
        self._show(state.state.value if state.state is State.EXPIRED else Source.OVERRIDE.value)

    def status(self) -> dict[str, Any]:
        """Return the status, as the contract shapes it."""
        self._tell(self._guard.tick(self.now()))
        resolution = self._show()
        return {
            "base": self._base.label,
            "override": self._override_status(),
            **guard_state.status(self._guard, self.now()),
            "effective": resolution.effective.label,
            "gauge": int(resolution.effective),
            "limited_by": [source.value for source in resolution.limited_by],
            "since": {s.value: self._instant(at) for s, at in self._since.items()},
            "cache": self._cache.status(),
            "spool": None,
            "upstream": self._upstream,
            "version": __version__,
        }

    def force(self, force: Force) -> None:
        """Limit the mode; the last force wins."""
        mode = Mode[force.mode.upper()]
        now, allow = self.now(), force.allow_stale
        self._tell(self._guard.force(mode, force.reason, now, ttl=force.ttl, allow_stale=allow))

    def clear(self) -> list[str]:
        """End the force and every hold; return the sources that still limit the mode."""
        self._tell(self._guard.clear())
        return [source.value for source in self._resolve().limited_by]

    def invalidate(self, id: str) -> int | None:  # noqa: A002
        """Drop what is cached of a thread, user or graph; return how much, None without cache."""
        dropped = self._cache.invalidate(id)
        self._log("invalidated", dropped=dropped or 0)
        return dropped

    def reset_failures(self) -> None:
        """End every streak of failures."""
        self._log("failures_reset")
        self._tell(self._guard.reset_failures())

    async def saved(self) -> None:
        """Wait until all that was decided is on disk, or the disk takes too long."""
        if self._state_file and self._tasks and self._unsaved.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SAVE_PAUSE):
                    await self._save_now(self._state_file)

    # --- what came of it ----------------------------------------------------------------------

    def _resolve(self, *, guard: bool = True) -> Resolution:
        now, wanted = self.now(), self._override.mode
        forced = self._guard.forced(now)
        return resolve(
            self._base,
            Mode[wanted.upper()] if wanted else None,
            override_invalid=self._override.unknown,
            forced=forced and forced.mode,
            guard=self._guard.host_mode if guard else Mode.READ_WRITE,
            auth=self._guard.credentials_mode(now) if guard else Mode.READ_WRITE,
        )

    def _override_status(self) -> dict[str, Any] | None:
        state, override = self._override, self._override.override
        if override is None and state.state is State.NONE:
            return None
        expires = override and override.expires_at
        return {
            "state": state.state.value,
            "mode": override and override.mode,
            "reason": override and override.reason,
            "expires_at": expires and expires.isoformat().replace("+00:00", "Z"),
            "selected": state.standing is not State.NOT_SELECTED,
        }

    def _tell(self, events: Iterable[Event]) -> None:
        cause = "expired"
        for event in events:
            self._say(event)
            self._metrics.event(event)
            cause = _CAUSES.get(type(event), cause)
        if events:
            self._unsaved.set()
            self._show(cause)

    def _say(self, event: Event) -> None:
        match event:
            case Tripped(credential, reason, cause, level, hold):
                scope = Scope.CREDENTIAL if credential else Scope.HOST
                why = cause.value if cause else ""
                self._log(
                    "tripped", "warning", scope=scope.value, reason=reason.value, cause=why,
                    level_of_hold=level, hold=round(hold, 1),
                )  # fmt: skip
            case ProbeSettled(scope, result, cause):
                why = cause.value if cause else ""
                self._log("probe", scope=scope.value, result=result, cause=why)
            case Recovered(credential):
                self._log("recovered", scope=(Scope.CREDENTIAL if credential else Scope.HOST).value)
            case Forced(mode, reason, ttl):
                self._log("forced", "warning", mode=mode.label, reason=reason, ttl=ttl or 0.0)
            case ForceEnded(reason):
                self._log("force_ended", reason=reason)
            case Cleared():
                self._log("cleared", "warning")
            case WritesChanged(healthy):
                self._log("write_health", "info" if healthy else "warning", healthy=healthy)

    def _show(self, cause: str = "expired") -> Resolution:
        """Bring the gauge up to date, and log a change of the mode; return it.

        `cause`: what lets it rise, if it does.
        """
        resolution = self._resolve()
        if resolution == self._shown:
            return resolution
        old, self._shown = self._shown, resolution
        wall = self._wall().timestamp()
        self._since = {source: self._since.get(source, wall) for source in resolution.limited_by}
        if resolution.effective is Mode.OFF:
            self._cache.clear()
        self._metrics.mode(resolution)
        if old is not None and old.effective is not resolution.effective:
            rises = resolution.effective > old.effective
            by = old.limited_by if rises else resolution.limited_by
            left = resolution.limited_by[0] if resolution.limited_by else None
            self._log(
                "mode_changed",
                "warning",
                old=old.effective.label,
                new=resolution.effective.label,
                source=",".join(source.value for source in by),
                reason=cause if rises else self._reason(by[0]),
                until=self._until(left) if left else "",
            )
        return resolution

    def _reason(self, source: Source) -> str:
        """Return why a source limits the mode, in words that are ours or that we have checked."""
        if source is Source.FORCED and (forced := self._guard.forced(self.now())):
            return forced.reason
        if source is Source.GUARD and self._guard.host.reason:
            return self._guard.host.reason.value
        return Trip.AUTH.value if source is Source.AUTH else source.value

    def _until(self, source: Source) -> str:
        """Return until when, at least, a source limits the mode; nothing where nobody knows."""
        now = self.now()
        if source is Source.GUARD:
            left: float | None = self._guard.host.remaining(now)
        elif source is Source.FORCED and (forced := self._guard.forced(now)):
            left = None if forced.until is None else forced.until - now
        elif source is Source.OVERRIDE and (override := self._override.override):
            expires = override.expires_at
            left = (expires - self._wall()).total_seconds() if expires else None
        else:
            left = None
        return self._instant(self._wall().timestamp() + left) if left else ""

    def _instant(self, wall: float) -> str:
        instant = datetime.fromtimestamp(wall, self._wall().tzinfo)
        return instant.isoformat(timespec="seconds").replace("+00:00", "Z")

    # --- time, and the file -------------------------------------------------------------------

    async def _watch_the_clock(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._tell(self._guard.tick(self.now()))
            self._show()

    async def _keep_saved(self) -> None:
        assert self._state_file
        while True:
            await self._unsaved.wait()
            await self._save_now(self._state_file)
            await asyncio.sleep(SAVE_PAUSE)

    async def _save_now(self, path: Path) -> None:
        """Save in the thread, after whatever is being saved there."""
        self._unsaved.clear()
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._disk, self._save, path, self._snapshot())
        except asyncio.CancelledError:
            self._unsaved.set()  # it may not have begun
            raise

    def _snapshot(self) -> bytes:
        now, wall = self.now(), self._wall().timestamp()
        since = {source.value: at for source, at in self._since.items()}
        return json.dumps({**guard_state.snapshot(self._guard, now, wall), "since": since}).encode()

    def _save(self, path: Path, data: bytes) -> None:
        """Replace the file as a whole: whoever reads it sees the old one or the new one."""
        temporary = path.with_name(path.name + ".new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            self._save_failed = False
        except OSError as error:
            if not self._save_failed:
                self._log("state_not_saved", "warning", reason=error.strerror or "unknown")
            self._save_failed = True
            self._metrics.state_file_failed()

    def _load(self) -> None:
        if self._state_file is None:
            return
        try:
            data = json.loads(self._state_file.read_bytes()[:1_000_000])
            wall = self._wall().timestamp()
            guard_state.restore(self._guard, data, self.now(), wall)
            self._since = guard_state.since(data, wall)
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            self._log("state_not_restored", "warning", reason=type(error).__name__)
            self._metrics.state_file_failed()
