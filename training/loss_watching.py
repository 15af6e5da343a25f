"""Stops a training that learns nothing any more; what was good before stays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from taktsight.errors import DataError
from taktsight.training.classifier import Classifier
from taktsight.training.divergence import LossWatch, advice, kept, not_learning
from taktsight.training.map_learner import MapLearner
from taktsight.training.processes import mean_over_processes

IGNORANCE_EVERY = 10
"""The loss of an answer that knows nothing changes little: it is looked at every so many steps."""


class Divergence(Callback):
    """Stops a training whose loss left for good what it had reached."""

    def __init__(self) -> None:
        self._watch = LossWatch()
        self._ignorance = math.inf

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training must know."""
        return {**vars(self._watch), "ignorance": self._ignorance}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from there."""
        self._ignorance = state_dict["ignorance"]
        self._watch = LossWatch(**{key: of for key, of in state_dict.items() if key != "ignorance"})

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Looks at the loss of the step, in all processes alike.

        Raises:
            DataError: If the training diverged.
        """
        if not isinstance(pl_module, MapLearner | Classifier):  # what is fitted at once has no loss
            return
        if self._watch.steps % IGNORANCE_EVERY == 0:
            self._ignorance = mean_over_processes(pl_module.ignorant_loss(batch))
        if self._watch.see(pl_module.step_loss, self._ignorance):
            said = not_learning(self._watch, self._ignorance, trainer.current_epoch + 1)
            run = Path(trainer.default_root_dir)
            raise DataError(f"{said}. {advice(pl_module.learning_rate)}. {kept(run)}")
