"""Redaction: what leaves for Zep has its personal data replaced by placeholders.

`finder` says where personal data stands in a text; `body` applies it to request bodies and
queries without touching a byte that did not match. Pure: no clock, no I/O, no logging.
"""

from functools import cache

from sidecar.redact.body import Laborious, Redacted, Redactor, is_json
from sidecar.redact.check import check_policy, supported_regions
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, CustomRule, Policy, Span
from sidecar.redact.written import Uninspectable

__all__ = [
    "DEFAULT_TYPES",
    "EXTRA_TYPES",
    "CustomRule",
    "Laborious",
    "Policy",
    "Redacted",
    "Redactor",
    "Span",
    "Uninspectable",
    "check_policy",
    "is_json",
    "redact_body",
    "redact_text",
    "supported_regions",
]


@cache
def _default() -> Redactor:
    return Redactor(Policy())


def redact_text(text: str) -> str:
    """Return `text` with e-mail, phone and address replaced, by the default policy."""
    return _default().text(text)


def redact_body(body: bytes) -> bytes:
    """Return a JSON request body redacted by the default policy.

    The same object comes back when nothing matched. Raises Uninspectable for what is not UTF-8
    JSON.
    """
    return _default().json(body).body
