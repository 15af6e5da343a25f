"""Measures of a frame: each moves with what it is for, and with little else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from taktsight.image_health import REDUCED_PX, make_reference, measure
from taktsight.records import Image

SIDE_PX = 900


def part(seed: int = 0, *, channels: int = 1, side_px: int = SIDE_PX) -> Image:
    """A textured surface with a hole and an edge, as a lens shows it, from 40 to 220."""
    rng = np.random.default_rng(seed)
    surface = cv2.GaussianBlur(rng.normal(0, 40, (side_px, side_px)), (0, 0), 2) * 3 + 130
    cv2.circle(surface, (side_px // 3, side_px // 2), side_px // 8, 60, -1)
    surface[:, -side_px // 6 :] = 190
    seen = cv2.GaussianBlur(surface, (0, 0), 1) + rng.normal(0, 1.5, surface.shape)
    image = np.clip(seen, 40, 220).astype(np.uint8)[:, :, np.newaxis]
    return np.repeat(image, channels, axis=2)


def exposed(image: Image, gain: float) -> Image:
    return np.asarray(np.clip(image * gain, 0, 255), np.uint8)


def blurred(image: Image, sigma_px: float) -> Image:
    seen = cv2.GaussianBlur(image, (0, 0), sigma_px).astype(np.float64)
    noise = np.random.default_rng(1).normal(0, 1.5, seen.shape)
    return np.clip(seen + noise, 0, 255).astype(np.uint8).reshape(image.shape)


def moved(image: Image, x_px: int, y_px: int) -> Image:
    return np.roll(image, (y_px, x_px), axis=(0, 1))


def of(image: Image, **given: object) -> dict[str, float]:
    return measure(image, None, mm_per_px=0.1, **given)  # type: ignore[arg-type]


def test_focus_falls_with_blur_and_hardly_moves_with_exposure() -> None:
    sharp = of(part())["focus"]
    assert of(blurred(part(), 1.5))["focus"] < 0.75 * sharp
    assert of(blurred(part(), 3))["focus"] < of(blurred(part(), 1.5))["focus"]
    for gain in (0.8, 1.15):
        assert of(exposed(part(), gain))["focus"] == pytest.approx(sharp, rel=0.05)


def test_mean_level_follows_exposure() -> None:
    level = of(part())["mean_level"]
    assert of(exposed(part(), 0.8))["mean_level"] == pytest.approx(0.8 * level, rel=0.01)


def test_saturation_is_counted_at_full_size() -> None:
    image = part()
    assert of(image)["bright_share"] == of(image)["dark_share"] == 0
    image[::2, ::2] = 255
    image[1::2, 1::2] = 0
    assert of(image)["bright_share"] == pytest.approx(0.25, abs=0.001)
    assert of(image)["dark_share"] == pytest.approx(0.25, abs=0.001)


def test_large_frame_is_sampled_and_tells_the_same() -> None:
    whole, sampled = of(part(side_px=1000)), of(part(side_px=2100))
    assert sampled["mean_level"] == pytest.approx(whole["mean_level"], rel=0.05)
    assert sampled["focus"] == pytest.approx(whole["focus"], rel=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_torn_frame_has_a_seam_and_a_whole_one_has_none(channels: int) -> None:
    image, other = part(channels=channels), exposed(part(7, channels=channels), 0.9)
    whole = of(image)["seam"]
    for row in (50, 450, 880):
        torn = np.concatenate([image[:row], other[row:]])
        assert of(torn)["seam"] > 1.5 * whole


def test_lost_rows_leave_a_seam() -> None:
    image = part()
    shorter = np.concatenate([image[:400], image[460:], image[-60:]])
    assert of(shorter)["seam"] > 1.5 * of(image)["seam"]


@pytest.mark.parametrize(("x_px", "y_px"), [(0, 0), (9, -14), (-60, 33)])
def test_shift_against_the_reference_is_measured_in_px_and_mm(x_px: int, y_px: int) -> None:
    reference = make_reference(part(), None)
    found = of(moved(part(), x_px, y_px), reference=reference)
    assert found["shift_x_px"] == pytest.approx(x_px, abs=2)  # a quarter of a reduced pixel
    assert found["shift_y_px"] == pytest.approx(y_px, abs=2)
    assert found["shift_mm"] == pytest.approx(0.1 * np.hypot(x_px, y_px), abs=0.25)
    assert found["likeness"] > 0.9


def test_another_part_is_not_like_the_reference() -> None:
    reference = make_reference(part(), None)
    assert of(np.full_like(part(), 90), reference=reference)["likeness"] == 0
    noise = np.random.default_rng(2).integers(0, 255, part().shape, np.uint8)
    assert of(noise, reference=reference)["likeness"] < 0.3


def test_likeness_does_not_mind_the_exposure() -> None:
    reference = make_reference(part(), None)
    assert of(exposed(part(), 0.6), reference=reference)["likeness"] > 0.99


def test_part_that_moved_farther_than_is_searched_is_not_like_the_reference() -> None:
    found = of(moved(part(), 300, 0), reference=make_reference(part(), None))
    assert found["likeness"] < 0.8


def test_region_alone_is_judged_but_a_tear_anywhere_is_found() -> None:
    image = part()
    image[:200] = 255
    region = (0, 300, SIDE_PX, SIDE_PX)
    assert measure(image, region, mm_per_px=0.1)["bright_share"] == 0
    torn = np.concatenate([exposed(part(3), 0.7)[:120], part()[120:]])
    there, whole = (measure(frame, region, mm_per_px=0.1)["seam"] for frame in (torn, part()))
    assert there > 1.5 * whole


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size_px", [(3, 5), (1, 1), (200, 100)])
def test_every_measure_of_any_frame_is_finite(level: int, size_px: tuple[int, int]) -> None:
    image = np.full((*size_px, 1), level, np.uint8)
    reference = make_reference(image, None) if min(size_px) > 64 else None
    values = of(image, reference=reference)
    assert all(np.isfinite(value) for value in values.values())


def test_region_or_reference_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the frame"):
        measure(part(), (0, 0, 10, SIDE_PX + 1), mm_per_px=0.1)
    with pytest.raises(ValueError, match="63×63 pixels is too small"):
        make_reference(part(), (0, 0, 63, 63))
    with pytest.raises(ValueError, match="its reference 900×900"):
        of(part(side_px=800), reference=make_reference(part(), None))


def test_what_is_compared_is_small() -> None:
    reference = make_reference(part(side_px=2100), None)
    assert max(reference.template.shape) < REDUCED_PX
    assert reference.factor == 16
