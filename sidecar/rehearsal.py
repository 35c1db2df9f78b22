"""What demo and drills share: a worker that speaks as the SDKs do, and a sidecar to itself."""

import json
import os
from typing import NamedTuple

import aiohttp

from sidecar.runtime import clock


class Answer(NamedTuple):
    """What the worker got."""

    status: int
    body: str
    outcome: str
    reason: str
    seconds: float

    def __str__(self) -> str:
        """Show all but the body."""
        parts = [str(self.status), self.outcome, self.reason and f"({self.reason})"]
        return " ".join(filter(None, parts))


class Worker:
    """Sends requests as an SDK would: JSON as raw UTF-8, without blanks."""

    def __init__(self, session: aiohttp.ClientSession, origin: str, key: str) -> None:
        self._session, self.origin, self._key = session, origin, key

    async def ask(
        self, method: str, target: str, body: object = None, key: str | None = None
    ) -> Answer:
        """Send one request; raises aiohttp.ClientError or TimeoutError without an answer."""
        data = None if body is None else as_json(body)
        headers = {
            "Authorization": f"Api-Key {key or self._key}",
            "Content-Type": "application/json",
        }
        url, began = self.origin + target, clock.mono()
        async with self._session.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
        outcome, reason = (
            response.headers.get(f"X-Zep-Sidecar-{n}", "") for n in ("Outcome", "Reason")
        )
        return Answer(response.status, text, outcome, reason, clock.mono() - began)


def as_json(body: object) -> str:
    """Return a body as the SDKs write it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def settings(zep: str, hold: float, **more: str) -> dict[str, str]:
    """Return the environment of a sidecar on free loopback ports in front of the Zep at `zep`.

    `more`: further keys, such as `TIMEOUTS__READ`. What configures a sidecar in the
    present environment, a pod's for example, has no say in it.
    """
    keys = {
        "UPSTREAM__URL": zep,
        "LISTEN__PROXY": "127.0.0.1:0",
        "LISTEN__OPS": "127.0.0.1:0",
        "LISTEN__ADMIN": "",
        "OVERRIDE__PATH": "/nowhere/override.yaml",
        "GUARD__HOLD": str(hold),
        "GUARD__HOLD_MAX": str(hold),
        "GUARD__STATE_FILE": "",
        **more,
    }
    others = ("ZEP_SIDECAR_", "FLAG_ZEP_", "OTEL_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    ours = {f"ZEP_SIDECAR_{key}": value for key, value in keys.items()}
    return {**kept, **ours, "ZEP_SIDECAR_CONFIG": os.devnull}
