"""E-mail addresses, plain and disguised."""

import re
from collections.abc import Callable, Iterator

from sidecar.redact.engine import scanner
from sidecar.redact.rule import Decisions, Range, Rule
from sidecar.redact.words import words

_EMAIL_NOT_LOCAL = words("email.not_local")

_WORD = r"[A-Za-z0-9_\xc0-\xff]"
_LOCAL = rf"{_WORD}(?:[A-Za-z0-9_\xc0-\xff.+'%-]{{0,62}}[A-Za-z0-9_\xc0-\xff.+-])?"
_LABEL = r"[A-Za-z0-9_\xc0-\xff](?:[A-Za-z0-9_\xc0-\xff-]{0,61}[A-Za-z0-9\xc0-\xff])?"
_TLD = r"(?:[Xx][Nn]--[A-Za-z0-9-]{2,59}|[A-Za-z\xc0-\xff]{2,24})"
_DOMAIN = rf"(?:{_LABEL}\.){{1,8}}{_TLD}"

_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_AT_WORD = r"(?i:at|arroba|arobase|et|klammeraffe)"
_DOT_WORD = r"(?i:dot|nokta|punkt|punto|point)"
# How the other signs of a local part are spoken.
_SIGN_WORD = (
    rf"(?:{_DOT_WORD}|(?i:underscore|unterstrich|alt tire|alt cizgi|tiret|tire|guion bajo|guion"
    r"|bindestrich|hyphen|dash|minus|plus|arti))"
)
_DOT = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} |\.)"
_HIDDEN_DOMAIN = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}{_TLD}"
_WORDY_DOMAIN = rf"{_LABEL}(?: {_DOT_WORD} {_LABEL}){{0,6}} {_DOT_WORD} {_TLD}"

# What follows the last dot of a file, a systemd unit or an image density, not of a domain.
_NOT_TLD = re.compile(
    rb"(?i).*\.(?:service|socket|target|timer|mount|slice|scope|device|png|jpe?g|gif|svg|webp|ico|"
    rb"pdf|docx?|xlsx?|csv|json|ya?ml|toml|xml|html?|css|s?js|tsx?|jsx?|txt|log|conf|cfg|ini|lock|"
    rb"tar|gz|zip|exe|dll|so|bin|git)$"
)
_USUAL_TLD = (
    "com|net|org|edu|gov|info|biz|name|io|co|fm|me|dev|app|xyz|online|site|shop|tech|cloud"
    "|technology|photography|agency|email|eu|uk|us|ca|au|nz|ie|in|de|at|ch|fr|es|it|nl|be|pt|pl|se"
    "|no|dk|fi|gr|cz|ru|tr|gen|bel|k12|ai|tv|mx|br|ar|cl|jp|kr|cn|hk|sg|za|cat|gal|eus|berlin"
    "|hamburg|koeln|bayern|istanbul|ist|london|paris|madrid|nyc"
)
_COMMON_TLD = re.compile(rf"(?i).*[ .](?:{_USUAL_TLD})$".encode())
# A dot that is disguised behind a real at sign, or blurred by a blank or a comma.
_LOOSE_DOT = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} | ?\. ?)"
_LOOSE_TLD = rf"(?:{_USUAL_TLD}|{_USUAL_TLD.upper()})"
_LOOSE_DOMAIN = rf"{_LABEL}(?:{_LOOSE_DOT}{_LABEL}){{0,3}}(?:{_LOOSE_DOT}|,){_LOOSE_TLD}\b"
# A local part that no plain word looks like, or the domain of a mail provider.
_PERSONAL = re.compile(rb"(?=[^ ]*[A-Za-z\xc0-\xff])[A-Za-z\xc0-\xff'+]*[0-9._-]")
_PROVIDER = re.compile(
    rb"(?i).*[@ _-](?:(?:gm|googlem|hotm|fastm|ym|rocketm)ail|yahoo|outlook|icloud|live|msn|aol|"
    rb"gmx|proton(?:mail)?|yandex|mail|web|orange|free|laposte|wanadoo|posteo|zoho|hey|btinternet|"
    rb"mynet|t-online|telefonica|pm)\.[a-z.]{2,10}$"
)
_AT = re.compile(rf"[ _-]+(?:{_AT_WORD}|@)".encode())
_NEXT_SENTENCE = re.compile(rb"[^A-Z]*[a-z](\.[A-Z][a-z]+)$")


def _is_domain(value: bytes) -> bool:
    return _NOT_TLD.match(value) is None and not value.startswith(b"git@")


_AS_USUAL = re.compile(rf" ?@ ?{_DOMAIN}".encode("latin-1"))


def _is_loose(value: bytes) -> bool:
    """Tell `ali@x. com` from "ask ali@x.com. De rien", which is for the rules above."""
    usual = _AS_USUAL.search(value)
    return usual is None or _COMMON_TLD.match(usual.group()) is None


def _is_personal(value: bytes) -> bool:
    """Tell `j.doe at x.org` from "we met at x.org"."""
    local = _AT.split(value)[0]
    return _is_domain(value) and bool(_PERSONAL.match(local) or _PROVIDER.match(value))


