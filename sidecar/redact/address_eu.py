"""German, French and Spanish addresses: street, number, and a five-digit postcode with a town."""

import re
from collections.abc import Iterator
from itertools import chain

from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_CITIES = words("de.city") | words("fr.city") | words("es.city")
_DE_MEDIUM = words("de.street.medium")
_DE_NOT_PHRASE = words("de.not_phrase")
_DE_NOT_STREET = words("de.not_street")
_DE_NOUN = words("de.noun")
_EN_NOT_CITY = words("en.not_city")
_EN_STOP = words("en.stop")
_ES_STOP = words("es.stop")
_ES_STREET = words("es.street")
_EU_UNIT = words("eu.unit")
_FR_LABEL = words("fr.label")
_FR_PARTICLE = words("fr.particle")
_FR_PLAIN = words("fr.plain")
_FR_STOP = words("fr.stop")
_FR_STREET = words("fr.street")
_FR_SUBJECT = words("fr.subject")
_FR_UNIT = words("eu.apartment")

_GERMAN_MATCHES = (
    "Goethestraße 190 c", "Gartenstr. 6b 24937 Flensburg", "an der brücke 135 50667 köln",
    "Unter den Eichen 40, 79098 Freiburg im Breisgau", "Eduard-Sueß-Gasse 9",
    "Zum Sportplatz 148b, EG rechts, D-70173 Stuttgart", "Straße der Einheit 86, 04109 Leipzig",
    "Am Graben 12, 2. OG, 1010 Wien", "Postfach 19 24 55, 60311 Frankfurt am Main",
    "Gartenstr. 12 in 24937 Flensburg", "Ahornweg 9 in Kiel", "Große Wiese 7/2 90402 Nürnberg",
    "Südring 8", "Hohe Bleichen 30", "Breite Reihe 12 24937 Flensburg", "Wiesengrund 5a",
    "Dr.-Frank-Ring 3", "Rahlstedter Landstr. 8",
    "Rosenweg 3 D-24937 Flensburg",
    "Gartenstr. 8, c/o Maier, 70435 Stuttgart", "Gartenstr. 5, Gebäude K, 24937 Flensburg",
    "Straße des 8. Mai 5, 24937 Flensburg",
)  # fmt: skip
_GERMAN_REJECTS = (
    "Platz 3 in der Tabelle", "Hauptplatz 3 Minuten entfernt", "Seite 120-145", "Arbeitsplatz 5",
    "am 12. März 2024", "am Montag 14 Uhr", "Bundesstraße 7 gesperrt", "Auf Platz 2 liegt Bremen",
    "im Stadtpark 12 Bäume", "Im Jahr 1848 in Kiel", "Zum Beispiel 3 Äpfel", "Freizeitpark 2",
)  # fmt: skip
_FRENCH_MATCHES = (
    "83 impasse de la Paix", "139 bis chemin des Lilas, 29200 Brest",
    "24 bd Saint-Honoré, 59800 Lille", "15 avenue victor hugo 38100 grenoble",
    "19 boulevard du 8 Mai 1945", "45 chemin de la Paix, bât. B, appt 43, 13006 Marseille",
    "BP 5645, 69003 Lyon CEDEX 02", "Résidence Les Tilleuls, 3 rue Foch, 38100 Grenoble",
    "6 grande rue", "12 petite rue des lilas 38100 grenoble", "9 place carnot",
    "31 cours jean moulin, bât. b",
    "Lieu-dit La Roche, 24220 Vézac", "Le Bourg, 24220 Vézac", "18\navenue Foch\n38100 Grenoble",
    "2 rue du 11 Novembre 1918, appt 3", "5 rd-pt du Parc, 38100 Grenoble", "7 rue Foch, Lyon 3e",
    "Résidence Le Parc, bât. C, 3 rue Foch, 38100 Grenoble",
    "chez Mme Roy, 3 rue Foch, 38100 Grenoble",
    "Chaussée de Mons 21, 1070 Bruxelles",
)  # fmt: skip
_FRENCH_REJECTS = (
    "12 places assises dans la salle", "5 cours de maths", "BP 5645", "52 av. J.-C.",
    "quai 3 voie C",
    "voiture 7 place 21", "chapitre 5 allée des brumes", "3 place settings", "40 allées et venues",
)  # fmt: skip
_SPANISH_MATCHES = (
    "Calle Gran Vía, 167, 46004 València", "avda. real 112 29015 málaga", "C/ de la Luna, 85",
    "Plaza Mayor 77, 3-2, 50001 Zaragoza", "Ronda Real 111, 4º izq., 29015 Málaga",
    "Plaza Gran Vía, s/n, 08009 Barcelona", "Apartado de Correos 4565, 29015 Málaga",
    "Travesera de Dalt 8, Barcelona", "ronda de los pinos nº 15", "Gran Vía Ramón y Cajal 4",
    "Avda. Alfonso X, 4, portal 2, 6º C, 30009 Murcia", "Paseo Real 2 apto. 5 03540 Alicante",
    "C/ Real 9 - 3º C", "Calle Real, 3, 26001 Haro, La Rioja",
    "Calle Real 3 33201 Gijón (Asturias)",
    "Urb. El Pinar, calle Real 3, 29660 Marbella, Málaga", "Pol. Ind. El Pino\nC/ Real 8\nnave 4",
    "Av. Real\n12\nbajo izq. 03001 Alicante", "Calle Real 8, 35002 Las Palmas de Gran Canaria",
    "Calle Real 5, Soria, 42001",
)  # fmt: skip
_SPANISH_REJECTS = (
    "plaza 5 del parking", "vía 3", "calle de 3 carriles", "avenida 5", "av. Real 2 goles",
    "camino de vuelta 5, gracias", "plaza de garaje 12",
)  # fmt: skip

