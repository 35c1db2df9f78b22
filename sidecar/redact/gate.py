"""One linear pass over the raw bytes of a body, for where personal data could stand at all.

Most bodies hold none and must not pay for being looked at: they cost one RE2 search. The gate sees
through JSON escapes of any depth. It may err on one side only: whatever the finder would find in
a string of the body, some suspicion lies in that string; a suspicion costs a look by the finder,
and nothing else. What is not UTF-8 is a suspicion too, so a body without any needs no other check.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from sidecar.redact import email, spelled
from sidecar.redact.address_label import KEY_GATE
from sidecar.redact.engine import EndScanner
from sidecar.redact.fold import Fold
from sidecar.redact.policy import DEFAULT_TYPES, Policy
from sidecar.redact.rules import ADDRESS_RULES
from sidecar.redact.turns import give_way, in_turns
from sidecar.redact.words import DATA
from sidecar.redact.written import without_escapes

# What stands before a number; an escape before it ends in letters that are not its own.
_ESCAPE = r"\\[nrtbf\"/\\]"
_BEFORE = rf"(?:^|[^0-9A-Za-z_.\\]|(?:^|[^0-9]|{_ESCAPE})\.|{_ESCAPE})"
_BEFORE_NO_COLON = rf"(?:^|[^0-9A-Za-z_.:\\]|(?:^|[^0-9]|{_ESCAPE})\.|{_ESCAPE})"

_TAIL = r"[\x80-\xbf]"
_OTHER = r"[\xc2-\xf4][\x80-\xbf]+"  # any character but ASCII

# Characters of the languages that the rules speak. Any other character that the fold turns into
# an ASCII one, or drops, is a disguise, and so a suspicion by itself.
PLAIN = (
    "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿğışœæÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŸĞİŞŒÆßºª°"
    "‘’‚‛ʼ\u0085\u2028\u2029‐‑‒–—―…"
)
_SEPARATORS = "‐‑‒–—―…"  # between the digits of a number


class Gate:
    """Finds the suspicions of one policy."""

    def __init__(self, policy: Policy) -> None:
        # The types that are off by default have no gate: every string goes to the finder.
        self._everywhere = not policy.types <= set(DEFAULT_TYPES) or bool(policy.custom)
        self._scan = _scanner(anything=bool(policy.types))

    def suspicions(self, body: bytes) -> list[int] | None:
        """Return the offsets at which a look is needed, in order, or None for everywhere.

        One offset stands for all that is suspected in the rest of its string or container.
        """
        if self._everywhere:
            return None
        offsets: list[int] = []
        for offset in self._search(body):
            if body.startswith(b"\\u", offset - 1):
                plain = without_escapes(body)
                return None if plain is None else _in_original(body, plain, self._search(plain))
            offsets.append(offset)
        return offsets

    def _search(self, body: bytes) -> Iterator[int]:
        end = self._scan.search(body)
        while end >= 0:
            give_way()
            last = end - 1  # of the match: in the string, or what ends it
            if not _in_uuid(body, last):
                # What follows a number may be outside of it.
                yield last - body[max(0, last - 1) : last].isdigit()
                last = _stop(body, last)
                if last < 0:
                    break
            # The last character of one match may be what stands before the next.
            end = self._scan.search(body, last)


def _in_original(body: bytes, plain: bytes, offsets: Iterable[int]) -> list[int]:
    """Return for offsets in the body without escapes where the same string begins in the body."""
    found, start, done = list[int](), 0, 0
    for offset in in_turns(offsets):
        for _ in range(plain.count(b'"', done, offset)):
            start = body.find(b'"', start) + 1
        done = offset
        found.append(start)
    return found


def _stop(body: bytes, start: int) -> int:
    """Return where a string, or a container of numbers, may end at any depth, or -1 if nowhere.

    Looking for one mark at a time is fast, but each may be far away: so in windows.
    """
    for begin in range(start, len(body), _WINDOW):
        end = begin + _WINDOW
        for mark in (b'"', b"]", b"}"):
            found = body.find(mark, begin, end)
            end = found if found >= 0 else end
        if end < begin + _WINDOW:
            return end
    return -1


_WINDOW = 1 << 12


_UUID = re.compile(
    rb"(?<=[^\\]\")[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z-])"
)
_DIGIT = re.compile(rb"[0-9]")


def _in_uuid(body: bytes, last: int) -> bool:
    """Tell whether a match whose last character is at `last` lies in a UUID: no value does.

    Only where a string begins with it is that certain: elsewhere the words before it may call it a
    number. Of all patterns the announcement of an address alone reaches into a string from before,
    and it ends at the first digit.
    """
    uuid = _UUID.search(body, max(0, last - 35), last + 37)
    return uuid is not None and _DIGIT.search(body, uuid.start(), last) is not None


@cache
def _scanner(anything: bool) -> EndScanner:
    """Compile the gate, which is the same for every policy that looks for anything."""
    if not anything:
        return EndScanner("|".join(_not_utf8()))
    rules = (*email.RULES, *ADDRESS_RULES)
    patterns = dict.fromkeys([gate for rule in rules for gate in rule.gates] + [spelled.GATE])
    rest = map(raw, merged(patterns))
    pattern = "|".join([*_not_utf8(), *_marks(), *_numbers(), _labels(), *rest])
    for part in (_trie, _raw_set):
        part.cache_clear()  # its work is done
    return EndScanner(pattern)


def _not_utf8() -> Iterator[str]:
    """Yield patterns for NUL and for what RFC 3629 does not allow."""
    tail = _TAIL
    other = r"(?:[^\x80-\xbf]|$)"
    yield r"\x00|[\xc0\xc1\xf5-\xff]"
    yield rf"(?:^|[\x01-\x7f]){tail}"
    yield rf"[\xc2-\xdf](?:{other}|{tail}{tail})"
    yield rf"[\xe0-\xef](?:{other}|{tail}{other}|{tail}{{3}})"
    yield rf"[\xf0-\xf4](?:{other}|{tail}{other}|{tail}{tail}{other}|{tail}{{4}})"
    yield r"\xe0[\x80-\x9f]|\xed[\xa0-\xbf]|\xf0[\x80-\x8f]|\xf4[\x90-\xbf]"


def _marks() -> Iterator[str]:
    """Yield patterns for at signs, escapes, and characters in disguise."""
    yield r"@|\\u"
    yield r"&(?:#|[a-z]{2,6};)"
    yield r"%(?:40|2[0BDEbde]|5[Ff])"
    yield _trie(_raw(_disguises()))


def _numbers() -> Iterator[str]:
    """Yield patterns for runs of at least six digits, as phones have them.

    Written out by the length of the first group, so that what is in every body does not match:
    `2026-11-22T10:00:00.123Z`, `0.8444218515250481`, most of a UUID.
    """
    dash = _trie(_raw(_SEPARATORS))
    sep = rf"(?:[ ./()-]|{dash})"
    more = rf"(?:{sep}{{0,3}}[0-9])"
    undotted = rf"(?:[ /()-]|{dash})"
    undashed = rf"(?:[ ./()]|{dash})"
    yield rf"\+{sep}{{0,3}}[0-9]{more}{{4}}"
    yield rf"[oO][0-9]{more}{{7}}"  # the letter for a zero
    anywhere = [
        rf"0[0-9]{{5}}|[0-9]{{6}}{more}",
        rf"[0-9]{{2}}{more}{{7}}",
        rf"[0-9]{undotted}{sep}{{0,3}}[0-9]{more}{{4}}",
        r"[0-9]\.[0-9]{5,11}(?:[^0-9]|$)",
        rf"[0-9]\.[0-9]{{1,8}}{sep}{{1,3}}[0-9]{more}{{1}}",
        rf"[0-9]{{5,6}}{sep}{{1,3}}[0-9]",
        rf"[0-9]{{4}}{undashed}{sep}{{0,2}}[0-9]{more}",
        rf"[0-9]{{4}}-(?:{sep}|[0-9]{sep}|[0-9]{{3}})",
        rf"[0-9]{{4}}-[0-9]{{2}}(?:{undashed}|-{sep})",
        rf"[0-9]{{4}}-[0-9]{{2}}-[0-9](?:{sep}|[0-9]{{2}}|[0-9]{sep}{{1,3}}[0-9])",
        r"(?:[03-9][0-9]|1[0-8]|2[1-9])[0-9]{2}-[0-9]{2}",
    ]
    yield f"{_BEFORE}(?:{'|'.join(anywhere)})"
    rests = {first: rf"[0-9]{more}{{{5 - first}}}" for first in (1, 2, 3)}
    grouped = [rf"[0-9]{{{first}}}{sep}{{1,3}}{rest}" for first, rest in rests.items()]
    yield f"{_BEFORE_NO_COLON}(?:{'|'.join(grouped)})"
    behind_colon = [
        rf"[0-9]{{{first}}}(?:\.{{0,2}}{undotted}{sep}{{0,2}}|\.{{2,3}}){rest}"
        for first, rest in rests.items()
    ]
    yield rf":(?:{'|'.join(behind_colon)}|[0-9]{{3}}\.[0-9]{more}{{2}})"
    yield rf"\":0[0-9]\.[0-9]{more}{{3}}"
    yield rf"(?:^|[^0-9\"]|\\\"):[0-9]{{1,2}}\.[0-9]{more}{{3}}"


def _labels() -> str:
    """Return a pattern for a member whose key announces an address, to the value's first digit."""
    return rf"{raw(KEY_GATE)}[A-Za-z0-9_-]*\\*\"\s*:\s*\\*\"[^\"0-9]*[0-9]"


