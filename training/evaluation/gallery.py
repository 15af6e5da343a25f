"""The parts that a person must look at: worst escapes and worst overkills, as pictures in the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.recipe import Limit
from taktsight.records import Image, Outcome
from taktsight.training.evaluation.figures import Figures, PartFigures
from taktsight.training.evaluation.judged import OpenedPart, OpenPart

LABELS_SHOWN = 5
PICTURE_PX = 460
"""Longest side of a picture in the page."""
REFERENCE_RGB = (240, 228, 66)
"""Yellow with a black rim: seen on dark and on bright metal alike."""
OUTLINE_PX = 6
"""Distance of the outline from what it marks, page pixels."""
FOUND_RGB = (255, 255, 255)
DARKEST_SHADE = 80
"""Where in the 256 inferno colours a map value of 0 lies; its tint is transparent anyway."""

Colours = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, for the page only."""


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
    """The frame; the reference, of a defective part; the score map, unless a classifier judged it."""
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
    plain = _shrunk(_colours(opened.image))
    pictures = [Picture(_data_uri(plain), "frame")]
    if part.is_defective:
        pictures.append(_reference(plain, opened))
    if opened.is_located:
        pictures.append(_score_map(plain, opened, figures.limits))
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
    return Picture(_data_uri(_outlined(plain, marked, REFERENCE_RGB)), "reference outline")


def _score_map(plain: Colours, opened: OpenedPart, limits: Sequence[Limit]) -> Picture:
    map_scores = np.array([limit.map_score for limit in limits])[:, np.newaxis, np.newaxis]
    found = _on_frame((opened.maps >= map_scores).max(axis=0, keepdims=True)[0], opened) > 0
    highest = _on_frame(opened.maps.max(axis=0, keepdims=True)[0], opened)
    heat = cv2.resize(highest, _size(plain), interpolation=cv2.INTER_AREA)
    # The dark end of the colours would hide the part where the network saw nothing.
    shades = (DARKEST_SHADE + (255 - DARKEST_SHADE) * heat).astype(np.uint8)
    tinted = cv2.cvtColor(cv2.applyColorMap(shades, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    strength = (0.8 * np.sqrt(heat))[:, :, np.newaxis]
    mixed = (plain * (1 - strength) + tinted * strength).astype(np.uint8)
    outlined = _outlined(mixed, found, FOUND_RGB) if found.any() else mixed
    return Picture(_data_uri(outlined), f"score map, highest {opened.maps.max():.2f}")


def _on_frame(
    score_map: NDArray[np.float32] | NDArray[np.bool_], opened: OpenedPart
) -> NDArray[np.float32]:
    """The map at frame size: each value covers its pixels, and what was not judged is 0."""
    x0, y0, x1, y1 = opened.region_px
    spread = np.repeat(np.repeat(score_map, opened.map_px, axis=0), opened.map_px, axis=1)
    frame = np.zeros(opened.image.shape[:2], dtype=np.float32)
    frame[y0:y1, x0:x1] = spread[: y1 - y0, : x1 - x0]
    return frame


def _outlined(plain: Colours, marked: NDArray[np.bool_], colour: tuple[int, int, int]) -> Colours:
    """A line around what is marked, at some distance: it must not cover a crack of two pixels."""
    share = cv2.resize(marked.astype(np.float32), _size(plain), interpolation=cv2.INTER_AREA)
    covered = (share > 0).astype(np.uint8)  # any coverage counts, or a small pit would vanish
    distance = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * OUTLINE_PX + 1, 2 * OUTLINE_PX + 1))
    around = cv2.dilate(covered, distance)
    contours, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = plain.copy()
    cv2.drawContours(drawn, contours, -1, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, colour, 2, cv2.LINE_AA)
    return drawn


def _colours(image: Image) -> Colours:
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image


def _shrunk(image: Colours) -> Colours:
    """Fitted to the page; a small picture is enlarged by whole pixels, so its pixels stay visible."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest <= PICTURE_PX // 2:
        times = PICTURE_PX // longest
        return np.asarray(np.repeat(np.repeat(image, times, axis=0), times, axis=1), dtype=np.uint8)
    scale = min(1.0, PICTURE_PX / longest)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _size(image: Colours) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _data_uri(image: Colours) -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # Without colour subsampling: a yellow line two pixels wide would turn grey.
    how = (
        cv2.IMWRITE_JPEG_QUALITY,
        86,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    encoded = cv2.imencode(".jpg", bgr, how)[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
