"""Addresses as English speakers write them: number, street, unit, town, state or postcode."""

import re
from collections.abc import Iterator
from itertools import pairwise

from sidecar.redact.address_en_place import (
    AU_CODE,
    CA_CODE,
    COUNTRY,
    FLOOR,
    HEAD,
    PHONE_AFTER,
    SEP,
    STATE,
    TOKEN,
    UK_CODE,
    ZIP,
    ZIPS,
    behind_institution,
    codes_in,
    is_stop,
    tail,
)
from sidecar.redact.address_place import LETTER, Frame
from sidecar.redact.engine import Scanner, scanner
from sidecar.redact.rule import Decisions, Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_EN_COMMON = words("en.common")
_EN_DIRECTION = words("en.direction")
_EN_LABEL = words("en.label")
_EN_MEASURE = words("en.measure")
_EN_NOT_CITY = words("en.not_city")
_EN_OPENER = words("en.opener")
_EN_PLACE = words("en.place")
_EN_STOP = words("en.stop")
_EN_STREET = words("en.street")
_EN_UNIT = words("en.unit") - {"no", "number"}
_US_CODE = words("us.code")
_WORD_CODE = words("us.code.word")

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
)  # fmt: skip
BOX_MATCHES = ("PSC 797, Box 4303, APO AE 09266", "PO Box 12, Boise, ID 83702")
CODE_MATCHES = (
    "LS6 2ST", "Highway 80, Allentown, GA 31003", "The Old Bakery, High Way, Norwich, NR2 3SX",
    "FPO AE 25990", "Rosewood Court, 12 Mill Lane, Ripley GU23 6AA",
    "Kingsway House, 103 Kingsway, London WC2B 6QX",
    "Ivy Cottage\nBack Lane\nRamsbury\nMarlborough SN8 2QH",
)  # fmt: skip
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
)  # fmt: skip

_WORD = rf"(?:{LETTER}[A-Za-z\xc0-\xff'.&-]{{0,24}}|[0-9]{{1,4}}(?i:st|nd|rd|th)?)"
_NUMBER = (
    r"(?:[0-9]{1,6}(?:[A-Za-z]|[-/][0-9]{1,6}[A-Za-z]?|-[A-Za-z])?(?: [13]/[234])?"
    rf"|[NSEW][0-9]{{1,5}}(?:[NSEW][0-9]{{1,6}})?|[0-9]{{1,2}}[NSEW][0-9]{{2,5}}"
    rf"|{alternatives('en.number')})"
)
_HOUSE_NUMBER = re.compile(_NUMBER)
SUFFIX = alternatives("en.street", "en.street.weak")
_HIGHWAY = (
    r"(?i:(?:u\.?s\.? |state |county |old |interstate |private )?"
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
    rf"\b{_NUMBER},? (?:{_DIRECTION} )?"
    rf"(?:{_HIGHWAY}|(?i:avenue|ave) (?:of the {LETTER}+|[A-Z])\b|{_PREFIX}|{_ONE_WORD})"
    rf"|\b{_NUMBER},? (?:{_WORD} ){{1,5}}?{SUFFIX}\b\.?"
)
_CORE_PATTERN = rf"\b{_GRID_PATTERN}|{_NAMED_PATTERN}"
_AFTER_SUFFIX = re.compile(
    rf" (?:(?:{alternatives('en.street')}|{_DIRECTION})\b\.?"
    rf"|(?=[A-Z]){alternatives('en.street.weak')}\b\.?|(?i:(?<=avenue )of the) {LETTER}+"
    r"|(?i:(?<=county rd )|(?<=county road )|(?<=state rd )|(?<=state road )|(?<=ranch rd ))"
    r"[0-9]{1,5}\b)"
)
_FARM_ROAD = re.compile(rf"(?: [A-Z][A-Za-z']+){{1,2}} (?=[A-Z]){alternatives('en.street')}\b\.?")
_STRONG_END = re.compile(rf"(?<![A-Za-z]){alternatives('en.street')}\.?$")
_LEADING_UNIT = re.compile(
    rf"(?:\b(?:{LETTER}{{3,12}} (?i:hall|house|tower|towers|court|building|bldg) )?"
    rf"{alternatives('en.unit')}\.? ?#? ?"
    r"(?:[A-Za-z]?-?[0-9]{1,5}(?:/[0-9])?[A-Za-z]?|[A-Za-z]\b)(?: \([A-Za-z0-9 ]{1,14}\))?"
    rf"|#[A-Za-z0-9-]{{1,6}}|\b(?:[0-9]{{1,2}}[fF/]|[pP][fF])[0-9]|\b{FLOOR}"
    rf"|\b(?i:top|ground|first|second|basement|garden)(?i: floor)?(?i: flat)?"
    r"(?i: left| right| rear| front)?)"
    r"(?:,{1,2} ?|,? at | - | |,?\n)$|(?<![A-Za-z0-9$#./:@+_-])[0-9]{1,5} $"
)
_LEADS = (", ", ",,", " at ", " - ", "\n", *(f"{digit} " for digit in range(10)))
_LETTER_LEAD = re.compile("[0-9 ][A-Za-z] $")


