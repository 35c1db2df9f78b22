"""Addresses in English with little to tell them by: no word for street, or no number at all."""

import re
from collections.abc import Iterator

from sidecar.redact.address_en import (
    FOLLOWS,
    GLUE,
    HIGHWAY,
    LEADS,
    SPELLED_NUMBER,
    SUFFIX,
    YEAR,
)
from sidecar.redact.address_en_place import (
    HEAD,
    HOUSE_NAME,
    behind_institution,
    behind_name,
    codes_in,
    is_stop,
    known_end,
    quarters_end,
    tail,
)
from sidecar.redact.address_place import Frame
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_EN_PLACE = words("en.place")
_NOT_NAME = words("en.not_city") - {"the", "flat"}

_SHORT_MATCHES = (
    "1340 N Astor, Chicago", "615 n wabash chicago", "119 Oakdale - apt C - Dallas 75219",
    "No 4 Ty Gwyn, Black Rock Sands, Morfa Bychan, Porthmadog",
)  # fmt: skip
LED_MATCHES = (
    "at 103 Crookes, Sheffield", "from 245 Main", "to 1919 hamilton, bldg c, apt 310",
    "at 1011 Hickory", "at No 6 Caradog, Bangor", "near 4 Oak Bank, Todmorden",
)  # fmt: skip
_SHORT_REJECTS = (
    "in 1999 Arsenal, Leeds and Chelsea", "on 5 May, London", "we have 40 Broadway tickets",
    "500 N force", "8 N Korea missiles", "at 10 Monday, Boston", "from 30 Main ideas",
    "talk about 20 tenants, apt 5", "12 people, unit 5", "a mix of 40 Maple, 30 Oak",
    "in 2019 Apple, unit 7", "Auf Seite 3, Berlin, steht es", "at 3 Bank, Leeds",
)  # fmt: skip
_HOUSE_MATCHES = (
    "The Coach House, Back Lane, Holt", "Hill Top Barn, Sheep Lane, Upper Slaughter",
    "58 Kelham House, Balby Road, Doncaster", "2 Almshouses, Vicar's Close, Wells BA5",
    "Keeper's Cottage, The Green, Hook Norton",
)  # fmt: skip
_HOUSE_REJECTS = (
    "the White House, Congress and the press", "Leave the house, Peter", "The Mill House, a pub",
)  # fmt: skip

_A = r"[A-Za-z\xc0-\xff]"

# A number with a name alone takes a direction and a town, or words that lead to it.
_DIRECTION = r"(?i:n|s|e|w|ne|nw|se|sw|north|south|east|west)\.?"
_BARE = words("en.street.bare")
_KNOWN = words("en.street.known")
_BARE_NAMES = "|".join(sorted(_BARE))
_UNIT_NEXT = (
    r"(?:,| -) (?i:apt|apartment|suite|ste|unit|bldg|building)(?:(?:\.? |\.|#)#?[A-Za-z0-9]|[0-9])"
)
_UNITS = "(?i:flat|apt|apartment|unit|suite|room|house|studio|office|shop|bungalow)\\.?"
_SHORT_PATTERN = (
    rf"\b[0-9]{{2,5}} {_A}{{3,20}}(?: {_A}{{3,20}}){{0,2}}{_UNIT_NEXT}"
    rf"|\b[0-9]{{2,5}}(?:-[0-9]{{2,5}})? {_DIRECTION} {_A}{{3,20}}\b"
    rf"|\b[0-9]{{2,5}} (?:{_BARE_NAMES}|{'|'.join(sorted(_KNOWN))}|(?i:broadway))\b"
    r"|\b[0-9]{1,4}(?:-[0-9]{1,4})?[A-Za-z]?,? "
    rf"(?:[A-Z]{_A}*(?:'{_A}+)? ){{0,2}}[A-Z]{_A}+, {_A}"
)
_SHORT_GATE = (
    rf"[0-9] {_DIRECTION} {_A}|[0-9] (?:{_BARE_NAMES}|(?i:broadway))"
    r"|\b(?i:at|to|from|outside|near|opposite|behind) (?i:no\.? )?[0-9]{2,5} [A-Z]"
    rf"|[0-9][A-Za-z]?,? [A-Z](?:{_A}|')*(?: [A-Z](?:{_A}|')*)*, [A-Za-z]"
    rf"|[0-9] {_A}+(?: {_A}+)?(?: {_A}+)?{_UNIT_NEXT}"
)
_SHORT = scanner(_SHORT_PATTERN)
_SHORT_NUMBER = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5})?[A-Za-z]?,? ")


