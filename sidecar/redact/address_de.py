"""German, Austrian and Swiss addresses."""

import re
from collections.abc import Iterator
from itertools import chain

from sidecar.redact.address_place import MORE_DIGITS, Frame, city
from sidecar.redact.address_town import (
    CAP,
    CODE,
    CODE_GATES,
    COUNTRY,
    LETTER,
    TOWNS,
    known_town,
    postcode,
)
from sidecar.redact.address_unit import is_quantity, units_end
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.words import alternatives, words

_DE_MEDIUM = words("de.street.medium")
DE_NOT_PHRASE = words("de.not_phrase")
_DE_NOT_STREET = words("de.not_street")
DE_NOUN = words("de.noun")
DE_STOP = words("de.stop")

_GERMAN_MATCHES = (
    "Goethestraße 190 c", "Gartenstr. 6b 24937 Flensburg", "an der brücke 135 50667 köln",
    "Unter den Eichen 40, 79098 Freiburg im Breisgau", "Eduard-Sueß-Gasse 9",
    "Zum Sportplatz 148b, EG rechts, D-70173 Stuttgart", "Straße der Einheit 86, 04109 Leipzig",
    "Am Graben 12, 2. OG, 1010 Wien",
    "Gartenstr. 12 in 24937 Flensburg", "Ahornweg 9 in Kiel", "Große Wiese 7/2 90402 Nürnberg",
    "Südring 8", "Hohe Bleichen 30", "Breite Reihe 12 24937 Flensburg", "Wiesengrund 5a",
    "Dr.-Frank-Ring 3", "Rahlstedter Landstr. 8",
    "Rosenweg 3 D-24937 Flensburg",
    "Gartenstr. 8, c/o Maier, 70435 Stuttgart", "Gartenstr. 5, Gebäude K, 24937 Flensburg",
    "Straße des 8. Mai 5, 24937 Flensburg", "An der Eiche 16", "Hügelblick, 7b",
    "Konrad-Adenauer-Str.5",
    "zollernstr.12 72070 tübingen", "Schillerstr.3,89077 Ulm", "Poststraße 11 · 66663 Merzig",
    "Wilhelmstr. 31 a–c, 65183 Wiesbaden", "Hintere Gasse 2 ½, 91541 Rothenburg o.d.T.",
    "leopoldstr. 77/III, 80802 münchen", "Schottenring 16/3. Stock, 1010 Wien", "Reeperbahn 136",
    "Praterstraße 1/Stg. 3/Tür 12, 1020 Wien", "Werderscher Damm 24 in Potsdam, PLZ 14471",
    "Sendlinger Straße 8 (Asamhof), 80331 München", "Deichweg 19, 25938 Wyk auf Föhr",
    "Dorfstrasse 81, 8706 Meilen ZH", "große bleichen 21, 20354 hamburg",
    "hintere bleiche 57, 55116 mainz", "Haus Sonnenblick, Dorfstr. 3, 87561 Oberstdorf",
    "Dorfplatz 3, 83242 Reit im Winkl", "Am Markt 3, 79199 Kirchzarten im Breisgau",
    "10117 Berlin Wilhelmstraße 97",
    "Haus C, Raum 1.07, Stresemannallee 2, 41460 Neuss", "Hietzinger Kai 137 A-1130 Wien",
    "Am Hof 2 in 1010 Wien", "Zum Hang 4, 24937\nFlensburg", "Lister Meile 3 in Hannover",
    "konrad adenauer str 56 70173 stuttgart", "max planck straße 33, 85748 garching",
    "friedrich ebert ring 7 in würzburg", "Trierer Landstraße 70, Koblenz",
    "Zum Birkenhof 1-9", "Am Anger 19, 84494 Neumarkt-Sankt Veit",
    "Dorfplatz 5, 24161 Altenholz-Bad Klint", "Bundesplatz 3, 3003 Bern 14, Schweiz",
    "Parzelle 87, Tangstedter Landstr. 300, 22417 Hamburg",
    "gartenstrasse 2 06108 halle saale", "Pfarrgasse 5, 74523 Schwäbisch Hall, Deutschland",
    "sonnenallee 155 vorderhaus, neukölln", "Brunnenstr. 51, 2.HH, 13355 Berlin",
    "Kastanienallee 8, 2. Hinterhaus, 10435 Berlin", "kantstr. 12, sf links, charlottenburg",
    "Große Ulrichstraße 30 in Halle (Saale)", "Dorfstraße 3, Egg, Vorarlberg",
    "Hauptstraße 9, 8010 Graz (Steiermark)", "gerliswilstr 44 emmenbrücke",
    "karl-marx-str 78 neukölln", "Josefstädter Straße / Blindengasse, 1080 Wien",
    "Kottbusser Damm / Ecke Sonnenallee 12, 12047 Berlin",
    "neckarstr. 45 in plochingen", "Heilbronner Straße, 3, 70191 Stuttgart",
    "Mozartstraße Nr. 14, Lindau am Bodensee", "Mozartstr. Hausnummer 14",
    "Mozartstr., Hausnr. 3 b",
    "im wiesengrund 8, 71263 weil der stadt", "Heilbronner Straße, 3 Stuttgart",
    "Feldstraße 66, Hamburg-St. Pauli", "John-F.-Kennedy-Platz 1, 10825 Berlin",
)  # fmt: skip
_BOX_MATCHES = ("Postfach 19 24 55, 60311 Frankfurt am Main", "Postfach, CH-8022 Zürich")
_GERMAN_REJECTS = (
    "Platz 3 in der Tabelle", "Hauptplatz 3 Minuten entfernt", "Seite 120-145", "Arbeitsplatz 5",
    "am 12. März 2024", "am Montag 14 Uhr", "Bundesstraße 7 gesperrt", "Auf Platz 2 liegt Bremen",
    "im Stadtpark 12 Bäume", "Im Jahr 1848 in Kiel", "Zum Beispiel 3 Äpfel", "Freizeitpark 2",
    "Die Straße der Stadt hat 3 Spuren", "Weihnachtsmarkt 2024 in Nürnberg",
    "Das Museum, 12000 Besucher im Jahr", "Auf einer Landstraße 70 fahren",
    "max der weg 5", "Karl Ring 3 Euro", "wald-hof 5", "Heilbronner Straße, 3 Unfälle heute",
    "Die Hauptstraße, 2 Baustellen", "Lernweg 2 in Mathe", "Lange Straße, 4 Ampeln und Stau",
    "Berliner Allee 5-spurig ausgebaut", "Schlossplatz, 1. Mai", "Schulstraße 30-Zone",
    "Theaterplatz 1. Akt", "Königsallee 60 Mio Umsatz",
)  # fmt: skip
_DE_SUFFIX = alternatives("de.street", "de.street.medium", "de.street.weak")
# In a hurry without a blank: "zollernstr.12".
_DE_JOINED = "(?i:str\\.|strasse|stra\xdfe)"
_DE_ALONE = alternatives("de.street.alone")
_DE_NO = r"(?:(?i:(?:haus)?nr\.?|hausnummer) ?)?"
_DE_NUMBER_BEGINS = f"{_DE_NO}[0-9]"
_DE_NUMBER = (
    rf"{_DE_NUMBER_BEGINS}{{1,4}}(?: ?[a-zA-Z]\b(?: ?- ?[a-zA-Z]\b)?)?"
    r"(?: 1/2\b|\xa4| \xa4,)?(?: ?[-/+] ?[0-9]{1,4}(?: ?[a-z])?\b){0,3}(?:/[IVX]{1,4}\b)?"
)
_DE_OF_NAME = r"(?i:stra(?:ss|\xdf)e|platz|allee|weg|gasse|str\.)"
_DE_PREPOSITION = "an|am|auf|im|in|zum|zur|unter|hinter|vor|bei|beim|ober|hinterm|unterm|vorm|uberm"
_DE_WHERE = rf"(?i:{_DE_PREPOSITION})(?: (?i:der|dem|den|die|das))?"
_DE_NAMED_AFTER = (
    rf"\b{_DE_OF_NAME} (?i:der|des|am|zum|zur|von|vom|im) (?:[0-9]{{1,2}}\. )?"
    rf"{LETTER}+(?: {LETTER}{{3,}})?"
)
_DE_PHRASE = rf"{_DE_NAMED_AFTER}|\b{_DE_WHERE}(?: {LETTER}[A-Za-z\xc0-\xff-]+){{1,2}}"
# Of somebody, without hyphens: "konrad adenauer str. 5", "freiherr vom stein allee 12".
_DE_FIRST = alternatives("de.first")
_DE_PERSON = (
    rf"\b{_DE_FIRST} (?:{_DE_FIRST} )?(?i:(?:von|vom|van|de|zu) )?{LETTER}{{3,20}} "
    rf"{alternatives('de.street', 'de.street.medium')}"
)
_DE_FIRST_NAMES = words("de.first")
_DE_PATTERN = (
    rf"(?:\b{LETTER}{{2,24}}(?:-{LETTER}{{1,20}}){{0,3}}-?{_DE_SUFFIX}"
    rf"|\b(?:{CAP} ){{1,2}}(?:{LETTER}{{1,20}}-)?{_DE_SUFFIX}"
    rf"|\b(?:{LETTER}{{2,20}}(?i:er)|{alternatives('de.adjective')}(?i:e[rns]?)) {_DE_SUFFIX}"
    rf"|\b{alternatives('de.adjective')}(?i:e[rn]?) {LETTER}{{3,24}}|{_DE_PHRASE}|{_DE_PERSON})"
    rf",? {_DE_NUMBER}"
    rf"|\b{LETTER}{{3,24}}(?:-{LETTER}{{1,20}}){{0,3}}-?{_DE_JOINED}{_DE_NUMBER}"
    rf"|\b{_DE_ALONE} {_DE_NUMBER}"
)
DE_NAME = re.compile(
    r"(?s)(.*[A-Za-z\xc0-\xff.])(?<! [Nn]r)(?<! [Nn]r\.)(?<!ausnr)(?<!ausnr\.)(?<!ausnummer)"
    rf"(?:,? ?[0-9]|(?:, ?| ){_DE_NO}[0-9])"
)
_DE_NAME_AFTER = re.compile(rf"(?s)(?:.* )?({_DE_OF_NAME} (?i:der|des|am|zum|zur|von|vom|im)) .*")
DE_TYPE = re.compile(rf"(?s)(.*?){_DE_SUFFIX}")
_DE_BARE_TYPE = re.compile(alternatives("de.street", "de.street.medium"))
_DE_OF_PERSON = frozenset({"von", "vom", "zu"})
_DE_STRONG = re.compile(rf"(?s).*?{alternatives('de.street')}")
_DE_ADJECTIVE = re.compile(rf"(?s){alternatives('de.adjective')}(?:e|er|en|es|em)?|.{{2,}}er")
_DE_LOWER_PHRASE = re.compile(
    "(?:am|im|zum|zur|hinterm|unterm|vorm)(?: |$)"
    "|(?:an|auf|unter|hinter|vor) (?:der|dem)|(?:an|auf|in|unter|hinter|bei) den"
)
# A preposition before another one: the second is of a name, "bei am alten markt 7".
_DE_NAME_BEGINS = r"(?i:am|im|zum|zur|(?:an|auf|unter|in|hinter) de[rmn])"
_DE_DOUBLE = rf"\b(?i:bei|in|von|nach|an|zu|ab|aus|neben|vor) {_DE_NAME_BEGINS} {LETTER}"
_DE_TWICE = re.compile(r"(?<![A-Za-z\xc0-\xff])(?i:bei|in|von|nach|an|zu|ab|aus|neben|vor) $")
_DE_NAME_BEGINS_HERE = re.compile(rf"{_DE_NAME_BEGINS} ")
# What belongs to the name and stands before its first word: "Dr.-", "Alte ", "Eppendorfer ".
_DE_BEFORE = re.compile(
    rf"(?:\b(?:{alternatives('de.adjective')}(?i:e|er|en|es|em)"
    rf"|(?=[A-Z]){alternatives('de.adjective')}|(?i:dr|prof|st)\.) "
    rf"|\b(?:[A-Z][a-z]+-)?(?:[A-Z][A-Za-z]{{0,3}}\.-?){{1,4}}"
    r"|\b(?:(?:bgm|bm|dr|prof|st|pfr|gen|kard|frh|dipl|ing|hl|geschw)\.-?){1,3})$"
)
_DE_BEFORE_TRUNK = re.compile(r"\b[A-Za-z\xc0-\xff]{3,20}(?i:er) $")
_DE_TRUNK = frozenset(
    {"landstr", "heerstr", "hauptst", "schloss", "schlo\xdfs", "dorfstr"}
)  # "Eppendorfer Landstr."
_DE_CAPITAL_HEAD = (
    "(?:A[mM]|I[mM]|Z[uU][mMrR]|B[eE][iI][mM]|(?:H[iI][nN]|U[nN])[tT][eE][rR][mM]|V[oO][rR][mM]|(?:A[nN]|A[uU][fF]|I[nN]|U[nN][tT][eE][rR]"
    "|H[iI][nN][tT][eE][rR]|V[oO][rR]) [dD][eE][rRmMnN]) "
)
_DE_CAPITAL = re.compile(_DE_CAPITAL_HEAD)
DE_PREPOSITIONS = frozenset(_DE_PREPOSITION.split("|"))
_DE_ARTICLES = frozenset({"der", "dem", "den", "die", "das"})
_DE_BOX_PATTERN = (
    r"\b(?:(?i:postfach|pf\.|case postale) ?|PF )[0-9][0-9 ]{1,10}"
    rf"|\b(?i:postfach|case postale)(?:, |,?\n| (?:ch|CH|a|A)-){CODE} {LETTER}"
)
_DE_BOX_GATE = (
    r"\b(?:PF |(?i:postfach|pf\.|case postale) ?)[0-9]"
    r"|\b(?i:postfach|case postale)[, \n]+(?:[A-Za-z]+[ -])?[0-9]"
)
# By itself too: in "in Straße des 17. Juni 5" the other pattern begins at "in" and ends with "17".
_DE_AFTER_PATTERN = rf"(?:{_DE_NAMED_AFTER}),? {_DE_NUMBER}"
_DE, _DE_AFTER, _DE_BOX = map(scanner, (_DE_PATTERN, _DE_AFTER_PATTERN, _DE_BOX_PATTERN))


