"""A loop of OpenCV, NumPy and ONNX Runtime: ``textbook`` as tutorials have it, ``tidy`` as a careful one.

The network is a U-Net exported from float32 NCHW, logits out; a part is judged by the same limits as
Taktsight's. Nothing is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

PACKAGES = ("onnxruntime", "opencv-python-headless", "numpy")
TOP_PIXELS = 8
"""A label's score is the mean of so many highest pixels, as the network was trained."""
Judge = Callable[[NDArray[np.uint8]], tuple[bool, float]]


def open_cycle(folder: Path, variant: str, threads: int) -> Judge:
    """Judges one mono frame; the model is ``plain.onnx``, its limits stand in ``card.json``."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    limits = np.array([min(each["review_score"], each["reject_score"]) for each in card["limits"]])
    edges = np.array([each["map_score"] for each in card["limits"]])
    size = (card["canvas"]["width"], card["canvas"]["height"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        folder / "plain.onnx", options, providers=["CPUExecutionProvider"]
    )
    return (_tidy if variant == "tidy" else _textbook)(session, size, limits, edges)


def _textbook(session: Any, size: tuple[int, int], limits: NDArray[Any], edges: NDArray[Any]) -> Judge:
    name = session.get_inputs()[0].name

    def cycle(frame: NDArray[np.uint8]) -> tuple[bool, float]:
        image = cv2.resize(frame, size) / 255.0
        image = (image - 0.5) / 0.5
        tensor = image[np.newaxis, np.newaxis].astype(np.float32)
        logits = session.run(None, {name: tensor})[0][0]
        maps = 1 / (1 + np.exp(-logits))
        scores = np.sort(maps.reshape(len(maps), -1), axis=1)[:, -TOP_PIXELS:].mean(axis=1)
        defects = []
        for label, each in enumerate(maps):
            whole = cv2.resize(each, (frame.shape[1], frame.shape[0]))
            mask = (whole >= edges[label]).astype(np.uint8)
            count, _, stats, centres = cv2.connectedComponentsWithStats(mask)
            defects += [(label, stats[region], centres[region]) for region in range(1, count)]
        return bool((scores < limits).all()), float(scores.max())

    return cycle


def _tidy(session: Any, size: tuple[int, int], limits: NDArray[Any], edges: NDArray[Any]) -> Judge:
    name = session.get_inputs()[0].name
    levels = np.log(edges / (1 - edges)).astype(np.float32)  # on logits: no sigmoid of every pixel

    def cycle(frame: NDArray[np.uint8]) -> tuple[bool, float]:
        image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        tensor = cv2.dnn.blobFromImage(image, 1 / 127.5, mean=127.5)
        logits = session.run(None, {name: tensor})[0][0]
        flat = logits.reshape(len(logits), -1)
        top = np.partition(flat, -TOP_PIXELS, axis=1)[:, -TOP_PIXELS:]
        scores = (1 / (1 + np.exp(-top))).mean(axis=1)
        defects = []
        for label, each in enumerate(logits):
            if each.max() >= levels[label]:
                mask = (each >= levels[label]).view(np.uint8)
                count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
                defects += [(label, stats[region]) for region in range(1, count)]
        return bool((scores < limits).all()), float(scores.max())

    return cycle
