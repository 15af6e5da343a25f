"""What every trained model has in common: the contract, the optimiser, a loss that must stay finite."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import Optimizer

from taktsight.errors import DataError
from taktsight.training.depthwise import keep_depthwise_float32
from taktsight.training.networks import Network
from taktsight.training.optimisation import adamw_cosine
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
        self._learning_rate, self._weight_decay = learning_rate, weight_decay
        self._slow, self._slow_rate = slow, slow_rate
        self._parts = ValidationParts()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def on_fit_start(self) -> None:
        """Keeps slow bfloat16 kernels out of training on a CPU."""
        if self.device.type == "cpu":
            keep_depthwise_float32(self.network)

    def on_train_epoch_start(self) -> None:
        """Logs the highest learning rate that the epoch begins with."""
        self.log("learning_rate", max(group["lr"] for group in self.trainer.optimizers[0].param_groups))

    def on_validation_epoch_start(self) -> None:
        """Forgets the parts of the validation before."""
        self._parts = ValidationParts()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a cosine."""
        return adamw_cosine(
            self.network,
            learning_rate=self._learning_rate,
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
        """Clips to a norm of :data:`GRADIENT_NORM` where the trainer is given none."""
        norm = GRADIENT_NORM if gradient_clip_val is None else gradient_clip_val
        self.clip_gradients(
            optimizer, gradient_clip_val=norm, gradient_clip_algorithm=gradient_clip_algorithm or "norm"
        )

    def log_loss(self, loss: Tensor, step: int) -> Tensor:
        """Logs the loss and gives it back.

        Raises:
            DataError: If the training diverged.
        """
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        if not bool(torch.isfinite(loss)):
            raise DataError(
                f"the loss is {loss.item()} at step {step}: training diverged. Lower model.learning_rate, "
                "or look at the images and masks of this data set"
            )
        return loss
