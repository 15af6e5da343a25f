"""The anomaly segmenter: learns from good parts, and from defects made up on them."""

from __future__ import annotations

from typing import ClassVar

import torch

from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.prepared_split import Crops
from taktsight.errors import ConfigError
from taktsight.training.calibrated_network import CalibratedNetwork
from taktsight.training.networks import SegmentationNetwork
from taktsight.training.segmenter import Segmenter
from taktsight.training.validation import ValidationParts

LEAST_SPREAD = 0.2
"""Of logits of good parts: a handful that agree by chance must not make a hair-trigger."""


class AnomalySegmenter(Segmenter):
    """Learns where a part is not as good parts are, from made-up defects; calibrated on good parts of val.

    No defective part is learned from, and none picks the weights: what the schedule ends with is kept.

    Its arguments are those of :class:`Segmenter`.
    """

    network: CalibratedNetwork
    network_type: ClassVar[type[SegmentationNetwork]] = CalibratedNetwork

    def on_fit_start(self) -> None:
        """Asks for one label and for made-up defects: good parts alone show nothing to look for.

        Raises:
            ConfigError: If the data have several labels, or make up no defect.
        """
        super().on_fit_start()
        if len(self.labels) != 1:
            raise ConfigError(
                f"an anomaly segmenter knows one label, the data have {len(self.labels)}: "
                "set data.learn_from to good"
            )
        data = self.trainer.datamodule  # type: ignore[attr-defined]  # set by a connector
        if isinstance(data, InspectionData) and not data.made_up:
            raise ConfigError(
                "an anomaly segmenter learns from made-up defects: set data.made_up above 0, to 0.5 say"
            )

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """In float32 whatever the training's precision: it calibrates what the line will compute."""
        with torch.autocast(batch.images.device.type, enabled=False):
            super().validation_step(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        """Logs the figures, and calibrates on the good parts of val."""
        super().on_validation_epoch_end()
        logits = torch.from_numpy(self._parts.of_all_processes().good_scores()).logit(eps=1e-6)
        spread = logits.std().nan_to_num(0.0).clamp(min=LEAST_SPREAD)
        self.network.calibration.copy_(torch.stack([logits.mean(), spread]))

    def figure(self, parts: ValidationParts) -> float:
        """Rises with every step: no defective part of val may choose the weights."""
        return float(self.global_step)
