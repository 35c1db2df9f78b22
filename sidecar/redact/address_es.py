"""Spanish addresses without a named street: grids, sites, names without a type, roads, doors."""

import re
from collections.abc import Iterator

from sidecar.redact.address_eu import ES_LEADS, ES_MONTH, ES_STOP
from sidecar.redact.address_fr import FR_WORD, W
from sidecar.redact.address_place import MORE_DIGITS, Frame
from sidecar.redact.address_town import CAP, LETTER, NOT_NAME, PROVINCE, TOWNS, known_town
from sidecar.redact.address_unit import OF, is_quantity, units_end
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
_BETWEEN = r"(?i:entre|e/) ?(?i:calles?|avenidas?|av\.?) [0-9]{1,3}"
_GRID_PATTERN = (
    rf"\b{_GRID_WORD}\.? ?(?:[0-9]{{1,3}} ?[A-Za-z]{{0,2}}|(?:{CAP} ){{1,3}})"
    r"(?: ?(?i:bis|sur|norte|este|oeste))? ?(?:# ?|(?i:no?\.?o?\.?|nro\.?|num\.?) )"
    rf"[0-9]{{1,3}} ?[A-Za-z]{{0,2}}{_GRID_SIDE} ?- ?[0-9]{{1,3}}\b"
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
    rf"|\b{_BETWEEN}[A-Za-z]? (?i:y) (?:(?i:calle|av\.?) )?[0-9]{{1,3}}\b, [A-Z]"
    rf"|\b(?i:eje) [0-9]{{1,2}} {_GRID_POINT} (?:{CAP} ){{0,3}}{CAP},? (?:[0-9]{{1,4}}\b|(?i:s/n))"
    r"|\b[0-9]{1,2}(?i:a|ra|da|ta|ma|va|na)?\.? (?i:calle|avenida|av\.?|ave\.?|diagonal) "
    r"(?:[A-Z] )?[0-9]{1,2}-[0-9]{1,3}\b"
)
_GRID_GATE = (
    rf"(?:#|\b(?i:no?\.?o?\.?|nro\.?|num\.?)) ?[0-9]+ ?[A-Za-z]{{0,2}}{_GRID_SIDE} ?- ?[0-9]"
    r"|(?:[0-9][A-Za-z]?|\b(?i:bis|sur|norte|este|oeste)),? "
    r"(?:#|[Nn]o\.?|N\.|(?i:nro\.?|num\.|numero)) ?[0-9]"
    r"|\b(?i:calle|cll?\.?|carrera|cra\.?|kra\.?|avenida|transversal|diagonal) [0-9]+[A-Za-z]? "
    r"[0-9]+[A-Za-z]? ?- ?[0-9][0-9]"
    rf"|(?:[0-9][A-Za-z]?|\b(?i:bis|sur|norte|este|oeste)) (?i:con|c/) {_GRID_WAY} "
    r"|\b(?i:entre|e/) ?(?i:calles?|avenidas?|av\.?) [0-9]"
    rf"|[0-9][A-Za-z]? {_GRID_POINT} [0-9]|\b(?i:eje) [0-9]+ {_GRID_POINT} [A-Z]"
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
    "Cra 43A # 18 Sur-135 apto 902", "Av 6 Norte # 23 Norte-45, Cali", "Eje 6 Sur 560, CDMX",
    "Eje 1 Norte Mosqueta S/N, Col. Buenavista", "kra 19 con calle 20 esquina, armenia quindio",
    "entre calles 44 y 152, Los Hornos, La Plata", "e/ calles 7 y 8, Tolosa, La Plata",
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
    "el eje 3 sur gira 20 grados",
    "calle 13 no 2",
    "corte entre calles 44 y 50, La Plata",
    "entre calles 5 y 7, Sin agua",
)