_TOKEN = re.compile(
    r"(?P<set>\[(?:\\.|[^\]])*\]|\\x[0-9a-f]{2}|\\[^b]|[^\\()|*+?{])|(?P<bound>\\b)"
    r"|(?P<open>\((?:\?i?:)?)|(?P<close>\))|(?P<other>\||\{[0-9,]+\}\??|[*+?]\??)",
    re.DOTALL,
)


def raw(pattern: str) -> str:
    """Translate a pattern for views into one for raw bodies that matches at least as often.

    Takes the syntax that the rules use: literals, sets, groups with and without `i`, repeats and
    word boundaries. A boundary is a character of its own here, so one is kept only at the start,
    and where nothing needs to follow it; what could follow there is left out.
    """
    tokens = _tokens(pattern)
    out = list[str]()
    groups: list[tuple[bool, bool]] = []  # of those around: case is folded, stands at the start
    fold_case, start, skip = False, True, 0
    for i, (kind, text) in enumerate(tokens):
        if i < skip:
            continue
        if kind == "open":
            groups.append((fold_case, start))
            fold_case = fold_case or "i" in text
            out.append("(?:")
        elif kind == "close":
            fold_case, start = groups.pop()[0], False
            out.append(")")
        elif kind == "bound" and start:
            out.append(_WORD_BEGINS)
        elif kind == "bound":
            if _may_end(tokens, i + 1):
                out.append(_WORD_ENDS)
                skip = _branch_end(tokens, i + 1)
        elif kind == "set":
            start = False
            out.append(_raw_set(text, fold_case))
        else:
            start = start or (text == "|" and (groups[-1][1] if groups else True))
            out.append(text)
    return "".join(out)


