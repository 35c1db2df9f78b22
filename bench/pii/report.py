"""`make pii-report`: measure every peer, print the tables and write them to docs/pii-report.md.

`python -m bench.pii.report misses` lists instead what our own redactor gets wrong, with ids.

Each set of peers lives in an environment of its own under `.cache/pii-peers`, built on first use
from a file in `requirements`. Such a file is made by (for another release, another version):

    echo pyap==0.3.1 | uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header - -o bench/pii/requirements/pyap.txt
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sidecar
from bench.pii.peers import PEERS, Peer
from bench.pii.score import (
    DEFAULT,
    Mark,
    Message,
    Result,
    collateral,
    false_positives,
    leak,
    leaks,
    load,
    percentile,
    redacted,
)
from tests.sdk.environments import build, clean

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "pii-report.md"
CACHE = ROOT / ".cache" / "pii-peers"
LIMIT = 300
"""Seconds that one peer may take for all messages."""

CHAT, WILD, SYNTHETIC = "chat", "wild", "presidio_synth"
FILES = {  # chat comes last: by then every redactor has loaded what it loads on first use
    SYNTHETIC: ("presidio_synth_v2",),
    WILD: ("wild_addresses_dev",),
    CHAT: ("dev/positives", "dev/negatives", "devbig/positives", "devbig/negatives"),
}


@dataclass
class Run:
    """What one peer did: its findings by set and its times on chat, or why there are none."""

    peer: Peer
    version: str = ""
    results: dict[str, list[Result]] = field(default_factory=dict)
    ms: list[float] = field(default_factory=list)
    failure: str = ""


Column = tuple[str, Callable[[Run], str]]


def interpreter(package: str) -> Path:
    """Return the interpreter of the environment for a peer, building it if it is missing."""
    if not package:
        return Path(sys.executable)
    pins = HERE / "requirements" / f"{package}.txt"
    digest = hashlib.sha256(sys.version.encode() + pins.read_bytes()).hexdigest()[:12]
    home = CACHE / f"{package}-{digest}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"installing {package} ...", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        build(home, python, pins)
        (home / "complete").touch()
    return python


def measure(name: str, peer: Peer, sets: dict[str, list[Message]]) -> Run:
    """Run one peer in a process of its own; what goes wrong is told in its run, not raised."""
    messages = [message for of_set in sets.values() for message in of_set]
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out.json"
        try:
            command = [interpreter(peer.package), "-m", "bench.pii.peers", name, out]
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return Run(peer, failure="cannot be installed here")
        print(f"running {peer.title} ...", file=sys.stderr)
        texts = json.dumps([(message.text, message.lang) for message in messages])
        try:
            subprocess.run(
                command, input=texts, text=True, cwd=ROOT, env=clean(), timeout=LIMIT, check=True
            )
        except subprocess.TimeoutExpired:
            return Run(peer, failure=f"not done in {LIMIT} s")
        except subprocess.CalledProcessError:
            return Run(peer, failure="fails")
        answer = json.loads(out.read_text())
    run = Run(peer, answer["version"], ms=answer["ms"][-len(sets[CHAT]) :])
    found = iter(answer["found"])
    for name_of_set, of_set in sets.items():
        run.results[name_of_set] = [
            Result(message, [(start, end, type_) for start, end, type_ in next(found)])
            for message in of_set
        ]
    return run


def leak_column(
    sets: dict[str, list[Message]],
    name: str,
    title: str,
    type_: str,
    where: Callable[[Message, Mark], bool] = lambda message, mark: True,
) -> Column:
    """Return the column with the leak of a type in a set; its title says of how many values."""

    def counts(message: Message, mark: Mark) -> bool:
        return mark.type == type_ and where(message, mark)

    def cell(run: Run) -> str:
        return str(leak(run.results[name], counts)) if type_ in run.peer.types else "–"

    number = sum(counts(message, mark) for message in sets[name] for mark in message.marks)
    return f"{title} ({number})", cell


def harm_columns(name: str) -> list[Column]:
    """Return the columns with what is redacted wrongly in a set."""
    return [
        ("FP any", lambda run: str(false_positives(run.results[name]))),
        ("FP e/p/a", lambda run: str(false_positives(run.results[name], DEFAULT))),
        ("collateral", lambda run: str(collateral(run.results[name]))),
    ]


def speed_columns(messages: Sequence[Message]) -> list[Column]:
    """Return the columns with times per message; a first look at each, on one core."""
    megabytes = sum(len(message.text.encode()) for message in messages) / 1e6
    return [
        ("p50 ms", lambda run: f"{percentile(run.ms, 50):.2f}"),
        ("p99 ms", lambda run: f"{percentile(run.ms, 99):.2f}"),
        ("MB/s", lambda run: f"{megabytes / sum(run.ms) * 1000:.2f}"),
    ]


def tables(sets: dict[str, list[Message]]) -> Iterator[tuple[str, list[Column]]]:
    """Yield each table's heading and columns."""

    def tier(name: str) -> Callable[[Message, Mark], bool]:
        return lambda message, mark: mark.tier == name

    def country(name: str) -> Callable[[Message, Mark], bool]:
        return lambda message, mark: mark.format.startswith(name + ":")

    def lang(name: str) -> Callable[[Message, Mark], bool]:
        return lambda message, mark: message.lang == name

    def source(name: str) -> Callable[[Message, Mark], bool]:
        return lambda message, mark: message.source == name

    yield (
        "## Chat messages\n\nOverall",
        [
            leak_column(sets, CHAT, "e-mail", "EMAIL"),
            leak_column(sets, CHAT, "phone", "PHONE"),
            leak_column(sets, CHAT, "address", "ADDRESS"),
            *harm_columns(CHAT),
            *speed_columns(sets[CHAT]),
        ],
    )
    yield (
        "E-mail and phone: in plain and in hard forms; phone by the number's country",
        [
            *(leak_column(sets, CHAT, f"e-mail {t}", "EMAIL", tier(t)) for t in ("plain", "hard")),
            *(leak_column(sets, CHAT, f"phone {t}", "PHONE", tier(t)) for t in ("plain", "hard")),
            *(
                leak_column(sets, CHAT, c, "PHONE", country(c))
                for c in ("us", "tr", "uk", "de", "fr", "es")
            ),
        ],
    )
    yield (
        "Address by language (en is American, uk British)",
        [
            leak_column(sets, CHAT, c, "ADDRESS", lang(c))
            for c in ("en", "tr", "uk", "de", "fr", "es")
        ],
    )
    extras = {"ID": "national id", "IBAN": "IBAN", "IP": "IP", "SSN": "SSN", "SECRET": "secret"}
    yield (
        "What is redacted on request",
        [leak_column(sets, CHAT, title, type_) for type_, title in extras.items()],
    )
    sources = sorted({message.source for message in sets[WILD]})
    yield (
        "## Public addresses, written by others\n\nAll, and by where they come from",
        [
            leak_column(sets, WILD, "address", "ADDRESS"),
            *(leak_column(sets, WILD, s, "ADDRESS", source(s)) for s in sources),
            harm_columns(WILD)[-1],
        ],
    )
    yield (
        "## Presidio's synthetic sentences\n\nThe types that it marks",
        [
            *(
                leak_column(sets, SYNTHETIC, t, t)
                for t in ("EMAIL", "PHONE", "ADDRESS", "CARD", "IBAN", "IP", "SSN")
            ),
            *harm_columns(SYNTHETIC),
        ],
    )


