"""French and Spanish addresses: street, number, and a five-digit postcode with a town."""

import re
from collections.abc import Iterator

from sidecar.redact.address_fr import (
    ENDS,
    FR_TYPE,
    FR_WORD,
    WORD_NEXT,
    W,
    has_word,
)
from sidecar.redact.address_place import MORE_DIGITS, Frame
from sidecar.redact.address_town import (
    CAP,
    CODE_GATES,
    LETTER,
    NOT_NAME,
    TOWNS,
    WORD_TOWNS,
    is_known_place,
    known_town,
)
from sidecar.redact.address_unit import is_quantity, units_end
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, any_of, words

ES_STOP = words("es.stop")
_ES_STREET = words("es.street")
_FR_PARTICLE = words("fr.particle")
_FR_STREET = words("fr.street")
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
    "Calle Real 5, Soria, 42001", "C/ Sierpes 40, CP 41004, Sevilla",
    "Calle Madero #17, Col. Centro, 06000 México D.F.", "Ercilla kalea 24, 48011 Bilbao",
    "C/Sta. Engracia,108-6ºint.izda.,28003-Madrid", "Cava Baja 30",
    "3ºC de calle lagasca 88", "Calle Sierpes número 40, tercero izquierda, Sevilla",
    "Gta. de Quevedo, 2, 1.º B, 28015 Madrid", "Carrer de Colom 15, Sóller, Mallorca",
    "Edificio Miramar, Paseo del Prado s/n, 28014 Madrid",
    "carretera n-340, km 176, 29602 marbella",
    "Av. Corrientes 1234, 5º A, C1043AAZ Buenos Aires, Argentina", "la laguna, calle herradores 60",
    "calle Sol número ciento veinte", "avenida Real número treinta y dos, cuarto derecha, Gijón",
    "Calzada de Tlalpan 2875, casi esquina con División del Norte", "c/ Sol 41, esquina, Lugo",
    "carretera Tepic-Mazatlán km 41, Ejido Las Varas, Nayarit",
    "Carretera a Chapala 200, Guadalajara", "Carrera de San Jerónimo 15", "Camino a Melipilla 120",
    "Rúa Castelao 5, 1º esq., 32500 O Carballiño", "Bloque 4, escalera B, 2º 3ª, Ronda Norte 15",
    "Puerta de Toledo 5, Madrid", "c/ Pagés del Corro 112 bajo b", "Av. Santa Fe 2024, CABA",
)  # fmt: skip
_PLACE_MATCHES = (
    "calle Doctor Cajal, 28931 Móstoles", "chemin de la Calade, 13520 Maussane",
    "cité Bel Air, bât 4, appt 12, 97200 Fort-de-France", "Les Quatre Vents, 26400 Crest",
    "Heinrich-Böll-Platz, 50667 Köln", "Place Bellecour 69002 Lyon", "Kervao, 29810 Plouarzel",
    "Route de la Plage, n° 12, 40480 Vieux-Boucau-les-Bains", "Les Quatre-Chemins n°3, 19200 Ussel",
    "Le Ché, 15230 Malbo", "Château, 41250 Chambord",
    "Edificio Miramar, Bloque 3, Portal B, 7º 4ª, 43840 Salou",
    "Seestraße ohne Hausnummer, 37627 Stadtoldendorf", "Am Alten Hof o. Nr., 37627 Eschershausen",
    "An der Bahn ohne Nr., 49393 Lohne", "Dorfstraße o. Hausnr., 12345 Berlin",
    "Daimlerstraße, Gebäude 14/2, 71063 Sindelfingen, Tor 16",
    "Les Balcons du Recoin, appt 311, 38410 Chamrousse", "Section Dubédou, 97118 Saint-François",
    "Les Hauts du Lac, bât. B, 74000 Annecy", "Campingplatz Waldsee, 29459 Clenze",
    "Habitation La Marie, 97224 Ducos", "Plaza Nueva, bajo, 41001 Sevilla",
)  # fmt: skip
_PLACE_REJECTS = (
    "la commande, 12345 articles", "les prix, 10000 euros",
    "Place de la Bastille, 25000 manifestants", "Château de Versailles, 27000 visiteurs",
    "Château, 12000 visiteurs", "le château, 12000 Visiteurs", "parque 12, 45000 visitantes",
    "la finca, 45000 euros", "Section Clients, 12000 Produits",
    "Les Balcons, lot 3, 12000 visiteurs", "Route von Kiel, 24103 Kiel Hbf",
)  # fmt: skip
_BOX_MATCHES = (
    "Apartado 4565, 29015 Málaga", "Apartado de Correos 1.142, 15080 A Coruña",
)  # fmt: skip
_BOX_REJECTS = ("apartado 3 del contrato", "apartado 12, punto 4")
_SPANISH_REJECTS = (
    "plaza 5 del parking", "vía 3", "calle de 3 carriles", "avenida 5", "av. Real 2 goles",
    "camino de vuelta 5, gracias", "plaza de garaje 12",
    "la cuesta de enero 2024", "cuesta mucho subir 3 pisos", "recette : 3 c. à soupe, 2 œufs",
    "quai 3, 10000 voyageurs", "Av. Selin Karaca, 0532", "calle de bois de 12 mm",
    "zapatillas de calle talla 43", "botas de calle número 42 a 30 euros",
    "Carrera de Ingeniería, 10 semestres", "Carrera de Derecho, 5 cursos", "Pasaje a Lima el 14",
    "pasaje a Cusco 120", "la avenida Corrientes el 25 cerró", "Ronda de Champions, 16 equipos",
    "50 cl de lait, 50 g de beurre", "cuesta llamar 2 minutos",
    "Camino de Santiago, 32 etapas", "Avenida Brasil, 179 capítulos", "Pasaje a Lima 320 soles",
    "2 c. de aceite, 3 c. de harina", "Puerta del Sol 31 de diciembre", "calle Sol a las 5",
    "pagado vía PayPal 35", "carrera de obstáculos 2024", "Plaza Sésamo 50 aniversario",
    "Ribera del Duero 2018, 14 grados", "Calle Sierpes 2024, mejor foto", "Plaza Mayor 20 h",
)  # fmt: skip


