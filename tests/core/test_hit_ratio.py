"""The hit ratio of the last minutes."""

from sidecar.core.hit_ratio import SLOT, SLOTS, HitRatio


def test_only_the_last_minutes_count() -> None:
    """Nothing is no ratio; what is old is forgotten."""
    ratio = HitRatio()
    assert ratio.ratio(0.0) is None
    for number in range(4):
        ratio.count(number != 0, 10.0 * number)
    assert ratio.ratio(30.0) == 0.75
    ratio.count(False, SLOT * SLOTS - 1)
    assert ratio.ratio(SLOT * SLOTS - 1) == 0.6
    assert ratio.ratio(SLOT * SLOTS) == 0.0
    assert ratio.ratio(SLOT * SLOTS * 2) is None