_A = r"[A-Za-z\xc0-\xff]"
_CAP = r"[A-Z\xc0][A-Za-z\xc0-\xff'-]*"
_SEP = r"(?:[ ,]{1,3}\n?|\n)"

_IN = rf"(?:{_SEP}(?:(?i:in|a|en) )?)"

# A town: one word, or one with the particles that towns have.
_BETWEEN = alternatives("eu.town.between")
_ANY_CITY = f"(?i:{'|'.join(sorted(_CITIES, key=len, reverse=True))})"
_TOWN = (
    rf"(?:{_ANY_CITY}(?![A-Za-z\xc0-\xff'/-])"
    rf"|(?:(?:{alternatives('eu.town.before')}|De|Du|La) (?!{_BETWEEN} ))?"
    rf"{_A}[A-Za-z\xc0-\xff'-]+(?:/{_CAP})?)"
    rf"(?: {_BETWEEN} (?:{alternatives('eu.town.before')} )?{_A}[A-Za-z\xc0-\xff'-]+"
    rf"| (?i:im|in|bei|en|y|i|la|le|les) {_CAP}| (?i:im breisgau|im allgau)| \({_CAP}\)){{0,2}}"
)
_PROVINCE = alternatives("es.province")
_MORE_TOWN = re.compile(
    rf"(?i: cedex(?: [0-9]{{1,2}})?)|(?: {_CAP}){{1,2}}(?=[.,;)\n]|$)|, \(?{_CAP}\)?(?=[.,;)\n]|$)"
    rf"|,? \(?{_PROVINCE}(?![A-Za-z\xc0-\xff-])\)?"
)
_DISTRICT = r"(?: [0-9]{1,2}(?i:er|eme|e)\b)?"
_CITY = re.compile(
    rf"(?: ?,)?[ \n](?:(?i:in|a|en) )?({_ANY_CITY})"
    rf"(?![A-Za-z\xc0-\xff]|[-/]?[0-9@]){_DISTRICT}|, ({_CAP}){_DISTRICT}(?=[.,;)\n?!]|$| [a-z])"
    rf"| in ({_CAP})(?=[.,;)\n?!]|$| [a-z])"
)
_COUNTRY = re.compile(rf"{_SEP}\(?{alternatives('eu.country')}(?![A-Za-z])\)?")
_CODE = r"(?:(?i:de|d|f|fr|e|es|a|at|ch)[- ])?(?:[0-9]{5}|(?:1[0-8]|2[1-9]|[3-9][0-9])[0-9]{2})"
_POSTCODE = re.compile(rf"(?:{_IN}|\. | / | - ){_CODE}(?:,? |\n){_TOWN}")
_SIDE = rf"(?: ?{alternatives('eu.side')}(?![A-Za-z])\.?)?"
_KEYED = (
    rf"[0-9]{{1,2}}\. ?(?i:og|ug|stock|etage|obergeschoss)\b{_SIDE}"
    rf"|[0-9]{{1,2}}(?i:er|e|eme|nd) (?i:etage|et\.?)"
    rf"|[0-9]{{1,2}}[oa]?\.? ?{alternatives('eu.side')}\b\.?"
    rf"|(?i:c/o|z\. ?hd\.?|chez) {_CAP}(?: {_CAP})?"
    rf"|{alternatives('eu.apartment')}\b\.?"
    rf"(?: (?:[A-Za-z]?-?[0-9]{{1,5}}(?:/[0-9]{{1,4}})?[A-Za-z]?|[A-Z]{{1,2}}|[A-Za-z])\b)?{_SIDE}"
)
_UNITS = re.compile(
    rf"(?:(?:{_SEP}|,? - )(?:{_KEYED}"
    rf"|[0-9]{{1,2}}[oaer]?\.?(?:(?: ?- ?| )[0-9]{{1,2}}[oaer]?| ?-? ?[A-Za-z])?(?![0-9A-Za-z])"
    rf"{_SIDE})){{1,4}}"
)
_UNITS_AFTER = re.compile(rf"(?:, (?:{_KEYED})(?![A-Za-z])){{1,2}}")


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
            end = country.end() if country else end
            units = _UNITS_AFTER.match(text, end)
            return (units.end() if units else end), True
    end = units.end() if units else end
    city = _CITY.match(text, end)
    if city and (city.group(1) or city[2] or city[3]).lower() not in _NOT_CITY:
        end = city.end()
        more = _AFTER_CITY.match(text, end)
        end = more.end() if more else end
    return end, False


