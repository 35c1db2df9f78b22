"""What a rule is: one way to write a value, with the texts it must find and must leave alone."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

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


class Nearby:
    """What a rule decides about the matches in a text by what stands around them.

    It decides once about those around which the same stands: a flood repeats itself. `decide` is
    given the text around a match, with `before` characters of what precedes it, and where in it
    the match is; if there are `marks` in the text, those behind the match too. It returns a range,
    empty if it is nothing. What ends far behind its match is looked at in the whole text.
    """

    def __init__(
        self,
        text: str,
        decide: Callable[..., Range],
        before: int,
        marks: Sequence[Range] | None = None,
    ) -> None:
        self._text = text
        self._before = before
        self._decide = decide
        self._marks = marks
        self._decisions = Decisions(decide)

    def range(self, start: int, end: int, *more: Any) -> Range:
        """Return what is decided about the match `[start, end)`: an empty range if nothing.

        `more` is for `decide`.
        """
        text, marks = self._text, self._marks
        origin, limit = max(0, start - self._before), end + _BEHIND
        window = text[origin:limit]
        if marks is None:
            a, b = self._decisions[window, start - origin, end - origin, *more]
        else:
            near = list[Range]()
            for i in range(bisect_left(marks, (end, 0)), len(marks)):
                if marks[i][0] >= limit:
                    break
                near.append((marks[i][0] - origin, marks[i][1] - origin))
            a, b = self._decisions[window, start - origin, end - origin, tuple(near), *more]
        if limit < len(text) and b > len(window) - _MARGIN:
            return self._decide(text, start, end, *(() if marks is None else (marks,)), *more)
        return origin + a, origin + b


NOTHING: Final = (0, 0)
_BEHIND: Final = 200
_MARGIN: Final = 90


class Rule(NamedTuple):
    """A way to write values of `type`."""

    type: str
    gates: tuple[str, ...]
    """RE2 patterns for views: one of them matches wherever `find` finds something."""
    find: Find
    """Yields the ranges of the values in a view; they may overlap."""
    matches: tuple[str, ...]
    rejects: tuple[str, ...] = ()
