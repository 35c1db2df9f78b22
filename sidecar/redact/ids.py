"""Numbers of people and money, addresses of machines, and secrets: off unless the policy asks.

A number is recognised by its check digits where it has any, else by the word before it.
"""

import re
from collections.abc import Callable, Iterator

from sidecar.redact.engine import scanner
from sidecar.redact.rule import Range, Rule

Check = Callable[[bytes, bytes], bool]


_CARD_WORD = re.compile(
    rb"(?i)(?:cards?|kart(?:im|i|tan|e|ennummer)?|carte|tarjeta|kreditkarte|visa|maestro|amex|jcb)\W"
)


def _digits(value: bytes) -> list[int]:
    return [byte - 48 for byte in value if 48 <= byte <= 57]


def _luhn(value: bytes, _before: bytes) -> bool:
    total = 0
    for index, digit in enumerate(reversed(_digits(value))):
        total += digit if index % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
    return total % 10 == 0


def _named_card(value: bytes, before: bytes) -> bool:
    return _CARD_WORD.search(before) is not None and _luhn(value, before)


_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "XK": 20,
}  # fmt: skip


def _iban_end(value: bytes) -> int:
    """Return the length of the IBAN that `value` starts with, or 0."""
    wanted = _IBAN_LENGTHS.get(value[:2].decode("latin-1").upper(), 99)
    compact = ""
    for index, char in enumerate(value.decode("latin-1").upper()):
        if char not in " -.":
            compact += char
        if len(compact) == wanted:
            number = "".join(str(int(c, 36)) for c in compact[4:] + compact[:4])
            return index + 1 if int(number) % 97 == 1 else 0
    return 0


def _tckn(value: bytes, _before: bytes) -> bool:
    d = _digits(value)
    tenth = (sum(d[0:9:2]) * 7 - sum(d[1:8:2])) % 10
    return d[0] != 0 and d[9] == tenth and d[10] == sum(d[:10]) % 10


_ASKED_FOR = re.compile(
    rb"(?i)(?:vkn|vergi|v\.k\.n|t\.? ?c\.?|tckn|kimlik|tax|id|nif|dni|nie|cif|steuer|ust|siren)"
    rb"[A-Za-z .\xc0-\xff]{0,16}[ :#=.-]{0,4}$"
)


def _vkn(value: bytes, before: bytes) -> bool:
    if not _ASKED_FOR.search(before):
        return False
    d = _digits(value)
    total = 0
    for index in range(9):
        shifted = (d[index] + 9 - index) % 10
        total += (shifted * 2 ** (9 - index)) % 9 if shifted else 0
        total += 9 if shifted and (shifted * 2 ** (9 - index)) % 9 == 0 else 0
    return d[9] == (10 - total % 10) % 10


