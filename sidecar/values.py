"""A YAML node to a value, or ValueError with what is expected.

Scalars are parsed from their text, so that YAML's own guesses (`off` as False, `1_0` as 10) never
happen.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from sidecar.redact import CustomRule


class Address(NamedTuple):
    """A TCP address to listen on; port 0 takes a free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Parser = Callable[[yaml.Node], Any]


def text(node: yaml.Node) -> str:
    """Parse a scalar as the text it is."""
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError("must be a single value, not a list or a mapping")
    value: str = node.value
    return value


def _filled(node: yaml.Node) -> str:
    if not (value := text(node)) or is_null(node):
        raise ValueError("is empty")
    return value


def is_null(node: yaml.Node) -> bool:
    """Tell whether a node is YAML's null."""
    return node.tag == "tag:yaml.org,2002:null"


def optional(node: yaml.Node) -> str | None:
    """Parse a text that may be absent: empty or null gives None."""
    return None if is_null(node) else text(node) or None


def redis_url(node: yaml.Node) -> str | None:
    """Parse the URL of a Redis server that may be absent; it may hold a password: never shown."""
    value = optional(node)
    try:
        parts = urlsplit(value or "redis://none")
        sound = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("must be redis:// or rediss:// with a host, or empty")
    return value


def boolean(node: yaml.Node) -> bool:
    """Parse true/false, 1/0, yes/no, on/off in any case."""
    value = _filled(node).lower()
    if value not in _BOOLEANS:
        raise ValueError("must be true or false (or 1/0, yes/no, on/off)")
    return _BOOLEANS[value]


_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


def number(least: float, most: float = math.inf) -> Parser:
    """Return a parser for a decimal number within bounds."""

    def parse(node: yaml.Node) -> float:
        value = _filled(node)
        if not re.fullmatch(r"\d+(\.\d+)?", value) or not least <= float(value) <= most:
            raise ValueError(f"must be a number {_bounds(least, most)}, without a unit")
        return float(value)

    return parse


def integer(least: int, most: float = math.inf) -> Parser:
    """Return a parser for a whole number within bounds."""

    def parse(node: yaml.Node) -> int:
        value = _filled(node)
        if not re.fullmatch(r"\d{1,18}", value) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number {_bounds(least, most)}, without a unit")
        return int(value)

    return parse


def _bounds(least: float, most: float) -> str:
    return f"from {least:g}" + ("" if most == math.inf else f" to {most:g}")


def choice(*allowed: str) -> Parser:
    """Return a parser for one of a few words."""

    def parse(node: yaml.Node) -> str:
        if (value := _filled(node)) not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return parse


def url(node: yaml.Node) -> str:
    """Parse an http(s) base URL; the trailing slash goes."""
    value = _filled(node)
    problem = ValueError("must be http:// or https:// with a host, without user, query or fragment")
    try:
        parts = urlsplit(value)
        sound = parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:
        raise problem from None
    if (
        not sound
        or parts.scheme not in ("http", "https")
        or "@" in parts.netloc
        or re.search(r"[?#\s\\]|[^\x21-\x7e]", value)
    ):
        raise problem
    return value.rstrip("/")


def address(node: yaml.Node) -> Address:
    """Parse `host:port`, the host an IP address or a name, IPv6 in brackets."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", _filled(node), re.ASCII)
    if not match or int(match[2]) > 65535:
        raise ValueError("must be host:port (IPv6 in brackets)")
    return Address(match[1].strip("[]"), int(match[2]))


def _items(node: yaml.Node) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise ValueError("must be a list")
    items: list[yaml.Node] = node.value
    return items


def words(allowed: Callable[[], tuple[str, ...]]) -> Parser:
    """Return a parser for a list of known words."""

    def parse(node: yaml.Node) -> tuple[str, ...]:
        values = tuple(text(item) for item in _items(node))
        for value in values:
            if value not in allowed():
                raise ValueError(f"unknown entry {value!r}; known are {', '.join(allowed())}")
        return values

    return parse


def rules(node: yaml.Node) -> tuple[CustomRule, ...]:
    """Parse the operator's own patterns; Policy checks what they mean."""
    out = []
    for item in _items(node):
        pairs = {text(k): text(v) for k, v in pairs_of(item)}
        if pairs.keys() != {"name", "pattern", "placeholder"}:
            raise ValueError("each entry must have exactly name, pattern and placeholder")
        out.append(CustomRule(**pairs))
    return tuple(out)


def mapping(node: yaml.Node) -> Mapping[str, str]:
    """Parse a mapping of text to text."""
    return MappingProxyType({text(k): text(v) for k, v in pairs_of(node)})


def pairs_of(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return the members of a mapping."""
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("must be a mapping")
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
    return pairs
