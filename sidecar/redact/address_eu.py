"""French and Spanish addresses: street, number, and a five-digit postcode with a town."""

import re
from collections.abc import Iterator

from sidecar.redact.address_place import (
    CAP,
    CODE,
    CODE_GATES,
    LETTER,
    MORE_DIGITS,
    TOWNS,
    Frame,
    is_quantity,
    known_town,
    unit_at,
)
from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_EN_STOP = words("en.stop")
_ES_STOP = words("es.stop")
_ES_STREET = words("es.street")
_FR_LABEL = words("fr.label")
_FR_PARTICLE = words("fr.particle")
_FR_PLAIN = words("fr.plain")
_FR_STOP = words("fr.stop")
_FR_STREET = words("fr.street")
_FR_SUBJECT = words("fr.subject")
_FR_UNIT = words("eu.apartment") | words("eu.floor")
_FR_VERB = words("fr.verb")
_NOT_NAME = (_EN_STOP | _FR_STOP | _FR_VERB | words("de.stop")) - {"du", "des", "la", "le", "les"}

_FRENCH_MATCHES = (
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
    "D 906, 1120 route de Paris, 71000 Sancé", "46, rue de l'Ourcq - Bât. A - 3e - Pantin",
)  # fmt: skip
_LAST_MATCHES = (
    "avenue kléber 80, nancy", "rue haute 22, 1000 bruxelles", "Boulevard Carnot 14, Lille",
    "rue des lilas 8", "rue Denis Papin n°9, 16000 Angoulême", "rue Pasteur, au 51, Villejuif",
    "rue du Moulin 14, 57400",
)  # fmt: skip
_LAST_REJECTS = (
    "Boulevard de la mort, 2007, Tarantino",
    "la rue compte 12 maisons", "le boulevard fait 12 km", "rue barrée pendant 3 jours",
    "cette avenue 12 fois", "rue de la paix 400 euros",
)  # fmt: skip
_COMMON_MATCHES = ("Place Saint-Lambert 9, 4000 Liège", "grand-place 1, 1000 bruxelles")
_COMMON_REJECTS = ("place 3 à 1200 euros", "cours 12 en 1850 mots")
_FRENCH_REJECTS = (
    "12 places assises dans la salle", "5 cours de maths", "BP 5645", "52 av. J.-C.",
    "quai 3 voie C", "départ 7 h 04 voie K", "calendrier 2025 zone B",
    "1 rond-point à refaire, 3 feux",
    "voiture 7 place 21", "chapitre 5 allée des brumes", "3 place settings", "40 allées et venues",
    "AF 1380 porte F42 embarquement", "12 vers sur une place de village",
)  # fmt: skip
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
    "Rúa Castelao 5, 1º esq., 32500 O Carballiño", "Bloque 4, escalera B, 2º 3ª, Ronda Norte 15",
)  # fmt: skip
_PLACE_MATCHES = (
    "calle Doctor Cajal, 28931 Móstoles", "chemin de la Calade, 13520 Maussane",
    "cité Bel Air, bât 4, appt 12, 97200 Fort-de-France", "Les Quatre Vents, 26400 Crest",
    "Heinrich-Böll-Platz, 50667 Köln", "Place Bellecour 69002 Lyon", "Kervao, 29810 Plouarzel",
    "Route de la Plage, n° 12, 40480 Vieux-Boucau-les-Bains", "Les Quatre-Chemins n°3, 19200 Ussel",
    "Edificio Miramar, Bloque 3, Portal B, 7º 4ª, 43840 Salou",
    "Daimlerstraße, Gebäude 14/2, 71063 Sindelfingen, Tor 16",
)  # fmt: skip
_PLACE_REJECTS = (
    "la commande, 12345 articles",
    "les prix, 10000 euros",
    "Place de la Bastille, 25000 manifestants",
    "Château de Versailles, 27000 visiteurs",
    "parque 12, 45000 visitantes",
    "la finca, 45000 euros",
)
_BOX_MATCHES = ("Apartado de Correos 4565, 29015 Málaga", "Apartado 1060, 41080 Sevilla")
_BOX_REJECTS = ("apartado 3 del contrato", "apartado 12, punto 4")
_SPANISH_REJECTS = (
    "plaza 5 del parking", "vía 3", "calle de 3 carriles", "avenida 5", "av. Real 2 goles",
    "camino de vuelta 5, gracias", "plaza de garaje 12",
    "la cuesta de enero 2024", "cuesta mucho subir 3 pisos", "recette : 3 c. à soupe, 2 œufs",
    "quai 3, 10000 voyageurs", "Av. Selin Karaca, 0532", "calle de bois de 12 mm",
    "50 cl de lait, 50 g de beurre", "cuesta llamar 2 minutos",
)  # fmt: skip

