"""What a body claims to be."""

import pytest

from sidecar.core.errors import Refusal
from sidecar.core.media import BINARY, CHARSET, Kind, kind_of
from sidecar.core.routes import Route, RouteClass

PLAIN = Route("v2", "POST", "/graph", RouteClass.WRITE)
ARCHIVE = Route("v4", "POST", "/skills/import", RouteClass.CONTROL, binary=True)


@pytest.mark.parametrize(
    ("content_types", "kind"),
    [
        ([], Kind.JSON),
        ([b""], Kind.JSON),
        ([b"application/json"], Kind.JSON),
        ([b"Application/JSON; Charset=UTF-8"], Kind.JSON),
        ([b'application/json; charset="utf-8"'], Kind.JSON),
        ([b"application/problem+json"], Kind.JSON),
        ([b"text/plain"], Kind.TEXT),
        ([b"text/markdown; charset=us-ascii"], Kind.TEXT),
        ([b"application/zip"], Kind.OTHER),
        ([b"multipart/form-data; boundary=x"], Kind.OTHER),
        ([b"application/json; charset=utf-16"], CHARSET),
        ([b"text/plain; charset=iso-8859-9"], CHARSET),
        ([b"text/plain", b"text/plain; charset=utf-16"], CHARSET),
    ],
)
def test_kinds(content_types: list[bytes], kind: Kind | Refusal) -> None:
    """By type and charset, whatever the case."""
    assert kind_of(content_types, PLAIN, allow_binary=True) == kind


def test_archives() -> None:
    """Only on their own route, and only when allowed."""
    assert kind_of([b"application/zip"], ARCHIVE, allow_binary=True) is Kind.OPAQUE
    assert kind_of([b"application/json"], ARCHIVE, allow_binary=False) == BINARY


def test_refusals() -> None:
    """A broken JSON body is a 400; a type that is neither JSON nor text a 415."""
    assert Kind.JSON.refusal("broken") == Refusal(400, "body", "broken")
    assert Kind.OTHER.refusal("broken").status == 415