# Nor is what is counted or put in order: "Allee 5-spurig", "Schlossplatz, 1. Mai".
_MORE = re.compile(
    rf"{MORE_DIGITS.pattern}|-(?!(?i:hinter|vorder|seiten)){LETTER}{{3}}"
    rf"|\. {alternatives('de.ordered')}(?![A-Za-z])"
)


def german(data: bytes) -> Iterator[Range]:
    """Yield German, Austrian and Swiss addresses."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in chain(_DE.finditer(data), _DE_AFTER.finditer(data)):
        start, end = match.span()
        if _MORE.match(text, end):
            continue
        start, certain = _german_name(text, start, end)
        if text[end - 2] == " " and postcode(text, end - 2) > 0:
            end -= 2  # "32 D-55116"
        end -= text[end - 1] == ","
        country = _CODE_INSIDE.search(text, start, end)
        end = country.start() if country else end
        if _FLOOR_NEXT.match(text, end):
            end = max(text.rfind("/", start, end), start + 1)  # "Schottenring 16/3. Stock"
        stop, code = frame.tail(end, latin=False)
        certain = certain or _is_known(text, start, end, stop) or _is_trunk(text, start)
        if code or (certain and not is_quantity(text, end)):
            before = _DE_BEFORE.search(text, max(0, start - 24), start)
            if text[start : start + 7].lower() in _DE_TRUNK and DE_NOUN.isdisjoint(
                text[max(0, start - 24) : start].lower().split()[-1:]
            ):
                before = before or _DE_BEFORE_TRUNK.search(text, max(0, start - 24), start)
            head = frame.head(before.start() if before else start)
            if not code and _CODE_INSIDE_HEAD.match(text, head, start):
                stop = _placed_end(text, end, stop)
            yield head, stop


# The postcode and the town stand before the street: "97070 Würzburg, Theaterstraße 12, Dresscode".
_CODE_INSIDE_HEAD = re.compile(rf"(?:[^ ,]+ ){{0,3}}{CODE} ")


def _placed_end(text: str, end: int, stop: int) -> int:
    """Return where an address ends whose town stands before it: one is enough."""
    units = units_end(text, end)
    lead = text[units : units + 2]
    known = lead == ", " and known_town(text, units + 2, TOWNS) > 0
    return stop if known or COUNTRY.match(text, units) else min(units, stop)


def _is_trunk(text: str, start: int) -> bool:
    """Tell whether a main road starts here that has the name of a place: "Trierer Landstrasse"."""
    word = text[max(0, start - 24) : start].rpartition(" ")[0].rpartition(" ")[2]
    return text[start : start + 7].lower() in _DE_TRUNK and _is_of(word)


_DIGIT = re.compile("[0-9]")
_BOX_ENDS = re.compile(r"[A-Za-z.]+(?: [a-z]+)?(?: ?[0-9]+(?: [0-9]{1,3})*(?![0-9]))?")


_CODE_INSIDE = re.compile(" [A-Z]{1,2}-[0-9]{4}$")  # "137 A-1130 Wien"
_FLOOR_NEXT = re.compile(r"(?<=/[0-9])\. ?(?i:stock|og|etage)(?![A-Za-z])")


def german_boxes(data: bytes) -> Iterator[Range]:
    """Yield German post office boxes."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _DE_BOX.finditer(data):
        start, end = match.span()
        number = _BOX_ENDS.match(text, start, end)
        stop, code = frame.tail(number.end(), latin=False) if number else (end, False)
        if code or len(_DIGIT.findall(text, start, end)) > 2:
            yield frame.head(start), stop


