"""Whether a policy makes sense: every problem with its key."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from sidecar.redact.finder import Finder
from sidecar.redact.phone_region import REGIONS_BY_CODE
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, Policy


def supported_regions() -> tuple[str, ...]:
    """Return the countries (ISO 3166-1 alpha-2) whose phone numbers can be recognised."""
    return tuple(sorted({*chain.from_iterable(REGIONS_BY_CODE.values())} - {"001"}))


def check_policy(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield (key below `redaction`, problem) for everything that is wrong with a policy."""
    names = [rule.name for rule in policy.custom]
    for name in names:
        if (
            not name.isidentifier()
            or name in (*DEFAULT_TYPES, *EXTRA_TYPES)
            or names.count(name) > 1
        ):
            yield "custom", f"name {name!r} must be a new, unique word of letters, digits and _"
    known = {*DEFAULT_TYPES, *EXTRA_TYPES}
    for type_ in policy.placeholders:
        if type_ not in known:
            yield "placeholders", f"unknown type {type_!r}; known are {', '.join(sorted(known))}"
    if policy.placeholders or policy.custom:  # the start needs no second finder for the built-in
        yield from _check_texts(policy)


def _check_texts(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the patterns of a policy, and with its placeholders."""
    # The rules alone, because a finder passes over the placeholders that it knows.
    rules = tuple(rule._replace(placeholder="[X]") for rule in policy.custom)
    try:
        finder = Finder(replace(policy, placeholders={}, custom=rules))
    except ValueError as error:
        yield "custom", str(error)
        return
    texts = {
        "placeholders": policy.placeholders.values(),
        "custom": (c.placeholder for c in policy.custom),
    }
    for key, values in texts.items():
        for value in values:
            # JSON inside JSON must stay valid at any depth, and a second pass must change nothing.
            if not value or not value.isprintable() or set(value) & set('"\\'):
                yield key, "a placeholder must be printable text without quotes and backslashes"
            elif finder.find(value):
                yield key, "a placeholder must not itself look like personal data"