def short(data: bytes) -> Iterator[Range]:
    """Yield addresses whose street is a name alone: "1340 N Astor, Chicago", "at 245 Main"."""
    text = data.decode("latin-1")
    frame = Frame(text)
    codes: list[Range] | None = None
    for match in _SHORT.finditer(data):
        start, end = match.span()
        number = _SHORT_NUMBER.match(text, start)
        if number is None:
            continue
        led = LEADS.search(text, max(0, start - 16), start)
        if text[max(0, start - 1) : start] in GLUE or (YEAR.fullmatch(number.group(1)) and not led):
            continue
        named = number.end()
        comma = max(text.find(", ", named, end), text.find(" - ", named, end))
        end = comma if comma > 0 else end
        names = text[named:end].split()
        if any(map(is_stop, names)) or not _NOT_STREET.isdisjoint(map(str.lower, names)):
            continue
        if names[0].lower() in _NOT_FIRST:
            continue
        at = _AT.search(text, max(0, start - 16), start) is not None
        unit = _UNIT_HERE.match(text, end) if comma > 0 else None
        if unit is None:
            yield from _short(text, frame, (start, end), names, led is not None, at)
        elif names[0][0].isupper() or unit.group().count(",") > 1 or at:
            codes = codes_in(data) if codes is None else codes
            yield behind_name(text, frame.head(start, HEAD), start), tail(text, end, codes)


def _short(
    text: str, frame: Frame, street: Range, names: list[str], led: bool, at: bool
) -> Iterator[Range]:
    """Yield the address of a number and names if a known town follows, or words lead to it."""
    start, end = street
    directed = _DIRECTION_HERE.match(names[0]) is not None
    comma = text[end : end + 2] == ", "
    known = known_end(text, quarters_end(text, end) if comma else end)
    if known < 0 and not comma and directed:
        more = _MORE_NAME.match(text, end)  # "615 n lake shore chicago"
        known = known_end(text, more.end()) if more else -1
    line = start == 0 or text[start - 1] == "\n"
    spelled = SPELLED_NUMBER.search(text, max(0, start - 20), start)
    if known > 0 and directed:
        yield start, tail(text, known, [])
    elif known > 0 and comma and (led or line or spelled or frame.head(start, HEAD) < start):
        end = tail(text, known, [])
        near = led and text[max(0, start - 8) : start].endswith((" at ", "outside "))
        if near or (_ENDS if led or spelled else _LINE_ENDS).match(text, end):
            head = frame.head(spelled.start(1) if spelled else start, HEAD)
            yield behind_name(text, head, start), end
    elif FOLLOWS.match(text, end) and (
        (directed and (led or (names[-1] in _BARE or names[-1] in _KNOWN)))
        or ((line or at) and names[0] in _BARE)
        or (at and names[0] in _KNOWN)
    ):
        yield start, end


_UNIT_HERE = re.compile(rf"{_UNIT_NEXT}[A-Za-z0-9-]{{0,5}}(?:{_UNIT_NEXT})?")
_AT = re.compile(r"(?<![A-Za-z])(?i:at|to|from|outside|near|opposite|behind)(?: no\.?)? $")
_ENDS = re.compile(rf"{FOLLOWS.pattern}| [^A-Za-z0-9]")
_LINE_ENDS = re.compile(r"\n|[.,;]?$")
_NOT_STREET = frozenset().union(
    *(words(f"en.{section}") for section in ("measure", "common", "label", "not_street"))
) - {"park", "court", "the", "bank", "end", "top"}
_NOT_FIRST = frozenset({"bank", "end", "top"})  # but "4 Oak Bank", "2 Hill Top"
_DIRECTION_HERE = re.compile(rf"{_DIRECTION}$")
_MORE_NAME = re.compile(rf" {_A}{{3,}}")


