"""The camera that is the trigger falls silent: parts go by that nobody counts, so the line holds."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taktsight.inspect.messages import Exposed, Watched
from taktsight.inspect.triggers.hold import MIN_HOLD_NS
from taktsight.inspect.triggers.presence import DUMB_NS, Presence
from taktsight.records import Outcome

from .field_rig import Rig, station_of
from .gige_rig import StartGige
from .place import Place
from .plc_peer import MakePlc, Plc
from .running_line import RunningLine, StartLine, assert_one_verdict_each
from .test_gige_line import show

MS = 1_000_000


def test_camera_is_lost_after_three_takts_without_a_frame_and_not_before_250_ms() -> None:
    for takt_ms, limit_ms in ((20.0, 250), (200.0, 600)):
        presence = Presence(takt_ms)
        presence.arm(0)
        assert presence.trouble(900 * MS) == "", "the belt may start later"
        presence.hear("", 900 * MS)
        presence.see(900 * MS)
        assert presence.next_due_ns() == (900 + limit_ms) * MS + 1
        assert presence.trouble((900 + limit_ms) * MS) == ""
        due_ns = (900 + limit_ms) * MS + 1
        assert presence.trouble(due_ns) == f"no frame for {limit_ms} ms, at a takt of {takt_ms:g} ms"
        assert presence.next_due_ns() != due_ns, "the line would look without end"
        presence.see(due_ns)
        assert presence.trouble(due_ns) == ""


def test_belt_without_a_takt_may_be_empty_for_hours() -> None:
    presence = Presence(None)
    presence.arm(0)
    presence.see(1)
    presence.hear("", 3_600_000 * MS)
    assert presence.trouble(3_600_000 * MS) == ""


def test_vision_that_says_nothing_of_the_camera_is_as_bad_as_one_that_is_gone() -> None:
    presence = Presence(None)
    presence.arm(0)
    presence.hear("", 5 * MS)
    assert presence.next_due_ns() == 5 * MS + DUMB_NS + 1
    assert presence.trouble(6 * MS + DUMB_NS) == "vision has not spoken of it for 1001 ms"
    presence.hear("", 7 * MS + DUMB_NS)
    assert presence.trouble(8 * MS + DUMB_NS) == ""
    presence.lose_vision(9 * MS + DUMB_NS)
    assert presence.trouble(10 * MS + DUMB_NS) == "vision is started anew"
    presence.hear("", 11 * MS + DUMB_NS)
    assert presence.trouble(12 * MS + DUMB_NS) == ""


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    """Parts by the frames of a camera, a gate behind a PLC, both as patient as a busy machine needs."""
    made: list[Rig] = []

    def make(plc: Plc, **trigger: Any) -> Rig:
        spoken = {"kind": "modbus_tcp", "host": "127.0.0.1", "port": plc.port, "serial_registers": 8}
        patient = {"poll_ms": 2, "answer_within_ms": 5000, "heartbeat_within_ms": 5000}
        station = station_of(
            tmp_path,
            cameras=[{"kind": "folder", "folder": "none", "repeat": True, "takt_ms": 50}],
            trigger={"kind": "camera", "camera": "camera"} | trigger,
            plc=spoken | patient,
            gate={"kind": "plc", "acknowledge_within_ms": 5000},
            deadline_ms=10_000,
        )
        made.append(Rig(station, lambda trigger: Outcome.PASS))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


class Sensor:
    """Of each part the PLC's own sensor tells the PLC, and the camera's frame tells the line."""

    def __init__(self, rig: Rig, plc: Plc) -> None:
        self._rig, self._plc, self._frames, self._parts = rig, plc, 0, 0

    def part(self, *, is_seen: bool = True) -> None:
        """A part comes by; where the camera is lost, nobody sees it."""
        self._plc.tell("part")
        self._parts += 1
        self._plc.wait_until(lambda: len(self._plc.told("part")) == self._parts)
        if is_seen:
            self._frames += 1
            arrived, now_ns = len(self._rig.arrivals), self._rig.now_ns()
            self._rig.field.take_in(Exposed("camera", self._frames, now_ns))
            self._rig.run_until(lambda: len(self._rig.arrivals) == arrived + 1)

    def say(self, lost: str) -> None:
        """Vision speaks of the camera."""
        self._rig.field.take_in(Watched("camera", lost))


def test_part_behind_a_gap_that_nobody_counted_never_gets_its_neighbours_verdict(
    make_plc: MakePlc, make_rig: MakeRig
) -> None:
    plc = make_plc()
    rig = make_rig(plc)
    sensor = Sensor(rig, plc)
    rig.arm()
    rig.run_until(lambda: plc.told("line") == [("on",)])
    sensor.part()
    rig.run_until(lambda: plc.codes() == {1: 1})
    sensor.say("it was unplugged")
    rig.run_until(lambda: plc.told("line") == [("on",), ("off",)])
    assert rig.field.held == "the trigger is lost: camera camera: it was unplugged"
    sensor.part(is_seen=False)  # the PLC counts it, and nobody else does
    sensor.say("")
    sensor.part()  # the camera is back, but the PLC does not count anew yet: which part is it?
    assert rig.arrivals[-1].unseen.startswith("the trigger is lost")

    def is_over() -> bool:
        sensor.say("")
        return rig.field.held == ""

    rig.run_until(is_over)
    rig.run_until(lambda: plc.told("line")[-1] == ("on",))
    assert plc.codes() == {1: 1}, "a part got a verdict that nobody may give"
    plc.tell("counter 0")  # as its program does where the state becomes 1
    sensor.part()
    rig.run_until(lambda: len(plc.told("take")) == 2)
    assert plc.told("take")[-1][:2] == ("1", "1"), "not its own number"
    assert rig.outcomes() == [(1, "PASS"), (2, "UNINSPECTED"), (3, "PASS")]
    assert rig.counts["trigger_outages"] == 1
    assert rig.faults[0] == "held: the trigger is lost: camera camera: it was unplugged"
    assert any(fault.startswith("the trigger is back after") for fault in rig.faults)


def test_hold_lasts_long_enough_for_the_plc_to_see_it(make_plc: MakePlc, make_rig: MakeRig) -> None:
    plc = make_plc()
    rig = make_rig(plc)
    sensor = Sensor(rig, plc)
    rig.arm()
    rig.run_until(lambda: plc.told("line") == [("on",)])
    began_ns = rig.now_ns()
    sensor.say("it hiccuped")
    rig.step()
    sensor.say("")
    rig.run_until(lambda: plc.told("line") == [("on",), ("off",)])

    def is_over() -> bool:
        sensor.say("")
        return rig.field.held == ""

    rig.run_until(is_over)
    assert rig.now_ns() - began_ns >= MIN_HOLD_NS


def test_camera_that_stays_away_stops_the_line_where_the_station_says_so(
    make_plc: MakePlc, make_rig: MakeRig
) -> None:
    plc = make_plc()
    rig = make_rig(plc, max_outage_s=0.2)
    rig.arm()
    Sensor(rig, plc).say("it was unplugged")
    rig.run_until(lambda: rig.failure)
    assert "camera camera: it was unplugged; for 0." in str(rig.failure)
    assert "trigger.max_outage_s is over" in str(rig.failure)


def parts_until(line: RunningLine, sensor: Callable[[], object], done: Callable[[], bool]) -> None:
    """Parts come by, one after the other was judged, until it is so."""

    def look() -> bool:
        if done():
            return True
        if not line.meters["open_parts"]:
            sensor()
        return False

    line.wait_until(look, timeout_s=60)


def alarm_is_on(line: RunningLine) -> bool:
    return line.meters["trigger_lost"] == 1 and line.meters["alarm_camera_lost_since_ns"] > 0


def test_gige_camera_on_a_wire_is_the_trigger_and_the_line_holds_while_it_is_gone(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    camera = start_gige("--images", show(place, Outcome.PASS))
    wired = {
        "kind": "aravis", "device": camera.address, "exposure_us": 1000, "trigger": "hardware",
        "trigger_source": "Line1", "expose_before_ms": 100, "expose_within_ms": 100,
    }  # fmt: skip
    station = place.write(
        cameras=[wired], trigger={"kind": "camera", "camera": "camera"}, repeats_allowed=["camera"],
        deadline_ms=5000,
    )  # fmt: skip
    line = start_line(station, "--live")

    def sensor() -> None:
        camera.tell(fire=1)

    parts_until(line, sensor, lambda: line.meters["PASS"] >= 5)
    for end, begin in ((camera.hold, camera.go_on), (camera.kill, camera.restart)):
        end()
        line.wait_until(lambda: alarm_is_on(line))
        begin()
        line.wait_until(lambda: line.meters["trigger_lost"] == 0, timeout_s=60)
        passed = line.meters["PASS"]
        parts_until(line, sensor, lambda passed=passed: line.meters["PASS"] >= passed + 3)  # type: ignore[misc]
    status, out, err = line.stop()
    assert status == 0, err
    assert line.meters["trigger_outages"] == 2
    assert line.meters["vision_restarts"] == 0
    assert_one_verdict_each(place, line)
    said = [json.loads(row["reasons"])[0] for row in place.rows("fault")]
    held = "held: the trigger is lost: camera camera: the camera is lost: no sign of life"
    assert sum(reason.startswith(held) for reason in said) == 2
    assert sum(reason.startswith("alarm camera_lost: the trigger is lost") for reason in said) >= 1
    assert sum(reason.startswith("the trigger is back after") for reason in said) == 2
    assert "HELD: the camera that is the trigger is lost" in out + err


def test_vision_that_hangs_is_missed_though_no_part_waits_for_it(
    place: Place, start_line: StartLine
) -> None:
    images = [{"kind": "folder", "folder": "images", "repeat": True, "takt_ms": 50}]
    line = start_line(
        place.write(cameras=images, trigger={"kind": "camera", "camera": "camera"}), "--no-live"
    )
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    line.send("vision", signal.SIGSTOP)
    line.wait_until(lambda: alarm_is_on(line))
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 2)
    assert line.meters["trigger_lost"] == 0
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)


def test_line_stops_loudly_where_the_trigger_may_not_be_away(place: Place, start_line: StartLine) -> None:
    images = [{"kind": "folder", "folder": "images", "repeat": True, "takt_ms": 50}]
    trigger = {"kind": "camera", "camera": "camera", "max_outage_s": 0}
    line = start_line(place.write(cameras=images, trigger=trigger), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    line.kill("vision")
    status, _, err = line.wait()
    assert status == 1
    assert "the trigger is lost: camera camera: vision is started anew" in err
    assert_one_verdict_each(place, line)
