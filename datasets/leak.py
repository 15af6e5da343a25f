"""How much of an accuracy on the test split would be memory: the nearest neighbour's answer.

A photograph of a piece that training has seen resembles its other photographs most. Where that
gives the label away, the nearest training image is right far more often than those a little further
off; on an honest split the first neighbour knows little more than the twentieth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.checks.look import Looks, Small
from taktsight.datasets.samples import Sample
from taktsight.errors import DataError
from taktsight.quality.rates import clopper_pearson

SIDE_PX = 32
NEAR = 1
FAR = (10, 20)
"""Neighbours that no longer show the same piece, first and last rank."""
LEAKS_FROM = 0.2
"""Splits by part of real sets score −0.06 to 0.13, random ones of parts photographed six times 0.37."""
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Leak:
    """What the nearest training image gives away about the test parts."""

    nearest: float
    """Share of the test parts whose nearest training image has their label, 0–1."""
    nearest_low: float
    """Lower end of its 95 % Clopper–Pearson interval."""
    farther: float
    """The same of the 10th to 20th nearest: what resemblance of kind alone gives."""
    parts: int

    @property
    def score(self) -> float:
        """``nearest`` − ``farther``: the accuracy that is memory."""
        return self.nearest - self.farther

    @property
    def is_flagged(self) -> bool:
        """Whether the split leaks, beyond what so few parts show by chance."""
        return self.score >= LEAKS_FROM and self.nearest_low > self.farther


def too_few_to_probe(samples: Sequence[Sample]) -> str:
    """Why no leak can be probed; empty where one can."""
    train, test = (sum(sample.split == split for sample in samples) for split in ("train", "test"))
    if train >= FAR[1] and test:
        return ""
    return (
        f"a leak is probed with {FAR[1]} training samples and a test sample at least; "
        f"there are {train} and {test}"
    )


def probe(samples: Sequence[Sample], looks: Looks) -> Leak:
    """The leak from train into test.

    Args:
        samples: with their splits.
        looks: what their first images show.

    Raises:
        DataError: If a split has too few samples to probe, or an image cannot be read.
    """
    few = too_few_to_probe(samples)
    if few:
        raise DataError(few)
    train = [sample for sample in samples if sample.split == "train"]
    test = [sample for sample in samples if sample.split == "test"]
    known, asked = (np.stack([_vector(sample, looks) for sample in split]) for split in (train, test))
    nearest = np.argsort(-(asked @ known.T), axis=1, kind="stable")[:, : FAR[1]]
    labels = np.array([sample.label for sample in train])[nearest]
    right = labels == np.array([sample.label for sample in test])[:, np.newaxis]
    hits = int(right[:, :NEAR].sum())
    return Leak(
        hits / len(test),
        clopper_pearson(hits, len(test), 0.95).low,
        float(right[:, FAR[0] - 1 :].mean()),
        len(test),
    )


def _vector(sample: Sample, looks: Looks) -> Vector:
    looked = looks.images[sample.images[0]]
    if looked.seen is None:
        raise DataError(str(looked.fault))
    return _normed(looked.seen.small)


def _normed(small: Small) -> Vector:
    """The part at 32×32 pixels, without its brightness and contrast, of length 1."""
    shrunk = cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    shrunk -= shrunk.mean()
    return shrunk / np.float32(max(1e-6, float(np.linalg.norm(shrunk))))
