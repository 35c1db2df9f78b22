"""A redacting proxy between a worker and Zep."""

from sidecar.redact import redact_body, redact_text

__all__ = ["__version__", "redact_body", "redact_text"]
__version__ = "0.1.0"
