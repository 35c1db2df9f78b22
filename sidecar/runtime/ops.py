"""The read-only listener: health and metrics."""

from collections.abc import Callable

from aiohttp import web

from sidecar.core.errors import Refusal
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.server import refuse

_NOT_FOUND = Refusal(404, "not_found", "Known are GET /livez, /readyz, /startupz and /metrics.")


class Ops:
    """Answers the kubelet and Prometheus. None of it depends on Zep."""

    def __init__(self, metrics: Metrics, unready: Callable[[], str]) -> None:
        """`unready` returns why the sidecar cannot serve, or an empty string."""
        self._metrics = metrics
        self._unready = unready

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request."""
        path = request.raw_path.partition("?")[0]
        if request.method not in ("GET", "HEAD"):
            return refuse(_NOT_FOUND)
        if path == "/metrics":
            content_type, body = self._metrics.render(request.headers.get("Accept", ""))
            return web.Response(body=body, headers={"Content-Type": content_type})
        if path == "/livez":
            return web.Response(text="live\n")
        if path in ("/readyz", "/startupz"):
            reason = self._unready()
            return web.Response(status=503 if reason else 200, text=(reason or "ready") + "\n")
        return refuse(_NOT_FOUND)
