"""The rules' own examples as messages: what must be found whole, and what must stay."""

from sidecar.redact.finder import Finder
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, Policy
from sidecar.redact.rules import rules

DEFAULT = Finder(Policy())
EVERYTHING = Policy(types=frozenset(DEFAULT_TYPES + EXTRA_TYPES))
ALL = Finder(EVERYTHING)

RULES = rules(EVERYTHING)


def matches(*types: str) -> list[str]:
    """Return what the rules of some types must find."""
    return [text for rule in RULES if rule.type in types for text in rule.matches]


def rejects(*types: str) -> list[str]:
    """Return what the rules of some types must leave alone."""
    return [text for rule in RULES if rule.type in types for text in rule.rejects]


def redact(text: str, policy: Policy | None = None, finder: Finder = DEFAULT) -> str:
    """Replace what a finder finds by the placeholders of its policy."""
    policy = policy or Policy()
    done, pieces = 0, []
    for start, end, type_ in finder.find(text):
        pieces += [text[done:start], policy.placeholder(type_)]
        done = end
    return "".join([*pieces, text[done:]])


def left_over(text: str, finder: Finder = DEFAULT) -> str:
    """Return the letters and digits that no span covers."""
    spans = finder.find(text)
    return "".join(
        char
        for index, char in enumerate(text)
        if char.isalnum() and not any(span.start <= index < span.end for span in spans)
    )
