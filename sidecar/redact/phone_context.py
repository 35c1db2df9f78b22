"""What the words beside a number call it."""

import re
from typing import Final

from sidecar.redact.words import words


def _bytes(section: str) -> frozenset[bytes]:
    return frozenset(word.encode() for word in words(f"phone.{section}"))


_PHONE_CONTEXT: Final = _bytes("context")
_PHONE_LINK: Final = _bytes("link")
_PHONE_NUMBER: Final = _bytes("number")
_PHONE_NUMBERED: Final = _bytes("numbered")
_PHONE_UNIT: Final = _bytes("unit")
_PHONE_VETO: Final = _bytes("veto")
_TELLING: Final = _PHONE_CONTEXT | _PHONE_VETO | _PHONE_NUMBER | _PHONE_NUMBERED

# How far the words reach that are looked at.
LOOK_BACK = 40
# Letters in lower case and dots, and a blank for everything else.
_IN_TOKENS: Final = re.sub(rb"[^a-z\xc0-\xff.]", b" ", bytes(range(256)).lower())
_WORD_BEHIND: Final = re.compile(rb" *(?:(?:de|of|von) )?([A-Za-z\xc0-\xff.]+)")
_LABEL: Final = re.compile(rb"(?:^|[ \t])[TMPFC][.:]? $")
_LABEL_ENDS: Final = b"TMPFC.:"
# A full stop that ends an abbreviation ends no clause: "Rechnung Nr. 4711".
_CLAUSE_END: Final = re.compile(
    rb"[,;!?|.\n\t](?:(?<=[,;!?|]) |(?<=\.)(?<![Nn][RrOo]\.)(?<![RrTt][Ee][FfLl]\.) "
    rb"|(?<=[\n\t])(?<!:[\n\t]))"
)
_URL: Final = re.compile(rb"(?:://|(?:^|[ \"'(])/[A-Za-z])[^ ]*$")  # or the path of one
_LISTED: Final = re.compile(rb"(?<![0-9])[0-9][0-9, ]*, $")
# "no message on my registered 212-555-0143": not the number of the message.
_BREAKS: Final = frozenset({b"on", b"at", b"from", b"von"})


def context_before(data: bytes, start: int) -> str:
    """Return what the words before a number call it, or nothing.

    `phone`, or `near` if other words stand between; `veto`, or `far`; `numbered`.
    """
    before = data[max(0, start - LOOK_BACK) : start]
    if 0 in before[-4:]:
        return "phone"  # a signature: the e-mail address stood right before it
    if before[-2:] == b", " and (listed := _LISTED.search(before)):
        of_all = context_before(before, listed.start())
        if of_all in ("veto", "far", "numbered"):
            return "numbered"
    clause = before.rfind(0) + 1
    for end in _CLAUSE_END.finditer(before, clause):
        clause = end.end()
    before = before[clause:]
    if len(before) > 1 and before[-2] in _LABEL_ENDS and _LABEL.search(before):
        return "phone"
    tokens = [token.strip(b".") for token in before.translate(_IN_TOKENS).split()[:-5:-1]]
    if before.find(b"/") >= 0 and _URL.search(before):
        return "veto" if _PHONE_CONTEXT.isdisjoint(tokens) else "phone"
    sign = before[-2:].strip()
    found = "numbered" if sign == b"#" or sign[-1:] == b"=" else ""
    return found if _TELLING.isdisjoint(tokens) else _told_by(tokens) or found


def _told_by(tokens: list[bytes]) -> str:
    """Return what some words, the last one first, call what follows them."""
    found, linked, close, crossed = "", True, True, False
    for token in tokens:
        if token in _PHONE_CONTEXT:
            return "phone" if linked else "near"
        if token in _PHONE_VETO and not crossed:
            return "veto" if close else "far"
        if token in _PHONE_NUMBERED and not crossed:
            found = "numbered"
        crossed = crossed or token in _BREAKS
        linked = linked and token in _PHONE_LINK
        between = len(token) < 3 or token in _PHONE_LINK or token in _PHONE_NUMBER
        close = close and (between or token in _PHONE_NUMBERED)
        if token in _PHONE_NUMBER and not found:
            found = "phone"
    return found


def context_after(data: bytes, end: int) -> str:
    """Return what the word behind a number calls it."""
    match = _WORD_BEHIND.match(data, end, end + 20)
    if match is None:
        return ""
    word = match[1].lower().strip(b".")
    if word in _PHONE_UNIT:
        return "veto"
    return "phone" if word in _PHONE_CONTEXT else ""
