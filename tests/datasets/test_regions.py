"""What a person drew, as pixels: one convention for every format."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from taktsight.datasets.regions import (
    Polygon,
    Rectangle,
    Region,
    RunLengths,
    Shape,
    area_px,
    cover,
    main_label,
    run_lengths,
)

from .annotated import SIZE, blob, box


def test_box_covers_the_pixels_between_its_edges() -> None:
    assert np.array_equal(cover(Rectangle(2, 3, 5, 7), SIZE), box(2, 3, 5, 7))


def test_rounded_decimals_move_no_edge_of_a_box() -> None:
    """0.0333 × 60 is 1.998: a tool that writes four decimals means pixel 2."""
    noisy = Rectangle(0.0333 * 60, 0.1251 * 40, 0.4999 * 60, 0.2501 * 40)
    assert np.array_equal(cover(noisy, SIZE), box(2, 5, 30, 10))


@pytest.mark.parametrize(
    ("x0", "x1", "pixel"), [(4.1, 4.3, 4), (4.8, 5.1, 4), (4.95, 5.2, 5), (59.7, 60, 59)]
)
def test_box_thinner_than_a_pixel_covers_the_pixel_of_its_middle(x0: float, x1: float, pixel: int) -> None:
    assert np.flatnonzero(cover(Rectangle(x0, 0, x1, 1), SIZE)[0]).tolist() == [pixel]


def test_box_beyond_the_image_is_cut_off() -> None:
    assert np.array_equal(cover(Rectangle(-5, -5, 3, 2), SIZE), box(0, 0, 3, 2))
    assert np.array_equal(cover(Rectangle(55, 30, 70, 90), SIZE), box(55, 30, 60, 40))
    assert not cover(Rectangle(-9, -9, -3, -3), SIZE).any()


@pytest.mark.parametrize("approximation", [cv2.CHAIN_APPROX_SIMPLE, cv2.CHAIN_APPROX_NONE])
@pytest.mark.parametrize("seed", range(20))
def test_contour_of_a_mask_gives_back_the_mask(seed: int, approximation: int) -> None:
    mask = blob(seed)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, approximation)
    rings = tuple(tuple((float(x), float(y)) for x, y in outline[:, 0]) for outline in outlines)
    noisy = tuple(tuple((x + 0.3, y - 0.3) for x, y in ring) for ring in rings)
    assert np.array_equal(cover(Polygon(rings), SIZE), mask)
    assert np.array_equal(cover(Polygon(noisy), SIZE), mask)


def test_outline_belongs_to_the_polygon() -> None:
    assert np.array_equal(cover(Polygon((((2, 3), (5, 3), (5, 7), (2, 7)),)), SIZE), box(2, 3, 6, 8))


def test_half_a_pixel_goes_up_everywhere() -> None:
    square = Polygon((((1.5, 2.5), (3.5, 2.5), (3.5, 4.5), (1.5, 4.5)),))
    assert np.array_equal(cover(square, SIZE), box(2, 3, 5, 6))


def test_polygon_that_leaves_the_image_keeps_its_slope_inside() -> None:
    triangle = Polygon((((-100, 0), (50, 0), (50, 30)),))
    larger = np.zeros((40, 200), np.uint8)
    cv2.fillPoly(larger, [np.array([[0, 0], [150, 0], [150, 30]], np.int32)], (1,))
    assert np.array_equal(cover(triangle, SIZE), larger[:, 100:160] > 0)


def test_rings_of_one_polygon_are_covered_together() -> None:
    one, other = ((1, 1), (4, 1), (4, 4), (1, 4)), ((3, 3), (8, 3), (8, 6), (3, 6))
    assert np.array_equal(cover(Polygon((one, other)), SIZE), box(1, 1, 5, 5) | box(3, 3, 9, 7))


def test_runs_go_down_the_columns() -> None:
    runs = RunLengths(3, 2, (1, 2, 2, 1))
    assert cover(runs, (3, 2)).tolist() == [[False, False], [True, False], [True, True]]


@pytest.mark.parametrize("seed", range(5))
def test_pixels_as_runs_come_back(seed: int) -> None:
    mask = np.random.default_rng(seed).random(SIZE) < 0.5
    assert np.array_equal(cover(run_lengths(mask), SIZE), mask)
    assert area_px(run_lengths(mask)) == mask.sum()


@pytest.mark.parametrize(("covered", "counts"), [(True, (0, 6)), (False, (6,))])
def test_even_mask_is_one_run(covered: bool, counts: tuple[int, ...]) -> None:
    assert run_lengths(np.full((2, 3), covered)) == RunLengths(2, 3, counts)


@pytest.mark.parametrize("counts", [(), (5,), (7,), (8, -2), (3, 4)])
def test_runs_that_are_not_the_image_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="runs must be ≥ 0 and sum to 2 × 3"):
        RunLengths(2, 3, counts)


def test_runs_of_another_image_are_refused() -> None:
    with pytest.raises(ValueError, match="runs of 2×3 pixels do not lie on 3×2"):
        cover(RunLengths(3, 2, (6,)), (2, 3))


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (Rectangle(1, 2, 4, 6.5), 13.5),
        (Polygon((((0, 0), (4, 0), (4, 3)),)), 6),
        (Polygon((((4, 3), (4, 0), (0, 0)), ((0, 0), (1, 0), (1, 1), (0, 1)))), 7),
        (RunLengths(2, 3, (1, 2, 1, 2)), 4),
    ],
)
def test_area_is_that_of_the_drawing(shape: Shape, area: float) -> None:
    assert area_px(shape) == pytest.approx(area)


def test_main_label_has_the_largest_area_of_all_its_regions() -> None:
    pits = [Region("pit", Rectangle(x, 0, x + 2, 2)) for x in range(0, 20, 4)]
    stain = Region("stain", Rectangle(0, 0, 4, 4))
    assert main_label([stain, *pits]) == "pit"
    assert main_label([stain, *pits[:2]]) == "stain"
    assert main_label([stain, *pits[:4]]) == "pit"
