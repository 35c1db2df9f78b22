"""Which header fields cross the proxy, and how a redirect is kept from leading round it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

RawHeaders = tuple[tuple[bytes, bytes], ...]
"""Header fields as they stood on the wire: name and value, in order, repetitions kept."""

T = TypeVar("T")


class Headers:
    """Header fields, with what many ask of them worked out once."""

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        self.fields: RawHeaders = tuple(fields)
        self.asked: dict[str, Any] = {}
        """Answers to the questions that are decorated with `once`."""
        self._by_name: dict[bytes, tuple[bytes, ...]] | None = None

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def by_name(self) -> dict[bytes, tuple[bytes, ...]]:
        """Values by name, in lower case."""
        if self._by_name is None:
            by_name: dict[bytes, tuple[bytes, ...]] = {}
            for name, value in self.fields:
                name = name.lower()
                by_name[name] = (*by_name[name], value) if name in by_name else (value,)
            self._by_name = by_name
        return self._by_name


AnyHeaders = Headers | RawHeaders


def once(ask: Callable[[Headers], T]) -> Callable[[AnyHeaders], T]:
    """Let a question be worked out once for each `Headers`."""
    name = f"{ask.__module__}.{ask.__name__}"

    def asked(headers: AnyHeaders) -> T:
        kept = of(headers)
        if name not in kept.asked:
            kept.asked[name] = ask(kept)
        answer: T = kept.asked[name]
        return answer

    return asked


def of(fields: AnyHeaders) -> Headers:
    """Return header fields as `Headers`."""
    return fields if isinstance(fields, Headers) else Headers(fields)


def lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return fields as they are written."""
    return b"".join([name + b": " + value + b"\r\n" for name, value in fields])


@once
def lines_of(headers: Headers) -> bytes:
    """Return the fields as they are written."""
    return lines(headers.fields)


# RFC 9110 7.6.1, with Trailer (trailers are not passed on) and the two fields that speak to a
# proxy and would hand its credentials to the next hop.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_UNSIZED = HOP_BY_HOP | {b"content-length"}
# Set anew for the request that leaves: the authority, the framing, and the interim answer, which
# the sidecar gives itself because it needs the whole body before it sends a byte.
_OWN_REQUEST = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
# True only of the body as it came.
_OF_THE_BODY = frozenset(
    {b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest"}
)
_CHANGED = _OWN_REQUEST | _OF_THE_BODY
OWN_PREFIX = b"x-zep-sidecar-"  # what we tell the worker: nobody else does
_DEFAULT_PORTS = (None, 80, 443)


def values(headers: AnyHeaders, name: bytes) -> Sequence[bytes]:
    """Return every value of the field `name` (lower case), in order."""
    return of(headers).by_name.get(name, ())


def by_name(headers: AnyHeaders) -> Mapping[bytes, Sequence[bytes]]:
    """Return the values by name, in lower case."""
    return of(headers).by_name


def tokens(headers: AnyHeaders, name: bytes) -> list[bytes]:
    """Return the comma-separated members of the field `name` (lower case), themselves lowered."""
    found = values(headers, name)
    if not found:
        return []
    members = b",".join(found).lower().split(b",")
    return [member.strip() for member in members if member.strip()]


def _without(headers: Headers, dropped: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    named = tokens(headers, b"connection")
    gone: Collection[bytes] = dropped.union(named) if named else dropped
    return [
        pair
        for pair in headers.fields
        if (name := pair[0].lower()) not in gone and not name.startswith(OWN_PREFIX)
    ]


def for_upstream(headers: AnyHeaders, *, changed: bool) -> Headers:
    """Return the fields that go to Zep; `changed`: the body leaves redacted, and decoded.

    Host, Content-Length and hop-by-hop fields are left out: the caller writes its own.
    """
    return Headers(_without(of(headers), _CHANGED)) if changed else _unchanged(headers)


@once
def _unchanged(headers: Headers) -> Headers:
    return Headers(_without(headers, _OWN_REQUEST))


def for_downstream(
    headers: AnyHeaders,
    *,
    status: int,
    chunked: bool,
    upstream: str,
    sidecar: Callable[[], str],
) -> list[tuple[bytes, bytes]]:
    """Return the fields that go to the worker.

    Content-Length stays only where it is true: not beside chunked framing (RFC 9112 6.2), not on
    an answer that has no content. `upstream` and what `sidecar` returns are the base URLs between
    which a Location is translated, without a trailing slash.
    """
    bodiless = chunked or status in (204, 304)
    kept = _without(of(headers), _UNSIZED if bodiless else HOP_BY_HOP)
    if not values(headers, b"location"):
        return kept
    return [
        (name, _translate(value, upstream, sidecar()))
        if name.lower() == b"location"
        else (name, value)
        for name, value in kept
    ]


@once
def with_readable_codings(headers: Headers) -> Headers:
    """Return the fields of a request whose answer we have to read: with codings that we can undo.

    RFC 9110 12.5.3. Where the worker takes none of them, the answer must come without any.
    """
    if all(_readable(value) == value for value in values(headers, b"accept-encoding")):
        return headers
    return Headers(
        [
            (name, _readable(value)) if name.lower() == b"accept-encoding" else (name, value)
            for name, value in headers.fields
        ]
    )


def _readable(accepted: bytes) -> bytes:
    kept = [
        member.strip()
        for member in accepted.split(b",")
        if member.partition(b";")[0].strip().lower() in (b"gzip", b"deflate", b"identity")
    ]
    return b", ".join(kept) or b"identity"


def leads_away(headers: AnyHeaders, status: int, upstream: str) -> bool:
    """Tell whether a redirect asks the worker to send its body, unredacted, past the sidecar.

    307 and 308 repeat the method and the body (RFC 9110 15.4.8), and zep-cloud 4.x follows them.
    """
    if status not in (307, 308):
        return False
    return any(_foreign(value, upstream) for value in values(headers, b"location"))


def _foreign(location: bytes, upstream: str) -> bool:
    try:
        parts, base = urlsplit(location.decode("latin-1").strip()), urlsplit(upstream)
        ports = (parts.port, base.port)
    except ValueError:
        return True
    same_port = ports[0] == ports[1] or all(port in _DEFAULT_PORTS for port in ports)
    return bool(parts.netloc) and not (parts.hostname == base.hostname and same_port)


def _translate(location: bytes, upstream: str, sidecar: str) -> bytes:
    """Point a Location at the sidecar when it names the upstream's host, and undo its path prefix.

    http and https of that host are the same place: a redirect between them would lead the worker
    just as far away. A relative reference stays relative.
    """
    if _foreign(location, upstream):
        return location
    text, prefix = location.decode("latin-1").strip(), urlsplit(upstream).path
    netloc = urlsplit(text).netloc
    path = text.partition("//")[2][len(netloc) :] if netloc else text
    if prefix and (path + "/").replace("?", "/", 1).startswith(prefix + "/"):
        path = _absolute(path[len(prefix) :])
    return (sidecar + _absolute(path) if netloc else path).encode("latin-1")


def _absolute(path: str) -> str:
    return path if path.startswith("/") else "/" + path