# A house with a name, its street and its town, without any number or postcode.
_HOUSE_WORDS = "|".join(sorted(words("en.house.main")))
_HOUSE_PATTERN = (
    r"\b(?:[A-Z][A-Za-z'.&-]*|[0-9]{1,4}|[Tt]he) (?:[A-Za-z][A-Za-z'.&-]* ){0,3}?"
    rf"(?:{_HOUSE_WORDS}), (?:The [A-Z][a-z]+|(?:[A-Z][A-Za-z'.-]* ){{1,4}}{SUFFIX}\b\.?)"
)
_HOUSE_GATE = rf"\b(?:{_HOUSE_WORDS}), [A-Z]"
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
            yield behind_institution(text, frame.head(name.start(), HEAD), end), stop


# The number behind the street, as visitors write it: "Cotham Brow 58, Bristol".
_NUMBERED = (
    r"\b(?:St|Rd|Ave|Dr|Ln|Street|Road|Avenue|Drive|Lane|Close)\.?,? (?i:no\.?|number) [0-9]"
)
_TURNED_PATTERN = (
    rf"\b(?:[A-Z][A-Za-z']+ ){{1,3}}(?:{alternatives('en.street', 'en.street.soft')} "
    r"[0-9]{1,3}[a-z]?(?:, [A-Z]| [A-Z][a-z]+ [A-Z]{1,2}[0-9])"
    rf"|{_NUMBERED}[0-9]{{0,3}}[A-Za-z]?\b)"
)
_TURNED_GATES = (  # the first is that of another rule too, so it costs nothing
    r"[A-Za-z\xc0-\xff'-] [0-9]{1,3}[a-z]?, [A-Z\xc0]",
    r"[a-z] [0-9]+[a-z]? [A-Z][a-z]+ [A-Z]{1,2}[0-9]",
    _NUMBERED,
)
_TURNED = scanner(_TURNED_PATTERN)
_TURNED_NUMBER = re.compile(
    r"(.+?[A-Za-z.],? [0-9]{1,4}[A-Za-z]?)(?:, [A-Z]| [A-Z][a-z]+ [A-Z]{1,2}[0-9])?", re.DOTALL
)
_NUMBER_WORDS = re.compile(r",? (?i:no\.?|number) [0-9]+[A-Za-z]?$")
_TURNED_MATCHES = (
    "Tallwood Dr, number 14",
    "Cotham Brow 58, Bristol",
    "Bell Lane 12 Uckfield TN22",
)
_TURNED_REJECTS = ("Rugby Club 3, Leeds 2", "Route 66, Arizona", "Sesame Street 50 London fans")


def turned(data: bytes) -> Iterator[Range]:
    """Yield addresses of a street, a number behind it and a known town or a postcode."""
    text = data.decode("latin-1")
    frame = Frame(text)
    codes = codes_in(data)
    for match in _TURNED.finditer(data):
        start, end = match.span()
        whole = _TURNED_NUMBER.fullmatch(text, start, end)
        if whole is None:
            continue
        end = whole.end(1)
        word = _NUMBER_WORDS.search(text, max(start, end - 16), end)
        names = text[start : word.start() if word else end].split() + ["0"] * (word is not None)
        while len(names) > 2 and (is_stop(names[0]) or names[0].lower() in _NOT_NAME):
            start = text.index(names[1], start + len(names[0]))
            names = names[1:]
        if names[-2][0].islower() or names[0].lower() in _NOT_NAME or len(names) < 3:
            continue
        stop = tail(text, end, codes)
        comma = text.startswith(",", end)
        coded = stop > end and text[stop - 1].isdigit()
        placed = stop > end and (comma or coded)
        if (placed or word) and _ENDS.match(text, stop):
            yield frame.head(start, HEAD), stop


