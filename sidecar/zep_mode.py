"""The operator's command `zep_mode`: shows what limits the mode, and limits it in an emergency.

It asks the sidecar over its admin socket. Run it where the sidecar runs:
kubectl exec POD -c zep-sidecar -- zep_mode --status
"""

import argparse
import http.client
import json
import math
import os
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sidecar.core import control
from sidecar.runtime import clock

EXIT_FAILED = 1
PATIENCE = 5.0
CONFIG_MAP = "zep-sidecar-override"
OVERRIDE_FILE = "/etc/zep-sidecar/override/override.yaml"
_MOST_BYTES = 2**20


class Failed(Exception):
    """The sidecar refused, or could not be reached; the message says which and why."""


def main(argv: list[str] | None = None) -> int:
    """Carry out one action and return the exit code."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.force is None and (arguments.ttl or arguments.mode or arguments.allow_stale):
        parser.error("--ttl, --mode and --allow-stale go with --force")
    try:
        answer = _act(arguments)
        shown = json.dumps(answer) if arguments.json else _shown(arguments, answer)
    except Failed as error:
        if arguments.json:
            print(json.dumps({"error": str(error)}))
        print(f"zep_mode: {error}", file=sys.stderr)
        return EXIT_FAILED
    try:
        print(shown, flush=True)
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zep_mode",
        description="Show or limit the mode of one sidecar. Exactly one action a call.",
        epilog="exit code: 0 done, 1 the sidecar refused or cannot be reached, 2 usage",
        allow_abbrev=False,
    )
    actions = parser.add_mutually_exclusive_group(required=True)
    actions.add_argument("--status", action="store_true", help="show the mode and what limits it")
    actions.add_argument(
        "--force",
        metavar="REASON",
        type=_checked(control.check_reason),
        help="limit the mode now; REASON is 1 to 32 of a-z, 0-9, _ and -",
    )
    actions.add_argument(
        "--clear", action="store_true", help="end the force, close the guard, forget failures"
    )
    actions.add_argument(
        "--invalidate",
        metavar="ID",
        type=_checked(control.check_id),
        help="drop what is cached of a thread or a user",
    )
    actions.add_argument(
        "--reset-failures", action="store_true", help="forget failures; ends no force and no hold"
    )
    force = parser.add_argument_group("with --force")
    force.add_argument(
        "--ttl",
        metavar="SECONDS",
        type=_checked(lambda text: control.check_ttl(float(text))),
        help="end the force by itself (default: it stays until --clear)",
    )
    force.add_argument(
        "--mode", choices=control.FORCED_MODES, help=f"default: {control.FORCED_MODES[0]}"
    )
    force.add_argument(
        "--allow-stale", action="store_true", help="answer reads from the cache where it can"
    )
    parser.add_argument("--json", action="store_true", help="print the sidecar's answer as JSON")
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=os.environ.get("ZEP_SIDECAR_LISTEN__ADMIN") or control.DEFAULT_SOCKET,
        help="admin socket (default: $ZEP_SIDECAR_LISTEN__ADMIN, else %(default)s)",
    )
    return parser


def _checked(check: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


# --- asking ---------------------------------------------------------------------------------------


def _act(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.status:
        return _ask(arguments.socket, "GET", "/status")
    if arguments.clear:
        return _ask(arguments.socket, "POST", "/clear")
    if arguments.reset_failures:
        return _ask(arguments.socket, "POST", "/reset-failures")
    if arguments.invalidate is not None:
        return _ask(arguments.socket, "POST", "/invalidate", {"id": arguments.invalidate})
    body = {"reason": arguments.force, "mode": arguments.mode or control.FORCED_MODES[0]}
    if arguments.ttl:
        body["ttl"] = arguments.ttl
    return _ask(arguments.socket, "POST", "/force", {**body, "allow_stale": arguments.allow_stale})


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


# What the answer to each request has at least one of.
_KEYS = {
    "/status": {"effective"}, "/force": {"status"}, "/clear": {"status"},
    "/invalidate": {"invalidated"}, "/reset-failures": {"status"},
}  # fmt: skip


def _ask(path: str, method: str, target: str, body: Any = None) -> dict[str, Any]:
    """Return the sidecar's answer; raises Failed."""
    connection = _Connection(path)
    try:
        connection.request(method, target, None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read(_MOST_BYTES))
        if response.status == 200 and not _KEYS[target] & answer.keys():
            raise ValueError(target)
        if response.status != 200:
            raise Failed(f"refused: {answer['message']}")
        return dict(answer)
    except OSError as error:
        raise Failed(f"cannot reach the sidecar at {path}: {_why(error)}") from None
    except (http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        raise Failed(f"what answers at {path} is not a sidecar") from None
    finally:
        connection.close()


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            "there is no such socket. Is this the sidecar's container, and listen.admin this path? "
            "kubectl exec POD -c zep-sidecar -- zep_mode --status"
        )
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens on it: the sidecar is not running"
    if isinstance(error, PermissionError):
        return "permission denied: only the sidecar's own user, and root, may"
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:g} seconds"
    return error.strerror or str(error)


