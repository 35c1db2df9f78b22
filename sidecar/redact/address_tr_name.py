"""Names in Turkish addresses: where the name of a part starts, and which places stand around."""

import re
from collections import Counter
from typing import NamedTuple

from sidecar.redact.words import alternatives, words

_TR_STOP = words("tr.stop")
_EN_STOP = words("en.stop")
_TR_INSTITUTION = words("tr.institution")
_PEOPLE = frozenset("bey hanim abi abla teyze amca dayi usta".split())
_TR_VISITED = words("tr.visited")
_PLACE_VISITED = frozenset(word for word in _TR_VISITED if len(word) > 4 and word[-1] in "iu")
_TR_NOT_PLACE = words("tr.not_place")
_TR_OPENER = words("tr.opener")
_TR_QUARTER = words("tr.quarter")
# A name does not reach across these: `{"ad":"Can","adres":"Gul Sok. No:4"}`, `1;Can;Gul Sok.`
_EDGE = re.compile(r'.*(?:["\n\t\0{}\[\](<>;|=:]|,(?! ))', re.DOTALL)
_WORD = r"[A-Za-z\xc0-\xff]{2,20}"
PLACE = re.compile(
    r"[ ,./\n-]{1,3}\(?(?:(?:[0-9]{1,4} )?([0-9]{5})(?![0-9A-Za-z])"
    rf"|({_WORD})(?: ?/ ?({_WORD}))?\)?)"
)
_NEXT_WORD = re.compile(r" ?([A-Za-z\xc0-\xff]*)")
# Short for a province, and the districts of Northern Cyprus.
_OTHER_PROVINCES = frozenset(
    "ist ank izm afyon antep urfa maras icel lefkosa girne gazimagusa guzelyurt lefke".split()
)
_CENTRES = frozenset({"merkez", "izmit", "adapazari", "antakya"})
# From small to large: in an address no smaller place follows in lower case.
RANKS = {
    **dict.fromkeys(_TR_QUARTER, 0),
    **dict.fromkeys(words("district", "tr_places.txt") | _CENTRES, 1),
    **dict.fromkeys(words("province", "tr_places.txt") | _OTHER_PROVINCES, 2),
    **dict.fromkeys(("turkiye", "turkey", "tr", "kktc"), 3),
}
_SHORT_PROVINCES = frozenset({"ist", "ank", "izm"})
_NEIGHBOURHOODS = words("neighbourhood", "tr_places.txt")
# The first two digits of a postcode are those of its province.
_CODES = {entry[3:]: entry[:2] for entry in words("code", "tr_places.txt")}
_JOINED = frozenset(name.replace(" ", "") for name in _NEIGHBOURHOODS if " " in name)
_STREET_NAMES = words("tr.name")
_LAST_NAMES = frozenset(
    name.rpartition(" ")[2] for name in _NEIGHBOURHOODS | _STREET_NAMES if " " in name
)
_FIRST_NAMES = words("tr.first")


def _beginnings() -> frozenset[str]:
    """Return the words with which several names begin."""
    first = Counter(name.partition(" ")[0] for name in _NEIGHBOURHOODS | _STREET_NAMES)
    return _FIRST_NAMES | {name for name, count in first.items() if count > 2}


_NAME_BEGINS = _beginnings()
_TR_RELATIVE = words("tr.relative")
_NOT_LAST = _TR_STOP | _TR_INSTITUTION | _TR_VISITED
_TITLES = frozenset(
    "sehit sht gazi prof dr av mr mrs muh hz haci seyh pasa org gen alb yzb mimar sair".split()
)
_PERSONS = _TITLES | _FIRST_NAMES


class Part(NamedTuple):
    """A key word and what kind of part it names."""

    start: int
    end: int
    kind: str


# An institution needs no street: "Tip Fakultesi, 58140 Sivas".
_VENUE = alternatives("tr.venue")
_VENUE_WORDS = words("tr.venue")
# "Osmangazi'den Gul Mah. ..."
CASE_ENDING = re.compile("[a-z\xe0-\xff]'(?:[dt][ae]n?|[ny]?[aeiu]|n?in|n?un)(?![a-z])")