# ------------------------------------------------------------------------------------ Spanish
ES_TYPE = alternatives("es.street", "es.street.weak")
_ES_INTRO = r"(?i:n[o.]?\.? ?|num\.? ?|numero |parcela |nave |# ?)?"
_ES_BASQUE = "(?i:kalea|zumarkalea|etorbidea|hiribidea|pasealekua|ibilbidea)"
_ES_ALONE = rf"(?:{alternatives('es.street.alone')}|(?:{CAP} )?{LETTER}{{3,}} {_ES_BASQUE})"
_ES_SPELLED = rf"{alternatives('es.number')}(?:(?: y)? {alternatives('es.number')}){{0,2}}\b"
_ES_PATTERN = (
    rf"\b{ES_TYPE}(?: |\b)(?:[0-9]{{1,2}}o? de )?(?:{W} ){{0,6}}?"
    rf"(?:{W}|[A-Za-z]{{1,2}}-[0-9]{{1,4}})(?:,?[ \n]|,)"
    rf"(?:(?i:numero ){_ES_SPELLED}|{_ES_INTRO}(?:[0-9]{{5}}\b"
    rf"|[0-9]{{1,4}}(?: ?[a-zA-Z]\b| ?(?i:bis)\b)?(?:[-/][0-9]{{1,4}}\b|-[A-Z]\b)?"
    rf"|[NSEO][0-9]{{1,3}}[A-Z]?-[0-9]{{1,4}}"
    r"|(?i:s/n|km\.? ?[0-9]{1,4}(?:[.,][0-9]{1,3})?)))"
    rf"|\b{_ES_ALONE},?[ \n]{_ES_INTRO}[0-9]{{1,4}}(?:-[0-9]{{1,4}}\b)?"
)
# What ends with a letter needs a blank behind it: "cl" is no beginning of "claro".
_ES_SHORT = any_of(
    word for word in words("es.street") | words("es.street.weak") if not word[-1].isalpha()
)
_ES_GATES = (
    rf"\b(?:{ES_TYPE} |{_ES_SHORT})(?:[0-9]{{1,2}}o? de )?(?:{W} )*"
    rf"(?:{W}|[A-Za-z]+-[0-9]+)(?:,?[ \n]|,){_ES_INTRO}"
    rf"(?:[0-9]|(?i:s/n|km|numero [a-z])|[NSEO][0-9])",
    rf"\b(?:{alternatives('es.street.alone')}|{_ES_BASQUE}),?[ \n]{_ES_INTRO}[0-9]",
)
_ES_NO = re.compile(
    r"(?i)(?:,?[ \n]|,)(n[o.]?\.? ?|num\.? ?|numero |parcela |nave |# ?)?"
    rf"(?:[0-9]|s/n|km|[nseo][0-9]+[a-z]?-|(?<=numero ){_ES_SPELLED})"
)
_ES_ALONE_HEAD = re.compile(rf"{_ES_ALONE},?[ \n](?i:n|[0-9])")
_ES_HEAD = re.compile(rf"{ES_TYPE} ?")
_ES_AGAIN = re.compile(rf" (?:en|por|desde|hasta|con|a|y|la) (?={ES_TYPE} {W})")
_ES_INNER = re.compile(  # "en la puerta de Calle Toledo 60"
    rf"(?i:puerta|parque|acera|parada|lugar) de (?:la )?(?={alternatives('es.street')} ?{W})"
)
_ES_THE = re.compile("(?:de (?:la|las|los|el)|del) ")
_ES_NO_HOUSE = re.compile("[ ,#]0[0-9]+$")
_ES_LONG = re.compile("[ ,#][0-9]{5}$")
_ES_COUNTED = re.compile(r"[0-9] (?:cl |c\. (?:de|a) )")
_ES_CONJUNCTION = re.compile(" [aehoy]$")  # "n. 18 a las 20h"
_ES_BOX_PATTERN = (
    r"\b(?i:apartado(?: de correos| postal)?|apdo\.?(?: de correos)?) [0-9]{1,6}(?:\.[0-9]{3}\b)?"
)
_ES, _ES_BOX = scanner(_ES_PATTERN), scanner(_ES_BOX_PATTERN)


