"""A stain on real frames: commutators of KolektorSDD, each another part before one camera."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.image_files import read_image
from taktsight.quality.drift_frames import cells_of, compare_looks, find_stain

SOURCES = Path(__file__).parents[3] / "shared" / "data"
SIZE_PX = (500, 1235)
"""Width and height that every frame has at least."""
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def frames() -> list[Path]:
    folder = SOURCES / "kolektorsdd"
    if not (folder / "index.csv").exists():
        pytest.skip("the set kolektorsdd is not beside the repository")
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["is_defect"] == "0"]
    paths = [folder / row["image"] for row in rows]
    return [paths[place] for place in np.random.default_rng(0).permutation(len(paths))[:100]]


def cells(paths: list[Path], *, stained: bool = False) -> Floats:
    found = []
    for path in paths:
        image = read_image(path, 1)[: SIZE_PX[1], : SIZE_PX[0]].copy()
        if stained:  # less light behind a drop on the lens
            image[600:700, 200:280] = (image[600:700, 200:280] * 0.85).round()
        found.append(cells_of(image))
    return np.stack(found)


def test_stain_of_fifteen_percent_is_found_in_its_place(frames: list[Path]) -> None:
    rng = np.random.default_rng(1)
    found = find_stain(cells(frames[:60]), cells(frames[60:80], stained=True), rng, permutations=999)
    assert found.p <= 0.005
    assert found.change < -0.1
    x0, y0, x1, y1 = found.box_px(*SIZE_PX)
    assert x0 < 280
    assert x1 > 200
    assert y0 < 700
    assert y1 > 600


def test_other_parts_without_a_stain_alarm_as_seldom_as_the_level_says(frames: list[Path]) -> None:
    rng = np.random.default_rng(3)
    every, found = cells(frames), []
    for _ in range(12):
        drawn = every[rng.permutation(100)]
        found += [
            find_stain(drawn[:60], drawn[60:80], rng, permutations=99).p,
            compare_looks(drawn[:60], drawn[60:80], rng, permutations=99).p,
        ]
    assert (np.array(found) <= 0.05).sum() <= 5
