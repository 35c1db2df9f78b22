"""What a request body claims to be, and whether that can be inspected."""

import re
from collections.abc import Sequence
from enum import Enum

from sidecar.core.errors import Refusal
from sidecar.core.routes import Route

_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

CHARSET = Refusal(415, "charset", "The body's charset must be UTF-8.")
BINARY = Refusal(
    415,
    "binary_body",
    "An archive cannot be inspected. redaction.allow_binary: true lets it pass unredacted.",
)


class Kind(Enum):
    """How a body is inspected."""

    JSON = "json"  # must be JSON
    TEXT = "text"  # JSON, or else plain text
    OTHER = "other"  # nothing that Zep takes, unless it is JSON in disguise
    OPAQUE = "opaque"  # an archive, which the operator lets pass

    def refusal(self, problem: str) -> Refusal:
        """Return the refusal of a body with this problem."""
        if self is Kind.OTHER:
            return Refusal(415, "content_type", "The body must be JSON (application/json) or text.")
        return Refusal(400, "body", problem)


def kind_of(content_types: Sequence[bytes], route: Route, *, allow_binary: bool) -> Kind | Refusal:
    """Tell how to inspect a body by its Content-Type fields and its route.

    A body without a type, and one of an unknown type, is taken for JSON and must be: the label
    decides nothing that the content can decide.
    """
    if route.binary:
        return Kind.OPAQUE if allow_binary else BINARY
    value = b",".join(content_types).decode("latin-1").lower()
    if value == "application/json":
        return Kind.JSON
    charset = re.search(r"charset\s*=\s*\"?([^\s;,\"]*)", value)
    if charset and charset[1] not in _UTF8:
        return CHARSET
    media = value.partition(";")[0].strip()
    if not media or media == "application/json" or media.endswith("+json"):
        return Kind.JSON
    return Kind.TEXT if media.startswith("text/") else Kind.OTHER