def _steuer_id(value: bytes, _before: bytes) -> bool:
    d = _digits(value)
    counts = sorted(map(d[:10].count, range(10)))  # one digit twice, or one three times
    if d[0] == 0 or counts not in ([0, 1, 1, 1, 1, 1, 1, 1, 1, 2], [0, 0, 1, 1, 1, 1, 1, 1, 1, 3]):
        return False
    product = 10
    for digit in d[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return d[10] == (11 - product) % 10


def _dni(value: bytes, _before: bytes) -> bool:
    text = re.sub(r"[ .-]", "", value.decode().upper())
    number = text[:-1].translate({88: "0", 89: "1", 90: "2"})
    return text[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _cif(value: bytes, before: bytes) -> bool:
    if not _ASKED_FOR.search(before):
        return False
    text = re.sub(rb"[ .-]", b"", value.upper())
    total = sum(_digits(text)[1:7:2]) + sum(sum(divmod(d * 2, 10)) for d in _digits(text)[:7:2])
    digit = -total % 10
    return text[-1:] in (b"%d" % digit, b"JABCDEFGHI"[digit : digit + 1])


_NINO_WORD = re.compile(
    rb"(?i)\b(?:ni|nino|national insurance)(?: (?:no|num|number))?[ :#=.-]{0,4}(?:is )?$"
)


def _nino(value: bytes, before: bytes) -> bool:
    # It has no check digit; in capitals its shape says enough.
    if value[:2].upper() in (b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"):
        return False
    return value.isupper() or _NINO_WORD.search(before) is not None


def _nir(value: bytes, _before: bytes) -> bool:
    text = re.sub(r"[ .-]", "", value.decode().upper())
    number = int(text[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(text[13:])


_SSN_WORD = re.compile(rb"(?i)(?:ssn|social(?: security)?|itin|soc)[A-Za-z .]{0,16}[ :#=.-]{0,4}$")
_SSN_NEAR = re.compile(rb"(?i)\b(?:ssn|social security)\b")
_NOT_SSN_WORD = re.compile(
    rb"(?i)(?:cas|part|model|order|ref|sku|case|no)[A-Za-z .]{0,8}[ :#=.-]{0,3}$"
)


def _ssn(value: bytes, before: bytes) -> bool:
    digits = re.sub(rb"[^0-9]", b"", value)
    plausible = (
        digits[:3] not in (b"000", b"666") and digits[3:5] != b"00" and digits[5:] != b"0000"
    )
    if _SSN_WORD.search(before) or (len(value) > 9 and _SSN_NEAR.search(before)):
        return plausible
    return plausible and b"-" in value and digits[0] != 57 and not _NOT_SSN_WORD.search(before)


_VERSION_WORD = re.compile(
    rb"(?i)\b(?:version|versi[ao]n|surum|release|build|firmware|v\b|ver\b|driver|assembly"
    rb"|update|kernel|section|chapter|clause|oid\b|rev\b)[A-Za-z ]{0,8}[ :.=]{0,3}$"
)


def _ipv4(value: bytes, before: bytes) -> bool:
    parts = value.split(b".")
    if any(part[:1] == b"0" and len(part) > 1 for part in parts):
        return False  # a large number
    octets = [int(part) for part in parts]
    return max(octets) < 256 and octets[0] > 0 and not _VERSION_WORD.search(before)


def _ipv6(value: bytes, _before: bytes) -> bool:
    parts = value.split(b":")
    if b"::" not in value:
        return len(parts) == 8 and all(parts)
    return value.count(b"::") == 1 and len(parts) <= 8 and sum(map(bool, parts)) >= 2


def _is_mixed(value: bytes) -> bool:
    """A password or token has more than letters: a digit or a symbol inside a word."""
    return re.search(rb"[0-9!#$%&*+/=?^~@]", value) is not None and len(value) >= 6


_AWS_WORD = re.compile(rb"(?:AKIA|ASIA)[A-Z0-9]{16}|(?i:aws|secret)")


def _aws_secret(value: bytes, before: bytes) -> bool:
    mixed = (re.search(kind, value) for kind in (rb"[0-9]", rb"[a-z]", rb"[A-Z]"))
    return _AWS_WORD.search(before) is not None and all(mixed)


def _always(_value: bytes, _before: bytes) -> bool:
    return True


def _rule(
    type_: str,
    pattern: str,
    check: Check,
    matches: tuple[str, ...],
    rejects: tuple[str, ...] = (),
) -> Rule:
    scan = scanner(pattern)

    def find(data: bytes) -> Iterator[Range]:
        for match in scan.finditer(data):
            start, end = match.span()
            before = data[max(0, start - 32) : start]
            if not _glued(data, start, end) and check(data[start:end], before):
                yield start, end

    return Rule(type_, (pattern,), find, matches, rejects)


_BY_PATTERN = (
    _rule(
        "card",
        r"(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6[0-9]{3}|9792|35[0-9]{2})"
        r"(?:[ .-]?[0-9]{4}){3}|3[47][0-9]{2}[ .-]?[0-9]{6}[ .-]?[0-9]{5}"
        r"|3[0689][0-9]{2}[ .-]?[0-9]{6}[ .-]?[0-9]{4}|(?:5[06-8]|6[0-9]|4[0-9])[0-9]{11,17}",
        _luhn,
        ("4111 1111 1111 1111", "5555-5555-5555-4444", "9792 0303 9444 0796", "378282246310005"),
        ("4111 1111 1111 1112", "8545359967809523"),
    ),
    _rule(
        "card",
        r"[0-9]{12,19}",
        _named_card,
        ("my card 213176828496175", "card number 630427373398"),
        ("213176828496175", "card 213176828496176"),
    ),
    _rule(
        "national_id",  # T.C. kimlik
        r"[1-9][0-9]{2}[ .-]?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{2}",
        _tckn,
        ("10000000146", "100 000 001 46"),
        ("10000000147", "dosya no 96856283075"),
    ),
    _rule(
        "national_id",  # Turkish tax number
        r"[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{2}",
        _vkn,
        ("VKN: 9884036308", "vergi no 988 403 63 08"),
        ("kayıt 9884036308", "VKN: 9884036309"),
    ),
    _rule(
        "national_id",  # German tax id
        r"[1-9][0-9][ /]?[0-9]{3}[ /]?[0-9]{3}[ /]?[0-9]{3}",
        _steuer_id,
        ("86095742719", "86 095 742 719", "86/095/742/719"),
        ("86095742718",),
    ),
    _rule(
        "national_id",  # Spanish DNI and NIE
        r"(?:[0-9]{2}[.]?[0-9]{3}[.]?[0-9]{3}|[XYZxyz][ .-]?[0-9]{7})[ .-]?[A-Za-z]",
        _dni,
        ("12345678Z", "12.345.678-Z", "X1234567L"),
        ("12345678A",),
    ),
    _rule(
        "national_id",  # Spanish tax number of a company
        r"[ABCDEFGHJNPQRSUVWabcdefghjnpqrsuvw][ .-]?[0-9]{7}[ .-]?[0-9A-Ja-j]",
        _cif,
        ("CIF B28930378", "NIF: Q-2826000-H"),
        ("B28930378", "CIF B28930379"),
    ),
    _rule(
        "national_id",  # British national insurance number
        r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]"
        r"(?:[ -]?[0-9]{2}){3}[ -]?[A-Da-d]",
        _nino,
        ("AB 12 34 56 C", "AB123456C", "ni: ab 123456 c"),
        ("GB123456A", "AB123456E", "ab123456c", "QQ123456C"),
    ),
    _rule(
        "national_id",  # French social security
        r"[1-478][ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?(?:[0-9]{2}|2[ABab])[ .-]?[0-9]{3}"
        r"[ .-]?[0-9]{3}[ .-]?[0-9]{2}",
        _nir,
        ("2 55 08 14 168 025 38", "255081416802538"),
        ("255081416802539",),
    ),
    _rule(
        "ssn",
        r"[0-8][0-9]{2}(?:[ -][0-9]{2}[ -]|[0-9]{2})[0-9]{4}",
        _ssn,
        ("078-05-1120", "SSN 078 05 1120", "ssn: 078051120", "ssn so I put Smith 078 05 1120"),
        ("078051120", "000-12-3456", "CAS 7732-18-5", "078 05 1120"),
    ),
    _rule(
        "ip",
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
        _ipv4,
        (
            "10.150.163.222",
            "10.150.163.222:8080",
            "server at 197.129.205.132",
            "driver 2 on 10.0.0.1",
            "vps 51.178.92.205",
        ),
        ("version 2.1.39.7", "1.2.3.4.5", "300.1.1.1", "1.000.000.007", "sürüm 9.20.24.3"),
    ),
    _rule(
        "ip",
        r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}",
        _ipv6,
        ("2001:db8:9f88::ced8", "272b:75bc:904f:9d88:4a02:f164:a489:b78e", "fe80::1"),
        ("12:30:45", "std::vector", "::", "00:1a:2b:3c:4d:5e"),
    ),
    _rule(
        "secret",  # by its prefix
        r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|sk-[A-Za-z0-9_-]{20,}"
        r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{18,40}"
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,40}|xox[abeoprs]-[A-Za-z0-9-]{10,}"
        r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]{4,})?"
        r"|[0-9]{8,10}:[A-Za-z0-9_-]{35}"
        r"|z_[0-9a-z]{2}[A-Za-z0-9._-]{30,}|(?:npm|hf|SG|dop_v1|shpat|ya29)[_.][A-Za-z0-9._-]{20,}",
        _always,
        (
            "sk_live_zeteSG1ViPURjDgufzItZwJ2",
            "AKIAIOSFODNN7EXAMPLE",
            "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw-",
        ),
        ("SCREAMING_SNAKE",),
    ),
    _rule(
        "secret",
        r"[A-Za-z0-9/+]{40}",
        _aws_secret,
        ("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",),
        ("commit 3f786850e387550fdab836ed7e6dc881de23001b", "aws " + "a" * 40),
    ),
    _rule(
        "secret",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s:,.-]*"
        r"-----END [A-Z ]{0,30}PRIVATE KEY-----",
        _always,
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",),
    ),
)

