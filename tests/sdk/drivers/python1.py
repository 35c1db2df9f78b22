# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
"""zep-python 1.x against API v1."""

import inspect

from harness import (
    ADDRESS,
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
from zep_python import Memory, MemorySearchPayload, Message, Session, ZepClient
from zep_python.document import Document
from zep_python.user import CreateUserRequest, UpdateUserRequest

USER = "ayse@example.com"
SESSION = "session:1 ü+%=é"


async def scenario(origin, mode):
    """Do what an application does, then call everything of this mode."""
    client = ZepClient(origin, "key")
    ids = {}
    step = (driver := Driver(ids)).step
    driver.moment = None  # zep-python 1.x cannot send one.
    prefix = "" if mode == "sync" else "a"
    memory, message, user, document = client.memory, client.message, client.user, client.document

    def pick(part, name):
        return getattr(part, prefix + name)

    person = {"email": EMAIL, "first_name": "Ayşe", "last_name": f"Yılmaz {PHONE}"}
    made = CreateUserRequest(user_id=USER, metadata=METADATA, **person)
    await step("user.add", pick(user, "add"), made)
    await step("user.add again", pick(user, "add"), made)
    await step("user.get", pick(user, "get"), USER)
    await step("user.get missing", pick(user, "get"), "nobody@example.com")
    await step("user.get odd", pick(user, "get"), "odd id ü+%:;,=é")
    changed = UpdateUserRequest(user_id=USER, last_name=ADDRESS_GB)
    await step("user.update", pick(user, "update"), changed)
    await step("user.list", pick(user, "list"), limit=10)

    session = Session(session_id=SESSION, user_id=USER, metadata=METADATA)
    await step("memory.add_session", pick(memory, "add_session"), session)
    messages = [
        Message(role=f"Ayşe {EMAIL}", content=TEXT, metadata=METADATA),
        Message(role="bot", content=f"{ADDRESS_GB} 😀 \u2028 {PHONE_GB} {ADDRESS}."),
    ]
    await step("memory.add_memory", pick(memory, "add_memory"), SESSION, Memory(messages=messages))
    await step("memory.get_memory", pick(memory, "get_memory"), SESSION, lastn=2)
    search = MemorySearchPayload(
        text=QUERY, metadata={"where": {"jsonpath": '$[*] ? (@.a == "b")'}}
    )
    await step("memory.search_memory", pick(memory, "search_memory"), SESSION, search)
    listed = await step("messages", pick(message, "get_session_messages"), SESSION)
    ids |= {
        "user_id": USER, "session_id": SESSION, "message_id": listed[0].uuid, "limit": 5,
        "cursor": 1, "embedding_dimensions": 8, "chunk_size": 5, "name": "docs1",
        "search_type": "similarity", "search_scope": "messages",
    }  # fmt: skip

    collection = await step(
        "add_collection", pick(document, "add_collection"), name="docs1", description=TEXT,
        embedding_dimensions=8, metadata=METADATA,
    )  # fmt: skip
    documents = [Document(content=TEXT, document_id="doc-1", metadata=METADATA)]
    if collection is not None:
        await step("add_documents", pick(collection, "add_documents"), documents)
        await step("search", pick(collection, "search"), text=QUERY, limit=5)

    methods = methods_of(client, "zep_python")
    if collection is not None:
        methods |= {f"collection.{name}": m for name, m in inspect.getmembers(collection)
                    if inspect.ismethod(m) and m.__module__.startswith("zep_python")
                    and not name.startswith("_")}  # fmt: skip
    of_mode = {name: method for name, method in methods.items() if of(name, methods) == mode}
    await driver.sweep(of_mode)


def of(name, methods):
    """Say which mode a method belongs to; closing is left to the end of the process."""
    part, _, last = name.rpartition(".")
    part += "." if part else ""
    if "close" in last:
        return "neither"
    return "async" if last.startswith("a") and part + last[1:] in methods else "sync"


main(scenario)
