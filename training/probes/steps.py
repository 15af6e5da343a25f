"""Some training steps of a copy of the model, on the device and in the precision of the real training."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from typing import Any

import lightning
import torch
from jsonargparse import Namespace
from lightning.pytorch.callbacks import Callback

from taktsight.datasets.prepared_split import Crops
from taktsight.training.classifier import Classifier
from taktsight.training.map_learner import MapLearner

Probed = MapLearner | Classifier
"""What learns step by step from labels."""


class Recorder(Callback):
    """Sets the learning rate of every step, constant here, and keeps it with the loss."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.configured_rate = 0.0
        self.is_in_step = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Notes the rate that the schedule would rise to."""
        self.configured_rate = max(group["initial_lr"] for group in groups_of(trainer))

    def rate(self, step: int) -> float:
        """The highest learning rate of a step, whatever the schedule of the training says."""
        return self.configured_rate

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Crops, batch_idx: int
    ) -> None:
        """Sets the rates; what moves slower goes on moving slower.

        From here on it is the step that fails, not the loading.
        """
        self.is_in_step = True
        for group in groups_of(trainer):
            group["lr"] = self.rate(trainer.global_step) * group["initial_lr"] / self.configured_rate
        self.rates.append(max(group["lr"] for group in groups_of(trainer)))

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: dict[str, torch.Tensor],  # type: ignore[override]  # what it is where a step gives a loss
        batch: Crops,
        batch_idx: int,
    ) -> None:
        """Reads the loss."""
        self.is_in_step = False
        self.losses.append(float(outputs["loss"]))
        trainer.should_stop = self.is_enough()

    def is_enough(self) -> bool:
        """Whether further steps would tell nothing new."""
        return False


def groups_of(trainer: lightning.Trainer) -> list[dict[str, Any]]:
    """The parameter groups of the only optimiser."""
    return trainer.optimizers[0].param_groups


def take_steps(
    module: Probed, batches: Iterable[Crops], steps: int, recorder: Recorder, asked: Namespace
) -> None:
    """Trains a copy of ``module``; it itself stays as it was.

    Args:
        module: what would be trained.
        batches: gone through as often as it takes.
        steps: how many.
        recorder: what looks on.
        asked: the section ``trainer`` of the training, of which device and precision count.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        warnings.filterwarnings("ignore", message="You defined a `validation_step` but have no")
        trainer = lightning.Trainer(
            accelerator=asked.accelerator,
            devices=1,
            precision=asked.precision,
            gradient_clip_val=asked.gradient_clip_val,
            max_steps=steps,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[recorder],
        )
        trainer.fit(copy.deepcopy(module), train_dataloaders=batches)
