"""The programs that read manifests: each kubectl and kustomize that is found, pinned linters."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.sdk.environments import CACHE, clean, interpreter

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
OVERLAYS = sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml"))
REQUIREMENTS = Path(__file__).parent / "requirements"
OLDEST = (1, 27)  # the first kubectl whose kustomize, 5.0, knows all that these manifests use

Document = dict[str, Any]


def run(*command: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever it says."""
    return subprocess.run(
        list(map(str, command)),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=clean(),
        cwd=ROOT,
    )


def tool(name: str, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a pinned tool; `name` is that of its requirement file."""
    python = interpreter(name, REQUIREMENTS, CACHE.parent / "tools")
    return run(python.with_name(program), *arguments)


@cache
def kustomizers() -> dict[str, tuple[str, ...]]:
    """Return every command that builds a kustomization, by its version; the best is last.

    Beside a kubectl that dispatches, its versions stand under names such as kubectl.1.31.
    """
    places = [Path(place) for place in os.environ["PATH"].split(os.pathsep) if place]
    found = {path for place in places for path in place.glob("kubectl*")}
    for path in list(found):
        found.update(path.resolve().parent.glob("kubectl.1.*"))
    commands: dict[str, tuple[str, ...]] = {}
    for path in sorted({path.resolve() for path in found if os.access(path, os.X_OK)}):
        done = run(path, "version", "--client", "--output=yaml")
        if not done.returncode:
            version = yaml.safe_load(done.stdout)["clientVersion"]
            if (number := (int(version["major"]), int(version["minor"].rstrip("+")))) >= OLDEST:
                commands[f"kubectl {number[0]}.{number[1]}"] = (str(path), "kustomize")
    for path in (place / "kustomize" for place in places):
        if os.access(path, os.X_OK) and not (done := run(path, "version")).returncode:
            commands[f"kustomize {done.stdout.strip()}"] = (str(path), "build")
    return commands


def build(command: tuple[str, ...], directory: Path) -> str:
    """Return what a kustomization renders to."""
    done = run(*command, directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(text: str) -> list[Document]:
    """Parse manifests."""
    return [document for document in yaml.safe_load_all(text) if document]


def named(rendered: list[Document], kind: str, name: str) -> Document:
    """Return the one object with this kind, and this name or the hash of a generator behind it."""
    [found] = [
        each
        for each in rendered
        if each["kind"] == kind
        and re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", each["metadata"]["name"])
    ]
    return found


def pods(rendered: list[Document]) -> dict[str, Document]:
    """Return every pod template, by the name of its workload."""
    found = {}
    for document in rendered:
        spec = document.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec") or spec
        if "template" in spec:
            found[document["metadata"]["name"]] = spec["template"]
    return found


def sidecar_of(template: Document) -> Document:
    """Return the sidecar's container of a pod template."""
    spec = template["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    [found] = [container for container in containers if container["name"] == "zep-sidecar"]
    return dict(found)
