"""French and Belgian addresses."""

import re
from collections.abc import Iterator

from sidecar.redact.address_item import is_english
from sidecar.redact.address_place import MORE_DIGITS, Frame
from sidecar.redact.address_town import (
    CAP,
    CODE,
    LETTER,
    NOT_NAME,
    TOWNS,
    known_town,
)
from sidecar.redact.address_unit import is_quantity, unit_at
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_EN_STOP = words("en.stop")
_FR_PARTICLE = words("fr.particle")
_FR_STOP = words("fr.stop")
_FR_STREET = words("fr.street")
_FR_VERB = words("fr.verb")
_FR_GOES_ON = _FR_STOP | _FR_VERB
_FR_LABEL = words("fr.label")
_FR_PLAIN = words("fr.plain")
_FR_SUBJECT = words("fr.subject")
_FR_UNIT = words("eu.apartment") | words("eu.floor")
_FR_HALT = words("fr.halt")
_FR_DONE, _FR_OFFERED = words("fr.done"), words("fr.offered")

_FRENCH_MATCHES = (
    "numéro 17 rue des Lombards", "numéro dix-sept rue des Lombards",
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
    "Chaussée de Mons 21, 1070 Bruxelles", "2 et 4 rue Sainte-Catherine, 33000 Bordeaux",
    "8 rue du 4-Septembre, 75002 Paris", "12 av. de la 2e D.B., 54000 Nancy", "1 pl bellecour",
    "94 rue Foch, 2ème étage gauche, code 24B68, 75011 Paris", "12 rue Foch (75011 Paris)",
    "3 côte de la Jonchère, 78380 Bougival 2e étage",
    "27 rue de Paris, 97400 Saint-Denis, La Réunion",
    "Tour Horizon, 3 place de l'Église, 32100 Condom", "DEAUVILLE (14800), 19 avenue Foch",
    "Tour Part-Dieu 129 rue Servient 69003 Lyon", "2, rue des Jardins, Québec (Québec) G1R 4S9",
    "D 906, 1120 route de Paris, 71000 Sancé", "47 , rue Carnot , 94700 Maisons-Alfort",
    "5 trav. des Potiers, 30700 Uzès", "745, 3e Avenue, Limoilou, Québec",
    "1 esplanade J4\n13002 Marseille",
    "quatorze rue du Bac, Melun", "52 rue Foch, 59000 Lille (2e étage, porte 4)",
    "zac du chêne 7 rue Foch",
    "12 rue Foch, place 14, 38000 Grenoble",
    "box n°14, sous-sol -2, 29 rue de la Gare, 78370 Plaisir",
    "6 r des ecoles 71100 chalon s/ saone", "Av. du Tribunal-Fédéral 29, 1000 Lausanne 14",
    "46, rue de l'Ourcq - Bât. A - 3e - Pantin", "no 3 rue des Roses, 57070 Metz",
    "n° 8 chemin du Lac, 74000 Annecy", "9 rue de la Station, 1300 Wavre", "8 rue de la Merci",
    "deux cent dix rue de Vaugirard, Paris", "trente et un rue Cambon", "1 place de l'église",
    "Paris 75013, 41 av. d'Italie, bat 2 esc A pte 304", "12 rue Foch, rdc d, 75011 Paris",
)  # fmt: skip
_LAST_MATCHES = (
    "avenue kléber 80, nancy", "rue haute 22, 1000 bruxelles", "Boulevard Carnot 14, Lille",
    "rue des lilas 8", "rue Denis Papin n°9, 16000 Angoulême", "rue Pasteur, au 51, Villejuif",
    "rue du Moulin 14, 57400", "rue Haute 7, Riquewihr 68340",
    "chemin des Vignes 3, 1965 Savièse", "Rue de la Station 24 boîte 3, 1348 Louvain-la-Neuve",
)  # fmt: skip
_LAST_REJECTS = (
    "Boulevard de la mort, 2007, Tarantino",
    "la rue compte 12 maisons", "quai numéro 7, voie 3", "le boulevard fait 12 km",
    "rue barrée pendant 3 jours", "Avenue Foch 2023 est un film",
    "Boulevard Carnot 14 juillet", "Rue de Metz 3 personnes",
    "la Rue de la Gare 3 nee",
    "cette avenue 12 fois", "rue de la paix 400 euros",
)  # fmt: skip
_FRENCH_REJECTS = (
    "12 places assises dans la salle", "5 cours de maths", "BP 5645", "52 av. J.-C.",
    "quai 3 voie C", "départ 7 h 04 voie K", "calendrier 2025 zone B",
    "1 rond-point à refaire, 3 feux",
    "voiture 7 place 21", "chapitre 5 allée des brumes", "3 place settings", "40 allées et venues",
    "AF 1380 porte F42 embarquement", "trois rues plus loin", "six chemins de terre",
    "cinq cours de Maths", "12 vers sur une place de village",
    "2 Tone Records, 4 Square Laundrette", "1 Boulevard Brewing, 2 Avenue Brewery, 3 Lane Ales",
    "10 Square Metres", "9 Square in the Air", "Year 7 Avenue House",
    "En 1789, place de la Bastille, la foule", "samedi 12, place de la Mairie : brocante",
    "à 18 h 30, rue des Lilas, un vol", "5 av J-C", "entre 12 et 14 place aux jeux",
    "la loi de 1905, place de la religion", "parking 3 allée des box",
    "30 allées au supermarché", "1 place de cinéma achetée = 1 place offerte", "1 villa meublée",
)  # fmt: skip

