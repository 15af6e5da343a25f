"""What every trained model has in common: the contract, the optimiser, a loss that must stay finite."""

from __future__ import annotations

import math
import os
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.prepared_split import Crops
from taktsight.errors import DataError
from taktsight.training.batch_norms import synchronise_batch_norms
from taktsight.training.depthwise import keep_depthwise_float32
from taktsight.training.divergence import advice, kept, not_finite
from taktsight.training.networks import Network
from taktsight.training.optimisation import adamw_cosine
from taktsight.training.processes import from_all_processes, mean_over_processes
from taktsight.training.validation import ValidationParts

GRADIENT_NORM = 1.0
"""Longest gradient that is stepped along: one odd batch does not undo what the others taught."""


class Learner(lightning.LightningModule):
    """A network under the model contract, on its way through a training.

    Args:
        network: what is trained.
        labels: K defect labels.
        learning_rate: highest rate of AdamW.
        weight_decay: of AdamW.
        slow: name of the submodule that knows something already and moves slower, or None.
        slow_rate: its learning rate ÷ that of the rest.
    """

    def __init__(
        self,
        network: Network,
        labels: tuple[str, ...],
        *,
        learning_rate: float,
        weight_decay: float,
        slow: str | None = None,
        slow_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.labels = labels
        self.network = network.to(memory_format=torch.channels_last)
        self.learning_rate, self._weight_decay = learning_rate, weight_decay
        self.step_loss = 0.0
        """Loss of the newest step, over all processes."""
        self._slow, self._slow_rate = slow, slow_rate
        self._parts = ValidationParts()
        self._owners_before = torch.zeros(0, dtype=torch.int64)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def setup(self, stage: str) -> None:
        """Lets the batch norms see the whole batch where several processes share it."""
        if stage == "fit" and self.trainer.world_size > 1:
            synchronise_batch_norms(self.network, self.trainer.strategy.root_device.type)

    def on_fit_start(self) -> None:
        """Keeps slow bfloat16 kernels out of training on a CPU."""
        if self.device.type == "cpu":
            keep_depthwise_float32(self.network)

    def on_train_epoch_start(self) -> None:
        """Logs the highest learning rate that the epoch begins with."""
        rate = max(group["lr"] for group in self.trainer.optimizers[0].param_groups)
        self.log("learning_rate", rate, sync_dist=True)

    def on_validation_epoch_start(self) -> None:
        """Forgets the parts of the validation before."""
        self._parts = ValidationParts()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a cosine."""
        return adamw_cosine(
            self.network,
            learning_rate=self.learning_rate,
            weight_decay=self._weight_decay,
            steps=int(self.trainer.estimated_stepping_batches),
            slow=self.network.get_submodule(self._slow) if self._slow else None,
            slow_rate=self._slow_rate,
        )

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clips to a norm of :data:`GRADIENT_NORM` where the trainer is given none.

        Not by way of Lightning: it refuses fused optimisers for the sake of a scaler that a CPU has not.
        """
        longest = GRADIENT_NORM if gradient_clip_val is None else gradient_clip_val
        by_value = gradient_clip_algorithm == "value"
        clip = nn.utils.clip_grad_value_ if by_value else nn.utils.clip_grad_norm_
        clip(self.parameters(), longest)

    def log_loss(self, loss: Tensor, batch: Crops, step: int) -> Tensor:
        """Logs the loss and gives it back.

        Raises:
            DataError: If it is no number, in any process. Nothing was learned from it.
        """
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        self.step_loss = mean_over_processes(loss)
        if not math.isfinite(self.step_loss):
            said = not_finite(
                self.step_loss,
                step=step + 1,
                epoch=self.current_epoch + 1,
                names=self._names(batch.owners),
                before=self._names(self._owners_before),
            )
            run = Path(self.trainer.default_root_dir)
            raise DataError(f"{said}. {advice(self.learning_rate)}. {kept(run)}")
        self._owners_before = batch.owners
        return loss

    def _names(self, owners: Tensor) -> list[str]:
        """Files of the parts of a batch, in all processes; none where no data module feeds the training."""
        every = [owner for share in from_all_processes(owners.tolist()) for owner in share]
        data = self.trainer.datamodule  # type: ignore[attr-defined]  # set by a connector
        if not isinstance(data, InspectionData):
            return []
        samples = data.split("train")
        return [os.path.relpath(samples[owner].images[0], data.root) for owner in every]
