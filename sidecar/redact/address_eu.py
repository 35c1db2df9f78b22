"""German, French and Spanish addresses: street, number, and a five-digit postcode with a town."""

import re
from collections.abc import Iterator

from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_DE_NOT_STREET = words("de.not_street")
_EN_NOT_CITY = words("en.not_city")
_ES_STOP = words("es.stop")
_ES_STREET = words("es.street")
_EU_UNIT = words("eu.unit")
_FR_PARTICLE = words("fr.particle")
_FR_STOP = words("fr.stop")
_FR_STREET = words("fr.street")

_GERMAN_MATCHES = (
    "Goethestraße 190 c", "Gartenstr. 6b 24937 Flensburg", "an der brücke 135 50667 köln",
    "Unter den Eichen 40, 79098 Freiburg im Breisgau", "Eduard-Sueß-Gasse 9",
    "Zum Sportplatz 148b, EG rechts, D-70173 Stuttgart", "Straße der Einheit 86, 04109 Leipzig",
    "Am Graben 12, 2. OG, 1010 Wien", "Postfach 19 24 55, 60311 Frankfurt am Main",
)  # fmt: skip
_GERMAN_REJECTS = (
    "Platz 3 in der Tabelle", "Hauptplatz 3 Minuten entfernt", "Seite 120-145", "Arbeitsplatz 5",
    "am 12. März 2024", "am Montag 14 Uhr",
)  # fmt: skip
_FRENCH_MATCHES = (
    "83 impasse de la Paix", "139 bis chemin des Lilas, 29200 Brest",
    "24 bd Saint-Honoré, 59800 Lille", "15 avenue victor hugo 38100 grenoble",
    "19 boulevard du 8 Mai 1945", "45 chemin de la Paix, bât. B, appt 43, 13006 Marseille",
    "BP 5645, 69003 Lyon CEDEX 02", "Résidence Les Tilleuls, 3 rue Foch, 38100 Grenoble",
)  # fmt: skip
_FRENCH_REJECTS = ("12 places assises dans la salle", "5 cours de maths", "BP 5645")
_SPANISH_MATCHES = (
    "Calle Gran Vía, 167, 46004 València", "avda. real 112 29015 málaga", "C/ de la Luna, 85",
    "Plaza Mayor 77, 3-2, 50001 Zaragoza", "Ronda Real 111, 4º izq., 29015 Málaga",
    "Plaza Gran Vía, s/n, 08009 Barcelona", "Apartado de Correos 4565, 29015 Málaga",
)  # fmt: skip
_SPANISH_REJECTS = ("plaza 5 del parking", "vía 3", "calle de 3 carriles", "avenida 5")

_A = r"[A-Za-z\xc0-\xff]"
_CAP = r"[A-Z\xc0][A-Za-z\xc0-\xff'-]*"
_SEP = r"(?:[ ,]{1,3}\n?|\n)"

# A town: one word, or one with the particles that towns have.
_TOWN = (
    rf"(?:{alternatives('eu.town.before')} )?{_A}[A-Za-z\xc0-\xff'-]+(?:/{_CAP})?"
    rf"(?: {alternatives('eu.town.between')} {_A}[A-Za-z\xc0-\xff'-]+"
    rf"| (?i:im|in|bei|en|y|i) {_CAP}| (?i:im breisgau|im allgau)| \({_CAP}\)){{0,2}}"
)
_MORE_TOWN = re.compile(
    rf"(?i: cedex(?: [0-9]{{1,2}})?)|(?: {_CAP}){{1,2}}(?=[.,;)\n]|$)|, \(?{_CAP}\)?(?=[.,;)\n]|$)"
)
_CITY = re.compile(rf", ({_CAP})(?=[.,;)\n?!]|$| [a-z])")
_COUNTRY = re.compile(rf"{_SEP}\(?{alternatives('eu.country')}(?![A-Za-z])\)?")
_CODE = r"(?:(?i:de|d|f|fr|e|es|a|at|ch)[- ])?[0-9]{4,5}"
_POSTCODE = re.compile(rf"(?:{_SEP}|\. | / | - ){_CODE},? {_TOWN}")
_SIDE = rf"(?: {alternatives('eu.side')}(?![A-Za-z])\.?)?"
_UNITS = re.compile(
    rf"(?:{_SEP}(?:"
    rf"[0-9]{{1,2}}\. ?(?i:og|ug|stock|etage|obergeschoss)\b{_SIDE}"
    rf"|[0-9]{{1,2}}(?i:er|e|eme|nd) (?i:etage|et\.?)"
    rf"|[0-9]{{1,2}}[oa]?\.?(?:(?: ?- ?| )[0-9]{{1,2}}[oa]?| ?-? ?[A-Za-z])?(?![0-9A-Za-z]){_SIDE}"
    rf"|[0-9]{{1,2}}[oa]?\.? {alternatives('eu.side')}\b\.?"
    rf"|{alternatives('eu.apartment')}\b\.?"
    rf"(?: (?:[A-Za-z]?-?[0-9]{{1,5}}[A-Za-z]?|[A-Za-z])\b)?{_SIDE}"
    r")){1,4}"
)