# Two streets that meet: a word says so, or the first has a number for its name.
_AND = "(?: ?[&/@] ?| (?i:and|at) )"
_NTH = "[0-9]{1,3}(?i:st|nd|rd|th)"
_STREET_HERE = (
    rf"{HIGHWAY}\b|(?:(?:{_A}[A-Za-z\xc0-\xff'.]*|{_NTH}) ){{1,3}}{SUFFIX}\b\.?"
    rf"(?: (?:[NSEW]|[NS][EW])\b)?|{_NTH}\b"
)
_CROSSING_PATTERN = (
    r"\b(?:(?:(?i:corner|intersection|junction|cnr)(?i: of)? "
    rf"(?:[A-Z][a-z]+|{_STREET_HERE})|{_NTH} (?i:st|street|ave|avenue)\.?){_AND}|{_NTH} & )"
    rf"(?:{_STREET_HERE}|[A-Z][a-z]+\b)"
)
_CROSSING_GATES = (
    r"\b(?i:corner|intersection|junction|cnr)(?i: of)? [A-Za-z0-9][A-Za-z0-9\xc0-\xff'.# -]*"
    r"(?: (?i:and|at) | ?[&/@])",
    r"[0-9](?i:st|nd|rd|th) (?:(?i:st|street|ave|avenue)\.? ?(?:[&@/]|and|at) ?[A-Z0-9]|& [A-Z])",
)
_CROSSINGS = scanner(_CROSSING_PATTERN)
_TO_CROSSING = re.compile(r"[A-Za-z]+ (?i:of )?")
_PLAIN_STREETS = frozenset("st street ave avenue rd road blvd".split())
# Two names, or two numbers, are streets only with a town.
_TWO_NAMES = re.compile(rf"[A-Z][a-z]+{_AND}[A-Z][a-z]+")
_TWO_NUMBERS = re.compile(f"{_NTH} & .*|.*[ &/@]{_NTH}")
CROSSING_MATCHES = (
    "corner of Maple St and 3rd Ave, Boise", "junction of Mill Road & Ash Street",
    "intersection of Highway 61 and Old Highway 49 in Clarksdale, MS",
    "corner of Halsted and Fullerton, Chicago",
)  # fmt: skip
_NTH_MATCHES = (
    "3rd St & Alder", "5th Ave and 42nd St, New York", "9th Street @ Pine St",
    "5th Ave and 42nd, New York", "4th & Pike, Seattle",
)  # fmt: skip
_CROSSING_REJECTS = (
    "the corner of my eye and mouth", "junction of art and science", "corner of street and park",
    "2nd Ave and Mary drove on", "1st St and then left", "the 5th street and the park",
    "on the 4th Ave and it rained", "turn at 5th Ave and 42nd.",
    "the corner of Church and State, they say", "his 4th & Final, again",
)  # fmt: skip


def crossings(data: bytes) -> Iterator[Range]:
    """Yield two streets that meet."""
    text = data.decode("latin-1")
    codes = codes_in(data)
    for match in _CROSSINGS.finditer(data):
        start, end = match.span()
        said = _TO_CROSSING.match(text, start)
        start = said.end() if said else start
        last = text[start:end].rpartition(" ")[2].rstrip(".")
        if is_stop(text[start:end].split()[0]) or (
            last[0].islower() and not said and last not in _PLAIN_STREETS
        ):
            continue
        stop = tail(text, end, codes)
        if text.startswith(" in ", stop):
            town = tail(text, stop + 3, codes)
            stop = town if town > stop + 3 else stop
        bare = (_TWO_NAMES if said else _TWO_NUMBERS).fullmatch(text, start, end)
        if stop > end or not (bare or (not said and not _ENDS.match(text, end))):
            yield start, stop


