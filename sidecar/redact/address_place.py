"""What stands around a street, in much the same order everywhere.

    [place | building | unit]*  street and number  [unit | building]*  [postcode]  town  [region]

Each country's rules find the street. What is found here only makes that address longer: nothing of
it is evidence for one, but a postcode with a town.
"""

import re

from sidecar.redact.address_before import address_start
from sidecar.redact.address_town import (
    BEFORE_CODE,
    CAP,
    CAP_TOWN,
    CODE,
    CODE_LABEL,
    COUNTRY,
    DISTRICT,
    EU_UNIT,
    LETTER,
    LOWER_TOWN,
    MORE_TOWN,
    NOT_CITY,
    NOT_TOWN,
    PARTS,
    PROVINCE,
    REGION,
    SAINT_TOWN,
    STATE,
    TOWN_BEGINS,
    TOWN_LATIN,
    TOWNS,
    WITH_DISTRICTS,
    behind_quarter,
    is_known_place,
    known_town,
    postcode,
    quarter_end,
)
from sidecar.redact.address_unit import (
    BUILDING_AFTER,
    KEYED,
    NOT_LOOSE,
    TO_AFTER,
    bracket_end,
    is_quantity,
    units_end,
)
from sidecar.redact.rule import Decisions
from sidecar.redact.words import alternatives, words


def _tail(text: str, latin: bool, loose: bool) -> tuple[int, bool]:
    """Return where the frame ends that `text` begins with, and whether it has a postcode."""
    end = 0
    units = units_end(text, end)
    if latin:
        units = _crossing_end(text, units)
    for start in {units: None, end: None}:
        town = postcode(text, start, latin)
        if town > 0:
            return _behind_town(text, town, latin), True
    start = _loose_end(text, units) if loose else -1
    if start > 0:
        town = postcode(text, start, latin)
        if town > 0:
            return _behind_town(text, town, latin), True
    quarter = _QUARTER_BEFORE.match(text, units)  # "45 (Sudvorstadt), Leipzig"
    units = quarter.end() if quarter else units
    quarter = _QUARTER_LAST.match(text, units) if latin else None
    if quarter and is_known_place(quarter.group(1).lower()):
        units = quarter.end()
    end = city(text, units, latin)
    if end > units:
        plain = not any(map(str.isupper, text[units:end]))
        for _ in range(4):
            lead = _TO_TOWN.match(text, end)  # "Vina del Mar, corte de agua"
            known = known_town(text, lead.end(), TOWNS, plain) if lead else -1
            more = _AFTER_CITY.match(text, end) if known < 0 else None
            end = max(end, known, more.end() if more else end)
        return end, False
    alone = _CODE_ALONE.match(text, units)
    return (alone.end() if alone else units), False


# Streets that cross, as in Latin America: "Calle 60 #491 x 57 y 59", "1234 esq. Rio Negro".
_CROSS_NAME = (
    rf"(?:[0-9]{{1,3}}[A-Za-z]?\b|(?:(?i:av|avda|c|calle|jr)\.? )?"
    rf"{CAP}(?:(?: (?:del?|de la|de los))? {CAP}){{0,2}})"
)
_CROSS = re.compile(
    r",? (?i:x|por) [0-9]{1,3}[A-Za-z]?(?: (?i:y|x) [0-9]{1,3}[A-Za-z]?)?(?![A-Za-z0-9])"
    rf"|,? (?i:entre|e/) ?(?i:calles? )?{_CROSS_NAME} (?i:y|e) {_CROSS_NAME}"
    r"|,? (?i:esquina)(?=[,.\n]|$)"
    rf"|,? (?:(?i:casi) )?(?i:esq\.?|esquina)(?: (?i:con|a))? "
    rf"(?:{_CROSS_NAME}|{LETTER}+(?: {LETTER}+){{0,2}}(?=[,.\n]|$))"
    rf"|,? (?i:y|con) (?i:calle|av\.?|avenida|avda\.?|via|jr\.?) {_CROSS_NAME}"
    rf"| y {CAP}(?: {CAP}){{0,2}}(?=, {LETTER}|,? [0-9]{{4,6}} {LETTER})"
)


def _crossing_end(text: str, end: int) -> int:
    """Return where the streets end that cross the one up to `end`, or `end`."""
    cross = _CROSS.match(text, end)
    if cross is None:
        return end
    if cross.group().startswith(" y ") and text[cross.end()] == ",":
        behind = cross.end() + 2
        placed = known_town(text, behind, TOWNS) > 0 or BUILDING_AFTER.match(text, behind)
        return cross.end() if placed else end
    return cross.end()


