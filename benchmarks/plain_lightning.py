"""What a competent user writes with Lightning, segmentation_models_pytorch and albumentations.

The baseline of ``training_speed.py``: a Dataset that decodes the file, scales it, augments, normalises; a
U-Net with the library's own losses; AdamW.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations
import cv2
import lightning
import numpy as np
import segmentation_models_pytorch as smp
import torch
from albumentations.pytorch import ToTensorV2
from torch import Tensor
from torch.utils.data import Dataset

from taktsight.datasets.samples import Sample

SIDE, FACTOR, CROP, BATCH = 1024, 2, 192, 4
ENCODER, DECODER = "tf_efficientnet_lite0", (96, 48, 32, 24, 16)
LABELS = ("crack", "pit", "scratch", "stain")


class Parts(Dataset[tuple[Tensor, Tensor]]):
    """Files decoded, scaled and augmented as they are asked for."""

    def __init__(self, samples: list[Sample], labels: tuple[str, ...]) -> None:
        self.images = [each.images[0] for each in samples]
        self.masks = [each.masks[0] if each.masks else None for each in samples]
        self.classes = [1 + labels.index(each.label) if each.is_defective else 0 for each in samples]
        side = SIDE // FACTOR
        self.transform = albumentations.Compose(
            [
                albumentations.Resize(side, side, interpolation=cv2.INTER_AREA),
                albumentations.Affine(scale=(0.85, 1.15), rotate=(-10, 10), p=0.6),
                albumentations.RandomCrop(CROP, CROP),
                albumentations.HorizontalFlip(p=0.5),
                albumentations.VerticalFlip(p=0.5),
                albumentations.RandomBrightnessContrast(0.15, 0.15, p=0.6),
                albumentations.RandomGamma((75, 130), p=0.4),
                albumentations.GaussNoise(std_range=(0.005, 0.02), p=0.2),
                albumentations.Normalize(mean=(0.5,), std=(0.5,)),
                ToTensorV2(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, file = read_grey(self.images[index]), self.masks[index]
        mask = np.zeros(image.shape, np.uint8) if file is None else read_grey(file)
        drawn = self.transform(image=image[:, :, None], mask=(mask > 0) * np.uint8(self.classes[index]))
        return drawn["image"], drawn["mask"].long()


def read_grey(file: Path) -> np.ndarray:
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))


class PlainSegmenter(lightning.LightningModule):
    """A U-Net of segmentation_models_pytorch with its own losses."""

    def __init__(self) -> None:
        super().__init__()
        self.model = smp.Unet(
            f"tu-{ENCODER}",
            encoder_weights=None,
            in_channels=1,
            classes=1 + len(LABELS),
            decoder_channels=DECODER,
        )
        self.dice, self.entropy = smp.losses.DiceLoss("multiclass"), torch.nn.CrossEntropyLoss()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        """Dice and cross-entropy."""
        images, masks = batch
        logits = self.model(images)
        loss: Tensor = self.dice(logits, masks) + self.entropy(logits, masks)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)