_A_LONG_NUMBER = re.compile("[0-9]{6}")
_ORDER = re.compile(r"(?<![A-Za-z])(?i:no|nolu|numara)[.: ]{0,2}$")
_QUARTER_BEFORE = re.compile(
    r"\b(?:[0-9]{1,2}\. |(?i:yukari|asagi|buyuk|kucuk|yeni|eski) )?"
    rf"(?P<name>{alternatives('tr.quarter')})(?: [0-9]{{1,2}}\. (?i:etap|kisim))?,? $"
)
_QUARTER_LAST = {name.rpartition(" ")[2] for name in _TR_QUARTER} | {"etap", "kisim"}

_PLACE_BEFORE = re.compile(rf"(?:((?:{_WORD} )?{_WORD})|([0-9]{{5}}))(?:(?: ?[/,-])? ?|, )\Z")
_VENUE_BEFORE = re.compile(
    r"(?<![A-Za-z0-9\xc0-\xff'])"
    r"(?:(?:[A-Z\xc0][A-Za-z\xc0-\xff.]*|[0-9]{1,2}\.) (?:(?:ve|&) )?){1,5}"
    rf"(?=[A-Z]){_VENUE}(?:,? )?\Z"
)
_RELATIVE = frozenset("ici karsisi yani arkasi bitisigi".split())
# "carsi ici", "Adalet Sarayi karsisi,"
_BESIDE_BEFORE = re.compile(
    r"(?<![A-Za-z0-9\xc0-\xff'])(?:(?i:carsi|koy|sanayi|site|kampus|otogar|garaj) (?i:ici)"
    r"|(?:[A-Z\xc0][A-Za-z\xc0-\xff.]* ){1,3}(?i:karsisi|yani|arkasi|bitisigi))(?:,? )\Z"
)
_INSTITUTIONS = alternatives("tr.venue", "tr.institution")
_INSTITUTION_BEFORE = re.compile(_VENUE_BEFORE.pattern.replace(_VENUE, _INSTITUTIONS))


def place_start(text: str, start: int) -> int:
    """Return where the places start that stand before an address: known ones, and venues."""
    if _word_before(text, start) in _VENUE_WORDS:
        venue = _VENUE_BEFORE.search(text, max(0, start - 60), start)
        if venue and venue.group().split()[0].lower() not in _TR_STOP:
            start = venue.start()
    origin, lower = start, text[start : start + 1].islower() or text[start : start + 1].isdigit()
    for _ in range(4):
        word = _word_before(text, start)
        beside = _beside_start(text, start) if word in _RELATIVE else start
        if beside < start:
            start = beside
            continue
        quarter = None
        if word in _QUARTER_LAST:
            quarter = _QUARTER_BEFORE.search(text, max(0, start - 40), start)
        if quarter and (quarter["name"][0].isupper() or quarter["name"] not in _TR_NOT_PLACE):
            start = quarter.start()
            continue
        before = _place_before(text, start)
        if before is None:
            break
        name = before.group(1) or ""
        last = name.rpartition(" ")[2]
        known = [place for place in (name, last) if _is_place(place, lower, certain=start < origin)]
        if (
            not known
            and name.count(" ") == 1
            and last[0].isupper()
            and not before.group().endswith(", ")  # "Istanbul Modern, Kilicali Pasa Mah."
            and last.lower() not in _NOT_LAST
        ):
            known = [name] if _is_place(name.split()[0], lower=False, certain=False) else []
        if not known and (
            not before.group(2) or _ORDER.search(text, max(0, start - 12), before.start(2))
        ):
            break
        start = before.end(1) - len(known[0]) if known else before.start(2)
    return start


def _place_before(text: str, start: int) -> re.Match[str] | None:
    """Return the one or two words, or the postcode, that may be a place before `start`."""
    end = start
    while end > max(0, start - 3) and text[end - 1] in " ,/-":
        end -= 1
    last = _word_start(text, end)
    first = _word_start(text, last - 1) if text[max(0, last - 1) : last] == " " else last
    found = _PLACE_BEFORE.match(text, first, start) if first < last else None
    return found or _PLACE_BEFORE.match(text, last, start)


def _word_start(text: str, end: int) -> int:
    """Return where the word before `end` starts; far from it, if it is too long for a name."""
    start = end
    while start > max(0, end - 22) and (text[start - 1].isalnum() or text[start - 1] == "'"):
        start -= 1
    return start


def _beside_start(text: str, start: int) -> int:
    """Return where a landmark starts that stands before an address, or `start`."""
    landmark = _BESIDE_BEFORE.search(text, max(0, start - 60), start)
    for word in _PLACES.finditer(text, landmark.start(), start) if landmark else ():
        plain = word.group().lower()
        if plain not in _TR_STOP and not _OWN.search(plain):
            return start if plain in _RELATIVE else word.start()
    return start


