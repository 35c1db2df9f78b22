"""The manifests agree with the code, and keep the rules that docs/kubernetes.md explains."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from sidecar import __version__, fleet, zep_mode
from sidecar.config import SECTIONS, Config, load
from sidecar.core.routes import base_urls
from sidecar.runtime.metrics import Metrics
from sidecar.runtime.ops import Ops
from sidecar.runtime.watcher import DEFAULT_LABELS_FILE
from tests.test_cli import run

from .conftest import relative
from .tools import K8S, OVERLAYS, ROOT, Document, build, documents, named, pods, sidecar_of

PAGE = ROOT / "docs/kubernetes.md"
TEXTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    + [path for path in K8S.rglob("*") if path.suffix in (".yaml", ".json", ".md", ".py")]
)
DEFAULTS = load(b"", {})
LABEL = fleet.SELECTOR.partition("=")


@pytest.fixture
def dark(rendered: dict[str, list[Document]]) -> list[Document]:
    """The overlay that a team starts with."""
    return rendered["dark-launch"]


@pytest.fixture
def pod(dark: list[Document]) -> Document:
    """The example worker's pod in it."""
    return pods(dark)["zep-worker-example"]


def environment(sidecar: Document, rendered: list[Document]) -> dict[str, str]:
    """What the sidecar's process finds in its environment."""
    found: dict[str, str] = {}
    for source in sidecar["envFrom"]:
        found |= named(rendered, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {entry["name"]: entry.get("value", "?") for entry in sidecar["env"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_sidecar_understands_its_configuration(
    rendered: dict[str, list[Document]], overlay: str
) -> None:
    """The file that is mounted, and every variable, without a problem or a warning."""
    objects = rendered[overlay]
    for template in pods(objects).values():
        environ = environment(sidecar_of(template), objects)
        data = named(objects, "ConfigMap", "zep-sidecar-config")["data"]
        directory, _, name = environ["ZEP_SIDECAR_CONFIG"].rpartition("/")
        assert name in data
        assert directory in mounts(template)
        config = load(data[name].encode(), environ)
        assert config.warnings == ()
        assert config.listen == DEFAULTS.listen
        assert config.override == DEFAULTS.override


def mounts(template: Document) -> dict[str, Document]:
    """Return what the sidecar mounts: volume by directory."""
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    mounted = sidecar_of(template)["volumeMounts"]
    assert not any("subPath" in mount or "subPathExpr" in mount for mount in mounted)
    return {mount["mountPath"]: volumes[mount["name"]] for mount in mounted}


def test_what_the_code_expects_is_mounted(pod: Document) -> None:
    """The directories of override, labels, socket and state, where the defaults look for them."""
    found = mounts(pod)
    override = found[str(Path(DEFAULTS.override.path).parent)]["configMap"]
    assert override == {"name": fleet.CONFIG_MAP, "optional": True, "defaultMode": 0o444}
    labels = found[str(Path(DEFAULT_LABELS_FILE).parent)]["downwardAPI"]["items"]
    assert labels == [
        {"path": Path(DEFAULT_LABELS_FILE).name, "fieldRef": {"fieldPath": "metadata.labels"}}
    ]
    assert found[str(Path(DEFAULTS.listen.admin).parent)]["emptyDir"]["medium"] == "Memory"
    assert "emptyDir" in found[str(Path(DEFAULTS.guard.state_file).parent)]
    assert "emptyDir" in found["/var/run/secrets/kubernetes.io/serviceaccount"]
    pod_name = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    assert pod_name in sidecar_of(pod)["env"]


def test_ports_and_probes(pod: Document, dark: list[Document]) -> None:
    """They ask the ops listener for pages that it has; the policy opens that port and no other."""
    sidecar = sidecar_of(pod)
    port = DEFAULTS.listen.ops.port
    assert sidecar["ports"] == [{"name": "zep-ops", "containerPort": port, "protocol": "TCP"}]
    pages = {
        name: sidecar[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }
    assert {page.pop("port") for page in pages.values()} == {"zep-ops"}
    assert pages == {
        "startup": {"path": "/startupz"},
        "readiness": {"path": "/readyz"},
        "liveness": {"path": "/livez"},
    }
    source = Path(Ops.handle.__code__.co_filename).read_text()
    assert all(f'"{page["path"]}"' in source for page in pages.values())
    [rule] = named(dark, "NetworkPolicy", "zep-sidecar-ops")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]


def test_the_cache_fits_into_the_memory(pod: Document, dark: list[Document]) -> None:
    """A quarter of the limit: 64 MiB of cache were killed at 128 MiB in a burst of large writes."""
    data = named(dark, "ConfigMap", "zep-sidecar-config")["data"]["config.yaml"]
    resources = sidecar_of(pod)["resources"]
    limit = int(resources["limits"]["memory"].removesuffix("Mi")) * 2**20
    assert load(data.encode(), {}).cache.max_bytes * 4 <= limit
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert "cpu" not in resources["limits"]


def test_the_policy_closes_no_port_of_a_worker_unasked(dark: list[Document]) -> None:
    """A policy closes what it does not open: it selects only pods that carry a second label."""
    selector = named(dark, "NetworkPolicy", "zep-sidecar-ops")["spec"]["podSelector"]["matchLabels"]
    assert selector == {
        "zep-sidecar.dev/inject": "true",
        "zep-sidecar.dev/restrict-ingress": "true",
    }
    for component in ("sidecar", "plain-sidecar"):
        assert "restrict-ingress" not in (K8S / "components" / component / "pod.yaml").read_text()


def test_an_override_survives_every_apply(dark: list[Document]) -> None:
    """Its ConfigMap has a fixed name and no data: what is not there, nothing reverts."""
    override = named(dark, "ConfigMap", fleet.CONFIG_MAP)
    assert override["metadata"]["name"] == fleet.CONFIG_MAP
    assert not {"data", "binaryData", "immutable"} & override.keys()
    assert zep_mode.CONFIG_MAP == fleet.CONFIG_MAP


def test_flags_and_configuration_roll_the_pods(dark: list[Document]) -> None:
    """A hash in the name, unlike the override's: both are read at start only."""
    for name in ("zep-sidecar-config", "zep-sidecar-flags"):
        assert named(dark, "ConfigMap", name)["metadata"]["name"] != name


def test_one_version(pod: Document) -> None:
    """The image's tag is the version of the package."""
    assert sidecar_of(pod)["image"] == f"zep-sidecar:{__version__}"
    for component in ("sidecar", "plain-sidecar"):
        text = (K8S / "components" / component / "kustomization.yaml").read_text()
        assert yaml.safe_load(text)["images"] == [{"name": "zep-sidecar", "newTag": __version__}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_keep_to_the_restricted_standard(
    rendered: dict[str, list[Document]], overlay: str
) -> None:
    """Pod Security "restricted", for each container by its own words; ours says who it runs as."""
    for template in pods(rendered[overlay]).values():
        spec = template["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        pod_level = spec.get("securityContext", {})
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            context = {**pod_level, **container["securityContext"]}
            assert context["runAsNonRoot"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert not any("hostPort" in port for port in container.get("ports", []))
        own = sidecar_of(template)["securityContext"]
        assert (own["runAsUser"], own["runAsGroup"], own["runAsNonRoot"]) == (65532, 65532, True)


def test_the_sidecar_outlives_its_worker(pod: Document) -> None:
    """No preStop, which would run beside the worker's SIGTERM; drain within the grace period."""
    assert "lifecycle" not in sidecar_of(pod)
    assert DEFAULTS.timeouts.drain + 8 < 30


def test_who_may_edit_may_edit_one_object(dark: list[Document]) -> None:
    """Four verbs on one name; to patch pods is a role of its own, and nobody is bound to either."""
    [rule] = named(dark, "Role", "zep-sidecar-override")["rules"]
    assert rule["resourceNames"] == [fleet.CONFIG_MAP]
    assert rule["resources"] == ["configmaps"]
    assert set(rule["verbs"]) == {"get", "watch", "update", "patch"}
    [rule] = named(dark, "Role", "zep-sidecar-refresh")["rules"]
    assert rule["resources"] == ["pods"]
    assert not any("Binding" in o["kind"] and "Policy" not in o["kind"] for o in dark)
    assert named(dark, "ServiceAccount", "zep-sidecar")["automountServiceAccountToken"] is False


def test_the_worker_is_told_where_the_sidecar_is(pod: Document) -> None:
    """The URL of the proxy, and that this traffic goes to no other proxy."""
    [worker] = pod["spec"]["containers"]
    environ = {entry["name"]: entry.get("value") for entry in worker["env"]}
    url = f"http://{DEFAULTS.listen.proxy}"
    assert environ["ZEP_API_URL"] == url
    assert f"ZEP_API_URL={url}" in base_urls(url)["zep-cloud 2.x and 3.x"]
    assert environ["NO_PROXY"] == environ["no_proxy"]
    assert DEFAULTS.listen.proxy.host in environ["NO_PROXY"].split(",")


def test_the_annotation_reaches_every_injected_pod(dark: list[Document]) -> None:
    """The label that `zep-sidecar override` selects by is on the pods, not only on workloads."""
    key, _, value = LABEL
    assert all(template["metadata"]["labels"][key] == value for template in pods(dark).values())


# --- names in texts -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_metrics_named_in_texts_exist(path: Path) -> None:
    """Manifests, rules, dashboards and pages name only metrics that the sidecar has."""
    _, body = Metrics(["email"]).render("")
    families = set(re.findall(r"^# TYPE (\w+) ", body.decode(), re.MULTILINE))
    families |= {f"{name}_{part}" for name in families for part in ("bucket", "count", "sum")}
    prefixes = r"memory_mode|memory_zep|zep_read|zep_sidecar"
    words = re.findall(rf"(?<![\w./-])(?:{prefixes})_\w+\b(?![\w./*:-])", path.read_text())
    families |= {"zep_sidecar_spool_"}
    assert [word for word in words if word not in families] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_named_in_texts_exist(path: Path) -> None:
    """Every ZEP_SIDECAR_SECTION__KEY is a key."""
    for section, key in re.findall(r"ZEP_SIDECAR_([A-Z]+)__([A-Z_]+)\b", path.read_text()):
        assert key.lower() in SECTIONS[section.lower()].__dataclass_fields__


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_manifests_and_containers_named_in_texts_exist(path: Path) -> None:
    """What an operator is told to apply, to edit or to look into."""
    text = path.read_text()
    places = re.findall(r"(?<![\w/])k8s/[\w./-]+", text)
    assert [place for place in places if not (ROOT / place.rstrip(".")).exists()] == []
    assert set(re.findall(r"kubectl exec .* -c (\S+)", text)) <= {"zep-sidecar"}
    assert set(re.findall(r"edit configmap ([\w-]+)", text)) <= {fleet.CONFIG_MAP}


def test_the_page_names_what_exists() -> None:
    """Labels, roles and configuration keys of docs/kubernetes.md."""
    page = PAGE.read_text()
    manifests = "".join(path.read_text() for path in K8S.rglob("*.yaml"))
    for label in set(re.findall(r"zep-sidecar\.dev/[a-z-]+", page)) - {fleet.REFRESH}:
        assert label in manifests, label
    for role in re.findall(r"--role[= ]([\w-]+)", page):
        assert f"name: {role}\n" in manifests
    for section, key in re.findall(r"`([a-z]+)\.([a-z_]+)`", page):
        if key == "yaml":
            continue
        assert key in Config.__dataclass_fields__[section].type.__dataclass_fields__  # type: ignore[union-attr]


def test_what_a_newcomer_copies_from_the_page_works(
    kustomize: tuple[str, ...], tmp_path: Path
) -> None:
    """Its two files, as they stand, give a Deployment with a sidecar from the registry."""
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == ["my-worker.yaml", "kustomization.yaml"]
    here = str(relative(ROOT, tmp_path))
    for name, text in blocks:
        (tmp_path / name).write_text(text.replace("zep-sidecar/k8s", f"{here}/k8s"))
    rendered = documents(build(kustomize, tmp_path))
    template = pods(rendered)["my-worker"]
    assert sidecar_of(template)["image"] == f"registry.example.com/zep-sidecar:{__version__}"
    assert sidecar_of(template)["restartPolicy"] == "Always"
    [worker] = template["spec"]["containers"]
    assert {"name": "ZEP_API_URL", "value": f"http://{DEFAULTS.listen.proxy}"} in worker["env"]
    assert named(rendered, "ValidatingAdmissionPolicy", fleet.CONFIG_MAP)


def overrides_in(path: Path) -> list[str]:
    """Return the arguments of each `zep-sidecar override` in a text."""
    commands = r"^(?:[# ]*|.*`)zep-sidecar (override --mode [^#`\n]*)"
    return list(dict.fromkeys(re.findall(commands, path.read_text(), re.MULTILINE)))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
async def test_overrides_named_in_texts_are_written(path: Path) -> None:
    """Every `zep-sidecar override` of pages and manifests is carried out, but for its --push."""
    for line in overrides_in(path):
        code, out, error = await run(*(word for word in shlex.split(line) if word != "--push"))
        assert (code, len(out.splitlines())) == (0, 2), error
