"""What a number and the name of a street are where they are no address."""

import re

from sidecar.redact.words import alternatives, words

_LABEL = words("en.label") - {"the", "top", "best"}
_MEASURE = words("en.measure")
_STREET = words("en.street")
_UNIT = words("en.unit") | words("eu.apartment")
_STOP = words("en.stop")
_VERB = words("en.verb")

_WORD = r"[A-Z][A-Za-z'.&-]{0,20}"
_NAME = rf"{_WORD}(?: (?:(?:of|the) )?{_WORD}){{0,4}}"
_ITEM = re.compile(rf"([0-9]{{1,2}})[.)]? ({_NAME})")
_ITEM_BEFORE = re.compile(
    rf"(?<![A-Za-z0-9.,/#-])([0-9]{{1,2}})[.)]? ({_NAME})(?:[,;]? (?:and|&) |[,;] |\n)$"
)
_ITEM_BEHIND = re.compile(rf"(?:[,;]? (?:and|&) |[,;] |\n)([0-9]{{1,2}})[.)]? ({_NAME})")
_WORD_BEFORE = re.compile(r"([A-Za-z]+)\.? $")
_LEAST, _MOST = 3, 12  # items


def is_listed(text: str, start: int, end: int) -> bool:
    """Tell whether what stands in `[start, end)` is an item of a list that counts from one.

    "1 Abbey Road, 2 Revolver, 3 Hudson Yards", but not "1 Mill Lane, 2 Mill Lane, 3 Mill Lane".
    """
    item = _ITEM.fullmatch(text, start, end)
    number = int(item.group(1)) if item else 0
    if item is None or not 0 < number <= _MOST:
        return False
    name = item.group(2)
    for expected in range(number - 1, 0, -1):
        before = _ITEM_BEFORE.search(text, max(0, start - 45), start)
        if before is None or int(before.group(1)) != expected or before.group(2) == name:
            return False
        start = before.start()
    for expected in range(number + 1, _LEAST + 1):
        behind = _ITEM_BEHIND.match(text, end)
        if behind is None or int(behind.group(1)) != expected or behind.group(2) == name:
            return False
        end = behind.end()
    word = _WORD_BEFORE.search(text, max(0, start - 16), start)
    return word is None or word.group(1).lower() not in _UNIT


_COUNTED = re.compile(r"[0-9]{1,3} (?:[A-Z][A-Za-z']* )+[A-Za-z]+")
_THINGS = re.compile(r"(?: [A-Za-z][a-z']+){0,2}? ([a-z]+[a-rtv-z]s)(?![A-Za-z'-])")


def is_counted(text: str, start: int, end: int) -> bool:
    """Tell whether what stands in `[start, end)` counts and names the things that follow.

    "20 Wall Street films", "4 Park Lane Theater flyers", but not "12 Elm Street needs a roof".
    """
    things = _THINGS.match(text, end) if _COUNTED.fullmatch(text, start, end) else None
    last = text[start:end].rpartition(" ")[2].lower()
    if things is None or last in _SHORT:
        return False
    before = _BEFORE.search(text, max(0, start - 16), start)
    if before.group(1) in _LEADS if before else last in _STREET:
        return False
    names = things.group().lower().split()
    return _STOP.isdisjoint(names) and _VERB.isdisjoint(names)


# Behind its first word a sentence goes on with a verb: "12 Elm Street floods".
_BEFORE = re.compile(r"(?:(?<![A-Za-z'])([a-z]+)|,) $")
_LEADS = frozenset(
    "at from to outside near behind opposite is by past around on in that because if when since"
    " live lives living address home between was while as like".split()
)
# Nobody counts things of a street that is cut short.
_SHORT = frozenset(
    "st str rd ave av ln dr blvd ct pl ter terr cir hwy pkwy cres cl sq gdns".split()
)

_ENGLISH = frozenset("in the and of or with for on by to is are at".split())
_ENGLISH_TOO = frozenset("avenue boulevard square place route passage promenade villa".split())
_NUMBER_ONLY = re.compile("([0-9]{1,3}) ([A-Za-z]+) $")
_NAME_ONLY = re.compile("([A-Za-z' -]+)(?:, [0-9]{1,2})?$")
# "2 Tone Records, 4 Square Laundrette"
_THING_BEFORE = re.compile(r"(?:^|[,:;(\n] ?|[a-z] )[0-9]{1,2} [A-Z][A-Za-z' &-]{1,30}, $")
_FRENCH = re.compile(
    rf"[0-9]+ {alternatives('eu.building', 'eu.apartment', 'fr.street', 'fr.street.weak')}(?![a-z])"
)


def is_english(text: str, start: int, name: int, end: int) -> bool:
    """Tell whether a French street without a town, in `[start, end)`, is a thing in English.

    Its name begins at `name`: "9 Square in the Air", "4 Square Miles", "3 Avenue Brewery, 4 ...".
    """
    type_ = _NUMBER_ONLY.fullmatch(text, start, name)
    only = _NAME_ONLY.fullmatch(text, name, end)
    if type_ is None or only is None or type_.group(2).lower() not in _ENGLISH_TOO:
        return False
    names = only.group(1).lower().split()
    if not _ENGLISH.isdisjoint(names) or not _MEASURE.isdisjoint((names[0], names[0][:-1])):
        return True
    before = _WORD_BEFORE.search(text, max(0, start - 16), start)
    if before and before.group(1).lower() in _LABEL:
        return True
    thing = _THING_BEFORE.search(text, max(0, start - 45), start)
    if thing and not _FRENCH.search(thing.group()):
        return True
    return is_listed(text, start, only.end(1))
