"""Words behave as members of an Enum do."""

import copy
import pickle

from sidecar.core.routes import RouteClass
from sidecar.core.words import Word


def test_words_are_found_again() -> None:
    """Whichever way a member comes, it is the same object, and so the same key."""
    table = {RouteClass.CONTEXT: 1}
    assert issubclass(RouteClass, Word)
    for member in (RouteClass("CTX"), RouteClass["CONTEXT"], copy.deepcopy(RouteClass.CONTEXT)):
        assert table[member] == 1
    assert table[pickle.loads(pickle.dumps(RouteClass.CONTEXT))] == 1