def _german_name(text: str, start: int, end: int) -> tuple[int, bool]:
    """Return where the name of a street starts, and whether it is one without a postcode."""
    name = DE_NAME.match(text, start, end)
    value = name.group(1) if name else text[start:end]
    after = _DE_NAME_AFTER.fullmatch(value)
    if after:  # "Platz der Republik"
        prose = not DE_STOP.isdisjoint(value[after.end(1) - after.start() :].lower().split())
        return start + after.start(1), not prose and after.group(1).lower().endswith(("der", "des"))
    words = [(start + m.start(), m.group()) for m in NO_BLANKS.finditer(value)]
    position, last = words.pop()
    whole = _whole_name(text, words, position, last)
    if whole >= 0:
        return whole, True
    type_ = DE_TYPE.fullmatch(last)
    strong = _DE_STRONG.fullmatch(last) is not None
    medium = type_ is not None and last[type_.end(1) :].lower() in _DE_MEDIUM
    before = words[-1][1].lower() if words else ""
    adjective = before not in DE_NOUN and _DE_ADJECTIVE.fullmatch(before) is not None
    first = len(words)  # of the words before the last, the first that belongs to the name
    certain = False
    if type_ and len(type_.group(1)) > 2:
        # "Eduard Suess-Gasse"
        half = bool(words) and last.count("-") == 1 and words[-1][1][0].isupper()
        first -= before not in DE_NOUN and ((adjective and not strong) or half)
        known = last.lower().rstrip(".").replace("\xdf", "ss") in _DE_NOT_STREET
        lettered = name is not None and _LETTERED.fullmatch(text, name.end(1), end) is not None
        described = medium and adjective and _is_described(text, position)
        known = known or not (last[0].isupper() or strong or described)
        certain = not known and (strong or medium or lettered)
        certain = certain or (_is_compound(last) and _stands_alone(text, position, end))
    elif type_:
        plain = bool(before) and before not in DE_NOUN
        first -= plain
        if first and plain and not adjective:
            name_ = words[first - 1][1]
            first -= name_[0].isupper() and name_.lower() not in DE_NOUN
        named = before[:1] != words[-1][1][:1] if words else False  # a capital
        bare = not type_.group(1) or last[0].isupper()  # but "im alten amring"
        sure = strong or (medium and (bare or _is_described(text, position)))
        certain = plain and (adjective or (strong and named)) and sure
    phrase = _phrase_start(words)
    way = medium or last.lower().endswith("kai")
    compound = way and type_ is not None and len(type_.group(1)) > 2
    if certain and _leads_to(text, words, phrase, last, strong, compound):
        phrase = len(words)
    if phrase < len(words):
        at = words[phrase][0]
        inside = _is_capital_phrase(text, at, end, last) or _is_second(text, at, last)
        if inside or not strong or text[max(0, at - 2) : at].strip(" ")[-1:] in ("", "\n", ","):
            first, certain = phrase, certain or inside
    weak = not strong or text[position + len(last) : end].startswith(",")
    if weak and _NOUN_NEXT.match(text, end) and city(text, end) == end:
        certain = False  # "im Stadtpark 12 Bäume", "Heilbronner Straße, 3 Unfälle"
    return (words[first][0] if first < len(words) else position), certain


