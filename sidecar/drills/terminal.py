"""The command `zep-sidecar drill` as people see it: what is shown, what is asked, the exit code."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from textwrap import shorten
from typing import Any

from sidecar.drills.lab import HOLD, READ_TIMEOUT, Check, Lab, LabError
from sidecar.drills.session import FAILED, NOT_RUN, PASSED, SKIPPED, Quit, Session, verdict_of
from sidecar.drills.six import Drill, Step

_COLOURS = {PASSED: "32", FAILED: "1;31", SKIPPED: "33", NOT_RUN: "33"}
_MARKS = {PASSED: "ok", FAILED: "FAIL", SKIPPED: "skip"}
_WIDTH = 160


class Terminal:
    """Shows a session to people."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def _paint(self, text: str, verdict: str) -> str:
        return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if self._colour else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text

    def say(self, text: str = "") -> None:
        """Print a line."""
        print(text, flush=True)

    def drill(self, drill: Drill) -> None:
        """Show that a drill begins."""
        self.say("\n" + self._bold(f"Drill {drill.number}. {drill.title}"))

    def step(self, step: Step) -> None:
        """Show that a step begins."""
        self.say(f"  {step.title}")

    def did(self, what: str) -> None:
        """Show what is done."""
        self.say(f"         . {what}")

    def saw(self, check: Check) -> None:
        """Show what is seen; what was expected, too, where it says more."""
        verdict = verdict_of(check)
        seen = shorten(check.seen, _WIDTH, placeholder=" …")
        if verdict == FAILED:
            seen = f"{check.seen}\n{'':<11}expected  {check.expected}"
        elif verdict == PASSED and check.seen != check.expected:
            seen += f"  (expected {shorten(check.expected, _WIDTH, placeholder=' …')})"
        mark = self._paint(f"{_MARKS[verdict]:<4}", verdict)
        self.say(f"    {mark}   {check.what}: {seen}")

    def ended(self, drill: dict[str, Any]) -> None:
        """Show how a drill ended."""
        why = f": {drill['why']}" if drill["why"] else ""
        self.say("  " + self._paint(f"{drill['verdict'].upper()}{why}", drill["verdict"]))

    def summary(self, report: dict[str, Any]) -> None:
        """Show what came of all drills."""
        self.say()
        for drill in report["drills"]:
            verdict = self._paint(f"{drill['verdict'].upper():<8}", drill["verdict"])
            self.say(f"{verdict} {drill['seconds']:>5.1f} s  {drill['number']}. {drill['title']}")
        for target in report["left_behind"]:
            self.say(self._paint(f"LEFT BEHIND: delete it by hand: {target}", FAILED))
        if not report["left_behind"]:
            self.say("Cleaned up: what the drills did and made is undone and deleted.")
        count = sum(drill["verdict"] == PASSED for drill in report["drills"])
        self.say(self._bold(f"{count} of {len(report['drills'])} drills passed."))


class Quiet(Terminal):
    """Shows nothing: for a report as JSON."""

    def say(self, text: str = "") -> None:
        """Print nothing."""


async def ask(step: Step) -> bool:
    """Wait for the operator before a step; tell whether to do it."""
    print(f"\n  next: {step.title}\n  [Enter] go on, [s] skip it, [q] quit: ", end="", flush=True)
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
        answer = os.read(descriptor, 1024)
    finally:
        loop.remove_reader(descriptor)
    if not answer or answer.strip().lower() == b"q":  # Ctrl-D, too
        raise Quit
    return answer.strip().lower() != b"s"


async def drill(
    lab: AbstractAsyncContextManager[Lab],
    drills: Sequence[Drill],
    *,
    interactive: bool,
    as_json: bool,
) -> int:
    """Run drills and return the exit code: 0 where none failed and at least one passed, else 1."""
    task = asyncio.current_task()
    assert task
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, task.cancel)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    view = Quiet(colour=False) if as_json else Terminal(colour=colour)
    report: dict[str, Any] = {"verdict": NOT_RUN, "drills": [], "left_behind": []}
    try:
        async with lab as running:
            session = Session(running, view, ask if interactive else None)
            report = session.report
            report["sidecar"] = await _of(running)
            _introduce(view, running, report["sidecar"])
            await session.run(drills)
    except LabError as error:
        report |= {"verdict": FAILED, "error": str(error)}
    except asyncio.CancelledError:
        report |= {"verdict": FAILED, "error": "interrupted"}
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif report["drills"]:
        view.summary(report)
    if "error" in report:
        print(f"zep-sidecar drill: {report['error']}", file=sys.stderr)
    return 0 if report["verdict"] == PASSED else 1


async def _of(lab: Lab) -> dict[str, Any]:
    status = await lab.status()
    told = {key: status[key] for key in ("version", "upstream", "base", "effective")}
    return {"proxy": lab.worker.origin, "embedded": lab.zep is not None, **told}


def _introduce(view: Terminal, lab: Lab, sidecar: dict[str, Any]) -> None:
    view.say(
        f"sidecar {sidecar['version']} at {sidecar['proxy']}, in front of {sidecar['upstream']}, "
        f"base {sidecar['base']}"
    )
    if lab.zep:
        view.say(
            f"Both were started for these drills, and their times are short: reads time out "
            f"after {READ_TIMEOUT:g} s (2 s by default), holds last {HOLD:g} s (300 s)."
        )
    else:
        view.say(
            f"All that is written belongs to {lab.name} and is deleted in the end. Drills 2, 5 and "
            "6 count as downgrades: expect the alert."
        )
