"""API v4 as zep-cloud 4.x uses it."""

import json
from typing import Any

from .conftest import Client


async def made(call: Client) -> tuple[dict[str, Any], str]:
    """Create a user and a thread with one message; return the user and the thread's path."""
    _, user = await call("POST", "/api/v4/users", {"user_id": "u", "first_name": "Ay"})
    _, thread = await call("POST", "/api/v4/threads", {"user_uuid": user["uuid"]})
    path = f"/api/v4/threads/{thread['uuid']}"
    body = {"messages": [{"role": "user", "content": "hello"}], "return_context": True}
    status, added = await call("POST", f"{path}/messages", body)
    assert (status, added["context"]) == (202, "user: hello")
    return user, path


async def test_ids_come_from_the_server_and_conflicts_name_them(call: Client) -> None:
    """A user_id in use answers 409 with the uuid of the user that has it."""
    _, user = await call("POST", "/api/v4/users", {"user_id": "u"})
    status, answer = await call("POST", "/api/v4/users", {"user_id": "u"})
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert answer["error"]["details"] == {"uuid": user["uuid"]}


async def test_errors_have_the_shape_of_v4(call: Client) -> None:
    """An unknown uuid answers 404 with code and message."""
    status, answer = await call("GET", "/api/v4/users/nobody")
    assert (status, answer["error"]["message"]) == (404, "user not found")


async def test_pages_have_a_cursor(call: Client) -> None:
    """A list names the position of the next page until there is none."""
    for name in "abc":
        await call("POST", "/api/v4/users", {"user_id": name})
    _, first = await call("POST", "/api/v4/users/list?page_size=2", {})
    assert (len(first["items"]), first["next_cursor"], first["total_size"]) == (2, "2", 3)
    _, last = await call("POST", "/api/v4/users/list?page_size=2&cursor=2", {})
    assert (len(last["items"]), last["next_cursor"]) == (1, "")


async def test_a_thread_gives_back_what_was_written(call: Client) -> None:
    """Messages, context, episodes and summary hold the text; the thread can be deleted."""
    user, path = await made(call)
    _, messages = await call("GET", f"{path}/messages")
    message = f"{path}/messages/{messages['items'][0]['uuid']}"
    assert (await call("PATCH", message, {"metadata": {"a": 1}}))[1]["metadata"] == {"a": 1}
    assert (await call("GET", message))[1]["content"] == "hello"
    assert await call("GET", f"{path}/context") == (200, {"context": "user: hello"})
    assert len((await call("GET", f"{path}/episodes"))[1]["items"]) == 1
    assert (await call("GET", f"{path}/summary"))[1]["summary"] == "hello"
    _, threads = await call("GET", f"/api/v4/threads?user_uuid={user['uuid']}")
    assert len(threads["items"]) == 1
    assert (await call("DELETE", path))[0] == 202
    assert (await call("GET", path))[0] == 404


async def test_lookups_map_ids_to_uuids(call: Client) -> None:
    """One id answers the record, several say which exist."""
    user, _ = await made(call)
    assert (await call("POST", "/api/v4/users/lookup", {"user_id": "u"}))[1]["uuid"] == user["uuid"]
    assert (await call("POST", "/api/v4/users/lookup", {"user_id": "x"}))[0] == 404
    _, answer = await call("POST", "/api/v4/lookup", {"users": ["u", "x"]})
    assert [(item["found"], item.get("uuid")) for item in answer["items"]] == [
        (True, user["uuid"]),
        (False, None),
    ]


