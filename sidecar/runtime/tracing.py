"""Spans for OpenTelemetry: one for each request, one for each attempt to reach Zep.

Imported only where the environment asks for it (docs/observability.md). Names and attributes are
those of the HTTP semantic conventions, but for what could hold an id: url.path, url.query and
url.full are left out. The sidecar's decisions are attributes of its own, `zep_sidecar.*`.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping
from contextvars import Token
from urllib.parse import urlsplit

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from sidecar import __version__
from sidecar.core.headers import AnyHeaders, values
from sidecar.core.outcomes import Reason
from sidecar.core.routes import Route
from sidecar.core.served import Served, known_method
from sidecar.core.trace import without_trace
from sidecar.runtime.logs import Log

# Seconds for which the last spans may hold up the end of the process.
FLUSH = 2.0
_FIELDS = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans, and sends them to the collector from a thread of its own."""

    def __init__(self, upstream: str, environ: Mapping[str, str], log: Log) -> None:
        """The SDK reads its settings from the environment: endpoint, sampler, limits, resource."""
        _Unsent(log).take_over()
        named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = {"service.version": __version__}
        if not named:
            resource["service.name"] = "zep-sidecar"
        self._provider = TracerProvider(resource=Resource.create(resource), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("zep-sidecar", __version__)
        parts = urlsplit(upstream)
        self._upstream: dict[str, str | int] = {
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
            "url.scheme": parts.scheme,
        }

    def request(self, method: str, headers: AnyHeaders) -> "RequestSpan":
        """Begin the span of a request; attempts made from here on are its children."""
        # Without tracestate: it is the worker's, and would be exported with each span.
        found = values(headers, b"traceparent")
        carrier = {"traceparent": found[0].decode("latin-1")} if len(found) == 1 else {}
        known = known_method(method)
        span = self._tracer.start_span(
            _name(known, None),
            _FIELDS.extract(carrier, Context()),
            SpanKind.SERVER,
            {"http.request.method": known, "url.scheme": "http"},
        )
        return RequestSpan(span)

    def attempt(self, method: str, route: Route, *, probe: bool) -> "AttemptSpan":
        """Begin the span of an attempt to reach Zep."""
        known = known_method(method)
        attributes = {"http.request.method": known, "zep_sidecar.probe": probe, **self._upstream}
        if route.template:
            attributes["url.template"] = route.template
        name = _name(known, route)
        return AttemptSpan(self._tracer.start_span(name, None, SpanKind.CLIENT, attributes))

    async def close(self) -> None:
        """Send what is left, for at most FLUSH seconds."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop has ended before us
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, name="spans", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH):
                await sent.wait()


class RequestSpan:
    """The span of one request of the worker."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] = context.attach(set_span_in_context(span))

    @property
    def trace(self) -> str:
        """Return the id of the trace, if this span is recorded."""
        found = self._span.get_span_context()
        return f"{found.trace_id:032x}" if found.trace_flags.sampled else ""

    def end(self, served: Served | None) -> None:
        """End it with what became of the request."""
        context.detach(self._token)
        if served and self._span.is_recording():
            self._describe(served)
        self._span.end()

    def _describe(self, served: Served) -> None:
        span, route = self._span, served.route
        span.update_name(_name(served.method, route))
        if route and route.template:
            span.set_attribute("http.route", route.template)
        span.set_attributes(
            {
                "http.response.status_code": served.status,
                "zep_sidecar.class": served.cls.value,
                "zep_sidecar.mode": served.mode.label,
                "zep_sidecar.outcome": served.outcome.value,
            }
        )
        if served.reason:
            span.set_attribute("zep_sidecar.reason", served.reason)
        if served.cache:
            span.set_attribute("zep_sidecar.cache", served.cache.value)
        for type_, count in served.redactions.items():
            span.set_attribute(f"zep_sidecar.redactions.{type_}", count)
        if served.status >= 500:
            _failed(span, str(served.status))


class AttemptSpan:
    """The span of one attempt to reach Zep."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def onto(self, headers: AnyHeaders) -> AnyHeaders:
        """Return the fields of a request that belongs to this span.

        tracestate goes on as it is, unless the trace is a new one (W3C Trace Context 3.4).
        """
        carrier: dict[str, str] = {}
        _FIELDS.inject(carrier, set_span_in_context(self._span, Context()))
        field = carrier["traceparent"].encode()
        found = values(headers, b"traceparent")
        goes_on = len(found) == 1 and found[0][3:35] == field[3:35]
        states = [pair for pair in headers if pair[0].lower() == b"tracestate"] if goes_on else ()
        return (*without_trace(headers), (b"traceparent", field), *states)

    def end(self, status: int | None, reason: Reason | None) -> None:
        """End it with the status of the answer, if there was one, and why it was not good."""
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if reason:
            self._span.set_attribute("zep_sidecar.reason", reason.value)
        if status is None or status >= 400:
            _failed(self._span, str(status or (reason.value if reason else "_OTHER")))
        self._span.end()


def _failed(span: Span, why: str) -> None:
    span.set_attribute("error.type", why)
    span.set_status(Status(StatusCode.ERROR))


def _name(method: str, route: Route | None) -> str:
    verb = "HTTP" if method == "_OTHER" else method
    return f"{verb} {route.template}" if route and route.template else verb


class _Unsent(logging.Handler):
    """Says that spans are not getting through, and nothing of what the SDK says of it."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def take_over(self) -> None:
        """Take the place of whatever the SDK and its HTTP client would write to."""
        for name in ("opentelemetry", "urllib3"):
            logger = logging.getLogger(name)
            logger.propagate, logger.handlers = False, [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Log where it was said: a message could quote what the collector has answered."""
        self._log("spans_not_sent", "warning", where=record.module)
