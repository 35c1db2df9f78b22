"""The rules' own examples as messages: what must be found whole, and what must stay."""

from sidecar.redact import address_en, address_eu, address_tr, email, ids, phone
from sidecar.redact.finder import Finder
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, Policy

DEFAULT = Finder(Policy())
EVERYTHING = Policy(types=frozenset(DEFAULT_TYPES + EXTRA_TYPES))
ALL = Finder(EVERYTHING)

EMAILS = [text for rule in email.RULES for text in rule.matches]
NOT_EMAILS = [text for rule in email.RULES for text in rule.rejects]
PHONES, NOT_PHONES = list(phone.MATCHES), list(phone.REJECTS)
ADDRESSES = [text for module in (address_en, address_tr, address_eu) for text in module.MATCHES]
NOT_ADDRESSES = [text for module in (address_en, address_tr, address_eu) for text in module.REJECTS]
IDS = [(rule.type, text) for rule in ids.RULES for text in rule.matches]
NOT_IDS = [(rule.type, text) for rule in ids.RULES for text in rule.rejects]


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
