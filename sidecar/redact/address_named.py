"""Addresses of a name, a number, a postcode and a town, without a word for street."""

import re
from collections.abc import Iterator

from sidecar.redact.address_de import (
    DE_NAME,
    DE_NOT_PHRASE,
    DE_NOUN,
    DE_PREPOSITIONS,
    DE_STOP,
    DE_TYPE,
    LINE_ENDS,
    NO_BLANKS,
)
from sidecar.redact.address_place import MORE_DIGITS, Frame
from sidecar.redact.address_town import (
    CAP,
    CODE,
    CODE_GATES,
    COMMA_CODE_GATE,
    LETTER,
    TOWNS,
    known_town,
)
from sidecar.redact.address_unit import is_quantity
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_EU_VERB = words("eu.verb")
_FR_VERB = words("fr.verb")

# No street word, but a capital, a number, a postcode and a town: "Gran Via 28, 28013 Madrid".
# Postcodes of the neighbours too; four digits that look like a year are none.
_YEAR_CODE = (
    "(?:2000 (?:Rosario|Neuchatel|Antwerpen|Anvers)|1900 La Plata|192[35] (?:Berisso|Ensenada)"
    "|1920 Martigny|1950 Sion)"
)
_NAMED_PATTERN = (
    rf"\b(?:{CAP}\.? (?:(?:de|del|de la|de los|de las|du|von|van|y|i|e) )?){{0,4}}{CAP},? "
    r"(?:[0-9]{1,4}(?:[A-Za-z]|[/-][0-9A-Za-z]{1,4})?|s/n)"
    r"(?:(?:, (?:[A-Za-z]{2,9}\.? )?[0-9A-Za-z-]{1,4}\.?(?: ?[A-Za-z]{1,5}\.?){0,2}){0,3}, "
    rf"(?:(?:[0-9]{{5}}|(?:1[0-8]|[3-9][0-9])[0-9]{{2}}|[0-9]{{4}} [A-Z]{{2}}|[0-9]{{3}} [0-9]{{2}}"
    rf"|[0-9]{{2}}-[0-9]{{3}}) {CAP}\b|{_YEAR_CODE}\b)"
    rf"|, [0-9]{{1,2}}[oa](?: ?[A-Za-z]{{1,4}}\.?)?, {CAP})"
    rf"|\b{alternatives('de.hamlet')}"
    rf"(?:(?: {LETTER}[A-Za-z\xc0-\xff-]*){{0,2}},? (?:(?i:nr)\.? ?)?|\.? ?)"
    rf"[0-9]{{1,4}}[a-z]?(?:,? |,?\n){CODE} {LETTER}+"
    rf"|\b{CAP}(?: {CAP}){{0,2}} [0-9]{{1,4}}[a-z]?(?:,?\n| )[0-9]{{5}} {CAP}"
    # a block, without a street
    r"|\b(?i:quadrat )?[A-Ua-u] ?[0-9]{1,2}"
    r"(?:,?[ \n](?:[A-Ua-u] ?)?[0-9]{1,2}[a-z]?(?: ?- ?[0-9]{1,2}[a-z]?)?)?"
    r",?[ \n]68[0-9]{3} (?i:mannheim)\b"
    rf"|\b(?:{CAP} ){{0,2}}{CAP},? s/n(?:,? |,?\n)[0-9]{{5}} {LETTER}+"
    rf"|\b{LETTER}[A-Za-z\xc0-\xff-]+,? [0-9]{{1,4}}[a-z]?(?:,? [0-9]{{1,2}}[oa])?"
    rf"(?:,| -)? [0-9]{{5}} {LETTER}+"
)
# Behind a preposition a known town is enough: "in Rosental 98, Dortmund", "en Serrano 41, Madrid".
_LED = (
    "(?i:in|im|an|am|bei|von|nach|vor|zur?|ab|adresse:?|treffpunkt:?|en|de|desde|hasta|direccion:?)"
)
_LED_PATTERN = (
    rf"\b{_LED} (?:(?:der|dem|den|die|das) )?"
    rf"(?:{CAP} (?:(?:de|del|y|i) )?){{1,4}}[0-9]{{1,3}}[a-z]?, [A-Z\xc0]"
)
_LED_GATE = r"[A-Za-z\xc0-\xff'-] [0-9]{1,3}[a-z]?, [A-Z\xc0]"
_LED_SCAN = scanner(_LED_PATTERN)
_FLOOR_GATE = r"[0-9], [0-9]{1,2}[oa](?: ?[A-Za-z]+\.?)?, [A-Z\xc0]"
_TYPE_BEFORE = re.compile(
    r"(?<![A-Za-z\xc0-\xff])"
    rf"{alternatives('fr.street', 'fr.street.weak', 'es.street', 'es.street.weak')} $"
)
# What stands before it is no part: "Pilar Av. de los Reyes 15", "Musee Magritte Place Royale 1".
_TYPE_INSIDE = re.compile(
    r"(?<!Grand)(?<!Grande)(?<!Gran) "
    r"((?:Av\.|Avda\.|Avenida|Calle|Paseo|Plaza|Rue|Avenue|Boulevard|Place)"
    rf" (?:(?i:de|del|du|des|la|los|las|les) )*{CAP})"
)
_DAY_BEFORE = re.compile("(?<![0-9])[0-9]{1,2} de $")  # "25 de Mayo 168, 5500 Mendoza"
_ES_MONTH = words("es.month")
_PROSE = re.compile(
    r".*(?<![A-Za-z\xc0-\xff])(?:[Ee]n|desde|hasta|para|chez|dans|vers|liegt|ist|wohnt|steht) ",
    re.DOTALL,
)
# "Elektro Hinrichs GmbH Rosenhügel 15", "Arbeitsweg Am Anger 19"
_BEFORE_NAME = re.compile(
    rf"{_PROSE.pattern}|(?:.* )?(?:WEG|GbR|GmbH|KG|OHG|AG|UG|e\.V\.) (?=[A-Z])"
    rf"|(?!{alternatives('eu.building', 'de.hamlet')} )[A-Z][a-z\xe0-\xff]{{3,}} "
    r"(?=(?:Am|Im|Zum|Zur|(?:An|Auf|In|Hinter|Vor) (?:der|dem|den)) [A-Z])",
    re.DOTALL,
)
_HAMLET = re.compile(rf"{alternatives('de.hamlet')}(?![A-Za-z])")
_TO_NUMBER = re.compile(
    r"[^0-9]*?(?:s/n|[0-9]{1,4})(?:[A-Za-z]|[/-][0-9A-Za-z]{1,4})?(?![0-9A-Za-z])"
)
_TOWN_AT_END = re.compile(r".*[0-9] (.+)", re.DOTALL)
_NAMED = scanner(_NAMED_PATTERN)


