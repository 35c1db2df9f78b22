"""Units and buildings: what stands between a street and its town, or before the street."""

import re

from sidecar.redact.address_town import CAP, EU_UNIT, LETTER, TOWNS, known_town
from sidecar.redact.words import alternatives, words

# What no rule knows may stand around a street, but none of these.
NOT_LOOSE = (
    (words("fr.stop") | words("es.stop") | words("de.stop") | words("en.stop") | words("fr.verb"))
    - words("fr.particle")
    - words("eu.town.before")
    - words("eu.town.between")
    - words("fr.first")
    - {
        "no",
        "am",
        "im",
        "an",
        "zum",
        "zur",
        "von",
        "der",
        "die",
        "das",
        "dem",
        "den",
        "box",
        "y",
    }
)
TO_AFTER = re.compile(", | - | ")
_SIDE = rf"(?:,? ?(?:(?i:porte|puerta) )?{alternatives('eu.side')}(?![A-Za-z])\.?)?"
_SIDE_ONLY = rf" {alternatives('eu.side')}(?![A-Za-z])\.?"
OF = "(?i:de|du|des|del|la|le|les|los|las|el|von|zum|zur|am|im)"
_NAMED = rf"(?:{CAP}|[0-9]{{1,3}})(?:(?: {OF}){{0,2}} {CAP}| [0-9]{{1,3}}\b){{0,3}}"
BUILDING = rf"{alternatives('eu.building')}\.? (?:{OF} ){{0,2}}{_NAMED}"
_FLOORS = (
    "(?i:og|ug|stock|stockwerk|etage|obergeschoss|untergeschoss|tr\\.|treppe|hof|et|etg"
    "|hh|vh|hinterhaus|hinterhof|seitenflugel|quergebaude)"
)
_NUMBER = (
    r"(?:[A-Za-z]?-?[0-9]{1,5}(?:[/.-][0-9]{1,4}|-[A-Z]|\.?[oa])?[A-Za-z]?|[A-Z]{1,2}|[A-Za-z])\b"
    r"(?: ?[A-Za-z](?=,|$))?"
)
# "geb. 1991": born, not the number of a building ("Geb. 12")
_BIRTH = r"(?i:geb)\.? ?(?:19|20)[0-9]{2}\b"
_DATE = rf"[0-9]{{1,2}}\.[0-9]{{1,2}}\.(?! ?{_FLOORS})"
KEYED = re.compile(
    rf"(?:(?:[0-9]{{1,2}}|[IVX]{{1,4}})(?:\. ?| (?=tr)){_FLOORS}(?![A-Za-z]){_SIDE}"
    r"|[0-9]{1,2}(?i:er|ere|e|eme|nd) "
    rf"(?:(?i:etage|etg\.?|et\.?|niveau|sous-sol)(?![A-Za-z]){_SIDE}|{alternatives('eu.side')}\b)"
    rf"|[0-9]{{1,2}}\.?[oa]?\.? ?{alternatives('eu.side')}\b\.?{_SIDE}"
    rf"|[0-9]{{1,2}}\.?[oanr]?\.? (?i:planta|piso|puerta|pis|pta){_SIDE}"
    r"|[0-9]{1,2}(?i:er piso|(?:ero|ra|d[oa]|t[oa]|m[oa]|v[oa]|n[oa])\.?(?:,? (?:piso|planta))?"
    r"(?: [a-z](?![a-z]))?)"  # "2do A", "8vo piso b"
    r"|(?i:es|bl|pl|pt|esc|pta|plta): ?[0-9A-Za-z]{1,3}"  # as in the cadastre: "es:3 pl:04 pt:d"
    # where a car stands: "plaza de garaje 34", "place de parking no 27"
    r"|(?i:plaza(?: de (?:garaje|parking|aparcamiento))?|cochera|garaje|trastero"
    r"|place(?: de (?:parking|stationnement))?|emplacement|parking|garage|cave)"
    r" (?:(?i:no?)\.? ?)?[0-9]{1,4}[A-Za-z]?"
    r"(?! ?(?:(?i:eur|plaza|place|voiture|coche|vehic|min|k?m2?\b|h\b|de )|[\xa2\xa4%$])"
    r"|[0-9.,]*[0-9])"
    r"|(?i:digicode|code) (?=[0-9A-Z]{0,3}[0-9]{2})[0-9A-Z]{4,6}|Sur|Norte|SUR|NORTE"
    r"|(?i:interior|exterior|int|ext)\b(?!\.? ?[0-9])\.?"
    r"|(?i:local|bajo|bajos)\.? ?(?:(?i:no?)\.? ?)?"
    rf"[A-Za-z]?-?[0-9]{{1,4}}[A-Za-z]?(?![0-9A-Za-z]){_SIDE}"
    rf"|{alternatives('es.ordinal')}(?i:,? (?:planta|piso|puerta))?"
    rf"(?:,? {alternatives('es.ordinal', 'eu.side')}| [A-Z]\b)"
    rf"|(?i:succ\.|succursale) {CAP}"  # of the post office, in Quebec
    # "Le resto s'appelle Chez Paulette" is no care of
    r"|(?:(?i:c/o|z\. ?hd\.?)|chez|CHEZ|(?<![a-z] )Chez|Chez(?= (?:M|Mr|Mme|Mlle)\b)) "
    r"(?i:(?:fam|familie|herr|frau|dr|m|mme)\.? )?"
    rf"{CAP}(?: {CAP})?"
    r"|(?i:bajos?|atico|entlo|pral|ppal|principal|rdc)\.? [b-df-hj-n](?![A-Za-z'/.])"
    r"|(?i:pte)\.? [0-9]{1,4}(?![0-9.,]*[0-9])"  # "BAT 2 ESC A PTE 304"
    rf"|{alternatives('eu.floor')}\b\.?(?: [A-Z]\b| -[0-9]\b)?{_SIDE}"
    rf"|(?!{_BIRTH}){alternatives('eu.apartment')}\b\.?(?:(?:{_SIDE_ONLY}){{1,2}}"
    rf"| ?(?:(?i:nr|no?)\.? ?)?(?!{_DATE}){_NUMBER}(?!\. ?{_FLOORS}){_SIDE}))(?![A-Za-z])"
)
_TO_UNIT = re.compile(r" \(|,? - | ?[/\xa4] ?|-(?=[0-9])|[ ,]{1,3}\n?|\n")
_FLOOR = re.compile(
    r"(?![0-9]{1,2} ?[hH])[0-9]{1,2}\.?[oaer]?\.?"
    r"(?:(?: ?- ?| )[0-9]{1,2}\.?[oaer]?| ?-? ?[A-Za-z]| ?\"[A-Za-z]\")?(?![0-9A-Za-z)]|[.,][0-9])"
)
_FLOOR_SIDE = re.compile(_SIDE)
_BUILDING_BEHIND = re.compile(
    rf"{BUILDING}(?=, ?(?:[0-9A-Z\xc0]|{alternatives('eu.apartment', 'eu.floor')}(?![A-Za-z]))|\n)"
)
BUILDING_AFTER = re.compile(rf"{BUILDING}(?=[,.;)\n]|$)")


