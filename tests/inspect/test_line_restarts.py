"""Vision that is started anew: with what, how often, and when the line gives it up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from taktsight.image_files import encode_png
from taktsight.records import Outcome

from .place import Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import DARK, GOOD, GREY, SPOT, broken_model, draw_part, fragile_model, pair_bundle, spot_bundle

START_LIMIT_S = 6
"""Instead of two minutes; two busy cores take two seconds for a start."""


def _write_recipe(place: Place, reject_score: float, view: str = "mm_per_px: 0.1") -> None:
    (place.folder / "recipe.yaml").write_text(
        f"product: spots\nviews: [{{{view}}}]\n"
        f"limits: [{{label: spot, reject_score: {reject_score}, review_score: 0.3}}]\n"
    )


def _with_a_recipe(place: Place) -> None:
    _write_recipe(place, 0.6)


def _with_a_template(place: Place) -> None:
    pair_bundle(place.folder / "spots.takt")
    (place.folder / "golden.png").write_bytes(encode_png(draw_part(GOOD)))
    _write_recipe(place, 0.6, "mm_per_px: 0.1, reference: golden.png")


def _newer_bundle(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", version=2)


def _other_recipe(place: Place) -> None:
    _write_recipe(place, 1.0)


def _template_with_the_defect(place: Place) -> None:
    (place.folder / "golden.png").write_bytes(encode_png(draw_part(SPOT)))


@pytest.mark.parametrize(
    ("lay", "change", "said"),
    [
        (_with_a_recipe, _newer_bundle, "another bundle ("),
        (_with_a_recipe, _other_recipe, "another recipe ("),
        (_with_a_template, _template_with_the_defect, "another golden template of view camera."),
    ],
)
def test_vision_that_comes_back_with_something_else_stops_the_line_and_judges_nothing(
    place: Place,
    start_line: StartLine,
    lay: Callable[[Place], None],
    change: Callable[[Place], None],
    said: str,
) -> None:
    lay(place)
    line = start_line(place.endless(recipe="recipe.yaml"), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    change(place)
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    lost_by = line.meters["triggers"]
    status, _, err = line.wait()
    assert status == 1
    assert f"vision was started anew and found {said}" in err
    assert "Put back what the line was armed with, or start the line again" in err
    gate = assert_one_verdict_each(place, line)
    assert {outcome for trigger, outcome in gate if trigger > lost_by} == {"UNINSPECTED"}
    assert said in place.rows("fault")[-1]["reasons"]
    assert len({(row["bundle"], row["recipe"]) for row in place.rows()}) == 1
    assert json.loads((place.records / "versions.json").read_text()) == {"spots": 1}


def test_start_that_hangs_twice_stops_the_line_and_says_what_to_do(
    place: Place, start_line: StartLine
) -> None:
    images = place.folder / "images.txt"
    images.write_text("images/part_1.png\n")
    station = place.write(cameras=[{"kind": "folder", "folder": "images.txt", "repeat": True}])
    limit = f"import taktsight.inspect.vision_port as port; port.START_LIMIT_NS = {START_LIMIT_S} * 10**9"
    line = start_line(station, "--no-live", before=limit)
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    images.unlink()
    os.mkfifo(images)  # whoever opens it waits for ever
    line.kill("vision")
    status, _, err = line.wait()
    assert status == 1
    assert f"vision was not ready {START_LIMIT_S} s after its start, 2 times in a row" in err
    assert "taktsight engine --station" in err
    gate = assert_one_verdict_each(place, line)
    assert gate[-1][1] == "UNINSPECTED"
    reasons = [fault.partition(":")[0] for fault in place.faults()]
    assert reasons[:3] == ["vision stopped", *["vision hung while it started"] * 2]


def _show(place: Place, *parts: int) -> None:
    """Images painted as said, in order."""
    for paint in {*parts}:
        (place.folder / f"{paint}.png").write_bytes(encode_png(draw_part(GOOD, paint=paint)))
    (place.folder / "images.txt").write_text("".join(f"{paint}.png\n" for paint in parts))


def _fragile_station(place: Place, model: bytes | None = None) -> dict[str, object]:
    spot_bundle(place.folder / "spots.takt", model=model or fragile_model())
    return {"cameras": [{"kind": "folder", "folder": "images.txt"}]}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (fragile_model(), "ONNX Runtime failed"),
        (broken_model("NaN", "scores"), "view camera: scores must be finite"),
        (broken_model("Inf", "scores"), "view camera: scores must be finite"),
        (broken_model("NaN", "maps"), "view camera: maps must be finite"),
    ],
    ids=["no answer", "NaN scores", "Inf scores", "NaN maps"],
)
def test_engine_that_fails_on_part_after_part_gets_a_new_process(
    model: bytes, said: str, place: Place, start_line: StartLine
) -> None:
    _show(place, *[GREY] * 5, *[DARK] * 3, *[GREY] * 3000)
    line = start_line(place.write(**_fragile_station(place, model)), "--no-live")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert "the engine failed on 3 parts in a row: vision ends" in err
    assert line.meters["vision_restarts"] == 1
    gate = assert_one_verdict_each(place, line)
    assert {outcome for _, outcome in gate[5:8]} == {"UNINSPECTED"}
    reasons = [row["reasons"] for row in place.rows("verdict")[5:8]]
    assert all(said in reason for reason in reasons)


def test_frames_that_do_not_fit_say_nothing_of_the_engine(place: Place) -> None:
    """A camera that was set to a smaller picture: no new process makes it larger."""
    place.draw([Outcome.PASS] * 10)
    for number in range(2, 10):
        small = encode_png(draw_part(GOOD, size_px=48))
        (place.folder / "images" / f"part_{number}.png").write_bytes(small)
    _write_recipe(place, 0.6, "mm_per_px: 0.1, roi_px: [0, 0, 64, 64]")
    ended = taktsight("run", place.write(recipe="recipe.yaml"))
    assert ended.returncode == 0, ended.stderr
    assert "vision 0, recorder 0" in ended.stdout
    assert _outcomes(place) == ["PASS", *["UNINSPECTED"] * 8, "PASS"]
    reasons = [row["reasons"] for row in place.rows("verdict")[1:9]]
    assert all("leaves the frame of 48×48 pixels" in reason for reason in reasons)


def test_engine_that_fails_now_and_then_stays(place: Place) -> None:
    parts = [GREY, DARK, DARK] * 8
    _show(place, *parts)
    ended = taktsight("run", place.write(**_fragile_station(place)))
    assert ended.returncode == 0, ended.stderr
    assert "vision 0, recorder 0" in ended.stdout
    assert _outcomes(place) == ["PASS" if paint == GREY else "UNINSPECTED" for paint in parts]


def test_engine_that_no_new_process_heals_stops_the_line(place: Place) -> None:
    _show(place, GREY, *[DARK] * 5000)
    ended = taktsight("run", place.write(**_fragile_station(place)), timeout_s=120)
    assert ended.returncode == 1
    assert "vision ended 6 times" in ended.stderr
    assert set(_outcomes(place)[1:]) == {"UNINSPECTED"}


def _outcomes(place: Place) -> list[str]:
    return [outcome for _, outcome in place.gate()]
