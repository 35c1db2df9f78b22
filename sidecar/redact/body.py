"""Redaction of request bodies and queries, spliced into the original: what did not match survives.

A JSON body is never parsed into objects and written again: that would change numbers, key order,
duplicate keys and escapes. Its strings are found by a scan over the validated bytes, only those in
which something is suspected are decoded, and only the ranges that matched are replaced. JSON inside
a string is the same thing one level down, and so the offsets compose.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn
from urllib.parse import quote

import msgspec

from sidecar.core.routes import Fields
from sidecar.redact.address_label import ANNOUNCEMENT, is_label
from sidecar.redact.finder import Finder
from sidecar.redact.gate import Gate
from sidecar.redact.locate import locate
from sidecar.redact.policy import Policy, Span
from sidecar.redact.turns import give_way, in_order, in_turns
from sidecar.redact.written import (
    Uninspectable,
    check_text,
    decoded,
    quoted_offsets,
    unquoted,
    utf8_indexes,
    utf8_offsets,
    written_offsets,
)

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN: Final = re.compile(rb"(%b)(\s*+:)?|[{}\[\]]|[0-9.eE+-]{7,}" % _STRING, re.DOTALL)
_SAMPLE = "ayse@example.com, +90 532 123 45 67, Papatya Sok. No: 7, 221B Baker Street, 18/11 Çay"
_JSON_OPENERS: Final = ("{", "[", '"')
_NONE: Mapping[str, Fields] = {}
# The type of a mark: nothing is replaced, it is only counted. No rule can have such a name.
_IDENTIFIER: Final = "(identifier)"


class Laborious(Exception):
    """There is more to look at than was allowed; nothing else is wrong with the body."""


class Redacted(NamedTuple):
    """The outcome: what to forward, replacements by type, and e-mails left as identifiers."""

    body: bytes
    counts: Mapping[str, int]
    identifiers: int = 0


# A replacement of the bytes, or in a decoded text of the characters, `[start, end)`: start, end,
# what stands there then, type.
_Edit = tuple[int, int, str, str]
_Key = tuple[str, bytes, int, list[_Edit]]  # decoded; as it stands; where; its edits
UNLIMITED: Final = sys.maxsize
_NOWHERE: Final = UNLIMITED


class Redactor:
    """Applies one policy. Stateless after construction, so safe in any thread."""

    def __init__(self, policy: Policy) -> None:
        """Compile the policy's rules; raise ValueError for a custom pattern that is not valid."""
        self._types = policy.types
        names = [*policy.types, *(rule.name for rule in policy.custom)]
        self._placeholders = {name: policy.placeholder(name) for name in names}
        self._finder = Finder(policy)
        self._gate = Gate(policy)

    def text(self, text: str) -> str:
        """Return a plain text redacted."""
        out, done = list[str](), 0
        for start, end, replacement, _ in self._edits_in_text(text):
            out += text[done:start], replacement
            done = end
        return "".join([*out, text[done:]])

    def spans(self, text: str) -> list[Span]:
        """Return where personal data stands in a plain text, in order."""
        return self._finder.find(text)

    def warm_up(self) -> None:
        """Redact a sample, so that the first request does not pay for lazy tables."""
        self.json(json.dumps({"content": _SAMPLE}).encode())
        self.json(json.dumps({"content": _SAMPLE}, ensure_ascii=False).encode())

    def plain(self, body: bytes, at_most: int = UNLIMITED) -> Redacted:
        """Redact a body of plain UTF-8 text; `at_most` as in `json`."""
        _allow(len(body), at_most)
        check_text(body)
        text = body.decode()
        edits = self._edits_in_text(text)
        return _redacted(body, _moved(edits, utf8_offsets(text, _ends(edits))))

    def json(
        self, body: bytes, exceptions: Mapping[str, Fields] = _NONE, at_most: int = UNLIMITED
    ) -> Redacted:
        """Redact a JSON body; `exceptions` as in `Route.fields`.

        Raises Uninspectable for anything but one JSON document in UTF-8 without NUL, and Laborious
        when the strings in which something is suspected have more than `at_most` bytes together.
        """
        offsets = self._gate.suspicions(body)
        _validate(body)
        if offsets == []:
            return Redacted(body, {})
        edits = self._edits_in_json(body, Fields.SCHEMA, exceptions, offsets, at_most)
        return _redacted(body, edits)

    def query(self, query: bytes) -> Redacted:
        """Redact the free text in a raw query string.

        Parameters that hold identifiers, and everything that did not match, keep their bytes.
        """
        edits, position, name = list[_Edit](), 0, ""
        for piece in re.split(rb"([&=])", query):
            value = unquoted(piece.replace(b"+", b" "))
            if piece == b"&" or not position:
                name = ""
            name = name or value.lstrip("&")
            found = self._edits(value, Fields.SCHEMA.child(name))
            found = [(a, b, quote(text, safe=""), type_) for a, b, text, type_ in found]
            edits += _moved(found, quoted_offsets(piece, value, _ends(found)), position)
            position += len(piece)
        return _redacted(query, edits)

    def path_identifiers(self, path: bytes) -> int:
        """Count the path segments that hold an e-mail address. They are never altered."""
        if b"@" not in path and b"%40" not in path:
            return 0
        return sum(self._has_email(unquoted(segment)) for segment in path.split(b"/"))

    def _has_email(self, value: str) -> bool:
        return "@" in value and any(s.type == "email" for s in self._finder.find(value))

    def _edits_in_text(self, text: str) -> list[_Edit]:
        placeholders = self._placeholders
        return [
            (start, end, placeholders[type_], type_)
            for start, end, type_ in in_turns(self._finder.ranges(text))
        ]

    def _edits(self, value: str, fields: Fields, key: str = "") -> list[_Edit]:
        """Return the edits for one text; an identifier that is an e-mail is only marked."""
        if fields.is_text and "address" in self._types and is_label(key):
            edits = self._edits_in_text(ANNOUNCEMENT + value)
            return _moved(edits, _ends(edits), -len(ANNOUNCEMENT))
        if fields.is_text:
            return self._edits_in_text(value)
        return [(0, 0, "", _IDENTIFIER)] if self._has_email(value) else []

    def _edits_in_json(
        self,
        body: bytes,
        root: Fields,
        exceptions: Mapping[str, Fields],
        offsets: Sequence[int] | None,
        at_most: int = UNLIMITED,
    ) -> list[_Edit]:
        """Return the edits for a valid JSON document, in order; only look at `offsets` if given."""
        values = None if offsets is None else locate(body, offsets, root, exceptions)
        if values is None:
            _allow(len(body), at_most)
            return in_order(self._walk(body, root, exceptions, offsets))
        _allow(sum(value.end - value.start for value in values), at_most)
        edits: list[_Edit] = []
        for value in in_turns(values):
            edits += self._edits_in_value(body, *value)
        return edits

    def _walk(
        self,
        body: bytes,
        root: Fields,
        exceptions: Mapping[str, Fields],
        offsets: Sequence[int] | None,
    ) -> Iterator[_Edit]:
        """Yield the edits for a valid JSON document, those of keys last."""
        outer: list[tuple[Fields, list[_Key], str, bool]] = []
        container, keys = root, list[_Key]()
        fields, key = root, ""  # what the next value is: in an array the same as its container
        listed = False  # it is in an array, of which a key announces no address
        upcoming = iter(offsets or ())
        offset = next(upcoming, _NOWHERE) if offsets is not None else 0
        for token in in_turns(_TOKEN.finditer(body)):
            start, end = token.span()
            while offset < start and offsets is not None:
                offset = next(upcoming, _NOWHERE)
            mark = body[start : start + 1]
            if mark in b"{[":
                outer.append((container, keys, key, listed))
                listed = mark == b"["
                container, keys = fields.of_object if mark == b"{" else fields, []
            elif mark in b"}]":
                yield from _distinct(keys)
                container, keys, key, listed = outer.pop()
                fields = container
            elif token[2]:
                raw = token[1][1:-1]
                key = decoded(raw)
                fields = exceptions.get(key) or container.child(key)
                edits = self._edits_in_string(raw, start + 1, container) if offset < end else []
                keys.append((key, raw, start + 1, edits))
            elif mark != b'"':  # one offset stands for all the numbers of an array
                yield from self._edits_in_value(body, start, end, key, fields)
            elif offset < end:
                label = "" if listed else key
                yield from self._edits_in_value(body, start + 1, end - 1, label, fields)

    def _edits_in_value(
        self, body: bytes, start: int, end: int, key: str, fields: Fields
    ) -> list[_Edit]:
        """Return the edits for the inside of a string, or for a number."""
        if body[max(0, start - 1) : start] == b'"':
            return self._edits_in_string(body[start:end], start, fields, key)
        if "phone" in self._types and _is_phone(key, body[start:end].decode(), fields):
            return [(start, end, f'"{self._placeholders["phone"]}"', "phone")]
        return []

    def _edits_in_string(
        self, raw: bytes, position: int, fields: Fields, key: str = ""
    ) -> list[_Edit]:
        """Return the edits inside a JSON string that stands at `position`, the value of `key`."""
        value = decoded(raw)
        # Lone surrogates: one character stays one.
        opens = fields.is_text and value.lstrip()[:1] in _JSON_OPENERS
        if opens:
            give_way()
        inner = value.encode("utf-8", "replace") if opens else b""
        if inner and is_json(inner):
            offsets = self._gate.suspicions(inner)
            edits = self._edits_in_json(inner, Fields.FREE, _NONE, offsets)
            edits = _moved(edits, utf8_indexes(inner, _ends(edits)))
        else:
            edits = self._edits(value, fields, key)
        if not edits:
            return edits
        # A number that became a string brings quotes, which are escaped once a level.
        if any('"' in text or "\\" in text for _, _, text, _ in edits):
            edits = [(start, end, _escaped(text), type_) for start, end, text, type_ in edits]
        return _moved(edits, written_offsets(raw, value, _ends(edits)), position)


