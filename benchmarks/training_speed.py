"""How many images a second does a training take through, against plain Lightning on the same network?

The same images, network, crops, batch and number of threads. *Theirs* is what a competent user writes with
Lightning, segmentation_models_pytorch and albumentations: a Dataset that decodes the file, scales it,
augments, normalises; a DataLoader with a worker per core; float32. *Ours* reads prepared tiles and trains
in the precision that it ships with for this processor, and once more in float32. Blocks of an epoch
alternate in one process; ours runs twice a round (the A/A control). *Input* is the same without the
network. Preparing the tiles once is timed by itself.

    python benchmarks/training_speed.py --parts 60 --rounds 4
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations
import cv2
import lightning
import numpy as np
import segmentation_models_pytorch as smp
import torch
from albumentations.pytorch import ToTensorV2
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.cli import main as taktsight
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.samples import Sample
from taktsight.imaging import Canvas
from taktsight.training.machine import fast_precision
from taktsight.training.segmenter import Segmenter

SIDE, FACTOR, CROP, BATCH = 1024, 2, 192, 4
ENCODER, DECODER = "tf_efficientnet_lite0", (96, 48, 32, 24, 16)
LABELS = ("crack", "pit", "scratch", "stain")
OURS, AGAIN, FULL, THEIRS = "ours", "ours again", "ours in float32", "theirs"


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
        image, file = _read(self.images[index]), self.masks[index]
        mask = np.zeros(image.shape, np.uint8) if file is None else _read(file)
        drawn = self.transform(image=image[:, :, None], mask=(mask > 0) * np.uint8(self.classes[index]))
        return drawn["image"], drawn["mask"].long()


def _read(file: Path) -> np.ndarray:
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


def main() -> None:
    """Measures, prints, writes ``results/training_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=1, help="of a block")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        data, prepare_seconds = _data(home, arguments.parts)
        loaders = {OURS: data.train_dataloader, THEIRS: lambda: _plain_loader(data)}
        whole = _alternate(_whole_blocks(loaders, home, arguments.epochs), arguments.rounds)
        fed = _alternate(_input_blocks(loaders, arguments.epochs), arguments.rounds)
    result = {
        "ratio_end_to_end": _ratio(whole, OURS, THEIRS),
        "ratio_end_to_end_float32": _ratio(whole, FULL, THEIRS),
        "ratio_input": _ratio(fed, OURS, THEIRS),
        "aa": _ratio(whole, OURS, AGAIN),
        "aa_input": _ratio(fed, OURS, AGAIN),
        "images_per_s": {name: round(float(np.median(rates)), 1) for name, rates in whole.items()},
        "input_images_per_s": {name: round(float(np.median(rates)), 1) for name, rates in fed.items()},
        "preparing_once_s": round(prepare_seconds, 2),
        "images": len(data.split("train")),
        "side_px": SIDE,
        "canvas_px": SIDE // FACTOR,
        "crop_px": CROP,
        "batch": BATCH,
        "rounds": arguments.rounds,
        "precision": fast_precision(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        **circumstances(),
    }
    write_result("training_speed", result)


def _data(home: Path, parts: int) -> tuple[InspectionData, float]:
    synth = f"data synth {home}/parts --parts {parts} --size-px {SIDE} --defective-share 0.5 --seed 1"
    if taktsight(synth.split()):
        raise SystemExit("the parts could not be rendered")
    data = InspectionData(
        home / "parts",
        "mask_folder",
        Canvas(SIDE // FACTOR, SIDE // FACTOR, 1, FACTOR),
        index=home / "parts" / "index.csv",
        part_column="part",
        batch_size=BATCH,
        crop=(CROP, CROP),
        cache_dir=home / "cache",
    )
    began = time.monotonic()
    data.setup("fit")
    return data, time.monotonic() - began


def _plain_loader(data: InspectionData) -> DataLoader[tuple[Tensor, Tensor]]:
    parts = Parts(data.split("train"), data.labels)
    workers = os.cpu_count() or 1
    return DataLoader(
        parts, BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True
    )


Block = Callable[[], float]
"""Trains or reads for a while; images a second."""


def _whole_blocks(loaders: dict[str, Any], home: Path, epochs: int) -> dict[str, Block]:
    """Each block is a fit of its own: a training's start and end are part of it, on both sides."""
    models = {OURS: _ours(), THEIRS: PlainSegmenter()}
    ready = {name: make() for name, make in loaders.items()}

    def block(name: str, precision: str) -> Block:
        def fit() -> float:
            trainer = _trainer(home, epochs, precision)
            began = time.monotonic()
            trainer.fit(models[name], ready[name])
            return trainer.global_step * BATCH / (time.monotonic() - began)

        return fit

    ours = block(OURS, fast_precision())
    return {OURS: ours, THEIRS: block(THEIRS, "32-true"), AGAIN: ours, FULL: block(OURS, "32-true")}


def _ours() -> Segmenter:
    return Segmenter(labels=LABELS, channels=1, encoder=ENCODER, decoder_channels=DECODER)


def _trainer(home: Path, epochs: int, precision: Any) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        precision=precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        default_root_dir=home,
    )


def _input_blocks(loaders: dict[str, Any], epochs: int) -> dict[str, Block]:
    ready = {name: make() for name, make in loaders.items()}

    def block(name: str) -> Block:
        def read() -> float:
            began = time.monotonic()
            count = sum(len(batch[0]) for _ in range(epochs) for batch in _batches(ready[name]))
            return count / (time.monotonic() - began)

        return read

    return {OURS: block(OURS), THEIRS: block(THEIRS), AGAIN: block(OURS)}


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    yield from loader


def _alternate(blocks: dict[str, Block], rounds: int) -> dict[str, list[float]]:
    """One block of each in turn, the order turned each round; the first round warms up."""
    rates: dict[str, list[float]] = {name: [] for name in blocks}
    names = list(blocks)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rate = blocks[name]()
            if turn:
                rates[name].append(rate)
                print(f"round {turn} {name}: {rate:.1f} images/s", flush=True)
    return rates


def _ratio(rates: dict[str, list[float]], over: str, under: str) -> float:
    """Median over the rounds of the ratio within a round: what slows the machine slows both."""
    return round(float(np.median(np.array(rates[over]) / np.array(rates[under]))), 3)


if __name__ == "__main__":
    main()
