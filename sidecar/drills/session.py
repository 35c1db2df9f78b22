"""Runs drills one by one: what is done and seen goes to a view, what came of it into a report."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from sidecar.drills.lab import Check, Lab, LabError, troubled
from sidecar.drills.six import Drill, Step
from sidecar.runtime import clock

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"


class View(Protocol):
    """Shows a session while it goes on."""

    def drill(self, drill: Drill) -> None:
        """Show that a drill begins."""

    def step(self, step: Step) -> None:
        """Show that a step begins."""

    def did(self, what: str) -> None:
        """Show what is done."""

    def saw(self, check: Check) -> None:
        """Show what is seen."""

    def ended(self, drill: dict[str, Any]) -> None:
        """Show how a drill ended."""


class Quit(Exception):
    """The operator has had enough."""


Proceed = Callable[[Step], Awaitable[bool]]
"""Asks the operator whether to do a step; raises Quit."""


def verdict_of(check: Check) -> str:
    """Return a check's verdict in a word."""
    return SKIPPED if check.passed is None else PASSED if check.passed else FAILED


class Session:
    """Some drills against one sidecar; `report` is complete whatever ends it."""

    def __init__(self, lab: Lab, view: View, proceed: Proceed | None = None) -> None:
        self._lab, self._view, self._proceed = lab, view, proceed
        self.report: dict[str, Any] = {"verdict": NOT_RUN, "drills": [], "left_behind": []}

    async def run(self, drills: Sequence[Drill]) -> None:
        """Run drills, then remove what they have made. Raises LabError for no sidecar to drill."""
        status = await self._lab.status()
        if trouble := troubled(status):
            raise LabError(
                f"the drills begin and end with a sidecar that is well, and this one is limited "
                f"by {', '.join(trouble)}: zep_mode --status says more"
            )
        try:
            for drill in drills:
                await self._drill(drill)
        except Quit:
            pass
        finally:
            self._lab.tell = lambda _: None
            self.report["left_behind"] = await self._lab.clean()
            self.report["verdict"] = self._verdict()

    async def _drill(self, drill: Drill) -> None:
        began = clock.mono()
        entry: dict[str, Any] = {"number": drill.number, "title": drill.title, "verdict": NOT_RUN}
        entry |= {"why": "", "seconds": 0.0, "steps": []}
        self.report["drills"].append(entry)
        self._view.drill(drill)
        try:
            if why := drill.lacks(await self._lab.status()):
                entry |= {"verdict": SKIPPED, "why": why}
                return
            for step in drill.steps:
                if self._proceed and not await self._proceed(step):
                    entry["steps"].append({"title": step.title, "verdict": SKIPPED})
                    continue
                if await self._step(step, entry["steps"]) == FAILED:
                    entry["verdict"] = FAILED
                    return
            done = any(step["verdict"] == PASSED for step in entry["steps"])
            entry["verdict"] = PASSED if done else SKIPPED
        finally:
            self._lab.tell = lambda _: None
            try:
                await self._lab.restore()
            except LabError as error:
                entry |= {"verdict": FAILED, "why": f"could not be undone: {error}"}
            entry["seconds"] = round(clock.mono() - began, 1)
            self._view.ended(entry)

    async def _step(self, step: Step, steps: list[dict[str, Any]]) -> str:
        entry: dict[str, Any] = {"title": step.title, "verdict": FAILED, "did": [], "checks": []}
        steps.append(entry)

        def tell(what: str) -> None:
            entry["did"].append(what)
            self._view.did(what)

        self._lab.tell = tell
        self._view.step(step)
        checks: list[Check] = []

        def keep(check: Check) -> None:
            checks.append(check)
            entry["checks"].append(check._asdict())
            self._view.saw(check)

        try:
            async with aclosing(step.do(self._lab)) as seen:
                async for check in seen:
                    keep(check)
                    if check.passed is False:
                        break
        except LabError as error:
            keep(Check("it can be done", "yes", str(error), passed=False))
        except (LookupError, TypeError, ValueError) as error:
            why = f"an answer of another shape ({type(error).__name__})"
            keep(Check("it can be done", "yes", why, passed=False))
        verdicts = {verdict_of(check) for check in checks}
        entry["verdict"] = next((v for v in (FAILED, PASSED) if v in verdicts), SKIPPED)
        return str(entry["verdict"])

    def _verdict(self) -> str:
        verdicts = {drill["verdict"] for drill in self.report["drills"]}
        if FAILED in verdicts or self.report["left_behind"]:
            return FAILED
        return PASSED if PASSED in verdicts else SKIPPED
