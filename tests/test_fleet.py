"""The command that changes the mode of the whole fleet."""

import json
import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config import ConfigError
from sidecar.fleet import Request, commands, document, seconds
from sidecar.override import MODES, Override, parse
from tests.test_cli import run

NOW = datetime(2026, 1, 30, 23, 59, 59, 1, tzinfo=UTC)

# Also what an operator may not write, so that both sides of the line are visited.
texts = st.text(max_size=70) | st.text("ab \"\\'#:{}[]&*!%@`,-?|>ş日🔥\n", max_size=210)
labels = st.lists(
    st.from_regex(
        r"(?:[a-z0-9.-]{1,20}/)?[A-Za-z0-9_.-]{1,20}=[A-Za-z0-9_.-]{0,20}", fullmatch=True
    ),
    min_size=1,
    max_size=3,
)
requests = st.builds(
    Request,
    mode=st.sampled_from(MODES),
    reason=st.none() | texts,
    ttl=st.none() | st.integers(0, 31_536_001).map(str) | st.sampled_from(["30m", "2h", "365d"]),
    percent=st.none() | st.decimals(0, 101, places=3).map(str) | st.sampled_from(["0", "٣", "1e1"]),
    salt=st.none() | texts,
    match=st.none() | labels.map(", ".join) | st.just("no label"),
)


instants = st.integers(0, 73 * 365 * 86400 * 1000).map(
    lambda ms: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@given(requests, instants)
def test_what_is_written_is_read_as_it_was_meant(request: Request, now: datetime) -> None:
    """The parser of the sidecar reads back each option; what it would refuse is not written."""
    try:
        text = document(request, now)
    except ConfigError:
        return
    override = parse(text.encode())
    assert override is not None
    expires_at = override.expires_at
    if request.ttl:
        assert expires_at is not None
        late = expires_at - now - timedelta(seconds=seconds(request.ttl))
        assert timedelta(0) <= late < timedelta(seconds=1)
    assert override == Override(
        request.mode,
        request.reason or "",
        expires_at if request.ttl else None,
        100.0 if request.percent is None else float(request.percent),
        request.salt or "",
        tuple(request.match.split(", ")) if request.match else (),
    )


def test_everything() -> None:
    """A line for each option, in the order of the documentation; times in UTC, rounded up."""
    asked = Request("read_write", 'it\'s "slow" \\ #1: ş', "36h", "012.50", "c-1", "a=b ,c/d=")
    assert document(asked, NOW) == (
        "mode: read_write\n"
        'reason: "it\'s \\"slow\\" \\\\ #1: ş"\n'
        "expires_at: 2026-02-01T12:00:00Z\n"
        "percent: 12.50\n"
        'salt: "c-1"\n'
        'match: "a=b,c/d="\n'
    )


def test_ending_it() -> None:
    """Inherit is written, so that the file says who ended it and why; nothing else goes with it."""
    assert document(Request("inherit", "over"), NOW) == 'mode: inherit\nreason: "over"\n'
    with pytest.raises(ConfigError) as caught:
        document(Request("inherit", ttl="5m", match="a=b"), NOW)
    assert [p.where for p in caught.value.problems] == ["--ttl", "--match"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("reason", ""),
        ("reason", "a\nmode: off"),
        ("reason", "\x1b[31m"),
        ("reason", "x" * 201),
        ("reason", os.fsdecode(b"\xff")),
        ("ttl", ""),
        ("ttl", "0"),
        ("ttl", "-5m"),
        ("ttl", "1.5h"),
        ("ttl", "366d"),
        ("ttl", "30 m"),
        ("ttl", "٣m"),
        ("percent", "10%"),
        ("percent", "101"),
        ("percent", "nan"),
        ("salt", "x" * 65),
        ("match", ""),
        ("match", "track"),
        ("match", "a=b,"),
    ],
)
def test_what_is_refused(option: str, value: str) -> None:
    """By the option's name, and with what is expected."""
    with pytest.raises(ConfigError) as caught:
        document(Request("off", **{option: value}), NOW)
    [problem] = caught.value.problems
    assert problem.where == f"--{option}"
    assert problem.message.startswith("must be ")


@pytest.mark.parametrize(("ttl", "value"), [("90", 90), ("90s", 90), ("30m", 1800), ("1d", 86400)])
def test_units(ttl: str, value: int) -> None:
    """Seconds without one."""
    assert seconds(ttl) == value


