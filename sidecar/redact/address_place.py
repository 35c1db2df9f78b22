"""What stands around a street, in much the same order everywhere.

    [place | building | unit]*  street and number  [unit | building]*  [postcode]  town  [region]

Each country's rules find the street. What is found here only makes that address longer: nothing of
it is evidence for one, but a postcode with a town.
"""

import re

from sidecar.redact.address_town import (
    BEFORE_CODE,
    BETWEEN,
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
    OVERSEAS,
    PROVINCE,
    QUARTERS,
    REGION,
    SAINT_TOWN,
    STATE,
    TOWN_BEGINS,
    TOWN_LATIN,
    TOWNS,
    WITH_DISTRICTS,
    WORD_TOWNS,
    behind_quarter,
    is_known_place,
    known_town,
    postcode,
    quarter_end,
)
from sidecar.redact.address_unit import (
    BUILDING,
    BUILDING_AFTER,
    KEYED,
    NOT_LOOSE,
    OF,
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
    if end < start or text[start:end].lower() in _PARTS:
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


# ------------------------------------------------------------------------------------- before it
_GAP = re.compile(r"(?:, ?\n?|,? - |\n)$")
_PUBLIC_NAME = rf"[A-Za-z\xc0-\xff]*{alternatives('de.venue', 'de.venue.more')}(?![a-z])"
_HEAD = re.compile(
    rf"(?<![A-Za-z0-9\xc0-\xff'/-])(?:{BUILDING}"
    rf"|(?:Le|La|Les|L'|El|Los|Las|Can|Alte[rs]?(?! {_PUBLIC_NAME})) ?"
    rf"{CAP}(?:(?: {OF}){{0,2}} {CAP}){{0,2}}"
    rf"|{CODE} {LETTER}[A-Za-z\xc0-\xff'-]*(?: (?:{BETWEEN} |im |in |vor der )?{CAP}){{0,2}}"
    r"|[0-9]{1,2}\.?[oa]\.? ?(?:-?[A-Z]|[0-9]{1,2}\.?[oa])?"
    r"|(?:A|AP|N|D|RD|RN|CD|M|CV|B|L|rn|rd|cd)[ -]?[0-9]{1,4}[A-Z]?"
    r"(?:,? (?:km|pk|salida|sortie|ausfahrt)\.? [0-9]+)?"
    rf"|(?<=\bin ){CAP}(?: {CAP})?|(?<=\bnach ){CAP}(?: {CAP})?|(?<=\baus ){CAP}(?: {CAP})?"
    rf")$"
)
_ARTICLE = re.compile("(?:L[ae]s?|L'|El|Los|Las|Can) ?")
_TWO_NAMES = re.compile(rf"(?<![A-Za-z\xc0-\xff]){CAP} {CAP} \Z")
_TOWN_AND_CODE = re.compile(rf"(?<![A-Za-z\xc0-\xff-]){CAP}(?: {CAP}){{0,2}} \([0-9]{{5}}\)$")
_EDGE = re.compile(r".*[,;:\n|\"(){}\[\]!?\0]", re.DOTALL)
_LOOK_BACK = 90


def _head(text: str, pattern: re.Pattern[str] | None) -> int:
    """Return where the frame starts that `text` ends with."""
    start = len(text)
    for _ in range(5):
        gap = _GAP.search(text, max(0, start - 3), start)
        if gap is None:
            start = start if pattern else _joined_start(text, start)
            break
        end = gap.start()
        begin = max(0, end - _LOOK_BACK)
        town = _TOWN_AND_CODE.search(text, begin, end)
        if town and not pattern:
            start = town.start()
            continue
        edge = _EDGE.match(text, begin, end)
        begin = edge.end() if edge else begin
        if begin == end:
            break
        part = (pattern or _HEAD).search(text, begin, end)
        if part and not pattern and _ARTICLE.match(text, part.start()):
            before = text[begin : part.start()]  # "Mme Anne Le Goff\n7 rue Foch", "Hospital La Paz"
            part = None if _TWO_NAMES.search(before) or _PUBLIC.search(before) else part
        first = -1 if pattern else _units_start(text, begin, end)
        if first < 0 and part is None and "," in gap.group() and not pattern:
            first = _place_before(text, begin, end)
        venue = -1 if pattern else _venue_start(text, begin, end)
        if venue >= 0:
            first = min(first, venue) if first >= 0 else venue
        starts = [part.start()] if part else []
        if not starts and first < 0:
            break
        start = min(starts + [first] * (first >= 0))
    return start


def _joined_start(text: str, end: int) -> int:
    """Return where the building or unit starts that stands before `end` without a comma."""
    if text[max(0, end - 1) : end] != " ":
        return end
    begin = max(0, end - _LOOK_BACK)
    edge = _EDGE.match(text, begin, end)
    begin = edge.end() if edge else begin
    crossed = _CROSSED.search(text, begin, end)
    if crossed:
        return crossed.start()
    start = end
    for _ in range(3):
        venue = _venue_start(text, begin, start - 1, joined=True)
        units = -1 if venue >= 0 else _units_start(text, begin, start - 1)
        if not any(map(str.isdigit, text[max(0, units) : end])):
            units = -1  # "at", in English
        at = max(venue, units)
        if at < 0:
            break
        start = at
        if text[max(0, start - 1) : start] != " ":
            break
    if start == end:
        town = _CODE_TOWN.search(text, begin, end - 1)
        if town and known_town(text[: end - 1], town.start(1), TOWNS) == end - 1:
            return town.start()
        town = _IN_TOWN.search(text, begin, end - 1)
        known = known_town(text[: end - 1], town.start(1), TOWNS) if town else -1
        if town and known > 0 and quarter_end(text[: end - 1], known) == end - 1:
            return town.start(1)
    return start


# A German street that meets the one behind it: "Josefstadter Strasse / Blindengasse".
_CROSSED = re.compile(
    rf"(?<![A-Za-z0-9\xc0-\xff'/-])(?:(?!Ecke ){CAP} {alternatives('de.street')}"
    rf"|[A-Z][A-Za-z\xc0-\xff-]{{2,}}{alternatives('de.street')})"
    r" ?/ ?(?:Ecke )?\Z"
)
# "10117 Berlin Wilhelmstr. 97"
_CODE_TOWN = re.compile(
    rf"(?<![A-Za-z0-9\xc0-\xff/.-])(?:[A-Z]-)?[0-9]{{5}} ({LETTER}[A-Za-z\xc0-\xff' -]+)$"
)


# "in koeln ehrenfeld venloer str 300"
_IN_TOWN = re.compile(
    rf"(?<![A-Za-z\xc0-\xff])in ({LETTER}[a-z\xc0-\xff-]+(?: {LETTER}[a-z\xc0-\xff-]+)?)$"
)
_WORD_START = re.compile(r"(?<![A-Za-z0-9\xc0-\xff'/-])[A-Za-z0-9]")


def _units_start(text: str, begin: int, end: int) -> int:
    """Return where the units start that fill all up to `end`, or -1."""
    for word in _WORD_START.finditer(text, begin, end):
        at = word.start()
        for _ in range(4):
            unit = KEYED.match(text, at, end)
            if unit is None:
                break
            if unit.end() == end:
                return word.start()
            at = unit.end() + (text[unit.end()] == " ")
    return -1


# A site with a name: "Residence Le Parc", "Parque Empresarial Sur". A public building or a company
# is no part of the address behind it: "Museo del Prado, Paseo del Prado s/n".
_VENUE = re.compile(
    rf"(?<![A-Za-z0-9\xc0-\xff'/-]){alternatives('eu.venue.site', 'eu.building')}"
    "(?![A-Za-z0-9\xc0-\xff/]| (?i:der|des) )"  # "Haus der Geschichte"
)
_VENUE_WORD = re.compile("[A-Za-z\xc0-\xff0-9'./-]+")
_OF_VENUE = (words("fr.particle") | words("eu.town.before") | words("de.article")) - {"en", "a"}


def _venue_start(text: str, begin: int, end: int, joined: bool = False) -> int:
    """Return where the site starts whose name fills all up to `end`, or -1.

    If `joined`, no comma follows, and the name needs a capital.
    """
    for venue in _VENUE.finditer(text, begin, end):
        names = _VENUE_WORD.findall(text[venue.end() : end].removeprefix("."))
        if not names and not joined and " " in venue.group():
            return venue.start()  # "Zone commerciale, 12 rue Foch"
        if len(names) > 7 or not names:
            continue
        if len(venue.group()) > 4 and text.startswith(". ", venue.end()):
            continue  # "en casa. Vivo en"
        if (
            joined
            and venue.group().lower() not in _VENUE_PLAIN
            and not any(name.rpartition("'")[2][:1].isupper() for name in names)
        ):
            continue
        names = [name for name in names if name not in _OF_VENUE and name not in _VENUE_KIND]
        lower = [name for name in names if name[0].islower() and name[1:2] != "'"]
        if lower and (len(lower) < len(names) or len(lower) > 2 or venue.group()[0].isupper()):
            continue
        if _NOT_VENUE.isdisjoint(map(str.lower, names)):
            return venue.start()
    return -1


_NOT_VENUE = NOT_LOOSE | words("eu.venue.sort")
_VENUE_KIND, _VENUE_PLAIN = words("eu.venue.kind"), words("eu.venue.plain")


_PARTS = frozenset(
    "mitte nord sud ost west nordwest nordost sudwest sudost city zentrum au".split()
)


# Before the name of a town: a firm, or an abbreviation that is no part of an address.
_FIRM = re.compile(
    r"(?<![A-Za-z\xc0-\xff0-9])(?!ZA|ZI|OT|ORT|PLZ|CH |DE |AT )"
    r"(?:[A-Z]{2,}|[A-Za-z]*[a-z][A-Z][A-Za-z]*) \Z"
)
_NAME_BEFORE = re.compile(rf"{_PUBLIC_NAME}(?: {CAP})? $")
_PUBLIC = re.compile(
    rf"(?<![A-Za-z\xc0-\xff]){alternatives('eu.venue', 'eu.venue.named')} "
    r"|(?<![A-Za-z\xc0-\xff])(?:du|des|de la|del) \Z"  # "le garage du Centre"
)


def _place_before(text: str, begin: int, end: int) -> int:
    """Return where the known town or quarter that ends at `end` starts, or -1."""
    words = list(re.finditer("[^ ]+", text[begin:end]))[-4:]
    for word in words:
        name = text[begin + word.start() : end]
        plain = name.lower().replace("\xdf", "ss")
        lower = name[0].islower()
        if lower and plain in WORD_TOWNS:
            continue
        if _NAME_BEFORE.search(text, begin, begin + word.start()):
            continue  # "Uniklinik Koln, Kerpener Str. 62"
        titled = not lower and not name.isupper()
        if titled and _FIRM.search(text, max(0, begin - 1), begin + word.start()):
            continue  # "ETH Zurich, Ramistrasse 101", "CaixaForum Madrid, Paseo del Prado, 36"
        if _PUBLIC.search(text, max(0, begin - 1), begin + word.start()):
            continue  # "Mairie de Lyon, 1 rue Foch", "Banco Santander, Calle Real 1"
        if plain in TOWNS or (plain in QUARTERS and plain not in _PARTS) or plain in OVERSEAS:
            return begin + word.start()
    return -1


# A number that goes on is no house number.
MORE_DIGITS = re.compile(
    rf"[A-Za-z0-9\xc0-\xff]|[.:][0-9]|,[0-9](?![0-9]{{4}} ?-? ?{LETTER})"  # but "3,89077 Ulm"
)


class Frame:
    """What stands around the streets of one view. A flood of addresses repeats itself."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._heads, self._tails = Decisions(_head), Decisions(_tail)

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
