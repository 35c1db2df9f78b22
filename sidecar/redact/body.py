"""Redaction of request bodies and queries, spliced into the original: what did not match survives.

A JSON body is never parsed into objects and written again: that would change numbers, key order,
duplicate keys and escapes. Its strings are found by a scan over the validated text, decoded with a
map back to where each character stands, and only the matched ranges are replaced. JSON inside a
string is the same thing one level down, and so the offsets compose.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn
from urllib.parse import quote

import msgspec

from sidecar.core.routes import Fields
from sidecar.redact.finder import Finder
from sidecar.redact.gate import Gate
from sidecar.redact.policy import Policy, Span

_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}\[\]]|[0-9.eE+-]{7,}', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.", re.DOTALL)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+|\+")
_SAMPLE = "ayse@example.com, +90 532 123 45 67, Papatya Sok. No: 7, 221B Baker Street, 18/11 Çay"
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_JSON_OPENERS = ("{", "[", '"')
_NONE: Mapping[str, Fields] = {}
# The type of a mark: nothing is replaced, it is only counted. No rule can have such a name.
_IDENTIFIER = "(identifier)"


class Uninspectable(Exception):
    """The body cannot be inspected, so it must not be forwarded; the message says what to fix."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """The outcome: what to forward, replacements by type, and e-mails left as identifiers."""

    body: bytes
    counts: Mapping[str, int]
    identifiers: int = 0


class _Edit(NamedTuple):
    start: int
    end: int
    replacement: str
    type: str


_Key = tuple[str, str, int, list[_Edit]]  # decoded; as it stands; where; its edits
_NOWHERE = sys.maxsize


class Redactor:
    """Applies one policy. Stateless after construction, so safe in any thread."""

    def __init__(self, policy: Policy) -> None:
        """Compile the policy's rules; raise ValueError for a custom pattern that is not valid."""
        self._policy = policy
        self._finder = Finder(policy)
        self._gate = Gate(policy)

    def text(self, text: str) -> str:
        """Return a plain text redacted."""
        return _splice(text, self._edits_in_text(text))

    def spans(self, text: str) -> list[Span]:
        """Return where personal data stands in a plain text, in order."""
        return self._finder.find(text)

    def warm_up(self) -> None:
        """Redact a sample, so that the first request does not pay for lazy tables."""
        self.json(json.dumps({"content": _SAMPLE}).encode())
        self.json(json.dumps({"content": _SAMPLE}, ensure_ascii=False).encode())

    def plain(self, body: bytes) -> Redacted:
        """Redact a body of plain UTF-8 text."""
        text = _decode(body)
        return _redacted(body, text, self._edits_in_text(text))

    def json(self, body: bytes, exceptions: Mapping[str, Fields] = _NONE) -> Redacted:
        """Redact a JSON body; `exceptions` as in `Route.fields`.

        Raises Uninspectable for anything but one JSON document in UTF-8 without NUL.
        """
        places = self._places(body)
        _validate(body)
        if places == []:
            return Redacted(body, {})
        text = _decode(body)
        edits = self._edits_in_json(text, Fields.SCHEMA, exceptions, places)
        return _redacted(body, text, edits)

    def _places(self, body: bytes) -> list[int] | None:
        """Return the indexes of the characters at which a look is needed, or None for all."""
        suspicions = self._gate.suspicions(body)
        return None if suspicions is None else _characters_at(body, suspicions)

    def query(self, query: bytes) -> Redacted:
        """Redact the free text in a raw query string.

        Parameters that hold identifiers, and everything that did not match, keep their bytes.
        """
        text = query.decode("utf-8", "surrogateescape")
        edits, position, name = list[_Edit](), 0, ""
        for piece in re.split(r"([&=])", text):
            value, at = _unquote(piece)
            if piece == "&" or not position:
                name = ""
            name = name or value.lstrip("&")
            edits += (
                _Edit(position + at[a], position + at[b], quote(r, safe=""), t)
                for a, b, r, t in self._edits(value, Fields.SCHEMA.child(name))
            )
            position += len(piece)
        return _redacted(query, text, edits)

    def path_identifiers(self, path: bytes) -> int:
        """Count the path segments that hold an e-mail address. They are never altered."""
        if b"@" not in path and b"%40" not in path:
            return 0
        segments = path.decode("utf-8", "surrogateescape").split("/")
        return sum(self._has_email(_unquote(segment)[0]) for segment in segments)

    def _has_email(self, value: str) -> bool:
        return "@" in value and any(s.type == "email" for s in self._finder.find(value))

    def _edits_in_text(self, text: str) -> list[_Edit]:
        return [
            _Edit(start, end, self._policy.placeholder(type_), type_)
            for start, end, type_ in self._finder.find(text)
        ]

    def _edits(self, value: str, fields: Fields) -> list[_Edit]:
        """Return the edits for one text; an identifier that is an e-mail is only marked."""
        if fields.is_text:
            return self._edits_in_text(value)
        return [_Edit(0, 0, "", _IDENTIFIER)] if self._has_email(value) else []

    def _edits_in_json(
        self,
        text: str,
        root: Fields,
        exceptions: Mapping[str, Fields] = _NONE,
        places: Sequence[int] | None = None,
    ) -> list[_Edit]:
        """Return the edits for a valid JSON text, in order; only look at `places` if given."""
        found: list[_Edit] = []
        outer: list[tuple[Fields, list[_Key], str]] = []
        container, keys = root, list[_Key]()
        value, key = root, ""  # what the next value is: in an array the same as its container
        upcoming = iter(places or ())
        place = next(upcoming, _NOWHERE) if places is not None else 0
        for token in _TOKEN.finditer(text):
            start, end = token.span()
            while place < start and places is not None:
                place = next(upcoming, _NOWHERE)
            mark = text[start]
            if mark in "{[":
                outer.append((container, keys, key))
                container, keys = value.of_object if mark == "{" else value, []
            elif mark in "}]":
                found += _distinct(keys)
                container, keys, key = outer.pop()
                value = container
            elif token[2]:
                key = _unescape(token[1])[0]
                value = exceptions.get(key) or container.child(key)
                edits = self._edits_in_string(text, token.span(1), container) if place < end else []
                keys.append((key, token[1], start + 1, edits))
            elif place >= end:
                continue
            elif mark == '"':
                found += self._edits_in_string(text, token.span(1), value)
            elif "phone" in self._policy.types and _is_phone(key, token[0], value):
                found.append(_Edit(start, end, f'"{self._policy.placeholder("phone")}"', "phone"))
        return sorted(found)

    def _edits_in_string(self, text: str, span: tuple[int, int], fields: Fields) -> list[_Edit]:
        """Return the edits inside one JSON string, in the offsets of `text`."""
        start, end = span
        value, at = _unescape(text[start:end])
        if "\0" in value:
            raise Uninspectable("The body holds a NUL character.")
        if fields.is_text and value.lstrip()[:1] in _JSON_OPENERS and _is_json(value):
            inner = value.encode("utf-8", "surrogatepass")
            edits = self._edits_in_json(value, Fields.FREE, places=self._places(inner))
        else:
            edits = self._edits(value, fields)
        # A number that became a string brings quotes, which are escaped once a level.
        return [_Edit(start + at[a], start + at[b], _quoted(r), t) for a, b, r, t in edits]


