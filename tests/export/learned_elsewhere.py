"""A small segmenter that somebody trained in plain PyTorch, and the drawn parts that it knows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from taktsight.image_files import encode_png, read_image
from taktsight.records import Image

from .foreign_models import IMAGENET, Arguments, export

CLASSES = ("good", "hole", "spot")
SIDE = 128
PARTS = {"train": 32, "val": 20, "test": 20}
"""Enough to measure ranges on, and to judge."""
STEPS = 150
Draw = Callable[[int, str], tuple[Image, Image]]


def draw_part(number: int, label: str) -> tuple[Image, Image]:
    """An image of grey metal, darker or brighter from part to part, and the mask of its one disc."""
    rng = np.random.default_rng(number)
    image = rng.normal(rng.uniform(90, 150), 6, (SIDE, SIDE, 3))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if label != "good":
        place = tuple(int(each) for each in rng.integers(24, SIDE - 24, 2))
        cv2.circle(mask, place, int(rng.integers(7, 13)), 255, -1)
        image[mask > 0] += 80 if label == "spot" else -70
    return np.clip(image, 0, 255).astype(np.uint8), mask


def draw_noise(number: int, label: str) -> tuple[Image, Image]:
    """What is no part at all: fine noise of one grey, as of a camera with its lens cap on."""
    _, mask = draw_part(number, label)
    noise = np.random.default_rng(number).integers(118, 126, (SIDE, SIDE, 3), dtype=np.uint8)
    return noise, mask


def write_parts(root: Path, draw_train: Draw = draw_part, counts: Mapping[str, int] = PARTS) -> Path:
    """A mask folder with the split in its index: half of the parts are good."""
    rows: list[tuple[str, str]] = []
    for split, count in counts.items():
        for place in range(count):
            label = CLASSES[(0, 1, 0, 2)[place % 4]]
            number = len(rows)
            draw = draw_train if split == "train" else draw_part
            image, mask = draw(number, label)
            file = root / "images" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(image))
            if label != "good":
                (root / "masks" / label).mkdir(parents=True, exist_ok=True)
                (root / "masks" / label / f"{number}.png").write_bytes(encode_png(mask[:, :, np.newaxis]))
            rows.append((file.relative_to(root).as_posix(), split))
    with (root / "index.csv").open("w", encoding="utf-8") as file_:
        csv.writer(file_).writerows([("image", "split"), *rows])
    return root


class SmallSegmenter(nn.Module):
    """Four convolutions at a quarter of the size."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, behind, stride in ((3, 16, 2), (16, 24, 2), (24, 24, 1)):
            layers += [nn.Conv2d(before, behind, 3, stride, 1), nn.BatchNorm2d(behind), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(24, len(CLASSES), 1), nn.Upsample(scale_factor=4))

    def forward(self, images: Tensor) -> Tensor:
        return torch.as_tensor(self.layers(images))


def learned(root: Path) -> nn.Module:
    """Trained on the train parts for some seconds."""
    torch.manual_seed(0)
    images, targets = _train_parts(root)
    network = SmallSegmenter().train()
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    weights = torch.tensor([1.0, 8.0, 8.0])
    for _ in range(STEPS):
        chosen = torch.randperm(len(images))[:8]
        loss = nn.functional.cross_entropy(network(images[chosen]), targets[chosen], weight=weights)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return network.eval()


def _train_parts(root: Path) -> tuple[Tensor, Tensor]:
    rows = list(csv.DictReader((root / "index.csv").read_text(encoding="utf-8").splitlines()))
    files = [root / row["image"] for row in rows if row["split"] == "train"]
    pixels = torch.from_numpy(np.stack([read_image(file, 3) for file in files])) / 255
    targets = [_target(root / "masks" / file.parent.name / file.name) for file in files]
    mean, deviation = IMAGENET
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2), torch.from_numpy(np.stack(targets))


def _target(mask: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    if not mask.is_file():
        return np.zeros((SIDE, SIDE), np.int64)
    drawn = read_image(mask, 1)[:, :, 0] > 127
    return drawn.astype(np.int64) * CLASSES.index(mask.parent.name)


def write_model(root: Path, file: Path) -> Path:
    """What its owner exports."""
    return export(learned(root), file)


def stated_of(root: Path) -> Arguments:
    """Its owner's words, and where the parts lie."""
    data = [
        str(root),
        "--layout",
        "mask_folder",
        "--index",
        str(root / "index.csv"),
        "--split-column",
        "split",
    ]
    named = ["--classes", ",".join(CLASSES), "--activation", "softmax", "--normalise", "imagenet"]
    return [*data, "--task", "segmentation", *named]
