"""English addresses that end with a state or a postcode, read from the right."""

import re
from collections.abc import Iterator

from sidecar.redact.address_en import FOLLOWS, NUMBER, SMALL
from sidecar.redact.address_en_place import (
    AU_CODE,
    CA_CODE,
    COUNTRY,
    PHONE_AFTER,
    SEP,
    STATE,
    TOKEN,
    TOWNS,
    UK_CODE,
    ZIP,
    ZIPS,
    behind_institution,
    is_stop,
)
from sidecar.redact.address_town import known_town
from sidecar.redact.engine import scanner
from sidecar.redact.rule import NOTHING, Nearby, Range, Rule
from sidecar.redact.words import alternatives, words

_EN_STREET = words("en.street")
_EN_NOT_CITY = words("en.not_city")
_EN_OPENER = words("en.opener")
_EN_PLACE = words("en.place")
_US_CODE = words("us.code")
_WORD_CODE = words("us.code.word")
_MATCHES = (
    "LS6 2ST", "Highway 80, Allentown, GA 31003", "The Old Bakery, High Way, Norwich, NR2 3SX",
    "FPO AE 25990", "Rosewood Court, 12 Mill Lane, Ripley GU23 6AA",
    "Kingsway House, 103 Kingsway, London WC2B 6QX",
    "Ivy Cottage\nBack Lane\nRamsbury\nMarlborough SN8 2QH",
    "rose cottage church street ludlow sy8 1aw", "mill lane cottenham cambridge cb24 8rb",
    "the old forge back lane hathersage s32 1ar", "Ty Gwyn, Lon Isaf, Menai Bridge LL59 5LN",
    "Unit 4, The Printworks, 22 Amelia Street, London SE17 3BZ",
    "Kirkstone, 5 Fell Close, Bardsea, Ulverston LA12 9RA",
    "The Old Smithy, Church Lane, Great Longstone, Derbyshire DE45 1TB",
    "Rose Bank, 71 Victoria Road, Southport, Merseyside PR9 0DS",
    "The Boathouse, Shore Road, Sandbank, Dunoon PA23 8PD",
    "Wester Balgarvie, by Cupar, Fife KY15 5NX", "Nether Barr, near Girvan, Ayrshire KA26 9TX",
)  # fmt: skip


# From the right: a state with a ZIP, or a postcode; the address is what precedes it.
_RIGHT_PATTERN = rf"\b{STATE}[ ,.]{{1,3}}{ZIPS}|, [A-Z][A-Z]\b|\b{UK_CODE}|\b{CA_CODE}|{AU_CODE}"
_HOUSE = re.compile(rf"#?{NUMBER},?|[0-9]+(?i:st|nd|rd|th)|#")
_LEAD = re.compile(
    r"(?i:p\.?o\.?|box|suite|ste|apt|flat|unit|dept|department|lock|lockbox|drawer|route|highway|hwy"
    r"|rr|apo|fpo|dpo|msc|customer|psc|junction|spur|lot|floor)\.?,?"
)
_PLAIN_WORD = re.compile("[a-z]{3,}|on|at|in")
# "i rent a room 1340 e 9th st": the number is that of the house
_A_UNIT = re.compile("(?:a|an|my|our|the|this|his|her|their) [a-z]+ [0-9-]+[a-z]? [A-Za-z]")
_GLUED = re.compile(r"[-/_.#]")
_GLUED_RIGHT = re.compile(r"[A-Za-z0-9_-]")
_DIGITS_AFTER = re.compile(rf"{SEP}[0-9]{{5}}")
_ZIP_AFTER = re.compile(rf"{SEP}(?:{ZIP}|{CA_CODE})")
_ZIP = re.compile("[0-9]{5}")
_TIME = re.compile(r"[0-9]{1,2}(?:[:.][0-9]{2})?(?i:am|pm)")
_A_DIGIT = re.compile("[0-9]")
_UPPER_CODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}")