def test_commands() -> None:
    """The edit as a merge patch; then an annotation with a value that no pod has yet."""
    patch, annotate = commands("mode: off\n", NOW, "prod", "bots")
    assert patch[1:3] == ["--context=prod", "--namespace=bots"]
    assert patch[3:6] == ["patch", "configmap", "zep-sidecar-override"]
    assert patch[6] == "--type=merge"
    assert json.loads(patch[7].removeprefix("--patch=")) == {
        "data": {"override.yaml": "mode: off\n"}
    }
    assert annotate[3:6] == ["annotate", "pods", "--selector=zep-sidecar.dev/inject=true"]
    assert annotate[6:] == ["zep-sidecar.dev/refresh=20260130T235959.000001Z", "--overwrite"]
    assert commands("", NOW + timedelta(microseconds=1))[1] != commands("", NOW)[1]
    assert commands("", NOW)[1][:3] == ["kubectl", "annotate", "pods"]


# --- as a person uses it --------------------------------------------------------------------------


class Kubectl:
    """A kubectl that notes its arguments, and fails at the word that is in its file FAIL."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        program = directory / "kubectl"
        program.write_text(
            f"#!/bin/sh\ncd '{directory}'\n"
            'for a; do printf "%s\\0" "$a"; done >>CALLS; printf "\\n\\0" >>CALLS\n'
            'case " $* " in *" $(cat FAIL) "*) echo "Forbidden" >&2; exit 1;; esac\n'
        )
        program.chmod(0o755)
        self.fail_at("nothing")

    def fail_at(self, word: str) -> None:
        """Fail when this is among the arguments."""
        (self._directory / "FAIL").write_text(word)

    @property
    def calls(self) -> list[list[str]]:
        """What it was called with."""
        path = self._directory / "CALLS"
        noted = path.read_text().split("\n\0")[:-1] if path.exists() else []
        return [call.split("\0")[:-1] for call in noted]


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """The one that the command finds."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Kubectl(tmp_path)


async def test_printed_commands_are_those_that_push_runs(kubectl: Kubectl) -> None:
    """Pasted into a shell they come to the same; without --push nothing is run."""
    asked = ("override", "--mode", "write_only", "--reason", 'it\'s $HOME "x"', "-n", "bots")
    code, out, error = await run(*asked)
    assert code == 0
    assert error == "without --ttl it stays until somebody ends it\n"
    assert kubectl.calls == []
    printed = [shlex.split(line)[1:] for line in out.splitlines()]
    code, out, error = await run(*asked, "--push")
    assert code == 0
    assert out == 'mode: write_only\nreason: "it\'s $HOME \\"x\\""\n'
    patched, annotated = kubectl.calls
    assert patched == printed[0]
    assert annotated[:4] == printed[1][:4] == [
        "--namespace=bots", "annotate", "pods", "--selector=zep-sidecar.dev/inject=true",
    ]  # fmt: skip


async def test_a_refused_edit_annotates_nothing(kubectl: Kubectl) -> None:
    """Exit 1, with kubectl's own message and ours."""
    asked = ("override", "--mode", "off", "--ttl", "5m", "--push")
    kubectl.fail_at("patch")
    code, _, error = await run(*asked)
    assert (code, error) == (1, "Forbidden\nzep-sidecar override: nothing was changed\n")
    assert [call[0] for call in kubectl.calls] == ["patch"]


async def test_who_may_not_annotate_hears_how_long_it_takes(kubectl: Kubectl) -> None:
    """Exit 1, because half of it was not done; the edit stands."""
    kubectl.fail_at("pods")
    code, _, error = await run("override", "--mode", "inherit", "--push")
    assert code == 1
    assert "the override is set" in error
    assert "90 seconds" in error
    assert len(kubectl.calls) == 2


async def test_without_kubectl(tmp_path: Path) -> None:
    """Exit 1 and no traceback."""
    code, _, error = await run("override", "--mode", "inherit", "--push", PATH=str(tmp_path))
    assert code == 1
    assert error.startswith("zep-sidecar override: cannot run kubectl: No such file")


async def test_usage(kubectl: Kubectl) -> None:
    """Exit 2 and every problem; kubectl is not run."""
    asked = ("override", "--mode", "off", "--reason", "", "--ttl", "soon", "--push")
    code, out, error = await run(*asked)
    assert (code, out) == (2, "")
    assert [line.split(":")[0] for line in error.splitlines()] == ["--reason", "--ttl"]
    assert (await run("override"))[0] == 2
    assert (await run("override", "--mode", "on"))[0] == 2
    assert kubectl.calls == []
