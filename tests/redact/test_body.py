"""Bodies and queries: only what matched changes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.routes import Fields
from sidecar.redact import (
    CustomRule,
    Laborious,
    Policy,
    Redactor,
    Uninspectable,
    redact_body,
    redact_text,
)

REDACTOR = Redactor(Policy())
MAIL = "ayse@example.com"


def redact(body: str | bytes, exceptions: Mapping[str, Fields] | None = None) -> str:
    """Redact a JSON body given as text."""
    data = body.encode() if isinstance(body, str) else body
    return REDACTOR.json(data, exceptions or {}).body.decode()


# --- any JSON -------------------------------------------------------------------------------------

names = st.sampled_from(["content", "user_id", "metadata", "messages", "data", "role", "é"])
# No digit, no at sign, and no full stop or "t" for a domain, "dot" or "punkt".
clean_text = st.text(st.sampled_from("abcçdeğıişüöABCÇİ \n\t\"\\/{}[]:,—’“🙂éßх中%&$#*<>'-_|"))
dirty_text = st.builds(
    "{}{}{}".format, clean_text, st.sampled_from([" x@y.com ", MAIL]), clean_text
)


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return any JSON value, with JSON in strings, over the given texts."""
    scalars = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(names | texts, inner, max_size=4)
            # "3262000000.0" in a string is a phone that a spreadsheet wrote.
            | inner.filter(lambda value: not isinstance(value, float)).map(json.dumps)
        ),
        max_leaves=12,
    )


ascii_or_raw = st.booleans()