def rendered(columns: list[Column], runs: list[Run]) -> str:
    """Return a Markdown table that is also aligned for a terminal."""
    rows = [["", *(title for title, _ in columns)]]
    for run in runs:
        cells = [run.failure, *[""] * (len(columns) - 1)]
        if not run.failure:
            cells = [cell(run) for _, cell in columns]
        rows.append([run.peer.title, *cells])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in [rows[0], rule, *rows[1:]]
    )


INTRO = """\
# How much leaves: our redactor beside others

Written by `make pii-report` on {date}; run it to do it again (the first run installs the peers).

**Read the figures of zep-sidecar as the best case.** Its rules were written with all three sets in
view; on messages it has not seen it leaves more. The peers have not seen them. The sets and their
licences are described in [bench/pii/data](../bench/pii/data/README.md).

All figures but times are percentages, and less is better; in brackets stands how many values.

- **Columns named after a type: leak.** The share of values of which at least one letter or digit is
  left. It does not matter as what it was redacted. A dash: the redactor is not made for this type.
- **FP any**: the share of messages without personal data that are altered at all; **FP e/p/a**: by
  something taken for an e-mail address, phone number or address.
- **collateral**: the share of messages with personal data in which a letter or digit outside it is
  redacted. Names and the like count neither as personal data nor as damage.
- **p50, p99, MB/s**: per message, chat set, one core, each message seen for the first time. Machines
  are noisy: a fifth more or less means nothing.

Machine: {machine}.

| redactor | version | as it was used |
|---|---|---|
{peers}
"""

