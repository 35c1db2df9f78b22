"""Addresses in English with little to tell them by: no word for street, or no number at all."""

import re
from collections.abc import Iterator

from sidecar.redact.address_en import (
    FOLLOWS,
    GLUE,
    LEADS,
    SUFFIX,
    YEAR,
)
from sidecar.redact.address_en_place import (
    HEAD,
    HOUSE_NAME,
    codes_in,
    is_stop,
    known_end,
    tail,
)
from sidecar.redact.address_place import Frame
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import words

_NOT_NAME = words("en.not_city") - {"the", "flat"}

_SHORT_MATCHES = (
    "1340 N Astor, Chicago", "615 n wabash chicago",
)  # fmt: skip
LED_MATCHES = ("at 103 Crookes, Sheffield", "from 245 Main")
_SHORT_REJECTS = (
    "in 1999 Arsenal, Leeds and Chelsea", "on 5 May, London", "we have 40 Broadway tickets",
    "500 N force", "8 N Korea missiles", "at 10 Monday, Boston", "from 30 Main ideas",
)  # fmt: skip
_HOUSE_MATCHES = (
    "The Coach House, Back Lane, Holt", "Hill Top Barn, Sheep Lane, Upper Slaughter",
    "58 Kelham House, Balby Road, Doncaster", "Keeper's Cottage, The Green, Hook Norton",
)  # fmt: skip
_HOUSE_REJECTS = (
    "the White House, Congress and the press", "Leave the house, Peter", "The Mill House, a pub",
)  # fmt: skip

_A = r"[A-Za-z\xc0-\xff]"

# A number with a name alone takes a direction and a town, or words that lead to it.
_DIRECTION = r"(?i:n|s|e|w|ne|nw|se|sw|north|south|east|west)\.?"
_BARE = words("en.street.bare")
_BARE_NAMES = "|".join(sorted(_BARE))
_SHORT_PATTERN = (
    rf"\b[0-9]{{2,5}} {_DIRECTION} {_A}{{3,20}}\b"
    rf"|\b[0-9]{{2,5}} (?:{_BARE_NAMES}|(?i:broadway))\b"
    rf"|\b[0-9]{{1,4}}(?:-[0-9]{{1,4}})?[A-Za-z]? (?:[A-Z]{_A}*(?:'{_A}+)? ){{0,2}}[A-Z]{_A}+, {_A}"
)
_SHORT_GATE = (
    rf"[0-9] {_DIRECTION} {_A}|[0-9] (?:{_BARE_NAMES}|(?i:broadway))"
    r"|[0-9][A-Za-z]? [A-Z][A-Za-z\xc0-\xff' ]*, [A-Za-z]"
)
_SHORT = scanner(_SHORT_PATTERN)
_SHORT_NUMBER = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,4})?[A-Za-z]? ")


def short(data: bytes) -> Iterator[Range]:
    """Yield addresses whose street is a name alone: "1340 N Astor, Chicago", "at 245 Main"."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _SHORT.finditer(data):
        start, end = match.span()
        number = _SHORT_NUMBER.match(text, start)
        if number is None:
            continue
        led = LEADS.search(text, max(0, start - 16), start)
        if text[max(0, start - 1) : start] in GLUE or (YEAR.fullmatch(number.group(1)) and not led):
            continue
        comma = text.find(", ", start, end)
        end = comma if comma > 0 else end
        names = text[start:end].split()[1:]
        if any(map(is_stop, names)) or not _NOT_STREET.isdisjoint(map(str.lower, names)):
            continue
        known = known_end(text, end)
        if known < 0 and comma < 0 and _DIRECTION_HERE.match(names[0]):
            more = _MORE_NAME.match(text, end)  # "615 n lake shore chicago"
            known = known_end(text, more.end()) if more else -1
        line = start == 0 or text[start - 1] == "\n"
        if known > 0 and _DIRECTION_HERE.match(names[0]):
            yield start, tail(text, known, [])
        elif known > 0 and comma > 0 and (led or line):
            end = tail(text, known, [])
            at = led and text[max(0, start - 8) : start].endswith((" at ", "outside "))
            if at or (FOLLOWS if led else _LINE_ENDS).match(text, end):
                yield frame.head(start, HEAD), end
        elif (led or (line and names[0] in _BARE)) and comma < 0 and FOLLOWS.match(text, end):
            yield start, end


_LINE_ENDS = re.compile(r"\n|[.,;]?$")
_NOT_STREET = frozenset().union(
    *(words(f"en.{section}") for section in ("measure", "common", "label", "not_street"))
) - {"park", "court", "the"}
_DIRECTION_HERE = re.compile(rf"{_DIRECTION}$")
_MORE_NAME = re.compile(rf" {_A}{{3,}}")


# A house with a name, its street and its town, without any number or postcode.
_HOUSE_WORDS = "|".join(sorted(words("en.house.main")))
_HOUSE_PATTERN = (
    r"\b(?:[A-Z][A-Za-z'.&-]*|[0-9]{1,4}|[Tt]he) (?:[A-Za-z][A-Za-z'.&-]* ){0,3}?"
    rf"(?:{_HOUSE_WORDS}), (?:The [A-Z][a-z]+|(?:[A-Z][A-Za-z'.-]* ){{1,4}}{SUFFIX}\b\.?)"
)
_HOUSE_GATE = rf"(?:{_HOUSE_WORDS}), [A-Z]"
_HOUSES = scanner(_HOUSE_PATTERN)
_HOUSE_HEAD = re.compile(rf"{HOUSE_NAME}$")
_HOUSE_TOWN = re.compile(r", [A-Z][A-Za-z'-]+(?: (?:(?:upon|under|le|on the) )?[A-Z][A-Za-z'-]+)*")


def houses(data: bytes) -> Iterator[Range]:
    """Yield addresses of a house with a name, a street and a town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    codes = codes_in(data)
    for match in _HOUSES.finditer(data):
        start, end = match.span()
        comma = text.index(",", start)
        name = _HOUSE_HEAD.search(text, start, comma)
        street = text[comma + 2 : end].split()
        if name is None or " " not in name.group() or not street[-1][0].isupper():
            continue
        if any(word.lower() in _NOT_NAME for word in name.group().split()):
            continue
        town = _HOUSE_TOWN.match(text, end)
        stop = max(tail(text, end, codes), town.end() if town else end)
        if stop > end or name.group()[0].isdigit():
            yield frame.head(name.start(), HEAD), stop


RULES: tuple[Rule, ...] = (
    Rule("address", (_SHORT_GATE,), short, _SHORT_MATCHES + LED_MATCHES, _SHORT_REJECTS),
    Rule("address", (_HOUSE_GATE,), houses, _HOUSE_MATCHES, _HOUSE_REJECTS),
)
