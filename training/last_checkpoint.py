"""The newest weights on disk, without waiting for the disk longer than training is worth."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import lightning

from taktsight.training.checkpoints import RunCheckpoint

LARGEST_SHARE = 0.05
"""Of the time that may go into saving. Epochs of a second would spend a quarter of it otherwise."""


class LastCheckpoint(RunCheckpoint):
    """``last.ckpt`` after the first epoch, after the last, and so often between that saving stays cheap.

    Args:
        folder: that gets it.
        clock: seconds that never go back.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            dirpath=folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False
        )
        self._clock = clock
        self._not_before = 0.0

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Saves where it is worth it."""
        began = self._clock()
        if began < self._not_before and not trainer.should_stop and not _is_last(trainer):
            return
        super().on_train_epoch_end(trainer, pl_module)
        ended = self._clock()
        self._not_before = ended + (ended - began) / LARGEST_SHARE


def _is_last(trainer: lightning.Trainer) -> bool:
    epochs = trainer.max_epochs
    return epochs is not None and epochs != -1 and trainer.current_epoch + 1 >= epochs