def _from_the_right(text: str, anchor: int, end: int, reach: int) -> Range:
    """Return a state or a postcode and what precedes it, at the most `reach` characters."""
    code = text[anchor:end]
    if _GLUED.match(text, anchor - 1) or _GLUED_RIGHT.match(text, end):
        return NOTHING
    if code[2:].isalpha() and code[2:].lower() not in _US_CODE:
        return NOTHING
    begin = anchor - reach
    start = _walk_left(text, begin, anchor, code[:2].islower())
    if start == anchor and code[-3:].isalnum() and _A_DIGIT.search(code):
        start = _plain_start(text, begin, anchor)
    if code[:2] == ", " and not _is_state(text, start, anchor, code[2:]):
        return NOTHING
    word = code[:2].lower() in _WORD_CODE and not code[:2].isupper()
    if word and (PHONE_AFTER.match(text, end) or not _has_street(text[start:anchor])):
        return NOTHING
    spaced = " " in code or "," in text[start:anchor] or not code[0].isalpha()
    above = start if _A_DIGIT.search(text, start, anchor) else _lines_above(text, start)
    plausible = start < anchor and (spaced or _A_DIGIT.search(text, start, anchor))
    if not (above < start or plausible or _UPPER_CODE.fullmatch(code)):
        return NOTHING
    start = above
    # Behind a postcode another number is a phone: "HG1 2QU, 01423 814070".
    code_end = None if _A_DIGIT.search(code) else _ZIP_AFTER.match(text, end)
    end = code_end.end() if code_end else end
    country = COUNTRY.match(text, end)
    return behind_institution(text, start, anchor), country.end() if country else end


def _is_state(text: str, start: int, anchor: int, code: str) -> bool:
    """Tell whether two capitals behind a comma are a state, as in "K 1024, MB" they are not."""
    if text[anchor - 1].isdigit():
        return False
    if code.lower() not in _WORD_CODE:
        return True
    end = anchor + 2 + len(code)  # "12 models, OR gate"
    ends = FOLLOWS.match(text, end) or _DIGITS_AFTER.match(text, end) or COUNTRY.match(text, end)
    if ends is None or _A_DIGIT.search(text, start, anchor) is None:
        return False
    names = [(m.start(), m.group()) for m in TOKEN.finditer(text, start, anchor)][-3:]
    if any(known_town(text, at, TOWNS) == anchor for at, _ in names):
        return True
    last = names[-1][1]  # "500 tickets, OK?", "12 Elm Street, OK?", "Gemini 8 Landing, OK?"
    comma = text.rfind(",", start, anchor)
    numbered = _A_DIGIT.search(text, max(start, comma), anchor) is not None
    return last[0].isupper() and not (numbered and last.rstrip(".").lower() in _INNER)


# A line of an address: a few words, all with capitals or digits.
_ADDRESS_LINE = re.compile(
    r"(?:.*: )?((?:#?[A-Z0-9][A-Za-z0-9'./-]*,? ?|(?:of|on|the|upon|le|de|la|del) ){1,5})"
)


_GREETING = _EN_NOT_CITY - words("en.unit") - {"the"}


def _lines_above(text: str, start: int) -> int:
    """Return where the lines above a town start that belong to its address."""
    line_start = max(text.rfind("\n", max(0, start - 60), start) + 1, start - 60, 0)
    first = found = line_start if _ADDRESS_LINE.fullmatch(text, line_start, start) else start
    for _ in range(4):
        if text[max(0, first - 1) : first] != "\n":
            break
        begin = max(text.rfind("\n", max(0, first - 60), first - 1) + 1, first - 60, 0)
        line = _ADDRESS_LINE.fullmatch(text, begin, first - 1)
        words = set(TOKEN.findall(line.group(1).lower())) if line else set()
        if line is None or not _GREETING.isdisjoint(words):
            break
        # A line without a number is the name of a house if a street follows.
        street = found == first < line_start and not _A_DIGIT.search(text, first, start)
        first = line.start(1)
        if street or _A_DIGIT.search(line.group(1)) or not _INNER.isdisjoint(words):
            found = first
        if _A_DIGIT.match(line.group(1)) and not _INNER.isdisjoint(words):
            break  # above number and street stands a name
    return found if found < line_start else start


