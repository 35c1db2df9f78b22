"""What a run has found: as a page of Markdown, and as a plot."""

import os
import platform
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.proxy import instructions
from bench.proxy.load import Latency, Slice

MIB = 1 << 20
NAIVE, ENVOY, OURS, PLAIN = "naive", "envoy", "sidecar", "sidecar, no redaction"
PASSED_ON, SHORT = "sidecar, cache off", "sidecar, write_only"


@dataclass
class Result:
    """The figures of a run; medians of interleaved rounds."""

    throughput: dict[tuple[str, int, str], Slice] = field(default_factory=dict)
    """By work, connections and target."""
    leaked: dict[tuple[str, str], int] = field(default_factory=dict)
    share: dict[tuple[str, str], float] = field(default_factory=dict)
    """Of the requests, how many reached the stub."""
    latency: dict[str, Latency] = field(default_factory=dict)
    blocking: dict[str, Latency] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    full_cache: float = 0.0
    sizes: dict[int, float] = field(default_factory=dict)
    threads: dict[int, float] = field(default_factory=dict)
    instructions: dict[str, dict[str, int]] = field(default_factory=dict)
    counted: dict[tuple[str, int], int] = field(default_factory=dict)
    """Instructions by what grows and how much there is of it."""


def page(result: Result) -> str:
    """Return the page."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield "# Speed of the sidecar, beside others\n"
    yield f"Written by `make bench` on {time.strftime('%Y-%m-%d')} ({_machine()}).\n"
    yield "One core for each proxy; stub upstream and load generator on other cores; plain HTTP."
    yield "Medians of interleaved rounds. Ratios within this page can be compared, absolute figures"
    yield "only with those of the same machine; a fifth more or less means nothing.\n"
    yield from _passing(result)
    yield from _posts(result)
    yield from _local(result)
    yield from _latencies(result)
    yield "\n## Memory and start\n"
    yield "| proxy | idle RSS, MB | start to first answer, s |\n|---|---|---|"
    for name, rss in result.idle.items():
        yield f"| {name} | {rss:.0f} | {result.start[name]:.2f} |"
    full = f"{result.full_cache:.0f} MB"
    yield f"\nThe sidecar with a full default cache (contexts of 6.5 KB): {full}."
    if result.sizes:
        yield "\n## Scaling\n"
        yield "| clean body | processor time per request, us | per KB |\n|---|---|---|"
        for size, cpu in result.sizes.items():
            yield f"| {size >> 10} KB | {cpu:.0f} | {cpu / (size / 1024):.1f} |"
        yield "\n| threads read in turn, cached | processor time per read, us |\n|---|---|"
        for threads, cpu in result.threads.items():
            yield f"| {threads} | {cpu:.0f} |"
    if result.instructions:
        yield "\n## Instructions per request\n"
        yield "User mode, counted by valgrind; the same to a percent on any machine."
        yield "The naive proxy has no cache: hits and short-circuited reads stand beside its GET.\n"
        yield from instructions.lines(result.instructions)
        yield "\n| what grows | how many | instructions per request |\n|---|---|---|"
        for (what, many), count in result.counted.items():
            yield f"| {what} | {many} | {count:,} |"


def _machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    build = "PGO" if "--enable-optimizations" in flags else "built without PGO"
    python = f"CPython {platform.python_version()}, {build}"
    return f"{os.cpu_count()} cores, {model}, Linux; {python}; aiohttp {version('aiohttp')}"


def _passing(result: Result) -> Iterator[str]:
    many = sorted({c for work, c, _ in result.throughput if work == "get"})
    names = {name for work, _, name in result.throughput if work == "get"}
    yield "## Reads that are passed on: GET, 1 KB\n"
    heads = "".join(f" rps, {c} conn. |" for c in many)
    yield f"| proxy |{heads} x naive (64) | x Envoy (64) | CPU us/request (64) |"
    yield "|---|" + "---|" * (len(many) + 3)
    base, envoy = result.throughput["get", 64, NAIVE], result.throughput["get", 64, ENVOY]
    for name in sorted(names, key=lambda name: -result.throughput["get", 64, name].rps):
        found = result.throughput["get", 64, name]
        cells = "".join(f" {result.throughput['get', c, name].rps:,.0f} |" for c in many)
        ratios = f" {found.rps / base.rps:.2f} | {found.rps / envoy.rps:.2f} |"
        yield f"| {name} |{cells}{ratios} {'' if name == 'direct' else f'{found.cpu:.0f}'} |"
    yield "\n`sidecar, cache off` passes every read on; `sidecar` also keeps every answer."


def _posts(result: Result) -> Iterator[str]:
    yield "\n## Writes, with redaction: POST, 64 connections\n"
    yield "| body | naive rps | sidecar rps | x naive | x without redaction | Envoy rps | leaked |"
    yield "|---|---|---|---|---|---|---|"
    for work in dict.fromkeys(w for w, _, _ in result.throughput if w.startswith("post")):
        naive, ours, plain, envoy = (
            result.throughput[work, 64, name].rps for name in (NAIVE, OURS, PLAIN, ENVOY)
        )
        yield (
            f"| {work[4:]} | {naive:,.0f} | {ours:,.0f} | {ours / naive:.2f} | {ours / plain:.2f} "
            f"| {envoy:,.0f} | {result.leaked[work, OURS]} |"
        )
    many = sorted({c for work, c, _ in result.throughput if work == "post4k"})
    if len(many) > 1:
        yield "\n| 4 KB, connections | naive rps | sidecar rps | x naive | Envoy rps |"
        yield "|---|---|---|---|---|"
        for c in many:
            naive, ours, envoy = (
                result.throughput["post4k", c, name].rps for name in (NAIVE, OURS, ENVOY)
            )
            yield f"| {c} | {naive:,.0f} | {ours:,.0f} | {ours / naive:.2f} | {envoy:,.0f} |"
    yield "\n`leaked`: bodies in which an e-mail address reached the stub through the sidecar."


def _local(result: Result) -> Iterator[str]:
    naive, envoy = result.throughput["get", 64, NAIVE].rps, result.throughput["get", 64, ENVOY].rps
    yield "\n## Reads that Zep is not asked: 64 connections\n"
    yield "| read | rps | x naive | x Envoy's pass-through | CPU us/request | reached the stub |"
    yield "|---|---|---|---|---|---|"
    for title, work, name in (
        ("cached, 100 threads", "hit", OURS),
        ("short-circuited, 100 threads", "hit", SHORT),
    ):
        found = result.throughput[work, 64, name]
        yield (
            f"| {title} | {found.rps:,.0f} | {found.rps / naive:.1f} | {found.rps / envoy:.1f} "
            f"| {found.cpu:.0f} | {result.share[work, name]:.1%} |"
        )


def _latencies(result: Result) -> Iterator[str]:
    yield "\n## Added latency at 200 reads per second\n"
    yield "| proxy | p50, us | p99, us | added p50 | added p99 |\n|---|---|---|---|---|"
    base = result.latency["direct"]
    for name, found in sorted(result.latency.items(), key=lambda item: item[1].p50):
        added = f"{found.p50 - base.p50:.0f} | {found.p99 - base.p99:.0f}"
        yield f"| {name} | {found.p50:.0f} | {found.p99:.0f} | {added} |"
    yield "\nCached reads at 100 per second while one client posts clean bodies back to back:\n"
    yield "| beside | p50, ms | p99, ms | p99 x quiet |\n|---|---|---|---|"
    quiet = result.blocking["quiet"]
    for name, found in result.blocking.items():
        ratio = found.p99 / quiet.p99
        yield f"| {name} | {found.p50 / 1e3:.2f} | {found.p99 / 1e3:.2f} | {ratio:.1f} |"


_BAR, _LEFT, _WIDTH = 26, 230, 420


def plot(result: Result) -> str:
    """Return a bar chart of throughput as SVG."""
    get = result.throughput
    bars = [
        ("sidecar: cached read", get["hit", 64, OURS].rps),
        ("sidecar: short-circuited read", get["hit", 64, SHORT].rps),
        ("Envoy: passed on", get["get", 64, ENVOY].rps),
        ("sidecar: passed on", get["get", 64, PASSED_ON].rps),
        ("sidecar: 4 KB write, redacted", get["post4k", 64, OURS].rps),
        ("naive proxy: passed on", get["get", 64, NAIVE].rps),
        ("naive proxy: 4 KB write, redacted", get["post4k", 64, NAIVE].rps),
        ("mitmdump: passed on", get["get", 64, "mitmdump"].rps),
    ]
    most = max(rps for _, rps in bars)
    height = _BAR * len(bars) + 34
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="720" height="{height}" fill="white"/>',
            '<text x="8" y="18">Requests per second on one core, 64 connections</text>',
            *(_bar(n, name, rps, rps / most) for n, (name, rps) in enumerate(bars)),
            "</svg>\n",
        ]
    )


def _bar(number: int, name: str, rps: float, share: float) -> str:
    top, width = 28 + number * _BAR, max(share * _WIDTH, 1)
    colour = "#2a6f97" if name.startswith("sidecar") else "#a9a9a9"
    return (
        f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{name}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="{_BAR - 6}" fill="{colour}"/>'
        f'<text x="{_LEFT + width + 6:.0f}" y="{top + 15}">{rps:,.0f}</text>'
    )
