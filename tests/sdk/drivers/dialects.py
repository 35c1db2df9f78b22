# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN204, D102, RUF012
"""What a worker does, in the words of each SDK: a user, a thread, a message, its context.

Each call returns what the SDK returns: a value, something to await or something to iterate.
"""

from harness import methods_of, settle

USER = "user-1"
THREAD = "thread-1"
SAID = "The parcel is late."
ONCE = {"max_retries": 1}
"""One retry of the SDK's own instead of two, to wait less."""


class Cloud4:
    """zep-cloud 4.x: things are named by uuids that Zep makes."""

    creators = {"user.create": "user_id"}

    def __init__(self, origin, mode):
        from zep_cloud import AddMessage
        from zep_cloud.client import AsyncZep, Zep

        self.client = (Zep if mode == "sync" else AsyncZep)(
            api_key="key", base_url=f"{origin}/api/v4"
        )
        self.messages = [AddMessage(role="user", content=SAID)]
        self.user = self.thread = "no-uuid-yet"

    async def prepare(self):
        self.user = (await settle(self.client.user.create(user_id=USER))).uuid_
        self.thread = (await settle(self.client.thread.create(user_uuid=self.user))).uuid_
        await settle(self.write())

    def ids(self):
        ids = {"user_id": USER, "thread_id": THREAD, "user_uuid": self.user}
        return ids | {"thread_uuid": self.thread}

    def add_user(self):
        return self.client.user.create(user_id=USER)

    def get_user(self):
        return self.client.user.get("nobody")

    def delete_user(self):
        return self.client.user.delete(self.user)

    def write(self):
        return self.client.thread.add_messages(self.thread, messages=self.messages)

    def write_once(self):
        return self.client.thread.add_messages(
            self.thread, messages=self.messages, request_options=ONCE
        )

    def hybrid(self):
        return self.client.thread.add_messages(
            self.thread, messages=self.messages, return_context=True
        )

    def read(self):
        return self.client.thread.get_context(self.thread)

    def prompt(self, value):
        return "Context: " + value.context

    def methods(self, _mode):
        return methods_of(self.client, "zep_cloud")


class Cloud3:
    """zep-cloud 3.x: users and threads."""

    creators = {"user.add": "user_id", "thread.create": "thread_id", "graph.create": "graph_id"}

    def __init__(self, origin, mode):
        from zep_cloud import Message
        from zep_cloud.client import AsyncZep, Zep

        self.client = (Zep if mode == "sync" else AsyncZep)(
            api_key="key", base_url=f"{origin}/api/v2"
        )
        self.messages = [Message(role="user", content=SAID)]

    async def prepare(self):
        await settle(self.add_user())
        await settle(self.client.thread.create(thread_id=THREAD, user_id=USER))
        await settle(self.write())

    def ids(self):
        return {"user_id": USER, "thread_id": THREAD}

    def add_user(self):
        return self.client.user.add(user_id=USER)

    def get_user(self):
        return self.client.user.get("nobody")

    def delete_user(self):
        return self.client.user.delete(USER)

    def write(self):
        return self.client.thread.add_messages(THREAD, messages=self.messages)

    write_once = write  # It never retries.

    def hybrid(self):
        return self.client.thread.add_messages(THREAD, messages=self.messages, return_context=True)

    def read(self):
        return self.client.thread.get_user_context(THREAD)

    def prompt(self, value):
        return "Context: " + value.context

    def methods(self, _mode):
        return methods_of(self.client, "zep_cloud")


class Cloud2:
    """zep-cloud 2.x: users and sessions."""

    creators = {"user.add": "user_id", "memory.add_session": "session_id", "group.add": "group_id"}

    def __init__(self, origin, mode):
        import zep_cloud.client
        from zep_cloud import Message

        self.sdk = zep_cloud.client
        self.client = (self.sdk.Zep if mode == "sync" else self.sdk.AsyncZep)(
            api_key="key", base_url=f"{origin}/api/v2"
        )
        self.messages = [Message(role="user", role_type="user", content=SAID)]

    async def prepare(self):
        await settle(self.add_user())
        await settle(self.client.memory.add_session(session_id=THREAD, user_id=USER))
        await settle(self.write())

    def ids(self):
        return {"user_id": USER, "session_id": THREAD}

    def add_user(self):
        return self.client.user.add(user_id=USER)

    def get_user(self):
        return self.client.user.get("nobody")

    def delete_user(self):
        return self.client.user.delete(USER)

    def write(self):
        return self.client.memory.add(THREAD, messages=self.messages)

    async def write_once(self):
        default, self.sdk.DEFAULT_MAX_RETRIES = self.sdk.DEFAULT_MAX_RETRIES, 1
        try:  # It takes no option for that: what is given is overwritten.
            return await settle(self.write())
        finally:
            self.sdk.DEFAULT_MAX_RETRIES = default

    def hybrid(self):
        return self.client.memory.add(THREAD, messages=self.messages, return_context=True)

    def read(self):
        return self.client.memory.get(THREAD)

    def prompt(self, value):
        return "Context: " + value.context

    def methods(self, _mode):
        return methods_of(self.client, "zep_cloud")