def _behind_town(text: str, end: int, latin: bool) -> int:
    """Return where the address ends whose town, behind its postcode, ends at `end`."""
    more = MORE_TOWN.match(text, end) if latin or text[end : end + 2] == ", " else None
    end = more.end() if more else end
    district = _SWISS_DISTRICT.match(text, end)
    if district and _SHORT_CODE.search(text, 0, end):
        end = district.end()
    for _ in range(2):
        country = COUNTRY.match(text, end)
        end = country.end() if country else end
    if text[end : end + 2] == " (":
        end = max(end, bracket_end(text, end + 2))
    for _ in range(3):
        lead = TO_AFTER.match(text, end)
        if lead is None:
            break
        after = KEYED.match(text, lead.end())
        if after is None and "," in lead.group():
            after = BUILDING_AFTER.match(text, lead.end())
        if after is None or (_AGENDA.match(after.group()) and _LONG_CODE.search(text, 0, end)):
            break
        end = after.end()
    return end


# "1000 Lausanne 14", "3003 Bern 14"
_SWISS_DISTRICT = re.compile(r" [1-9][0-9]?(?=[.,;)\n]|:(?! ?[0-9])| [|/]|$)")
_SHORT_CODE = re.compile(rf"(?<![0-9])[0-9]{{4}} {CAP}(?: {CAP})?\Z")
_AGENDA = re.compile("TOP [0-9]")  # of a meeting: as the number of a door it is Austrian
_LONG_CODE = re.compile(rf"(?<![0-9])[0-9]{{5}} {LETTER}")
_TO_TOWN = re.compile(", |\n")
# Anything short between a number and its postcode: "12 (Asamhof), 80331 Munchen". Each part begins
# with what no other holds.
_LOOSE = re.compile(
    r"(?:[ /\xa4-][^,;:()\n?!@|]{1,24})?(?:(?:, ?|\n| \()[^,;:()\n?!@|]{1,36}\)?){0,3}?"
    rf"(?=(?:,[ \n]?|\n){CODE},? {LETTER}| [0-9]{{5}} {LETTER})"
)
_LOOSE_WORD = re.compile("[A-Za-z\xc0-\xff']+")
_TO_ANOTHER = re.compile(  # "from Calle Sol 3, Lugo to Av. ..."
    " (?:a|al|au|nach|bis|hasta) (?:[A-Z0-9]|(?:av|avda|c|calle|plaza|rue)[ ./])"
)
_LOOSE_DIGITS = re.compile("(?:[^0-9]*[0-9]){7}|[0-9]{5}")


def _loose_end(text: str, start: int) -> int:
    """Return where the parts end that no rule knows, and that a postcode follows, or -1."""
    loose = _LOOSE.match(text, start)
    if loose is None or loose.end() == start or _LOOSE_DIGITS.search(loose.group()):
        return -1
    words = [word.lower() for word in _LOOSE_WORD.findall(loose.group())]
    if len(words) > 10 or not _NOT_LOOSE_PART.isdisjoint(words):
        return -1
    if _TO_ANOTHER.search(loose.group()):
        return -1
    end = loose.end()
    return end if text[end] != " " or known_town(text, end + 7, TOWNS) > 0 else -1


_NOT_LOOSE_PART = NOT_LOOSE | EU_UNIT


_TO_CITY = re.compile(
    r"(?: ?,| -| \xa4| \|)?[ \n](?:(?i:in|a|en) )?(?=[A-Za-z\xc0-\xff])|,(?=[A-Z])"
)
_NOT_CITY = (
    (words("eu.apartment") - {"villa", "ch", "of"})
    | words("eu.floor")
    | (NOT_TOWN - TOWN_BEGINS)
    | NOT_CITY
)
_QUARTER_LAST = re.compile(rf" \(({CAP}(?: {CAP})?)\)")
_QUARTER_BEFORE = re.compile(rf" \({CAP}(?: {CAP})?\)(?=, ?{CAP})")
_QUARTER_ENDS = re.compile(r"[.,;:)\n?!]|$| [^A-Za-z0-9]")
_CITY_ENDS = re.compile(r"[.,;:)\n?!]|$| [a-z\xe0-\xff(\xa2\xa4-]")
# "Riquewihr 68340": as the part of an address behind its street
_CODE_LAST = re.compile(r" [0-9]{5}(?=[.,;:)?!\n]|$| [^A-Z0-9])(?![.,][0-9])")
_NUMBERED_THING = words("phone.veto") | words("fr.label")


