"""`make pii-report`: run every peer, print the tables and write them to docs/pii-report.md.

`python -m bench.pii.report misses` lists instead what our own redactor gets wrong, with ids.
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.pii.peers import PEERS
from bench.pii.run import CHAT, ROOT, SYNTHETIC, WILD, Run, Sets, load_sets, run
from bench.pii.score import (
    DEFAULT,
    Mark,
    Message,
    collateral,
    false_positives,
    leak,
    leaks,
    percentile,
    redacted,
)

PAGE = ROOT / "docs" / "pii-report.md"
INTRO = """\
# How much leaves: our redactor beside others

Written by `make pii-report` on {date}; run that to do it again (at first it installs the peers).

**Read the figures of zep-sidecar as the best case.** Its rules were written with these sets in
view, those of the peers were not; on messages that it has not seen, it leaves more. (pyap has a
home advantage too: some of the public addresses come from its tests.) The sets and their licences
are described in [bench/pii/data](../bench/pii/data/README.md).

All figures but times are percentages, and less is better; in brackets stands how many values.

- **Columns named after a type: leak.** The share of values of which at least one letter or digit is
  left. It does not matter as what the rest was redacted. A dash: the redactor is not made for this
  type. One that is made for nothing in a table has no row there.
- **FP any**: the share of messages without personal data that are altered at all; **FP e/p/a**: by
  something taken for an e-mail address, phone number or address.
- **collateral**: the share of messages with personal data in which a letter or digit outside it is
  redacted. Names and the like count neither as personal data nor as damage.
- **p50, p99, MB/s**: per message of the chat set, on one core, each message seen for the first
  time. Machines are noisy: a fifth more or less means nothing.

Machine: {machine}.

| redactor | version | as it was used |
|---|---|---|
{peers}
"""
USED = {
    "ours_default": "the default policy: e-mail, phone, address",
    "ours_all": "every type of `redaction.extra` switched on",
    "presidio_default": "the recognizers it loads by itself for English; no language model",
    "presidio_tuned": "its recognizers for e-mail, IBAN, card, IP, and for phones, ids and "
    "postcodes of the six regions (TR, US, GB, DE, FR, ES); no language model",
    "scrubadub": "its default detectors, told the locale of each message",
    "phonenumbers": "its matcher, once for each of the six regions",
    "pyap": "its British rules; except on British messages, also its US rules",
    "three_regexes": "for e-mail, phone and address, as one writes them in ten minutes",
}
EXTRAS = {"ID": "national id", "IBAN": "IBAN", "IP": "IP", "SSN": "SSN", "SECRET": "secret"}

Column = tuple[str, Callable[[Run], str]]
Key = Callable[[Message, Mark], str]
"""What a mark is told apart by."""


def tier(_: Message, mark: Mark) -> str:
    """Return plain or hard."""
    return mark.tier


def country(_: Message, mark: Mark) -> str:
    """Return the country of a phone number."""
    return mark.format.partition(":")[0]


def lang(message: Message, _: Mark) -> str:
    """Return the language."""
    return message.lang


def source(message: Message, _: Mark) -> str:
    """Return where a public address comes from."""
    return message.source


def total(message: Message, mark: Mark) -> str:
    """Tell nothing apart."""
    return ""


def leak_columns(
    sets: Sets, name: str, type_: str, title: str, key: Key = total, values: Iterable[str] = ("",)
) -> Iterator[Column]:
    """Yield a column with the leak of a type for each value of a key."""
    for value in values:

        def counts(message: Message, mark: Mark, value: str = value) -> bool:
            return mark.type == type_ and key(message, mark) == value

        def cell(run: Run, counts: Callable[[Message, Mark], bool] = counts) -> str:
            return str(leak(run.results[name], counts)) if type_ in run.peer.types else "–"

        number = sum(counts(message, mark) for message in sets[name] for mark in message.marks)
        yield f"{title} {value} ({number})".strip().replace("  ", " "), cell


def harm_columns(name: str) -> list[Column]:
    """Return the columns with what is redacted wrongly in a set."""
    return [
        ("FP any", lambda run: str(false_positives(run.results[name]))),
        ("FP e/p/a", lambda run: str(false_positives(run.results[name], DEFAULT))),
        ("collateral", lambda run: str(collateral(run.results[name]))),
    ]


def speed_columns(messages: Sequence[Message]) -> list[Column]:
    """Return the columns with the times that the messages took."""
    megabytes = sum(len(message.text.encode()) for message in messages) / 1e6
    return [
        ("p50 ms", lambda run: f"{percentile(run.ms, 50):.2f}"),
        ("p99 ms", lambda run: f"{percentile(run.ms, 99):.2f}"),
        ("MB/s", lambda run: f"{megabytes / sum(run.ms) * 1000:.2f}"),
    ]


def tables(sets: Sets) -> Iterator[tuple[str, list[Column]]]:
    """Yield each table's heading and columns."""
    overall = [
        *leak_columns(sets, CHAT, "EMAIL", "e-mail"),
        *leak_columns(sets, CHAT, "PHONE", "phone"),
        *leak_columns(sets, CHAT, "ADDRESS", "address"),
    ]
    yield (
        "## Chat messages\n\nOverall",
        [*overall, *harm_columns(CHAT), *speed_columns(sets[CHAT])],
    )
    tiers, places = ("plain", "hard"), ("en", "tr", "uk", "de", "fr", "es")
    yield (
        "E-mail and phone in plain and in hard forms, phone by the number's country",
        [
            *leak_columns(sets, CHAT, "EMAIL", "e-mail", tier, tiers),
            *leak_columns(sets, CHAT, "PHONE", "phone", tier, tiers),
            *leak_columns(sets, CHAT, "PHONE", "", country, ("us", *places[1:])),
        ],
    )
    yield (
        "Address by language (en is American, uk British)",
        [*leak_columns(sets, CHAT, "ADDRESS", "", lang, places)],
    )
    yield (
        "What is redacted on request",
        [column for t, title in EXTRAS.items() for column in leak_columns(sets, CHAT, t, title)],
    )
    sources = sorted({message.source for message in sets[WILD]})
    yield (
        "## Public addresses, written by others\n\nAll, and by where they come from",
        [
            *leak_columns(sets, WILD, "ADDRESS", "address"),
            *leak_columns(sets, WILD, "ADDRESS", "", source, sources),
            harm_columns(WILD)[-1],
        ],
    )
    types = ("EMAIL", "PHONE", "ADDRESS", "CARD", "IBAN", "IP", "SSN")
    yield (
        "## Presidio's synthetic sentences\n\nThe types that both they and we mark",
        [
            *(column for t in types for column in leak_columns(sets, SYNTHETIC, t, t.lower())),
            *harm_columns(SYNTHETIC),
        ],
    )


