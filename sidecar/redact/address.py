"""Postal addresses: what the rules of each language find, joined."""

from collections.abc import Iterator

from sidecar.redact import address_en, address_eu, address_tr
from sidecar.redact.engine import scanner

_LANGUAGES = (address_en, address_tr, address_eu)

GATES = tuple(gate for language in _LANGUAGES for gate in language.GATES)
# One pass that tells whether any rule has something to look at; most texts end here.
_GATE = scanner("|".join(GATES))


def find(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the addresses in a view; ranges may overlap."""
    if next(iter(_GATE.finditer(data)), None) is None:
        return
    text = data.decode("latin-1")
    for language in _LANGUAGES:
        yield from language.find(data, text)
