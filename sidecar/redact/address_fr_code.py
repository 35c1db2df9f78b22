"""French addresses that only a postcode or a town proves: squares, sites, boxes."""

import re
from collections.abc import Iterator

from sidecar.redact.address_fr import W, is_labelled, is_prose
from sidecar.redact.address_place import Frame
from sidecar.redact.address_town import (
    CAP,
    CODE,
    CODE_GATES,
    COMMA_CODE_GATE,
    LETTER,
    TOWNS,
    known_town,
)
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives

_COMMON_MATCHES = (
    "Place Saint-Lambert 9, 4000 Liège",
    "Place Jourdan 1, Etterbeek",
    "Grand-Place 5, Mons",
    "grand-place 1, 1000 bruxelles",
    "Route du Rawil 31, 1963 Vétroz",
    "place du Scex 4, 1950 Sion",
    "cours Jean-Jaurès 18, Grenoble",
)
_COMMON_REJECTS = (
    "place 3 à 1200 euros",
    "cours 12 en 1850 mots",
    "place 2, Lyon gagne",
    "route 5, Nice",
    "Cours Moyen 2, Lyon",
    "Place Rouge 1980, Paris",
    "route de Paris 31, 1963 Colloque",
)
# Words for squares are of other languages too, or of sentences: only with a postcode.
_FR_SQUARE = r"(?i:place|square|route|grand[-'](?:place|rue)|clos)"
_FR_COMMON_PATTERN = (
    rf"\b(?:{_FR_SQUARE}|(?i:cours|quartier)) (?:(?:{W} ){{0,4}}?{W},? )?"
    rf"[0-9]{{1,4}}[a-z]?(?:/[0-9]+)?(?:,? |,?\n){CODE} {LETTER}"
    rf"|\b{_FR_SQUARE} (?:(?:{W} ){{0,4}}?{W}{LETTER} )?[0-9]{{1,3}}[a-z]?, {CAP}"
    rf"|\b(?i:cours) {CAP}-{CAP} [0-9]{{1,3}}[a-z]?, {CAP}"
    rf"|\b(?i:route|place) (?:{W} ){{0,4}}?{W} [0-9]{{1,3}}[a-z]?, (?:19|20)[0-9]{{2}}"
    rf" {alternatives('eu.town.year')}\b"
)
_FR_COMMON_GATE = r"[A-Za-z\xc0-\xff'-] [0-9]{1,3}[a-z]?, [A-Z\xc0]"  # that of another rule too
_FR_COMMON = scanner(_FR_COMMON_PATTERN)
_FR_COMMON_NUMBER = re.compile(r".*? [0-9]{1,4}[a-z]?(?:/[0-9]+)?(?=[, \n])", re.DOTALL)
# "Place Jourdan 1, Etterbeek", but "Cours Moyen 2, Lyon", "place 2, Lyon"
_FR_TOWN_BEHIND = re.compile(
    r"(?i:grand[-'](?:place|rue)|(?:place|square|route|clos) .+|cours .+-.+) [0-9]"
)


def french_common(data: bytes) -> Iterator[Range]:
    """Yield addresses of a square, a number behind its name, a postcode and a town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_COMMON.finditer(data):
        start, end = match.span()
        number = _FR_COMMON_NUMBER.match(text, start, end)
        if number is None or is_prose(number.group().split()):
            continue
        stop, code = frame.tail(number.end(), latin=True)
        named = _FR_TOWN_BEHIND.match(number.group()) is not None
        if code or (named and known_town(text, number.end() + 2, TOWNS) > 0):
            yield frame.head(start), stop


# A number and the name of a place that begins like a sentence: "45 Sous le Bois, 88400 Xonrupt".
_FR_SITE_PATTERN = (
    r"\b[0-9]{1,4}(?: ?(?i:bis|ter|quater))?,? "
    r"(?i:sous|sur|en|aux?|derriere|devant|chez|entre|hors|vers|les?|la) "
    rf"(?:{W} ){{0,4}}{W}(?:, ?\n?|\n)[0-9]{{5}} {LETTER}"
)
_FR_SITE = scanner(_FR_SITE_PATTERN)
_FR_SITE_PARTS = re.compile(r"([0-9]+)(?: ?(?i:bis|ter|quater))?,? [^ ]+ ([^,\n]+)")
_FR_YEAR = re.compile("(?:19|20)[0-9]{2}")
_FR_LITTLE = re.compile("(?:d[eu]|des|l[ae]s?|aux?|en|et|sur|sous|entre)$|(?:l'|d')?[A-Z]")
_SITE_MATCHES = (
    "45 Sous le Bois, 88400 Xonrupt-Longemer", "12 Chez Ferrand, 17500 Jonzac",
    "45 Le Bourg, 19500 Meyssac", "17 bis Devant la Ville, 55210 Vigneulles",
)  # fmt: skip
_SITE_REJECTS = (
    "12 sur 20, 15000 Notes", "3 chez Paul, 12000 clients", "2010 En Marche, 66000 Adhérents",
    "12 sur la liste, 45000 Visiteurs", "4 en Or, 10000 points",
)  # fmt: skip


def french_sites(data: bytes) -> Iterator[Range]:
    """Yield addresses of a number, a name led by a preposition, a postcode and a town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_SITE.finditer(data):
        start, end = match.span()
        parts = _FR_SITE_PARTS.match(text, start, end)
        if parts is None or _FR_YEAR.fullmatch(parts.group(1)) or is_labelled(text, start):
            continue
        names = parts.group(2).split()
        if not (names[-1].rpartition("'")[2][0].isupper() and all(map(_FR_LITTLE.match, names))):
            continue
        stop, code = frame.tail(parts.end(), latin=True)
        if code and (text[end - 1].isupper() or known_town(text, end - 1, TOWNS) > 0):
            yield frame.head(start), stop


_FR_BOX_PATTERN = r"\b(?:BP|B\.P\.|CS|TSA|bp|cs|tsa) ?[0-9]{1,6}"
_FR_BOX = scanner(_FR_BOX_PATTERN)


def french_boxes(data: bytes) -> Iterator[Range]:
    """Yield French post office boxes."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_BOX.finditer(data):
        start, end = match.span()
        stop, code = frame.tail(end, latin=True)
        if code:
            yield frame.head(start), stop


RULES: tuple[Rule, ...] = (
    Rule(
        "address",
        (*CODE_GATES, COMMA_CODE_GATE, _FR_COMMON_GATE),
        french_common,
        _COMMON_MATCHES,
        _COMMON_REJECTS,
    ),
    Rule("address", CODE_GATES, french_sites, _SITE_MATCHES, _SITE_REJECTS),
    Rule("address", (_FR_BOX_PATTERN,), french_boxes, ("BP 5645, 69003 Lyon CEDEX 02",)),
)
