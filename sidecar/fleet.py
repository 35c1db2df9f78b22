"""The command `zep-sidecar override`: the mode of the whole fleet, by one edit of a ConfigMap.

It prints what to run, or runs it. What it writes is parsed first, by the parser that every sidecar
uses, and passes the admission policy in k8s/components/guardrails.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sidecar.config import ConfigError, Problem
from sidecar.core.control import MAX_TTL
from sidecar.override import check, parse

CONFIG_MAP = "zep-sidecar-override"
KEY = "override.yaml"
SELECTOR = "zep-sidecar.dev/inject=true"
REFRESH = "zep-sidecar.dev/refresh"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asks for: texts as they were given, None where not."""

    mode: str
    reason: str | None = None
    ttl: str | None = None
    percent: str | None = None
    salt: str | None = None
    match: str | None = None


def document(request: Request, now: datetime) -> str:
    """Return the override file. Raises ConfigError that names the options with a problem."""
    match = request.match
    if match is not None:
        match = ",".join(pair.strip() for pair in match.split(","))
    # In the order of the file, and in its form.
    lines = {
        "reason": (request.reason, _quoted),
        "ttl": (request.ttl, lambda ttl: _instant(now + timedelta(seconds=seconds(ttl)))),
        "percent": (request.percent, lambda percent: f"{Decimal(percent):f}"),
        "salt": (request.salt, _quoted),
        "match": (match, _quoted),
    }
    text, problems = f"mode: {request.mode}\n", []
    for option, (value, form) in lines.items():
        if value is None:
            continue
        try:
            if option != "ttl":
                check(option, value)
            text += f"{'expires_at' if option == 'ttl' else option}: {form(value)}\n"
        except ValueError as error:
            problems.append(Problem(f"--{option}", "", str(error)))
        if request.mode == "inherit" and option != "reason":
            problems.append(Problem(f"--{option}", "", "does not go with --mode inherit"))
    if problems:
        raise ConfigError(problems)
    parse(text.encode())
    return text


def seconds(ttl: str) -> int:
    """Return a time to live in seconds, or raise ValueError with what is expected."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", ttl)
    value = int(found[1]) * _UNITS[found[2] or "s"] if found else 0
    if not 0 < value <= MAX_TTL:
        raise ValueError("must be a time such as 90s, 30m, 2h or 1d, at most 365d")
    return value


def _instant(instant: datetime) -> str:
    """Return an instant in UTC, its second rounded up: never a shorter time than was asked for."""
    if instant.microsecond:
        instant = instant.replace(microsecond=0) + timedelta(seconds=1)
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _quoted(text: str) -> str:
    """Return printable text as a double-quoted scalar of YAML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def commands(text: str, now: datetime, context: str = "", namespace: str = "") -> list[list[str]]:
    """Return the two commands: the edit, and what makes every kubelet fetch it at once."""
    kubectl = ["kubectl"]
    if context:
        kubectl.append(f"--context={context}")
    if namespace:
        kubectl.append(f"--namespace={namespace}")
    patch = json.dumps({"data": {KEY: text}}, ensure_ascii=False)
    # Any new value will do: a changed pod is a pod to be synced.
    stamp = f"{REFRESH}={now:%Y%m%dT%H%M%S.%fZ}"
    return [
        [*kubectl, "patch", "configmap", CONFIG_MAP, "--type=merge", f"--patch={patch}"],
        [*kubectl, "annotate", "pods", f"--selector={SELECTOR}", stamp, "--overwrite"],
    ]


def push(to_run: Sequence[Sequence[str]]) -> str:
    """Run the commands, each only after the one before it; return what went wrong, or nothing."""
    for done, command in enumerate(to_run):
        try:
            code = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
        except OSError as error:
            return f"cannot run {command[0]}: {error.strerror}"
        if code and done:
            return "the override is set, but the pods were not told: it takes up to 90 seconds"
        if code:
            return "nothing was changed"
    return ""
