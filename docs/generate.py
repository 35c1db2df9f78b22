"""Writes the files that follow from the code; `--check` fails when one is out of date."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dashboard

from sidecar.config import SECTIONS
from sidecar.redact import Policy
from sidecar.redact.fold import Fold
from sidecar.redact.gate import PLAIN
from sidecar.runtime.metrics import Metrics

HERE = Path(__file__).parent


CONFIG = """\
# Configuration

Generated from `sidecar/config.py`. One YAML file; unknown keys are errors; times are in seconds,
sizes in bytes. `zep-sidecar check` names every problem with its key and line.

Any key can be set from the environment, which beats the file, as `ZEP_SIDECAR_<SECTION>__<KEY>`,
for example `ZEP_SIDECAR_UPSTREAM__URL`; lists and mappings in YAML. `FLAG_ZEP_WRITE` and
`FLAG_ZEP_READ` set `flags.write` and `flags.read`."""

METRICS = """\
# Metrics

Generated from `sidecar/runtime/metrics.py`. Served on the ops listener at `/metrics`, as
Prometheus text or, where the scraper asks for it, OpenMetrics. Every label value exists at 0 from
the start. No label ever holds an id, a path or free text. `docs/observability.md` says which of
them answers which question.

| name | type | labels | meaning |
|---|---|---|---|"""
OF_THIS_POD = ("version", "python", "hash", "mode", "state")
PROCESS = """\
| `process_*` | | | what every Prometheus client tells of its process: CPU, memory, descriptors |"""


def config_page() -> Iterator[str]:
    """Yield the lines of the configuration page."""
    yield CONFIG
    for section, cls in SECTIONS.items():
        yield f"\n## {section}\n\n{(cls.__doc__ or '').strip()}"
        yield "\n| key | default | meaning |\n|---|---|---|"
        for field in dataclasses.fields(cls):
            default = shown(field.metadata["default"])
            yield f"| `{field.name}` | {default} | {field.metadata['doc']} |"


def shown(value: object) -> str:
    """Return a default as one would write it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, Mapping):
        return "`{}`"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def metrics_page() -> Iterator[str]:
    """Yield the lines of the metrics page."""
    yield METRICS
    for family in Metrics(sorted(Policy().types)).families():
        if family.name.startswith("process_"):  # what the host can tell
            continue
        labels: dict[str, dict[str, None]] = {}
        for sample in family.samples:
            for label, value in sample.labels.items():
                labels.setdefault(label, {})[f"`{value}`"] = None
        described = "; ".join(
            f"`{label}`" + ("" if label in OF_THIS_POD else " = " + " ".join(values))
            for label, values in labels.items()
        )
        name = family.name + ("_total" if family.type == "counter" else "")
        yield f"| `{name}` | {family.type} | {described} | {family.documentation} |"
    yield PROCESS


def disguises() -> Iterator[str]:
    """Yield the ranges of characters that the fold turns into ASCII, or drops.

    The gate needs them at every start, and to find them takes a third of a second.
    """
    fold = Fold()
    first = last = -2
    for codepoint in [*range(0x80, 0xD800), *range(0xE000, 0x110000)]:
        char = chr(codepoint)
        data = fold(f"a{char}a").data[1:-1]
        if char not in PLAIN and (not data or data[0] < 0x80):
            if codepoint != last + 1:
                if first > 0:
                    yield f"{first:x}-{last:x}"
                first = codepoint
            last = codepoint
    yield f"{first:x}-{last:x}"


def main() -> int:
    """Write the files, or only compare them."""
    pages = {
        "config.md": config_page,
        "metrics.md": metrics_page,
        "dashboard.md": dashboard.page,
        "../k8s/components/monitoring/dashboard.json": dashboard.json_lines,
        "../sidecar/redact/data/disguises.txt": disguises,
    }
    stale = []
    for name, page in pages.items():
        text = "\n".join(page()) + "\n"
        path = HERE / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"stale: {', '.join(stale)}; run `make docs`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
