"""Batches through lanes of a fixed size: every tile gets its own answer, whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.inspect.backends.lanes import Shapes, check_repeats, noise_tiles, through_lanes

SIDE = 2


class SlowLane:
    """Answers with each tile's first pixel, and only when it is asked for what it was given last."""

    def __init__(self, step: int) -> None:
        self._tiles = np.zeros((step, SIDE, SIDE, 1), np.uint8)
        self.waits = False

    def start(self, tiles: NDArray[np.uint8]) -> None:
        assert not self.waits  # its buffers are still in use
        self._tiles[: len(tiles)] = tiles
        self.waits = True

    def finish(self, maps: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
        assert self.waits
        first = self._tiles[: len(scores), 0, 0, 0].astype(np.float32)
        maps[...] = first[:, None, None, None]
        scores[...] = first[:, None]
        self.waits = False


def shapes(step: int) -> Shapes:
    return {"images": (step, SIDE, SIDE, 1), "maps": (step, 1, SIDE, SIDE), "scores": (step, 1)}


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("tiles", [1, 2, 5, 9])
def test_every_tile_gets_its_own_answer(lanes: int, step: int, tiles: int) -> None:
    batch = np.arange(tiles, dtype=np.uint8)[:, None, None, None].repeat(SIDE, 1).repeat(SIDE, 2)
    maps, scores = through_lanes([SlowLane(step) for _ in range(lanes)], shapes(step), batch, "engine")
    assert scores[:, 0].tolist() == list(range(tiles))
    assert (maps == scores[:, :, None, None]).all()


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((0, SIDE, SIDE, 1), np.uint8),
        np.zeros((1, SIDE, SIDE + 1, 1), np.uint8),
        np.zeros((1, SIDE, SIDE, 1), np.float32),
    ],
)
def test_batch_of_another_kind_is_refused(batch: NDArray[np.uint8]) -> None:
    with pytest.raises(BackendError, match=r"engine: got a batch .* the engine takes uint8 \(N, 2, 2, 1\)"):
        through_lanes([SlowLane(1)], shapes(1), batch, "engine")


@pytest.mark.parametrize("other", [0.002, np.nan])
def test_answers_that_differ_are_refused_with_the_remedy(other: float) -> None:
    answers = [np.zeros(3, np.float32), np.full(3, other, np.float32)]
    with pytest.raises(BackendError, match=r"apart, at most 0\.001 is rounding; turn it off"):
        check_repeats(answers, "engine", "turn it off")
    check_repeats(answers[:1] * 2, "engine", "turn it off")


def test_noise_has_the_shape_of_a_run() -> None:
    assert noise_tiles(shapes(3)).shape == (3, SIDE, SIDE, 1)