_Tokens = list[tuple[str | None, str]]


def _tokens(pattern: str) -> _Tokens:
    return [(m.lastgroup, m[0]) for m in _TOKEN.finditer(pattern)]


def merged(patterns: Iterable[str]) -> Iterator[str]:
    """Yield patterns for the same texts, of which no two have an alternative that begins alike.

    What may stand first is looked for at every byte, so each of it makes every state of the
    automaton larger, and dearer to build when a text leads there for the first time.
    """
    rests: dict[str, list[str]] = {}
    for pattern in patterns:
        tokens, start = _tokens(pattern), 0
        while start < len(tokens):
            end, first = _branch_end(tokens, start), start + 1
            if tokens[start][0] == "open":
                while tokens[first - 1][0] != "close":
                    first = _branch_end(tokens, first) + 1
            if tokens[first : first + 1] and tokens[first][0] == "other" and first < end:
                first += 1  # how often
            texts = [text for _, text in tokens[start:end]]
            head, rest = "".join(texts[: first - start]), "".join(texts[first - start :])
            rests.setdefault(head, []).append(rest)
            start = end + 1
    for head, alternatives in rests.items():
        yield f"{head}(?:{'|'.join(alternatives)})"


def _branch_end(tokens: _Tokens, at: int) -> int:
    """Return the index of the token that ends the alternative around `at`."""
    depth = 0
    while at < len(tokens):
        kind, text = tokens[at]
        if depth == 0 and (kind == "close" or text == "|"):
            break
        depth += (kind == "open") - (kind == "close")
        at += 1
    return at


