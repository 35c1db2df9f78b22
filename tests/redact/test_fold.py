"""The view that the rules match on."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redact import fold
from sidecar.redact.fold import Fold

FOLD = Fold(["[EMAIL]", "<gone>"])

tricky = st.text(
    st.sampled_from('aZ019 .@-\\nu"0041&#64;%2B\u200b\u0301ŞıİßÀ٣＠‑\u00a0[EMAIL]<gone>')
)


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("plain ASCII", b"plain ASCII"),
        ("Şişli İIıi", b"Sisli IIii"),
        ("Straße Ærø Łódź", b"Stra\xdfe \xc0ro Lodz"),
        ("０５３２ ٥٣ ५", b"0532 53 5"),
        ("a＠b。c", b"a@b.c"),
        ("1\u00a02\u20093\u20114–5", b"1 2 3-4-5"),
        ("a\u200bb\u00adc\u202ed e\u0301", b"abcd e"),
        ("x&#64;y&#x40;z&commat;&nbsp;", b"x@y@z@ "),
        ("x%40y%2Bz %34,5", b"x@y+z %34,5"),
        ("\\u0040 \\\\u0040 \\n \\\\\\n", b"@ @ \n \n"),
        ("see [EMAIL] and <gone>", b"see \0 and \0"),
        ("[NAME]", b"[NAME]"),
        ("Ж漢ж🤷", b"\xc0\xe0\xe0\xa4"),
        ("m² 4º", b"m\xa4 4o"),
    ],
)
def test_view(text: str, view: bytes) -> None:
    """Look-alikes are equal, invisible characters are gone, escapes are one character."""
    assert FOLD(text).data == view


def test_plain_text_needs_no_map() -> None:
    """A text without anything to fold has the identity as its map."""
    assert list(FOLD("plain").starts) == list(range(6))
    assert list(FOLD("güneş").starts) == list(range(6))


def test_offsets_never_split_an_escape() -> None:
    """The characters around an escape map to its edges."""
    view = FOLD("a\\u0040b%40c")
    assert view.data == b"a@b@c"
    assert list(view.starts) == [0, 1, 7, 8, 11, 12]


@given(tricky)
def test_the_map_is_monotone(text: str) -> None:
    """Each byte starts behind the one before it, and the map ends with the text."""
    view = FOLD(text)
    starts = list(view.starts)
    assert len(starts) == len(view.data) + 1
    assert starts[-1] == len(text)
    assert all(a < b for a, b in pairwise(starts))


@given(tricky)
def test_folding_a_slice_of_the_text(text: str) -> None:
    """What a byte stands for folds to that byte by itself."""
    view = FOLD(text)
    for index, byte in enumerate(view.data):
        assert FOLD(text[view.starts[index] : view.starts[index + 1]]).data == bytes([byte])


@pytest.mark.parametrize("part", ["plain ", "ılık ", "🙂 中 ", "a&#64;b ", "al\u200bi "])
def test_a_long_text(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is worked on in slices has the view of its parts."""
    monkeypatch.setattr(fold, "_SLICE", 16)
    view = FOLD("ş" + part * 400)
    assert view.data == b"s" + FOLD(part).data * 400
    at = len(view.data) - len(FOLD(part).data)
    assert view.starts[at] == 1 + len(part) * 399


def test_collapse() -> None:
    """A collapsed span is one barrier that maps to where the span was."""
    view = FOLD("x a\\u0040b y").collapse([(2, 5)])
    assert view.data == b"x \0 y"
    assert list(view.starts) == [0, 1, 2, 10, 11, 12]


@given(tricky, st.lists(st.integers(0, 40), max_size=6, unique=True).map(sorted))
def test_collapse_keeps_the_map(text: str, ends: list[int]) -> None:
    """Each byte that is left, and each barrier, starts where its first character does."""
    view = FOLD(text)
    ends = [end for end in ends if end <= len(view.data)]
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    left = [i for i in range(len(view.data) + 1) if not any(a < i < b for a, b in spans)]
    collapsed = view.collapse(spans)
    assert list(collapsed.starts) == [view.starts[i] for i in left]
    assert len(collapsed.data) + 1 == len(collapsed.starts)