def _is_mailbox(value: bytes) -> bool:
    """Tell `jdoe @ x.org` from "lunch @ x.org"."""
    local = _AT.split(value)[0].decode("latin-1").lower()
    usual = local not in _EMAIL_NOT_LOCAL and _COMMON_TLD.match(value) is not None
    return _is_personal(value) or (usual and _is_domain(value))


# No rule looks further to the left of an at sign.
_LOOK_BACK = 70


def _rule(
    gate: str,
    sign: bytes,
    pattern: str,
    check: Callable[[bytes], bool],
    matches: tuple[str, ...],
    rejects: tuple[str, ...],
) -> Rule:
    scan = scanner(pattern)

    def size(value: bytes) -> int:
        sentence = _NEXT_SENTENCE.match(value)
        return (sentence.start(1) if sentence else len(value)) if check(value) else 0

    def find(data: bytes) -> Iterator[Range]:
        sizes = Decisions(size)
        first, last = data.find(sign), data.rfind(sign)
        if first < 0:
            return
        for match in scan.finditer(data, max(0, first - _LOOK_BACK)):
            start, end = match.span()
            if length := sizes[(data[start:end],)]:
                yield start, start + length
            if end > last:
                break

    return Rule("email", (gate,), find, matches, rejects)


# The gates of addresses without an at sign do not count letters: it would take most of the time of
# a clean body.
_LAST = r"[A-Za-z0-9_\xc0-\xff.+-]"
RULES = (
    _rule(
        "@",
        b"@",
        rf"{_LOCAL}@ ?{_DOMAIN}",
        _is_domain,
        ("ali@x.com", "o'hara+news@mail.example.co.uk", "jürgen@müller.de", "a@xn--mller-kva.de",
         "912759069@example.org", "_a.b_@example.org", "ali@ example.com", "ALI＠EXAMPLE.COM",
         "ali&#64;example.com", "ali%40example.com", "ali\\u0040example.com", "al\u200bi@x.com"),
        ("getty@tty1.service", "icon@2x.png", "npm i @sentry/node@8.6.1", "@app.route", "root@host",
         "git@github.com:org/repo"),
    ),
    _rule(
        "@",
        b'"@',
        rf'"[^"@\x00-\x1f{{}}\\]{{1,64}}"@{_DOMAIN}',
        _is_domain,
        ('"jane doe"@example.org',),
        ('"@types/node": "^17.1.4"', '{"a":"b"}'),
    ),
    _rule(
        "@",
        b" @",
        rf"{_LOCAL} @ ?{_DOMAIN}",
        _is_mailbox,
        ("renee.b @ example.com", "renee7 @example.com", "jdoe @ example.org"),
        ("see you @ example.com", "lunch @ noon", "thanks @john.doe"),
    ),
    _rule(
        "@",
        b"@",
        rf"{_LOCAL} ?@ ?{_LOOSE_DOMAIN}",
        _is_loose,
        ("bob@aol[dot]com", "t.krause561@gmx(dot)de", "kontakt808@gmx dot de", "bob@aol. com",
         "selin-koc117@yandex dot com dot tr", "info162@gmail . com", "bob@aol,com",
         "bob @ aol dot com"),
        ("thanks @john. In the evening", "npm i @sentry/node. It works", "a@b. Then"),
    ),
    _rule(
        rf"{_LAST} ?{_OPEN} ?(?:{_AT_WORD}|@) ?{_CLOSE} ?{_WORD}",
        b"",
        rf"{_LOCAL} ?{_OPEN} ?(?:{_AT_WORD}|@) ?{_CLOSE} ?{_HIDDEN_DOMAIN}",
        _is_domain,
        (
            "kyle [at] hey [dot] com",
            "kyle(at)x(dot)com",
            "kyle {at} x {dot} org",
            "k (at) x.com.tr",
        ),
        ("list[at] = x", "meet me (at) noon"),
    ),
    _rule(
        rf"{_LAST} {_AT_WORD} [A-Za-z0-9_\xc0-\xff-]+ {_DOT_WORD} {_WORD}",
        b"",
        rf"(?:{_WORD}{{1,32}} {_SIGN_WORD} ){{0,2}}{_LOCAL} {_AT_WORD} {_WORDY_DOMAIN}",
        _is_mailbox,
        (
            "leah.n at mail dot example dot com",
            "jo dot doe at example dot com",
            "chloe underscore m75 at gmail dot com",
            "bewerbung klammeraffe mail punkt firma-gmbh punkt de",
            "jean arobase exemple point fr",
        ),
        ("meet at the red dot on the map",),
    ),
    _rule(
        rf"{_LAST} ?[ _-]{_AT_WORD}[ _-] ?[A-Za-z0-9_\xc0-\xff.-]+\.[A-Za-z\xc0-\xff]{{2}}",
        b"",
        rf"{_LOCAL}(?: {_AT_WORD} | ?[_-](?i:at)[_-] ?){_DOMAIN}",
        _is_personal,
        ("john.smith at example.com", "leah at yahoo.com", "leah at gmail.com",
         "canan1990_at_outlook.com", "kbrooks672 -at- example.com", "t.krause-at-t-online.de"),
        ("we met at example.com", "let's look at github.com", "work-at-home.com",
         "rated 4.5 at imdb.com"),
    ),
)  # fmt: skip