def grid(data: bytes) -> Iterator[Range]:
    """Yield addresses by the streets that cross, or by block and lot."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _GRID.finditer(data):
        start, end = match.span()
        if _BETWEEN_HERE.match(text, start):
            end -= len(", L")
            stop, code = frame.tail(end, latin=True)
            if not code and text.count(", ", end, stop) < 2:
                continue  # "corte entre calles 44 y 50, La Plata" is in the news
            yield start, stop
            continue
        yield frame.head(start), frame.tail(end, latin=True)[0]


_BETWEEN_HERE = re.compile(_BETWEEN)


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
    rf"\b{alternatives('es.estate')} {_NAMES}(?:, {_SITE_HOUSE} {_NAMES})?,? "
    rf"(?:{_SITE_UNIT}[A-Z],? )?{_SITE_UNIT}[0-9]{{1,4}}\b"
    rf"|\b{_SITE_WAY} {_NAMES}, {_SITE_HOUSE} {_NAMES},? {_SITE_UNIT}[0-9]{{1,4}}\b"
    rf"|\b{_SITE_WAY} {_NAMES}, (?i:casa|bloque|edificio|torre|chalet) [0-9]{{1,4}}\b"
)
_SITE_GATE = rf"[A-Za-z0-9\xc0-\xff.],? {_SITE_UNIT}[0-9]"
_SITE, _SITE_FIRST = (
    scanner(_SITE_PATTERN),
    re.compile(rf"{alternatives('es.estate')} |{_SITE_WAY} "),
)
_SITE_HERE = re.compile(rf",? {_SITE_UNIT}(?:[0-9]|[A-Z],? {_SITE_UNIT}[0-9])")
_SITE_STREET = re.compile(  # without a number: "torre 2, apto 1104, Av. Las Americas, Cali"
    rf", {_SITE_WAY} (?:(?:{OF}) ){{0,2}}{CAP}(?:(?: {OF}){{0,2}} {CAP}){{0,3}}"
)
_SITE_MATCHES = (
    "Bda. Juan XXIII, bloque 12, 41006 Sevilla", "barriada la paz bloque 7 2c 21004 huelva",
    "Residencial Los Naranjos, portal 5, 2ºA, Mairena del Aljarafe", "Urb. El Pinar, casa 14",
    "Avenida República de Chile, casa 1702, Tegucigalpa",
    "Av. Balboa, PH Bay Mall, piso 3, oficina 301, Ciudad de Panamá",
    "Conjunto Los Cedros torre 3 apto 502",
    "Res. Parque Sur, torre 2, apto 1104, Av. Las Américas, Cali",
)  # fmt: skip
_SITE_REJECTS = (
    "el residencial tiene el bloque 7", "urbanización con piscina y portal 5",
    "col lombarda, casa 3", "res de Angus, lote 12",
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
        street = _SITE_STREET.match(text, units_end(text, unit.start()))
        stop, code = frame.tail(street.end() if street else unit.start(), latin=True)
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
_BARE_NAMES = (
    r"(?:(?:Gral|Cnel|Cap|Alte|Pte|Pdte|Dr|Ing|Prof)\. )?"
    rf"{CAP}(?: (?:(?:de|del|de la|de los|y) )?{CAP}){{0,3}}"
)
_BARE_FAR = "[NSEO][0-9]{2,3}[A-Z]?-[0-9]{2,4}"
_BARE_NUMBER = "(?:[3-9][0-9]{3}|1[0-8][0-9]{2}|2[1-9][0-9]{2})"
_BARE_CODE = "[A-Z][0-9]{4}(?:[A-Z]{3})?,? [A-Z]"
_BARE_POINT = r"(?:(?:Ote|Pte|Nte|OTE|PTE|NTE)\b\.?|Oriente|Poniente|Norte|Sur)"
_BARE_PATTERN = (
    rf"\b{_BARE_NAMES},? (?:[0-9]{{1,4}},? {_BARE_FLOOR}|{_BARE_FAR}\b|{_BARE_NUMBER}, [A-Z]"
    r"|[0-9]{1,4},? esq(?:\.|uina) [A-Za-z]"
    rf"|[0-9]{{1,4}} {_BARE_POINT},? [A-Z]"
    rf"|(?:[0-9]{{1,4}}|[Ss]/[Nn]),? (?:Col\.?|Colonia|Fracc\.?) [A-Z]|[Ss]/[Nn], [A-Z]"
    rf"|[0-9]{{1,4}}(?:, [^,\n]{{1,24}}){{0,2}}, {_BARE_CODE}"
    rf"|[0-9]{{1,3}}, [A-Z])"
)
_BARE_GATE = (
    r"[a-z],? (?:[0-9]+,? [0-9]+(?:\.?[oa]|(?i:do|er|to|mo|vo|no)\.? [A-Zp])"
    rf"|{_BARE_FAR}|{_BARE_NUMBER}, [A-Z]|[0-9]+,? (?:esq|(?:Col\.?|Colonia|Fracc\.?) [A-Z])"
    rf"|[0-9]+ {_BARE_POINT},? [A-Z]"
    r"|[Ss]/[Nn],? [A-Z])"
    rf"|, {_BARE_CODE}"
    r"|[A-Za-z\xc0-\xff'-] [0-9]{1,3}[a-z]?, [A-Z\xc0]"  # that of another rule too
)
_BARE = scanner(_BARE_PATTERN)
_BARE_PARTS = re.compile(rf"({_BARE_NAMES}),? ({_BARE_FAR}|[0-9]{{1,4}}|[Ss]/[Nn])")
_BARE_MATCHES = (
    "Bravo Murillo 120, 3ºB", "Núñez de Balboa 114, 3.ª planta, oficina 12, 28006 Madrid",
    "Lavalle Norte 1625 piso 4 of. 408, CABA",
    "Juan León Mera N26-100 y Orellana, Quito 170522, Ecuador",
    "San Martín 1234, Rosario, Santa Fe", "25 de Mayo 168, San Juan, Argentina",
    "5 de Febrero 18 Col. Obrera", "Mitre 870, S2000COR Rosario",
    "Balcarce 50, C1064 Ciudad Autónoma de Buenos Aires", "Perú 222, C1067AAF, CABA",
    "Hidalgo s/n, Col. Centro, Morelia",
    "Juárez 45, Centro, Puebla, Pue.", "Zócalo s/n, Centro Histórico, Oaxaca",
    "Moreno 1170, C1091 CABA", "Gral. Paz 120, X5000 Córdoba",
    "Tucumán 1455, 5to piso, of. 12, Buenos Aires",
    "Sótero Sanz 55, Providencia, Santiago de Chile",
    "Hidalgo 77 Ote., Torreón, Coahuila", "Morelos 1200 Pte, Monterrey", "Aldama 45 Sur, Saltillo",
    "Cerro Alegre, Lautaro Rosas 523, Valparaíso", "Colonia Roma, Tonalá 59, CDMX",
    "Sector El Rincón s/n, Huertas Familiares, Til Til", "Ejido La Partida S/N, Torreón",
)  # fmt: skip
_BARE_REJECTS = (
    "Curso 3, 2º B", "Real Madrid 3, Barcelona 2", "Ana Gómez 34, Sevilla", "Torre 2, piso 5",
    "Lima 18, Cusco 20",
    "Windows 11, Intel", "Apolo 11, Luna", "Enero 2024, Madrid, Toledo", "5 de mayo 18 personas",
    "25 de Mayo 2024, Madrid, España", "Grupo 3, C1010 Centro", "Grupo 3, Centro, Madrid",
    "modelo X 12, A1234 Negro", "Sevilla 3 Norte, Madrid", "Zona 5 Norte, Lima",
    "Alfa Beta 523, Valparaíso vence hoy", "Sector Norte 4 Sur, Lima", "Ana 77 Sur, Perdida",
)  # fmt: skip


def bare(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name and a number with a Spanish floor, or with two known places."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _BARE.finditer(data):
        start = match.span()[0]
        parts = _BARE_PARTS.match(text, start)
        if parts is None:
            continue
        names, end = parts.group(1).lower().split(), parts.end()
        day = _BARE_DAY.search(text, max(0, start - 6), start) if names[0] in ES_MONTH else None
        site = names[0] in _BARE_SITES and text[max(0, end - 3) : end].lower() == "s/n"
        names = names[1:] if day else names
        code = _BARE_CODED.match(text, end)
        miscoded = code and not (code.group(1) or frame.tail(end, latin=True)[1])
        if miscoded or not (site or _NOT_BARE.isdisjoint(names)) or is_quantity(text, end):
            continue  # "Sala 12, B3412 Madrid"
        if site:
            stop = frame.tail(end, latin=True)[0]
            more = _BARE_MORE.match(text, stop)
            yield frame.head(start), more.end() if more else stop
            continue
        far = parts.group(2)[0].isalpha() and "/" not in parts.group(2)
        coded = far or code is not None
        sure = coded or _BARE_COLONY.match(text, end) is not None
        point = _BARE_POINTS.match(text, end)
        before = _BARE_QUARTER_BEFORE.search(text, max(0, start - 32), start)
        if point:
            if not _is_placed_by(text, parts, point):
                continue
        elif not sure and text[end : end + 2] == ", " and text[end + 2].isupper():
            long = len(names) > 1 and end - parts.start(2) > 2
            if not _is_in_town(text, parts, long, before is not None):
                continue
        elif not (
            coded or day or len(names) > 1 or _BARE_LEADS.search(text, max(0, start - 12), start)
        ):
            continue
        first = day or before
        yield frame.head(first.start() if first else start), frame.tail(end, latin=True)[0]


def _is_placed_by(text: str, parts: re.Match[str], point: re.Match[str]) -> bool:
    """Tell whether a quadrant behind the number, and a place behind that, make it an address."""
    if point.group(1):  # in full it is a word of other things: "Tigres 3 Sur, Monterrey"
        short = parts.end(2) - parts.start(2) < 2
        if short or parts.group(1).lower() in TOWNS:
            return False
    return _is_place(text, point.end())


def _is_in_town(text: str, parts: re.Match[str], long: bool, behind_quarter: bool) -> bool:
    """Tell whether a name and a number with a comma behind are followed by places enough.

    One is enough for a `long` name at the end of a line, and where a quarter stands before it.
    """
    start = parts.end() + 2
    quarter = _BARE_QUARTER.match(text, start)
    town = known_town(text, quarter.end() if quarter else start, TOWNS)
    if town < 0 or (parts.group(1).lower() in TOWNS and not (quarter or behind_quarter)):
        return False  # "Lima 18, Cusco, Peru"
    more = text[town : town + 2] == ", " and _is_place(text, town + 2)
    line = long and _LINE_ENDS.match(text, town) is not None
    return line or more or quarter is not None or behind_quarter


# "Sector El Rincon s/n, Huertas Familiares, Til Til"
_BARE_SITES = frozenset(
    "sector ejido fundo parcela parcelacion caserio rancho comunidad paraje estancia hacienda finca"
    " lote localidad poblado predio vereda quinta camino".split()
)
_BARE_MORE = re.compile(rf", {CAP}(?: {CAP}){{0,2}}(?=[.,;:)\n]|$| [|/-])")
_BARE_POINTS = re.compile(r" (?:(?i:ote|pte|nte)\b\.?|(Oriente|Poniente|Norte|Sur)),? (?=[A-Z])")
_BARE_QUARTER_BEFORE = re.compile(
    rf"(?<![A-Za-z\xc0-\xff])(?:Cerro|Barrio|Sector|Poblacion|Colonia|Col\.) {CAP}(?: {CAP})?, $"
)
_NOT_BARE = words("es.not_street") | NOT_NAME | ES_STOP
_LINE_ENDS = re.compile(r"[.;]?(?:\n|$)")
_BARE_CODED = re.compile(r"(?:, [^,\n]{1,24}){0,2}, [A-Z][0-9]{4}([A-Z]{3})?,? [A-Z]")
_BARE_COLONY = re.compile(r",? (?:Col\.?|Colonia|Fracc\.?) [A-Z]")
_BARE_QUARTER = re.compile("(?:Zona )?Centro(?: Historico)?, ")
_BARE_DAY = re.compile(r"(?<![0-9])[0-9]{1,2} de $")  # "25 de Mayo 168, San Juan, Argentina"
_BARE_LEADS = re.compile(rf"{ES_LEADS.pattern}|(?:^|\n|: ?|\()$")
_PLACE_NAME = re.compile(rf"(?:{PROVINCE}|{alternatives('eu.country')})(?![A-Za-z\xc0-\xff-])")


def _is_place(text: str, start: int) -> bool:
    """Tell whether a town, a province or a country is named at `start`."""
    return known_town(text, start, TOWNS) > 0 or _PLACE_NAME.match(text, start) is not None


# In lower case a preposition leads to it, and a unit and a known town follow: "a gorriti 4820 pb
# palermo".
_PLAIN_PATTERN = (
    r"\b(?i:al?|en|hasta|desde|direccion|domicilio|para|es):? "
    rf"{LETTER}[a-z\xe0-\xff]{{2,}} (?:{LETTER}[a-z\xe0-\xff]*\.? ){{0,2}}[0-9]{{3,4}},? "
    r"(?:(?i:pb|p\.b\.|planta baja)|(?i:piso|dpto\.?|depto\.?|dto\.?|apto\.?|of\.|oficina) ?[0-9]"
    r"|[0-9]{1,2}[oa] ?[a-zA-Z]\b)"
)
_PLAIN_GATE = r"[a-z] [0-9]+,? (?i:pb|p\.b\.|planta baja)\b"
_PLAIN = scanner(_PLAIN_PATTERN)
_PLAIN_NUMBER = re.compile(r" ([0-9]{3,4})(?=,? )")
PLAIN_MATCHES = (
    "en gorriti 4820 pb palermo", "en thames 1523 piso 2 b, palermo",
    "a juan b justo 2210, PB, Córdoba",
)  # fmt: skip
_PLAIN_REJECTS = (
    "a partir de 1200 piso 2 palermo", "en torre 1200 piso 2 palermo", "en total 900 pb palermo",
    "bajo a gorriti 4820 pb rotas", "en promedio 1200 piso 3 madrid", "en marzo 2023 pb palermo",
)  # fmt: skip


def plain(data: bytes) -> Iterator[Range]:
    """Yield addresses of a name in lower case, a number, a unit and a known town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _PLAIN.finditer(data):
        start, end = match.span()
        number = _PLAIN_NUMBER.search(text, start, end)
        if number is None:
            continue
        begin = text.index(" ", start) + 1
        names = text[begin : number.start()].lower().split()
        if not _NOT_PLAIN.isdisjoint(names):
            continue
        town = _PLAIN_TOWN.match(text, units_end(text, number.end()))
        known = known_town(text, town.end(), TOWNS) if town else -1
        if known > 0:
            yield begin, max(known, frame.tail(number.end(), latin=True)[0])


