"""Postcodes and towns of the continent."""

import re
from functools import cache

from sidecar.redact.words import alternatives, words

TOWNS = frozenset().union(*(words(country, "towns.txt") for country in ("de", "fr", "es")))
QUARTERS = words("de.quarter", "towns.txt") | words("es.quarter", "towns.txt")
OVERSEAS = words("es.province")
WORD_TOWNS = words("word", "towns.txt")

EU_UNIT = words("eu.unit")
NOT_CITY = words("en.not_city") | words("de.not_phrase") | words("de.noun")
NOT_TOWN = (
    words("fr.stop") | words("fr.particle") | words("es.stop") | words("de.stop") | words("en.stop")
)
# A street of the Romance languages has none of these in its name.
NOT_NAME = (words("en.stop") | words("fr.stop") | words("fr.verb") | words("de.stop")) - {
    "du",
    "des",
    "la",
    "le",
    "les",
}
# A word of one language is a name in another: a town begins with these.
TOWN_BEGINS = words("eu.town.before")

LETTER = r"[A-Za-z\xc0-\xff]"
CAP = r"[A-Z\xc0][A-Za-z\xc0-\xff'-]*"
_SEP = r"(?:[ ,]{1,3}\n?|\n)"
_IN = rf"(?:{_SEP}(?:(?i:in|a|en) )?)"

# ---------------------------------------------------------------------------------------- towns
_TOWN_WORD = r"[A-Za-z\xc0-\xff'./-]*"
_TOWN_WORDS = re.compile(rf"{LETTER}{_TOWN_WORD}(?: {LETTER}{_TOWN_WORD}){{0,4}}")
_NOT_WHOLE = re.compile("[A-Za-z0-9@\xc0-\xff]")
_JOINED = re.compile(rf"[-/](?:(?:Sankt|St\.|Bad) )?{LETTER}{{3,}}(?:-{LETTER}{{2,}})*")
_QUARTER = re.compile(rf" ({LETTER}[A-Za-z\xc0-\xff.-]*(?: {LETTER}[A-Za-z\xc0-\xff-]*)?)")


def is_known_place(name: str) -> bool:
    """Tell whether a name in lower case is that of a town or a quarter."""
    return name in TOWNS or name in QUARTERS


def known_town(text: str, start: int, towns: frozenset[str], comma: bool = True) -> int:
    """Return where the town of a list that is named at `start` ends, or -1.

    Without a comma before it, or a postcode, a town that is also a word needs a capital.
    """
    match = _TOWN_WORDS.match(text, start)
    if match is None:
        return -1
    value, end = match.group(), match.end()
    if value[0] not in "sS" and _first_letters(value) not in _beginnings(towns):
        return -1
    while value:
        name = value.rstrip(".,'/-")
        plain = name.lower().replace("\xdf", "ss")
        if plain in towns or (" " in plain and _hyphenated(plain) in towns):
            abbreviated = name[-2:-1] == "." and value[len(name) :].startswith(".")  # "D.C."
            end = start + len(name) + abbreviated
            word = plain in WORD_TOWNS and value[0].islower() and not comma
            return -1 if word or _NOT_WHOLE.match(text, end) else end
        head, _, last = value.rpartition(" ")
        if not head:  # "Hamburg-Eppendorf", "london's"
            first = re.split("[-/']", last, maxsplit=1)[0]
            plain = first.lower()
            if first != last and plain in towns and plain not in WORD_TOWNS:
                joined = _JOINED.match(text, start + len(first))
                return joined.end() if joined else start + len(first)
        value = head
    return -1


def behind_quarter(text: str, start: int) -> int:
    """Return where the town ends before which a quarter of it stands: "nordstadt dortmund"."""
    quarter = quarter_end(text, start - 1)
    behind = quarter > start - 1 and text[quarter : quarter + 1] == " "
    return known_town(text, quarter + 1, TOWNS) if behind else -1


_LETTERS = re.compile(f"{LETTER}+")


def _first_letters(name: str) -> str:
    """Return what the name of a town begins with, up to a blank or any other sign."""
    letters = _LETTERS.match(name, 0, 40)
    return letters.group().lower().replace("\xdf", "ss") if letters else ""


@cache
def _beginnings(towns: frozenset[str]) -> frozenset[str]:
    """Return the first letters of the towns: most names are of none."""
    return frozenset(map(_first_letters, towns))