_AFTER_CITY = re.compile(
    rf", [0-9]{{5}}(?![0-9A-Za-z]|[ ./-][0-9])|,? \(?{_PROVINCE}(?![A-Za-z\xc0-\xff-])\)?"
)
_NOT_CITY = _EN_NOT_CITY | _DE_NOT_PHRASE | _DE_NOUN


_FOLLOWING = re.compile(r" ([A-Za-z\xc0-\xff]+)")


def _is_quantity(text: str, end: int) -> bool:
    """Tell whether a unit follows the number that ends at `end`."""
    following = _FOLLOWING.match(text, end)
    return following is not None and following.group(1).lower() in _EU_UNIT


# ------------------------------------------------------------------------------------- German
_DE_SUFFIX = alternatives("de.street", "de.street.medium", "de.street.weak")
_DE_NUMBER_BEGINS = r"(?:(?i:nr|hausnr)\.? ?)?[0-9]"
_DE_NUMBER = (
    rf"{_DE_NUMBER_BEGINS}{{1,4}}(?: ?[a-zA-Z]\b)?(?: ?[-/+] ?[0-9]{{1,4}}(?: ?[a-z])?\b){{0,2}}"
)
_DE_OF_NAME = r"(?i:stra(?:ss|\xdf)e|platz|allee|weg|gasse|str\.)"
_DE_PREPOSITION = "an|am|auf|im|in|zum|zur|unter|hinter|vor|bei|beim|ober"
_DE_WHERE = rf"(?i:{_DE_PREPOSITION})(?: (?i:der|dem|den|die|das))?"
_DE_NAMED_AFTER = (
    rf"\b{_DE_OF_NAME} (?i:der|des|am|zum|zur|von|vom|im) (?:[0-9]{{1,2}}\. )?{_A}+(?: {_CAP})?"
)
_DE_PHRASE = rf"{_DE_NAMED_AFTER}|\b{_DE_WHERE}(?: {_A}[A-Za-z\xc0-\xff-]+){{1,2}}"
_DE_PATTERN = (
    rf"(?:\b{_A}{{2,24}}(?:-{_A}{{1,20}}){{0,3}}-?{_DE_SUFFIX}"
    rf"|\b(?:{_CAP} ){{1,2}}(?:{_A}{{1,20}}-)?{_DE_SUFFIX}"
    rf"|\b{_A}{{2,20}}er {alternatives('de.street')}|{_DE_PHRASE}),? {_DE_NUMBER}"
)
_DE_NAME = re.compile(r"(?s)(.*[A-Za-z\xc0-\xff.]),? (?:(?i:nr|hausnr)\.? ?)?[0-9]")
_DE_NAME_AFTER = re.compile(rf"(?s)(?:.* )?({_DE_OF_NAME} (?i:der|des|am|zum|zur|von|vom|im)) .*")
_DE_TYPE = re.compile(rf"(?s)(.*?){_DE_SUFFIX}")
_DE_STRONG = re.compile(rf"(?s).*?{alternatives('de.street')}")
_DE_ADJECTIVE = re.compile(rf"(?s){alternatives('de.adjective')}(?:e|er|en|es|em)?|.{{2,}}er")
_DE_LOWER_PHRASE = re.compile("(?:am|im|zum|zur)|(?:an|auf|unter|hinter|vor) (?:der|dem|den)")
_MORE_DIGITS = re.compile(r"[A-Za-z0-9\xc0-\xff]|[.:,][0-9]")
# What belongs to the name and stands before its first word: "Dr.-", "Alte ", "Eppendorfer ".
_DE_BEFORE = re.compile(
    rf"(?:\b(?:{alternatives('de.adjective')}(?:e|er|en|es|em)?|(?:dr|prof|st)\.) "
    rf"|\b(?:[A-Z][A-Za-z]{{0,3}}\.-?){{1,4}})$"
)
_DE_BEFORE_TRUNK = re.compile(r"\b[A-Za-z\xc0-\xff]{3,20}er $")
_DE_TRUNK = frozenset({"landstr", "heerstr"})  # "Eppendorfer Landstr."
_DE_PREPOSITIONS = frozenset(_DE_PREPOSITION.split("|"))
_DE_ARTICLES = frozenset({"der", "dem", "den", "die", "das"})
_DE_BOX_PATTERN = r"\b(?i:postfach|pf\.) ?[0-9][0-9 ]{2,10}"
# By itself too: in "in Straße des 17. Juni 5" the other pattern begins at "in" and ends with "17".
_DE_AFTER_PATTERN = rf"(?:{_DE_NAMED_AFTER}),? {_DE_NUMBER}"
_DE, _DE_AFTER, _DE_BOX = map(scanner, (_DE_PATTERN, _DE_AFTER_PATTERN, _DE_BOX_PATTERN))


