"""Addresses as English speakers write them: number, street, unit, town, state or postcode."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sidecar.redact.address_en_place import (
    FLOOR,
    HEAD,
    TOKEN,
    behind_name,
    codes_in,
    is_stop,
    tail,
)
from sidecar.redact.address_item import is_counted, is_listed
from sidecar.redact.address_place import Frame
from sidecar.redact.address_town import LETTER
from sidecar.redact.engine import Scanner, maybe, scanner
from sidecar.redact.rule import NOTHING, Nearby, Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_EN_COMMON = words("en.common")
_EN_DIRECTION = words("en.direction")
_EN_LABEL = words("en.label")
_EN_MEASURE = words("en.measure")
_EN_STREET = words("en.street")
_EN_UNIT = words("en.unit") - {"no", "number"}

STREET_MATCHES = (
    "12 Baker Street", "221B Baker St., Apt 4, Springfield, IL 62704", "6649-B Cedar Avenue",
    "19614 1/2 Hawthorne Trail, Boise, ID", "7703 willow creek terrace",
    "11249 JEFFERSON BOULEVARD UNIT 6C BOISE ID 83702", "8032 Bowery, New York, NY 10013",
    "Suite 18 at 9567 Jefferson Terrace, Brooklyn",
    "Flat 3, 12 Albert Way, Glasgow, G12 8LH", "84 victoria crescent london n1 7bt",
    "One S. Wacker Dr., Ste. 2050, Chicago, IL 60606", "46 High Avenue, London, UK",
    "Flat 4, 27 Linden Rd", "Flat 6C 81b Orchard Close",
    "2f1, 30 Comely Bank Road, Edinburgh EH4 1AW",
    "14 Castlegate", "9 The Maltings, Leeds", "201 Piccadilly, London W1",
    "12 Mill Lane, Ripley, Surrey",
    "77 Calle Luna, Santa Fe, NM",
    "2200 Farm to Market Road 973, Manor, TX 78653", "31 elm st salt lake city ut",
    "5 old forge rd",
    "1900 Avenue of the Stars, Los Angeles 90067", "7 Oak Ct\nSan Diego", "6 Fox Run, Kansas City",
    "64 18 Birch Road", "twenty-two hundred Wilson Boulevard, Boise",
    "508 e 2nd", "455 North 200 East, Logan",
    "no. 7 Larch Ave", "12 Elm St - Suite 5 | Boise, ID 83702",
    "5500 county road 12, wiggins ms",
    "3 Ash Cottages, by Kirkmichael, Ayrshire KA19", "9 Sandown Ct, Tower Rd N, Ely",
    "4770 old us hwy 41, Valdosta, GA 31601", "29 Whitcomb Avenue, Jamaica Plain",
    "476 Fifth Avenue (at 42nd Street), New York, NY", "12 Mill Lane (rear entrance), Leeds",
    "Plot 17 (to be 6 Harvest Way), Wixams, Bedford", "rear of 70 Queens Road, Rochdale",
    "5 the crescent, filey, north yorks", "60 Burley Lodge Rd, Leeds 6",
    "5 Beach Rd, Sandringham Vic 3191",
    "23 Grattan Street Cork T12 RK76", "1 Fitzwilliam Square, Dublin 2, D02X576",
    "Fourteen Mount Pleasant, Tenby", "Rose Bank, 71 Victoria Road, Southport",
    "thirty-one oh five Maple Avenue, Dayton, four five four oh five",
    "17 Mile Marker Rd, HC 60 Box 4, Challis ID 83226", "12 acre lane, london sw2",
    "3rd Floor, Cobalt Square, 83-85 Hagley Road, Birmingham B16 8QG",
    "Flat 5 Rear of 211 Kilburn High Rd NW6 7JG", "Upper Flat, 16 Dalkeith Terrace, Dundee",
    "Plot 14, Saxon Fields, off Bury Road, Thetford",
)  # fmt: skip
BOX_MATCHES = ("PSC 797, Box 4303, APO AE 09266", "PO Box 12, Boise, ID 83702")
REJECTS = (
    "take the second road on the right", "the 5 lane highway was jammed", "a 10 minute drive",
    "she came in 2nd place, way ahead of 4th", "room 519, floor 8", "2 tennis court bookings",
    "we walked 3 blocks down the road", "on 4 July Park Street was closed", "section 5 of the act",
    "IBAN 2420 5560 7365 12 It's the road to ruin",
    "300 free lives way too easy", "Write to Ann Lee in 12345 days",
    "Stable in Build 10234 or 10235",
    "Flight number E172SP history", "12 Norway", "3 Safeway vouchers",
    "12 Square holes for round pegs", "12 models compared, OR gate 5",
    "40 N 74 W", "21 jump street", "to 1 decimal place",
    "Under 26 U.S.C. 501, the Court held", "flight 1182 leaves gate B14",
    "4 bugs in the login drive us", "3 bed terrace, Leeds", "2 acre gardens, NT members free",
    "1 Abbey Road, 2 Revolver, 3 Help", "1 Point Break, 2 Mulholland Drive, 3 Sunset Boulevard",
    "list 10 Wall Street films", "worth 4 Park Lane Theater tickets", "84, Charing Cross Road",
)  # fmt: skip

_WORD = rf"(?:{LETTER}[A-Za-z\xc0-\xff'.&-]{{0,24}}|[0-9]{{1,4}}(?i:st|nd|rd|th)?)"
NUMBER = (
    r"(?:[0-9]{1,6}(?:[A-Za-z]|[-/][0-9]{1,6}[A-Za-z]?|-[A-Za-z])?(?: [13]/[234])?"
    rf"|[NSEW][0-9]{{1,5}}(?:[NSEW][0-9]{{1,6}})?|[0-9]{{1,2}}[NSEW][0-9]{{2,5}}"
    rf"|{alternatives('en.number')})"
)
_HOUSE_NUMBER = re.compile(NUMBER)
SUFFIX = alternatives("en.street", "en.street.weak")
HIGHWAY = (
    r"(?i:(?:old )?(?:u\.?s\.? |state |county |interstate |private )?"
    r"(?:highway|hwy|route|rte|road|rd|spur|loop)|(?:farm|ranch) to market (?:road|rd)"
    r"|s\.?r\.?|c\.?r\.?|us|fm|rr|i)"
    r"\.?(?: ?#| no\.?)?[ -][0-9]{1,5}[A-Za-z]?"
)
_DIRECTION = alternatives("en.direction")
_PREFIX = (
    rf"{alternatives('en.street.before')} (?:(?i:de|del|la|las|los|el|y|the) ){{0,2}}{LETTER}+"
    r"|(?i:calle) [0-9]{1,4}(?: (?i:[sn][oe]))?\b"
)
_ONE_WORD = (
    r"(?:[A-Z][A-Za-z][A-Za-z]+(?i:way|gate|bank)|The [A-Z][a-z]+s"
    rf"|{alternatives('en.street.alone')})\b"
)
# A street that is a number itself takes a direction: "508 E 2nd", in Utah "455 North 200 East".
_GRID_PATTERN = (
    rf"[0-9]{{2,5}},? {_DIRECTION} [0-9]{{1,3}}(?i:st|nd|rd|th)\b"
    rf"|[0-9]{{3,5}} {_DIRECTION} [0-9]{{3,5}} {_DIRECTION}\b"
)
_NAMED_PATTERN = (
    rf"\b{NUMBER},? (?:{_DIRECTION} )?"
    rf"(?:{HIGHWAY}|(?i:avenue|ave) (?:of the {LETTER}+|[A-Z](?:-[0-9]{{1,2}})?)\b"
    rf"|{_PREFIX}|{_ONE_WORD})"
    rf"|\b{NUMBER},? (?:{_WORD} ){{1,5}}?{SUFFIX}\b\.?"
)
_CORE_PATTERN = rf"\b{_GRID_PATTERN}|{_NAMED_PATTERN}"
_AFTER_SUFFIX = re.compile(
    rf" (?:(?:{alternatives('en.street')}|{_DIRECTION})\b\.?"
    rf"|(?=[A-Z]){alternatives('en.street.weak')}\b\.?|(?i:(?<=avenue )of the) {LETTER}+"
    r"|(?i:(?<=county rd )|(?<=county road )|(?<=state rd )|(?<=state road )|(?<=ranch rd ))"
    r"[0-9]{1,5}\b)"
)
_FARM_ROAD = re.compile(rf"(?: [A-Z][A-Za-z']+){{1,2}} (?=[A-Z]){alternatives('en.street')}\b\.?")
# "9 st james' gardens"
_SAINT = re.compile(r"[0-9],? (?i:st)\.?$")
_SAINT_STREET = re.compile(rf" {LETTER}[A-Za-z'-]+(?: {LETTER}[A-Za-z'-]+)?? {SUFFIX}\b\.?")
_STRONG_END = re.compile(rf"(?<![A-Za-z]){alternatives('en.street')}\.?$")
_LEADING_UNIT = re.compile(
    rf"(?:\b(?:{LETTER}{{3,12}} (?i:hall|house|tower|towers|court|building|bldg) )?"
    rf"{alternatives('en.unit')}\.? ?#? ?"
    r"(?:[A-Za-z]?-?[0-9]{1,5}(?:/[0-9])?[A-Za-z]?|[A-Za-z]\b)(?: \([A-Za-z0-9 ]{1,14}\))?"
    rf"|#[A-Za-z0-9-]{{1,6}}|\b(?:[0-9]{{1,2}}[fF/]|[pP][fF])[0-9]|\b{FLOOR}"
    rf"|\b(?i:top|ground|upper|lower|first|second|basement|garden|attic)(?i: floor)?(?i: flat)?"
    r"(?i: left| right| rear| front)?)"
    r"(?:,{1,2} ?|,? at | - | |,?\n)$|(?<![A-Za-z0-9$#./:@+_-])[0-9]{1,5} $"
)
_UNIT_OUTSIDE = re.compile(
    rf"\b{alternatives('en.unit')}\.? ?#?[0-9]{{1,5}}[A-Za-z]? "
    r"\((?:(?i:to be|will be|now|soon|formerly|previously|was|old|new|also|aka|known as) )?$"
)
# `re` tries it at every character: RE2 tells whether that is worth while.
_MAYBE_LEADING_UNIT = maybe(_LEADING_UNIT)
_LEADS = (", ", ",,", " at ", " - ", "\n", *(f"{digit} " for digit in range(10)))
_LETTER_LEAD = re.compile("[0-9 ][A-Za-z] $")


def _street(text: str, begin: int, end: int, codes: Sequence[Range]) -> Range:
    """Return number, street and what stands around them."""
    after = _AFTER_SUFFIX.match(text, end)
    while after:
        end = after.end()
        after = _AFTER_SUFFIX.match(text, end)
    saint = _SAINT_STREET.match(text, end) if _SAINT.search(text, begin, end) else None
    end = saint.end() if saint else end
    farm = _FARM_ROAD.match(text, end) if text[end + 1 : end + 2].isupper() else None
    if farm and not _STRONG_END.search(text, begin, end):
        end = farm.end()
    origin = max(0, begin - _LOOK_BACK)
    start = _street_start(text[origin:end], begin - origin) + origin
    if start < origin or text[start:end].rstrip(".").replace(",", "").lower() in _TITLES:
        return NOTHING
    if _CLAUSE.match(text, start) or _GERMAN.match(text, start, end + 2):
        return NOTHING
    if _is_measure(text[start:end].split()[1:]):
        return NOTHING
    lead = text[max(0, start - _LOOK_BACK) : start]
    leads = lead.endswith(_LEADS) or _LETTER_LEAD.search(lead)
    unit = None
    if leads and _MAYBE_LEADING_UNIT.search(lead.encode("latin-1")):
        unit = _LEADING_UNIT.search(text, start - len(lead), start)
    # "Plot 17 (to be 6 Harvest Way), Wixams, Bedford"
    closed = text[end : end + 1] == ")"
    outside = _UNIT_OUTSIDE.search(text, start - len(lead), start) if closed else None
    unit = outside or unit
    stop = tail(text, end + (outside is not None), codes)
    alone = stop == end and unit is None
    if alone and (is_listed(text, start, end) or is_counted(text, start, end)):
        return NOTHING
    inside = unit and unit.group()[0] not in "nN0123456789"  # "No. 5, 12 more lanes"
    if stop > end or inside or _is_street(*_around(text, start, end)):
        first = unit.start() if unit else start - _lead_size(lead)
        return behind_name(text, Frame(text).head(first, HEAD), start), stop
    return NOTHING


def _lead_size(lead: str) -> int:
    """Return the size of the words that belong to a number: "no. 7", "Plot 14, Ash Rise"."""
    if lead.endswith(_REARS):
        rear = _REAR.search(lead)
        if rear:
            return len(rear.group(1))
    if _MAYBE_SPELLED.search(lead.encode("latin-1")):
        spelled = SPELLED_NUMBER.search(lead) or _MORE_NUMBERS.search(lead)
        if spelled:
            return len(spelled.group(1))
    before, _, word = lead[:-1].rpartition(" ") if lead[-1:] == " " else ("", "", "")
    if word.islower() and before.rpartition(" ")[2] in _WITH_ROOM:
        return 0  # "i rent a room 1340 e 9th st"
    return len(word) + 1 if word.lower() in _EN_UNIT else 0


_REARS = ("ear of ", "/o ", "/O ", "adj ", "adj. ", "adjacent to ", "adjoining ")
# "collection: rear of 70 Queensway", but "parked at the rear of 70 Queensway"
_REAR = re.compile(
    r"(?:^|[^A-Za-z ] ?|(?:from|at|to|is|address) )"
    rf"((?:{alternatives('en.unit')} [0-9]{{1,4}}[A-Za-z]?,? )?"
    r"(?:(?:(?:[Ll]and|[Gg]arages?) (?:to )?)?(?:[Rr]ear of|[Rr]/[Oo])"
    r"|[Ll]and (?:adj\.?|adjacent to|adjoining)) )$"
)
_MORE_NUMBERS = re.compile(  # "twenty-two hundred"
    rf"(?<![A-Za-z])((?:{alternatives('en.number')}(?: and)?[ -](?:(?i:oh)[ -])?)+)$"
)
# In lower case and without a dot it may be the word: "theres no 12 Hill View".
SPELLED_NUMBER = re.compile(
    r"(?:^|[^A-Za-z0-9. ] ?|(?<![A-Za-z])[a-z]+ )"  # not of a capital: "Symphony No. 5"
    r"((?:(?i:no\.|num\.?|number)|N[oO]"
    r"|(?:(?<=at )|(?<=to )|(?<=of )|(?<=from )|(?<=near )|(?<=behind )|(?<=outside )"
    r"|(?<=opposite ))no) ?#? ?)$"
)
_GLUED_NO = re.compile(r"(?:^|[ ,(\n])[Nn]o\.$")  # "no.45 Mill Road"
_MAYBE_SPELLED = maybe(SPELLED_NUMBER, _MORE_NUMBERS)


def _street_start(text: str, start: int) -> int:
    """Return where the number of the street is, or -1: words that stop an address may intervene."""
    tokens = [(m.start(), m.group()) for m in TOKEN.finditer(text, start)]
    for index in range(len(tokens) - 2, 0, -1):
        if is_stop(tokens[index][1]) and not _is_of_road(*tokens[max(0, index - 1) : index + 2]):
            tokens = tokens[index + 1 :]
            break
    found = _which_number(text, tokens)
    if found < 0:
        return -1
    position = tokens[found][0]
    last = text[max(0, position - 1) : position]
    words = last == "-" and text[position].isalpha()  # "twenty-two"
    glued = last in GLUE and not words
    if last.isalnum() or (glued and not _GLUED_NO.search(text, max(0, position - 5), position)):
        return -1
    before = text[max(0, position - _LOOK_BACK) : position] if last == " " else ""
    if before[-2:-1].isdigit() and _NUMBERS_BEFORE.search(before):
        return -1  # the end of an account number
    return position


def _which_number(text: str, tokens: list[tuple[int, str]]) -> int:
    """Return which token is the number of the house, or -1."""
    if _GRID.fullmatch(text, tokens[0][0]):
        return 0
    found = prose = -1
    alone = any(_NAME_ALONE.fullmatch(text, at) for at, _ in tokens[-2:])
    alone = alone or _ROAD_NUMBER.fullmatch(tokens[-1][1]) is not None
    for index, ((position, token), (_, following)) in enumerate(pairwise(tokens)):
        if _HOUR.fullmatch(token):  # "10h, 12 rue Foch"
            continue
        if _HOUSE_NUMBER.fullmatch(token) and not _LONG_NUMBER.fullmatch(following):
            # Of two numbers the later one, if no street has both: "Flat 1, 2 High Street".
            comma = text[position - 2] == ","
            later = prose > found or (
                token[0].isdigit() and "/" not in token and (index == found + 1 or comma)
            )
            nameless = index == len(tokens) - 2 and not alone
            if nameless and prose > found >= 0:
                return -1  # "5000 Lyon au 55 boulevard"
            if not nameless and (found < 0 or later):
                found = index
        elif token.islower() and len(token) > 1 and token not in _EN_DIRECTION:
            prose = index
    return found


_CLAUSE = re.compile("[0-9]+, the [A-Z]")  # "under section 501, the Court"
# "geb. 1991, Hammer Str. 233"
_GERMAN = re.compile(r"[0-9]+, [^,\n]+ (?i:str\.?|stra\xdfe|strasse) [0-9]")
_HOUR = re.compile("[0-2]?[0-9]h")
_NAME_ALONE = re.compile(_ONE_WORD)
_ROAD_NUMBER = re.compile("[A-Za-z.]+-[0-9]+[A-Z]?")  # "4400 US-191"


def _is_of_road(before: tuple[int, str], word: tuple[int, str], after: tuple[int, str]) -> bool:
    """Tell whether a word is of the name of a road: "Farm to Market Road 5", "us hwy 41"."""
    us = word[1].lower() == "us" and after[1].lower().strip(".") in _HIGHWAYS
    return us or before[1].lower() in ("farm", "ranch")


_HIGHWAYS = frozenset({"highway", "hwy", "route", "rte"})
_FRACTION = re.compile("[13]/[234]")
_NOT_ALONE = frozenset(
    "Norway Galway Subway Railway Highway Gateway Runway Hallway Driveway Databank".split()
)
_ENDS = re.compile(r"[,.;:)?!\n]| [^A-Za-z0-9\xc0-\xff]|$")
GLUE = frozenset("$#-_/.:@+\xa2\xa4")
_LOOK_BACK = 24  # from a house number
_REACH = 360  # of what stands before it, and before that
_LONG_NUMBER = re.compile("[0-9]{4,}")
_NUMBERS_BEFORE = re.compile(r"[0-9]{4,} [0-9]{4,} $")
YEAR = re.compile("(?:19|20)[0-9]{2}")
_PLAIN_STREETS = frozenset(
    "street st road rd avenue ave boulevard blvd lane ln terrace crescent".split()
)
_PLAIN = _EN_COMMON | _EN_MEASURE
_PLAIN_MEASURE = _EN_MEASURE | words("en.measure.plain")
_HOUSES = frozenset({"terrace", "mews", "close", "place"})
_SHORT_STREETS = frozenset("rd st ave ln blvd cres pkwy hwy".split())
SMALL = frozenset("of the and de la del le les van von at on in upon under".split())
_FRENCH_ORDER = frozenset({"avenue", "boulevard", "route"})
# A street whose name is also an ordinary word, or has no word for street, stands between these.
LEADS = re.compile(
    r"(?<![A-Za-z])(?i:at|from|to|outside|near|behind|opposite|of|is|by|past|around)"
    r"(?: no\.?| number)? $"
)
FOLLOWS = re.compile(
    r"$|[,.;:)?!\n]|(?:'s)? (?:at|around|by|on|before|after|and|for|in|not|please|pls|plz|thanks"
    r"|thx|asap|today|tomorrow|tonight|last|this|every|lol|near|to|but|or|with|until|till|because"
    r"|is|has|have|if|so|when|where|who|which|that|again|now|right|instead|next)\b"
)
_SOFT_STREETS = frozenset("gardens grove villas croft wharf quay rise mount walk hill".split())
_OWNERS = frozenset("my our the his her their your".split())
_ARTICLES = frozenset({"a", "an", "this", "that", "every", "each", "of", "no"})
_WITH_ROOM = _ARTICLES | _OWNERS


def _around(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Return what `_is_street` looks at."""
    origin = max(0, start - 12)
    return text[origin : end + 12], start - origin, end - origin


