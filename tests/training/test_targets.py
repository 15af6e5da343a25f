"""The true defects of judged parts, as targets for a curve of detection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.datasets.samples import GOOD
from taktsight.quality.pod_hits import pod_hit_miss
from taktsight.quality.tables import read_table
from taktsight.recipe import Limit
from taktsight.training.evaluation.judged import JudgedPart, TrueDefect
from taktsight.training.evaluation.operating_point import judge
from taktsight.training.evaluation.targets import write_targets

LIMIT = Limit(label="pit", reject_score=0.5, review_score=0.5, map_score=0.4)


def part(name: str, score: float, *defects: tuple[int, float]) -> JudgedPart:
    """A part whose true pits have so many pixels and such a peak; none on a good one."""
    return JudgedPart(
        name,
        "pit" if defects else GOOD,
        np.array([score], np.float32),
        "test",
        true_defects=tuple(TrueDefect("pit", area, np.array([peak], np.float32)) for area, peak in defects),
    )


def written(folder: Path, *parts: JudgedPart, mm_per_px: float | None = 0.1) -> Path | None:
    return write_targets(folder, parts, judge(parts, ["pit"], [LIMIT]), [LIMIT], mm_per_px)


def test_sizes_are_in_mm_and_a_part_that_passed_has_found_nothing(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        part("good", 0.1),
        part("held up", 0.6),
        part("two", 0.9, (314, 0.9), (79, 0.3)),
        part("escaped", 0.2, (79, 0.9)),
    )
    assert path is not None
    table = read_table(path)
    assert table.unit_of("size_mm") == "mm"
    # Diameters of circles of 314 and 79 px: 20 and 10 px.
    assert table.numbers("size_mm").tolist() == pytest.approx([0, 0, 2.0, 1.003, 1.003], abs=1e-3)
    assert table.flags("hit").tolist() == [False, True, True, False, False]
    assert table.numbers("signal").tolist() == pytest.approx([0.1, 0.6, 0.9, 0.3, 0.9])


def test_curve_comes_from_the_table(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    areas = draw.integers(5, 400, 80)
    found = draw.random(80) < 1 / (1 + np.exp(-(np.sqrt(areas) - 9) / 1.5))
    parts = [
        part(f"p{n}", 0.9 if hit else 0.1, (int(area), 0.8))
        for n, (area, hit) in enumerate(zip(areas, found, strict=True))
    ]
    path = written(tmp_path, *parts, part("good", 0.0))
    assert path is not None
    table = read_table(path)
    pod = pod_hit_miss(table.numbers("size_mm"), table.flags("hit"), unit="mm")
    assert (pod.n, pod.hits) == (80, int(found.sum()))
    assert pod.a90_95 is not None
    assert pod.false_calls is not None


def test_without_true_defects_there_is_no_table(tmp_path: Path) -> None:
    assert written(tmp_path, part("good", 0.1)) is None
    assert not list(tmp_path.iterdir())
    assert written(tmp_path, part("p", 0.9, (10, 0.9)), mm_per_px=None) is not None
    assert read_table(tmp_path / "targets.csv").has("size_px")
