# mypy: ignore-errors
# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN204, BLE001
"""What every driver shares: making one call, printing it, and calling everything there is.

Runs under the SDK's interpreter, so it knows nothing of the sidecar. One line of JSON a step.
"""

import asyncio
import collections.abc
import datetime
import enum
import inspect
import json
import sys
import types
import typing
import uuid
import warnings

EMAIL = "ayse.yilmaz@example.com"
PHONE = "+90 532 123 45 67"
PHONE_GB = "+44 20 7946 0958"
ADDRESS = "Atatürk Caddesi No: 12 Daire 3"
ADDRESS_GB = "221B Baker Street"
TEXT = f"note: write to {EMAIL}, call {PHONE} or {PHONE_GB}; home is {ADDRESS}."
QUERY = f"write {EMAIL}"
"""What is searched for. Phones and addresses have several words and would match differently."""
METADATA = {
    "contact": EMAIL,
    f"mail {EMAIL}": "a key can hold one too",
    "phones": [PHONE, PHONE_GB],
    "address": ADDRESS_GB,
    "count": 3,
    "score": 0.5,
    "vip": True,
}
MOMENT = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.UTC)
INSTANT = "2026-01-02T12:00:00Z"
IDS_SUFFIXES = (
    "_id",
    "_ids",
    "_uuid",
    "_uuids",
    "_name",
    "_names",
    "_labels",
    "_type",
    "_key",
    "_cursor",
)
IDS = set(
    """
    id uuid uuid_ uuids role role_type type scope status mode reranker order order_by direction
    direction_sort labels version provider kind api_url ignore_roles users threads graphs
    task_family environments tools verdict permitted_strengths capabilities models strength
    sort_by name_filter security_domain episodes_truncated comparison_operator relation
    """.split()
)
FILTERS = {"filters", "search_filters", "episode_metadata_filters"}
"""What selects records by their ids, labels and dates, all the way down."""
FREE_NAMES = {"first_name", "last_name", "source_node_name", "target_node_name", "role_name"}


def is_identifier(name):
    """Say whether a parameter holds an id, an enum or a label, which nobody may alter."""
    return name not in FREE_NAMES and (name in IDS or name.endswith(IDS_SUFFIXES))


async def settle(made):
    """Return the value of a call: awaited, and every page or event of it read."""
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, collections.abc.AsyncIterator) or hasattr(made, "__aiter__"):
        return [item async for item in made]
    if isinstance(made, collections.abc.Iterator) or hasattr(made, "iter_pages"):
        return list(made)
    return made


