"""The rules of `address_eu`, without those of the other languages."""

import pytest

from sidecar.redact import address_eu
from sidecar.redact.fold import Fold


def ranges(text: str) -> list[tuple[int, int]]:
    """Return what the module finds in a text."""
    data = Fold()(text).data
    return sorted(address_eu.find(data, data.decode("latin-1")))


@pytest.mark.parametrize("value", address_eu.MATCHES)
def test_finds_each_example_by_itself(value: str) -> None:
    """An example needs no rule of another module."""
    found = ranges(value)
    covered = {index for start, end in found for index in range(start, end)}
    assert all(index in covered for index, char in enumerate(value) if char.isalnum())


@pytest.mark.parametrize("value", address_eu.REJECTS)
def test_finds_nothing_in_a_counterexample(value: str) -> None:
    """Ordinary sentences stay."""
    assert ranges(value) == []
