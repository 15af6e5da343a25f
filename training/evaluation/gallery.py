"""The parts that a person must look at: worst escapes and worst overkills, as pictures in the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.recipe import Limit
from taktsight.records import Outcome
from taktsight.training.evaluation.figures import Figures, PartFigures
from taktsight.training.evaluation.judged import OpenedPart, OpenPart
from taktsight.training.evaluation.pictures import (
    REFERENCE_RGB,
    Colours,
    colours,
    data_uri,
    fitted,
    outlined,
    size,
)

LABELS_SHOWN = 5
FOUND_RGB = (255, 255, 255)
DARKEST_SHADE = 80
"""Where in the 256 inferno colours a map value of 0 lies; its tint is transparent anyway."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a case."""

    uri: str | None
    """A data URI, so that the page needs no other file; None where there is nothing to show."""
    text: str
    """What it shows, or why there is none."""


@dataclass(frozen=True, slots=True)
class Case:
    """One part with its verdict and its pictures."""

    part: PartFigures
    pictures: tuple[Picture, ...]
    """The frame; its golden template, if there is one; the reference, of a defective part; the score map,
    unless a classifier judged it."""
    scores: tuple[tuple[str, float], ...]
    """The labels that the network is most sure of, and the reference label."""

    @property
    def is_wrong(self) -> bool:
        """Whether the part escaped, or was held up though good."""
        return self.part.is_defective == (self.part.outcome is Outcome.PASS)


def escape_cases(figures: Figures, open_part: OpenPart, most: int) -> tuple[Case, ...]:
    """The escapes first, then the defective parts nearest to escaping; lowest score first.

    Of a physical part that was exposed more than once only the worst exposure is shown.
    """
    defective = [part for part in figures.parts if part.is_defective]
    worst = sorted(defective, key=lambda part: (part.outcome is not Outcome.PASS, part.score, part.name))
    return tuple(_case(part, open_part, figures) for part in _one_exposure_each(worst)[:most])


def overkill_cases(figures: Figures, open_part: OpenPart, most: int) -> tuple[Case, ...]:
    """The good parts that were held up, then those nearest to it; highest score first.

    Of a physical part that was exposed more than once only the worst exposure is shown.
    """
    good = [part for part in figures.parts if not part.is_defective]
    worst = sorted(good, key=lambda part: (part.outcome is Outcome.PASS, -part.score, part.name))
    return tuple(_case(part, open_part, figures) for part in _one_exposure_each(worst)[:most])


def _one_exposure_each(parts: Sequence[PartFigures]) -> list[PartFigures]:
    first: dict[tuple[str, str], PartFigures] = {}
    for part in parts:
        first.setdefault((part.part, "" if part.part else part.name), part)
    return list(first.values())


def _case(part: PartFigures, open_part: OpenPart, figures: Figures) -> Case:
    opened = open_part(part.name)
    plain = fitted(colours(opened.image))
    pictures = [Picture(data_uri(plain), f"frame of view {opened.view}" if opened.view else "frame")]
    if opened.reference is not None:
        pictures.append(Picture(data_uri(fitted(colours(opened.reference))), "golden template"))
    if part.is_defective:
        pictures.append(_reference(plain, opened))
    if opened.is_located:
        pictures.append(score_map(plain, opened, figures.limits))
    return Case(part, tuple(pictures), _leading(part, figures.labels))


def _leading(part: PartFigures, labels: Sequence[str]) -> tuple[tuple[str, float], ...]:
    ranked = sorted(zip(labels, part.scores, strict=True), key=lambda pair: -pair[1])
    return tuple(pair for rank, pair in enumerate(ranked) if rank < LABELS_SHOWN or pair[0] == part.label)


def _reference(plain: Colours, opened: OpenedPart) -> Picture:
    if opened.mask is None:
        return Picture(None, "the reference has no pixels for this part")
    marked = opened.mask > 127
    if not marked.any():
        return Picture(None, "the reference mask is empty")
    return Picture(data_uri(outlined(plain, marked, REFERENCE_RGB)), "reference outline")


def score_map(plain: Colours, opened: OpenedPart, limits: Sequence[Limit]) -> Picture:
    """The highest map over the fitted frame, with a line around what counts as a region."""
    map_scores = np.array([limit.map_score for limit in limits])[:, np.newaxis, np.newaxis]
    found = _on_frame((opened.maps >= map_scores).max(axis=0, keepdims=True)[0], opened) > 0
    highest = _on_frame(opened.maps.max(axis=0, keepdims=True)[0], opened)
    heat = cv2.resize(highest, size(plain), interpolation=cv2.INTER_AREA)
    # The dark end of the colours would hide the part where the network saw nothing.
    shades = (DARKEST_SHADE + (255 - DARKEST_SHADE) * heat).astype(np.uint8)
    tinted = cv2.cvtColor(cv2.applyColorMap(shades, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    strength = (0.8 * np.sqrt(heat))[:, :, np.newaxis]
    mixed = (plain * (1 - strength) + tinted * strength).astype(np.uint8)
    drawn = outlined(mixed, found, FOUND_RGB) if found.any() else mixed
    return Picture(data_uri(drawn), f"score map, highest {opened.maps.max():.2f}")


def _on_frame(
    score_map: NDArray[np.float32] | NDArray[np.bool_], opened: OpenedPart
) -> NDArray[np.float32]:
    """The map at frame size: each value covers its pixels, and what was not judged is 0."""
    x0, y0, x1, y1 = opened.region_px
    spread = np.repeat(np.repeat(score_map, opened.map_px, axis=0), opened.map_px, axis=1)
    frame = np.zeros(opened.image.shape[:2], dtype=np.float32)
    frame[y0:y1, x0:x1] = spread[: y1 - y0, : x1 - x0]
    return frame
