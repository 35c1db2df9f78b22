"""The command `zep-sidecar`."""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import fields
from getpass import getpass
from pathlib import Path
from typing import Any

from sidecar import __version__, patterns
from sidecar.app import Sidecar
from sidecar.config import Config, ConfigError, Problem, load
from sidecar.core.control import DEFAULT_SOCKET
from sidecar.core.routes import base_urls
from sidecar.override import MODES
from sidecar.override import parse as parse_override
from sidecar.redact import Redactor, Uninspectable
from sidecar.runtime import clock
from sidecar.runtime.logs import Log

_OPS = "http://127.0.0.1:9464"
_INSTALLED = Path("/etc/zep-sidecar/config.yaml")
EXIT_FAILED, EXIT_USAGE = 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except ConfigError as error:
        # What is wrong is the very output of `check`.
        output = sys.stdout if command is _check else sys.stderr
        for problem in error.problems:
            print(problem, file=output)
        return EXIT_USAGE
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zep-sidecar", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        description = (command.__doc__ or "").strip().partition("\n")[0]
        sub = commands.add_parser(name, help=description, description=description)
        sub.set_defaults(command=command)
        return sub

    config_help = (
        "configuration (default: $ZEP_SIDECAR_CONFIG, else /etc/zep-sidecar/config.yaml, "
        "else ./config.yaml)"
    )
    run = add("run", _run)
    run.add_argument("--config", metavar="FILE", type=Path, help=config_help)
    check = add("check", _check)
    check.add_argument("--config", metavar="FILE", type=Path, help=config_help)
    check.add_argument(
        "--override", metavar="FILE", type=Path, help="an override file to validate too"
    )
    check.add_argument(
        "--print-urls", action="store_true", help="print what each SDK generation must be given"
    )
    demo = add("demo", _demo)
    demo.add_argument("--serve", action="store_true", help="keep both running, for use by hand")
    drill = add("drill", _drill)
    drill.epilog = "exit code: 0 none failed, 1 one failed or nothing was proven, 2 usage"
    drill.add_argument(
        "numbers", nargs="*", metavar="N", type=_drill_number, help="1 to 6; all by default"
    )
    drill.add_argument("--interactive", action="store_true", help="wait before each step")
    drill.add_argument("--json", action="store_true", help="print one JSON document in the end")
    drill.add_argument(
        "--proxy", metavar="URL", help="of a sidecar that runs already, before a staging Zep; its "
        "API key: $ZEP_API_KEY, else the first line of standard input",
    )  # fmt: skip
    drill.add_argument("--ops", metavar="URL", help=f"of that sidecar (default: {_OPS})")
    drill.add_argument(
        "--socket", metavar="PATH", help="its admin socket (default: as that of zep_mode)"
    )
    drill.set_defaults(fail=drill.error)
    redact = add("redact", _redact)
    redact.add_argument("--config", metavar="FILE", type=Path, help=config_help)
    form = redact.add_mutually_exclusive_group()
    form.add_argument("--jsonl", action="store_true", help='lines of {"id", "text"}; adds "spans"')
    form.add_argument("--json", action="store_true", help="the whole input is one JSON body")
    _add_override(add("override", _override))
    return parser


def _add_override(override: argparse.ArgumentParser) -> None:
    override.add_argument(
        "--mode", required=True, choices=["inherit", *MODES], help="inherit ends the override"
    )
    override.add_argument("--reason", help="why, for whoever reads it next")
    override.add_argument("--ttl", help="how long: 90s, 30m, 2h, 1d (default: until it is edited)")
    override.add_argument("--percent", help="this share of the pods, by a stable hash")
    override.add_argument("--salt", help="draws another share")
    override.add_argument("--match", metavar="K=V[,K=V]", help="only pods with these labels")
    override.add_argument("--push", action="store_true", help="run the commands, with kubectl")
    override.add_argument("--context", default="", help="passed on to kubectl")
    override.add_argument("-n", "--namespace", default="", help="passed on to kubectl")


def _read_config(path: Path | None) -> Config:
    """Load the named file, or the first default that exists, or only the environment."""
    named = path or (Path(p) if (p := os.environ.get("ZEP_SIDECAR_CONFIG")) else None)
    if named is None:
        named = next((p for p in (_INSTALLED, Path("config.yaml")) if p.exists()), None)
    return load(_read(named) if named else b"", os.environ, str(named or "configuration"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem(str(path), "", error.strerror or "cannot be read")]) from None


def _run(arguments: argparse.Namespace) -> int:
    """Start the sidecar."""
    _give_back_from(1 << 17)
    config = _read_config(arguments.config)
    log = Log(clock.wall, config.log.level, config.log.format)
    for warning in config.warnings:
        log("config_warning", "warning", key=warning.key, reason=warning.message)
    return run_loop(_serve(_build(config, log)))


def _missing(config: Config) -> Iterator[str]:
    """Yield what this host lacks and a pod would have: the sidecar runs without it."""
    paths = {"listen.admin": config.listen.admin, "guard.state_file": config.guard.state_file}
    for key, path in paths.items():
        if path and not Path(path).parent.is_dir():
            yield f"{key}: the directory of {path} does not exist here"


def _build(config: Config, log: Log) -> Sidecar:
    """Build a sidecar; what this host lacks for it is a problem of the configuration too."""
    try:
        return Sidecar(config, log)
    except ValueError as error:
        raise ConfigError([Problem("", "", str(error))]) from None