def _may_end(tokens: _Tokens, at: int) -> bool:
    """Tell whether the pattern may end at `at`: all that follows can be empty."""
    while at < len(tokens):
        kind, text = tokens[at]
        if text == "|":  # the other alternatives of the group are no continuation
            while tokens[at : at + 1] and tokens[at][0] != "close":
                at = _branch_end(tokens, at + 1)
            continue
        if kind == "open":
            after = at + 1
            while tokens[after][0] != "close":
                after = _branch_end(tokens, after + 1)
        else:
            after = at
        quantifier = tokens[after + 1][1] if after + 1 < len(tokens) else ""
        optional = quantifier[:1] in ("?", "*") or quantifier.startswith("{0")
        if kind in ("open", "set") and not optional:
            return False
        at = after + 1
    return True


@cache
def _raw_set(text: str, fold_case: bool) -> str:
    """Return a pattern for the characters whose view is one of a set of bytes."""
    member = re.compile(text.encode("latin-1"), re.IGNORECASE if fold_case else 0)
    view = {found[0] for found in member.findall(_BYTES)}
    printable = [chr(v) for v in view if 0x20 <= v < 0x7F and chr(v) not in '"\\']
    options = [_char_class(printable)] if printable else []
    if view - set(range(0x80)) - {0xDF}:
        options.append(_OTHER)
    elif plain := [c for c, v in _PLAIN_VIEWS if v in view]:
        options.append(_trie(_raw(plain)) if _one_case(plain) else _roughly(plain))
    escaped = "".join(e for v, e in ((10, "nr"), (9, "tbf"), (34, '"'), (47, "/")) if v in view)
    if escaped:
        options.append(rf"\\+[{escaped}]")
    if 0x5C in view:
        options.append(r"\\")
    return options[0] if len(options) == 1 and printable else f"(?:{'|'.join(options)})"


def _one_case(chars: list[str]) -> bool:
    """Tell whether a set is of capitals alone, or of small letters: a name begins with a capital.

    To take small letters for those costs looks at strings that have none.
    """
    return len(chars) > _FEW and ("É" in chars) != ("é" in chars)


_FEW = 12
_BYTES = bytes(range(1, 256))
_FOLD = Fold()
_PLAIN_VIEWS = [(c, _FOLD(c).data[0]) for c in PLAIN]


def _disguises() -> Iterator[str]:
    """Yield the characters that the fold turns into ASCII, or drops, and that are not plain."""
    for entry in (DATA / "disguises.txt").read_text("ascii").split():
        ends = [int(end, 16) for end in entry.split("-")]
        yield from map(chr, range(ends[0], ends[-1] + 1))


def _raw(chars: Iterable[str]) -> frozenset[str]:
    return frozenset(char.encode().decode("latin-1") for char in chars)


def _roughly(chars: Iterable[str]) -> str:
    """Return a short pattern for characters, and for all that lie between them.

    There is one for nearly every letter of the gate, and each range of it takes ten bytes.
    """
    forms: dict[int, list[str]] = {}
    for form in _raw(chars):
        forms.setdefault(len(form), []).append(form)
    ranges = [
        "".join(_range(min(column), max(column)) for column in zip(*forms[size], strict=True))
        for size in sorted(forms)
    ]
    return f"(?:{'|'.join(ranges)})"


def _range(first: str, last: str) -> str:
    return rf"[\x{ord(first):02x}-\x{ord(last):02x}]"


@cache
def _trie(entries: frozenset[str]) -> str:
    """Return a pattern for a set of strings; characters with equal continuations share a class."""
    if entries == {""}:
        return ""
    tails: dict[str, list[str]] = {}
    for entry in entries:
        tails.setdefault(entry[0], []).append(entry[1:])
    firsts: dict[str, list[str]] = {}
    for first, rest in tails.items():
        firsts.setdefault(_trie(frozenset(rest)), []).append(first)
    options = [f"{_char_class(chars)}{tail}" for tail, chars in sorted(firsts.items())]
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def _char_class(chars: list[str]) -> str:
    return "[" + "".join(c if c.isalnum() else rf"\x{ord(c):02x}" for c in sorted(chars)) + "]"


# Beside a word. The `n` of an escape is none of its letters. Letters beyond ASCII are where the
# fold makes them ASCII; those of Latin, up to U+017F, begin with the bytes C3 to C5.
_NO_LETTERS = _raw(c for c in map(chr, range(0xC0, 0x180)) if not _FOLD(c).data.isalnum())
_WORD_BEGINS = (
    r"(?:^|[^0-9A-Za-z_\x80-\xff]|\\[nrtbf]"
    rf"|[^\xc3-\xc5][\x80-\xbf]|{_trie(_NO_LETTERS)})"
)
_WORD_ENDS = r"(?:[^0-9A-Za-z_]|$)"
