"""What is the same question, what is not, and which answers a request concerns."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.cache_key import (
    SUBJECTS,
    TAUGHT_MOST,
    Change,
    Question,
    change,
    lessons,
    of_credential,
    question,
    tag,
    teaches,
)
from sidecar.core.headers import RawHeaders
from sidecar.core.routes import _TREES, Route, RouteClass, match

HEADERS: RawHeaders = ((b"Authorization", b"Api-Key z"), (b"Accept", b"*/*"))
SEARCH = b"/api/v2/graph/search"
CONTEXT = b"/api/v2/threads/t1/context"


def ask(
    target: bytes = CONTEXT,
    body: bytes | None = None,
    method: str = "",
    headers: RawHeaders = HEADERS,
    **others: Any,
) -> Question | None:
    """Return the question that a request is."""
    method = method or ("GET" if body is None else "POST")
    route = match(method, target.decode("utf-8", "surrogateescape"))
    assert route
    given = {"credential": "c", "upstream": "https://zep", "policy": "p", **others}
    return question(route, method, target, headers, body, **given)


def key(*arguments: Any, **others: Any) -> bytes:
    """Return the key of a request that can be cached."""
    found = ask(*arguments, **others)
    assert found
    return found.key


def changes(method: str, target: bytes, body: bytes | None = None) -> Change | None:
    """Return what a request may change."""
    route = match(method, target.decode())
    assert route
    return change(route, target, body, credential="c")


def tags(*pairs: str) -> frozenset[bytes]:
    """Return tags from `kind:id`."""
    return frozenset(tag(*pair.split(":", 1)) for pair in pairs)


def test_the_same_search_in_other_words() -> None:
    """Case 54: names in another order, blanks, escapes, another Idempotency-Key."""
    plain = key(SEARCH, b'{"query":"\xc3\xa9a","user_id":"u","limit":5}')
    spaced = b'{ "limit": 5,\n "user_id": "u", "query": "\\u00e9\\u0061" }'
    other = (*HEADERS, (b"Idempotency-Key", b"42"), (b"User-Agent", b"x"), (b"X-Fern-SDK", b"y"))
    assert key(SEARCH, spaced, headers=other) == plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"limit":1}', b'{"limit":"1"}'),
        (b'{"limit":1}', b'{"limit":1.0}'),
        (b'{"limit":9007199254740993}', b'{"limit":9007199254740992}'),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        (b'{"a":[[1],2]}', b'{"a":[1,[2]]}'),
        (b'{"a":{"b":1}}', b'{"a":[["b",1]]}'),
        (b'{"a":null}', b"{}"),
        (b'{"a":"1,2"}', b'{"a":"1","2":""}'),
        (b'{"a":1,"a":2}', b'{"a":2,"a":1}'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":true}', b'{"a":"true"}'),
        (b"not json", b"not  json"),
        (b"", b"{}"),
    ],
)
def test_other_bodies_are_other_questions(one: bytes, other: bytes) -> None:
    """Also where a lenient reader would take them for the same."""
    assert key(SEARCH, one) != key(SEARCH, other)


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_the_order_of_names_never_matters(value: Any) -> None:
    """At any depth."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(each) for each in value] if isinstance(value, list) else value

    one, other = (json.dumps(v).encode() for v in ({"v": value}, {"v": turned(value)}))
    assert key(SEARCH, one) == key(SEARCH, other)


def test_whatever_a_body_is_it_is_a_question() -> None:
    """Deep, large, damaged: never an error, and never the key of another."""
    bodies = [
        b"[" * 100_000,
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
        b"\xff\xfe",
        b'"\\ud800"',
        b'{"query":"' + b"x" * TAUGHT_MOST + b'"}',
        b'{"n":' + b"9" * 5000 + b"}",
        b"NaN",
    ]
    assert len({key(SEARCH, body) for body in bodies}) == len(bodies)


