"""From a request body as it came to the body that may leave, or to the reason why none may."""

from sidecar.core.encoding import decode
from sidecar.core.errors import Refusal
from sidecar.core.headers import AnyHeaders, values
from sidecar.core.media import Kind, kind_of
from sidecar.core.routes import Route
from sidecar.redact.body import UNLIMITED, Redacted, Redactor
from sidecar.redact.written import Uninspectable

_JSON_DOCUMENT = (b"{", b"[", b'"')


def inspect(
    body: bytes,
    headers: AnyHeaders,
    route: Route,
    redactor: Redactor,
    *,
    limit: int,
    allow_binary: bool,
    at_most: int = UNLIMITED,
) -> Redacted | Refusal:
    """Inspect and redact one request body of at most `limit` bytes, also once decoded.

    A body in which nothing matched comes back as the same object, content coding included; one
    that was changed comes back without its content coding. Raises Laborious, as `Redactor.json`
    does, for more than `at_most` bytes of work.
    """
    kind = kind_of(values(headers, b"content-type"), route, allow_binary=allow_binary)
    if isinstance(kind, Refusal):
        return kind
    if kind is Kind.OPAQUE:
        return Redacted(body, {})
    plain = decode(body, headers, limit)
    if isinstance(plain, Refusal):
        return plain
    try:
        redacted = _by_kind(kind, plain, redactor, route, at_most)
    except Uninspectable as error:
        return kind.refusal(str(error))
    return redacted if redacted.counts else Redacted(body, {}, redacted.identifiers)


def _by_kind(kind: Kind, plain: bytes, redactor: Redactor, route: Route, at_most: int) -> Redacted:
    if kind is not Kind.TEXT:
        return redactor.json(plain, route.fields, at_most)
    # A document may be labelled as text: then its escapes must be seen through.
    if plain.lstrip().startswith(_JSON_DOCUMENT):
        try:
            return redactor.json(plain, route.fields, at_most)
        except Uninspectable:
            pass
    return redactor.plain(plain, at_most)
