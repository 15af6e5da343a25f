"""Frames that show no part, through a running line: each is UNINSPECTED, and its neighbours are not."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from taktsight.image_files import encode_png
from taktsight.inspect.health_learning import learn
from taktsight.records import Outcome

from .camera_faults import install, seen_by_sensor
from .place import BRIGHTNESS, EXPECTED, OUTCOMES, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import draw_part

SIDE_PX = 128
FAULTY_PARTS = int(os.environ.get("TAKTSIGHT_TEST_FAULTY_PARTS", "400"))
"""100000 for a quarter of an hour."""
FAULTY_TAKT_MS = 8
UNDER_LOAD = ("late", "vision is busy")
"""Why a good part of a machine that others use may be UNINSPECTED too."""


@pytest.fixture
def sensor(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose images are large enough for a sensor's noise to tell their rows apart."""
    for number, outcome in enumerate(OUTCOMES, start=1):
        image = draw_part(BRIGHTNESS[outcome], size_px=SIDE_PX)
        (place.folder / "images" / f"part_{number}.png").write_bytes(encode_png(image))
    monkeypatch.setenv("TAKTSIGHT_TEST_CAMERA_PLAN", "")
    place.station["deadline_ms"] = 3000
    return place


def run_with(
    place: Place, plan: Mapping[int, str], start_line: StartLine, parts: int, **station: Any
) -> dict[int, tuple[str, str]]:
    """Runs a line to its end; trigger → outcome and reasons."""
    folder = place.folder / "camera"
    folder.mkdir(exist_ok=True)
    install(folder, plan)
    line = start_line(place.endless(**station), "--no-live", "--parts", str(parts))
    status, _, err = line.wait(timeout_s=60 + parts / 5)
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert line.meters["vision_restarts"] == 0, err
    return {
        row["trigger"]: (row["outcome"], "; ".join(json.loads(row["reasons"])))
        for row in place.rows("verdict")
    }


def assert_neighbours_are_judged(seen: Mapping[int, tuple[str, str]], plan: Mapping[int, str]) -> None:
    for trigger, (outcome, reasons) in seen.items():
        if trigger not in plan and not reasons.startswith(UNDER_LOAD):
            assert outcome == EXPECTED[(trigger - 1) % 10], (trigger, reasons)


FAULTS = {
    "frozen": "repeated: the same frame as that of part",
    "repeated": "repeated: the same frame as that of part",
    "same": "stale: exposed",
    "torn": "torn: 6",
    "strip": "torn: 3% of it is left from that of part",
    "short": "wrong size: 128×104 pixels, 128×128 are wanted",
    "size": "wrong size: 64×128 pixels, 128×128 are wanted",
    "colour": "wrong format: 3 channels, the bundle wants 1",
    "flat": "wrong format: an image is (H, W, 1 or 3) uint8",
    "float": "wrong format: an image is (H, W, 1 or 3) uint8",
    "stale": "stale: exposed 150 ms before the trigger",
    "earlier": "stale: exposed",
    "ahead": "its time stamp lies 3",
}


def test_each_fault_of_a_frame_is_found_at_once_and_costs_one_part(
    sensor: Place, start_line: StartLine
) -> None:
    plan = dict(zip(range(12, 12 + 4 * len(FAULTS), 4), FAULTS, strict=True))
    seen = run_with(sensor, plan, start_line, parts=70)
    for trigger, name in plan.items():
        outcome, reasons = seen[trigger]
        assert outcome == "UNINSPECTED", name
        assert f"camera: {FAULTS[name]}" in reasons, (name, reasons)
    assert_neighbours_are_judged(seen, plan)


def test_frozen_camera_never_lets_two_parts_pass_on_one_exposure(
    sensor: Place, start_line: StartLine
) -> None:
    sensor.draw([Outcome.PASS] * 10)
    for file in (sensor.folder / "images").iterdir():
        file.write_bytes(encode_png(draw_part(0, size_px=SIDE_PX)))
    plan = dict.fromkeys(range(6, 26), "frozen")
    seen = run_with(sensor, plan, start_line, parts=40)
    passed = {trigger for trigger, (outcome, _) in seen.items() if outcome == "PASS"}
    assert not passed & set(plan)
    assert {1, 2, 3, 4, 5} <= passed | {t for t, (_, why) in seen.items() if why.startswith(UNDER_LOAD)}


