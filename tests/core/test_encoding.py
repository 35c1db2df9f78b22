"""Content codings within bounds."""

import gzip
import zlib

import pytest

from sidecar.core.encoding import BROKEN_CODING, UNKNOWN_CODING, decode
from sidecar.core.errors import TOO_LARGE
from sidecar.core.headers import RawHeaders

BODY = b'{"a": 1}' * 50
# Without the time: it is part of the names of tests, which are the same in each process.
PACKED = gzip.compress(BODY, mtime=0)


def coded(name: str) -> RawHeaders:
    """Return headers with a Content-Encoding."""
    return ((b"Content-Encoding", name.encode()),)


def raw_deflate(body: bytes) -> bytes:
    """Compress without the zlib wrapper."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gzip", PACKED),
        (" GZip ", PACKED),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
    ],
)
def test_known_codings(name: str, data: bytes) -> None:
    """Decoded, up to exactly the limit."""
    assert decode(data, coded(name), len(BODY)) == BODY
    assert decode(data, coded(name), len(BODY) - 1) == TOO_LARGE


@pytest.mark.parametrize("headers", [(), coded("identity"), coded(""), coded(" , ")])
def test_no_coding_gives_the_same_object(headers: RawHeaders) -> None:
    """Nothing is copied."""
    assert decode(BODY, headers, 1) is BODY


@pytest.mark.parametrize(
    "name", ["br", "zstd", "x-gzip", "compress", "gzip, gzip", "identity, gzip", "gzip;q=1"]
)
def test_unknown_codings(name: str) -> None:
    """Refused, without a look at the body."""
    assert decode(PACKED, coded(name), 9999) == UNKNOWN_CODING


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1f\x8b",
        PACKED[:-1],
        PACKED + b"x",
        PACKED + gzip.compress(b"ayse@example.com", mtime=0),
        PACKED[:-8] + b"\0" * 8,
        BODY,
    ],
)
def test_damaged_streams(data: bytes) -> None:
    """Cut, followed by something, or with a wrong checksum: refused."""
    assert decode(data, coded("gzip"), 9999) == BROKEN_CODING


def test_a_bomb_is_not_inflated() -> None:
    """A body of many gigabytes once decoded stops at the limit."""
    compressor = zlib.compressobj(9, wbits=31)
    bomb = b"".join(compressor.compress(b"\0" * 2**20) for _ in range(512)) + compressor.flush()
    assert decode(bomb, coded("gzip"), 10 * 2**20) == TOO_LARGE
