"""Addresses that a label announces: "Straße: Am Hang 4", `"direccion":"Licenciado Poza 51"`."""

import re
from collections.abc import Iterator

from sidecar.redact.address_de import DE_PREPOSITIONS
from sidecar.redact.address_place import MORE_DIGITS, Frame
from sidecar.redact.address_unit import is_quantity
from sidecar.redact.engine import scanner
from sidecar.redact.fold import Fold
from sidecar.redact.rule import Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_NOT_LABEL = words("label.not")
_NOT_VALUE = words("label.value") | words("en.measure")
_STOP = words("en.stop") - words("de.noun") - {"no", "so"}
_NOT_CITY = words("en.not_city") - words("de.noun")
_UNIT = words("eu.unit")
_KEYS = words("label")

MATCHES = (
    "Straße: Am Hang 4", "direccion=Licenciado Poza 51", "address: 77 W Huron",
    "Adresse: 12 Les Tilleuls", "Lieferadresse: Unter den Ulmen 9", "Adres: Palmiye 12/4",
)  # fmt: skip
REJECTS = (
    "ip address: 10 Main", "address: see page 5", "Straße: 5 km lang", "calle: 3 carriles",
    "address: line 5", "E-Mail-Adresse: siehe Seite 5", "street: closed for 3 weeks",
)  # fmt: skip

_LETTER = r"[A-Za-z\xc0-\xff]"
_W = r"[A-Za-z\xc0-\xff][A-Za-z0-9\xc0-\xff'./-]*"
_MORE = (
    r"(?: ?#?[0-9]|(?:\.? ?/ ?| |, )(?:(?i:und|y|e|et|ve) )?"
    r"(?i:hausnummer|hausnr|nr|numero|num|no)\.?)?"
)
_LABEL = rf"{alternatives('label')}{_MORE}[\"' ]{{0,3}}[:=][\"' ]{{0,3}}"
_PATTERN = rf"{_LABEL}(?:[0-9]{{1,5}}[A-Za-z]?,? {_W}|{_W}(?: {_W}){{0,5}},? [0-9]{{1,4}})"
_GATE = (
    rf"(?:{alternatives('label')}{_MORE}|(?i:line1))[\"' ]*[:=>][\"' ]*"
    rf"(?:[0-9]+[A-Za-z]?,? {_W}|{_W}(?: {_W})*,? [0-9])"
)
_HEAD = re.compile(_LABEL)
_NUMBER = r"(?:(?i:no?|nr|num)[.:]? ?)?[0-9]{1,5}(?:[A-Za-z](?![A-Za-z]))?(?:[/-][0-9A-Za-z]{1,5})?"
_NAME = rf"({_W}(?: {_W}){{0,5}}"
_VALUE = re.compile(rf"(?:{_NUMBER},? {_NAME})|{_NAME}?),? {_NUMBER})(?![A-Za-z0-9\xc0-\xff])")
_LAST_WORD = re.compile(r"([A-Za-z\xc0-\xff0-9-]+)[ _-]?$")
_FIELD_ENDS = re.compile('[",;|\n.)}]|$| [|/-]')
_SCAN = scanner(_PATTERN)


def labelled(data: bytes) -> Iterator[Range]:
    """Yield what a label announces, if it is a name with a number and nothing but units behind."""
    text = data.decode("latin-1")
    frame = Frame(text)
    for match in _SCAN.finditer(data):
        start, _ = match.span()
        head = _HEAD.match(text, start)
        before = _LAST_WORD.search(text, max(0, start - 16), start)
        if head is None or (before and before.group(1).lower().strip("-") in _NOT_LABEL):
            continue
        end = _value_end(text, frame, head.end())
        if end > 0:
            thing = _THING.match(text, head.end())
            named = thing is not None and thing.group(1).lower() in _THINGS
            then = _THEN.match(text, head.end())
            yield then.end() if then else thing.end() if thing and named else head.end(), end


