"""Which defects were found, by their size: counted by hand, in mm and in pixels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.datasets.samples import GOOD
from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import Limit
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.judged import JudgedPart, TrueDefect
from taktsight.training.evaluation.operating_point import ChosenLimits
from taktsight.training.evaluation.report import FIGURES_FILE, Subject, read_evaluation, write_report
from taktsight.training.evaluation.sizes import true_defects

LABELS = ("crack", "pit")
LIMITS = ChosenLimits(
    tuple(Limit(label=label, review_score=0.3, reject_score=0.7) for label in LABELS), "val", "by hand"
)
Counted = dict[tuple[str | None, float], tuple[int, int]]


def defect(label: str, area_px: int, *peaks: float) -> TrueDefect:
    return TrueDefect(label, area_px, np.array(peaks, np.float32))


def part(name: str, label: str, score: float, defects: tuple[TrueDefect, ...] | None) -> JudgedPart:
    return JudgedPart(name, label, np.array((score, 0.0), np.float32), "test", true_defects=defects)


def evaluated(parts: list[JudgedPart], mm_per_px: float | None = None) -> Figures:
    good = part("good", GOOD, 0.0, ())
    return evaluate([*parts, good], LABELS, "segmentation", LIMITS, mm_per_px=mm_per_px)


def counted(figures: Figures) -> Counted:
    return {(row.label, row.from_diameter): (row.found.events, row.found.parts) for row in figures.by_size}


def covered(*places: tuple[slice, slice]) -> NDArray[np.bool_]:
    mask = np.zeros((40, 60), np.bool_)
    for place in places:
        mask[place] = True
    return mask


def test_each_connected_region_is_one_defect_with_what_the_maps_say_on_it() -> None:
    mask = covered(np.s_[4:8, 4:8], np.s_[8:10, 8:10], np.s_[20:30, 50:60])  # two touch at a corner
    maps = np.zeros((2, 10, 15), np.float32)
    maps[0, 2, 2] = 0.75  # frame pixels 8–11
    maps[1, 7, 14] = 0.25  # rows 28–31, columns 56–59
    maps[:, 9, :] = 1.0  # on no defect
    first, second = true_defects(mask, "pit", maps, map_px=4)
    assert (first.label, first.area_px, first.peaks.tolist()) == ("pit", 20, [0.75, 0.0])
    assert (second.area_px, second.peaks.tolist()) == (100, [0.0, 0.25])
    assert second.diameter_px == pytest.approx(math.sqrt(400 / math.pi))


def test_part_without_a_marked_pixel_has_no_defect_to_find() -> None:
    assert true_defects(covered(), "pit", np.zeros((2, 40, 60), np.float32), map_px=1) == ()


def test_defect_is_found_by_a_region_of_any_label_on_a_part_that_did_not_pass() -> None:
    figures = evaluated(
        [
            part("rejected", "pit", 0.9, (defect("pit", 4, 0.6, 0.0), defect("pit", 4, 0.4, 0.4))),
            part("reviewed", "crack", 0.5, (defect("crack", 4, 0.5, 0.0),)),
            part("passed", "pit", 0.1, (defect("pit", 4, 0.9, 0.9),)),
        ]
    )
    assert figures.size_unit == "px"
    assert counted(figures) == {(None, 2.0): (2, 4), ("crack", 2.0): (1, 1), ("pit", 2.0): (1, 3)}
    share = figures.by_size[0].found
    assert (share.low, share.high) == (clopper_pearson(2, 4).low, clopper_pearson(2, 4).high)


def test_map_value_of_each_label_is_held_against_its_own_limit() -> None:
    limits = (
        Limit(label="pit", review_score=0.3, reject_score=0.7, map_score=0.8),
        Limit(label="crack", review_score=0.3, reject_score=0.7, map_score=0.2),
    )
    parts = [
        part("a", "pit", 0.9, (defect("pit", 4, 0.1, 0.7),)),
        part("b", "pit", 0.9, (defect("pit", 4, 0.3, 0.0),)),
        part("good", GOOD, 0.0, ()),
    ]
    figures = evaluate(parts, LABELS, "segmentation", ChosenLimits(limits, "val", "by hand"))
    assert counted(figures)[("pit", 2.0)] == (1, 2)


def test_sizes_are_in_mm_where_the_scale_is_known_and_bins_double() -> None:
    discs = [round(math.pi / 4 * diameter**2) for diameter in (1, 15, 30, 60, 4000)]  # × 0.01 mm
    parts = [part(f"{area}", "crack", 0.9, (defect("crack", area, 0.9, 0.0),)) for area in discs]
    rows = [row for row in evaluated(parts, mm_per_px=0.01).by_size if row.label is None]
    assert [row.from_diameter for row in rows] == pytest.approx([0.00625, 0.1, 0.2, 0.4, 25.6])
    assert [row.to_diameter for row in rows] == pytest.approx([0.0125, 0.2, 0.4, 0.8, 51.2])
    assert evaluated(parts, mm_per_px=0.01).size_unit == "mm"


def test_diameter_on_an_edge_lies_in_the_larger_bin_whatever_the_rounding() -> None:
    for power in range(8):
        area = math.pi / 4 * (0.1 * 2**power) ** 2
        parts = [part("a", "crack", 0.9, (defect("crack", 1, 0.9, 0.0),))]
        (row, _) = evaluated(parts, mm_per_px=math.sqrt(area)).by_size
        assert row.from_diameter == 0.1 * 2**power


def test_parts_whose_pixels_are_not_known_are_left_out_and_counted() -> None:
    parts = [part("a", "pit", 0.9, None), part("b", "pit", 0.9, (defect("pit", 4, 0.9, 0.0),))]
    figures = evaluated(parts)
    assert (counted(figures)[(None, 2.0)], figures.unsized_parts) == ((1, 1), 1)


def test_report_shows_sizes_and_json_keeps_them(tmp_path: Path) -> None:
    parts = [
        part("a", "pit", 0.9, None),
        part("b", "crack", 0.9, (defect("crack", 400, 0.9, 0.0), defect("crack", 30, 0.1, 0.0))),
    ]
    figures = evaluated(parts, mm_per_px=0.1)
    page = write_report(tmp_path, figures, Subject(model="m", data="d", date="2026-11-23")).read_text()
    assert "By size of the defect" in page
    assert "1.6–3.2" in page
    assert "Left out: 1 defective part whose" in page
    assert read_evaluation(tmp_path / FIGURES_FILE).figures == figures


def test_report_without_known_pixels_says_nothing_of_sizes(tmp_path: Path) -> None:
    figures = evaluated([part("a", "pit", 0.9, None)])
    page = write_report(tmp_path, figures, Subject(model="m", data="d", date="2026-11-23")).read_text()
    assert figures.by_size == ()
    assert "By size of the defect" not in page