def _is_street(text: str, start: int, end: int) -> bool:
    """Decide about a number and a street without a town."""
    number, *names = text[start:end].split()
    if _GRID.fullmatch(text[start:end]):
        return True
    if _HIGH_STREET.fullmatch(" ".join(names)):
        return FOLLOWS.match(text, end) is not None
    if len(names) < 3 and _NAME_ALONE.fullmatch(" ".join(names)):
        return names[0].title() not in _NOT_ALONE and _ENDS.match(text, end) is not None
    if len(names) == 2 and names[0] == "The":
        return FOLLOWS.match(text, end) is not None  # "2 The Green party MPs"
    names = names[1:] if names and _FRACTION.fullmatch(names[0]) else names
    if any(name[-1] == "." and len(name) > 5 for name in names[:-1]):
        return False  # a sentence ends before the last word
    names = [name.strip(".,") for name in names]
    adverb = names[-1:] == ["way"] and _ADVERB.match(text, end)
    # "Str. 53, wir sind die St.-Martin-Str. 35"
    prose = number[-1] == "," and names[0].islower() and not names[-1].islower()
    if len(names) < 2 or names[0].lower() in _EN_MEASURE or adverb or prose:
        return False
    before = (text[max(0, start - 12) : start].lower().split() or [""])[-1]
    if before in _EN_LABEL or (before == "in" and YEAR.fullmatch(number)):
        return False
    if not names[0][0].islower():
        return _is_capital_street(number, names)
    lower = [name.lower() for name in names]
    if lower[-1] in _SOFT_STREETS and _PLAIN.isdisjoint(lower[:-1]):
        led = LEADS.search(text, max(0, start - 12), start)
        return led is not None and FOLLOWS.match(text, end) is not None
    return before not in _ARTICLES and number[0].isdigit() and _is_plain_street(lower)


