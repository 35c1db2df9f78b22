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
_AT_WORD, _DOT_WORD = r"(?i:at|arroba|arobase|et)", r"(?i:dot|nokta|punkt|punto|point)"
_DOT = rf"(?: ?{_OPEN} ?(?:{_DOT_WORD}|\.) ?{_CLOSE} ?| {_DOT_WORD} |\.)"
_HIDDEN_DOMAIN = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}{_TLD}"
_WORDY_DOMAIN = rf"{_LABEL}(?: {_DOT_WORD} {_LABEL}){{0,6}} {_DOT_WORD} {_TLD}"

# What follows the last dot of a file, a systemd unit or an image density, not of a domain.
_NOT_TLD = re.compile(
    rb"(?i).*\.(?:service|socket|target|timer|mount|slice|scope|device|png|jpe?g|gif|svg|webp|ico|"
    rb"pdf|docx?|xlsx?|csv|json|ya?ml|toml|xml|html?|css|s?js|tsx?|jsx?|txt|log|conf|cfg|ini|lock|"
    rb"tar|gz|zip|exe|dll|so|bin|git)$"
)
_COMMON_TLD = re.compile(
    rb"(?i).*[ .](?:com|net|org|edu|gov|info|biz|name|io|co|fm|me|dev|app|xyz|online|site|shop|tech"
    rb"|cloud|technology|photography|agency|email|eu|uk|us|ca|au|nz|ie|in|de|at|ch|fr|es|it|nl|be"
    rb"|pt|pl|se|no|dk|fi|gr|cz|ru|tr|gen|bel|k12|ai|tv|mx|br|ar|cl|jp|kr|cn|hk|sg|za|cat|gal|eus)$"
)
# A local part that no plain word looks like, or the domain of a mail provider.
_PERSONAL = re.compile(rb"[A-Za-z\xc0-\xff'+]*[0-9._-]")
_PROVIDER = re.compile(
    rb"(?i).*[@ ](?:(?:g|googlem|hotm|fastm|ym|rocketm)ail|yahoo|outlook|icloud|live|msn|aol|gmx|"
    rb"proton(?:mail)?|yandex|mail|web|orange|free|laposte|wanadoo|posteo|zoho|hey|btinternet|"
    rb"mynet|t-online|telefonica|pm)\.[a-z.]{2,10}$"
)
_NEXT_SENTENCE = re.compile(rb"[^A-Z]*[a-z](\.[A-Z][a-z]+)$")


def _is_domain(value: bytes) -> bool:
    return _NOT_TLD.match(value) is None and not value.startswith(b"git@")


def _is_personal(value: bytes) -> bool:
    """Tell `j.doe at x.org` from "we met at x.org"."""
    local = value[: value.find(b" ")]
    return _is_domain(value) and bool(_PERSONAL.match(local) or _PROVIDER.match(value))


def _is_mailbox(value: bytes) -> bool:
    """Tell `jdoe @ x.org` from "lunch @ x.org"."""
    local = re.split(rb" (?i:at|arroba|arobase|et|@)", value)[0].decode("latin-1").lower()
    usual = local not in _EMAIL_NOT_LOCAL and _COMMON_TLD.match(value) is not None
    return _is_personal(value) or (usual and _is_domain(value))


def _rule(
    gate: str,
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
        for match in scan.finditer(data):
            start, end = match.span()
            if length := sizes[(data[start:end],)]:
                yield start, start + length

    return Rule("email", (gate,), find, matches, rejects)


# The gates of addresses without an at sign do not count letters: it would take most of the time of
# a clean body.
_LAST = r"[A-Za-z0-9_\xc0-\xff.+-]"
RULES = (
    _rule(
        "@",
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
        rf'"[^"@\x00-\x1f{{}}\\]{{1,64}}"@{_DOMAIN}',
        _is_domain,
        ('"jane doe"@example.org',),
        ('"@types/node": "^17.1.4"', '{"a":"b"}'),
    ),
    _rule(
        "@",
        rf"{_LOCAL} @ ?{_DOMAIN}",
        _is_mailbox,
        ("renee.b @ example.com", "renee7 @example.com", "jdoe @ example.org"),
        ("see you @ example.com", "lunch @ noon", "thanks @john.doe"),
    ),
    _rule(
        rf"{_LAST} ?{_OPEN} ?(?:{_AT_WORD}|@) ?{_CLOSE} ?{_WORD}",
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
        rf"(?:{_WORD}{{1,32}} {_DOT_WORD} ){{0,2}}{_LOCAL} {_AT_WORD} {_WORDY_DOMAIN}",
        _is_mailbox,
        (
            "leah.n at mail dot example dot com",
            "jo dot doe at example dot com",
            "jean arobase exemple point fr",
        ),
        ("meet at the red dot on the map",),
    ),
    _rule(
        rf"{_LAST} {_AT_WORD} [A-Za-z0-9_\xc0-\xff.-]+\.[A-Za-z\xc0-\xff]{{2}}",
        rf"{_LOCAL} {_AT_WORD} {_DOMAIN}",
        _is_personal,
        ("john.smith at example.com", "leah at yahoo.com"),
        ("we met at example.com", "let's look at github.com"),
    ),
)  # fmt: skip