_SAINT = re.compile("(?:saint|ste?)(e?)[. -]+")


def _hyphenated(name: str) -> str:
    """Return the name as it is in print: "st germain en laye"."""
    name = _SAINT.sub(r"saint\1-", name) if name[0] == "s" else name
    return name.replace(" ", "-")


_LATIN_QUARTERS = frozenset("centro centre norte sur este oeste ciudad".split())


def quarter_end(text: str, end: int, latin: bool = False) -> int:
    """Return where the quarter of the town that ends at `end` ends, or `end`: "Berlin Mitte"."""
    match = _QUARTER.match(text, end)
    if match is None:
        return end
    for name in (match.group(1), match.group(1).split()[0]):
        plain = name.lower()
        if plain in (_LATIN_QUARTERS if latin else QUARTERS) and (
            name[0].isupper() or plain not in WORD_TOWNS
        ):
            return end + 1 + len(name)
    return end


BETWEEN = alternatives("eu.town.between")
_BEFORE = alternatives("eu.town.before")
_NO_DAY = rf"(?!{alternatives('de.not_phrase')}(?![A-Za-z\xc0-\xff]))"  # "Berlin am Montag"
# "Kirchzarten im Breisgau", but "Dresden im Halteverbot"
_IM = (
    r" (?i:im) (?i:[a-z\xc0-\xff-]{2,}(?:tal|gau|kreis|land|wald|feld|moos|gebirge|winkel|viertel)"
    r"|winkl|schonbuch|harz|taunus|spessart|hunsruck|elsass|montafon)(?![A-Za-z\xc0-\xff])"
)
_TOWN = re.compile(
    rf"((?:(?:{_BEFORE}|De|Du|La) (?!{BETWEEN} ))?"
    rf"{LETTER}[A-Za-z\xc0-\xff'-]+(?:/{LETTER}{{3,}}|(?:(?<=-Sankt)|(?<=-St\.)|(?<=-Bad)) {CAP})?)"
    rf"((?: {BETWEEN} {_NO_DAY}(?:{_BEFORE} )?{LETTER}[A-Za-z\xc0-\xff'-]+"
    rf"|{_IM}| (?i:in|bei|en|y|i|la|le|les|el|los|las|vor der|an der|in der) {CAP}"
    rf"| [iaob]\. ?(?:d\. ?)?{CAP}| (?i:im breisgau|im allgau)){{0,2}})"
)
CAP_TOWN = re.compile(
    rf"(?:(?:{_BEFORE}) )?{CAP}"
    rf"(?:(?: {BETWEEN}| (?i:im|in|bei|vor der|el|la|los|las|i la|y))? {CAP}"
    rf"| [iaob]\. ?{CAP}){{0,3}}"
)
# "bad toelz", "sant cugat": in lower case too, behind a comma
SAINT_TOWN = re.compile(
    rf"(?i:bad|sankt|saint|sainte|san|santa|sant) {LETTER}{{3,}}"
    rf"(?: (?i:de|del|de la|de los|du|an der|am) {LETTER}{{3,}})?"
)
# "villafranca de los barros": in lower case too, behind a comma
LOWER_TOWN = re.compile(
    rf"{alternatives('es.town.first')} (?i:de (?:la |las |los |el )?|del ){LETTER}{{3,}}"
    rf"(?: (?i:de|del|de la) {LETTER}{{3,}})?(?=[.,;:)\n?!]|$)"
)
REGION = rf" [(\[]{alternatives('de.region')}[)\]]"
_IN_BRACKETS = re.compile(rf" [(\[]{CAP}(?: {CAP})?[)\]]|{REGION}")
# Some are words of sentences too.
STATE = rf"(?:, {alternatives('de.state')}| \({alternatives('de.state')}\))(?![A-Za-z\xc0-\xff-])"
PROVINCE = rf"(?:{alternatives('es.province')}|(?:Ver|Son|Sin|Tab|Camp|Zac)\.)"
_MORE_CAPS = re.compile(rf" {CAP}")
MORE_TOWN = re.compile(
    r"(?i:(?: la defense)? cedex(?: [0-9]{1,2})?|,?(?: d\.? ?[fc]\.?)(?![A-Za-z]))"
    rf"|(?:,? |\n)\(?{PROVINCE}(?![A-Za-z\xc0-\xff-])\)?"
    rf"|{STATE}"
    r"|,? (?:VD|GE|VS|NE|FR|JU|BE)(?![A-Za-z])| [1-9](?=[.,;)\n]|$)"
)
DISTRICT = re.compile(r" (?:[0-9]{1,2}(?i:er|eme|e)?|(?i:[ivx]{1,5}e))(?![0-9A-Za-z]|[.,:/][0-9])")
WITH_DISTRICTS = frozenset({"paris", "lyon", "marseille"})
_TWO_LETTERS = r"(?:DE|FR|ES|AT|CH|BE)"
COUNTRY = re.compile(
    rf"{_SEP}(?:\(?{alternatives('eu.country')}(?![A-Za-z])\)?|{_TWO_LETTERS}(?![A-Za-z]))"
)
CODE = (
    r"(?:(?i:de|d|f|fr|e|es|a|at|ch|b|be|l)[- ])?(?:[0-9]{5}|(?:1[0-8]|2[1-9]|[3-9][0-9])[0-9]{2})"
)
# What else may stand before five digits: "Poststr. 11 · 66663 Merzig", "C.P. 41004 Sevilla".
CODE_LABEL = r"(?i:plz|cp|c\.p\.?|code postal|codigo postal)"
BEFORE_CODE = rf"(?: ?[(|\xa4/] ?| - ?|-|,|\. |(?:[ ,]{{1,2}}|\n){CODE_LABEL} ?:? ?)"
# Gates for all that takes a postcode with a town.
CODE_GATES = (
    rf"[0-9A-Za-z.)] (?i:in|a|en) {CODE}(?:,? |\n){LETTER}",
    rf"[A-Za-z0-9\xc0-\xff.)](?:,[ ,]{{0,2}}\n?|\n|\. | / | - ){CODE}(?:,? |\n){LETTER}",
    rf"[A-Za-z0-9\xc0-\xff.)]{BEFORE_CODE}[0-9]{{5}} ?[ ,-] ?{LETTER}",
    rf"(?:[0-9] ?[A-Za-z]?[ ,]{{1,3}}\n?{CODE}"
    rf"|[A-Za-z\xc0-\xff.)](?: {{1,3}}\n?|-)[0-9]{{5}})(?:,? |\n){LETTER}",
)
# The same behind a comma, where the code may look like a year: "31, 1963 Vetroz".
COMMA_CODE_GATE = (
    r"[0-9A-Za-z], (?:[0-9]{4,5}(?: [A-Z]{2})?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}) [A-Z\xc0]"
)
_CODE_HERE = re.compile(
    rf"(?:{_IN}|\. | / | - )({CODE})(,? |\n)(?={LETTER})"
    rf"|(?:[ ,]{{1,2}}|\n)((?:19|20)[0-9]{{2}})( )(?={alternatives('eu.town.year')}(?![a-z]))"
    rf"|(?:{BEFORE_CODE}|, ?| |\n)((?i:[a-z][0-9]{{4}}[a-z]{{3}})|[A-Z][0-9]{{4}}|[0-9]{{6,7}})"
    rf"(,? )(?={LETTER})"
    rf"|(?:{BEFORE_CODE}|, )((?i:[defab]-)?[0-9]{{5}}|[0-9]{{2}} [0-9]{{3}})(,? ?-? ?|\n)"
    rf"(?={LETTER}{{2}})"
    rf"| ([0-9]{{5}})(-)(?={LETTER}{{2}})"
)
_LABEL_HERE = re.compile(" ?[:=]")
_SHORT_CODE = re.compile("[A-Z]?[0-9]+")


