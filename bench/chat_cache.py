"""The context cache under replayed chats: hit ratio, memory, and the longest call.

    python -m bench.chat_cache

A turn of a chat is a write (the user's message), k reads of the thread's context, and a write (the
assistant's answer). 500 threads take turns, some far more often than others (Zipf, exponent 1.1).
Time is simulated; Zep answers a read at once. No network.
"""

import gc
import itertools
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sidecar.core.cache import SWEEP, Cache, Limits, OnWrite, State, Value
from sidecar.core.cache_key import Lesson, of_credential, tag

THREADS, TURNS = 500, 20_000
TURNS_PER_SECOND = 10.0
# Seconds into a turn: the first read, the time between reads, and the assistant's answer.
FIRST_READ, BETWEEN_READS, ANSWER = 0.05, 0.3, 3.0
KEYS = 1_000_000
CREDENTIAL = of_credential("c")
MIB = 1 << 20


def key(number: int) -> bytes:
    """Return a key."""
    return number.to_bytes(32, "big")


def answer(random_: random.Random) -> Value:
    """Return an answer of Zep: 6 KB in the mean, a few much larger."""
    size = min(int(random_.lognormvariate(8.3, 0.9)), 256 * 1024)
    return Value(random_.randbytes(size), b"application/json")


def chats(reads: int, random_: random.Random) -> list[tuple[float, str, int]]:
    """Return the events of all turns in order: instant, kind, thread."""
    weights = list(itertools.accumulate((n + 1) ** -1.1 for n in range(THREADS)))
    events, now = [], 0.0
    for _ in range(TURNS):
        now += random_.expovariate(TURNS_PER_SECOND)
        thread = random_.choices(range(THREADS), cum_weights=weights)[0]
        events.append((now, "write", thread))
        first = now + FIRST_READ
        events += [(first + n * BETWEEN_READS, "read", thread) for n in range(reads)]
        events.append((now + ANSWER, "write", thread))
    return sorted(events)


def hit_ratio(on_write: OnWrite, reads: int) -> float:
    """Replay the chats and return hits of all reads."""
    random_ = random.Random(1)
    cache = Cache(Limits(on_write=on_write))
    value = Value(b"x" * 2000, b"application/json")
    hits = total = 0
    for now, kind, thread in chats(reads, random_):
        tags = frozenset({tag("thread", str(thread)), CREDENTIAL})
        if kind == "write":
            cache.bump(tags - {CREDENTIAL}, now)
            continue
        found = cache.lookup(key(thread), now)
        total += 1
        hits += found is not None and found.state in (State.FRESH, State.GRACE)
        if not found or found.state is not State.FRESH:
            cache.store(key(thread), tags, value, cache.snapshot(now), now)
    return hits / total


class Stopwatch:
    """Runs calls, and keeps the longest time that one took.

    It is time of this thread's: what others do on the machine does not count.
    """

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}

    def __call__(self, name: str, call: Callable[[], object]) -> None:
        """Run a call under a name."""
        began = time.thread_time()
        call()
        took = time.thread_time() - began
        self.worst[name] = max(self.worst.get(name, 0.0), took)


def resident() -> float:
    """Return the memory of this process in MiB."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / MIB
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (MIB if sys.platform == "darwin" else 1024)


def fill(
    cache: Cache, watch: Stopwatch, numbers: Iterable[int], values: list[Value]
) -> Iterator[None]:
    """Store and write as much as a pod does in weeks: each thread has its user and its graph."""
    for number in numbers:
        now = number / 1000
        thread, user = tag("thread", str(number)), tag("user", str(number % 50_000))
        lesson = Lesson(thread, frozenset({user, tag("graph", str(number))}))
        value = values[number % 200]
        copy = value._replace(body=value.body[:1] + value.body[1:])  # bytes of its own
        watch("learn", lambda lesson=lesson: cache.learn(lesson))  # type: ignore[misc]
        watch(
            "store",
            lambda n=number, v=copy, t=thread, now=now: cache.store(  # type: ignore[misc]
                key(n), frozenset({t, CREDENTIAL}), v, cache.snapshot(now), now
            ),
        )
        watch("write", lambda t=thread, now=now: cache.bump(frozenset({t}), now))  # type: ignore[misc]
        if number % 1000 == 0:
            watch("sweep", lambda now=now: cache.sweep(now))  # type: ignore[misc]
        yield


def memory() -> None:
    """Print how much memory a million keys take, and how long the longest call was."""
    limits, watch = Limits(), Stopwatch()
    cache = Cache(limits)
    random_ = random.Random(2)
    values = [answer(random_) for _ in range(200)]
    gc.collect()
    before, most = resident(), 0.0
    for number, _ in enumerate(fill(cache, watch, range(KEYS), values)):
        if number % 20_000 == 0:
            most = max(most, resident() - before)
    most = max(most, resident() - before)
    bound = limits.max_bytes / MIB
    print(f"\n{KEYS:,} distinct keys: {most:.0f} MiB more, {most / bound - 1:+.0%} of max_bytes")
    print(f"  {len(cache):,} entries, {cache.bytes / MIB:.1f} MiB charged")
    full = range(KEYS, KEYS + 20_000)
    for name, call in (
        ("write of everything", lambda: cache.bump(frozenset({CREDENTIAL}), 1000.0)),
        ("erasure of everything", lambda: cache.purge(frozenset({CREDENTIAL}))),
        ("mode off", cache.clear),
    ):
        for _ in fill(cache, watch, full, values):
            pass
        watch(name, call)
    print("longest call, in ms:")
    for name, took in watch.worst.items():
        print(f"  {name:22} {took * 1000:6.2f}")


def expiry() -> None:
    """Print how long sweeps stop the loop where 100,000 entries have expired (case 59)."""
    watch = Stopwatch()
    cache = Cache(Limits(max_entries=100_000, max_bytes=1 << 30))
    for number in range(100_000):
        tags = frozenset({tag("thread", str(number)), CREDENTIAL})
        cache.store(key(number), tags, Value(b"x" * 1000, b""), cache.snapshot(0.0), 0.0)
    sweeps = 0
    while len(cache):
        watch("sweep", lambda: cache.sweep(1000.0))
        sweeps += 1
    worst = watch.worst["sweep"] * 1000
    print(f"\n100,000 expired entries: {sweeps} sweeps of {SWEEP}, the longest {worst:.2f} ms")


def main() -> None:
    """Print it all."""
    print(f"Hit ratio: {THREADS} threads, {TURNS:,} turns, a write before and after k reads\n")
    print("invalidate_on_write " + "".join(f"   k={k}" for k in range(1, 6)))
    for on_write in OnWrite:
        ratios = [hit_ratio(on_write, k) for k in range(1, 6)]
        print(f"{on_write.value:19} " + "".join(f"{ratio:6.0%}" for ratio in ratios))
    memory()
    expiry()


if __name__ == "__main__":
    main()
