"""Parts that a small network learns within seconds: grey noise, with a bright spot or a dark bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

KINDS = ("good", "bar", "spot")
SIZE_PX = 64

CLASSIFIER = """
model:
  class_path: taktsight.training.classifier.Classifier
  init_args:
    encoder: test_efficientnet
    learning_rate: 0.005
data:
  root: {root}
  layout: class_folder
  canvas: {{height: 64, width: 64, channels: 1, overlap: 32}}
  batch_size: {batch}
  augment: light
  cache_dir: {root}-cache
trainer:
  accelerator: cpu
  max_epochs: {epochs}
  check_val_every_n_epoch: 5
"""

SEGMENTER = """
model:
  class_path: taktsight.training.segmenter.Segmenter
  init_args:
    encoder: test_efficientnet
    decoder_channels: [32, 16, 16, 8, 8]
    learning_rate: 0.01
data:
  root: {root}
  layout: mask_folder
  canvas: {{height: 64, width: 64, channels: 1, overlap: 32}}
  batch_size: {batch}
  augment: light
  cache_dir: {root}-cache
trainer:
  accelerator: cpu
  max_epochs: {epochs}
  check_val_every_n_epoch: 5
"""


def part(kind: str, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Image and mask, both (64, 64) uint8."""
    image = rng.normal(110, 8, (SIZE_PX, SIZE_PX))
    mask = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    y, x = rng.integers(14, SIZE_PX - 14, 2).tolist()
    if kind == "spot":
        cv2.circle(mask, (x, y), 7, (255,), -1)
        image[mask > 0] += 90
    if kind == "bar":
        mask[y - 2 : y + 3, 8 : SIZE_PX - 8] = 255
        image[mask > 0] -= 80
    return image.clip(0, 255).astype(np.uint8), mask


def make_parts(
    root: Path, count: int, *, masks: bool, seed: int = 0, filed_under: Sequence[str] = ()
) -> None:
    """Writes ``count`` parts, kinds in turn, as 000.png …

    Args:
        root: gets one folder per label, or images/ and masks/.
        count: how many.
        masks: whether each defect gets its mask.
        seed: of everything random.
        filed_under: the label each of the first parts is filed under, right or wrong; "" where right.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        image, mask = part(kind, rng)
        label = (filed_under[number] if number < len(filed_under) else "") or kind
        name = f"{number:03}.png"
        save(root / ("images" if masks else "") / label / name, image)
        if masks and label != "good":
            save(root / "masks" / label / name, mask)


def save(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
