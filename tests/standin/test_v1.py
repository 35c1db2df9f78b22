"""API v1 as zep-python 1.x uses it."""

from sidecar.standin import StandIn

from .conftest import Client

MEMORY = {"messages": [{"role": "user", "content": "hello"}]}


async def test_the_health_check_is_a_dot(zep: StandIn, call: Client) -> None:
    """The SDK's constructor wants exactly this body at the root."""
    async with call.session.get("/healthz") as response:
        assert (response.status, await response.text()) == (200, ".")
    assert [request.target for request in zep.received] == ["/healthz"]


async def test_memory_is_kept_and_answered_as_text(call: Client) -> None:
    """Adding and deleting memory answer with the text OK; reading shows what was added."""
    async with call.session.post("/api/v1/sessions/s/memory", json=MEMORY) as response:
        assert await response.text() == "OK"
    _, memory = await call("GET", "/api/v1/sessions/s/memory")
    assert memory["messages"][0]["content"] == "hello"
    assert memory["summary"]["content"] == "user: hello"
    async with call.session.delete("/api/v1/sessions/s/memory") as response:
        assert await response.text() == "OK"
    assert (await call("GET", "/api/v1/sessions/s/memory"))[0] == 404


async def test_users_and_sessions_are_plain_lists(call: Client) -> None:
    """Lists have no envelope and a cursor that counts."""
    for name in ("a", "b", "c"):
        await call("POST", "/api/v1/user", {"user_id": name})
        await call("POST", "/api/v1/sessions", {"session_id": f"s{name}", "user_id": name})
    _, users = await call("GET", "/api/v1/user?limit=1&cursor=1")
    assert [user["user_id"] for user in users] == ["b"]
    _, sessions = await call("GET", "/api/v1/sessions")
    assert [session["session_id"] for session in sessions] == ["sa", "sb", "sc"]
    async with call.session.delete("/api/v1/user/a") as response:
        assert await response.text() == "OK"
    assert (await call("GET", "/api/v1/user/a"))[0] == 404


async def test_collections_answer_plausibly(call: Client) -> None:
    """What is not kept still has the shape that the SDK parses."""
    assert await call("GET", "/api/v1/collection") == (200, [])
    assert await call("POST", "/api/v1/collection/docs/document", [{"content": "x"}]) == (200, [])
    assert (await call("GET", "/api/v1/collection/docs"))[1]["name"] == "docs"