def shape(value: Any) -> Any:
    """Return a value with every string replaced by nothing, and JSON in strings opened."""
    if isinstance(value, dict):
        return [shape(v) for v in value.values()]
    if isinstance(value, list):
        return [shape(v) for v in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            inner = json.loads(value)
        except ValueError:
            return ""
        return ["inner", shape(inner)]
    return "" if isinstance(value, str) else value


@given(json_values(clean_text), ascii_or_raw)
def test_a_clean_body_is_forwarded_byte_for_byte(value: Any, ascii_only: bool) -> None:
    """The very same object comes back."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    outcome = REDACTOR.json(body)
    assert outcome.body is body
    assert not outcome.counts


@given(json_values(dirty_text), ascii_or_raw)
def test_the_result_is_json_of_the_same_shape(value: Any, ascii_only: bool) -> None:
    """Valid, nothing lost, nothing left, and a second pass changes nothing."""
    body = json.dumps({"content": value}, ensure_ascii=ascii_only).encode()
    outcome = REDACTOR.json(body)
    result = json.loads(outcome.body)
    assert shape(result["content"]) == shape(value) or MAIL in str(value)
    assert len(shape(result)) == 1
    assert REDACTOR.json(outcome.body).body is outcome.body


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_redacted_or_refused(body: bytes) -> None:
    """No other exception, and never anything that is not JSON."""
    try:
        outcome = REDACTOR.json(body)
    except Uninspectable:
        return
    json.loads(outcome.body)


# --- where things stand ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'{{"content":"{MAIL}"}}', '{"content":"[EMAIL]"}'),
        (f' [ "{MAIL}" , 1.0e2 ] ', ' [ "[EMAIL]" , 1.0e2 ] '),
        (f'"{MAIL}"', '"[EMAIL]"'),
        (f'{{"metadata":{{"{MAIL}":1}}}}', '{"metadata":{"[EMAIL]":1}}'),
        (f'{{"a":"{MAIL}","a":"x"}}', '{"a":"[EMAIL]","a":"x"}'),
        (r'{"s":"ayse\u0040example.com"}', '{"s":"[EMAIL]"}'),
        (r'{"s":"a\nayse@example.com\tb"}', r'{"s":"a\n[EMAIL]\tb"}'),
        (r'{"s":"\"ayse@example.com\""}', r'{"s":"\"[EMAIL]\""}'),
        (r'{"s":"\\ ayse@example.com\\"}', r'{"s":"\\ [EMAIL]\\"}'),
        (r'{"s":"\ud83d\ude42 ayse@example.com \ud83d"}', r'{"s":"\ud83d\ude42 [EMAIL] \ud83d"}'),
        ('{"s":"🙂 ayse@example.com ş"}', '{"s":"🙂 [EMAIL] ş"}'),
        (
            '{"n":123456789012345678901234567890,"m":0.10,"s":"x@y.com","b":[],"o":{}}',
            '{"n":123456789012345678901234567890,"m":0.10,"s":"[EMAIL]","b":[],"o":{}}',
        ),
    ],
)
def test_strings_keys_and_escapes(body: str, expected: str) -> None:
    """Everything that did not match keeps its bytes."""
    assert redact(body) == expected


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_in_strings(depth: int, ascii_only: bool) -> None:
    """At any depth the string stays valid JSON, and its numbers stay numbers."""
    value: Any = {"mail": f"“{MAIL}”\n", "şehir": "İzmir", "n": 905321234567, "f": 1.0}
    for _ in range(depth):
        value = {"data": json.dumps(value, ensure_ascii=ascii_only)}
    result = json.loads(redact(json.dumps(value, ensure_ascii=ascii_only)))
    for _ in range(depth):
        result = json.loads(result["data"])
    assert result == {"mail": "“[EMAIL]”\n", "şehir": "İzmir", "n": 905321234567, "f": 1.0}


def test_identifiers_pass_and_are_counted() -> None:
    """An id that is an e-mail stays, at the top and below; the application's own data do not."""
    body = {
        "user_id": MAIL,
        "thread_id": "t",
        "messages": [
            {"uuid": MAIL, "role": "user", "content": MAIL, "metadata": {"user_id": MAIL}}
        ],
        "search_filters": {"node_labels": [MAIL], "n": 1},
    }
    outcome = REDACTOR.json(json.dumps(body).encode())
    result = json.loads(outcome.body)
    assert (result["user_id"], result["messages"][0]["uuid"]) == (MAIL, MAIL)
    assert result["search_filters"] == body["search_filters"]
    assert result["messages"][0]["content"] == "[EMAIL]"
    assert result["messages"][0]["metadata"] == {"user_id": "[EMAIL]"}
    assert outcome.counts == {"email": 2}
    assert outcome.identifiers == 3


def test_a_name_that_is_text_on_this_route() -> None:
    """API v2 memory puts a display name into `role`."""
    body = '{"messages":[{"role":"x@y.com","role_type":"user"}]}'
    assert redact(body) == body
    assert redact(body, {"role": Fields.SCHEMA}) == body.replace("x@y.com", "[EMAIL]")


def test_objects_below_an_identifier_name() -> None:
    """A name such as `types` shields its own value or a list of them, not whole objects."""
    body = '{"types":["x@y.com",{"name":"x@y.com","id":"x@y.com"}],"scope":{"x@y.com":["x@y.com"]}}'
    expected = body.replace('"name":"x@y.com"', '"name":"[EMAIL]"')
    expected = expected.replace('{"x@y.com":["x@y.com"]}', '{"[EMAIL]":["[EMAIL]"]}')
    assert redact(body) == expected


def test_phone_numbers_stay_where_phones_are_not_redacted() -> None:
    """A number is redacted under the same policy as a text."""
    redactor = Redactor(Policy(types=frozenset({"email"})))
    body = b'{"phone":905321234567,"x":"0532 123 45 67"}'
    assert redactor.json(body).body is body


def test_keys_stay_distinct() -> None:
    """Two addresses as keys of one object must not become one: a value would be lost."""
    body = '{"metadata":{"a@b.com":1,"c@d.com":2,"e@f.com":3},"x":{"a@b.com":4}}'
    assert json.loads(redact(body)) == {
        "metadata": {"[EMAIL]": 1, "[EMAIL]_2": 2, "[EMAIL]_3": 3},
        "x": {"[EMAIL]": 4},
    }
    assert redact(redact(body)) == redact(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"a@b.com":1,"[EMAIL]":2}',
        '{"[EMAIL]_2":0,"a@b.com":1,"c@d.com":2}',
        r'{"\u005bEMAIL]":0,"a@b.com":1}',
        '{"a@b.com x":1,"c@d.com x":2,"[EMAIL] x":3,"e@f.com":{"g@h.com":1,"i@j.com":2}}',
    ],
)
def test_keys_do_not_collide_with_others(body: str) -> None:
    """Not with a key that stood there before, nor with a numbered one."""
    result = json.loads(redact(body))
    assert len(result) == len(json.loads(body))
    assert redact(redact(body)) == redact(body)


