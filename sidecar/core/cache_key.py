"""Which cached answers are the same question, and which of them a write concerns.

A key stands for one question by one credential. A tag stands for a thread, a user, a graph or a
credential that an answer depends on; writes name tags, and what carries one of them is then out
of date. Both are digests: identifiers can be e-mail addresses, and keys leave the process.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlencode

from sidecar.core.canonical import canonical
from sidecar.core.guard import ANONYMOUS
from sidecar.core.headers import AnyHeaders, Headers, by_name, once, tokens, values
from sidecar.core.return_context import members
from sidecar.core.routes import Route, RouteClass

Key = bytes
"""32 bytes."""
Tag = bytes
"""TAG_SIZE bytes."""
# There are many: an object of 15 bytes takes 48 in all, one of 16 would take 64.
TAG_SIZE = 15

VERSION = b"v2"
# Bytes of an answer that is read for what it says about owners.
TAUGHT_MOST = 65536
# Threads, users and graphs that one cached answer may depend on.
SUBJECTS_MOST = 16
# A request with one of these has an answer of its own.
_PERSONAL = frozenset(
    b"cookie range if-match if-none-match if-modified-since if-unmodified-since if-range".split()
)

# What a parameter of the path, the query or the body names. A group of API v2 is a graph, and a
# session is a thread. `/user-groups` are no groups of that kind: theirs is `group_uuid`.
SUBJECTS = {
    **dict.fromkeys(("thread_id", "thread_uuid", "session_id", "session_ids"), "thread"),
    **dict.fromkeys(("user_id", "user_uuid", "user_ids"), "user"),
    **dict.fromkeys(("source_user_id", "target_user_id"), "user"),
    **dict.fromkeys(("graph_id", "graph_uuid", "group_id", "graph_ids", "graph_uuids"), "graph"),
    **dict.fromkeys(("source_graph_id", "target_graph_id"), "graph"),
    **dict.fromkeys(("source_group_id", "target_group_id"), "graph"),
    "agent_uuid": "agent",
    "collection_name": "collection",
}
INVALIDATED_BY_ID = ("thread", "user", "graph")
# Without an id of the caller's they make something that no earlier answer can depend on.
_CREATIONS = frozenset({"/users", "/user", "/graphs", "/groups", "/graph/create"})
# Erasing anything else may change what any read of this credential finds.
_ERASED_ALONE = ("/threads/", "/sessions/", "/agents/", "/collection/", "/collections/")
# Answers that say to whom a thread, or a graph, belongs.
_TEACHERS = {
    "/threads": "thread",
    "/threads/lookup": "thread",
    "/threads/{thread_id}": "thread",
    "/threads/{thread_uuid}": "thread",
    "/sessions": "thread",
    "/sessions/{session_id}": "thread",
    "/users": "user",
    "/users/lookup": "user",
    "/users/{user_id}": "user",
    "/users/{user_uuid}": "user",
    "/user": "user",
    "/user/{user_id}": "user",
}
_OWN_ID = {"thread": ("thread_id", "session_id", "uuid"), "user": ("user_id", "uuid")}
_OWNERS = {
    "thread": {"user_id": "user", "user_uuid": "user", "graph_uuid": "graph"},
    "user": {"graph_uuid": "graph"},
}


class Question(NamedTuple):
    """A context read whose answer may be kept."""

    key: Key
    tags: frozenset[Tag]


class Change(NamedTuple):
    """What a request may change; with `erases`, what was known before must not be kept at all."""

    tags: frozenset[Tag]
    erases: bool = False


class Lesson(NamedTuple):
    """To whom something belongs: what changes an owner changes it, and the other way round."""

    owned: Tag
    owners: frozenset[Tag]


def tag(kind: str, ident: str) -> Tag:
    """Return the tag of a thread, a user, a graph, a credential; `ident` is its id, decoded."""
    text = f"{kind}\0{ident}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=TAG_SIZE).digest()


@lru_cache(maxsize=256)
def of_credential(credential: str) -> Tag:
    """Return the tag of everything that was read with a credential."""
    return tag("credential", credential)


def of_id(ident: str) -> frozenset[Tag]:
    """Return the tags that an operator may mean by an id."""
    return frozenset(tag(kind, ident) for kind in INVALIDATED_BY_ID)


EVERYTHING = tag("everything", "")
"""What all that is kept depends on, whoever has read it."""


def question(
    route: Route,
    method: str,
    target: bytes,
    headers: AnyHeaders,
    body: bytes | None,
    *,
    credential: str,
    upstream: str,
    policy: str,
) -> Question | None:
    """Return what a request asks, or None where its answer is not to be kept.

    `target`, `headers` and `body` are those that leave for Zep, redacted; `body` without content
    coding. `upstream`: Zep's base URL. `policy`: the id of the redaction policy.
    """
    if route.cls is not RouteClass.CONTEXT or method not in ("GET", "POST"):
        return None
    manner = _manner(headers)
    if manner is None:
        return None
    about = _subjects(route, target, body)
    if credential == ANONYMOUS or len(about) > SUBJECTS_MOST:
        return None
    path, _, query = target.partition(b"?")
    whole = _joined(
        _common(credential, upstream, method, *manner, policy),
        _path(path),
        _query(query),
        canonical(body) if body else b"",
    )
    # What names no subject may depend on anything that this credential writes.
    tags = about or frozenset({_anything(credential)})
    return Question(blake2b(whole, digest_size=32).digest(), tags | {of_credential(credential)})


def change(route: Route, target: bytes, body: bytes | None, *, credential: str) -> Change | None:
    """Return what a request may change, or None for a read. Arguments as in `question`."""
    if route.safe:
        return None
    about, all_of_it = _subjects(route, target, body), of_credential(credential)
    unknown = route.cls is RouteClass.UNKNOWN
    if route.cls is RouteClass.ERASE or (unknown and route.method == "DELETE"):
        alone = route.path.startswith(_ERASED_ALONE)
        # Whoever erases a user means all that anybody knows of it.
        return Change(about | {_anything(credential) if alone else EVERYTHING}, erases=True)
    if about or (route.method == "POST" and route.path in _CREATIONS):
        return Change(about | {_anything(credential)})
    return Change(frozenset({all_of_it}))


def teaches(route: Route) -> bool:
    """Tell whether an answer on this route says to whom something belongs."""
    return route.path in _TEACHERS and route.cls in (RouteClass.WRITE, RouteClass.CONTROL)


def lessons(route: Route, target: bytes, request: bytes, answer: bytes) -> Iterator[Lesson]:
    """Yield what a successful exchange on a route that teaches says about owners.

    `request` and `answer`: the bodies, without content coding; what is no JSON object is ignored.
    """
    kind = _TEACHERS.get(route.path)
    if kind is None or len(answer) > TAUGHT_MOST:
        return
    known = dict(_parameters(route, target)) | _strings(request) | _strings(answer)
    owners = [(k, known[name]) for name, k in _OWNERS[kind].items() if name in known]
    tags = frozenset(tag(k, ident) for k, ident in owners)
    for name in (*_OWN_ID[kind], f"{kind}_uuid"):
        if tags and name in known:
            yield Lesson(tag(kind, known[name]), tags)


# --- parts of the above -----------------------------------------------------------------------


@once
def _manner(headers: Headers) -> tuple[bytes, bytes] | None:
    """Return in which forms an answer may come, or None where it would not be for others."""
    if len(values(headers, b"authorization")) != 1 or not _PERSONAL.isdisjoint(by_name(headers)):
        return None
    return b",".join(tokens(headers, b"accept")), b",".join(tokens(headers, b"accept-encoding"))


@lru_cache(maxsize=256)
def _common(*parts: str | bytes) -> bytes:
    """Return what the questions of one worker have in common."""
    return _joined(VERSION, *[p.encode() if isinstance(p, str) else p for p in parts])


def _joined(*parts: bytes) -> bytes:
    """Return parts with their lengths, so that no two lists of them read the same."""
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def _anything(credential: str) -> Tag:
    """Return the tag of reads that name no subject: every write of the credential concerns them."""
    return tag("anything", credential)


def _subjects(route: Route, target: bytes, body: bytes | None) -> frozenset[Tag]:
    """Return a tag for everything that a request names; the path says it all where it says any."""
    named = _parameters(route, target)
    if not any(name in SUBJECTS for name, _ in named):
        named += _pairs(target.partition(b"?")[2])
        named += _members(body or b"")
    return frozenset(tag(SUBJECTS[name], ident) for name, ident in named if name in SUBJECTS)


def _parameters(route: Route, target: bytes) -> list[tuple[str, str]]:
    given = target.partition(b"?")[0].split(b"/")
    return [
        (name, unquote_to_bytes(given[at]).decode("utf-8", "surrogateescape"))
        for at, name in _places(route.path)
        if at < len(given)
    ]


@lru_cache(maxsize=1024)
def _places(path: str) -> list[tuple[int, str]]:
    """Return where the parameters of a route stand among the segments of a target."""
    named = enumerate(path.split("/")[1:], 3)  # behind /api/vN
    return [(at, name[1:-1]) for at, name in named if name.startswith("{")]


def _pairs(query: bytes) -> list[tuple[str, str]]:
    text = query.decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def _members(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of a JSON object's members; a list gives each of its texts."""
    for name, start, end in members(body):
        # Zep, like every server in Go, matches names in any case.
        if (name := name.lower()) in SUBJECTS:
            value = _value(body[start:end])
            for ident in value if isinstance(value, list) else [value]:
                if isinstance(ident, str) and ident:
                    yield name, ident


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _strings(body: bytes) -> dict[str, str]:
    value = _value(body) if body else None
    found = value if isinstance(value, dict) else {}
    return {name: ident for name, ident in found.items() if isinstance(ident, str) and ident}


def _path(path: bytes) -> bytes:
    """Return a path in which each segment is escaped in one way, without a trailing slash."""
    path = path.rstrip(b"/")
    if _UNRESERVED.fullmatch(path):  # nothing in it could be written in another way
        return path
    segments = (unquote_to_bytes(part) for part in path.split(b"/"))
    return "/".join(quote_from_bytes(part, safe="") for part in segments).encode()


def _query(query: bytes) -> bytes:
    """Return a query ordered by name. Of several values the first counts: their order stays."""
    if not query:
        return b""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return urlencode(sorted(pairs, key=lambda pair: pair[0]), encoding="latin-1").encode()


_UNRESERVED = re.compile(rb"[A-Za-z0-9/._~-]*+")
