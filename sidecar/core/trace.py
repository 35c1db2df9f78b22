"""The trace that a request belongs to: the field traceparent of W3C Trace Context."""

import re
from collections.abc import Mapping

from sidecar.core.headers import AnyHeaders, Headers, once, values

FIELDS = frozenset({b"traceparent", b"tracestate"})
# Version, trace, parent, flags; and what a later version may append.
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@once
def sampled_trace(headers: Headers) -> str:
    """Return the id of the trace that the worker records, or nothing.

    Of the field only these 32 hexadecimal digits; where it is not exactly what the specification
    says, or stands twice, there is no trace.
    """
    found = values(headers, b"traceparent")
    if len(found) != 1 or not (match := _TRACEPARENT.fullmatch(found[0])):
        return ""
    version, trace, parent, flags, rest = match.groups()
    sound = version != b"ff" and not (version == b"00" and rest) and trace.strip(b"0")
    if not sound or not parent.strip(b"0") or not int(flags, 16) & _SAMPLED:
        return ""
    return str(trace, "ascii")


def without_trace(headers: AnyHeaders) -> Headers:
    """Return the fields of a request that does not belong to the trace it once belonged to."""
    return Headers(pair for pair in headers if pair[0].lower() not in FIELDS)


def export_problem(environ: Mapping[str, str]) -> str | None:
    """Return nothing to say ("") where the environment asks for spans, None where it does not.

    Otherwise why they cannot be had. The variables are OpenTelemetry's own.
    """
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or not any(environ.get(name, "").strip() for name in endpoints):
        return None
    if environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return None
    protocols = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((environ[name] for name in protocols if environ.get(name)), "http/protobuf")
    return "" if protocol == "http/protobuf" else "only http/protobuf is spoken"
