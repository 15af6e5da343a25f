"""What is validated and kept is a running mean of the weights: small batches make single steps jump."""

from __future__ import annotations

import lightning
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import PARAM_LIST, get_ema_multi_avg_fn

from taktsight.training.learner import Learner

DECAY = 0.99
"""Of a long training: the mean is over about the last hundred steps."""


class MeanWeights(WeightAveraging):
    """An exponential mean that forgets its beginnings, of what learns by steps.

    With a constant decay of 0.99 a third of what is kept after 100 steps would be the untrained start.
    What is fitted at once has one set of weights and keeps it.
    """

    def __init__(self) -> None:
        super().__init__(multi_avg_fn=_mean)

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Begins the mean."""
        if isinstance(pl_module, Learner):
            super().setup(trainer, pl_module, stage)

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Leaves the mean in place: the module's own hook comes now, and may calibrate it."""

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Gives the trained weights back, before a checkpoint is written."""
        super().on_validation_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Hands the mean over."""
        if isinstance(pl_module, Learner):
            super().on_train_end(trainer, pl_module)


def _mean(means: PARAM_LIST, weights: PARAM_LIST, steps: Tensor | int) -> None:
    """The decay grows with the steps taken, (1 + n) ÷ (10 + n), as in TensorFlow's moving averages.

    All tensors at once: one by one they took as long as a sixth of a small training.
    """
    taken = float(steps)
    decay = min(DECAY, (1 + taken) / (10 + taken))
    get_ema_multi_avg_fn(decay)(means, weights, steps)  # type: ignore[no-untyped-call]  # torch gives no types
