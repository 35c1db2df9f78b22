"""Taking turns with other threads, of which one is the event loop. Never compiled."""

import time
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, pairwise
from threading import get_ident, main_thread
from typing import Any, Final, TypeVar

T = TypeVar("T", bound=Any)

OFTEN: Final = 1024
"""A turn ends after so many characters of a text in which something is found everywhere."""
# Seconds of a turn, and what the others need to notice its end.
_TURN, _MOMENT = 0.0025, 0.00005

_FEW: Final = 64
_RUN: Final = 4096  # sorted in less than a millisecond

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


def in_turns(items: Iterable[T]) -> Iterable[T]:
    """Return the items; between some of many another thread may run."""
    if isinstance(items, list) and len(items) <= _FEW:
        return items
    return _in_turns(items)


def _in_turns(items: Iterable[T]) -> Iterator[T]:
    for i, item in enumerate(items):
        if not i % _FEW:
            give_way()
        yield item


def in_order(items: Iterable[T]) -> list[T]:
    """Return the items sorted; most come in order, but for a few long runs.

    To sort many at once is one call into C.
    """
    waiting = items if isinstance(items, list) else list(_in_turns(items))
    if len(waiting) <= _RUN:
        return sorted(waiting)
    runs = list[list[T]]()
    for start in range(0, len(waiting), _RUN):
        give_way()
        runs.append(sorted(waiting[start : start + _RUN]))
    if all(left[-1] <= right[0] for left, right in pairwise(runs)):
        return list(_in_turns(chain.from_iterable(runs)))
    return list(_in_turns(merge(*runs)))
