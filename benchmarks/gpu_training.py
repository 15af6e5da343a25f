"""How much of a training on a GPU is spent in the network, and does torch.compile pay?

*Fit* is a training as the command runs it: prepared tiles, augmented and copied to the GPU, callbacks,
logging. *Bare* is the same step (forward, loss, backward, optimiser) on batches that lie on the GPU
already. The share of the time inside the network is the rate of the first ÷ the rate of the second. Both
alternate; the bare step also runs in float32, compiled, and with kernels that do not repeat.

    python benchmarks/gpu_training.py --parts 1600 --rounds 3 --batches 8 32
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import lightning
import numpy as np
import torch

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.cli import main as taktsight
from taktsight.datasets.datamodule import InspectionData
from taktsight.datasets.prepared_split import Crops
from taktsight.imaging import Canvas
from taktsight.training.averaging import MeanWeights
from taktsight.training.loss_watching import Divergence
from taktsight.training.machine import fast_precision
from taktsight.training.segmenter import Segmenter

SIDE, CROP = 512, 256
RESIDENT = 8
"""Batches that the bare step goes round."""
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def main() -> None:
    """Measures, prints, writes ``results/gpu_training.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=1600, help="three of five are trained on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="of a block")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 32], help="images in a batch")
    parser.add_argument("--any-device", action="store_true", help="also where there is no GPU")
    arguments = parser.parse_args()
    if not torch.cuda.is_available() and not arguments.any_device:
        raise SystemExit("there is no GPU here: what would be measured is benchmarks/training_speed.py")
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _render(home, arguments.parts)
        rows = []
        for batch in arguments.batches:
            rows.append(_measure(home, batch, arguments.steps, arguments.rounds))
            write_result("gpu_training", {"device": _device_name(), "rows": rows, **circumstances()})


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _render(home: Path, parts: int) -> None:
    synth = f"data synth {home}/parts --parts {parts} --size-px {SIDE} --defective-share 0.5 --seed 1"
    if taktsight(synth.split()):
        raise SystemExit("the parts could not be rendered")


def _data(home: Path, batch: int) -> InspectionData:
    canvas = Canvas(SIDE, SIDE, 1)
    data = InspectionData(
        home / "parts",
        "mask_folder",
        canvas,
        index=home / "parts" / "index.csv",
        part_column="part",
        batch_size=batch,
        crop=(CROP, CROP),
        cut_paste=0.4,
        cache_dir=home / "cache",
    )
    data.setup("fit")
    return data


Block = Callable[[], float]
"""Trains for a while; images a second."""


def _measure(home: Path, batch: int, steps: int, rounds: int) -> dict[str, object]:
    data = _data(home, batch)
    blocks = {
        "fit": _fit_block(data, home, batch, steps),
        "input": _input_block(data, steps),
        "bare": _bare_block(data, batch, steps, fast_precision()),
        "bare float32": _bare_block(data, batch, steps, "32-true"),
        "bare compiled": _bare_block(data, batch, steps, fast_precision(), compiled=True),
        "bare unrepeatable": _bare_block(data, batch, steps, fast_precision(), repeatable=False),
        "bare again": _bare_block(data, batch, steps, fast_precision()),
    }
    rates: dict[str, list[float]] = {name: [] for name in blocks}
    for turn in range(rounds + 1):  # the first warms up
        for name, block in blocks.items():
            began = time.monotonic()
            rate = block()
            print(f"batch {batch} round {turn} {name}: {rate:.0f} images/s", flush=True)
            if turn:
                rates[name].append(rate)
            elif name == "bare compiled":
                compiling_s = time.monotonic() - began
    return {
        "batch": batch,
        "crop_px": CROP,
        "precision": fast_precision(),
        "share_in_network": _ratio(rates, "fit", "bare"),
        "bf16_over_float32": _ratio(rates, "bare", "bare float32"),
        "unrepeatable_over_repeatable": _ratio(rates, "bare unrepeatable", "bare"),
        "compiled_over_eager": _ratio(rates, "bare compiled", "bare"),
        "aa": _ratio(rates, "bare", "bare again"),
        "compiling_s": round(compiling_s, 1),
        "images_per_s": {name: round(float(np.median(each))) for name, each in rates.items()},
    }


def _fit_block(data: InspectionData, home: Path, batch: int, steps: int) -> Block:
    """As the command trains, without validation; the rate is that between the first step and the last."""

    def fit() -> float:
        torch.manual_seed(0)
        watch = _Watch()
        trainer = lightning.Trainer(
            max_steps=steps,
            max_epochs=-1,
            precision=fast_precision(),
            callbacks=[MeanWeights(), Divergence(), watch],
            deterministic="warn",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            default_root_dir=home,
            use_distributed_sampler=False,
        )
        trainer.fit(_model(data), datamodule=data)
        return watch.images_per_s(batch)

    return fit


class _Watch(lightning.Callback):
    """When the first step had ended, and the last."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0
        self.steps = 0

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if self.steps == 0:
            _wait()
            self.began = time.monotonic()
        self.steps += 1

    def on_train_end(self, *_: Any) -> None:
        _wait()
        self.ended = time.monotonic()

    def images_per_s(self, batch: int) -> float:
        return (self.steps - 1) * batch / (self.ended - self.began)


def _input_block(data: InspectionData, steps: int) -> Block:
    """Drawing alone."""

    def read() -> float:
        loader = data.train_dataloader()
        for _ in loader:  # starts the workers
            pass
        began, images = time.monotonic(), 0
        while images < steps * 16:
            for batch in loader:
                images += len(batch.images)
        return images / (time.monotonic() - began)

    return read


def _bare_block(
    data: InspectionData,
    batch: int,
    steps: int,
    precision: str,
    *,
    compiled: bool = False,
    repeatable: bool = True,
) -> Block:
    """The step alone, on what lies on the device; of the same kernels as the training, if repeatable."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = _model(data).to(device).train()
    if compiled:
        for piece in (
            model.network.body.encoder,
            model.network.body.decoder,
            model.network.body.segmentation_head,
        ):
            piece.compile()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    resident = _resident(data, device)

    def train() -> float:
        torch.use_deterministic_algorithms(repeatable, warn_only=True)
        _wait()
        began = time.monotonic()
        for step in range(steps):
            crops = resident[step % len(resident)]
            with torch.autocast(device.type, AUTOCAST.get(precision), enabled=precision in AUTOCAST):
                loss = model._loss(crops, *model.network.logits(crops.images))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives no types
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        _wait()
        return steps * batch / (time.monotonic() - began)

    return train


def _resident(data: InspectionData, device: torch.device) -> list[Crops]:
    batches: list[Crops] = []
    while len(batches) < RESIDENT:
        batches += [Crops(*(each.to(device) for each in crops)) for crops in data.train_dataloader()]
    return batches[:RESIDENT]


def _model(data: InspectionData) -> Segmenter:
    return Segmenter(labels=data.labels, channels=1, decoder_channels=(96, 48, 32, 16, 8))


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _ratio(rates: dict[str, list[float]], over: str, under: str) -> float:
    return round(float(np.median(np.array(rates[over]) / np.array(rates[under]))), 3)


if __name__ == "__main__":
    main()
