"""A real Prometheus and a real Alertmanager, on ports and in directories of their own."""

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.monitoring.tools import binary, documented


class Server:
    """One server process with an HTTP API."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._process: asyncio.subprocess.Process | None = None

    async def stop(self) -> None:
        """End it; it keeps nothing that matters."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _run(self, config: object, program: str, *arguments: str) -> None:
        (self._directory / "config.yaml").write_text(yaml.safe_dump(config))
        with (self._directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                f"--config.file={self._directory}/config.yaml",
                f"--web.listen-address={self.address}",
                *arguments,
                stderr=log,
            )
        async with asyncio.timeout(40), aiohttp.ClientSession() as session:
            while True:
                assert self._process.returncode is None, (self._directory / "log").read_text()
                try:
                    async with session.get(f"http://{self.address}/-/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)


class Alertmanager(Server):
    """An Alertmanager with the given configuration."""

    async def start(self, config: object) -> None:
        """Start it and wait until it is ready."""
        program = binary("prometheus-alertmanager", "alertmanager")
        storage = f"--storage.path={self._directory}"
        await self._run(config, program, storage, "--cluster.listen-address=")


class Prometheus(Server):
    """A Prometheus that scrapes one sidecar as documented, but every second."""

    async def start(self, ops_port: int, rules: Path, alertmanager: str) -> None:
        """Start it and wait until it is ready."""
        config = documented()
        config["global"] = {"evaluation_interval": "500ms"}
        config["rule_files"] = [str(rules)]
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        [job] = config["scrape_configs"]
        ports = ("zep-ops", "http")  # the latter must be passed over
        discovered = [
            {"targets": [f"127.0.0.1:{ops_port}"], "labels": labels_of_discovery(port)}
            for port in ports
        ]
        job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        job["static_configs"] = discovered
        storage = f"--storage.tsdb.path={self._directory}/data"
        exemplars = "--enable-feature=exemplar-storage"
        await self._run(config, binary("prometheus"), storage, exemplars)

    async def get(self, path: str, **parameters: str) -> Any:
        """Ask the API, which must succeed."""
        url = f"http://{self.address}/api/v1/{path}"
        async with aiohttp.ClientSession() as session, session.get(url, params=parameters) as found:
            answer = await found.json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the series of a query as they are now."""
        result = (await self.get("query", query=query))["result"]
        assert isinstance(result, list)
        return result

    async def until(self, queries: Iterable[str], within: float = 20) -> list[str]:
        """Wait until each query has a number; return those that never had."""
        waiting = list(queries)
        try:
            async with asyncio.timeout(within):
                while waiting:
                    waiting = [query for query in waiting if not has_number(await self.ask(query))]
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass
        return waiting


def labels_of_discovery(port: str) -> dict[str, str]:
    """Return what Prometheus discovers of a port of a pod in Kubernetes."""
    found = {
        "pod_label_zep_sidecar_dev_inject": "true",
        "pod_container_port_name": port,
        "pod_phase": "Running",
        "namespace": "assistants",
        "pod_name": "worker-0" if port == "zep-ops" else "wrong",
    }
    return {f"__meta_kubernetes_{name}": value for name, value in found.items()}


def has_number(series: Iterable[dict[str, Any]]) -> bool:
    """Tell whether any value is more than "there is no such quantile"."""
    return any(one["value"][1] != "NaN" for one in series)
