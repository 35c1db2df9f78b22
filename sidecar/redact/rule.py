"""What a rule is: one way to write a value, with the texts it must find and must leave alone."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

Range = tuple[int, int]
Find = Callable[[bytes], Iterable[Range]]

T = TypeVar("T")


class Decisions(dict[tuple[Any, ...], T]):
    """What a rule decides by the arguments, once: a flood of candidates repeats itself.

    Made anew for each text, so that nothing of a text is kept.
    """

    def __init__(self, decide: Callable[..., T]) -> None:
        self._decide = decide

    def __missing__(self, arguments: tuple[Any, ...]) -> T:
        if len(self) == 256:
            self.clear()
        self[arguments] = decision = self._decide(*arguments)
        return decision


class Rule(NamedTuple):
    """A way to write values of `type`."""

    type: str
    gates: tuple[str, ...]
    """RE2 patterns for views: one of them matches wherever `find` finds something."""
    find: Find
    """Yields the ranges of the values in a view; they may overlap."""
    matches: tuple[str, ...]
    rejects: tuple[str, ...] = ()