# ------------------------------------------------------------------------------------- French
_FR_TYPE = alternatives("fr.street", "fr.street.weak")
_FR_OLD = rf"{alternatives('fr.adjective')}[ -]{alternatives('fr.street', 'fr.street.weak')}\b"
_FR_PATTERN = (
    rf"\b[0-9]{{1,4}}(?:(?:[-/]| et | a )[0-9]{{1,4}})?(?: ?(?i:bis|ter|quater|[a-d]))?(?:,? |,?\n)"
    rf"(?:{_FR_TYPE} |{_FR_OLD}|(?i:grand'?(?:rue|place))\b)"
    rf"|\b{_FR_TYPE} (?i:de|du|des|d'|la) ?|\b{alternatives('fr.named')} "
    r"|\b(?i:(?:le|au) (?:bourg|village)), "
)
# Gates ask for less than the patterns: what they spell out makes the gate large.
_FR_NUMBER_ENDS = r"[0-9](?: ?(?i:bis|ter|quater|[a-d]))?(?:,? |,?\n)"
_FR_GATES = (
    rf"{_FR_NUMBER_ENDS}(?:{_FR_TYPE} |{alternatives('fr.adjective')}[ -][A-Za-z])",
    rf"{_FR_NUMBER_ENDS}(?i:grand'?[rp])",
    rf"\b{_FR_TYPE} (?i:de|du|des|d'|la)|\b{alternatives('fr.named')} ",
    r"\b(?i:(?:le|au) (?:bourg|village)), ",
)
# The number behind the name, as in Belgium and in a hurry: "avenue foch 80, nancy".
_W = r"[A-Za-z\xc0-\xff][A-Za-z\xc0-\xff'.-]*"
_FR_INTRO = r"(?:,? (?i:no\.? ?|numero )?|, au )"
_FR_LAST_PATTERN = (
    rf"\b{alternatives('fr.street.first')} (?:{_W} ){{0,4}}?{_W}{_FR_INTRO}[0-9]{{1,4}}[a-z]?\b"
)
# Words for squares are of other languages too, or of sentences: only with a postcode.
_FR_COMMON_PATTERN = (
    rf"\b(?i:place|square|route|cours|quartier|grand-place|clos) (?:(?:{_W} ){{0,4}}?{_W},? )?"
    rf"[0-9]{{1,4}}[a-z]?(?:/[0-9]+)?(?:,? |,?\n){CODE} {LETTER}"
)
_FR_COMMON = scanner(_FR_COMMON_PATTERN)
_FR_COMMON_NUMBER = re.compile(r".*? [0-9]{1,4}[a-z]?(?:/[0-9]+)?(?=[, \n])", re.DOTALL)
_FR_LAST_GATE = rf"\b{alternatives('fr.street.first')} (?:{_W} )*{_W}{_FR_INTRO}[0-9]"
_FR_TITLE = re.compile(".*, (?:19|20)[0-9]{2}", re.DOTALL)
_FR_NAME_END = re.compile(r",? (?:no\.? ?|numero |au )?[0-9]+[a-z]?$")
_FR_LAST_HEAD = re.compile(rf"{alternatives('fr.street.first')} ")
_FR_ARTICLE = re.compile(
    "(?<![A-Za-z\xc0-\xff'])"
    "(?i:la|le|les|une?|cette|ce|ma|notre|votre|leur|sa|chaque|quelle?|aucune?|l') ?$"
)
_FR_WORD = re.compile(r"[A-Za-z\xc0-\xff0-9](?:[A-Za-z0-9\xc0-\xff'-]|\.(?=[A-Za-z ]))*")
_FR_MONTH = re.compile(
    "(?i:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
)
_FR_DAY = re.compile("[0-9]+(?:er|e|eme|(?:-[a-z0-9]+)+)?")  # "du 4-Septembre", "de la 2e D.B."
_FR_LAST_WORD = re.compile("([A-Za-z\xc0-\xff'.]+)[ .]*$")
_FR_BELGIAN = re.compile(",? [0-9]{1,4}[a-z]?(?![0-9A-Za-z])")
_FR_BOX_PATTERN = r"\b(?:BP|B\.P\.|CS|TSA|bp|cs|tsa) ?[0-9]{1,6}"
_CODE_NEXT = re.compile(rf",? ?\n?{CODE},? {LETTER}{{2}}")
_FR, _FR_LAST, _FR_BOX = map(scanner, (_FR_PATTERN, _FR_LAST_PATTERN, _FR_BOX_PATTERN))


