"""The networks that are compared on, each in a folder: frames, the peer's file, Taktsight's file and card.

frames.npy      (N, H, W, C) uint8: every process reads the same bytes
taktsight.onnx  the same network under Taktsight's contract: uint8 in, preparation in the graph
card.json       labels, canvas, limits
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from taktsight.benchmarks.inference import LABELS, card_of_nothing, rendered_frames
from taktsight.benchmarks.peers import anomalib_inferencers, ultralytics_predict
from taktsight.benchmarks.peers.worker import make
from taktsight.card import Card, Task
from taktsight.export.build import unproved_card
from taktsight.export.foreign.graph import choose_outputs, open_graph
from taktsight.export.foreign.reference import Reference
from taktsight.export.foreign.wrap import wrap
from taktsight.export.to_onnx import OPSET, to_onnx
from taktsight.foreign import Preparation
from taktsight.imaging import Canvas
from taktsight.recipe import Limit
from taktsight.training.run_folder import open_run

FRAME_PX = 512
GOOD = "good"


def unet(folder: Path, run_folder: Path, frames: int) -> str:
    """The demo's U-Net, for the plain loop with a float32 input and logits. Returns what it is called."""
    run = open_run(run_folder)
    canvas, network = run.data.canvas, run.module.network.eval()
    np.save(folder / "frames.npy", np.stack(rendered_frames(frames, FRAME_PX)))
    (folder / "taktsight.onnx").write_bytes(to_onnx(network, canvas))
    (folder / "card.json").write_text(unproved_card(run).model_dump_json(), encoding="utf-8")
    example = torch.zeros(1, canvas.planes, canvas.height, canvas.width)
    for name in ("onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        torch.onnx.export(
            network.get_submodule("body"),
            (example,),
            folder / "plain.onnx",
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    return f"unet-lite0-{canvas.height}"


def classifier(folder: Path, python: str, frames: int, threads: int, gib: int) -> str:
    """YOLOv8n-cls with random weights, exported by Ultralytics; frames are grey, so RGB is BGR."""
    np.save(folder / "frames.npy", _three_channels(rendered_frames(frames, FRAME_PX)))
    make(python, "ultralytics_predict", folder, threads, gib)
    side = ultralytics_predict.SIDE_PX
    canvas = Canvas(side, side, 3, FRAME_PX // side)
    _import(folder, folder / "classifier.onnx", "classification", (GOOD, *LABELS), canvas)
    return f"yolov8n-cls-{side}"


def padim(folder: Path, python: str, frames: int, threads: int, gib: int) -> str:
    """anomalib's PaDiM, fitted on sixteen good parts; its graph resizes."""
    images = rendered_frames(frames + 32, FRAME_PX)  # every second has a defect
    np.save(folder / "frames.npy", _three_channels(images[:frames]))
    for number, image in enumerate(images[frames:]):
        _write_part(
            folder / "parts", f"{number:03}.png", image, is_good=_is_good(number + frames, len(images))
        )
    make(python, "anomalib_inferencers", folder, threads, gib)
    canvas = Canvas(FRAME_PX, FRAME_PX, 3)
    _import(folder, folder / "weights/onnx/model.onnx", "anomaly", ("anomaly",), canvas)
    return f"padim-resnet18-{anomalib_inferencers.SIDE_PX}"


def _three_channels(images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.repeat(np.stack(images), 3, axis=3)


def _is_good(number: int, count: int) -> bool:
    """As :func:`rendered_frames` planned it."""
    from taktsight.datasets.synthetic import Product, plan_labels

    product = Product(size_px=FRAME_PX, mm_per_px=51.2 / FRAME_PX)
    return plan_labels(product, parts=count, defective_share=0.5, seed=5)[number] == GOOD


def _write_part(folder: Path, name: str, image: NDArray[np.uint8], *, is_good: bool) -> None:
    kind = folder / ("good" if is_good else "bad")
    kind.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(kind / name), np.repeat(image, 3, axis=2))


def _import(folder: Path, file: Path, task: Task, classes: tuple[str, ...], canvas: Canvas) -> None:
    """As ``taktsight import`` wraps it; pixels 0–1 in, 0–1 out, the rest is in the graph."""
    good = GOOD if GOOD in classes else None
    said = Preparation(
        colour="rgb",
        axes="nchw",
        mean=(0, 0, 0),
        deviation=(1, 1, 1),
        activation="none",
        classes=classes,
        good=good,
    )
    graph = open_graph(file)
    chosen = choose_outputs(graph, task, None, None)
    size = Reference(graph, chosen, said, canvas).map_size
    (folder / "taktsight.onnx").write_bytes(wrap(graph, chosen, said, canvas, size))
    (folder / "card.json").write_text(_card(task, said.labels, canvas).model_dump_json(), encoding="utf-8")


def _card(task: Task, labels: tuple[str, ...], canvas: Canvas) -> Card:
    limits = tuple(Limit(label=label, reject_score=0.5, review_score=0.5) for label in labels)
    return card_of_nothing(canvas).model_copy(update={"task": task, "labels": labels, "limits": limits})
