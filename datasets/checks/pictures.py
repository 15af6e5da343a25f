"""Findings as pictures in the page: the image with its marking outlined, copies side by side."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from taktsight.datasets.checks.check import Checked
from taktsight.datasets.checks.drawings import covered
from taktsight.datasets.checks.findings import Finding, Kind
from taktsight.datasets.outlined import Colours, fitted, outlined
from taktsight.datasets.samples import Sample
from taktsight.image_files import read_image

BETWEEN_RGB = (213, 94, 0)
_MARGIN_PX = 12
_MANY: frozenset[Kind] = frozenset({"soft mask", "odd size", "odd channels", "odd exposure"})
"""Kinds whose paths are all of one sort: as many are shown as there is room for."""
SHOWN_OF_MANY = 6
_NONE: frozenset[Kind] = frozenset(
    {"rare label", "absent label", "unused label", "few to certify", "untrainable"}
)
"""Kinds about a whole label: one of its images would explain nothing."""

Place = tuple[slice, slice]
"""Rows and columns of an image."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of a finding."""

    name: str
    uri: str | None
    """A data URI; None where the file cannot be shown."""
    text: str
    """Label, split and size, or why there is nothing to see."""


class Gallery:
    """Finds and draws the files of findings."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._owners: dict[Path, Sample] = {}
        for sample in reversed(checked.samples):
            self._owners.update(dict.fromkeys(sample.images, sample))

    def pictures(self, finding: Finding) -> tuple[Picture, ...]:
        """The first files of a finding: two to compare, or a few of many."""
        most = SHOWN_OF_MANY if finding.kind in _MANY else 0 if finding.kind in _NONE else 2
        known = self._checked.looks
        shown = [path for path in finding.paths if path in known.images or path in known.masks]
        place = self._place(shown[:2]) if finding.kind == "copies disagree" else None
        pictures = tuple(self._picture(path, place) for path in shown[:most])
        return pictures if any(picture.uri for picture in pictures) else ()

    def _place(self, copies: Sequence[Path]) -> Place | None:
        """Where one of the copies is marked, with some room: outlines of whole images look the same."""
        looks = self._checked.looks
        markings = [covered(self._owners[path], path, looks) for path in copies]
        known = [marked for marked in markings if marked is not None and marked.any()]
        if not known or any(marked.shape != known[0].shape for marked in known):
            return None
        ys, xs = np.nonzero(np.any(known, axis=0))
        room = max(_MARGIN_PX, (int(np.ptp(ys)) + int(np.ptp(xs))) // 6)
        rows = slice(max(0, int(ys.min()) - room), int(ys.max()) + room)
        return rows, slice(max(0, int(xs.min()) - room), int(xs.max()) + room)

    def _picture(self, path: Path, place: Place | None = None) -> Picture:
        looks = self._checked.looks
        looked = looks.images.get(path) or looks.masks[path]
        if looked.fault:
            return Picture(path.name, None, f"{looked.fault.kind}: cannot be shown")
        if looked.drawn:
            text = f"mask, {looked.drawn.width}×{looked.drawn.height}"
            text += ", the marked place" if looked.drawn.lit else ", black"
            return Picture(path.name, _data_uri(_mask_picture(path)), text)
        image = read_image(path, channels=3)
        sample = self._owners.get(path)
        if sample is None:
            return Picture(path.name, _data_uri(fitted(image)), "good part to compare with")
        said = [
            ", ".join(sample.labels) or "good",
            sample.split or "",
            f"{image.shape[1]}×{image.shape[0]}",
        ]
        marked = covered(sample, path, looks)
        if place:
            image, marked = image[place], None if marked is None else marked[place]
            said.append("the marked place")
        return Picture(path.name, _data_uri(outlined(image, marked)), " · ".join(filter(None, said)))


def _mask_picture(path: Path) -> Colours:
    """The marked place alone; levels between 0 and 255 in orange."""
    grey = read_image(path, channels=1)[:, :, 0]
    ys, xs = np.nonzero(grey)
    if len(ys):
        top, left = max(0, int(ys.min()) - _MARGIN_PX), max(0, int(xs.min()) - _MARGIN_PX)
        grey = grey[top : int(ys.max()) + _MARGIN_PX, left : int(xs.max()) + _MARGIN_PX]
    shown = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    between = (grey > 0) & (grey < 255)
    strength = 0.35 + 0.65 * grey[between, np.newaxis] / 255  # the faintest levels can still be seen
    shown[between] = (strength * BETWEEN_RGB).astype(np.uint8)
    return fitted(shown)


def _data_uri(image: Colours) -> str:
    # Without colour subsampling: a yellow line two pixels wide would turn grey.
    how = (
        cv2.IMWRITE_JPEG_QUALITY,
        84,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), how)[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
