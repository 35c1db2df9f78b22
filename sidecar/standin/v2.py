"""API v2: sessions and memory (zep-cloud 2.x, zep-python 2.x) and threads (zep-cloud 3.x).

Reads of what was never created answer 404; writes to it create it, as memory.add always did.
"""

from collections.abc import Iterable
from typing import Any

from sidecar.standin.route import Call, Reply, Routes
from sidecar.standin.store import Record, Store

routes = Routes()
OK = {"message": "OK"}


def error(status: int, message: str, **details: object) -> Reply:
    """Return an error in the shape of API v2; details have no place in it."""
    del details
    return Reply({"message": message}, status)


def paged(call: Call, name: str, rows: list[Record]) -> Record:
    """Return one numbered page under `name`, with the counts that the SDKs expect."""
    number = call.number("pageNumber", 0) or call.number("page_number", 1)
    size = call.number("pageSize", 0) or call.number("page_size", 100)
    page = rows[(number - 1) * size :][:size]
    counts = {"row_count": len(page), "response_count": len(page), "total_count": len(rows)}
    return {name: page, **counts}


def graph_of(store: Store, kind: str, ident: str) -> str:
    """Return the uuid of a user's graph, or of the graph (once called group) with that id."""
    record = store.get("user" if kind == "user" else "graph", ident)
    return str(record["graph_uuid"] if kind == "user" else record["uuid"])


def target_graph(store: Store, body: Record) -> Record:
    """Return the graph that a body names by user_id, graph_id or group_id."""
    if user := body.get("user_id"):
        return store.get("graph", store.ensure("user", user)["graph_uuid"])
    return store.ensure("graph", body.get("graph_id") or body.get("group_id") or "default")


# Users


@routes("POST", "users")
def add_user(store: Store, call: Call) -> Reply:
    """Create a user, once."""
    if store.find("user", call.body.get("user_id")):
        return error(400, f"user already exists with user_id: {call.body['user_id']}")
    return Reply(store.new_user(call.body), 201)


@routes("GET", "users-ordered")
def list_users(store: Store, call: Call) -> Record:
    """Return one page of the users."""
    return paged(call, "users", store.rows("user"))


@routes("GET", "users/{}")
def get_user(store: Store, _call: Call, user: str) -> Record:
    """Return a user."""
    return store.get("user", user)


@routes("PATCH", "users/{}")
def update_user(store: Store, call: Call, user: str) -> Record:
    """Change a user."""
    return store.update(store.get("user", user), call.body)


@routes("DELETE", "users/{}")
def delete_user(store: Store, _call: Call, user: str) -> Record:
    """Forget a user with all threads and the graph."""
    store.remove("user", store.get("user", user))
    return OK


@routes("GET", "users/{}/threads", "users/{}/sessions")
def user_threads(store: Store, _call: Call, user: str) -> list[Record]:
    """Return the user's threads as a plain list."""
    return store.rows("thread", user_uuid=store.get("user", user)["uuid"])


@routes("GET", "users/{}/node")
def user_node(store: Store, _call: Call, user: str) -> Record:
    """Return the graph node that stands for the user."""
    return {"node": store.rows("node", user_uuid=store.get("user", user)["uuid"])[0]}


@routes("GET", "users/{}/facts")
@routes("GET", "groups/{}/facts")
def facts(store: Store, call: Call, ident: str) -> Record:
    """Return the facts of a user's or a group's graph."""
    kind = "user" if call.parts[0] == "users" else "graph"
    return {"facts": as_facts(store.rows("edge", graph_uuid=graph_of(store, kind, ident)))}


@routes("GET", "facts/{}")
def get_fact(store: Store, call: Call, fact: str) -> Record:
    """Return a fact by the uuid of its edge, or one in the stand-in's own words."""
    return {"fact": as_facts([store.find("edge", fact) or fallback(store, call)])[0]}


def as_facts(edges: Iterable[Record]) -> list[Record]:
    """Return edges in the form that API v2 called facts."""
    return [{**edge, "content": edge["fact"], "rating": 1.0} for edge in edges]


# Threads, once called sessions


@routes("POST", "threads", "sessions")
def add_thread(store: Store, call: Call) -> Reply:
    """Create a thread, once, for a user or (sessions only) for nobody."""
    ident = call.body.get("thread_id") or call.body.get("session_id") or store.uuid()
    if store.find("thread", ident):
        return error(400, f"thread already exists with id: {ident}")
    user = call.body.get("user_id")
    owner = store.get("user", user) if user else None
    return Reply(store.new_thread(ident, owner, call.body), 201)