def german(data: bytes) -> Iterator[Range]:
    """Yield German, Austrian and Swiss addresses."""
    text = data.decode("latin-1")
    for match in chain(_DE.finditer(data), _DE_AFTER.finditer(data)):
        start, end = match.span()
        if _MORE_DIGITS.match(text, end):
            continue
        start, certain = _german_name(text, start, end)
        if text[end - 2] == " " and _POSTCODE.match(text, end - 2):
            end -= 2  # "32 D-55116"
        stop, code = _tail(text, end, latin=False)
        if code or (certain and not _is_quantity(text, end)):
            before = _DE_BEFORE.search(text, max(0, start - 24), start)
            if text[start : start + 7].lower() in _DE_TRUNK:
                before = before or _DE_BEFORE_TRUNK.search(text, max(0, start - 24), start)
            yield before.start() if before else start, stop
    for match in _DE_BOX.finditer(data):
        start, end = match.span()
        yield start, _tail(text, len(text[:end].rstrip()), latin=False)[0]


def _german_name(text: str, start: int, end: int) -> tuple[int, bool]:
    """Return where the name of a street starts, and whether it is one without a postcode."""
    name = _DE_NAME.match(text, start, end)
    value = name.group(1) if name else text[start:end]
    after = _DE_NAME_AFTER.fullmatch(value)
    if after:  # "Platz der Republik"
        return start + after.start(1), after.group(1).lower().endswith(("der", "des"))
    words = [(start + m.start(), m.group()) for m in _NO_BLANKS.finditer(value)]
    position, last = words.pop()
    type_ = _DE_TYPE.fullmatch(last)
    strong = _DE_STRONG.fullmatch(last) is not None
    medium = type_ is not None and last[type_.end(1) :].lower() in _DE_MEDIUM
    before = words[-1][1].lower() if words else ""
    adjective = before not in _DE_NOUN and _DE_ADJECTIVE.fullmatch(before) is not None
    first = len(words)  # of the words before the last, the first that belongs to the name
    certain = False
    if type_ and len(type_.group(1)) > 2:
        # "Eduard Suess-Gasse"
        half = bool(words) and last.count("-") == 1 and words[-1][1][0].isupper()
        first -= before not in _DE_NOUN and ((adjective and not strong) or half)
        known = last.lower().rstrip(".").replace("\xdf", "ss") in _DE_NOT_STREET
        lettered = text[end - 1].isalpha() and text[end - 2].isdigit()  # "Wiesengrund 5a"
        known = known or not (last[0].isupper() or strong or (medium and adjective))
        certain = not known and (strong or medium or lettered)
    elif type_:
        plain = bool(before) and before not in _DE_NOUN
        first -= plain
        if first and plain and not adjective:
            name_ = words[first - 1][1]
            first -= name_[0].isupper() and name_.lower() not in _DE_NOUN
        named = before[:1] != words[-1][1][:1] if words else False  # a capital
        certain = plain and (adjective or (strong and named)) and (strong or medium)
    phrase = _phrase_start(words)
    if phrase < len(words):
        at = words[phrase][0]
        inside = _is_capital_phrase(text, at, end, last)
        if inside or not strong or text[at - 1 : at] in ("", "\n"):
            first, certain = phrase, certain or inside
    if not strong and _NOUN_NEXT.match(text, end) and not _CITY.match(text, end):
        certain = False  # "im Stadtpark 12 Bäume"
    return (words[first][0] if first < len(words) else position), certain


