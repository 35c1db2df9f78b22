"""Numbers in words: "null eins sieben sechs", "zéro six cinquante-cinq"."""

import re
from typing import NamedTuple

# The words for 0, 1, 2, … as far as they are one word; then for 20, 30, … 90; and for 100.
_NUMBERS = {
    "en": (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "hundred",
    ),
    "tr": (
        "sifir bir iki uc dort bes alti yedi sekiz dokuz on",
        "yirmi otuz kirk elli altmis yetmis seksen doksan",
        "yuz",
    ),
    "de": (
        "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn "
        "funfzehn sechzehn siebzehn achtzehn neunzehn",
        "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
        "hundert",
    ),
    "fr": (
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
        "seize",
        "vingt trente quarante cinquante soixante septante octante nonante",
        "cent",
    ),
    "es": (
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
        "dieciseis diecisiete dieciocho diecinueve",
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        "cien",
    ),
}
_ALSO = {
    "en": {"oh": 0, "o": 0, "fourty": 40},
    "tr": dict[str, int](),
    "de": {"zwo": 2, "fuenf": 5, "zwoelf": 12, "fuenfzig": 50, "drei\xdfig": 30},
    "fr": {"vingts": 20},
    "es": {"ciento": 100},
}
_TIMES = {"double": 2, "triple": 3}
_AND = {"and", "et", "y"}


def _values(language: str) -> dict[str, int]:
    units, tens, hundred = _NUMBERS[language]
    values = {word: value for value, word in enumerate(units.split())}
    values |= {word: value * 10 for value, word in enumerate(tens.split(), 2)}
    return {**values, hundred: 100, **_ALSO[language]}


_VALUES = {language: _values(language) for language in _NUMBERS}
_WORD = re.compile(r"[a-z\xdf]+")
_BREAK = re.compile(r"[,.]")


def _any(language: str) -> str:
    entries = [*_VALUES[language], *(_TIMES if language == "en" else ())]
    return "(?i:" + "|".join(sorted(entries, key=lambda e: (-len(e), e))) + ")"


def _run(language: str) -> str:
    """Return a pattern for at least five number words of a language in a row."""
    word = _any(language)
    joint = r"(?:[ -]|[,.] ?| - |(?i: (?:and|et|y) ))"
    return rf"\b{word}(?:{joint}{word}){{4,24}}\b"


PATTERN = "|".join(map(_run, _VALUES))

# A zero and another digit: looking for every pair of digits would make clean bodies dearer, and
# hardly a number has none, with its trunk prefix.
_DIGITS = "|".join(word for units, _, _ in _NUMBERS.values() for word in units.split()[1:10])
GATE = rf"\b(?i:(?:zero|oh|sifir|null|cero)[ ,.-]{{1,3}}(?:{_DIGITS}|double|triple))"


class Part(NamedTuple):
    """A number in words, and where its first word starts and its last one ends."""

    start: int
    end: int
    digits: str


def parts(text: str) -> list[Part]:
    """Return the numbers in a run of number words, in lower case."""
    words = [found for found in _WORD.finditer(text) if found[0] not in _AND]
    spoken = {found[0] for found in words} - _TIMES.keys()
    language = next(each for each in _VALUES if spoken <= _VALUES[each].keys())
    known = _VALUES[language]
    # A mark between two words ends a number.
    values: list[int] = []
    at: list[re.Match[str]] = []
    for found in words:
        if at and _BREAK.search(text, at[-1].end(), found.start()):
            values.append(_END)
            at.append(found)
        values.append(known.get(found[0], -_TIMES.get(found[0], 0) or _END))
        at.append(found)
    out: list[Part] = []
    i = 0
    while i < len(values):
        size, digits = _number(values[i : i + 5], language)
        if digits:
            out.append(Part(at[i].start(), at[i + size - 1].end(), digits))
        i += size
    return out


_END = -9


def _number(values: list[int], language: str) -> tuple[int, str]:
    """Return how many of some values make the first number, and its digits."""
    first, second = [*values, _END][:2]
    if first == _END:
        return 1, ""
    if first < 0:
        return (2, str(second) * -first) if 0 <= second < 10 else (1, "")
    if first == 100 or (0 < first < 10 and second == 100):
        size, hundreds = (1, 1) if first == 100 else (2, first)
        more, rest = _below_hundred(values[size:], language)
        if language == "en" or rest < 1:
            return size, str(hundreds * 100)
        return size + more, str(hundreds * 100 + rest)
    size, value = _below_hundred(values, language)
    return size, str(value)


def _below_hundred(values: list[int], language: str) -> tuple[int, int]:
    """Return how many of some values make a number below a hundred, and the number."""
    first, second, third = [*values, _END, _END, _END][:3]
    if not 0 <= first < 100 or (first < 10 and second == 100):
        return 0, -1
    size, value, limit = 1, first, 10
    if language == "fr" and (first, second) == (4, 20):
        size, value, second, third = 2, 80, third, ([*values, _END, _END, _END])[3]
    if language == "fr" and value in (60, 80):
        limit = 17
    if language == "fr" and value == 10:
        return (2, 10 + second) if 7 <= second <= 9 else (1, 10)
    joins = (value >= 20 and language != "de") or (value == 10 and language == "tr")
    if joins and 0 < second < limit:
        if second < 10 and third == 100:
            return size, value
        if second == 10:  # "soixante-dix-sept"
            more, rest = _below_hundred(values[size:], language)
            return size + more, value + rest
        return size + 1, value + second
    return size, value
