"""The override file: one YAML document in, one override or every problem out.

It is edited by hand in an emergency, so it is strict: what could be meant in two ways is refused.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import yaml

from sidecar.config import ConfigError, Problem
from sidecar.values import Parser, is_null, number, pairs_of, text

MAX_BYTES = 16384
MODES = ("off", "write_only", "read_write")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_LABEL = re.compile(r"(?:[a-z0-9.-]{1,253}/)?[\w.-]{1,63}=[\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Override:
    """What the file asks for, for the share of pods that it is meant for."""

    mode: str
    reason: str = ""
    expires_at: datetime | None = None
    percent: float = 100.0
    salt: str = ""
    match: tuple[str, ...] = ()


def parse(data: bytes, name: str = "override") -> Override | None:
    """Return the override, or None where the file asks for none; `name` stands in messages.

    Raises ConfigError with every problem.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError([Problem(name, "", f"is over {MAX_BYTES} bytes")])
    try:
        source = data.decode("utf-8")
        _refuse_structure(source, name)
        root = yaml.compose(source, yaml.SafeLoader)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001  PyYAML raises more than YAMLError on bad input
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = f"not one YAML document ({type(error).__name__})"
        raise ConfigError([Problem(where, "", problem)]) from None
    if root is None or is_null(root):
        return None
    return _from(root, name)


def _refuse_structure(source: str, name: str) -> None:
    """Raise ConfigError for what a flat document has no use for.

    Event by event, because PyYAML needs half a minute for 16 KiB of opening brackets.
    """
    depth = 0
    for event in yaml.parse(source, yaml.SafeLoader):
        where = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError([Problem(where, "", "aliases are not allowed")])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > 2:  # a value that is a list or a mapping is reported by its key
                raise ConfigError([Problem(where, "", "lists and mappings have no place here")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _from(root: yaml.Node, name: str) -> Override | None:
    problems: list[Problem] = []
    found: dict[str, object] = {}
    try:
        pairs = [(text(key), key.start_mark.line + 1, value) for key, value in pairs_of(root)]
    except ValueError as error:
        raise ConfigError([Problem(name, "", str(error))]) from None
    for key, line, value in pairs:
        where = f"{name}:{line}"
        if key not in _PARSERS:
            problem = f"unknown key; known are {', '.join(_PARSERS)}"
            problems.append(Problem(where, key, problem))
        elif key in found:
            problems.append(Problem(where, key, "stands here a second time"))
        else:
            try:
                found[key] = _PARSERS[key](value)
            except ValueError as error:
                problems.append(Problem(where, key, str(error)))
                found[key] = None
    if "mode" not in found:
        problems.append(Problem(name, "mode", "is missing"))
    if problems:
        raise ConfigError(problems)
    return None if found["mode"] == "inherit" else Override(**found)  # type: ignore[arg-type]


def _mode(node: yaml.Node) -> str:
    value = text(node)
    # YAML reads a bare off or no as false; whoever writes either means the same.
    value = "off" if value.lower() in ("off", "no") else value
    if value not in ("inherit", *MODES):
        raise ValueError(f"must be one of inherit, {', '.join(MODES)}")
    return value


def _words(most: int) -> Parser:
    def parse_words(node: yaml.Node) -> str:
        value = "" if is_null(node) else text(node)
        if not 1 <= len(value) <= most or not value.isprintable():
            raise ValueError(f'must be 1 to {most} printable characters (in quotes: "#12: x")')
        return value

    return parse_words


def _instant(node: yaml.Node) -> datetime:
    value = text(node)
    try:
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    raise ValueError("must be an instant with its zone, such as 2026-11-22T18:00:00Z")


def _match(node: yaml.Node) -> tuple[str, ...]:
    pairs = tuple(pair.strip() for pair in text(node).split(","))
    if not all(_LABEL.fullmatch(pair) for pair in pairs):
        raise ValueError("must be pod labels: key=value, separated by commas")
    return pairs


_PARSERS: dict[str, Parser] = {
    "mode": _mode,
    "reason": _words(200),
    "expires_at": _instant,
    "percent": number(0, 100),
    "salt": _words(64),
    "match": _match,
}
KEYS = frozenset(_PARSERS)


def check(key: str, value: str) -> None:
    """Raise ValueError with what is expected, if this text cannot be the value of a key."""
    _PARSERS[key](yaml.ScalarNode("tag:yaml.org,2002:str", value))