_NO_BLANKS = re.compile("[^ ]+")
_NOUN_NEXT = re.compile(" [A-Z]")


def _phrase_start(words: list[tuple[int, str]]) -> int:
    """Return which of the words before the last is the preposition of a name: "An der Alster"."""
    for index in range(len(words) - 1, -1, -1):
        word = words[index][1]
        lower = word.lower()
        if lower in _DE_PREPOSITIONS:
            phrase = " ".join(w for _, w in words[index : index + 2])
            return index if word[0].isupper() or _DE_LOWER_PHRASE.match(phrase) else len(words)
        if lower in _DE_NOUN - _DE_ARTICLES:
            break
    return len(words)


def _is_capital_phrase(text: str, start: int, end: int, noun: str) -> bool:
    """Tell whether "Am Stadtpark 16" is a name: capitals that no start of a sentence explains."""
    if noun.lower() in _DE_NOT_PHRASE or not (text[start].isupper() and noun[0].isupper()):
        return False
    before = text[max(0, start - 2) : start]
    inside = before[-1:] == " " and (before[:1].isalpha() or before[:1] in (",", ":"))
    return inside or (before[-1:] in ("", "\n") and text[end : end + 1] in ("", "\n"))


# ------------------------------------------------------------------------------------- French
_FR_TYPE = alternatives("fr.street", "fr.street.weak")
_FR_OLD = rf"{alternatives('fr.adjective')}[ -]{alternatives('fr.street', 'fr.street.weak')}\b"
_FR_PATTERN = (
    rf"\b[0-9]{{1,4}}(?:[-/][0-9]{{1,4}})?(?: ?(?i:bis|ter|quater|[a-d]))?(?:,? |,?\n)"
    rf"(?:{_FR_TYPE} |{_FR_OLD})"
    rf"|\b{_FR_TYPE} (?i:de|du|des|d'|la) ?|\b{alternatives('fr.named')} "
    r"|\b(?i:(?:le|au) (?:bourg|village)), "
)
_FR_BEFORE = re.compile(
    rf"\b(?:{alternatives('fr.building')}(?! chez)(?: [A-Za-z0-9\xc0-\xff'-]+){{1,5}}"
    rf"|(?i:chez (?:(?:m|mme|mlle)\.? )?){_CAP}(?: {_CAP})?)"
    rf"(?:, (?:{_KEYED})){{0,3}}(?:, |\n)$"
)
_FR_WORD = re.compile(r"[A-Za-z\xc0-\xff0-9](?:[A-Za-z0-9\xc0-\xff'-]|\.(?=[A-Za-z ]))*")
_FR_MONTH = re.compile(
    "(?i:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
)
_FR_LAST_WORD = re.compile("([A-Za-z\xc0-\xff'.]+)[ .]*$")
_FR_BELGIAN = re.compile(",? [0-9]{1,4}[a-z]?(?![0-9A-Za-z])")
_FR_BOX_PATTERN = r"\b(?:BP|B\.P\.|CS|TSA|bp) ?[0-9]{1,6}"
_CODE_NEXT = re.compile(rf",? ?\n?{_CODE},? {_A}{{2}}")
_FR, _FR_BOX = scanner(_FR_PATTERN), scanner(_FR_BOX_PATTERN)


