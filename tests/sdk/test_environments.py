"""The environments of the SDKs are pinned to the byte."""

import re
from pathlib import Path

import pytest

from .environments import REQUIREMENTS, clean, own

FILES = sorted(REQUIREMENTS.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_pin_has_a_hash_and_no_file_names_a_host(file: Path) -> None:
    """Each requirement is an exact version with hashes; the SDK's own pin is the file's name."""
    text = file.read_text()
    pins = re.findall(r"^([a-z0-9-]+==[\w.]+)", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert file.stem.rsplit("-", 1) in [pin.split("==") for pin in pins]
    assert len(entries) == len(pins)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index" not in text


def test_an_sdk_gets_no_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables for Zep and for proxies do not reach a driver; those for a proxy reach pip."""
    for name in ("ZEP_API_URL", "FLAG_ZEP_READ", "HTTP_PROXY", "https_proxy", "PYTHONPATH"):
        monkeypatch.setenv(name, "x")
    assert not {"ZEP_API_URL", "FLAG_ZEP_READ", "HTTP_PROXY", "https_proxy"} & clean().keys()
    assert "PYTHONPATH" not in own()
    assert "HTTP_PROXY" in own()