def french(data: bytes) -> Iterator[Range]:
    """Yield French and Belgian addresses."""
    text = data.decode("latin-1")
    frame = Frame(text)
    limit = len(text)
    for start, end in in_turns(reversed([match.span() for match in _FR.finditer(data)])):
        numbered = text[start].isdigit()
        if numbered and _SPANISH.match(text, start):
            continue  # "a las 10, Avda. de America 37"
        until, limit = limit, start if numbered else limit
        if numbered and _is_labelled(text, start):
            continue
        stop = _french_end(text, frame, start, end, until)
        if stop > start:
            yield frame.head(start), stop


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
        names = _FR_NAME_END.sub("", text[type_.end() : end].lower()).split()
        if names[-1] in _FR_PARTICLE or not _NOT_NAME.isdisjoint(names):
            continue
        stop, code = frame.tail(end, latin=True)
        if not (code or _has_word(text, end, stop)):
            if _FR_ARTICLE.search(text, max(0, start - 8), start):
                continue
            following = _WORD_NEXT.match(text, end)
            if following and following.group(1).lower() not in _FR_STOP | _FR_VERB:
                continue
        yield frame.head(start), stop


_SPANISH = re.compile(
    rf"[0-9]+, {alternatives('es.street', 'es.street.weak')} "
    rf"(?:{_W} ){{0,5}}?{_W}(?<! du)(?<! de),? "
    r"(?:#? ?[0-9]{1,4}(?![0-9])|s/n)"
)
_FR_NUMBERED = re.compile("[0-9](?: ?(?:bis|ter|quater|[A-Da-d]))?,? $")
_WORD_NEXT = re.compile(" ([A-Za-z\xc0-\xff']+)")
_LONG_WORD = re.compile("[A-Za-z\xc0-\xff]{3}")


def _has_word(text: str, start: int, end: int) -> bool:
    """Tell whether more than numbers and single letters stand between: a town or a unit."""
    return start < end and _LONG_WORD.search(text, start, end) is not None


def french_common(data: bytes) -> Iterator[Range]:
    """Yield addresses of a square, a number behind its name, a postcode and a town."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_COMMON.finditer(data):
        start, end = match.span()
        number = _FR_COMMON_NUMBER.match(text, start, end)
        if number is None or not _NOT_NAME.isdisjoint(number.group().lower().split()):
            continue
        stop, code = frame.tail(number.end(), latin=True)
        if code:
            yield frame.head(start), stop


def french_boxes(data: bytes) -> Iterator[Range]:
    """Yield French post office boxes."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _FR_BOX.finditer(data):
        start, end = match.span()
        stop, code = frame.tail(end, latin=True)
        if code:
            yield frame.head(start), stop


