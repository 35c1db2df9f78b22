"""The route table: which Zep operation a request is, and which of its fields are identifiers.

`routes.json` beside this module holds one line per route of the SDKs zep-cloud 2.22, 3.30 and 4.0
and zep-python 1.5 and 2.0 (API v1, v2 and v4). Names that hold identifiers, enums, instants or
filters mean the same on every route, so they are listed once, here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

from sidecar.core.words import Word


class RouteClass(Word):
    """What a request is for; it decides the timeout and, later, what each mode does with it."""

    CONTEXT = "CTX"  # a read of memory that has an honest empty answer
    WRITE = "WRITE"
    HYBRID = "HYBRID"  # a write that may also read (`return_context`)
    ERASE = "ERASE"  # deletes user data
    CONTROL = "CTRL"  # entity reads, look-ups, lists, administration
    UNKNOWN = "UNKNOWN"  # a Zep path that this table does not know


WRITES = frozenset({RouteClass.WRITE, RouteClass.HYBRID, RouteClass.ERASE})
"""What changes memory."""


class Fields(Enum):
    """What the strings at a place in a request body are."""

    SCHEMA = "schema"  # text, in an object with Zep's own field names: some are identifiers
    FREE = "free"  # text, under the application's own names
    IDENTIFIER = "identifier"  # an id, enum or instant: never altered
    FILTER = "filter"  # a search filter: nothing in it is ever altered

    @lru_cache(maxsize=4096)
    def child(self, name: str) -> "Fields":
        """Return what the value of the member `name` is, in an object at this place."""
        if self in (Fields.FREE, Fields.FILTER):
            return self
        if name in FREE_FORM or name.endswith(FREE_FORM_SUFFIX):
            return Fields.FREE
        if name in FILTERS:
            return Fields.FILTER
        if name in IDENTIFIERS or name.endswith(IDENTIFIER_SUFFIXES):
            return Fields.IDENTIFIER
        return Fields.SCHEMA

    @property
    def of_object(self) -> "Fields":
        """Return what an object at this place is: a name such as `types` shields no members."""
        return Fields.SCHEMA if self is Fields.IDENTIFIER else self

    @property
    def is_text(self) -> bool:
        """Tell whether a string at this place is redacted."""
        return self in (Fields.SCHEMA, Fields.FREE)


IDENTIFIERS = frozenset(
    """
    id uuid uuids role role_type type types kind mode status scope data_type search_type
    search_scope reranker labels fact_name direction order order_by direction_sort cursor
    uuid_cursor limit version provider verdict models instruction_names task_family api_url
    """.split()
)
IDENTIFIER_SUFFIXES = (
    "_id",
    "_ids",
    "_uuid",
    "_uuids",
    "_at",
    "_time",
    "_zone",
    "_labels",
    "_token",
)
FILTERS = frozenset({"filters", "search_filters", "episode_metadata_filters"})
FREE_FORM = frozenset({"metadata", "attributes"})
FREE_FORM_SUFFIX = "_attributes"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One operation of the Zep API."""

    api: str
    method: str
    path: str
    cls: RouteClass
    safe: bool = False
    """Asking twice does no harm (RFC 9110 9.2.1), although the method may be POST."""
    stream: bool = False
    """The answer may trickle in for as long as Zep likes: events or an export."""
    binary: bool = False
    """The body is an archive, which cannot be inspected."""
    fields: Mapping[str, Fields] = field(default_factory=dict)
    """Names that mean something else here than they do elsewhere."""
    empty: Any = None
    """The answer that parses in every SDK and says "nothing there" or, to an append, "taken".

    JSON, with path parameters in braces, or text; None where there is none. An administrative
    route that has one is only a hint that reads will follow.
    """

    @property
    def template(self) -> str:
        """The whole path with its parameters in braces; empty where the table does not know it."""
        if not self.path or self.path == "/healthz":
            return self.path
        return f"/api/{self.api}{self.path}"


SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PREFIXES = ("v1", "v2", "v4")

_Node = dict[str, Any]
_PARAMETER = "{}"


def _load() -> dict[tuple[str, str], _Node]:
    """Return a tree of path segments for each API and method; a leaf is under the key ""."""
    trees: dict[tuple[str, str], _Node] = {}
    for row in json.loads(Path(__file__).with_name("routes.json").read_bytes()):
        row["cls"] = RouteClass(row.pop("class"))
        row["safe"] = row.get("safe", row["method"] in SAFE_METHODS) or row["cls"] in _READS
        row["fields"] = {name: Fields(kind) for name, kind in row.get("fields", {}).items()}
        route = Route(**row)
        node = trees.setdefault((route.api, route.method), {})
        for segment in route.path.split("/")[1:]:
            node = node.setdefault(_PARAMETER if segment[0] == "{" else segment, {})
        node[""] = route
    return trees


_READS = frozenset({RouteClass.CONTEXT})
_TREES = _load()


def _find(node: _Node, segments: list[str], at: int) -> Route | None:
    """Match depth first; a literal segment beats a parameter."""
    for behind, segment in enumerate(segments[at:], at + 1):
        literal: _Node | None = node.get(segment)
        parameter: _Node | None = node.get(_PARAMETER)
        if not segment or not (literal or parameter):
            return None
        if literal and parameter and (found := _find(literal, segments, behind)):
            return found
        node = parameter or literal or {}
    leaf: Route | None = node.get("")
    return leaf


@lru_cache(maxsize=64)
def _unknown(method: str, api: str) -> Route:
    return Route(api, method, "", RouteClass.UNKNOWN, safe=method in SAFE_METHODS)


def match(method: str, target: str) -> Route | None:
    """Name the operation that a raw request target asks for.

    Returns None when no SDK can have meant it: no API prefix, or one prefix after another. A path
    with a good prefix that the table does not know is a route of class UNKNOWN: Zep may be newer
    than this table.
    """
    path = target.partition("?")[0]
    if path == "/healthz":  # zep-python 1.x asks for it in its constructor, and wants this answer
        safe = method in SAFE_METHODS
        return Route("v1", method, path, RouteClass.CONTROL, safe=safe, empty=".")
    segments = path.split("/")
    if len(segments) < 4 or segments[0] or segments[1] != "api" or segments[2] not in PREFIXES:
        return None
    behind = [segment for segment in segments[3:] if segment][:2]
    if behind[:1] == ["api"] and behind[1:] and behind[1] in PREFIXES:
        return None
    api = segments[2]
    tree = _TREES.get((api, "GET" if method == "HEAD" else method))
    return (_find(tree, segments, 3) if tree else None) or _unknown(method, api)


def base_urls(origin: str) -> dict[str, str]:
    """Return what each SDK generation must be given to reach a sidecar at `origin`.

    Read from the SDK sources: 4.x has no environment variable for it, 2.x and 3.x append
    `/api/v2` to ZEP_API_URL only, zep-python appends its prefix itself.
    """
    return {
        "zep-cloud 4.x": f'base_url="{origin}/api/v4"',
        "zep-cloud 2.x and 3.x": f'base_url="{origin}/api/v2", or ZEP_API_URL={origin}',
        "zep-python 2.x": f'base_url="{origin}", or ZEP_API_URL={origin}',
        "zep-python 1.x": f'base_url="{origin}"',
        "@getzep/zep-cloud 3.x (npm)": f'baseUrl: "{origin}/api/v2"',
    }
