"""Spanish addresses whose street has no name of its own: grids, sites, a name without a type."""

import re
from collections.abc import Iterator

from sidecar.redact.address_eu import ES_LEADS, ES_MONTH, ES_STOP
from sidecar.redact.address_fr import FR_WORD, W
from sidecar.redact.address_place import Frame
from sidecar.redact.address_town import CAP, NOT_NAME, PROVINCE, TOWNS, known_town
from sidecar.redact.address_unit import is_quantity
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

# Blocks and crossings in Latin America: "Cra. 7 # 71-21", "Mz. B Lt. 12".
_GRID_WORD = alternatives("es.grid")
_GRID_SIDE = "(?: (?i:bis|sur|norte|este|oeste))?"
_GRID_NUMBER = (
    r"(?:(?:# ?|No\.? ?|no\. ?|N\. ?|(?i:nro\.? ?|num\. ?|numero ))[0-9]{1,4}(?:-?[A-Za-z]\b)?"
    r"|no [0-9]{3,4}\b"
    r"|(?i:casa|apto\.?|apartamento|manzana|mz\.?|bloque|interior|int\.) ?[0-9]{1,4}\b)"
)
_GRID_POINT = r"(?i:norte|sur|oriente|poniente|pte\.?|ote\.?|nte\.?)"
_GRID_WAY = (
    r"(?i:calle|cll?\.?|carrera|cra\.?|kra\.?|avenida|avda\.?|av\.?|via|transversal|diagonal)"
)
_GRID_PATTERN = (
    rf"\b{_GRID_WORD}\.? ?(?:[0-9]{{1,3}} ?[A-Za-z]{{0,2}}|(?:{CAP} ){{1,3}})"
    r"(?: ?(?i:bis|sur|norte|este|oeste))? ?(?:# ?|(?i:no?\.?o?\.?|nro\.?|num\.?) )"
    r"[0-9]{1,3} ?[A-Za-z]{0,2} ?- ?[0-9]{1,3}\b"
    r"|\b(?i:mz|mza|manzana)\.? ?[A-Za-z0-9]{1,3}\.?,? "
    r"(?i:lt|lote|casa|solar|villa)\.? ?[0-9]{1,3}\b"
    r"|\b(?i:calle|cll?\.?|carrera|cra\.?|kra\.?|avenida|transversal|diagonal) [0-9]{1,3}[A-Za-z]? "
    r"[0-9]{1,3}[A-Za-z]? ?- ?[0-9]{2,3}\b"
    r"|\b(?i:poligono|pol\.?) [0-9]{1,3},? (?i:parcela) [0-9]{1,5}\b"
    # "Calle 60 numero 491", "calle 3, casa 14", "Carrera 15 con Calle 93", "6a Avenida 7-45"
    rf"|\b{_GRID_WORD}\.? ?[0-9]{{1,3}}[A-Za-z]?{_GRID_SIDE},? {_GRID_NUMBER}"
    rf"|\b{_GRID_WORD}\.? ?[0-9]{{1,3}}[A-Za-z]?{_GRID_SIDE} (?i:con|c/) "
    rf"{_GRID_WAY} (?:[0-9]{{1,3}}[A-Za-z]?\b|{W})"
    rf"|\b{_GRID_WORD}\.? ?[0-9]{{1,3}}[A-Za-z]? {_GRID_POINT} [0-9]{{1,4}}\b"
    r"|\b[0-9]{1,2}(?i:a|ra|da|ta|ma|va|na)?\.? (?i:calle|avenida|av\.?|ave\.?|diagonal) "
    r"(?:[A-Z] )?[0-9]{1,2}-[0-9]{1,3}\b"
)
_GRID_GATE = (
    r"(?:#|\b(?i:no?\.?o?\.?|nro\.?|num\.?)) ?[0-9]+ ?[A-Za-z]{0,2} ?- ?[0-9]"
    r"|(?:[0-9][A-Za-z]?|\b(?:bis|sur|norte|este|oeste)),? "
    r"(?:#|[Nn]o\.?|N\.|(?i:nro\.?|num\.|numero)) ?[0-9]"
    r"|\b(?i:calle|cll?\.?|carrera|cra\.?|kra\.?|avenida|transversal|diagonal) [0-9]+[A-Za-z]? "
    r"[0-9]+[A-Za-z]? ?- ?[0-9][0-9]"
    rf"|(?:[0-9][A-Za-z]?|\b(?:bis|sur|norte|este|oeste)) (?i:con|c/) {_GRID_WAY} "
    rf"|[0-9][A-Za-z]? {_GRID_POINT} [0-9]"
    r"|[0-9](?i:a|ra|da|ta|ma|va|na)?\.? (?i:calle|avenida|av\.?|ave\.?|diagonal) "
    r"(?:[A-Z] )?[0-9]+-[0-9]"
)
_GRID = scanner(_GRID_PATTERN)
_GRID_MATCHES = (
    "Barrio Los Álamos, Mza. 5, Casa 12, Mendoza",
    "Cra. 7 # 71-21, Torre B, Bogotá", "Calle 100 #8A-55", "carrera 7 no. 71-21", "Mz. B Lt. 12",
    "Av. El Dorado # 69-76, Bogotá", "Calle 10 Norte 207, Playa del Carmen, Q. Roo",
    "Calle 60 #491 x 57 y 59, 97000 Mérida", "Carrera 15 con Calle 93, Bogotá",
    "4a. calle 3-20 zona 1, Guatemala", "Cl 10 5-51 Cali",
    "manzana B casa 14 barrio villa del prado, Pereira", "Calle 7 nº 776, e/ 47 y 48, La Plata",
    "6a Avenida 7-45, Zona 10, Guatemala",
    "paraje la cañada, polígono 14 parcela 203, 30550 Abarán",
    "Colonia San Vicente, calle 3, casa 14", "calle 72 # 57-43 barranquilla atlantico 080020",
    "Carrera 7 # 71-21, Torre B, oficina 904, Bogotá 110231, Colombia",
)  # fmt: skip
_GRID_REJECTS = (
    "calle 13 con 3 carriles",
    "un polígono 5 de lados",
    "2 calles 3-4",
    "carrera 3 casas",
    "la calle 8 no 3 veces",
    "carrera 7 de la temporada",
    "diagonal 4-3-3",
    "mz 4 del plano",
    "calle 13 no 2",
)