def spanish(data: bytes) -> Iterator[Range]:
    """Yield Spanish addresses."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _ES.finditer(data):
        start, end = match.span()
        if _ES_CONJUNCTION.search(text, end - 2, end):
            end -= 2
        if is_quantity(text, end) or MORE_DIGITS.match(text, end):
            continue
        if _ES_LONG.search(text, start, end) and not ENDS.match(text, end):
            continue  # a postcode
        if _is_other_number(text, start, end) or _ES_DATE.match(text, end):
            continue
        inner = _ES_INNER.match(text, start, end)
        start = inner.end() if inner else start
        type_ = _ES_HEAD.match(text, start, end)
        if _ES_ALONE_HEAD.match(text, start, end):
            yield frame.head(start), frame.tail(end, latin=True)[0]
            continue
        certain = type_ is not None and _is_spanish_street(text, type_, end)
        again = _ES_AGAIN.search(text, start, end) if certain is None else None
        if again:  # "calle cortada en calle Alcala 100"
            start = again.end()
            type_ = _ES_HEAD.match(text, start, end)
            certain = type_ is not None and _is_spanish_street(text, type_, end)
        floor = _ES_FLOOR_OF.search(text, max(0, start - 16), start)
        start = floor.start() if floor else start
        stop, code = frame.tail(end, latin=True) if certain is not None else (end, False)
        led = certain is False and _led(text, start, end)
        placed = code or has_word(text, end, stop)
        if type_ and not placed and _is_unplaced(text, start, end, type_.group().strip().lower()):
            continue
        if placed or certain or led:
            yield _behind_town(text, frame.head(start)), stop


# "Puerta del Sol 31 de diciembre", "calle Sol 20 h"
_ES_DATE = re.compile(rf" (?:(?:de )?{alternatives('es.month')}|h)(?![A-Za-z])")
_ES_YEAR = re.compile("[ ,](?:199[0-9]|20[0-3][0-9])$")
_ES_GOES = re.compile(r",? [a-z(]")


def _is_unplaced(text: str, start: int, end: int, value: str) -> bool:
    """Tell whether a type and a number need a place behind them: a road, or what may be a year."""
    if value in _ES_ROAD:
        return True  # "la autopista AP-7 km 120"
    if _ES_IS.search(text, max(0, start - 12), start):
        return False
    if text.startswith("via ", start):
        return True  # "pagado via PayPal 35"
    if not _ES_YEAR.search(text, start, end):
        return False  # "Ribera del Duero 2018", "Calle Sierpes 2024, mejor foto"
    return value not in _ES_STREET or _ES_GOES.match(text, end) is not None


_ES_ROAD = frozenset({"autopista", "autovia"})
_TOWN_BEFORE = re.compile(
    rf"(?<![A-Za-z\xc0-\xff])(?:(?i:en|de|desde|a) )({LETTER}[A-Za-z\xc0-\xff -]+) $"
)


def _behind_town(text: str, start: int) -> int:
    """Return where the address starts if its town stands before it: "en getafe calle madrid 48"."""
    town = _TOWN_BEFORE.search(text, max(0, start - 32), start)
    name = town.group(1).lower() if town else ""
    known = name in TOWNS or name.replace(" ", "-") in TOWNS
    return town.start(1) if town and known and name not in WORD_TOWNS else start


def _is_other_number(text: str, start: int, end: int) -> bool:
    """Tell whether the number that ends at `end` is of a phone or a recipe."""
    if _ES_COUNTED.match(text, max(0, start - 2)):
        return True  # "50 cl de lait, 50 g", "2 c. de aceite, 3"
    if _ES_NO_HOUSE.search(text, start, end) is None:
        return False
    # "Av. Selin Karaca, 0532 418", but "Avenida Alemania 0671, Temuco"
    return not text.startswith(", ", end) or known_town(text, end + 2, TOWNS) < 0


# "3oC de calle Lagasca 88"
_ES_FLOOR_OF = re.compile(
    r"(?<![A-Za-z0-9])[0-9]{1,2}\.?[oa]\.? ?(?:[A-Z]|izq|dcha)?\.?,? (?:de|en) (?:la )?$"
)


def spanish_boxes(data: bytes) -> Iterator[Range]:
    """Yield Spanish post office boxes."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _ES_BOX.finditer(data):
        start, end = match.span()
        stop, code = frame.tail(end, latin=True)
        if code or text[start : start + 9].lower() != "apartado " or not text[start + 9].isdigit():
            yield start, stop