async def _serve(sidecar: Sidecar) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    try:
        await sidecar.start()
    except OSError as error:
        print(f"cannot listen: {error}", file=sys.stderr)
        await sidecar.stop()
        return EXIT_FAILED
    _settle()
    await stop.wait()
    await sidecar.stop()
    os._exit(0)  # an inspection or a look-up in a thread must not outlast the drain


def _settle() -> None:
    """Make the process small and calm, once everything is built."""
    # What the start has made stays: no need to look at it for garbage, nor often at the rest.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    _give_back_from(1 << 24)  # more than a body has: to map those anew each time costs a tenth
    with suppress(OSError, AttributeError):  # what it took beside that goes back; glibc only
        ctypes.CDLL(None).malloc_trim(0)


def _give_back_from(size: int) -> None:
    """Let what is at least so large go back to the kernel once it is free; glibc only.

    By itself glibc raises the limit for ever, up to 32 MiB, when something large becomes free: good
    for what comes again and again, but what the start alone needs would leave holes.
    """
    with suppress(OSError, AttributeError):
        for limit in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            ctypes.CDLL(None).mallopt(limit, size)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def run_loop(main: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on uvloop where it exists."""
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        factory = None
    sys.setswitchinterval(0.001)  # a thread that redacts gives way to the event loop this often
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def _check(arguments: argparse.Namespace) -> int:
    """Validate the configuration and print every problem."""
    config = _read_config(arguments.config)
    _build(config, Log(clock.wall))
    if arguments.override:
        override = parse_override(_read(arguments.override), str(arguments.override))
        print(f"override is valid: {override.mode if override else 'none'}")
    for warning in [*config.warnings, *_missing(config)]:
        print(f"warning: {warning}", file=sys.stderr)
    if arguments.print_urls:
        for sdk, setting in base_urls(f"http://{config.listen.proxy}").items():
            print(f"{sdk}: {setting}")
    else:
        print("configuration is valid")
    return 0


def _override(arguments: argparse.Namespace) -> int:
    """Print, or run, what changes the mode of all pods at once."""
    from sidecar import fleet

    now = clock.wall()
    asked = {field.name: getattr(arguments, field.name) for field in fields(fleet.Request)}
    text = fleet.document(fleet.Request(**asked), now)
    commands = fleet.commands(text, now, arguments.context, arguments.namespace)
    if arguments.mode != "inherit" and not arguments.ttl:
        print("without --ttl it stays until somebody ends it", file=sys.stderr)
    if not arguments.push:
        print("\n".join(map(shlex.join, commands)))
        return 0
    print(text, end="", flush=True)
    if problem := fleet.push(commands):
        print(f"zep-sidecar override: {problem}", file=sys.stderr)
        return EXIT_FAILED
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    """Show the sidecar at work in front of the embedded Zep stand-in."""
    from sidecar.demo import demo

    return run_loop(demo(serve=arguments.serve))


def _drill(arguments: argparse.Namespace) -> int:
    """Run the staging drills against an embedded Zep, or against a sidecar that runs already."""
    if arguments.interactive and (arguments.json or not sys.stdin.isatty()):
        arguments.fail("--interactive needs a terminal, and does not go with --json")
    if not arguments.proxy and (arguments.ops or arguments.socket):
        arguments.fail("--ops and --socket go with --proxy")
    from sidecar.drills.lab import embedded, external
    from sidecar.drills.six import DRILLS
    from sidecar.drills.terminal import drill

    lab = embedded()
    if arguments.proxy:
        key = _api_key()
        if not key:
            arguments.fail("no API key: set ZEP_API_KEY, or write it to standard input")
        socket = os.environ.get("ZEP_SIDECAR_LISTEN__ADMIN") or DEFAULT_SOCKET
        ops, socket = arguments.ops or _OPS, arguments.socket or socket
        lab = external(arguments.proxy, ops, socket, key)
    drills = [d for d in DRILLS if d.number in (arguments.numbers or range(1, 7))]
    return run_loop(drill(lab, drills, interactive=arguments.interactive, as_json=arguments.json))


def _drill_number(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5", "6"):
        raise argparse.ArgumentTypeError("must be 1 to 6")
    return int(text)


def _api_key() -> str:
    """Return the API key, never from an argument: other processes can see those."""
    if key := os.environ.get("ZEP_API_KEY"):
        return key
    if sys.stdin.isatty():
        return getpass("Zep API key: ")
    print("reading the Zep API key from standard input", file=sys.stderr)
    return sys.stdin.readline().strip()


def _redact(arguments: argparse.Namespace) -> int:
    """Redact standard input to standard output, line by line, with the configured policy."""
    redactor = Redactor(_read_config(arguments.config).redaction.policy())
    redactor.warm_up()
    patterns.keep()
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    try:
        if arguments.json:
            stdout.write(redactor.json(stdin.read()).body)
            return 0
        number = 0
        for line in stdin:
            number += 1
            text = line.decode("utf-8")
            stdout.write(
                (_as_json(redactor, text) if arguments.jsonl else redactor.text(text)).encode()
            )
            stdout.flush()
    except Uninspectable as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except (ValueError, KeyError, TypeError, RecursionError):
        print(f"line {number}: must be " + _EXPECTED[arguments.jsonl], file=sys.stderr)
        return EXIT_FAILED
    return 0


_EXPECTED = {True: 'a JSON object with "id" and "text"', False: "UTF-8"}


def _as_json(redactor: Redactor, line: str) -> str:
    if not line.strip():
        return line
    row = json.loads(line)
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError
    spans = [span._asdict() for span in redactor.spans(text)]
    redacted = {"id": row["id"], "text": redactor.text(text), "spans": spans}
    line = json.dumps(redacted, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate exists only as an escape
        line = json.dumps(redacted)
    return line + "\n"
