"""French and Spanish streets in a sentence: their number before them, or the one that they meet."""

import re
from collections.abc import Iterator

from sidecar.redact.address_eu import ES_STOP
from sidecar.redact.address_fr import ENDS
from sidecar.redact.address_place import Frame
from sidecar.redact.address_town import CAP, LETTER, NOT_NAME, TOWNS, known_town
from sidecar.redact.address_unit import is_quantity
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_TYPE = (
    r"(?i:calle|avenida|avda\.?|av\.?|plaza|paseo|rua|carrer|ronda|travesia|glorieta|camino"
    r"|carretera|alameda|rambla|rue|avenue|boulevard|bd\.?|place|quai|chemin|impasse|allee|route"
    r"|passage|square|cours|faubourg)"
)
_ES_TYPE = r"(?i:calle|avenida|avda\.?|av\.?|plaza|paseo|rua|carrer|ronda|rambla|glorieta)"
_OF_TYPE = rf"(?:(?:de la |del |de l'|du ){_TYPE}|de {_ES_TYPE})"
_OF_STRONG = (
    r"(?:(?:de la |del |de l'|du )"
    r"(?i:rue|avenue|boulevard|impasse|quai|calle|avenida|avda\.?|paseo)"
    r"|(?:de la |du )(?i:place|chemin|route|plaza) (?:de|du|des|del|aux?))"
)
_PARTICLES = r"(?:(?:de (?:la |los |las |l')?|del |d[oa]s? |du |des |d'|l'|la |les |aux? )*)"

# "el número 14 de la calle Feria", "au 12 de la rue Monge"; behind a word that leads to it in
# lower case and with the number spelled out, too: "au 12 de la rue des martyrs".
_WORDS = alternatives("es.number", "fr.number")
_SPELLED = rf"(?:(?:{_WORDS}|et|y)[ -])+"
_NUMBER = r"[0-9]{1,4}(?:[ -](?:bis|ter|quater)|[a-d]|-[0-9]{1,4})?"
_LEAD = r"(?i:numero|n[uo]m?\.?|n\.o|el|al|frente al|au|du|le)"
_NUMBERED_PATTERN = (
    rf"\b(?:{_LEAD} )?{_NUMBER} {_OF_TYPE} {_PARTICLES}{CAP}(?:[ -]{CAP}){{0,3}}"
    rf"|\b(?i:numero|n\.o|el|al|au) {_NUMBER} {_OF_STRONG} {_PARTICLES}{LETTER}{{3,}}"
    rf"|\b(?i:numero|al|au) {_SPELLED}{_OF_TYPE} {_PARTICLES}{CAP}(?: {CAP}){{0,3}}"
)
_NUMBERED_GATES = (
    rf"[0-9](?:[ -](?:bis|ter|quater)|[a-d])? {_OF_TYPE} ",
    rf"\b(?i:numero|al|au) {_SPELLED}{_OF_TYPE} ",
)
_NUMBERED = scanner(_NUMBERED_PATTERN)
_NUMBER_HERE = re.compile(rf"(?:[Nn](?:o|umero|\.o?|um\.)\.? )?(?:[0-9]|(?<= ){_WORDS}(?=[ -]))")
_OWN_NUMBER = re.compile(
    rf"(?: (?:(?:de|del|la|los) )*{CAP}){{0,2}},? [0-9]"
)  # "trastero 14 de calle Alcala 92"
_LAST_WORD = re.compile(rf"{LETTER}+$")
_MORE = re.compile(rf"[ -]({LETTER}[A-Za-z\xc0-\xff'-]*)(?={ENDS.pattern})")
_NUMBERED_MATCHES = (
    "14 de la calle Feria", "Nº 4 de la Rúa do Franco, Santiago de Compostela",
    "n.º 12 de la calle del Pez", "num. 3 de la Ronda de Atocha",
    "número ciento doce de la calle Hortaleza, en Madrid", "45 bis de l'avenue Kléber",
)  # fmt: skip
NUMBERED_MATCHES = (
    "au 12 de la rue des martyrs", "au 4 bis de l'impasse des Lilas, Brest",
    "al 20 de la calle bravo murillo", "au cent douze de la rue Monge",
)  # fmt: skip
_NUMBERED_REJECTS = (
    "el 5 de la avenida", "au 12 de la rue", "el 14 de la calle está roto", "au 3 de la rue et",
    "el 3 de la calle de enfrente", "au 8 de la rue du haut", "el número dos de la calle",
    "el 2 de la plaza y el 3", "le numéro 5 de la place mondiale", "le 2 de la route nationale",
    "au 3 de la rue qui monte", "los 15 de la calle feria",
)  # fmt: skip
# "au 12 de la rue du coin"
_SOME = (words("fr.stop") | words("fr.verb") | ES_STOP | NOT_NAME) | frozenset(
    "coin haut bas bout milieu cote face dessus dessous arriba abajo enfrente atras lado centro"
    " arret sortie entrada salida vuelta esquina detras delante".split()
)