# A place with a name in a street without a number: behind a label or the word that leads to it, or
# in a unit of it, it is an address: "Unit G, Reliance Wharf, Hertford Rd N1".
_STREETS = alternatives("en.street", "en.street.soft")
_NAMED_PATTERN = (
    rf"(?:\b(?:{_UNITS}) ?#?[0-9]{{0,4}}[A-Za-z]?,? )?"
    rf"(?:[Tt]he )?[A-Z][A-Za-z'.&-]*(?: [A-Za-z][A-Za-z'.&-]*){{0,3}}, "
    rf"(?:[A-Z][A-Za-z'.-]* ){{1,3}}{_STREETS}\b\.?(?:, [A-Z]| [A-Z]{{1,2}}[0-9])"
)
_NAMED_GATE = r"[A-Za-z'], (?:[A-Z][A-Za-z'.-]* ){1,3}[A-Z][A-Za-z.]*(?:, [A-Z]| [A-Z]+[0-9])"
_NAMED = scanner(_NAMED_PATTERN)
_NAMED_PARTS = re.compile(
    rf"(?P<unit>(?:{_UNITS}) ?#?[0-9]{{0,4}}[A-Za-z]?,? )?"
    r"(?P<name>[^,]+), (?P<street>.+?),? [A-Z]+[0-9]?$",
    re.DOTALL,
)
_NAMED_LEADS = re.compile(rf"{LEADS.pattern}|(?:^|\n|: ?|\()$")
NAMED_MATCHES = (
    "at Tesco Extra, Kingston Rd, New Malden", "pickup: Cherry Trees, Wash Lane, Ely",
)  # fmt: skip
_NAMED_HOUSE_MATCHES = ("Crown Yard, Sheep Street, Skipton", "Mill Mews, Castle Street, Hereford")
_NAMED_REJECTS = (
    "from Boston, Wall Street, London and Paris", "He sings, Abbey Road, London",
    "at Lunch, Main Street Bank", "to Harry Potter, Fleet Street, Sweeney Todd",
    "saw Rockefeller Plaza, Fifth Avenue, New York", "saw East Village, First Avenue, York",
)  # fmt: skip


def named(data: bytes) -> Iterator[Range]:
    """Yield a name, a street without a number and a known town or half a postcode."""
    text = data.decode("latin-1")
    frame = Frame(text)
    codes: list[Range] | None = None
    for match in _NAMED.finditer(data):
        start, end = match.span()
        parts = _NAMED_PARTS.fullmatch(text, start, end)
        if parts is None or any(map(is_stop, parts["street"].split())):
            continue
        if parts["street"].rpartition(" ")[2][0].islower():
            continue
        name = parts["name"].split()
        if any(map(is_stop, name)) or known_end(f", {parts['name']},", 0) > 0:
            continue
        unit = parts["unit"]
        if unit and unit.endswith(", ") and unit[:-2] in _EN_PLACE:
            continue  # "our house, Rose Cottage, Mill Lane"
        led = unit or _NAMED_LEADS.search(text, max(0, start - 16), start)
        if not (led or _is_house(name)):
            continue
        codes = codes_in(data) if codes is None else codes
        stop = tail(text, parts.end("street"), codes)
        placed = known_end(text, parts.end("street")) > 0 or text[stop - 1].isdigit()
        if placed and _ENDS.match(text, stop):
            yield behind_institution(text, frame.head(start, HEAD), stop), stop


# No quarters or sights, which are listed too: "East Village, Fifth Avenue, New York".
_HOUSE_ENDS = frozenset(
    "yard mews mansions maltings apartments chambers buildings gatehouse byre steading steadings"
    " bothy annexe barns smithy smiddy boathouse schoolhouse".split()
)


def _is_house(names: list[str]) -> bool:
    """Tell whether a name says by itself that it is of a house: "Crown Yard", not "Acme Dental"."""
    plain = [name.lower() for name in names]
    capitals = all(name[0].isupper() for name in names)
    return capitals and len(names) > 1 and plain[-1] in _HOUSE_ENDS and plain[0] not in _OPENERS


_OPENERS = words("en.opener") | words("en.not_city") - {"the"}

# A street without a number, a town and the first half of its postcode.
_OUTWARD_PATTERN = (
    rf"\b(?:[A-Z][A-Za-z'-]* ){{1,3}}{alternatives('en.street')}\b\.?,"
    r" [A-Z][A-Za-z'-]* [A-Z]{1,2}[0-9]{1,2}[A-Z]?\b"
)
_OUTWARD = scanner(_OUTWARD_PATTERN)
_OUTWARD_GATE = r"[A-Za-z'.], [A-Z][A-Za-z'-]* [A-Z]{1,2}[0-9]"
_OUTWARD_MATCHES = (
    "Edmund Street, Bradford BD5", "Vicar Lane, Leeds LS1", "Priory Rd., Hull HU5",
)  # fmt: skip
_OUTWARD_REJECTS = (
    "Wall Street, Windows XP3", "Long Road, Sony A7", "the street, Leeds LS1",
    "Abbey Road, Leeds LS99 tickets", "Baker Street, Dell XP13", "Sesame Street, Model X5",
)  # fmt: skip