def test_phone_as_a_number() -> None:
    """Only where the key says so; at any depth the result is valid JSON."""
    inner = {"phone": 905321234567, "count": 905321234567, "x": {"cepTel": 5321234567}}
    body = json.dumps({"metadata": inner, "data": json.dumps({"d": json.dumps(inner)})})
    result = json.loads(redact(body))
    expected = {"phone": "[PHONE]", "count": 905321234567, "x": {"cepTel": "[PHONE]"}}
    assert result["metadata"] == expected
    assert json.loads(json.loads(result["data"])["d"]) == expected
    for key in ("phone_id", "accepted_ms", "concept", "phone_verified_at", "mobile_app_version"):
        kept = f'{{"metadata":{{"{key}":905321234567,"phone":12}}}}'
        assert redact(kept) == kept


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("street", "77 W Huron", True),
        ("home_address", "Am Hang 4", True),
        ("billingAddress2", "Apt 4", True),
        ("Straße", "Unter den Ulmen 9", True),
        ("dirección", "Licenciado Poza 51, 5º dcha", True),
        ("ip_address", "Node 4", False),
        ("address", "page 5", False),
        ("address", "see section 5", False),
        ("streets", "Haupt 5", False),
        ("content", "77 W Huron", False),
    ],
)
def test_a_key_announces_an_address(key: str, value: str, found: bool) -> None:
    """What follows a label in a text follows a key in JSON, at any depth."""
    for body in ({key: value}, {"data": json.dumps({key: value}, ensure_ascii=False)}):
        out = redact(json.dumps(body, ensure_ascii=False))
        assert ("[ADDRESS]" in out, value in out) == (found, not found)


def test_a_key_is_forgotten_where_its_value_ends() -> None:
    """It speaks for the elements of its array, and not for those of an array around it."""
    assert redact('{"a":[{"phone":"x"},1234567890]}') == '{"a":[{"phone":"x"},1234567890]}'
    body = '{"phones":[{"type":"m"},905321234567]}'
    assert redact(body) == '{"phones":[{"type":"m"},"[PHONE]"]}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b"\xff",
        b'"\x00"',
        b'{"a":"ali\\u0000@x.com"}',
        b'["0532\\u0000 123 45 67"]',
        b"[NaN]",
        b"\xef\xbb\xbf{}",
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_uninspectable(body: bytes) -> None:
    """Not JSON, not UTF-8, NUL, too deep: refused with a sentence that quotes nothing."""
    with pytest.raises(Uninspectable, match=r"^The .*\.$"):
        REDACTOR.json(body)


def test_lone_surrogates_are_no_reason_to_refuse() -> None:
    """JavaScript writes them for text cut within an emoji."""
    assert redact(r'{"s":"\ud83d","t":"{\"a\":\"\\ud83d x@y.com\"}"}') == (
        r'{"s":"\ud83d","t":"{\"a\":\"\\ud83d [EMAIL]\"}"}'
    )


def test_huge_numbers_are_inspectable() -> None:
    """Beyond what Python would convert."""
    body = b'{"n":' + b"9" * 10_000 + b',"s":"\\ud83d"}'
    assert REDACTOR.json(body).body is body


# --- queries and paths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected", "identifiers"),
    [
        (b"search=ayse@example.com&asc=", b"search=%5BEMAIL%5D&asc=", 0),
        (b"search=ayse%40example.com", b"search=%5BEMAIL%5D", 0),
        (b"search=ara%3A+ayse%40example.com+%C3%BC", b"search=ara%3A+%5BEMAIL%5D+%C3%BC", 0),
        (b"a=%2F&search=%zz&&b&=c&a=2;x", b"a=%2F&search=%zz&&b&=c&a=2;x", 0),
        (b"user_id=ayse@example.com&q=a@b.com", b"user_id=ayse@example.com&q=%5BEMAIL%5D", 1),
        (b"q=a=b@c.com=d", b"q=a=%5BEMAIL%5D=d", 0),
        (b"ayse@example.com", b"%5BEMAIL%5D", 0),
        (b"q=\xff%ff%FE+a@b.com", b"q=\xff%ff%FE+%5BEMAIL%5D", 0),
        (b"search=%2B90+532+123+45+67", b"search=%5BPHONE%5D", 0),
        (b"uuid_cursor=x&limit=10&created_at=2026-11-22T10%3A00%3A00Z", None, 0),
    ],
)
def test_query(query: bytes, expected: bytes | None, identifiers: int) -> None:
    """Free text is redacted, identifiers are counted, all else keeps its bytes and order."""
    outcome = REDACTOR.query(query)
    assert outcome.body == (expected or query)
    assert outcome.identifiers == identifiers


