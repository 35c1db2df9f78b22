"""What kustomize makes of the manifests, with each version that is found."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE
from copy import deepcopy
from pathlib import Path

import pytest

from sidecar.config import load

from .conftest import Render
from .tools import K8S, OVERLAYS, Document, build, kustomizers, named, pods, sidecar_of

CONTAINER = {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "b"}]}
POD: Document = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {
        "initContainers": [{"name": "migrate", "image": "app:1"}],
        "containers": [CONTAINER],
        "volumes": [{"name": "own", "emptyDir": {}}],
    },
}


def workload(kind: str, name: str = "own", *, label: str = "true") -> Document:
    """A workload of a team that knows nothing of the sidecar but the label."""
    template = deepcopy(POD)
    spec: Document = {"template": template}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": {"app": "x"}}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "CronJob":
        spec = {"schedule": "0 * * * *", "jobTemplate": {"spec": spec}}
    return {
        "apiVersion": "batch/v1" if "Job" in kind else "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {"zep-sidecar.dev/inject": label}},
        "spec": spec,
    }


@pytest.mark.usefixtures("kustomize")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_version_renders_the_same(overlay: str) -> None:
    """Byte for byte: what was reviewed is what is applied, whoever applies it."""
    built = {name: build(cmd, K8S / "overlays" / overlay) for name, cmd in kustomizers().items()}
    assert len(set(built.values())) == 1, list(built)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
def test_every_kind_of_workload_gets_a_native_sidecar(render: Render, kind: str) -> None:
    """Before its own init containers; what the team wrote stays; names of generators are filled."""
    rendered = render([workload(kind)], "sidecar")
    pod = pods(rendered)["own"]
    first, migrate = pod["spec"]["initContainers"]
    assert (first["name"], first["restartPolicy"]) == ("zep-sidecar", "Always")
    assert migrate == POD["spec"]["initContainers"][0]
    assert pod["spec"]["containers"] == [CONTAINER]
    assert {"name": "own", "emptyDir": {}} in pod["spec"]["volumes"]
    assert pod["metadata"]["labels"] == {"app": "x", "zep-sidecar.dev/inject": "true"}
    flags = named(rendered, "ConfigMap", "zep-sidecar-flags")["metadata"]["name"]
    assert flags != "zep-sidecar-flags"
    assert first["envFrom"] == [{"configMapRef": {"name": flags}}]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    config = named(rendered, "ConfigMap", "zep-sidecar-config")["metadata"]["name"]
    assert volumes["zep-sidecar-config"]["configMap"]["name"] == config
    assert volumes["zep-sidecar-override"]["configMap"]["name"] == "zep-sidecar-override"


def test_only_what_is_labelled_is_touched(render: Render) -> None:
    """A workload without the label, or with another value, is as it was."""
    other = workload("Deployment", label="false")
    rendered = render([other, workload("Deployment", "second")], "sidecar")
    assert named(rendered, "Deployment", "own") == other
    assert sidecar_of(pods(rendered)["second"])


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_plain_sidecar(render: Render, kind: str) -> None:
    """The first container, so that its postStart holds back the next; else like the native one."""
    plain = pods(render([workload(kind)], "plain-sidecar"))["own"]
    native = pods(render([workload(kind)], "sidecar"))["own"]
    assert [container["name"] for container in plain["spec"]["containers"]] == [
        "zep-sidecar",
        "app",
    ]
    assert [container["name"] for container in plain["spec"]["initContainers"]] == ["migrate"]
    assert plain["spec"]["volumes"] == native["spec"]["volumes"]
    assert plain["metadata"] == native["metadata"]
    ours, theirs = sidecar_of(plain), sidecar_of(native)
    assert set(ours.pop("lifecycle")) == {"postStart", "preStop"}
    assert theirs.pop("restartPolicy") == "Always"
    assert ours == theirs


@pytest.mark.parametrize("serves", [True, False])
async def test_plain_sidecar_holds_back_the_worker(render: Render, serves: bool) -> None:
    """Its postStart ends well when the proxy serves, and fails when it never does."""
    pod = pods(render([workload("Deployment")], "plain-sidecar"))["own"]
    python, flag, script = sidecar_of(pod)["lifecycle"]["postStart"]["exec"]["command"]
    assert (python, flag) == ("python3", "-c")
    assert "range(300)" in script
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert f'"127.0.0.1", {load(b"", {}).listen.proxy.port}' in script
        script = script.replace("8790", str(port)).replace("300", "300" if serves else "3")
        hook = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=PIPE)
        await asyncio.sleep(0.3)
        assert hook.returncode is None or not serves
        if serves:
            taken.listen()
        async with asyncio.timeout(30):
            _, error = await hook.communicate()
    assert hook.returncode == (0 if serves else 1), error
    assert error.decode().strip() == ("" if serves else "the sidecar does not serve")


def test_plain_sidecar_leaves_jobs_alone(render: Render) -> None:
    """They would never complete."""
    job = workload("Job")
    assert named(render([job], "plain-sidecar"), "Job", "own") == job


def test_a_team_sets_image_flags_and_namespace_in_its_own_kustomization(render: Render) -> None:
    """As docs/kubernetes.md shows it; the names of what changed change with it."""
    before = render([workload("Deployment")], "sidecar")
    after = render(
        [workload("Deployment")],
        "sidecar",
        namespace="bots",
        images=[{"name": "zep-sidecar", "newName": "registry.example.com/z", "newTag": "9"}],
        configMapGenerator=[
            {"name": "zep-sidecar-flags", "behavior": "merge", "literals": ["FLAG_ZEP_READ=true"]}
        ],
    )
    flags = named(after, "ConfigMap", "zep-sidecar-flags")
    assert flags["data"] == {"FLAG_ZEP_READ": "true", "FLAG_ZEP_WRITE": "true"}
    sidecar = sidecar_of(pods(after)["own"])
    assert sidecar["image"] == "registry.example.com/z:9"
    assert sidecar["envFrom"][0]["configMapRef"]["name"] == flags["metadata"]["name"]
    assert (
        flags["metadata"]["name"]
        != named(before, "ConfigMap", "zep-sidecar-flags")["metadata"]["name"]
    )
    assert {each["metadata"]["namespace"] for each in after} == {"bots"}


def test_redis(render: Render) -> None:
    """Every sidecar is told where it is, and only their pods may ask it."""
    rendered = render([workload("Deployment")], "sidecar", "redis")
    url = named(rendered, "ConfigMap", "zep-sidecar-flags")["data"]["ZEP_SIDECAR_CACHE__REDIS_URL"]
    service = named(rendered, "Service", "zep-sidecar-redis")
    assert url == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0"
    [rule] = named(rendered, "NetworkPolicy", "zep-sidecar-redis")["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"zep-sidecar.dev/inject": "true"}}}]
    assert (
        len(
            named(rendered, "Deployment", "zep-sidecar-redis")["spec"]["template"]["spec"][
                "containers"
            ]
        )
        == 1
    )


def test_modes_of_the_overlays(rendered: dict[str, list[Document]]) -> None:
    """Each phase of the rollout is one overlay."""
    flags = {
        name: named(each, "ConfigMap", "zep-sidecar-flags")["data"]
        for name, each in rendered.items()
    }
    dark = {"FLAG_ZEP_WRITE": "true", "FLAG_ZEP_READ": "false"}
    both = {"FLAG_ZEP_WRITE": "true", "FLAG_ZEP_READ": "true"}
    assert flags == {"dark-launch": dark, "canary": dark, "read-write": both, "production": both}


def test_the_canary_is_a_tenth(rendered: dict[str, list[Document]]) -> None:
    """One of ten, found by the label that the documented override matches."""
    canary = rendered["canary"]
    both = [
        named(canary, "Deployment", f"zep-worker-example{suffix}") for suffix in ("", "-canary")
    ]
    assert [each["spec"]["replicas"] for each in both] == [9, 1]
    labels = [each["spec"]["template"]["metadata"]["labels"].get("track") for each in both]
    assert labels == [None, "canary"]
    assert both[1]["spec"]["selector"]["matchLabels"]["track"] == "canary"
    assert all(sidecar_of(template) for template in pods(canary).values())


def test_the_canary_copies_no_service(kustomize: tuple[str, ...], tmp_path: Path) -> None:
    """Of what must not exist twice there is no second one."""
    track = (K8S / "overlays/canary/track/kustomization.yaml").read_text()
    (tmp_path / "track").mkdir()
    (tmp_path / "workers").mkdir()
    (tmp_path / "track/kustomization.yaml").write_text(
        track.replace("../../../workers", "../workers")
    )
    (tmp_path / "workers/kustomization.yaml").write_text("resources: [w.yaml]\n")
    (tmp_path / "workers/w.yaml").write_text(
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
        "  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}}\n"
    )
    built = build(kustomize, tmp_path / "track")
    assert "kind: Service" not in built
    assert "name: d-canary" in built