def named(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name, a number, a postcode and a town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _NAMED.finditer(data):
        start, end = match.span()
        number = _TO_NUMBER.match(text, start, end)
        stop = frame.tail(number.end(), latin=True)[0] if number else end
        town = _TOWN_AT_END.fullmatch(text, start, end)
        known = town is not None and town.group(1).lower().replace("\xdf", "ss") in TOWNS
        if text[start:end].partition(" ")[0].lower() in _THINGS:
            continue
        hamlet = _HAMLET.match(text, start) is not None and DE_STOP.isdisjoint(
            text[start:end].lower().split()
        )
        line = "\n" in text[start:end] or LINE_ENDS.match(text, end) is not None
        if not (known or hamlet) and (
            text[start].islower()
            or not ("," in text[start:end] or (line and _is_name(text[start:end])))
        ):
            continue
        name = DE_NAME.match(text, start, number.end() if number else end)
        type_ = DE_TYPE.fullmatch(name.group(1).split()[-1]) if name else None
        if type_ and len(type_.group(1)) > 2 and stop > (number.end() if number else end):
            continue  # the rule for German streets knows where its name begins
        if stop < end:
            continue  # "Apolo 11, 2a, Tierra"
        prose = None if hamlet else _BEFORE_NAME.match(text, start, end)
        for word in NO_BLANKS.finditer(text, prose.end() if prose else start, end):
            value = word.group().lower()
            if hamlet:
                yield frame.head(start), stop
                break
            if value in _EU_VERB or value.partition("'")[2] in _FR_VERB:
                continue  # "J'habite", "Notez"
            if (value not in DE_NOUN and value not in DE_STOP) or value in DE_PREPOSITIONS:
                before = _DAY_BEFORE if value in _ES_MONTH else _TYPE_BEFORE
                type_ = before.search(text, max(0, word.start() - 20), word.start())
                begin = type_.start() if type_ else word.start()
                inside = _TYPE_INSIDE.search(text, begin, end)
                yield frame.head(inside.start(1) if inside else begin), stop
                break


def led(data: bytes) -> Iterator[Range]:
    """Yield addresses of a preposition, a name, a number and a known town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _LED_SCAN.finditer(data):
        start, end = match.span()
        lead = _LEAD.match(text, start)
        comma = text.rindex(",", start, end)
        names = lead.end() if lead else text.index(" ", start) + 1
        first, _, number = text[names:comma].rpartition(" ")
        if number[0] == "0" or not _is_name(first) or _SCORE.match(text, comma):
            continue
        town = known_town(text, end - 1, TOWNS)
        if lead and lead.group(1):
            known = _IS_PLACE.fullmatch(first) is not None
        else:
            known = known_town(text, names, TOWNS) < 0
        if town > 0 and known and not (lead and _SENTENCE.match(text, town)):
            yield frame.head(names), frame.tail(comma, latin=True)[0]


# With an article a preposition leads to other things too: "in der Sauna 3, Erding".
_LEAD = re.compile("(?i:im|am|zum|zur) |[A-Za-z]+ (der|dem|den|die|das) ")
_SENTENCE = re.compile(f" (?:und|oder|(?!{alternatives('de.stop')}(?![a-z])){LETTER}+)")
_IS_PLACE = re.compile(rf"(?:{CAP} )+{CAP}|{LETTER}*{alternatives('de.place', 'de.street.weak')}")
_SCORE = re.compile(rf", {LETTER}+ [0-9]")  # "Hannover 3, Mainz 2"


def _is_name(name: str) -> bool:
    """Tell whether the words before a number are no ordinary ones: "in Kapitel 3, Berlin"."""
    first = name.partition(" ")[0].lower()
    return _NOT_NAME.isdisjoint((first, name.lower()))


_THINGS = words("label.value") | words("en.label") | words("fr.label")
_NOT_NAME = DE_NOT_PHRASE | DE_NOUN | DE_STOP | _THINGS


_NAMED_MATCHES = (
    "Gran Vía 28, 28013 Madrid", "Neuer Wall 30, 20354 Hamburg", "zeil 90, 60313 frankfurt",
    "C 4, 9b, 68159 Mannheim", "N 7, 13-15, 68161 Mannheim", "Quadrat C5, 68159 Mannheim",
    "Feldchen 13 - 35396 Gießen-Wieseck",
    "Markt 16\n07743 Jena", "Oberdorf 12 88069 Tettnang", "haus nr. 7, 26757 borkum",
    "Dorf 44, 6561 Ischgl", "Alderdi Eder s/n, 20003 Donostia",
    "San Martín 845, 2000 Rosario", "25 de Mayo 168, 5500 Mendoza",
)  # fmt: skip
LED_MATCHES = ("in Rosental 98, Dortmund", "en Serrano 41, Madrid")
_LED_REJECTS = (
    "von Hannover 3, Mainz 2", "in Kapitel 3, Berlin", "in Berlin 3, Hamburg 4",
    "bei Mainz 05, Kiel", "in der Sauna 3, Erding", "Im Finale 2, Berlin siegt",
    "in der Gruppe 3, Hamburg und Kiel", "in der Altstadt 5, Bremen und Kiel",
)  # fmt: skip
_NAMED_REJECTS = (
    "ticket 12, 34567 items", "Version 3 12345 Zeilen", "Dorf 3, 1200 Einwohner",
    "Temporada 3, 1950 Rosario", "Messi 10, 2000 goles",
    "Liga 2\n45000 Zuschauer", "Zug 12 20095 Hamburg", "Hof 12, 5000 Hühner",
)  # fmt: skip

# The squares of Mannheim have no streets: "Mannheim, Q 7, 18", "C 4, 9b in Mannheim".
_SQUARE = r"(?i:quadrat )?[A-U] ?[0-9]{1,2}, ?[0-9]{1,2}[a-z]?"
_SQUARE_PATTERN = rf"\b(?i:mannheim),? {_SQUARE}\b|\b{_SQUARE}(?:, | in )(?i:mannheim)(?:-{CAP})?\b"
_SQUARE_GATE = (
    r"\b(?:[Mm]annheim|MANNHEIM),? (?:(?i:quadrat) )?[A-U] ?[0-9]"
    r"|[0-9][a-z]?(?:, | in )(?:[Mm]annheim|MANNHEIM)"
)
_SQUARES = scanner(_SQUARE_PATTERN)
_SQUARE_MATCHES = (
    "Mannheim, Q 7, 18", "C 4, 9b in Mannheim", "Mannheim, Quadrat N7, 13", "L 15, 7, Mannheim",
)  # fmt: skip
_SQUARE_REJECTS = (
    "Mannheim, A 6, 12 km Stau", "Mannheim, B 38, 3 Verletzte", "Mannheim A6 5 Staus",
    "Gruppe A 1, 2, 3 in Mannheim",
)  # fmt: skip
_COUNTED_NEXT = re.compile(rf"{MORE_DIGITS.pattern}| [A-Z]|,? (?i:und|oder) [0-9]|, [0-9]")


def squares(data: bytes) -> Iterator[Range]:
    """Yield the addresses in the squares of Mannheim beside the name of the town."""
    text = data.decode("latin-1")
    for match in _SQUARES.finditer(data):
        start, end = match.span()
        if not (_COUNTED_NEXT.match(text, end) or is_quantity(text, end)):
            yield start, end


RULES: tuple[Rule, ...] = (
    Rule("address", (_SQUARE_GATE,), squares, _SQUARE_MATCHES, _SQUARE_REJECTS),
    Rule("address", (_LED_GATE,), led, LED_MATCHES, _LED_REJECTS),
    Rule(
        "address",
        (COMMA_CODE_GATE, _FLOOR_GATE, *CODE_GATES),
        named,
        _NAMED_MATCHES,
        _NAMED_REJECTS,
    ),
)
