"""The segmenter: learns where each defect is, and how sure it is that it is there at all."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from taktsight.datasets.datamodule import Crops, defective_share
from taktsight.training.learner import Learner
from taktsight.training.losses import map_loss, one_hot, part_loss, per_label, softened
from taktsight.training.networks import FRESH_LOGIT, SegmentationNetwork
from taktsight.training.processes import Over, own_share, whole_batch
from taktsight.training.validation import ValidationParts


class Segmenter(Learner):
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
        encoder_rate: learning rate of the encoder ÷ that of the decoder: what ImageNet taught is kept.
        part_weight: how much the part-level loss counts against the map loss.
    """

    network: SegmentationNetwork
    network_type: ClassVar[type[SegmentationNetwork]] = SegmentationNetwork

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
        encoder_rate: float = 0.3,
        part_weight: float = 0.5,
    ) -> None:
        network = self.network_type(
            len(labels), channels, architecture, encoder, weights, tuple(decoder_channels)
        )
        super().__init__(
            network,
            tuple(labels),
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            slow="body.encoder",
            slow_rate=encoder_rate,
        )
        self.save_hyperparameters()
        self._part_weight = part_weight

    def training_step(self, batch: Crops, batch_index: int) -> Tensor:
        """Map loss plus part loss."""
        loss = self._loss(batch, *self.network.logits(batch.images), over=whole_batch)
        return self.log_loss(loss, batch, batch_index)

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects part scores and pixel overlaps."""
        maps, scores = self.network.logits(batch.images)
        self._parts.add_loss(self._loss(batch, maps, scores), len(batch.images))
        share, known = defective_share(batch.masks)
        found = (maps.float().sigmoid().amax(dim=1) >= 0.5) & (known > 0)
        truth = share >= 0.5
        self._parts.add(batch.owners, batch.labels, scores.float().sigmoid(), len(self.labels))
        self._parts.add_pixels(batch.owners, found & truth, found, truth)

    def on_validation_epoch_end(self) -> None:
        """Logs the loss, the part-level AUROC, the mean pixel F1 and what picks the checkpoint."""
        parts = self._parts.of_all_processes()
        figures = {
            "val_auroc": parts.auroc(),
            "val_f1": parts.mean_pixel_f1(),
            "val_loss": parts.mean_loss(),
        }
        self.log_dict(figures | {"val_figure": self.figure(parts)}, sync_dist=True)

    def figure(self, parts: ValidationParts) -> float:
        """How good these weights are: the mean of part-level AUROC and pixel F1. The best are kept."""
        return (parts.auroc() + parts.mean_pixel_f1()) / 2

    def lowest_loss(self, batch: Crops) -> Tensor:
        """The training loss of an answer to this batch that could not be better."""
        targets, present, _ = self._truth(batch)
        return self._loss(batch, targets.clamp(1e-4, 1 - 1e-4).logit(), softened(present).logit())

    def ignorant_loss(self, batch: Crops) -> Tensor:
        """The training loss of an answer that knows nothing: that of a fresh map, everywhere."""
        targets, present, _ = self._truth(batch)
        return self._loss(
            batch, torch.full_like(targets, FRESH_LOGIT), torch.full_like(present, FRESH_LOGIT)
        )

    def _loss(self, batch: Crops, maps: Tensor, scores: Tensor, over: Over = own_share) -> Tensor:
        targets, present, known = self._truth(batch)
        maps_loss = map_loss(maps, targets, known.unsqueeze(1), over)
        return maps_loss + self._part_weight * part_loss(scores, present)

    def _truth(self, batch: Crops) -> tuple[Tensor, Tensor, Tensor]:
        """Maps (N, K, H, W) 0–1, the labels that each crop shows (N, K), and the known pixels (N, H, W)."""
        share, known = defective_share(batch.masks)
        targets = share.unsqueeze(1) * per_label(batch.kinds, len(self.labels))
        # A crop shows the label if a pixel of it does; where no pixel is known, if the part does.
        unseen = (known == 0).flatten(1).all(dim=1).float().unsqueeze(1)
        seen = (targets.flatten(2).amax(dim=2) > 0).float()
        return targets, seen + unseen * one_hot(batch.labels, len(self.labels)), known
