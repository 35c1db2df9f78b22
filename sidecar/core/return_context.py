"""`return_context`: a write that also reads.

Where reads are not allowed, the write goes without its read, and the worker is told that there
is no context. Bodies are changed by splicing, as the redactor does it: what is not `return_context`
keeps its bytes.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Iterator

RETURN_CONTEXT = "return_context"
_LETTER_ESCAPED = re.compile(rb"\\u00[4-7]")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(_STRING + rb"|[][{},:]")
_BRACKET = re.compile(rb'(?:[^][{}"]++|' + _STRING + rb")*+[][{}]")


def strip_return_context(body: bytes) -> bytes:
    """Set `return_context` to false in a JSON body; every other byte stays."""
    parts, at = [], 0
    for name, start, end in members(body):
        if name.lower() == RETURN_CONTEXT and body[start:end] != b"false":
            parts += [body[at:start], b"false"]
            at = end
    return b"".join([*parts, body[at:]]) if parts else body


def with_context(body: bytes) -> bytes:
    """Give the answer to a stripped request the context that the worker asked for: none.

    `body`: complete and decoded. Every other byte stays; what is no JSON object stays altogether.
    """
    found = [(start, end) for name, start, end in members(body) if name == "context"]
    if found:
        start, end = found[-1]  # which is the one that counts
        return body[:start] + b'""' + body[end:] if body[start:end] == b"null" else body
    brace = body.find(b"{")
    if brace < 0 or body[:brace].strip():
        return body
    empty = body[brace + 1 :].lstrip().startswith(b"}")
    return body[: brace + 1] + b'"context":""' + (b"" if empty else b",") + body[brace + 1 :]


def asks_for_context(body: bytes) -> bool:
    """Tell whether a JSON body asks for context to be read."""
    # Zep, like every server in Go, matches names in any case; each letter may be escaped.
    if RETURN_CONTEXT.encode() not in body.lower() and not _LETTER_ESCAPED.search(body):
        return False
    return any(
        name.lower() == RETURN_CONTEXT and body[start:end] == b"true"
        for name, start, end in members(body)
    )


def members(body: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield each member of the object that a JSON body is: its name, and where its value stands.

    Names that stand there twice come twice. Nothing comes of a body that is no object.
    """
    depth, name, start = 0, b"", -1
    token = _TOKEN.search(body)
    while token:
        mark = body[max(0, token.end() - 1) : token.end()]
        if depth == 0 and (mark != b"{" or body[: token.start()].strip()):
            return
        if depth == 1 and mark == b":":
            start = token.end()
        elif depth == 1 and mark == b'"' and start < 0:
            name = token[0]
        elif depth == 1 and mark in (b",", b"}") and start >= 0:
            value = body[start : token.start()]
            start += len(value) - len(value.lstrip())
            yield _text(name), start, start + len(value.strip())
            start = -1
        depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
        # Inside a member only its end matters.
        token = (_TOKEN.search if depth < 2 else _BRACKET.match)(body, token.end())


def _text(name: bytes) -> str:
    try:
        return str(json.loads(name))
    except ValueError:  # nothing that Zep could read either
        return ""


class StripMemory:
    """Whether the request with an Idempotency-Key was stripped, for as long as it may be repeated.

    A key must not come with one body first and with another later.
    """

    KEEP = 600.0
    MOST = 4096

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    def settle(self, key: str, strip: bool, now: float) -> bool:
        """Return the decision that was made for this key at first, which may be this one."""
        known = self._known
        while known and now - next(iter(known.values()))[1] > self.KEEP:
            known.popitem(last=False)
        decision, _ = known.setdefault(key, (strip, now))
        if len(known) > self.MOST:
            known.popitem(last=False)
        return decision