@routes("GET", "threads", "sessions-ordered")
def list_threads(store: Store, call: Call) -> Record:
    """Return one page of the threads."""
    name = "threads" if call.parts[0] == "threads" else "sessions"
    return paged(call, name, store.rows("thread"))


@routes("GET", "sessions/{}")
def get_session(store: Store, _call: Call, thread: str) -> Record:
    """Return a session; API v2 has no such read for threads."""
    return store.get("thread", thread)


@routes("PATCH", "sessions/{}")
def update_session(store: Store, call: Call, thread: str) -> Record:
    """Change a session."""
    return store.update(store.get("thread", thread), call.body)


@routes("DELETE", "threads/{}", "sessions/{}/memory")
def delete_thread(store: Store, _call: Call, thread: str) -> Record:
    """Forget a thread and its messages."""
    store.remove("thread", store.get("thread", thread))
    return OK


@routes("GET", "threads/{}/context")
def thread_context(store: Store, _call: Call, thread: str) -> Record:
    """Return the context that a prompt gets."""
    return {"context": store.context(store.get("thread", thread)["graph_uuid"])}


@routes("GET", "sessions/{}/memory")
def session_memory(store: Store, call: Call, thread: str) -> Record:
    """Return the context with the latest messages and the facts."""
    session = store.get("thread", thread)
    edges = store.rows("edge", graph_uuid=session["graph_uuid"])
    latest = call.number("lastn", 6)
    return {
        "context": store.context(session["graph_uuid"]),
        "messages": store.rows("message", thread_uuid=session["uuid"])[-latest:],
        "facts": [edge["fact"] for edge in edges],
        "relevant_facts": as_facts(edges),
        "metadata": {},
    }


@routes("GET", "threads/{}/messages", "sessions/{}/messages")
def thread_messages(store: Store, call: Call, thread: str) -> Record:
    """Return messages from a cursor on, or the last n."""
    found = store.get("thread", thread)
    rows = store.rows("message", thread_uuid=found["uuid"])
    start = call.number("cursor", 0)
    page = rows[-call.number("lastn", 0) :][start:][: call.number("limit", 100)]
    owner = {"user_id": found.get("user_id"), "thread_created_at": found["created_at"]}
    return {"messages": page, "row_count": len(page), "total_count": len(rows), **owner}


@routes("POST", "threads/{}/messages", "threads/{}/messages-batch", "sessions/{}/memory")
def add_messages(store: Store, call: Call, thread: str) -> Record:
    """Append messages; with return_context the answer shows the context after them."""
    found = store.ensure("thread", thread)
    added = [store.new_message(found, message) for message in call.body.get("messages") or []]
    uuids = [message["uuid"] for message in added]
    wanted = call.body.get("return_context")
    context = {"context": store.context(found["graph_uuid"])} if wanted else {}
    return {**OK, "message_uuids": uuids, **context}


@routes("GET", "threads/{}/episodes")
def thread_episodes(store: Store, _call: Call, thread: str) -> Record:
    """Return the episodes that came from a thread's messages."""
    return {"episodes": store.rows("episode", thread_uuid=store.get("thread", thread)["uuid"])}


@routes("GET", "threads/{}/summary")
def thread_summary(store: Store, _call: Call, thread: str) -> Record:
    """Return the thread's text as its summary."""
    found = store.get("thread", thread)
    texts = [row["content"] for row in store.rows("message", thread_uuid=found["uuid"])]
    return {"thread_id": found["thread_id"], "summary": "\n".join(texts)}


@routes("GET", "sessions/{}/summary")
def session_summaries(store: Store, call: Call, thread: str) -> Record:
    """Return the one summary of a session as a page."""
    text = thread_summary(store, call, thread)["summary"]
    found = store.get("thread", thread)
    summary = {"uuid": found["uuid"], "created_at": found["created_at"], "content": text}
    return {"summaries": [summary], "row_count": 1, "total_count": 1}


@routes("GET", "sessions/{}/messages/{}")
def get_message(store: Store, _call: Call, _thread: str, message: str) -> Record:
    """Return a message."""
    return store.get("message", message)


@routes("PATCH", "sessions/{}/messages/{}")
def update_session_message(store: Store, call: Call, _thread: str, message: str) -> Record:
    """Change a message's metadata."""
    return store.update(store.get("message", message), call.body)


