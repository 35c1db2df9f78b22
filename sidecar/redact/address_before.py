"""What stands before a street: a building, a unit, a town, a venue, a street that meets it."""

import re

from sidecar.redact.address_town import (
    BETWEEN,
    CAP,
    CODE,
    LETTER,
    OVERSEAS,
    PARTS,
    QUARTERS,
    TOWNS,
    WORD_TOWNS,
    known_town,
    quarter_end,
)
from sidecar.redact.address_unit import (
    BUILDING,
    KEYED,
    NOT_LOOSE,
    OF,
)
from sidecar.redact.words import alternatives, words

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
    r"|(?i:cp|c\.p\.) ?[0-9]{5}"
    rf"|(?<=\bin ){CAP}(?: {CAP})?|(?<=\bnach ){CAP}(?: {CAP})?|(?<=\baus ){CAP}(?: {CAP})?"
    rf")$"
)
_ARTICLE = re.compile("(?:L[ae]s?|L'|El|Los|Las|Can) ?")
_TWO_NAMES = re.compile(rf"(?<![A-Za-z\xc0-\xff]){CAP} {CAP} \Z")
_TOWN_AND_CODE = re.compile(rf"(?<![A-Za-z\xc0-\xff-]){CAP}(?: {CAP}){{0,2}} \([0-9]{{5}}\)$")
_EDGE = re.compile(r".*[,;:\n|\"(){}\[\]!?\0]", re.DOTALL)
_LOOK_BACK = 90


def address_start(text: str, pattern: re.Pattern[str] | None) -> int:
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
        apart = "," in gap.group() or _CODE_AT_END.search(text, begin, end)
        if first < 0 and part is None and apart and not pattern:
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


_CODE_AT_END = re.compile(" [0-9]{5}$")


def _place_before(text: str, begin: int, end: int) -> int:
    """Return where the known town or quarter that ends at `end` starts, or -1."""
    code = _CODE_AT_END.search(text, begin, end)  # "PARIS 75013, 41 AV D'ITALIE"
    end = code.start() if code else end
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
        if plain in TOWNS or (plain in QUARTERS and plain not in PARTS) or plain in OVERSEAS:
            return begin + word.start()
    return -1