def test_paths_and_queries_in_other_words() -> None:
    """Percent-encoding, the order of parameters, a trailing `=`."""
    assert key(b"/api/v2/threads/%74%31/context") == key(CONTEXT)
    assert key(CONTEXT + b"?b=2&a=%31") == key(CONTEXT + b"?a=1&b=2")
    assert key(CONTEXT + b"?a") == key(CONTEXT + b"?a=")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"/api/v2/threads/a%2Fb/context", b"/api/v2/threads/a%252Fb/context"),
        (CONTEXT, CONTEXT + b"?lastn=4"),
        (CONTEXT + b"?a=1&a=2", CONTEXT + b"?a=2&a=1"),
        (CONTEXT + b"?a=1%26b=2", CONTEXT + b"?a=1&b=2"),
        (CONTEXT + b"?a=\xc3\xa9", CONTEXT + b"?a=\xc3\xa8"),
        (b"/api/v2/threads/t1/context", b"/api/v2/threads/T1/context"),
        (b"/api/v2/threads/t1/context", b"/api/v4/threads/t1/context"),
    ],
)
def test_other_targets_are_other_questions(one: bytes, other: bytes) -> None:
    """The first of several values counts, so their order matters."""
    assert key(one) != key(other)


def test_who_asks_whom_for_what() -> None:
    """Case 55: credential, Accept and its codings, Zep, policy, method."""
    with_accept = (HEADERS[0], (b"Accept", b"text/plain"))
    with_coding = (*HEADERS, (b"Accept-Encoding", b"gzip"))
    episodes = b"/api/v2/graph/episodes/user/u"
    keys = [
        key(),
        key(credential="d"),
        key(upstream="https://zep2"),
        key(policy="p2"),
        key(headers=with_accept),
        key(headers=with_coding),
        key(episodes),
        key(episodes, b""),
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "extra",
    [b"Cookie", b"Range", b"If-None-Match", b"AUTHORIZATION"],
)
def test_personal_requests_are_not_kept(extra: bytes) -> None:
    """Neither are those with two credentials."""
    assert ask(headers=(*HEADERS, (extra, b"x"))) is None


def test_what_is_not_kept() -> None:
    """Nothing without a credential, nothing but context, no HEAD, not half the world at once."""
    assert ask(credential="anon") is None
    assert ask(headers=()) is None
    assert ask(b"/api/v2/users/u") is None
    assert ask(method="HEAD") is None
    many = b'{"text":"x","session_ids":[%s]}' % b",".join(b'"%d"' % n for n in range(17))
    assert ask(b"/api/v2/sessions/search", many) is None


def about(path: str) -> set[str]:
    """Return what a path of the table names: kinds of subject."""
    return {SUBJECTS[s[1:-1]] for s in path.split("/") if s.startswith("{") and s[1:-1] in SUBJECTS}


def routes() -> Iterable[Route]:
    """Yield every route of the table."""

    def walk(node: dict[str, Any]) -> Iterable[Route]:
        for name, inner in node.items():
            yield from (walk(inner) if name else [inner])

    for tree in _TREES.values():
        yield from walk(tree)


def test_every_context_read_names_something_or_depends_on_everything() -> None:
    """The reads whose path names nothing are these; all but nodes and episodes may in the body."""
    nameless = {
        route.path
        for route in routes()
        if route.cls is RouteClass.CONTEXT and not about(route.path)
    }
    assert nameless == {
        "/graph/documents/{document_id}/episodes",  # graph_id in the query
        "/graph/episodes/{uuid}/mentions",
        "/graph/node/{node_uuid}/entity-edges",
        "/graph/node/{node_uuid}/episodes",
        "/graph/node/{node_uuid}/neighbors",
        "/graph/patterns",  # user_id, graph_id
        "/graph/search",  # user_id, graph_id, group_id
        "/graph/subgraph",  # user_id, graph_id
        "/sessions/search",  # user_id, session_ids
    }