@routes("PATCH", "messages/{}")
def update_message(store: Store, call: Call, message: str) -> Record:
    """Change a message's metadata."""
    return store.update(store.get("message", message), call.body)


@routes("POST", "sessions/search")
def search_sessions(store: Store, call: Call) -> Record:
    """Return the messages of every session that share a word with the text."""
    found: list[Record] = []
    for thread in store.rows("thread"):
        found += matches(store, thread, call.body.get("text"))
    return {"results": found}


@routes("POST", "sessions/{}/search")
def search_session(store: Store, call: Call, thread: str) -> list[Record]:
    """Return the messages of one session that share a word with the text."""
    return matches(store, store.get("thread", thread), call.body.get("text"))


def matches(store: Store, thread: Record, text: object) -> list[Record]:
    """Return search results for one session's messages."""
    wanted = set(str(text).casefold().split())
    rows = store.rows("message", thread_uuid=thread["uuid"])
    found = [row for row in rows if wanted & set(row["content"].casefold().split())]
    return [{"session_id": thread["session_id"], "message": row, "score": 1.0} for row in found]


# Graphs, once called groups


@routes("POST", "graph/create", "groups")
def add_graph(store: Store, call: Call) -> Reply:
    """Create a graph, once."""
    ident = call.body.get("graph_id") or call.body.get("group_id")
    if store.find("graph", ident):
        return error(400, f"graph already exists with graph_id: {ident}")
    return Reply(store.new_graph(call.body), 201)


@routes("GET", "graph/list-all", "groups-ordered")
def list_graphs(store: Store, call: Call) -> Record:
    """Return one page of the graphs that belong to no user."""
    name = "graphs" if call.parts[0] == "graph" else "groups"
    return paged(call, name, store.rows("graph", user_uuid=None))


@routes("POST", "graph")
def add_data(store: Store, call: Call) -> Reply:
    """Append an episode of text, json or message to a graph."""
    return Reply(episode(store, target_graph(store, call.body), call.body), 202)


@routes("POST", "graph-batch")
def add_batch(store: Store, call: Call) -> Reply:
    """Append several episodes to a graph."""
    graph = target_graph(store, call.body)
    return Reply([episode(store, graph, item) for item in call.body.get("episodes") or []], 202)


def episode(store: Store, graph: Record, item: Record) -> Record:
    """Append one episode as a body describes it."""
    more: Record = {name: item[name] for name in ("source_description", "metadata") if name in item}
    kind = item.get("type") or "text"
    return store.new_episode(graph["uuid"], str(item.get("data", "")), kind, more)


@routes("POST", "graph/add-fact-triple")
def add_triple(store: Store, call: Call) -> Reply:
    """Add a fact and the two nodes that it joins."""
    graph, body = target_graph(store, call.body), call.body
    ends = {}
    for end in ("source_node", "target_node"):
        named = {
            "name": body.get(f"{end}_name") or end,
            "summary": body.get(f"{end}_summary") or "",
        }
        ends[end] = store.new_node(graph, named)
    fact, name = body.get("fact") or "", body.get("fact_name") or "RELATES_TO"
    edge = store.new_edge(graph, fact, name, ends["source_node"], ends["target_node"])
    return Reply({"edge": edge, **ends}, 202)


@routes("POST", "graph/search")
def search_graph(store: Store, call: Call) -> Record:
    """Return the edges, nodes and episodes that share a word with the query."""
    graph, query = target_graph(store, call.body)["uuid"], call.body.get("query")
    return {
        "edges": store.search("edge", "fact", graph, query),
        "nodes": store.search("node", "name", graph, query),
        "episodes": store.search("episode", "content", graph, query),
        "context": store.context(graph),
    }


KINDS = {"node": "node", "edge": "edge", "episodes": "episode"}


@routes("POST", "graph/{}/user/{}", "graph/{}/graph/{}", "graph/{}/group/{}")
def graph_rows(store: Store, call: Call, kind: str, ident: str) -> list[Record]:
    """Return a graph's records of one kind as a plain list; kinds not kept are empty."""
    found = graph_of(store, call.parts[2], ident)
    return store.rows(KINDS[kind], graph_uuid=found) if kind in KINDS else []


@routes("GET", "graph/episodes/user/{}", "graph/episodes/graph/{}", "graph/episodes/group/{}")
def graph_episodes(store: Store, call: Call, ident: str) -> Record:
    """Return a graph's episodes, or the last n."""
    rows = store.rows("episode", graph_uuid=graph_of(store, call.parts[2], ident))
    return {"episodes": rows[-call.number("lastn", 0) :]}