def _is_measure(names: list[str]) -> bool:
    """Tell whether a number measures what has the name of a street: "3 bed terrace", "2 acre park".

    That is nothing that a town behind it could change.
    """
    if not names or not (names[0].islower() and names[-1].islower()):
        return False
    weak = names[-1].rstrip(".") not in _EN_STREET
    return (weak or names[-1] in _HOUSES) and names[0] in _PLAIN_MEASURE


def _is_capital_street(number: str, names: list[str]) -> bool:
    """Decide about names of which the first has a capital."""
    if names[-1].isdigit() and (len(number) > 2 or len(names) > 2):
        return True  # a highway
    if not (names[-1][0].isupper() or names[-1] in _PLAIN_STREETS):
        return False
    weak = names[-1].lower() not in _EN_STREET
    return not weak or all(name[0].isupper() or name in SMALL for name in names[1:-1])


def _is_plain_street(names: list[str]) -> bool:
    """Decide about names in lower case."""
    if _EN_STREET.isdisjoint(names[1:]) or names[0] in _FRENCH_ORDER:
        return False
    short = len(names) > 2 and names[-1] in _SHORT_STREETS
    return (_EN_MEASURE if short else _PLAIN).isdisjoint(names[:-1])


_TITLES = words("en.title")
_GRID = re.compile(_GRID_PATTERN)
_HIGH_STREET = re.compile("(?i:high (?:street|st|road|rd)\\.?)")
# "200 spins way too good"
_ADVERB = re.compile(r" (?:too|more|less|better|worse|ahead|out|up|off|over|back|before|after)\b")