_NOT_PLAIN = (words("es.not_street") | NOT_NAME | ES_STOP | ES_MONTH) | frozenset(
    "total promedio partir alrededor precio unos venta alquiler abono efectivo cuotas".split()
)
_PLAIN_TOWN = re.compile(",? ")

# A farm at a road: "Ruta Provincial 6 km 14, Paraje El Tropezon, Lobos, Provincia de Buenos Aires".
_ROAD_WAY = (
    r"(?i:ruta|carretera|ctra\.?|carr\.?|autopista|autovia|rn|rp)"
    r"(?: (?i:nacional|provincial|federal|estatal|no?\.?))*"
)
_ROAD_PATTERN = (
    rf"\b{_ROAD_WAY} ?(?:[A-Z]{{1,3}}-?)?[0-9]{{1,3}}(?: (?i:norte|sur))?"
    r",? (?i:km|kilometro)\.? ?[0-9]{1,4}(?:[.,][0-9]{1,3})?\b"
    r"|\b(?i:km\.?|kilometro) ?[0-9]{1,3}(?:[.,][0-9]{1,2})?,? "
    rf"(?i:via|carretera|autopista)(?: (?i:al?))? {CAP}(?:[ -]{CAP}){{0,3}}"
)
_ROAD_GATE = (
    r"[0-9](?: (?i:norte|sur))?,? (?i:km|kilometro)\.? ?[0-9]"
    r"|\b(?i:km\.?|kilometro) ?[0-9.,]+ (?i:via|carretera|autopista) "
)
_ROAD = scanner(_ROAD_PATTERN)
_ROAD_ARTICLE = re.compile(r"(?<![A-Za-z\xc0-\xff])(?i:el|la|las|esta|una) $")
_ROAD_MATCHES = (
    "Ruta Provincial 6 km 14, Paraje El Tropezón, Lobos, Provincia de Buenos Aires",
    "RN 9 km 1240, Jesús María, Córdoba, Argentina", "Ruta 5 Sur km 1020, Puerto Montt, Chile",
    "Carretera Federal 57 km 12, Querétaro, Qro.",
    "Km 5 vía La Calera, Bogotá",
)  # fmt: skip
_ROAD_REJECTS = (
    "Choque en la Ruta 2 km 57, Chascomús, Buenos Aires", "Ruta 5 km 12, subida dura",
    "La Ruta 40 km 3500, un viaje", "ruta 5 km 30, Luján", "etapa 7, ruta 12 km 300",
    "choque en el km 5 vía La Calera, Bogotá", "km 12 carretera cortada, Madrid",
)  # fmt: skip


