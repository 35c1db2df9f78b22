"""What we use of aiohttp: its parser, and what that works with; see docs/adr/0008.

`import aiohttp` would load its client and its server too, and the CA bundle twice: eight megabytes
and a quarter of the time to start, of which nothing is used here.
"""

from sidecar.modules import modules_only, put_off

# What only its client asks about proxies brings an HTTP client of its own.
with modules_only("aiohttp"), put_off("urllib.request", "getproxies", "proxy_bypass"):
    from aiohttp.client_exceptions import ClientError, ClientPayloadError
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.http_parser import (
        HttpRequestParser,
        HttpResponseParser,
        RawRequestMessage,
        RawResponseMessage,
    )
    from aiohttp.http_writer import HttpVersion
    from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

__all__ = [
    "EMPTY_PAYLOAD",
    "ClientError",
    "ClientPayloadError",
    "HttpProcessingError",
    "HttpRequestParser",
    "HttpResponseParser",
    "HttpVersion",
    "RawRequestMessage",
    "RawResponseMessage",
    "StreamReader",
]