# ------------------------------------------------------------------------------------- French
FR_TYPE = alternatives("fr.street", "fr.street.weak")
_FR_OLD = (  # "12 petite rue", in Quebec "745, 3e Avenue"
    rf"(?:{alternatives('fr.adjective')}[ -]|[0-9]{{1,3}}(?i:e|re|ere|eme) )"
    rf"{alternatives('fr.street', 'fr.street.weak')}\b"
)
_FR_SPELLED = (
    r"(?:(?i:vingt|trente|quarante|cinquante|soixante)[ -]et[ -]un"
    rf"|(?:(?i:dix|vingt|trente|quarante|cinquante|soixante)-)?{alternatives('fr.number')})"
)
_FR_STRONG = "(?i:rue|avenue|av\\.?|boulevard|bd\\.?|place|chemin|impasse|allee|quai|route)"
_FR_PATTERN = (
    r"\b[0-9]{1,4}(?:(?:[-/]| et (?:le )?| a )[0-9]{1,4})?(?: ?(?i:bis|ter|quater|[a-d]))?"
    rf"(?: ?, ?| |,?\n)(?:{FR_TYPE} |{_FR_OLD}"
    r"|(?i:grand'?(?:rue|place)|la canebiere|la croisette)\b)"
    rf"|\b{_FR_SPELLED},? {_FR_STRONG} "
    rf"|\b{FR_TYPE} (?i:de|du|des|d'|la) ?|\b{alternatives('fr.named')} "
    r"|\b(?i:(?:le|au) (?:bourg|village)), "
)
# Gates ask for less than the patterns: what they spell out makes the gate large.
_FR_NUMBER_ENDS = r"[0-9](?: ?(?i:bis|ter|quater|[a-d]))?(?: ?, ?| |,?\n)"
_FR_GATES = (
    rf"{_FR_NUMBER_ENDS}(?:{FR_TYPE} |{alternatives('fr.adjective')}[ -][A-Za-z]"
    r"|[0-9]+(?i:e|re|ere|eme) [A-Za-z])",
    rf"{_FR_NUMBER_ENDS}(?i:grand'?[rp]|la c)",
    rf"\b(?:{alternatives('fr.number')}|et.un),? {_FR_STRONG} ",
    rf"\b{FR_TYPE} (?i:de|du|des|d'|la)|\b{alternatives('fr.named')} ",
    r"\b(?i:(?:le|au) (?:bourg|village)), ",
)
# The number behind the name, as in Belgium and in a hurry: "avenue foch 80, nancy".
W = r"[A-Za-z\xc0-\xff][A-Za-z\xc0-\xff'.-]*"
_FR_INTRO = r"(?:,? (?i:no\.? ?|numero )?|, au )"
_FR_LAST_PATTERN = (
    rf"\b{alternatives('fr.street.first')} (?:{W} ){{0,4}}?{W}{_FR_INTRO}[0-9]{{1,4}}"
    r"(?:[a-z]| ?(?i:bis|ter))?\b"
)
_FR_LAST_GATE = rf"\b{alternatives('fr.street.first')} (?:{W} )*{W}{_FR_INTRO}[0-9]"
_FR_TITLE = re.compile(".*, (?:19|20)[0-9]{2}", re.DOTALL)
_FR_TITLE_YEAR = re.compile(" (?:19[0-9]|20[0-3])[0-9]$")
_FR_NAME_END = re.compile(r"(?i),? (?:no\.? ?|numero |au )?[0-9]+(?:[a-z]| ?(?:bis|ter))?$")
_FR_LAST_HEAD = re.compile(rf"{alternatives('fr.street.first')} ")
_FR_ARTICLE = re.compile(
    "(?<![A-Za-z\xc0-\xff'])"
    "(?i:la|le|les|une?|cette|ce|ma|notre|votre|leur|sa|chaque|quelle?|aucune?|l') ?$"
)
FR_WORD = re.compile(r"[A-Za-z\xc0-\xff0-9](?:[A-Za-z0-9\xc0-\xff'-]|\.(?=[A-Za-z ]))*")
_FR_MONTH = re.compile(
    "(?i:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
)
_FR_DAY = re.compile("[0-9]+(?:er|e|eme|(?:-[a-z0-9]+)+)?")  # "du 4-Septembre", "de la 2e D.B."
_FR_LAST_WORD = re.compile("([A-Za-z\xc0-\xff'.]+)[ .]*$")
_FR_SIDE = re.compile(r" [A-Z]\.")  # "boul. Rene-Levesque O., bur. 2500"
_FR_BELGIAN = re.compile(",? [0-9]{1,4}[a-z]?(?![0-9A-Za-z])")
_CODE_NEXT = re.compile(rf",? ?\n?{CODE},? {LETTER}{{2}}")
_FR, _FR_LAST = scanner(_FR_PATTERN), scanner(_FR_LAST_PATTERN)