def _tail(text: str, end: int, latin: bool) -> tuple[int, bool]:
    """Return where the address with a street up to `end` ends, and whether it has a postcode."""
    units = _UNITS.match(text, end)
    for start in (units.end(), end) if units else (end,):
        code = _POSTCODE.match(text, start)
        if code:
            end = code.end()
            more = _MORE_TOWN.match(text, end) if latin or text[end : end + 2] == ", " else None
            end = more.end() if more else end
            country = _COUNTRY.match(text, end)
            return (country.end() if country else end), True
    end = units.end() if units else end
    city = _CITY.match(text, end)
    if city and city.group(1).lower() not in _EN_NOT_CITY:
        end = city.end()
    return end, False


_FOLLOWING = re.compile(r" ([A-Za-z\xc0-\xff]+)")


def _is_quantity(text: str, end: int) -> bool:
    """Tell whether a unit follows the number that ends at `end`."""
    following = _FOLLOWING.match(text, end)
    return following is not None and following.group(1).lower() in _EU_UNIT


# ------------------------------------------------------------------------------------- German
_DE_SUFFIX = alternatives("de.street", "de.street.weak")
_DE_NUMBER_BEGINS = r"(?:(?i:nr|hausnr)\.? ?)?[0-9]"
_DE_NUMBER = (
    rf"{_DE_NUMBER_BEGINS}{{1,4}}(?: ?[a-zA-Z]\b)?(?: ?[-/+] ?[0-9]{{1,4}} ?[a-z]?\b){{0,2}}"
)
_DE_OF_NAME = r"(?i:stra(?:ss|\xdf)e|platz|allee|weg|gasse|str\.)"
_DE_WHERE = (
    r"(?i:an|am|auf|im|in|zum|zur|unter|hinter|vor|bei|beim|ober)(?: (?i:der|dem|den|die|das))?"
)
_DE_NAMED_AFTER = (
    rf"\b{_DE_OF_NAME} (?i:der|des|am|zum|zur|von|vom|im) (?:[0-9]{{1,2}}\. )?{_A}+(?: {_CAP})?"
)
_DE_PHRASE = rf"{_DE_NAMED_AFTER}|\b{_DE_WHERE}(?: {_A}[A-Za-z\xc0-\xff-]+){{1,2}}"
_DE_PATTERN = (
    rf"(?:\b{_A}{{2,24}}(?:-{_A}{{1,20}}){{0,3}}-?{_DE_SUFFIX}"
    rf"|\b(?:{_CAP} ){{1,2}}(?:{_A}{{1,20}}-)?{_DE_SUFFIX}|{_DE_PHRASE}),? {_DE_NUMBER}"
)
_DE_STRONG = re.compile(
    rf"(?:.*[ -])?([A-Za-z\xc0-\xff]*?){alternatives('de.street')}[ ,]", re.DOTALL
)
_MORE_DIGITS = re.compile(r"[A-Za-z0-9\xc0-\xff]|[.:,][0-9]")
# The preposition of the sentence ("in der Goethestr. 5"), not of the name ("In der Au 5").
_DE_LEAD = re.compile(
    rf"(?:an|in|auf|bei|vor|hinter|am|zur|zum)(?: (?:der|dem|den|die|das))? "
    rf"(?={_CAP}|{_A}{{2,}}{_DE_SUFFIX}[ ,])"
)
_DE_OF = re.compile(rf"{_DE_OF_NAME} (?i:der|des)\b")
_DE_BEFORE = re.compile(rf"\b{alternatives('de.adjective')}[a-z]{{0,2}}[rnsm]? $")
_DE_BOX_PATTERN = r"\b(?i:postfach|pf\.) ?[0-9][0-9 ]{2,10}"
_DE, _DE_BOX = scanner(_DE_PATTERN), scanner(_DE_BOX_PATTERN)


