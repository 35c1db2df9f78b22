"""The read-only listener: health and metrics."""

from collections.abc import Callable

from sidecar.core.errors import Refusal
from sidecar.core.headers import values
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.server import Reply, Request, refuse, reply

_NOT_FOUND = Refusal(404, "not_found", "Known are GET /livez, /readyz, /startupz and /metrics.")
_TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"


class Ops:
    """Answers the kubelet and Prometheus. None of it depends on Zep."""

    def __init__(self, metrics: Metrics, unready: Callable[[], str]) -> None:
        """`unready` returns why the sidecar cannot serve, or an empty string."""
        self._metrics = metrics
        self._unready = unready

    def handle(self, request: Request) -> Reply:
        """Serve one request."""
        path = request.raw_path.partition("?")[0]
        if request.method not in ("GET", "HEAD"):
            return refuse(request, _NOT_FOUND)
        if path == "/metrics":
            accept = b",".join(values(request.raw_headers, b"accept")).decode("latin-1")
            content_type, body = self._metrics.render(accept)
            return reply(request, 200, f"Content-Type: {content_type}\r\n".encode(), body)
        if path == "/livez":
            return reply(request, 200, _TEXT, b"live\n")
        if path in ("/readyz", "/startupz"):
            reason = self._unready()
            return reply(request, 503 if reason else 200, _TEXT, f"{reason or 'ready'}\n".encode())
        return refuse(request, _NOT_FOUND)