# --- showing --------------------------------------------------------------------------------------

_MEANING = {
    "read_write": "writes go to Zep, context is read from Zep",
    "write_only": "writes go to Zep, context is NOT read from Zep",
    "off": "NOTHING goes to Zep but erasures",
}
_COLOURS = {"read_write": "42;30", "write_only": "43;30", "off": "41;97"}


def _shown(arguments: argparse.Namespace, answer: dict[str, Any]) -> str:
    try:
        return _text(arguments, answer)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise Failed(f"the answer at {arguments.socket} is not this version's") from None


def _text(arguments: argparse.Namespace, answer: dict[str, Any]) -> str:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    command = "zep_mode"
    if arguments.socket != (os.environ.get("ZEP_SIDECAR_LISTEN__ADMIN") or control.DEFAULT_SOCKET):
        command += f" --socket {arguments.socket}"
    if arguments.invalidate is not None:
        return _invalidated(answer["invalidated"])
    lines = []
    if arguments.force is not None:
        lines += ["done: forced", ""]
    elif arguments.clear:
        limits = ", ".join(answer["limited_by"])
        lines += ["done: cleared" + (f"; still limited by {limits}" if limits else ""), ""]
    elif arguments.reset_failures:
        lines += ["done: failures forgotten", ""]
    status = answer if arguments.status else answer["status"]
    lines += report(status, clock.wall(), command, colour=colour)
    return "\n".join(lines)


def _invalidated(count: int | None) -> str:
    if count is None:
        return "done: there is no cache"
    return f"done: {count} cached answer{'' if count == 1 else 's'} dropped"


def report(
    status: dict[str, Any], now: datetime, command: str = "zep_mode", *, colour: bool = False
) -> Iterator[str]:
    """Yield the lines of a status for people: the mode, who limits it, the rest, what to do.

    `status` is what `--status --json` prints; `command` is how to call this command again.
    """
    mode = status["effective"]
    name = f"{mode.upper()} ({status['gauge']})"
    if colour:
        name = f"\x1b[1;{_COLOURS[mode]}m {name} \x1b[0m"
    yield f"==> {name}  {_MEANING[mode]}"
    for n, source in enumerate(status["limited_by"]):
        since = _instant(datetime.fromisoformat(status["since"][source]), now)
        limit = f"{source} since {since}: {_limit(source, status, now)}"
        yield f"{'' if n else 'limited by':<14}{limit}"
    yield ""
    guard = status["guard"]
    rows = {
        "base": status["base"],
        "override": _override(status["override"], now),
        "forced": _forced(status["forced"], now),
        "guard": f"{_held(guard, now)}, level {guard['level']}, streak {_plain(guard['streak'])}",
        "credentials": _credentials(status["credentials"], now),
        "cache": _plain(status["cache"]),
        "spool": _plain(status["spool"]),
        "upstream": status["upstream"],
        "version": status["version"],
    }
    for row, text in rows.items():
        yield f"{row:<14}{text}"
    yield ""
    steps: dict[str, list[str]] = {}
    for step, why in _steps(status, command):
        steps.setdefault(step, []).append(why)
    for n, (step, reasons) in enumerate(steps.items()):
        yield f"{'' if n else 'what to do':<14}{step}"
        yield from (f"{'':<18}{why}" for why in reasons)


def _limit(source: str, status: dict[str, Any], now: datetime) -> str:
    """Say why a source limits the mode, and until when."""
    if source == "base":
        return f"FLAG_ZEP_{'WRITE' if status['base'] == 'off' else 'READ'} is false"
    if source == "override":
        return _override(status["override"], now)
    if source == "forced":
        return _forced(status["forced"], now)
    if source == "guard":
        return _held(status["guard"], now)
    if source == "auth":
        return "Zep refuses the API key: " + _credentials(status["credentials"], now)
    if source == "invalid_override":
        return "the override file cannot be used, and none before it could"
    return "unknown to this version of zep_mode"


