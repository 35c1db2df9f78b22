"""The dashboard as a file: complete, without overlaps, and about metrics that exist."""

import re
from typing import Any

import pytest

from sidecar.redact import Policy
from sidecar.runtime.metrics import Metrics
from sidecar.selection import State
from tests.monitoring.tools import ALERTS, DASHBOARD, PANELS, ROOT, queries

ALL_TYPES = sorted(Policy().types)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
QUERIES = {**queries(), **{alert["alert"]: alert["expr"] for alert in ALERTS}}
METRIC = re.compile(r"\b(?:(?:memory_|zep_|process_)\w+|(?:up|ALERTS)(?={))")
SELECTOR = re.compile(r"\b(\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"')
OF_THE_TARGET = {"namespace", "pod", "job"}


def known() -> dict[str, dict[str, set[str]]]:
    """Return the values of each label of each series that a sidecar exposes."""
    found: dict[str, dict[str, set[str]]] = {}
    for family in Metrics(ALL_TYPES).families():
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    found["zep_sidecar_override_info"]["state"] = {state.value for state in State}
    # what Prometheus itself adds
    return {**found, "up": {}, "ALERTS": {"alertname": {"Zep.+"}, "alertstate": {"firing"}}}


KNOWN = known()


def area(panel: dict[str, Any]) -> set[tuple[int, int]]:
    """Return the cells that a panel covers."""
    at = panel["gridPos"]
    across, down = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
    return {(x, y) for x in across for y in down}


def test_panels_do_not_overlap_and_stay_on_the_page() -> None:
    """Every cell of the grid belongs to one panel; no line of it is empty."""
    cells = [cell for panel in DASHBOARD["panels"] for cell in area(panel)]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))
    assert {y for _, y in cells} == set(range(max(y for _, y in cells) + 1))


def test_names_and_numbers_are_used_once() -> None:
    """Grafana tells panels apart by id, and people by title."""
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in everything}) == len(everything)
    assert "id" not in DASHBOARD  # Grafana gives it; the uid stays


def test_the_nine_panels_of_the_rollout_document_are_there() -> None:
    """In its order."""
    titles = [panel["title"] for panel in PANELS if panel["title"][0].isdigit()]
    assert titles == [
        "1 Current mode",
        "2 Downgrade events",
        "3 Read latency p50 / p95",
        "4 Context failures by reason",
        "5 PII redactions (audit)",
        "6 Cache hit rate",
        "7 Write success rate",
        "8 Circuit-breaker openings",
        "9 Read and write request rate",
    ]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_explains_itself(panel: dict[str, Any]) -> None:
    """A sentence, a unit, the chosen data source, and a section of the runbook that exists."""
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == SOURCE
    assert [target["datasource"] for target in panel["targets"]] == [SOURCE] * len(panel["targets"])
    anchors = {f"${{runbook}}#{alert['alert'].lower()}" for alert in ALERTS}
    assert {link["url"] for link in panel["links"]} <= anchors


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_query_is_of_the_chosen_pods(panel: dict[str, Any]) -> None:
    """Each selector filters by both variables, and rates go by Grafana's interval."""
    for target in panel["targets"]:
        selectors = SELECTOR.findall(target["expr"])
        assert len(selectors) == len(METRIC.findall(target["expr"]))
        for _, matchers in selectors:
            assert 'namespace=~"$namespace",pod=~"$pod"' in matchers
        windows = set(re.findall(r"\[([^]]*)]", target["expr"]))
        assert windows <= {"$__rate_interval", "$__range"}


@pytest.mark.parametrize(("where", "query"), QUERIES.items(), ids=QUERIES)
def test_queries_ask_for_what_exists(where: str, query: str) -> None:
    """Every metric, label and label value in dashboard and alerts is one of the sidecar's."""
    names = set(METRIC.findall(query))
    assert names
    assert names <= set(KNOWN)
    for name, matchers in SELECTOR.findall(query):
        for label, values in MATCHER.findall(matchers):
            if label not in OF_THE_TARGET:
                assert set(values.split("|")) <= KNOWN[name][label], where


def test_one_place_holder_for_the_repository() -> None:
    """So that one command puts the real one in its place everywhere."""
    [runbook] = [v["query"] for v in DASHBOARD["templating"]["list"] if v["name"] == "runbook"]
    for alert in ALERTS:
        assert alert["annotations"]["runbook_url"].startswith(f"{runbook}#")
    repository = runbook.removeprefix("https://").removesuffix("/blob/main/docs/runbook.md")
    assert repository in (ROOT / "docs/monitoring.md").read_text()