def units_end(text: str, end: int) -> int:
    """Return where the units, floors and buildings end that stand behind `end`."""
    for _ in range(6):
        lead = _TO_UNIT.match(text, end)
        if lead is None:
            break
        start, bracket = lead.end(), lead.group() == " ("
        unit = KEYED.match(text, start)
        if bracket and unit:
            closed = bracket_end(text, start)
            if closed < 0:
                break
            end = closed
            continue
        if unit is None and not bracket:
            floor = _FLOOR.match(text, start)
            if floor and is_quantity(text, floor.end()):
                break
            unit = _FLOOR_SIDE.match(text, floor.end()) if floor else None
            if floor is None and lead.group() == ", ":
                unit = _BUILDING_BEHIND.match(text, start)
        unit_end = unit.end() if unit else _estate_end(text, start)
        if unit_end < 0:
            break
        end = unit_end
    return end


_ESTATE = re.compile(rf"{alternatives('es.estate')}\.?(?= )")
_ESTATE_WORD = re.compile(rf" ({LETTER}[A-Za-z\xc0-\xff'.-]*)")
_ESTATE_ENDS = re.compile(r"[,;)\n?!]| [|/-]|\.? ?$|\. [A-Z]")


def _estate_end(text: str, start: int) -> int:
    """Return where the quarter ends whose kind and name stand at `start`: "urb. el bosque"."""
    estate = _ESTATE.match(text, start)
    if estate is None:
        return -1
    end = estate.end()
    for _ in range(5):
        word = _ESTATE_WORD.match(text, end)
        if word is None or word.group(1).lower().rstrip(".") in NOT_LOOSE:
            return -1
        end = word.end()
        if _ESTATE_ENDS.match(text, end):
            return end
        if text[end : end + 1] == " " and known_town(text, end + 1, TOWNS, False) > 0:
            return end
    return -1


def bracket_end(text: str, start: int) -> int:
    """Return where the bracket ends that nothing but units fills: "(2eme etage, porte 4)"."""
    for _ in range(4):
        unit = KEYED.match(text, start)
        if unit is None:
            return -1
        if text[unit.end() : unit.end() + 1] == ")":
            return unit.end() + 1
        lead = TO_AFTER.match(text, unit.end())
        if lead is None:
            return -1
        start = lead.end()
    return -1


def unit_at(text: str, start: int) -> bool:
    """Tell whether a unit or a floor stands at `start`."""
    return KEYED.match(text, start) is not None


# ------------------------------------------------------------------------------------ behind it


_FOLLOWING = re.compile(r" ([A-Za-z\xc0-\xff]+)")


def is_quantity(text: str, end: int) -> bool:
    """Tell whether a unit follows the number that ends at `end`."""
    following = _FOLLOWING.match(text, end)
    return following is not None and following.group(1).lower() in EU_UNIT