def grid(data: bytes) -> Iterator[Range]:
    """Yield addresses by the streets that cross, or by block and lot."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _GRID.finditer(data):
        start, end = match.span()
        yield frame.head(start), frame.tail(end, latin=True)[0]


# A quarter or a site with a unit of it: "Bda. Juan XXIII, bloque 12, 41006 Sevilla".
_NAMES = rf"{W}(?: {W}){{0,6}}?"
_SITE_UNIT = (
    r"(?i:portal|bloque|blq\.?|nave|casa|chalet|parcela|torre|edificio|edif\.?|escalera|esc\.?|manzana|mza?\.?|lote|lt\.?"
    r"|local|apto\.?|apartamento|piso|planta|oficina|of\.|nivel|puerta|fase|interior|int\.|solar"
    r"|dpto\.?|depto\.?|dto\.?) ?"
)
_SITE_HOUSE = (
    r"(?i:torre|edificio|edif\.?|ph|centro comercial|cc|c\.c\.|residencias?|conjunto|quinta|qta\.?)"
)
_SITE_WAY = r"(?i:av\.?|avenida|avda\.?|calle|c/|carrera|carretera|paseo|via|blvd\.?|bulevar)"
_SITE_PATTERN = (
    rf"\b{alternatives('es.estate')} {_NAMES},? {_SITE_UNIT}[0-9]{{1,4}}\b"
    rf"|\b{_SITE_WAY} {_NAMES}, {_SITE_HOUSE} {_NAMES},? {_SITE_UNIT}[0-9]{{1,4}}\b"
    rf"|\b{_SITE_WAY} {_NAMES}, (?i:casa|bloque|edificio|torre|chalet) [0-9]{{1,4}}\b"
)
_SITE_GATE = rf"[A-Za-z0-9\xc0-\xff.],? {_SITE_UNIT}[0-9]"
_SITE, _SITE_FIRST = (
    scanner(_SITE_PATTERN),
    re.compile(rf"{alternatives('es.estate')} |{_SITE_WAY} "),
)
_SITE_HERE = re.compile(rf",? {_SITE_UNIT}[0-9]")
_SITE_MATCHES = (
    "Bda. Juan XXIII, bloque 12, 41006 Sevilla", "barriada la paz bloque 7 2c 21004 huelva",
    "Residencial Los Naranjos, portal 5, 2ºA, Mairena del Aljarafe", "Urb. El Pinar, casa 14",
    "Avenida República de Chile, casa 1702, Tegucigalpa",
    "Av. Balboa, PH Bay Mall, piso 3, oficina 301, Ciudad de Panamá",
    "Conjunto Los Cedros torre 3 apto 502",
)  # fmt: skip
_SITE_REJECTS = (
    "el residencial tiene el bloque 7", "urbanización con piscina y portal 5",
    "col lombarda, casa 3",
    "la colonia de perfume, lote 12", "grupo de trabajo, piso 3", "avenida cortada, planta 2",
)  # fmt: skip


def sites(data: bytes) -> Iterator[Range]:
    """Yield addresses of a unit in a quarter or a building with a name."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _SITE.finditer(data):
        start, end = match.span()
        first, unit = _SITE_FIRST.match(text, start), _SITE_HERE.search(text, start, end)
        if first is None or unit is None or is_quantity(text, end):
            continue
        names = FR_WORD.findall(text[first.end() : unit.start()])
        if any(name.lower() in ES_STOP for name in names) or names[0].lower() in ("de", "y", "a"):
            continue
        stop, code = frame.tail(unit.start(), latin=True)
        if code or names[-1][0].isupper():
            yield frame.head(start), max(stop, end)


