"""The alerts, with promtool; the example for Alertmanager, with amtool."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.tools import ALERTS, EXAMPLE, MONITORING, ROOT, documented, rule_file, run

UNIT_TESTS = sorted(Path(__file__).parent.glob("alerts*.yaml"))
NAMES = [alert["alert"] for alert in ALERTS]


def expectations() -> list[dict[str, Any]]:
    """Return every expectation of the unit tests about ALERTS."""
    tests = [test for path in UNIT_TESTS for test in yaml.safe_load(path.read_bytes())["tests"]]
    return [expected for test in tests for expected in test["promql_expr_test"]]


def test_rules_are_valid(tmp_path: Path) -> None:
    """Also to promtool's linter: no duplicate, no template that does not parse."""
    said = run("promtool", "check", "rules", "--lint-fatal", rule_file(tmp_path))
    assert f"{len(ALERTS)} rules found" in said


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_resolve(path: Path, tmp_path: Path) -> None:
    """As their unit tests say."""
    rule_file(tmp_path)
    run("promtool", "test", "rules", shutil.copy(path, tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_seen_to_start_and_to_end(name: str) -> None:
    """Quiet before, firing, and quiet again: at least these three are looked at."""
    looks = [bool(e["exp_samples"]) for e in expectations() if f'"{name}"' in e["expr"]]
    at = looks.index(True)
    assert False in looks[:at]
    assert False in looks[at + 1 :]


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_annotations_name_only_labels_that_the_alert_has(alert: dict[str, Any]) -> None:
    """A label that is not there would be an empty word at 3 a.m."""
    text = " ".join(alert["annotations"].values())
    used = set(re.findall(r"\$labels\.(\w+)", text))
    fired = [
        sample["labels"] for e in expectations() for sample in e["exp_samples"]
        if f'"{alert["alert"]}"' in sample["labels"]
    ]  # fmt: skip
    assert fired
    for labels in fired:
        assert used <= set(re.findall(r"(\w+)=", labels))


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_alert_says_what_and_where_to_read_on(alert: dict[str, Any]) -> None:
    """Its section in the runbook bears its name; one severity decides who is woken."""
    name, notes = alert["alert"], alert["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"].endswith(f"/docs/runbook.md#{name.lower()}")
    assert alert["labels"] == {"severity": alert["labels"]["severity"]}
    row = f"| [{name}](runbook.md#{name.lower()}) | {alert['labels']['severity']} |"
    assert row in (ROOT / "docs/monitoring.md").read_text()


def test_both_ways_to_scrape_give_the_name_that_the_alerts_ask_for() -> None:
    """Whatever the operator would call the job."""
    [job] = documented()["scrape_configs"]
    assert job["job_name"] == "zep-sidecar"
    spec = yaml.safe_load((MONITORING / "podmonitor.yaml").read_bytes())["spec"]
    [endpoint] = spec["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "zep-sidecar"}]
    assert 'up{job="zep-sidecar"}' in str(ALERTS)


def test_the_alertmanager_example_is_valid() -> None:
    """To Alertmanager's own tool."""
    assert "SUCCESS" in run("amtool", "check-config", EXAMPLE)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=ZepDowngraded severity=critical reason=auth", "zep-pagerduty"),
        ("alertname=ZepDowngraded severity=critical reason=forced", "zep-chat"),
        ("alertname=ZepStuckInWriteOnly severity=critical", "zep-pagerduty"),
        ("alertname=ZepReadLatencyHigh severity=warning", "zep-chat"),
        ("alertname=ZepModeRestored severity=info", "zep-chat"),
        ("alertname=NodeDown severity=critical", "default"),
    ],
)
def test_only_what_must_wakes_somebody(labels: str, receiver: str) -> None:
    """Critical alerts page, but for what an operator did on purpose."""
    routed = run("amtool", "config", "routes", "test", f"--config.file={EXAMPLE}", *labels.split())
    assert routed.split() == [receiver]