def german(data: bytes) -> Iterator[Range]:
    """Yield German, Austrian and Swiss addresses."""
    text = data.decode("latin-1")
    for match in _DE.finditer(data):
        start, end = match.span()
        if _MORE_DIGITS.match(text, end):
            continue
        lead = _DE_LEAD.match(text, start, end)
        start = lead.end() if lead else start
        stop, code = _tail(text, end, latin=False)
        if code or _is_german_street(text, start, end):
            before = _DE_BEFORE.search(text, max(0, start - 12), start)
            yield before.start() if before else start, stop
    for match in _DE_BOX.finditer(data):
        start, end = match.span()
        yield start, _tail(text, len(text[:end].rstrip()), latin=False)[0]


def _is_german_street(text: str, start: int, end: int) -> bool:
    """Decide about a street and number without a postcode."""
    value = text[start:end]
    strong = _DE_STRONG.match(value)
    if not strong and not _DE_OF.match(value):
        return False
    name = re.split(r",? [0-9]|,? (?i:nr)", value)[0]
    if name.split()[-1].strip("-").lower() in _DE_NOT_STREET and " " not in name:
        return False
    if " " not in name and "-" not in name and strong and len(strong.group(1)) < 3:
        return False
    return not _is_quantity(text, end)


# ------------------------------------------------------------------------------------- French
_FR_TYPE = alternatives("fr.street", "fr.street.weak")
_FR_PATTERN = (
    rf"\b[0-9]{{1,4}}(?:[-/][0-9]{{1,4}})?(?: ?(?i:bis|ter|quater|[a-d]))?,? {_FR_TYPE} "
    rf"|\b{_FR_TYPE} (?i:de|du|des|d'|la) ?"
)
_FR_BEFORE = re.compile(
    rf"\b{alternatives('fr.building')}(?: [A-Z0-9\xc0][A-Za-z0-9\xc0-\xff'-]*){{1,5}}, $"
)
_FR_WORD = re.compile(r"[A-Za-z\xc0-\xff0-9](?:[A-Za-z0-9\xc0-\xff'-]|\.(?=[A-Za-z ]))*")
_FR_BOX_PATTERN = r"\b(?:BP|B\.P\.|CS|TSA|bp) ?[0-9]{1,6}"
_CODE_NEXT = re.compile(rf",? ?\n?{_CODE},? {_A}{{2}}")
_FR, _FR_BOX = scanner(_FR_PATTERN), scanner(_FR_BOX_PATTERN)


def french(data: bytes) -> Iterator[Range]:
    """Yield French and Belgian addresses."""
    text = data.decode("latin-1")
    heads = [match.span() for match in _FR.finditer(data)]
    limits = [start for start, _ in heads[1:]] + [len(text)]
    for (start, end), limit in zip(heads, limits, strict=False):
        numbered = text[start].isdigit()
        strong = text[start:end].split()[-1].lower() in _FR_STREET
        if text[start - 1 : start] in ("-", "/", ".", ":", "#", "_") and numbered:
            continue
        name_end, certain = _french_name(text, end, limit)
        stop, code = _tail(text, name_end, latin=True) if name_end > end else (end, False)
        if name_end > end and (code or (numbered and (certain or strong))):
            before = _FR_BEFORE.search(text, max(0, start - 50), start)
            yield before.start() if before else start, stop
    for match in _FR_BOX.finditer(data):
        start, end = match.span()
        stop, code = _tail(text, end, latin=True)
        if code:
            yield start, stop


def _french_name(text: str, start: int, limit: int) -> tuple[int, bool]:
    """Return where the name of a street ends, and whether capitals or a postcode prove it one."""
    end, position, plain, capital = start, start, 0, False
    for _ in range(7):
        word = _FR_WORD.match(text, position)
        if word is None or position >= limit:
            break
        value, position = word.group(), word.end() + 1
        lower = value.lower().rstrip(".")
        if lower in _FR_STOP or _CODE_NEXT.match(text, word.start()):
            break
        if lower not in _FR_PARTICLE:
            if not (value[0].islower() and value[1:2] != "'"):
                capital = capital or not value[0].isdigit()
            elif capital:
                break
            else:
                plain += 1
            end = word.end()
        if text[word.end() : position] != " ":
            break
    code = _CODE_NEXT.match(text, end) is not None
    if plain > 2 and not code:
        return _second_word(text, start), False
    return end, capital or code


def _second_word(text: str, start: int) -> int:
    """Return the end of the first word that is no particle: all that is sure in lower case."""
    for word in _FR_WORD.finditer(text, start):
        if word.group().lower() not in _FR_PARTICLE:
            return word.end()
    return start


