"""The verbs around a line: ledger, check, replay and the live view."""

from __future__ import annotations

import os
import re
import sqlite3

import pytest

from taktsight.inspect.simulation.faulty_disk import CAN_MOUNT, NEEDED, faulty_disk

from .place import EXPECTED, Place
from .running_line import taktsight


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
    findings = [line for line in good.stdout.splitlines() if not line.startswith(" ")]  # else what to type
    assert {line.split()[0] for line in findings} <= {"ok", "note"}
    bad = taktsight("check", place.write(cameras=[{"kind": "folder", "folder": "lost"}]))
    assert bad.returncode == 1
    assert "lost is neither a folder" in bad.stdout


@pytest.mark.skipif(not CAN_MOUNT, reason=NEEDED)
def test_check_looks_at_the_cameras_where_the_bundle_is_wrong(place: Place) -> None:
    station = place.write(cameras=[{"kind": "folder", "folder": "lost"}])
    bundle = next(place.folder.glob("*.takt*"))
    bundle.write_bytes(bundle.read_bytes()[:-9])
    said = " ".join(taktsight("check", station).stdout.split())
    assert "fix bundle" in said
    assert "lost is neither a folder nor a list of images" in said
    assert "vision not tried, nor the speed: mend the bundle first" in said


def test_check_refuses_strict_records_on_a_disk_that_is_slower_than_the_deadline(place: Place) -> None:
    records = {"folder": "records", "mode": "strict"}
    good = taktsight("check", place.write(records=records))
    assert "in records.mode strict the gate waits for it" in good.stdout
    with faulty_disk(place.records, place.folder / "store") as disk:
        disk.order("sync_ms", 100)
        slow = taktsight("check", place.write(records=records, deadline_ms=80))
        assert slow.returncode == 1
        assert "every part would be UNINSPECTED; take another disk, or mode fast" in slow.stdout


def test_check_leaves_nothing_behind(place: Place) -> None:
    """Run as root, it would leave folders that the line's user cannot write."""
    station = place.write(records={"folder": "deep/records"})
    before = sorted(place.folder.rglob("*"))
    checked = taktsight("check", station)
    assert checked.returncode == 0, checked.stdout
    assert "GB free at" in checked.stdout
    assert ("looked at as root" in checked.stdout) == (os.geteuid() == 0)
    assert sorted(place.folder.rglob("*")) == before


def test_check_finds_records_that_cannot_be_written(place: Place) -> None:
    checked = taktsight("check", place.write(records={"folder": "images/part_1.png"}))
    assert checked.returncode == 1
    assert "part_1.png: cannot be written: Not a directory" in checked.stdout


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
