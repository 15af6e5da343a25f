"""A labelled part with the scores a network gave it: all that the figures need to know."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.samples import GOOD, Split
from taktsight.records import Box, Defect, Image, Maps, Scores, check_image

Clusters = NDArray[np.int64]
"""(N,) which physical part each judged part is an exposure of, numbered from 0."""


@dataclass(frozen=True, slots=True)
class TrueDefect:
    """One connected region of the reference, and what the network said of its place."""

    label: str
    area_px: int
    """Frame pixels."""
    peaks: Scores
    """(K,) float32, 0–1: the highest map value of each label within the region."""

    @property
    def diameter_px(self) -> float:
        """Of the circle that has the same area, frame pixels."""
        return math.sqrt(4 * self.area_px / math.pi)


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """What holds one drawn defect."""

    label: str
    box_px: tuple[float, float, float, float]
    """x0, y0, x1, y1: edges, frame pixels."""
    view: str = "camera"


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """One labelled part and what the network said of it."""

    name: str
    """Unique within its split: the report shows it and ``open_part`` is asked for it."""
    label: str
    """The reference: a defect label, or ``GOOD``."""
    scores: Scores
    """(K,) float32, 0–1, in the order of the defect labels; of several views each label's highest."""
    split: Split
    part: str = ""
    """The physical piece, where it is known: its exposures are not counted as independent."""
    lot: str = ""
    time: str = ""
    """When it was looked at; "" where nobody says."""
    image_paths: tuple[Path, ...] = ()
    defects: tuple[Defect, ...] = ()
    """The regions found, as the line finds them; limits that tolerate an area need them."""
    pixel_f1: float | None = None
    """F1 of the defect pixels, 0–1; None where the reference has no pixels to compare with."""
    true_defects: tuple[TrueDefect, ...] | None = None
    """The reference's regions; none on a good part. None where pixels are not known, or not judged."""
    drawn: tuple[DrawnBox, ...] | None = None
    """The defects as they were drawn, one by one; none on a good part. None where nobody drew any."""
    view_scores: tuple[tuple[str, Scores], ...] = ()
    """Each view with its own scores (K,), where the part has several."""

    def __post_init__(self) -> None:
        if self.scores.dtype != np.float32 or self.scores.ndim != 1 or not self.scores.size:
            raise ValueError(
                f"{self.name}: scores are (K,) float32, got {self.scores.shape} {self.scores.dtype}"
            )
        if not (self.scores.min() >= 0.0 and self.scores.max() <= 1.0):  # NaN fails both
            raise ValueError(f"{self.name}: scores must be finite and within 0–1, got {self.scores}")
        if self.pixel_f1 is not None and not 0.0 <= self.pixel_f1 <= 1.0:
            raise ValueError(f"{self.name}: pixel_f1 must lie within 0–1, got {self.pixel_f1}")

    @property
    def score(self) -> float:
        """The part's score, 0–1: that of the label the network is most sure of."""
        return float(self.scores.max())

    @property
    def is_defective(self) -> bool:
        """Whether the part must not pass."""
        return self.label != GOOD

    @property
    def deciding_view(self) -> str:
        """Of several views the one with the highest score; "" where there is one."""
        return max(self.view_scores, key=lambda view: view[1].max(), default=("", None))[0]


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """The pictures of one part, opened for the report only."""

    image: Image
    """(H, W, C) uint8 frame."""
    maps: Maps
    """(K, h, w) float32, 0–1, of the judged region; h = w = 1 for a classifier."""
    mask: NDArray[np.uint8] | None = None
    """(H, W) uint8, above 127 where the reference sees the defect; None where no pixels are known."""
    map_px: int = 1
    """Frame pixels per map pixel: stride × down-scaling factor."""
    roi_px: Box | None = None
    """The judged region, frame pixels; None for the whole frame."""
    view: str = ""
    """Of several views the one that decided."""
    reference: Image | None = None
    """(H, W, C) uint8, the golden template it was compared with."""

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.mask is not None and self.mask.shape != self.image.shape[:2]:
            raise ValueError(
                f"a mask of {self.mask.shape} does not lie on a frame of {self.image.shape[:2]}"
            )
        height, width = self.region_px[3] - self.region_px[1], self.region_px[2] - self.region_px[0]
        wanted = (-(-height // self.map_px), -(-width // self.map_px))
        if self.is_located and self.maps.shape[1:] != wanted:
            raise ValueError(
                f"maps of {self.maps.shape[1:]} do not cover {height}×{width} pixels "
                f"at {self.map_px} pixels each; {wanted} are wanted"
            )

    @property
    def region_px(self) -> Box:
        """The judged region x0, y0, x1, y1, frame pixels."""
        return self.roi_px or (0, 0, self.image.shape[1], self.image.shape[0])

    @property
    def is_located(self) -> bool:
        """Whether the maps have pixels."""
        return self.maps.shape[1:] != (1, 1)


OpenPart = Callable[[str], OpenedPart]
"""Opens the part of this name; called for the few parts of the report's gallery only."""


def clusters_of(parts: Sequence[JudgedPart]) -> Clusters:
    """Which physical part each judged part is an exposure of; one of its own where that is not known."""
    numbers: dict[str | int, int] = {}
    keys: list[str | int] = [part.part or index for index, part in enumerate(parts)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def is_defective(parts: Sequence[JudgedPart]) -> NDArray[np.bool_]:
    """(N,) the reference of each part."""
    return np.array([part.is_defective for part in parts], dtype=bool)
