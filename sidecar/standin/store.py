"""What the stand-in remembers: plain records in tables, with ids that repeat from run to run."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sidecar.standin.route import MissingError

Record = dict[str, Any]

CHILDREN = {
    "user": (("thread", "user_uuid"), ("graph", "user_uuid")),
    "thread": (("message", "thread_uuid"),),
    "graph": (("episode", "graph_uuid"), ("node", "graph_uuid"), ("edge", "graph_uuid")),
    "batch": (("item", "batch_uuid"),),
}
CONTEXT_LINES = 10
"""How many of the latest episodes a context shows."""


class Store:
    """Users, threads, messages and graphs; every API version reads and writes the same records.

    A record carries the field names of all API versions, so a thread has `thread_id` and
    `session_id`. Ids come from a counter: the same calls give the same ids.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.clear()

    def clear(self) -> None:
        """Forget everything and start the ids anew."""
        self._tables: dict[str, dict[str, Record]] = {}
        self._count = count(1)

    def stamp(self) -> str:
        """Return the time as Zep writes it."""
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def uuid(self) -> str:
        """Return the next id."""
        return str(uuid5(NAMESPACE_URL, f"standin-{next(self._count)}"))

    def add(self, kind: str, /, **fields: Any) -> Record:
        """Keep a new record, without the fields that are null, and return it."""
        time = self.stamp()
        record = {"uuid": self.uuid(), "created_at": time, "updated_at": time, **given(fields)}
        self._tables.setdefault(kind, {})[record["uuid"]] = record
        return record

    def rows(self, kind: str, **equal: object) -> list[Record]:
        """Return the records of a kind that have these field values, oldest first."""
        table = self._tables.get(kind, {}).values()
        return [row for row in table if all(row.get(k) == v for k, v in equal.items())]

    def find(self, kind: str, ident: object) -> Record | None:
        """Return a record by its uuid or by the id that the application chose."""
        if ident is None:
            return None
        table = self._tables.get(kind, {})
        return table.get(str(ident)) or next(iter(self.rows(kind, **{f"{kind}_id": ident})), None)

    def get(self, kind: str, ident: object) -> Record:
        """Return a record, or raise MissingError."""
        record = self.find(kind, ident)
        if record is None:
            message = f"{kind} not found"
            raise MissingError(message)
        return record

    def update(self, record: Record, fields: Record) -> Record:
        """Change a record; fields that are null stay as they were."""
        record |= given(fields)
        record["updated_at"] = self.stamp()
        return record

    def remove(self, kind: str, record: Record) -> None:
        """Forget a record and everything that belongs to it."""
        del self._tables[kind][record["uuid"]]
        for child, owner in CHILDREN.get(kind, ()):
            for row in self.rows(child, **{owner: record["uuid"]}):
                self.remove(child, row)

    def new_graph(self, fields: Record, user: Record | None = None) -> Record:
        """Create a graph: a user's own when `user` is given."""
        name = fields.get("graph_id") or fields.get("group_id") or self.uuid()
        owner = {"user_uuid": user["uuid"]} if user else {}
        return self.add("graph", **{**fields, "graph_id": name, "group_id": name, **owner})

    def new_user(self, fields: Record) -> Record:
        """Create a user with a graph and a node of the user's own."""
        user = self.add("user", **{"user_id": self.uuid(), **fields})
        graph = self.new_graph({"graph_id": f"user-{user['user_id']}"}, user)
        user["graph_uuid"] = graph["uuid"]
        name = " ".join(filter(None, (user.get("first_name"), user.get("last_name"))))
        self.new_node(graph, {"name": name or user["user_id"], "user_uuid": user["uuid"]})
        return user

    def new_thread(self, ident: str, user: Record | None, fields: Record) -> Record:
        """Create a thread in the user's graph, or in a graph of its own when it has no user."""
        graph = user["graph_uuid"] if user else self.new_graph({})["uuid"]
        owner = {"user_uuid": user["uuid"], "user_id": user["user_id"]} if user else {}
        names = {"thread_id": ident, "session_id": ident, "graph_uuid": graph, **owner}
        return self.add("thread", **{**fields, **names})

    def ensure(self, kind: str, ident: str) -> Record:
        """Return a user, thread or graph, creating it if the application never did."""
        if record := self.find(kind, ident):
            return record
        if kind == "thread":
            return self.new_thread(ident, None, {})
        made = {f"{kind}_id": ident}
        return self.new_user(made) if kind == "user" else self.new_graph(made)

    def new_message(self, thread: Record, fields: Record) -> Record:
        """Append a message to a thread; it becomes an episode of the thread's graph too."""
        given = {"content": "", "role": "user", "processed": True, **fields}
        message = self.add("message", **{**given, "thread_uuid": thread["uuid"]})
        origin = {
            "role": message.get("name") or message["role"],
            "thread_id": thread["thread_id"],
            "thread_uuid": thread["uuid"],
            "metadata": message.get("metadata"),
        }
        self.new_episode(thread["graph_uuid"], message["content"], "message", origin)
        return message

    def new_episode(self, graph: str, content: str, source: str, fields: Record) -> Record:
        """Append an episode to a graph."""
        own = {"content": content, "source": source, "processed": True, "graph_uuid": graph}
        return self.add("episode", **{**fields, **own})

    def new_node(self, graph: Record, fields: Record) -> Record:
        """Add a node with a name to a graph."""
        more = {"summary": "", "labels": [], "episode_uuids": [], "episode_uuids_truncated": False}
        return self.add("node", **{**more, **fields, "graph_uuid": graph["uuid"]})

    def new_edge(
        self, graph: Record, fact: str, name: str, source: Record, target: Record
    ) -> Record:
        """Add a fact between two nodes to a graph."""
        return self.add(
            "edge",
            fact=fact,
            name=name,
            graph_uuid=graph["uuid"],
            source_node_uuid=source["uuid"],
            target_node_uuid=target["uuid"],
        )

    def context(self, graph_uuid: object) -> str:
        """Return what a prompt would get: the graph's latest episodes, one line each."""
        episodes = self.rows("episode", graph_uuid=graph_uuid)[-CONTEXT_LINES:]
        return "\n".join(
            f"{row.get('role') or row['source']}: {row['content']}" for row in episodes
        )

    def search(self, kind: str, field: str, graph_uuid: object, query: object) -> list[Record]:
        """Return the graph's records that share a word with the query."""
        words = set(str(query).casefold().split())
        rows = self.rows(kind, graph_uuid=graph_uuid)
        return [row for row in rows if words & set(str(row[field]).casefold().split())]


def given(fields: Record) -> Record:
    """Return the fields that have a value; the server alone gives out uuids."""
    return {name: value for name, value in fields.items() if value is not None and name != "uuid"}