def _streets(text: str, cores: list[Range], codes: list[Range]) -> Iterator[Range]:
    """Yield number, street and what follows them."""
    starts, whole, frame = Decisions(_street_start), Decisions(_is_street), Frame(text)
    for begin, end in in_turns(cores):
        after = _AFTER_SUFFIX.match(text, end)
        while after:
            end = after.end()
            after = _AFTER_SUFFIX.match(text, end)
        farm = _FARM_ROAD.match(text, end) if text[end + 1 : end + 2].isupper() else None
        if farm and not _STRONG_END.search(text, begin, end):
            end = farm.end()
        origin = max(0, begin - _LOOK_BACK)
        start = starts[text[origin:end], begin - origin] + origin
        if start < origin or text[start:end].rstrip(".").lower() in _TITLES:
            continue
        lead = text[max(0, start - _LOOK_BACK) : start]
        leads = lead.endswith(_LEADS) or _LETTER_LEAD.search(lead)
        unit = leads and _LEADING_UNIT.search(text, start - len(lead), start)
        stop = tail(text, end, codes)
        inside = unit and unit.group()[0] not in "nN0123456789"  # "No. 5, 12 more lanes"
        if stop > end or inside or whole[_around(text, start, end)]:
            start = unit.start() if unit else start - _lead_size(lead)
            yield behind_institution(text, frame.head(start, HEAD)), stop


def _lead_size(lead: str) -> int:
    """Return the size of the words that belong to a number: "no. 7", "Plot 14, Ash Rise"."""
    spelled = SPELLED_NUMBER.search(lead) or _MORE_NUMBERS.search(lead)
    if spelled:
        return len(spelled.group(1))
    word = lead[:-1].rpartition(" ")[2] if lead[-1:] == " " else ""
    return len(word) + 1 if word.lower() in _EN_UNIT else 0


_MORE_NUMBERS = re.compile(  # "twenty-two hundred"
    rf"(?<![A-Za-z])((?:{alternatives('en.number')}(?: and)?[ -])+)$"
)
# In lower case and without a dot it may be the word: "theres no 12 Hill View".
SPELLED_NUMBER = re.compile(
    r"(?:^|[^A-Za-z0-9. ] ?|(?<![A-Za-z])[a-z]+ )"  # not of a capital: "Symphony No. 5"
    r"((?:(?i:no\.|num\.?|number)|N[oO]|(?:(?<=at )|(?<=to )|(?<=of ))no) ?#? ?)$"
)


def _street_start(text: str, start: int) -> int:
    """Return where the number of the street is, or -1: words that stop an address may intervene."""
    tokens = [(m.start(), m.group()) for m in TOKEN.finditer(text, start)]
    for index in range(len(tokens) - 2, 0, -1):
        if is_stop(tokens[index][1]) and tokens[index - 1][1].lower() not in _MARKET:
            tokens = tokens[index + 1 :]
            break
    found = _which_number(text, tokens)
    if found < 0:
        return -1
    position = tokens[found][0]
    last = text[max(0, position - 1) : position]
    words = last == "-" and text[position].isalpha()  # "twenty-two"
    if last.isalnum() or (last in GLUE and not words):
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