@given(st.binary())
def test_any_query_survives(query: bytes) -> None:
    """Whatever a query is, redacting it twice is redacting it once."""
    once = REDACTOR.query(query).body
    assert REDACTOR.query(once).body == once


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (b"/api/v2/users/ayse@example.com", 1),
        (b"/api/v2/users/ayse%40example.com/x@y.com", 2),
        (b"/api/v2/users/@", 0),
        (b"/api/v2/users/ayse", 0),
    ],
)
def test_path_identifiers(path: bytes, count: int) -> None:
    """E-mails in the path are counted."""
    assert REDACTOR.path_identifiers(path) == count


# --- the public functions -------------------------------------------------------------------------


def test_redact_text() -> None:
    """By the default policy."""
    assert redact_text("ayse@example.com, 0532 123 45 67") == "[EMAIL], [PHONE]"


def test_redact_body() -> None:
    """By the default policy; the same object when nothing matched."""
    body = b'{"a":"b"}'
    assert redact_body(body) is body
    assert redact_body(b'{"a":"x@y.com"}') == b'{"a":"[EMAIL]"}'


def test_plain_text() -> None:
    """A text body is redacted as it is."""
    outcome = REDACTOR.plain("Ayşe: x@y.com\n".encode())
    assert outcome.body.decode() == "Ayşe: [EMAIL]\n"
    assert outcome.counts == {"email": 1}


def test_placeholders_of_ones_own() -> None:
    """The policy's texts are used, beyond ASCII too."""
    redactor = Redactor(Policy(placeholders={"email": "<é-posta>"}))
    assert redactor.json(b'{"a":"x@y.com"}').body.decode() == '{"a":"<é-posta>"}'
    assert redactor.query(b"q=x@y.com").body == b"q=%3C%C3%A9-posta%3E"


def test_a_custom_rule_has_its_own_placeholder() -> None:
    """And its own name in the counts."""
    redactor = Redactor(Policy(custom=(CustomRule("ticket", "TCK-[0-9]+", "<ticket>"),)))
    outcome = redactor.json(b'{"a":"TCK-12 and x@y.com"}')
    assert outcome.body == b'{"a":"<ticket> and [EMAIL]"}'
    assert outcome.counts == {"ticket": 1, "email": 1}


def test_a_custom_rule_may_be_called_identifier() -> None:
    """The name means nothing special: what it finds is replaced and counted like any other."""
    redactor = Redactor(Policy(custom=(CustomRule("identifier", "TCK-[0-9]+", "[X]"),)))
    outcome = redactor.json(b'{"a":"TCK-12","user_id":"x@y.com"}')
    assert outcome.body == b'{"a":"[X]","user_id":"x@y.com"}'
    assert (outcome.counts, outcome.identifiers) == ({"identifier": 1}, 1)


def test_work_is_bounded_before_it_is_done() -> None:
    """Only what is suspected counts; one more byte than allowed is too much."""
    dirty = json.dumps({"content": "a@b.co " * 100, "note": "fine " * 1000}).encode()
    with pytest.raises(Laborious):
        REDACTOR.json(dirty, at_most=699)
    assert REDACTOR.json(dirty, at_most=700).counts == {"email": 100}
    clean = json.dumps({"content": "fine " * 1000}).encode()
    assert REDACTOR.json(clean, at_most=0).body is clean
    with pytest.raises(Laborious):
        REDACTOR.plain(b"0123456789", at_most=9)
