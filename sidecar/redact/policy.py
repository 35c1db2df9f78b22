"""What is redacted, and what stands in its place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

DEFAULT_TYPES = ("email", "phone", "address")
EXTRA_TYPES = ("national_id", "iban", "card", "ip", "ssn", "secret")
DEFAULT_REGIONS = ("TR", "US", "GB", "DE", "FR", "ES")


class Span(NamedTuple):
    """A half-open range of characters, `[start, end)`, that holds a value of `type`."""

    start: int
    end: int
    type: str


class CustomRule(NamedTuple):
    """An operator's own pattern (RE2 syntax); `name` is its type in spans and counts."""

    name: str
    pattern: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The `redaction` section of the configuration, as the redactor needs it."""

    types: frozenset[str] = frozenset(DEFAULT_TYPES)
    regions: tuple[str, ...] = DEFAULT_REGIONS
    custom: tuple[CustomRule, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def fingerprint(self) -> str:
        """Return what two policies share if they replace the same with the same."""
        said = [sorted(self.types), self.regions, self.custom, sorted(self.placeholders.items())]
        return sha256(json.dumps(said).encode()).hexdigest()[:16]

    def placeholder(self, type_: str) -> str:
        """Return the text that replaces a value of `type_`: `[EMAIL]` for `email`."""
        own = next((rule.placeholder for rule in self.custom if rule.name == type_), None)
        return self.placeholders.get(type_) or own or f"[{type_.upper()}]"
