"""The sidecar's own answers: one JSON body that every SDK generation understands."""

import json
from enum import Enum
from typing import NamedTuple


class Refusal(NamedTuple):
    """An answer of the sidecar itself."""

    status: int
    code: str
    message: str

    def body(self) -> bytes:
        """Return the body: `message` for the SDKs 1.x to 3.x, `error` for 4.x."""
        error = {"code": self.code, "message": self.message}
        return json.dumps({"message": self.message, "error": error}).encode()


class Failure(Enum):
    """Why no answer came from Zep. The values are metric label values."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    BAD_RESPONSE = "bad_response"
    EGRESS_PROXY = "egress_proxy"
    LOCAL = "local"

    def refusal(self) -> Refusal:
        """Return what the worker is told."""
        return Refusal(
            504 if self is Failure.TIMEOUT else 502, f"upstream_{self.value}", _WHY[self]
        )


_WHY = {
    Failure.DNS: "Zep's host name could not be resolved.",
    Failure.CONNECT: "No connection to Zep could be made.",
    Failure.TLS: "The TLS handshake with Zep failed or its certificate is not trusted.",
    Failure.TIMEOUT: "No connection to Zep, or no answer from it, in time.",
    Failure.RESET: "Zep closed the connection before it answered.",
    Failure.BAD_RESPONSE: "Zep's answer is not valid HTTP.",
    Failure.EGRESS_PROXY: "The egress proxy refused to connect to Zep.",
    Failure.LOCAL: "The sidecar has no descriptor, port or memory left for a connection.",
}

BAD_REQUEST = Refusal(400, "bad_request", "The request is not valid HTTP/1.1.")
BAD_TARGET = Refusal(
    400, "bad_target", "Only origin-form targets (/api/...) are served: this is not an open proxy."
)
TOO_LARGE = Refusal(413, "body_too_large", "The request body is over limits.body_bytes.")
EXPECTATION = Refusal(417, "expectation_failed", "Only Expect: 100-continue can be met.")
BAD_VERSION = Refusal(505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are served.")
BODY_TIMEOUT = Refusal(408, "body_timeout", "The rest of the request body did not come.")
OFF = Refusal(424, "off", "Zep is switched off here; nothing was forwarded.")
OVERLOADED = Refusal(503, "overloaded", "Too many requests at once (limits.concurrency).")
REDIRECT_AWAY = Refusal(
    421,  # no SDK retries it
    "redirect_refused",
    "Zep redirected this request to another host; following it would send the body unredacted.",
)
INTERNAL = Refusal(500, "internal", "The sidecar failed; its log says where.")
REFUSALS = (
    *("bad_request", "bad_target", "http_version", "expectation_failed", "no_api_prefix"),
    *("body_too_large", "body_timeout", "body", "content_type", "charset", "content_encoding"),
    *("binary_body", "redirect_refused", "overloaded", "internal"),
)
"""What a request can be refused for. The values are metric label values."""


def no_prefix(base_urls: dict[str, str]) -> Refusal:
    """Return the 404 that tells how to point each SDK at the sidecar."""
    urls = "; ".join(f"{sdk}: {setting}" for sdk, setting in base_urls.items())
    return Refusal(
        404,
        "no_api_prefix",
        f"The path has no Zep API prefix (/api/v4, /api/v2, /api/v1) or has it twice. Set {urls}.",
    )
