"""An OpenTelemetry collector on loopback: keeps the spans that come by OTLP over HTTP."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Answers with `status`, after `delay` seconds."""

    def __init__(self, status: int = 200, delay: float = 0) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        self.service = ""
        self._status, self._delay = status, delay
        self._came, self._ends = asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> "Collector":
        application = web.Application()
        application.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ends.set()
        await self._runner.cleanup()

    async def until(self, enough: Callable[[list[Span]], Any]) -> list[Span]:
        """Wait until the spans that have come are enough, and return them."""
        async with asyncio.timeout(15):
            while not enough(self.spans):
                self._came.clear()
                await self._came.wait()
        return self.spans

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._delay):
                await self._ends.wait()
        if self._status == 200:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.service = str(attributes(resource.resource)["service.name"])
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self._came.set()
        return web.Response(status=self._status, body=b"planted-answer-of-the-collector")


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of a span or a resource."""
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in holder.attributes
    }
