"""Words with a fixed meaning, as keys of tables that each request looks into."""

from enum import Enum


class Word(Enum):
    """An Enum whose members are hashed by identity; Enum's own way takes a call in Python."""

    __hash__ = object.__hash__
