"""Makes the Grafana dashboard and its page from k8s/components/monitoring/dashboard.yaml."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

PLACE = Path(__file__).parent.parent / "k8s/components/monitoring"
# A place holder; docs/monitoring.md says how to put your repository in its place.
RUNBOOK = "https://git.example.com/zep-sidecar/blob/main/docs/runbook.md"
CHOSEN = 'namespace=~"$namespace",pod=~"$pod"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
SIZES = {"stat": (3, 4), "table": (WIDTH, 8)}
WORDS = {
    "mode": (("off", "red"), ("write_only", "orange"), ("read_write", "green")),
    "reload": (("FAILED", "red"), ("ok", "green")),
}
SHAPES: dict[str, Json] = {
    "lines": {"lineWidth": 1, "fillOpacity": 5},
    "dashed": {"lineWidth": 1, "thresholdsStyle": {"mode": "dashed"}},
    "bars": {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal"}},
    "area": {
        "fillOpacity": 30,
        "lineInterpolation": "stepAfter",
        "stacking": {"mode": "normal"},
    },
}
LEGEND = {"displayMode": "list", "placement": "bottom", "calcs": []}
OPTIONS: dict[str, Json] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "textMode": "value",
    },
    "timeseries": {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "state-timeline": {"showValue": "never", "mergeValues": True, "legend": LEGEND},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
HIDDEN = ("Time", "Value", "__name__", "alertstate", "container", "endpoint", "instance", "job")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, as the file has it."""

    title: str
    tells: str
    unit: str
    query: str = ""
    queries: dict[str, str] = field(default_factory=dict)
    """Queries by how their series are named."""
    kind: str = "timeseries"
    shape: str = "lines"
    steps: tuple[tuple[float, str], ...] = ()
    words: str = ""
    alert: str = ""
    most: float | None = None
    """The highest value of the axis, whose lowest is then 0."""
    exemplars: bool = False
    columns: dict[str, str] = field(default_factory=dict)
    """Of a table: labels, or "Value", and their headings."""
    width: int = 0
    """Where it is not that of its kind."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        width, height = SIZES.get(self.kind, (8, 8))
        return self.width or width, height

    def built(self, ident: int, x: int, y: int) -> Json:
        """Return it as Grafana wants it."""
        width, height = self.size
        queries = self.queries or {"__auto": self.query}
        link = {
            "title": f"Runbook: {self.alert}",
            "url": f"${{runbook}}#{self.alert.lower()}",
            "targetBlank": True,
        }
        return {
            "id": ident,
            "type": self.kind,
            "title": self.title,
            "description": self.tells,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "fieldConfig": self._fields(),
            "options": OPTIONS[self.kind],
            "transformations": [self._shown()] if self.columns else [],
            "links": [link] if self.alert else [],
            "targets": [
                self._target(chr(ord("A") + at), legend, query)
                for at, (legend, query) in enumerate(queries.items())
            ],
        }

    def _fields(self) -> Json:
        steps: list[Json] = [{"color": "green", "value": None}]
        steps += [{"color": colour, "value": value} for value, colour in self.steps]
        words = {
            str(value): {"text": text, "color": colour, "index": value}
            for value, (text, colour) in enumerate(WORDS.get(self.words, ()))
        }
        mappings = [{"type": "value", "options": words}] if words else []
        defaults: Json = {
            "unit": self.unit,
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [] if self.columns else mappings,
            "custom": SHAPES[self.shape] if self.kind == "timeseries" else {},
        }
        if self.most is not None:
            defaults |= {"min": 0, "max": self.most}
        if "Value" not in self.columns:
            return {"defaults": defaults, "overrides": []}
        coloured = {
            "matcher": {"id": "byName", "options": self.columns["Value"]},
            "properties": [
                {"id": "mappings", "value": mappings},
                {"id": "custom.cellOptions", "value": {"type": "color-background"}},
            ],
        }
        return {"defaults": defaults, "overrides": [coloured]}

    def _shown(self) -> Json:
        order = {name: at for at, name in enumerate(self.columns)}
        hidden = {name: True for name in HIDDEN if name not in self.columns}
        return {
            "id": "organize",
            "options": {
                "indexByName": order,
                "renameByName": self.columns,
                "excludeByName": hidden,
            },
        }

    def _target(self, ref: str, legend: str, query: str) -> Json:
        instant = self.kind in ("stat", "table")
        return {
            "refId": ref,
            "datasource": SOURCE,
            "expr": _promql(query),
            "legendFormat": legend,
            "instant": instant,
            "range": not instant,
            "format": "table" if self.kind == "table" else "time_series",
            "exemplar": self.exemplars,
        }


def rows() -> dict[str, list[Panel]]:
    """Return the file's panels by row."""
    document = yaml.safe_load((PLACE / "dashboard.yaml").read_bytes())
    return {row["row"]: [Panel(**panel) for panel in row["panels"]] for row in document}


