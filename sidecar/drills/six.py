"""The six drills, as data: a title, what must be so for them, and steps that look and tell."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from sidecar.core.modes import base_mode
from sidecar.drills.lab import (
    HOLD,
    WRONG_KEY,
    Check,
    Lab,
    LabError,
    Scrape,
    equal,
    skipped,
    started,
)
from sidecar.drills.promised import PROMISED, missing, not_zero
from sidecar.rehearsal import Answer
from sidecar.standin import Fault

Checks = AsyncGenerator[Check, None]
Status = dict[str, Any]

# The gates of the rollout, in seconds.
READ_P95, HIT, ADDED = 0.250, 0.010, 0.100
SAMPLES = 20
FORCE_TTL = 3  # seconds
LONGEST = 30  # seconds that a drill waits for a hold to end
_REAL = "failures cannot be injected into a real Zep"


@dataclass(frozen=True)
class Step:
    """One thing to do, and what is looked at then. The first failed check ends the drill."""

    title: str
    do: Callable[[Lab], Checks]


@dataclass(frozen=True)
class Drill:
    """One drill; `lacks` says what it lacks to be run at all in a sidecar of this status."""

    number: int
    title: str
    lacks: Callable[[Status], str]
    steps: tuple[Step, ...]


def nothing(_: Status) -> str:
    """Lack nothing."""
    return ""


def writes(status: Status) -> str:
    """Lack writes."""
    return "" if status["gauge"] else "nothing is forwarded: the mode is off"


def reads(status: Status) -> str:
    """Lack reads."""
    mode = status["effective"]
    return "" if mode == "read_write" else f"reads are off: the mode is {mode}"


def cached_reads(status: Status) -> str:
    """Lack reads or the cache."""
    return reads(status) or ("" if status["cache"]["enabled"] else "cache.enabled is false")


# --- 1. the write path ----------------------------------------------------------------------------

EMAIL, PHONE = "ayse.yilmaz@example.com", "0532 123 45 67"
TEXT = f"Merhaba, e-postam {EMAIL}, telefonum {PHONE}. Sipariş no 4821, tutar 1.250,00 TL."
# Whatever the placeholders of this sidecar are.
REDACTED = re.escape(TEXT).replace(re.escape(EMAIL), ".{1,40}").replace(re.escape(PHONE), ".{1,40}")


def redacted(what: str, seen: object) -> Check:
    """Check that a text holds placeholders in place of what was personal, and is else the same."""
    text = str(seen)
    good = bool(re.fullmatch(REDACTED, text)) and EMAIL not in text and PHONE not in text
    return Check(what, TEXT.replace(EMAIL, "[EMAIL]").replace(PHONE, "[PHONE]"), text, good)


async def send_personal_data(lab: Lab) -> Checks:
    """Write what is personal where it is text."""
    await lab.own()
    await lab.mark()
    lab.tell(f"the text is: {TEXT}")
    yield equal("answer to the message", "200 live", str(await lab.write(TEXT)))
    note = {"metadata": {"note": TEXT}}
    answer = await lab.ask("PATCH", f"/api/v2/users/{lab.name}", note)
    yield equal("answer to the note", "200 live", str(answer))


async def look_at_zep(lab: Lab) -> Checks:
    """Read back what Zep has kept; answers of Zep cross the sidecar unchanged."""
    user = _json(await lab.ask("GET", f"/api/v2/users/{lab.name}"))
    yield redacted("note in Zep", _at(user, "metadata", "note"))
    if why := reads(await lab.status()):
        yield skipped("message in Zep", f"{why}; the note stands for it")
        return
    answer = await lab.ask("GET", f"/api/v2/threads/{lab.name}/messages")
    yield equal("answer is Zep's own", "200 live", str(answer))
    yield redacted("message in Zep", _at(_json(answer), "messages", -1, "content"))


async def count_redactions(lab: Lab) -> Checks:
    """Look at the audit trail."""
    for kind in ("email", "phone"):
        yield await lab.moved(2, "memory_zep_redactions_total", field_type=kind)
    if lab.zep:
        yield await lab.moved(0, "memory_zep_redactions_total", field_type="address")


async def compare_bytes(lab: Lab) -> Checks:
    """Compare what was sent with what arrived, byte for byte."""
    if not lab.zep:
        yield skipped("bytes at Zep", "a real Zep does not show what it received")
        return
    arrived = [r.body for r in lab.zep.received if r.method == "POST" and "/messages" in r.target]
    message = {"role": "user", "content": TEXT, "created_at": "2026-01-01T10:00:00Z"}
    sent = json.dumps({"messages": [message]}, ensure_ascii=False, separators=(",", ":"))
    expected = sent.replace(EMAIL, "[EMAIL]").replace(PHONE, "[PHONE]")
    yield equal("body at Zep", expected, arrived[-1].decode(errors="replace"))


# --- 2. the mode ----------------------------------------------------------------------------------


def agree(status: Status, scrape: Scrape) -> list[Check]:
    """Check that the metrics and the status say the same of the mode."""
    limits = scrape.of("zep_sidecar_mode_limited_by")
    by = sorted(dict(labels)["source"] for labels, value in limits.items() if value)
    return [
        equal("memory_mode_gauge", float(status["gauge"]), scrape.value("memory_mode_gauge")),
        equal("zep_sidecar_mode_limited_by", sorted(status["limited_by"]), by),
    ]


async def compare_status(lab: Lab) -> Checks:
    """Compare what the operator and the dashboard are told."""
    status = await lab.status()
    lab.tell(f"base {status['base']}, effective {status['effective']}")
    for check in agree(status, await lab.scrape()):
        yield check


async def try_flags(lab: Lab) -> Checks:
    """Start a sidecar with each pair of flags."""
    if not lab.zep:
        yield skipped("FLAG_ZEP_WRITE, FLAG_ZEP_READ", "the flags of a running process stay")
        return
    for write, read in ((False, False), (True, False), (True, True)):
        flags = {"FLAG_ZEP_WRITE": str(write).lower(), "FLAG_ZEP_READ": str(read).lower()}
        named = "/".join(flags.values())
        mode = base_mode(write=write, read=read)
        lab.tell(f"another sidecar, with {' '.join(f'{k}={v}' for k, v in flags.items())}")
        async with started(lab.zep, **flags) as other:
            status = await other.status()
            gauge = (await other.scrape()).value("memory_mode_gauge")
        yield equal(f"base and effective, flags {named}", [mode.label] * 2,
                    [status["base"], status["effective"]])  # fmt: skip
        yield equal(f"memory_mode_gauge, flags {named}", float(mode), gauge)


async def force_and_clear(lab: Lab) -> Checks:
    """Limit the mode as in an emergency, and end it."""
    if why := reads(await lab.status()):
        yield skipped("zep_mode --force", why)
        return
    await lab.zep_mode("--force", "drill", "--ttl", "60")
    status = await lab.status()
    yield equal("effective", "write_only", status["effective"])
    yield equal("limited by", ["forced"], status["limited_by"])
    for check in agree(status, await lab.scrape()):
        yield check
    await lab.zep_mode("--clear")
    status = await lab.status()
    yield equal("effective after --clear", "read_write", status["effective"])


# --- 3. the metrics -------------------------------------------------------------------------------


async def look_at_metrics(lab: Lab) -> Checks:
    """Look for every name and label value."""
    yield equal(f"missing of {len(PROMISED)} metrics", [], missing(await lab.scrape()))


async def look_before_traffic(lab: Lab) -> Checks:
    """Look at a process that has served nothing yet: a first event must be an increase from 0."""
    if not lab.zep:
        yield skipped("everything at 0", "this sidecar has worked already")
        return
    lab.tell("another sidecar, fresh")
    async with started(lab.zep) as fresh:
        scrape = await fresh.scrape()
    yield equal(f"missing of {len(PROMISED)} metrics", [], missing(scrape))
    yield equal("counters that are not at 0", [], not_zero(scrape))


# --- 4. the read path -----------------------------------------------------------------------------


async def read_twice(lab: Lab) -> Checks:
    """Read, and read again."""
    await lab.own()
    await lab.write("Where is my order 4821?")
    await lab.zep_mode("--invalidate", lab.name)
    await lab.mark()
    first = await lab.read()
    yield equal("first read", "200 live", str(first))
    second = await lab.read()
    yield equal("second read", "200 hit", str(second))
    yield equal("both say the same", first.body, second.body)
    yield await lab.moved(1, "memory_zep_context_requests_total", result="miss")
    yield await lab.moved(1, "memory_zep_context_requests_total", result="hit")


async def invalidate(lab: Lab) -> Checks:
    """Drop what is cached, as operators do, and as every write does."""
    dropped = (await lab.zep_mode("--invalidate", lab.name))["invalidated"]
    yield Check("answers dropped", "1 or more", str(dropped), bool(dropped))
    yield equal("read after --invalidate", "200 live", str(await lab.read()))
    await lab.write("And when will it be here?")
    yield equal("read after a write", "200 live", str(await lab.read()))


def under(what: str, limit: float, seconds: float) -> Check:
    """Check a time, shown in milliseconds, against a gate."""
    shown = f"{1000 * seconds:.1f} ms"
    return Check(what, f"under {1000 * limit:g} ms", shown, seconds < limit)


async def measure(lab: Lab) -> Checks:
    """Measure reads that reach Zep, hits, and what the sidecar adds."""
    await lab.mark()
    answers = []
    quiet, lab.tell = lab.tell, lambda _: None
    try:
        for _ in range(SAMPLES):
            await lab.zep_mode("--invalidate", lab.name)
            answers += [await lab.read(), await lab.read()]
    finally:
        lab.tell = quiet
    lab.tell(f"{SAMPLES} times: zep_mode --invalidate, a read, a follow-up read")
    seen = {o: sorted(a.seconds for a in answers if a.outcome == o) for o in ("live", "hit")}
    for outcome, times in seen.items():
        yield equal(f"reads that were {outcome}", SAMPLES, len(times))
    yield under("p95 of reads that reach Zep", READ_P95, seen["live"][SAMPLES * 95 // 100 - 1])
    yield under("median of hits", HIT, seen["hit"][SAMPLES // 2])
    now, name = await lab.scrape(), "zep_sidecar_overhead_seconds"
    total, count = (
        lab.since(f"{name}_{part}", now, **{"class": "CTX"}) for part in ("sum", "count")
    )
    yield under("added by the sidecar, mean", ADDED, total / count if count else 0.0)


# --- 5. the key is refused ------------------------------------------------------------------------


def key_refused(status: int) -> Callable[[Lab], Checks]:
    """Return the step in which Zep refuses the API key with `status`."""

    async def refuse(lab: Lab) -> Checks:
        await lab.own()
        if not lab.zep and status != 401:
            yield skipped(f"a {status}", f"{_REAL}; a wrong key gets what it gets")
            return
        await lab.zep_mode("--invalidate", lab.name)
        await lab.mark()
        key = None if lab.zep else WRONG_KEY
        if lab.zep:
            lab.tell(f"Zep answers every context read with {status}")
            lab.zep.fail(Fault("status", status=status), path="/context")
        else:
            lab.tell("the next two reads carry a wrong API key; Zep really refuses it")
        first, asked = await lab.read(key), _context_reads(lab)
        codes = f"{status} live" if lab.zep else "401 or 403, live"
        good = first.status in ((status,) if lab.zep else (401, 403)) and first.outcome == "live"
        yield Check("first read: the worker is told once", codes, str(first), good)
        yield equal("second read: answered at once", "200 empty (auth)", str(await lab.read(key)))
        if lab.zep:
            yield equal("reads that reached Zep meanwhile", 0, _context_reads(lab) - asked)
        async for check in _held_for_auth(lab):
            yield check

    return refuse


async def _held_for_auth(lab: Lab) -> Checks:
    status = await lab.status()
    held = [c for c in status["credentials"] if c["state"] == "open"]
    yield equal("credentials that are held", 1, len(held))
    left = held[0]["remaining"]
    yield Check("time until the next probe", "more than 0 s", f"{left:.1f} s", left > 0)
    yield await lab.moved(1, "memory_zep_downgrades_total", reason="auth")
    if lab.zep:
        yield equal("effective", "write_only", status["effective"])
        yield equal("limited by", ["auth"], status["limited_by"])
        yield equal("writes go on", "200 live", str(await lab.write("Still there?")))
    else:
        yield equal("effective, while other keys work", "read_write", status["effective"])
        answer = await lab.read()
        good = answer.status == 200 and answer.outcome in ("live", "hit")
        yield Check("the good key still reads", "200 live or hit", str(answer), good)


async def clear_auth(lab: Lab) -> Checks:
    """End the hold, as when the key is good again."""
    if lab.zep:
        lab.tell("Zep accepts the key again")
        lab.zep.heal()
    await lab.zep_mode("--clear")
    status = await lab.status()
    yield equal("effective after --clear", "read_write", status["effective"])
    held = [c for c in status["credentials"] if c["state"] != "closed"]
    yield equal("credentials that are held", 0, len(held))
    await lab.zep_mode("--invalidate", lab.name)
    yield equal("next read", "200 live", str(await lab.read()))


# --- 6. Zep fails ---------------------------------------------------------------------------------


async def trip(lab: Lab) -> Checks:
    """Let reads time out until the guard trips."""
    await lab.own()
    await lab.zep_mode("--invalidate", lab.name)
    await lab.mark()
    if not lab.zep:
        lab.tell(f"{_REAL}: a force that ends by itself stands for the outage")
        await lab.zep_mode("--force", "drill", "--ttl", str(FORCE_TTL))
        yield skipped("three timeouts", _REAL)
        yield await lab.moved(1, "memory_zep_downgrades_total", reason="forced")
        return
    lab.tell("Zep no longer answers context reads")
    lab.zep.fail(Fault("hang"), path="/context")
    answers = []
    # A timeout while this machine gave the sidecar no time does not count: hence more than three.
    for _ in range(8):
        answers.append(str(await lab.read()))
        if (
            await lab.moved(1, "memory_zep_downgrades_total", reason="consecutive_failures")
        ).passed:
            break
    stalled = {"200 empty (local_stall)"}
    yield equal("what workers get", {"200 empty (timeout)"}, set(answers) - stalled)
    yield await lab.moved(3, "memory_zep_context_failures_total", reason="timeout")
    yield await lab.moved(1, "memory_zep_downgrades_total", reason="consecutive_failures")


async def while_open(lab: Lab) -> Checks:
    """Read and write while reads are held."""
    asked = _context_reads(lab)
    reason, by = ("consecutive_failures", "guard") if lab.zep else ("forced", "forced")
    answers = await lab.reads(SAMPLES)
    yield equal(f"{SAMPLES} workers at once", {f"200 empty ({reason})"}, {str(a) for a in answers})
    slowest = max(answer.seconds for answer in answers)
    yield under("slowest of them", READ_P95, slowest)
    if lab.zep:
        yield equal("reads that reached Zep meanwhile", 0, _context_reads(lab) - asked)
    yield equal("writes go on", "200 live", str(await lab.write("Still there?")))
    status = await lab.status()
    yield equal("effective", "write_only", status["effective"])
    yield equal("limited by", [by], status["limited_by"])
    yield await lab.moved(
        1, "memory_zep_downgrades_total", reason="consecutive_failures" if lab.zep else "forced"
    )


async def recover(lab: Lab) -> Checks:
    """Let the hold end, and one probe find out."""
    if lab.zep:
        lab.tell(f"Zep answers again; the hold lasts {HOLD:g} s here, 300 s by default")
        lab.zep.heal()
    await _wait_for_the_end(lab)
    await lab.zep_mode("--invalidate", lab.name)
    asked = _context_reads(lab)
    answers = await lab.reads(SAMPLES if lab.zep else 1)
    kinds = {f"{a.status}" for a in answers}
    yield equal("what workers get", {"200"}, kinds)
    if lab.zep:
        yield equal(f"of {SAMPLES} reads at once reached Zep", 1, _context_reads(lab) - asked)
    yield await lab.moved(1, "zep_sidecar_probes_total", result="ok")
    status = await lab.status()
    yield equal("effective", "read_write", status["effective"])
    yield equal("limited by", [], status["limited_by"])


async def _wait_for_the_end(lab: Lab) -> None:
    while True:
        status = await lab.status()
        left = max(
            (status["forced"] or {"remaining": 0})["remaining"], status["guard"]["remaining"]
        )
        if not left:
            return
        if left > LONGEST:
            raise LabError(f"the hold lasts {left:.0f} s more: Zep itself seems to fail")
        lab.tell(f"the hold lasts {left:.1f} s more")
        await asyncio.sleep(left + 0.05)


# --- what they have in common ---------------------------------------------------------------------


def _context_reads(lab: Lab) -> int:
    """Return how many context reads the embedded Zep has received."""
    return sum("/context" in r.target for r in lab.zep.received) if lab.zep else 0


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _at(value: Any, *path: str | int) -> Any:
    """Return what is at a path in JSON, or what stands in the way."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return f"nothing at {part!r}"
    return value


