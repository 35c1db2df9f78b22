"""Virtual environments that hold one real SDK, or one tool, each, built on first use and kept.

An environment's name carries the hash of its requirement file, so a changed pin builds a new one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
CACHE = Path(__file__).parents[2] / ".cache" / "sdk"


def interpreter(name: str, requirements: Path = REQUIREMENTS, cache: Path = CACHE) -> Path:
    """Return the interpreter of the environment for `name`, building it if it is missing."""
    pins = requirements / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(version.encode() + pins.read_bytes()).hexdigest()[:12]
    home = cache / f"{name}-{digest}"
    python = home / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{home.name}.lock").open("w") as lock:
        # Test processes share the cache: one builds, the others wait here.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            build(home, python, pins)
            (home / "complete").touch()
    return python


def build(home: Path, python: Path, pins: Path) -> None:
    """Create the environment and install exactly the pinned, hashed files."""
    # With our own pip, and byte code only for what is imported: half the time.
    make = ["-m", "venv", "--without-pip", str(home)]
    install = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
    for command in (make, [*install, "--require-hashes", "-r", str(pins)]):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, env=own(), check=False
        )
        if done.returncode:
            message = f"python {' '.join(command)} failed:\n{done.stdout}{done.stderr}"
            raise RuntimeError(message)


def own() -> dict[str, str]:
    """Return this process's environment without what would change another interpreter."""
    unwanted = ("PYTHON", "VIRTUAL_ENV", "COVERAGE")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def clean() -> dict[str, str]:
    """Return own() without what would change an SDK or a sidecar."""
    # The SDKs' HTTP client trusts the environment: loopback traffic must not leave by a proxy.
    return {
        name: value
        for name, value in own().items()
        if not name.startswith(("ZEP_", "FLAG_ZEP_")) and not name.lower().endswith("_proxy")
    }