def numbered(data: bytes) -> Iterator[Range]:
    """Yield addresses whose number stands before the words "of the street"."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _NUMBERED.finditer(data):
        start, end = match.span()
        number = _NUMBER_HERE.search(text, start, end)
        last = _LAST_WORD.search(text, start, end)
        if number is None or _OWN_NUMBER.match(text, end) or is_quantity(text, end):
            continue
        if last and last.group()[0].islower():
            if last.group() in _SOME:
                continue
            more = _MORE.match(text, end)
            if more and known_town(text, end + 1, TOWNS, False) < 0 and more.group(1) not in _SOME:
                end = more.end()
        yield number.start(), frame.tail(end, latin=True)[0]


# Two streets that meet: "à l'angle de la rue Foch et de l'avenue Victor-Hugo", "Av. Insurgentes
# esq. con Av. Baja California".
_CORNER = r"(?i:coin|angle|croisement|intersection|esquina|cruce|confluencia|interseccion)"
_THE = r"(?:(?:de|du|des|del|con|entre|avec|a|al|et|y|la|les?|el|las) |l'|d')*"
_STREET = rf"{_TYPE} {_PARTICLES}{CAP}(?:[ -]{_PARTICLES}{CAP}){{0,3}}"
_PLAIN_STREET = rf"{_TYPE} {_PARTICLES}{LETTER}{{3,}}(?: {LETTER}{{3,}}){{0,2}}"
_CORNERS_PATTERN = (
    rf"\b{_CORNER} {_THE}(?:{_STREET}|{_PLAIN_STREET})(?: ?[/&] ?| (?:et|y|e|con|avec) {_THE})"
    rf"{_TYPE} {_PARTICLES}(?:{CAP}(?:[ -]{_PARTICLES}{CAP}){{0,3}}|{LETTER}{{3,}})"
    rf"|\b{_STREET},? (?:(?i:esq\.?|esquina|angle|coin)|a l'angle|au coin) {_THE}{_STREET}"
)
_CORNERS_GATE = (
    rf"\b(?:{_CORNER}|(?i:esq\.?)) (?:(?:de|du|des|del|con|entre|avec|a|la|les?|el) |l')*{_TYPE} "
)
_CORNERS = scanner(_CORNERS_PATTERN)
_TO_STREET = re.compile(rf"{_CORNER} {_THE}(?={_TYPE} )")
CORNER_MATCHES = (
    "angle rue Sainte-Catherine et rue Porte-Dijeaux, Bordeaux", "angle rue monge / rue des écoles",
    "cruce calle Alcalá con calle Goya", "coin rue du bac et rue de sèvres",
)  # fmt: skip
_CORNER_MATCHES = (
    "Av. Insurgentes esq. con Av. Baja California, Col. Hipódromo", "Calle Luna esquina calle Sol",
    "Rue de Rivoli, angle rue du Louvre, 75001 Paris",
)  # fmt: skip
_CORNER_REJECTS = (
    "au coin de la rue et de l'avenue", "l'angle de la place et du mur",
    "en la esquina de la calle",
    "la esquina de la calle y la plaza", "le coin de la rue est calme et la place aussi",
    "esquina de la avenida con mi perro", "cruce de la calle y de la vía del tren",
    "un angle de la rue où la place manque", "Calle Luna esquina y Calle Sol",
)  # fmt: skip


def corners(data: bytes) -> Iterator[Range]:
    """Yield two streets that meet, where a word says so."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _CORNERS.finditer(data):
        start, end = match.span()
        lead = _TO_STREET.match(text, start, end)
        begin = lead.end() if lead else start
        names = {name.lower() for name in _NAME.findall(text[begin:end])}
        if _SOME.isdisjoint(names - _JOINS):
            yield begin, frame.tail(end, latin=True)[0]


_JOINS = (
    words("fr.particle")
    | words("eu.town.between")
    | frozenset("y e con avec la los las el esq esquina angle coin entre".split())
)
_NAME = re.compile(rf"{LETTER}+")

RULES: tuple[Rule, ...] = (
    Rule(
        "address",
        _NUMBERED_GATES,
        numbered,
        _NUMBERED_MATCHES + NUMBERED_MATCHES,
        _NUMBERED_REJECTS,
    ),
    Rule("address", (_CORNERS_GATE,), corners, CORNER_MATCHES + _CORNER_MATCHES, _CORNER_REJECTS),
)
