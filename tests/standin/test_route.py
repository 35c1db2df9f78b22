"""The route table finds the function for a request."""

from sidecar.standin.route import Call, Routes


def test_a_call_is_split_and_unquoted() -> None:
    """Parts are unquoted after the split, so an id may hold a slash; empty parameters stay."""
    call = Call.parse("GET", "users/a%2Fb@x.co/threads?lastn=3&minRating=", {"a": 1})
    assert call.parts == ("users", "a/b@x.co", "threads")
    assert call.query == {"lastn": "3", "minRating": ""}
    assert call.body == {"a": 1}


def test_a_body_that_is_no_object_counts_as_empty() -> None:
    """Lists and text leave the body empty."""
    assert Call.parse("POST", "users", [1]).body == {}


def test_numbers_in_a_query_have_a_default() -> None:
    """Absent, empty and wordy parameters give the default."""
    call = Call.parse("GET", "users?a=7&b=&c=x", None)
    assert [call.number(name, 5) for name in "abcd"] == [7, 5, 5, 5]


def test_the_first_fitting_template_wins() -> None:
    """Templates are tried in order; placeholders become arguments; methods must match."""
    routes = Routes()
    handlers = [lambda: "exact", lambda: "any"]
    routes("GET", "users/me")(handlers[0])
    routes("GET", "users/{}", "people/{}")(handlers[1])
    assert routes.find(Call.parse("GET", "users/me", None)) == (handlers[0], ())
    assert routes.find(Call.parse("GET", "people/a%2Fb", None)) == (handlers[1], ("a/b",))
    assert routes.find(Call.parse("POST", "users/me", None)) is None
