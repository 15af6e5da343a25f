"""Decisions become a version of a data set: the same bytes each time, traceable, nothing doubtful in it."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.datasets.masks import FULL, read_mask
from taktsight.datasets.readers.run_strings import run_string
from taktsight.datasets.regions import run_lengths
from taktsight.datasets.samples import Sample
from taktsight.datasets.source import Source
from taktsight.image_files import encode_png, read_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Mark, Why
from taktsight.records import Outcome

from ..records import MadeRecords, make_records
from .staff import BOX, Staff, card, content, from_reviews, lineage

CONFIRM, FALSE_REJECT, MISSED = Choice.CONFIRM, Choice.FALSE_REJECT, Choice.MISSED_DEFECT
SIZE = (96, 128)


def read(version: Path) -> list[Sample]:
    """As a training reads it."""
    columns = {"part": "part", "lot": "lot", "camera": "camera", "time": "time"}
    return Source(version, "coco", index=version / "index.csv", columns=columns).read()


def review_some(staff: Staff) -> None:
    """A confirmed reject with a box, a false reject, a missed defect and a confirmed good part."""
    one, two = staff.made.of(Outcome.REJECT)
    good, bad, *_ = staff.made.of(Outcome.PASS)
    staff.decide(one, CONFIRM, BOX, who="grace")
    staff.decide(two, FALSE_REJECT)
    staff.decide(good, CONFIRM, why=Why.AUDIT)
    staff.decide(bad, MISSED, label="crack", why=Why.AUDIT)


def test_what_people_said_is_what_a_training_reads(staff: Staff, tmp_path: Path) -> None:
    review_some(staff)
    version = from_reviews(staff.made, tmp_path / "set", "--name", "press")
    samples = read(version)
    assert sorted(sample.label for sample in samples) == ["crack", "good", "good", "spot"]
    (spot,) = (sample for sample in samples if sample.label == "spot")
    mask = read_mask(spot, SIZE)
    assert mask is not None
    assert np.argwhere(mask == FULL).min(axis=0).tolist() == [4, 3]
    assert int((mask == FULL).sum()) == 120
    (crack,) = (sample for sample in samples if sample.label == "crack")
    assert read_mask(crack, SIZE) is None  # it is defective, and nobody knows where
    assert {sample.lot for sample in samples} == set(staff.made.runs)
    assert {sample.camera for sample in samples} == {"press 4/top"}
    assert spot.part.startswith("L05-")


def test_every_image_is_traced_to_reviewer_decision_and_pixels(staff: Staff, tmp_path: Path) -> None:
    review_some(staff)
    version = from_reviews(staff.made, tmp_path / "set")
    part = staff.made.of(Outcome.REJECT)[0]
    (row,) = (row for row in lineage(version) if row["serial"] == part.serial)
    store = ReviewStore.open(staff.made.folder / "review")
    logged = {each.seq: each for each in store.log()}[row["decision"]]
    store.close()
    assert (row["reviewer"], row["choice"], row["label"]) == ("grace", "confirm", "spot")
    assert (row["decision_digest"], row["decided_utc"]) == (logged.digest, logged.utc)
    assert row["sha256"] == pixels_digest(read_image(staff.made.file(part, "top")))
    copy = version / row["image"]
    assert copy.read_bytes() == staff.made.file(part, "top").read_bytes()
    assert row["file_sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert len(row["bundle"]) == len(row["recipe"]) == 64


def test_painted_pixels_are_the_mask(staff: Staff, tmp_path: Path) -> None:
    painted = np.zeros(SIZE, bool)
    painted[10:20, 30:34] = painted[15, 34:60] = True
    brush = Mark("top", "spot", (30, 10, 60, 20), run_string(run_lengths(painted).counts))
    staff.decide(staff.made.of(Outcome.REJECT)[0], CONFIRM, brush)
    (sample,) = read(from_reviews(staff.made, tmp_path / "set"))
    mask = read_mask(sample, SIZE)
    assert mask is not None
    assert ((mask == FULL) == painted).all()


def test_same_decisions_are_the_same_bytes_and_no_new_version(staff: Staff, tmp_path: Path) -> None:
    review_some(staff)
    first = from_reviews(staff.made, tmp_path / "one" / "set")
    again = from_reviews(staff.made, tmp_path / "two" / "set")
    assert content(first) == content(again)
    before = content(tmp_path / "one")
    assert from_reviews(staff.made, tmp_path / "one" / "set") == first
    assert content(tmp_path / "one") == before


def test_new_decisions_are_a_new_version_that_names_the_one_before(staff: Staff, tmp_path: Path) -> None:
    review_some(staff)
    first = from_reviews(staff.made, tmp_path / "set")
    before = content(first)
    staff.decide(staff.made.of(Outcome.REVIEW)[0], CONFIRM)
    second = from_reviews(staff.made, tmp_path / "set")
    assert second.name == "v0002"
    assert card(second)["parent"] == {"version": 1, "sha256": card(first)["sha256"]}
    assert card(second)["sha256"] != card(first)["sha256"]
    assert card(second)["parts"] == card(first)["parts"] + 1
    assert content(first) == before


def test_frames_that_the_records_no_longer_keep_come_from_the_version_before(
    staff: Staff, tmp_path: Path
) -> None:
    review_some(staff)
    from_reviews(staff.made, tmp_path / "set")
    gone = staff.made.of(Outcome.REJECT)[0]
    staff.made.file(gone, "top").unlink()
    staff.decide(staff.made.of(Outcome.REVIEW)[0], CONFIRM)
    second = from_reviews(staff.made, tmp_path / "set")
    assert gone.serial in {row["serial"] for row in lineage(second)}
    fresh = from_reviews(staff.made, tmp_path / "fresh")
    assert card(fresh)["left_out"] == {"frames_gone": 1}


def test_doubtful_parts_are_left_out_by_name(staff: Staff, tmp_path: Path) -> None:
    parts = iter(staff.made.parts)
    taken = next(parts)
    staff.decide(taken, CONFIRM, why=Why.AUDIT)
    staff.decide(taken, CONFIRM, who="grace", why=Why.SECOND, blind=True)
    staff.undo(staff.decide(next(parts), FALSE_REJECT))
    staff.decide(next(parts), Choice.SKIP)
    staff.decide(next(parts), Choice.ESCALATE)
    disputed = next(parts)
    staff.decide(disputed, CONFIRM, why=Why.AUDIT)
    staff.decide(disputed, MISSED, label="spot", who="grace", why=Why.SECOND, blind=True)
    staff.decide(next(parts), FALSE_REJECT, blind=True)
    known = next(parts)
    staff.decide(known, CONFIRM, why=Why.AUDIT)
    staff.decide(known, CONFIRM, who="grace", why=Why.KNOWN)
    staff.decide(next(parts), FALSE_REJECT, BOX)
    by_hand = next(parts)
    staff.decide(by_hand, CONFIRM, why=Why.AUDIT)
    version = from_reviews(staff.made, tmp_path / "set", "--without", f"{by_hand.run}:{by_hand.trigger}")
    whys = ["blind_only", "by_hand", "contradictory", "disagreeing"]
    whys += ["escalated", "known_part", "skipped", "undone"]
    assert card(version)["left_out"] == dict.fromkeys(whys, 1)
    named = (version / "left_out.csv").read_text(encoding="utf-8").splitlines()
    assert f"{disputed.run}:{disputed.trigger},disagreeing" in named
    (row,) = lineage(version)
    assert row["serial"] == taken.serial
    assert len(row["agreeing"]) == 1


def test_who_decides_after_a_dispute_settles_it(staff: Staff, tmp_path: Path) -> None:
    part = staff.made.of(Outcome.PASS)[0]
    staff.decide(part, CONFIRM, why=Why.AUDIT)
    staff.decide(part, MISSED, BOX, who="grace", why=Why.SECOND, blind=True)
    staff.decide(part, MISSED, BOX, who="joan", why=Why.DISAGREEMENT)
    (row,) = lineage(from_reviews(staff.made, tmp_path / "set"))
    assert (row["reviewer"], row["label"]) == ("joan", "spot")


def test_frame_with_other_pixels_is_refused_by_name(
    staff: Staff, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review_some(staff)
    part = staff.made.of(Outcome.REJECT)[0]
    file = staff.made.file(part, "top")
    image = read_image(file)
    image[0, 0] ^= 1
    file.write_bytes(encode_png(image))
    from_reviews(staff.made, tmp_path / "set", status=1)
    said = capsys.readouterr().err
    assert f"part {part.run}:{part.trigger}, view top" in said
    assert "1 reviewed parts are refused" in said
    assert list((tmp_path / "set").glob("*")) == []
    from_reviews(staff.made, tmp_path / "set", "--without", f"{part.run}:{part.trigger}")


def test_log_that_was_tampered_with_trains_nobody(
    staff: Staff, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review_some(staff)
    with sqlite3.connect(staff.made.folder / "review" / "review.sqlite") as connection:
        connection.execute("DROP TRIGGER decisions_no_update")
        connection.execute("UPDATE decisions SET truth = 'good'")
    connection.close()
    from_reviews(staff.made, tmp_path / "set", status=1)
    assert "the decisions prove nothing" in capsys.readouterr().err


def test_mark_outside_of_its_frame_is_refused(
    staff: Staff, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    staff.decide(staff.made.of(Outcome.REJECT)[0], CONFIRM, Mark("top", "spot", (100, 0, 129, 5)))
    from_reviews(staff.made, tmp_path / "set", status=1)
    assert "leaves the frame of 128×96 pixels" in capsys.readouterr().err


def test_of_several_views_the_marked_one_shows_the_defect(tmp_path: Path) -> None:
    staff = Staff(make_records(tmp_path))
    one, two = staff.made.of(Outcome.REJECT)
    staff.decide(one, CONFIRM, BOX)
    staff.decide(two, CONFIRM)  # and nobody knows in which view
    version = from_reviews(staff.made, tmp_path / "set")
    assert {row["view"]: row["label"] for row in lineage(version)} == {"side": "good", "top": "spot"}
    assert card(version)["left_out"] == {"place_unknown": 1}
    columns = {"part": "inspection", "view": "view"}
    (sample,) = Source(version, "coco", index=version / "index.csv", columns=columns).read()
    assert (sample.views, sample.view_labels) == (("side", "top"), ("good", "spot"))


def test_reviewed_parts_join_labelled_images_and_are_learned_from(staff: Staff, tmp_path: Path) -> None:
    base = tmp_path / "base"
    synth = f"data synth {base} --parts 24 --size-px 128 --parts-per-lot 2 --defective-share 0.5 --seed 1"
    assert main(synth.split()) == 0
    columns = ["--layout", "mask_folder", "--index", str(base / "index.csv"), "--part-column", "part"]
    columns += ["--lot-column", "lot"]
    assert main(["data", "split", str(base), *columns, "--out", str(tmp_path / "lists")]) in (0, 1)
    review_some(staff)
    splits = ("--splits", tmp_path / "lists")
    version = from_reviews(staff.made, tmp_path / "set", "--base", base, *columns, *splits)
    said = card(version)
    assert said["by_source"] == {"base": 24, "review": 4}
    assert said["base"]["parts"] == 24
    rows = lineage(version)
    assert {row["split"] for row in rows if row["source"] == "review"} == {"train"}
    assert {row["split"] for row in rows if row["source"] == "base"} == {"train", "val", "test"}
    named = {"part": "part", "lot": "lot", "split": "split"}
    samples = Source(version, "coco", index=version / "index.csv", columns=named).read()
    assert len(samples) == 28
    arguments = ["data", "check", str(version), "--layout", "coco", "--index", str(version / "index.csv")]
    assert main([*arguments, "--part-column", "part", "--split-column", "split"]) in (0, 1)


def test_golden_parts_of_the_line_teach_nothing(staff: Staff, tmp_path: Path) -> None:
    review_some(staff)
    golden = staff.made.of(Outcome.REJECT)[0]
    ledger = Ledger.create(staff.made.folder)
    shown = Entry("golden", golden.trigger, golden.serial, golden.outcome.value, number=1000)
    ledger.append(golden.run, [shown], [], "2026-01-05T07:00:00.000+00:00")
    ledger.close()
    version = from_reviews(staff.made, tmp_path / "set")
    assert card(version)["left_out"] == {"golden_part": 1}
    assert golden.serial not in {row["serial"] for row in lineage(version)}


def test_ledger_row_that_was_changed_stops_it(
    staff: Staff, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review_some(staff)
    part = staff.made.of(Outcome.REJECT)[0]
    with sqlite3.connect(staff.made.folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET serial = 'other' WHERE trigger = ?", (part.trigger,))
    connection.close()
    from_reviews(staff.made, tmp_path / "set", status=1)
    assert f"was changed: verdict of part {part.trigger}" in capsys.readouterr().err


def test_lots_of_the_plant(staff: Staff, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    review_some(staff)
    table = tmp_path / "lots.csv"
    rows = [f"{part.serial},lot {number // 2}" for number, part in enumerate(staff.made.parts)]
    table.write_text("\n".join(["serial,lot", *rows]) + "\n", encoding="utf-8")
    version = from_reviews(staff.made, tmp_path / "set", "--lots", table)
    assert all(row["lot"].startswith("lot ") for row in lineage(version))
    table.write_text("serial,lot\nother,lot 1\n", encoding="utf-8")
    from_reviews(staff.made, tmp_path / "none", "--lots", table, status=2)
    assert "--lots names no lot of its serial" in capsys.readouterr().err


def test_records_that_nobody_reviewed(
    made: MadeRecords, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from_reviews(made, tmp_path / "set", status=1)
    assert "nobody has reviewed a part of these records" in capsys.readouterr().err
