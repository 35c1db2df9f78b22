"""French and Spanish addresses: street, number, and a five-digit postcode with a town."""

import re
from collections.abc import Iterator

from sidecar.redact.address_place import (
    CAP,
    CODE,
    KEYED,
    LETTER,
    MORE_DIGITS,
    is_quantity,
    tail,
)
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_EN_STOP = words("en.stop")
_ES_STOP = words("es.stop")
_ES_STREET = words("es.street")
_FR_LABEL = words("fr.label")
_FR_PARTICLE = words("fr.particle")
_FR_PLAIN = words("fr.plain")
_FR_STOP = words("fr.stop")
_FR_STREET = words("fr.street")
_FR_SUBJECT = words("fr.subject")
_FR_UNIT = words("eu.apartment")

_FRENCH_MATCHES = (
    "83 impasse de la Paix", "139 bis chemin des Lilas, 29200 Brest",
    "24 bd Saint-Honoré, 59800 Lille", "15 avenue victor hugo 38100 grenoble",
    "19 boulevard du 8 Mai 1945", "45 chemin de la Paix, bât. B, appt 43, 13006 Marseille",
    "Résidence Les Tilleuls, 3 rue Foch, 38100 Grenoble",
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
    "Plaza Gran Vía, s/n, 08009 Barcelona",
    "Travesera de Dalt 8, Barcelona", "ronda de los pinos nº 15", "Gran Vía Ramón y Cajal 4",
    "Avda. Alfonso X, 4, portal 2, 6º C, 30009 Murcia", "Paseo Real 2 apto. 5 03540 Alicante",
    "C/ Real 9 - 3º C", "Calle Real, 3, 26001 Haro, La Rioja",
    "Calle Real 3 33201 Gijón (Asturias)",
    "Urb. El Pinar, calle Real 3, 29660 Marbella, Málaga", "Pol. Ind. El Pino\nC/ Real 8\nnave 4",
    "Av. Real\n12\nbajo izq. 03001 Alicante", "Calle Real 8, 35002 Las Palmas de Gran Canaria",
    "Calle Real 5, Soria, 42001",
)  # fmt: skip
_BOX_MATCHES = ("Apartado de Correos 4565, 29015 Málaga",)
_SPANISH_REJECTS = (
    "plaza 5 del parking", "vía 3", "calle de 3 carriles", "avenida 5", "av. Real 2 goles",
    "camino de vuelta 5, gracias", "plaza de garaje 12",
)  # fmt: skip

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
    rf"|(?i:chez (?:(?:m|mme|mlle)\.? )?){CAP}(?: {CAP})?)"
    rf"(?:, (?:{KEYED})){{0,3}}(?:, |\n)$"
)
_FR_WORD = re.compile(r"[A-Za-z\xc0-\xff0-9](?:[A-Za-z0-9\xc0-\xff'-]|\.(?=[A-Za-z ]))*")
_FR_MONTH = re.compile(
    "(?i:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
)
_FR_LAST_WORD = re.compile("([A-Za-z\xc0-\xff'.]+)[ .]*$")
_FR_BELGIAN = re.compile(",? [0-9]{1,4}[a-z]?(?![0-9A-Za-z])")
_FR_BOX_PATTERN = r"\b(?:BP|B\.P\.|CS|TSA|bp) ?[0-9]{1,6}"
_CODE_NEXT = re.compile(rf",? ?\n?{CODE},? {LETTER}{{2}}")
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


def french_boxes(data: bytes) -> Iterator[Range]:
    """Yield French post office boxes."""
    text = data.decode("latin-1")
    for match in _FR_BOX.finditer(data):
        start, end = match.span()
        stop, code = tail(text, end, latin=True)
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
        name_end, certain = _french_name(text, end + 1, until)[0], True
        name_end = name_end if name_end > end + 1 else end
    elif text[end - 2] == ",":  # "Le Bourg, 19500 Meyssac"
        name_end = end - 2
    elif name_end == end or (numbered and text[end : end + 4] == "J.-C"):
        return -1
    house = None if numbered else _FR_BELGIAN.match(text, name_end)
    stop, code = tail(text, house.end() if house else name_end, latin=True)
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


_ENDS = re.compile(r"[,.;:)?!\n]| [^A-Za-z0-9\xc0-\xff]|$")
_FR_ENDS = re.compile(rf"[,.;)\n]|$| (?:{KEYED})")


def _second_word(text: str, start: int) -> int:
    """Return the end of the first word that is no particle: all that is sure in lower case."""
    for word in _FR_WORD.finditer(text, start):
        if word.group().lower() not in _FR_PARTICLE:
            return word.end()
    return start


# ------------------------------------------------------------------------------------ Spanish
_ES_TYPE = alternatives("es.street", "es.street.weak")
_ES_INTRO = r"(?i:n[o.]?\.? ?|num\.? ?|numero |parcela |nave )?"
_ES_ALONE = "(?i:gran via)"
_ES_PATTERN = (
    rf"\b{_ES_TYPE}(?: |\b)(?:{LETTER}[A-Za-z\xc0-\xff'.-]* ){{0,6}}?"
    rf"{LETTER}[A-Za-z\xc0-\xff'.-]*,?[ \n]"
    rf"{_ES_INTRO}(?:[0-9]{{1,4}}(?: ?[a-zA-Z]\b| ?(?i:bis)\b)?(?:[-/][0-9]{{1,4}}\b)?"
    r"|(?i:s/n|km ?[0-9.,]{1,6}))"
    rf"|\b{_ES_ALONE},? {_ES_INTRO}[0-9]{{1,4}}"
)
_ES_NO = re.compile(r"(?i),?[ \n](n[o.]?\.? ?|num\.? ?|numero |parcela |nave )?(?:[0-9]|s/n|km)")
_ES_ALONE_HEAD = re.compile(rf"{_ES_ALONE},? (?i:n|[0-9])")
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
        if is_quantity(text, end) or MORE_DIGITS.match(text, end):
            continue
        head = _ES_HEAD.match(text, start, end)
        if _ES_ALONE_HEAD.match(text, start, end):
            yield start, tail(text, end, latin=True)[0]
            continue
        certain = head is not None and _is_spanish_street(text, head.group(), head.end(), end)
        stop, code = tail(text, end, latin=True) if certain is not None else (end, False)
        if code or certain or stop > end:
            before = _ES_BEFORE.search(text, max(0, start - 60), start)
            yield before.start() if before else start, stop


def spanish_boxes(data: bytes) -> Iterator[Range]:
    """Yield Spanish post office boxes."""
    text = data.decode("latin-1")
    for match in _ES_BOX.finditer(data):
        yield match.span()[0], tail(text, match.span()[1], latin=True)[0]


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


RULES: tuple[Rule, ...] = (
    Rule("address", (_FR_PATTERN,), french, _FRENCH_MATCHES, _FRENCH_REJECTS),
    Rule("address", (_FR_BOX_PATTERN,), french_boxes, ("BP 5645, 69003 Lyon CEDEX 02",)),
    Rule("address", (_ES_PATTERN,), spanish, _SPANISH_MATCHES, _SPANISH_REJECTS),
    Rule("address", (_ES_BOX_PATTERN,), spanish_boxes, _BOX_MATCHES),
)