# The value after a word for a secret; the word itself stays. Words with other meanings ("token",
# "pass") need a colon or the like.
_INTRODUCED_PATTERN = (
    r"(?:(?i:password|passwd|passphrase|pwd|api[ _-]?key|apikey|access[ _-]?key|client[ _-]?secret"
    r"|bearer|authorization|sifre(?:m|si|niz|miz)?|parola(?:m|si)?|passwort|kennwort|mot de passe"
    r"|contrasena|mdp)(?i: (?:for |for the |fur |furs |de la |del |de |du )?(?:wi-?fi|wlan|red))?"
    r"(?: (?i:is|was|are|olarak|ist|lautet|est|es))?['\x22]?[ :=]{1,3}"
    r"|(?i:pass|secret|token|clave(?: de la wi-?fi| del wi-?fi)?)"
    r"(?:['\x22]?[:=]{1,2} ?| (?i:is|ist|est|es) ))"
    r"['\x22]?(?:(?i:bearer|basic|token) )?[A-Za-z0-9!#$%&*+/=?^~@._-]{6,}"
)
_SECRET_VALUE = re.compile(rb"[A-Za-z0-9!#$%&*+/?^~@._-]+=*$")
_IBAN_PATTERN = r"[A-Za-z]{2}[0-9]{2}(?:[ .-]?[A-Za-z0-9]){11,34}"
_IBAN, _INTRODUCED = scanner(_IBAN_PATTERN), scanner(_INTRODUCED_PATTERN)


