"""Whole lines: real processes, real faults. The gate's file is the witness that the line cannot correct."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are not installed
import pytest

from taktsight.errors import ConfigError
from taktsight.image_files import decode_image, encode_png
from taktsight.inspect.config import load_station
from taktsight.inspect.fit import read_setup
from taktsight.recipe import Recipe
from taktsight.strict_yaml import read_yaml

from .conftest import Place, RunningLine, draw_part, spot_bundle, spot_model, taktsight

Start = Callable[..., RunningLine]
EXPECTED = (["PASS"] * 3 + ["REJECT", "REVIEW"]) * 2
MS = 1_000_000


def endless(place: Place, takt_ms: float = 20, **values: object) -> Path:
    """A station that repeats its images until it is stopped."""
    return place.write(
        cameras=[{"kind": "folder", "folder": "images", "repeat": True}],
        trigger={"kind": "timer", "takt_ms": takt_ms},
        **values,
    )


def assert_one_verdict_each(place: Place, line: RunningLine) -> list[tuple[int, str]]:
    """Exactly one gate action for each trigger, in order, as the ledger says too."""
    gate = place.gate()
    assert [trigger for trigger, _ in gate] == list(range(1, line.meters["triggers"] + 1))
    assert [(row["trigger"], row["outcome"]) for row in place.rows("verdict")] == gate
    return gate


def test_every_image_gets_its_verdict_in_order_and_the_ledger_agrees(place: Place) -> None:
    ended = taktsight("run", place.write())
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == list(enumerate(EXPECTED, start=1))
    rows = place.rows()
    assert [row["kind"] for row in rows] == ["armed"] + ["verdict"] * 10 + ["closed"]
    assert [(row["trigger"], row["outcome"]) for row in rows[1:-1]] == place.gate()
    assert rows[4]["serial"] == "part_4.png"
    assert json.loads(rows[4]["reasons"]) == ["spot: 1.00 mm² > 0.00 mm² (score 1.00)"]
    assert json.loads(rows[4]["scores"]) == {"camera": [1.0]}
    assert set(json.loads(rows[4]["stage_ns"])) == {"grab", "prepare", "infer", "locate", "decide"}
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
        "product: lid\n"
        "views: [{camera: camera, roi_px: [0, 0, 64, 64], mm_per_px: 0.1}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    (place.folder / "images" / "part_3.png").write_bytes(encode_png(draw_part(0, size_px=48)))
    ended = taktsight("run", place.write(recipe="recipe.yaml"))
    assert ended.returncode == 0, ended.stderr
    assert place.gate()[2] == (3, "UNINSPECTED")
    assert "leaves the frame of 48×48" in place.rows("verdict")[2]["reasons"]


def test_slow_model_is_late_at_the_gate_margin_and_recorded_as_late(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", model=spot_model(slowness=1800))
    station = place.write(
        deadline_ms=40, gate_margin_ms=10, trigger={"kind": "timer", "takt_ms": 300, "parts": 4}
    )
    ended = taktsight("run", station)
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == [(trigger, "UNINSPECTED") for trigger in range(1, 5)]
    rows = place.rows("verdict")
    assert all(json.loads(row["reasons"]) == ["late: no verdict within 30 ms"] for row in rows)
    assert all(row["cycle_ns"] >= 30 * MS for row in rows)
    late = place.rows("late")
    assert [(row["trigger"], row["outcome"]) for row in late[:3]] == [(1, "PASS"), (2, "PASS"), (3, "PASS")]
    assert all(row["cycle_ns"] > 30 * MS for row in late)


def test_killed_vision_costs_the_parts_of_the_gap_and_no_more(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 10)
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    lost_at, passed = time.monotonic(), line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 5)
    assert time.monotonic() - lost_at < 10
    status, _, err = line.stop()
    assert status == 0, err
    gate = assert_one_verdict_each(place, line)
    gap = [trigger for trigger, outcome in gate if outcome == "UNINSPECTED"]
    assert gap == list(range(gap[0], gap[-1] + 1))
    for trigger, outcome in gate:
        assert outcome == "UNINSPECTED" or outcome == EXPECTED[(trigger - 1) % 10]
    reasons = {json.loads(row["reasons"])[0] for row in place.rows("verdict") if row["trigger"] in gap}
    assert "vision is starting" in reasons
    assert [json.loads(row["reasons"]) for row in place.rows("fault")] == [["vision stopped"]]


def test_hung_vision_is_killed_and_started_anew(place: Place, start_line: Start) -> None:
    line = start_line(endless(place, 50), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    vision = line.child("vision")
    assert vision is not None
    os.kill(vision, signal.SIGSTOP)
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed)
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert "vision hung" in err


def test_sixth_death_of_vision_stops_the_line_loudly(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    for death in range(1, 7):
        line.wait_until(lambda: line.child("vision") is not None)
        line.kill("vision")
        if death < 6:
            line.wait_until(lambda death=death: line.meters["vision_restarts"] >= death)  # type: ignore[misc]
    status, _, err = line.wait()
    assert status == 1
    assert "vision ended 6 times" in err
    assert_one_verdict_each(place, line)
    assert "vision ended 6 times" in place.rows("fault")[-1]["reasons"]


def test_killed_recorder_loses_nothing(place: Place, start_line: Start) -> None:
    line = start_line(endless(place, 5), "--no-live")
    for restarts in (1, 2):
        acknowledged = line.meters["acknowledged"]
        line.wait_until(lambda acknowledged=acknowledged: line.meters["acknowledged"] > acknowledged + 20)  # type: ignore[misc]
        line.kill("recorder")
        line.wait_until(lambda restarts=restarts: line.meters["recorder_restarts"] == restarts)  # type: ignore[misc]
    line.wait_until(lambda: line.meters["acknowledged"] > acknowledged + 60)
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    numbers = [row["number"] for row in place.rows()]
    assert numbers == list(range(1, line.meters["entries"] + 1))


POWER_CUTS = 6


def test_power_cut_at_any_moment_keeps_every_acknowledged_row(place: Place, start_line: Start) -> None:
    rng, known, acknowledged = np.random.default_rng(0), 0, 0
    station = endless(place, 3)
    for moment in range(POWER_CUTS):  # each run begins with what the power cut before it left behind
        (place.folder / "gate.txt").unlink(missing_ok=True)
        line = start_line(station, "--no-live")
        if moment:
            line.wait_until(lambda line=line: line.meters["triggers"] >= 1)  # type: ignore[misc]
        time.sleep(float(rng.uniform(0, 0.4)))
        line.kill_all()
        known += line.meters["acknowledged"]
        acknowledged += line.meters["acknowledged"] > 0
        if known:
            rows = place.rows()
            assert len(rows) >= known
            known = len(rows)
        gate = place.gate()
        assert [trigger for trigger, _ in gate] == list(range(1, len(gate) + 1))
    assert acknowledged >= POWER_CUTS // 2, "the cuts came before anything was written"
    (place.folder / "gate.txt").unlink(missing_ok=True)
    ended = taktsight("run", place.write())
    assert ended.returncode == 0, ended.stderr
    assert place.gate() == list(enumerate(EXPECTED, start=1))
    assert len(place.rows()) == known + 12


def _runs(process_id: int) -> bool:
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_children_do_not_outlive_a_killed_line(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    children = [line.child("vision"), line.child("recorder")]
    line.process.kill()
    line.process.communicate()
    until_s = time.monotonic() + 10
    while any(child is not None and _runs(child) for child in children):
        assert time.monotonic() < until_s, "orphans"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signal_answers_open_parts_and_closes_the_ledger(
    place: Place, start_line: Start, number: signal.Signals
) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 5)
    status, out, err = line.stop(number)
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert place.rows()[-1]["kind"] == "closed"
    assert "cycle time" in out


def test_locked_ledger_delays_records_never_verdicts(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["acknowledged"] >= 3)
    other = sqlite3.connect(place.records / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    triggers, acknowledged = line.meters["triggers"], line.meters["acknowledged"]
    line.wait_until(lambda: line.meters["triggers"] > triggers + 50)
    assert line.meters["acknowledged"] < acknowledged + 30
    other.execute("ROLLBACK")
    other.close()
    status, _, err = line.stop()
    assert status == 0, err
    gate = assert_one_verdict_each(place, line)
    assert not [trigger for trigger, outcome in gate if outcome == "UNINSPECTED"]
    assert line.meters["ledger_retries"] > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_full_disk_costs_images_and_no_verdict(place: Place, start_line: Start) -> None:
    place.records.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place.records], check=True)
    try:
        station = endless(
            place, records={"folder": "records", "images": {"reserve_mb": 1, "keep": ["PASS", "REJECT"]}}
        )
        line = start_line(station, "--no-live")
        line.wait_until(lambda: line.meters["acknowledged"] >= 5)
        ballast = place.records / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        line.wait_until(lambda: line.meters["ledger_retries"] >= 2)
        triggers = line.meters["triggers"]
        line.wait_until(lambda: line.meters["triggers"] > triggers + 50)
        ballast.unlink()
        status, _, err = line.stop()
        assert status == 0, err
        gate = assert_one_verdict_each(place, line)
        assert not [trigger for trigger, outcome in gate if outcome == "UNINSPECTED"]
        assert "none was lost" in err
    finally:
        subprocess.run(["umount", "-l", place.records], check=True)


def test_gate_that_cannot_act_stops_the_line_and_passes_nothing(place: Place) -> None:
    ended = taktsight("run", place.write(gate={"kind": "dry_run", "file": "/dev/full"}))
    assert ended.returncode == 1
    assert "gate: part 1 cannot be acted on: No space left on device" in ended.stderr
    rows = place.rows("verdict")
    assert {row["outcome"] for row in rows} == {"UNINSPECTED"}
    assert [row["kind"] for row in place.rows()][-2:] == ["fault", "closed"]


def test_log_that_nobody_reads_stops_neither_verdicts_nor_records(place: Place, start_line: Start) -> None:
    for file in (place.folder / "images").iterdir():
        file.write_bytes(b"broken")
    line = start_line(endless(place, 3), "--no-live")  # nobody reads its pipes until it has ended
    line.wait_until(lambda: line.meters["acknowledged"] > 800)  # far more lines than a pipe holds
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    acknowledged = line.meters["acknowledged"]
    line.wait_until(lambda: line.meters["acknowledged"] > acknowledged + 100)
    status, _, err = line.stop()
    assert status == 0, err
    assert {outcome for _, outcome in assert_one_verdict_each(place, line)} == {"UNINSPECTED"}


def test_second_line_on_the_same_records_is_refused(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 1)
    ended = taktsight("run", place.write(gate={"kind": "dry_run"}))
    assert ended.returncode == 1
    assert "another line writes its records there" in ended.stderr
    line.stop()


def _flip_a_byte(place: Place) -> dict[str, object]:
    content = bytearray((place.folder / "spots.takt").read_bytes())
    content[len(content) // 2] ^= 1
    (place.folder / "spots.takt").write_bytes(content)
    return {}


def _other_label(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: lid\nviews: [{mm_per_px: 0.1}]\n"
        "limits: [{label: dent, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _other_scale(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: lid\nviews: [{mm_per_px: 0.2}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


def _other_camera(place: Place) -> dict[str, object]:
    return _other_scale(place) | {"cameras": [{"kind": "folder", "folder": "images", "name": "top"}]}


def _wrong_golden(place: Place) -> dict[str, object]:
    spot_bundle(place.folder / "spots.takt", spot_scores=0.9)
    return {}


def _too_large_region(place: Place) -> dict[str, object]:
    (place.folder / "recipe.yaml").write_text(
        "product: lid\nviews: [{mm_per_px: 0.1, roi_px: [0, 0, 640, 480]}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    return {"recipe": "recipe.yaml"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_other_label, "the bundle has no label dent"),
        (_other_scale, "views.mm_per_px of camera is 0.2"),
        (_other_camera, "no camera of station"),
        (lambda place: {"deadline_s": 3}, "did you mean 'deadline_ms'"),
        (lambda place: {"gate_margin_ms": 500}, "leaves nothing of deadline_ms"),
        (lambda place: {"recipe": "lost.yaml"}, "lost.yaml: there is no such file"),
        (lambda place: {"cameras": [{"kind": "folder", "folder": "a"}] * 2}, "camera stands twice"),
    ],
)
def test_station_that_contradicts_itself_is_refused_in_one_sentence(
    place: Place, fault: Callable[[Place], dict[str, object]], said: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_setup(load_station(place.write(**fault(place))))


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (_flip_a_byte, 1, "copy"),
        (_too_large_region, 2, "leaves the frame of 64×64"),
        (_wrong_golden, 1, "golden/spot.png scores"),
        (lambda place: {"bundle": "lost.takt"}, 1, "lost.takt"),
        (lambda place: {"cameras": [{"kind": "folder", "folder": "lost"}]}, 1, "lost is neither a folder"),
    ],
)
def test_line_that_cannot_start_says_why_before_anything_moves(
    place: Place, fault: Callable[[Place], dict[str, object]], status: int, said: str
) -> None:
    ended = taktsight("run", place.write(**fault(place)))
    assert ended.returncode == status, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert place.gate() == []


def test_line_needs_no_torch_and_little_memory(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 20)
    parent = psutil.Process(line.process.pid)
    resident_mb = parent.memory_info().rss / 1e6
    for process in (parent, *parent.children()):
        loaded = {Path(mapping.path).name for mapping in process.memory_maps()}
        assert not [name for name in loaded if "torch" in name]
    libraries = " ".join(mapping.path for mapping in parent.memory_maps())
    assert "onnxruntime" not in libraries
    assert "cv2" not in libraries
    line.stop()
    assert resident_mb <= 200


def test_everything_here_imports_where_torch_is_not_installed() -> None:
    program = """
