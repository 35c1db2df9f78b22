"""The files under test as data, and Prometheus's own tools."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
MONITORING = ROOT / "k8s/components/monitoring"
EXAMPLE = MONITORING / "alertmanager-example.yaml"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_bytes())
SPEC: dict[str, Any] = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_bytes())["spec"]
ALERTS: list[dict[str, Any]] = [rule for group in SPEC["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [p for p in DASHBOARD["panels"] if p["type"] != "row"]


def binary(name: str, *others: str) -> str:
    """Return where a program is, under the first of its names that is known here."""
    found = next(filter(None, map(shutil.which, (name, *others))), None)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return found


def run(name: str, *arguments: str | Path) -> str:
    """Run a tool, which must succeed; return what it says."""
    command = [binary(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rule_file(directory: Path) -> Path:
    """Write the rules as Prometheus itself reads them."""
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def documented() -> dict[str, Any]:
    """Return the configuration of Prometheus that the documentation gives, without its discovery.

    Debian's Prometheus is built without Kubernetes.
    """
    page = (ROOT / "docs/monitoring.md").read_text()
    text = page.partition("<!-- Prometheus runs this in a test -->\n```yaml\n")[2]
    config: dict[str, Any] = yaml.safe_load(text.partition("```")[0])
    [job] = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    return config


def queries() -> dict[str, str]:
    """Return every query of the dashboard, by where it stands, as Grafana would ask it."""
    found = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    }
    found |= {mark["name"]: mark["expr"] for mark in DASHBOARD["annotations"]["list"]}
    for name, value in {
        "$namespace": ".*",
        "$pod": ".*",
        "$__rate_interval": "1m",
        "$__range": "5m",
    }.items():
        found = {where: query.replace(name, value) for where, query in found.items()}
    return found