def _allow(size: int, at_most: int) -> None:
    if size > at_most:
        raise Laborious


def _ends(edits: Sequence[_Edit]) -> list[int]:
    """Return the starts and ends of disjoint edits in order, which is in order too."""
    ends = list[int]()
    for start, end, _, _ in in_turns(edits):
        ends.append(start)
        ends.append(end)
    return ends


def _moved(edits: Sequence[_Edit], ends: Sequence[int], by: int = 0) -> list[_Edit]:
    """Return the edits with other starts and ends."""
    moved = list[_Edit]()
    for i, (_, _, text, type_) in enumerate(in_turns(edits)):
        moved.append((ends[2 * i] + by, ends[2 * i + 1] + by, text, type_))
    return moved


_KEY_WORD: Final = re.compile(r"[A-Z]?[a-zçğıöşü]+|[A-Z]+")
_PHONE_WORDS: Final = frozenset(
    """
    phone phones phonenumber telephone mobile cell cellphone tel telefon telefono telefonnummer
    telefonu gsm msisdn fax faks cep whatsapp sms handy movil portable rufnummer
    """.split()
)
_NUMBER_WORDS: Final = frozenset(
    "number numbers no nr num numara numarasi nummer numero home work".split()
)


def _is_phone(key: str, number: str, fields: Fields) -> bool:
    """Tell whether a JSON number is a phone: only where its key says so, as `workPhone` does.

    `phone_verified_at` and `phone_count` say something else.
    """
    if not (fields.is_text and number.isdecimal() and 7 <= len(number) <= 15):
        return False
    words = [word.lower() for word in _KEY_WORD.findall(key)]
    return not _PHONE_WORDS.isdisjoint(words) and (
        words[-1] in _PHONE_WORDS or words[-1] in _NUMBER_WORDS
    )