# A name with a number takes more to be a street: a floor, "Bravo Murillo 120, 3oB", or two places,
# "San Martin 1234, Rosario, Santa Fe".
_BARE_FLOOR = (
    r"(?:[0-9]{1,2}\.?[oa]\.?,? ?-?(?:[A-Z]\b|[0-9]{1,2}\.?[oa]\b"
    r"|(?i:izq|izda|izqda|dcha|dcho|drcha|ext|int|planta|piso|puerta|pta))"
    r"|[0-9]{1,2}(?i:do|er|to|mo|vo|no)\.? (?:(?i:piso)|[A-Z])\b"
    r"|(?i:piso|planta|portal|escalera|esc\.|apto\.?|dpto\.?|depto\.?|dto\.?|oficina|of\.)"
    r" ?[0-9]{1,4}\b)"
)
_BARE_NAMES = rf"{CAP}(?: (?:(?:de|del|de la|de los|y) )?{CAP}){{0,3}}"
_BARE_FAR = "[NSEO][0-9]{2,3}[A-Z]?-[0-9]{2,4}"
_BARE_NUMBER = "(?:[3-9][0-9]{3}|1[0-8][0-9]{2}|2[1-9][0-9]{2})"
_BARE_CODE = "[A-Z][0-9]{4}[A-Z]{3} [A-Z]"
_BARE_PATTERN = (
    rf"\b{_BARE_NAMES},? (?:[0-9]{{1,4}},? {_BARE_FLOOR}|{_BARE_FAR}\b|{_BARE_NUMBER}, [A-Z]"
    r"|[0-9]{1,4},? esq(?:\.|uina) [A-Za-z]"
    rf"|[0-9]{{1,4}},? (?:Col\.?|Colonia|Fracc\.?) [A-Z]"
    rf"|[0-9]{{1,4}}(?:, [^,\n]{{1,24}}){{0,2}}, {_BARE_CODE}"
    rf"|[0-9]{{1,3}}, [A-Z])"
)
_BARE_GATE = (
    r"[a-z],? (?:[0-9]+,? [0-9]+(?:\.?[oa]|(?i:do|er|to|mo|vo|no)\.? [A-Zp])"
    rf"|{_BARE_FAR}|{_BARE_NUMBER}, [A-Z]|[0-9]+,? (?:esq|(?:Col\.?|Colonia|Fracc\.?) [A-Z]))"
    rf"|, {_BARE_CODE}"
    r"|[A-Za-z\xc0-\xff'-] [0-9]{1,3}[a-z]?, [A-Z\xc0]"  # that of another rule too
)
_BARE = scanner(_BARE_PATTERN)
_BARE_PARTS = re.compile(rf"({_BARE_NAMES}),? ({_BARE_FAR}|[0-9]{{1,4}})")
_BARE_MATCHES = (
    "Bravo Murillo 120, 3ºB", "Núñez de Balboa 114, 3.ª planta, oficina 12, 28006 Madrid",
    "Lavalle Norte 1625 piso 4 of. 408, CABA",
    "Juan León Mera N26-100 y Orellana, Quito 170522, Ecuador",
    "San Martín 1234, Rosario, Santa Fe", "25 de Mayo 168, San Juan, Argentina",
    "5 de Febrero 18 Col. Obrera", "Mitre 870, S2000COR Rosario",
    "Tucumán 1455, 5to piso, of. 12, Buenos Aires",
    "Sótero Sanz 55, Providencia, Santiago de Chile",
)  # fmt: skip
_BARE_REJECTS = (
    "Curso 3, 2º B", "Real Madrid 3, Barcelona 2", "Ana Gómez 34, Sevilla", "Torre 2, piso 5",
    "Lima 18, Cusco 20",
    "Windows 11, Intel", "Apolo 11, Luna", "Enero 2024, Madrid, Toledo", "5 de mayo 18 personas",
    "25 de Mayo 2024, Madrid, España",
)  # fmt: skip