_BOX_PATTERN = (
    r"\b(?i:p\.? ?o\.? ?box|post office box|p\.? ?o\.? ?b\.?|lock ?box|drawer|psc|unit|cmr|rr|hc"
    r"|bfpo|rural route)"
    r" ?(?:# ?|no\.? ?)?[0-9]{1,7}[A-Za-z]?(?:,? ?(?i:box) ?#? ?[0-9]{1,6})?\b"
)
_MILITARY = re.compile(
    r"(?:[ ,]{1,3}\n?|\n)(?i:apo|fpo|dpo)[ ,]{1,2}(?i:a[aep])[ ,]{1,2}[0-9]{5}(?:-[0-9]{4})?"
)


def _box(text: str, start: int, end: int, codes: Sequence[Range]) -> Range:
    """Return a post office box or a military address."""
    value = text[start:end].lower()
    military = _MILITARY.match(text, end)
    stop = military.end() if military else tail(text, end, codes)
    if stop > end or "box" in value or value.startswith(("p", "bfpo")):
        return Frame(text).head(start, HEAD), stop
    return NOTHING


# Gates ask for less than the patterns: what they spell out makes the gate large.
_GATE_WORD = _WORD.replace("{0,24}", "*")
_STREET_GATE = (
    rf"(?:[0-9](?:-?[A-Za-z])?|\b{alternatives('en.number')}),? "
    rf"(?:(?:{_DIRECTION} )?(?:{HIGHWAY}|(?i:avenue|ave) (?:of the {LETTER}|[A-Z]\b)"
    rf"|{_PREFIX}|{_ONE_WORD})|(?:{_GATE_WORD} ){{1,5}}?{SUFFIX}\b)"
)
_GRID_GATE = r"[0-9],? (?i:[nsew])[A-Za-z]*\.? [0-9]"
_CORE, _BOX = map(scanner, (_CORE_PATTERN, _BOX_PATTERN))


def _near(data: bytes, scan: Scanner, decide: Callable[..., Range]) -> Iterator[Range]:
    """Yield what is decided about the matches in a view."""
    if found := [match.span() for match in scan.finditer(data)]:
        text = data.decode("latin-1")
        nearby = Nearby(text, decide, _REACH, codes_in(data))
        for begin, end in in_turns(found):
            start, stop = nearby.range(begin, end)
            if start < stop:
                yield start, stop


def streets(data: bytes) -> Iterator[Range]:
    """Yield the addresses of number and street in a view; ranges may overlap."""
    return _near(data, _CORE, _street)


def boxes(data: bytes) -> Iterator[Range]:
    """Yield the post office boxes and military addresses in a view."""
    return _near(data, _BOX, _box)


RULES: tuple[Rule, ...] = (
    Rule("address", (_STREET_GATE, _GRID_GATE), streets, STREET_MATCHES, REJECTS),
    Rule("address", (_BOX_PATTERN,), boxes, BOX_MATCHES),
)
