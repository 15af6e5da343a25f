"""Bands learned from good frames, written into a recipe, and frames held against them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.errors import ConfigError, DataError
from taktsight.image_files import encode_png
from taktsight.inspect.health_file import write_health
from taktsight.inspect.health_learning import learn, learn_from_values
from taktsight.inspect.references import health_reference, read_recipe
from taktsight.recipe import load_recipe
from taktsight.records import Image

from .camera_faults import install, seen_by_sensor
from .place import Place
from .running_line import StartLine

RECIPE = """\
# What good means.
product: spots
views:
  - camera: camera        # looks from above
    mm_per_px: 0.1
    # the calibration plate of March

limits:
  - {label: spot, reject_score: 0.6, review_score: 0.3}
"""


def good_part(number: int) -> Image:
    """A frame of a good part, a little brighter or darker than the next."""
    blocks = np.random.default_rng(0).integers(110, 190, (8, 8, 1))
    image = np.kron(blocks, np.ones((16, 16, 1), np.int64)).astype(np.uint8)
    return seen_by_sensor(image * (1 + 0.002 * (number % 7)), number)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a recipe and forty frames of good parts."""
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "good").mkdir()
    for number in range(40):
        (tmp_path / "good" / f"{number}.png").write_bytes(encode_png(good_part(number)))
    return tmp_path


def frames_of(folder: Path) -> list[Image]:
    return [good_part(number) for number in range(len(list(folder.iterdir())))]


