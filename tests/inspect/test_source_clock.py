"""When a frame was exposed, by the clock of the camera that made it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.source_clock import SETTLING_FRAMES, SETTLING_NS, SourceClock

MS = 1_000_000
PERIOD_NS = 40 * MS
BOOT_NS = 7_000_000_000_000
"""What the monotonic clock shows where the camera's shows 0."""


def clock(*, delay_ms: int = 0, settles: bool = False) -> SourceClock:
    return SourceClock(delay_ms * MS, settles=settles)


def test_frame_that_was_held_up_on_its_way_keeps_its_time() -> None:
    dates = clock(delay_ms=5)
    for frame in range(100):
        held_up_ns = 300 * MS if frame == 60 else 0
        source_ns = frame * PERIOD_NS
        dated = dates.date(source_ns, BOOT_NS + source_ns + 5 * MS + held_up_ns)
        assert 0 <= dated.captured_ns - BOOT_NS - source_ns < 1 * MS
        assert dated.fault == ""


def test_jitter_of_the_way_never_makes_a_frame_older_than_it_is_and_is_taken_out_soon() -> None:
    dates, rng = clock(), np.random.default_rng(0)
    errors_ns = []
    for frame in range(1000):
        source_ns = frame * PERIOD_NS
        arrived_ns = BOOT_NS + source_ns + int(rng.exponential(10 * MS))
        errors_ns.append(dates.date(source_ns, arrived_ns).captured_ns - BOOT_NS - source_ns)
    assert min(errors_ns) >= 0
    assert max(errors_ns[100:]) < 2 * MS


def test_clocks_that_drift_apart_stay_together_within_a_millisecond() -> None:
    for parts_per_million in (-100, 100, 400):
        dates = clock()
        for frame in range(5000):
            at_ns = frame * PERIOD_NS
            dated = dates.date(at_ns + at_ns * parts_per_million // 1_000_000, BOOT_NS + at_ns)
            assert abs(dated.captured_ns - BOOT_NS - at_ns) <= 1 * MS


def test_stream_that_falls_behind_for_good_is_never_taken_for_fresh() -> None:
    """Frames that wait in a queue on the way, ever more of them: none may pass for younger than it is."""
    errors_ns: list[int] = []
    with pytest.raises(CameraError, match="ms late, or its clock has slipped"):
        errors_ns.extend(_errors_falling_behind(clock()))
    assert max(errors_ns) < 20 * MS


def _errors_falling_behind(dates: SourceClock) -> Iterator[int]:
    """For a minute, frames that come 10 ms later with every second."""
    for source_ns in range(0, 60_000 * MS, PERIOD_NS):
        dated = dates.date(source_ns, BOOT_NS + source_ns + source_ns // 100)
        yield dated.captured_ns - BOOT_NS - source_ns


def test_stream_that_was_held_up_once_is_kept() -> None:
    dates = clock()
    for frame in range(200):
        source_ns = frame * PERIOD_NS
        arrived_ns = max(source_ns, 80 * PERIOD_NS) if 60 < frame < 80 else source_ns
        assert dates.date(source_ns, BOOT_NS + arrived_ns).fault == ""


def test_time_that_stands_still_is_a_frame_that_came_again() -> None:
    dates = clock()
    assert dates.date(PERIOD_NS, BOOT_NS).fault == ""
    assert "came again" in dates.date(PERIOD_NS, BOOT_NS + PERIOD_NS).fault
    assert dates.date(2 * PERIOD_NS, BOOT_NS + PERIOD_NS).fault == ""


def test_clock_that_was_set_back_is_learned_anew() -> None:
    dates = clock()
    for frame in range(50):
        dates.date(10**12 + frame * PERIOD_NS, BOOT_NS + frame * PERIOD_NS)
    later_ns = BOOT_NS + 50 * PERIOD_NS
    assert dates.date(5, later_ns).captured_ns == later_ns


def test_stream_that_begins_with_frames_that_waited_is_not_believed_yet() -> None:
    """They come in a burst, the oldest 400 ms late: by its arrival it would be of now."""
    dates, believed = clock(settles=True), []
    for frame in range(40):
        source_ns = frame * PERIOD_NS
        arrived_ns = BOOT_NS + max(source_ns, 10 * PERIOD_NS)
        dated = dates.date(source_ns, arrived_ns)
        if not dated.fault:
            believed.append(dated.captured_ns - BOOT_NS - source_ns)
            assert frame >= SETTLING_FRAMES
            assert arrived_ns - BOOT_NS >= 10 * PERIOD_NS + SETTLING_NS
    assert believed
    assert set(believed) == {0}
