"""The comparer: learns where a part differs from its golden template, and which defect that is."""

from __future__ import annotations

from taktsight.training.map_learner import MapLearner
from taktsight.training.networks import ComparisonNetwork


class Comparer(MapLearner):
    """Learns maps and part scores from masks, each part beside its golden template.

    Args:
        labels: K defect labels; given by the data.
        channels: 1 or 3, of a frame; given by the data, whose canvas must be paired.
        encoder: a timm name.
        weights: ``package`` (EfficientNet-Lite0 from ImageNet), a file, or absent: random.
        decoder_channels: width of each decoder stage, deepest first.
        learning_rate: highest rate of AdamW.
        weight_decay: of AdamW.
        encoder_rate: learning rate of the encoder ÷ that of the decoder: what ImageNet taught is kept.
        part_weight: how much the part-level loss counts against the map loss.
    """

    def __init__(
        self,
        labels: tuple[str, ...] = (),
        channels: int = 1,
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        decoder_channels: tuple[int, ...] = (96, 48, 32, 24, 16),
        learning_rate: float = 1e-3,
        weight_decay: float = 0.02,
        encoder_rate: float = 0.3,
        part_weight: float = 0.5,
    ) -> None:
        super().__init__(
            ComparisonNetwork(len(labels), channels, encoder, weights, tuple(decoder_channels)),
            tuple(labels),
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            encoder_rate=encoder_rate,
            part_weight=part_weight,
        )
        self.save_hyperparameters()