def city(text: str, end: int, latin: bool = False) -> int:
    """Return where the town ends that follows `end` without a postcode, or `end`."""
    lead = _TO_CITY.match(text, end)
    if lead is None:
        return end
    comma, start = "," in lead.group() or "\n" in lead.group(), lead.end()
    known = known_town(text, start, TOWNS, comma)
    if known > 0:
        return _district_end(text, start, known, latin) or end
    known = max(behind_quarter(text, start), _quarter_alone(text, start))
    if known > 0:
        return known
    if not comma and lead.group().strip().lower() != "in":
        return end
    if comma and "\n" not in lead.group():
        shape = SAINT_TOWN.match(text, start) or (LOWER_TOWN.match(text, start) if latin else None)
        if shape:
            return shape.end()
    name = CAP_TOWN.match(text, start)
    if name is None or "\n" in lead.group():
        return end
    first = name.group().split()[0].lower().rstrip(".")
    ends = _CITY_ENDS.match(text, name.end())
    if ends is None and comma and first not in _NUMBERED_THING:
        ends = _CODE_LAST.match(text, name.end())
    return end if ends is None or first in _NOT_CITY else name.end()


def _quarter_alone(text: str, start: int) -> int:
    """Return where the quarter at `start` ends that nothing follows, or -1: "155, neukolln"."""
    end = quarter_end(text, start - 1)
    if end < start or text[start:end].lower() in PARTS:
        return -1
    return end if _QUARTER_ENDS.match(text, end) else -1


def _district_end(text: str, start: int, known: int, latin: bool) -> int:
    """Return where the district or quarter of a known town ends, or 0: it is none of an address."""
    if text[known : known + 1].isdigit() or re.match("[-/]?[0-9@]", text[known : known + 2]):
        return 0
    district = DISTRICT.match(text, known)
    if district and not is_quantity(text, district.end()):
        plain = text[start:known].lower() in WITH_DISTRICTS
        if plain or district.group()[-1].isalpha():
            return district.end()
    more = TOWN_LATIN.match(text, known) if latin else None
    return more.end() if more else quarter_end(text, known, latin)


_CODE_ENDS = r"(?![0-9A-Za-z\xc0-\xff]|[ .,/-][0-9])"
_AFTER_CITY = re.compile(
    rf",? [(]?(?:{CODE_LABEL} ?)?(?:[ed]-)?[0-9]{{5,6}}{_CODE_ENDS}[)]?"
    rf"| (?i:[a-z][0-9]{{4}}(?:[a-z]{{3}})?){_CODE_ENDS}|, [0-9]{{7}}(?: {CAP}){{1,2}}"
    rf"| [0-9]{{4}}(?=, {alternatives('eu.country')}(?![A-Za-z]))"
    rf"|(?:,? |\n)\(?(?:{PROVINCE}|{alternatives('eu.country')})(?![A-Za-z\xc0-\xff-])\)?"
    rf"|{REGION}|{STATE}"
    r"|(?<=[Ll]ima) [0-9]{1,2}(?![0-9A-Za-z])"
    r"| \([0-9]{2}\)|,? (?i:d\.? ?c\.?|d\.? ?f\.?)(?![A-Za-z])| 1?[0-9](?=, [A-Z])"
    # as in Canada
    rf"|(?:,? \(?{LETTER}{{2,}}\)?)?,? {{1,2}}(?i:[a-z][0-9][a-z] ?[0-9][a-z][0-9])\b"
)
_CODE_ALONE = re.compile(
    rf"(?:,? (?:{CODE_LABEL} ?)?|{BEFORE_CODE})[0-9]{{5}}{_CODE_ENDS}"
    r"(?=[.,;:)?!\n]|$| [^A-Za-z0-9]| [a-z]{1,3} )"
)


# A number that goes on is no house number.
MORE_DIGITS = re.compile(
    rf"[A-Za-z0-9\xc0-\xff]|[.:][0-9]|,[0-9](?![0-9]{{4}} ?-? ?{LETTER})"  # but "3,89077 Ulm"
)


class Frame:
    """What stands around the streets of one view. A flood of addresses repeats itself."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._heads, self._tails = Decisions(address_start), Decisions(_tail)

    def head(self, start: int, pattern: re.Pattern[str] | None = None) -> int:
        """Return where the address starts whose street starts at `start`.

        `pattern` matches a unit or a building of other languages than those of the continent.
        """
        before = self._text[max(0, start - 2) : start]
        if before[-1:] not in _GAP_ENDS or (
            pattern and before[-1] == " " and before[0] not in ",-"
        ):
            return start
        origin = max(0, start - _FURTHEST)
        return origin + self._heads[self._text[origin:start], pattern]

    def tail(self, end: int, latin: bool, loose: bool = True) -> tuple[int, bool]:
        """Return where the address with a street up to `end` ends, and if it has a postcode.

        If `loose`, what no rule knows may stand before the postcode.
        """
        stop, code = self._tails[self._text[end : end + _FURTHEST], latin, loose]
        return end + stop, code


_FURTHEST = 200  # from its street
_GAP_ENDS = frozenset(", \n")
