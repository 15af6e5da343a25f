"""Whole lines at work: real processes. The gate's file is the witness that the line cannot correct."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest

from taktsight.image_files import decode_image, encode_png
from taktsight.inspect.simulation.faulty_disk import CAN_MOUNT, NEEDED, faulty_disk

from .place import EXPECTED, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight
from .spots import draw_part, spot_bundle, spot_model

MS = 1_000_000


def test_every_image_gets_its_verdict_in_order_and_the_ledger_agrees(place: Place) -> None:
    ended = taktsight("run", place.write())
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == list(enumerate(EXPECTED, start=1))
    rows = place.rows()
    assert [row["kind"] for row in rows] == ["armed"] + ["verdict"] * 10 + ["closed"]
    assert [(row["trigger"], row["outcome"]) for row in rows[1:-1]] == place.gate()
    assert rows[4]["serial"] == "part_4.png"
    assert json.loads(rows[4]["reasons"]) == ["spot: score 1.00 ≥ 0.60"]
    assert json.loads(rows[4]["scores"]) == {"camera": [1.0]}
    assert set(json.loads(rows[4]["stage_ns"])) == {"grab", "wait", "prepare", "infer", "locate", "decide"}
    assert "10 at a takt of 20 ms" in ended.stdout
    assert "12 of 12 entries on the disk" in ended.stdout


def test_kept_images_are_the_frames_that_were_judged(place: Place) -> None:
    images = {"keep": ["REJECT", "REVIEW", "UNINSPECTED"], "pass_every": 3}
    ended = taktsight("run", place.write(records={"folder": "records", "images": images}))
    assert ended.returncode == 0, ended.stderr
    kept = {row["trigger"]: row for row in place.images()}
    assert sorted(kept) == [3, 4, 5, 8, 9, 10]
    for trigger, row in kept.items():
        frame = decode_image((place.folder / "images" / f"part_{trigger}.png").read_bytes(), "part")
        assert np.array_equal(decode_image((place.records / row["file"]).read_bytes(), "kept"), frame)


def test_damaged_image_is_an_uninspected_part_that_names_the_file(place: Place) -> None:
    (place.folder / "images" / "part_2.png").write_bytes(b"\x89PNG broken")
    os.truncate(place.folder / "images" / "part_7.png", 0)
    ended = taktsight("run", place.write())
    assert ended.returncode == 0, ended.stderr
    outcomes = EXPECTED.copy()
    outcomes[1] = outcomes[6] = "UNINSPECTED"
    assert place.gate() == list(enumerate(outcomes, start=1))
    rows = {row["trigger"]: row for row in place.rows("verdict")}
    assert "part_2.png: is not an image" in rows[2]["reasons"]
    assert "part_7.png: is empty" in rows[7]["reasons"]
    assert "part 2 is UNINSPECTED" in ended.stderr


def test_frame_of_another_size_makes_its_part_uninspected(place: Place) -> None:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\n"
        "views: [{camera: camera, roi_px: [0, 0, 64, 64], mm_per_px: 0.1}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    (place.folder / "images" / "part_3.png").write_bytes(encode_png(draw_part(0, size_px=48)))
    ended = taktsight("run", place.write(recipe="recipe.yaml"))
    assert ended.returncode == 0, ended.stderr
    assert place.gate()[2] == (3, "UNINSPECTED")
    assert "leaves the frame of 48×48" in place.rows("verdict")[2]["reasons"]


def test_slow_model_is_late_at_the_gate_margin_and_recorded_as_late(place: Place) -> None:
    """It takes far longer than the deadline, and the takt leaves a busy machine time for it."""
    spot_bundle(place.folder / "spots.takt", model=spot_model(slowness=3000))
    station = place.write(
        deadline_ms=200, gate_margin_ms=50, trigger={"kind": "timer", "takt_ms": 4000, "parts": 3}
    )
    ended = taktsight("run", station)
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == [(trigger, "UNINSPECTED") for trigger in range(1, 4)]
    rows = place.rows("verdict")
    assert all(json.loads(row["reasons"]) == ["late: no verdict within 150 ms"] for row in rows)
    assert all(row["cycle_ns"] >= 150 * MS for row in rows)
    late = place.rows("late")
    assert [(row["trigger"], row["outcome"]) for row in late[:2]] == [(1, "PASS"), (2, "PASS")]
    assert all(row["cycle_ns"] > 150 * MS for row in late)


def test_waiting_for_the_part_before_is_a_stage_of_its_own(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", model=spot_model(slowness=1000))
    trigger = {"kind": "timer", "takt_ms": 2, "parts": 4}
    ended = taktsight("run", place.write(deadline_ms=30_000, max_frame_age_ms=30_000, trigger=trigger))
    assert ended.returncode == 0, ended.stderr
    stages = [json.loads(row["stage_ns"]) for row in place.rows("verdict")]
    assert stages[0]["wait"] == 0
    assert stages[3]["wait"] > stages[2]["wait"] > stages[1]["wait"] > stages[0]["infer"] / 2
    for row, stage_ns in zip(place.rows("verdict"), stages, strict=True):
        assert sum(stage_ns.values()) <= row["cycle_ns"]
    assert "wait " in ended.stdout


def test_strict_line_has_each_verdict_in_the_ledger_before_the_gate_acts(place: Place) -> None:
    ended = taktsight("run", place.write(records={"folder": "records", "mode": "strict"}))
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == list(enumerate(EXPECTED, start=1))
    rows = place.rows()
    at = {(row["kind"], row["trigger"]): row for row in rows}
    for trigger, outcome in place.gate():
        judged, told = at["judged", trigger], at["verdict", trigger]
        assert judged["seq"] < told["seq"]
        assert judged["outcome"] == told["outcome"] == outcome
        assert judged["scores"] == told["scores"]
        assert (judged["cycle_ns"], told["cycle_ns"] > 0) == (None, True)
    assert [row["kind"] for row in rows].count("judged") == 10
    assert "0 verdicts became UNINSPECTED" in ended.stdout


@pytest.mark.skipif(not CAN_MOUNT, reason=NEEDED)
def test_strict_line_on_a_disk_slower_than_the_deadline_passes_nothing_and_waits_for_nothing(
    place: Place, start_line: StartLine
) -> None:
    with faulty_disk(place.records, place.folder / "store") as disk:
        images = {"keep": [], "pass_every": 0}
        station = place.endless(
            20, deadline_ms=150, records={"folder": "records", "mode": "strict", "images": images}
        )
        line = start_line(station, "--no-live")
        line.wait_until(lambda: line.meters["acknowledged"] >= 3)
        disk.order("sync_ms", 500)
        slow = line.meters["triggers"]
        line.wait_until(lambda: line.meters["triggers"] >= slow + 60)
        disk.order("sync_ms", 0)
        status, _, err = line.stop()
        assert status == 0, err
        gate = assert_one_verdict_each(place, line)
        # The disk was told while a commit was under way, and again at the end.
        assert {outcome for trigger, outcome in gate if slow + 10 < trigger < slow + 50} == {"UNINSPECTED"}
        rows = {row["trigger"]: row for row in place.rows("verdict")}
        assert "late: the ledger did not have" in rows[slow + 30]["reasons"]
        judged = {row["trigger"]: row["outcome"] for row in place.rows("judged")}
        assert judged[slow + 30] == EXPECTED[(slow + 29) % 10]
        assert line.meters["withdrawn"] >= 39


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signal_answers_open_parts_and_closes_the_ledger(
    place: Place, start_line: StartLine, number: signal.Signals
) -> None:
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 5)
    status, out, err = line.stop(number)
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert place.rows()[-1]["kind"] == "closed"
    assert "cycle time" in out
