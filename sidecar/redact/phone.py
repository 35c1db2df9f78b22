"""Phone numbers: digits that libphonenumber's data accept, unless a word beside them vetoes it."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from sidecar.redact import spelled
from sidecar.redact.engine import scanner
from sidecar.redact.phone_chain import chains, digit_groups, glued_left, glued_right
from sidecar.redact.phone_context import context_after, context_before
from sidecar.redact.phone_region import REGIONS_BY_CODE, Number, Region, is_valid_abroad
from sidecar.redact.phone_shape import (
    AMOUNT,
    COUNTING,
    are_odd,
    goes_on,
    is_abroad,
    is_amid,
    is_book,
    is_bracketed,
    is_draw,
    is_in_equal_parts,
    is_list,
    is_local,
    is_made_up,
    is_odd,
    is_other,
)
from sidecar.redact.rule import Decisions, Range, Rule

MATCHES = (
    "(0532 123 45 67)", "(05321234567)", "(415-555-2671)", "(0212 555 12 34)", "(06 12 34 56 78)",
    "+90 532 123 45 67", "+90 (0)532 123 45 67", "0(532) 123 45 67", "0090 532 123 45 67",
    "0532/1234567", "5321234567", "90 532 123 45 67", "444 0 123", "0212 345 67 89 / 12",
    "(212) 555-0143", "212.555.0143", "212555-0143", "1-212-555-0143", "212-555-0143 ext. 12",
    "+1.212.555.0143", "020 7946 0958", "07700 900123", "00 44 20 7946 0958",
    "+49 30 901820", "030/901820", "06 12 34 56 78", "+33 (0)6 12 34 56 78", "612 34 56 78",
    "+81 3-1234-5678", "call 555-0143", "telefonum 345 67 89", "0044 7700 900123",
    "9469 9966", "(+49) 30 537422", "(+90) 506 689 60 68", "(+1) 201-567-4975", "(+66) 88 085 0643",
    "(+49) (0)30 537422", "[+44] 7400 394337", "(1 (301) 360 1861)",
    "846 348 588", "0160-9 331 20 47", "0 5 3 2 4 1 2 3 8 6 7", "06 7 3 1 1 9 0 0 2",
    "0 5 3 2 1 2 3 4 5 6 7", "+49 1 5 1 2 3 4 5 6 7 8 0", "+1 (2 1 2) 5 5 5 - 0 1 4 3",
    "0 0 3 3 6 1 2 3 4 5 6 7 9", "call 2 1 2 5 5 5 0 1 4 3", "0532 1 23 45 67", "532 1 23 45 67",
    "07700 900 12 3", "0 26 31 / 12 34 5", "612 345 6 78", "212 555 0 143", "06.555.012.34",
    "212.5550.143", "7700 900 123", "# 212-555-0143", "O7700 900123", "o5321234567",
    "0049 152 2345 6789", "0 2 1 2 5 5 5 1 2 3 4", "011 44 20 7946 0832",
    "0180 5 334871", "444 1 552", "4440871", "444 1 444", "0180 1 2345", "0800 1234567890",
    "011 4832-7719", "01494 555 0182", "473 555 0122", "078.123.44.26", "65 66 77 218",
    "0900 1 238194 Durchwahl 12", "029 2018 0733 ext 12", "O542 555 17 O3", "01 51 23 75 23 62",
    "0542 555 17 O3", "O7700 900 12O", "06.12.34.41.60", "0212 555 OO 1O",
    "0212 555 12 34 (dahili 12)",
)  # fmt: skip
REJECTS = (
    "order 2125550143", "sipariş no 5321234567", "2024-05-19 12:30:00", "19.05.2024 14:30",
    "192.168.10.21", "4 8 15 16 23 42", "2 600 340 943 satır", "K5321234567", "pages 120-145",
    "c805df61-5af2-4912-8123-123456789012", "TR96 0001 0034 7866 5477 6593 42", "$2,125,550.14",
    "4111 1111 1111 1111", "1736444460979", "isbn 978-0-306-40615-7", "3.14159265358979",
    "1 200 600", "https://example.com/items/4793197118?page=2", "Rechnung Nr. 8584927888",
    "numéro étudiant 610783186", "öğrenci no 879487121", "Transaktion 7275904992",
    "20240603193852", "mobile game with 10000000 downloads", "5555555555",
    "1 2 3 4 5 6 7 8 9 10", "0 1 2 3 4 5 6 7 8 9", "0 1 1 0 1 0 0 1 1 0 1",
    "+1 0 1 1 0 1 0 0 1 1 0", "0 3 0 1 2 5 4 0 2 6", "05 12 23 31 38 bonus 17", "44 12 23 31 38 42",
    "3 1 4 1 5 9 2 6 5 3 5", "03 05 18 28 29 31 43",
    "seed 0 5 3 2 1 2 3 4 5 6 7", "Prêt : 612 345 678 €", "06 07 08 09 10 11", "O365 2024 2025",
    "07 12 19 33 41", "# 2125550143", "08.30-17.30", "hafta içi 9.30 - 20.00", "2147483647",
    "num BETWEEN 600000000 AND 699999999", "takip numarası 7330 0418 2267 31",
    "Parça no 0532-418-26", "Ersatzteil-Nr. 0221-504-470", "Art.-Nr. 0800-723-41",
    "Powerball was 07 19 33 48 61", "35169351. 5", "800 486 640 800", "sizes 38 18 09 15 26 58",
    "978 0 669 61785 8", "34.7161863 0.834684", "51.9782886 30.92693", "[34848.697107] usb",
    "65 66 77 218 301", "hat 418.220 Dateien", "hat 83 190 556 Einwohner", "signal 12.345.678",
    "called 1000000 times", "reach 418 220 people", "id IN (4561341913, 6267813229)",
    "GET /items/9477012008 200", "SET x=5626754635", "UTR 5427507930", "RGB 620 959 231",
    "950-566 566-823", "sizes 08 26 02 57 12 55", "un 864.916.013 de seguidores",
    "05204876-7d30-46b2-b10d", "am 080724 geboren", "05 14 29 03",
    "cell counts 1204 1310 1288", "903-924 924-667",
    "44.7176 36.2751", "mobile first 320 480 768 1024", "call option 105 110 115",
)  # fmt: skip

_SPELLED: Final = scanner(spelled.PATTERN)
_SPELLED_GATE: Final = scanner(spelled.GATE)
# A bank account or a card: no part of it is a phone. Of a chain it takes at least 14 characters.
_OTHER_CHAIN: Final = re.compile(
    rb"[A-Za-z]{2}[0-9]{2}[ -]?(?:[0-9]{4}[ -]?){3}|..(?:[0-9]{4}[ -]){3}[0-9]{4}(?![0-9])"
)
# How far the rule looks around a chain: for words before it, for a word or an extension behind it.
_LOOK_BACK, _LOOK_AHEAD = 40, 24
_MARKS: Final = b" ./()[]+-"  # all that stands in a chain between the digits
# But for a comma and a blank; told first, as the pattern is dear.
_EXTENSION_BEGINS: Final = tuple(b"x / - ( ext dah ic dur dw neb app pos int ane".split())
_EXTENSION: Final = re.compile(
    rb"(?i)(?:,? ?(?P<open>\()?(?:x|extn?\.?|extension|dahili|ic hat|durchwahl|dw\.?|nebenstelle"
    rb"|apparat|app\.|poste|int\.|interno|anexo)(?: (?:no|nr)\.?)?[ :.]{0,2}| ?/ |-)"
    rb"[0-9]{1,5}(?![ .-]?[0-9]|[A-Za-z_])(?(open)\)?)"
)
_DATE: Final = re.compile(
    rb"(?:19|20)[0-9]{2}([-./ ])[01]?[0-9]\1[0-3]?[0-9](?![0-9])"
    rb"|[0-3]?[0-9]([-./ ])[0-3]?[0-9]\2(?:19|20)[0-9]{2}(?![0-9])"
)
_CURRENCIES: Final = (b"$", b"\xa2")
_BEFORE_AMOUNT: Final = (b"$ ", b"\xa2 ")
_LETTER_O: Final = b"oO"
_ZEROS: Final = bytes.maketrans(_LETTER_O, b"00")
_WITH_LETTERS: Final = re.compile(
    rb"[0-9oO](?:[ ./()-]{0,3}(?:[0-9]|[oO](?=[ ./()-]{0,3}[0-9oO])|(?<=[0-9])[oO])){6,15}"
)
_NAMED: Final = ("phone", "near")  # what the words beside a number must call it
_VETOES: Final = ("veto", "far")

_BLANK: Final = 0x20
_BRACKET: Final = 0x28
_PLUS: Final = 0x2B
_ZERO: Final = 0x30

SPELLED = (
    "two one two five five five oh one four three",
    "two one two, five five five, oh one four three",
    "zero seven seven double oh nine hundred one two three",
    "sıfır beş yüz otuz iki yüz yirmi üç kırk beş altmış yedi",
    "sıfır beş üç iki bir iki üç dört beş altı yedi",
    "null eins sieben sechs fünf fünf null eins zwei drei",
    "zéro six douze trente-quatre cinquante-six soixante-dix-huit",
    "zéro six quatre-vingt-douze vingt et un zéro zéro quatorze",
    "seis uno dos tres cero uno seis siete ocho",
)
NOT_SPELLED = (
    "one two three four five six seven eight nine ten",
    "zero one two three four five six seven eight nine",
    "bir iki üç dört beş altı yedi sekiz dokuz on",
    "eins zwei drei vier fünf sechs sieben acht neun zehn",
    "zero one one zero one zero zero one one zero",
    "five six seven eight, five six seven eight",
    "code two one two five five five oh one four three",
    "the one on the left, two on the right",
)

_GATE: Final = r"[0-9](?:[ ./()-]{0,3}[0-9]){5}"


def rules(regions: tuple[str, ...]) -> tuple[Rule, Rule]:
    """Return the rules for the numbers of some regions; raises ValueError for an unknown one."""
    finder = Finder(regions)
    return (
        Rule("phone", (_GATE,), finder.find, MATCHES, REJECTS),
        Rule("phone", (spelled.GATE,), finder.find_spelled, SPELLED, NOT_SPELLED),
    )


class Finder:
    """Finds the numbers of some regions, and international numbers of all."""

    def __init__(self, regions: tuple[str, ...]) -> None:
        self._by_size: dict[int, list[Region]] = {}
        for region in map(Region.of, regions):
            for size in region.sizes():
                self._by_size.setdefault(size, []).append(region)

    def find(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the numbers in a view."""
        numbers = Decisions(self._in_chain)
        for start, end in chains(data):
            if data[start] == _PLUS and _is_plain(data, start, end):
                yield start, _extended(data, end)
                continue
            begin = max(0, start - _LOOK_BACK)
            letters = _with_letters(data, start, end)
            if letters > 0:
                size = len(data[begin:letters])
                if self._with_letter(data[begin : letters + _LOOK_AHEAD], start - begin, size):
                    yield start, _extended(data, letters)
                    continue
            start += data[start] in _LETTER_O
            for a, b in numbers[data[begin : end + _LOOK_AHEAD], start - begin, end - begin]:
                yield begin + a, begin + b

    def find_spelled(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the numbers in words in a view."""
        numbers = Decisions(self._in_words)
        for match in _SPELLED.finditer(data):
            start, end = match.span()
            begin = max(0, start - _LOOK_BACK)
            for a, b in numbers[data[begin:end], start - begin]:
                yield begin + a, begin + b

    def _in_words(self, data: bytes, start: int) -> list[Range]:
        """Return the number that a run of number words, from `start` on, ends with."""
        context = context_before(data, start)
        if context in _VETOES or not _SPELLED_GATE.search(data, start):
            return []
        parts = spelled.parts(data[start:].decode("latin-1").lower())
        values = [int(part.digits) for part in parts]
        if len({b - a for a, b in pairwise(values)}) < 2:
            return []  # counted
        every = "".join(part.digits for part in parts)
        done = 0
        for first, part in enumerate(parts):
            digits = every[done:]
            done += len(part.digits)
            if len(digits) > 13 or (first and part.digits != "0"):
                continue
            if len(digits) < 9 or len(set(digits)) < 3 or digits in COUNTING:
                break
            number = Number(digits, (len(digits),), b"")
            regions = self._by_size.get(len(digits), ())
            if any(region.accepts(number, context in _NAMED) for region in regions):
                return [(start + part.start, start + parts[-1].end)]
        return []

    def _in_chain(self, data: bytes, start: int, end: int) -> list[Range]:
        """Return the numbers in the chain `[start, end)`, seen with what stands around it."""
        found: list[Range] = []
        if end - start >= 14 and _OTHER_CHAIN.match(data, max(0, start - 2)):
            return found
        end = _without_amount(data, start, end)
        groups = digit_groups(data, start, end)
        if is_book(groups):
            return found
        if is_in_equal_parts(groups) and context_before(data, start) in _VETOES:
            return found
        if is_draw(data, groups) and context_before(data, start) not in _NAMED:
            return found
        if are_odd(groups) and (odd := self._all_odd(data, start, groups)):
            return odd
        first = done = 0
        while first < len(groups):
            number = None
            if first == done or not is_amid(data, groups, first):
                number = self._longest(data, start, groups, first)
            if number is None:
                first += 1
                continue
            begin, end = number
            end = _extended(data, end)
            found.append((begin, end))
            first = done = bisect_left(groups, (end, 0))
        return found

    def _all_odd(self, data: bytes, start: int, groups: list[Range]) -> list[Range]:
        """Return the numbers in a chain if one of them is in odd groups."""
        if odd := self._odd(data, start, groups):
            return [(odd[0], _extended(data, odd[1]))]
        parts = _parts(data, start, groups)
        if len(parts) == 1 or not any(self._odd(data, *part) for part in parts):
            return []
        return [found for a, part in parts for found in self._in_chain(data, a, part[-1][1])]

    def _with_letter(self, data: bytes, start: int, end: int) -> bool:
        """Tell whether `[start, end)` is a number some of whose zeros are the letter."""
        digits = data[start:end].translate(_ZEROS, _MARKS).decode()
        if glued_left(data, start) or glued_right(data, end):
            return False
        named = context_before(data, start) in _NAMED
        regions = self._by_size.get(len(digits), ())
        return len(digits) > 8 and any(r.is_sure(digits, named) for r in regions)

    def _odd(self, data: bytes, start: int, groups: list[Range]) -> Range | None:
        """Return the chain if it is one number written digit by digit, or in odd groups."""
        end = groups[-1][1]
        text = data[start:end]
        if not _without_remark(text):
            return None
        digits = text.translate(None, _MARKS)
        shape = tuple(b - a for a, b in groups)
        number = Number(digits.decode(), shape, text)
        if (
            not 8 <= len(digits) <= 16
            or len(groups) < 2
            or is_made_up(number)
            or is_list(data, groups)
            or glued_left(data, start)
            or glued_right(data, end)
        ):
            return None
        context = context_before(data, start) or context_after(data, end)
        named = context in _NAMED
        rest = data[groups[1][0] : end].replace(b" - ", b" ").replace(b" / ", b" ")
        one_mark = len(set(rest.translate(None, b"0123456789()"))) < 2
        if text[0] == _PLUS or text[:2] == b"(+":
            by_digit = max(shape[1:]) == 1
            ok = len(digits) > 9 and (by_digit or _international(text, digits, strict=True))
            return (start, end) if ok and _international(text, digits) else None
        if context in _VETOES or not (named or one_mark):
            return None
        if digits[:2] == b"00":
            ok = digits[2] != _ZERO and _international(text, digits, b"00", strict=not named)
        else:
            regions = self._by_size.get(len(digits), ())
            ok = any(region.accepts_odd(number, named) for region in regions)
        return (start, end) if ok else None

    def _longest(self, data: bytes, chain: int, groups: list[Range], first: int) -> Range | None:
        """Return the longest number that starts with group `first`."""
        start = _start(data, chain, groups, first)
        if start < 0 or glued_left(data, start) or _is_date(data, groups[first]):
            return None
        international = _PLUS in data[start : start + 2]
        context: str | None = None
        for last in range(min(first + 7, len(groups)), first, -1):
            end = groups[last - 1][1]
            digits = data[start:end].translate(None, _MARKS)
            if len(digits) < 6:
                break
            text = b"" if glued_right(data, end) else _without_remark(data[start:end])
            if not text or len(digits) > 17:
                continue
            if international:
                if _international(text, digits):
                    return end - len(text), end
                continue
            if context is None:  # inside a chain the words before it are about another number
                context = "" if first else context_before(data, start)
            shape = tuple([b - a for a, b in groups[first:last]])
            number = Number(digits.decode(), shape, text)
            behind = context_after(data, end)
            called = behind if behind == "veto" and context in _NAMED else context or behind
            if called not in _NAMED and goes_on(data, groups, last):
                continue
            if self._accept(number, called):
                return end - len(text), end
        return None

    def _accept(self, number: Number, context: str) -> bool:
        """Decide whether a run of digits without a plus sign is a phone number."""
        digits = number.digits
        if digits[:2] == "00":
            vetoed = context in _VETOES
            return (
                digits[2:3] != "0"
                and (not vetoed or 2 < len(number.shape) < 5)
                and _international(number.text, digits.encode(), b"00", strict=vetoed)
            )
        american = digits[:3] == "011" and number.shape[0] == 3
        if american and _international(number.text, digits.encode(), b"011", strict=True):
            return True
        if context in _VETOES:
            return is_bracketed(number) or (context == "far" and self._is_grouped(number))
        bare = len(number.shape) == 1 and digits[0] != "0"
        named = context in _NAMED
        if (bare and context == "numbered") or is_other(number) or (not named and is_odd(number)):
            return False
        for region in self._by_size.get(len(digits), ()):
            if region.accepts(number, named):
                return True
        return is_local(number) if context == "phone" else is_abroad(number, near=named)

    def _is_grouped(self, number: Number) -> bool:
        """Tell a whole number in its groups: a word far from it calls it nothing else."""
        if len(number.shape) < 2 or number.shape[0] == 2 or len(number.digits) < 10:
            return False
        regions = self._by_size.get(len(number.digits), ())
        return any(region.is_sure(number.digits, True) for region in regions)


def _with_letters(data: bytes, start: int, end: int) -> int:
    """Return where the chain `[start, end)` ends with letters for zeros in it, or 0 without any."""
    begins = data[start] in _LETTER_O
    if begins and len(data[start:end].translate(None, _MARKS)) < 9:
        return 0  # the gate needs so many digits
    last = data[end] if end < len(data) else 0
    if last in b" .-/" and end + 1 < len(data):
        last = data[end + 1]
    if last not in _LETTER_O:
        return end if begins else 0
    whole = _WITH_LETTERS.match(data, start)
    return max(end, whole.end()) if whole else 0


def _extended(data: bytes, end: int) -> int:
    """Return where a number up to `end` ends with its extension, or two: `9713-0 App. 44`."""
    for _ in range(2):
        begins = data[end : end + 5].lstrip(b", ").lower()
        extension = _EXTENSION.match(data, end) if begins.startswith(_EXTENSION_BEGINS) else None
        if extension is None:
            break
        end = extension.end()
    return end


def _is_plain(data: bytes, start: int, end: int) -> bool:
    """Tell whether a chain is an international number as most are written: what follows agrees."""
    digits = data[start + 1 : end].replace(b" ", b"").replace(b"-", b"")
    return (
        data[start + 1] > _ZERO
        and digits.isdigit()
        and 9 <= len(digits) <= 13
        and end - start - len(digits) < 8
        and not glued_left(data, start)
        and (data[end : end + 1] == b"@" or not glued_right(data, end))  # "sip:+44…@trunk"
        and _code_size(digits) > 0
        and _DATE.match(data, start + 1) is None
    )


def _international(
    text: bytes, digits: bytes, prefix: bytes = b"", *, strict: bool = False
) -> bool:
    """Decide about the digits of a text, which stand behind a plus sign or a double zero."""
    if text.find(b"(0)") >= 0:
        digits = text.replace(b"(0)", b"").translate(None, _MARKS)
    digits = digits.removeprefix(prefix)
    size = _code_size(digits)
    national = digits[size:]
    if not size or not 4 <= len(national) <= 14:
        return False
    # People invent and mistype numbers; a prefix and a country code say enough. And the data of
    # most countries need not be loaded, which takes milliseconds.
    return (9 <= len(digits) <= 13 and not strict) or any(
        is_valid_abroad(int(digits[:size]), each.decode())
        for each in (national, national.lstrip(b"0") or b"0")
    )


def _code_size(digits: bytes) -> int:
    """Return how many digits the calling code has that some begin with, or 0."""
    for size in (1, 2, 3):
        if digits[:size] in _CODES:
            return size
    return 0


# The calling codes in one to three digits.
_CODES: Final = frozenset(
    b"%0*d" % (size, code) for code in REGIONS_BY_CODE for size in range(len(str(code)), 4)
)


def _is_date(data: bytes, group: Range) -> bool:
    """Tell whether a date starts with some digits."""
    start, end = group
    return end - start in (1, 2, 4) and _DATE.match(data, start) is not None


def _without_remark(text: bytes) -> bytes:
    """Return a number without a bracket that opens a remark; nothing if it cannot be one."""
    opening, closing = text.count(b"("), text.count(b")")
    if opening > closing and text[0] == _BRACKET:
        text, opening = text[1:], opening - 1
    return text if opening == closing and text.find(b". ") < 0 else b""


def _without_amount(data: bytes, start: int, end: int) -> int:
    """Return where a chain ends without the amount of money it may hold: `start` if it is one."""
    if data[start] > _ZERO and data[max(0, start - 2) : start] in _BEFORE_AMOUNT:
        return start
    if data[end : end + 2].strip(b" ")[:1] not in _CURRENCIES:  # or nothing
        return end
    amount = AMOUNT.search(data, start, end)
    return amount.start() if amount else end


def _parts(data: bytes, start: int, groups: list[Range]) -> list[tuple[int, list[Range]]]:
    """Return start and groups of what the ends of sentences, or strokes, part in a chain."""
    parts, first = list[tuple[int, list[Range]]](), 0
    for i in range(1, len(groups)):
        between = data[groups[i - 1][1] : groups[i][0]]
        if between[:2] == b". " or between == b" / ":
            parts.append((start, groups[first:i]))
            start, first = groups[i][0], i
    return [*parts, (start, groups[first:])]


def _start(data: bytes, chain: int, groups: list[Range], first: int) -> int:
    """Return where a number with this group as its first starts, or -1, told cheaply, if none."""
    a, b = groups[first]
    if not first:
        a_number = data[chain] in b"+([" or data[a] == _ZERO or b - a >= 3
        second = groups[1] if len(groups) > 1 else (0, 0)
        return chain if a_number or second[1] - second[0] > 1 else -1
    # Inside a chain: the groups before it are another value only if a blank parts them and the
    # number looks like one by itself.
    start = a
    while data[start - 1] == _BRACKET:
        start -= 1
    another = data[groups[first - 1][1] : start] == b" / " and b - a >= 3
    if start == a and data[a] != _ZERO and not another:
        mark = data[a + 3 : a + 4]
        if b - a != 3 or mark not in b"-." or data[a + 7 : a + 8] != mark:
            return -1
    return start if _BLANK in data[groups[first - 1][1] : start] else -1