def _is_labelled(text: str, start: int) -> bool:
    """Tell whether a number belongs to what precedes it: "voiture 12 place 45"."""
    if text[max(0, start - 1) : start] in ("-", "/", ".", ":", "#", "_"):
        return True
    label = _FR_LAST_WORD.search(text, max(0, start - 14), start)
    return label is not None and label.group(1).lower().rstrip(".") in _FR_LABEL


def _french_end(text: str, frame: Frame, start: int, end: int, until: int) -> int:
    """Return where the address with the type up to `end` ends, or -1 if it is none."""
    numbered = text[start].isdigit()
    name_end, certain = _french_name(text, end, until)
    if numbered and text[end - 1] not in " '":  # "38 grande rue"
        name_end, certain = _french_name(text, end + 1, until)[0], True
        name_end = name_end if name_end > end + 1 else end
    elif text[end - 2] == ",":  # "Le Bourg, 19500 Meyssac"
        name_end = end - 2
    elif name_end == end or (numbered and text[end : end + 4] == "J.-C"):
        return -1
    elif _FR_GATE_NUMBER.fullmatch(text, end, name_end):
        return -1  # "AF 1380 porte F42"
    house = None if numbered else _FR_BELGIAN.match(text, name_end)
    stop, code = frame.tail(house.end() if house else name_end, latin=True, loose=numbered)
    type_ = text[start:end].lower().split()[-1]
    place = stop > name_end and _has_word(text, house.end() if house else name_end, stop)
    strong = type_ in _FR_STREET and not (type_ in _FR_PLURAL and _OF.match(text, end))
    if len(text[end:name_end]) == 1 and not (code or place):
        return -1  # "04 voie K"
    if code or (numbered and (certain or strong or place)):
        return stop
    words = text[end:name_end].lower().split()
    if not numbered or not text[start:end].islower() or not _EN_STOP.isdisjoint(words):
        return -1
    if type_ in _FR_COURSE:
        return stop if len(words) > 1 and _FR_SUBJECT.isdisjoint(words) else -1
    if not _FOREIGN.isdisjoint(words) or (not _NAME_FIRST.issuperset(words[:1]) and len(words) > 1):
        return -1
    # One word must be a name: "12 place gambetta", but "3 place settings", "5 passage libre".
    single = len(words) == 1 and (type_ not in _FR_ALONE or words[0].endswith("s"))
    return stop if type_ in _FR_PLAIN and not single else -1


_FOREIGN = frozenset({"and", "the", "of", "or", "with"})
_NAME_FIRST = _FR_PARTICLE | words("fr.first") | {"d'", "l'"}
_FR_ALONE = frozenset("place pl. pl square sq. sq promenade montee traverse villa".split())
_FR_COURSE = frozenset({"cours", "crs"})
_FR_PLURAL = frozenset({"allees"})  # "3 allées de tomates"
_OF = re.compile("(?:de|d'|des) ?[a-z]")
_FR_GATE_NUMBER = re.compile("[A-Za-z][0-9]+")


def _french_name(text: str, start: int, limit: int) -> tuple[int, bool]:
    """Return where the name of a street ends, and whether capitals or a postcode prove it one."""
    end, position, plain, capital, previous = start, start, 0, False, ""
    for _ in range(7):
        word = _FR_WORD.match(text, position)
        if word is None or position >= limit:
            break
        value, position = word.group(), word.end() + 1
        lower = value.lower().rstrip(".")
        if (_ends_name(lower, previous, plain + capital) and value != "Est") or _CODE_NEXT.match(
            text, word.start()
        ):
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
    if word in _FR_UNIT and previous not in _FR_PARTICLE:
        return True
    date = _FR_MONTH.fullmatch(previous) or (
        previous in ("de", "du", "des", "la") and _FR_DAY.fullmatch(word)
    )
    return word[0].isdigit() and not date


