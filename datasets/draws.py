"""Which tile a training sees when, and by which chance it varies: said by seed, epoch and place alone.

Nothing here remembers what was drawn before. A training that is resumed, or shared by several processes,
therefore sees the same tiles, varied in the same way, as one that runs through.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

_ORDER, _DRAW = 0, 1
"""What random numbers are for: numbers for one purpose never serve another."""


class Draw(NamedTuple):
    """One look at one tile."""

    epoch: int
    position: int
    """Place in the epoch's order over all processes."""
    tile: int


class Chance:
    """Random numbers that depend on the seed and on where they are used, not on those before them.

    Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") encrypts a counter: going to
    any place in it costs microseconds.

    Args:
        seed: 0 or more.
    """

    def __init__(self, seed: int) -> None:
        self._philox = np.random.Philox(key=seed)
        self._state = self._philox.state
        self.rng = np.random.Generator(self._philox)
        self.choices = random.Random()
        """The same for what takes Python's generator."""

    def begin_draw(self, draw: Draw) -> None:
        """Goes to the numbers of one draw."""
        self._go_to(_DRAW, draw.position, draw.epoch)

    def begin_order(self, epoch: int) -> None:
        """Goes to the numbers that an epoch's order is made of."""
        self._go_to(_ORDER, 0, epoch)

    def _go_to(self, purpose: int, position: int, epoch: int) -> None:
        # The lowest word counts the numbers of one place; there are 2⁶⁴ of them.
        self._state["state"]["counter"] = np.array([0, purpose, position, epoch], np.uint64)
        self._philox.state = self._state
        self.choices.seed(self._philox.random_raw())


class DrawOrder(Sampler[Draw]):
    """The draws of an epoch that fall to one process; the epochs of all processes make up one order.

    Args:
        weights: (T,) how often each tile is drawn, as a share of all; None draws each tile once.
        tiles: T.
        seed: of the order.
        process: 0 … ``processes`` − 1; it takes every ``processes``-th draw, so that the batches of all
            processes together are the batch of a single one.
        processes: how many there are.
    """

    def __init__(
        self,
        weights: NDArray[np.float64] | None,
        tiles: int,
        *,
        seed: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self._shares = None if weights is None else weights / weights.sum()
        self._tiles, self._process, self._processes = tiles, process, processes
        self._chance = Chance(seed)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch the next iteration is; Lightning does at the start of each."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._tiles // self._processes

    def __iter__(self) -> Iterator[Draw]:
        self._chance.begin_order(self._epoch)
        rng, count = self._chance.rng, self._tiles
        order = rng.permutation(count) if self._shares is None else rng.choice(count, count, p=self._shares)
        for position in range(self._process, len(self) * self._processes, self._processes):
            yield Draw(self._epoch, position, int(order[position]))