def rendered(columns: Sequence[Column], runs: Iterable[Run]) -> str:
    """Return a Markdown table that is also aligned for a terminal.

    A run that failed has a row that says so; one with nothing but dashes has none.
    """
    rows = [["", *(title for title, _ in columns)]]
    for each in runs:
        cells = [each.failure, *[""] * (len(columns) - 1)]
        if not each.failure:
            cells = [cell(each) for _, cell in columns]
        if set(cells) != {"–"}:
            rows.append([each.peer.title, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        f"| {' | '.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])} |"
        for row in [rows[0], rule, *rows[1:]]
    )


def page(sets: Sets, runs: Mapping[str, Run]) -> str:
    """Return the whole report."""
    peers = "\n".join(
        f"| {each.peer.title} | {each.failure or each.version or '–'} | {USED[name]} |"
        for name, each in runs.items()
    )
    intro = INTRO.format(date=time.strftime("%Y-%m-%d"), machine=machine(), peers=peers)
    parts = [
        f"{heading}:\n\n{rendered(columns, runs.values())}\n" for heading, columns in tables(sets)
    ]
    return "\n".join([intro, *parts])


def machine() -> str:
    """Return what the times were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    model = (models or [platform.machine()])[0]
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {sys.version.split()[0]}"


def misses(each: Run) -> Iterator[str]:
    """Yield what a run got wrong: values that leak, what is left of them shown, and damage."""
    for name, results in each.results.items():
        for result in results:
            text, gone = result.message.text, redacted(result)
            for mark in leaks(result):
                if mark.type not in each.peer.types:
                    continue
                left = "".join("_" if i in gone else text[i] for i in range(mark.start, mark.end))
                yield f"{name} {result.message.id} leak {mark.type} {mark.format}: {left!r}"
            harm = gone.difference(*(range(m.start, m.end) for m in result.message.marks))
            for start, end, type_ in result.found:
                if not harm.isdisjoint(range(start, end)):
                    around = text[max(0, start - 20) : end + 20]
                    yield (
                        f"{name} {result.message.id} damage {type_}: "
                        f"{text[start:end]!r} in {around!r}"
                    )


def main(arguments: Sequence[str]) -> None:
    """Write the report, or with `misses` list what to mend."""
    sets = load_sets()
    if arguments == ["misses"]:
        for name in ("ours_default", "ours_all"):
            print(f"# {PEERS[name].title}", *misses(run(name, sets)), sep="\n")
        return
    report = page(sets, {name: run(name, sets) for name in PEERS})
    print(report)
    PAGE.write_text(report)


if __name__ == "__main__":
    main(sys.argv[1:])
