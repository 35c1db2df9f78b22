"""The only place that builds objects: start, drain, stop."""

import os
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sidecar import __version__, patterns
from sidecar.config import Config
from sidecar.core.trace import export_problem
from sidecar.redact import Redactor
from sidecar.redact.engine import ENGINE
from sidecar.runtime import clock, proxy
from sidecar.runtime.admin import Admin, NoDirectory
from sidecar.runtime.cache import ContextCache
from sidecar.runtime.governor import Governor
from sidecar.runtime.logs import Log
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.ops import Ops
from sidecar.runtime.proxy import Proxy
from sidecar.runtime.server import Listener
from sidecar.runtime.shared_tier import SharedTier
from sidecar.runtime.upstream import EgressProxy, Upstream
from sidecar.runtime.watcher import Watcher
from sidecar.values import Address

if TYPE_CHECKING:
    from sidecar.runtime.tracing import Tracing


NATIVE = not proxy.__file__.endswith(".py")
"""Whether the request path is compiled (docs/adr/0009)."""


class Sidecar:
    """One running sidecar."""

    proxy_address: Address
    ops_address: Address

    def __init__(self, config: Config, log: Log, environ: Mapping[str, str] = os.environ) -> None:
        """Build everything; raises ValueError or OSError for what the host cannot provide."""
        self._config = config
        self._log = log
        policy = config.redaction.policy()
        self._redactor = Redactor(policy)
        self._metrics = Metrics([*sorted(policy.types), *(rule.name for rule in policy.custom)])
        upstream = config.upstream
        self._upstream = Upstream(
            upstream.url,
            clock=clock.mono,
            connect_timeout=config.timeouts.connect,
            ca_file=upstream.ca_file,
            proxy=EgressProxy.from_environ(upstream.url, environ)
            if upstream.proxy_from_env
            else None,
        )
        self._tracing = _tracing(upstream.url, environ, log)
        self._cache = ContextCache(
            config, self._metrics, mono=clock.mono, shared=_shared_tier(config, log)
        )
        self._governor = Governor(
            config,
            self._metrics,
            log,
            self._cache,
            mono=clock.mono,
            wall=clock.wall,
            random=random.random,
        )
        self._watcher = Watcher(
            config.override.path,
            config.override.poll_interval,
            environ=environ,
            wall=clock.wall,
            log=log,
            changed=self._governor.override,
        )
        self._admin = Admin(self._governor, log)
        self._proxy = Proxy(
            config,
            self._redactor,
            self._upstream,
            self._governor,
            self._cache,
            self._metrics,
            log,
            self._tracing,
        )
        self._proxy_listener = Listener(self._proxy.handle, self._metrics.refused)
        self._ops_listener = Listener(Ops(self._metrics, self._unready).handle)
        self._state = "starting"

    def _unready(self) -> str:
        return "" if self._state == "ready" else self._state

    def status(self) -> dict[str, Any]:
        """Return what `zep_mode --status` shows."""
        return self._governor.status()

    async def start(self) -> None:
        """Serve; raises OSError when an address cannot be had."""
        listen = self._config.listen
        self.ops_address = await self._ops_listener.start(listen.ops)
        self._redactor.warm_up()
        patterns.keep()
        await self._watcher.start()
        no_admin = await self._start_admin(listen.admin)
        self._governor.start()
        self._cache.start()
        self._proxy.start()
        self.proxy_address = await self._proxy_listener.start(listen.proxy)
        self._state = "ready"
        self._log.always(
            "ready",
            version=__version__,
            proxy=str(self.proxy_address),
            ops=str(self.ops_address),
            upstream=self._config.upstream.url,
            redactor=ENGINE,
            native=NATIVE,
            mode=self._governor.mode.label,
        )
        if ENGINE != "re2":
            self._log("slow_redactor", "warning", reason="google-re2 is missing: for development")
        if no_admin:  # on a laptop, or in a container with nothing mounted
            self._log("no_admin_socket", "warning", reason=no_admin)

    async def _start_admin(self, path: str) -> str:
        """Return why there can be no admin socket here, if so: no worker shall go without us."""
        try:
            if path:
                await self._admin.start(path)
        except NoDirectory as error:
            return error.strerror or str(error)
        return ""

    async def stop(self) -> None:
        """Drain for at most `timeouts.drain` seconds, then end. Also after a start that failed."""
        self._state = "draining"
        await self._proxy_listener.stop_accepting()
        cut = await self._proxy.drain(self._config.timeouts.drain)
        await self._proxy_listener.close()
        await self._ops_listener.close()
        await self._admin.stop()
        self._watcher.stop()
        self._proxy.close()
        await self._cache.stop()
        await self._governor.stop()
        self._upstream.close()
        if self._tracing:
            await self._tracing.close()
        self._log("stopped", "warning" if cut else "info", in_flight=cut)


def _shared_tier(config: Config, log: Log) -> SharedTier | None:
    """Return the shared tier of the cache, if one is configured; its libraries load only then."""
    cache = config.cache
    if not (cache.enabled and cache.redis_url):
        return None
    return SharedTier(
        cache.redis_url, cache.namespace, cache.ttl, mono=clock.mono, wall=clock.wall, log=log
    )


def _tracing(upstream: str, environ: Mapping[str, str], log: Log) -> "Tracing | None":
    """Return what makes spans, if the environment asks for it; its libraries load only then."""
    problem = export_problem(environ)
    if problem is None:
        return None
    if not problem:
        try:
            from sidecar.runtime.tracing import Tracing
        except ImportError:
            problem = "the extra `otel` is not installed"
        else:
            return Tracing(upstream, environ, log)
    log("no_spans", "warning", reason=problem)  # no reason not to serve
    return None
