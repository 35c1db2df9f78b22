"""Other threads while a large text is worked on."""

import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redact import Policy, Redactor, turns

REDACTOR = Redactor(Policy())


def test_is_not_compiled() -> None:
    """Compiled, it would do nothing."""
    assert turns.__file__.endswith(".py")


@pytest.mark.parametrize("part", ["a\u200bbc ", "🙂 a b c @ ", "x@y.zz ", "+90 532 123 45 67, "])
def test_others_get_their_turn(part: str) -> None:
    """No stretch of a text that takes long keeps the interpreter lock for long."""
    text = part * (1_000_000 // len(part))
    work = threading.Thread(target=REDACTOR.text, args=(text,))
    begun = last = time.perf_counter()
    longest = 0.0
    work.start()
    while work.is_alive():
        time.sleep(sys.getswitchinterval() / 5)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert longest < max(0.1, (last - begun) / 3)


@given(st.lists(st.integers(0, 99)), st.integers(1, 9))
def test_sorts_in_turns(items: list[int], often: int) -> None:
    """In order or not, and however many are sorted at once."""
    many = items * often * 50
    assert turns.in_order(many) == sorted(many)