def _has_street(text: str) -> bool:
    """Tell whether a word for street is among the words."""
    plain = TOKEN.findall(text.lower().replace(".", ""))
    return not _STREET_OR_BOX.isdisjoint(plain) or _AN_ORDINAL.search(text) is not None


_STREET_OR_BOX = _EN_STREET | {"box", "drawer"}
_AN_ORDINAL = re.compile(r"(?i:n|s|e|w|ne|nw|se|sw)\.? [0-9]{1,3}(?i:st|nd|rd|th)\b")


_INNER = words("en.street") | words("en.street.weak") | words("en.unit") | {"the", "and", "c/o"}


def _walk_left(text: str, begin: int, anchor: int, lower: bool) -> int:
    """Return where the address that ends with the code at `anchor` starts, or `anchor`."""
    begin = max(begin, text.rfind("\n", begin, anchor) + 1, text.rfind("\0", begin, anchor) + 1)
    house = capital = anchor
    following = ""
    tokens = [(m.start() + begin, m.group()) for m in TOKEN.finditer(text[begin:anchor])][-16:]
    for index in range(len(tokens) - 1, -1, -1):
        position, token = tokens[index]
        comma = text[position + len(token)] == ","
        bracket = token[0] == "(" and text.find(")", position, anchor) < 0
        if bracket:  # "Tate Modern (Bankside, London SE1 9TG)"
            position, token = position + 1, token[1:]
        if _NEAR_PLACE.match(text, position) and text.endswith(", ", 0, position):
            following = token
            continue
        joins = following[:1].isdigit() and _joins(token, tokens[max(0, index - 1)][1])
        opens = token.lower() in _EN_OPENER and _OPENS.search(text, max(0, position - 3), position)
        if (
            not token
            or joins
            or opens
            or _ends_walk(token, comma, lower)
            or _follows_name(text, begin, position, following)
        ):
            break
        if _HOUSE.fullmatch(token) or (
            _LEAD.fullmatch(token)
            and not _PLAIN_WORD.fullmatch(following)
            and not _A_UNIT.match(text, _word_before(text, position))
        ):
            house = position
        elif token[0].isupper() and not (lower and house < anchor):
            capital = position
        if bracket:
            break
        following = token
    if house < anchor:
        return min(house, capital)
    # Without a number it takes a name and a town.
    return capital if len(re.findall("[ ,]", text[capital:anchor])) > 1 else anchor


# "Wester Balgarvie, by Cupar, Fife KY15 5NX"
_NEAR_PLACE = re.compile(
    rf"(?:by|near|nr\.?) [A-Z][a-z]+(?:[ -][A-Z]?[a-z]+){{0,2}}, {alternatives('en.county')}\b"
)


def _joins(token: str, before: str) -> bool:
    """Tell whether a word joins two addresses: "... Road, Hitchin and 55 ...", not "3 and 4"."""
    return token in ("and", "&") and (
        (before.isalpha() and len(before) > 1) or _ZIP.fullmatch(before) is not None
    )


def _word_before(text: str, start: int) -> int:
    """Return where the short word before `start` starts, or `start`."""
    blank = text.rfind(" ", max(0, start - 7), max(0, start - 1))
    return blank + 1 if blank >= 0 else start


