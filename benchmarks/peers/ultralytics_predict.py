"""Ultralytics' ``predict`` on its own ONNX export of its own classifier. Runs in its environment only.

``make`` writes ``classifier.onnx`` from a YAML that the package brings: random weights, no download.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = ("ultralytics", "onnxruntime", "torch", "opencv-python", "opencv-python-headless", "numpy")
CLASSES, SIDE_PX = 5, 256
"""Class 0 is good."""
LIMIT = 0.5


def open_cycle(folder: Path, variant: str, threads: int) -> Callable[[Any], tuple[bool, float]]:
    """Judges one frame as its users do: ``model.predict(frame)``."""
    import torch
    from serve import same_threads  # type: ignore[import-not-found]  # beside this file, in the peer's process
    from ultralytics import YOLO, settings

    settings.update({"sync": False})
    same_threads(threads)
    torch.set_num_threads(threads)
    model = YOLO(folder / variant, task="classify")

    def cycle(frame: Any) -> tuple[bool, float]:
        (result,) = model.predict(frame, imgsz=SIDE_PX, device="cpu", verbose=False)
        score = float(result.probs.data[1:].max())
        return score < LIMIT, score

    return cycle


def make(folder: Path) -> None:
    """The classifier, with answers that differ from frame to frame."""
    import torch
    from ultralytics import YOLO, settings
    from ultralytics.nn.tasks import ClassificationModel

    settings.update({"sync": False})
    torch.manual_seed(0)
    model = YOLO("yolov8n-cls.yaml", task="classify")
    network = ClassificationModel("yolov8n-cls.yaml", nc=CLASSES, verbose=False)
    network.args, network.task = model.model.args, "classify"
    model.model = network
    torch.nn.init.normal_(network.model[-1].linear.weight, std=0.3)
    _settle(network, folder)
    made = model.export(format="onnx", imgsz=SIDE_PX, simplify=False, device="cpu")
    Path(made).rename(folder / "classifier.onnx")


def _settle(network: Any, folder: Path) -> None:
    """Running means of the frames themselves: without them, random layers answer the same to everything."""
    import numpy as np
    import torch

    frames = np.load(folder / "frames.npy")[:8, ::2, ::2].transpose(0, 3, 1, 2)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        network.train()(torch.from_numpy(frames.copy()).float() / 255)
    network.eval()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