def roads(data: bytes) -> Iterator[Range]:
    """Yield addresses of a road, a kilometre and two places (one if it is named) or a postcode."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _ROAD.finditer(data):
        start, end = match.span()
        if _ROAD_ARTICLE.search(text, max(0, start - 6), start) or MORE_DIGITS.match(text, end):
            continue  # "the road" is in the news
        stop, code = frame.tail(end, latin=True)
        if code or text.count(", ", end, stop) > text[end - 1].isdigit():
            yield frame.head(start), stop


# A door alone, as neighbours name it: "Bloque 3, portal B, 4o A", "torre 2 apto 1104".
_DOOR_STAIRS = r"(?i:portal|escalera|esc\.?) ?(?:[0-9]{1,3}|[A-Za-z])\b"
_DOOR_TOWER = r"(?i:torre|edificio|edif\.?|bloque|blq\.?) ?(?:[0-9]{1,3}|[A-Z])\b"
_DOOR_FLAT = r"(?i:apto\.?|apartamento|dpto\.?|depto\.?|dto\.?) ?[0-9]{1,4}[A-Za-z]?\b"
_DOOR = (
    r"(?:[0-9]{1,2}\.?[oa]\.?,? ?-?(?:[A-Z]\b|[0-9]{1,2}\.?[oa]\b"
    r"|(?i:izq|izda|izqda|izquierda|dcha|dcho|drcha|derecha)\b)"
    r"|(?i:piso|planta) [0-9]{1,2},? (?i:puerta|pta\.?|letra) ?[0-9A-Za-z]{1,2}\b"
    r"|(?i:bajo|atico) [A-Z]\b)"
)
_DOORS_PATTERN = (
    rf"\b(?:{_DOOR_TOWER},? )?{_DOOR_STAIRS},? (?:{_DOOR}|{_DOOR_FLAT})"
    rf"|\b(?:{_DOOR_TOWER},? ){{1,2}}{_DOOR_FLAT}"
    rf"|\b(?i:torre) (?:[0-9]{{1,3}}|[A-Z]),? {_DOOR}"
)
_DOORS_GATE = (
    r"\b(?i:portal|escalera|esc\.?|torre) ?(?:[0-9]+|[A-Za-z]),? "
    r"(?:[0-9]|(?i:piso|planta) [0-9]|(?i:bajo|atico) [A-Z])"
)
_DOORS = scanner(_DOORS_PATTERN)
_DOORS_MATCHES = (
    "Bloque 3, portal B, 4º A", "portal 5, 2º C", "torre 2 apto 1104", "Torre B, apto. 502",
    "escalera 2, 3º 1ª", "Edificio 4, torre B, apto 301", "Portal 8, piso 3, puerta C",
    "bloque 7 portal 2 bajo B", "torre A, 12º D",
)  # fmt: skip
_DOORS_REJECTS = (
    "Bloque 3, 4º A de la ESO", "portal 2.0, 3 fases", "el portal a 4 bandas",
    "Bloque 3: portal B averiado", "portal B, 40 plazas", "edificio 4, piso 2",
)  # fmt: skip


def doors(data: bytes) -> Iterator[Range]:
    """Yield a door of a staircase or a tower without a street."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _DOORS.finditer(data):
        start, end = match.span()
        if not (is_quantity(text, end) or MORE_DIGITS.match(text, end)):
            yield frame.head(start), frame.tail(end, latin=True)[0]


RULES: tuple[Rule, ...] = (
    Rule("address", (_PLAIN_GATE, _SITE_GATE), plain, PLAIN_MATCHES, _PLAIN_REJECTS),
    Rule("address", (_ROAD_GATE,), roads, _ROAD_MATCHES, _ROAD_REJECTS),
    Rule("address", (_DOORS_GATE, _SITE_GATE), doors, _DOORS_MATCHES, _DOORS_REJECTS),
    Rule("address", (_GRID_GATE, _SITE_GATE), grid, _GRID_MATCHES, _GRID_REJECTS),
    Rule("address", (_SITE_GATE,), sites, _SITE_MATCHES, _SITE_REJECTS),
    Rule("address", (_BARE_GATE, _SITE_GATE), bare, _BARE_MATCHES, _BARE_REJECTS),
)