_SPACED = re.compile(rf"{LETTER}+(?: {LETTER}+)? - {LETTER}+(?: {LETTER}+)?(?: - {LETTER}+)*")


def _town_end(text: str, start: int, latin: bool) -> int:
    """Return where the town behind a postcode ends, or -1."""
    spaced = _SPACED.match(text, start)
    if spaced and spaced.group().replace(" - ", "-").lower() in TOWNS:
        return spaced.end()  # "Maisons - Alfort"
    end = known_town(text, start, TOWNS)
    if end < 0:
        match = _TOWN.match(text, start)
        if match is None:
            return -1
        first = match.group(1)
        word = first.partition(" ")[0].lower().rstrip(".")
        if word in EU_UNIT or (first[0].islower() and " " not in first and word in NOT_TOWN):
            return -1
        if first[0].islower() and text[max(start - 4, 0) : start].rstrip() in ("000", "500"):
            return -1  # "45000 bottles"
        end = match.end()
        if match.group(2).rpartition(" ")[2].lower() in NOT_TOWN or _ON_THE.match(match.group(2)):
            end = match.end(1)
        if latin and first[0].isupper():
            end = _more_caps(text, end)
        elif latin:
            end = _more_plain(text, end)
    else:
        end = quarter_end(text, end, latin)
    more = (TOWN_LATIN if latin else _TOWN_MORE).match(text, end)
    end = more.end() if more else end
    brackets = _IN_BRACKETS.match(text, end)
    return brackets.end() if brackets else end


