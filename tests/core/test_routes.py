"""The route table."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sidecar.core.routes as module
from sidecar.core.routes import Fields, RouteClass, base_urls, match

ROWS = json.loads(Path(module.__file__).with_name("routes.json").read_bytes())


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['api']} {r['method']} {r['path']}")
def test_every_row_is_found(row: dict[str, str]) -> None:
    """A request made from the template finds the template's own row."""
    path = "/".join("x%2F1" if s.startswith("{") else s for s in row["path"].split("/"))
    route = match(row["method"], f"/api/{row['api']}{path}?q=/a")
    assert route
    assert (route.path, route.cls.value) == (row["path"], row["class"])


def test_no_row_stands_twice() -> None:
    """One line a route."""
    assert len({(r["api"], r["method"], r["path"]) for r in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("method", "target", "path", "cls"),
    [
        ("POST", "/api/v2/sessions/search", "/sessions/search", RouteClass.CONTEXT),
        ("POST", "/api/v2/sessions/end", "/sessions/end", RouteClass.WRITE),
        ("POST", "/api/v4/threads/lookup", "/threads/lookup", RouteClass.CONTROL),
        ("HEAD", "/api/v2/users/a@b.co", "/users/{user_id}", RouteClass.CONTROL),
        ("GET", "/api/v2/threads/a/b/context", "", RouteClass.UNKNOWN),
        ("GET", "/api/v2/users/", "", RouteClass.UNKNOWN),
        ("TRACE", "/api/v2/users", "", RouteClass.UNKNOWN),
        ("GET", "/healthz", "/healthz", RouteClass.CONTROL),
    ],
)
def test_match(method: str, target: str, path: str, cls: RouteClass) -> None:
    """Literals beat parameters; what is unknown below a known prefix is UNKNOWN."""
    route = match(method, target)
    assert route
    assert (route.path, route.cls) == (path, cls)


@pytest.mark.parametrize(
    ("method", "target", "safe"),
    [
        ("GET", "/api/v2/threads/t/context", True),
        ("POST", "/api/v2/graph/search", True),
        ("POST", "/api/v4/users/list", True),
        ("POST", "/api/v2/sessions/s/classify", False),
        ("POST", "/api/v2/threads/t/messages", False),
        ("DELETE", "/api/v2/users/u", False),
        ("GET", "/api/v2/new", True),
        ("POST", "/api/v2/new", False),
    ],
)
def test_safe(method: str, target: str, safe: bool) -> None:
    """What may be asked twice: reads, also those by POST; nothing unknown but by method."""
    route = match(method, target)
    assert route
    assert route.safe is safe


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "/api",
        "/api/v2",
        "/api/v3/x",
        "/api/v2/api/v4/x",
        "/api/v2//api/v2/x",
        "api/v2/x",
        "//x/api/v2/y",
    ],
)
def test_no_prefix(target: str) -> None:
    """No SDK can have meant it."""
    assert match("GET", target) is None


@given(st.text(), st.text())
def test_any_target_has_an_answer(method: str, target: str) -> None:
    """The look-up never raises, and finds something exactly below the known prefixes."""
    known = match(method, "/api/v2/" + target.replace("?", ""))
    behind = [s for s in target.replace("?", "").split("/") if s][:2]
    doubled = behind in (["api", "v1"], ["api", "v2"], ["api", "v4"])
    assert (known is None) is doubled
    match(method, target)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("user_id",), Fields.IDENTIFIER),
        (("messages", "uuid"), Fields.IDENTIFIER),
        (("messages", "role"), Fields.IDENTIFIER),
        (("messages", "created_at"), Fields.IDENTIFIER),
        (("messages", "content"), Fields.SCHEMA),
        (("messages", "metadata"), Fields.FREE),
        (("messages", "metadata", "user_id"), Fields.FREE),
        (("edge_attributes", "created_at"), Fields.FREE),
        (("search_filters", "node_labels"), Fields.FILTER),
        (("search_filters", "property_filters", "value"), Fields.FILTER),
        (("types", "description"), Fields.SCHEMA),
        (("models", "name"), Fields.SCHEMA),
        (("email",), Fields.SCHEMA),
        (("first_name",), Fields.SCHEMA),
        (("fact",), Fields.SCHEMA),
    ],
)
def test_fields(names: tuple[str, ...], expected: Fields) -> None:
    """Identifiers and filters are kept, the application's own containers are all text."""
    fields = Fields.SCHEMA
    for name in names:
        fields = fields.child(name)
    assert fields is expected


def test_a_name_can_mean_something_else_on_one_route() -> None:
    """In API v2 memory, `role` is a display name; v4 looks users up by ids in `users`."""
    memory = match("POST", "/api/v2/sessions/s/memory")
    lookup = match("POST", "/api/v4/lookup")
    assert memory
    assert lookup
    assert memory.fields == {"role": Fields.SCHEMA}
    assert set(lookup.fields.values()) == {Fields.IDENTIFIER}


def test_base_urls_name_every_generation() -> None:
    """Each with its own way of building paths."""
    urls = base_urls("http://127.0.0.1:8790")
    assert len(urls) == 5
    assert all("http://127.0.0.1:8790" in setting for setting in urls.values())
