# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
"""zep-cloud 4.x against API v4."""

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
from zep_cloud import AddMessage, BatchItemInput, EdgeInput, EdgeNodeRef, NodeInput
from zep_cloud.client import AsyncZep, Zep


async def scenario(origin, mode):
    """Do what an application does, then call everything."""
    client = (Zep if mode == "sync" else AsyncZep)(api_key="key", base_url=f"{origin}/api/v4")
    ids = {}
    step = (driver := Driver(ids, {"user.create": "user_id"})).step

    person = {"email": EMAIL, "first_name": "Ayşe", "last_name": f"Yılmaz {PHONE}"}
    user = await step(
        "user.create", client.user.create, user_id="ayse@example.com", metadata=METADATA, **person
    )
    again = {"max_retries": 0}
    await step(
        "user.create conflict",
        client.user.create,
        user_id="ayse@example.com",
        request_options=again,
    )
    await step("user.get", client.user.get, user.uuid_)
    await step("user.update", client.user.update, user.uuid_, last_name=ADDRESS_GB)
    await step("user.lookup", client.user.lookup, user_id="ayse@example.com")
    await step("user.list", client.user.list, search=EMAIL, page_size=1)
    for number in range(3):
        await step("user.create more", client.user.create, user_id=f"user {number}/ü?#%")
    await step("user.list pages", client.user.list, page_size=1)
    await step("user.get missing", client.user.get, "nobody@example.com")
    await step("user.get odd", client.user.get, "odd id/ü+%:;,=é")
    await step("user.get_node", client.user.get_node, user.uuid_)

    async def raw():
        return raw_result(await settle(client.user.with_raw_response.get(user.uuid_)))

    await step("user.get raw", raw)

    thread = await step("thread.create", client.thread.create, user_uuid=user.uuid_)
    messages = [
        AddMessage(role="user", name=f"Ayşe {EMAIL}", content=TEXT, metadata=METADATA),
        AddMessage(role="assistant", content=f"Sure, {ADDRESS_GB} it is. 😀 \u2028 {PHONE_GB}"),
    ]
    added = await step(
        "thread.add_messages", client.thread.add_messages, thread.uuid_, messages=messages
    )
    await step(
        "thread.add_messages hybrid",
        client.thread.add_messages,
        thread.uuid_,
        messages=[AddMessage(role="user", content=f"call {PHONE}")],
        return_context=True,
    )
    await step("thread.get", client.thread.get, thread.uuid_)
    await step("thread.get_context", client.thread.get_context, thread.uuid_)
    await step("thread.list_messages", client.thread.list_messages, thread.uuid_, page_size=1)
    await step("thread.get_summary", client.thread.get_summary, thread.uuid_)
    await step("thread.list", client.thread.list, user_uuid=user.uuid_)
    message = added.messages[0].uuid_
    await step(
        "thread.message.update",
        client.thread.message.update,
        thread.uuid_,
        message,
        metadata=METADATA,
    )

    graph = await step("graph.create", client.graph.create, name=TEXT, description=TEXT)
    episode = None
    for kind, data in (
        ("text", TEXT),
        ("json", json.dumps({"mail": EMAIL, "home": [ADDRESS], "n": 1.50})),
        ("json", json.dumps({"mail": EMAIL, "home": ADDRESS}, ensure_ascii=False)),
        ("message", f"Ayşe: {TEXT}"),
    ):
        episode = await step(
            f"graph.episode.add {kind}",
            client.graph.episode.add,
            graph.uuid_,
            data=data,
            type=kind,
            source_description=f"mail from {EMAIL}",
            metadata=METADATA,
        )
    nodes = [NodeInput(name=f"Ayşe {PHONE}", summary=TEXT), NodeInput(name="Home")]
    added_nodes = await step("graph.node.add", client.graph.node.add, graph.uuid_, nodes=nodes)
    ends = {"source_node": EdgeNodeRef(name="Ayşe"), "target_node": EdgeNodeRef(name="Home")}
    fact = EdgeInput(fact=f"Ayşe lives at {ADDRESS}", fact_name="LIVES_AT", **ends)
    edges = await step("graph.edge.add", client.graph.edge.add, graph.uuid_, edges=[fact])
    await step("graph.search_edges", client.graph.search_edges, graph.uuid_, query=QUERY)
    await step("graph.search_episodes", client.graph.search_episodes, graph.uuid_, query=QUERY)
    empty = await step("graph.create", client.graph.create)
    await step("graph.search_nodes elsewhere", client.graph.search_nodes, empty.uuid_, query=TEXT)
    await step("graph.get_context", client.graph.get_context, graph.uuid_, query=TEXT)
    question = {"graph_uuids": [graph.uuid_], "query": QUERY, "guidance": TEXT}
    await step("graph.query", client.graph.query, **question)
    await step("graph.query_stream", client.graph.query_stream, **question)
    await step("lookup.batch", client.lookup.batch, users=["ayse@example.com", "nobody"])

    batch = await step("batch.create", client.batch.create, metadata=METADATA)
    items = [
        BatchItemInput(type="graph_episode", graph_uuid=graph.uuid_, data=TEXT),
        BatchItemInput(type="thread_message", thread_uuid=thread.uuid_, content=TEXT, role="user"),
    ]
    await step("batch.add_items", client.batch.add_items, batch.uuid_, items=items)
    await step("batch.list_items", client.batch.list_items, batch.uuid_)
    await step("batch.process", client.batch.process, batch.uuid_)
    await step("batch.delete", client.batch.delete, batch.uuid_)
    await step("agent.delete with body", client.agent.delete, "agent-1", expected_revision=2)

    batch = await step("batch.create", client.batch.create)
    ids |= {
        "user_uuid": user.uuid_, "thread_uuid": thread.uuid_, "graph_uuid": graph.uuid_,
        "message_uuid": message, "batch_uuid": batch.uuid_, "user_id": "ayse@example.com",
        "episode_uuid": episode.episode.uuid_, "edge_uuid": edges.edges[0].uuid_,
        "thread_id": thread.thread_id, "graph_id": graph.graph_id,
        "graph_uuids": [graph.uuid_], "node_uuid": added_nodes.nodes[0].uuid_,
    }  # fmt: skip
    await driver.sweep(methods_of(client, "zep_cloud"))


main(scenario)
