"""What stands around a street in English: unit and house before it, town and postcode behind."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import takewhile

from sidecar.redact.address_town import LETTER, known_town
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range
from sidecar.redact.words import alternatives, words

_EN_NOT_CITY = words("en.not_city")
_EN_STOP = words("en.stop")
TOWNS = words("us", "towns.txt") | words("gb", "towns.txt")
_UK_AREA = words("uk.area") | {"e", "n", "w"}
_US_CODE = words("us.code")
_WORD_CODE = words("us.code.word")

FLOOR = r"[0-9]{1,3}(?i:st|nd|rd|th) (?i:floor|fl)\b\.?"
HOUSE_NAME = (
    rf"(?:[Tt]he )?(?:[A-Z0-9\xc0][A-Za-z0-9'.&-]* (?:(?:of|and|&|at|on) )?){{0,4}}"
    rf"(?=[A-Z]){alternatives('en.house')}(?: (?:[A-Z]|[0-9]{{1,3}}))?"
)
_BANK = rf"(?:[Tt]he )?(?=[A-Z]){alternatives('en.house.bank')} Bank"
HEAD = re.compile(
    r"(?<![A-Za-z0-9$#./:@+_'-])(?:"
    rf"{alternatives('en.unit')}\.? ?#? ?(?:[A-Za-z]?-?[0-9]{{1,5}}(?:/[0-9])?[A-Za-z]?|[A-Z])"
    r"(?: \([A-Za-z0-9 ]{1,14}\))?"
    r"|[Tt]he (?!Occup|Resident|Owner|Tenant|Manager|Director|Secretary)"
    r"[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){0,2}|St\.? [A-Z][a-z]+(?:'s)?"
    rf"|{FLOOR}|{alternatives('en.ordinal')} (?i:floor)|(?i:lower ground|upper ground)(?i: floor)?"
    rf"|(?i:block) [A-Z0-9]{{1,3}}|{HOUSE_NAME}|{_BANK}"
    # only behind a floor or a unit
    r"|[A-Z][a-z]+(?: [A-Z][a-z]+)? (?:Square|Point|Park|Quay|Cross|Row|Gate))$"
)
SEP = r"(?:[ ,;]{1,3}(?:\n {0,8})?|\n {0,8})"
_WIDE_SEP = rf"(?:{SEP}| [|/-] )"
_UNIT = (
    rf"(?:(?:# ?)?{alternatives('en.unit')}\.?(?: ?#)?"
    r"(?: ?[0-9]{1,6}(?:-[0-9]{1,4})?(?: ?-?[A-Za-z])?| [A-Za-z](?:-?[0-9]{1,5})?)\b(?!')"
    r"|(?:(?i:hc|rr|rural route) ?#?[0-9]{1,4},? )?(?i:box|pmb|mailbox) ?#?[0-9]{1,6}\b"
    rf"|# ?[A-Za-z0-9-]{{1,6}}\b|[0-9]{{1,2}} (?i:floor)\b"
    rf"|[0-9]{{1,3}}[A-Z](?=, [A-Z])|{FLOOR}"
    rf"|(?i:lobby)\b|{alternatives('en.ordinal')} (?i:floor)\b)"
)
_DOTTED = {code.rstrip(".") for code in words("us.code")} | words("us.code")
_CODES = (code.upper().replace(".", r"\.") for code in _DOTTED)
_UPPER_STATE = f"(?:{'|'.join(sorted(sorted(_CODES), key=len, reverse=True))}|lL)"
ZIP = r"[0-9]{5}(?:-[0-9]{4})?(?![0-9A-Za-z]|-[0-9])"
# Only a few London districts end in a letter, and E, N and W have no more than two dozen.
_UK_OUT = (
    r"(?:(?i:e1w|n1[cp]|nw1w|se1p|sw1[a-z]|w1[a-z]|ec[1-4][a-z]|wc[12][a-z]|[enw][0-2]?[0-9])"
    rf"|{alternatives('uk.area')}[0-9]{{1,2}})"
)
UK_CODE = rf"{_UK_OUT} ?[0-9][ABDEFGHJLNPQRSTUWXYZabdefghjlnpqrstuwxyz]{{2}}\b"
CA_CODE = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]\b"
AU_CODE = r"\b(?:NSW|VIC|QLD|SA|WA|TAS|ACT|NT),? [0-9]{4}\b"
# Mixed case only where a street precedes it: "Carnegie Vic 3163".
_AU_MIXED = r"\b(?:[Nn]sw|[Vv]ic|[Qq]ld|[Tt]as)\.?,? [0-9]{4}\b"
# Irish, also only behind a street: "Dublin 2, D02 X576"; the last four are no plain number.
_IE_LETTER = "[AC-FHKNPRTV-Y]"
_IE_CODE = (
    rf"\b(?:D6W|{_IE_LETTER}[0-9]{{2}}) ?"
    rf"(?:{_IE_LETTER}[0-9AC-FHKNPRTV-Y]{{3}}|[0-9]{_IE_LETTER}[0-9AC-FHKNPRTV-Y]{{2}})\b"
)
_TAIL_UNITS = re.compile(rf"(?:{_WIDE_SEP}{_UNIT}(?: \([A-Za-z0-9 ]{{1,14}}\)(?=[,\n]))?){{1,3}}")
_TAIL_TOWN = re.compile(rf"{_WIDE_SEP}(?:{LETTER}[A-Za-z\xc0-\xff'.-]*{SEP}){{0,5}}")
_TO_KNOWN = re.compile(r"(?:[ ,.]{1,2}|,?\n| [|-] )(?=[A-Za-z\xc0-\xff])")
_DIGIT_NEXT = re.compile("[-/]?[0-9@]")
_TAIL_CITY = re.compile(
    r", (nyc\b|(?:(?:[A-Z]t\.|[A-Z\xc0][A-Za-z\xc0-\xff'-]+)"
    r" (?:(?:of|de|la|del|upon|on|in|by|under|le) )?)"
    r"{0,2}(?:d')?[A-Z\xc0][A-Za-z\xc0-\xff'-]+)(?![A-Za-z\xc0-\xff0-9@]| [A-Z0-9])"
    r"|,?\n([A-Z\xc0][A-Za-z\xc0-\xff'-]+(?: [A-Z\xc0][A-Za-z\xc0-\xff'-]+){0,2})(?=\n|$)"
)
_TAIL_MORE = re.compile(
    rf"(?:,? ?\n?{alternatives('en.county')}(?![A-Za-z0-9@-]))"
    r"|,? [0-9]{5}(?![0-9A-Za-z]|[-. ][0-9])"
    r"|,? (?i:n|s?w|s?e|nw|[we]c)[0-9]{1,2}[A-Z]?\b"
)
_PLAIN_CODE = "|".join(code.replace(".", r"\.") for code in sorted(_US_CODE - _WORD_CODE))
_DIGIT_WORD = "(?i:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_LAST_CODE = re.compile(  # "Albuquerque, eight seven one oh four", "Dublin 2, D02 X576"
    rf",? {_DIGIT_WORD}(?:[ -]{_DIGIT_WORD}){{4}}(?![A-Za-z]|[ -]{_DIGIT_WORD}\b)"
    rf"|,?[ \n]{_IE_CODE}"
)
_DISTRICT = re.compile(
    r" [1-9][0-9]?(?=[.,;)\n]| [|/]|$|"
    rf" {_IE_CODE})"
)  # "Leeds 6", of old
_TAIL_CODE = re.compile(rf",? (?i:{_PLAIN_CODE})(?![A-Za-z0-9@'-])")
# "7 Ellesmere Court, Grove Road N, Sutton"
_SECOND_STREET = re.compile(
    r", (?:(?:just )?off )?(?:[A-Z][A-Za-z'.-]* ){1,3}(?=[A-Z])"
    rf"{alternatives('en.street')}(?![A-Za-z])\.?(?: [NSEW]\b)?(?! [0-9])"
)
# "5500 county road 12, wiggins ms"
_TOWN_STATE = re.compile(
    rf", ({LETTER}{{3,}}(?: {LETTER}{{3,}}){{0,2}}),? (?i:{_PLAIN_CODE})"
    r"(?=[,.;:!?)\n]|$| [^A-Za-z0-9])"
)
_PART_WORD = rf"{LETTER}[A-Za-z\xc0-\xff'-]+"
_PART = re.compile(rf", (?:(?i:by|near|nr\.?) )?({_PART_WORD}(?: {_PART_WORD}){{0,2}})")
_COUNTY = re.compile(rf"{alternatives('en.county')}(?![A-Za-z\xc0-\xff@-])")
_OUTWARD = re.compile(r",? ([A-Za-z]{1,2})[0-9]{1,2}[A-Za-z]?(?![0-9A-Za-z]|[ -][0-9])")
_TOWN_OUTWARD = re.compile(
    r"(?:, (?:[A-Z][A-Za-z'-]+ ?){1,3}){0,2},? (?:[A-Z][A-Za-z'-]+ ){1,3}"
    r"(?=([A-Z]{1,2})[0-9]{1,2}[A-Z]?(?![0-9A-Za-z]|[ -][0-9]))"
)
COUNTRY = re.compile(rf"{SEP}\(?{alternatives('en.country')}(?![A-Za-z])\)?")
TOKEN = re.compile(r"[^ ,;\n]+")
STATE = rf"(?:{_UPPER_STATE}|{alternatives('us.state', 'us.code')})"
ZIPS = r"[0-9]{5}(?:-[0-9]{4})?\b"
# What may end an address that a number and a street begin.
_CODE_PATTERN = (
    rf"\b(?:{STATE}[ ,.]{{1,3}}{ZIPS}|(?:{_UPPER_STATE}|{alternatives('us.state')})\b|{ZIPS}"
    rf"|{UK_CODE}|{CA_CODE})|{AU_CODE}|{_AU_MIXED}|{_IE_CODE}"
)
_CODE = scanner(_CODE_PATTERN)


_PARTS = re.compile(r"(?:(?!, ?\n?| [|-] |\n|: ).)+", re.DOTALL)
_NUMBER_FIRST = re.compile(
    r"(?:(?i:no\.?|number) )?#?[NSEW]?[0-9]{1,6}[A-Za-z]?(?:[-/][0-9]{1,6}[A-Za-z]?)?"
    rf"(?: [13]/[234])?,? [A-Za-z0-9]|(?=[A-Z]){alternatives('en.number')}[ -][A-Z]"
)
_STREETS = words("en.street")
_STREETS_TOO = _STREETS | words("en.street.weak")
_HOUSES = words("en.house") | words("en.unit")
_STATES = words("us.state")
_SOFT_HOUSES = words("en.house.soft")
# "British Museum", "Royal Courts of Justice": its name is no part of the address behind it.
_INSTITUTION = re.compile(
    rf"(?:.*[ '-])?{alternatives('en.institution')}"
    r"(?: (?i:of|for|at)(?: .+)?| North| South| East| West| Central)?",
    re.DOTALL,
)
_OLD_HOUSE = re.compile(r"(?:[Tt]he )?Old [A-Z][a-z]+(?: Office| House)?")
_HOUSE_BANK = re.compile(_BANK)
_NAME_OF_HOUSE = re.compile(
    r"(?!The |.*'s$)[A-Z][A-Za-z'.-]*"
    r"(?: (?:(?:an|y|na|yr|le|la|on|in|by|the) )?[A-Z][A-Za-z'.-]*){0,3}"
)
_UNIT_FIRST = re.compile(
    rf"{alternatives('en.unit')}\.? ?#?[0-9]|{FLOOR}|{alternatives('en.ordinal')} (?i:floor)"
)
_NAME_LEFT = re.compile(
    r"(?<![A-Za-z])[A-Z][A-Za-z'.&-]* (?:(?:[A-Z][A-Za-z'.&-]*|of|and|&|the|for) )*$"
)
_ALONE = re.compile(rf"(?=[A-Z]){alternatives('en.street.alone')}")
_ARTICLES = ("the ", "The ")
_UNIT_HERE = re.compile(
    "(?i:c/o |(?:(?:lower |upper )?ground|first|second|third|top|basement|garden|rear)"
    "(?: floor)? )|.*[0-9]",
    re.DOTALL,
)
# Possessive: digits must not be tried in all the ways to part them.
_OWN_NUMBER = re.compile("(?: ?#?[A-Z]?[0-9-]++)++$")
_RESIDENTIAL = re.compile(r"[^,\n]* (?i:close|crescent|rise|croft)(?=[,\n])|[^,\n]* Cl\.?(?=[,\n])")
_ONE_HOUSE = re.compile("(?!The )[A-Z][a-z-]+(?: [A-Z][a-z]+)?")


def _parts(text: str, start: int, end: int) -> list[Range]:
    """Return the parts of an address, between commas, dashes and ends of lines."""
    parts = (match.span() for match in _PARTS.finditer(text, start, end))
    return [(begin, stop) for first, stop in parts if (begin := _begin(text, first, stop)) < stop]


def behind_name(text: str, start: int, street: int) -> int:
    """Return where the address starts whose street with a number starts at `street`.

    Before it stand units and buildings; a name that is neither is that of an institution.
    """
    parts = _parts(text, start, street)
    if not parts or parts[-1][1] == street:
        return start  # its number is part of what stands before it: "no. 7"
    return _cut(text, parts, street, numbered=True)


def _cut(text: str, parts: list[Range], street: int, numbered: bool) -> int:
    """Return where the first of the parts before a street starts that belongs to its address."""
    begin = street
    for index in range(len(parts) - 1, -1, -1):
        first, last = parts[index]
        part = text[first:last].rstrip(" ,")
        if _is_person(part):
            break
        unit = index > 0 and _UNIT_FIRST.match(text, *parts[index - 1])
        named = _NAME_LEFT.search(text, max(0, first - 60), first) if index == 0 else None
        if named and _is_institution(named.group() + part):
            break  # of "Tea Rooms" no unit
        after = parts[index + 1][0] if index + 1 < len(parts) else street
        plain = numbered or "-" in text[last:after] or text.startswith(_ARTICLES, max(0, first - 4))
        plain = plain or _UNIT_FIRST.match(text, after) is not None  # "Nando's, Unit 4"
        of_its = index > 0 and not plain and part.startswith("The ")  # "City Council, The Forum"
        house = numbered and index + 1 == len(parts) and _is_house(text, part, street)
        house = house or (index == 0 and _is_announced(text, first, part))
        if not (unit or of_its or house or _is_building(part, plain)):
            break
        begin = first
    return begin


def behind_institution(text: str, start: int, end: int) -> int:
    """Return where the address starts that stands in `[start, end)`, with its town."""
    parts = _parts(text, start, end)
    numbered = True
    main = next((i for i, part in enumerate(parts) if _NUMBER_FIRST.match(text, *part)), -1)
    if main < 0:
        numbered = False
        main = next((i for i, part in enumerate(parts) if _is_street(text[slice(*part)])), -1)
    if main > 0:
        return _cut(text, parts[:main], parts[main][0], numbered)
    name = text[slice(*parts[0])].rstrip(" ,") if main < 0 and len(parts) > 1 else ""
    if name and (_is_institution(name) or _is_person(name)):
        return parts[1][0]
    return start


def _is_house(text: str, part: str, street: int) -> bool:
    """Tell whether a name is of a house where people live: "Fairview, 5 Fell Close"."""
    return _ONE_HOUSE.fullmatch(part) is not None and _RESIDENTIAL.match(text, street) is not None


_A_THE = re.compile("The [A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+)?")
_ANNOUNCED = re.compile(
    r"(?:(?<![A-Za-z])(?i:address|addr|property|lives? at|living at|home)(?: is| was|:) ?"
    r"|(?<![A-Za-z])(?i:lives?|living|moved|moving) (?:at|to|in) )$"
)


def _is_announced(text: str, first: int, part: str) -> bool:
    """Tell whether words before "The Lindens" say that somebody lives there."""
    if _A_THE.fullmatch(part) is None or _is_institution(part):
        return False
    return _ANNOUNCED.search(text, max(0, first - 20), first) is not None


def _begin(text: str, start: int, end: int) -> int:
    """Return where the first word from `start` on starts."""
    while start < end and text[start] in " ,\n-|":
        start += 1
    return start


def _is_street(part: str) -> bool:
    """Tell whether a part is the name of a street: "Great Russell Street", "The Green"."""
    names = part.replace(",", " ").split()
    if _ALONE.fullmatch(" ".join(names)):
        return True
    if len(names) < 2:
        return False
    last = names[-1].rstrip(".").lower()
    if _is_institution(part.rstrip(" ,")):
        return False
    return last in _STREETS or (last in _STREETS_TOO and names[-1][0].isupper())


def _is_institution(part: str) -> bool:
    """Tell whether a part is the name of an institution: "UPS Store #44", "Museum North"."""
    part = _OWN_NUMBER.sub("", part)
    if _OLD_HOUSE.fullmatch(part) or _HOUSE_BANK.fullmatch(part):
        return False
    head, _, last = part.rpartition(" ")
    part = head if head and last.lower() in TOWNS else part  # "Citizens Advice Norwich"
    return " of the " in part or _INSTITUTION.fullmatch(part) is not None


_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Rev|Revd|Sir|Dame|Lady|Lord)\.?"
_PERSON = re.compile(rf"{_TITLE}(?: (?:and|&) {_TITLE})?(?: [A-Z\xc0][A-Za-z\xc0-\xff'.-]*){{1,4}}")


def _is_person(part: str) -> bool:
    """Tell whether a part is a person with a title: "Mrs. Opal Renfroe", not "Lady Anne House"."""
    if _PERSON.fullmatch(part) is None:
        return False
    last = part.rpartition(" ")[2].rstrip(".").lower()
    return last not in _HOUSES and last not in _STREETS_TOO


def _is_building(part: str, numbered: bool) -> bool:
    """Tell whether a part before a street belongs to its address."""
    if _is_institution(part):
        return False
    if _UNIT_HERE.match(part):
        return True
    last = part.rpartition(" ")[2].rstrip(".").lower()
    if len(last) == 1 and " " in part:  # "Marlow House B"
        last = part.split()[-2].lower()
    if last in _SOFT_HOUSES:
        return not numbered or "Old " in part
    if part.lower() in _STATES:
        return False
    if last in _HOUSES or (last in _STREETS and " " in part) or _HOUSE_BANK.fullmatch(part):
        return True
    if not numbered and known_town(part, 0, TOWNS) == len(part):
        return True
    return not numbered and _NAME_OF_HOUSE.fullmatch(part) is not None


def is_stop(token: str) -> bool:
    """Tell whether no address reaches across this word; a capital (`Via`, `T`) is a name."""
    word = token.strip(".,'").lower()
    if word not in _EN_STOP:
        return False
    return token[0].islower() or (word in _EN_NOT_CITY and len(word) > 1)


# "476 Fifth Avenue (at 42nd Street), New York"
_REMARK = re.compile(r" \((?![0-9]{5})[A-Za-z0-9][A-Za-z0-9\xc0-\xff' ,&/.-]{1,40}\)(?=, [A-Za-z])")


def tail(text: str, end: int, codes: Sequence[Range]) -> int:
    """Return where the unit, town, state, postcode and country after a street end.

    A remark in brackets may stand between the street and its town.
    """
    end = _plain_tail(text, end, codes)
    remark = _REMARK.match(text, end) if text.startswith(" (", end) else None
    if remark is None:
        return end
    stop = _plain_tail(text, remark.end(), codes)
    first = bisect_left(codes, (remark.end(), 0))
    coded = first < len(codes) and codes[first][0] < stop
    town = quarters_end(text, remark.end())
    return stop if coded or town > remark.end() or known_end(text, town) > 0 else end


def _plain_tail(text: str, end: int, codes: Sequence[Range]) -> int:
    """Return where the unit, town, state, postcode and country after a street end."""
    units = _TAIL_UNITS.match(text, end)
    end = units.end() if units else end
    second = _SECOND_STREET.match(text, end)
    street = end = second.end() if second else end
    end = quarters_end(text, end) if text[end : end + 1] == "," else end
    known = known_end(text, end)
    known = max(known, known_end(text, known)) if known > 0 else known  # "headingley leeds"
    end = max(known, end)
    for start, stop in codes[(first := bisect_left(codes, (end, 0))) : first + 3]:
        between = text[end:start] if start - end < 70 else "?"
        word = end == street and text[start:stop].lower() in _WORD_CODE
        if not _is_town(between) or (word and between in _NO_TOWN):
            break  # "12 Elm Street, OK?"
        if PHONE_AFTER.match(text, stop) and text[start:stop].isdigit():
            break
        end = stop
        if text[max(0, stop - 3) : stop - 1].isdigit():
            break
    if end == street:
        city = _TAIL_CITY.match(text, end)
        names = TOKEN.finditer(text, *city.span(city.lastindex or 0)) if city else ()
        for name in takewhile(_is_of_town, names):
            end = name.end()
        lower = _TOWN_STATE.match(text, end)
        if lower and not any(map(is_stop, lower.group(1).split())):
            end = lower.end()
        outward = _TOWN_OUTWARD.match(text, street)
        if outward and outward.group(1).lower() in _UK_AREA and end < outward.end():
            end = outward.end() - 1
    end = _outward_end(text, end, end > street)
    if end == known:
        district = _DISTRICT.match(text, end)
        end = district.end() if district else end
        code = _TAIL_CODE.match(text, end)
        end = code.end() if code else end
    more = _TAIL_MORE.match(text, end)
    end = _outward_end(text, more.end(), plain=True) if more else end
    last = _LAST_CODE.match(text, end)
    end = last.end() if last else end
    country = COUNTRY.match(text, end)
    word = country is not None and end == street and country.group() == " us"
    return country.end() if country and not word else end


_NO_TOWN = (" ", ", ")


def _is_town(between: str) -> bool:
    """Tell whether what stands between a street and a state may be a town."""
    town = _TAIL_TOWN.fullmatch(between) and not between.startswith(" in ")
    return bool(town) and not any(map(is_stop, between.split()))


def _outward_end(text: str, end: int, plain: bool) -> int:
    """Return where the first half of a postcode ends; in lower case only if `plain`."""
    outward = _OUTWARD.match(text, end)
    area = outward.group(1) if outward else ""
    if outward and area.lower() in _UK_AREA and (plain or area.isupper() or len(area) > 1):
        return outward.end()
    return end


def _is_of_town(name: re.Match[str]) -> bool:
    """Tell whether a word may be one of a town's name: "Minster on Sea"."""
    word = name.group().lower()
    return word not in _EN_NOT_CITY or word in ("on", "in", "by")