_HOUR = re.compile("[0-2]?[0-9]h")
_NAME_ALONE = re.compile(_ONE_WORD)
_ROAD_NUMBER = re.compile("[A-Za-z.]+-[0-9]+[A-Z]?")  # "4400 US-191"
_MARKET = frozenset({"farm", "ranch"})  # "Farm to Market Road 5"
_FRACTION = re.compile("[13]/[234]")
_NOT_ALONE = frozenset(
    "Norway Galway Subway Railway Highway Gateway Runway Hallway Driveway Databank".split()
)
_ENDS = re.compile(r"[,.;:)?!\n]| [^A-Za-z0-9\xc0-\xff]|$")
GLUE = frozenset("$#-_/.:@+\xa2\xa4")
_LOOK_BACK = 24  # from a house number
_LONG_NUMBER = re.compile("[0-9]{4,}")
_NUMBERS_BEFORE = re.compile(r"[0-9]{4,} [0-9]{4,} $")
YEAR = re.compile("(?:19|20)[0-9]{2}")
_PLAIN_STREETS = frozenset(
    "street st road rd avenue ave boulevard blvd lane ln terrace crescent".split()
)
_PLAIN = _EN_COMMON | _EN_MEASURE
_SHORT_STREETS = frozenset("rd st ave ln blvd cres pkwy hwy".split())
_SMALL = frozenset("of the and de la del le les van von at on in upon under".split())
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
_ARTICLES = frozenset({"a", "an", "this", "that", "every", "each", "of", "no"})


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
    names = names[1:] if names and _FRACTION.fullmatch(names[0]) else names
    if any(name[-1] == "." and len(name) > 5 for name in names[:-1]):
        return False  # a sentence ends before the last word
    names = [name.strip(".,") for name in names]
    adverb = names[-1:] == ["way"] and _ADVERB.match(text, end)
    if len(names) < 2 or names[0].lower() in _EN_MEASURE or adverb:
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


def _is_capital_street(number: str, names: list[str]) -> bool:
    """Decide about names of which the first has a capital."""
    if names[-1].isdigit() and (len(number) > 2 or len(names) > 2):
        return True  # a highway
    if not (names[-1][0].isupper() or names[-1] in _PLAIN_STREETS):
        return False
    weak = names[-1].lower() not in _EN_STREET
    return not weak or all(name[0].isupper() or name in _SMALL for name in names[1:-1])


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


def _boxes(text: str, boxes: list[Range], codes: list[Range]) -> Iterator[Range]:
    """Yield post office boxes and military addresses."""
    frame = Frame(text)
    for start, end in in_turns(boxes):
        value = text[start:end].lower()
        military = _MILITARY.match(text, end)
        stop = military.end() if military else tail(text, end, codes)
        if stop > end or "box" in value or value.startswith(("p", "bfpo")):
            yield frame.head(start, HEAD), stop


# From the right: a state with a ZIP, or a postcode; the address is what precedes it.
_RIGHT_PATTERN = rf"\b{STATE}[ ,.]{{1,3}}{ZIPS}|, [A-Z][A-Z]\b|\b{UK_CODE}|\b{CA_CODE}|{AU_CODE}"
_HOUSE = re.compile(rf"#?{_NUMBER},?|[0-9]+(?i:st|nd|rd|th)|#")
_LEAD = re.compile(
    r"(?i:p\.?o\.?|box|suite|ste|apt|flat|unit|dept|department|lock|lockbox|drawer|route|highway|hwy"
    r"|rr|apo|fpo|dpo|msc|customer|psc|junction|spur|lot|floor)\.?,?"
)
_PLAIN_WORD = re.compile("[a-z]{3,}")
_GLUED = re.compile(r"[-/_.#]")
_GLUED_RIGHT = re.compile(r"[A-Za-z0-9_-]")
_DIGITS_AFTER = re.compile(rf"{SEP}[0-9]{{5}}")
_ZIP_AFTER = re.compile(rf"{SEP}(?:{ZIP}|{CA_CODE})")
_A_DIGIT = re.compile("[0-9]")
_UPPER_CODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}")


