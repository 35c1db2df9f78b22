"""The rules of the house that no linter knows."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sidecar
from sidecar.config import load
from sidecar.core.errors import Failure

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "sidecar").rglob("*.py"))
# Modules that are tested through what they are part of.
TESTED_ELSEWHERE = {
    "__init__", "__main__", "account", "canonical", "case", "clock", "connection", "demo", "engine",
    "events", "inbound",
    "ops", "policy", "relay", "rule", "served", "server", "words",
    "lab", "promised", "rehearsal", "session", "six", "terminal",  # by tests/drills
}  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_has_a_test_module(path: Path) -> None:
    """In the same room, under the same name; a family such as address_tr under its first name."""
    if path.stem in TESTED_ELSEWHERE:
        return
    room = ROOT / "tests" / path.parent.relative_to(ROOT / "sidecar")
    family = path.stem.partition("_")[0]
    assert any((room / f"test_{name}.py").exists() for name in (path.stem, family))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    """A file that one cannot read in one sitting has two subjects."""
    assert len(path.read_text().splitlines()) <= 480


def test_generated_pages_are_up_to_date() -> None:
    """Names in the docs are names in the code."""
    subprocess.run([sys.executable, ROOT / "docs/generate.py", "--check"], check=True)


def test_one_version() -> None:
    """The package, its metadata and its changelog agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == sidecar.__version__


def test_the_sample_configuration_holds_defaults() -> None:
    """config.yaml is valid, and changes nothing."""
    assert load((ROOT / "config.yaml").read_bytes(), {}) == load(b"", {})


def test_error_codes_are_documented() -> None:
    """Every answer of the sidecar has a row, with its status, in the troubleshooting page."""
    rows = [
        line
        for line in (ROOT / "docs/troubleshooting.md").read_text().splitlines()
        if line[:1] == "|"
    ]
    source = "".join(path.read_text() for path in SOURCES)
    refusals = set(re.findall(r'Refusal\(\s*(\d{3}),\s*"(\w+)"', source))
    refusals |= {(str(f.refusal().status), f.refusal().code) for f in Failure}
    assert len(refusals) > 20
    missing = [r for r in refusals if not any(r[0] in row and f"`{r[1]}`" in row for row in rows)]
    assert missing == []


def test_lock_files_pin_by_hash_and_name_no_host() -> None:
    """So that they can be installed from any index."""
    for path in [*ROOT.glob("requirements*.txt"), *ROOT.glob("*/*/requirements/*.txt")]:
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text
