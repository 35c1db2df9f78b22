# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201
"""zep-cloud 2.x against API v2: users, sessions and memory."""

import json

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
from pydantic import Field
from zep_cloud import EpisodeData, Message
from zep_cloud.client import AsyncZep, Zep
from zep_cloud.external_clients.ontology import EntityModel
from zep_cloud.extractor import ZepModel, ZepText

CREATORS = {"user.add": "user_id", "memory.add_session": "session_id", "group.add": "group_id"}
USER = "ayse@example.com"
SESSION = "session:1 ü+%=é"


class Home(EntityModel):
    """A place to live in."""


class Facts(ZepModel):
    """What to extract from a session."""

    town: ZepText | None = Field(description="where the user lives", default=None)


async def scenario(origin, mode):
    """Do what an application does, then call everything."""
    client = (Zep if mode == "sync" else AsyncZep)(api_key="key", base_url=f"{origin}/api/v2")
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

    add = client.memory.add
    await step(
        "memory.add_session", client.memory.add_session, session_id=SESSION, user_id=USER,
        metadata=METADATA,
    )  # fmt: skip
    messages = [
        Message(role=f"Ayşe {EMAIL}", role_type="user", content=TEXT, metadata=METADATA),
        Message(role="bot", role_type="assistant", content=f"{ADDRESS_GB} 😀 \u2028 {PHONE_GB}"),
    ]
    await step("memory.add", add, SESSION, messages=messages)
    await step("memory.add hybrid", add, SESSION, messages=messages, return_context=True)
    await step("memory.get", client.memory.get, SESSION, lastn=2)
    listed = await step(
        "memory.get_session_messages", client.memory.get_session_messages, SESSION, limit=2
    )
    await step("memory.get_session", client.memory.get_session, SESSION)
    await step("memory.list_sessions", client.memory.list_sessions, page_size=1)
    await step("memory.search_sessions", client.memory.search_sessions, text=QUERY, user_id=USER)
    await step("user.get_sessions", client.user.get_sessions, USER)

    episode = None
    for kind, data in (
        ("text", TEXT),
        ("json", json.dumps({"mail": EMAIL, "home": [ADDRESS], "n": 1.50})),
        ("json", json.dumps({"mail": EMAIL, "home": ADDRESS}, ensure_ascii=False)),
        ("message", f"Ayşe: {TEXT}"),
    ):
        more = {"source_description": f"mail from {EMAIL}"}
        name = f"graph.add {kind}"
        episode = await step(name, client.graph.add, data=data, type=kind, user_id=USER, **more)
    await step("group.add", client.group.add, group_id="group-1", name=TEXT, description=TEXT)
    episodes = [EpisodeData(data=TEXT, type="text"), EpisodeData(data=TEXT, type="message")]
    await step("graph.add_batch", client.graph.add_batch, episodes=episodes, group_id="group-1")
    triple = await step(
        "graph.add_fact_triple",
        client.graph.add_fact_triple,
        fact=f"Ayşe lives at {ADDRESS}",
        fact_name="LIVES_AT",
        user_id=USER,
        source_node_name=f"Ayşe {EMAIL}",
        target_node_name="Home",
        target_node_summary=TEXT,
    )
    await step("graph.search", client.graph.search, query=QUERY, user_id=USER)
    await step("graph.search elsewhere", client.graph.search, query=TEXT, user_id="user-2")
    await step("graph.edge.get_by_user_id", client.graph.edge.get_by_user_id, USER)
    await step("user.get_facts", client.user.get_facts, USER)

    await step("graph.set_ontology", client.graph.set_ontology, entities={"Home": Home})
    await step("graph.set_entity_types", client.graph.set_entity_types, entities={"Home": Home})
    await step("memory.extract", client.memory.extract, SESSION, Facts())

    ids |= {
        "user_id": USER, "session_id": SESSION, "group_id": "group-1",
        "message_uuid": listed.messages[0].uuid_, "node_uuid": triple.source_node.uuid_,
    }  # fmt: skip
    methods = methods_of(client, "zep_cloud")
    for kind, uuid in (
        ("graph.edge.", triple.edge.uuid_),
        ("graph.node.", triple.source_node.uuid_),
        ("graph.episode.", episode.uuid_),
    ):
        ids["uuid_"] = uuid
        await driver.sweep({name: methods.pop(name) for name in list(methods) if kind in name})
    await driver.sweep(methods)


main(scenario)
