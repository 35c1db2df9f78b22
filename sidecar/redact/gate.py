"""One linear pass over the raw bytes of a body: where could personal data stand at all?

Most bodies hold none and must not pay for being looked at: they cost one RE2 search. The gate sees
through JSON escapes of any depth. It may err on one side only: whatever the finder would find in
a string of the body, some suspicion lies in that string; a suspicion costs a look by the finder,
and nothing else. What is not UTF-8 is a suspicion too, so a body without any needs no other check.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from sidecar.redact.engine import Scanner, scanner
from sidecar.redact.fold import Fold
from sidecar.redact.policy import DEFAULT_TYPES, Policy
from sidecar.redact.words import words

# An address has its number within so many bytes of the word that gives it away.
_NEAR = 160

# What stands before a number or a word; an escape before it ends in letters that are not its own.
_ESCAPED = r"\\[nrtbf\"/\\]|\\u[0-9a-fA-F]{4}"
_BEFORE = rf"(?:^|[^0-9A-Za-z_.\\]|{_ESCAPED})"
_BEFORE_NO_COLON = rf"(?:^|[^0-9A-Za-z_.:\\]|{_ESCAPED})"
# Around a word: anything but a letter. Two-byte letters of the rules' languages start with c3 to c5.
_NO_LETTER = r"\\u(?:00[89abAB][0-9a-fA-F]|0[2-9a-fA-F][0-9a-fA-F]{2}|[1-9a-fA-F][0-9a-fA-F]{3})"
_BEFORE_WORD = (
    rf"(?:^|[^0-9A-Za-z_\\\x80-\xff]|[\xc2\xc6-\xdf][\x80-\xbf]|[\xe0-\xf4][\x80-\xbf]{{2,3}}"
    rf"|\\[nrtbf\"/\\]|{_NO_LETTER})"
)
_AFTER_WORD = rf"(?:[^0-9A-Za-z_\\\xc3-\xc5]|\\[^u]|{_NO_LETTER}|$)"

# Letters of the languages that the rules speak. Any other character that the fold turns into an
# ASCII one is a disguise, and so a suspicion by itself.
_ORDINARY = "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿğışœæÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŸĞİŞŒÆßºª°"
_PUNCTUATION = "‘’‚‛ʼ\u0085\u2028\u2029¨¯´¸"
_SEPARATORS = "‐‑‒–—―…"

# Words of which one stands in every address, in every language that the rules know.
_STREETS = (
    "en.street", "en.street.weak", "tr.neighbourhood", "tr.street", "tr.site", "fr.street",
    "fr.street.weak", "es.street", "es.street.weak",
)  # fmt: skip
_SUFFIXES = ("de.street", "de.street.weak")  # written as one word with what stands before them
_MORE = (
    "box", "unit", "postfach", "apartado", "pk", "p.k", "bp", "b.p", "psc", "cmr", "rr", "hc",
    "an", "am", "auf", "im", "in", "zum", "zur", "unter", "hinter", "vor", "bei", "beim", "ober",
)  # fmt: skip


class Gate:
    """Finds the suspicions of one policy."""

    def __init__(self, policy: Policy) -> None:
        # The types that are off by default have no gate: every string goes to the finder.
        self._everywhere = not policy.types <= set(DEFAULT_TYPES) or bool(policy.custom)
        self._scan = _scanner()

    def suspicions(self, body: bytes) -> list[int] | None:
        """Return the offsets at which a look is needed, in order, or None for everywhere."""
        if self._everywhere:
            return None
        if self._scan.search(body) is None:
            return []
        spans = (match.span() for match in self._scan.finditer(body))
        # The first character of a match may be the quote before the string.
        return [min(start + 1, end - 1) for start, end in spans if _stands(body, start, end)]


_NUMBER_OR_MARK = re.compile(rb"[0-9@%&\x80-\xff(\[{<]|\\+u| (?i:at|arroba|arobase|et) ")
_DIGIT = re.compile(rb"[0-9]")


def _stands(body: bytes, start: int, end: int) -> bool:
    """Tell whether a match counts: a word of an address only with a digit near it."""
    if _NUMBER_OR_MARK.search(body, start + 1, end):
        return True
    return _DIGIT.search(body, max(0, start - _NEAR), end + _NEAR) is not None


@cache
def _scanner() -> Scanner:
    """Compile the gate, which is the same for every policy."""
    return scanner("|".join([*_not_utf8(), *_marks(), *_numbers(), *_words()]))


def _not_utf8() -> Iterator[str]:
    """Yield patterns for NUL and for what RFC 3629 does not allow."""
    tail = r"[\x80-\xbf]"
    other = r"(?:[^\x80-\xbf]|$)"
    yield r"\x00|[\xc0\xc1\xf5-\xff]"
    yield rf"(?:^|[\x01-\x7f]){tail}"
    yield rf"[\xc2-\xdf](?:{other}|{tail}{tail})"
    yield rf"[\xe0-\xef](?:{other}|{tail}{other}|{tail}{{3}})"
    yield rf"[\xf0-\xf4](?:{other}|{tail}{other}|{tail}{tail}{other}|{tail}{{4}})"
    yield r"\xe0[\x80-\x9f]|\xed[\xa0-\xbf]|\xf0[\x80-\x8f]|\xf4[\x90-\xbf]"


def _marks() -> Iterator[str]:
    """Yield patterns for at signs and for characters in disguise."""
    yield "@"
    yield r"&(?:#|[a-z]{2,6};)"
    yield r"%(?:40|2[0BDEbde]|5[Ff])"
    yield _written(_disguises())
    yield r"[(\[{<] ?(?i:at|arroba|arobase|et|@) ?[)\]}>]"
    yield r" (?i:at|arroba|arobase|et) [^\"]{1,64}?(?:\.[A-Za-z]| (?i:dot|point|punto|nokta|punkt) )"


def _numbers() -> Iterator[str]:
    """Yield patterns for runs of at least six digits, as phones have them.

    Written out by the length of the first group, so that what is in every body does not match:
    `2026-11-22T10:00:00.123Z`, `0.8444218515250481`, most of a UUID.
    """
    dash = _written(_SEPARATORS)
    sep = rf"(?:[ ./()-]|{dash})"
    more = rf"(?:{sep}{{0,3}}[0-9])"
    undotted = rf"(?:[ /()-]|{dash})"
    undashed = rf"(?:[ ./()]|{dash})"
    yield rf"\+{sep}{{0,3}}[0-9]{more}{{4}}"
    yield rf"{_BEFORE}[0-9]{{7}}"
    yield rf"{_BEFORE}[0-9]{{2}}{more}{{7}}"
    yield rf"{_BEFORE}[0-9]{undotted}{sep}{{0,3}}[0-9]{more}{{4}}"
    yield rf"{_BEFORE}[0-9]\.[0-9]{{5,11}}(?:[^0-9]|$)"
    yield rf"{_BEFORE}[0-9]\.[0-9]{{1,8}}{sep}{{1,3}}[0-9]{more}{{1}}"
    yield rf"{_BEFORE_NO_COLON}[0-9]{{1,3}}{sep}{{1,3}}[0-9]{more}{{3}}"
    yield rf":[0-9]{{1,3}}{undotted}{sep}{{0,2}}[0-9]{more}{{3}}|:[0-9]{{3}}\.[0-9]{more}{{2}}"
    yield rf"{_BEFORE}[0-9]{{5}}{sep}{{1,3}}[0-9]"
    yield rf"{_BEFORE}[0-9]{{4}}{undashed}{sep}{{0,2}}[0-9]{more}"
    yield rf"{_BEFORE}[0-9]{{4}}-(?:{sep}|[0-9]{sep}|[0-9]{{3}}|[0-9]{{2}}{undashed}|[0-9]{{2}}-{sep})"
    yield rf"{_BEFORE}[0-9]{{4}}-[0-9]{{2}}-[0-9](?:{sep}|[0-9]{{2}}|[0-9]{sep}{{1,3}}[0-9])"
    yield rf"{_BEFORE}(?:[03-9][0-9]|1[0-8]|2[1-9])[0-9]{{2}}-[0-9]{{2}}-"


def _words() -> Iterator[str]:
    """Yield patterns for the words of which one stands in every address."""
    whole = {*_MORE, *(w for section in _STREETS for w in words(section))}
    suffixes = {w for section in _SUFFIXES for w in words(section)}
    yield rf"{_BEFORE_WORD}(?:{_any_of(whole)}){_AFTER_WORD}"
    yield rf"(?:{_any_of(suffixes)}){_AFTER_WORD}"


def _any_of(entries: Iterable[str]) -> str:
    # A full stop behind a word may be missing, but not behind a single letter.
    plain = {entry.rstrip(".") if len(entry) > 2 else entry for entry in entries}
    return "|".join("".join(map(_letter, entry)) for entry in sorted(plain)).replace(
        _letter("s") * 2, f"(?:{_letter('s')}{{2}}|{_written('ß')})"
    )


@cache
def _letter(letter: str) -> str:
    """Return a pattern for a letter in either case, with the accents that are ordinary."""
    if not letter.isalpha():
        return re.escape(letter)
    fold = Fold()
    same = [c for c in _ORDINARY if fold(c).data.lower() == letter.encode()]
    ascii_class = f"[{letter}{letter.upper()}]"
    return f"(?:{ascii_class}|{_written(same)})" if same else ascii_class


@cache
def _disguises() -> frozenset[str]:
    """Return the characters that the fold turns into ASCII, or drops, and that are not ordinary."""
    fold = Fold()
    plain = {*_ORDINARY, *_PUNCTUATION, *_SEPARATORS}
    found = set()
    for codepoint in [*range(0x80, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]:
        char = chr(codepoint)
        if char not in plain and (not (data := fold(f"a{char}a").data[1:-1]) or data[0] < 0x80):
            found.add(char)
    return frozenset(found)


def _written(chars: Iterable[str]) -> str:
    """Return a pattern for characters, as UTF-8 or as JSON escapes of any depth."""
    raw = {c.encode().decode("latin-1") for c in chars}
    units = {c.encode("utf-16-be").hex() for c in chars}
    single = {u for u in units if len(u) == 4}
    pairs = {u for u in units if len(u) == 8}
    hexes = rf"\\+u(?i:{_trie(single)})" if single else ""
    surrogates = rf"\\+u(?i:{_trie(pairs, joint=4)})" if pairs else ""
    return "(?:" + "|".join(filter(None, [_trie(raw), hexes, surrogates])) + ")"


def _trie(entries: set[str], joint: int = 0, depth: int = 0) -> str:
    """Return a pattern for a set of strings; characters with equal continuations share a class.

    At depth `joint` an escaped surrogate pair has its second `\\u`.
    """
    if entries == {""}:
        return ""
    tails: dict[str, set[str]] = {}
    for entry in entries:
        tails.setdefault(entry[0], set()).add(entry[1:])
    firsts: dict[str, list[str]] = {}
    for first, rest in tails.items():
        firsts.setdefault(_trie(rest, joint, depth + 1), []).append(first)
    link = r"\\+u" if joint and depth == joint else ""
    options = [f"{link}{_char_class(chars)}{tail}" for tail, chars in sorted(firsts.items())]
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def _char_class(chars: list[str]) -> str:
    return "[" + "".join(rf"\x{ord(c):02x}" for c in sorted(chars)) + "]"