def french(data: bytes) -> Iterator[Range]:
    """Yield French and Belgian addresses."""
    text = data.decode("latin-1")
    frame = Frame(text)
    limit = len(text)
    for start, end in in_turns(reversed([match.span() for match in _FR.finditer(data)])):
        spelled = _SPELLED.match(text, start, end)
        if spelled:
            more = _SPELLED_BEFORE.search(text, max(0, start - 32), start)
            start = more.start() if more else start
        numbered = text[start].isdigit() or spelled is not None
        if numbered and _SPANISH.match(text, start):
            continue  # "a las 10, Avda. de America 37"
        if spelled and (text[end - 1] != " " or not _FR_CAPITAL.match(text, end)):
            continue  # "trois rues", "six chemins de terre"
        until, limit = limit, start if numbered else limit
        label = _FR_NUMBER_LABEL.search(text, max(0, start - 8), start) if numbered else None
        front = label.start() if label else start  # "au numero 17 rue des Lombards"
        if numbered and is_labelled(text, front):
            continue
        stop = _french_end(text, frame, start, end, until, numbered)
        if stop <= start or (
            spelled
            and not _COMPOUND.match(text, start)
            and not _FR_LED.search(text, max(0, start - 12), start)
            and not has_word(text, _french_name(text, end, until)[0], stop)
        ):
            continue  # "six rue de la Paix est un film"
        if numbered and is_english(text, start, end, stop):
            continue  # "2 Avenue Brewery, 3 Lane Ales"
        yield frame.head(front), stop