def _word_before(text: str, end: int) -> str:
    """Return the word before a comma and a blank that end at `end`, in lower case.

    The patterns for what may stand there are dear, and most words are none of theirs.
    """
    end -= text[max(0, end - 1) : end] == " "
    end -= text[max(0, end - 1) : end] == ","
    start = end
    while start > max(0, end - 20) and text[start - 1].isalnum():
        start -= 1
    return text[start:end].lower()


def _is_place(name: str, lower: bool, certain: bool) -> bool:
    """Tell whether a name is a known place; in lower case it must be nothing else."""
    plain = name.lower()
    if not name[:1].isupper():
        known = 0 < RANKS.get(plain, 3) < 3
        return lower and known and (certain or plain not in _TR_NOT_PLACE)
    known = plain in _NEIGHBOURHOODS or plain in _JOINED or RANKS.get(plain, 3) < 3
    return known or (" " not in name and _OF_QUARTER.search(name) is not None)


def following_word(text: str, end: int) -> str:
    """Return the word behind a part, in lower case; nothing where none follows."""
    word = _NEXT_WORD.match(text, end)
    return word.group(1).lower() if word else ""


def name_start(text: str, part: Part) -> int:
    """Return where the name before a key word starts."""
    start = part.start
    tokens = _tokens_before(text, start)
    if part.kind != "site":
        nearest = tokens[:4]
        known = bool(nearest) and nearest[0][1].lower() in _LAST_NAMES
        for count in range(len(nearest) if known else 0, 1, -1):
            name = " ".join(token for _, token in nearest[count - 1 :: -1]).lower()
            mixed = nearest[count - 1][1][0].islower() and nearest[0][1][0].isupper()
            if (name in _NEIGHBOURHOODS or name in _STREET_NAMES) and not mixed:
                return nearest[count - 1][0]
    # In lower case nothing tells a name from the sentence before it: one word, and titles.
    for position, token in tokens:
        word = token.strip(".,'").lower()
        letters = word.replace(".", "")  # "G.O.P."
        abbreviation = token[-1] == "." and (len(letters) < 5 or letters.isdigit())
        following = text[start : part.start].partition(" ")[0].lower()
        if _ends_name(part, token, word, following) or not (token[-1].isalnum() or abbreviation):
            break
        day = word.isdigit() and len(word) < 3 and following in MONTHS  # "18 temmuz mah"
        if not day and _opens_sentence(text, position, word, following, part.kind):
            break
        capital = token[0].isupper() or (token[0].isdigit() and abbreviation)
        old = word in _OLD_OR_NEW and following in _TR_OLD
        if following and not (capital or day or old) and word not in _PERSONS:
            break
        start = position
        if token[0].isdigit() and not (part.kind == "street" and _SERIAL.fullmatch(token)):
            break
    return start


_SERIAL = re.compile(r"[0-9]{1,2}\.?")  # "Konur 2 Sokak"


def _ends_name(part: Part, token: str, word: str, following: str) -> bool:
    """Tell whether a word is no part of the name behind it."""
    if part.kind == "site" and (
        token in _EN_STOP or word == "the" or (token.isdigit() and not following)
    ):
        return True  # "at Apt 12", "7 plaza 5A"
    if following and word in _TR_INSTITUTION and word != "camii":
        return True  # "Tip Fakultesi Hastanesi Lale Cad."
    if following and word in _PEOPLE and part.kind != "site":
        return True  # "Mehmet Bey Lale Sok."
    if following and word in _PLACE_VISITED and following not in _TR_RELATIVE:
        return True  # "Ciya Sofrasi Gul Mah."
    if word in _TR_STOP or _A_LONG_NUMBER.match(token):
        return True  # "4525386674956744 cad 12/26"
    return CASE_ENDING.search(token) is not None  # "Osmangazi'den Lale Mah."


def _opens_sentence(text: str, start: int, word: str, following: str, kind: str) -> bool:
    """Tell whether a capital begins a sentence and no name: "Evimizi Lale Cad.".

    `following` is the next word of what is the name so far.
    """
    if not following or word in _TITLES:
        return kind == "site" and _OWN.search(word) is not None  # "Evimizin konak Gul Mah."
    if _OWN.search(word) or _is_mine(word):
        return True
    if not _SENTENCE.search(text, max(0, start - 3), start):
        return False
    before = _ABBREVIATED.search(text, max(0, start - 6), start)
    if before and before.group(1).lower() in _TITLES:
        return False
    if word in _TR_OPENER:
        return following not in _TR_RELATIVE  # "Cami Arkasi Sok."
    # The names of quarters in several words are known, so this one is the word behind.
    alone = following in _TR_QUARTER or following[-1] not in "iu" or _SPOKEN.search(word)
    return kind == "neighbourhood" and word not in _NAME_BEGINS and bool(alone)


