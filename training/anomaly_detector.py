"""The anomaly detector: remembers what good parts look like; nothing is trained by steps."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import lightning
import torch
from torch import Tensor

from taktsight.datasets.prepared_split import Crops
from taktsight.errors import ConfigError
from taktsight.training.anomaly_networks import SOFTNESS, AnomalyNetwork
from taktsight.training.good_memory import GoodMemory
from taktsight.training.validation import ValidationParts

LEAST_SPREAD = 0.02
"""Of log distances of good parts: a handful that agree by chance must not make a hair-trigger."""


class AnomalyDetector(lightning.LightningModule):
    """Learns from good parts alone, in one pass; calibrated on good parts of val.

    Args:
        labels: the one label of whatever is not good; given by the data.
        channels: 1 or 3; given by the data.
        encoder: a timm name; it is not trained.
        weights: ``package`` (EfficientNet-Lite0 from ImageNet), a file, or absent: random.
        examples: how many feature vectors of good parts are remembered.
    """

    def __init__(
        self,
        labels: tuple[str, ...] = (),
        channels: int = 3,
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        examples: int = 4096,
    ) -> None:
        if len(labels) != 1:
            raise ConfigError(
                f"an anomaly detector knows one label, the data have {len(labels)}: "
                "set data.learn_from to good"
            )
        super().__init__()
        self.automatic_optimization = False
        self.labels = tuple(labels)
        self.network = AnomalyNetwork(channels, encoder, weights, examples)
        self.save_hyperparameters()
        self._memory: GoodMemory | None = None
        self._tiles: list[_Tiles] = []

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def configure_optimizers(self) -> None:
        """None: what is remembered is computed, not descended to."""

    def setup(self, stage: str) -> None:
        """Begins nothing that it could not end.

        Raises:
            ConfigError: If several processes should share what one of them has to remember.
        """
        if self.trainer.world_size > 1:
            raise ConfigError(
                f"an anomaly detector is fitted by one process, not {self.trainer.world_size}: "
                "set trainer.devices to 1"
            )

    def on_train_start(self) -> None:
        """Begins to remember."""
        passes = self.trainer.max_epochs or 1
        seed = int(torch.randint(1 << 31, (1,)))  # from the generator that the training was seeded with
        self._memory = GoodMemory(self.network, passes * int(self.trainer.num_training_batches), seed)

    def on_train_epoch_start(self) -> None:
        """An encoder that is not trained normalises as it always does."""
        self.network.eval()

    def training_step(self, batch: Crops, batch_index: int) -> None:
        """Looks at good tiles; a made-up defect is none of them."""
        good = batch.labels == len(self.labels)
        if self._memory is not None and bool(good.any()):
            self._memory.add(batch.images[good])

    def on_validation_epoch_start(self) -> None:
        """Condenses what was seen so far."""
        self._tiles = []
        if self._memory is not None:
            self._memory.fill()

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects how far the parts of val lie from what is remembered."""
        with torch.autocast(batch.images.device.type, enabled=False):
            farthest = self.network.distances(batch.images).flatten(1).amax(dim=1)
        self._tiles.append(_Tiles(batch.owners, batch.labels, farthest))

    def on_validation_epoch_end(self) -> None:
        """Calibrates on the good parts of val and logs the part-level AUROC."""
        owners, labels, tiles = (torch.cat(columns) for columns in zip(*self._tiles, strict=True))
        good = labels == len(self.labels)
        held_out = torch.stack([tiles[owners == owner].max() for owner in set(owners[good].tolist())])
        mean, spread = held_out.mean(), held_out.std().nan_to_num(0.0).clamp(min=LEAST_SPREAD)
        self.network.calibration.copy_(torch.stack([mean, spread]))
        parts = ValidationParts()
        alarms = ((tiles - mean) / spread / SOFTNESS).sigmoid().unsqueeze(1)
        parts.add(owners, labels, alarms, len(self.labels))
        self.log_dict({"val_auroc": parts.auroc(), "val_figure": parts.auroc()}, prog_bar=True)

    def on_train_end(self) -> None:
        """Keeps the model: Lightning's own checkpoints wait for a step of an optimiser."""
        self.trainer.save_checkpoint(Path(self.trainer.default_root_dir) / "best.ckpt")


class _Tiles(NamedTuple):
    """A batch of val."""

    owners: Tensor
    labels: Tensor
    distances: Tensor
    """(N,) the farthest log distance from the memory."""