def _is_spanish_street(text: str, type_: re.Match[str], end: int) -> bool | None:
    """Decide about a type, a name and a number without a postcode; None: not even with one."""
    name, number, *_ = *_ES_NO.split(text[type_.end() : end]), ""  # "Gran Via #45"
    names = FR_WORD.findall(name)
    if all(name.lower() in _FR_PARTICLE for name in names):
        return None
    value = type_.group().strip().lower()
    if _is_other_thing(value, names):
        return None
    lower = all(name.islower() or name.isupper() for name in names)
    if any((name if not lower else name.lower()) in ES_STOP for name in names if len(name) > 1):
        return None  # but "Cuesta de Santo Domingo"
    if len(value) < 3 and _YEARS.search(text, end - 9, end):
        return None  # "C. Duggan 1991-1995"
    weak = value not in _ES_STREET
    dated = any(name.isdigit() or name.lower() in _ES_NUMBER for name in names)
    if weak and names[-1].lower() in ES_MONTH and not dated:
        return None  # "la cuesta de enero 2024"
    plain = [name for name in names if name[0].islower() and name not in _FR_PARTICLE]
    if len(plain) > 2 and len(plain) < len(names):
        return False  # prose
    capital = any(name[0].isupper() for name in names)
    if (value == "lugar" and not capital) or (value == "carrera" and _ES_STUDIES.match(name)):
        return False  # "en lugar del puerto 119", "Carrera de Derecho, 5 cursos"
    if value in _ES_STREET:
        return capital or len(names) < 4
    return len(value) > 2 and (
        capital or bool(number) or (_ES_THE.match(name) is not None and bool(ENDS.match(text, end)))
    )