def outwards(data: bytes) -> Iterator[Range]:
    """Yield a street without a number, a known town and the first half of its postcode."""
    text = data.decode("latin-1")
    for match in _OUTWARD.finditer(data):
        start, end = match.span()
        street = text.index(",", start)
        names = text[start:street].split()
        while len(names) > 2 and (is_stop(names[0]) or names[0].lower() in _OPENERS):
            start = text.index(names[1], start + len(names[0]))
            names = names[1:]
        if names[-1][0].isupper() and known_end(text, street) > 0:
            stop = tail(text, street, [])
            if stop >= end and _ENDS.match(text, stop):
                yield start, stop


# Two streets as a place: "behind Corporation Street and Dale End, Birmingham".
_PAIR_PATTERN = (
    rf"\b(?:[A-Z][A-Za-z']+ ){{1,3}}{alternatives('en.street')}\b\.? (?:and|&) "
    rf"(?:[A-Z][A-Za-z']+ ){{1,3}}{SUFFIX}\b\.?"
)
_PAIR = scanner(_PAIR_PATTERN)
_PAIR_GATE = r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Way)\.? (?:and|&) [A-Z]"
_PAIR_LEADS = re.compile(
    r"(?<![A-Za-z])(?i:at|on|near|around|behind|outside|opposite|between|by|off) $"
)
PAIR_MATCHES = (
    "behind Corporation Street and Dale End, Birmingham", "near Oak Street & Elm Avenue, Boise",
    "between Mill Road and Station Rd., Cambridge CB1",
    "around Fenton Street and Silver Spring Avenue, Silver Spring MD",
)  # fmt: skip
_PAIR_REJECTS = (
    "songs like Abbey Road and Penny Lane, London", "at Wall Street and Main Street, they say",
    "near Coronation Street and Albert Square, both soaps", "on High Street and in Dale End, Leeds",
)  # fmt: skip


def pairs(data: bytes) -> Iterator[Range]:
    """Yield two streets and their town, behind a word that leads to a place."""
    text = data.decode("latin-1")
    codes: list[Range] | None = None
    for match in _PAIR.finditer(data):
        start, end = match.span()
        if not _PAIR_LEADS.search(text, max(0, start - 12), start):
            continue
        names = text[start:end].replace(" & ", " and ").split()
        if any((name[0].islower() and name != "and") or is_stop(name) for name in names):
            continue
        codes = codes_in(data) if codes is None else codes
        stop = tail(text, end, codes)
        state = stop > end and text[max(0, stop - 2) : stop].isupper()
        if (state or known_end(text, end) > 0) and _ENDS.match(text, stop):
            yield start, stop


RULES: tuple[Rule, ...] = (
    Rule("address", (_SHORT_GATE,), short, _SHORT_MATCHES + LED_MATCHES, _SHORT_REJECTS),
    Rule("address", (_HOUSE_GATE,), houses, _HOUSE_MATCHES, _HOUSE_REJECTS),
    Rule(
        "address",
        (_NAMED_GATE,),
        named,
        NAMED_MATCHES + _NAMED_HOUSE_MATCHES,
        _NAMED_REJECTS,
    ),
    Rule("address", (_OUTWARD_GATE,), outwards, _OUTWARD_MATCHES, _OUTWARD_REJECTS),
    Rule("address", (_PAIR_GATE,), pairs, PAIR_MATCHES, _PAIR_REJECTS),
    Rule("address", _TURNED_GATES, turned, _TURNED_MATCHES, _TURNED_REJECTS),
    Rule("address", _CROSSING_GATES, crossings, CROSSING_MATCHES + _NTH_MATCHES, _CROSSING_REJECTS),
)
