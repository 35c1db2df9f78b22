"""`make bench`: the sidecar beside nginx, Envoy, mitmproxy and a naive proxy, in one run.

    python -m bench.proxy.run [--quick] [--name NAME]

Each proxy has one core, the stub and the load generator have others. Rounds are interleaved: a
noisy neighbour meets all of them. Needs nginx with Lua, wrk, and valgrind, all from Debian. The
full run takes about a quarter of an hour and writes docs/benchmarks/NAME.md and NAME.svg.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.proxy import instructions, report
from bench.proxy.load import Latency, Slice, at_rate, fill, flat_out, posting
from bench.proxy.processes import Awake
from bench.proxy.stub import Stub
from bench.proxy.targets import (
    ENVOY,
    MITMDUMP,
    NAIVE,
    NGINX,
    NO_CACHE,
    NO_REDACTION,
    ROOT,
    SIDECAR,
    WRITE_ONLY,
    Running,
    Target,
    direct,
)
from bench.proxy.traffic import WORKS, Work, messages

PASS_ON = (NGINX, ENVOY, MITMDUMP, NAIVE, NO_CACHE, SIDECAR)
POSTS = ("post400", "post4k", "post4k-pii", "post64k")
FULL_CACHE = 11_000
RATE = 200
SETTLE = 0.5  # seconds
SIZES = (1 << 10, 1 << 14, 1 << 18, 1 << 20, 1 << 22)


class Bench:
    """One run: what is measured, and how often."""

    def __init__(self, home: Path, *, quick: bool) -> None:
        self.home = home
        self.rounds = 2 if quick else 5
        self.starts = 2 if quick else 5
        self.connections = (1, 64) if quick else (1, 16, 64, 256)
        self.stub = Stub(home)
        self.result = report.Result()

    def close(self) -> None:
        """End the stub."""
        self.stub.process.stop()

    def start(self, target: Target) -> Running:
        """Start a proxy in front of the stub."""
        return target.start(self.home / target.name, self.stub.port)

    def flat_out(
        self, targets: Sequence[Target], works: Iterable[str], many: Iterable[int]
    ) -> None:
        """Measure throughput, interleaved, and whether personal data got through."""
        running = [self.start(target) for target in targets]
        if NGINX in targets:
            running.append(direct(self.stub.process, self.stub.port))
        for work in works:
            taken: dict[tuple[str, int], list[Slice]] = {}
            for _ in range(self.rounds):
                for target in random.sample(running, len(running)):
                    self._round(target, work, WORKS[work], many, taken)
            for (name, connections), slices in taken.items():
                medians = Slice(
                    *(statistics.median(values) for values in zip(*slices, strict=True))
                )
                self.result.throughput[work, connections, name] = medians
        for target in running:
            if target.name != "direct":
                target.process.stop()

    def _round(
        self,
        target: Running,
        name: str,
        work: Work,
        many: Iterable[int],
        taken: dict[tuple[str, int], list[Slice]],
    ) -> None:
        before = self.stub.counts()
        for connections in many:
            slice_ = flat_out(target, work, connections, 1, self.home)
            taken.setdefault((target.name, connections), []).append(slice_)
        # Requests under way when the load ended still arrive: they must not count for the next.
        time.sleep(SETTLE)
        after = self.stub.counts()
        leaked = after["leaked"] - before["leaked"]
        self.result.leaked[name, target.name] = leaked + self.result.leaked.get(
            (name, target.name), 0
        )
        asked = after["gets"] + after["posts"] - before["gets"] - before["posts"]
        served = sum(s[-1].rps for (t, _), s in taken.items() if t == target.name)
        self.result.share[name, target.name] = min(asked / max(served, 1), 1.0)

    def latency(self) -> None:
        """Measure what each proxy adds at a modest rate."""
        targets = [NGINX, ENVOY, NAIVE, NO_CACHE, SIDECAR]
        running = [self.start(t) for t in targets] + [direct(self.stub.process, self.stub.port)]
        taken: dict[str, list[Latency]] = {}
        with Awake():
            for _ in range(self.rounds):
                for target in random.sample(running, len(running)):
                    taken.setdefault(target.name, []).append(at_rate(target, "get", RATE, 2))
                    if target.name == SIDECAR.name:
                        hits = at_rate(target, "hit", RATE, 2)
                        taken.setdefault("sidecar, cached", []).append(hits)
        self.result.latency = {name: _medians(found) for name, found in taken.items()}
        for target in running[:-1]:
            target.process.stop()

    def blocking(self) -> None:
        """Measure cached reads while one client posts large bodies."""
        target = self.start(SIDECAR)
        taken: dict[str, list[Latency]] = {}
        with Awake():
            at_rate(target, "hit", 100, 2)
            for _ in range(self.rounds):
                for name, size in (("quiet", 0), ("64 KB posts", 1 << 16), ("1 MB posts", 1 << 20)):
                    client = posting(target, size, self.home) if size else None
                    taken.setdefault(name, []).append(at_rate(target, "hit", 100, 3))
                    if client:
                        client.stop()
        self.result.blocking = {name: _medians(found) for name, found in taken.items()}
        target.process.stop()

    def memory_and_start(self) -> None:
        """Measure memory, idle and with a full cache, and the time to the first answer."""
        for target in (NGINX, ENVOY, MITMDUMP, NAIVE, SIDECAR):
            took = []
            for number in range(self.starts + 1):
                running = self.start(target)
                if number:  # the first one warms the disk cache
                    took.append(running.started)
                time.sleep(0.3)
                self.result.idle[target.name] = running.process.rss()
                running.process.stop()
            self.result.start[target.name] = statistics.median(took)
        running = self.start(SIDECAR)
        fill(running, FULL_CACHE)
        self.result.full_cache = running.process.rss()
        running.process.stop()

    def scaling(self) -> None:
        """Measure cost against body size and threads in the cache."""
        running = self.start(SIDECAR)
        for size in SIZES:
            work = WORKS["post4k"]._replace(body=messages(size))
            slice_ = flat_out(running, work, 4, 2, self.home)
            self.result.sizes[size] = slice_.cpu
        for threads in (1, 100, 1000, 10_000):
            work = WORKS["hit"]._replace(threads=threads)
            flat_out(running, work, 64, 2, self.home)
            self.result.threads[threads] = flat_out(running, work, 64, 2, self.home).cpu
        running.process.stop()


def _medians(found: list[Latency]) -> Latency:
    return Latency(
        statistics.median(each.p50 for each in found),
        statistics.median(each.p99 for each in found),
        sum(each.errors for each in found),
    )


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of it, in three minutes")
    parser.add_argument("--name", default="", help="of the report; the default is no report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), quick=arguments.quick)
        try:
            bench.flat_out(PASS_ON, ["get"], bench.connections)
            targets = [NAIVE, ENVOY, SIDECAR, NO_REDACTION]
            bench.flat_out(targets, POSTS[1:3] if arguments.quick else POSTS, [64])
            bench.flat_out([SIDECAR, WRITE_ONLY], ["hit"], [64])
            if not arguments.quick:
                bench.flat_out([NAIVE, ENVOY, SIDECAR], ["post4k"], [1, 16, 256])
            bench.latency()
            bench.blocking()
            bench.memory_and_start()
            if not arguments.quick:
                bench.scaling()
                counted = Path(directory) / "counted"
                counted.mkdir()
                bench.result.instructions = instructions.table(counted)
                bench.result.counted = instructions.scaling(counted)
        finally:
            bench.close()
    page = report.page(bench.result)
    print(page)
    if arguments.name:
        out = ROOT / "docs" / "benchmarks"
        out.mkdir(exist_ok=True)
        (out / f"{arguments.name}.md").write_text(page + f"\n![Throughput]({arguments.name}.svg)\n")
        (out / f"{arguments.name}.svg").write_text(report.plot(bench.result))


if __name__ == "__main__":
    main()
