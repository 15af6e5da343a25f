"""The classifier: learns which defect a part shows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from taktsight.datasets.prepared_split import Crops
from taktsight.training.learner import Learner
from taktsight.training.networks import ClassificationNetwork
from taktsight.training.validation import picked_by


class Classifier(Learner):
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

    network: ClassificationNetwork

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
        network = ClassificationNetwork(len(labels), channels, encoder, weights)
        super().__init__(network, tuple(labels), learning_rate=learning_rate, weight_decay=weight_decay)
        self.save_hyperparameters()
        self._label_smoothing = label_smoothing

    def training_step(self, batch: Crops, batch_index: int) -> Tensor:
        """Cross-entropy over the labels."""
        logits = self.network.logits(batch.images).float()
        loss = cross_entropy(logits, batch.labels, label_smoothing=self._label_smoothing)
        return self.log_loss(loss, batch, batch_index)

    def lowest_loss(self, batch: Crops) -> Tensor:
        """The training loss of an answer to this batch that could not be better."""
        classes = len(self.labels) + 1
        even = self._label_smoothing / classes
        best = one_hot(batch.labels, classes) * (1 - self._label_smoothing) + even
        return cross_entropy(
            best.clamp(min=1e-6).log(), batch.labels, label_smoothing=self._label_smoothing
        )

    def ignorant_loss(self, batch: Crops) -> Tensor:
        """The training loss of an answer that knows nothing: every class as likely as the others."""
        even = torch.zeros(len(batch.labels), len(self.labels) + 1, device=batch.labels.device)
        return cross_entropy(even, batch.labels, label_smoothing=self._label_smoothing)

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects part scores."""
        logits = self.network.logits(batch.images).float()
        self._parts.add_loss(cross_entropy(logits, batch.labels), len(batch.images))
        self._parts.add(batch.owners, batch.labels, logits.softmax(dim=1), len(self.labels))

    def on_validation_epoch_end(self) -> None:
        """Logs accuracy and macro-F1, which picks the checkpoint."""
        parts = self._parts.of_all_processes()
        accuracy, macro_f1 = parts.accuracy(), parts.macro_f1()
        figures = {"val_accuracy": accuracy, "val_macro_f1": macro_f1, "val_loss": parts.mean_loss()}
        picked = picked_by(macro_f1, self.current_epoch)
        self.log_dict(figures | {"val_figure": picked}, sync_dist=True)