def french(data: bytes) -> Iterator[Range]:
    """Yield French and Belgian addresses."""
    text = data.decode("latin-1")
    limit = len(text)
    for start, end in reversed([match.span() for match in _FR.finditer(data)]):
        numbered = text[start].isdigit()
        until, limit = limit, start if numbered else limit
        if numbered and _is_labelled(text, start):
            continue
        stop = _french_end(text, start, end, until)
        if stop > start:
            before = _FR_BEFORE.search(text, max(0, start - 80), start)
            yield before.start() if before else start, stop
    for match in _FR_BOX.finditer(data):
        start, end = match.span()
        stop, code = _tail(text, end, latin=True)
        if code:
            yield start, stop


def _is_labelled(text: str, start: int) -> bool:
    """Tell whether a number belongs to what precedes it: "voiture 12 place 45"."""
    if text[start - 1 : start] in ("-", "/", ".", ":", "#", "_"):
        return True
    label = _FR_LAST_WORD.search(text, max(0, start - 14), start)
    return label is not None and label.group(1).lower().rstrip(".") in _FR_LABEL


def _french_end(text: str, start: int, end: int, until: int) -> int:
    """Return where the address with the type up to `end` ends, or -1 if it is none."""
    numbered = text[start].isdigit()
    name_end, certain = _french_name(text, end, until)
    if numbered and text[end - 1] not in " '":  # "38 grande rue"
        name_end, certain = max(end, _french_name(text, end + 1, until)[0]), True
    elif text[end - 2] == ",":  # "Le Bourg, 19500 Meyssac"
        name_end = end - 2
    elif name_end == end or (numbered and text[end : end + 4] == "J.-C"):
        return -1
    house = None if numbered else _FR_BELGIAN.match(text, name_end)
    stop, code = _tail(text, house.end() if house else name_end, latin=True)
    type_ = text[start:end].lower().split()[-1]
    if code or (numbered and (certain or type_ in _FR_STREET or stop > name_end)):
        return stop
    words = text[end:name_end].lower().split()
    if not numbered or not text[start:end].islower() or not _EN_STOP.isdisjoint(words):
        return -1
    if type_ in _FR_COURSE:
        return stop if len(words) > 1 and _FR_SUBJECT.isdisjoint(words) else -1
    # One word must be a name: "12 place gambetta", but "3 place settings", "5 passage libre".
    single = len(words) == 1 and (type_ not in _FR_ALONE or words[0].endswith("s"))
    return stop if type_ in _FR_PLAIN and not single else -1


_FR_ALONE = frozenset("place pl. square sq. promenade montee traverse villa".split())
_FR_COURSE = frozenset({"cours", "crs"})


def _french_name(text: str, start: int, limit: int) -> tuple[int, bool]:
    """Return where the name of a street ends, and whether capitals or a postcode prove it one."""
    end, position, plain, capital, previous = start, start, 0, False, ""
    for _ in range(7):
        word = _FR_WORD.match(text, position)
        if word is None or position >= limit:
            break
        value, position = word.group(), word.end() + 1
        lower = value.lower().rstrip(".")
        if _ends_name(lower, previous) or _CODE_NEXT.match(text, word.start()):
            break
        if lower not in _FR_PARTICLE:
            if not (value[0].islower() and value[1:2] != "'"):
                capital = capital or not value[0].isdigit()
            elif capital and previous not in _FR_PARTICLE:
                break
            else:
                plain += 1
            end = word.end()
        previous = lower
        if text[word.end() : position] != " ":
            break
    code = _CODE_NEXT.match(text, end) is not None
    if plain > 2 and not code and not _FR_ENDS.match(text, end):
        return _second_word(text, start), False
    return end, capital or code