ES_MONTH, _ES_NUMBER = words("es.month"), words("es.number")
_ES_SIZES = frozenset("talla tallas modelo modelos nivel dorsal numero num".split())
_ES_STUDIES = re.compile("de (?!(?i:san |sant|la |el |l[ao]s ))[A-Za-z]")
_ES_JOURNEY = frozenset("pasaje paseo carrera travesia rua".split())
_YEARS = re.compile("(?:19|20)[0-9]{2}(?:-[0-9]{4})?$")
ES_LEADS = re.compile(
    "(?<![A-Za-z\xc0-\xff])"
    "(?i:en|de|desde|hasta|a|por|hacia|junto a|frente a|direccion|calle)[ :]{1,2}$"
)

_ES_IS = re.compile(f"{ES_LEADS.pattern}|(?: es|:) $")


def _is_other_thing(value: str, names: list[str]) -> bool:
    """Tell whether a size, a journey, a date or a recipe is named behind the type `value`."""
    if names[0] in _ES_SIZES or names[-1] in ("el", "del", "al", "la", "las"):
        return True  # "zapatillas de calle talla 43", "la calle Sol el 14", "calle Sol a las 5"
    if names[0] != "a":
        return False
    # "pasaje a Lima 14" (but "Carretera a Chapala 200"), "3 c. a soupe", "ronda a av. real 33"
    return value in _ES_JOURNEY or len(value) < 3 or (len(names) > 1 and names[1] in _ES_STREET)


def _led(text: str, start: int, end: int) -> bool:
    """Tell whether a preposition without an article leads to the street, and nothing is counted."""
    if ES_LEADS.search(text, max(0, start - 12), start) is None:
        return False
    following = WORD_NEXT.match(text, end)
    if text[start : start + 6].lower() == "lugar ":
        return False  # "en lugar de"
    return following is None or following.group(1).lower() in _ES_GOES_ON


_ES_GOES_ON = ES_STOP | {"y", "o", "e", "a", "al"}


# A place with a postcode and no number, or one that is none of a house: "Mas Blanc, chemin du
# Puits, 13520 Maussane", "Heinrich-Boll-Platz, 50667 Koln", "paraje Oro, parcela 3, 30550 Abaran".
_ALONE = words("eu.alone")
_ARTICLES = frozenset({"le", "la", "les"})
_STREETS = _FR_STREET | _ES_STREET | words("es.street.weak")
_ANY = r"[A-Za-z0-9\xc0-\xff#][A-Za-z0-9\xc0-\xff'./-]*"
_PUBLIC = alternatives("eu.venue", "eu.venue.named")
_PLACE_TYPE = (
    rf"(?:(?:{FR_TYPE}|{ES_TYPE}|{alternatives('eu.building', 'eu.venue.site')}|{_PUBLIC}"
    r"|(?i:les?|la|aldea|caserio)|[Ss]ection|[Hh]abitation|[Mm]orne)\b\.?|(?i:c/\.?)|[Ll]')"
)
_DE_STREET = (
    rf"{LETTER}{{2,24}}(?:-{LETTER}{{1,20}}){{0,3}}-?"
    rf"{alternatives('de.street', 'de.street.medium', 'de.street.compound')}"
)
_UNNUMBERED = r"(?:,? (?i:o\. ?(?:haus)?nr\.?|ohne (?:haus)?(?:nummer|nr\.?)))"
_NO_NUMBER = f"{_UNNUMBERED}?"
_IN_NAME = r"(?:Am|Im|Zum|Zur|(?:An|Auf|In|Hinter|Unter|Vor) (?:der|dem|den))"
_UNNUMBERED_PHRASE = rf"{_IN_NAME} (?:{CAP} )?{CAP}{_UNNUMBERED}"
_PLACE_PATTERN = (
    rf"\b(?:{_PLACE_TYPE} ?(?:{_ANY} ){{0,5}}{_ANY}|{_DE_STREET}{_NO_NUMBER}|{_UNNUMBERED_PHRASE}"
    rf"|(?i:ker){LETTER}{{2,}}|{alternatives('eu.alone')})"
    rf"(?:(?:,[ \n]?|\n)[^,;:\n]+){{0,3}}(?:,[ \n]?|\n| )[0-9]{{5}} {LETTER}"
)
_PLACE = scanner(_PLACE_PATTERN)
_NO_STREETS = words("de.not_street")


# Only what stands before a postcode is looked at: the pattern is a large one.
_PLACE_CODE = scanner(rf"[0-9A-Za-z\xc0-\xff.)](?:,[ \n]?|\n| )[0-9]{{5}} {LETTER}")
_PLACE_REACH = 160


