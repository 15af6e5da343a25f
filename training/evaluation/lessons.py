"""The part of the report that is for whoever trains the next model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taktsight.records import Image
from taktsight.training.evaluation.label_noise import Suspect
from taktsight.training.evaluation.learning_curves import Learning
from taktsight.training.evaluation.nearest import FindNearest
from taktsight.training.evaluation.pictures import REFERENCE_RGB, colours, data_uri, fitted, outlined


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a training can tell about itself and its labels."""

    learning: Learning
    suspects: tuple[Suspect, ...]
    """Train and val parts, the most doubtful label first."""
    find_nearest: FindNearest
    show: Callable[[str], str]
    """The picture of a train or val part of this name, as a data URI."""


def picture_of(image: Image, mask: NDArray[np.uint8] | None, longest_px: int) -> str:
    """A frame with its reference outlined, as a data URI.

    Args:
        image: (H, W, C) uint8.
        mask: (H, W) uint8, above 127 where the defect is; None where no pixels are known.
        longest_px: longest side of the picture.
    """
    plain = fitted(colours(image), longest_px)
    marked = None if mask is None else mask > 127
    if marked is not None and marked.any():
        plain = outlined(plain, marked, REFERENCE_RGB)
    return data_uri(plain)
