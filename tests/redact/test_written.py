"""Texts, how they are written, and where each character is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redact import Uninspectable, redact_body, written

texts = st.text(st.sampled_from('a \\"\n\u0131\u4e2d\U0001f642\ud83d'), max_size=60)


@given(texts, st.integers(1, 20), st.booleans())
def test_slices_are_not_seen(text: str, size: int, ascii_only: bool) -> None:
    """What is worked on in slices is what it is in one piece, and each character is found."""
    if not ascii_only:
        text = text.replace("\ud83d", "")  # a lone surrogate can only be escaped
    raw = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    indexes = range(len(text) + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written, "_SLICE", size)
        assert written.decoded(raw) == text
        offsets = written.written_offsets(raw, text, indexes)
        encoded = text.encode("utf-8", "replace")
        assert written.utf8_indexes(encoded, written.utf8_offsets(text, indexes, "replace")) == (
            list(indexes) if not text.isascii() else indexes
        )
    if "\ud83d" not in text:
        assert [written.decoded(raw[:at]) for at in offsets] == [text[:i] for i in indexes]


@pytest.mark.parametrize("raw", [b"\xff", b"a" * 20 + b" \xc0\x80", b"x \\u0000"])
def test_what_is_no_text_is_refused(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whichever slice it stands."""
    monkeypatch.setattr(written, "_SLICE", 8)
    with pytest.raises(Uninspectable):
        written.decoded(raw)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_long_string(ascii_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A string that is worked on in slices loses nothing but the values in it, at any depth."""
    monkeypatch.setattr(written, "_SLICE", 64)
    text = 'sat\u0131r "bir"\n\U0001f642 \\ ' * 200
    value, expected = (f"{mail} {text} {mail} {text}" for mail in ("a@x.com", "[EMAIL]"))
    for _ in range(3):
        value = json.dumps({"content": value}, ensure_ascii=ascii_only)
        redacted = redact_body(value.encode()).decode()
        assert json.loads(redacted) == {"content": expected}
        expected = redacted


plain_texts = st.text(st.sampled_from('a "\n\u0131\xfc\u4e2d\U0001f642'), max_size=60)


@given(st.recursive(plain_texts, lambda inner: st.lists(inner, max_size=3), max_leaves=4))
def test_without_escapes(value: object) -> None:
    """Whatever the depth, it is as if nobody had escaped anything but ASCII."""
    deep = json.dumps({"a": [value, json.dumps(value)]}).encode()
    flat = json.dumps({"a": [value, json.dumps(value, ensure_ascii=False)]}, ensure_ascii=False)
    assert written.without_escapes(deep) == flat.encode()
    assert written.without_escapes(flat.encode()) == flat.encode()


@pytest.mark.parametrize(
    ("document", "plain"),
    [
        (rb'{"a":"b\n"}', rb'{"a":"b\n"}'),
        (rb'{"a":"\u0131\ud83d\ude42 \u0041\u0022"}', r'{"a":"ı🙂 \\u0041\\u0022"}'.encode()),
        (rb'{"a":"\\u0131 \\\\u00fc c:\\users"}', r'{"a":"ı ü c:\\users"}'.encode()),
        ('{"a":"\u015f\\u015f"}'.encode(), '{"a":"\u015f\u015f"}'.encode()),
        (rb'{"a":"\ud83d"}', None),
        (rb'{"a":"\u12"}', None),
        (b'{"a":"\\u0131\xff"}', None),
    ],
)
def test_written_without_escapes(document: bytes, plain: bytes | None) -> None:
    """At any depth; not where that cannot be."""
    assert written.without_escapes(document) == plain