def dashboard() -> Json:
    """Return the dashboard as Grafana imports it."""
    runbook = {"type": "link", "title": "Runbook", "url": "${runbook}", "targetBlank": True}
    return {
        "uid": "zep-sidecar",
        "title": "Zep sidecar",
        "description": "Generated: change dashboard.yaml beside it, then `make docs`.",
        "tags": ["zep", "memory", "sidecar"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "refresh": "30s",
        "timezone": "",
        "time": {"from": "now-3h", "to": "now"},
        "links": [runbook],
        "annotations": {"list": list(_annotations())},
        "templating": {"list": list(_variables())},
        "panels": list(_placed()),
    }


def json_lines() -> Iterator[str]:
    """Yield the lines of the dashboard's JSON."""
    yield json.dumps(dashboard(), indent=1, ensure_ascii=False)


PAGE = """\
# The dashboard, panel by panel

Generated from `k8s/components/monitoring/dashboard.yaml`. [monitoring.md](monitoring.md) says how
to install it."""


def page() -> Iterator[str]:
    """Yield the lines of the page about the dashboard."""
    yield PAGE
    for title, row in rows().items():
        yield f"\n## {title}\n\n| panel | what it tells | alert |\n|---|---|---|"
        for panel in row:
            alert = f"[{panel.alert}](runbook.md#{panel.alert.lower()})" if panel.alert else ""
            yield f"| {panel.title} | {panel.tells} | {alert} |"


def _promql(query: str) -> str:
    return query.strip().replace("@", CHOSEN)


def _placed() -> Iterator[Json]:
    """Yield the panels, row by row, from left to right."""
    ident = y = 0
    for title, row in rows().items():
        ident += 1
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        yield {"id": ident, "type": "row", "title": title, "gridPos": place, "panels": []}
        x, y, height = 0, y + 1, 0
        for panel in row:
            if x + panel.size[0] > WIDTH:
                x, y, height = 0, y + height, 0
            ident += 1
            yield panel.built(ident, x, y)
            x, height = x + panel.size[0], max(height, panel.size[1])
        y += height


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
    }
    yield _choice("namespace", "Namespace", "label_values(memory_mode_gauge, namespace)")
    of_namespace = 'label_values(memory_mode_gauge{namespace=~"$namespace"}, pod)'
    yield _choice("pod", "Pod", of_namespace)
    yield {
        "name": "runbook",
        "type": "constant",
        "query": RUNBOOK,
        "current": {"text": RUNBOOK, "value": RUNBOOK},
        "hide": 2,
        "skipUrlSync": True,
    }


def _choice(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # also series without that label
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _annotations() -> Iterator[Json]:
    """Yield what is marked in all graphs."""
    downgrades = "increase(memory_zep_downgrades_total{@}[2m]) > 0"
    edits = "changes(zep_sidecar_override_last_reload_success_timestamp_seconds{@}[2m]) > 0"
    yield _mark("Downgrades", "red", downgrades, "Downgrade: {{reason}}")
    yield _mark("Override edits", "blue", edits, "Override taken over")


def _mark(name: str, colour: str, query: str, title: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": _promql(query),
        "step": "60s",
        "titleFormat": title,
        "textFormat": "{{namespace}}/{{pod}}",
    }
