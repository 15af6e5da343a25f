"""Perturbed frames: physics that can be counted, and verdicts that flip on the line's own path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.image_files import encode_png
from taktsight.inspect.perturbations import PERTURBATIONS, Perturbation, perturb
from taktsight.quality.robustness import Judged, compare
from taktsight.records import Image, Outcome

from ..inspect.spots import spot_bundle

RNG = np.random.default_rng(0)


def part(number: int, spot: int = 0) -> Image:
    """A part with structure and noise; a spot of 10×10 pixels where it is defective."""
    rng = np.random.default_rng(number)
    blocks = np.random.default_rng(99).integers(70, 110, (8, 8))
    image = np.kron(blocks, np.ones((8, 8))) + rng.normal(0, 1.5, (64, 64))
    if spot:
        image[20:30, 24:34] = spot
    return np.asarray(np.clip(image, 0, 255).round()[:, :, np.newaxis], np.uint8)


def test_light_is_a_gain_that_saturates() -> None:
    image = np.array([[[100], [240]]], np.uint8)
    assert perturb(image, Perturbation("light", 0.2), RNG).ravel().tolist() == [120, 255]
    brighter = perturb(image, Perturbation("light", 0.2), RNG, gamma=2.2)[0, 0, 0]
    assert brighter == round(100 * 1.2 ** (1 / 2.2))


def test_blur_spreads_a_point_as_a_gaussian_and_keeps_its_light() -> None:
    image = np.zeros((41, 41, 1), np.uint8)
    image[16:25, 16:25] = 200
    blurred = perturb(image, Perturbation("blur", 2.0), RNG)[:, :, 0].astype(float)
    assert blurred.sum() == pytest.approx(image.sum(), rel=0.01)
    across = blurred.sum(axis=0) / blurred.sum()
    variance = float(across @ (np.arange(41) - 20) ** 2)
    assert variance == pytest.approx(80 / 12 + 4, rel=0.05)


def test_shift_is_of_a_fraction_of_a_pixel() -> None:
    rows, columns = np.mgrid[:64, :64]
    image = np.asarray(np.rint(100 + 50 * np.sin(columns / 6) * np.cos(rows / 7)), np.uint8)
    moved = perturb(image[:, :, np.newaxis], Perturbation("shift", 0.5), RNG)
    wanted = 100 + 50 * np.sin((columns - 0.433) / 6) * np.cos((rows - 0.25) / 7)
    assert np.abs(moved[8:-8, 8:-8, 0] - wanted[8:-8, 8:-8]).max() <= 1.5


def test_noise_grows_with_the_root_of_the_light() -> None:
    for level in (60, 240):
        image = np.full((100, 100, 1), level, np.uint8)
        noisy = perturb(image, Perturbation("noise", 2500.0), np.random.default_rng(1)).astype(float)
        electrons = level / 255 * 2500
        kept = noisy[noisy < 255]
        if level == 60:
            assert kept.std() == pytest.approx(255 / 2500 * np.sqrt(electrons + 25), rel=0.05)
    assert perturb(image, Perturbation("noise", 150.0), np.random.default_rng(1)).tolist() == (
        perturb(image, Perturbation("noise", 150.0), np.random.default_rng(1)).tolist()
    )


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=str)
def test_colour_and_mono_frames_stay_what_they_are(perturbation: Perturbation) -> None:
    for channels in (1, 3):
        image = np.full((40, 50, channels), 90, np.uint8)
        assert perturb(image, perturbation, RNG).shape == image.shape


def test_counts_tell_what_model_and_health_miss_together() -> None:
    good, bad, seen = Outcome.PASS, Outcome.REJECT, False
    found = compare(
        [
            Judged(good, bad, seen, False),
            Judged(bad, good, True, True),  # image health holds it
            Judged(bad, good, False, True),  # nobody does
            Judged(bad, bad, False, True),
            Judged(bad, good, False, False),  # was overkill
        ]
    )
    assert found.matrix == {"PASS→REJECT": 1, "REJECT→PASS": 3}
    assert (found.flips.events, found.flips.parts) == (4, 5)
    assert found.escapes_caused is not None
    assert found.escapes_through_health is not None
    assert (found.escapes_caused.events, found.escapes_caused.parts) == (2, 3)
    assert found.escapes_through_health.events == 1
    assert found.gained_through_health.events == 2
    assert compare([Judged(good, good, False, None)]).escapes_caused is None


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    spot_bundle(tmp_path / "spots.takt")
    (tmp_path / "images").mkdir()
    lines = ["image,label"]
    for number in range(16):
        spot = 215 if number % 4 == 0 else 0
        name = f"images/part_{number}.png"
        (tmp_path / name).write_bytes(encode_png(part(number, spot)))
        lines.append(f"{name},{'spot' if spot else 'good'}")
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_darkness_hides_a_spot_and_image_health_would_have_stopped_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """score = (brightest − 128) ÷ 127, 215 is 0.69: at −20 % 0.35 (REVIEW), at −40 % 0.01 (PASS)."""
    out = shop / "out.json"
    given = ["robustness", str(shop / "spots.takt"), str(shop / "images")]
    given += ["--truth", str(shop / "index.csv"), "--kind", "light", "--threads", "1", "--json", str(out)]
    assert main(given) == 0
    assert "bands learned from 12 of these images" in " ".join(capsys.readouterr().out.split())
    found = {each["strength"]: each for each in json.loads(out.read_text())["perturbations"]}
    assert found[-0.2]["matrix"] == {"REJECT→REVIEW": 4}
    assert found[-0.4]["matrix"] == {"REJECT→PASS": 4}
    assert found[-0.4]["escapes_caused"]["events"] == 4
    assert found[-0.4]["stopped"]["events"] == 16
    assert found[-0.4]["escapes_through_health"]["events"] == 0
    assert found[0.1]["flips"]["events"] == 0


def test_recipe_whose_health_only_alarms_stops_nothing(shop: Path) -> None:
    recipe = shop / "recipe.yaml"
    recipe.write_text(
        "product: spots\n"
        "views: [{mm_per_px: 0.1, health: {when_out: alarm, mean_level: {min: 80}}}]\n"
        "limits: [{label: spot, reject_score: 0.6, review_score: 0.3}]\n"
    )
    out, picture = shop / "out.json", shop / "out.png"
    given = ["robustness", str(shop / "spots.takt"), str(shop / "images"), "--recipe", str(recipe)]
    given += [
        "--kind",
        "light",
        "--most",
        "5",
        "--threads",
        "1",
        "--json",
        str(out),
        "--plot",
        str(picture),
    ]
    assert main(given) == 0
    written = json.loads(out.read_text())
    assert written["health"]["from"] == "the recipe's bands"
    assert written["perturbations"][0]["parts"] == 5
    assert written["perturbations"][0]["stopped"]["events"] == 0
    assert written["perturbations"][0]["escapes_caused"] is None
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kind", "fog"], "--kind fog: there is none such; light, blur, shift, rotation, noise are"),
        (["--gamma", "0"], "--gamma 0: 0.2 to 5 is wanted"),
        (["--truth", "other.csv"], "other.csv: has no label of"),
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
    Path("other.csv").write_text("image,label\nelsewhere.png,good\n")
    assert main(["robustness", "spots.takt", "images", *arguments]) != 0
    assert re.search(re.escape(says), capsys.readouterr().err)