_ENDS = re.compile(r"[,.;:)?!\n]| [^A-Za-z0-9\xc0-\xff]|$")
_FR_ENDS = re.compile(r"[,.;)\n]|$")


def _second_word(text: str, start: int) -> int:
    """Return the end of the first word that is no particle: all that is sure in lower case."""
    for word in _FR_WORD.finditer(text, start):
        if word.group().lower() not in _FR_PARTICLE:
            return word.end()
    return start


# ------------------------------------------------------------------------------------ Spanish
_ES_TYPE = alternatives("es.street", "es.street.weak")
_ES_INTRO = r"(?i:n[o.]?\.? ?|num\.? ?|numero |parcela |nave |# ?)?"
_ES_BASQUE = "(?i:kalea|zumarkalea|etorbidea|hiribidea|pasealekua|ibilbidea)"
_ES_ALONE = rf"(?:{alternatives('es.street.alone')}|(?:{CAP} )?{LETTER}{{3,}} {_ES_BASQUE})"
_ES_PATTERN = (
    rf"\b{_ES_TYPE}(?: |\b)(?:[0-9]{{1,2}}o? de )?(?:{_W} ){{0,6}}?"
    rf"(?:{_W}|[A-Za-z]{{1,2}}-[0-9]{{1,4}})(?:,?[ \n]|,)"
    rf"{_ES_INTRO}(?:[0-9]{{1,4}}(?: ?[a-zA-Z]\b| ?(?i:bis)\b)?(?:[-/][0-9]{{1,4}}\b)?"
    r"|(?i:s/n|km\.? ?[0-9][0-9.,]{0,5}))"
    rf"|\b{_ES_ALONE},?[ \n]{_ES_INTRO}[0-9]{{1,4}}(?:-[0-9]{{1,4}}\b)?"
)
_ES_GATES = (
    rf"\b{_ES_TYPE}(?: |\b)(?:[0-9]{{1,2}}o? de )?(?:{_W} ){{0,6}}?"
    rf"(?:{_W}|[A-Za-z]{{1,2}}-[0-9]{{1,4}})(?:,?[ \n]|,){_ES_INTRO}(?:[0-9]|(?i:s/n|km))",
    rf"(?:{alternatives('es.street.alone')}|{_ES_BASQUE}),?[ \n]{_ES_INTRO}[0-9]",
)
_ES_NO = re.compile(
    r"(?i)(?:,?[ \n]|,)(n[o.]?\.? ?|num\.? ?|numero |parcela |nave |# ?)?(?:[0-9]|s/n|km)"
)
_ES_ALONE_HEAD = re.compile(rf"{_ES_ALONE},?[ \n](?i:n|[0-9])")
_ES_HEAD = re.compile(rf"{_ES_TYPE} ?")
_ES_THE = re.compile("(?:de (?:la|las|los|el)|del) ")
_ES_NO_HOUSE = re.compile("[ ,#]0[0-9]+$")
_ES_COUNTED = re.compile("[0-9] cl ")
_ES_CONJUNCTION = re.compile(" [aeoy]$")  # "n. 18 a las 20h"
_ES_BOX_PATTERN = r"\b(?i:apartado(?: de correos| postal)?|apdo\.?(?: de correos)?) [0-9]{1,6}"
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
        if _ES_NO_HOUSE.search(text, start, end) or _ES_COUNTED.search(text, start - 2, start + 3):
            continue  # "Av. Selin Karaca, 0532 418", "50 cl de lait, 50 g"
        type_ = _ES_HEAD.match(text, start, end)
        if _ES_ALONE_HEAD.match(text, start, end):
            yield frame.head(start), frame.tail(end, latin=True)[0]
            continue
        certain = type_ is not None and _is_spanish_street(text, type_, end)
        floor = _ES_FLOOR_OF.search(text, max(0, start - 16), start)
        start = floor.start() if floor else start
        stop, code = frame.tail(end, latin=True) if certain is not None else (end, False)
        led = certain is False and _led(text, start, end)
        if code or certain or led or _has_word(text, end, stop):
            yield frame.head(start), stop


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
    name, number, *_ = _ES_NO.split(text[type_.end() : end])
    names = _FR_WORD.findall(name)
    if all(name.lower() in _FR_PARTICLE for name in names):
        return None
    if names[0] == "a" and len(type_.group().strip()) < 3:
        return None  # "3 c. a soupe, 2 oeufs"
    lower = all(name.islower() or name.isupper() for name in names)
    if any((name if not lower else name.lower()) in _ES_STOP for name in names if len(name) > 1):
        return None  # but "Cuesta de Santo Domingo"
    value = type_.group().strip().lower()
    if len(value) < 3 and _YEARS.search(text, end - 9, end):
        return None  # "C. Duggan 1991-1995"
    weak = type_.group().strip().lower() not in _ES_STREET
    if weak and names[-1].lower() in _ES_MONTH and not any(name.isdigit() for name in names):
        return None  # "la cuesta de enero 2024"
    plain = [name for name in names if name[0].islower() and name not in _FR_PARTICLE]
    if len(plain) > 2 and len(plain) < len(names):
        return False  # prose
    capital = any(name[0].isupper() for name in names)
    if value in _ES_STREET:
        return capital or len(names) < 4
    return len(value) > 2 and (
        capital
        or bool(number)
        or (_ES_THE.match(name) is not None and bool(_ENDS.match(text, end)))
    )