def _override(override: dict[str, Any] | None, now: datetime) -> str:
    if override is None:
        return "none"
    state = {
        "invalid": "INVALID file; last good one: ",
        "unreadable": "UNREADABLE file; last good one: ",
        "not_selected": "for other pods: ",
    }.get(override["state"], "")
    if override["mode"] is None:
        return state + "none"
    reason = f' "{override["reason"]}"' if override["reason"] else ""
    expires = "until it is edited"
    if override["expires_at"]:
        instant = datetime.fromisoformat(override["expires_at"])
        verb = "until" if instant > now else "expired"
        expires = f"{verb} {_instant(instant, now)}"
    return f"{state}{override['mode']}{reason}, {expires}"


def _forced(forced: dict[str, Any] | None, now: datetime) -> str:
    if forced is None:
        return "no"
    left = forced["remaining"]
    until = "until --clear" if left is None else f"until {_at(left, now)}"
    return f'{forced["mode"]} "{forced["reason"]}", {until}'


def _held(held: dict[str, Any], now: datetime) -> str:
    """Describe a guard, or a credential's: its state, and the time to its next probe."""
    if held["state"] == "closed":
        return "closed"
    reason = f" ({held['reason']})" if held.get("reason") else ""
    left = held["remaining"]
    if held["state"] == "half-open":
        probe = "a probe is under way"
    else:
        probe = f"next probe {_at(left, now)}" if left else "the next read is the probe"
    return f"{held['state']}{reason}, {probe}"


def _credentials(credentials: list[dict[str, Any]], now: datetime) -> str:
    if not credentials:
        return "none seen"
    held = [c for c in credentials if c["state"] != "closed"]
    if not held:
        return f"{len(credentials)} seen, none refused"
    each = "; ".join(f"{c['id']} {_held(c, now)}" for c in held)
    return f"{len(held)} of {len(credentials)} refused: {each}"


def _steps(status: dict[str, Any], command: str) -> Iterator[tuple[str, str]]:
    """Yield what can be done about each limit: a command, and what it does."""
    limits = status["limited_by"]
    override = status["override"] or {"state": "none"}
    edit = f"kubectl edit configmap {CONFIG_MAP}"
    if "forced" in limits:
        yield f"{command} --clear", "ends the force, and closes the guard"
    if "guard" in limits:
        yield f"{command} --clear", "reads at once, when Zep is known to be well; else wait"
    if "auth" in limits:
        yield f"{command} --clear", "reads at once, when the worker's API key is good again"
    if "override" in limits:
        yield edit, "`mode: inherit` ends it in the whole fleet, within about 90 seconds"
    if override["state"] in ("invalid", "unreadable"):
        path = os.environ.get("ZEP_SIDECAR_OVERRIDE__PATH") or OVERRIDE_FILE
        yield f"zep-sidecar check --override {path}", "says what is wrong with the file"
        yield edit, "mends it in the whole fleet, within about 90 seconds"
    if override["state"] == "expired":
        yield edit, "takes out the override that has expired"
    if "base" in limits:
        yield "FLAG_ZEP_WRITE, FLAG_ZEP_READ in the deployment", "take a rollout"
    if status["effective"] == "read_write":
        yield f"{command} --force REASON", "only in an emergency: stops the reads of this pod"


def _at(seconds: float, now: datetime) -> str:
    return f"{_instant(now + timedelta(seconds=seconds), now)} (in {_duration(seconds)})"


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for n, (unit, size) in enumerate(units):
        if whole >= size:
            most, rest = divmod(whole, size)
            lesser = units[n + 1 : n + 2]
            less = [f"{rest // s} {u}" for u, s in lesser if rest // s]
            return " ".join([f"{most} {unit}", *less])
    return "0 s"


def _instant(instant: datetime, now: datetime) -> str:
    try:
        utc, today = instant.astimezone(UTC), now.astimezone(UTC).date()
    except OverflowError:  # the first or the last day that there is
        return instant.isoformat(" ")
    return utc.strftime("%H:%M:%S UTC" if utc.date() == today else "%Y-%m-%d %H:%M UTC")


def _plain(value: Any) -> str:
    """Show a value of JSON without its punctuation."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
