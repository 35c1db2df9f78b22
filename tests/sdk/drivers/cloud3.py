# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
"""zep-cloud 3.x against API v2: users and threads."""

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
    raw_result,
    settle,
)
from zep_cloud import BatchAddItem, EpisodeData, Message
from zep_cloud.client import AsyncZep, Zep
from zep_cloud.external_clients.ontology import EntityModel

CREATORS = {"user.add": "user_id", "thread.create": "thread_id", "graph.create": "graph_id"}
USER = "ayse@example.com"
THREAD = "thread:1 ü+%=é"


class Home(EntityModel):
    """A place to live in."""


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
    await step("user.list_ordered", client.user.list_ordered, page_size=10, search=EMAIL)
    await step("user.list_ordered phone", client.user.list_ordered, search=PHONE)
    await step("user.list_ordered address", client.user.list_ordered, search=ADDRESS)
    await step("user.get_node", client.user.get_node, USER)
    await step("user.warm", client.user.warm, USER)

    async def raw():
        return raw_result(await settle(client.user.with_raw_response.get(USER)))

    await step("user.get raw", raw)

    for thread in (THREAD, "thread-2"):
        await step("thread.create", client.thread.create, thread_id=thread, user_id=USER)
        messages = [
            Message(role="user", name=f"Ayşe {EMAIL}", content=TEXT, metadata=METADATA),
            Message(role="assistant", content=f"Sure, {ADDRESS_GB} it is. 😀 \u2028 {PHONE_GB}"),
        ]
        await step("thread.add_messages", client.thread.add_messages, thread, messages=messages)
        added = await step(
            "thread.add_messages hybrid",
            client.thread.add_messages,
            thread,
            messages=[Message(role="user", content=f"call {PHONE}")],
            return_context=True,
        )
        await step(
            "thread.add_messages_batch", client.thread.add_messages_batch, thread, messages=messages
        )
        await step("thread.get", client.thread.get, thread, limit=2)
        await step("thread.get lastn", client.thread.get, thread, lastn=1)
        await step("thread.get_user_context", client.thread.get_user_context, thread)
        await step("thread.get_summary", client.thread.get_summary, thread)
        await step("thread.get_episodes", client.thread.get_episodes, thread)
    await step("thread.list_all", client.thread.list_all, page_size=1)
    await step("user.get_threads", client.user.get_threads, USER)
    message = added.message_uuids[0]
    await step("thread.message.update", client.thread.message.update, message, metadata=METADATA)

    episode = None
    for kind, data in (
        ("text", TEXT),
        ("json", json.dumps({"mail": EMAIL, "home": [ADDRESS], "n": 1.50})),
        ("json", json.dumps({"mail": EMAIL, "home": ADDRESS}, ensure_ascii=False)),
        ("message", f"Ayşe: {TEXT}"),
    ):
        more = {"source_description": f"mail from {EMAIL}", "metadata": METADATA}
        name = f"graph.add {kind}"
        episode = await step(name, client.graph.add, data=data, type=kind, user_id=USER, **more)
    await step("graph.create", client.graph.create, graph_id="graph-1", name=TEXT, description=TEXT)
    episodes = [EpisodeData(data=TEXT, type="text"), EpisodeData(data=TEXT, type="message")]
    await step("graph.add_batch", client.graph.add_batch, episodes=episodes, graph_id="graph-1")
    triple = await step(
        "graph.add_fact_triple",
        client.graph.add_fact_triple,
        fact=f"Ayşe lives at {ADDRESS}",
        fact_name="LIVES_AT",
        user_id=USER,
        source_node_name=f"Ayşe {EMAIL}",
        source_node_summary=TEXT,
        target_node_name="Home",
        edge_attributes=METADATA,
    )
    for scope in ("edges", "nodes", "episodes"):
        await step("graph.search", client.graph.search, query=QUERY, user_id=USER, scope=scope)
    await step("graph.edge.get", client.graph.edge.get, triple.edge.uuid_)
    await step("graph.search elsewhere", client.graph.search, query=TEXT, user_id="user-2")
    await step("graph.edge.get_by_user_id", client.graph.edge.get_by_user_id, USER)
    await step("graph.node.get", client.graph.node.get, triple.source_node.uuid_)
    await step("graph.episode.get_by_user_id", client.graph.episode.get_by_user_id, USER, lastn=2)
    await step("graph.list_all", client.graph.list_all, search=EMAIL)
    await step("custom_instructions", client.graph.delete_custom_instructions, user_ids=[USER])

    await step("graph.set_ontology", client.graph.set_ontology, entities={"Home": Home})
    await step("graph.set_entity_types", client.graph.set_entity_types, entities={"Home": Home})

    batch = await step("batch.create", client.batch.create, metadata=METADATA)
    items = [
        BatchAddItem(type="graph_episode", user_id=USER, data=TEXT),
        BatchAddItem(
            type="thread_message", thread_id=THREAD, content=TEXT, role="user", name=EMAIL
        ),
    ]
    await step("batch.add", client.batch.add, batch.batch_id, items=items)
    await step("batch.list_items", client.batch.list_items, batch.batch_id)
    await step("batch.process", client.batch.process, batch.batch_id)

    ids |= {
        "user_id": USER, "thread_id": THREAD, "graph_id": "graph-1", "batch_id": batch.batch_id,
        "message_uuid": message, "node_uuid": triple.source_node.uuid_,
    }  # fmt: skip
    methods = methods_of(client, "zep_cloud")
    # Nodes, edges and episodes all call their parameter uuid_.
    for kind, uuid in (
        ("graph.edge.", triple.edge.uuid_),
        ("graph.node.", triple.source_node.uuid_),
        ("graph.episode.", episode.uuid_),
    ):
        ids["uuid_"] = uuid
        await driver.sweep({name: methods.pop(name) for name in list(methods) if kind in name})
    await driver.sweep(methods)


main(scenario)
