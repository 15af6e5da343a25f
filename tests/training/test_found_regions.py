"""Found regions against drawn ones: which pair up, and what follows, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.datasets.regions import Polygon, Rectangle, box_of, run_lengths
from taktsight.datasets.samples import GOOD
from taktsight.recipe import Limit
from taktsight.records import Box, Defect
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.found_regions import (
    RegionCounts,
    RegionFigures,
    count_regions,
    overlap,
    region_figures,
)
from taktsight.training.evaluation.judged import DrawnBox, JudgedPart
from taktsight.training.evaluation.operating_point import ChosenLimits
from taktsight.training.evaluation.sentences import regions_answer
from taktsight.training.predict import MAP_SCORES, SweptPart, choose_map_score


def found(box: Box, label: str = "pit", score: float = 0.9, view: str = "camera") -> Defect:
    return Defect(label, score, box, 1.0, view)


def drawn(box: Box, label: str = "pit", view: str = "camera") -> DrawnBox:
    return DrawnBox(label, box, view)


def counts(drawn: int, found: int, named: int, located: int) -> RegionCounts:
    return RegionCounts(drawn=drawn, found=found, named=named, located=located)


def test_overlap_is_what_two_boxes_share_of_what_they_cover_together() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1.0
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0.0  # they touch, and share nothing


def test_a_third_is_no_more_than_a_third_but_more_than_33_hundredths() -> None:
    assert count_regions([found((5, 0, 15, 10))], [drawn((0, 0, 10, 10))]) == counts(1, 1, 1, 1)
    assert count_regions([found((6, 0, 16, 10))], [drawn((0, 0, 10, 10))]) == counts(1, 1, 0, 0)


def test_right_place_under_another_label_is_located_and_not_named() -> None:
    assert count_regions([found((0, 0, 10, 10), "spur")], [drawn((0, 0, 10, 10))]) == counts(1, 1, 0, 1)


def test_one_region_over_two_drawn_defects_finds_one_of_them() -> None:
    wide = found((0, 0, 20, 10))
    assert count_regions([wide], [drawn((0, 0, 10, 10)), drawn((10, 0, 20, 10))]) == counts(2, 1, 1, 1)


def test_two_regions_on_one_drawn_defect_are_one_hit_and_one_false_alarm() -> None:
    pieces = [found((0, 0, 10, 5)), found((0, 5, 10, 10))]
    assert count_regions(pieces, [drawn((0, 0, 10, 10))]) == counts(1, 2, 1, 1)


def test_surest_region_chooses_first_and_takes_its_best_overlap() -> None:
    boxes = [drawn((0, 0, 10, 10)), drawn((4, 0, 14, 10))]
    sure, unsure = found((3, 0, 13, 10), score=0.9), found((4, 0, 14, 10), score=0.6)
    assert count_regions([unsure, sure], boxes) == counts(2, 2, 2, 2)
    # Sure as the other one is now, it takes the second box too, and leaves the first, 3 of 17 px away.
    assert count_regions([sure, found((9, 0, 19, 10), score=0.6)], boxes) == counts(2, 2, 1, 1)


def test_region_in_another_view_is_another_place() -> None:
    seen_elsewhere = [found((0, 0, 10, 10), view="side")]
    assert count_regions(seen_elsewhere, [drawn((0, 0, 10, 10), view="top")]) == counts(1, 1, 0, 0)


def test_nothing_found_and_nothing_drawn_count_as_nothing() -> None:
    assert count_regions([], []) == counts(0, 0, 0, 0)
    assert count_regions([found((0, 0, 9, 9))], []) == counts(0, 1, 0, 0)
    assert count_regions([], [drawn((0, 0, 9, 9))]) == counts(1, 0, 0, 0)


def part(
    name: str, label: str, defects: tuple[Defect, ...], boxes: tuple[DrawnBox, ...] | None
) -> JudgedPart:
    scores = np.array((0.0 if label == GOOD else 0.9, 0.0), np.float32)
    return JudgedPart(name, label, scores, "test", defects=defects, drawn=boxes)


def example() -> list[JudgedPart]:
    """Four drawn, five found, two named, three located, on two parts and a good one."""
    place = (0, 0, 10, 10)
    return [
        part(
            "one",
            "pit",
            (found(place), found((20, 0, 30, 10), "spur"), found((50, 50, 60, 60))),
            (drawn(place), drawn((20, 0, 30, 10))),
        ),
        part(
            "two", "spur", (found(place, "spur"),), (drawn(place, "spur"), drawn((40, 0, 50, 10), "spur"))
        ),
        part("three", GOOD, (found(place),), ()),
    ]


def figures_of(parts: list[JudgedPart]) -> RegionFigures:
    figures = region_figures(parts, seed=0, resamples=500)
    assert figures is not None
    return figures


def test_precision_recall_and_f1_are_over_all_regions_of_all_parts() -> None:
    figures = figures_of(example())
    assert figures.counts == counts(4, 5, 2, 3)
    assert figures.parts == 3
    assert figures.precision is not None
    assert figures.precision.value == 2 / 5
    assert figures.recall is not None
    assert figures.recall.value == 2 / 4
    assert figures.f1 is not None
    assert figures.f1.value == 4 / 9
    assert figures.f1_any_label is not None
    assert figures.f1_any_label.value == 6 / 9


def test_interval_is_over_parts_and_holds_the_value() -> None:
    f1 = figures_of(
        [replace_name(each, f"{each.name}{turn}") for turn in range(8) for each in example()]
    ).f1
    assert f1 is not None
    assert f1.low is not None
    assert f1.high is not None
    assert f1.value == pytest.approx(4 / 9)
    assert f1.low < f1.value < f1.high


def replace_name(each: JudgedPart, name: str) -> JudgedPart:
    return part(name, each.label, each.defects, each.drawn)


def test_part_that_nobody_drew_on_is_left_out_and_without_drawings_there_is_no_figure() -> None:
    masked = part("masked", "pit", (found((0, 0, 9, 9)),), None)
    assert figures_of([*example(), masked]) == figures_of(example())
    assert region_figures([masked, example()[2]], seed=0, resamples=100) is None


def test_evaluation_keeps_the_counts_of_each_part() -> None:
    limits = tuple(Limit(label=label, review_score=0.3, reject_score=0.7) for label in ("pit", "spur"))
    figures = evaluate(example(), ("pit", "spur"), "segmentation", ChosenLimits(limits, "val", "by hand"))
    assert [each.regions for each in figures.parts] == [
        counts(2, 3, 1, 2),
        counts(2, 1, 1, 1),
        counts(0, 1, 0, 0),
    ]
    assert figures.regions is not None
    assert figures.regions.counts == counts(4, 5, 2, 3)


def test_report_says_what_was_found_in_a_sentence() -> None:
    said = regions_answer(figures_of(example())).replace("\u00a0", " ")
    assert said == (
        "Of 4 drawn defects on 3 parts 3 were found, 1 of them only under another label; "
        "2 regions found where nothing was drawn."
    )


def test_box_of_a_shape_holds_its_pixels() -> None:
    covered = np.zeros((20, 30), np.bool_)
    covered[4:9, 11:12] = True
    assert box_of(run_lengths(covered)) == (11, 4, 12, 9)
    assert box_of(Polygon((((2, 3), (8, 3), (8, 9)),))) == (2, 3, 9, 10)
    assert box_of(Rectangle(2, 3, 6.5, 8)) == (2, 3, 6.5, 8)


def seen_at(wanted: float, boxes: tuple[DrawnBox, ...] | None) -> SweptPart:
    """Two drawn defects that are two regions at one map value only, and one region at all others."""
    apart = (found((0, 0, 10, 10)), found((12, 0, 22, 10)))
    together = (found((0, 0, 22, 10)),)
    defects = tuple(apart if map_score == wanted else together for map_score in MAP_SCORES)
    pixel_f1s = np.linspace(0.82, 0.80, len(MAP_SCORES))  # a box's pixels hardly tell
    return SweptPart(part("one", "pit", (), boxes), pixel_f1s, defects)


def test_map_value_is_the_one_that_tells_drawn_defects_apart() -> None:
    boxes = (drawn((0, 0, 10, 10)), drawn((12, 0, 22, 10)))
    assert choose_map_score([seen_at(0.6, boxes)]) == 0.6
    assert choose_map_score([seen_at(0.6, None)]) == 0.1  # without drawings only the pixels count
