"""API v1 (zep-python 1.x): sessions, memory and users, and the health check at the root.

Collections of documents are not kept: what is added to one is accepted and forgotten.
"""

from sidecar.standin import v2
from sidecar.standin.route import Call, Reply, Routes
from sidecar.standin.store import Record, Store

routes = Routes()
TEXT = "text/plain"
OK = Reply(b"OK", 200, TEXT)
HEALTHY = Reply(b".", 200, TEXT)
"""The SDK's constructor wants exactly this at /healthz."""

error = v2.error
routes("POST", "user")(v2.add_user)
routes("GET", "user/{}")(v2.get_user)
routes("PATCH", "user/{}")(v2.update_user)
routes("GET", "user/{}/sessions")(v2.user_threads)
routes("POST", "sessions")(v2.add_thread)
routes("GET", "sessions/{}")(v2.get_session)
routes("PATCH", "sessions/{}")(v2.update_session)
routes("GET", "sessions/{}/messages")(v2.thread_messages)
routes("GET", "sessions/{}/messages/{}")(v2.get_message)
routes("PATCH", "sessions/{}/messages/{}")(v2.update_session_message)
routes("POST", "sessions/{}/search")(v2.search_session)


@routes("GET", "user")
def list_users(store: Store, call: Call) -> list[Record]:
    """Return users from a cursor on."""
    return store.rows("user")[call.number("cursor", 0) :][: call.number("limit", 100)]


@routes("DELETE", "user/{}")
def delete_user(store: Store, call: Call, user: str) -> Reply:
    """Forget a user."""
    v2.delete_user(store, call, user)
    return OK


@routes("GET", "sessions")
def list_sessions(store: Store, call: Call) -> list[Record]:
    """Return sessions from a cursor on."""
    return store.rows("thread")[call.number("cursor", 0) :][: call.number("limit", 100)]


@routes("GET", "sessions/{}/memory")
def get_memory(store: Store, call: Call, session: str) -> Record:
    """Return the latest messages; the summary is the text of the whole session."""
    found = store.get("thread", session)
    memory = v2.session_memory(store, call, session)
    summary = {
        "uuid": found["uuid"],
        "created_at": found["created_at"],
        "content": memory["context"],
        "recent_message_uuid": memory["messages"][-1]["uuid"] if memory["messages"] else "",
        "token_count": 0,
    }
    return {**memory, "summary": summary}


@routes("POST", "sessions/{}/memory")
def add_memory(store: Store, call: Call, session: str) -> Reply:
    """Append messages; the answer is text."""
    v2.add_messages(store, call, session)
    return OK


@routes("DELETE", "sessions/{}/memory")
def delete_memory(store: Store, call: Call, session: str) -> Reply:
    """Forget a session."""
    v2.delete_thread(store, call, session)
    return OK


@routes("GET", "collection")
@routes("POST", "collection/{}/document", "collection/{}/document/list/get")
def nothing(_store: Store, _call: Call, *_idents: str) -> list[Record]:
    """Return the empty list."""
    return []


@routes("POST", "collection/{}/search")
def search_documents(_store: Store, _call: Call, _name: str) -> Record:
    """Find nothing."""
    return {"results": [], "query_vector": []}


@routes("GET", "collection/{}/document/uuid/{}")
def get_document(store: Store, _call: Call, _name: str, _document: str) -> Record:
    """Return a document in the stand-in's own words."""
    return {"uuid": store.uuid(), "content": "stand-in", "metadata": {}}


def fallback(store: Store, call: Call) -> Record:
    """Return a collection, which is also good for answers that the SDK does not read."""
    return {"uuid": store.uuid(), "name": call.parts[-1], "metadata": {}}
