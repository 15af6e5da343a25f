"""Roboflow's ``inference-models``, fed a model package from a local folder: no account, no network.

The package is the classifier that Ultralytics exported; Roboflow has a class for just that network.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = ("inference", "inference-models", "onnxruntime", "torch", "opencv-python", "numpy")
LIMIT = 0.5


def open_cycle(folder: Path, variant: str, threads: int) -> Callable[[Any], tuple[bool, float]]:
    """Judges one frame: the model is called, its confidences are read."""
    import torch
    from inference_models.models.yolov8.yolov8_classification_onnx import YOLOv8ForClassificationOnnx
    from serve import same_threads  # type: ignore[import-not-found]  # beside this file, in the peer's process

    same_threads(threads)
    torch.set_num_threads(threads)
    model = YOLOv8ForClassificationOnnx.from_pretrained(
        str(_package(folder, variant)),
        onnx_execution_providers=["CPUExecutionProvider"],
        device=torch.device("cpu"),
    )

    def cycle(frame: Any) -> tuple[bool, float]:
        confidence = model(frame).confidence[0]
        score = float(confidence[1:].max())
        return score < LIMIT, score

    return cycle


def _package(folder: Path, variant: str) -> Path:
    """A folder as the package's loader wants it."""
    package = folder / "roboflow"
    package.mkdir(exist_ok=True)
    shutil.copy(folder / variant, package / "weights.onnx")
    (package / "class_names.txt").write_text("good\ncrack\npit\nscratch\nstain\n", encoding="utf-8")
    size = {"height": 256, "width": 256}
    network_input = {
        "training_input_size": size,
        "dynamic_spatial_size_supported": False,
        "color_mode": "rgb",
        "resize_mode": "stretch",
        "input_channels": 3,
        "scaling_factor": 255,
    }
    config = {
        "network_input": network_input,
        "forward_pass": {"static_batch_size": 1},
        "post_processing": {"type": "softmax", "fused": True},
    }
    (package / "inference_config.json").write_text(json.dumps(config), encoding="utf-8")
    return package
