"""Taking turns with other threads, of which one is the event loop. Never compiled."""

from typing import Final

OFTEN: Final = 4096
"""A turn ends after so many characters of a text in which something is found everywhere."""


def give_way() -> None:
    """Let another thread run if one waits.

    Compiled code keeps the interpreter lock for as long as it runs. A function that is not compiled
    looks for others that want it when it begins, and so does this one; it costs next to nothing.
    """
