"""A batch of any length through lanes to a GPU that each take a fixed number of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch

MAX_APART = 1e-3
"""Between runs of the same tiles, with a graph and without: kernels may add in another order."""
WARM_UPS = 3
Shapes = dict[str, tuple[int, ...]]
"""Of the input under the model's own name, of ``maps`` and of ``scores``, in this order; N is fixed."""


class Lane(Protocol):
    """One way through the GPU."""

    def start(self, tiles: Batch) -> None:
        """Queues up to as many tiles as the lane takes; what is missing is filled and ignored."""

    def finish(self, maps: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        """Waits for what was started, and writes it where it belongs: (n, K, h, w) and (n, K)."""


def through_lanes(
    lanes: Sequence[Lane], shapes: Shapes, batch: Batch, name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """maps (N, K, h, w) and scores (N, K) of a batch; the lanes take turns.

    Raises:
        BackendError: If the batch is not what the engine takes, or the GPU fails.
    """
    (step, *frame), map_shape, score_shape = shapes.values()
    if batch.dtype != np.uint8 or list(batch.shape[1:]) != frame or not len(batch):
        raise BackendError(
            f"{name}: got a batch {batch.dtype} {batch.shape}, the engine takes uint8 (N, "
            f"{', '.join(map(str, frame))})"
        )
    maps = np.empty((len(batch), *map_shape[1:]), np.float32)
    scores = np.empty((len(batch), *score_shape[1:]), np.float32)
    runs = [slice(start, min(start + step, len(batch))) for start in range(0, len(batch), step)]
    waiting: list[tuple[Lane, slice]] = []
    for turn, run in enumerate(runs):
        if len(waiting) == len(lanes):
            lane, before = waiting.pop(0)
            lane.finish(maps[before], scores[before])
        lane = lanes[turn % len(lanes)]
        lane.start(batch[run])
        waiting.append((lane, run))
    for lane, run in waiting:
        lane.finish(maps[run], scores[run])
    return maps, scores


def all_answers(lane: Lane, shapes: Shapes, tiles: Batch) -> NDArray[np.float32]:
    """Maps and scores of one run, in one row."""
    maps, scores = (np.empty(shape, np.float32) for shape in list(shapes.values())[1:])
    lane.start(tiles)
    lane.finish(maps, scores)
    return np.concatenate([maps.ravel(), scores.ravel()])


def noise_tiles(shapes: Shapes) -> Batch:
    """Noise of the shape that a lane takes."""
    return np.random.default_rng(0).integers(0, 256, next(iter(shapes.values())), np.uint8)


def check_repeats(answers: Sequence[NDArray[np.float32]], name: str, remedy: str) -> None:
    """That the same tiles gave the same answers each time.

    Raises:
        BackendError: If they did not; it ends with the remedy.
    """
    apart = float(np.abs(np.stack(answers) - answers[0]).max())
    if not apart <= MAX_APART:
        raise BackendError(
            f"{name}: the same tiles gave answers {apart:.2g} apart, at most {MAX_APART:g} is rounding; "
            f"{remedy}"
        )
