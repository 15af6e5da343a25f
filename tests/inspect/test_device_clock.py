"""A camera's own time, and its own count, as the line's."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.inspect.cameras.device_clock import KEPT_NS, DeviceClock, FrameCounter
from taktsight.inspect.cameras.wall_clock import WallClock

MS = 1_000_000
FASTEST_NS = 2 * MS
"""The quickest way of a frame."""
AHEAD_NS = -3_600_000_000_000


def exposures(
    *, drift_ppm: float = 0.0, count: int = 600, period_ns: int = 100 * MS
) -> list[tuple[int, int, int]]:
    """Of a camera whose clock is an hour behind: exposed, that by its clock, arrived after 2 ms or more."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(1, count + 1):
        exposed_ns = number * period_ns
        device_ns = round(exposed_ns * (1 + drift_ppm / 1e6)) + AHEAD_NS
        frames.append((exposed_ns, device_ns, exposed_ns + FASTEST_NS + round(rng.exponential(5 * MS))))
    return frames


def errors_ms(clock: DeviceClock, frames: list[tuple[int, int, int]]) -> list[float]:
    return [(clock.exposed_ns(device, arrived) - exposed) / 1e6 for exposed, device, arrived in frames]


def test_time_is_late_by_the_quickest_way_and_hardly_more() -> None:
    errors = errors_ms(DeviceClock(100 * MS), exposures())
    assert min(errors) >= 2.0
    assert max(errors[50:]) < 2.5


def test_clocks_that_drift_apart_stay_together_within_half_a_millisecond() -> None:
    for drift_ppm in (-50, 50):
        errors = errors_ms(DeviceClock(100 * MS), exposures(drift_ppm=drift_ppm))
        assert min(errors[50:]) > 1.4
        assert max(errors[50:]) < 2.7


def test_frame_is_never_younger_than_its_arrival() -> None:
    clock = DeviceClock(100 * MS)
    assert clock.exposed_ns(5_000, 1_000_000) == 1_000_000
    assert clock.exposed_ns(9_000_000, 1_000_500) <= 1_000_500


def test_held_up_frame_keeps_its_time() -> None:
    clock, frames = DeviceClock(100 * MS), exposures(count=60)
    errors_ms(clock, frames[:-1])
    exposed, device, _ = frames[-1]
    assert abs(clock.exposed_ns(device, exposed + 800 * MS) - exposed) < 3 * MS


def test_answer_of_the_camera_is_exact() -> None:
    clock = DeviceClock(100 * MS)
    clock.note_answer(AHEAD_NS + 500, 0, 1_000)
    assert max(map(abs, errors_ms(clock, exposures(count=100)))) < 0.001


def test_old_answer_counts_no_more() -> None:
    clock, frames = DeviceClock(100 * MS), exposures()
    clock.note_answer(AHEAD_NS + 500, 0, 1_000)
    errors = errors_ms(clock, frames)
    assert abs(errors[250]) < 0.001
    assert errors[-1] >= 2.0


def test_answer_of_another_clock_than_the_frames_is_not_believed() -> None:
    for off_ns in (-150 * MS, 10 * MS):
        clock = DeviceClock(100 * MS)
        clock.note_answer(AHEAD_NS + 500 - off_ns, 0, 1_000)
        errors = errors_ms(clock, exposures(count=200))
        assert min(errors) >= 2.0
        assert max(errors[50:]) < 2.5


def test_camera_that_was_set_back_is_followed_once_old_arrivals_are_forgotten() -> None:
    clock, frames = DeviceClock(100 * MS), exposures()
    errors_ms(clock, frames[:300])
    set_back = [(exposed, device - 2_000 * MS, arrived) for exposed, device, arrived in frames[300:]]
    errors = errors_ms(clock, set_back)
    assert errors[0] < -1_000  # as if it were old: it is no part's
    followed = KEPT_NS // (100 * MS) + 60
    assert 2.0 <= max(errors[followed:]) < 2.5


def test_frame_without_a_time_took_as_long_as_the_one_before() -> None:
    clock = DeviceClock(100 * MS)
    clock.note_answer(0, 0, 0)
    clock.exposed_ns(100 * MS, 107 * MS)
    assert clock.guessed_ns(207 * MS) == 200 * MS


def test_numbers_go_on_where_the_camera_begins_again() -> None:
    counter = FrameCounter()
    counts = [counter.count(number) for number in (65_533, 65_534, 65_535, 1, 2)]
    assert np.diff(counts).tolist() == [1, 1, 1, 1]


def test_lost_frames_leave_a_gap_and_a_frame_that_comes_twice_has_its_number_twice() -> None:
    counter = FrameCounter()
    counts = [counter.count(number) for number in (7, 8, 11, 11, 65_534, 3)]
    assert np.diff(counts).tolist() == [1, 3, 0, 65_523, 4]


def test_numbers_beyond_16_bits_are_counted_on() -> None:
    counter = FrameCounter()
    counts = [counter.count(number) for number in (0, 1, 65_535, 65_536, 65_537, 2**40)]
    assert np.diff(counts).tolist() == [1, 65_534, 1, 1, 2**40 - 65_537]


def test_no_number_comes_again_after_the_camera_was_opened_again() -> None:
    counter = FrameCounter()
    before = [counter.count(number) for number in (500, 501)]
    counter.begin_anew()
    assert counter.count(1) > before[-1] + 1


@pytest.mark.parametrize("step", [200 * MS, -200 * MS, 3_600_000 * MS])
def test_wall_clock_that_was_set_while_a_frame_came_in_makes_it_no_older(step: int) -> None:
    """20 ms before it was whole its first packet came; then somebody set the clock."""
    wall = WallClock(2_000 * MS)
    ages = []
    for takt in range(40):
        now_ns, wall_ns = takt * 100 * MS, takt * 100 * MS + (step if takt >= 10 else 0)
        noted_ns = wall_ns - 20 * MS - (step if takt == 10 else 0)
        ages.append(wall.age_ns(noted_ns, wall_ns, now_ns))
    assert set(ages[:10]) == {20 * MS} == set(ages[-5:])
    assert ages[10] == 0
    assert max(ages) == 20 * MS


def test_wall_clock_that_was_set_before_the_frame_was_whole_is_noticed_at_the_look_between() -> None:
    wall = WallClock(2_000 * MS)
    wall.look(0, 0)
    wall.look(150 * MS, 50 * MS)  # set forward by 100 ms, after the first packet at 40
    assert wall.age_ns(40 * MS, 160 * MS, 60 * MS) == 0