USED = {
    "ours_default": "the default policy: e-mail, phone, address",
    "ours_all": "every type of `redaction.extra` switched on",
    "presidio_default": "the recognizers it loads by itself for English, without a language model",
    "presidio_tuned": "e-mail, phone for the six regions, IBAN, card, IP, SSN, and national ids and "
    "postcodes for these countries; no language model",
    "scrubadub": "its default detectors, told the locale of each message",
    "phonenumbers": "its matcher, once for each of the six regions",
    "pyap": "its rules for Britain or, but for British messages, for both Britain and the US",
    "three_regexes": "one for each of e-mail, phone and address, as one writes them in ten minutes",
}


def page(sets: dict[str, list[Message]], runs: dict[str, Run]) -> str:
    """Return the whole report."""
    peers = (
        f"| {run.peer.title} | {run.version or run.failure or '–'} | {USED[name]} |"
        for name, run in runs.items()
    )
    intro = INTRO.format(date=time.strftime("%Y-%m-%d"), machine=machine(), peers="\n".join(peers))
    parts = [
        f"{heading}:\n\n{rendered(columns, list(runs.values()))}\n"
        for heading, columns in tables(sets)
    ]
    return "\n".join([intro, *parts])


def machine() -> str:
    """Return what the times were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def misses(sets: dict[str, list[Message]]) -> None:
    """Print what our redactor gets wrong: leaks, false positives and collateral, with ids."""
    run = measure("ours_all", PEERS["ours_all"], sets)
    for name, results in run.results.items():
        for result in results:
            message, gone = result.message, redacted(result)
            text = message.text
            for mark in leaks(result):
                value = "".join(text[i] if i not in gone else "_" for i in range(*mark[:2]))
                print(f"{name} {message.id} leak {mark.type} {mark.format}: {value!r}")
            harmed = gone.difference(*(range(*mark[:2]) for mark in message.marks))
            for start, end, type_ in result.found:
                if not harmed.isdisjoint(range(start, end)):
                    around = text[max(0, start - 20) : end + 20]
                    print(f"{name} {message.id} damage {type_}: {text[start:end]!r} in {around!r}")


def main() -> None:
    """Write the report, or with `misses` print what to mend."""
    sets = {
        name: [
            message
            for file in files
            for message in load(HERE / "data" / f"{file}.jsonl", file.rpartition("/")[0] + "/")
        ]
        for name, files in FILES.items()
    }
    if sys.argv[1:] == ["misses"]:
        return misses(sets)
    runs = {name: measure(name, peer, sets) for name, peer in PEERS.items()}
    for name in ("ours_default", "ours_all"):
        runs[name].version = sidecar.__version__
    report = page(sets, runs)
    print(report)
    PAGE.write_text(report)
    return None


if __name__ == "__main__":
    main()
