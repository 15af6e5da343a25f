"""Limits certified on labelled images that the bundle judges here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from taktsight.bundle import read_bundle
from taktsight.cli import main

from ..inspect.spots import draw_part, spot_bundle

CLAIMS = ("--escape", "20%", "--overkill", "20%", "--population", "drawn parts")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Thirty parts with a spot and thirty without, as a class folder, with what the folders do not say."""
    spot_bundle(tmp_path / "spots.taktsight")
    draw = np.random.default_rng(1)
    rows = ["file,piece,batch,use"]
    for number in range(60):
        is_bad = number < 30
        name = f"{'spot' if is_bad else 'good'}/part-{number:02}.png"
        image = draw_part(int(draw.integers(200, 250)) if is_bad else int(draw.integers(0, 140)))
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / name), image)
        use = "test" if number % 2 else "train"
        rows.append(f"images/{name},piece-{number // 2},lot-{number // 6},{use}")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def run(shop: Path, capsys: pytest.CaptureFixture[str], *more: str | Path, status: int = 0) -> Any:
    words = [
        "certify",
        shop / "spots.taktsight",
        shop / "images",
        "--layout",
        "class_folder",
        *CLAIMS,
        *more,
    ]
    capsys.readouterr()
    assert main([*map(str, words), "--json", "-"]) == status
    return json.loads(capsys.readouterr().out)


INDEX = ("--image-column", "file", "--part-column", "piece")


def test_images_are_judged_and_limits_certified(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificate = run(shop, capsys, "--into", shop / "out.taktsight")["certificate"]
    assert (certificate["defective"], certificate["good"]) == (30, 30)
    assert [claim["events"] for claim in certificate["claims"]] == [0, 0]
    (evidence,) = certificate["data"]
    assert (evidence["name"], evidence["kind"], evidence["rows"]) == ("images", "images", 60)
    assert any("nothing says which split" in warning for warning in certificate["warnings"])
    (limit,) = certificate["limits"]
    assert 12 / 127 < limit["review_score"] < 72 / 127  # spots of 140 and of 200 in 255
    assert limit["map_score"] == 0.2
    assert read_bundle(shop / "out.taktsight").certificate is not None


def test_scores_are_those_that_the_line_would_decide_by(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where regions of 1 mm² are tolerated, the same parts count as passed."""
    recipe = shop / "recipe.yaml"
    recipe.write_text(
        "product: spots\nviews: [{mm_per_px: 0.1}]\nlimits: [{label: spot, reject_score: 0.6, "
        "review_score: 0.3, map_score: 0.2, max_area_mm2: 1.5}]\n",
        encoding="utf-8",
    )
    figures = run(shop, capsys, "--recipe", recipe, status=3)
    assert figures["missing"][0]["reason"].startswith("30 of 30 score 0")
    text = recipe.read_text(encoding="utf-8").replace("max_area_mm2: 1.5", "max_area_mm2: 0.5")
    recipe.write_text(text, encoding="utf-8")
    certificate = run(shop, capsys, "--recipe", recipe)["certificate"]
    assert certificate["limits"][0]["max_area_mm2"] == 0.5


def test_parts_that_were_learned_from_are_left_out_and_exposures_are_one_part(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ("--index", shop / "index.csv", *INDEX)
    certificate = run(shop, capsys, *index)["certificate"]
    assert (certificate["defective"], certificate["good"]) == (15, 15)
    assert any("60 looks at 30 parts" in warning for warning in certificate["warnings"])
    certificate = run(shop, capsys, *index, "--split-column", "use")["certificate"]
    assert (certificate["defective"], certificate["data"][0]["rows"]) == (15, 30)
    assert not any("split" in warning for warning in certificate["warnings"])


def test_digest_is_that_of_images_and_labels_wherever_they_lie(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first,) = run(shop, capsys)["certificate"]["data"]
    (shop / "images").rename(shop / "moved")
    (shop / "moved").rename(shop / "images")
    assert run(shop, capsys)["certificate"]["data"] == [first]
    changed = shop / "images" / "good" / "part-40.png"
    cv2.imwrite(str(changed), draw_part(1))
    (second,) = run(shop, capsys)["certificate"]["data"]
    assert second["sha256"] != first["sha256"]


def test_few_parts_are_infeasible(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(shop, capsys, "--escape", "1%", "--into", shop / "out.taktsight", status=3)
    assert [(each["kind"], each["units"], each["needed"]) for each in figures["missing"]] == [
        ("escape", 30, 299)
    ]
    assert not (shop / "out.taktsight").exists()
