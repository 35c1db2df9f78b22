"""API v2 as zep-cloud 2.x and 3.x use it."""

import pytest

from .conftest import Client

HELLO = {"messages": [{"role": "user", "name": "Ay", "content": "hello"}], "return_context": True}


async def test_a_user_lives_and_dies(call: Client) -> None:
    """Create, read, change, list and delete; an id may be an e-mail address."""
    path = "/api/v2/users/ayse@example.com"
    status, made = await call("POST", "/api/v2/users", {"user_id": "ayse@example.com"})
    assert status == 201
    assert await call("GET", path) == (200, made)
    assert (await call("PATCH", path, {"first_name": "Ay"}))[1]["first_name"] == "Ay"
    _, listed = await call("GET", "/api/v2/users-ordered?pageNumber=1&pageSize=10")
    assert (len(listed["users"]), listed["total_count"]) == (1, 1)
    assert "node" in (await call("GET", f"{path}/node"))[1]
    assert (await call("DELETE", path))[0] == 200
    assert await call("GET", path) == (404, {"message": "user not found"})


async def test_a_user_exists_once(call: Client) -> None:
    """Creating a user again is a bad request, as is creating a thread or a graph again."""
    for path, body in (
        ("users", {"user_id": "u"}),
        ("threads", {"thread_id": "t", "user_id": "u"}),
        ("graph/create", {"graph_id": "g"}),
    ):
        assert (await call("POST", f"/api/v2/{path}", body))[0] == 201
        assert (await call("POST", f"/api/v2/{path}", body))[0] == 400


async def test_messages_come_back_in_the_context(call: Client) -> None:
    """The context holds the messages' text, in the answer to the write too."""
    _, added = await call("POST", "/api/v2/threads/t/messages", HELLO)
    assert (added["context"], len(added["message_uuids"])) == ("Ay: hello", 1)
    assert await call("GET", "/api/v2/threads/t/context") == (200, {"context": "Ay: hello"})
    _, listed = await call("GET", "/api/v2/threads/t/messages?limit=5")
    assert (listed["messages"][0]["content"], listed["row_count"]) == ("hello", 1)
    _, summary = await call("GET", "/api/v2/threads/t/summary")
    assert summary == {"thread_id": "t", "summary": "hello"}
    assert len((await call("GET", "/api/v2/threads/t/episodes"))[1]["episodes"]) == 1


async def test_sessions_are_threads_by_their_old_name(call: Client) -> None:
    """Memory, messages, search and summary of a session work on the same records."""
    await call("POST", "/api/v2/sessions", {"session_id": "s", "metadata": {"k": "v"}})
    await call("POST", "/api/v2/sessions/s/memory", HELLO)
    _, memory = await call("GET", "/api/v2/sessions/s/memory?lastn=&minRating=")
    assert (memory["context"], memory["messages"][0]["content"]) == ("Ay: hello", "hello")
    message = memory["messages"][0]["uuid"]
    patched = await call("PATCH", f"/api/v2/sessions/s/messages/{message}", {"metadata": {"a": 1}})
    assert patched == await call("GET", f"/api/v2/sessions/s/messages/{message}")
    _, found = await call("POST", "/api/v2/sessions/s/search", {"text": "HELLO you"})
    assert found[0]["message"]["content"] == "hello"
    assert (await call("POST", "/api/v2/sessions/search", {"text": "hello"}))[1]["results"] == found
    assert (await call("GET", "/api/v2/sessions/s/summary"))[1]["summaries"][0][
        "content"
    ] == "hello"
    assert (await call("GET", "/api/v2/sessions-ordered"))[1]["sessions"][0]["metadata"] == {
        "k": "v"
    }
    assert (await call("PATCH", "/api/v2/sessions/s", {"metadata": {}}))[1]["session_id"] == "s"
    await call("DELETE", "/api/v2/sessions/s/memory")
    assert (await call("GET", "/api/v2/sessions/s"))[0] == 404


@pytest.mark.parametrize("owner", [{"user_id": "u"}, {"graph_id": "g"}, {"group_id": "g"}])
async def test_graph_data_is_found_again(call: Client, owner: dict[str, str]) -> None:
    """Episodes and facts added to a graph are in its search results and its lists."""
    kind, ident = next(iter(owner.items()))
    episode = {**owner, "type": "json", "data": '{"city": "Izmir now"}'}
    assert (await call("POST", "/api/v2/graph", episode))[1]["content"] == episode["data"]
    batch = {**owner, "episodes": [{"data": "one", "type": "text"}, {"data": "two"}]}
    assert [row["content"] for row in (await call("POST", "/api/v2/graph-batch", batch))[1]] == [
        "one",
        "two",
    ]
    triple = {**owner, "fact": "Ay likes tea", "fact_name": "LIKES", "source_node_name": "Ay"}
    _, added = await call("POST", "/api/v2/graph/add-fact-triple", triple)
    search = {**owner, "query": "tea now"}
    _, found = await call("POST", "/api/v2/graph/search", search)
    assert (len(found["edges"]), len(found["episodes"]), len(found["nodes"])) == (1, 0, 0)
    lists = f"user/{ident}" if kind == "user_id" else f"{kind[:-3]}/{ident}"
    assert (await call("POST", f"/api/v2/graph/edge/{lists}", {}))[1] == [added["edge"]]
    assert (await call("POST", f"/api/v2/graph/observation/{lists}", {}))[1] == []
    _, latest = await call("GET", f"/api/v2/graph/episodes/{lists}?lastn=1")
    assert [row["content"] for row in latest["episodes"]] == ["two"]
    node = added["source_node"]["uuid"]
    assert (await call("GET", f"/api/v2/graph/node/{node}/entity-edges"))[1] == [added["edge"]]
    edge = f"/api/v2/graph/edge/{added['edge']['uuid']}"
    assert (await call("PATCH", edge, {"fact": "new"}))[1]["fact"] == "new"
    assert (await call("GET", edge))[1]["fact"] == "new"
    assert (await call("DELETE", edge))[0] == 200
    assert (await call("GET", edge))[0] == 404


async def test_batches_are_counted_and_processed(call: Client) -> None:
    """A batch takes items, is processed and can be deleted."""
    _, batch = await call("POST", "/api/v2/batches", {"metadata": {"k": "v"}})
    path = f"/api/v2/batches/{batch['batch_id']}"
    items = {"items": [{"type": "thread_message", "thread_id": "t", "content": "x"}]}
    assert (await call("POST", f"{path}/items", items))[1][0]["kind"] == "thread_message"
    assert len((await call("GET", f"{path}/items"))[1]["items"]) == 1
    assert (await call("POST", f"{path}/process"))[1]["status"] == "succeeded"
    assert (await call("GET", path))[1]["status"] == "succeeded"
    assert (await call("DELETE", path))[0] == 200
    assert (await call("GET", path))[0] == 404


async def test_everything_else_answers_plausibly(call: Client) -> None:
    """Routes that keep nothing answer with an object that has the required fields."""
    status, answer = await call("PUT", "/api/v2/entity-types", {"entity_types": []})
    assert status == 200
    assert {"message", "uuid", "created_at", "name", "summary", "fact"} <= answer.keys()


async def test_a_body_of_the_wrong_shape_is_a_bad_request(call: Client) -> None:
    """What a handler cannot read answers 400, not 500."""
    assert (await call("POST", "/api/v2/threads/t/messages", {"messages": 5}))[0] == 400
