"""The store keeps records and their relations, with ids that repeat."""

import pytest

from sidecar.standin.route import MissingError
from sidecar.standin.store import CONTEXT_LINES, Store

from .conftest import NOON


def test_the_same_calls_give_the_same_ids(store: Store) -> None:
    """Ids come from a counter, so two stores agree, and a cleared one starts anew."""
    first = store.new_user({"user_id": "u"})
    assert first == Store(lambda: NOON).new_user({"user_id": "u"})
    store.clear()
    assert first == store.new_user({"user_id": "u"})


def test_records_are_found_by_either_id(store: Store) -> None:
    """A uuid and the application's own id name the same record."""
    user = store.new_user({"user_id": "u", "email": None})
    assert store.get("user", user["uuid"]) is store.get("user", "u") is user
    assert "email" not in user
    assert user["created_at"] == "2026-01-02T12:00:00.000Z"


def test_missing_records_raise(store: Store) -> None:
    """Reading what does not exist names the kind."""
    with pytest.raises(MissingError, match="thread not found"):
        store.get("thread", "t")


def test_writing_creates_what_is_missing(store: Store) -> None:
    """A thread, a user and a graph appear when something is written to them."""
    assert store.ensure("thread", "t")["session_id"] == "t"
    assert store.ensure("user", "u")["graph_uuid"] == store.get("graph", "user-u")["uuid"]
    assert store.ensure("graph", "g")["group_id"] == "g"
    assert store.ensure("graph", "g") is store.get("graph", "g")


def test_a_context_covers_the_users_whole_graph(store: Store) -> None:
    """Messages of every thread and data of the user show up, the latest ones only."""
    user = store.new_user({"user_id": "u"})
    threads = [store.new_thread(name, user, {}) for name in ("a", "b")]
    store.new_message(threads[0], {"content": "hello", "name": "Ay"})
    store.new_message(threads[1], {"content": "there", "role": "assistant"})
    store.new_episode(user["graph_uuid"], "a note", "text", {})
    assert store.context(user["graph_uuid"]) == "Ay: hello\nassistant: there\ntext: a note"
    for number in range(CONTEXT_LINES):
        store.new_message(threads[0], {"content": str(number)})
    assert "note" not in store.context(user["graph_uuid"])


def test_removing_a_user_removes_what_belongs_to_it(store: Store) -> None:
    """Threads, messages and the graph go with the user; others stay."""
    user, other = store.new_user({"user_id": "u"}), store.new_user({"user_id": "o"})
    thread = store.new_thread("t", user, {})
    store.new_message(thread, {"content": "hello"})
    store.remove("user", user)
    assert not store.rows("thread") + store.rows("message") + store.rows("episode")
    assert [graph["uuid"] for graph in store.rows("graph")] == [other["graph_uuid"]]


def test_search_finds_shared_words(store: Store) -> None:
    """A record is found by any whole word, in any case."""
    graph = store.new_graph({"graph_id": "g"})
    ends = [store.new_node(graph, {"name": name}) for name in ("Ay", "Izmir")]
    edge = store.new_edge(graph, "Ay lives in Izmir", "LIVES_IN", *ends)
    assert store.search("edge", "fact", graph["uuid"], "who LIVES there") == [edge]
    assert store.search("edge", "fact", graph["uuid"], "live") == []


def test_an_update_keeps_what_is_null(store: Store) -> None:
    """Only fields with a value change."""
    user = store.new_user({"user_id": "u", "email": "a@b.co"})
    assert store.update(user, {"email": None, "first_name": "Ay"})["email"] == "a@b.co"
    assert user["first_name"] == "Ay"