_ON_THE = re.compile(" sur l(?:a|es?) [a-z]")  # "saint gregoire sur le cv"
# Behind the name of a town: "Weilheim i.OB", "Klagenfurt am Worthersee", "list/sylt".
_TOWN_MORE = re.compile(
    rf"(?: ?/ ?{LETTER}{{3,}}"
    r"| (?i:[iaovb]\. ?(?:[iaod]\. ?)?)[a-zA-Z][A-Za-z\xc0-\xff]{0,14}\.?(?![A-Za-z])"
    rf"|{_IM}| (?i:am|an der|vor der|in der|ob der|bei) {_NO_DAY}"
    rf"(?:{CAP}|{LETTER}{{3,}}see(?![a-z]))"
    rf"| (?i:auf) {alternatives('de.island')}(?![A-Za-z])|,? (?i:ot|ortsteil) {LETTER}+"
    r"| (?:(?i:zh|sg|bl|bs|sz|gr|tg|vd|vs|lu|zg)|BE|UR|OW|NW|GL|FR|SO|SH|AR|AI|AG|TI|NE|GE|JU)\b)+"
)
TOWN_LATIN = re.compile(
    rf"(?: (?:de|del|de la|de los|de las|du|des|d'|sur|lez|les|la|le|el)(?: |(?<='))"
    rf"(?:{alternatives('es.province')}(?![A-Za-z-])"
    rf"|{CAP})){{1,2}}"
    rf"| (?i:s)/ ?{LETTER}{{3,}}"
    r"| [0-9]{2} (?i:sp)\b"
)


def _more_caps(text: str, end: int) -> int:
    """Return where up to two more names with capitals end: "Alhaurin el Grande"."""
    for _ in range(2):
        caps = _MORE_CAPS.match(text, end)
        if caps is None or caps.group()[1:].lower() in NOT_TOWN:
            break
        end = caps.end()
    return end


_NOT_MORE = NOT_NAME | NOT_TOWN | EU_UNIT
_MORE_PLAIN = re.compile(rf"( {LETTER}{{3,}})(?=[\n.,;:)?!]|$)")


def _more_plain(text: str, end: int) -> int:
    """Return where one more name without a capital ends: "46090 flaujac poujols"."""
    more = _MORE_PLAIN.match(text, end)
    if more is None or more.group(1).strip() in _NOT_MORE:
        return end
    return more.end()


def postcode(text: str, start: int, latin: bool = False) -> int:
    """Return where the postcode and town that follow `start` end, or -1."""
    code = _CODE_HERE.match(text, start)
    if code is None:
        return -1
    kind = next(group for group in (1, 3, 5, 7, 9) if code.group(group))
    value = code.group(kind)
    if kind == 5 and _SHORT_CODE.fullmatch(value):  # "S2000 Rosario", "7550272 Santiago"
        return known_town(text, code.end(), TOWNS) if latin else -1
    if value[:2] == "75" and latin:  # Paris: what follows in lower case is no other town
        town = known_town(text, code.end(), TOWNS)
        if town < 0 and text[code.end()].islower():
            return code.end(kind)
    town = code.end()
    if "," in code.group(kind + 1) and text[town].islower() and known_town(text, town, TOWNS) < 0:
        return code.end(kind)  # "26200, descríbenos"
    end = _town_end(text, town, latin)
    label = end > 0 and code.group(kind + 1) != " " and _LABEL_HERE.match(text, end)
    if label and known_town(text, town, TOWNS) < 0:
        return code.end(kind)  # "47300\nVille : Agen", "50677, Ort: Koln"
    return end


# Parts of many towns, which are words, too.
PARTS = frozenset("mitte nord sud ost west nordwest nordost sudwest sudost city zentrum au".split())
