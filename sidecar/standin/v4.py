"""API v4 (zep-cloud 4.x): ids come from the server, lists are pages, conflicts answer 409."""

import json
from typing import Any

from sidecar.standin.route import Call, Reply, Routes
from sidecar.standin.store import Record, Store

routes = Routes()
CODES = {400: "bad_request", 404: "not_found", 409: "conflict"}


def error(status: int, message: str, **details: object) -> Reply:
    """Return an error in the shape of API v4."""
    body = {"code": CODES.get(status, "internal"), "message": message, "details": details}
    return Reply({"error": body}, status)


def page(call: Call, rows: list[Record]) -> Record:
    """Return one page; the cursor is the position of the next one."""
    start, size = call.number("cursor", 0), call.number("page_size", 50)
    more = start + size < len(rows)
    cursor = str(start + size) if more else ""
    return {"items": rows[start : start + size], "next_cursor": cursor, "total_size": len(rows)}


def task(store: Store) -> Record:
    """Return a task that is already done."""
    return {"uuid": store.uuid(), "status": "succeeded", "created_at": store.stamp()}


# Users


@routes("POST", "users")
def create_user(store: Store, call: Call) -> Reply:
    """Create a user; a user_id in use answers 409 and names the user that has it."""
    if (wanted := call.body.get("user_id")) and (taken := store.find("user", wanted)):
        return error(409, "user_id already in use", uuid=taken["uuid"])
    return Reply(store.new_user(call.body), 201)


@routes("POST", "users/list")
def list_users(store: Store, call: Call) -> Record:
    """Return one page of the users."""
    return page(call, store.rows("user"))


@routes("POST", "users/lookup", "threads/lookup", "graphs/lookup")
def lookup(store: Store, call: Call) -> Record:
    """Return the record with the id that the application chose."""
    kind = call.parts[0][:-1]
    return store.get(kind, call.body.get(f"{kind}_id"))


@routes("POST", "lookup")
def lookup_batch(store: Store, call: Call) -> Record:
    """Say for each id whether it exists, and with which uuid."""
    items = []
    for kind in ("user", "thread", "graph"):
        for ident in call.body.get(f"{kind}s") or []:
            found = store.find(kind, ident)
            item = {"resource_type": kind, "legacy_id": ident, "found": found is not None}
            items.append({**item, "uuid": found["uuid"]} if found else item)
    return {"items": items}


@routes("GET", "users/{}/node")
def user_node(store: Store, _call: Call, user: str) -> Record:
    """Return the graph node that stands for the user."""
    return store.rows("node", user_uuid=store.get("user", user)["uuid"])[0]


# Threads


@routes("POST", "threads")
def create_thread(store: Store, call: Call) -> Reply:
    """Create a thread for a user."""
    user = store.get("user", call.body.get("user_uuid"))
    return Reply(store.new_thread(store.uuid(), user, {}), 201)


@routes("GET", "threads")
def list_threads(store: Store, call: Call) -> Record:
    """Return one page of the threads, of one user if the query names one."""
    owner = {"user_uuid": call.query["user_uuid"]} if call.query.get("user_uuid") else {}
    return page(call, store.rows("thread", **owner))


@routes("GET", "threads/{}/context")
def thread_context(store: Store, _call: Call, thread: str) -> Record:
    """Return the context that a prompt gets."""
    return {"context": store.context(store.get("thread", thread)["graph_uuid"])}


@routes("GET", "threads/{}/messages")
def thread_messages(store: Store, call: Call, thread: str) -> Record:
    """Return one page of a thread's messages."""
    return page(call, store.rows("message", thread_uuid=store.get("thread", thread)["uuid"]))


@routes("POST", "threads/{}/messages")
def add_messages(store: Store, call: Call, thread: str) -> Reply:
    """Append messages; with return_context the answer shows the context after them."""
    found = store.get("thread", thread)
    added = [store.new_message(found, message) for message in call.body.get("messages") or []]
    wanted = call.body.get("return_context")
    context = {"context": store.context(found["graph_uuid"])} if wanted else {}
    return Reply({"messages": added, "task": task(store), **context}, 202)


@routes("GET", "threads/{}/messages/{}")
def get_message(store: Store, _call: Call, _thread: str, message: str) -> Record:
    """Return a message."""
    return store.get("message", message)


@routes("PATCH", "threads/{}/messages/{}")
def update_message(store: Store, call: Call, _thread: str, message: str) -> Record:
    """Change a message's metadata."""
    return store.update(store.get("message", message), call.body)


@routes("GET", "threads/{}/episodes")
def thread_episodes(store: Store, call: Call, thread: str) -> Record:
    """Return one page of the episodes that came from a thread's messages."""
    return page(call, store.rows("episode", thread_uuid=store.get("thread", thread)["uuid"]))


