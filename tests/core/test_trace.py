"""Whose trace a request belongs to."""

import pytest

from sidecar.core.trace import export_problem, sampled_trace, without_trace

TRACE = b"0af7651916cd43dd8448eb211c80319c"
SOUND = b"00-" + TRACE + b"-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "value",
    [SOUND, SOUND[:-2] + b"03", b"01" + SOUND[2:], b"cc" + SOUND[2:] + b"-what-the-future-will-be"],
)
def test_a_sampled_trace(value: bytes) -> None:
    """Of this version, and of later ones, which may say more."""
    assert sampled_trace(((b"Host", b"x"), (b"TraceParent", value))) == TRACE.decode()


@pytest.mark.parametrize(
    "value",
    [
        SOUND[:-2] + b"00",  # nobody records it
        SOUND[:-2] + b"02",
        b"00-" + b"0" * 32 + SOUND[35:],
        SOUND[:36] + b"0" * 16 + b"-01",
        b"ff" + SOUND[2:],
        SOUND + b"-more",
        SOUND + b"\n",
        SOUND.upper(),
        SOUND[:-1],
        b" " + SOUND,
        b"ayse@example.com",
        b"",
    ],
)
def test_no_trace(value: bytes) -> None:
    """Whatever is not exactly a recorded trace."""
    assert sampled_trace(((b"traceparent", value),)) == ""


def test_twice_is_no_trace() -> None:
    """Nor is none at all."""
    assert sampled_trace(((b"traceparent", SOUND), (b"traceparent", SOUND))) == ""
    assert sampled_trace(((b"tracestate", SOUND),)) == ""


def test_without_trace() -> None:
    """Only the two fields go."""
    fields = ((b"Host", b"x"), (b"Traceparent", SOUND), (b"tracestate", b"a=b"), (b"A", b"b"))
    assert without_trace(fields).fields == ((b"Host", b"x"), (b"A", b"b"))


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
        (ENDPOINT, ""),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, ""),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "yes"}, ""),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, None),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ""),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf is spoken"),
        (
            {
                **ENDPOINT,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            "",
        ),
    ],
)
def test_whether_spans_are_asked_for(environ: dict[str, str], problem: str | None) -> None:
    """By OpenTelemetry's own variables; the one for traces goes first."""
    assert export_problem(environ) == problem
