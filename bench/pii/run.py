"""Runs the peers over the data: each in an environment and a process of its own.

The environments stand under `.cache/pii-peers` and are built on first use, each from a file in
`requirements`. For another release such a file is made by

    echo pyap==0.3.1 | uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header - -o bench/pii/requirements/pyap.txt
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sidecar
from bench.pii.peers import PEERS, Peer
from bench.pii.score import Message, Result, load
from tests.sdk.environments import build, clean

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REQUIREMENTS = HERE / "requirements"
CACHE = ROOT / ".cache" / "pii-peers"
LIMIT = 300
"""Seconds that one peer may take for all messages."""

CHAT, WILD, SYNTHETIC = "chat", "wild", "presidio_synth"
FILES = {  # chat comes last: by then every redactor has loaded what it loads on first use
    SYNTHETIC: ("presidio_synth_v2",),
    WILD: ("wild_addresses_dev",),
    CHAT: ("dev/positives", "dev/negatives", "devbig/positives", "devbig/negatives"),
}
Sets = Mapping[str, list[Message]]


@dataclass
class Run:
    """What one peer did: its findings by set and its times on chat, or why there are none."""

    peer: Peer
    version: str = ""
    results: dict[str, list[Result]] = field(default_factory=dict)
    ms: list[float] = field(default_factory=list)
    failure: str = ""


def load_sets() -> Sets:
    """Read all data; an id says its directory first, since dev and devbig repeat ids."""
    return {
        name: [
            message
            for file in files
            for message in load(HERE / "data" / f"{file}.jsonl", file[: file.rfind("/") + 1])
        ]
        for name, files in FILES.items()
    }


def run(name: str, sets: Sets) -> Run:
    """Run one peer over all sets; what goes wrong is told in the answer, not raised."""
    peer = PEERS[name]
    try:
        python = interpreter(peer.package)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return Run(peer, failure="cannot be installed here")
    texts = [(message.text, message.lang) for of_set in sets.values() for message in of_set]
    print(f"running {peer.title} ...", file=sys.stderr)
    try:
        answer = ask(python, name, texts)
    except subprocess.TimeoutExpired:
        return Run(peer, failure=f"not done in {LIMIT} s")
    except subprocess.CalledProcessError:
        return Run(peer, failure="fails")
    found = iter(answer["found"])
    results = {
        name_of_set: [Result(message, [tuple(f) for f in next(found)]) for message in of_set]
        for name_of_set, of_set in sets.items()
    }
    version = answer["version"] or (sidecar.__version__ if name.startswith("ours") else "")
    return Run(peer, version, results, answer["ms"][-len(sets[CHAT]) :])


def ask(python: Path, name: str, texts: list[tuple[str, str]]) -> Any:
    """Return what `bench.pii.peers` answers in a process of its own; raises what that raises."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out.json"
        subprocess.run(
            [str(python), "-m", "bench.pii.peers", name, str(out)],
            input=json.dumps(texts),
            text=True,
            stdout=sys.stderr,  # a peer's own prints have no place in the report
            cwd=ROOT,
            env=clean(),
            timeout=LIMIT,
            check=True,
        )
        return json.loads(out.read_text())


def interpreter(package: str) -> Path:
    """Return the interpreter of the environment for a peer, building it if it is missing.

    Raises RuntimeError if it cannot be built. Without a package it is the one that runs this.
    """
    if not package:
        return Path(sys.executable)
    pins = REQUIREMENTS / f"{package}.txt"
    digest = hashlib.sha256(sys.version.encode() + pins.read_bytes()).hexdigest()[:12]
    home = CACHE / f"{package}-{digest}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"installing {package} ...", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        build(home, python, pins)
        (home / "complete").touch()
    return python