# "Lieferanschrift: Baustelle Nordmoslesfehner Str. 51", but "Anschrift: Haus Sonne 5"
_THING = re.compile(
    r"([A-Z][a-z]+) (?=[A-Z][A-Za-z\xc0-\xff-]{2,}(?:str|weg|gasse|platz|allee)"
    r"|[A-Z][A-Za-z\xc0-\xff-]+ [A-Z])"
)
_THEN = re.compile(
    "(?i:antes|ahora|actualmente|anterior|actual) "
)  # "domicilio: antes Calle Sol 8"
_THINGS = words("de.noun") - words("eu.building") - words("eu.apartment") - DE_PREPOSITIONS


def _value_end(text: str, frame: Frame, start: int) -> int:
    """Return where the address ends that a field begins with, or -1."""
    value = _VALUE.match(text, start)
    if value is None:
        return -1
    name, end = value.group(1) or value.group(2), value.end()
    names = [word.strip(".,").lower() for word in name.split()]
    if names[0] in _NOT_VALUE or any(map(_is_prose, name.split(), names)):
        return -1
    if value.group(1) and (names[0] in _UNIT or name.islower()):
        return -1  # "address: 3 questions"
    plain = name[0].islower() and len(names) == 1 and value.group(2) is not None
    if plain or MORE_DIGITS.match(text, end) or is_quantity(text, end):
        return -1
    end = frame.tail(end, latin=True)[0]
    return end if _FIELD_ENDS.match(text, end) else -1


def _is_prose(word: str, plain: str) -> bool:
    """Tell whether a word is of a sentence: "address: 12 Elm St It's the desk lamp"."""
    return plain in _STOP or (plain in _NOT_CITY and (word[0].islower() or "'" in word))


# A form: its fields stand near each other, and one of them is the street.
_AFTER_LABEL = r"[\"' ]{0,3}[:=>][\"' ]{0,3}"
_NAMES = rf"{_LETTER}[A-Za-z\xc0-\xff'.-]+(?: {_LETTER}[A-Za-z\xc0-\xff'.-]+){{0,4}}"
_STREET_VALUE = rf"(?:[0-9]{{1,5}}[A-Za-z]?,? {_W}|{_W}(?: {_W}){{0,5}},? [0-9]{{1,4}})"
_STREET_FIELD = (
    rf"(?:{alternatives('label')}{_MORE}|(?i:line1)){_AFTER_LABEL}"
    rf"{_STREET_VALUE}|\b{alternatives('label.street')}{_AFTER_LABEL}{_W}"
)
_FIELD = re.compile(
    r"(?<![A-Za-z\xc0-\xff])"
    rf"(?:(?P<street>(?:{alternatives('label', 'label.street')}{_MORE}|(?i:line1))"
    rf"{_AFTER_LABEL}{_STREET_VALUE}[^\"\n;|]{{0,60}}?)"
    rf"|(?P<name>{alternatives('label.street')}{_AFTER_LABEL}(?P<_1>[0-9]{{0,5}}\.? ?{_NAMES}))"
    rf"|{alternatives('label.town')}{_AFTER_LABEL}(?P<_2>{_NAMES}(?:, [A-Z][a-z]{{1,4}}\.)?)"
    rf"|{alternatives('label.state')}{_AFTER_LABEL}(?P<_3>[A-Z]{{2}}|[A-Z][a-z]+(?: [A-Z][a-z]+)?)"
    rf"|{alternatives('label.code')}(?:(?: ?[/,&+-] ?| (?i:y|et|und) )"
    r"(?i:ort|stadt|town|city|ville|commune|localidad|ciudad|poblacion|municipio))?"
    rf"{_AFTER_LABEL}(?P<_4>(?=[A-Za-z ]{{0,4}}[0-9])[A-Za-z0-9 -]{{4,10}}"
    rf"(?:(?<=[0-9]) ?{_NAMES})?)"
    rf"|{alternatives('label.unit')}{_AFTER_LABEL}(?P<_5>(?=[A-Za-z#. ]{{0,10}}[0-9]|[A-Za-z]\b)"
    r"[A-Za-z0-9#/ .-]{1,20}))(?=[\"',;|\n}/.)<]|$| [-|/]| [A-Za-z]+[:=])"
)
_FORM_GATE = rf"\b{alternatives('label.street')}[\"' ]*[:=>][\"' ]*{_W}"
_FORMS = scanner(_STREET_FIELD)
_APART = 40  # at most, the fields of a form
_FORM_REACH = 400  # from its street
FORM_MATCHES = (
    "line1=390 Bay Street, line2=Apt 11-J, city=Staten Island, zip=10301",
    "Straße: Alte Landstraße, Hausnummer: 118, PLZ: 40489 Düsseldorf",
)
_FORM_REJECTS = (
    "street: closed, city: unknown, state: done", "state=ok city=none", "sokak: dar, no: yok",
    "address: see below, zip: file.zip", "state: OR, city: Bend", "Cadde: çok güzel, il: sor",
    "Straße: gesperrt, PLZ/Ort: egal", "street: wide, number: 5",
    "Vía: oral, dosis: 5 mg, Estado: estable", "Calle y número: desconocido, ciudad: Lima",
)  # fmt: skip


