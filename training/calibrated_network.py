"""A segmentation network whose 0.5 means the same on every product: so far above what good parts give."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from taktsight.training.anomaly_networks import ALARM, SOFTNESS
from taktsight.training.networks import SegmentationNetwork


class CalibratedNetwork(SegmentationNetwork):
    """Counts its logits in standard deviations of held-out good parts, as the memory of good parts does.

    Made-up defects say what is odd, not how odd a good part of this product may look.
    """

    calibration: Tensor
    """(2,) mean and standard deviation of the part logits of held-out good parts."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.register_buffer("calibration", torch.tensor([0.0, 1.0]))

    def sureness(self, logits: Tensor) -> Tensor:
        """Logits as float32 0–1; 0.5 where they lie ``ALARM`` standard deviations above good parts."""
        mean, spread = self.calibration.unbind()
        return super().sureness(((logits.float() - mean) / spread - ALARM) / SOFTNESS)