def _ibans(data: bytes) -> Iterator[Range]:
    for match in _IBAN.finditer(data):
        start, end = match.span()
        length = _iban_end(data[start:end])
        if length and not _glued(data, start, start + length):
            yield start, start + length


def _named_secrets(data: bytes) -> Iterator[Range]:
    for match in _INTRODUCED.finditer(data):
        value = _SECRET_VALUE.search(data, *match.span())
        if value and _is_mixed(value.group().rstrip(b".?!")):
            yield value.span()


def _glued(data: bytes, start: int, end: int) -> bool:
    """Tell whether the value is part of a longer token."""
    before, after = data[max(0, start - 2) : start], data[end : end + 2]
    if before[-1:].isalnum() or before[-1:] == b"_" or after[:1].isalnum() or after[:1] == b"_":
        return True
    if b"." in data[start:end] and after[:1] == b":":
        return False  # the port of an IP address
    return (before[-1:] in (b"-", b".", b":") and before[:1].isdigit() and len(before) == 2) or (
        after[:1] in (b"-", b".", b":") and after[1:].isdigit()
    )


RULES: tuple[Rule, ...] = (
    *_BY_PATTERN,
    Rule(
        "iban",
        (_IBAN_PATTERN,),
        _ibans,
        ("GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "TR330006100519786457841326",
         "DE89-3704-0044-0532-0130-00"),
        ("GB82 WEST 1234 5698 7654 33", "AB12 CDEF", "XX82WEST12345698765432"),
    ),
    Rule(
        "secret",  # by the word before it
        (_INTRODUCED_PATTERN,),
        _named_secrets,
        ("password: hunter2!x", "Authorization: Bearer 90cef527860625", "şifrem Kedi1234!",
         "mdp: loulou2015!Brest", "clave de la wifi: abuelaPepa1949!"),
        ("reset my password please", "the token expires at noon"),
    ),
)  # fmt: skip
