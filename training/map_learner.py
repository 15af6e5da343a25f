"""What a segmenter and a comparer have in common: they learn maps and part scores from masks."""

from __future__ import annotations

import torch
from torch import Tensor

from taktsight.datasets.prepared_split import Crops, defective_share
from taktsight.training.learner import Learner
from taktsight.training.losses import map_loss, one_hot, part_loss, per_label, softened
from taktsight.training.networks import FRESH_LOGIT, SegmentationNetwork
from taktsight.training.processes import Over, own_share, whole_batch
from taktsight.training.validation import ValidationParts, picked_by


class MapLearner(Learner):
    """A network with maps, on its way through a training.

    Args:
        network: what is trained.
        labels: K defect labels.
        learning_rate: highest rate of AdamW.
        weight_decay: of AdamW.
        encoder_rate: learning rate of the encoder ÷ that of the decoder.
        part_weight: how much the part-level loss counts against the map loss.
    """

    network: SegmentationNetwork

    def __init__(
        self,
        network: SegmentationNetwork,
        labels: tuple[str, ...],
        *,
        learning_rate: float,
        weight_decay: float,
        encoder_rate: float,
        part_weight: float,
    ) -> None:
        super().__init__(
            network,
            labels,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            slow="body.encoder",
            slow_rate=encoder_rate,
        )
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
        picked = picked_by(self.figure(parts), self.current_epoch)
        self.log_dict(figures | {"val_figure": picked}, sync_dist=True)

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