def plain(value):
    """Return a value as JSON."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | types.GeneratorType):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    for dump in ("model_dump", "dict"):
        if not inspect.isclass(value) and hasattr(value, dump):
            return plain(getattr(value, dump)())
    return str(value) if isinstance(value, uuid.UUID) else type(value).__name__


class Driver:
    """Makes calls and prints each: what was sent, and what was parsed or the error."""

    def __init__(self, ids, creators=None):
        self.ids = ids
        """What the sweep gives to parameters of these names."""
        self.moment = MOMENT
        self.filtering = False
        self.creators = creators or {}
        """Methods that want an id which is not in use yet, with the name of that parameter."""

    async def step(self, name, call, /, *args, **kwargs):
        """Make one call of the scenario and return its value, or None after an error."""
        line = {"step": name, "sent": plain([list(args), kwargs])}
        value = None
        try:
            value = await settle(call(*args, **kwargs))
            line["parsed"] = plain(value)
        except Exception as error:
            line["error"] = {
                "type": type(error).__name__,
                "status": getattr(error, "status_code", None),
                "body": plain(getattr(error, "body", getattr(error, "response_data", None))),
            }
            if line["error"]["body"] is None:
                line["error"]["text"] = str(error)[:200]
        self.say(line)
        return value

    def say(self, line):
        """Print one line of JSON."""
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")

    async def sweep(self, methods):
        """Call every method twice, with what is required and with everything; deletions last."""
        # What lies deepest goes first: an edge must be deleted before its graph is.
        ordered = sorted(methods.items(), key=lambda item: (lateness(item[0]), -item[0].count(".")))
        for name, method in ordered:
            for extent in ("required", "all"):
                try:
                    kwargs = self.arguments(method, everything=extent == "all")
                    if kwargs.keys() & {own := self.creators.get(name)}:
                        kwargs[own] = f"fresh-{extent}"
                except Exception as error:
                    self.say({"step": f"sweep {extent} {name}", "unfilled": repr(error)})
                    continue
                await self.step(f"sweep {extent} {name}", method, **kwargs)

    def arguments(self, method, *, everything):
        """Return values for a method's parameters by their names and types."""
        function = getattr(method, "__func__", method)
        hints = typing.get_type_hints(function, include_extras=True)
        kwargs = {}
        for name, parameter in inspect.signature(method).parameters.items():
            needed = parameter.default is inspect.Parameter.empty
            if name == "request_options":
                kwargs[name] = {"max_retries": 0}
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD or not (needed or everything):
                continue
            kwargs[name] = self.value(name, hints.get(name, str))
        return kwargs

    def value(self, name, hint, depth=0):
        """Return a value of a type: free text carries personal data, ids and enums do not."""
        if name in self.ids and self.fits(self.ids[name], hint):
            return self.ids[name]
        if name in FILTERS and not self.filtering:
            self.filtering = True
            try:
                return self.value(name, hint, depth)
            finally:
                self.filtering = False
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self.value(name, args[0], depth)
        if origin is typing.Literal:
            return args[0]
        if origin in (typing.Union, types.UnionType):
            return self.value(name, self.choice(args), depth)
        if hint in (list, tuple, set) or origin in (
            list, tuple, set, collections.abc.Sequence, collections.abc.Iterable,
        ):  # fmt: skip
            return [self.value(name, args[0] if args else str, depth)]
        if origin in (dict, collections.abc.Mapping) or hint is dict:
            if self.filtering:
                return {"key": "value"}
            texts = args and args[-1] is str
            return {"note": TEXT} if texts else dict(METADATA)
        if inspect.isclass(hint):
            return self.instance(name, hint, depth)
        return self.text(name)

    def fits(self, value, hint):
        """Say whether a known value can stand for a parameter of this type."""
        wants_list = "List" in str(hint) or "Sequence" in str(hint) or "list[" in str(hint)
        return isinstance(value, list) == wants_list

    def choice(self, args):
        """Return the type of a union to fill: a set of literals rather than another."""
        real = [arg for arg in args if arg is not type(None)]
        literals = [arg for arg in real if typing.get_origin(arg) is typing.Literal]
        known = [arg for arg in real if arg is not typing.Any]
        return (literals or known or real)[0]

    def instance(self, name, hint, depth):
        """Return an instance of a class."""
        simple = {bool: True, int: 1, float: 0.5, str: None, bytes: b"PK\x05\x06" + bytes(18)}
        if hint in simple:
            return simple[hint] if hint is not str else self.text(name)
        if issubclass(hint, enum.Enum):
            return next(iter(hint))
        if hint is datetime.datetime:
            return self.moment
        if hint is uuid.UUID:
            return None  # zep-python 1.x cannot send one.
        if hasattr(hint, "model_fields") or hasattr(hint, "__fields__"):
            return self.model(hint, depth)
        return self.text(name)

    def model(self, hint, depth):
        """Return a model with its fields filled, those that nest only two levels down."""
        fields = getattr(hint, "model_fields", None) or hint.__fields__
        hints = typing.get_type_hints(hint, include_extras=True)
        values = {}
        for name, field in fields.items():
            required = getattr(field, "is_required", lambda field=field: field.required)()
            if required or depth < 2:
                values[name] = self.value(name, hints[name], depth + 1)
        return hint(**values)

    def text(self, name):
        """Return a string for a parameter of this name."""
        if name.endswith(("_at", "_time", "date")) or name == "start_from":
            return INSTANT
        if name.endswith("_zone"):
            return "Europe/Istanbul"
        if name == "cursor":
            return "0"
        if name in {"query", "text"}:
            return QUERY
        given = self.filtering or is_identifier(name)
        return f"{name.strip('_')}-1" if given else TEXT


def lateness(name):
    """Return how late a method is to be called: what later calls would miss goes last."""
    last = name.rsplit(".", 1)[-1]
    if last.startswith("import"):  # The sidecar refuses it, so the stand-in's ids would shift.
        return 2
    return last.lstrip("a").startswith(("delete", "remove", "detach", "batch_delete", "end"))


def methods_of(client, package, prefix=""):
    """Return every public method of a client and of the clients inside it, by dotted name."""
    found = {}
    for name in dir(client):
        if name.startswith(("_", "with_")):
            continue
        member = getattr(client, name)
        if inspect.ismethod(member):
            found[prefix + name] = member
        elif type(member).__name__.endswith("Client") and type(member).__module__.startswith(
            package
        ):
            found |= methods_of(member, package, f"{prefix}{name}.")
    return found


def raw_result(response):
    """Return what a raw response shows: Zep's own headers and the parsed data."""
    kept = ("content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    return {"headers": {name: response.headers.get(name) for name in kept}, "data": response.data}


def main(scenario):
    """Run a scenario with the origin and the mode from the command line."""
    warnings.simplefilter("ignore")
    origin, mode = sys.argv[1:]
    asyncio.run(scenario(origin, mode))
