"""What the operators' documents quote exists: commands, metrics, alerts, keys, drills, links."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from sidecar import cli, zep_mode
from sidecar.config import SECTIONS
from sidecar.drills.six import DRILLS
from sidecar.override import parse as parse_override
from sidecar.redact import Policy
from sidecar.runtime.metrics import Metrics
from tests.monitoring.tools import ALERTS, run

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ["runbook.md", "quick-reference.md", "go-live.md", "pii-statement.md"]
# What stands for something of the reader's.
VALUES = {"SECONDS": "60", "REASON": "manual"}


def code(page: str) -> list[str]:
    """Return what a page shows as code: spans, and the lines of its blocks."""
    text = (DOCS / page).read_text()
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return spans + [line for block in blocks for line in block.splitlines()]


def commands(page: str, name: str) -> list[list[str]]:
    """Return the arguments of every call of a command, behind kubectl exec or not."""
    found = []
    for line in code(page):
        if match := re.search(rf"(?:^|-- ){name}( .*|$)", line):
            words = shlex.split(re.split(r" [<|] |; | \(", match[1])[0])
            found.append([VALUES.get(word, word) for word in words])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands(page: str) -> None:
    """Every call of zep_mode and zep-sidecar is one that their own parsers accept."""
    zep = zep_mode._parser()
    actions = {o for a in zep._actions for o in a.option_strings} - {"-h"}
    for arguments in commands(page, "zep_mode"):
        options = {a for a in arguments if a.startswith("--")}
        assert options <= actions, arguments
        if options & {"--status", "--force", "--clear", "--invalidate", "--reset-failures"}:
            zep.parse_args(arguments)
    parser = cli._parser()
    for arguments in commands(page, "zep-sidecar"):
        if not arguments:
            continue
        command = _subcommands(parser)[arguments[0]]
        options = {a for a in arguments if a.startswith("--")}
        assert options <= set(command._option_string_actions), arguments  # none is abbreviated
        if arguments[1:]:
            parser.parse_args(arguments)


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    [commands] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(commands.choices)


def test_the_documents_do_quote_commands() -> None:
    """So that a change of form cannot blind the test above."""
    assert len(commands("runbook.md", "zep_mode")) > 15
    assert len(commands("runbook.md", "zep-sidecar")) > 10
    assert len(commands("quick-reference.md", "zep_mode")) > 6


@pytest.mark.parametrize("page", PAGES)
def test_metrics(page: str) -> None:
    """Every metric that is named exists, and so does every label value that a query asks for."""
    samples: dict[str, set[tuple[str, str]]] = {}
    for family in Metrics(sorted(Policy().types)).families():
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels.items())
        samples.setdefault(family.name, set())
    for text in code(page):
        for name, inside in re.findall(r"\b((?:memory_|zep_)\w+)(?:\{([^}]*)\})?", text):
            if name == "zep_mode":
                continue
            assert name in samples, (page, name)
            for label, values in re.findall(r'(\w+)!?=~?"([^"]*)"', inside):
                known = {value for key, value in samples[name] if key == label}
                assert set(values.replace("\\|", "|").split("|")) <= known, (page, name, label)


@pytest.mark.parametrize("page", PAGES)
def test_configuration_keys(page: str) -> None:
    """Every key that is named exists."""
    for text in code(page):
        for section, key in re.findall(r"\b([a-z]+)\.([a-z_]+)\b(?!\()", text):
            if section in SECTIONS and key not in ("yaml", "md"):
                assert key in SECTIONS[section].__dataclass_fields__, (page, section, key)


def test_every_alert_has_its_section() -> None:
    """Alerts link to a heading of their own name; there is no heading for an alert of the past."""
    headings = re.findall(r"^### (Zep\w+)$", (DOCS / "runbook.md").read_text(), re.MULTILINE)
    assert {rule["alert"] for rule in ALERTS} == set(headings)


def test_every_gate_is_a_query(tmp_path: Path) -> None:
    """Prometheus accepts every query of the go-live checklist."""
    queries = [
        text for text in code("go-live.md") if re.match(r"(sum|count|histogram_quantile)\b", text)
    ]
    assert len(queries) > 12
    rules = [{"record": f"gate:{n}", "expr": query} for n, query in enumerate(queries)]
    path = tmp_path / "gates.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "gates", "rules": rules}]}))
    run("promtool", "check", "rules", path)


def test_every_drill_has_its_row() -> None:
    """The table of drills has the six."""
    rows = re.findall(r"^\| (\d) ", (DOCS / "runbook.md").read_text(), re.MULTILINE)
    assert rows == [str(drill.number) for drill in DRILLS]


def test_the_override_that_is_shown_is_valid() -> None:
    """What is to be typed into the editor means what the page says."""
    [block] = re.findall(r"```yaml\n(.*?)```", (DOCS / "runbook.md").read_text(), re.DOTALL)
    override = parse_override(yaml.safe_load(block)["data"]["override.yaml"].encode())
    assert override is not None
    assert override.mode == "off"


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str) -> None:
    """Every link leads to a file and to a heading."""
    for target in re.findall(r"\]\(([^)]+)\)", (DOCS / page).read_text()):
        name, _, anchor = target.partition("#")
        path = DOCS / (name or page)
        assert path.exists(), target
        titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
        assert not anchor or anchor in anchors, target