DRILLS = (
    Drill(1, "Write path: personal data is replaced before Zep sees it", writes, (
        Step("Write a message, and a note on its user, with an e-mail address and a Turkish phone "
             "number", send_personal_data),
        Step("Look at what Zep has", look_at_zep),
        Step("Look at the audit trail", count_redactions),
        Step("Compare what was sent with what arrived", compare_bytes),
    )),
    Drill(2, "Mode: status, gauge and flags agree", nothing, (
        Step("Compare zep_mode --status with the metrics", compare_status),
        Step("Try every pair of FLAG_ZEP_WRITE and FLAG_ZEP_READ", try_flags),
        Step("Force write_only, as in an emergency, and clear it", force_and_clear),
    )),
    Drill(3, "Metrics: all there before the first event", nothing, (
        Step("Look for every promised metric and label value", look_at_metrics),
        Step("Look at a sidecar that has served nothing yet", look_before_traffic),
    )),
    Drill(4, "Read path: cached, invalidated, fast", cached_reads, (
        Step("Read context, and read it again", read_twice),
        Step("Invalidate by hand, then by a write", invalidate),
        Step("Measure against the gates", measure),
    )),
    Drill(5, "The API key is refused: downgrade at once", reads, (
        Step("Zep refuses the key with a 401", key_refused(401)),
        Step("Clear it", clear_auth),
        Step("Zep refuses the key with a 403", key_refused(403)),
        Step("Clear it again", clear_auth),
    )),
    Drill(6, "Zep fails three times in a row: downgrade, hold, one probe, recovery", reads, (
        Step("Let reads time out until the guard trips", trip),
        Step("Read and write meanwhile", while_open),
        Step("Let the hold end; one probe finds out for all", recover),
    )),
)  # fmt: skip