def _from_the_right(text: str, rights: list[Range]) -> Iterator[Range]:
    """Yield what precedes a state or a postcode, and it."""
    done = 0
    for anchor, end in in_turns(rights):
        begin, done = max(done, anchor - 110), end
        code = text[anchor:end]
        if _GLUED.match(text, anchor - 1) or _GLUED_RIGHT.match(text, end):
            continue
        if code[2:].isalpha() and code[2:].lower() not in _US_CODE:
            continue
        start = _walk_left(text, begin, anchor, code[:2].islower())
        if code[:2] == ", " and not _is_state(text, start, anchor, code[2:]):
            continue
        word = code[:2].lower() in _WORD_CODE and not code[:2].isupper()
        if word and (PHONE_AFTER.match(text, end) or not _has_street(text[start:anchor])):
            continue
        spaced = " " in code or "," in text[start:anchor] or not code[0].isalpha()
        above = start if _A_DIGIT.search(text, start, anchor) else _lines_above(text, start)
        plausible = start < anchor and (spaced or _A_DIGIT.search(text, start, anchor))
        if above < start or plausible or _UPPER_CODE.fullmatch(code):
            start = above
            code_end = _ZIP_AFTER.match(text, end)
            end = code_end.end() if code_end else end
            country = COUNTRY.match(text, end)
            street = behind_institution(text, start)
            inside = street < anchor and _has_street(text[street:anchor])
            yield street if inside else start, country.end() if country else end


def _is_state(text: str, start: int, anchor: int, code: str) -> bool:
    """Tell whether two capitals behind a comma are a state, as in "K 1024, MB" they are not."""
    if text[anchor - 1].isdigit():
        return False
    if code.lower() not in _WORD_CODE:
        return True
    end = anchor + 2 + len(code)  # "12 models, OR gate"
    ends = FOLLOWS.match(text, end) or _DIGITS_AFTER.match(text, end) or COUNTRY.match(text, end)
    return ends is not None and _A_DIGIT.search(text, start, anchor) is not None


# A line of an address: a few words, all with capitals or digits.
_ADDRESS_LINE = re.compile(
    r"(?:.*: )?((?:#?[A-Z0-9][A-Za-z0-9'./-]*,? ?|(?:of|on|the|upon|le|de|la|del) ){1,5})"
)


_GREETING = _EN_NOT_CITY - words("en.unit") - {"the"}


def _lines_above(text: str, start: int) -> int:
    """Return where the lines above a town start that belong to its address."""
    line_start = max(text.rfind("\n", max(0, start - 60), start) + 1, start - 60, 0)
    first = found = line_start if _ADDRESS_LINE.fullmatch(text, line_start, start) else start
    for _ in range(4):
        if text[max(0, first - 1) : first] != "\n":
            break
        begin = max(text.rfind("\n", max(0, first - 60), first - 1) + 1, first - 60, 0)
        line = _ADDRESS_LINE.fullmatch(text, begin, first - 1)
        words = set(TOKEN.findall(line.group(1).lower())) if line else set()
        if line is None or not _GREETING.isdisjoint(words):
            break
        # A line without a number is the name of a house if a street follows.
        street = found == first < line_start and not _A_DIGIT.search(text, first, start)
        first = line.start(1)
        if street or _A_DIGIT.search(line.group(1)) or not _INNER.isdisjoint(words):
            found = first
        if _A_DIGIT.match(line.group(1)) and not _INNER.isdisjoint(words):
            break  # above number and street stands a name
    return found if found < line_start else start


def _has_street(text: str) -> bool:
    """Tell whether a word for street is among the words."""
    plain = TOKEN.findall(text.lower().replace(".", ""))
    return not _STREET_OR_BOX.isdisjoint(plain) or _AN_ORDINAL.search(text) is not None


_STREET_OR_BOX = _EN_STREET | {"box", "drawer"}
_AN_ORDINAL = re.compile(r"(?i:n|s|e|w|ne|nw|se|sw)\.? [0-9]{1,3}(?i:st|nd|rd|th)\b")


_INNER = words("en.street") | words("en.street.weak") | words("en.unit") | {"the", "and", "c/o"}


