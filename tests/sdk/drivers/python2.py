# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
"""zep-python 2.x (Community Edition) against API v2."""

from harness import (
    ADDRESS_GB,
    EMAIL,
    METADATA,
    PHONE,
    PHONE_GB,
    QUERY,
    TEXT,
    Driver,
    main,
    methods_of,
)
from zep_python.client import AsyncZep, Zep
from zep_python.types import Message

CREATORS = {"user.add": "user_id", "memory.add_session": "session_id"}
USER = "ayse@example.com"
SESSION = "session:1 ü+%=é"


async def scenario(origin, mode):
    """Do what an application does, then call everything."""
    client = (Zep if mode == "sync" else AsyncZep)(api_key="key", base_url=origin)
    ids = {}
    step = (driver := Driver(ids, CREATORS)).step

    person = {"email": EMAIL, "first_name": "Ayşe", "last_name": f"Yılmaz {PHONE}"}
    await step("user.add", client.user.add, user_id=USER, metadata=METADATA, **person)
    await step("user.add again", client.user.add, user_id=USER)
    await step("user.get", client.user.get, USER)
    await step("user.get missing", client.user.get, "nobody@example.com")
    await step("user.get odd", client.user.get, "odd id/ü+%:;,=é")
    await step("user.update", client.user.update, USER, last_name=ADDRESS_GB)
    await step("user.list_ordered", client.user.list_ordered, page_size=10)

    await step(
        "memory.add_session", client.memory.add_session, session_id=SESSION, user_id=USER,
        metadata=METADATA,
    )  # fmt: skip
    messages = [
        Message(role=f"Ayşe {EMAIL}", role_type="user", content=TEXT, metadata=METADATA),
        Message(role="bot", role_type="assistant", content=f"{ADDRESS_GB} 😀 \u2028 {PHONE_GB}"),
    ]
    await step("memory.add", client.memory.add, SESSION, messages=messages)
    await step("memory.get", client.memory.get, SESSION)
    await step("memory.get lastn", client.memory.get, SESSION, lastn=1)
    listed = await step(
        "memory.get_session_messages", client.memory.get_session_messages, SESSION, limit=2
    )
    await step("memory.search_sessions", client.memory.search_sessions, text=QUERY, user_id=USER)
    await step("user.get_sessions", client.user.get_sessions, USER)

    ids |= {
        "user_id": USER, "session_id": SESSION, "message_uuid": listed.messages[0].uuid_,
    }  # fmt: skip
    await driver.sweep(methods_of(client, "zep_python"))


main(scenario)
