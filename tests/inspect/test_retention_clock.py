"""A wall clock that is wrong into the future: no image is as old as it says."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from taktsight.inspect.retention_clock import BELIEVED_S, RetentionClock

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def test_clock_that_goes_on_from_the_newest_record_is_believed() -> None:
    clock = RetentionClock(NOW - 3 * DAY)
    assert clock.age_at(NOW, 0.0) == NOW
    assert clock.age_at(NOW + DAY, 86_400.0) == NOW + DAY
    assert not clock.is_ahead


def test_first_start_has_nothing_to_go_by() -> None:
    clock = RetentionClock(None)
    assert clock.age_at(NOW, 0.0) == NOW
    assert not clock.is_ahead


def test_clock_far_ahead_of_the_newest_record_is_not_believed_for_an_hour() -> None:
    ahead = NOW + 3650 * DAY
    clock = RetentionClock(NOW)
    assert clock.age_at(ahead, 100.0) == NOW
    assert clock.is_ahead
    later_s = BELIEVED_S - 1
    assert clock.age_at(ahead + timedelta(seconds=later_s), 100.0 + later_s) == NOW + timedelta(
        seconds=later_s
    )
    assert clock.age_at(ahead + timedelta(seconds=BELIEVED_S), 100.0 + BELIEVED_S) == ahead + timedelta(
        seconds=BELIEVED_S
    )
    assert not clock.is_ahead


def test_clock_that_is_put_right_costs_no_image() -> None:
    clock = RetentionClock(NOW)
    clock.age_at(NOW + 3650 * DAY, 0.0)
    assert clock.age_at(NOW + timedelta(seconds=60), 60.0) == NOW + timedelta(seconds=60)
    assert not clock.is_ahead
    assert clock.age_at(NOW + 3650 * DAY, 2 * BELIEVED_S) < NOW + DAY, "it leapt while the line worked"
    assert clock.is_ahead


def test_clock_that_leaps_again_is_doubted_anew() -> None:
    clock = RetentionClock(NOW)
    clock.age_at(NOW + 30 * DAY, 0.0)
    assert clock.age_at(NOW + 90 * DAY, BELIEVED_S - 1) < NOW + DAY
    assert clock.age_at(NOW + 90 * DAY, BELIEVED_S + 1) < NOW + DAY, "not an hour with that time"


def test_clock_behind_the_newest_record_makes_nothing_old() -> None:
    clock = RetentionClock(NOW)
    assert clock.age_at(NOW - 3650 * DAY, 0.0) == NOW - 3650 * DAY
    assert clock.age_at(NOW + timedelta(seconds=60), 60.0) == NOW + timedelta(seconds=60)
    assert not clock.is_ahead
