"""E-mail addresses, plain and disguised."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from sidecar.redact.engine import scanner
from sidecar.redact.rule import Find, Range, Rule
from sidecar.redact.turns import OFTEN, give_way
from sidecar.redact.words import words

_EMAIL_NOT_LOCAL: Final = words("email.not_local")

_WORD: Final = r"[A-Za-z0-9_\xc0-\xff]"
_LOCAL: Final = rf"{_WORD}(?:[A-Za-z0-9_\xc0-\xff.+'%-]{{0,62}}[A-Za-z0-9_\xc0-\xff.+-])?"
_LABEL: Final = r"[A-Za-z0-9_\xc0-\xff](?:[A-Za-z0-9_\xc0-\xff-]{0,61}[A-Za-z0-9\xc0-\xff])?"
_JOINED: Final = r"[A-Za-z0-9\xc0-\xff]{1,32}"
_DASHED: Final = r"[A-Za-z0-9\xc0-\xff-]{1,32}"
_TLD: Final = r"(?:[Xx][Nn]--[A-Za-z0-9-]{2,59}|[A-Za-z\xc0-\xff]{2,24})"
_DOMAIN: Final = rf"(?:{_LABEL}\.){{1,8}}{_TLD}"

_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_AT_WORD: Final = r"(?i:at|arroba|arobase|et|klammeraffe)"
_IS_SIGN: Final = re.compile(rb"(?i).*[ _-](?:arroba|arobase|klammeraffe)[ _-]")
_DOT_WORD: Final = r"(?i:dot|nokta|punkt|punto|point)"
# How the other signs of a local part are spoken.
_SIGN_WORD: Final = (
    rf"(?:{_DOT_WORD}|(?i:underscore|unterstrich|alt tire|alt cizgi|tiret|tire|guion bajo|guion"
    r"|bindestrich|hyphen|dash|minus|plus|arti))"
)
_DOT: Final = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} |\.)"
_HIDDEN_DOMAIN: Final = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}{_TLD}"
_WORDY_DOMAIN: Final = rf"{_LABEL}(?: {_DOT_WORD} {_LABEL}){{0,6}} {_DOT_WORD} {_TLD}"

# What follows the last dot of a file, a systemd unit or an image density, not of a domain.
_NOT_TLD: Final = frozenset(
    b"""
    service socket target timer mount slice scope device png jpg jpeg gif svg webp ico pdf doc docx
    xls xlsx csv json yml yaml toml xml htm html css js sjs jsx ts tsx txt log conf cfg ini lock
    tar gz zip exe dll so bin git
    """.split()
)
_USUAL_TLD: Final = (
    "com|net|org|edu|gov|info|biz|name|io|co|fm|me|dev|app|xyz|online|site|shop|tech|cloud"
    "|technology|photography|agency|email|eu|uk|us|ca|au|nz|ie|in|de|at|ch|fr|es|it|nl|be|pt|pl|se"
    "|no|dk|fi|gr|cz|ru|tr|gen|bel|k12|ai|tv|mx|br|ar|cl|jp|kr|cn|hk|sg|za|cat|gal|eus|berlin"
    "|hamburg|koeln|bayern|istanbul|ist|london|paris|madrid|nyc|scot|wales|cymru|bzh|corsica|alsace"
    "|saarland|nrw|ruhr|swiss|wien|tirol|brussels|quebec|lat"
)
_USUAL_TLDS: Final = frozenset(_USUAL_TLD.encode().split(b"|"))
# A dot that is disguised behind a real at sign, or blurred by a blank or a comma.
_LOOSE_DOT: Final = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} | ?\. ?)"
_LOOSE_TLD: Final = rf"(?:{_USUAL_TLD}|{_USUAL_TLD.upper()})"
_LOOSE_DOMAIN: Final = rf"{_LABEL}(?:{_LOOSE_DOT}{_LABEL}){{0,3}}(?:{_LOOSE_DOT}|,){_LOOSE_TLD}\b"
# A local part that no plain word looks like, or the domain of a mail provider.
_PERSONAL: Final = re.compile(rb"(?=[^ ]*[A-Za-z\xc0-\xff])[A-Za-z\xc0-\xff'+]*[0-9._-]")
_PROVIDER: Final = re.compile(
    rb"(?i).*[@ _-](?:(?:gm|googlem|hotm|fastm|ym|rocketm)ail|yahoo|outlook|icloud|live|msn|aol|"
    rb"gmx|proton(?:mail)?|yandex|mail|web|orange|free|laposte|wanadoo|posteo|zoho|hey|btinternet|"
    rb"mynet|t-online|telefonica|pm)\.[a-z.]{2,10}$"
)
_AS_USUAL: Final = re.compile(rf"@ ?{_DOMAIN}".encode("latin-1"))
_LOOSE: Final = re.compile(rf"@ ?{_LOOSE_DOMAIN}".encode("latin-1"))
_IN_LOCAL: Final = re.compile(rb"[A-Za-z0-9_\xc0-\xff.+'%-]")
_IS_LOCAL: Final = bytes(_IN_LOCAL.match(bytes([byte])) is not None for byte in range(256))
_QUOTED: Final = re.compile(rb'"[^"@\x00-\x1f{}\\]{1,64}"')
# Behind a domain: nothing that a looser one could go on with.
_NO_MORE: Final = re.compile(
    rf"(?![A-Za-z0-9_\xc0-\xff-]| ?[\[({{<.,]| {_DOT_WORD})".encode("latin-1")
)
# What goes before the last word of a local part: a sign in brackets; one between blanks, if there
# are blanks in the rest too.
_IN_BRACKETS: Final = rf" ?{_OPEN} ?(?:{_SIGN_WORD}|[._-]) ?{_CLOSE} ?"
_LOCAL_WORD: Final = r"[A-Za-z_\xc0-\xff][A-Za-z0-9_\xc0-\xff.-]{0,31}"
_BRACKETED: Final = re.compile(rf"(?:{_LOCAL_WORD}{_IN_BRACKETS}){{1,3}}$".encode("latin-1"))
_SPACED: Final = re.compile(rf"(?:{_LOCAL_WORD} [._] ){{1,3}}$".encode("latin-1"))
_IN_LABEL: Final = re.compile(rb"[A-Za-z0-9_\xc0-\xff-]")
_IS_LABEL: Final = bytes(_IN_LABEL.match(bytes([byte])) is not None for byte in range(256))
_IN_WORD: Final = re.sub(rb"[^A-Za-z0-9_]", b"", bytes(range(256)))
_BLANK: Final = 0x20
_QUOTE: Final = 0x22
_HYPHEN: Final = 0x2D
_DOT_SIGN: Final = 0x2E
_AT: Final = re.compile(rf"[ _-]+(?:{_AT_WORD}|@)".encode())
_NEXT_SENTENCE: Final = re.compile(rb"[^A-Z]*[a-z](\.[A-Z][a-z]+)$")


def _is_domain(value: bytes) -> bool:
    return _last_label(value) not in _NOT_TLD and not value.startswith(b"git@")


def _last_label(value: bytes) -> bytes:
    return value[_behind_dot(value, len(value)) :].lower()


def _behind_dot(value: bytes, end: int) -> int:
    """Return what follows the last dot before `end`, or 0."""
    while end and value[end - 1] != _DOT_SIGN:
        end -= 1
    return end


def _is_loose(value: bytes) -> bool:
    """Tell `ali@x. com` from "ask ali@x.com. De rien", which is for the rules above."""
    usual = _AS_USUAL.match(value, value.index(b"@"))
    return usual is None or _last_label(usual.group()) not in _USUAL_TLDS


def _is_personal(value: bytes) -> bool:
    """Tell `j.doe at x.org` from "we met at x.org"."""
    local = _AT.split(value)[0]
    sure = _PERSONAL.match(local) or _PROVIDER.match(value) or _IS_SIGN.match(value)
    return sure is not None and _is_domain(value)


def _is_joined(value: bytes) -> bool:
    """Tell `bob_at_x_dot_org` from `created_at_the_dot_product`."""
    return re.split(rb"[ _.-]", value)[-1].lower() in _USUAL_TLDS


def _is_mailbox(value: bytes) -> bool:
    """Tell `jdoe @ x.org` from "lunch @ x.org"."""
    local = _AT.split(value)[0].decode("latin-1").lower()
    usual = _last_label(value.replace(b" ", b".")) in _USUAL_TLDS
    if not usual and b"@" in value:
        return False  # a product of matrices
    return _is_personal(value) or (usual and local not in _EMAIL_NOT_LOCAL and _is_domain(value))


def _size(value: bytes, check: Callable[[bytes], bool]) -> int:
    """Return how much of a value is an address."""
    if not check(value):
        return 0
    label = _behind_dot(value, len(value))
    if 0x41 <= value[label] <= 0x5A and _NEXT_SENTENCE.match(value):
        return label - 1
    return len(value)


def _spelled(pattern: str, check: Callable[[bytes], bool]) -> Find:
    """Find the addresses that a pattern matches."""
    scan = scanner(pattern)

    def find(data: bytes) -> Iterator[Range]:
        for match in scan.finditer(data):
            start, end = match.span()
            if size := _size(data[start:end], check):
                yield start, start + size

    return find


def _signed(data: bytes) -> Iterator[Range]:
    """Yield the addresses with an at sign: text holds so few that each is looked at."""
    done, loosely_done = [0, 0], 0  # what was read as an address, of either form, is not again
    for at, usual in _signs(data):
        if data[at - 1] == _QUOTE:
            start = _quoted(data, at)
            if usual and start >= 0 and data[at + 1] != _BLANK:
                yield start, start + _size(data[start : usual.end()], _is_domain)
            continue
        blank = data[at - 1] == _BLANK
        if usual:
            end = usual.end()
            start = _local(data, done[blank], at - blank)
            if start >= 0:
                done[blank] = end
                if size := _size(data[start:end], _is_mailbox if blank else _is_domain):
                    yield _whole_local(data, start, start + size), start + size
            common = start >= 0 and _is_common(data, end)
            loosely_done = end if common else loosely_done
            if common or _ends_there(data, at, end):
                continue
        start = _local(data, loosely_done, at - blank)
        loose = _LOOSE.match(data, at) if start >= 0 else None
        if loose:
            loosely_done = loose.end()
            if size := _size(data[start:loosely_done], _is_loose):
                yield _whole_local(data, start, start + size), start + size


def _is_common(data: bytes, end: int) -> bool:
    """Tell whether a domain ends as most do: then it is no looser one."""
    label = data[_behind_dot(data, end) : end].lower()
    return label in _USUAL_TLDS and (end == len(data) or data[end] not in _IN_WORD)


def _ends_there(data: bytes, at: int, end: int) -> bool:
    """Tell whether no looser domain begins like one of two labels that ends at `end`."""
    return _NO_MORE.match(data, end) is not None and data.count(b".", at, end) == 1


def _signs(data: bytes) -> Iterator[tuple[int, re.Match[bytes] | None]]:
    """Yield where at signs before a label and a dot stand, and the domain if it is as usual."""
    last, turn = len(data) - 1, OFTEN
    at = data.find(b"@", 1, last)
    while at > 0:
        if at > turn:
            give_way()
            turn = at + OFTEN
        if _opens_domain(data, at + 1):
            yield at, _AS_USUAL.match(data, at)
        at = data.find(b"@", at + 1, last)


def _opens_domain(data: bytes, start: int) -> bool:
    """Tell whether a label stands at `start`, or behind a blank there, and a dot in any form."""
    if data[start] == _BLANK:
        start += 1
    end = start
    while end < len(data) and end - start < 64 and _IS_LABEL[data[end]]:
        end += 1
    label = 0 < end - start < 64 and data[start] != _HYPHEN
    return label and end < len(data) and data[end] in b" .,[({<"


def _local(data: bytes, begin: int, end: int) -> int:
    """Return where the local part that ends at `end` starts, at the leftmost at `begin`, or -1."""
    begin = max(begin, end - 64)
    if end <= begin or data[end - 1] in b"'%":
        return -1
    start = end
    while start > begin and _IS_LOCAL[data[start - 1]]:
        start -= 1
    while start < end and data[start] in b".+'%-":
        start += 1
    return start if start < end else -1


def _whole_local(data: bytes, start: int, end: int) -> int:
    """Return where the local part starts whose last word begins the address `[start, end)`."""
    if not start:
        return start
    last = data[start - 1]
    if last == _BLANK and start > 1:
        last = data[start - 2]
    if last in b")]}>":
        more = _BRACKETED.search(data, max(0, start - 64), start)
    elif last in b"._" and _BLANK in data[start:end]:
        more = _SPACED.search(data, max(0, start - 64), start)
    else:
        return start
    return more.start() if more else start


def _quoted(data: bytes, end: int) -> int:
    """Return where the quoted local part that ends at `end` starts, or -1."""
    quote = data.rfind(b'"', max(0, end - 66), end - 1)
    return quote if quote >= 0 and _QUOTED.fullmatch(data, quote, end) else -1


# The gates of addresses without an at sign do not count letters: it would take most of the time of
# a clean body.
_LAST: Final = r"[A-Za-z0-9_\xc0-\xff.+-]"
_JOINED_GATE: Final = (
    rf"{_LAST} ?[ _-]{_AT_WORD}[ _-] ?[A-Za-z0-9_\xc0-\xff.-]+"
    rf"(?:\.[A-Za-z\xc0-\xff]{{2}}|[_-]{_DOT_WORD}[_-])"
)
RULES: tuple[Rule, ...] = (
    Rule(
        "email",
        ("@",),
        _signed,
        ("ali@x.com", "o'hara+news@mail.example.co.uk", "jürgen@müller.de", "a@xn--mller-kva.de",
         "912759069@example.org", "_a.b_@example.org", "ali@ example.com", "ALI＠EXAMPLE.COM",
         "ali&#64;example.com", "ali%40example.com", "ali\\u0040example.com", "al\u200bi@x.com",
         '"jane doe"@example.org', "info ＠ thistle.scot",
         "renee.b @ example.com", "renee7 @example.com", "jdoe @ example.org",
         "bob@aol[dot]com", "t.krause561@gmx(dot)de", "kontakt808@gmx dot de", "bob@aol. com",
         "selin-koc117@yandex dot com dot tr", "info162@gmail . com", "bob@aol,com",
         "bob @ aol dot com", "renee . b @ example . com", "renee . de . b @ example.com",
         "ali (nokta) can @ example.com", "ali[dot]can@example.com"),
        ("getty@tty1.service", "icon@2x.png", "npm i @sentry/node@8.6.1", "@app.route", "root@host",
         "git@github.com:org/repo",
         '"@types/node": "^17.1.4"', '{"a":"b"}',
         "see you @ example.com", "lunch @ noon", "W.T @ x.data", "thanks @john.doe",
         "thanks @john. In the evening", "npm i @sentry/node. It works", "a@b. Then"),
    ),
    Rule(
        "email",
        (rf"{_LAST} ?{_OPEN} ?(?:{_AT_WORD}|@) ?{_CLOSE} ?{_WORD}",),
        _spelled(
            rf"(?:{_WORD}{{1,32}}{_IN_BRACKETS}){{0,3}}"
            rf"{_LOCAL} ?{_OPEN} ?(?:{_AT_WORD}|@) ?{_CLOSE} ?{_HIDDEN_DOMAIN}",
            _is_domain,
        ),
        (
            "kyle [at] hey [dot] com",
            "kyle(at)x(dot)com",
            "kyle {at} x {dot} org",
            "k (at) x.com.tr",
            "ali (nokta) can (at) x (nokta) com",
        ),
        ("list[at] = x", "meet me (at) noon"),
    ),
    Rule(
        "email",
        (_JOINED_GATE,),
        _spelled(
            rf"{_LOCAL}(?:_{_AT_WORD}_{_DASHED}(?:_{_DOT_WORD}_{_DASHED}){{1,4}}"
            rf"|-{_AT_WORD}-{_JOINED}(?:-{_DOT_WORD}-{_JOINED}){{1,4}})\b",
            _is_joined,
        ),
        ("bazza_at_dartsleague_dot_co_dot_uk", "jo-at-firm-dot-com", "jo_at_t-online_dot_de",
         "Ana_arroba_casa_punto_es"),
        ("created_at_the_dot_product", "look_at_vector_dot_v"),
    ),
    Rule(
        "email",
        (rf"{_LAST} {_AT_WORD} [A-Za-z0-9_\xc0-\xff-]+ {_DOT_WORD} {_WORD}",),
        _spelled(
            rf"(?:{_WORD}{{1,32}} {_SIGN_WORD} ){{0,2}}{_LOCAL} {_AT_WORD} {_WORDY_DOMAIN}",
            _is_mailbox,
        ),
        (
            "leah.n at mail dot example dot com",
            "jo dot doe at example dot com",
            "chloe underscore m75 at gmail dot com",
            "bewerbung klammeraffe mail punkt firma-gmbh punkt de",
            "jean arobase exemple point fr",
        ),
        ("meet at the red dot on the map",),
    ),
    Rule(
        "email",
        (_JOINED_GATE,),
        _spelled(
            rf"{_LOCAL}(?: {_AT_WORD} | ?[_-](?i:at)[_-] ?){_DOMAIN}",
            _is_personal,
        ),
        ("john.smith at example.com", "leah at yahoo.com", "leah at gmail.com",
         "canan1990_at_outlook.com", "kbrooks672 -at- example.com", "t.krause-at-t-online.de",
         "atencion arroba clinicabahia.es", "info klammeraffe baeckerei-huber.de",
         "contact arobase mairie-lyon.fr"),
        ("we met at example.com", "let's look at github.com", "work-at-home.com",
         "rated 4.5 at imdb.com"),
    ),
)  # fmt: skip