def test_one_percent_of_broken_frames_costs_these_parts_and_no_others(
    sensor: Place, start_line: StartLine
) -> None:
    rng, plan = random.Random(4), {}
    for trigger in range(3, FAULTY_PARTS + 1):
        name = next(
            (name for name in ("torn", "short", "size", "colour", "frozen") if rng.random() < 0.01), ""
        )
        if name:
            plan[trigger] = name
    seen = run_with(sensor, plan, start_line, parts=FAULTY_PARTS, takt_ms=FAULTY_TAKT_MS)
    assert len(seen) == FAULTY_PARTS
    assert len(plan) >= FAULTY_PARTS / 40
    assert {seen[trigger][0] for trigger in plan} == {"UNINSPECTED"}
    assert_neighbours_are_judged(seen, plan)


def test_faults_and_lost_frames_are_counted(sensor: Place, start_line: StartLine) -> None:
    install_folder = sensor.folder / "camera"
    install_folder.mkdir()
    install(install_folder, {4: "frozen", 6: "short", 8: "lost"})
    line = start_line(sensor.endless(), "--no-live", "--parts", "10")
    status, out, err = line.wait()
    assert status == 0, err
    assert line.meters["frame_faults"] == 2
    assert line.meters["lost_frames"] == 2
    assert "2 faults, 2 lost" in out
    assert dict(sensor.gate())[8] == EXPECTED[7]
    kept = {row["trigger"] for row in sensor.images()}
    assert {4, 6} <= kept  # the faulty frames are evidence


def recipe_with_bands(place: Place, when_out: str) -> str:
    """Bands from sixty exposures of a good part; the reference is one of them."""
    good = [seen_by_sensor(draw_part(0, size_px=SIDE_PX), 1000 + number) for number in range(60)]
    good += [seen_by_sensor(draw_part(BRIGHTNESS[kind], size_px=SIDE_PX), 7) for kind in OUTCOMES]
    bands = learn(good, roi_px=None, mm_per_px=0.1).bands
    (place.folder / "recipe.yaml").write_text(
        json.dumps(
            {
                "product": "spots",
                "views": [{"mm_per_px": 0.1, "health": bands | {"when_out": when_out}}],
                "limits": [{"label": "spot", "reject_score": 0.6, "review_score": 0.3}],
            }
        )
    )
    return "recipe.yaml"


BANDED = {"seam": "torn: camera: seam", "dark": "mean_level", "blur": "focus"}


def test_part_out_of_a_band_is_uninspected_with_measure_value_and_band(
    sensor: Place, start_line: StartLine
) -> None:
    recipe = recipe_with_bands(sensor, "uninspected")
    plan = {6: "seam", 9: "dark", 12: "blur"}
    seen = run_with(sensor, plan, start_line, parts=16, recipe=recipe)
    for trigger, name in plan.items():
        outcome, reasons = seen[trigger]
        assert outcome == "UNINSPECTED", name
        assert BANDED[name] in reasons, reasons
        assert "<" in reasons or ">" in reasons
    assert_neighbours_are_judged(seen, plan)
    measured = [json.loads(row["health"] or "{}") for row in sensor.rows("verdict")]
    assert all(set(each) == {"camera"} for each in measured)
    assert {"focus", "mean_level", "dark_share", "bright_share", "seam"} == set(measured[0]["camera"])
    assert all("health" in json.loads(row["stage_ns"]) for row in sensor.rows("verdict"))


def test_alarm_is_counted_and_shown_and_the_part_is_judged_all_the_same(
    sensor: Place, start_line: StartLine
) -> None:
    recipe = recipe_with_bands(sensor, "alarm")
    install_folder = sensor.folder / "camera"
    install_folder.mkdir()
    install(install_folder, {6: "dark", 8: "seam"})
    line = start_line(sensor.endless(recipe=recipe), "--live", "--parts", "10")
    status, out, err = line.wait()
    assert status == 0, err
    seen = {row["trigger"]: row for row in sensor.rows("verdict")}
    assert seen[6]["outcome"] == EXPECTED[5]
    assert "alarm: camera: mean_level" in seen[6]["reasons"]
    assert seen[8]["outcome"] == "UNINSPECTED"  # a torn frame shows two parts, whatever the recipe says
    assert line.meters["health_alarms"] >= 1
    assert line.meters["frame_faults"] == 1
    assert "health alarms" in out


def test_simulation_may_repeat_where_the_station_says_so(sensor: Place, start_line: StartLine) -> None:
    plan = {4: "frozen", 6: "short"}
    seen = run_with(sensor, plan, start_line, parts=8, repeats_allowed=["camera"])
    assert seen[4][0] == EXPECTED[2]
    assert not seen[6][1].startswith("camera: wrong size")


def test_station_that_allows_repeats_of_no_camera_is_refused(place: Place) -> None:
    ended = taktsight("run", place.write(repeats_allowed=["top"]))
    assert ended.returncode == 2
    assert "repeats_allowed: there is no camera top" in ended.stderr