import importlib, pkgutil, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {'torch', 'lightning', 'torchvision', 'taktsight.training'}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import taktsight.inspect
names = [m.name for m in pkgutil.walk_packages(taktsight.inspect.__path__, 'taktsight.inspect.')]
for folder in ('cameras', 'triggers', 'gates', 'backends', 'commands'):
    package = importlib.import_module(f'taktsight.inspect.{folder}')
    names += [m.name for m in pkgutil.iter_modules(package.__path__, package.__name__ + '.')]
for name in names:
    importlib.import_module(name)
assert len(names) > 25, names
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_runs_share_one_chain_that_the_ledger_verb_shows_and_verifies(place: Place) -> None:
    for _ in range(2):
        assert taktsight("run", place.write(), "--parts", "3").returncode == 0
    assert len({row["run"] for row in place.rows()}) == 2
    whole = taktsight("ledger", "verify", place.records)
    assert (whole.returncode, whole.stdout.split(",")[0]) == (0, "whole: 10 rows")
    shown = taktsight("ledger", "show", place.records, "--last", "3").stdout
    assert [line.split()[0] for line in shown.splitlines() if line.split()[0].isdigit()] == ["8", "9", "10"]
    with sqlite3.connect(place.records / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET outcome = 'REVIEW' WHERE seq = 8")
    connection.close()
    broken = taktsight("ledger", "verify", place.records)
    assert broken.returncode == 1
    assert "row 8 was changed: verdict of part 2" in broken.stderr


def test_live_view_shows_the_line_at_work_and_what_it_logs(place: Place) -> None:
    (place.folder / "images" / "part_2.png").write_bytes(b"broken")
    ended = taktsight("run", place.write(), "--live")
    assert ended.returncode == 0, ended.stderr
    assert "part 2 is UNINSPECTED" in ended.stdout
    assert re.search("press 4.*part [0-9]+", ended.stdout)
    assert ended.stderr == ""


def test_check_says_what_to_fix(place: Place) -> None:
    good = taktsight("check", place.write())
    assert good.returncode == 0, good.stdout + good.stderr
    assert "golden samples are judged right" in good.stdout
    assert {line.split()[0] for line in good.stdout.splitlines()} <= {"ok", "note"}
    bad = taktsight("check", place.write(cameras=[{"kind": "folder", "folder": "lost"}]))
    assert bad.returncode == 1
    assert "lost is neither a folder" in bad.stdout


def test_replay_compares_with_the_truth(place: Place) -> None:
    labels = ["good", "spot", "good", "spot", "spot", "good", "good", "good", "spot", "good"]
    index = place.folder / "index.csv"
    index.write_text(
        "image,label\n" + "".join(f"part_{n}.png,{label}\n" for n, label in enumerate(labels, start=1))
    )
    ended = taktsight(
        "replay", place.folder / "spots.takt", place.folder / "images",
        "--takt-ms", "20", "--deadline-ms", "400", "--records", place.records, "--truth", index,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "escape rate    25.00%" in ended.stdout
    assert "(1/4)" in ended.stdout
    assert "(1/6)" in ended.stdout
    assert "escaped: part_2.png (spot)" in ended.stdout
    assert len(place.rows("verdict")) == 10


def test_replay_measures_its_takt_where_none_is_given(place: Place) -> None:
    ended = taktsight(
        "replay", place.folder / "spots.takt", place.folder / "images", "--records", place.records
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("takt 1")
    assert [row["outcome"] for row in place.rows("verdict")] == EXPECTED


EXAMPLES = sorted((Path(__file__).parents[2] / "configs" / "stations").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_stations_and_recipes_have_no_mistake(example: Path) -> None:
    station = load_station(example)
    if station.recipe is not None:
        recipe = read_yaml(station.recipe, Recipe)
        assert {view.camera for view in recipe.views} == {camera.name for camera in station.cameras}


def test_line_that_is_stopped_while_it_starts_ends_at_once(place: Place, start_line: Start) -> None:
    line = start_line(endless(place), "--no-live")  # it has its meters now, so it listens to signals soon
    line.wait_until(lambda: line.child("recorder") is not None)
    time.sleep(0.3)
    asked_at = time.monotonic()
    status, _, err = line.stop()
    assert status == 0, err
    assert time.monotonic() - asked_at < 10
    assert [outcome for _, outcome in place.gate() if outcome == "UNINSPECTED"] == []
