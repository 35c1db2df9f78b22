"""From a request to the function that answers it: one table of templates for each API version."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: the path below the API's prefix, the query and the JSON body."""

    method: str
    parts: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def parse(cls, method: str, below: str, body: object) -> "Call":
        """Split the target below the prefix; a body that is no JSON object counts as empty."""
        target = urlsplit("/" + below.lstrip("/"))
        parts = tuple(unquote(part) for part in target.path.strip("/").split("/"))
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        return cls(method, parts, query, body if isinstance(body, dict) else {})

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number; some SDKs send unset ones empty."""
        value = self.query.get(name, "")
        return int(value) if value.isdecimal() else default


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or bytes of another type, or several chunks that stream."""

    body: Any
    status: int = 200
    content_type: str = "application/json"


class MissingError(LookupError):
    """The named thing does not exist: the API answers 404 in its own shape."""


Handler = Callable[..., Any]


class Routes:
    """A decorator for handlers, and the search for the first template that fits a call."""

    def __init__(self) -> None:
        self._table: list[tuple[str, re.Pattern[str], Handler]] = []

    def __call__(self, method: str, *templates: str) -> Callable[[Handler], Handler]:
        """Register a handler; each `{}` in a template becomes an argument after store and call."""

        def register(handler: Handler) -> Handler:
            for template in templates:
                # Parts are joined by a newline: an unquoted id may hold a slash, never a newline.
                pattern = template.replace("/", "\n").replace("{}", "([^\n]+)")
                self._table.append((method, re.compile(pattern), handler))
            return handler

        return register

    def find(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        """Return the first fitting handler with its arguments."""
        path = "\n".join(call.parts)
        for method, pattern, handler in self._table:
            if method == call.method and (match := pattern.fullmatch(path)):
                return handler, match.groups()
        return None
