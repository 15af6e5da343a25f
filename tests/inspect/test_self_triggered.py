"""A camera that its sensor triggers is the trigger; and the belt, where its way is."""

from __future__ import annotations

from collections import Counter

import pytest

from taktsight.inspect.belt import Belt
from taktsight.inspect.messages import Exposed
from taktsight.inspect.notes import Notes
from taktsight.inspect.triggers.camera import CameraTrigger
from taktsight.inspect.triggers.encoder import EncoderTrigger
from taktsight.inspect.triggers.settings import CameraTriggerSettings, EncoderTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival, Trigger

from .place import EXPECTED, Place
from .running_line import StartLine, taktsight

MS = 1_000_000


class Heard:
    """What a trigger had to say."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.notes = Notes(self.faults.append, self._count)

    def _count(self, name: str, count: int) -> None:
        self.counts[name] += count


def taken(trigger: Trigger) -> list[Arrival]:
    arrivals = []
    while (arrival := trigger.fire(0)) is not None:
        arrivals.append(arrival)
    return arrivals


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def camera(heard: Heard) -> CameraTrigger:
    settings = CameraTriggerSettings(kind="camera", camera="top", min_takt_ms=5)
    trigger = CameraTrigger(settings, heard.notes)
    trigger.arm(0, None)
    return trigger


def test_frame_of_the_leading_camera_is_a_part_and_no_other_is(camera: CameraTrigger) -> None:
    camera.exposed(Exposed("top", 7, 100), 0)
    camera.exposed(Exposed("side", 7, 101), 0)
    assert taken(camera) == [Arrival(100)]


def test_frames_that_did_not_arrive_are_parts_that_nobody_saw(camera: CameraTrigger, heard: Heard) -> None:
    camera.exposed(Exposed("top", 7, 100 * MS), 0)
    camera.exposed(Exposed("top", 10, 200 * MS), 0)
    first, *lost, last = taken(camera)
    assert (first, last) == (Arrival(100 * MS), Arrival(200 * MS))
    why = "the trigger was lost: 2 frames of camera top did not arrive"
    assert lost == [Arrival(100 * MS, unseen=why)] * 2
    assert heard.counts == {"lost_triggers": 2}


def test_second_frame_of_a_part_is_a_bounce(camera: CameraTrigger, heard: Heard) -> None:
    camera.exposed(Exposed("top", 1, 100 * MS), 0)
    camera.exposed(Exposed("top", 2, 103 * MS), 0)
    assert len(taken(camera)) == 1
    assert heard.counts == {"bounces": 1}


@pytest.mark.parametrize("after", [7, 3, 90_000])
def test_count_that_stands_or_goes_back_is_said(camera: CameraTrigger, heard: Heard, after: int) -> None:
    camera.exposed(Exposed("top", 7, 100 * MS), 0)
    camera.exposed(Exposed("top", after, 200 * MS), 0)
    assert heard.faults == [f"camera top: after frame 7 came {after}"]
    assert taken(camera) == [Arrival(100 * MS), Arrival(200 * MS)]


def test_camera_of_a_new_vision_may_count_from_0(camera: CameraTrigger, heard: Heard) -> None:
    camera.exposed(Exposed("top", 7, 100 * MS), 0)
    camera.begin_anew(0)
    camera.exposed(Exposed("top", 1, 200 * MS), 0)
    assert heard.faults == []
    assert len(taken(camera)) == 2


def test_marks_of_the_belt_are_parts(heard: Heard) -> None:
    belt = Belt(0.5)
    belt.run(0, 0)
    trigger = EncoderTrigger(EncoderTriggerSettings(kind="encoder", every_mm=10), belt, heard.notes)
    trigger.arm(0, None)
    for moment in range(1, 101):
        belt.run(1, moment * MS)
    assert [arrival.triggered_ns for arrival in taken(trigger)] == [
        moment * MS for moment in (19, 39, 59, 79, 99)
    ]


def test_belt_that_runs_back_passes_a_mark_once(heard: Heard) -> None:
    belt = Belt(1.0)
    belt.run(0, 0)
    trigger = EncoderTrigger(EncoderTriggerSettings(kind="encoder", every_mm=10), belt, heard.notes)
    trigger.arm(0, None)
    for moment, counts in enumerate((11, -5, 5, -11, 12), start=1):
        belt.run(counts, moment)
    assert len(taken(trigger)) == 1


def test_marks_that_passed_between_two_samples_are_lost_parts(heard: Heard) -> None:
    belt = Belt(1.0)
    belt.run(0, 0)
    trigger = EncoderTrigger(EncoderTriggerSettings(kind="encoder", every_mm=10), belt, heard.notes)
    trigger.arm(0, None)
    belt.run(35, 1)
    assert [bool(arrival.unseen) for arrival in taken(trigger)] == [True, True, False]
    belt.run(1_000_000, 2)
    assert taken(trigger) == []
    assert "which no belt does" in heard.faults[0]


def test_belt_knows_where_it_was_and_forgets_when_nobody_counted() -> None:
    belt = Belt(2.0)
    belt.run(0, 0)
    belt.run(5, 100)
    belt.run(0, 150)
    belt.run(5, 200)
    assert [belt.position_at_mm(at) for at in (0, 99, 100, 199, 200, 999)] == [0, 0, 10, 10, 20, 20]
    belt.lose("the PLC was gone")
    belt.run(0, 300)
    assert belt.position_at_mm(299) is None
    assert belt.position_at_mm(300) == 20


def self_triggered(place: Place, **values: object) -> dict[str, object]:
    return {
        "cameras": [{"kind": "folder", "folder": "images", "repeat": True, "takt_ms": 50}],
        "trigger": {"kind": "camera", "camera": "camera", "parts": 20} | values,
    }


def test_line_follows_its_camera(place: Place) -> None:
    ended = taktsight("run", place.write(**self_triggered(place)))
    assert ended.returncode == 0, ended.stderr
    rows = place.rows("verdict")
    assert [row["trigger"] for row in rows] == list(range(1, 21))
    for row in rows:
        image = int(row["serial"].removeprefix("part_").removesuffix(".png"))
        assert row["outcome"] == EXPECTED[image - 1], "another part's frame"


def test_vision_that_is_lost_is_followed_again(place: Place, start_line: StartLine) -> None:
    line = start_line(place.write(**self_triggered(place, parts=None)), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 2)
    status, _, err = line.stop()
    assert status == 0, err
    stopped, held, back = place.faults()
    assert (stopped, held) == (
        "vision stopped",
        "held: the trigger is lost: camera camera: vision is started anew",
    )
    assert back.startswith("the trigger is back after")


def test_camera_that_never_says_that_it_exposed_is_refused(place: Place) -> None:
    ended = taktsight("run", place.write(trigger={"kind": "camera", "camera": "camera"}))
    assert ended.returncode == 2
    assert "trigger.camera 'camera': no view uses it, or it never says that it exposed" in ended.stderr
    ended = taktsight("run", place.write(trigger={"kind": "camera", "camera": "side"}))
    assert "trigger.camera 'side': the cameras are camera" in ended.stderr
