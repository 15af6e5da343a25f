"""Can the model learn one batch by heart? What cannot do that will not learn a whole set either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jsonargparse import Namespace
from torch.utils.data import DataLoader, Dataset

from taktsight.datasets.prepared_split import Crops
from taktsight.training.probes.steps import Probed, Recorder, take_steps

STEPS = 80
MOST_LEFT = 0.3
"""Share of the loss that may be left. Sound trainings come below ``ENOUGH``, broken ones stay above 0.8."""
ENOUGH = 0.1
"""Share of the loss at which the batch counts as learned and the probe ends."""
LAST_STEPS = 5
"""The loss "after" is the mean over so many steps: dropout makes single ones jump."""


@dataclass(frozen=True, slots=True)
class Overfit:
    """How far the loss of one fixed batch came down."""

    losses: tuple[float, ...]
    lowest: float
    """The loss of an answer that could not be better: smoothed labels never let it be 0."""
    rate: float
    """The configured learning rate."""
    crops: int

    @property
    def before(self) -> float:
        """Loss of the first step."""
        return self.losses[0]

    @property
    def after(self) -> float:
        """Mean loss of the last steps."""
        return float(np.mean(self.losses[-LAST_STEPS:]))

    @property
    def left(self) -> float:
        """What is left of the loss above the lowest possible one, as a share of that at the start."""
        return _left(self.losses, self.lowest)

    @property
    def is_passed(self) -> bool:
        """Whether the batch was learned by heart."""
        return self.left <= MOST_LEFT


class _UntilLearned(Recorder):
    """Ends early where the batch is learned."""

    def __init__(self, lowest: float) -> None:
        super().__init__()
        self._lowest = lowest

    def is_enough(self) -> bool:
        """Further steps would only polish it."""
        return _left(self.losses, self._lowest) <= ENOUGH


class _Again(Dataset[Crops]):
    """The same batch at every step."""

    def __init__(self, batch: Crops) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, step: int) -> Crops:
        return self._batch


def _left(losses: Sequence[float], lowest: float) -> float:
    return (float(np.mean(losses[-LAST_STEPS:])) - lowest) / max(losses[0] - lowest, 1e-9)


def overfit_one_batch(module: Probed, batch: Crops, asked: Namespace) -> Overfit:
    """Takes up to ``STEPS`` steps on one batch at the configured rate, without its schedule.

    Args:
        module: stays as it was.
        batch: not augmented.
        asked: the section ``trainer`` of the training.
    """
    with torch.no_grad():
        lowest = float(module.lowest_loss(batch))
    seen = _UntilLearned(lowest)
    take_steps(module, DataLoader(_Again(batch), batch_size=None), STEPS, seen, asked)
    return Overfit(tuple(seen.losses), lowest, seen.configured_rate, len(batch.images))