def _ends_name(word: str, previous: str) -> bool:
    """Tell whether a word, behind the previous one, is no part of a French street's name."""
    if word in _FR_STOP or word in _FR_UNIT or (not previous and word == "et"):
        return True
    date = _FR_MONTH.fullmatch(previous) or (previous in ("de", "du", "des") and word.isdigit())
    return word[0].isdigit() and not date


_ENDS = re.compile(r"[,.;)\n]|$")
_FR_ENDS = re.compile(rf"[,.;)\n]|$| (?:{_KEYED})")


def _second_word(text: str, start: int) -> int:
    """Return the end of the first word that is no particle: all that is sure in lower case."""
    for word in _FR_WORD.finditer(text, start):
        if word.group().lower() not in _FR_PARTICLE:
            return word.end()
    return start


# ------------------------------------------------------------------------------------ Spanish
_ES_TYPE = alternatives("es.street", "es.street.weak")
_ES_INTRO = r"(?i:n[o.]?\.? ?|num\.? ?|numero |parcela |nave )?"
_ES_PATTERN = (
    rf"\b{_ES_TYPE}(?: |\b)(?:{_A}[A-Za-z\xc0-\xff'.-]* ){{0,6}}?{_A}[A-Za-z\xc0-\xff'.-]*,?[ \n]"
    rf"{_ES_INTRO}(?:[0-9]{{1,4}}(?: ?[a-zA-Z]\b| ?(?i:bis)\b)?(?:[-/][0-9]{{1,4}}\b)?"
    r"|(?i:s/n|km ?[0-9.,]{1,6}))"
)
_ES_NO = re.compile(r"(?i),?[ \n](n[o.]?\.? ?|num\.? ?|numero |parcela |nave )?(?:[0-9]|s/n|km)")
_ES_HEAD = re.compile(rf"{_ES_TYPE} ?")
_ES_THE = re.compile("(?:de (?:la|las|los|el)|del) ")
_ES_CONJUNCTION = re.compile(" [aeoy]$")  # "n. 18 a las 20h"
_ES_BEFORE = re.compile(
    rf"\b{alternatives('es.named')}\.?(?: [A-Za-z0-9\xc0-\xff'-]+){{1,4}}(?:, |\n)$"
)
_ES_BOX_PATTERN = r"\b(?i:apartado(?: de correos| postal)?|apdo\.?(?: de correos)?) [0-9]{1,6}"
_ES, _ES_BOX = scanner(_ES_PATTERN), scanner(_ES_BOX_PATTERN)


def spanish(data: bytes) -> Iterator[Range]:
    """Yield Spanish addresses."""
    text = data.decode("latin-1")
    for match in _ES.finditer(data):
        start, end = match.span()
        if _ES_CONJUNCTION.search(text, end - 2, end):
            end -= 2
        if _is_quantity(text, end) or _MORE_DIGITS.match(text, end):
            continue
        head = _ES_HEAD.match(text, start, end)
        certain = head is not None and _is_spanish_street(text, head.group(), head.end(), end)
        stop, code = _tail(text, end, latin=True) if certain is not None else (end, False)
        if code or certain or stop > end:
            before = _ES_BEFORE.search(text, max(0, start - 60), start)
            yield before.start() if before else start, stop
    for match in _ES_BOX.finditer(data):
        yield match.span()[0], _tail(text, match.span()[1], latin=True)[0]


def _is_spanish_street(text: str, head: str, start: int, end: int) -> bool | None:
    """Decide about a type, a name and a number without a postcode; None: not even with one."""
    name, number, *_ = _ES_NO.split(text[start:end])
    names = _FR_WORD.findall(name)
    if all(name.lower() in _FR_PARTICLE for name in names):
        return None
    if any(name in _ES_STOP or (name.lower() in _ES_STOP and len(name) > 1) for name in names):
        return None
    type_ = head.strip().lower()
    capital = any(name[0].isupper() for name in names)
    if type_ in _ES_STREET:
        return capital or len(names) < 4
    return len(type_) > 2 and (
        capital
        or bool(number)
        or (_ES_THE.match(name) is not None and bool(_ENDS.match(text, end)))
    )