def test_bands_are_printed_and_the_recipe_is_not_touched(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health", "learn", str(shop / "recipe.yaml"), str(shop / "good")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"health:  # learned \d{4}-\d\d-\d\d from 40 frames of good parts, margin 0.5", said)
    assert "frame_px: [128, 128]" in said
    assert re.search(r"focus: \{min: [\d.]+\}", said)
    assert "shift_mm" not in said
    assert (shop / "recipe.yaml").read_text() == RECIPE


def test_written_bands_are_those_that_the_line_reads_and_all_else_stays(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shop / "recipe.yaml"
    given = ["health", "learn", str(file), str(shop / "good"), "--write", "--reference"]
    assert main([*given, str(shop / "good" / "0.png")]) == 0
    assert "written into" in capsys.readouterr().out
    text = file.read_text()
    assert text.startswith(RECIPE[: RECIPE.index("    # the calibration")])
    assert text.endswith(RECIPE[RECIPE.index("\nlimits") :])
    recipe, _ = read_recipe(file, channels=1)
    health = recipe.views[0].health
    assert health is not None
    assert health.reference == shop / "good" / "0.png"
    assert health.reference_sha256 is not None
    assert {"focus", "mean_level", "seam", "shift_mm", "likeness"} <= set(health.bands)
    assert health_reference(recipe.views[0], None, 1) is not None
    assert main(["health", "learn", str(file), str(shop / "good"), "--write", "--margin", "20"]) == 0
    again = load_recipe(file).views[0].health
    assert again is not None
    assert again.reference == Path("good/0.png")
    assert again.bands["mean_level"].max > health.bands["mean_level"].max  # type: ignore[operator]


def test_good_frames_are_in_band_and_others_are_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(shop / "recipe.yaml")
    assert main(["health", "learn", file, str(shop / "good"), "--write"]) == 0
    assert main(["health", "show", file, str(shop / "good")]) == 0
    assert "0 of 40 frames are out of a band" in capsys.readouterr().out
    (shop / "bad").mkdir()
    dark = seen_by_sensor(good_part(0) * 0.7, 99)
    (shop / "bad" / "dark.png").write_bytes(encode_png(dark))
    assert main(["health", "show", file, str(shop / "bad")]) == 1
    said = capsys.readouterr().out
    assert re.search(r"dark.png: mean_level [\d.]+ < [\d.]+", said)
    assert main(["health", "show", file]) == 0
    assert "focus: {min: " in capsys.readouterr().out


def test_reference_that_was_exchanged_is_refused(shop: Path) -> None:
    file = shop / "recipe.yaml"
    given = ["health", "learn", str(file), str(shop / "good"), "--write", "--reference"]
    assert main([*given, str(shop / "good" / "0.png")]) == 0
    before, _ = read_recipe(file, channels=1)
    (shop / "good" / "0.png").write_bytes(encode_png(good_part(99)))
    after, _ = read_recipe(file, channels=1)
    assert before.digest != after.digest
    with pytest.raises(ConfigError, match="not the file that reference_sha256 names"):
        health_reference(before.views[0], None, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["learn"], "learn needs IMAGES"),
        (["learn", "good", "--records", "records"], "instead of IMAGES"),
        (["learn", "good", "--view", "side"], "has no view side (it has camera)"),
        (["learn", "good", "--margin", "-1"], "--margin is a share"),
        (["learn", "good", "--reference", "lost.png"], "lost.png: cannot be read"),
        (["show", "lost"], "lost is neither a folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(shop)
    assert main(["health", arguments[0], "recipe.yaml", *arguments[1:]]) != 0
    assert says in capsys.readouterr().err


def test_recipe_in_one_line_is_left_alone_and_the_bands_are_said(shop: Path) -> None:
    file = shop / "recipe.yaml"
    text = (
        RECIPE[: RECIPE.index("views")] + "views: [{mm_per_px: 0.1}]\n" + RECIPE[RECIPE.index("limits") :]
    )
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"put in by hand, under the view camera:\nhealth:"):
        write_health(file, "camera", {"focus": {"min": 0.1}}, "")
    assert file.read_text() == text


def test_too_few_frames_teach_nothing() -> None:
    with pytest.raises(DataError, match="4 frames of good parts are too few"):
        learn([good_part(number) for number in range(4)], roi_px=None, mm_per_px=0.1)


def test_frames_of_several_sizes_ask_for_none() -> None:
    frames = [good_part(number)[: 128 - number] for number in range(6)]
    assert "frame_px" not in learn(frames, roi_px=None, mm_per_px=0.1).bands


def test_shift_that_cannot_be_told_gets_no_band_and_the_reason_is_said() -> None:
    values = [
        {"focus": 0.1, "mean_level": 90.0, "dark_share": 0.0, "bright_share": 0.0, "seam": 1.0}
        | {"shift_mm": 5.0 * number, "likeness": 0.23}
        for number in range(8)
    ]
    learned = learn_from_values(values, mm_per_px=0.1)
    assert not {"shift_mm", "likeness"} & set(learned.bands)
    assert "0.23 only" in learned.left_out[0]


def test_band_goes_beyond_the_farthest_good_frame_by_the_margin() -> None:
    levels = (100.0, 110.0, 110.0, 110.0, 130.0)
    values = [
        dict.fromkeys(("focus", "dark_share", "bright_share", "seam"), 1.0) | {"mean_level": n}
        for n in levels
    ]
    band = learn_from_values(values, mm_per_px=0.1, margin=0.5).bands["mean_level"]
    assert band == {"min": 95.0, "max": 140.0}


def test_bands_come_from_what_the_line_measured_of_passed_parts(
    place: Place, start_line: StartLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = place.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("mm_per_px: 0.1\n", "mm_per_px: 0.1\n    health: {}\n"))
    monkeypatch.setenv("TAKTSIGHT_TEST_CAMERA_PLAN", "")
    install(place.folder, {})
    line = start_line(place.endless(recipe="recipe.yaml"), "--no-live", "--parts", "20")
    assert line.wait()[0] == 0
    given = ["health", "learn", str(recipe), "--records", str(place.records), "--write"]
    assert main(given) == 0
    learned = load_recipe(recipe).views[0].health
    assert learned is not None
    assert learned.bands["mean_level"].max is not None
    capsys.readouterr()
    main(["health", "show", str(recipe), "--records", str(place.records)])
    said = capsys.readouterr().out
    assert "start" in said
    assert "of 20 frames are out of a band" in said


def test_flat_and_broken_values_never_count_as_in_band() -> None:
    frames = [good_part(number) for number in range(10)]
    bands = learn(frames, roi_px=None, mm_per_px=0.1).bands
    assert all(np.isfinite(list(band.values())).all() for name, band in bands.items() if name != "frame_px")