def test_every_write_names_something_or_concerns_everything() -> None:
    """The writes whose path names nothing are these."""
    writes = (RouteClass.WRITE, RouteClass.HYBRID)
    nameless = {route.path for route in routes() if route.cls in writes and not about(route.path)}
    assert nameless == {
        # the body names it
        "/graph",
        "/graph-batch",
        "/graph/add-fact-triple",
        "/graph/clone",
        "/graph/nodes",
        "/sessions",
        "/sessions/end",
        "/threads",
        # something new, unless the body names it
        "/graph/create",
        "/graphs",
        "/groups",
        "/user",
        "/users",
        # anything of the credential
        "/batches",
        "/batches/{batch_id}/items",
        "/batches/{batch_id}/process",
        "/batches/{batch_uuid}/items",
        "/batches/{batch_uuid}/process",
        "/graph/edge/{uuid}",
        "/graph/episodes/{uuid}",
        "/graph/node/{uuid}",
        "/messages/{message_uuid}",
    }


@pytest.mark.parametrize(
    ("target", "body", "expected"),
    [
        (CONTEXT, None, ["thread:t1"]),
        (b"/api/v2/sessions/s%2F1/memory?lastn=4", None, ["thread:s/1"]),
        (b"/api/v1/sessions/s/memory", None, ["thread:s"]),
        (b"/api/v2/users/a%40b.de/facts", None, ["user:a@b.de"]),
        (b"/api/v2/groups/g/facts", None, ["graph:g"]),
        (b"/api/v2/graph/edge/user/u", b"{}", ["user:u"]),
        (b"/api/v2/graph/node/graph/g", b'{"user_id":"ignored"}', ["graph:g"]),
        (SEARCH, b'{"query":"x","User_ID":"u","graph_id":"g"}', ["user:u", "graph:g"]),
        (SEARCH, b'{"query":"x","group_id":"g"}', ["graph:g"]),
        (SEARCH, b'{"search_filters":{"user_id":"x"},"user_id":"u"}', ["user:u"]),
        (b"/api/v2/sessions/search", b'{"session_ids":["a","b"]}', ["thread:a", "thread:b"]),
        (b"/api/v2/graph/documents/d/episodes?graph_id=g", None, ["graph:g"]),
        (b"/api/v4/graphs/g/search/edges", b'{"query":"x"}', ["graph:g"]),
        (b"/api/v4/agents/a/context", b"{}", ["agent:a"]),
        (b"/api/v1/collection/c/search", b"{}", ["collection:c"]),
        (SEARCH, b'{"query":"x"}', ["anything:c"]),
        (SEARCH, b'{"user_id":7}', ["anything:c"]),
        (SEARCH, b'{"user_id":"u"', ["anything:c"]),
        (b"/api/v2/graph/node/n/entity-edges", None, ["anything:c"]),
    ],
)
def test_what_a_read_depends_on(target: bytes, body: bytes | None, expected: list[str]) -> None:
    """The path says it, or else the query and the body."""
    found = ask(target, body)
    assert found
    assert found.tags == tags(*expected) | {of_credential("c")}


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        ("POST", b"/api/v2/threads/t/messages", b'{"messages":[]}', ["thread:t", "anything:c"]),
        ("POST", b"/api/v2/graph", b'{"user_id":"u"}', ["user:u", "anything:c"]),
        ("POST", b"/api/v2/sessions/end", b'{"session_ids":["a"]}', ["thread:a", "anything:c"]),
        (
            "POST",
            b"/api/v2/threads",
            b'{"thread_id":"t","user_id":"u"}',
            ["thread:t", "user:u", "anything:c"],
        ),
        (
            "POST",
            b"/api/v2/graph/clone",
            b'{"source_user_id":"a","target_graph_id":"b"}',
            ["user:a", "graph:b", "anything:c"],
        ),
        ("PATCH", b"/api/v4/graphs/g/nodes/n", b"{}", ["graph:g", "anything:c"]),
        ("POST", b"/api/v4/users", b"{}", ["anything:c"]),
        ("PATCH", b"/api/v2/messages/m", b"{}", ["credential:c"]),
        ("POST", b"/api/v2/graph", b"{}", ["credential:c"]),
        ("POST", b"/api/v2/batches/b/process", b"", ["credential:c"]),
        ("PUT", b"/api/v2/context-templates/x", b"{}", ["credential:c"]),
        ("POST", b"/api/v4/something/new", b"{}", ["credential:c"]),
    ],
)
def test_what_a_write_concerns(
    method: str, target: bytes, body: bytes, expected: list[str]
) -> None:
    """What it names and reads that name nothing; everything, where it names nothing itself."""
    assert changes(method, target, body) == Change(tags(*expected))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/api/v2/threads/t", ["thread:t", "anything:c"]),
        (b"/api/v2/sessions/s/memory", ["thread:s", "anything:c"]),
        (b"/api/v2/users/u", ["user:u", "everything:"]),
        (b"/api/v2/graph/g", ["graph:g", "everything:"]),
        (b"/api/v4/graphs/g/edges/e", ["graph:g", "everything:"]),
        (b"/api/v2/graph/edge/e", ["everything:"]),
        (b"/api/v2/facts/f", ["everything:"]),
        (b"/api/v4/something/new/x", ["everything:"]),
    ],
)
def test_what_an_erasure_takes(target: bytes, expected: list[str]) -> None:
    """A thread alone; of a user or a graph, everything that anybody has read."""
    assert changes("DELETE", target) == Change(tags(*expected), erases=True)


