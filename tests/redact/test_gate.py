"""The gate over raw bytes: it may suspect too much, and must never suspect too little."""

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.redact import (
    DEFAULT_TYPES,
    CustomRule,
    Policy,
    Redacted,
    Redactor,
    Uninspectable,
)
from sidecar.redact.address_de import german
from sidecar.redact.finder import Finder
from sidecar.redact.fold import Fold
from sidecar.redact.gate import Gate, merged, raw
from tests.redact.samples import matches

GATE = Gate(Policy())
FINDER = Finder(Policy())
VIEW = Fold()
EXAMPLES = matches(*DEFAULT_TYPES)


def written(text: str) -> Iterator[bytes]:
    """Yield a text as it may stand in bodies: raw, escaped, and as JSON in a string."""
    for ascii_only in (False, True):
        for depth in range(3):
            body: object = {"content": text, "role": "user"}
            for _ in range(depth):
                body = {"data": json.dumps(body, ensure_ascii=ascii_only)}
            yield json.dumps(body, ensure_ascii=ascii_only).encode()
    yield ('{"c":"' + "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 65536) + '"}').encode()


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_suspected(text: str) -> None:
    """In the middle of a text and alone, in every way to write it, in either case."""
    for variant in (text, text.upper(), f"Merhaba, {text}. Tamam", f"\n{text}\n", f"({text})"):
        if FINDER.find(variant):
            for body in written(variant):
                assert GATE.suspicions(body) != []


words = st.sampled_from(
    """
    12 5 2026 0532 123 45 67 +90 (0212) 555 no: 221B 8032 62704 SW1A 1AA E1 6AN Baker Street St.
    Avenue Sok. Sokağı Mah. Caddesi Kat D:3 Goethestraße Str. Weg Am Unter den Eichen rue de la
    Paix bd Calle Gran Vía s/n , . / - Boise, ID Springfield IL 75001 Paris 28013 Madrid kadıköy
    at dot point com example.com john.doe [at] (at) one two PO Box Postfach Highway N W 1/2 &amp;
    ß Highwayß21BD 18e1d0a8-e066-d5eb-2852-9938ba6cad41 -2852-993 %40
    at from Main Astor Chicago The Coach House, Back Lane, Holt Leeds LS6 bei am alten markt den
    in Rosental 98, Dortmund Straße: direccion= address: avenue foch nancy Les 26400 Crest º 3º,
    Theresienhöhe Bloklar 100% a@b.co . | x\u200by ５３２ 🙂 … “ ” – — \u00a0
    corner of and line1= city= zip: 10301 Brow 58, Oakdale - apt C, bldg 508 e 2nd 455 North 200
    Bul. 9. Kısım AVM Kampüsü Tıp Fakültesi, 58140 Sivas ada parsel 5. km Köyü, Çubuk, Ankara Sokak:
    """.split(" ")
)
texts = st.lists(words | st.text(max_size=3), max_size=14).map(" ".join)


@given(texts)
def test_what_the_finder_finds_was_suspected(text: str) -> None:
    """Mixtures of all that addresses, numbers and obfuscated e-mails are made of."""
    if FINDER.find(text):
        for body in written(text):
            assert GATE.suspicions(body) != []


streets = st.lists(
    st.sampled_from(
        """
        am in Im Zum hinter Unter ober vor alten kleiner Große Eppendorfer hohe , . / Platz weg
        straße str. Wald wald- Dr.- mein Ali ring Ring reihe bleichen hof Hof garten nr. 5 12a 7/2
        24937 Kiel
        """.split()
    )
    | st.sampled_from([" ", " ", " ", "\n"]),
    min_size=2,
    max_size=12,
).map("".join)


@example("im kleinen waldring 5")
@example("hinter waldring 5")
@example("Große reihe 5")
@example("Waldring 5")
@example("Waldhof 12a")
@given(streets)
def test_german_streets_were_suspected(text: str) -> None:
    """Of the words that end a street some need a capital, or an adjective before them."""
    for variant in (text, text.lower()):
        if any(german(VIEW(variant).data)):
            assert FINDER.find(variant)
            for body in written(variant):
                assert GATE.suspicions(body) != []


