"""Content codings of request bodies: which can be inspected, and how they are undone in bounds."""

import zlib

from sidecar.core.errors import TOO_LARGE, Refusal
from sidecar.core.headers import AnyHeaders, tokens

_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15
# Some clients send "deflate" without its zlib wrapper (RFC 9110 8.4.1.2, note).
_WINDOW_BITS = {b"gzip": (_GZIP,), b"deflate": (_ZLIB, _RAW_DEFLATE)}

UNKNOWN_CODING = Refusal(
    415, "content_encoding", "Content-Encoding must be absent, identity, gzip or deflate, once."
)
BROKEN_CODING = Refusal(400, "content_encoding", "The body is not valid for its Content-Encoding.")


def decode(body: bytes, headers: AnyHeaders, limit: int) -> bytes | Refusal:
    """Undo the body's content coding; the same object comes back where there is none.

    Refused are any other coding (also two codings), a damaged stream, anything after its end, and
    more than `limit` bytes of output, which are never produced.
    """
    codings = tokens(headers, b"content-encoding")
    if not codings or codings == [b"identity"]:
        return body
    if len(codings) > 1 or codings[0] not in _WINDOW_BITS:
        return UNKNOWN_CODING
    for bits in _WINDOW_BITS[codings[0]]:
        stream = zlib.decompressobj(bits)
        try:
            out = stream.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(out) > limit:
            return TOO_LARGE
        if stream.eof and not stream.unused_data:
            return out
    return BROKEN_CODING