_ES_MONTH = words("es.month")
_YEARS = re.compile("(?:19|20)[0-9]{2}(?:-[0-9]{4})?$")
_ES_LEADS = re.compile(
    "(?<![A-Za-z\xc0-\xff])"
    "(?i:en|de|desde|hasta|a|por|hacia|junto a|frente a|direccion|calle)[ :]{1,2}$"
)


def _led(text: str, start: int, end: int) -> bool:
    """Tell whether a preposition without an article leads to the street, and nothing is counted."""
    if _ES_LEADS.search(text, max(0, start - 12), start) is None:
        return False
    following = _WORD_NEXT.match(text, end)
    if text[start : start + 6].lower() == "lugar ":
        return False  # "en lugar de"
    return following is None or following.group(1).lower() in _ES_STOP | _ES_AND


_ES_AND = frozenset({"y", "o", "e", "a", "al"})


# "el número 14 de la calle Feria", "au 12 de la rue Monge"
_OF_TYPE = "(?i:calle|avenida|avda\\.?|plaza|paseo|rue|avenue|boulevard|place|quai)"
_OF_PATTERN = (
    rf"\b(?:(?i:numero|n[uo]m?\.?|el|al|au|le) )?[0-9]{{1,4}} (?:de la |del |de l'|du |de )"
    rf"{_OF_TYPE} (?:(?:de (?:la |los |las )?|du |des |d'|l'))?{CAP}(?: {CAP}){{0,3}}"
)
_OF_GATE = rf"[0-9] (?:de la |del |de l'|du |de ){_OF_TYPE} "
_OF_NUMBER, _NUMBERED = scanner(_OF_PATTERN), re.compile("[0-9]")


_OWN_NUMBER = re.compile(
    rf"(?: (?:(?:de|del|la|los) )*{CAP}){{0,2}},? [0-9]"
)  # "trastero 14 de calle Alcala 92"


