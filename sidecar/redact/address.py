"""Postal addresses: what the rules of each language find, joined."""

from collections.abc import Iterator

from sidecar.redact import address_en, address_eu, address_tr


def find(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the addresses in a view; ranges may overlap."""
    text = data.decode("latin-1")
    yield from address_en.find(data, text)
    yield from address_tr.find(data, text)
    yield from address_eu.find(data, text)
