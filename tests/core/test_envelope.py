"""Answers in the shared tier: what was written comes back, everything else is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.cache import Value
from sidecar.core.cache_key import TAG_SIZE
from sidecar.core.envelope import VERSION, Envelope, pack, unpack

KEY = b"k" * 32
TAGS = st.binary(min_size=TAG_SIZE, max_size=TAG_SIZE)
ENVELOPES = st.builds(
    Envelope,
    st.builds(Value, st.binary(), st.binary(max_size=99), st.binary(max_size=99)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(
        st.binary(min_size=TAG_SIZE, max_size=TAG_SIZE),
        st.integers(-(2**63), 2**63 - 1),
        max_size=20,
    ),
)
ONE = pack(KEY, Envelope(Value(b'{"context":"x"}', b"application/json"), 5.0, {b"t" * TAG_SIZE: 7}))


@given(ENVELOPES)
def test_what_was_written_comes_back(envelope: Envelope) -> None:
    """For its own key."""
    assert unpack(KEY, pack(KEY, envelope)) == envelope


@pytest.mark.parametrize("length", range(len(ONE)))
def test_a_cut_off_one_is_nothing(length: int) -> None:
    """Case 65: wherever it is cut."""
    assert unpack(KEY, ONE[:length]) is None


@given(st.integers(0, len(ONE) * 8 - 1))
def test_a_damaged_one_is_nothing(bit: int) -> None:
    """Case 65: whichever bit it is."""
    data = bytearray(ONE)
    data[bit // 8] ^= 1 << bit % 8
    assert unpack(KEY, bytes(data)) is None


@given(st.binary())
def test_garbage_is_nothing(data: bytes) -> None:
    """Case 65: also behind our own mark."""
    assert unpack(KEY, data) is None
    assert unpack(KEY, VERSION + data) is None


def test_another_version_or_key_is_nothing() -> None:
    """Case 65: both are whole in themselves."""
    assert unpack(KEY, b"zs0\n" + ONE[4:]) is None
    assert unpack(b"l" * 32, ONE) is None