def _walk_left(text: str, begin: int, anchor: int, lower: bool) -> int:
    """Return where the address that ends with the code at `anchor` starts, or `anchor`."""
    begin = max(begin, text.rfind("\n", begin, anchor) + 1, text.rfind("\0", begin, anchor) + 1)
    house = capital = anchor
    following = ""
    tokens = [(m.start() + begin, m.group()) for m in TOKEN.finditer(text[begin:anchor])][-16:]
    for position, token in reversed(tokens):
        comma = text[position + len(token)] == ","
        opens = token.lower() in _EN_OPENER and _OPENS.search(text, max(0, position - 3), position)
        if (
            opens
            or _ends_walk(token, comma, lower)
            or _follows_name(text, begin, position, following)
        ):
            break
        if _HOUSE.fullmatch(token) or (
            _LEAD.fullmatch(token) and not _PLAIN_WORD.fullmatch(following)
        ):
            house = position
        elif token[0].isupper() and not (lower and house < anchor):
            capital = position
        following = token
    if house < anchor:
        return min(house, capital)
    # Without a number it takes a name and a town.
    return capital if len(re.findall("[ ,]", text[capital:anchor])) > 1 else anchor


def _follows_name(text: str, begin: int, start: int, following: str) -> bool:
    """Tell whether only a name stands before the address: "Ann Lee of 8 Ash Lane", "c/o Acme"."""
    if text.startswith("of ", start):
        return following[0].isdigit() and text[max(start - 5, 0) : start] != "rear "
    return text[start : start + 4].lower() == "c/o " and not _A_DIGIT.search(text, begin, start)


def _ends_walk(token: str, comma: bool, lower: bool) -> bool:
    """Tell whether a word belongs to the sentence before an address."""
    word = token.strip("()'\"").rstrip(".").lower()
    quoted = token[-1] == "'" and token[-2:-1] != "s"
    if quoted or token[-1] in ':?!)"' or token[0] in '"{}[]|=':
        return True
    if (is_stop(token) and word != "on") or word in _RECIPIENTS or token in ("AM", "PM"):
        return True
    if (len(word) > 4 or word in _EN_LAST) and token[-1] == "." and word not in _EN_STREET:
        return True
    if comma and not lower and token[0].islower() and word in _EN_PLACE:
        return True  # "The house, 2 Rope Walk"
    inner = word in _INNER or word in _SMALL
    plain = word.isalpha() and token[0].islower() and len(word) > 2 and not inner
    return plain and not lower and not comma


_OPENS = re.compile(r"(?:\A|[\n.!?:\"(] ?)\Z")
_EN_LAST = frozenset(  # short words, with which a sentence ends
    "day week year time now here it me us him them home work town city away back well that".split()
)
_RECIPIENTS = frozenset("occupier occupiers occupant resident residents householder".split())


# Before a ZIP any word may stand: fifty names of states would cost the gate its pace.
_STREET_GATE = _NAMED_PATTERN.replace("{0,24}", "*")
_GRID_GATE = r"[0-9],? (?i:[nsew])[A-Za-z]*\.? [0-9]"
_CODE_GATE = rf"[A-Za-z.][ ,.]{{1,3}}{ZIPS}|, [A-Z][A-Z]\b|\b{UK_CODE}|\b{CA_CODE}|{AU_CODE}"
_CORE, _BOX, _RIGHT = map(scanner, (_CORE_PATTERN, _BOX_PATTERN, _RIGHT_PATTERN))


def _spans(scan: Scanner, data: bytes) -> list[Range]:
    return [match.span() for match in scan.finditer(data)]


def streets(data: bytes) -> Iterator[Range]:
    """Yield the addresses of number and street in a view; ranges may overlap."""
    if cores := _spans(_CORE, data):
        yield from _streets(data.decode("latin-1"), cores, codes_in(data))


def boxes(data: bytes) -> Iterator[Range]:
    """Yield the post office boxes and military addresses in a view."""
    if found := _spans(_BOX, data):
        yield from _boxes(data.decode("latin-1"), found, codes_in(data))


def coded(data: bytes) -> Iterator[Range]:
    """Yield the addresses in a view that end with a state or a postcode."""
    return _from_the_right(data.decode("latin-1"), _spans(_RIGHT, data))


RULES: tuple[Rule, ...] = (
    Rule("address", (_STREET_GATE, _GRID_GATE), streets, STREET_MATCHES, REJECTS),
    Rule("address", (_BOX_PATTERN,), boxes, BOX_MATCHES),
    Rule("address", (_CODE_GATE,), coded, CODE_MATCHES),
)
