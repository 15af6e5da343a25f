"""What the int8 ranges of a foreign network are measured on: real parts, and none that it is proved on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from rich.progress import track

from taktsight.card import Card
from taktsight.datasets.fingerprints import fingerprints
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.view_files import read_view
from taktsight.errors import DataError
from taktsight.export.foreign.layers import left_alone
from taktsight.export.quantize import (
    CALIBRATION_TILES,
    CHECKED_TILES,
    Tiles,
    int8_engines,
    quantise_for,
    spread_over,
)
from taktsight.imaging import Canvas, prepare

LEAST_PARTS = 16
"""Of fewer, the ranges are those of a few parts: what is brighter than all of them would be cut off."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Parts that ranges are measured on."""

    split: Literal["train", "val"]
    parts: tuple[Sample, ...]
    left_alone: tuple[str, ...]
    """Names of the nodes that stay float32."""

    def __str__(self) -> str:
        counts = Counter(part.label for part in self.parts)
        shown = ", ".join(
            f"{counts[label]} {label}" for label in sorted(counts, key=lambda each: (each != GOOD, each))
        )
        return f"{len(self.parts)} {self.split} parts ({shown})"


def calibration_of(
    engines: Sequence[str], model: bytes, name: str, samples: Sequence[Sample], root: Path
) -> Calibration | None:
    """The train parts; where the data name none, those of val, which chose the limits.

    Args:
        engines: that were asked for.
        model: wrapped.
        name: of the foreign file, for errors.
        samples: with their splits.
        root: of the data set.

    Returns:
        None where no engine runs int8.

    Raises:
        DataError: If the parts are too few, or one of them is a test part too.
        ExportError: If the network has no layer to round.
    """
    if not int8_engines(engines):
        return None
    split: Literal["train", "val"] = "train" if any(each.split == "train" for each in samples) else "val"
    chosen = [each for each in samples if each.split == split]
    if len(chosen) < LEAST_PARTS:
        only = "" if split == "train" else ", and the data name no train parts"
        raise DataError(
            f"{name}: int8 ranges are measured on at least {LEAST_PARTS} parts, {split} has {len(chosen)}"
            f"{only}; add real train parts, good ones among them, or leave the int8 engines out"
        )
    _check_apart(chosen, samples, root)
    return Calibration(split, tuple(chosen), left_alone(model, name))


def _check_apart(chosen: Sequence[Sample], samples: Sequence[Sample], root: Path) -> None:
    """A copy under another name is the same part: the proof would be memory."""
    tested = [each for each in samples if each.split == "test"]
    prints = fingerprints([*chosen, *tested], root)
    proof = {digest: name for name, (split, digest) in prints.items() if split == "test"}
    for name, (split, digest) in prints.items():
        if split != "test" and digest in proof:
            raise DataError(
                f"{name} of {split} is the same as {proof[digest]} of test: int8 would be proved on a part "
                "that its ranges were measured on; take it out of one of them"
            )


def rounded(
    model: bytes, card: Card, engines: Sequence[str], calibration: Calibration | None
) -> dict[str, bytes]:
    """The int8 model: every label and good parts alike, each from its darkest to its brightest tile.

    Args:
        model: wrapped, float32.
        card: with its limits.
        engines: that will run it, others among them.
        calibration: parts that it is not proved on; None where no engine runs int8.

    Raises:
        BackendError: If the quantiser or an engine is not installed, or fails on the model.
    """
    if calibration is None:
        return {}
    counts = (CALIBRATION_TILES, CHECKED_TILES)
    tiles, checked = read_tiles(calibration.parts, card.canvas, counts)
    made = quantise_for(engines, model, card, tiles, checked, left_alone=calibration.left_alone)
    return {"int8": made.model}


def read_tiles(parts: Sequence[Sample], canvas: Canvas, counts: Sequence[int]) -> list[Tiles]:
    """Tiles of every kind, so many at most each time.

    Each part is looked at once, and those that are chosen are read again: all may not fit the memory.

    Args:
        parts: of every label that there is.
        canvas: what the line gives the network.
        counts: how many are wanted.
    """
    views = [view for part in parts for view in part.each_view()]
    places: list[tuple[int, int]] = []
    brightness: list[float] = []
    for number, view in enumerate(track(views, "parts to measure int8 ranges on", transient=True)):
        tiles = _tiles(view, canvas)
        places += [(number, place) for place in range(len(tiles))]
        brightness += tiles.mean(axis=(1, 2, 3), dtype=np.float64).tolist()
    labels = sorted({view.label for view in views})
    targets = [labels.index(views[number].label) for number, _ in places]
    chosen = [spread_over(np.array(brightness), targets, count) for count in counts]
    return [
        np.stack([_tiles(views[number], canvas)[place] for number, place in map(places.__getitem__, each)])
        for each in chosen
    ]


def _tiles(view: Sample, canvas: Canvas) -> Tiles:
    image, _ = read_view(view, canvas)
    return prepare(image, None, canvas)[0]
