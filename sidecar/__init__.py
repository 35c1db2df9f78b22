"""A redacting proxy between a worker and Zep."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.redact import redact_body, redact_text

__all__ = ["__version__", "redact_body", "redact_text"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # On first use: the operator's command is in a hurry and does not redact.
    if name not in ("redact_body", "redact_text"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sidecar import redact

    return getattr(redact, name)