def places(data: bytes) -> Iterator[Range]:
    """Yield addresses of a named place, or a street without a number, with a postcode and town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    done = 0
    for code in _PLACE_CODE.finditer(data):
        end = code.span()[1]
        origin = max(done, end - _PLACE_REACH)
        window, at = data[origin:end], 0
        while match := _PLACE.search(window, at):
            start = origin + match.span()[0]
            name_end = _PLACE_ENDS.search(text, start).start()  # type: ignore[union-attr]
            inside = start > origin or not text[max(origin - 1, 0) : origin].isalnum()
            unnumbered = _NAMED_PHRASE.fullmatch(text, start, name_end)
            if inside and (unnumbered or _is_place(text, start, name_end, end - 1)):
                stop, coded = frame.tail(name_end, latin=True)
                if coded and stop >= end:
                    # In "sur place 211 route du Lac" the number is of the street.
                    numbered = _NUMBERED_HERE.search(text, max(0, start - 16), start)
                    yield start if numbered else frame.head(_phrase_start(text, start)), stop
                    done = end
                    break
            at = _WORD_ENDS.search(text, start).end() - origin  # type: ignore[union-attr]
            done = origin + at  # each beginning is tried once


_NUMBERED_HERE = re.compile("(?i:place) [0-9]+(?: ?(?:bis|ter|quater|[A-Da-d]))?,? $")
# With a capital inside of a sentence, or behind a label, it is of the name.
_PHRASE = re.compile(rf"(?:[,:]|[a-z\xdf-\xff]) ({_IN_NAME} )\Z")
_NAMED_PHRASE = re.compile(_UNNUMBERED_PHRASE)


def _phrase_start(text: str, start: int) -> int:
    """Return where the preposition starts that a name begins with: "Am Sportplatz o. Nr."."""
    phrase = _PHRASE.search(text, max(0, start - 16), start)
    return phrase.start(1) if phrase else start


def _is_place(text: str, start: int, end: int, town: int) -> bool:
    """Tell whether the words up to a comma name a place in the town."""
    first, *names = _PLACE_WORD.findall(_WITHOUT_NUMBER.sub("", text[start:end]))
    if not _NOT_PLACE.isdisjoint(map(str.lower, names)):
        return False
    if first.lower() in _OVERSEAS_KIND and not text.startswith("97", max(0, town - 6)):
        return False
    known = known_town(text, town, TOWNS) > 0 or _TOWN_SHAPE.match(text, town) is not None
    if text[end] == " " and not (known and (not names or names[-1][0].isupper())):
        return False
    if _PUBLIC_HERE.match(text, start) and (
        _STREET_NEXT.search(text, end, town) or _STREET_INSIDE.search(text, start, end)
    ):
        return False  # "Musee d'Orsay, esplanade Foch, 75007 Paris"
    if _STREET_OF.match(text, start, end) or _is_other_name(text, start, end, town):
        return False  # "vor dem Haus Lindenstrasse 4"
    if not names:
        direct = text.find(",", end + 1, town) < 0
        return (known or text[town].isupper()) and _is_alone(first, direct)
    if names[0].lower() in _NOT_FIRST or _HOUSE_INSIDE.search(text, start, town):
        return False  # "bar au 18 rue Foch": another rule knows where it begins
    plain = sum(name.isalpha() and name[0].islower() and name not in _PLAIN for name in names)
    if first.lower() in _ARTICLES:
        direct = text.find(",", units_end(text, end) + 1, town) < 0
        return (
            direct
            and (  # "la Avenida Real", but "Le Che"
                names[0].lower() not in _STREETS or (len(names) == 1 and names[0][0].isupper())
            )
            and (not plain or (known and len(names) == 1))
            and (known or text[town].isupper())
        )
    capital = any(name[0].isupper() for name in names)
    if plain and (capital or plain > 2 or (names[-1].isdigit() and len(names) > 1)):
        return False
    return known or (text[town].isupper() and (capital or names[-1][0].isdigit()))


def _is_alone(name: str, direct: bool) -> bool:
    """Tell whether one word names a place; `direct` if nothing stands before its postcode."""
    plain = name.lower().replace("\xdf", "ss")
    if name[1:2] == "'" and not name[2:3].isupper():
        return False  # "L'immeuble, 64 avenue Foch"
    if plain in _ALONE and not direct:
        return False
    # but "Rathaus Schoneberg"
    return name[0].isupper() and plain not in _NO_STREETS and not is_known_place(plain)


# "sainte-maxime", "mejannes-le-clap"
_TOWN_SHAPE = re.compile(
    rf"(?i:sainte?|ste?)[- ]{LETTER}|{LETTER}+-(?i:sur|en|les?|la|des?|du|sous|aux?|lez|d)-{LETTER}"
)
_PUBLIC_HERE = re.compile(rf"{_PUBLIC}(?![A-Za-z])")
_STREET_NEXT = re.compile(
    rf"(?:, |\n)(?:(?:{FR_TYPE}|{ES_TYPE})(?: |\b)"
    rf"|(?:{CAP}\.? ){{0,3}}(?:{LETTER}[^ ,\n]*)?{alternatives('de.street')}(?![a-z])"
    rf"|[A-Z][^ ,\n]*-{alternatives('de.street.medium')} [0-9]"
    rf"|(?:{CAP} (?:(?:de|del|de la|y) )?){{1,3}}{CAP}, [0-9]{{1,4}}, [0-9]"
    r"|(?i:am|an|im|in|auf|unter|zum|zur|hinter) (?:(?i:de[rmn]) )?(?:[A-Z][^ ,\n]* ){1,2}[0-9])"
)
_NUMBERED_NEXT = re.compile(
    rf"(?:, |\n)(?:{CAP}\.? ){{0,3}}(?:{LETTER}[^ ,\n]*)?"
    rf"{alternatives('de.street', 'de.street.medium')}\.? [0-9]"
)
_STREET_INSIDE = re.compile(rf" (?:(?:{FR_TYPE}|{ES_TYPE}) |{_DE_STREET}\.? [0-9])")
_LIKE_STREET = re.compile(rf"{LETTER}+{alternatives('de.street', 'de.street.medium')}(?<!park)\Z")
_BORN = re.compile(r", (?i:geb|geboren)\b")
_CODE_BEFORE = re.compile(r"[0-9]{4} \Z")


def _is_other_name(text: str, start: int, end: int, town: int) -> bool:
    """Tell whether a name only ends like a street: "Suhrkamp, Torstr. 44", "86415 Mering"."""
    return _LIKE_STREET.match(text, start, end) is not None and (
        _NUMBERED_NEXT.search(text, end, town) is not None
        or _BORN.match(text, end) is not None
        or _CODE_BEFORE.search(text, max(0, start - 5), start) is not None
    )


_PLACE_ENDS = re.compile(r",|\n| [0-9]{5} ")
_WORD_ENDS = re.compile("[ ,\n]")
_PLACE_WORD = re.compile("[A-Za-z0-9\xc0-\xff#][A-Za-z0-9\xc0-\xff'-]*")
_WITHOUT_NUMBER = re.compile(rf"(?<=.){_NO_NUMBER}$")
_PLAIN = _FR_PARTICLE | {"no", "nr", "n"}
_NOT_PLACE = NOT_NAME - _PLAIN
_OVERSEAS_KIND = frozenset({"section", "habitation", "morne"})  # of the Antilles: 97118
_NOT_FIRST = frozenset("en a au aux y et pour von vom nach zum zur bis".split())
_STREET_OF = re.compile(
    rf"{LETTER}*(?i:haus|heim|stift|kirche|schule|praxis|laden|hotel|wohnung) {_DE_STREET}\.? [0-9]"
)
_HOUSE_INSIDE = re.compile(f"[0-9] (?:bis |ter |quater )?(?:{FR_TYPE}|{ES_TYPE}) ")


RULES: tuple[Rule, ...] = (
    Rule("address", _ES_GATES, spanish, _SPANISH_MATCHES, _SPANISH_REJECTS),
    Rule("address", CODE_GATES, places, _PLACE_MATCHES, _PLACE_REJECTS),
    Rule("address", (_ES_BOX_PATTERN,), spanish_boxes, _BOX_MATCHES, _BOX_REJECTS),
)