def _is_described(text: str, start: int) -> bool:
    """Tell whether a preposition and an adjective lead to the name at `start`."""
    return _DESCRIBED.search(text, max(0, start - 64), start) is not None


def _leads_to(
    text: str, words: list[tuple[int, str]], phrase: int, last: str, strong: bool, compound: bool
) -> bool:
    """Tell whether the preposition before a name is none of its words."""
    if phrase >= len(words):
        return False
    if words[phrase][1] in ("zur", "zum") and last[0].isupper():
        return True  # "Wie komme ich zur Theresienhohe 11"
    if phrase < len(words) - 1 and strong and _is_of(words[-1][1]):
        return True  # "In der Wiener Strasse 9 ist heute Markt"
    return compound and last[0].isupper() and text[words[phrase][0]].islower()  # "am Gewerbering 9"


# Before a name in lower case, as in the gate: "im kleinen waldring", "hinter waldring".
_DE_DESCRIBES = (
    rf"(?:{_DE_WHERE} (?:{alternatives('de.adjective')}(?i:e|er|en|es|em)?"
    rf"|{LETTER}[A-Za-z\xc0-\xff-]+(?i:er))|(?i:hinter|ober|unter)) "
)
_DESCRIBED = re.compile(rf"(?<![A-Za-z0-9_\xc0-\xff]){_DE_DESCRIBES}\Z")
_OF_PLACE = re.compile("[A-Z][a-z\xe0-\xff]{3,}er")


