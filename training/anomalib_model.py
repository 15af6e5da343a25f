"""A model that anomalib trained, calibrated on good parts and carried on as one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from taktsight.datasets.prepared_split import Crops
from taktsight.errors import ConfigError, DataError
from taktsight.training.anomalib_checkpoint import build_model, open_checkpoint
from taktsight.training.anomalib_networks import AnomalibNetwork, AsWritten, make_room
from taktsight.training.anomalib_scoring import Padim, Patchcore
from taktsight.training.validation import ValidationParts

LEAST_SPREAD = 0.02
"""Of the mean of good parts: a handful that agree by chance must not make a hair-trigger."""
RECORD = "anomalib"
"""Where a checkpoint of ours says what the model was made with."""


class AnomalibDetector(lightning.LightningModule):
    """Takes over a checkpoint of anomalib; trains nothing, learns from good parts of val where 0.5 lies.

    Args:
        model: anomalib's class: Padim, Patchcore, Stfpm, …
        checkpoint: the ``.ckpt`` that anomalib's Engine wrote.
        labels: the one label of whatever is not good; given by the data.
        channels: 1 or 3; given by the data.
    """

    network: AnomalibNetwork

    def __init__(
        self, model: str, checkpoint: Path | None = None, labels: tuple[str, ...] = (), channels: int = 3
    ) -> None:
        if len(labels) != 1:
            raise ConfigError(
                f"an anomalib model knows one label, the data have {len(labels)}: "
                "set data.learn_from to good"
            )
        super().__init__()
        self.automatic_optimization = False
        self.labels = tuple(labels)
        self._name, self._file, self._channels = model, checkpoint, channels
        self._record: dict[str, Any] = {}
        self._tiles: list[tuple[Tensor, Tensor, Tensor]] = []
        self.save_hyperparameters()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract: (N, H, W, C) uint8 → maps and scores in 0–1."""
        answer: tuple[Tensor, Tensor] = self.network(images)
        return answer

    def setup(self, stage: str) -> None:
        """Opens anomalib's checkpoint for the canvas of the data.

        Raises:
            ConfigError: If there is none, or it cannot be taken over.
        """
        if self._file is None:
            raise ConfigError("model.checkpoint: name the .ckpt that anomalib wrote")
        opened = open_checkpoint(self._name, self._file)
        trainer: Any = self.trainer  # Lightning does not say that a trainer has a data module
        canvas = trainer.datamodule.canvas
        self._record = {
            "options": opened.options,
            "canvas": (canvas.height, canvas.width, canvas.channels),
            "size": opened.size or (canvas.height, canvas.width),
            "mean": opened.mean,
            "deviation": opened.deviation,
        }
        self.network = _around(self._name, opened.torch_model, self._record)
        if isinstance(self.network.scoring, Padim | Patchcore):
            self.network.scoring.fill(opened.torch_model, self.network.size)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Says what the model is made with: a run needs anomalib's checkpoint no longer."""
        checkpoint[RECORD] = self._record

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Makes a model whose every tensor has the size that is about to be loaded."""
        self._record = checkpoint[RECORD]
        model = build_model(self._name, self._record["options"], tuple(self._record["size"]))
        self.network = _around(self._name, model, self._record)
        prefix = "network."
        make_room(
            self.network, {key.removeprefix(prefix): each for key, each in checkpoint["state_dict"].items()}
        )

    def configure_optimizers(self) -> None:
        """None: what is learned here is computed."""

    def training_step(self, batch: Crops, batch_index: int) -> None:
        """Nothing: anomalib has trained it."""

    def on_validation_epoch_start(self) -> None:
        """Begins to collect."""
        self.network.eval()
        self._tiles = []

    def validation_step(self, batch: Crops, batch_index: int) -> None:
        """Collects the farthest place of each tile, and what the model says of the whole.

        Raises:
            ConfigError: If the model fails on tiles of this size.
        """
        try:
            cells, part = self.network.distances(batch.images)
        except RuntimeError as error:
            height, width = self.network.size
            raise ConfigError(
                f"{self._file}: {self._name} fails on images of {width}×{height} px, which it was "
                f"configured for: {error}. Train it with anomalib at a size that it takes"
            ) from error
        farthest = cells.flatten(1).amax(dim=1, keepdim=True)
        self._tiles.append((batch.owners, batch.labels, torch.cat([farthest, part], dim=1)))

    def on_validation_epoch_end(self) -> None:
        """Calibrates on the good parts of val and logs the part-level AUROC.

        Raises:
            DataError: If val has no good part, or the model answers with something that is no number.
        """
        owners, labels, tiles = (torch.cat(columns) for columns in zip(*self._tiles, strict=True))
        good = labels == len(self.labels)
        if not bool(good.any()):
            raise DataError("val has no good part to calibrate on: put some there")
        if not bool(torch.isfinite(tiles).all()):
            raise DataError(f"{self._file}: answers with infinite or undefined distances; train it again")
        held_out = torch.stack([tiles[owners == owner].amax(dim=0) for owner in set(owners[good].tolist())])
        mean = held_out.mean(dim=0)
        spread = held_out.std(dim=0).nan_to_num(0.0).maximum(LEAST_SPREAD * mean.abs()).clamp(min=1e-6)
        self.network.calibration.copy_(torch.stack([mean, spread], dim=1))
        parts = ValidationParts()
        parts.add(owners, labels, ((tiles - mean) / spread)[:, 1:].sigmoid(), len(self.labels))
        self.log_dict({"val_auroc": parts.auroc(), "val_figure": parts.auroc()}, prog_bar=True)

    def on_train_end(self) -> None:
        """Keeps the model: Lightning's own checkpoints wait for a step of an optimiser."""
        self.trainer.save_checkpoint(Path(self.trainer.default_root_dir) / "best.ckpt")


def _around(name: str, model: nn.Module, record: dict[str, Any]) -> AnomalibNetwork:
    """Our network around a torch model of anomalib; what Padim and Patchcore learned is not yet in it."""
    scoring: nn.Module
    if name == "Padim":
        scoring = Padim(model)
    elif name == "Patchcore":
        scoring = Patchcore(model)
    else:
        scoring = AsWritten(model)
    canvas, size, mean, deviation = (tuple(record[key]) for key in ("canvas", "size", "mean", "deviation"))
    return AnomalibNetwork(scoring, canvas, size, mean, deviation)