@routes("GET", "graph/node/{}/entity-edges")
def node_edges(store: Store, _call: Call, node: str) -> list[Record]:
    """Return the edges that start at a node."""
    return store.rows("edge", source_node_uuid=store.get("node", node)["uuid"])


@routes("POST", "graph/node/{}/neighbors")
def neighbors(store: Store, _call: Call, node: str) -> list[Record]:
    """Return no neighbours of a node that exists."""
    store.get("node", node)
    return []


@routes("GET", "graph/{}/{}")
def get_item(store: Store, call: Call, kind: str, ident: str) -> Any:
    """Return a node, an edge or an episode, or the plausible answer for another kind."""
    return store.get(KINDS[kind], ident) if kind in KINDS else fallback(store, call)


@routes("PATCH", "graph/{}/{}")
def update_item(store: Store, call: Call, kind: str, ident: str) -> Any:
    """Change a node, an edge or an episode."""
    if kind not in KINDS:
        return fallback(store, call)
    return store.update(store.get(KINDS[kind], ident), call.body)


@routes("DELETE", "graph/{}/{}")
def delete_item(store: Store, call: Call, kind: str, ident: str) -> Any:
    """Forget a node, an edge or an episode."""
    if kind not in KINDS:
        return fallback(store, call)
    store.remove(KINDS[kind], store.get(KINDS[kind], ident))
    return OK


@routes("GET", "graph/{}", "groups/{}")
def get_graph(store: Store, _call: Call, ident: str) -> Record:
    """Return a graph."""
    return store.get("graph", ident)


@routes("PATCH", "graph/{}", "groups/{}")
def update_graph(store: Store, call: Call, ident: str) -> Record:
    """Change a graph."""
    return store.update(store.get("graph", ident), call.body)


@routes("DELETE", "graph/{}", "groups/{}")
def delete_graph(store: Store, _call: Call, ident: str) -> Record:
    """Forget a graph and what it holds."""
    store.remove("graph", store.get("graph", ident))
    return OK


# Batches


@routes("POST", "batches")
def add_batch_job(store: Store, call: Call) -> Reply:
    """Create a batch in draft."""
    batch = store.add("batch", status="draft", **call.body)
    return Reply(store.update(batch, {"batch_id": batch["uuid"]}), 201)


@routes("POST", "batches/{}/items")
def add_batch_items(store: Store, call: Call, batch: str) -> Reply:
    """Append items to a batch; processing it changes nothing else here."""
    owner = store.get("batch", batch)["uuid"]
    names = ("type", "thread_id", "user_id", "graph_id")
    added = []
    for item in call.body.get("items") or []:
        kept = {name: item[name] for name in names if name in item}
        row = store.add("item", status="pending", batch_uuid=owner, **kept)
        added.append(store.update(row, {"item_id": row["uuid"], "kind": item.get("type")}))
    return Reply(added, 202)


@routes("POST", "batches/{}/process")
def process_batch(store: Store, _call: Call, batch: str) -> Record:
    """Mark a batch as done."""
    return store.update(store.get("batch", batch), {"status": "succeeded"})


@routes("GET", "batches/{}")
def get_batch(store: Store, _call: Call, batch: str) -> Record:
    """Return a batch."""
    return store.get("batch", batch)


@routes("GET", "batches/{}/items")
def list_batch_items(store: Store, _call: Call, batch: str) -> Record:
    """Return the items of a batch."""
    return {"items": store.rows("item", batch_uuid=store.get("batch", batch)["uuid"])}


@routes("DELETE", "batches/{}")
def delete_batch(store: Store, _call: Call, batch: str) -> Record:
    """Forget a batch and its items."""
    store.remove("batch", store.get("batch", batch))
    return OK


@routes("GET", "collections")
@routes("POST", "collections/{}/documents", "collections/{}/documents/batchGet")
def no_rows(_store: Store, _call: Call, *_idents: str) -> list[Record]:
    """Return the empty list: collections are not kept."""
    return []


def fallback(store: Store, _call: Call) -> Record:
    """Return an object that every other method of the SDKs can parse."""
    made = {"uuid": store.uuid(), "created_at": store.stamp(), "name": "stand-in"}
    return {**OK, **made, "summary": "", "fact": "", "content": "", "status": "succeeded"}
