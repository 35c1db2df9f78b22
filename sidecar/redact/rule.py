"""What a rule is: one way to write a value, with the texts it must find and must leave alone."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

Range = tuple[int, int]
Find = Callable[[bytes], Iterable[Range]]

# For how many candidates of one text a rule remembers what it decided: a flood repeats itself.
REMEMBERED = 256


class Rule(NamedTuple):
    """A way to write values of `type`."""

    type: str
    gates: tuple[str, ...]
    """RE2 patterns for views: one of them matches wherever `find` finds something."""
    find: Find
    """Yields the ranges of the values in a view; they may overlap."""
    matches: tuple[str, ...]
    rejects: tuple[str, ...] = ()
