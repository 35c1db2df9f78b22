"""Texts and how they are written: in UTF-8, as JSON strings, percent-encoded; and what is where.

One call into C keeps every other thread from running, the one of the event loop too. So what is
long is worked on in slices.
"""

import json
import re
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from sidecar.redact.turns import OFTEN, give_way, in_turns

_SLICE = 1 << 16
_SURROGATES: Final = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]")
_U: Final = 0x75
_PERCENT: Final = re.compile(rb"%[0-9a-fA-F]{2}|.", re.DOTALL)
_UNUSUAL: Final = re.compile(rb"\\\\u|\\u00[0-7]")
_ESCAPED_AGAIN: Final = re.compile(rb"(?<!\\)\\{2,}+(?=u[0-9a-fA-F]{4})")
_ASCII_ESCAPE: Final = re.compile(rb"\\u(?=00[0-7])")
_CONTINUATION: Final = bytes(range(0x80, 0xC0))
_NEVER: Final = (sys.maxsize, sys.maxsize)


class Uninspectable(Exception):
    """The body cannot be inspected, so it must not be forwarded; the message says what to fix."""


def _starts(size: int) -> Iterator[int]:
    """Yield where the slices of a text begin, each in a turn of its own."""
    for start in range(0, size, _SLICE):
        give_way()
        yield start


def check_text(body: bytes) -> None:
    """Raise Uninspectable for what is not UTF-8 (RFC 3629), or holds NUL."""
    try:
        if len(body) <= _SLICE:
            body.decode()
        else:
            decoder = getincrementaldecoder("utf-8")()
            for start in _starts(len(body)):
                decoder.decode(body[start : start + _SLICE])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Uninspectable("The body is not valid UTF-8.") from None
    if b"\0" in body:
        raise Uninspectable("The body holds a NUL character.")


def decoded(raw: bytes) -> str:
    """Return the value of a JSON string; lone surrogates stay what they are."""
    if len(raw) > _SLICE:
        return "".join(map(_decoded_slice, _slices(raw)))
    return _decoded_slice(raw)


def _slices(raw: bytes) -> Iterator[bytes]:
    """Yield the inside of a long JSON string in slices that end behind a blank.

    No blank is a part of an escape, or of a pair of them, or of a character in UTF-8.
    """
    start = 0
    while start < len(raw):
        end = raw.find(b" ", start + _SLICE) + 1 or len(raw)
        give_way()
        yield raw[start:end]
        start = end


def _decoded_slice(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Uninspectable("The body is not valid UTF-8.") from None
    escaped = 0x5C in raw
    if escaped:
        text = _unescaped(raw)
    if 0 in raw or (escaped and "\0" in text):
        raise Uninspectable("The body holds a NUL character.")
    return text


def _unescaped(raw: bytes) -> str:
    quoted = b'"%b"' % raw
    try:
        return _string_decoder.decode(quoted)
    except msgspec.DecodeError:  # lone surrogates
        return str(json.loads(quoted))


def without_escapes(document: bytes) -> bytes | None:
    r"""Return JSON with its `\u` escapes of any depth written as UTF-8, or None where that fails.

    All else stays as it is, each quote too, and so do escapes of ASCII. A document without escapes
    comes back as the same object.
    """
    first = document.find(b"\\")
    if first < 0 or document.find(b"\\u", first) < 0:
        return document
    try:
        return b"".join(map(_without_escapes, _slices(document)))
    except UnicodeError:  # surrogates that are no pair, no hexadecimal digits, no UTF-8
        return None


def _without_escapes(raw: bytes) -> bytes:
    if _UNUSUAL.search(raw):
        raw = _ESCAPED_AGAIN.sub(rb"\\", raw)
        raw = _ASCII_ESCAPE.sub(rb"\\\\u", raw)  # with an even number the codec leaves it
    if not raw.isascii():
        raw = raw.decode().encode("raw_unicode_escape")
    text = raw.decode("raw_unicode_escape")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()


_string_decoder = msgspec.json.Decoder(str)


def unquoted(raw: bytes) -> str:
    """Return what a piece of a path or query stands for."""
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")


def utf8_offsets(text: str, indexes: Sequence[int], errors: str = "strict") -> Sequence[int]:
    """Return where in UTF-8 the characters at the sorted indexes start."""
    if text.isascii():
        return indexes
    out: list[int] = []
    done = offset = 0
    for index in in_turns(indexes):
        offset += _encoded_size(text[done:index], errors)
        done = index
        out.append(offset)
    return out


def _encoded_size(text: str, errors: str = "strict") -> int:
    """Return how many bytes a text has in UTF-8."""
    if text.isascii():
        return len(text)
    if len(text) <= _SLICE:
        return len(text.encode("utf-8", errors))
    slices = (text[start : start + _SLICE] for start in _starts(len(text)))
    return sum(len(part.encode("utf-8", errors)) for part in slices)


def _decoded_size(data: bytes) -> int:
    """Return how many characters UTF-8 stands for."""
    if len(data) <= _SLICE:
        return len(data.decode())
    slices = (data[start : start + _SLICE] for start in _starts(len(data)))
    return sum(len(part.translate(None, _CONTINUATION)) for part in slices)


def utf8_indexes(data: bytes, offsets: Sequence[int]) -> Sequence[int]:
    """Return the indexes of the characters that start at the sorted offsets in UTF-8."""
    if data.isascii():
        return offsets
    runs = in_turns(pairwise([0, *offsets]))
    return list(accumulate(_decoded_size(data[a:b]) for a, b in runs))


def written_offsets(raw: bytes, value: str, indexes: Sequence[int]) -> Sequence[int]:
    """Return where in the inside of a JSON string the characters of its value start."""
    if 0x5C not in raw:
        return utf8_offsets(value, indexes)
    out, at, offset, turn = list[int](), 0, 0, OFTEN
    ascii_ = raw.isascii()
    stop = _behind_escape(raw, at, offset, ascii_)
    for index in in_turns(indexes):
        while stop[0] <= index:
            at, offset = stop
            stop = _behind_escape(raw, at, offset, ascii_)
            if offset > turn:
                give_way()
                turn = offset + OFTEN
        offset += _encoded_size(value[at:index])
        at = index
        out.append(offset)
    return out


def _behind_escape(raw: bytes, index: int, offset: int, ascii_: bool) -> tuple[int, int]:
    """Return index and offset of the character behind the first escape in the rest of a string.

    It starts at a character that has the index and offset. `ascii_`: so is all of the string.
    """
    at = raw.find(b"\\", offset)
    if at < 0:
        return _NEVER
    index += 1 + (at - offset if ascii_ else _decoded_size(raw[offset:at]))
    if raw[at + 1] != _U:
        return index, at + 2
    return index, at + 12 if _SURROGATES.match(raw, at) else at + 6


def quoted_offsets(raw: bytes, value: str, indexes: Sequence[int]) -> Sequence[int]:
    """Return where in a piece of a query the characters of its value start."""
    if not indexes:
        return indexes
    at = [0, *accumulate(map(len, _PERCENT.findall(raw)))]
    return [at[offset] for offset in utf8_offsets(value, indexes, "surrogateescape")]