# ------------------------------------------------------------------------------------ Spanish
_ES_TYPE = alternatives("es.street", "es.street.weak")
_ES_PATTERN = (
    rf"\b{_ES_TYPE}(?: |\b)(?:{_A}[A-Za-z\xc0-\xff'.-]* ){{0,6}}?{_A}[A-Za-z\xc0-\xff'.-]*,? "
    r"(?i:n[o.]?\.? ?|num\.? ?|numero )?"
    r"(?:[0-9]{1,4}(?: ?[a-zA-Z]\b| ?(?i:bis)\b)?(?:[-/][0-9]{1,4}\b)?|(?i:s/n|km ?[0-9.,]{1,6}))"
)
_ES_NO = re.compile(r"(?i),? (?:n[o.]?\.? ?|num\.? ?|numero )?(?:[0-9]|s/n|km)")
_ES_HEAD = re.compile(rf"{_ES_TYPE} ?")
_ES_BOX_PATTERN = r"\b(?i:apartado(?: de correos| postal)?|apdo\.?(?: de correos)?) [0-9]{1,6}"
_ES, _ES_BOX = scanner(_ES_PATTERN), scanner(_ES_BOX_PATTERN)


def spanish(data: bytes) -> Iterator[Range]:
    """Yield Spanish addresses."""
    text = data.decode("latin-1")
    for match in _ES.finditer(data):
        start, end = match.span()
        head = _ES_HEAD.match(text, start, end)
        type_ = head.group().strip().lower() if head else ""
        names = _FR_WORD.findall(_ES_NO.split(text[head.end() : end])[0]) if head else []
        particles_only = all(name.lower() in _FR_PARTICLE for name in names)
        stops = any(name.lower() in _ES_STOP for name in names)
        if particles_only or stops or _is_quantity(text, end) or _MORE_DIGITS.match(text, end):
            continue
        stop, code = _tail(text, end, latin=True)
        capital = any(name[0].isupper() for name in names)
        if (
            code
            or (type_ in _ES_STREET and (capital or len(names) < 4))
            or (capital and len(type_) > 3)
        ):
            yield start, stop
    for match in _ES_BOX.finditer(data):
        yield match.span()[0], _tail(text, match.span()[1], latin=True)[0]


# No street word, but a capital, a number, a postcode and a town: "Gran Via 28, 28013 Madrid".
# Postcodes of the neighbours too; four digits that look like a year are none.
_NAMED_PATTERN = (
    rf"\b(?:{_CAP}\.? ){{0,3}}{_CAP},? [0-9]{{1,4}}(?:[A-Za-z]|[/-][0-9A-Za-z]{{1,4}})?, "
    rf"(?:[0-9]{{5}}|(?:1[0-8]|[3-9][0-9])[0-9]{{2}}|[0-9]{{4}} [A-Z]{{2}}|[0-9]{{3}} [0-9]{{2}}"
    rf"|[0-9]{{2}}-[0-9]{{3}}) {_CAP}\b"
)
_NAMED = scanner(_NAMED_PATTERN)


def named(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name, a number, a postcode and a town."""
    text = data.decode("latin-1")
    for match in _NAMED.finditer(data):
        start, end = match.span()
        yield start, max(end, _tail(text, text.rfind(",", start, end), latin=True)[0])


# A gate asks for no more than the end of a name, or the postcode where the rule wants one: to count
# words and letters, or to follow every "in" and "an", would take most of the time of a clean body.
_GERMAN_GATES = (
    rf"(?:{_DE_NAMED_AFTER}|{alternatives('de.street')}),? {_DE_NUMBER_BEGINS}",
    rf"[A-Za-z0-9\xc0-\xff.)](?:,[ ,]{{0,2}}\n?|\n|\. | / | - ){_CODE},? {_A}",
    rf"(?:[0-9] ?[A-Za-z]?[ ,]{{1,3}}\n?{_CODE}"
    rf"|[A-Za-z\xc0-\xff.)](?: {{1,3}}\n?|-)[0-9]{{5}}),? {_A}",
    _DE_BOX_PATTERN,
)
_NAMED_GATE = (
    r"[0-9A-Za-z], (?:[0-9]{4,5}(?: [A-Z]{2})?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}) [A-Z\xc0]"
)

RULES = (
    Rule("address", _GERMAN_GATES, german, _GERMAN_MATCHES, _GERMAN_REJECTS),
    Rule("address", (_FR_PATTERN, _FR_BOX_PATTERN), french, _FRENCH_MATCHES, _FRENCH_REJECTS),
    Rule("address", (_ES_PATTERN, _ES_BOX_PATTERN), spanish, _SPANISH_MATCHES, _SPANISH_REJECTS),
    Rule("address", (_NAMED_GATE,), named, ("Gran Vía 28, 28013 Madrid",)),
)
