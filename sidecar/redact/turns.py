"""Taking turns with other threads, of which one is the event loop. Never compiled."""

import time
from collections.abc import Iterable, Iterator
from threading import get_ident, main_thread
from typing import Final, TypeVar

T = TypeVar("T")

OFTEN: Final = 4096
"""A turn ends after so many characters of a text in which something is found everywhere."""
# Seconds of a turn, and what the others need to notice its end.
_TURN, _MOMENT = 0.005, 0.00005

_began = 0.0


def give_way() -> None:
    """Let another thread run if one waits.

    Compiled code keeps the interpreter lock for as long as it runs. A function that is not compiled
    looks for others that want it when it begins, and so does this one; it costs next to nothing.

    Where RE2 lets go of the lock for every search, that is not enough: whoever waits is woken each
    time, too late, and never comes to demand it. So threads beside the main one, in which the event
    loop runs, pause for a moment.
    """
    global _began  # of all threads: a pause of one is a turn for the others
    now = time.perf_counter()
    if now - _began > _TURN:
        _began = now
        if get_ident() != main_thread().ident:
            time.sleep(_MOMENT)


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, each in a turn of its own."""
    for item in items:  # noqa: UP028  "yield from" would not look
        yield item
