"""Series of frames of good parts from public sets, each as one camera would have taken it."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from taktsight.image_files import read_image
from taktsight.records import Image

MIN_FRAMES = 50
"""Of a series."""


@dataclass(frozen=True, slots=True)
class Series:
    """Frames of one camera."""

    learn: tuple[Image, ...]
    test: tuple[Image, ...]
    in_place: bool = False
    """Whether the parts lie in one place, so that a reference means something."""


def aws_aliens(data: Path) -> list[Series]:
    """Figures laid in place by hand: train and test."""
    rows = [row for row in _index(data / "aws-aliens") if row["is_defect"] == "0"]
    return [_by_split(data / "aws-aliens", rows, in_place=True)]


def kolektorsdd(data: Path) -> list[Series]:
    """Commutator surfaces: train and test items."""
    rows = [row for row in _index(data / "kolektorsdd") if row["is_defect"] == "0"]
    return [_by_split(data / "kolektorsdd", rows)]


def magnetic_tile(data: Path) -> list[Series]:
    """Six exposures of each tile: a series each."""
    rows = [row for row in _index(data / "magnetic-tile") if row["is_defect"] == "0"]
    exposures: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        exposures[row["exposure"]].append(row)
    enough = sorted(key for key, found in exposures.items() if len(found) >= MIN_FRAMES)
    return [_by_split(data / "magnetic-tile", exposures[key]) for key in enough]


def xsdd(data: Path) -> list[Series]:
    """Steel strip of one kind; the set has no good parts, and the bands do not ask for any."""
    rows = [row for row in _index(data / "xsdd") if row["class"] == "finishing roll printing"]
    return [_by_split(data / "xsdd", rows)]


def bsdata(data: Path) -> list[Series]:
    """Four places of a ball screw before a fixed camera, worn from look to look; every second learns."""
    return [Series(frames[0::2], frames[1::2], in_place=True) for frames in _looks(data)]


def bsdata_later(data: Path) -> list[Series]:
    """The same in time: the first third learns, so that wear and dirt are what comes."""
    return [Series(frames[: len(frames) // 3], frames[len(frames) // 3 :], True) for frames in _looks(data)]


SETS: dict[str, Callable[[Path], list[Series]]] = {
    "aws-aliens": aws_aliens,
    "kolektorsdd": kolektorsdd,
    "magnetic-tile": magnetic_tile,
    "xsdd": xsdd,
    "bsdata": bsdata,
    "bsdata, first third learns": bsdata_later,
}


def _looks(data: Path) -> list[tuple[Image, ...]]:
    places: dict[str, list[Path]] = defaultdict(list)
    for file in sorted((data / "bsdata" / "data").glob("01_*.jpg")):
        places[file.stem.split("_", 2)[2]].append(file)
    series = []
    for files in (files for files in places.values() if len(files) >= MIN_FRAMES):
        frames = [read_image(file) for file in files]
        series.append(tuple(frame for frame in frames if frame.shape == frames[0].shape))
    return series


def _by_split(folder: Path, rows: list[dict[str, str]], *, in_place: bool = False) -> Series:
    learn = tuple(read_image(folder / row["image"]) for row in rows if row["split"] != "test")
    test = tuple(read_image(folder / row["image"]) for row in rows if row["split"] == "test")
    return Series(learn, test, in_place)


def _index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