def known_end(text: str, end: int) -> int:
    """Return where the known town behind `end` ends, or -1."""
    lead = _TO_KNOWN.match(text, end)
    if lead is None:
        return -1
    comma = "," in lead.group() or "\n" in lead.group()
    known = known_town(text, lead.end(), TOWNS, comma)
    return -1 if known > 0 and _DIGIT_NEXT.match(text, known) else known


def quarters_end(text: str, end: int) -> int:
    """Return where the quarters end that stand before a known town or county, or `end`."""
    at = end
    for _ in range(3):
        part = _PART.match(text, at)
        if part is None or any(map(is_stop, part.group(1).split())):
            break
        at = part.end()
        if text[at : at + 2] == ", " and (
            known_town(text, at + 2, TOWNS) > 0 or _COUNTY.match(text, at + 2)
        ):
            return at
        if _outward_end(text, at, part.group(1)[0].isupper()) > at:
            return at
    return end


# "7 Wharf Walk, 07572 365704" goes on with a phone number.
PHONE_AFTER = re.compile(r" (?:[0-9]{5,6}|[0-9]{2,4} [0-9]{2,4})(?![0-9])")


def codes_in(data: bytes) -> list[Range]:
    """Return the states and postcodes in a view."""
    return [match.span() for match in _CODE.finditer(data)]
