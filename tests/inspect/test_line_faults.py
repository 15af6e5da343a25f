"""Real faults: killed and hung processes, a disk that is full, a gate that cannot act."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time

import psutil  # type: ignore[import-untyped]  # its stubs are not installed
import pytest

from .place import EXPECTED, Place
from .running_line import StartLine, assert_one_verdict_each, taktsight


def test_killed_vision_costs_the_parts_of_the_gap_and_no_more(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
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
    assert place.faults() == ["vision stopped"]


def test_hung_vision_is_killed_and_started_anew(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(50), "--no-live")
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


def test_sixth_death_of_vision_stops_the_line_loudly(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
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


def _runs(process_id: int) -> bool:
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_children_do_not_outlive_a_killed_line(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    children = [line.child("vision"), line.child("recorder")]
    line.process.kill()
    line.process.communicate()
    until_s = time.monotonic() + 10
    while any(child is not None and _runs(child) for child in children):
        assert time.monotonic() < until_s, "orphans"
        time.sleep(0.01)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_full_disk_costs_images_and_no_verdict(place: Place, start_line: StartLine) -> None:
    place.records.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place.records], check=True)
    try:
        station = place.endless(
            records={"folder": "records", "images": {"reserve_mb": 1, "keep": ["PASS", "REJECT"]}}
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


def test_log_that_nobody_reads_stops_neither_verdicts_nor_records(
    place: Place, start_line: StartLine
) -> None:
    for file in (place.folder / "images").iterdir():
        file.write_bytes(b"broken")
    line = start_line(place.endless(3), "--no-live")  # nobody reads its pipes until it has ended
    line.wait_until(lambda: line.meters["acknowledged"] > 800)  # far more lines than a pipe holds
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    acknowledged = line.meters["acknowledged"]
    line.wait_until(lambda: line.meters["acknowledged"] > acknowledged + 100)
    status, _, err = line.stop()
    assert status == 0, err
    assert {outcome for _, outcome in assert_one_verdict_each(place, line)} == {"UNINSPECTED"}


def test_second_line_on_the_same_records_is_refused(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 1)
    ended = taktsight("run", place.write(gate={"kind": "dry_run"}))
    assert ended.returncode == 1
    assert "another line writes its records there" in ended.stderr
    line.stop()
