"""The whole line on a GigE Vision camera: a station file, real processes, real packets."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from taktsight.image_files import encode_png
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.records import Outcome

from .gige_rig import StartGige, until
from .place import BRIGHTNESS, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import draw_part

TAKT_MS = 60


def show(place: Place, outcome: Outcome) -> str:
    """A folder for the camera to show: one part, again and again."""
    folder = place.folder / f"shown-{outcome.value}"
    folder.mkdir()
    (folder / "part.png").write_bytes(encode_png(draw_part(BRIGHTNESS[outcome])))
    return str(folder)


def station(place: Place, camera: GigeProcess, **values: Any) -> dict[str, Any]:
    """With most of the takt for each exposure: the machine that tests may be busy."""
    return {
        "cameras": [
            {"kind": "aravis", "device": camera.address, "exposure_us": 1000, "expose_within_ms": 50}
            | values
        ],
        "trigger": {"kind": "timer", "takt_ms": TAKT_MS},
        "repeats_allowed": ["camera"],
    }


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.REJECT, Outcome.REVIEW])
def test_part_in_front_of_the_camera_gets_its_verdict(
    outcome: Outcome, place: Place, start_gige: StartGige
) -> None:
    camera = start_gige("--images", show(place, outcome))
    file = place.write(**station(place, camera))
    ended = taktsight("run", file, "--parts", "30", "--no-live", timeout_s=120)
    assert ended.returncode == 0, ended.stderr
    outcomes = [said for _, said in place.gate()]
    assert len(outcomes) == 30
    assert set(outcomes) <= {outcome.value, "UNINSPECTED"}  # on a busy machine one may be exposed too late
    assert outcomes.count(outcome.value) >= 15, ended.stderr
    assert camera.tell()["exposures"] >= outcomes.count(outcome.value)


def test_parts_without_a_camera_are_uninspected_and_the_line_goes_on(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    camera = start_gige("--images", show(place, Outcome.PASS))
    line = start_line(place.write(**station(place, camera)), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5, timeout_s=60)
    for end, begin in ((camera.kill, camera.restart), (camera.hold, camera.go_on)):
        end()
        uninspected = line.meters["UNINSPECTED"]
        line.wait_until(lambda before=uninspected: line.meters["UNINSPECTED"] >= before + 20)  # type: ignore[misc]
        begin()
        passed = line.meters["PASS"]
        line.wait_until(lambda before=passed: line.meters["PASS"] >= before + 5)  # type: ignore[misc]
    assert line.meters["vision_restarts"] == 0
    status, _, err = line.stop()
    assert status == 0, err
    assert {outcome for _, outcome in assert_one_verdict_each(place, line)} == {"PASS", "UNINSPECTED"}
    reasons = {reason for row in place.rows("verdict") for reason in json.loads(row["reasons"])}
    assert any("camera: the camera is lost: no sign of life" in reason for reason in reasons)
    assert err.count("lost: no sign of life") >= 2
    assert err.count("back after") >= 2


def test_vision_that_was_killed_gets_its_camera_back(
    place: Place, start_gige: StartGige, start_line: StartLine
) -> None:
    """The camera is controlled by a process that is dead, until it has missed that for three seconds."""
    camera = start_gige("--images", show(place, Outcome.PASS))
    line = start_line(place.write(**station(place, camera)), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5, timeout_s=60)
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] >= passed + 5, timeout_s=60)
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)


def test_check_opens_the_camera_as_the_line_would(place: Place, start_gige: StartGige) -> None:
    camera = start_gige("--images", show(place, Outcome.PASS))
    checked = taktsight("check", place.write(**station(place, camera)), timeout_s=120)
    assert checked.returncode == 0, checked.stdout
    assert "vision" in checked.stdout
    wired = station(place, camera, trigger="hardware", trigger_source="Line1")
    checked = taktsight("check", place.write(**wired), timeout_s=120)
    assert checked.returncode == 0, checked.stdout
    assert "camera: is as asked for, and waits for its sensor: no frame was seen" in checked.stdout
    dark = station(place, camera, exposure_us=15)
    checked = taktsight("check", place.write(**dark), timeout_s=120)
    assert checked.returncode == 1
    assert "exposure_us 15 was asked for, the camera runs with 10" in checked.stdout


def test_line_does_not_start_without_its_camera(place: Place, start_gige: StartGige) -> None:
    camera = start_gige()
    camera.kill()
    ended = taktsight("run", place.write(**station(place, camera)), "--no-live", timeout_s=120)
    assert ended.returncode == 1
    assert f"camera 'camera': no camera answers at {camera.address}" in ended.stderr
    assert place.gate() == []


def test_cameras_are_listed_as_a_station_names_them(place: Place, start_gige: StartGige) -> None:
    serial = f"S{time.monotonic_ns() % 10**9}"
    camera = start_gige("--serial", serial, "--images", show(place, Outcome.PASS))
    listed = {}

    def is_listed() -> bool:
        ended = taktsight("cameras")
        listed["text"] = ended.stdout
        return ended.returncode == 0 and serial in ended.stdout

    until(is_listed, timeout_s=60)
    (mine,) = (block for block in listed["text"].split("  - ")[1:] if serial in block)
    assert mine.startswith(f"kind: aravis\n    device: {camera.address}   # Aravis Fake, GigE Vision")
