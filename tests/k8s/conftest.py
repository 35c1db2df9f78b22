"""Rendered manifests."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .tools import K8S, OVERLAYS, Document, build, documents, kustomizers

Render = Callable[..., list[Document]]


@pytest.fixture(scope="session")
def kustomize() -> tuple[str, ...]:
    """The best command that builds kustomizations."""
    if not (found := kustomizers()):
        pytest.skip("neither kubectl 1.27 or newer, nor kustomize, is installed")
    return list(found.values())[-1]


@pytest.fixture(scope="session")
def overlays(kustomize: tuple[str, ...]) -> dict[str, str]:
    """Every overlay as it is rendered."""
    return {name: build(kustomize, K8S / "overlays" / name) for name in OVERLAYS}


@pytest.fixture(scope="session")
def rendered(overlays: dict[str, str]) -> dict[str, list[Document]]:
    """Every overlay as its objects."""
    return {name: documents(text) for name, text in overlays.items()}


@pytest.fixture
def render(kustomize: tuple[str, ...], tmp_path: Path) -> Render:
    """Give a function that renders workers of one's own, with base and the named components."""

    def one(workers: list[Document], *components: str, **more: object) -> list[Document]:
        (tmp_path / "workers.yaml").write_text(yaml.safe_dump_all(workers))
        kustomization = {
            "resources": ["workers.yaml", str(relative(K8S / "base", tmp_path))],
            "components": [str(relative(K8S / "components" / c, tmp_path)) for c in components],
            **more,
        }
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return documents(build(kustomize, tmp_path))

    return one


def relative(target: Path, start: Path) -> Path:
    """Return a path that kustomize takes, which wants relative ones."""
    up = [".."] * (len(start.resolve().parts) - 1)
    return Path(*up, *target.resolve().parts[1:])