def _characters_at(body: bytes, offsets: Sequence[int]) -> list[int]:
    """Return the indexes of the characters that hold the bytes at the sorted offsets."""
    if body.isascii():
        return list(offsets)
    out, done, count = list[int](), 0, -1
    for offset in offsets:
        count += len(body[done : offset + 1].translate(None, _CONTINUATION))
        done = offset + 1
        out.append(count)
    return out


_CONTINUATION = bytes(range(0x80, 0xC0))
_KEY_WORD = re.compile(r"[A-Z]?[a-zçğıöşü]+|[A-Z]+")
_PHONE_WORDS = frozenset(
    """
    phone phones phonenumber telephone mobile cell cellphone tel telefon telefono telefonnummer
    telefonu gsm msisdn fax faks cep whatsapp sms handy movil portable rufnummer
    """.split()
)
_NUMBER_WORDS = frozenset(
    "number numbers no nr num numara numarasi nummer numero home work".split()
)


def _is_phone(key: str, number: str, fields: Fields) -> bool:
    """Tell whether a JSON number is a phone: only where its key says so, as `workPhone` does.

    `phone_verified_at` and `phone_count` say something else.
    """
    if not (fields.is_text and number.isdecimal() and 7 <= len(number) <= 15):
        return False
    words = [word.lower() for word in _KEY_WORD.findall(key)]
    return not _PHONE_WORDS.isdisjoint(words) and words[-1] in _PHONE_WORDS | _NUMBER_WORDS