def _escaped(replacement: str) -> str:
    return replacement.replace("\\", "\\\\").replace('"', '\\"')


def _distinct(keys: list[_Key]) -> Iterator[_Edit]:
    """Yield the edits of one object's keys, numbering redacted ones until no two are equal.

    Where two addresses as keys became one, every parser would drop a value.
    """
    if not any(edits for *_, edits in keys):
        return
    names = {key for key, *_, edits in keys if not edits}
    copies = Counter[str]()
    for _, raw, start, edits in keys:
        base = name = _renamed(raw, start, edits)
        numbered = edits
        while edits and name in names:
            copies[base] += 1
            a, b, text, type_ = edits[-1]
            numbered = [*edits[:-1], (a, b, f"{text}_{copies[base] + 1}", type_)]
            name = _renamed(raw, start, numbered)
        names.add(name)
        yield from numbered


def _renamed(raw: bytes, start: int, edits: list[_Edit]) -> str:
    """Return the name that a key at `start` has after its edits."""
    local = [(a - start, b - start, text, type_) for a, b, text, type_ in edits]
    return decoded(_splice(raw, local))


def _redacted(body: bytes, edits: list[_Edit]) -> Redacted:
    counts = dict[str, int]()
    for _, _, _, type_ in in_turns(edits):
        counts[type_] = counts.get(type_, 0) + 1
    identifiers = counts.pop(_IDENTIFIER, 0)
    if not counts:
        return Redacted(body, {}, identifiers)
    if identifiers:
        edits = [edit for edit in edits if edit[-1] != _IDENTIFIER]
    return Redacted(_splice(body, edits), counts, identifiers)


def _splice(data: bytes, edits: Sequence[_Edit]) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end, replacement, _ in in_turns(edits):
        out.append(data[done:start])
        out.append(replacement.encode())
        done = end
    out.append(data[done:])
    return b"".join(out)


def _validate(document: bytes) -> None:
    give_way()
    try:
        _json_decoder.decode(document)
        give_way()
    except (msgspec.DecodeError, RecursionError):
        _validate_leniently(document)


_json_decoder = msgspec.json.Decoder(msgspec.Raw)


def _validate_leniently(document: bytes) -> None:
    """Validate once more with the standard library, which takes lone surrogate escapes.

    JavaScript writes those for a text that was cut within an emoji; refusing them would lose a
    message that Zep accepts.
    """
    check_text(document)
    try:
        json.loads(document.decode(), parse_int=len, parse_float=len, parse_constant=_no_constant)
    except RecursionError:
        raise Uninspectable("The JSON body is nested too deeply.") from None
    except ValueError:
        raise Uninspectable("The body is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def is_json(document: bytes) -> bool:
    """Tell whether a text is one JSON document; lone surrogate escapes are allowed."""
    try:
        check_text(document)
        _validate(document)
    except Uninspectable:
        return False
    return True