def _is_of(word: str) -> bool:
    """Tell whether a word before that for street is of a place: "Bockenheimer", "Wiener"."""
    return _OF_PLACE.fullmatch(word) is not None and word.lower() not in _DE_NOT_OF


_DE_NOT_OF = frozenset("unter ober hinter inner vorder unserer dieser jeder welcher einer".split())
_DE_ALONE_HERE = re.compile(rf"{_DE_ALONE} ")
_HOUSE_BEHIND = re.compile(r"(?:.* )?([A-Z][^ ]+),? [0-9]{1,3}[a-z]?", re.DOTALL)
_TOWN_NAME = re.compile("[A-Za-z\xc0-\xff]{3}")


def _whole_name(text: str, words: list[tuple[int, str]], start: int, last: str) -> int:
    """Return where the name of a person or a place starts that the street has, or -1."""
    if words and last[:7].lower() in _DE_TRUNK and _is_of(words[-1][1]):
        return words[-1][0]  # "Mainzer Landstrasse"
    if last[0].isupper() and _DE_ALONE_HERE.match(text, start):
        return start
    for index in range(max(0, len(words) - 4), len(words) - 1):
        if words[index][1].lower() in _DE_FIRST_NAMES and _DE_BARE_TYPE.fullmatch(last):
            names = {name.lower() for _, name in words[index:]}
            return words[index][0] if DE_STOP.isdisjoint(names - _DE_OF_PERSON) else -1
    return -1