def french_last(data: bytes) -> Iterator[Range]:
    """Yield addresses in French whose number stands behind the name."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_LAST.finditer(data):
        start, end = match.span()
        type_ = _FR_LAST_HEAD.match(text, start)
        if type_ is None or MORE_DIGITS.match(text, end) or is_quantity(text, end):
            continue
        if _FR_NUMBERED.search(text, max(0, start - 9), start) or text[end : end + 1] in (
            "\xa2",
            "\xa4",
            "%",
            "$",
        ):
            continue  # "12 rue Foch 720€"
        if _FR_TITLE.fullmatch(text[start:end]):
            continue  # "Boulevard de la mort, 2007"
        names = _FR_NAME_END.sub("", text[max(0, type_.end() - 1) : end]).split()
        if not names or names[-1].lower() in _FR_PARTICLE or is_prose(names):
            continue
        stop, code = frame.tail(end, latin=True)
        if not (code or has_word(text, end, stop)):
            if _FR_TITLE_YEAR.search(text, start, end):
                continue  # "Avenue Foch 2023 est un film"
            if _FR_ARTICLE.search(text, max(0, start - 8), start):
                continue
            following = WORD_NEXT.match(text, end)
            if (
                following
                and following.group(1).lower() not in _FR_GOES_ON
                and not _is_written_out(text, start, end, following.group(1))
            ):
                continue
        yield frame.head(start), stop


_WRITTEN_OUT = re.compile(
    rf"(?:Rue|Avenue|Av\.|Boulevard|Bd|Chemin|Quai|Allee|Impasse) "
    rf"(?:(?:de|du|des|la|le|les|aux) |[dl]')*{CAP}"
    rf"(?: (?:(?:de|du|des) )?{CAP})*,? [0-9]{{1,3}}[a-z]?"
)


def _is_written_out(text: str, start: int, end: int, following: str) -> bool:
    """Tell whether capitals prove a street where a sentence of another language goes on."""
    if not following.islower() or following[-1] in "sx" or _FR_MONTH.fullmatch(following):
        return False  # "Avenue Foch 14 juillet", "Rue de Metz 3 personnes"
    return _WRITTEN_OUT.fullmatch(text, start, end) is not None


_FR_NUMBER_LABEL = re.compile(r"(?<![A-Za-z0-9\xc0-\xff'/.-])(?i:no\.?|numero) ?$")
_SPELLED = re.compile(rf"{_FR_SPELLED},? (?=[A-Za-z])")
_SPELLED_BEFORE = re.compile(  # "deux cent |dix rue de Vaugirard"
    rf"(?<![A-Za-z\xc0-\xff'-])(?:{alternatives('fr.number')}[ -](?:et[ -])?)+$"
)
_COMPOUND = re.compile(  # "soixante-dix-sept avenue Foch"
    rf"{alternatives('fr.number')}[ -](?:{alternatives('fr.number')}|et)"
)
_FR_LED = re.compile(r"(?<![A-Za-z])(?i:au|du|habite|habitons|numero|no|adresse ?:) ?$")
_FR_CAPITAL = re.compile(rf"(?:(?i:de|du|des|la|le|les|aux) |[dl]')*{CAP}")
_SPANISH = re.compile(
    rf"[0-9]+, {alternatives('es.street', 'es.street.weak')} "
    rf"(?:{W} ){{0,5}}?{W}(?<! du)(?<! de),? "
    r"(?:#? ?[0-9]{1,4}(?![0-9])|s/n)"
)
_FR_NUMBERED = re.compile("[0-9](?: ?(?:bis|ter|quater|[A-Da-d]))?,? $")
WORD_NEXT = re.compile(" ([A-Za-z\xc0-\xff']+)")
_LONG_WORD = re.compile("[A-Za-z\xc0-\xff]{3}")


def has_word(text: str, start: int, end: int) -> bool:
    """Tell whether more than numbers and single letters stand between: a town or a unit."""
    return start < end and _LONG_WORD.search(text, start, end) is not None


def is_labelled(text: str, start: int) -> bool:
    """Tell whether a number belongs to what precedes it: "voiture 12 place 45"."""
    if text[max(0, start - 1) : start] in ("-", "/", ".", ":", "#", "_", "+"):
        return True
    label = _FR_LAST_WORD.search(text, max(0, start - 18), start)
    if label is None:
        return False
    word = label.group(1).lower().rstrip(".")
    if word in _FR_LABEL:
        return True
    if _FR_YEAR_HERE.match(text, start):  # "en 1789, place de la Bastille"
        return word in _FR_SINCE or _FR_MONTH.fullmatch(word) is not None
    return _FR_DAY_HERE.match(text, start) is not None and (
        word in _FR_WEEKDAY or _FR_HOUR.search(text, max(0, start - 4), start) is not None
    )


_FR_YEAR_HERE, _FR_DAY_HERE = re.compile("(?:1[0-9]|20)[0-9]{2},"), re.compile("[0-9]{1,2},")
_FR_SINCE = frozenset(
    "en de loi depuis avant apres vers des an annee annees ete hiver printemps".split()
)
_FR_WEEKDAY = frozenset("lundi mardi mercredi jeudi vendredi samedi dimanche".split())
_FR_HOUR = re.compile("[0-9] ?[hH] $")  # "a 18 h 30, place de la Mairie"


def _french_end(text: str, frame: Frame, start: int, end: int, until: int, numbered: bool) -> int:
    """Return where the address with the type up to `end` ends, or -1 if it is none."""
    name_end, certain = _french_name(text, end, until)
    if numbered and text[end - 1] not in " '":  # "38 grande rue"
        name_end, certain = _french_name(text, end + 1, until)[0], True
        name_end = name_end if name_end > end + 1 else end
    elif text[end - 2] == ",":  # "Le Bourg, 19500 Meyssac"
        name_end = end - 2
    elif name_end == end or (numbered and _BC.match(text, end)):
        return -1
    elif text[start:end].lower().split()[-1] not in _FR_STREET and _FR_GATE_NUMBER.fullmatch(
        text, end, name_end
    ):
        return -1  # "AF 1380 porte F42"
    name_end += _FR_SIDE.match(text, max(0, name_end - 2)) is not None
    house = None if numbered else _FR_BELGIAN.match(text, name_end)
    stop, code = frame.tail(house.end() if house else name_end, latin=True, loose=numbered)
    type_ = text[start:end].lower().split()[-1]
    place = stop > name_end and has_word(text, house.end() if house else name_end, stop)
    strong = type_ in _FR_STREET and not (type_ in _FR_PLURAL and _OF.match(text, end))
    if len(text[end:name_end]) == 1 and not (code or place):
        return -1  # "04 voie K"
    if code or (numbered and (certain or strong or place)):
        return stop
    words = text[end:name_end].lower().split()
    return stop if numbered and _is_plain(text, start, end, type_, words) else -1


def _is_plain(text: str, start: int, end: int, type_: str, words: list[str]) -> bool:
    """Tell whether a number, a type up to `end` and words in lower case name a street."""
    if not text[start:end].islower() or not _EN_STOP.isdisjoint(words):
        return False
    if words[0] in ("aux", "au", "en") or (words[0] == "de" and words[-1] in _FR_OFFERED):
        return False  # "12 place aux jeunes", "3 place de cinema"
    if type_ in _FR_COURSE:
        return len(words) > 1 and _FR_SUBJECT.isdisjoint(words)
    if not _FOREIGN.isdisjoint(words) or (not _NAME_FIRST.issuperset(words[:1]) and len(words) > 1):
        return False
    # One word must be a name: "12 place gambetta", but "3 place settings", "5 passage libre".
    single = len(words) == 1 and (type_ not in _FR_ALONE or words[0].endswith("s"))
    if text.startswith("1 ", start):  # "1 place de cinema", "1 place offerte"
        adjective = len(words) == 1 and words[0].endswith("e")
        single = single or adjective or _SOME.match(text, end) is not None
    return type_ in _FR_PLAIN and not single


_FOREIGN = frozenset({"and", "the", "of", "or", "with"})
_NAME_FIRST = _FR_PARTICLE | words("fr.first") | {"d'", "l'"}
_SOME = re.compile("de (?!la |l')|d'")
_FR_ALONE = frozenset("place pl. pl square sq. sq promenade montee traverse villa".split())
_FR_COURSE = frozenset({"cours", "crs"})
_FR_PLURAL = frozenset({"allees"})  # "3 allées de tomates"
_OF = re.compile("(?:de|d'|des|aux?|dans|en|pour) ?[a-z]")
_BC = re.compile(r"J\.?-?C")  # "52 av. J.-C."
_FR_GATE_NUMBER = re.compile("[A-Za-z][0-9]+")


def _french_name(text: str, start: int, limit: int) -> tuple[int, bool]:
    """Return where the name of a street ends, and whether capitals or a postcode prove it one."""
    end, position, plain, capital, previous = start, start, 0, False, ""
    for _ in range(7):
        word = FR_WORD.match(text, position)
        if word is None or position >= limit:
            break
        value, position = word.group(), word.end() + 1
        lower = value.lower().rstrip(".")
        ends = _ends_name(lower, previous, plain + capital) and value != "Est"
        if (ends and not _is_called(value, previous)) or _CODE_NEXT.match(text, word.start()):
            break
        if plain and value[0].islower() and known_town(text, word.start(), TOWNS, False) > 0:
            break  # "66 bd de la villette paris"
        if lower not in _FR_PARTICLE:
            if not (value.partition("'")[2] or value)[0].islower():
                capital = capital or not value[0].isdigit()
            elif capital and (previous not in _FR_PARTICLE or previous == "et"):
                break
            else:
                plain += 1
            end = word.end()
        previous = lower
        if text[word.end() : position] != " ":
            break
    code = _CODE_NEXT.match(text, end) is not None
    if plain > 2 and not code and not _FR_ENDS.match(text, end) and not unit_at(text, end + 1):
        return _second_word(text, start), False
    return end, capital or code


def _ends_name(word: str, previous: str, names: int) -> bool:
    """Tell whether a word, behind the previous one, is no part of a French street's name."""
    if (
        word in _FR_STOP
        or (not previous and word in ("et", "a", "en"))
        or (names and word in _FR_VERB)
    ):
        return True
    if (word == "lieu" and previous == "au") or (word in _FR_DONE and previous == "a"):
        return True  # "41 rue Pasteur au lieu du 14", "12 rue Foch a ferme"
    if word in _FR_UNIT and previous not in _FR_PARTICLE:
        return True
    date = _FR_MONTH.fullmatch(previous) or (
        previous in ("de", "du", "des", "la") and _FR_DAY.fullmatch(word)
    )
    return word[0].isdigit() and not date


def _is_called(word: str, previous: str) -> bool:
    """Tell whether a word that goes on with a sentence is a name here: "rue de la Station"."""
    return previous in _FR_ARTICLES and (word[0].isupper() or word in _FR_HALT)


def is_prose(names: list[str]) -> bool:
    """Tell whether a word is none of the name of a street."""
    return any(
        name.lower() in NOT_NAME and not _is_called(name, previous)
        for previous, name in zip(["", *names], names, strict=False)
    )


_FR_ARTICLES = frozenset({"la", "du", "des"})
ENDS = re.compile(r"[,.;:)?!\n]| [^A-Za-z0-9\xc0-\xff]|$")
_FR_ENDS = re.compile(r"[,.;)\n]|$")


def _second_word(text: str, start: int) -> int:
    """Return the end of the first word that is no particle: all that is sure in lower case."""
    for word in FR_WORD.finditer(text, start):
        if word.group().lower() not in _FR_PARTICLE:
            return word.end()
    return start


RULES: tuple[Rule, ...] = (
    Rule("address", _FR_GATES, french, _FRENCH_MATCHES, _FRENCH_REJECTS),
    Rule("address", (_FR_LAST_GATE,), french_last, _LAST_MATCHES, _LAST_REJECTS),
)