# No street word, but a capital, a number, a postcode and a town: "Gran Via 28, 28013 Madrid".
# Postcodes of the neighbours too; four digits that look like a year are none.
_NAMED_PATTERN = (
    rf"\b(?:{_CAP}\.? ){{0,3}}{_CAP},? [0-9]{{1,4}}(?:[A-Za-z]|[/-][0-9A-Za-z]{{1,4}})?, "
    rf"(?:[0-9]{{5}}|(?:1[0-8]|[3-9][0-9])[0-9]{{2}}|[0-9]{{4}} [A-Z]{{2}}|[0-9]{{3}} [0-9]{{2}}"
    rf"|[0-9]{{2}}-[0-9]{{3}}) {_CAP}\b"
    r"|\b[A-U] ?[1-7],? [0-9]{1,2}[a-z]?, 68[0-9]{3} Mannheim\b"  # a block, without a street
    rf"|\b{_A}[A-Za-z\xc0-\xff-]+,? [0-9]{{1,4}}[a-z]?,? [0-9]{{5}} {_A}+"
)
_TOWN_AT_END = re.compile(r".*[0-9] (.+)", re.DOTALL)
_NAMED = scanner(_NAMED_PATTERN)


def named(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name, a number, a postcode and a town."""
    text = data.decode("latin-1")
    for match in _NAMED.finditer(data):
        start, end = match.span()
        town = _TOWN_AT_END.fullmatch(text, start, end)
        known = town is not None and town.group(1).lower() in _CITIES
        if not known and (text[start].islower() or "," not in text[start:end]):
            continue
        for word in _NO_BLANKS.finditer(text, start, end):
            value = word.group().lower()
            if value not in _DE_NOUN or value in _DE_PREPOSITIONS:
                yield word.start(), max(end, _named_end(text, start, end))
                break


def _named_end(text: str, start: int, end: int) -> int:
    """Return where the town ends, of which a match holds one word."""
    comma = text.rfind(",", start, end)
    return _tail(text, comma, latin=True)[0] if comma > start else end


# A gate asks for no more than the end of a name, or the postcode where the rule wants one: to count
# words and letters, or to follow every "in" and "an", would take most of the time of a clean body.
_GERMAN_GATES = (
    rf"(?:{_DE_NAMED_AFTER}|{alternatives('de.street', 'de.street.medium')}),? {_DE_NUMBER_BEGINS}",
    rf"{alternatives('de.street.weak')} [0-9][0-9]*[A-Za-z]\b",
    r"(?:Am|Im|Zum|Zur|An de[rmn]|Auf de[rmn]|In de[rn]|Unter den|Hinter de[rm]|Vor de[rm]|Beim)"
    rf" (?:{_A}[A-Za-z\xc0-\xff-]* )?{_CAP} [0-9]",
    rf"[A-Za-z0-9\xc0-\xff.)](?:,[ ,]{{0,2}}\n?|\n|\. | / | - ){_CODE},? {_A}",
    rf"(?:[0-9] ?[A-Za-z]?[ ,]{{1,3}}\n?{_CODE}"
    rf"|[A-Za-z\xc0-\xff.)](?: {{1,3}}\n?|-)[0-9]{{5}}),? {_A}",
    _DE_BOX_PATTERN,
)
_LOWER_GATE = rf"[0-9][a-z]?,? [0-9]{{5}} {_A}"
_NAMED_GATE = (
    r"[0-9A-Za-z], (?:[0-9]{4,5}(?: [A-Z]{2})?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}) [A-Z\xc0]"
)

_NAMED_MATCHES = (
    "Gran Vía 28, 28013 Madrid", "Neuer Wall 30, 20354 Hamburg", "zeil 90, 60313 frankfurt",
    "C 4, 9b, 68159 Mannheim",
)  # fmt: skip
_NAMED_REJECTS = ("ticket 12, 34567 items", "Version 3 12345 Zeilen")

RULES = (
    Rule("address", _GERMAN_GATES, german, _GERMAN_MATCHES, _GERMAN_REJECTS),
    Rule("address", (_FR_PATTERN, _FR_BOX_PATTERN), french, _FRENCH_MATCHES, _FRENCH_REJECTS),
    Rule("address", (_ES_PATTERN, _ES_BOX_PATTERN), spanish, _SPANISH_MATCHES, _SPANISH_REJECTS),
    Rule("address", (_NAMED_GATE, _LOWER_GATE), named, _NAMED_MATCHES, _NAMED_REJECTS),
)
