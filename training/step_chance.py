"""What a network draws by itself, such as dropout: said by seed, step and process alone."""

from __future__ import annotations

import hashlib
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback


class StepChance(Callback):
    """Seeds PyTorch's generator anew at each step: a resumed training draws what it would have drawn.

    Args:
        seed: of the training.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Processes draw differently: each has parts of its own."""
        place = f"{self._seed} {trainer.current_epoch} {batch_idx} {trainer.global_rank}"
        torch.manual_seed(int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big"))
