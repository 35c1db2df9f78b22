"""How an answer is written down for the shared tier, and what is taken for one.

    version  4 bytes
    CRC-32   of the key and everything behind these four bytes
    head     stored-at (seconds since 1970), number of tags, lengths of the two header fields
    tags     digest and epoch of each
    fields   content type, content coding
    body     to the end

Numbers are big-endian. What does not fit in every respect is nothing: another version's, cut off,
damaged, or another key's.
"""

import math
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from sidecar.core.cache import Value
from sidecar.core.cache_key import TAG_SIZE, Key, Tag

VERSION = b"zs1\n"
_CHECKSUM = struct.Struct(">I")
_HEAD = struct.Struct(">dBHH")
_TAG = struct.Struct(f">{TAG_SIZE}sq")


class Envelope(NamedTuple):
    """An answer with what it takes to judge whether it still holds."""

    value: Value
    stored_at: float
    """When its read was dispatched, in seconds since 1970."""
    epochs: Mapping[Tag, int]
    """The epoch of each of its tags at that instant."""


def pack(key: Key, envelope: Envelope) -> bytes:
    """Write down an answer; for at most 255 tags."""
    value, stored_at, epochs = envelope
    fields = len(value.content_type), len(value.content_encoding)
    rest = b"".join(
        [
            _HEAD.pack(stored_at, len(epochs), *fields),
            *(_TAG.pack(each, epoch) for each, epoch in epochs.items()),
            value.content_type,
            value.content_encoding,
            value.body,
        ]
    )
    return VERSION + _CHECKSUM.pack(zlib.crc32(rest, zlib.crc32(key))) + rest


def unpack(key: Key, data: bytes) -> Envelope | None:
    """Read an answer, or None from anything that is none."""
    start = len(VERSION) + _CHECKSUM.size
    rest = data[start:]
    checksum = _CHECKSUM.pack(zlib.crc32(rest, zlib.crc32(key)))
    if data[:start] != VERSION + checksum or len(rest) < _HEAD.size:
        return None
    stored_at, count, type_length, coding_length = _HEAD.unpack_from(rest)
    tags_end = _HEAD.size + count * _TAG.size
    type_end = tags_end + type_length
    body_start = type_end + coding_length
    if len(rest) < body_start or not math.isfinite(stored_at):
        return None
    epochs = dict(_TAG.iter_unpack(rest[_HEAD.size : tags_end]))
    value = Value(rest[body_start:], rest[tags_end:type_end], rest[type_end:body_start])
    return Envelope(value, stored_at, epochs)