async def test_a_graph_is_built_and_searched(call: Client) -> None:
    """Episodes, nodes and edges are added, listed, searched, changed and deleted."""
    _, graph = await call("POST", "/api/v4/graphs", {"name": "g"})
    path = f"/api/v4/graphs/{graph['uuid']}"
    await call("POST", f"{path}/episodes", {"data": "Ay drinks tea", "type": "text"})
    await call("POST", f"{path}/nodes", {"nodes": [{"name": "Tea", "summary": "hot"}]})
    edge = {"fact": "Ay likes tea", "fact_name": "LIKES", "source_node": {"name": "Ay"}}
    _, added = await call("POST", f"{path}/edges", {"edges": [{**edge, "target_node": {}}]})
    for kind, count in (("episodes", 1), ("nodes", 3), ("edges", 1), ("observations", 0)):
        assert len((await call("POST", f"{path}/{kind}/list", {}))[1]["items"]) == count
        found = await call("POST", f"{path}/search/{kind}", {"query": "tea"})
        assert len(found[1]["items"]) == min(count, 1)
    one = f"{path}/edges/{added['edges'][0]['uuid']}"
    assert (await call("PATCH", one, {"fact": "new"}))[1] == (await call("GET", one))[1]
    assert (await call("POST", f"{path}/context", {}))[1]["context"] == "text: Ay drinks tea"
    assert len((await call("POST", f"{path}/subgraph", {}))[1]["edges"]) == 1
    assert (await call("DELETE", one))[1]["task"]["status"] == "succeeded"
    assert (await call("GET", one))[0] == 404
    assert (await call("POST", f"{path}/clone", {}))[1]["graph"]["uuid"] != graph["uuid"]
    assert (await call("PATCH", path, {"name": "h"}))[1]["name"] == "h"
    assert len((await call("POST", "/api/v4/graphs/list", {}))[1]["items"]) == 2
    assert (await call("DELETE", path))[0] == 202


async def test_a_query_streams_when_asked(call: Client) -> None:
    """The answer is JSON, or server-sent events that end with the result."""
    await made(call)
    body = {"query": "hello"}
    _, answer = await call("POST", "/api/v4/graphs/query", body)
    assert len(answer["results"]["episodes"]) == 1
    async with call.session.post("/api/v4/graphs/query", json={**body, "stream": True}) as stream:
        assert stream.content_type == "text/event-stream"
        data = [line[6:] async for line in stream.content if line.startswith(b"data: ")]
    events = [json.loads(line) for line in data]
    assert [event["type"] for event in events] == ["started", "reasoning", "result"]
    assert events[-1]["results"] == answer["results"]


async def test_a_batch_is_filled_processed_and_deleted(call: Client) -> None:
    """Items are kept and paged; the deletion has no body."""
    _, batch = await call("POST", "/api/v4/batches", {"metadata": {}})
    path = f"/api/v4/batches/{batch['uuid']}"
    await call("POST", f"{path}/items", {"items": [{"type": "graph_episode", "data": "x"}]})
    assert len((await call("GET", f"{path}/items"))[1]["items"]) == 1
    assert (await call("POST", f"{path}/process"))[1]["batch"]["status"] == "succeeded"
    assert (await call("GET", path))[1]["status"] == "succeeded"
    assert await call("DELETE", path) == (204, None)


async def test_everything_else_answers_plausibly(call: Client) -> None:
    """Routes that keep nothing answer with an object that is an empty page too."""
    _, answer = await call("GET", "/api/v4/project")
    assert (answer["items"], answer["next_cursor"]) == ([], "")
    assert (await call("DELETE", "/api/v4/user-groups/g"))[0] == 204
    async with call.session.get("/api/v4/agents/a/skills/s/versions/1/export/t") as archive:
        assert (await archive.read()).startswith(b"PK")


async def test_users_are_changed_and_deleted(call: Client) -> None:
    """A user's fields change, the node stands for the user, and the deletion is a task."""
    user, _ = await made(call)
    path = f"/api/v4/users/{user['uuid']}"
    assert (await call("PATCH", path, {"last_name": "Y"}))[1]["last_name"] == "Y"
    assert (await call("GET", f"{path}/node"))[1]["name"] == "Ay"
    assert (await call("DELETE", path))[1]["task"]["status"] == "succeeded"
    assert (await call("GET", path))[0] == 404
