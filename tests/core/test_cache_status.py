"""What the worker is told of the cache."""

from sidecar.core.cache import Found, State, Value
from sidecar.core.cache_status import Result, of_forwarded, of_found


def test_of_an_answer_from_the_cache() -> None:
    """Whole seconds, and never more time than is left."""
    value = Value(b"{}", b"")
    for ttl, said in ((12.9, "12"), (0.5, "0"), (-0.5, "-1"), (-412.0, "-412")):
        fields = of_found(Found(value, State.FRESH, 17.9, ttl))
        assert fields == {"Age": "17", "Cache-Status": f"zep-sidecar; hit; ttl={said}"}


def test_of_an_answer_of_zep() -> None:
    """Whether it was kept, and whose read brought it."""
    said = [
        of_forwarded(result, stored=stored)["Cache-Status"].removeprefix("zep-sidecar; ")
        for result in (Result.MISS, Result.COLLAPSED, Result.BYPASS)
        for stored in (True, False)
    ]
    assert said == [
        "fwd=miss; stored",
        "fwd=miss",
        "fwd=miss; collapsed",
        "fwd=miss; collapsed",
        "fwd=bypass",
        "fwd=bypass",
    ]
