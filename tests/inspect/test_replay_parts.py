"""Recorded parts judged again: the same to the last bit, or what differs is said."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.image_files import encode_png, read_image
from taktsight.inspect.frame_files import file_of
from taktsight.inspect.ledger import FILE, Ledger
from taktsight.inspect.messages import Entry
from taktsight.inspect.recorded import read_run
from taktsight.records import Outcome

from .place import Place
from .running_line import taktsight
from .spots import draw_part, pair_bundle, spot_bundle, spot_model

RECIPE = (
    "product: spots\nviews: [{{camera: camera, mm_per_px: 0.1{more}}}]\n"
    "limits: [{{label: spot, reject_score: {reject}, review_score: 0.3}}]\n"
)


def run_line(place: Place, **values: Any) -> None:
    images = {"keep": [outcome.value for outcome in Outcome]}
    ended = taktsight("run", place.write(**{"records": {"folder": "records", "images": images}} | values))
    assert ended.returncode == 0, ended.stderr


def replay(place: Place, *arguments: str) -> int:
    return main(["replay", str(place.folder / "spots.takt"), "--records", str(place.records), *arguments])


def noisy(place: Place) -> None:
    """Parts with scores that are no round numbers."""
    rng = np.random.default_rng(3)
    for number in range(1, 11):
        image = draw_part(0) + rng.integers(0, 30 + 13 * number, (64, 64, 1)).astype(np.uint8)
        (place.folder / "images" / f"part_{number}.png").write_bytes(encode_png(image))


def test_each_kept_part_comes_out_the_same_to_the_last_bit(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy(place)
    run_line(
        place,
        records={"folder": "records", "mode": "strict", "images": {"keep": ["PASS", "REJECT", "REVIEW"]}},
    )
    scores = {score for row in place.rows("verdict") for score in json.loads(row["scores"])["camera"]}
    assert len(scores) > 3
    assert replay(place, "--run", "last") == 0
    said = capsys.readouterr().out
    assert "10 of 10 parts: the same frames, scores and verdicts, to the last bit" in said
    assert "left out" not in said
    run = place.rows()[0]["run"]
    assert replay(place, "--part", f"{run}:4", "--part", "7") == 0
    said = capsys.readouterr().out
    assert "part 4 (part_4.png): the same" in said
    assert "2 of 2 parts" in said


def test_last_bit_of_a_score_is_a_difference(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    noisy(place)
    run_line(place)
    row = place.rows("verdict")[2]
    (score,) = json.loads(row["scores"])["camera"]
    next_one = float(np.nextafter(np.float32(score), np.float32(2)))
    changed = row["scores"].replace(json.dumps(score), json.dumps(next_one))
    _rewrite(place, row["seq"], scores=changed)
    assert replay(place, "--part", "3") == 1
    assert f"scores spot {score:.9g}; recorded is {next_one:.9g}" in capsys.readouterr().out


def test_row_that_was_changed_is_no_proof(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    run_line(place)
    with sqlite3.connect(place.records / FILE) as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET outcome = 'PASS' WHERE trigger = 4")
    connection.close()
    assert replay(place, "--part", "4") == 1
    assert "was changed: verdict of part 4" in capsys.readouterr().err


def test_frame_of_which_one_pixel_was_changed_is_named(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run_line(place)
    (row,) = [row for row in place.images() if row["trigger"] == 4]
    image = read_image(place.records / row["file"]).copy()
    image[0, 0, 0] ^= 1
    (place.records / row["file"]).write_bytes(encode_png(image))
    (place.records / file_of(row["run"], 5, "camera", "REVIEW")).unlink()
    assert replay(place, "--run", "last") == 1
    said = capsys.readouterr().out
    assert "REJECT.png: is not the frame that was judged" in said
    assert "REVIEW.png: cannot be read: No such file" in said
    assert "8 of 10 parts" in said


def test_other_bundle_and_other_recipe_are_said_and_nothing_is_the_same(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run_line(place)
    recipe = place.folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(reject=1.0, more=""))
    assert replay(place, "--run", "last", "--recipe", str(recipe)) == 1
    said = capsys.readouterr().out
    assert "10 parts are left out: it was judged by another recipe" in said
    assert "0 of 0 parts" in said
    spot_bundle(place.folder / "spots.takt", version=2)
    assert replay(place, "--run", "last") == 1
    assert "10 parts are left out: another bundle judged it" in capsys.readouterr().out
    assert replay(place, "--part", "4") == 1
    assert "part 4 (part_4.png): another bundle judged it" in capsys.readouterr().out


def test_recipe_with_a_golden_template_is_replayed_with_both(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    pair_bundle(place.folder / "spots.takt")
    recipe, golden = place.folder / "recipe.yaml", place.folder / "golden.png"
    golden.write_bytes(encode_png(draw_part(0)))
    recipe.write_text(RECIPE.format(reject=0.6, more=", reference: golden.png"))
    run_line(place, recipe="recipe.yaml")
    assert replay(place, "--run", "last", "--recipe", str(recipe)) == 0
    golden.write_bytes(encode_png(draw_part(255)))
    assert replay(place, "--run", "last", "--recipe", str(recipe)) == 1
    assert "judged by another recipe" in capsys.readouterr().out


def test_other_circumstances_are_said_and_only_bits_decide(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run_line(place)
    assert replay(place, "--run", "last", "--threads", "2") == 0
    assert "threads: 2; it was 1" in capsys.readouterr().out


def test_part_that_came_too_late_is_judged_as_it_was_then(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy(place)
    spot_bundle(place.folder / "spots.takt", model=spot_model(slowness=1200))
    run_line(place, deadline_ms=12, trigger={"kind": "timer", "takt_ms": 300, "parts": 3})
    assert {row["outcome"] for row in place.rows("verdict")} == {"UNINSPECTED"}
    if len(place.rows("late")) < 3:
        pytest.skip("too busy here: what came after a younger part was not judged at all")
    assert replay(place, "--run", "last") == 0
    assert "3 of 3 parts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--part", "99"], 1, "has no part 99 in the ledger"),
        (["--part", "3"], 1, "part 3 of run R: none of its frames is kept"),
        (["--run", "Q"], 1, "run 'Q': 0 runs have such a name; the last ones are R"),
        (["--part", "R:"], 2, "--part R:: RUN:TRIGGER is wanted"),
        (["--part", ":4"], 2, "--part :4: RUN:TRIGGER is wanted"),
        ([], 2, "name IMAGES, or recorded parts"),
        (["images", "--part", "3"], 2, "and not both"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    ledger = Ledger.create(tmp_path)
    ledger.append("R", [Entry("verdict", 3, outcome="PASS", number=1)], (), "2030-01-01T00:00:00+00:00")
    ledger.close()
    assert main(["replay", "spots.takt", *arguments, "--records", str(tmp_path)]) == status
    assert said in capsys.readouterr().err


def test_verdict_that_waited_for_the_ledger_in_vain_is_held_against_what_was_judged(tmp_path: Path) -> None:
    scores: dict[str, tuple[float, ...]] = {"camera": (0.25,)}
    late = ("late: the ledger did not have REJECT on the disk within 30 ms",)
    ledger = Ledger.create(tmp_path)
    new = [
        Entry("judged", 1, "s1", "REJECT", ("spot",), scores=scores, number=1, bundle="b", recipe="r"),
        Entry("verdict", 1, "s1", "UNINSPECTED", late, scores=scores, number=2, frames={"camera": "d"}),
    ]
    image = {
        "run": "R",
        "trigger": 1,
        "camera": "camera",
        "file": "f",
        "sha256": "d",
        "outcome": "UNINSPECTED",
    }
    ledger.append(
        "R", new, [image | {"bytes": 1, "utc": "u", "removed": None}], "2030-01-01T00:00:00+00:00"
    )
    ledger.close()
    (part,) = read_run(tmp_path, "last").parts
    assert (part.outcome, part.reasons, part.scores) == (Outcome.REJECT, ("spot",), scores)
    assert part.digests == {"camera": "d"}
    assert part.files == {"camera": tmp_path / "f"}


def _rewrite(place: Place, seq: int, **values: str) -> None:
    """Changes a row and gives it a digest that fits."""
    from taktsight.inspect.ledger_rows import digest_of

    row = dict(next(row for row in place.rows() if row["seq"] == seq)) | values
    with sqlite3.connect(place.records / FILE) as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        for key, value in (values | {"digest": digest_of(row)}).items():
            connection.execute(f"UPDATE entries SET {key} = ? WHERE seq = ?", (value, seq))
    connection.close()
