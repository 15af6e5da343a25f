"""From frame to network and back: no pit is smoothed away, no strip is left out, mm² stay mm²."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.imaging import (
    TILE_STEP_PX,
    Batch,
    Canvas,
    Layout,
    halve,
    locate,
    map_stride,
    merge,
    prepare,
    read_outputs,
)
from taktsight.records import Box, Defect, Image, Prediction

MM_PER_PX = 0.05


def canvas(
    height: int = 64, width: int = 64, *, channels: int = 1, factor: int = 1, overlap: int = 32
) -> Canvas:
    return Canvas(height, width, channels, factor, overlap)


def dark(height: int, width: int) -> Image:
    return np.zeros((height, width, 1), np.uint8)


def brightness_maps(batch: Batch, stride: int) -> NDArray[np.float32]:
    """A network that says "defect" as loudly as a cell of stride × stride pixels is bright."""
    tiles, height, width, _ = batch.shape
    cells = batch.reshape(tiles, 1, height // stride, stride, width // stride, stride)
    return np.asarray(cells.max(axis=(3, 5)) / 255, np.float32)


def found(image: Image, roi: Box | None, net: Canvas, stride: int) -> tuple[Defect, ...]:
    batch, layout = prepare(image, roi, net)
    merged = merge(brightness_maps(batch, stride), layout)
    return locate(merged, ("spot",), (0.5,), layout, stride=stride, mm_per_px=MM_PER_PX, view="top")


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_cascade_keeps_every_2x2_pit(factor: int) -> None:
    side, depth = 8 * factor, 200
    part = np.full((side, side, 1), 230, np.uint8)
    seen_by_bilinear = 0
    for y in range(2 * factor, 3 * factor):
        for x in range(2 * factor, 3 * factor):
            pitted = part.copy()
            pitted[y : y + 2, x : x + 2] -= depth
            contrast = 230.0 - halve(pitted, factor)
            # Block means keep the sum; each of the three roundings loses less than one grey level of 64.
            assert contrast.sum() == pytest.approx(4 * depth / factor**2, abs=4)
            assert contrast.max() >= depth / factor**2 - 1
            small = (side // factor, side // factor)
            bilinear = cv2.resize(pitted, small, interpolation=cv2.INTER_LINEAR)
            seen_by_bilinear += bool((bilinear < 230).any())
    # The other way to down-scale is blind to some places from factor 4 on: the test can fail.
    assert (seen_by_bilinear < factor**2) == (factor > 2)


def test_halving_is_the_exact_mean_of_2x2_pixels() -> None:
    image = np.random.default_rng(2).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    blocks = image.reshape(16, 2, 24, 2, 3).astype(int).sum(axis=(1, 3))
    assert np.abs(halve(image, 2) - blocks / 4).max() <= 0.5


def test_factor_1_leaves_the_frame_as_it_is() -> None:
    image = np.random.default_rng(3).integers(0, 256, (33, 47, 1), dtype=np.uint8)
    assert np.array_equal(halve(image, 1), image)


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_sizes_lose_no_strip(factor: int, channels: int) -> None:
    for height, width in ((1, 1), (17, 33), (factor + 1, 2 * factor - 1), (8 * factor - 1, 8 * factor + 1)):
        image = np.zeros((height, width, channels), np.uint8)
        image[-1], image[:, -1] = 255, 255
        scaled = halve(image, factor)
        assert scaled.shape == (-(-height // factor), -(-width // factor), channels)
        assert (scaled[-1] > 0).all()
        assert (scaled[:, -1] > 0).all()


def test_padding_repeats_the_edge_of_the_part() -> None:
    image = np.random.default_rng(4).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    (tile,), layout = prepare(image, None, canvas(64, 96, channels=3))
    assert layout.starts == ((0, 0),)
    assert np.array_equal(tile[:40, :50], image)
    assert np.array_equal(tile[:40, 50:], np.repeat(image[:, -1:], 46, axis=1))
    assert np.array_equal(tile[40:], np.repeat(tile[39:40], 24, axis=0))


def test_region_of_the_canvas_size_is_cut_as_it_is() -> None:
    image = np.random.default_rng(5).integers(0, 256, (100, 120, 1), dtype=np.uint8)
    batch, layout = prepare(image, (30, 20, 94, 84), canvas())
    assert np.array_equal(batch[0], image[20:84, 30:94])
    assert layout.roi_px == (30, 20, 94, 84)


def test_tiles_cover_the_region_on_the_grid_with_the_overlap_that_was_asked_for() -> None:
    draw = Random(6)
    for _ in range(3000):
        tile = TILE_STEP_PX * draw.randint(1, 20)
        overlap = draw.randint(0, tile - TILE_STEP_PX)
        length = draw.randint(1, 12 * tile)
        net = Canvas(TILE_STEP_PX * 20, tile, 1, 1, overlap)
        _, layout = prepare(dark(1, length), None, net)
        starts = [x for _, x in layout.starts]
        case = (tile, overlap, length, starts)
        assert starts[0] == 0, case
        assert starts == sorted(set(starts)), case
        assert all(start % TILE_STEP_PX == 0 for start in starts), case
        assert all(start < length for start in starts), case
        assert starts[-1] + tile >= length, case
        assert all(after - before <= tile - overlap for before, after in pairwise(starts)), case


def test_every_pixel_of_the_region_lies_in_a_tile_as_it_is() -> None:
    draw = Random(7)
    for seed in range(30):
        size = (draw.randint(1, 300), draw.randint(1, 300))
        image = np.random.default_rng(seed).integers(0, 256, (*size, 1), dtype=np.uint8)
        net = canvas(64, 96, overlap=draw.randint(0, 32))
        batch, layout = prepare(image, None, net)
        covered = np.zeros(size, bool)
        for tile, (y, x) in zip(batch, layout.starts, strict=True):
            part = image[y : y + 64, x : x + 96]
            assert np.array_equal(tile[: part.shape[0], : part.shape[1]], part)
            covered[y : y + 64, x : x + 96] = True
        assert covered.all()


@pytest.mark.parametrize(
    "roi",
    [(0, 0, 101, 50), (0, 0, 50, 81), (-5, 0, 50, 50), (0, -5, 50, 50), (50, 0, 50, 50), (0, 60, 50, 50)],
)
def test_region_outside_the_frame_is_refused(roi: Box) -> None:
    with pytest.raises(ValueError, match="frame of 100×80"):
        prepare(dark(80, 100), roi, canvas())


def test_mono_frame_does_not_fit_a_colour_bundle() -> None:
    with pytest.raises(ValueError, match="has 1 channels, the bundle wants 3"):
        prepare(dark(64, 64), None, canvas(channels=3))


def test_canvas_that_no_encoder_takes_is_refused() -> None:
    for values in (
        (60, 64, 1),
        (64, 0, 1),
        (64, 64, 2),
        (64, 64, 1, 3),
        (64, 64, 1, 1, 33),
        (64, 64, 1, 1, -1),
    ):
        with pytest.raises(ValueError, match=r"factor|canvas|channels|overlap"):
            Canvas(*values)


def test_overlapping_tiles_keep_the_louder_map() -> None:
    net = canvas()
    layout = Layout((0, 0, 96, 64), net, ((0, 0), (0, 32)))
    maps = np.zeros((2, 1, 64, 64), np.float32)
    maps[0, 0, :, 32:] = 0.25  # both see columns 32–63 of the region
    maps[1, 0, :, :16] = 0.75
    maps[1, 0, :, 16:] = 0.125
    merged = merge(maps, layout)
    assert merged.shape == (1, 64, 96)
    assert np.unique(merged[0, :, :32]).tolist() == [0.0]
    assert np.unique(merged[0, :, 32:48]).tolist() == [0.75]
    assert np.unique(merged[0, :, 48:64]).tolist() == [0.25]
    assert np.unique(merged[0, :, 64:]).tolist() == [0.125]


def test_padding_is_no_place_for_a_defect() -> None:
    _, layout = prepare(dark(40, 50), None, canvas())
    maps = np.zeros((1, 2, 16, 16), np.float32)
    maps[:, :, 10:, :] = maps[:, :, :, 13:] = 1.0
    merged = merge(maps, layout)
    assert merged.shape == (2, 10, 13)
    assert merged.max() == 0.0


def test_classifier_keeps_the_worst_tile() -> None:
    _, layout = prepare(dark(64, 90), None, canvas())
    maps = np.array([0.1, 0.9], np.float32).reshape(2, 1, 1, 1)
    assert merge(maps, layout).tolist() == [[[pytest.approx(0.9)]]]


def test_lost_tile_and_maps_off_the_grid_are_refused() -> None:
    batch, layout = prepare(dark(200, 200), None, canvas(128, 128))
    with pytest.raises(ValueError, match="4 tiles were prepared, 3 maps came back"):
        merge(np.zeros((3, 1, 32, 32), np.float32), layout)
    with pytest.raises(ValueError, match="do not divide a canvas"):
        merge(np.zeros((len(batch), 1, 48, 48), np.float32), layout)
    with pytest.raises(ValueError, match="stride 64 do not meet"):
        merge(np.zeros((len(batch), 1, 2, 2), np.float32), layout)
    with pytest.raises(ValueError, match="do not divide"):
        map_stride(canvas(64, 96), 32, 24)


def test_painted_blob_comes_back_with_its_box_and_area() -> None:
    draw = Random(8)
    for _ in range(150):
        factor, stride = draw.choice([1, 2, 4, 8]), draw.choice([1, 2, 4, 8])
        net = canvas(
            draw.choice([64, 96, 160]), draw.choice([64, 128]), factor=factor, overlap=draw.randint(0, 32)
        )
        cell = factor * stride
        rows, columns = draw.randint(3, max(3, 320 // cell)), draw.randint(3, max(3, 320 // cell))
        left, top = draw.randint(0, 21), draw.randint(0, 21)
        roi = (left, top, left + columns * cell, top + rows * cell)
        height, width = draw.randint(1, min(rows, 20)), draw.randint(1, min(columns, 20))
        y0, x0 = draw.randint(0, rows - height), draw.randint(0, columns - width)
        box = (left + x0 * cell, top + y0 * cell, left + (x0 + width) * cell, top + (y0 + height) * cell)
        image = np.full((roi[3] + draw.randint(0, 9), roi[2] + draw.randint(0, 9), 1), 255, np.uint8)
        image[roi[1] : roi[3], roi[0] : roi[2]] = 0  # bright outside the judged region: nobody's business
        image[box[1] : box[3], box[0] : box[2]] = 255
        (defect,) = found(image, roi, net, stride)
        assert defect.box_px == box
        assert defect.area_mm2 == pytest.approx(height * width * (cell * MM_PER_PX) ** 2)
        assert (defect.label, defect.score, defect.view) == ("spot", 1.0, "top")


def test_blob_off_the_grid_is_found_within_one_cell() -> None:
    draw = Random(9)
    for _ in range(100):
        factor, stride = draw.choice([1, 2, 4]), draw.choice([1, 4])
        cell = factor * stride
        image = dark(draw.randint(80, 200), draw.randint(80, 200))
        height, width = image.shape[:2]
        side = draw.randint(2 * cell, 40)
        y, x = draw.randint(0, height - side), draw.randint(0, width - side)
        image[y : y + side, x : x + side] = 255
        (defect,) = found(image, None, canvas(factor=factor), stride)
        x0, y0, x1, y1 = defect.box_px
        assert max(abs(x0 - x), abs(y0 - y), abs(x1 - x - side), abs(y1 - y - side)) <= cell
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


def test_defect_on_the_last_strip_stays_inside_the_frame() -> None:
    image = dark(83, 101)
    image[-1:, -1:] = 255
    (defect,) = found(image, None, canvas(), 4)
    assert defect.box_px == (100, 80, 101, 83)


def test_blob_across_two_tiles_is_one_defect() -> None:
    image = dark(64, 300)
    image[20:30, 40:260] = 255
    batch, _ = prepare(image, None, canvas())
    assert len(batch) > 2
    (defect,) = found(image, None, canvas(), 1)
    assert defect.area_mm2 == pytest.approx(10 * 220 * MM_PER_PX**2)


def test_touching_corners_are_one_region_and_the_largest_comes_first() -> None:
    maps = np.zeros((2, 16, 16), np.float32)
    maps[0, 0, 0] = maps[0, 1, 1] = 0.6
    maps[0, 8:11, 8:11] = 0.9
    maps[1, 4:8, 4:8] = 0.7
    _, layout = prepare(dark(64, 64), None, canvas())
    pits = locate(maps, ("pit", "stain"), (0.5, 0.5), layout, stride=4, mm_per_px=1.0, view="top")
    assert [(pit.label, pit.area_mm2, pit.box_px) for pit in pits] == [
        ("stain", 256.0, (16, 16, 32, 32)),
        ("pit", 144.0, (32, 32, 44, 44)),
        ("pit", 32.0, (0, 0, 8, 8)),
    ]
    assert [round(pit.score, 3) for pit in pits] == [0.7, 0.9, 0.6]


def test_each_label_has_its_own_map_score() -> None:
    maps = np.full((2, 4, 4), 0.5, np.float32)
    _, layout = prepare(dark(64, 64), None, canvas())
    regions = locate(maps, ("pit", "stain"), (0.6, 0.5), layout, stride=16, mm_per_px=1.0, view="top")
    assert [region.label for region in regions] == ["stain"]


def outputs(scores: list[list[float]], maps: NDArray[np.float32]) -> Prediction:
    _, layout = prepare(dark(64, 90), None, canvas())
    return read_outputs(
        maps, np.array(scores, np.float32), ("pit",), (0.5,), layout, mm_per_px=MM_PER_PX, view="top"
    )


def test_view_is_as_defective_as_its_worst_tile() -> None:
    maps = np.zeros((2, 1, 16, 16), np.float32)
    maps[1, 0, 3, 4] = 1.0
    prediction = outputs([[0.2], [0.8]], maps)
    assert prediction.score_of("pit") == pytest.approx(0.8)
    assert [defect.box_px for defect in prediction.defects] == [(48, 12, 52, 16)]


def test_classifier_says_that_not_where() -> None:
    prediction = outputs([[0.2], [0.8]], np.full((2, 1, 1, 1), 0.8, np.float32))
    assert prediction.defects == ()
    assert prediction.score_of("pit") == pytest.approx(0.8)


@pytest.mark.parametrize("broken", [float("nan"), -1.0, 2.0])
def test_one_broken_tile_breaks_the_view(broken: float) -> None:
    with pytest.raises(ValueError, match="output is broken"):
        outputs([[broken], [0.8]], np.zeros((2, 1, 16, 16), np.float32))


@pytest.mark.parametrize("broken", [float("nan"), 2.0])
def test_broken_map_breaks_the_view(broken: float) -> None:
    maps = np.zeros((2, 1, 16, 16), np.float32)
    maps[0, 0, 5, 5] = broken
    with pytest.raises(ValueError, match="output is broken"):
        outputs([[0.1], [0.1]], maps)


PAIRED = Canvas(64, 64, 1, 2, 32, paired=True)


def test_template_lies_behind_the_frame_prepared_alike() -> None:
    rng = np.random.default_rng(3)
    frame, golden = (rng.integers(0, 256, (150, 200, 1), np.uint8) for _ in range(2))
    pairs, layout = prepare(frame, (10, 20, 170, 140), PAIRED, golden)
    alone = Canvas(64, 64, 1, 2, 32)
    frame_tiles, frame_layout = prepare(frame, (10, 20, 170, 140), alone)
    golden_tiles, _ = prepare(golden, (10, 20, 170, 140), alone)
    assert pairs.shape == (len(layout.starts), 64, 64, PAIRED.planes) == (*frame_tiles.shape[:3], 2)
    assert np.array_equal(pairs[..., :1], frame_tiles)
    assert np.array_equal(pairs[..., 1:], golden_tiles)
    assert layout.starts == frame_layout.starts


def test_template_that_is_missing_unasked_for_or_of_another_size_is_refused() -> None:
    frame = np.zeros((64, 64, 1), np.uint8)
    with pytest.raises(ValueError, match="compares with a golden template, and none was given"):
        prepare(frame, None, PAIRED)
    with pytest.raises(ValueError, match="a golden template was given, and the network compares with none"):
        prepare(frame, None, Canvas(64, 64, 1, 1, 32), frame)
    with pytest.raises(ValueError, match="the golden template is 64×63×1, the frame 64×64×1"):
        prepare(frame, None, PAIRED, frame[:63])