def _quoted(replacement: str) -> str:
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
            last = edits[-1]
            suffix = f"_{copies[base] + 1}"
            numbered = [*edits[:-1], last._replace(replacement=last.replacement + suffix)]
            name = _renamed(raw, start, numbered)
        names.add(name)
        yield from numbered


def _renamed(raw: str, start: int, edits: list[_Edit]) -> str:
    """Return the name that a key at `start` has after its edits."""
    local = [e._replace(start=e.start - start, end=e.end - start) for e in edits]
    return _unescape(_splice(raw, local))[0]


def _redacted(body: bytes, text: str, edits: list[_Edit]) -> Redacted:
    counts = Counter(e.type for e in edits)
    identifiers = counts.pop(_IDENTIFIER, 0)
    if not counts:
        return Redacted(body, {}, identifiers)
    edits = [e for e in edits if e.type != _IDENTIFIER]
    spliced = _splice(text, edits).encode("utf-8", "surrogateescape")
    return Redacted(spliced, counts, identifiers)


def _splice(text: str, edits: Sequence[_Edit]) -> str:
    if not edits:
        return text
    out, done = list[str](), 0
    for start, end, replacement, _ in edits:
        out += text[done:start], replacement
        done = end
    return "".join([*out, text[done:]])


def _decode(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Uninspectable("The body is not valid UTF-8.") from None
    if "\0" in text:
        raise Uninspectable("The body holds a NUL character.")
    return text


def _validate(document: bytes | str) -> None:
    try:
        _json_decoder.decode(document)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        _validate_leniently(document)


_json_decoder = msgspec.json.Decoder(msgspec.Raw)


def _validate_leniently(document: bytes | str) -> None:
    """Validate once more with the standard library, which takes lone surrogate escapes.

    JavaScript writes those for a text that was cut within an emoji; refusing them would lose a
    message that Zep accepts.
    """
    text = document if isinstance(document, str) else _decode(document)
    try:
        json.loads(text, parse_int=len, parse_float=len, parse_constant=_no_constant)
    except RecursionError:
        raise Uninspectable("The JSON body is nested too deeply.") from None
    except ValueError:
        raise Uninspectable("The body is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_json(text: str) -> bool:
    try:
        _validate(text)
    except Uninspectable:
        return False
    return True


def _unescape(raw: str) -> tuple[str, Sequence[int]]:
    """Decode a JSON string's inside; also return where each character (and the end) stands."""
    return _mapped(raw, _ESCAPE, _characters) if "\\" in raw else (raw, range(len(raw) + 1))


def _characters(escape: str) -> list[tuple[str, int]]:
    if escape[1] != "u":
        return [(_SHORT.get(escape[1], escape[1]), 2)]
    code = int(escape[2:6], 16)
    if len(escape) > 6:  # a surrogate pair
        code = 0x10000 + ((code & 0x3FF) << 10) + (int(escape[8:12], 16) & 0x3FF)
    return [(chr(code), len(escape))]


def _unquote(raw: str) -> tuple[str, Sequence[int]]:
    """Decode a piece of a query; the same result as `_unescape`."""
    if "%" not in raw and "+" not in raw:
        return raw, range(len(raw) + 1)
    return _mapped(raw, _PERCENT, _percent_characters)


def _percent_characters(escape: str) -> list[tuple[str, int]]:
    if escape == "+":
        return [(" ", 1)]
    decoded = bytes.fromhex(escape.replace("%", "")).decode("utf-8", "surrogateescape")
    return [(c, 3 * len(c.encode("utf-8", "surrogateescape"))) for c in decoded]


def _mapped(
    raw: str, pattern: re.Pattern[str], decode: Callable[[str], list[tuple[str, int]]]
) -> tuple[str, Sequence[int]]:
    """Replace every match by the characters it stands for, each with the width it had in `raw`."""
    out, at, done = list[str](), list[int](), 0
    for match in pattern.finditer(raw):
        out.append(raw[done : match.start()])
        at += range(done, match.start())
        position = match.start()
        for character, width in decode(match[0]):
            out.append(character)
            at.append(position)
            position += width
        done = match.end()
    out.append(raw[done:])
    at += range(done, len(raw) + 1)
    return "".join(out), at
