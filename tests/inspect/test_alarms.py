"""When an alarm is raised and when it is over, by a clock that the test winds."""

from __future__ import annotations

import os
from typing import Any

import pytest

from taktsight.inspect.alarm_settings import AlarmSettings
from taktsight.inspect.alarms import Alarms
from taktsight.inspect.meters import ALARMS, STATES, Meters, size_meters

SECOND_NS = 1_000_000_000
START_NS = 1000 * SECOND_NS


class Watch:
    """Alarms over meters that the test sets."""

    def __init__(self, **settings: Any) -> None:
        descriptor = os.memfd_create("meters")
        size_meters(descriptor)
        self.meters = Meters(descriptor)
        os.close(descriptor)
        self.meters["state"] = STATES.index("armed")
        self.written: list[str] = []
        self.alarms = Alarms(AlarmSettings(**settings), self.meters, self.written.append)
        self.now_ns = START_NS

    def after(self, seconds: float, plc_trouble: str = "", **meters: int) -> set[str]:
        """Sets meters, looks so much later; the alarms that are on then."""
        for name, value in meters.items():
            self.meters[name] = value
        self.now_ns += round(seconds * SECOND_NS)
        self.alarms.look(self.now_ns, plc_trouble)
        return {name for name in ALARMS if self.meters[f"alarm_{name}_since_ns"]}


@pytest.mark.parametrize(
    ("meter", "alarm"),
    [
        ("vision_restarts", "vision_restarted"),
        ("deadline_misses", "deadline_missed"),
        ("late_results", "deadline_missed"),
        ("withdrawn", "deadline_missed"),
        ("images_shed", "images_shed"),
        ("health_alarms", "health_alarm"),
        ("out_of_band", "health_alarm"),
    ],
)
def test_what_has_happened_is_an_alarm_until_it_has_not_happened_for_some_time(
    meter: str, alarm: str
) -> None:
    watch = Watch(hold_s=10)
    assert watch.after(1) == set()
    assert watch.after(1, "", **{meter: 1}) == {alarm}
    assert watch.after(9) == {alarm}
    assert watch.after(0.5, "", **{meter: 2}) == {alarm}
    assert watch.after(9) == {alarm}
    assert watch.after(2) == set()
    assert watch.meters[f"alarm_{alarm}_times"] == 1


def test_alarm_says_since_when() -> None:
    watch = Watch()
    watch.after(1, golden_held=1)
    since_ns = watch.meters["alarm_golden_due_since_ns"]
    watch.after(30)
    assert watch.meters["alarm_golden_due_since_ns"] == since_ns == START_NS + SECOND_NS


def test_plc_and_golden_parts_are_written_by_those_who_know_more() -> None:
    watch = Watch(hold_s=1)
    on = watch.after(1, plc_trouble="plc: no heartbeat", golden_held=1, vision_restarts=1)
    assert on == {"plc_lost", "golden_due", "vision_restarted"}
    assert watch.meters["plc_lost"] == 1
    assert watch.after(2, golden_held=0) == set()
    assert watch.written == []


def test_alarm_that_comes_and_goes_does_not_fill_the_ledger() -> None:
    watch = Watch(hold_s=60)
    for _ in range(100):
        assert watch.after(0.3, missing_in_a_row=3) == {"camera_lost"}
        assert watch.after(0.3, missing_in_a_row=0) == set()
    assert watch.meters["alarm_camera_lost_times"] == 100
    assert watch.written == [
        "alarm camera_lost: 3 parts in a row lack a view",
        "alarm camera_lost: over after 0.3 s",
    ]
    watch.after(60, missing_in_a_row=3)
    assert len(watch.written) == 3


def test_share_of_the_last_minute_counts_and_not_that_of_the_shift() -> None:
    watch = Watch(uninspected_share=0.1)
    passed = 0
    for _ in range(600):
        passed += 10
        assert watch.after(1, PASS=passed) == set()
    assert watch.after(1, PASS=passed, UNINSPECTED=60) == set()  # 60 of the minute's 650
    assert watch.after(1, PASS=passed, UNINSPECTED=80) == {"escapes_unknown"}
    for _ in range(62):
        passed += 10
        watch.after(1, PASS=passed)
    assert watch.after(1, PASS=passed) == set()
    assert watch.written[0].startswith("alarm escapes_unknown: 80 of the last")


def test_few_parts_say_nothing_of_a_share() -> None:
    watch = Watch(uninspected_of_parts=20)
    watch.after(1)
    assert watch.after(1, UNINSPECTED=19) == set()
    assert watch.after(1, UNINSPECTED=20) == {"escapes_unknown"}


def test_ledger_that_takes_nothing_is_behind_and_one_that_takes_little_is_not() -> None:
    watch = Watch(ledger_behind_s=2)
    watch.after(1, entries=5, acknowledged=5)
    for taken in range(6, 20):
        assert watch.after(1.5, entries=1000, acknowledged=taken) == set()
    assert watch.after(2.1) == {"ledger_behind"}
    assert watch.after(1, acknowledged=20) == set()
    assert watch.after(1, entries=20) == set()
    assert watch.after(100) == set()  # nothing waits


def test_disk_is_at_its_reserve_once_the_recorder_has_looked() -> None:
    watch = Watch()
    assert watch.after(1) == set()
    assert watch.after(1, disk_free_bytes=1 << 40, disk_reserve_bytes=500_000_000) == set()
    assert watch.after(1, disk_free_bytes=400_000_000) == {"disk_reserve"}
    assert watch.after(1, disk_reserve_bytes=0) == set()  # the station leaves none


def test_what_the_quality_watch_says_is_an_alarm_as_long_as_it_says_it() -> None:
    watch = Watch()
    watch.alarms.look(START_NS, "", "", {"drift": "drift: focus fell"})
    assert watch.meters["alarm_drift_since_ns"] == START_NS
    watch.alarms.look(START_NS + SECOND_NS, "", "", {"unwatched": "who watches has ended"})
    assert watch.meters["alarm_drift_since_ns"] == 0
    assert watch.written == [
        "alarm drift: drift: focus fell",
        "alarm drift: over after 1.0 s",
        "alarm unwatched: who watches has ended",
    ]


def test_line_that_is_not_armed_raises_none() -> None:
    watch = Watch()
    watch.meters["state"] = STATES.index("stopping")
    assert watch.alarms.next_look_ns() is None
    assert watch.after(1, golden_held=1, vision_restarts=3) == set()
