"""The 1x reference: a redacting proxy as a first version usually looks. Kept as it is.

    python -m bench.proxy.naive PORT UPSTREAM

aiohttp's Application and ClientSession with their defaults, the access log included; the body
read whole, decoded, three regexes on every string, encoded again. It is not safe to use: see
docs/redaction.md for what three regexes miss.
"""

import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

_RULES = (
    (re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}"), "[EMAIL]"),
    (re.compile(r"(?<!\w)\+?\d[\d\s().\-]{7,}\d(?!\w)"), "[PHONE]"),
    (
        re.compile(r"\b\d{1,5}\s+(?:[A-Z][a-z]+\s+){1,3}(?:Street|St|Avenue|Ave|Road|Rd)\b"),
        "[ADDRESS]",
    ),
)
_DROPPED = {
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
}
_SESSION = web.AppKey("session", aiohttp.ClientSession)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        for rule, label in _RULES:
            value = rule.sub(label, value)
        return value
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    return [_redacted(inner) for inner in value] if isinstance(value, list) else value


def _application(upstream: str) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _DROPPED}
        data = None
        if request.can_read_body:
            data = await request.read()
            if "json" in request.headers.get("Content-Type", ""):
                data = json.dumps(_redacted(json.loads(data))).encode()
        url = upstream + request.path_qs
        async with request.app[_SESSION].request(
            request.method, url, headers=headers, data=data, allow_redirects=False
        ) as answer:
            body = await answer.read()
            gone = _DROPPED | {"content-encoding"}
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in gone}
            return web.Response(status=answer.status, headers=kept, body=body)

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as opened:
            app[_SESSION] = opened
            yield

    app = web.Application(client_max_size=64 << 20)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{tail:.*}", handle)
    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    web.run_app(_application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), print=None)