class Everywhere:
    """A gate that is open everywhere."""

    def suspicions(self, body: bytes) -> None:
        """Ask for a look at every string."""


KEYS = ["metadata", "user_id", "tel", "street", "home_address", "Straße"]
GATED, UNGATED = Redactor(Policy()), Redactor(Policy())
UNGATED._gate = Everywhere()  # type: ignore[assignment]
bodies = st.recursive(
    texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.sampled_from(KEYS), inner, max_size=3)
        | inner.map(json.dumps)
    ),
    max_leaves=6,
)


@given(bodies, st.booleans())
@example(value={"street": ["12 PO"]}, ascii_only=False)
def test_the_gate_changes_nothing(value: object, ascii_only: bool) -> None:
    """With and without it every string of a body comes out the same."""
    body = json.dumps({"content": value}, ensure_ascii=ascii_only).encode()
    assert outcome(GATED, body) == outcome(UNGATED, body)


def outcome(redactor: Redactor, body: bytes) -> Redacted | str:
    """Return the redacted body or why there is none."""
    try:
        return redactor.json(body)
    except Uninspectable as error:
        return str(error)


digits = st.text("0123456789 ./()-+–:a_oO", min_size=6, max_size=24)


@given(digits, st.sampled_from(["tel ", "ara:", "", "x", "no ", "call O7"]))
def test_numbers_the_finder_finds_were_suspected(number: str, before: str) -> None:
    """Numbers in every grouping."""
    text = before + number
    if FINDER.find(text):
        for body in written(text):
            assert GATE.suspicions(body) != []


number_words = st.lists(
    st.sampled_from(
        ["two", "one", "five", "oh", "Double", "beş", "yüz", "otuz", "ÜÇ", "fünf", "drei"]
    ),
    min_size=3,
    max_size=8,
)


@given(
    st.sampled_from(
        ["zero seven", "sıfır beş", "NULL EINS", "zéro-six", "two, oh one", "cero uno"]
    ),
    number_words,
    st.sampled_from([" ", "-", ", ", ",", " - "]),
)
def test_numbers_in_words_were_suspected(first: str, rest: list[str], joint: str) -> None:
    """In every language, with every joint."""
    text = joint.join([first, *rest])
    if FINDER.find(text):
        for body in written(text):
            assert GATE.suspicions(body) != []


