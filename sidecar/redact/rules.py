"""All rules, in the order in which they look at a text."""

from sidecar.redact import (
    address_corner,
    address_de,
    address_en,
    address_en_code,
    address_es,
    address_eu,
    address_fr,
    address_fr_code,
    address_label,
    address_named,
    address_short,
    address_tr,
    email,
    ids,
    phone,
)
from sidecar.redact.policy import Policy
from sidecar.redact.rule import Rule
from sidecar.redact.words import forget

# What a rule finds is hidden from the rules of later types: a card number is not a phone, and a
# house number with a postcode is not one either.
_ORDER = ("secret", "email", "iban", "card", "national_id", "ssn", "ip", "address", "phone")

ADDRESS_RULES = (
    *address_en.RULES,
    *address_en_code.RULES,
    *address_short.RULES,
    *address_tr.RULES,
    *address_de.RULES,
    *address_named.RULES,
    *address_fr.RULES,
    *address_fr_code.RULES,
    *address_eu.RULES,
    *address_corner.RULES,
    *address_es.RULES,
    *address_label.RULES,
)
forget()  # the rules have what they need of it


def rules(policy: Policy) -> list[Rule]:
    """Return the rules of a policy's types, by type; raises ValueError for an unknown region."""
    every = [*email.RULES, *ids.RULES, *ADDRESS_RULES, *phone.rules(policy.regions)]
    wanted = [rule for rule in every if rule.type in policy.types]
    return sorted(wanted, key=lambda rule: _ORDER.index(rule.type))
