"""How many images a second does a training take through, against plain Lightning on the same network?

The same images, network, crops, batch and number of threads. *Theirs* is what a competent user writes with
Lightning, segmentation_models_pytorch and albumentations: a Dataset that decodes the file, scales it,
augments, normalises; a DataLoader with a worker per core; float32. *Ours* reads prepared tiles and trains
in the precision that it ships with for this processor, and once more in float32, and keeps freed memory as
the command does. Blocks of some epochs alternate in one process; ours runs twice a round (the A/A control).
*Input* is the same without the network. Preparing the tiles once is timed by itself. *Accuracy*: both learn
from as many crops, from random weights, and judge parts that neither has seen.

    python benchmarks/training_speed.py --parts 120 --rounds 4 --learn-from 3200
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import cv2
import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.benchmarks.plain_lightning import (
    BATCH,
    CROP,
    DECODER,
    ENCODER,
    FACTOR,
    LABELS,
    SIDE,
    Parts,
    PlainSegmenter,
    read_grey,
)
from taktsight.cli import main as taktsight
from taktsight.datasets.datamodule import InspectionData
from taktsight.imaging import Canvas
from taktsight.training.allocator import keep_freed_memory, return_freed_memory
from taktsight.training.averaging import MeanWeights
from taktsight.training.machine import fast_precision
from taktsight.training.networks import TOP_PIXELS
from taktsight.training.segmenter import Segmenter
from taktsight.training.validation import ValidationParts

OURS, AGAIN, FULL, THEIRS = "ours", "ours again", "ours in float32", "theirs"


def main() -> None:
    """Measures, prints, writes ``results/training_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2, help="of a block")
    parser.add_argument("--learn-from", type=int, default=3200, metavar="CROPS", help="0: no accuracy")
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
        accuracy = _accuracy(loaders, data, home, arguments.learn_from) if arguments.learn_from else {}
    result = {
        "ratio_end_to_end": _ratio(whole, OURS, THEIRS),
        "ratio_end_to_end_float32": _ratio(whole, FULL, THEIRS),
        "ratio_input": _ratio(fed, OURS, THEIRS),
        "aa": _ratio(whole, OURS, AGAIN),
        "aa_input": _ratio(fed, OURS, AGAIN),
        "images_per_s": {name: round(float(np.median(rates)), 1) for name, rates in whole.items()},
        "input_images_per_s": {name: round(float(np.median(rates)), 1) for name, rates in fed.items()},
        "accuracy": accuracy,
        "learned_from_crops": arguments.learn_from,
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
            keep_freed_memory() if name == OURS else return_freed_memory()
            trainer = _trainer(home, epochs, precision)
            began = time.monotonic()
            trainer.fit(models[name], ready[name])
            return trainer.global_step * BATCH / (time.monotonic() - began)

        return fit

    ours = block(OURS, fast_precision())
    return {OURS: ours, THEIRS: block(THEIRS, "32-true"), AGAIN: ours, FULL: block(OURS, "32-true")}


def _accuracy(loaders: dict[str, Any], data: InspectionData, home: Path, crops: int) -> dict[str, object]:
    """Each learns from as many crops, at its own rates; part AUROC and mean pixel F1 on parts unseen."""
    figures: dict[str, object] = {}
    for name, precision in ((OURS, fast_precision()), (THEIRS, "32-true")):
        torch.manual_seed(0)
        model = _ours() if name == OURS else PlainSegmenter()
        loader = loaders[name]()
        averages: list[lightning.Callback] = [MeanWeights()] if name == OURS else []
        trainer = _trainer(home, math.ceil(crops / (BATCH * len(loader))), precision, averages)
        began = time.monotonic()
        trainer.fit(model, loader)
        figures[name] = {"seconds": round(time.monotonic() - began)} | _judged(model.eval(), data)
        print(name, figures[name], flush=True)
    return figures


@torch.inference_mode()
def _judged(model: Any, data: InspectionData) -> dict[str, float]:
    """Parts of val and test: the highest of the defect maps is the score, half-way the edge of a region."""
    parts = ValidationParts()
    for owner, sample in enumerate(data.split("val") + data.split("test")):
        image = cv2.resize(
            read_grey(sample.images[0]), None, fx=1 / FACTOR, fy=1 / FACTOR, interpolation=cv2.INTER_AREA
        )
        if isinstance(model, Segmenter):
            defect = model(torch.from_numpy(image)[None, :, :, None])[0].amax(dim=1)
        else:
            plain = (torch.from_numpy(image)[None, None].float() / 255 - 0.5) / 0.5
            defect = 1 - model.model(plain).softmax(dim=1)[:, 0]
        truth = torch.zeros_like(defect, dtype=torch.bool)
        if sample.is_defective and sample.masks[0]:
            mask = cv2.resize(
                read_grey(sample.masks[0]), None, fx=1 / FACTOR, fy=1 / FACTOR, interpolation=cv2.INTER_AREA
            )
            truth[0] = torch.from_numpy(mask > 127)
        found = defect >= 0.5
        score = defect.flatten(1).topk(TOP_PIXELS).values.mean(dim=1, keepdim=True)
        label = torch.tensor([0 if sample.is_defective else 1])
        parts.add(torch.tensor([owner]), label, score, 1)
        parts.add_pixels(torch.tensor([owner]), found & truth, found, truth)
    return {"part_auroc": round(parts.auroc(), 4), "pixel_f1": round(parts.mean_pixel_f1(), 4)}


def _ours() -> Segmenter:
    return Segmenter(labels=LABELS, channels=1, encoder=ENCODER, decoder_channels=DECODER)


def _trainer(
    home: Path, epochs: int, precision: Any, callbacks: Sequence[lightning.Callback] = ()
) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        precision=precision,
        callbacks=list(callbacks),
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