def forms(data: bytes) -> Iterator[Range]:
    """Yield the values of the fields beside the one for the street: `city=Bend, zip=97701`."""
    text = data.decode("latin-1")
    begin = end = 0
    for street in _FORMS.finditer(data):
        start, stop = street.span()
        if start > end:
            yield from _forms(text, begin, end)
            begin = max(end, start - _FORM_REACH)
        end = stop + _FORM_REACH
    yield from _forms(text, begin, end)


def _forms(text: str, begin: int, end: int) -> Iterator[Range]:
    """Yield the values of the forms in a stretch of the text that has a street."""
    form: list[re.Match[str]] = []
    for field in in_turns(_FIELD.finditer(text, begin, end)):
        if form and field.start() - form[-1].end() > _APART:
            yield from _form(form)
            form = []
        form.append(field)
    yield from _form(form)


def _form(fields: list[re.Match[str]]) -> Iterator[Range]:
    """Yield the values of a form, if one of its fields is a street with a number."""
    kinds = [field.lastgroup for field in in_turns(fields)]
    if "street" in kinds or (
        "name" in kinds and "_5" in kinds and not {"_2", "_4"}.isdisjoint(kinds)
    ):
        for field, kind in zip(in_turns(fields), kinds, strict=True):
            if kind != "street":
                yield field.span("_1" if kind == "name" else kind or 0)


# What stands before the value of such a member for the rule to see it.
ANNOUNCEMENT = "address: "


def is_label(key: str) -> bool:
    """Tell whether the key of a JSON member announces an address: `home_address`, `street1`."""
    plain = key if key.isalnum() and key.isascii() else _folded(key)
    if _KEY_END.search(plain) is None:
        return False
    names = [name.lower() for name in _KEY_WORDS.findall(plain)]
    return _NOT_LABEL.isdisjoint(names) and not _KEYS.isdisjoint(names[-2:])


def _folded(key: str) -> str:
    return _FOLD(key).data.decode("latin-1").replace("\xdf", "ss")


_FOLD = Fold()
_KEY_END = re.compile(rf"{alternatives('label')}[A-Za-z0-9_-]*$")
_KEY_WORDS = re.compile("[A-Z]?[a-z]+|[A-Z]+")

# Before the value of such a member, in a raw body.
KEY_GATE = alternatives("label")

RULES: tuple[Rule, ...] = (
    Rule("address", (_GATE,), labelled, MATCHES, REJECTS),
    Rule("address", (_GATE, _FORM_GATE), forms, FORM_MATCHES, _FORM_REJECTS),
)