def _is_mine(word: str) -> bool:
    """Tell whether somebody's tradesman is named: "Berberim", "Terzim"."""
    mine = word.endswith("m") and not {word[:-1], word[:-2]}.isdisjoint(_TR_OPENER)
    return mine and word not in _TR_OPENER


MONTHS = frozenset(
    "ocak subat mart nisan mayis haziran temmuz agustos eylul ekim kasim aralik".split()
)
_OLD_OR_NEW = frozenset({"eski", "yeni"})
_TR_OLD = words("tr.old")
_SENTENCE = re.compile(r"(?:\A|[\n.!?:\"'(-] ?)\Z")
_ABBREVIATED = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,4})\. ?\Z")
_SUFFIXES = "(?:[aeiu]|[dt][ae]n?|[iu]n|l[ae]r)?"
_OWN = re.compile(
    rf"[a-z](?:[iu]m[iu]z|[iu]n[iu]z|l[ae]r[iu]n){_SUFFIXES}\Z"
    r"|[a-z]l[ae]r(?:[dt][ae]n?|[iu]m|[iu]n[ae])\Z|[a-z](?:[aeiu]c[ae]g|d[iu]g)[iu]m?\Z"
    r"|[a-z]{5}[cfhkps]t[ae]\Z"
    r"|[a-z]{3}[acdefghijklmnopqrstuvwxyz]ey[iu]\Z"
)
_SPOKEN = re.compile("[a-z]{2}(?:l[ae]r|m[ae]|y[ae]|nd[ae]n?)\\Z")  # "Yavrular", "Toplanma"


def _tokens_before(text: str, end: int) -> list[tuple[int, str]]:
    """Return the last five tokens before `end` in its line with their starts, the last first."""
    begin = max(0, end - 59)
    edge = _EDGE.match(text, begin, end)
    begin = edge.end() if edge else begin
    found, position = list[tuple[int, str]](), end + 1
    for token in reversed(text[begin:end].split(" ")):
        position -= len(token) + 1
        if token:
            found.append((position, token))
            if len(found) == _NEAR:
                break
    return found


_NEAR = 5


def place_end(text: str, end: int, capitals: bool) -> int:
    """Return where postcode, district, province and country end."""
    quarter = _NUMBERED_QUARTER.match(text, end)
    known = quarter and RANKS.get(quarter.group(1).lower(), -1) == 0
    places = _place_end(text, quarter.end() if quarter and known else end, capitals)
    opened = text[places - 1] != ")" or "(" in text[end:places]
    return places if places == end or opened else places - 1  # "(Gul Sok. No:4 Kartal)"


def _place_end(text: str, end: int, capitals: bool) -> int:
    rank, coded, turned = -1, False, False
    for _ in range(5):
        place = PLACE.match(text, end)
        if place is None:
            return end
        postcode, name, province = place.groups()
        last = RANKS.get((province or "").lower(), -1)
        if postcode:
            end = place.end()
            coded = True
            continue
        this = _rank(text, name.lower(), place.end(2))
        village = this < 0 and rank < 0 and not (capitals or coded) and _is_village(text, place)
        behind = this == 1 and rank == 2 and not turned and name not in _BEHIND_NONE
        turned = turned or behind  # "mersin akdeniz": the district behind its province
        written = not capitals or name[0].isupper()
        stem = _stem(name.lower()) if this < 0 and not province and written else ""
        if stem and RANKS[stem] > rank:
            return place.start(2) + len(stem)
        word = name in _TR_NOT_PLACE and rank != 1 and not _is_followed(text, place.end(2))
        word = not (behind or village) and (this <= rank or word)
        foreign = capitals and (name not in _SHORT_PROVINCES or rank < 0)
        foreign = foreign and (name != "merkez" or rank != 2)  # "Yozgat merkez"
        if name[0].islower() and (word or foreign or _KAT.match(text, place.end())):
            return end
        if last >= 0:
            end, rank = place.end(), last
        elif this >= 0:
            end, rank = place.end(2), max(this, rank)
        elif village or (rank < 0 and _is_quarter(text, place, coded)):
            end, rank, coded = place.end(2), 0, False
        else:  # a quarter, if a district follows
            district = PLACE.match(text, place.end(2))
            name = ((district and district.group(2)) or "").lower()
            if name not in RANKS and not _stem(name):
                return end
            end = place.end(2)
    return end