def bare(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name and a number with a Spanish floor, or with two known places."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _BARE.finditer(data):
        start, reach = match.span()
        parts = _BARE_PARTS.match(text, start)
        if parts is None:
            continue
        names, end = parts.group(1).lower().split(), parts.end()
        day = _BARE_DAY.search(text, max(0, start - 6), start) if names[0] in ES_MONTH else None
        names = names[1:] if day else names
        if not _NOT_BARE.isdisjoint(names) or is_quantity(text, end):
            continue
        coded = parts.group(2)[0].isalpha() or _BARE_CODED.search(text, end, reach) is not None
        if not coded and text[end : end + 2] == ", " and text[end + 2].isupper():
            town = known_town(text, end + 2, TOWNS)
            long = len(names) > 1 and end - parts.start(2) > 2 and _LINE_ENDS.match(text, town)
            more = text[town : town + 2] == ", " and _is_place(text, town + 2)
            if town < 0 or not (long or more):
                continue
            if parts.group(1).lower() in TOWNS:
                continue  # "Lima 18, Cusco, Peru"
        elif not (
            coded or day or len(names) > 1 or _BARE_LEADS.search(text, max(0, start - 12), start)
        ):
            continue
        yield frame.head(day.start() if day else start), frame.tail(end, latin=True)[0]


_NOT_BARE = words("es.not_street") | NOT_NAME | ES_STOP
_LINE_ENDS = re.compile(r"[.;]?(?:\n|$)")
_BARE_CODED = re.compile(rf"{_BARE_CODE}$")
_BARE_DAY = re.compile(r"(?<![0-9])[0-9]{1,2} de $")  # "25 de Mayo 168, San Juan, Argentina"
_BARE_LEADS = re.compile(rf"{ES_LEADS.pattern}|(?:^|\n|: ?|\()$")
_PLACE_NAME = re.compile(rf"(?:{PROVINCE}|{alternatives('eu.country')})(?![A-Za-z\xc0-\xff-])")


def _is_place(text: str, start: int) -> bool:
    """Tell whether a town, a province or a country is named at `start`."""
    return known_town(text, start, TOWNS) > 0 or _PLACE_NAME.match(text, start) is not None


RULES: tuple[Rule, ...] = (
    Rule("address", (_GRID_GATE, _SITE_GATE), grid, _GRID_MATCHES, _GRID_REJECTS),
    Rule("address", (_SITE_GATE,), sites, _SITE_MATCHES, _SITE_REJECTS),
    Rule("address", (_BARE_GATE, _SITE_GATE), bare, _BARE_MATCHES, _BARE_REJECTS),
)
