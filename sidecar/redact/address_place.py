"""Where an address of the continent goes on behind its street: units, postcode, town, country."""

import re

from sidecar.redact.words import alternatives, words

CITIES = words("de.city") | words("fr.city") | words("es.city")
_EU_UNIT = words("eu.unit")
_NOT_CITY = words("en.not_city") | words("de.not_phrase") | words("de.noun")

LETTER = r"[A-Za-z\xc0-\xff]"
CAP = r"[A-Z\xc0][A-Za-z\xc0-\xff'-]*"
_SEP = r"(?:[ ,]{1,3}\n?|\n)"

_IN = rf"(?:{_SEP}(?:(?i:in|a|en) )?)"

# A town: one word, or one with the particles that towns have.
_BETWEEN = alternatives("eu.town.between")
_NO_DAY = rf"(?!{alternatives('de.not_phrase')}(?![A-Za-z\xc0-\xff]))"  # "Berlin am Montag"
_ANY_CITY = alternatives("de.city", "fr.city", "es.city")
_TOWN = (
    rf"(?:{_ANY_CITY}(?:/{LETTER}{{3,}})?(?![A-Za-z\xc0-\xff'/-])"
    rf"|(?:(?:{alternatives('eu.town.before')}|De|Du|La) (?!{_BETWEEN} ))?"
    rf"{LETTER}[A-Za-z\xc0-\xff'-]+(?:/{LETTER}{{3,}})?)"
    rf"(?: {_BETWEEN} {_NO_DAY}(?:{alternatives('eu.town.before')} )?{LETTER}[A-Za-z\xc0-\xff'-]+"
    rf"| (?i:im|in|bei|en|y|i|la|le|les) {CAP}| (?i:im breisgau|im allgau)| \({CAP}\)){{0,2}}"
)
_PROVINCE = alternatives("es.province")
_MORE_TOWN = re.compile(
    rf"(?i: cedex(?: [0-9]{{1,2}})?)|(?: {CAP}){{1,2}}(?=[.,;)\n]|$)|, \(?{CAP}\)?(?=[.,;)\n]|$)"
    rf"|,? \(?{_PROVINCE}(?![A-Za-z\xc0-\xff-])\)?"
)
_DISTRICT = r"(?: [0-9]{1,2}(?i:er|eme|e)\b)?"
CITY = re.compile(
    rf"(?: ?,)?[ \n](?:(?i:in|a|en) )?({_ANY_CITY})"
    rf"(?![A-Za-z\xc0-\xff]|[-/]?[0-9@]){_DISTRICT}|, ({CAP}){_DISTRICT}(?=[.,;)\n?!]|$| [a-z])"
    rf"| in ({CAP})(?=[.,;)\n?!]|$| [a-z])"
)
_COUNTRY = re.compile(rf"{_SEP}\(?{alternatives('eu.country')}(?![A-Za-z])\)?")
CODE = r"(?:(?i:de|d|f|fr|e|es|a|at|ch)[- ])?(?:[0-9]{5}|(?:1[0-8]|2[1-9]|[3-9][0-9])[0-9]{2})"
POSTCODE = re.compile(rf"(?:{_IN}|\. | / | - ){CODE}(?:,? |\n){_TOWN}")
_SIDE = rf"(?: ?{alternatives('eu.side')}(?![A-Za-z])\.?)?"
KEYED = (
    rf"[0-9]{{1,2}}\. ?(?i:og|ug|stock|etage|obergeschoss)\b{_SIDE}"
    rf"|[0-9]{{1,2}}(?i:er|e|eme|nd) (?i:etage|et\.?){_SIDE}"
    rf"|[0-9]{{1,2}}[oa]?\.? ?{alternatives('eu.side')}\b\.?"
    rf"|(?i:c/o|z\. ?hd\.?|chez) (?i:(?:fam|familie|herr|frau|dr|m|mme)\.? )?{CAP}(?: {CAP})?"
    rf"|(?i:residence|res|immeuble|imm)\.? {CAP}(?: {CAP}){{0,2}}"
    rf"|{alternatives('eu.apartment')}\b\.?"
    rf"(?: (?:[A-Za-z]?-?[0-9]{{1,5}}(?:/[0-9]{{1,4}})?[A-Za-z]?|[A-Z]{{1,2}}|[A-Za-z])\b"
    rf"(?!\. ?(?i:og|ug|stock|etage)))?{_SIDE}"
)
_UNITS = re.compile(
    rf"(?:(?:{_SEP}|,? - )(?:{KEYED}"
    rf"|[0-9]{{1,2}}[oaer]?\.?(?:(?: ?- ?| )[0-9]{{1,2}}[oaer]?| ?-? ?[A-Za-z])?(?![0-9A-Za-z])"
    rf"{_SIDE})){{1,4}}"
)
_UNITS_AFTER = re.compile(rf"(?:, (?:{KEYED})(?![A-Za-z])){{1,2}}")


def tail(text: str, end: int, latin: bool) -> tuple[int, bool]:
    """Return where the address with a street up to `end` ends, and whether it has a postcode."""
    units = _UNITS.match(text, end)
    for start in (units.end(), end) if units else (end,):
        code = POSTCODE.match(text, start)
        if code:
            end = code.end()
            more = _MORE_TOWN.match(text, end) if latin or text[end : end + 2] == ", " else None
            end = more.end() if more else end
            country = _COUNTRY.match(text, end)
            end = country.end() if country else end
            units = _UNITS_AFTER.match(text, end)
            return (units.end() if units else end), True
    end = units.end() if units else end
    city = CITY.match(text, end)
    if city and (city.group(1) or city[2] or city[3]).lower() not in _NOT_CITY:
        end = city.end()
        more = _AFTER_CITY.match(text, end)
        end = more.end() if more else end
    return end, False


_AFTER_CITY = re.compile(
    rf", [0-9]{{5}}(?![0-9A-Za-z]|[ ./-][0-9])|,? \(?{_PROVINCE}(?![A-Za-z\xc0-\xff-])\)?"
)


_FOLLOWING = re.compile(r" ([A-Za-z\xc0-\xff]+)")


def is_quantity(text: str, end: int) -> bool:
    """Tell whether a unit follows the number that ends at `end`."""
    following = _FOLLOWING.match(text, end)
    return following is not None and following.group(1).lower() in _EU_UNIT


# A number that goes on is no house number.
MORE_DIGITS = re.compile(r"[A-Za-z0-9\xc0-\xff]|[.:,][0-9]")
