"""The admission policy's own expressions, in Google's CEL, against the sidecar's own parser.

Characters are those that this Python knows: of what a newer Unicode has added, one side may say
that it is printable and the other that it is not.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from sidecar.config import ConfigError
from sidecar.fleet import CONFIG_MAP, KEY, Request, document
from sidecar.override import Override, parse
from tests.sdk.environments import CACHE, clean, interpreter
from tests.test_fleet import requests

from .tools import K8S, REQUIREMENTS

POLICY, BINDING = yaml.safe_load_all((K8S / "components/guardrails/policy.yaml").read_text())
Judge = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Give a function that returns why the policy refuses a ConfigMap's members."""
    python = interpreter("cel-expr-python-0.1.3", REQUIREMENTS, CACHE.parent / "tools")
    command = [python, K8S.parent / "tests/k8s/cel_driver.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=clean()) as process:
        reader, writer = process.stdout, process.stdin
        assert reader
        assert writer

        def ask(members: dict[str, Any]) -> list[str]:
            writer.write(json.dumps(members) + "\n")
            writer.flush()
            answer: list[str] = json.loads(reader.readline())
            return answer

        writer.write(json.dumps(POLICY["spec"]) + "\n")
        writer.flush()
        assert reader.readline() == "ready\n"
        yield ask
        writer.close()


def of(text: str) -> dict[str, Any]:
    """The ConfigMap with this override file."""
    return {"data": {KEY: text}}


# --- documents that are nearly right --------------------------------------------------------------

# NUL is left out, because this CEL's binding for Python ends a string there.
known = st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0")
odd = st.text(known, max_size=12) | st.text("ab\"'\\ #:-?,[]{}&*!|>%@`~\t\r\x85\u2028\ufeff=/.ş🔥")
words = st.sampled_from(
    "null ~ '' true 2026-01-01 INC-1: #4821 @a &a *a !!str {} [] | > --- ...".split()
)
plain = st.text("abc ş'#:1,", min_size=1, max_size=9).map('"{}"'.format)
label = st.from_regex(
    r"(?:[a-z0-9./-]{1,8}/)?[A-Za-z0-9_.-]{0,9}=[A-Za-z0-9_.-]{0,9}", fullmatch=True
)
dates = st.builds(
    "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}{}".format,
    st.sampled_from(["2026", "2024", "2000", "2100", "0000", "1999"]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("TTTt "),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["", "", ".1", ".123456", ".1234567", "."]),
    st.sampled_from(["Z", "Z", "z", "+03:00", "-23:59", "+24:00", "+3", "+03:60", ""]),
)
VALUES = {
    "reason": plain,
    "salt": plain,
    "expires_at": dates | dates.map('"{}"'.format),
    "percent": st.sampled_from(
        ["0", "10", "99.9", "100", "100.0", "100.1", "007", "1e1", "٣", "5%"]
    ),
    "match": st.lists(label, min_size=1, max_size=2).map(", ".join).map('"{}"'.format),
    "mode": st.sampled_from(
        'off write_only read_write inherit "off" "off \'off\' no Off on 0 [off] !!str'.split()
    ),
}
gaps = st.sampled_from([" ", "  "] * 5 + ["", "\t", "\n ", ": "])
ends = st.sampled_from(["", " ", " # why"] * 5 + ["#x", ' # "', " # \u2028x", "\r", "\t", " x"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """An override file, more or less: each part is wrong now and then."""

    def sometimes(wrong: st.SearchStrategy[str], right: str) -> str:
        return draw(wrong) if draw(st.integers(0, 11)) == 11 else right

    lines = []
    for key in draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True)):
        value = sometimes(odd | odd.map('"{}"'.format) | words, draw(VALUES[key]))
        colon = sometimes(st.sampled_from(["", " :", "::"]), ":")
        lines.append(key + colon + draw(gaps) + value + draw(ends))
    if not any(line.startswith("mode") for line in lines):
        lines.insert(draw(st.integers(0, 4)), "mode: off")
    stray = st.sampled_from(["", " ", "# why", " # why", "---", "%YAML 1.1", "ttl: 5", "mode: off"])
    lines.insert(draw(st.integers(0, 4)), sometimes(stray | odd, ""))
    return "\n".join(lines)


@settings(max_examples=1000)
@given(files() | st.text(known, max_size=30))
@example('mode: off\nexpires_at: "2026-01-01T00:00:00Z # "')
@example("mode: off\nexpires_at: 2026-02-30T00:00:00Z")
@example("mode: off\nexpires_at: 2100-02-29T00:00:00Z")
@example('mode: off\nreason: "a" # "\nmode: off')
@example("mode: off\n# \ufeff")
@example('mode: off\nreason: "\\u000a"')
def test_nothing_passes_that_the_sidecar_would_refuse(judge: Judge, text: str) -> None:
    """Whatever the policy lets in, the parser of the sidecar understands."""
    refused = judge(of(text))
    assert not [message for message in refused if message.startswith("error")]
    event("accepted" if not refused else "refused")
    if not refused:
        parse(text.encode())


@settings(max_examples=150)
@given(requests, st.integers(0, 73 * 365 * 24 * 60))
def test_what_the_command_writes_passes(judge: Judge, request: Request, minutes: int) -> None:
    """`zep-sidecar override` never writes what the policy refuses."""
    try:
        text = document(request, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
    except ConfigError:
        assume(False)
    assert judge(of(text)) == []


def test_the_days_of_the_calendar(judge: Judge) -> None:
    """Those that exist pass, also the 29th of February; those that do not are refused."""
    for year, month, day in product([2027, 2028], range(14), [0, 1, 28, 29, 30, 31, 32]):
        date = f"{year}-{month:02}-{day:02}"
        refused = judge(of(f"mode: off\nexpires_at: {date}T00:00:00Z\n"))
        try:
            datetime.fromisoformat(date)
        except ValueError:
            assert refused, date
        else:
            assert refused == [], date


# --- documents that people write ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing for now\n",
        "mode: inherit\n",
        'mode: "off"   # all of it\n\nreason: "yarın açarız: İNC-1 🔥" # quoted\n',
        'mode: write_only\nreason: "say \\"no\\" \\\\ #1: x"\nsalt: "a"\npercent: 12.5\n',
        'mode: read_write\nmatch: "track=canary, app.kubernetes.io/name=worker"\n',
        "mode: off\nexpires_at: 2028-02-29T23:59:59.5+03:00\n",
        'mode: off\nexpires_at: "2026-11-30T18:00:00Z"\n',
        "mode: off\npercent: 100\n" + "# x\n" * 90,
    ],
)
def test_good_edits(judge: Judge, text: str) -> None:
    """Accepted by both."""
    assert judge(of(text)) == []
    parse(text.encode())


