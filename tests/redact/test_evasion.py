"""Values in disguise: every form of the matrix, in JSON of any depth, raw and escaped."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redact import Policy, Redactor, redact_body

VALUES = {
    "email": "ali.veli@example.com",
    "phone": "0532 123 45 67",
    "international": "+90 532 123 45 67",
    "turkish": "Papatya Sokağı No: 17",
    "english": "123 Hawthorne Street",
}
FULL_WIDTH = {c: c + 0xFEE0 for c in range(0x21, 0x7F)}


def _digits(zero: int) -> Callable[[str], str]:
    return lambda text: text.translate({48 + n: zero + n for n in range(10)})


def _between(mark: str) -> Callable[[str], str]:
    return lambda text: mark.join(text)


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lowered upper": lambda text: text.upper().lower(),
    "Turkish upper": lambda text: text.replace("i", "İ").replace("ı", "I").upper(),
    "no diacritics": lambda text: text.translate(str.maketrans("ğışöüç", "gisouc")),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: text.translate(FULL_WIDTH),
    "Arabic digits": _digits(0x660),
    "extended Arabic digits": _digits(0x6F0),
    "Devanagari digits": _digits(0x966),
    "mathematical digits": _digits(0x1D7CE),
    "no-break space": lambda text: text.replace(" ", "\u00a0"),
    "thin space": lambda text: text.replace(" ", "\u2009"),
    "soft hyphen": _between("\u00ad"),
    "zero-width joiner": _between("\u200d"),
    "zero-width space": _between("\u200b"),
    "bidi marks": lambda text: f"{text[:3]}\u202a{text[3:-2]}\u202c\u200f{text[-2:]}",
    "at entity": lambda text: text.replace("@", "&#64;"),
    "at hex entity": lambda text: text.replace("@", "&#x40;"),
    "at named entity": lambda text: text.replace("@", "&commat;"),
    "space entity": lambda text: text.replace(" ", "&nbsp;"),
    "percent": lambda text: text.replace("@", "%40").replace("+", "%2B"),
    "written escape": lambda text: text.replace("@", "\\u0040"),
    "bracketed at": lambda text: text.replace("@", " [at] "),
    "spelled": lambda text: text.replace("@", " at ").replace(".com", " dot com"),
}
MATRIX = [pytest.param(f(v), v, id=f"{k}-{n}") for k, v in VALUES.items() for n, f in FORMS.items()]


def written(text: str) -> Iterator[bytes]:
    """Yield bodies that hold a text at depth 0 to 3, raw and escaped."""
    for ascii_only in (False, True):
        body: Any = {"content": f"Merhaba, {text} , tamam", "n": 1}
        for _ in range(4):
            yield json.dumps(body, ensure_ascii=ascii_only).encode()
            body = {"data": json.dumps(body, ensure_ascii=ascii_only), "n": 1}


def innermost(body: bytes) -> str:
    """Return the content of a body of `written`."""
    document = json.loads(body)
    while "data" in document:
        document = json.loads(document["data"])
    content: str = document["content"]
    return content


@pytest.mark.parametrize(("text", "value"), MATRIX)
def test_matrix(text: str, value: str) -> None:
    """Nothing of the value is left, the words around it are, and a second pass changes nothing."""
    for body in written(text):
        redacted = redact_body(body)
        content = innermost(redacted)
        assert content.startswith("Merhaba, [")
        assert content.endswith("] , tamam")
        visible = unicodedata.normalize("NFKD", content).casefold()
        for part in value.casefold().replace("@", " ").replace(".", " ").split():
            assert len(part) < 2 or unicodedata.normalize("NFKD", part) not in visible
        assert redact_body(redacted) == redacted


PLANTED = st.sampled_from([form(value) for value in VALUES.values() for form in FORMS.values()])
FILLER = st.text(st.sampled_from('abc Şı,.;:!?"\\/{}[]\n\t🙂—'), max_size=12)
TEXTS = st.lists(FILLER | PLANTED.map(lambda value: f" , {value} , "), max_size=5).map("".join)
DOCUMENTS = st.recursive(
    TEXTS
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["content", "note", "x"]) | FILLER, inner, max_size=4)
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """Return a document without its texts: a string that is a document counts as one."""
    if isinstance(value, dict):
        return {"keys": [shape(item) for item in value.values()]}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else value


@given(DOCUMENTS, st.integers(0, 3), st.booleans(), st.booleans())
def test_any_document(document: Any, depth: int, ascii_only: bool, everything: bool) -> None:
    """Valid, of the same shape at its depth, and the same again when redacted again."""
    redactor = ALL if everything else DEFAULT
    document = body = {"x": document}  # a number by itself in a string is a text
    for _ in range(depth):
        body = {"data": json.dumps(body, ensure_ascii=ascii_only)}
    raw = json.dumps(body, ensure_ascii=ascii_only).encode()
    redacted = redactor.json(raw).body
    inner = json.loads(redacted)
    for _ in range(depth):
        inner = json.loads(inner["data"])
    assert shape(inner) == shape(document)
    assert redactor.json(redacted).body == redacted


DEFAULT = Redactor(Policy())
ALL = Redactor(Policy(types=frozenset({"email", "phone", "address", "card", "iban", "ip"})))


@given(st.lists(PLANTED, min_size=1, max_size=4), st.integers(0, 3), st.booleans(), FILLER)
def test_no_planted_value_is_left(
    planted: list[str], depth: int, ascii_only: bool, filler: str
) -> None:
    """Whatever stands around them: no planted value survives as it was written."""
    text = f"{filler} , " + " , ".join(planted) + f" , {filler}"
    body: Any = {"content": text}
    for _ in range(depth):
        body = {"data": json.dumps(body, ensure_ascii=ascii_only)}
    redacted = redact_body(json.dumps(body, ensure_ascii=ascii_only).encode())
    content = json.loads(redacted)
    for _ in range(depth):
        content = json.loads(content["data"])
    assert not any(value in content["content"] for value in planted)