def numbered(data: bytes) -> Iterator[Range]:
    """Yield addresses whose number stands before the words "of the street"."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _OF_NUMBER.finditer(data):
        start, end = match.span()
        number = _NUMBERED.search(text, start, end)
        if number and not _OWN_NUMBER.match(text, end):
            yield number.start(), frame.tail(end, latin=True)[0]


# A place with a postcode and no number, or one that is none of a house: "Mas Blanc, chemin du
# Puits, 13520 Maussane", "Heinrich-Boll-Platz, 50667 Koln", "paraje Oro, parcela 3, 30550 Abaran".
_ARTICLES = frozenset({"le", "la", "les"})
_STREETS = _FR_STREET | _ES_STREET
_ANY = r"[A-Za-z0-9\xc0-\xff#][A-Za-z0-9\xc0-\xff'./-]*"
_PUBLIC = alternatives("eu.venue", "eu.venue.named")
_PLACE_TYPE = (
    rf"(?:(?:{_FR_TYPE}|{_ES_TYPE}|{alternatives('eu.building', 'eu.venue.site')}|{_PUBLIC}"
    r"|(?i:les?|la|aldea|caserio))\b\.?|(?i:c/\.?))"
)
_DE_STREET = (
    rf"{LETTER}{{2,24}}(?:-{LETTER}{{1,20}}){{0,3}}-?"
    rf"{alternatives('de.street', 'de.street.medium', 'de.street.compound')}"
)
_NO_NUMBER = "(?:,? (?i:o\\. ?nr\\.?|ohne hausnummer))?"
_PLACE_PATTERN = (
    rf"\b(?:{_PLACE_TYPE} ?(?:{_ANY} ){{0,5}}{_ANY}|{_DE_STREET}{_NO_NUMBER}"
    rf"|(?i:ker){LETTER}{{2,}})"
    rf"(?:(?:,[ \n]?|\n)[^,;:\n]+){{0,3}}(?:,[ \n]?|\n| )[0-9]{{5}} {LETTER}"
)
_PLACE = scanner(_PLACE_PATTERN)
_DE_NOT_STREET = words("de.not_street")


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
            if inside and _is_place(text, start, name_end, end - 1):
                stop, coded = frame.tail(name_end, latin=True)
                if coded and stop >= end:
                    yield frame.head(start), stop
                    done = end
                    break
            at = _WORD_ENDS.search(text, start).end() - origin  # type: ignore[union-attr]
            done = origin + at  # each beginning is tried once


def _is_place(text: str, start: int, end: int, town: int) -> bool:
    """Tell whether the words up to a comma name a place in the town."""
    first, *names = _PLACE_WORD.findall(_WITHOUT_NUMBER.sub("", text[start:end]))
    if not (_NOT_NAME - _PLAIN).isdisjoint(name.lower() for name in names):
        return False
    known = known_town(text, town, TOWNS) > 0 or _TOWN_SHAPE.match(text, town) is not None
    if text[end] == " " and not (known and (not names or names[-1][0].isupper())):
        return False
    if _PUBLIC_HERE.match(text, start) and (
        _STREET_NEXT.match(text, end) or _STREET_INSIDE.search(text, start, end)
    ):
        return False  # "Musee d'Orsay, esplanade Foch, 75007 Paris"
    if not names:
        plain = first.lower().replace("\xdf", "ss")
        return (
            (known or text[town].isupper()) and first[0].isupper() and plain not in _DE_NOT_STREET
        )
    if names[0].lower() in _NOT_FIRST or _HOUSE_INSIDE.search(text, start, town):
        return False  # "bar au 18 rue Foch": another rule knows where it begins
    plain = sum(name.isalpha() and name[0].islower() and name not in _PLAIN for name in names)
    if first.lower() in _ARTICLES:
        direct = text.find(",", end + 1, town) < 0
        return (
            direct
            and names[0].lower() not in _STREETS  # "la Avenida Real"
            and (not plain or (known and len(names) == 1))
            and (known or text[town].isupper())
        )
    capital = any(name[0].isupper() for name in names)
    if plain and (capital or plain > 2 or (names[-1].isdigit() and len(names) > 1)):
        return False
    return known or (text[town].isupper() and (capital or names[-1][0].isdigit()))


# "sainte-maxime", "mejannes-le-clap"
_TOWN_SHAPE = re.compile(
    rf"(?i:sainte?|ste?)[- ]{LETTER}|{LETTER}+-(?i:sur|en|les?|la|des?|du|sous|aux?|lez|d)-{LETTER}"
)
_PUBLIC_HERE = re.compile(rf"{_PUBLIC}(?![A-Za-z])")
_STREET_NEXT = re.compile(rf"(?:, |\n)(?:{_FR_TYPE}|{_ES_TYPE})(?: |\b)")
_STREET_INSIDE = re.compile(rf" (?:{_FR_TYPE}|{_ES_TYPE}) ")
_PLACE_ENDS = re.compile(r",|\n| [0-9]{5} ")
_WORD_ENDS = re.compile("[ ,\n]")
_PLACE_WORD = re.compile("[A-Za-z0-9\xc0-\xff#][A-Za-z0-9\xc0-\xff'-]*")
_WITHOUT_NUMBER = re.compile(rf"(?<=.){_NO_NUMBER}$")
_PLAIN = _FR_PARTICLE | {"no", "nr", "n"}
_NOT_FIRST = frozenset({"en", "a", "au", "aux", "y", "et", "pour"})
_HOUSE_INSIDE = re.compile(f"[0-9] (?:bis |ter |quater )?(?:{_FR_TYPE}|{_ES_TYPE}) ")


# Blocks and crossings in Latin America: "Cra. 7 # 71-21", "Mz. B Lt. 12".
_GRID_WORD = alternatives("es.grid")
_GRID_PATTERN = (
    rf"\b{_GRID_WORD}\.? ?(?:[0-9]{{1,3}} ?[A-Za-z]{{0,2}}|(?:{CAP} ){{1,3}})"
    r"(?: ?(?i:bis|sur|norte|este|oeste))? ?(?:# ?|(?i:no?\.?o?\.?|nro\.?|num\.?) )"
    r"[0-9]{1,3} ?[A-Za-z]{0,2} ?- ?[0-9]{1,3}\b"
    r"|\b(?i:mz|mza|manzana)\.? ?[A-Za-z0-9]{1,3}\.?,? (?i:lt|lote)\.? ?[0-9]{1,3}\b"
)
_GRID_GATE = (
    r"(?:#|(?i:no?\.?o?\.?|nro\.?|num\.?)) ?[0-9]+ ?[A-Za-z]{0,2} ?- ?[0-9]"
    r"|\b(?i:mz|mza|manzana)\.? ?[A-Za-z0-9]+\.?,? (?i:lt|lote)"
)
_GRID = scanner(_GRID_PATTERN)
_GRID_MATCHES = (
    "Cra. 7 # 71-21, Torre B, Bogotá", "Calle 100 #8A-55", "carrera 7 no. 71-21", "Mz. B Lt. 12",
    "Av. El Dorado # 69-76, Bogotá",
)  # fmt: skip
_GRID_REJECTS = ("carrera 7 de la temporada", "diagonal 4-3-3", "mz 4 del plano", "calle 13 no 2")


def grid(data: bytes) -> Iterator[Range]:
    """Yield addresses by the streets that cross, or by block and lot."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _GRID.finditer(data):
        start, end = match.span()
        yield frame.head(start), frame.tail(end, latin=True)[0]


RULES: tuple[Rule, ...] = (
    Rule("address", _FR_GATES, french, _FRENCH_MATCHES, _FRENCH_REJECTS),
    Rule("address", (_FR_LAST_GATE,), french_last, _LAST_MATCHES, _LAST_REJECTS),
    Rule("address", CODE_GATES, french_common, _COMMON_MATCHES, _COMMON_REJECTS),
    Rule("address", (_FR_BOX_PATTERN,), french_boxes, ("BP 5645, 69003 Lyon CEDEX 02",)),
    Rule("address", _ES_GATES, spanish, _SPANISH_MATCHES, _SPANISH_REJECTS),
    Rule("address", (_OF_GATE,), numbered, ("14 de la calle Feria",), ("el 5 de la avenida",)),
    Rule("address", CODE_GATES, places, _PLACE_MATCHES, _PLACE_REJECTS),
    Rule("address", (_GRID_GATE,), grid, _GRID_MATCHES, _GRID_REJECTS),
    Rule("address", (_ES_BOX_PATTERN,), spanish_boxes, _BOX_MATCHES, _BOX_REJECTS),
)