def _is_known(text: str, start: int, end: int, stop: int) -> bool:
    """Tell whether a name that needs no word for street, or a compound with a town, is one."""
    if _DE_ALONE_HERE.match(text, start):
        return text[start].isupper() or stop > end
    house = _HOUSE_BEHIND.fullmatch(text, start, end)
    town = _TOWN_NAME.search(text, end, stop)
    return house is not None and town is not None and _is_compound(house.group(1))


_DE_COMPOUND = re.compile(rf"(?s).{{2,}}[a-z]{alternatives('de.street.compound')}")


def _is_compound(name: str) -> bool:
    """Tell whether a name is one long word that ends like a street, and is none we know."""
    plain = name.lower().replace("\xdf", "ss")
    return _DE_COMPOUND.fullmatch(plain) is not None and plain not in _DE_NOT_STREET


_DE_LEADS = re.compile(
    r"(?:(?:^|[\n,:;(] ?)|(?<![A-Za-z\xc0-\xff])(?i:in|an|auf|aus|von|vom|vor|bei|nach|zu|ab|zur"
    r"|zum|am|im|beim|neben|gegenuber)(?: (?i:der|dem|den|die))? )$"
)
_WORD_NEXT = re.compile(" ([A-Za-z\xc0-\xff]+)")


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a preposition leads to the name, and nothing is counted by the number."""
    if _DE_LEADS.search(text, max(0, start - 16), start) is None:
        return False
    following = _WORD_NEXT.match(text, end)
    return following is None or following.group(1) in DE_STOP or city(text, end) > end


def _is_second(text: str, start: int, noun: str) -> bool:
    """Tell whether a preposition stands before the one that a name begins with."""
    return (
        _DE_TWICE.search(text, max(0, start - 7), start) is not None
        and _DE_NAME_BEGINS_HERE.match(text, start) is not None
        and noun.lower() not in DE_NOT_PHRASE
    )


NO_BLANKS = re.compile("[^ ]+")
_LETTERED = re.compile(rf",? {_DE_NO}[0-9]{{1,4}}[A-Za-z]")  # "Wiesengrund 5a"
LINE_ENDS = re.compile(r"\n| [^A-Za-z0-9\xc0-\xff]|$")
_NOUN_NEXT = re.compile(" [A-Z]")


def _phrase_start(words: list[tuple[int, str]]) -> int:
    """Return which of the words before the last is the preposition of a name: "An der Alster"."""
    for index in range(len(words) - 1, -1, -1):
        word = words[index][1]
        lower = word.lower()
        if lower in DE_PREPOSITIONS:
            phrase = " ".join(w for _, w in words[index : index + 2])
            return index if word[0].isupper() or _DE_LOWER_PHRASE.match(phrase) else len(words)
        if lower in DE_NOUN and lower not in _DE_ARTICLES:
            break
    return len(words)


def _is_capital_phrase(text: str, start: int, end: int, noun: str) -> bool:
    """Tell whether "Am Stadtpark 16" is a name: capitals that no start of a sentence explains."""
    if noun.lower() in DE_NOT_PHRASE - _OF_STREETS or not noun[0].isupper():
        return False
    if _DE_CAPITAL.match(text, start) is None:
        return False
    before = text[max(0, start - 2) : start]
    inside = before[-1:] == " " and (before[:1].isalpha() or before[:1] in (",", ":"))
    if inside or before[-1:] not in ("", "\n"):
        return inside
    return LINE_ENDS.match(text, end) is not None or (
        _CERTAIN_PHRASE.match(text, start) is not None and _VERB_NEXT.match(text, end) is not None
    )


_OF_STREETS = frozenset({"bahnhof", "tor"})  # behind a capital: "Am Bahnhof 4"
# "An den Kirschen 5 hat der Keller Wasser"
_CERTAIN_PHRASE = re.compile("(?i:[a-z]+ den|hinterm|unterm|vorm) ")
_VERB_NEXT = re.compile(" (?:ist|hat|wird|war|wurde|steht|liegt|braucht)(?![A-Za-z\xc0-\xff])")


# A gate asks for no more than the end of a name, or the postcode where the rule wants one: to count
# words and letters, or to follow every "in" and "an", would take most of the time of a clean body.
# And only the words that nothing else ends with may end one in lower case: "during 2026".
_DE_CAPITAL_WORD = r"[A-Z\xc0][A-Za-z\xc0-\xff-]*"
_DE_DESCRIBED = rf"{_DE_DESCRIBES}{LETTER}[A-Za-z\xc0-\xff-]*"
_GERMAN_GATES = (
    rf"(?:{_DE_NAMED_AFTER}|{alternatives('de.street')}),? {_DE_NUMBER_BEGINS}",
    rf"[A-Za-z-]{_DE_JOINED}[0-9]|\b{_DE_ALONE} [0-9]",
    rf"\b(?:{_DE_CAPITAL_WORD}|{_DE_DESCRIBED})?{alternatives('de.street.medium')},? "
    rf"{_DE_NUMBER_BEGINS}",
    rf"\b(?:{_DE_CAPITAL_WORD})?{alternatives('de.street.weak')},? "
    rf"{_DE_NUMBER_BEGINS}[0-9]*[A-Za-z]\b",
    rf"[A-Za-z]{alternatives('de.street.compound')},? {_DE_NUMBER_BEGINS}",
    _DE_DOUBLE,
    rf"\b{_DE_CAPITAL_HEAD}(?:{LETTER}[A-Za-z\xc0-\xff-]* )?{CAP},? {_DE_NUMBER_BEGINS}",
    *CODE_GATES,
)
RULES: tuple[Rule, ...] = (
    Rule("address", _GERMAN_GATES, german, _GERMAN_MATCHES, _GERMAN_REJECTS),
    Rule("address", (_DE_BOX_GATE,), german_boxes, _BOX_MATCHES),
)