def test_reads_change_nothing() -> None:
    """Neither do those with POST, nor unknown ones with GET."""
    for method, target in (
        ("GET", CONTEXT),
        ("POST", SEARCH),
        ("POST", b"/api/v4/users/list"),
        ("GET", b"/api/v4/something/new"),
    ):
        assert changes(method, target) is None


@pytest.mark.parametrize(
    ("method", "target", "request_body", "answer", "expected"),
    [
        (
            "POST",
            b"/api/v2/threads",
            b'{"thread_id":"t","user_id":"u"}',
            b"{}",
            {"thread:t": ["user:u"]},
        ),
        (
            "GET",
            b"/api/v2/sessions/s",
            b"",
            b'{"session_id":"s","user_id":"u"}',
            {"thread:s": ["user:u"]},
        ),
        (
            "POST",
            b"/api/v4/threads",
            b'{"user_uuid":"u"}',
            b'{"uuid":"t","graph_uuid":"g"}',
            {"thread:t": ["user:u", "graph:g"]},
        ),
        ("GET", b"/api/v4/threads/t", b"", b'{"user_uuid":"u"}', {"thread:t": ["user:u"]}),
        (
            "POST",
            b"/api/v4/users",
            b"{}",
            b'{"uuid":"u","graph_uuid":"g"}',
            {"user:u": ["graph:g"]},
        ),
        ("GET", b"/api/v2/threads", b"", b"[]", {}),
        ("POST", b"/api/v2/threads", b"{", b"\xff", {}),
        ("GET", b"/api/v2/sessions/s", b"", b'{"user_id":null}', {}),
    ],
)
def test_lessons(
    method: str,
    target: bytes,
    request_body: bytes,
    answer: bytes,
    expected: dict[str, list[str]],
) -> None:
    """Whom a thread belongs to, from what made it or shows it."""
    route = match(method, target.decode())
    assert route
    found = {lesson.owned: lesson.owners for lesson in lessons(route, target, request_body, answer)}
    assert found == {tag(*k.split(":", 1)): tags(*owners) for k, owners in expected.items()}


def test_which_answers_teach() -> None:
    """Those of threads, sessions and users themselves; no context, and no erasure."""
    for method, target, expected in (
        ("POST", "/api/v2/threads", True),
        ("GET", "/api/v2/sessions/s", True),
        ("DELETE", "/api/v2/threads/t", False),
        ("GET", "/api/v2/threads/t/context", False),
        ("GET", "/api/v2/batches", False),
    ):
        route = match(method, target)
        assert route
        assert teaches(route) is expected
