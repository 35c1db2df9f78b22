"""The mode and who limits it."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.modes import Mode, Resolution, Source, base_mode, resolve

OFF, WRITE_ONLY, READ_WRITE = Mode
MODES = st.sampled_from(Mode)


@pytest.mark.parametrize(
    ("write", "read", "mode"),
    [
        (False, False, OFF),
        (False, True, OFF),
        (True, False, WRITE_ONLY),
        (True, True, READ_WRITE),
    ],
)
def test_base_mode(write: bool, read: bool, mode: Mode) -> None:
    """Reading needs writing."""
    assert base_mode(write=write, read=read) is mode


def test_names_and_numbers() -> None:
    """As operators script them and dashboards query them."""
    assert [(m.label, m.value) for m in Mode] == [("off", 0), ("write_only", 1), ("read_write", 2)]
    assert {s.value for s in Source} == {
        "base", "override", "forced", "guard", "auth", "invalid_override"
    }  # fmt: skip


@pytest.mark.parametrize("base", Mode)
@pytest.mark.parametrize("override", [None, *Mode])
def test_case_07_every_combination(base: Mode, override: Mode | None) -> None:
    """Effective is the minimum of what is requested, forced, and what the guard allows."""
    requested = OFF if base is OFF else base if override is None else override
    for forced, guard, auth in product([None, *Mode], Mode, Mode):
        found = resolve(base, override, forced=forced, guard=guard, auth=auth)
        lowering = [guard, auth] if forced is None else [forced, guard, auth]
        assert found.effective is min([requested, *lowering])


@given(
    st.permutations(["override", "forced", "guard", "auth"]),
    st.fixed_dictionaries(dict.fromkeys(("override", "forced", "guard", "auth"), MODES)),
)
def test_case_07_the_order_of_events_is_irrelevant(
    order: list[str], values: dict[str, Mode]
) -> None:
    """However one gets to a set of sources, the result is that of the set."""
    known: dict[str, Mode] = {}
    for name in order:
        known[name] = values[name]
        found = resolve(READ_WRITE, **known)  # type: ignore[arg-type]
        for other in permutations(known):
            assert resolve(READ_WRITE, **{n: known[n] for n in other}) == found  # type: ignore[arg-type]


@given(MODES, st.none() | MODES, st.booleans(), st.none() | MODES, MODES, MODES)
def test_limited_by_names_who_keeps_it_low(
    base: Mode,
    override: Mode | None,
    invalid: bool,
    forced: Mode | None,
    guard: Mode,
    auth: Mode,
) -> None:
    """Named are all whose own limit is the effective mode, and nobody in read_write."""
    found = resolve(base, override, override_invalid=invalid, forced=forced, guard=guard, auth=auth)
    assert bool(found.limited_by) is (found.effective is not READ_WRITE)
    own = {
        Source.BASE: base,
        Source.OVERRIDE: override,
        Source.FORCED: forced,
        Source.GUARD: guard,
        Source.AUTH: auth,
        Source.INVALID_OVERRIDE: WRITE_ONLY if invalid else READ_WRITE,
    }
    assert all(own[source] is found.effective for source in found.limited_by)
    assert not {Source.BASE, Source.OVERRIDE} <= {*found.limited_by}
    for source in own.keys() - {*found.limited_by, Source.BASE, Source.OVERRIDE}:
        mode = own[source]
        assert mode is None or mode > found.effective or found.effective is READ_WRITE


@pytest.mark.parametrize(
    ("found", "mode", "limited_by"),
    [
        (resolve(READ_WRITE), READ_WRITE, ()),
        (resolve(WRITE_ONLY), WRITE_ONLY, (Source.BASE,)),
        (resolve(WRITE_ONLY, READ_WRITE), READ_WRITE, ()),
        (resolve(OFF, READ_WRITE), OFF, (Source.BASE,)),
        (resolve(READ_WRITE, WRITE_ONLY), WRITE_ONLY, (Source.OVERRIDE,)),
        (resolve(WRITE_ONLY, WRITE_ONLY), WRITE_ONLY, (Source.OVERRIDE,)),
        (resolve(READ_WRITE, override_invalid=True), WRITE_ONLY, (Source.INVALID_OVERRIDE,)),
        (
            resolve(WRITE_ONLY, override_invalid=True),
            WRITE_ONLY,
            (Source.BASE, Source.INVALID_OVERRIDE),
        ),
        (resolve(READ_WRITE, OFF, guard=WRITE_ONLY), OFF, (Source.OVERRIDE,)),
        (resolve(READ_WRITE, READ_WRITE, guard=WRITE_ONLY), WRITE_ONLY, (Source.GUARD,)),
        (
            resolve(READ_WRITE, forced=WRITE_ONLY, auth=WRITE_ONLY),
            WRITE_ONLY,
            (Source.FORCED, Source.AUTH),
        ),
        (resolve(READ_WRITE, forced=OFF, guard=WRITE_ONLY), OFF, (Source.FORCED,)),
    ],
)
def test_resolve(found: Resolution, mode: Mode, limited_by: tuple[Source, ...]) -> None:
    """The contract's rule, row by row."""
    assert found == (mode, limited_by)


def test_case_10_an_override_cannot_raise_what_the_guard_lowered() -> None:
    """Nor can it raise off when FLAG_ZEP_WRITE is false."""
    assert resolve(READ_WRITE, READ_WRITE, guard=WRITE_ONLY).effective is WRITE_ONLY
    assert resolve(OFF, READ_WRITE).effective is OFF
