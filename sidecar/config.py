"""Configuration: bytes and environment in, frozen dataclasses out, or every problem at once.

Each key stands once, below, with its parser, default and meaning; docs/config.md is generated from
it. A YAML file is read as a tree of nodes, so that a problem can name its line.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from sidecar.core.control import DEFAULT_SOCKET
from sidecar.redact import EXTRA_TYPES, CustomRule, Policy, check_policy, supported_regions
from sidecar.values import (
    Address,
    Parser,
    address,
    boolean,
    choice,
    integer,
    is_null,
    mapping,
    number,
    optional,
    pairs_of,
    redis_url,
    rules,
    text,
    url,
    words,
)

ENV_PREFIX = "ZEP_SIDECAR_"
FLAG_VARIABLES = {"FLAG_ZEP_WRITE": ("flags", "write"), "FLAG_ZEP_READ": ("flags", "read")}


class Problem(NamedTuple):
    """One thing that is wrong: where (a line of the file, or a variable), which key, and why."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


class ConfigError(Exception):
    """Every problem of a configuration."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _key(parse: Parser, default: Any, doc: str) -> Any:
    # A factory, because a mapping cannot be a dataclass default.
    return field(
        default_factory=lambda: default, metadata={"parse": parse, "default": default, "doc": doc}
    )


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where Zep is."""

    url: str = _key(
        url, "https://api.getzep.com", "Origin of Zep, with or without a path prefix (no /api/vN)."
    )
    ca_file: str | None = _key(
        optional, None, "PEM file of the authorities to trust instead of the system's."
    )
    proxy_from_env: bool = _key(
        boolean, False, "Leave through the proxy that HTTPS_PROXY/HTTP_PROXY/NO_PROXY name."
    )


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the sidecar listens."""

    proxy: Address = _key(address, Address("127.0.0.1", 8790), "What the worker's SDK talks to.")
    ops: Address = _key(address, Address("0.0.0.0", 9464), "Health and metrics, GET only.")  # noqa: S104
    admin: str = _key(
        text,
        DEFAULT_SOCKET,
        "Unix socket of the operator's command; empty for none.",
    )


@dataclass(frozen=True, slots=True)
class Flags:
    """The base mode; also FLAG_ZEP_WRITE and FLAG_ZEP_READ, which beat everything else."""

    write: bool = _key(boolean, True, "Send anything but erasures to Zep at all.")
    read: bool = _key(boolean, True, "Read from Zep.")


@dataclass(frozen=True, slots=True)
class Override:
    """The mode that operators set by editing a ConfigMap."""

    path: str = _key(text, "/etc/zep-sidecar/override/override.yaml", "The mounted file.")
    poll_interval: float = _key(number(0.01, 60), 1.0, "Seconds between looks at it.")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited, in seconds."""

    connect: float = _key(number(0.01, 60), 1.0, "For a connection to Zep, TLS included.")
    read: float = _key(number(0.01, 600), 2.0, "For Zep's answer to a context read.")
    write: float = _key(number(0.01, 600), 10.0, "For Zep's answer to a write or an erasure.")
    control: float = _key(number(0.01, 600), 10.0, "For Zep's answer to everything else.")
    drain: float = _key(number(0, 600), 20.0, "For requests in flight after SIGTERM.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused."""

    body_bytes: int = _key(integer(1024, 2**30), 10485760, "Request body, also once decoded.")
    concurrency: int = _key(
        integer(1, 65536), 1024, "Requests in flight; more get a 503, and context reads nothing."
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """When the sidecar downgrades itself."""

    failure_threshold: int = _key(integer(1, 1000), 3, "Consecutive failures that trip it.")
    streak_ttl: float = _key(number(0.01), 600.0, "Seconds after which a streak is forgotten.")
    hold: float = _key(number(0.01), 300.0, "Seconds that reads are held.")
    hold_factor: float = _key(number(1, 10), 1.5, "Growth of the hold per failed probe.")
    hold_max: float = _key(number(0.01), 600.0, "Longest hold in seconds.")
    stable_after: float = _key(number(0.01), 600.0, "Seconds closed until the hold is small again.")
    success_threshold: int = _key(integer(1, 100), 1, "Good probes that close it.")
    forbidden: str = _key(choice("immediate", "count", "ignore"), "immediate", "What a 403 does.")
    write_failures_trip: bool = _key(boolean, True, "Whether failed writes count.")
    state_file: str = _key(
        text, "/var/lib/zep-sidecar/state.json", "Survives a container restart; empty for none."
    )


@dataclass(frozen=True, slots=True)
class Probe:
    """How recovery is tried."""

    client_wait: float = _key(number(0, 60), 1.0, "Seconds the triggering worker waits for it.")
    idle_after: float = _key(number(0.01), 30.0, "Seconds without reads before a background probe.")
    active: bool = _key(boolean, True, "Whether background probes run at all.")


@dataclass(frozen=True, slots=True)
class Reads:
    """How a context read degrades."""

    fail_soft: bool = _key(boolean, True, "Answer a failed read locally instead of with an error.")
    stale_after: float = _key(number(0, 60), 0.25, "Seconds until a last-known answer is given.")


@dataclass(frozen=True, slots=True)
class Cache:
    """The context cache."""

    enabled: bool = _key(boolean, True, "Whether context is cached.")
    ttl: float = _key(number(0.01), 30.0, "Seconds an entry is fresh.")
    max_stale: float = _key(number(0), 900.0, "Seconds an entry is kept as last known.")
    max_entries: int = _key(integer(1), 10000, "Entries in memory.")
    max_bytes: int = _key(integer(1024), 67108864, "Bytes in memory.")
    invalidate_on_write: str = _key(choice("hard", "soft", "off"), "hard", "What a write does.")
    redis_url: str | None = _key(
        redis_url, None, "Shared tier: redis:// or rediss://, also user and password; or none."
    )
    namespace: str = _key(text, "zs", "Prefix of every key in the shared tier.")


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is replaced in everything that leaves for Zep."""

    email: bool = _key(boolean, True, "E-mail addresses.")
    phone: bool = _key(boolean, True, "Phone numbers.")
    address: bool = _key(boolean, True, "Street addresses.")
    extra: tuple[str, ...] = _key(
        words(lambda: EXTRA_TYPES), (), f"Any of {' '.join(EXTRA_TYPES)}."
    )
    custom: tuple[CustomRule, ...] = _key(
        rules, (), "Own patterns: a list of name, pattern (RE2 syntax), placeholder."
    )
    placeholders: Mapping[str, str] = _key(
        mapping,
        MappingProxyType({}),
        "Type to text, instead of `[EMAIL]`, `[PHONE]`, `[ADDRESS]` and so on.",
    )
    default_regions: tuple[str, ...] = _key(
        words(supported_regions), Policy().regions, "Countries whose national phone forms count."
    )
    allow_binary: bool = _key(
        boolean, False, "Let skill archives (zip) pass, although they cannot be inspected."
    )

    def policy(self) -> Policy:
        """Return what the redactor needs."""
        types = [t for t in ("email", "phone", "address") if getattr(self, t)]
        return Policy(
            frozenset([*types, *self.extra]), self.default_regions, self.custom, self.placeholders
        )


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The log on standard output."""

    level: str = _key(choice("debug", "info", "warning", "error"), "info", "Lowest level written.")
    format: str = _key(choice("json", "text"), "json", "One JSON object a line, or plain text.")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    upstream: Upstream = Upstream()
    listen: Listen = Listen()
    flags: Flags = Flags()
    override: Override = Override()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    guard: Guard = Guard()
    probe: Probe = Probe()
    reads: Reads = Reads()
    cache: Cache = Cache()
    redaction: Redaction = Redaction()
    log: LogConfig = LogConfig()
    warnings: tuple[Problem, ...] = ()


SECTIONS: dict[str, type[Any]] = {
    f.name: f.type  # type: ignore[misc]
    for f in dataclasses.fields(Config)
    if f.name != "warnings"
}


# --- loading --------------------------------------------------------------------------------------


class _Setting(NamedTuple):
    where: str
    node: yaml.Node


def load(data: bytes, environ: Mapping[str, str], name: str = "config") -> Config:
    """Parse a YAML document and the environment, which beats it, into a Config.

    `name` stands in messages for the file. Raises ConfigError with every problem found.
    """
    problems: list[Problem] = []
    settings = dict([*_from_file(data, name, problems), *_from_environ(environ, problems)])
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for (section, key), (where, node) in settings.items():
        parse = {f.name: f.metadata["parse"] for f in dataclasses.fields(SECTIONS[section])}[key]
        try:
            values[section][key] = parse(node)
        except ValueError as error:
            problems.append(Problem(where, f"{section}.{key}", str(error)))
    config = Config(**{s: cls(**values[s]) for s, cls in SECTIONS.items()})
    problems += _across(config, settings, name)
    if problems:
        # By line; what comes from the environment has none and stands first.
        problems.sort(key=lambda p: [int(line) for line in re.findall(r":(\d+)$", p.where)])
        raise ConfigError(problems)
    return dataclasses.replace(config, warnings=tuple(_warnings(config)))


def _from_file(
    data: bytes, name: str, problems: list[Problem]
) -> Iterator[tuple[tuple[str, str], _Setting]]:
    try:
        root = yaml.compose(data.decode("utf-8"), yaml.SafeLoader)
    except Exception as error:  # noqa: BLE001  PyYAML raises more than YAMLError on bad input
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problems.append(Problem(where, "", f"not valid YAML ({type(error).__name__})"))
        return
    if root is None or is_null(root):
        return
    for section, key, where, node in _walk(root, name, problems):
        yield (section, key), _Setting(where, node)


def _walk(
    root: yaml.Node, name: str, problems: list[Problem]
) -> Iterator[tuple[str, str, str, yaml.Node]]:
    """Yield every known `section.key` with where it stands; report the others."""
    for section, at, body in _members(root, name, name, "", problems):
        if section not in SECTIONS:
            known = ", ".join(SECTIONS)
            problems.append(Problem(at, section, f"unknown section; known are {known}"))
            continue
        if is_null(body):
            continue  # a section with every line commented out
        known_keys = [f.name for f in dataclasses.fields(SECTIONS[section])]
        for key, where, node in _members(body, name, at, section, problems):
            if key in known_keys:
                yield section, key, where, node
            else:
                problem = f"unknown key; known are {', '.join(known_keys)}"
                problems.append(Problem(where, f"{section}.{key}", problem))


def _members(
    node: yaml.Node, name: str, at: str, path: str, problems: list[Problem]
) -> Iterator[tuple[str, str, yaml.Node]]:
    """Yield key, place and value of a mapping's members; report it if it is none."""
    try:
        pairs = [(text(key), f"{name}:{key.start_mark.line + 1}", v) for key, v in pairs_of(node)]
    except ValueError as error:
        problems.append(Problem(at, path, str(error)))
        return
    seen = set()
    for key, where, value in pairs:
        if key in seen:
            full = f"{path}.{key}".lstrip(".")
            problems.append(Problem(where, full, "stands here a second time"))
        seen.add(key)
        yield key, where, value


def _from_environ(
    environ: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[tuple[str, str], _Setting]]:
    for variable in sorted(environ):
        # Kubernetes adds variables such as ZEP_SIDECAR_SERVICE_HOST of its own: only those with a
        # double underscore are ours.
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if not variable.startswith(ENV_PREFIX) or not separator:
            continue
        if section not in SECTIONS or key not in SECTIONS[section].__dataclass_fields__:
            problems.append(Problem(variable, "", "sets no known key"))
            continue
        yield (section, key), _Setting(variable, _environ_node(section, key, environ[variable]))
    for variable, path in FLAG_VARIABLES.items():
        if variable in environ:
            yield path, _Setting(variable, _environ_node(*path, environ[variable]))


def _environ_node(section: str, key: str, value: str) -> yaml.Node:
    """Return a variable's value as a node: YAML where the key holds a list or a mapping."""
    default = SECTIONS[section].__dataclass_fields__[key].metadata["default"]
    if isinstance(default, tuple | Mapping) and not isinstance(default, Address):
        try:
            if node := yaml.compose(value, yaml.SafeLoader):
                return node
        except Exception:  # noqa: BLE001, S110  said as "must be a list" by the parser
            pass
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)


def _across(
    config: Config, settings: Mapping[tuple[str, str], _Setting], name: str
) -> Iterator[Problem]:
    """Yield what is wrong although each key by itself is sound."""

    def problem(section: str, key: str, message: str) -> Problem:
        setting = settings.get((section, key))
        return Problem(setting.where if setting else name, f"{section}.{key}", message)

    for key, message in check_policy(config.redaction.policy()):
        yield problem("redaction", key, message)
    if re.search(r"/api(/v\d)?$", config.upstream.url):
        yield problem("upstream", "url", "must not end in /api/vN: the SDKs send that themselves")
    if config.listen.proxy == config.listen.ops and config.listen.proxy.port:
        yield problem("listen", "ops", "must not be the same address as listen.proxy")
    if config.guard.hold_max < config.guard.hold:
        yield problem("guard", "hold_max", "must not be less than guard.hold")


def _warnings(config: Config) -> Iterator[Problem]:
    if not config.flags.write:
        message = "is false: nothing but erasures reaches Zep, whatever flags.read says"
        yield Problem("", "flags.write", message)
    if config.reads.stale_after >= config.timeouts.read:
        yield Problem("", "reads.stale_after", "is not less than timeouts.read: it has no effect")