@pytest.mark.parametrize(
    "rest", ["@example.com", "\uff20example.com", ", 0532 123 45 67", " a@b.co"]
)
@pytest.mark.parametrize(
    "uuid", ["18e1d0a8-e066-d5eb-a852-9938ba6cad41", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
)
def test_what_follows_a_uuid_is_suspected(uuid: str, rest: str) -> None:
    """Digits in a UUID are no suspicion, but it may be the local part of an address."""
    assert FINDER.find(uuid + rest)
    for body in written(uuid + rest):
        assert GATE.suspicions(body) != []


UUIDS = ["85140276-4db9-f61a-5439-82fd7a1c0f3b", "0532123a-1234-5678-9012-345678901234"]
openings = st.sampled_from([*EXAMPLES, "address: ", "Anschrift: 7 ", "PO Box ", "tel: +"])


@given(
    texts | digits | openings,
    st.sampled_from(["", '"', ' "', '": "', "-", " ", "/", "_"]),
    st.sampled_from(UUIDS),
    texts | digits,
)
def test_what_stands_around_a_uuid_is_suspected(
    before: str, mark: str, uuid: str, after: str
) -> None:
    """A value may reach into what looks like a UUID, or out of it."""
    text = before + mark + uuid + after
    if FINDER.find(text):
        for body in written(text):
            assert GATE.suspicions(body) != []


@pytest.mark.parametrize("before", ["tel: ", 'tel "', 'tel: +"', "ara: "])
def test_uuid_that_the_text_calls_a_number(before: str) -> None:
    """What its string says before it decides, if no letter stands in what could be the number."""
    uuid = "85140276-4619-f61a-5439-82fd7a1c0f3b"
    assert FINDER.find(before + uuid)
    for body in written(before + uuid):
        assert GATE.suspicions(body) != []


@pytest.mark.parametrize("key", ["address", "Straße", "home_adresse", "sokak adresi"])
def test_uuid_in_the_value_of_an_address_key(key: str) -> None:
    """Whatever the value looks like, it is announced as an address."""
    for value in (*UUIDS, f"x {UUIDS[0]}"):
        body: object = {key: value}
        for _ in range(3):
            assert GATE.suspicions(json.dumps(body).encode()) != []
            body = {"data": json.dumps(body)}


@given(st.binary(max_size=12))
def test_what_is_not_utf8_is_suspected(body: bytes) -> None:
    """So that a body without suspicions needs no other check."""
    try:
        sound = "\0" not in body.decode()
    except UnicodeDecodeError:
        sound = False
    assert sound or GATE.suspicions(body) != []


@pytest.mark.parametrize(
    "body",
    [
        '{"created_at":"2026-11-22T10:00:00Z","content":"hello there, 3 of 12 done"}',
        '{"created_at":"2026-11-22T10:00:00.123456+00:00"}',
        '{"uuid":"18e1d0a8-e066-d5eb-a852-9938ba6cad41","score":0.8444218515250481}',
        '{"content":"Müşteri için fatura — çünkü akşam toplantı 15:30’da, %99 tamam"}',
        '{"content":"M\\u00fc\\u015fteri i\\u00e7in 45.50 TL\\n\\"tamam\\""}',
        '{"data":"{\\"a\\":\\"M\\\\u00fc\\\\u015fteri\\"}"}',
        '{"content":"monitoring 24 hosts during 2026, firewall 2"}',
        '{"ids":["18e1d0a8-e066-d5eb-2852-993812345678","85140276-4db9-f61a-5439-82fd7a1c0f3b"]}',
    ],
)
def test_ordinary_bodies_are_not_suspected(body: str) -> None:
    """What stands in every request must not cost a look."""
    assert GATE.suspicions(body.encode()) == []


def test_other_types_are_looked_for_everywhere() -> None:
    """Rules that are off by default have no gate."""
    assert Gate(Policy(types=frozenset({"email", "iban"}))).suspicions(b'{"a":"b"}') is None
    assert Gate(Policy(custom=(CustomRule("t", "T", "[T]"),))).suspicions(b'{"a":"b"}') is None


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (
            r"\bcad\b\.?",
            ["cad", "CAD 5".lower(), " cad.", "\\ncad", "ç cad"],
            ["cadde", "acad", "cad2"],
        ),
        (r"(?i:(?:so|sa)k[ai]gi)", ["SOKAĞI", "sokağı", "SAKAGI"], ["sok"]),
        (r"[0-9]{2}(?:a|b\b)c?", ["12a", "12b", "12b "], ["1a", "12bx"]),
    ],
)
def test_translation(pattern: str, yes: list[str], no: list[str]) -> None:
    """A pattern for views becomes one for raw bytes; characters in disguise are left to others."""
    translated = re.compile(raw(pattern).encode("latin-1"))
    for text in yes:
        assert translated.search(text.encode())
    for text in no:
        assert not translated.search(text.encode())


patterns = st.recursive(
    st.sampled_from(["a", "b", "[ab]", r"\b", " ", "b?", "a{1,2}", "c+"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=1, max_size=3).map(lambda some: f"(?:{'|'.join(some)})")
        | st.lists(inner, min_size=1, max_size=2).map(lambda some: f"(?:{'|'.join(some)})?")
    ),
    max_leaves=6,
)


@given(
    st.lists(st.lists(patterns, min_size=1, max_size=2).map("|".join), min_size=1, max_size=4),
    st.text("abc ", max_size=8),
)
def test_merging(some: list[str], text: str) -> None:
    """What has its beginnings merged matches the same texts."""
    matched = any(re.search(pattern, text) for pattern in some)
    assert any(re.search(pattern, text) for pattern in merged(some)) == matched


def test_merged_alternatives_begin_differently() -> None:
    """One of each beginning, with its repeat."""
    assert list(merged(["a+b|ac", r"\bx", "a+c", r"(?:a|b)c|\by"])) == [
        "a+(?:b|c)", "a(?:c)", r"\b(?:x|y)", "(?:a|b)(?:c)"
    ]  # fmt: skip
