"""The Lightning modules: one learns where defects are, one learns which defect a part shows."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import cross_entropy

from taktsight.datasets.datamodule import Crops, defective_share
from taktsight.errors import DataError
from taktsight.training.depthwise import keep_depthwise_float32
from taktsight.training.losses import map_loss, one_hot, part_loss
from taktsight.training.networks import ClassificationNetwork, SegmentationNetwork
from taktsight.training.optimisation import adamw_cosine
from taktsight.training.validation import ValidationParts


class Segmenter(lightning.LightningModule):
    """Learns maps and part scores from masks.

    Args:
        labels: K defect labels; given by the data.
        channels: 1 or 3; given by the data.
        architecture: of segmentation_models_pytorch: unet, unetplusplus, fpn, …
        encoder: a timm name.
        weights: ``package`` (EfficientNet-Lite0 from ImageNet), a file, or absent: random.
        decoder_channels: width of each decoder stage, deepest first.
        learning_rate: highest rate of AdamW.
        weight_decay: of AdamW.
        part_weight: how much the part-level loss counts against the map loss.
    """

    def __init__(
        self,
        labels: tuple[str, ...] = (),
        channels: int = 1,
        architecture: str = "unet",
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        decoder_channels: tuple[int, ...] = (96, 48, 32, 24, 16),
        learning_rate: float = 1e-3,
        weight_decay: float = 0.02,
        part_weight: float = 0.5,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.labels = tuple(labels)
        self.network = SegmentationNetwork(
            len(self.labels), channels, architecture, encoder, weights, tuple(decoder_channels)
        ).to(memory_format=torch.channels_last)
        self.learning_rate, self.weight_decay, self.part_weight = learning_rate, weight_decay, part_weight
        self._parts = ValidationParts()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def training_step(self, batch: Crops, batch_index: int) -> Tensor:
        """Map loss plus part loss."""
        loss = self._loss(batch, *self.network.logits(batch.images))
        self.log("train_loss", loss, prog_bar=True, on_step=False, on_epoch=True)
        return _finite(loss, batch_index)

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects part scores and pixel overlaps."""
        maps, scores = self.network.logits(batch.images)
        self.log("val_loss", self._loss(batch, maps, scores), batch_size=len(batch.images))
        share, known = defective_share(batch.masks)
        found = (maps.float().sigmoid().amax(dim=1) >= 0.5) & (known > 0)
        truth = share >= 0.5
        self._parts.add(batch.owners, batch.labels, scores.float().sigmoid(), len(self.labels))
        self._parts.add_pixels(batch.owners, found & truth, found, truth)

    def on_validation_epoch_end(self) -> None:
        """Logs the part-level AUROC, the mean pixel F1 and their mean, which picks the checkpoint."""
        area, overlap = self._parts.auroc(), self._parts.mean_pixel_f1()
        self.log_dict(
            {"val_auroc": area, "val_f1": overlap, "val_figure": (area + overlap) / 2}, prog_bar=True
        )
        self._parts = ValidationParts()

    def on_fit_start(self) -> None:
        """Keeps slow bfloat16 kernels out of training on a CPU."""
        if self.device.type == "cpu":
            keep_depthwise_float32(self.network)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a cosine."""
        return adamw_cosine(
            self.network,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            steps=int(self.trainer.estimated_stepping_batches),
        )

    def _loss(self, batch: Crops, maps: Tensor, scores: Tensor) -> Tensor:
        share, known = defective_share(batch.masks)
        labels = one_hot(batch.labels, len(self.labels))
        # A crop shows the label if a pixel of it does; where no pixel is known, if the part does.
        seen = ((share > 0).flatten(1).any(dim=1) | (known == 0).flatten(1).all(dim=1)).float()
        targets = share.unsqueeze(1) * labels[:, :, None, None]
        return map_loss(maps, targets, known.unsqueeze(1)) + self.part_weight * part_loss(
            scores, labels * seen.unsqueeze(1)
        )


class Classifier(lightning.LightningModule):
    """Learns which defect label a part shows.

    Args:
        labels: K defect labels; given by the data.
        channels: 1 or 3; given by the data.
        encoder: a timm name.
        weights: ``package`` (EfficientNet-Lite0 from ImageNet), a file, or absent: random.
        learning_rate: highest rate of AdamW.
        weight_decay: of AdamW.
        label_smoothing: share of certainty taken from each label, 0–1.
    """

    def __init__(
        self,
        labels: tuple[str, ...] = (),
        channels: int = 3,
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.02,
        label_smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.labels = tuple(labels)
        self.network = ClassificationNetwork(len(self.labels), channels, encoder, weights).to(
            memory_format=torch.channels_last
        )
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.label_smoothing = label_smoothing
        self._parts = ValidationParts()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def training_step(self, batch: Crops, batch_index: int) -> Tensor:
        """Cross-entropy over the labels."""
        logits = self.network.logits(batch.images).float()
        loss = cross_entropy(logits, batch.labels, label_smoothing=self.label_smoothing)
        self.log("train_loss", loss, prog_bar=True, on_step=False, on_epoch=True)
        return _finite(loss, batch_index)

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects part scores."""
        logits = self.network.logits(batch.images).float()
        self.log("val_loss", cross_entropy(logits, batch.labels), batch_size=len(batch.images))
        self._parts.add(batch.owners, batch.labels, logits.softmax(dim=1), len(self.labels))

    def on_validation_epoch_end(self) -> None:
        """Logs accuracy and macro-F1, which picks the checkpoint."""
        self.log_dict(
            {"val_accuracy": self._parts.accuracy(), "val_figure": self._parts.macro_f1()}, prog_bar=True
        )
        self._parts = ValidationParts()

    def on_fit_start(self) -> None:
        """Keeps slow bfloat16 kernels out of training on a CPU."""
        if self.device.type == "cpu":
            keep_depthwise_float32(self.network)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a cosine."""
        return adamw_cosine(
            self.network,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            steps=int(self.trainer.estimated_stepping_batches),
        )


def _finite(loss: Tensor, step: int) -> Tensor:
    if not bool(torch.isfinite(loss)):
        raise DataError(
            f"the loss is {loss.item()} at step {step}: training diverged. Lower model.learning_rate, "
            "or look at the images and masks of this data set"
        )
    return loss