def test_the_example_in_the_manifest_passes(judge: Judge) -> None:
    """What `kubectl edit` shows can be taken over as it stands, and says what it seems to say."""
    shown = yaml.safe_load((K8S / "base/override.yaml").read_text())
    data = yaml.safe_load(shown["metadata"]["annotations"]["zep-sidecar.dev/example"])["data"]
    assert judge({"data": data}) == []
    assert parse(data[KEY].encode()) == Override(
        "write_only",
        "INC-4821 p95 over 500 ms",
        datetime(2026, 11, 22, 18, tzinfo=UTC),
        10.0,
        "",
        ("track=canary",),
    )
    assert judge(shown) == []


@pytest.mark.parametrize(
    ("members", "words_of_it"),
    [
        (of("mode: on"), "mode must be one of inherit, off"),
        (of("mode: of"), "mode must be one of inherit, off"),
        (of('reason: "x"'), "mode is missing"),
        (of("mode: off\nreason: slow: INC-1"), "double quotes"),
        (of('mode: off\nreason: "' + "x" * 201 + '"'), "1 to 200"),
        (of('mode: off\nreason: ""'), "1 to 200"),
        (of('mode: off\nsalt: "' + "x" * 65 + '"'), "1 to 64"),
        (of("mode: off\nexpires_at: 30m"), "--ttl 30m"),
        (of("mode: off\nexpires_at: 2026-11-22T24:00:00Z"), "an instant that exists"),
        (of("mode: off\nexpires_at: 2026-11-22T18:00:00"), "with its zone"),
        (of("mode: off\npercent: 10%"), "without a unit"),
        (of("mode: off\npercent: 100.1"), "0 to 100"),
        (of("mode: off\nmatch: track"), "pod labels"),
        (of('mode: off\nmatch: "' + "x" * 64 + '=a"'), "pod labels"),
        (of('mode: off\nmatch: "a=b,c=' + "x" * 64 + '"'), "pod labels"),
        (of("mode: off\nmode: off"), "a second time"),
        (of("mode: off\nttl: 5"), "may have the lines"),
        (of("mode: off\n  percent: 5"), "may have the lines"),
        (of("---\nmode: off"), "may have the lines"),
        (of("mode: off\r\n"), "cannot be printed"),
        (of("mode:\toff\n"), "a tab"),
        (of("mode: off # \u2028reason: x"), "cannot be printed"),
        (of("mode: off\n" + "#" * 4096), "over 4096"),
        (of("mode: off\n" + "\n" * 100), "over 100 lines"),
        ({"data": {"overide.yaml": "mode: off"}}, "the only key"),
        ({"data": {KEY: "", "other": ""}}, "the only key"),
        ({"binaryData": {KEY: "bW9kZTogb24="}}, "the only key"),
        ({"immutable": True}, "must stay mutable"),
    ],
)
def test_bad_edits_are_refused_in_words(
    judge: Judge, members: dict[str, Any], words_of_it: str
) -> None:
    """The API server shows the first message; it says what to write instead."""
    message, *_ = judge(members)
    assert words_of_it in message


def test_the_policy_is_bound_to_the_one_name() -> None:
    """By name, in every namespace, on create and update; and it refuses, also when it fails."""
    spec = POLICY["spec"]
    [rule] = spec["matchConstraints"]["resourceRules"]
    assert rule["resourceNames"] == [CONFIG_MAP]
    assert rule["operations"] == ["CREATE", "UPDATE"]
    assert spec["failurePolicy"] == "Fail"
    # The API server wants a message of one line, and shows the first that refuses.
    assert not any("\n" in rule["message"] + rule["expression"] for rule in spec["validations"])
    assert BINDING["spec"] == {
        "policyName": POLICY["metadata"]["name"],
        "validationActions": ["Deny"],
    }
