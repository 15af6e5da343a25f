"""Frames reduced to cells: a stain that stays where it is, and frames that look like no frame before.

A frame becomes 24 × 32 means of cells ÷ its own mean level: exposure is taken out, dirt is not. Recent
frames are held against those of the reference as two samples, by permutation. The stain's statistic is a
median over frames: a defect on one part moves none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from taktsight.quality.two_samples import TwoSamples, mmd
from taktsight.records import Box, Image

Floats = NDArray[np.float64]

ROWS, COLUMNS = 24, 32
LEAST_SPREAD = 0.005
"""Of a cell, as a share of the mean level: what differs by less is no stain."""
DIRECTIONS = 6
"""Principal directions that frames are compared along as a whole."""
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Stain:
    """A place that has become darker or brighter in frame after frame."""

    p: float
    """The chance of one so marked anywhere, were the frames like those of the reference."""
    box: tuple[int, int, int, int]
    """First and last row and column of its cells, ends exclusive: y0, x0, y1, x1."""
    change: float
    """Of its most marked cell, as a share of the mean level; below 0 is darker."""

    def box_px(self, width: int, height: int) -> Box:
        """x0, y0, x1, y1 in a frame of that size."""
        y0, x0, y1, x1 = self.box
        return (
            x0 * width // COLUMNS,
            y0 * height // ROWS,
            -(-x1 * width // COLUMNS),
            -(-y1 * height // ROWS),
        )


def cells_of(image: Image) -> Floats:
    """(768,) mean of each cell ÷ mean of the frame.

    Raises:
        ValueError: If the frame has fewer pixels than cells in a direction.
    """
    height, width = image.shape[:2]
    if height < ROWS or width < COLUMNS:
        raise ValueError(f"a frame of {width}×{height} pixels has no {COLUMNS}×{ROWS} cells")
    tops = np.arange(ROWS) * height // ROWS
    lefts = np.arange(COLUMNS) * width // COLUMNS
    lines = np.add.reduceat(image.sum(axis=2, dtype=np.uint32), tops, axis=0, dtype=np.uint64)
    sums = np.add.reduceat(lines, lefts, axis=1).astype(np.float64)
    areas = np.outer(np.diff(tops, append=height), np.diff(lefts, append=width)) * image.shape[2]
    means = sums / areas
    found: Floats = ((means + 1) / (means.mean() + 1)).ravel()
    return found


def find_stain(
    reference: Floats,
    recent: Floats,
    rng: np.random.Generator,
    *,
    permutations: int,
    level: float = 1.0,
) -> Stain:
    """The most marked change of a cell's median, and how likely it is by chance.

    Args:
        reference: (F, 768) cells of the reference's frames.
        recent: (W, 768) cells of recent frames.
        rng: draws the permutations.
        permutations: how many ways to part the pooled frames are tried at most.
        level: once p can no longer be as low, no more are; see :func:`taktsight.quality.two_samples.mmd`.
    """
    pooled = np.concatenate([reference, recent])
    middle = np.median(pooled, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(pooled - middle), axis=0), LEAST_SPREAD)
    change = _change(recent[np.newaxis], reference[np.newaxis])[0]
    marked = np.abs(change) / spread
    found: list[Floats] = []
    as_large, tried = 0, 0
    while tried < permutations and as_large + 1 <= level * (1 + permutations):
        count = min(_CHUNK, permutations - tried)
        drawn = pooled[rng.random((count, len(pooled))).argsort(axis=1)]
        changes = _change(drawn[:, : len(recent)], drawn[:, len(recent) :])
        found.append((np.abs(changes) / spread).max(axis=1))
        as_large += int((found[-1] >= marked.max() - 1e-12).sum())
        tried += count
    largest, p = np.concatenate(found), (1 + as_large) / (1 + tried)
    return Stain(p, _box(marked, change, float(np.quantile(largest, 0.99))), float(change[marked.argmax()]))


def _change(recent: Floats, reference: Floats) -> Floats:
    """(P, 768) difference of the medians over frames, without what all cells have in common."""
    change: Floats = np.median(recent, axis=1) - np.median(reference, axis=1)
    return change - np.median(change, axis=1, keepdims=True)


def _box(marked: Floats, change: Floats, usual: float) -> tuple[int, int, int, int]:
    """What holds the most marked cell and its neighbours that changed alike, beyond what chance does."""
    worst = int(marked.argmax())
    is_part = (marked > min(usual, marked[worst] * 0.99)) & (np.sign(change) == np.sign(change[worst]))
    patches, _ = label(is_part.reshape(ROWS, COLUMNS), np.ones((3, 3)))
    rows, columns = np.nonzero(patches == patches.flat[worst])
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def compare_looks(
    reference: Floats,
    recent: Floats,
    rng: np.random.Generator,
    *,
    permutations: int,
    level: float = 1.0,
) -> TwoSamples:
    """Whether recent frames look like those of the reference, by MMD along the main directions of both.

    There is no embedding in the ledger, so the look of a frame is a fixed one: its cells, along the six
    directions in which the pooled frames differ most. The directions are of the pooled frames: a
    permutation changes none of them.
    """
    pooled = np.concatenate([reference, recent])
    centred = pooled - pooled.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    kept = min(DIRECTIONS, int((sizes > 1e-9 * sizes[0]).sum())) if sizes[0] > 0 else 0
    if not kept:
        return TwoSamples(0.0, 1.0, "permutation")
    looks = centred @ directions[:kept].T / (sizes[:kept] / np.sqrt(len(pooled)))
    return mmd(
        looks[: len(reference)], looks[len(reference) :], rng, permutations=permutations, level=level
    )