class Python2:
    """zep-python 2.x: sessions, and facts instead of a context."""

    creators = {"user.add": "user_id", "memory.add_session": "session_id"}

    def __init__(self, origin, mode):
        from zep_python.client import AsyncZep, Zep
        from zep_python.types import Message

        self.client = (Zep if mode == "sync" else AsyncZep)(api_key="key", base_url=origin)
        self.messages = [Message(role="user", role_type="user", content=SAID)]

    prepare = Cloud2.prepare
    ids = Cloud2.ids
    add_user = Cloud2.add_user
    get_user = Cloud2.get_user
    delete_user = Cloud2.delete_user
    write = Cloud2.write
    write_once = write  # It never retries.
    read = Cloud2.read

    def prompt(self, value):
        return "Context: " + "".join(message.content for message in value.messages)

    def methods(self, _mode):
        return methods_of(self.client, "zep_python")


class Python1:
    """zep-python 1.x: one client for both modes, with a prefix for asynchronous methods."""

    creators = {}

    def __init__(self, origin, mode):
        from zep_python import Memory, Message, ZepClient

        self.client = ZepClient(origin, "key")
        self.prefix = "" if mode == "sync" else "a"
        self.memory = Memory(messages=[Message(role="user", content=SAID)])

    def pick(self, part, name):
        return getattr(getattr(self.client, part), self.prefix + name)

    async def prepare(self):
        from zep_python import Session

        await settle(self.add_user())
        session = Session(session_id=THREAD, user_id=USER)
        await settle(self.pick("memory", "add_session")(session))
        await settle(self.write())

    def ids(self):
        return {"user_id": USER, "session_id": THREAD, "limit": 5, "cursor": 1, "name": "docs1",
                "embedding_dimensions": 8, "chunk_size": 5, "search_type": "similarity",
                "search_scope": "messages"}  # fmt: skip

    def add_user(self):
        from zep_python.user import CreateUserRequest

        return self.pick("user", "add")(CreateUserRequest(user_id=USER))

    def get_user(self):
        return self.pick("user", "get")("nobody")

    def delete_user(self):
        return self.pick("user", "delete")(USER)

    def write(self):
        return self.pick("memory", "add_memory")(THREAD, self.memory)

    write_once = write  # It never retries.

    def read(self):
        return self.pick("memory", "get_memory")(THREAD)

    def prompt(self, value):
        return "Context: " + "".join(message.content for message in value.messages)

    def methods(self, mode):
        from zep_python.document import DocumentCollection

        collection = DocumentCollection(self.client.aclient, self.client.client, name="docs1")
        collection.uuid = "made-by-hand"
        found = methods_of(self.client, "zep_python")
        for name in ("search", "search_return_query_vector"):
            found[f"collection.{name}"] = getattr(collection, name)
            found[f"collection.a{name}"] = getattr(collection, f"a{name}")
        return {name: found[name] for name in found if of(name, found) == mode}


def of(name, methods):
    """Say which mode a method of zep-python 1.x belongs to, or that it must not be called."""
    part, _, last = name.rpartition(".")
    part += "." if part else ""
    if "close" in last:
        return "neither"
    return "async" if last.startswith("a") and part + last[1:] in methods else "sync"


DIALECTS = {
    "zep-cloud-4.0.1": Cloud4,
    "zep-cloud-3.30.0": Cloud3,
    "zep-cloud-2.22.1": Cloud2,
    "zep-python-2.0.2": Python2,
    "zep-python-1.5.0": Python1,
}
