"""A line that fell behind gets back in step: a part without hope gives way to those behind it."""

from __future__ import annotations

from collections import deque

import pytest

from taktsight.inspect.triage import Triage


def fed(*durations_ns: int) -> Triage:
    triage = Triage()
    for duration_ns in durations_ns:
        triage.took(duration_ns)
    return triage


def test_part_whose_time_is_over_is_never_inspected() -> None:
    for younger_waits in (True, False):
        assert fed().is_hopeless(0, younger_waits=younger_waits)


def test_part_with_too_little_time_gives_way_to_a_younger_one_only() -> None:
    assert fed(30, 40, 35).is_hopeless(34, younger_waits=True)
    assert not fed(30, 40, 35).is_hopeless(36, younger_waits=True)
    assert not fed(30, 40, 35).is_hopeless(34, younger_waits=False)


def test_before_the_first_inspection_every_part_is_tried() -> None:
    assert not fed().is_hopeless(1, younger_waits=True)


def test_one_slow_inspection_condemns_nobody() -> None:
    assert not fed(30, 30, 5_000, 30).is_hopeless(40, younger_waits=True)


def test_estimate_that_slow_moments_have_spoilt_heals() -> None:
    triage = fed(*[500] * 9)
    for _ in range(5):
        assert not triage.is_hopeless(100, younger_waits=False)
        triage.took(30)
    assert not triage.is_hopeless(100, younger_waits=True)


@pytest.mark.parametrize("takt", [31, 33, 40])
def test_line_is_back_in_step_after_a_stall(takt: int) -> None:
    """A part takes 30, the deadline is 100; the 21st part takes 250."""
    triage, waiting = Triage(), deque(range(200))
    now, late = 0, []
    while waiting:
        trigger = waiting.popleft()
        now = max(now, trigger * takt)
        left = trigger * takt + 100 - now
        if triage.is_hopeless(left, younger_waits=bool(waiting) and waiting[0] * takt <= now):
            late.append(trigger)
            continue
        duration = 250 if trigger == 20 else 30
        now += duration
        triage.took(duration)
        if now > trigger * takt + 100:
            late.append(trigger)
    assert len(late) <= 8  # 250 ms are 6 to 8 parts
    assert max(late) < 30
