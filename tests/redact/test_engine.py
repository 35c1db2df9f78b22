"""The choice of the regular-expression engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import re2

from sidecar.redact.engine import ENGINE, MAX_MEM, PatternSet, custom_scanner, scanner


def test_scanner_reads_one_byte_per_character() -> None:
    """Offsets are offsets of the view."""
    assert ENGINE == "re2"
    assert [match.span() for match in scanner(r"\xe0+").finditer(b"a\xe0\xe0b")] == [(1, 3)]


def test_scanner_finds_what_the_public_interface_of_re2_finds() -> None:
    """It calls what lies below that interface, which another release may change."""
    pattern, text = r"[0-9]{2,3}|a+", b"a12345 aa \xe0 1 67a"
    public, ours = re2.compile(pattern.encode()), scanner(pattern)
    spans = [match.span() for match in public.finditer(text)]
    assert len(spans) == 6
    assert [match.span() for match in ours.finditer(text)] == spans
    for start in range(len(text) + 1):
        expected, hit = public.search(text, start), ours.search(text, start)
        assert (hit and hit.span()) == (expected and expected.span())


def test_custom_scanner() -> None:
    """A custom pattern reads text; one that is not valid is refused with the reason."""
    assert [match.span() for match in custom_scanner("ş+").finditer("aşş")] == [(1, 3)]
    with pytest.raises(ValueError, match="not a valid pattern"):
        custom_scanner("(")


def test_pattern_set() -> None:
    """A set tells which of its patterns match, also when it is empty."""
    patterns = PatternSet(["a+\xe0", "[0-9]{3}", "x"])
    assert sorted(patterns.matches(b"aa\xe0 123")) == [0, 1]
    assert list(patterns.matches(b"none")) == []
    assert list(PatternSet([]).matches(b"none")) == []


SLOW_MODE = """
import random, sys
from sidecar.redact import engine
engine.MAX_MEM = int(sys.argv[1])
from sidecar.redact import Policy, Redactor
draw = random.Random(1)
words = "1 23 +90 ( ) - . st cad no @ x. rue ş str. calle %40 １ mah in 34000 der".split()
redactor = Redactor(Policy())
for _ in range(200):
    text = " ".join(draw.choices(words, k=600))
    redactor.json(('{"content": "%s"}' % text).encode())
"""


@pytest.mark.parametrize(("max_mem", "slow"), [(MAX_MEM, False), (2 << 20, True)])
def test_the_automata_fit_into_their_memory(max_mem: int, slow: bool) -> None:
    """RE2 gives up its fast matcher with no more than a line on standard error: there is none."""
    run = subprocess.run(
        [sys.executable, "-c", SLOW_MODE, str(max_mem)], capture_output=True, text=True, check=True
    )
    assert ("DFA out of memory" in run.stderr) == slow


def test_without_re2_every_rule_still_works() -> None:
    """The fallback on `re` passes the rules' own examples, and those of the bodies."""
    blocked = (
        "import sys; sys.modules['re2'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    tests = [str(Path(__file__).with_name(name)) for name in ("test_rules.py", "test_body.py")]
    run = subprocess.run(
        [sys.executable, "-c", blocked, "-q", "-p", "no:cacheprovider", *tests],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HYPOTHESIS_PROFILE": "default"},
    )
    assert run.returncode == 0, run.stdout[-2000:]
