"""The segmenter: learns where each defect is, and how sure it is that it is there at all."""

from __future__ import annotations

from typing import ClassVar

from taktsight.training.map_learner import MapLearner
from taktsight.training.networks import SegmentationNetwork


class Segmenter(MapLearner):
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
            encoder_rate=encoder_rate,
            part_weight=part_weight,
        )
        self.save_hyperparameters()