def _is_followed(text: str, end: int) -> bool:
    """Tell whether a known place follows what may be a word: "van edremit"."""
    place = PLACE.match(text, end)
    return place is not None and 0 < RANKS.get((place.group(2) or "").lower(), 3) < 3


_NUMBERED_QUARTER = re.compile(rf"[ ,]{{1,2}}[0-9]{{1,2}}\. ?(?=[A-Z])({_WORD})")  # "4. Levent"
_KAT = re.compile(" ?(?i:kat)")  # "bodrum katta" is the basement, not the town
_BEHIND_NONE = _TR_NOT_PLACE - {"merkez"}


def _is_village(text: str, place: re.Match[str]) -> bool:
    """Tell whether a postcode and a known place stand behind a name: "yaylakent 28100 giresun"."""
    name = place.group(2)
    code = PLACE.match(text, place.end(2))
    behind = PLACE.match(text, code.end()) if code and code.group(1) else None
    known = behind is not None and RANKS.get((behind.group(2) or "").lower(), 0) > 0
    return known and name.islower() and len(name) > 3 and name not in _TR_STOP


def _is_quarter(text: str, place: re.Match[str], coded: bool) -> bool:
    """Tell whether a name that is no district is a quarter: a postcode stands before it."""
    name = place.group(2)
    if not name[0].isupper() or text.startswith(". ", place.start()):
        return False
    plain = name.lower()
    return (coded or plain in _NEIGHBOURHOODS) and plain not in _TR_STOP


def institution_start(text: str, end: int) -> int:
    """Return where the name of the institution starts that ends at `end`, or `end`."""
    if _word_before(text, end) not in _INSTITUTION_WORDS:
        return end
    name = _INSTITUTION_BEFORE.search(text, max(0, end - 60), end)
    return name.start() if name else end


_INSTITUTION_WORDS = _VENUE_WORDS | _TR_INSTITUTION


def quarter_start(text: str, end: int) -> int:
    """Return where the quarter or the district starts that ends at `end`, or `end`."""
    name = _LAST_NAME.search(text, max(0, end - 30), end)
    if name and (RANKS.get(name.group().lower(), 3) < 2 or _OF_QUARTER.search(name.group())):
        return name.start()
    return end


_LAST_NAME = re.compile(r"(?<![A-Za-z0-9\xc0-\xff'])[A-Z][A-Za-z]{2,}\Z")
_OF_QUARTER = re.compile("[a-z](?:tepe|koy|evler|kent|pinar|hisar|dere)\\Z")
_CODED = re.compile(r",?[ \n]([0-9]{2})[0-9]{3} (?=[A-Z\xc0])")


def coded_end(text: str, end: int) -> tuple[int, int]:
    """Return where a postcode and the places of its province end, and how many lead to it, or 0."""
    code = _CODED.match(text, end)
    if code is None:
        return end, 0
    places = place_end(text, end, capitals=True)
    names = [name.lower() for name in _PLACES.findall(text, code.end(), places)]
    provinces = [name for name in names if RANKS.get(name) == 2]
    if provinces and _CODES.get(provinces[-1]) == code.group(1):
        return places, names.index(provinces[-1]) + 1
    return end, 0


_PLACES = re.compile(_WORD)
_ENDINGS = re.compile("(?:[dt][ae](?:n|ki|yim|yiz)?|[yn]?[ae]|n?in|n?un)$")


def _stem(name: str) -> str:
    """Return the place whose name has an ending of case, or nothing: "besiktasta"."""
    for size in range(1, 6):
        stem = name[:-size]
        known = len(stem) > 4 and RANKS.get(stem, 0) > 0 and stem not in _TR_NOT_PLACE
        if known and _ENDINGS.fullmatch(name, len(stem)):
            return stem
    return ""


def _rank(text: str, name: str, end: int) -> int:
    """Return the rank of the place `name` that ends at `end`, or -1."""
    rank = RANKS.get(name, -1)
    if rank == 2 and name in _TR_QUARTER:
        following = PLACE.match(text, end)
        if following and RANKS.get((following.group(2) or "").lower(), -1) == 2:
            return 0  # "hatay izmir": a quarter of that name
    return rank