def _plain_start(text: str, begin: int, anchor: int) -> int:
    """Return where the street in lower case starts that stands before a code, or `anchor`.

    It has no number: "mill lane cottenham cambridge cb24 8rb", "rose cottage church st ludlow".
    """
    begin = max(begin, text.rfind("\n", begin, anchor) + 1, text.rfind("\0", begin, anchor) + 1)
    tokens = [(m.start(), m.group()) for m in TOKEN.finditer(text, begin, anchor)][-10:]
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index][1]
        if not token.replace("'", "").isalpha() or (is_stop(token) and token not in ("on", "back")):
            tokens = tokens[index + 1 :]
            break
    names = [token for _, token in tokens]
    at = next((i for i, name in enumerate(names) if i and name in _PLAIN_STREET), 0)
    if not at or len(names) - at > 6 or len(names) - at < 2:
        return anchor
    first = at - 1
    first -= bool(first and names[first - 1] in _PLAIN_LEAD)
    if first and names[first - 1] in _PLAIN_HOUSE:
        first = max(first - 2, 0)
        while first and names[first - 1] in _PLAIN_LEAD:
            first -= 1
    return tokens[first][0]


_PLAIN_STREET = frozenset(
    "street st road rd avenue ave lane ln drive close crescent terrace grove way hill".split()
)
_PLAIN_LEAD = frozenset(
    "the old new st great little upper lower north south east west long high back".split()
)
_PLAIN_HOUSE = words("en.house.main.plain")


def _follows_name(text: str, begin: int, start: int, following: str) -> bool:
    """Tell whether only a name stands before the address: "Ann Lee of 8 Ash Lane", "c/o Acme"."""
    if text.startswith("of ", start):
        return following[:1].isdigit() and text[max(start - 5, 0) : start] != "rear "
    return text[start : start + 4].lower() == "c/o " and not _A_DIGIT.search(text, begin, start)


def _ends_walk(token: str, comma: bool, lower: bool) -> bool:
    """Tell whether a word belongs to the sentence before an address."""
    word = token.strip("()'\"").rstrip(".").lower()
    quoted = token[-1] == "'" and token[-2:-1] != "s"
    if quoted or token[-1] in ':?!)"' or token[0] in '"{}[]|=$\xa2':
        return True
    if (is_stop(token) and word != "on") or word in _RECIPIENTS or token in ("AM", "PM"):
        return True
    if _TIME.fullmatch(word):
        return True  # "Mon 9am 161 Stafford Street"
    if (len(word) > 4 or word in _EN_LAST) and token[-1] == "." and word not in _EN_STREET:
        return True
    if comma and not lower and token[0].islower() and word in _EN_PLACE:
        return True  # "The house, 2 Rope Walk"
    inner = word in _INNER or word in SMALL
    plain = word.isalpha() and token[0].islower() and len(word) > 2 and not inner
    return plain and not lower and not comma


_OPENS = re.compile(r"(?:\A|[\n.!?:\"(] ?)\Z")
_EN_LAST = frozenset(  # short words, with which a sentence ends
    "day week year time now here it me us him them home work town city away back well that".split()
)
_RECIPIENTS = frozenset("occupier occupiers occupant resident residents householder".split())
# Before a ZIP any word may stand: fifty names of states would cost the gate its pace.
_GATE = rf"[A-Za-z.][ ,.]{{1,3}}{ZIPS}|, [A-Z][A-Z]\b|\b{UK_CODE}|\b{CA_CODE}|{AU_CODE}"


_RIGHT = scanner(_RIGHT_PATTERN)
_LOOK_BACK = 480  # 110 characters, five lines above, and a name


def coded(data: bytes) -> Iterator[Range]:
    """Yield the addresses in a view that end with a state or a postcode."""
    nearby, done = Nearby(data.decode("latin-1"), _from_the_right, _LOOK_BACK), 0
    for match in _RIGHT.finditer(data):
        anchor, end = match.span()
        a, b = nearby.range(anchor, end, anchor - max(done, anchor - 110))
        done = end
        if a < b:
            yield a, b


_REJECTS = ("he ran 400 m, then 3 lane, OK?", "we sold 500 State Fair tickets, OK?")
RULES: tuple[Rule, ...] = (Rule("address", (_GATE,), coded, _MATCHES, _REJECTS),)