@routes("GET", "threads/{}/summary")
def thread_summary(store: Store, _call: Call, thread: str) -> Record:
    """Return the thread's text as its summary."""
    uuid = store.get("thread", thread)["uuid"]
    texts = [row["content"] for row in store.rows("message", thread_uuid=uuid)]
    return {"thread_uuid": uuid, "summary": "\n".join(texts)}


# Graphs


@routes("POST", "graphs")
def create_graph(store: Store, call: Call) -> Reply:
    """Create a graph."""
    return Reply(store.new_graph(call.body), 201)


@routes("POST", "graphs/list")
def list_graphs(store: Store, call: Call) -> Record:
    """Return one page of the graphs that belong to no user."""
    return page(call, store.rows("graph", user_uuid=None))


@routes("POST", "graphs/query")
def query(store: Store, call: Call) -> Reply:
    """Answer a question with the records that share a word with it, as JSON or as events."""
    graphs = call.body.get("graph_uuids") or [row["uuid"] for row in store.rows("graph")]
    asked = call.body.get("query")
    results: dict[str, list[Record]] = {"edges": [], "nodes": [], "episodes": []}
    for graph in graphs:
        results["edges"] += store.search("edge", "fact", graph, asked)
        results["episodes"] += store.search("episode", "content", graph, asked)
    found = {"citations": {}, "results": results, "truncated": False}
    if not call.body.get("stream"):
        return Reply({"answer": "", **found})
    events = [
        {"type": "started", "sequence": 1, "graph_uuids": graphs, "handles": []},
        {"type": "reasoning", "sequence": 2, "step": 1, "text": f"looking for {asked}"},
        {"type": "result", "sequence": 3, **found},
    ]
    lines = [f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n" for e in events]
    return Reply(tuple(line.encode() for line in lines), 200, "text/event-stream")


@routes("POST", "graphs/{}/episodes")
def add_episode(store: Store, call: Call, graph: str) -> Reply:
    """Append an episode of text, json or message to a graph."""
    body = call.body
    more: Record = {name: body[name] for name in ("source_description", "metadata") if name in body}
    kind = body.get("type") or "text"
    uuid = store.get("graph", graph)["uuid"]
    made = store.new_episode(uuid, str(body.get("data", "")), kind, more)
    return Reply({"episode": made, "task": task(store)}, 202)


@routes("POST", "graphs/{}/nodes")
def add_nodes(store: Store, call: Call, graph: str) -> Reply:
    """Add nodes to a graph."""
    found = store.get("graph", graph)
    nodes = [store.new_node(found, node) for node in call.body.get("nodes") or []]
    return Reply({"nodes": nodes, "task": task(store)}, 202)


@routes("POST", "graphs/{}/edges")
def add_edges(store: Store, call: Call, graph: str) -> Reply:
    """Add facts to a graph, with the nodes that they name."""
    found, edges = store.get("graph", graph), []
    for edge in call.body.get("edges") or []:
        ends = [edge.get(end) or {} for end in ("source_node", "target_node")]
        nodes = [store.find("node", end.get("uuid")) for end in ends]
        source, target = (
            node or store.new_node(found, {"name": end.get("name") or "node"})
            for node, end in zip(nodes, ends, strict=True)
        )
        edges.append(store.new_edge(found, edge["fact"], edge["fact_name"], source, target))
    return Reply({"edges": edges, "task": task(store)}, 202)


@routes("POST", "graphs/{}/context")
def graph_context(store: Store, _call: Call, graph: str) -> Record:
    """Return the context of a whole graph."""
    return {"context": store.context(store.get("graph", graph)["uuid"]), "truncated": False}


@routes("POST", "graphs/{}/subgraph")
def subgraph(store: Store, _call: Call, graph: str) -> Record:
    """Return all nodes and edges of a graph."""
    uuid = store.get("graph", graph)["uuid"]
    nodes, edges = store.rows("node", graph_uuid=uuid), store.rows("edge", graph_uuid=uuid)
    return {"nodes": nodes, "edges": edges, "truncated": False}


@routes("POST", "graphs/{}/clone")
def clone(store: Store, call: Call, graph: str) -> Reply:
    """Create an empty graph in the name of a copy."""
    store.get("graph", graph)
    return Reply({"graph": store.new_graph(call.body), "task": task(store)}, 202)


KINDS = {"nodes": ("node", "name"), "edges": ("edge", "fact"), "episodes": ("episode", "content")}


@routes("POST", "graphs/{}/search/{}")
def search(store: Store, call: Call, graph: str, name: str) -> Record:
    """Return one page of the records that share a word with the query."""
    uuid = store.get("graph", graph)["uuid"]
    if name not in KINDS:
        return page(call, [])
    return page(call, store.search(*KINDS[name], uuid, call.body.get("query")))


@routes("POST", "graphs/{}/{}/list")
def list_items(store: Store, call: Call, graph: str, name: str) -> Record:
    """Return one page of a graph's records of one kind; kinds not kept are empty."""
    uuid = store.get("graph", graph)["uuid"]
    return page(call, store.rows(KINDS[name][0], graph_uuid=uuid) if name in KINDS else [])


@routes("GET", "graphs/{}/{}/{}")
def get_item(store: Store, call: Call, _graph: str, name: str, ident: str) -> Any:
    """Return a node, an edge or an episode."""
    return store.get(KINDS[name][0], ident) if name in KINDS else fallback(store, call)


@routes("PATCH", "graphs/{}/{}/{}")
def update_item(store: Store, call: Call, _graph: str, name: str, ident: str) -> Any:
    """Change a node, an edge or an episode."""
    if name not in KINDS:
        return fallback(store, call)
    return store.update(store.get(KINDS[name][0], ident), call.body)


@routes("DELETE", "graphs/{}/{}/{}")
def delete_item(store: Store, call: Call, _graph: str, name: str, ident: str) -> Any:
    """Forget a node, an edge or an episode; the work is a task."""
    if name in KINDS:
        store.remove(KINDS[name][0], store.get(KINDS[name][0], ident))
    return Reply({"task": task(store)}, 202)


# What users, threads and graphs have in common


@routes("GET", "users/{}", "threads/{}", "graphs/{}")
def get_one(store: Store, call: Call, ident: str) -> Record:
    """Return a user, a thread or a graph."""
    return store.get(call.parts[0][:-1], ident)


@routes("PATCH", "users/{}", "graphs/{}")
def update_one(store: Store, call: Call, ident: str) -> Record:
    """Change a user or a graph."""
    return store.update(store.get(call.parts[0][:-1], ident), call.body)


@routes("DELETE", "users/{}", "threads/{}", "graphs/{}")
def delete_one(store: Store, call: Call, ident: str) -> Reply:
    """Forget a user, a thread or a graph with what belongs to it; the work is a task."""
    kind = call.parts[0][:-1]
    store.remove(kind, store.get(kind, ident))
    return Reply({"task": task(store)}, 202)


# Batches


@routes("POST", "batches")
def create_batch(store: Store, call: Call) -> Reply:
    """Create a batch in draft."""
    return Reply(store.add("batch", status="draft", **call.body), 201)


@routes("GET", "batches/{}")
def get_batch(store: Store, _call: Call, batch: str) -> Record:
    """Return a batch."""
    return store.get("batch", batch)


@routes("POST", "batches/{}/items")
def add_items(store: Store, call: Call, batch: str) -> Record:
    """Append items to a batch; processing it changes nothing else here."""
    owner = store.get("batch", batch)["uuid"]
    names = ("type", "thread_uuid", "user_uuid", "graph_uuid")
    items = call.body.get("items") or []
    kept = [{name: item[name] for name in names if name in item} for item in items]
    rows = [store.add("item", status="pending", batch_uuid=owner, **item) for item in kept]
    return {"items": rows, "rejected_items": []}


@routes("GET", "batches/{}/items")
def list_batch_items(store: Store, call: Call, batch: str) -> Record:
    """Return one page of a batch's items."""
    return page(call, store.rows("item", batch_uuid=store.get("batch", batch)["uuid"]))


@routes("POST", "batches/{}/process")
def process_batch(store: Store, _call: Call, batch: str) -> Reply:
    """Mark a batch as done."""
    done = store.update(store.get("batch", batch), {"status": "succeeded"})
    return Reply({"batch": done, "task": task(store)}, 202)


@routes("DELETE", "batches/{}")
def delete_batch(store: Store, _call: Call, batch: str) -> Reply:
    """Forget a batch and its items; the answer has no body."""
    store.remove("batch", store.get("batch", batch))
    return Reply(b"", 204)


@routes("DELETE", "user-groups/{}", "context-templates/{}", "trace-connections/{}")
def delete_quietly(_store: Store, _call: Call, _ident: str) -> Reply:
    """Accept the deletion of what is not kept; the answer has no body."""
    return Reply(b"", 204)


@routes("GET", "agents/{}/skills/{}/versions/{}/export/{}")
def export(_store: Store, _call: Call, *_idents: str) -> Reply:
    """Return the bytes of an empty zip archive."""
    return Reply(b"PK\x05\x06" + bytes(18), 200, "application/zip")


def fallback(store: Store, call: Call) -> Record:
    """Return an object that every other method of the SDK can parse, as page or as record."""
    made = {"uuid": store.uuid(), "created_at": store.stamp(), "name": "stand-in"}
    node = {"episode_uuids": [], "episode_uuids_truncated": False}
    return {**page(call, []), **made, **node, "status": "succeeded"}
